/* test_json_syntax.c: what is JSON and what is not, told by the strict reader and by the indexed one. */
#include "bound.h"

#include "engine/format/json_text.h"

#define TEXT(literal) SX_SLICE(literal)

static const struct sx_slice accepted[] = {
    TEXT("{}"),
    TEXT("[]"),
    TEXT(" [ ] "),
    TEXT("\t\r\n {\"a\" : [ true , false , null ] } \n"),
    TEXT("0"),
    TEXT("-0"),
    TEXT("-0.0e-0"),
    TEXT("1E+2"),
    TEXT("123456789012345678901234567890"),
    TEXT("1e400"),
    TEXT("\"\""),
    TEXT("\"\\u0000\""),
    TEXT("\"\\uDBFF\\uDFFF\""),
    TEXT("\"\x7f\""),
    TEXT("\"\xef\xbf\xbf\""),
    TEXT("\"\xf4\x8f\xbf\xbf\""),
    TEXT("\"\xe2\x80\xa8\""),
    TEXT("{\"\":0,\"\":1}"),
    TEXT("[[],[[]],{\"a\":{}}]"),
    TEXT("true"),
    TEXT("null"),
    TEXT("[\"\\\\\"]"),
    TEXT("[\"\\\\\\\"\"]"),
    TEXT("[1,[2,{\"a\":[3]}],\"]\",\"}\"]"),
};

static const struct sx_slice rejected[] = {
    TEXT(""),
    TEXT(" "),
    TEXT("\xef\xbb\xbf{}"),
    TEXT("{"),
    TEXT("}"),
    TEXT("["),
    TEXT("]"),
    TEXT("{]"),
    TEXT("[}"),
    TEXT("[1,]"),
    TEXT("[,1]"),
    TEXT("[1,,2]"),
    TEXT("[1 2]"),
    TEXT("[1\n2]"),
    TEXT("{\"a\":1,}"),
    TEXT("{,}"),
    TEXT("{\"a\"}"),
    TEXT("{\"a\":}"),
    TEXT("{:1}"),
    TEXT("{\"a\" 1}"),
    TEXT("{\"a\"::1}"),
    TEXT("{a:1}"),
    TEXT("{'a':1}"),
    TEXT("{1:1}"),
    TEXT("{null:1}"),
    TEXT("{\"a\":1 \"b\":2}"),
    TEXT("{\"a\":1;\"b\":2}"),
    TEXT("01"),
    TEXT("-"),
    TEXT("-01"),
    TEXT("+1"),
    TEXT(".5"),
    TEXT("1."),
    TEXT("1.e1"),
    TEXT("1e"),
    TEXT("1e+"),
    TEXT("1e1.5"),
    TEXT("0x10"),
    TEXT("1_000"),
    TEXT("NaN"),
    TEXT("Infinity"),
    TEXT("-Infinity"),
    TEXT("nul"),
    TEXT("nulll"),
    TEXT("True"),
    TEXT("truefalse"),
    TEXT("true false"),
    TEXT("\""),
    TEXT("\"abc"),
    TEXT("\"\\\""),
    TEXT("\"\\"),
    TEXT("\"\\x41\""),
    TEXT("\"\\u\""),
    TEXT("\"\\u12\""),
    TEXT("\"\\u12G4\""),
    TEXT("\"\\U0041\""),
    TEXT("\"\\\0\""),
    TEXT("\"\\ud800\""),
    TEXT("\"\\udc00\""),
    TEXT("\"\\ud800x\""),
    TEXT("\"\\ud800\\n\""),
    TEXT("\"\\ud800\\ud800\""),
    TEXT("\"\\udc00\\ud800\""),
    TEXT("\"\t\""),
    TEXT("\"\n\""),
    TEXT("\"\0\""),
    TEXT("\"\x1f\""),
    TEXT("'a'"),
    TEXT("\"a\"b"),
    TEXT("\"a\"\"b\""),
    TEXT("[\"a\"\"b\"]"),
    TEXT("[1]x"),
    TEXT("[1][2]"),
    TEXT("{}}"),
    TEXT("{}{"),
    TEXT("\"\x80\""),
    TEXT("\"\xc3\""),
    TEXT("\"\xc0\xaf\""),
    TEXT("\"\xe0\x80\xaf\""),
    TEXT("\"\xf0\x80\x80\xaf\""),
    TEXT("\"\xed\xa0\x80\""),
    TEXT("\"\xf4\x90\x80\x80\""),
    TEXT("\"\xff\""),
    TEXT("[\xff]"),
    TEXT("1\0"),
    TEXT("\0"),
    TEXT("[1\x0c]"),
    TEXT("[1,\x0b 2]"),
    TEXT("[1\xc2\xa0]"),
    TEXT("/* */ 1"),
    TEXT("1 // one"),
    TEXT("\\u0031"),
    TEXT("[\\\"a\\\"]"),
    TEXT("<null>"),
    TEXT("{\"a\":1]"),
    TEXT("[{\"a\":[}]]"),
    TEXT("[\"\\\\\\\"]"),
};

/* A whole value of type json goes through the index and then through the strict reader. */
static bool decodes(struct bound *b, struct sx_slice text) { return bound_decode(b, text)[0] == '['; }

static void accept(void)
{
    struct bound b;

    bound_open_whole(&b, "json", &sx_type_json);
    for (size_t i = 0; i < SX_COUNT(accepted); i++) {
        struct sx_json_error error = {0, "nothing"};

        if (!sx_json_check(accepted[i], &error))
            SX_ASSERT_BYTES(accepted[i], error.what);
        if (!decodes(&b, accepted[i]))
            SX_ASSERT_BYTES(accepted[i], b.text.data);
    }
    CU_PASS("all were accepted or shown");
    bound_close(&b);
}

static void reject(void)
{
    struct bound b;

    bound_open_whole(&b, "json", &sx_type_json);
    for (size_t i = 0; i < SX_COUNT(rejected); i++) {
        struct sx_json_error error = {SIZE_MAX, NULL};

        if (sx_json_check(rejected[i], &error))
            SX_ASSERT_BYTES(rejected[i], "(was accepted by the strict reader)");
        CU_ASSERT(error.at <= rejected[i].size);
        if (decodes(&b, rejected[i]))
            SX_ASSERT_BYTES(rejected[i], "(was decoded)");
    }
    CU_PASS("all were rejected or shown");
    bound_close(&b);
}

static struct sx_slice nested(struct sx_buffer *text, const char *open, const char *inside, const char *close,
                              uint32_t depth)
{
    text->size = 0;
    for (uint32_t i = 0; i < depth; i++)
        sx_buffer_add_text(text, open);
    sx_buffer_add_text(text, inside);
    for (uint32_t i = 0; i < depth; i++)
        sx_buffer_add_text(text, close);
    return sx_buffer_slice(text);
}

/* 512 inside one another are fine; 513 are not, nor are 100,000, and nothing crashes. */
static void depth(void)
{
    struct sx_format_field field = {.name = "a", .type = &sx_type_json};
    struct sx_buffer text = {0};
    struct bound whole, skipped;

    bound_open_whole(&whole, "json", &sx_type_json);
    bound_open(&skipped, "json", (struct sx_format_spec){.fields = &field, .field_count = 1});
    CU_ASSERT(sx_json_check(nested(&text, "[", "", "]", 512), NULL));
    CU_ASSERT(decodes(&whole, nested(&text, "[", "", "]", 512)));
    CU_ASSERT(decodes(&skipped, nested(&text, "{\"x\":", "1", "}", 512)));
    CU_ASSERT(decodes(&skipped, nested(&text, "{\"a\":", "1", "}", 512)));
    for (uint32_t n = 513; n <= 100000; n += 99487) {
        CU_ASSERT_FALSE(sx_json_check(nested(&text, "[", "", "]", n), NULL));
        CU_ASSERT_FALSE(decodes(&whole, nested(&text, "[", "", "]", n)));
        SX_ASSERT_TEXT(whole.text.data, "decode: not valid JSON: nested deeper than 512 (byte 512)");
        CU_ASSERT_FALSE(decodes(&skipped, nested(&text, "{\"x\":", "1", "}", n)));
        CU_ASSERT_FALSE(decodes(&skipped, nested(&text, "{\"a\":", "1", "}", n)));
        CU_ASSERT_FALSE(decodes(&whole, nested(&text, "[", "", "", n)));
        CU_ASSERT_FALSE(decodes(&whole, nested(&text, "{\"a\":", "", "", n)));
    }
    bound_close(&skipped);
    bound_close(&whole);
    sx_buffer_free(&text);
}

static const char document[] =
    " {\"id\":\"a\\u00e9\xf0\x9f\x98\x80\",\"n\":-12.5e+3,\"flag\":true,\"tags\":[\"x\",null,[1]],"
    "\"more\":{\"deep\":{\"k\":\"v\\\\\"}},\"unread\":[{\"q\":false}],\"at\":\"2026-01-31T10:00:00Z\"}";

static void open_document(struct bound *b)
{
    struct sx_format_field fields[] = {
        {.name = "id", .type = &sx_type_string},
        {.name = "n", .type = &sx_type_double},
        {.name = "flag", .type = &sx_type_bool},
        {.name = "tags", .type = &sx_type_json},
        {.name = "k", .type = &sx_type_string, .path = "more.deep.k"},
        {.name = "at", .type = &sx_type_timestamp},
    };

    bound_open(b, "json", (struct sx_format_spec){.fields = fields, .field_count = SX_COUNT(fields)});
}

static void every_truncation_is_an_error(void)
{
    struct bound b;

    open_document(&b);
    SX_ASSERT_TEXT(bound_decode(&b, SX_SLICE(document)),
                   "[\"a\xc3\xa9\xf0\x9f\x98\x80\",-12500.0,true,[\"x\",null,[1]],\"v\\\\\",1769853600000]");
    for (uint32_t size = 0; size < sizeof(document) - 1; size++) {
        const char *got = bound_decode(&b, sx_slice(document, size));

        if (strncmp(got, "decode: ", 8) != 0)
            SX_ASSERT_BYTES(sx_slice(document, size), got);
        CU_ASSERT_FALSE(sx_json_check(sx_slice(document, size), NULL));
    }
    bound_close(&b);
}

/* Bytes changed at random: no crash, no read outside (under sanitizers), and whatever the index takes
 * for a document of which every value is read, the strict reader takes too. */
static void random_damage(void)
{
    static const char likely[] = "{}[]:,\"\\ 0e-.tfn\n\x01\xff\xc3";
    struct sx_arena arena;
    struct bound b, whole;
    uint64_t seed = 7;
    unsigned wrong = 0, good = 0;

    sx_arena_init(&arena, 0);
    open_document(&b);
    bound_open_whole(&whole, "json", sx_type_array(&arena, sx_type_map(&arena, &sx_type_string)));
    for (int i = 0; i < 30000; i++) {
        static const char base[] = "[{\"a\":\"b\\n\",\"c\":null}, {} ,null,{\"\":\"\xc3\xa9\"}]";
        char text[sizeof(document)], small[sizeof(base)];
        bool decoded;

        memcpy(text, document, sizeof(document));
        memcpy(small, base, sizeof(base));
        for (uint64_t n = sx_unit_random(&seed) % 3 + 1; n > 0; n--) {
            text[sx_unit_random(&seed) % (sizeof(document) - 1)] =
                likely[sx_unit_random(&seed) % (sizeof(likely) - 1)];
            small[sx_unit_random(&seed) % (sizeof(base) - 1)] =
                likely[sx_unit_random(&seed) % (sizeof(likely) - 1)];
        }
        bound_decode(&b, SX_SLICE(text));
        decoded = bound_decode(&whole, sx_slice(small, sizeof(base) - 1))[0] == '[';
        good += decoded;
        wrong += decoded && !sx_json_check(sx_slice(small, sizeof(base) - 1), NULL);
        /* Not JSON is what the index must say of whatever the strict reader refuses. */
        wrong += !sx_json_check(sx_slice(small, sizeof(base) - 1), NULL) &&
                 strncmp(whole.text.data, "decode: ", 8) != 0 && strncmp(whole.text.data, "type: ", 6) != 0;
    }
    CU_ASSERT_EQUAL(wrong, 0);
    CU_ASSERT(good > 500);
    bound_close(&b);
    bound_close(&whole);
    sx_arena_free(&arena);
}

void suite_json_syntax(void)
{
    SX_SUITE("json_syntax");
    SX_TEST(accept);
    SX_TEST(reject);
    SX_TEST(depth);
    SX_TEST(every_truncation_is_an_error);
    SX_TEST(random_damage);
}
