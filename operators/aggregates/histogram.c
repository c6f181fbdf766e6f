/* histogram.c: how often each value comes, by its text. An entry of the run is the count (8 bytes), then
 * the text. */
#include "engine/expr/expr.h"
#include "operators/aggregates/run.h"

static bool find(struct sx_slice run, struct sx_slice text, struct sx_run_entry *entry)
{
    const char *at = NULL;

    while (sx_run_next(run, &at, entry))
        if (entry->bytes.size >= 8 &&
            sx_slice_equal(sx_slice(entry->bytes.data + 8, entry->bytes.size - 8), text))
            return true;
    return false;
}

static void change(struct sx_call *call, struct sx_aggregate_state *state, struct sx_slice text, int64_t by)
{
    struct sx_run_entry entry;
    int64_t now = by;
    char *bytes;

    if (find(state->variable, text, &entry)) {
        now += (int64_t)sx_get_le64(entry.bytes.data);
        sx_run_remove(call, state, &entry);
    }
    if (now <= 0)
        return;
    bytes = sx_arena_alloc(call->arena, (size_t)text.size + 8);
    sx_put_le64(bytes, (uint64_t)now);
    if (text.size)
        memcpy(bytes + 8, text.data, text.size);
    sx_run_insert(call, state, NULL, sx_slice(bytes, (size_t)text.size + 8));
}

static void change_value(struct sx_call *call, struct sx_aggregate_state *state, struct sx_value value,
                         int64_t by)
{
    const char *message;
    struct sx_value text;

    value = sx_value_canonical(call->arena, value);
    if (sx_value_cast(value, call->types[0], &sx_type_string, call->arena, &text, &message))
        change(call, state, sx_value_slice(text), by);
    else
        sx_call_fail(call, "%s", message);
}

static void add(struct sx_call *call, struct sx_aggregate_state *state, const struct sx_value *args,
                uint32_t count)
{
    change_value(call, state, args[0], 1);
}

static void retract(struct sx_call *call, struct sx_aggregate_state *state, const struct sx_value *args,
                    uint32_t count)
{
    change_value(call, state, args[0], -1);
}

static void merge(struct sx_call *call, struct sx_aggregate_state *state,
                  const struct sx_aggregate_state *from)
{
    struct sx_run_entry entry;
    const char *at = NULL;

    while (!call->failed && sx_run_next(from->variable, &at, &entry))
        if (entry.bytes.size >= 8)
            change(call, state, sx_slice(entry.bytes.data + 8, entry.bytes.size - 8),
                   (int64_t)sx_get_le64(entry.bytes.data));
}

static struct sx_value result_of(struct sx_call *call, const struct sx_aggregate_state *state)
{
    const struct sx_run_fixed *fixed = state->fixed;
    struct sx_value *pairs = sx_arena_alloc(call->arena, sizeof(*pairs) * 2 * ((size_t)fixed->count + 1));
    struct sx_run_entry entry;
    const char *at = NULL;
    uint32_t count = 0;

    while (count < fixed->count && sx_run_next(state->variable, &at, &entry) && entry.bytes.size >= 8) {
        pairs[2 * count] = sx_value_string(sx_slice(entry.bytes.data + 8, entry.bytes.size - 8));
        pairs[2 * count + 1] = sx_value_int((int64_t)sx_get_le64(entry.bytes.data));
        count++;
    }
    return (struct sx_value){.items = pairs, .size = sx_value_sort_map(pairs, count), .kind = SX_MAP};
}

static const struct sx_aggregate_def rows[] = {
    {.signature = "histogram(x T) map<int>",
     .summary = "How often each value comes, by its text.",
     .example = "histogram(x)",
     .example_rows = "[\"a\", null, \"b\", \"a\"]",
     .result = "{\"a\":2,\"b\":1}",
     .fixed_bytes = sizeof(struct sx_run_fixed),
     .variable = true,
     .add = add,
     .retract = retract,
     .merge = merge,
     .result_of = result_of},
};

const struct sx_aggregate_table sx_aggregates_histogram = SX_AGGREGATES_OF("counting", rows);
