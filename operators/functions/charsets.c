/* charsets.c: texts in the encodings that Flink and ksqlDB name, and numbers out of bytes. */
#include "operators/functions/common.h"

/* ---- Character sets -------------------------------------------------------------------------- */

enum charset { ASCII, LATIN1, UTF8, UTF16BE, UTF16LE, UTF16, UNKNOWN };

static enum charset charset_of(struct sx_call *call, struct sx_value name)
{
    static const char *const names[] = {"US-ASCII", "ISO-8859-1", "UTF-8", "UTF-16BE", "UTF-16LE", "UTF-16"};

    for (size_t i = 0; i < SX_COUNT(names); i++)
        if (sx_slice_is(sx_value_slice(name), names[i]))
            return (enum charset)i;
    sx_call_fail(call,
                 "unknown character set \"%.*s\"; US-ASCII, ISO-8859-1, UTF-8, UTF-16BE, UTF-16LE and UTF-16 "
                 "are known",
                 (int)SX_MIN(name.size, 32u), name.size ? name.s : "");
    return UNKNOWN;
}

/* A constant name that is wrong is an error of the text. */
static void *check_charset(struct sx_call *call, const struct sx_value *const *constants, uint32_t count)
{
    if (count == 2 && constants[1] != NULL && constants[1]->kind == SX_STRING)
        charset_of(call, *constants[1]);
    return NULL;
}

static void add_unit(struct sx_text *text, bool big, uint32_t unit)
{
    sx_text_add_byte(text, (char)(big ? unit >> 8 : unit));
    sx_text_add_byte(text, (char)(big ? unit : unit >> 8));
}

static struct sx_value encode(struct sx_call *call, const struct sx_value *args, uint32_t count)
{
    const enum charset charset = charset_of(call, args[1]);
    const uint32_t most = charset == ASCII ? 0x7f : charset == LATIN1 ? 0xff : 0x10ffff;
    const char *at = args[0].s, *end = at + args[0].size;
    struct sx_text text = {.call = call};

    if (charset == UTF8)
        return sx_value_bytes(sx_value_slice(args[0]));
    if (charset == UTF16)
        add_unit(&text, true, 0xfeff);
    while (at < end && !call->failed) {
        uint32_t c = sx_utf8_next(&at, end);

        if (c > most)
            return sx_call_fail(call, "the character U+%04X is not of that character set", c);
        if (most < 0x100) {
            sx_text_add_byte(&text, (char)c);
        } else if (c < 0x10000) {
            add_unit(&text, charset != UTF16LE, c);
        } else {
            add_unit(&text, charset != UTF16LE, 0xd800 + ((c - 0x10000) >> 10));
            add_unit(&text, charset != UTF16LE, 0xdc00 + ((c - 0x10000) & 0x3ff));
        }
    }
    return call->failed ? SX_VALUE_NULL : sx_text_bytes(&text);
}

static uint32_t unit_at(struct sx_slice b, uint32_t at, bool big)
{
    const unsigned char *c = (const unsigned char *)b.data + at;

    return (uint32_t)c[big ? 0 : 1] << 8 | c[big ? 1 : 0];
}

static struct sx_value decode_utf16(struct sx_call *call, struct sx_slice b, enum charset charset)
{
    struct sx_text text = {.call = call};
    bool big = charset != UTF16LE;
    uint32_t at = 0;
    char bytes[4];

    if (charset == UTF16 && b.size >= 2 && (unit_at(b, 0, true) == 0xfeff || unit_at(b, 0, true) == 0xfffe)) {
        big = unit_at(b, 0, true) == 0xfeff;
        at = 2;
    }
    for (; at + 2 <= b.size; at += 2) {
        uint32_t c = unit_at(b, at, big);
        size_t size;

        if (c >= 0xd800 && c < 0xdc00 && at + 4 <= b.size) {
            uint32_t low = unit_at(b, at + 2, big);

            if (low >= 0xdc00 && low < 0xe000) {
                c = 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00);
                at += 2;
            }
        }
        size = sx_utf8_write(bytes, c);
        if (size == 0)
            return sx_call_fail(call, "half a pair of UTF-16 at byte %u", at + 1);
        sx_text_add(&text, bytes, size);
    }
    return at < b.size ? sx_call_fail(call, "UTF-16 has two bytes a unit; these are %u", b.size)
                       : sx_text_value(&text);
}

static struct sx_value decode(struct sx_call *call, const struct sx_value *args, uint32_t count)
{
    struct sx_slice b = sx_value_slice(args[0]);
    const enum charset charset = charset_of(call, args[1]);
    struct sx_text text = {.call = call};
    char bytes[4];

    if (call->failed)
        return SX_VALUE_NULL;
    if (charset == UTF8)
        return sx_utf8_valid(b) ? sx_value_string(b) : sx_call_fail(call, "the bytes are not UTF-8");
    if (charset >= UTF16BE)
        return decode_utf16(call, b, charset);
    for (uint32_t i = 0; i < b.size; i++) {
        unsigned char c = (unsigned char)b.data[i];

        if (charset == ASCII && c >= 0x80)
            return sx_call_fail(call, "the bytes are not ASCII");
        sx_text_add(&text, bytes, sx_utf8_write(bytes, c));
    }
    return sx_text_value(&text);
}

/* ---- Numbers out of bytes -------------------------------------------------------------------- */

/* `arg` of the row is their size: 4 and 8 for ints, 80 for a double. */
static struct sx_value number(struct sx_call *call, const struct sx_value *args, uint32_t count)
{
    const uintptr_t which = (uintptr_t)call->arg;
    const uint32_t size = which == 4 ? 4 : 8;
    bool big = true;
    uint64_t bits = 0;
    double d;

    if (count > 1) {
        big = sx_slice_is(sx_value_slice(args[1]), "BIG_ENDIAN");
        if (!big && !sx_slice_is(sx_value_slice(args[1]), "LITTLE_ENDIAN"))
            return sx_call_fail(call, "the order is \"BIG_ENDIAN\" or \"LITTLE_ENDIAN\"");
    }
    if (args[0].size != size)
        return sx_call_fail(call, "the number has %u bytes; these are %u", size, args[0].size);
    for (uint32_t i = 0; i < size; i++)
        bits = bits << 8 | (unsigned char)args[0].s[big ? i : size - 1 - i];
    if (which == 4)
        return sx_value_int((int32_t)(uint32_t)bits);
    if (which == 8)
        return sx_value_int((int64_t)bits);
    memcpy(&d, &bits, sizeof(d));
    return d - d == 0 ? sx_value_double(d) : sx_call_fail(call, "the bytes are no finite double");
}

#define ROW(sig, text, sample, gives, function, argument)                                      \
    {                                                                                          \
        .signature = sig, .summary = text, .example = sample, .result = gives, .fn = function, \
        .arg = (void *)(uintptr_t)(argument)                                                   \
    }
#define CHARSET_ROW(sig, text, sample, gives, function)                                        \
    {                                                                                          \
        .signature = sig, .summary = text, .example = sample, .result = gives, .fn = function, \
        .prepare = check_charset                                                               \
    }

static const struct sx_function_def rows[] = {
    CHARSET_ROW("encode(s string, charset string) bytes",
                "The bytes of a text in US-ASCII, ISO-8859-1, UTF-8, UTF-16BE, UTF-16LE or UTF-16.",
                "hex(encode(\"ü\", \"UTF-16\"))", "\"FEFF00FC\"", encode),
    CHARSET_ROW("decode(b bytes, charset string) string", "The text of bytes in such a character set.",
                "decode(unhex(\"FC\"), \"ISO-8859-1\")", "\"ü\"", decode),
    ROW("int_from_bytes(b bytes [, order string]) int",
        "The int of 4 bytes, \"BIG_ENDIAN\" unless \"LITTLE_ENDIAN\" is given.",
        "int_from_bytes(unhex(\"000003E8\"))", "1000", number, 4),
    ROW("bigint_from_bytes(b bytes [, order string]) int", "The int of 8 bytes, likewise.",
        "bigint_from_bytes(unhex(\"E803000000000000\"), \"LITTLE_ENDIAN\")", "1000", number, 8),
    ROW("double_from_bytes(b bytes [, order string]) double", "The double of 8 bytes, likewise.",
        "double_from_bytes(unhex(\"3FF8000000000000\"))", "1.5", number, 80),
};

const struct sx_function_table sx_functions_charsets = SX_ROWS_OF("charsets", rows);
