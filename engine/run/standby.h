/* standby.h: copies of the state of slots that other members have, kept warm from the changelogs, so that
 * who takes a slot over has only the gap to restore.
 *
 *   the broker tells members and slots ──> which copies are ours ──> slots that restore without an end
 *
 * Placing  no member has a say in who gets a slot: the group gives the slots of one that is gone to those
 *          that have fewest. So each slot's copies are where it would go if its owner were gone, which every
 *          member works out for itself, from the same answer, every two seconds.
 * Disk     a copy's rows and positions are those that the slot has when it is ours: taking it over is closing
 *          the copy and opening the slot. What is read is committed; tables follow the group's offsets.
 * Errors   a copy is no duty: what goes wrong is logged and tried again later.
 * Threads  one for all copies, which alone opens and closes them. No one waits for it but who opens a slot.
 */
#ifndef SX_STANDBY_H
#define SX_STANDBY_H

#include "engine/run/worker.h"

struct sx_standby;

/* NULL: none are wanted, or nothing is to be kept, or the log has one member. */
struct sx_standby *sx_standby_new(struct sx_engine *engine);
bool sx_standby_start(struct sx_standby *standby);
/* Ends the thread and frees. */
void sx_standby_free(struct sx_standby *standby);
/* A slot is ours to process, until it is taken: no copy of it is made, and who opens it waits for the one
 * there is, which is closed as soon as what it asks the brokers is answered. NULL has none; any thread. */
void sx_standby_given(struct sx_standby *standby, int32_t slot);
bool sx_standby_has_left(struct sx_standby *standby, int32_t slot);
void sx_standby_taken(struct sx_standby *standby, int32_t slot);
/* What copies are made of changes: there are none between the two. The first waits for that. */
void sx_standby_hold(struct sx_standby *standby);
void sx_standby_release(struct sx_standby *standby);
/* Whose slots are the copies; NULL: there are none. */
struct sx_worker *sx_standby_copies(struct sx_standby *standby);

/* Which slots `self` keeps: wanted[slot] is set. Slots are those of members[].slots, below slot_count.
 * False: some slot is nobody's, and nothing is known. */
bool sx_standby_place(const struct sx_member *members, uint32_t count, uint32_t copies, int32_t slot_count,
                      bool *wanted);

#endif
