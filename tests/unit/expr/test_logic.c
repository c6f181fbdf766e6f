/* test_logic.c: three values, laziness, case, coalesce, try, in. */
#include "tests/unit/expr/trees.h"

static tree both(enum sx_expr_op op, tree a, tree b) { return node(op, &sx_type_bool, 2, a, b); }

static tree three(int value, const struct sx_batch *batch)
{
    /* Not folded: compares a column, or is null with it. */
    if (value < 0)
        return both(SX_EXPR_EQ, column(&sx_type_int, C_NULLS), I(1));
    return both(value ? SX_EXPR_GE : SX_EXPR_LT, column(&sx_type_int, C_INT), I(0));
}

static void truth_tables(const struct sx_batch *batch)
{
    for (int a = -1; a <= 1; a++) {
        for (int b = -1; b <= 1; b++) {
            int conjunction = a == 0 || b == 0 ? 0 : a < 0 || b < 0 ? -1 : 1;
            int disjunction = a == 1 || b == 1 ? 1 : a < 0 || b < 0 ? -1 : 0;
            struct sx_value v = at_row(both(SX_EXPR_AND, three(a, batch), three(b, batch)), batch, 1);

            CU_ASSERT_EQUAL(v.kind == SX_NULL ? -1 : v.b, conjunction);
            v = at_row(both(SX_EXPR_OR, three(a, batch), three(b, batch)), batch, 1);
            CU_ASSERT_EQUAL(v.kind == SX_NULL ? -1 : v.b, disjunction);
        }
        CU_ASSERT_EQUAL(at_row(node(SX_EXPR_NOT, &sx_type_bool, 1, three(a, batch)), batch, 1).kind,
                        a < 0 ? SX_NULL : SX_BOOL);
    }
}

/* 10 / x: fails where x is 0. */
static tree risky(void) { return node(SX_EXPR_DIV, &sx_type_int, 2, I(10), column(&sx_type_int, C_INT)); }

static void laziness(const struct sx_batch *batch)
{
    tree x = column(&sx_type_int, C_INT);
    tree guarded = both(SX_EXPR_AND, both(SX_EXPR_NE, x, I(0)), both(SX_EXPR_GT, risky(), I(4)));
    tree either = both(SX_EXPR_OR, both(SX_EXPR_EQ, x, I(0)), both(SX_EXPR_GT, risky(), I(4)));
    tree choice =
        node(SX_EXPR_CASE, &sx_type_int, 5, both(SX_EXPR_EQ, x, I(0)), I(-1), both(SX_EXPR_GT, risky(), I(4)),
             risky(), node(SX_EXPR_MUL, &sx_type_int, 2, x, I(100)));
    struct sx_row_failures failures = {0};
    struct sx_evaluator *e = sx_evaluator_new(program_of(guarded));
    const uint16_t *sel;
    struct sx_column out;
    uint32_t count;

    sx_eval_select(e, batch, &arena, &sel, &count, &failures);
    CU_ASSERT_EQUAL(count, 2);
    CU_ASSERT(sel[0] == 1 && sel[1] == 2);
    sx_evaluator_free(e);

    e = sx_evaluator_new(program_of(either));
    sx_eval_select(e, batch, &arena, &sel, &count, &failures);
    CU_ASSERT_EQUAL(count, 3);
    sx_evaluator_free(e);

    e = sx_evaluator_new(program_of(choice));
    sx_eval_column(e, batch, &arena, &out, &failures);
    CU_ASSERT(out.i[0] == -1 && out.i[1] == 10 && out.i[2] == 5 && out.i[3] == 300 && out.i[9] == 900);
    sx_evaluator_free(e);
    CU_ASSERT_EQUAL(failures.count, 0);
}

static void coalescing(const struct sx_batch *batch)
{
    tree t = node(SX_EXPR_COALESCE, &sx_type_int, 3, column(&sx_type_int, C_NULLS),
                  node(SX_EXPR_CASE, &sx_type_int, 3, both(SX_EXPR_EQ, column(&sx_type_int, C_INT), I(3)),
                       N(&sx_type_int), I(50)),
                  I(7));

    CU_ASSERT_EQUAL(at_row(t, batch, 2).i, 2);
    CU_ASSERT_EQUAL(at_row(t, batch, 1).i, 50);
    CU_ASSERT_EQUAL(at_row(t, batch, 3).i, 7);
    /* Null everywhere is null. */
    t = node(SX_EXPR_COALESCE, &sx_type_int, 2, column(&sx_type_int, C_NULLS), N(&sx_type_int));
    CU_ASSERT_EQUAL(at_row(t, batch, 1).kind, SX_NULL);
}

static void trying(const struct sx_batch *batch)
{
    tree tried = node(SX_EXPR_TRY, &sx_type_int, 1, risky());
    tree caught = node(SX_EXPR_COALESCE, &sx_type_int, 2, tried, I(99));
    /* A failure is not a null: ?? does not see it. */
    tree uncaught = node(SX_EXPR_COALESCE, &sx_type_int, 2, risky(), I(99));
    tree outside = node(SX_EXPR_TRY, &sx_type_int, 1, uncaught);
    struct sx_row_failures failures = {0};
    struct sx_evaluator *e;
    struct sx_column out;

    CU_ASSERT_EQUAL(at_row(tried, batch, 0).kind, SX_NULL);
    CU_ASSERT_EQUAL(at_row(tried, batch, 5).i, 2);
    CU_ASSERT_EQUAL(at_row(caught, batch, 0).i, 99);
    CU_ASSERT_EQUAL(at_row(uncaught, batch, 0).kind, 255);
    CU_ASSERT_EQUAL(at_row(outside, batch, 0).kind, SX_NULL);
    CU_ASSERT_EQUAL(
        at_row(node(SX_EXPR_TRY, &sx_type_int, 1, node(SX_EXPR_DIV, &sx_type_int, 2, I(1), I(0))), batch, 0)
            .kind,
        SX_NULL);
    CU_ASSERT_EQUAL(at_row(node(SX_EXPR_TRY, &sx_type_int, 1, column(&sx_type_int, C_INT)), batch, 4).i, 4);

    e = sx_evaluator_new(program_of(uncaught));
    sx_eval_column(e, batch, &arena, &out, &failures);
    CU_ASSERT_EQUAL(failures.count, 1);
    CU_ASSERT_EQUAL(failures.items[0].row, 0);
    CU_ASSERT_EQUAL(failures.items[0].at.line, 1);
    CU_ASSERT(sx_column_is_null(&out, 0));
    CU_ASSERT(!sx_column_is_null(&out, 1));
    sx_evaluator_free(e);
}

static void membership(const struct sx_batch *batch)
{
    tree x = column(&sx_type_int, C_INT), s = column(&sx_type_string, C_STRING);
    tree few = node(SX_EXPR_IN, &sx_type_bool, 3, x, I(3), N(&sx_type_int));
    tree many = node(SX_EXPR_IN, &sx_type_bool, 7, s, S("x"), S("open"), S("a"), S("z"), S("void"), S("q"));

    CU_ASSERT(at_row(few, batch, 3).b);
    CU_ASSERT(!at_row(few, batch, 4).b);
    CU_ASSERT_EQUAL(at_row(few, batch, 4).kind, SX_BOOL);
    CU_ASSERT(!at_row(many, batch, 0).b);
    CU_ASSERT(at_row(many, batch, 1).b);
    CU_ASSERT(at_row(many, batch, 2).b);
    CU_ASSERT_EQUAL(
        at_row(node(SX_EXPR_IN, &sx_type_bool, 2, column(&sx_type_int, C_NULLS), I(1)), batch, 1).kind,
        SX_NULL);
}

void test_logic(void)
{
    struct sx_batch batch = test_batch(10);

    truth_tables(&batch);
    laziness(&batch);
    coalescing(&batch);
    trying(&batch);
    membership(&batch);
}
