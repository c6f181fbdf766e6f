/* column.c: one column of a batch. See batch.h. */
#include "engine/data/batch.h"

size_t sx_column_width(enum sx_kind kind)
{
    if (kind == SX_BOOL)
        return 1;
    if (kind == SX_DOUBLE || sx_kind_is_int64(kind))
        return 8;
    return sx_kind_is_slice(kind) ? sizeof(struct sx_slice) : sizeof(struct sx_value);
}

struct sx_column sx_column_new(struct sx_arena *arena, const struct sx_type *type, uint32_t rows)
{
    struct sx_column column = {.type = type};

    column.data = sx_arena_alloc(arena, sx_column_width(type->kind) * (rows ? rows : 1));
    return column;
}

uint64_t *sx_column_nulls(struct sx_column *column, struct sx_arena *arena, uint32_t rows)
{
    if (column->nulls == NULL)
        column->nulls = SX_ARENA_ARRAY(arena, uint64_t, SX_BITMAP_WORDS(rows) + 1);
    return column->nulls;
}

struct sx_value sx_column_get(const struct sx_column *column, uint32_t row)
{
    enum sx_kind kind = column->type->kind;

    if (sx_column_is_null(column, row))
        return SX_VALUE_NULL;
    switch (kind) {
    case SX_BOOL:
        return sx_value_bool(column->b[row]);
    case SX_DOUBLE:
        return sx_value_double(column->d[row]);
    case SX_STRING:
    case SX_BYTES:
        return (struct sx_value){
            .s = column->s[row].data, .size = column->s[row].size, .kind = (uint8_t)kind};
    case SX_NULL:
        return SX_VALUE_NULL;
    default:
        return sx_kind_is_int64(kind) ? sx_value_int64(kind, column->i[row]) : column->v[row];
    }
}

void sx_column_set(struct sx_column *column, uint32_t row, struct sx_value value)
{
    enum sx_kind kind = column->type->kind;

    if (value.kind == SX_NULL) {
        sx_bit_set(column->nulls, row);
        if (!sx_kind_is_int64(kind) && kind != SX_DOUBLE && kind != SX_BOOL && !sx_kind_is_slice(kind))
            column->v[row] = value;
        return;
    }
    if (column->nulls != NULL)
        sx_bit_clear(column->nulls, row);
    if (sx_kind_is_int64(kind))
        column->i[row] = value.i;
    else if (kind == SX_DOUBLE)
        column->d[row] = value.d;
    else if (kind == SX_BOOL)
        column->b[row] = value.b;
    else if (sx_kind_is_slice(kind))
        column->s[row] = sx_value_slice(value);
    else
        column->v[row] = value;
}
