/* kafka.c: Kafka as a log: open, close, and the table of its functions. */
#include "engine/log/kafka.h"

#include <stdlib.h>

#define MEMORY_BYTES ((size_t)64 << 20)
#define QUEUE_BYTES_MIN ((size_t)2 << 20) /* one fetch being read, one under way */
#define QUEUE_BYTES_MAX ((size_t)64 << 20)
#define QUEUE_MESSAGE_BYTES 512 /* what librdkafka needs for a small record */
#define QUEUES_PER_WORKER 4

static void set_limits(struct sx_kafka *kafka)
{
    size_t bytes = kafka->memory_bytes / 2 / (kafka->writer_count * QUEUES_PER_WORKER);

    kafka->queue_bytes = SX_MIN(SX_MAX(bytes, QUEUE_BYTES_MIN), QUEUE_BYTES_MAX);
    kafka->queue_messages = (uint32_t)(kafka->queue_bytes / QUEUE_MESSAGE_BYTES);
    kafka->transaction_ms = SX_KAFKA_TRANSACTION_MS;
    kafka->log.stall_ms = SX_STALL_MS;
    for (uint32_t i = 0; i < kafka->setting_count; i++) {
        const char *name = kafka->settings[i].name, *value = kafka->settings[i].value;
        if (strcmp(name, "transaction.timeout.ms") == 0)
            kafka->transaction_ms = (int)strtol(value, NULL, 10);
        else if (strcmp(name, "max.poll.interval.ms") == 0)
            kafka->log.stall_ms = strtol(value, NULL, 10);
        else if (strcmp(name, "queued.min.messages") == 0)
            kafka->queue_messages = (uint32_t)strtoul(value, NULL, 10);
        else if (strcmp(name, "queued.max.messages.kbytes") == 0)
            kafka->queue_bytes = (size_t)strtoul(value, NULL, 10) * 1024;
    }
}

static char *copy(const char *text) { return text == NULL ? NULL : sx_strdup(text); }

static void close_log(struct sx_log *log)
{
    struct sx_kafka *kafka = (struct sx_kafka *)log;

    if (log == NULL)
        return;
    sx_kafka_leave(log, NULL);
    for (uint32_t i = 0; i < SX_KAFKA_READ_CLIENTS; i++)
        if (kafka->read[i] != NULL) {
            rd_kafka_consumer_close(kafka->read[i]);
            rd_kafka_destroy(kafka->read[i]);
        }
    if (kafka->admin != NULL)
        rd_kafka_destroy(kafka->admin);
    sx_kafka_forget_seen(kafka);
    pthread_mutex_destroy(&kafka->lock);
    pthread_rwlock_destroy(&kafka->group_lock);
    for (uint32_t i = 0; i < kafka->setting_count; i++) {
        free((char *)kafka->settings[i].name);
        free((char *)kafka->settings[i].value);
    }
    free(kafka->settings);
    for (uint32_t i = 0; i < kafka->own_topic_count; i++)
        free(kafka->own_topics[i]);
    free(kafka->own_topics);
    free(kafka->bootstrap);
    free(kafka->application);
    free(kafka->id);
    free(kafka->instance);
    free(kafka->client_id);
    free(kafka->slots_topic);
    free(kafka);
}

static streamd_status open_log(const struct sx_log_options *options, struct sx_log **log,
                               streamd_error **error)
{
    struct sx_kafka *kafka;
    streamd_status status;

    if (options->bootstrap == NULL || options->application == NULL)
        return sx_fail(error, STREAMD_E_ARGUMENT, "Kafka needs a bootstrap address and an application");
    kafka = sx_calloc(1, sizeof(*kafka));
    kafka->log.def = &sx_log_kafka;
    kafka->bootstrap = copy(options->bootstrap);
    kafka->application = copy(options->application);
    kafka->id = copy(options->id != NULL ? options->id : "0");
    kafka->instance = copy(options->instance);
    kafka->client_id = copy(options->client_id != NULL ? options->client_id : "streamd");
    kafka->guarantee = options->guarantee;
    kafka->own_topics = sx_calloc(options->own_topic_count + 1, sizeof(*kafka->own_topics));
    for (; kafka->own_topic_count < options->own_topic_count; kafka->own_topic_count++)
        kafka->own_topics[kafka->own_topic_count] = sx_strdup(options->own_topics[kafka->own_topic_count]);
    kafka->transactional = kafka->guarantee == SX_EXACTLY_ONCE || kafka->own_topic_count > 0;
    kafka->writer_count = SX_MAX(options->writer_count, 1u);
    kafka->memory_bytes = options->memory_bytes != 0 ? options->memory_bytes : MEMORY_BYTES;
    kafka->logger = options->logger;
    kafka->settings = sx_calloc(options->setting_count + 1, sizeof(*kafka->settings));
    for (; kafka->setting_count < options->setting_count; kafka->setting_count++) {
        const struct sx_log_setting *from = &options->settings[kafka->setting_count];
        kafka->settings[kafka->setting_count] =
            (struct sx_log_setting){sx_strdup(from->name), sx_strdup(from->value)};
    }
    pthread_mutex_init(&kafka->lock, NULL);
    pthread_rwlock_init(&kafka->group_lock, NULL);
    set_limits(kafka);
    if (kafka->transactional)
        kafka->log.transaction_ms = kafka->transaction_ms;
    status = sx_kafka_check_settings(kafka, error);
    if (status == STREAMD_OK)
        status = sx_kafka_client(kafka, SX_KAFKA_ADMIN, 0, NULL, NULL, &kafka->admin, error);
    if (status != STREAMD_OK) {
        close_log(&kafka->log);
        return status;
    }
    *log = &kafka->log;
    return STREAMD_OK;
}

const struct sx_log_def sx_log_kafka = {
    .name = "kafka",
    .open = open_log,
    .close = close_log,
    .partitions = sx_kafka_partitions,
    .create = sx_kafka_create,
    .widen = sx_kafka_widen,
    .describe = sx_kafka_describe,
    .remove = sx_kafka_remove,
    .topics = sx_kafka_topics,
    .watermarks = sx_kafka_watermarks,
    .purge = sx_kafka_purge,
    .committed = sx_kafka_committed,
    .forget = sx_kafka_forget,
    .join = sx_kafka_join,
    .members = sx_kafka_members,
    .poll = sx_kafka_poll,
    .leave = sx_kafka_leave,
    .reader_open = sx_kafka_reader_open,
    .reader_close = sx_kafka_reader_close,
    .fetch = sx_kafka_fetch,
    .release = sx_kafka_release,
    .seek = sx_kafka_seek,
    .reader_end = sx_kafka_reader_end,
    .writer_open = sx_kafka_writer_open,
    .writer_close = sx_kafka_writer_close,
    .topic_open = sx_kafka_topic_open,
    .write = sx_kafka_write,
    .drain = sx_kafka_drain,
    .commit = sx_kafka_commit,
    .abort = sx_kafka_abort,
    .writer_offset = sx_kafka_writer_offset,
};
