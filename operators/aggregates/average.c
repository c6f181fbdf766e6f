/* average.c: the mean. Ints are summed in 128 bits, so that no order of rows overflows. */
#include "operators/aggregates/exact.h"
#include "operators/aggregates/run.h"
#include "operators/aggregates/total.h"

#include <math.h>

struct ints {
    char sum[16]; /* an __int128, of which the state gives no alignment */
    int64_t count;
};

struct doubles {
    struct sx_exact sum;
    int64_t count;
};

static void change_int(struct ints *to, __int128 by, int64_t rows)
{
    __int128 sum;

    memcpy(&sum, to->sum, sizeof(sum));
    sum += by;
    memcpy(to->sum, &sum, sizeof(sum));
    to->count += rows;
}

static void add_int(struct sx_call *call, struct sx_aggregate_state *state, const struct sx_value *args,
                    uint32_t count)
{
    change_int(state->fixed, args[0].i, 1);
}

static void retract_int(struct sx_call *call, struct sx_aggregate_state *state, const struct sx_value *args,
                        uint32_t count)
{
    change_int(state->fixed, -(__int128)args[0].i, -1);
}

static void merge_int(struct sx_call *call, struct sx_aggregate_state *state,
                      const struct sx_aggregate_state *from)
{
    const struct ints *later = from->fixed;
    __int128 sum;

    memcpy(&sum, later->sum, sizeof(sum));
    change_int(state->fixed, sum, later->count);
}

static struct sx_value result_int(struct sx_call *call, const struct sx_aggregate_state *state)
{
    const struct ints *mean = state->fixed;
    __int128 sum;

    memcpy(&sum, mean->sum, sizeof(sum));
    return mean->count ? sx_value_double((double)sum / (double)mean->count) : SX_VALUE_NULL;
}

static void change_double(struct sx_call *call, struct doubles *to, double by, int64_t rows)
{
    struct sx_exact sum = to->sum;

    sx_exact_add(&sum, by);
    if (!isfinite(sum.high)) {
        sx_call_fail(call, "the sum for avg is not finite");
        return;
    }
    to->count += rows;
    to->sum = to->count ? sum : (struct sx_exact){0, 0};
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
    const struct doubles *later = from->fixed;

    change_double(call, state->fixed, later->sum.high, later->count);
    change_double(call, state->fixed, later->sum.low, 0);
}

static struct sx_value result_double(struct sx_call *call, const struct sx_aggregate_state *state)
{
    const struct doubles *mean = state->fixed;

    return mean->count ? sx_value_double(mean->sum.high / (double)mean->count) : SX_VALUE_NULL;
}

static struct sx_value result_decimal(struct sx_call *call, const struct sx_aggregate_state *state)
{
    const struct sx_total *total = state->fixed;
    __int128 mean;

    if (total->count == 0)
        return SX_VALUE_NULL;
    if (!sx_decimal_divide(sx_total_digits(total), call->types[0]->scale, total->count, 0,
                           call->result->scale, &mean))
        return sx_call_fail(call, "decimal overflow: the mean does not fit into decimal(%u, %u)",
                            call->result->precision, call->result->scale);
    return sx_value_decimal(call->arena, mean);
}

static const struct sx_aggregate_def rows[] = {
    {.signature = "avg(x int) double",
     .summary = "The mean of ints, a double.",
     .example = "avg(x)",
     .example_rows = "[1, null, 4]",
     .result = "2.5",
     .fixed_bytes = sizeof(struct ints),
     .add = add_int,
     .retract = retract_int,
     .merge = merge_int,
     .result_of = result_int},
    {.signature = "avg(x double) double",
     .summary = "The mean of doubles.",
     .example = "avg(x)",
     .example_rows = "[1.5, 2.5]",
     .result = "2.0",
     .fixed_bytes = sizeof(struct doubles),
     .add = add_double,
     .retract = retract_double,
     .merge = merge_double,
     .result_of = result_double},
    {.signature = "avg(x decimal) decimal(38,max(6,s))",
     .summary = "The mean of decimals, rounded half up to their digits behind the point, six at least.",
     .example = "avg(cast(x as decimal(10, 2)))",
     .example_rows = "[1.5, null, 2.25, 0.1]",
     .result = "1.283333",
     .fixed_bytes = sizeof(struct sx_total),
     .add = sx_total_add,
     .retract = sx_total_retract,
     .merge = sx_total_merge,
     .result_of = result_decimal},
};

const struct sx_aggregate_table sx_aggregates_average = SX_AGGREGATES_OF("averages", rows);
