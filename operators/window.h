/* window.h: the arithmetic of windows that are the same for all keys.
 *
 *   tumbling 10 offset 2      ...|--------|--------|...      [2, 12) [12, 22)
 *   hopping 10 every 4        [0, 10) [4, 14) [8, 18) ...    starts are n * 4, n >= 0
 *   day in "Europe/Paris"     ...|-----|----|------|...      midnight to midnight
 *
 * A row of time t is in every window with start <= t < end. A window is closed, takes no more rows and
 * is final, when end + grace <= stream time.
 */
#ifndef SX_OPERATORS_WINDOW_H
#define SX_OPERATORS_WINDOW_H

#include "operators/calendar.h"
#include "operators/common.h"

/* For describe; and what stored rows of these windows depend on. */
void sx_window_print(const struct sx_window_spec *spec, struct sx_buffer *to);
/* What the rows kept in windows depend on. */
void sx_window_fingerprint(const struct sx_window_spec *spec, struct sx_buffer *to);

/* The first (oldest) window that holds `t`; t >= 0. */
static inline struct sx_window sx_window_first(const struct sx_window_spec *spec, int64_t t)
{
    int64_t advance = spec->advance_ms;
    int64_t last, first;

    if (spec->kind == SX_WINDOW_TUMBLING) {
        int64_t since = (t - spec->offset_ms) % spec->size_ms;
        first = t - (since < 0 ? since + spec->size_ms : since);
        return (struct sx_window){first, first + spec->size_ms};
    }
    if (spec->kind == SX_WINDOW_CALENDAR)
        return sx_calendar_window(spec->calendar, t);
    last = t - t % advance;
    first = SX_MAX(last - (spec->size_ms - 1 - t % advance) / advance * advance, 0);
    return (struct sx_window){first, first + spec->size_ms};
}

/* The next one; false: it does not hold `t`. */
static inline bool sx_window_next(const struct sx_window_spec *spec, int64_t t, struct sx_window *window)
{
    if (spec->kind != SX_WINDOW_HOPPING)
        return false;
    window->start += spec->advance_ms;
    window->end += spec->advance_ms;
    return window->start <= t;
}

/* The size that all its windows have; -1: sessions; 0: it varies, or no window (NULL). */
static inline int64_t sx_window_size_of(const struct sx_window_spec *spec)
{
    if (spec == NULL || spec->kind == SX_WINDOW_CALENDAR)
        return 0;
    return spec->kind == SX_WINDOW_SESSION ? -1 : spec->size_ms;
}

#endif
