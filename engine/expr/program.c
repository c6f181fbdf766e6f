/* program.c: from a tree to flat steps. */
#include "engine/expr/program.h"

#include <stdlib.h>

#define REGISTERS_MAX 60000u /* registers are numbered in 16 bits */
#define TREE_DEPTH_MAX 2000u /* so that a generated text cannot exhaust the stack */
#define SET_MIN 5u           /* fewer members of `in` are compared one by one */

struct builder {
    struct sx_arena *arena;
    struct sx_register_plan *registers;
    struct sx_step *steps;
    uint32_t register_count, register_room, step_count, step_room;
    uint32_t depth, depth_max, tries, tries_max, args_max, call_count, loop_count, tree_depth;
    const char *error; /* the first thing that does not fit, and where */
    struct sx_position error_at;
    streamd_error *inside; /* a lambda that does not fit */
};

static uint16_t emit(struct builder *b, const struct sx_expr *expr);

static void refuse(struct builder *b, const struct sx_expr *expr, const char *message)
{
    if (b->error == NULL) {
        b->error = message;
        b->error_at = expr->at;
    }
}

/* ---- Registers and steps --------------------------------------------------------------------- */

static uint16_t add_register(struct builder *b, struct sx_register_plan plan)
{
    if (b->register_count == b->register_room) {
        b->register_room = b->register_room ? 2 * b->register_room : 16;
        b->registers = sx_realloc(b->registers, b->register_room * sizeof(*b->registers));
    }
    b->registers[b->register_count] = plan;
    return (uint16_t)b->register_count++;
}

static uint16_t new_register(struct builder *b, const struct sx_type *type)
{
    return add_register(b, (struct sx_register_plan){.type = type, .source = SX_FROM_STEP});
}

/* What several places read is one register. */
static uint16_t source_register(struct builder *b, const struct sx_expr *expr, enum sx_register_source source)
{
    for (uint32_t r = 0; r < b->register_count; r++)
        if (b->registers[r].source == source && b->registers[r].number == expr->column)
            return (uint16_t)r;
    return add_register(b, (struct sx_register_plan){expr->type, source, expr->column, SX_VALUE_NULL});
}

static uint16_t constant(struct builder *b, const struct sx_type *type, struct sx_value value)
{
    return add_register(b, (struct sx_register_plan){type, SX_FROM_CONSTANT, 0, value});
}

/* Returns the step's number, for a jump that is filled in later. */
static uint32_t add_step(struct builder *b, enum sx_opcode op, const struct sx_expr *expr, uint16_t to,
                         uint16_t x, uint16_t y)
{
    if (b->step_count == b->step_room) {
        b->step_room = b->step_room ? 2 * b->step_room : 16;
        b->steps = sx_realloc(b->steps, b->step_room * sizeof(*b->steps));
    }
    b->steps[b->step_count] = (struct sx_step){.op = (uint8_t)op, .to = to, .a = x, .b = y, .at = expr->at};
    return b->step_count++;
}

/* Holds until the next step is added. */
static struct sx_step *last_step(struct builder *b) { return &b->steps[b->step_count - 1]; }

static void enter(struct builder *b)
{
    b->depth++;
    b->depth_max = SX_MAX(b->depth_max, b->depth);
}

static enum sx_kind kind_of(const struct builder *b, uint16_t r) { return b->registers[r].type->kind; }

static bool is_fixed(const struct builder *b, uint16_t r)
{
    return b->registers[r].source == SX_FROM_CONSTANT || b->registers[r].source == SX_FROM_VARIABLE;
}

static uint16_t to_double(struct builder *b, const struct sx_expr *expr, uint16_t r)
{
    uint16_t to;

    if (kind_of(b, r) != SX_INT)
        return r;
    to = new_register(b, &sx_type_double);
    add_step(b, SX_OP_INT_TO_DOUBLE, expr, to, r, r);
    return to;
}

/* ---- Operators ------------------------------------------------------------------------------- */

static uint16_t emit_arithmetic(struct builder *b, const struct sx_expr *expr)
{
    uint16_t x = emit(b, expr->args[0]), y = emit(b, expr->args[1]), to;
    enum sx_opcode op;

    if (kind_of(b, x) == SX_NULL || kind_of(b, y) == SX_NULL)
        return constant(b, expr->type, SX_VALUE_NULL);
    if (kind_of(b, x) == SX_DOUBLE || kind_of(b, y) == SX_DOUBLE) {
        x = to_double(b, expr, x);
        y = to_double(b, expr, y);
    }
    if (kind_of(b, x) == SX_DURATION && kind_of(b, y) == SX_DATE && expr->op == SX_EXPR_ADD) {
        uint16_t date = y;

        y = x;
        x = date;
    }
    if (!sx_opcode_arithmetic(expr->op, kind_of(b, x), kind_of(b, y), &op)) {
        refuse(b, expr, "there is no such operation on these types");
        return x;
    }
    to = new_register(b, expr->type);
    add_step(b, op, expr, to, x, y);
    return to;
}

static uint16_t emit_negation(struct builder *b, const struct sx_expr *expr)
{
    uint16_t x = emit(b, expr->args[0]), to = new_register(b, expr->type);
    enum sx_opcode op;

    if (kind_of(b, x) == SX_NULL)
        return constant(b, expr->type, SX_VALUE_NULL);
    if (!sx_opcode_negation(kind_of(b, x), &op))
        refuse(b, expr, "this type has no negative");
    add_step(b, op, expr, to, x, x);
    return to;
}

static enum sx_expr_op mirrored(enum sx_expr_op op)
{
    switch (op) {
    case SX_EXPR_LT:
        return SX_EXPR_GT;
    case SX_EXPR_LE:
        return SX_EXPR_GE;
    case SX_EXPR_GT:
        return SX_EXPR_LT;
    case SX_EXPR_GE:
        return SX_EXPR_LE;
    default:
        return op;
    }
}

static uint16_t emit_comparison(struct builder *b, const struct sx_expr *expr)
{
    uint16_t x = emit(b, expr->args[0]), y = emit(b, expr->args[1]), to;
    enum sx_expr_op relation = expr->op;

    if (kind_of(b, x) == SX_NULL || kind_of(b, y) == SX_NULL)
        return constant(b, &sx_type_bool, SX_VALUE_NULL);
    if (kind_of(b, x) == SX_DOUBLE || kind_of(b, y) == SX_DOUBLE) {
        x = to_double(b, expr, x);
        y = to_double(b, expr, y);
    }
    if (kind_of(b, x) != kind_of(b, y))
        refuse(b, expr, "different types do not compare");
    if (is_fixed(b, x) && !is_fixed(b, y)) {
        uint16_t left = x;

        x = y;
        y = left;
        relation = mirrored(relation);
    }
    to = new_register(b, &sx_type_bool);
    add_step(b, sx_opcode_comparison(kind_of(b, x)), expr, to, x, y);
    last_step(b)->relation = (uint8_t)relation;
    return to;
}

static int by_value(const void *a, const void *b)
{
    return sx_value_compare(*(const struct sx_value *)a, *(const struct sx_value *)b);
}

/* The registers of some operands, in the arena. */
static const uint16_t *emit_all(struct builder *b, const struct sx_expr *expr, uint32_t from)
{
    uint16_t *args = SX_ARENA_ARRAY(b->arena, uint16_t, expr->count + 1);

    for (uint32_t i = from; i < expr->count; i++)
        args[i - from] = emit(b, expr->args[i]);
    b->args_max = SX_MAX(b->args_max, expr->count);
    return args;
}

static uint16_t emit_in(struct builder *b, const struct sx_expr *expr)
{
    uint16_t x = emit(b, expr->args[0]);
    const uint16_t *members = emit_all(b, expr, 1);
    const uint32_t count = expr->count - 1;
    uint16_t to = new_register(b, &sx_type_bool);
    struct sx_value *set = SX_ARENA_ARRAY(b->arena, struct sx_value, count + 1);
    bool constants = count >= SET_MIN;
    struct sx_step *step;

    for (uint32_t i = 0; i < count; i++) {
        constants &= b->registers[members[i]].source == SX_FROM_CONSTANT;
        set[i] = b->registers[members[i]].value;
    }
    add_step(b, constants ? SX_OP_IN_SET : SX_OP_IN, expr, to, x, x);
    step = last_step(b);
    step->count = count;
    step->args = members;
    if (constants) {
        qsort(set, count, sizeof(*set), by_value);
        step->set = set;
    }
    return to;
}

/* ---- Laziness -------------------------------------------------------------------------------- */

static uint16_t emit_logic(struct builder *b, const struct sx_expr *expr)
{
    const bool is_and = expr->op == SX_EXPR_AND;
    uint16_t x = emit(b, expr->args[0]);

    for (uint32_t i = 1; i < expr->count; i++) {
        uint32_t narrow = add_step(b, is_and ? SX_OP_NARROW_AND : SX_OP_NARROW_OR, expr, 0, x, x);
        uint16_t y, to;

        enter(b);
        y = emit(b, expr->args[i]);
        b->depth--;
        b->steps[narrow].jump = b->step_count;
        to = new_register(b, &sx_type_bool);
        add_step(b, is_and ? SX_OP_AND : SX_OP_OR, expr, to, x, y);
        x = to;
    }
    return x;
}

static uint16_t emit_coalesce(struct builder *b, const struct sx_expr *expr)
{
    uint16_t to = new_register(b, expr->type);

    add_step(b, SX_OP_NEW, expr, to, 0, 0);
    add_step(b, SX_OP_PUSH, expr, 0, 0, 0);
    enter(b);
    for (uint32_t i = 0; i < expr->count; i++) {
        uint16_t x = emit(b, expr->args[i]);

        add_step(b, i + 1 < expr->count ? SX_OP_FILL : SX_OP_MOVE, expr, to, x, x);
    }
    add_step(b, SX_OP_POP, expr, 0, 0, 0);
    b->depth--;
    return to;
}

static uint16_t emit_case(struct builder *b, const struct sx_expr *expr)
{
    uint16_t to = new_register(b, expr->type), x;

    add_step(b, SX_OP_NEW, expr, to, 0, 0);
    add_step(b, SX_OP_PUSH, expr, 0, 0, 0);
    enter(b);
    for (uint32_t i = 0; i + 1 < expr->count; i += 2) {
        uint32_t split;

        x = emit(b, expr->args[i]);
        split = add_step(b, SX_OP_SPLIT, expr, 0, x, x);
        enter(b);
        x = emit(b, expr->args[i + 1]);
        add_step(b, SX_OP_MOVE, expr, to, x, x);
        b->depth--;
        b->steps[split].jump = b->step_count;
        add_step(b, SX_OP_POP, expr, 0, 0, 0);
    }
    x = emit(b, expr->args[expr->count - 1]);
    add_step(b, SX_OP_MOVE, expr, to, x, x);
    add_step(b, SX_OP_POP, expr, 0, 0, 0);
    b->depth--;
    return to;
}

static uint16_t emit_try(struct builder *b, const struct sx_expr *expr)
{
    uint16_t x;

    add_step(b, SX_OP_TRY, expr, 0, 0, 0);
    b->tries++;
    b->tries_max = SX_MAX(b->tries_max, b->tries);
    x = emit(b, expr->args[0]);
    b->tries--;
    if (b->registers[x].source != SX_FROM_STEP && b->steps[b->step_count - 1].op == SX_OP_TRY) {
        b->step_count--; /* no step, so nothing can fail */
        return x;
    }
    if (b->registers[x].source != SX_FROM_STEP) {
        uint16_t to = new_register(b, expr->type); /* x is not ours to write nulls into */

        add_step(b, SX_OP_NEW, expr, to, 0, 0);
        add_step(b, SX_OP_MOVE, expr, to, x, x);
        x = to;
    }
    add_step(b, SX_OP_TRY_END, expr, x, 0, 0);
    return x;
}

/* ---- The rest -------------------------------------------------------------------------------- */

static uint16_t emit_cast(struct builder *b, const struct sx_expr *expr)
{
    uint16_t x = emit(b, expr->args[0]), to;
    const struct sx_type *from = b->registers[x].type;
    enum sx_opcode op = SX_OP_CAST;

    if (sx_type_equal(from, expr->type))
        return x;
    if (from->kind == SX_NULL)
        return constant(b, expr->type, SX_VALUE_NULL);
    if (!sx_cast_exists(from, expr->type))
        refuse(b, expr, "there is no such cast");
    if (from->kind == SX_INT && expr->type->kind == SX_DOUBLE)
        op = SX_OP_INT_TO_DOUBLE;
    else if ((from->kind == SX_INT &&
              (expr->type->kind == SX_TIMESTAMP || expr->type->kind == SX_DURATION)) ||
             (expr->type->kind == SX_INT && (from->kind == SX_TIMESTAMP || from->kind == SX_DURATION)))
        op = SX_OP_RETAG;
    to = new_register(b, expr->type);
    add_step(b, op, expr, to, x, x);
    return to;
}

static uint16_t emit_part(struct builder *b, const struct sx_expr *expr)
{
    uint16_t x = emit(b, expr->args[0]), y = x, to;
    enum sx_opcode op = SX_OP_FIELD;

    if (expr->op == SX_EXPR_INDEX) {
        y = emit(b, expr->args[1]);
        op = kind_of(b, y) == SX_STRING ? SX_OP_INDEX_MAP : SX_OP_INDEX_ARRAY;
    }
    if (kind_of(b, x) == SX_NULL || kind_of(b, y) == SX_NULL)
        return constant(b, expr->type, SX_VALUE_NULL);
    if ((expr->op == SX_EXPR_FIELD && kind_of(b, x) != SX_STRUCT) ||
        (op == SX_OP_INDEX_MAP && kind_of(b, x) != SX_MAP && kind_of(b, x) != SX_JSON) ||
        (op == SX_OP_INDEX_ARRAY &&
         ((kind_of(b, x) != SX_ARRAY && kind_of(b, x) != SX_JSON) || kind_of(b, y) != SX_INT)))
        refuse(b, expr, "this type has no such part");
    to = new_register(b, expr->type);
    add_step(b, op, expr, to, x, y);
    last_step(b)->number = expr->column;
    return to;
}

static uint16_t emit_items(struct builder *b, const struct sx_expr *expr)
{
    const uint16_t *args = emit_all(b, expr, 0);
    uint16_t to = new_register(b, expr->type);
    enum sx_opcode op = expr->op == SX_EXPR_MAP    ? SX_OP_MAP
                        : expr->op == SX_EXPR_CALL ? SX_OP_CALL
                                                   : SX_OP_ITEMS;
    struct sx_step *step;

    add_step(b, op, expr, to, 0, 0);
    step = last_step(b);
    step->args = args;
    step->count = expr->count;
    if (expr->op == SX_EXPR_CALL) {
        const struct sx_type **types = SX_ARENA_ARRAY(b->arena, const struct sx_type *, expr->count + 1);

        for (uint32_t i = 0; i < expr->count; i++)
            types[i] = b->registers[args[i]].type;
        step->function = expr->function;
        step->types = types;
        step->number = b->call_count++;
    }
    return to;
}

/* A function that takes lambdas: what these read from around them is worked out once a row, before it. */
static uint16_t emit_apply(struct builder *b, const struct sx_expr *expr)
{
    const struct sx_lambdas *lambdas = sx_lambdas_plan(expr, b->tree_depth, b->arena, &b->inside);
    const uint32_t values = sx_over_values(expr->function->over);
    struct sx_step *step;
    uint16_t *args, to;

    if (lambdas == NULL) {
        refuse(b, expr, "");
        return 0;
    }
    args = SX_ARENA_ARRAY(b->arena, uint16_t, values + lambdas->capture_count);
    for (uint32_t i = 0; i < values; i++)
        args[i] = emit(b, expr->args[i]);
    if (kind_of(b, args[0]) == SX_NULL)
        return constant(b, expr->type, SX_VALUE_NULL);
    for (uint32_t i = 0; i < lambdas->capture_count; i++)
        args[values + i] = emit(b, lambdas->captures[i]);
    to = new_register(b, expr->type);
    add_step(b, SX_OP_APPLY, expr, to, args[0], args[values - 1]);
    step = last_step(b);
    step->args = args;
    step->count = values + lambdas->capture_count;
    step->function = expr->function;
    step->lambdas = lambdas;
    step->number = b->loop_count++;
    return to;
}

static uint16_t emit_one(struct builder *b, const struct sx_expr *expr, enum sx_opcode op)
{
    uint16_t x = expr->count ? emit(b, expr->args[0]) : 0, to = new_register(b, expr->type);

    add_step(b, op, expr, to, x, x);
    if (op == SX_OP_HEADER)
        last_step(b)->text = sx_arena_copy(b->arena, sx_value_slice(expr->value));
    return to;
}

static uint16_t emit_node(struct builder *b, const struct sx_expr *expr)
{
    switch (expr->op) {
    case SX_EXPR_CONST:
        return constant(b, expr->type, expr->value);
    case SX_EXPR_COLUMN:
        return source_register(b, expr, SX_FROM_COLUMN);
    case SX_EXPR_VARIABLE:
        return source_register(b, expr, SX_FROM_VARIABLE);
    case SX_EXPR_TIMESTAMP:
        return add_register(
            b, (struct sx_register_plan){.type = &sx_type_timestamp, .source = SX_FROM_TIMESTAMP});
    case SX_EXPR_TOPIC:
    case SX_EXPR_PARTITION:
    case SX_EXPR_OFFSET:
    case SX_EXPR_HEADER:
    case SX_EXPR_WINDOW_START:
    case SX_EXPR_WINDOW_END:
        return emit_one(
            b, expr,
            (enum sx_opcode)(SX_OP_TOPIC + (expr->op == SX_EXPR_WINDOW_START ? 4
                                            : expr->op == SX_EXPR_WINDOW_END ? 5
                                                                             : expr->op - SX_EXPR_TOPIC)));
    case SX_EXPR_NEG:
        return emit_negation(b, expr);
    case SX_EXPR_ADD ... SX_EXPR_MOD:
        return emit_arithmetic(b, expr);
    case SX_EXPR_EQ ... SX_EXPR_GE:
        return emit_comparison(b, expr);
    case SX_EXPR_AND:
    case SX_EXPR_OR:
        return emit_logic(b, expr);
    case SX_EXPR_NOT:
        return emit_one(b, expr, SX_OP_NOT);
    case SX_EXPR_IS_NULL:
        return emit_one(b, expr, SX_OP_IS_NULL);
    case SX_EXPR_COALESCE:
        return emit_coalesce(b, expr);
    case SX_EXPR_IN:
        return emit_in(b, expr);
    case SX_EXPR_CASE:
        return emit_case(b, expr);
    case SX_EXPR_CAST:
        return emit_cast(b, expr);
    case SX_EXPR_TRY:
        return emit_try(b, expr);
    case SX_EXPR_FIELD:
    case SX_EXPR_INDEX:
        return emit_part(b, expr);
    case SX_EXPR_ARRAY:
    case SX_EXPR_STRUCT:
    case SX_EXPR_MAP:
    case SX_EXPR_CALL:
        return emit_items(b, expr);
    case SX_EXPR_APPLY:
        return emit_apply(b, expr);
    case SX_EXPR_PARAMETER:
    case SX_EXPR_LAMBDA:
        refuse(b, expr, "a lambda's parameter stands outside of the lambda");
        break;
    }
    return 0;
}

static uint16_t emit(struct builder *b, const struct sx_expr *expr)
{
    uint16_t r = 0;

    if (b->tree_depth >= TREE_DEPTH_MAX)
        refuse(b, expr, "the expression is nested too deeply");
    else if (b->register_count >= REGISTERS_MAX)
        refuse(b, expr, "the expression is too long");
    if (b->error != NULL)
        return b->register_count ? 0 : constant(b, &sx_type_null, SX_VALUE_NULL);
    b->tree_depth++;
    r = emit_node(b, expr);
    b->tree_depth--;
    return r;
}

/* ---- The whole ------------------------------------------------------------------------------- */

static void *copy(struct sx_arena *arena, const void *items, size_t bytes)
{
    void *to = sx_arena_alloc(arena, bytes + 1);

    if (bytes)
        memcpy(to, items, bytes);
    return to;
}

streamd_status sx_program_emit(const struct sx_expr *expr, uint32_t depth, struct sx_arena *arena,
                               const struct sx_program **program, streamd_error **error)
{
    struct builder b = {.arena = arena, .tree_depth = depth};
    struct sx_program *p = SX_ARENA_NEW(arena, struct sx_program);

    p->result = emit(&b, expr);
    p->register_count = b.register_count;
    p->registers = copy(arena, b.registers, b.register_count * sizeof(*b.registers));
    p->step_count = b.step_count;
    p->steps = copy(arena, b.steps, b.step_count * sizeof(*b.steps));
    p->depth = b.depth_max;
    p->tries = b.tries_max;
    p->args = b.args_max;
    p->call_count = b.call_count;
    p->loop_count = b.loop_count;
    free(b.registers);
    free(b.steps);
    if (b.inside != NULL) {
        if (error != NULL)
            *error = b.inside;
        else
            streamd_error_free(b.inside);
        return STREAMD_E_TYPE;
    }
    if (b.error != NULL)
        return sx_expr_fail(error, b.error_at, b.error);
    *program = p;
    return STREAMD_OK;
}
