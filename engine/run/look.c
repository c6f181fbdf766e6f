/* look.c: looking into stores from outside while the workers write. A worker shows its stores between two of
 * its turns, on its own thread: so stores need no lock, and what is seen is whole batches. */
#include "engine/run/global.h"
#include "engine/run/worker.h"

#include <stdlib.h>

struct looking {
    sx_stores_fn fn;
    void *arg;
    bool more;
    int32_t seen; /* slots */
    struct sx_store **stores;
};

static void look_at_slot(struct looking *l, struct sx_slot *slot)
{
    const struct sx_plan *plan = slot->worker->engine->plan;

    for (uint32_t s = 0; s < plan->store_count; s++)
        l->stores[s] = slot->worker->globals[s];
    for (uint32_t t = 0; t < slot->task_count; t++)
        for (uint32_t s = 0; s < slot->tasks[t].store_count; s++)
            l->stores[slot->tasks[t].stores[s].store->plan->index] = slot->tasks[t].stores[s].store;
    l->more = l->fn(l->stores, l->arg);
}

static void look_at_worker(struct sx_worker *worker, void *arg)
{
    struct looking *l = arg;

    for (uint32_t i = 0; i < worker->slot_count; i++)
        if (atomic_load(&worker->slots[i]->state) == SX_SLOT_RUNNING) {
            l->seen++;
            if (l->more)
                look_at_slot(l, worker->slots[i]);
        }
}

/* Global tables are the process's: no worker is needed, and every row is here. */
static void look_at_globals(struct sx_engine *engine, struct looking *l)
{
    struct sx_arena arena;

    sx_arena_init(&arena, 4096);
    for (uint32_t s = 0; s < engine->plan->store_count; s++)
        l->stores[s] = sx_global_view(engine->global, s, &arena);
    l->fn(l->stores, l->arg);
    for (uint32_t s = 0; s < engine->plan->store_count; s++)
        if (l->stores[s] != NULL)
            l->stores[s]->ops->close(l->stores[s]);
    sx_arena_free(&arena);
}

streamd_status sx_engine_look(struct sx_engine *engine, const uint32_t *stores, uint32_t count,
                              sx_stores_fn fn, void *arg, bool *all, streamd_error **error)
{
    struct looking l = {.fn = fn, .arg = arg, .more = true};
    enum streamd_engine_state state = sx_engine_state(engine);
    struct sx_worker *workers = sx_engine_workers(engine);
    bool only_global = true;

    if (workers == NULL || (state != STREAMD_ENGINE_RUNNING && state != STREAMD_ENGINE_REBALANCING))
        return sx_fail(error, STREAMD_E_STATE, "the engine does not run");
    l.stores = sx_calloc(engine->plan->store_count + 1, sizeof(struct sx_store *));
    for (uint32_t i = 0; i < count; i++)
        only_global &= engine->plan->stores[stores[i]]->global;
    if (only_global)
        look_at_globals(engine, &l);
    for (uint32_t w = 0; w < engine->worker_count && l.more && !only_global; w++)
        sx_worker_ask(&workers[w], look_at_worker, &l);
    *all = only_global || l.seen == engine->slot_count;
    free(l.stores);
    return STREAMD_OK;
}
