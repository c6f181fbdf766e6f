/* none.c: the format `none`: a key that is not there, whatever the bytes. */
#include "engine/format/common.h"

static streamd_status bind(const struct sx_format_spec *spec, struct sx_arena *arena, void **plan,
                           streamd_error **error)
{
    return sx_format_bind_one("none", UINT32_MAX, spec, arena, plan, error);
}

static void decode(const void *plan, const struct sx_slice *bytes, uint32_t count, bool padded,
                   const uint64_t *wanted, struct sx_column *columns, struct sx_arena *arena,
                   struct sx_format_failures *failures)
{
    struct sx_column *column = sx_format_column(plan, wanted, columns, count, arena);

    for (uint32_t i = 0; column != NULL && i < count; i++)
        sx_format_set_null(column, i, count, arena);
}

static bool encode(const void *plan, const struct sx_column *const *columns, uint32_t row,
                   struct sx_buffer *to, struct sx_arena *arena, const char **message)
{
    return true;
}

static bool to_json(const void *plan, struct sx_slice bytes, struct sx_buffer *json, const char **message,
                    struct sx_arena *arena)
{
    sx_buffer_add(json, "null", 4);
    return true;
}

static bool from_json(const void *plan, struct sx_slice json, struct sx_buffer *bytes, const char **message,
                      struct sx_arena *arena)
{
    if (sx_slice_equal(json, SX_SLICE("null")))
        return true;
    *message = sx_arena_format(arena, "expected null, as the format is `none`, got %s",
                               sx_format_quote(arena, json));
    return false;
}

const struct sx_format_def sx_format_none = {
    .name = "none",
    .summary = "Nothing: for topics without keys.",
    .example = "key none",
    .example_bytes = "anything",
    .example_row = "null",
    .type = &sx_type_null,
    .bind = bind,
    .decode = decode,
    .encode = encode,
    .to_json = to_json,
    .from_json = from_json,
};
