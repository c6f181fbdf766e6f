/* test_numbers.c: edge cases of numbers and choices. */
#include "tests/unit/functions/words.h"

static void rounding(void)
{
    static const struct expectation all[] = {
        {"round(1.5)", "2"},
        {"round(2.5)", "3"},
        {"round(-1.5)", "-1"},
        {"round(-1.6)", "-2"},
        {"round(0.49999999999999994)", "0"},
        {"round(1e19)", "!out of the range"},
        {"round(5)", "5"},
        {"round(5, 2)", "5"},
        {"round(12345, -2)", "12300"},
        {"round(12350, -2)", "12400"},
        {"round(-12350, -2)", "-12300"},
        {"round(-12351, -2)", "-12400"},
        {"round(12345, -6)", "0"},
        {"round(9223372036854775807, -1)", "!integer overflow"},
        {"round(9223372036854775807, -25)", "0"},
        {"round(1.235, 2)", "1.24"},
        {"round(-1.235, 2)", "-1.23"},
        {"round(-1.2351, 2)", "-1.24"},
        {"round(9.995, 2)", "10.0"},
        {"round(0.5, 0)", "1.0"},
        {"round(-0.5, 0)", "0.0"},
        {"round(1234.5, -2)", "1200.0"},
        {"round(1250.0, -2)", "1300.0"},
        {"round(0.004, 2)", "0.0"},
        {"round(0.006, 2)", "0.01"},
        {"round(60.0, -2)", "100.0"},
        {"round(40.0, -3)", "0.0"},
        {"round(1e300, 2)", "1e+300"},
        {"round(1.5, 400)", "1.5"},
        {"round(1.5e-7, 7)", "2e-7"},
        {"trunc(1.9)", "1"},
        {"trunc(-1.9)", "-1"},
        {"trunc(-1.239, 2)", "-1.23"},
        {"trunc(1299, -2)", "1200"},
        {"trunc(-1299, -2)", "-1200"},
        {"trunc(0.009, 2)", "0.0"},
        {"trunc(1299.9, -2)", "1200.0"},
        {"floor(-1.5)", "-2.0"},
        {"ceil(-1.5)", "-1.0"},
        {"floor(7)", "7"},
    };

    expect_all(all, SX_COUNT(all));
}

static void domains(void)
{
    static const struct expectation all[] = {
        {"abs(-9223372036854775808)", "!integer overflow"},
        {"sign(0)", "0"},
        {"sign(-2.5)", "-1"},
        {"sqrt(-1)", "!negative"},
        {"cbrt(27)", "3.0"},
        {"cbrt(0)", "0.0"},
        {"cbrt(1e300)", "1e+100"},
        {"cbrt(2)", "1.2599210498948732"},
        {"sqrt(2)", "1.4142135623730951"},
        {"ln(0)", "!not positive"},
        {"ln(-1)", "!not positive"},
        {"log(10, 100)", "2.0"},
        {"log(1, 5)", "!not 1"},
        {"log(0, 5)", "!positive"},
        {"log(2, 0)", "!positive"},
        {"exp(1000)", "!not finite"},
        {"power(10, 400)", "!not finite"},
        {"power(-8, 0.5)", "!not finite"},
        {"power(0, -1)", "!not finite"},
        {"asin(2)", "!domain"},
        {"cot(0)", "!not finite"},
        {"mod(5, 0)", "!division by zero"},
        {"mod(-9223372036854775808, -1)", "0"},
        {"atan2(1, 1)", "0.7853981633974483"},
        {"degrees(null)", "null"},
    };

    expect_all(all, SX_COUNT(all));
}

static void choosing(void)
{
    static const struct expectation all[] = {
        {"greatest(1, 2.5)", "2.5"},
        {"greatest(null, null)", "null"},
        {"greatest(\"a\", null, \"c\")", "\"c\""},
        {"least(4)", "4"},
        {"least(2, 1.5, null)", "1.5"},
        {"nullif(1, 1)", "null"},
        {"nullif(1, null)", "1"},
        {"nullif(null, 1)", "null"},
        {"nullif([1], [1])", "null"},
        {"coalesce(null, 2)", "2"},
        {"ifnull(1, 2)", "1"},
    };

    expect_all(all, SX_COUNT(all));
}

static void distances(void)
{
    static const struct expectation all[] = {
        {"round(geo_distance(37.4439, -122.1663, 51.5257, -0.1122, \"KM\"), 1)", "8634.7"},
        {"round(geo_distance(37.4439, -122.1663, 51.5257, -0.1122, null), 1)", "8634.7"},
        {"round(geo_distance(37.4439, -122.1663, 51.5257, -0.1122, \"mi\"), 0)", "5365.0"},
        {"geo_distance(1, 2, 1, 2)", "0.0"},
        {"geo_distance(null, 2, 1, 2)", "null"},
        {"geo_distance(91, 2, 1, 2)", "!latitude"},
        {"geo_distance(1, 2, 1, 2, \"yards\")", "!unit"},
    };

    expect_all(all, SX_COUNT(all));
}

void suite_numbers(void)
{
    SX_SUITE("numbers");

    SX_TEST(rounding);
    SX_TEST(domains);
    SX_TEST(choosing);
    SX_TEST(distances);
}
