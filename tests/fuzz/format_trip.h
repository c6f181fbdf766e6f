/* format_trip.h: bytes through a format in every way that must agree.
 *
 *   records ── decode ──> columns ── encode ──> bytes ── decode ──> the same columns
 *      │                                          │
 *      └─ to_json ─> valid JSON ─ from_json ──────┘
 *
 * Decoded together, one by one, with padding behind them and without, with every column wanted and with none:
 * the same rows fail, and the others have the same values.
 */
#ifndef TESTS_FUZZ_FORMAT_TRIP_H
#define TESTS_FUZZ_FORMAT_TRIP_H

#include "engine/data/format.h"
#include "engine/format/json_text.h"
#include "tests/fuzz/target.h"

enum { TRIP_FIELDS = 8, TRIP_RECORDS = 6 };

struct trip {
    const char *format;
    struct sx_format_field fields[TRIP_FIELDS];
    bool whole;
    char delimiter;
    bool one_way; /* what is written is not what was read: `from`, defaults */
};

struct trip_columns {
    struct sx_column columns[TRIP_FIELDS];
    struct sx_format_failures failures;
};

/* A trip under way: a bound format, and the memory of all that is decoded. */
struct trip_bound {
    const struct trip *trip;
    const struct sx_format_def *def;
    void *plan;
    uint32_t count; /* fields */
    struct sx_arena arena;
};

static inline struct trip_columns trip_decode(struct trip_bound *b, const struct sx_slice *records,
                                              uint32_t count, bool padded, const uint64_t *wanted)
{
    struct trip_columns to = {.failures = {.arena = &b->arena}};

    for (uint32_t f = 0; f < b->count; f++)
        to.columns[f].type = b->trip->fields[f].type;
    b->def->decode(b->plan, records, count, padded, wanted, to.columns, &b->arena, &to.failures);
    MUST(to.failures.count <= count);
    for (uint32_t i = 0; i < to.failures.count; i++) {
        MUST(to.failures.items[i].row < count);
        MUST(i == 0 || to.failures.items[i].row > to.failures.items[i - 1].row);
        MUST(to.failures.items[i].reason[0] != '\0' && to.failures.items[i].message[0] != '\0');
    }
    return to;
}

static inline const char *trip_failure(const struct trip_columns *c, uint32_t row)
{
    for (uint32_t i = 0; i < c->failures.count; i++)
        if (c->failures.items[i].row == row)
            return c->failures.items[i].reason;
    return NULL;
}

/* Row i of `a` and row k of `b` are the same, or failed for the same reason. */
static inline void trip_same(const struct trip_bound *bound, const struct trip_columns *a, uint32_t i,
                             const struct trip_columns *b, uint32_t k)
{
    const char *why = trip_failure(a, i), *other = trip_failure(b, k);

    MUST((why == NULL) == (other == NULL));
    MUST(why == NULL || strcmp(why, other) == 0);
    for (uint32_t f = 0; f < bound->count && why == NULL; f++)
        MUST(sx_value_equal(sx_column_get(&a->columns[f], i), sx_column_get(&b->columns[f], k)));
}

/* Out and in again. */
static inline void trip_back(struct trip_bound *b, const struct trip_columns *from, uint32_t row)
{
    const struct sx_column *columns[TRIP_FIELDS];
    struct sx_buffer bytes = {0};
    const char *message = NULL;

    for (uint32_t f = 0; f < b->count; f++)
        columns[f] = &from->columns[f];
    if (b->def->encode(b->plan, columns, row, &bytes, &b->arena, &message)) {
        char *copy = exact_copy(sx_buffer_slice(&bytes));
        struct sx_slice record = sx_slice(copy, bytes.size);
        struct trip_columns back = trip_decode(b, &record, 1, false, NULL);

        if (!b->trip->one_way)
            trip_same(b, from, row, &back, 0);
        free(copy);
    } else {
        MUST(message != NULL && message[0] != '\0');
    }
    sx_buffer_free(&bytes);
}

/* The JSON form, and back. */
static inline void trip_json(struct trip_bound *b, const struct trip_columns *from, uint32_t row,
                             struct sx_slice record)
{
    struct sx_buffer json = {0}, bytes = {0};
    const char *message = NULL;

    if (!b->def->to_json(b->plan, record, &json, &message, &b->arena)) {
        MUST(message != NULL && message[0] != '\0');
    } else {
        MUST(sx_json_check(sx_buffer_slice(&json), NULL));
        MUST(b->def->from_json(b->plan, sx_buffer_slice(&json), &bytes, &message, &b->arena));
        sx_buffer_room(&bytes, 1);
        record = sx_buffer_slice(&bytes);
        struct trip_columns back = trip_decode(b, &record, 1, false, NULL);
        trip_same(b, from, row, &back, 0);
    }
    sx_buffer_free(&json);
    sx_buffer_free(&bytes);
}

/* All of `in`: records with a byte between that no UTF-8 has. */
static inline void trip_run(const struct trip *trip, struct input in)
{
    static const uint64_t none = 0;
    struct trip_bound b = {.trip = trip, .def = sx_format_find(trip->format)};
    struct sx_format_spec spec = {
        .fields = trip->fields, .whole = trip->whole, .delimiter = trip->delimiter ? trip->delimiter : ','};
    struct sx_slice records[TRIP_RECORDS], padded[TRIP_RECORDS];
    uint32_t count = 0;
    struct trip_columns together, with_padding, unread;

    while (b.count < TRIP_FIELDS && trip->fields[b.count].name != NULL)
        b.count++;
    spec.field_count = b.count;
    sx_arena_init(&b.arena, 0);
    MUST(b.def->bind(&spec, &b.arena, &b.plan, NULL) == STREAMD_OK);
    do {
        const uint8_t *end = in.size ? memchr(in.data, 0xff, in.size) : NULL;
        struct sx_slice record = sx_slice(
            (const char *)in.data, end && count + 1 < TRIP_RECORDS ? (size_t)(end - in.data) : in.size);
        char *room = sx_arena_alloc(&b.arena, record.size + SX_PADDING);

        memset(room, '"', record.size + SX_PADDING);
        if (record.size)
            memcpy(room, record.data, record.size);
        padded[count] = sx_slice(room, record.size);
        records[count++] = sx_slice(exact_copy(record), record.size);
        in.data += SX_MIN(record.size + 1, in.size);
        in.size -= SX_MIN(record.size + 1, in.size);
    } while (in.size > 0 && count < TRIP_RECORDS);

    together = trip_decode(&b, records, count, false, NULL);
    with_padding = trip_decode(&b, padded, count, true, NULL);
    unread = trip_decode(&b, records, count, false, &none);
    for (uint32_t i = 0; i < count; i++) {
        struct trip_columns alone = trip_decode(&b, &records[i], 1, false, NULL);

        trip_same(&b, &together, i, &with_padding, i);
        trip_same(&b, &together, i, &alone, 0);
        MUST((trip_failure(&together, i) == NULL) == (trip_failure(&unread, i) == NULL));
        if (trip_failure(&together, i) == NULL) {
            trip_back(&b, &together, i);
            trip_json(&b, &together, i, records[i]);
        }
        free((char *)records[i].data);
    }
    sx_arena_free(&b.arena);
}

#endif
