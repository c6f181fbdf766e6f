/* test_number.c: numbers as text have the fewest digits that read back the same. */
#include "engine/base/text.h"
#include "tests/unit/unit.h"

#include <math.h>
#include <stdlib.h>

static void check_double(double value, const char *text)
{
    char room[SX_NUMBER_BYTES];
    size_t size = sx_write_double(room, value);
    double back = 0;

    SX_ASSERT_BYTES(sx_slice(room, size), text);
    CU_ASSERT(sx_read_double(sx_slice(room, size), &back));
    CU_ASSERT_EQUAL(memcmp(&back, &value, sizeof(back)), 0);
}

static void doubles_have_a_point_or_an_exponent(void)
{
    check_double(0, "0.0");
    check_double(-0.0, "-0.0");
    check_double(15, "15.0");
    check_double(-15, "-15.0");
    check_double(0.1, "0.1");
    check_double(10.5, "10.5");
    check_double(-12.34, "-12.34");
    check_double(0.1 + 0.2, "0.30000000000000004");
    check_double(1.0 / 3, "0.3333333333333333");
    check_double(9007199254740991.0, "9007199254740991.0");
    check_double(9007199254740992.0, "9007199254740992.0");
    check_double(123456789012345678.0, "123456789012345680.0");
    check_double(99999999999.9999, "99999999999.9999");
    check_double(1e300, "1e+300");
    check_double(1.5e300, "1.5e+300");
    check_double(5e-324, "5e-324");
    check_double(2.2250738585072014e-308, "2.2250738585072014e-308");
    check_double(1.7976931348623157e308, "1.7976931348623157e+308");
}

static void where_the_exponent_begins(void)
{
    check_double(1e-5, "0.00001");
    check_double(0.000012345, "0.000012345");
    check_double(9.999e-6, "9.999e-6");
    check_double(1e-7, "1e-7");
    check_double(-1e-7, "-1e-7");
    check_double(1e20, "100000000000000000000.0");
    check_double(999999999999999900000.0, "999999999999999900000.0");
    check_double(1e21, "1e+21");
    check_double(1.25e21, "1.25e+21");
}

static unsigned digit_count(const char *text, size_t size)
{
    unsigned count = 0, zeros = 0;

    for (size_t i = 0; i < size && text[i] != 'e'; i++) {
        if (text[i] == '0' && count > 0)
            zeros++;
        else if (text[i] >= '1' && text[i] <= '9') {
            count += zeros + 1;
            zeros = 0;
        }
    }
    return count;
}

/* Against the definition: it reads back, and no printf of fewer digits does. */
static void check_shortest(double value, unsigned *wrong)
{
    char room[SX_NUMBER_BYTES + 1], fewer[40];
    size_t size = sx_write_double(room, value);
    unsigned digits = digit_count(room, size);

    room[size] = '\0';
    *wrong += size > SX_NUMBER_BYTES || strpbrk(room, ".e") == NULL || strtod(room, NULL) != value;
    if (digits > 1) {
        snprintf(fewer, sizeof(fewer), "%.*e", (int)digits - 2, value);
        *wrong += strtod(fewer, NULL) == value;
    }
}

static void random_doubles_are_shortest(void)
{
    uint64_t seed = 3;
    unsigned wrong = 0;

    for (int i = 0; i < 20000; i++) {
        uint64_t bits = sx_unit_random(&seed);
        double any;

        memcpy(&any, &bits, sizeof(any));
        if (isfinite(any))
            check_shortest(any, &wrong);
        check_shortest((double)(bits % 100000000) / 100, &wrong);              /* prices */
        check_shortest((double)(bits % 1000000007) / 10000, &wrong);           /* four decimals */
        check_shortest((double)bits / 18446744073709551616.0, &wrong);         /* 0 to 1 */
        check_shortest((double)bits, &wrong);                                  /* past 2^53 */
        check_shortest((double)(bits >> 20) / 4096, &wrong);                   /* many binary places */
        check_shortest(nextafter((double)(bits % 100000) / 100, 1e9), &wrong); /* one off a price */
    }
    CU_ASSERT_EQUAL(wrong, 0);
}

static void check_int(int64_t value, const char *text)
{
    char room[SX_NUMBER_BYTES];
    int64_t back = 1;

    SX_ASSERT_BYTES(sx_slice(room, sx_write_int(room, value)), text);
    CU_ASSERT(sx_read_int(sx_slice_of(text), &back));
    CU_ASSERT_EQUAL(back, value);
}

static void ints(void)
{
    int64_t value = 77;

    check_int(0, "0");
    check_int(7, "7");
    check_int(-10, "-10");
    check_int(1234567890, "1234567890");
    check_int(INT64_MAX, "9223372036854775807");
    check_int(INT64_MIN, "-9223372036854775808");
    CU_ASSERT(sx_read_int(SX_SLICE("+5"), &value) && value == 5);
    CU_ASSERT(sx_read_int(SX_SLICE("007"), &value) && value == 7);
    value = 77;
    static const char *const bad[] = {"",
                                      "-",
                                      "+",
                                      "+-5",
                                      "--5",
                                      "5x",
                                      "x5",
                                      " 5",
                                      "5 ",
                                      "1.0",
                                      "1e3",
                                      "0x1",
                                      "1_0",
                                      "9223372036854775808",
                                      "-9223372036854775809"};
    for (size_t i = 0; i < SX_COUNT(bad); i++)
        CU_ASSERT_FALSE(sx_read_int(sx_slice_of(bad[i]), &value));
}

static void reading_doubles(void)
{
    static const char *const bad[] = {"",         "-",   "+",  "+-5", "inf",  "-inf", "nan",
                                      "Infinity", " 1",  "1 ", "1x",  "0x10", "1e",   "1e400",
                                      "-1e400",   "1,5", ".",  "e5",  "1_0",  "1.5.2"};
    double value = 0;

    CU_ASSERT(sx_read_double(SX_SLICE("1e5"), &value) && value == 1e5);
    CU_ASSERT(sx_read_double(SX_SLICE("+1.5E-3"), &value) && value == 1.5e-3);
    CU_ASSERT(sx_read_double(SX_SLICE("7"), &value) && value == 7);
    value = 42;
    for (size_t i = 0; i < SX_COUNT(bad); i++)
        CU_ASSERT_FALSE(sx_read_double(sx_slice_of(bad[i]), &value));
    CU_ASSERT_EQUAL(value, 42);
    /* The slice ends where it ends, whatever stands behind it. */
    CU_ASSERT(sx_read_double(sx_slice("1234", 2), &value) && value == 12);
}

void suite_number(void)
{
    SX_SUITE("number");
    SX_TEST(doubles_have_a_point_or_an_exponent);
    SX_TEST(where_the_exponent_begins);
    SX_TEST(random_doubles_are_shortest);
    SX_TEST(ints);
    SX_TEST(reading_doubles);
}
