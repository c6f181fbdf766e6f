/* operator.h: what an operator is to the engine. An operator is one file in operators/ and one row in
 * operators.def: its clauses are its grammar, bind is its type rule and its plan, process its work;
 * help, reference page and example test come from its texts.
 *
 * Life      bind, once per use in a topology, makes nodes in the plan. For each task: open makes the
 *           state; process and on_time run many times; close undoes open.
 * Threads   bind runs on the compiling thread; the rest on the thread that runs the task, never two
 *           at a time for one state. The plan is shared: after bind it is only read.
 * State     `state_bytes`, zeroed before open. After open it is plain bytes: a savepoint copies them
 *           and a rollback copies them back, so what must not be undone (evaluators) is behind
 *           pointers that open made and only close frees, and what grows is in a store.
 * Memory    What process emits lives in the batch's arena (sx_node_arena).
 * Must not  block, sleep, use the log, keep a pointer into a batch.
 * Errors    A row that cannot be handled is no failure of the program: sx_node_reject() it. The batch
 *           is then undone and run again without the row, and `on error` decides about it; so after a
 *           reject process may go on (more rejects save runs) or return.
 */
#ifndef SX_OPERATOR_H
#define SX_OPERATOR_H

#include "engine/expr/aggregate.h"
#include "engine/graph/signature.h"

/* ---- Grammar: the clauses of a stage --------------------------------------------------------- */

enum sx_clause_kind {
    SX_CLAUSE_FLAG,       /* the word alone */
    SX_CLAUSE_NAME,       /* an identifier */
    SX_CLAUSE_FLOW,       /* the name of a stream or table */
    SX_CLAUSE_FLOWS,      /* several, with commas */
    SX_CLAUSE_EXPR,       /* an expression */
    SX_CLAUSE_EXPRS,      /* EXPR | name: EXPR, with commas */
    SX_CLAUSE_ARGUMENTS,  /* EXPR, with commas: as in a call */
    SX_CLAUSE_ALIASED,    /* EXPR as NAME, with commas */
    SX_CLAUSE_PROJECTION, /* { a, b: expr, *, NAME.*, * except (c) } */
    SX_CLAUSE_AGGREGATES, /* { name: expression over aggregates, ... } */
    SX_CLAUSE_CASES,      /* { when EXPR -> name ... else -> name } */
    SX_CLAUSE_DURATION,   /* a duration, or a param of that type */
    SX_CLAUSE_INTEGER,    /* an int, or a param of that type */
    SX_CLAUSE_TEXT,       /* a string, or a param of that type */
    SX_CLAUSE_BODY        /* { key F  value F  time EXPR  partition by EXPR  headers { ... } } */
};

struct sx_clause {
    const char *word; /* one or more words, as written; NULL: it follows the stage's name directly */
    enum sx_clause_kind kind;
    bool optional;
    const char *help; /* one sentence */
};

struct sx_example {
    const char *program; /* a whole `.stream` text */
    const char *in;      /* NDJSON as `streamd pipe` reads it */
    const char *out;     /* what it prints */
};

struct sx_bind;
struct sx_node;

/* The record of a source that a record of a repartition topic came from. */
struct sx_root {
    uint32_t topic; /* murmur2 of its name */
    int32_t partition;
    int64_t offset;
};

struct sx_operator_def {
    const char *name;    /* the words of the stage: `filter`, `key by`, `left join`, `window tumbling` */
    const char *summary; /* one sentence, with a full stop */
    const char *takes;   /* for the page: `stream -> stream` */
    const struct sx_clause *clauses;
    uint32_t clause_count;
    struct sx_example example;
    bool internal;     /* not a stage of the language: source, repartition */
    bool per_row;      /* what it makes of a row depends on that row alone: so it may stand between
                          * an aggregate and `emit final` */
    bool is_statement; /* `split`: stands last, and declares names */

    /* Check the clauses against the input and make nodes; give the result by sx_bind_result. NULL for
     * internal ones. */
    void (*bind)(struct sx_bind *bind);

    uint32_t state_bytes;
    void (*open)(const void *plan, void *state, struct sx_node *node); /* may be NULL */
    void (*process)(const void *plan, void *state, struct sx_node *node, uint32_t input,
                    const struct sx_batch *batch);
    /* An entry: decode records into a batch of node's schema, into the batch's arena. Rows that fail
     * are rejected (row = record's index) and left out of the selection. */
    void (*decode)(const void *plan, void *state, struct sx_node *node, const struct sx_origin *origin,
                   bool padded, struct sx_batch *batch);
    /* An entry that reads a topic of ours: where the record came from first. False: it does not say. */
    bool (*root)(const struct sx_record *record, struct sx_root *root);
    /* Stream or wall time went on without a row; may be NULL. */
    void (*on_time)(const void *plan, void *state, struct sx_node *node, int64_t stream_time_ms,
                    int64_t wall_ms);
    void (*close)(const void *plan, void *state, struct sx_node *node); /* may be NULL */
    /* The plan's own words for describe: what the node does, in a line; may be NULL. */
    void (*print)(const void *plan, struct sx_buffer *to);
};

/* ---- Bind: how an operator makes its part of a plan ------------------------------------------ */

enum sx_flow_kind { SX_FLOW_STREAM, SX_FLOW_TABLE, SX_FLOW_GLOBAL, SX_FLOW_GROUPS };

enum sx_window_kind {
    SX_WINDOW_NONE,
    SX_WINDOW_TUMBLING,
    SX_WINDOW_HOPPING,
    SX_WINDOW_CALENDAR,
    SX_WINDOW_SLIDING,
    SX_WINDOW_SESSION
};

struct sx_calendar; /* operators/calendar.h */

struct sx_window_spec {
    enum sx_window_kind kind;
    int64_t size_ms; /* of a session the gap; of a calendar window the longest that can be */
    int64_t advance_ms, offset_ms, grace_ms, retain_ms;
    const struct sx_calendar *calendar;     /* of calendar windows */
    const struct sx_topic_plan *late_topic; /* NULL: none */
    bool same;                              /* `window same`: the rows say which windows of this kind */
};

/* A name with its program: one column of a projection, a key, a group. */
struct sx_named {
    const char *name;
    const struct sx_program *program;
    const struct sx_type *type;
    struct sx_position at;
};

struct sx_view_plan; /* operators/view.h */

/* What flows between stages: the type of an edge. Immutable; operators make new ones. */
struct sx_flow {
    enum sx_flow_kind kind;
    const char *name; /* the stream or table the pipeline starts from, for qualifiers */
    struct sx_node_plan *node;
    uint32_t port;
    const struct sx_schema *schema;
    /* Rows are not where their key says: a stateful stage repartitions first. */
    bool moved;
    /* The topic whose partitioning the rows have (when not moved): index, or -1 */
    int32_t partitioned_as;
    const struct sx_window_spec *window; /* groups that were windowed; a windowed table */
    /* groups: */
    const struct sx_named *groups;
    uint32_t group_count;
    bool same_key; /* the groups are the row's key columns, in order */
    /* groups of a windowed table: what its windows were, and the first of two columns with theirs */
    const struct sx_window_spec *regrouped;
    uint32_t window_column;
    const struct sx_view_plan *view; /* table: how its rows are looked up; NULL: they are not */
    /* how it is emitted, for sinks: */
    enum sx_emit_kind { SX_EMIT_CHANGES, SX_EMIT_ALL, SX_EMIT_DISTINCT, SX_EMIT_FINAL, SX_EMIT_EVERY } emit;
    bool emit_written; /* an `emit` stage stood there */
    bool has_headers;  /* its rows carry the headers of the record that caused them to a sink */
    int64_t delay_ms;  /* how far behind the newest row one may be, because a join made it wait */
};

/* One aggregate call within `aggregate { ... }`. */
struct sx_aggregate_use {
    const struct sx_aggregate_def *def; /* NULL: fold */
    const struct sx_type *type;         /* of its result */
    const struct sx_program *args[4];
    const struct sx_type *types[4];
    uint32_t arg_count;
    const struct sx_program *where; /* NULL: none */
    /* fold(initial, expr): args[0] is a constant; `step` has variable 0 = acc */
    const struct sx_program *step;
};

/* { name: expression over aggregates }. The expressions read a batch of their own: its columns are
 * the group columns (column 0 on), then one column per use, in order. So an aggregate's result is
 * SX_EXPR_COLUMN group_count + i, and results are computed for many groups at once. */
struct sx_aggregation {
    const struct sx_aggregate_use *uses;
    uint32_t use_count;
    const struct sx_named *outputs; /* programs over that batch */
    uint32_t output_count;
};

struct sx_named_flow {
    const char *name;
    const struct sx_flow *flow;
};

/* A `{ key F value F ... }` body, bound to a schema. */
struct sx_body {
    const struct sx_format_def *key_format; /* never NULL: the default is filled in */
    const void *key_plan;
    const uint16_t *key_columns; /* of the flow's schema, in the format's field order */
    uint32_t key_count;
    bool key_windowed;     /* `key windowed` */
    int64_t key_window_ms; /* its windows' size; -1: sessions; 0: it varies */
    const struct sx_format_def *value_format;
    const void *value_plan;
    const uint16_t *value_columns; /* SX_COLUMN_WINDOW_START and _END for those two */
    uint32_t value_count;
    bool value_whole;                   /* the one column is the value: a null there is a null value */
    const struct sx_program *time;      /* or NULL */
    const struct sx_program *partition; /* `partition by`, or NULL */
    const struct sx_named *headers;
    uint32_t header_count;
};
#define SX_COLUMN_WINDOW_START 0xfffe
#define SX_COLUMN_WINDOW_END 0xffff

/* The bind face. The compiler provides it (dsl); after a failure everything goes on harmlessly, so
 * that several mistakes are found: functions give NULL or empty things, sx_bind_failed() says so. */
struct sx_bind_ops {
    const struct sx_flow *(*input)(struct sx_bind *);
    bool (*given)(struct sx_bind *, uint32_t clause);
    struct sx_position (*position)(struct sx_bind *, int clause); /* -1: the stage's */
    int64_t (*integer)(struct sx_bind *, uint32_t clause);        /* also durations, in ms */
    const char *(*text)(struct sx_bind *, uint32_t clause);       /* also names */
    const struct sx_flow *(*flow)(struct sx_bind *, uint32_t clause, uint32_t number);
    uint32_t (*flow_count)(struct sx_bind *, uint32_t clause);
    const struct sx_program *(*expr)(struct sx_bind *, uint32_t clause, const struct sx_type *wanted,
                                     const struct sx_type **type);
    uint32_t (*named)(struct sx_bind *, uint32_t clause, const struct sx_named **items);
    const struct sx_aggregation *(*aggregation)(struct sx_bind *, uint32_t clause);
    /* `on`: with a table, an expression of the left row for each of its key columns; of two streams,
     * pairs of expressions (`rights`) of one type. Named as the joined key is. False: failed */
    bool (*on)(struct sx_bind *, uint32_t clause, const struct sx_flow *left, const struct sx_flow *right,
               const char *alias, const struct sx_named **lefts, const struct sx_named **rights,
               uint32_t *count);
    const struct sx_body *(*body)(struct sx_bind *, int clause,
                                  const struct sx_flow *flow); /* -1: all defaults */
    uint32_t (*cases)(struct sx_bind *, uint32_t clause,
                      const struct sx_named **whens); /* the last may have program NULL: else */
    void (*fail)(struct sx_bind *, int clause, const char *hint, const char *message);
    void (*not_yet)(struct sx_bind *, int clause, const char *what);
    void (*warn)(struct sx_bind *, int clause, const char *hint, const char *message);
    bool (*failed)(struct sx_bind *);
};

struct sx_catalog;

struct sx_bind {
    const struct sx_bind_ops *ops;
    const struct sx_catalog *catalog;
    struct sx_plan *plan;   /* nodes, topics, stores are made in it by sx_plan_...() */
    struct sx_arena *arena; /* the plan's */
    const struct sx_operator_def *op;
    const char *definition;              /* the statement's name; for an unnamed pipeline the sink's topic */
    bool named;                          /* the statement has a name, so state has one */
    const struct sx_flow *result;        /* set by bind: what the stage gives; NULL: nothing (a sink) */
    const struct sx_named_flow *results; /* split: the names it declares */
    uint32_t result_count;
};

static inline const struct sx_flow *sx_bind_input(struct sx_bind *b) { return b->ops->input(b); }
static inline bool sx_bind_given(struct sx_bind *b, uint32_t clause) { return b->ops->given(b, clause); }
static inline bool sx_bind_failed(struct sx_bind *b) { return b->ops->failed(b); }
void sx_bind_fail(struct sx_bind *b, int clause, const char *hint, const char *format, ...) SX_PRINTF(4, 5);

/* What several operators do alike (engine/graph/bind.c). */
struct sx_flow *sx_bind_flow_like(struct sx_bind *b, const struct sx_flow *flow); /* a copy to change */
/* A node of this operator behind `flow`, with its schema; the usual case of one input. */
struct sx_node_plan *sx_bind_node(struct sx_bind *b, const struct sx_flow *flow, const char *stage,
                                  const void *plan, const struct sx_schema *schema);
/* `<definition>` or `<definition>-<role>` as a store with its changelog topic. */
struct sx_store_plan *sx_bind_store(struct sx_bind *b, struct sx_node_plan *node, const char *role,
                                    enum sx_store_kind kind);
/* If the rows are not where their key says, put a repartition (topic named after the definition and
 * role) behind the flow; else the flow as it is. `meets`: the topic whose partitioning and key
 * encoding it must follow, or -1. */
const struct sx_flow *sx_bind_place(struct sx_bind *b, const struct sx_flow *flow, const char *role,
                                    int32_t meets);
uint64_t *sx_bind_columns(struct sx_bind *b, const struct sx_schema *schema); /* an empty bitmap */
/* Warn at the clause if rows of the flow come later than `grace_ms` allows. */
void sx_bind_warn_of_delay(struct sx_bind *b, const struct sx_flow *flow, int clause, int64_t grace_ms);

/* ---- Run: how an operator sees the task ------------------------------------------------------ */

/* A record for a topic. */
struct sx_send {
    uint32_t topic;             /* 0 or 1: of the node's topics */
    struct sx_slice key, value; /* data NULL: null */
    int64_t timestamp;
    struct sx_slice place; /* the bytes whose murmur2 chooses the partition; data NULL: by offset */
    int32_t partition;     /* >= 0: this one */
    bool everywhere;       /* to every partition */
    const struct sx_header *headers;
    uint32_t header_count;
    const struct sx_window *window; /* of a windowed table's row; for the test driver's output */
    bool latest_only;               /* of this key only the last before the commit is sent */
    /* What it is made of: the row is rejected if the record is larger than its topic takes. */
    const struct sx_batch *batch;
    uint32_t row;
};

/* A record of a repartition topic that is no row: event time went on in one partition upstream. Its value
 * begins with a kind, as that of a row does. */
enum { SX_NOTICE_KIND = 2, SX_NOTICE_VERSION = 1, SX_NOTICE_BYTES = 14 };
struct sx_notice {
    uint32_t partition; /* upstream */
    int64_t time_ms;    /* -1: it has brought no row yet, and holds nobody back */
};
static inline void sx_notice_write(char *to, const struct sx_notice *notice)
{
    to[0] = SX_NOTICE_KIND;
    to[1] = SX_NOTICE_VERSION;
    sx_put_be32(to + 2, notice->partition);
    sx_put_be64(to + 6, (uint64_t)notice->time_ms);
}
static inline bool sx_notice_read(struct sx_slice value, struct sx_notice *notice)
{
    if (value.size != SX_NOTICE_BYTES || value.data[0] != SX_NOTICE_KIND ||
        value.data[1] != SX_NOTICE_VERSION)
        return false;
    notice->partition = sx_get_be32(value.data + 2);
    notice->time_ms = (int64_t)sx_get_be64(value.data + 6);
    return true;
}

struct sx_node_ops {
    void (*emit)(struct sx_node *, uint32_t port, const struct sx_batch *);
    void (*send)(struct sx_node *, const struct sx_send *);
    void (*reject)(struct sx_node *, const struct sx_batch *, uint32_t row, const char *reason,
                   struct sx_position at, const char *message);
    void (*drop)(struct sx_node *, const char *reason, uint64_t count);
};

/* How far event time may be ahead of the wall clock, as it was when the rows in hand came. */
struct sx_time_bound {
    int64_t ahead_ms; /* -1: there is no bound */
    int64_t wall_ms;
};

struct sx_node {
    const struct sx_node_ops *ops;
    const struct sx_node_plan *plan;
    void *state;
    struct sx_store *stores[SX_NODE_STORES];
    struct sx_arena *arena;   /* the batch's */
    struct sx_buffer scratch; /* for building keys and rows; anybody's between two calls */
    const struct sx_time_bound *bound;
    /* The records in hand, for batches that are made of nothing given, as in on_time. */
    const struct sx_origin *origin;
    int32_t partition;   /* the task's */
    bool passes_through; /* a repartition: no topic between (the test driver) */
};

static inline struct sx_arena *sx_node_arena(struct sx_node *n) { return n->arena; }
/* Give a batch to the readers of a port, at once. Does nothing with an empty one. */
static inline void sx_node_emit(struct sx_node *n, uint32_t port, const struct sx_batch *batch)
{
    if (batch->count)
        n->ops->emit(n, port, batch);
}
static inline void sx_node_send(struct sx_node *n, const struct sx_send *send) { n->ops->send(n, send); }
/* `row` is a physical row of `batch`; `reason` a static word; message is copied. */
static inline void sx_node_reject(struct sx_node *n, const struct sx_batch *batch, uint32_t row,
                                  const char *reason, struct sx_position at, const char *message)
{
    n->ops->reject(n, batch, row, reason, at, message);
}
/* Count rows left out: reason is a static word: null_key, null_value, late, ... */
static inline void sx_node_drop(struct sx_node *n, const char *reason, uint64_t count)
{
    n->ops->drop(n, reason, count);
}
/* Reject what an evaluation failed on. True: there was something. */
bool sx_node_reject_all(struct sx_node *node, const struct sx_batch *batch,
                        const struct sx_row_failures *failures);

struct sx_source_spec;

/* ---- The catalogue --------------------------------------------------------------------------- */

/* What a text may use: built in, and registered by a program. */
struct sx_catalog {
    const struct sx_operator_def *const *operators;
    uint32_t operator_count;
    const struct sx_function_table *const *functions;
    uint32_t function_table_count;
    const struct sx_aggregate_table *const *aggregates;
    uint32_t aggregate_table_count;
    /* What stands behind a source declaration, and behind a repartition that nobody wrote. */
    const struct sx_flow *(*bind_source)(struct sx_plan *plan, const struct sx_source_spec *spec);
    /* A regular expression over names of topics, in the arena; NULL: *message says what is wrong. */
    const struct sx_topic_pattern *(*topic_pattern)(struct sx_arena *arena, const char *text,
                                                    const char **message);
    /* A cron expression in a zone (NULL: UTC); NULL: it is none, *message (in arena) says why. */
    const struct sx_schedule *(*schedule)(const char *text, const char *zone, struct sx_arena *arena,
                                          const char **message);
    const struct sx_flow *(*bind_repartition)(struct sx_bind *bind, const struct sx_flow *flow,
                                              const char *role, const struct sx_topic_plan *meets,
                                              int32_t partitions, const char *why);
};

/* A source: what the compiler hands to operators/source.c, which makes the node. */
struct sx_source_spec {
    const char *name;
    enum sx_flow_kind kind; /* stream, table, global */
    const char *const *topics;
    uint32_t topic_count;
    const struct sx_topic_pattern *pattern; /* instead of topics; NULL: none */
    enum sx_medium medium; /* not the log: one topic, which is none; key and value may be without format */
    const char *path;
    const struct sx_schedule *schedule;
    const struct sx_format_def *key_format;
    const void *key_plan;
    const struct sx_format_field *key_fields;
    uint32_t key_count;
    const struct sx_format_def *value_format;
    const void *value_plan;
    const struct sx_format_field *value_fields;
    uint32_t value_count;
    int64_t key_window_ms; /* `windowed T size D`: D; session: -1; else 0 */
    /* `time EXPR`, built against the schema that sx_source_schema gives; NULL: the record's own */
    const struct sx_program *time;
    int64_t history_ms; /* `versioned D`; 0: not versioned */
    int64_t idle_ms;
    bool start_latest;
    enum sx_on_gap on_gap;
    enum sx_on_error on_error;
    const char *error_topic;
    struct sx_position at;
};
/* key columns, then value columns, qualified by the name. */
const struct sx_schema *sx_source_schema(const struct sx_source_spec *spec, struct sx_arena *arena);
/* Make the source's node (spec->... is copied). */
const struct sx_flow *sx_source_bind(struct sx_plan *plan, const struct sx_catalog *catalog,
                                     const struct sx_source_spec *spec);

#endif
