/* truth.c: is it so for any row, or for all? Both answers are counted, so rows can be taken back. */
#include "operators/aggregates/run.h"

struct truth {
    int64_t of[2]; /* rows that are false, and true */
};

static void add(struct sx_call *call, struct sx_aggregate_state *state, const struct sx_value *args,
                uint32_t count)
{
    ((struct truth *)state->fixed)->of[args[0].b]++;
}

static void retract(struct sx_call *call, struct sx_aggregate_state *state, const struct sx_value *args,
                    uint32_t count)
{
    ((struct truth *)state->fixed)->of[args[0].b]--;
}

static void merge(struct sx_call *call, struct sx_aggregate_state *state,
                  const struct sx_aggregate_state *from)
{
    for (int i = 0; i < 2; i++)
        ((struct truth *)state->fixed)->of[i] += ((const struct truth *)from->fixed)->of[i];
}

static struct sx_value any(struct sx_call *call, const struct sx_aggregate_state *state)
{
    const struct truth *t = state->fixed;

    return t->of[0] + t->of[1] ? sx_value_bool(t->of[1] > 0) : SX_VALUE_NULL;
}

static struct sx_value all(struct sx_call *call, const struct sx_aggregate_state *state)
{
    const struct truth *t = state->fixed;

    return t->of[0] + t->of[1] ? sx_value_bool(t->of[0] == 0) : SX_VALUE_NULL;
}

static const struct sx_aggregate_def rows[] = {
    {.signature = "any(x bool) bool",
     .summary = "Is x true in some row?",
     .example = "any(x)",
     .example_rows = "[false, null, true]",
     .result = "true",
     .fixed_bytes = sizeof(struct truth),
     .add = add,
     .retract = retract,
     .merge = merge,
     .result_of = any},
    {.signature = "all(x bool) bool",
     .summary = "Is x true in every row where it is not null?",
     .example = "all(x)",
     .example_rows = "[false, null, true]",
     .result = "false",
     .fixed_bytes = sizeof(struct truth),
     .add = add,
     .retract = retract,
     .merge = merge,
     .result_of = all},
};

const struct sx_aggregate_table sx_aggregates_truth = SX_AGGREGATES_OF("truth", rows);
