/* worker.c: a worker's thread: mail, turns of its slots, commits, and what happens after an error. */
#include "engine/run/worker.h"

#include "engine/run/global.h"
#include "engine/run/outlet.h"

#include <stdlib.h>

#define IDLE_WAIT_MS 200 /* without anything to do a worker looks around this often */
#define WATCH_MS 100
#define RETRY_FIRST_MS 100
#define RETRY_MOST_MS 10000

bool sx_worker_init(struct sx_worker *worker, struct sx_engine *engine, uint32_t number)
{
    const struct sx_plan *plan = engine->plan;

    worker->engine = engine;
    worker->number = number;
    pthread_mutex_init(&worker->lock, NULL);
    pthread_cond_init(&worker->answers, NULL);
    pthread_mutex_init(&worker->looks, NULL);
    atomic_init(&worker->has_mail, false);
    worker->slots = sx_calloc((size_t)engine->slot_count + 1, sizeof(*worker->slots));
    worker->outlets = sx_calloc(plan->topic_count + 1, sizeof(*worker->outlets));
    worker->topics = sx_calloc(plan->topic_count + 1, sizeof(*worker->topics));
    worker->globals = sx_calloc(plan->store_count + 1, sizeof(*worker->globals));
    worker->unit = sx_unit_new(engine->options.disk);
    worker->reopen = true;
    worker->renewed_ms = sx_now_ms(engine->options.clock);
    sx_arena_init(&worker->letters, 4096);
    sx_arena_init(&worker->global_arena, 4096);
    sx_worker_events(worker);
    sx_align_init(worker);
    sx_pace_init(worker);
    sx_worker_stats_init(&worker->stats, plan);
    for (uint32_t s = 0; s < plan->store_count; s++)
        worker->globals[s] = sx_global_view(engine->global, s, &worker->global_arena);
    return sx_waker_init(&worker->waker);
}

void sx_worker_free(struct sx_worker *worker)
{
    const struct sx_plan *plan = worker->engine->plan;

    if (worker->slots == NULL)
        return;
    for (uint32_t s = 0; s < plan->store_count; s++)
        if (worker->globals[s] != NULL)
            worker->globals[s]->ops->close(worker->globals[s]);
    for (struct sx_mail *mail = worker->mail, *next; mail != NULL; mail = next) {
        next = mail->next;
        free(mail);
    }
    sx_waker_free(&worker->waker);
    pthread_mutex_destroy(&worker->lock);
    pthread_cond_destroy(&worker->answers);
    pthread_mutex_destroy(&worker->looks);
    sx_unit_free(worker->unit);
    sx_latest_clear(&worker->latest);
    sx_outlets_free(worker);
    sx_arena_free(&worker->letters);
    sx_arena_free(&worker->global_arena);
    sx_worker_stats_free(&worker->stats);
    streamd_error_free(worker->error);
    free(worker->slots);
    free(worker->fronts);
    free(worker->unseen);
    free(worker->topics);
    free(worker->globals);
    worker->slots = NULL;
}

/* ---- Mail ------------------------------------------------------------------------------------ */

static void read_mail(struct sx_worker *worker);

/* Under the lock, on the coordinator's thread: wait for a while, in which the worker may be found to be lost.
 * False: it is. */
static bool wait_on(struct sx_worker *worker)
{
    struct timespec until;

    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_nsec += WATCH_MS * 1000000L;
    until.tv_sec += until.tv_nsec / 1000000000;
    until.tv_nsec %= 1000000000;
    if (pthread_cond_timedwait(&worker->answers, &worker->lock, &until) == 0)
        return true;
    sx_watch(worker->engine);
    return !sx_watch_is_lost(worker);
}

/* Under the lock: nobody waits for it any more. What was to be taken with a commit will be dropped. */
static void give_up(struct sx_worker *worker, struct sx_mail *mail)
{
    mail->answered = NULL;
    for (struct sx_mail *unread = worker->mail; unread != NULL; unread = unread->next)
        if (unread == mail)
            mail->kind = SX_MAIL_LOSE;
}

/* Under the lock. */
static void post(struct sx_worker *worker, struct sx_mail *mail, bool wait)
{
    struct sx_mail **end = &worker->mail;
    bool answered = false;

    mail->answered = wait ? &answered : NULL;
    while (*end != NULL)
        end = &(*end)->next;
    *end = mail;
    atomic_store(&worker->has_mail, true);
    sx_waker_wake(&worker->waker);
    while (wait && !answered)
        if (worker->started && mail->kind == SX_MAIL_ASK) {
            pthread_cond_wait(&worker->answers, &worker->lock);
        } else if (worker->started) {
            if (wait_on(worker) || answered)
                continue;
            give_up(worker, mail);
            break;
        } else { /* it is stepped, by the one who waits */
            pthread_mutex_unlock(&worker->lock);
            read_mail(worker);
            pthread_mutex_lock(&worker->lock);
        }
}

void sx_worker_tell(struct sx_worker *worker, enum sx_mail_kind kind, const int32_t *slots, uint32_t count,
                    bool wait)
{
    struct sx_mail *mail = sx_calloc(1, sizeof(*mail) + sizeof(*slots) * count);

    mail->kind = kind;
    mail->count = count;
    if (count)
        memcpy(mail->slots, slots, sizeof(*slots) * count);
    pthread_mutex_lock(&worker->lock);
    post(worker, mail, wait);
    pthread_mutex_unlock(&worker->lock);
}

void sx_worker_ask(struct sx_worker *worker, void (*fn)(struct sx_worker *worker, void *arg), void *arg)
{
    pthread_mutex_lock(&worker->lock);
    if (worker->answers_asks) {
        struct sx_mail *mail = sx_calloc(1, sizeof(*mail));

        mail->kind = SX_MAIL_ASK;
        mail->ask = fn;
        mail->arg = arg;
        post(worker, mail, true);
    }
    pthread_mutex_unlock(&worker->lock);
}

/* From now on nobody is to wait. Under the lock. */
static void refuse_asks(struct sx_worker *worker)
{
    worker->answers_asks = false;
    for (struct sx_mail *mail = worker->mail; mail != NULL; mail = mail->next) {
        if (mail->answered != NULL)
            *mail->answered = true;
        mail->answered = NULL; /* who waited is gone when the mail is freed */
    }
    pthread_cond_broadcast(&worker->answers);
}

static void add_slots(struct sx_worker *worker, const struct sx_mail *mail)
{
    for (uint32_t i = 0; i < mail->count; i++) {
        struct sx_slot *slot = sx_slot_new(worker, mail->slots[i]);

        pthread_mutex_lock(&worker->looks);
        worker->slots[worker->slot_count++] = slot;
        pthread_mutex_unlock(&worker->looks);
    }
    /* What was wrong before was about slots that are gone. */
    worker->broken = worker->broken && atomic_load(&worker->engine->failed);
}

static void remove_slots(struct sx_worker *worker, const struct sx_mail *mail)
{
    for (uint32_t i = 0; i < mail->count; i++)
        for (uint32_t s = 0; s < worker->slot_count; s++) {
            struct sx_slot *slot = worker->slots[s];

            if (slot->number != mail->slots[i])
                continue;
            sx_slot_close(slot);
            pthread_mutex_lock(&worker->looks);
            worker->slots[s] = worker->slots[--worker->slot_count];
            pthread_mutex_unlock(&worker->looks);
            sx_slot_free(slot);
            break;
        }
    if (worker->slot_count == 0)
        sx_align_leave(worker);
}

/* ---- Errors ---------------------------------------------------------------------------------- */

static void close_writer(struct sx_worker *worker)
{
    if (worker->writer != NULL)
        worker->engine->def->writer_close(worker->writer);
    worker->writer = NULL;
    memset(worker->topics, 0, sizeof(*worker->topics) * worker->engine->plan->topic_count);
    worker->reopen = true;
}

static int64_t retry_at(struct sx_worker *worker, uint32_t failures)
{
    int64_t wait_ms = SX_MIN((int64_t)RETRY_FIRST_MS << SX_MIN(failures, 8u), RETRY_MOST_MS);

    return sx_now_ms(worker->engine->options.clock) + wait_ms;
}

/* Begin anew what was not committed. */
static void begin_anew(struct sx_worker *worker)
{
    streamd_error *error = NULL;

    if (sx_worker_abort(worker, &error) != STREAMD_OK)
        close_writer(worker);
    streamd_error_free(error);
    for (uint32_t i = 0; i < worker->slot_count; i++)
        worker->slots[i]->retry_ms = retry_at(worker, worker->slots[i]->failures++);
}

/* Takes the error. */
static void handle_error(struct sx_worker *worker, streamd_status status, streamd_error *error)
{
    struct sx_engine *engine = worker->engine;

    if (status == STREAMD_E_FENCED) {
        sx_log(engine->options.logger, SX_WARN, "another instance took over; joining again", "reason",
               error ? streamd_error_message(error) : "", NULL);
        sx_count(&worker->stats.fenced, 1);
        streamd_error_free(error);
        begin_anew(worker);
        close_writer(worker);
        worker->broken = true;
        /* Of one that is lost the coordinator has left already. */
        if (!sx_watch_is_lost(worker))
            atomic_store(&engine->rejoin, true);
        return;
    }
    if (error != NULL && streamd_error_is_retriable(error) && !streamd_error_is_fatal(error)) {
        sx_log(engine->options.logger, SX_WARN, "trying again", "reason", streamd_error_message(error), NULL);
        streamd_error_free(error);
        begin_anew(worker);
        return;
    }
    if (error == NULL)
        sx_fail_fatal(&error, status, "%s", streamd_status_text(status));
    worker->broken = true;
    begin_anew(worker);
    sx_engine_fail(engine, error);
}

/* ---- The loop -------------------------------------------------------------------------------- */

static void commit(struct sx_worker *worker)
{
    streamd_error *error = NULL;
    streamd_status status = sx_worker_commit(worker, &error);

    if (status != STREAMD_OK)
        handle_error(worker, status, error);
}

static void act_on(struct sx_worker *worker, const struct sx_mail *mail)
{
    switch (mail->kind) {
    case SX_MAIL_GIVE:
        add_slots(worker, mail);
        break;
    case SX_MAIL_TAKE:
        if (!worker->broken)
            commit(worker);
        remove_slots(worker, mail);
        break;
    case SX_MAIL_LOSE:
        /* A commit would cover these slots too: all of the worker begins anew. */
        begin_anew(worker);
        for (uint32_t i = 0; i < worker->slot_count; i++)
            worker->slots[i]->retry_ms = 0;
        remove_slots(worker, mail);
        break;
    case SX_MAIL_REGAIN:
        atomic_store(&worker->lease, SX_LEASE_HELD);
        break;
    case SX_MAIL_ASK:
        mail->ask(worker, mail->arg);
        break;
    case SX_MAIL_END:
        worker->ending = true;
        break;
    }
}

static void read_mail(struct sx_worker *worker)
{
    while (atomic_load_explicit(&worker->has_mail, memory_order_acquire)) {
        struct sx_mail *mail;

        pthread_mutex_lock(&worker->lock);
        mail = worker->mail;
        if (mail != NULL)
            worker->mail = mail->next;
        atomic_store(&worker->has_mail, worker->mail != NULL);
        pthread_mutex_unlock(&worker->lock);
        if (mail == NULL)
            return;
        act_on(worker, mail);
        pthread_mutex_lock(&worker->lock); /* who waits may have given up */
        if (mail->answered != NULL) {
            *mail->answered = true;
            pthread_cond_broadcast(&worker->answers);
        }
        pthread_mutex_unlock(&worker->lock);
        free(mail);
    }
}

/* False: not yet. */
static bool open_writer(struct sx_worker *worker)
{
    streamd_error *error = NULL;
    streamd_status status;

    if (!worker->reopen)
        return true;
    if (worker->retry_ms > sx_now_ms(worker->engine->options.clock))
        return false;
    status = worker->engine->def->writer_open(worker->engine->log, worker->number, &worker->waker,
                                              &worker->writer, &error);
    if (status == STREAMD_OK) {
        worker->reopen = false;
        return true;
    }
    worker->writer = NULL;
    worker->retry_ms = retry_at(worker, 4);
    handle_error(worker, status, error);
    return false;
}

/* All slots once, and the commit when it is time. True: there was something to do. */
static bool turn(struct sx_worker *worker)
{
    const struct sx_log_def *def = worker->engine->def;
    bool busy = false;
    int64_t now_ms;

    for (uint32_t i = 0; i < worker->slot_count; i++) {
        streamd_error *error = NULL;
        streamd_status status = sx_slot_turn(worker->slots[i], &busy, &error);

        if (status != STREAMD_OK) {
            handle_error(worker, status, error);
            return false;
        }
    }
    for (uint32_t lane = 0; lane < worker->engine->plan->subtopology_count; lane++) {
        bool more = worker->engine->aligned[lane];

        for (uint32_t i = 0; more && i < worker->slot_count; i++) {
            streamd_error *error = NULL;
            streamd_status status;

            more = false;
            status = sx_align_turn(worker, lane, &more, &error);
            if (status != STREAMD_OK) {
                handle_error(worker, status, error);
                return false;
            }
            busy |= more;
        }
    }
    if (worker->pending_records) {
        streamd_error *error = NULL;
        streamd_status status = def->drain(worker->writer, 0, &error);

        if (status != STREAMD_OK) {
            handle_error(worker, status, error);
            return false;
        }
    }
    now_ms = sx_now_ms(worker->engine->options.clock);
    sx_worker_renew(worker, now_ms);
    if (sx_worker_must_commit(worker, busy, now_ms)) {
        commit(worker);
        busy = true;
    }
    return busy;
}

static int wait_ms(const struct sx_worker *worker)
{
    int64_t until_commit;

    if (!worker->dirty)
        return IDLE_WAIT_MS;
    until_commit =
        worker->committed_ms + worker->engine->options.commit_ms - sx_now_ms(worker->engine->options.clock);
    return (int)SX_MAX(SX_MIN(until_commit, IDLE_WAIT_MS), 0);
}

/* Nothing to do now: what those see who look. */
static void look_around(struct sx_worker *worker)
{
    for (uint32_t i = 0; i < worker->slot_count; i++)
        sx_slot_publish_ends(worker->slots[i]);
    atomic_store(&worker->clean, !worker->dirty);
}

int sx_worker_step(struct sx_worker *worker)
{
    bool busy = false;

    sx_worker_beat(worker);
    read_mail(worker);
    if (worker->ending)
        return -1;
    if (!worker->broken && worker->slot_count && open_writer(worker))
        busy = turn(worker);
    if (!busy)
        look_around(worker);
    return busy || atomic_load(&worker->has_mail) ? 0 : wait_ms(worker);
}

/* After the last step. */
static void finish(struct sx_worker *worker)
{
    pthread_mutex_lock(&worker->lock);
    refuse_asks(worker);
    pthread_mutex_unlock(&worker->lock);
    while (worker->slot_count) {
        struct sx_slot *slot = worker->slots[worker->slot_count - 1];

        pthread_mutex_lock(&worker->looks);
        worker->slot_count--;
        pthread_mutex_unlock(&worker->looks);
        sx_slot_free(slot);
    }
    close_writer(worker);
}

static void *run(void *arg)
{
    struct sx_worker *worker = arg;
    int wait_ms;

    pthread_mutex_lock(&worker->lock);
    worker->answers_asks = true;
    pthread_mutex_unlock(&worker->lock);
    while ((wait_ms = sx_worker_step(worker)) >= 0)
        if (wait_ms > 0)
            sx_waker_wait(&worker->waker, wait_ms);
    finish(worker);
    return NULL;
}

bool sx_worker_start(struct sx_worker *worker)
{
    worker->started = true; /* before anybody can ask it */
    if (pthread_create(&worker->thread, NULL, run, worker) != 0)
        worker->started = false;
    return worker->started;
}

void sx_worker_join(struct sx_worker *worker)
{
    if (worker->started) {
        pthread_join(worker->thread, NULL);
        return;
    }
    while (sx_worker_step(worker) >= 0)
        continue;
    finish(worker);
}
