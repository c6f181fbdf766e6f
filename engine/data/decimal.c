/* decimal.c: exact decimal numbers. See decimal.h.
 *
 * What fits into 128 bits is done there, and that is nearly everything; products and quotients of long
 * numbers go through 256 bits. */
#include "engine/data/decimal.h"

#include "engine/base/text.h"

#define EXPONENT_MAX 100000 /* beyond, a number is 0 or too large, whatever its digits */

typedef unsigned __int128 u128;

const struct sx_type sx_type_int_digits = {.kind = SX_DECIMAL, .precision = 19};

/* ---- Types ----------------------------------------------------------------------------------- */

const struct sx_type *sx_type_decimal(struct sx_arena *arena, uint32_t precision, uint32_t scale)
{
    struct sx_type *type = SX_ARENA_NEW(arena, struct sx_type);

    type->kind = SX_DECIMAL;
    type->precision = (uint8_t)precision;
    type->scale = (uint8_t)scale;
    return type;
}

const struct sx_type *sx_decimal_common(struct sx_arena *arena, const struct sx_type *a,
                                        const struct sx_type *b)
{
    const uint32_t scale = SX_MAX(a->scale, b->scale);
    const int before = SX_MAX(a->precision - a->scale, b->precision - b->scale);

    if (sx_decimal_holds(a, b))
        return a;
    return sx_type_decimal(arena, SX_MIN((uint32_t)before + scale, SX_DECIMAL_DIGITS), scale);
}

bool sx_decimal_holds(const struct sx_type *type, const struct sx_type *other)
{
    return type->scale >= other->scale && type->precision - type->scale >= other->precision - other->scale;
}

struct sx_value sx_value_decimal(struct sx_arena *arena, __int128 digits)
{
    return (struct sx_value){.decimal =
                                 memcpy(sx_arena_alloc(arena, sizeof(digits)), &digits, sizeof(digits)),
                             .kind = SX_DECIMAL};
}

/* ---- 256 bits -------------------------------------------------------------------------------- */

__int128 sx_decimal_ten(uint32_t power)
{
    static const uint64_t small[] = {1ull,
                                     10ull,
                                     100ull,
                                     1000ull,
                                     10000ull,
                                     100000ull,
                                     1000000ull,
                                     10000000ull,
                                     100000000ull,
                                     1000000000ull,
                                     10000000000ull,
                                     100000000000ull,
                                     1000000000000ull,
                                     10000000000000ull,
                                     100000000000000ull,
                                     1000000000000000ull,
                                     10000000000000000ull,
                                     100000000000000000ull,
                                     1000000000000000000ull,
                                     10000000000000000000ull};

    return power < 20 ? (__int128)small[power] : (__int128)small[19] * small[power - 19];
}

struct wide {
    u128 high, low;
};

static u128 magnitude(__int128 value) { return value < 0 ? -(u128)value : (u128)value; }

/* With its sign, if it has at most 38 digits. */
static bool signed_of(u128 size, bool minus, __int128 *out)
{
    *out = minus ? (__int128)-size : (__int128)size;
    return size < (u128)sx_decimal_ten(SX_DECIMAL_DIGITS);
}

static struct wide multiply(u128 a, u128 b)
{
    const uint64_t a0 = (uint64_t)a, a1 = (uint64_t)(a >> 64), b0 = (uint64_t)b, b1 = (uint64_t)(b >> 64);
    const u128 low = (u128)a0 * b0, left = (u128)a1 * b0, right = (u128)a0 * b1;
    const u128 middle = (low >> 64) + (uint64_t)left + (uint64_t)right;

    return (struct wide){(u128)a1 * b1 + (left >> 64) + (right >> 64) + (middle >> 64),
                         middle << 64 | (uint64_t)low};
}

/* The quotient; false: it has more than 128 bits. Bit by bit: only long numbers come here. */
static bool divide(struct wide a, u128 by, u128 *quotient, u128 *rest)
{
    u128 r, q = 0;

    if (a.high == 0) {
        *quotient = a.low / by;
        *rest = a.low % by;
        return true;
    }
    if (a.high >= by)
        return false;
    r = a.high;
    for (int bit = 127; bit >= 0; bit--) {
        const bool carry = r >> 127;

        r = r << 1 | (a.low >> bit & 1);
        q <<= 1;
        if (carry || r >= by) {
            r -= by;
            q |= 1;
        }
    }
    *quotient = q;
    *rest = r;
    return true;
}

/* a / by with the sign, rounded half up. */
static bool divide_half_up(struct wide a, u128 by, bool minus, __int128 *out)
{
    u128 quotient, rest;

    if (!divide(a, by, &quotient, &rest))
        return false;
    if (rest >= by - rest && ++quotient == 0)
        return false;
    return signed_of(quotient, minus, out);
}

static int order(struct wide a, struct wide b)
{
    return a.high != b.high ? (a.high > b.high) - (a.high < b.high) : (a.low > b.low) - (a.low < b.low);
}

/* ---- Arithmetic ------------------------------------------------------------------------------ */

bool sx_decimal_rescale(__int128 value, uint32_t from, uint32_t to, __int128 *out)
{
    if (from == to) {
        *out = value;
        return true;
    }
    if (to > from)
        return !__builtin_mul_overflow(value, sx_decimal_ten(to - from), out) &&
               sx_decimal_fits(*out, SX_DECIMAL_DIGITS);
    return divide_half_up((struct wide){0, magnitude(value)}, (u128)sx_decimal_ten(from - to), value < 0,
                          out);
}

/* Where one of them overflows on its way to the common scale, the sum may still fit. */
static bool add_wide(__int128 a, uint32_t up_a, __int128 b, uint32_t up_b, __int128 *out)
{
    struct wide x = multiply(magnitude(a), (u128)sx_decimal_ten(up_a)),
                y = multiply(magnitude(b), (u128)sx_decimal_ten(up_b)), sum;
    bool minus = a < 0;

    if ((a < 0) == (b < 0)) {
        sum.low = x.low + y.low;
        sum.high = x.high + y.high + (sum.low < x.low);
    } else {
        if (order(x, y) < 0) {
            struct wide swapped = x;

            x = y;
            y = swapped;
            minus = b < 0;
        }
        sum.low = x.low - y.low;
        sum.high = x.high - y.high - (x.low < y.low);
    }
    return sum.high == 0 && signed_of(sum.low, minus, out);
}

bool sx_decimal_add(__int128 a, uint32_t x, __int128 b, uint32_t y, uint32_t z, __int128 *out)
{
    __int128 left = a, right = b;

    if ((z > x && __builtin_mul_overflow(a, sx_decimal_ten(z - x), &left)) ||
        (z > y && __builtin_mul_overflow(b, sx_decimal_ten(z - y), &right)) ||
        __builtin_add_overflow(left, right, out))
        return add_wide(a, z - x, b, z - y, out);
    return sx_decimal_fits(*out, SX_DECIMAL_DIGITS);
}

bool sx_decimal_multiply(__int128 a, uint32_t x, __int128 b, uint32_t y, uint32_t z, __int128 *out)
{
    const bool minus = (a < 0) != (b < 0);
    struct wide product;
    uint32_t cut;
    u128 rest;

    if (z == x + y)
        return !__builtin_mul_overflow(a, b, out) && sx_decimal_fits(*out, SX_DECIMAL_DIGITS);
    product = multiply(magnitude(a), magnitude(b));
    if (z > x + y)
        return product.high == 0 && signed_of(product.low, minus, out) &&
               sx_decimal_rescale(*out, x + y, z, out);
    cut = x + y - z;
    if (cut > SX_DECIMAL_DIGITS) {
        /* Half of a power of ten is a whole number of the smaller one: the digits cut first do not count. */
        if (!divide(product, (u128)sx_decimal_ten(SX_DECIMAL_DIGITS), &product.low, &rest))
            return false;
        product.high = 0;
        cut -= SX_DECIMAL_DIGITS;
    }
    return divide_half_up(product, (u128)sx_decimal_ten(cut), minus, out);
}

bool sx_decimal_divide(__int128 a, uint32_t x, __int128 b, uint32_t y, uint32_t z, __int128 *out)
{
    const bool minus = (a < 0) != (b < 0);
    const int up = (int)z + (int)y - (int)x; /* a is to have so many digits more */
    u128 by = magnitude(b);

    if (up > (int)SX_DECIMAL_DIGITS) {
        /* 10 to that power has more than 128 bits, and so has the result but for 0 and tiny ones. */
        const struct wide most = multiply(magnitude(a), (u128)sx_decimal_ten(SX_DECIMAL_DIGITS));
        u128 quotient, rest, more, last;
        const u128 ten = (u128)sx_decimal_ten((uint32_t)up - SX_DECIMAL_DIGITS);

        if (!divide(most, by, &quotient, &rest) || !divide(multiply(rest, ten), by, &more, &last))
            return false;
        if (last >= by - last)
            more++;
        if (multiply(quotient, ten).high != 0)
            return false;
        return signed_of(quotient * ten + more, minus, out) && quotient * ten + more >= more;
    }
    if (up >= 0)
        return divide_half_up(multiply(magnitude(a), (u128)sx_decimal_ten((uint32_t)up)), by, minus, out);
    if (by > ~(u128)0 / (u128)sx_decimal_ten((uint32_t)-up)) {
        *out = 0; /* the divisor is more than twice whatever a is */
        return true;
    }
    return divide_half_up((struct wide){0, magnitude(a)}, by * (u128)sx_decimal_ten((uint32_t)-up), minus,
                          out);
}

bool sx_decimal_remainder(__int128 a, uint32_t x, __int128 b, uint32_t y, uint32_t z, __int128 *out)
{
    const struct wide left = multiply(magnitude(a), (u128)sx_decimal_ten(z - x)),
                      right = multiply(magnitude(b), (u128)sx_decimal_ten(z - y));
    u128 quotient, rest;

    if (order(left, right) < 0)
        return left.high == 0 && signed_of(left.low, a < 0, out);
    /* One of the two has the common scale already, so here `right` has at most 128 bits. */
    if (right.high != 0)
        return false;
    if (!divide((struct wide){left.high % right.low, left.low}, right.low, &quotient, &rest))
        return false;
    return signed_of(rest, a < 0, out);
}

int sx_decimal_compare(__int128 a, uint32_t x, __int128 b, uint32_t y)
{
    const uint32_t z = SX_MAX(x, y);
    int sizes;

    if (x == y || (a < 0) != (b < 0))
        return (a > b) - (a < b);
    sizes = order(multiply(magnitude(a), (u128)sx_decimal_ten(z - x)),
                  multiply(magnitude(b), (u128)sx_decimal_ten(z - y)));
    return a < 0 ? -sizes : sizes;
}

double sx_decimal_double(__int128 value, uint32_t scale)
{
    char text[SX_DECIMAL_BYTES];
    double d = 0;

    /* Both are exact in a double, so the division is rounded once, correctly. */
    if (magnitude(value) < (u128)1 << 53 && scale <= 22)
        return (double)(int64_t)value /
               (scale < 20 ? (double)(uint64_t)sx_decimal_ten(scale) : (double)sx_decimal_ten(scale));
    sx_read_double(sx_slice(text, sx_decimal_write(text, value, scale)), &d);
    return d;
}

/* ---- Text ------------------------------------------------------------------------------------ */

size_t sx_decimal_write(char *to, __int128 value, uint32_t scale)
{
    char digits[SX_DECIMAL_BYTES], *at = digits + sizeof(digits), *from = to;
    u128 size = magnitude(value);
    uint32_t count = 0;

    /* Nineteen digits at a time are cheap. */
    while (size >> 64 != 0) {
        uint64_t part = (uint64_t)(size % (u128)sx_decimal_ten(19));

        size /= (u128)sx_decimal_ten(19);
        for (uint32_t i = 0; i < 19; i++, part /= 10)
            *--at = (char)('0' + part % 10);
        count += 19;
    }
    for (uint64_t part = (uint64_t)size; part > 0 || count <= scale; part /= 10, count++)
        *--at = (char)('0' + part % 10);
    if (value < 0)
        *to++ = '-';
    memcpy(to, at, count - scale);
    to += count - scale;
    if (scale > 0) {
        *to++ = '.';
        memcpy(to, at + count - scale, scale);
        to += scale;
    }
    return (size_t)(to - from);
}

/* A number as it is written. Its digits are those from `first` on, with a point among them or not. */
struct written {
    bool minus;
    const char *first; /* the first digit that is not 0 */
    int64_t count;     /* of digits from there */
    int64_t exponent;  /* of the last digit */
};

static bool is_digit(char c) { return (unsigned char)(c - '0') < 10; }

static bool read_exponent(const char *at, const char *end, int64_t *exponent)
{
    const bool minus = at < end && *at == '-';
    int64_t size = 0;

    if (at < end && (*at == '-' || *at == '+'))
        at++;
    if (at == end)
        return false;
    for (; at < end; at++) {
        if (!is_digit(*at))
            return false;
        size = SX_MIN(size * 10 + (*at - '0'), EXPONENT_MAX);
    }
    *exponent += minus ? -size : size;
    return true;
}

/* Sign, digits, point and digits, exponent. False: it is no number. */
static bool scan(struct sx_slice text, struct written *w)
{
    const char *at = text.data, *end = text.data + text.size, *from;
    bool fraction = false;

    *w = (struct written){0};
    if (at < end && (*at == '-' || *at == '+'))
        w->minus = *at++ == '-';
    from = at;
    for (; at < end && (is_digit(*at) || (*at == '.' && !fraction)); at++) {
        if (*at == '.') {
            if (at == from || at + 1 == end || !is_digit(at[1]))
                return false;
            fraction = true;
            continue;
        }
        w->exponent -= fraction;
        if (w->first == NULL && *at != '0')
            w->first = at;
        w->count += w->first != NULL;
    }
    if (at == from)
        return false;
    return at == end || ((*at == 'e' || *at == 'E') && read_exponent(at + 1, end, &w->exponent));
}

/* The first `count` digits, zeros behind the last; `count` is at most 38. */
static u128 take(const struct written *w, int64_t count)
{
    const char *at = w->first;
    u128 digits = 0;
    uint64_t part = 0;
    int64_t left = SX_MIN(count, w->count), size = 0;

    for (; left > 0; at++) {
        if (*at == '.')
            continue;
        part = part * 10 + (uint64_t)(*at - '0');
        left--;
        if (++size == 18 || left == 0) {
            digits = digits * (u128)sx_decimal_ten((uint32_t)size) + part;
            part = 0;
            size = 0;
        }
    }
    return count > w->count ? digits * (u128)sx_decimal_ten((uint32_t)(count - w->count)) : digits;
}

/* Is the digit behind the first `count` a five or more? */
static bool rounds_up(const struct written *w, int64_t count)
{
    const char *at = w->first;

    if (count < 0 || count >= w->count)
        return false;
    while (count > 0 || *at == '.')
        count -= *at++ != '.';
    return *at >= '5';
}

enum sx_decimal_text sx_decimal_read(struct sx_slice text, uint32_t precision, uint32_t scale, __int128 *out)
{
    struct written w;
    int64_t keep;
    u128 digits;

    *out = 0;
    if (!scan(text, &w))
        return SX_DECIMAL_NO_NUMBER;
    keep = w.count + w.exponent + scale;
    if (w.count == 0 || keep < 0)
        return SX_DECIMAL_OK;
    if (keep > precision)
        return SX_DECIMAL_RANGE;
    digits = take(&w, keep) + rounds_up(&w, keep);
    *out = w.minus ? (__int128)-digits : (__int128)digits;
    return sx_decimal_fits(*out, precision) ? SX_DECIMAL_OK : SX_DECIMAL_RANGE;
}

enum sx_decimal_text sx_decimal_read_exact(struct sx_slice text, uint32_t *precision, uint32_t *scale,
                                           __int128 *out)
{
    struct written w;
    int64_t behind, digits;

    if (!scan(text, &w))
        return SX_DECIMAL_NO_NUMBER;
    behind = SX_MAX(-w.exponent, 0);
    digits = SX_MAX(w.count == 0 ? 0 : w.count + w.exponent + behind, SX_MAX(behind, 1));
    if (digits > SX_DECIMAL_DIGITS)
        return SX_DECIMAL_RANGE;
    *precision = (uint32_t)digits;
    *scale = (uint32_t)behind;
    return sx_decimal_read(text, *precision, *scale, out);
}
