/* kafka_reader.c: one partition, read from its own queue.
 *
 * A client's partitions are usually forwarded to one queue. A worker chooses which input is next, so
 * each partition keeps its own queue, and forwarding is off before the partition is assigned: what
 * librdkafka forwards before that cannot be taken back.
 *
 * librdkafka 2.0.2 stops fetching a partition while its queue is full and looks again only when its
 * broker's thread wakes for another reason, or after a second. A worker that empties a full queue
 * faster than that would stand still (measured: a million records took 35 s instead of 1.2 s with
 * queues of 4 MiB), so a reader wakes the thread when half of a full queue is read: any request to
 * the partition's leader does it.
 */
#include "engine/log/kafka.h"

#include <stdlib.h>

#define KEPT_FETCHES 4      /* per reader, for the next fetch */
#define WAKE_REQUEST_MS 1   /* the answer is not needed */
#define RECORD_HEAD_MOST 32 /* bytes from the end of a value to the next key and value, without headers */

struct fetched {
    rd_kafka_message_t **messages;
    struct sx_record *records;
    struct sx_header *headers; /* of all records; NULL: none has any */
    uint32_t room, count;
};

struct sx_kafka_reader {
    struct sx_reader reader;
    struct sx_kafka *kafka;
    struct sx_kafka_reader *next_open;
    uint32_t client_number;
    rd_kafka_t *client;
    rd_kafka_queue_t *queue;
    const struct sx_waker *waker;
    int64_t next; /* offset */
    int64_t end;  /* as heard at the end of the partition; -1 */
    bool at_end;
    bool assigned;
    /* An error that came behind records, for the fetch after them. It stays until a seek. */
    rd_kafka_resp_err_t failed;
    char *reason;
    struct fetched *kept[KEPT_FETCHES];
    /* To tell a full queue by its length: the size of records, the latest weighing most. */
    uint64_t record_bytes;
    bool full;
};

streamd_status sx_kafka_read_client(struct sx_kafka *kafka, uint32_t number, rd_kafka_t **client,
                                    streamd_error **error)
{
    streamd_status status = STREAMD_OK;

    pthread_mutex_lock(&kafka->lock);
    if (kafka->read[number] == NULL)
        status = sx_kafka_client(kafka, SX_KAFKA_READ, 0, NULL, NULL, &kafka->read[number], error);
    *client = kafka->read[number];
    pthread_mutex_unlock(&kafka->lock);
    return status;
}

/* Take a place in the list of open readers, on the first client that does not read the partition.
 * *known: that client reads the topic already. */
static bool enter(struct sx_kafka_reader *reader, bool *known)
{
    struct sx_kafka *kafka = reader->kafka;
    bool used[SX_KAFKA_READ_CLIENTS] = {false};
    uint32_t free_one = 0;

    pthread_mutex_lock(&kafka->lock);
    for (struct sx_kafka_reader *other = kafka->open; other != NULL; other = other->next_open)
        if (other->reader.partition == reader->reader.partition &&
            strcmp(other->reader.topic, reader->reader.topic) == 0)
            used[other->client_number] = true;
    while (free_one < SX_KAFKA_READ_CLIENTS && used[free_one])
        free_one++;
    *known = false;
    for (struct sx_kafka_reader *other = kafka->open; other != NULL; other = other->next_open)
        *known = *known ||
                 (other->client_number == free_one && strcmp(other->reader.topic, reader->reader.topic) == 0);
    if (free_one < SX_KAFKA_READ_CLIENTS) {
        reader->client_number = free_one;
        reader->next_open = kafka->open;
        kafka->open = reader;
    }
    pthread_mutex_unlock(&kafka->lock);
    return free_one < SX_KAFKA_READ_CLIENTS;
}

static void leave(struct sx_kafka_reader *reader)
{
    struct sx_kafka *kafka = reader->kafka;

    pthread_mutex_lock(&kafka->lock);
    for (struct sx_kafka_reader **at = &kafka->open; *at != NULL; at = &(*at)->next_open)
        if (*at == reader) {
            *at = reader->next_open;
            break;
        }
    pthread_mutex_unlock(&kafka->lock);
}

static streamd_status assign(struct sx_kafka_reader *reader, bool add, int64_t offset, streamd_error **error)
{
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_t *one =
        rd_kafka_topic_partition_list_add(list, reader->reader.topic, reader->reader.partition);
    rd_kafka_error_t *problem;

    one->offset = offset;
    problem = add ? rd_kafka_incremental_assign(reader->client, list)
                  : rd_kafka_incremental_unassign(reader->client, list);
    rd_kafka_topic_partition_list_destroy(list);
    if (problem != NULL)
        return sx_kafka_fail_with(error, problem, "Read", "%s [%d]", reader->reader.topic,
                                  reader->reader.partition);
    reader->assigned = add;
    return STREAMD_OK;
}

/* Throw away what is in the queue: after an unassign all of it is of the past. */
static void empty_queue(struct sx_kafka_reader *reader)
{
    rd_kafka_message_t *messages[256];
    ssize_t count;

    while ((count = rd_kafka_consume_batch_queue(reader->queue, 0, messages, 256)) > 0)
        for (ssize_t i = 0; i < count; i++)
            rd_kafka_message_destroy(messages[i]);
}

/* Begin to fetch at `offset`. The queue is asked for each time: what librdkafka keeps of a partition
 * goes away with an unassign while the topic's metadata is not there yet, and another comes after. */
static streamd_status start(struct sx_kafka_reader *reader, int64_t offset, streamd_error **error)
{
    static const uint64_t one = 1;

    reader->next = offset;
    reader->at_end = false;
    reader->full = false;
    reader->failed = RD_KAFKA_RESP_ERR_NO_ERROR;
    free(reader->reason);
    reader->reason = NULL;
    reader->queue =
        rd_kafka_queue_get_partition(reader->client, reader->reader.topic, reader->reader.partition);
    rd_kafka_queue_forward(reader->queue, NULL);
    empty_queue(reader);
    if (reader->waker != NULL)
        rd_kafka_queue_io_event_enable(reader->queue, reader->waker->fd, &one, sizeof(one));
    return assign(reader, true, offset, error);
}

static streamd_status stop(struct sx_kafka_reader *reader, streamd_error **error)
{
    streamd_status status = STREAMD_OK;

    if (reader->assigned)
        status = assign(reader, false, RD_KAFKA_OFFSET_INVALID, error);
    if (reader->queue != NULL) {
        rd_kafka_queue_io_event_enable(reader->queue, -1, NULL, 0);
        empty_queue(reader);
        rd_kafka_queue_destroy(reader->queue);
        reader->queue = NULL;
    }
    return status;
}

streamd_status sx_kafka_reader_open(struct sx_log *log, enum sx_reader_use use, const char *topic,
                                    int32_t partition, int64_t offset, const struct sx_waker *waker,
                                    struct sx_reader **out, streamd_error **error)
{
    struct sx_kafka_reader *reader;
    streamd_status status;
    bool known;

    if (offset < 0 || partition < 0)
        return sx_fail(error, STREAMD_E_ARGUMENT, "%s [%d] cannot be read from offset %lld", topic, partition,
                       (long long)offset);
    reader = sx_calloc(1, sizeof(*reader));
    reader->reader = (struct sx_reader){log, sx_strdup(topic), partition};
    reader->kafka = (struct sx_kafka *)log;
    reader->waker = waker;
    reader->end = -1;
    if (!enter(reader, &known)) {
        free((char *)reader->reader.topic);
        free(reader);
        return sx_fail(error, STREAMD_E_STATE, "%s [%d] is being read %d times already", topic, partition,
                       SX_KAFKA_READ_CLIENTS);
    }
    status = sx_kafka_read_client(reader->kafka, reader->client_number, &reader->client, error);
    if (status == STREAMD_OK && !known)
        status = sx_kafka_learn(reader->kafka, reader->client, topic, error);
    if (status == STREAMD_OK)
        status = start(reader, offset, error);
    if (status != STREAMD_OK) {
        sx_kafka_reader_close(&reader->reader);
        return status;
    }
    *out = &reader->reader;
    return STREAMD_OK;
}

static void free_fetched(struct fetched *fetched)
{
    free(fetched->messages);
    free(fetched->records);
    free(fetched->headers);
    free(fetched);
}

void sx_kafka_reader_close(struct sx_reader *base)
{
    struct sx_kafka_reader *reader = (struct sx_kafka_reader *)base;

    if (base == NULL)
        return;
    stop(reader, NULL);
    leave(reader);
    for (size_t i = 0; i < KEPT_FETCHES; i++)
        if (reader->kept[i] != NULL)
            free_fetched(reader->kept[i]);
    free(reader->reason);
    free((char *)base->topic);
    free(reader);
}

streamd_status sx_kafka_seek(struct sx_reader *base, int64_t offset, streamd_error **error)
{
    struct sx_kafka_reader *reader = (struct sx_kafka_reader *)base;
    streamd_status status;

    if (offset < 0)
        return sx_fail(error, STREAMD_E_ARGUMENT, "%s [%d] cannot be read from offset %lld", base->topic,
                       base->partition, (long long)offset);
    /* Not rd_kafka_seek_partitions: it refuses a partition whose fetching has not begun, or has
     * ended because its offset was out of range. */
    status = stop(reader, error);
    if (status == STREAMD_OK)
        status = start(reader, offset, error);
    if (status != STREAMD_OK)
        return status;
    /* The queue may hold what is out of date; behind that new records raise no event. */
    if (reader->waker != NULL)
        sx_waker_wake(reader->waker);
    return STREAMD_OK;
}

int64_t sx_kafka_reader_end(struct sx_reader *base)
{
    struct sx_kafka_reader *reader = (struct sx_kafka_reader *)base;
    int64_t low, high;

    /* Known from fetches, nothing is asked of the broker. Of what is open it is the end too. */
    if (rd_kafka_get_watermark_offsets(reader->client, base->topic, base->partition, &low, &high) !=
            RD_KAFKA_RESP_ERR_NO_ERROR ||
        high < 0)
        return reader->end;
    if (reader->at_end)
        return reader->end;
    return SX_MAX(high, reader->end);
}

static struct fetched *new_fetched(struct sx_kafka_reader *reader, uint32_t room)
{
    struct fetched *fetched;

    for (size_t i = 0; i < KEPT_FETCHES; i++) {
        fetched = reader->kept[i];
        if (fetched == NULL || fetched->room < room)
            continue;
        reader->kept[i] = NULL;
        fetched->count = 0;
        return fetched;
    }
    fetched = sx_calloc(1, sizeof(*fetched));
    fetched->room = room;
    fetched->messages = sx_malloc(room * sizeof(*fetched->messages));
    fetched->records = sx_malloc(room * sizeof(*fetched->records));
    return fetched;
}

static void keep_fetched(struct sx_kafka_reader *reader, struct fetched *fetched)
{
    free(fetched->headers);
    fetched->headers = NULL;
    for (size_t i = 0; i < KEPT_FETCHES; i++)
        if (reader->kept[i] == NULL) {
            reader->kept[i] = fetched;
            return;
        }
    free_fetched(fetched);
}

/* Whether a message may have headers, without asking: librdkafka builds a buffer to answer that, which costs
 * more than all else that is done with a small record. A key and a value point into the batch as it came,
 * where (message format 2) the count of headers follows the value; of older formats, which have none, it is
 * any byte. It may be read where a message behind it lies in the same buffer. */
static bool may_have_headers(const struct fetched *fetched, uint32_t i)
{
    const rd_kafka_message_t *message = fetched->messages[i], *next;
    const char *end, *behind;

    if (i + 1 == fetched->count || message->payload == NULL)
        return true;
    next = fetched->messages[i + 1];
    end = (const char *)message->payload + message->len;
    behind = next->payload != NULL ? next->payload : next->key;
    return behind == NULL || behind <= end || behind - end > RECORD_HEAD_MOST + (ptrdiff_t)next->key_len ||
           *end != 0;
}

/* Fill in the headers of all records: few topics have any, so this is done when one was seen. */
static void take_headers(struct fetched *fetched)
{
    size_t total = 0;
    struct sx_header *at;

    for (uint32_t i = 0; i < fetched->count; i++) {
        rd_kafka_headers_t *headers;
        if (may_have_headers(fetched, i) &&
            rd_kafka_message_headers(fetched->messages[i], &headers) == RD_KAFKA_RESP_ERR_NO_ERROR)
            total += rd_kafka_header_cnt(headers);
    }
    if (total == 0)
        return;
    at = fetched->headers = sx_malloc(total * sizeof(*at));
    for (uint32_t i = 0; i < fetched->count; i++) {
        struct sx_record *record = &fetched->records[i];
        rd_kafka_headers_t *headers;
        const char *name;
        const void *value;
        size_t size;

        if (!may_have_headers(fetched, i) ||
            rd_kafka_message_headers(fetched->messages[i], &headers) != RD_KAFKA_RESP_ERR_NO_ERROR)
            continue;
        record->headers = at;
        while (rd_kafka_header_get_all(headers, record->header_count, &name, &value, &size) ==
               RD_KAFKA_RESP_ERR_NO_ERROR) {
            *at++ = (struct sx_header){sx_slice_of(name), sx_slice(value, size)};
            record->header_count++;
        }
    }
}

static void add_record(struct sx_kafka_reader *reader, struct fetched *fetched, rd_kafka_message_t *message)
{
    rd_kafka_timestamp_type_t type;
    int64_t timestamp = rd_kafka_message_timestamp(message, &type);

    fetched->messages[fetched->count] = message;
    fetched->records[fetched->count++] = (struct sx_record){
        .key = sx_slice(message->key, message->key_len),
        .value = sx_slice(message->payload, message->len),
        .timestamp = type == RD_KAFKA_TIMESTAMP_NOT_AVAILABLE ? -1 : timestamp,
        .offset = message->offset,
    };
    reader->next = message->offset + 1;
    reader->at_end = false;
}

/* What is not a record: the end of the partition, or an error. */
static void take_event(struct sx_kafka_reader *reader, rd_kafka_message_t *message)
{
    if (message->err == RD_KAFKA_RESP_ERR__PARTITION_EOF) {
        /* Its offset is behind the markers of transactions, which are no records. */
        reader->next = SX_MAX(reader->next, message->offset);
        reader->end = reader->next;
        reader->at_end = true;
    } else if (reader->failed == RD_KAFKA_RESP_ERR_NO_ERROR) {
        reader->failed = message->err;
        reader->reason = sx_strdup(rd_kafka_message_errstr(message));
    }
    rd_kafka_message_destroy(message);
}

/* `taken` messages were just taken from the queue. */
static void watch_queue(struct sx_kafka_reader *reader, const struct fetched *fetched, size_t taken,
                        uint32_t max)
{
    size_t waiting = rd_kafka_queue_length(reader->queue), before = waiting + taken, bytes = 0;
    size_t most = reader->kafka->queue_messages, most_bytes = reader->kafka->queue_bytes;
    int64_t low, high;

    /* The event was for the first of them, and that was taken. */
    if (taken == max && waiting > 0 && reader->waker != NULL)
        sx_waker_wake(reader->waker);
    for (uint32_t i = 0; i < fetched->count; i++)
        bytes += fetched->records[i].key.size + fetched->records[i].value.size;
    if (fetched->count > 0)
        reader->record_bytes = SX_MAX(bytes / fetched->count, reader->record_bytes * 7 / 8);
    bytes = (size_t)reader->record_bytes;
    if (before >= most - most / 4 || before * bytes >= most_bytes - most_bytes / 4)
        reader->full = true;
    if (!reader->full || waiting >= most / 2 || waiting * bytes >= most_bytes / 2)
        return;
    reader->full = false;
    rd_kafka_query_watermark_offsets(reader->client, reader->reader.topic, reader->reader.partition, &low,
                                     &high, WAKE_REQUEST_MS);
}

streamd_status sx_kafka_fetch(struct sx_reader *base, uint32_t max, struct sx_fetch *fetch,
                              streamd_error **error)
{
    struct sx_kafka_reader *reader = (struct sx_kafka_reader *)base;
    struct fetched *fetched = NULL;
    rd_kafka_resp_err_t failed;
    streamd_status status;
    ssize_t count = 0;

    *fetch = (struct sx_fetch){.next_offset = reader->next, .at_end = reader->at_end};
    if (reader->failed == RD_KAFKA_RESP_ERR_NO_ERROR && reader->queue != NULL && max > 0) {
        fetched = new_fetched(reader, max);
        count = rd_kafka_consume_batch_queue(reader->queue, 0, fetched->messages, max);
    }
    for (ssize_t i = 0; i < count; i++) {
        rd_kafka_message_t *message = fetched->messages[i];
        if (SX_LIKELY(message->err == RD_KAFKA_RESP_ERR_NO_ERROR))
            add_record(reader, fetched, message);
        else
            take_event(reader, message);
    }
    if (count > 0)
        watch_queue(reader, fetched, (size_t)count, max);
    fetch->next_offset = reader->next;
    fetch->at_end = reader->at_end;
    if (fetched != NULL && fetched->count > 0) {
        take_headers(fetched);
        fetch->records = fetched->records;
        fetch->count = fetched->count;
        fetch->held = fetched;
        return STREAMD_OK;
    }
    if (fetched != NULL)
        keep_fetched(reader, fetched);
    failed = reader->failed;
    if (SX_LIKELY(failed == RD_KAFKA_RESP_ERR_NO_ERROR))
        return STREAMD_OK;
    /* Fetching goes on by itself after an error that passes. */
    if (sx_kafka_kind(failed) != SX_KAFKA_MISSING && sx_kafka_kind(failed) != SX_KAFKA_FATAL)
        reader->failed = RD_KAFKA_RESP_ERR_NO_ERROR;
    status = sx_kafka_fail(error, failed, reader->reason, "Read", "%s [%d] at offset %lld", base->topic,
                           base->partition, (long long)reader->next);
    if (reader->failed == RD_KAFKA_RESP_ERR_NO_ERROR) {
        free(reader->reason);
        reader->reason = NULL;
    }
    return status;
}

void sx_kafka_release(struct sx_reader *base, struct sx_fetch *fetch)
{
    struct sx_kafka_reader *reader = (struct sx_kafka_reader *)base;
    struct fetched *fetched = fetch->held;

    if (fetched == NULL)
        return;
    for (uint32_t i = 0; i < fetched->count; i++)
        rd_kafka_message_destroy(fetched->messages[i]);
    keep_fetched(reader, fetched);
    *fetch = (struct sx_fetch){.next_offset = fetch->next_offset, .at_end = fetch->at_end};
}
