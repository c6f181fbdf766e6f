/* number.c: the formats `int`, `int32` and `double`: Kafka's big-endian long, integer and double. In
 * columns an int32 is an int; a double that is not finite is a row error, as the language has none. */
#include "engine/base/text.h"
#include "engine/format/common.h"
#include "engine/format/json_number.h"

#include <math.h>

/* What the three do differently. `read` and `write` move one value between a cell and bytes; false:
 * *why says what is wrong. A cell is an int64_t or a double by the column's type: 8 bytes either way. */
struct number {
    const char *name;
    uint32_t bytes;
    uint32_t kinds;
    bool (*read)(const char *at, void *cell, const char **why);
    bool (*write)(const void *cell, char *at, const char **why);
};

static bool read_int(const char *at, void *cell, const char **why)
{
    *(int64_t *)cell = (int64_t)sx_get_be64(at);
    return true;
}

static bool write_int(const void *cell, char *at, const char **why)
{
    int64_t value = *(const int64_t *)cell;

    sx_put_be64(at, (uint64_t)value);
    return true;
}

static bool read_int32(const char *at, void *cell, const char **why)
{
    *(int64_t *)cell = (int32_t)sx_get_be32(at);
    return true;
}

static bool write_int32(const void *cell, char *at, const char **why)
{
    int64_t value = *(const int64_t *)cell;

    *why = "it does not fit in an int32";
    if (value < INT32_MIN || value > INT32_MAX)
        return false;
    sx_put_be32(at, (uint32_t)value);
    return true;
}

static bool read_double(const char *at, void *cell, const char **why)
{
    uint64_t bits = sx_get_be64(at);

    memcpy(cell, &bits, sizeof(bits));
    *why = "it is not a finite number";
    return isfinite(*(double *)cell);
}

static bool write_double(const void *cell, char *at, const char **why)
{
    uint64_t bits;

    memcpy(&bits, cell, sizeof(bits));
    sx_put_be64(at, bits);
    *why = "it is not a finite number";
    return isfinite(*(const double *)cell);
}

/* A key that is a timestamp, say, is a long to Kafka. */
static const struct number number_int = {
    "int", 8, 1u << SX_INT | 1u << SX_TIMESTAMP | 1u << SX_DATE | 1u << SX_TIME | 1u << SX_DURATION, read_int,
    write_int};
static const struct number number_int32 = {"int32", 4, 1u << SX_INT, read_int32, write_int32};
static const struct number number_double = {"double", 8, 1u << SX_DOUBLE, read_double, write_double};

/* ---- What they share ------------------------------------------------------------------------- */

static const char *wrong_size(const struct number *n, struct sx_slice bytes, struct sx_arena *arena)
{
    return sx_arena_format(arena, "expected %u bytes of %s, got %u", n->bytes, n->name, bytes.size);
}

static void decode(const struct number *n, const void *plan, const struct sx_slice *bytes, uint32_t count,
                   const uint64_t *wanted, struct sx_column *columns, struct sx_arena *arena,
                   struct sx_format_failures *failures)
{
    struct sx_column *column = sx_format_column(plan, wanted, columns, count, arena);

    for (uint32_t i = 0; i < count; i++) {
        const char *why = NULL;
        int64_t cell;

        if (bytes[i].data == NULL) {
            if (column != NULL)
                sx_format_set_null(column, i, count, arena);
        } else if (bytes[i].size != n->bytes) {
            sx_format_failed(failures, i, "decode", "%s: %s", sx_format_name(plan),
                             wrong_size(n, bytes[i], arena));
        } else if (!n->read(bytes[i].data, &cell, &why)) {
            sx_format_failed(failures, i, "decode", "%s: %s", sx_format_name(plan), why);
        } else if (column != NULL) {
            column->i[i] = cell;
        }
    }
}

static bool encode(const struct number *n, const void *plan, const struct sx_column *const *columns,
                   uint32_t row, struct sx_buffer *to, struct sx_arena *arena, const char **message)
{
    const char *why = NULL;

    if (!sx_format_not_null(plan, columns, row, n->name, arena, message))
        return false;
    if (!n->write(&columns[0]->i[row], sx_buffer_room(to, n->bytes), &why)) {
        *message = sx_arena_format(arena, "%s: %s", sx_format_name(plan), why);
        return false;
    }
    to->size += n->bytes;
    return true;
}

static bool to_json(const struct number *n, struct sx_slice bytes, struct sx_buffer *json,
                    const char **message, struct sx_arena *arena)
{
    struct sx_value value;
    int64_t cell;

    if (bytes.size != n->bytes) {
        *message = wrong_size(n, bytes, arena);
        return false;
    }
    if (!n->read(bytes.data, &cell, message))
        return false;
    value = sx_value_int(cell);
    if (n == &number_double) {
        value.kind = SX_DOUBLE;
        memcpy(&value.d, &cell, sizeof(cell));
    }
    sx_json_write_value(json, value, n == &number_double ? &sx_type_double : &sx_type_int);
    return true;
}

static bool from_json(const struct number *n, struct sx_slice json, struct sx_buffer *bytes,
                      const char **message, struct sx_arena *arena)
{
    const char *at = json.data, *end = at + json.size;
    enum sx_json_number read = SX_JSON_NUMBER_OTHER;
    int64_t cell = 0;
    double d = 0;

    while (at < end && sx_json_only_space(at, at + 1))
        at++;
    if (at < end && n == &number_double) {
        read = sx_json_number_double(at, end, &d);
        memcpy(&cell, &d, sizeof(d));
    } else if (at < end) {
        read = sx_json_number_int(at, end, &cell);
    }
    if (read != SX_JSON_NUMBER) {
        *message = sx_arena_format(arena, "expected a number that fits in %s, got %s", n->name,
                                   sx_format_quote(arena, json));
        return false;
    }
    if (!n->write(&cell, sx_buffer_room(bytes, n->bytes), message))
        return false;
    bytes->size += n->bytes;
    return true;
}

/* ---- The rows -------------------------------------------------------------------------------- */

/* The contract's functions for one of them, and the fields of its row. */
#define NUMBER_FORMAT(id)                                                                                   \
    static streamd_status bind_##id(const struct sx_format_spec *spec, struct sx_arena *arena, void **plan, \
                                    streamd_error **error)                                                  \
    {                                                                                                       \
        return sx_format_bind_one(number_##id.name, number_##id.kinds, spec, arena, plan, error);           \
    }                                                                                                       \
    static void decode_##id(const void *plan, const struct sx_slice *bytes, uint32_t count, bool padded,    \
                            const uint64_t *wanted, struct sx_column *columns, struct sx_arena *arena,      \
                            struct sx_format_failures *failures)                                            \
    {                                                                                                       \
        decode(&number_##id, plan, bytes, count, wanted, columns, arena, failures);                         \
    }                                                                                                       \
    static bool encode_##id(const void *plan, const struct sx_column *const *columns, uint32_t row,         \
                            struct sx_buffer *to, struct sx_arena *arena, const char **message)             \
    {                                                                                                       \
        return encode(&number_##id, plan, columns, row, to, arena, message);                                \
    }                                                                                                       \
    static bool to_json_##id(const void *plan, struct sx_slice bytes, struct sx_buffer *json,               \
                             const char **message, struct sx_arena *arena)                                  \
    {                                                                                                       \
        return to_json(&number_##id, bytes, json, message, arena);                                          \
    }                                                                                                       \
    static bool from_json_##id(const void *plan, struct sx_slice json, struct sx_buffer *bytes,             \
                               const char **message, struct sx_arena *arena)                                \
    {                                                                                                       \
        return from_json(&number_##id, json, bytes, message, arena);                                        \
    }
#define NUMBER_FIELDS(id)                                                                                \
    .name = #id, .example = "key " #id, .bind = bind_##id, .decode = decode_##id, .encode = encode_##id, \
    .to_json = to_json_##id, .from_json = from_json_##id

NUMBER_FORMAT(int)
NUMBER_FORMAT(int32)
NUMBER_FORMAT(double)

const struct sx_format_def sx_format_int = {
    .summary = "A 64-bit integer in 8 bytes, big-endian, as Kafka's long serializer writes it.",
    .example_bytes = "0x000000000000002a",
    .example_row = "42",
    .type = &sx_type_int,
    NUMBER_FIELDS(int),
};

const struct sx_format_def sx_format_int32 = {
    .summary = "A 32-bit integer in 4 bytes, big-endian, as Kafka's integer serializer writes it.",
    .example_bytes = "0x0000002a",
    .example_row = "42",
    .type = &sx_type_int,
    NUMBER_FIELDS(int32),
};

const struct sx_format_def sx_format_double = {
    .summary = "A double in 8 bytes, big-endian, as Kafka's double serializer writes it.",
    .example_bytes = "0x4004000000000000",
    .example_row = "2.5",
    .type = &sx_type_double,
    NUMBER_FIELDS(double),
};
