/* task.h: a task runs the nodes of a subtopology for one partition number.
 *
 * The life of a record here: decode() turns fetched records into a batch of an entry's columns;
 * process() pushes a range of its rows down the graph, depth first, in the order of the file. What the
 * nodes send waits in the outbox until the whole range has gone through; then it is handed out. If a
 * row fails, stores, operators' states and the outbox go back to where they were, the entry's
 * `on error` decides about that row, and the rest runs again without it: nothing a failed record would
 * have sent is sent, no state of it stays.
 *
 * Threads: one at a time. The log, the commit and the choice of the next input are the worker's.
 */
#ifndef SX_TASK_H
#define SX_TASK_H

#include "engine/base/clock.h"
#include "engine/graph/operator.h"

struct sx_task;

/* A row of a source that failed, as `on error` sees it. */
struct sx_task_failure {
    const struct sx_node_plan *entry;
    const char *topic;
    int32_t partition;
    const struct sx_record *record;
    const char *reason; /* a word */
    const char *message;
    struct sx_position at; /* in the `.stream` file */
    const char *stage;     /* the node */
};

#define SX_EVERY_PARTITION (-2)

/* A record to be written. Everything in it lives until the call ends. */
struct sx_task_send {
    uint32_t topic;        /* in the plan */
    int32_t partition;     /* >= 0, or -1: by `place`, or SX_EVERY_PARTITION */
    struct sx_slice place; /* data NULL: by the source record's offset */
    int64_t source_offset;
    struct sx_record record;
    const struct sx_window *window; /* NULL: none */
    bool latest_only;
};

struct sx_task_events {
    /* A record of the outbox, in order. */
    void (*sent)(const struct sx_task_send *send, void *arg);
    /* A row failed and is skipped or goes to a topic (policy says which). Not called for `fail`. */
    void (*failed)(const struct sx_task_failure *failure, enum sx_on_error policy, void *arg);
    /* Rows were left out: late, null_key, null_value ... */
    void (*dropped)(const struct sx_node_plan *node, const char *reason, uint64_t count, void *arg);
    /* Every batch that a node emits, for tests of definitions; may be NULL. What was seen since the
     * last process() is void after undone(). */
    void (*emitted)(const struct sx_node_plan *node, uint32_t port, const struct sx_batch *batch, void *arg);
    void (*undone)(void *arg);
    const uint32_t *record_bytes_max; /* by topic of the plan: a larger record is an error; NULL: no limits */
    void *arg;
};

/* `subtopology` -1: all of the plan in one task, repartitions passing through (the test driver).
 * `stores` by index in the plan; those of this task's nodes must be there. They, the plan and events
 * outlive the task. */
struct sx_task *sx_task_new(const struct sx_plan *plan, int32_t subtopology, int32_t partition,
                            struct sx_store **stores, const struct sx_task_events *events);
/* Open the operators; the stores hold what is committed. Again after sx_task_close_operators(). */
void sx_task_open(struct sx_task *task);
void sx_task_close_operators(struct sx_task *task);
void sx_task_free(struct sx_task *task);

/* What is decoded and run from now on is held to the plan's `ahead`, by the clock as it is now. A task that
 * is never told has no bound. */
void sx_task_bound(struct sx_task *task, const struct sx_clock *clock);

/* Records of one entry, decoded. Lives in `arena`, as do the failures. */
struct sx_decoded {
    struct sx_node_plan *entry;
    struct sx_origin origin;
    struct sx_batch batch;
    struct sx_task_failure *failures; /* by row, ascending; rows are left out of the batch */
    uint32_t *failed_rows;
    uint32_t failure_count;
};

/* At most SX_BATCH_ROWS records. `records` must live as long as the result. */
void sx_task_decode(struct sx_task *task, struct sx_node_plan *entry, const char *topic, int32_t partition,
                    const struct sx_record *records, uint32_t count, bool padded, struct sx_arena *arena,
                    struct sx_decoded *decoded);

/* Run source rows [from, to) of a decoded batch. Returns where it stopped: `to`, or the row that
 * failed under `on error fail`, with *failure filled in (it lives until the next call). */
uint32_t sx_task_process(struct sx_task *task, const struct sx_decoded *decoded, uint32_t from, uint32_t to,
                         struct sx_task_failure *failure);

/* Event time went on behind an entry although no row says so: to `time_ms`, in every operator that the
 * entry's rows reach (up to a stage `time`, which has a time of its own). `wall_ms`: the wall clock, when
 * it is what went on; -1: rows did, and were dropped on the way. If what that set off fails it is undone
 * and, under `on error fail`, false, with *failure filled in (it lives until the next call); else it is told
 * as a row that was skipped. */
bool sx_task_advance(struct sx_task *task, struct sx_node_plan *entry, const char *topic, int32_t partition,
                     int64_t time_ms, int64_t wall_ms, struct sx_task_failure *failure);
/* Is there an operator behind the entry that this could mean something to? */
bool sx_task_minds_time(const struct sx_task *task, const struct sx_node_plan *entry);

/* Restore a table from its own topic, before sx_task_open(): between begin and end of an entry rows
 * that were decoded go into the entry's store and nowhere else. Rows that failed are left out, as
 * they were the first time. */
void sx_task_restore_begin(struct sx_task *task, struct sx_node_plan *entry);
void sx_task_restore_rows(struct sx_task *task, const struct sx_decoded *decoded, uint32_t from, uint32_t to);
void sx_task_restore_end(struct sx_task *task, struct sx_node_plan *entry);

/* Entries in the order of the file. */
struct sx_node_plan *const *sx_task_entries(const struct sx_task *task, uint32_t *count);

/* Rows a node took and gave, for /metrics. */
struct sx_node_counts {
    uint64_t rows_in, rows_out;
};
const struct sx_node_counts *sx_task_counts(const struct sx_task *task, const struct sx_node_plan *node);

#endif
