/* dates.c: dates and times of day as texts and numbers. */
#include "operators/functions/moment.h"

/* ---- As texts -------------------------------------------------------------------------------- */

/* Every call has UTC as its zone: opening it reads nothing. */
static const struct sx_moment start = {
    .year = 1970, .month = 1, .day = 1, .zone_abbreviation = "UTC", .zone_name = "UTC"};

#define OF_DATE "GuyDMLdQqEecYwWF"
#define OF_TIME "aBhHkKmsSAnN"

/* A pattern for a date (or a time) has no letters of the other, which Java refuses too. */
static bool check_letters(struct sx_call *call, struct sx_slice pattern, const char *allowed,
                          const char *what)
{
    bool quoted = false;

    for (uint32_t i = 0; i < pattern.size; i++) {
        char c = pattern.data[i];

        quoted ^= c == '\'';
        if (quoted || !((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')) || strchr(allowed, c) != NULL)
            continue;
        sx_call_fail(call, "the pattern letter %c is not of a %s", c, what);
        return false;
    }
    return true;
}

static struct sx_value write_date(struct sx_call *call, int64_t days, struct sx_slice pattern)
{
    struct sx_moment moment = start;

    if (!check_letters(call, pattern, OF_DATE, "date"))
        return SX_VALUE_NULL;
    if (days < sx_days_of(0, 1, 1) || days >= sx_days_of(10000, 1, 1))
        return sx_call_fail(call, "the date is beyond the years 0 to 9999");
    moment.days = days;
    sx_civil_of(days, &moment.year, &moment.month, &moment.day);
    return sx_moment_format(call, &moment, pattern);
}

static struct sx_value read_moment(struct sx_call *call, struct sx_value text, struct sx_slice pattern)
{
    struct sx_zone *utc = sx_zone_open(SX_SLICE("UTC"));
    struct sx_value value = sx_moment_parse(call, sx_value_slice(text), pattern, utc);

    sx_zone_free(utc);
    return value;
}

static int64_t days_of(int64_t ms) { return ms / SX_DAY_MS - (ms % SX_DAY_MS < 0); }

/* The days of a text by a pattern; null: the call has failed. */
static struct sx_value read_date(struct sx_call *call, struct sx_value text, struct sx_slice pattern)
{
    struct sx_value value;

    if (!check_letters(call, pattern, OF_DATE, "date"))
        return SX_VALUE_NULL;
    value = read_moment(call, text, pattern);
    return value.kind == SX_NULL ? value : sx_value_int64(SX_DATE, days_of(value.i));
}

static struct sx_value format_date(struct sx_call *call, const struct sx_value *args, uint32_t count)
{
    return write_date(call, args[0].i, sx_value_slice(args[1]));
}

static struct sx_value parse_date(struct sx_call *call, const struct sx_value *args, uint32_t count)
{
    return read_date(call, args[0], count > 1 ? sx_value_slice(args[1]) : SX_SLICE("yyyy-MM-dd"));
}

static struct sx_value string_to_days(struct sx_call *call, const struct sx_value *args, uint32_t count)
{
    struct sx_value date = parse_date(call, args, count);

    return date.kind == SX_NULL ? date : sx_value_int(date.i);
}

static struct sx_value format_time(struct sx_call *call, const struct sx_value *args, uint32_t count)
{
    struct sx_moment moment = start;

    moment.ms = args[0].i;
    if (!check_letters(call, sx_value_slice(args[1]), OF_TIME, "time of day"))
        return SX_VALUE_NULL;
    return sx_moment_format(call, &moment, sx_value_slice(args[1]));
}

static struct sx_value parse_time(struct sx_call *call, const struct sx_value *args, uint32_t count)
{
    struct sx_value value;

    if (!check_letters(call, sx_value_slice(args[1]), OF_TIME, "time of day"))
        return SX_VALUE_NULL;
    value = read_moment(call, args[0], sx_value_slice(args[1]));
    return value.kind == SX_NULL ? value : sx_value_int64(SX_TIME, value.i - days_of(value.i) * SX_DAY_MS);
}

/* What a constant pattern makes wrong is an error of the text. `arg` of the row is the letters allowed. */
static void *check_pattern(struct sx_call *call, const struct sx_value *const *constants, uint32_t count)
{
    struct sx_slice pattern;

    if (count < 2 || constants[1] == NULL || constants[1]->kind != SX_STRING)
        return NULL;
    pattern = sx_value_slice(*constants[1]);
    if (check_letters(call, pattern, call->arg, strcmp(call->arg, OF_DATE) == 0 ? "date" : "time of day"))
        sx_moment_format(call, &start, pattern);
    return NULL;
}

/* ---- As numbers ------------------------------------------------------------------------------ */

static struct sx_value unix_date(struct sx_call *call, const struct sx_value *args, uint32_t count)
{
    return sx_value_int(args[0].i);
}

static struct sx_value from_days(struct sx_call *call, const struct sx_value *args, uint32_t count)
{
    if (args[0].i < sx_days_of(-9999, 1, 1) || args[0].i >= sx_days_of(10000, 1, 1))
        return sx_call_fail(call, "the date is beyond the years -9999 to 9999");
    return sx_value_int64(SX_DATE, args[0].i);
}

static struct sx_value last_day(struct sx_call *call, const struct sx_value *args, uint32_t count)
{
    unsigned month, day;
    int year;

    sx_civil_of(args[0].i, &year, &month, &day);
    return sx_value_int64(SX_DATE, sx_days_of(year + (month == 12), month % 12 + 1, 1) - 1);
}

#define ROW(sig, text, sample, gives, function)                                               \
    {                                                                                         \
        .signature = sig, .summary = text, .example = sample, .result = gives, .fn = function \
    }
#define PATTERN_ROW(sig, text, sample, gives, function, letters)                               \
    {                                                                                          \
        .signature = sig, .summary = text, .example = sample, .result = gives, .fn = function, \
        .arg = (void *)(uintptr_t)letters, .prepare = check_pattern                            \
    }

static const struct sx_function_def rows[] = {
    PATTERN_ROW("format_date(d date, pattern string) string",
                "A date as text, by a pattern of Java's DateTimeFormatter.",
                "format_date(from_days(20484), \"EEE d MMM yyyy\")", "\"Sat 31 Jan 2026\"", format_date,
                OF_DATE),
    PATTERN_ROW("parse_date(s string, pattern string) date", "A date from a text, by such a pattern.",
                "unix_date(parse_date(\"31.1.2026\", \"d.M.yyyy\"))", "20484", parse_date, OF_DATE),
    PATTERN_ROW("to_date(s string [, pattern string]) date",
                "What `parse_date` gives, as Flink calls it; the pattern is `yyyy-MM-dd` unless given.",
                "unix_date(to_date(\"2026-01-31\"))", "20484", parse_date, OF_DATE),
    PATTERN_ROW("format_time(t time, pattern string) string",
                "A time of day as text, by a pattern of Java's DateTimeFormatter.",
                "format_time(parse_time(\"17:05\", \"HH:mm\"), \"h.mm a\")", "\"5.05 PM\"", format_time,
                OF_TIME),
    PATTERN_ROW("parse_time(s string, pattern string) time",
                "A time of day from a text, by such a pattern; what is missing is 0.",
                "format_time(parse_time(\"5 PM\", \"h a\"), \"HH:mm:ss\")", "\"17:00:00\"", parse_time,
                OF_TIME),
    PATTERN_ROW("stringtodate(s string, pattern string) int",
                "The days since 1970 of a date in a text, as ksqlDB once called it.",
                "stringtodate(\"1970-01-11\", \"yyyy-MM-dd\")", "10", string_to_days, OF_DATE),
    PATTERN_ROW("datetostring(days int, pattern string) string",
                "Days since 1970 as text, as ksqlDB once called it.", "datetostring(10, \"yyyy-MM-dd\")",
                "\"1970-01-11\"", format_date, OF_DATE),
    ROW("unix_date(d date) int", "The days since 1970.", "unix_date(from_days(10))", "10", unix_date),
    ROW("from_days(days int) date", "The date so many days after the first of 1970.",
        "format_date(from_days(-1), \"yyyy-MM-dd\")", "\"1969-12-31\"", from_days),
    ROW("last_day(d date) date", "The last day of the date's month.",
        "format_date(last_day(to_date(\"2024-02-10\")), \"d\")", "\"29\"", last_day),
};

const struct sx_function_table sx_functions_dates = SX_ROWS_OF("dates", rows);
