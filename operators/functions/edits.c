/* edits.c: texts as Flink changes them: finding places, parts put in, characters swapped. */
#include "operators/functions/common.h"

/* ---- Places ---------------------------------------------------------------------------------- */

/* locate(sub, s [, start]); a start below 1 finds nothing. */
static struct sx_value locate(struct sx_call *call, const struct sx_value *args, uint32_t count)
{
    struct sx_slice what = sx_value_slice(args[0]), s = sx_value_slice(args[1]);
    const int64_t start = count > 2 ? args[2].i : 1;
    const char *from, *found;

    if (start < 1 || start - 1 > (int64_t)sx_utf8_length(s))
        return sx_value_int(0);
    from = sx_utf8_skip(s, (uint64_t)start - 1);
    found = sx_find(s, from, what);
    if (what.size == 0)
        return sx_value_int(start);
    return sx_value_int(found ? start + (int64_t)sx_utf8_length(sx_slice(from, (size_t)(found - from))) : 0);
}

/* The piece number n, from 0, between separators; only the pieces before it are looked at. */
static struct sx_value split_index(struct sx_call *call, const struct sx_value *args, uint32_t count)
{
    struct sx_slice s = sx_value_slice(args[0]), between = sx_value_slice(args[1]);
    const char *from = s.data, *end = s.data + s.size, *found;

    if (args[2].i < 0 || between.size == 0)
        return SX_VALUE_NULL;
    for (int64_t n = args[2].i;; n--) {
        found = sx_find(s, from, between);
        if (n == 0)
            return sx_value_string(sx_slice(from, (size_t)((found ? found : end) - from)));
        if (found == NULL)
            return SX_VALUE_NULL;
        from = found + between.size;
    }
}

/* ---- Changes --------------------------------------------------------------------------------- */

static struct sx_value overlay(struct sx_call *call, const struct sx_value *args, uint32_t count)
{
    struct sx_slice s = sx_value_slice(args[0]), by = sx_value_slice(args[1]);
    const int64_t size = sx_utf8_length(s), start = args[2].i;
    const int64_t len = SX_MAX(count > 3 ? args[3].i : (int64_t)sx_utf8_length(by), 0);
    struct sx_text text = {.call = call};
    const char *from, *rest;

    if (start < 1 || start > size)
        return args[0];
    from = sx_utf8_skip(s, (uint64_t)start - 1);
    rest = sx_utf8_skip(sx_slice(from, (size_t)(s.data + s.size - from)), (uint64_t)len);
    sx_text_add(&text, s.data, (size_t)(from - s.data));
    sx_text_add_slice(&text, by);
    sx_text_add(&text, rest, (size_t)(s.data + s.size - rest));
    return sx_text_value(&text);
}

static struct sx_value translate(struct sx_call *call, const struct sx_value *args, uint32_t count)
{
    struct sx_slice set = sx_value_slice(args[1]), by = sx_value_slice(args[2]);
    const char *at = args[0].s, *end = at + args[0].size;
    struct sx_text text = {.call = call};

    if (set.size > SX_SET_BYTES_MAX)
        return sx_call_fail(call, "translate takes at most %u bytes of characters", SX_SET_BYTES_MAX);
    while (at < end) {
        const char *start = at, *to, *to_end;
        int64_t place = sx_utf8_place(set, sx_utf8_next(&at, end));

        if (place < 0) {
            sx_text_add(&text, start, (size_t)(at - start));
            continue;
        }
        to = to_end = sx_utf8_skip(by, (uint64_t)place);
        if (to < by.data + by.size)
            sx_utf8_next(&to_end, by.data + by.size);
        sx_text_add(&text, to, (size_t)(to_end - to));
    }
    return sx_text_value(&text);
}

/* ---- Maps of texts --------------------------------------------------------------------------- */

static struct sx_value str_to_map(struct sx_call *call, const struct sx_value *args, uint32_t count)
{
    struct sx_slice s = sx_value_slice(args[0]);
    struct sx_slice entries = count > 1 ? sx_value_slice(args[1]) : SX_SLICE(",");
    struct sx_slice inside = count > 2 ? sx_value_slice(args[2]) : SX_SLICE("=");
    const char *from = s.data, *end = s.data + s.size;
    struct sx_items items = {.call = call};

    if (entries.size == 0 || inside.size == 0)
        return sx_call_fail(call, "a separator is empty");
    while (from < end && !call->failed) {
        const char *stop = sx_find(s, from, entries), *found;
        struct sx_slice entry = sx_slice(from, (size_t)((stop ? stop : end) - from));
        const char *entry_end = entry.data + entry.size;

        found = sx_find(entry, entry.data, inside);
        sx_items_add(&items, sx_value_string(sx_slice(from, (size_t)((found ? found : entry_end) - from))));
        sx_items_add(&items, found ? sx_value_string(sx_slice(found + inside.size,
                                                              (size_t)(entry_end - found) - inside.size))
                                   : SX_VALUE_NULL);
        from = stop ? stop + entries.size : end;
    }
    return sx_items_map(&items);
}

#define ROW(sig, text, sample, gives, function, argument)                                      \
    {                                                                                          \
        .signature = sig, .summary = text, .example = sample, .result = gives, .fn = function, \
        .arg = (void *)(uintptr_t)(argument)                                                   \
    }

static const struct sx_function_def rows[] = {
    ROW("position(sub string, s string) int", "Where a text is found in another, from 1; 0 if it is not.",
        "position(\"rea\", \"stream\")", "3", locate, 0),
    ROW("locate(sub string, s string [, start int]) int",
        "Where a text is found from a position on; 0 if it is not, or the position is below 1.",
        "locate(\"a\", \"banana\", 3)", "4", locate, 0),
    ROW("split_index(s string, between string, n int) string",
        "The piece number n between separators, from 0, as Flink counts; null if there is none.",
        "split_index(\"a,b,c\", \",\", 1)", "\"b\"", split_index, 0),
    ROW("overlay(s string, by string, start int [, len int]) string",
        "With `len` characters from `start` on replaced, as many as `by` has unless given; unchanged "
        "when the position is outside.",
        "overlay(\"stream\", \"XX\", 3, 1)", "\"stXXeam\"", overlay, 0),
    ROW("translate(s string, set string, by string) string",
        "Each character of a set replaced by that at its place in `by`, or left out if there is none.",
        "translate(\"stream\", \"tea\", \"TE\")", "\"sTrEm\"", translate, 0),
    ROW("str_to_map(s string [, between_entries string [, between_key_and_value string]]) map<string>",
        "The entries of a text as a map, by separators that are plain texts, `,` and `=` unless given; one "
        "without the second separator has a null value.",
        "str_to_map(\"a=1,b=2,c\")", "{\"a\":\"1\",\"b\":\"2\",\"c\":null}", str_to_map, 0),
};

const struct sx_function_table sx_functions_edits = SX_ROWS_OF("edits", rows);
