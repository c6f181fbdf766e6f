/* test_utf8.c: UTF-8 and base64, strict. */
#include "engine/base/text.h"
#include "tests/unit/unit.h"

#include <stdlib.h>

static void valid(void)
{
    CU_ASSERT(sx_utf8_valid(SX_SLICE_NONE));
    CU_ASSERT(sx_utf8_valid(SX_SLICE("plain ascii that is longer than eight bytes")));
    CU_ASSERT(sx_utf8_valid(SX_SLICE("\xc3\xa4 \xe2\x82\xac \xf0\x9f\x98\x80")));
    CU_ASSERT(sx_utf8_valid(SX_SLICE("a\0b")));
    CU_ASSERT(sx_utf8_valid(SX_SLICE("\xed\x9f\xbf\xee\x80\x80"))); /* beside the surrogates */
    CU_ASSERT(sx_utf8_valid(SX_SLICE("\xf4\x8f\xbf\xbf")));         /* U+10FFFF */
}

static void invalid(void)
{
    static const char *const bad[] = {
        "\x80",             /* nothing to continue */
        "\xc3",             /* cut off */
        "\xe2\x82",         /* cut off */
        "\xf0\x9f\x98",     /* cut off */
        "\xc3(",            /* no continuation */
        "\xe2\x28\xa1",     /* no continuation */
        "\xc0\xaf",         /* overlong */
        "\xc1\xbf",         /* overlong */
        "\xe0\x9f\xbf",     /* overlong */
        "\xf0\x8f\xbf\xbf", /* overlong */
        "\xed\xa0\x80",     /* a surrogate */
        "\xed\xbf\xbf",     /* a surrogate */
        "\xf4\x90\x80\x80", /* past U+10FFFF */
        "\xf5\x80\x80\x80",
        "\xfe",
        "\xff",
    };
    struct sx_buffer text = {0};

    /* At every place in a word, since words of ASCII are skipped eight bytes at a time. */
    for (size_t i = 0; i < SX_COUNT(bad); i++)
        for (size_t before = 0; before < 10; before++)
            for (size_t behind = 0; behind < 10; behind += 9) {
                text.size = 0;
                sx_buffer_add(&text, "aaaaaaaaaa", before);
                sx_buffer_add_text(&text, bad[i]);
                sx_buffer_add(&text, "aaaaaaaaaa", behind);
                CU_ASSERT_FALSE(sx_utf8_valid(sx_buffer_slice(&text)));
            }
    sx_buffer_free(&text);
}

static void every_code_point(void)
{
    unsigned wrong = 0;
    char room[4];

    for (uint32_t code = 0; code <= 0x10ffff; code++) {
        size_t size = sx_utf8_write(room, code);

        if (code >= 0xd800 && code <= 0xdfff)
            wrong += size != 0;
        else
            wrong += size == 0 || !sx_utf8_valid(sx_slice(room, size)) ||
                     sx_utf8_length(sx_slice(room, size)) != 1;
    }
    CU_ASSERT_EQUAL(wrong, 0);
    CU_ASSERT_EQUAL(sx_utf8_write(room, 0x110000), 0);
    CU_ASSERT_EQUAL(sx_utf8_write(room, 0x20ac), 3);
    SX_ASSERT_HEX(sx_slice(room, 3), "e2 82 ac");
    CU_ASSERT_EQUAL(sx_utf8_write(room, 0x1f600), 4);
    SX_ASSERT_HEX(sx_slice(room, 4), "f0 9f 98 80");
    CU_ASSERT_EQUAL(sx_utf8_length(SX_SLICE("\xc3\xa4\xe2\x82\xac"
                                            "b")),
                    3);
}

static void check_base64(struct sx_slice bytes, const char *text)
{
    struct sx_buffer buffer = {0};

    sx_add_base64(&buffer, bytes);
    SX_ASSERT_BYTES(sx_buffer_slice(&buffer), text);
    buffer.size = 0;
    CU_ASSERT(sx_read_base64(&buffer, sx_slice_of(text)));
    SX_ASSERT_SLICE(sx_buffer_slice(&buffer), bytes);
    sx_buffer_free(&buffer);
}

static void base64(void)
{
    static const char *const bad[] = {
        "Z",    "Zg",     "Zg=",  "Zh==", "Zm9=", "Zg==Zg==", "====", "=g==",
        "Z===", "Zm9v\n", "Zm-v", "Zm_v", "Zm 9", "Zm9vY",    "Zg=a", "\xff\xff\xff\xff"};
    struct sx_buffer buffer = {0};

    check_base64(SX_SLICE(""), ""); /* the vectors of RFC 4648 */
    check_base64(SX_SLICE("f"), "Zg==");
    check_base64(SX_SLICE("fo"), "Zm8=");
    check_base64(SX_SLICE("foo"), "Zm9v");
    check_base64(SX_SLICE("foob"), "Zm9vYg==");
    check_base64(SX_SLICE("fooba"), "Zm9vYmE=");
    check_base64(SX_SLICE("foobar"), "Zm9vYmFy");
    check_base64(SX_SLICE("\0\xff\xfb\xef"), "AP/77w==");
    sx_buffer_add_text(&buffer, "kept");
    for (size_t i = 0; i < SX_COUNT(bad); i++)
        CU_ASSERT_FALSE(sx_read_base64(&buffer, sx_slice_of(bad[i])));
    SX_ASSERT_BYTES(sx_buffer_slice(&buffer), "kept");
    sx_buffer_free(&buffer);
}

void suite_utf8(void)
{
    SX_SUITE("utf8");
    SX_TEST(valid);
    SX_TEST(invalid);
    SX_TEST(every_code_point);
    SX_TEST(base64);
}
