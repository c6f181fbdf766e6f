/* bound.h: a format bound to fields, and what it does to one record, as text.
 *
 *   bound_decode(&b, SX_SLICE("{\"a\":1}"))   gives `[1]`, the columns as a JSON array, or the failure:
 *                                             `type: a: expected an int, got true (byte 5)`
 *   bound_encode(&b, ...)                     the bytes of row 0 of what was decoded last
 *
 * Records are decoded from memory of their exact size, so the address sanitizer sees a read past it.
 */
#ifndef TESTS_UNIT_FORMAT_BOUND_H
#define TESTS_UNIT_FORMAT_BOUND_H

#include "engine/data/format.h"
#include "tests/unit/unit.h"

enum { BOUND_FIELDS = 16 };

struct bound {
    const struct sx_format_def *def;
    void *plan;
    struct sx_format_field fields[BOUND_FIELDS];
    uint32_t count;
    struct sx_arena arena; /* of the plan */
    struct sx_arena batch; /* of what was decoded last */
    struct sx_column columns[BOUND_FIELDS];
    struct sx_buffer text;
    char *copy;
    streamd_status status; /* of binding */
    char error[256];
};

static inline void bound_open(struct bound *b, const char *format, struct sx_format_spec spec)
{
    streamd_error *error = NULL;

    memset(b, 0, sizeof(*b));
    sx_arena_init(&b->arena, 0);
    sx_arena_init(&b->batch, 0);
    b->def = sx_format_find(format);
    if (b->def == NULL || spec.field_count > BOUND_FIELDS)
        abort();
    for (uint32_t i = 0; i < spec.field_count; i++)
        b->fields[i] = spec.fields[i];
    spec.fields = b->fields;
    b->count = spec.field_count;
    b->status = b->def->bind(&spec, &b->arena, &b->plan, &error);
    if (b->status != STREAMD_OK) {
        snprintf(b->error, sizeof(b->error), "%s", streamd_error_message(error));
        streamd_error_free(error);
    }
}

static inline void bound_close(struct bound *b)
{
    sx_buffer_free(&b->text);
    sx_arena_free(&b->arena);
    sx_arena_free(&b->batch);
    free(b->copy);
}

/* One column of this type, named `v`. */
static inline void bound_open_whole(struct bound *b, const char *format, const struct sx_type *type)
{
    struct sx_format_field field = {.name = "v", .type = type};

    bound_open(b, format, (struct sx_format_spec){.fields = &field, .field_count = 1, .whole = true});
}

static inline const char *bound_decode_wanted(struct bound *b, struct sx_slice bytes, const uint64_t *wanted)
{
    struct sx_format_failures failures = {.arena = &b->batch};

    sx_arena_reset(&b->batch);
    free(b->copy);
    b->copy = bytes.data ? sx_malloc(bytes.size) : NULL;
    if (bytes.size)
        memcpy(b->copy, bytes.data, bytes.size);
    bytes.data = b->copy;
    memset(b->columns, 0, sizeof(b->columns));
    for (uint32_t i = 0; i < b->count; i++)
        b->columns[i].type = b->fields[i].type;
    b->def->decode(b->plan, &bytes, 1, false, wanted, b->columns, &b->batch, &failures);
    b->text.size = 0;
    if (failures.count) {
        sx_buffer_printf(&b->text, "%s: %s", failures.items[0].reason, failures.items[0].message);
        CU_ASSERT_EQUAL(failures.count, 1);
        CU_ASSERT_EQUAL(failures.items[0].row, 0);
        return b->text.data;
    }
    sx_buffer_add_byte(&b->text, '[');
    for (uint32_t i = 0; i < b->count; i++) {
        if (i > 0)
            sx_buffer_add_byte(&b->text, ',');
        if (b->columns[i].data == NULL)
            sx_buffer_add_byte(&b->text, '-');
        else
            sx_json_write_value(&b->text, sx_column_get(&b->columns[i], 0), b->fields[i].type);
    }
    sx_buffer_add(&b->text, "]", 2);
    return b->text.data;
}

static inline const char *bound_decode(struct bound *b, struct sx_slice bytes)
{
    return bound_decode_wanted(b, bytes, NULL);
}

/* Encode what was decoded last. False: b->error says why. */
static inline bool bound_encode(struct bound *b, struct sx_buffer *to)
{
    const struct sx_column *columns[BOUND_FIELDS];
    const char *message = NULL;

    for (uint32_t i = 0; i < b->count; i++)
        columns[i] = &b->columns[i];
    if (b->def->encode(b->plan, columns, 0, to, &b->batch, &message))
        return true;
    snprintf(b->error, sizeof(b->error), "%s", message);
    return false;
}

#endif
