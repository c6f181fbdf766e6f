/* groups_inside.h: what groups.c, which changes groups, and results.c, which shows them, share. */
#ifndef SX_OPERATORS_GROUPS_INSIDE_H
#define SX_OPERATORS_GROUPS_INSIDE_H

#include "operators/groups.h"

struct use_state;

struct sx_groups {
    const struct sx_groups_plan *plan;
    struct use_state *uses;
    struct sx_evaluator **outputs;
    char *bytes;                       /* of the group in hand: its head and fixed parts */
    struct sx_aggregate_state *states; /* of the group in hand */
    struct sx_aggregate_state *later;  /* of a group that is merged into it */
    struct sx_value *now, *before;     /* its results */
    const char *no_result;             /* why one of them could not be had, or NULL */
    bool was_there, is_there;
    int64_t ts, ts_before;
    struct sx_buffer stored;
};

/* Point `states` into stored bytes, whose fixed parts may be changed in place. False: damaged. */
bool sx_groups_states(struct sx_groups *groups, struct sx_aggregate_state *states, char *bytes,
                      uint32_t size);
/* The results of the group in hand, by use; what cannot be had is null, and no_result says why. */
void sx_groups_results(struct sx_groups *groups, struct sx_node *node, struct sx_value *values);
/* Always false. */
bool sx_groups_reject(struct sx_groups *groups, struct sx_node *node, const struct sx_batch *batch,
                      uint32_t row, const char *message);

#endif
