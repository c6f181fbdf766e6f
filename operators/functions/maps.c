/* maps.c: maps. Their pairs are sorted by key, so results are too. */
#include "operators/functions/common.h"

/* `arg` of the row: 0 for the keys, 1 for the values. */
static struct sx_value part(struct sx_call *call, const struct sx_value *args, uint32_t count)
{
    struct sx_value *items = sx_arena_alloc(call->arena, sizeof(*items) * ((size_t)args[0].size + 1));

    for (uint32_t i = 0; i < args[0].size; i++)
        items[i] = args[0].items[2 * i + (uintptr_t)call->arg];
    return (struct sx_value){.items = items, .size = args[0].size, .kind = SX_ARRAY};
}

static struct sx_value unite(struct sx_call *call, const struct sx_value *args, uint32_t count)
{
    struct sx_items items = {.call = call};

    if (args[0].kind == SX_NULL || args[1].kind == SX_NULL)
        return args[0].kind == SX_NULL ? args[1] : args[0];
    for (uint32_t m = 0; m < 2; m++)
        for (uint32_t i = 0; i < 2 * args[m].size && !call->failed; i++)
            sx_items_add(&items, args[m].items[i]);
    return sx_items_map(&items);
}

static struct sx_value contains(struct sx_call *call, const struct sx_value *args, uint32_t count)
{
    for (uint32_t i = 0; i < args[0].size; i++)
        if (sx_slice_equal(sx_value_slice(args[0].items[2 * i]), sx_value_slice(args[1])))
            return sx_value_bool(true);
    return sx_value_bool(false);
}

static struct sx_value from_arrays(struct sx_call *call, const struct sx_value *args, uint32_t count)
{
    struct sx_items items = {.call = call};

    if (args[0].size != args[1].size)
        return sx_call_fail(call, "%u keys and %u values", args[0].size, args[1].size);
    for (uint32_t i = 0; i < args[0].size && !call->failed; i++) {
        if (args[0].items[i].kind == SX_NULL)
            return sx_call_fail(call, "a key of a map is null");
        sx_items_add(&items, args[0].items[i]);
        sx_items_add(&items, args[1].items[i]);
    }
    return sx_items_map(&items);
}

static const struct sx_function_def rows[] = {
    {.signature = "map_keys(m map<T>) array<string>",
     .summary = "The keys, sorted.",
     .example = "map_keys(map { \"b\": 1, \"a\": 2 })",
     .result = "[\"a\",\"b\"]",
     .fn = part},
    {.signature = "map_values(m map<T>) array<T>",
     .summary = "The values, in the order of their keys.",
     .example = "map_values(map { \"b\": 1, \"a\": 2 })",
     .result = "[2,1]",
     .fn = part,
     .arg = (void *)(uintptr_t)1},
    {.signature = "map_union(a map<T>, b map<T>) map<T>",
     .summary = "Both maps; of a key that both have, the second's value; a null map counts as empty.",
     .example = "map_union(map { \"a\": 1, \"b\": 1 }, map { \"b\": 2 })",
     .result = "{\"a\":1,\"b\":2}",
     .flags = SX_FUNCTION_NULLS,
     .fn = unite},
    {.signature = "map_contains_key(m map<T>, key string) bool",
     .summary = "Is there such a key?",
     .example = "map_contains_key(map { \"a\": 1 }, \"b\")",
     .result = "false",
     .fn = contains},
    {.signature = "as_map(keys array<string>, vals array<T>) map<T>",
     .summary = "A map of keys and their values.",
     .example = "as_map([\"a\", \"b\"], [1, 2])",
     .result = "{\"a\":1,\"b\":2}",
     .fn = from_arrays},
    {.signature = "map_from_arrays(keys array<string>, vals array<T>) map<T>",
     .summary = "A map of keys and their values, as Flink calls it; of equal keys the last counts.",
     .example = "map_from_arrays([\"a\", \"b\", \"a\"], [1, 2, 3])",
     .result = "{\"a\":3,\"b\":2}",
     .fn = from_arrays},
};

const struct sx_function_table sx_functions_maps = SX_ROWS_OF("maps", rows);
