/* kafka_admin.c: topics. Asking about one never creates it. */
#include "engine/log/kafka.h"

#include <stdlib.h>

#define ASK_MS 5000
/* Of the first try: then it is looked whether brokers refuse us, of which no answer tells. */
#define ASK_FIRST_MS 250
#define ASK_AGAIN_MS 10000
#define SEEN_MS 100        /* between two looks at whether a new topic is there */
#define NEW_MS 30000       /* for so long a broker may not know a topic that is there */
#define PURGE_WAIT_MS 3000 /* the group is not served meanwhile, and the next purge does it too */
#define REPARTITION_SEGMENT_BYTES "52428800"

/* ---- Which topics are there ------------------------------------------------------------------- */

struct sx_kafka_seen {
    struct sx_kafka_seen *next;
    int64_t at_ms;
    char name[];
};

static void note_seen(struct sx_kafka *kafka, const char *topic)
{
    size_t size = strlen(topic) + 1;
    struct sx_kafka_seen *seen;

    pthread_mutex_lock(&kafka->lock);
    for (seen = kafka->seen; seen != NULL && strcmp(seen->name, topic) != 0; seen = seen->next)
        ;
    if (seen == NULL) {
        seen = sx_malloc(sizeof(*seen) + size);
        memcpy(seen->name, topic, size);
        seen->next = kafka->seen;
        kafka->seen = seen;
    }
    seen->at_ms = sx_kafka_now_ms();
    pthread_mutex_unlock(&kafka->lock);
}

static bool seen_lately(struct sx_kafka *kafka, const char *topic)
{
    int64_t since = sx_kafka_now_ms() - NEW_MS;
    bool found = false;

    pthread_mutex_lock(&kafka->lock);
    for (const struct sx_kafka_seen *seen = kafka->seen; seen != NULL && !found; seen = seen->next)
        found = seen->at_ms >= since && strcmp(seen->name, topic) == 0;
    pthread_mutex_unlock(&kafka->lock);
    return found;
}

static void forget_seen(struct sx_kafka *kafka, const char *topic)
{
    pthread_mutex_lock(&kafka->lock);
    for (struct sx_kafka_seen *seen = kafka->seen; seen != NULL; seen = seen->next)
        if (strcmp(seen->name, topic) == 0)
            seen->at_ms = INT64_MIN;
    pthread_mutex_unlock(&kafka->lock);
}

void sx_kafka_forget_seen(struct sx_kafka *kafka)
{
    while (kafka->seen != NULL) {
        struct sx_kafka_seen *next = kafka->seen->next;

        free(kafka->seen);
        kafka->seen = next;
    }
}

/* Metadata of one topic, or of all. */
static rd_kafka_resp_err_t ask(struct sx_kafka *kafka, rd_kafka_t *client, rd_kafka_topic_t *topic,
                               const struct rd_kafka_metadata **metadata)
{
    int left_ms = ASK_MS, step_ms = ASK_FIRST_MS;
    rd_kafka_resp_err_t err;

    do {
        rd_kafka_message_t *message;

        err = rd_kafka_metadata(client, topic == NULL, topic, metadata, step_ms);
        if (err != RD_KAFKA_RESP_ERR__TRANSPORT && err != RD_KAFKA_RESP_ERR__TIMED_OUT)
            return err;
        /* The other clients are served elsewhere. */
        while ((message = rd_kafka_consumer_poll(kafka->admin, 0)) != NULL)
            rd_kafka_message_destroy(message);
        left_ms -= step_ms;
        step_ms =
            step_ms < left_ms / 4 ? 2 * step_ms : left_ms; /* the last is the longest: brokers are slow */
    } while (atomic_load(&kafka->fatal) == RD_KAFKA_RESP_ERR_NO_ERROR && left_ms > 0);
    return err;
}

/* Why nobody answered. */
static streamd_status no_answer(struct sx_kafka *kafka, rd_kafka_resp_err_t err, const char *what,
                                streamd_error **error)
{
    char last[sizeof(kafka->last_reason)], reason[sizeof(last) + 64];
    streamd_status status = sx_kafka_background(kafka, error);

    if (status != STREAMD_OK)
        return status;
    pthread_mutex_lock(&kafka->lock);
    snprintf(last, sizeof(last), "%s", kafka->last_reason);
    pthread_mutex_unlock(&kafka->lock);
    snprintf(reason, sizeof(reason), "no broker could be reached%s%s (tried for %d s)", *last ? ": " : "",
             last, ASK_MS / 1000);
    return sx_kafka_fail(error, err, reason, NULL, "%s", what);
}

/* Of one topic, from any broker. */
static rd_kafka_resp_err_t ask_partitions(struct sx_kafka *kafka, rd_kafka_t *client, const char *topic,
                                          int32_t *count)
{
    rd_kafka_topic_t *handle = rd_kafka_topic_new(client, topic, NULL);
    const struct rd_kafka_metadata *metadata;
    rd_kafka_resp_err_t err;

    if (handle == NULL)
        return rd_kafka_last_error();
    err = ask(kafka, client, handle, &metadata);
    if (err == RD_KAFKA_RESP_ERR_NO_ERROR) {
        err = metadata->topic_cnt == 1 ? metadata->topics[0].err : RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART;
        if (err == RD_KAFKA_RESP_ERR_NO_ERROR)
            *count = metadata->topics[0].partition_cnt;
        for (int i = 0; err == RD_KAFKA_RESP_ERR_NO_ERROR && i < *count; i++)
            if (metadata->topics[0].partitions[i].leader < 0)
                err = RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE;
        rd_kafka_metadata_destroy(metadata);
    }
    rd_kafka_topic_destroy(handle);
    return err;
}

/* The same; a broker that does not know a topic which another one knows is asked again. */
static rd_kafka_resp_err_t count_partitions(struct sx_kafka *kafka, rd_kafka_t *client, const char *topic,
                                            int32_t *count)
{
    int64_t until = sx_kafka_now_ms() + ASK_AGAIN_MS;
    rd_kafka_resp_err_t err = ask_partitions(kafka, client, topic, count);

    while (sx_kafka_kind(err) == SX_KAFKA_MISSING && seen_lately(kafka, topic) && sx_kafka_now_ms() < until) {
        sx_kafka_sleep_ms(SEEN_MS);
        err = ask_partitions(kafka, client, topic, count);
    }
    if (err == RD_KAFKA_RESP_ERR_NO_ERROR)
        note_seen(kafka, topic);
    return err;
}

streamd_status sx_kafka_partitions(struct sx_log *log, const char *topic, int32_t *count,
                                   streamd_error **error)
{
    struct sx_kafka *kafka = (struct sx_kafka *)log;
    int32_t found = 0;
    rd_kafka_resp_err_t err = count_partitions(kafka, kafka->admin, topic, &found);

    if (err == RD_KAFKA_RESP_ERR__TRANSPORT)
        return no_answer(kafka, err, topic, error);
    /* The count is known though a leader is away. */
    if (err != RD_KAFKA_RESP_ERR_NO_ERROR && !(err == RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE && found > 0))
        return sx_kafka_fail(error, err, NULL, "Describe", "topic %s", topic);
    *count = found;
    return STREAMD_OK;
}

streamd_status sx_kafka_learn(struct sx_kafka *kafka, rd_kafka_t *client, const char *topic,
                              streamd_error **error)
{
    int32_t count;
    rd_kafka_resp_err_t err = count_partitions(kafka, client, topic, &count);

    /* What passes, passes without us. */
    if (err == RD_KAFKA_RESP_ERR_NO_ERROR || sx_kafka_kind(err) == SX_KAFKA_TRANSIENT)
        return STREAMD_OK;
    return sx_kafka_fail(error, err, NULL, "Describe", "topic %s", topic);
}

/* ---- Requests -------------------------------------------------------------------------------- */

/* Wait for the answer. `topic_error` finds what is wrong with the topic in it. */
static streamd_status await(rd_kafka_queue_t *queue, int wait_ms,
                            rd_kafka_resp_err_t (*topic_error)(rd_kafka_event_t *, const char **),
                            rd_kafka_resp_err_t allowed, const char *what, const char *right,
                            const char *topic, streamd_error **error)
{
    rd_kafka_event_t *event = rd_kafka_queue_poll(queue, wait_ms);
    rd_kafka_resp_err_t err = RD_KAFKA_RESP_ERR__TIMED_OUT;
    streamd_status status = STREAMD_OK;
    const char *reason = NULL;

    if (event != NULL) {
        err = rd_kafka_event_error(event);
        reason = rd_kafka_event_error_string(event);
        if (err == RD_KAFKA_RESP_ERR_NO_ERROR)
            err = topic_error(event, &reason);
    }
    if (err != RD_KAFKA_RESP_ERR_NO_ERROR && err != allowed)
        status = sx_kafka_fail(error, err, reason, right, "%s topic %s", what, topic);
    if (event != NULL)
        rd_kafka_event_destroy(event);
    return status;
}

static rd_kafka_resp_err_t first_topic_error(const rd_kafka_topic_result_t **results, size_t count,
                                             const char **reason)
{
    if (count == 0)
        return RD_KAFKA_RESP_ERR__BAD_MSG;
    *reason = rd_kafka_topic_result_error_string(results[0]);
    return rd_kafka_topic_result_error(results[0]);
}

static rd_kafka_resp_err_t created_error(rd_kafka_event_t *event, const char **reason)
{
    size_t count = 0;
    const rd_kafka_topic_result_t **results =
        rd_kafka_CreateTopics_result_topics(rd_kafka_event_CreateTopics_result(event), &count);

    return first_topic_error(results, count, reason);
}

static rd_kafka_resp_err_t deleted_error(rd_kafka_event_t *event, const char **reason)
{
    size_t count = 0;
    const rd_kafka_topic_result_t **results =
        rd_kafka_DeleteTopics_result_topics(rd_kafka_event_DeleteTopics_result(event), &count);

    return first_topic_error(results, count, reason);
}

/* Of a topic that is there: it takes a moment until every broker knows a new one. */
static bool passes(rd_kafka_resp_err_t err)
{
    enum sx_kafka_kind kind = sx_kafka_kind(err);

    return kind == SX_KAFKA_MISSING || kind == SX_KAFKA_TRANSIENT || kind == SX_KAFKA_TIMEOUT;
}

/* A new topic takes a moment until its partitions have leaders. */
static streamd_status wait_until_seen(struct sx_kafka *kafka, const char *topic, streamd_error **error)
{
    int64_t until = sx_kafka_now_ms() + SX_KAFKA_WAIT_MS;
    rd_kafka_resp_err_t err;
    int32_t count;

    while ((err = ask_partitions(kafka, kafka->admin, topic, &count)) != RD_KAFKA_RESP_ERR_NO_ERROR) {
        if (!passes(err) || sx_kafka_now_ms() >= until)
            return sx_kafka_fail(error, err, NULL, "Describe", "the new topic %s", topic);
        sx_kafka_sleep_ms(SEEN_MS);
    }
    note_seen(kafka, topic);
    return STREAMD_OK;
}

/* `any_time`: with a setting that older brokers do not know. */
static streamd_status create_topic(struct sx_kafka *kafka, const struct sx_topic_spec *spec, bool any_time,
                                   streamd_error **error)
{
    static const char *const policies[] = {
        [SX_CLEANUP_DELETE] = "delete",
        [SX_CLEANUP_COMPACT] = "compact",
        [SX_CLEANUP_COMPACT_DELETE] = "compact,delete",
    };
    rd_kafka_NewTopic_t *topic;
    rd_kafka_queue_t *queue;
    streamd_status status;
    char reason[256], retention[32];

    topic = rd_kafka_NewTopic_new(spec->name, spec->partitions > 0 ? spec->partitions : -1, -1, reason,
                                  sizeof(reason));
    if (topic == NULL)
        return sx_fail(error, STREAMD_E_ARGUMENT, "topic %s: %s", spec->name, reason);
    snprintf(retention, sizeof(retention), "%lld", (long long)spec->retention_ms);
    rd_kafka_NewTopic_set_config(topic, "cleanup.policy", policies[spec->cleanup]);
    if (spec->retention_ms != SX_RETENTION_DEFAULT)
        rd_kafka_NewTopic_set_config(topic, "retention.ms", retention);
    rd_kafka_NewTopic_set_config(topic, "message.timestamp.type", "CreateTime");
    /* Event times may be of any time; since 3.6 brokers refuse the future unless told. */
    if (any_time)
        rd_kafka_NewTopic_set_config(topic, "message.timestamp.after.max.ms", "9223372036854775807");
    /* Repartition topics are purged by whole segments; the default is 1 GiB. */
    if (spec->internal && spec->cleanup == SX_CLEANUP_DELETE)
        rd_kafka_NewTopic_set_config(topic, "segment.bytes", REPARTITION_SEGMENT_BYTES);
    queue = rd_kafka_queue_new(kafka->admin);
    rd_kafka_CreateTopics(kafka->admin, &topic, 1, NULL, queue);
    status = await(queue, SX_KAFKA_WAIT_MS, created_error, RD_KAFKA_RESP_ERR_TOPIC_ALREADY_EXISTS, "creating",
                   "Create", spec->name, error);
    rd_kafka_queue_destroy(queue);
    rd_kafka_NewTopic_destroy(topic);
    return status;
}

streamd_status sx_kafka_create(struct sx_log *log, const struct sx_topic_spec *spec, streamd_error **error)
{
    struct sx_kafka *kafka = (struct sx_kafka *)log;
    streamd_error *first = NULL;
    streamd_status status = create_topic(kafka, spec, true, &first);

    if (status != STREAMD_OK) {
        bool again = !streamd_error_is_retriable(first);
        if (again || error == NULL)
            streamd_error_free(first);
        else
            *error = first;
        if (again)
            status = create_topic(kafka, spec, false, error);
    }
    return status != STREAMD_OK ? status : wait_until_seen(kafka, spec->name, error);
}

static rd_kafka_resp_err_t widened_error(rd_kafka_event_t *event, const char **reason)
{
    size_t count = 0;
    const rd_kafka_topic_result_t **results =
        rd_kafka_CreatePartitions_result_topics(rd_kafka_event_CreatePartitions_result(event), &count);

    return first_topic_error(results, count, reason);
}

streamd_status sx_kafka_widen(struct sx_log *log, const char *name, int32_t count, streamd_error **error)
{
    struct sx_kafka *kafka = (struct sx_kafka *)log;
    int64_t until = sx_kafka_now_ms() + SX_KAFKA_WAIT_MS;
    char reason[256];
    rd_kafka_NewPartitions_t *more = rd_kafka_NewPartitions_new(name, (size_t)count, reason, sizeof(reason));
    streamd_status status;
    rd_kafka_queue_t *queue;
    int32_t seen = 0;

    if (more == NULL)
        return sx_fail(error, STREAMD_E_ARGUMENT, "topic %s: %s", name, reason);
    queue = rd_kafka_queue_new(kafka->admin);
    rd_kafka_CreatePartitions(kafka->admin, &more, 1, NULL, queue);
    /* Another member may have done it. */
    status = await(queue, SX_KAFKA_WAIT_MS, widened_error, RD_KAFKA_RESP_ERR_INVALID_PARTITIONS, "widening",
                   "Alter", name, error);
    rd_kafka_queue_destroy(queue);
    rd_kafka_NewPartitions_destroy(more);
    /* It takes a moment until every broker knows them. */
    while (status == STREAMD_OK && sx_kafka_now_ms() < until) {
        rd_kafka_resp_err_t err = ask_partitions(kafka, kafka->admin, name, &seen);

        if (err == RD_KAFKA_RESP_ERR_NO_ERROR && seen >= count)
            return STREAMD_OK;
        sx_kafka_sleep_ms(SEEN_MS);
    }
    return status != STREAMD_OK
               ? status
               : sx_fail(error, STREAMD_E_LOG, "topic %s has %d partitions, not %d", name, seen, count);
}

streamd_status sx_kafka_remove(struct sx_log *log, const char *name, streamd_error **error)
{
    struct sx_kafka *kafka = (struct sx_kafka *)log;
    rd_kafka_DeleteTopic_t *topic = rd_kafka_DeleteTopic_new(name);
    rd_kafka_queue_t *queue = rd_kafka_queue_new(kafka->admin);
    streamd_status status;

    forget_seen(kafka, name);
    rd_kafka_DeleteTopics(kafka->admin, &topic, 1, NULL, queue);
    status = await(queue, SX_KAFKA_WAIT_MS, deleted_error, RD_KAFKA_RESP_ERR_NO_ERROR, "deleting", "Delete",
                   name, error);
    rd_kafka_queue_destroy(queue);
    rd_kafka_DeleteTopic_destroy(topic);
    return status;
}

struct described {
    enum sx_cleanup cleanup;
    int64_t retention_ms;
    int64_t bytes_max; /* of a batch; 0: not told */
    int64_t compaction_lag_ms;
};

static void take_entry(struct described *described, const char *name, const char *value)
{
    if (strcmp(name, "cleanup.policy") == 0) {
        bool compact = strstr(value, "compact") != NULL, delete = strstr(value, "delete") != NULL;
        described->cleanup = compact && delete ? SX_CLEANUP_COMPACT_DELETE
                             : compact         ? SX_CLEANUP_COMPACT
                                               : SX_CLEANUP_DELETE;
    } else if (strcmp(name, "retention.ms") == 0) {
        described->retention_ms = strtoll(value, NULL, 10);
    } else if (strcmp(name, "max.message.bytes") == 0) {
        described->bytes_max = strtoll(value, NULL, 10);
    } else if (strcmp(name, "min.compaction.lag.ms") == 0) {
        described->compaction_lag_ms = strtoll(value, NULL, 10);
    }
}

static rd_kafka_resp_err_t take_description(rd_kafka_event_t *event, struct described *described,
                                            const char **reason)
{
    const rd_kafka_ConfigResource_t **resources;
    const rd_kafka_ConfigEntry_t **entries;
    size_t count = 0, entry_count = 0;

    resources =
        rd_kafka_DescribeConfigs_result_resources(rd_kafka_event_DescribeConfigs_result(event), &count);
    if (count == 0)
        return RD_KAFKA_RESP_ERR__BAD_MSG;
    if (rd_kafka_ConfigResource_error(resources[0]) != RD_KAFKA_RESP_ERR_NO_ERROR) {
        *reason = rd_kafka_ConfigResource_error_string(resources[0]);
        return rd_kafka_ConfigResource_error(resources[0]);
    }
    entries = rd_kafka_ConfigResource_configs(resources[0], &entry_count);
    for (size_t i = 0; i < entry_count; i++)
        if (rd_kafka_ConfigEntry_value(entries[i]) != NULL)
            take_entry(described, rd_kafka_ConfigEntry_name(entries[i]),
                       rd_kafka_ConfigEntry_value(entries[i]));
    return RD_KAFKA_RESP_ERR_NO_ERROR;
}

static const char *setting(const struct sx_kafka *kafka, const char *name)
{
    const char *value = NULL;

    for (uint32_t i = 0; i < kafka->setting_count; i++)
        if (strcmp(kafka->settings[i].name, name) == 0)
            value = kafka->settings[i].value;
    return value;
}

/* What is left for key, value and headers. The producer counts before it compresses, the broker counts
 * what it gets: with compression only the producer's limit is known beforehand. */
static uint32_t record_bytes_max(const struct sx_kafka *kafka, int64_t topic_max)
{
    const char *written = setting(kafka, "message.max.bytes");
    const char *codec = setting(kafka, "compression.codec");
    int64_t most = written ? strtoll(written, NULL, 10) : SX_KAFKA_RECORD_BYTES_MAX;

    codec = codec ? codec : setting(kafka, "compression.type");
    if (topic_max > 0 && (codec == NULL || strcmp(codec, "none") == 0))
        most = SX_MIN(most, topic_max);
    return (uint32_t)SX_MAX(most - SX_KAFKA_RECORD_OVERHEAD, 1);
}

static streamd_status ask_settings(struct sx_kafka *kafka, const char *topic, struct described *described,
                                   rd_kafka_resp_err_t *err, streamd_error **error)
{
    rd_kafka_ConfigResource_t *resource = rd_kafka_ConfigResource_new(RD_KAFKA_RESOURCE_TOPIC, topic);
    rd_kafka_queue_t *queue = rd_kafka_queue_new(kafka->admin);
    streamd_status status = STREAMD_OK;
    const char *reason = NULL;
    rd_kafka_event_t *event;

    rd_kafka_DescribeConfigs(kafka->admin, &resource, 1, NULL, queue);
    event = rd_kafka_queue_poll(queue, SX_KAFKA_WAIT_MS);
    *err = RD_KAFKA_RESP_ERR__TIMED_OUT;
    if (event != NULL) {
        *err = rd_kafka_event_error(event);
        reason = rd_kafka_event_error_string(event);
        if (*err == RD_KAFKA_RESP_ERR_NO_ERROR)
            *err = take_description(event, described, &reason);
    }
    if (*err != RD_KAFKA_RESP_ERR_NO_ERROR)
        status = sx_kafka_fail(error, *err, reason, "DescribeConfigs", "describing topic %s", topic);
    if (event != NULL)
        rd_kafka_event_destroy(event);
    rd_kafka_queue_destroy(queue);
    rd_kafka_ConfigResource_destroy(resource);
    return status;
}

/* Whoever is asked for the settings may be a broker that does not know a new topic yet, or that goes. */
streamd_status sx_kafka_describe(struct sx_log *log, const char *topic, struct sx_topic_spec *spec,
                                 streamd_error **error)
{
    struct sx_kafka *kafka = (struct sx_kafka *)log;
    struct described described = {.cleanup = SX_CLEANUP_DELETE, .retention_ms = -1};
    int64_t until = sx_kafka_now_ms() + SX_KAFKA_WAIT_MS;
    rd_kafka_resp_err_t err;
    int32_t count;
    streamd_status status = sx_kafka_partitions(log, topic, &count, error);

    if (status != STREAMD_OK)
        return status;
    for (;;) {
        streamd_error *problem = NULL;

        status = ask_settings(kafka, topic, &described, &err, &problem);
        if (status == STREAMD_OK || !passes(err) || sx_kafka_now_ms() >= until) {
            if (error != NULL)
                *error = problem;
            else
                streamd_error_free(problem);
            break;
        }
        streamd_error_free(problem);
        sx_kafka_sleep_ms(SEEN_MS);
    }
    if (status == STREAMD_OK)
        *spec = (struct sx_topic_spec){.name = topic,
                                       .partitions = count,
                                       .cleanup = described.cleanup,
                                       .retention_ms = described.retention_ms,
                                       .record_bytes_max = record_bytes_max(kafka, described.bytes_max),
                                       .compaction_lag_ms = described.compaction_lag_ms};
    return status;
}

/* Kafka's own topics are nobody's business here. */
static bool is_kafkas(const char *name)
{
    return strcmp(name, "__consumer_offsets") == 0 || strcmp(name, "__transaction_state") == 0;
}

streamd_status sx_kafka_topics(struct sx_log *log, char ***names, uint32_t *count, streamd_error **error)
{
    struct sx_kafka *kafka = (struct sx_kafka *)log;
    const struct rd_kafka_metadata *metadata;
    rd_kafka_resp_err_t err = ask(kafka, kafka->admin, NULL, &metadata);
    uint32_t found = 0;
    char **list;

    if (err == RD_KAFKA_RESP_ERR__TRANSPORT)
        return no_answer(kafka, err, "the list of topics", error);
    if (err != RD_KAFKA_RESP_ERR_NO_ERROR)
        return sx_kafka_fail(error, err, NULL, "Describe", "the list of topics");
    list = sx_malloc(((size_t)metadata->topic_cnt + 1) * sizeof(*list));
    for (int i = 0; i < metadata->topic_cnt; i++)
        if (!is_kafkas(metadata->topics[i].topic))
            list[found++] = sx_strdup(metadata->topics[i].topic);
    rd_kafka_metadata_destroy(metadata);
    *names = list;
    *count = found;
    return STREAMD_OK;
}

static rd_kafka_resp_err_t purged_error(rd_kafka_event_t *event, const char **reason)
{
    const rd_kafka_topic_partition_list_t *list =
        rd_kafka_DeleteRecords_result_offsets(rd_kafka_event_DeleteRecords_result(event));

    for (int i = 0; i < list->cnt; i++)
        if (list->elems[i].err != RD_KAFKA_RESP_ERR_NO_ERROR) {
            *reason = rd_kafka_err2str(list->elems[i].err);
            return list->elems[i].err;
        }
    return RD_KAFKA_RESP_ERR_NO_ERROR;
}

streamd_status sx_kafka_purge(struct sx_log *log, const struct sx_partition_offset *before, uint32_t count,
                              streamd_error **error)
{
    struct sx_kafka *kafka = (struct sx_kafka *)log;
    rd_kafka_topic_partition_list_t *list;
    rd_kafka_DeleteRecords_t *records;
    rd_kafka_queue_t *queue;
    streamd_status status;

    if (count == 0)
        return STREAMD_OK;
    list = sx_kafka_offset_list(before, count, NULL);
    records = rd_kafka_DeleteRecords_new(list);
    queue = rd_kafka_queue_new(kafka->admin);
    rd_kafka_DeleteRecords(kafka->admin, &records, 1, NULL, queue);
    status = await(queue, PURGE_WAIT_MS, purged_error, RD_KAFKA_RESP_ERR_NO_ERROR, "purging", "Delete",
                   before[0].topic, error);
    rd_kafka_queue_destroy(queue);
    rd_kafka_DeleteRecords_destroy(records);
    rd_kafka_topic_partition_list_destroy(list);
    return status;
}
