/* calendar.c: fields of timestamps, as Flink calls them; in UTC, or in a zone. */
#include "operators/functions/moment.h"

enum field {
    YEAR,
    QUARTER,
    MONTH,
    WEEK,
    DAY_OF_MONTH,
    DAY_OF_WEEK,
    DAY_OF_YEAR,
    HOUR,
    MINUTE,
    SECOND,
    MILLISECOND,
    ISO_DAY_OF_WEEK,
    ISO_YEAR,
    EPOCH,
    DECADE,
    CENTURY,
    MILLENNIUM,
    FIELDS
};

static void *prepare(struct sx_call *call, const struct sx_value *const *constants, uint32_t count)
{
    struct sx_zone *zone;

    if (count < 2 || constants[1] == NULL || constants[1]->kind != SX_STRING)
        return NULL;
    zone = sx_zone_open(sx_value_slice(*constants[1]));
    if (zone == NULL)
        sx_call_fail(call, "there is no time zone \"%.*s\"", (int)SX_MIN(constants[1]->size, 64u),
                     constants[1]->size ? constants[1]->s : "");
    return zone;
}

static void release(void *site) { sx_zone_free(site); }

static int64_t iso_year(int64_t days)
{
    unsigned month, day;
    int year;

    sx_civil_of(days - sx_weekday(days) + 3, &year, &month, &day);
    return year;
}

static int64_t field_of(const struct sx_moment *m, enum field field)
{
    switch (field) {
    case YEAR:
        return m->year;
    case QUARTER:
        return (m->month + 2) / 3;
    case MONTH:
        return m->month;
    case WEEK:
        return sx_iso_week(m);
    case DAY_OF_MONTH:
        return m->day;
    case DAY_OF_WEEK:
        return (sx_weekday(m->days) + 1) % 7 + 1;
    case DAY_OF_YEAR:
        return sx_day_of_year(m);
    case HOUR:
        return m->ms / 3600000;
    case MINUTE:
        return m->ms / 60000 % 60;
    case MILLISECOND:
        return m->ms % 1000;
    case ISO_DAY_OF_WEEK:
        return sx_weekday(m->days) + 1;
    case ISO_YEAR: /* the year of the week's Thursday */
        return iso_year(m->days);
    case EPOCH:
        return m->days * 86400 + m->ms / 1000 - m->offset;
    case DECADE:
        return m->year / 10;
    case CENTURY:
        return (m->year + 99) / 100;
    case MILLENNIUM:
        return (m->year + 999) / 1000;
    default:
        return m->ms / 1000 % 60;
    }
}

/* The field of a timestamp in the zone that argument 1 names. */
static struct sx_value field_in_zone(struct sx_call *call, const struct sx_value *args, uint32_t count,
                                     enum field which)
{
    struct sx_zone *zone = call->site;
    struct sx_value value = SX_VALUE_NULL;
    struct sx_moment moment;

    if (zone == NULL)
        zone = sx_zone_open(count > 1 ? sx_value_slice(args[1]) : SX_SLICE("UTC"));
    if (zone == NULL)
        return sx_call_fail(call, "there is no time zone \"%.*s\"", (int)SX_MIN(args[1].size, 64u),
                            args[1].size ? args[1].s : "");
    if (sx_moment_of(call, args[0].i, zone, &moment))
        value = sx_value_int(field_of(&moment, which));
    if (zone != call->site)
        sx_zone_free(zone);
    return value;
}

static struct sx_value field(struct sx_call *call, const struct sx_value *args, uint32_t count)
{
    return field_in_zone(call, args, count, (enum field)(uintptr_t)call->arg);
}

static struct sx_value field_of_date(struct sx_call *call, const struct sx_value *args, uint32_t count)
{
    struct sx_moment moment = {.days = args[0].i};

    sx_civil_of(args[0].i, &moment.year, &moment.month, &moment.day);
    return sx_value_int(field_of(&moment, (enum field)(uintptr_t)call->arg));
}

static struct sx_value field_of_time(struct sx_call *call, const struct sx_value *args, uint32_t count)
{
    const struct sx_moment moment = {.ms = args[0].i};

    return sx_value_int(field_of(&moment, (enum field)(uintptr_t)call->arg));
}

/* ---- extract --------------------------------------------------------------------------------- */

static enum field field_named(struct sx_call *call, struct sx_value name)
{
    static const char *const names[FIELDS] = {[YEAR] = "YEAR",
                                              [QUARTER] = "QUARTER",
                                              [MONTH] = "MONTH",
                                              [WEEK] = "WEEK",
                                              [DAY_OF_MONTH] = "DAY",
                                              [DAY_OF_WEEK] = "DOW",
                                              [DAY_OF_YEAR] = "DOY",
                                              [HOUR] = "HOUR",
                                              [MINUTE] = "MINUTE",
                                              [SECOND] = "SECOND",
                                              [MILLISECOND] = "MILLISECOND",
                                              [ISO_DAY_OF_WEEK] = "ISODOW",
                                              [ISO_YEAR] = "ISOYEAR",
                                              [EPOCH] = "EPOCH",
                                              [DECADE] = "DECADE",
                                              [CENTURY] = "CENTURY",
                                              [MILLENNIUM] = "MILLENNIUM"};

    for (size_t i = 0; i < SX_COUNT(names); i++)
        if (sx_slice_is(sx_value_slice(name), names[i]))
            return (enum field)i;
    sx_call_fail(
        call,
        "a timestamp has no field \"%.*s\"; YEAR, QUARTER, MONTH, WEEK, DAY, DOW, DOY, HOUR, MINUTE, "
        "SECOND, MILLISECOND and EPOCH are some that it has",
        (int)SX_MIN(name.size, 32u), name.size ? name.s : "");
    return FIELDS;
}

static void *prepare_extract(struct sx_call *call, const struct sx_value *const *constants, uint32_t count)
{
    if (constants[0] != NULL && constants[0]->kind == SX_STRING)
        field_named(call, *constants[0]);
    return call->failed ? NULL : prepare(call, constants + 1, count - 1);
}

static struct sx_value extract(struct sx_call *call, const struct sx_value *args, uint32_t count)
{
    const enum field which = field_named(call, args[0]);

    return which == FIELDS ? SX_VALUE_NULL : field_in_zone(call, args + 1, count - 1, which);
}

#define ROW(name, text, gives, which)                                                              \
    {                                                                                              \
        .signature = name "(t timestamp [, zone string]) int", .summary = text,                    \
        .example = name "(timestamp \"2026-01-31T23:30:15Z\", \"Europe/Paris\")", .result = gives, \
        .fn = field, .arg = (void *)(uintptr_t)(which), .prepare = prepare, .release = release     \
    }

#define DATE_ROW(name, text, gives, which)                                                              \
    ROW(name, text, gives, which),                                                                      \
    {                                                                                                   \
        .signature = name "(d date) int", .summary = text, .example = name "(to_date(\"2026-02-01\"))", \
        .result = gives, .fn = field_of_date, .arg = (void *)(uintptr_t)(which)                         \
    }
#define TIME_ROW(name, text, gives, which)                                                                \
    ROW(name, text, gives, which),                                                                        \
    {                                                                                                     \
        .signature = name "(t time) int", .summary = text,                                                \
        .example = name "(parse_time(\"00:30:15\", \"HH:mm:ss\"))", .result = gives, .fn = field_of_time, \
        .arg = (void *)(uintptr_t)(which)                                                                 \
    }

static const struct sx_function_def rows[] = {
    DATE_ROW("year", "The year.", "2026", YEAR),
    DATE_ROW("quarter", "The quarter of the year, 1 to 4.", "1", QUARTER),
    DATE_ROW("month", "The month, 1 to 12.", "2", MONTH),
    DATE_ROW("week", "The ISO week, 1 to 53.", "5", WEEK),
    DATE_ROW("dayofmonth", "The day of the month, from 1.", "1", DAY_OF_MONTH),
    DATE_ROW("dayofweek", "The day of the week, 1 Sunday to 7 Saturday.", "1", DAY_OF_WEEK),
    DATE_ROW("dayofyear", "The day of the year, from 1.", "32", DAY_OF_YEAR),
    TIME_ROW("hour", "The hour, 0 to 23.", "0", HOUR),
    TIME_ROW("minute", "The minute, 0 to 59.", "30", MINUTE),
    TIME_ROW("second", "The second, 0 to 59.", "15", SECOND),
    {.signature = "extract(field string, t timestamp [, zone string]) int",
     .summary =
         "A field of a timestamp: YEAR, QUARTER, MONTH, WEEK, DAY, DOW (1 Sunday), DOY, HOUR, MINUTE, "
         "SECOND, MILLISECOND, ISODOW (1 Monday), ISOYEAR, EPOCH (seconds), DECADE, CENTURY, MILLENNIUM.",
     .example = "extract(\"DOY\", timestamp \"2026-01-31T23:30:15Z\", \"Europe/Paris\")",
     .result = "32",
     .fn = extract,
     .prepare = prepare_extract,
     .release = release},
};

const struct sx_function_table sx_functions_calendar = SX_ROWS_OF("calendar", rows);
