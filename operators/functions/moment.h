/* moment.h: a time as a calendar and a clock in a zone show it, written and read by the patterns of
 * Java's DateTimeFormatter. */
#ifndef SX_FUNCTIONS_MOMENT_H
#define SX_FUNCTIONS_MOMENT_H

#include "operators/functions/common.h"
#include "operators/functions/zone.h"

#define SX_DAY_MS INT64_C(86400000)

struct sx_moment {
    int year;
    unsigned month, day; /* from 1 */
    int64_t days;        /* since 1970, of that date */
    int64_t ms;          /* of the day */
    int64_t offset;      /* seconds east of UTC */
    const char *zone_abbreviation, *zone_name;
};

/* False: the call has failed, the time is beyond the years 0 to 9999. */
bool sx_moment_of(struct sx_call *call, int64_t ms, const struct sx_zone *zone, struct sx_moment *moment);

/* The day of the week, 0 Monday to 6 Sunday; the day of the year from 1; the ISO week. */
static inline unsigned sx_weekday(int64_t days) { return (unsigned)(((days + 3) % 7 + 7) % 7); }
unsigned sx_day_of_year(const struct sx_moment *moment);
unsigned sx_iso_week(const struct sx_moment *moment);

/* The months' and days' English names. */
extern const char *const sx_month_names[12], *const sx_day_names[7];

/* The letters of patterns that hold numbers, for reading digits that stand side by side. */
bool sx_pattern_is_number(char letter, unsigned count);

/* Write by a pattern. A wrong pattern fails the call. */
struct sx_value sx_moment_format(struct sx_call *call, const struct sx_moment *moment,
                                 struct sx_slice pattern);

/* Read by a pattern: the whole text must be used. A wrong pattern or text fails the call. `zone` is that
 * of texts that name none. */
struct sx_value sx_moment_parse(struct sx_call *call, struct sx_slice text, struct sx_slice pattern,
                                const struct sx_zone *zone);

#endif
