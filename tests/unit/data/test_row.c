/* test_row.c: the bytes of rows. They are on people's disks: an expectation here never changes, a new
 * form gets a new version and these stay readable. */
#include "engine/data/row.h"
#include "tests/unit/data/random_value.h"

static struct sx_arena arena;

/* `values` have these bytes as a row, from values and from columns, and the bytes read as them. */
static void check_row(const struct sx_type *const *types, const struct sx_value *values, uint32_t count,
                      const char *hex)
{
    struct sx_column *columns = SX_ARENA_ARRAY(&arena, struct sx_column, count);
    struct sx_value *back = SX_ARENA_ARRAY(&arena, struct sx_value, count);
    uint16_t *fields = SX_ARENA_ARRAY(&arena, uint16_t, count);
    struct sx_batch batch = {.columns = columns, .rows = 3, .count = 3};
    struct sx_buffer bytes = {0};

    sx_row_write_values(&bytes, values, count);
    SX_ASSERT_HEX(sx_buffer_slice(&bytes), hex);
    CU_ASSERT(sx_row_read(sx_buffer_slice(&bytes), types, count, back, &arena));
    for (uint32_t i = 0; i < count; i++)
        CU_ASSERT(sx_value_equal(values[i], back[i]));
    sx_buffer_free(&bytes);
    for (uint32_t i = 0; i < count; i++) {
        fields[i] = (uint16_t)(count - 1 - i); /* the columns stand the other way round */
        columns[fields[i]] = sx_column_new(&arena, types[i], 3);
        sx_column_nulls(&columns[fields[i]], &arena, 3);
        sx_column_set(&columns[fields[i]], 1, values[i]);
    }
    sx_row_write(&bytes, &batch, fields, count, 1);
    SX_ASSERT_HEX(sx_buffer_slice(&bytes), hex);
    sx_buffer_free(&bytes);
}

static void check_one(const struct sx_type *type, struct sx_value value, const char *hex)
{
    check_row(&type, &value, 1, hex);
}

static void golden_plain(void)
{
    check_row(NULL, NULL, 0, "01");
    check_one(&sx_type_int, SX_VALUE_NULL, "01 01");
    check_one(&sx_type_bool, sx_value_bool(true), "01 00 01");
    check_one(&sx_type_bool, sx_value_bool(false), "01 00 00");
    check_one(&sx_type_int, sx_value_int(1), "01 00 0100000000000000");
    check_one(&sx_type_int, sx_value_int(-2), "01 00 feffffffffffffff");
    check_one(&sx_type_timestamp, sx_value_int64(SX_TIMESTAMP, 0x0102030405), "01 00 0504030201000000");
    check_one(&sx_type_date, sx_value_int64(SX_DATE, -1), "01 00 ffffffffffffffff");
    check_one(&sx_type_time, sx_value_int64(SX_TIME, 256), "01 00 0001000000000000");
    check_one(&sx_type_duration, sx_value_int64(SX_DURATION, 3), "01 00 0300000000000000");
    check_one(&sx_type_double, sx_value_double(1.5), "01 00 000000000000f83f");
    check_one(&sx_type_double, sx_value_double(-0.0), "01 00 0000000000000080");
    check_one(&sx_type_string, sx_value_string(SX_SLICE("")), "01 00 00");
    check_one(&sx_type_string, sx_value_string(SX_SLICE("h\xc3\xa9")), "01 00 03 68c3a9");
    check_one(&sx_type_bytes, sx_value_bytes(SX_SLICE("\0\xff")), "01 00 02 00ff");
    check_one(&sx_type_json, (struct sx_value){.s = "{}", .size = 2, .kind = SX_JSON}, "01 00 02 7b7d");
}

/* Sizes around those at which the varint gets longer. */
static void golden_long_strings(void)
{
    static const struct {
        uint32_t size;
        const char *begins;
    } facts[] = {{127, "01 00 7f"},
                 {128, "01 00 8001"},
                 {300, "01 00 ac02"},
                 {16383, "01 00 ff7f"},
                 {16384, "01 00 808001"}};
    char *text = sx_arena_alloc(&arena, 16384);

    memset(text, 'x', 16384);
    for (size_t i = 0; i < SX_COUNT(facts); i++) {
        struct sx_slice slice = sx_slice(text, facts[i].size);
        struct sx_value value = sx_value_string(slice);
        struct sx_column column = {.type = &sx_type_string, .s = &slice};
        struct sx_batch batch = {.columns = &column, .rows = 1, .count = 1};
        struct sx_buffer expected = {0}, one = {0}, two = {0};
        uint16_t field = 0;

        sx_unit_hex(&expected, facts[i].begins);
        sx_buffer_add_slice(&expected, slice);
        sx_row_write_values(&one, &value, 1);
        sx_row_write(&two, &batch, &field, 1, 0);
        SX_ASSERT_SLICE(sx_buffer_slice(&one), sx_buffer_slice(&expected));
        SX_ASSERT_SLICE(sx_buffer_slice(&two), sx_buffer_slice(&expected));
        sx_buffer_free(&expected);
        sx_buffer_free(&one);
        sx_buffer_free(&two);
    }
}

static void golden_decimal(void)
{
    static const struct sx_type decimal = {.kind = SX_DECIMAL, .precision = 38, .scale = 2};
    __int128 small = -2, big = ((__int128)0x0102030405060708 << 64) | 0x090a0b0c0d0e0f10;

    check_one(&decimal, (struct sx_value){.decimal = &small, .kind = SX_DECIMAL},
              "01 00 feffffffffffffff ffffffffffffffff");
    check_one(&decimal, (struct sx_value){.decimal = &big, .kind = SX_DECIMAL},
              "01 00 100f0e0d0c0b0a09 0807060504030201");
}

static void golden_nulls(void)
{
    const struct sx_type *types[10];
    struct sx_value values[10];

    for (int i = 0; i < 10; i++) {
        types[i] = i == 9 ? &sx_type_string : &sx_type_bool;
        values[i] = i % 3 == 1 ? SX_VALUE_NULL : sx_value_bool(i % 2);
    }
    values[9] = sx_value_string(SX_SLICE("z"));
    check_row(types, values, 10, "01 9200 00 00 01 01 00 00 01 7a"); /* 1, 4, 7 are null */
}

static void golden_nested(void)
{
    const struct sx_type *ints = sx_type_array(&arena, &sx_type_int);
    const struct sx_type *map = sx_type_map(&arena, &sx_type_bool);
    const struct sx_type_field fields[] = {{"a", &sx_type_bool, false}, {"b", ints, false}};
    const struct sx_type *strukt = sx_type_struct(&arena, fields, 2);
    struct sx_value two[] = {sx_value_int(5), SX_VALUE_NULL};
    struct sx_value pairs[] = {sx_value_string(SX_SLICE("k")), SX_VALUE_NULL, sx_value_string(SX_SLICE("kk")),
                               sx_value_bool(true)};
    struct sx_value parts[] = {SX_VALUE_NULL, {.items = two, .size = 2, .kind = SX_ARRAY}};

    check_one(ints, (struct sx_value){.items = two, .size = 2, .kind = SX_ARRAY},
              "01 00 02 02 0500000000000000");
    check_one(ints, (struct sx_value){.items = two, .size = 0, .kind = SX_ARRAY}, "01 00 00");
    check_one(map, (struct sx_value){.items = pairs, .size = 2, .kind = SX_MAP},
              "01 00 02 01 016b 026b6b 01");
    check_one(strukt, (struct sx_value){.items = parts, .size = 2, .kind = SX_STRUCT},
              "01 00 01 02 02 0500000000000000");
}

static void a_value_without_version(void)
{
    struct sx_buffer bytes = {0};
    struct sx_value back;
    const char *at;

    sx_value_write(&bytes, sx_value_string(SX_SLICE("ab")), &sx_type_string);
    sx_value_write(&bytes, sx_value_int(1), &sx_type_int);
    SX_ASSERT_HEX(sx_buffer_slice(&bytes), "02 6162 0100000000000000");
    at = bytes.data;
    CU_ASSERT(sx_value_read(&at, bytes.data + bytes.size, &sx_type_string, &back, &arena));
    SX_ASSERT_BYTES(sx_value_slice(back), "ab");
    CU_ASSERT(sx_value_read(&at, bytes.data + bytes.size, &sx_type_int, &back, &arena));
    CU_ASSERT_EQUAL(back.i, 1);
    CU_ASSERT_PTR_EQUAL(at, bytes.data + bytes.size);
    sx_buffer_free(&bytes);
}

static void columns_that_nothing_read_are_null(void)
{
    struct sx_column columns[] = {{.type = &sx_type_string}, sx_column_new(&arena, &sx_type_bool, 1)};
    struct sx_batch batch = {.columns = columns, .rows = 1, .count = 1};
    uint16_t fields[] = {0, 1};
    struct sx_buffer bytes = {0};

    columns[1].b[0] = 1;
    sx_row_write(&bytes, &batch, fields, 2, 0);
    SX_ASSERT_HEX(sx_buffer_slice(&bytes), "01 01 01");
    sx_buffer_free(&bytes);
}

/* Room for the columns behind a string is asked for whatever its size: the sanitizer would see. */
static void a_string_before_others(void)
{
    unsigned wrong = 0;
    char text[300] = "";

    for (uint32_t size = 0; size < sizeof(text); size++) {
        struct sx_column columns[] = {sx_column_new(&arena, &sx_type_string, 1),
                                      sx_column_new(&arena, &sx_type_int, 1)};
        struct sx_batch batch = {.columns = columns, .rows = 1, .count = 1};
        uint16_t fields[] = {0, 1, 1, 1, 1, 1, 1, 1};
        struct sx_buffer bytes = {0};

        columns[0].s[0] = sx_slice(text, size);
        columns[1].i[0] = -1;
        sx_row_write(&bytes, &batch, fields, 8, 0);
        wrong += bytes.size != 2 + (size < 128 ? 1 : 2) + size + 7 * 8 || bytes.size > bytes.room;
        sx_buffer_free(&bytes);
    }
    CU_ASSERT_EQUAL(wrong, 0);
}

/* Random rows read back as they were, in both ways of writing, behind what a buffer held before. */
static void random_rows(void)
{
    uint64_t seed = 5;
    unsigned wrong = 0;

    for (int round = 0; round < 3000; round++) {
        const struct sx_type *types[12];
        struct sx_value values[12], back[12];
        struct sx_column columns[12];
        uint16_t fields[12];
        struct sx_batch batch = {.columns = columns, .rows = 70, .count = 70};
        struct sx_buffer one = {0}, two = {0};
        uint32_t count = (uint32_t)(sx_unit_random(&seed) % 12), row = (uint32_t)(sx_unit_random(&seed) % 70);

        for (uint32_t i = 0; i < count; i++) {
            types[i] = random_type(&arena, &seed, 2);
            values[i] = random_value(types[i], &arena, &seed);
            fields[i] = (uint16_t)i;
            columns[i] = sx_column_new(&arena, types[i], 70);
            sx_column_nulls(&columns[i], &arena, 70);
            sx_column_set(&columns[i], row, values[i]);
        }
        sx_buffer_add_byte(&two, '!');
        sx_row_write_values(&one, values, count);
        sx_row_write(&two, &batch, fields, count, row);
        wrong += !sx_slice_equal(sx_buffer_slice(&one), sx_slice(two.data + 1, two.size - 1));
        if (!sx_row_read(sx_buffer_slice(&one), types, count, back, &arena))
            wrong++;
        else
            for (uint32_t i = 0; i < count; i++)
                wrong += !sx_value_equal(values[i], back[i]);
        sx_buffer_free(&one);
        sx_buffer_free(&two);
        sx_arena_reset(&arena);
    }
    CU_ASSERT_EQUAL(wrong, 0);
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

void suite_row(void)
{
    CU_pSuite sx_suite_ = CU_add_suite("row", begin, end);

    SX_TEST(golden_plain);
    SX_TEST(golden_long_strings);
    SX_TEST(golden_decimal);
    SX_TEST(golden_nulls);
    SX_TEST(golden_nested);
    SX_TEST(a_value_without_version);
    SX_TEST(columns_that_nothing_read_are_null);
    SX_TEST(a_string_before_others);
    SX_TEST(random_rows);
}
