/* timed.c: see timed.h. */
#include "operators/timed.h"

enum { HEAD_BYTES = 9 };

static void write_head(char *at, int64_t time)
{
    at[0] = 't';
    sx_put_sorted64(at + 1, time);
}

struct sx_slice sx_timed_key(struct sx_buffer *to, int64_t time, struct sx_slice key)
{
    to->size = 0;
    write_head(sx_buffer_room(to, HEAD_BYTES), time);
    to->size = HEAD_BYTES;
    sx_buffer_add_slice(to, key);
    return sx_buffer_slice(to);
}

struct walk {
    sx_timed_walk_fn fn;
    void *arg;
    bool stopped;
};

static bool step(int64_t segment, struct sx_slice key, struct sx_slice value, void *arg)
{
    struct walk *walk = arg;

    if (key.size >= HEAD_BYTES && key.data[0] == 't')
        walk->stopped = !walk->fn(sx_get_sorted64(key.data + 1),
                                  sx_slice(key.data + HEAD_BYTES, key.size - HEAD_BYTES), value, walk->arg);
    return !walk->stopped;
}

void sx_timed_walk(struct sx_store *store, int64_t width, int64_t from, struct sx_slice from_key, int64_t to,
                   sx_timed_walk_fn fn, void *arg)
{
    struct walk walk = {fn, arg, false};
    struct sx_slice none = SX_SLICE_NONE;
    struct sx_buffer first_key = {0};
    char last_key[HEAD_BYTES];
    int64_t first, last;

    if (from < 0) {
        from = 0;
        from_key = SX_SLICE("");
    }
    if (from >= to)
        return;
    first = sx_timed_segment(width, from);
    last = sx_timed_segment(width, to);
    write_head(last_key, to);
    sx_timed_key(&first_key, from, from_key);
    sx_store_range(store, first, sx_buffer_slice(&first_key),
                   first == last ? sx_slice(last_key, HEAD_BYTES) : none, step, &walk);
    if (first != last && !walk.stopped)
        sx_store_each(store, first + 1, last, step, &walk);
    if (first != last && !walk.stopped)
        sx_store_range(store, last, SX_SLICE("t"), sx_slice(last_key, HEAD_BYTES), step, &walk);
    sx_buffer_free(&first_key);
}

struct all {
    sx_timed_fn fn;
    void *arg;
};

static bool one_of_all(int64_t time, struct sx_slice key, struct sx_slice value, void *arg)
{
    const struct all *all = arg;

    all->fn(time, key, value, all->arg);
    return true;
}

void sx_timed_each(struct sx_store *store, int64_t width, int64_t from, int64_t to, sx_timed_fn fn, void *arg)
{
    struct all all = {fn, arg};

    sx_timed_walk(store, width, from, SX_SLICE(""), to, one_of_all, &all);
}
