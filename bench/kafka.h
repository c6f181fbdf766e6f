/* What the benchmark's tools share of Kafka: settings, topics, ends. Errors end the program with 1
 * and a line on standard error: a measurement with a hole in it is worth nothing. */
#ifndef BENCH_KAFKA_H
#define BENCH_KAFKA_H

#include <librdkafka/rdkafka.h>
#include <stdarg.h>
#include <stdint.h>

#define BENCH_TIMEOUT_MS 30000

/* Prints the message and exits with 1. */
void bench_die(const char *format, ...) __attribute__((noreturn, format(printf, 1, 2)));

/* A client with these settings: name, value, …, NULL. */
rd_kafka_t *bench_client(rd_kafka_type_t type, const char *bootstrap, ...);

/* Deletes the topics that exist, waits until they are gone, and creates them anew, empty and
 * without a time limit, because event times are old. */
void bench_topics_recreate(rd_kafka_t *client, const char *const *names, int count, int partitions);

/* Deletes every topic whose name begins with prefix. */
void bench_topics_forget(rd_kafka_t *client, const char *prefix);

/* Number of partitions, 0 if there is no such topic. */
int bench_partitions(rd_kafka_t *client, const char *topic);

/* A topic's partitions with their end offsets; the caller frees the list. */
rd_kafka_topic_partition_list_t *bench_ends(rd_kafka_t *client, const char *topic);

int64_t bench_monotonic_ns(void);

#endif
