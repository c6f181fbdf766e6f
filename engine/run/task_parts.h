/* task_parts.h: what a task is made of; private to task.c and task_time.c. */
#ifndef SX_TASK_PARTS_H
#define SX_TASK_PARTS_H

#include "engine/run/outbox.h"

/* A node at run time. `node` is first, so that an operator's sx_node leads back to it. */
struct task_node {
    struct sx_node node;
    struct sx_task *task;
    void *saved; /* the state at the savepoint */
    struct sx_node_counts counts;
    struct sx_node_counts counts_saved;
};

struct dropped {
    const struct sx_node_plan *node;
    const char *reason;
    uint64_t count;
};

struct sx_task {
    const struct sx_plan *plan;
    const struct sx_task_events *events;
    struct task_node **nodes; /* by index in the plan; NULL: not of this task */
    struct task_node **order; /* those that are, in the order of the plan */
    uint32_t node_count;
    struct sx_node_plan **entries;
    uint32_t entry_count;
    struct sx_store **stores; /* of this task, each once */
    uint32_t store_count;
    bool one_by_one;
    bool is_open;
    bool restoring; /* what nodes emit goes nowhere */

    struct sx_arena arena;     /* the batch's */
    struct sx_arena row_arena; /* where rows go one by one */
    struct sx_outbox outbox;
    struct dropped *drops;
    uint32_t drop_count, drop_room;
    /* Rows of the source that failed in this run. */
    struct sx_task_failure *failures;
    uint32_t *failed_rows;
    uint32_t failure_count, failure_room;
    struct sx_arena failure_arena;     /* their messages: they outlive the batch */
    const struct sx_decoded *decoding; /* not NULL while decoding */
    const struct sx_origin *origin;
    struct sx_node_plan *entry;
    struct sx_time_bound bound;
    struct sx_record advanced; /* what stands for a failed advance */
};

/* Stores, states of operators, outbox: as they are now, and back to that. */
void sx_task_savepoint(struct sx_task *task);
void sx_task_undo(struct sx_task *task);
/* What `on error` says about rows of this entry. */
enum sx_on_error sx_task_policy(const struct sx_task *task, const struct sx_node_plan *entry);
/* What was sent and dropped since, to whoever waits for it. */
void sx_task_hand_out(struct sx_task *task);

#endif
