/* cron.c: see cron.h. */
#include "operators/cron.h"

#include "engine/base/text.h"
#include "operators/functions/zone.h"

#include <strings.h>

enum { SECOND, MINUTE, HOUR, DAY, MONTH, WEEKDAY, FIELDS };
enum { HOUR_S = 3600, DAY_S = 86400, MOVE_S = 3 * HOUR_S, QUARTER_S = 900, DAYS_MOST = 366 * 9 };

struct cron {
    struct sx_schedule schedule; /* first */
    const char *zone;
    uint64_t bits[FIELDS];
    bool any[FIELDS]; /* written as `*` */
};

static const struct field {
    const char *name;
    int least, most;
    const char *words; /* three letters each, from `least` on */
} fields[FIELDS] = {
    {"second", 0, 59, NULL},
    {"minute", 0, 59, NULL},
    {"hour", 0, 23, NULL},
    {"day", 1, 31, NULL},
    {"month", 1, 12, "janfebmaraprmayjunjulaugsepoctnovdec"},
    {"weekday", 0, 7, "sunmontuewedthufrisat"},
};

/* ---- Reading --------------------------------------------------------------------------------- */

/* A number or a name; -1: neither. */
static int read_value(const char **at, const struct field *field)
{
    const char *start = *at;
    int value = 0;

    for (const char *word = field->words; word != NULL && *word; word += 3)
        if (strncasecmp(*at, word, 3) == 0) {
            *at += 3;
            return field->least + (int)(word - field->words) / 3;
        }
    while (**at >= '0' && **at <= '9' && *at - start < 4)
        value = value * 10 + (*(*at)++ - '0');
    return *at > start && value >= field->least && value <= field->most ? value : -1;
}

/* `*`, 5, 1-5, each with a step. */
static bool read_part(const char **at, const struct field *field, uint64_t *bits)
{
    int from = field->least, to = field->most, step = 1;
    bool one = false;

    if (**at == '*' || **at == '?') {
        ++*at;
    } else {
        from = read_value(at, field);
        one = **at != '-';
        if (!one)
            ++*at;
        to = one ? from : read_value(at, field);
    }
    if (**at == '/') {
        static const struct field steps = {"step", 1, 59, NULL};

        ++*at;
        step = read_value(at, &steps);
        to = one ? field->most : to;
    }
    if (from < 0 || to < from || step < 0)
        return false;
    for (int value = from; value <= to; value += step)
        *bits |= UINT64_C(1) << value;
    return true;
}

static bool read_field(const char **at, const struct field *field, uint64_t *bits, bool *any)
{
    *bits = 0;
    *any = **at == '*' || **at == '?';
    do
        if (!read_part(at, field, bits))
            return false;
    while (**at == ',' && ++*at);
    return **at == '\0' || **at == ' ' || **at == '\t';
}

static const char *whole_of(const char *text)
{
    static const struct {
        const char *name, *text;
    } names[] = {{"@hourly", "0 * * * *"},  {"@daily", "0 0 * * *"},   {"@midnight", "0 0 * * *"},
                 {"@weekly", "0 0 * * 0"},  {"@monthly", "0 0 1 * *"}, {"@yearly", "0 0 1 1 *"},
                 {"@annually", "0 0 1 1 *"}};

    for (size_t i = 0; i < SX_COUNT(names); i++)
        if (strcasecmp(text, names[i].name) == 0)
            return names[i].text;
    return text;
}

static int count_fields(const char *text)
{
    int count = 0;

    for (text += strspn(text, " \t"); *text; text += strspn(text, " \t")) {
        count++;
        text += strcspn(text, " \t");
    }
    return count;
}

static bool read_cron(const char *text, struct cron *cron, struct sx_arena *arena, const char **message)
{
    int count = count_fields(text = whole_of(text));

    if (count != FIELDS && count != FIELDS - 1) {
        *message =
            "a schedule is `minute hour day month weekday`, with a field for seconds before them if need be";
        return false;
    }
    cron->bits[SECOND] = 1;
    for (int f = FIELDS - count; f < FIELDS; f++) {
        text += strspn(text, " \t");
        if (!read_field(&text, &fields[f], &cron->bits[f], &cron->any[f])) {
            *message = sx_arena_format(arena, "the %s is from %d to %d: `5`, `1-5`, `*/5` or a list of such",
                                       fields[f].name, fields[f].least, fields[f].most);
            return false;
        }
    }
    cron->bits[WEEKDAY] |= cron->bits[WEEKDAY] >> 7 & 1;
    return true;
}

/* ---- The next time --------------------------------------------------------------------------- */

static bool has(const struct cron *cron, int field, int64_t value) { return cron->bits[field] >> value & 1; }

static bool day_fits(const struct cron *cron, int64_t days, unsigned day)
{
    int64_t weekday = ((days + 4) % 7 + 7) % 7; /* 1970-01-01 was a Thursday */

    if (cron->any[DAY] || cron->any[WEEKDAY])
        return has(cron, DAY, day) && has(cron, WEEKDAY, weekday);
    return has(cron, DAY, day) || has(cron, WEEKDAY, weekday);
}

/* The first second of a day, from `from` on, that fits; DAY_S: none. */
static int64_t time_in_day(const struct cron *cron, int64_t from)
{
    for (int64_t hour = from / HOUR_S; hour < 24; hour++)
        for (int64_t minute = hour * HOUR_S < from ? from % HOUR_S / 60 : 0;
             minute < 60 && has(cron, HOUR, hour); minute++)
            for (int64_t second = hour * HOUR_S + minute * 60 < from ? from % 60 : 0;
                 second < 60 && has(cron, MINUTE, minute); second++)
                if (has(cron, SECOND, second))
                    return hour * HOUR_S + minute * 60 + second;
    return DAY_S;
}

/* The first fitting time that a clock shows, from `local` on. False: none in years. */
static bool next_local(const struct cron *cron, int64_t local, int64_t *found)
{
    int64_t days = local / DAY_S - (local % DAY_S < 0), from = local - days * DAY_S, last = days + DAYS_MOST;

    for (; days < last; days++, from = 0) {
        unsigned month, day;
        int year;
        int64_t time;

        sx_civil_of(days, &year, &month, &day);
        if (!has(cron, MONTH, month) || !day_fits(cron, days, day))
            continue;
        time = time_in_day(cron, from);
        if (time == DAY_S)
            continue;
        *found = days * DAY_S + time;
        return true;
    }
    return false;
}

/* By real time: of each second that passes the clock is looked at. */
static int64_t next_of_any_hour(const struct cron *cron, const struct sx_zone *zone, int64_t after)
{
    int64_t t = after + 1, found;

    for (;;) {
        int64_t offset = sx_zone_offset(zone, t, NULL);

        if (!next_local(cron, t + offset, &found))
            return INT64_MAX;
        if (sx_zone_offset(zone, found - offset, NULL) == offset)
            return found - offset;
        if (found - offset - t > DAY_S)
            return sx_zone_to_utc(zone, found);
        t += QUARTER_S - t % QUARTER_S; /* clocks are moved at the quarter hour */
    }
}

/* By the clock: around a move two times of the clock may be one, or be in another order. */
static int64_t next_of_hours(const struct cron *cron, const struct sx_zone *zone, int64_t after)
{
    int64_t local = after + sx_zone_offset(zone, after, NULL) - MOVE_S, best = INT64_MAX, until = INT64_MAX;

    while (next_local(cron, local, &local) && local < until) {
        int64_t utc = sx_zone_to_utc(zone, local);

        if (utc > after && until == INT64_MAX)
            until = local + MOVE_S;
        if (utc > after && utc < best)
            best = utc;
        local++;
    }
    return best;
}

static int64_t next(const struct sx_schedule *schedule, int64_t after_ms)
{
    const struct cron *cron = (const struct cron *)schedule;
    struct sx_zone *zone = sx_zone_open(sx_slice_of(cron->zone));
    int64_t after = after_ms / 1000 - (after_ms % 1000 < 0), found;

    if (zone == NULL)
        return INT64_MAX;
    found = cron->any[HOUR] && cron->bits[HOUR] == (1u << 24) - 1 ? next_of_any_hour(cron, zone, after)
                                                                  : next_of_hours(cron, zone, after);
    sx_zone_free(zone);
    return found == INT64_MAX ? found : found * 1000;
}

const struct sx_schedule *sx_cron_read(const char *text, const char *zone, struct sx_arena *arena,
                                       const char **message)
{
    struct cron *cron = SX_ARENA_NEW(arena, struct cron);
    struct sx_zone *there;
    int64_t found;

    cron->schedule.next = next;
    cron->zone = sx_arena_strdup(arena, zone ? zone : "UTC");
    there = sx_zone_open(sx_slice_of(cron->zone));
    if (there == NULL) {
        *message = sx_arena_format(arena, "there is no time zone `%s`", cron->zone);
        return NULL;
    }
    sx_zone_free(there);
    if (!read_cron(text, cron, arena, message))
        return NULL;
    if (!next_local(cron, 0, &found)) {
        *message = "there is no such day: it never fires";
        return NULL;
    }
    return &cron->schedule;
}
