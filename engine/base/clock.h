/* clock.h: the clock is an argument. Nothing under test reads the machine's. */
#ifndef SX_CLOCK_H
#define SX_CLOCK_H

#include "engine/base/base.h"

/* wall_ms: milliseconds since 1970 UTC. now_ms: monotonic, for waiting. */
struct sx_clock {
    int64_t (*wall_ms)(void *arg);
    int64_t (*now_ms)(void *arg);
    void *arg;
};

/* The machine's. Threads: any. */
extern const struct sx_clock sx_clock_system;

static inline int64_t sx_wall_ms(const struct sx_clock *clock) { return clock->wall_ms(clock->arg); }
static inline int64_t sx_now_ms(const struct sx_clock *clock) { return clock->now_ms(clock->arg); }

/* A clock that stands still until told otherwise; both times are the same field. */
struct sx_manual_clock {
    struct sx_clock clock;
    int64_t ms;
};
void sx_manual_clock_init(struct sx_manual_clock *clock, int64_t ms);

/* A time and a span, without leaving the numbers. */
static inline int64_t sx_time_plus(int64_t time, int64_t span)
{
    int64_t sum;

    return __builtin_add_overflow(time, span, &sum) ? (span < 0 ? INT64_MIN : INT64_MAX) : sum;
}

#endif
