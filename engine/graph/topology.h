/* topology.h: the plan: what a topology is once it is compiled. Immutable, shared by all tasks.
 *
 *   plan ─┬─ nodes[]    operators with their plans, in an order in which inputs come first
 *         ├─ topics[]   every topic read or written: external, repartition, changelog
 *         ├─ stores[]   the keyed state
 *         └─ subtopologies   nodes linked without a topic between; a task is (subtopology, partition)
 *
 * A node may be an entry: it takes raw records of a topic (a source; a repartition's far side). Cut
 * at its repartition nodes the graph falls into subtopologies. A repartition is one node with two
 * sides: input 0 takes batches and sends them to its topic; as an entry of the next subtopology it
 * decodes that topic. Where there is no log (the test driver) it passes batches through.
 *
 * Everything lives in the plan's arena; a plan is built by operators' bind (operator.h) and then
 * finished by sx_plan_finish(), which is where subtopologies, tasks and needed columns are found.
 */
#ifndef SX_TOPOLOGY_H
#define SX_TOPOLOGY_H

#include "engine/data/format.h"
#include "engine/expr/expr.h"
#include "engine/graph/store.h"

struct sx_operator_def;
struct sx_node_plan;

/* Where rows go that a node emits on a port. Targets are called in this order: the file's. */
struct sx_edge {
    struct sx_node_plan *to;
    uint32_t input; /* of `to` */
    uint32_t port;  /* of the node it leaves */
};

/* How many stores a node can have: its own, and those that it looks rows up in. */
#define SX_NODE_STORES 16

#define SX_PORT_ROWS 0  /* a stream's rows, a table's changes */
#define SX_PORT_FINAL 1 /* a windowed table's rows, each once, when it can no longer change */

/* Which column of which input an output column is; input -1: it is computed. */
struct sx_from {
    int32_t input;
    int32_t column;
};

/* What stands behind a topic of the plan. All but a topic of the log are one partition. */
enum sx_medium {
    SX_MEDIUM_LOG,
    SX_MEDIUM_FILE,     /* lines of a file: `path` */
    SX_MEDIUM_STANDARD, /* lines of standard input, or to standard output */
    SX_MEDIUM_SCHEDULE  /* a record without key and columns whenever `schedule` fires */
};

/* When something is to happen by the wall clock. */
struct sx_schedule {
    /* The first time strictly after, in ms since 1970 UTC; INT64_MAX: none. */
    int64_t (*next)(const struct sx_schedule *schedule, int64_t after_ms);
};

enum sx_topic_role {
    SX_TOPIC_SOURCE = 1,
    SX_TOPIC_SINK = 2,
    SX_TOPIC_REPARTITION = 4,
    SX_TOPIC_CHANGELOG = 8
};

/* Which names a source's `matching "regex"` takes: a whole name, not a part of one. */
struct sx_topic_pattern {
    const char *text;
    bool (*matches)(const struct sx_topic_pattern *pattern, const char *name); /* any thread */
    const void *code;
};

struct sx_topic_plan {
    const char *name;                       /* of a pattern: between slashes, which no topic's name holds */
    const struct sx_topic_pattern *pattern; /* it stands for the topics that match; NULL: for itself */
    uint32_t index;
    uint32_t roles;     /* enum sx_topic_role, or-ed */
    int32_t partitions; /* `repartition N`; 0: found at start from what it meets */
    enum sx_cleanup_plan { SX_PLAN_DELETE, SX_PLAN_COMPACT, SX_PLAN_COMPACT_DELETE } cleanup;
    const struct sx_format_def *key_format; /* how its keys are encoded; NULL for changelogs */
    const void *key_plan;
    const char *key_names; /* of several key columns, as its keys have them; NULL: one column, or none */
    /* What a sink writes to it, for showing records as JSON; NULL: none does, or raw bytes. */
    const struct sx_format_def *sink_key_format, *sink_value_format;
    const void *sink_key_plan, *sink_value_plan;
    const char *sink_keys;      /* how their keys are written, in words; NULL: no sink yet */
    struct sx_position sink_at; /* by whom */
    bool sink_key_windowed;     /* the key's bytes end in the window's */
    int64_t sink_key_window_ms; /* the windows' size; -1: sessions; 0: it varies */
    uint32_t copartition;       /* topics with the same number > 0 must have equal partition counts */
    bool follows; /* its count is that of what it meets, and never makes that one wider; a schedule too */
    enum sx_medium medium;
    const char *path;
    const struct sx_schedule *schedule;
    struct sx_position at;
};

enum sx_on_error { SX_ON_ERROR_DEFAULT, SX_ON_ERROR_FAIL, SX_ON_ERROR_SKIP, SX_ON_ERROR_TOPIC };

/* What becomes of records that are gone before they were read; the strictest first. */
enum sx_on_gap { SX_ON_GAP_FAIL, SX_ON_GAP_EARLIEST, SX_ON_GAP_LATEST };

/* What an entry needs besides its operator. */
struct sx_entry_plan {
    const uint32_t *topics; /* indexes of topics, `topic_count` of them */
    uint32_t topic_count;
    bool start_latest;
    enum sx_on_gap on_gap;
    enum sx_on_error on_error;
    uint32_t error_topic; /* index of the topic, if SX_ON_ERROR_TOPIC */
    bool global;          /* all partitions on every instance; read to its end before others start */
    int64_t idle_ms;      /* 0: no `idle` */
};

struct sx_node_plan {
    uint32_t index;
    const char *name;       /* `revenue.aggregate`: definition and stage; of an entry the definition */
    const char *definition; /* the statement it belongs to */
    const struct sx_operator_def *op;
    const void *plan; /* the operator's own */
    struct sx_position at;

    struct sx_node_plan *inputs[2];
    uint32_t input_count;
    struct sx_edge *outputs;
    uint32_t output_count;
    const struct sx_schema *schema;    /* of what it emits */
    const struct sx_entry_plan *entry; /* it takes raw records; else NULL */
    /* An entry: until it has been read to the end that it had at the start, entries of its subtopology that
     * are not to be read first wait. */
    bool read_first;

    uint32_t stores[SX_NODE_STORES];
    uint32_t store_count;
    uint32_t topics[2]; /* that it sends to */
    uint32_t topic_count;

    /* For projection pushdown: what it reads whatever is read of it, by input; and where its output
     * columns come from (NULL: all computed). Bitmaps over the input's columns. */
    const uint64_t *reads[2];
    const struct sx_from *from;
    uint64_t *needed;            /* filled in by sx_plan_finish: output columns that somebody reads */
    bool needs_old;              /* a reader wants batch->old; filled in by sx_plan_finish */
    bool wants_old;              /* it reads batch->old of its input 0 (or 1) */
    bool passes_old;             /* it makes its own `old` from its input's, when its readers want one */
    const char *note;            /* for describe: why a repartition is needed, what a store holds; or NULL */
    const char *repartition_key; /* a repartition's key as text, so that equal ones can be told */
    uint32_t subtopology;        /* of its processing side; a repartition's far side is in `next` */
    uint32_t next;
};

struct sx_subtopology {
    uint32_t index;
    struct sx_node_plan **entries; /* in the order of the file */
    uint32_t entry_count;
    struct sx_node_plan **nodes; /* all that run in it, entries too */
    uint32_t node_count;
    bool row_at_a_time; /* two paths from one entry meet again: rows go through one by one */
    bool global_only;   /* only feeds global tables: has no tasks of its own */
};

struct sx_plan {
    struct sx_arena arena;
    const char *application;
    struct sx_node_plan **nodes;
    uint32_t node_count;
    struct sx_topic_plan **topics;
    uint32_t topic_count;
    struct sx_store_plan **stores;
    uint32_t store_count;
    struct sx_subtopology *subtopologies;
    uint32_t subtopology_count;
    /* `set` in the file; -1 and SX_ON_ERROR_DEFAULT: not written */
    int guarantee; /* enum sx_guarantee */
    int64_t commit_ms;
    int64_t ahead_ms; /* rows further ahead of the wall clock are errors; -1: none are */
    enum sx_on_error on_error;
    uint32_t error_topic;
    bool any_partitioner; /* keys of topics that meet are not checked for where they are */
    /* How far apart in event time rows of different partitions may be sent on to a topic where they meet. */
    int64_t skew_ms;
    /* Names for messages and warnings. */
    streamd_error *warnings;
};

#define SX_ANY_SKEW INT64_MAX /* nothing in the plan closes as stream time goes on */

/* ---- Building -------------------------------------------------------------------------------- */

struct sx_plan *sx_plan_new(const char *application);
void sx_plan_free(struct sx_plan *plan);

/* The topic of that name, made when it is new. `role` is added to its roles. */
struct sx_topic_plan *sx_plan_topic(struct sx_plan *plan, const char *name, enum sx_topic_role role);
struct sx_store_plan *sx_plan_store(struct sx_plan *plan, const char *name, enum sx_store_kind kind);
/* The topic that stands for those whose names the pattern takes. */
struct sx_topic_plan *sx_plan_pattern(struct sx_plan *plan, const struct sx_topic_pattern *pattern);
/* `topic` is this one, or its pattern takes it. A pattern takes neither what the plan itself writes, nor
 * the application's internal topics, nor those of the log (`__...`). */
bool sx_topic_takes(const struct sx_plan *plan, const struct sx_topic_plan *topic, const char *name);
/* The application writes it and reads it again: a changelog, a repartition topic, a sink that is a source. */
bool sx_topic_is_own(const struct sx_topic_plan *topic);
/* Nothing is kept by key, and nothing goes through a repartition: it does not matter in which partition a key
 * is, and the topics that are read may get more. */
bool sx_plan_is_stateless(const struct sx_plan *plan);
/* A node with its inputs linked: edges are added to them, in this order of calls. */
struct sx_node_plan *sx_plan_node(struct sx_plan *plan, const struct sx_operator_def *op,
                                  const char *definition, const char *stage, struct sx_position at);
void sx_plan_link(struct sx_plan *plan, struct sx_node_plan *from, uint32_t port, struct sx_node_plan *to,
                  uint32_t input);
/* Topics a and b must have the same number of partitions. */
void sx_plan_copartition(struct sx_plan *plan, uint32_t topic_a, uint32_t topic_b);

/* An operator takes rows that are late by up to `grace_ms`, and drops later ones. */
void sx_plan_closes(struct sx_plan *plan, int64_t grace_ms);

/* Find subtopologies, needed columns, needs_old, row_at_a_time. Called once, when all nodes are in. */
streamd_status sx_plan_finish(struct sx_plan *plan, streamd_error **error);

/* ---- Printing: the same bytes for the same plan ---------------------------------------------- */
void sx_plan_print_text(const struct sx_plan *plan, struct sx_buffer *to);
void sx_plan_print_dot(const struct sx_plan *plan, struct sx_buffer *to);
void sx_plan_print_json(const struct sx_plan *plan, struct sx_buffer *to);

#endif
