/* test_json.c: JSON to columns and back: types, names, nulls, defaults, paths. */
#include "bound.h"

#define FIELDS(...)                                                                                     \
    (struct sx_format_spec)                                                                             \
    {                                                                                                   \
        .fields = (struct sx_format_field[]){__VA_ARGS__},                                              \
        .field_count = sizeof((struct sx_format_field[]){__VA_ARGS__}) / sizeof(struct sx_format_field) \
    }

/* What a text gives; the texts stand in pairs: in, out. */
static void check_pairs(struct bound *b, const char *const (*pairs)[2], size_t count)
{
    for (size_t i = 0; i < count; i++) {
        uint64_t nothing = 0;
        const char *got = bound_decode(b, sx_slice_of(pairs[i][0]));
        bool fails = got[0] != '[';

        SX_ASSERT_TEXT(got, pairs[i][1]);
        /* What nobody wants fails all the same, and with the same words. */
        got = bound_decode_wanted(b, sx_slice_of(pairs[i][0]), &nothing);
        if (fails)
            SX_ASSERT_TEXT(got, pairs[i][1]);
        else
            CU_ASSERT_EQUAL(got[0], '[');
    }
}

static void check_type(const struct sx_type *type, const char *const (*pairs)[2], size_t count)
{
    struct bound b;

    bound_open_whole(&b, "json", type);
    check_pairs(&b, pairs, count);
    bound_close(&b);
}

#define CHECK_TYPE(type, ...)                                \
    do {                                                     \
        static const char *const pairs[][2] = {__VA_ARGS__}; \
        check_type((type), pairs, SX_COUNT(pairs));          \
    } while (0)

static void ints(void)
{
    CHECK_TYPE(
        &sx_type_int, {"0", "[0]"}, {"-0", "[0]"}, {" 42 ", "[42]"}, {"-1\n", "[-1]"},
        {"12345678", "[12345678]"}, {"123456789012345678", "[123456789012345678]"},
        {"9223372036854775807", "[9223372036854775807]"}, {"-9223372036854775808", "[-9223372036854775808]"},
        {"null", "[null]"},
        {"9223372036854775808", "type: v: 9223372036854775808 does not fit in an int (byte 0)"},
        {"-9223372036854775809", "type: v: -9223372036854775809 does not fit in an int (byte 0)"},
        {"18446744073709551617", "type: v: 18446744073709551617 does not fit in an int (byte 0)"},
        {"100000000000000000000000", "type: v: 100000000000000000000000 does not fit in an int (byte 0)"},
        {"15.5", "type: v: expected an int, got 15.5 (byte 0)"},
        {"15.0", "type: v: expected an int, got 15.0 (byte 0)"},
        {"1e3", "type: v: expected an int, got 1e3 (byte 0)"},
        {"\"7\"", "type: v: expected an int, got a string \"7\" (byte 0)"},
        {"true", "type: v: expected an int, got true (byte 0)"},
        {"[1]", "type: v: expected an int, got an array (byte 0)"},
        {"{}", "type: v: expected an int, got an object (byte 0)"},
        {"01", "decode: v: not valid JSON: a number with a leading zero (byte 1)"},
        {"-", "decode: v: not valid JSON: expected a digit (byte 1)"},
        {"1x", "decode: v: not valid JSON: something behind the value (byte 1)"},
        {"12345678x", "decode: v: not valid JSON: something behind the value (byte 8)"},
        {"+1", "decode: not valid JSON: expected a value (byte 0)"});
}

static void doubles(void)
{
    CHECK_TYPE(&sx_type_double, {"0", "[0.0]"}, {"-0", "[-0.0]"}, {"15", "[15.0]"}, {"1.5", "[1.5]"},
               {"12345.67", "[12345.67]"}, {"-0.001", "[-0.001]"}, {"1e3", "[1000.0]"}, {"1E-2", "[0.01]"},
               {"1.5e+3", "[1500.0]"}, {"9007199254740993", "[9007199254740992.0]"},
               {"0.1000000000000000055511151231257827", "[0.1]"},
               {"12345678901234567890.5", "[12345678901234567000.0]"},
               {"1.7976931348623157e308", "[1.7976931348623157e+308]"}, {"5e-324", "[5e-324]"},
               {"1e-400", "[0.0]"}, {"-1e-400", "[-0.0]"}, {"0e999999999999", "[0.0]"},
               {"0.00000001e-400", "[0.0]"}, {"1e400", "type: v: 1e400 does not fit in a double (byte 0)"},
               {"-1e99999999999999", "type: v: -1e99999999999999 does not fit in a double (byte 0)"},
               {"\"x\"", "type: v: expected a double, got a string \"x\" (byte 0)"},
               {"1.", "decode: v: not valid JSON: expected a digit (byte 2)"},
               {".5", "decode: not valid JSON: expected a value (byte 0)"},
               {"1e", "decode: v: not valid JSON: expected a digit (byte 2)"},
               {"1.e1", "decode: v: not valid JSON: expected a digit (byte 2)"},
               {"00.5", "decode: v: not valid JSON: a number with a leading zero (byte 1)"},
               {"NaN", "decode: not valid JSON: expected a value (byte 0)"},
               {"-Infinity", "decode: v: not valid JSON: expected a digit (byte 1)"},
               {"nan", "decode: v: not valid JSON: expected a value (byte 0)"});
}

/* Every double is read as the C library reads it, and is written so that it reads back. */
static void doubles_are_exact(void)
{
    uint64_t seed = 20260131;
    struct bound b;
    unsigned wrong = 0;

    bound_open_whole(&b, "json", &sx_type_double);
    for (int i = 0; i < 20000; i++) {
        char text[64];
        int64_t whole = (int64_t)(sx_unit_random(&seed) >> (sx_unit_random(&seed) % 60 + 1));
        int places = (int)(sx_unit_random(&seed) % 20);
        int size = i % 3 ? snprintf(text, sizeof(text), "%lld.%0*llu", (long long)whole, places + 1,
                                    (unsigned long long)(sx_unit_random(&seed) % 1000))
                         : snprintf(text, sizeof(text), "%llde%d", (long long)whole,
                                    (int)(sx_unit_random(&seed) % 500) - 290);

        bound_decode(&b, sx_slice(text, (size_t)size));
        wrong += b.columns[0].data == NULL || b.columns[0].d[0] != strtod(text, NULL);
    }
    CU_ASSERT_EQUAL(wrong, 0);
    bound_close(&b);
}

static void strings(void)
{
    CHECK_TYPE(&sx_type_string, {"\"\"", "[\"\"]"}, {"\"plain\"  ", "[\"plain\"]"}, {"null", "[null]"},
               {"\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"", "[\"\\\"\\\\/\\b\\f\\n\\r\\t\"]"},
               {"\"\\u0041\\u00e9\\u20AC\\uD83D\\uDE00\"", "[\"A\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\"]"},
               {"\"a\\u0000b\"", "[\"a\\u0000b\"]"}, {"\"\x7f\xc2\x80\"", "[\"\x7f\xc2\x80\"]"},
               {"\"ends in a backslash \\\\\"", "[\"ends in a backslash \\\\\"]"},
               {"5", "type: v: expected a string, got 5 (byte 0)"},
               {"\"\\x\"", "decode: v: not valid JSON: an escape that JSON does not have (byte 1)"},
               {"\"\\u12g4\"", "decode: v: not valid JSON: `\\u` needs four hexadecimal digits (byte 1)"},
               {"\"\\ud800\"", "decode: v: not valid JSON: half of a surrogate pair (byte 1)"},
               {"\"..\\udc00\"", "decode: v: not valid JSON: half of a surrogate pair (byte 3)"},
               {"\"\\ud800\\u0041\"", "decode: v: not valid JSON: half of a surrogate pair (byte 1)"},
               {"\"a\x01\"", "decode: not valid JSON: a control character in a string (byte 2)"},
               {"\"a\nb\"", "decode: not valid JSON: a control character in a string (byte 2)"},
               {"\"\xc0\xaf\"", "decode: not valid JSON: not valid UTF-8 (byte 1)"},
               {"\"\xed\xa0\x80\"", "decode: not valid JSON: not valid UTF-8 (byte 1)"},
               {"\"\xff\"", "decode: not valid JSON: not valid UTF-8 (byte 1)"},
               {"\"abc", "decode: not valid JSON: a string without its end (byte 0)"},
               {"\"abc\\\"", "decode: not valid JSON: a string without its end (byte 0)"});
}

static void other_scalars(void)
{
    CHECK_TYPE(&sx_type_bool, {"true", "[true]"}, {"false ", "[false]"}, {"null", "[null]"},
               {"1", "type: v: expected a bool, got 1 (byte 0)"},
               {"tru", "decode: v: not valid JSON: expected a value (byte 0)"},
               {"trueX", "decode: v: not valid JSON: something behind the value (byte 4)"},
               {"\"true\"", "type: v: expected a bool, got a string \"true\" (byte 0)"});
    CHECK_TYPE(&sx_type_timestamp, {"1722470400123", "[1722470400123]"}, {"-5", "[-5]"},
               {"\"2026-01-31T10:00:00Z\"", "[1769853600000]"},
               {"\"2026-01-31T12:00:00.5+02:00\"", "[1769853600500]"}, {"null", "[null]"},
               {"\"yesterday\"", "type: v: expected a timestamp, got a string \"yesterday\" (byte 0)"},
               {"1.5", "type: v: expected a timestamp, got 1.5 (byte 0)"});
    CHECK_TYPE(&sx_type_date, {"\"1970-01-02\"", "[\"1970-01-02\"]"},
               {"5", "type: v: expected a date, got 5 (byte 0)"},
               {"\"1970-13-02\"", "type: v: expected a date, got a string \"1970-13-02\" (byte 0)"});
    CHECK_TYPE(&sx_type_time, {"\"10:00:01\"", "[\"10:00:01\"]"}, {"\"10:00:01.250\"", "[\"10:00:01.250\"]"},
               {"\"25:00:00\"", "type: v: expected a time, got a string \"25:00:00\" (byte 0)"});
    CHECK_TYPE(&sx_type_duration, {"1500", "[1500]"},
               {"\"1s\"", "type: v: expected a duration in milliseconds, got a string \"1s\" (byte 0)"});
    CHECK_TYPE(&sx_type_bytes, {"\"AAEC/w==\"", "[\"AAEC/w==\"]"}, {"\"\"", "[\"\"]"},
               {"\"AAEC/w=\"", "type: v: expected a string of base64, got a string \"AAEC/w=\" (byte 0)"});
    CHECK_TYPE(&sx_type_json, {" { \"a\" : [ 1.50 , null ] } ", "[{\"a\":[1.50,null]}]"}, {"null", "[null]"},
               {"1e400", "[1e400]"}, {"[1,]", "decode: v: not valid JSON: expected a value (byte 3)"});
}

static const struct sx_type *item_type(struct sx_arena *arena)
{
    struct sx_type_field fields[] = {{"sku", &sx_type_string, false}, {"qty", &sx_type_int, true}};

    return sx_type_array(arena, sx_type_struct(arena, fields, 2));
}

static void nested(void)
{
    struct sx_arena arena;

    sx_arena_init(&arena, 0);
    CHECK_TYPE(sx_type_array(&arena, &sx_type_int), {"[]", "[[]]"}, {"[ 1 , null,3]", "[[1,null,3]]"},
               {"[1,\"x\"]", "type: v[1]: expected an int, got a string \"x\" (byte 3)"},
               {"[1,]", "decode: not valid JSON: expected a value (byte 3)"},
               {"[,1]", "decode: not valid JSON: expected a value (byte 1)"},
               {"[1 2]", "decode: not valid JSON: expected a comma or `]` (byte 3)"},
               {"[1:2]", "decode: not valid JSON: expected a comma or `]` (byte 2)"},
               {"[1}", "decode: not valid JSON: expected a comma or `]` (byte 2)"},
               {"[1", "decode: not valid JSON: it is cut off (byte 2)"},
               {"[1]]", "decode: not valid JSON: something behind the value (byte 3)"},
               {"[[1]]", "type: v[0]: expected an int, got an array (byte 1)"},
               {"{}", "type: v: expected an array, got an object (byte 0)"});
    CHECK_TYPE(sx_type_map(&arena, &sx_type_double), {"{}", "[{}]"}, {"null", "[null]"},
               {"{\"b\":1,\"a\":2.5,\"b\":3}", "[{\"a\":2.5,\"b\":3.0}]"},
               {"{\"\\u0061\":null}", "[{\"a\":null}]"},
               {"{\"a\":true}", "type: v[\"a\"]: expected a double, got true (byte 5)"},
               {"{\"a\" 1}", "decode: not valid JSON: expected a colon (byte 5)"},
               {"{1:1}", "decode: not valid JSON: expected a name in quotes (byte 1)"},
               {"{\"a\":1,}", "decode: not valid JSON: expected a name in quotes (byte 7)"},
               {"[]", "type: v: expected an object, got an array (byte 0)"});
    CHECK_TYPE(item_type(&arena), {"[{\"sku\":\"a\",\"qty\":2}]", "[[{\"sku\":\"a\",\"qty\":2}]]"},
               {"[{\"qty\":1,\"more\":[{}],\"sku\":null},null]", "[[{\"sku\":null,\"qty\":1},null]]"},
               {"[{\"qty\":\"x\",\"\\u0071ty\":3}]", "[[{\"sku\":null,\"qty\":3}]]"},
               {"[{\"qty\":1},{}]", "not_null: v[1].qty: it is missing, but the field says `not null`"},
               {"[{\"qty\":null}]", "not_null: v[0].qty: it is null, but the field says `not null`"},
               {"[{\"qty\":1},{\"qty\":{}}]", "type: v[1].qty: expected an int, got an object (byte 18)"});
    sx_arena_free(&arena);
}

static struct sx_format_spec order_fields(void)
{
    static struct sx_format_field fields[] = {
        {.name = "id", .type = &sx_type_string, .not_null = true},
        {.name = "amount", .type = &sx_type_double},
        {.name = "n", .type = &sx_type_int, .has_default = true},
        {.name = "at", .type = &sx_type_timestamp},
    };

    fields[2].preset = sx_value_int(7);
    return (struct sx_format_spec){.fields = fields, .field_count = 4};
}

static void fields(void)
{
    static const char *const pairs[][2] = {
        {"{\"id\":\"a\",\"amount\":1.5,\"n\":1,\"at\":5}", "[\"a\",1.5,1,5]"},
        {" {\n\"at\" : 5 ,\t\"id\" : \"a\" } \r\n", "[\"a\",null,7,5]"},
        {"{\"id\":\"a\",\"n\":null}", "[\"a\",null,null,null]"},
        /* Of names that stand twice the last counts, also when an earlier one is wrong. */
        {"{\"id\":5,\"n\":1,\"id\":\"b\",\"n\":2}", "[\"b\",null,2,null]"},
        {"{\"id\":\"b\",\"id\":5}", "type: id: expected a string, got 5 (byte 15)"},
        /* Names may be written with escapes. */
        {"{\"\\u0069d\":\"a\",\"amoun\\u0074\":2}", "[\"a\",2.0,7,null]"},
        /* What was not declared is skipped, however deep, for its brackets only. */
        {"{\"x\":{\"id\":[1,{\"n\":[]}]},\"id\":\"a\",\"y\":[[]],\"z\":01}", "[\"a\",null,7,null]"},
        {"{\"idd\":1,\"i\":2,\"\":3,\"id\":\"a\"}", "[\"a\",null,7,null]"},
        {"{\"id\":\"a\",\"x\":[}]}", "decode: not valid JSON: expected a value (byte 15)"},
        {"{\"x\":\\\"a,\"id\":1}", "decode: not valid JSON: expected a value (byte 5)"},
        {"{\"amount\":1}", "not_null: id: it is missing, but the field says `not null`"},
        {"{}", "not_null: id: it is missing, but the field says `not null`"},
        {"{\"id\":null}", "not_null: id: it is null, but the field says `not null`"},
        {"{\"id\":\"a\",\"amount\":\"x\"}", "type: amount: expected a double, got a string \"x\" (byte 19)"},
        {"{\"id\":\"a\",\"at\":\"never\"}",
         "type: at: expected a timestamp, got a string \"never\" (byte 15)"},
        {"[]", "type: the record: expected an object, got an array (byte 0)"},
        {"null", "type: the record: expected an object, got null (byte 0)"},
        {"5", "type: the record: expected an object, got 5 (byte 0)"},
        {"", "decode: not valid JSON: no bytes at all (byte 0)"},
        {"  ", "decode: not valid JSON: it is cut off (byte 2)"},
        {"\xef\xbb\xbf{\"id\":\"a\"}", "decode: not valid JSON: expected a value (byte 0)"},
        {"{\"id\":\"a\"} x", "decode: not valid JSON: something behind the value (byte 11)"},
        {"{\"id\":\"a\"}{}", "decode: not valid JSON: something behind the value (byte 10)"},
        {"{\"id\":\"a\"}}", "decode: not valid JSON: something behind the value (byte 10)"},
        {"{\"id\":\"a\",}", "decode: not valid JSON: expected a name in quotes (byte 10)"},
        {"{,\"id\":\"a\"}", "decode: not valid JSON: expected a name in quotes (byte 1)"},
        {"{\"id\"\"a\"}", "decode: not valid JSON: expected a colon (byte 5)"},
        {"{\"id\":\"a\" \"n\":1}", "decode: not valid JSON: expected a comma or `}` (byte 10)"},
        {"{\"id\":\"a\"b}", "decode: not valid JSON: expected a comma or `}` (byte 9)"},
        {"{\"id\":}", "decode: not valid JSON: expected a value (byte 6)"},
        {"{\"id\":,\"n\":1}", "decode: not valid JSON: expected a value (byte 6)"},
        {"{\"id\"", "decode: not valid JSON: expected a colon (byte 5)"},
        {"{\"id\":\"a\"]", "decode: not valid JSON: expected a comma or `}` (byte 9)"},
        {"{\"id\":\"a\",\"n\":1\x0c\"at\":5}", "decode: not valid JSON: expected a comma or `}` (byte 15)"},
        {"{\"id\":\"a\",\"n\":1\x1a\"at\":5}", "decode: not valid JSON: expected a comma or `}` (byte 15)"},
        {"{\"id\":\"\xed\xa0\x80\"}", "decode: not valid JSON: not valid UTF-8 (byte 7)"},
        {"{\"x\":\"\xc0\x80\",\"id\":\"a\"}", "decode: not valid JSON: not valid UTF-8 (byte 6)"},
    };
    struct bound b;

    bound_open(&b, "json", order_fields());
    check_pairs(&b, pairs, SX_COUNT(pairs));
    SX_ASSERT_TEXT(bound_decode(&b, SX_SLICE_NONE), "[null,null,null,null]");
    bound_close(&b);
}

static void long_texts_are_cut_in_messages(void)
{
    struct bound b;
    const char *got;

    bound_open_whole(&b, "json", &sx_type_int);
    got = bound_decode(
        &b, SX_SLICE("\"\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9"
                     "\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\""));
    SX_ASSERT_TEXT(
        got,
        "type: v: expected an int, got a string \"\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9"
        "\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9"
        "... (byte 0)");
    bound_close(&b);
}

static void paths(void)
{
    static const char *const pairs[][2] = {
        {"{\"a\":{\"b\":{\"c\":1,\"d\":2}},\"e\":3}", "[1,2,3,1]"},
        {"{\"e\":3,\"a\":{\"x\":{\"c\":9},\"b\":{\"d\":2,\"c\":1}}}", "[1,2,3,1]"},
        {"{\"e\":3,\"a\":{}}", "[null,null,3,null]"},
        {"{\"e\":3,\"a\":null}", "[null,null,3,null]"},
        {"{\"e\":3}", "[null,null,3,null]"},
        {"{\"c\":1,\"a\":{\"c\":1}}", "[null,null,null,null]"},
        {"{\"a\":{\"b\":{\"c\":1}},\"a\":{\"b\":{\"d\":2}}}", "[null,2,null,null]"},
        {"{\"a\":5}", "type: a: expected an object, got 5 (byte 5)"},
        {"{\"a\":{\"b\":[]}}", "type: a.b: expected an object, got an array (byte 10)"},
        {"{\"a\":{\"b\":{\"c\":true}}}", "type: x: expected an int, got true (byte 15)"},
        {"{\"a\":nul}", "decode: a: not valid JSON: expected a value (byte 5)"},
        {"{\"a\":{\"b\":{\"c\":1}}", "decode: not valid JSON: it is cut off (byte 18)"},
        {"{\"a\":{\"b\" {\"c\":1}}}", "decode: not valid JSON: expected a colon (byte 10)"},
    };
    struct sx_buffer encoded = {0};
    struct bound b;

    bound_open(&b, "json",
               FIELDS({.name = "x", .type = &sx_type_int, .path = "a.b.c"},
                      {.name = "y", .type = &sx_type_int, .path = "a.b.d"},
                      {.name = "e", .type = &sx_type_int},
                      {.name = "again", .type = &sx_type_int, .path = "a.b.c"}));
    check_pairs(&b, pairs, SX_COUNT(pairs));
    bound_decode(&b, sx_slice_of(pairs[0][0]));
    CU_ASSERT(bound_encode(&b, &encoded));
    SX_ASSERT_BYTES(sx_buffer_slice(&encoded), pairs[0][0]);
    sx_buffer_free(&encoded);
    bound_close(&b);
    bound_open(&b, "json", FIELDS({.name = "x", .type = &sx_type_int, .path = "a..c"}));
    CU_ASSERT_EQUAL(b.status, STREAMD_E_TYPE);
    SX_ASSERT_TEXT(b.error, "`x` is from \"a..c\", where a name is empty");
    bound_close(&b);
}

/* Records of one batch: other orders and other names between, rows that fail between others. */
static void batches(void)
{
    static const char *const texts[] = {"{\"id\":\"a\",\"amount\":1,\"n\":1,\"at\":1}",
                                        "{\"id\":\"b\",\"amount\":2,\"n\":2,\"at\":2}",
                                        "{\"amount\":3,\"id\":\"c\"}",
                                        "{\"id\":\"d\",\"amount\":\"no\"}",
                                        "{\"idx\":1,\"id\":\"e\",\"at\":5}",
                                        "{",
                                        "{\"id\":\"f\",\"amount\":null,\"n\":6,\"at\":6}",
                                        NULL};
    struct sx_format_failures failures = {0};
    struct sx_slice bytes[8];
    struct sx_buffer got = {0};
    struct bound b;

    bound_open(&b, "json", order_fields());
    failures.arena = &b.arena;
    for (int i = 0; i < 8; i++)
        bytes[i] = texts[i] ? sx_slice_of(texts[i]) : SX_SLICE_NONE;
    b.def->decode(b.plan, bytes, 8, true, NULL, b.columns, &b.arena, &failures);
    CU_ASSERT_EQUAL(failures.count, 2);
    CU_ASSERT_EQUAL(failures.items[0].row, 3);
    CU_ASSERT_EQUAL(failures.items[1].row, 5);
    for (uint32_t row = 0; row < 8; row++) {
        if (row == 3 || row == 5)
            continue;
        for (uint32_t f = 0; f < 4; f++) {
            sx_json_write_value(&got, sx_column_get(&b.columns[f], row), b.fields[f].type);
            sx_buffer_add_byte(&got, f == 3 ? '\n' : ' ');
        }
    }
    SX_ASSERT_BYTES(sx_buffer_slice(&got), "\"a\" 1.0 1 1\n\"b\" 2.0 2 2\n\"c\" 3.0 7 null\n"
                                           "\"e\" null 7 5\n\"f\" null 6 6\nnull null null null\n");
    sx_buffer_free(&got);
    bound_close(&b);
}

/* More names than are remembered, and more fields than fit in a word. */
static void many_names(void)
{
    enum { COUNT = 300 };
    struct sx_format_field *all = sx_calloc(COUNT, sizeof(*all));
    struct sx_column *columns = sx_calloc(COUNT, sizeof(*columns));
    struct sx_format_spec spec = {.fields = all, .field_count = COUNT};
    struct sx_buffer text = {0};
    struct sx_slice bytes[2];
    struct sx_arena arena;
    struct sx_format_failures failures = {.arena = &arena};
    void *plan;

    sx_arena_init(&arena, 0);
    for (int i = 0; i < COUNT; i++) {
        all[i] = (struct sx_format_field){.name = sx_arena_format(&arena, "f%d", i), .type = &sx_type_int};
        sx_buffer_printf(&text, "%s\"other%d\":[{}],\"f%d\":%d", i ? "," : "{", i, COUNT - 1 - i, i);
    }
    sx_buffer_add_byte(&text, '}');
    bytes[0] = bytes[1] = sx_buffer_slice(&text);
    CU_ASSERT_EQUAL(sx_format_find("json")->bind(&spec, &arena, &plan, NULL), STREAMD_OK);
    sx_format_find("json")->decode(plan, bytes, 2, false, NULL, columns, &arena, &failures);
    CU_ASSERT_EQUAL(failures.count, 0);
    for (int i = 0; i < COUNT; i++) {
        CU_ASSERT_EQUAL(columns[i].i[0], COUNT - 1 - i);
        CU_ASSERT_EQUAL(columns[i].i[1], COUNT - 1 - i);
    }
    sx_buffer_free(&text);
    free(all);
    free(columns);
    sx_arena_free(&arena);
}

static void encoding(void)
{
    static const char text[] =
        "{\"s\":\"a\\\"\\\\\\u0001\\n\xc3\xa9/\",\"odd \\\"name\\\"\":15.0,\"b\":true,"
        "\"d\":\"2026-01-31\",\"t\":\"10:00:00\",\"ts\":1000,\"dur\":5,\"raw\":\"AAE=\","
        "\"n\":null}";
    struct sx_buffer encoded = {0};
    struct bound b;

    bound_open(&b, "json",
               FIELDS({.name = "s", .type = &sx_type_string},
                      {.name = "odd \"name\"", .type = &sx_type_double}, {.name = "b", .type = &sx_type_bool},
                      {.name = "d", .type = &sx_type_date}, {.name = "t", .type = &sx_type_time},
                      {.name = "ts", .type = &sx_type_timestamp}, {.name = "dur", .type = &sx_type_duration},
                      {.name = "raw", .type = &sx_type_bytes}, {.name = "n", .type = &sx_type_int}));
    CU_ASSERT_EQUAL(bound_decode(&b, SX_SLICE(text))[0], '[');
    CU_ASSERT(bound_encode(&b, &encoded));
    SX_ASSERT_BYTES(sx_buffer_slice(&encoded), text);
    encoded.size = 0;
    b.columns[1].d[0] = 1.0 / 0.0;
    CU_ASSERT_FALSE(bound_encode(&b, &encoded));
    SX_ASSERT_TEXT(b.error, "odd \"name\": it is not a finite number");
    sx_buffer_free(&encoded);
    bound_close(&b);
    bound_open(&b, "json", (struct sx_format_spec){.field_count = 0});
    bound_decode(&b, SX_SLICE("{\"a\":1}"));
    CU_ASSERT(bound_encode(&b, &encoded));
    SX_ASSERT_BYTES(sx_buffer_slice(&encoded), "{}");
    sx_buffer_free(&encoded);
    bound_close(&b);
}

/* Every position of a character that needs an escape, in words and behind them. */
static void escapes_at_every_place(void)
{
    for (uint32_t size = 1; size < 20; size++)
        for (uint32_t at = 0; at < size; at++) {
            struct sx_buffer text = {0};
            char plain[20], expected[48];

            memset(plain, 0x80 | 'x', sizeof(plain));
            plain[at] = "\"\\\x1f"[at % 3];
            snprintf(expected, sizeof(expected), "\"%.*s%s%.*s\"", (int)at, plain,
                     (const char *[]){"\\\"", "\\\\", "\\u001f"}[at % 3], (int)(size - at - 1),
                     plain + at + 1);
            sx_json_write_string(&text, sx_slice(plain, size));
            SX_ASSERT_BYTES(sx_buffer_slice(&text), expected);
            sx_buffer_free(&text);
        }
}

void suite_json(void)
{
    SX_SUITE("json");
    SX_TEST(ints);
    SX_TEST(doubles);
    SX_TEST(doubles_are_exact);
    SX_TEST(strings);
    SX_TEST(other_scalars);
    SX_TEST(nested);
    SX_TEST(fields);
    SX_TEST(long_texts_are_cut_in_messages);
    SX_TEST(paths);
    SX_TEST(batches);
    SX_TEST(many_names);
    SX_TEST(encoding);
    SX_TEST(escapes_at_every_place);
}
