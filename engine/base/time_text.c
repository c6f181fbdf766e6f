/* time_text.c: dates and times of day as text, and back. */
#include "engine/base/text.h"

#define DAY_MS INT64_C(86400000)

/* ---- The calendar: days of the proleptic Gregorian calendar, by eras of 400 years ------------ */

/* After H. Hinnant, "chrono-Compatible Low-Level Date Algorithms". */
int64_t sx_days_of(int year, unsigned month, unsigned day)
{
    int64_t y = (int64_t)year - (month <= 2);
    int64_t era = (y >= 0 ? y : y - 399) / 400;
    unsigned of_era = (unsigned)(y - era * 400);
    unsigned of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;

    return era * 146097 + (int64_t)(of_era * 365 + of_era / 4 - of_era / 100 + of_year) - 719468;
}

void sx_civil_of(int64_t days, int *year, unsigned *month, unsigned *day)
{
    int64_t z = days + 719468;
    int64_t era = (z >= 0 ? z : z - 146096) / 146097;
    unsigned of_era = (unsigned)(z - era * 146097);
    unsigned y = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
    unsigned of_year = of_era - (365 * y + y / 4 - y / 100);
    unsigned m = (5 * of_year + 2) / 153;

    *day = of_year - (153 * m + 2) / 5 + 1;
    *month = m < 10 ? m + 3 : m - 9;
    *year = (int)((int64_t)y + era * 400 + (*month <= 2));
}

/* Exactly `count` digits at *at. */
static bool read_digits(const char **at, const char *end, unsigned count, unsigned *value)
{
    *value = 0;
    if (end - *at < (ptrdiff_t)count)
        return false;
    for (unsigned i = 0; i < count; i++, (*at)++) {
        if (**at < '0' || **at > '9')
            return false;
        *value = *value * 10 + (unsigned)(**at - '0');
    }
    return true;
}

static bool read_char(const char **at, const char *end, char c)
{
    if (*at == end || **at != c)
        return false;
    (*at)++;
    return true;
}

static bool read_date_at(const char **at, const char *end, int64_t *days)
{
    static const unsigned char lengths[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    unsigned year, month, day, length;
    bool negative = read_char(at, end, '-');

    if (!read_digits(at, end, 4, &year) || !read_char(at, end, '-') || !read_digits(at, end, 2, &month) ||
        !read_char(at, end, '-') || !read_digits(at, end, 2, &day) || month < 1 || month > 12 || day < 1)
        return false;
    length = lengths[month - 1] + (month == 2 && year % 4 == 0 && (year % 100 != 0 || year % 400 == 0));
    if (day > length)
        return false;
    *days = sx_days_of(negative ? -(int)year : (int)year, month, day);
    return true;
}

static bool read_time_at(const char **at, const char *end, int64_t *ms)
{
    unsigned hour, minute, second = 0, digit;
    int64_t fraction = 0, scale = 100;

    if (!read_digits(at, end, 2, &hour) || !read_char(at, end, ':') || !read_digits(at, end, 2, &minute))
        return false;
    if (read_char(at, end, ':')) {
        if (!read_digits(at, end, 2, &second))
            return false;
        if (read_char(at, end, '.') || read_char(at, end, ',')) {
            if (*at == end || **at < '0' || **at > '9')
                return false;
            for (; *at < end && **at >= '0' && **at <= '9'; scale /= 10) {
                read_digits(at, end, 1, &digit);
                fraction += digit * scale;
            }
        }
    }
    if (hour > 23 || minute > 59 || second > 59)
        return false;
    *ms = ((int64_t)hour * 60 + minute) * 60000 + (int64_t)second * 1000 + fraction;
    return true;
}

bool sx_read_date(struct sx_slice text, int64_t *days)
{
    const char *at = text.data, *end = text.data + text.size;
    return read_date_at(&at, end, days) && at == end;
}

bool sx_read_time(struct sx_slice text, int64_t *ms)
{
    const char *at = text.data, *end = text.data + text.size;
    return read_time_at(&at, end, ms) && at == end;
}

bool sx_read_timestamp(struct sx_slice text, int64_t *ms)
{
    const char *at = text.data, *end = text.data + text.size;
    int64_t days, time = 0;
    unsigned hour, minute;
    char sign;

    if (!read_date_at(&at, end, &days))
        return false;
    if (at < end && (*at == 'T' || *at == 't' || *at == ' ')) {
        at++;
        if (!read_time_at(&at, end, &time))
            return false;
        if (at < end && (*at == 'Z' || *at == 'z')) {
            at++;
        } else if (at < end && (*at == '+' || *at == '-')) {
            sign = *at++;
            if (!read_digits(&at, end, 2, &hour))
                return false;
            minute = 0;
            if ((read_char(&at, end, ':') || at < end) && !read_digits(&at, end, 2, &minute))
                return false;
            if (hour > 18 || minute > 59)
                return false;
            time -= (sign == '-' ? -1 : 1) * ((int64_t)hour * 60 + minute) * 60000;
        }
    }
    *ms = days * DAY_MS + time;
    return at == end;
}

/* ---- Writing: by hand, because rows do it and printf shows in a profile ---------------------- */

/* `count` digits of `value` at `to`, with zeros before; returns the place behind them. */
static char *put_digits(char *to, unsigned value, unsigned count)
{
    for (unsigned i = count; i-- > 0; value /= 10)
        to[i] = (char)('0' + value % 10);
    return to + count;
}

void sx_add_date(struct sx_buffer *to, int64_t days)
{
    char *at = sx_buffer_room(to, SX_NUMBER_BYTES);
    unsigned month, day, size = 4;
    int year;

    sx_civil_of(days, &year, &month, &day);
    if (year < 0)
        *at++ = '-';
    year = year < 0 ? -year : year;
    for (int above = year / 10000; above > 0; above /= 10)
        size++;
    at = put_digits(at, (unsigned)year, size);
    *at++ = '-';
    at = put_digits(at, month, 2);
    *at++ = '-';
    at = put_digits(at, day, 2);
    to->size = (size_t)(at - to->data);
}

void sx_add_time(struct sx_buffer *to, int64_t ms)
{
    char *at = sx_buffer_room(to, SX_NUMBER_BYTES);
    unsigned of_day = (unsigned)(ms % DAY_MS + (ms % DAY_MS < 0 ? DAY_MS : 0));

    at = put_digits(at, of_day / 3600000, 2);
    *at++ = ':';
    at = put_digits(at, of_day / 60000 % 60, 2);
    *at++ = ':';
    at = put_digits(at, of_day / 1000 % 60, 2);
    if (of_day % 1000) {
        *at++ = '.';
        at = put_digits(at, of_day % 1000, 3);
    }
    to->size = (size_t)(at - to->data);
}

void sx_add_timestamp(struct sx_buffer *to, int64_t ms)
{
    int64_t days = ms / DAY_MS - (ms % DAY_MS < 0);

    sx_add_date(to, days);
    sx_buffer_add_byte(to, 'T');
    sx_add_time(to, ms);
    sx_buffer_add_byte(to, 'Z');
}
