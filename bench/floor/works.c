/* What each work does with a bid: bench/topologies has the same as streamd's topologies. */
#include "floor.h"
#include "kafka.h"

#include <stdlib.h>

#define WINDOW_MS 10000

struct floor_group {
    int64_t auction;
    int64_t bids;
    int64_t total;
    int64_t time_ms; /* the latest bid's: a window's row leaves with it */
};

/* ---- numbers and objects as text ------------------------------------------------------------- */

static char *put_int(char *at, int64_t value)
{
    static const char pairs[] = "00010203040506070809101112131415161718192021222324252627282930313233"
                                "34353637383940414243444546474849505152535455565758596061626364656667"
                                "6869707172737475767778798081828384858687888990919293949596979899";
    char digits[20];
    char *from = digits + sizeof(digits);
    uint64_t rest = value < 0 ? -(uint64_t)value : (uint64_t)value;

    if (value < 0)
        *at++ = '-';
    while (rest >= 100) {
        from -= 2;
        memcpy(from, pairs + rest % 100 * 2, 2);
        rest /= 100;
    }
    if (rest >= 10) {
        from -= 2;
        memcpy(from, pairs + rest * 2, 2);
    } else {
        *--from = (char)('0' + rest);
    }
    memcpy(at, from, (size_t)(digits + sizeof(digits) - from));
    return at + (digits + sizeof(digits) - from);
}

/* PREFIX is a literal: the braces, commas, names and colons up to the number. */
#define PUT(at, prefix, value)                        \
    do {                                              \
        memcpy(at, prefix, sizeof(prefix) - 1);       \
        at = put_int(at + sizeof(prefix) - 1, value); \
    } while (0)

/* ---- in and out ------------------------------------------------------------------------------ */

static void read_bid(struct floor_worker *worker, const rd_kafka_message_t *message, int time,
                     struct floor_bid *bid)
{
    if (worker->read(worker->parser, message->payload, message->len, time, bid))
        bench_die("partition %d, offset %ld: not a bid", (int)message->partition, (long)message->offset);
}

static void produce(struct floor_worker *worker, const void *key, size_t key_size, const char *value,
                    size_t size, int64_t time_ms)
{
    const rd_kafka_vu_t parts[] = {
        {.vtype = RD_KAFKA_VTYPE_RKT, .u.rkt = worker->output},
        {.vtype = RD_KAFKA_VTYPE_PARTITION, .u.i32 = bench_partition(key, key_size)},
        {.vtype = RD_KAFKA_VTYPE_KEY, .u.mem = {(void *)key, key_size}},
        {.vtype = RD_KAFKA_VTYPE_VALUE, .u.mem = {(void *)value, size}},
        {.vtype = RD_KAFKA_VTYPE_TIMESTAMP, .u.i64 = time_ms},
        {.vtype = RD_KAFKA_VTYPE_MSGFLAGS, .u.i = RD_KAFKA_MSG_F_COPY},
    };

    for (;;) {
        rd_kafka_error_t *error =
            rd_kafka_produceva(worker->producer, parts, sizeof(parts) / sizeof(parts[0]));
        if (!error)
            return;
        if (rd_kafka_error_code(error) != RD_KAFKA_RESP_ERR__QUEUE_FULL)
            bench_die("produce: %s", rd_kafka_error_string(error));
        rd_kafka_error_destroy(error);
        rd_kafka_poll(worker->producer, 20);
    }
}

/* ---- filter and map -------------------------------------------------------------------------- */

static void work_filter(struct floor_worker *worker, const rd_kafka_message_t *message)
{
    struct floor_bid bid;
    char value[128];
    char *at = value;

    read_bid(worker, message, 0, &bid);
    if (bid.auction % 123 != 0)
        return;
    PUT(at, "{\"auction\":", bid.auction);
    PUT(at, ",\"price\":", bid.price);
    PUT(at, ",\"bidder\":", bid.bidder);
    *at++ = '}';
    produce(worker, message->key, message->key_len, value, (size_t)(at - value),
            rd_kafka_message_timestamp(message, NULL));
}

static void work_map(struct floor_worker *worker, const rd_kafka_message_t *message)
{
    struct floor_bid bid;
    char value[128];
    char *at = value;

    read_bid(worker, message, 0, &bid);
    PUT(at, "{\"auction\":", bid.auction);
    PUT(at, ",\"bidder\":", bid.bidder);
    PUT(at, ",\"price\":", bid.price);
    *at++ = '}';
    produce(worker, message->key, message->key_len, value, (size_t)(at - value),
            rd_kafka_message_timestamp(message, NULL));
}

/* ---- count ----------------------------------------------------------------------------------- */

/* The group's place, or the free one where it belongs. */
static struct floor_group *find(struct floor_group *groups, size_t capacity, int64_t auction)
{
    size_t at = (size_t)(((uint64_t)auction * UINT64_C(0x9e3779b97f4a7c15)) >> 32);

    for (;; at++) {
        struct floor_group *group = &groups[at & (capacity - 1)];
        if (!group->bids || group->auction == auction)
            return group;
    }
}

static void grow(struct floor_window *window)
{
    size_t capacity = window->capacity ? 2 * window->capacity : 1024;
    struct floor_group *groups = calloc(capacity, sizeof(*groups));

    if (!groups)
        bench_die("out of memory");
    for (size_t i = 0; i < window->capacity; i++)
        if (window->groups[i].bids)
            *find(groups, capacity, window->groups[i].auction) = window->groups[i];
    free(window->groups);
    window->groups = groups;
    window->capacity = capacity;
}

static void close_window(struct floor_worker *worker, struct floor_window *window)
{
    for (size_t i = 0; i < window->capacity; i++) {
        const struct floor_group *group = &window->groups[i];
        uint8_t key[8];
        char value[128];
        char *at = value;

        if (!group->bids)
            continue;
        bench_key(key, group->auction);
        PUT(at, "{\"bids\":", group->bids);
        PUT(at, ",\"total\":", group->total);
        PUT(at, ",\"window_start\":", window->start_ms);
        PUT(at, ",\"window_end\":", window->start_ms + WINDOW_MS);
        *at++ = '}';
        produce(worker, key, sizeof(key), value, (size_t)(at - value), group->time_ms);
    }
    if (window->used)
        memset(window->groups, 0, window->capacity * sizeof(*window->groups));
    window->used = 0;
}

static void work_count(struct floor_worker *worker, const rd_kafka_message_t *message)
{
    struct floor_window *window = &worker->windows[message->partition];
    struct floor_bid bid;

    read_bid(worker, message, 1, &bid);
    int64_t start_ms = bid.time_ms - bid.time_ms % WINDOW_MS;
    if (start_ms < window->start_ms) {
        window->late++;
        return;
    }
    if (start_ms > window->start_ms) {
        close_window(worker, window);
        window->start_ms = start_ms;
    }
    if (4 * window->used >= 3 * window->capacity)
        grow(window);

    struct floor_group *group = find(window->groups, window->capacity, bid.auction);
    if (!group->bids) {
        group->auction = bid.auction;
        window->used++;
    }
    group->bids++;
    if (__builtin_add_overflow(group->total, bid.price, &group->total))
        bench_die("a total is too large");
    if (bid.time_ms > group->time_ms)
        group->time_ms = bid.time_ms;
}

floor_work_fn *floor_work(const char *name)
{
    return !strcmp(name, "filter")  ? work_filter
           : !strcmp(name, "map")   ? work_map
           : !strcmp(name, "count") ? work_count
                                    : NULL;
}
