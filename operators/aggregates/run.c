/* run.c: see run.h. */
#include "operators/aggregates/run.h"

bool sx_run_next(struct sx_slice run, const char **at, struct sx_run_entry *entry)
{
    const char *end = run.data + run.size;
    uint64_t size;

    if (*at == NULL)
        *at = run.data;
    if (*at == NULL || *at >= end)
        return false;
    entry->at = *at;
    if (!sx_read_varint(at, end, &size) || size > (uint64_t)(end - *at))
        return false;
    entry->bytes = sx_slice(*at, size);
    *at += size;
    entry->next = *at;
    return true;
}

struct sx_slice sx_run_encode(struct sx_call *call, struct sx_value value, const struct sx_type *type)
{
    struct sx_buffer bytes = {0};
    struct sx_slice copy;

    sx_value_write(&bytes, value, type);
    copy = sx_arena_copy(call->arena, sx_buffer_slice(&bytes));
    sx_buffer_free(&bytes);
    return copy;
}

struct sx_value sx_run_decode(struct sx_call *call, struct sx_slice bytes, const struct sx_type *type)
{
    const char *at = bytes.data;
    struct sx_value value;

    if (!sx_value_read(&at, bytes.data + bytes.size, type, &value, call->arena))
        return SX_VALUE_NULL;
    return value;
}

bool sx_run_find(struct sx_slice run, struct sx_slice bytes, struct sx_run_entry *entry)
{
    const char *at = NULL;
    struct sx_run_entry here;
    bool found = false;

    while (sx_run_next(run, &at, &here)) {
        if (sx_slice_equal(here.bytes, bytes)) {
            *entry = here;
            found = true;
        }
    }
    return found;
}

void sx_run_insert(struct sx_call *call, struct sx_aggregate_state *state, const char *at,
                   struct sx_slice bytes)
{
    const struct sx_slice run = state->variable;
    const uint32_t before = at ? (uint32_t)(at - run.data) : run.size;
    struct sx_buffer size = {0};
    char *to;

    if ((uint64_t)run.size + bytes.size + 10 > SX_RUN_BYTES_MAX) {
        sx_call_fail(call, "the values that the group keeps are more than 16 MiB; give a limit");
        return;
    }
    sx_buffer_add_varint(&size, bytes.size);
    to = sx_arena_alloc(call->arena, run.size + size.size + bytes.size);
    state->variable = sx_slice(to, run.size + size.size + bytes.size);
    if (before)
        memcpy(to, run.data, before);
    memcpy(to + before, size.data, size.size);
    to += before + size.size;
    if (bytes.size)
        memcpy(to, bytes.data, bytes.size);
    if (run.size > before)
        memcpy(to + bytes.size, run.data + before, run.size - before);
    sx_buffer_free(&size);
    ((struct sx_run_fixed *)state->fixed)->count++;
}

void sx_run_remove(struct sx_call *call, struct sx_aggregate_state *state, const struct sx_run_entry *entry)
{
    const struct sx_slice run = state->variable;
    const size_t before = (size_t)(entry->at - run.data), gone = (size_t)(entry->next - entry->at);
    char *to = sx_arena_alloc(call->arena, run.size - gone);

    if (before)
        memcpy(to, run.data, before);
    if (run.size > before + gone)
        memcpy(to + before, entry->next, run.size - before - gone);
    state->variable = sx_slice(to, run.size - gone);
    ((struct sx_run_fixed *)state->fixed)->count--;
}

struct sx_value sx_run_array(struct sx_call *call, const struct sx_aggregate_state *state)
{
    const struct sx_run_fixed *fixed = state->fixed;
    struct sx_value *items = sx_arena_alloc(call->arena, sizeof(*items) * ((size_t)fixed->count + 1));
    const char *at = NULL;
    struct sx_run_entry entry;
    uint32_t count = 0;

    while (count < fixed->count && sx_run_next(state->variable, &at, &entry))
        items[count++] = sx_run_decode(call, entry.bytes, call->result->element);
    return (struct sx_value){.items = items, .size = count, .kind = SX_ARRAY};
}

bool sx_run_limit(struct sx_call *call, struct sx_aggregate_state *state, const struct sx_value *args,
                  uint32_t count)
{
    struct sx_run_fixed *fixed = state->fixed;

    if (count < 2)
        return true;
    if (args[1].kind == SX_NULL || args[1].i < 1) {
        sx_call_fail(call, "how many values to keep must be a positive number");
        return false;
    }
    fixed->most = args[1].i;
    return true;
}
