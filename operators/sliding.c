/* sliding.c: aggregates in Kafka Streams' sliding windows of size d: for each row of a group the window
 * [t - d, t] that ends at it, and, if rows follow within reach, the window [t + 1, t + 1 + d] that begins
 * behind it; rows of the first d milliseconds have [0, d] instead of the former.
 *
 * A window's group is a row by start and key (timed.h). Which starts a key has is kept beside it:
 *
 *   segment   the starts, rounded down to 2 d + 2
 *   key       'i' | key
 *   value     starts, ascending, 8 bytes each
 *
 * so the starts in [t - 2 d, t + 1], all that a row of time t has to do with, are in two rows at most.
 */
#include "operators/windowing.h"
#include "operators/timed.h"

enum { KEY = 0, LIST = 1, ROW = 2 };

static int64_t span_of(const struct sx_window_spec *spec) { return 2 * spec->size_ms + 2; }

/* Windows that a row not wholly late may have to do with start within so much of stream time. */
static int64_t reach_of(const struct sx_window_spec *spec) { return 3 * spec->size_ms + spec->grace_ms + 1; }

/* The first start that is open: end + grace < stream time is closed. */
static int64_t open_from(const struct sx_aggregator_plan *plan, struct sx_aggregator_state *state)
{
    return state->stream_time - plan->window->size_ms - plan->window->grace_ms;
}

/* A row on its way into its windows. */
struct sliding {
    struct sx_aggregating *a;
    uint32_t row;
    struct sx_slice key;
    int64_t ts, size, open;
    int64_t *starts; /* those of the key in [ts - 2 size, ts + 1] */
    uint32_t count;
    uint32_t refused;
    struct sx_window refused_first;
};

/* ---- The starts of a key --------------------------------------------------------------------- */

enum { LIST_MARK = 'i' };

static struct sx_slice list_key(struct sx_buffer *to, struct sx_slice key)
{
    to->size = 0;
    sx_buffer_add_byte(to, LIST_MARK);
    sx_buffer_add_slice(to, key);
    return sx_buffer_slice(to);
}

static struct sx_slice own_list_key(struct sliding *s)
{
    return list_key(&s->a->state->buffers[KEY], s->key);
}

static void find_starts(struct sliding *s)
{
    int64_t span = span_of(s->a->plan->window);
    int64_t from = SX_MAX(s->ts - 2 * s->size, 0), first = from - from % span;
    struct sx_slice lists[3] = {SX_SLICE_NONE, SX_SLICE_NONE, SX_SLICE_NONE};
    struct sx_slice key = own_list_key(s);
    size_t bytes = 0;

    for (uint32_t i = 0; first + i * span <= s->ts + 1; i++) {
        lists[i] = sx_store_get(s->a->node->stores[0], first + i * span, key);
        bytes += lists[i].size;
    }
    s->starts = sx_arena_alloc(s->a->node->arena, bytes + 8);
    for (uint32_t i = 0; i < SX_COUNT(lists); i++)
        for (uint32_t at = 0; at + 8 <= lists[i].size; at += 8) {
            int64_t start = (int64_t)sx_get_le64(lists[i].data + at);

            if (start >= from && start <= s->ts + 1)
                s->starts[s->count++] = start;
        }
}

static void add_start(struct sliding *s, int64_t start)
{
    int64_t segment = start - start % span_of(s->a->plan->window);
    struct sx_slice key = own_list_key(s), list = sx_store_get(s->a->node->stores[0], segment, key);
    struct sx_buffer *to = &s->a->state->buffers[LIST];
    uint32_t at = list.size;

    while (at >= 8 && (int64_t)sx_get_le64(list.data + at - 8) > start)
        at -= 8;
    to->size = 0;
    sx_buffer_add(to, list.data, at);
    sx_put_le64(sx_buffer_room(to, 8), (uint64_t)start);
    to->size += 8;
    sx_buffer_add(to, list.data + at, list.size - at);
    sx_store_put(s->a->node->stores[0], segment, key, sx_buffer_slice(to));
}

/* ---- The groups of its windows --------------------------------------------------------------- */

static struct sx_slice find(const struct sx_window_spec *spec, struct sx_store *store,
                            struct sx_buffer *scratch, struct sx_slice key, const struct sx_window *window)
{
    return sx_store_get(store, sx_timed_segment(sx_timed_width(reach_of(spec)), window->start),
                        sx_timed_key(scratch, window->start, key));
}

static struct sx_slice group_at(struct sliding *s, int64_t start)
{
    struct sx_window window = {start, start + s->size};

    return find(s->a->plan->window, s->a->node->stores[0], &s->a->state->buffers[ROW], s->key, &window);
}

static int64_t latest_in(struct sx_slice group)
{
    return group.size >= 8 ? (int64_t)sx_get_le64(group.data) : INT64_MIN;
}

static void send(struct sliding *s, int64_t start)
{
    struct sx_window window = {start, start + s->size};

    if (s->a->results != NULL)
        sx_results_add(s->a->results, s->row, &window);
}

/* Is the window closed? Then it refuses the row. */
static bool refuses_row(struct sliding *s, int64_t start)
{
    if (start >= s->open)
        return false;
    if (s->refused++ == 0)
        s->refused_first = (struct sx_window){start, start + s->size};
    return true;
}

/* The row into a window that is there. */
static bool update(struct sliding *s, int64_t start)
{
    struct sx_aggregating *a = s->a;
    int64_t segment = sx_timed_segment(sx_timed_width(reach_of(a->plan->window)), start);
    struct sx_slice key = sx_timed_key(&a->state->buffers[ROW], start, s->key);

    if (refuses_row(s, start))
        return true;
    if (!sx_groups_add(a->state->groups, a->node, a->batch, s->row, segment, key, a->want_old))
        return false;
    send(s, start);
    return true;
}

/* A new window with what `from` holds, and the row if it `takes` it. */
static bool create(struct sliding *s, int64_t start, struct sx_slice from, bool takes)
{
    struct sx_aggregating *a = s->a;

    if (takes && refuses_row(s, start))
        return true;
    if (!sx_groups_load(a->state->groups, a->node, a->batch, s->row, from) ||
        (takes && !sx_groups_take(a->state->groups, a->node, a->batch, s->row, false, false)))
        return false;
    add_start(s, start);
    sx_store_put(a->node->stores[0], sx_timed_segment(sx_timed_width(reach_of(a->plan->window)), start),
                 sx_timed_key(&a->state->buffers[ROW], start, s->key), sx_groups_stored(a->state->groups));
    send(s, start);
    return true;
}

/* ---- A row ----------------------------------------------------------------------------------- */

/* What the windows that are there say about those to be made. */
struct around {
    int64_t before;        /* the time of the row before this one; INT64_MIN: none that matters */
    struct sx_slice left;  /* the group of rows before this one, for the window that ends here */
    struct sx_slice right; /* the group of rows behind this one, for the window that begins behind it */
    bool has_left, has_right, has_before_right;
};

/* The time and group of the rows before this one, where `start` is the last window that shows them. */
static void look_before(struct sliding *s, struct around *around, int64_t start)
{
    struct sx_slice group = group_at(s, start);

    if (latest_in(group) >= s->ts)
        return;
    around->before = latest_in(group);
    around->left = group;
}

static void look_around(struct sliding *s, struct around *around)
{
    int64_t early = s->ts < s->size, last_before = -1, holds = -1;
    int64_t left = early ? 0 : s->ts - s->size;

    *around = (struct around){.before = INT64_MIN, .left = SX_SLICE_NONE, .right = SX_SLICE_NONE};
    for (uint32_t i = 0; i < s->count; i++) {
        int64_t start = s->starts[i];

        /* The window that ends here, if it is there, holds the rows before, and maybe this moment's. */
        if (start < left || start == left)
            last_before = start;
        around->has_left |= start == left;
        around->has_right |= start == s->ts + 1;
        if (start >= left && start <= s->ts && (start > left || early))
            holds = start;
    }
    if (last_before >= 0)
        look_before(s, around, last_before);
    for (uint32_t i = 0; i < s->count; i++)
        around->has_before_right |= around->before != INT64_MIN && s->starts[i] == around->before + 1;
    if (holds >= 0 && latest_in(group_at(s, holds)) > s->ts)
        around->right = sx_arena_copy(s->a->node->arena, group_at(s, holds));
}

static bool add_to_windows(struct sliding *s, const struct around *around)
{
    /* The row before matters if this one is in the window behind it; if that begins where the window of
     * this one does, they are one. */
    int64_t left = SX_MAX(s->ts - s->size, 0), before_right = around->before + 1;
    bool makes_before_right = around->before != INT64_MIN && !around->has_before_right && before_right > left;

    if (!around->has_left &&
        !create(s, left,
                around->before != INT64_MIN && around->before >= s->ts - s->size ? around->left
                                                                                 : SX_SLICE_NONE,
                true))
        return false;
    for (uint32_t i = 0; i < s->count; i++) {
        int64_t start = s->starts[i];

        if (start < left || start > s->ts)
            continue;
        if (makes_before_right && start > before_right) {
            makes_before_right = false;
            if (!create(s, before_right, SX_SLICE_NONE, true))
                return false;
        }
        if (!update(s, start))
            return false;
    }
    if (makes_before_right && !create(s, before_right, SX_SLICE_NONE, true))
        return false;
    return around->has_right || around->right.data == NULL || create(s, s->ts + 1, around->right, false);
}

static bool add(struct sx_aggregating *a, uint32_t row, struct sx_slice key)
{
    const struct sx_window_spec *spec = a->plan->window;
    struct sliding s = {.a = a,
                        .row = row,
                        .key = key,
                        .ts = a->batch->ts[row],
                        .size = spec->size_ms,
                        .open = open_from(a->plan, a->state)};
    struct around around;

    if (s.ts < s.open) {
        /* No window that can hold it is open: it is late for the one that would end with it. */
        struct sx_window own = {SX_MAX(s.ts - s.size, 0), SX_MAX(s.ts, s.size)};

        sx_aggregate_refuse(a, row, 1, &own);
        return true;
    }
    find_starts(&s);
    look_around(&s, &around);
    if (!add_to_windows(&s, &around))
        return false;
    if (s.refused)
        sx_aggregate_refuse(a, row, s.refused, &s.refused_first);
    return true;
}

/* ---- Closing --------------------------------------------------------------------------------- */

struct closing {
    struct sx_results *results;
    int64_t size;
    uint32_t row;
};

static void close_row(int64_t start, struct sx_slice key, struct sx_slice value, void *arg)
{
    struct closing *c = arg;
    struct sx_window window = {start, start + c->size};

    sx_results_add_stored(c->results, key, value, c->row, &window);
}

static int64_t close_windows(struct sx_aggregating *a, uint32_t row, int64_t open)
{
    const struct sx_window_spec *spec = a->plan->window;
    int64_t kept_from = a->state->stream_time - SX_MAX(spec->retain_ms, reach_of(spec));

    if (a->state->has_final_readers) {
        struct closing c = {sx_results_begin_final(a->state->groups, a->node, a->batch), spec->size_ms, row};

        sx_timed_each(a->node->stores[0], sx_timed_width(reach_of(spec)), a->state->next_close, open,
                      close_row, &c);
        sx_results_end_final(c.results);
    }
    if (kept_from > 0)
        sx_timed_drop_before(a->node->stores[0], sx_timed_width(reach_of(spec)),
                             kept_from - kept_from % span_of(spec));
    return open;
}

static void list(const struct sx_window_spec *spec, int64_t segment, struct sx_slice value, sx_window_fn fn,
                 void *arg)
{
    for (uint32_t at = 0; at + 8 <= value.size; at += 8) {
        int64_t start = (int64_t)sx_get_le64(value.data + at);

        fn((struct sx_window){start, start + spec->size_ms}, arg);
    }
}

const struct sx_windowing sx_windowing_sliding = {.name = "sliding",
                                                  .open_from = open_from,
                                                  .add = add,
                                                  .close = close_windows,
                                                  .find = find,
                                                  .list_key = list_key,
                                                  .list_mark = LIST_MARK,
                                                  .list = list};
