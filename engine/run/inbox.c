/* inbox.c: records in hand, and whose turn it is. */
#include "engine/run/worker.h"

/* How long other inputs wait for one that has records, as the log says, but did not bring them yet.
 * Without waiting, what runs after a start would depend on which partition was fetched first. */
#define FETCH_WAIT_MS 1000

/* ---- Inputs that are no topic ---------------------------------------------------------------- */

static const struct sx_slice position_key = {"position", 8};

streamd_status sx_input_feed(struct sx_slot *slot, struct sx_input *input, streamd_error **error)
{
    struct sx_engine *engine = slot->worker->engine;
    const struct sx_topic_plan *topic = engine->plan->topics[input->topic];
    int64_t position = SX_OFFSET_NONE;
    struct sx_slice kept = SX_SLICE_NONE;
    streamd_status status = STREAMD_OK;

    if (input->kept != NULL)
        kept = sx_store_get(input->kept->store, 0, position_key);
    if (kept.size == 8)
        position = (int64_t)sx_get_be64(kept.data);
    if (topic->medium == SX_MEDIUM_STANDARD && engine->standard_input != NULL) {
        input->feed = engine->standard_input;
        sx_feed_rewind(input->feed);
    } else {
        status = sx_feed_open(topic, engine->options.clock, engine->options.standard_input, position,
                              &input->feed, error);
        if (status != STREAMD_OK)
            return status;
    }
    if (topic->medium == SX_MEDIUM_STANDARD)
        engine->standard_input = input->feed;
    input->position = sx_feed_position(input->feed);
    input->committed = position;
    /* Since when a schedule counts is to be known also if it stops before it fires. */
    if (position == SX_OFFSET_NONE && input->kept != NULL)
        sx_worker_soil(slot->worker);
    return STREAMD_OK;
}

void sx_slot_put_positions(struct sx_slot *slot)
{
    for (uint32_t i = 0; i < slot->input_count; i++) {
        struct sx_input *input = &slot->inputs[i];
        char position[8];

        if (input->kept == NULL)
            continue;
        if (input->feed != NULL && input->position != input->committed) {
            sx_put_be64(position, (uint64_t)input->position);
            sx_store_put(input->kept->store, 0, position_key, sx_slice(position, sizeof(position)));
        }
        sx_idle_put(slot, input);
    }
}

static streamd_status fetch(struct sx_slot *slot, struct sx_input *input, streamd_error **error)
{
    if (input->feed != NULL)
        return sx_feed_fetch(input->feed, SX_BATCH_ROWS, &input->fetch, error);
    return slot->worker->engine->def->fetch(input->reader, SX_BATCH_ROWS, &input->fetch, error);
}

static void release(struct sx_slot *slot, struct sx_input *input)
{
    if (input->feed == NULL)
        slot->worker->engine->def->release(input->reader, &input->fetch);
}

/* ---- Records in hand ------------------------------------------------------------------------- */

void sx_input_drop(struct sx_slot *slot, struct sx_input *input)
{
    if (!input->holds)
        return;
    release(slot, input);
    input->holds = false;
    input->next = input->count = 0;
    sx_arena_reset(&input->arena);
}

void sx_input_close(struct sx_slot *slot, struct sx_input *input)
{
    sx_input_drop(slot, input);
    if (input->reader != NULL)
        slot->worker->engine->def->reader_close(input->reader);
    input->reader = NULL;
    if (input->feed != NULL && input->feed != slot->worker->engine->standard_input)
        sx_feed_close(input->feed);
    input->feed = NULL;
    input->at_end = false;
    input->empty_since_ms = -1;
}

/* The times by which inputs are compared: as the first entry sees them, of a row that failed as the
 * log has them. One that `ahead` refuses goes at once: others shall not go on to its time before it. */
static void note_times(const struct sx_engine *engine, struct sx_input *input)
{
    int64_t ahead_ms = engine->plan->ahead_ms;
    int64_t most = ahead_ms < 0 ? INT64_MAX : sx_time_plus(sx_wall_ms(engine->options.clock), ahead_ms);
    const struct sx_batch *batch;
    uint32_t first = 0;

    while (input->limit != SX_OFFSET_NONE && !input->uses[first].restores)
        first++;
    batch = &input->uses[first].decoded.batch;
    input->times = sx_arena_alloc(&input->arena, sizeof(*input->times) * (input->count + 1));
    for (uint32_t i = 0; i < input->count; i++)
        input->times[i] = input->fetch.records[i].timestamp > most ? 0 : input->fetch.records[i].timestamp;
    if (batch->ts != NULL)
        for (SX_EACH_ROW(batch, i, row))
            input->times[row] = batch->ts[row];
}

/* What is to be read next is not there any more. When another instance has read it and committed, and so may
 * have purged it, this one has lost the slot and was only not told yet. */
static bool is_overtaken(struct sx_slot *slot, const struct sx_input *input)
{
    struct sx_engine *engine = slot->worker->engine;
    struct sx_partition_offset group = {input->name, input->partition, SX_OFFSET_NONE, NULL};

    return input->feed == NULL && engine->def->committed(engine->log, &group, 1, true, NULL) == STREAMD_OK &&
           group.offset > input->position;
}

/* Go on behind what is gone, as `on gap` says. `problem`: as the fetch has it, taken when this goes well. */
static streamd_status jump(struct sx_slot *slot, struct sx_input *input, streamd_error **problem)
{
    struct sx_worker *worker = slot->worker;
    const struct sx_log_def *def = worker->engine->def;
    char partition[16], from[24], to[24], first[24], end[24];
    int64_t low, high, target;

    if (def->watermarks(worker->engine->log, input->name, input->partition, false, &low, &high, NULL) !=
            STREAMD_OK ||
        (input->position >= low && input->position <= high))
        return STREAMD_E_NOTFOUND;
    if (problem != NULL)
        streamd_error_free(*problem);
    if (problem != NULL)
        *problem = NULL;
    target = input->on_gap == SX_ON_GAP_EARLIEST ? low : high;
    snprintf(partition, sizeof(partition), "%d", input->partition);
    snprintf(from, sizeof(from), "%lld", (long long)input->position);
    snprintf(to, sizeof(to), "%lld", (long long)target);
    snprintf(first, sizeof(first), "%lld", (long long)low);
    snprintf(end, sizeof(end), "%lld", (long long)high);
    sx_log(worker->engine->options.logger, SX_WARN,
           "records are gone before they were read; going on behind them", "topic", input->name, "partition",
           partition, "from", from, "to", to, "first", first, "end", end, "on gap",
           input->on_gap == SX_ON_GAP_EARLIEST ? "earliest" : "latest", NULL);
    sx_count(&worker->stats.topics[input->topic].resets, 1);
    sx_input_close(slot, input);
    input->position = target;
    sx_worker_soil(worker); /* where it stands now is to be committed, also if no record comes */
    return def->reader_open(worker->engine->log, SX_READ_INPUT, input->name, input->partition, target,
                            &worker->waker, &input->reader, problem);
}

streamd_status sx_input_fill(struct sx_slot *slot, struct sx_input *input, streamd_error **error)
{
    struct sx_worker *worker = slot->worker;
    streamd_status status;

    if (input->holds || (input->reader == NULL && input->feed == NULL))
        return STREAMD_OK;
    status = fetch(slot, input, error);
    if (SX_UNLIKELY(status == STREAMD_E_NOTFOUND && is_overtaken(slot, input))) {
        if (error != NULL)
            streamd_error_free(*error);
        return sx_fail(error, STREAMD_E_FENCED, "another instance has gone on reading %s, partition %d",
                       input->name, input->partition);
    }
    if (SX_UNLIKELY(status == STREAMD_E_NOTFOUND && input->on_gap != SX_ON_GAP_FAIL && input->feed == NULL &&
                    input->limit == SX_OFFSET_NONE))
        return jump(slot, input, error);
    if (status != STREAMD_OK)
        return status;
    input->at_end = input->fetch.at_end;
    if (input->fetch.count == 0) {
        input->position = SX_MAX(input->position, input->fetch.next_offset);
        release(slot, input);
        return STREAMD_OK;
    }
    input->holds = true;
    input->next = 0;
    input->count = input->fetch.count;
    input->empty_since_ms = -1;
    /* While a table is restored, rows behind the limit are still to be processed later. */
    while (input->limit != SX_OFFSET_NONE && input->count &&
           input->fetch.records[input->count - 1].offset >= input->limit)
        input->count--;
    if (input->count == 0) {
        sx_input_drop(slot, input);
        input->position = input->limit;
        return STREAMD_OK;
    }
    for (uint32_t u = 0; u < input->use_count; u++) {
        struct sx_input_use *use = &input->uses[u];

        if (input->limit != SX_OFFSET_NONE && !use->restores)
            continue;
        sx_task_bound(use->task->task, worker->engine->options.clock);
        sx_task_decode(use->task->task, use->entry, input->name, input->partition, input->fetch.records,
                       input->count, input->fetch.padded, &input->arena, &use->decoded);
    }
    note_times(worker->engine, input);
    return STREAMD_OK;
}

void sx_input_done(struct sx_slot *slot, struct sx_input *input, uint32_t to)
{
    if (input->limit == SX_OFFSET_NONE)
        sx_count(&slot->worker->stats.topics[input->topic].consumed, to - input->next);
    input->next = to;
    if (to < input->count) {
        input->position = input->fetch.records[to].offset;
        return;
    }
    input->position = input->count < input->fetch.count ? input->limit : input->fetch.next_offset;
    sx_input_drop(slot, input);
}

/* It has records that did not come yet. */
static bool is_awaited(struct sx_slot *slot, struct sx_input *input, int64_t now_ms)
{
    int64_t end;

    if (input->holds || input->reader == NULL || input->at_end)
        return false;
    end = slot->worker->engine->def->reader_end(input->reader);
    if (end >= 0 && input->position >= end)
        return false;
    if (input->empty_since_ms < 0)
        input->empty_since_ms = now_ms;
    return now_ms - input->empty_since_ms < FETCH_WAIT_MS;
}

/* Is an input of the lane still to be read to the end that it had at the start? */
static bool some_go_first(struct sx_slot *slot, uint32_t lane)
{
    bool some = false;

    for (uint32_t i = 0; i < slot->input_count; i++) {
        struct sx_input *input = &slot->inputs[i];

        if (input->lane != lane || input->first_to == SX_OFFSET_NONE)
            continue;
        if (input->position >= input->first_to || (input->at_end && !input->holds))
            input->first_to = SX_OFFSET_NONE;
        else
            some = true;
    }
    return some;
}

struct sx_input *sx_slot_choose(struct sx_slot *slot, uint32_t lane, uint32_t *to, bool *awaited)
{
    const struct sx_clock *clock = slot->worker->engine->options.clock;
    struct sx_input *best = NULL, *second = NULL;
    bool first = some_go_first(slot, lane);
    int64_t now_ms = -1;
    uint32_t row;

    for (uint32_t i = 0; i < slot->input_count; i++) {
        struct sx_input *input = &slot->inputs[i];

        if (input->lane != lane || !input->holds || (first && input->first_to == SX_OFFSET_NONE))
            continue;
        if (best == NULL || input->times[input->next] < best->times[best->next]) {
            second = best;
            best = input;
        } else if (second == NULL || input->times[input->next] < second->times[second->next]) {
            second = input;
        }
    }
    for (uint32_t i = 0; i < slot->input_count; i++)
        if (slot->inputs[i].lane == lane && !slot->inputs[i].holds) {
            now_ms = now_ms < 0 ? sx_now_ms(clock) : now_ms;
            *awaited |= is_awaited(slot, &slot->inputs[i], now_ms);
        }
    if (best == NULL || *awaited)
        return NULL;
    *to = best->count;
    if (best->row_by_row) {
        *to = best->next + 1;
    } else if (second != NULL) {
        /* While it stays the smallest; a tie goes to the one that the file has first. */
        int64_t limit = second->times[second->next];

        for (row = best->next + 1; row < best->count; row++)
            if (best < second ? best->times[row] > limit : best->times[row] >= limit)
                break;
        *to = row;
    }
    return best;
}
