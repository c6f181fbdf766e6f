/* embedded.c: opening and closing the embedded log, its group of one, and its row of functions. */
#include "engine/log/embedded.h"

#include "engine/base/clock.h"

#include <poll.h>
#include <stdlib.h>

/* How often retention is looked after. */
#define TEND_MS 10000

static void free_topic(struct sx_slice name, void *topic, void *arg)
{
    (void)name;
    (void)arg;
    sx_embedded_release(topic);
}

static void embedded_close(struct sx_log *log)
{
    struct embedded *e = embedded_of(log);

    sx_map_each(&e->topics, free_topic, NULL);
    sx_map_free(&e->topics);
    pthread_cond_destroy(&e->turned);
    pthread_mutex_destroy(&e->lock);
    pthread_mutex_destroy(&e->admin);
    free(e->application);
    free(e);
}

extern const struct sx_log_def sx_log_embedded;

static streamd_status embedded_open(const struct sx_log_options *options, struct sx_log **log,
                                    streamd_error **error)
{
    struct embedded *e;
    streamd_status status;

    *log = NULL;
    if (options->disk == NULL)
        return sx_fail(error, STREAMD_E_ARGUMENT, "the embedded log needs a disk");
    e = sx_calloc(1, sizeof(*e));
    e->log.def = &sx_log_embedded;
    e->log.holds_state = true;
    e->log.stall_ms = SX_STALL_MS;
    e->disk = options->disk;
    e->logger = options->logger;
    e->application = sx_strdup(options->application ? options->application : "");
    e->default_partitions = options->default_partitions > 0 ? options->default_partitions : 4;
    e->sync = options->sync;
    pthread_mutex_init(&e->admin, NULL);
    pthread_mutex_init(&e->lock, NULL);
    pthread_cond_init(&e->turned, NULL);
    status = sx_embedded_load(e, error);
    if (status != STREAMD_OK) {
        embedded_close(&e->log);
        return status;
    }
    *log = &e->log;
    return STREAMD_OK;
}

uint64_t sx_embedded_turn_take(struct embedded *log) { return log->turn_next++; }

void sx_embedded_turn_wait(struct embedded *log, uint64_t turn)
{
    while (log->turn_now != turn)
        pthread_cond_wait(&log->turned, &log->lock);
}

void sx_embedded_turn_end(struct embedded *log)
{
    log->turn_now++;
    pthread_cond_broadcast(&log->turned);
}

/* ---- the group: one process, which has all slots --------------------------------------------- */

static streamd_status embedded_join(struct sx_log *log, const char *slots_topic, int32_t slot_count,
                                    const struct sx_group_events *events, streamd_error **error)
{
    struct embedded *e = embedded_of(log);

    (void)slots_topic; /* nobody to share the slots with */
    if (e->joined)
        return sx_fail(error, STREAMD_E_STATE, "the group has been joined already");
    e->events = *events;
    e->slot_count = slot_count;
    e->joined = true;
    e->given = false;
    return STREAMD_OK;
}

static int32_t *all_slots(const struct embedded *log)
{
    int32_t *slots = sx_malloc(sizeof(*slots) * (size_t)SX_MAX(log->slot_count, 1));

    for (int32_t i = 0; i < log->slot_count; i++)
        slots[i] = i;
    return slots;
}

static streamd_status embedded_poll(struct sx_log *log, int timeout_ms, streamd_error **error)
{
    struct embedded *e = embedded_of(log);
    int64_t now_ms = sx_now_ms(&sx_clock_system);

    if (!e->joined)
        return sx_fail(error, STREAMD_E_STATE, "the group has not been joined");
    if (!e->given) {
        int32_t *slots = all_slots(e);
        e->given = true;
        e->events.given(slots, (uint32_t)e->slot_count, e->events.arg);
        free(slots);
        return STREAMD_OK;
    }
    if (now_ms - e->tended_ms >= TEND_MS) {
        e->tended_ms = now_ms;
        sx_embedded_tend(e, sx_wall_ms(&sx_clock_system));
    }
    poll(NULL, 0, SX_MAX(timeout_ms, 0)); /* nothing ever comes: there are no other members */
    return STREAMD_OK;
}

static streamd_status embedded_leave(struct sx_log *log, streamd_error **error)
{
    struct embedded *e = embedded_of(log);

    (void)error;
    if (e->joined && e->given) {
        int32_t *slots = all_slots(e);
        e->events.taken(slots, (uint32_t)e->slot_count, false, e->events.arg);
        free(slots);
    }
    e->joined = false;
    e->given = false;
    return STREAMD_OK;
}

/* ---- the group's offsets --------------------------------------------------------------------- */

static streamd_status read_offset(struct embedded *log, uint32_t id, struct sx_partition_offset *offset,
                                  streamd_error **error)
{
    struct sx_buffer key = {0};
    struct sx_buffer value = {0};
    streamd_status status;
    bool found;

    sx_embedded_group_key(log, id, offset->partition, &key);
    status = sx_disk_get(log->disk, SX_FAMILY_META, sx_buffer_slice(&key), &value, &found, error);
    offset->offset = SX_OFFSET_NONE;
    if (status == STREAMD_OK && found) {
        if (value.size == 8)
            offset->offset = (int64_t)sx_get_be64(value.data);
        else
            status = sx_fail(error, STREAMD_E_CORRUPT, "the committed offset of %s, partition %d, is damaged",
                             offset->topic, offset->partition);
    }
    sx_buffer_free(&key);
    sx_buffer_free(&value);
    return status;
}

static streamd_status embedded_committed(struct sx_log *log, struct sx_partition_offset *offsets,
                                         uint32_t count, bool stable, streamd_error **error)
{
    struct embedded *e = embedded_of(log);
    streamd_status status = STREAMD_OK;

    (void)stable; /* nothing is ever written that is not committed */
    for (uint32_t i = 0; i < count && status == STREAMD_OK; i++) {
        struct embedded_topic *topic;
        uint32_t id = 0;

        pthread_mutex_lock(&e->lock);
        topic = sx_map_get(&e->topics, sx_slice_of(offsets[i].topic));
        if (topic != NULL)
            id = topic->id;
        pthread_mutex_unlock(&e->lock);
        offsets[i].offset = SX_OFFSET_NONE; /* as for a topic that is not there */
        if (topic != NULL)
            status = read_offset(e, id, &offsets[i], error);
    }
    return status;
}

static streamd_status embedded_forget(struct sx_log *log, streamd_error **error)
{
    struct embedded *e = embedded_of(log);
    struct sx_buffer from = {0};
    struct sx_buffer to = {0};
    struct sx_unit *unit;
    streamd_status status;

    if (e->joined)
        return sx_fail(error, STREAMD_E_STATE, "the group %s is not empty", e->application);
    /* All ids: from the first to behind the last. */
    sx_embedded_group_key(e, 0, 0, &from);
    sx_embedded_group_key(e, UINT32_MAX, -1, &to);
    unit = sx_unit_new(e->disk);
    sx_unit_delete_range(unit, SX_FAMILY_META, sx_buffer_slice(&from), sx_buffer_slice(&to));
    status = sx_unit_write(unit, e->sync, error);
    sx_unit_free(unit);
    sx_buffer_free(&from);
    sx_buffer_free(&to);
    return status;
}

const struct sx_log_def sx_log_embedded = {
    .name = "embedded",
    .open = embedded_open,
    .close = embedded_close,
    .partitions = sx_embedded_partitions,
    .create = sx_embedded_create,
    .describe = sx_embedded_describe,
    .remove = sx_embedded_remove,
    .topics = sx_embedded_topics,
    .watermarks = sx_embedded_watermarks,
    .purge = sx_embedded_purge,
    .committed = embedded_committed,
    .forget = embedded_forget,
    .join = embedded_join,
    .poll = embedded_poll,
    .leave = embedded_leave,
    .reader_open = sx_embedded_reader_open,
    .reader_close = sx_embedded_reader_close,
    .fetch = sx_embedded_fetch,
    .release = sx_embedded_fetch_release,
    .seek = sx_embedded_seek,
    .reader_end = sx_embedded_reader_end,
    .writer_open = sx_embedded_writer_open,
    .writer_close = sx_embedded_writer_close,
    .topic_open = sx_embedded_topic_open,
    .write = sx_embedded_write,
    .drain = sx_embedded_drain,
    .commit = sx_embedded_commit,
    .abort = sx_embedded_abort,
    .writer_offset = sx_embedded_writer_offset,
};
