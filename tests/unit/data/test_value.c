/* test_value.c: values compare totally, hash as they compare, and copy deeply. */
#include "tests/unit/data/random_value.h"

static struct sx_value text(const char *s) { return sx_value_string(sx_slice_of(s)); }

static void plain_order(void)
{
    __int128 small = -1, big = (__int128)1 << 100;
    struct sx_value minus = {.decimal = &small, .kind = SX_DECIMAL};
    struct sx_value plus = {.decimal = &big, .kind = SX_DECIMAL};

    CU_ASSERT(sx_value_compare(SX_VALUE_NULL, sx_value_int(INT64_MIN)) < 0);
    CU_ASSERT(sx_value_compare(SX_VALUE_NULL, SX_VALUE_NULL) == 0);
    CU_ASSERT(sx_value_compare(sx_value_int(INT64_MIN), sx_value_int(INT64_MAX)) < 0);
    CU_ASSERT(sx_value_compare(sx_value_bool(false), sx_value_bool(true)) < 0);
    CU_ASSERT(sx_value_compare(sx_value_double(-1e300), sx_value_double(5e-324)) < 0);
    CU_ASSERT(sx_value_equal(sx_value_double(0), sx_value_double(-0.0)));
    CU_ASSERT(sx_value_compare(minus, plus) < 0);
    CU_ASSERT(sx_value_compare(text("a"), text("ab")) < 0);
    CU_ASSERT(sx_value_compare(text("ab"), text("b")) < 0);
    CU_ASSERT(sx_value_compare(text("z"), text("\xc3\xa4")) < 0); /* by bytes, unsigned */
    CU_ASSERT(sx_value_compare(text(""), text("")) == 0);
}

static void nan_ends_a_sort(void)
{
    struct sx_value nan = sx_value_double(__builtin_nan("")), other = sx_value_double(-__builtin_nan("7"));

    CU_ASSERT(sx_value_equal(nan, other));
    CU_ASSERT(sx_value_compare(nan, sx_value_double(__builtin_inf())) > 0);
    CU_ASSERT(sx_value_compare(sx_value_double(1), nan) < 0);
    CU_ASSERT_EQUAL(sx_value_hash(nan), sx_value_hash(other));
}

static void nested_order(void)
{
    struct sx_value items[] = {sx_value_int(1), sx_value_int(2), SX_VALUE_NULL};
    struct sx_value one = {.items = items, .size = 1, .kind = SX_ARRAY};
    struct sx_value two = {.items = items, .size = 2, .kind = SX_ARRAY};
    struct sx_value last = {.items = items + 2, .size = 1, .kind = SX_ARRAY};
    struct sx_value none = {.items = NULL, .size = 0, .kind = SX_ARRAY};

    CU_ASSERT(sx_value_compare(none, last) < 0);
    CU_ASSERT(sx_value_compare(last, one) < 0); /* nulls first */
    CU_ASSERT(sx_value_compare(one, two) < 0);
    CU_ASSERT(sx_value_equal(two, two));
    CU_ASSERT_FALSE(sx_value_equal(one, two));
    CU_ASSERT_FALSE(sx_value_equal(SX_VALUE_NULL, none));
}

/* A total order; equal values hash alike; a copy is equal and apart. */
static void random_values(void)
{
    struct sx_arena arena, copies;
    uint64_t seed = 4;
    unsigned wrong = 0, equal = 0;

    sx_arena_init(&copies, 0);
    for (int round = 0; round < 3000; round++) {
        const struct sx_type *type;
        struct sx_value v[3], copy[3];

        sx_arena_init(&arena, 0);
        type = random_type(&arena, &seed, 2);
        for (int i = 0; i < 3; i++) {
            v[i] = random_value(type, &arena, &seed);
            copy[i] = sx_value_copy(&copies, v[i]);
            wrong += !sx_value_equal(v[i], copy[i]);
        }
        for (int i = 0; i < 3; i++)
            for (int j = 0; j < 3; j++) {
                int order = sx_value_compare(v[i], v[j]);

                wrong += (order > 0) != (sx_value_compare(v[j], v[i]) < 0);
                wrong += sx_value_equal(v[i], v[j]) != (order == 0);
                wrong += order == 0 && sx_value_hash(v[i]) != sx_value_hash(v[j]);
                wrong += order < 0 && sx_value_compare(v[j], v[3 - i - j < 0 ? 0 : 3 - i - j]) < 0 &&
                         sx_value_compare(v[i], v[3 - i - j < 0 ? 0 : 3 - i - j]) >= 0;
                equal += i != j && order == 0;
            }
        for (int i = 0; i < 3; i++) {
            uint64_t before = sx_value_hash(v[i]);

            if (i == 2)
                sx_arena_free(&arena); /* a copy needs nothing of what it was copied from */
            wrong += sx_value_hash(copy[i]) != before;
        }
        sx_arena_reset(&copies);
    }
    sx_arena_free(&copies);
    CU_ASSERT_EQUAL(wrong, 0);
    CU_ASSERT(equal > 500);
}

static void maps_are_sorted_and_the_last_wins(void)
{
    struct sx_value pairs[] = {text("b"), sx_value_int(1), text("a"), sx_value_int(2),
                               text("b"), sx_value_int(3), text(""),  sx_value_int(4),
                               text("a"), SX_VALUE_NULL};

    CU_ASSERT_EQUAL_FATAL(sx_value_sort_map(pairs, 5), 3);
    SX_ASSERT_BYTES(sx_value_slice(pairs[0]), "");
    CU_ASSERT_EQUAL(pairs[1].i, 4);
    SX_ASSERT_BYTES(sx_value_slice(pairs[2]), "a");
    CU_ASSERT_EQUAL(pairs[3].kind, SX_NULL);
    SX_ASSERT_BYTES(sx_value_slice(pairs[4]), "b");
    CU_ASSERT_EQUAL(pairs[5].i, 3);
    CU_ASSERT_EQUAL(sx_value_sort_map(pairs, 3), 3); /* sorted already */
    CU_ASSERT_EQUAL(pairs[5].i, 3);
    CU_ASSERT_EQUAL(sx_value_sort_map(pairs, 0), 0);
}

void suite_value(void)
{
    SX_SUITE("value");
    SX_TEST(plain_order);
    SX_TEST(nan_ends_a_sort);
    SX_TEST(nested_order);
    SX_TEST(random_values);
    SX_TEST(maps_are_sorted_and_the_last_wins);
}
