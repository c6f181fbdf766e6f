/* groups.h: the state of groups, and batches of their results. What aggregate.c does with one row at a
 * time, apart from windows.
 *
 * A group's stored bytes, in a store by window start and key:
 *
 *   time (8, the largest of its rows) | fixed parts of the aggregates | varint size, bytes of each
 *                                       in order, 8-byte aligned        variable one
 *
 * Of a table that is grouped the number of its rows (8) follows the time: a group without rows is none.
 * So a group of fixed aggregates (count, sum, avg, min and max of numbers) has a fixed size and is
 * changed in place.
 */
#ifndef SX_OPERATORS_GROUPS_H
#define SX_OPERATORS_GROUPS_H

#include "operators/common.h"

struct sx_groups_plan {
    const struct sx_aggregation *aggregation;
    const struct sx_schema *results; /* group columns, then one column per aggregate */
    const struct sx_schema *schema;  /* of the table: group columns, then the outputs */
    uint32_t key_count;
    uint32_t *fixed_at;  /* by use: where its fixed part begins */
    uint32_t head_bytes; /* before the fixed parts */
    uint32_t fixed_bytes;
    bool retracts; /* it groups a table: rows go as well as come */
    bool variable; /* some aggregate has a variable part */
    const struct sx_type **key_types;
    struct sx_position at;
};

/* What a task evaluates for them. */
struct sx_groups;
struct sx_groups *sx_groups_open(const struct sx_groups_plan *plan);
void sx_groups_close(struct sx_groups *groups);

/* Evaluate arguments and conditions for a batch. False: rows were rejected. */
bool sx_groups_begin(struct sx_groups *groups, struct sx_node *node, const struct sx_batch *batch);

/* Add a row to a group; of a table, take the row before back first. `want_old`: keep the results before,
 * for sx_results_add. False: rejected. */
bool sx_groups_add(struct sx_groups *groups, struct sx_node *node, const struct sx_batch *batch, uint32_t row,
                   int64_t segment, struct sx_slice key, bool want_old);

/* The table's rows from stored groups, one by physical row; data NULL: there is none. `rows` has the key
 * columns, the selection, and bits of `gone` and times to be set. */
void sx_groups_read(struct sx_groups *groups, struct sx_node *node, const struct sx_slice *stored,
                    struct sx_batch *rows);

/* Bytes of a group's head and fixed parts: all of it, when nothing is variable. */
static inline uint32_t sx_groups_fixed_size(const struct sx_groups_plan *plan)
{
    return plan->head_bytes + plan->fixed_bytes;
}

/* ---- Groups whose bytes the caller keeps: sessions, sliding windows -------------------------- */

/* Take the group in hand that these bytes hold (a copy of them); SX_SLICE_NONE: one of no rows. False,
 * here and below: the row was rejected. */
bool sx_groups_load(struct sx_groups *groups, struct sx_node *node, const struct sx_batch *batch,
                    uint32_t row, struct sx_slice stored);
/* The same, to be changed in place: bytes of a group without variable parts, 8-byte aligned; `fresh`:
 * they are zeroed. */
void sx_groups_point(struct sx_groups *groups, char *bytes, bool fresh);
/* Add what a later session holds to the group in hand. */
bool sx_groups_merge(struct sx_groups *groups, struct sx_node *node, const struct sx_batch *batch,
                     uint32_t row, struct sx_slice later);
/* Add a row to it. `there`: in its window the table had a row before. */
bool sx_groups_take(struct sx_groups *groups, struct sx_node *node, const struct sx_batch *batch,
                    uint32_t row, bool there, bool want_old);
/* Its bytes, until the next call. */
struct sx_slice sx_groups_stored(struct sx_groups *groups);
/* Whether the group that was just added to has come (1) or gone (-1) by that. */
int sx_groups_presence(const struct sx_groups *groups);

/* ---- Batches of results ---------------------------------------------------------------------- */

/* Rows waiting to be emitted as one batch, at most SX_BATCH_ROWS. */
struct sx_results;
struct sx_results *sx_results_new(struct sx_groups *groups, struct sx_node *node, uint32_t port,
                                  const struct sx_batch *cause, bool want_old);
/* For final rows, of which one row in hand may cause any number: what a batch of them used is given back when
 * it was emitted. Nothing else may be kept in the arena from here to the end. */
struct sx_results *sx_results_begin_final(struct sx_groups *groups, struct sx_node *node,
                                          const struct sx_batch *cause);
void sx_results_end_final(struct sx_results *results);
/* The group that was just added to, with the row's key columns. */
void sx_results_add(struct sx_results *results, uint32_t row, const struct sx_window *window);
/* The group in hand is no more, in this window; the time of that row is the window's end. */
void sx_results_add_gone(struct sx_results *results, uint32_t row, const struct sx_window *window);
/* A group as stored, for a port where nobody asks for rows before; `row` is the row that caused it to
 * leave. */
void sx_results_add_stored(struct sx_results *results, struct sx_slice key, struct sx_slice stored,
                           uint32_t row, const struct sx_window *window);
/* A group without window that is deleted at a time, as it is stored. */
void sx_results_add_expired(struct sx_results *results, struct sx_slice key, struct sx_slice stored,
                            uint32_t row, int64_t time);
/* Emit what is waiting. */
void sx_results_flush(struct sx_results *results);

#endif
