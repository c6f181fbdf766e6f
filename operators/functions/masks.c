/* masks.c: hiding what texts say, as ksqlDB does, and asking what their characters are. */
#include "operators/functions/common.h"

#include <wctype.h>

/* ---- Masks ----------------------------------------------------------------------------------- */

enum kind { UPPER, LOWER, DIGIT, OTHER, KINDS };

/* Which characters are masked: all, the first or last n, or all but those. */
enum which { ALL, LEFT, RIGHT, BUT_LEFT, BUT_RIGHT };

static enum kind kind_of(locale_t locale, uint32_t c)
{
    if (c < 0x80)
        return c >= 'A' && c <= 'Z'   ? UPPER
               : c >= 'a' && c <= 'z' ? LOWER
               : c >= '0' && c <= '9' ? DIGIT
                                      : OTHER;
    if (locale == (locale_t)0)
        return OTHER;
    return iswupper_l((wint_t)c, locale) ? UPPER : iswlower_l((wint_t)c, locale) ? LOWER : OTHER;
}

/* The characters that stand for the four kinds; data NULL: what is of this kind stays. */
static bool read_signs(struct sx_call *call, const struct sx_value *args, uint32_t count,
                       struct sx_slice signs[KINDS])
{
    static const struct sx_slice usual[KINDS] = {SX_SLICE("X"), SX_SLICE("x"), SX_SLICE("n"), SX_SLICE("-")};

    for (uint32_t i = 0; i < KINDS; i++) {
        signs[i] = i >= count                ? usual[i]
                   : args[i].kind == SX_NULL ? (struct sx_slice){0}
                                             : sx_value_slice(args[i]);
        if (i < count && args[i].kind != SX_NULL && sx_utf8_length(signs[i]) != 1) {
            sx_call_fail(call, "what masks a character is one character, or null to leave it");
            return false;
        }
    }
    return true;
}

/* `arg` of the row is which; all but ALL have a number as their second argument. */
static struct sx_value mask(struct sx_call *call, const struct sx_value *args, uint32_t count)
{
    const enum which which = (enum which)(uintptr_t)call->arg;
    const uint32_t before = which == ALL ? 1 : 2;
    const char *at = args[0].s, *end = at + args[0].size;
    struct sx_slice signs[KINDS];
    struct sx_text text = {.call = call};
    int64_t size, from = 0, to;
    locale_t locale;

    if (args[0].kind == SX_NULL || (which != ALL && args[1].kind == SX_NULL))
        return SX_VALUE_NULL;
    if (which != ALL && args[1].i < 0)
        return sx_call_fail(call, "the number of characters is not negative");
    if (!read_signs(call, args + before, count - before, signs))
        return SX_VALUE_NULL;
    to = size = sx_utf8_length(sx_value_slice(args[0]));
    if (which == LEFT)
        to = args[1].i;
    else if (which == RIGHT)
        from = size - args[1].i;
    else if (which == BUT_LEFT)
        from = args[1].i;
    else if (which == BUT_RIGHT)
        to = size - args[1].i;
    locale = sx_locale_take(call);
    for (int64_t i = 0; at < end; i++) {
        const char *start = at;
        enum kind kind = kind_of(locale, sx_utf8_next(&at, end));

        if (i >= from && i < to && signs[kind].data != NULL)
            sx_text_add_slice(&text, signs[kind]);
        else
            sx_text_add(&text, start, (size_t)(at - start));
    }
    sx_locale_give_back(call, locale);
    return sx_text_value(&text);
}

/* ---- Classes --------------------------------------------------------------------------------- */

static struct sx_value is_alpha(struct sx_call *call, const struct sx_value *args, uint32_t count)
{
    const char *at = args[0].s, *end = at + args[0].size;
    bool letters = args[0].kind != SX_NULL && args[0].size;
    locale_t locale;

    if (!letters)
        return sx_value_bool(false);
    locale = sx_locale_take(call);
    while (letters && at < end) {
        uint32_t c = sx_utf8_next(&at, end);

        letters =
            c < 0x80 ? kind_of(locale, c) < DIGIT : locale != (locale_t)0 && iswalpha_l((wint_t)c, locale);
    }
    sx_locale_give_back(call, locale);
    return sx_value_bool(letters);
}

static bool skip_digits(struct sx_slice s, uint32_t *at)
{
    const uint32_t start = *at;

    while (*at < s.size && s.data[*at] >= '0' && s.data[*at] <= '9')
        ++*at;
    return *at > start;
}

static struct sx_value is_digit(struct sx_call *call, const struct sx_value *args, uint32_t count)
{
    uint32_t at = 0;

    return sx_value_bool(args[0].kind != SX_NULL && skip_digits(sx_value_slice(args[0]), &at) &&
                         at == args[0].size);
}

/* [+-] digits [. digits] [e [+-] digits], where digits on one side of the point are enough. */
static struct sx_value is_decimal(struct sx_call *call, const struct sx_value *args, uint32_t count)
{
    struct sx_slice s = args[0].kind == SX_NULL ? (struct sx_slice){0} : sx_value_slice(args[0]);
    uint32_t at = s.size && (s.data[0] == '+' || s.data[0] == '-');
    bool is = skip_digits(s, &at);

    if (at < s.size && s.data[at] == '.') {
        at++;
        is |= skip_digits(s, &at);
    }
    if (is && at < s.size && (s.data[at] == 'e' || s.data[at] == 'E')) {
        at++;
        at += at < s.size && (s.data[at] == '+' || s.data[at] == '-');
        is = skip_digits(s, &at);
    }
    return sx_value_bool(is && at == s.size);
}

#define ROW(sig, text, sample, gives, function, argument)                                                  \
    {                                                                                                      \
        .signature = sig, .summary = text, .example = sample, .result = gives, .flags = SX_FUNCTION_NULLS, \
        .fn = function, .arg = (void *)(uintptr_t)(argument), .prepare = sx_locale_prepare,                \
        .release = sx_locale_release                                                                       \
    }
#define SIGNS "[, upper string [, lower string [, digit string [, other string]]]]"

static const struct sx_function_def rows[] = {
    ROW("mask(s string " SIGNS ") string",
        "Upper case as `X`, lower case as `x`, digits as `n`, the rest `-` unless others are given; a null "
        "one leaves its kind.",
        "mask(\"My Test $123\")", "\"Xx-Xxxx--nnn\"", mask, ALL),
    ROW("mask_left(s string, n int " SIGNS ") string", "The first n characters masked, as `mask` does.",
        "mask_left(\"My Test $123\", 4)", "\"Xx-Xest $123\"", mask, LEFT),
    ROW("mask_right(s string, n int " SIGNS ") string", "The last n characters masked, as `mask` does.",
        "mask_right(\"My Test $123\", 4)", "\"My Test -nnn\"", mask, RIGHT),
    ROW("mask_keep_left(s string, n int " SIGNS ") string", "All but the first n characters masked.",
        "mask_keep_left(\"My Test $123\", 4)", "\"My Txxx--nnn\"", mask, BUT_LEFT),
    ROW("mask_keep_right(s string, n int " SIGNS ") string", "All but the last n characters masked.",
        "mask_keep_right(\"My Test $123\", 4, null, \"*\")", "\"M*-T***-$123\"", mask, BUT_RIGHT),
    ROW("is_alpha(s string) bool", "Is it letters alone, at least one? False for null.",
        "is_alpha(\"Straße\")", "true", is_alpha, 0),
    ROW("is_digit(s string) bool", "Is it the digits 0 to 9 alone, at least one? False for null.",
        "is_digit(\"12.5\")", "false", is_digit, 0),
    ROW("is_decimal(s string) bool", "Is it a number, with a sign, a point or an exponent? False for null.",
        "is_decimal(\"-12.5e3\")", "true", is_decimal, 0),
};

const struct sx_function_table sx_functions_masks = SX_ROWS_OF("masks", rows);
