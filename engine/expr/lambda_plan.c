/* lambda_plan.c: the bodies of lambdas become programs of their own.
 *
 * A body's program runs over rows that are elements. Its columns are the lambda's parameters, then its
 * captures, which is what it reads from around it:
 *
 *   transform(items, x -> x.qty * order.rate)      captures  order.rate, once a row of the batch
 *                                                  body      c0.qty * c1
 *
 * Only what cannot fail is captured, columns and parts of them: the rest is for the elements that need it,
 * and a row without elements must not fail. */
#include "engine/expr/program.h"

/* The parameters of the lambdas between the body and the place in hand. */
struct binder {
    uint32_t first, count;
    const struct binder *outer;
};

static bool is_bound(const struct binder *binder, uint32_t parameter)
{
    for (; binder != NULL; binder = binder->outer)
        if (parameter - binder->first < binder->count)
            return true;
    return false;
}

static bool is_source(const struct sx_expr *expr)
{
    return expr->op > SX_EXPR_CONST && expr->op < SX_EXPR_NEG;
}

static bool reads_around(const struct sx_expr *expr, const struct binder *binder)
{
    struct binder own = {expr->column, expr->parameters, binder};

    if (is_source(expr))
        return expr->op != SX_EXPR_PARAMETER || !is_bound(binder, expr->column);
    for (uint32_t i = 0; i < expr->count; i++)
        if (reads_around(expr->args[i], expr->op == SX_EXPR_LAMBDA ? &own : binder))
            return true;
    return false;
}

bool sx_lambda_is_closed(const struct sx_expr *lambda) { return !reads_around(lambda, NULL); }

/* A column from around the lambda, or a part of one. */
static bool is_capture(const struct sx_expr *expr, const struct binder *binder)
{
    if (is_source(expr))
        return expr->op != SX_EXPR_PARAMETER || !is_bound(binder, expr->column);
    if (expr->op == SX_EXPR_FIELD)
        return is_capture(expr->args[0], binder);
    return expr->op == SX_EXPR_INDEX && is_capture(expr->args[0], binder) &&
           (expr->args[1]->op == SX_EXPR_CONST || is_capture(expr->args[1], binder));
}

static bool is_same(const struct sx_expr *a, const struct sx_expr *b)
{
    if (a == b)
        return true;
    if (a->op != b->op || a->column != b->column || a->op == SX_EXPR_HEADER || a->op == SX_EXPR_INDEX)
        return false;
    return a->op != SX_EXPR_FIELD || is_same(a->args[0], b->args[0]);
}

struct planner {
    struct sx_lambdas *lambdas;
    struct sx_arena *arena;
    uint32_t first; /* of the lambda's parameters */
};

static struct sx_expr *copy_of(struct planner *p, const struct sx_expr *expr)
{
    struct sx_expr *copy = SX_ARENA_NEW(p->arena, struct sx_expr);

    *copy = *expr;
    return copy;
}

static const struct sx_expr *column(struct planner *p, const struct sx_expr *expr, uint32_t number)
{
    struct sx_expr *read = copy_of(p, expr);

    read->op = SX_EXPR_COLUMN;
    read->column = number;
    read->count = 0;
    return read;
}

static uint32_t capture(struct planner *p, const struct sx_expr *expr)
{
    struct sx_lambdas *l = p->lambdas;

    for (uint32_t i = 0; i < l->capture_count; i++)
        if (is_same(l->captures[i], expr))
            return i;
    if (l->capture_count == l->capture_room) {
        const struct sx_expr **more;

        l->capture_room = l->capture_room ? 2 * l->capture_room : 4;
        more = SX_ARENA_ARRAY(p->arena, const struct sx_expr *, l->capture_room);
        if (l->capture_count)
            memcpy(more, l->captures, sizeof(*more) * l->capture_count);
        l->captures = more;
    }
    l->captures[l->capture_count] = expr;
    return l->capture_count++;
}

/* The body with columns in place of parameters and captures. `binder`: its own lambda's, and those within. */
static const struct sx_expr *rewrite(struct planner *p, const struct sx_expr *expr,
                                     const struct binder *binder)
{
    struct binder own = {expr->column, expr->parameters, binder};
    struct sx_expr *copy;

    if (is_capture(expr, binder))
        return column(p, expr, p->lambdas->parameters + capture(p, expr));
    if (expr->op == SX_EXPR_PARAMETER && expr->column - p->first < p->lambdas->parameters)
        return column(p, expr, expr->column - p->first);
    if (expr->count == 0)
        return expr;
    copy = copy_of(p, expr);
    copy->args = SX_ARENA_ARRAY(p->arena, const struct sx_expr *, expr->count);
    for (uint32_t i = 0; i < expr->count; i++)
        copy->args[i] = rewrite(p, expr->args[i], expr->op == SX_EXPR_LAMBDA ? &own : binder);
    return copy;
}

const struct sx_lambdas *sx_lambdas_plan(const struct sx_expr *apply, uint32_t depth, struct sx_arena *arena,
                                         streamd_error **error)
{
    struct sx_lambdas *lambdas = SX_ARENA_NEW(arena, struct sx_lambdas);

    for (uint32_t i = sx_over_values(apply->function->over); i < apply->count; i++) {
        const struct sx_expr *lambda = apply->args[i];
        struct binder own = {lambda->column, lambda->parameters, NULL};
        struct planner p = {lambdas, arena, lambda->column};

        lambdas->parameters = lambda->parameters;
        if (sx_program_emit(rewrite(&p, lambda->args[0], &own), depth, arena,
                            &lambdas->bodies[lambdas->count++], error) != STREAMD_OK)
            return NULL;
    }
    return lambdas;
}
