/* disk_rows.h: where a store's rows of a slot are on the disk: a family, and in it a prefix, store 4 |
 * slot 2, both big-endian, before the key that the changelog has too.
 * Threads  any. */
#ifndef SX_DISK_ROWS_H
#define SX_DISK_ROWS_H

#include "engine/disk/disk.h"
#include "engine/graph/store.h"

#define SX_DISK_ROWS_PREFIX 6

void sx_disk_rows_prefix(char prefix[SX_DISK_ROWS_PREFIX], uint32_t id, int32_t slot);
enum sx_family sx_disk_rows_family(enum sx_store_kind kind);

/* For sx_store_kinds. */
void sx_disk_rows_wipe(struct sx_unit *unit, enum sx_store_kind kind, uint32_t id, int32_t slot);
struct sx_cursor *sx_disk_rows_walk(struct sx_disk *disk, enum sx_store_kind kind, uint32_t id, int32_t slot);
bool sx_disk_rows_next(struct sx_cursor *rows, struct sx_slice *key, struct sx_slice *value);

#endif
