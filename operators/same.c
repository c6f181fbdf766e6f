/* same.c: aggregates of a windowed table's rows, each in the window that it is in already, whatever kind of
 * windows these are. Two rows of the store for a group and window, and one for each key:
 *
 *   segment   the window's end, rounded down (timed.h)
 *   key       't' | end (8, sorted) | start (8, sorted) | key  -> the group
 *             'i' | key                                       -> its windows in the segment, 16 bytes each
 *
 * What closes is found by end, which is the order of the starts too, but not of sessions.
 */
#include "operators/windowing.h"
#include "operators/timed.h"

#include <stdlib.h>

enum { KEY = 0, LIST_KEY = 1, LIST = 2, START_BYTES = 8, WINDOW_BYTES = 16 };

static int64_t width_of(const struct sx_window_spec *spec)
{
    return sx_timed_width(spec->size_ms + spec->grace_ms);
}

static int64_t segment_of(const struct sx_window_spec *spec, int64_t end)
{
    return sx_timed_segment(width_of(spec), end);
}

static struct sx_slice group_key(struct sx_buffer *to, const struct sx_window *window, struct sx_slice key)
{
    sx_timed_key(to, window->end, SX_SLICE(""));
    sx_put_sorted64(sx_buffer_room(to, START_BYTES), window->start);
    to->size += START_BYTES;
    sx_buffer_add_slice(to, key);
    return sx_buffer_slice(to);
}

enum { LIST_MARK = 'i' };

static struct sx_slice list_key(struct sx_buffer *to, struct sx_slice key)
{
    to->size = 0;
    sx_buffer_add_byte(to, LIST_MARK);
    sx_buffer_add_slice(to, key);
    return sx_buffer_slice(to);
}

static void write_window(struct sx_buffer *to, const struct sx_window *window)
{
    char *at = sx_buffer_room(to, WINDOW_BYTES);

    sx_put_le64(at, (uint64_t)window->start);
    sx_put_le64(at + 8, (uint64_t)window->end);
    to->size += WINDOW_BYTES;
}

/* The key's list, with the window or without it. */
static void change_list(struct sx_aggregating *a, struct sx_slice key, const struct sx_window *window,
                        bool with)
{
    struct sx_store *store = a->node->stores[0];
    int64_t segment = segment_of(a->plan->window, window->end);
    struct sx_slice at = list_key(&a->state->buffers[LIST_KEY], key), list = sx_store_get(store, segment, at);
    struct sx_buffer *to = &a->state->buffers[LIST];

    to->size = 0;
    for (uint32_t i = 0; i + WINDOW_BYTES <= list.size; i += WINDOW_BYTES)
        if ((int64_t)sx_get_le64(list.data + i) != window->start ||
            (int64_t)sx_get_le64(list.data + i + 8) != window->end)
            sx_buffer_add(to, list.data + i, WINDOW_BYTES);
    if (with)
        write_window(to, window);
    if (to->size)
        sx_store_put(store, segment, at, sx_buffer_slice(to));
    else
        sx_store_remove(store, segment, at);
}

/* Ends before it are closed. */
static int64_t open_from(const struct sx_aggregator_plan *plan, struct sx_aggregator_state *state)
{
    const struct sx_window_spec *spec = plan->window;
    int64_t until = state->stream_time - spec->grace_ms;

    if (spec->kind == SX_WINDOW_SESSION)
        return until - spec->size_ms;
    return spec->kind == SX_WINDOW_SLIDING ? until : until + 1;
}

static bool add(struct sx_aggregating *a, uint32_t row, struct sx_slice key)
{
    const struct sx_column *columns = &a->batch->columns[a->plan->window_column];
    struct sx_window window = {columns[0].i[row], columns[1].i[row]};
    struct sx_slice at;
    int presence;

    if (window.end < open_from(a->plan, a->state)) {
        sx_aggregate_refuse(a, row, 1, &window);
        return true;
    }
    key = sx_arena_copy(a->node->arena, key);
    at = group_key(&a->state->buffers[KEY], &window, key);
    if (!sx_groups_add(a->state->groups, a->node, a->batch, row, segment_of(a->plan->window, window.end), at,
                       a->want_old))
        return false;
    presence = sx_groups_presence(a->state->groups);
    if (presence != 0)
        change_list(a, key, &window, presence > 0);
    if (a->results != NULL)
        sx_results_add(a->results, row, &window);
    return true;
}

/* ---- Closing --------------------------------------------------------------------------------- */

struct closed {
    struct sx_window window;
    struct sx_slice key, value;
};

struct closing {
    struct sx_aggregating *a;
    struct sx_results *results;
    uint32_t row;
    struct closed *closed; /* sessions, which leave in another order than they are found in */
    uint32_t count, room;
};

static void keep_closed(struct closing *c, const struct closed *one)
{
    struct sx_arena *arena = c->a->node->arena;

    if (c->count == c->room) {
        struct closed *more = SX_ARENA_ARRAY(arena, struct closed, c->room * 2 + 64);

        if (c->count)
            memcpy(more, c->closed, sizeof(*more) * c->count);
        c->closed = more;
        c->room = c->room * 2 + 64;
    }
    c->closed[c->count] = *one;
    c->closed[c->count].key = sx_arena_copy(arena, one->key);
    c->closed[c->count++].value = sx_arena_copy(arena, one->value);
}

static void close_row(int64_t end, struct sx_slice key, struct sx_slice value, void *arg)
{
    struct closing *c = arg;
    struct closed one = {.value = value};

    if (key.size < START_BYTES)
        return;
    one.window = (struct sx_window){sx_get_sorted64(key.data), end};
    one.key = sx_slice(key.data + START_BYTES, key.size - START_BYTES);
    if (c->a->plan->window->kind == SX_WINDOW_SESSION)
        keep_closed(c, &one);
    else
        sx_results_add_stored(c->results, one.key, one.value, c->row, &one.window);
}

static int compare_closed(const void *a, const void *b)
{
    const struct closed *x = a, *y = b;

    if (x->window.start != y->window.start)
        return x->window.start < y->window.start ? -1 : 1;
    if (x->window.end != y->window.end)
        return x->window.end < y->window.end ? -1 : 1;
    return sx_slice_compare(x->key, y->key);
}

static void send_closed(struct sx_aggregating *a, uint32_t row, int64_t open)
{
    const struct sx_window_spec *spec = a->plan->window;
    bool sessions = spec->kind == SX_WINDOW_SESSION;
    struct closing c = {.a = a, .row = row};

    if (!sessions)
        c.results = sx_results_begin_final(a->state->groups, a->node, a->batch);
    sx_timed_each(a->node->stores[0], width_of(spec), a->state->next_close, open, close_row, &c);
    if (sessions)
        c.results = sx_results_begin_final(a->state->groups, a->node, a->batch);
    if (c.count)
        qsort(c.closed, c.count, sizeof(*c.closed), compare_closed);
    for (uint32_t i = 0; i < c.count; i++)
        sx_results_add_stored(c.results, c.closed[i].key, c.closed[i].value, row, &c.closed[i].window);
    sx_results_end_final(c.results);
}

static int64_t close_windows(struct sx_aggregating *a, uint32_t row, int64_t open)
{
    const struct sx_window_spec *spec = a->plan->window;
    int64_t kept_from =
        a->state->stream_time - spec->retain_ms + (spec->kind == SX_WINDOW_SESSION ? 0 : spec->size_ms);

    if (a->state->has_final_readers)
        send_closed(a, row, open);
    if (kept_from > 0)
        sx_timed_drop_before(a->node->stores[0], width_of(spec), SX_MIN(kept_from, open));
    return open;
}

static struct sx_slice find(const struct sx_window_spec *spec, struct sx_store *store,
                            struct sx_buffer *scratch, struct sx_slice key, const struct sx_window *window)
{
    return sx_store_get(store, segment_of(spec, window->end), group_key(scratch, window, key));
}

static void list(const struct sx_window_spec *spec, int64_t segment, struct sx_slice value, sx_window_fn fn,
                 void *arg)
{
    for (uint32_t at = 0; at + WINDOW_BYTES <= value.size; at += WINDOW_BYTES)
        fn((struct sx_window){(int64_t)sx_get_le64(value.data + at),
                              (int64_t)sx_get_le64(value.data + at + 8)},
           arg);
}

const struct sx_windowing sx_windowing_same = {.name = "same",
                                               .open_from = open_from,
                                               .add = add,
                                               .close = close_windows,
                                               .find = find,
                                               .list_key = list_key,
                                               .list_mark = LIST_MARK,
                                               .list = list};
