/* driver.c: see driver.h. */
#include "engine/run/driver.h"

#include "engine/run/dead_letter.h"

#include <stdlib.h>

/* A topic and partition: how many records there were, and how its event time stands, for `idle`. */
struct input {
    char *topic;
    int32_t partition;
    int64_t next;
    int64_t event_time;        /* -1: none yet */
    int64_t since_ms, mark_ms; /* of the wall clock: the last record, the last advance */
};

struct reason_count {
    const char *reason; /* static */
    uint64_t count;
};

/* A schedule, and when it fires next. */
struct firing {
    const struct sx_topic_plan *topic;
    int64_t next_ms;
};

struct sx_driver {
    const struct sx_plan *plan;
    int64_t wall_ms;
    struct firing *firings;
    uint32_t firing_count;
    struct sx_driver_events events;
    struct sx_task_events task_events;
    struct sx_task *task;
    struct sx_store **stores;
    struct sx_node_plan **readers; /* room for every reading of a topic */
    struct sx_arena arena;         /* of the records in hand */
    struct input *inputs;
    uint32_t input_count;
    struct reason_count *dropped;
    uint32_t dropped_count;
};

static void sent(const struct sx_task_send *send, void *arg)
{
    struct sx_driver *d = arg;

    d->events.output(d->plan->topics[send->topic], &send->record, send->window, d->events.arg);
}

static void count_dropped(struct sx_driver *d, const char *reason, uint64_t count)
{
    for (uint32_t i = 0; i < d->dropped_count; i++)
        if (strcmp(d->dropped[i].reason, reason) == 0) {
            d->dropped[i].count += count;
            return;
        }
    d->dropped = sx_realloc(d->dropped, (d->dropped_count + 1) * sizeof(*d->dropped));
    d->dropped[d->dropped_count++] = (struct reason_count){sx_strdup(reason), count};
}

static void dropped(const struct sx_node_plan *node, const char *reason, uint64_t count, void *arg)
{
    count_dropped(arg, reason, count);
}

static void failed(const struct sx_task_failure *failure, enum sx_on_error policy, void *arg)
{
    struct sx_driver *d = arg;

    d->events.failed(failure, policy, d->events.arg);
    count_dropped(d, "error", 1);
    if (policy == SX_ON_ERROR_TOPIC) {
        uint32_t topic = sx_dead_letter_topic(d->plan, failure->entry);
        struct sx_record letter = sx_dead_letter(failure, &d->arena);

        d->events.output(d->plan->topics[topic], &letter, NULL, d->events.arg);
    }
}

static void emitted(const struct sx_node_plan *node, uint32_t port, const struct sx_batch *batch, void *arg)
{
    struct sx_driver *d = arg;

    d->events.emitted(node, port, batch, d->events.arg);
}

static void undone(void *arg)
{
    struct sx_driver *d = arg;

    if (d->events.undone != NULL)
        d->events.undone(d->events.arg);
}

struct sx_driver *sx_driver_new(const struct sx_plan *plan, const struct sx_driver_events *events)
{
    struct sx_driver *d = sx_calloc(1, sizeof(*d));
    struct sx_node_plan *const *entries;
    uint32_t count, readings = 0;

    d->plan = plan;
    d->events = *events;
    d->task_events = (struct sx_task_events){
        .sent = sent, .failed = failed, .dropped = dropped, .undone = undone, .arg = d};
    if (events->emitted != NULL)
        d->task_events.emitted = emitted;
    sx_arena_init(&d->arena, 0);
    d->stores = sx_calloc(plan->store_count + 1, sizeof(*d->stores));
    for (uint32_t s = 0; s < plan->store_count; s++)
        d->stores[s] = sx_store_kinds.open_memory(plan->stores[s]);
    d->task = sx_task_new(plan, -1, 0, d->stores, &d->task_events);
    sx_task_open(d->task);
    entries = sx_task_entries(d->task, &count);
    for (uint32_t e = 0; e < count; e++)
        readings += entries[e]->entry->topic_count;
    d->readers = sx_calloc(readings + 1, sizeof(struct sx_node_plan *));
    d->firings = sx_calloc(plan->topic_count + 1, sizeof(*d->firings));
    for (uint32_t t = 0; t < plan->topic_count; t++)
        if (plan->topics[t]->medium == SX_MEDIUM_SCHEDULE)
            d->firings[d->firing_count++] = (struct firing){
                plan->topics[t], plan->topics[t]->schedule->next(plan->topics[t]->schedule, d->wall_ms)};
    return d;
}

void sx_driver_free(struct sx_driver *d)
{
    if (d == NULL)
        return;
    sx_task_free(d->task);
    for (uint32_t s = 0; s < d->plan->store_count; s++)
        d->stores[s]->ops->close(d->stores[s]);
    for (uint32_t i = 0; i < d->dropped_count; i++)
        free((char *)d->dropped[i].reason);
    for (uint32_t i = 0; i < d->input_count; i++)
        free(d->inputs[i].topic);
    sx_arena_free(&d->arena);
    free(d->stores);
    free(d->readers);
    free(d->firings);
    free(d->inputs);
    free(d->dropped);
    free(d);
}

static struct input *input_of(struct sx_driver *d, const char *topic, int32_t partition)
{
    for (uint32_t i = 0; i < d->input_count; i++)
        if (d->inputs[i].partition == partition && strcmp(d->inputs[i].topic, topic) == 0)
            return &d->inputs[i];
    d->inputs = sx_realloc(d->inputs, (d->input_count + 1) * sizeof(*d->inputs));
    d->inputs[d->input_count] =
        (struct input){.topic = sx_strdup(topic), .partition = partition, .event_time = -1};
    return &d->inputs[d->input_count++];
}

static streamd_status fail(struct sx_driver *d, const struct sx_task_failure *failure, const char *topic,
                           int32_t partition, streamd_error **error)
{
    d->events.failed(failure, SX_ON_ERROR_FAIL, d->events.arg);
    return sx_fail(error, STREAMD_E_DECODE, "%s, partition %d, offset %lld: %s: %s", topic, partition,
                   (long long)failure->record->offset, failure->reason, failure->message);
}

/* The event time of an input goes on, by its rows or while it waits, behind this entry. */
static streamd_status advance(struct sx_driver *d, struct sx_node_plan *entry, const struct input *input,
                              int64_t wall_ms, streamd_error **error)
{
    struct sx_task_failure failure;

    if (d->events.begun != NULL)
        d->events.begun(d->events.arg);
    if (sx_task_advance(d->task, entry, input->topic, input->partition, input->event_time, wall_ms, &failure))
        return STREAMD_OK;
    return fail(d, &failure, input->topic, input->partition, error);
}

/* The largest time of source rows [from, to). */
static int64_t last_time(const struct sx_batch *batch, uint32_t from, uint32_t to)
{
    int64_t last = -1;

    for (SX_EACH_ROW(batch, i, row))
        if (row >= from && row < to)
            last = SX_MAX(last, batch->ts[row]);
    return last;
}

/* Rows behind one entry; *done: how many of them. */
static streamd_status process(struct sx_driver *d, struct sx_node_plan *entry, struct input *input,
                              const struct sx_record *records, uint32_t count, uint32_t *done,
                              streamd_error **error)
{
    bool idle = entry->entry->idle_ms > 0; /* then every row moves event time on, also one that is dropped */
    struct sx_task_failure failure;
    struct sx_decoded decoded;
    streamd_status status = STREAMD_OK;
    int64_t time;

    sx_task_decode(d->task, entry, input->topic, input->partition, records, count, false, &d->arena,
                   &decoded);
    for (*done = 0; *done < count && status == STREAMD_OK;) {
        uint32_t to = idle ? *done + 1 : count, stop;

        if (d->events.begun != NULL)
            d->events.begun(d->events.arg);
        stop = sx_task_process(d->task, &decoded, *done, to, &failure);
        time = last_time(&decoded.batch, *done, stop);
        *done = stop;
        if (stop < to)
            return fail(d, &failure, input->topic, input->partition, error);
        if (time < 0)
            continue;
        input->event_time = SX_MAX(input->event_time, time);
        input->since_ms = input->mark_ms = d->wall_ms;
        if (idle)
            status = advance(d, entry, input, -1, error);
    }
    return status;
}

/* The entries that read a topic, in the order of the file. */
static uint32_t readers_of(const struct sx_driver *d, const char *topic, struct sx_node_plan **readers)
{
    struct sx_node_plan *const *entries;
    uint32_t count, found = 0;

    entries = sx_task_entries(d->task, &count);
    for (uint32_t e = 0; e < count; e++)
        for (uint32_t t = 0; t < entries[e]->entry->topic_count; t++)
            if (sx_topic_takes(d->plan, d->plan->topics[entries[e]->entry->topics[t]], topic))
                readers[found++] = entries[e];
    return found;
}

streamd_status sx_driver_send_many(struct sx_driver *d, const char *topic, int32_t partition,
                                   struct sx_record *records, uint32_t count, uint32_t *done,
                                   streamd_error **error)
{
    uint32_t reader_count = readers_of(d, topic, d->readers), run = reader_count > 1 ? 1 : count;
    streamd_status status = STREAMD_OK;
    struct input *input;

    *done = 0;
    if (reader_count == 0)
        return sx_fail(error, STREAMD_E_NOTFOUND, "no source reads the topic `%s`", topic);
    input = input_of(d, topic, partition);
    /* A row goes through all of its readers before the next one does. */
    while (*done < count && status == STREAMD_OK) {
        uint32_t processed = run;

        sx_arena_reset(&d->arena);
        for (uint32_t i = 0; i < run; i++)
            records[*done + i].offset = input->next + i;
        for (uint32_t r = 0; r < reader_count && status == STREAMD_OK; r++)
            status = process(d, d->readers[r], input, &records[*done], run, &processed, error);
        *done += processed;
        input->next += processed + (status != STREAMD_OK);
    }
    return status;
}

streamd_status sx_driver_send(struct sx_driver *d, const char *topic, int32_t partition,
                              struct sx_record *record, streamd_error **error)
{
    uint32_t done;

    return sx_driver_send_many(d, topic, partition, record, 1, &done, error);
}

/* ---- The wall clock -------------------------------------------------------------------------- */

/* The schedule that fires next, the first in the file of several; NULL: none until `wall_ms`. */
static struct firing *next_firing(struct sx_driver *d, int64_t wall_ms)
{
    struct firing *best = NULL;

    for (uint32_t i = 0; i < d->firing_count; i++)
        if (d->firings[i].next_ms <= wall_ms && (best == NULL || d->firings[i].next_ms < best->next_ms))
            best = &d->firings[i];
    return best;
}

/* Inputs that brought nothing for long enough: their event time has gone on as the clock has. */
static streamd_status wait_on(struct sx_driver *d, streamd_error **error)
{
    struct sx_node_plan *const *entries;
    uint32_t count;
    streamd_status status = STREAMD_OK;

    entries = sx_task_entries(d->task, &count);
    for (uint32_t i = 0; i < d->input_count; i++) {
        struct input *input = &d->inputs[i];
        int64_t passed = d->wall_ms - input->mark_ms;
        bool waited = false;

        for (uint32_t e = 0; e < count && input->event_time >= 0 && status == STREAMD_OK; e++) {
            const struct sx_entry_plan *entry = entries[e]->entry;

            for (uint32_t t = 0; t < entry->topic_count && status == STREAMD_OK; t++) {
                if (entry->idle_ms <= 0 || d->wall_ms - input->since_ms < entry->idle_ms ||
                    !sx_topic_takes(d->plan, d->plan->topics[entry->topics[t]], input->topic))
                    continue;
                input->event_time += waited ? 0 : passed;
                waited = true;
                status = advance(d, entries[e], input, d->wall_ms, error);
            }
        }
        if (waited)
            input->mark_ms = d->wall_ms;
    }
    return status;
}

streamd_status sx_driver_advance(struct sx_driver *d, int64_t wall_ms, streamd_error **error)
{
    struct firing *firing;
    streamd_status status;

    while ((firing = next_firing(d, wall_ms)) != NULL) {
        struct sx_record record = {.value = SX_SLICE(""), .timestamp = firing->next_ms};

        d->wall_ms = firing->next_ms;
        firing->next_ms = firing->topic->schedule->next(firing->topic->schedule, firing->next_ms);
        status = wait_on(d, error);
        if (status == STREAMD_OK)
            status = sx_driver_send(d, firing->topic->name, 0, &record, error);
        if (status != STREAMD_OK)
            return status;
    }
    d->wall_ms = SX_MAX(d->wall_ms, wall_ms);
    return wait_on(d, error);
}

struct sx_store *const *sx_driver_stores(const struct sx_driver *d) { return d->stores; }

uint64_t sx_driver_dropped(const struct sx_driver *d, const char *reason)
{
    for (uint32_t i = 0; i < d->dropped_count; i++)
        if (strcmp(d->dropped[i].reason, reason) == 0)
            return d->dropped[i].count;
    return 0;
}

void sx_driver_each_dropped(const struct sx_driver *d,
                            void (*fn)(const char *reason, uint64_t count, void *arg), void *arg)
{
    for (uint32_t i = 0; i < d->dropped_count; i++)
        fn(d->dropped[i].reason, d->dropped[i].count, arg);
}
