/* Makes the benchmark's events, once: Nexmark's bids, auctions and persons, as NDJSON files or
 * straight into Kafka topics of those names.
 *
 * A record's key is the auction's or person's id, of a bid its auction: an `int`, 8 bytes
 * big-endian, so a bid lies where a grouping by auction needs it and no engine repartitions. Its
 * timestamp is the field dateTime. */
#include "kafka.h"
#include "nexmark.h"
#include "partition.h"

#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* Raise it when the events' bytes change, so that topics made before are made again. */
#define FORMAT 1

/* Says what the topics hold; written last, so that it is never there for half of them. */
#define MARK_TOPIC "bench-input"

static void errors(rd_kafka_t *client, const rd_kafka_message_t *message, void *opaque)
{
    if (message->err)
        bench_die("produce: %s", rd_kafka_err2str(message->err));
}

static rd_kafka_t *producer(const char *bootstrap)
{
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    static const char *const settings[][2] = {
        {"linger.ms", "50"},
        {"batch.num.messages", "100000"},
        {"batch.size", "1000000"},
        {"queue.buffering.max.messages", "1000000"},
        {"queue.buffering.max.kbytes", "524288"},
        {"enable.idempotence", "true"}, /* a retry must not count a bid twice */
        {"delivery.report.only.error", "true"},
    };
    char error[512];

    if (rd_kafka_conf_set(conf, "bootstrap.servers", bootstrap, error, sizeof(error)))
        bench_die("%s", error);
    for (size_t i = 0; i < sizeof(settings) / sizeof(settings[0]); i++)
        if (rd_kafka_conf_set(conf, settings[i][0], settings[i][1], error, sizeof(error)))
            bench_die("%s", error);
    rd_kafka_conf_set_dr_msg_cb(conf, errors);
    rd_kafka_t *client = rd_kafka_new(RD_KAFKA_PRODUCER, conf, error, sizeof(error));
    if (!client)
        bench_die("%s", error);
    return client;
}

static void produce(rd_kafka_t *client, rd_kafka_topic_t *topic, const struct nexmark_event *event)
{
    uint8_t key[8];

    bench_key(key, event->key);
    for (;;) {
        rd_kafka_resp_err_t err = rd_kafka_producev(
            client, RD_KAFKA_V_RKT(topic), RD_KAFKA_V_PARTITION(bench_partition(key, sizeof(key))),
            RD_KAFKA_V_KEY(key, sizeof(key)), RD_KAFKA_V_VALUE((void *)event->json, event->size),
            RD_KAFKA_V_TIMESTAMP(event->time_ms), RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_END);
        if (!err)
            return;
        if (err != RD_KAFKA_RESP_ERR__QUEUE_FULL)
            bench_die("produce: %s", rd_kafka_err2str(err));
        rd_kafka_poll(client, 50);
    }
}

/* Whether the mark says what is wanted and the bids are all there. */
static int already_there(rd_kafka_t *client, const char *bootstrap, const char *mark, int64_t records)
{
    if (bench_partitions(client, MARK_TOPIC) != 1 ||
        bench_partitions(client, nexmark_topic[NEXMARK_BID]) != BENCH_PARTITIONS)
        return 0;

    rd_kafka_topic_partition_list_t *ends = bench_ends(client, nexmark_topic[NEXMARK_BID]);
    int64_t bids = 0;
    for (int i = 0; i < ends->cnt; i++)
        bids += ends->elems[i].offset;
    rd_kafka_topic_partition_list_destroy(ends);
    if (bids != records)
        return 0;

    rd_kafka_t *reader = bench_client(RD_KAFKA_CONSUMER, bootstrap, "group.id", "bench-generate",
                                      "enable.auto.commit", "false", NULL);
    rd_kafka_topic_partition_list_t *first = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_list_add(first, MARK_TOPIC, 0)->offset = RD_KAFKA_OFFSET_BEGINNING;
    rd_kafka_assign(reader, first);
    rd_kafka_topic_partition_list_destroy(first);
    rd_kafka_message_t *message = rd_kafka_consumer_poll(reader, 5000);
    int same = message && !message->err && message->len == strlen(mark) &&
               !memcmp(message->payload, mark, message->len);
    if (message)
        rd_kafka_message_destroy(message);
    rd_kafka_consumer_close(reader);
    rd_kafka_destroy(reader);
    return same;
}

static void to_kafka(const char *bootstrap, int64_t records, const struct nexmark_options *events)
{
    rd_kafka_t *client = producer(bootstrap);
    rd_kafka_topic_t *topics[NEXMARK_KINDS];
    const char *mark_topic = MARK_TOPIC;
    struct nexmark_event event;
    char mark[128];

    snprintf(mark, sizeof(mark), "nexmark format=%d seed=%" PRIu64 " bids=%" PRId64, FORMAT, events->seed,
             records);
    if (already_there(client, bootstrap, mark, records)) {
        printf("%s: already there\n", mark);
        rd_kafka_destroy(client);
        return;
    }
    bench_topics_recreate(client, &mark_topic, 1, 1);
    bench_topics_recreate(client, nexmark_topic, NEXMARK_KINDS, BENCH_PARTITIONS);
    for (int i = 0; i < NEXMARK_KINDS; i++)
        topics[i] = rd_kafka_topic_new(client, nexmark_topic[i], NULL);
    for (int64_t number = 0, bids = 0; bids < records; number++) {
        nexmark_event(&event, events, number);
        bids += event.kind == NEXMARK_BID;
        produce(client, topics[event.kind], &event);
        if (number % 1000 == 0)
            rd_kafka_poll(client, 0);
    }
    if (rd_kafka_flush(client, 10 * BENCH_TIMEOUT_MS))
        bench_die("not all events were written");
    rd_kafka_producev(client, RD_KAFKA_V_TOPIC(MARK_TOPIC), RD_KAFKA_V_PARTITION(0),
                      RD_KAFKA_V_VALUE(mark, strlen(mark)), RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY),
                      RD_KAFKA_V_END);
    if (rd_kafka_flush(client, BENCH_TIMEOUT_MS))
        bench_die("the mark was not written");
    for (int i = 0; i < NEXMARK_KINDS; i++)
        rd_kafka_topic_destroy(topics[i]);
    rd_kafka_destroy(client);
    printf("%s: written\n", mark);
}

/* A line as `streamd pipe` takes it, of a topic and in its place among all. */
static void write_line(FILE *file, const struct nexmark_event *event)
{
    fprintf(file, "{\"topic\":\"%s\",\"key\":%" PRId64 ",\"value\":%.*s,\"timestamp\":%" PRId64 "}\n",
            nexmark_topic[event->kind], event->key, (int)event->size, event->json, event->time_ms);
}

static FILE *open_file(const char *folder, const char *name)
{
    char path[4096];
    FILE *file;

    snprintf(path, sizeof(path), "%s/%s.ndjson", folder, name);
    if (!(file = fopen(path, "w")))
        bench_die("cannot write %s", path);
    return file;
}

static void to_files(const char *folder, int64_t records, const struct nexmark_options *options)
{
    FILE *files[NEXMARK_KINDS], *all;
    struct nexmark_event event;
    int bad = 0;

    mkdir(folder, 0777);
    for (int i = 0; i < NEXMARK_KINDS; i++)
        files[i] = open_file(folder, nexmark_topic[i]);
    all = open_file(folder, "events");
    for (int64_t place = 0, bids = 0; bids < records; place++) {
        nexmark_event(&event, options, nexmark_shown(options, place));
        bids += event.kind == NEXMARK_BID;
        write_line(all, &event);
        event.json[event.size++] = '\n';
        fwrite(event.json, 1, event.size, files[event.kind]);
    }
    for (int i = 0; i < NEXMARK_KINDS; i++)
        bad |= ferror(files[i]) | fclose(files[i]);
    if (bad | ferror(all) | fclose(all))
        bench_die("cannot write to %s", folder);
}

static void usage(void)
{
    fputs("usage: bench_generate [--records N] [--seed N] --bootstrap HOST:PORT | --file FOLDER ...\n"
          "  --records N   bids to make (default 5000000); auctions and persons come beside them\n"
          "  --seed N      the same seed gives the same bytes (default 1)\n"
          "  --file FOLDER bids.ndjson, auctions.ndjson, persons.ndjson instead of topics, and\n"
          "                events.ndjson: all of them as `streamd pipe` takes them\n"
          "  --event-us N  event time from one event to the next, microseconds (default 100); files only\n"
          "  --disorder N  out of order within N events (default 1: in order); files only\n",
          stderr);
    exit(2);
}

int main(int argc, char **argv)
{
    static const struct option options[] = {{"records", required_argument, NULL, 'n'},
                                            {"seed", required_argument, NULL, 's'},
                                            {"bootstrap", required_argument, NULL, 'b'},
                                            {"file", required_argument, NULL, 'f'},
                                            {"event-us", required_argument, NULL, 'u'},
                                            {"disorder", required_argument, NULL, 'd'},
                                            {NULL, 0, NULL, 0}};
    const char *bootstrap = NULL;
    const char *folder = NULL;
    int64_t records = 5000000;
    struct nexmark_options events = {.seed = 1, .event_us = 100, .disorder = 1};
    int option;

    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        switch (option) {
        case 'n':
            records = strtoll(optarg, NULL, 10);
            break;
        case 's':
            events.seed = strtoull(optarg, NULL, 10);
            break;
        case 'b':
            bootstrap = optarg;
            break;
        case 'f':
            folder = optarg;
            break;
        case 'u':
            events.event_us = strtoll(optarg, NULL, 10);
            break;
        case 'd':
            events.disorder = strtoll(optarg, NULL, 10);
            break;
        default:
            usage();
        }
    }
    if (optind != argc || records <= 0 || !bootstrap == !folder || events.event_us <= 0 ||
        events.disorder <= 0 || events.disorder % 953 == 0 ||
        (bootstrap && (events.event_us != 100 || events.disorder != 1)))
        usage();
    if (folder)
        to_files(folder, records, &events);
    else
        to_kafka(bootstrap, records, &events);
    return 0;
}
