/* box.c: columns to boxed values, in bulk. */
#include "engine/expr/eval.h"

#define BOX(what)                                                   \
    for (SX_ROWS_EACH(rows, k, row)) {                              \
        *to = nulls && sx_bit(nulls, row) ? SX_VALUE_NULL : (what); \
        to += stride;                                               \
    }

void sx_box(const struct sx_register *r, const struct sx_rows *rows, struct sx_value *to, uint32_t stride)
{
    const struct sx_column *column = &r->column;
    const enum sx_kind kind = column->type->kind;
    const uint64_t *nulls = column->nulls;

    if (r->constant) {
        const struct sx_value v = sx_register_get(r, 0);

        for (uint32_t k = 0; k < rows->count; k++, to += stride)
            *to = v;
    } else if (sx_kind_is_int64(kind)) {
        BOX(sx_value_int64(kind, column->i[row]))
    } else if (kind == SX_DOUBLE) {
        BOX(sx_value_double(column->d[row]))
    } else if (kind == SX_STRING) {
        BOX(sx_value_string(column->s[row]))
    } else {
        BOX(sx_column_get(column, row))
    }
}
