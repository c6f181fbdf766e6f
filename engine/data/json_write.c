/* json_write.c: values to JSON text. */
#include "engine/base/text.h"
#include "engine/data/decimal.h"
#include "engine/data/format.h"

#include <math.h>

static void write_int(struct sx_buffer *to, int64_t value)
{
    to->size += sx_write_int(sx_buffer_room(to, SX_NUMBER_BYTES), value);
}

/* The language has no infinity and no NaN; should one come all the same, null is what JavaScript
 * writes for it. */
static void write_double(struct sx_buffer *to, double value)
{
    if (SX_LIKELY(isfinite(value)))
        to->size += sx_write_double(sx_buffer_room(to, SX_NUMBER_BYTES), value);
    else
        sx_buffer_add(to, "null", 4);
}

static void write_int64(struct sx_buffer *to, int64_t value, enum sx_kind kind)
{
    if (kind != SX_DATE && kind != SX_TIME) {
        write_int(to, value);
        return;
    }
    sx_buffer_add_byte(to, '"');
    if (kind == SX_DATE)
        sx_add_date(to, value);
    else
        sx_add_time(to, value);
    sx_buffer_add_byte(to, '"');
}

static void write_base64(struct sx_buffer *to, struct sx_slice bytes)
{
    sx_buffer_add_byte(to, '"');
    sx_add_base64(to, bytes);
    sx_buffer_add_byte(to, '"');
}

static void write_items(struct sx_buffer *to, struct sx_value value, const struct sx_type *type)
{
    bool array = type->kind == SX_ARRAY;

    sx_buffer_add_byte(to, array ? '[' : '{');
    for (uint32_t i = 0; i < value.size; i++) {
        const struct sx_value *item = type->kind == SX_MAP ? &value.items[i * 2 + 1] : &value.items[i];

        if (i > 0)
            sx_buffer_add_byte(to, ',');
        if (!array) {
            sx_json_write_string(to, type->kind == SX_MAP ? sx_value_slice(value.items[i * 2])
                                                          : sx_slice_of(type->fields[i].name));
            sx_buffer_add_byte(to, ':');
        }
        sx_json_write_value(to, *item, type->kind == SX_STRUCT ? type->fields[i].type : type->element);
    }
    sx_buffer_add_byte(to, array ? ']' : '}');
}

void sx_json_write_value(struct sx_buffer *to, struct sx_value value, const struct sx_type *type)
{
    switch ((enum sx_kind)value.kind) {
    case SX_NULL:
        sx_buffer_add(to, "null", 4);
        break;
    case SX_BOOL:
        sx_buffer_add_text(to, value.b ? "true" : "false");
        break;
    case SX_DOUBLE:
        write_double(to, value.d);
        break;
    case SX_DECIMAL:
        to->size += sx_decimal_write(sx_buffer_room(to, SX_DECIMAL_BYTES), *value.decimal, type->scale);
        break;
    case SX_STRING:
        sx_json_write_string(to, sx_value_slice(value));
        break;
    case SX_BYTES:
        write_base64(to, sx_value_slice(value));
        break;
    case SX_JSON:
        sx_buffer_add_slice(to, sx_value_slice(value));
        break;
    case SX_ARRAY:
    case SX_MAP:
    case SX_STRUCT:
        write_items(to, value, type);
        break;
    default:
        write_int64(to, value.i, value.kind);
    }
}
