/* test_csv.c: lines to columns and back. */
#include "bound.h"

static void open_csv(struct bound *b, char delimiter)
{
    static struct sx_format_field fields[] = {
        {.name = "id", .type = &sx_type_string, .not_null = true},
        {.name = "n", .type = &sx_type_int},
        {.name = "x", .type = &sx_type_double, .has_default = true},
        {.name = "ok", .type = &sx_type_bool},
        {.name = "at", .type = &sx_type_timestamp},
    };

    fields[2].preset = sx_value_double(2.5);
    bound_open(b, "csv", (struct sx_format_spec){.fields = fields, .field_count = 5, .delimiter = delimiter});
}

static void decode(void)
{
    static const char *const pairs[][2] = {
        {"a,1,1.5,true,5", "[\"a\",1,1.5,true,5]"},
        {"a,1,1.5,true,5\r\n", "[\"a\",1,1.5,true,5]"},
        {"a,,,,\n", "[\"a\",null,2.5,null,null]"},
        {"\"\", -7 ,\t1e3,false,2026-01-31T10:00:00Z", "[\"\",-7,1000.0,false,1769853600000]"},
        {" a ,1,1,true,1", "[\" a \",1,1.0,true,1]"},
        {"\"a \"\"b\"\", c\nd\r\n\",\"1\",\"1\",\"true\",1", "[\"a \\\"b\\\", c\\nd\\r\\n\",1,1.0,true,1]"},
        {"\"\"\"\",1,1,true,1", "[\"\\\"\",1,1.0,true,1]"},
        {"\xc3\xa9;|,1,1,true,1", "[\"\xc3\xa9;|\",1,1.0,true,1]"},
        {",1,1,true,1", "not_null: id: it is empty, but the field says `not null`"},
        {"a,1,1,true", "decode: the line has 4 values, not 5"},
        {"", "not_null: id: it is empty, but the field says `not null`"},
        {"a", "decode: the line has 1 values, not 5"},
        {"a,1,1,true,1,", "decode: the line has more than 5 values"},
        {"a,1,1,true,1,2", "decode: the line has more than 5 values"},
        {"a,1.5,1,true,1", "type: n: expected an int, got \"1.5\""},
        {"a,9223372036854775808,1,true,1", "type: n: expected an int, got \"9223372036854775808\""},
        {"a,\"\",1,true,1", "type: n: expected an int, got \"\""},
        {"a, ,1,true,1", "type: n: expected an int, got \" \""},
        {"a,1,NaN,true,1", "type: x: expected a double, got \"NaN\""},
        {"a,1,1e999,true,1", "type: x: expected a double, got \"1e999\""},
        {"a,1,1,yes,1", "type: ok: expected true or false, got \"yes\""},
        {"a,1,1,true,soon", "type: at: expected a timestamp, got \"soon\""},
        {"\xff,1,1,true,1", "type: id: expected UTF-8, got \"?\""},
        {"\"a,1,1,true,1", "decode: id: a quote without its end (byte 0)"},
        {"\"a\"\",1,1,true,1", "decode: id: a quote without its end (byte 0)"},
        {"\"a\"b,1,1,true,1", "decode: id: something between a closing quote and the delimiter (byte 3)"},
        {"a\"b,1,1,true,1", "decode: id: a quote inside a value without quotes (byte 1)"},
        {"a,1,1,true,1\nb,1,1,true,1",
         "decode: at: a second line; a line end in a value needs quotes (byte 12)"},
    };
    struct bound b;

    open_csv(&b, 0);
    for (size_t i = 0; i < SX_COUNT(pairs); i++) {
        uint64_t nothing = 0;
        bool fails = pairs[i][1][0] != '[';

        SX_ASSERT_TEXT(bound_decode(&b, sx_slice_of(pairs[i][0])), pairs[i][1]);
        SX_ASSERT_TEXT(bound_decode_wanted(&b, sx_slice_of(pairs[i][0]), &nothing),
                       fails ? pairs[i][1] : "[-,-,-,-,-]");
    }
    SX_ASSERT_TEXT(bound_decode(&b, SX_SLICE_NONE), "[null,null,null,null,null]");
    bound_close(&b);
}

static void check_trip(char delimiter, const char *line)
{
    struct sx_buffer encoded = {0};
    struct bound b;

    open_csv(&b, delimiter);
    CU_ASSERT_EQUAL(bound_decode(&b, sx_slice_of(line))[0], '[');
    CU_ASSERT(bound_encode(&b, &encoded));
    SX_ASSERT_BYTES(sx_buffer_slice(&encoded), line);
    sx_buffer_free(&encoded);
    bound_close(&b);
}

/* Quotes only where they are needed. */
static void encode(void)
{
    check_trip(',', "a,1,1.5,true,5");
    check_trip(',', "\"\",,2.5,,");
    check_trip(',', "a;b|c\td e,1,1.0,false,0");
    check_trip(',', "\"a,b\",1,1.0,false,0");
    check_trip(',', "\"say \"\"hi\"\"\",1,1.0,false,0");
    check_trip(',', "\"two\nlines\",1,1.0,false,0");
    check_trip(',', "\"cr\r\",1,1.0,false,0");
    check_trip(';', "a,b;1;1.0;false;0");
    check_trip(';', "\"a;b\";1;1.0;false;0");
    check_trip('\t', "a b\t1\t1.0\tfalse\t0");
    check_trip('|', "\"|\"|1|1.0|false|0");
    check_trip('.', "a.1.\"1.5\".false.0");
    check_trip('-', "a-\"-1\"-1.0-false-0");
}

static void binding(void)
{
    struct sx_arena arena;
    struct sx_format_field field = {.name = "v"};
    struct bound b;

    sx_arena_init(&arena, 0);
    field.type = sx_type_array(&arena, &sx_type_int);
    bound_open(&b, "csv", (struct sx_format_spec){.fields = &field, .field_count = 1});
    CU_ASSERT_EQUAL(b.status, STREAMD_E_TYPE);
    SX_ASSERT_TEXT(b.error, "`csv` cannot hold `v`, which is of type array<int>");
    bound_close(&b);
    field.type = &sx_type_int;
    bound_open(&b, "csv", (struct sx_format_spec){.fields = &field, .field_count = 1, .delimiter = '"'});
    CU_ASSERT_EQUAL(b.status, STREAMD_E_TYPE);
    bound_close(&b);
    field.path = "a.b";
    bound_open(&b, "csv", (struct sx_format_spec){.fields = &field, .field_count = 1});
    CU_ASSERT_EQUAL(b.status, STREAMD_E_TYPE);
    bound_close(&b);
    sx_arena_free(&arena);
}

void suite_csv(void)
{
    SX_SUITE("csv");
    SX_TEST(decode);
    SX_TEST(encode);
    SX_TEST(binding);
}
