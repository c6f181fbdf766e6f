/* timed.h: rows of a window store that are walked in the order of a time and a key.
 *
 *   segment   the time, rounded down to the width
 *   key       't' | time (8, sorted) | key
 *
 * The store forgets by segment, so a width is a compromise: as many segments as there are widths between
 * the oldest row and the newest, and rows of one width are forgotten together. Times are >= 0.
 */
#ifndef SX_OPERATORS_TIMED_H
#define SX_OPERATORS_TIMED_H

#include "operators/common.h"

/* The width for rows that are kept for `span_ms`. */
static inline int64_t sx_timed_width(int64_t span_ms) { return SX_MAX(span_ms / 64, 1); }

static inline int64_t sx_timed_segment(int64_t width, int64_t time) { return time - time % width; }

/* Forget rows of times before `time`, or most of them; and other segments before it. */
static inline void sx_timed_drop_before(struct sx_store *store, int64_t width, int64_t time)
{
    sx_store_drop_before(store, sx_timed_segment(width, time));
}

/* Where the row is in its segment: bytes in `to`. */
struct sx_slice sx_timed_key(struct sx_buffer *to, int64_t time, struct sx_slice key);

/* False stops the walk. */
typedef bool (*sx_timed_walk_fn)(int64_t time, struct sx_slice key, struct sx_slice value, void *arg);
/* The rows from this time and key on with times before `to`, by time, then key. As with all walks the store
 * must not be touched meanwhile. */
void sx_timed_walk(struct sx_store *store, int64_t width, int64_t from, struct sx_slice from_key, int64_t to,
                   sx_timed_walk_fn fn, void *arg);

typedef void (*sx_timed_fn)(int64_t time, struct sx_slice key, struct sx_slice value, void *arg);
/* The rows with times in [from, to), by time, then key. The store must not be touched meanwhile. */
void sx_timed_each(struct sx_store *store, int64_t width, int64_t from, int64_t to, sx_timed_fn fn,
                   void *arg);

#endif
