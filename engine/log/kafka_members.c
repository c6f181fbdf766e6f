/* kafka_members.c: who is in the group, and which slots each member has, as the broker tells.
 *
 * Asked with librdkafka's older call: DescribeConsumerGroups of its 2.0 aborts the process when the group's
 * coordinator goes away meanwhile. The older one hands out a member's assignment as it is on the wire: int16
 * version, int32 count, then by topic an int16 length, the name, int32 count, and int32 partitions, all of
 * them big-endian (ConsumerProtocolAssignment of Kafka's messages). */
#include "engine/log/kafka.h"

#include "engine/base/bytes.h"

#include <stdlib.h>

#define ASK_MS 5000

/* What is left of an assignment. */
struct cursor {
    const char *at;
    size_t left;
};

/* The next bytes. NULL: it ends before, and nothing is left. */
static const char *take(struct cursor *c, size_t size)
{
    const char *at = c->at;

    if (c->left < size) {
        c->left = 0;
        return NULL;
    }
    c->at += size;
    c->left -= size;
    return at;
}

static void take_topic(struct cursor *c, struct sx_slice wanted, struct sx_member *to)
{
    const char *size = take(c, 2);
    const char *name = size != NULL ? take(c, sx_get_be16(size)) : NULL;
    const char *count = name != NULL ? take(c, 4) : NULL;
    const char *partitions = count != NULL ? take(c, (size_t)sx_get_be32(count) * 4) : NULL;

    if (partitions == NULL || !sx_slice_equal(sx_slice(name, sx_get_be16(size)), wanted))
        return;
    to->slots = sx_realloc(to->slots, (to->slot_count + (size_t)sx_get_be32(count) + 1) * sizeof(*to->slots));
    for (uint32_t i = 0; i < sx_get_be32(count); i++)
        to->slots[to->slot_count++] = (int32_t)sx_get_be32(partitions + (size_t)i * 4);
}

static void take_member(const char *slots_topic, const char *self,
                        const struct rd_kafka_group_member_info *from, struct sx_member *to)
{
    struct cursor c = {from->member_assignment, (size_t)SX_MAX(from->member_assignment_size, 0)};
    const char *head;

    to->id = sx_strdup(from->member_id);
    to->self = strcmp(self, to->id) == 0;
    head = take(&c, 6);
    for (uint32_t i = 0; head != NULL && i < sx_get_be32(head + 2) && c.left > 0; i++)
        take_topic(&c, sx_slice_of(slots_topic), to);
}

streamd_status sx_kafka_members(struct sx_log *log, struct sx_member **members, uint32_t *count,
                                streamd_error **error)
{
    struct sx_kafka *kafka = (struct sx_kafka *)log;
    char *self = NULL, *slots_topic = NULL;
    const struct rd_kafka_group_list *groups = NULL;
    streamd_status status = STREAMD_OK;
    rd_kafka_resp_err_t err;

    *members = NULL;
    *count = 0;
    pthread_rwlock_rdlock(&kafka->group_lock);
    if (kafka->group != NULL) {
        self = rd_kafka_memberid(kafka->group);
        slots_topic = sx_strdup(kafka->slots_topic);
    }
    pthread_rwlock_unlock(&kafka->group_lock);
    if (self != NULL) {
        err = rd_kafka_list_groups(kafka->admin, kafka->application, &groups, ASK_MS);
        /* A broker that is away may have been asked in vain: the group is with another, or not told of. */
        if (err != RD_KAFKA_RESP_ERR_NO_ERROR && err != RD_KAFKA_RESP_ERR__PARTIAL)
            status =
                sx_kafka_fail(error, err, NULL, "Describe", "the members of group %s", kafka->application);
    }
    for (int g = 0; groups != NULL && g < groups->group_cnt; g++) {
        const struct rd_kafka_group_info *group = &groups->groups[g];

        if (*members != NULL || group->err != RD_KAFKA_RESP_ERR_NO_ERROR || group->state == NULL ||
            strcmp(group->state, "Stable") != 0)
            continue;
        *members = sx_calloc((size_t)group->member_cnt + 1, sizeof(**members));
        for (; *count < (uint32_t)group->member_cnt; (*count)++)
            take_member(slots_topic, self, &group->members[*count], &(*members)[*count]);
    }
    if (groups != NULL)
        rd_kafka_group_list_destroy(groups);
    if (self != NULL)
        rd_kafka_mem_free(NULL, self);
    free(slots_topic);
    return status;
}
