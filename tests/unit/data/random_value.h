/* random_value.h: seeded types and values for tests of the stored forms.
 *
 * Values come from few ranges, so that equal ones and shared beginnings are common: that is where an
 * order goes wrong.
 */
#ifndef SX_RANDOM_VALUE_H
#define SX_RANDOM_VALUE_H

#include "engine/data/value.h"
#include "tests/unit/unit.h"

static inline const struct sx_type *random_type(struct sx_arena *arena, uint64_t *seed, unsigned depth)
{
    static const struct sx_type decimal = {.kind = SX_DECIMAL, .precision = 38, .scale = 2};
    static const struct sx_type *const plain[] = {
        &sx_type_bool, &sx_type_int,  &sx_type_double,   &sx_type_string, &sx_type_bytes, &sx_type_timestamp,
        &sx_type_date, &sx_type_time, &sx_type_duration, &sx_type_json,   &decimal};
    static const char *const names[] = {"a", "b", "c", "d"};
    struct sx_type_field fields[4];
    uint32_t count;

    switch (depth > 0 ? sx_unit_random(seed) % 5 : 9) {
    case 0:
        return sx_type_array(arena, random_type(arena, seed, depth - 1));
    case 1:
        return sx_type_map(arena, random_type(arena, seed, depth - 1));
    case 2:
        count = (uint32_t)(sx_unit_random(seed) % 5);
        for (uint32_t i = 0; i < count; i++)
            fields[i] = (struct sx_type_field){names[i], random_type(arena, seed, depth - 1), false};
        return sx_type_struct(arena, fields, count);
    default:
        return plain[sx_unit_random(seed) % SX_COUNT(plain)];
    }
}

static inline struct sx_value random_text(enum sx_kind kind, struct sx_arena *arena, uint64_t *seed)
{
    /* With the bytes that the key form escapes with, and around them. */
    static const char letters[] = {0, 1, 2, (char)0xff, 'a', 'b'};
    uint32_t size = (uint32_t)(sx_unit_random(seed) % 5);
    char *text = sx_arena_alloc(arena, size);

    for (uint32_t i = 0; i < size; i++)
        text[i] = letters[sx_unit_random(seed) % sizeof(letters)];
    return (struct sx_value){.s = text, .size = size, .kind = (uint8_t)kind};
}

/* Values of all kinds, with others that are equal or next to them. */
static inline struct sx_value random_json(struct sx_arena *arena, uint64_t *seed)
{
    static const char *const scalars[] = {
        "true",      "false",  "0",           "-0.0",   "1",           "1.0",
        "10e-1",     "-1",     "-1.5",        "-15e-1", "2",           "10",
        "1e400",     "-1e400", "1e-400",      "0.1",    "0.01",        "12345678901234567890123",
        "\"\"",      "\"a\"",  "null",        "9",      "\"\\u0061\"", "\"a\\u0000\"",
        "\"a\\\"\"", "\"b\"",  "\"\\u00e9\"",
    };
    struct sx_buffer text = {0};
    uint32_t count = (uint32_t)(sx_unit_random(seed) % 4);
    bool object = sx_unit_random(seed) % 2;
    struct sx_slice copy;

    if (sx_unit_random(seed) % 2)
        return sx_value_json(sx_slice_of(scalars[sx_unit_random(seed) % SX_COUNT(scalars)]));
    sx_buffer_add_byte(&text, object ? '{' : '[');
    for (uint32_t i = 0; i < count; i++) {
        struct sx_value part = random_json(arena, seed);

        if (i > 0)
            sx_buffer_add_byte(&text, ',');
        if (object)
            sx_buffer_printf(&text, "\"%c\":", (int)('x' + sx_unit_random(seed) % 3));
        if (part.kind == SX_NULL)
            sx_buffer_add_text(&text, "null");
        else
            sx_buffer_add_slice(&text, sx_value_slice(part));
    }
    sx_buffer_add_byte(&text, object ? '}' : ']');
    copy = sx_arena_copy(arena, sx_buffer_slice(&text));
    sx_buffer_free(&text);
    return sx_value_json(copy);
}

static inline struct sx_value random_value(const struct sx_type *type, struct sx_arena *arena, uint64_t *seed)
{
    static const int64_t ints[] = {0, 1, -1, 255, 256, -256, INT64_MAX, INT64_MIN, INT64_C(1) << 40};
    static const double doubles[] = {0, -0.0, 1, -1, 0.5, -0.5, 1e300, -1e300, 5e-324, -5e-324};
    struct sx_value value = {.kind = (uint8_t)type->kind};
    struct sx_value *items;
    __int128 *decimal;
    uint64_t pick;

    if (sx_unit_random(seed) % 6 == 0)
        return SX_VALUE_NULL;
    pick = sx_unit_random(seed);
    switch (type->kind) {
    case SX_BOOL:
        value.b = pick % 2;
        return value;
    case SX_DOUBLE:
        value.d = doubles[pick % SX_COUNT(doubles)];
        return value;
    case SX_STRING:
    case SX_BYTES:
        return random_text(type->kind, arena, seed);
    case SX_JSON:
        return random_json(arena, seed);
    case SX_DECIMAL:
        decimal = sx_arena_alloc(arena, sizeof(*decimal));
        *decimal = (__int128)ints[pick % SX_COUNT(ints)] * (pick % 3 ? 1 : INT64_C(1) << 50);
        value.decimal = decimal;
        return value;
    case SX_ARRAY:
    case SX_MAP:
    case SX_STRUCT:
        value.size = type->kind == SX_STRUCT ? type->field_count : (uint32_t)(pick % 4);
        items = sx_arena_alloc(arena, sizeof(*items) * 2 * value.size);
        for (uint32_t i = 0; i < value.size; i++) {
            if (type->kind == SX_STRUCT)
                items[i] = random_value(type->fields[i].type, arena, seed);
            else if (type->kind == SX_ARRAY)
                items[i] = random_value(type->element, arena, seed);
            else {
                items[i * 2] = random_text(SX_STRING, arena, seed);
                items[i * 2 + 1] = random_value(type->element, arena, seed);
            }
        }
        if (type->kind == SX_MAP)
            value.size = sx_value_sort_map(items, value.size);
        value.items = items;
        return value;
    default:
        value.i = ints[pick % SX_COUNT(ints)];
        return value;
    }
}

#endif
