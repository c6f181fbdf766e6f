/* callback.h: what is behind a streamd_call: the bridge between the engine's values and a C callback. */
#ifndef SX_CALLBACK_H
#define SX_CALLBACK_H

#include "engine/data/value.h"
#include "engine/expr/function.h"
#include "streamd/call.h"

#define SX_CALL_ARGS_MAX 64 /* what the compiler allows */

struct streamd_value {
    struct sx_value value;
    const struct sx_type *type;
};

/* An array, map or struct being given. */
struct sx_call_frame {
    const struct sx_type *type;
    struct sx_value *items; /* in the arena */
    uint32_t count, room;
    struct sx_call_frame *outer;
};

struct streamd_call {
    struct sx_arena *arena;
    const struct sx_type *result_type; /* NULL: there is nothing to give */
    const struct streamd_value *args;
    uint32_t count;
    struct sx_call_frame *frame; /* innermost; NULL: the result itself is given */
    struct sx_value result;
    bool failed;
    char message[192];
    /* The bytes that are kept for it (an aggregate's run, an operator's state): */
    struct sx_slice state;
    bool state_changed;
    struct sx_slice other_state; /* when aggregates merge */
    struct sx_operator_call *op; /* of an operator: where rows go; else NULL */
};

/* Point the arguments at `boxes` (count of them) and begin. */
void sx_call_begin(streamd_call *call, struct sx_arena *arena, const struct sx_type *result,
                   struct streamd_value *boxes, const struct sx_value *args,
                   const struct sx_type *const *types, uint32_t count);
/* What the callback gave. Failed: null, and call->message says why. */
struct sx_value sx_call_end(streamd_call *call);
void sx_call_failed(streamd_call *call, const char *format, ...) SX_PRINTF(2, 3);

#endif
