/* decimals.c: steps over decimals: arithmetic, comparison, and casts from and to them. The scales are those
 * of the registers' types; a result that its type has no room for fails its row. */
#include "engine/expr/decimals.h"

#include "engine/base/text.h"
#include "engine/data/decimal.h"

/* ---- Arithmetic -------------------------------------------------------------------------------- */

static bool calculate(uint8_t op, __int128 x, uint32_t scale_x, __int128 y, uint32_t scale_y, uint32_t scale,
                      __int128 *out)
{
    switch (op) {
    case SX_OP_ADD_DECIMAL:
        return sx_decimal_add(x, scale_x, y, scale_y, scale, out);
    case SX_OP_SUB_DECIMAL:
        return sx_decimal_add(x, scale_x, -y, scale_y, scale, out);
    case SX_OP_MUL_DECIMAL:
        return sx_decimal_multiply(x, scale_x, y, scale_y, scale, out);
    case SX_OP_DIV_DECIMAL:
        return sx_decimal_divide(x, scale_x, y, scale_y, scale, out);
    default:
        return sx_decimal_remainder(x, scale_x, y, scale_y, scale, out);
    }
}

void sx_eval_decimals(struct sx_evaluator *e, const struct sx_step *step)
{
    const struct sx_register *a = &e->registers[step->a], *b = &e->registers[step->b];
    const uint32_t scale_a = a->column.type->scale, scale_b = b->column.type->scale;
    const bool divides = step->op == SX_OP_DIV_DECIMAL || step->op == SX_OP_MOD_DECIMAL;
    struct sx_column *to = sx_eval_begin(e, step->to);
    const struct sx_type *type = to->type;
    __int128 *digits;

    if (!sx_eval_merge_nulls(e, step->to, step->a, step->b))
        return;
    digits = sx_arena_alloc(e->arena, sizeof(*digits) * (e->batch->rows + 1));
    for (SX_ROWS_EACH(sx_eval_rows(e), k, row)) {
        __int128 x, y;

        if (sx_column_is_null(to, row))
            continue;
        x = *a->column.v[sx_at(a, row)].decimal;
        y = *b->column.v[sx_at(b, row)].decimal;
        to->v[row] = (struct sx_value){.decimal = &digits[row], .kind = SX_DECIMAL};
        if (divides && y == 0)
            sx_eval_fail(e, step, row, "division by zero");
        else if (step->op == SX_OP_NEG_DECIMAL)
            digits[row] = -x;
        else if (SX_UNLIKELY(!calculate(step->op, x, scale_a, y, scale_b, type->scale, &digits[row]) ||
                             !sx_decimal_fits(digits[row], type->precision)))
            sx_eval_fail(e, step, row,
                         sx_arena_format(e->arena,
                                         "decimal overflow: the result does not fit into decimal(%u, %u)",
                                         type->precision, type->scale));
    }
}

/* ---- Comparison -------------------------------------------------------------------------------- */

int sx_eval_order_decimals(const struct sx_register *a, const struct sx_register *b, uint32_t row)
{
    return sx_decimal_compare(*a->column.v[sx_at(a, row)].decimal, a->column.type->scale,
                              *b->column.v[sx_at(b, row)].decimal, b->column.type->scale);
}

/* ---- Casts ------------------------------------------------------------------------------------- */

bool sx_decimal_cast_exists(enum sx_kind kind)
{
    return kind == SX_INT || kind == SX_DOUBLE || kind == SX_STRING || kind == SX_DECIMAL;
}

static bool does_not_fit(struct sx_slice number, const struct sx_type *to, struct sx_arena *arena,
                         const char **message)
{
    *message = sx_arena_format(arena, "cannot cast %.*s to %s: it does not fit", (int)number.size,
                               number.data, sx_type_text(to, arena));
    return false;
}

bool sx_cast_from_decimal(struct sx_value value, const struct sx_type *from, const struct sx_type *to,
                          struct sx_arena *arena, struct sx_value *out, const char **message)
{
    const __int128 digits = *value.decimal;
    char *text = sx_arena_alloc(arena, SX_DECIMAL_BYTES);
    __int128 cast;

    switch (to->kind) {
    case SX_DOUBLE:
        *out = sx_value_double(sx_decimal_double(digits, from->scale));
        return true;
    case SX_STRING:
        *out = sx_value_string(sx_slice(text, sx_decimal_write(text, digits, from->scale)));
        return true;
    case SX_INT:
        if (sx_decimal_rescale(digits, from->scale, 0, &cast) && cast >= INT64_MIN && cast <= INT64_MAX) {
            *out = sx_value_int((int64_t)cast);
            return true;
        }
        break;
    default:
        if (sx_decimal_rescale(digits, from->scale, to->scale, &cast) &&
            sx_decimal_fits(cast, to->precision)) {
            *out = sx_value_decimal(arena, cast);
            return true;
        }
        break;
    }
    return does_not_fit(sx_slice(text, sx_decimal_write(text, digits, from->scale)), to, arena, message);
}

/* A double is the number that is written for it, so 1.005 is rounded as it stands. */
bool sx_cast_to_decimal(struct sx_value value, const struct sx_type *to, struct sx_arena *arena,
                        struct sx_value *out, const char **message)
{
    char number[SX_NUMBER_BYTES];
    struct sx_slice text;
    __int128 digits;

    if (value.kind == SX_STRING)
        text = sx_value_slice(value);
    else
        text = sx_slice(number, value.kind == SX_INT ? sx_write_int(number, value.i)
                                                     : sx_write_double(number, value.d));
    switch (sx_decimal_read(text, to->precision, to->scale, &digits)) {
    case SX_DECIMAL_OK:
        *out = sx_value_decimal(arena, digits);
        return true;
    case SX_DECIMAL_RANGE:
        if (value.kind != SX_STRING)
            return does_not_fit(text, to, arena, message);
        break;
    default:
        break;
    }
    *message = sx_cast_refused(text, to, arena);
    return false;
}
