/* clock.c: see clock.h. */
#include "engine/base/clock.h"

#include <time.h>

static int64_t read_ms(clockid_t id)
{
    struct timespec t;

    clock_gettime(id, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static int64_t system_wall(void *arg) { return read_ms(CLOCK_REALTIME); }
static int64_t system_now(void *arg) { return read_ms(CLOCK_MONOTONIC); }

const struct sx_clock sx_clock_system = {system_wall, system_now, NULL};

static int64_t manual(void *arg) { return ((const struct sx_manual_clock *)arg)->ms; }

void sx_manual_clock_init(struct sx_manual_clock *clock, int64_t ms)
{
    clock->clock = (struct sx_clock){manual, manual, clock};
    clock->ms = ms;
}
