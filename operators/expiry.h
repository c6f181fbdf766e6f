/* expiry.h: rows that are forgotten when they have not been written for a time: what `ttl` does, for its own
 * node and for the stages that keep a table themselves (aggregate, latest).
 *
 * Two stores beside the one that holds the rows:
 *
 *   keys    a row's key -> when it was last written (8), the time under which it stands in `times` (8)
 *   times   by that time, see timed.h; no value
 *
 * A row that is written again is not moved in `times`, only noted in `keys`; it is moved when its turn
 * comes. So a write costs one look at `keys`, and a row costs one walk step in each span.
 */
#ifndef SX_OPERATORS_EXPIRY_H
#define SX_OPERATORS_EXPIRY_H

#include "operators/common.h"

struct sx_expiry_plan {
    int64_t span_ms;
    uint32_t keys, times; /* the node's stores */
};

/* Plain bytes, as an operator's state has to be. */
struct sx_expiry {
    int64_t stream_time; /* INT64_MIN: no row yet */
    int64_t earliest;    /* no row's turn comes before this time is a span ago */
};

/* The stores, as the node's next ones. */
const struct sx_expiry_plan *sx_expiry_bind(struct sx_bind *b, struct sx_node_plan *node, int64_t span_ms);

void sx_expiry_open(const struct sx_expiry_plan *plan, struct sx_expiry *state, struct sx_node *node);
/* Keep the stream time: at the end of a batch in which it went on. */
void sx_expiry_save(const struct sx_expiry *state, const struct sx_expiry_plan *plan, struct sx_node *node);

/* Would rows expire at this stream time? They may have been written since, so perhaps none does. */
static inline bool sx_expiry_is_due(const struct sx_expiry_plan *plan, const struct sx_expiry *state,
                                    int64_t stream_time)
{
    return stream_time - plan->span_ms >= state->earliest;
}

/* A row's time has come, at `time`. Its key lives until the batch ends. The stores may be touched. */
typedef void (*sx_expiry_fn)(struct sx_slice key, int64_t time, void *arg);
/* Stream time went on to `time`: the rows that expire, by time, then key. */
void sx_expiry_advance(const struct sx_expiry_plan *plan, struct sx_expiry *state, struct sx_node *node,
                       int64_t time, sx_expiry_fn fn, void *arg);

/* A row is written, at a time up to the stream time. False: there is none of that key, and it would be
 * expired already. */
bool sx_expiry_touch(const struct sx_expiry_plan *plan, struct sx_expiry *state, struct sx_node *node,
                     struct sx_slice key, int64_t ts);
/* A row is deleted. */
void sx_expiry_forget(const struct sx_expiry_plan *plan, struct sx_node *node, struct sx_slice key);

/* As sx_table_upsert, with rows that expire. */
void sx_expiry_upsert(const struct sx_expiry_plan *plan, struct sx_expiry *state, struct sx_node *node,
                      const struct sx_batch *batch, const uint64_t *deleted);
/* Event time went on without a row. */
void sx_expiry_upsert_on_time(const struct sx_expiry_plan *plan, struct sx_expiry *state,
                              struct sx_node *node, int64_t stream_time_ms);

/* Let the stage that made this table forget rows itself, if it can: the next stage is `ttl`. */
bool sx_aggregate_expire(struct sx_bind *b, const struct sx_flow *table, int64_t span_ms);
bool sx_latest_expire(struct sx_bind *b, const struct sx_flow *table, int64_t span_ms);

#endif
