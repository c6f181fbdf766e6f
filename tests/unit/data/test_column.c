/* test_column.c: columns box and unbox, and batches are views. */
#include "engine/data/batch.h"
#include "tests/unit/data/random_value.h"

static void box_and_unbox(void)
{
    struct sx_arena arena;
    uint64_t seed = 13;
    unsigned wrong = 0;

    sx_arena_init(&arena, 0);
    for (int round = 0; round < 300; round++) {
        const struct sx_type *type = random_type(&arena, &seed, 1);
        struct sx_column column = sx_column_new(&arena, type, 100);
        struct sx_value values[100];

        wrong += column.nulls != NULL || column.type != type;
        sx_column_nulls(&column, &arena, 100);
        for (uint32_t i = 0; i < 100; i++) {
            values[i] = random_value(type, &arena, &seed);
            sx_column_set(&column, i, SX_VALUE_NULL);
            sx_column_set(&column, i, values[i]); /* what is set later counts, null or not */
        }
        for (uint32_t i = 0; i < 100; i++) {
            wrong += !sx_value_equal(sx_column_get(&column, i), values[i]);
            wrong += sx_column_is_null(&column, i) != (values[i].kind == SX_NULL);
        }
        sx_arena_reset(&arena);
    }
    CU_ASSERT_EQUAL(wrong, 0);
    sx_arena_free(&arena);
}

static void nulls_begin_clear_and_stay(void)
{
    struct sx_arena arena;
    struct sx_column column;
    uint64_t *bits;

    sx_arena_init(&arena, 0);
    memset(sx_arena_alloc(&arena, 4000), 0xff, 4000);
    sx_arena_reset(&arena);
    column = sx_column_new(&arena, &sx_type_int, 65);
    CU_ASSERT_FALSE(sx_column_is_null(&column, 64));
    bits = sx_column_nulls(&column, &arena, 65);
    CU_ASSERT_EQUAL(bits[0] | bits[1], 0);
    sx_bit_set(bits, 64);
    CU_ASSERT_PTR_EQUAL(sx_column_nulls(&column, &arena, 65), bits);
    CU_ASSERT(sx_column_is_null(&column, 64));
    CU_ASSERT_EQUAL(sx_column_get(&column, 64).kind, SX_NULL);
    sx_arena_free(&arena);
}

static void widths(void)
{
    CU_ASSERT_EQUAL(sx_column_width(SX_BOOL), 1);
    CU_ASSERT_EQUAL(sx_column_width(SX_INT), 8);
    CU_ASSERT_EQUAL(sx_column_width(SX_DURATION), 8);
    CU_ASSERT_EQUAL(sx_column_width(SX_DOUBLE), 8);
    CU_ASSERT_EQUAL(sx_column_width(SX_STRING), sizeof(struct sx_slice));
    CU_ASSERT_EQUAL(sx_column_width(SX_BYTES), sizeof(struct sx_slice));
    CU_ASSERT_EQUAL(sx_column_width(SX_MAP), sizeof(struct sx_value));
    CU_ASSERT_EQUAL(sx_column_width(SX_DECIMAL), sizeof(struct sx_value));
}

static void a_selection_is_a_view(void)
{
    int64_t ts[] = {10, 20, 30, 40};
    uint16_t sel[] = {1, 3};
    struct sx_batch all = {.rows = 4, .count = 4, .ts = ts}, some = sx_batch_select(&all, sel, 2);
    uint32_t seen[4], n = 0;

    for (SX_EACH_ROW(&some, i, row))
        seen[n++] = row;
    CU_ASSERT_EQUAL(n, 2);
    CU_ASSERT(seen[0] == 1 && seen[1] == 3);
    CU_ASSERT_EQUAL(some.rows, 4);
    CU_ASSERT_PTR_EQUAL(some.ts, ts);
    n = 0;
    for (SX_EACH_ROW(&all, i, row))
        n += row == i;
    CU_ASSERT_EQUAL(n, 4);
}

void suite_column(void)
{
    SX_SUITE("column");
    SX_TEST(box_and_unbox);
    SX_TEST(nulls_begin_clear_and_stay);
    SX_TEST(widths);
    SX_TEST(a_selection_is_a_view);
}
