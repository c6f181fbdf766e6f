/* join_pairs.c: joined rows as batches. See join_streams.h. */
#include "operators/join_streams.h"

/* Where one half of a joined row comes from. */
enum half { HALF_NONE, HALF_BATCH, HALF_HELD };

struct pair {
    uint16_t row; /* of the batch: the row of the pair, or the cause */
    uint8_t halves[2];
    struct sx_slice held[2];
    struct sx_slice key; /* of a held row alone; data NULL: the batch's row has it */
    int64_t ts;
};

struct sx_pairs {
    struct sx_node *node;
    const struct sx_streams_plan *plan;
    const struct sx_batch *batch;
    uint32_t side; /* the batch's */
    uint32_t count;
    struct pair *items;
};

struct sx_pairs *sx_pairs_new(struct sx_node *node, const struct sx_streams_plan *plan,
                              const struct sx_batch *batch, uint32_t side)
{
    struct sx_pairs *pairs = SX_ARENA_NEW(node->arena, struct sx_pairs);

    pairs->node = node;
    pairs->plan = plan;
    pairs->batch = batch;
    pairs->side = side;
    pairs->items = sx_arena_alloc(node->arena, sizeof(*pairs->items) * SX_BATCH_ROWS);
    return pairs;
}

static struct pair *next_pair(struct sx_pairs *pairs, uint32_t row, int64_t ts)
{
    struct pair *pair;

    if (pairs->count == SX_BATCH_ROWS)
        sx_pairs_flush(pairs);
    pair = &pairs->items[pairs->count++];
    *pair = (struct pair){.row = (uint16_t)row, .ts = ts};
    return pair;
}

void sx_pairs_add(struct sx_pairs *pairs, uint32_t row, struct sx_slice held, int64_t ts)
{
    struct pair *pair = next_pair(pairs, row, ts);

    pair->halves[pairs->side] = HALF_BATCH;
    pair->halves[!pairs->side] = held.data != NULL ? HALF_HELD : HALF_NONE;
    pair->held[!pairs->side] = held;
}

void sx_pairs_add_held(struct sx_pairs *pairs, uint32_t row, uint32_t side, struct sx_slice key,
                       struct sx_slice held, int64_t ts)
{
    struct pair *pair = next_pair(pairs, row, ts);

    pair->halves[side] = HALF_HELD;
    pair->held[side] = held;
    pair->key = key;
}

/* ---- Columns --------------------------------------------------------------------------------- */

static struct sx_column new_column(struct sx_pairs *pairs, const struct sx_type *type)
{
    struct sx_column column = sx_column_new(pairs->node->arena, type, pairs->count);

    sx_column_nulls(&column, pairs->node->arena, pairs->count);
    return column;
}

/* The batch's rows, one per pair. */
static const uint16_t *rows_of(struct sx_pairs *pairs)
{
    uint16_t *rows = sx_arena_alloc(pairs->node->arena, sizeof(*rows) * pairs->count);

    for (uint32_t i = 0; i < pairs->count; i++)
        rows[i] = pairs->items[i].row;
    return rows;
}

static void fill_keys(struct sx_pairs *pairs, const uint16_t *rows, struct sx_column *columns)
{
    const struct sx_streams_plan *plan = pairs->plan;
    struct sx_value *values = NULL;

    for (uint32_t k = 0; k < plan->key_count; k++) {
        columns[k] =
            pairs->batch->columns == NULL
                ? new_column(pairs, plan->key_types[k])
                : sx_column_gather(pairs->node->arena, &pairs->batch->columns[k], rows, pairs->count);
        sx_column_nulls(&columns[k], pairs->node->arena, pairs->count);
    }
    for (uint32_t i = 0; i < pairs->count; i++) {
        if (pairs->items[i].key.data == NULL)
            continue;
        if (values == NULL)
            values = SX_ARENA_ARRAY(pairs->node->arena, struct sx_value, plan->key_count);
        if (sx_key_read(pairs->items[i].key, plan->key_types, plan->key_count, values, pairs->node->arena))
            for (uint32_t k = 0; k < plan->key_count; k++)
                sx_column_set(&columns[k], i, values[k]);
    }
}

/* Every pair has this half from the batch: then its columns are copied as such. */
static bool all_from_batch(const struct sx_pairs *pairs, uint32_t side)
{
    for (uint32_t i = 0; i < pairs->count; i++)
        if (pairs->items[i].halves[side] != HALF_BATCH)
            return false;
    return true;
}

/* One half of all pairs: of[c] is the joined column that the side's column c becomes, or NULL. */
static void fill_side(struct sx_pairs *pairs, uint32_t side, const uint16_t *rows, struct sx_column **of)
{
    const struct sx_streams_side *s = &pairs->plan->sides[side];
    struct sx_arena *arena = pairs->node->arena;
    struct sx_value *values;

    if (all_from_batch(pairs, side)) {
        for (uint32_t i = 0; i < s->column_count; i++)
            if (of[s->columns[i]] != NULL)
                *of[s->columns[i]] =
                    sx_column_gather(arena, &pairs->batch->columns[s->columns[i]], rows, pairs->count);
        return;
    }
    values = SX_ARENA_ARRAY(arena, struct sx_value, s->column_count + 1);
    for (uint32_t i = 0; i < s->column_count; i++)
        if (of[s->columns[i]] != NULL)
            *of[s->columns[i]] = new_column(pairs, s->types[i]);
    for (uint32_t p = 0; p < pairs->count; p++) {
        const struct pair *pair = &pairs->items[p];
        bool there = pair->halves[side] == HALF_HELD &&
                     sx_row_read(pair->held[side], s->types, s->column_count, values, arena);

        for (uint32_t i = 0; i < s->column_count; i++) {
            if (of[s->columns[i]] == NULL)
                continue;
            sx_column_set(of[s->columns[i]], p,
                          pair->halves[side] == HALF_BATCH
                              ? sx_column_get(&pairs->batch->columns[s->columns[i]], pair->row)
                          : there ? values[i]
                                  : SX_VALUE_NULL);
        }
    }
}

/* A side's key columns beside the joined key: the key where the side is there, else null. */
static void fill_shown_key(struct sx_pairs *pairs, uint32_t side, const struct sx_column *key,
                           struct sx_column *to)
{
    *to = new_column(pairs, key->type);
    for (uint32_t p = 0; p < pairs->count; p++)
        sx_column_set(to, p,
                      pairs->items[p].halves[side] != HALF_NONE ? sx_column_get(key, p) : SX_VALUE_NULL);
}

static struct sx_column *fill_columns(struct sx_pairs *pairs)
{
    const struct sx_streams_plan *plan = pairs->plan;
    const struct sx_from *from = pairs->node->plan->from;
    struct sx_arena *arena = pairs->node->arena;
    struct sx_column *columns = SX_ARENA_ARRAY(arena, struct sx_column, plan->schema->count + 1);
    struct sx_column **of[2];
    const uint16_t *rows = rows_of(pairs);

    fill_keys(pairs, rows, columns);
    for (uint32_t s = 0; s < 2; s++)
        of[s] = SX_ARENA_ARRAY(arena, struct sx_column *, plan->sides[s].schema->count + 1);
    for (uint32_t c = plan->key_count; c < plan->schema->count; c++) {
        uint32_t side = (uint32_t)from[c].input, column = (uint32_t)from[c].column;

        if (column < plan->key_count)
            fill_shown_key(pairs, side, &columns[column], &columns[c]);
        else
            of[side][column] = &columns[c];
    }
    for (uint32_t s = 0; s < 2; s++)
        fill_side(pairs, s, rows, of[s]);
    return columns;
}

void sx_pairs_flush(struct sx_pairs *pairs)
{
    struct sx_arena *arena = pairs->node->arena;
    struct sx_batch out = {.schema = pairs->plan->schema,
                           .rows = pairs->count,
                           .count = pairs->count,
                           .origin = pairs->batch->origin};
    uint16_t *origin_row;
    int64_t *ts;

    if (pairs->count == 0)
        return;
    out.columns = fill_columns(pairs);
    ts = sx_arena_alloc(arena, sizeof(*ts) * pairs->count);
    origin_row = sx_arena_alloc(arena, sizeof(*origin_row) * pairs->count);
    for (uint32_t i = 0; i < pairs->count; i++) {
        uint16_t row = pairs->items[i].row;

        ts[i] = pairs->items[i].ts;
        origin_row[i] = pairs->batch->origin_row ? pairs->batch->origin_row[row] : row;
    }
    out.ts = ts;
    out.origin_row = origin_row;
    pairs->count = 0;
    sx_node_emit(pairs->node, SX_PORT_ROWS, &out);
}
