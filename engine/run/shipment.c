/* shipment.c: the state of a slot's store as bytes; see shipment.h. */
#include "engine/run/shipment.h"

#include <stdlib.h>

enum { PIECE_BYTES = 64 * 1024 };

struct sx_shipment {
    struct sx_cursor *rows;
    struct sx_buffer head;
    int64_t position;
    uint64_t count;
    bool headed, ended;
};

/* Of the plan's stores that have a changelog of their own. */
static const struct sx_store_plan *find_store(const struct sx_engine *engine, const char *name)
{
    for (uint32_t s = 0; s < engine->plan->store_count; s++) {
        const struct sx_store_plan *store = engine->plan->stores[s];

        if (strcmp(store->name, name) == 0 && !store->from_source && !store->global &&
            store->changelog != NULL)
            return store;
    }
    return NULL;
}

static void add_number(struct sx_buffer *to, uint64_t number, uint32_t size)
{
    char bytes[8];

    sx_put_be64(bytes, number);
    sx_buffer_add(to, bytes + 8 - size, size);
}

static void write_head(struct sx_buffer *to, uint32_t signature, int64_t position, const struct sx_life *life,
                       const char *changelog)
{
    sx_buffer_add_text(to, "SXS1");
    add_number(to, signature, 4);
    add_number(to, (uint64_t)position, 8);
    add_number(to, life->number, 8);
    add_number(to, (uint64_t)life->offset, 8);
    add_number(to, (uint64_t)life->written_ms, 8);
    add_number(to, strlen(changelog), 2);
    sx_buffer_add_text(to, changelog);
}

/* Where the store stands: the position before the snapshot of its rows, so that they are not older. A store
 * that is wiped in between, to be restored, has none or a smaller one behind it. */
static streamd_status snapshot(struct sx_shipment *shipment, const struct sx_engine *engine,
                               const struct sx_store_plan *store, int32_t slot, streamd_error **error)
{
    struct sx_disk *disk = engine->options.disk;
    uint32_t id = engine->store_ids[store->index];
    int64_t then = SX_OFFSET_NONE;
    struct sx_life life;
    streamd_status status = sx_position_get(disk, id, slot, store->changelog, &shipment->position, error);

    if (status == STREAMD_OK)
        status = sx_life_get(disk, id, slot, &life, error);
    if (status != STREAMD_OK)
        return status;
    shipment->rows = sx_store_kinds.rows(disk, store->kind, id, slot);
    status = sx_position_get(disk, id, slot, store->changelog, &then, error);
    if (status != STREAMD_OK)
        return status;
    if (shipment->position == SX_OFFSET_NONE || then < shipment->position)
        return sx_fail(error, STREAMD_E_NOTFOUND, "nothing of `%s` in partition %d is here", store->name,
                       slot);
    write_head(&shipment->head, engine->signatures[store->index], shipment->position, &life,
               store->changelog);
    return STREAMD_OK;
}

streamd_status sx_shipment_open(struct sx_engine *engine, const char *store, int32_t slot,
                                struct sx_shipment **shipment, streamd_error **error)
{
    const struct sx_store_plan *plan = find_store(engine, store);
    streamd_status status;

    /* Numbers and signatures of stores are known when it has joined the group. */
    if (sx_engine_workers(engine) == NULL || engine->log->holds_state || plan == NULL)
        return sx_fail(error, STREAMD_E_NOTFOUND, "there is no store `%s` with a changelog here", store);
    *shipment = sx_calloc(1, sizeof(**shipment));
    status = snapshot(*shipment, engine, plan, slot, error);
    if (status == STREAMD_OK)
        return STREAMD_OK;
    sx_shipment_close(*shipment);
    *shipment = NULL;
    return status;
}

int64_t sx_shipment_position(const struct sx_shipment *shipment) { return shipment->position; }

streamd_status sx_shipment_read(struct sx_shipment *shipment, struct sx_buffer *to, streamd_error **error)
{
    size_t from = to->size;
    struct sx_slice key, value;

    if (!shipment->headed)
        sx_buffer_add_slice(to, sx_buffer_slice(&shipment->head));
    shipment->headed = true;
    while (!shipment->ended && to->size - from < PIECE_BYTES) {
        if (sx_store_kinds.next_row(shipment->rows, &key, &value)) {
            shipment->count++;
            add_number(to, key.size, 4);
            add_number(to, value.size, 4);
            sx_buffer_add_slice(to, key);
            sx_buffer_add_slice(to, value);
            continue;
        }
        if (sx_cursor_status(shipment->rows, error) != STREAMD_OK)
            return STREAMD_E_STORE;
        add_number(to, UINT32_MAX, 4);
        add_number(to, shipment->count, 8);
        shipment->ended = true;
    }
    return STREAMD_OK;
}

void sx_shipment_close(struct sx_shipment *shipment)
{
    if (shipment->rows != NULL)
        sx_cursor_close(shipment->rows);
    sx_buffer_free(&shipment->head);
    free(shipment);
}
