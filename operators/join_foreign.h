/* join_foreign.h: two tables joined by a foreign key: what the three nodes of such a join share.
 *
 *   left ── subscribe ── [subscription topic, by the right's key] ── subscribers ── right
 *     │                                                                   │
 *     └──── result ──── [response topic, to the left's partition] ────────┘
 *
 * A left row subscribes to the right's row that it refers to; it is answered at once, if need be, and again
 * whenever that row changes. An answer carries the hash of the left row for which it was asked: if the left
 * row has changed since it is stale, and left out. So that another one is always under way, every change of a
 * left row is answered, also when there is nothing to tell; but one that neither refers nor did refer to
 * anything is settled by the last node itself. (Kafka Streams does not answer an inner join's subscription
 * when there is no right row: if that row went while its left row changed, the old result stays.)
 * Results are kept: the right's rows are in other partitions, so nothing here could work one out again for
 * what asks for it later, such as a join behind or a group that takes the row before back; nor could it be
 * told whether there was one to be deleted.
 */
#ifndef SX_OPERATORS_JOIN_FOREIGN_H
#define SX_OPERATORS_JOIN_FOREIGN_H

#include "operators/join.h"
#include "operators/rows.h"

/* What a subscription asks for; they stand in topics. */
enum sx_instruction {
    SX_SUBSCRIBE = 1, /* and be answered */
    SX_LEAVE = 2,
    SX_LEAVE_ANSWER = 3 /* and be answered that there is none */
};

/* Columns of a subscription: the right's key, the left's key, then: */
enum { SX_SUBSCRIPTION_HASH, SX_SUBSCRIPTION_WHAT, SX_SUBSCRIPTION_PARTITION, SX_SUBSCRIPTION_COLUMNS };
/* Columns of an answer: the left's key, then these, then the right's key and value columns. An answer
 * without a right row is `gone`. */
enum { SX_ANSWER_HASH, SX_ANSWER_PARTITION, SX_ANSWER_COLUMNS };

struct sx_foreign_plan {
    const struct sx_named *on; /* by the right's key columns */
    uint32_t on_count;
    bool left_join;
    const struct sx_schema *left, *right;
    const struct sx_schema *subscription, *answer;
    const struct sx_view_plan *left_view, *right_view;
    struct sx_pairing pairing;
};

extern const struct sx_operator_def sx_operator_join_subscribe, sx_operator_join_subscribers,
    sx_operator_join_foreign;

/* The plan of all three (join_foreign.c). */
void sx_join_foreign_bind(struct sx_bind *b, const struct sx_flow *in, const struct sx_flow *with,
                          enum sx_join_how how);

/* ---- Who has subscribed (subscribers.c) ------------------------------------------------------ */

struct sx_subscriber {
    struct sx_slice key; /* the left row's, in key form */
    struct sx_value hash;
    int32_t partition;
    int64_t ts;
};

struct sx_subscribers {
    struct sx_node *node;
    struct sx_store *store;
    struct sx_buffer key, value;
};

/* `right` and `left`: keys in key form, not in the buffers here. */
void sx_subscribers_put(struct sx_subscribers *s, struct sx_slice right,
                        const struct sx_subscriber *subscriber);
void sx_subscribers_remove(struct sx_subscribers *s, struct sx_slice right, struct sx_slice left);
/* All of a right key, ordered by their keys, in the batch's arena. */
uint32_t sx_subscribers_all(struct sx_subscribers *s, struct sx_slice right, struct sx_subscriber **all);

#endif
