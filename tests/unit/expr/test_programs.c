/* test_programs.c: building and running: folding, selections, nested values, calls, metadata, variables. */
#include "tests/unit/expr/trees.h"

static struct sx_value twice(struct sx_call *call, const struct sx_value *args, uint32_t count)
{
    if (args[0].i == 13)
        return sx_call_fail(call, "not %d", 13);
    return sx_value_int(2 * args[0].i);
}

static struct sx_value is_site(struct sx_call *call, const struct sx_value *args, uint32_t count)
{
    return sx_value_bool(call->site != NULL && args[1].kind == SX_NULL);
}

static void *prepare(struct sx_call *call, const struct sx_value *const *constants, uint32_t count)
{
    int *site;

    if (constants[0] == NULL)
        return NULL;
    if (constants[0]->i < 0) {
        sx_call_fail(call, "negative");
        return NULL;
    }
    site = malloc(sizeof(*site));
    *site = 1;
    return site;
}

static const struct sx_function_def twice_def = {.signature = "twice(x int) int", .fn = twice};
static const struct sx_function_def site_def = {.signature = "site(a int, b int) bool",
                                                .flags = SX_FUNCTION_NULLS,
                                                .fn = is_site,
                                                .prepare = prepare,
                                                .release = free};

static tree call(const struct sx_function_def *def, const struct sx_type *type, uint32_t count, tree a,
                 tree b)
{
    struct sx_expr *e = (struct sx_expr *)(uintptr_t)node(SX_EXPR_CALL, type, count, a, b);

    e->function = def;
    return e;
}

static void folding(const struct sx_batch *batch)
{
    const struct sx_program *p;
    struct sx_value v;
    streamd_error *error = NULL;
    uint32_t number;
    tree zero = node(SX_EXPR_DIV, &sx_type_int, 2, I(1), I(0));

    p = program_of(node(SX_EXPR_ADD, &sx_type_int, 2, I(2), call(&twice_def, &sx_type_int, 1, I(3), NULL)));
    CU_ASSERT(sx_program_is_constant(p, &v));
    CU_ASSERT_EQUAL(v.i, 8);
    p = program_of(column(&sx_type_string, C_STRING));
    CU_ASSERT(sx_program_is_column(p, &number));
    CU_ASSERT_EQUAL(number, C_STRING);
    CU_ASSERT(!sx_program_is_constant(p, &v));
    p = program_of(node(SX_EXPR_TIMESTAMP, &sx_type_timestamp, 0));
    CU_ASSERT(!sx_program_is_constant(p, &v));

    CU_ASSERT_EQUAL(sx_program_build(zero, NULL, 0, &arena, &p, &error), STREAMD_E_TYPE);
    CU_ASSERT_STRING_EQUAL(streamd_error_message(error), "division by zero");
    CU_ASSERT_EQUAL(streamd_error_line(error), 1);
    streamd_error_free(error);
    error = NULL;
    /* Where only some rows come it is the rows' error. */
    p = program_of(node(SX_EXPR_CASE, &sx_type_int, 3,
                        node(SX_EXPR_EQ, &sx_type_bool, 2, column(&sx_type_int, C_INT), I(1)), zero, I(5)));
    CU_ASSERT(!sx_program_is_constant(p, &v));
    CU_ASSERT_EQUAL(sx_program_build(call(&site_def, &sx_type_bool, 2, I(-1), column(&sx_type_int, C_INT)),
                                     NULL, 0, &arena, &p, &error),
                    STREAMD_E_TYPE);
    CU_ASSERT_STRING_EQUAL(streamd_error_message(error), "negative");
    streamd_error_free(error);
    error = NULL;
    CU_ASSERT_EQUAL(sx_program_build(node(SX_EXPR_ADD, &sx_type_int, 2, column(&sx_type_int, C_INT), S("a")),
                                     NULL, 0, &arena, &p, &error),
                    STREAMD_E_TYPE);
    streamd_error_free(error);
}

static void columns_read(void)
{
    uint64_t columns = 0;

    sx_program_columns(program_of(node(SX_EXPR_ADD, &sx_type_int, 2, column(&sx_type_int, C_NULLS),
                                       column(&sx_type_int, C_INT))),
                       &columns);
    CU_ASSERT_EQUAL(columns, 1u << C_NULLS | 1u << C_INT);
}

/* Only selected rows are evaluated, whatever stands in the others. */
static void selections(void)
{
    static const uint16_t sel[] = {1, 4, 900};
    struct sx_batch all = test_batch(1000), some = sx_batch_select(&all, sel, 3);
    tree t = node(SX_EXPR_ADD, &sx_type_int, 2, column(&sx_type_int, C_INT), I(1));
    struct sx_evaluator *e = sx_evaluator_new(program_of(t));
    struct sx_row_failures failures = {0};
    const uint16_t *rows;
    struct sx_column out;
    uint32_t count;

    all.columns[C_INT].i[7] = INT64_MAX;
    sx_eval_column(e, &some, &arena, &out, &failures);
    CU_ASSERT(out.i[1] == 2 && out.i[4] == 5 && out.i[900] == 901);
    CU_ASSERT_EQUAL(failures.count, 0);
    /* The same evaluator, a larger batch. */
    sx_eval_column(e, &all, &arena, &out, &failures);
    CU_ASSERT_EQUAL(failures.count, 1);
    CU_ASSERT_EQUAL(failures.items[0].row, 7);
    CU_ASSERT(sx_column_is_null(&out, 7) && out.i[999] == 1000);
    sx_evaluator_free(e);

    e = sx_evaluator_new(
        program_of(node(SX_EXPR_EQ, &sx_type_bool, 2, column(&sx_type_string, C_STRING), S("paid"))));
    sx_eval_select(e, &some, &arena, &rows, &count, &failures);
    CU_ASSERT(count == 2 && rows[0] == 4 && rows[1] == 900);
    sx_evaluator_free(e);

    e = sx_evaluator_new(program_of(column(&sx_type_bool, C_BOOL)));
    sx_eval_select(e, &all, &arena, &rows, &count, &failures);
    CU_ASSERT(count == 334 && rows[1] == 3);
    sx_eval_column(e, &all, &arena, &out, &failures);
    CU_ASSERT_PTR_EQUAL(out.b, all.columns[C_BOOL].b);
    sx_evaluator_free(e);

    e = sx_evaluator_new(program_of(S("same")));
    sx_eval_column(e, &some, &arena, &out, &failures);
    CU_ASSERT(sx_slice_equal(out.s[900], SX_SLICE("same")));
    sx_evaluator_free(e);
    e = sx_evaluator_new(program_of(N(&sx_type_int)));
    sx_eval_column(e, &some, &arena, &out, &failures);
    CU_ASSERT(sx_column_is_null(&out, 900));
    sx_evaluator_free(e);
}

static void nested(const struct sx_batch *batch)
{
    const struct sx_type_field fields[] = {{"a", &sx_type_int, false}, {"b", &sx_type_string, false}};
    const struct sx_type *pair = sx_type_struct(&arena, fields, 2);
    const struct sx_type *list = sx_type_array(&arena, &sx_type_int),
                         *map = sx_type_map(&arena, &sx_type_int);
    tree x = column(&sx_type_int, C_INT), n = column(&sx_type_int, C_NULLS);
    tree made = node(SX_EXPR_STRUCT, pair, 2, x, column(&sx_type_string, C_STRING));
    tree array = node(SX_EXPR_ARRAY, list, 3, x, I(5), n);
    tree entries = node(SX_EXPR_MAP, map, 6, S("b"), I(2), S("a"), x, S("b"), I(3));
    struct sx_expr *field = (struct sx_expr *)(uintptr_t)node(SX_EXPR_FIELD, &sx_type_string, 1, made);

    field->column = 1;
    CU_ASSERT(sx_slice_equal(sx_value_slice(at_row(field, batch, 1)), SX_SLICE("open")));
    CU_ASSERT_EQUAL(at_row(node(SX_EXPR_INDEX, &sx_type_int, 2, array, I(0)), batch, 3).i, 3);
    CU_ASSERT_EQUAL(at_row(node(SX_EXPR_INDEX, &sx_type_int, 2, array, I(-2)), batch, 3).i, 5);
    CU_ASSERT_EQUAL(at_row(node(SX_EXPR_INDEX, &sx_type_int, 2, array, I(2)), batch, 3).kind, SX_NULL);
    CU_ASSERT_EQUAL(at_row(node(SX_EXPR_INDEX, &sx_type_int, 2, array, I(3)), batch, 2).kind, SX_NULL);
    CU_ASSERT_EQUAL(at_row(node(SX_EXPR_INDEX, &sx_type_int, 2, array, I(-4)), batch, 2).kind, SX_NULL);
    CU_ASSERT_EQUAL(at_row(node(SX_EXPR_INDEX, &sx_type_int, 2, entries, S("b")), batch, 2).i, 3);
    CU_ASSERT_EQUAL(at_row(node(SX_EXPR_INDEX, &sx_type_int, 2, entries, S("a")), batch, 2).i, 2);
    CU_ASSERT_EQUAL(at_row(node(SX_EXPR_INDEX, &sx_type_int, 2, entries, S("c")), batch, 2).kind, SX_NULL);
    CU_ASSERT(at_row(node(SX_EXPR_EQ, &sx_type_bool, 2, array, array), batch, 3).b);
    CU_ASSERT(at_row(node(SX_EXPR_LT, &sx_type_bool, 2, made, node(SX_EXPR_STRUCT, pair, 2, I(1000), S(""))),
                     batch, 3)
                  .b);
    CU_ASSERT_EQUAL(at_row(node(SX_EXPR_MAP, map, 2,
                                node(SX_EXPR_CASE, &sx_type_string, 3,
                                     node(SX_EXPR_EQ, &sx_type_bool, 2, x, I(1)), N(&sx_type_string), S("k")),
                                I(1)),
                           batch, 1)
                        .kind,
                    255);
}

static void calls(const struct sx_batch *batch)
{
    tree x = column(&sx_type_int, C_INT), n = column(&sx_type_int, C_NULLS);
    struct sx_row_failures failures = {0};
    struct sx_evaluator *e;
    struct sx_column out;

    CU_ASSERT_EQUAL(at_row(call(&twice_def, &sx_type_int, 1, x, NULL), batch, 4).i, 8);
    CU_ASSERT_EQUAL(at_row(call(&twice_def, &sx_type_int, 1, n, NULL), batch, 5).kind, SX_NULL);
    CU_ASSERT_EQUAL(at_row(call(&twice_def, &sx_type_int, 1, x, NULL), batch, 13).kind, 255);
    CU_ASSERT_STRING_EQUAL(failure, "not 13");
    CU_ASSERT(at_row(call(&site_def, &sx_type_bool, 2, I(1), n), batch, 1).b);
    CU_ASSERT(!at_row(call(&site_def, &sx_type_bool, 2, x, n), batch, 1).b);
    e = sx_evaluator_new(program_of(call(&twice_def, &sx_type_int, 1, x, NULL)));
    sx_eval_column(e, batch, &arena, &out, &failures);
    CU_ASSERT_EQUAL(failures.count, 1);
    CU_ASSERT_EQUAL(out.i[15], 30);
    CU_ASSERT(sx_column_is_null(&out, 13));
    sx_evaluator_free(e);
}

static void metadata(struct sx_batch *batch)
{
    const struct sx_header headers[] = {{SX_SLICE("h"), SX_SLICE("one")},
                                        {SX_SLICE("h"), SX_SLICE("two")},
                                        {SX_SLICE("bad"), SX_SLICE("\xff")},
                                        {SX_SLICE("none"), SX_SLICE_NONE}};
    const struct sx_record records[] = {{.offset = 40},
                                        {.offset = 41, .headers = headers, .header_count = 4}};
    const struct sx_origin origin = {.topic = "orders", .partition = 3, .records = records, .count = 2};
    const uint16_t origin_row[] = {0, 0, 1};
    const struct sx_window windows[] = {{0, 10}, {10, 20}, {20, 30}};
    struct sx_expr *header = (struct sx_expr *)(uintptr_t)node(SX_EXPR_HEADER, &sx_type_string, 0);

    batch->origin = &origin;
    batch->origin_row = origin_row;
    batch->windows = windows;
    batch->rows = batch->count = 3;
    CU_ASSERT(sx_slice_equal(sx_value_slice(at_row(node(SX_EXPR_TOPIC, &sx_type_string, 0), batch, 1)),
                             SX_SLICE("orders")));
    CU_ASSERT_EQUAL(at_row(node(SX_EXPR_PARTITION, &sx_type_int, 0), batch, 1).i, 3);
    CU_ASSERT_EQUAL(at_row(node(SX_EXPR_OFFSET, &sx_type_int, 0), batch, 2).i, 41);
    CU_ASSERT_EQUAL(at_row(node(SX_EXPR_WINDOW_START, &sx_type_timestamp, 0), batch, 1).i, 10);
    CU_ASSERT_EQUAL(at_row(node(SX_EXPR_WINDOW_END, &sx_type_timestamp, 0), batch, 1).i, 20);
    CU_ASSERT_EQUAL(at_row(node(SX_EXPR_TIMESTAMP, &sx_type_timestamp, 0), batch, 2).i, 1002);
    header->value = text("h");
    CU_ASSERT(sx_slice_equal(sx_value_slice(at_row(header, batch, 2)), SX_SLICE("two")));
    CU_ASSERT_EQUAL(at_row(header, batch, 1).kind, SX_NULL);
    header->value = text("bad");
    CU_ASSERT_EQUAL(at_row(header, batch, 2).kind, SX_NULL);
    header->value = text("none");
    CU_ASSERT_EQUAL(at_row(header, batch, 2).kind, SX_NULL);
}

static void variables(const struct sx_batch *batch)
{
    tree t = node(SX_EXPR_ADD, &sx_type_int, 2, variable(&sx_type_int, 0), column(&sx_type_int, C_INT));
    struct sx_evaluator *e = sx_evaluator_new(program_of(t));
    struct sx_row_failures failures = {0};
    struct sx_value acc = sx_value_int(100), out;

    for (uint32_t row = 1; row <= 3; row++) {
        CU_ASSERT(sx_eval_row(e, batch, row, &acc, &arena, &out, &failures));
        acc = out;
    }
    CU_ASSERT_EQUAL(acc.i, 106);
    acc = SX_VALUE_NULL;
    CU_ASSERT(sx_eval_row(e, batch, 1, &acc, &arena, &out, &failures));
    CU_ASSERT_EQUAL(out.kind, SX_NULL);
    sx_evaluator_free(e);
    e = sx_evaluator_new(program_of(
        node(SX_EXPR_GT, &sx_type_bool, 2, variable(&sx_type_int, 0), column(&sx_type_int, C_INT))));
    acc = sx_value_int(2);
    CU_ASSERT(sx_eval_row(e, batch, 1, &acc, &arena, &out, &failures) && out.b);
    CU_ASSERT(sx_eval_row(e, batch, 2, &acc, &arena, &out, &failures) && !out.b);
    sx_evaluator_free(e);
}

static void printing(void)
{
    struct sx_buffer to = {0};
    tree t = node(SX_EXPR_AND, &sx_type_bool, 2,
                  node(SX_EXPR_GT, &sx_type_bool, 2, column(&sx_type_double, C_DOUBLE), D(10)),
                  node(SX_EXPR_EQ, &sx_type_bool, 2, S("paid"), column(&sx_type_string, C_STRING)));

    sx_program_print(program_of(t), &to);
    sx_buffer_add_byte(&to, '\0');
    CU_ASSERT_STRING_EQUAL(to.data, "0 r2 = COMPARE_DOUBLE c1 > 10.0\n"
                                    "1 NARROW_AND r2 else 3\n"
                                    "2 r5 = COMPARE_SLICE c2 == \"paid\"\n"
                                    "3 r6 = AND r2 r5\n"
                                    "result r6: bool\n");
    sx_buffer_free(&to);
}

/* What is printed tells programs apart: joins and keys compare it. */
static void printed_apart(void)
{
    const struct sx_value one[] = {sx_value_int(1), text("a\", \"b")},
                          two[] = {sx_value_int(1), text("a"), text("b")};
    const struct sx_value arrays[] = {{.items = one, .size = 2, .kind = SX_ARRAY},
                                      {.items = two, .size = 3, .kind = SX_ARRAY}};
    tree n = column(&sx_type_int, C_INT);
    tree apart[][2] = {
        {constant(&int_array, arrays[0]), constant(&int_array, arrays[1])},
        {node(SX_EXPR_IN, &sx_type_bool, 6, n, I(1), I(2), I(3), I(4), I(5)),
         node(SX_EXPR_IN, &sx_type_bool, 6, n, I(1), I(2), I(3), I(4), I(6))},
        {node(SX_EXPR_IS_NULL, &sx_type_bool, 1, node(SX_EXPR_CAST, &sx_type_string, 1, n)),
         node(SX_EXPR_IS_NULL, &sx_type_bool, 1, node(SX_EXPR_CAST, &sx_type_bool, 1, n))},
    };

    for (size_t i = 0; i < SX_COUNT(apart); i++) {
        struct sx_buffer a = {0}, b = {0};

        sx_program_print(program_of(apart[i][0]), &a);
        sx_program_print(program_of(apart[i][1]), &b);
        CU_ASSERT(!sx_slice_equal(sx_buffer_slice(&a), sx_buffer_slice(&b)));
        sx_buffer_free(&a);
        sx_buffer_free(&b);
    }
}

void test_programs(void)
{
    struct sx_batch batch = test_batch(16);

    folding(&batch);
    columns_read();
    selections();
    nested(&batch);
    calls(&batch);
    variables(&batch);
    printing();
    printed_apart();
    metadata(&batch);
}
