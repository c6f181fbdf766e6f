/* results.c: the rows of groups, in batches; see groups.h. */
#include "operators/groups_inside.h"

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
        if (stored[row].data == NULL ||
            !sx_groups_states(g, g->states, (char *)stored[row].data, (uint32_t)stored[row].size))
            continue;
        g->no_result = NULL;
        sx_groups_results(g, node, g->now);
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

/* ---- Batches --------------------------------------------------------------------------------- */

struct sx_results {
    struct sx_groups *groups;
    struct sx_node *node;
    const struct sx_batch *cause;
    uint32_t port;
    bool want_old;
    uint32_t count, room;
    struct sx_column *now, *before; /* by column of plan->results */
    int64_t *ts, *ts_before;
    struct sx_window *windows;
    uint16_t *origin_row;
    uint64_t *gone, *absent; /* gone: NULL while no row is */
    bool is_final;
    struct sx_arena aside; /* final: what the node's arena holds beside these rows */
};

static void results_begin(struct sx_results *r)
{
    const struct sx_schema *schema = r->groups->plan->results;
    struct sx_arena *arena = r->node->arena;

    /* A row that goes alone is to cost no batch. */
    r->room = r->is_final ? SX_BATCH_ROWS : SX_MIN(SX_MAX(r->cause->count * 2, 16u), (uint32_t)SX_BATCH_ROWS);
    r->count = 0;
    r->now = sx_columns_new(arena, schema, r->room);
    r->ts = sx_arena_alloc(arena, sizeof(*r->ts) * r->room);
    r->windows = sx_arena_alloc(arena, sizeof(*r->windows) * r->room);
    r->origin_row = sx_arena_alloc(arena, sizeof(*r->origin_row) * r->room);
    r->gone = NULL;
    if (r->want_old) {
        r->before = sx_columns_new(arena, schema, r->room);
        r->ts_before = sx_arena_alloc(arena, sizeof(*r->ts_before) * r->room);
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

struct sx_results *sx_results_begin_final(struct sx_groups *groups, struct sx_node *node,
                                          const struct sx_batch *cause)
{
    struct sx_results *r = sx_results_new(groups, node, SX_PORT_FINAL, cause, false);

    r->is_final = true;
    r->aside = *node->arena;
    sx_arena_init(node->arena, 0);
    return r;
}

void sx_results_end_final(struct sx_results *r)
{
    sx_results_flush(r);
    sx_arena_free(r->node->arena);
    *r->node->arena = r->aside;
}

/* The next row's place, with what all kinds of results have. */
static uint32_t next_row(struct sx_results *r, uint32_t row, const struct sx_window *window, int64_t ts)
{
    if (r->count == r->room)
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
    sx_groups_results(g, r->node, g->now);
    if (SX_UNLIKELY(g->no_result != NULL))
        sx_groups_reject(g, r->node, r->cause, row, g->no_result);
}

static void set_keys(struct sx_results *r, struct sx_column *columns, uint32_t at, uint32_t row)
{
    for (uint32_t k = 0; k < r->groups->plan->key_count; k++)
        sx_column_set(&columns[k], at, sx_column_get(&r->cause->columns[k], row));
}

/* NULL: all null. */
static void set_results(struct sx_results *r, struct sx_column *columns, uint32_t at,
                        const struct sx_value *results)
{
    uint32_t keys = r->groups->plan->key_count;

    for (uint32_t u = 0; u < r->groups->plan->aggregation->use_count; u++)
        sx_column_set(&columns[keys + u], at, results ? results[u] : SX_VALUE_NULL);
}

static void set_before(struct sx_results *r, uint32_t at, uint32_t row, const struct sx_value *results,
                       int64_t ts)
{
    if (!r->want_old)
        return;
    r->ts_before[at] = ts;
    if (results == NULL)
        sx_bit_set(r->absent, at);
    set_keys(r, r->before, at, row);
    set_results(r, r->before, at, results);
}

static void mark_gone(struct sx_results *r, uint32_t at)
{
    if (r->gone == NULL)
        r->gone = SX_ARENA_ARRAY(r->node->arena, uint64_t, SX_BITMAP_WORDS(SX_BATCH_ROWS));
    sx_bit_set(r->gone, at);
}

/* A row that says that there is none. */
static void set_gone(struct sx_results *r, uint32_t at, uint32_t row)
{
    mark_gone(r, at);
    set_keys(r, r->now, at, row);
    set_results(r, r->now, at, NULL);
}

void sx_results_add(struct sx_results *r, uint32_t row, const struct sx_window *window)
{
    struct sx_groups *g = r->groups;
    uint32_t at;

    if (!g->is_there && !g->was_there)
        return;
    at = next_row(r, row, window, g->ts);
    if (g->is_there) {
        results_now(r, row);
        set_keys(r, r->now, at, row);
        set_results(r, r->now, at, g->now);
    } else {
        set_gone(r, at, row);
    }
    set_before(r, at, row, g->was_there ? g->before : NULL, g->ts_before);
}

void sx_results_add_gone(struct sx_results *r, uint32_t row, const struct sx_window *window)
{
    struct sx_groups *g = r->groups;
    uint32_t at = next_row(r, row, window, window->end);

    set_gone(r, at, row);
    if (r->want_old)
        sx_groups_results(g, r->node, g->before);
    set_before(r, at, row, g->before, g->ts);
}

/* The stored group, taken in hand, and its key; NULL: damaged. */
static const struct sx_value *read_stored(struct sx_results *r, struct sx_slice key, struct sx_slice stored,
                                          int64_t *ts)
{
    struct sx_groups *g = r->groups;
    struct sx_value *keys = SX_ARENA_ARRAY(r->node->arena, struct sx_value, g->plan->key_count + 1);
    char *bytes = sx_arena_alloc(r->node->arena, stored.size);

    memcpy(bytes, stored.data, stored.size);
    key = sx_arena_copy(r->node->arena, key); /* what a walk gives lives until its next step only */
    if (!sx_groups_states(g, g->states, bytes, stored.size) ||
        !sx_key_read(key, g->plan->key_types, g->plan->key_count, keys, r->node->arena))
        return NULL;
    *ts = (int64_t)sx_get_le64(bytes);
    return keys;
}

static void put_keys(struct sx_results *r, struct sx_column *columns, uint32_t at,
                     const struct sx_value *keys)
{
    for (uint32_t k = 0; k < r->groups->plan->key_count; k++)
        sx_column_set(&columns[k], at, keys[k]);
}

void sx_results_add_stored(struct sx_results *r, struct sx_slice key, struct sx_slice stored, uint32_t row,
                           const struct sx_window *window)
{
    struct sx_groups *g = r->groups;
    const struct sx_value *keys;
    int64_t ts;
    uint32_t at;

    /* Before anything is read: it would go with the batch. */
    if (r->count == r->room)
        sx_results_flush(r);
    keys = read_stored(r, key, stored, &ts);
    if (keys == NULL)
        return;
    at = next_row(r, row, window, ts);
    results_now(r, row);
    put_keys(r, r->now, at, keys);
    set_results(r, r->now, at, g->now);
}

void sx_results_add_expired(struct sx_results *r, struct sx_slice key, struct sx_slice stored, uint32_t row,
                            int64_t time)
{
    const struct sx_window none = {0, 0};
    int64_t ts;
    const struct sx_value *keys = read_stored(r, key, stored, &ts);
    uint32_t at;

    if (keys == NULL)
        return;
    at = next_row(r, row, &none, time);
    mark_gone(r, at);
    put_keys(r, r->now, at, keys);
    set_results(r, r->now, at, NULL);
    if (!r->want_old)
        return;
    sx_groups_results(r->groups, r->node, r->groups->before);
    r->ts_before[at] = ts;
    put_keys(r, r->before, at, keys);
    set_results(r, r->before, at, r->groups->before);
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
    if (r->is_final)
        sx_arena_reset(r->node->arena);
}
