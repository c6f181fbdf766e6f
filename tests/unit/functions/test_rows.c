/* test_rows.c: every row: its signature reads, its texts are there, its example gives its result. */
#include "tests/unit/functions/words.h"

static void examples(void)
{
    for (size_t f = 0; f < family_count; f++) {
        for (uint32_t i = 0; i < families[f]->count; i++) {
            const struct sx_function_def *def = &families[f]->rows[i];
            const struct expectation e = {def->example, def->result};

            /* What takes lambdas needs the compiler: tests/reference runs its example. */
            if (def->over == SX_OVER_NOTHING)
                expect_all(&e, 1);
        }
    }
}

static void texts(void)
{
    struct sx_arena arena;

    sx_arena_init(&arena, 0);
    for (size_t f = 0; f < family_count; f++) {
        CU_ASSERT(families[f]->family != NULL && families[f]->count > 0);
        for (uint32_t i = 0; i < families[f]->count; i++) {
            const struct sx_function_def *def = &families[f]->rows[i];
            struct sx_signature signature;

            CU_ASSERT_EQUAL(sx_signature_parse(def->signature, &arena, &signature, NULL), STREAMD_OK);
            CU_ASSERT(strlen(def->summary) > 3 &&
                      strchr(".?", def->summary[strlen(def->summary) - 1]) != NULL);
            CU_ASSERT((def->fn != NULL) == (def->over == SX_OVER_NOTHING));
            /* The example is one of this name. */
            CU_ASSERT_PTR_NOT_NULL(strstr(def->example, signature.name));
        }
    }
    sx_arena_free(&arena);
}

void suite_rows(void)
{
    SX_SUITE("rows");

    SX_TEST(texts);
    SX_TEST(examples);
}
