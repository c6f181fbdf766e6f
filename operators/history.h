/* history.h: the store of a versioned table: what a key's row was at a time.
 *
 * A window store. The newest version of each key stands in one segment that is never dropped; the versions
 * that it replaced stand in segments by the time at which they ended, and leave with their segment when
 * the history is long enough:
 *
 *   segment SX_HISTORY_NEWEST, key               -> time, row     the newest; without a row: deleted then
 *   segment of the end, key | end (8, sorted)    -> time, row     valid in [time, end)
 *
 * A version ends when the next one begins, so from each the older one is found by its time: looking up
 * walks from the newest back. A version of a time between is put between; one older than the history is
 * not kept.
 */
#ifndef SX_OPERATORS_HISTORY_H
#define SX_OPERATORS_HISTORY_H

#include "operators/common.h"

#define SX_HISTORY_NEWEST (INT64_MAX - 2)

/* The largest time of the rows that a store took; INT64_MIN: none yet. */
int64_t sx_history_time(struct sx_store *store);

/* The version of a key at a time, INT64_MAX for the newest, as sx_stored_read takes it; data NULL: there was
 * none. `key` must not be in node->scratch. */
struct sx_slice sx_history_get(struct sx_store *store, struct sx_buffer *scratch, struct sx_slice key,
                               int64_t as_of, int64_t retention_ms, int64_t stream_time);

/* As sx_table_upsert, for a versioned table: rows that are not the newest of their key are marked
 * `outdated`, those older than the history are dropped (reason late). */
void sx_history_upsert(struct sx_node *node, const struct sx_batch *batch, int64_t retention_ms);

#endif
