/* groups.c: see groups.h. */
#include "operators/groups_inside.h"

#include <stdlib.h>

#define ARGS_MAX 4

struct use_state {
    struct sx_evaluator *args[ARGS_MAX];
    struct sx_evaluator *where;
    struct sx_evaluator *step;                 /* of a fold */
    struct sx_column arg_columns[2][ARGS_MAX]; /* of the rows now, and of the rows before */
    struct sx_column where_column[2];
    struct sx_call call;
};

struct sx_groups *sx_groups_open(const struct sx_groups_plan *plan)
{
    const struct sx_aggregation *a = plan->aggregation;
    struct sx_groups *g = sx_calloc(1, sizeof(*g));

    g->plan = plan;
    g->uses = sx_calloc(a->use_count + 1, sizeof(*g->uses));
    g->states = sx_calloc(a->use_count + 1, sizeof(*g->states));
    g->later = sx_calloc(a->use_count + 1, sizeof(*g->later));
    g->now = sx_calloc(a->use_count + 1, sizeof(*g->now));
    g->before = sx_calloc(a->use_count + 1, sizeof(*g->before));
    g->outputs = sx_evaluators_open(a->outputs, a->output_count);
    for (uint32_t u = 0; u < a->use_count; u++) {
        const struct sx_aggregate_use *use = &a->uses[u];

        for (uint32_t i = 0; i < use->arg_count; i++)
            g->uses[u].args[i] = sx_evaluator_new(use->args[i]);
        if (use->where != NULL)
            g->uses[u].where = sx_evaluator_new(use->where);
        if (use->step != NULL)
            g->uses[u].step = sx_evaluator_new(use->step);
        g->uses[u].call.types = use->types;
        g->uses[u].call.result = use->type;
        g->uses[u].call.arg = use->def ? use->def->arg : NULL;
    }
    return g;
}

void sx_groups_close(struct sx_groups *g)
{
    const struct sx_aggregation *a = g->plan->aggregation;

    for (uint32_t u = 0; u < a->use_count; u++) {
        struct use_state *use = &g->uses[u];

        for (uint32_t i = 0; i < ARGS_MAX; i++)
            if (use->args[i] != NULL)
                sx_evaluator_free(use->args[i]);
        if (use->where != NULL)
            sx_evaluator_free(use->where);
        if (use->step != NULL)
            sx_evaluator_free(use->step);
    }
    sx_evaluators_close(g->outputs, a->output_count);
    sx_buffer_free(&g->stored);
    free(g->uses);
    free(g->states);
    free(g->later);
    free(g->now);
    free(g->before);
    free(g);
}

static void evaluate(struct sx_groups *g, struct sx_node *node, const struct sx_batch *batch, int side,
                     struct sx_row_failures *failures)
{
    const struct sx_aggregation *a = g->plan->aggregation;

    for (uint32_t u = 0; u < a->use_count; u++) {
        struct use_state *use = &g->uses[u];
        const uint16_t *sel;
        uint32_t count;
        struct sx_batch rows = *batch;

        use->call.arena = node->arena;
        if (use->where != NULL) {
            /* The arguments are evaluated only where the condition holds, so that they cannot fail
             * elsewhere. */
            sx_eval_select(use->where, batch, node->arena, &sel, &count, failures);
            rows = sx_batch_select(batch, sel, count);
            use->where_column[side] = sx_column_new(node->arena, &sx_type_bool, batch->rows);
            memset(use->where_column[side].b, 0, batch->rows);
            for (uint32_t i = 0; i < count; i++)
                use->where_column[side].b[sel[i]] = 1;
        }
        for (uint32_t i = 0; i < a->uses[u].arg_count; i++)
            sx_eval_column(use->args[i], &rows, node->arena, &use->arg_columns[side][i], failures);
    }
}

bool sx_groups_begin(struct sx_groups *g, struct sx_node *node, const struct sx_batch *batch)
{
    struct sx_batch present = sx_batch_present(node->arena, batch), before;
    struct sx_row_failures failures = {0};

    evaluate(g, node, &present, 0, &failures);
    if (g->plan->retracts) {
        before = sx_batch_before(node->arena, batch);
        present = sx_batch_present(node->arena, &before);
        evaluate(g, node, &present, 1, &failures);
    }
    return !sx_node_reject_all(node, batch, &failures);
}

/* ---- One group ------------------------------------------------------------------------------- */

bool sx_groups_states(struct sx_groups *g, struct sx_aggregate_state *states, char *bytes, uint32_t size)
{
    const struct sx_groups_plan *plan = g->plan;
    uint32_t head = plan->head_bytes;
    const char *at = bytes + head + plan->fixed_bytes, *end = bytes + size;

    if (size < head + plan->fixed_bytes)
        return false;
    for (uint32_t u = 0; u < plan->aggregation->use_count; u++) {
        const struct sx_aggregate_def *def = plan->aggregation->uses[u].def;
        uint64_t length;

        states[u].fixed = bytes + head + plan->fixed_at[u];
        states[u].variable = SX_SLICE_NONE;
        if (def != NULL && !def->variable)
            continue;
        if (!sx_read_varint(&at, end, &length) || length > (uint64_t)(end - at))
            return false;
        states[u].variable = sx_slice(at, length);
        at += length;
    }
    return true;
}

void sx_groups_results(struct sx_groups *g, struct sx_node *node, struct sx_value *values)
{
    const struct sx_aggregation *a = g->plan->aggregation;

    for (uint32_t u = 0; u < a->use_count; u++) {
        struct use_state *use = &g->uses[u];

        use->call.arena = node->arena;
        if (a->uses[u].def != NULL) {
            values[u] = a->uses[u].def->result_of(&use->call, &g->states[u]);
            if (SX_UNLIKELY(use->call.failed)) {
                use->call.failed = false;
                g->no_result = use->call.message;
            }
            continue;
        }
        if (!sx_row_read(g->states[u].variable, &a->uses[u].type, 1, &values[u], node->arena))
            values[u] = SX_VALUE_NULL;
    }
}

bool sx_groups_reject(struct sx_groups *g, struct sx_node *node, const struct sx_batch *batch, uint32_t row,
                      const char *message)
{
    sx_node_reject(node, batch, row, "expression", g->plan->at, message);
    return false;
}

static bool fold(struct sx_groups *g, struct sx_node *node, const struct sx_batch *batch, uint32_t row,
                 uint32_t u)
{
    const struct sx_aggregate_use *use = &g->plan->aggregation->uses[u];
    struct sx_row_failures failures = {0};
    struct sx_value acc, next;
    struct sx_buffer bytes = {0};

    if (g->states[u].variable.size == 0)
        acc = sx_column_get(&g->uses[u].arg_columns[0][0], row);
    else if (!sx_row_read(g->states[u].variable, &use->type, 1, &acc, node->arena))
        return sx_groups_reject(g, node, batch, row, "the stored state of a fold is damaged");
    if (!sx_eval_row(g->uses[u].step, batch, row, &acc, node->arena, &next, &failures))
        return !sx_node_reject_all(node, batch, &failures);
    sx_row_write_values(&bytes, &next, 1);
    g->states[u].variable = sx_arena_copy(node->arena, sx_buffer_slice(&bytes));
    sx_buffer_free(&bytes);
    return true;
}

/* Give the row, or the row before (side 1), to every aggregate that wants it. */
static bool add_all(struct sx_groups *g, struct sx_node *node, const struct sx_batch *batch, uint32_t row,
                    int side)
{
    const struct sx_aggregation *a = g->plan->aggregation;

    for (uint32_t u = 0; u < a->use_count; u++) {
        struct use_state *use = &g->uses[u];
        const struct sx_aggregate_use *plan = &a->uses[u];
        struct sx_value args[ARGS_MAX];

        if (use->where != NULL && !use->where_column[side].b[row])
            continue;
        if (plan->def == NULL) {
            if (!fold(g, node, batch, row, u))
                return false;
            continue;
        }
        for (uint32_t i = 0; i < plan->arg_count; i++)
            args[i] = sx_column_get(&use->arg_columns[side][i], row);
        if (plan->arg_count && args[0].kind == SX_NULL && !(plan->def->flags & SX_AGGREGATE_NULLS))
            continue;
        (side == 0 ? plan->def->add : plan->def->retract)(&use->call, &g->states[u], args, plan->arg_count);
        if (SX_UNLIKELY(use->call.failed)) {
            use->call.failed = false;
            return sx_groups_reject(g, node, batch, row, use->call.message);
        }
    }
    return true;
}

bool sx_groups_load(struct sx_groups *g, struct sx_node *node, const struct sx_batch *batch, uint32_t row,
                    struct sx_slice stored)
{
    const struct sx_groups_plan *plan = g->plan;
    uint32_t size = SX_MAX(stored.size, sx_groups_fixed_size(plan) + plan->aggregation->use_count);

    g->bytes = sx_arena_zero(node->arena, size);
    if (stored.data == NULL)
        sx_put_le64(g->bytes, (uint64_t)INT64_MIN);
    else
        memcpy(g->bytes, stored.data, stored.size);
    if (!sx_groups_states(g, g->states, g->bytes, stored.data ? stored.size : size))
        return sx_groups_reject(g, node, batch, row, "the stored state of the group is damaged");
    g->ts = (int64_t)sx_get_le64(g->bytes);
    g->is_there = true;
    g->was_there = false;
    return true;
}

bool sx_groups_take(struct sx_groups *g, struct sx_node *node, const struct sx_batch *batch, uint32_t row,
                    bool there, bool want_old)
{
    bool comes = true, goes = false;

    g->was_there = there;
    g->is_there = true;
    g->ts_before = g->ts;
    g->ts = SX_MAX(g->ts, batch->ts[row]);
    if (want_old && there)
        sx_groups_results(g, node, g->before);
    if (g->plan->retracts) {
        uint64_t rows = sx_get_le64(g->bytes + 8);

        comes = !sx_batch_is_gone(batch, row);
        /* A group that is not there has nothing to be taken out of it. */
        goes = there && batch->old != NULL && !sx_batch_is_gone(batch->old, row);
        rows = rows + comes - goes;
        g->is_there = rows > 0;
        sx_put_le64(g->bytes + 8, rows);
    }
    sx_put_le64(g->bytes, (uint64_t)g->ts);
    if (!g->is_there)
        return true;
    return (!goes || add_all(g, node, batch, row, 1)) && (!comes || add_all(g, node, batch, row, 0));
}

bool sx_groups_merge(struct sx_groups *g, struct sx_node *node, const struct sx_batch *batch, uint32_t row,
                     struct sx_slice later)
{
    char *bytes = sx_arena_alloc(node->arena, later.size + 1);

    memcpy(bytes, later.data, later.size);
    if (!sx_groups_states(g, g->later, bytes, later.size))
        return sx_groups_reject(g, node, batch, row, "the stored state of the group is damaged");
    for (uint32_t u = 0; u < g->plan->aggregation->use_count; u++) {
        struct sx_call *call = &g->uses[u].call;

        call->arena = node->arena;
        g->plan->aggregation->uses[u].def->merge(call, &g->states[u], &g->later[u]);
        if (call->failed) {
            call->failed = false;
            return sx_groups_reject(g, node, batch, row, call->message);
        }
    }
    g->ts = SX_MAX(g->ts, (int64_t)sx_get_le64(bytes));
    sx_put_le64(g->bytes, (uint64_t)g->ts);
    return true;
}

struct sx_slice sx_groups_stored(struct sx_groups *g)
{
    const struct sx_groups_plan *plan = g->plan;

    g->stored.size = 0;
    sx_buffer_add(&g->stored, g->bytes, sx_groups_fixed_size(plan));
    for (uint32_t u = 0; u < plan->aggregation->use_count; u++) {
        const struct sx_aggregate_def *def = plan->aggregation->uses[u].def;

        if (def != NULL && !def->variable)
            continue;
        sx_buffer_add_varint(&g->stored, g->states[u].variable.size);
        sx_buffer_add_slice(&g->stored, g->states[u].variable);
    }
    return sx_buffer_slice(&g->stored);
}

void sx_groups_point(struct sx_groups *g, char *bytes, bool fresh)
{
    g->bytes = bytes;
    if (fresh)
        sx_put_le64(bytes, (uint64_t)INT64_MIN);
    g->ts = (int64_t)sx_get_le64(bytes);
    sx_groups_states(g, g->states, bytes, sx_groups_fixed_size(g->plan));
}

bool sx_groups_add(struct sx_groups *g, struct sx_node *node, const struct sx_batch *batch, uint32_t row,
                   int64_t segment, struct sx_slice key, bool want_old)
{
    struct sx_slice stored;
    bool fresh;

    if (!g->plan->variable) {
        char *bytes = sx_store_edit(node->stores[0], segment, key, sx_groups_fixed_size(g->plan), &fresh);

        sx_groups_point(g, bytes, fresh);
    } else {
        stored = sx_store_get(node->stores[0], segment, key);
        fresh = stored.data == NULL;
        if (!sx_groups_load(g, node, batch, row, stored))
            return false;
    }
    if (!sx_groups_take(g, node, batch, row, !fresh, want_old))
        return false;
    if (!g->is_there)
        sx_store_remove(node->stores[0], segment, key);
    else if (g->plan->variable)
        sx_store_put(node->stores[0], segment, key, sx_groups_stored(g));
    return true;
}

int sx_groups_presence(const struct sx_groups *g) { return (int)g->is_there - (int)g->was_there; }
