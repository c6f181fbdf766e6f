/* test_builder.c: a topology step by step, without a file. */
#include "tests/unit/dsl/fake.h"

static void step_by_step(void)
{
    struct sx_builder *b = sx_builder_new("shop", &fake_catalog);
    const struct sx_flow *flow = NULL, *end;
    struct sx_compiled *compiled = NULL;
    streamd_error *error = NULL;

    CU_ASSERT_EQUAL(sx_builder_text(b, ORDERS, strlen(ORDERS), &error), STREAMD_OK);
    flow = sx_builder_flow(b, "orders");
    CU_ASSERT_PTR_NOT_NULL_FATAL(flow);
    CU_ASSERT_PTR_NULL(sx_builder_flow(b, "order"));
    CU_ASSERT_EQUAL(sx_builder_stage(b, flow, "paid", "filter n > 1", &flow, &error), STREAMD_OK);
    CU_ASSERT_EQUAL(sx_builder_stage(b, flow, "paid", "map { id, n }", &flow, &error), STREAMD_OK);
    CU_ASSERT_EQUAL(sx_builder_name(b, flow, "paid", &error), STREAMD_OK);
    CU_ASSERT_PTR_EQUAL(sx_builder_flow(b, "paid"), flow);
    CU_ASSERT_EQUAL(sx_builder_stage(b, flow, "out", "to topic \"out\" { value csv }", &end, &error),
                    STREAMD_OK);
    CU_ASSERT_PTR_NULL(end);
    CU_ASSERT_EQUAL(sx_builder_text(b, "paid | filter paid.n > 2 | to topic \"y\"", 39, &error), STREAMD_OK);
    CU_ASSERT_EQUAL(sx_builder_finish(b, &compiled, &error), STREAMD_OK);
    CU_ASSERT_PTR_NULL(error);
    sx_builder_free(b);
    CU_ASSERT_PTR_NOT_NULL_FATAL(compiled);
    SX_ASSERT_TEXT(compiled->plan->application, "shop");
    CU_ASSERT_EQUAL(compiled->definition_count, 2);
    sx_compiled_free(compiled);
}

static void mistakes(void)
{
    struct sx_builder *b = sx_builder_new("shop", &fake_catalog);
    const struct sx_flow *flow, *out;
    struct sx_compiled *compiled = NULL;
    streamd_error *error = NULL;
    uint32_t length;

    CU_ASSERT_EQUAL(sx_builder_text(b, ORDERS, strlen(ORDERS), NULL), STREAMD_OK);
    flow = sx_builder_flow(b, "orders");
    CU_ASSERT_EQUAL(sx_builder_stage(b, flow, "a", "filter nn > 1", &out, &error), STREAMD_E_NAME);
    CU_ASSERT_PTR_NULL(out);
    SX_ASSERT_TEXT(streamd_error_message(error), "there is no column `nn`");
    CU_ASSERT_EQUAL(streamd_error_column(error), 8);
    SX_ASSERT_BYTES(sx_error_source(error, &length), "filter nn > 1");
    streamd_error_free(error);
    error = NULL;
    CU_ASSERT_EQUAL(sx_builder_finish(b, &compiled, &error), STREAMD_E_NAME);
    CU_ASSERT_PTR_NULL(compiled);
    streamd_error_free(error);
    sx_builder_free(b);

    b = sx_builder_new("shop", &fake_catalog);
    error = NULL;
    CU_ASSERT_EQUAL(sx_builder_text(b, ORDERS, strlen(ORDERS), NULL), STREAMD_OK);
    CU_ASSERT_EQUAL(
        sx_builder_stage(b, sx_builder_flow(b, "orders"), "a", "filter n > 1 | map { n }", &out, &error),
        STREAMD_E_SYNTAX);
    SX_ASSERT_TEXT(streamd_error_message(error), "`|` stands behind the stage");
    streamd_error_free(error);
    sx_builder_free(b);
    sx_builder_free(NULL);
    sx_compiled_free(NULL);
}

static void constants(void)
{
    struct sx_arena arena;
    struct sx_value value;
    const struct sx_type *type;
    streamd_error *error = NULL;

    sx_arena_init(&arena, 0);
    CU_ASSERT_EQUAL(sx_compile_constant("upper(\"a\") + \"b\"", &fake_catalog, &arena, &value, &type, &error),
                    STREAMD_OK);
    SX_ASSERT_BYTES(sx_value_slice(value), "ab");
    CU_ASSERT_EQUAL(sx_compile_constant("1 2", &fake_catalog, &arena, &value, &type, &error),
                    STREAMD_E_SYNTAX);
    SX_ASSERT_TEXT(streamd_error_message(error), "`2` stands behind the expression");
    streamd_error_free(error);
    error = NULL;
    CU_ASSERT_EQUAL(sx_compile_constant("@timestamp", &fake_catalog, &arena, &value, &type, &error),
                    STREAMD_E_TYPE);
    SX_ASSERT_TEXT(streamd_error_message(error), "`@timestamp` cannot stand in a constant");
    streamd_error_free(error);
    sx_arena_free(&arena);
}

void suite_builder(void)
{
    SX_SUITE("builder");
    SX_TEST(step_by_step);
    SX_TEST(mistakes);
    SX_TEST(constants);
}
