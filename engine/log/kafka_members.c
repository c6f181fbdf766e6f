/* kafka_members.c: who is in the group, and which slots each member has, as the broker tells. */
#include "engine/log/kafka.h"

#include <stdlib.h>

#define ASK_MS 5000

static void take_member(const struct sx_kafka *kafka, const char *self,
                        const rd_kafka_MemberDescription_t *from, struct sx_member *to)
{
    const rd_kafka_topic_partition_list_t *list =
        rd_kafka_MemberAssignment_partitions(rd_kafka_MemberDescription_assignment(from));

    to->id = sx_strdup(rd_kafka_MemberDescription_consumer_id(from));
    to->self = self != NULL && strcmp(self, to->id) == 0;
    to->slots = sx_malloc(((size_t)list->cnt + 1) * sizeof(*to->slots));
    for (int i = 0; i < list->cnt; i++)
        if (strcmp(list->elems[i].topic, kafka->slots_topic) == 0)
            to->slots[to->slot_count++] = list->elems[i].partition;
}

static streamd_status take_group(const struct sx_kafka *kafka, const char *self, rd_kafka_event_t *event,
                                 struct sx_member **members, uint32_t *count, streamd_error **error)
{
    const rd_kafka_ConsumerGroupDescription_t *group = NULL;
    const rd_kafka_ConsumerGroupDescription_t **groups = NULL;
    rd_kafka_resp_err_t err = RD_KAFKA_RESP_ERR__TIMED_OUT;
    const char *reason = NULL;
    size_t found = 0, size;

    if (event != NULL) {
        err = rd_kafka_event_error(event);
        reason = rd_kafka_event_error_string(event);
    }
    if (err == RD_KAFKA_RESP_ERR_NO_ERROR)
        groups = rd_kafka_DescribeConsumerGroups_result_groups(
            rd_kafka_event_DescribeConsumerGroups_result(event), &found);
    if (found > 0) {
        group = groups[0];
        err = rd_kafka_error_code(rd_kafka_ConsumerGroupDescription_error(group));
    }
    if (err != RD_KAFKA_RESP_ERR_NO_ERROR || group == NULL)
        return sx_kafka_fail(error, err, reason, "Describe", "the members of group %s", kafka->application);
    if (rd_kafka_ConsumerGroupDescription_state(group) != RD_KAFKA_CONSUMER_GROUP_STATE_STABLE)
        return STREAMD_OK;
    size = rd_kafka_ConsumerGroupDescription_member_count(group);
    *members = sx_calloc(size + 1, sizeof(**members));
    for (; *count < size; (*count)++)
        take_member(kafka, self, rd_kafka_ConsumerGroupDescription_member(group, *count),
                    &(*members)[*count]);
    return STREAMD_OK;
}

streamd_status sx_kafka_members(struct sx_log *log, struct sx_member **members, uint32_t *count,
                                streamd_error **error)
{
    struct sx_kafka *kafka = (struct sx_kafka *)log;
    const char *name = kafka->application;
    rd_kafka_AdminOptions_t *options;
    rd_kafka_event_t *event;
    rd_kafka_queue_t *queue;
    streamd_status status;
    char *self = NULL;

    *members = NULL;
    *count = 0;
    pthread_rwlock_rdlock(&kafka->group_lock);
    if (kafka->group != NULL)
        self = rd_kafka_memberid(kafka->group);
    pthread_rwlock_unlock(&kafka->group_lock);
    options = rd_kafka_AdminOptions_new(kafka->admin, RD_KAFKA_ADMIN_OP_DESCRIBECONSUMERGROUPS);
    rd_kafka_AdminOptions_set_request_timeout(options, ASK_MS, NULL, 0);
    queue = rd_kafka_queue_new(kafka->admin);
    rd_kafka_DescribeConsumerGroups(kafka->admin, &name, 1, options, queue);
    event = rd_kafka_queue_poll(queue, ASK_MS);
    status = take_group(kafka, self, event, members, count, error);
    if (event != NULL)
        rd_kafka_event_destroy(event);
    rd_kafka_queue_destroy(queue);
    rd_kafka_AdminOptions_destroy(options);
    if (self != NULL)
        rd_kafka_mem_free(NULL, self);
    return status;
}
