/* bytes.c: texts and bytes: encodings. */
#include "operators/functions/common.h"

enum encoding { HEX, BASE64, ASCII, UTF8, UNKNOWN };

static enum encoding encoding_of(struct sx_call *call, struct sx_value name)
{
    static const char *const names[] = {"hex", "base64", "ascii", "utf8"};

    for (size_t i = 0; i < SX_COUNT(names); i++)
        if (sx_slice_is(sx_value_slice(name), names[i]))
            return (enum encoding)i;
    sx_call_fail(call, "unknown encoding \"%.*s\"; hex, base64, ascii and utf8 are known",
                 (int)SX_MIN(name.size, 32u), name.size ? name.s : "");
    return UNKNOWN;
}

/* Digits in any case, also as `0x..` or `X'..'`. */
static struct sx_value from_hex(struct sx_call *call, struct sx_slice s)
{
    char *bytes = sx_arena_alloc(call->arena, s.size / 2 + 1);

    if (s.size >= 2 && s.data[0] == '0' && (s.data[1] == 'x' || s.data[1] == 'X'))
        s = sx_slice(s.data + 2, s.size - 2);
    else if (s.size >= 3 && (s.data[0] == 'X' || s.data[0] == 'x') && s.data[1] == '\'' &&
             s.data[s.size - 1] == '\'')
        s = sx_slice(s.data + 2, s.size - 3);
    if (s.size % 2 != 0)
        return sx_call_fail(call, "hex text has two digits a byte; these are %u", s.size);
    for (uint32_t i = 0; i < s.size; i += 2) {
        int high = sx_hex_digit(s.data[i]), low = sx_hex_digit(s.data[i + 1]);

        if (high < 0 || low < 0)
            return sx_call_fail(call, "not a hex digit at character %u", i + 1 + (high >= 0));
        bytes[i / 2] = (char)(high << 4 | low);
    }
    return sx_value_bytes(sx_slice(bytes, s.size / 2));
}

static bool is_ascii(struct sx_slice s)
{
    for (uint32_t i = 0; i < s.size; i++)
        if ((unsigned char)s.data[i] >= 0x80)
            return false;
    return true;
}

static struct sx_value to_bytes(struct sx_call *call, const struct sx_value *args, uint32_t count)
{
    struct sx_slice s = sx_value_slice(args[0]), copy;
    struct sx_buffer bytes = {0};
    bool done;

    switch (encoding_of(call, args[1])) {
    case HEX:
        return from_hex(call, s);
    case BASE64:
        done = sx_read_base64(&bytes, s);
        copy = sx_arena_copy(call->arena, sx_buffer_slice(&bytes));
        sx_buffer_free(&bytes);
        return done ? sx_value_bytes(copy) : sx_call_fail(call, "the text is not base64");
    case ASCII:
        return is_ascii(s) ? sx_value_bytes(s) : sx_call_fail(call, "the text is not ASCII");
    case UTF8:
        return sx_value_bytes(s);
    default:
        return SX_VALUE_NULL;
    }
}

static struct sx_value from_bytes(struct sx_call *call, const struct sx_value *args, uint32_t count)
{
    struct sx_slice b = sx_value_slice(args[0]), copy;
    struct sx_text text = {.call = call};
    struct sx_buffer base64 = {0};

    switch (encoding_of(call, args[1])) {
    case HEX:
        sx_text_add_hex(&text, b, "0123456789ABCDEF");
        return sx_text_value(&text);
    case BASE64:
        sx_add_base64(&base64, b);
        copy = sx_arena_copy(call->arena, sx_buffer_slice(&base64));
        sx_buffer_free(&base64);
        return sx_value_string(copy);
    case ASCII:
        return is_ascii(b) ? sx_value_string(b) : sx_call_fail(call, "the bytes are not ASCII");
    case UTF8:
        return sx_utf8_valid(b) ? sx_value_string(b) : sx_call_fail(call, "the bytes are not UTF-8");
    default:
        return SX_VALUE_NULL;
    }
}

/* Flink's pair: the text's bytes as base64, and back. */
static struct sx_value to_base64(struct sx_call *call, const struct sx_value *args, uint32_t count)
{
    const struct sx_value with[2] = {args[0], sx_value_string(SX_SLICE("base64"))};

    return from_bytes(call, with, 2);
}

static struct sx_value from_base64(struct sx_call *call, const struct sx_value *args, uint32_t count)
{
    struct sx_value with[2] = {args[0], sx_value_string(SX_SLICE("base64"))};

    with[0] = to_bytes(call, with, 2);
    with[1] = sx_value_string(SX_SLICE("utf8"));
    return call->failed ? SX_VALUE_NULL : from_bytes(call, with, 2);
}

static const struct sx_function_def rows[] = {
    {.signature = "to_bytes(s string, encoding string) bytes",
     .summary = "The bytes that a text stands for: hex, base64, ascii or utf8.",
     .example = "to_bytes(\"0x4869\", \"hex\")",
     .result = "\"SGk=\"",
     .fn = to_bytes},
    {.signature = "from_bytes(b bytes, encoding string) string",
     .summary = "Bytes as a text: hex, base64, ascii or utf8.",
     .example = "from_bytes(to_bytes(\"Hi!\", \"utf8\"), \"hex\")",
     .result = "\"486921\"",
     .fn = from_bytes},
    {.signature = "to_base64(s string) string",
     .summary = "A text's bytes as base64.",
     .example = "to_base64(\"Hi!\")",
     .result = "\"SGkh\"",
     .fn = to_base64},
    {.signature = "to_base64(b bytes) string",
     .summary = "Bytes as base64.",
     .example = "to_base64(to_bytes(\"486921\", \"hex\"))",
     .result = "\"SGkh\"",
     .fn = to_base64},
    {.signature = "from_base64(s string) string",
     .summary = "The text whose bytes stand there as base64.",
     .example = "from_base64(\"SGkh\")",
     .result = "\"Hi!\"",
     .fn = from_base64},
};

const struct sx_function_table sx_functions_bytes = SX_ROWS_OF("bytes", rows);
