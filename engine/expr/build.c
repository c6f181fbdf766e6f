/* build.c: a tree becomes a program: folded, flattened, checked. */
#include "engine/expr/program.h"

streamd_status sx_expr_fail(streamd_error **error, struct sx_position at, const char *message)
{
    if (error != NULL)
        *error = sx_error_at(STREAMD_E_TYPE, at, NULL, NULL, message);
    return STREAMD_E_TYPE;
}

/* What a function prepares from constants must be right: a bad pattern is found here, not at the first
 * row. */
static streamd_status check_prepared(const struct sx_program *p, streamd_error **error)
{
    for (uint32_t s = 0; s < p->step_count; s++) {
        const struct sx_step *step = &p->steps[s];
        const struct sx_value **constants;
        struct sx_arena scratch;
        struct sx_call call = {0};
        void *site;

        for (uint32_t i = 0; step->op == SX_OP_APPLY && i < step->lambdas->count; i++) {
            streamd_status status = check_prepared(step->lambdas->bodies[i], error);

            if (status != STREAMD_OK)
                return status;
        }
        if (step->op != SX_OP_CALL || step->function->prepare == NULL)
            continue;
        sx_arena_init(&scratch, 1024);
        constants = SX_ARENA_ARRAY(&scratch, const struct sx_value *, step->count + 1);
        for (uint32_t i = 0; i < step->count; i++)
            if (p->registers[step->args[i]].source == SX_FROM_CONSTANT)
                constants[i] = &p->registers[step->args[i]].value;
        call.arena = &scratch;
        call.result = p->registers[step->to].type;
        call.types = step->types;
        call.arg = step->function->arg;
        site = step->function->prepare(&call, constants, step->count);
        if (site != NULL && step->function->release != NULL)
            step->function->release(site);
        sx_arena_free(&scratch);
        if (call.failed)
            return sx_expr_fail(error, step->at, call.message);
    }
    return STREAMD_OK;
}

streamd_status sx_program_build(const struct sx_expr *expr, const struct sx_type *const *variables,
                                uint32_t variable_count, struct sx_arena *arena,
                                const struct sx_program **program, streamd_error **error)
{
    const struct sx_expr *folded;
    const struct sx_program *built;
    streamd_status status;

    /* A variable's type stands at each place where it is read. */
    (void)variables;
    (void)variable_count;
    status = sx_expr_fold(expr, arena, &folded, error);
    if (status == STREAMD_OK)
        status = sx_program_emit(folded, 0, arena, &built, error);
    if (status == STREAMD_OK)
        status = check_prepared(built, error);
    if (status == STREAMD_OK)
        *program = built;
    return status;
}
