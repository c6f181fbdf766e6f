/* inbox.c: records in hand, and whose turn it is. */
#include "engine/run/worker.h"

/* How long other inputs wait for one that has records, as the log says, but did not bring them yet.
 * Without waiting, what runs after a start would depend on which partition was fetched first. */
#define FETCH_WAIT_MS 1000

void sx_input_drop(struct sx_slot *slot, struct sx_input *input)
{
    if (!input->holds)
        return;
    slot->worker->engine->def->release(input->reader, &input->fetch);
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
    input->at_end = false;
    input->empty_since_ms = -1;
}

/* The times by which inputs are compared: as the first entry sees them, of a row that failed as the
 * log has them. */
static void note_times(struct sx_input *input)
{
    const struct sx_batch *batch;
    uint32_t first = 0;

    while (input->limit != SX_OFFSET_NONE && !input->uses[first].restores)
        first++;
    batch = &input->uses[first].decoded.batch;
    input->times = sx_arena_alloc(&input->arena, sizeof(*input->times) * (input->count + 1));
    for (uint32_t i = 0; i < input->count; i++)
        input->times[i] = input->fetch.records[i].timestamp;
    if (batch->ts != NULL)
        for (SX_EACH_ROW(batch, i, row))
            input->times[row] = batch->ts[row];
}

streamd_status sx_input_fill(struct sx_slot *slot, struct sx_input *input, streamd_error **error)
{
    struct sx_worker *worker = slot->worker;
    const struct sx_log_def *def = worker->engine->def;
    streamd_status status;

    if (input->holds || input->reader == NULL)
        return STREAMD_OK;
    status = def->fetch(input->reader, SX_BATCH_ROWS, &input->fetch, error);
    if (status != STREAMD_OK)
        return status;
    input->at_end = input->fetch.at_end;
    if (input->fetch.count == 0) {
        input->position = SX_MAX(input->position, input->fetch.next_offset);
        def->release(input->reader, &input->fetch);
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
    for (uint32_t u = 0; u < input->use_count; u++)
        if (input->limit == SX_OFFSET_NONE || input->uses[u].restores)
            sx_task_decode(input->uses[u].task->task, input->uses[u].entry, input->name, input->partition,
                           input->fetch.records, input->count, input->fetch.padded, &input->arena,
                           &input->uses[u].decoded);
    note_times(input);
    if (input->limit == SX_OFFSET_NONE)
        sx_count(&worker->stats.topics[input->topic].consumed, input->count);
    return STREAMD_OK;
}

void sx_input_done(struct sx_slot *slot, struct sx_input *input, uint32_t to)
{
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

struct sx_input *sx_slot_choose(struct sx_slot *slot, uint32_t lane, uint32_t *to, bool *awaited)
{
    const struct sx_clock *clock = slot->worker->engine->options.clock;
    struct sx_input *best = NULL, *second = NULL;
    int64_t now_ms = -1;
    uint32_t row;

    for (uint32_t i = 0; i < slot->input_count; i++) {
        struct sx_input *input = &slot->inputs[i];

        if (input->lane != lane || !input->holds)
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
