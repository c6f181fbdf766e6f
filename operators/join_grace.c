/* join_grace.c: a stream's rows wait for a versioned table: the `grace` of a join with one.
 *
 * Between the stream and the lookup. A row waits until the join's time has passed it by the grace, and
 * the waiting rows leave by time, then key, then as they came; the lookup then finds the table as of the
 * row's time, with all of its changes that were late by less. A row that is later than the grace goes on
 * at once. Held rows and the order in which they leave are those of a join of streams with one side.
 */
#include "operators/join_streams.h"

#include <stdlib.h>

struct grace_run {
    struct sx_held held;
    struct sx_waiting waiting;
    struct sx_buffer row;
    uint64_t number; /* of the last call that worked with `waiting` */
};

struct grace_state {
    struct grace_run *run;
    int64_t time;      /* of the rows of the stream; INT64_MIN: none yet */
    int64_t loaded_to; /* `waiting` has the rows before */
    uint64_t number;   /* other than the run's: calls were undone, and `waiting` may lack rows */
};

/* How long the history is through which a view looks; 0: nothing of it is versioned. */
static int64_t history_of(const struct sx_view_plan *view)
{
    int64_t least = view->retention_ms;

    for (uint32_t i = 0; i < SX_COUNT(view->inputs); i++)
        if (view->inputs[i] != NULL) {
            int64_t of = history_of(view->inputs[i]);

            least = least == 0 || (of != 0 && of < least) ? of : least;
        }
    return least;
}

const struct sx_flow *sx_join_grace_bind(struct sx_bind *b, const struct sx_flow *in, uint32_t keys,
                                         const struct sx_view_plan *view)
{
    struct sx_streams_plan *plan = SX_ARENA_NEW(b->arena, struct sx_streams_plan);
    int64_t history_ms = history_of(view);
    struct sx_store_plan *store;
    struct sx_node_plan *node;
    struct sx_schema *schema;
    struct sx_flow *out;

    plan->grace_ms = sx_join_duration(b, SX_JOIN_GRACE);
    if (history_ms == 0)
        sx_bind_fail(b, SX_JOIN_GRACE, "write `versioned D` behind the table's topic",
                     "`grace` needs a versioned table: what it was at the row's time is looked up");
    else if (plan->grace_ms > history_ms)
        sx_bind_fail(b, SX_JOIN_GRACE, "make the history as long, or the grace shorter",
                     "rows wait longer than the table's history is kept (%lld ms)", (long long)history_ms);
    if (sx_bind_failed(b))
        return in;
    sx_bind_warn_of_delay(b, in, SX_JOIN_GRACE, plan->grace_ms);
    schema = sx_schema_of(b->arena, in->schema->fields, in->schema->count, in->schema);
    schema->windowed = schema->has_metadata = false;
    plan->schema = schema;
    plan->key_count = keys;
    plan->key_types = sx_schema_types(b->arena, schema);
    plan->span_ms = sx_streams_span(0, plan->grace_ms);
    sx_streams_hold(b, &plan->sides[0], schema, keys);
    plan->sides[0].waits = true;
    plan->sides[1].schema = schema;
    node = sx_plan_node(b->plan, &sx_operator_join_grace, b->definition, "grace",
                        b->ops->position(b, SX_JOIN_GRACE));
    node->plan = plan;
    node->schema = schema;
    node->from = sx_from_same(b->arena, schema);
    node->reads[0] = sx_columns_all(b->arena, schema);
    sx_plan_link(b->plan, in->node, in->port, node, 0);
    store = sx_bind_store(b, node, NULL, SX_STORE_WINDOW);
    sx_store_keeps(store, b->arena, schema);
    sx_store_keeps_span(store, b->arena, "grace", plan->grace_ms);
    sx_plan_closes(b->plan, plan->grace_ms); /* a later row joins at once */
    store->retention_ms = plan->grace_ms;
    out = sx_bind_flow_like(b, in);
    out->node = node;
    out->port = SX_PORT_ROWS;
    out->schema = schema;
    out->window = NULL;
    out->has_headers = false;
    out->delay_ms += plan->grace_ms;
    return out;
}

/* ---- Run ------------------------------------------------------------------------------------- */

static const struct sx_slice meta_key = {"time", 4};

static void open(const void *p, void *s, struct sx_node *node)
{
    const struct sx_streams_plan *plan = p;
    struct grace_state *state = s;
    struct sx_slice meta = sx_store_get(node->stores[0], SX_SEGMENT_META, meta_key);

    state->run = sx_calloc(1, sizeof(*state->run));
    state->run->held.span_ms = plan->span_ms;
    state->run->number = 1;
    sx_waiting_open(&state->run->waiting, node->stores[0], plan->span_ms);
    state->time = meta.size == 8 ? sx_get_sorted64(meta.data) : INT64_MIN;
}

static void close(const void *p, void *s, struct sx_node *node)
{
    struct grace_run *run = ((struct grace_state *)s)->run;

    sx_held_free(&run->held);
    sx_waiting_close(&run->waiting);
    sx_buffer_free(&run->row);
    free(run);
}

/* Rows before this time wait no longer. */
static int64_t waits_from(const struct sx_streams_plan *plan, const struct grace_state *state)
{
    return sx_time_plus(state->time, 1 - plan->grace_ms);
}

static void renew(const struct sx_streams_plan *plan, struct grace_state *state)
{
    int64_t from = SX_MAX(waits_from(plan, state), 0);

    if (state->number == 0)
        state->loaded_to = from;
    if (state->number != state->run->number)
        sx_waiting_renew(&state->run->waiting, from, &state->loaded_to);
    sx_waiting_trim(&state->run->waiting);
    state->number = ++state->run->number;
}

static void end_waits(const struct sx_streams_plan *plan, struct grace_state *state, struct sx_node *node,
                      struct sx_pairs *pairs, uint32_t row)
{
    struct grace_run *run = state->run;

    while (sx_waiting_first(&run->waiting, waits_from(plan, state), &state->loaded_to) != NULL) {
        struct sx_waiting_row first = sx_waiting_take(&run->waiting);

        sx_held_find(&run->held, node->stores[0], first.key, first.ts, first.ts, SX_HELD_WAITING, 0);
        for (uint32_t i = 0; i < run->held.found_count; i++)
            sx_pairs_add_held(pairs, row, 0, first.key, run->held.found[i].bytes, first.ts);
    }
}

static void take_row(const struct sx_streams_plan *plan, struct grace_state *state, struct sx_node *node,
                     const struct sx_batch *batch, struct sx_pairs *pairs, uint32_t row)
{
    const struct sx_streams_side *side = &plan->sides[0];
    struct grace_run *run = state->run;
    int64_t ts = batch->ts[row];
    struct sx_slice key;

    if (sx_row_key_is_null(batch, plan->key_count, row)) {
        sx_pairs_add(pairs, row, SX_SLICE_NONE, ts); /* the lookup decides about it */
        return;
    }
    state->time = SX_MAX(state->time, ts);
    if (ts < waits_from(plan, state)) {
        /* Its wait is over, or it is late. Of those that are held none is as early: they left. */
        sx_pairs_add(pairs, row, SX_SLICE_NONE, ts);
        return;
    }
    key = sx_row_key(node, batch, plan->key_count, row);
    run->row.size = 0;
    sx_row_write(&run->row, batch, side->columns, side->column_count, row);
    sx_held_add(&run->held, node->stores[0], key, ts, true, sx_buffer_slice(&run->row));
    sx_waiting_add(&run->waiting, key, ts, &state->loaded_to);
    end_waits(plan, state, node, pairs, row);
}

static void save(const struct sx_streams_plan *plan, const struct grace_state *state, struct sx_node *node)
{
    char meta[8];

    sx_put_sorted64(meta, state->time);
    sx_store_put(node->stores[0], SX_SEGMENT_META, meta_key, sx_slice(meta, sizeof(meta)));
    sx_store_drop_before(node->stores[0], sx_held_segment(plan->span_ms, waits_from(plan, state)));
}

static void process(const void *p, void *s, struct sx_node *node, uint32_t input,
                    const struct sx_batch *batch)
{
    const struct sx_streams_plan *plan = p;
    struct grace_state *state = s;
    struct sx_batch present = sx_batch_present(node->arena, batch);
    int64_t before = state->time;
    struct sx_pairs *pairs;

    if (present.count < batch->count)
        sx_node_drop(node, "null_value", batch->count - present.count);
    if (present.count == 0)
        return;
    renew(plan, state);
    pairs = sx_pairs_new(node, plan, &present, 0);
    for (SX_EACH_ROW(&present, i, row))
        take_row(plan, state, node, &present, pairs, row);
    sx_pairs_flush(pairs);
    if (state->time != before)
        save(plan, state, node);
}

static void on_time(const void *p, void *s, struct sx_node *node, int64_t stream_time_ms, int64_t wall_ms)
{
    const struct sx_streams_plan *plan = p;
    struct grace_state *state = s;
    struct sx_batch cause = {.origin = node->origin};
    struct sx_pairs *pairs;

    if (stream_time_ms <= state->time)
        return;
    state->time = stream_time_ms;
    renew(plan, state);
    pairs = sx_pairs_new(node, plan, &cause, 0);
    end_waits(plan, state, node, pairs, 0);
    sx_pairs_flush(pairs);
    save(plan, state, node);
}

static void print(const void *p, struct sx_buffer *to)
{
    sx_add_duration(to, ((const struct sx_streams_plan *)p)->grace_ms);
}

const struct sx_operator_def sx_operator_join_grace = {
    .name = "wait for the table",
    .summary = "Rows of a stream wait until a versioned table is known as of their time.",
    .takes = "stream -> stream",
    .internal = true,
    .state_bytes = sizeof(struct grace_state),
    .open = open,
    .process = process,
    .on_time = on_time,
    .close = close,
    .print = print,
};
