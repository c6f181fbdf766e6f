/* window.h: the arithmetic of aligned windows.
 *
 *   tumbling 10 offset 2      ...|--------|--------|...      [2, 12) [12, 22)
 *   hopping 10 every 4        [0, 10) [4, 14) [8, 18) ...    starts are n * 4, n >= 0
 *
 * A row of time t is in every window with start <= t < start + size. A window is closed, takes no
 * more rows and is final, when start + size + grace <= stream time.
 */
#ifndef SX_OPERATORS_WINDOW_H
#define SX_OPERATORS_WINDOW_H

#include "engine/graph/operator.h"

/* The start of the first (oldest) window that holds `t`; the next ones follow every advance_ms while
 * they are <= t. t >= 0. */
static inline int64_t sx_window_first(const struct sx_window_spec *spec, int64_t t)
{
    int64_t advance = spec->advance_ms;
    int64_t last, first;

    if (spec->kind == SX_WINDOW_TUMBLING) {
        int64_t since = (t - spec->offset_ms) % spec->size_ms;
        return t - (since < 0 ? since + spec->size_ms : since);
    }
    last = t - t % advance;
    first = last - (spec->size_ms - 1 - t % advance) / advance * advance;
    return SX_MAX(first, 0);
}

/* The first window's start that is not before `t`. */
static inline int64_t sx_window_start_from(const struct sx_window_spec *spec, int64_t t)
{
    int64_t since = (t - spec->offset_ms) % spec->advance_ms;
    return since == 0 ? t : t + (since < 0 ? -since : spec->advance_ms - since);
}

/* The size that all its windows have; -1: sessions; 0: it varies, or no window (NULL). */
static inline int64_t sx_window_size_of(const struct sx_window_spec *spec)
{
    return spec == NULL ? 0 : spec->size_ms;
}

/* The first start that is not closed at this stream time: windows with an earlier one are. */
static inline int64_t sx_window_open_from(const struct sx_window_spec *spec, int64_t stream_time)
{
    return stream_time - spec->size_ms - spec->grace_ms + 1;
}

#endif
