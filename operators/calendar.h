/* calendar.h: windows of the calendar: days, weeks, months, quarters and years of a time zone.
 *
 * A window begins at midnight by the clocks of the zone, or, where that moment is skipped, when the day
 * begins there; a day on which clocks are moved has 23 or 25 hours. Weeks begin on Monday.
 */
#ifndef SX_OPERATORS_CALENDAR_H
#define SX_OPERATORS_CALENDAR_H

#include "engine/data/batch.h"
#include "operators/functions/zone.h"

enum sx_calendar_unit {
    SX_CALENDAR_DAY,
    SX_CALENDAR_WEEK,
    SX_CALENDAR_MONTH,
    SX_CALENDAR_QUARTER,
    SX_CALENDAR_YEAR
};

/* Read-only and shared by threads: part of a plan. */
struct sx_calendar {
    enum sx_calendar_unit unit;
    const struct sx_zone *zone;
};

/* The window that holds the time. */
struct sx_window sx_calendar_window(const struct sx_calendar *calendar, int64_t ms);

/* No window of the unit is longer. */
int64_t sx_calendar_longest_ms(enum sx_calendar_unit unit);
const char *sx_calendar_unit_name(enum sx_calendar_unit unit);

#endif
