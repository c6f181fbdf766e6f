/* type.h: the types of the language. A type is immutable and lives as long as its arena. */
#ifndef SX_TYPE_H
#define SX_TYPE_H

#include "engine/base/arena.h"
#include "engine/base/bytes.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Stored in rows and compared across versions: a number is never reused. */
enum sx_kind {
    SX_NULL = 0, /* of the literal null; fits every type */
    SX_BOOL = 1,
    SX_INT = 2,
    SX_DOUBLE = 3,
    SX_DECIMAL = 4, /* exact: decimal.h */
    SX_STRING = 5,  /* valid UTF-8 */
    SX_BYTES = 6,
    SX_TIMESTAMP = 7, /* ms since 1970 UTC */
    SX_DATE = 8,      /* days since 1970 */
    SX_TIME = 9,      /* ms of the day */
    SX_DURATION = 10, /* ms */
    SX_ARRAY = 11,
    SX_MAP = 12, /* string keys */
    SX_STRUCT = 13,
    SX_JSON = 14 /* any JSON value, as its text: json.h */
};

struct sx_type;

struct sx_type_field {
    const char *name;
    const struct sx_type *type;
    bool not_null;
};

struct sx_type {
    enum sx_kind kind;
    uint8_t precision, scale;      /* decimal */
    const struct sx_type *element; /* array, map */
    uint32_t field_count;          /* struct */
    const struct sx_type_field *fields;
};

/* The types without parts. Static, shared. */
extern const struct sx_type sx_type_null, sx_type_bool, sx_type_int, sx_type_double, sx_type_string,
    sx_type_bytes, sx_type_timestamp, sx_type_date, sx_type_time, sx_type_duration, sx_type_json;

const struct sx_type *sx_type_array(struct sx_arena *arena, const struct sx_type *element);
const struct sx_type *sx_type_map(struct sx_arena *arena, const struct sx_type *element);
/* Copies the array and the names. */
const struct sx_type *sx_type_struct(struct sx_arena *arena, const struct sx_type_field *fields,
                                     uint32_t count);

bool sx_type_equal(const struct sx_type *a, const struct sx_type *b);
/* As the language writes it: `array<{ sku string, qty int }>`. */
void sx_type_print(const struct sx_type *type, struct sx_buffer *to);
const char *sx_type_text(const struct sx_type *type, struct sx_arena *arena);
/* The index of a struct's field, or -1. */
int sx_type_field(const struct sx_type *type, struct sx_slice name);
/* Is it of that kind, or is one of its parts? */
bool sx_type_holds(const struct sx_type *type, enum sx_kind kind);

/* True for the kinds kept as one int64_t: int, timestamp, date, time, duration. */
static inline bool sx_kind_is_int64(enum sx_kind kind)
{
    return kind == SX_INT || (kind >= SX_TIMESTAMP && kind <= SX_DURATION);
}
static inline bool sx_kind_is_slice(enum sx_kind kind) { return kind == SX_STRING || kind == SX_BYTES; }
static inline bool sx_kind_is_nested(enum sx_kind kind) { return kind >= SX_ARRAY; }

#ifdef __cplusplus
}
#endif
#endif
