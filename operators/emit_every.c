/* emit_every.c: of a table's updates the latest of each key per interval of event time.
 *
 * An update belongs to the interval of stream time, aligned to the epoch: [n * D, (n + 1) * D). It is held
 * until stream time enters a later one; then what is held leaves by window and key, before the row that
 * moved stream time is held in its turn. Of each key there is kept, beside the latest row, the row that
 * was sent last, so that what readers see as the row before is true, and a row that came and went within
 * an interval is never heard of.
 *
 *   segment   the interval's start
 *   key       window start (8, sorted) | window end (8, sorted) | key columns
 *   value     flags (1) | varint size, row now | varint size, row before       rows: as in tables
 */
#include "operators/emit.h"

#include <stdlib.h>

enum { EVERY };
enum { IS_THERE = 1, WAS_THERE = 2, WINDOW_BYTES = 16 };

struct every_plan {
    int64_t every_ms;
    const struct sx_schema *schema;
    const struct sx_type **types;
    const uint16_t *values; /* the columns that are stored */
    uint32_t value_count;
    struct sx_position at;
};

struct every_state {
    int64_t stream_time;
    int64_t interval; /* the start of that of stream time; INT64_MIN: no row yet */
    struct sx_buffer *buffers;
};

static const struct sx_clause clauses[] = {
    [EVERY] = {NULL, SX_CLAUSE_DURATION, false, "How long an interval of event time is."},
};

static void bind(struct sx_bind *b)
{
    const struct sx_flow *in = sx_bind_input(b);
    struct every_plan *plan = SX_ARENA_NEW(b->arena, struct every_plan);
    struct sx_store_plan *store;
    struct sx_node_plan *node;
    struct sx_flow *out;

    if (!sx_emit_takes(b, in))
        return;
    plan->every_ms = b->ops->integer(b, EVERY);
    if (!sx_bind_failed(b) && plan->every_ms < 1)
        sx_bind_fail(b, EVERY, NULL, "it must be at least 1 ms, and is %lld ms", (long long)plan->every_ms);
    if (sx_bind_failed(b))
        return;
    plan->schema = in->schema;
    plan->types = sx_schema_types(b->arena, in->schema);
    plan->value_count = in->schema->count - in->schema->key_count;
    plan->values = sx_indexes(b->arena, in->schema->key_count, plan->value_count);
    plan->at = b->ops->position(b, -1);
    node = sx_bind_node(b, in, "emit every", plan, in->schema);
    /* All columns are stored, whoever reads them. */
    node->reads[0] = sx_columns_all(b->arena, in->schema);
    node->from = sx_from_same(b->arena, in->schema);
    node->wants_old = true;
    store = sx_bind_store(b, node, "every", SX_STORE_WINDOW);
    store->retention_ms = plan->every_ms;
    sx_store_keeps(store, b->arena, in->schema);
    sx_store_keeps_span(store, b->arena, "every", plan->every_ms);
    out = sx_bind_flow_like(b, in);
    out->node = node;
    out->port = SX_PORT_ROWS;
    out->view = NULL; /* what is kept further up is ahead of what was sent */
    out->emit = SX_EMIT_EVERY;
    out->emit_written = true;
    b->result = out;
}

/* ---- Run ------------------------------------------------------------------------------------- */

static const struct sx_slice meta_key = {"time", 4};

static void open(const void *p, void *s, struct sx_node *node)
{
    const struct every_plan *plan = p;
    struct every_state *state = s;
    struct sx_slice meta = sx_store_get(node->stores[0], SX_SEGMENT_META, meta_key);

    state->buffers = sx_calloc(2, sizeof(*state->buffers));
    state->stream_time = state->interval = INT64_MIN;
    if (meta.size != 8)
        return;
    state->stream_time = sx_get_sorted64(meta.data);
    state->interval = state->stream_time - state->stream_time % plan->every_ms;
}

static void close(const void *p, void *s, struct sx_node *node)
{
    struct every_state *state = s;

    for (uint32_t i = 0; i < 2; i++)
        sx_buffer_free(&state->buffers[i]);
    free(state->buffers);
}

struct held {
    uint8_t flags;
    struct sx_slice now, before;
};

static bool read_held(struct sx_slice value, struct held *held)
{
    const char *at = value.data + 1, *end = value.data + value.size;
    struct sx_slice *parts[] = {&held->now, &held->before};
    uint64_t size;

    if (value.size < 1)
        return false;
    held->flags = (uint8_t)value.data[0];
    for (uint32_t i = 0; i < SX_COUNT(parts); i++) {
        if (!sx_read_varint(&at, end, &size) || size > (uint64_t)(end - at))
            return false;
        *parts[i] = sx_slice(at, size);
        at += size;
    }
    return true;
}

/* A row as it is stored, as a slice of the batch's arena. */
static struct sx_slice stored_row(const struct every_plan *plan, struct every_state *state,
                                  struct sx_node *node, const struct sx_batch *batch, uint32_t row)
{
    state->buffers[1].size = 0;
    sx_stored_write(&state->buffers[1], batch, plan->values, plan->value_count, row);
    return sx_arena_copy(node->arena, sx_buffer_slice(&state->buffers[1]));
}

static void hold(const struct every_plan *plan, struct every_state *state, struct sx_node *node,
                 const struct sx_batch *batch, uint32_t row)
{
    struct sx_window window = plan->schema->windowed ? batch->windows[row] : (struct sx_window){0, 0};
    struct sx_buffer *to = &state->buffers[0];
    struct sx_slice columns = sx_row_key(node, batch, plan->schema->key_count, row), key, stored;
    struct held held = {.now = SX_SLICE(""), .before = SX_SLICE("")};
    char *at;

    to->size = 0;
    at = sx_buffer_room(to, WINDOW_BYTES);
    sx_put_sorted64(at, window.start);
    sx_put_sorted64(at + 8, window.end);
    to->size = WINDOW_BYTES;
    sx_buffer_add_slice(to, columns);
    key = sx_arena_copy(node->arena, sx_buffer_slice(to));
    stored = sx_store_get(node->stores[0], state->interval, key);
    if (stored.data == NULL || !read_held(stored, &held)) {
        held.flags = batch->old != NULL && !sx_batch_is_gone(batch->old, row) ? WAS_THERE : 0;
        held.before = held.flags ? stored_row(plan, state, node, batch->old, row) : SX_SLICE("");
    }
    held.flags &= WAS_THERE;
    held.now = SX_SLICE("");
    if (!sx_batch_is_gone(batch, row)) {
        held.flags |= IS_THERE;
        held.now = stored_row(plan, state, node, batch, row);
    } else {
        /* The time of its end. */
        at = sx_arena_alloc(node->arena, 8);
        sx_put_le64(at, (uint64_t)batch->ts[row]);
        held.now = sx_slice(at, 8);
    }
    if (held.flags == 0) {
        if (stored.data != NULL)
            sx_store_remove(node->stores[0], state->interval, key);
        return;
    }
    to->size = 0;
    sx_buffer_add_byte(to, (char)held.flags);
    sx_buffer_add_varint(to, held.now.size);
    sx_buffer_add_slice(to, held.now);
    sx_buffer_add_varint(to, held.before.size);
    sx_buffer_add_slice(to, held.before);
    sx_store_put(node->stores[0], state->interval, key, sx_buffer_slice(to));
}

/* ---- Letting go ------------------------------------------------------------------------------ */

struct leaving {
    const struct every_plan *plan;
    struct sx_node *node;
    const struct sx_batch *cause;
    uint32_t row;
    struct sx_batch now, before;
    int64_t *ts, *ts_before;
    uint64_t *gone, *absent;
    struct sx_window *windows;
    uint16_t *origin_row;
    struct sx_value *values;
};

static void leaving_begin(struct leaving *l)
{
    const struct sx_schema *schema = l->plan->schema;
    struct sx_arena *arena = l->node->arena;

    l->now = (struct sx_batch){.schema = schema, .origin = l->cause->origin};
    l->now.columns = sx_columns_new(arena, schema, SX_BATCH_ROWS);
    l->now.ts = l->ts = sx_arena_alloc(arena, sizeof(*l->ts) * SX_BATCH_ROWS);
    l->now.gone = l->gone = SX_ARENA_ARRAY(arena, uint64_t, SX_BITMAP_WORDS(SX_BATCH_ROWS));
    l->windows = sx_arena_alloc(arena, sizeof(*l->windows) * SX_BATCH_ROWS);
    l->now.windows = schema->windowed ? l->windows : NULL;
    l->now.origin_row = l->origin_row = sx_arena_alloc(arena, sizeof(*l->origin_row) * SX_BATCH_ROWS);
    l->values = SX_ARENA_ARRAY(arena, struct sx_value, schema->count + 1);
    l->before = l->now;
    l->before.columns = sx_columns_new(arena, schema, SX_BATCH_ROWS);
    l->before.ts = l->ts_before = SX_ARENA_ARRAY(arena, int64_t, SX_BATCH_ROWS);
    l->before.gone = l->absent = SX_ARENA_ARRAY(arena, uint64_t, SX_BITMAP_WORDS(SX_BATCH_ROWS));
}

static void leaving_flush(struct leaving *l)
{
    if (l->now.rows == 0)
        return;
    l->now.count = l->before.rows = l->before.count = l->now.rows;
    l->now.old = l->node->plan->needs_old ? &l->before : NULL;
    sx_node_emit(l->node, SX_PORT_ROWS, &l->now);
    l->now.rows = 0;
}

/* The values of a row that is there, or nulls; the key columns are in l->values. */
static bool set_row(struct leaving *l, struct sx_column *columns, int64_t *ts, struct sx_slice stored,
                    bool there)
{
    uint32_t at = l->now.rows, keys = l->plan->schema->key_count;

    if (there && !sx_stored_read(stored, l->plan->types + keys, l->plan->value_count, &ts[at],
                                 l->values + keys, l->node->arena))
        return false;
    for (uint32_t c = 0; c < l->plan->schema->count; c++)
        sx_column_set(&columns[c], at, c < keys || there ? l->values[c] : SX_VALUE_NULL);
    return true;
}

static bool let_go(int64_t segment, struct sx_slice key, struct sx_slice value, void *arg)
{
    struct leaving *l = arg;
    struct held held;
    uint32_t at;

    if (l->now.rows == SX_BATCH_ROWS)
        leaving_flush(l);
    if (l->now.rows == 0)
        leaving_begin(l);
    at = l->now.rows;
    /* What a walk gives lives until its next step only. */
    key = sx_arena_copy(l->node->arena, key);
    value = sx_arena_copy(l->node->arena, value);
    if (!read_held(value, &held) || key.size < WINDOW_BYTES || held.now.size < 8 ||
        !sx_key_read(sx_slice(key.data + WINDOW_BYTES, key.size - WINDOW_BYTES), l->plan->types,
                     l->plan->schema->key_count, l->values, l->node->arena) ||
        !set_row(l, l->now.columns, l->ts, held.now, held.flags & IS_THERE) ||
        !set_row(l, l->before.columns, l->ts_before, held.before, held.flags & WAS_THERE)) {
        sx_node_reject(l->node, l->cause, l->row, "state", l->plan->at, "a held row is damaged");
        return false;
    }
    if (!(held.flags & IS_THERE)) {
        sx_bit_set(l->gone, at);
        l->ts[at] = (int64_t)sx_get_le64(held.now.data);
    }
    if (!(held.flags & WAS_THERE))
        sx_bit_set(l->absent, at);
    l->windows[at] = (struct sx_window){sx_get_sorted64(key.data), sx_get_sorted64(key.data + 8)};
    l->origin_row[at] = l->cause->origin_row ? l->cause->origin_row[l->row] : (uint16_t)l->row;
    l->now.rows++;
    return true;
}

/* Stream time went on: what is held of earlier intervals leaves. */
static void go_on(const struct every_plan *plan, struct every_state *state, struct sx_node *node,
                  int64_t time, const struct sx_batch *cause, uint32_t row)
{
    struct leaving l = {.plan = plan, .node = node, .cause = cause, .row = row};
    int64_t interval;

    state->stream_time = SX_MAX(state->stream_time, time);
    interval = state->stream_time - state->stream_time % plan->every_ms;
    if (interval <= state->interval)
        return;
    sx_store_each(node->stores[0], SX_SEGMENT_META + 1, interval, let_go, &l);
    leaving_flush(&l);
    sx_store_drop_before(node->stores[0], interval);
    state->interval = interval;
}

static void save_time(const struct every_state *state, struct sx_node *node)
{
    char meta[8];

    sx_put_sorted64(meta, state->stream_time);
    sx_store_put(node->stores[0], SX_SEGMENT_META, meta_key, sx_slice(meta, sizeof(meta)));
}

static void process(const void *p, void *s, struct sx_node *node, uint32_t input,
                    const struct sx_batch *batch)
{
    const struct every_plan *plan = p;
    struct every_state *state = s;
    int64_t time_before = state->stream_time;

    for (SX_EACH_ROW(batch, i, row)) {
        go_on(plan, state, node, batch->ts[row], batch, row);
        hold(plan, state, node, batch, row);
    }
    if (state->stream_time != time_before)
        save_time(state, node);
}

static void on_time(const void *p, void *s, struct sx_node *node, int64_t stream_time_ms, int64_t wall_ms)
{
    struct every_state *state = s;
    struct sx_batch cause = {.origin = node->origin};

    if (stream_time_ms <= state->stream_time)
        return;
    go_on(p, state, node, stream_time_ms, &cause, 0);
    save_time(state, node);
}

static void print(const void *p, struct sx_buffer *to)
{
    sx_add_duration(to, ((const struct every_plan *)p)->every_ms);
}

#define BID(PRICE, TIME) \
    "{\"topic\":\"bids\",\"key\":\"a\",\"value\":{\"price\":" PRICE "},\"timestamp\":" TIME "}\n"
#define SUM(TOTAL, TIME) \
    "{\"topic\":\"sums\",\"key\":\"a\",\"value\":{\"total\":" TOTAL "},\"timestamp\":" TIME "}\n"

const struct sx_operator_def sx_operator_emit_every = {
    .name = "emit every",
    .summary = "Send the latest row of each key once per interval of event time, when the next one begins.",
    .takes = "table -> table",
    .clauses = clauses,
    .clause_count = SX_COUNT(clauses),
    .example = {.program =
                    "stream bids from topic \"bids\" { key string value json { price int } }\n"
                    "table sums = bids | group by key | aggregate { total: sum(price) } | emit every 5s\n"
                    "sums | to topic \"sums\"\n",
                .in = BID("7", "1000") BID("5", "4999") BID("1", "5000") BID("1", "10000"),
                .out = SUM("12", "4999") SUM("13", "5000")},
    .bind = bind,
    .state_bytes = sizeof(struct every_state),
    .open = open,
    .process = process,
    .on_time = on_time,
    .close = close,
    .print = print,
};
