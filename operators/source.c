/* source.c: records of a topic to batches; a table's are kept in its store.
 *
 * A table's store holds every declared column, whoever reads it, and has no changelog of its own: it
 * is restored by reading its topic again, up to the committed offset.
 */
#include "operators/source.h"

#include "engine/format/record_json.h"
#include "engine/format/windowed_key.h"
#include "operators/common.h"
#include "operators/history.h"
#include "operators/view.h"

struct source_plan {
    const struct sx_format_def *key_format, *value_format;
    const void *key_plan, *value_plan;
    uint32_t key_count, value_count;
    int64_t key_window_ms; /* > 0: size; -1: session; 0: none */
    const struct sx_program *time;
    const struct sx_schema *schema;
    uint64_t *reads; /* what is decoded whoever reads: of the time, and of a table everything */
    bool is_table;
    int64_t history_ms; /* > 0: a versioned table */
    bool lines;         /* records come as lines of JSON that say key, value and time */
    struct sx_position at;
};

struct source_state {
    struct sx_evaluator *time;
};

/* The names that several key columns have in the record's key. */
static const char *key_names(struct sx_plan *plan, const struct sx_source_spec *spec)
{
    const char *names = "";

    for (uint32_t k = 0; k < spec->key_count; k++)
        names =
            sx_arena_format(&plan->arena, "%s%s,", names,
                            spec->key_fields[k].path ? spec->key_fields[k].path : spec->key_fields[k].name);
    return spec->key_count > 1 ? names : NULL;
}

static struct sx_entry_plan *make_entry(struct sx_plan *plan, const struct sx_source_spec *spec)
{
    struct sx_entry_plan *entry = SX_ARENA_NEW(&plan->arena, struct sx_entry_plan);
    uint32_t count = spec->pattern ? 1 : spec->topic_count;
    uint32_t *topics = SX_ARENA_ARRAY(&plan->arena, uint32_t, count + 1);

    for (uint32_t i = 0; i < count; i++) {
        struct sx_topic_plan *topic = spec->pattern ? sx_plan_pattern(plan, spec->pattern)
                                                    : sx_plan_topic(plan, spec->topics[i], SX_TOPIC_SOURCE);

        topics[i] = topic->index;
        topic->at = spec->at;
        topic->medium = spec->medium;
        topic->path = spec->path ? sx_arena_strdup(&plan->arena, spec->path) : NULL;
        topic->schedule = spec->schedule;
        if (topic->key_format == NULL) {
            topic->key_format = spec->key_format;
            topic->key_plan = spec->key_plan;
            topic->key_names = key_names(plan, spec);
        }
        /* Several topics of one source are read as one: same key, same partition. */
        if (i > 0)
            sx_plan_copartition(plan, topics[0], topics[i]);
    }
    entry->topics = topics;
    entry->topic_count = count;
    entry->start_latest = spec->start_latest;
    entry->on_gap = spec->on_gap;
    entry->on_error = spec->on_error;
    if (spec->on_error == SX_ON_ERROR_TOPIC)
        entry->error_topic = sx_plan_topic(plan, spec->error_topic, SX_TOPIC_SINK)->index;
    entry->global = spec->kind == SX_FLOW_GLOBAL;
    entry->idle_ms = spec->idle_ms;
    return entry;
}

static struct sx_store_plan *make_store(struct sx_plan *plan, const struct sx_source_spec *spec,
                                        struct sx_node_plan *node)
{
    struct sx_store_plan *store =
        sx_plan_store(plan, spec->name, spec->history_ms ? SX_STORE_WINDOW : SX_STORE_KV);

    store->changelog = sx_plan_topic(plan, spec->topics[0], SX_TOPIC_SOURCE)->name;
    store->from_source = true;
    store->global = spec->kind == SX_FLOW_GLOBAL;
    sx_store_keeps(store, &plan->arena, node->schema);
    if (spec->history_ms)
        sx_store_keeps_span(store, &plan->arena, "history", spec->history_ms);
    store->retention_ms = spec->history_ms;
    node->stores[node->store_count++] = store->index;
    return store;
}

/* What the engine keeps of an input: of what is no topic how far it was read, as the group has no offset of
 * it; with `idle` how far its event time went. */
static void make_input_store(struct sx_plan *plan, const struct sx_source_spec *spec,
                             struct sx_node_plan *node)
{
    const char *own =
        spec->kind == SX_FLOW_STREAM ? spec->name : sx_arena_format(&plan->arena, "%s-idle", spec->name);
    struct sx_store_plan *store = sx_plan_store(plan, own, SX_STORE_KV);
    const char *name = sx_arena_format(&plan->arena, "%s-%s-changelog", plan->application, own);
    struct sx_topic_plan *topic = sx_plan_topic(plan, name, SX_TOPIC_CHANGELOG);

    topic->cleanup = SX_PLAN_COMPACT;
    store->changelog = topic->name;
    /* A position is one of this file. */
    sx_store_keeps_also(store, &plan->arena, "progress of", "%s",
                        spec->medium == SX_MEDIUM_FILE ? sx_arena_format(&plan->arena, "file %s", spec->path)
                        : spec->medium == SX_MEDIUM_SCHEDULE ? "a schedule"
                        : spec->medium == SX_MEDIUM_STANDARD ? "standard input"
                                                             : "event time");
    node->stores[node->store_count++] = store->index;
}

extern const struct sx_operator_def sx_operator_source;

const struct sx_flow *sx_source_operator_bind(struct sx_plan *plan, const struct sx_source_spec *spec)
{
    struct source_plan *p = SX_ARENA_NEW(&plan->arena, struct source_plan);
    struct sx_flow *flow = SX_ARENA_NEW(&plan->arena, struct sx_flow);
    struct sx_node_plan *node = sx_plan_node(plan, &sx_operator_source, spec->name, NULL, spec->at);

    p->key_format = spec->key_format;
    p->key_plan = spec->key_plan;
    p->key_count = spec->key_count;
    p->value_format = spec->value_format;
    p->value_plan = spec->value_plan;
    p->value_count = spec->value_count;
    p->key_window_ms = spec->key_window_ms;
    p->time = spec->time;
    p->schema = sx_source_schema(spec, &plan->arena);
    p->history_ms = spec->history_ms;
    p->is_table = spec->kind != SX_FLOW_STREAM;
    p->lines = spec->medium == SX_MEDIUM_FILE || spec->medium == SX_MEDIUM_STANDARD;
    p->at = spec->at;
    p->reads = p->is_table ? sx_columns_all(&plan->arena, p->schema)
                           : SX_ARENA_ARRAY(&plan->arena, uint64_t, SX_BITMAP_WORDS(p->schema->count) + 1);
    if (p->time != NULL)
        sx_program_columns(p->time, p->reads);
    node->plan = p;
    node->schema = p->schema;
    node->entry = make_entry(plan, spec);
    flow->kind = spec->kind;
    flow->name = sx_arena_strdup(&plan->arena, spec->name);
    flow->node = node;
    flow->schema = p->schema;
    flow->partitioned_as = (int32_t)node->entry->topics[0];
    flow->has_headers = true;
    /* All in one partition: not where its keys say. */
    flow->moved = spec->medium != SX_MEDIUM_LOG;
    if (spec->history_ms)
        sx_plan_closes(plan, spec->history_ms);
    if (p->is_table)
        flow->view =
            sx_view_rows(&plan->arena, node, make_store(plan, spec, node), p->schema, spec->history_ms);
    if (spec->medium == SX_MEDIUM_FILE || spec->medium == SX_MEDIUM_SCHEDULE ||
        (spec->idle_ms > 0 && spec->kind != SX_FLOW_GLOBAL))
        make_input_store(plan, spec, node);
    return flow;
}

static void open(const void *p, void *s, struct sx_node *node)
{
    const struct source_plan *plan = p;

    if (plan->time != NULL)
        ((struct source_state *)s)->time = sx_evaluator_new(plan->time);
}

static void close(const void *p, void *s, struct sx_node *node)
{
    if (((struct source_state *)s)->time != NULL)
        sx_evaluator_free(((struct source_state *)s)->time);
}

/* Rows that failed so far; they are left out of the selection. */
struct failed {
    uint64_t bits[SX_BITMAP_WORDS(SX_BATCH_ROWS)];
    uint32_t count;
};

static void fail(struct failed *failed, struct sx_node *node, const struct sx_batch *batch, uint32_t row,
                 const char *reason, struct sx_position at, const char *message)
{
    if (sx_bit(failed->bits, row))
        return;
    sx_bit_set(failed->bits, row);
    failed->count++;
    sx_node_reject(node, batch, row, reason, at, message);
}

static void fail_all(struct failed *failed, struct sx_node *node, const struct sx_batch *batch,
                     const struct source_plan *plan, const struct sx_format_failures *failures)
{
    for (uint32_t i = 0; i < failures->count; i++)
        fail(failed, node, batch, failures->items[i].row, failures->items[i].reason, plan->at,
             failures->items[i].message);
}

/* Kafka Streams' windowed keys: what is left is the inner key's bytes. */
static void split_windows(const struct source_plan *plan, struct sx_node *node, struct sx_batch *batch,
                          struct sx_slice *keys, struct failed *failed)
{
    struct sx_window *windows = SX_ARENA_ARRAY(node->arena, struct sx_window, batch->rows + 1);

    for (uint32_t i = 0; i < batch->rows; i++) {
        const char *wrong;

        if (keys[i].data == NULL)
            continue;
        wrong = sx_windowed_key_take(&keys[i], plan->key_window_ms, &windows[i]);
        if (wrong != NULL) {
            fail(failed, node, batch, i, "decode", plan->at, wrong);
            keys[i] = SX_SLICE_NONE;
        }
    }
    batch->windows = windows;
}

static void set_times(const struct source_plan *plan, struct source_state *state, struct sx_node *node,
                      struct sx_batch *batch, struct failed *failed)
{
    int64_t *ts = sx_arena_alloc(node->arena, sizeof(*ts) * (batch->rows + 1));
    struct sx_row_failures failures = {0};
    struct sx_column time = {0};

    for (SX_EACH_ROW(batch, i, row))
        ts[row] = batch->origin->records[row].timestamp;
    batch->ts = ts; /* `time` may name it */
    if (plan->time != NULL) {
        struct sx_batch present = sx_batch_present(node->arena, batch);

        sx_eval_column(state->time, &present, node->arena, &time, &failures);
        for (uint32_t i = 0; i < failures.count; i++)
            fail(failed, node, batch, failures.items[i].row, "timestamp", failures.items[i].at,
                 failures.items[i].message);
    }
    for (SX_EACH_ROW(batch, i, row)) {
        bool null = false;

        /* A row without a value has no column to take its time from. */
        if (plan->time != NULL && !sx_batch_is_gone(batch, row)) {
            null = sx_column_is_null(&time, row);
            ts[row] = null ? -1 : time.i[row];
        }
        if (ts[row] < 0)
            fail(failed, node, batch, row, "timestamp", plan->at,
                 null ? "the event time is null" : "the event time is missing or negative");
        else if (SX_UNLIKELY(sx_is_future(node, ts[row])))
            fail(failed, node, batch, row, "future", plan->at, sx_future_text(node, ts[row]));
    }
}

/* Leave out the rows that failed. */
static void select_rest(struct sx_node *node, struct sx_batch *batch, const struct failed *failed)
{
    uint16_t *sel;
    uint32_t count = 0;

    if (failed->count == 0)
        return;
    sel = sx_arena_alloc(node->arena, sizeof(*sel) * (batch->count + 1));
    for (SX_EACH_ROW(batch, i, row))
        if (!sx_bit(failed->bits, row))
            sel[count++] = (uint16_t)row;
    batch->sel = sel;
    batch->count = count;
}

/* Lines as the records that they say. A line without a time has that of its reading. */
static const struct sx_origin *read_lines(const struct source_plan *plan, struct sx_node *node,
                                          const struct sx_origin *origin, const struct sx_batch *batch,
                                          struct failed *failed)
{
    const struct sx_record_form form = {.key_format = plan->key_format,
                                        .key_plan = plan->key_plan,
                                        .value_format = plan->value_format,
                                        .value_plan = plan->value_plan};
    struct sx_record *records = SX_ARENA_ARRAY(node->arena, struct sx_record, origin->count + 1);
    struct sx_origin *read = SX_ARENA_NEW(node->arena, struct sx_origin);

    for (uint32_t i = 0; i < origin->count; i++) {
        const struct sx_record *from = &origin->records[i];
        struct sx_record_line line;
        const char *message = NULL;

        if (sx_record_line_read(from->value, &line, node->arena, &message) && line.is_advance)
            message = "only `streamd pipe` moves the clock";
        if (message == NULL && !line.has_timestamp)
            line.timestamp = from->timestamp;
        if (message != NULL || !sx_record_line_encode(&line, &form, &records[i], node->arena, &message)) {
            records[i] = *from;
            fail(failed, node, batch, i, "decode", plan->at, message);
        }
        records[i].offset = from->offset;
    }
    *read = *origin;
    read->records = records;
    return read;
}

static void decode(const void *p, void *s, struct sx_node *node, const struct sx_origin *origin, bool padded,
                   struct sx_batch *batch)
{
    const struct source_plan *plan = p;
    struct sx_arena *arena = node->arena;
    uint32_t rows = origin->count;
    struct sx_slice *bytes = sx_arena_alloc(arena, sizeof(*bytes) * (rows + 1));
    uint64_t *wanted = SX_ARENA_ARRAY(arena, uint64_t, SX_BITMAP_WORDS(plan->schema->count) + 1);
    struct sx_format_failures failures = {.arena = arena};
    struct failed failed = {0};

    *batch = (struct sx_batch){.schema = plan->schema, .rows = rows, .count = rows, .origin = origin};
    if (plan->lines && !node->passes_through) {
        origin = batch->origin = read_lines(plan, node, origin, batch, &failed);
        padded = false;
    }
    batch->columns = SX_ARENA_ARRAY(arena, struct sx_column, plan->schema->count + 1);
    for (uint32_t c = 0; c < plan->schema->count; c++)
        batch->columns[c].type = plan->schema->fields[c].type;
    for (uint32_t i = 0; i < rows; i++)
        bytes[i] = origin->records[i].key;
    if (plan->key_window_ms != 0)
        split_windows(plan, node, batch, bytes, &failed);
    /* The key is always decoded: it is what most readers need, and cheap. */
    for (uint32_t k = 0; k < plan->key_count; k++)
        sx_bit_set(wanted, k);
    if (plan->key_count)
        plan->key_format->decode(plan->key_plan, bytes, rows, padded, wanted, batch->columns, arena,
                                 &failures);
    for (uint32_t i = 0; i < rows; i++) {
        bytes[i] = origin->records[i].value;
        if (bytes[i].data == NULL) {
            if (batch->gone == NULL)
                batch->gone = SX_ARENA_ARRAY(arena, uint64_t, SX_BITMAP_WORDS(rows) + 1);
            sx_bit_set((uint64_t *)batch->gone, i);
        }
    }
    memset(wanted, 0, sizeof(*wanted) * (SX_BITMAP_WORDS(plan->schema->count) + 1));
    for (uint32_t v = 0; v < plan->value_count; v++)
        if (sx_bit(plan->reads, plan->key_count + v) || sx_bit(node->plan->needed, plan->key_count + v))
            sx_bit_set(wanted, v);
    if (plan->value_count)
        plan->value_format->decode(plan->value_plan, bytes, rows, padded, wanted,
                                   batch->columns + plan->key_count, arena, &failures);
    fail_all(&failed, node, batch, plan, &failures);
    select_rest(node, batch, &failed);
    set_times(plan, s, node, batch, &failed);
    select_rest(node, batch, &failed);
}

static void process(const void *p, void *s, struct sx_node *node, uint32_t input,
                    const struct sx_batch *batch)
{
    int64_t history_ms = ((const struct source_plan *)p)->history_ms;

    if (((const struct source_plan *)p)->is_table)
        history_ms ? sx_history_upsert(node, batch, history_ms) : sx_table_upsert(node, batch, NULL, false);
    else
        sx_node_emit(node, SX_PORT_ROWS, batch);
}

const struct sx_operator_def sx_operator_source = {
    .name = "source",
    .summary = "Read a topic.",
    .takes = "-> stream, table",
    .internal = true,
    .state_bytes = sizeof(struct source_state),
    .open = open,
    .process = process,
    .decode = decode,
    .close = close,
};
