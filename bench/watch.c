/* Looks at a run from outside, the same way for every engine.
 *
 * `wait` prints `ready`, then a line each, with CLOCK_MONOTONIC in nanoseconds, of what it sees:
 *   first NS    the first output record that a read_committed consumer gets
 *   done NS     the group's committed offsets have reached the input's end
 * It reads the output up to the first record only: reading all would take the engine's cores.
 *
 * `sum` reads the whole output, read_committed, and prints the number of records and a checksum of
 * (partition, key, value, timestamp) that does not depend on their order. */
#include "kafka.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* Often enough to time a run of a second, and nothing to a broker. */
#define POLL_US 20000

static rd_kafka_t *output_reader(const char *bootstrap, const char *group)
{
    return bench_client(RD_KAFKA_CONSUMER, bootstrap, "group.id", group, "enable.auto.commit", "false",
                        "isolation.level", "read_committed", "enable.partition.eof", "true",
                        "fetch.wait.max.ms", "10", "fetch.error.backoff.ms", "5", "check.crcs", "false",
                        NULL);
}

static rd_kafka_topic_partition_list_t *assign_from_start(rd_kafka_t *client, const char *topic)
{
    rd_kafka_topic_partition_list_t *ends = bench_ends(client, topic);
    rd_kafka_topic_partition_list_t *starts = rd_kafka_topic_partition_list_copy(ends);

    if (!ends->cnt)
        bench_die("there is no topic %s", topic);
    for (int i = 0; i < starts->cnt; i++)
        starts->elems[i].offset = RD_KAFKA_OFFSET_BEGINNING;
    if (rd_kafka_assign(client, starts))
        bench_die("cannot read %s", topic);
    rd_kafka_topic_partition_list_destroy(starts);
    return ends;
}

/* The group's committed offsets together; a partition without one counts as 0. */
static int64_t committed(rd_kafka_t *client, const rd_kafka_topic_partition_list_t *ends)
{
    rd_kafka_topic_partition_list_t *at = rd_kafka_topic_partition_list_copy(ends);
    int64_t sum = 0;

    /* An error is a coordinator that is still loading, or offsets that are being committed. */
    if (!rd_kafka_committed(client, at, 5000))
        for (int i = 0; i < at->cnt; i++)
            if (!at->elems[i].err && at->elems[i].offset > 0)
                sum += at->elems[i].offset;
    rd_kafka_topic_partition_list_destroy(at);
    return sum;
}

static void say(const char *what)
{
    printf("%s %" PRId64 "\n", what, bench_monotonic_ns());
    fflush(stdout);
}

static int wait_for(const char *bootstrap, const char *group, const char *input, const char *output)
{
    rd_kafka_t *reader = output_reader(bootstrap, "bench-watch");
    /* read_uncommitted: then the coordinator answers with what is committed at once, instead of
     * asking to come again while a transaction is open. */
    rd_kafka_t *offsets = bench_client(RD_KAFKA_CONSUMER, bootstrap, "group.id", group, "enable.auto.commit",
                                       "false", "isolation.level", "read_uncommitted", NULL);
    rd_kafka_topic_partition_list_t *ends = bench_ends(offsets, input);
    int64_t end = 0;

    for (int i = 0; i < ends->cnt; i++)
        end += ends->elems[i].offset;
    /* Everything is found before the clock runs: the coordinator, and the (empty) output's ends. */
    committed(offsets, ends);
    rd_kafka_topic_partition_list_t *starts = assign_from_start(reader, output);
    for (int open = starts->cnt; open;) {
        rd_kafka_message_t *message = rd_kafka_consumer_poll(reader, BENCH_TIMEOUT_MS);
        if (!message || !message->err)
            bench_die("%s is not empty, or cannot be read", output);
        /* Other errors pass: the topic was made just now, and its leader is being found. */
        open -= message->err == RD_KAFKA_RESP_ERR__PARTITION_EOF;
        rd_kafka_message_destroy(message);
    }
    rd_kafka_topic_partition_list_destroy(starts);
    say("ready");

    for (int done = 0; reader || !done;) {
        if (reader) {
            rd_kafka_message_t *message = rd_kafka_consumer_poll(reader, done ? 1000 : 5);
            int seen = message && !message->err;
            if (seen)
                say("first");
            if (message)
                rd_kafka_message_destroy(message);
            /* All is committed and nothing comes within a second: there is no result. */
            if (seen || (done && !message)) {
                rd_kafka_destroy(reader);
                reader = NULL;
            }
        } else {
            usleep(POLL_US);
        }
        if (!done && committed(offsets, ends) >= end) {
            say("done");
            done = 1;
        }
    }
    rd_kafka_topic_partition_list_destroy(ends);
    rd_kafka_destroy(offsets);
    return 0;
}

/* FNV-1a with a last mix: short records, and sums of it must not collide in a pattern. */
static uint64_t hash(uint64_t h, const void *data, size_t size)
{
    const unsigned char *p = data;

    h = (h ^ size) * UINT64_C(0x100000001b3);
    for (size_t i = 0; i < size; i++)
        h = (h ^ p[i]) * UINT64_C(0x100000001b3);
    h ^= h >> 32;
    h *= UINT64_C(0xd6e8feb86659fd93);
    return h ^ (h >> 32);
}

static int sum(const char *bootstrap, const char *output)
{
    rd_kafka_t *reader = output_reader(bootstrap, "bench-sum");
    rd_kafka_topic_partition_list_t *ends = assign_from_start(reader, output);
    int open = ends->cnt;
    int64_t count = 0;
    uint64_t total = 0;

    while (open) {
        rd_kafka_message_t *message = rd_kafka_consumer_poll(reader, BENCH_TIMEOUT_MS);
        if (!message)
            bench_die("%s does not come to its end: is a transaction open?", output);
        if (message->err == RD_KAFKA_RESP_ERR__PARTITION_EOF) {
            /* The end that a read_committed consumer sees stops before an open transaction. */
            if (message->offset >= ends->elems[message->partition].offset)
                open--;
        } else if (message->err) {
            bench_die("%s: %s", output, rd_kafka_message_errstr(message));
        } else {
            int64_t rest[2] = {message->partition, rd_kafka_message_timestamp(message, NULL)};
            uint64_t h = hash(UINT64_C(0xcbf29ce484222325), rest, sizeof(rest));
            h = hash(h, message->key, message->key_len);
            total += hash(h, message->payload, message->len);
            count++;
        }
        rd_kafka_message_destroy(message);
    }
    printf("%" PRId64 " %016" PRIx64 "\n", count, total);
    rd_kafka_topic_partition_list_destroy(ends);
    rd_kafka_consumer_close(reader);
    rd_kafka_destroy(reader);
    return 0;
}

int main(int argc, char **argv)
{
    if (argc == 6 && !strcmp(argv[1], "wait"))
        return wait_for(argv[2], argv[3], argv[4], argv[5]);
    if (argc == 4 && !strcmp(argv[1], "sum"))
        return sum(argv[2], argv[3]);
    bench_die("usage: bench_watch wait BOOTSTRAP GROUP INPUT OUTPUT | sum BOOTSTRAP OUTPUT");
}
