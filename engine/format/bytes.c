/* bytes.c: the format `bytes`: a record's bytes as they are; base64 in JSON. */
#include "engine/base/text.h"
#include "engine/format/common.h"

static streamd_status bind(const struct sx_format_spec *spec, struct sx_arena *arena, void **plan,
                           streamd_error **error)
{
    return sx_format_bind_one("bytes", 1u << SX_BYTES, spec, arena, plan, error);
}

static void decode(const void *plan, const struct sx_slice *bytes, uint32_t count, bool padded,
                   const uint64_t *wanted, struct sx_column *columns, struct sx_arena *arena,
                   struct sx_format_failures *failures)
{
    struct sx_column *column = sx_format_column(plan, wanted, columns, count, arena);

    for (uint32_t i = 0; column != NULL && i < count; i++) {
        if (bytes[i].data != NULL)
            column->s[i] = bytes[i];
        else
            sx_format_set_null(column, i, count, arena);
    }
}

static bool encode(const void *plan, const struct sx_column *const *columns, uint32_t row,
                   struct sx_buffer *to, struct sx_arena *arena, const char **message)
{
    if (!sx_format_not_null(plan, columns, row, "bytes", arena, message))
        return false;
    sx_buffer_add_slice(to, columns[0]->s[row]);
    return true;
}

static bool to_json(const void *plan, struct sx_slice bytes, struct sx_buffer *json, const char **message,
                    struct sx_arena *arena)
{
    sx_buffer_add_byte(json, '"');
    sx_add_base64(json, bytes);
    sx_buffer_add_byte(json, '"');
    return true;
}

static bool from_json(const void *plan, struct sx_slice json, struct sx_buffer *bytes, const char **message,
                      struct sx_arena *arena)
{
    struct sx_buffer text = {0};
    bool ok = sx_format_from_string(json, &text, message, arena);

    if (ok && !sx_read_base64(bytes, sx_buffer_slice(&text))) {
        *message =
            sx_arena_format(arena, "expected base64, got %s", sx_format_quote(arena, sx_buffer_slice(&text)));
        ok = false;
    }
    sx_buffer_free(&text);
    return ok;
}

const struct sx_format_def sx_format_bytes = {
    .name = "bytes",
    .summary = "The bytes as they are; in JSON they are base64.",
    .example = "value bytes",
    .example_bytes = "0x0001",
    .example_row = "{\"value\":\"AAE=\"}",
    .type = &sx_type_bytes,
    .bind = bind,
    .decode = decode,
    .encode = encode,
    .to_json = to_json,
    .from_json = from_json,
};
