/* original.h: a record that failed, as its source has it: behind a repartition the record in hand is ours,
 * and means nothing to whoever reads the message or the dead letter. */
#ifndef SX_ORIGINAL_H
#define SX_ORIGINAL_H

#include "engine/run/worker.h"

/* The failure with topic, partition and offset of the source's record; key, value and headers stay those
 * of the record in hand. *record: room for it. */
struct sx_task_failure sx_original_place(const struct sx_engine *engine,
                                         const struct sx_task_failure *failure, struct sx_record *record);

/* The failure with the source's record, read again if it has to be, in `arena`. If it is not there any more
 * it is the one of sx_original_place.
 * Errors   E_TIMEOUT, E_LOG, retriable: the log did not give it. */
streamd_status sx_original_fetch(struct sx_engine *engine, const struct sx_task_failure *failure,
                                 struct sx_arena *arena, struct sx_task_failure *found,
                                 streamd_error **error);

#endif
