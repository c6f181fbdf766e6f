/* standby.c: see standby.h. */
#include "engine/run/standby.h"

#include <stdlib.h>

enum { PLACE_MS = 2000, TABLES_MS = 2000, RETRY_MS = 5000, WAIT_MS = 200 };

struct sx_standby {
    struct sx_engine *engine;
    struct sx_worker copies; /* no worker: it has slots, a waker and counters for them */
    pthread_t thread;
    bool started;
    atomic_bool ending;
    bool *wanted;      /* by slot; the thread's */
    int64_t placed_ms; /* the thread's */

    pthread_mutex_t lock; /* held while copies are worked on */
    bool *ours;           /* lock; by slot: it is processed here */
    int64_t *opened_ms;   /* lock; by slot */
};

/* ---- Copies; under the lock ------------------------------------------------------------------- */

static void add(struct sx_standby *standby, int32_t number)
{
    struct sx_worker *copies = &standby->copies;
    struct sx_slot *slot = sx_slot_new(copies, number);

    slot->standby = true;
    pthread_mutex_lock(&copies->looks);
    copies->slots[copies->slot_count++] = slot;
    pthread_mutex_unlock(&copies->looks);
}

static void drop(struct sx_standby *standby, uint32_t at)
{
    struct sx_worker *copies = &standby->copies;
    struct sx_slot *slot = copies->slots[at];

    sx_slot_close(slot);
    pthread_mutex_lock(&copies->looks);
    copies->slots[at] = copies->slots[--copies->slot_count];
    pthread_mutex_unlock(&copies->looks);
    sx_slot_free(slot);
}

static void drop_slot(struct sx_standby *standby, int32_t number)
{
    for (uint32_t i = standby->copies.slot_count; i-- > 0;)
        if (standby->copies.slots[i]->number == number)
            drop(standby, i);
}

static bool is_kept(const struct sx_standby *standby, int32_t number)
{
    for (uint32_t i = 0; i < standby->copies.slot_count; i++)
        if (standby->copies.slots[i]->number == number)
            return true;
    return false;
}

static void follow(struct sx_standby *standby)
{
    for (int32_t s = 0; s < standby->engine->slot_count; s++) {
        bool keep = standby->wanted[s] && !standby->ours[s];

        if (!keep)
            drop_slot(standby, s);
        else if (!is_kept(standby, s))
            add(standby, s);
    }
}

/* How far a table may go is known when its slot is opened. */
static bool has_tables(const struct sx_slot *slot)
{
    for (uint32_t i = 0; i < slot->input_count; i++)
        if (slot->inputs[i].limit != SX_OFFSET_NONE && slot->inputs[i].reader != NULL)
            return false; /* it is not there yet */
    for (uint32_t t = 0; t < slot->task_count; t++)
        for (uint32_t s = 0; s < slot->tasks[t].store_count; s++)
            if (slot->tasks[t].stores[s].store->plan->from_source)
                return true;
    return false;
}

static void fail(struct sx_standby *standby, struct sx_slot *slot, streamd_error *error, int64_t now_ms)
{
    char number[16];

    snprintf(number, sizeof(number), "%d", slot->number);
    sx_log(standby->engine->options.logger, SX_WARN, "a standby copy cannot be kept now", "slot", number,
           "reason", error != NULL ? streamd_error_message(error) : "", NULL);
    streamd_error_free(error);
    sx_slot_close(slot);
    slot->retry_ms = now_ms + RETRY_MS;
}

/* True: there was something to do. */
static bool step(struct sx_standby *standby)
{
    int64_t now_ms = sx_now_ms(standby->engine->options.clock);
    bool busy = false, done;

    for (uint32_t i = 0; i < standby->copies.slot_count; i++) {
        struct sx_slot *slot = standby->copies.slots[i];
        int64_t *opened_ms = &standby->opened_ms[slot->number];
        streamd_error *error = NULL;
        streamd_status status = STREAMD_OK;

        if (slot->state == SX_SLOT_OPENING && slot->retry_ms <= now_ms) {
            status = sx_slot_open(slot, &error);
            *opened_ms = now_ms;
        } else if (slot->state == SX_SLOT_RESTORING) {
            status = sx_restore_step(slot, &busy, &done, &error);
            if (status == STREAMD_OK && now_ms - *opened_ms >= TABLES_MS && has_tables(slot))
                sx_slot_close(slot);
        }
        if (status != STREAMD_OK)
            fail(standby, slot, error, now_ms);
    }
    return busy;
}

/* ---- The thread ------------------------------------------------------------------------------ */

static void place(struct sx_standby *standby)
{
    const struct sx_engine *engine = standby->engine;
    int64_t now_ms = sx_now_ms(engine->options.clock);
    struct sx_member *members = NULL;
    uint32_t count = 0;

    if (now_ms - standby->placed_ms < PLACE_MS)
        return;
    standby->placed_ms = now_ms;
    /* What cannot be asked now is asked again; what is kept is kept meanwhile. */
    if (engine->def->members(engine->log, &members, &count, NULL) == STREAMD_OK && count > 0 &&
        sx_standby_place(members, count, engine->options.standby, engine->slot_count, standby->wanted)) {
        pthread_mutex_lock(&standby->lock);
        follow(standby);
        pthread_mutex_unlock(&standby->lock);
    }
    sx_members_free(members, count);
}

static void *run(void *arg)
{
    struct sx_standby *standby = arg;

    while (!atomic_load(&standby->ending)) {
        bool busy;

        place(standby);
        pthread_mutex_lock(&standby->lock);
        busy = step(standby);
        pthread_mutex_unlock(&standby->lock);
        if (!busy)
            sx_waker_wait(&standby->copies.waker, WAIT_MS);
    }
    return NULL;
}

/* ---- For the engine -------------------------------------------------------------------------- */

static bool has_state(const struct sx_engine *engine)
{
    bool has = false;

    for (uint32_t s = 0; s < engine->plan->store_count; s++)
        has |= !engine->plan->stores[s]->global;
    return has;
}

struct sx_standby *sx_standby_new(struct sx_engine *engine)
{
    struct sx_standby *standby;

    if (engine->options.standby == 0 || !has_state(engine))
        return NULL;
    if (engine->def->members == NULL) {
        sx_log(engine->options.logger, SX_WARN,
               "the embedded log has one member: there are no standby copies", NULL);
        return NULL;
    }
    standby = sx_calloc(1, sizeof(*standby));
    standby->engine = engine;
    standby->wanted = sx_calloc((size_t)engine->slot_count, sizeof(*standby->wanted));
    standby->ours = sx_calloc((size_t)engine->slot_count, sizeof(*standby->ours));
    standby->opened_ms = sx_calloc((size_t)engine->slot_count, sizeof(*standby->opened_ms));
    pthread_mutex_init(&standby->lock, NULL);
    if (sx_worker_init(&standby->copies, engine, engine->worker_count))
        return standby;
    sx_standby_free(standby);
    return NULL;
}

bool sx_standby_start(struct sx_standby *standby)
{
    if (standby != NULL)
        standby->started = pthread_create(&standby->thread, NULL, run, standby) == 0;
    return standby == NULL || standby->started;
}

void sx_standby_free(struct sx_standby *standby)
{
    if (standby == NULL)
        return;
    atomic_store(&standby->ending, true);
    sx_waker_wake(&standby->copies.waker);
    if (standby->started)
        pthread_join(standby->thread, NULL);
    while (standby->copies.slot_count > 0)
        drop(standby, 0);
    sx_worker_free(&standby->copies);
    pthread_mutex_destroy(&standby->lock);
    free(standby->wanted);
    free(standby->ours);
    free(standby->opened_ms);
    free(standby);
}

void sx_standby_given(struct sx_standby *standby, int32_t slot)
{
    if (standby == NULL)
        return;
    pthread_mutex_lock(&standby->lock);
    standby->ours[slot] = true;
    drop_slot(standby, slot);
    pthread_mutex_unlock(&standby->lock);
}

void sx_standby_taken(struct sx_standby *standby, int32_t slot)
{
    if (standby == NULL)
        return;
    pthread_mutex_lock(&standby->lock);
    standby->ours[slot] = false;
    pthread_mutex_unlock(&standby->lock);
}

void sx_standby_hold(struct sx_standby *standby)
{
    if (standby == NULL)
        return;
    pthread_mutex_lock(&standby->lock);
    while (standby->copies.slot_count > 0)
        drop(standby, 0);
}

void sx_standby_release(struct sx_standby *standby)
{
    if (standby != NULL)
        pthread_mutex_unlock(&standby->lock);
}

struct sx_worker *sx_standby_copies(struct sx_standby *standby)
{
    return standby != NULL ? &standby->copies : NULL;
}
