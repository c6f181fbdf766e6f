/* What the benchmark's tools share of Kafka. */
#include "kafka.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

void bench_die(const char *format, ...)
{
    va_list args;

    va_start(args, format);
    fputs("bench: ", stderr);
    vfprintf(stderr, format, args);
    fputc('\n', stderr);
    va_end(args);
    exit(1);
}

rd_kafka_t *bench_client(rd_kafka_type_t type, const char *bootstrap, ...)
{
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    char error[512];
    va_list args;
    const char *name;

    if (rd_kafka_conf_set(conf, "bootstrap.servers", bootstrap, error, sizeof(error)))
        bench_die("%s", error);
    va_start(args, bootstrap);
    while ((name = va_arg(args, const char *)))
        if (rd_kafka_conf_set(conf, name, va_arg(args, const char *), error, sizeof(error)))
            bench_die("%s", error);
    va_end(args);

    rd_kafka_t *client = rd_kafka_new(type, conf, error, sizeof(error));
    if (!client)
        bench_die("%s", error);
    return client;
}

static const rd_kafka_metadata_t *metadata(rd_kafka_t *client)
{
    const rd_kafka_metadata_t *found;
    rd_kafka_resp_err_t err = rd_kafka_metadata(client, 1, NULL, &found, BENCH_TIMEOUT_MS);

    if (err)
        bench_die("metadata: %s", rd_kafka_err2str(err));
    return found;
}

int bench_partitions(rd_kafka_t *client, const char *topic)
{
    const rd_kafka_metadata_t *all = metadata(client);
    int count = 0;

    for (int i = 0; i < all->topic_cnt; i++)
        if (!strcmp(all->topics[i].topic, topic))
            count = all->topics[i].partition_cnt;
    rd_kafka_metadata_destroy(all);
    return count;
}

/* Waits for an admin request's answer and dies of any error but `ignored`. */
static void answer(rd_kafka_queue_t *queue, const char *what, rd_kafka_resp_err_t ignored)
{
    rd_kafka_event_t *event = rd_kafka_queue_poll(queue, BENCH_TIMEOUT_MS);
    const rd_kafka_topic_result_t **results = NULL;
    size_t count = 0;

    if (!event)
        bench_die("%s: no answer", what);
    if (rd_kafka_event_error(event))
        bench_die("%s: %s", what, rd_kafka_event_error_string(event));
    if (rd_kafka_event_type(event) == RD_KAFKA_EVENT_CREATETOPICS_RESULT)
        results = rd_kafka_CreateTopics_result_topics(rd_kafka_event_CreateTopics_result(event), &count);
    else
        results = rd_kafka_DeleteTopics_result_topics(rd_kafka_event_DeleteTopics_result(event), &count);
    for (size_t i = 0; i < count; i++) {
        rd_kafka_resp_err_t err = rd_kafka_topic_result_error(results[i]);
        if (err && err != ignored)
            bench_die("%s: %s: %s", what, rd_kafka_topic_result_name(results[i]), rd_kafka_err2str(err));
    }
    rd_kafka_event_destroy(event);
}

static void delete_topic(rd_kafka_t *client, rd_kafka_queue_t *queue, const char *name)
{
    rd_kafka_DeleteTopic_t *topic = rd_kafka_DeleteTopic_new(name);

    rd_kafka_DeleteTopics(client, &topic, 1, NULL, queue);
    answer(queue, "delete", RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART);
    rd_kafka_DeleteTopic_destroy(topic);
}

void bench_topics_recreate(rd_kafka_t *client, const char *const *names, int count, int partitions)
{
    rd_kafka_queue_t *queue = rd_kafka_queue_new(client);

    for (int i = 0; i < count; i++) {
        if (bench_partitions(client, names[i]))
            delete_topic(client, queue, names[i]);
        for (int tries = 0; bench_partitions(client, names[i]); tries++) {
            if (tries == 300)
                bench_die("topic %s is not going away", names[i]);
            usleep(100000);
        }
        char error[512];
        rd_kafka_NewTopic_t *topic = rd_kafka_NewTopic_new(names[i], partitions, 1, error, sizeof(error));
        if (!topic)
            bench_die("%s", error);
        rd_kafka_NewTopic_set_config(topic, "retention.ms", "-1");
        rd_kafka_CreateTopics(client, &topic, 1, NULL, queue);
        answer(queue, "create", RD_KAFKA_RESP_ERR_NO_ERROR);
        rd_kafka_NewTopic_destroy(topic);
        for (int tries = 0; bench_partitions(client, names[i]) != partitions; tries++) {
            if (tries == 300)
                bench_die("topic %s does not appear", names[i]);
            usleep(100000);
        }
    }
    rd_kafka_queue_destroy(queue);
}

void bench_topics_forget(rd_kafka_t *client, const char *prefix)
{
    const rd_kafka_metadata_t *all = metadata(client);
    rd_kafka_queue_t *queue = rd_kafka_queue_new(client);

    for (int i = 0; i < all->topic_cnt; i++)
        if (!strncmp(all->topics[i].topic, prefix, strlen(prefix)))
            delete_topic(client, queue, all->topics[i].topic);
    rd_kafka_queue_destroy(queue);
    rd_kafka_metadata_destroy(all);
}

rd_kafka_topic_partition_list_t *bench_ends(rd_kafka_t *client, const char *topic)
{
    int partitions = bench_partitions(client, topic);
    rd_kafka_topic_partition_list_t *ends = rd_kafka_topic_partition_list_new(partitions);

    for (int32_t i = 0; i < partitions; i++) {
        int64_t low, high;
        rd_kafka_resp_err_t err;
        /* A topic just made again has for some milliseconds no leader that clients know. */
        for (int tries = 0; tries < 100; tries++) {
            err = rd_kafka_query_watermark_offsets(client, topic, i, &low, &high, BENCH_TIMEOUT_MS);
            if (!err)
                break;
            usleep(100000);
        }
        if (err)
            bench_die("end of %s: %s", topic, rd_kafka_err2str(err));
        rd_kafka_topic_partition_list_add(ends, topic, i)->offset = high;
    }
    return ends;
}

int64_t bench_monotonic_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
}
