/* json.c: the format `json`: the fields of an object, or one value of any type. */
#include "engine/format/json_plan.h"
#include "engine/format/json_text.h"

/* The JSON form of JSON is itself, without white space: order, names that nobody declared and the
 * digits of numbers stay. */
static bool compact(struct sx_slice from, struct sx_buffer *to, const char **message, struct sx_arena *arena)
{
    struct sx_json_error error;

    if (sx_json_compact(from, to, &error))
        return true;
    *message = sx_arena_format(arena, "not valid JSON: %s (byte %zu)", error.what, error.at);
    return false;
}

static bool to_json(const void *plan, struct sx_slice bytes, struct sx_buffer *json, const char **message,
                    struct sx_arena *arena)
{
    return compact(bytes, json, message, arena);
}

static bool from_json(const void *plan, struct sx_slice json, struct sx_buffer *bytes, const char **message,
                      struct sx_arena *arena)
{
    return compact(json, bytes, message, arena);
}

const struct sx_format_def sx_format_json = {
    .name = "json",
    .summary = "The fields of a JSON object, or one JSON value of any type.",
    .example = "value json { id string not null, price double from \"offer.price\", tags array<string> }",
    .example_bytes = "{\"id\":\"a1\",\"offer\":{\"price\":2.5},\"seen\":true}",
    .example_row = "{\"id\":\"a1\",\"price\":2.5,\"tags\":null}",
    .takes_fields = true,
    .bind = sx_json_bind,
    .decode = sx_json_decode,
    .encode = sx_json_encode,
    .to_json = to_json,
    .from_json = from_json,
};
