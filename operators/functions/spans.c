/* spans.c: times moved, compared and cut by units of the calendar and the clock. */
#include "operators/functions/moment.h"

#include <strings.h>

enum unit { MILLISECOND, SECOND, MINUTE, HOUR, DAY, WEEK, MONTH, QUARTER, YEAR, UNITS };

static const int64_t unit_ms[] = {1, 1000, 60000, 3600000, SX_DAY_MS, 7 * SX_DAY_MS};

/* `DAY` or `DAYS`, any case. */
static enum unit unit_of(struct sx_call *call, struct sx_value name)
{
    static const char *const names[] = {"MILLISECONDS", "SECONDS", "MINUTES",  "HOURS", "DAYS",
                                        "WEEKS",        "MONTHS",  "QUARTERS", "YEARS"};
    struct sx_slice s = sx_value_slice(name);

    for (size_t i = 0; i < SX_COUNT(names); i++)
        if (sx_slice_is(s, names[i]) ||
            (s.size == strlen(names[i]) - 1 && strncasecmp(s.data, names[i], s.size) == 0))
            return (enum unit)i;
    sx_call_fail(
        call,
        "unknown unit \"%.*s\"; MILLISECOND, SECOND, MINUTE, HOUR, DAY, WEEK, MONTH, QUARTER and YEAR "
        "are known",
        (int)SX_MIN(s.size, 32u), s.size ? s.data : "");
    return UNITS;
}

/* What constants make wrong is an error of the text. */
static void *check_unit(struct sx_call *call, const struct sx_value *const *constants, uint32_t count)
{
    if (constants[0] != NULL && constants[0]->kind == SX_STRING)
        unit_of(call, *constants[0]);
    return NULL;
}

static int64_t floor_by(int64_t a, int64_t b) { return a / b - (a % b < 0); }

static bool in_years(struct sx_call *call, int64_t days)
{
    if (days < sx_days_of(0, 1, 1) || days >= sx_days_of(10000, 1, 1))
        sx_call_fail(call, "the time is beyond the years 0 to 9999");
    return !call->failed;
}

/* ---- Moving ---------------------------------------------------------------------------------- */

/* A day that its month does not have becomes the last of it. */
static int64_t add_months(struct sx_call *call, int64_t days, int64_t months)
{
    unsigned month, day;
    int64_t sum, last;
    int year;

    if (!in_years(call, days))
        return 0;
    sx_civil_of(days, &year, &month, &day);
    sum = (int64_t)year * 12 + month - 1 + SX_MAX(SX_MIN(months, INT64_C(1000000)), INT64_C(-1000000));
    if (sum < 0 || sum >= 120000) {
        sx_call_fail(call, "the time is beyond the years 0 to 9999");
        return 0;
    }
    year = (int)(sum / 12);
    month = (unsigned)(sum % 12) + 1;
    last = sx_days_of(year + (month == 12), month % 12 + 1, 1) - sx_days_of(year, month, 1);
    return sx_days_of(year, month, 1) + SX_MIN((int64_t)day, last) - 1;
}

static int64_t months_in(enum unit unit) { return unit == YEAR ? 12 : unit == QUARTER ? 3 : 1; }

/* n units as milliseconds or months, with the sign of the row's `arg`. False: the call has failed. */
static bool amount(struct sx_call *call, const struct sx_value *args, enum unit *unit, int64_t *n)
{
    const bool back = call->arg != NULL;

    *unit = unit_of(call, args[0]);
    if (call->failed)
        return false;
    if (__builtin_mul_overflow(args[1].i, *unit >= MONTH ? months_in(*unit) : unit_ms[*unit], n) ||
        (back && __builtin_sub_overflow(0, *n, n)))
        sx_call_fail(call, "integer overflow: so many units are beyond any time");
    return !call->failed;
}

static struct sx_value move_timestamp(struct sx_call *call, const struct sx_value *args, uint32_t count)
{
    int64_t n, ms = args[2].i, days = floor_by(ms, SX_DAY_MS);
    enum unit unit;

    if (!amount(call, args, &unit, &n))
        return SX_VALUE_NULL;
    if (unit >= MONTH)
        ms = add_months(call, days, n) * SX_DAY_MS + (ms - days * SX_DAY_MS);
    else if (__builtin_add_overflow(ms, n, &ms))
        sx_call_fail(call, "integer overflow: the timestamp is out of range");
    return call->failed ? SX_VALUE_NULL : sx_value_int64(SX_TIMESTAMP, ms);
}

/* Whole days of the amount are added, as ksqlDB does: 47 hours are one. */
static struct sx_value move_date(struct sx_call *call, const struct sx_value *args, uint32_t count)
{
    int64_t n, days = args[2].i;
    enum unit unit;

    if (!amount(call, args, &unit, &n))
        return SX_VALUE_NULL;
    days = unit >= MONTH ? add_months(call, days, n) : days + n / SX_DAY_MS;
    return !call->failed && in_years(call, days) ? sx_value_int64(SX_DATE, days) : SX_VALUE_NULL;
}

/* Around midnight, as a clock goes. */
static struct sx_value move_time(struct sx_call *call, const struct sx_value *args, uint32_t count)
{
    enum unit unit;
    int64_t n, ms;

    if (!amount(call, args, &unit, &n))
        return SX_VALUE_NULL;
    if (unit >= MONTH)
        return sx_call_fail(call, "a time of day is moved by a WEEK at most");
    ms = args[2].i + n % SX_DAY_MS;
    return sx_value_int64(SX_TIME, ms - floor_by(ms, SX_DAY_MS) * SX_DAY_MS);
}

/* ---- Comparing ------------------------------------------------------------------------------- */

/* The whole months from a to b (a <= b): those that, added to a, do not pass b. */
static int64_t whole_months(struct sx_call *call, int64_t a, int64_t b)
{
    const int64_t a_days = floor_by(a, SX_DAY_MS), b_days = floor_by(b, SX_DAY_MS);
    unsigned month[2], day;
    int64_t months;
    int year[2];

    if (!in_years(call, a_days) || !in_years(call, b_days))
        return 0;
    sx_civil_of(a_days, &year[0], &month[0], &day);
    sx_civil_of(b_days, &year[1], &month[1], &day);
    months = (int64_t)(year[1] - year[0]) * 12 + month[1] - month[0];
    if (months > 0 && add_months(call, a_days, months) * SX_DAY_MS + (a - a_days * SX_DAY_MS) > b)
        months--;
    return months;
}

/* `arg` of the row is the milliseconds that the arguments count. */
static struct sx_value difference(struct sx_call *call, const struct sx_value *args, uint32_t count)
{
    const enum unit unit = unit_of(call, args[0]);
    const int64_t scale = (int64_t)(uintptr_t)call->arg;
    int64_t a, b, result;

    if (call->failed)
        return SX_VALUE_NULL;
    if (__builtin_mul_overflow(args[1].i, scale, &a) || __builtin_mul_overflow(args[2].i, scale, &b) ||
        __builtin_sub_overflow(b, a, &result))
        return sx_call_fail(call, "integer overflow in timestampdiff");
    if (unit < MONTH)
        return sx_value_int(result / unit_ms[unit]);
    result = a <= b ? whole_months(call, a, b) : -whole_months(call, b, a);
    return call->failed ? SX_VALUE_NULL : sx_value_int(result / months_in(unit));
}

/* ---- Cutting --------------------------------------------------------------------------------- */

static void *prepare_cut(struct sx_call *call, const struct sx_value *const *constants, uint32_t count)
{
    struct sx_zone *zone;

    check_unit(call, constants, count);
    if (call->failed || count < 3 || constants[2] == NULL || constants[2]->kind != SX_STRING)
        return NULL;
    zone = sx_zone_open(sx_value_slice(*constants[2]));
    if (zone == NULL)
        sx_call_fail(call, "there is no time zone \"%.*s\"", (int)SX_MIN(constants[2]->size, 64u),
                     constants[2]->size ? constants[2]->s : "");
    return zone;
}

static void release_cut(void *site) { sx_zone_free(site); }

static int64_t cut_days(const struct sx_moment *m, enum unit unit)
{
    switch (unit) {
    case WEEK:
        return m->days - sx_weekday(m->days);
    case MONTH:
        return sx_days_of(m->year, m->month, 1);
    case QUARTER:
        return sx_days_of(m->year, (m->month - 1) / 3 * 3 + 1, 1);
    case YEAR:
        return sx_days_of(m->year, 1, 1);
    default:
        return m->days;
    }
}

/* Units below a day are cut off the clock as it shows, so that the hour of a zone with half hours is its own;
 * the time of day stays on this side of a change of the clocks. */
static struct sx_value date_trunc(struct sx_call *call, const struct sx_value *args, uint32_t count)
{
    const enum unit unit = unit_of(call, args[0]);
    struct sx_zone *zone = call->site;
    struct sx_value value = SX_VALUE_NULL;
    struct sx_moment moment;

    if (call->failed)
        return value;
    if (zone == NULL)
        zone = sx_zone_open(count > 2 ? sx_value_slice(args[2]) : SX_SLICE("UTC"));
    if (zone == NULL)
        return sx_call_fail(call, "there is no time zone \"%.*s\"", (int)SX_MIN(args[2].size, 64u),
                            args[2].size ? args[2].s : "");
    if (sx_moment_of(call, args[1].i, zone, &moment)) {
        if (unit < DAY)
            value = sx_value_int64(SX_TIMESTAMP, args[1].i - moment.ms % unit_ms[unit]);
        else
            value =
                sx_value_int64(SX_TIMESTAMP, sx_zone_to_utc(zone, cut_days(&moment, unit) * 86400) * 1000);
    }
    if (zone != call->site)
        sx_zone_free(zone);
    return value;
}

#define ROW(sig, text, sample, gives, function, argument)                                      \
    {                                                                                          \
        .signature = sig, .summary = text, .example = sample, .result = gives, .fn = function, \
        .arg = (void *)(uintptr_t)(argument), .prepare = check_unit                            \
    }
#define T "timestamp \"2026-01-31T10:45:00Z\""
#define D(day) "to_date(\"" day "\")"

static const struct sx_function_def rows[] = {
    ROW("timestampadd(unit string, n int, t timestamp) timestamp",
        "Moved by units from MILLISECOND to YEAR, in UTC; a day that its month does not have is the "
        "last of it.",
        "timestampadd(\"MONTH\", 1, " T ")", "1772275500000", move_timestamp, 0),
    ROW("timestampsub(unit string, n int, t timestamp) timestamp", "A timestamp moved back likewise.",
        "timestampsub(\"DAYS\", 30, " T ")", "1767264300000", move_timestamp, 1),
    ROW("dateadd(unit string, n int, d date) date",
        "A date moved by units likewise; of hours and less, by the whole days they make.",
        "format_date(dateadd(\"DAYS\", 1, " D("2026-01-31") "), \"yyyy-MM-dd\")", "\"2026-02-01\"", move_date,
        0),
    ROW("datesub(unit string, n int, d date) date", "A date moved back likewise.",
        "format_date(datesub(\"YEAR\", 1, " D("2024-02-29") "), \"yyyy-MM-dd\")", "\"2023-02-28\"", move_date,
        1),
    ROW("timeadd(unit string, n int, t time) time", "A time of day moved by units, around midnight.",
        "format_time(timeadd(\"HOURS\", 2, parse_time(\"23:30\", \"HH:mm\")), \"HH:mm\")", "\"01:30\"",
        move_time, 0),
    ROW("timesub(unit string, n int, t time) time", "A time of day moved back likewise.",
        "format_time(timesub(\"MINUTES\", 40, parse_time(\"00:30\", \"HH:mm\")), \"HH:mm\")", "\"23:50\"",
        move_time, 1),
    ROW("timestampdiff(unit string, a timestamp, b timestamp) int",
        "The whole units from one time to another; negative if that is earlier.",
        "timestampdiff(\"HOUR\", timestamp \"2026-01-31T08:00:00Z\", " T ")", "2", difference, 1),
    ROW("timestampdiff(unit string, a date, b date) int", "The whole units from one date to another.",
        "timestampdiff(\"MONTH\", " D("2026-01-31") ", " D("2026-03-30") ")", "1", difference, SX_DAY_MS),
    {.signature = "date_trunc(unit string, t timestamp [, zone string]) timestamp",
     .summary = "The beginning of the unit that holds the time, in UTC or a zone; weeks begin on Monday.",
     .example = "date_trunc(\"HOUR\", " T ")",
     .result = "1769853600000",
     .fn = date_trunc,
     .prepare = prepare_cut,
     .release = release_cut},
};

const struct sx_function_table sx_functions_spans = SX_ROWS_OF("spans", rows);
