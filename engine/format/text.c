/* text.c: the format `string`: UTF-8, as Kafka's StringSerializer writes it. */
#include "engine/base/text.h"
#include "engine/format/common.h"

static streamd_status bind(const struct sx_format_spec *spec, struct sx_arena *arena, void **plan,
                           streamd_error **error)
{
    return sx_format_bind_one("string", 1u << SX_STRING, spec, arena, plan, error);
}

static void decode(const void *plan, const struct sx_slice *bytes, uint32_t count, bool padded,
                   const uint64_t *wanted, struct sx_column *columns, struct sx_arena *arena,
                   struct sx_format_failures *failures)
{
    struct sx_column *column = sx_format_column(plan, wanted, columns, count, arena);

    for (uint32_t i = 0; i < count; i++) {
        if (bytes[i].data != NULL && !sx_utf8_valid(bytes[i]))
            sx_format_failed(failures, i, "decode", "%s: not valid UTF-8: %s", sx_format_name(plan),
                             sx_format_quote(arena, bytes[i]));
        else if (column != NULL && bytes[i].data != NULL)
            column->s[i] = bytes[i];
        else if (column != NULL)
            sx_format_set_null(column, i, count, arena);
    }
}

static bool encode(const void *plan, const struct sx_column *const *columns, uint32_t row,
                   struct sx_buffer *to, struct sx_arena *arena, const char **message)
{
    if (!sx_format_not_null(plan, columns, row, "string", arena, message))
        return false;
    sx_buffer_add_slice(to, columns[0]->s[row]);
    return true;
}

static bool to_json(const void *plan, struct sx_slice bytes, struct sx_buffer *json, const char **message,
                    struct sx_arena *arena)
{
    return sx_format_to_string(bytes, json, message, arena);
}

static bool from_json(const void *plan, struct sx_slice json, struct sx_buffer *bytes, const char **message,
                      struct sx_arena *arena)
{
    return sx_format_from_string(json, bytes, message, arena);
}

const struct sx_format_def sx_format_string = {
    .name = "string",
    .summary = "UTF-8 text, as Kafka's string serializer writes it.",
    .example = "key string",
    .example_bytes = "Zoë",
    .example_row = "\"Zoë\"",
    .type = &sx_type_string,
    .bind = bind,
    .decode = decode,
    .encode = encode,
    .to_json = to_json,
    .from_json = from_json,
};
