/* streamd.h: run stream topologies inside a C program.
 *
 * A topology is text (a `.stream` file). It is compiled once, never changes, and is run by an
 * engine whose worker threads each own some of the topology's tasks.
 *
 *     streamd_topology_parse(NULL, text, size, "orders.stream", &topology, &error);
 *     streamd_engine_new(topology, config, &engine, &error);
 *     streamd_engine_start(engine, &error);
 *     streamd_engine_stop(engine, 30000, &error);
 *
 * Words
 *   stream     an endless sequence of records, each a fact of its own
 *   table      a stream read as the latest value of every key
 *   topology   the graph of sources, operators, stores and sinks, cut into sub-topologies
 *   source     the node that reads a topic; a sink is the node that writes one
 *   partition  one ordered part of a topic
 *   task       one sub-topology on one partition number; one thread runs it at a time
 *   store      the keyed state of a task, kept on the local disk
 *   changelog  the topic that a store can be rebuilt from
 *   window     an interval of event time, start included, end not
 *   grace      how long after its end a window still takes late records
 *
 * Conventions, for every function whose comment does not say otherwise
 *   Units    Names say them: _ms is milliseconds, _bytes is bytes. A timestamp is milliseconds
 *            since 1970-01-01 UTC; a negative timestamp means "none".
 *   Errors   A function that can fail returns a streamd_status, 0 or negative. If `error` is not
 *            NULL, *error then holds the details and the caller frees it; on success it is NULL.
 *            After a failure no output argument other than *error has been written. When memory runs
 *            out the process ends, as in the libraries below; for exactly-once that loses nothing.
 *   Owns     new/parse/open give an object to the caller, free/close take it back and accept NULL.
 *            A `const` pointer that is returned belongs to the object it was asked of.
 *   Threads  Different objects may be used at once. One object is used by one thread at a time.
 *   Text     is UTF-8, and NUL-terminated unless a size stands next to it.
 */
#ifndef STREAMD_H
#define STREAMD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#if defined(__GNUC__)
#define STREAMD_API __attribute__((visibility("default")))
#else
#define STREAMD_API
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* ---- Version --------------------------------------------------------------------------------- */

#define STREAMD_VERSION_MAJOR 0
#define STREAMD_VERSION_MINOR 1
#define STREAMD_VERSION_PATCH 0

/* The version of the library that is linked, as "0.1.0"; the macros are that of this header. */
STREAMD_API const char *streamd_version(void);

/* ---- Status and errors ----------------------------------------------------------------------- */

/* Every status, its number and its meaning: this table is the list. Numbers are never reused. */
#define STREAMD_STATUS_MAP(X)                                                                     \
    X(OK,           0, "success")                                                                 \
    X(E_NOMEM,     -1, "out of memory")                                                           \
    X(E_ARGUMENT,  -2, "an argument is not valid")                                                \
    X(E_STATE,     -3, "the call is not allowed in the present state")                            \
    X(E_TIMEOUT,   -4, "the time allowed ran out")                                                \
    X(E_NOTFOUND,  -5, "there is nothing by that name or key")                                    \
    X(E_SYNTAX,   -20, "the topology text does not parse")                                        \
    X(E_NAME,     -21, "a name is unknown, or defined twice")                                     \
    X(E_TYPE,     -22, "types do not fit")                                                        \
    X(E_CONFIG,   -30, "a setting is unknown, or out of range")                                   \
    X(E_LOG,      -40, "the log (Kafka) could not be read or written")                            \
    X(E_FENCED,   -41, "another instance has taken over this work")                               \
    X(E_DECODE,   -42, "a record could not be decoded")                                           \
    X(E_STORE,    -50, "a store could not be read or written")                                    \
    X(E_CORRUPT,  -51, "bytes on disk or in a changelog are damaged")                             \
    X(E_MOVED,    -52, "the partition asked for is not on this instance")

typedef enum streamd_status {
#define X(name, number, text) STREAMD_##name = (number),
    STREAMD_STATUS_MAP(X)
#undef X
} streamd_status;

/* "E_TYPE" and "types do not fit". Static strings, for any number. Threads: any. */
STREAMD_API const char *streamd_status_name(streamd_status status);
STREAMD_API const char *streamd_status_text(streamd_status status);

/* What went wrong. Errors form a chain: a topology with three mistakes gives a chain of three. */
typedef struct streamd_error streamd_error;

STREAMD_API streamd_status       streamd_error_status(const streamd_error *error);
STREAMD_API const char          *streamd_error_message(const streamd_error *error);
STREAMD_API const streamd_error *streamd_error_next(const streamd_error *error);
/* Position in the topology text, counted from 1; 0 if the error has none. */
STREAMD_API unsigned             streamd_error_line(const streamd_error *error);
STREAMD_API unsigned             streamd_error_column(const streamd_error *error);
/* The text of that position: the name that it was given, of a builder the call; NULL if there is none. */
STREAMD_API const char          *streamd_error_file(const streamd_error *error);
/* What to do: retry the same call; or give the engine up (neither: change the input). */
STREAMD_API bool                 streamd_error_is_retriable(const streamd_error *error);
STREAMD_API bool                 streamd_error_is_fatal(const streamd_error *error);
/* Frees the whole chain. */
STREAMD_API void                 streamd_error_free(streamd_error *error);

/* ---- Bytes ----------------------------------------------------------------------------------- */

/* A view. It owns nothing; data may be NULL only if size is 0 or the thing is absent. */
typedef struct streamd_bytes {
    const void *data;
    size_t      size;
} streamd_bytes;

/* Bytes that the caller owns and frees. */
typedef struct streamd_buffer streamd_buffer;
STREAMD_API streamd_bytes streamd_buffer_bytes(const streamd_buffer *buffer);
STREAMD_API void          streamd_buffer_free(streamd_buffer *buffer);

/* The bytes of a text, without its end; of NULL: absent. */
STREAMD_API streamd_bytes streamd_text(const char *text);

/* ---- Records --------------------------------------------------------------------------------- */

/* A record as a topic has it: key and value are bytes, in the format that the topology declares for
 * the topic (text, JSON, the eight bytes of an int). An object may be filled in and sent many times.
 */
typedef struct streamd_record streamd_record;

/* Make a record without key, value, timestamp and headers; clear makes it so again. */
STREAMD_API streamd_record *streamd_record_new(void);
STREAMD_API void            streamd_record_free(streamd_record *record);
STREAMD_API void            streamd_record_clear(streamd_record *record);

/* Copy the bytes in. Those of an absent thing (data NULL) are null: a null value deletes a row. */
STREAMD_API void streamd_record_set_key(streamd_record *record, streamd_bytes key);
STREAMD_API void streamd_record_set_value(streamd_record *record, streamd_bytes value);
STREAMD_API void streamd_record_add_header(streamd_record *record, const char *name,
                                           streamd_bytes value);
/* Without a timestamp it gets that of the moment it is sent; without a partition (or with a negative
 * one) the one that its key says, as Kafka's clients have it. */
STREAMD_API void streamd_record_set_timestamp_ms(streamd_record *record, int64_t timestamp_ms);
STREAMD_API void streamd_record_set_partition(streamd_record *record, int32_t partition);

/* What is in it. Bytes and names belong to the record, until it changes. */
STREAMD_API streamd_bytes streamd_record_key(const streamd_record *record);
STREAMD_API streamd_bytes streamd_record_value(const streamd_record *record);
STREAMD_API int64_t       streamd_record_timestamp_ms(const streamd_record *record);
STREAMD_API int32_t       streamd_record_partition(const streamd_record *record);
STREAMD_API int64_t       streamd_record_offset(const streamd_record *record);
STREAMD_API size_t        streamd_record_header_count(const streamd_record *record);
STREAMD_API const char   *streamd_record_header_name(const streamd_record *record, size_t number);
STREAMD_API streamd_bytes streamd_record_header_value(const streamd_record *record, size_t number);

/* ---- Topology -------------------------------------------------------------------------------- */

typedef struct streamd_topology streamd_topology;
typedef struct streamd_catalog  streamd_catalog; /* operators, functions, formats; see extend.h */

/* Compile topology text.
 *
 * `catalog` is what the text may use; NULL means what is built in. `name` is shown in messages, and
 * without its folder and ending it is the application's name, unless the text sets one. `text` is not
 * kept. Nothing is opened: no file, no connection; so `include` is refused.
 *
 * Errors   E_SYNTAX, E_NAME, E_TYPE, E_CONFIG (a `set` out of its range), E_ARGUMENT. The chain holds
 *          every mistake, in text order.
 * Owns     The caller frees *topology. It does not keep `catalog` alive: free that one later.
 * Threads  Any. The result is immutable and may be shared by engines and threads.
 */
STREAMD_API streamd_status streamd_topology_parse(const streamd_catalog *catalog, const char *text,
                                                  size_t text_bytes, const char *name,
                                                  streamd_topology **topology,
                                                  streamd_error **error);

/* A value for a `param` of the text, as it would be written there; a string without its quotes. */
typedef struct streamd_param {
    const char *name;
    const char *value;
} streamd_param;

/* The same with values for the text's `param`s, as `streamd run --set` gives them.
 *
 * Errors   Those above; E_CONFIG: the text has no such param; E_TYPE: the value does not fit.
 */
STREAMD_API streamd_status streamd_topology_parse_with(const streamd_catalog *catalog,
                                                       const char *text, size_t text_bytes,
                                                       const char *name,
                                                       const streamd_param *params,
                                                       size_t param_count,
                                                       streamd_topology **topology,
                                                       streamd_error **error);

/* Free a topology, when no engine and no driver uses it any more. */
STREAMD_API void streamd_topology_free(streamd_topology *topology);

/* The application: the name of its consumer group, and the beginning of its internal topics' names. */
STREAMD_API const char *streamd_topology_application(const streamd_topology *topology);

/* What is allowed and yet seems wrong, as a chain with positions; NULL: nothing. */
STREAMD_API const streamd_error *streamd_topology_warnings(const streamd_topology *topology);

typedef enum streamd_describe_as {
    STREAMD_DESCRIBE_TEXT, /* for people; what `streamd explain` prints */
    STREAMD_DESCRIBE_DOT,  /* for Graphviz */
    STREAMD_DESCRIBE_JSON  /* for programs; its fields are kept from version to version */
} streamd_describe_as;

/* Sub-topologies, nodes, stores, and the repartition and changelog topics that will be used.
 *
 * Errors   E_ARGUMENT.
 * Owns     The caller frees *buffer.
 */
STREAMD_API streamd_status streamd_topology_describe(const streamd_topology *topology,
                                                     streamd_describe_as as,
                                                     streamd_buffer **buffer,
                                                     streamd_error **error);

/* ---- Configuration --------------------------------------------------------------------------- */

typedef struct streamd_config streamd_config;

STREAMD_API streamd_config *streamd_config_new(void); /* All settings at their defaults. */
STREAMD_API void            streamd_config_free(streamd_config *config);

/* Set one setting from text: "threads" "4", "commit" "200ms", "kafka.linger.ms" "5".
 *
 * The names are those of the program's options: bootstrap (Kafka's address; without it the embedded
 * log is used), data-dir (of the embedded log and its state), state-dir (of the state, with Kafka),
 * threads, guarantee, commit, instance, standby, memory, partitions; docs/embedding.md lists them. What
 * begins with `kafka.` goes to librdkafka, which checks it when the engine starts.
 *
 * Errors   E_CONFIG: no such name, with the nearest one that there is; or the value is not in range.
 */
STREAMD_API streamd_status streamd_config_set(streamd_config *config, const char *name,
                                              const char *value, streamd_error **error);

/* ---- Engine ---------------------------------------------------------------------------------- */

typedef struct streamd_engine streamd_engine;

typedef enum streamd_engine_state {
    STREAMD_ENGINE_CREATED,     /* no thread yet                     next: REBALANCING, STOPPED   */
    STREAMD_ENGINE_REBALANCING, /* tasks are being given out, or     next: RUNNING, STOPPING,     */
                                /*   their stores restored                 FAILED                 */
    STREAMD_ENGINE_RUNNING,     /* every task here processes         next: REBALANCING, STOPPING, */
                                /*                                         FAILED                 */
    STREAMD_ENGINE_STOPPING,    /* finishing and committing          next: STOPPED, FAILED        */
    STREAMD_ENGINE_STOPPED,     /* all committed, no thread left     last                         */
    STREAMD_ENGINE_FAILED       /* a fatal error; streamd_engine_stop() says which   last         */
} streamd_engine_state;

/* Prepare an engine: no thread, no file, no connection yet. `config` NULL: all defaults.
 *
 * Errors   None today.
 * Owns     The caller frees *engine. `config` is copied. `topology` must outlive the engine.
 */
STREAMD_API streamd_status streamd_engine_new(const streamd_topology *topology,
                                              const streamd_config *config,
                                              streamd_engine **engine, streamd_error **error);

/* Stops first if need be, without waiting for a last commit. Blocks until no thread is left. */
STREAMD_API void streamd_engine_free(streamd_engine *engine);

/* Open the state directory, create missing internal topics, read global tables to their end, start
 * the workers, join the group. Returns when joined: tasks may still be restored then.
 *
 * Errors   E_STATE: it was started before, or another engine or process holds the directory; E_CONFIG:
 *          a topic's or a store's shape does not fit, or a `kafka.` setting is wrong; E_NOTFOUND: a
 *          source's topic is missing; E_LOG, E_STORE, E_CORRUPT. The engine is then FAILED.
 * Blocks   As long as Kafka takes to answer: while it cannot be reached each step gives up by itself.
 */
STREAMD_API streamd_status streamd_engine_start(streamd_engine *engine, streamd_error **error);

/* Finish the records in hand, commit, close the stores, leave the group, end the threads.
 *
 * Errors   E_TIMEOUT: stopping goes on, call again to wait longer. Any other status is the one
 *          that made the engine FAILED.
 * Blocks   At most timeout_ms; a negative timeout_ms waits without limit.
 * Threads  Any, also while other calls on the engine run; not from a callback of the engine.
 */
STREAMD_API streamd_status streamd_engine_stop(streamd_engine *engine, int64_t timeout_ms,
                                               streamd_error **error);

/* Threads: any. */
STREAMD_API streamd_engine_state streamd_engine_current_state(const streamd_engine *engine);

/* Called on every change of state, one call at a time, from a thread of the engine. Keep it short,
 * call nothing on the engine but streamd_engine_current_state(). To be set before start.
 */
typedef void (*streamd_state_fn)(streamd_engine_state from, streamd_engine_state to, void *arg);
STREAMD_API void streamd_engine_on_state(streamd_engine *engine, streamd_state_fn fn, void *arg);

typedef enum streamd_log_level {
    STREAMD_LOG_ERROR,
    STREAMD_LOG_WARN,
    STREAMD_LOG_INFO
} streamd_log_level;

/* Called with each log line of the engine, without its end, one call at a time, from any of its
 * threads. Without it nothing is logged: the library itself writes nowhere. To be set before start.
 */
typedef void (*streamd_log_fn)(streamd_log_level level, const char *line, void *arg);
STREAMD_API void streamd_engine_on_log(streamd_engine *engine, streamd_log_fn fn, void *arg);

/* The page that GET /metrics serves (Prometheus text, version 0.0.4).
 *
 * Errors   None today.
 * Owns     The caller frees *buffer.
 * Threads  Any, at any time. No worker waits for it.
 */
STREAMD_API streamd_status streamd_engine_metrics(const streamd_engine *engine,
                                                  streamd_buffer **buffer, streamd_error **error);

/* ---- Tasks and partitions -------------------------------------------------------------------- */

/* What one task looked like when asked. Plain numbers, nothing to free. */
typedef struct streamd_task streamd_task;

STREAMD_API int32_t streamd_task_subtopology(const streamd_task *task);
STREAMD_API int32_t streamd_task_partition(const streamd_task *task);
STREAMD_API bool    streamd_task_is_restoring(const streamd_task *task);
/* The greatest record timestamp that the task has taken, which decides what windows are closed; or -1. */
STREAMD_API int64_t streamd_task_stream_time_ms(const streamd_task *task);
/* Records in its input partitions, and in the changelogs being restored, that are still ahead. */
STREAMD_API int64_t streamd_task_input_lag_records(const streamd_task *task);
STREAMD_API int64_t streamd_task_restore_lag_records(const streamd_task *task);

/* Call fn for each task of this instance until it returns false. `task` ends with the call.
 * Threads: any. The tasks may have moved on by the time that fn looks at them.
 */
typedef bool (*streamd_task_fn)(const streamd_task *task, void *arg);
STREAMD_API void streamd_engine_each_task(const streamd_engine *engine, streamd_task_fn fn,
                                          void *arg);

/* ---- Stores ---------------------------------------------------------------------------------- */

/* A read-only look into a table of the topology, by its name there: from a topic, of `latest`, of an
 * aggregate, or made of such ones by filter, map and join. A table that is read from a topic has keys and
 * values in the formats declared for it; any other as `to topic` without a body would write it: a key of
 * one string, int, double or bytes column as these bytes, other keys and all values as JSON.
 *
 * A look waits for the batch or the commit that the table's thread has in hand, and sees whole batches.
 */
typedef struct streamd_store streamd_store;

/* Errors   E_NOTFOUND: the topology has no table of that name; E_ARGUMENT: its rows are not kept, or it
 *          is made of more than two tables that are.
 * Owns     The caller closes *store, and does so before it frees the engine.
 */
STREAMD_API streamd_status streamd_store_open(streamd_engine *engine, const char *name,
                                              streamd_store **store, streamd_error **error);
STREAMD_API void           streamd_store_close(streamd_store *store);

/* The latest value of a key.
 *
 * Errors   E_NOTFOUND; E_MOVED, retriable, if there is no such row here and some partition is elsewhere
 *          or being restored; E_DECODE: the key does not fit; E_STATE: the engine does not run; E_STORE;
 *          E_ARGUMENT if the table is windowed.
 * Owns     The caller frees *value.
 * Blocks   While the threads of the engine finish a batch or a commit.
 * Threads  Any. Reads what is written, which may be ahead of what is committed.
 */
STREAMD_API streamd_status streamd_store_get(streamd_store *store, streamd_bytes key,
                                             streamd_buffer **value, streamd_error **error);

/* Call fn for the windows of a key that start in [from_ms, to_ms), oldest first, until it returns
 * false. `value` ends with the call; fn must not use the store. A session is the window from its first to
 * its last record.
 *
 * Errors   E_MOVED, E_DECODE, E_STATE, E_STORE as above; E_ARGUMENT if the table is not of a windowed
 *          aggregate. No window in the interval is not an error.
 * Blocks   While the threads of the engine finish a batch or a commit.
 * Threads  Any.
 */
typedef bool (*streamd_window_fn)(int64_t start_ms, int64_t end_ms, streamd_bytes value, void *arg);
STREAMD_API streamd_status streamd_store_each_window(streamd_store *store, streamd_bytes key,
                                                     int64_t from_ms, int64_t to_ms,
                                                     streamd_window_fn fn, void *arg,
                                                     streamd_error **error);

/* ---- Topics ---------------------------------------------------------------------------------- */

/* Writes records into topics of the engine's log: the way in for a program that holds the embedded log
 * itself. What it writes between two commits is seen by readers as a whole or not at all (guarantee
 * at_least_once on Kafka: as it comes).
 */
typedef struct streamd_writer streamd_writer;
#define STREAMD_WRITERS_MAX 64 /* of one engine at a time */

/* Errors   E_STATE: the engine has not been started, or too many are open; E_LOG.
 * Owns     The caller closes *writer, before it frees the engine.
 */
STREAMD_API streamd_status streamd_writer_open(streamd_engine *engine, streamd_writer **writer,
                                               streamd_error **error);
/* Close a writer. What was not committed is dropped. */
STREAMD_API void           streamd_writer_close(streamd_writer *writer);

/* Queue a record, which is copied.
 *
 * Errors   E_NOTFOUND: there is no such topic; E_ARGUMENT: it has no such partition, or is one of the
 *          application's internal topics; E_LOG; E_FENCED.
 * Blocks   While the queue is full.
 */
STREAMD_API streamd_status streamd_writer_send(streamd_writer *writer, const char *topic,
                                               const streamd_record *record, streamd_error **error);

/* Make all that was sent since the last commit durable, or nothing of it.
 *
 * Errors   E_LOG, E_FENCED, E_STORE: nothing of it is there; send it again.
 * Blocks   Until the log has confirmed.
 */
STREAMD_API streamd_status streamd_writer_commit(streamd_writer *writer, streamd_error **error);

/* Reads the committed records of all partitions of a topic of the engine's log, outside its group:
 * each partition in order, partitions in any.
 */
typedef struct streamd_reader streamd_reader;

typedef enum streamd_from { STREAMD_FROM_EARLIEST, STREAMD_FROM_LATEST } streamd_from;

/* Errors   E_STATE: the engine has not been started; E_NOTFOUND; E_LOG.
 * Owns     The caller closes *reader, before it frees the engine.
 */
STREAMD_API streamd_status streamd_reader_open(streamd_engine *engine, const char *topic,
                                               streamd_from from, streamd_reader **reader,
                                               streamd_error **error);
STREAMD_API void           streamd_reader_close(streamd_reader *reader);

/* The next record.
 *
 * Errors   E_TIMEOUT: none came in time; E_LOG, E_STORE.
 * Owns     *record belongs to the reader, until the next call.
 * Blocks   At most timeout_ms; a negative timeout_ms waits without limit.
 */
STREAMD_API streamd_status streamd_reader_next(streamd_reader *reader, int64_t timeout_ms,
                                               const streamd_record **record, streamd_error **error);

#ifdef __cplusplus
}
#endif
#endif /* STREAMD_H */
