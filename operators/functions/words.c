/* words.c: texts taken apart, chosen among, and made from code points. */
#include "operators/functions/common.h"

/* ---- Taking apart ---------------------------------------------------------------------------- */

static struct sx_value split(struct sx_call *call, const struct sx_value *args, uint32_t count)
{
    struct sx_slice s = sx_value_slice(args[0]), between = sx_value_slice(args[1]);
    const char *from = s.data, *end = s.data + s.size, *found;
    struct sx_items items = {.call = call};

    if (between.size == 0) {
        while (from < end && !call->failed) {
            const char *start = from;

            sx_utf8_next(&from, end);
            sx_items_add(&items, sx_value_string(sx_slice(start, (size_t)(from - start))));
        }
        return sx_items_array(&items);
    }
    while ((found = sx_find(s, from, between)) != NULL && !call->failed) {
        sx_items_add(&items, sx_value_string(sx_slice(from, (size_t)(found - from))));
        from = found + between.size;
    }
    sx_items_add(&items, sx_value_string(sx_slice(from, (size_t)(end - from))));
    return sx_items_array(&items);
}

static struct sx_value split_to_map(struct sx_call *call, const struct sx_value *args, uint32_t count)
{
    struct sx_slice s = sx_value_slice(args[0]), entries = sx_value_slice(args[1]);
    struct sx_slice inside = sx_value_slice(args[2]);
    const char *from = s.data, *end = s.data + s.size;
    struct sx_items items = {.call = call};

    if (entries.size == 0 || inside.size == 0)
        return SX_VALUE_NULL;
    while (from < end && !call->failed) {
        const char *stop = sx_find(s, from, entries), *found;
        struct sx_slice entry = sx_slice(from, (size_t)((stop ? stop : end) - from));

        found = sx_find(entry, entry.data, inside);
        if (found != NULL) {
            const char *value = found + inside.size;

            sx_items_add(&items, sx_value_string(sx_slice(from, (size_t)(found - from))));
            sx_items_add(&items, sx_value_string(sx_slice(value, (size_t)(entry.data + entry.size - value))));
        }
        from = stop ? stop + entries.size : end;
    }
    return sx_items_map(&items);
}

/* ---- Choosing -------------------------------------------------------------------------------- */

static struct sx_value elt(struct sx_call *call, const struct sx_value *args, uint32_t count)
{
    if (args[0].kind == SX_NULL || args[0].i < 1 || args[0].i >= (int64_t)count)
        return SX_VALUE_NULL;
    return args[args[0].i];
}

static struct sx_value field(struct sx_call *call, const struct sx_value *args, uint32_t count)
{
    if (args[0].kind == SX_NULL)
        return sx_value_int(0);
    for (uint32_t i = 1; i < count; i++)
        if (args[i].kind != SX_NULL && sx_value_equal(args[0], args[i]))
            return sx_value_int(i);
    return sx_value_int(0);
}

/* ---- Characters ------------------------------------------------------------------------------ */

static struct sx_value character(struct sx_call *call, int64_t code)
{
    char *text = sx_arena_alloc(call->arena, 4);
    size_t size = code < 0 || code > 0x10ffff ? 0 : sx_utf8_write(text, (uint32_t)code);

    return size ? sx_value_string(sx_slice(text, size)) : SX_VALUE_NULL;
}

static struct sx_value chr(struct sx_call *call, const struct sx_value *args, uint32_t count)
{
    return character(call, args[0].i);
}

/* `\u597d` at the start of a text; -1: it is not there. */
static int64_t read_escape(struct sx_slice text)
{
    int64_t code = 0;

    if (text.size < 6 || text.data[0] != '\\' || (text.data[1] != 'u' && text.data[1] != 'U'))
        return -1;
    for (int i = 2; i < 6; i++) {
        int digit = sx_hex_digit(text.data[i]);

        if (digit < 0)
            return -1;
        code = code << 4 | digit;
    }
    return code;
}

/* One escape, or two that are a surrogate pair. */
static struct sx_value chr_of_text(struct sx_call *call, const struct sx_value *args, uint32_t count)
{
    struct sx_slice text = sx_value_slice(args[0]);
    int64_t code = read_escape(text), low;

    if (text.size == 6)
        return character(call, code);
    low = text.size == 12 ? read_escape(sx_slice(text.data + 6, 6)) : -1;
    if (code < 0xd800 || code > 0xdbff || low < 0xdc00 || low > 0xdfff)
        return SX_VALUE_NULL;
    return character(call, 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00));
}

static struct sx_value ascii(struct sx_call *call, const struct sx_value *args, uint32_t count)
{
    const char *at = args[0].s;

    return sx_value_int(args[0].size ? sx_utf8_next(&at, at + args[0].size) : 0);
}

static const struct sx_function_def rows[] = {
    {.signature = "split(s string, between string) array<string>",
     .summary = "The pieces between a separator; an empty separator gives the characters.",
     .example = "split(\"a,b,,c\", \",\")",
     .result = "[\"a\",\"b\",\"\",\"c\"]",
     .fn = split},
    {.signature = "split_to_map(s string, between_entries string, between_key_and_value string) map<string>",
     .summary = "The entries of a text as a map; those without the second separator are left out.",
     .example = "split_to_map(\"a=1;b=2;c\", \";\", \"=\")",
     .result = "{\"a\":\"1\",\"b\":\"2\"}",
     .fn = split_to_map},
    {.signature = "elt(n int, a T...) T",
     .summary = "The n-th of the arguments, null if there is none.",
     .example = "elt(2, \"a\", \"b\", \"c\")",
     .result = "\"b\"",
     .flags = SX_FUNCTION_NULLS,
     .fn = elt},
    {.signature = "field(x T, a T...) int",
     .summary = "The position of the first argument that equals x, 0 if none does.",
     .example = "field(\"b\", \"a\", \"b\", \"c\")",
     .result = "2",
     .flags = SX_FUNCTION_NULLS,
     .fn = field},
    {.signature = "chr(code int) string",
     .summary = "The character of a code point; null if there is none.",
     .example = "chr(22909)",
     .result = "\"好\"",
     .fn = chr},
    {.signature = "chr(text string) string",
     .summary = "The character of an escape text such as \\u597d; null if it is none.",
     .example = "chr(r\"\\u597d\")",
     .result = "\"好\"",
     .fn = chr_of_text},
    {.signature = "ascii(s string) int",
     .summary = "The code point of the first character; 0 of an empty text.",
     .example = "ascii(\"A\")",
     .result = "65",
     .fn = ascii},
};

const struct sx_function_table sx_functions_words = SX_ROWS_OF("words", rows);
