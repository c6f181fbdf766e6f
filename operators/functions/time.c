/* time.c: timestamps as text by patterns, and between zones. */
#include "operators/functions/moment.h"

#include <stdlib.h>

/* The zones that stand constant in a call, opened once: reading a file for every row would be slow. */
struct zones {
    struct sx_zone *of[4]; /* by argument; NULL: not constant */
};

static struct sx_zone *open_zone(struct sx_call *call, struct sx_slice name)
{
    struct sx_zone *zone = sx_zone_open(name);

    if (zone == NULL)
        sx_call_fail(call, "there is no time zone \"%.*s\"", (int)SX_MIN(name.size, 64u),
                     name.size ? name.data : "");
    return zone;
}

static void release(void *site)
{
    struct zones *zones = site;

    for (size_t i = 0; i < SX_COUNT(zones->of); i++)
        sx_zone_free(zones->of[i]);
    free(zones);
}

/* `arg` of the row: a bit for each argument that is a zone; bit 8: argument 1 is a pattern. */
static void *prepare(struct sx_call *call, const struct sx_value *const *constants, uint32_t count)
{
    const uintptr_t bits = (uintptr_t)call->arg;
    struct zones *zones = sx_calloc(1, sizeof(*zones));

    for (uint32_t i = 1; i < count && i < SX_COUNT(zones->of); i++) {
        if (constants[i] == NULL || constants[i]->kind != SX_STRING)
            continue;
        if (bits & 1u << i)
            zones->of[i] = open_zone(call, sx_value_slice(*constants[i]));
        if (i == 1 && bits & 1u << 8) {
            const struct sx_moment sample = {
                .year = 2000, .month = 1, .day = 1, .zone_abbreviation = "UTC", .zone_name = "UTC"};

            sx_moment_format(call, &sample, sx_value_slice(*constants[i]));
        }
    }
    return zones;
}

/* The zone that argument i names; UTC if it is left out. Given back by the next function. */
static struct sx_zone *take_zone(struct sx_call *call, const struct sx_value *args, uint32_t count,
                                 uint32_t i)
{
    const struct zones *zones = call->site;

    if (i < count && zones != NULL && zones->of[i] != NULL)
        return zones->of[i];
    return open_zone(call, i < count ? sx_value_slice(args[i]) : SX_SLICE("UTC"));
}

static void give_back(const struct sx_call *call, struct sx_zone *zone, uint32_t i)
{
    const struct zones *zones = call->site;

    if (zones == NULL || zones->of[i] != zone)
        sx_zone_free(zone);
}

static struct sx_value format_timestamp(struct sx_call *call, const struct sx_value *args, uint32_t count)
{
    struct sx_zone *zone = take_zone(call, args, count, 2);
    struct sx_value text = SX_VALUE_NULL;
    struct sx_moment moment;

    if (zone != NULL && sx_moment_of(call, args[0].i, zone, &moment))
        text = sx_moment_format(call, &moment, sx_value_slice(args[1]));
    give_back(call, zone, 2);
    return text;
}

static struct sx_value parse_timestamp(struct sx_call *call, const struct sx_value *args, uint32_t count)
{
    struct sx_zone *zone = take_zone(call, args, count, 2);
    struct sx_value time = SX_VALUE_NULL;

    if (zone != NULL)
        time = sx_moment_parse(call, sx_value_slice(args[0]), sx_value_slice(args[1]), zone);
    give_back(call, zone, 2);
    return time;
}

static struct sx_value convert_tz(struct sx_call *call, const struct sx_value *args, uint32_t count)
{
    struct sx_zone *from = take_zone(call, args, count, 1), *to = take_zone(call, args, count, 2);
    const int64_t seconds = args[0].i / 1000 - (args[0].i % 1000 < 0);
    struct sx_value time = SX_VALUE_NULL;
    int64_t ms;

    if (from != NULL && to != NULL) {
        int64_t shift = sx_zone_offset(to, seconds, NULL) - sx_zone_offset(from, seconds, NULL);

        if (__builtin_add_overflow(args[0].i, shift * 1000, &ms))
            time = sx_call_fail(call, "integer overflow: the timestamp is out of range");
        else
            time = sx_value_int64(SX_TIMESTAMP, ms);
    }
    give_back(call, from, 1);
    give_back(call, to, 2);
    return time;
}

static struct sx_value from_unixtime(struct sx_call *call, const struct sx_value *args, uint32_t count)
{
    return sx_value_int64(SX_TIMESTAMP, args[0].i);
}

static struct sx_value unix_timestamp(struct sx_call *call, const struct sx_value *args, uint32_t count)
{
    return sx_value_int(args[0].i);
}

/* What ksqlDB once called so: milliseconds for timestamps. */
static struct sx_value string_to_timestamp(struct sx_call *call, const struct sx_value *args, uint32_t count)
{
    struct sx_value time = parse_timestamp(call, args, count);

    return time.kind == SX_NULL ? time : sx_value_int(time.i);
}

/* Flink's: `yyyy-MM-dd HH:mm:ss`, a part of a second, or the date alone, unless there is a pattern. */
static struct sx_value to_timestamp(struct sx_call *call, const struct sx_value *args, uint32_t count)
{
    struct sx_value with[2] = {args[0],
                               count > 1 ? args[1] : sx_value_string(SX_SLICE("yyyy-MM-dd HH:mm:ss"))};
    const char *point = args[0].size ? memchr(args[0].s, '.', args[0].size) : NULL;
    char pattern[40];

    if (count == 1 && args[0].size <= 10) {
        with[1] = sx_value_string(SX_SLICE("yyyy-MM-dd"));
    } else if (count == 1 && point != NULL) {
        size_t digits = (size_t)(args[0].s + args[0].size - point) - 1;
        int size = snprintf(pattern, sizeof(pattern), "yyyy-MM-dd HH:mm:ss.%.*s",
                            (int)SX_MIN(digits, (size_t)9), "SSSSSSSSS");

        with[1] = sx_value_string(sx_slice(pattern, (size_t)size));
    }
    return parse_timestamp(call, with, 2);
}

/* Precision 0: seconds, 3: milliseconds. */
static struct sx_value to_timestamp_ltz(struct sx_call *call, const struct sx_value *args, uint32_t count)
{
    const int64_t precision = count > 1 ? args[1].i : 3;
    int64_t ms;

    if (precision != 0 && precision != 3)
        return sx_call_fail(call, "the precision is 0, seconds, or 3, milliseconds; not %lld",
                            (long long)precision);
    if (__builtin_mul_overflow(args[0].i, precision ? 1 : 1000, &ms))
        return sx_call_fail(call, "integer overflow: the timestamp is out of range");
    return sx_value_int64(SX_TIMESTAMP, ms);
}

#define ROW(sig, text, sample, gives, function, bits)                                          \
    {                                                                                          \
        .signature = sig, .summary = text, .example = sample, .result = gives, .fn = function, \
        .arg = (void *)(uintptr_t)(bits), .prepare = prepare, .release = release               \
    }

static const struct sx_function_def rows[] = {
    ROW("format_timestamp(t timestamp, pattern string [, zone string]) string",
        "A timestamp as text, by a pattern of Java's DateTimeFormatter.",
        "format_timestamp(timestamp \"2026-07-31T10:00:00Z\", \"yyyy-MM-dd HH:mm zzz\", \"Europe/London\")",
        "\"2026-07-31 11:00 BST\"", format_timestamp, 1u << 2 | 1u << 8),
    ROW("parse_timestamp(s string, pattern string [, zone string]) timestamp",
        "A timestamp from a text, by a pattern of Java's DateTimeFormatter; fields that are missing are 0.",
        "parse_timestamp(\"1970-01-01 01:00\", \"yyyy-MM-dd HH:mm\", \"Europe/Paris\")", "0", parse_timestamp,
        1u << 2 | 1u << 8),
    ROW("convert_tz(t timestamp, from string, to string) timestamp",
        "Shifts what a clock shows from one zone to another.",
        "convert_tz(timestamp \"1970-01-01T00:00:00Z\", \"+0000\", \"+0200\")", "7200000", convert_tz,
        1u << 1 | 1u << 2),
    ROW("date_format(t timestamp, pattern string) string",
        "What `format_timestamp` gives, as Flink calls it.",
        "date_format(timestamp \"2026-07-31T10:00:00Z\", \"dd.MM.yyyy\")", "\"31.07.2026\"", format_timestamp,
        1u << 8),
    ROW("timestamptostring(ms int, pattern string [, zone string]) string",
        "Milliseconds since 1970 as text, as ksqlDB once called it.",
        "timestamptostring(0, \"yyyy-MM-dd HH:mm\", \"Europe/Paris\")", "\"1970-01-01 01:00\"",
        format_timestamp, 1u << 2 | 1u << 8),
    ROW("stringtotimestamp(s string, pattern string [, zone string]) int",
        "The milliseconds since 1970 of a time in a text, as ksqlDB once called it.",
        "stringtotimestamp(\"1970-01-01 01:00\", \"yyyy-MM-dd HH:mm\")", "3600000", string_to_timestamp,
        1u << 2 | 1u << 8),
    ROW("to_timestamp(s string [, pattern string]) timestamp",
        "A timestamp from a text in UTC, as Flink has it: `yyyy-MM-dd HH:mm:ss`, with a part of a second or "
        "without a time, unless a pattern is given.",
        "to_timestamp(\"1970-01-01 00:00:01.5\")", "1500", to_timestamp, 1u << 8),
    {.signature = "to_timestamp_ltz(n int [, precision int]) timestamp",
     .summary = "The timestamp of seconds (precision 0) or milliseconds (3, unless given) since 1970.",
     .example = "to_timestamp_ltz(60, 0)",
     .result = "60000",
     .fn = to_timestamp_ltz},
    {.signature = "from_unixtime(ms int) timestamp",
     .summary = "The timestamp of milliseconds since 1970, as ksqlDB calls it.",
     .example = "from_unixtime(1000)",
     .result = "1000",
     .fn = from_unixtime},
    {.signature = "unix_timestamp(t timestamp) int",
     .summary = "Milliseconds since 1970, as ksqlDB calls it.",
     .example = "unix_timestamp(timestamp \"1970-01-01T00:00:01Z\")",
     .result = "1000",
     .fn = unix_timestamp},
};

const struct sx_function_table sx_functions_time = SX_ROWS_OF("time", rows);
