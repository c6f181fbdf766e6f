/* join_streams_run.c: two streams: the work. See join_streams.h. */
#include "operators/join_streams.h"

#include <stdlib.h>

/* What is not undone: it can be made anew from the stores. */
struct streams_run {
    struct sx_held held;
    struct sx_waiting waiting[2];
    struct sx_buffer row;
    uint64_t number; /* of the last call that worked with `waiting` */
};

struct streams_state {
    struct streams_run *run;
    int64_t time;         /* the join's; INT64_MIN: no row yet */
    int64_t side_time[2]; /* of each side's own rows */
    int64_t loaded_to[2]; /* waiting[] has the rows before */
    uint64_t number;      /* other than the run's: calls were undone, and `waiting` may lack rows */
};

static const struct sx_slice meta_key = {"time", 4};
enum { META_BYTES = 24 };

static void open(const void *p, void *s, struct sx_node *node)
{
    const struct sx_streams_plan *plan = p;
    struct streams_state *state = s;
    struct sx_slice meta = sx_store_get(node->stores[0], SX_SEGMENT_META, meta_key);

    state->run = sx_calloc(1, sizeof(*state->run));
    state->run->held.span_ms = plan->span_ms;
    state->run->number = 1;
    for (uint32_t i = 0; i < 2; i++)
        sx_waiting_open(&state->run->waiting[i], node->stores[i], plan->span_ms);
    state->time = state->side_time[0] = state->side_time[1] = INT64_MIN;
    if (meta.size == META_BYTES) {
        state->time = sx_get_sorted64(meta.data);
        state->side_time[0] = sx_get_sorted64(meta.data + 8);
        state->side_time[1] = sx_get_sorted64(meta.data + 16);
    }
}

static void close(const void *p, void *s, struct sx_node *node)
{
    struct streams_run *run = ((struct streams_state *)s)->run;

    sx_held_free(&run->held);
    for (uint32_t i = 0; i < 2; i++)
        sx_waiting_close(&run->waiting[i]);
    sx_buffer_free(&run->row);
    free(run);
}

static void save_times(const struct streams_state *state, struct sx_node *node)
{
    char meta[META_BYTES];

    sx_put_sorted64(meta, state->time);
    sx_put_sorted64(meta + 8, state->side_time[0]);
    sx_put_sorted64(meta + 16, state->side_time[1]);
    sx_store_put(node->stores[0], SX_SEGMENT_META, meta_key, sx_slice(meta, sizeof(meta)));
}

/* ---- Rows without a match -------------------------------------------------------------------- */

/* Rows of a side before this time wait no longer. */
static int64_t waits_from(const struct sx_streams_plan *plan, const struct streams_state *state,
                          uint32_t side)
{
    return sx_time_plus(state->time, -(plan->sides[side].ahead_ms + plan->grace_ms));
}

/* After a rollback, and at the beginning: what was loaded is loaded again. */
static void renew(const struct sx_streams_plan *plan, struct streams_state *state)
{
    for (uint32_t s = 0; s < 2; s++) {
        int64_t from = SX_MAX(waits_from(plan, state, s), 0);

        if (state->number == 0)
            state->loaded_to[s] = from;
        if (state->number != state->run->number && plan->sides[s].waits)
            sx_waiting_renew(&state->run->waiting[s], from, &state->loaded_to[s]);
        sx_waiting_trim(&state->run->waiting[s]);
    }
    state->number = ++state->run->number;
}

/* All of one key and time, in the order in which they came. */
static void leave_alone(const struct sx_streams_plan *plan, struct streams_state *state, struct sx_node *node,
                        struct sx_pairs *pairs, uint32_t row, uint32_t side)
{
    struct sx_held *held = &state->run->held;
    struct sx_waiting_row first = sx_waiting_take(&state->run->waiting[side]);

    sx_held_find(held, node->stores[side], first.key, first.ts, first.ts, SX_HELD_WAITING, 0);
    for (uint32_t i = 0; i < held->found_count; i++)
        sx_pairs_add_held(pairs, row, side, first.key, held->found[i].bytes, first.ts);
}

/* The join's time went on: rows whose last chance has passed leave, by time, the right side first, then
 * by key. */
static void end_waits(const struct sx_streams_plan *plan, struct streams_state *state, struct sx_node *node,
                      struct sx_pairs *pairs, uint32_t row)
{
    for (;;) {
        const struct sx_waiting_row *first[2] = {NULL, NULL};

        for (uint32_t s = 0; s < 2; s++)
            if (plan->sides[s].waits)
                first[s] = sx_waiting_first(&state->run->waiting[s], waits_from(plan, state, s),
                                            &state->loaded_to[s]);
        if (first[0] == NULL && first[1] == NULL)
            return;
        leave_alone(plan, state, node, pairs, row,
                    first[0] == NULL || (first[1] != NULL && first[1]->ts <= first[0]->ts));
    }
}

/* ---- Rows ------------------------------------------------------------------------------------ */

/* The held rows of the other side that the row meets; false: none. */
static bool meet(const struct sx_streams_plan *plan, struct streams_state *state, struct sx_node *node,
                 struct sx_pairs *pairs, uint32_t row, uint32_t side, struct sx_slice key, int64_t ts)
{
    struct sx_held *held = &state->run->held;
    uint32_t other = !side;
    int64_t other_time = state->side_time[other];
    int64_t from = sx_time_plus(ts, -plan->sides[side].back_ms);
    int64_t to = SX_MIN(sx_time_plus(ts, plan->sides[side].ahead_ms), other_time);

    if (other_time == INT64_MIN)
        return false;
    from = SX_MAX(from, SX_MAX(sx_time_plus(other_time, 1 - plan->retain_ms), 0));
    sx_held_find(held, node->stores[other], key, from, to,
                 plan->sides[other].waits ? SX_HELD_MATCH : SX_HELD_ALL, waits_from(plan, state, other));
    for (uint32_t i = 0; i < held->found_count; i++)
        sx_pairs_add(pairs, row, held->found[i].bytes, SX_MAX(ts, held->found[i].ts));
    return held->found_count > 0;
}

/* Put the row with its side's; `waits`: it has no match yet, and may still get one. */
static void hold(const struct sx_streams_plan *plan, struct streams_state *state, struct sx_node *node,
                 const struct sx_batch *batch, uint32_t row, uint32_t side, struct sx_slice key, bool waits)
{
    struct streams_run *run = state->run;
    const struct sx_streams_side *s = &plan->sides[side];
    int64_t ts = batch->ts[row];

    state->side_time[side] = SX_MAX(state->side_time[side], ts);
    if (!waits && ts <= sx_time_plus(state->side_time[side], -plan->retain_ms)) {
        sx_node_drop(node, "expired", 1);
        return;
    }
    run->row.size = 0;
    sx_row_write(&run->row, batch, s->columns, s->column_count, row);
    sx_held_add(&run->held, node->stores[side], key, ts, waits, sx_buffer_slice(&run->row));
    if (waits)
        sx_waiting_add(&run->waiting[side], key, ts, &state->loaded_to[side]);
}

static void take_row(const struct sx_streams_plan *plan, struct streams_state *state, struct sx_node *node,
                     const struct sx_batch *batch, struct sx_pairs *pairs, uint32_t side, uint32_t row)
{
    int64_t ts = batch->ts[row];
    bool waits = plan->sides[side].waits;
    struct sx_slice key;

    if (sx_row_key_is_null(batch, plan->key_count, row)) {
        if (waits)
            sx_pairs_add(pairs, row, SX_SLICE_NONE, ts);
        else
            sx_node_drop(node, "null_key", 1);
        return;
    }
    key = sx_row_key(node, batch, plan->key_count, row);
    if (ts > state->time) {
        state->time = ts;
        if (plan->how != SX_JOIN_INNER)
            end_waits(plan, state, node, pairs, row);
    }
    waits = !meet(plan, state, node, pairs, row, side, key, ts) && waits;
    if (waits && ts < waits_from(plan, state, side)) {
        sx_pairs_add(pairs, row, SX_SLICE_NONE, ts);
        waits = false;
    }
    hold(plan, state, node, batch, row, side, key, waits);
}

static void process(const void *p, void *s, struct sx_node *node, uint32_t input,
                    const struct sx_batch *batch)
{
    const struct sx_streams_plan *plan = p;
    struct streams_state *state = s;
    struct sx_batch present = sx_batch_present(node->arena, batch);
    int64_t before[2] = {state->side_time[0], state->side_time[1]};
    struct sx_pairs *pairs;

    if (present.count < batch->count)
        sx_node_drop(node, "null_value", batch->count - present.count);
    if (present.count == 0)
        return;
    renew(plan, state);
    pairs = sx_pairs_new(node, plan, &present, input);
    for (SX_EACH_ROW(&present, i, row))
        take_row(plan, state, node, &present, pairs, input, row);
    sx_pairs_flush(pairs);
    if (state->side_time[input] == before[input])
        return;
    save_times(state, node);
    sx_store_drop_before(
        node->stores[input],
        sx_held_segment(plan->span_ms, sx_time_plus(state->side_time[input], -plan->retain_ms)));
}

static void on_time(const void *p, void *s, struct sx_node *node, int64_t stream_time_ms, int64_t wall_ms)
{
    const struct sx_streams_plan *plan = p;
    struct streams_state *state = s;
    struct sx_batch cause = {.origin = node->origin};
    struct sx_pairs *pairs;

    if (plan->how == SX_JOIN_INNER || stream_time_ms <= state->time)
        return;
    state->time = stream_time_ms;
    renew(plan, state);
    pairs = sx_pairs_new(node, plan, &cause, 0);
    end_waits(plan, state, node, pairs, 0);
    sx_pairs_flush(pairs);
    save_times(state, node);
}

static void print(const void *p, struct sx_buffer *to)
{
    const struct sx_streams_plan *plan = p;

    if (plan->sides[0].back_ms == plan->sides[0].ahead_ms) {
        sx_buffer_add_text(to, "within ");
        sx_add_duration(to, plan->sides[0].back_ms);
    } else {
        sx_buffer_add_text(to, "within before ");
        sx_add_duration(to, plan->sides[0].back_ms);
        sx_buffer_add_text(to, " after ");
        sx_add_duration(to, plan->sides[0].ahead_ms);
    }
    sx_buffer_add_text(to, " grace ");
    sx_add_duration(to, plan->grace_ms);
}

const struct sx_operator_def sx_operator_join_streams = {
    .name = "join of streams",
    .summary = "Rows of two streams of one key that are near in time.",
    .takes = "stream, stream -> stream",
    .internal = true,
    .state_bytes = sizeof(struct streams_state),
    .open = open,
    .process = process,
    .on_time = on_time,
    .close = close,
    .print = print,
};
