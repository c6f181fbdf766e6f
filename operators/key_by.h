/* key_by.h: changing the key, as `key by`, `group by` and joins do. */
#ifndef SX_OPERATORS_KEY_BY_H
#define SX_OPERATORS_KEY_BY_H

#include "operators/common.h"

/* The plan of both operators that replace keys. */
struct sx_key_plan {
    const struct sx_schema *schema;
    const struct sx_named *keys;
    uint32_t count;
    bool skip_null; /* rows with a null key are dropped here: what follows would drop them */
    uint32_t
        window_column; /* of a windowed table: the first of two readable columns with the rows' windows */
};

/* The changes of a table by another key (regroup.c). */
extern const struct sx_operator_def sx_operator_regroup;

extern const struct sx_operator_def sx_operator_key_by;

/* A node that gives the flow these key columns; the result is `moved`. `skip_null`: rows with a null
 * among them are dropped (reason null_key), as groups and inner joins would do after a topic between. */
struct sx_flow *sx_key_by_bind(struct sx_bind *b, const struct sx_flow *in, const struct sx_named *keys,
                               uint32_t count, bool skip_null);

/* Are these just the flow's key columns, in order? */
bool sx_keys_are_columns(const struct sx_flow *flow, const struct sx_named *keys, uint32_t count);

#endif
