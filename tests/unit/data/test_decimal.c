/* test_decimal.c: decimals against long arithmetic on digits, and their texts. */
#include "engine/data/decimal.h"
#include "engine/base/text.h"
#include "tests/unit/unit.h"

static struct sx_arena arena;

/* `text` as a decimal of this many digits, written again; or what is wrong. */
static const char *again(const char *text, uint32_t precision, uint32_t scale)
{
    char *written = sx_arena_alloc(&arena, SX_DECIMAL_BYTES + 1);
    __int128 digits;

    switch (sx_decimal_read(sx_slice_of(text), precision, scale, &digits)) {
    case SX_DECIMAL_OK:
        written[sx_decimal_write(written, digits, scale)] = '\0';
        return written;
    case SX_DECIMAL_RANGE:
        return "range";
    default:
        return "no number";
    }
}

static void texts(void)
{
    static const struct {
        const char *text;
        uint32_t precision, scale;
        const char *result;
    } cases[] = {
        {"0", 10, 2, "0.00"},
        {"-0", 10, 2, "0.00"},
        {"1.5", 10, 2, "1.50"},
        {"1.005", 10, 2, "1.01"},
        {"1.00499999999999999999999999999999999999999999999999", 10, 2, "1.00"},
        {"-1.005", 10, 2, "-1.01"},
        {"0.005", 10, 2, "0.01"},
        {"0.0049", 10, 2, "0.00"},
        {"0.00000000000000000000000000000000000000000001", 38, 38,
         "0.00000000000000000000000000000000000000"},
        {"99999999.99", 10, 2, "99999999.99"},
        {"99999999.995", 10, 2, "range"},
        {"100000000", 10, 2, "range"},
        {"-100000000", 10, 2, "range"},
        {"1.5e3", 10, 2, "1500.00"},
        {"1.5E-1", 10, 2, "0.15"},
        {"15e-3", 10, 2, "0.02"},
        {"0e999999999999", 10, 2, "0.00"},
        {"1e-999999999999", 10, 2, "0.00"},
        {"1e999999999999", 10, 2, "range"},
        {"12345678901234567890123456789012345678", 38, 0, "12345678901234567890123456789012345678"},
        {"-99999999999999999999999999999999999999", 38, 0, "-99999999999999999999999999999999999999"},
        {"99999999999999999999999999999999999999.5", 38, 0, "range"},
        {"0.12345678901234567890123456789012345678", 38, 38, "0.12345678901234567890123456789012345678"},
        {"00012.50", 4, 2, "12.50"},
        {"+7", 1, 0, "7"},
        {"1234567890123456789.0123456789", 38, 10, "1234567890123456789.0123456789"},
        {"", 10, 2, "no number"},
        {"-", 10, 2, "no number"},
        {".5", 10, 2, "no number"},
        {"5.", 10, 2, "no number"},
        {"1.2.3", 10, 2, "no number"},
        {"1e", 10, 2, "no number"},
        {"1e+", 10, 2, "no number"},
        {" 1", 10, 2, "no number"},
        {"1x", 10, 2, "no number"},
        {"NaN", 10, 2, "no number"},
    };

    sx_arena_init(&arena, 0);
    for (size_t i = 0; i < SX_COUNT(cases); i++)
        SX_ASSERT_TEXT(again(cases[i].text, cases[i].precision, cases[i].scale), cases[i].result);
    sx_arena_free(&arena);
}

static void as_written(void)
{
    static const struct {
        const char *text;
        uint32_t precision, scale;
    } cases[] = {{"0.00", 2, 2}, {"0.05", 2, 2},  {"12.50", 4, 2}, {"-3", 1, 0},
                 {"0", 1, 0},    {"1.5e3", 4, 0}, {"5e-3", 3, 3},  {"1000", 4, 0}};
    uint32_t precision, scale;
    __int128 digits;

    for (size_t i = 0; i < SX_COUNT(cases); i++) {
        CU_ASSERT_EQUAL(sx_decimal_read_exact(sx_slice_of(cases[i].text), &precision, &scale, &digits),
                        SX_DECIMAL_OK);
        CU_ASSERT_EQUAL(precision, cases[i].precision);
        CU_ASSERT_EQUAL(scale, cases[i].scale);
    }
    CU_ASSERT_EQUAL(sx_decimal_read_exact(SX_SLICE("1e38"), &precision, &scale, &digits), SX_DECIMAL_RANGE);
    CU_ASSERT_EQUAL(sx_decimal_read_exact(SX_SLICE("1e-39"), &precision, &scale, &digits), SX_DECIMAL_RANGE);
}

static void doubles(void)
{
    CU_ASSERT_EQUAL(sx_decimal_double(125, 2), 1.25);
    CU_ASSERT_EQUAL(sx_decimal_double(-1, 1), -0.1);
    CU_ASSERT_EQUAL(sx_decimal_double(1, 38), 1e-38);
    CU_ASSERT_EQUAL(sx_decimal_double(sx_decimal_ten(38) - 1, 0), 1e38);
    CU_ASSERT_EQUAL(sx_decimal_double((__int128)12345678901234567890ull * 10, 1), 12345678901234567890.0);
}

/* ---- Long arithmetic: 240 digits, the last first ----------------------------------------------- */

enum { LONG = 240 };

struct digits {
    bool minus;
    uint8_t at[LONG];
};

static struct digits long_of(__int128 value, uint32_t zeros)
{
    unsigned __int128 size = value < 0 ? -(unsigned __int128)value : (unsigned __int128)value;
    struct digits d = {.minus = value < 0};

    for (uint32_t i = zeros; size > 0; i++, size /= 10)
        d.at[i] = (uint8_t)(size % 10);
    return d;
}

static int long_order(const struct digits *a, const struct digits *b)
{
    for (int i = LONG - 1; i >= 0; i--)
        if (a->at[i] != b->at[i])
            return a->at[i] < b->at[i] ? -1 : 1;
    return 0;
}

static void long_add(struct digits *to, const struct digits *by, int sign)
{
    int carry = 0;

    for (int i = 0; i < LONG; i++) {
        int digit = to->at[i] + sign * by->at[i] + carry;

        carry = digit < 0 ? -1 : digit / 10;
        to->at[i] = (uint8_t)(digit - carry * 10);
    }
}

static struct digits long_sum(struct digits a, struct digits b)
{
    if (a.minus != b.minus && long_order(&a, &b) < 0) {
        struct digits swapped = a;

        a = b;
        b = swapped;
    }
    long_add(&a, &b, a.minus == b.minus ? 1 : -1);
    return a;
}

static struct digits long_product(const struct digits *a, const struct digits *b)
{
    struct digits product = {.minus = a->minus != b->minus};

    for (int i = 0; i < LONG; i++) {
        int carry = 0;

        for (int j = 0; i + j < LONG && a->at[i] > 0; j++) {
            int digit = product.at[i + j] + a->at[i] * b->at[j] + carry;

            product.at[i + j] = (uint8_t)(digit % 10);
            carry = digit / 10;
        }
    }
    return product;
}

/* The whole quotient; what is left stays in *a. */
static struct digits long_quotient(struct digits *a, const struct digits *b)
{
    struct digits quotient = {.minus = a->minus != b->minus};

    for (int shift = LONG / 2; shift >= 0; shift--) {
        struct digits shifted = {0};

        for (int i = 0; i + shift < LONG; i++)
            shifted.at[i + shift] = b->at[i];
        while (long_order(a, &shifted) >= 0) {
            long_add(a, &shifted, -1);
            quotient.at[shift]++;
        }
    }
    return quotient;
}

/* Without the last digits, half up. */
static struct digits long_cut(const struct digits *a, uint32_t count)
{
    struct digits cut = {.minus = a->minus}, one = {.at = {1}};

    for (uint32_t i = count; i < LONG; i++)
        cut.at[i - count] = a->at[i];
    if (count > 0 && a->at[count - 1] >= 5)
        long_add(&cut, &one, 1);
    return cut;
}

/* The result that should come, against the one that came. */
static bool agrees(const struct digits *expected, bool fits, __int128 got)
{
    struct digits as_long = long_of(got, 0);
    bool small = true, zero = true;

    for (int i = 0; i < LONG; i++) {
        small &= i < 38 || expected->at[i] == 0;
        zero &= expected->at[i] == 0;
    }
    if (fits != small || !fits)
        return fits == small;
    return long_order(expected, &as_long) == 0 && (zero || expected->minus == as_long.minus);
}

static __int128 random_digits(uint64_t *seed)
{
    uint32_t count = (uint32_t)(sx_unit_random(seed) % 39);
    __int128 value = 0;

    for (uint32_t i = 0; i < count; i++)
        value = value * 10 + (__int128)(sx_unit_random(seed) % 4 ? sx_unit_random(seed) % 10 : 9);
    return sx_unit_random(seed) % 2 ? value : -value;
}

static void arithmetic(void)
{
    const struct digits one = {.at = {1}};
    uint64_t seed = 7;
    unsigned wrong[5] = {0};

    for (int round = 0; round < 4000; round++) {
        const __int128 a = random_digits(&seed), b = random_digits(&seed);
        const uint32_t x = (uint32_t)(sx_unit_random(&seed) % 39), y = (uint32_t)(sx_unit_random(&seed) % 39),
                       z = (uint32_t)(sx_unit_random(&seed) % 39), common = SX_MAX(x, y);
        struct digits left = long_of(a, common - x), right = long_of(b, common - y), plain = long_of(a, 0),
                      by = long_of(b, 0), expected, twice;
        __int128 got = 0;
        bool fits = sx_decimal_add(a, x, b, y, common, &got);
        int order =
            left.minus == right.minus ? long_order(&left, &right) * (left.minus ? -1 : 1) : (a > b) - (a < b);

        expected = long_sum(left, right);
        wrong[0] += !agrees(&expected, fits, got);
        wrong[1] += sx_decimal_compare(a, x, b, y) != order;
        fits = sx_decimal_multiply(a, x, b, y, z, &got);
        expected = long_product(&plain, &by);
        expected = long_cut(&expected, z < x + y ? x + y - z : 0);
        if (z <= x + y)
            wrong[2] += !agrees(&expected, fits, got);
        if (b == 0)
            continue;
        fits = sx_decimal_remainder(a, x, b, y, common, &got);
        long_quotient(&left, &right);
        wrong[3] += !agrees(&left, fits, got);
        fits = sx_decimal_divide(a, x, b, y, z, &got);
        left = long_of(a, z + y > x ? z + y - x : 0);
        right = long_of(b, z + y < x ? x - z - y : 0);
        expected = long_quotient(&left, &right);
        twice = left; /* the rest */
        long_add(&twice, &left, 1);
        if (long_order(&twice, &right) >= 0)
            long_add(&expected, &one, 1);
        wrong[4] += !agrees(&expected, fits, got);
    }
    for (size_t i = 0; i < SX_COUNT(wrong); i++)
        CU_ASSERT_EQUAL(wrong[i], 0);
}

static void types(void)
{
    const struct sx_type *price, *common;

    sx_arena_init(&arena, 0);
    price = sx_type_decimal(&arena, 10, 2);
    SX_ASSERT_TEXT(sx_type_text(sx_decimal_common(&arena, price, &sx_type_int_digits), &arena),
                   "decimal(21, 2)");
    common = sx_decimal_common(&arena, sx_type_decimal(&arena, 38, 0), sx_type_decimal(&arena, 38, 20));
    SX_ASSERT_TEXT(sx_type_text(common, &arena), "decimal(38, 20)");
    CU_ASSERT(sx_decimal_holds(price, sx_type_decimal(&arena, 9, 1)));
    CU_ASSERT_FALSE(sx_decimal_holds(price, sx_type_decimal(&arena, 10, 1)));
    CU_ASSERT_FALSE(sx_decimal_holds(price, sx_type_decimal(&arena, 4, 3)));
    sx_arena_free(&arena);
}

void suite_decimal(void)
{
    SX_SUITE("decimal");
    SX_TEST(texts);
    SX_TEST(as_written);
    SX_TEST(doubles);
    SX_TEST(arithmetic);
    SX_TEST(types);
}
