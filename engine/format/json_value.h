/* json_value.h: walking an indexed document, and reading its values as typed ones. Private to the
 * JSON format.
 *
 * A value is named by the index of its first token. Functions that move give the index behind the
 * value, and 0 when the brackets do not fit. Reading past the last token cannot happen: a document
 * that is an array or object ends in a closing bracket, so whoever stands at anything else may look
 * one token ahead.
 */
#ifndef SX_FORMAT_JSON_VALUE_H
#define SX_FORMAT_JSON_VALUE_H

#include "engine/data/format.h"
#include "engine/format/json_scan.h"

/* Where a value stands, for messages: `items[2].qty`. Lives on the stack of whoever reads. */
struct sx_json_path {
    const struct sx_json_path *above;
    const char *name;    /* NULL: an element */
    struct sx_slice key; /* of a map, if data is not NULL */
    uint32_t element;
};

struct sx_json_reader {
    struct sx_json_doc doc;
    bool escapes; /* there is a backslash in the document */
    bool keep;    /* false: check only; arrays, maps and texts are not built */
    struct sx_arena *arena;
    uint32_t row;
    struct sx_format_failures *failures;
};

static inline char sx_json_at(const struct sx_json_doc *doc, uint32_t i) { return doc->text[doc->at[i]]; }

/* Behind the value at `v`, which is inside `depth` arrays and objects. Of containers only the brackets
 * are checked, of scalars the first byte. */
uint32_t sx_json_skip_container(const struct sx_json_doc *doc, uint32_t v, uint32_t depth);
extern const uint8_t sx_json_begins[256]; /* 1: begins a scalar, 2: opens a container */

static inline uint32_t sx_json_skip(const struct sx_json_doc *doc, uint32_t v, uint32_t depth)
{
    uint8_t begins = sx_json_begins[(unsigned char)sx_json_at(doc, v)];

    if (SX_LIKELY(begins == 1))
        return v + 1;
    return begins == 2 ? sx_json_skip_container(doc, v, depth) : 0;
}

static inline bool sx_json_is_space(char c) { return c == ' ' || c == '\n' || c == '\r' || c == '\t'; }

/* The end of the scalar at `v`. */
static inline uint32_t sx_json_token_end(const struct sx_json_doc *doc, uint32_t v)
{
    uint32_t end = doc->at[v + 1];

    while (sx_json_is_space(doc->text[end - 1]))
        end--;
    return end;
}

/* What stands between the quotes of the string at `v`. */
static inline struct sx_slice sx_json_inside(const struct sx_json_doc *doc, uint32_t v)
{
    uint32_t from = doc->at[v] + 1;

    return sx_slice(doc->text + from, sx_json_token_end(doc, v) - 1 - from);
}

/* Read the value at `v` into one cell of `column`, or only check it if column->data is NULL. `rows`:
 * what the column has room for. False: it is not of the type; the failure is noted. */
bool sx_json_read_cell(struct sx_json_reader *r, uint32_t v, const struct sx_type *type, uint32_t depth,
                       const struct sx_json_path *path, struct sx_column *column, uint32_t rows);

/* Boxed, for what is nested. */
bool sx_json_read_value(struct sx_json_reader *r, uint32_t v, const struct sx_type *type, uint32_t depth,
                        const struct sx_json_path *path, struct sx_value *value);

/* Note a failure; each returns false. The last is for a document that is not JSON: it says where. */
bool sx_json_wrong_type(struct sx_json_reader *r, uint32_t v, const struct sx_json_path *path,
                        const char *expected);
bool sx_json_null_refused(struct sx_json_reader *r, const struct sx_json_path *path, bool missing);
bool sx_json_broken(struct sx_json_reader *r);

#endif
