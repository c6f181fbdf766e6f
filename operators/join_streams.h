/* join_streams.h: between the files of the join of two streams.
 *
 *   row of a side ─┬─ 1. its time may close the wait of rows without a match   join_waiting
 *                  ├─ 2. it meets the held rows of the other side              join_held
 *                  ├─ 3. it is held itself
 *                  └─ what comes of it, as batches                             join_pairs
 *
 * Times, with `within before B after A grace G`:
 *
 *   a left row of time t meets right rows of [t - B, t + A], a right row left rows of [t - A, t + B];
 *   a row is held until its own side's time reaches t + B + A + G;
 *   a row without a match leaves when t + look + G < the join's time; look is A for the left, B for the
 *   right: after that no row can come that meets it.
 */
#ifndef SX_OPERATORS_JOIN_STREAMS_H
#define SX_OPERATORS_JOIN_STREAMS_H

#include "engine/base/clock.h"
#include "operators/join.h"

/* ---- The plan -------------------------------------------------------------------------------- */

struct sx_streams_side {
    const struct sx_schema *schema;
    uint16_t *columns; /* of `schema`: what is held of a row: all but its key */
    const struct sx_type **types;
    uint32_t column_count;
    int64_t back_ms, ahead_ms; /* its rows meet those of [t - back, t + ahead] */
    bool waits;                /* a row without a match goes on alone */
};

struct sx_streams_plan {
    enum sx_join_how how;
    struct sx_streams_side sides[2];
    int64_t grace_ms, retain_ms;
    int64_t span_ms; /* of a segment of the stores */
    const struct sx_schema *schema;
    const struct sx_type **key_types;
    uint32_t key_count;
};

/* ---- Held rows ------------------------------------------------------------------------------- */

/* Rows of one side, in a window store. A segment has the rows of `span_ms`; in it a key has one or more
 * chunks, each a value of a few rows in the order of their arrival:
 *
 *   key             chunks of this key (4, be) | ends (8, le) | rows       the first
 *   key | n (4,be)  0                          | ends         | rows       the n-th, n from 1
 *   a row:          time (8, le) | 1: it waits | size (4, be) | columns in row form
 *
 * `ends` is the largest time of the chunks before it. As times mostly grow, a lookup goes back from the
 * last chunk and seldom sees one that it does not need; adding a row rewrites one chunk. */
struct sx_held_row {
    int64_t ts;
    struct sx_slice bytes;
    uint32_t number; /* in order of arrival */
};

struct sx_held {
    int64_t span_ms;
    struct sx_buffer key, value;
    struct sx_held_row *found;
    uint32_t found_count, found_room;
    struct sx_slice *chunks;
    uint32_t chunk_room;
};

void sx_held_free(struct sx_held *held);
void sx_held_add(struct sx_held *held, struct sx_store *store, struct sx_slice key, int64_t ts, bool waits,
                 struct sx_slice bytes);

enum sx_held_mode {
    SX_HELD_ALL,
    SX_HELD_MATCH,  /* rows of times from `waiting_from` on wait no more: they have a match now */
    SX_HELD_WAITING /* only those that wait */
};
/* The rows of a key in [from, to] into held->found, by time, then arrival. */
void sx_held_find(struct sx_held *held, struct sx_store *store, struct sx_slice key, int64_t from, int64_t to,
                  enum sx_held_mode mode, int64_t waiting_from);

/* Rows that wait, of the first segment in [from, to) that has any rows; *next: from where to go on. */
typedef void (*sx_held_fn)(struct sx_slice key, int64_t ts, void *arg);
void sx_held_each_waiting(struct sx_store *store, int64_t from, int64_t to, int64_t span_ms, int64_t *next,
                          sx_held_fn fn, void *arg);

/* The start of the segment of a time. */
static inline int64_t sx_held_segment(int64_t span_ms, int64_t ts)
{
    int64_t since = ts % span_ms;

    return sx_time_plus(ts, since < 0 ? -since - span_ms : -since);
}

/* ---- Rows that wait, by time ----------------------------------------------------------------- */

/* A heap of the waiting rows of one side up to some time: what is later is loaded from the store, a
 * segment at once, when its time comes. It may name rows that wait no more: the store says which do. Up
 * to which time it is loaded is the operator's to keep, so that a rollback brings it back. */
struct sx_waiting {
    struct sx_store *store;
    int64_t span_ms;
    struct sx_waiting_row {
        int64_t ts;
        struct sx_slice key;
    } * rows;
    uint32_t count, room;
    struct sx_arena keys;
    size_t key_bytes; /* of the rows in it */
};

void sx_waiting_open(struct sx_waiting *waiting, struct sx_store *store, int64_t span_ms);
void sx_waiting_close(struct sx_waiting *waiting);
/* Forget all, and load the rows of [from, *loaded_to) again. */
void sx_waiting_renew(struct sx_waiting *waiting, int64_t from, const int64_t *loaded_to);
/* A row that begins to wait, and is in the store. */
void sx_waiting_add(struct sx_waiting *waiting, struct sx_slice key, int64_t ts, const int64_t *loaded_to);
/* The earliest before `limit`, by time, then key; NULL: none. */
const struct sx_waiting_row *sx_waiting_first(struct sx_waiting *waiting, int64_t limit, int64_t *loaded_to);
/* Take out the first, and all that are equal to it. Its key stays until sx_waiting_trim. */
struct sx_waiting_row sx_waiting_take(struct sx_waiting *waiting);
/* Give back the memory of keys that were taken out. */
void sx_waiting_trim(struct sx_waiting *waiting);

/* ---- Joined rows ----------------------------------------------------------------------------- */

/* Joined rows waiting to be emitted as a batch. One half of a pair is a row of the batch in hand, or
 * held bytes, or nothing. */
struct sx_pairs;
/* `batch` may have no columns, when all rows are held ones. */
struct sx_pairs *sx_pairs_new(struct sx_node *node, const struct sx_streams_plan *plan,
                              const struct sx_batch *batch, uint32_t side);
/* The row of the batch with a held one of the other side, or alone (held.data NULL). */
void sx_pairs_add(struct sx_pairs *pairs, uint32_t row, struct sx_slice held, int64_t ts);
/* A held row of `side` alone, with its key; `row` of the batch is what caused it to leave. */
void sx_pairs_add_held(struct sx_pairs *pairs, uint32_t row, uint32_t side, struct sx_slice key,
                       struct sx_slice held, int64_t ts);
void sx_pairs_flush(struct sx_pairs *pairs);

/* ---- The plan, by parts ---------------------------------------------------------------------- */

/* What is held of a side: all columns but the first `keys`. */
void sx_streams_hold(struct sx_bind *b, struct sx_streams_side *side, const struct sx_schema *schema,
                     uint32_t keys);
/* The span of a segment, when lookups reach over `reach_ms` and rows are kept for `retain_ms`. */
int64_t sx_streams_span(int64_t reach_ms, int64_t retain_ms);

#endif
