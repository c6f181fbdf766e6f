/* groups.c: see groups.h. */
#include "operators/groups.h"

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

struct sx_groups {
    const struct sx_groups_plan *plan;
    struct use_state *uses;
    struct sx_evaluator **outputs;
    struct sx_aggregate_state *states; /* of the group in hand */
    struct sx_value *now, *before;     /* its results */
    const char *no_result;             /* why one of them could not be had, or NULL */
    bool was_there, is_there;
    int64_t ts, ts_before;
    struct sx_buffer stored;
};

struct sx_groups *sx_groups_open(const struct sx_groups_plan *plan)
{
    const struct sx_aggregation *a = plan->aggregation;
    struct sx_groups *g = sx_calloc(1, sizeof(*g));

    g->plan = plan;
    g->uses = sx_calloc(a->use_count + 1, sizeof(*g->uses));
    g->states = sx_calloc(a->use_count + 1, sizeof(*g->states));
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

/* Point the states into stored bytes; `fixed` may be changed in place. False: damaged. */
static bool read_states(struct sx_groups *g, char *bytes, uint32_t size)
{
    const struct sx_groups_plan *plan = g->plan;
    uint32_t head = plan->head_bytes;
    const char *at = bytes + head + plan->fixed_bytes, *end = bytes + size;

    if (size < head + plan->fixed_bytes)
        return false;
    for (uint32_t u = 0; u < plan->aggregation->use_count; u++) {
        const struct sx_aggregate_def *def = plan->aggregation->uses[u].def;
        uint64_t length;

        g->states[u].fixed = bytes + head + plan->fixed_at[u];
        g->states[u].variable = SX_SLICE_NONE;
        if (def != NULL && !def->variable)
            continue;
        if (!sx_read_varint(&at, end, &length) || length > (uint64_t)(end - at))
            return false;
        g->states[u].variable = sx_slice(at, length);
        at += length;
    }
    return true;
}

static void results_of(struct sx_groups *g, struct sx_node *node, struct sx_value *values)
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

static bool reject(struct sx_groups *g, struct sx_node *node, const struct sx_batch *batch, uint32_t row,
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
        return reject(g, node, batch, row, "the stored state of a fold is damaged");
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
            return reject(g, node, batch, row, use->call.message);
        }
    }
    return true;
}

/* What the row does to the group whose states were read from `bytes`. False: rejected. */
static bool change_group(struct sx_groups *g, struct sx_node *node, const struct sx_batch *batch,
                         uint32_t row, char *bytes, bool fresh, bool want_old)
{
    bool comes = true, goes = false;

    if (fresh)
        sx_put_le64(bytes, (uint64_t)INT64_MIN);
    g->was_there = !fresh;
    g->is_there = true;
    g->ts_before = (int64_t)sx_get_le64(bytes);
    g->ts = SX_MAX(g->ts_before, batch->ts[row]);
    if (want_old && !fresh)
        results_of(g, node, g->before);
    if (g->plan->retracts) {
        uint64_t rows = sx_get_le64(bytes + 8);

        comes = !sx_batch_is_gone(batch, row);
        /* A group that is not there has nothing to be taken out of it. */
        goes = !fresh && batch->old != NULL && !sx_batch_is_gone(batch->old, row);
        rows = rows + comes - goes;
        g->is_there = rows > 0;
        sx_put_le64(bytes + 8, rows);
    }
    sx_put_le64(bytes, (uint64_t)g->ts);
    if (!g->is_there)
        return true;
    return (!goes || add_all(g, node, batch, row, 1)) && (!comes || add_all(g, node, batch, row, 0));
}

static void store_group(struct sx_groups *g, struct sx_node *node, int64_t segment, struct sx_slice key,
                        const char *bytes)
{
    const struct sx_groups_plan *plan = g->plan;

    g->stored.size = 0;
    sx_buffer_add(&g->stored, bytes, plan->head_bytes + plan->fixed_bytes);
    for (uint32_t u = 0; u < plan->aggregation->use_count; u++) {
        const struct sx_aggregate_def *def = plan->aggregation->uses[u].def;

        if (def != NULL && !def->variable)
            continue;
        sx_buffer_add_varint(&g->stored, g->states[u].variable.size);
        sx_buffer_add_slice(&g->stored, g->states[u].variable);
    }
    sx_store_put(node->stores[0], segment, key, sx_buffer_slice(&g->stored));
}

bool sx_groups_add(struct sx_groups *g, struct sx_node *node, const struct sx_batch *batch, uint32_t row,
                   int64_t segment, struct sx_slice key, bool want_old)
{
    const struct sx_groups_plan *plan = g->plan;
    uint32_t least = plan->head_bytes + plan->fixed_bytes;
    struct sx_slice stored;
    char *bytes;
    bool fresh;

    if (!plan->variable) {
        bytes = sx_store_edit(node->stores[0], segment, key, least, &fresh);
        read_states(g, bytes, least);
        if (!change_group(g, node, batch, row, bytes, fresh, want_old))
            return false;
        if (!g->is_there)
            sx_store_remove(node->stores[0], segment, key);
        return true;
    }
    stored = sx_store_get(node->stores[0], segment, key);
    fresh = stored.data == NULL;
    least += plan->aggregation->use_count;
    bytes = sx_arena_zero(node->arena, SX_MAX(stored.size, least));
    if (!fresh)
        memcpy(bytes, stored.data, stored.size);
    if (!read_states(g, bytes, fresh ? least : stored.size))
        return reject(g, node, batch, row, "the stored state of the group is damaged");
    if (!change_group(g, node, batch, row, bytes, fresh, want_old))
        return false;
    if (g->is_there)
        store_group(g, node, segment, key, bytes);
    else if (!fresh)
        sx_store_remove(node->stores[0], segment, key);
    return true;
}

/* The table's columns from those of the results. */
static bool compute(struct sx_groups *g, struct sx_node *node, struct sx_batch *batch,
                    struct sx_row_failures *failures)
{
    const struct sx_groups_plan *plan = g->plan;
    struct sx_column *columns = SX_ARENA_ARRAY(node->arena, struct sx_column, plan->schema->count + 1);
    struct sx_batch present = sx_batch_present(node->arena, batch);

    memcpy(columns, batch->columns, sizeof(*columns) * plan->key_count);
    for (uint32_t i = 0; i < plan->aggregation->output_count; i++)
        sx_eval_column(g->outputs[i], &present, node->arena, &columns[plan->key_count + i], failures);
    batch->columns = columns;
    batch->schema = plan->schema;
    return failures->count == 0;
}

void sx_groups_read(struct sx_groups *g, struct sx_node *node, const struct sx_slice *stored,
                    struct sx_batch *rows)
{
    const struct sx_groups_plan *plan = g->plan;
    uint32_t keys = plan->key_count, uses = plan->aggregation->use_count;
    struct sx_column *columns = SX_ARENA_ARRAY(node->arena, struct sx_column, plan->results->count + 1);
    uint64_t *gone = (uint64_t *)rows->gone;
    struct sx_row_failures failures = {0};
    struct sx_batch present;

    memcpy(columns, rows->columns, sizeof(*columns) * keys);
    for (uint32_t u = 0; u < uses; u++) {
        columns[keys + u] = sx_column_new(node->arena, plan->results->fields[keys + u].type, rows->rows);
        sx_column_nulls(&columns[keys + u], node->arena, rows->rows);
    }
    for (SX_EACH_ROW(rows, i, row)) {
        /* What was read is only looked at: results do not change a state. */
        if (stored[row].data == NULL || !read_states(g, (char *)stored[row].data, (uint32_t)stored[row].size))
            continue;
        g->no_result = NULL;
        results_of(g, node, g->now);
        if (g->no_result != NULL)
            continue; /* no row was sent for it */
        sx_bit_clear(gone, row);
        ((int64_t *)rows->ts)[row] = (int64_t)sx_get_le64(stored[row].data);
        for (uint32_t u = 0; u < uses; u++)
            sx_column_set(&columns[keys + u], row, g->now[u]);
    }
    present = sx_batch_present(node->arena, rows);
    present.schema = plan->results;
    present.columns = columns;
    compute(g, node, &present, &failures);
    rows->schema = plan->schema;
    rows->columns = present.columns;
    for (uint32_t i = 0; i < failures.count; i++)
        sx_bit_set(gone, failures.items[i].row);
}

/* ---- Results --------------------------------------------------------------------------------- */

struct sx_results {
    struct sx_groups *groups;
    struct sx_node *node;
    const struct sx_batch *cause;
    uint32_t port;
    bool want_old;
    uint32_t count;
    struct sx_column *now, *before; /* by column of plan->results */
    int64_t *ts, *ts_before;
    struct sx_window *windows;
    uint16_t *origin_row;
    uint64_t *gone, *absent; /* gone: NULL when groups never are */
};

static struct sx_column *columns_for(struct sx_node *node, const struct sx_schema *schema)
{
    struct sx_column *columns = SX_ARENA_ARRAY(node->arena, struct sx_column, schema->count + 1);

    for (uint32_t c = 0; c < schema->count; c++) {
        columns[c] = sx_column_new(node->arena, schema->fields[c].type, SX_BATCH_ROWS);
        sx_column_nulls(&columns[c], node->arena, SX_BATCH_ROWS);
    }
    return columns;
}

static void results_begin(struct sx_results *r)
{
    const struct sx_schema *schema = r->groups->plan->results;
    struct sx_arena *arena = r->node->arena;

    r->count = 0;
    r->now = columns_for(r->node, schema);
    r->ts = sx_arena_alloc(arena, sizeof(*r->ts) * SX_BATCH_ROWS);
    r->windows = sx_arena_alloc(arena, sizeof(*r->windows) * SX_BATCH_ROWS);
    r->origin_row = sx_arena_alloc(arena, sizeof(*r->origin_row) * SX_BATCH_ROWS);
    if (r->groups->plan->retracts)
        r->gone = SX_ARENA_ARRAY(arena, uint64_t, SX_BITMAP_WORDS(SX_BATCH_ROWS));
    if (r->want_old) {
        r->before = columns_for(r->node, schema);
        r->ts_before = sx_arena_alloc(arena, sizeof(*r->ts_before) * SX_BATCH_ROWS);
        r->absent = SX_ARENA_ARRAY(arena, uint64_t, SX_BITMAP_WORDS(SX_BATCH_ROWS));
    }
}

struct sx_results *sx_results_new(struct sx_groups *groups, struct sx_node *node, uint32_t port,
                                  const struct sx_batch *cause, bool want_old)
{
    struct sx_results *r = SX_ARENA_NEW(node->arena, struct sx_results);

    r->groups = groups;
    r->node = node;
    r->cause = cause;
    r->port = port;
    r->want_old = want_old;
    return r;
}

/* The next row's place, with what all kinds of results have. */
static uint32_t next_row(struct sx_results *r, uint32_t row, const struct sx_window *window, int64_t ts)
{
    if (r->count == SX_BATCH_ROWS)
        sx_results_flush(r);
    if (r->count == 0)
        results_begin(r);
    r->ts[r->count] = ts;
    r->windows[r->count] = *window;
    r->origin_row[r->count] = r->cause->origin_row ? r->cause->origin_row[row] : (uint16_t)row;
    return r->count++;
}

/* The results of the group in hand; a row whose group has none fails. */
static void results_now(struct sx_results *r, uint32_t row)
{
    struct sx_groups *g = r->groups;

    g->no_result = NULL;
    results_of(g, r->node, g->now);
    if (SX_UNLIKELY(g->no_result != NULL))
        reject(g, r->node, r->cause, row, g->no_result);
}

void sx_results_add(struct sx_results *r, uint32_t row, const struct sx_window *window)
{
    struct sx_groups *g = r->groups;
    uint32_t keys = g->plan->key_count, uses = g->plan->aggregation->use_count;
    uint32_t at;

    if (!g->is_there && !g->was_there)
        return;
    at = next_row(r, row, window, g->ts);
    if (g->is_there)
        results_now(r, row);
    else
        sx_bit_set(r->gone, at);
    for (uint32_t k = 0; k < keys; k++)
        sx_column_set(&r->now[k], at, sx_column_get(&r->cause->columns[k], row));
    for (uint32_t u = 0; u < uses; u++)
        sx_column_set(&r->now[keys + u], at, g->is_there ? g->now[u] : SX_VALUE_NULL);
    if (!r->want_old)
        return;
    r->ts_before[at] = g->ts_before;
    if (!g->was_there)
        sx_bit_set(r->absent, at);
    for (uint32_t k = 0; k < keys; k++)
        sx_column_set(&r->before[k], at, sx_column_get(&r->cause->columns[k], row));
    for (uint32_t u = 0; u < uses; u++)
        sx_column_set(&r->before[keys + u], at, g->was_there ? g->before[u] : SX_VALUE_NULL);
}

void sx_results_add_stored(struct sx_results *r, struct sx_slice key, struct sx_slice stored, uint32_t row,
                           const struct sx_window *window)
{
    struct sx_groups *g = r->groups;
    uint32_t keys = g->plan->key_count;
    struct sx_value *values = SX_ARENA_ARRAY(r->node->arena, struct sx_value, keys + 1);
    char *bytes = sx_arena_alloc(r->node->arena, stored.size);
    uint32_t at;

    memcpy(bytes, stored.data, stored.size);
    key = sx_arena_copy(r->node->arena, key); /* what a walk gives lives until its next step only */
    if (!read_states(g, bytes, stored.size) ||
        !sx_key_read(key, g->plan->key_types, keys, values, r->node->arena))
        return;
    at = next_row(r, row, window, (int64_t)sx_get_le64(bytes));
    results_now(r, row);
    for (uint32_t k = 0; k < keys; k++)
        sx_column_set(&r->now[k], at, values[k]);
    for (uint32_t u = 0; u < g->plan->aggregation->use_count; u++)
        sx_column_set(&r->now[keys + u], at, g->now[u]);
}

void sx_results_flush(struct sx_results *r)
{
    const struct sx_groups_plan *plan = r->groups->plan;
    struct sx_row_failures failures = {0}, ignored = {0};
    struct sx_batch out = {.schema = plan->results,
                           .rows = r->count,
                           .count = r->count,
                           .origin = r->cause->origin,
                           .origin_row = r->origin_row};
    struct sx_batch old, rejected;

    if (r->count == 0)
        return;
    out.columns = r->now;
    out.ts = r->ts;
    out.gone = r->gone;
    out.windows = plan->schema->windowed ? r->windows : NULL;
    r->count = 0;
    rejected = out;
    if (!compute(r->groups, r->node, &out, &failures)) {
        sx_node_reject_all(r->node, &rejected, &failures);
        return;
    }
    if (r->want_old) {
        old = out;
        old.schema = plan->results;
        old.columns = r->before;
        old.ts = r->ts_before;
        old.gone = r->absent;
        compute(r->groups, r->node, &old, &ignored);
        out.old = &old;
    }
    sx_node_emit(r->node, r->port, &out);
}
