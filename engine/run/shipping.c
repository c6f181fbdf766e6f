/* shipping.c: a thread that copies a slot's stores from other members, before they are restored; see
 * shipment.h. */
#include "engine/run/shipment.h"

#include <stdlib.h>

enum { RECORDS_LEAST = 1000 }; /* fewer are read from the changelog as soon */

struct sx_shipping {
    struct sx_slot *slot;
    struct sx_slot_store **stores; /* those that are wanted */
    uint32_t store_count;
    pthread_t thread;
    atomic_bool stop, done;
    struct sx_arrived arrived; /* the thread's until it is done */
};

/* ---- The thread ------------------------------------------------------------------------------ */

struct taking {
    struct sx_arrival *arrival;
    streamd_error *error;
};

static bool take(struct sx_slice bytes, void *arg)
{
    struct taking *t = arg;

    return sx_arrival_take(t->arrival, bytes, &t->error) == STREAMD_OK;
}

static void tell(const struct sx_shipping *shipping, const struct sx_slot_store *store, const char *from,
                 const struct sx_arrived *arrived)
{
    char slot[16], rows[24], bytes[24];

    snprintf(slot, sizeof(slot), "%d", shipping->slot->number);
    snprintf(rows, sizeof(rows), "%llu", (unsigned long long)arrived->rows);
    snprintf(bytes, sizeof(bytes), "%llu", (unsigned long long)arrived->bytes);
    sx_log(shipping->slot->worker->engine->options.logger, SX_INFO, "state was copied from another member",
           "store", store->store->plan->name, "slot", slot, "from", from, "rows", rows, "bytes", bytes, NULL);
}

static void copy_store(struct sx_shipping *shipping, struct sx_slot_store *store)
{
    const struct sx_engine *engine = shipping->slot->worker->engine;
    const struct sx_state_source *source = engine->options.state_source;
    struct taking taking = {.arrival = sx_arrival_new(shipping->slot, store)};
    struct sx_arrived arrived;
    streamd_error *error = NULL;
    char *from = NULL;
    streamd_status status = source->fetch(source->arg, store->store->plan->name, shipping->slot->number,
                                          &shipping->stop, take, &taking, &from, &error);

    if (taking.error != NULL) { /* why it was broken off, which the source cannot know */
        streamd_error_free(error);
        error = taking.error;
        status = streamd_error_status(error);
    }
    if (status == STREAMD_OK)
        status = sx_arrival_end(taking.arrival, &arrived, &error);
    if (status == STREAMD_OK) {
        shipping->arrived.rows += arrived.rows;
        shipping->arrived.bytes += arrived.bytes;
        tell(shipping, store, from, &arrived);
    } else if (status != STREAMD_E_NOTFOUND && !atomic_load(&shipping->stop)) {
        sx_log(engine->options.logger, SX_WARN, "state is not copied from another member but restored",
               "store", store->store->plan->name, "from", from != NULL ? from : "", "reason",
               streamd_error_message(error), NULL);
    }
    streamd_error_free(error);
    sx_arrival_free(taking.arrival);
    free(from);
}

static void *run(void *arg)
{
    struct sx_shipping *shipping = arg;

    for (uint32_t i = 0; i < shipping->store_count && !atomic_load(&shipping->stop); i++)
        copy_store(shipping, shipping->stores[i]);
    atomic_store(&shipping->done, true);
    sx_waker_wake(&shipping->slot->worker->waker);
    return NULL;
}

/* ---- For the slot ---------------------------------------------------------------------------- */

/* The disk has nothing of it, and the changelog much. What cannot be asked now is asked when it is
 * restored. */
static bool is_wanted(const struct sx_slot *slot, const struct sx_slot_store *store)
{
    const struct sx_engine *engine = slot->worker->engine;
    const struct sx_store_plan *plan = store->store->plan;
    int64_t position, low, high;

    return !plan->from_source &&
           sx_position_get(engine->options.disk, store->id, slot->number, plan->changelog, &position, NULL) ==
               STREAMD_OK &&
           position == SX_OFFSET_NONE &&
           engine->def->watermarks(engine->log, plan->changelog, slot->number, true, &low, &high, NULL) ==
               STREAMD_OK &&
           high - low >= RECORDS_LEAST;
}

struct sx_shipping *sx_shipping_new(struct sx_slot *slot)
{
    const struct sx_engine *engine = slot->worker->engine;
    struct sx_shipping *shipping;

    if (engine->options.state_source == NULL || engine->log->holds_state)
        return NULL;
    shipping = sx_calloc(1, sizeof(*shipping));
    shipping->slot = slot;
    shipping->stores = sx_calloc((size_t)engine->plan->store_count * (slot->task_count + 1) + 1,
                                 sizeof(struct sx_slot_store *));
    for (uint32_t t = 0; t < slot->task_count; t++)
        for (uint32_t s = 0; s < slot->tasks[t].store_count; s++)
            if (is_wanted(slot, &slot->tasks[t].stores[s]))
                shipping->stores[shipping->store_count++] = &slot->tasks[t].stores[s];
    if (shipping->store_count > 0 && pthread_create(&shipping->thread, NULL, run, shipping) == 0)
        return shipping;
    free(shipping->stores);
    free(shipping);
    return NULL;
}

bool sx_shipping_is_done(const struct sx_shipping *shipping) { return atomic_load(&shipping->done); }

void sx_shipping_free(struct sx_shipping *shipping)
{
    struct sx_worker_stats *stats;

    if (shipping == NULL)
        return;
    stats = &shipping->slot->worker->stats;
    atomic_store(&shipping->stop, true);
    pthread_join(shipping->thread, NULL);
    for (uint32_t i = 0; i < shipping->store_count; i++)
        shipping->stores[i]->store->ops->discard(shipping->stores[i]->store); /* to look at the disk anew */
    sx_count(&stats->copied_rows, shipping->arrived.rows);
    sx_count(&stats->copied_bytes, shipping->arrived.bytes);
    free(shipping->stores);
    free(shipping);
}
