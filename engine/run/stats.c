/* stats.c: see stats.h; and what an engine tells of its tasks and counters. */
#include "engine/run/stats.h"

#include "engine/run/global.h"
#include "engine/run/standby.h"

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

/* ---- The table ------------------------------------------------------------------------------- */

enum stat {
#define SX_STAT(id, name, kind, label1, label2, help) id,
#include "engine/run/stats.def"
#undef SX_STAT
};

static const struct sx_stat_row rows[] = {
#define SX_STAT(id, name, kind, label1, label2, help) {name, SX_STAT_##kind, {label1, label2}, help},
#include "engine/run/stats.def"
#undef SX_STAT
};

const struct sx_stat_row *sx_stat_rows(uint32_t *count)
{
    *count = SX_COUNT(rows);
    return rows;
}

/* ---- Telling --------------------------------------------------------------------------------- */

struct tell {
    struct sx_engine *engine;
    struct sx_worker *workers;
    uint32_t worker_count;
    sx_stat_fn fn;
    void *arg;
};

/* One sample; the labels' values are in the order of the row's names, NULL where there is none. */
static void tell(const struct tell *t, enum stat which, const char *first, const char *second, double value)
{
    const struct sx_stat_row *row = &rows[which];
    struct sx_stat_label labels[] = {{row->labels[0], first}, {row->labels[1], second}};
    struct sx_stat stat = {.name = row->name,
                           .help = row->help,
                           .kind = row->kind,
                           .labels = labels,
                           .label_count = (row->labels[0] != NULL) + (row->labels[1] != NULL),
                           .value = value};

    t->fn(&stat, t->arg);
}

static uint64_t node_sum(const struct tell *t, uint32_t node, enum stat which)
{
    uint64_t sum = 0;

    for (uint32_t w = 0; w < t->worker_count; w++) {
        const struct sx_node_stat *stat = &t->workers[w].stats.nodes[node];

        sum += sx_counted(which == NODE_RECORDS   ? &stat->rows_in
                          : which == NODE_EMITTED ? &stat->rows_out
                                                  : &stat->errors);
    }
    return sum;
}

static void tell_nodes(const struct tell *t, enum stat which)
{
    for (uint32_t i = 0; i < t->engine->plan->node_count; i++) {
        const struct sx_node_plan *node = t->engine->plan->nodes[i];

        if (which != ROW_ERRORS || node->entry != NULL)
            tell(t, which, node->name, node->op->name, (double)node_sum(t, i, which));
    }
}

static void tell_topics(const struct tell *t, enum stat which)
{
    for (uint32_t i = 0; i < t->engine->plan->topic_count; i++) {
        uint64_t sum = 0;

        for (uint32_t w = 0; w < t->worker_count; w++) {
            const struct sx_topic_stat *stat = &t->workers[w].stats.topics[i];

            sum += sx_counted(which == PRODUCED   ? &stat->produced
                              : which == CONSUMED ? &stat->consumed
                                                  : &stat->resets);
        }
        tell(t, which, t->engine->plan->topics[i]->name, NULL, (double)sum);
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
            uint64_t sum = 0;

            if (is_told(t, w, drop))
                continue;
            for (uint32_t v = w; v < t->worker_count; v++)
                sum += drop_count(&t->workers[v], drop);
            tell(t, DROPPED, drop->node->name, drop->reason, (double)sum);
        }
    }
}

static void tell_workers(const struct tell *t, enum stat which, size_t offset)
{
    for (uint32_t w = 0; w < t->worker_count; w++) {
        const char *stats = (const char *)&t->workers[w].stats;
        char number[12];

        snprintf(number, sizeof(number), "%u", w);
        tell(t, which, number, NULL,
             (double)sx_counted((const _Atomic uint64_t *)(const void *)(stats + offset)));
    }
}

static void tell_ages(const struct tell *t)
{
    int64_t now_ms = sx_now_ms(t->engine->options.clock);

    for (uint32_t w = 0; w < t->worker_count; w++) {
        int64_t since_ms = atomic_load_explicit(&t->workers[w].work_since_ms, memory_order_relaxed);
        char number[12];

        snprintf(number, sizeof(number), "%u", w);
        tell(t, TRANSACTION_AGE, number, NULL, since_ms < 0 ? 0 : (double)SX_MAX(now_ms - since_ms, 0) / 1e3);
    }
}

static void tell_latency(const struct tell *t)
{
    uint64_t counts[SX_COMMIT_BOUNDS] = {0}, own[SX_COMMIT_BOUNDS + 1] = {0}, sum_us = 0, total = 0;
    struct sx_stat stat = {.name = rows[COMMIT_SECONDS].name,
                           .help = rows[COMMIT_SECONDS].help,
                           .kind = rows[COMMIT_SECONDS].kind,
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

typedef bool (*task_fn)(const struct sx_task_look *task, void *arg);

/* False: enough. */
static bool each_task_of(struct sx_worker *worker, task_fn fn, void *arg)
{
    bool more = true;

    pthread_mutex_lock(&worker->looks);
    for (uint32_t s = 0; s < worker->slot_count && more; s++)
        for (uint32_t t = 0; t < worker->slots[s]->task_count && more; t++) {
            struct sx_slot_task *task = &worker->slots[s]->tasks[t];
            struct sx_task_look look = {
                .subtopology = task->subtopology->index,
                .partition = worker->slots[s]->number,
                .worker = worker->number,
                .restoring = worker->slots[s]->state != SX_SLOT_RUNNING,
                .stream_time_ms = atomic_load_explicit(&task->stream_time_ms, memory_order_relaxed),
                .input_lag = atomic_load_explicit(&task->input_lag, memory_order_relaxed),
                .restore_lag = atomic_load_explicit(&task->restore_lag, memory_order_relaxed),
            };

            more = fn(&look, arg);
        }
    pthread_mutex_unlock(&worker->looks);
    return more;
}

void sx_engine_each_task(struct sx_engine *engine, bool (*fn)(const struct sx_task_look *task, void *arg),
                         void *arg)
{
    struct sx_worker *workers = sx_engine_workers(engine);

    for (uint32_t w = 0; workers != NULL && w < engine->worker_count; w++)
        if (!each_task_of(&workers[w], fn, arg))
            return;
}

struct task_tell {
    const struct tell *t;
    enum stat which;
};

static bool tell_task(const struct sx_task_look *task, void *arg)
{
    const struct task_tell *tt = arg;
    char subtopology[12], partition[12];
    int64_t value = tt->which == INPUT_LAG     ? task->input_lag
                    : tt->which == STREAM_TIME ? task->stream_time_ms
                                               : task->restore_lag;

    snprintf(subtopology, sizeof(subtopology), "%u", task->subtopology);
    snprintf(partition, sizeof(partition), "%d", task->partition);
    if (tt->which != STREAM_TIME || value >= 0)
        tell(tt->t, tt->which, subtopology, partition,
             tt->which == STREAM_TIME ? (double)value / 1e3 : (double)value);
    return true;
}

static void tell_tasks(const struct tell *t, enum stat which)
{
    struct task_tell tt = {t, which};

    sx_engine_each_task(t->engine, tell_task, &tt);
}

static void tell_copies(const struct tell *t)
{
    struct sx_worker *copies = t->workers != NULL ? sx_standby_copies(t->engine->standby) : NULL;
    struct task_tell tt = {t, STANDBY_LAG};

    if (copies != NULL)
        each_task_of(copies, tell_task, &tt);
}

static void tell_stores(const struct tell *t, enum stat which)
{
    for (uint32_t s = 0; s < t->engine->plan->store_count; s++) {
        uint64_t sum = 0;

        for (uint32_t w = 0; w < t->worker_count; w++) {
            const struct sx_store_stat *stat = &t->workers[w].stats.stores[s];

            sum += sx_counted(which == STORE_MEMORY   ? &stat->memory_bytes
                              : which == STORE_READS  ? &stat->rows_read
                              : which == STORE_WRITES ? &stat->rows_written
                                                      : &stat->disk_reads);
        }
        tell(t, which, t->engine->plan->stores[s]->name, NULL, (double)sum);
    }
}

void sx_engine_stats(struct sx_engine *engine, sx_stat_fn fn, void *arg)
{
    struct tell t = {engine, sx_engine_workers(engine), 0, fn, arg};

    t.worker_count = t.workers ? engine->worker_count : 0;
    tell(&t, ENGINE_STATE, NULL, NULL, (double)sx_engine_state(engine));
    tell_nodes(&t, NODE_RECORDS);
    tell_nodes(&t, NODE_EMITTED);
    tell_nodes(&t, ROW_ERRORS);
    tell_drops(&t);
    tell_topics(&t, CONSUMED);
    tell_topics(&t, PRODUCED);
    tell_topics(&t, OFFSET_RESET);
    tell_workers(&t, COMMITS, offsetof(struct sx_worker_stats, commits));
    tell_workers(&t, ABORTS, offsetof(struct sx_worker_stats, aborts));
    tell_workers(&t, FENCED, offsetof(struct sx_worker_stats, fenced));
    tell_workers(&t, STALLED, offsetof(struct sx_worker_stats, stalled));
    tell_workers(&t, RESTORED, offsetof(struct sx_worker_stats, restored_rows));
    tell_workers(&t, RESTORED_BYTES, offsetof(struct sx_worker_stats, restored_bytes));
    tell_workers(&t, COPIED, offsetof(struct sx_worker_stats, copied_rows));
    tell_workers(&t, COPIED_BYTES, offsetof(struct sx_worker_stats, copied_bytes));
    tell_ages(&t);
    tell_latency(&t);
    tell_tasks(&t, INPUT_LAG);
    tell_tasks(&t, RESTORE_LAG);
    tell_copies(&t);
    tell_tasks(&t, STREAM_TIME);
    tell_stores(&t, STORE_MEMORY);
    tell_stores(&t, STORE_READS);
    tell_stores(&t, STORE_WRITES);
    tell_stores(&t, STORE_DISK_READS);
    tell(&t, GLOBAL_ROWS, NULL, NULL, (double)sx_global_rows(t.workers ? engine->global : NULL));
}
