/* json_number.h: the numbers of JSON, strictly: no plus, no leading zero, digits on both sides of a
 * point. Private to the JSON format; inline, because a record is mostly numbers. */
#ifndef SX_FORMAT_JSON_NUMBER_H
#define SX_FORMAT_JSON_NUMBER_H

#include "engine/base/text.h"

enum sx_json_number {
    SX_JSON_NUMBER,
    SX_JSON_NUMBER_OTHER, /* not a number, or not of the form asked for */
    SX_JSON_NUMBER_RANGE  /* a number that does not fit */
};

static inline bool sx_json_is_digit(char c) { return (unsigned char)(c - '0') < 10; }

/* Are [at, end) only white space? */
static inline bool sx_json_only_space(const char *at, const char *end)
{
    while (at < end && (*at == ' ' || *at == '\n' || *at == '\r' || *at == '\t'))
        at++;
    return at == end;
}

/* Digits from `at`, at most 19 of them added to *value without overflow; behind the last digit. */
static inline const char *sx_json_digits(const char *at, const char *end, uint64_t *value)
{
    const char *most = end - at > 19 ? at + 19 : end;
    uint64_t v = *value, eight;

    while (most - at >= 8) {
        memcpy(&eight, at, 8);
        if ((eight & 0xf0f0f0f0f0f0f0f0ull) != 0x3030303030303030ull ||
            ((eight + 0x0606060606060606ull) & 0xf0f0f0f0f0f0f0f0ull) != 0x3030303030303030ull)
            break;
        /* Pairs, then fours, then eight: three multiplications for eight digits. */
        eight = (eight & 0x0f0f0f0f0f0f0f0full) * 2561 >> 8;
        eight = (eight & 0x00ff00ff00ff00ffull) * 6553601 >> 16;
        eight = (eight & 0x0000ffff0000ffffull) * 42949672960001ull >> 32;
        v = v * 100000000 + eight;
        at += 8;
    }
    while (at < most && sx_json_is_digit(*at))
        v = v * 10 + (uint64_t)(*at++ - '0');
    *value = v;
    return at;
}

/* The number that begins at `at` and is all of [at, end) but for white space behind it. */
static inline enum sx_json_number sx_json_number_int(const char *at, const char *end, int64_t *value)
{
    bool minus = *at == '-';
    const char *from = at + minus, *to;
    uint64_t v = 0;

    to = sx_json_digits(from, end, &v);
    if (to == from || (*from == '0' && to - from > 1))
        return SX_JSON_NUMBER_OTHER;
    if (SX_UNLIKELY(to < end && !sx_json_only_space(to, end))) {
        while (to < end && sx_json_is_digit(*to))
            to++;
        return sx_json_only_space(to, end) ? SX_JSON_NUMBER_RANGE : SX_JSON_NUMBER_OTHER;
    }
    if (SX_UNLIKELY(v > (uint64_t)INT64_MAX + minus))
        return SX_JSON_NUMBER_RANGE;
    *value = (int64_t)(minus ? 0 - v : v);
    return SX_JSON_NUMBER;
}

/* What the short way cannot do exactly; [at, end) is a JSON number. */
enum sx_json_number sx_json_number_exact(const char *at, const char *end, double *value);

static inline enum sx_json_number sx_json_number_double(const char *at, const char *end, double *value)
{
    static const double powers[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
                                    1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
    bool minus = *at == '-', plain = true;
    const char *from = at + minus, *to, *p;
    uint64_t v = 0;
    long fraction = 0;

    to = sx_json_digits(from, end, &v);
    if (to == from || (*from == '0' && to - from > 1))
        return SX_JSON_NUMBER_OTHER;
    for (; to < end && sx_json_is_digit(*to); to++)
        plain = false;
    if (to < end && *to == '.') {
        const char *point = to++;

        if (to - from <= 19) { /* so that both parts together stay below 2^64 */
            const char *most = end - to > 19 - (point - from) ? to + (19 - (point - from)) : end;

            to = sx_json_digits(to, most, &v);
        }
        fraction = to - point - 1;
        for (p = to; to < end && sx_json_is_digit(*to); to++)
            ;
        plain &= to == p;
        if (to == point + 1)
            return SX_JSON_NUMBER_OTHER;
    }
    if (to < end && (*to | 0x20) == 'e') {
        to++;
        to += to < end && (*to == '+' || *to == '-');
        for (p = to; to < end && sx_json_is_digit(*to); to++)
            ;
        if (to == p)
            return SX_JSON_NUMBER_OTHER;
        plain = false;
    }
    if (SX_UNLIKELY(to < end && !sx_json_only_space(to, end)))
        return SX_JSON_NUMBER_OTHER;
    /* Both are exact in a double, so the division is rounded once, correctly (Clinger). */
    if (SX_LIKELY(plain && v < 1ull << 53 && fraction <= 22)) {
        *value = (double)v / powers[fraction];
        if (minus)
            *value = -*value;
        return SX_JSON_NUMBER;
    }
    return sx_json_number_exact(at, to, value);
}

#endif
