/* one.h: the state of aggregates that keep one value (min, max, first, last).
 *
 * Values of a fixed size are kept in place, with a word that says whether there is one; others are the
 * run, in their stored form. */
#ifndef SX_AGGREGATES_ONE_H
#define SX_AGGREGATES_ONE_H

#include "operators/aggregates/run.h"

struct sx_one_fixed {
    union {
        int64_t i;
        double d;
        uint64_t b;
    };
    int64_t present;
};

static inline struct sx_value sx_one_get(enum sx_kind kind, const struct sx_one_fixed *one)
{
    if (!one->present)
        return SX_VALUE_NULL;
    return kind == SX_DOUBLE ? sx_value_double(one->d)
           : kind == SX_BOOL ? sx_value_bool(one->b != 0)
                             : sx_value_int64(kind, one->i);
}

static inline void sx_one_set(struct sx_one_fixed *one, struct sx_value value)
{
    one->present = 1;
    if (value.kind == SX_DOUBLE)
        one->d = value.d;
    else if (value.kind == SX_BOOL)
        one->b = value.b;
    else
        one->i = value.i;
}

/* The run's value; a run has a marker before it, so that an empty text is not nothing. */
static inline struct sx_value sx_one_get_run(struct sx_call *call, const struct sx_aggregate_state *state,
                                             const struct sx_type *type)
{
    struct sx_slice run = state->variable;

    return run.size ? sx_run_decode(call, sx_slice(run.data + 1, run.size - 1), type) : SX_VALUE_NULL;
}

static inline void sx_one_set_run(struct sx_call *call, struct sx_aggregate_state *state,
                                  struct sx_value value, const struct sx_type *type)
{
    struct sx_buffer bytes = {0};

    sx_buffer_add_byte(&bytes, 1);
    sx_value_write(&bytes, value, type);
    state->variable = sx_arena_copy(call->arena, sx_buffer_slice(&bytes));
    sx_buffer_free(&bytes);
}

#endif
