/* total.h: the state of what adds up decimals (sum, avg): exact, whatever the order of the rows. */
#ifndef SX_AGGREGATES_TOTAL_H
#define SX_AGGREGATES_TOTAL_H

#include "engine/data/decimal.h"
#include "operators/aggregates/run.h"

struct sx_total {
    char digits[16]; /* an __int128, of which the state gives no alignment */
    int64_t count;
};

static inline __int128 sx_total_digits(const struct sx_total *total)
{
    __int128 digits;

    memcpy(&digits, total->digits, sizeof(digits));
    return digits;
}

static inline void sx_total_change(struct sx_call *call, struct sx_total *to, __int128 by, int64_t rows)
{
    __int128 digits = sx_total_digits(to);

    if (__builtin_add_overflow(digits, by, &digits) || !sx_decimal_fits(digits, SX_DECIMAL_DIGITS)) {
        sx_call_fail(call, "decimal overflow: the sum has more than %u digits", SX_DECIMAL_DIGITS);
        return;
    }
    memcpy(to->digits, &digits, sizeof(digits));
    to->count += rows;
}

static inline void sx_total_add(struct sx_call *call, struct sx_aggregate_state *state,
                                const struct sx_value *args, uint32_t count)
{
    sx_total_change(call, state->fixed, *args[0].decimal, 1);
}

static inline void sx_total_retract(struct sx_call *call, struct sx_aggregate_state *state,
                                    const struct sx_value *args, uint32_t count)
{
    sx_total_change(call, state->fixed, -*args[0].decimal, -1);
}

static inline void sx_total_merge(struct sx_call *call, struct sx_aggregate_state *state,
                                  const struct sx_aggregate_state *from)
{
    const struct sx_total *later = from->fixed;

    sx_total_change(call, state->fixed, sx_total_digits(later), later->count);
}

#endif
