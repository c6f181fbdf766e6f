/* task_time.c: event time that goes on without a row, from an entry to the operators behind it. */
#include "engine/run/task_parts.h"

#include <stdlib.h>

/* The rows of a repartition go on in the next subtopology, where a record of its topic says the time. */
static bool ends_here(const struct sx_node_plan *node, const struct sx_node_plan *entry,
                      const struct task_node *n)
{
    return (node != entry && node->entry != NULL && !n->node.passes_through) ||
           strcmp(node->op->name, "time") == 0;
}

/* The nodes that rows of `entry` reach, each once, in the order of the plan: inputs come first. */
static void mark(const struct sx_task *task, const struct sx_node_plan *entry, bool *reached)
{
    memset(reached, 0, sizeof(*reached) * task->plan->node_count);
    reached[entry->index] = true;
    for (uint32_t i = 0; i < task->node_count; i++) {
        const struct sx_node_plan *node = task->order[i]->node.plan;

        if (!reached[node->index] || ends_here(node, entry, task->order[i]))
            continue;
        for (uint32_t o = 0; o < node->output_count; o++)
            reached[node->outputs[o].to->index] = true;
    }
}

bool sx_task_minds_time(const struct sx_task *task, const struct sx_node_plan *entry)
{
    bool *reached = sx_calloc(task->plan->node_count + 1, sizeof(*reached)), minds = false;

    mark(task, entry, reached);
    for (uint32_t i = 0; i < task->node_count; i++) {
        const struct sx_node_plan *node = task->order[i]->node.plan;

        minds |= reached[node->index] && node != entry && node->op->on_time != NULL;
    }
    free(reached);
    return minds;
}

bool sx_task_advance(struct sx_task *task, struct sx_node_plan *entry, const char *topic, int32_t partition,
                     int64_t time_ms, int64_t wall_ms, struct sx_task_failure *failure)
{
    struct sx_record record = {.timestamp = time_ms, .offset = -1};
    struct sx_origin origin = {.topic = topic, .partition = partition, .records = &record, .count = 1};
    bool *reached = sx_calloc(task->plan->node_count + 1, sizeof(*reached));

    sx_arena_reset(&task->arena);
    task->entry = entry;
    task->origin = &origin;
    task->failure_count = 0;
    mark(task, entry, reached);
    sx_task_savepoint(task);
    for (uint32_t i = 0; i < task->node_count && task->failure_count == 0; i++) {
        struct task_node *n = task->order[i];
        const struct sx_node_plan *plan = n->node.plan;

        if (reached[plan->index] && plan != entry && plan->op->on_time != NULL)
            plan->op->on_time(plan->plan, n->node.state, &n->node, time_ms, wall_ms);
    }
    free(reached);
    if (task->failure_count) {
        *failure = task->failures[0];
        task->advanced = record;
        failure->record = &task->advanced;
        sx_task_undo(task);
        if (sx_task_policy(task, entry) == SX_ON_ERROR_FAIL)
            return false;
        task->events->failed(failure, SX_ON_ERROR_SKIP, task->events->arg);
        return true;
    }
    sx_task_hand_out(task);
    return true;
}
