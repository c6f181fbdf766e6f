/* api_engine.c: engines of the public header. The disk is opened and the engine made at the start, so that
 * one that is only prepared touches nothing. */
#include "streamd/api_engine.h"
#include "streamd/metrics.h"

#include <stdlib.h>

struct streamd_task {
    struct sx_task_look look;
};

/* ---- Life ------------------------------------------------------------------------------------ */

streamd_status streamd_engine_new(const streamd_topology *topology, const streamd_config *config,
                                  streamd_engine **engine, streamd_error **error)
{
    streamd_engine *e = sx_calloc(1, sizeof(*e));

    if (error != NULL)
        *error = NULL;
    e->topology = topology;
    e->config = sx_config_copy(config);
    e->made_ms = sx_now_ms(&sx_clock_system);
    pthread_mutex_init(&e->lock, NULL);
    atomic_init(&e->engine, NULL);
    atomic_init(&e->state, STREAMD_ENGINE_CREATED);
    *engine = e;
    return STREAMD_OK;
}

void streamd_engine_free(streamd_engine *engine)
{
    if (engine == NULL)
        return;
    sx_engine_free(atomic_load(&engine->engine));
    if (engine->disk != NULL)
        sx_disk_close(engine->disk);
    sx_logger_free(engine->logger);
    sx_setup_free(&engine->setup);
    streamd_config_free(engine->config);
    streamd_error_free(engine->error);
    pthread_mutex_destroy(&engine->lock);
    free(engine);
}

/* Without an engine behind it. */
static void go(streamd_engine *engine, streamd_engine_state to)
{
    streamd_engine_state from = (streamd_engine_state)atomic_exchange(&engine->state, (int)to);

    if (engine->on_state != NULL && from != to)
        engine->on_state(from, to, engine->on_state_arg);
}

static void write_line(enum sx_level level, const char *line, void *arg)
{
    const streamd_engine *engine = arg;

    engine->on_log((streamd_log_level)level, line, engine->on_log_arg);
}

static streamd_status make(streamd_engine *engine, streamd_error **error)
{
    char *folder = sx_setup_folder(engine->config, sx_api_plan(engine)->application);
    struct sx_disk_options options = sx_setup_disk(engine->config);
    streamd_status status = sx_disk_open(folder, &options, &engine->disk, error);

    free(folder);
    if (status != STREAMD_OK) {
        engine->disk = NULL;
        return status;
    }
    status = sx_setup_engine(&engine->setup, engine->config, sx_api_plan(engine), engine->disk, error);
    if (status != STREAMD_OK)
        return status;
    if (engine->on_log != NULL)
        engine->logger = sx_logger_new(write_line, engine, SX_INFO, false);
    engine->setup.engine.logger = engine->logger;
    engine->setup.engine.on_state = engine->on_state;
    engine->setup.engine.on_state_arg = engine->on_state_arg;
    atomic_store(&engine->engine, sx_engine_new(&engine->setup.engine));
    return STREAMD_OK;
}

streamd_status streamd_engine_start(streamd_engine *engine, streamd_error **error)
{
    streamd_status status;

    if (error != NULL)
        *error = NULL;
    pthread_mutex_lock(&engine->lock);
    if (atomic_load(&engine->engine) != NULL || atomic_load(&engine->state) != STREAMD_ENGINE_CREATED) {
        pthread_mutex_unlock(&engine->lock);
        return sx_fail(error, STREAMD_E_STATE, "an engine can be started once");
    }
    status = make(engine, &engine->error);
    if (status != STREAMD_OK) {
        if (error != NULL)
            *error = sx_error_copy(engine->error);
        go(engine, STREAMD_ENGINE_FAILED);
    }
    pthread_mutex_unlock(&engine->lock);
    return status == STREAMD_OK ? sx_engine_start(atomic_load(&engine->engine), error) : status;
}

streamd_status streamd_engine_stop(streamd_engine *engine, int64_t timeout_ms, streamd_error **error)
{
    struct sx_engine *running;
    streamd_status status = STREAMD_OK;

    if (error != NULL)
        *error = NULL;
    pthread_mutex_lock(&engine->lock);
    running = atomic_load(&engine->engine);
    if (running == NULL && engine->error != NULL) {
        status = streamd_error_status(engine->error);
        if (error != NULL)
            *error = sx_error_copy(engine->error);
    } else if (running == NULL) {
        go(engine, STREAMD_ENGINE_STOPPED);
    }
    pthread_mutex_unlock(&engine->lock);
    return running != NULL ? sx_engine_stop(running, timeout_ms, error) : status;
}

/* ---- Asking ---------------------------------------------------------------------------------- */

streamd_engine_state streamd_engine_current_state(const streamd_engine *engine)
{
    const struct sx_engine *running = atomic_load(&engine->engine);

    return running ? sx_engine_state(running) : (streamd_engine_state)atomic_load(&engine->state);
}

void streamd_engine_on_state(streamd_engine *engine, streamd_state_fn fn, void *arg)
{
    engine->on_state = fn;
    engine->on_state_arg = arg;
}

void streamd_engine_on_log(streamd_engine *engine, streamd_log_fn fn, void *arg)
{
    engine->on_log = fn;
    engine->on_log_arg = arg;
}

streamd_status streamd_engine_metrics(const streamd_engine *engine, streamd_buffer **buffer,
                                      streamd_error **error)
{
    struct sx_engine *running = atomic_load(&engine->engine);
    struct sx_metrics metrics = {.engine = running,
                                 .plan = sx_api_plan(engine),
                                 .disk = running ? engine->disk : NULL,
                                 .started_ms = engine->made_ms};
    struct sx_buffer text = {0};

    if (error != NULL)
        *error = NULL;
    sx_metrics_write(&metrics, &text);
    *buffer = sx_public_buffer(&text);
    return STREAMD_OK;
}

/* ---- Tasks ----------------------------------------------------------------------------------- */

struct giving {
    streamd_task_fn fn;
    void *arg;
};

static bool give_task(const struct sx_task_look *look, void *arg)
{
    const struct giving *g = arg;
    struct streamd_task task = {*look};

    return g->fn(&task, g->arg);
}

void streamd_engine_each_task(const streamd_engine *engine, streamd_task_fn fn, void *arg)
{
    struct sx_engine *running = atomic_load(&engine->engine);
    struct giving g = {fn, arg};

    if (running != NULL)
        sx_engine_each_task(running, give_task, &g);
}

int32_t streamd_task_subtopology(const streamd_task *task) { return (int32_t)task->look.subtopology; }
int32_t streamd_task_partition(const streamd_task *task) { return task->look.partition; }
bool streamd_task_is_restoring(const streamd_task *task) { return task->look.restoring; }
int64_t streamd_task_stream_time_ms(const streamd_task *task) { return task->look.stream_time_ms; }
int64_t streamd_task_input_lag_records(const streamd_task *task) { return task->look.input_lag; }
int64_t streamd_task_restore_lag_records(const streamd_task *task) { return task->look.restore_lag; }
