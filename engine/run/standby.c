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
    /* The thread's; by slot. */
    bool *wanted;
    int64_t *opened_ms;
    int64_t placed_ms;

    /* Held for a moment only: the coordinator takes it, and what a copy asks of the brokers can take long. */
    pthread_mutex_t lock;
    pthread_cond_t left;
    bool *ours;   /* by slot: it is processed here */
    bool *copied; /* by slot: its stores are open as a copy */
    bool held;    /* no copies now */
};

/* ---- Which copies there are ------------------------------------------------------------------- */

static struct sx_slot *copy_of(const struct sx_standby *standby, int32_t number)
{
    for (uint32_t i = 0; i < standby->copies.slot_count; i++)
        if (standby->copies.slots[i]->number == number)
            return standby->copies.slots[i];
    return NULL;
}

static void add(struct sx_standby *standby, int32_t number)
{
    struct sx_worker *copies = &standby->copies;
    struct sx_slot *slot = sx_slot_new(copies, number);

    slot->standby = true;
    pthread_mutex_lock(&copies->looks);
    copies->slots[copies->slot_count++] = slot;
    pthread_mutex_unlock(&copies->looks);
}

static void drop(struct sx_standby *standby, int32_t number)
{
    struct sx_worker *copies = &standby->copies;
    struct sx_slot *slot = copy_of(standby, number);
    uint32_t at = 0;

    sx_slot_close(slot);
    pthread_mutex_lock(&copies->looks);
    while (copies->slots[at] != slot)
        at++;
    copies->slots[at] = copies->slots[--copies->slot_count];
    pthread_mutex_unlock(&copies->looks);
    sx_slot_free(slot);
}

/* The copy of a slot that is ours now is gone: who waits to open it may. */
static void say_left(struct sx_standby *standby, int32_t number)
{
    const struct sx_engine *engine = standby->engine;

    pthread_mutex_lock(&standby->lock);
    standby->copied[number] = false;
    pthread_cond_broadcast(&standby->left);
    pthread_mutex_unlock(&standby->lock);
    for (uint32_t w = 0; w < engine->worker_count; w++)
        sx_waker_wake(&engine->workers[w].waker);
}

static void follow(struct sx_standby *standby)
{
    for (int32_t s = 0; s < standby->engine->slot_count; s++) {
        bool keep, had;

        pthread_mutex_lock(&standby->lock);
        keep = standby->wanted[s] && !standby->ours[s] && !standby->held;
        had = standby->copied[s];
        standby->copied[s] |= keep;
        pthread_mutex_unlock(&standby->lock);
        if (keep && !had)
            add(standby, s);
        if (keep || !had)
            continue;
        drop(standby, s);
        say_left(standby, s);
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
static bool step(struct sx_standby *standby, struct sx_slot *slot)
{
    int64_t now_ms = sx_now_ms(standby->engine->options.clock);
    int64_t *opened_ms = &standby->opened_ms[slot->number];
    streamd_status status = STREAMD_OK;
    streamd_error *error = NULL;
    bool busy = false, done;

    if (slot->state == SX_SLOT_OPENING && slot->retry_ms <= now_ms) {
        status = sx_slot_open(slot, &error);
        *opened_ms = now_ms;
    } else if (slot->state == SX_SLOT_COPYING) {
        status = sx_slot_open(slot, &error);
    } else if (slot->state == SX_SLOT_RESTORING) {
        status = sx_restore_step(slot, &busy, &done, &error);
        if (status == STREAMD_OK && now_ms - *opened_ms >= TABLES_MS && has_tables(slot))
            sx_slot_close(slot);
    }
    if (status != STREAMD_OK)
        fail(standby, slot, error, now_ms);
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
    if (engine->def->members(engine->log, &members, &count, NULL) == STREAMD_OK && count > 0)
        sx_standby_place(members, count, engine->options.standby, engine->slot_count, standby->wanted);
    sx_members_free(members, count);
}

/* A slot that is ours is let go of between any two steps. */
static void *run(void *arg)
{
    struct sx_standby *standby = arg;

    while (!atomic_load(&standby->ending)) {
        bool busy = false;

        place(standby);
        for (int32_t s = 0; s < standby->engine->slot_count && !atomic_load(&standby->ending); s++) {
            struct sx_slot *slot;

            follow(standby);
            slot = copy_of(standby, s);
            busy |= slot != NULL && step(standby, slot);
        }
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
    standby->copied = sx_calloc((size_t)engine->slot_count, sizeof(*standby->copied));
    pthread_mutex_init(&standby->lock, NULL);
    pthread_cond_init(&standby->left, NULL);
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
        drop(standby, standby->copies.slots[0]->number);
    sx_worker_free(&standby->copies);
    pthread_cond_destroy(&standby->left);
    pthread_mutex_destroy(&standby->lock);
    free(standby->wanted);
    free(standby->ours);
    free(standby->copied);
    free(standby->opened_ms);
    free(standby);
}

static void set_ours(struct sx_standby *standby, int32_t slot, bool ours)
{
    if (standby == NULL)
        return;
    pthread_mutex_lock(&standby->lock);
    standby->ours[slot] = ours;
    pthread_mutex_unlock(&standby->lock);
    sx_waker_wake(&standby->copies.waker);
}

void sx_standby_given(struct sx_standby *standby, int32_t slot) { set_ours(standby, slot, true); }

void sx_standby_taken(struct sx_standby *standby, int32_t slot) { set_ours(standby, slot, false); }

bool sx_standby_has_left(struct sx_standby *standby, int32_t slot)
{
    bool left;

    if (standby == NULL)
        return true;
    pthread_mutex_lock(&standby->lock);
    left = !standby->copied[slot];
    pthread_mutex_unlock(&standby->lock);
    return left;
}

static bool any_copied(const struct sx_standby *standby)
{
    for (int32_t s = 0; s < standby->engine->slot_count; s++)
        if (standby->copied[s])
            return true;
    return false;
}

void sx_standby_hold(struct sx_standby *standby)
{
    if (standby == NULL)
        return;
    pthread_mutex_lock(&standby->lock);
    standby->held = true;
    sx_waker_wake(&standby->copies.waker);
    while (standby->started && any_copied(standby))
        pthread_cond_wait(&standby->left, &standby->lock);
    pthread_mutex_unlock(&standby->lock);
}

void sx_standby_release(struct sx_standby *standby)
{
    if (standby == NULL)
        return;
    pthread_mutex_lock(&standby->lock);
    standby->held = false;
    pthread_mutex_unlock(&standby->lock);
}

struct sx_worker *sx_standby_copies(struct sx_standby *standby)
{
    return standby != NULL ? &standby->copies : NULL;
}
