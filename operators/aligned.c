/* aligned.c: aggregates in windows that are the same for all keys: tumbling, hopping, calendar. A
 * window's rows are a segment of the store, named by its start. */
#include "operators/windowing.h"

static int64_t open_from(const struct sx_aggregator_plan *plan, struct sx_aggregator_state *state)
{
    const struct sx_window_spec *spec = plan->window;
    int64_t until = state->stream_time - spec->grace_ms;

    if (spec->kind != SX_WINDOW_CALENDAR)
        return until - spec->size_ms + 1;
    /* The window that holds `until` is the first whose end is behind it. */
    if (until < state->first_open.start || until >= state->first_open.end)
        state->first_open = sx_calendar_window(spec->calendar, until);
    return state->first_open.start;
}

static bool add(struct sx_aggregating *a, uint32_t row, struct sx_slice key)
{
    const struct sx_window_spec *spec = a->plan->window;
    int64_t open = open_from(a->plan, a->state), ts = a->batch->ts[row];
    struct sx_window window, refused_first = {0, 0};
    uint32_t refused = 0;

    if (spec->kind == SX_WINDOW_CALENDAR && ts >= a->state->last.start && ts < a->state->last.end)
        window = a->state->last;
    else
        window = a->state->last = sx_window_first(spec, ts);
    do {
        if (window.start < open) {
            if (refused++ == 0)
                refused_first = window;
            continue;
        }
        if (!sx_groups_add(a->state->groups, a->node, a->batch, row, window.start, key, a->want_old))
            return false;
        if (a->results != NULL)
            sx_results_add(a->results, row, &window);
    } while (sx_window_next(spec, ts, &window));
    if (refused)
        sx_aggregate_refuse(a, row, refused, &refused_first);
    return true;
}

/* What closing windows needs while the store walks over them. */
struct closing {
    struct sx_results *results;
    const struct sx_window_spec *spec;
    struct sx_window window; /* the last one */
    uint32_t row;
};

static struct sx_window window_at(const struct sx_window_spec *spec, int64_t start)
{
    if (spec->kind == SX_WINDOW_CALENDAR)
        return sx_calendar_window(spec->calendar, start);
    return (struct sx_window){start, start + spec->size_ms};
}

static bool close_row(int64_t segment, struct sx_slice key, struct sx_slice value, void *arg)
{
    struct closing *c = arg;

    if (segment != c->window.start)
        c->window = window_at(c->spec, segment);
    sx_results_add_stored(c->results, key, value, c->row, &c->window);
    return true;
}

/* The first window's start that is not before `t`. */
static int64_t start_from(const struct sx_window_spec *spec, int64_t t)
{
    int64_t since;

    if (spec->kind == SX_WINDOW_CALENDAR)
        return t;
    since = (t - spec->offset_ms) % spec->advance_ms;
    return since == 0 ? t : t + (since < 0 ? -since : spec->advance_ms - since);
}

static int64_t close_windows(struct sx_aggregating *a, uint32_t row, int64_t open)
{
    const struct sx_window_spec *spec = a->plan->window;
    int64_t kept_from = a->state->stream_time - spec->retain_ms + 1;

    if (a->state->has_final_readers) {
        struct closing c = {.results = sx_results_begin_final(a->state->groups, a->node, a->batch),
                            .spec = spec,
                            .window = {INT64_MIN, INT64_MIN},
                            .row = row};

        sx_store_each(a->node->stores[0], SX_MAX(a->state->next_close, SX_SEGMENT_META + 1), open, close_row,
                      &c);
        sx_results_end_final(c.results);
    }
    sx_store_drop_before(a->node->stores[0], start_from(spec, kept_from));
    return start_from(spec, open);
}

static struct sx_slice find(const struct sx_window_spec *spec, struct sx_store *store,
                            struct sx_buffer *scratch, struct sx_slice key, const struct sx_window *window)
{
    return sx_store_get(store, window->start, key);
}

static struct sx_slice list_key(struct sx_buffer *scratch, struct sx_slice key) { return key; }

static void list(const struct sx_window_spec *spec, int64_t segment, struct sx_slice value, sx_window_fn fn,
                 void *arg)
{
    fn(window_at(spec, segment), arg);
}

const struct sx_windowing sx_windowing_aligned = {.name = "aligned",
                                                  .open_from = open_from,
                                                  .add = add,
                                                  .close = close_windows,
                                                  .find = find,
                                                  .list_key = list_key,
                                                  .list = list,
                                                  .by_start = true};
