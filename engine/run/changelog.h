/* changelog.h: what a record of a changelog topic holds.
 *
 *   a row          key    segment (8, sorted) | key          as in the store (state/store.c)
 *                  value  kind 1 | version 1 | hash (4, big-endian) of the store's signature | row
 *                         null: the row was removed
 *   a signature    key    `means`, which is shorter than any row's
 *                  value  kind 2 | version 1 | the signature, as text
 *   a life         key    `life`
 *                  value  kind 3 | version 1 | its number (8, big-endian); see life.h
 *
 * The hash refuses rows that mean something else, on a machine that has none of the state; the signature says
 * what they were. It is written before the first row that a task changes after its start, and the life before
 * all.
 */
#ifndef SX_CHANGELOG_H
#define SX_CHANGELOG_H

#include "engine/data/batch.h"

enum sx_changelog_kind {
    SX_CHANGELOG_DAMAGED,
    SX_CHANGELOG_NEWER, /* of a version that this program does not know */
    SX_CHANGELOG_ROW,   /* *value: the row */
    SX_CHANGELOG_GONE,
    SX_CHANGELOG_OTHER,     /* a row of another signature */
    SX_CHANGELOG_SIGNATURE, /* *value: its text */
    SX_CHANGELOG_LIFE       /* *value: its number, 8 bytes */
};

void sx_changelog_write_row(struct sx_buffer *value, uint32_t hash, struct sx_slice row);
struct sx_slice sx_changelog_signature_key(void);
void sx_changelog_write_signature(struct sx_buffer *value, struct sx_slice signature);
struct sx_slice sx_changelog_life_key(void);
void sx_changelog_write_life(struct sx_buffer *value, uint64_t number);
enum sx_changelog_kind sx_changelog_read(const struct sx_record *record, uint32_t hash,
                                         struct sx_slice *value);

#endif
