/* test_json_text.c: compacting, unescaping, and taking objects and arrays apart. */
#include "bound.h"

#include "engine/format/json_text.h"

static void compact(void)
{
    static const char *const pairs[][2] = {
        {" { \"b\" : 1.50e+2 , \"a\" : [ ] , \"b\" : \"x y\\u0041\" } ",
         "{\"b\":1.50e+2,\"a\":[],\"b\":\"x y\\u0041\"}"},
        {"12345678901234567890.10", "12345678901234567890.10"},
        {"[\n]", "[]"},
        {"[ null,\ttrue ,false\r]", "[null,true,false]"},
    };
    struct sx_json_error error;
    struct sx_buffer to = {0};

    for (size_t i = 0; i < SX_COUNT(pairs); i++) {
        to.size = 0;
        CU_ASSERT(sx_json_compact(sx_slice_of(pairs[i][0]), &to, &error));
        SX_ASSERT_BYTES(sx_buffer_slice(&to), pairs[i][1]);
    }
    /* A failure leaves what was there. */
    CU_ASSERT_FALSE(sx_json_compact(SX_SLICE("{\"a\":[1,2"), &to, &error));
    SX_ASSERT_BYTES(sx_buffer_slice(&to), pairs[SX_COUNT(pairs) - 1][1]);
    CU_ASSERT_EQUAL(error.at, 9);
    SX_ASSERT_TEXT(error.what, "it is cut off");
    sx_buffer_free(&to);
}

static void unescape(void)
{
    struct sx_json_error error;
    struct sx_buffer to = {0};

    CU_ASSERT(sx_json_unescape(SX_SLICE(" \"a\\tb\\u00e9\\ud83d\\ude00\\u0000\\\"\" "), &to, &error));
    SX_ASSERT_SLICE(sx_buffer_slice(&to), SX_SLICE("a\tb\xc3\xa9\xf0\x9f\x98\x80\0\""));
    to.size = 0;
    CU_ASSERT(sx_json_unescape(SX_SLICE("\"  \""), &to, &error));
    SX_ASSERT_BYTES(sx_buffer_slice(&to), "  ");
    CU_ASSERT_FALSE(sx_json_unescape(SX_SLICE("5"), &to, &error));
    SX_ASSERT_TEXT(error.what, "expected a string");
    CU_ASSERT_FALSE(sx_json_unescape(SX_SLICE("\"\\ud800\""), &to, &error));
    CU_ASSERT_FALSE(sx_json_unescape(SX_SLICE("\"a"), &to, &error));
    SX_ASSERT_BYTES(sx_buffer_slice(&to), "  ");
    sx_buffer_free(&to);
}

struct seen {
    struct sx_buffer text;
    unsigned most;
};

static bool see(struct sx_slice name, struct sx_slice value, void *arg)
{
    struct seen *seen = arg;

    sx_buffer_printf(&seen->text, "%.*s=%.*s;", (int)name.size, name.data, (int)value.size, value.data);
    return --seen->most > 0;
}

static bool see_element(struct sx_slice value, void *arg) { return see(SX_SLICE("e"), value, arg); }

static void check_object(const char *text, unsigned most, const char *expected)
{
    struct seen seen = {.most = most};
    struct sx_json_error error = {0, ""};

    if (!sx_json_object(sx_slice_of(text), see, &seen, &error))
        sx_buffer_printf(&seen.text, "%s at %zu", error.what, error.at);
    SX_ASSERT_BYTES(sx_buffer_slice(&seen.text), expected);
    sx_buffer_free(&seen.text);
}

static void objects(void)
{
    check_object("{}", 9, "");
    check_object(" { } ", 9, "");
    check_object(
        "{\"topic\":\"t\",\"key\" : 12345678901234567890 ,\"value\":{\"a\": [1, \"}\"]}, \"x\":null }", 9,
        "topic=\"t\";key=12345678901234567890;value={\"a\": [1, \"}\"]};x=null;");
    check_object("{\"\\u006bey\":1.50,\"key\":\"\\\"\\\\\"}", 9, "key=1.50;key=\"\\\"\\\\\";");
    check_object("{\"a\":1,\"b\":2,\"c\":3}", 2, "a=1;b=2;");
    check_object("[1]", 9, "expected an object at 0");
    check_object(" \"x\"", 9, "expected an object at 1");
    check_object("{\"a\":1,}", 9, "expected a name in quotes at 7");
    check_object("{\"a\":1} x", 9, "something behind the value at 8");
    check_object("", 9, "no bytes at all at 0");
}

static void arrays(void)
{
    struct seen seen = {.most = 9};
    struct sx_json_error error;

    CU_ASSERT(sx_json_array(SX_SLICE("[ 1 , [2, 3] ,\"]\",{}]"), see_element, &seen, &error));
    SX_ASSERT_BYTES(sx_buffer_slice(&seen.text), "e=1;e=[2, 3];e=\"]\";e={};");
    CU_ASSERT_FALSE(sx_json_array(SX_SLICE("{}"), see_element, &seen, &error));
    SX_ASSERT_TEXT(error.what, "expected an array");
    sx_buffer_free(&seen.text);
}

void suite_json_text(void)
{
    SX_SUITE("json_text");
    SX_TEST(compact);
    SX_TEST(unescape);
    SX_TEST(objects);
    SX_TEST(arrays);
}
