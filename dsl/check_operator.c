/* check_operator.c: the types of operators, comparisons, case and casts. */
#include "dsl/check_operator.h"

#include "dsl/check_call.h"
#include "dsl/check_decimal.h"

#define MISTAKE(scope, at, hint, ...) \
    (sx_mistake((scope)->c, (at), STREAMD_E_TYPE, (hint), __VA_ARGS__), NULL)
#define TEXT(scope, type) sx_type_text((type), (scope)->c->arena)

static bool is_number(const struct sx_type *type)
{
    return type->kind == SX_INT || type->kind == SX_DOUBLE || type->kind == SX_DECIMAL;
}

static bool is_point(const struct sx_type *type)
{
    return type->kind == SX_TIMESTAMP || type->kind == SX_DATE;
}

static const struct sx_expr *pair(const struct sx_scope *s, enum sx_expr_op op, const struct sx_type *type,
                                  struct sx_position at, const struct sx_expr *a, const struct sx_expr *b)
{
    struct sx_expr *expr = sx_expr_new(s->c, op, type, at, 2);

    expr->args[0] = a;
    expr->args[1] = b;
    return expr;
}

/* + - * / % */
static const struct sx_expr *check_arithmetic(const struct sx_scope *s, const struct sx_ast *ast,
                                              enum sx_expr_op op)
{
    const struct sx_expr *a = sx_check(s, ast->args[0], NULL), *b = sx_check(s, ast->args[1], NULL);
    const struct sx_type *x, *y;

    if (a == NULL || b == NULL)
        return NULL;
    x = a->type;
    y = b->type;
    if (x->kind == SX_NULL || y->kind == SX_NULL) {
        const struct sx_type *type = x->kind == SX_NULL ? y : x;
        return sx_check_literal(s, ast->at, type->kind == SX_NULL ? &sx_type_int : type, SX_VALUE_NULL);
    }
    if (is_number(x) && is_number(y)) {
        if (op == SX_EXPR_DIV && s->uses != NULL && x->kind == SX_INT && y->kind == SX_INT &&
            ast->args[0]->kind == SX_AST_CALL && ast->args[1]->kind == SX_AST_CALL)
            sx_warn(s->c, ast->at, "write `* 1.0` behind the first for a double",
                    "`/` of two ints cuts off what is behind the point");
        if (sx_check_beside(s->c, &a, &b) && a->type->kind == SX_DECIMAL)
            return pair(s, op, sx_check_decimal_result(s->c, op, a->type, b->type), ast->at, a, b);
        sx_check_unify(s, &a, &b);
        return pair(s, op, a->type, ast->at, a, b);
    }
    if (op == SX_EXPR_ADD && x->kind == SX_STRING && y->kind == SX_STRING)
        return pair(s, op, x, ast->at, a, b);
    if ((op == SX_EXPR_ADD || op == SX_EXPR_SUB) && (is_point(x) || x->kind == SX_DURATION) &&
        y->kind == SX_DURATION)
        return pair(s, op, x, ast->at, a, b);
    if (op == SX_EXPR_ADD && x->kind == SX_DURATION && is_point(y))
        return pair(s, op, y, ast->at, a, b);
    if (op == SX_EXPR_SUB && is_point(x) && x->kind == y->kind)
        return pair(s, op, &sx_type_duration, ast->at, a, b);
    if (op == SX_EXPR_MUL &&
        ((x->kind == SX_INT && y->kind == SX_DURATION) || (x->kind == SX_DURATION && y->kind == SX_INT)))
        return pair(s, op, &sx_type_duration, ast->at, a, b);
    return MISTAKE(s, ast->at,
                   x->kind == SX_JSON || y->kind == SX_JSON
                       ? "json has no type to reckon with: write `cast(x as int)`, or as double or string"
                   : x->kind == SX_STRING || y->kind == SX_STRING
                       ? "write `cast(x as string)` to join it, or `cast(x as int)` to reckon"
                   : (is_point(x) || x->kind == SX_DURATION) && is_number(y)
                       ? "a duration is written `5s`; `n * 1ms` makes one of an int"
                       : NULL,
                   "`%s` does not work on %s and %s", ast->text, TEXT(s, x), TEXT(s, y));
}

static const struct sx_expr *compare(const struct sx_scope *s, const struct sx_ast *ast, enum sx_expr_op op,
                                     const struct sx_expr *a, const struct sx_expr *b)
{
    const char *hint = NULL;

    if (a == NULL || b == NULL)
        return NULL;
    if (ast->kind == SX_AST_BINARY &&
        (ast->args[0]->kind == SX_AST_NULL || ast->args[1]->kind == SX_AST_NULL))
        sx_warn(s->c, ast->at, op == SX_EXPR_NE ? "write `is not null`" : "write `is null`",
                "`%s null` is always null", ast->text);
    /* Decimals compare whatever their scales. */
    if (sx_check_beside(s->c, &a, &b) || sx_check_unify(s, &a, &b))
        return pair(s, op, &sx_type_bool, ast->at, a, b);
    if ((a->type->kind == SX_TIMESTAMP && b->type->kind == SX_STRING) ||
        (a->type->kind == SX_STRING && b->type->kind == SX_TIMESTAMP))
        hint = "a point in time is `timestamp \"2026-01-31T10:00:00Z\"`";
    else if (a->type->kind == SX_STRING || b->type->kind == SX_STRING)
        hint = "text stands between quotes; `cast(x as int)` makes a number of it";
    return MISTAKE(s, ast->at, hint, "%s and %s cannot be compared", TEXT(s, a->type), TEXT(s, b->type));
}

static const struct sx_expr *check_comparison(const struct sx_scope *s, const struct sx_ast *ast,
                                              enum sx_expr_op op)
{
    const struct sx_expr *a = sx_check(s, ast->args[0], NULL), *b = sx_check(s, ast->args[1], NULL);

    return compare(s, ast, op, a, b);
}

static const struct sx_expr *check_logic(const struct sx_scope *s, const struct sx_ast *ast,
                                         enum sx_expr_op op)
{
    const struct sx_expr *a = sx_check(s, ast->args[0], &sx_type_bool),
                         *b = sx_check(s, ast->args[1], &sx_type_bool);

    return a && b ? pair(s, op, &sx_type_bool, ast->at, a, b) : NULL;
}

const struct sx_expr *sx_check_negated(const struct sx_scope *s, const struct sx_ast *ast,
                                       const struct sx_expr *expr, bool negate)
{
    return expr != NULL && negate ? sx_check_unary(s, SX_EXPR_NOT, &sx_type_bool, ast->at, expr) : expr;
}

static const struct sx_expr *check_coalesce(const struct sx_scope *s, const struct sx_ast *ast)
{
    const struct sx_expr *a = sx_check(s, ast->args[0], NULL), *b = sx_check(s, ast->args[1], NULL);

    if (a == NULL || b == NULL)
        return NULL;
    if (!sx_check_unify(s, &a, &b))
        return MISTAKE(s, ast->at, NULL, "`??` needs two of one type, and these are %s and %s",
                       TEXT(s, a->type), TEXT(s, b->type));
    return pair(s, SX_EXPR_COALESCE, a->type, ast->at, a, b);
}

const struct sx_expr *sx_check_binary(const struct sx_scope *s, const struct sx_ast *ast)
{
    static const struct {
        const char *sign;
        enum sx_expr_op op;
    } arithmetic[] = {{"+", SX_EXPR_ADD},
                      {"-", SX_EXPR_SUB},
                      {"*", SX_EXPR_MUL},
                      {"/", SX_EXPR_DIV},
                      {"%", SX_EXPR_MOD}},
      comparisons[] = {{"==", SX_EXPR_EQ}, {"!=", SX_EXPR_NE}, {"<", SX_EXPR_LT},
                       {"<=", SX_EXPR_LE}, {">", SX_EXPR_GT},  {">=", SX_EXPR_GE}};

    for (size_t i = 0; i < SX_COUNT(arithmetic); i++)
        if (strcmp(ast->text, arithmetic[i].sign) == 0)
            return check_arithmetic(s, ast, arithmetic[i].op);
    for (size_t i = 0; i < SX_COUNT(comparisons); i++)
        if (strcmp(ast->text, comparisons[i].sign) == 0)
            return check_comparison(s, ast, comparisons[i].op);
    if (strcmp(ast->text, "and") == 0)
        return check_logic(s, ast, SX_EXPR_AND);
    if (strcmp(ast->text, "or") == 0)
        return check_logic(s, ast, SX_EXPR_OR);
    if (strcmp(ast->text, "??") == 0)
        return check_coalesce(s, ast);
    return sx_check_negated(s, ast, sx_check_call(s, ast, "matches", ast->args, 2),
                            strcmp(ast->text, "!~") == 0);
}

/* x in [a, b]; x in array */
const struct sx_expr *sx_check_in(const struct sx_scope *s, const struct sx_ast *ast)
{
    const struct sx_expr *x = sx_check(s, ast->args[0], NULL);
    const struct sx_ast *list = ast->args[1];
    struct sx_expr *in;

    if (x == NULL)
        return NULL;
    if (list->kind != SX_AST_ARRAY) {
        struct sx_ast *turned[] = {(struct sx_ast *)list, ast->args[0]};
        const struct sx_expr *in_array = sx_check(s, list, NULL);

        if (in_array != NULL && in_array->type->kind != SX_ARRAY && in_array->type->kind != SX_NULL)
            return MISTAKE(s, list->at, "write `x in [a, b]`",
                           "expected an array behind `in`, and this is %s", TEXT(s, in_array->type));
        return sx_check_negated(s, ast, sx_check_call(s, ast, "array_contains", turned, 2), ast->negated);
    }
    in = sx_expr_new(s->c, SX_EXPR_IN, &sx_type_bool, ast->at, list->count + 1);
    in->args[0] = x;
    for (uint32_t i = 0; i < list->count; i++) {
        in->args[i + 1] = sx_check(s, list->args[i], NULL);
        if (in->args[i + 1] == NULL)
            return NULL;
    }
    if (sx_check_decimals(s->c, in->args, in->count, 0, 1) != NULL)
        return sx_check_negated(s, ast, in, ast->negated);
    for (uint32_t i = 0; i < list->count; i++) {
        const struct sx_expr *member = in->args[i + 1], *fitted = sx_fit(s->c, member, x->type);

        if (fitted == NULL && x->type->kind == SX_INT && member->type->kind == SX_DOUBLE) {
            x = sx_check_cast_to(s->c, x, &sx_type_double);
            for (uint32_t j = 0; j < i; j++)
                in->args[j + 1] = sx_check_cast_to(s->c, in->args[j + 1], &sx_type_double);
            fitted = member;
        }
        if (fitted == NULL)
            return MISTAKE(s, list->args[i]->at, NULL, "%s and %s cannot be compared", TEXT(s, x->type),
                           TEXT(s, member->type));
        in->args[i + 1] = fitted;
    }
    in->args[0] = x;
    return sx_check_negated(s, ast, in, ast->negated);
}

/* x between a and b: x >= a and x <= b */
const struct sx_expr *sx_check_between(const struct sx_scope *s, const struct sx_ast *ast)
{
    const struct sx_expr *x = sx_check(s, ast->args[0], NULL), *a = sx_check(s, ast->args[1], NULL),
                         *b = sx_check(s, ast->args[2], NULL);
    const struct sx_expr *low = compare(s, ast, SX_EXPR_GE, x, a),
                         *high = low ? compare(s, ast, SX_EXPR_LE, x, b) : NULL;

    return high ? sx_check_negated(s, ast, pair(s, SX_EXPR_AND, &sx_type_bool, ast->at, low, high),
                                   ast->negated)
                : NULL;
}

const struct sx_expr *sx_check_case(const struct sx_scope *s, const struct sx_ast *ast)
{
    uint32_t branches = ast->count / 2, count = branches * 2 + 1;
    struct sx_expr *expr = sx_expr_new(s->c, SX_EXPR_CASE, NULL, ast->at, count);
    /* The values alone, to find their type. */
    struct sx_expr *values = sx_expr_new(s->c, SX_EXPR_CASE, NULL, ast->at, branches + 1);
    bool ok = true;

    for (uint32_t i = 0; i < count; i++) {
        bool condition = i + 1 < count && i % 2 == 0;

        expr->args[i] = i < ast->count ? sx_check(s, ast->args[i], condition ? &sx_type_bool : NULL)
                                       : sx_check_literal(s, ast->at, &sx_type_null, SX_VALUE_NULL);
        ok &= expr->args[i] != NULL;
        if (!condition)
            values->args[i / 2] = expr->args[i];
    }
    if (!ok || (expr->type = sx_check_common(s, values, 0, 1, "branches")) == NULL)
        return NULL;
    for (uint32_t v = 0; v < branches; v++)
        expr->args[v * 2 + 1] = values->args[v];
    expr->args[count - 1] = values->args[branches];
    return expr;
}

const struct sx_expr *sx_check_cast(const struct sx_scope *s, const struct sx_ast *ast)
{
    const struct sx_expr *x = sx_check(s, ast->args[0], NULL);

    if (x == NULL)
        return NULL;
    if (sx_type_equal(x->type, ast->type))
        return x;
    if (x->type->kind != SX_NULL && !sx_cast_exists(x->type, ast->type))
        return MISTAKE(s, ast->at, NULL, "%s cannot be cast to %s", TEXT(s, x->type), TEXT(s, ast->type));
    x = sx_check_cast_to(s->c, x, ast->type);
    ((struct sx_expr *)x)->at = ast->at;
    return x;
}

const struct sx_expr *sx_check_negate(const struct sx_scope *s, const struct sx_ast *ast)
{
    const struct sx_expr *x = sx_check(s, ast->args[0], NULL);

    if (x == NULL)
        return NULL;
    if (!is_number(x->type) && x->type->kind != SX_DURATION && x->type->kind != SX_NULL)
        return MISTAKE(s, ast->at, NULL, "%s has no negative", TEXT(s, x->type));
    return sx_check_unary(s, SX_EXPR_NEG, x->type, ast->at, x);
}
