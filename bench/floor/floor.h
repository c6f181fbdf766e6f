/* The floor: what a run costs at least, written by hand against librdkafka and simdjson.
 *
 * main.c consumes and commits, works.c does what the work asks, json.cc reads. There is no engine:
 * no plan, no state that survives, no metrics. */
#ifndef BENCH_FLOOR_H
#define BENCH_FLOOR_H

#include "partition.h"

#include <librdkafka/rdkafka.h>
#include <stdint.h>

struct floor_bid {
    int64_t auction;
    int64_t bidder;
    int64_t price;
    int64_t time_ms;
};

/* Reads a bid's JSON. With `time`, the field dateTime too; it stands far behind the others. Returns
 * 0, or -1 if it is not such JSON. One parser per thread. */
typedef int floor_read_fn(void *parser, const char *json, size_t size, int time, struct floor_bid *bid);

/* A reader for this processor, and its parser; it lives as long as the program. */
floor_read_fn *floor_reader(void **parser);

struct floor_group;

/* The window that is open in a partition: with grace 0 and windows that do not overlap it is the
 * one that holds stream time, so the groups of one suffice. */
struct floor_window {
    int64_t start_ms;
    int64_t late;
    struct floor_group *groups; /* open addressing; bids == 0 is free */
    size_t capacity;            /* a power of two */
    size_t used;
};

/* What one thread has; its partitions' windows are its own. */
struct floor_worker {
    rd_kafka_t *producer;
    rd_kafka_topic_t *output;
    floor_read_fn *read;
    void *parser;
    struct floor_window windows[BENCH_PARTITIONS];
};

typedef void floor_work_fn(struct floor_worker *worker, const rd_kafka_message_t *message);

/* The work of this name, or NULL. */
floor_work_fn *floor_work(const char *name);

#endif
