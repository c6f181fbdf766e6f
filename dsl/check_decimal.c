/* check_decimal.c: the types of decimals. */
#include "dsl/check_decimal.h"

#include "dsl/check_operator.h"

#include "engine/data/decimal.h"

#define SCALE_LEAST 6 /* of a quotient */
#define SCALE_KEPT 26 /* of a result that has no room for all digits: twelve are left before the point */

/* ---- Exact forms ------------------------------------------------------------------------------- */

static const struct sx_expr *literal(struct sx_compiler *c, const struct sx_expr *expr)
{
    uint32_t precision, scale;
    struct sx_expr *exact;
    __int128 digits;

    if (sx_decimal_read_exact(expr->literal, &precision, &scale, &digits) != SX_DECIMAL_OK)
        return NULL;
    exact = sx_expr_new(c, SX_EXPR_CONST, sx_type_decimal(c->arena, precision, scale), expr->at, 0);
    exact->value = sx_value_decimal(c->arena, digits);
    return exact;
}

/* Literals, and arithmetic of them with a point somewhere: `(1 + 0.19)`. */
static const struct sx_expr *of_literals(struct sx_compiler *c, const struct sx_expr *expr)
{
    const struct sx_expr *args[2];
    struct sx_expr *exact;

    if (expr->op == SX_EXPR_CONST)
        return expr->literal.size > 0 ? literal(c, expr) : NULL;
    if (expr->op == SX_EXPR_CAST && expr->type->kind == SX_DOUBLE && expr->args[0]->type->kind == SX_INT)
        return of_literals(c, expr->args[0]); /* an int that met a double */
    if (expr->op < SX_EXPR_NEG || expr->op > SX_EXPR_MOD ||
        (expr->op != SX_EXPR_NEG && expr->type->kind != SX_DOUBLE))
        return NULL;
    for (uint32_t i = 0; i < expr->count; i++)
        if ((args[i] = of_literals(c, expr->args[i])) == NULL)
            return NULL;
    exact = sx_expr_new(c, expr->op, args[0]->type, expr->at, expr->count);
    memcpy(exact->args, args, sizeof(*args) * expr->count);
    if (expr->count == 2)
        exact->type = sx_check_decimal_result(c, expr->op, args[0]->type, args[1]->type);
    return exact;
}

const struct sx_expr *sx_check_exact(struct sx_compiler *c, const struct sx_expr *expr)
{
    const struct sx_expr *exact;

    if (expr->type->kind == SX_DECIMAL)
        return expr;
    if (expr->type->kind != SX_INT && expr->type->kind != SX_DOUBLE)
        return NULL;
    exact = of_literals(c, expr);
    return exact == NULL && expr->type->kind == SX_INT ? sx_check_cast_to(c, expr, &sx_type_int_digits)
                                                       : exact;
}

bool sx_check_beside(struct sx_compiler *c, const struct sx_expr **a, const struct sx_expr **b)
{
    const struct sx_expr *x, *y;

    if ((*a)->type->kind != SX_DECIMAL && (*b)->type->kind != SX_DECIMAL)
        return false;
    x = sx_check_exact(c, *a);
    y = sx_check_exact(c, *b);
    if (x == NULL && (*a)->type->kind == SX_DOUBLE) {
        *b = sx_check_cast_to(c, *b, &sx_type_double);
        return true;
    }
    if (y == NULL && (*b)->type->kind == SX_DOUBLE) {
        *a = sx_check_cast_to(c, *a, &sx_type_double);
        return true;
    }
    if (x == NULL || y == NULL)
        return false;
    *a = x;
    *b = y;
    return true;
}

/* ---- Results ----------------------------------------------------------------------------------- */

const struct sx_type *sx_check_decimal_result(struct sx_compiler *c, enum sx_expr_op op,
                                              const struct sx_type *a, const struct sx_type *b)
{
    const int before_a = a->precision - a->scale, before_b = b->precision - b->scale;
    int scale = SX_MAX(a->scale, b->scale), before = SX_MAX(before_a, before_b) + 1;

    if (op == SX_EXPR_MUL) {
        scale = a->scale + b->scale;
        before = before_a + before_b + 1;
    } else if (op == SX_EXPR_DIV) {
        scale = SX_MAX(SCALE_LEAST, a->scale + b->precision + 1);
        before = before_a + b->scale;
    } else if (op == SX_EXPR_MOD) {
        before = SX_MIN(before_a, before_b);
    }
    if ((op == SX_EXPR_MUL || op == SX_EXPR_DIV) && before + scale > (int)SX_DECIMAL_DIGITS)
        scale = SX_MAX((int)SX_DECIMAL_DIGITS - before, SX_MIN(scale, SCALE_KEPT));
    return sx_type_decimal(c->arena, (uint32_t)SX_MIN(SX_MAX(before + scale, 1), (int)SX_DECIMAL_DIGITS),
                           (uint32_t)scale);
}

const struct sx_type *sx_check_decimals(struct sx_compiler *c, const struct sx_expr **args, uint32_t count,
                                        uint32_t first, uint32_t step)
{
    const struct sx_type *common = NULL;
    bool any = false, inexact = false;

    for (uint32_t i = first; i < count; i += step)
        any |= args[i]->type->kind == SX_DECIMAL;
    for (uint32_t i = first; i < count && any; i += step) {
        const struct sx_expr *exact = sx_check_exact(c, args[i]);

        if (exact != NULL)
            common = common ? sx_decimal_common(c->arena, common, exact->type) : exact->type;
        else if (args[i]->type->kind == SX_DOUBLE)
            inexact = true;
        else if (args[i]->type->kind != SX_NULL)
            return NULL;
    }
    if (!any)
        return NULL;
    for (uint32_t i = first; i < count; i += step) {
        if (!inexact && args[i]->type->kind != SX_NULL)
            args[i] = sx_check_exact(c, args[i]);
        if (!sx_type_equal(args[i]->type, inexact ? &sx_type_double : common))
            args[i] = sx_check_cast_to(c, args[i], inexact ? &sx_type_double : common);
    }
    return inexact ? &sx_type_double : common;
}

/* ---- Fitting ----------------------------------------------------------------------------------- */

/* A constant, with a minus before it or not. */
static bool digits_of(const struct sx_expr *expr, __int128 *digits)
{
    if (expr->op == SX_EXPR_NEG && digits_of(expr->args[0], digits)) {
        *digits = -*digits;
        return true;
    }
    if (expr->op == SX_EXPR_CONST && expr->value.kind == SX_DECIMAL)
        *digits = *expr->value.decimal;
    return expr->op == SX_EXPR_CONST && expr->value.kind == SX_DECIMAL;
}

const struct sx_expr *sx_fit_decimal(struct sx_compiler *c, const struct sx_expr *expr,
                                     const struct sx_type *type)
{
    const struct sx_expr *exact = sx_check_exact(c, expr);
    __int128 digits, fitted, back;

    if (exact == NULL)
        return NULL;
    if (sx_decimal_holds(type, exact->type) ||
        (digits_of(exact, &digits) && sx_decimal_rescale(digits, exact->type->scale, type->scale, &fitted) &&
         sx_decimal_fits(fitted, type->precision) &&
         sx_decimal_rescale(fitted, type->scale, exact->type->scale, &back) && back == digits))
        return sx_type_equal(exact->type, type) ? exact : sx_check_cast_to(c, exact, type);
    return NULL;
}

static const struct sx_type *roomy(struct sx_arena *arena, const struct sx_type *type)
{
    struct sx_type_field *fields;

    switch (type->kind) {
    case SX_DECIMAL:
        return sx_type_decimal(arena, SX_DECIMAL_DIGITS, type->scale);
    case SX_ARRAY:
        return sx_type_array(arena, roomy(arena, type->element));
    case SX_MAP:
        return sx_type_map(arena, roomy(arena, type->element));
    case SX_STRUCT:
        fields = SX_ARENA_ARRAY(arena, struct sx_type_field, type->field_count + 1);
        for (uint32_t i = 0; i < type->field_count; i++) {
            fields[i] = type->fields[i];
            fields[i].type = roomy(arena, fields[i].type);
        }
        return sx_type_struct(arena, fields, type->field_count);
    default:
        return type;
    }
}

const struct sx_expr *sx_check_roomy(struct sx_compiler *c, const struct sx_expr *expr)
{
    const struct sx_type *type = roomy(c->arena, expr->type);

    return sx_type_equal(type, expr->type) ? expr : sx_check_cast_to(c, expr, type);
}
