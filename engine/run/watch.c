/* watch.c: a worker that ends no batch for max.poll.interval.ms (five minutes) is taken for lost.
 *
 * The group's member is a thread of its own, so the group would never notice. The engine is then not live,
 * with the reason, and where others can take over it leaves the group: what the worker has in hand is never
 * committed, because the lease that a commit needs is taken from it first. The lease can not be taken while
 * a commit is under way, which has limits of its own. When the worker comes back it drops its work, gets the
 * lease again, and the engine joins anew.
 *
 * A worker is silent as long as the coordinator, who counts, is awake: a process that was stopped for a
 * while is not blamed for it. */
#include "engine/run/worker.h"

#define STEP_MOST_MS 1000 /* of the time between two looks so much counts */

static void blame(struct sx_engine *engine, struct sx_worker *worker)
{
    char number[12], limit[24];

    snprintf(number, sizeof(number), "%u", worker->number);
    snprintf(limit, sizeof(limit), "%lld", (long long)engine->log->stall_ms);
    sx_log(engine->options.logger, SX_ERROR, "a worker ends no batch", "worker", number, "for more than ms",
           limit, "then",
           engine->log->holds_state ? "it is waited for" : "its partitions are given up, it commits nothing",
           NULL);
    atomic_store(&worker->stalled, true);
    sx_count(&worker->stats.stalled, 1);
}

/* Looks at one worker, so many milliseconds after the last look. */
static void look_at(struct sx_engine *engine, struct sx_worker *worker, int64_t since_ms)
{
    uint64_t beats = atomic_load_explicit(&worker->beats, memory_order_relaxed);

    if (beats != worker->seen_beats) {
        worker->seen_beats = beats;
        worker->silent_ms = 0;
        if (atomic_exchange(&worker->stalled, false))
            sx_log(engine->options.logger, SX_INFO, "the worker goes on", NULL);
        return;
    }
    worker->silent_ms += since_ms;
    if (worker->silent_ms < engine->log->stall_ms)
        return;
    if (!atomic_load(&worker->stalled))
        blame(engine, worker);
    if (!engine->log->holds_state && !engine->left) {
        int held = SX_LEASE_HELD;

        atomic_compare_exchange_strong(&worker->lease, &held, SX_LEASE_LOST);
    }
}

void sx_watch(struct sx_engine *engine)
{
    int64_t now_ms = sx_now_ms(engine->options.clock);
    int64_t since_ms = SX_MIN(now_ms - engine->watched_ms, STEP_MOST_MS);

    engine->watched_ms = now_ms;
    for (uint32_t w = 0; w < engine->worker_count && engine->log->stall_ms > 0; w++)
        if (engine->workers[w].started)
            look_at(engine, &engine->workers[w], since_ms);
}

bool sx_watch_is_lost(const struct sx_worker *worker) { return atomic_load(&worker->lease) == SX_LEASE_LOST; }

bool sx_watch_any_lost(const struct sx_engine *engine)
{
    bool lost = false;

    for (uint32_t w = 0; w < engine->worker_count; w++)
        lost |= sx_watch_is_lost(&engine->workers[w]);
    return lost;
}

bool sx_engine_stalled(struct sx_engine *engine, uint32_t *number, int64_t *limit_ms)
{
    struct sx_worker *workers = sx_engine_workers(engine);

    for (uint32_t w = 0; workers != NULL && w < engine->worker_count; w++)
        if (atomic_load(&workers[w].stalled)) {
            *number = w;
            *limit_ms = engine->log->stall_ms;
            return true;
        }
    return false;
}
