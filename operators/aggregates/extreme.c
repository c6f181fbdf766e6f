/* extreme.c: the smallest and the largest value. */
#include "operators/aggregates/one.h"

/* Is `value` better than what there is? `arg` of the row is set for max. */
static bool is_better(const struct sx_call *call, struct sx_value value, struct sx_value now)
{
    int order = now.kind == SX_NULL ? 0 : sx_value_compare(value, now);

    return value.kind != SX_NULL && (now.kind == SX_NULL || (call->arg ? order > 0 : order < 0));
}

static void consider(struct sx_call *call, struct sx_one_fixed *one, struct sx_value value)
{
    if (is_better(call, value, sx_one_get(call->result->kind, one)))
        sx_one_set(one, value);
}

static void add(struct sx_call *call, struct sx_aggregate_state *state, const struct sx_value *args,
                uint32_t count)
{
    consider(call, state->fixed, args[0]);
}

static void merge(struct sx_call *call, struct sx_aggregate_state *state,
                  const struct sx_aggregate_state *from)
{
    consider(call, state->fixed, sx_one_get(call->result->kind, from->fixed));
}

static struct sx_value result_of(struct sx_call *call, const struct sx_aggregate_state *state)
{
    return sx_one_get(call->result->kind, state->fixed);
}

static void consider_run(struct sx_call *call, struct sx_aggregate_state *state, struct sx_value value)
{
    if (is_better(call, value, sx_one_get_run(call, state, call->result)))
        sx_one_set_run(call, state, value, call->result);
}

static void add_run(struct sx_call *call, struct sx_aggregate_state *state, const struct sx_value *args,
                    uint32_t count)
{
    consider_run(call, state, args[0]);
}

static void merge_run(struct sx_call *call, struct sx_aggregate_state *state,
                      const struct sx_aggregate_state *from)
{
    consider_run(call, state, sx_one_get_run(call, from, call->result));
}

static struct sx_value result_of_run(struct sx_call *call, const struct sx_aggregate_state *state)
{
    return sx_one_get_run(call, state, call->result);
}

#define WHY "once the extreme value is taken back the next one is not known"

/* Values of a fixed size in place; of any other type in the run. */
#define FIXED(name, type, text, in, out, largest)                                                           \
    {                                                                                                       \
        .signature = name "(x " type ") " type, .summary = text, .example = name "(x)", .example_rows = in, \
        .result = out, .fixed_bytes = sizeof(struct sx_one_fixed), .arg = (void *)(uintptr_t)(largest),     \
        .add = add, .cannot_retract = WHY, .merge = merge, .result_of = result_of                           \
    }
#define RUN(name, text, in, out, largest)                                                        \
    {                                                                                            \
        .signature = name "(x T) T", .summary = text, .example = name "(x)", .example_rows = in, \
        .result = out, .variable = true, .arg = (void *)(uintptr_t)(largest), .add = add_run,    \
        .cannot_retract = WHY, .merge = merge_run, .result_of = result_of_run                    \
    }
#define LEAST "The smallest value."
#define MOST "The largest value."

static const struct sx_aggregate_def rows[] = {
    FIXED("min", "int", LEAST, "[3, null, 7]", "3", 0),
    FIXED("min", "double", LEAST, "[3.5, null, -7.0]", "-7.0", 0),
    FIXED("min", "bool", LEAST, "[true, null, false]", "false", 0),
    FIXED("min", "timestamp", LEAST, "[3000, 7000]", "3000", 0),
    FIXED("min", "date", LEAST, "[\"2026-02-01\", \"2026-01-31\"]", "\"2026-01-31\"", 0),
    FIXED("min", "time", LEAST, "[\"10:00:00\", \"09:30:00\"]", "\"09:30:00\"", 0),
    FIXED("min", "duration", LEAST, "[3000, 7000]", "3000", 0),
    RUN("min", "The smallest value, of any type.", "[\"b\", null, \"a\"]", "\"a\"", 0),
    FIXED("max", "int", MOST, "[3, null, 7]", "7", 1),
    FIXED("max", "double", MOST, "[3.5, null, -7.0]", "3.5", 1),
    FIXED("max", "bool", MOST, "[true, null, false]", "true", 1),
    FIXED("max", "timestamp", MOST, "[3000, 7000]", "7000", 1),
    FIXED("max", "date", MOST, "[\"2026-02-01\", \"2026-01-31\"]", "\"2026-02-01\"", 1),
    FIXED("max", "time", MOST, "[\"10:00:00\", \"09:30:00\"]", "\"10:00:00\"", 1),
    FIXED("max", "duration", MOST, "[3000, 7000]", "7000", 1),
    RUN("max", "The largest value, of any type.", "[\"b\", null, \"a\"]", "\"b\"", 1),
};

const struct sx_aggregate_table sx_aggregates_extreme = SX_AGGREGATES_OF("extremes", rows);
