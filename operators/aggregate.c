/* aggregate.c: one row per group (and window), updated by every row of the group.
 *
 * The life of a row here: its key columns become the store's key; it is added to its group in each
 * window that still takes it; the updated rows go out on SX_PORT_ROWS; then, if stream time went on
 * over the end of windows, their rows go out on SX_PORT_FINAL, once, by window start and key; then
 * windows past their retention are dropped.
 */
#include "operators/aggregate.h"
#include "operators/view.h"
#include "operators/windowing.h"

#include <stdlib.h>

static const struct sx_clause clauses[] = {
    {NULL, SX_CLAUSE_AGGREGATES, false, "The columns: `{ name: expression over aggregates, ... }`."},
};

/* ---- Plan ------------------------------------------------------------------------------------ */

static void lay_out(struct sx_bind *b, struct sx_groups_plan *plan)
{
    const struct sx_aggregation *a = plan->aggregation;

    plan->head_bytes = plan->retracts ? 16 : 8;
    plan->fixed_at = SX_ARENA_ARRAY(b->arena, uint32_t, a->use_count + 1);
    for (uint32_t u = 0; u < a->use_count; u++) {
        const struct sx_aggregate_def *def = a->uses[u].def;

        plan->fixed_at[u] = plan->fixed_bytes;
        plan->fixed_bytes += def ? (def->fixed_bytes + 7u) & ~7u : 0;
        plan->variable |= def == NULL || def->variable;
    }
}

/* Over a table every aggregate must be able to take a row back. */
static bool can_retract(struct sx_bind *b, const struct sx_flow *in, const struct sx_aggregation *a)
{
    for (uint32_t u = 0; u < a->use_count; u++) {
        const struct sx_aggregate_def *def = a->uses[u].def;
        int name = def ? (int)strcspn(def->signature, "(") : 0;

        if (def == NULL)
            sx_bind_fail(b, -1, "use aggregates, or fold the table's `changes`",
                         "`fold` cannot take a row back, and rows of a table change and go");
        else if (def->retract == NULL)
            sx_bind_fail(b, -1, def->cannot_retract,
                         "`%.*s` cannot take a row back, and rows of a table change and go", name,
                         def->signature);
    }
    return !sx_bind_failed(b);
}

static void make_schemas(struct sx_bind *b, const struct sx_flow *in, struct sx_groups_plan *plan)
{
    const struct sx_aggregation *a = plan->aggregation;
    uint32_t keys = in->group_count, most = keys + SX_MAX(a->use_count, a->output_count) + 1;
    struct sx_field *fields = SX_ARENA_ARRAY(b->arena, struct sx_field, most);
    struct sx_schema like = {
        .is_table = true, .windowed = in->window != NULL, .window_ms = sx_window_size_of(in->window)};

    for (uint32_t k = 0; k < keys; k++)
        fields[k] = (struct sx_field){
            .name = in->groups[k].name, .type = in->groups[k].type, .role = SX_ROLE_KEY, .not_null = true};
    for (uint32_t u = 0; u < a->use_count; u++)
        fields[keys + u] = (struct sx_field){.name = "", .type = a->uses[u].type, .role = SX_ROLE_VALUE};
    plan->results = sx_schema_of(b->arena, fields, keys + a->use_count, &like);
    for (uint32_t i = 0; i < a->output_count; i++)
        fields[keys + i] =
            (struct sx_field){.name = a->outputs[i].name, .type = a->outputs[i].type, .role = SX_ROLE_VALUE};
    plan->schema = sx_schema_of(b->arena, fields, keys + a->output_count, &like);
    plan->key_count = keys;
    plan->key_types = sx_schema_types(b->arena, plan->results);
}

static uint64_t *columns_read(struct sx_bind *b, const struct sx_flow *in,
                              const struct sx_aggregator_plan *plan)
{
    const struct sx_aggregation *a = plan->groups.aggregation;
    uint64_t *reads = plan->late ? sx_columns_all(b->arena, in->schema) : sx_bind_columns(b, in->schema);

    for (uint32_t k = 0; k < in->group_count; k++)
        sx_bit_set(reads, k);
    for (uint32_t c = 0; c < 2 && in->window != NULL && in->window->same; c++)
        sx_bit_set(reads, in->window_column + c);
    for (uint32_t u = 0; u < a->use_count; u++) {
        for (uint32_t i = 0; i < a->uses[u].arg_count; i++)
            sx_program_columns(a->uses[u].args[i], reads);
        if (a->uses[u].where != NULL)
            sx_program_columns(a->uses[u].where, reads);
        if (a->uses[u].step != NULL)
            sx_program_columns(a->uses[u].step, reads);
    }
    return reads;
}

/* `sum(double) double in 16 bytes`; a program's own may change its state and keep its name. */
static void print_use(const struct sx_aggregate_use *use, struct sx_buffer *to)
{
    int name = use->def ? (int)strcspn(use->def->signature, "(") : 4;

    sx_buffer_printf(to, "%.*s(", name, use->def ? use->def->signature : "fold");
    for (uint32_t i = 0; i < use->arg_count; i++) {
        sx_buffer_add_text(to, i ? ", " : "");
        if (use->types[i] != NULL)
            sx_type_print(use->types[i], to);
    }
    sx_buffer_add_text(to, ") ");
    sx_type_print(use->type, to);
    if (use->def != NULL)
        sx_buffer_printf(to, " in %u bytes%s", use->def->fixed_bytes, use->def->variable ? " and more" : "");
}

/* What the stored rows mean: if it changes, old state is incompatible. */
static void keep_groups(struct sx_bind *b, const struct sx_aggregator_plan *plan, struct sx_store_plan *store)
{
    const struct sx_aggregation *a = plan->groups.aggregation;
    struct sx_buffer text = {0};

    sx_store_keeps_key(store, b->arena, plan->groups.results);
    for (uint32_t u = 0; u < a->use_count; u++) {
        sx_buffer_add_text(&text, u ? ", " : "");
        print_use(&a->uses[u], &text);
    }
    sx_store_keeps_also(store, b->arena, "aggregates", "%.*s", (int)text.size, text.data);
    if (plan->groups.retracts)
        sx_store_keeps_also(store, b->arena, "groups", "rows of a table");
    if (plan->window != NULL) {
        text.size = 0;
        sx_window_fingerprint(plan->window, &text);
        sx_store_keeps_also(store, b->arena, "window", "%.*s", (int)text.size, text.data);
    }
    sx_buffer_free(&text);
}

static const struct sx_sink_plan *late_sink(struct sx_bind *b, const struct sx_flow *in)
{
    struct sx_sink_plan *late = SX_ARENA_NEW(b->arena, struct sx_sink_plan);
    struct sx_flow *rows = sx_bind_flow_like(b, in);

    rows->kind = SX_FLOW_STREAM;
    rows->window = NULL;
    late->body = b->ops->body(b, -1, rows);
    late->schema = in->schema;
    if (late->body == NULL ||
        !sx_sink_agrees(b, -1, b->plan->topics[in->window->late_topic->index], rows, late->body))
        return NULL;
    sx_sink_describe(b->plan->topics[in->window->late_topic->index], late->body);
    late->has_headers = in->has_headers;
    late->at = b->ops->position(b, -1);
    return late;
}

/* Sessions merge, which not every aggregate can. */
static bool takes_all(struct sx_bind *b, const struct sx_aggregator_plan *plan)
{
    const struct sx_aggregation *a = plan->groups.aggregation;

    if (plan->windowing == NULL || plan->windowing->refuses == NULL)
        return true;
    for (uint32_t u = 0; u < a->use_count; u++) {
        const char *why = plan->windowing->refuses(&a->uses[u]);

        if (why != NULL) {
            sx_bind_fail(b, 0, NULL, "%s", why);
            return false;
        }
    }
    return true;
}

extern const struct sx_operator_def sx_operator_aggregate;

struct sx_flow *sx_aggregate_bind(struct sx_bind *b, const struct sx_flow *in,
                                  const struct sx_aggregation *aggregation)
{
    const struct sx_operator_def *stage = b->op;
    struct sx_aggregator_plan *plan = SX_ARENA_NEW(b->arena, struct sx_aggregator_plan);
    struct sx_store_plan *store;
    struct sx_view_plan *view;
    struct sx_node_plan *node;
    struct sx_flow *out;

    plan->groups.aggregation = aggregation;
    plan->window = in->window;
    plan->windowing = in->window ? sx_window_kind_of(in->window) : NULL;
    if (!takes_all(b, plan))
        return NULL;
    if (in->schema->is_table && in->window != NULL && !in->window->same) {
        sx_bind_fail(b, -1, "leave the window out, write `window same`, or group the table's `changes`",
                     "the groups of a table have no windows but their own");
        return NULL;
    }
    plan->window_column = in->window_column;
    plan->groups.at = b->ops->position(b, -1);
    /* Final rows neither change nor go. */
    plan->groups.retracts = in->schema->is_table && in->emit != SX_EMIT_FINAL;
    if (plan->groups.retracts && !can_retract(b, in, plan->groups.aggregation))
        return NULL;
    lay_out(b, &plan->groups);
    make_schemas(b, in, &plan->groups);
    if (in->window != NULL && in->window->late_topic != NULL)
        plan->late = late_sink(b, in);
    b->op = &sx_operator_aggregate;
    node = sx_bind_node(b, in, "aggregate", plan, plan->groups.schema);
    b->op = stage;
    node->reads[0] = columns_read(b, in, plan);
    node->wants_old = plan->groups.retracts;
    store = sx_bind_store(b, node, NULL, in->window ? SX_STORE_WINDOW : SX_STORE_KV);
    store->retention_ms = in->window ? in->window->retain_ms : 0;
    keep_groups(b, plan, store);
    if (plan->late != NULL)
        node->topics[node->topic_count++] = in->window->late_topic->index;
    out = sx_bind_flow_like(b, in);
    out->kind = SX_FLOW_TABLE;
    out->node = node;
    out->port = SX_PORT_ROWS;
    out->schema = plan->groups.schema;
    view = SX_ARENA_NEW(b->arena, struct sx_view_plan);
    *view = (struct sx_view_plan){.kind = SX_VIEW_GROUPS,
                                  .schema = plan->groups.schema,
                                  .origin = node,
                                  .store = store,
                                  .groups = &plan->groups,
                                  .window = in->window};
    out->view = view;
    out->emit = SX_EMIT_CHANGES;
    out->emit_written = false;
    out->groups = NULL;
    out->group_count = 0;
    out->has_headers = false;
    return out;
}

static void bind(struct sx_bind *b)
{
    const struct sx_flow *in = sx_bind_input(b);
    const struct sx_aggregation *aggregation;

    if (in->kind != SX_FLOW_GROUPS) {
        sx_bind_fail(b, -1, "write `| group by ...` before it", "`aggregate` takes groups");
        return;
    }
    aggregation = b->ops->aggregation(b, 0);
    if (!sx_bind_failed(b) && aggregation != NULL)
        b->result = sx_aggregate_bind(b, in, aggregation);
}

/* Without windows and retractions a group is only what its rows have made of it: it may start anew. */
bool sx_aggregate_expire(struct sx_bind *b, const struct sx_flow *table, int64_t span_ms)
{
    struct sx_aggregator_plan *plan = (struct sx_aggregator_plan *)table->node->plan;

    if (table->node->op != &sx_operator_aggregate || strcmp(table->node->definition, b->definition) != 0 ||
        plan->window != NULL || plan->groups.retracts || plan->expiry != NULL)
        return false;
    plan->expiry = sx_expiry_bind(b, table->node, span_ms);
    return true;
}

/* ---- Run ------------------------------------------------------------------------------------- */

static const struct sx_slice meta_key = {"time", 4};

static void open(const void *p, void *s, struct sx_node *node)
{
    const struct sx_aggregator_plan *plan = p;
    struct sx_aggregator_state *state = s;
    struct sx_slice meta;

    state->groups = sx_groups_open(&plan->groups);
    state->buffers = sx_calloc(SX_AGGREGATE_BUFFERS, sizeof(*state->buffers));
    state->last = state->first_open = (struct sx_window){0, 0};
    if (plan->late != NULL)
        sx_sink_open(plan->late, &state->late);
    for (uint32_t o = 0; o < node->plan->output_count; o++) {
        state->has_readers |= node->plan->outputs[o].port == SX_PORT_ROWS;
        state->has_final_readers |= node->plan->outputs[o].port == SX_PORT_FINAL;
    }
    if (plan->expiry != NULL)
        sx_expiry_open(plan->expiry, &state->expiry, node);
    state->stream_time = state->next_close = INT64_MIN;
    meta = sx_store_get(node->stores[0], SX_SEGMENT_META, meta_key);
    if (meta.size == 16) {
        state->stream_time = sx_get_sorted64(meta.data);
        state->next_close = sx_get_sorted64(meta.data + 8);
    }
}

static void close(const void *p, void *s, struct sx_node *node)
{
    const struct sx_aggregator_plan *plan = p;
    struct sx_aggregator_state *state = s;

    sx_groups_close(state->groups);
    for (uint32_t i = 0; i < SX_AGGREGATE_BUFFERS; i++)
        sx_buffer_free(&state->buffers[i]);
    free(state->buffers);
    if (plan->late != NULL)
        sx_sink_close(plan->late, &state->late);
}

void sx_aggregate_refuse(struct sx_aggregating *a, uint32_t row, uint32_t count,
                         const struct sx_window *first)
{
    uint16_t one = (uint16_t)row;
    struct sx_batch single = sx_batch_select(a->batch, &one, 1);
    char from[SX_NUMBER_BYTES], to[SX_NUMBER_BYTES];
    struct sx_header headers[2] = {
        {SX_SLICE("streamd.window_start"), sx_slice(from, sx_write_int(from, first->start))},
        {SX_SLICE("streamd.window_end"), sx_slice(to, sx_write_int(to, first->end))},
    };

    sx_node_drop(a->node, "late", count);
    if (a->plan->late != NULL)
        sx_sink_write(a->plan->late, &a->state->late, a->node, 0, &single, headers, SX_COUNT(headers));
}

static void save_time(struct sx_aggregator_state *state, struct sx_node *node)
{
    char meta[16];

    sx_put_sorted64(meta, state->stream_time);
    sx_put_sorted64(meta + 8, state->next_close);
    sx_store_put(node->stores[0], SX_SEGMENT_META, meta_key, sx_slice(meta, sizeof(meta)));
}

/* ---- Groups that expire ---------------------------------------------------------------------- */

struct expiring {
    struct sx_aggregating *a;
    uint32_t row;
};

static void expire_group(struct sx_slice key, int64_t time, void *arg)
{
    const struct expiring *e = arg;
    struct sx_store *store = e->a->node->stores[0];
    struct sx_slice stored = sx_store_get(store, 0, key);

    if (stored.data == NULL)
        return;
    if (e->a->results != NULL)
        sx_results_add_expired(e->a->results, key, stored, e->row, time);
    sx_store_remove(store, 0, key);
}

static void expire_groups(struct sx_aggregating *a, uint32_t row, int64_t time)
{
    struct expiring e = {a, row};

    if (time > a->state->expiry.stream_time)
        sx_expiry_advance(a->plan->expiry, &a->state->expiry, a->node, time, expire_group, &e);
}

/* The group of a row is written. False: the row comes so late that its group would be expired. */
static bool touch_group(struct sx_aggregating *a, uint32_t row)
{
    struct sx_slice key;

    expire_groups(a, row, a->batch->ts[row]);
    key = sx_row_key(a->node, a->batch, a->plan->groups.key_count, row);
    if (sx_expiry_touch(a->plan->expiry, &a->state->expiry, a->node, key, a->batch->ts[row]))
        return true;
    sx_node_drop(a->node, "expired", 1);
    return false;
}

/* The row's group, in its windows. False: it was rejected. */
static bool add_row(struct sx_aggregating *a, uint32_t row)
{
    struct sx_window none = {0, 0};
    struct sx_slice key = sx_row_key(a->node, a->batch, a->plan->groups.key_count, row);

    if (a->plan->windowing != NULL)
        return a->plan->windowing->add(a, row, key);
    if (!sx_groups_add(a->state->groups, a->node, a->batch, row, 0, key, a->want_old))
        return false;
    if (a->results != NULL)
        sx_results_add(a->results, row, &none);
    return true;
}

static void close_windows(struct sx_aggregating *a, uint32_t row)
{
    int64_t open_from = a->plan->windowing->open_from(a->plan, a->state);

    if (a->state->next_close >= open_from)
        return;
    if (a->results != NULL)
        sx_results_flush(a->results);
    a->state->next_close = a->plan->windowing->close(a, row, open_from);
}

static void process(const void *p, void *s, struct sx_node *node, uint32_t input,
                    const struct sx_batch *batch)
{
    const struct sx_aggregator_plan *plan = p;
    struct sx_aggregator_state *state = s;
    int64_t time_before = state->stream_time;
    struct sx_batch present =
        plan->groups.retracts ? sx_batch_current(node->arena, batch) : sx_batch_present(node->arena, batch);
    struct sx_aggregating a = {.plan = plan, .state = state, .node = node, .batch = batch};

    if (present.count < batch->count)
        sx_node_drop(node, "null_value", batch->count - present.count);
    if (!sx_groups_begin(state->groups, node, &present))
        return;
    if (state->has_readers) {
        a.want_old = node->plan->needs_old;
        a.results = sx_results_new(state->groups, node, SX_PORT_ROWS, batch, a.want_old);
    }
    for (SX_EACH_ROW(&present, i, row)) {
        if (sx_row_key_is_null(batch, plan->groups.key_count, row)) {
            sx_node_drop(node, "null_key", 1);
            continue;
        }
        state->stream_time = SX_MAX(state->stream_time, batch->ts[row]);
        if (plan->expiry != NULL && !touch_group(&a, row))
            continue;
        if (!add_row(&a, row))
            break;
        if (plan->windowing != NULL)
            close_windows(&a, row);
    }
    if (a.results != NULL)
        sx_results_flush(a.results);
    if (plan->window != NULL && state->stream_time != time_before)
        save_time(state, node);
    if (plan->expiry != NULL && state->stream_time != time_before)
        sx_expiry_save(&state->expiry, plan->expiry, node);
}

/* Time went on without a row: windows that have ended close. */
static void on_time(const void *p, void *s, struct sx_node *node, int64_t stream_time_ms, int64_t wall_ms)
{
    const struct sx_aggregator_plan *plan = p;
    struct sx_aggregator_state *state = s;
    struct sx_batch cause = {.origin = node->origin};
    struct sx_aggregating a = {.plan = plan, .state = state, .node = node, .batch = &cause};

    if ((plan->windowing == NULL && plan->expiry == NULL) || stream_time_ms <= state->stream_time)
        return;
    state->stream_time = stream_time_ms;
    if (plan->expiry != NULL) {
        if (state->has_readers)
            a.results = sx_results_new(state->groups, node, SX_PORT_ROWS, &cause, node->plan->needs_old);
        expire_groups(&a, 0, stream_time_ms);
        if (a.results != NULL)
            sx_results_flush(a.results);
        sx_expiry_save(&state->expiry, plan->expiry, node);
        return;
    }
    close_windows(&a, 0);
    save_time(state, node);
}

static void print(const void *p, struct sx_buffer *to)
{
    const struct sx_aggregator_plan *plan = p;

    if (plan->window != NULL)
        sx_window_print(plan->window, to);
    if (plan->expiry != NULL) {
        sx_buffer_add_text(to, "ttl ");
        sx_add_duration(to, plan->expiry->span_ms);
    }
}

const struct sx_operator_def sx_operator_aggregate = {
    .name = "aggregate",
    .summary = "Keep one row per group (and window), of aggregates over its rows.",
    .takes = "groups -> table",
    .clauses = clauses,
    .clause_count = SX_COUNT(clauses),
    .example = {.program = "stream bids from topic \"bids\" { key string value json { price int } }\n"
                           "table sums = bids | group by key | aggregate { n: count(), total: sum(price) }\n"
                           "sums | to topic \"sums\"\n",
                .in = "{\"topic\":\"bids\",\"key\":\"a\",\"value\":{\"price\":7},\"timestamp\":1}\n"
                      "{\"topic\":\"bids\",\"key\":\"a\",\"value\":{\"price\":5},\"timestamp\":2}\n",
                .out =
                    "{\"topic\":\"sums\",\"key\":\"a\",\"value\":{\"n\":1,\"total\":7},\"timestamp\":1}\n"
                    "{\"topic\":\"sums\",\"key\":\"a\",\"value\":{\"n\":2,\"total\":12},\"timestamp\":2}\n"},
    .bind = bind,
    .state_bytes = sizeof(struct sx_aggregator_state),
    .open = open,
    .process = process,
    .on_time = on_time,
    .close = close,
    .print = print,
};
