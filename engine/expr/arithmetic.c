/* arithmetic.c: steps that calculate.
 *
 * A loop computes all rows and only notes whether something went wrong; if so, a second pass finds the
 * rows. What stands in rows that are null is anything, so only that pass looks at nulls.
 */
#include "engine/expr/decimals.h"

#include <inttypes.h>
#include <math.h>

#define DAY_MS INT64_C(86400000)
#define STRING_BYTES_MAX (16u << 20) /* so that a fold cannot double a text for ever */

/* for every row: x = a[row], y = b[row]; a constant is read at index 0 */
#define LOOP(T, body)                                                             \
    do {                                                                          \
        const T *as = (const T *)a->column.data, *bs = (const T *)b->column.data; \
        const uint32_t am = a->constant ? 0 : ~0u, bm = b->constant ? 0 : ~0u;    \
        if (rows->sel == NULL) {                                                  \
            for (uint32_t row = 0; row < rows->count; row++) {                    \
                const T x = as[row & am], y = bs[row & bm];                       \
                body;                                                             \
            }                                                                     \
        } else {                                                                  \
            for (uint32_t k = 0; k < rows->count; k++) {                          \
                const uint32_t row = rows->sel[k];                                \
                const T x = as[row & am], y = bs[row & bm];                       \
                body;                                                             \
            }                                                                     \
        }                                                                         \
    } while (0)

/* What is wrong with this operation on ints, or NULL. */
static const char *int_trouble(uint8_t op, int64_t x, int64_t y)
{
    int64_t r;

    switch (op) {
    case SX_OP_ADD_INT:
        return __builtin_add_overflow(x, y, &r) ? "+" : NULL;
    case SX_OP_SUB_INT:
        return __builtin_sub_overflow(x, y, &r) ? "-" : NULL;
    case SX_OP_MUL_INT:
        return __builtin_mul_overflow(x, y, &r) ? "*" : NULL;
    case SX_OP_DIV_INT:
        return y == 0 ? "0" : y == -1 && x == INT64_MIN ? "/" : NULL;
    default:
        return y == 0 ? "0" : NULL;
    }
}

static void find_int_trouble(struct sx_evaluator *e, const struct sx_step *step)
{
    const struct sx_register *a = &e->registers[step->a], *b = &e->registers[step->b];
    const struct sx_column *to = &e->registers[step->to].column;

    for (SX_ROWS_EACH(sx_eval_rows(e), k, row)) {
        int64_t x = a->column.i[sx_at(a, row)], y = b->column.i[sx_at(b, row)];
        const char *trouble = int_trouble(step->op, x, y);

        if (trouble == NULL || sx_column_is_null(to, row))
            continue;
        if (*trouble == '0')
            sx_eval_fail(e, step, row, "division by zero");
        else
            sx_eval_fail(
                e, step, row,
                sx_arena_format(e->arena, "integer overflow: %" PRId64 " %s %" PRId64, x, trouble, y));
    }
}

static void int_op(struct sx_evaluator *e, const struct sx_step *step)
{
    const struct sx_rows *rows = sx_eval_rows(e);
    const struct sx_register *a = &e->registers[step->a], *b = &e->registers[step->b];
    int64_t *to = sx_eval_begin(e, step->to)->i;
    bool bad = false;

    if (!sx_eval_merge_nulls(e, step->to, step->a, step->b))
        return;
    switch (step->op) {
    case SX_OP_ADD_INT:
        LOOP(int64_t, bad |= __builtin_add_overflow(x, y, &to[row]));
        break;
    case SX_OP_SUB_INT:
        LOOP(int64_t, bad |= __builtin_sub_overflow(x, y, &to[row]));
        break;
    case SX_OP_MUL_INT:
        LOOP(int64_t, bad |= __builtin_mul_overflow(x, y, &to[row]));
        break;
    case SX_OP_DIV_INT:
        LOOP(
            int64_t, if (y == 0 || y == -1) {
                bad |= y == 0 || x == INT64_MIN;
                to[row] = y == 0 || x == INT64_MIN ? 0 : -x;
            } else to[row] = x / y);
        break;
    default:
        LOOP(
            int64_t, if (y == 0 || y == -1) {
                bad |= y == 0;
                to[row] = 0;
            } else to[row] = x % y);
        break;
    }
    if (SX_UNLIKELY(bad))
        find_int_trouble(e, step);
}

static void double_op(struct sx_evaluator *e, const struct sx_step *step)
{
    const struct sx_rows *rows = sx_eval_rows(e);
    const struct sx_register *a = &e->registers[step->a], *b = &e->registers[step->b];
    struct sx_column *out = sx_eval_begin(e, step->to);
    double *to = out->d;
    double check = 0; /* 0 times what is not finite is not a number, and stays so */

    if (!sx_eval_merge_nulls(e, step->to, step->a, step->b))
        return;
    switch (step->op) {
    case SX_OP_ADD_DOUBLE:
        LOOP(double, to[row] = x + y; check += to[row] * 0.0);
        break;
    case SX_OP_SUB_DOUBLE:
        LOOP(double, to[row] = x - y; check += to[row] * 0.0);
        break;
    case SX_OP_MUL_DOUBLE:
        LOOP(double, to[row] = x * y; check += to[row] * 0.0);
        break;
    case SX_OP_DIV_DOUBLE:
        LOOP(double, to[row] = y == 0 ? INFINITY : x / y; check += to[row] * 0.0);
        break;
    default:
        LOOP(double, to[row] = y == 0 ? INFINITY : fmod(x, y); check += to[row] * 0.0);
        break;
    }
    if (SX_LIKELY(check == 0))
        return;
    for (SX_ROWS_EACH(rows, k, row)) {
        if (isfinite(to[row]) || sx_column_is_null(out, row))
            continue;
        if ((step->op == SX_OP_DIV_DOUBLE || step->op == SX_OP_MOD_DOUBLE) && b->column.d[sx_at(b, row)] == 0)
            sx_eval_fail(e, step, row, "division by zero");
        else
            sx_eval_fail(e, step, row, "the result is not finite");
    }
}

static void negate(struct sx_evaluator *e, const struct sx_step *step)
{
    const struct sx_rows *rows = sx_eval_rows(e);
    const struct sx_register *a = &e->registers[step->a];
    struct sx_column *to = sx_eval_begin(e, step->to);

    if (!sx_eval_merge_nulls(e, step->to, step->a, step->a))
        return;
    for (SX_ROWS_EACH(rows, k, row)) {
        if (step->op == SX_OP_NEG_DOUBLE)
            to->d[row] = -a->column.d[sx_at(a, row)];
        else if (__builtin_sub_overflow(INT64_C(0), a->column.i[sx_at(a, row)], &to->i[row]) &&
                 !sx_column_is_null(to, row))
            sx_eval_fail(e, step, row, "integer overflow: -(-9223372036854775808)");
    }
}

static void date_op(struct sx_evaluator *e, const struct sx_step *step)
{
    const struct sx_register *a = &e->registers[step->a], *b = &e->registers[step->b];
    struct sx_column *to = sx_eval_begin(e, step->to);

    if (!sx_eval_merge_nulls(e, step->to, step->a, step->b))
        return;
    for (SX_ROWS_EACH(sx_eval_rows(e), k, row)) {
        int64_t x = a->column.i[sx_at(a, row)], y = b->column.i[sx_at(b, row)];
        bool bad;

        if (sx_column_is_null(to, row))
            continue;
        if (step->op == SX_OP_DAYS_BETWEEN) {
            bad = __builtin_sub_overflow(x, y, &to->i[row]) ||
                  __builtin_mul_overflow(to->i[row], DAY_MS, &to->i[row]);
        } else if (y % DAY_MS != 0) {
            sx_eval_fail(e, step, row, "a date takes whole days only; cast it to timestamp");
            continue;
        } else if (step->op == SX_OP_ADD_DATE) {
            bad = __builtin_add_overflow(x, y / DAY_MS, &to->i[row]);
        } else {
            bad = __builtin_sub_overflow(x, y / DAY_MS, &to->i[row]);
        }
        if (bad)
            sx_eval_fail(e, step, row, "integer overflow: the date is out of range");
    }
}

static void join_strings(struct sx_evaluator *e, const struct sx_step *step)
{
    const struct sx_register *a = &e->registers[step->a], *b = &e->registers[step->b];
    struct sx_column *to = sx_eval_begin(e, step->to);

    if (!sx_eval_merge_nulls(e, step->to, step->a, step->b))
        return;
    for (SX_ROWS_EACH(sx_eval_rows(e), k, row)) {
        struct sx_slice x, y;
        char *text;

        if (sx_column_is_null(to, row))
            continue;
        x = a->column.s[sx_at(a, row)];
        y = b->column.s[sx_at(b, row)];
        if ((uint64_t)x.size + y.size > STRING_BYTES_MAX) {
            sx_eval_fail(e, step, row, "the text is longer than 16 MiB");
            continue;
        }
        text = sx_arena_alloc(e->arena, (size_t)x.size + y.size + 1);
        if (x.size)
            memcpy(text, x.data, x.size);
        if (y.size)
            memcpy(text + x.size, y.data, y.size);
        to->s[row] = sx_slice(text, (size_t)x.size + y.size);
    }
}

void sx_eval_arithmetic(struct sx_evaluator *e, const struct sx_step *step)
{
    switch (step->op) {
    case SX_OP_ADD_INT:
    case SX_OP_SUB_INT:
    case SX_OP_MUL_INT:
    case SX_OP_DIV_INT:
    case SX_OP_MOD_INT:
        int_op(e, step);
        break;
    case SX_OP_NEG_INT:
    case SX_OP_NEG_DOUBLE:
        negate(e, step);
        break;
    case SX_OP_ADD_DECIMAL ... SX_OP_NEG_DECIMAL:
        sx_eval_decimals(e, step);
        break;
    case SX_OP_ADD_DATE:
    case SX_OP_SUB_DATE:
    case SX_OP_DAYS_BETWEEN:
        date_op(e, step);
        break;
    case SX_OP_ADD_STRING:
        join_strings(e, step);
        break;
    default:
        double_op(e, step);
        break;
    }
}
