/* format.h: the contract of a format: bytes of records to columns, and back.
 *
 * A format is one file in engine/format and one row in formats.def. It is bound once per use in a
 * topology (which fields, under which names, with which options) and then only read; whatever
 * changes is in the arena it is given.
 *
 *   json { fields }       columns from an object          csv { fields }    columns from a line
 *   json T, string, int, int32, double, bytes             one column
 *   row                   the stored form of engine/data/row.h, for repartition topics
 */
#ifndef SX_FORMAT_H
#define SX_FORMAT_H

#include "engine/base/json.h"
#include "engine/data/batch.h"

#ifdef __cplusplus
extern "C" {
#endif

/* One declared column: name T [not null] [from "a.b"] [default literal]. */
struct sx_format_field {
    const char *name;
    const char *path; /* `from`: names with points between, or NULL: the name itself */
    const struct sx_type *type;
    bool not_null;
    bool has_default;
    struct sx_value preset; /* the default */
};

struct sx_format_spec {
    const struct sx_format_field *fields;
    uint32_t field_count;
    bool key;       /* of keys: json encodes equal values as equal bytes */
    bool whole;     /* the one field is the whole of the bytes (json T, string, int ...) */
    char delimiter; /* csv: `,` unless written */
    bool header;    /* csv: the first line of a file (not of a topic's record) names the columns */
};

/* A row that could not be decoded or encoded. */
struct sx_format_failure {
    uint32_t row;      /* physical row */
    char reason[32];   /* a word for metrics: decode, not_null, type, encode */
    char message[192]; /* a sentence that says where: `amount: expected a number, got "x" (byte 17)` */
};

/* Failures of one call, in row order. Zeroed is empty; grows in the arena. */
struct sx_format_failures {
    struct sx_format_failure *items;
    uint32_t count, room;
    struct sx_arena *arena;
};
/* Adds one and formats its message. */
void sx_format_failed(struct sx_format_failures *to, uint32_t row, const char *reason, const char *format,
                      ...) SX_PRINTF(4, 5);

struct sx_format_def {
    const char *name;           /* as in `value json {...}` */
    const char *summary;        /* one sentence */
    const char *example;        /* a declaration: `key string`, `value csv { a int }` */
    const char *example_bytes;  /* what a record holds then: text, or hex behind 0x; UTF-8 both times */
    const char *example_row;    /* and what is read from it, as JSON: the key, or the columns of the value */
    bool internal;              /* not a word of the language: row; it has no example */
    bool takes_fields;          /* json, csv: `{ fields }`; others are one column */
    const struct sx_type *type; /* of the one column when !takes_fields && the format fixes it */

    /* Prepare. `plan` lives in `arena`. Errors: STREAMD_E_TYPE when a field's type does not fit. */
    streamd_status (*bind)(const struct sx_format_spec *spec, struct sx_arena *arena, void **plan,
                           streamd_error **error);

    /* Decode the bytes of records[0..count) into columns[f], f a field: data is to be allocated in
     * `arena` with room for `count` rows, at physical rows 0..count-1. bytes[i].data == NULL: the
     * row is null, all its fields are null and nothing is checked. wanted: bitmap by field; a field
     * that is not wanted is checked for its type all the same, but its column's data may stay NULL.
     * Strings may point into bytes[i], which have at least SX_PADDING readable bytes behind them if
     * `padded`. A row that fails is added to `failures` and its columns hold anything. */
    void (*decode)(const void *plan, const struct sx_slice *bytes, uint32_t count, bool padded,
                   const uint64_t *wanted, struct sx_column *columns, struct sx_arena *arena,
                   struct sx_format_failures *failures);

    /* Encode one row: append to `to`. columns[f] is the column of field f. False: failed, *message
     * (in arena) says why, and what was appended is to be dropped. Never called for a null value. */
    bool (*encode)(const void *plan, const struct sx_column *const *columns, uint32_t row,
                   struct sx_buffer *to, struct sx_arena *arena, const char **message);

    /* The JSON form of what the bytes encode, for `pipe`, `produce`, `consume` and HTTP, and back.
     * json: the JSON itself; csv, string: a JSON string; int: a number; bytes: base64. */
    bool (*to_json)(const void *plan, struct sx_slice bytes, struct sx_buffer *json, const char **message,
                    struct sx_arena *arena);
    bool (*from_json)(const void *plan, struct sx_slice json, struct sx_buffer *bytes, const char **message,
                      struct sx_arena *arena);
};

#define SX_PADDING 64

/* JSON text of a value of a type: doubles by sx_write_double, timestamps and durations as integers,
 * bytes as base64, struct fields in declaration order, strings escaped (control characters, quote
 * and backslash only). */
void sx_json_write_value(struct sx_buffer *to, struct sx_value value, const struct sx_type *type);

/* The format of keys that are not declared: Kafka's serializer of a single column, JSON of several. */
const char *sx_format_of_key(const struct sx_schema *schema);

/* The rows of formats.def. NULL: no format of that name. */
const struct sx_format_def *sx_format_find(const char *name);
const struct sx_format_def *const *sx_format_all(size_t *count);

#ifdef __cplusplus
}
#endif
#endif
