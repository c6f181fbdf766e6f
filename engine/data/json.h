/* json.h: values of type json: any JSON value, navigated at run time.
 *
 * Such a value is its text: checked when it came in, without white space between tokens, and never
 * `null`: a JSON null is the language's null, wherever it stands. Order of fields, duplicates, escapes
 * and the digits of numbers are as they were written. Of duplicate names the last counts.
 *
 * Comparing goes by value: fields in any order, numbers by what they are (`1`, `1.0` and `10e-1` are
 * equal, however many digits there are). Everything here is safe on any bytes, since a stored row may be
 * damaged; what is no JSON then has fewer parts, or none.
 */
#ifndef SX_DATA_JSON_H
#define SX_DATA_JSON_H

#include "engine/base/arena.h"
#include "engine/base/json.h"

#ifdef __cplusplus
extern "C" {
#endif

/* What the text is, in the order in which values of different kinds sort. */
enum sx_json_kind {
    SX_JSON_IS_NULL,
    SX_JSON_IS_BOOL,
    SX_JSON_IS_NUMBER,
    SX_JSON_IS_STRING,
    SX_JSON_IS_ARRAY,
    SX_JSON_IS_OBJECT
};
enum sx_json_kind sx_json_kind(struct sx_slice json);

/* Going through the elements of an array or the members of an object. */
struct sx_json_parts {
    const char *at, *end;
    bool object;
};
/* No parts, if it is neither. */
struct sx_json_parts sx_json_parts(struct sx_slice json);
/* The next part. `name` is what stands between the quotes, with its escapes. False: there is none. */
bool sx_json_next(struct sx_json_parts *parts, struct sx_slice *name, struct sx_slice *value);

/* The text of a JSON string, unescaped into the arena if it has escapes. */
struct sx_slice sx_json_string(struct sx_slice json, struct sx_arena *arena);

/* A field of an object; an element of an array, a negative index from the end. No data: there is none. */
struct sx_slice sx_json_field(struct sx_slice json, struct sx_slice name);
struct sx_slice sx_json_element(struct sx_slice json, int64_t index);

/* How many arrays and objects are in one another at most. Formats read SX_JSON_DEPTH of them: what is deeper
 * could be written and not be read again. */
#define SX_JSON_DEPTH 512
uint32_t sx_json_depth(struct sx_slice json);

/* The order of values: null, false, true, numbers, strings by bytes, arrays by elements, objects by their
 * fields in the order of names. 0: equal. */
int sx_json_compare(struct sx_slice a, struct sx_slice b);
uint64_t sx_json_hash(struct sx_slice json);

/* The key form of row.h: equal values are equal bytes, and bytes sort as values do. */
void sx_json_write_key(struct sx_buffer *to, struct sx_slice json);
/* Moves behind it and gives the canonical text. False: the bytes are no key. */
bool sx_json_read_key(const char **at, const char *end, struct sx_slice *json, struct sx_arena *arena);
/* One text for all equal values: fields sorted by name, numbers in their shortest form. */
struct sx_slice sx_json_canonical(struct sx_slice json, struct sx_arena *arena);

#ifdef __cplusplus
}
#endif
#endif
