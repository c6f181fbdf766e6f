/* life.h: a changelog's life: a random number that its first record has, by which a topic that was deleted
 * and made anew is told from the one before, however long either is.
 *
 *   the topic    a record of changelog.h, before the first row
 *   the disk     META `pos/` store 4 slot 2 `#life`: number 8 | offset 8 | time 8, big-endian
 *   the group    the metadata of a slot's input offsets name its stores whose changelogs have begun: if such
 *                a changelog has no life, it is gone, although there is no disk to tell
 *
 * The record stays where it is under compaction. Where retention takes it, as of windows, it is written
 * again, and what begins behind offset 0 may have none.
 */
#ifndef SX_LIFE_H
#define SX_LIFE_H

#include "engine/disk/disk.h"
#include "engine/graph/store.h"

struct sx_life {
    uint64_t number; /* 0: not known, or there is none */
    int64_t offset;  /* no record of the changelog between this offset and the life's */
    int64_t written_ms;
};

uint64_t sx_life_draw(void); /* not 0 */
void sx_life_put(struct sx_unit *unit, uint32_t store, int32_t slot, const struct sx_life *life);
streamd_status sx_life_get(struct sx_disk *disk, uint32_t store, int32_t slot, struct sx_life *life,
                           streamd_error **error);

/* Notes are such names one behind the other, as text; several notes may be, too. */
void sx_life_note(struct sx_buffer *note, const struct sx_store_plan *store);
bool sx_life_is_noted(const struct sx_buffer *note, const struct sx_store_plan *store);

#endif
