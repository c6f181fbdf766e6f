/* builder.h: make a topology by calls instead of a text, or of both.
 *
 * A call is a stage, in the words of the language, and its texts are what stands behind these words:
 *
 *     streamd_stream *orders = streamd_builder_stream(
 *         builder, "orders", "orders", "key string value json { customer string, amount double }");
 *     streamd_stream *paid = streamd_stream_name(streamd_stream_filter(orders, "amount > 0"), "paid");
 *     streamd_group  *by = streamd_group_window(streamd_stream_group_by(paid, "customer"),
 *                                               "tumbling 1m grace 10s");
 *     streamd_stream *revenue = streamd_stream_name(streamd_group_aggregate(by, "total: sum(amount)"),
 *                                                   "revenue");
 *     streamd_to(streamd_stream_emit(revenue, "final"), "revenue-per-minute", NULL);
 *     streamd_builder_finish(builder, &topology, &error);
 *
 * is `stream paid = orders | filter amount > 0` and so on, and gives the same topology.
 *
 *   Streams  A streamd_stream is a stream or a table, at a place in a pipeline; a streamd_group is what
 *            `group by` gives. They belong to the builder, and each can be gone on from several times.
 *            streamd_stream_name() makes it a definition, which joins and merges need of the other side,
 *            and what keeps state of itself. Definitions are made in the order in which they are named.
 *   C        Wherever a text has an expression, it may call C functions of the builder's catalogue. The calls
 *            that end in _fn take the function itself: it is called with `arguments`, expressions with
 *            commas, or NULL for none (call.h). It must outlive the topology, and so must `arg`.
 *   Errors   Nothing fails before streamd_builder_finish(), which gives every mistake there was, in the order
 *            of the calls. The position of a mistake is in the text that the call was given, and
 *            streamd_error_file() says which call that was.
 *   Texts    are copied, NUL-terminated; NULL only where it is said.
 */
#ifndef STREAMD_BUILDER_H
#define STREAMD_BUILDER_H

#include <streamd/call.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct streamd_builder streamd_builder;
typedef struct streamd_stream  streamd_stream;
typedef struct streamd_group   streamd_group;

/* ---- A builder ------------------------------------------------------------------------------- */

/* Begin a topology. `catalog` is what its texts may use; NULL means what is built in. It may be freed at
 * once. `application` is the application's name. Never NULL.
 */
STREAMD_API streamd_builder *streamd_builder_new(const streamd_catalog *catalog, const char *application);

/* Free a builder with its streams and groups; a topology that it made stays. */
STREAMD_API void streamd_builder_free(streamd_builder *builder);

/* The builder's own catalogue, for adding functions, aggregates and operators (extend.h) to this topology. */
STREAMD_API streamd_catalog *streamd_builder_catalog(streamd_builder *builder);

/* Add statements as a text: params, functions, settings, sources that are no topic, and whole pipelines
 * too. Their streams and tables are had by streamd_builder_find().
 */
STREAMD_API void streamd_builder_text(streamd_builder *builder, const char *text);

/* Make the topology. The builder is then only to be freed.
 *
 * Errors   E_SYNTAX, E_NAME, E_TYPE, E_CONFIG, E_ARGUMENT (a NULL, or a stream of another builder). The
 *          chain holds every mistake. E_STATE: it was called before.
 * Owns     The caller frees *topology.
 */
STREAMD_API streamd_status streamd_builder_finish(streamd_builder *builder, streamd_topology **topology,
                                                  streamd_error **error);

/* ---- Sources --------------------------------------------------------------------------------- */

/* Read a topic: `stream NAME from topic "TOPIC" { BODY }`, and the same for tables. `body` is what stands
 * between the braces: `key string value json { amount double } time placed_at`.
 */
STREAMD_API streamd_stream *streamd_builder_stream(streamd_builder *builder, const char *name,
                                                   const char *topic, const char *body);
STREAMD_API streamd_stream *streamd_builder_table(streamd_builder *builder, const char *name,
                                                  const char *topic, const char *body);
STREAMD_API streamd_stream *streamd_builder_global_table(streamd_builder *builder, const char *name,
                                                         const char *topic, const char *body);
/* The same of several topics: `from topic "a", "b"`. */
STREAMD_API streamd_stream *streamd_builder_stream_of(streamd_builder *builder, const char *name,
                                                      const char *const *topics, size_t topic_count,
                                                      const char *body);

/* The stream or table of a name: from a text, or a case of streamd_stream_split(). */
STREAMD_API streamd_stream *streamd_builder_find(streamd_builder *builder, const char *name);

/* Make a definition of a pipeline: `stream NAME = ...` or `table NAME = ...`, whichever it is. What it gives
 * starts from that name, so the columns may be written NAME.column.
 */
STREAMD_API streamd_stream *streamd_stream_name(streamd_stream *stream, const char *name);

/* ---- Stages of one row ----------------------------------------------------------------------- */

/* Keep rows for which `condition` is true. */
STREAMD_API streamd_stream *streamd_stream_filter(streamd_stream *stream, const char *condition);
STREAMD_API streamd_stream *streamd_stream_filter_fn(streamd_stream *stream, const char *arguments,
                                                     streamd_function_fn fn, void *arg);

/* Make a new value: "customer, total: price * qty, *". With a function: a column `name` of `type`, behind
 * `columns`, which may be NULL:
 *     streamd_stream_map_fn(stream, "*", "risk", "double", "amount, tier", fn, arg)
 */
STREAMD_API streamd_stream *streamd_stream_map(streamd_stream *stream, const char *columns);
STREAMD_API streamd_stream *streamd_stream_map_fn(streamd_stream *stream, const char *columns,
                                                  const char *name, const char *type,
                                                  const char *arguments, streamd_function_fn fn, void *arg);

/* Replace the key: "customer", or "region, day: substring(at, 1, 10)". */
STREAMD_API streamd_stream *streamd_stream_key_by(streamd_stream *stream, const char *keys);
STREAMD_API streamd_stream *streamd_stream_key_by_fn(streamd_stream *stream, const char *name,
                                                     const char *type, const char *arguments,
                                                     streamd_function_fn fn, void *arg);

/* Set the event time from here on; the function's result is a timestamp. */
STREAMD_API streamd_stream *streamd_stream_time(streamd_stream *stream, const char *time);
STREAMD_API streamd_stream *streamd_stream_time_fn(streamd_stream *stream, const char *arguments,
                                                   streamd_function_fn fn, void *arg);

/* Make one row per element: "items as item". The function gives an array whose elements are of `type`. */
STREAMD_API streamd_stream *streamd_stream_flatten(streamd_stream *stream, const char *arrays);
STREAMD_API streamd_stream *streamd_stream_flatten_fn(streamd_stream *stream, const char *name,
                                                      const char *type, const char *arguments,
                                                      streamd_function_fn fn, void *arg);

/* Keep the first row of each key and of `by` within a time: "order_id", "1h". */
STREAMD_API streamd_stream *streamd_stream_dedupe(streamd_stream *stream, const char *by, const char *within);

/* Hold each row until stream time reaches `until`. */
STREAMD_API streamd_stream *streamd_stream_delay_until(streamd_stream *stream, const char *until);

/* Any stage, as it stands behind `|`: an operator of the catalogue, or what has no call of its own. */
STREAMD_API streamd_stream *streamd_stream_stage(streamd_stream *stream, const char *stage);

/* ---- Several streams ------------------------------------------------------------------------- */

/* Interleave streams of one type; the others are definitions. */
STREAMD_API streamd_stream *streamd_stream_merge(streamd_stream *stream, streamd_stream *const *others,
                                                 size_t other_count);

/* Send each row to its first case: "when amount > 100 -> large else -> small". The names are then had by
 * streamd_builder_find().
 */
STREAMD_API void streamd_stream_split(streamd_stream *stream, const char *cases);

/* Join with a definition. `clauses` is what stands behind its name: "on customer",
 * "as c on customer == c.id grace 10s"; NULL for none.
 */
STREAMD_API streamd_stream *streamd_stream_join(streamd_stream *stream, streamd_stream *other,
                                                const char *clauses);
STREAMD_API streamd_stream *streamd_stream_left_join(streamd_stream *stream, streamd_stream *other,
                                                     const char *clauses);
STREAMD_API streamd_stream *streamd_stream_outer_join(streamd_stream *stream, streamd_stream *other,
                                                      const char *clauses);

/* ---- Groups ---------------------------------------------------------------------------------- */

/* Group rows: "customer", "key", "region, tier: upper(tier)". */
STREAMD_API streamd_group *streamd_stream_group_by(streamd_stream *stream, const char *keys);
STREAMD_API streamd_group *streamd_stream_group_by_fn(streamd_stream *stream, const char *name,
                                                      const char *type, const char *arguments,
                                                      streamd_function_fn fn, void *arg);

/* Put groups into windows: "tumbling 1m grace 10s", "hopping 1m every 10s grace 0s". */
STREAMD_API streamd_group *streamd_group_window(streamd_group *group, const char *window);

/* Make a table of groups: "orders: count(), total: sum(amount)"; or its best rows: "3 by amount desc". */
STREAMD_API streamd_stream *streamd_group_aggregate(streamd_group *group, const char *columns);
STREAMD_API streamd_stream *streamd_group_top(streamd_group *group, const char *top);

/* ---- Tables ---------------------------------------------------------------------------------- */

/* Make a table of a stream: the latest value of each key. A row for which `delete_when` is true deletes;
 * NULL: only a null value does.
 */
STREAMD_API streamd_stream *streamd_stream_latest(streamd_stream *stream, const char *delete_when);

/* Make a stream of a table: its updates. */
STREAMD_API streamd_stream *streamd_stream_changes(streamd_stream *table);

/* Say which of a table's updates are sent on: "changes", "all", "final", "every 5s". */
STREAMD_API streamd_stream *streamd_stream_emit(streamd_stream *table, const char *emit);

/* ---- Topics ---------------------------------------------------------------------------------- */

/* Send rows through a topic, to where their key says. 0 partitions: as many as what it meets has. */
STREAMD_API streamd_stream *streamd_stream_repartition(streamd_stream *stream, unsigned partitions);

/* Write to a topic. `body` is what stands between the braces: "key string value json headers { h: x }"; NULL
 * for none.
 */
STREAMD_API void streamd_to(streamd_stream *stream, const char *topic, const char *body);

#ifdef __cplusplus
}
#endif
#endif
