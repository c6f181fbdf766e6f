/* cast_json.c: from json: a value is read as a field of that type would be, and beyond that as a cast of the
 * string or number that stands there would read it. To json: the text that a sink would write. */
#include "engine/expr/cast_json.h"

#include "engine/base/text.h"
#include "engine/data/format.h"
#include "engine/data/json.h"
#include "engine/expr/expr.h"

#define SHOWN_MAX 64 /* bytes of a text that a message repeats */

bool sx_json_cast_exists(const struct sx_type *to)
{
    if (to->kind == SX_ARRAY || to->kind == SX_MAP)
        return sx_json_cast_exists(to->element);
    for (uint32_t i = 0; i < to->field_count; i++)
        if (!sx_json_cast_exists(to->fields[i].type))
            return false;
    return to->kind == SX_STRUCT || to->kind == SX_JSON || sx_cast_exists(&sx_type_string, to);
}

static bool refuse(struct sx_slice json, const struct sx_type *to, struct sx_arena *arena,
                   const char **message)
{
    static const char *const what[] = {"", "", "the number ", "the string ", "the array ", "the object "};
    uint32_t shown = SX_MIN(json.size, SHOWN_MAX);

    while (shown < json.size && shown > 0 && ((unsigned char)json.data[shown] & 0xc0) == 0x80)
        shown--;
    *message = sx_arena_format(arena, "cannot cast %s%.*s%s to %s", what[sx_json_kind(json)], (int)shown,
                               json.data, shown < json.size ? "..." : "", sx_type_text(to, arena));
    return false;
}

/* ---- Scalars --------------------------------------------------------------------------------- */

/* Bytes are base64 in JSON; the other types have the text that a cast of a string reads. */
static bool from_string(struct sx_slice json, const struct sx_type *to, struct sx_arena *arena,
                        struct sx_value *out, const char **message)
{
    struct sx_slice text = sx_json_string(json, arena);
    struct sx_buffer bytes = {0};
    bool right;

    if (to->kind != SX_BYTES)
        return sx_value_cast(sx_value_string(text), &sx_type_string, to, arena, out, message);
    right = sx_read_base64(&bytes, text);
    if (right)
        *out = sx_value_bytes(sx_arena_copy(arena, sx_buffer_slice(&bytes)));
    sx_buffer_free(&bytes);
    return right || refuse(json, to, arena, message);
}

static bool from_number(struct sx_slice json, const struct sx_type *to, struct sx_arena *arena,
                        struct sx_value *out, const char **message)
{
    struct sx_value number;
    const bool whole = sx_read_int(json, &number.i);

    switch (to->kind) {
    case SX_DATE:
    case SX_TIME:
    case SX_BYTES:
        return refuse(json, to, arena, message);
    case SX_BOOL:
    case SX_INT:
    case SX_TIMESTAMP:
    case SX_DURATION:
        number = sx_value_int(number.i);
        if (whole)
            return sx_value_cast(number, &sx_type_int, to, arena, out, message);
        if (to->kind != SX_INT || !sx_read_double(json, &number.d))
            return refuse(json, to, arena, message);
        return sx_value_cast(sx_value_double(number.d), &sx_type_double, to, arena, out, message);
    default: /* double and what else reads the digits */
        return sx_value_cast(sx_value_string(json), &sx_type_string, to, arena, out, message);
    }
}

static bool from_bool(struct sx_slice json, const struct sx_type *to, struct sx_arena *arena,
                      struct sx_value *out, const char **message)
{
    if (to->kind != SX_BOOL && to->kind != SX_INT)
        return refuse(json, to, arena, message);
    return sx_value_cast(sx_value_bool(*json.data == 't'), &sx_type_bool, to, arena, out, message);
}

/* ---- What is nested -------------------------------------------------------------------------- */

static bool from_part(struct sx_slice json, const struct sx_type *to, struct sx_arena *arena,
                      struct sx_value *out, const char **message)
{
    return sx_value_cast(sx_value_json(json), &sx_type_json, to, arena, out, message);
}

static bool from_object(struct sx_slice json, const struct sx_type *to, struct sx_arena *arena,
                        struct sx_value *out, const char **message)
{
    struct sx_value *items = sx_arena_alloc(arena, sizeof(*items) * (to->field_count + 1));

    for (uint32_t i = 0; i < to->field_count; i++)
        if (!from_part(sx_json_field(json, sx_slice_of(to->fields[i].name)), to->fields[i].type, arena,
                       &items[i], message))
            return false;
    *out = (struct sx_value){.items = items, .size = to->field_count, .kind = SX_STRUCT};
    return true;
}

/* An array, or a map, whose pairs have names before their values. */
static bool from_parts(struct sx_slice json, const struct sx_type *to, struct sx_arena *arena,
                       struct sx_value *out, const char **message)
{
    struct sx_json_parts count = sx_json_parts(json), parts = count;
    const uint32_t step = to->kind == SX_MAP ? 2 : 1;
    struct sx_slice name, value;
    struct sx_value *items;
    uint32_t n = 0;

    while (sx_json_next(&count, &name, &value))
        n++;
    items = sx_arena_alloc(arena, sizeof(*items) * ((size_t)n * step + 1));
    for (n = 0; sx_json_next(&parts, &name, &value); n++) {
        if (step == 2)
            items[2 * n] = sx_value_string(sx_json_string(sx_slice(name.data - 1, name.size + 2), arena));
        if (!from_part(value, to->element, arena, &items[step * n + step - 1], message))
            return false;
    }
    if (step == 2)
        n = sx_value_sort_map(items, n);
    *out = (struct sx_value){.items = items, .size = n, .kind = (uint8_t)to->kind};
    return true;
}

bool sx_json_to_value(struct sx_slice json, const struct sx_type *to, struct sx_arena *arena,
                      struct sx_value *out, const char **message)
{
    const enum sx_json_kind kind = sx_json_kind(json);

    if (to->kind == SX_STRING) {
        *out = sx_value_string(kind == SX_JSON_IS_STRING ? sx_json_string(json, arena) : json);
        return true;
    }
    if (to->kind == SX_STRUCT && kind == SX_JSON_IS_OBJECT)
        return from_object(json, to, arena, out, message);
    if ((to->kind == SX_MAP && kind == SX_JSON_IS_OBJECT) ||
        (to->kind == SX_ARRAY && kind == SX_JSON_IS_ARRAY))
        return from_parts(json, to, arena, out, message);
    if (to->kind >= SX_ARRAY || kind >= SX_JSON_IS_ARRAY)
        return refuse(json, to, arena, message);
    return kind == SX_JSON_IS_STRING   ? from_string(json, to, arena, out, message)
           : kind == SX_JSON_IS_NUMBER ? from_number(json, to, arena, out, message)
                                       : from_bool(json, to, arena, out, message);
}

/* ---- To json --------------------------------------------------------------------------------- */

bool sx_value_to_json(struct sx_value value, const struct sx_type *type, struct sx_arena *arena,
                      struct sx_value *out, const char **message)
{
    struct sx_buffer text = {0};

    sx_json_write_value(&text, value, type);
    *out = sx_value_json(sx_arena_copy(arena, sx_buffer_slice(&text)));
    sx_buffer_free(&text);
    if (!sx_type_holds(type, SX_JSON) || sx_json_depth(sx_value_slice(*out)) <= SX_JSON_DEPTH)
        return true;
    *message = sx_arena_format(arena, "the json is nested deeper than %d", SX_JSON_DEPTH);
    return false;
}
