/* embedded_write.c: writers of the embedded log: records wait in blocks, a commit writes all. */
#include "engine/log/embedded.h"

#include "engine/base/clock.h"

#include <stdlib.h>

/* A buffer that grew past this is given back when the commit has its records. */
#define KEPT_BYTES (4u << 20)

/* Where a block begins in the buffer, and how many records it has. */
struct mark {
    size_t start;
    uint32_t count;
};

/* What waits for the commit in one partition. */
struct pending {
    struct sx_buffer data; /* blocks, one behind the other */
    struct mark *marks;
    uint32_t mark_count, mark_room;
    uint32_t count;  /* records */
    int64_t first;   /* the offset of the first, once the commit has taken it */
    int64_t offset;  /* sx_log_def.writer_offset */
    int64_t settled; /* the same after the last commit that went well */
};

struct sx_topic {
    struct embedded_topic *topic;
    struct sx_topic *next;   /* of the writer */
    struct pending *pending; /* one per partition */
};

/* A partition that has pending records. */
struct target {
    struct sx_topic *topic;
    int32_t partition;
};

struct embedded_writer {
    struct sx_writer writer;
    struct sx_topic *topics;
    struct sx_unit *own; /* for commits without a unit */
    struct target *targets;
    uint32_t target_count, target_room;
};

streamd_status sx_embedded_writer_open(struct sx_log *log, uint32_t number, const struct sx_waker *waker,
                                       struct sx_writer **writer, streamd_error **error)
{
    struct embedded_writer *w = sx_calloc(1, sizeof(*w));

    /* One process has the folder, so there is nobody to fence; nothing is delivered later, so there
     * is nothing to be woken for. */
    (void)number;
    (void)waker;
    (void)error;
    w->writer.log = log;
    w->own = sx_unit_new(embedded_of(log)->disk);
    *writer = &w->writer;
    return STREAMD_OK;
}

static void free_topic(struct embedded *log, struct sx_topic *topic)
{
    for (int32_t i = 0; i < topic->topic->partition_count; i++) {
        sx_buffer_free(&topic->pending[i].data);
        free(topic->pending[i].marks);
    }
    pthread_mutex_lock(&log->lock);
    sx_embedded_release(topic->topic);
    pthread_mutex_unlock(&log->lock);
    free(topic->pending);
    free(topic);
}

void sx_embedded_writer_close(struct sx_writer *writer)
{
    struct embedded_writer *w = (struct embedded_writer *)writer;

    while (w->topics != NULL) {
        struct sx_topic *topic = w->topics;
        w->topics = topic->next;
        free_topic(embedded_of(writer->log), topic);
    }
    sx_unit_free(w->own);
    free(w->targets);
    free(w);
}

streamd_status sx_embedded_topic_open(struct sx_writer *writer, const char *name, struct sx_topic **topic,
                                      streamd_error **error)
{
    struct embedded_writer *w = (struct embedded_writer *)writer;
    struct embedded *e = embedded_of(writer->log);
    struct embedded_topic *found;
    struct sx_topic *t;
    streamd_status status;

    *topic = NULL;
    pthread_mutex_lock(&e->lock);
    status = sx_embedded_topic(e, name, 0, &found, error);
    if (status == STREAMD_OK)
        found->users++;
    pthread_mutex_unlock(&e->lock);
    if (status != STREAMD_OK)
        return status;
    t = sx_calloc(1, sizeof(*t));
    t->topic = found;
    t->pending = sx_calloc((size_t)found->partition_count, sizeof(*t->pending));
    for (int32_t i = 0; i < found->partition_count; i++)
        t->pending[i].offset = t->pending[i].settled = SX_OFFSET_NONE;
    t->next = w->topics;
    w->topics = t;
    *topic = t;
    return STREAMD_OK;
}

/* ---- writing --------------------------------------------------------------------------------- */

static void add_target(struct embedded_writer *writer, struct sx_topic *topic, int32_t partition)
{
    if (writer->target_count == writer->target_room) {
        writer->target_room = writer->target_room ? writer->target_room * 2 : 16;
        writer->targets = sx_realloc(writer->targets, sizeof(*writer->targets) * writer->target_room);
    }
    writer->targets[writer->target_count++] = (struct target){topic, partition};
}

/* The block that the next record goes to. */
static struct mark *open_block(struct pending *pending)
{
    struct mark *mark = pending->mark_count ? &pending->marks[pending->mark_count - 1] : NULL;

    if (mark != NULL && mark->count < SX_BLOCK_RECORDS && pending->data.size - mark->start < SX_BLOCK_BYTES)
        return mark;
    if (pending->mark_count == pending->mark_room) {
        pending->mark_room = pending->mark_room ? pending->mark_room * 2 : 8;
        pending->marks = sx_realloc(pending->marks, sizeof(*mark) * pending->mark_room);
    }
    mark = &pending->marks[pending->mark_count++];
    *mark = (struct mark){pending->data.size, 0};
    sx_block_begin(&pending->data);
    return mark;
}

static uint64_t record_bytes(const struct sx_record *record)
{
    uint64_t bytes = (uint64_t)record->key.size + record->value.size;

    for (uint32_t i = 0; i < record->header_count; i++)
        bytes += (uint64_t)record->headers[i].name.size + record->headers[i].value.size + 2;
    return bytes;
}

streamd_status sx_embedded_write(struct sx_writer *writer, struct sx_topic *topic, int32_t partition,
                                 const struct sx_record *record, streamd_error **error)
{
    struct pending *pending;
    uint64_t bytes = record_bytes(record);

    if (partition < 0 || partition >= topic->topic->partition_count)
        return sx_fail(error, STREAMD_E_NOTFOUND, "the topic %s has no partition %d", topic->topic->name,
                       partition);
    if (bytes > SX_RECORD_BYTES_MAX)
        return sx_fail(error, STREAMD_E_LOG, "a record for %s has %llu bytes; at most %u are allowed",
                       topic->topic->name, (unsigned long long)bytes, SX_RECORD_BYTES_MAX);
    pending = &topic->pending[partition];
    if (pending->count == 0)
        add_target((struct embedded_writer *)writer, topic, partition);
    open_block(pending)->count++;
    pending->count++;
    sx_block_add(&pending->data, record);
    return STREAMD_OK;
}

streamd_status sx_embedded_drain(struct sx_writer *writer, int timeout_ms, streamd_error **error)
{
    (void)writer;
    (void)timeout_ms;
    (void)error;
    return STREAMD_OK; /* nothing is under way between write and commit */
}

int64_t sx_embedded_writer_offset(struct sx_writer *writer, struct sx_topic *topic, int32_t partition)
{
    (void)writer;
    if (partition < 0 || partition >= topic->topic->partition_count)
        return SX_OFFSET_NONE;
    return topic->pending[partition].offset;
}

/* ---- commit and abort ------------------------------------------------------------------------ */

static struct pending *pending_of(const struct target *target)
{
    return &target->topic->pending[target->partition];
}

static void empty(struct embedded_writer *writer)
{
    for (uint32_t i = 0; i < writer->target_count; i++) {
        struct pending *pending = pending_of(&writer->targets[i]);
        pending->data.size = 0;
        if (pending->data.room > KEPT_BYTES)
            sx_buffer_free(&pending->data);
        pending->mark_count = 0;
        pending->count = 0;
    }
    writer->target_count = 0;
}

streamd_status sx_embedded_abort(struct sx_writer *writer, streamd_error **error)
{
    (void)error;
    empty((struct embedded_writer *)writer);
    return STREAMD_OK;
}

/* Take offsets for all that is pending, and a turn. */
static streamd_status take_offsets(struct embedded_writer *writer, uint64_t *turn, streamd_error **error)
{
    struct embedded *e = embedded_of(writer->writer.log);
    streamd_status status = STREAMD_OK;

    pthread_mutex_lock(&e->lock);
    for (uint32_t i = 0; i < writer->target_count && status == STREAMD_OK; i++) {
        if (writer->targets[i].topic->topic->removed)
            status = sx_fail(error, STREAMD_E_NOTFOUND, "the topic %s has been removed",
                             writer->targets[i].topic->topic->name);
    }
    for (uint32_t i = 0; i < writer->target_count && status == STREAMD_OK; i++) {
        const struct target *target = &writer->targets[i];
        struct embedded_partition *p = &target->topic->topic->partitions[target->partition];
        struct pending *pending = pending_of(target);
        pending->first = p->next;
        p->next += pending->count;
        pending->offset = p->next;
    }
    if (status == STREAMD_OK)
        *turn = sx_embedded_turn_take(e);
    pthread_mutex_unlock(&e->lock);
    return status;
}

static void add_records(struct sx_unit *unit, const struct target *target, int64_t append_ms)
{
    struct pending *pending = pending_of(target);
    int64_t next = pending->first;
    char key[SX_BLOCK_KEY];

    for (uint32_t i = 0; i < pending->mark_count; i++) {
        const struct mark *mark = &pending->marks[i];
        size_t end = i + 1 < pending->mark_count ? mark[1].start : pending->data.size;
        char *block = pending->data.data + mark->start;

        next += mark->count;
        sx_block_end(block, mark->count, append_ms);
        sx_block_key(key, target->topic->topic->id, target->partition, next - 1);
        sx_unit_put(unit, SX_FAMILY_LOG, sx_slice(key, sizeof(key)), sx_slice(block, end - mark->start));
    }
    /* Much is not held twice while it is written: the unit has it, and after an error an abort follows. */
    if (pending->data.room > KEPT_BYTES) {
        sx_buffer_free(&pending->data);
        pending->mark_count = 0;
    }
}

static streamd_status add_offsets(struct embedded *log, struct sx_unit *unit,
                                  const struct sx_partition_offset *offsets, uint32_t count,
                                  streamd_error **error)
{
    struct sx_buffer key = {0};
    streamd_status status = STREAMD_OK;

    for (uint32_t i = 0; i < count && status == STREAMD_OK; i++) {
        struct embedded_topic *topic;
        char value[8];

        pthread_mutex_lock(&log->lock);
        status = sx_embedded_topic(log, offsets[i].topic, offsets[i].partition, &topic, error);
        key.size = 0;
        if (status == STREAMD_OK)
            sx_embedded_group_key(log, topic->id, offsets[i].partition, &key);
        pthread_mutex_unlock(&log->lock);
        if (status != STREAMD_OK)
            break;
        sx_put_be64(value, (uint64_t)offsets[i].offset);
        sx_unit_put(unit, SX_FAMILY_META, sx_buffer_slice(&key), sx_slice(value, sizeof(value)));
    }
    sx_buffer_free(&key);
    return status;
}

/* Show what was written, when all that took their offsets earlier have done so. */
static void publish(struct embedded_writer *writer, uint64_t turn, bool written)
{
    struct embedded *e = embedded_of(writer->writer.log);

    pthread_mutex_lock(&e->lock);
    sx_embedded_turn_wait(e, turn);
    for (uint32_t i = 0; i < writer->target_count; i++) {
        const struct target *target = &writer->targets[i];
        struct embedded_partition *p = &target->topic->topic->partitions[target->partition];
        struct pending *pending = pending_of(target);
        if (!written) {
            pending->offset = pending->settled;
            continue;
        }
        pending->settled = pending->offset;
        p->end = pending->offset;
        sx_embedded_wake(p);
    }
    sx_embedded_turn_end(e);
    pthread_mutex_unlock(&e->lock);
}

streamd_status sx_embedded_commit(struct sx_writer *writer, const struct sx_partition_offset *offsets,
                                  uint32_t count, struct sx_unit *unit,
                                  void (*last)(struct sx_unit *, void *), void *arg, streamd_error **error)
{
    struct embedded_writer *w = (struct embedded_writer *)writer;
    struct embedded *e = embedded_of(writer->log);
    int64_t append_ms = sx_wall_ms(&sx_clock_system);
    streamd_status status;
    uint64_t turn;

    if (unit == NULL) {
        unit = w->own;
        sx_unit_clear(unit); /* what a failed commit may have left */
    }
    status = add_offsets(e, unit, offsets, count, error);
    if (status == STREAMD_OK)
        status = take_offsets(w, &turn, error);
    if (status != STREAMD_OK)
        return status;
    for (uint32_t i = 0; i < w->target_count; i++)
        add_records(unit, &w->targets[i], append_ms);
    if (last != NULL)
        last(unit, arg);
    status = sx_unit_count(unit) > 0 ? sx_unit_write(unit, e->sync, error) : STREAMD_OK;
    publish(w, turn, status == STREAMD_OK);
    if (status == STREAMD_OK)
        empty(w);
    return status;
}
