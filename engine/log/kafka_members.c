/* kafka_members.c: who is in the group, and which slots each member has, as the broker tells.
 *
 * Asked with librdkafka's older call: DescribeConsumerGroups of its 2.0 aborts the process when the group's
 * coordinator goes away meanwhile. The older one hands out a member's assignment as it is on the wire: int16
 * version, int32 count, then by topic an int16 length, the name, int32 count, and int32 partitions, all of
 * them big-endian (ConsumerProtocolAssignment of Kafka's messages). */
#include "engine/log/kafka.h"

#include <stdlib.h>
#include <string.h>

#define ASK_MS 5000

/* What is left of an assignment. */
struct cursor {
    const uint8_t *at;
    size_t left;
};

/* -1: it ends before. */
static int64_t take_number(struct cursor *c, size_t size)
{
    uint32_t value = 0;

    if (c->left < size)
        return -1;
    for (size_t i = 0; i < size; i++)
        value = value << 8 | c->at[i];
    c->at += size;
    c->left -= size;
    return value;
}

static void take_topic(struct cursor *c, const char *wanted, struct sx_member *to)
{
    int64_t size = take_number(c, 2);
    const uint8_t *name = c->at;
    bool is_wanted;
    int64_t count;

    if (size < 0 || c->left < (size_t)size) {
        c->left = 0;
        return;
    }
    is_wanted = strlen(wanted) == (size_t)size && memcmp(name, wanted, (size_t)size) == 0;
    c->at += size;
    c->left -= (size_t)size;
    count = take_number(c, 4);
    if (count < 0 || c->left / 4 < (uint64_t)count) {
        c->left = 0;
        return;
    }
    if (is_wanted)
        to->slots = sx_realloc(to->slots, (to->slot_count + (size_t)count + 1) * sizeof(*to->slots));
    for (int64_t i = 0; i < count; i++) {
        int64_t partition = take_number(c, 4);
        if (is_wanted)
            to->slots[to->slot_count++] = (int32_t)partition;
    }
}

static void take_member(const char *slots_topic, const char *self,
                        const struct rd_kafka_group_member_info *from, struct sx_member *to)
{
    struct cursor c = {from->member_assignment, (size_t)SX_MAX(from->member_assignment_size, 0)};
    int64_t topics;

    to->id = sx_strdup(from->member_id);
    to->self = strcmp(self, to->id) == 0;
    take_number(&c, 2);
    topics = take_number(&c, 4);
    for (int64_t i = 0; i < topics && c.left > 0; i++)
        take_topic(&c, slots_topic, to);
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
