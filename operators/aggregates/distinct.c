/* distinct.c: how many different values, exactly. The values are kept in their sortable form, sorted. */
#include "operators/aggregates/run.h"

/* Where the bytes are or belong; true: they are there. */
static bool find(struct sx_slice run, struct sx_slice bytes, const char **where)
{
    struct sx_run_entry entry;
    const char *at = NULL;

    *where = NULL;
    while (sx_run_next(run, &at, &entry)) {
        int order = sx_slice_compare(bytes, entry.bytes);

        if (order <= 0) {
            *where = entry.at;
            return order == 0;
        }
    }
    return false;
}

static void keep(struct sx_call *call, struct sx_aggregate_state *state, struct sx_slice bytes)
{
    const char *where;

    if (!find(state->variable, bytes, &where))
        sx_run_insert(call, state, where, bytes);
}

static void add(struct sx_call *call, struct sx_aggregate_state *state, const struct sx_value *args,
                uint32_t count)
{
    struct sx_buffer key = {0};

    sx_key_write_values(&key, args, 1);
    keep(call, state, sx_buffer_slice(&key));
    sx_buffer_free(&key);
}

static void merge(struct sx_call *call, struct sx_aggregate_state *state,
                  const struct sx_aggregate_state *from)
{
    struct sx_run_entry entry;
    const char *at = NULL;

    while (!call->failed && sx_run_next(from->variable, &at, &entry))
        keep(call, state, entry.bytes);
}

static struct sx_value result_of(struct sx_call *call, const struct sx_aggregate_state *state)
{
    return sx_value_int(((const struct sx_run_fixed *)state->fixed)->count);
}

static const struct sx_aggregate_def rows[] = {
    {.signature = "count_distinct(x T) int",
     .summary = "The number of different values, exactly; it keeps them all.",
     .example = "count_distinct(x)",
     .example_rows = "[\"a\", null, \"b\", \"a\"]",
     .result = "2",
     .fixed_bytes = sizeof(struct sx_run_fixed),
     .variable = true,
     .add = add,
     .cannot_retract = "another row may have had the same value",
     .merge = merge,
     .result_of = result_of},
};

const struct sx_aggregate_table sx_aggregates_distinct = SX_AGGREGATES_OF("counting", rows);
