/* fold.c: constant parts of a tree, worked out once. The parts run as programs of their own, so that
 * there is one place that knows what an operation does. */
#include "engine/expr/program.h"

#define DEPTH_MAX 2000u

struct folder {
    struct sx_arena *arena;
    streamd_error **error;
    streamd_status status;
    uint32_t depth;
};

/* Depends on nothing but its operands? */
static bool is_pure(enum sx_expr_op op) { return op >= SX_EXPR_NEG; }

/* Is an operand only evaluated for rows that need it, or its failure caught? Then a failure is none of
 * the whole text. */
static bool is_sheltered(const struct sx_expr *expr, uint32_t operand)
{
    switch (expr->op) {
    case SX_EXPR_AND:
    case SX_EXPR_OR:
    case SX_EXPR_COALESCE:
    case SX_EXPR_CASE:
        return operand > 0;
    case SX_EXPR_TRY:
    case SX_EXPR_LAMBDA: /* there may be no element */
        return true;
    default:
        return false;
    }
}

static const struct sx_expr *work_out(struct folder *f, const struct sx_expr *expr, bool sheltered)
{
    const struct sx_batch batch = {.rows = 1, .count = 1};
    struct sx_row_failures failures = {0};
    const struct sx_program *program;
    struct sx_evaluator *evaluator;
    struct sx_expr *constant;
    struct sx_value value;
    bool done;

    f->status = sx_program_emit(expr, 0, f->arena, &program, f->error);
    if (f->status != STREAMD_OK)
        return expr;
    evaluator = sx_evaluator_new(program);
    done = sx_eval_row(evaluator, &batch, 0, NULL, f->arena, &value, &failures);
    if (done && value.kind != SX_NULL)
        value = sx_value_copy(f->arena, value);
    sx_evaluator_free(evaluator);
    if (!done && !sheltered)
        f->status = sx_expr_fail(f->error, failures.items[0].at, failures.items[0].message);
    if (!done)
        return expr;
    constant = SX_ARENA_NEW(f->arena, struct sx_expr);
    constant->op = SX_EXPR_CONST;
    constant->type = expr->type;
    constant->at = expr->at;
    constant->value = value;
    return constant;
}

static const struct sx_expr *fold(struct folder *f, const struct sx_expr *expr, bool sheltered)
{
    const struct sx_expr **args;
    struct sx_expr *node;
    bool constants = is_pure(expr->op) && expr->op != SX_EXPR_LAMBDA;

    if (f->status != STREAMD_OK || (expr->count == 0 && !is_pure(expr->op)))
        return expr;
    if (f->depth >= DEPTH_MAX) {
        f->status = sx_expr_fail(f->error, expr->at, "the expression is nested too deeply");
        return expr;
    }
    f->depth++;
    node = SX_ARENA_NEW(f->arena, struct sx_expr);
    args = SX_ARENA_ARRAY(f->arena, const struct sx_expr *, expr->count + 1);
    for (uint32_t i = 0; i < expr->count; i++) {
        args[i] = fold(f, expr->args[i], sheltered || is_sheltered(expr, i));
        constants &=
            args[i]->op == SX_EXPR_CONST || (args[i]->op == SX_EXPR_LAMBDA && sx_lambda_is_closed(args[i]));
    }
    f->depth--;
    *node = *expr;
    node->args = args;
    return constants && f->status == STREAMD_OK ? work_out(f, node, sheltered) : node;
}

streamd_status sx_expr_fold(const struct sx_expr *expr, struct sx_arena *arena, const struct sx_expr **folded,
                            streamd_error **error)
{
    struct folder f = {arena, error, STREAMD_OK, 0};

    *folded = fold(&f, expr, false);
    return f.status;
}
