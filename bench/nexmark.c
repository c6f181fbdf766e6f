/* Nexmark's events; the constants are those of the public generator. */
#include "nexmark.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* 2024-01-01T00:00:00Z: a multiple of every window that the works use, and past everywhere: brokers
 * refuse records from the future. */
#define BASE_TIME_MS INT64_C(1704067200000)

#define FIRST_ID 1000
#define FIRST_CATEGORY 10
#define ID_LEAD 10
#define AUCTIONS_IN_FLIGHT 100
#define PEOPLE_ACTIVE 1000
#define HOT_GROUP 100
#define HOT_AUCTION_RATIO 2
#define HOT_SELLER_RATIO 4
#define HOT_BIDDER_RATIO 4
#define CHANNELS 10000

/* Of every 50 events the first is a person, the next three are auctions, the rest bids. */
#define EPOCH 50
#define AUCTIONS_PER_EPOCH 3

const char *const nexmark_topic[NEXMARK_KINDS] = {"persons", "auctions", "bids"};

static const char *const states[] = {"AZ", "CA", "ID", "OR", "WA", "WY"};
static const char *const cities[] = {"Phoenix", "Los Angeles", "San Francisco", "Boise", "Portland",
                                     "Bend",    "Redmond",     "Seattle",       "Kent",  "Cheyenne"};
static const char *const first_names[] = {"Peter", "Paul",  "Luke",  "John",   "Saul",  "Vicky",
                                          "Kate",  "Julie", "Sarah", "Deiter", "Walter"};
static const char *const last_names[] = {"Shultz", "Abrams", "Spencer", "White", "Bartels",
                                         "Walton", "Smith",  "Jones",   "Noris"};
static const char *const hot_channels[] = {"Google", "Facebook", "Baidu", "Apple"};

#define PICK(r, list) (list)[below(r, sizeof(list) / sizeof((list)[0]))]

/* splitmix64: small, and its state can be set from an event's number. */
static uint64_t next(uint64_t *state)
{
    uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);

    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

static int64_t below(uint64_t *r, uint64_t bound)
{
    return (int64_t)(((unsigned __int128)next(r) * bound) >> 64);
}

/* round(10^(6u) * 100) by a table of 6 x 256 steps and straight lines between them, because
 * pow()'s last digits differ between libraries and the bytes must not. 10^(1/256) is the only
 * constant; products of doubles are the same everywhere. */
static int64_t price(uint64_t *r)
{
    static double steps[6 * 256 + 1];
    uint64_t u = next(r) >> 32;
    uint64_t at = (u * (6 * 256)) >> 32;
    double part = (double)((u * (6 * 256)) & 0xffffffff) / 4294967296.0;

    if (!steps[0]) {
        for (int i = 6 * 256; i >= 0; i--) {
            double value = 100;
            for (int j = 0; j < i / 256; j++)
                value *= 10;
            for (int j = 0; j < i % 256; j++)
                value *= 1.0090350448414473;
            steps[i] = value;
        }
    }
    return (int64_t)(steps[at] + part * (steps[at + 1] - steps[at]) + 0.5);
}

/* Numbers of the last person and auction made at or before this event, from 0. */
static int64_t last_person(int64_t number) { return number / EPOCH; }

static int64_t last_auction(int64_t number)
{
    int64_t at = number % EPOCH;
    int64_t done = at < 1 ? 0 : at > AUCTIONS_PER_EPOCH ? AUCTIONS_PER_EPOCH : at;

    return number / EPOCH * AUCTIONS_PER_EPOCH + done - 1;
}

static int64_t some_person(uint64_t *r, int64_t number)
{
    int64_t people = last_person(number) + 1;
    int64_t active = people < PEOPLE_ACTIVE ? people : PEOPLE_ACTIVE;

    return people - active + below(r, (uint64_t)active + ID_LEAD);
}

static int64_t some_auction(uint64_t *r, int64_t number)
{
    int64_t last = last_auction(number);
    int64_t first = last > AUCTIONS_IN_FLIGHT ? last - AUCTIONS_IN_FLIGHT : 0;

    return first + below(r, (uint64_t)(last - first + 1 + ID_LEAD));
}

static void add(struct nexmark_event *e, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void add(struct nexmark_event *e, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    e->size += (size_t)vsnprintf(e->json + e->size, sizeof(e->json) - e->size, format, args);
    va_end(args);
}

static void add_letters(struct nexmark_event *e, uint64_t *r, int64_t count)
{
    for (int64_t i = 0; i < count; i++)
        e->json[e->size++] = (char)('a' + below(r, 26));
}

/* The field `extra`, a fifth more or less than size. */
static void add_extra(struct nexmark_event *e, uint64_t *r, int64_t size)
{
    int64_t delta = size / 5;

    add(e, ",\"extra\":\"");
    add_letters(e, r, size - delta + below(r, (uint64_t)(2 * delta + 1)));
    add(e, "\"}");
}

static void person(struct nexmark_event *e, uint64_t *r, int64_t number)
{
    const char *first = PICK(r, first_names);
    const char *last = PICK(r, last_names);

    e->key = FIRST_ID + last_person(number);
    add(e, "{\"id\":%" PRId64 ",\"name\":\"%s %s\",\"emailAddress\":\"", e->key, first, last);
    add_letters(e, r, 7);
    add(e, "@");
    add_letters(e, r, 5);
    add(e, ".com\",\"creditCard\":\"");
    for (int i = 0; i < 4; i++) /* a call each: the order of arguments' evaluation is open */
        add(e, i ? " %04d" : "%04d", (int)below(r, 10000));
    add(e, "\"");
    add(e, ",\"city\":\"%s\"", PICK(r, cities));
    add(e, ",\"state\":\"%s\",\"dateTime\":%" PRId64, PICK(r, states), e->time_ms);
    add_extra(e, r, 20);
}

static void auction(struct nexmark_event *e, uint64_t *r, int64_t number, int64_t event_us)
{
    int64_t hot = last_person(number) / HOT_GROUP * HOT_GROUP;
    int64_t seller = below(r, HOT_SELLER_RATIO) > 0 ? hot : some_person(r, number);
    int64_t initial = price(r);

    e->key = FIRST_ID + last_auction(number);
    add(e, "{\"id\":%" PRId64 ",\"itemName\":\"", e->key);
    add_letters(e, r, 10 + below(r, 11));
    add(e, "\",\"description\":\"");
    add_letters(e, r, 50 + below(r, 51));
    add(e, "\",\"initialBid\":%" PRId64 ",\"reserve\":%" PRId64, initial, initial + price(r));
    /* It lives until about AUCTIONS_IN_FLIGHT further auctions have come. */
    add(e, ",\"dateTime\":%" PRId64 ",\"expires\":%" PRId64, e->time_ms,
        e->time_ms + 1 +
            below(r, (uint64_t)(2 * AUCTIONS_IN_FLIGHT * EPOCH / AUCTIONS_PER_EPOCH * event_us / 1000)));
    add(e, ",\"seller\":%" PRId64 ",\"category\":%d", FIRST_ID + seller, FIRST_CATEGORY + (int)below(r, 5));
    add_extra(e, r, 270);
}

static void bid(struct nexmark_event *e, uint64_t *r, int64_t number)
{
    int64_t hot_auction = last_auction(number) / HOT_GROUP * HOT_GROUP;
    int64_t hot_bidder = last_person(number) / HOT_GROUP * HOT_GROUP + 1;
    int64_t bidder;

    e->key = FIRST_ID + (below(r, HOT_AUCTION_RATIO) > 0 ? hot_auction : some_auction(r, number));
    bidder = below(r, HOT_BIDDER_RATIO) > 0 ? hot_bidder : some_person(r, number);
    add(e, "{\"auction\":%" PRId64 ",\"bidder\":%" PRId64 ",\"price\":%" PRId64, e->key, FIRST_ID + bidder,
        price(r));

    int channel = (int)below(r, CHANNELS);
    int hot_channel = below(r, 2) > 0;
    if (hot_channel)
        add(e, ",\"channel\":\"%s\"", hot_channels[channel % 4]);
    else
        add(e, ",\"channel\":\"channel-%d\"", channel);
    add(e, ",\"url\":\"https://www.nexmark.com/");
    for (int i = 0; i < 3; i++) {
        add_letters(e, r, 5);
        add(e, "/");
    }
    add(e, "item.htm?query=1");
    if (!hot_channel && below(r, 10) > 0)
        add(e, "&channel_id=%d", channel);
    add(e, "\",\"dateTime\":%" PRId64, e->time_ms);
    add_extra(e, r, 35);
}

int64_t nexmark_shown(const struct nexmark_options *options, int64_t place)
{
    int64_t n = options->disorder;

    return place / n * n + place * 953 % n;
}

void nexmark_event(struct nexmark_event *event, const struct nexmark_options *options, int64_t number)
{
    uint64_t r = options->seed ^ ((uint64_t)number * UINT64_C(0xd1342543de82ef95));
    int64_t at = number % EPOCH;

    next(&r); /* neighbouring numbers must not begin with neighbouring values */
    event->size = 0;
    event->time_ms = BASE_TIME_MS + number * options->event_us / 1000;
    if (at == 0) {
        event->kind = NEXMARK_PERSON;
        person(event, &r, number);
    } else if (at <= AUCTIONS_PER_EPOCH) {
        event->kind = NEXMARK_AUCTION;
        auction(event, &r, number, options->event_us);
    } else {
        event->kind = NEXMARK_BID;
        bid(event, &r, number);
    }
}
