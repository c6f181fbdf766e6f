/* arrival.c: bytes of another member's store into the one here; see shipment.h. */
#include "engine/run/restore.h"
#include "engine/run/shipment.h"

#include <stdlib.h>

enum { HEAD_BYTES = 42, SIZES_BYTES = 8, END_BYTES = 12, ROW_BYTES_MOST = 256 << 20, UNIT_BYTES = 1 << 20 };

struct sx_arrival {
    const struct sx_engine *engine;
    struct sx_slot_store *store;
    int32_t slot;
    struct sx_unit *unit;
    struct sx_buffer bytes; /* not looked at yet */
    int64_t position;
    struct sx_life life;
    struct sx_arrived arrived;
    bool headed, ended;
};

struct sx_arrival *sx_arrival_new(const struct sx_slot *slot, struct sx_slot_store *store)
{
    struct sx_arrival *a = sx_calloc(1, sizeof(*a));

    a->engine = slot->worker->engine;
    a->store = store;
    a->slot = slot->number;
    a->unit = sx_unit_new(a->engine->options.disk);
    sx_restore_forget(a->unit, store, slot->number);
    return a;
}

static streamd_status misfit(const char *what, streamd_error **error)
{
    return sx_fail(error, STREAMD_E_CORRUPT, "the state that another member sent %s", what);
}

/* *used: bytes of the head; 0: it is not whole yet. */
static streamd_status take_head(struct sx_arrival *a, struct sx_slice bytes, size_t *used,
                                streamd_error **error)
{
    const struct sx_store_plan *plan = a->store->store->plan;
    const char *at = bytes.data;
    uint16_t size;

    if (bytes.size < HEAD_BYTES)
        return STREAMD_OK;
    if (memcmp(at, "SXS1", 4) != 0)
        return misfit("is in a form that is not known here", error);
    size = sx_get_be16(at + 40);
    if (bytes.size < HEAD_BYTES + (size_t)size)
        return STREAMD_OK;
    if (!sx_slice_equal(sx_slice(at + HEAD_BYTES, size), sx_slice_of(plan->changelog)))
        return misfit("is of another changelog", error);
    if (sx_get_be32(at + 4) != a->engine->signatures[plan->index])
        return misfit("has rows that mean something else: it runs another version of the file", error);
    a->position = (int64_t)sx_get_be64(at + 8);
    a->life =
        (struct sx_life){sx_get_be64(at + 16), (int64_t)sx_get_be64(at + 24), (int64_t)sx_get_be64(at + 32)};
    if (a->position < 0 || a->life.offset < 0)
        return misfit("has offsets below zero", error);
    a->headed = true;
    *used = HEAD_BYTES + (size_t)size;
    return STREAMD_OK;
}

static streamd_status take_row(struct sx_arrival *a, struct sx_slice bytes, size_t *used,
                               streamd_error **error)
{
    uint32_t key_size, value_size;
    uint64_t size;
    struct sx_slice key, value;

    if (bytes.size < SIZES_BYTES)
        return STREAMD_OK;
    key_size = sx_get_be32(bytes.data);
    value_size = sx_get_be32(bytes.data + 4);
    if (key_size == UINT32_MAX) {
        if (bytes.size < END_BYTES)
            return STREAMD_OK;
        if (sx_get_be64(bytes.data + 4) != a->arrived.rows)
            return misfit("lacks rows", error);
        a->ended = true;
        *used = END_BYTES;
        return STREAMD_OK;
    }
    size = SIZES_BYTES + (uint64_t)key_size + value_size;
    if (size > ROW_BYTES_MOST)
        return misfit("has a row of more than 256 MiB", error);
    if (bytes.size < size)
        return STREAMD_OK;
    key = sx_slice(bytes.data + SIZES_BYTES, key_size);
    value = sx_slice(key.data + key_size, value_size);
    if (!a->store->store->ops->restore(a->store->store, a->unit, key, value))
        return misfit("has a row that is damaged", error);
    a->arrived.rows++;
    a->arrived.bytes += (uint64_t)key_size + value_size;
    *used = (size_t)size;
    return sx_unit_bytes(a->unit) < UNIT_BYTES ? STREAMD_OK : sx_unit_write(a->unit, false, error);
}

streamd_status sx_arrival_take(struct sx_arrival *a, struct sx_slice bytes, streamd_error **error)
{
    streamd_status status = STREAMD_OK;
    size_t done = 0, used;

    sx_buffer_add_slice(&a->bytes, bytes);
    do {
        struct sx_slice left = sx_slice(a->bytes.data + done, (uint32_t)(a->bytes.size - done));

        used = 0;
        if (a->ended && left.size > 0)
            status = misfit("goes on behind its end", error);
        else if (!a->ended)
            status = a->headed ? take_row(a, left, &used, error) : take_head(a, left, &used, error);
        done += used;
    } while (used > 0 && status == STREAMD_OK);
    memmove(a->bytes.data, a->bytes.data + done, a->bytes.size - done);
    a->bytes.size -= done;
    return status;
}

streamd_status sx_arrival_end(struct sx_arrival *a, struct sx_arrived *arrived, streamd_error **error)
{
    if (!a->ended)
        return misfit("breaks off", error);
    *arrived = a->arrived;
    sx_position_put(a->unit, a->store->id, a->slot, a->store->store->plan->changelog, a->position);
    if (a->life.number != 0)
        sx_life_put(a->unit, a->store->id, a->slot, &a->life);
    return sx_unit_write(a->unit, false, error);
}

void sx_arrival_free(struct sx_arrival *a)
{
    sx_unit_free(a->unit);
    sx_buffer_free(&a->bytes);
    free(a);
}
