/* test_times.c: patterns and zones. The expected texts are what Java 17 prints and reads. */
#include "operators/functions/zone.h"
#include "tests/unit/functions/words.h"

#define T "timestamp \"2026-01-31T10:00:00.123Z\""

static void formats(void)
{
    static const struct expectation all[] = {
        {"format_timestamp(" T ", \"yyyy-MM-dd'T'HH:mm:ss.SSSX\")", "\"2026-01-31T10:00:00.123Z\""},
        {"format_timestamp(" T ", \"yyyy-MM-dd'T'HH:mm:ss.SSSX\", \"Europe/Paris\")",
         "\"2026-01-31T11:00:00.123+01\""},
        {"format_timestamp(" T ", \"zzz|VV|XX"
         "X|xx|O|OOOO|Z|ZZZZZ\", \"America/New_York\")",
         "\"EST|America/New_York|-05:00|-0500|GMT-5|GMT-05:00|-0500|-05:00\""},
        {"format_timestamp(" T ", \"zzz|VV|XX"
         "X|xx|O|OOOO|Z|ZZZZZ\", \"Europe/London\")",
         "\"GMT|Europe/London|Z|+0000|GMT|GMT|+0000|Z\""},
        {"format_timestamp(" T ", \"zzz|VV|K|k|h a\", \"+02:00\")", "\"+02:00|+02:00|0|12|12 PM\""},
        {"format_timestamp(" T ", \"EEE, d MMM uuuu h:mm a\")", "\"Sat, 31 Jan 2026 10:00 AM\""},
        {"format_timestamp(" T ", \"EEEE|EEEEE|MMMM|yy|D|Q|QQQ|G\")", "\"Saturday|S|January|26|31|1|Q1|AD\""},
        {"format_timestamp(" T ", \"A|n|N|S|SSSSSS\")", "\"36000123|123000000|36000123000000|1|123000\""},
        {"format_timestamp(" T ", \"''yyyy'' 'o''clock'\")", "\"'2026' o'clock\""},
        {"format_timestamp(timestamp \"2026-07-31T10:00:00Z\", \"HH:mm zzz\", \"Europe/London\")",
         "\"11:00 BST\""},
        {"format_timestamp(timestamp \"1969-12-31T23:59:59.999Z\", \"yyyy-MM-dd HH:mm:ss.SSS\")",
         "\"1969-12-31 23:59:59.999\""},
        {"format_timestamp(timestamp \"2050-07-01T00:00:00Z\", \"HH:mm zzz\", \"Europe/Paris\")",
         "\"02:00 CEST\""},
        {"format_timestamp(timestamp \"2050-01-01T00:00:00Z\", \"HH:mm\", \"Australia/Sydney\")",
         "\"11:00\""},
        {"format_timestamp(timestamp \"2050-07-01T00:00:00Z\", \"HH:mm\", \"Australia/Sydney\")",
         "\"10:00\""},
        {"format_timestamp(timestamp \"1950-07-01T00:00:00Z\", \"HH:mm\", \"Europe/London\")", "\"01:00\""},
        {"format_timestamp(" T ", \"HH:mm\", \"Asia/Kolkata\")", "\"15:30\""},
        {"format_timestamp(" T ", \"HH:mm X\", \"+0530\")", "\"15:30 +0530\""},
        {"format_timestamp(" T ", \"b\")", "!the pattern letter b"},
        {"format_timestamp(" T ", \"HH 'x\")", "!not closed"},
        {"format_timestamp(" T ", \"HH\", \"Mars/Olympus\")", "!no time zone"},
        {"format_timestamp(" T ", \"HH\", \"../../etc/passwd\")", "!no time zone"},
        {"format_timestamp(" T ", \"HH\", null)", "null"},
        {"format_timestamp(null, \"HH\")", "null"},
    };

    expect_all(all, SX_COUNT(all));
}

static void parsing(void)
{
    static const struct expectation all[] = {
        {"parse_timestamp(\"2026-01-31T10:00:00.123Z\", \"yyyy-MM-dd'T'HH:mm:ss.SSSX\")", "1769853600123"},
        {"parse_timestamp(\"2026-01-31T10:00:00.123+01\", \"yyyy-MM-dd'T'HH:mm:ss.SSSX\")", "1769850000123"},
        {"parse_timestamp(\"2026-01-31T10:00:00+01:30\", \"yyyy-MM-dd'T'HH:mm:ssXX"
         "X\")",
         "1769848200000"},
        {"parse_timestamp(\"2026-01-31T10:00:00Europe/Paris\", \"yyyy-MM-dd'T'HH:mm:ssVV\")",
         "1769850000000"},
        {"parse_timestamp(\"20260131100000\", \"yyyyMMddHHmmss\")", "1769853600000"},
        {"parse_timestamp(\"31 Jan 26 1:05 PM\", \"d MMM yy h:mm a\")", "1769864700000"},
        {"parse_timestamp(\"12:00 am\", \"hh:mm a\")", "0"},
        {"parse_timestamp(\"12:00 PM\", \"hh:mm a\")", "43200000"},
        {"parse_timestamp(\"24\", \"kk\")", "0"},
        {"parse_timestamp(\"2026\", \"yyyy\")", "1767225600000"},
        {"parse_timestamp(\"2026-032\", \"yyyy-DDD\")", "1769904000000"},
        {"parse_timestamp(\"Sat 2026-01-31\", \"EEE yyyy-MM-dd\")", "1769817600000"},
        {"parse_timestamp(\"Sun 2026-01-31\", \"EEE yyyy-MM-dd\")", "!no such date"},
        {"parse_timestamp(\"2026-02-30\", \"yyyy-MM-dd\")", "1772236800000"},
        {"parse_timestamp(\"2026-02-32\", \"yyyy-MM-dd\")", "!not of the pattern"},
        {"parse_timestamp(\"2026-13-01\", \"yyyy-MM-dd\")", "!not of the pattern"},
        {"parse_timestamp(\"2026-1-1\", \"yyyy-MM-dd\")", "!not of the pattern"},
        {"parse_timestamp(\"2026-1-1\", \"yyyy-M-d\")", "1767225600000"},
        {"parse_timestamp(\"2026-01-01 \", \"yyyy-MM-dd\")", "!not of the pattern"},
        {"parse_timestamp(\"2026-01-01\", \"yyyy-MM-dd[ HH:mm]\")", "1767225600000"},
        {"parse_timestamp(\"2026-01-01 01:00\", \"yyyy-MM-dd[ HH:mm]\")", "1767229200000"},
        {"parse_timestamp(\"10h\", \"HH'h'\")", "36000000"},
        {"parse_timestamp(\"01:00\", \"HH:mm\", \"Europe/Paris\")", "0"},
        /* Shown twice: the first time; skipped: an hour later. */
        {"parse_timestamp(\"2026-10-25 02:30\", \"yyyy-MM-dd HH:mm\", \"Europe/Paris\")", "1792888200000"},
        {"parse_timestamp(\"2026-03-29 02:30\", \"yyyy-MM-dd HH:mm\", \"Europe/Paris\")", "1774747800000"},
        {"parse_timestamp(\"x\", \"yyyy\")", "!not of the pattern"},
        {"parse_timestamp(\"1\", \"b\")", "!"},
        {"convert_tz(timestamp \"2026-07-01T12:00:00Z\", \"UTC\", \"Europe/London\")", "1782910800000"},
        {"convert_tz(timestamp \"2026-07-01T12:00:00Z\", \"+0200\", \"UTC\")", "1782900000000"},
        {"convert_tz(timestamp \"2026-07-01T12:00:00Z\", \"x\", \"UTC\")", "!no time zone"},
        {"dayofweek(timestamp \"2026-02-01T00:00:00Z\")", "1"},
        {"week(timestamp \"2027-01-01T00:00:00Z\")", "53"},
        {"year(timestamp \"2026-12-31T23:30:00Z\", \"Europe/Paris\")", "2027"},
    };

    expect_all(all, SX_COUNT(all));
}

/* A zone agrees with itself: an hour by hour walk over years of moves, forth and back. */
static void zones(void)
{
    static const char *const names[] = {"Europe/Paris", "America/Sao_Paulo", "Australia/Lord_Howe",
                                        "Asia/Tehran",  "Africa/Casablanca", "America/St_Johns",
                                        "Pacific/Apia"};

    for (size_t z = 0; z < SX_COUNT(names); z++) {
        struct sx_zone *zone = sx_zone_open(sx_slice_of(names[z]));
        uint32_t wrong = 0;

        CU_ASSERT_PTR_NOT_NULL_FATAL(zone);
        for (int64_t t = -2000000000; t < 6000000000; t += 3 * 3600) {
            int64_t local = t + sx_zone_offset(zone, t, NULL), back = sx_zone_to_utc(zone, local);

            /* Where a clock shows the same twice the first is meant. */
            wrong += back > t || back + sx_zone_offset(zone, back, NULL) != local;
        }
        CU_ASSERT_EQUAL(wrong, 0);
        sx_zone_free(zone);
    }
}

void suite_times(void)
{
    SX_SUITE("times");

    SX_TEST(formats);
    SX_TEST(parsing);
    SX_TEST(zones);
}
