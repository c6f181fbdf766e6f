/* fuzz_dsl.c: any bytes as a text of the language, with all operators and functions; and as a file of
 * tests. What compiles is printed too: a plan that cannot be shown is as bad as one that crashes. */
#include "dsl/compile.h"
#include "streamd/builtin.h"
#include "tests/fuzz/target.h"

/* An error without a sentence or a place beyond the text helps nobody. */
static void expect_good(const streamd_error *error, streamd_status status)
{
    MUST((status == STREAMD_OK) == (error == NULL));
    for (; error != NULL; error = streamd_error_next(error))
        MUST(streamd_error_message(error)[0] != '\0');
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct sx_compile_options options = {.catalog = &sx_builtin_catalog, .name = "fuzz"};
    struct sx_compiled *compiled = NULL;
    const struct sx_test *tests;
    struct sx_buffer text = {0};
    streamd_error *error = NULL;
    struct sx_arena arena;
    streamd_status status = sx_compile((const char *)data, size, &options, &compiled, &error);

    expect_good(error, status);
    streamd_error_free(error);
    if (compiled != NULL) {
        sx_plan_print_text(compiled->plan, &text);
        sx_plan_print_json(compiled->plan, &text);
        sx_buffer_free(&text);
    }
    sx_compiled_free(compiled);

    error = NULL;
    sx_arena_init(&arena, 4096);
    status = sx_compile_tests((const char *)data, size, "fuzz", &arena, &tests, &error);
    expect_good(error, status);
    streamd_error_free(error);
    sx_arena_free(&arena);
    return 0;
}
