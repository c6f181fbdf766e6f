/* common.h: what several formats need. Private to this folder. */
#ifndef SX_FORMAT_COMMON_H
#define SX_FORMAT_COMMON_H

#include "engine/data/format.h"

/* How much of a record's text a message quotes. */
enum { SX_QUOTED_BYTES = 40 };

/* `text` for a message: as a JSON string, so that nothing in it can break the line, cut to
 * SX_QUOTED_BYTES. Bytes that are not UTF-8 become `?`. */
const char *sx_format_quote(struct sx_arena *arena, struct sx_slice text);
/* At most `most` bytes of `text`, cut between two characters. `text` is valid UTF-8. */
struct sx_slice sx_format_cut(struct sx_slice text, uint32_t most);

/* A column's name for messages: short enough to leave room for what is wrong. */
const char *sx_format_label(struct sx_arena *arena, const char *name);

/* The plan of a format of one column. */
struct sx_format_one {
    const char *name; /* of the column, as a label */
    const struct sx_type *type;
    bool not_null;
};
/* Bind such a format: at most one field, of a kind in `kinds` (a bitmap of 1 << kind). */
streamd_status sx_format_bind_one(const char *format, uint32_t kinds, const struct sx_format_spec *spec,
                                  struct sx_arena *arena, void **plan, streamd_error **error);
/* For messages: the column's name. */
const char *sx_format_name(const struct sx_format_one *one);
/* The one column of a row that is encoded must not be null: these formats have no bytes for it. */
bool sx_format_not_null(const struct sx_format_one *one, const struct sx_column *const *columns, uint32_t row,
                        const char *format, struct sx_arena *arena, const char **message);
/* The column to decode into, with room for `rows`; NULL: nobody wants it. */
struct sx_column *sx_format_column(const struct sx_format_one *one, const uint64_t *wanted,
                                   struct sx_column *columns, uint32_t rows, struct sx_arena *arena);

static inline bool sx_format_wants(const uint64_t *wanted, uint32_t field)
{
    return wanted == NULL || sx_bit(wanted, field);
}

/* Make one row null, and what lies under it zero. */
void sx_format_set_null(struct sx_column *column, uint32_t row, uint32_t rows, struct sx_arena *arena);

/* Bytes that are text, as a JSON string. False: they are not UTF-8. */
bool sx_format_to_string(struct sx_slice bytes, struct sx_buffer *json, const char **message,
                         struct sx_arena *arena);
/* The JSON text of a whole value, for from_json: a string is unescaped into `to`. False: it is not a
 * JSON string; *message says so. */
bool sx_format_from_string(struct sx_slice json, struct sx_buffer *to, const char **message,
                           struct sx_arena *arena);

#endif
