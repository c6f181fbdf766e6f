/* strings.c: texts: case, parts, joining, searching. */
#include "operators/functions/common.h"

#include <wctype.h>

/* ---- Case ------------------------------------------------------------------------------------ */

static uint32_t change_case(locale_t locale, uint32_t c, bool up)
{
    if (c < 0x80)
        return up ? (c >= 'a' && c <= 'z' ? c - 32 : c) : (c >= 'A' && c <= 'Z' ? c + 32 : c);
    if (locale == (locale_t)0)
        return c; /* the system has no C.UTF-8 */
    return (uint32_t)(up ? towupper_l((wint_t)c, locale) : towlower_l((wint_t)c, locale));
}

enum case_style { LOWER, UPPER, INITIALS };

static struct sx_value recase(struct sx_call *call, const struct sx_value *args, uint32_t count)
{
    const enum case_style style = (enum case_style)(uintptr_t)call->arg;
    const char *at = args[0].s, *end = at + args[0].size;
    locale_t locale = sx_locale_take(call);
    struct sx_text text = {.call = call};
    bool first = true;

    while (at < end) {
        uint32_t c = sx_utf8_next(&at, end);
        char bytes[4];

        if (c == 0xdf && style == UPPER) { /* the one letter in use whose upper case is two */
            sx_text_add(&text, "SS", 2);
            continue;
        }
        sx_text_add(
            &text, bytes,
            sx_utf8_write(bytes, change_case(locale, c, style == UPPER || (style == INITIALS && first))));
        first = c < 0x80 && sx_is_space((unsigned char)c);
    }
    sx_locale_give_back(call, locale);
    return sx_text_value(&text);
}

/* ---- Ends ------------------------------------------------------------------------------------ */

enum ends { LEFT_END = 1, RIGHT_END = 2 };

/* `arg` of the row says which ends. White space, or the characters of a set. */
static struct sx_value trim(struct sx_call *call, const struct sx_value *args, uint32_t count)
{
    const uintptr_t ends = (uintptr_t)call->arg;
    struct sx_slice set = count > 1 ? sx_value_slice(args[1]) : SX_SLICE("\t\n\v\f\r ");
    const char *at = args[0].s, *end = at + args[0].size;

    if (set.size > SX_SET_BYTES_MAX)
        return sx_call_fail(call, "at most %u bytes of characters are trimmed", SX_SET_BYTES_MAX);
    while ((ends & LEFT_END) && at < end) {
        const char *next = at;

        if (sx_utf8_place(set, sx_utf8_next(&next, end)) < 0)
            break;
        at = next;
    }
    while ((ends & RIGHT_END) && at < end) {
        const char *last = end - 1, *next;

        while (last > at && ((unsigned char)*last & 0xc0) == 0x80)
            last--;
        next = last;
        if (sx_utf8_place(set, sx_utf8_next(&next, end)) < 0)
            break;
        end = last;
    }
    return sx_value_string(sx_slice(at, (size_t)(end - at)));
}

static struct sx_value starts_with(struct sx_call *call, const struct sx_value *args, uint32_t count)
{
    return sx_value_bool(args[1].size <= args[0].size &&
                         sx_slice_equal(sx_slice(args[0].s, args[1].size), sx_value_slice(args[1])));
}

static struct sx_value ends_with(struct sx_call *call, const struct sx_value *args, uint32_t count)
{
    return sx_value_bool(args[1].size <= args[0].size &&
                         sx_slice_equal(sx_slice(args[0].s + (args[0].size - args[1].size), args[1].size),
                                        sx_value_slice(args[1])));
}

/* ---- Size and parts -------------------------------------------------------------------------- */

static struct sx_value length(struct sx_call *call, const struct sx_value *args, uint32_t count)
{
    if (args[0].kind == SX_STRING)
        return sx_value_int(sx_utf8_length(sx_value_slice(args[0])));
    return sx_value_int(args[0].size);
}

static struct sx_value substring(struct sx_call *call, const struct sx_value *args, uint32_t count)
{
    struct sx_slice s = sx_value_slice(args[0]);
    int64_t size = sx_utf8_length(s), start = args[1].i, len = count > 2 ? args[2].i : size;
    const char *from, *to;

    start = start > 0 ? start - 1 : start < 0 ? (start < -size ? 0 : size + start) : 0;
    if (start >= size || len <= 0)
        return sx_value_string(SX_SLICE(""));
    from = sx_utf8_skip(s, (uint64_t)start);
    to = sx_utf8_skip(sx_slice(from, (size_t)(s.data + s.size - from)), (uint64_t)len);
    return sx_value_string(sx_slice(from, (size_t)(to - from)));
}

static struct sx_value left(struct sx_call *call, const struct sx_value *args, uint32_t count)
{
    struct sx_slice s = sx_value_slice(args[0]);
    const char *to = sx_utf8_skip(s, args[1].i > 0 ? (uint64_t)args[1].i : 0);

    return sx_value_string(sx_slice(s.data, (size_t)(to - s.data)));
}

static struct sx_value right(struct sx_call *call, const struct sx_value *args, uint32_t count)
{
    struct sx_slice s = sx_value_slice(args[0]);
    int64_t size = sx_utf8_length(s), n = SX_MAX(SX_MIN(args[1].i, size), 0);
    const char *from = sx_utf8_skip(s, (uint64_t)(size - n));

    return sx_value_string(sx_slice(from, (size_t)(s.data + s.size - from)));
}

static struct sx_value reverse(struct sx_call *call, const struct sx_value *args, uint32_t count)
{
    const char *at = args[0].s, *end = at + args[0].size;
    char *text = sx_arena_alloc(call->arena, (size_t)args[0].size + 1), *to = text + args[0].size;

    while (at < end) {
        const char *start = at;

        sx_utf8_next(&at, end);
        to -= at - start;
        memcpy(to, start, (size_t)(at - start));
    }
    return sx_value_string(sx_slice(text, args[0].size));
}

/* ---- Joining --------------------------------------------------------------------------------- */

static struct sx_value concat(struct sx_call *call, const struct sx_value *args, uint32_t count)
{
    struct sx_text text = {.call = call};

    for (uint32_t i = 0; i < count; i++)
        sx_text_add_slice(&text, sx_value_slice(args[i]));
    return sx_text_value(&text);
}

static struct sx_value concat_ws(struct sx_call *call, const struct sx_value *args, uint32_t count)
{
    struct sx_text text = {.call = call};
    bool first = true;

    if (args[0].kind == SX_NULL)
        return SX_VALUE_NULL;
    for (uint32_t i = 1; i < count; i++) {
        if (args[i].kind == SX_NULL)
            continue;
        if (!first)
            sx_text_add_slice(&text, sx_value_slice(args[0]));
        sx_text_add_slice(&text, sx_value_slice(args[i]));
        first = false;
    }
    return sx_text_value(&text);
}

static struct sx_value repeat(struct sx_call *call, const struct sx_value *args, uint32_t count)
{
    struct sx_text text = {.call = call};

    for (int64_t i = 0; i < args[1].i && args[0].size && !text.full; i++)
        sx_text_add_slice(&text, sx_value_slice(args[0]));
    return sx_text_value(&text);
}

/* Pads or cuts to n characters. */
static struct sx_value pad(struct sx_call *call, const struct sx_value *args, uint32_t count)
{
    const bool at_left = call->arg != NULL;
    struct sx_slice s = sx_value_slice(args[0]), padding = sx_value_slice(args[2]);
    struct sx_text text = {.call = call};
    int64_t n = args[1].i, missing;
    const char *at = padding.data;

    if (n < 0 || padding.size == 0)
        return SX_VALUE_NULL;
    missing = n - sx_utf8_length(s);
    if (missing <= 0)
        return sx_value_string(sx_slice(s.data, (size_t)(sx_utf8_skip(s, (uint64_t)n) - s.data)));
    if (!at_left)
        sx_text_add_slice(&text, s);
    while (missing-- > 0 && !text.full) {
        const char *start = at;

        sx_utf8_next(&at, padding.data + padding.size);
        sx_text_add(&text, start, (size_t)(at - start));
        if (at == padding.data + padding.size)
            at = padding.data;
    }
    if (at_left)
        sx_text_add_slice(&text, s);
    return sx_text_value(&text);
}

/* ---- Searching ------------------------------------------------------------------------------- */

static struct sx_value replace(struct sx_call *call, const struct sx_value *args, uint32_t count)
{
    struct sx_slice s = sx_value_slice(args[0]), what = sx_value_slice(args[1]);
    const char *from = s.data, *found;
    struct sx_text text = {.call = call};

    if (what.size == 0 || sx_find(s, from, what) == NULL)
        return args[0];
    while ((found = sx_find(s, from, what)) != NULL && !text.full) {
        sx_text_add(&text, from, (size_t)(found - from));
        sx_text_add_slice(&text, sx_value_slice(args[2]));
        from = found + what.size;
    }
    sx_text_add(&text, from, (size_t)(s.data + s.size - from));
    return sx_text_value(&text);
}

static bool is_at(struct sx_slice s, const char *at, struct sx_slice what)
{
    return (size_t)(s.data + s.size - at) >= what.size &&
           (what.size == 0 || memcmp(at, what.data, what.size) == 0);
}

/* Occurrences may overlap. Backwards: those that begin at or before the place. */
static struct sx_value instr(struct sx_call *call, const struct sx_value *args, uint32_t count)
{
    struct sx_slice s = sx_value_slice(args[0]), what = sx_value_slice(args[1]);
    int64_t size = sx_utf8_length(s), start = count > 2 ? args[2].i : 1;
    int64_t nth = count > 3 ? args[3].i : 1;
    const char *at;

    if (start == 0 || nth < 1 || start > size || start < -size)
        return sx_value_int(0);
    start = start > 0 ? start : size + start + 1;
    at = sx_utf8_skip(s, (uint64_t)start - 1);
    if (count > 2 && args[2].i < 0) {
        for (; start >= 1; start--) {
            if (is_at(s, at, what) && --nth == 0)
                return sx_value_int(start);
            while (at > s.data && ((unsigned char)*--at & 0xc0) == 0x80)
                continue;
        }
        return sx_value_int(0);
    }
    for (; start <= size; start++) {
        if (is_at(s, at, what) && --nth == 0)
            return sx_value_int(start);
        sx_utf8_next(&at, s.data + s.size);
    }
    return sx_value_int(0);
}

static struct sx_value contains(struct sx_call *call, const struct sx_value *args, uint32_t count)
{
    struct sx_slice s = sx_value_slice(args[0]);

    return sx_value_bool(args[1].size == 0 || sx_find(s, s.data, sx_value_slice(args[1])) != NULL);
}

/* `%` is any text, `_` one character. Greedy with one place to come back to: linear in practice, and
 * never worse than the product of the lengths. */
static struct sx_value like(struct sx_call *call, const struct sx_value *args, uint32_t count)
{
    const char *s = args[0].s, *s_end = s + args[0].size;
    const char *p = args[1].s, *p_end = p + args[1].size;
    const char *back_p = NULL, *back_s = NULL;
    uint32_t escape = 0;

    if (count > 2) {
        const char *e = args[2].s;

        if (args[2].size)
            escape = sx_utf8_next(&e, e + args[2].size);
        if (args[2].size == 0 || e != args[2].s + args[2].size)
            return sx_call_fail(call, "the escape of like is one character");
    }
    for (;;) {
        const char *p_next = p, *s_next = s;
        uint32_t want = p < p_end ? sx_utf8_next(&p_next, p_end) : 0;
        bool literal = false;

        if (p < p_end && count > 2 && want == escape) {
            if (p_next == p_end)
                return sx_call_fail(call, "the pattern of like ends in its escape character");
            want = sx_utf8_next(&p_next, p_end);
            literal = true;
        }
        if (p < p_end && want == '%' && !literal) {
            back_p = p = p_next;
            back_s = s;
            continue;
        }
        if (p == p_end && s == s_end)
            return sx_value_bool(true);
        if (p < p_end && s < s_end && ((want == '_' && !literal) || sx_utf8_next(&s_next, s_end) == want)) {
            if (s_next == s)
                sx_utf8_next(&s_next, s_end);
            p = p_next;
            s = s_next;
            continue;
        }
        if (back_p == NULL || back_s == s_end)
            return sx_value_bool(false);
        sx_utf8_next(&back_s, s_end);
        p = back_p;
        s = back_s;
    }
}

#define ROW(sig, text, sample, gives, nulls, function, argument)                               \
    {                                                                                          \
        .signature = sig, .summary = text, .example = sample, .result = gives, .flags = nulls, \
        .fn = function, .arg = (void *)(uintptr_t)(argument)                                   \
    }
#define CASE_ROW(sig, text, sample, gives, argument)                                                     \
    {                                                                                                    \
        .signature = sig, .summary = text, .example = sample, .result = gives, .fn = recase,             \
        .arg = (void *)(uintptr_t)(argument), .prepare = sx_locale_prepare, .release = sx_locale_release \
    }

static const struct sx_function_def rows[] = {
    CASE_ROW("upper(s string) string", "The text in upper case.", "upper(\"straw-Übung\")", "\"STRAW-ÜBUNG\"",
             UPPER),
    CASE_ROW("lower(s string) string", "The text in lower case.", "lower(\"Ada LOVELACE\")",
             "\"ada lovelace\"", LOWER),
    CASE_ROW("ucase(s string) string", "The text in upper case, as ksqlDB calls it.", "ucase(\"ada\")",
             "\"ADA\"", UPPER),
    CASE_ROW("lcase(s string) string", "The text in lower case, as ksqlDB calls it.", "lcase(\"ADA\")",
             "\"ada\"", LOWER),
    CASE_ROW("initcap(s string) string",
             "The first letter of each word in upper case, the rest in lower case; words are separated by "
             "white space.",
             "initcap(\"tHe some_string\")", "\"The Some_string\"", INITIALS),
    ROW("trim(s string [, set string]) string",
        "The text without white space, or the characters of a set, at its ends.", "trim(\"  a b \")",
        "\"a b\"", 0, trim, LEFT_END | RIGHT_END),
    ROW("btrim(s string [, set string]) string", "What `trim` gives, as Flink calls it.",
        "btrim(\"xyaxbyx\", \"xy\")", "\"axb\"", 0, trim, LEFT_END | RIGHT_END),
    ROW("ltrim(s string [, set string]) string",
        "The text without white space, or the characters of a set, at its start.", "ltrim(\"  a b \")",
        "\"a b \"", 0, trim, LEFT_END),
    ROW("rtrim(s string [, set string]) string",
        "The text without white space, or the characters of a set, at its end.", "rtrim(\"a b00\", \"0\")",
        "\"a b\"", 0, trim, RIGHT_END),
    ROW("length(s string) int", "The number of characters.", "length(\"héllo\")", "5", 0, length, 0),
    ROW("length(b bytes) int", "The number of bytes.", "length(to_bytes(\"00ff\", \"hex\"))", "2", 0, length,
        0),
    ROW("length(a array<T>) int", "The number of elements.", "length([1, 2, null])", "3", 0, length, 0),
    ROW("length(m map<T>) int", "The number of entries.", "length(map { \"a\": 1 })", "1", 0, length, 0),
    ROW("len(s string) int", "The number of characters, as ksqlDB calls it.", "len(\"abc\")", "3", 0, length,
        0),
    ROW("char_length(s string) int", "The number of characters, as Flink calls it.", "char_length(\"abc\")",
        "3", 0, length, 0),
    ROW("character_length(s string) int", "The number of characters, as Flink calls it too.",
        "character_length(\"abc\")", "3", 0, length, 0),
    ROW("substring(s string, start int [, len int]) string",
        "The characters from `start`, which counts from 1 or, negative, from the end.",
        "substring(\"stream\", -3, 2)", "\"ea\"", 0, substring, 0),
    ROW("substr(s string, start int [, len int]) string", "What `substring` gives, as Flink calls it too.",
        "substr(\"stream\", 2, 3)", "\"tre\"", 0, substring, 0),
    ROW("left(s string, n int) string", "The first n characters.", "left(\"stream\", 3)", "\"str\"", 0, left,
        0),
    ROW("right(s string, n int) string", "The last n characters.", "right(\"stream\", 3)", "\"eam\"", 0,
        right, 0),
    ROW("reverse(s string) string", "The characters in reverse order.", "reverse(\"abc\")", "\"cba\"", 0,
        reverse, 0),
    ROW("replace(s string, what string, by string) string", "Every occurrence of a text replaced.",
        "replace(\"a.b.c\", \".\", \"-\")", "\"a-b-c\"", 0, replace, 0),
    ROW("concat(s string...) string", "The texts one after the other; null if one is null.",
        "concat(\"a\", \"b\", \"c\")", "\"abc\"", 0, concat, 0),
    ROW("concat_ws(sep string, s string...) string", "The texts that are not null, with a separator between.",
        "concat_ws(\", \", \"a\", null, \"c\")", "\"a, c\"", SX_FUNCTION_NULLS, concat_ws, 0),
    ROW("repeat(s string, n int) string", "The text n times.", "repeat(\"ab\", 3)", "\"ababab\"", 0, repeat,
        0),
    ROW("lpad(s string, n int, pad string) string",
        "Padded at the left, or cut, to n characters; null if n is negative or the pad empty.",
        "lpad(\"7\", 3, \"0\")", "\"007\"", 0, pad, 1),
    ROW("rpad(s string, n int, pad string) string",
        "Padded at the right, or cut, to n characters; null if n is negative or the pad empty.",
        "rpad(\"ab\", 5, \"xy\")", "\"abxyx\"", 0, pad, 0),
    ROW("instr(s string, sub string [, start int [, nth int]]) int",
        "Where a text is found, from 1; 0 if it is not; a negative start searches backwards.",
        "instr(\"CORPORATE FLOOR\", \"OR\", -3, 2)", "2", 0, instr, 0),
    ROW("contains(s string, sub string) bool", "Is the text in it?", "contains(\"stream\", \"rea\")", "true",
        0, contains, 0),
    ROW("starts_with(s string, prefix string) bool", "Does it begin so?", "starts_with(\"stream\", \"str\")",
        "true", 0, starts_with, 0),
    ROW("ends_with(s string, suffix string) bool", "Does it end so?", "ends_with(\"stream\", \"str\")",
        "false", 0, ends_with, 0),
    ROW("startswith(s string, prefix string) bool", "Does it begin so? As Flink calls it.",
        "startswith(\"stream\", \"str\")", "true", 0, starts_with, 0),
    ROW("startswith(b bytes, prefix bytes) bool", "Do the bytes begin so?",
        "startswith(to_bytes(\"0102\", \"hex\"), to_bytes(\"01\", \"hex\"))", "true", 0, starts_with, 0),
    ROW("endswith(s string, suffix string) bool", "Does it end so? As Flink calls it.",
        "endswith(\"stream\", \"str\")", "false", 0, ends_with, 0),
    ROW("endswith(b bytes, suffix bytes) bool", "Do the bytes end so?",
        "endswith(to_bytes(\"0102\", \"hex\"), to_bytes(\"01\", \"hex\"))", "false", 0, ends_with, 0),
    ROW("like(s string, pattern string [, escape string]) bool",
        "What the operator `like` does: `%` stands for any text, `_` for one character.",
        "like(\"a_b\", \"a!_%\", \"!\")", "true", 0, like, 0),
};

const struct sx_function_table sx_functions_strings = SX_ROWS_OF("strings", rows);
