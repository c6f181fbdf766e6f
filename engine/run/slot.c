/* slot.c: opening a slot's tasks, and running them. */
#include "engine/run/worker.h"

#include "engine/run/global.h"
#include "engine/run/outlet.h"
#include "engine/run/original.h"
#include "engine/run/shipment.h"
#include "engine/run/standby.h"

#include <stdlib.h>

enum { MANY_NODES = 32, ROWS_LEAST = 64 };

struct sx_slot *sx_slot_new(struct sx_worker *worker, int32_t number)
{
    struct sx_slot *slot = sx_calloc(1, sizeof(*slot));

    slot->worker = worker;
    slot->number = number;
    slot->unit = sx_unit_new(worker->engine->options.disk);
    return slot;
}

void sx_slot_free(struct sx_slot *slot)
{
    if (slot == NULL)
        return;
    sx_slot_close(slot);
    sx_unit_free(slot->unit);
    sx_buffer_free(&slot->note);
    sx_buffer_free(&slot->told);
    free(slot);
}

/* ---- Opening --------------------------------------------------------------------------------- */

/* Partition `number` of one of its topics is there. */
static bool has_task(const struct sx_engine *engine, const struct sx_subtopology *sub, int32_t number)
{
    for (uint32_t e = 0; e < sub->entry_count; e++) {
        const struct sx_entry_plan *entry = sub->entries[e]->entry;

        for (uint32_t t = 0; t < entry->topic_count && !entry->global; t++)
            if (engine->partitions[entry->topics[t]] > number)
                return true;
    }
    return false;
}

static void open_task(struct sx_slot *slot, struct sx_slot_task *task, const struct sx_subtopology *sub)
{
    struct sx_engine *engine = slot->worker->engine;
    const struct sx_plan *plan = engine->plan;
    struct sx_store **stores = sx_calloc(plan->store_count + 1, sizeof(*stores));

    task->slot = slot;
    task->subtopology = sub;
    atomic_init(&task->stream_time_ms, -1);
    atomic_init(&task->input_lag, 0);
    atomic_init(&task->restore_lag, 0);
    task->stores = sx_calloc(plan->store_count + 1, sizeof(*task->stores));
    task->published = sx_calloc(sub->node_count + 1, sizeof(*task->published));
    for (uint32_t n = 0; n < sub->node_count; n++)
        for (uint32_t s = 0; s < sub->nodes[n]->store_count; s++) {
            uint32_t index = sub->nodes[n]->stores[s];
            struct sx_slot_store *store = &task->stores[task->store_count];

            if (plan->stores[index]->global)
                stores[index] = slot->worker->globals[index];
            if (stores[index] != NULL)
                continue;
            store->id = engine->store_ids[index];
            store->position = SX_OFFSET_NONE;
            store->store = sx_store_kinds.open(plan->stores[index], engine->options.disk, store->id,
                                               slot->number, &engine->cache_pool);
            stores[index] = store->store;
            task->store_count++;
        }
    task->task = sx_task_new(plan, (int32_t)sub->index, slot->number, stores, &slot->worker->events);
    free(stores);
}

static struct sx_input *input_for(struct sx_slot *slot, uint32_t topic, const char *name, uint32_t lane)
{
    struct sx_input *input;

    for (uint32_t i = 0; i < slot->input_count; i++)
        if (strcmp(slot->inputs[i].name, name) == 0)
            return &slot->inputs[i];
    slot->inputs = sx_realloc(slot->inputs, sizeof(*slot->inputs) * (slot->input_count + 1));
    input = &slot->inputs[slot->input_count++];
    memset(input, 0, sizeof(*input));
    input->topic = topic;
    input->name = name;
    input->partition = slot->number;
    input->lane = lane;
    input->committed = input->limit = input->first_to = SX_OFFSET_NONE;
    atomic_init(&input->purgeable, SX_OFFSET_NONE);
    atomic_init(&input->ended, -1);
    input->empty_since_ms = -1;
    input->start_latest = true;
    input->on_gap = SX_ON_GAP_LATEST;
    sx_arena_init(&input->arena, 0);
    return input;
}

static void add_input(struct sx_slot *slot, struct sx_slot_task *task, struct sx_node_plan *node,
                      uint32_t topic, const char *name)
{
    struct sx_input *input =
        input_for(slot, topic, name, slot->worker->engine->lanes[task->subtopology->index]);

    input->start_latest &= node->entry->start_latest;
    input->on_gap = SX_MIN(input->on_gap, node->entry->on_gap);
    for (uint32_t u = 0; u < input->use_count; u++)
        input->row_by_row |= input->uses[u].task == task;
    input->uses = sx_realloc(input->uses, sizeof(*input->uses) * (input->use_count + 1));
    input->uses[input->use_count++] = (struct sx_input_use){.task = task, .entry = node};
}

static void add_inputs(struct sx_slot *slot, struct sx_slot_task *task)
{
    const struct sx_engine *engine = slot->worker->engine;

    for (uint32_t e = 0; e < task->subtopology->entry_count; e++) {
        struct sx_node_plan *node = task->subtopology->entries[e];

        for (uint32_t t = 0; t < node->entry->topic_count && !node->entry->global; t++) {
            uint32_t topic = node->entry->topics[t];
            const struct sx_topic_names *names = &engine->names[topic];

            for (uint32_t n = 0; n < names->count && engine->partitions[topic] > slot->number; n++)
                add_input(slot, task, node, topic, names->names[n]);
        }
    }
}

bool sx_input_is_topic(const struct sx_engine *engine, const struct sx_input *input)
{
    return engine->plan->topics[input->topic]->medium == SX_MEDIUM_LOG;
}

/* Another topic of its pattern was read before, or other partitions of it: then it appeared since, and is
 * read from its beginning. */
static bool appeared(const struct sx_slot *slot, const struct sx_input *input,
                     const struct sx_partition_offset *committed)
{
    int32_t grown_from = slot->worker->engine->grown_from[input->topic];

    if (grown_from > 0 && input->partition >= grown_from)
        return true;
    for (uint32_t i = 0; i < slot->input_count; i++)
        if (slot->inputs[i].topic == input->topic && committed[i].offset != SX_OFFSET_NONE)
            return true;
    return false;
}

/* Where the group stands, and where to begin when it was never here. A copy takes part in no transaction,
 * and does not wait for any. */
static streamd_status find_offsets(struct sx_slot *slot, streamd_error **error)
{
    struct sx_engine *engine = slot->worker->engine;
    struct sx_partition_offset *offsets = sx_calloc(slot->input_count + 1, sizeof(*offsets));
    streamd_status status;
    uint32_t count = 0;

    for (uint32_t i = 0; i < slot->input_count; i++)
        if (sx_input_is_topic(engine, &slot->inputs[i]))
            offsets[count++] = (struct sx_partition_offset){slot->inputs[i].name, slot->inputs[i].partition,
                                                            SX_OFFSET_NONE, &slot->told};
    slot->told.size = slot->note.size = slot->note_count = 0;
    status = engine->def->committed(engine->log, offsets, count, !slot->standby, error);
    /* By input again, from the last on. */
    for (uint32_t i = slot->input_count; i-- > 0;)
        offsets[i] = sx_input_is_topic(engine, &slot->inputs[i])
                         ? offsets[--count]
                         : (struct sx_partition_offset){.offset = SX_OFFSET_NONE};
    for (uint32_t i = 0; i < slot->input_count && status == STREAMD_OK; i++) {
        struct sx_input *input = &slot->inputs[i];
        int64_t low, high;

        if (!sx_input_is_topic(engine, input))
            continue;
        input->position = input->committed = offsets[i].offset;
        atomic_store_explicit(&input->purgeable, input->committed, memory_order_relaxed);
        if (input->committed != SX_OFFSET_NONE)
            continue;
        status =
            engine->def->watermarks(engine->log, input->name, input->partition, false, &low, &high, error);
        if (status == STREAMD_OK)
            input->position = input->start_latest && !appeared(slot, input, offsets) ? high : low;
    }
    free(offsets);
    return status;
}

static void open_tasks(struct sx_slot *slot)
{
    struct sx_worker *worker = slot->worker;
    const struct sx_engine *engine = worker->engine;
    const struct sx_plan *plan = engine->plan;

    pthread_mutex_lock(&worker->looks);
    slot->tasks = sx_calloc(plan->subtopology_count + 1, sizeof(*slot->tasks));
    slot->lane_count = plan->subtopology_count;
    for (uint32_t s = 0; s < plan->subtopology_count; s++)
        if (!plan->subtopologies[s].global_only && has_task(engine, &plan->subtopologies[s], slot->number))
            open_task(slot, &slot->tasks[slot->task_count++], &plan->subtopologies[s]);
    for (uint32_t t = 0; t < slot->task_count; t++)
        add_inputs(slot, &slot->tasks[t]);
    pthread_mutex_unlock(&worker->looks);
}

streamd_status sx_slot_open(struct sx_slot *slot, streamd_error **error)
{
    streamd_status status;

    if (slot->state == SX_SLOT_OPENING) {
        open_tasks(slot);
        slot->shipping = sx_shipping_new(slot);
        slot->state = SX_SLOT_COPYING;
    }
    if (slot->shipping != NULL && !sx_shipping_is_done(slot->shipping))
        return STREAMD_OK;
    sx_shipping_free(slot->shipping);
    slot->shipping = NULL;
    status = find_offsets(slot, error);
    if (status == STREAMD_OK)
        status = sx_restore_begin(slot, error);
    if (status == STREAMD_OK)
        slot->state = SX_SLOT_RESTORING;
    return status;
}

static void tell_store(struct sx_slot_store *store, size_t memory, struct sx_store_stat *stat)
{
    sx_count(&stat->memory_bytes, memory - store->told_memory); /* wraps to a subtraction */
    sx_count(&stat->rows_read, store->store->rows_read - store->told_read);
    sx_count(&stat->rows_written, store->store->rows_written - store->told_written);
    sx_count(&stat->disk_reads, store->store->disk_reads - store->told_disk_reads);
    store->told_memory = memory;
    store->told_read = store->store->rows_read;
    store->told_written = store->store->rows_written;
    store->told_disk_reads = store->store->disk_reads;
}

void sx_slot_close(struct sx_slot *slot)
{
    struct sx_worker *worker = slot->worker;

    if (slot->ready)
        sx_engine_slot_ready(worker->engine, false);
    slot->ready = false;
    if (slot->state == SX_SLOT_RUNNING)
        sx_slot_publish(slot);
    sx_shipping_free(slot->shipping);
    slot->shipping = NULL;
    sx_outlets_close(slot);
    /* Also what a restore left open. */
    sx_restore_end(slot);
    pthread_mutex_lock(&worker->looks);
    slot->state = SX_SLOT_OPENING; /* before it has no inputs, or it would look as if it had read them all */
    for (uint32_t i = 0; i < slot->input_count; i++) {
        sx_arena_free(&slot->inputs[i].arena);
        free(slot->inputs[i].notices);
        free(slot->inputs[i].uses);
    }
    for (uint32_t t = 0; t < slot->task_count; t++) {
        struct sx_slot_task *task = &slot->tasks[t];

        sx_task_free(task->task);
        for (uint32_t s = 0; s < task->store_count; s++) {
            struct sx_store *store = task->stores[s].store;

            tell_store(&task->stores[s], 0, &worker->stats.stores[store->plan->index]);
            store->ops->close(store);
        }
        free(task->stores);
        free(task->published);
    }
    free(slot->inputs);
    free(slot->tasks);
    slot->inputs = NULL;
    slot->tasks = NULL;
    slot->input_count = slot->task_count = 0;
    pthread_mutex_unlock(&worker->looks);
    sx_unit_clear(slot->unit);
}

/* An input that is to be read first: the end that it has now. */
static streamd_status find_end(struct sx_slot *slot, struct sx_input *input, streamd_error **error)
{
    struct sx_engine *engine = slot->worker->engine;
    bool first = false;
    int64_t low;

    input->first_to = SX_OFFSET_NONE;
    for (uint32_t u = 0; u < input->use_count; u++)
        first |= input->uses[u].entry->read_first;
    if (!first || !sx_input_is_topic(engine, input))
        return STREAMD_OK;
    return engine->def->watermarks(engine->log, input->name, input->partition, false, &low, &input->first_to,
                                   error);
}

streamd_status sx_slot_run(struct sx_slot *slot, streamd_error **error)
{
    struct sx_engine *engine = slot->worker->engine;
    streamd_status status;
    bool fresh;

    sx_restore_end(slot);
    for (uint32_t i = 0; i < slot->input_count; i++) {
        struct sx_input *input = &slot->inputs[i];

        sx_idle_open(slot, input);
        status = sx_input_is_topic(engine, input)
                     ? engine->def->reader_open(engine->log, SX_READ_INPUT, input->name, input->partition,
                                                input->position, &slot->worker->waker, &input->reader, error)
                     : sx_input_feed(slot, input, error);

        if (status == STREAMD_OK)
            status = find_end(slot, input, error);
        if (status != STREAMD_OK)
            return status;
    }
    for (uint32_t t = 0; t < slot->task_count; t++)
        sx_task_open(slot->tasks[t].task);
    status = sx_outlets_open(slot, &fresh, error);
    if (status != STREAMD_OK)
        return status;
    slot->state = SX_SLOT_RUNNING;
    slot->failures = 0;
    slot->ready = true;
    sx_engine_slot_ready(engine, true);
    if (!fresh)
        return STREAMD_OK;
    sx_worker_soil(slot->worker);
    return sx_worker_commit(slot->worker, error);
}

/* ---- Running --------------------------------------------------------------------------------- */

static void note_time(struct sx_slot_task *task, const struct sx_input *input, uint32_t from, uint32_t to)
{
    int64_t most = atomic_load_explicit(&task->stream_time_ms, memory_order_relaxed), before = most;

    for (uint32_t row = from; row < to; row++)
        most = SX_MAX(most, input->times[row]);
    if (most > before)
        atomic_store_explicit(&task->stream_time_ms, most, memory_order_relaxed);
}

/* A row failed under `on error fail`: what came before it is kept, then the engine stops. */
static streamd_status stop_at(struct sx_slot *slot, const struct sx_task_failure *failure, bool keep,
                              streamd_error **error)
{
    struct sx_buffer at = {0};
    struct sx_record record;
    struct sx_task_failure found = sx_original_place(slot->worker->engine, failure, &record);
    streamd_error *first = NULL;

    sx_count(&slot->worker->stats.nodes[failure->entry->index].errors, 1);
    if (failure->at.line)
        sx_buffer_printf(&at, " (%s:%u:%u)", failure->at.file ? failure->at.file : "?", failure->at.line,
                         failure->at.column);
    sx_buffer_add_byte(&at, 0);
    sx_fail_fatal(&first, STREAMD_E_DECODE, "%s, partition %d, offset %lld: %s: %s%s", found.topic,
                  found.partition, (long long)found.record->offset, failure->reason, failure->message,
                  at.data);
    sx_buffer_free(&at);
    if (keep) {
        streamd_error *second = NULL;

        if (sx_worker_commit(slot->worker, &second) != STREAMD_OK)
            sx_error_append(&first, second);
    }
    if (error != NULL)
        *error = first;
    else
        streamd_error_free(first);
    return STREAMD_E_DECODE;
}

/* What went wrong within the task's callbacks. */
static streamd_status written(struct sx_worker *worker, streamd_error **error)
{
    streamd_status status = STREAMD_OK;

    if (SX_LIKELY(worker->error == NULL))
        return STREAMD_OK;
    status = streamd_error_status(worker->error);
    if (error != NULL)
        *error = worker->error;
    else
        streamd_error_free(worker->error);
    worker->error = NULL;
    return status;
}

/* What a run takes of memory goes with its rows times the nodes that they come to: many nodes get fewer. */
static uint32_t rows_at_once(const struct sx_input *input)
{
    uint32_t nodes = 0;

    for (uint32_t u = 0; u < input->use_count; u++)
        nodes += input->uses[u].task->subtopology->node_count;
    return SX_MAX(SX_BATCH_ROWS * MANY_NODES / SX_MAX(nodes, (uint32_t)MANY_NODES), (uint32_t)ROWS_LEAST);
}

streamd_status sx_slot_run_input(struct sx_slot *slot, struct sx_input *input, uint32_t to,
                                 streamd_error **error)
{
    struct sx_worker *worker = slot->worker;
    const struct sx_clock *clock = worker->engine->options.clock;
    struct sx_task_failure failure;
    int64_t begin_ms = sx_now_ms(clock);
    uint32_t from = input->next;
    bool took;

    to = SX_MIN(to, from + sx_pace_rows(worker, rows_at_once(input)));
    /* A turn is a run of every slot: too long to wait for its end. */
    if (SX_UNLIKELY(worker->dirty && sx_pace_is_late(worker, begin_ms))) {
        streamd_status status = sx_worker_commit(worker, error);

        if (status != STREAMD_OK)
            return status;
        begin_ms = sx_now_ms(clock);
    }
    sx_worker_soil(worker);
    if (!sx_idle_notice(slot, input, &to, &took, &failure))
        return stop_at(slot, &failure, false, error);
    if (took)
        return written(worker, error);
    sx_arena_reset(&worker->global_arena);
    for (uint32_t u = 0; u < input->use_count; u++) {
        struct sx_input_use *use = &input->uses[u];
        streamd_status status;
        uint32_t stop;
        bool good;

        sx_task_bound(use->task->task, clock);
        stop = sx_task_process(use->task->task, &use->decoded, from, to, &failure);
        note_time(use->task, input, from, stop);
        good = stop < to || sx_idle_rows(slot, input, use, from, stop, &failure);
        status = written(worker, error);
        if (SX_UNLIKELY(status != STREAMD_OK))
            return status;
        if (SX_UNLIKELY(stop < to || !good)) {
            /* With several readers they stand at different rows: then nothing since the last commit
             * can be kept. */
            bool keep = input->use_count == 1;

            /* The failure's record lives in the input's hands until the next run. */
            if (keep)
                input->position = input->fetch.records[SX_MIN(stop, to - 1)].offset;
            return stop_at(slot, &failure, keep && good, error);
        }
    }
    sx_input_done(slot, input, to);
    sx_worker_beat(worker);
    sx_pace_ran(worker, to - from, sx_now_ms(clock) - begin_ms);
    return STREAMD_OK;
}

streamd_status sx_slot_fill(struct sx_slot *slot, uint32_t lane, streamd_error **error)
{
    streamd_status status = STREAMD_OK;

    for (uint32_t i = 0; i < slot->input_count && status == STREAMD_OK; i++)
        if (slot->inputs[i].lane == lane)
            status = sx_input_fill(slot, &slot->inputs[i], error);
    return status;
}

static streamd_status run_lane(struct sx_slot *slot, uint32_t lane, bool *busy, streamd_error **error)
{
    streamd_status status = sx_slot_fill(slot, lane, error);
    struct sx_input *input;
    bool awaited = false;
    uint32_t to;

    if (status != STREAMD_OK)
        return status;
    input = sx_slot_choose(slot, lane, &to, &awaited);
    if (input == NULL)
        return STREAMD_OK;
    *busy = true;
    return sx_slot_run_input(slot, input, to, error);
}

/* Event time may go on while nothing comes. */
static streamd_status wait_on(struct sx_slot *slot, streamd_error **error)
{
    struct sx_task_failure failure;

    if (!sx_idle_turn(slot, &failure))
        return stop_at(slot, &failure, true, error);
    return written(slot->worker, error);
}

streamd_status sx_slot_turn(struct sx_slot *slot, bool *busy, streamd_error **error)
{
    bool done = false;
    streamd_status status = STREAMD_OK;

    switch ((enum sx_slot_state)slot->state) {
    case SX_SLOT_OPENING:
        if (slot->retry_ms > sx_now_ms(slot->worker->engine->options.clock) ||
            !sx_standby_has_left(slot->worker->engine->standby, slot->number))
            return STREAMD_OK;
        *busy = true;
        return sx_slot_open(slot, error);
    case SX_SLOT_COPYING:
        return sx_slot_open(slot, error);
    case SX_SLOT_RESTORING:
        status = sx_restore_step(slot, busy, &done, error);
        if (status == STREAMD_OK && done) {
            *busy = true;
            status = sx_slot_run(slot, error);
        }
        return status;
    case SX_SLOT_RUNNING:
        for (uint32_t lane = 0; lane < slot->lane_count && status == STREAMD_OK; lane++)
            if (!slot->worker->engine->aligned[lane])
                status = run_lane(slot, lane, busy, error);
        return status == STREAMD_OK ? wait_on(slot, error) : status;
    }
    return status;
}

/* ---- For those who look ---------------------------------------------------------------------- */

static void publish_counts(struct sx_slot_task *task, struct sx_worker_stats *stats)
{
    for (uint32_t n = 0; n < task->subtopology->node_count; n++) {
        const struct sx_node_plan *node = task->subtopology->nodes[n];
        const struct sx_node_counts *now = sx_task_counts(task->task, node);
        struct sx_node_counts *told = &task->published[n];

        sx_count(&stats->nodes[node->index].rows_in, now->rows_in - told->rows_in);
        sx_count(&stats->nodes[node->index].rows_out, now->rows_out - told->rows_out);
        *told = *now;
    }
}

void sx_slot_publish(struct sx_slot *slot)
{
    for (uint32_t t = 0; t < slot->task_count; t++) {
        struct sx_slot_task *task = &slot->tasks[t];

        publish_counts(task, &slot->worker->stats);
        for (uint32_t s = 0; s < task->store_count; s++) {
            struct sx_store *store = task->stores[s].store;

            tell_store(&task->stores[s], store->ops->memory(store),
                       &slot->worker->stats.stores[store->plan->index]);
        }
    }
    sx_slot_publish_ends(slot);
}

/* Records of one input that are ahead of it. */
static int64_t lag_of(struct sx_slot *slot, struct sx_input *input)
{
    int64_t end;

    if (input->feed != NULL)
        return sx_feed_lag(input->feed) + (input->holds ? input->count - input->next : 0);
    if (input->reader == NULL)
        return 0;
    end = slot->worker->engine->def->reader_end(input->reader);
    return SX_MAX(end - input->position, 0);
}

void sx_slot_publish_ends(struct sx_slot *slot)
{
    for (uint32_t i = 0; i < slot->input_count; i++) {
        struct sx_input *input = &slot->inputs[i];
        bool ended =
            slot->state == SX_SLOT_RUNNING && !input->holds &&
            (input->feed != NULL ? sx_feed_lag(input->feed) == 0 : input->reader != NULL && input->at_end);

        atomic_store_explicit(&input->ended, ended ? input->position : -1, memory_order_relaxed);
    }
    for (uint32_t t = 0; t < slot->task_count; t++) {
        struct sx_slot_task *task = &slot->tasks[t];
        int64_t lag = 0;

        for (uint32_t i = 0; i < slot->input_count; i++)
            for (uint32_t u = 0; u < slot->inputs[i].use_count; u++)
                if (slot->inputs[i].uses[u].task == task) {
                    lag += lag_of(slot, &slot->inputs[i]);
                    break;
                }
        atomic_store_explicit(&task->input_lag, lag, memory_order_relaxed);
    }
}
