/* json_write.c: columns and values to JSON text. */
#include "engine/base/text.h"
#include "engine/format/json_plan.h"

#include <math.h>

/* ---- Strings --------------------------------------------------------------------------------- */

/* Is one of the eight bytes a control character, a quote or a backslash? */
static inline uint64_t needs_escape(uint64_t word)
{
    const uint64_t ones = 0x0101010101010101ull, highs = 0x8080808080808080ull;
    uint64_t quote = word ^ (ones * '"'), slash = word ^ (ones * '\\');

    return ((word - ones * 0x20) | (quote - ones) | (slash - ones)) & ~word & highs;
}

/* Bytes from `at` that can stay as they are. */
static uint32_t plain_bytes(const char *at, uint32_t size)
{
    uint32_t i = 0;
    uint64_t word;

    for (; size - i >= 8; i += 8) {
        memcpy(&word, at + i, 8);
        if (needs_escape(word))
            break;
    }
    while (i < size && (unsigned char)at[i] >= 0x20 && at[i] != '"' && at[i] != '\\')
        i++;
    return i;
}

static void write_escape(struct sx_buffer *to, unsigned char c)
{
    static const char letters[0x20] = {['\b'] = 'b', ['\f'] = 'f', ['\n'] = 'n', ['\r'] = 'r', ['\t'] = 't'};
    static const char hex[] = "0123456789abcdef";

    if (c >= 0x20 || letters[c] != 0) {
        char two[2] = {'\\', c >= 0x20 ? (char)c : letters[c]};

        sx_buffer_add(to, two, 2);
    } else {
        char six[6] = {'\\', 'u', '0', '0', hex[c >> 4], hex[c & 15]};

        sx_buffer_add(to, six, 6);
    }
}

void sx_json_write_string(struct sx_buffer *to, struct sx_slice text)
{
    uint32_t i = 0;

    sx_buffer_room(to, (size_t)text.size + 2);
    to->data[to->size++] = '"';
    for (;;) {
        uint32_t plain = plain_bytes(text.data + i, text.size - i);

        sx_buffer_add(to, text.data + i, plain);
        i += plain;
        if (i == text.size)
            break;
        write_escape(to, (unsigned char)text.data[i++]);
    }
    sx_buffer_add_byte(to, '"');
}

/* ---- Values ---------------------------------------------------------------------------------- */

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
    case SX_DECIMAL: /* binding refuses it */
        sx_buffer_add(to, "null", 4);
        break;
    case SX_BOOL:
        sx_buffer_add_text(to, value.b ? "true" : "false");
        break;
    case SX_DOUBLE:
        write_double(to, value.d);
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

/* One cell, without boxing what is frequent. False: it is not finite. */
static bool write_cell(struct sx_buffer *to, const struct sx_column *column, uint32_t row,
                       const struct sx_type *type)
{
    if (sx_column_is_null(column, row)) {
        sx_buffer_add(to, "null", 4);
        return true;
    }
    if (type->kind == SX_STRING)
        sx_json_write_string(to, column->s[row]);
    else if (sx_kind_is_int64(type->kind))
        write_int64(to, column->i[row], type->kind);
    else if (type->kind == SX_DOUBLE && !isfinite(column->d[row]))
        return false;
    else
        sx_json_write_value(to, sx_column_get(column, row), type);
    return true;
}

bool sx_json_encode(const void *p, const struct sx_column *const *columns, uint32_t row, struct sx_buffer *to,
                    struct sx_arena *arena, const char **message)
{
    const struct sx_json_plan *plan = p;

    if (plan->whole) {
        if (plan->field_count && !write_cell(to, columns[0], row, plan->fields[0].type)) {
            *message = sx_arena_format(arena, "%s: it is not a finite number", plan->fields[0].name);
            return false;
        }
        return true;
    }
    for (uint32_t i = 0; i < plan->step_count; i++) {
        const struct sx_json_step *step = &plan->steps[i];
        const struct sx_json_field *field = &plan->fields[step->field];

        sx_buffer_add_slice(to, step->before);
        if (!write_cell(to, columns[step->field], row, field->type)) {
            *message = sx_arena_format(arena, "%s: it is not a finite number", field->name);
            return false;
        }
    }
    sx_buffer_add_slice(to, plan->tail);
    return true;
}
