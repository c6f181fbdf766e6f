/* row.h: values in their stored form.
 *
 * Two forms, both with golden bytes in tests/golden:
 *
 *   row   version(1) then, per column: a null bitmap of ceil(n/8) bytes, then every non-null value:
 *           bool      1 byte
 *           int64s    8 bytes, little-endian
 *           double    8 bytes, IEEE 754, little-endian
 *           string, bytes, json   varint size, bytes
 *           decimal   16 bytes, little-endian
 *           array     varint count, null bitmap, elements
 *           map       varint count, null bitmap of the values, then key (varint size, bytes), value
 *           struct    null bitmap, fields
 *
 *   key   bytes that sort as the values do, so that ranges are scans:
 *           per column a tag: 0x01 null, 0x02 not null; then
 *           bool      1 byte 0/1
 *           int64s    8 bytes big-endian with the sign flipped
 *           double    8 bytes big-endian; positive: sign flipped, negative: all bits flipped; -0 as 0
 *           string, bytes, json   bytes with 0x00 as 0x00 0xFF, ended by 0x00 0x00
 *           decimal   16 bytes big-endian, sign flipped
 *           array     per element 0x03 and its key; ended by 0x00
 *           map       per pair 0x03, key, value; ended by 0x00
 *           struct    its fields in turn
 */
#ifndef SX_ROW_H
#define SX_ROW_H

#include "engine/data/batch.h"

#ifdef __cplusplus
extern "C" {
#endif

#define SX_ROW_VERSION 1

/* Append the chosen columns of one row; `fields` are indexes of columns, `count` of them. */
void sx_row_write(struct sx_buffer *to, const struct sx_batch *batch, const uint16_t *fields, uint32_t count,
                  uint32_t row);
void sx_row_write_values(struct sx_buffer *to, const struct sx_value *values, uint32_t count);

/* Decode a row into values[0..count), types given. Strings point into `bytes`; nested values are
 * built in `arena`.
 * Errors   false: the bytes are damaged, cut off or of an unknown version. */
bool sx_row_read(struct sx_slice bytes, const struct sx_type *const *types, uint32_t count,
                 struct sx_value *values, struct sx_arena *arena);

/* The same for one value, not null, without the version byte: for what embeds values in a form of its
 * own. Reading moves *at on. */
void sx_value_write(struct sx_buffer *to, struct sx_value value, const struct sx_type *type);
bool sx_value_read(const char **at, const char *end, const struct sx_type *type, struct sx_value *value,
                   struct sx_arena *arena);

/* Append the key form of the columns. */
void sx_key_write(struct sx_buffer *to, const struct sx_batch *batch, const uint16_t *fields, uint32_t count,
                  uint32_t row);
void sx_key_write_values(struct sx_buffer *to, const struct sx_value *values, uint32_t count);
/* The other way. Strings are unescaped into `arena` when they must be. False: damaged. */
bool sx_key_read(struct sx_slice bytes, const struct sx_type *const *types, uint32_t count,
                 struct sx_value *values, struct sx_arena *arena);

#ifdef __cplusplus
}
#endif
#endif
