/* row.c: the row form. See row.h for the bytes. */
#include "engine/data/row.h"

#include "engine/data/decimal.h"

static void write_plain(struct sx_buffer *to, struct sx_value v, const struct sx_type *type);

static void write_bytes(struct sx_buffer *to, struct sx_slice bytes)
{
    sx_buffer_add_varint(to, bytes.size);
    sx_buffer_add_slice(to, bytes);
}

/* A bitmap of ceil(count/8) zero bytes; returns its offset. */
static size_t add_bitmap(struct sx_buffer *to, uint32_t count)
{
    size_t at = to->size, bytes = (count + 7) / 8;

    memset(sx_buffer_room(to, bytes ? bytes : 1), 0, bytes);
    to->size += bytes;
    return at;
}

static void write_items(struct sx_buffer *to, const struct sx_value *items, uint32_t count, uint32_t stride,
                        uint32_t first, const struct sx_type *element, const struct sx_type_field *fields)
{
    size_t bitmap = add_bitmap(to, count);

    for (uint32_t i = 0; i < count; i++) {
        struct sx_value item = items[i * stride + first];

        if (first == 1)
            write_bytes(to, sx_value_slice(items[i * stride]));
        if (item.kind == SX_NULL)
            to->data[bitmap + i / 8] |= (char)(1 << (i % 8));
        else
            write_plain(to, item, fields ? fields[i].type : element);
    }
}

static void write_plain(struct sx_buffer *to, struct sx_value v, const struct sx_type *type)
{
    switch ((enum sx_kind)v.kind) {
    case SX_BOOL:
        sx_buffer_add_byte(to, (char)v.b);
        return;
    case SX_DECIMAL:
        sx_buffer_add(to, v.decimal, 16);
        return;
    case SX_STRING:
    case SX_BYTES:
    case SX_JSON:
        write_bytes(to, sx_value_slice(v));
        return;
    case SX_ARRAY:
        sx_buffer_add_varint(to, v.size);
        write_items(to, v.items, v.size, 1, 0, type ? type->element : NULL, NULL);
        return;
    case SX_MAP:
        sx_buffer_add_varint(to, v.size);
        write_items(to, v.items, v.size, 2, 1, type ? type->element : NULL, NULL);
        return;
    case SX_STRUCT:
        write_items(to, v.items, v.size, 1, 0, NULL, type ? type->fields : NULL);
        return;
    default:
        sx_put_le64(sx_buffer_room(to, 8), (uint64_t)v.i); /* int64s, and the bits of a double */
        to->size += 8;
    }
}

void sx_value_write(struct sx_buffer *to, struct sx_value value, const struct sx_type *type)
{
    write_plain(to, value, type);
}

void sx_row_write_values(struct sx_buffer *to, const struct sx_value *values, uint32_t count)
{
    sx_buffer_add_byte(to, SX_ROW_VERSION);
    write_items(to, values, count, 1, 0, NULL, NULL);
}

/* What a column takes at most, but for the bytes of a string: 8 bytes, or a varint of 32 bits. */
#define FIXED_MAX 8

static char *put_size(char *at, uint32_t size)
{
    for (; size >= 0x80; size >>= 7)
        *at++ = (char)(size | 0x80);
    *at++ = (char)size;
    return at;
}

/* Every update of a store and every repartitioned row comes through here: room is asked for once, and
 * again only for strings and nested values. */
void sx_row_write(struct sx_buffer *to, const struct sx_batch *batch, const uint16_t *fields, uint32_t count,
                  uint32_t row)
{
    uint32_t bitmap_bytes = (count + 7) / 8;
    char *at = sx_buffer_room(to, 1 + bitmap_bytes + (size_t)count * FIXED_MAX);
    size_t bitmap = to->size + 1;

    *at++ = SX_ROW_VERSION;
    memset(at, 0, bitmap_bytes);
    at += bitmap_bytes;
    for (uint32_t i = 0; i < count; i++) {
        const struct sx_column *column = &batch->columns[fields[i]];
        enum sx_kind kind = column->type->kind;

        if (kind == SX_NULL || column->data == NULL || sx_column_is_null(column, row)) {
            to->data[bitmap + i / 8] |= (char)(1 << (i % 8));
        } else if (sx_kind_is_int64(kind) || kind == SX_DOUBLE) {
            memcpy(at, &column->i[row], 8);
            at += 8;
        } else if (sx_kind_is_slice(kind)) {
            struct sx_slice s = column->s[row];

            at = put_size(at, s.size);
            to->size = (size_t)(at - to->data);
            at = sx_buffer_room(to, s.size + (size_t)(count - i - 1) * FIXED_MAX);
            if (s.size)
                memcpy(at, s.data, s.size);
            at += s.size;
        } else if (kind == SX_BOOL) {
            *at++ = (char)column->b[row];
        } else {
            to->size = (size_t)(at - to->data);
            write_plain(to, column->v[row], column->type);
            at = sx_buffer_room(to, (size_t)(count - i - 1) * FIXED_MAX);
        }
    }
    to->size = (size_t)(at - to->data);
}

/* ---- Reading --------------------------------------------------------------------------------- */

/* Values nest as their types do, and types come from our own text: no depth limit is needed here. */
static bool read_plain(const char **at, const char *end, const struct sx_type *type, struct sx_value *v,
                       struct sx_arena *arena);

static bool read_bytes(const char **at, const char *end, struct sx_slice *bytes)
{
    uint64_t size;

    if (!sx_read_varint(at, end, &size) || size > (uint64_t)(end - *at))
        return false;
    *bytes = sx_slice(*at, size);
    *at += size;
    return true;
}

static bool read_items(const char **at, const char *end, struct sx_value *items, uint32_t count,
                       uint32_t stride, uint32_t first, const struct sx_type *const *types,
                       const struct sx_type *element, const struct sx_type_field *fields,
                       struct sx_arena *arena)
{
    const char *bitmap = *at;

    if ((uint64_t)(end - *at) < ((uint64_t)count + 7) / 8)
        return false;
    *at += (count + 7) / 8;
    if (count % 8 != 0 && (unsigned char)(*at)[-1] >> (count % 8) != 0)
        return false; /* bits of nobody */
    for (uint32_t i = 0; i < count; i++) {
        struct sx_slice key;

        if (first == 1) {
            if (!read_bytes(at, end, &key))
                return false;
            items[i * stride] = sx_value_string(key);
        }
        if (bitmap[i / 8] >> (i % 8) & 1)
            items[i * stride + first] = SX_VALUE_NULL;
        else if (!read_plain(at, end,
                             types    ? types[i]
                             : fields ? fields[i].type
                                      : element,
                             &items[i * stride + first], arena))
            return false;
    }
    return true;
}

static bool read_counted(const char **at, const char *end, const struct sx_type *type, struct sx_value *v,
                         struct sx_arena *arena)
{
    uint32_t stride = type->kind == SX_MAP ? 2 : 1;
    struct sx_value *items;
    uint64_t count;

    /* Each item takes a bit at least, so a count cannot ask for more memory than the bytes justify. */
    if (!sx_read_varint(at, end, &count) || count > UINT32_MAX / 2 || (count + 7) / 8 > (uint64_t)(end - *at))
        return false;
    items = sx_arena_alloc(arena, count * stride * sizeof(*items));
    v->items = items;
    v->size = (uint32_t)count;
    return read_items(at, end, items, (uint32_t)count, stride, stride - 1, NULL, type->element, NULL, arena);
}

static bool read_plain(const char **at, const char *end, const struct sx_type *type, struct sx_value *v,
                       struct sx_arena *arena)
{
    struct sx_slice bytes;
    struct sx_value *items;
    __int128 digits;

    *v = (struct sx_value){.kind = (uint8_t)type->kind};
    switch (type->kind) {
    case SX_NULL:
        return false;
    case SX_BOOL:
        if (*at == end || (unsigned char)**at > 1)
            return false;
        v->b = *(*at)++;
        return true;
    case SX_DECIMAL:
        if (end - *at < 16)
            return false;
        memcpy(&digits, *at, 16);
        *v = sx_value_decimal(arena, digits);
        *at += 16;
        return sx_decimal_fits(digits, SX_DECIMAL_DIGITS);
    case SX_STRING:
    case SX_BYTES:
    case SX_JSON:
        if (!read_bytes(at, end, &bytes))
            return false;
        v->s = bytes.data;
        v->size = bytes.size;
        return true;
    case SX_ARRAY:
    case SX_MAP:
        return read_counted(at, end, type, v, arena);
    case SX_STRUCT:
        items = sx_arena_alloc(arena, type->field_count * sizeof(*items));
        v->items = items;
        v->size = type->field_count;
        return read_items(at, end, items, type->field_count, 1, 0, NULL, NULL, type->fields, arena);
    default:
        if (end - *at < 8)
            return false;
        v->i = (int64_t)sx_get_le64(*at);
        *at += 8;
        return true;
    }
}

bool sx_value_read(const char **at, const char *end, const struct sx_type *type, struct sx_value *value,
                   struct sx_arena *arena)
{
    return read_plain(at, end, type, value, arena);
}

bool sx_row_read(struct sx_slice bytes, const struct sx_type *const *types, uint32_t count,
                 struct sx_value *values, struct sx_arena *arena)
{
    const char *at = bytes.data, *end = bytes.data + bytes.size;

    if (bytes.size == 0 || *at++ != SX_ROW_VERSION)
        return false;
    return read_items(&at, end, values, count, 1, 0, types, NULL, NULL, arena) && at == end;
}
