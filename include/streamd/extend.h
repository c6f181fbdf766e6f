/* extend.h: functions, aggregates and operators of a program's own, for topologies to use by name.
 *
 * Experimental: it may change between minor versions, so define STREAMD_EXPERIMENTAL before including it.
 *
 *     streamd_catalog *catalog = streamd_catalog_new();
 *     streamd_catalog_add_function(catalog, "distance(double, double) double", distance, NULL, NULL, &error);
 *     streamd_topology_parse(catalog, text, size, "rides.stream", &topology, &error);
 *     streamd_catalog_free(catalog);
 *
 * What is added is known to every text that is parsed with the catalogue afterwards, beside what is built
 * in, and to a builder (streamd_builder_catalog). A topology keeps what it uses: the catalogue can be
 * freed at once. call.h says what a callback sees, and what it must and must not do.
 *
 *   Signatures   name(type, type [, type]) type, or with names: name(x type, y type) type
 *                `[, type]` may be left out by a caller; `type...` is one or more, last. A type is bool, int,
 *                double, string, bytes, timestamp, date, time, duration, array<T>, map<T>, decimal(10,2); a
 *                capital letter stands for the same type wherever it stands; `any` for one that nothing
 *                follows from. `decimal` is one of any digits; as a result, of those of the arguments. An int
 *                goes into a double and a decimal, a decimal into a double. Several of one name are told
 *                apart by their types.
 *   Nulls        With a null argument a function gives null, and an aggregate leaves the row out, without
 *                a call, unless it was told to take nulls.
 */
#ifndef STREAMD_EXTEND_H
#define STREAMD_EXTEND_H

#include <streamd/call.h>

#ifdef STREAMD_EXPERIMENTAL

#ifdef __cplusplus
extern "C" {
#endif

/* ---- Catalogues ------------------------------------------------------------------------------ */

/* Make a catalogue that knows what is built in. Never NULL. */
STREAMD_API streamd_catalog *streamd_catalog_new(void);

/* Free a catalogue. What topologies still use of it stays until they are freed. */
STREAMD_API void streamd_catalog_free(streamd_catalog *catalog);

/* What was added; it belongs to the catalogue and ends with it. For telling more about it, before any text
 * is parsed with it.
 */
typedef struct streamd_extension streamd_extension;

/* Call `fn` with the `arg` of what was added, when nothing uses it any more: the catalogue is freed, and so
 * is every topology that was made with it.
 */
STREAMD_API void streamd_extension_on_free(streamd_extension *extension, void (*fn)(void *arg));

/* Ask for calls with null arguments too. */
STREAMD_API void streamd_extension_take_nulls(streamd_extension *extension);

/* ---- Scalar functions ------------------------------------------------------------------------ */

/* Add a scalar function. `extension` may be NULL.
 *
 * Errors   E_SYNTAX: the signature. E_TYPE: a type of it is unknown, or a result that does not follow from
 *          it. E_NAME: there is one that takes the same types, or it is a word of the language.
 *          E_ARGUMENT.
 */
STREAMD_API streamd_status streamd_catalog_add_function(streamd_catalog *catalog, const char *signature,
                                                        streamd_function_fn fn, void *arg,
                                                        streamd_extension **extension,
                                                        streamd_error **error);

/* ---- Aggregates ------------------------------------------------------------------------------ */

/* The state of one group: `state` is state_bytes of memory, aligned to 8, which the callbacks change in
 * place. It is stored as it is, copied and moved: no pointers. Zeroed at the start. step adds a row,
 * whose arguments are the call's; result says what the group's value is, by a streamd_result function.
 */
typedef void (*streamd_step_fn)(streamd_call *call, void *state, void *arg);
typedef void (*streamd_result_fn)(streamd_call *call, const void *state, void *arg);

/* Add an aggregate. `extension` may be NULL.
 *
 * Errors   As of streamd_catalog_add_function(); E_ARGUMENT also if state_bytes is more than 64 KiB.
 */
STREAMD_API streamd_status streamd_catalog_add_aggregate(streamd_catalog *catalog, const char *signature,
                                                         size_t state_bytes, streamd_step_fn step,
                                                         streamd_result_fn result, void *arg,
                                                         streamd_extension **extension,
                                                         streamd_error **error);

/* Begin a group with this instead of zeros. Runs before the group's first step, and before a result of no
 * rows.
 */
typedef void (*streamd_start_fn)(void *state, void *arg);
STREAMD_API void streamd_aggregate_on_start(streamd_extension *aggregate, streamd_start_fn fn);

/* Take a row back, which tables need. Without it the aggregate over a grouped table is an error. */
STREAMD_API void streamd_aggregate_on_retract(streamd_extension *aggregate, streamd_step_fn fn);

/* Add what `from` holds, the later session, to `state`, which session windows need. */
typedef void (*streamd_merge_fn)(streamd_call *call, void *state, const void *from, void *arg);
STREAMD_API void streamd_aggregate_on_merge(streamd_extension *aggregate, streamd_merge_fn fn);

/* Keep bytes of any length for each group beside `state`: streamd_call_state() reads them, and
 * streamd_call_set_state() replaces them; in a merge streamd_call_other_state() has the later session's.
 */
STREAMD_API void streamd_aggregate_keep_bytes(streamd_extension *aggregate);

/* ---- Operators ------------------------------------------------------------------------------- */

/* Add an operator: a stage of its own, from stream to stream, `rows | NAME EXPR, EXPR`.
 *
 * `signature` is NAME(type, type), NAME being one or more words; the stage's expressions are its
 * arguments. `columns` are those of its output: "total double, tags array<string>", any type of the
 * language; with "*" first they come behind the input's: "*, total double". `fn` is called for each row, in
 * order, also with null arguments, and sends any number of rows by streamd_emit(). The key and the time
 * of a row are those of the row that it was made from.
 *
 * Errors   E_SYNTAX: the signature or the columns, whose position is in `columns`. E_TYPE: a type of the
 *          signature is unknown. E_NAME: there is such a stage. E_ARGUMENT.
 */
STREAMD_API streamd_status streamd_catalog_add_operator(streamd_catalog *catalog, const char *signature,
                                                        const char *columns, streamd_function_fn fn,
                                                        void *arg, streamd_extension **extension,
                                                        streamd_error **error);

/* Give the operator state: bytes for each key of its rows, kept in a store with a changelog. The stage then
 * stands in a definition, for the store's name; its rows need a key, and are repartitioned where they must;
 * those with a null key are left out and counted (null_key).
 */
STREAMD_API void streamd_operator_keep_state(streamd_extension *op);

/* Send a row whose columns are the results given since the last one, in order; columns that were not given
 * are null.
 */
STREAMD_API void streamd_emit(streamd_call *call);

/* The event time of the row in hand; a negative number outside operators. */
STREAMD_API int64_t streamd_call_timestamp_ms(const streamd_call *call);

/* ---- Kept bytes ------------------------------------------------------------------------------ */

/* Read and replace what is kept for the row's key or group; data is NULL when there is nothing. Bytes are
 * copied; data NULL forgets them. What a failed row changed is undone.
 */
STREAMD_API streamd_bytes streamd_call_state(const streamd_call *call);
STREAMD_API void          streamd_call_set_state(streamd_call *call, const void *data, size_t bytes);
STREAMD_API streamd_bytes streamd_call_other_state(const streamd_call *call);

#ifdef __cplusplus
}
#endif
#endif /* STREAMD_EXPERIMENTAL */
#endif
