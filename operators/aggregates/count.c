/* count.c: how many rows, or how many that are not null. */
#include "operators/aggregates/run.h"

static void add(struct sx_call *call, struct sx_aggregate_state *state, const struct sx_value *args,
                uint32_t count)
{
    ++*(int64_t *)state->fixed;
}

static void retract(struct sx_call *call, struct sx_aggregate_state *state, const struct sx_value *args,
                    uint32_t count)
{
    --*(int64_t *)state->fixed;
}

static void merge(struct sx_call *call, struct sx_aggregate_state *state,
                  const struct sx_aggregate_state *from)
{
    *(int64_t *)state->fixed += *(const int64_t *)from->fixed;
}

static struct sx_value result_of(struct sx_call *call, const struct sx_aggregate_state *state)
{
    return sx_value_int(*(const int64_t *)state->fixed);
}

static const struct sx_aggregate_def rows[] = {
    {.signature = "count() int",
     .summary = "The number of rows.",
     .example = "count()",
     .example_rows = "[1, null, 3]",
     .result = "3",
     .fixed_bytes = 8,
     .add = add,
     .retract = retract,
     .merge = merge,
     .result_of = result_of},
    {.signature = "count(x any) int",
     .summary = "The number of rows where x is not null.",
     .example = "count(x)",
     .example_rows = "[1, null, 3]",
     .result = "2",
     .fixed_bytes = 8,
     .add = add,
     .retract = retract,
     .merge = merge,
     .result_of = result_of},
};

const struct sx_aggregate_table sx_aggregates_count = SX_AGGREGATES_OF("counting", rows);
