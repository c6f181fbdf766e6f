/* value.h: one value of any type, boxed. Columns are for the hot path; values are for what is
 * nested, for calls of functions and for keys.
 *
 * A value owns nothing: strings, items and decimals live in an arena or a fetched message. A value
 * does not know its type's details (field names, element types); whoever needs them has the type.
 */
#ifndef SX_VALUE_H
#define SX_VALUE_H

#include "engine/data/type.h"

#ifdef __cplusplus
extern "C" {
#endif

struct sx_value {
    union {
        bool b;
        int64_t i; /* int, timestamp, date, time, duration */
        double d;
        const char *s;                /* string, bytes, json (its text): `size` bytes */
        const struct sx_value *items; /* array: `size` of them; struct: one per field, `size` of them;
                                       * map: `size` pairs, key then value, sorted by key's bytes */
        const __int128 *decimal;
    };
    uint32_t size;
    uint8_t kind; /* enum sx_kind; SX_NULL: null */
};

#define SX_VALUE_NULL ((struct sx_value){.kind = SX_NULL})
static inline struct sx_value sx_value_bool(bool b) { return (struct sx_value){.b = b, .kind = SX_BOOL}; }
static inline struct sx_value sx_value_int(int64_t i) { return (struct sx_value){.i = i, .kind = SX_INT}; }
/* timestamp, date, time, duration */
static inline struct sx_value sx_value_int64(enum sx_kind kind, int64_t i)
{
    return (struct sx_value){.i = i, .kind = (uint8_t)kind};
}
static inline struct sx_value sx_value_double(double d)
{
    return (struct sx_value){.d = d, .kind = SX_DOUBLE};
}
static inline struct sx_value sx_value_string(struct sx_slice s)
{
    return (struct sx_value){.s = s.data, .size = s.size, .kind = SX_STRING};
}
static inline struct sx_value sx_value_bytes(struct sx_slice s)
{
    return (struct sx_value){.s = s.data, .size = s.size, .kind = SX_BYTES};
}
/* A checked text without white space; none, or `null`: null. */
static inline struct sx_value sx_value_json(struct sx_slice s)
{
    return s.size == 0 || *s.data == 'n' ? SX_VALUE_NULL
                                         : (struct sx_value){.s = s.data, .size = s.size, .kind = SX_JSON};
}
static inline struct sx_slice sx_value_slice(struct sx_value v) { return sx_slice(v.s, v.size); }

/* Total order within one type, nulls first: numbers by value, strings and bytes by bytes, nested
 * ones element by element, json as json.h says. Different kinds compare by kind (they never
 * meet in a typed program). */
int sx_value_compare(struct sx_value a, struct sx_value b);
bool sx_value_equal(struct sx_value a, struct sx_value b); /* deep; null equals null */
uint64_t sx_value_hash(struct sx_value value);             /* equal values hash alike; not stored */
/* The value with what is json in it canonical, so that equal values are equal bytes: for keys. */
struct sx_value sx_value_canonical(struct sx_arena *arena, struct sx_value value);
/* Copy a value and all it points to. */
struct sx_value sx_value_copy(struct sx_arena *arena, struct sx_value value);
/* Sort a map's pairs by key and keep the last of duplicates; returns the pairs left. */
uint32_t sx_value_sort_map(struct sx_value *pairs, uint32_t count);

#ifdef __cplusplus
}
#endif
#endif
