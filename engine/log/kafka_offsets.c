/* kafka_offsets.c: where partitions begin and end, and how far the group is. */
#include "engine/log/kafka.h"

#include <stdlib.h>

#define ASK_MS 5000  /* one request */
#define RETRY_MS 100 /* between two */

streamd_status sx_kafka_watermarks(struct sx_log *log, const char *topic, int32_t partition, bool all,
                                   int64_t *low, int64_t *high, streamd_error **error)
{
    struct sx_kafka *kafka = (struct sx_kafka *)log;
    rd_kafka_t *client = kafka->admin;
    int64_t first = 0, next = 0, until = sx_kafka_now_ms() + ASK_MS;
    rd_kafka_resp_err_t err;

    /* The request carries its client's isolation: what is stable, or all. */
    if (!all) {
        streamd_status status = sx_kafka_read_client(kafka, 0, &client, error);
        if (status != STREAMD_OK)
            return status;
    }
    err = rd_kafka_query_watermark_offsets(client, topic, partition, &first, &next, ASK_MS);
    /* A broker that does not know a new topic yet made the client forget it. */
    if (sx_kafka_kind(err) == SX_KAFKA_MISSING && sx_kafka_learn(kafka, client, topic, NULL) == STREAMD_OK)
        err = rd_kafka_query_watermark_offsets(client, topic, partition, &first, &next, ASK_MS);
    /* A leader that moves was asked where it is no more. */
    while (sx_kafka_kind(err) == SX_KAFKA_TRANSIENT && sx_kafka_now_ms() < until) {
        sx_kafka_sleep_ms(RETRY_MS);
        err = rd_kafka_query_watermark_offsets(client, topic, partition, &first, &next, ASK_MS);
    }
    if (err != RD_KAFKA_RESP_ERR_NO_ERROR)
        return sx_kafka_fail(error, err, NULL, "Describe", "the ends of %s [%d]", topic, partition);
    *low = first;
    *high = next;
    return STREAMD_OK;
}

rd_kafka_topic_partition_list_t *sx_kafka_offset_list(const struct sx_partition_offset *offsets,
                                                      uint32_t count, const char *tag)
{
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new((int)count);

    for (uint32_t i = 0; i < count; i++) {
        rd_kafka_topic_partition_t *one =
            rd_kafka_topic_partition_list_add(list, offsets[i].topic, offsets[i].partition);
        one->offset = offsets[i].offset;
        if (tag != NULL) {
            one->metadata = offsets[i].note != NULL
                                ? sx_format("%s %.*s", tag, (int)offsets[i].note->size, offsets[i].note->data)
                                : sx_strdup(tag);
            one->metadata_size = strlen(one->metadata);
        }
    }
    return list;
}

/* The first error of a partition, or of the request as a whole. */
static rd_kafka_resp_err_t list_error(const rd_kafka_topic_partition_list_t *list, rd_kafka_resp_err_t err)
{
    for (int i = 0; err == RD_KAFKA_RESP_ERR_NO_ERROR && i < list->cnt; i++)
        err = list->elems[i].err;
    return err;
}

streamd_status sx_kafka_committed_list(struct sx_kafka *kafka, rd_kafka_topic_partition_list_t *list,
                                       bool stable, streamd_error **error)
{
    int64_t until = sx_kafka_now_ms() + SX_KAFKA_WAIT_MS;
    rd_kafka_t *client = kafka->admin;
    /* A client that reads committed asks for stable offsets: the broker refuses while a transaction that
     * commits some is open. */
    streamd_status status = stable ? sx_kafka_read_client(kafka, 0, &client, error) : STREAMD_OK;

    while (status == STREAMD_OK) {
        rd_kafka_resp_err_t err = list_error(list, rd_kafka_committed(client, list, ASK_MS));
        enum sx_kafka_kind kind = sx_kafka_kind(err);
        if (err == RD_KAFKA_RESP_ERR_NO_ERROR)
            return STREAMD_OK;
        if ((kind != SX_KAFKA_TRANSIENT && kind != SX_KAFKA_TIMEOUT) || sx_kafka_now_ms() >= until)
            status =
                sx_kafka_fail(error, err, NULL, "Describe", "the offsets of group %s", kafka->application);
        else
            sx_kafka_sleep_ms(RETRY_MS);
    }
    return status;
}

/* What is behind the tag, which is of three words. */
static void take_note(const rd_kafka_topic_partition_t *from, struct sx_buffer *note)
{
    const char *at = from->metadata, *end = at + from->metadata_size;

    for (int words = 0; words < 3 && at != NULL; words++) {
        at = memchr(at, ' ', (size_t)(end - at));
        at = at != NULL ? at + 1 : NULL;
    }
    if (at != NULL)
        sx_buffer_add(note, at, (size_t)(end - at));
}

streamd_status sx_kafka_committed(struct sx_log *log, struct sx_partition_offset *offsets, uint32_t count,
                                  bool stable, streamd_error **error)
{
    struct sx_kafka *kafka = (struct sx_kafka *)log;
    rd_kafka_topic_partition_list_t *list;
    streamd_status status;

    if (count == 0)
        return STREAMD_OK;
    list = sx_kafka_offset_list(offsets, count, NULL);
    status = sx_kafka_committed_list(kafka, list, stable, error);
    if (status == STREAMD_OK)
        for (uint32_t i = 0; i < count; i++) {
            offsets[i].offset = list->elems[i].offset < 0 ? SX_OFFSET_NONE : list->elems[i].offset;
            if (offsets[i].note != NULL && list->elems[i].metadata != NULL)
                take_note(&list->elems[i], offsets[i].note);
        }
    rd_kafka_topic_partition_list_destroy(list);
    return status;
}

streamd_status sx_kafka_forget(struct sx_log *log, streamd_error **error)
{
    struct sx_kafka *kafka = (struct sx_kafka *)log;
    rd_kafka_queue_t *queue = rd_kafka_queue_new(kafka->admin);
    rd_kafka_DeleteGroup_t *group = rd_kafka_DeleteGroup_new(kafka->application);
    const rd_kafka_group_result_t **results;
    rd_kafka_resp_err_t err = RD_KAFKA_RESP_ERR__TIMED_OUT;
    streamd_status status = STREAMD_OK;
    char *reason = NULL;
    rd_kafka_event_t *event;
    size_t count = 0;

    rd_kafka_DeleteGroups(kafka->admin, &group, 1, NULL, queue);
    event = rd_kafka_queue_poll(queue, SX_KAFKA_WAIT_MS);
    if (event != NULL) {
        err = rd_kafka_event_error(event);
        if (err != RD_KAFKA_RESP_ERR_NO_ERROR)
            reason = sx_strdup(rd_kafka_event_error_string(event));
        results = rd_kafka_DeleteGroups_result_groups(rd_kafka_event_DeleteGroups_result(event), &count);
        if (err == RD_KAFKA_RESP_ERR_NO_ERROR && count > 0 &&
            rd_kafka_group_result_error(results[0]) != NULL) {
            err = rd_kafka_error_code(rd_kafka_group_result_error(results[0]));
            reason = sx_strdup(rd_kafka_error_string(rd_kafka_group_result_error(results[0])));
        }
        rd_kafka_event_destroy(event);
    }
    if (err == RD_KAFKA_RESP_ERR_NON_EMPTY_GROUP)
        status = sx_fail(error, STREAMD_E_STATE, "group %s has members: stop them first", kafka->application);
    else if (err != RD_KAFKA_RESP_ERR_NO_ERROR && err != RD_KAFKA_RESP_ERR_GROUP_ID_NOT_FOUND)
        status = sx_kafka_fail(error, err, reason, "Delete", "forgetting group %s", kafka->application);
    free(reason);
    rd_kafka_DeleteGroup_destroy(group);
    rd_kafka_queue_destroy(queue);
    return status;
}
