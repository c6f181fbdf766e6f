/* progress.c: how far restoring is, for those who wait for it. */
#include "engine/run/worker.h"

#include <inttypes.h>

#define SAY_MS 5000 /* between two lines */

struct sums {
    uint64_t rows, bytes;
};

/* What was restored since the last time that every task processed. */
static struct sums restored(const struct sx_engine *engine)
{
    struct sums sums = {0};

    for (uint32_t w = 0; w < engine->worker_count; w++) {
        sums.rows += sx_counted(&engine->workers[w].stats.restored_rows);
        sums.bytes += sx_counted(&engine->workers[w].stats.restored_bytes);
    }
    return (struct sums){sums.rows - engine->progress.rows, sums.bytes - engine->progress.bytes};
}

static bool add_lag(const struct sx_task_look *task, void *arg)
{
    *(int64_t *)arg += task->restoring ? SX_MAX(task->restore_lag, 0) : 0;
    return true;
}

/* Under the engine's lock. */
static int64_t seconds_left(const struct sx_engine *engine, int64_t ahead, int64_t now_ms)
{
    int64_t took_ms = now_ms - atomic_load(&engine->settling_ms);
    uint64_t rows = restored(engine).rows;

    if (ahead == 0)
        return 0;
    return rows == 0 || took_ms <= 0 ? -1
                                     : (int64_t)((double)ahead / (double)rows * (double)took_ms / 1e3) + 1;
}

int64_t sx_engine_seconds_left(struct sx_engine *engine, int64_t ahead)
{
    int64_t left = 0;

    pthread_mutex_lock(&engine->lock);
    if (atomic_load(&engine->settling_ms) >= 0)
        left = seconds_left(engine, ahead, sx_now_ms(engine->options.clock));
    pthread_mutex_unlock(&engine->lock);
    return left;
}

void sx_progress_begin(struct sx_engine *engine)
{
    struct sums now = restored(engine);

    engine->progress.rows += now.rows;
    engine->progress.bytes += now.bytes;
    engine->progress.said_ms = atomic_load(&engine->settling_ms);
}

static void say(struct sx_engine *engine, const char *event, const char *name, int64_t value,
                const char *more, int64_t other)
{
    struct sums done = restored(engine);
    char texts[5][24];

    snprintf(texts[0], sizeof(texts[0]), "%" PRIu32, engine->given);
    snprintf(texts[1], sizeof(texts[1]), "%" PRIu64, done.rows);
    snprintf(texts[2], sizeof(texts[2]), "%" PRIu64, done.bytes);
    snprintf(texts[3], sizeof(texts[3]), "%" PRId64, value);
    snprintf(texts[4], sizeof(texts[4]), "%" PRId64, other);
    sx_log(engine->options.logger, SX_INFO, event, "slots", texts[0], "records_restored", texts[1],
           "bytes_restored", texts[2], name, texts[3], more, texts[4], NULL);
}

void sx_progress_end(struct sx_engine *engine)
{
    int64_t took_ms = sx_now_ms(engine->options.clock) - atomic_load(&engine->settling_ms);

    say(engine, "every task here processes", "ms", took_ms, NULL, 0);
}

void sx_progress_step(struct sx_engine *engine, int64_t now_ms)
{
    int64_t ahead = 0, left;

    if (atomic_load(&engine->settling_ms) < 0)
        return;
    sx_engine_each_task(engine, add_lag, &ahead);
    pthread_mutex_lock(&engine->lock);
    if (ahead > 0 && atomic_load(&engine->settling_ms) >= 0 && now_ms - engine->progress.said_ms >= SAY_MS) {
        engine->progress.said_ms = now_ms;
        left = seconds_left(engine, ahead, now_ms);
        say(engine, "restoring", "records_ahead", ahead, left >= 0 ? "seconds_left" : NULL, left);
    }
    pthread_mutex_unlock(&engine->lock);
}
