/* zone.c: see zone.h. */
#include "operators/functions/zone.h"

#include "engine/base/bytes.h"
#include "engine/base/text.h"

#include <stdlib.h>

#define FOLDER "/usr/share/zoneinfo/"
#define FILE_BYTES_MAX (256u << 10)
#define NAME_MAX_BYTES 64u
#define DAY_S INT64_C(86400)

struct kind {
    int32_t offset;
    char name[12];
};

/* A day of the year when the clock is moved: `Mm.w.d`, `Jn` or `n` of POSIX, and the time of day. */
struct move {
    char form; /* 'M', 'J', or '0' for n */
    int month, week, day;
    int64_t time;
};

struct sx_zone {
    char name[NAME_MAX_BYTES + 1];
    struct kind *kinds;
    int64_t *moves; /* when kind_of[i] begins */
    uint8_t *kind_of;
    uint32_t move_count, kind_count;
    bool has_rule, has_summer;
    struct kind winter, summer;
    struct move to_summer, to_winter;
};

/* ---- The footer: a POSIX TZ text ------------------------------------------------------------- */

static bool read_name(const char **at, char *name)
{
    const char *start = *at, *end;
    bool quoted = *start == '<';

    start += quoted;
    end = start;
    while (quoted ? *end != '\0' && *end != '>'
                  : (*end >= 'a' && *end <= 'z') || (*end >= 'A' && *end <= 'Z'))
        end++;
    if (end == start || end - start > 10 || (quoted && *end != '>'))
        return false;
    memcpy(name, start, (size_t)(end - start));
    name[end - start] = '\0';
    *at = end + quoted;
    return true;
}

static bool read_number(const char **at, int *number)
{
    const char *start = *at;

    *number = 0;
    while (**at >= '0' && **at <= '9' && *at - start < 5)
        *number = *number * 10 + (*(*at)++ - '0');
    return *at > start;
}

/* [+-]h[h][:mm[:ss]], as seconds. */
static bool read_clock(const char **at, int64_t *seconds)
{
    int sign = **at == '-' ? -1 : 1, hours, minutes = 0, rest = 0;

    if (**at == '-' || **at == '+')
        ++*at;
    if (!read_number(at, &hours))
        return false;
    if (**at == ':' && (++*at, !read_number(at, &minutes)))
        return false;
    if (**at == ':' && (++*at, !read_number(at, &rest)))
        return false;
    *seconds = sign * ((int64_t)hours * 3600 + minutes * 60 + rest);
    return true;
}

static bool read_move(const char **at, struct move *move)
{
    if (*(*at)++ != ',')
        return false;
    move->form = **at == 'M' || **at == 'J' ? *(*at)++ : '0';
    move->time = 2 * 3600;
    if (!read_number(at, move->form == 'M' ? &move->month : &move->day))
        return false;
    if (move->form == 'M' && (*(*at)++ != '.' || !read_number(at, &move->week) || *(*at)++ != '.' ||
                              !read_number(at, &move->day) || move->month < 1 || move->month > 12))
        return false;
    return **at != '/' || (++*at, read_clock(at, &move->time));
}

static bool read_rule(const char *text, struct sx_zone *zone)
{
    int64_t west;

    if (!read_name(&text, zone->winter.name) || !read_clock(&text, &west))
        return false;
    zone->winter.offset = (int32_t)-west;
    if (*text == '\0')
        return true;
    if (!read_name(&text, zone->summer.name))
        return false;
    west = -(zone->winter.offset + 3600);
    if (*text != ',' && *text != '\0' && !read_clock(&text, &west))
        return false;
    zone->summer.offset = (int32_t)-west;
    zone->has_summer = true;
    return read_move(&text, &zone->to_summer) && read_move(&text, &zone->to_winter) && *text == '\0';
}

/* Seconds since 1970, by the clock that is moved then, without its offset. */
static int64_t move_in(const struct move *move, int year)
{
    int64_t first = sx_days_of(year, 1, 1), days;
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

    if (move->form == 'J') {
        days = first + move->day - 1 + (leap && move->day >= 60);
    } else if (move->form == '0') {
        days = first + move->day;
    } else {
        int64_t month = sx_days_of(year, (unsigned)move->month, 1);
        int64_t next =
            move->month == 12 ? sx_days_of(year + 1, 1, 1) : sx_days_of(year, (unsigned)move->month + 1, 1);
        int64_t weekday = ((month + 4) % 7 + 7) % 7; /* 1970-01-01 was a Thursday */

        days = month + (move->day - weekday + 7) % 7 + 7 * (int64_t)(move->week - 1);
        while (days >= next)
            days -= 7;
    }
    return days * DAY_S + move->time;
}

static const struct kind *kind_by_rule(const struct sx_zone *zone, int64_t utc)
{
    int64_t local = utc + zone->winter.offset, days = local / DAY_S - (local % DAY_S < 0), from, to;
    unsigned month, day;
    int year;

    if (!zone->has_summer)
        return &zone->winter;
    sx_civil_of(days, &year, &month, &day);
    from = move_in(&zone->to_summer, year) - zone->winter.offset;
    to = move_in(&zone->to_winter, year) - zone->summer.offset;
    if (from < to)
        return utc >= from && utc < to ? &zone->summer : &zone->winter;
    return utc >= to && utc < from ? &zone->winter : &zone->summer; /* the southern half */
}

/* ---- The file -------------------------------------------------------------------------------- */

struct header {
    uint32_t utc_flags, std_flags, leaps, moves, kinds, chars;
};

static bool read_header(const char *at, const char *end, struct header *h)
{
    if (end - at < 44 || memcmp(at, "TZif", 4) != 0)
        return false;
    *h = (struct header){sx_get_be32(at + 20), sx_get_be32(at + 24), sx_get_be32(at + 28),
                         sx_get_be32(at + 32), sx_get_be32(at + 36), sx_get_be32(at + 40)};
    return h->utc_flags <= 256 && h->std_flags <= 256 && h->leaps <= 1000 && h->moves <= 10000 &&
           h->kinds >= 1 && h->kinds <= 256 && h->chars <= 4096;
}

static size_t body_bytes(const struct header *h, size_t time_bytes)
{
    return h->moves * (time_bytes + 1) + h->kinds * 6 + h->chars + h->leaps * (time_bytes + 4) +
           h->std_flags + h->utc_flags;
}

static bool read_body(const char *at, const struct header *h, struct sx_zone *zone)
{
    const char *kinds = at + (size_t)h->moves * 9, *names = kinds + (size_t)h->kinds * 6;

    zone->move_count = h->moves;
    zone->kind_count = h->kinds;
    zone->moves = sx_calloc(h->moves + 1, sizeof(*zone->moves));
    zone->kind_of = sx_calloc(h->moves + 1, 1);
    zone->kinds = sx_calloc(h->kinds, sizeof(*zone->kinds));
    for (uint32_t i = 0; i < h->moves; i++) {
        zone->moves[i] = (int64_t)sx_get_be64(at + (size_t)i * 8);
        zone->kind_of[i] = (uint8_t)at[(size_t)h->moves * 8 + i];
        if (zone->kind_of[i] >= h->kinds)
            return false;
    }
    for (uint32_t i = 0; i < h->kinds; i++) {
        const char *kind = kinds + (size_t)i * 6;
        uint32_t name = (uint8_t)kind[5];

        if (name >= h->chars)
            return false;
        zone->kinds[i].offset = (int32_t)sx_get_be32(kind);
        snprintf(zone->kinds[i].name, sizeof(zone->kinds[i].name), "%.*s",
                 (int)strnlen(names + name, h->chars - name), names + name);
    }
    return true;
}

static bool read_zone(const char *data, size_t size, struct sx_zone *zone)
{
    const char *at = data, *end = data + size, *newline;
    struct header h;
    char rule[80];

    /* The first body has 32-bit times, for programs of another age. */
    if (!read_header(at, end, &h) || at[4] < '2' || body_bytes(&h, 4) > (size_t)(end - at) - 44)
        return false;
    at += 44 + body_bytes(&h, 4);
    if (!read_header(at, end, &h) || body_bytes(&h, 8) > (size_t)(end - at) - 44)
        return false;
    at += 44;
    if (!read_body(at, &h, zone))
        return false;
    at += body_bytes(&h, 8);
    if (at >= end || *at++ != '\n')
        return false;
    newline = memchr(at, '\n', (size_t)(end - at));
    if (newline == NULL || (size_t)(newline - at) >= sizeof(rule))
        return false;
    memcpy(rule, at, (size_t)(newline - at));
    rule[newline - at] = '\0';
    zone->has_rule = rule[0] != '\0';
    return !zone->has_rule || read_rule(rule, zone);
}

static bool read_file(struct sx_zone *zone)
{
    char path[sizeof(FOLDER) + NAME_MAX_BYTES + 1], *data;
    size_t size;
    FILE *file;
    bool done;

    snprintf(path, sizeof(path), "%s%s", FOLDER, zone->name);
    file = fopen(path, "rbe");
    if (file == NULL)
        return false;
    data = sx_malloc(FILE_BYTES_MAX);
    size = fread(data, 1, FILE_BYTES_MAX, file);
    fclose(file);
    done = size < FILE_BYTES_MAX && read_zone(data, size, zone);
    free(data);
    return done;
}

/* ---- Opening --------------------------------------------------------------------------------- */

/* Only what zones are called: no way out of the folder. */
static bool is_name(struct sx_slice name)
{
    if (name.size == 0 || name.size > NAME_MAX_BYTES || name.data[0] == '/')
        return false;
    for (uint32_t i = 0; i < name.size; i++) {
        char c = name.data[i];

        if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
              c == '-' || c == '+' || c == '/'))
            return false;
    }
    return true;
}

static int digits_at(struct sx_slice s, uint32_t at)
{
    if (at + 2 > s.size || s.data[at] < '0' || s.data[at] > '9' || s.data[at + 1] < '0' ||
        s.data[at + 1] > '9')
        return -1;
    return (s.data[at] - '0') * 10 + (s.data[at + 1] - '0');
}

/* +hh, +hhmm, +hh:mm */
static bool read_fixed(struct sx_slice s, int32_t *offset)
{
    int hours, minutes = 0;

    if (s.size < 3 || (s.data[0] != '+' && s.data[0] != '-'))
        return false;
    hours = digits_at(s, 1);
    if (s.size == 5)
        minutes = digits_at(s, 3);
    else if (s.size == 6 && s.data[3] == ':')
        minutes = digits_at(s, 4);
    else if (s.size != 3)
        return false;
    if (hours < 0 || hours > 18 || minutes < 0 || minutes > 59)
        return false;
    *offset = (s.data[0] == '-' ? -1 : 1) * (hours * 3600 + minutes * 60);
    return true;
}

static void name_fixed(struct sx_zone *zone)
{
    int32_t minutes = abs(zone->winter.offset) / 60;

    snprintf(zone->winter.name, sizeof(zone->winter.name), "%c%02d:%02d", zone->winter.offset < 0 ? '-' : '+',
             minutes / 60 % 100, minutes % 60);
}

struct sx_zone *sx_zone_open(struct sx_slice name)
{
    struct sx_zone *zone = sx_calloc(1, sizeof(*zone));

    if (sx_slice_equal(name, SX_SLICE("Z")) || sx_slice_equal(name, SX_SLICE("UTC"))) {
        zone->has_rule = true;
        snprintf(zone->winter.name, sizeof(zone->winter.name), "UTC");
    } else if (read_fixed(name, &zone->winter.offset)) {
        zone->has_rule = true;
        name_fixed(zone);
    } else if (is_name(name)) {
        memcpy(zone->name, name.data, name.size);
        if (read_file(zone))
            return zone;
        sx_zone_free(zone);
        return NULL;
    } else {
        sx_zone_free(zone);
        return NULL;
    }
    snprintf(zone->name, sizeof(zone->name), "%s", zone->winter.name);
    return zone;
}

void sx_zone_free(struct sx_zone *zone)
{
    if (zone == NULL)
        return;
    free(zone->moves);
    free(zone->kind_of);
    free(zone->kinds);
    free(zone);
}

static void *moved(struct sx_arena *arena, const void *items, size_t bytes)
{
    void *copy = sx_arena_alloc(arena, bytes);

    if (bytes)
        memcpy(copy, items, bytes);
    return copy;
}

const struct sx_zone *sx_zone_keep(struct sx_zone *zone, struct sx_arena *arena)
{
    struct sx_zone *copy = moved(arena, zone, sizeof(*zone));

    copy->moves = moved(arena, zone->moves, zone->move_count * sizeof(*zone->moves));
    copy->kind_of = moved(arena, zone->kind_of, zone->move_count * sizeof(*zone->kind_of));
    copy->kinds = moved(arena, zone->kinds, zone->kind_count * sizeof(*zone->kinds));
    sx_zone_free(zone);
    return copy;
}

/* ---- Asking ---------------------------------------------------------------------------------- */

const char *sx_zone_name(const struct sx_zone *zone) { return zone->name; }

static const struct kind *kind_at(const struct sx_zone *zone, int64_t utc)
{
    uint32_t low = 0, high = zone->move_count;

    if (zone->has_rule && (zone->move_count == 0 || utc >= zone->moves[zone->move_count - 1]))
        return kind_by_rule(zone, utc);
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;

        if (zone->moves[middle] <= utc)
            low = middle + 1;
        else
            high = middle;
    }
    return &zone->kinds[low ? zone->kind_of[low - 1] : 0];
}

int64_t sx_zone_offset(const struct sx_zone *zone, int64_t utc, const char **abbreviation)
{
    const struct kind *kind = kind_at(zone, utc);

    if (abbreviation != NULL)
        *abbreviation = kind->name;
    return kind->offset;
}

int64_t sx_zone_to_utc(const struct sx_zone *zone, int64_t local)
{
    /* The offsets a day before and after: around a move they are the two that come into question. */
    int64_t before = kind_at(zone, local - DAY_S)->offset, after = kind_at(zone, local + DAY_S)->offset;

    if (kind_at(zone, local - before)->offset == before)
        return local - before;
    if (kind_at(zone, local - after)->offset == after)
        return local - after;
    return local - before;
}
