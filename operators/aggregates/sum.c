/* sum.c: sums of ints, durations, decimals and doubles. Sums of doubles do not depend on the order of the
 * rows, which with several partitions is nobody's to choose; Kafka Streams' may differ in the last digit.
 */
#include "operators/aggregates/exact.h"
#include "operators/aggregates/run.h"
#include "operators/aggregates/total.h"

#include <math.h>

struct sum {
    union {
        int64_t i;
        struct sx_exact d;
    };
    int64_t count; /* so that the sum of nothing is null, also after everything was taken back */
};

static void change_int(struct sx_call *call, struct sum *sum, int64_t by, int64_t rows)
{
    if (__builtin_add_overflow(sum->i, by, &sum->i)) {
        sx_call_fail(call, "integer overflow in sum");
        return;
    }
    sum->count += rows;
}

static void change_double(struct sx_call *call, struct sum *sum, double by, int64_t rows)
{
    struct sx_exact d = sum->d;

    sx_exact_add(&d, by);
    if (!isfinite(d.high)) {
        sx_call_fail(call, "the sum is not finite");
        return;
    }
    sum->count += rows;
    sum->d = sum->count ? d : (struct sx_exact){0, 0}; /* empty again: no rounding stays behind */
}

static void add_int(struct sx_call *call, struct sx_aggregate_state *state, const struct sx_value *args,
                    uint32_t count)
{
    change_int(call, state->fixed, args[0].i, 1);
}

static void retract_int(struct sx_call *call, struct sx_aggregate_state *state, const struct sx_value *args,
                        uint32_t count)
{
    struct sum *sum = state->fixed;

    if (__builtin_sub_overflow(sum->i, args[0].i, &sum->i))
        sx_call_fail(call, "integer overflow in sum");
    else
        sum->count--;
}

static void merge_int(struct sx_call *call, struct sx_aggregate_state *state,
                      const struct sx_aggregate_state *from)
{
    const struct sum *later = from->fixed;

    change_int(call, state->fixed, later->i, later->count);
}

static struct sx_value result_int(struct sx_call *call, const struct sx_aggregate_state *state)
{
    const struct sum *sum = state->fixed;

    return sum->count ? sx_value_int64(call->result->kind, sum->i) : SX_VALUE_NULL;
}

static void add_double(struct sx_call *call, struct sx_aggregate_state *state, const struct sx_value *args,
                       uint32_t count)
{
    change_double(call, state->fixed, args[0].d, 1);
}

static void retract_double(struct sx_call *call, struct sx_aggregate_state *state,
                           const struct sx_value *args, uint32_t count)
{
    change_double(call, state->fixed, -args[0].d, -1);
}

static void merge_double(struct sx_call *call, struct sx_aggregate_state *state,
                         const struct sx_aggregate_state *from)
{
    const struct sum *later = from->fixed;

    change_double(call, state->fixed, later->d.high, later->count);
    change_double(call, state->fixed, later->d.low, 0);
}

static struct sx_value result_double(struct sx_call *call, const struct sx_aggregate_state *state)
{
    const struct sum *sum = state->fixed;

    return sum->count ? sx_value_double(sum->d.high) : SX_VALUE_NULL;
}

static struct sx_value result_decimal(struct sx_call *call, const struct sx_aggregate_state *state)
{
    const struct sx_total *total = state->fixed;

    return total->count ? sx_value_decimal(call->arena, sx_total_digits(total)) : SX_VALUE_NULL;
}

static const struct sx_aggregate_def rows[] = {
    {.signature = "sum(x int) int",
     .summary = "The sum; an overflow is a row error.",
     .example = "sum(x)",
     .example_rows = "[1, null, 3]",
     .result = "4",
     .fixed_bytes = sizeof(struct sum),
     .add = add_int,
     .retract = retract_int,
     .merge = merge_int,
     .result_of = result_int},
    {.signature = "sum(x double) double",
     .summary = "The sum of doubles, whatever their order.",
     .example = "sum(x)",
     .example_rows = "[0.5, 1e16, null, -1e16]",
     .result = "0.5",
     .fixed_bytes = sizeof(struct sum),
     .add = add_double,
     .retract = retract_double,
     .merge = merge_double,
     .result_of = result_double},
    {.signature = "sum(x duration) duration",
     .summary = "The sum of durations.",
     .example = "sum(x)",
     .example_rows = "[1000, 500]",
     .result = "1500",
     .fixed_bytes = sizeof(struct sum),
     .add = add_int,
     .retract = retract_int,
     .merge = merge_int,
     .result_of = result_int},
    {.signature = "sum(x decimal) decimal(38,s)",
     .summary = "The sum of decimals, exact; more than 38 digits are a row error.",
     .example = "sum(cast(x as decimal(10, 2)))",
     .example_rows = "[1.5, null, 2.25, 0.1]",
     .result = "3.85",
     .fixed_bytes = sizeof(struct sx_total),
     .add = sx_total_add,
     .retract = sx_total_retract,
     .merge = sx_total_merge,
     .result_of = result_decimal},
};

const struct sx_aggregate_table sx_aggregates_sum = SX_AGGREGATES_OF("sums", rows);
