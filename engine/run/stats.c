/* stats.c: see stats.h; and what an engine tells of its tasks and counters. */
#include "engine/run/stats.h"

#include "engine/run/global.h"
#include "engine/run/worker.h"

#include <stdlib.h>

static const double bounds_s[SX_COMMIT_BOUNDS] = {0.001, 0.002, 0.005, 0.01, 0.02, 0.05,
                                                  0.1,   0.2,   0.5,   1,    2,    5};

/* ---- A worker's counters --------------------------------------------------------------------- */

void sx_worker_stats_init(struct sx_worker_stats *stats, const struct sx_plan *plan)
{
    stats->nodes = sx_calloc(plan->node_count + 1, sizeof(*stats->nodes));
    stats->topics = sx_calloc(plan->topic_count + 1, sizeof(*stats->topics));
    stats->stores = sx_calloc(plan->store_count + 1, sizeof(*stats->stores));
}

void sx_worker_stats_free(struct sx_worker_stats *stats)
{
    for (struct sx_drop_stat *drop = atomic_load(&stats->drops), *next; drop != NULL; drop = next) {
        next = atomic_load(&drop->next);
        free(drop->reason);
        free(drop);
    }
    free(stats->nodes);
    free(stats->topics);
    free(stats->stores);
}

void sx_stats_drop(struct sx_worker_stats *stats, const struct sx_node_plan *node, const char *reason,
                   uint64_t count)
{
    _Atomic(struct sx_drop_stat *) *at = &stats->drops;
    struct sx_drop_stat *drop;

    while ((drop = atomic_load_explicit(at, memory_order_relaxed)) != NULL) {
        if (drop->node == node && strcmp(drop->reason, reason) == 0) {
            sx_count(&drop->count, count);
            return;
        }
        at = &drop->next;
    }
    drop = sx_calloc(1, sizeof(*drop));
    drop->node = node;
    drop->reason = sx_strdup(reason);
    atomic_init(&drop->count, count);
    atomic_store_explicit(at, drop, memory_order_release);
}

void sx_stats_commit(struct sx_worker_stats *stats, uint64_t microseconds)
{
    uint32_t b = 0;

    while (b < SX_COMMIT_BOUNDS && (double)microseconds > bounds_s[b] * 1e6)
        b++;
    sx_count(&stats->commit_counts[b], 1);
    sx_count(&stats->commit_us, microseconds);
    sx_count(&stats->commits, 1);
}

/* ---- Telling --------------------------------------------------------------------------------- */

struct tell {
    struct sx_engine *engine;
    struct sx_worker *workers;
    uint32_t worker_count;
    sx_stat_fn fn;
    void *arg;
};

static void tell(const struct tell *t, const char *name, const char *help, enum sx_stat_kind kind,
                 const struct sx_stat_label *labels, uint32_t label_count, double value)
{
    struct sx_stat stat = {.name = name,
                           .help = help,
                           .kind = kind,
                           .labels = labels,
                           .label_count = label_count,
                           .value = value};

    t->fn(&stat, t->arg);
}

enum node_counter { ROWS_IN, ROWS_OUT, ERRORS };

static uint64_t node_sum(const struct tell *t, uint32_t node, enum node_counter which)
{
    uint64_t sum = 0;

    for (uint32_t w = 0; w < t->worker_count; w++) {
        const struct sx_node_stat *stat = &t->workers[w].stats.nodes[node];

        sum += sx_counted(which == ROWS_IN    ? &stat->rows_in
                          : which == ROWS_OUT ? &stat->rows_out
                                              : &stat->errors);
    }
    return sum;
}

static void tell_nodes(const struct tell *t, const char *name, const char *help, enum node_counter which)
{
    for (uint32_t i = 0; i < t->engine->plan->node_count; i++) {
        const struct sx_node_plan *node = t->engine->plan->nodes[i];
        struct sx_stat_label labels[] = {{"node", node->name}, {"operator", node->op->name}};

        if (which != ERRORS || node->entry != NULL)
            tell(t, name, help, SX_STAT_COUNTER, labels, 2, (double)node_sum(t, i, which));
    }
}

static void tell_topics(const struct tell *t, const char *name, const char *help, bool produced)
{
    for (uint32_t i = 0; i < t->engine->plan->topic_count; i++) {
        struct sx_stat_label label = {"topic", t->engine->plan->topics[i]->name};
        uint64_t sum = 0;

        for (uint32_t w = 0; w < t->worker_count; w++) {
            const struct sx_topic_stat *stat = &t->workers[w].stats.topics[i];

            sum += sx_counted(produced ? &stat->produced : &stat->consumed);
        }
        tell(t, name, help, SX_STAT_COUNTER, &label, 1, (double)sum);
    }
}

/* Count of a node and reason in a worker, 0 if it is not there. */
static uint64_t drop_count(const struct sx_worker *worker, const struct sx_drop_stat *like)
{
    struct sx_drop_stat *drop = atomic_load_explicit(&worker->stats.drops, memory_order_acquire);

    while (drop != NULL && !(drop->node == like->node && strcmp(drop->reason, like->reason) == 0))
        drop = atomic_load_explicit(&drop->next, memory_order_acquire);
    return drop ? sx_counted(&drop->count) : 0;
}

static bool is_told(const struct tell *t, uint32_t before, const struct sx_drop_stat *like)
{
    for (uint32_t w = 0; w < before; w++)
        if (drop_count(&t->workers[w], like))
            return true;
    return false;
}

static void tell_drops(const struct tell *t)
{
    for (uint32_t w = 0; w < t->worker_count; w++) {
        struct sx_drop_stat *drop = atomic_load_explicit(&t->workers[w].stats.drops, memory_order_acquire);

        for (; drop != NULL; drop = atomic_load_explicit(&drop->next, memory_order_acquire)) {
            struct sx_stat_label labels[] = {{"node", drop->node->name}, {"reason", drop->reason}};
            uint64_t sum = 0;

            if (is_told(t, w, drop))
                continue;
            for (uint32_t v = w; v < t->worker_count; v++)
                sum += drop_count(&t->workers[v], drop);
            tell(t, "streamd_dropped_total", "Rows left out, by node and reason.", SX_STAT_COUNTER, labels, 2,
                 (double)sum);
        }
    }
}

static void tell_workers(const struct tell *t, const char *name, const char *help, size_t offset)
{
    for (uint32_t w = 0; w < t->worker_count; w++) {
        const char *stats = (const char *)&t->workers[w].stats;
        char number[12];
        struct sx_stat_label label = {"worker", number};

        snprintf(number, sizeof(number), "%u", w);
        tell(t, name, help, SX_STAT_COUNTER, &label, 1,
             (double)sx_counted((const _Atomic uint64_t *)(const void *)(stats + offset)));
    }
}

static void tell_latency(const struct tell *t)
{
    uint64_t counts[SX_COMMIT_BOUNDS] = {0}, own[SX_COMMIT_BOUNDS + 1] = {0}, sum_us = 0, total = 0;
    struct sx_stat stat = {.name = "streamd_commit_seconds",
                           .help = "How long commits took.",
                           .kind = SX_STAT_HISTOGRAM,
                           .bounds = bounds_s,
                           .counts = counts,
                           .bound_count = SX_COMMIT_BOUNDS};

    for (uint32_t w = 0; w < t->worker_count; w++) {
        sum_us += sx_counted(&t->workers[w].stats.commit_us);
        for (uint32_t b = 0; b <= SX_COMMIT_BOUNDS; b++)
            own[b] += sx_counted(&t->workers[w].stats.commit_counts[b]);
    }
    for (uint32_t b = 0; b <= SX_COMMIT_BOUNDS; b++) {
        total += own[b];
        if (b < SX_COMMIT_BOUNDS)
            counts[b] = total;
    }
    stat.count = total;
    stat.sum = (double)sum_us / 1e6;
    t->fn(&stat, t->arg);
}

/* ---- Tasks ----------------------------------------------------------------------------------- */

static struct sx_worker *workers_of(struct sx_engine *engine)
{
    struct sx_worker *workers;

    pthread_mutex_lock(&engine->lock);
    workers = engine->workers;
    pthread_mutex_unlock(&engine->lock);
    return workers;
}

void sx_engine_each_task(struct sx_engine *engine, bool (*fn)(const struct sx_task_look *task, void *arg),
                         void *arg)
{
    struct sx_worker *workers = workers_of(engine);
    bool more = true;

    for (uint32_t w = 0; workers != NULL && w < engine->worker_count && more; w++) {
        struct sx_worker *worker = &workers[w];

        pthread_mutex_lock(&worker->looks);
        for (uint32_t s = 0; s < worker->slot_count && more; s++)
            for (uint32_t t = 0; t < worker->slots[s]->task_count && more; t++) {
                struct sx_slot_task *task = &worker->slots[s]->tasks[t];
                struct sx_task_look look = {
                    .subtopology = task->subtopology->index,
                    .partition = worker->slots[s]->number,
                    .worker = w,
                    .restoring = worker->slots[s]->state != SX_SLOT_RUNNING,
                    .stream_time_ms = atomic_load_explicit(&task->stream_time_ms, memory_order_relaxed),
                    .input_lag = atomic_load_explicit(&task->input_lag, memory_order_relaxed),
                    .restore_lag = atomic_load_explicit(&task->restore_lag, memory_order_relaxed),
                };

                more = fn(&look, arg);
            }
        pthread_mutex_unlock(&worker->looks);
    }
}

enum task_gauge { INPUT_LAG, RESTORE_LAG, STREAM_TIME };

struct task_tell {
    const struct tell *t;
    const char *name, *help;
    enum task_gauge which;
};

static bool tell_task(const struct sx_task_look *task, void *arg)
{
    const struct task_tell *tt = arg;
    char subtopology[12], partition[12];
    struct sx_stat_label labels[] = {{"subtopology", subtopology}, {"partition", partition}};
    int64_t value = tt->which == INPUT_LAG     ? task->input_lag
                    : tt->which == RESTORE_LAG ? task->restore_lag
                                               : task->stream_time_ms;

    snprintf(subtopology, sizeof(subtopology), "%u", task->subtopology);
    snprintf(partition, sizeof(partition), "%d", task->partition);
    if (tt->which != STREAM_TIME || value >= 0)
        tell(tt->t, tt->name, tt->help, SX_STAT_GAUGE, labels, 2,
             tt->which == STREAM_TIME ? (double)value / 1e3 : (double)value);
    return true;
}

static void tell_tasks(const struct tell *t, const char *name, const char *help, enum task_gauge which)
{
    struct task_tell tt = {t, name, help, which};

    sx_engine_each_task(t->engine, tell_task, &tt);
}

enum store_number { STORE_MEMORY, STORE_READ, STORE_WRITTEN, STORE_DISK_READS };

static void tell_stores(const struct tell *t, const char *name, const char *help, enum store_number which)
{
    for (uint32_t s = 0; s < t->engine->plan->store_count; s++) {
        struct sx_stat_label label = {"store", t->engine->plan->stores[s]->name};
        uint64_t sum = 0;

        for (uint32_t w = 0; w < t->worker_count; w++) {
            const struct sx_store_stat *stat = &t->workers[w].stats.stores[s];

            sum += sx_counted(which == STORE_MEMORY    ? &stat->memory_bytes
                              : which == STORE_READ    ? &stat->rows_read
                              : which == STORE_WRITTEN ? &stat->rows_written
                                                       : &stat->disk_reads);
        }
        tell(t, name, help, which == STORE_MEMORY ? SX_STAT_GAUGE : SX_STAT_COUNTER, &label, 1, (double)sum);
    }
}

void sx_engine_stats(struct sx_engine *engine, sx_stat_fn fn, void *arg)
{
    struct tell t = {engine, workers_of(engine), 0, fn, arg};

    t.worker_count = t.workers ? engine->worker_count : 0;
    tell(&t, "streamd_engine_state", "The engine's state, as a number of streamd_engine_state.",
         SX_STAT_GAUGE, NULL, 0, (double)sx_engine_state(engine));
    tell_nodes(&t, "streamd_node_records_total", "Rows that a node took.", ROWS_IN);
    tell_nodes(&t, "streamd_node_emitted_total", "Rows that a node gave.", ROWS_OUT);
    tell_nodes(&t, "streamd_row_errors_total", "Rows of a source that failed.", ERRORS);
    tell_drops(&t);
    tell_topics(&t, "streamd_consumed_total", "Records read from a topic and processed.", false);
    tell_topics(&t, "streamd_produced_total", "Records written to a topic.", true);
    tell_workers(&t, "streamd_commits_total", "Commits.", offsetof(struct sx_worker_stats, commits));
    tell_workers(&t, "streamd_aborts_total", "Commits given up, work done again.",
                 offsetof(struct sx_worker_stats, aborts));
    tell_workers(&t, "streamd_fenced_total", "Times that another instance took over.",
                 offsetof(struct sx_worker_stats, fenced));
    tell_workers(&t, "streamd_restored_total", "Records restored into stores.",
                 offsetof(struct sx_worker_stats, restored_rows));
    tell_latency(&t);
    tell_tasks(&t, "streamd_task_input_lag", "Records ahead in a task's inputs.", INPUT_LAG);
    tell_tasks(&t, "streamd_task_restore_lag", "Records ahead of a task's restore.", RESTORE_LAG);
    tell_tasks(&t, "streamd_task_stream_time_seconds", "A task's stream time.", STREAM_TIME);
    tell_stores(&t, "streamd_store_memory_bytes", "Memory of a store's cache.", STORE_MEMORY);
    tell_stores(&t, "streamd_store_reads_total", "Rows looked up in a store.", STORE_READ);
    tell_stores(&t, "streamd_store_writes_total", "Rows written to a store.", STORE_WRITTEN);
    tell_stores(&t, "streamd_store_disk_reads_total", "Lookups that went to the disk.", STORE_DISK_READS);
    tell(&t, "streamd_global_rows_total", "Rows read into global tables.", SX_STAT_COUNTER, NULL, 0,
         (double)sx_global_rows(t.workers ? engine->global : NULL));
}
