/* kafka_group.c: membership. Owning partition i of the slots topic is owning slot i. */
#include "engine/log/kafka.h"

#include <stdlib.h>

#define SERIAL_MAGIC 7 /* bytes before the generation in serialized membership */

/* Our slots among these partitions. The caller frees them. */
static int32_t *slots_of(const struct sx_kafka *kafka, const rd_kafka_topic_partition_list_t *list,
                         uint32_t *count)
{
    int32_t *slots = sx_malloc(((size_t)list->cnt + 1) * sizeof(*slots));

    *count = 0;
    for (int i = 0; i < list->cnt; i++)
        if (strcmp(list->elems[i].topic, kafka->slots_topic) == 0)
            slots[(*count)++] = list->elems[i].partition;
    return slots;
}

/* Nothing is ever written to the slots topic, so nothing is to be fetched from it. */
static void pause_fetching(rd_kafka_t *group, rd_kafka_topic_partition_list_t *partitions)
{
    rd_kafka_pause_partitions(group, partitions);
}

static void log_problem(struct sx_kafka *kafka, const char *what, rd_kafka_error_t *problem)
{
    if (problem == NULL)
        return;
    sx_log(kafka->logger, SX_WARN, what, "reason", rd_kafka_error_string(problem), NULL);
    rd_kafka_error_destroy(problem);
}

/* On the coordinator's thread, inside of poll or leave. librdkafka goes on with the rebalance when
 * the assignment is changed, so `taken` comes before that: the next owner waits for our commit. */
static void on_rebalance(rd_kafka_t *group, rd_kafka_resp_err_t err,
                         rd_kafka_topic_partition_list_t *partitions, void *opaque)
{
    struct sx_kafka *kafka = opaque;
    uint32_t count;
    int32_t *slots = slots_of(kafka, partitions, &count);

    if (err == RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS) {
        /* An offset that is given is not looked up. */
        for (int i = 0; i < partitions->cnt; i++)
            partitions->elems[i].offset = 0;
        log_problem(kafka, "slots could not be taken over", rd_kafka_incremental_assign(group, partitions));
        if (count > 0) {
            pause_fetching(group, partitions);
            kafka->events.given(slots, count, kafka->events.arg);
        }
    } else {
        if (err != RD_KAFKA_RESP_ERR__REVOKE_PARTITIONS)
            sx_log(kafka->logger, SX_WARN, "rebalance failed", "reason", rd_kafka_err2str(err), NULL);
        if (count > 0)
            kafka->events.taken(slots, count, rd_kafka_assignment_lost(group) != 0, kafka->events.arg);
        log_problem(kafka, "slots could not be given up", rd_kafka_incremental_unassign(group, partitions));
    }
    free(slots);
}

static void add_rebalance(rd_kafka_conf_t *conf, void *opaque)
{
    rd_kafka_conf_set_rebalance_cb(conf, on_rebalance);
}

streamd_status sx_kafka_join(struct sx_log *log, const char *slots_topic, int32_t slot_count,
                             const struct sx_group_events *events, streamd_error **error)
{
    struct sx_kafka *kafka = (struct sx_kafka *)log;
    rd_kafka_topic_partition_list_t *topics;
    rd_kafka_t *group = NULL;
    rd_kafka_resp_err_t err;
    streamd_status status;
    int32_t found;

    if (kafka->group != NULL)
        return sx_fail(error, STREAMD_E_STATE, "group %s was joined already", kafka->application);
    status = sx_kafka_partitions(log, slots_topic, &found, error);
    if (status != STREAMD_OK)
        return status;
    if (found != slot_count)
        return sx_fail_fatal(error, STREAMD_E_LOG, "topic %s has %d partitions, not %d", slots_topic, found,
                             slot_count);
    status = sx_kafka_client(kafka, SX_KAFKA_GROUP, 0, add_rebalance, NULL, &group, error);
    if (status != STREAMD_OK)
        return status;
    pthread_rwlock_wrlock(&kafka->group_lock);
    free(kafka->slots_topic);
    kafka->slots_topic = sx_strdup(slots_topic);
    pthread_rwlock_unlock(&kafka->group_lock);
    kafka->events = *events;
    topics = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_list_add(topics, slots_topic, RD_KAFKA_PARTITION_UA);
    err = rd_kafka_subscribe(group, topics);
    rd_kafka_topic_partition_list_destroy(topics);
    if (err != RD_KAFKA_RESP_ERR_NO_ERROR) {
        rd_kafka_destroy(group);
        return sx_kafka_fail(error, err, NULL, "Read", "group %s", kafka->application);
    }
    pthread_rwlock_wrlock(&kafka->group_lock);
    kafka->group = group;
    pthread_rwlock_unlock(&kafka->group_lock);
    return STREAMD_OK;
}

/* The reading clients' own queues hold what concerns no partition: errors for the log. */
static void serve_readers(struct sx_kafka *kafka)
{
    for (uint32_t i = 0; i < SX_KAFKA_READ_CLIENTS; i++) {
        rd_kafka_message_t *message;
        rd_kafka_t *client;

        pthread_mutex_lock(&kafka->lock);
        client = kafka->read[i];
        pthread_mutex_unlock(&kafka->lock);
        if (client == NULL)
            return;
        while ((message = rd_kafka_consumer_poll(client, 0)) != NULL) {
            sx_log(kafka->logger, SX_WARN, "Kafka reader", "reason", rd_kafka_message_errstr(message), NULL);
            rd_kafka_message_destroy(message);
        }
    }
}

streamd_status sx_kafka_poll(struct sx_log *log, int timeout_ms, streamd_error **error)
{
    struct sx_kafka *kafka = (struct sx_kafka *)log;
    streamd_status status = STREAMD_OK;
    rd_kafka_message_t *message;
    rd_kafka_resp_err_t err;
    char reason[512];

    serve_readers(kafka);
    if (kafka->group == NULL)
        return sx_fail(error, STREAMD_E_STATE, "group %s was not joined", kafka->application);
    message = rd_kafka_consumer_poll(kafka->group, timeout_ms);
    err = rd_kafka_fatal_error(kafka->group, reason, sizeof(reason));
    if (err == RD_KAFKA_RESP_ERR_FENCED_INSTANCE_ID)
        status = sx_fail_fatal(error, STREAMD_E_FENCED, "instance %s runs elsewhere: %s",
                               kafka->instance != NULL ? kafka->instance : "", reason);
    else if (err != RD_KAFKA_RESP_ERR_NO_ERROR)
        status = sx_fail_fatal(error, STREAMD_E_LOG, "group %s: %s", kafka->application, reason);
    else if (message != NULL && message->err != RD_KAFKA_RESP_ERR_NO_ERROR) {
        enum sx_kafka_kind kind = sx_kafka_kind(message->err);
        if (kind == SX_KAFKA_FATAL || kind == SX_KAFKA_MISSING)
            status = sx_kafka_fail(error, message->err, rd_kafka_message_errstr(message), "Read", "group %s",
                                   kafka->application);
        else
            sx_log(kafka->logger, SX_WARN, "consumer group", "reason", rd_kafka_message_errstr(message),
                   NULL);
    }
    if (message != NULL)
        rd_kafka_message_destroy(message);
    return status != STREAMD_OK ? status : sx_kafka_background(kafka, error);
}

streamd_status sx_kafka_leave(struct sx_log *log, streamd_error **error)
{
    struct sx_kafka *kafka = (struct sx_kafka *)log;
    rd_kafka_t *group = kafka->group;
    rd_kafka_resp_err_t err;

    if (group == NULL)
        return STREAMD_OK;
    /* Calls `taken`, in which workers commit, for which they need the membership: not locked. */
    err = rd_kafka_consumer_close(group);
    pthread_rwlock_wrlock(&kafka->group_lock);
    kafka->group = NULL;
    pthread_rwlock_unlock(&kafka->group_lock);
    rd_kafka_destroy(group);
    if (err != RD_KAFKA_RESP_ERR_NO_ERROR)
        return sx_kafka_fail(error, err, NULL, "Read", "leaving group %s", kafka->application);
    return STREAMD_OK;
}

rd_kafka_consumer_group_metadata_t *sx_kafka_membership(struct sx_kafka *kafka)
{
    rd_kafka_consumer_group_metadata_t *membership = NULL;

    pthread_rwlock_rdlock(&kafka->group_lock);
    if (kafka->group != NULL)
        membership = rd_kafka_consumer_group_metadata(kafka->group);
    pthread_rwlock_unlock(&kafka->group_lock);
    if (membership == NULL)
        membership = rd_kafka_consumer_group_metadata_new(kafka->application);
    return membership;
}

bool sx_kafka_has_moved_on(struct sx_kafka *kafka, const rd_kafka_consumer_group_metadata_t *was)
{
    const size_t head = SERIAL_MAGIC + sizeof(int32_t);
    rd_kafka_consumer_group_metadata_t *is = sx_kafka_membership(kafka);
    void *old = NULL, *new = NULL;
    size_t old_size = 0, new_size = 0;
    bool moved = false;

    /* The two can only be compared as bytes: magic, generation, then group, member, instance. */
    if (rd_kafka_consumer_group_metadata_write(was, &old, &old_size) == NULL &&
        rd_kafka_consumer_group_metadata_write(is, &new, &new_size) == NULL)
        moved = old_size == new_size && old_size > head &&
                memcmp((char *)old + SERIAL_MAGIC, (char *)new + SERIAL_MAGIC, sizeof(int32_t)) != 0 &&
                memcmp((char *)old + head, (char *)new + head, old_size - head) == 0;
    rd_kafka_mem_free(NULL, old);
    rd_kafka_mem_free(NULL, new);
    rd_kafka_consumer_group_metadata_destroy(is);
    return moved;
}
