/* json_number.c: numbers that need more than a division. */
#include "engine/format/json_number.h"

/* The power of ten of the first digit that is not 0, about: 12.5 has 1, 0.03 has -2. Exponents of
 * absurd size are held at a million. */
static long magnitude(const char *at, const char *end)
{
    const char *point = NULL, *first = NULL;
    long exponent = 0, power;
    bool minus = false;

    for (; at < end && (*at | 0x20) != 'e'; at++) {
        if (*at == '.')
            point = at;
        else if (*at != '-' && *at != '0' && first == NULL)
            first = at;
    }
    if (first == NULL)
        return -1000000;
    power = point == NULL ? at - first - 1 : point > first ? point - first - 1 : point - first;
    if (at < end) {
        minus = at[1] == '-';
        for (at += 1 + (at[1] == '-' || at[1] == '+'); at < end && exponent < 1000000; at++)
            exponent = exponent * 10 + (*at - '0');
    }
    return minus ? power - exponent : power + exponent;
}

enum sx_json_number sx_json_number_exact(const char *at, const char *end, double *value)
{
    if (sx_read_double(sx_slice(at, (size_t)(end - at)), value))
        return SX_JSON_NUMBER;
    /* Too small is 0, as everywhere; too large is an error, as there is no infinity. */
    if (magnitude(at, end) >= 0)
        return SX_JSON_NUMBER_RANGE;
    *value = *at == '-' ? -0.0 : 0.0;
    return SX_JSON_NUMBER;
}
