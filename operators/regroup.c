/* regroup.c: the changes of a table by another key: `group by` on a table.
 *
 * A change takes the row before out of its group and puts the new one into its own. In one group that is
 * one row here, with both; between two groups it is two: first the old group's, which has only a row
 * before, then the new group's, which has none. So what follows sees, by group, rows that come and go.
 */
#include "operators/key_by.h"

struct regroup_state {
    struct sx_evaluator **keys;
};

/* A row to be made: of which row, and what it has. */
struct move {
    uint16_t row;
    bool has_new, has_old;
};

static void open(const void *p, void *s, struct sx_node *node)
{
    const struct sx_key_plan *plan = p;

    ((struct regroup_state *)s)->keys = sx_evaluators_open(plan->keys, plan->count);
}

static void close(const void *p, void *s, struct sx_node *node)
{
    sx_evaluators_close(((struct regroup_state *)s)->keys, ((const struct sx_key_plan *)p)->count);
}

static bool key_is_null(const struct sx_column *keys, uint32_t count, uint32_t row)
{
    for (uint32_t k = 0; k < count; k++)
        if (sx_column_is_null(&keys[k], row))
            return true;
    return false;
}

static bool same_key(const struct sx_column *a, const struct sx_column *b, uint32_t count, uint32_t row)
{
    for (uint32_t k = 0; k < count; k++)
        if (sx_value_compare(sx_column_get(&a[k], row), sx_column_get(&b[k], row)) != 0)
            return false;
    return true;
}

/* The columns of one side, null where it has no row. */
static void gather(const struct sx_key_plan *plan, struct sx_node *node, const struct sx_batch *from,
                   const struct move *moves, uint32_t count, bool old, struct sx_column *columns)
{
    uint16_t *rows = sx_arena_alloc(node->arena, sizeof(*rows) * (count + 1));

    for (uint32_t i = 0; i < count; i++)
        rows[i] = moves[i].row;
    for (uint32_t c = plan->count; c < plan->window_column; c++) {
        columns[c] = sx_column_gather(node->arena, &from->columns[node->plan->from[c].column], rows, count);
        if (columns[c].data == NULL)
            continue;
        sx_column_nulls(&columns[c], node->arena, count);
        for (uint32_t i = 0; i < count; i++)
            if (!(old ? moves[i].has_old : moves[i].has_new))
                sx_bit_set(columns[c].nulls, i);
    }
}

/* The windows of the rows, as two columns. */
static void gather_windows(const struct sx_key_plan *plan, struct sx_node *node, const struct sx_batch *batch,
                           const struct move *moves, uint32_t count, struct sx_column *columns)
{
    for (uint32_t c = plan->window_column; c < plan->schema->count; c++) {
        columns[c] = sx_column_new(node->arena, plan->schema->fields[c].type, count);
        for (uint32_t i = 0; i < count; i++) {
            const struct sx_window *window = &batch->windows[moves[i].row];

            columns[c].i[i] = c == plan->window_column ? window->start : window->end;
        }
    }
}

static void emit(const struct sx_key_plan *plan, struct sx_node *node, const struct sx_batch *batch,
                 const struct sx_column *keys[2], const struct move *moves, uint32_t count)
{
    uint32_t words = SX_BITMAP_WORDS(count) + 1;
    uint64_t *gone = SX_ARENA_ARRAY(node->arena, uint64_t, words);
    uint64_t *absent = SX_ARENA_ARRAY(node->arena, uint64_t, words);
    int64_t *ts = sx_arena_alloc(node->arena, sizeof(*ts) * (count + 1));
    uint16_t *origin_row = sx_arena_alloc(node->arena, sizeof(*origin_row) * (count + 1));
    struct sx_batch out = {.schema = plan->schema,
                           .rows = count,
                           .count = count,
                           .ts = ts,
                           .gone = gone,
                           .origin = batch->origin,
                           .origin_row = origin_row};
    struct sx_batch before = out;

    out.columns = SX_ARENA_ARRAY(node->arena, struct sx_column, plan->schema->count + 1);
    before.columns = SX_ARENA_ARRAY(node->arena, struct sx_column, plan->schema->count + 1);
    before.gone = absent;
    out.old = &before;
    for (uint32_t k = 0; k < plan->count; k++) {
        out.columns[k] = sx_column_new(node->arena, plan->schema->fields[k].type, count);
        sx_column_nulls(&out.columns[k], node->arena, count);
        for (uint32_t i = 0; i < count; i++)
            sx_column_set(&out.columns[k], i,
                          sx_column_get(&keys[moves[i].has_new ? 0 : 1][k], moves[i].row));
        before.columns[k] = out.columns[k];
    }
    gather(plan, node, batch, moves, count, false, out.columns);
    gather(plan, node, batch->old ? batch->old : batch, moves, count, true, before.columns);
    gather_windows(plan, node, batch, moves, count, out.columns);
    for (uint32_t c = plan->window_column; c < plan->schema->count; c++)
        before.columns[c] = out.columns[c];
    for (uint32_t i = 0; i < count; i++) {
        ts[i] = batch->ts[moves[i].row];
        origin_row[i] = batch->origin_row ? batch->origin_row[moves[i].row] : moves[i].row;
        if (!moves[i].has_new)
            sx_bit_set(gone, i);
        if (!moves[i].has_old)
            sx_bit_set(absent, i);
    }
    sx_node_emit(node, SX_PORT_ROWS, &out);
}

static void process(const void *p, void *s, struct sx_node *node, uint32_t input,
                    const struct sx_batch *changes)
{
    const struct sx_key_plan *plan = p;
    const struct regroup_state *state = s;
    struct sx_column *columns = SX_ARENA_ARRAY(node->arena, struct sx_column, 2 * plan->count + 1);
    const struct sx_column *keys[2] = {columns, columns + plan->count};
    struct sx_batch current = sx_batch_current(node->arena, changes);
    const struct sx_batch *batch = &current;
    struct sx_batch old = sx_batch_before(node->arena, batch);
    struct sx_batch sides[2] = {sx_batch_present(node->arena, batch), sx_batch_present(node->arena, &old)};
    struct move *moves = SX_ARENA_ARRAY(node->arena, struct move, 2 * batch->count + 1);
    uint32_t count = 0;

    if (!sx_evaluate(node, &sides[0], state->keys, plan->count, columns) ||
        !sx_evaluate(node, &sides[1], state->keys, plan->count, columns + plan->count))
        return;
    for (SX_EACH_ROW(batch, i, row)) {
        bool now = !sx_batch_is_gone(batch, row);
        bool was = !sx_batch_is_gone(&old, row);

        if (now && key_is_null(keys[0], plan->count, row)) {
            sx_node_drop(node, "null_key", 1);
            now = false;
        }
        was = was && !key_is_null(keys[1], plan->count, row);
        if (now && was && !same_key(keys[0], keys[1], plan->count, row)) {
            moves[count++] = (struct move){(uint16_t)row, false, true};
            was = false;
        }
        if (now || was)
            moves[count++] = (struct move){(uint16_t)row, now, was};
    }
    for (uint32_t from = 0; from < count; from += SX_BATCH_ROWS)
        emit(plan, node, batch, keys, moves + from, SX_MIN(count - from, (uint32_t)SX_BATCH_ROWS));
}

const struct sx_operator_def sx_operator_regroup = {
    .name = "regroup",
    .summary = "The changes of a table by another key, rows that go and rows that come.",
    .takes = "table -> changes",
    .internal = true,
    .state_bytes = sizeof(struct regroup_state),
    .open = open,
    .process = process,
    .close = close,
};
