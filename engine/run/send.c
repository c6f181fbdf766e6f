/* send.c: what tasks send, to the log; what they leave out, to the counters. */
#include "engine/run/worker.h"

#include "engine/base/hash.h"
#include "engine/run/dead_letter.h"
#include "engine/run/outlet.h"
#include "engine/run/original.h"

#define FULL_QUEUE_WAIT_MS 50

void sx_worker_keep_error(struct sx_worker *worker, streamd_error *error)
{
    if (worker->error == NULL)
        worker->error = error;
    else
        streamd_error_free(error);
}

struct sx_topic *sx_worker_topic(struct sx_worker *worker, uint32_t topic)
{
    streamd_error *error = NULL;

    if (worker->topics[topic] == NULL &&
        worker->engine->def->topic_open(worker->writer, worker->engine->plan->topics[topic]->name,
                                        &worker->topics[topic], &error) != STREAMD_OK)
        sx_worker_keep_error(worker, error);
    return worker->topics[topic];
}

bool sx_worker_write(struct sx_worker *worker, uint32_t topic, int32_t partition,
                     const struct sx_record *record)
{
    const struct sx_log_def *def = worker->engine->def;
    struct sx_topic *to;
    streamd_error *error = NULL;
    streamd_status status;

    if (SX_UNLIKELY(worker->engine->plan->topics[topic]->medium != SX_MEDIUM_LOG)) {
        sx_outlet_add(worker, topic, record);
        return worker->error == NULL;
    }
    to = worker->error == NULL ? sx_worker_topic(worker, topic) : NULL;
    if (to == NULL)
        return false;
    while ((status = def->write(worker->writer, to, partition, record, &error)) == STREAMD_E_TIMEOUT &&
           streamd_error_is_retriable(error) &&
           !atomic_load_explicit(&worker->engine->abandon, memory_order_relaxed)) {
        /* The queue is full: wait for deliveries. */
        streamd_error_free(error);
        error = NULL;
        sx_worker_beat(worker); /* it is the log that is slow */
        status = def->drain(worker->writer, FULL_QUEUE_WAIT_MS, &error);
        if (status != STREAMD_OK)
            break;
    }
    if (status != STREAMD_OK) {
        sx_worker_keep_error(worker, error);
        return false;
    }
    worker->pending_records++;
    worker->pending_bytes += record->key.size + record->value.size;
    sx_count(&worker->stats.topics[topic].produced, 1);
    return true;
}

static int32_t partition_of(const struct sx_engine *engine, const struct sx_task_send *send)
{
    int32_t count = SX_MAX(engine->partitions[send->topic], 1);

    if (send->partition >= 0)
        return send->partition % count;
    if (send->place.data != NULL)
        return sx_partition_of(send->place.data, send->place.size, count);
    return (int32_t)(send->source_offset % count);
}

static void sent(const struct sx_task_send *send, void *arg)
{
    struct sx_worker *worker = arg;
    int32_t partition;

    for (int32_t every = 0;
         send->partition == SX_EVERY_PARTITION && every < worker->engine->partitions[send->topic]; every++)
        sx_worker_write(worker, send->topic, every, &send->record);
    if (send->partition == SX_EVERY_PARTITION)
        return;
    partition = partition_of(worker->engine, send);
    if (send->latest_only)
        sx_latest_put(&worker->latest, send, partition);
    else
        sx_worker_write(worker, send->topic, partition, &send->record);
}

static void dropped(const struct sx_node_plan *node, const char *reason, uint64_t count, void *arg)
{
    sx_stats_drop(&((struct sx_worker *)arg)->stats, node, reason, count);
}

/* The letter keeps the record's place: same key, same partition; without a key, by offset. */
static void send_letter(struct sx_worker *worker, const struct sx_task_failure *failure)
{
    uint32_t topic = sx_dead_letter_topic(worker->engine->plan, failure->entry);
    struct sx_task_send letter = {.topic = topic, .partition = -1};
    struct sx_task_failure found;
    streamd_error *error = NULL;

    sx_arena_reset(&worker->letters);
    if (sx_original_fetch(worker->engine, failure, &worker->letters, &found, &error) != STREAMD_OK) {
        sx_worker_keep_error(worker, error);
        return;
    }
    letter.source_offset = found.record->offset;
    letter.record = sx_dead_letter(&found, &worker->letters);
    letter.place = letter.record.key;
    sx_worker_write(worker, topic, partition_of(worker->engine, &letter), &letter.record);
}

static void failed(const struct sx_task_failure *failure, enum sx_on_error policy, void *arg)
{
    struct sx_worker *worker = arg;
    struct sx_record record;
    struct sx_task_failure found = sx_original_place(worker->engine, failure, &record);
    char offset[24], partition[16];

    sx_count(&worker->stats.nodes[failure->entry->index].errors, 1);
    sx_stats_drop(&worker->stats, failure->entry, failure->reason, 1);
    snprintf(offset, sizeof(offset), "%lld", (long long)found.record->offset);
    snprintf(partition, sizeof(partition), "%d", found.partition);
    sx_log(worker->engine->options.logger, SX_WARN,
           policy == SX_ON_ERROR_TOPIC ? "sent a record to the error topic" : "skipped a record", "topic",
           found.topic, "partition", partition, "offset", offset, "stage", failure->stage, "reason",
           failure->reason, "message", failure->message, NULL);
    if (policy == SX_ON_ERROR_TOPIC)
        send_letter(worker, failure);
}

void sx_worker_events(struct sx_worker *worker)
{
    worker->events = (struct sx_task_events){.sent = sent,
                                             .failed = failed,
                                             .dropped = dropped,
                                             .record_bytes_max = worker->engine->record_bytes_max,
                                             .arg = worker};
}
