/* api_topic.c: reading and writing topics beside the engine, over its log. */
#include "streamd/api_engine.h"
#include "streamd/api_record.h"
#include "streamd/topic_form.h"
#include "streamd/topic_write.h"

#include "engine/base/map.h"

#include <stdlib.h>

enum { FETCH_RECORDS = 500, WAIT_MS = 100 };

/* The log of an engine that has been started. */
static streamd_status open_log(streamd_engine *engine, struct sx_log **log, streamd_error **error)
{
    struct sx_engine *running = atomic_load(&engine->engine);

    *log = running ? sx_engine_log(running) : NULL;
    return *log ? STREAMD_OK : sx_fail(error, STREAMD_E_STATE, "the engine has not been started");
}

/* ---- Writing --------------------------------------------------------------------------------- */

struct target {
    struct sx_topic *topic;
    int32_t partitions;
    struct sx_record_form form;
    uint32_t round;
};

struct streamd_writer {
    streamd_engine *engine;
    struct sx_log *log;
    struct sx_writer *writer;
    struct sx_waker waker;
    uint32_t place;        /* of its number, behind those of the workers */
    struct sx_map targets; /* by name */
};

static bool take_place(streamd_engine *engine, uint32_t *place)
{
    bool found = false;

    pthread_mutex_lock(&engine->lock);
    for (uint32_t p = 0; p < STREAMD_WRITERS_MAX && !found; p++)
        if (!(engine->writers >> p & 1)) {
            engine->writers |= (uint64_t)1 << p;
            *place = p;
            found = true;
        }
    pthread_mutex_unlock(&engine->lock);
    return found;
}

static void give_place(streamd_engine *engine, uint32_t place)
{
    pthread_mutex_lock(&engine->lock);
    engine->writers &= ~((uint64_t)1 << place);
    pthread_mutex_unlock(&engine->lock);
}

streamd_status streamd_writer_open(streamd_engine *engine, streamd_writer **writer, streamd_error **error)
{
    struct sx_log *log;
    streamd_writer *w;
    uint32_t place;
    streamd_status status;

    if (error != NULL)
        *error = NULL;
    status = open_log(engine, &log, error);
    if (status != STREAMD_OK)
        return status;
    if (!take_place(engine, &place))
        return sx_fail(error, STREAMD_E_STATE, "%d writers of this engine are open", STREAMD_WRITERS_MAX);
    w = sx_calloc(1, sizeof(*w));
    w->engine = engine;
    w->log = log;
    w->place = place;
    if (!sx_waker_init(&w->waker))
        w->waker.fd = -1;
    status = log->def->writer_open(log, engine->setup.engine.threads + place, &w->waker, &w->writer, error);
    if (status != STREAMD_OK) {
        w->writer = NULL;
        streamd_writer_close(w);
        return status;
    }
    *writer = w;
    return STREAMD_OK;
}

static streamd_status find_target(streamd_writer *writer, const char *topic, struct target **found,
                                  streamd_error **error)
{
    const struct sx_log_def *def = writer->log->def;
    struct target *target = sx_map_get(&writer->targets, sx_slice_of(topic)), fresh = {0};
    streamd_status status;

    if (target == NULL) {
        if (sx_topic_is_internal(sx_api_plan(writer->engine), topic))
            return sx_fail(error, STREAMD_E_ARGUMENT, "`%s` is an internal topic", topic);
        status = def->partitions(writer->log, topic, &fresh.partitions, error);
        if (status == STREAMD_OK)
            status = def->topic_open(writer->writer, topic, &fresh.topic, error);
        if (status != STREAMD_OK)
            return status;
        fresh.form = sx_form_of_topic(writer->engine->topology->compiled, topic);
        target = sx_malloc(sizeof(*target));
        *target = fresh;
        sx_map_put(&writer->targets, sx_slice_of(topic), target);
    }
    *found = target;
    return STREAMD_OK;
}

streamd_status streamd_writer_send(streamd_writer *writer, const char *topic, const streamd_record *record,
                                   streamd_error **error)
{
    struct sx_record r = record->record;
    int32_t partition = record->partition;
    struct target *target = NULL;
    streamd_status status;

    if (error != NULL)
        *error = NULL;
    status = find_target(writer, topic, &target, error);
    if (status != STREAMD_OK)
        return status;
    if (partition >= target->partitions)
        return sx_fail(error, STREAMD_E_ARGUMENT, "`%s` has %d partitions, numbered from 0", topic,
                       target->partitions);
    if (partition < 0) {
        struct sx_slice key = r.key;
        struct sx_window window;

        /* A windowed key goes where its inner key goes. */
        sx_record_window(&target->form, &key, &window);
        partition = sx_topic_place(key, target->partitions, &target->round);
    }
    if (r.timestamp < 0)
        r.timestamp = sx_wall_ms(&sx_clock_system);
    return sx_topic_write(writer->writer, target->topic, partition, &r, NULL, error);
}

streamd_status streamd_writer_commit(streamd_writer *writer, streamd_error **error)
{
    const struct sx_log_def *def = writer->log->def;
    streamd_status status;

    if (error != NULL)
        *error = NULL;
    status = def->commit(writer->writer, NULL, 0, NULL, NULL, NULL, error);
    if (status != STREAMD_OK)
        def->abort(writer->writer, NULL);
    return status;
}

static void free_target(struct sx_slice name, void *target, void *arg) { free(target); }

void streamd_writer_close(streamd_writer *writer)
{
    if (writer == NULL)
        return;
    if (writer->writer != NULL) {
        writer->log->def->abort(writer->writer, NULL);
        writer->log->def->writer_close(writer->writer);
    }
    give_place(writer->engine, writer->place);
    sx_waker_free(&writer->waker);
    sx_map_each(&writer->targets, free_target, NULL);
    sx_map_free(&writer->targets);
    free(writer);
}

/* ---- Reading --------------------------------------------------------------------------------- */

struct streamd_reader {
    struct sx_log *log;
    struct sx_waker waker;
    struct sx_reader **parts; /* by partition */
    int32_t part_count;
    int32_t at; /* the partition that is read now */
    struct sx_fetch fetch;
    bool holds;
    uint32_t next; /* of the fetch */
    struct streamd_record record;
};

static streamd_status open_part(streamd_reader *reader, const char *topic, streamd_from from,
                                streamd_error **error)
{
    const struct sx_log_def *def = reader->log->def;
    int64_t low, high;
    int32_t partition = reader->part_count;
    streamd_status status = def->watermarks(reader->log, topic, partition, false, &low, &high, error);

    if (status == STREAMD_OK)
        status = def->reader_open(reader->log, SX_READ_RESTORE, topic, partition,
                                  from == STREAMD_FROM_LATEST ? high : low, &reader->waker,
                                  &reader->parts[partition], error);
    if (status == STREAMD_OK)
        reader->part_count++;
    return status;
}

streamd_status streamd_reader_open(streamd_engine *engine, const char *topic, streamd_from from,
                                   streamd_reader **reader, streamd_error **error)
{
    struct sx_log *log;
    streamd_reader *r;
    int32_t count = 0;
    streamd_status status;

    if (error != NULL)
        *error = NULL;
    status = open_log(engine, &log, error);
    if (status == STREAMD_OK)
        status = log->def->partitions(log, topic, &count, error);
    if (status != STREAMD_OK)
        return status;
    r = sx_calloc(1, sizeof(*r));
    r->log = log;
    r->parts = sx_calloc((size_t)count + 1, sizeof(*r->parts));
    sx_api_record_init(&r->record);
    if (!sx_waker_init(&r->waker))
        r->waker.fd = -1;
    for (int32_t p = 0; p < count && status == STREAMD_OK; p++)
        status = open_part(r, topic, from, error);
    if (status != STREAMD_OK) {
        streamd_reader_close(r);
        return status;
    }
    *reader = r;
    return STREAMD_OK;
}

static void let_go(streamd_reader *reader)
{
    if (reader->holds)
        reader->log->def->release(reader->parts[reader->at], &reader->fetch);
    reader->holds = false;
}

/* Something to read of any partition, beginning behind the one that was read last. */
static streamd_status fetch_some(streamd_reader *reader, streamd_error **error)
{
    let_go(reader);
    for (int32_t tries = 0; tries < reader->part_count; tries++) {
        streamd_status status;

        reader->at = (reader->at + 1) % reader->part_count;
        status = reader->log->def->fetch(reader->parts[reader->at], FETCH_RECORDS, &reader->fetch, error);
        if (status != STREAMD_OK)
            return status;
        reader->holds = true;
        reader->next = 0;
        if (reader->fetch.count > 0)
            return STREAMD_OK;
        let_go(reader);
    }
    return STREAMD_OK;
}

streamd_status streamd_reader_next(streamd_reader *reader, int64_t timeout_ms, const streamd_record **record,
                                   streamd_error **error)
{
    int64_t until_ms = sx_now_ms(&sx_clock_system) + timeout_ms;

    if (error != NULL)
        *error = NULL;
    while (!reader->holds || reader->next == reader->fetch.count) {
        streamd_status status = fetch_some(reader, error);
        int64_t left_ms = timeout_ms < 0 ? WAIT_MS : until_ms - sx_now_ms(&sx_clock_system);

        if (status != STREAMD_OK)
            return status;
        if (reader->holds)
            break;
        if (left_ms <= 0)
            return sx_fail_retriable(error, STREAMD_E_TIMEOUT, "no record came in time");
        sx_waker_wait(&reader->waker, (int)SX_MIN(left_ms, WAIT_MS));
    }
    sx_api_record_fill(&reader->record, &reader->fetch.records[reader->next++], NULL);
    reader->record.partition = reader->at;
    *record = &reader->record;
    return STREAMD_OK;
}

void streamd_reader_close(streamd_reader *reader)
{
    if (reader == NULL)
        return;
    let_go(reader);
    for (int32_t p = 0; p < reader->part_count; p++)
        reader->log->def->reader_close(reader->parts[p]);
    sx_waker_free(&reader->waker);
    sx_api_record_end(&reader->record);
    free(reader->parts);
    free(reader);
}
