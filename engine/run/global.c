/* global.c: see global.h. */
#include "engine/run/global.h"

#include "engine/run/worker.h"

#include <stdlib.h>

#define FOLLOW_WAIT_MS 200
#define LOAD_WAIT_MS 50

struct partition {
    struct sx_reader *reader;
    int64_t position, target;
};

/* One global table. */
struct table {
    struct sx_global *global;
    struct sx_node_plan *entry;
    struct sx_store *store;
    struct sx_task *task;
    struct sx_store **stores; /* by index in the plan */
    struct partition *partitions;
    uint32_t partition_count;
};

struct sx_global {
    struct sx_engine *engine;
    struct table *tables;
    uint32_t table_count;
    struct sx_task_events events;
    struct sx_arena arena;
    struct sx_waker waker;
    pthread_mutex_t lock; /* the stores */
    pthread_t thread;
    bool has_thread;
    atomic_bool stopping;
    _Atomic uint64_t rows;
};

/* ---- Reading --------------------------------------------------------------------------------- */

static void sent(const struct sx_task_send *send, void *arg)
{ /* A global table's source sends nothing. */
}

static void dropped(const struct sx_node_plan *node, const char *reason, uint64_t count, void *arg) {}

static void failed(const struct sx_task_failure *failure, enum sx_on_error policy, void *arg)
{
    struct sx_global *global = arg;

    sx_log(global->engine->options.logger, SX_WARN, "skipped a record of a global table", "topic",
           failure->topic, "reason", failure->reason, "message", failure->message, NULL);
}

static streamd_status take_in(struct table *table, struct partition *partition, const struct sx_fetch *fetch,
                              streamd_error **error)
{
    struct sx_global *global = table->global;
    struct sx_task_failure failure;
    struct sx_decoded decoded;
    uint32_t stop;

    sx_arena_reset(&global->arena);
    sx_task_decode(table->task, table->entry, partition->reader->topic, partition->reader->partition,
                   fetch->records, fetch->count, fetch->padded, &global->arena, &decoded);
    pthread_mutex_lock(&global->lock);
    sx_store_begin(table->store);
    stop = sx_task_process(table->task, &decoded, 0, fetch->count, &failure);
    table->store->ops->committed(table->store);
    pthread_mutex_unlock(&global->lock);
    sx_count(&global->rows, stop);
    if (stop < fetch->count)
        return sx_fail_fatal(error, STREAMD_E_DECODE, "%s, partition %d, offset %lld: %s: %s", failure.topic,
                             failure.partition, (long long)failure.record->offset, failure.reason,
                             failure.message);
    return STREAMD_OK;
}

/* Read what is there. *behind: some partition is not yet where it was to be loaded to. */
static streamd_status read_some(struct sx_global *global, bool *busy, bool *behind, streamd_error **error)
{
    const struct sx_log_def *def = global->engine->def;
    streamd_status status = STREAMD_OK;

    for (uint32_t t = 0; t < global->table_count; t++)
        for (uint32_t p = 0; p < global->tables[t].partition_count && status == STREAMD_OK; p++) {
            struct partition *partition = &global->tables[t].partitions[p];
            struct sx_fetch fetch;

            status = def->fetch(partition->reader, SX_BATCH_ROWS, &fetch, error);
            if (status != STREAMD_OK)
                return status;
            if (fetch.count)
                status = take_in(&global->tables[t], partition, &fetch, error);
            *busy |= fetch.count > 0;
            partition->position = SX_MAX(partition->position, fetch.next_offset);
            *behind |= partition->position < partition->target;
            def->release(partition->reader, &fetch);
        }
    return status;
}

static streamd_status load(struct sx_global *global, streamd_error **error)
{
    bool behind = true;

    while (behind) {
        streamd_error *problem = NULL;
        bool busy = false;
        streamd_status status;

        behind = false;
        status = read_some(global, &busy, &behind, &problem);
        if (status != STREAMD_OK && !streamd_error_is_retriable(problem)) {
            if (error != NULL)
                *error = problem;
            else
                streamd_error_free(problem);
            return status;
        }
        behind |= status != STREAMD_OK;
        streamd_error_free(problem);
        if (behind && !busy)
            sx_waker_wait(&global->waker, LOAD_WAIT_MS);
    }
    return STREAMD_OK;
}

int sx_global_step(struct sx_global *global)
{
    streamd_error *error = NULL;
    bool busy = false, behind = false;
    streamd_status status;

    if (global == NULL || atomic_load(&global->stopping))
        return -1;
    status = read_some(global, &busy, &behind, &error);
    if (status != STREAMD_OK && !streamd_error_is_retriable(error)) {
        sx_engine_fail(global->engine, error);
        return -1;
    }
    streamd_error_free(error);
    return busy ? 0 : FOLLOW_WAIT_MS;
}

static void *follow(void *arg)
{
    struct sx_global *global = arg;

    for (int wait_ms; (wait_ms = sx_global_step(global)) >= 0;)
        if (wait_ms > 0)
            sx_waker_wait(&global->waker, wait_ms);
    return NULL;
}

/* ---- Life ------------------------------------------------------------------------------------ */

static streamd_status open_partition(struct table *table, uint32_t topic, int32_t number,
                                     streamd_error **error)
{
    struct sx_engine *engine = table->global->engine;
    const char *name = engine->plan->topics[topic]->name;
    struct partition *partition = &table->partitions[table->partition_count];
    int64_t low;
    streamd_status status =
        engine->def->watermarks(engine->log, name, number, true, &low, &partition->target, error);

    if (status != STREAMD_OK)
        return status;
    partition->position = low;
    status = engine->def->reader_open(engine->log, SX_READ_RESTORE, name, number, low, &table->global->waker,
                                      &partition->reader, error);
    if (status == STREAMD_OK)
        table->partition_count++;
    return status;
}

static streamd_status open_table(struct table *table, streamd_error **error)
{
    struct sx_engine *engine = table->global->engine;
    const struct sx_entry_plan *entry = table->entry->entry;
    int32_t partitions = 0;
    streamd_status status = STREAMD_OK;

    table->stores = sx_calloc(engine->plan->store_count + 1, sizeof(*table->stores));
    table->store = sx_store_kinds.open_memory(engine->plan->stores[table->entry->stores[0]]);
    table->stores[table->entry->stores[0]] = table->store;
    table->task =
        sx_task_new(engine->plan, (int32_t)table->entry->next, 0, table->stores, &table->global->events);
    sx_task_open(table->task);
    for (uint32_t t = 0; t < entry->topic_count; t++)
        partitions += engine->partitions[entry->topics[t]];
    table->partitions = sx_calloc((size_t)partitions + 1, sizeof(*table->partitions));
    for (uint32_t t = 0; t < entry->topic_count; t++)
        for (int32_t p = 0; p < engine->partitions[entry->topics[t]] && status == STREAMD_OK; p++)
            status = open_partition(table, entry->topics[t], p, error);
    return status;
}

streamd_status sx_global_start(struct sx_engine *engine, struct sx_global **out, streamd_error **error)
{
    const struct sx_plan *plan = engine->plan;
    struct sx_global *global;
    streamd_status status = STREAMD_OK;
    uint32_t count = 0;

    for (uint32_t i = 0; i < plan->node_count; i++)
        count += plan->nodes[i]->entry != NULL && plan->nodes[i]->entry->global;
    *out = NULL;
    if (count == 0)
        return STREAMD_OK;
    global = sx_calloc(1, sizeof(*global));
    global->engine = engine;
    global->events =
        (struct sx_task_events){.sent = sent, .failed = failed, .dropped = dropped, .arg = global};
    global->tables = sx_calloc(count, sizeof(*global->tables));
    atomic_init(&global->stopping, false);
    atomic_init(&global->rows, 0);
    pthread_mutex_init(&global->lock, NULL);
    sx_arena_init(&global->arena, 0);
    if (!sx_waker_init(&global->waker))
        status = sx_fail(error, STREAMD_E_STATE, "no file descriptor is left");
    for (uint32_t i = 0; i < plan->node_count && status == STREAMD_OK; i++)
        if (plan->nodes[i]->entry != NULL && plan->nodes[i]->entry->global) {
            struct table *table = &global->tables[global->table_count++];

            table->global = global;
            table->entry = plan->nodes[i];
            status = open_table(table, error);
        }
    if (status == STREAMD_OK)
        status = load(global, error);
    if (status != STREAMD_OK) {
        sx_global_free(global);
        return status;
    }
    *out = global;
    return STREAMD_OK;
}

bool sx_global_follow(struct sx_global *global)
{
    if (global != NULL)
        global->has_thread = pthread_create(&global->thread, NULL, follow, global) == 0;
    return global == NULL || global->has_thread;
}

void sx_global_stop(struct sx_global *global)
{
    if (global == NULL)
        return;
    atomic_store(&global->stopping, true);
    if (global->has_thread) {
        sx_waker_wake(&global->waker);
        pthread_join(global->thread, NULL);
    }
    global->has_thread = false;
}

void sx_global_free(struct sx_global *global)
{
    if (global == NULL)
        return;
    sx_global_stop(global);
    for (uint32_t t = 0; t < global->table_count; t++) {
        struct table *table = &global->tables[t];

        for (uint32_t p = 0; p < table->partition_count; p++)
            global->engine->def->reader_close(table->partitions[p].reader);
        sx_task_free(table->task);
        table->store->ops->close(table->store);
        free(table->partitions);
        free(table->stores);
    }
    sx_waker_free(&global->waker);
    pthread_mutex_destroy(&global->lock);
    sx_arena_free(&global->arena);
    free(global->tables);
    free(global);
}

uint64_t sx_global_rows(const struct sx_global *global) { return global ? sx_counted(&global->rows) : 0; }

/* ---- A worker's view ------------------------------------------------------------------------- */

struct view {
    struct sx_store store; /* first */
    struct sx_global *global;
    struct sx_store *of;
    struct sx_arena *arena;
};

static struct sx_slice view_get(struct sx_store *store, int64_t segment, struct sx_slice key)
{
    struct view *view = (struct view *)store;
    struct sx_slice value;

    pthread_mutex_lock(&view->global->lock);
    value = sx_store_get(view->of, segment, key);
    if (value.data != NULL)
        value = sx_arena_copy(view->arena, value);
    pthread_mutex_unlock(&view->global->lock);
    return value;
}

static void view_each(struct sx_store *store, int64_t from, int64_t to, sx_store_fn fn, void *arg)
{
    struct view *view = (struct view *)store;

    pthread_mutex_lock(&view->global->lock);
    sx_store_each(view->of, from, to, fn, arg);
    pthread_mutex_unlock(&view->global->lock);
}

static streamd_status view_peek(struct sx_store *store, struct sx_slice key, int64_t from, int64_t to,
                                sx_store_fn fn, void *arg, streamd_error **error)
{
    struct view *view = (struct view *)store;
    streamd_status status;

    pthread_mutex_lock(&view->global->lock);
    status = sx_store_peek(view->of, key, from, to, fn, arg, error);
    pthread_mutex_unlock(&view->global->lock);
    return status;
}

/* Nobody but the table's thread writes: a savepoint has nothing to keep. */
static void view_nothing(struct sx_store *store) {}

static size_t view_memory(const struct sx_store *store)
{
    const struct view *view = (const struct view *)store;
    size_t bytes;

    pthread_mutex_lock(&view->global->lock);
    bytes = view->of->ops->memory(view->of);
    pthread_mutex_unlock(&view->global->lock);
    return bytes;
}

static void view_close(struct sx_store *store) { free(store); }

static const struct sx_store_ops view_ops = {
    .get = view_get,
    .each = view_each,
    .peek = view_peek,
    .begin = view_nothing,
    .rollback = view_nothing,
    .committed = view_nothing,
    .discard = view_nothing,
    .memory = view_memory,
    .close = view_close,
};

struct sx_store *sx_global_view(struct sx_global *global, uint32_t index, struct sx_arena *arena)
{
    struct view *view;

    for (uint32_t t = 0; global != NULL && t < global->table_count; t++) {
        struct table *table = &global->tables[t];

        if (table->entry->stores[0] != index)
            continue;
        view = sx_calloc(1, sizeof(*view));
        view->store.ops = &view_ops;
        view->store.plan = table->store->plan;
        view->global = global;
        view->of = table->store;
        view->arena = arena;
        return &view->store;
    }
    return NULL;
}
