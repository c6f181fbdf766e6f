/* idle.c: event time that goes on with the wall clock while an input brings nothing, and with rows that are
 * dropped on the way.
 *
 * Only inputs of sources with `idle` do it. What went on is kept with the commit, so that after a restart
 * the same windows are closed. Through a repartition it goes as notices: each partition upstream tells its
 * time to every partition downstream, where the least of them counts.
 */
#include "engine/run/worker.h"

#include <stdlib.h>

#define TICK_MS 1000 /* while it waits on, an advance each */

static bool is_repartition(const struct sx_slot *slot, const struct sx_input *input)
{
    return (slot->worker->engine->plan->topics[input->topic]->roles & SX_TOPIC_REPARTITION) != 0;
}

/* The entry's store that is no table's. */
static struct sx_slot_store *own_store(const struct sx_input_use *use)
{
    for (uint32_t e = 0; e < use->entry->store_count; e++)
        for (uint32_t s = 0; s < use->task->store_count; s++) {
            const struct sx_store_plan *plan = use->task->stores[s].store->plan;

            if (plan->index == use->entry->stores[e] && !plan->from_source && use->entry->input_count == 0)
                return &use->task->stores[s];
        }
    return NULL;
}

static struct sx_slice time_key(struct sx_slot *slot, const struct sx_input *input)
{
    struct sx_arena *arena = &slot->worker->letters;

    sx_arena_reset(arena);
    return sx_slice_of(sx_arena_format(arena, "time/%s", input->name));
}

/* `seen`: the subtopologies on the way here. A foreign-key join asks and is answered, which is a circle. */
static bool tells_beside(const struct sx_engine *engine, const struct sx_node_plan *node, bool *seen)
{
    const struct sx_subtopology *sub = &engine->plan->subtopologies[node->subtopology];
    bool any = node->entry->idle_ms > 0;

    if (node->input_count == 0 || seen[node->subtopology])
        return any;
    seen[node->subtopology] = true;
    for (uint32_t e = 0; e < sub->entry_count && !any; e++)
        any = tells_beside(engine, sub->entries[e], seen);
    return any;
}

/* Does event time go on behind this entry without rows? */
static bool tells(const struct sx_engine *engine, const struct sx_node_plan *node)
{
    bool *seen = sx_calloc(engine->plan->subtopology_count + 1, sizeof(*seen));
    bool any = tells_beside(engine, node, seen);

    free(seen);
    return any;
}

/* Partitions upstream that can tell a time: as many as the widest input that has one. */
static uint32_t tellers(const struct sx_engine *engine, const struct sx_node_plan *repartition)
{
    const struct sx_subtopology *sub = &engine->plan->subtopologies[repartition->subtopology];
    int32_t most = 0;

    for (uint32_t e = 0; e < sub->entry_count; e++) {
        const struct sx_entry_plan *entry = sub->entries[e]->entry;

        for (uint32_t t = 0; t < entry->topic_count; t++)
            if (tells(engine, sub->entries[e]))
                most = SX_MAX(most, engine->partitions[entry->topics[t]]);
    }
    return (uint32_t)most;
}

void sx_idle_open(struct sx_slot *slot, struct sx_input *input)
{
    const struct sx_engine *engine = slot->worker->engine;
    struct sx_slice kept = SX_SLICE_NONE;

    input->event_time = input->noticed = -1;
    input->since_ms = input->mark_ms = sx_now_ms(engine->options.clock);
    for (uint32_t u = 0; u < input->use_count; u++) {
        const struct sx_input_use *use = &input->uses[u];
        int64_t idle_ms = use->entry->entry->idle_ms;

        if (input->kept == NULL)
            input->kept = own_store(use);
        if (idle_ms > 0 && (input->idle_ms == 0 || idle_ms < input->idle_ms))
            input->idle_ms = idle_ms;
        /* What a dropped row advances must not depend on the rows that came with it. */
        input->row_by_row |= idle_ms > 0 && sx_task_minds_time(use->task->task, use->entry);
    }
    if (is_repartition(slot, input) && input->uses[0].entry->input_count > 0) {
        input->notice_count = tellers(engine, input->uses[0].entry);
        input->notices = sx_calloc(input->notice_count + 1, sizeof(*input->notices));
        for (uint32_t i = 0; i < input->notice_count; i++)
            input->notices[i] = INT64_MIN;
    }
    if (input->idle_ms > 0 && input->kept != NULL)
        kept = sx_store_get(input->kept->store, 0, time_key(slot, input));
    if (kept.size == 8)
        input->event_time = (int64_t)sx_get_be64(kept.data);
    input->event_time_kept = input->event_time;
}

void sx_idle_put(struct sx_slot *slot, struct sx_input *input)
{
    char time[8];

    if (input->idle_ms == 0 || input->kept == NULL || input->event_time == input->event_time_kept)
        return;
    sx_put_be64(time, (uint64_t)input->event_time);
    sx_store_put(input->kept->store, 0, time_key(slot, input), sx_slice(time, sizeof(time)));
    input->event_time_kept = input->event_time;
}

static bool advance(struct sx_slot *slot, const struct sx_input *input, const struct sx_input_use *use,
                    int64_t time_ms, int64_t wall_ms, struct sx_task_failure *failure)
{
    sx_worker_soil(slot->worker);
    return sx_task_advance(use->task->task, use->entry, input->name, input->partition, time_ms, wall_ms,
                           failure);
}

bool sx_idle_rows(struct sx_slot *slot, struct sx_input *input, const struct sx_input_use *use, uint32_t from,
                  uint32_t to, struct sx_task_failure *failure)
{
    const struct sx_batch *batch = &use->decoded.batch;

    if (use->entry->entry->idle_ms == 0)
        return true;
    input->since_ms = input->mark_ms = sx_now_ms(slot->worker->engine->options.clock);
    for (SX_EACH_ROW(batch, i, row))
        if (row >= from && row < to)
            input->event_time = SX_MAX(input->event_time, batch->ts[row]);
    return !input->row_by_row || input->event_time < 0 ||
           advance(slot, input, use, input->event_time, -1, failure);
}

/* ---- Notices --------------------------------------------------------------------------------- */

/* The least time of all upstream; -1: none has one; INT64_MIN: some did not say yet. */
static int64_t least(const struct sx_input *input)
{
    int64_t least = INT64_MAX;

    for (uint32_t i = 0; i < input->notice_count; i++) {
        if (input->notices[i] == INT64_MIN)
            return INT64_MIN;
        if (input->notices[i] >= 0)
            least = SX_MIN(least, input->notices[i]);
    }
    return least == INT64_MAX ? -1 : least;
}

bool sx_idle_notice(struct sx_slot *slot, struct sx_input *input, uint32_t *to, bool *took,
                    struct sx_task_failure *failure)
{
    const struct sx_record *records = input->fetch.records;
    struct sx_notice notice;
    int64_t time_ms;

    *took = false;
    if (input->notices == NULL)
        return true;
    for (uint32_t row = input->next + 1; row < *to; row++)
        if (sx_notice_read(records[row].value, &notice))
            *to = row;
    if (!sx_notice_read(records[input->next].value, &notice))
        return true;
    *took = true;
    if (notice.partition < input->notice_count)
        input->notices[notice.partition] = SX_MAX(input->notices[notice.partition], notice.time_ms);
    time_ms = least(input);
    sx_input_done(slot, input, input->next + 1);
    if (time_ms == INT64_MIN)
        return true;
    input->noticed = SX_MAX(input->noticed, time_ms);
    for (uint32_t u = 0; u < input->use_count; u++)
        if (!advance(slot, input, &input->uses[u], input->noticed,
                     sx_wall_ms(slot->worker->engine->options.clock), failure))
            return false;
    return true;
}

/* ---- Waiting --------------------------------------------------------------------------------- */

/* A fetch shows it at its end, and no input of its tasks has rows in hand: an outage is not idleness. */
static bool brings_nothing(const struct sx_slot *slot, const struct sx_input *input)
{
    for (uint32_t i = 0; i < slot->input_count; i++) {
        const struct sx_input *other = &slot->inputs[i];
        bool meets = other == input;

        for (uint32_t u = 0; u < input->use_count; u++)
            for (uint32_t v = 0; v < other->use_count; v++)
                meets |= input->uses[u].task == other->uses[v].task;
        if (meets && (other->holds || !other->at_end))
            return false;
    }
    return true;
}

bool sx_idle_turn(struct sx_slot *slot, struct sx_task_failure *failure)
{
    const struct sx_clock *clock = slot->worker->engine->options.clock;

    for (uint32_t i = 0; i < slot->input_count; i++) {
        struct sx_input *input = &slot->inputs[i];
        int64_t now_ms;

        if (input->idle_ms == 0)
            continue;
        now_ms = sx_now_ms(clock);
        if (!brings_nothing(slot, input)) {
            input->since_ms = input->mark_ms = now_ms;
            continue;
        }
        if (now_ms - input->since_ms < input->idle_ms ||
            (input->mark_ms != input->since_ms && now_ms - input->mark_ms < TICK_MS))
            continue;
        if (input->event_time >= 0)
            input->event_time += now_ms - input->mark_ms;
        input->mark_ms = now_ms;
        for (uint32_t u = 0; u < input->use_count; u++)
            if (input->uses[u].entry->entry->idle_ms > 0 &&
                !advance(slot, input, &input->uses[u], input->event_time, sx_wall_ms(clock), failure))
                return false;
    }
    return true;
}
