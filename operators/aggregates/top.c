/* top.c: the k largest values, best first; or the k largest different ones. */
#include "operators/aggregates/run.h"

/* `arg` of the row is set for distinct ones. */
static void keep(struct sx_call *call, struct sx_aggregate_state *state, struct sx_value value)
{
    const struct sx_type *type = call->result->element;
    const struct sx_run_fixed *fixed = state->fixed;
    struct sx_run_entry entry, last = {0};
    const char *at = NULL, *where = NULL;

    while (sx_run_next(state->variable, &at, &entry)) {
        int order = where ? 0 : sx_value_compare(value, sx_run_decode(call, entry.bytes, type));

        if (where == NULL && order == 0 && call->arg)
            return;
        if (where == NULL && order > 0)
            where = entry.at;
        last = entry;
    }
    if (fixed->count >= fixed->most) {
        if (where == NULL)
            return;
        /* The new one goes in before the last one leaves: it stands further on by as much. */
        sx_run_insert(call, state, where, sx_run_encode(call, value, type));
        at = NULL;
        while (sx_run_next(state->variable, &at, &entry))
            last = entry;
        sx_run_remove(call, state, &last);
        return;
    }
    sx_run_insert(call, state, where, sx_run_encode(call, value, type));
}

static void add(struct sx_call *call, struct sx_aggregate_state *state, const struct sx_value *args,
                uint32_t count)
{
    if (sx_run_limit(call, state, args, count))
        keep(call, state, args[0]);
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
        keep(call, state, sx_run_decode(call, entry.bytes, call->result->element));
}

#define ROW(name, text, out, distinct)                                                                    \
    {                                                                                                     \
        .signature = name "(x T, k int) array<T>", .summary = text, .example = name "(x, 2)",             \
        .example_rows = "[5, 9, null, 9, 1]", .result = out, .fixed_bytes = sizeof(struct sx_run_fixed),  \
        .variable = true, .arg = (void *)(uintptr_t)(distinct), .add = add,                               \
        .cannot_retract = "once one of the best is taken back the next one is not known", .merge = merge, \
        .result_of = sx_run_array                                                                         \
    }

static const struct sx_aggregate_def rows[] = {
    ROW("topk", "The k largest values, the largest first.", "[9,9]", 0),
    ROW("topk_distinct", "The k largest different values, the largest first.", "[9,5]", 1),
};

const struct sx_aggregate_table sx_aggregates_top = SX_AGGREGATES_OF("extremes", rows);
