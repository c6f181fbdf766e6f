/* test_formats.c: every format round; Kafka's bytes; JSON forms; windowed keys. */
#include "bound.h"

#include "engine/format/windowed_key.h"

static void table(void)
{
    size_t count;
    const struct sx_format_def *const *all = sx_format_all(&count);

    CU_ASSERT_EQUAL(count, 9);
    for (size_t i = 0; i < count; i++) {
        CU_ASSERT_PTR_EQUAL(sx_format_find(all[i]->name), all[i]);
        CU_ASSERT(all[i]->summary[0] != '\0');
        CU_ASSERT_EQUAL(all[i]->internal, all[i]->example == NULL);
        CU_ASSERT_EQUAL(all[i]->internal, all[i]->example_bytes == NULL);
        CU_ASSERT_EQUAL(all[i]->internal, all[i]->example_row == NULL);
    }
    CU_ASSERT_PTR_NULL(sx_format_find("jso"));
    CU_ASSERT_PTR_NULL(sx_format_find(""));
}

/* bytes -> columns -> bytes, and bytes -> JSON form -> bytes. */
static void check_trip(const char *format, const struct sx_type *type, const char *hex, const char *columns,
                       const char *json)
{
    struct sx_buffer bytes = {0}, encoded = {0}, form = {0}, back = {0};
    const char *message = "";
    struct bound b;

    sx_unit_hex(&bytes, hex);
    sx_buffer_room(&bytes, 1);
    bound_open_whole(&b, format, type);
    CU_ASSERT_EQUAL(b.status, STREAMD_OK);
    SX_ASSERT_TEXT(bound_decode(&b, sx_buffer_slice(&bytes)), columns);
    CU_ASSERT(bound_encode(&b, &encoded));
    SX_ASSERT_HEX(sx_buffer_slice(&encoded), hex);
    CU_ASSERT(b.def->to_json(b.plan, sx_buffer_slice(&bytes), &form, &message, &b.arena));
    SX_ASSERT_BYTES(sx_buffer_slice(&form), json);
    CU_ASSERT(b.def->from_json(b.plan, sx_buffer_slice(&form), &back, &message, &b.arena));
    SX_ASSERT_HEX(sx_buffer_slice(&back), hex);
    SX_ASSERT_TEXT(bound_decode(&b, SX_SLICE_NONE), "[null]");
    bound_close(&b);
    sx_buffer_free(&bytes);
    sx_buffer_free(&encoded);
    sx_buffer_free(&form);
    sx_buffer_free(&back);
}

static void round_trips(void)
{
    check_trip("string", &sx_type_string, "", "[\"\"]", "\"\"");
    check_trip("string", &sx_type_string, "61 22 c3 a9 00", "[\"a\\\"\xc3\xa9\\u0000\"]",
               "\"a\\\"\xc3\xa9\\u0000\"");
    check_trip("bytes", &sx_type_bytes, "", "[\"\"]", "\"\"");
    check_trip("bytes", &sx_type_bytes, "ff 00 01", "[\"/wAB\"]", "\"/wAB\"");
    check_trip("int", &sx_type_int, "00 00 00 00 00 00 01 02", "[258]", "258");
    check_trip("int", &sx_type_int, "ff ff ff ff ff ff ff fe", "[-2]", "-2");
    check_trip("int", &sx_type_int, "80 00 00 00 00 00 00 00", "[-9223372036854775808]",
               "-9223372036854775808");
    check_trip("int", &sx_type_timestamp, "00 00 00 00 00 00 03 e8", "[1000]", "1000");
    check_trip("int32", &sx_type_int, "7f ff ff ff", "[2147483647]", "2147483647");
    check_trip("int32", &sx_type_int, "80 00 00 00", "[-2147483648]", "-2147483648");
    check_trip("double", &sx_type_double, "40 2e 00 00 00 00 00 00", "[15.0]", "15.0");
    check_trip("double", &sx_type_double, "80 00 00 00 00 00 00 00", "[-0.0]", "-0.0");
    check_trip("none", &sx_type_null, "", "[null]", "null");
    /* `{"a":[1.5]}`, `"x"`, `[1,null]` */
    check_trip("json", &sx_type_json, "7b 22 61 22 3a 5b 31 2e 35 5d 7d", "[{\"a\":[1.5]}]", "{\"a\":[1.5]}");
    check_trip("json", &sx_type_string, "22 78 22", "[\"x\"]", "\"x\"");
    check_trip("json", &sx_type_bool, "74 72 75 65", "[true]", "true");
}

static void check_csv_and_row(const char *format, const char *json, const char *columns)
{
    struct sx_format_field fields[] = {{.name = "a", .type = &sx_type_int},
                                       {.name = "b", .type = &sx_type_string},
                                       {.name = "c", .type = &sx_type_double}};
    struct sx_buffer bytes = {0}, encoded = {0}, form = {0};
    const char *message = "";
    struct bound b;

    bound_open(&b, format, (struct sx_format_spec){.fields = fields, .field_count = 3});
    CU_ASSERT(b.def->from_json(b.plan, sx_slice_of(json), &bytes, &message, &b.arena));
    SX_ASSERT_TEXT(bound_decode(&b, sx_buffer_slice(&bytes)), columns);
    CU_ASSERT(bound_encode(&b, &encoded));
    SX_ASSERT_SLICE(sx_buffer_slice(&encoded), sx_buffer_slice(&bytes));
    CU_ASSERT(b.def->to_json(b.plan, sx_buffer_slice(&bytes), &form, &message, &b.arena));
    SX_ASSERT_BYTES(sx_buffer_slice(&form), json);
    SX_ASSERT_TEXT(bound_decode(&b, SX_SLICE_NONE), "[null,null,null]");
    bound_close(&b);
    sx_buffer_free(&bytes);
    sx_buffer_free(&encoded);
    sx_buffer_free(&form);
}

static void round_trips_of_several_columns(void)
{
    check_csv_and_row("row", "{\"a\":1,\"b\":\"x\",\"c\":null}", "[1,\"x\",null]");
    check_csv_and_row("json", "{\"a\":1,\"b\":\"x\",\"c\":2.5}", "[1,\"x\",2.5]");
    check_csv_and_row("csv", "\"1,\\\"x,y\\\",2.5\"", "[1,\"x,y\",2.5]");
}

static void check_failure(const char *format, const struct sx_type *type, const char *hex,
                          const char *failure)
{
    struct sx_buffer bytes = {0};
    uint64_t nothing = 0;
    struct bound b;

    sx_unit_hex(&bytes, hex);
    sx_buffer_room(&bytes, 1);
    bound_open_whole(&b, format, type);
    SX_ASSERT_TEXT(bound_decode(&b, sx_buffer_slice(&bytes)), failure);
    SX_ASSERT_TEXT(bound_decode_wanted(&b, sx_buffer_slice(&bytes), &nothing), failure);
    bound_close(&b);
    sx_buffer_free(&bytes);
}

static void damaged_bytes(void)
{
    check_failure("string", &sx_type_string, "61 ff", "decode: v: not valid UTF-8: \"a?\"");
    check_failure("int", &sx_type_int, "", "decode: v: expected 8 bytes of int, got 0");
    check_failure("int", &sx_type_int, "00 00 00 01", "decode: v: expected 8 bytes of int, got 4");
    check_failure("int32", &sx_type_int, "00 00 00 00 00 00 00 01",
                  "decode: v: expected 4 bytes of int32, got 8");
    check_failure("double", &sx_type_double, "7f f8 00 00 00 00 00 00",
                  "decode: v: it is not a finite number");
    check_failure("double", &sx_type_double, "ff f0 00 00 00 00 00 00",
                  "decode: v: it is not a finite number");
    check_failure("row", &sx_type_int, "", "decode: the stored row is damaged or of an unknown version");
    check_failure("row", &sx_type_int, "01 00 05",
                  "decode: the stored row is damaged or of an unknown version");
    check_failure("row", &sx_type_int, "09 00", "decode: the stored row is damaged or of an unknown version");
}

static void check_json_refused(const char *format, const struct sx_type *type, const char *json,
                               const char *expected)
{
    struct sx_buffer bytes = {0};
    const char *message = "";
    struct bound b;

    bound_open_whole(&b, format, type);
    CU_ASSERT_FALSE(b.def->from_json(b.plan, sx_slice_of(json), &bytes, &message, &b.arena));
    SX_ASSERT_TEXT(message, expected);
    CU_ASSERT_EQUAL(bytes.size, 0);
    bound_close(&b);
    sx_buffer_free(&bytes);
}

static void json_forms_that_do_not_fit(void)
{
    check_json_refused("string", &sx_type_string, "5", "expected a JSON string: expected a string (byte 0)");
    check_json_refused("csv", &sx_type_int, "[1]", "expected a JSON string: expected a string (byte 0)");
    check_json_refused("bytes", &sx_type_bytes, "\"?\"", "expected base64, got \"?\"");
    check_json_refused("int", &sx_type_int, "1.5", "expected a number that fits in int, got \"1.5\"");
    check_json_refused("int", &sx_type_int, "", "expected a number that fits in int, got \"\"");
    check_json_refused("int", &sx_type_int, "9223372036854775808",
                       "expected a number that fits in int, got \"9223372036854775808\"");
    check_json_refused("int32", &sx_type_int, "2147483648", "it does not fit in an int32");
    check_json_refused("double", &sx_type_double, "1e400",
                       "expected a number that fits in double, got \"1e400\"");
    check_json_refused("none", &sx_type_null, "1", "expected null, as the format is `none`, got \"1\"");
    check_json_refused("json", &sx_type_json, "{", "not valid JSON: it is cut off (byte 1)");
    check_json_refused("row", &sx_type_int, "{\"v\":true}", "v: expected an int, got true (byte 5)");
}

/* A row's bytes may be somebody else's: what is shown of them is JSON, or nothing. */
static void rows_that_are_no_json(void)
{
    struct sx_buffer bytes = {0}, json = {0};
    const char *message = "";
    struct bound b;

    bound_open_whole(&b, "row", &sx_type_string);
    sx_unit_hex(&bytes, "01 00 02 c3 28");
    sx_buffer_add_text(&json, "before");
    CU_ASSERT_FALSE(b.def->to_json(b.plan, sx_buffer_slice(&bytes), &json, &message, &b.arena));
    SX_ASSERT_TEXT(message, "the stored row holds text that is not UTF-8");
    SX_ASSERT_BYTES(sx_buffer_slice(&json), "before");
    bound_close(&b);
    sx_buffer_free(&bytes);
    sx_buffer_free(&json);
}

static void check_encode_fails(const char *format, const struct sx_type *type, struct sx_value value,
                               const char *expected)
{
    struct sx_buffer bytes = {0};
    struct bound b;

    bound_open_whole(&b, format, type);
    b.columns[0] = sx_column_new(&b.arena, type, 1);
    sx_column_nulls(&b.columns[0], &b.arena, 1);
    sx_column_set(&b.columns[0], 0, value);
    CU_ASSERT_FALSE(bound_encode(&b, &bytes));
    SX_ASSERT_TEXT(b.error, expected);
    bound_close(&b);
    sx_buffer_free(&bytes);
}

static void values_that_cannot_be_written(void)
{
    check_encode_fails("int32", &sx_type_int, sx_value_int(2147483648), "v: it does not fit in an int32");
    check_encode_fails("int32", &sx_type_int, sx_value_int(-2147483649), "v: it does not fit in an int32");
    check_encode_fails("double", &sx_type_double, sx_value_double(1.0 / 0.0), "v: it is not a finite number");
    check_encode_fails("string", &sx_type_string, SX_VALUE_NULL,
                       "v: it is null, which `string` cannot write");
    check_encode_fails("int", &sx_type_int, SX_VALUE_NULL, "v: it is null, which `int` cannot write");
    check_encode_fails("bytes", &sx_type_bytes, SX_VALUE_NULL, "v: it is null, which `bytes` cannot write");
}

static void check_unbound(const char *format, const struct sx_type *type, uint32_t count,
                          const char *expected)
{
    struct sx_format_field fields[2] = {{.name = "v", .type = type}, {.name = "w", .type = type}};
    struct bound b;

    bound_open(&b, format, (struct sx_format_spec){.fields = fields, .field_count = count, .whole = true});
    CU_ASSERT_EQUAL(b.status, STREAMD_E_TYPE);
    SX_ASSERT_TEXT(b.error, expected);
    bound_close(&b);
}

static void types_that_do_not_fit(void)
{
    check_unbound("string", &sx_type_int, 1, "`string` cannot hold `v`, which is of type int");
    check_unbound("int", &sx_type_string, 1, "`int` cannot hold `v`, which is of type string");
    check_unbound("int32", &sx_type_timestamp, 1, "`int32` cannot hold `v`, which is of type timestamp");
    check_unbound("double", &sx_type_int, 1, "`double` cannot hold `v`, which is of type int");
    check_unbound("bytes", &sx_type_string, 1, "`bytes` cannot hold `v`, which is of type string");
    check_unbound("string", &sx_type_string, 2,
                  "`string` is one column, not 2; several need `json` or `csv`");
    check_unbound("json", &sx_type_string, 2, "`json T` is one column, not 2");
}

static void windowed_keys(void)
{
    struct sx_window window = {1000, 31000}, got = {0, 0};
    struct sx_buffer key = {0};
    struct sx_slice bytes;

    sx_buffer_add_text(&key, "k");
    sx_windowed_key_add(&key, window, false);
    SX_ASSERT_HEX(sx_buffer_slice(&key), "6b 00000000000003e8");
    bytes = sx_buffer_slice(&key);
    CU_ASSERT_PTR_NULL(sx_windowed_key_take(&bytes, 30000, &got));
    SX_ASSERT_BYTES(bytes, "k");
    CU_ASSERT(got.start == 1000 && got.end == 31000);
    key.size = 1;
    sx_windowed_key_add(&key, window, true);
    SX_ASSERT_HEX(sx_buffer_slice(&key), "6b 0000000000007918 00000000000003e8");
    bytes = sx_buffer_slice(&key);
    got = (struct sx_window){0, 0};
    CU_ASSERT_PTR_NULL(sx_windowed_key_take(&bytes, -1, &got));
    SX_ASSERT_BYTES(bytes, "k");
    CU_ASSERT(got.start == 1000 && got.end == 31000);
    bytes = sx_slice(key.data, 15);
    CU_ASSERT_PTR_NOT_NULL(sx_windowed_key_take(&bytes, -1, &got));
    CU_ASSERT_EQUAL(bytes.size, 15);
    bytes = sx_slice(key.data, 7);
    CU_ASSERT_PTR_NOT_NULL(sx_windowed_key_take(&bytes, 30000, &got));
    sx_buffer_free(&key);
}

/* The end of a window past all time is the end of time; a start before 1970 is no window. */
static void windowed_keys_at_the_edges(void)
{
    struct sx_window got = {0, 0};
    struct sx_slice bytes = SX_SLICE("\x7f\xff\xff\xff\xff\xff\xff\xff");

    CU_ASSERT_PTR_NULL(sx_windowed_key_take(&bytes, 30000, &got));
    CU_ASSERT_EQUAL(got.end, INT64_MAX);
    CU_ASSERT_EQUAL(bytes.size, 0);
    bytes = SX_SLICE("\x80\0\0\0\0\0\0\0");
    CU_ASSERT_PTR_NOT_NULL(sx_windowed_key_take(&bytes, 30000, &got));
    bytes = SX_SLICE("\0\0\0\0\0\0\0\1\0\0\0\0\0\0\0\2");
    CU_ASSERT_PTR_NOT_NULL(sx_windowed_key_take(&bytes, -1, &got));
}

void suite_formats(void)
{
    SX_SUITE("formats");
    SX_TEST(table);
    SX_TEST(round_trips);
    SX_TEST(round_trips_of_several_columns);
    SX_TEST(damaged_bytes);
    SX_TEST(json_forms_that_do_not_fit);
    SX_TEST(rows_that_are_no_json);
    SX_TEST(values_that_cannot_be_written);
    SX_TEST(types_that_do_not_fit);
    SX_TEST(windowed_keys);
    SX_TEST(windowed_keys_at_the_edges);
}
