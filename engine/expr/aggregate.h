/* aggregate.h: the contract of an aggregate function.
 *
 * State   A group's state is bytes, and they are the stored bytes: nothing is encoded at a commit.
 *         Each aggregate has `fixed_bytes` of them (8-byte aligned, little-endian), changed in place,
 *         and if it is `variable` one run of bytes of any length beside, read and replaced whole.
 *         Zeroed fixed bytes and an empty run must be the state of no rows.
 * Nulls   Rows whose first argument is null are not given to add, unless SX_AGGREGATE_NULLS. The
 *         `where` clause is no business of an aggregate.
 * Threads As for functions.
 */
#ifndef SX_AGGREGATE_H
#define SX_AGGREGATE_H

#include "engine/expr/function.h"

struct sx_aggregate_state {
    void *fixed;              /* fixed_bytes, may be changed */
    struct sx_slice variable; /* as it is; to replace it, point it at bytes in call->arena */
};

enum sx_aggregate_flags {
    SX_AGGREGATE_NULLS = 1 /* null arguments count too */
};

struct sx_aggregate_def {
    const char *signature; /* as for functions; the parameters are the arguments */
    const char *summary;
    const char *example;      /* the aggregate as written, over a column x; see example_rows */
    const char *example_rows; /* JSON array of the values of x (or of objects), in order */
    const char *result;       /* as JSON */
    uint32_t flags;
    uint32_t fixed_bytes;
    bool variable;
    void *arg;

    /* Add a row. call->types are the arguments' types. A row error: sx_call_fail. */
    void (*add)(struct sx_call *call, struct sx_aggregate_state *state, const struct sx_value *args,
                uint32_t count);
    /* Take a row back, for tables. NULL: cannot be; `cannot_retract` says why. */
    void (*retract)(struct sx_call *call, struct sx_aggregate_state *state, const struct sx_value *args,
                    uint32_t count);
    const char *cannot_retract;
    /* Add what `from` holds, for sessions that merge; `from` is the later session. NULL: cannot be. */
    void (*merge)(struct sx_call *call, struct sx_aggregate_state *state,
                  const struct sx_aggregate_state *from);
    /* The result; call->result is its type. */
    struct sx_value (*result_of)(struct sx_call *call, const struct sx_aggregate_state *state);
};

struct sx_aggregate_table {
    const char *family;
    const struct sx_aggregate_def *rows;
    uint32_t count;
};

#endif
