/* row_format.c: the format `row`: the stored form of engine/data/row.h, for internal topics. Its JSON
 * form is an object of the columns. */
#include "engine/data/row.h"
#include "engine/format/common.h"
#include "engine/format/json_plan.h"
#include "engine/format/json_text.h"

struct row_plan {
    const char **names;
    const struct sx_type **types;
    uint32_t count;
    void *json; /* the same columns as a JSON object */
};

static streamd_status bind(const struct sx_format_spec *spec, struct sx_arena *arena, void **plan,
                           streamd_error **error)
{
    struct row_plan *row = SX_ARENA_NEW(arena, struct row_plan);
    struct sx_format_field *fields = SX_ARENA_ARRAY(arena, struct sx_format_field, spec->field_count + 1);
    struct sx_format_spec json = {.fields = fields, .field_count = spec->field_count};

    row->count = spec->field_count;
    row->names = SX_ARENA_ARRAY(arena, const char *, spec->field_count + 1);
    row->types = SX_ARENA_ARRAY(arena, const struct sx_type *, spec->field_count + 1);
    for (uint32_t i = 0; i < spec->field_count; i++) {
        row->names[i] = sx_arena_strdup(arena, spec->fields[i].name);
        row->types[i] = spec->fields[i].type;
        fields[i] = (struct sx_format_field){.name = row->names[i], .type = row->types[i]};
    }
    *plan = row;
    return sx_json_bind(&json, arena, &row->json, error);
}

static void decode(const void *p, const struct sx_slice *bytes, uint32_t count, bool padded,
                   const uint64_t *wanted, struct sx_column *columns, struct sx_arena *arena,
                   struct sx_format_failures *failures)
{
    const struct row_plan *plan = p;
    struct sx_value *values = SX_ARENA_ARRAY(arena, struct sx_value, plan->count + 1);

    for (uint32_t f = 0; f < plan->count; f++)
        if (sx_format_wants(wanted, f))
            columns[f] = sx_column_new(arena, plan->types[f], count);
    for (uint32_t i = 0; i < count; i++) {
        if (bytes[i].data == NULL) {
            for (uint32_t f = 0; f < plan->count; f++)
                values[f] = SX_VALUE_NULL;
        } else if (!sx_row_read(bytes[i], plan->types, plan->count, values, arena)) {
            sx_format_failed(failures, i, "decode", "the stored row is damaged or of an unknown version");
            continue;
        }
        for (uint32_t f = 0; f < plan->count; f++) {
            if (!sx_format_wants(wanted, f))
                continue;
            if (values[f].kind == SX_NULL)
                sx_format_set_null(&columns[f], i, count, arena);
            else
                sx_column_set(&columns[f], i, values[f]);
        }
    }
}

static bool encode(const void *p, const struct sx_column *const *columns, uint32_t row, struct sx_buffer *to,
                   struct sx_arena *arena, const char **message)
{
    const struct row_plan *plan = p;
    struct sx_value *values = SX_ARENA_ARRAY(arena, struct sx_value, plan->count + 1);

    for (uint32_t f = 0; f < plan->count; f++)
        values[f] = sx_column_get(columns[f], row);
    sx_row_write_values(to, values, plan->count);
    return true;
}

/* One record through columns: decoded by one form, encoded by the other. */
static bool convert(const struct row_plan *plan, bool from_row, struct sx_slice from, struct sx_buffer *to,
                    const char **message, struct sx_arena *arena)
{
    struct sx_column *columns = SX_ARENA_ARRAY(arena, struct sx_column, plan->count + 1);
    const struct sx_column **pointers = SX_ARENA_ARRAY(arena, const struct sx_column *, plan->count + 1);
    struct sx_format_failures failures = {.arena = arena};

    for (uint32_t f = 0; f < plan->count; f++)
        pointers[f] = &columns[f];
    if (from_row)
        decode(plan, &from, 1, false, NULL, columns, arena, &failures);
    else
        sx_json_decode(plan->json, &from, 1, false, NULL, columns, arena, &failures);
    if (failures.count) {
        *message = sx_arena_strdup(arena, failures.items[0].message);
        return false;
    }
    return from_row ? sx_json_encode(plan->json, pointers, 0, to, arena, message)
                    : encode(plan, pointers, 0, to, arena, message);
}

/* Rows are the engine's own, so decode, which every repartitioned row passes, does not look into strings for
 * UTF-8; but somebody else's bytes must not make JSON that is none. */
static bool to_json(const void *plan, struct sx_slice bytes, struct sx_buffer *json, const char **message,
                    struct sx_arena *arena)
{
    size_t size = json->size;

    if (!convert(plan, true, bytes, json, message, arena))
        return false;
    if (sx_json_check(sx_slice(json->data + size, json->size - size), NULL))
        return true;
    json->size = size;
    *message = "the stored row holds text that is not UTF-8";
    return false;
}

static bool from_json(const void *plan, struct sx_slice json, struct sx_buffer *bytes, const char **message,
                      struct sx_arena *arena)
{
    return convert(plan, false, json, bytes, message, arena);
}

const struct sx_format_def sx_format_row = {
    .name = "row",
    .summary = "The engine's own stored rows, of internal topics.",
    .internal = true,
    .takes_fields = true,
    .bind = bind,
    .decode = decode,
    .encode = encode,
    .to_json = to_json,
    .from_json = from_json,
};
