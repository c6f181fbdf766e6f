/* embedded_read.c: readers of the embedded log.
 *
 * A fetch opens a cursor, copies the blocks that it needs, and closes it: RocksDB's iterator is a
 * snapshot that keeps memtables and files alive, and a reader may rest for long. */
#include "engine/log/embedded.h"

#include "engine/data/format.h" /* SX_PADDING */

#include <stdlib.h>

/* A fetch ends with the block that takes it past this. */
#define FETCH_BYTES (4u << 20)

/* What a fetch's records live in. */
struct embedded_held {
    struct sx_arena arena;
    struct sx_record *records;
    uint32_t room;
};

static void free_held(struct embedded_held *held)
{
    if (held == NULL)
        return;
    sx_arena_free(&held->arena);
    free(held->records);
    free(held);
}

static struct embedded_held *take_held(struct embedded_reader *reader, uint32_t max)
{
    struct embedded_held *held = reader->spare;

    reader->spare = NULL;
    if (held == NULL) {
        held = sx_calloc(1, sizeof(*held));
        sx_arena_init(&held->arena, 256 * 1024);
    }
    if (held->room < max) {
        held->records = sx_realloc(held->records, sizeof(*held->records) * max);
        held->room = max;
    }
    return held;
}

static void give_held(struct embedded_reader *reader, struct embedded_held *held)
{
    if (reader->spare != NULL) {
        free_held(held);
        return;
    }
    sx_arena_reset(&held->arena);
    reader->spare = held;
}

streamd_status sx_embedded_reader_open(struct sx_log *log, enum sx_reader_use use, const char *topic,
                                       int32_t partition, int64_t offset, const struct sx_waker *waker,
                                       struct sx_reader **reader, streamd_error **error)
{
    struct embedded *e = embedded_of(log);
    struct embedded_topic *found;
    struct embedded_reader *r;
    streamd_status status;

    (void)use; /* the group is this process, and nothing is prefetched for it */
    *reader = NULL;
    pthread_mutex_lock(&e->lock);
    status = sx_embedded_topic(e, topic, partition, &found, error);
    if (status == STREAMD_OK) {
        r = sx_calloc(1, sizeof(*r));
        r->reader.log = log;
        r->reader.topic = found->name;
        r->reader.partition = partition;
        r->topic = found;
        r->partition = &found->partitions[partition];
        r->waker = waker;
        r->next = offset;
        found->users++;
        r->after = r->partition->readers;
        if (r->after != NULL)
            r->after->before = r;
        r->partition->readers = r;
        if (waker != NULL && offset != r->partition->end)
            sx_waker_wake(waker);
        *reader = &r->reader;
    }
    pthread_mutex_unlock(&e->lock);
    return status;
}

void sx_embedded_reader_close(struct sx_reader *reader)
{
    struct embedded_reader *r = (struct embedded_reader *)reader;
    struct embedded *e = embedded_of(reader->log);

    pthread_mutex_lock(&e->lock);
    if (r->before != NULL)
        r->before->after = r->after;
    else
        r->partition->readers = r->after;
    if (r->after != NULL)
        r->after->before = r->before;
    sx_embedded_release(r->topic);
    pthread_mutex_unlock(&e->lock);
    free_held(r->spare);
    free(r);
}

void sx_embedded_wake(struct embedded_partition *partition)
{
    for (struct embedded_reader *r = partition->readers; r != NULL; r = r->after) {
        if (r->waker != NULL)
            sx_waker_wake(r->waker);
    }
}

static streamd_status damaged(const struct embedded_reader *reader, streamd_error **error)
{
    return sx_fail(error, STREAMD_E_CORRUPT, "%s, partition %d, is damaged near offset %lld",
                   reader->reader.topic, reader->reader.partition, (long long)reader->next);
}

/* The range that can be read now. Errors: E_NOTFOUND. */
static streamd_status range(struct embedded_reader *reader, int64_t *end, streamd_error **error)
{
    struct embedded *e = embedded_of(reader->reader.log);
    streamd_status status = STREAMD_OK;
    int64_t low;

    pthread_mutex_lock(&e->lock);
    low = reader->partition->low;
    *end = reader->partition->end;
    if (reader->topic->removed)
        status = sx_fail(error, STREAMD_E_NOTFOUND, "the topic %s has been removed", reader->reader.topic);
    pthread_mutex_unlock(&e->lock);
    if (status == STREAMD_OK && (reader->next < low || reader->next > *end))
        status = sx_fail(error, STREAMD_E_NOTFOUND, "%s, partition %d, holds offsets %lld to %lld, not %lld",
                         reader->reader.topic, reader->reader.partition, (long long)low, (long long)*end,
                         (long long)reader->next);
    return status;
}

/* Take records from one block, whose last offset is `last`. */
static streamd_status take_block(struct embedded_reader *reader, struct sx_slice block, int64_t last,
                                 struct embedded_held *held, uint32_t max, uint32_t *count,
                                 streamd_error **error)
{
    char *copy = sx_arena_alloc(&held->arena, (size_t)block.size + SX_PADDING);
    const char *at = copy;
    const char *end = copy + block.size;
    uint32_t block_count;
    int64_t append_ms;
    int64_t offset;

    memcpy(copy, block.data, block.size);
    memset(copy + block.size, 0, SX_PADDING);
    if (!sx_block_head(&at, end, &block_count, &append_ms) || (int64_t)block_count > last + 1)
        return damaged(reader, error);
    for (offset = last - block_count + 1; offset <= last && *count < max; offset++) {
        struct sx_record *record = &held->records[*count];
        if (!sx_block_record(&at, end, record, &held->arena))
            return damaged(reader, error);
        record->offset = offset;
        *count += offset >= reader->next;
    }
    reader->next = offset;
    return STREAMD_OK;
}

static streamd_status take_blocks(struct embedded_reader *reader, int64_t end, struct embedded_held *held,
                                  uint32_t max, uint32_t *count, streamd_error **error)
{
    struct embedded *e = embedded_of(reader->reader.log);
    char from[SX_BLOCK_KEY], to[SX_BLOCK_KEY];
    struct sx_cursor *cursor;
    struct sx_slice key, value;
    streamd_status status = STREAMD_OK;
    size_t bytes = 0;
    bool more = true;

    /* Up to the published end: behind it a later commit may stand before an earlier one does. */
    sx_block_key(from, reader->topic->id, reader->reader.partition, reader->next);
    sx_block_key(to, reader->topic->id, reader->reader.partition, end);
    cursor = sx_cursor_open(e->disk, SX_FAMILY_LOG, sx_slice(from, sizeof(from)), sx_slice(to, sizeof(to)));
    while (status == STREAMD_OK && *count < max && bytes < FETCH_BYTES &&
           (more = sx_cursor_next(cursor, &key, &value))) {
        bytes += value.size;
        status = take_block(reader, value, sx_block_key_offset(key), held, max, count, error);
    }
    if (status == STREAMD_OK && !more) {
        status = sx_cursor_status(cursor, error);
        if (status == STREAMD_OK)
            reader->next = end; /* what is left is a gap */
    }
    sx_cursor_close(cursor);
    return status;
}

streamd_status sx_embedded_fetch(struct sx_reader *reader, uint32_t max, struct sx_fetch *fetch,
                                 streamd_error **error)
{
    struct embedded_reader *r = (struct embedded_reader *)reader;
    struct embedded_held *held = NULL;
    int64_t began = r->next;
    int64_t end;
    uint32_t count = 0;
    streamd_status status = range(r, &end, error);

    if (status == STREAMD_OK && r->next < end && max > 0) {
        held = take_held(r, max);
        status = take_blocks(r, end, held, max, &count, error);
    }
    if (status != STREAMD_OK || count == 0) {
        if (held != NULL)
            give_held(r, held);
        held = NULL;
    }
    if (status != STREAMD_OK) {
        r->next = began;
        return status;
    }
    *fetch = (struct sx_fetch){.records = held ? held->records : NULL,
                               .count = count,
                               .next_offset = r->next,
                               .padded = true,
                               .at_end = r->next >= end,
                               .held = held};
    return STREAMD_OK;
}

void sx_embedded_fetch_release(struct sx_reader *reader, struct sx_fetch *fetch)
{
    if (fetch->held != NULL)
        give_held((struct embedded_reader *)reader, fetch->held);
    *fetch = (struct sx_fetch){0};
}

streamd_status sx_embedded_seek(struct sx_reader *reader, int64_t offset, streamd_error **error)
{
    struct embedded_reader *r = (struct embedded_reader *)reader;

    (void)error; /* the next fetch says whether the offset can be read */
    r->next = offset;
    if (r->waker != NULL)
        sx_waker_wake(r->waker);
    return STREAMD_OK;
}

int64_t sx_embedded_reader_end(struct sx_reader *reader)
{
    struct embedded *e = embedded_of(reader->log);
    int64_t end;

    pthread_mutex_lock(&e->lock);
    end = ((struct embedded_reader *)reader)->partition->end;
    pthread_mutex_unlock(&e->lock);
    return end;
}
