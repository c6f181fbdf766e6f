/* moment_parse.c: reading a time by a pattern. */
#include "operators/functions/moment.h"

#include <strings.h>

#define SECTIONS_MAX 8 /* optional sections in one another */

struct fields {
    int64_t year, month, day, day_of_year, hour, minute, second, ms, ms_of_day;
    int weekday; /* -1: not there */
    int half;    /* 0 AM, 1 PM, -1: not there */
    bool twelve; /* the hour is one of twelve */
    bool has_offset;
    int64_t offset;
    struct sx_zone *zone; /* named in the text */
};

struct reader {
    struct sx_call *call;
    const char *at, *end; /* of the text */
    const char *pattern_end;
    struct fields fields;
};

/* ---- Pieces of text -------------------------------------------------------------------------- */

static bool read_digits(struct reader *r, unsigned least, unsigned most, int64_t *number)
{
    unsigned count = 0;

    *number = 0;
    for (; count < most && r->at < r->end && *r->at >= '0' && *r->at <= '9'; count++)
        *number = *number * 10 + (*r->at++ - '0');
    return count >= least;
}

static bool read_word(struct reader *r, const char *word, size_t size)
{
    if ((size_t)(r->end - r->at) < size || strncasecmp(r->at, word, size) != 0)
        return false;
    r->at += size;
    return true;
}

/* The number of the name that stands here, or -1. */
static int read_name(struct reader *r, const char *const *names, int count, bool whole)
{
    for (int i = 0; i < count; i++)
        if (read_word(r, names[i], whole ? strlen(names[i]) : 3))
            return i;
    return -1;
}

/* [+-]hh[[:]mm]; `minutes` must be there, or may. */
static bool read_offset(struct reader *r, bool zulu, bool minutes)
{
    int64_t hour, minute = 0;
    int sign;

    if (zulu && read_word(r, "Z", 1)) {
        r->fields.has_offset = true;
        return true;
    }
    if (r->at == r->end || (*r->at != '+' && *r->at != '-'))
        return false;
    sign = *r->at++ == '-' ? -1 : 1;
    if (!read_digits(r, 1, 2, &hour) || hour > 18)
        return false;
    if (r->at < r->end && *r->at == ':') {
        r->at++;
        minutes = true;
    }
    if (r->at < r->end && *r->at >= '0' && *r->at <= '9')
        minutes = true;
    if (minutes && (!read_digits(r, 2, 2, &minute) || minute > 59))
        return false;
    r->fields.has_offset = true;
    r->fields.offset = sign * (hour * 3600 + minute * 60);
    return true;
}

static bool read_zone(struct reader *r, char letter, unsigned count)
{
    const char *start = r->at;

    if (letter == 'X' || (letter == 'Z' && count == 5))
        return read_offset(r, true, count > 1);
    if (letter == 'x' || (letter == 'Z' && count <= 3))
        return read_offset(r, false, letter == 'Z' || count > 1);
    if (letter == 'O' || letter == 'Z') {
        if (!read_word(r, "GMT", 3))
            return false;
        r->fields.has_offset = true;
        return r->at == r->end || (*r->at != '+' && *r->at != '-') || read_offset(r, false, false);
    }
    while (r->at < r->end && (sx_slice_is(sx_slice(r->at, 1), "/") || strchr("_-+:", *r->at) != NULL ||
                              (*r->at >= '0' && *r->at <= '9') || (*r->at >= 'A' && *r->at <= 'Z') ||
                              (*r->at >= 'a' && *r->at <= 'z')))
        r->at++;
    sx_zone_free(r->fields.zone);
    r->fields.zone = sx_zone_open(sx_slice(start, (size_t)(r->at - start)));
    return r->fields.zone != NULL;
}

/* ---- Fields ---------------------------------------------------------------------------------- */

/* Where digits of the next field follow directly, a field takes as many as it has letters. */
static bool read_year(struct reader *r, unsigned count, bool beside)
{
    int64_t *year = &r->fields.year;

    if (count == 2) {
        if (!read_digits(r, 2, 2, year))
            return false;
        *year += 2000;
        return true;
    }
    return read_digits(r, count == 1 ? 1 : count, beside && count > 1 ? count : 9, year);
}

static bool in_range(int64_t number, int64_t least, int64_t most)
{
    return number >= least && number <= most;
}

static bool read_small(struct reader *r, unsigned count, bool beside, int64_t least, int64_t most,
                       int64_t *to)
{
    const unsigned room = count == 1 && !beside ? 9 : count;

    return read_digits(r, count, room, to) && in_range(*to, least, most);
}

static bool read_fraction(struct reader *r, unsigned count)
{
    int64_t number;

    if (!read_digits(r, count, count, &number))
        return false;
    for (; count < 3; count++)
        number *= 10;
    for (; count > 3; count--)
        number /= 10;
    r->fields.ms = number;
    return true;
}

static bool read_month(struct reader *r, unsigned count, bool beside)
{
    int month;

    if (count <= 2)
        return read_small(r, count, beside, 1, 12, &r->fields.month);
    month = read_name(r, sx_month_names, 12, count == 4);
    r->fields.month = month + 1;
    return month >= 0;
}

/* A clock of twelve or twenty-four hours, counted from `least`. */
static bool read_hour(struct reader *r, unsigned count, bool beside, int64_t least, int64_t hours)
{
    if (!read_small(r, count, beside, least, least + hours - 1, &r->fields.hour))
        return false;
    r->fields.hour %= hours;
    r->fields.twelve = hours == 12;
    return true;
}

static bool read_field(struct reader *r, char letter, unsigned count, bool beside)
{
    struct fields *f = &r->fields;

    switch (letter) {
    case 'u':
    case 'y':
        return read_year(r, count, beside);
    case 'G':
        return read_word(r, "AD", 2);
    case 'M':
    case 'L':
        return read_month(r, count, beside);
    case 'd':
        return read_small(r, count, beside, 1, 31, &f->day);
    case 'D':
        return read_digits(r, count, SX_MAX(count, 3), &f->day_of_year) && in_range(f->day_of_year, 1, 366);
    case 'E':
        f->weekday = read_name(r, sx_day_names, 7, count == 4);
        return f->weekday >= 0;
    case 'a':
        f->half = read_word(r, "PM", 2);
        return f->half || read_word(r, "AM", 2);
    case 'H':
        return read_hour(r, count, beside, 0, 24);
    case 'k':
        return read_hour(r, count, beside, 1, 24);
    case 'K':
        return read_hour(r, count, beside, 0, 12);
    case 'h':
        return read_hour(r, count, beside, 1, 12);
    case 'm':
        return read_small(r, count, beside, 0, 59, &f->minute);
    case 's':
        return read_small(r, count, beside, 0, 59, &f->second);
    case 'S':
        return read_fraction(r, count);
    case 'A':
        return read_digits(r, count, 9, &f->ms_of_day) && in_range(f->ms_of_day, 0, SX_DAY_MS - 1);
    default:
        return read_zone(r, letter, count);
    }
}

/* ---- The pattern ----------------------------------------------------------------------------- */

/* A literal between quotes; *p stands behind the first quote. */
static bool read_quoted(struct reader *r, const char **p)
{
    if (*p < r->pattern_end && **p == '\'')
        return read_word(r, (*p)++, 1);
    for (; *p < r->pattern_end; ++*p) {
        if (**p == '\'' && (*p + 1 == r->pattern_end || (*p)[1] != '\'')) {
            ++*p;
            return true;
        }
        *p += **p == '\'';
        if (!read_word(r, *p, 1))
            return false;
    }
    return false;
}

/* Behind the `]` that closes the section that `p` is in. */
static const char *skip_section(const char *p, const char *end)
{
    int open = 1;

    for (; p < end && open > 0; p++)
        open += (*p == '[') - (*p == ']');
    return p;
}

static bool read_pattern(struct reader *r, const char *p, int depth);

/* Optional: what does not fit is as if it were not written. */
static bool read_section(struct reader *r, const char *p, int depth)
{
    const struct reader before = *r;
    const char *behind = skip_section(p, r->pattern_end);

    if (depth >= SECTIONS_MAX)
        return false;
    r->fields.zone = NULL;
    r->pattern_end = behind - (behind > p && behind[-1] == ']');
    if (read_pattern(r, p, depth + 1)) {
        if (r->fields.zone == NULL)
            r->fields.zone = before.fields.zone;
        else
            sx_zone_free(before.fields.zone);
    } else {
        sx_zone_free(r->fields.zone);
        *r = before;
    }
    r->pattern_end = before.pattern_end;
    return read_pattern(r, behind, depth);
}

static bool read_pattern(struct reader *r, const char *p, int depth)
{
    while (p < r->pattern_end) {
        const char letter = *p, *start = p;

        if (letter == '[')
            return read_section(r, p + 1, depth);
        if ((letter >= 'a' && letter <= 'z') || (letter >= 'A' && letter <= 'Z')) {
            const char *next;
            bool beside;

            while (p < r->pattern_end && *p == letter)
                p++;
            for (next = p; next < r->pattern_end && *next == *p; next++)
                continue;
            beside = p < r->pattern_end && sx_pattern_is_number(*p, (unsigned)(next - p));
            if (!read_field(r, letter, (unsigned)(p - start), beside))
                return false;
            continue;
        }
        p++;
        if (letter == '\'' ? !read_quoted(r, &p) : !read_word(r, start, 1))
            return false;
    }
    return true;
}

/* ---- The whole ------------------------------------------------------------------------------- */

/* Days since 1970; a day past the month's end is the last, as in Java. False: the fields contradict. */
static bool date_of(const struct fields *f, int64_t *days)
{
    int64_t month_days;

    if (!in_range(f->year, 0, 9999))
        return false;
    if (f->day_of_year) {
        *days = sx_days_of((int)f->year, 1, 1) + f->day_of_year - 1;
        if (*days >= sx_days_of((int)f->year + 1, 1, 1))
            return false;
    } else {
        month_days = (f->month == 12 ? sx_days_of((int)f->year + 1, 1, 1)
                                     : sx_days_of((int)f->year, (unsigned)f->month + 1, 1)) -
                     sx_days_of((int)f->year, (unsigned)f->month, 1);
        *days = sx_days_of((int)f->year, (unsigned)f->month, 1) + SX_MIN(f->day, month_days) - 1;
    }
    return f->weekday < 0 || sx_weekday(*days) == (unsigned)f->weekday;
}

static struct sx_value whole(struct reader *r, struct sx_slice text, const struct sx_zone *zone)
{
    const struct fields *f = &r->fields;
    int64_t days, seconds, ms = f->ms;

    if (!date_of(f, &days))
        return sx_call_fail(r->call, "there is no such date: \"%.*s\"", (int)SX_MIN(text.size, 64u),
                            text.data);
    seconds =
        days * 86400 + (f->hour + (f->twelve && f->half == 1 ? 12 : 0)) * 3600 + f->minute * 60 + f->second;
    if (f->ms_of_day >= 0) {
        seconds = days * 86400 + f->ms_of_day / 1000;
        ms = f->ms_of_day % 1000;
    }
    seconds = f->has_offset ? seconds - f->offset : sx_zone_to_utc(f->zone ? f->zone : zone, seconds);
    return sx_value_int64(SX_TIMESTAMP, seconds * 1000 + ms);
}

struct sx_value sx_moment_parse(struct sx_call *call, struct sx_slice text, struct sx_slice pattern,
                                const struct sx_zone *zone)
{
    struct reader r = {
        .call = call,
        .at = text.data,
        .end = text.data + text.size,
        .pattern_end = pattern.data + pattern.size,
        .fields = {.year = 1970, .month = 1, .day = 1, .weekday = -1, .half = -1, .ms_of_day = -1}};
    struct sx_value value;

    if (!read_pattern(&r, pattern.data, 0) || r.at != r.end)
        value = sx_call_fail(call, "\"%.*s\" is not of the pattern \"%.*s\"", (int)SX_MIN(text.size, 64u),
                             text.size ? text.data : "", (int)SX_MIN(pattern.size, 64u),
                             pattern.size ? pattern.data : "");
    else
        value = whole(&r, text, zone);
    sx_zone_free(r.fields.zone);
    return value;
}
