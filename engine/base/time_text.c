/* time_text.c: durations, dates and times as text, and back. */
#include "engine/base/text.h"

#define DAY_MS INT64_C(86400000)

/* ---- Durations ---------------------------------------------------------------------------------------- */

static const struct {
    const char *name;
    int64_t ms;
} units[] = {{"d", DAY_MS}, {"h", 3600000}, {"m", 60000}, {"s", 1000}, {"ms", 1}};

bool sx_read_duration(struct sx_slice text, int64_t *ms)
{
    const char *at = text.data, *end = text.data + text.size;
    size_t next = 0; /* units come from large to small, each once */
    int64_t sum = 0;

    if (at == end)
        return false;
    while (at < end) {
        const char *from = at, *name;
        int64_t number;
        size_t unit;

        while (at < end && *at >= '0' && *at <= '9')
            at++;
        if (at == from || !sx_read_int(sx_slice(from, (size_t)(at - from)), &number))
            return false;
        name = at;
        while (at < end && *at >= 'a' && *at <= 'z')
            at++;
        for (unit = next; unit < SX_COUNT(units); unit++)
            if (sx_slice_equal(sx_slice(name, (size_t)(at - name)), sx_slice_of(units[unit].name)))
                break;
        if (unit == SX_COUNT(units) || __builtin_mul_overflow(number, units[unit].ms, &number) ||
            __builtin_add_overflow(sum, number, &sum))
            return false;
        next = unit + 1;
    }
    *ms = sum;
    return true;
}

void sx_add_duration(struct sx_buffer *to, int64_t ms)
{
    if (ms == 0)
        sx_buffer_add_text(to, "0s");
    if (ms < 0)
        sx_buffer_add_byte(to, '-');
    for (size_t u = 0; u < SX_COUNT(units); u++) {
        int64_t number = ms / units[u].ms;

        ms %= units[u].ms;
        if (number)
            sx_buffer_printf(to, "%lld%s", (long long)(number < 0 ? -number : number), units[u].name);
    }
}

/* ---- The calendar: days of the proleptic Gregorian calendar, by eras of 400 years ------------------------ */

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
            read_char(&at, end, ':');
            minute = 0;
            if (at < end && !read_digits(&at, end, 2, &minute))
                return false;
            if (hour > 18 || minute > 59)
                return false;
            time -= (sign == '-' ? -1 : 1) * ((int64_t)hour * 60 + minute) * 60000;
        }
    }
    *ms = days * DAY_MS + time;
    return at == end;
}

void sx_add_date(struct sx_buffer *to, int64_t days)
{
    unsigned month, day;
    int year;

    sx_civil_of(days, &year, &month, &day);
    sx_buffer_printf(to, "%s%04d-%02u-%02u", year < 0 ? "-" : "", year < 0 ? -year : year, month, day);
}

void sx_add_time(struct sx_buffer *to, int64_t ms)
{
    sx_buffer_printf(to, "%02d:%02d:%02d", (int)(ms / 3600000), (int)(ms / 60000 % 60), (int)(ms / 1000 % 60));
    if (ms % 1000)
        sx_buffer_printf(to, ".%03d", (int)(ms % 1000));
}

void sx_add_timestamp(struct sx_buffer *to, int64_t ms)
{
    int64_t days = ms / DAY_MS, rest = ms % DAY_MS;

    if (rest < 0) {
        rest += DAY_MS;
        days--;
    }
    sx_add_date(to, days);
    sx_buffer_add_byte(to, 'T');
    sx_add_time(to, rest);
    sx_buffer_add_byte(to, 'Z');
}
