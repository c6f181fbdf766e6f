/* first_last.c: the first or last value, or several of them, in the order of processing. */
#include "operators/aggregates/one.h"

/* ---- One ------------------------------------------------------------------------------------- */

/* `arg` of the row is set for last. */
static void add(struct sx_call *call, struct sx_aggregate_state *state, const struct sx_value *args,
                uint32_t count)
{
    struct sx_one_fixed *one = state->fixed;

    if (call->arg || !one->present)
        sx_one_set(one, args[0]);
}

static void merge(struct sx_call *call, struct sx_aggregate_state *state,
                  const struct sx_aggregate_state *from)
{
    struct sx_value later = sx_one_get(call->result->kind, from->fixed);

    if (later.kind != SX_NULL)
        add(call, state, &later, 1);
}

static struct sx_value result_of(struct sx_call *call, const struct sx_aggregate_state *state)
{
    return sx_one_get(call->result->kind, state->fixed);
}

static void add_run(struct sx_call *call, struct sx_aggregate_state *state, const struct sx_value *args,
                    uint32_t count)
{
    if (call->arg || state->variable.size == 0)
        sx_one_set_run(call, state, args[0], call->result);
}

static void merge_run(struct sx_call *call, struct sx_aggregate_state *state,
                      const struct sx_aggregate_state *from)
{
    if (from->variable.size && (call->arg || state->variable.size == 0))
        state->variable = from->variable;
}

static struct sx_value result_of_run(struct sx_call *call, const struct sx_aggregate_state *state)
{
    return sx_one_get_run(call, state, call->result);
}

/* ---- Several --------------------------------------------------------------------------------- */

static void keep(struct sx_call *call, struct sx_aggregate_state *state, struct sx_slice bytes)
{
    const struct sx_run_fixed *fixed = state->fixed;
    struct sx_run_entry first;
    const char *at = NULL;

    if (fixed->count >= fixed->most) {
        if (call->arg == NULL || !sx_run_next(state->variable, &at, &first))
            return;
        sx_run_remove(call, state, &first);
    }
    sx_run_insert(call, state, NULL, bytes);
}

static void add_several(struct sx_call *call, struct sx_aggregate_state *state, const struct sx_value *args,
                        uint32_t count)
{
    if (sx_run_limit(call, state, args, count))
        keep(call, state, sx_run_encode(call, args[0], call->result->element));
}

static void merge_several(struct sx_call *call, struct sx_aggregate_state *state,
                          const struct sx_aggregate_state *from)
{
    const struct sx_run_fixed *later = from->fixed;
    struct sx_run_entry entry;
    const char *at = NULL;

    if (later->most)
        ((struct sx_run_fixed *)state->fixed)->most = later->most;
    while (!call->failed && sx_run_next(from->variable, &at, &entry))
        keep(call, state, entry.bytes);
}

static struct sx_value result_of_several(struct sx_call *call, const struct sx_aggregate_state *state)
{
    const struct sx_run_fixed *fixed = state->fixed;

    return fixed->count ? sx_run_array(call, state) : SX_VALUE_NULL;
}

/* ---- Rows ------------------------------------------------------------------------------------ */

#define WHY "once that row is taken back its neighbour is not known"
#define FIXED(name, type, text, in, out, is_last)                                                           \
    {                                                                                                       \
        .signature = name "(x " type ") " type, .summary = text, .example = name "(x)", .example_rows = in, \
        .result = out, .fixed_bytes = sizeof(struct sx_one_fixed), .arg = (void *)(uintptr_t)(is_last),     \
        .add = add, .cannot_retract = WHY, .merge = merge, .result_of = result_of                           \
    }
#define RUN(name, text, in, out, is_last)                                                        \
    {                                                                                            \
        .signature = name "(x T) T", .summary = text, .example = name "(x)", .example_rows = in, \
        .result = out, .variable = true, .arg = (void *)(uintptr_t)(is_last), .add = add_run,    \
        .cannot_retract = WHY, .merge = merge_run, .result_of = result_of_run                    \
    }
#define SEVERAL(name, text, in, out, is_last)                                                            \
    {                                                                                                    \
        .signature = name "(x T, n int) array<T>", .summary = text, .example = name "(x, 2)",            \
        .example_rows = in, .result = out, .fixed_bytes = sizeof(struct sx_run_fixed), .variable = true, \
        .arg = (void *)(uintptr_t)(is_last), .add = add_several, .cannot_retract = WHY,                  \
        .merge = merge_several, .result_of = result_of_several                                           \
    }
#define FIRST "The first value, in the order of processing."
#define LAST "The last value, in the order of processing."

static const struct sx_aggregate_def rows[] = {
    FIXED("first", "int", FIRST, "[null, 3, 7]", "3", 0),
    FIXED("first", "double", FIRST, "[null, 3.5, 7.0]", "3.5", 0),
    FIXED("first", "bool", FIRST, "[true, false]", "true", 0),
    FIXED("first", "timestamp", FIRST, "[3000, 7000]", "3000", 0),
    FIXED("first", "date", FIRST, "[\"2026-02-01\", \"2026-01-31\"]", "\"2026-02-01\"", 0),
    FIXED("first", "time", FIRST, "[\"10:00:00\", \"09:30:00\"]", "\"10:00:00\"", 0),
    FIXED("first", "duration", FIRST, "[3000, 7000]", "3000", 0),
    RUN("first", "The first value, of any type.", "[null, \"b\", \"a\"]", "\"b\"", 0),
    SEVERAL("first", "The first n values, in the order of processing.", "[5, 3, 7]", "[5,3]", 0),
    FIXED("last", "int", LAST, "[3, 7, null]", "7", 1),
    FIXED("last", "double", LAST, "[3.5, 7.0, null]", "7.0", 1),
    FIXED("last", "bool", LAST, "[true, false]", "false", 1),
    FIXED("last", "timestamp", LAST, "[3000, 7000]", "7000", 1),
    FIXED("last", "date", LAST, "[\"2026-02-01\", \"2026-01-31\"]", "\"2026-01-31\"", 1),
    FIXED("last", "time", LAST, "[\"10:00:00\", \"09:30:00\"]", "\"09:30:00\"", 1),
    FIXED("last", "duration", LAST, "[3000, 7000]", "7000", 1),
    RUN("last", "The last value, of any type.", "[\"b\", \"a\", null]", "\"a\"", 1),
    SEVERAL("last", "The last n values, in the order of processing.", "[5, 3, 7]", "[3,7]", 1),
};

const struct sx_aggregate_table sx_aggregates_first_last = SX_AGGREGATES_OF("first and last", rows);
