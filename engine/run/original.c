/* original.c: see original.h. */
#include "engine/run/original.h"

#include "engine/base/hash.h"

#define WAIT_MS 10000

static const char *name_of(const struct sx_engine *engine, uint32_t hash)
{
    for (uint32_t t = 0; t < engine->plan->topic_count; t++)
        for (uint32_t n = 0; n < engine->names[t].count; n++) {
            const char *name = engine->names[t].names[n];

            if ((uint32_t)sx_murmur2(name, strlen(name)) == hash)
                return name;
        }
    return NULL;
}

struct sx_task_failure sx_original_place(const struct sx_engine *engine,
                                         const struct sx_task_failure *failure, struct sx_record *record)
{
    struct sx_task_failure found = *failure;
    struct sx_root root;
    const char *name;

    *record = *failure->record;
    if (failure->entry->input_count == 0 || failure->entry->op->root == NULL ||
        !failure->entry->op->root(failure->record, &root))
        return found;
    name = name_of(engine, root.topic);
    if (name == NULL)
        return found;
    record->offset = root.offset;
    found.topic = name;
    found.partition = root.partition;
    found.record = record;
    return found;
}

static struct sx_record *copy(const struct sx_record *from, struct sx_arena *arena)
{
    struct sx_record *to = SX_ARENA_NEW(arena, struct sx_record);
    struct sx_header *headers = SX_ARENA_ARRAY(arena, struct sx_header, from->header_count + 1);

    *to = *from;
    to->key = from->key.data ? sx_arena_copy(arena, from->key) : SX_SLICE_NONE;
    to->value = from->value.data ? sx_arena_copy(arena, from->value) : SX_SLICE_NONE;
    for (uint32_t h = 0; h < from->header_count; h++) {
        const struct sx_header *header = &from->headers[h];

        headers[h].name = sx_arena_copy(arena, header->name);
        headers[h].value = header->value.data ? sx_arena_copy(arena, header->value) : SX_SLICE_NONE;
    }
    to->headers = headers;
    return to;
}

/* The record at the reader's beginning. *record stays NULL if there is none of that offset. */
static streamd_status read_one(struct sx_engine *engine, struct sx_reader *reader,
                               const struct sx_waker *waker, int64_t offset, struct sx_arena *arena,
                               struct sx_record **record, streamd_error **error)
{
    int64_t until_ms = sx_now_ms(engine->options.clock) + WAIT_MS;

    for (;;) {
        struct sx_fetch fetch;
        streamd_status status = engine->def->fetch(reader, 1, &fetch, error);
        int64_t left_ms = until_ms - sx_now_ms(engine->options.clock);
        bool passed;

        if (status != STREAMD_OK)
            return status;
        if (fetch.count && fetch.records[0].offset == offset)
            *record = copy(&fetch.records[0], arena);
        passed = fetch.count > 0 || fetch.next_offset > offset;
        engine->def->release(reader, &fetch);
        if (passed)
            return STREAMD_OK;
        if (left_ms <= 0)
            return sx_fail_retriable(error, STREAMD_E_TIMEOUT,
                                     "%s [%d] could not be read again at offset %lld", reader->topic,
                                     reader->partition, (long long)offset);
        sx_waker_wait(waker, (int)SX_MIN(left_ms, 200));
    }
}

streamd_status sx_original_fetch(struct sx_engine *engine, const struct sx_task_failure *failure,
                                 struct sx_arena *arena, struct sx_task_failure *found, streamd_error **error)
{
    struct sx_record *place = SX_ARENA_NEW(arena, struct sx_record), *record = NULL;
    struct sx_reader *reader;
    struct sx_waker waker;
    streamd_error *problem = NULL;
    streamd_status status;

    *found = sx_original_place(engine, failure, place);
    if (found->record != place)
        return STREAMD_OK;
    if (!sx_waker_init(&waker))
        return sx_fail_retriable(error, STREAMD_E_STATE, "no file descriptor is left");
    /* One at a time: a log lets only a few readers share a partition. */
    pthread_mutex_lock(&engine->originals);
    status = engine->def->reader_open(engine->log, SX_READ_RESTORE, found->topic, found->partition,
                                      place->offset, &waker, &reader, &problem);
    if (status == STREAMD_OK) {
        status = read_one(engine, reader, &waker, place->offset, arena, &record, &problem);
        engine->def->reader_close(reader);
    }
    pthread_mutex_unlock(&engine->originals);
    sx_waker_free(&waker);
    if (status == STREAMD_E_NOTFOUND) { /* deleted since: what is left of it is better than nothing */
        streamd_error_free(problem);
        return STREAMD_OK;
    }
    if (record != NULL)
        found->record = record;
    if (error != NULL)
        *error = problem;
    else
        streamd_error_free(problem);
    return status;
}
