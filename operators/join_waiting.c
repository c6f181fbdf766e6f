/* join_waiting.c: which row without a match is the next to leave. See join_streams.h. */
#include "operators/join_streams.h"

#include <stdlib.h>

#define TRIM_BYTES (64 * 1024)

void sx_waiting_open(struct sx_waiting *waiting, struct sx_store *store, int64_t span_ms)
{
    *waiting = (struct sx_waiting){.store = store, .span_ms = span_ms};
    sx_arena_init(&waiting->keys, 0);
}

void sx_waiting_close(struct sx_waiting *waiting)
{
    sx_arena_free(&waiting->keys);
    free(waiting->rows);
}

static bool is_before(const struct sx_waiting_row *a, const struct sx_waiting_row *b)
{
    return a->ts != b->ts ? a->ts < b->ts : sx_slice_compare(a->key, b->key) < 0;
}

static void push(struct sx_waiting *waiting, struct sx_slice key, int64_t ts)
{
    struct sx_waiting_row row = {ts, sx_arena_copy(&waiting->keys, key)};
    uint32_t at = waiting->count++;

    if (at == waiting->room) {
        waiting->room = waiting->room ? waiting->room * 2 : 64;
        waiting->rows = sx_realloc(waiting->rows, waiting->room * sizeof(*waiting->rows));
    }
    waiting->key_bytes += key.size;
    for (; at > 0 && is_before(&row, &waiting->rows[(at - 1) / 2]); at = (at - 1) / 2)
        waiting->rows[at] = waiting->rows[(at - 1) / 2];
    waiting->rows[at] = row;
}

static void take_one(struct sx_waiting *waiting)
{
    struct sx_waiting_row last = waiting->rows[--waiting->count];
    uint32_t at = 0;

    waiting->key_bytes -= waiting->rows[0].key.size;
    for (;;) {
        uint32_t child = at * 2 + 1;

        if (child + 1 < waiting->count && is_before(&waiting->rows[child + 1], &waiting->rows[child]))
            child++;
        if (child >= waiting->count || !is_before(&waiting->rows[child], &last))
            break;
        waiting->rows[at] = waiting->rows[child];
        at = child;
    }
    waiting->rows[at] = last;
}

struct sx_waiting_row sx_waiting_take(struct sx_waiting *waiting)
{
    struct sx_waiting_row row = waiting->rows[0];

    do
        take_one(waiting);
    while (waiting->count && waiting->rows[0].ts == row.ts && sx_slice_equal(waiting->rows[0].key, row.key));
    return row;
}

/* ---- Loading --------------------------------------------------------------------------------- */

struct loading {
    struct sx_waiting *waiting;
    int64_t from, to;
};

static void load_row(struct sx_slice key, int64_t ts, void *arg)
{
    struct loading *l = arg;

    if (ts >= l->from && ts < l->to)
        push(l->waiting, key, ts);
}

/* The rows of [from, to) that wait, up to the end of the first segment that has rows; gives where it
 * stopped. */
static int64_t load(struct sx_waiting *waiting, int64_t from, int64_t to)
{
    struct loading l = {waiting, from, to};
    int64_t next;

    sx_held_each_waiting(waiting->store, from, to, waiting->span_ms, &next, load_row, &l);
    return next;
}

void sx_waiting_renew(struct sx_waiting *waiting, int64_t from, const int64_t *loaded_to)
{
    waiting->count = 0;
    waiting->key_bytes = 0;
    sx_arena_reset(&waiting->keys);
    while (from < *loaded_to)
        from = load(waiting, from, *loaded_to);
}

void sx_waiting_add(struct sx_waiting *waiting, struct sx_slice key, int64_t ts, const int64_t *loaded_to)
{
    if (ts < *loaded_to)
        push(waiting, key, ts);
}

const struct sx_waiting_row *sx_waiting_first(struct sx_waiting *waiting, int64_t limit, int64_t *loaded_to)
{
    while (waiting->count == 0 && *loaded_to < limit) {
        /* The whole segment that the limit is in, so that it is walked once. */
        int64_t to = sx_time_plus(sx_held_segment(waiting->span_ms, limit - 1), waiting->span_ms);

        *loaded_to = load(waiting, *loaded_to, to);
    }
    return waiting->count && waiting->rows[0].ts < limit ? &waiting->rows[0] : NULL;
}

void sx_waiting_trim(struct sx_waiting *waiting)
{
    struct sx_arena keys;

    if (waiting->count == 0) {
        sx_arena_reset(&waiting->keys);
        return;
    }
    if (sx_arena_bytes(&waiting->keys) < TRIM_BYTES + 4 * (waiting->key_bytes + waiting->count * 16ull))
        return;
    sx_arena_init(&keys, 0);
    for (uint32_t i = 0; i < waiting->count; i++)
        waiting->rows[i].key = sx_arena_copy(&keys, waiting->rows[i].key);
    sx_arena_free(&waiting->keys);
    waiting->keys = keys;
}
