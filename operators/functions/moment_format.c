/* moment_format.c: calendar fields of a time, and writing them by a pattern. */
#include "operators/functions/moment.h"

#include <inttypes.h>

const char *const sx_month_names[12] = {"January",   "February", "March",    "April",
                                        "May",       "June",     "July",     "August",
                                        "September", "October",  "November", "December"};
const char *const sx_day_names[7] = {"Monday", "Tuesday",  "Wednesday", "Thursday",
                                     "Friday", "Saturday", "Sunday"};

bool sx_moment_of(struct sx_call *call, int64_t ms, const struct sx_zone *zone, struct sx_moment *m)
{
    const int64_t first = INT64_C(-62167219200000), last = INT64_C(253402300799999);

    if (ms < first || ms > last) {
        sx_call_fail(call, "the timestamp is beyond the years 0 to 9999");
        return false;
    }
    m->offset = sx_zone_offset(zone, ms / 1000 - (ms % 1000 < 0), &m->zone_abbreviation);
    m->zone_name = sx_zone_name(zone);
    ms += m->offset * 1000;
    m->days = ms / SX_DAY_MS - (ms % SX_DAY_MS < 0);
    m->ms = ms - m->days * SX_DAY_MS;
    sx_civil_of(m->days, &m->year, &m->month, &m->day);
    return true;
}

unsigned sx_day_of_year(const struct sx_moment *m)
{
    return (unsigned)(m->days - sx_days_of(m->year, 1, 1)) + 1;
}

/* A week belongs to the year of its Thursday. */
unsigned sx_iso_week(const struct sx_moment *m)
{
    int64_t thursday = m->days - sx_weekday(m->days) + 3;
    unsigned month, day;
    int year;

    sx_civil_of(thursday, &year, &month, &day);
    return (unsigned)(thursday - sx_days_of(year, 1, 1)) / 7 + 1;
}

bool sx_pattern_is_number(char letter, unsigned count)
{
    if (letter == 'M' || letter == 'L' || letter == 'Q' || letter == 'q')
        return count <= 2;
    return letter != '\0' && strchr("uydDHkKhmsSAnN", letter) != NULL;
}

/* ---- Writing --------------------------------------------------------------------------------- */

static void add_number(struct sx_text *text, int64_t number, unsigned width)
{
    char digits[32];

    sx_text_add(text, digits,
                (size_t)snprintf(digits, sizeof(digits), "%0*" PRId64, (int)SX_MIN(width, 20u), number));
}

static void add_year(struct sx_text *text, int year, unsigned count)
{
    if (count == 2)
        add_number(text, year % 100, 2);
    else
        add_number(text, year, count);
}

/* 3 letters the short name, 4 the whole, 5 the first letter. */
static bool add_name(struct sx_text *text, const char *name, unsigned count)
{
    sx_text_add(text, name, count <= 3 ? 3 : count == 4 ? strlen(name) : 1);
    return count <= 5;
}

static bool add_quarter(struct sx_text *text, unsigned quarter, unsigned count)
{
    static const char *const names[] = {"1st quarter", "2nd quarter", "3rd quarter", "4th quarter"};

    if (count <= 2)
        add_number(text, quarter, count);
    else if (count == 3)
        sx_text_add_byte(text, 'Q'), add_number(text, quarter, 1);
    else
        sx_text_add(text, names[quarter - 1], strlen(names[quarter - 1]));
    return count <= 4;
}

/* hh, hhmm or hh:mm, with a sign. */
static void add_offset(struct sx_text *text, int64_t offset, bool minutes, bool colon)
{
    int64_t total = (offset < 0 ? -offset : offset) / 60;

    sx_text_add_byte(text, offset < 0 ? '-' : '+');
    add_number(text, total / 60, 2);
    if (!minutes && total % 60 == 0)
        return;
    if (colon)
        sx_text_add_byte(text, ':');
    add_number(text, total % 60, 2);
}

static bool add_zone(struct sx_text *text, const struct sx_moment *m, char letter, unsigned count)
{
    switch (letter) {
    case 'V':
        sx_text_add(text, m->zone_name, strlen(m->zone_name));
        return count == 2;
    case 'z':
        sx_text_add(text, m->zone_abbreviation, strlen(m->zone_abbreviation));
        return count <= 3;
    case 'X':
        if (m->offset == 0)
            sx_text_add_byte(text, 'Z');
        else
            add_offset(text, m->offset, count > 1, count == 3 || count == 5);
        return count <= 5;
    case 'x':
        add_offset(text, m->offset, count > 1, count == 3 || count == 5);
        return count <= 5;
    case 'Z':
        if (count == 5)
            return add_zone(text, m, 'X', 3);
        if (count == 4)
            return add_zone(text, m, 'O', 4);
        add_offset(text, m->offset, true, false);
        return count <= 3;
    default: /* O */
        sx_text_add(text, "GMT", 3);
        if (m->offset != 0 && count == 4) {
            add_offset(text, m->offset, true, true);
        } else if (m->offset != 0) {
            int64_t total = (m->offset < 0 ? -m->offset : m->offset) / 60;

            sx_text_add_byte(text, m->offset < 0 ? '-' : '+');
            add_number(text, total / 60, 1);
            if (total % 60)
                sx_text_add_byte(text, ':'), add_number(text, total % 60, 2);
        }
        return count == 1 || count == 4;
    }
}

static void add_fraction(struct sx_text *text, int64_t ms, unsigned count)
{
    char digits[16];

    snprintf(digits, sizeof(digits), "%03" PRId64 "000000", ms % 1000);
    sx_text_add(text, digits, SX_MIN(count, 9u));
}

/* False: there is no such letter, or not so many of it. */
static bool add_field(struct sx_text *text, const struct sx_moment *m, char letter, unsigned count)
{
    const int64_t hour = m->ms / 3600000;

    switch (letter) {
    case 'u':
    case 'y':
        add_year(text, m->year, count);
        return true;
    case 'G':
        sx_text_add(text, "AD", 2);
        return count <= 3;
    case 'M':
    case 'L':
        if (count > 2)
            return add_name(text, sx_month_names[m->month - 1], count);
        add_number(text, m->month, count);
        return true;
    case 'E':
        return add_name(text, sx_day_names[sx_weekday(m->days)], count);
    case 'Q':
    case 'q':
        return add_quarter(text, (m->month + 2) / 3, count);
    case 'd':
        add_number(text, m->day, count);
        return count <= 2;
    case 'D':
        add_number(text, sx_day_of_year(m), count);
        return count <= 3;
    case 'a':
        sx_text_add(text, hour < 12 ? "AM" : "PM", 2);
        return count == 1;
    case 'H':
        add_number(text, hour, count);
        return count <= 2;
    case 'k':
        add_number(text, hour ? hour : 24, count);
        return count <= 2;
    case 'K':
        add_number(text, hour % 12, count);
        return count <= 2;
    case 'h':
        add_number(text, hour % 12 ? hour % 12 : 12, count);
        return count <= 2;
    case 'm':
        add_number(text, m->ms / 60000 % 60, count);
        return count <= 2;
    case 's':
        add_number(text, m->ms / 1000 % 60, count);
        return count <= 2;
    case 'S':
        add_fraction(text, m->ms, count);
        return count <= 9;
    case 'A':
        add_number(text, m->ms, count);
        return true;
    case 'n':
        add_number(text, m->ms % 1000 * 1000000, count);
        return true;
    case 'N':
        add_number(text, m->ms * 1000000, count);
        return true;
    default:
        return strchr("VzXxZO", letter) != NULL && add_zone(text, m, letter, count);
    }
}

/* Text between quotes; two quotes are one, also outside. *at stands behind the first. */
static bool add_quoted(struct sx_text *text, const char **at, const char *end)
{
    if (*at < end && **at == '\'') {
        sx_text_add_byte(text, *(*at)++);
        return true;
    }
    for (; *at < end; ++*at) {
        if (**at == '\'' && (*at + 1 == end || (*at)[1] != '\'')) {
            ++*at;
            return true;
        }
        *at += **at == '\'';
        sx_text_add_byte(text, **at);
    }
    return false;
}

struct sx_value sx_moment_format(struct sx_call *call, const struct sx_moment *m, struct sx_slice pattern)
{
    const char *at = pattern.data, *end = at + pattern.size;
    struct sx_text text = {.call = call};

    while (at < end) {
        const char letter = *at, *start = at;

        if ((letter >= 'a' && letter <= 'z') || (letter >= 'A' && letter <= 'Z')) {
            while (at < end && *at == letter)
                at++;
            if (!add_field(&text, m, letter, (unsigned)SX_MIN(at - start, 100)))
                return sx_call_fail(call, "the pattern letter %.*s is not known", (int)SX_MIN(at - start, 20),
                                    start);
            continue;
        }
        at++;
        if (letter == '\'') {
            if (!add_quoted(&text, &at, end))
                return sx_call_fail(call, "a quote in the pattern is not closed");
        } else if (letter == '{' || letter == '}' || letter == '#') {
            return sx_call_fail(call, "%c in a pattern is reserved; put it between quotes", letter);
        } else if (letter != '[' && letter != ']') {
            sx_text_add_byte(&text, letter);
        }
    }
    return sx_text_value(&text);
}
