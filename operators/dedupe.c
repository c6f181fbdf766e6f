/* dedupe.c: the first row per key and expression within a span of event time.
 *
 *   dedupe by id within 1h      a row at t is the first; those in [t, t + 1h) are left out
 *
 * What is remembered of a key and expression stands in segments of one span each: the earliest and the
 * latest time of the first rows in it. Rows come in any order, so a row may be a first one although it
 * came after a later one; what the first rows of one segment cover has no gaps, so two times say all.
 * Segments are kept for two spans more, so a row up to one span late is judged as if it came in time;
 * one that is later than that may pass again.
 */
#include "operators/common.h"

struct dedupe_plan {
    const struct sx_program *by;
    int64_t span_ms;
};

struct dedupe_state {
    struct sx_evaluator *by;
    int64_t stream_time; /* INT64_MIN: no row yet */
};

enum { BY, WITHIN };

static const struct sx_clause clauses[] = {
    [BY] = {"by", SX_CLAUSE_EXPR, false, "What makes rows of one key the same."},
    [WITHIN] = {"within", SX_CLAUSE_DURATION, false, "How long a row's duplicates are left out."},
};

/* 2^50 ms is 35,000 years: far from overflow when spans are added to times. */
#define LONGEST_MS (INT64_C(1) << 50)

static int64_t span_of(struct sx_bind *b)
{
    int64_t ms = b->ops->integer(b, WITHIN);

    if (ms >= 1 && ms <= LONGEST_MS)
        return ms;
    sx_bind_fail(b, WITHIN, NULL, ms < 1 ? "it must be positive" : "it is longer than 35,000 years");
    return 1;
}

static void bind(struct sx_bind *b)
{
    const struct sx_flow *in = sx_bind_input(b);
    struct dedupe_plan *plan = SX_ARENA_NEW(b->arena, struct dedupe_plan);
    const struct sx_type *type = NULL;
    struct sx_store_plan *store;
    struct sx_node_plan *node;
    struct sx_flow *out;
    uint64_t *reads;

    if (in->kind != SX_FLOW_STREAM) {
        sx_bind_fail(b, -1,
                     in->kind == SX_FLOW_TABLE ? "a table has one row per key; put `| changes` before it"
                                               : NULL,
                     "`dedupe` takes a stream");
        return;
    }
    if (in->schema->key_count == 0) {
        sx_bind_fail(b, -1, "write `| key by ...` before it", "`dedupe` needs a key, and the rows have none");
        return;
    }
    plan->by = b->ops->expr(b, BY, NULL, &type);
    plan->span_ms = span_of(b);
    if (sx_bind_failed(b))
        return;
    in = sx_bind_place(b, in, NULL, -1);
    node = sx_bind_node(b, in, "dedupe", plan, in->schema);
    reads = sx_bind_columns(b, in->schema);
    for (uint32_t k = 0; k < in->schema->key_count; k++)
        sx_bit_set(reads, k);
    sx_program_columns(plan->by, reads);
    node->reads[0] = reads;
    node->from = sx_from_same(b->arena, in->schema);
    store = sx_bind_store(b, node, NULL, SX_STORE_WINDOW);
    store->retention_ms = 3 * plan->span_ms;
    sx_store_keeps_key(store, b->arena, in->schema);
    sx_store_keeps_also(store, b->arena, "by", "%s", sx_type_text(type, b->arena));
    sx_store_keeps_span(store, b->arena, "within", plan->span_ms);
    sx_plan_closes(b->plan, plan->span_ms); /* a later row may pass again */
    out = sx_bind_flow_like(b, in);
    out->node = node;
    out->port = SX_PORT_ROWS;
    b->result = out;
}

/* ---- Run ------------------------------------------------------------------------------------- */

static const struct sx_slice meta_key = {"time", 4};

/* Segments that begin before it are forgotten. */
static int64_t kept_from(const struct dedupe_plan *plan, int64_t stream_time)
{
    return stream_time == INT64_MIN ? SX_SEGMENT_META + 1 : stream_time - 3 * plan->span_ms + 1;
}

static void open(const void *p, void *s, struct sx_node *node)
{
    const struct dedupe_plan *plan = p;
    struct dedupe_state *state = s;
    struct sx_slice meta = sx_store_get(node->stores[0], SX_SEGMENT_META, meta_key);

    state->by = sx_evaluator_new(plan->by);
    state->stream_time = meta.size == 8 ? sx_get_sorted64(meta.data) : INT64_MIN;
    sx_store_drop_before(node->stores[0], kept_from(plan, state->stream_time));
}

static void close(const void *p, void *s, struct sx_node *node)
{
    sx_evaluator_free(((struct dedupe_state *)s)->by);
}

/* Do the first rows of this segment cover `ts`? */
static bool covers(const struct dedupe_plan *plan, struct sx_node *node, int64_t segment, struct sx_slice key,
                   int64_t ts)
{
    struct sx_slice times = sx_store_get(node->stores[0], segment, key);

    return times.size == 16 && ts >= sx_get_sorted64(times.data) &&
           ts - plan->span_ms < sx_get_sorted64(times.data + 8);
}

static void remember(struct sx_node *node, int64_t segment, struct sx_slice key, int64_t ts)
{
    bool fresh;
    char *times = sx_store_edit(node->stores[0], segment, key, 16, &fresh);

    sx_put_sorted64(times, fresh ? ts : SX_MIN(sx_get_sorted64(times), ts));
    sx_put_sorted64(times + 8, fresh ? ts : SX_MAX(sx_get_sorted64(times + 8), ts));
}

static bool is_first(const struct dedupe_plan *plan, struct sx_node *node, struct sx_slice key, int64_t ts,
                     int64_t stream_time)
{
    int64_t segment = ts - ts % plan->span_ms, from = kept_from(plan, stream_time);

    if (segment >= from && covers(plan, node, segment, key, ts))
        return false;
    if (segment - plan->span_ms >= from && covers(plan, node, segment - plan->span_ms, key, ts))
        return false;
    if (segment >= from)
        remember(node, segment, key, ts);
    return true;
}

static void process(const void *p, void *s, struct sx_node *node, uint32_t input,
                    const struct sx_batch *batch)
{
    const struct dedupe_plan *plan = p;
    struct dedupe_state *state = s;
    uint32_t keys = batch->schema->key_count, count = 0, null_keys = 0, doubles = 0;
    int64_t time_before = state->stream_time;
    struct sx_row_failures failures = {0};
    struct sx_batch out = *batch;
    struct sx_column by;
    uint16_t *sel;
    char meta[8];

    sx_eval_column(state->by, batch, node->arena, &by, &failures);
    if (sx_node_reject_all(node, batch, &failures))
        return;
    sel = sx_arena_alloc(node->arena, sizeof(*sel) * (batch->count + 1));
    for (SX_EACH_ROW(batch, i, row)) {
        struct sx_value value = sx_column_get(&by, row);

        if (sx_row_key_is_null(batch, keys, row)) {
            null_keys++;
            continue;
        }
        state->stream_time = SX_MAX(state->stream_time, batch->ts[row]);
        if (value.kind != SX_NULL) {
            sx_row_key(node, batch, keys, row);
            sx_key_write_values(&node->scratch, &value, 1);
            if (!is_first(plan, node, sx_buffer_slice(&node->scratch), batch->ts[row], state->stream_time)) {
                doubles++;
                continue;
            }
        }
        /* Null is like nothing, another null included. */
        sel[count++] = (uint16_t)row;
    }
    if (null_keys)
        sx_node_drop(node, "null_key", null_keys);
    if (doubles)
        sx_node_drop(node, "duplicate", doubles);
    if (state->stream_time != time_before) {
        sx_put_sorted64(meta, state->stream_time);
        sx_store_put(node->stores[0], SX_SEGMENT_META, meta_key, sx_slice(meta, sizeof(meta)));
        sx_store_drop_before(node->stores[0], kept_from(plan, state->stream_time));
    }
    out.sel = sel;
    out.count = count;
    sx_node_emit(node, SX_PORT_ROWS, &out);
}

static void print(const void *p, struct sx_buffer *to)
{
    sx_buffer_add_text(to, "within ");
    sx_add_duration(to, ((const struct dedupe_plan *)p)->span_ms);
}

#define ROW(VALUE, TIME) \
    "{\"topic\":\"clicks\",\"key\":\"a\",\"value\":{\"id\":" VALUE "},\"timestamp\":" TIME "}\n"
#define FIRST(VALUE, TIME) \
    "{\"topic\":\"firsts\",\"key\":\"a\",\"value\":{\"id\":" VALUE "},\"timestamp\":" TIME "}\n"

const struct sx_operator_def sx_operator_dedupe = {
    .name = "dedupe",
    .summary = "Leave out rows whose key and expression were there already within a span of event time.",
    .takes = "stream -> stream",
    .clauses = clauses,
    .clause_count = SX_COUNT(clauses),
    .example = {.program = "stream clicks from topic \"clicks\" { key string value json { id int } }\n"
                           "stream firsts = clicks | dedupe by id within 10s\n"
                           "firsts | to topic \"firsts\"\n",
                .in = ROW("1", "0") ROW("1", "9999") ROW("2", "9999") ROW("1", "10000"),
                .out = FIRST("1", "0") FIRST("2", "9999") FIRST("1", "10000")},
    .bind = bind,
    .state_bytes = sizeof(struct dedupe_state),
    .open = open,
    .process = process,
    .close = close,
    .print = print,
};
