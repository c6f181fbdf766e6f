/* topic_write.h: records written into a topic by hand, beside an engine or without one. */
#ifndef SX_TOPIC_WRITE_H
#define SX_TOPIC_WRITE_H

#include "engine/graph/topology.h"
#include "engine/log/log.h"

#include <stdatomic.h>

/* Queue a record, waiting while the queue is full. *stopping (may be NULL): leave off.
 * Errors   E_LOG, E_FENCED; E_STATE: left off. */
streamd_status sx_topic_write(struct sx_writer *writer, struct sx_topic *topic, int32_t partition,
                              const struct sx_record *record, const _Atomic bool *stopping,
                              streamd_error **error);

/* State lives by its own topics: nobody else may write there. */
bool sx_topic_is_internal(const struct sx_plan *plan, const char *name);

/* Where a record goes that says no partition: by its key (data NULL: none), else round them all. */
int32_t sx_topic_place(struct sx_slice key, int32_t partitions, uint32_t *round);

#endif
