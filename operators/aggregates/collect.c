/* collect.c: all values, or each once, as an array in order of appearance. */
#include "operators/aggregates/run.h"

/* `arg` of the row is set for sets. */
static void keep(struct sx_call *call, struct sx_aggregate_state *state, struct sx_slice bytes)
{
    const struct sx_run_fixed *fixed = state->fixed;
    struct sx_run_entry there;

    if (fixed->most && fixed->count >= fixed->most)
        return;
    if (call->arg && sx_run_find(state->variable, bytes, &there))
        return;
    sx_run_insert(call, state, NULL, bytes);
}

static void add(struct sx_call *call, struct sx_aggregate_state *state, const struct sx_value *args,
                uint32_t count)
{
    const struct sx_type *type = call->result->element;
    struct sx_value value = args[0];

    /* Equal values are to be equal bytes. */
    if (call->arg && sx_type_holds(type, SX_JSON))
        value = sx_value_canonical(call->arena, value);
    if (sx_run_limit(call, state, args, count))
        keep(call, state, sx_run_encode(call, value, type));
}

/* The last of equal values goes, as in ksqlDB: which of them came with the row nobody knows. */
static void retract(struct sx_call *call, struct sx_aggregate_state *state, const struct sx_value *args,
                    uint32_t count)
{
    struct sx_run_entry entry;

    if (sx_run_find(state->variable, sx_run_encode(call, args[0], call->result->element), &entry))
        sx_run_remove(call, state, &entry);
}

static void merge(struct sx_call *call, struct sx_aggregate_state *state,
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

static const struct sx_aggregate_def rows[] = {
    {.signature = "collect(x T [, limit int]) array<T>",
     .summary = "All values, or the first `limit`, in the order of processing.",
     .example = "collect(x)",
     .example_rows = "[\"a\", null, \"b\", \"a\"]",
     .result = "[\"a\",\"b\",\"a\"]",
     .fixed_bytes = sizeof(struct sx_run_fixed),
     .variable = true,
     .add = add,
     .retract = retract,
     .merge = merge,
     .result_of = sx_run_array},
    {.signature = "collect_set(x T [, limit int]) array<T>",
     .summary = "The values without duplicates, or the first `limit`, in order of first appearance.",
     .example = "collect_set(x)",
     .example_rows = "[\"a\", null, \"b\", \"a\"]",
     .result = "[\"a\",\"b\"]",
     .fixed_bytes = sizeof(struct sx_run_fixed),
     .variable = true,
     .arg = (void *)(uintptr_t)1,
     .add = add,
     .cannot_retract = "another row may have had the same value; collect can retract",
     .merge = merge,
     .result_of = sx_run_array},
};

const struct sx_aggregate_table sx_aggregates_collect = SX_AGGREGATES_OF("collections", rows);
