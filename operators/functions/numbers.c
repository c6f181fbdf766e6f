/* numbers.c: numbers: rounding, powers, logarithms, distances. */
#include "operators/functions/common.h"

#include <math.h>
#include <stdlib.h>

#define DIGITS_MAX 400 /* of rounding: beyond, a double has none to round */

static struct sx_value checked(struct sx_call *call, double d)
{
    return isfinite(d) ? sx_value_double(d) : sx_call_fail(call, "the result is not finite");
}

/* ---- Sign and size --------------------------------------------------------------------------- */

static struct sx_value abs_int(struct sx_call *call, const struct sx_value *args, uint32_t count)
{
    if (args[0].i == INT64_MIN)
        return sx_call_fail(call, "integer overflow: abs(-9223372036854775808)");
    return sx_value_int(args[0].i < 0 ? -args[0].i : args[0].i);
}

static struct sx_value abs_double(struct sx_call *call, const struct sx_value *args, uint32_t count)
{
    return sx_value_double(fabs(args[0].d));
}

static struct sx_value sign_int(struct sx_call *call, const struct sx_value *args, uint32_t count)
{
    return sx_value_int((args[0].i > 0) - (args[0].i < 0));
}

static struct sx_value sign_double(struct sx_call *call, const struct sx_value *args, uint32_t count)
{
    return sx_value_int((args[0].d > 0) - (args[0].d < 0));
}

static struct sx_value same(struct sx_call *call, const struct sx_value *args, uint32_t count)
{
    return args[0];
}

static struct sx_value floor_double(struct sx_call *call, const struct sx_value *args, uint32_t count)
{
    return sx_value_double(floor(args[0].d));
}

static struct sx_value ceil_double(struct sx_call *call, const struct sx_value *args, uint32_t count)
{
    return sx_value_double(ceil(args[0].d));
}

static struct sx_value mod_int(struct sx_call *call, const struct sx_value *args, uint32_t count)
{
    if (args[1].i == 0)
        return sx_call_fail(call, "division by zero");
    return sx_value_int(args[1].i == -1 ? 0 : args[0].i % args[1].i);
}

static struct sx_value mod_double(struct sx_call *call, const struct sx_value *args, uint32_t count)
{
    return args[1].d == 0 ? sx_call_fail(call, "division by zero")
                          : checked(call, fmod(args[0].d, args[1].d));
}

/* ---- Rounding: half up, so away from zero for positive numbers and towards it for negative ones  */

static struct sx_value as_int(struct sx_call *call, double d)
{
    if (!(d >= -0x1p63 && d < 0x1p63))
        return sx_call_fail(call, "the result is out of the range of int");
    return sx_value_int((int64_t)d);
}

static struct sx_value round_double(struct sx_call *call, const struct sx_value *args, uint32_t count)
{
    /* Not floor(x + 0.5): the addition itself rounds, and 0.49999999999999994 would become 1. */
    double below = floor(args[0].d);

    return as_int(call, args[0].d - below >= 0.5 ? below + 1 : below);
}

static struct sx_value trunc_double(struct sx_call *call, const struct sx_value *args, uint32_t count)
{
    return as_int(call, trunc(args[0].d));
}

/* An int, with digits <= 0 left of the point. `arg` of the row is set for round. */
static struct sx_value cut_int(struct sx_call *call, const struct sx_value *args, uint32_t count)
{
    int64_t digits = count > 1 ? args[1].i : 0;
    __int128 unit = 1, x = args[0].i, rest;

    if (digits >= 0)
        return args[0];
    if (digits < -19)
        return sx_value_int(0);
    while (digits++ < 0)
        unit *= 10;
    rest = x % unit;
    x -= rest;
    if (call->arg && rest * 2 >= unit)
        x += unit;
    else if (call->arg && -rest * 2 > unit)
        x -= unit;
    if (x > INT64_MAX || x < INT64_MIN)
        return sx_call_fail(call, "integer overflow in round");
    return sx_value_int((int64_t)x);
}

/* The digits of the shortest text of |x|: 0.d1d2d3... times ten to *point. */
static int digits_of(double x, char *digits, int *point)
{
    char text[SX_NUMBER_BYTES + 1];
    size_t size = sx_write_double(text, fabs(x));
    int count = 0, before = -1;
    long exponent = 0;

    for (size_t i = 0; i < size; i++) {
        if (text[i] == 'e' || text[i] == 'E') {
            text[size] = '\0';
            exponent = strtol(text + i + 1, NULL, 10);
            break;
        }
        if (text[i] == '.')
            before = count;
        else
            digits[count++] = text[i];
    }
    *point = (before < 0 ? count : before) + (int)exponent;
    return count;
}

/* A double with so many digits behind the point. It works on decimal digits, so 1.005 with two is what
 * stands there, 1.01, and not what its binary form is nearest to. */
static struct sx_value cut_double(struct sx_call *call, const struct sx_value *args, uint32_t count)
{
    char digits[SX_NUMBER_BYTES], text[SX_NUMBER_BYTES + 16];
    const bool negative = args[0].d < 0;
    int64_t places = SX_MAX(SX_MIN(args[1].i, DIGITS_MAX), -DIGITS_MAX), keep;
    int point, size = digits_of(args[0].d, digits, &point);
    double result = 0;
    bool up;

    keep = point + places;
    if (keep >= size)
        return args[0];
    if (keep < 0)
        return sx_value_double(0);
    up = digits[keep] > '5';
    if (digits[keep] == '5') {
        up = !negative;
        for (int i = (int)keep + 1; negative && i < size; i++)
            up |= digits[i] != '0';
    }
    /* `keep` digits as a whole number, one more if rounded up, times a power of ten. */
    snprintf(text, sizeof(text), "0%.*s", (int)keep, digits);
    if (call->arg && up) {
        int i = (int)keep;

        while (text[i] == '9')
            text[i--] = '0';
        text[i]++;
    }
    snprintf(text + 1 + keep, sizeof(text) - 1 - (size_t)keep, "e%d", point - (int)keep);
    result = strtod(text, NULL);
    return checked(call, negative && result != 0 ? -result : result);
}

/* Of Flink: the type stays. */
static struct sx_value truncate_double(struct sx_call *call, const struct sx_value *args, uint32_t count)
{
    return count > 1 ? cut_double(call, args, count) : sx_value_double(trunc(args[0].d));
}

/* ---- Powers and logarithms ------------------------------------------------------------------- */

static struct sx_value square_root(struct sx_call *call, const struct sx_value *args, uint32_t count)
{
    return args[0].d < 0 ? sx_call_fail(call, "the square root of a negative number")
                         : sx_value_double(sqrt(args[0].d));
}

static struct sx_value cube_root(struct sx_call *call, const struct sx_value *args, uint32_t count)
{
    double root = cbrt(args[0].d), next = root;

    /* The libc's is off by a digit even for 27; one step of Newton's makes whole roots whole. */
    if (root != 0)
        next -= (root * root * root - args[0].d) / (3 * root * root);
    return sx_value_double(isfinite(next) ? next : root);
}

static struct sx_value euler(struct sx_call *call, const struct sx_value *args, uint32_t count)
{
    return sx_value_double(M_E);
}

static struct sx_value exponential(struct sx_call *call, const struct sx_value *args, uint32_t count)
{
    return checked(call, exp(args[0].d));
}

/* `arg` of the row is the base, 0 for e. */
static struct sx_value logarithm(struct sx_call *call, const struct sx_value *args, uint32_t count)
{
    const uintptr_t base = (uintptr_t)call->arg;

    if (!(args[0].d > 0))
        return sx_call_fail(call, "the logarithm of a number that is not positive");
    return sx_value_double(base == 10 ? log10(args[0].d) : base == 2 ? log2(args[0].d) : log(args[0].d));
}

static struct sx_value logarithm_to(struct sx_call *call, const struct sx_value *args, uint32_t count)
{
    const double base = args[0].d, x = args[1].d;

    if (!(base > 0) || base == 1 || !(x > 0))
        return sx_call_fail(call, "a logarithm needs positive numbers, and a base that is not 1");
    if (base == 10 || base == 2)
        return sx_value_double(base == 10 ? log10(x) : log2(x));
    return checked(call, log(x) / log(base));
}

static struct sx_value power(struct sx_call *call, const struct sx_value *args, uint32_t count)
{
    return checked(call, pow(args[0].d, args[1].d));
}

/* ---- On the globe ---------------------------------------------------------------------------- */

static struct sx_value geo_distance(struct sx_call *call, const struct sx_value *args, uint32_t count)
{
    const double radians = M_PI / 180, radius_km = 6371, mile_km = 1.609344;
    double half_lat, half_lon, h, unit = 1;

    for (uint32_t i = 0; i < 4; i++) {
        if (args[i].kind == SX_NULL)
            return SX_VALUE_NULL;
        if (!(fabs(args[i].d) <= (i % 2 ? 180 : 90)))
            return sx_call_fail(call, "a latitude is -90 to 90, a longitude -180 to 180");
    }
    if (count > 4 && args[4].kind != SX_NULL) {
        if (sx_slice_is(sx_value_slice(args[4]), "MI"))
            unit = mile_km;
        else if (!sx_slice_is(sx_value_slice(args[4]), "KM"))
            return sx_call_fail(call, "the unit is \"KM\" or \"MI\"");
    }
    half_lat = sin((args[2].d - args[0].d) * radians / 2);
    half_lon = sin((args[3].d - args[1].d) * radians / 2);
    h = half_lat * half_lat + cos(args[0].d * radians) * cos(args[2].d * radians) * half_lon * half_lon;
    return sx_value_double(2 * radius_km * asin(fmin(1, sqrt(h))) / unit);
}

#define ROW(sig, text, sample, gives, function, argument)                                      \
    {                                                                                          \
        .signature = sig, .summary = text, .example = sample, .result = gives, .fn = function, \
        .arg = (void *)(uintptr_t)(argument)                                                   \
    }

static const struct sx_function_def rows[] = {
    ROW("abs(x int) int", "The number without its sign.", "abs(-5)", "5", abs_int, 0),
    ROW("abs(x double) double", "The number without its sign.", "abs(-5.5)", "5.5", abs_double, 0),
    ROW("sign(x int) int", "-1, 0 or 1.", "sign(-5)", "-1", sign_int, 0),
    ROW("sign(x double) int", "-1, 0 or 1.", "sign(0.5)", "1", sign_double, 0),
    ROW("floor(x int) int", "The number itself.", "floor(5)", "5", same, 0),
    ROW("floor(x double) double", "The next whole number downwards.", "floor(-1.5)", "-2.0", floor_double, 0),
    ROW("ceil(x int) int", "The number itself.", "ceil(5)", "5", same, 0),
    ROW("ceil(x double) double", "The next whole number upwards.", "ceil(1.2)", "2.0", ceil_double, 0),
    ROW("ceiling(x int) int", "The number itself.", "ceiling(5)", "5", same, 0),
    ROW("ceiling(x double) double", "The next whole number upwards, as Flink calls it too.", "ceiling(-1.2)",
        "-1.0", ceil_double, 0),
    ROW("mod(x int, by int) int", "The remainder, with the sign of x.", "mod(-7, 3)", "-1", mod_int, 0),
    ROW("mod(x double, by double) double", "The remainder, with the sign of x.", "mod(7.5, 2.0)", "1.5",
        mod_double, 0),
    ROW("round(x int [, digits int]) int", "Rounded half up; negative digits are left of the point.",
        "round(1250, -2)", "1300", cut_int, 1),
    ROW("round(x double) int", "Rounded half up to an int.", "round(-2.5)", "-2", round_double, 0),
    ROW("round(x double, digits int) double", "Rounded half up to so many digits behind the point.",
        "round(1.005, 2)", "1.01", cut_double, 1),
    ROW("trunc(x int [, digits int]) int", "Cut off; negative digits are left of the point.",
        "trunc(1299, -2)", "1200", cut_int, 0),
    ROW("trunc(x double) int", "Cut off to an int.", "trunc(-2.9)", "-2", trunc_double, 0),
    ROW("trunc(x double, digits int) double", "Cut off to so many digits behind the point.",
        "trunc(1.999, 2)", "1.99", cut_double, 0),
    ROW("truncate(x int [, digits int]) int",
        "Cut off, as Flink calls it; negative digits are left of the point.", "truncate(-1299, -2)", "-1200",
        cut_int, 0),
    ROW("truncate(x double [, digits int]) double",
        "Cut off to so many digits behind the point, none unless given.", "truncate(-42.329, 2)", "-42.32",
        truncate_double, 0),
    ROW("sqrt(x double) double", "The square root.", "sqrt(16)", "4.0", square_root, 0),
    ROW("cbrt(x double) double", "The cube root.", "cbrt(-27)", "-3.0", cube_root, 0),
    ROW("exp(x double) double", "e to the power of x.", "exp(0)", "1.0", exponential, 0),
    ROW("e() double", "The base of the natural logarithm.", "round(e(), 6)", "2.718282", euler, 0),
    ROW("ln(x double) double", "The natural logarithm.", "ln(1)", "0.0", logarithm, 0),
    ROW("log(x double) double", "The natural logarithm, as ksqlDB and Flink call it.", "log(1)", "0.0",
        logarithm, 0),
    ROW("log(base double, x double) double", "The logarithm to a base.", "log(2, 8)", "3.0", logarithm_to, 0),
    ROW("log10(x double) double", "The logarithm to the base 10.", "log10(1000)", "3.0", logarithm, 10),
    ROW("log2(x double) double", "The logarithm to the base 2.", "log2(8)", "3.0", logarithm, 2),
    ROW("power(b double, e double) double", "b to the power of e.", "power(2, 10)", "1024.0", power, 0),
    {.signature = "geo_distance(lat1 double, lon1 double, lat2 double, lon2 double [, unit string]) double",
     .summary = "The distance of two points on a sphere of 6371 km, in \"KM\" or \"MI\".",
     .example = "round(geo_distance(37.4439, -122.1663, 51.5257, -0.1122), 1)",
     .result = "8634.7",
     .flags = SX_FUNCTION_NULLS,
     .fn = geo_distance},
};

const struct sx_function_table sx_functions_numbers = SX_ROWS_OF("numbers", rows);
