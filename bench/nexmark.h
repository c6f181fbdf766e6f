/* Nexmark's events from a seed: the same options and number give the same bytes on every machine.
 * An event is a pure function of these, so that a part of them can be made again alone. */
#ifndef BENCH_NEXMARK_H
#define BENCH_NEXMARK_H

#include <stddef.h>
#include <stdint.h>

enum nexmark_kind { NEXMARK_PERSON, NEXMARK_AUCTION, NEXMARK_BID, NEXMARK_KINDS };

#define NEXMARK_EVENT_MAX 1024

struct nexmark_event {
    enum nexmark_kind kind;
    int64_t key;     /* the person's or auction's id; of a bid its auction */
    int64_t time_ms; /* event time, also in the field dateTime */
    size_t size;
    char json[NEXMARK_EVENT_MAX]; /* compact, not terminated */
};

struct nexmark_options {
    uint64_t seed;
    int64_t event_us; /* event time from one event to the next, in microseconds */
    int64_t disorder; /* events are shown out of order within so many of them; 1: in order */
};

/* Topic of each kind. */
extern const char *const nexmark_topic[NEXMARK_KINDS];

/* The number of the event that is shown at a place, both from 0. */
int64_t nexmark_shown(const struct nexmark_options *options, int64_t place);
void nexmark_event(struct nexmark_event *event, const struct nexmark_options *options, int64_t number);

#endif
