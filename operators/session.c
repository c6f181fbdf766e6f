/* session.c: aggregates in session windows: a group's rows at most a gap apart.
 *
 * A session that is open at stream time s ends in [s - gap - grace, s]. So the sessions of a key are in
 * two rows at most, by the span of that length in which they end:
 *
 *   segment   the end, rounded down to gap + grace + 1
 *   key       's' | key
 *   value     session*   start (8) | end (8) | size (8) | bytes of the group, padded to 8
 *
 * What closes is found through marks (timed.h), one per session at least: at a time at which the session
 * had its end once. When a mark's time is closed, its session either is, or gets a mark at its end.
 */
#include "operators/windowing.h"
#include "operators/timed.h"

#include <stdlib.h>

enum { HEAD_BYTES = 24, KEY = 0, LIST = 1, MARK = 2 };

struct session {
    int64_t start, end;
    struct sx_slice state;
    const char *at; /* in the list */
};

static int64_t span_of(const struct sx_window_spec *spec) { return spec->size_ms + spec->grace_ms + 1; }

static int64_t bucket_of(const struct sx_window_spec *spec, int64_t end) { return end - end % span_of(spec); }

/* Walk over a list; `*at` begins at NULL. */
static bool next_session(struct sx_slice list, const char **at, struct session *session)
{
    uint64_t size;

    if (*at == NULL)
        *at = list.data;
    if (*at == NULL || (size_t)(list.data + list.size - *at) < HEAD_BYTES)
        return false;
    size = sx_get_le64(*at + 16);
    if (size > (size_t)(list.data + list.size - *at) - HEAD_BYTES)
        return false;
    *session = (struct session){(int64_t)sx_get_le64(*at), (int64_t)sx_get_le64(*at + 8),
                                sx_slice(*at + HEAD_BYTES, size), *at};
    *at = session->state.data +
          SX_MIN((size + 7) & ~(uint64_t)7, (uint64_t)(list.data + list.size - session->state.data));
    return true;
}

static void write_session(struct sx_buffer *to, const struct sx_window *window, struct sx_slice state)
{
    size_t padded = (state.size + 7) & ~(size_t)7;
    char *at = sx_buffer_room(to, HEAD_BYTES + padded);

    sx_put_le64(at, (uint64_t)window->start);
    sx_put_le64(at + 8, (uint64_t)window->end);
    sx_put_le64(at + 16, state.size);
    memset(at + HEAD_BYTES + padded - (padded ? 8 : 0), 0, padded ? 8 : 0);
    if (state.size)
        memcpy(at + HEAD_BYTES, state.data, state.size);
    to->size += HEAD_BYTES + padded;
}

enum { LIST_MARK = 's' };

static struct sx_slice list_key(struct sx_buffer *to, struct sx_slice key)
{
    to->size = 0;
    sx_buffer_add_byte(to, LIST_MARK);
    sx_buffer_add_slice(to, key);
    return sx_buffer_slice(to);
}

static void put_mark(const struct sx_aggregator_plan *plan, struct sx_aggregator_state *state,
                     struct sx_node *node, int64_t end, struct sx_slice key)
{
    int64_t width = sx_timed_width(span_of(plan->window));

    sx_store_put(node->stores[0], sx_timed_segment(width, end), sx_timed_key(&state->buffers[MARK], end, key),
                 SX_SLICE(""));
}

/* ---- Adding a row ---------------------------------------------------------------------------- */

/* The sessions of a key that may be open, and what becomes of them. */
struct merging {
    int64_t buckets[2]; /* the second is that of stream time */
    struct sx_slice key, lists[2];
    struct sx_window window; /* of the merged session */
    uint32_t count;          /* of those that merge */
    struct session one;      /* the first of them */
    uint32_t one_list;
};

static bool merges(const struct sx_aggregating *a, const struct session *session, int64_t ts)
{
    const struct sx_window_spec *spec = a->plan->window;

    return session->end >= ts - spec->size_ms && session->start <= ts + spec->size_ms &&
           session->end + spec->size_ms + spec->grace_ms >= a->state->stream_time;
}

static void find(const struct sx_aggregating *a, uint32_t row, struct sx_slice key, struct merging *m)
{
    int64_t ts = a->batch->ts[row];

    *m = (struct merging){.window = {ts, ts}, .key = list_key(&a->state->buffers[KEY], key)};
    m->buckets[1] = bucket_of(a->plan->window, a->state->stream_time);
    m->buckets[0] = m->buckets[1] - span_of(a->plan->window);
    for (uint32_t i = 0; i < 2; i++) {
        const char *at = NULL;
        struct session session;

        if (m->buckets[i] < 0)
            continue;
        m->lists[i] = sx_store_get(a->node->stores[0], m->buckets[i], m->key);
        while (next_session(m->lists[i], &at, &session)) {
            if (!merges(a, &session, ts))
                continue;
            m->window.start = SX_MIN(m->window.start, session.start);
            m->window.end = SX_MAX(m->window.end, session.end);
            if (m->count++ == 0) {
                m->one = session;
                m->one_list = i;
            }
        }
    }
}

/* A session of this window is no more. */
static bool send_gone(struct sx_aggregating *a, uint32_t row, const struct session *session)
{
    struct sx_window window = {session->start, session->end};

    if (a->want_old && !sx_groups_load(a->state->groups, a->node, a->batch, row, session->state))
        return false;
    sx_results_add_gone(a->results, row, &window);
    return true;
}

/* The usual case: one session, which stays in its list and has a fixed size. */
static bool add_in_place(struct sx_aggregating *a, uint32_t row, const struct merging *m, bool same)
{
    struct sx_slice list = m->lists[m->one_list];
    bool fresh;
    char *at;

    if (a->results != NULL && !same && !send_gone(a, row, &m->one))
        return false;
    at = sx_store_edit(a->node->stores[0], m->buckets[m->one_list], m->key, list.size, &fresh);
    at += m->one.at - list.data;
    sx_put_le64(at, (uint64_t)m->window.start);
    sx_put_le64(at + 8, (uint64_t)m->window.end);
    sx_groups_point(a->state->groups, at + HEAD_BYTES, false);
    return sx_groups_take(a->state->groups, a->node, a->batch, row, same, a->want_old);
}

/* Load the group of the merged session: that of the first, and the others added to it. */
static bool merge_all(struct sx_aggregating *a, uint32_t row, const struct merging *m)
{
    bool first = true;

    if (m->count == 0)
        return sx_groups_load(a->state->groups, a->node, a->batch, row, SX_SLICE_NONE);
    for (uint32_t i = 0; i < 2; i++) {
        const char *at = NULL;
        struct session session;

        while (next_session(m->lists[i], &at, &session)) {
            if (!merges(a, &session, a->batch->ts[row]))
                continue;
            if (!(first ? sx_groups_load : sx_groups_merge)(a->state->groups, a->node, a->batch, row,
                                                            session.state))
                return false;
            first = false;
        }
    }
    return true;
}

/* The list without the sessions that merged and those past their retention; `adds`: with the merged
 * one in its place by end. */
static void write_list(struct sx_aggregating *a, uint32_t row, const struct merging *m, uint32_t number,
                       bool adds)
{
    struct sx_buffer *to = &a->state->buffers[LIST];
    /* What this row closes is sent after it was added. */
    int64_t kept_from = SX_MIN(a->state->stream_time - a->plan->window->retain_ms, a->state->next_close);
    const char *at = NULL;
    struct session session;

    to->size = 0;
    while (next_session(m->lists[number], &at, &session)) {
        if (session.end < kept_from || merges(a, &session, a->batch->ts[row]))
            continue;
        if (adds && session.end > m->window.end) {
            write_session(to, &m->window, sx_groups_stored(a->state->groups));
            adds = false;
        }
        write_session(to, &(struct sx_window){session.start, session.end}, session.state);
    }
    if (adds)
        write_session(to, &m->window, sx_groups_stored(a->state->groups));
    if (to->size)
        sx_store_put(a->node->stores[0], m->buckets[number], m->key, sx_buffer_slice(to));
    else if (m->lists[number].size)
        sx_store_remove(a->node->stores[0], m->buckets[number], m->key);
}

static bool add_merged(struct sx_aggregating *a, uint32_t row, const struct merging *m, bool same)
{
    for (uint32_t i = 0; a->results != NULL && !same && i < 2; i++) {
        const char *at = NULL;
        struct session session;

        while (next_session(m->lists[i], &at, &session))
            if (merges(a, &session, a->batch->ts[row]) && !send_gone(a, row, &session))
                return false;
    }
    if (!merge_all(a, row, m) || !sx_groups_take(a->state->groups, a->node, a->batch, row, same, a->want_old))
        return false;
    for (uint32_t i = 0; i < 2; i++) {
        bool adds = m->buckets[i] == bucket_of(a->plan->window, m->window.end);

        if (adds || m->lists[i].size)
            write_list(a, row, m, i, adds);
    }
    return true;
}

static bool add(struct sx_aggregating *a, uint32_t row, struct sx_slice key)
{
    const struct sx_window_spec *spec = a->plan->window;
    int64_t ts = a->batch->ts[row];
    struct merging m;
    bool same, ok;

    find(a, row, key, &m);
    if (m.count == 0 && ts + spec->size_ms + spec->grace_ms < a->state->stream_time) {
        sx_aggregate_refuse(a, row, 1, &m.window);
        return true;
    }
    /* A session of this very moment is only updated; any other is deleted, though its ends may stay. */
    same = m.count == 1 && m.window.start == m.window.end;
    if (m.count == 1 && !a->plan->groups.variable &&
        m.one.state.size == sx_groups_fixed_size(&a->plan->groups) &&
        m.buckets[m.one_list] == bucket_of(spec, m.window.end))
        ok = add_in_place(a, row, &m, same);
    else
        ok = add_merged(a, row, &m, same);
    if (!ok)
        return false;
    if (m.count == 0)
        put_mark(a->plan, a->state, a->node, m.window.end, key);
    if (a->results != NULL)
        sx_results_add(a->results, row, &m.window);
    return true;
}

/* ---- Closing --------------------------------------------------------------------------------- */

/* Ends before it are closed. */
static int64_t open_from(const struct sx_aggregator_plan *plan, struct sx_aggregator_state *state)
{
    return state->stream_time - plan->window->size_ms - plan->window->grace_ms;
}

struct mark {
    int64_t time;
    struct sx_slice key;
    struct mark *next;
};

struct marks {
    struct sx_arena *arena;
    struct mark *first, **last;
    uint32_t count;
};

static void collect(int64_t time, struct sx_slice key, struct sx_slice value, void *arg)
{
    struct marks *marks = arg;
    struct mark *mark = SX_ARENA_NEW(marks->arena, struct mark);

    mark->time = time;
    mark->key = sx_arena_copy(marks->arena, key);
    *marks->last = mark;
    marks->last = &mark->next;
    marks->count++;
}

struct closed {
    struct session session;
    struct sx_slice key;
};

static int compare_closed(const void *a, const void *b)
{
    const struct closed *x = a, *y = b;

    if (x->session.start != y->session.start)
        return x->session.start < y->session.start ? -1 : 1;
    if (x->session.end != y->session.end)
        return x->session.end < y->session.end ? -1 : 1;
    return sx_slice_compare(x->key, y->key);
}

/* The session that holds the mark. It ends in the span of the mark's time or in the next; or, if the row
 * in hand has just made it longer, one further. */
static bool find_marked(const struct sx_aggregating *a, const struct mark *mark, struct session *session)
{
    int64_t span = span_of(a->plan->window), first = bucket_of(a->plan->window, mark->time);
    struct sx_slice key = list_key(&a->state->buffers[KEY], mark->key);

    for (int64_t bucket = first; bucket <= first + 2 * span && bucket <= a->state->stream_time;
         bucket += span) {
        struct sx_slice list = sx_store_get(a->node->stores[0], bucket, key);
        const char *at = NULL;

        while (next_session(list, &at, session))
            if (session->start <= mark->time && mark->time <= session->end)
                return true;
    }
    return false;
}

static void send_closed(struct sx_aggregating *a, uint32_t row, struct closed *closed, uint32_t count)
{
    struct sx_results *results = sx_results_begin_final(a->state->groups, a->node, a->batch);

    qsort(closed, count, sizeof(*closed), compare_closed);
    for (uint32_t i = 0; i < count; i++) {
        struct sx_window window = {closed[i].session.start, closed[i].session.end};

        /* Sessions that merged have each left a mark. */
        if (i == 0 || compare_closed(&closed[i - 1], &closed[i]) != 0)
            sx_results_add_stored(results, closed[i].key, closed[i].session.state, row, &window);
    }
    sx_results_end_final(results);
}

static int64_t close_sessions(struct sx_aggregating *a, uint32_t row, int64_t open)
{
    int64_t kept_from = a->state->stream_time - a->plan->window->retain_ms;
    struct marks marks = {.arena = a->node->arena, .last = &marks.first};
    struct closed *closed;
    uint32_t count = 0;

    sx_timed_each(a->node->stores[0], sx_timed_width(span_of(a->plan->window)), a->state->next_close, open,
                  collect, &marks);
    closed = sx_arena_alloc(a->node->arena, sizeof(*closed) * (marks.count + 1));
    for (const struct mark *mark = marks.first; mark != NULL; mark = mark->next) {
        struct session session;

        if (!find_marked(a, mark, &session))
            continue;
        if (session.end < open)
            closed[count++] = (struct closed){session, mark->key};
        else
            put_mark(a->plan, a->state, a->node, session.end, mark->key);
    }
    if (count && a->state->has_final_readers)
        send_closed(a, row, closed, count);
    if (kept_from > 0)
        sx_timed_drop_before(a->node->stores[0], sx_timed_width(span_of(a->plan->window)),
                             bucket_of(a->plan->window, kept_from));
    return open;
}

static struct sx_slice find_stored(const struct sx_window_spec *spec, struct sx_store *store,
                                   struct sx_buffer *scratch, struct sx_slice key,
                                   const struct sx_window *window)
{
    struct sx_slice list = sx_store_get(store, bucket_of(spec, window->end), list_key(scratch, key));
    const char *at = NULL;
    struct session session;

    while (next_session(list, &at, &session))
        if (session.start == window->start && session.end == window->end)
            return session.state;
    return SX_SLICE_NONE;
}

static void list(const struct sx_window_spec *spec, int64_t segment, struct sx_slice value, sx_window_fn fn,
                 void *arg)
{
    const char *at = NULL;
    struct session session;

    while (next_session(value, &at, &session))
        fn((struct sx_window){session.start, session.end}, arg);
}

static const char *refuses(const struct sx_aggregate_use *use)
{
    if (use->def == NULL)
        return "`fold` cannot stand in a session window: two of its results cannot be merged";
    return use->def->merge == NULL ? "this aggregate cannot stand in a session window: it cannot be merged"
                                   : NULL;
}

const struct sx_windowing sx_windowing_session = {.name = "session",
                                                  .open_from = open_from,
                                                  .add = add,
                                                  .close = close_sessions,
                                                  .find = find_stored,
                                                  .list_key = list_key,
                                                  .list_mark = LIST_MARK,
                                                  .list = list,
                                                  .refuses = refuses};
