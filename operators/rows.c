/* rows.c: see rows.h. */
#include "operators/rows.h"

static void begin(struct sx_rows *rows)
{
    struct sx_arena *arena = rows->node->arena;

    rows->columns = sx_columns_new(arena, rows->schema, SX_BATCH_ROWS);
    rows->ts = sx_arena_alloc(arena, sizeof(*rows->ts) * SX_BATCH_ROWS);
    if (rows->schema->windowed)
        rows->windows = sx_arena_alloc(arena, sizeof(*rows->windows) * SX_BATCH_ROWS);
    if (rows->want_old) {
        rows->old_columns = sx_columns_new(arena, rows->schema, SX_BATCH_ROWS);
        rows->old_ts = sx_arena_alloc(arena, sizeof(*rows->old_ts) * SX_BATCH_ROWS);
    }
    rows->gone = SX_ARENA_ARRAY(arena, uint64_t, SX_BITMAP_WORDS(SX_BATCH_ROWS));
    rows->origin_row = sx_arena_alloc(arena, sizeof(*rows->origin_row) * SX_BATCH_ROWS);
}

uint32_t sx_rows_add(struct sx_rows *rows, uint32_t cause, int64_t ts)
{
    uint32_t at;

    if (rows->count == SX_BATCH_ROWS)
        sx_rows_emit(rows);
    if (rows->count == 0)
        begin(rows);
    at = rows->count++;
    rows->ts[at] = ts;
    rows->origin_row[at] = rows->cause->origin_row ? rows->cause->origin_row[cause] : (uint16_t)cause;
    for (uint32_t c = 0; c < rows->schema->count; c++)
        sx_column_set(&rows->columns[c], at, SX_VALUE_NULL);
    return at;
}

void sx_rows_emit(struct sx_rows *rows)
{
    struct sx_batch out = {.schema = rows->schema,
                           .rows = rows->count,
                           .count = rows->count,
                           .columns = rows->columns,
                           .ts = rows->ts,
                           .windows = rows->windows,
                           .gone = rows->gone,
                           .origin = rows->cause->origin,
                           .origin_row = rows->origin_row};
    struct sx_batch old = out;

    if (rows->want_old) {
        old.columns = rows->old_columns;
        old.ts = rows->old_ts;
        old.gone = NULL;
        out.old = &old;
    }
    rows->count = 0;
    sx_node_emit(rows->node, SX_PORT_ROWS, &out);
}
