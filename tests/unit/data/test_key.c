/* test_key.c: the bytes of keys, and that they sort as the values do. The bytes are on people's disks:
 * an expectation here never changes. */
#include "engine/data/json.h"
#include "engine/data/row.h"
#include "tests/unit/data/random_value.h"

static struct sx_arena arena;

static void check_key(const struct sx_type *const *types, const struct sx_value *values, uint32_t count,
                      const char *hex)
{
    struct sx_value *back = SX_ARENA_ARRAY(&arena, struct sx_value, count);
    struct sx_buffer bytes = {0};

    sx_key_write_values(&bytes, values, count);
    SX_ASSERT_HEX(sx_buffer_slice(&bytes), hex);
    CU_ASSERT(sx_key_read(sx_buffer_slice(&bytes), types, count, back, &arena));
    for (uint32_t i = 0; i < count; i++)
        CU_ASSERT(sx_value_equal(values[i], back[i]));
    sx_buffer_free(&bytes);
}

static void check_one(const struct sx_type *type, struct sx_value value, const char *hex)
{
    check_key(&type, &value, 1, hex);
}

static void golden_plain(void)
{
    check_key(NULL, NULL, 0, "");
    check_one(&sx_type_int, SX_VALUE_NULL, "01");
    check_one(&sx_type_bool, sx_value_bool(false), "02 00");
    check_one(&sx_type_bool, sx_value_bool(true), "02 01");
    check_one(&sx_type_int, sx_value_int(0), "02 8000000000000000");
    check_one(&sx_type_int, sx_value_int(1), "02 8000000000000001");
    check_one(&sx_type_int, sx_value_int(-1), "02 7fffffffffffffff");
    check_one(&sx_type_timestamp, sx_value_int64(SX_TIMESTAMP, 258), "02 8000000000000102");
    check_one(&sx_type_double, sx_value_double(0), "02 8000000000000000");
    check_one(&sx_type_double, sx_value_double(-0.0), "02 8000000000000000");
    check_one(&sx_type_double, sx_value_double(1.5), "02 bff8000000000000");
    check_one(&sx_type_double, sx_value_double(-1.5), "02 4007ffffffffffff");
    check_one(&sx_type_string, sx_value_string(SX_SLICE("")), "02 0000");
    check_one(&sx_type_string, sx_value_string(SX_SLICE("ab")), "02 6162 0000");
    check_one(&sx_type_string, sx_value_string(SX_SLICE("a\0b")), "02 61 00ff 62 0000");
    check_one(&sx_type_bytes, sx_value_bytes(SX_SLICE("\0\0\xff")), "02 00ff 00ff ff 0000");
    check_one(&sx_type_json, (struct sx_value){.s = "1", .size = 1, .kind = SX_JSON},
              "02 04 03 8000000000000001 31 00");
}

/* The key of the text is these bytes, and they give the canonical text. */
static void check_json(const char *text, const char *hex, const char *canonical)
{
    check_one(&sx_type_json, sx_value_json(sx_slice_of(text)), hex);
    CU_ASSERT(sx_slice_equal(sx_json_canonical(sx_slice_of(text), &arena), sx_slice_of(canonical)));
}

static void golden_json(void)
{
    check_json("false", "02 02", "false");
    check_json("true", "02 03", "true");
    check_json("-0.0", "02 04 02", "0");
    check_json("0e99", "02 04 02", "0");
    check_json("-15", "02 04 01 7ffffffffffffffd ceca ff", "-15");
    check_json("1.50", "02 04 03 8000000000000001 3135 00", "1.5");
    check_json("0.00012e-3", "02 04 03 7ffffffffffffffa 3132 00", "0.00000012");
    check_json("12e-9", "02 04 03 7ffffffffffffff9 3132 00", "1.2e-8");
    check_json("1e20", "02 04 03 8000000000000015 31 00", "100000000000000000000");
    check_json("1E+21", "02 04 03 8000000000000016 31 00", "1e+21");
    check_json("100200e3", "02 04 03 8000000000000009 31303032 00", "100200000");
    check_json("\"a\\u0000\\n\"", "02 05 6100ff0a 0000", "\"a\\u0000\\n\"");
    check_json("[null,[]]", "02 06 01 06 00 00", "[null,[]]");
    check_json("{\"b\":true,\"a\":1,\"\\u0062\":false}",
               "02 07 01 61 0000 04 03 8000000000000001 31 00 01 62 0000 02 00", "{\"a\":1,\"b\":false}");
}

static void golden_decimal(void)
{
    static const struct sx_type decimal = {.kind = SX_DECIMAL, .precision = 38};
    __int128 minus = -2, big = (__int128)1 << 64;

    check_one(&decimal, (struct sx_value){.decimal = &minus, .kind = SX_DECIMAL},
              "02 7fffffffffffffff fffffffffffffffe");
    check_one(&decimal, (struct sx_value){.decimal = &big, .kind = SX_DECIMAL},
              "02 8000000000000001 0000000000000000");
}

static void golden_nested(void)
{
    const struct sx_type *bools = sx_type_array(&arena, &sx_type_bool);
    const struct sx_type *map = sx_type_map(&arena, &sx_type_bool);
    const struct sx_type_field fields[] = {{"a", &sx_type_bool, false}, {"b", bools, false}};
    const struct sx_type *strukt = sx_type_struct(&arena, fields, 2);
    struct sx_value two[] = {sx_value_bool(true), SX_VALUE_NULL};
    struct sx_value pair[] = {sx_value_string(SX_SLICE("k")), sx_value_bool(true)};
    struct sx_value parts[] = {SX_VALUE_NULL, {.items = two, .size = 2, .kind = SX_ARRAY}};

    check_one(bools, (struct sx_value){.items = two, .size = 2, .kind = SX_ARRAY}, "02 03 0201 03 01 00");
    check_one(bools, (struct sx_value){.items = two, .size = 0, .kind = SX_ARRAY}, "02 00");
    check_one(map, (struct sx_value){.items = pair, .size = 1, .kind = SX_MAP}, "02 03 02 6b 0000 02 01 00");
    check_one(strukt, (struct sx_value){.items = parts, .size = 2, .kind = SX_STRUCT},
              "02 01 02 03 0201 03 01 00");
}

static void columns_give_the_same_bytes(void)
{
    struct sx_column columns[] = {sx_column_new(&arena, &sx_type_string, 2),
                                  sx_column_new(&arena, &sx_type_int, 2)};
    struct sx_batch batch = {.columns = columns, .rows = 2, .count = 2};
    uint16_t fields[] = {1, 0};
    struct sx_buffer bytes = {0};

    columns[0].s[1] = SX_SLICE("k");
    columns[1].i[1] = 7;
    sx_key_write(&bytes, &batch, fields, 2, 1);
    SX_ASSERT_HEX(sx_buffer_slice(&bytes), "02 8000000000000007 02 6b 0000");
    sx_buffer_free(&bytes);
}

static int sign(int order) { return (order > 0) - (order < 0); }

/* Random keys of one to three columns: memcmp of the bytes is the order of the values, equal values
 * have equal bytes, and no key begins another one (a store finds the rows of a key by its beginning). */
static void bytes_sort_as_values(void)
{
    uint64_t seed = 9;
    unsigned wrong = 0, equal = 0, less = 0;

    for (int round = 0; round < 2000; round++) {
        const struct sx_type *types[3];
        struct sx_value a[3], b[3], back[3];
        uint32_t count = 1 + (uint32_t)(sx_unit_random(&seed) % 3);

        for (uint32_t i = 0; i < count; i++)
            types[i] = random_type(&arena, &seed, 2);
        for (int pair = 0; pair < 20; pair++) {
            struct sx_buffer x = {0}, y = {0};
            int order = 0;

            for (uint32_t i = 0; i < count; i++) {
                a[i] = random_value(types[i], &arena, &seed);
                b[i] = sx_unit_random(&seed) % 2 ? random_value(types[i], &arena, &seed) : a[i];
                order = order ? order : sx_value_compare(a[i], b[i]);
            }
            sx_key_write_values(&x, a, count);
            sx_key_write_values(&y, b, count);
            wrong += sign(sx_slice_compare(sx_buffer_slice(&x), sx_buffer_slice(&y))) != sign(order);
            wrong += order != 0 && memcmp(x.data, y.data, SX_MIN(x.size, y.size)) == 0;
            equal += order == 0;
            less += order < 0;
            if (!sx_key_read(sx_buffer_slice(&x), types, count, back, &arena))
                wrong++;
            else
                for (uint32_t i = 0; i < count; i++)
                    wrong += !sx_value_equal(a[i], back[i]);
            sx_buffer_free(&x);
            sx_buffer_free(&y);
        }
        sx_arena_reset(&arena);
    }
    CU_ASSERT_EQUAL(wrong, 0);
    CU_ASSERT(equal > 4000 && less > 4000); /* the test saw both */
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

void suite_key(void)
{
    CU_pSuite sx_suite_ = CU_add_suite("key", begin, end);

    SX_TEST(golden_plain);
    SX_TEST(golden_decimal);
    SX_TEST(golden_json);
    SX_TEST(golden_nested);
    SX_TEST(columns_give_the_same_bytes);
    SX_TEST(bytes_sort_as_values);
}
