/* extreme_by.c: the value of the row where another one is smallest or largest. */
#include "operators/aggregates/run.h"

/* The run is `by`, then the value, both in stored form. An earlier row stays when a later one is equal.
 */
static bool read(struct sx_call *call, struct sx_slice run, struct sx_value *value, struct sx_value *by)
{
    const char *at = run.data, *end = run.data + run.size;

    return run.size && sx_value_read(&at, end, call->types[1], by, call->arena) &&
           sx_value_read(&at, end, call->types[0], value, call->arena);
}

static void consider(struct sx_call *call, struct sx_aggregate_state *state, struct sx_value value,
                     struct sx_value by)
{
    struct sx_buffer bytes = {0};
    struct sx_value now, now_by;

    if (by.kind == SX_NULL)
        return;
    if (read(call, state->variable, &now, &now_by)) {
        int order = sx_value_compare(by, now_by);

        if (call->arg ? order <= 0 : order >= 0)
            return;
    }
    sx_value_write(&bytes, by, call->types[1]);
    sx_value_write(&bytes, value, call->types[0]);
    state->variable = sx_arena_copy(call->arena, sx_buffer_slice(&bytes));
    sx_buffer_free(&bytes);
}

static void add(struct sx_call *call, struct sx_aggregate_state *state, const struct sx_value *args,
                uint32_t count)
{
    consider(call, state, args[0], args[1]);
}

static void merge(struct sx_call *call, struct sx_aggregate_state *state,
                  const struct sx_aggregate_state *from)
{
    struct sx_value value, by;

    if (read(call, from->variable, &value, &by))
        consider(call, state, value, by);
}

static struct sx_value result_of(struct sx_call *call, const struct sx_aggregate_state *state)
{
    struct sx_value value, by;

    return read(call, state->variable, &value, &by) ? value : SX_VALUE_NULL;
}

#define ROW(name, text, out, largest)                                                                        \
    {                                                                                                        \
        .signature = name "(v T, by U) T", .summary = text, .example = name "(x.v, x.by)",                   \
        .example_rows = "[{\"v\": \"a\", \"by\": 2}, {\"v\": \"b\", \"by\": 1}, {\"v\": \"c\", \"by\": 2}]", \
        .result = out, .variable = true, .arg = (void *)(uintptr_t)(largest), .add = add,                    \
        .cannot_retract = "once the extreme row is taken back the next one is not known", .merge = merge,    \
        .result_of = result_of                                                                               \
    }

static const struct sx_aggregate_def rows[] = {
    ROW("min_by", "The value of the row with the smallest `by`, the earliest of equals.", "\"b\"", 0),
    ROW("max_by", "The value of the row with the largest `by`, the earliest of equals.", "\"a\"", 1),
};

const struct sx_aggregate_table sx_aggregates_extreme_by = SX_AGGREGATES_OF("extremes", rows);
