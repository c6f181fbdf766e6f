/* key.c: the key form: bytes that sort as the values do. See row.h for the bytes. */
#include "engine/data/json.h"
#include "engine/data/key_text.h"
#include "engine/data/row.h"

#include "engine/data/decimal.h"

enum { TAG_NULL = 1, TAG_VALUE = 2, TAG_ITEM = 3, END = 0 };

static void add_be64(struct sx_buffer *to, uint64_t bits)
{
    sx_put_be64(sx_buffer_room(to, 8), bits);
    to->size += 8;
}

void sx_key_add_text(struct sx_buffer *to, struct sx_slice text)
{
    char *at = sx_buffer_room(to, (size_t)text.size * 2 + 2);

    if (text.size > 0 && memchr(text.data, 0, text.size) == NULL) {
        memcpy(at, text.data, text.size);
        at += text.size;
    } else {
        for (uint32_t i = 0; i < text.size; i++) {
            *at++ = text.data[i];
            if (text.data[i] == 0)
                *at++ = (char)0xff;
        }
    }
    *at++ = 0;
    *at++ = 0;
    to->size = (size_t)(at - to->data);
}

static uint64_t double_bits(double d)
{
    uint64_t bits;

    d = d == 0 ? 0 : d != d ? __builtin_nan("") : d; /* -0 is found as 0; every NaN comes last */
    memcpy(&bits, &d, 8);
    return bits >> 63 ? ~bits : bits | 1ull << 63;
}

static void write_value(struct sx_buffer *to, struct sx_value v)
{
    unsigned __int128 decimal;

    if (v.kind == SX_NULL) {
        sx_buffer_add_byte(to, TAG_NULL);
        return;
    }
    sx_buffer_add_byte(to, TAG_VALUE);
    switch ((enum sx_kind)v.kind) {
    case SX_BOOL:
        sx_buffer_add_byte(to, (char)v.b);
        return;
    case SX_DOUBLE:
        add_be64(to, double_bits(v.d));
        return;
    case SX_DECIMAL:
        decimal = (unsigned __int128)*v.decimal ^ (unsigned __int128)1 << 127;
        add_be64(to, (uint64_t)(decimal >> 64));
        add_be64(to, (uint64_t)decimal);
        return;
    case SX_STRING:
    case SX_BYTES:
        sx_key_add_text(to, sx_value_slice(v));
        return;
    case SX_JSON:
        sx_json_write_key(to, sx_value_slice(v));
        return;
    case SX_ARRAY:
    case SX_MAP:
        for (uint32_t i = 0; i < v.size; i++) {
            sx_buffer_add_byte(to, TAG_ITEM);
            if (v.kind == SX_MAP)
                write_value(to, v.items[i * 2]);
            write_value(to, v.items[v.kind == SX_MAP ? i * 2 + 1 : i]);
        }
        sx_buffer_add_byte(to, END);
        return;
    case SX_STRUCT:
        for (uint32_t i = 0; i < v.size; i++)
            write_value(to, v.items[i]);
        return;
    default:
        add_be64(to, (uint64_t)v.i ^ 1ull << 63);
    }
}

void sx_key_write_values(struct sx_buffer *to, const struct sx_value *values, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        write_value(to, values[i]);
}

void sx_key_write(struct sx_buffer *to, const struct sx_batch *batch, const uint16_t *fields, uint32_t count,
                  uint32_t row)
{
    for (uint32_t i = 0; i < count; i++)
        write_value(to, sx_column_get(&batch->columns[fields[i]], row));
}

/* ---- Reading --------------------------------------------------------------------------------- */

static bool read_be64(const char **at, const char *end, uint64_t *bits)
{
    if (end - *at < 8)
        return false;
    *bits = sx_get_be64(*at);
    *at += 8;
    return true;
}

bool sx_key_read_text(const char **at, const char *end, struct sx_slice *text, struct sx_arena *arena)
{
    const char *from = *at, *p;
    uint32_t zeros = 0;
    char *copy, *to;

    for (p = from;; p += 2, zeros++) {
        p = p < end ? memchr(p, 0, (size_t)(end - p)) : NULL;
        if (p == NULL || end - p < 2)
            return false;
        if (p[1] == 0)
            break;
        if ((unsigned char)p[1] != 0xff)
            return false;
    }
    *at = p + 2;
    *text = sx_slice(from, (size_t)(p - from));
    if (zeros == 0)
        return true;
    to = copy = sx_arena_alloc(arena, text->size);
    for (const char *c = from; c < p; c++) {
        *to++ = *c;
        c += *c == 0;
    }
    *text = sx_slice(copy, (size_t)(to - copy));
    return true;
}

static bool read_value(const char **at, const char *end, const struct sx_type *type, struct sx_value *v,
                       struct sx_arena *arena);

/* Items until END; of a map pairs. */
static bool read_items(const char **at, const char *end, const struct sx_type *type, struct sx_value *v,
                       struct sx_arena *arena)
{
    uint32_t width = type->kind == SX_MAP ? 2 : 1, room = 4;
    struct sx_value *items = sx_arena_alloc(arena, room * width * sizeof(*items));

    for (v->size = 0;; v->size++) {
        if (*at == end)
            return false;
        if (*(*at)++ == END)
            break;
        if ((*at)[-1] != TAG_ITEM)
            return false;
        if (v->size == room) {
            struct sx_value *bigger = sx_arena_alloc(arena, room * 2 * width * sizeof(*bigger));

            memcpy(bigger, items, sizeof(*items) * room * width);
            items = bigger;
            room *= 2;
        }
        if ((width == 2 && !read_value(at, end, &sx_type_string, &items[v->size * 2], arena)) ||
            !read_value(at, end, type->element, &items[v->size * width + width - 1], arena))
            return false;
    }
    v->items = items;
    return true;
}

static bool read_value(const char **at, const char *end, const struct sx_type *type, struct sx_value *v,
                       struct sx_arena *arena)
{
    struct sx_slice text;
    struct sx_value *items;
    unsigned __int128 decimal;
    uint64_t bits, low;

    if (*at == end)
        return false;
    *v = SX_VALUE_NULL;
    if (*(*at)++ == TAG_NULL)
        return true;
    if ((*at)[-1] != TAG_VALUE)
        return false;
    v->kind = (uint8_t)type->kind;
    switch (type->kind) {
    case SX_NULL:
        return false;
    case SX_BOOL:
        if (*at == end || (unsigned char)**at > 1)
            return false;
        v->b = *(*at)++;
        return true;
    case SX_DOUBLE:
        if (!read_be64(at, end, &bits))
            return false;
        bits = bits >> 63 ? bits ^ 1ull << 63 : ~bits;
        memcpy(&v->d, &bits, 8);
        return true;
    case SX_DECIMAL:
        if (!read_be64(at, end, &bits) || !read_be64(at, end, &low))
            return false;
        decimal = ((unsigned __int128)bits << 64 | low) ^ (unsigned __int128)1 << 127;
        *v = sx_value_decimal(arena, (__int128)decimal);
        return sx_decimal_fits(*v->decimal, SX_DECIMAL_DIGITS);
    case SX_STRING:
    case SX_BYTES:
    case SX_JSON:
        if (!(type->kind == SX_JSON ? sx_json_read_key : sx_key_read_text)(at, end, &text, arena))
            return false;
        v->s = text.data;
        v->size = text.size;
        return true;
    case SX_ARRAY:
    case SX_MAP:
        return read_items(at, end, type, v, arena);
    case SX_STRUCT:
        items = sx_arena_alloc(arena, type->field_count * sizeof(*items));
        v->items = items;
        v->size = type->field_count;
        for (uint32_t i = 0; i < type->field_count; i++)
            if (!read_value(at, end, type->fields[i].type, &items[i], arena))
                return false;
        return true;
    default:
        if (!read_be64(at, end, &bits))
            return false;
        v->i = (int64_t)(bits ^ 1ull << 63);
        return true;
    }
}

bool sx_key_read(struct sx_slice bytes, const struct sx_type *const *types, uint32_t count,
                 struct sx_value *values, struct sx_arena *arena)
{
    const char *at = bytes.data, *end = bytes.data + bytes.size;

    for (uint32_t i = 0; i < count; i++)
        if (!read_value(&at, end, types[i], &values[i], arena))
            return false;
    return at == end;
}
