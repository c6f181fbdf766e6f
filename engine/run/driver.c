/* driver.c: see driver.h. */
#include "engine/run/driver.h"

#include "engine/run/dead_letter.h"

#include <stdlib.h>

/* How many records of a topic and partition there were. */
struct input_offset {
    char *topic;
    int32_t partition;
    int64_t next;
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
    struct sx_arena arena; /* of the record in hand */
    struct input_offset *offsets;
    uint32_t offset_count;
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
    for (uint32_t i = 0; i < d->offset_count; i++)
        free(d->offsets[i].topic);
    sx_arena_free(&d->arena);
    free(d->stores);
    free(d->firings);
    free(d->offsets);
    free(d->dropped);
    free(d);
}

static int64_t next_offset(struct sx_driver *d, const char *topic, int32_t partition)
{
    for (uint32_t i = 0; i < d->offset_count; i++)
        if (d->offsets[i].partition == partition && strcmp(d->offsets[i].topic, topic) == 0)
            return d->offsets[i].next++;
    d->offsets = sx_realloc(d->offsets, (d->offset_count + 1) * sizeof(*d->offsets));
    d->offsets[d->offset_count++] = (struct input_offset){sx_strdup(topic), partition, 1};
    return 0;
}

streamd_status sx_driver_send(struct sx_driver *d, const char *topic, int32_t partition,
                              struct sx_record *record, streamd_error **error)
{
    struct sx_node_plan *const *entries;
    uint32_t count;
    bool read = false;

    entries = sx_task_entries(d->task, &count);
    for (uint32_t e = 0; e < count; e++)
        for (uint32_t t = 0; t < entries[e]->entry->topic_count; t++) {
            struct sx_decoded decoded;
            struct sx_task_failure failure;

            if (!sx_topic_takes(d->plan, d->plan->topics[entries[e]->entry->topics[t]], topic))
                continue;
            if (!read) {
                record->offset = next_offset(d, topic, partition);
                sx_arena_reset(&d->arena);
            }
            read = true;
            if (d->events.begun != NULL)
                d->events.begun(d->events.arg);
            sx_task_decode(d->task, entries[e], topic, partition, record, 1, false, &d->arena, &decoded);
            if (sx_task_process(d->task, &decoded, 0, 1, &failure) < 1) {
                d->events.failed(&failure, SX_ON_ERROR_FAIL, d->events.arg);
                return sx_fail(error, STREAMD_E_DECODE, "%s, partition %d, offset %lld: %s: %s", topic,
                               partition, (long long)record->offset, failure.reason, failure.message);
            }
        }
    if (!read)
        return sx_fail(error, STREAMD_E_NOTFOUND, "no source reads the topic `%s`", topic);
    return STREAMD_OK;
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

streamd_status sx_driver_advance(struct sx_driver *d, int64_t wall_ms, streamd_error **error)
{
    struct firing *firing;

    while ((firing = next_firing(d, wall_ms)) != NULL) {
        struct sx_record record = {.value = SX_SLICE(""), .timestamp = firing->next_ms};
        streamd_status status;

        d->wall_ms = firing->next_ms;
        firing->next_ms = firing->topic->schedule->next(firing->topic->schedule, firing->next_ms);
        status = sx_driver_send(d, firing->topic->name, 0, &record, error);
        if (status != STREAMD_OK)
            return status;
    }
    d->wall_ms = SX_MAX(d->wall_ms, wall_ms);
    return STREAMD_OK;
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
