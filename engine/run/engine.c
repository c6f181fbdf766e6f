/* engine.c: see engine.h. */
#include "engine/run/engine.h"

#include "engine/run/global.h"
#include "engine/run/standby.h"

#include <errno.h>
#include <stdlib.h>
#include <time.h>

/* ---- State ----------------------------------------------------------------------------------- */

void sx_engine_go(struct sx_engine *engine, enum streamd_engine_state to)
{
    enum streamd_engine_state from = (enum streamd_engine_state)atomic_load(&engine->state);

    if (from == to || from == STREAMD_ENGINE_FAILED || from == STREAMD_ENGINE_STOPPED)
        return;
    if (from == STREAMD_ENGINE_STOPPING && to != STREAMD_ENGINE_STOPPED && to != STREAMD_ENGINE_FAILED)
        return;
    atomic_store(&engine->state, (int)to);
    if (engine->options.on_state != NULL)
        engine->options.on_state(from, to, engine->options.on_state_arg);
}

/* Running is when every slot that is ours processes. */
static void settle(struct sx_engine *engine)
{
    bool runs = engine->assigned && engine->ready >= engine->given;

    if (engine->ready >= engine->given) {
        if (atomic_load(&engine->settling_ms) >= 0 && engine->given > 0)
            sx_progress_end(engine);
        atomic_store(&engine->settling_ms, -1);
    } else if (atomic_load(&engine->settling_ms) < 0) {
        atomic_store(&engine->settling_ms, sx_now_ms(engine->options.clock));
        sx_progress_begin(engine);
    }
    sx_engine_go(engine, runs ? STREAMD_ENGINE_RUNNING : STREAMD_ENGINE_REBALANCING);
}

void sx_engine_slots_given(struct sx_engine *engine, uint32_t count)
{
    pthread_mutex_lock(&engine->lock);
    engine->assigned = true;
    engine->given += count;
    settle(engine);
    pthread_mutex_unlock(&engine->lock);
}

void sx_engine_slots_taken(struct sx_engine *engine, uint32_t count)
{
    pthread_mutex_lock(&engine->lock);
    engine->given -= count;
    /* Without a slot it is between two assignments, as a rule. */
    if (engine->given == 0)
        sx_engine_go(engine, STREAMD_ENGINE_REBALANCING);
    else
        settle(engine);
    pthread_mutex_unlock(&engine->lock);
}

void sx_engine_slots_away(struct sx_engine *engine)
{
    pthread_mutex_lock(&engine->lock);
    engine->assigned = false;
    pthread_mutex_unlock(&engine->lock);
}

void sx_engine_slot_ready(struct sx_engine *engine, bool ready)
{
    pthread_mutex_lock(&engine->lock);
    engine->ready += ready ? 1 : (uint32_t)-1;
    settle(engine);
    pthread_mutex_unlock(&engine->lock);
}

void sx_engine_fail(struct sx_engine *engine, streamd_error *error)
{
    pthread_mutex_lock(&engine->lock);
    if (engine->error == NULL) {
        engine->error = error;
        error = NULL;
        sx_log(engine->options.logger, SX_ERROR, "the engine failed", "reason",
               streamd_error_message(engine->error), NULL);
    }
    atomic_store(&engine->failed, true);
    sx_engine_go(engine, STREAMD_ENGINE_FAILED);
    pthread_cond_broadcast(&engine->changed);
    pthread_mutex_unlock(&engine->lock);
    streamd_error_free(error);
}

enum streamd_engine_state sx_engine_state(const struct sx_engine *engine)
{
    return (enum streamd_engine_state)atomic_load(&engine->state);
}

streamd_error *sx_engine_error(struct sx_engine *engine)
{
    streamd_error *copy;

    pthread_mutex_lock(&engine->lock);
    copy = engine->error ? sx_error_copy(engine->error) : NULL;
    pthread_mutex_unlock(&engine->lock);
    return copy;
}

bool sx_engine_ready(const struct sx_engine *engine)
{
    return sx_engine_state(engine) == STREAMD_ENGINE_RUNNING;
}

struct sx_log *sx_engine_log(struct sx_engine *engine) { return atomic_load(&engine->open_log); }

int32_t sx_engine_partitions(const struct sx_engine *engine, uint32_t topic)
{
    return engine->partitions[topic];
}

struct sx_worker *sx_engine_workers(struct sx_engine *engine)
{
    struct sx_worker *workers;

    pthread_mutex_lock(&engine->lock);
    workers = engine->workers;
    pthread_mutex_unlock(&engine->lock);
    return workers;
}

bool sx_engine_prepares(struct sx_engine *engine)
{
    return sx_engine_state(engine) == STREAMD_ENGINE_REBALANCING && sx_engine_workers(engine) == NULL;
}

int32_t sx_engine_slots(const struct sx_engine *engine) { return engine->slot_count; }

/* ---- Start ----------------------------------------------------------------------------------- */

static void note_own_topics(struct sx_engine *engine)
{
    const struct sx_plan *plan = engine->plan;
    uint32_t count = 0;

    engine->own_topics = sx_calloc(plan->topic_count + 1, sizeof(*engine->own_topics));
    for (uint32_t t = 0; t < plan->topic_count; t++)
        if (sx_topic_is_own(plan->topics[t]))
            engine->own_topics[count++] = plan->topics[t]->name;
    engine->options.log.own_topics = engine->own_topics;
    engine->options.log.own_topic_count = count;
}

struct sx_engine *sx_engine_new(const struct sx_engine_options *options)
{
    struct sx_engine *engine = sx_calloc(1, sizeof(*engine));

    engine->options = *options;
    engine->cache_pool.bytes = options->cache_bytes;
    atomic_init(&engine->settling_ms, -1);
    engine->plan = options->plan;
    engine->def = options->log_def;
    engine->worker_count = SX_MAX(options->threads, 1u);
    engine->options.log.writer_count = engine->worker_count;
    engine->options.log.guarantee = options->guarantee;
    engine->options.log.disk = options->disk;
    engine->options.log.logger = options->logger;
    if (engine->options.log.application == NULL)
        engine->options.log.application = options->plan->application;
    if (engine->options.clock == NULL)
        engine->options.clock = &sx_clock_system;
    note_own_topics(engine);
    engine->partitions = sx_calloc(engine->plan->topic_count + 1, sizeof(*engine->partitions));
    engine->grown_from = sx_calloc(engine->plan->topic_count + 1, sizeof(*engine->grown_from));
    engine->record_bytes_max = sx_calloc(engine->plan->topic_count + 1, sizeof(*engine->record_bytes_max));
    engine->names = sx_calloc(engine->plan->topic_count + 1, sizeof(*engine->names));
    sx_arena_init(&engine->names_arena, 1024);
    engine->store_ids = sx_calloc(engine->plan->store_count + 1, sizeof(*engine->store_ids));
    engine->signatures = sx_calloc(engine->plan->store_count + 1, sizeof(*engine->signatures));
    engine->lanes = sx_calloc(engine->plan->subtopology_count + 1, sizeof(*engine->lanes));
    pthread_mutex_init(&engine->originals, NULL);
    pthread_mutex_init(&engine->lock, NULL);
    pthread_mutex_init(&engine->output, NULL);
    pthread_cond_init(&engine->changed, NULL);
    atomic_init(&engine->state, STREAMD_ENGINE_CREATED);
    return engine;
}

static streamd_status prepare(struct sx_engine *engine, streamd_error **error)
{
    streamd_status status = engine->def->open(&engine->options.log, &engine->log, error);

    if (status != STREAMD_OK) {
        engine->log = NULL;
        return status;
    }
    atomic_store(&engine->open_log, engine->log);
    status = sx_topics_prepare(engine, error);
    if (status == STREAMD_OK)
        status = sx_placement_check(engine, error);
    if (status == STREAMD_OK)
        status = sx_stores_number(engine, error);
    if (status == STREAMD_OK)
        status = sx_global_start(engine, &engine->global, error);
    sx_engine_find_lanes(engine);
    return status;
}

static streamd_status make_workers(struct sx_engine *engine, streamd_error **error)
{
    struct sx_worker *workers = sx_calloc(engine->worker_count, sizeof(*workers));
    bool good = true;

    engine->owners = sx_malloc(sizeof(*engine->owners) * (size_t)engine->slot_count);
    for (int32_t s = 0; s < engine->slot_count; s++)
        engine->owners[s] = -1;
    for (uint32_t w = 0; w < engine->worker_count; w++)
        good &= sx_worker_init(&workers[w], engine, w);
    engine->standby = sx_standby_new(engine);
    pthread_mutex_lock(&engine->lock); /* those who look may come at any time */
    engine->workers = workers;
    pthread_mutex_unlock(&engine->lock);
    engine->purged_ms = engine->matched_ms = engine->watched_ms = sx_now_ms(engine->options.clock);
    return good ? STREAMD_OK : sx_fail(error, STREAMD_E_STATE, "no file descriptor is left");
}

static streamd_status start_threads(struct sx_engine *engine, streamd_error **error)
{
    struct sx_worker *workers = engine->workers;
    bool good = sx_global_follow(engine->global) && sx_standby_start(engine->standby);

    for (uint32_t w = 0; w < engine->worker_count && good; w++)
        good = sx_worker_start(&workers[w]);
    if (good)
        good = engine->has_coordinator =
            pthread_create(&engine->coordinator, NULL, sx_coordinator_run, engine) == 0;
    if (good)
        return STREAMD_OK;
    for (uint32_t w = 0; w < engine->worker_count; w++)
        if (workers[w].started) {
            sx_worker_tell(&workers[w], SX_MAIL_END, NULL, 0, false);
            sx_worker_join(&workers[w]);
        }
    return sx_fail(error, STREAMD_E_STATE, "a thread could not be started");
}

static streamd_status fail_start(struct sx_engine *engine, streamd_status status, streamd_error *problem,
                                 streamd_error **error)
{
    if (error != NULL && problem != NULL)
        *error = sx_error_copy(problem);
    if (problem == NULL)
        sx_fail(&problem, status, "%s", streamd_status_text(status));
    sx_engine_fail(engine, problem);
    pthread_mutex_lock(&engine->lock);
    engine->ended = true;
    pthread_cond_broadcast(&engine->changed);
    pthread_mutex_unlock(&engine->lock);
    return status;
}

streamd_status sx_engine_begin(struct sx_engine *engine, streamd_error **error)
{
    streamd_error *problem = NULL;
    streamd_status status;

    pthread_mutex_lock(&engine->lock);
    if (engine->started || atomic_load(&engine->state) != STREAMD_ENGINE_CREATED) {
        pthread_mutex_unlock(&engine->lock);
        return sx_fail(error, STREAMD_E_STATE, "an engine can be started once");
    }
    engine->started = true;
    sx_engine_go(engine, STREAMD_ENGINE_REBALANCING);
    pthread_mutex_unlock(&engine->lock);
    status = prepare(engine, &problem);
    if (status == STREAMD_OK)
        status = make_workers(engine, &problem);
    return status == STREAMD_OK ? STREAMD_OK : fail_start(engine, status, problem, error);
}

streamd_status sx_engine_start(struct sx_engine *engine, streamd_error **error)
{
    streamd_error *problem = NULL;
    streamd_status status = sx_engine_begin(engine, error);

    if (status != STREAMD_OK)
        return status;
    status = start_threads(engine, &problem);
    if (status != STREAMD_OK)
        return fail_start(engine, status, problem, error);
    pthread_mutex_lock(&engine->lock);
    while (!engine->joined)
        pthread_cond_wait(&engine->changed, &engine->lock);
    /* What fails after joining is no failure of the start. */
    if (engine->join_failed) {
        status = streamd_error_status(engine->error);
        if (error != NULL)
            *error = sx_error_copy(engine->error);
    }
    pthread_mutex_unlock(&engine->lock);
    return status;
}

/* ---- Stop ------------------------------------------------------------------------------------ */

/* Wait until the threads are done. False: not in time. */
static bool await_end(struct sx_engine *engine, int64_t timeout_ms)
{
    struct timespec until;
    int late = 0;

    clock_gettime(CLOCK_REALTIME, &until);
    if (timeout_ms >= 0) {
        until.tv_sec += (time_t)(timeout_ms / 1000);
        until.tv_nsec += (long)(timeout_ms % 1000) * 1000000;
        until.tv_sec += until.tv_nsec / 1000000000;
        until.tv_nsec %= 1000000000;
    }
    while (!engine->ended && late != ETIMEDOUT)
        late = timeout_ms < 0 ? pthread_cond_wait(&engine->changed, &engine->lock)
                              : pthread_cond_timedwait(&engine->changed, &engine->lock, &until);
    return engine->ended;
}

streamd_status sx_engine_stop(struct sx_engine *engine, int64_t timeout_ms, streamd_error **error)
{
    streamd_status status = STREAMD_OK;

    pthread_mutex_lock(&engine->lock);
    if (!engine->started) {
        sx_engine_go(engine, STREAMD_ENGINE_STOPPED);
        pthread_mutex_unlock(&engine->lock);
        return STREAMD_OK;
    }
    if (!engine->ended) {
        sx_engine_go(engine, STREAMD_ENGINE_STOPPING);
        atomic_store(&engine->stopping, true);
        if (!await_end(engine, timeout_ms))
            status = sx_fail(error, STREAMD_E_TIMEOUT, "the engine is still stopping");
    }
    if (status == STREAMD_OK && engine->error != NULL) {
        status = streamd_error_status(engine->error);
        if (error != NULL)
            *error = sx_error_copy(engine->error);
    }
    pthread_mutex_unlock(&engine->lock);
    return status;
}

void sx_engine_free(struct sx_engine *engine)
{
    if (engine == NULL)
        return;
    pthread_mutex_lock(&engine->lock);
    if (engine->started && !engine->ended) {
        atomic_store(&engine->abandon, true);
        sx_engine_go(engine, STREAMD_ENGINE_STOPPING);
        atomic_store(&engine->stopping, true);
    }
    pthread_mutex_unlock(&engine->lock);
    if (engine->has_coordinator)
        pthread_join(engine->coordinator, NULL);
    else if (engine->started && !engine->ended)
        sx_coordinator_end(engine);
    sx_standby_free(engine->standby);
    for (uint32_t w = 0; engine->workers != NULL && w < engine->worker_count; w++)
        sx_worker_free(&engine->workers[w]);
    sx_global_free(engine->global);
    sx_feed_close(engine->standard_input);
    if (engine->log != NULL)
        engine->def->close(engine->log);
    streamd_error_free(engine->error);
    pthread_mutex_destroy(&engine->originals);
    pthread_mutex_destroy(&engine->lock);
    pthread_mutex_destroy(&engine->output);
    pthread_cond_destroy(&engine->changed);
    free(engine->workers);
    free(engine->owners);
    free(engine->slots_topic);
    free(engine->partitions);
    free(engine->names);
    free(engine->grown_from);
    free(engine->own_topics);
    free(engine->record_bytes_max);
    sx_arena_free(&engine->names_arena);
    free(engine->store_ids);
    free(engine->signatures);
    free(engine->lanes);
    free(engine->aligned);
    free(engine);
}
