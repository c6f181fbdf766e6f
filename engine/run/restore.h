/* restore.h: what the files that restore stores share. Private to restore*.c. */
#ifndef SX_RESTORE_H
#define SX_RESTORE_H

#include "engine/run/worker.h"

/* ---- restore.c ------------------------------------------------------------------------------- */

/* Forget what the disk has of a store; the first: when the unit is written. */
void sx_restore_forget(struct sx_unit *unit, const struct sx_slot_store *store, int32_t slot);
streamd_status sx_restore_wipe(struct sx_slot *slot, struct sx_slot_store *store, streamd_error **error);
void sx_restore_warn(struct sx_slot *slot, const char *store, int64_t position, int64_t low, int64_t high);

/* ---- restore_begin.c: do the state here and its changelog belong together? ------------------- */

/* Where the store stands, and what has to be looked at before it may go on: store->looks. */
streamd_status sx_restore_changelog(struct sx_slot *slot, struct sx_slot_store *store, streamd_error **error);
/* While store->looks: the record that is to tell, if it has come. */
streamd_status sx_restore_look(struct sx_slot *slot, struct sx_slot_store *store, bool *busy,
                               streamd_error **error);
/* A life was read, of number `number`. */
streamd_status sx_restore_life(struct sx_slot *slot, struct sx_slot_store *store,
                               const struct sx_record *record, uint64_t number, streamd_error **error);
/* All was read. */
streamd_status sx_restore_settle(struct sx_slot *slot, struct sx_slot_store *store, streamd_error **error);
/* All stores are restored: do the group's committed offsets belong to them? */
streamd_status sx_restore_check_offsets(const struct sx_slot *slot, streamd_error **error);

#endif
