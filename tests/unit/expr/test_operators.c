/* test_operators.c: arithmetic and comparison, with nulls and failures. */
#include "tests/unit/expr/trees.h"

/* Row operations on column 0 (value `x` at row x) so that nothing is folded away. */
static struct sx_batch batch;

static tree op(enum sx_expr_op o, const struct sx_type *type, tree a, tree b)
{
    return node(o, type, 2, a, b);
}

static struct sx_value ints(enum sx_expr_op o, int64_t x, int64_t y)
{
    batch.columns[C_INT].i[3] = x;
    return at_row(op(o, &sx_type_int, column(&sx_type_int, C_INT), I(y)), &batch, 3);
}

static struct sx_value doubles(enum sx_expr_op o, double x, double y)
{
    batch.columns[C_DOUBLE].d[3] = x;
    return at_row(op(o, &sx_type_double, column(&sx_type_double, C_DOUBLE), D(y)), &batch, 3);
}

static void int_arithmetic(void)
{
    CU_ASSERT_EQUAL(ints(SX_EXPR_ADD, 2, 3).i, 5);
    CU_ASSERT_EQUAL(ints(SX_EXPR_SUB, 2, 3).i, -1);
    CU_ASSERT_EQUAL(ints(SX_EXPR_MUL, -2, 3).i, -6);
    CU_ASSERT_EQUAL(ints(SX_EXPR_DIV, -7, 2).i, -3);
    CU_ASSERT_EQUAL(ints(SX_EXPR_MOD, -7, 2).i, -1);
    CU_ASSERT_EQUAL(ints(SX_EXPR_MOD, INT64_MIN, -1).i, 0);
    CU_ASSERT_EQUAL(ints(SX_EXPR_DIV, 9, -1).i, -9);
    CU_ASSERT_EQUAL(ints(SX_EXPR_ADD, INT64_MAX, 1).kind, 255);
    CU_ASSERT_STRING_EQUAL(failure, "integer overflow: 9223372036854775807 + 1");
    CU_ASSERT_EQUAL(ints(SX_EXPR_SUB, INT64_MIN, 1).kind, 255);
    CU_ASSERT_EQUAL(ints(SX_EXPR_MUL, INT64_MAX, 2).kind, 255);
    CU_ASSERT_EQUAL(ints(SX_EXPR_DIV, INT64_MIN, -1).kind, 255);
    CU_ASSERT_EQUAL(ints(SX_EXPR_DIV, 1, 0).kind, 255);
    CU_ASSERT_STRING_EQUAL(failure, "division by zero");
    CU_ASSERT_EQUAL(ints(SX_EXPR_MOD, 1, 0).kind, 255);
}

static void double_arithmetic(void)
{
    CU_ASSERT_EQUAL(doubles(SX_EXPR_ADD, 0.1, 0.2).d, 0.1 + 0.2);
    CU_ASSERT_EQUAL(doubles(SX_EXPR_DIV, 1, 4).d, 0.25);
    CU_ASSERT_EQUAL(doubles(SX_EXPR_MOD, -7.5, 2).d, -1.5);
    CU_ASSERT_EQUAL(doubles(SX_EXPR_DIV, 1, 0).kind, 255);
    CU_ASSERT_STRING_EQUAL(failure, "division by zero");
    CU_ASSERT_EQUAL(doubles(SX_EXPR_MUL, 1e300, 1e300).kind, 255);
    CU_ASSERT_STRING_EQUAL(failure, "the result is not finite");
    /* An int beside a double becomes one. */
    CU_ASSERT_EQUAL(at_row(op(SX_EXPR_DIV, &sx_type_double, column(&sx_type_int, C_INT), D(2)), &batch, 1).d,
                    0.5);
}

static void times(void)
{
    tree t = column(&sx_type_int, C_INT);
    tree date = constant(&sx_type_date, sx_value_int64(SX_DATE, 10));
    tree hours = constant(&sx_type_duration, sx_value_int64(SX_DURATION, 36 * 3600000));
    tree days = node(SX_EXPR_CAST, &sx_type_duration, 1, op(SX_EXPR_MUL, &sx_type_int, t, I(86400000)));
    struct sx_value v;

    v = at_row(op(SX_EXPR_ADD, &sx_type_timestamp, node(SX_EXPR_CAST, &sx_type_timestamp, 1, t),
                  constant(&sx_type_duration, sx_value_int64(SX_DURATION, 5))),
               &batch, 2);
    CU_ASSERT_EQUAL(v.kind, SX_TIMESTAMP);
    CU_ASSERT_EQUAL(v.i, 7);
    v = at_row(op(SX_EXPR_SUB, &sx_type_duration, node(SX_EXPR_TIMESTAMP, &sx_type_timestamp, 0),
                  node(SX_EXPR_CAST, &sx_type_timestamp, 1, t)),
               &batch, 2);
    CU_ASSERT_EQUAL(v.kind, SX_DURATION);
    CU_ASSERT_EQUAL(v.i, 1000);
    v = at_row(op(SX_EXPR_ADD, &sx_type_date, date, days), &batch, 2);
    CU_ASSERT_EQUAL(v.kind, SX_DATE);
    CU_ASSERT_EQUAL(v.i, 12);
    CU_ASSERT_EQUAL(at_row(op(SX_EXPR_ADD, &sx_type_date, days, date), &batch, 2).i, 12);
    CU_ASSERT_EQUAL(at_row(op(SX_EXPR_SUB, &sx_type_date, date, days), &batch, 2).i, 8);
    CU_ASSERT_EQUAL(
        at_row(node(SX_EXPR_TRY, &sx_type_date, 1, op(SX_EXPR_ADD, &sx_type_date, date, hours)), &batch, 2)
            .kind,
        SX_NULL);
}

static void strings(void)
{
    struct sx_value v =
        at_row(op(SX_EXPR_ADD, &sx_type_string, column(&sx_type_string, C_STRING), S("!")), &batch, 1);

    CU_ASSERT(sx_slice_equal(sx_value_slice(v), SX_SLICE("open!")));
}

/* Every relation, for rows below, at and above the constant, by kind and side. */
static void relations(void)
{
    static const enum sx_expr_op ops[] = {SX_EXPR_EQ, SX_EXPR_NE, SX_EXPR_LT,
                                          SX_EXPR_LE, SX_EXPR_GT, SX_EXPR_GE};
    static const bool expected[][3] = {{0, 1, 0}, {1, 0, 1}, {1, 0, 0}, {1, 1, 0}, {0, 0, 1}, {0, 1, 1}};

    for (uint32_t i = 0; i < SX_COUNT(ops); i++) {
        for (uint32_t side = 0; side < 3; side++) {
            tree x = column(&sx_type_int, C_INT), y = column(&sx_type_double, C_DOUBLE);

            CU_ASSERT_EQUAL(at_row(op(ops[i], &sx_type_bool, x, I(5)), &batch, 4 + side).b,
                            expected[i][side]);
            CU_ASSERT_EQUAL(at_row(op(ops[i], &sx_type_bool, I(5), x), &batch, 6 - side).b,
                            expected[i][side]);
            CU_ASSERT_EQUAL(at_row(op(ops[i], &sx_type_bool, y, D(2.5)), &batch, 4 + side).b,
                            expected[i][side]);
            CU_ASSERT_EQUAL(at_row(op(ops[i], &sx_type_bool, y,
                                      node(SX_EXPR_ADD, &sx_type_double, 2, y, D(1 - (int)side))),
                                   &batch, 8)
                                .b,
                            expected[i][side]);
        }
    }
    CU_ASSERT(
        at_row(op(SX_EXPR_EQ, &sx_type_bool, column(&sx_type_string, C_STRING), S("paid")), &batch, 0).b);
    CU_ASSERT(
        !at_row(op(SX_EXPR_EQ, &sx_type_bool, column(&sx_type_string, C_STRING), S("pain")), &batch, 0).b);
    CU_ASSERT(at_row(op(SX_EXPR_EQ, &sx_type_bool, column(&sx_type_string, C_STRING), S("")), &batch, 3).b);
    CU_ASSERT(
        at_row(op(SX_EXPR_LT, &sx_type_bool, column(&sx_type_string, C_STRING), S("paid!")), &batch, 0).b);
    CU_ASSERT(at_row(op(SX_EXPR_GT, &sx_type_bool, column(&sx_type_bool, C_BOOL), B(false)), &batch, 0).b);
}

/* Short constants have a way of their own: every size, equal, different in each byte, and longer. */
static void short_strings(void)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyz";
    struct sx_slice *s = batch.columns[C_STRING].s;

    for (uint32_t size = 0; size <= 20; size++) {
        char *wanted = sx_arena_strndup(&arena, letters, size);
        tree t = op(SX_EXPR_EQ, &sx_type_bool, column(&sx_type_string, C_STRING), S(wanted));
        tree not_t = op(SX_EXPR_NE, &sx_type_bool, column(&sx_type_string, C_STRING), S(wanted));

        for (uint32_t other = 0; other <= 20; other++) {
            s[5] = sx_arena_copy(&arena, sx_slice(letters, other));
            CU_ASSERT_EQUAL(at_row(t, &batch, 5).b, other == size);
            CU_ASSERT_EQUAL(at_row(not_t, &batch, 5).b, other != size);
        }
        for (uint32_t wrong = 0; wrong < size; wrong++) {
            char *near = sx_arena_strndup(&arena, letters, size);

            near[wrong] = '!';
            s[5] = sx_slice(near, size);
            CU_ASSERT(!at_row(t, &batch, 5).b);
        }
    }
    sx_bit_set(sx_column_nulls(&batch.columns[C_STRING], &arena, 16), 5);
    s[5] = (struct sx_slice){(const char *)(uintptr_t)8, 4}; /* anything stands in a row that is null */
    CU_ASSERT_EQUAL(
        at_row(op(SX_EXPR_EQ, &sx_type_bool, column(&sx_type_string, C_STRING), S("abcd")), &batch, 5).kind,
        SX_NULL);
}

static void nulls(void)
{
    tree x = column(&sx_type_int, C_NULLS);

    CU_ASSERT_EQUAL(at_row(op(SX_EXPR_ADD, &sx_type_int, x, I(1)), &batch, 1).kind, SX_NULL);
    CU_ASSERT_EQUAL(at_row(op(SX_EXPR_ADD, &sx_type_int, x, I(1)), &batch, 2).i, 3);
    CU_ASSERT_EQUAL(at_row(op(SX_EXPR_EQ, &sx_type_bool, x, N(&sx_type_int)), &batch, 2).kind, SX_NULL);
    CU_ASSERT_EQUAL(at_row(op(SX_EXPR_EQ, &sx_type_bool, x, N(&sx_type_null)), &batch, 2).kind, SX_NULL);
    /* What stands in a row that is null cannot fail. */
    batch.columns[C_NULLS].i[1] = INT64_MAX;
    CU_ASSERT_EQUAL(at_row(op(SX_EXPR_ADD, &sx_type_int, x, I(1)), &batch, 1).kind, SX_NULL);
    CU_ASSERT(at_row(node(SX_EXPR_IS_NULL, &sx_type_bool, 1, x), &batch, 1).b);
    CU_ASSERT(!at_row(node(SX_EXPR_IS_NULL, &sx_type_bool, 1, x), &batch, 2).b);
}

static void negatives(void)
{
    CU_ASSERT_EQUAL(at_row(node(SX_EXPR_NEG, &sx_type_int, 1, column(&sx_type_int, C_INT)), &batch, 2).i, -2);
    CU_ASSERT_EQUAL(
        at_row(node(SX_EXPR_NEG, &sx_type_double, 1, column(&sx_type_double, C_DOUBLE)), &batch, 2).d, -1.0);
    batch.columns[C_INT].i[7] = INT64_MIN;
    CU_ASSERT_EQUAL(at_row(node(SX_EXPR_NEG, &sx_type_int, 1, column(&sx_type_int, C_INT)), &batch, 7).kind,
                    255);
}

void test_operators(void)
{
    batch = test_batch(16);
    int_arithmetic();
    double_arithmetic();
    batch = test_batch(16);
    times();
    strings();
    relations();
    short_strings();
    batch = test_batch(16);
    nulls();
    negatives();
}
