/* test_random.c: random trees. A whole batch, a selection of it and single rows must agree, in values and
 * in failures; and with a small interpreter that knows nothing of batches. */
#include "tests/unit/expr/trees.h"

#define FAILED 255

static uint64_t seed;

static uint32_t pick(uint32_t below) { return (uint32_t)(sx_unit_random(&seed) % below); }

static tree random_bool(int depth);
static tree random_int(int depth);

/* ---- Lambdas ---------------------------------------------------------------------------------------- */

#define PARAMETERS_MAX 256u

static const struct sx_function_def functions[] = {
    [SX_OVER_TRANSFORM] = {.signature = "transform(", .over = SX_OVER_TRANSFORM},
    [SX_OVER_FILTER] = {.signature = "filter(", .over = SX_OVER_FILTER},
    [SX_OVER_ANY] = {.signature = "any(", .over = SX_OVER_ANY},
    [SX_OVER_ALL] = {.signature = "all(", .over = SX_OVER_ALL},
    [SX_OVER_REDUCE] = {.signature = "reduce(", .over = SX_OVER_REDUCE},
};

static uint32_t parameters;            /* made so far in this tree */
static uint32_t scope[PARAMETERS_MAX]; /* the ones that can be read here */
static uint32_t scope_size;
static struct sx_value values[PARAMETERS_MAX]; /* of the interpreter */

static tree random_parameter(void)
{
    struct sx_expr *e = (struct sx_expr *)(uintptr_t)variable(&sx_type_int, scope[pick(scope_size)]);

    e->op = SX_EXPR_PARAMETER;
    return e;
}

/* A lambda of ints whose body reads what is around it too. */
static tree random_lambda(uint32_t count, const struct sx_type *type, int depth)
{
    struct sx_expr *e = (struct sx_expr *)(uintptr_t)node(SX_EXPR_LAMBDA, type, 1, NULL);

    e->column = parameters;
    e->parameters = count;
    for (uint32_t i = 0; i < count; i++)
        scope[scope_size++] = parameters++;
    e->args[0] = type->kind == SX_BOOL ? random_bool(depth) : random_int(depth);
    scope_size -= count;
    return e;
}

static tree apply(enum sx_over over, const struct sx_type *type, tree array, tree second, tree third)
{
    struct sx_expr *e =
        (struct sx_expr *)(uintptr_t)node(SX_EXPR_APPLY, type, third ? 3u : 2u, array, second, third);

    e->function = &functions[over];
    return e;
}

static tree random_array(int depth)
{
    tree array;

    if (depth <= 0 || parameters + 2 > PARAMETERS_MAX)
        return column(&int_array, C_ARRAY);
    switch (pick(4)) {
    case 0:
        return node(SX_EXPR_ARRAY, &int_array, 3, random_int(depth - 1), random_int(0),
                    random_int(depth - 1));
    case 1:
        array = random_array(depth - 1);
        return apply(SX_OVER_FILTER, &int_array, array, random_lambda(1, &sx_type_bool, depth - 1), NULL);
    case 2:
        array = random_array(depth - 1);
        return apply(SX_OVER_TRANSFORM, &int_array, array, random_lambda(1, &sx_type_int, depth - 1), NULL);
    default:
        return column(&int_array, C_ARRAY);
    }
}

static tree random_over(enum sx_over over, int depth)
{
    tree array = random_array(depth - 1), initial;

    if (parameters + 2 > PARAMETERS_MAX)
        return over == SX_OVER_REDUCE ? I(1) : B(true);
    if (over != SX_OVER_REDUCE)
        return apply(over, &sx_type_bool, array, random_lambda(1, &sx_type_bool, depth - 1), NULL);
    initial = random_int(depth - 1);
    return apply(over, &sx_type_int, array, initial, random_lambda(2, &sx_type_int, depth - 1));
}

/* ---- Trees ------------------------------------------------------------------------------------------ */

static tree random_int(int depth)
{
    static const enum sx_expr_op ops[] = {SX_EXPR_ADD, SX_EXPR_SUB, SX_EXPR_MUL, SX_EXPR_DIV, SX_EXPR_MOD};

    if (scope_size > 0 && pick(3) == 0)
        return random_parameter();
    switch (depth <= 0 ? pick(3) : pick(11)) {
    case 6:
        return random_over(SX_OVER_REDUCE, depth);
    case 7:
        return node(SX_EXPR_INDEX, &sx_type_int, 2, random_array(depth - 1), random_int(0));
    case 0:
        return column(&sx_type_int, C_INT);
    case 1:
        return column(&sx_type_int, C_NULLS);
    case 2:
        return I((int64_t)pick(5) - 1);
    case 3:
        return node(SX_EXPR_CASE, &sx_type_int, 5, random_bool(depth - 1), random_int(depth - 1),
                    random_bool(depth - 1), random_int(depth - 1), random_int(depth - 1));
    case 4:
        return node(SX_EXPR_COALESCE, &sx_type_int, 2, random_int(depth - 1), random_int(depth - 1));
    case 5:
        return node(SX_EXPR_TRY, &sx_type_int, 1, random_int(depth - 1));
    default:
        return node(ops[pick(5)], &sx_type_int, 2, random_int(depth - 1), random_int(depth - 1));
    }
}

static tree random_bool(int depth)
{
    static const enum sx_expr_op ops[] = {SX_EXPR_EQ, SX_EXPR_NE, SX_EXPR_LT,
                                          SX_EXPR_LE, SX_EXPR_GT, SX_EXPR_GE};

    switch (depth <= 0 ? 0 : pick(9)) {
    case 5:
        return random_over(SX_OVER_ANY, depth);
    case 6:
        return random_over(SX_OVER_ALL, depth);
    case 1:
        return node(SX_EXPR_AND, &sx_type_bool, 2, random_bool(depth - 1), random_bool(depth - 1));
    case 2:
        return node(SX_EXPR_OR, &sx_type_bool, 2, random_bool(depth - 1), random_bool(depth - 1));
    case 3:
        return node(SX_EXPR_NOT, &sx_type_bool, 1, random_bool(depth - 1));
    case 4:
        return node(SX_EXPR_IS_NULL, &sx_type_bool, 1, random_int(depth - 1));
    default:
        return node(ops[pick(6)], &sx_type_bool, 2, random_int(depth - 1), random_int(depth - 1));
    }
}

/* ---- The interpreter ------------------------------------------------------------------------------- */

static struct sx_value interpret(tree t, const struct sx_batch *batch, uint32_t row);

static struct sx_value arithmetic(enum sx_expr_op op, int64_t x, int64_t y)
{
    __int128 r;

    if ((op == SX_EXPR_DIV || op == SX_EXPR_MOD) && y == 0)
        return (struct sx_value){.kind = FAILED};
    r = op == SX_EXPR_ADD   ? (__int128)x + y
        : op == SX_EXPR_SUB ? (__int128)x - y
        : op == SX_EXPR_MUL ? (__int128)x * y
        : op == SX_EXPR_DIV ? (__int128)x / y
                            : (__int128)x % y;
    return r > INT64_MAX || r < INT64_MIN ? (struct sx_value){.kind = FAILED} : sx_value_int((int64_t)r);
}

static bool relation(enum sx_expr_op op, int64_t x, int64_t y)
{
    return op == SX_EXPR_EQ   ? x == y
           : op == SX_EXPR_NE ? x != y
           : op == SX_EXPR_LT ? x < y
           : op == SX_EXPR_LE ? x <= y
           : op == SX_EXPR_GT ? x > y
                              : x >= y;
}

static struct sx_value logic(tree t, const struct sx_batch *batch, uint32_t row)
{
    const bool decides = t->op == SX_EXPR_OR;
    struct sx_value x = interpret(t->args[0], batch, row), y;

    if (x.kind == FAILED || (x.kind != SX_NULL && x.b == decides))
        return x;
    y = interpret(t->args[1], batch, row);
    if (y.kind == FAILED || (y.kind != SX_NULL && y.b == decides))
        return y;
    return x.kind == SX_NULL ? x : y;
}

static struct sx_value interpret_apply(tree t, const struct sx_batch *batch, uint32_t row)
{
    const enum sx_over over = t->function->over;
    struct sx_value array = interpret(t->args[0], batch, row), r, *items;
    struct sx_value result = {.kind = SX_ARRAY};
    tree lambda = t->args[t->count - 1];

    if (over == SX_OVER_REDUCE)
        result = interpret(t->args[1], batch, row);
    else if (over == SX_OVER_ANY || over == SX_OVER_ALL)
        result = sx_value_bool(over == SX_OVER_ALL);
    if (array.kind == FAILED || result.kind == FAILED)
        return (struct sx_value){.kind = FAILED};
    if (array.kind == SX_NULL)
        return array;
    items = SX_ARENA_ARRAY(&arena, struct sx_value, array.size + 1);
    for (uint32_t i = 0; i < array.size; i++) {
        values[lambda->column + lambda->parameters - 1] = array.items[i];
        if (over == SX_OVER_REDUCE)
            values[lambda->column] = result;
        r = interpret(lambda->args[0], batch, row);
        if (r.kind == FAILED)
            return r;
        if (over == SX_OVER_REDUCE)
            result = r;
        else if (over == SX_OVER_TRANSFORM)
            items[result.size++] = r;
        else if (over == SX_OVER_FILTER && r.kind != SX_NULL && r.b)
            items[result.size++] = array.items[i];
        else if (over >= SX_OVER_ANY && r.kind == SX_NULL)
            result = r;
        else if (over >= SX_OVER_ANY && r.b == (over == SX_OVER_ANY))
            return r;
    }
    if (result.kind == SX_ARRAY)
        result.items = items;
    return result;
}

static struct sx_value interpret_array(tree t, const struct sx_batch *batch, uint32_t row)
{
    struct sx_value *items = SX_ARENA_ARRAY(&arena, struct sx_value, t->count);

    for (uint32_t i = 0; i < t->count; i++) {
        items[i] = interpret(t->args[i], batch, row);
        if (items[i].kind == FAILED)
            return items[i];
    }
    return (struct sx_value){.items = items, .size = t->count, .kind = SX_ARRAY};
}

static struct sx_value interpret(tree t, const struct sx_batch *batch, uint32_t row)
{
    struct sx_value x, y;

    switch (t->op) {
    case SX_EXPR_PARAMETER:
        return values[t->column];
    case SX_EXPR_APPLY:
        return interpret_apply(t, batch, row);
    case SX_EXPR_ARRAY:
        return interpret_array(t, batch, row);
    case SX_EXPR_CONST:
        return t->value;
    case SX_EXPR_COLUMN:
        return sx_column_get(&batch->columns[t->column], row);
    case SX_EXPR_AND:
    case SX_EXPR_OR:
        return logic(t, batch, row);
    case SX_EXPR_COALESCE:
        x = interpret(t->args[0], batch, row);
        return x.kind == SX_NULL ? interpret(t->args[1], batch, row) : x;
    case SX_EXPR_CASE:
        for (uint32_t i = 0; i + 1 < t->count; i += 2) {
            x = interpret(t->args[i], batch, row);
            if (x.kind == FAILED)
                return x;
            if (x.kind != SX_NULL && x.b)
                return interpret(t->args[i + 1], batch, row);
        }
        return interpret(t->args[t->count - 1], batch, row);
    default:
        break;
    }
    x = interpret(t->args[0], batch, row);
    if (t->op == SX_EXPR_TRY)
        return x.kind == FAILED ? SX_VALUE_NULL : x;
    if (x.kind == FAILED)
        return x;
    if (t->op == SX_EXPR_IS_NULL)
        return sx_value_bool(x.kind == SX_NULL);
    if (t->op == SX_EXPR_NOT)
        return x.kind == SX_NULL ? x : sx_value_bool(!x.b);
    y = interpret(t->args[1], batch, row);
    if (y.kind == FAILED || x.kind == SX_NULL)
        return y.kind == FAILED ? y : x;
    if (y.kind == SX_NULL)
        return y;
    if (t->op == SX_EXPR_INDEX) {
        y.i += y.i < 0 ? (int64_t)x.size : 0;
        return y.i < 0 || y.i >= (int64_t)x.size ? SX_VALUE_NULL : x.items[y.i];
    }
    return t->op >= SX_EXPR_EQ && t->op <= SX_EXPR_GE ? sx_value_bool(relation(t->op, x.i, y.i))
                                                      : arithmetic(t->op, x.i, y.i);
}

/* ---- Comparing ------------------------------------------------------------------------------------- */

static bool has_failed(const struct sx_row_failures *failures, uint32_t row)
{
    uint32_t times = 0;

    for (uint32_t i = 0; i < failures->count; i++)
        times += failures->items[i].row == row;
    CU_ASSERT(times <= 1);
    return times > 0;
}

/* The rows of a batch, run at once, against the interpreter. Returns how many differ. */
static uint32_t differences(struct sx_evaluator *e, tree t, const struct sx_batch *batch)
{
    struct sx_row_failures failures = {0};
    struct sx_column out;
    uint32_t wrong = 0;

    sx_eval_column(e, batch, &arena, &out, &failures);
    for (SX_EACH_ROW(batch, i, row)) {
        struct sx_value expected = interpret(t, batch, row), got = sx_column_get(&out, row);

        if (expected.kind == FAILED)
            wrong += !has_failed(&failures, row) || got.kind != SX_NULL;
        else
            wrong += has_failed(&failures, row) || !sx_value_equal(expected, got);
    }
    return wrong;
}

void test_random(void)
{
    uint32_t built = 0;

    for (uint64_t n = 1; n <= 4000; n++) {
        uint16_t sel[64];
        uint32_t count = 0;
        struct sx_batch all, some;
        const struct sx_program *program;
        struct sx_evaluator *e;
        tree t;

        seed = n;
        parameters = scope_size = 0;
        t = n % 2 ? random_bool(4) : random_int(4);
        all = test_batch(64);
        for (uint16_t row = 0; row < 64; row++) {
            all.columns[C_INT].i[row] = (int64_t)pick(7) - 3;
            if (pick(3) == 0)
                sel[count++] = row;
        }
        /* A constant part that fails for every row is refused; that is tested elsewhere. */
        if (sx_program_build(t, NULL, 0, &arena, &program, NULL) != STREAMD_OK)
            continue;
        built++;
        e = sx_evaluator_new(program);
        some = sx_batch_select(&all, sel, count);
        if (differences(e, t, &some) + differences(e, t, &all) + differences(e, t, &some) != 0) {
            fprintf(stderr, "seed %llu\n", (unsigned long long)n);
            CU_FAIL("a batch does not agree with its rows");
        }
        for (uint32_t row = 0; row < 64; row += 13) {
            struct sx_value expected = interpret(t, &all, row), got = {0};
            struct sx_row_failures failures = {0};
            bool done = sx_eval_row(e, &all, row, NULL, &arena, &got, &failures);

            CU_ASSERT_EQUAL(done, expected.kind != FAILED);
            CU_ASSERT(!done || sx_value_equal(expected, got));
        }
        sx_evaluator_free(e);
        if (n % 50 == 0)
            sx_arena_reset(&arena);
    }
    CU_ASSERT(built > 2000);
}
