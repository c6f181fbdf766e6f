/* view.c: see view.h. */
#include "operators/view.h"
#include "operators/windowing.h"

#include "operators/history.h"

#include <stdlib.h>

/* ---- Plan ------------------------------------------------------------------------------------ */

static struct sx_view_plan *new_plan(struct sx_arena *arena, enum sx_view_kind kind,
                                     const struct sx_schema *schema, const struct sx_view_plan *of)
{
    struct sx_view_plan *plan = SX_ARENA_NEW(arena, struct sx_view_plan);

    plan->kind = kind;
    plan->schema = schema;
    plan->inputs[0] = of;
    return plan;
}

const struct sx_view_plan *sx_view_rows(struct sx_arena *arena, struct sx_node_plan *origin,
                                        const struct sx_store_plan *store, const struct sx_schema *schema,
                                        int64_t retention_ms)
{
    struct sx_view_plan *plan = new_plan(arena, SX_VIEW_ROWS, schema, NULL);

    plan->origin = origin;
    plan->store = store;
    plan->retention_ms = retention_ms;
    return plan;
}

const struct sx_view_plan *sx_view_filter(struct sx_arena *arena, const struct sx_view_plan *of,
                                          const struct sx_program *condition)
{
    struct sx_view_plan *plan;

    if (of == NULL)
        return NULL;
    plan = new_plan(arena, SX_VIEW_FILTER, of->schema, of);
    plan->condition = condition;
    return plan;
}

const struct sx_view_plan *sx_view_map(struct sx_arena *arena, const struct sx_view_plan *of,
                                       const struct sx_schema *schema, const struct sx_named *columns,
                                       uint32_t count)
{
    struct sx_view_plan *plan;

    if (of == NULL)
        return NULL;
    plan = new_plan(arena, SX_VIEW_MAP, schema, of);
    plan->columns = columns;
    plan->count = count;
    return plan;
}

bool sx_view_use(struct sx_bind *b, struct sx_node_plan *node, const struct sx_view_plan *view, int input)
{
    for (uint32_t i = 0; i < SX_COUNT(view->inputs); i++)
        if (view->inputs[i] != NULL && !sx_view_use(b, node, view->inputs[i], input))
            return false;
    if (view->store == NULL)
        return true;
    for (uint32_t i = 0; i < node->store_count; i++)
        if (node->stores[i] == view->store->index)
            return true;
    if (node->store_count == SX_COUNT(node->stores)) {
        sx_bind_fail(b, -1, "make a table of an intermediate result, with `changes` and `latest`",
                     "a chain of joins reads at most %d tables", (int)SX_COUNT(node->stores));
        return false;
    }
    node->stores[node->store_count++] = view->store->index;
    if (input >= 0)
        sx_plan_link(b->plan, view->origin, SX_PORT_ROWS, node, (uint32_t)input);
    return true;
}

/* Is there a way from `from` to `node`, through repartitions too? */
static bool reaches(const struct sx_node_plan *from, const struct sx_node_plan *node)
{
    if (from == node)
        return true;
    for (uint32_t o = 0; o < from->output_count; o++)
        if (reaches(from->outputs[o].to, node))
            return true;
    return false;
}

bool sx_view_feeds(const struct sx_view_plan *view, const struct sx_node_plan *node)
{
    if (view->origin != NULL)
        return reaches(view->origin, node);
    return (view->inputs[0] != NULL && sx_view_feeds(view->inputs[0], node)) ||
           (view->inputs[1] != NULL && sx_view_feeds(view->inputs[1], node));
}

/* ---- Run ------------------------------------------------------------------------------------- */

struct sx_view {
    const struct sx_view_plan *plan;
    struct sx_view *inputs[2];
    struct sx_store *store;
    struct sx_groups *groups;
    struct sx_evaluator *condition;
    struct sx_evaluator **columns;
    const struct sx_type **types;  /* of the value columns */
    struct sx_buffer key, scratch; /* of a versioned table */
};

struct sx_view *sx_view_open(const struct sx_view_plan *plan, struct sx_node *node)
{
    struct sx_view *view = sx_calloc(1, sizeof(*view));

    view->plan = plan;
    for (uint32_t i = 0; i < SX_COUNT(plan->inputs); i++)
        if (plan->inputs[i] != NULL)
            view->inputs[i] = sx_view_open(plan->inputs[i], node);
    for (uint32_t i = 0; plan->store != NULL && i < node->plan->store_count; i++)
        if (node->plan->stores[i] == plan->store->index)
            view->store = node->stores[i];
    if (plan->groups != NULL)
        view->groups = sx_groups_open(plan->groups);
    if (plan->condition != NULL)
        view->condition = sx_evaluator_new(plan->condition);
    if (plan->columns != NULL)
        view->columns = sx_evaluators_open(plan->columns, plan->count);
    if (plan->kind == SX_VIEW_ROWS) {
        view->types = sx_calloc(sx_schema_kept(plan->schema) + 1, sizeof(*view->types));
        for (uint32_t v = 0; v < sx_schema_kept(plan->schema); v++)
            view->types[v] = plan->schema->fields[plan->schema->key_count + v].type;
    }
    return view;
}

void sx_view_close(struct sx_view *view)
{
    if (view == NULL)
        return;
    sx_view_close(view->inputs[0]);
    sx_view_close(view->inputs[1]);
    if (view->groups != NULL)
        sx_groups_close(view->groups);
    if (view->condition != NULL)
        sx_evaluator_free(view->condition);
    sx_evaluators_close(view->columns, view->plan->count);
    free(view->types);
    sx_buffer_free(&view->key);
    sx_buffer_free(&view->scratch);
    free(view);
}

/* An empty answer: all rows gone. */
static uint64_t *begin(const struct sx_view *view, struct sx_node *node, const struct sx_batch *keys,
                       struct sx_batch *rows)
{
    const struct sx_schema *schema = view->plan->schema;
    uint64_t *gone = SX_ARENA_ARRAY(node->arena, uint64_t, SX_BITMAP_WORDS(keys->rows) + 1);

    memset(gone, 0xff, sizeof(*gone) * (SX_BITMAP_WORDS(keys->rows) + 1));
    *rows = *keys;
    rows->schema = schema;
    rows->columns = SX_ARENA_ARRAY(node->arena, struct sx_column, schema->count + 1);
    memcpy(rows->columns, keys->columns, sizeof(*rows->columns) * schema->key_count);
    rows->ts = SX_ARENA_ARRAY(node->arena, int64_t, keys->rows + 1);
    rows->gone = gone;
    rows->old = NULL;
    return gone;
}

/* The stored row of a key. */
static struct sx_slice find_row(struct sx_view *view, struct sx_node *node, const struct sx_batch *keys,
                                const int64_t *as_of, int64_t stream_time, uint32_t row)
{
    struct sx_slice key = sx_table_key(node, keys, view->plan->schema, row);

    if (view->plan->retention_ms == 0)
        return sx_store_get(view->store, 0, key);
    view->key.size = 0;
    sx_buffer_add_slice(&view->key, key);
    return sx_history_get(view->store, &view->scratch, sx_buffer_slice(&view->key),
                          as_of != NULL ? as_of[row] : INT64_MAX, view->plan->retention_ms, stream_time);
}

static void read_rows(struct sx_view *view, struct sx_node *node, const struct sx_batch *keys,
                      const int64_t *as_of, struct sx_batch *rows)
{
    int64_t stream_time = view->plan->retention_ms ? sx_history_time(view->store) : 0;
    const struct sx_schema *schema = view->plan->schema;
    uint32_t key_count = schema->key_count, value_count = sx_schema_kept(schema);
    uint64_t *gone = begin(view, node, keys, rows);
    struct sx_value *values = SX_ARENA_ARRAY(node->arena, struct sx_value, value_count + 1);
    int64_t *ts = (int64_t *)rows->ts;

    for (uint32_t v = 0; v < value_count; v++) {
        rows->columns[key_count + v] = sx_column_new(node->arena, view->types[v], keys->rows);
        sx_column_nulls(&rows->columns[key_count + v], node->arena, keys->rows);
    }
    for (SX_EACH_ROW(keys, i, row)) {
        struct sx_slice stored = SX_SLICE_NONE;
        bool there;

        if (!sx_row_key_is_null(keys, key_count, row))
            stored = find_row(view, node, keys, as_of, stream_time, row);
        there = stored.data != NULL &&
                sx_stored_read(stored, view->types, value_count, &ts[row], values, node->arena);
        for (uint32_t v = 0; v < value_count; v++)
            sx_column_set(&rows->columns[key_count + v], row, there ? values[v] : SX_VALUE_NULL);
        if (there)
            sx_bit_clear(gone, row);
    }
}

static void read_groups(struct sx_view *view, struct sx_node *node, const struct sx_batch *keys,
                        struct sx_batch *rows)
{
    struct sx_slice *stored = SX_ARENA_ARRAY(node->arena, struct sx_slice, keys->rows + 1);
    const struct sx_window_spec *window = view->plan->window;
    uint32_t key_count = view->plan->schema->key_count;
    struct sx_buffer scratch = {0};

    begin(view, node, keys, rows);
    for (SX_EACH_ROW(keys, i, row)) {
        struct sx_slice key;

        if (sx_row_key_is_null(keys, key_count, row))
            continue;
        key = sx_row_key(node, keys, key_count, row);
        stored[row] = window == NULL
                          ? sx_store_get(view->store, 0, key)
                          : sx_window_find(window, view->store, &scratch, key, &keys->windows[row]);
    }
    sx_buffer_free(&scratch);
    sx_groups_read(view->groups, node, stored, rows);
}

static void read_filter(struct sx_view *view, struct sx_node *node, const struct sx_batch *keys,
                        const int64_t *as_of, struct sx_batch *rows)
{
    struct sx_row_failures ignored = {0};
    struct sx_batch present;
    uint64_t *gone;
    const uint16_t *sel;
    uint32_t count;

    sx_view_read(view->inputs[0], node, keys, as_of, rows);
    present = sx_batch_present(node->arena, rows);
    gone = (uint64_t *)rows->gone;
    sx_eval_select(view->condition, &present, node->arena, &sel, &count, &ignored);
    memset(gone, 0xff, sizeof(*gone) * (SX_BITMAP_WORDS(rows->rows) + 1));
    for (uint32_t i = 0; i < count; i++)
        sx_bit_clear(gone, sel[i]);
}

static void read_map(struct sx_view *view, struct sx_node *node, const struct sx_batch *keys,
                     const int64_t *as_of, struct sx_batch *rows)
{
    const struct sx_view_plan *plan = view->plan;
    struct sx_column *columns =
        SX_ARENA_ARRAY(node->arena, struct sx_column, plan->schema->count + plan->count + 1);
    struct sx_row_failures failures = {0};
    struct sx_batch present;

    sx_view_read(view->inputs[0], node, keys, as_of, rows);
    present = sx_batch_present(node->arena, rows);
    memcpy(columns, rows->columns, sizeof(*columns) * plan->schema->key_count);
    for (uint32_t i = 0; i < plan->count; i++)
        sx_eval_column(view->columns[i], &present, node->arena, &columns[plan->schema->key_count + i],
                       &failures);
    rows->schema = plan->schema;
    rows->columns = columns;
    /* A row for which the map failed was never made. */
    for (uint32_t i = 0; i < failures.count; i++)
        sx_bit_set((uint64_t *)rows->gone, failures.items[i].row);
}

void sx_view_read(struct sx_view *view, struct sx_node *node, const struct sx_batch *keys,
                  const int64_t *as_of, struct sx_batch *rows)
{
    struct sx_batch left, right;

    switch (view->plan->kind) {
    case SX_VIEW_ROWS:
        read_rows(view, node, keys, as_of, rows);
        break;
    case SX_VIEW_GROUPS:
        read_groups(view, node, keys, rows);
        break;
    case SX_VIEW_FILTER:
        read_filter(view, node, keys, as_of, rows);
        break;
    case SX_VIEW_MAP:
        read_map(view, node, keys, as_of, rows);
        break;
    case SX_VIEW_PAIR:
        sx_view_read(view->inputs[0], node, keys, NULL, &left);
        sx_view_read(view->inputs[1], node, keys, NULL, &right);
        *rows = *keys;
        rows->old = NULL;
        sx_pair(view->plan->pairing, node->arena, keys->columns, &left, &right, rows);
        break;
    }
}

/* ---- Two rows of one key --------------------------------------------------------------------- */

/* A side's column, null where the side has no row. */
static struct sx_column side_column(struct sx_arena *arena, const struct sx_batch *side, uint32_t column)
{
    struct sx_column c = side->columns[column];
    uint32_t words = SX_BITMAP_WORDS(side->rows);
    uint64_t *nulls;

    if (side->gone == NULL || c.data == NULL)
        return c;
    nulls = sx_arena_alloc(arena, sizeof(*nulls) * (words + 1));
    for (uint32_t w = 0; w < words; w++)
        nulls[w] = side->gone[w] | (c.nulls != NULL ? c.nulls[w] : 0);
    c.nulls = nulls;
    return c;
}

void sx_pair(const struct sx_pairing *pairing, struct sx_arena *arena, const struct sx_column *keys,
             const struct sx_batch *left, const struct sx_batch *right, struct sx_batch *out)
{
    const struct sx_schema *schema = pairing->schema;
    int64_t *ts = SX_ARENA_ARRAY(arena, int64_t, left->rows + 1);
    uint64_t *gone = SX_ARENA_ARRAY(arena, uint64_t, SX_BITMAP_WORDS(left->rows) + 1);

    out->schema = schema;
    out->columns = SX_ARENA_ARRAY(arena, struct sx_column, schema->count + 1);
    out->ts = ts;
    out->gone = gone;
    for (uint32_t c = 0; c < schema->count; c++)
        out->columns[c] = c < schema->key_count
                              ? keys[c]
                              : side_column(arena, pairing->from[c].input == 0 ? left : right,
                                            (uint32_t)pairing->from[c].column);
    for (SX_EACH_ROW(out, i, row)) {
        bool has_left = !sx_batch_is_gone(left, row), has_right = !sx_batch_is_gone(right, row);

        if ((pairing->needs_left && !has_left) || (pairing->needs_right && !has_right) ||
            (!has_left && !has_right))
            sx_bit_set(gone, row);
        ts[row] = SX_MAX(has_left ? left->ts[row] : INT64_MIN, has_right ? right->ts[row] : INT64_MIN);
    }
}
