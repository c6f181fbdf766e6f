/* calendar.c: see calendar.h. */
#include "operators/calendar.h"

#include "engine/base/text.h"

#define DAY_S INT64_C(86400)

static int64_t floor_div(int64_t a, int64_t b) { return a / b - (a % b < 0); }

/* The first day (since 1970) of the unit that holds the day, moved by some units. */
static int64_t first_day(enum sx_calendar_unit unit, int64_t day, int by)
{
    unsigned month, of_month;
    int64_t months;
    int year;

    if (unit == SX_CALENDAR_DAY)
        return day + by;
    if (unit == SX_CALENDAR_WEEK) /* 1970-01-01 was a Thursday. */
        return floor_div(day + 3, 7) * 7 - 3 + 7 * (int64_t)by;
    sx_civil_of(day, &year, &month, &of_month);
    if (unit == SX_CALENDAR_YEAR)
        return sx_days_of(year + by, 1, 1);
    months = (int64_t)year * 12 + (int64_t)month - 1;
    if (unit == SX_CALENDAR_QUARTER)
        months += 3 * (int64_t)by - (month - 1) % 3;
    else
        months += by;
    return sx_days_of((int)floor_div(months, 12), (unsigned)(months - floor_div(months, 12) * 12) + 1, 1);
}

/* When a day begins in the zone, in milliseconds. */
static int64_t begin_of(const struct sx_calendar *calendar, int64_t day)
{
    return sx_zone_to_utc(calendar->zone, day * DAY_S) * 1000;
}

struct sx_window sx_calendar_window(const struct sx_calendar *calendar, int64_t ms)
{
    int64_t utc = floor_div(ms, 1000);
    int64_t day = floor_div(utc + sx_zone_offset(calendar->zone, utc, NULL), DAY_S);
    int64_t first = first_day(calendar->unit, day, 0), next = first_day(calendar->unit, day, 1);
    struct sx_window window = {begin_of(calendar, first), begin_of(calendar, next)};

    /* Clocks that are moved back over midnight show the day before once more: that hour belongs to the
     * day that has begun. Where a whole day is skipped its window is empty. */
    while (ms >= window.end) {
        next = first_day(calendar->unit, next, 1);
        window = (struct sx_window){window.end, begin_of(calendar, next)};
    }
    return window;
}

int64_t sx_calendar_longest_ms(enum sx_calendar_unit unit)
{
    /* A day longer: countries have moved over the date line. */
    static const int64_t days[] = {1, 7, 31, 92, 366};

    return (days[unit] + 1) * DAY_S * 1000;
}

const char *sx_calendar_unit_name(enum sx_calendar_unit unit)
{
    static const char *const names[] = {"day", "week", "month", "quarter", "year"};

    return names[unit];
}
