/* delay.c: rows are held until stream time reaches a time of their own.
 *
 * A held row stands in the segment of its time, under its number of arrival; so what is due is a walk
 * over the first segments, in the order in which it leaves, and dropping them is one call. Stream time
 * and the next number are kept beside, so that after a restart what has left is known to have.
 */
#include "operators/common.h"

struct delay_plan {
    const struct sx_program *until;
    const struct sx_schema *schema; /* of the output */
    const struct sx_type **types;
    uint16_t *columns;
    struct sx_position at;
};

struct delay_state {
    struct sx_evaluator *until;
    int64_t stream_time; /* INT64_MIN: no row yet */
    int64_t arrivals;
    int64_t first_due; /* no held row is due before it */
};

static const struct sx_clause clauses[] = {
    {NULL, SX_CLAUSE_EXPR, false, "A timestamp; null is a row error, one that is past lets the row through."},
};

static void bind(struct sx_bind *b)
{
    const struct sx_flow *in = sx_bind_input(b);
    struct delay_plan *plan = SX_ARENA_NEW(b->arena, struct delay_plan);
    struct sx_schema *schema;
    struct sx_store_plan *store;
    struct sx_node_plan *node;
    struct sx_flow *out;
    uint64_t *reads;

    plan->until = b->ops->expr(b, 0, &sx_type_timestamp, NULL);
    plan->at = b->ops->position(b, 0);
    if (in->kind != SX_FLOW_STREAM)
        sx_bind_fail(b, -1, in->kind == SX_FLOW_TABLE ? "put `| changes` before it" : NULL,
                     "`delay until` takes a stream");
    if (sx_bind_failed(b))
        return;
    schema = sx_schema_of(b->arena, in->schema->fields, in->schema->count, in->schema);
    schema->has_metadata = false;
    plan->schema = schema;
    plan->types = sx_schema_types(b->arena, schema);
    plan->columns = (uint16_t *)sx_indexes(b->arena, 0, schema->count);
    node = sx_bind_node(b, in, "delay", plan, schema);
    /* All columns are held, whoever reads them: what a store holds must not depend on its readers. */
    reads = sx_columns_all(b->arena, in->schema);
    node->reads[0] = reads;
    node->from = sx_from_same(b->arena, schema);
    store = sx_bind_store(b, node, b->named ? NULL : "delay", SX_STORE_WINDOW);
    sx_store_keeps(store, b->arena, schema);
    out = sx_bind_flow_like(b, in);
    out->schema = schema;
    out->node = node;
    out->port = SX_PORT_ROWS;
    out->has_headers = false;
    b->result = out;
}

/* ---- Run ------------------------------------------------------------------------------------- */

static const struct sx_slice meta_key = {"time", 4};

/* Far from overflow, and further than any clock. */
#define LATEST_MS (INT64_MAX - 2)

enum { META_BYTES = 16, HEAD_BYTES = 25, FLAG_GONE = 1, FLAG_WINDOW = 2 };

static void open(const void *p, void *s, struct sx_node *node)
{
    struct delay_state *state = s;
    struct sx_slice meta = sx_store_get(node->stores[0], SX_SEGMENT_META, meta_key);

    state->until = sx_evaluator_new(((const struct delay_plan *)p)->until);
    state->stream_time = INT64_MIN;
    if (meta.size == META_BYTES) {
        state->stream_time = sx_get_sorted64(meta.data);
        state->arrivals = (int64_t)sx_get_be64(meta.data + 8);
    }
    /* What a restore brought back of the past has left. */
    if (state->stream_time != INT64_MIN)
        sx_store_drop_before(node->stores[0], state->stream_time + 1);
    state->first_due = SX_SEGMENT_META + 1;
}

static void close(const void *p, void *s, struct sx_node *node)
{
    sx_evaluator_free(((struct delay_state *)s)->until);
}

static void save(struct delay_state *state, struct sx_node *node)
{
    char meta[META_BYTES];

    sx_put_sorted64(meta, state->stream_time);
    sx_put_be64(meta + 8, (uint64_t)state->arrivals);
    sx_store_put(node->stores[0], SX_SEGMENT_META, meta_key, sx_slice(meta, sizeof(meta)));
}

/* time (8) | flags (1) | window start, end (8, 8) | row of all columns */
static void hold(const struct delay_plan *plan, struct delay_state *state, struct sx_node *node,
                 const struct sx_batch *batch, uint32_t row, int64_t until)
{
    char number[8], *head;
    bool windowed = batch->windows != NULL;

    node->scratch.size = 0;
    head = sx_buffer_room(&node->scratch, HEAD_BYTES);
    sx_put_be64(head, (uint64_t)batch->ts[row]);
    head[8] = (char)((sx_batch_is_gone(batch, row) ? FLAG_GONE : 0) | (windowed ? FLAG_WINDOW : 0));
    sx_put_be64(head + 9, windowed ? (uint64_t)batch->windows[row].start : 0);
    sx_put_be64(head + 17, windowed ? (uint64_t)batch->windows[row].end : 0);
    node->scratch.size = HEAD_BYTES;
    sx_row_write(&node->scratch, batch, plan->columns, plan->schema->count, row);
    sx_put_be64(number, (uint64_t)state->arrivals++);
    sx_store_put(node->stores[0], until, sx_slice(number, sizeof(number)), sx_buffer_slice(&node->scratch));
    state->first_due = SX_MIN(state->first_due, until);
}

/* Rows on their way out, as a batch. */
struct leaving {
    const struct delay_plan *plan;
    struct sx_node *node;
    const struct sx_batch *cause; /* the row that lets them go */
    uint32_t cause_row;
    struct sx_batch batch;
    int64_t *ts;
    uint64_t *gone;
    struct sx_window *windows;
    uint16_t *origin_row;
    struct sx_value *values;
};

static void leaving_begin(struct leaving *l)
{
    struct sx_arena *arena = l->node->arena;
    const struct sx_schema *schema = l->plan->schema;

    l->batch = (struct sx_batch){.schema = schema, .origin = l->cause->origin};
    l->batch.columns = SX_ARENA_ARRAY(arena, struct sx_column, schema->count + 1);
    for (uint32_t c = 0; c < schema->count; c++) {
        l->batch.columns[c] = sx_column_new(arena, schema->fields[c].type, SX_BATCH_ROWS);
        sx_column_nulls(&l->batch.columns[c], arena, SX_BATCH_ROWS);
    }
    l->batch.ts = l->ts = sx_arena_alloc(arena, sizeof(*l->ts) * SX_BATCH_ROWS);
    l->batch.gone = l->gone = SX_ARENA_ARRAY(arena, uint64_t, SX_BITMAP_WORDS(SX_BATCH_ROWS));
    l->windows = sx_arena_alloc(arena, sizeof(*l->windows) * SX_BATCH_ROWS);
    l->batch.windows = schema->windowed ? l->windows : NULL;
    l->batch.origin_row = l->origin_row = sx_arena_alloc(arena, sizeof(*l->origin_row) * SX_BATCH_ROWS);
    l->values = SX_ARENA_ARRAY(arena, struct sx_value, schema->count + 1);
}

static void leaving_flush(struct leaving *l)
{
    l->batch.count = l->batch.rows;
    sx_node_emit(l->node, SX_PORT_ROWS, &l->batch);
    l->batch.rows = 0;
}

static bool let_go(int64_t segment, struct sx_slice key, struct sx_slice value, void *arg)
{
    struct leaving *l = arg;
    uint32_t at;

    if (l->batch.rows == SX_BATCH_ROWS)
        leaving_flush(l);
    if (l->batch.rows == 0)
        leaving_begin(l);
    at = l->batch.rows;
    /* What a walk gives lives until its next step only. */
    value = sx_arena_copy(l->node->arena, value);
    if (value.size < HEAD_BYTES ||
        !sx_row_read(sx_slice(value.data + HEAD_BYTES, value.size - HEAD_BYTES), l->plan->types,
                     l->plan->schema->count, l->values, l->node->arena)) {
        sx_node_reject(l->node, l->cause, l->cause_row, "state", l->plan->at, "a held row is damaged");
        return false;
    }
    for (uint32_t c = 0; c < l->plan->schema->count; c++)
        sx_column_set(&l->batch.columns[c], at, l->values[c]);
    l->ts[at] = SX_MAX((int64_t)sx_get_be64(value.data), segment);
    if (value.data[8] & FLAG_GONE)
        sx_bit_set(l->gone, at);
    l->windows[at] =
        (struct sx_window){(int64_t)sx_get_be64(value.data + 9), (int64_t)sx_get_be64(value.data + 17)};
    l->origin_row[at] = l->cause->origin_row ? l->cause->origin_row[l->cause_row] : (uint16_t)l->cause_row;
    l->batch.rows++;
    return true;
}

/* Let those go that are due in [from, to), caused by a row. */
static void let_due_go(const struct delay_plan *plan, struct sx_node *node, int64_t from, int64_t to,
                       const struct sx_batch *cause, uint32_t row)
{
    struct leaving l = {.plan = plan, .node = node, .cause = cause, .cause_row = row};

    sx_store_each(node->stores[0], from, to, let_go, &l);
    leaving_flush(&l);
}

static bool note_segment(int64_t segment, struct sx_slice key, struct sx_slice value, void *arg)
{
    *(int64_t *)arg = segment;
    return false;
}

/* What is due has gone. */
static void forget_past(struct delay_state *state, struct sx_node *node)
{
    sx_store_drop_before(node->stores[0], state->stream_time + 1);
    state->first_due = INT64_MAX;
    sx_store_each(node->stores[0], state->stream_time + 1, INT64_MAX, note_segment, &state->first_due);
}

/* Rows of the batch in hand that need not wait. */
struct passing {
    struct sx_batch batch;
    uint16_t *sel;
    uint32_t count;
};

static void pass(struct passing *passing, struct sx_node *node)
{
    struct sx_batch out = sx_batch_select(&passing->batch, passing->sel, passing->count);

    sx_node_emit(node, SX_PORT_ROWS, &out);
    /* The batch that was given away keeps its selection. */
    passing->sel += passing->count;
    passing->count = 0;
}

static void take(const struct delay_plan *plan, struct delay_state *state, struct sx_node *node,
                 const struct sx_batch *batch, uint32_t row, int64_t until, struct passing *passing)
{
    bool due, others;

    state->stream_time = SX_MAX(state->stream_time, batch->ts[row]);
    due = until <= state->stream_time;
    others = state->first_due <= state->stream_time;
    if (!due)
        hold(plan, state, node, batch, row, until);
    if (others) {
        pass(passing, node);
        let_due_go(plan, node, SX_SEGMENT_META + 1, due ? until + 1 : state->stream_time + 1, batch, row);
    }
    if (due)
        passing->sel[passing->count++] = (uint16_t)row;
    if (others && due) {
        pass(passing, node);
        let_due_go(plan, node, until + 1, state->stream_time + 1, batch, row);
    }
    if (others)
        forget_past(state, node);
}

static void process(const void *p, void *s, struct sx_node *node, uint32_t input,
                    const struct sx_batch *batch)
{
    const struct delay_plan *plan = p;
    struct delay_state *state = s;
    struct sx_row_failures failures = {0};
    struct passing passing = {.batch = *batch};
    int64_t *ts = sx_arena_alloc(node->arena, sizeof(*ts) * (batch->rows + 1));
    struct sx_column until;
    bool failed;

    sx_eval_column(state->until, batch, node->arena, &until, &failures);
    failed = sx_node_reject_all(node, batch, &failures);
    for (SX_EACH_ROW(batch, i, row))
        if (!failed && sx_column_is_null(&until, row)) {
            sx_node_reject(node, batch, row, "timestamp", plan->at, "the time to wait for is null");
            failed = true;
        }
    if (failed)
        return;
    passing.batch.schema = plan->schema;
    passing.batch.ts = ts;
    passing.sel = sx_arena_alloc(node->arena, sizeof(*passing.sel) * (batch->count + 1));
    for (SX_EACH_ROW(batch, i, row)) {
        int64_t at = SX_MIN(SX_MAX(until.i[row], 0), LATEST_MS);

        ts[row] = SX_MAX(batch->ts[row], at);
        take(plan, state, node, batch, row, at, &passing);
    }
    pass(&passing, node);
    save(state, node);
}

static void on_time(const void *p, void *s, struct sx_node *node, int64_t stream_time_ms, int64_t wall_ms)
{
    struct delay_state *state = s;
    struct sx_batch cause = {.origin = node->origin};

    if (stream_time_ms <= state->stream_time)
        return;
    state->stream_time = stream_time_ms;
    if (state->first_due <= stream_time_ms) {
        let_due_go(p, node, SX_SEGMENT_META + 1, stream_time_ms + 1, &cause, 0);
        forget_past(state, node);
    }
    save(state, node);
}

#define ROW(TOPIC, KEY, TO, TIME) \
    "{\"topic\":\"" TOPIC "\",\"key\":\"" KEY "\",\"value\":{\"due\":" TO "},\"timestamp\":" TIME "}\n"

const struct sx_operator_def sx_operator_delay_until = {
    .name = "delay until",
    .summary = "Hold each row, durably, until stream time reaches a time of its own.",
    .takes = "stream -> stream",
    .clauses = clauses,
    .clause_count = SX_COUNT(clauses),
    .example = {.program = "stream mails from topic \"mails\" { key string value json { due timestamp } }\n"
                           "mails | delay until due | to topic \"out\"\n",
                .in = ROW("mails", "a", "5000", "1000") ROW("mails", "b", "2000", "1500")
                    ROW("mails", "c", "100", "3000") ROW("mails", "d", "100", "5000"),
                .out = ROW("out", "c", "100", "3000") ROW("out", "b", "2000", "2000")
                    ROW("out", "d", "100", "5000") ROW("out", "a", "5000", "5000")},
    .bind = bind,
    .state_bytes = sizeof(struct delay_state),
    .open = open,
    .process = process,
    .on_time = on_time,
    .close = close,
};
