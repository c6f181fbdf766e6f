/* test_time.c: durations, dates and times as text, and back. */
#include "engine/base/text.h"
#include "tests/unit/unit.h"

#define DAY_MS INT64_C(86400000)

typedef bool (*read_fn)(struct sx_slice text, int64_t *value);
typedef void (*add_fn)(struct sx_buffer *to, int64_t value);

static void check_reads(read_fn read, const char *text, int64_t value)
{
    int64_t got = -777;

    CU_ASSERT(read(sx_slice_of(text), &got));
    CU_ASSERT_EQUAL(got, value);
    if (got != value)
        fprintf(stderr, "`%s` reads as %lld\n", text, (long long)got);
}

static void check_refuses(read_fn read, const char *const *texts, size_t count)
{
    int64_t got;

    for (size_t i = 0; i < count; i++) {
        bool taken = read(sx_slice_of(texts[i]), &got);

        CU_ASSERT_FALSE(taken);
        if (taken)
            fprintf(stderr, "`%s` reads as %lld\n", texts[i], (long long)got);
    }
}

static void check_writes(add_fn add, int64_t value, const char *text)
{
    struct sx_buffer buffer = {0};

    add(&buffer, value);
    SX_ASSERT_BYTES(sx_buffer_slice(&buffer), text);
    sx_buffer_free(&buffer);
}

static void durations(void)
{
    static const char *const bad[] = {"",
                                      "5",
                                      "s",
                                      "-5s",
                                      "+5s",
                                      "1.5h",
                                      "5S",
                                      "30m1h",
                                      "1h1h",
                                      "1h 30m",
                                      "5sec",
                                      "1h30",
                                      " 1s",
                                      "1_0s",
                                      "106751991168d",
                                      "9223372036854775808ms",
                                      "9223372036854775807ms1ms",
                                      "9223372036854775s808ms"};

    check_reads(sx_read_duration, "500ms", 500);
    check_reads(sx_read_duration, "10s", 10000);
    check_reads(sx_read_duration, "5m", 300000);
    check_reads(sx_read_duration, "2h", 7200000);
    check_reads(sx_read_duration, "7d", 7 * DAY_MS);
    check_reads(sx_read_duration, "1h30m", 5400000);
    check_reads(sx_read_duration, "1d2h3m4s5ms", DAY_MS + 7384005);
    check_reads(sx_read_duration, "0s", 0);
    check_reads(sx_read_duration, "90m", 5400000);
    check_reads(sx_read_duration, "9223372036854775807ms", INT64_MAX);
    check_refuses(sx_read_duration, bad, SX_COUNT(bad));
}

static void writing_durations(void)
{
    check_writes(sx_add_duration, 0, "0s");
    check_writes(sx_add_duration, 1, "1ms");
    check_writes(sx_add_duration, 60000, "1m");
    check_writes(sx_add_duration, 5400000, "1h30m");
    check_writes(sx_add_duration, 7 * DAY_MS, "7d");
    check_writes(sx_add_duration, DAY_MS + 7384005, "1d2h3m4s5ms");
    check_writes(sx_add_duration, -5400000, "-1h30m");
    check_writes(sx_add_duration, INT64_MAX, "106751991167d7h12m55s807ms");
    check_writes(sx_add_duration, INT64_MIN, "-106751991167d7h12m55s808ms");
}

static void the_calendar(void)
{
    int year, right = 1;
    unsigned month, day;
    int64_t days = sx_days_of(-9999, 1, 1);

    CU_ASSERT_EQUAL(sx_days_of(1970, 1, 1), 0);
    CU_ASSERT_EQUAL(sx_days_of(2000, 3, 1), 11017);
    CU_ASSERT_EQUAL(sx_days_of(1600, 1, 1), -135140);
    CU_ASSERT_EQUAL(sx_days_of(1969, 12, 31), -1);
    /* Every day of 20,000 years follows the one before it. */
    for (int y = -9999; y <= 9999; y++) {
        bool leap = (y % 4 == 0 && y % 100 != 0) || y % 400 == 0;
        for (unsigned m = 1; m <= 12; m++) {
            unsigned length = m == 2 ? 28u + leap : 30 + ((m + (m > 7)) & 1);
            right &= sx_days_of(y, m, 1) == days;
            sx_civil_of(days + length - 1, &year, &month, &day);
            right &= year == y && month == m && day == length;
            days += length;
        }
    }
    CU_ASSERT(right);
}

static void timestamps(void)
{
    static const char *const bad[] = {
        "",
        "2026",
        "2026-1-31",
        "2026-02-29",
        "2100-02-29",
        "2026-13-01",
        "2026-00-10",
        "2026-01-00",
        "2026-04-31",
        "2026-01-31T",
        "2026-01-31T24:00:00Z",
        "2026-01-31T10:60:00Z",
        "2026-01-31T10:00:60Z",
        "2026-01-31T10",
        "2026-01-31T10:00:00.Z",
        "2026-01-31T10:00:00+",
        "2026-01-31T10:00:00+2",
        "2026-01-31T10:00:00+19:00",
        "2026-01-31T10:00:00+02:60",
        "2026-01-31T10:00:00+02:",
        "2026-01-31T10:00:00ZZ",
        "2026-01-31T10:00:00 ",
        " 2026-01-31",
        "2026-01-31Z",
        "20260131T100000Z",
        "1769853600000",
    };

    check_reads(sx_read_timestamp, "1970-01-01T00:00:00Z", 0);
    check_reads(sx_read_timestamp, "2026-01-31T10:00:00Z", INT64_C(1769853600000));
    check_reads(sx_read_timestamp, "2026-01-31T10:00:00.123Z", INT64_C(1769853600123));
    check_reads(sx_read_timestamp, "2026-01-31T10:00:00.1", INT64_C(1769853600100));
    check_reads(sx_read_timestamp, "2026-01-31T10:00:00.123999999Z", INT64_C(1769853600123));
    check_reads(sx_read_timestamp, "2026-01-31T12:00:00+02:00", INT64_C(1769853600000));
    check_reads(sx_read_timestamp, "2026-01-31T12:00:00+0200", INT64_C(1769853600000));
    check_reads(sx_read_timestamp, "2026-01-31T12:00:00+02", INT64_C(1769853600000));
    check_reads(sx_read_timestamp, "2026-01-31T04:30:00-05:30", INT64_C(1769853600000));
    check_reads(sx_read_timestamp, "2026-01-31T10:00", INT64_C(1769853600000));
    check_reads(sx_read_timestamp, "2026-01-31 10:00:00", INT64_C(1769853600000));
    check_reads(sx_read_timestamp, "2026-01-31", INT64_C(1769817600000));
    check_reads(sx_read_timestamp, "2024-02-29", INT64_C(1709164800000));
    check_reads(sx_read_timestamp, "1969-12-31T23:59:59.999Z", -1);
    check_refuses(sx_read_timestamp, bad, SX_COUNT(bad));
    check_writes(sx_add_timestamp, 0, "1970-01-01T00:00:00Z");
    check_writes(sx_add_timestamp, -1, "1969-12-31T23:59:59.999Z");
    check_writes(sx_add_timestamp, INT64_C(1769853600123), "2026-01-31T10:00:00.123Z");
    check_writes(sx_add_timestamp, INT64_C(1769853600000), "2026-01-31T10:00:00Z");
}

static void every_timestamp_has_a_text(void)
{
    check_writes(sx_add_timestamp, INT64_MAX, "292278994-08-17T07:12:55.807Z");
    check_writes(sx_add_timestamp, INT64_MIN, "-292275055-05-16T16:47:04.192Z");
}

static void dates_and_times(void)
{
    static const char *const bad_dates[] = {"", "2026-01-31T00:00:00Z", "2026-01-32", "x", "2026/01/31"};
    static const char *const bad_times[] = {"",          "10",      "10:00:00Z", "25:00:00",
                                            "10:00:00.", "1:00:00", "-1:00"};

    check_reads(sx_read_date, "1970-01-02", 1);
    check_reads(sx_read_date, "0001-01-01", -719162);
    check_reads(sx_read_date, "-0001-12-31", -719529);
    check_refuses(sx_read_date, bad_dates, SX_COUNT(bad_dates));
    check_writes(sx_add_date, 1, "1970-01-02");
    check_writes(sx_add_date, -719162, "0001-01-01");
    check_writes(sx_add_date, -719529, "-0001-12-31");
    check_reads(sx_read_time, "10:00:00", 36000000);
    check_reads(sx_read_time, "10:00", 36000000);
    check_reads(sx_read_time, "23:59:59.999", DAY_MS - 1);
    check_refuses(sx_read_time, bad_times, SX_COUNT(bad_times));
    check_writes(sx_add_time, 36000000, "10:00:00");
    check_writes(sx_add_time, DAY_MS - 1, "23:59:59.999");
    check_writes(sx_add_time, 1, "00:00:00.001");
}

static void what_is_written_reads_back(void)
{
    struct sx_buffer buffer = {0};
    uint64_t seed = 11;
    unsigned wrong = 0;

    for (int i = 0; i < 20000; i++) {
        int64_t ms = (int64_t)(sx_unit_random(&seed) % (UINT64_C(600000) * 86400000)), back = -1;

        buffer.size = 0;
        sx_add_timestamp(&buffer, ms - INT64_C(25920000000000));
        wrong += !sx_read_timestamp(sx_buffer_slice(&buffer), &back) || back != ms - INT64_C(25920000000000);
        buffer.size = 0;
        sx_add_duration(&buffer, ms);
        wrong += !sx_read_duration(sx_buffer_slice(&buffer), &back) || back != ms;
    }
    CU_ASSERT_EQUAL(wrong, 0);
    sx_buffer_free(&buffer);
}

void suite_time(void)
{
    SX_SUITE("time");
    SX_TEST(durations);
    SX_TEST(writing_durations);
    SX_TEST(the_calendar);
    SX_TEST(timestamps);
    SX_TEST(every_timestamp_has_a_text);
    SX_TEST(dates_and_times);
    SX_TEST(what_is_written_reads_back);
}
