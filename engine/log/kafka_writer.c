/* kafka_writer.c: a worker's producers: records out, delivery reports in. kafka_commit.c ends what
 * this begins. */
#include "engine/log/kafka.h"

#include <stdlib.h>
#include <sys/random.h>

#define INIT_MS 60000 /* for the coordinator to end what an older writer left open */

/* On the worker's thread, inside of a poll or a flush. */
static void on_delivery(rd_kafka_t *producer, const rd_kafka_message_t *message, void *opaque)
{
    struct sx_topic *topic = message->_private;
    struct sx_kafka_writer *writer = topic->writer;
    int32_t partition = message->partition;

    if (SX_UNLIKELY(message->err != RD_KAFKA_RESP_ERR_NO_ERROR)) {
        /* What an abort purges did not fail. */
        if (writer->failed != RD_KAFKA_RESP_ERR_NO_ERROR || message->err == RD_KAFKA_RESP_ERR__PURGE_QUEUE ||
            message->err == RD_KAFKA_RESP_ERR__PURGE_INFLIGHT)
            return;
        writer->failed = message->err;
        snprintf(writer->failed_where, sizeof(writer->failed_where), "%.100s [%d]", topic->name, partition);
        return;
    }
    if (SX_UNLIKELY(partition >= topic->room)) {
        int32_t room = SX_MAX(partition + 1, topic->room * 2);
        topic->next = sx_realloc(topic->next, (size_t)room * sizeof(*topic->next));
        for (int32_t i = topic->room; i < room; i++)
            topic->next[i] = SX_OFFSET_NONE;
        topic->room = room;
    }
    if (message->offset >= topic->next[partition])
        topic->next[partition] = message->offset + 1;
}

static void add_delivery(rd_kafka_conf_t *conf, void *opaque)
{
    rd_kafka_conf_set_dr_msg_cb(conf, on_delivery);
}

void sx_kafka_writer_drop(struct sx_kafka_writer *writer)
{
    writer->in_transaction = false;
    if (writer->producer == NULL && writer->results == NULL)
        return;
    /* Delivery reports that were not served die with the producer. */
    for (struct sx_topic *topic = writer->topics; topic != NULL; topic = topic->other)
        if (topic->handle != NULL) {
            rd_kafka_topic_destroy(topic->handle);
            topic->handle = NULL;
        }
    if (writer->results != NULL)
        rd_kafka_destroy(writer->results);
    if (writer->producer != NULL)
        rd_kafka_destroy(writer->producer);
    writer->producer = writer->results = NULL;
    writer->failed = RD_KAFKA_RESP_ERR_NO_ERROR;
}

static rd_kafka_t *producer_of(const struct sx_kafka_writer *writer, const struct sx_topic *topic)
{
    return topic->is_result ? writer->results : writer->producer;
}

static streamd_status init_transactions(struct sx_kafka_writer *writer, streamd_error **error)
{
    int64_t until = sx_kafka_now_ms() + INIT_MS;
    rd_kafka_error_t *problem;

    while ((problem = rd_kafka_init_transactions(writer->producer, INIT_MS / 4)) != NULL) {
        if (!rd_kafka_error_is_retriable(problem) || sx_kafka_now_ms() >= until)
            return sx_kafka_fail_with(error, problem, "Write", "transactional id %s-%s-%u",
                                      writer->kafka->application, writer->kafka->id, writer->number);
        rd_kafka_error_destroy(problem);
    }
    return STREAMD_OK;
}

streamd_status sx_kafka_writer_revive(struct sx_kafka_writer *writer, streamd_error **error)
{
    struct sx_kafka *kafka = writer->kafka;
    streamd_status status;

    if (writer->producer != NULL)
        return STREAMD_OK;
    status =
        sx_kafka_client(kafka, SX_KAFKA_WRITE, writer->number, add_delivery, NULL, &writer->producer, error);
    if (status == STREAMD_OK && kafka->transactional)
        status = init_transactions(writer, error);
    if (status == STREAMD_OK && kafka->transactional && kafka->guarantee == SX_AT_LEAST_ONCE)
        status = sx_kafka_client(kafka, SX_KAFKA_RESULTS, writer->number, add_delivery, NULL,
                                 &writer->results, error);
    for (struct sx_topic *topic = writer->topics; status == STREAMD_OK && topic != NULL;
         topic = topic->other) {
        topic->handle = rd_kafka_topic_new(producer_of(writer, topic), topic->name, NULL);
        if (topic->handle == NULL)
            status = sx_kafka_fail(error, rd_kafka_last_error(), NULL, "Describe", "topic %s", topic->name);
        else
            status = sx_kafka_learn(kafka, producer_of(writer, topic), topic->name, error);
    }
    if (status != STREAMD_OK)
        sx_kafka_writer_drop(writer);
    return status;
}

streamd_status sx_kafka_writer_open(struct sx_log *log, uint32_t number, const struct sx_waker *waker,
                                    struct sx_writer **out, streamd_error **error)
{
    struct sx_kafka_writer *writer = sx_calloc(1, sizeof(*writer));
    streamd_status status;

    writer->writer.log = log;
    writer->kafka = (struct sx_kafka *)log;
    writer->number = number;
    /* A commit is recognised by this: the clock would do for writers that follow each other. */
    if (getrandom(&writer->incarnation, sizeof(writer->incarnation), GRND_NONBLOCK) !=
        sizeof(writer->incarnation))
        writer->incarnation = (uint64_t)sx_kafka_now_ms();
    status = sx_kafka_writer_revive(writer, error);
    if (status != STREAMD_OK) {
        free(writer);
        return status;
    }
    *out = &writer->writer;
    return STREAMD_OK;
}

void sx_kafka_writer_close(struct sx_writer *base)
{
    struct sx_kafka_writer *writer = (struct sx_kafka_writer *)base;

    if (base == NULL)
        return;
    /* An open transaction would hold up its readers until the broker gives it up. */
    if (writer->in_transaction && writer->producer != NULL) {
        rd_kafka_error_t *problem = rd_kafka_abort_transaction(writer->producer, 5000);
        if (problem != NULL)
            rd_kafka_error_destroy(problem);
    }
    sx_kafka_writer_drop(writer);
    while (writer->topics != NULL) {
        struct sx_topic *topic = writer->topics;
        writer->topics = topic->other;
        free(topic->next);
        free(topic->name);
        free(topic);
    }
    free(writer);
}

static bool is_own(const struct sx_kafka *kafka, const char *topic)
{
    for (uint32_t i = 0; i < kafka->own_topic_count; i++)
        if (strcmp(kafka->own_topics[i], topic) == 0)
            return true;
    return false;
}

streamd_status sx_kafka_topic_open(struct sx_writer *base, const char *name, struct sx_topic **out,
                                   streamd_error **error)
{
    struct sx_kafka_writer *writer = (struct sx_kafka_writer *)base;
    streamd_status status = sx_kafka_writer_revive(writer, error);
    struct sx_topic *topic;
    rd_kafka_topic_t *handle;
    rd_kafka_t *producer;
    bool is_result;

    for (topic = writer->topics; status == STREAMD_OK && topic != NULL; topic = topic->other)
        if (strcmp(topic->name, name) == 0) {
            *out = topic;
            return STREAMD_OK;
        }
    if (status != STREAMD_OK)
        return status;
    is_result = writer->results != NULL && !is_own(writer->kafka, name);
    producer = is_result ? writer->results : writer->producer;
    status = sx_kafka_learn(writer->kafka, producer, name, error);
    if (status != STREAMD_OK)
        return status;
    handle = rd_kafka_topic_new(producer, name, NULL);
    if (handle == NULL)
        return sx_kafka_fail(error, rd_kafka_last_error(), NULL, "Describe", "topic %s", name);
    topic = sx_calloc(1, sizeof(*topic));
    topic->writer = writer;
    topic->name = sx_strdup(name);
    topic->is_result = is_result;
    topic->handle = handle;
    topic->other = writer->topics;
    writer->topics = topic;
    *out = topic;
    return STREAMD_OK;
}

streamd_status sx_kafka_writer_failed(struct sx_kafka_writer *writer, streamd_error **error)
{
    if (SX_LIKELY(writer->failed == RD_KAFKA_RESP_ERR_NO_ERROR))
        return STREAMD_OK;
    return sx_kafka_fail(error, writer->failed, NULL, "Write", "writing to %s", writer->failed_where);
}

streamd_status sx_kafka_writer_begin(struct sx_kafka_writer *writer, streamd_error **error)
{
    streamd_status status = sx_kafka_writer_revive(writer, error);
    rd_kafka_error_t *problem;

    if (status != STREAMD_OK || writer->in_transaction || !writer->kafka->transactional)
        return status;
    problem = rd_kafka_begin_transaction(writer->producer);
    if (problem != NULL)
        return sx_kafka_fail_with(error, problem, "Write", "writer %u", writer->number);
    writer->in_transaction = true;
    return STREAMD_OK;
}

static rd_kafka_headers_t *copy_headers(const struct sx_record *record)
{
    rd_kafka_headers_t *headers = rd_kafka_headers_new(record->header_count);

    for (uint32_t i = 0; i < record->header_count; i++) {
        const struct sx_header *header = &record->headers[i];
        rd_kafka_header_add(headers, header->name.data, header->name.size, header->value.data,
                            header->value.data == NULL ? -1 : (ssize_t)header->value.size);
    }
    return headers;
}

static rd_kafka_resp_err_t produce(struct sx_kafka_writer *writer, struct sx_topic *topic, int32_t partition,
                                   const struct sx_record *record, rd_kafka_headers_t *headers)
{
    const rd_kafka_vu_t what[] = {
        {.vtype = RD_KAFKA_VTYPE_RKT, .u.rkt = topic->handle},
        {.vtype = RD_KAFKA_VTYPE_PARTITION, .u.i32 = partition},
        {.vtype = RD_KAFKA_VTYPE_MSGFLAGS, .u.i = RD_KAFKA_MSG_F_COPY},
        {.vtype = RD_KAFKA_VTYPE_KEY, .u.mem = {(void *)record->key.data, record->key.size}},
        {.vtype = RD_KAFKA_VTYPE_VALUE, .u.mem = {(void *)record->value.data, record->value.size}},
        /* librdkafka takes 0 for "now", and nothing else says 1970-01-01T00:00:00Z. */
        {.vtype = RD_KAFKA_VTYPE_TIMESTAMP, .u.i64 = record->timestamp == 0 ? 1 : record->timestamp},
        {.vtype = RD_KAFKA_VTYPE_OPAQUE, .u.ptr = topic},
        {.vtype = RD_KAFKA_VTYPE_HEADERS, .u.headers = headers},
    };
    rd_kafka_error_t *problem =
        rd_kafka_produceva(producer_of(writer, topic), what, SX_COUNT(what) - (headers == NULL));
    rd_kafka_resp_err_t err;

    if (SX_LIKELY(problem == NULL))
        return RD_KAFKA_RESP_ERR_NO_ERROR;
    err = rd_kafka_error_code(problem);
    rd_kafka_error_destroy(problem);
    return err;
}

static streamd_status refuse(struct sx_kafka_writer *writer, const struct sx_topic *topic, int32_t partition,
                             const struct sx_record *record, rd_kafka_resp_err_t err, streamd_error **error)
{
    char reason[256], most[32] = "?";
    size_t size = sizeof(most);
    rd_kafka_t *producer = producer_of(writer, topic);
    rd_kafka_resp_err_t fatal = rd_kafka_fatal_error(producer, reason, sizeof(reason));

    if (fatal != RD_KAFKA_RESP_ERR_NO_ERROR)
        return sx_kafka_fail(error, fatal, reason, "Write", "writing to %s [%d]", topic->name, partition);
    if (err != RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE)
        return sx_kafka_fail(error, err, NULL, "Write", "writing to %s [%d]", topic->name, partition);
    rd_kafka_conf_get(rd_kafka_conf(producer), "message.max.bytes", most, &size);
    return sx_fail(error, STREAMD_E_ARGUMENT,
                   "a record for %s [%d] has %u bytes, more than kafka.message.max.bytes (%s)", topic->name,
                   partition, record->key.size + record->value.size, most);
}

streamd_status sx_kafka_write(struct sx_writer *base, struct sx_topic *topic, int32_t partition,
                              const struct sx_record *record, streamd_error **error)
{
    struct sx_kafka_writer *writer = (struct sx_kafka_writer *)base;
    rd_kafka_headers_t *headers = NULL;
    rd_kafka_resp_err_t err;

    if (SX_UNLIKELY(writer->producer == NULL ||
                    (!writer->in_transaction && writer->kafka->transactional && !topic->is_result))) {
        streamd_status status = sx_kafka_writer_begin(writer, error);
        if (status != STREAMD_OK)
            return status;
    }
    if (record->header_count > 0)
        headers = copy_headers(record);
    err = produce(writer, topic, partition, record, headers);
    if (SX_UNLIKELY(err == RD_KAFKA_RESP_ERR__QUEUE_FULL)) {
        /* What was delivered keeps its place until its report is served. */
        rd_kafka_poll(producer_of(writer, topic), 0);
        err = produce(writer, topic, partition, record, headers);
    }
    if (SX_LIKELY(err == RD_KAFKA_RESP_ERR_NO_ERROR))
        return STREAMD_OK;
    if (headers != NULL)
        rd_kafka_headers_destroy(headers);
    return refuse(writer, topic, partition, record, err, error);
}

streamd_status sx_kafka_drain(struct sx_writer *base, int timeout_ms, streamd_error **error)
{
    struct sx_kafka_writer *writer = (struct sx_kafka_writer *)base;

    if (writer->results != NULL)
        rd_kafka_poll(writer->results, timeout_ms);
    if (writer->producer != NULL)
        rd_kafka_poll(writer->producer, writer->results != NULL ? 0 : timeout_ms);
    return sx_kafka_writer_failed(writer, error);
}

int64_t sx_kafka_writer_offset(struct sx_writer *base, struct sx_topic *topic, int32_t partition)
{
    return partition >= 0 && partition < topic->room ? topic->next[partition] : SX_OFFSET_NONE;
}
