/* calendar.c: fields of timestamps, as Flink calls them; in UTC, or in a zone. */
#include "operators/functions/moment.h"

enum field { YEAR, QUARTER, MONTH, WEEK, DAY_OF_MONTH, DAY_OF_WEEK, DAY_OF_YEAR, HOUR, MINUTE, SECOND };

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
    default:
        return m->ms / 1000 % 60;
    }
}

static struct sx_value field(struct sx_call *call, const struct sx_value *args, uint32_t count)
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
        value = sx_value_int(field_of(&moment, (enum field)(uintptr_t)call->arg));
    if (zone != call->site)
        sx_zone_free(zone);
    return value;
}

#define ROW(name, text, gives, which)                                                              \
    {                                                                                              \
        .signature = name "(t timestamp [, zone string]) int", .summary = text,                    \
        .example = name "(timestamp \"2026-01-31T23:30:15Z\", \"Europe/Paris\")", .result = gives, \
        .fn = field, .arg = (void *)(uintptr_t)(which), .prepare = prepare, .release = release     \
    }

static const struct sx_function_def rows[] = {
    ROW("year", "The year.", "2026", YEAR),
    ROW("quarter", "The quarter of the year, 1 to 4.", "1", QUARTER),
    ROW("month", "The month, 1 to 12.", "2", MONTH),
    ROW("week", "The ISO week, 1 to 53.", "5", WEEK),
    ROW("dayofmonth", "The day of the month, from 1.", "1", DAY_OF_MONTH),
    ROW("dayofweek", "The day of the week, 1 Sunday to 7 Saturday.", "1", DAY_OF_WEEK),
    ROW("dayofyear", "The day of the year, from 1.", "32", DAY_OF_YEAR),
    ROW("hour", "The hour, 0 to 23.", "0", HOUR),
    ROW("minute", "The minute, 0 to 59.", "30", MINUTE),
    ROW("second", "The second, 0 to 59.", "15", SECOND),
};

const struct sx_function_table sx_functions_calendar = SX_ROWS_OF("calendar", rows);
