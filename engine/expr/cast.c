/* cast.c: from one type to another. */
#include "engine/base/text.h"
#include "engine/expr/cast_json.h"
#include "engine/expr/decimals.h"

#include <strings.h>

#define DAY_MS INT64_C(86400000)
#define SHOWN_MAX 64 /* bytes of a text that a message repeats */

static bool has_text(enum sx_kind kind)
{
    return kind == SX_BOOL || kind == SX_DOUBLE || kind == SX_STRING || kind == SX_BYTES ||
           sx_kind_is_int64(kind);
}

static bool scalar_exists(enum sx_kind from, enum sx_kind to)
{
    if (from == SX_DECIMAL || to == SX_DECIMAL)
        return sx_decimal_cast_exists(from == SX_DECIMAL ? to : from);
    if (from == to)
        return has_text(from);
    if (from == SX_STRING || to == SX_STRING)
        return has_text(from) && has_text(to);
    switch (from) {
    case SX_INT:
        return to == SX_DOUBLE || to == SX_TIMESTAMP || to == SX_DURATION || to == SX_BOOL;
    case SX_DOUBLE:
    case SX_DURATION:
    case SX_BOOL:
        return to == SX_INT;
    case SX_TIMESTAMP:
        return to == SX_INT || to == SX_DATE || to == SX_TIME;
    case SX_DATE:
        return to == SX_TIMESTAMP;
    default:
        return false;
    }
}

bool sx_cast_exists(const struct sx_type *from, const struct sx_type *to)
{
    if (from->kind == SX_NULL || to->kind == SX_JSON || sx_type_equal(from, to))
        return true;
    if (from->kind == SX_JSON)
        return sx_json_cast_exists(to);
    if (from->kind == SX_STRUCT && to->kind == SX_STRUCT) {
        for (uint32_t i = 0; i < to->field_count; i++) {
            int field = sx_type_field(from, sx_slice_of(to->fields[i].name));

            if (field < 0 || !sx_cast_exists(from->fields[field].type, to->fields[i].type))
                return false;
        }
        return true;
    }
    if (from->kind == to->kind && (from->kind == SX_ARRAY || from->kind == SX_MAP))
        return sx_cast_exists(from->element, to->element);
    return scalar_exists(from->kind, to->kind);
}

/* ---- Text ------------------------------------------------------------------------------------ */

static struct sx_value text_of(struct sx_value v, struct sx_arena *arena)
{
    char *number = sx_arena_alloc(arena, SX_NUMBER_BYTES);
    struct sx_buffer text = {0};
    struct sx_slice copy;

    switch ((enum sx_kind)v.kind) {
    case SX_BOOL:
        return sx_value_string(v.b ? SX_SLICE("true") : SX_SLICE("false"));
    case SX_INT:
        return sx_value_string(sx_slice(number, sx_write_int(number, v.i)));
    case SX_DOUBLE:
        return sx_value_string(sx_slice(number, sx_write_double(number, v.d)));
    case SX_TIMESTAMP:
        sx_add_timestamp(&text, v.i);
        break;
    case SX_DATE:
        sx_add_date(&text, v.i);
        break;
    case SX_TIME:
        sx_add_time(&text, v.i);
        break;
    default:
        sx_add_duration(&text, v.i);
        break;
    }
    copy = sx_arena_copy(arena, sx_buffer_slice(&text));
    sx_buffer_free(&text);
    return sx_value_string(copy);
}

static bool read_bool(struct sx_slice text, bool *value)
{
    *value = text.size == 4 && strncasecmp(text.data, "true", 4) == 0;
    return *value || (text.size == 5 && strncasecmp(text.data, "false", 5) == 0);
}

/* False: it is not such a text. */
static bool from_text(struct sx_slice text, enum sx_kind to, struct sx_value *out)
{
    out->kind = (uint8_t)to;
    switch (to) {
    case SX_BOOL:
        return read_bool(text, &out->b);
    case SX_INT:
        return sx_read_int(text, &out->i);
    case SX_DOUBLE:
        return sx_read_double(text, &out->d);
    case SX_TIMESTAMP:
        return sx_read_timestamp(text, &out->i);
    case SX_DATE:
        return sx_read_date(text, &out->i);
    case SX_TIME:
        return sx_read_time(text, &out->i);
    case SX_DURATION:
        return sx_read_duration(text, &out->i);
    default:
        *out = sx_value_bytes(text);
        return true;
    }
}

const char *sx_cast_refused(struct sx_slice text, const struct sx_type *to, struct sx_arena *arena)
{
    uint32_t shown = SX_MIN(text.size, SHOWN_MAX);

    while (shown < text.size && shown > 0 && ((unsigned char)text.data[shown] & 0xc0) == 0x80)
        shown--;
    return sx_arena_format(arena, "cannot cast \"%.*s%s\" to %s", (int)shown, shown ? text.data : "",
                           shown < text.size ? "..." : "", sx_type_text(to, arena));
}

static bool cast_text(struct sx_slice text, const struct sx_type *to, struct sx_arena *arena,
                      struct sx_value *out, const char **message)
{
    if (from_text(text, to->kind, out))
        return true;
    *message = sx_cast_refused(text, to, arena);
    return false;
}

/* ---- Numbers and times ----------------------------------------------------------------------- */

static bool to_int(struct sx_value v, struct sx_arena *arena, struct sx_value *out, const char **message)
{
    char number[SX_NUMBER_BYTES];

    if (v.kind == SX_BOOL)
        *out = sx_value_int(v.b);
    else if (v.kind != SX_DOUBLE)
        *out = sx_value_int(v.i);
    else if (v.d >= -0x1p63 && v.d < 0x1p63)
        *out = sx_value_int((int64_t)v.d);
    else {
        *message = sx_arena_format(arena, "cannot cast %.*s to int: it is out of range",
                                   (int)sx_write_double(number, v.d), number);
        return false;
    }
    return true;
}

static bool cast_scalar(struct sx_value v, const struct sx_type *to, struct sx_arena *arena,
                        struct sx_value *out, const char **message)
{
    int64_t day = v.kind == SX_TIMESTAMP ? v.i / DAY_MS - (v.i % DAY_MS < 0) : 0;

    switch (to->kind) {
    case SX_INT:
        return to_int(v, arena, out, message);
    case SX_DOUBLE:
        *out = sx_value_double((double)v.i);
        return true;
    case SX_BOOL:
        *out = sx_value_bool(v.i != 0);
        return true;
    case SX_DATE:
        *out = sx_value_int64(SX_DATE, day);
        return true;
    case SX_TIME:
        *out = sx_value_int64(SX_TIME, v.i - day * DAY_MS);
        return true;
    case SX_TIMESTAMP:
        if (v.kind == SX_DATE && __builtin_mul_overflow(v.i, DAY_MS, &v.i)) {
            *message = "cannot cast the date to timestamp: it is out of range";
            return false;
        }
        break;
    default:
        break;
    }
    *out = sx_value_int64(to->kind, v.i);
    return true;
}

/* ---- Nested ---------------------------------------------------------------------------------- */

static bool cast_items(struct sx_value v, const struct sx_type *from, const struct sx_type *to,
                       struct sx_arena *arena, struct sx_value *out, const char **message)
{
    const uint32_t step = to->kind == SX_MAP ? 2 : 1, count = v.size * step;
    struct sx_value *items = sx_arena_alloc(arena, sizeof(*items) * ((size_t)count + 1));

    for (uint32_t i = 0; i < count; i += step) {
        if (step == 2)
            items[i] = v.items[i];
        if (!sx_value_cast(v.items[i + step - 1], from->element, to->element, arena, &items[i + step - 1],
                           message))
            return false;
    }
    *out = (struct sx_value){.items = items, .size = v.size, .kind = v.kind};
    return true;
}

static bool cast_struct(struct sx_value v, const struct sx_type *from, const struct sx_type *to,
                        struct sx_arena *arena, struct sx_value *out, const char **message)
{
    struct sx_value *items = sx_arena_alloc(arena, sizeof(*items) * (to->field_count + 1));

    for (uint32_t i = 0; i < to->field_count; i++) {
        int field = sx_type_field(from, sx_slice_of(to->fields[i].name));

        items[i] = SX_VALUE_NULL;
        if (field >= 0 && !sx_value_cast(v.items[field], from->fields[field].type, to->fields[i].type, arena,
                                         &items[i], message))
            return false;
    }
    *out = (struct sx_value){.items = items, .size = to->field_count, .kind = SX_STRUCT};
    return true;
}

bool sx_value_cast(struct sx_value value, const struct sx_type *from, const struct sx_type *to,
                   struct sx_arena *arena, struct sx_value *out, const char **message)
{
    *out = value;
    if (value.kind == SX_NULL || from == to)
        return true;
    if (to->kind == SX_STRUCT && value.kind == SX_STRUCT)
        return sx_type_equal(from, to) || cast_struct(value, from, to, arena, out, message);
    if ((to->kind == SX_ARRAY || to->kind == SX_MAP) && value.kind == to->kind)
        return sx_type_equal(from, to) || cast_items(value, from, to, arena, out, message);
    if (value.kind == to->kind && value.kind != SX_DECIMAL)
        return true;
    if (value.kind == SX_JSON)
        return sx_json_to_value(sx_value_slice(value), to, arena, out, message);
    if (to->kind == SX_JSON)
        return sx_value_to_json(value, from, arena, out, message);
    if (!scalar_exists((enum sx_kind)value.kind, to->kind)) {
        *message = sx_arena_format(arena, "cannot cast %s to %s", sx_type_text(from, arena),
                                   sx_type_text(to, arena));
        return false;
    }
    if (value.kind == SX_DECIMAL)
        return sx_cast_from_decimal(value, from, to, arena, out, message);
    if (to->kind == SX_DECIMAL)
        return sx_cast_to_decimal(value, to, arena, out, message);
    if (value.kind == SX_STRING)
        return cast_text(sx_value_slice(value), to, arena, out, message);
    if (to->kind != SX_STRING)
        return cast_scalar(value, to, arena, out, message);
    if (value.kind != SX_BYTES) {
        *out = text_of(value, arena);
        return true;
    }
    *message = "cannot cast the bytes to string: they are not valid UTF-8";
    out->kind = SX_STRING;
    return sx_utf8_valid(sx_value_slice(value));
}
