/* main.c: what the tests of engine/expr share, and their list. */
#include "tests/unit/expr/trees.h"

#include <stdarg.h>

struct sx_arena arena;
const char *failure;

static struct sx_expr *bare(enum sx_expr_op op, const struct sx_type *type)
{
    struct sx_expr *e = SX_ARENA_NEW(&arena, struct sx_expr);

    e->op = op;
    e->type = type;
    e->at = (struct sx_position){"test", 1, 1, 1};
    return e;
}

tree node(enum sx_expr_op op, const struct sx_type *type, uint32_t count, ...)
{
    struct sx_expr *e = bare(op, type);
    va_list args;

    e->count = count;
    e->args = SX_ARENA_ARRAY(&arena, tree, count + 1);
    va_start(args, count);
    for (uint32_t i = 0; i < count; i++)
        e->args[i] = va_arg(args, tree);
    va_end(args);
    return e;
}

tree constant(const struct sx_type *type, struct sx_value value)
{
    struct sx_expr *e = bare(SX_EXPR_CONST, type);

    e->value = value;
    return e;
}

tree column(const struct sx_type *type, uint32_t number)
{
    struct sx_expr *e = bare(SX_EXPR_COLUMN, type);

    e->column = number;
    return e;
}

tree variable(const struct sx_type *type, uint32_t number)
{
    struct sx_expr *e = bare(SX_EXPR_VARIABLE, type);

    e->column = number;
    return e;
}

const struct sx_type int_array = {.kind = SX_ARRAY, .element = &sx_type_int};

/* An array of row % 6 elements, null in every seventh row; every fourth element is null. */
static void set_array(struct sx_column *column, uint32_t row)
{
    struct sx_value *items = SX_ARENA_ARRAY(&arena, struct sx_value, 6);

    for (uint32_t i = 0; i < row % 6; i++)
        items[i] = (row + i) % 4 == 3 ? SX_VALUE_NULL : sx_value_int((int64_t)((row * 3 + i) % 7) - 3);
    column->v[row] = (struct sx_value){.items = items, .size = row % 6, .kind = SX_ARRAY};
    if (row % 7 == 6)
        sx_bit_set(column->nulls, row);
}

struct sx_batch test_batch(uint32_t rows)
{
    static const char *const words[] = {"paid", "open", "void", ""};
    struct sx_column *columns = SX_ARENA_ARRAY(&arena, struct sx_column, C_COUNT);
    int64_t *ts = SX_ARENA_ARRAY(&arena, int64_t, rows + 1);

    columns[C_INT] = sx_column_new(&arena, &sx_type_int, rows);
    columns[C_DOUBLE] = sx_column_new(&arena, &sx_type_double, rows);
    columns[C_STRING] = sx_column_new(&arena, &sx_type_string, rows);
    columns[C_BOOL] = sx_column_new(&arena, &sx_type_bool, rows);
    columns[C_NULLS] = sx_column_new(&arena, &sx_type_int, rows);
    columns[C_ARRAY] = sx_column_new(&arena, &int_array, rows);
    sx_column_nulls(&columns[C_NULLS], &arena, rows);
    sx_column_nulls(&columns[C_ARRAY], &arena, rows);
    for (uint32_t row = 0; row < rows; row++) {
        columns[C_INT].i[row] = row;
        columns[C_DOUBLE].d[row] = row * 0.5;
        columns[C_STRING].s[row] = sx_slice_of(words[row % 4]);
        columns[C_BOOL].b[row] = row % 3 == 0;
        columns[C_NULLS].i[row] = row;
        if (row % 2)
            sx_bit_set(columns[C_NULLS].nulls, row);
        set_array(&columns[C_ARRAY], row);
        ts[row] = 1000 + row;
    }
    return (struct sx_batch){.columns = columns, .rows = rows, .count = rows, .ts = ts};
}

const struct sx_program *program_of(tree t)
{
    const struct sx_program *program = NULL;
    streamd_error *error = NULL;

    if (sx_program_build(t, NULL, 0, &arena, &program, &error) != STREAMD_OK) {
        CU_FAIL("the tree does not build");
        sx_error_print(error, "error", stderr);
        streamd_error_free(error);
        return program_of(B(false));
    }
    return program;
}

struct sx_value at_row(tree t, const struct sx_batch *batch, uint32_t row)
{
    struct sx_evaluator *e = sx_evaluator_new(program_of(t));
    struct sx_row_failures failures = {0};
    struct sx_value value = {.kind = 255};

    failure = NULL;
    if (!sx_eval_row(e, batch, row, NULL, &arena, &value, &failures)) {
        value.kind = 255;
        failure = failures.count == 1 ? failures.items[0].message : "not one failure";
    }
    sx_evaluator_free(e);
    return value;
}

static int begin(void)
{
    sx_arena_init(&arena, 0);
    return 0;
}

static int end(void)
{
    sx_arena_free(&arena);
    return 0;
}

static void suite(void)
{
    CU_pSuite all = CU_add_suite("expr", begin, end);

    CU_add_test(all, "operators", test_operators);
    CU_add_test(all, "logic", test_logic);
    CU_add_test(all, "programs", test_programs);
    CU_add_test(all, "random", test_random);
    CU_add_test(all, "casts", test_casts);
    CU_add_test(all, "signatures", test_signatures);
}

SX_UNIT_MAIN(suite())
