/* expiry.c: see expiry.h. */
#include "operators/expiry.h"
#include "operators/rows.h"
#include "operators/timed.h"

static const struct sx_slice meta_key = {"time", 4};

enum { ENTRY_BYTES = 16, CHUNK = 1024 };

const struct sx_expiry_plan *sx_expiry_bind(struct sx_bind *b, struct sx_node_plan *node, int64_t span_ms)
{
    struct sx_expiry_plan *plan = SX_ARENA_NEW(b->arena, struct sx_expiry_plan);
    struct sx_store_plan *keys, *times;

    plan->span_ms = span_ms;
    plan->keys = node->store_count;
    keys = sx_bind_store(b, node, "ttl", SX_STORE_KV);
    plan->times = node->store_count;
    times = sx_bind_store(b, node, "ttl-times", SX_STORE_WINDOW);
    times->retention_ms = span_ms;
    sx_store_keeps_key(keys, b->arena, node->schema);
    /* How wide its segments are follows from the span. */
    sx_store_keeps_key(times, b->arena, node->schema);
    sx_store_keeps_span(times, b->arena, "ttl", span_ms);
    /* A row written late is dropped when it is older than the span. */
    sx_plan_closes(b->plan, span_ms);
    return plan;
}

/* ---- Times ----------------------------------------------------------------------------------- */

static int64_t width_of(const struct sx_expiry_plan *plan) { return sx_timed_width(plan->span_ms); }

static bool read_entry(struct sx_slice entry, int64_t *written, int64_t *indexed)
{
    if (entry.size != ENTRY_BYTES)
        return false;
    *written = sx_get_sorted64(entry.data);
    *indexed = sx_get_sorted64(entry.data + 8);
    return true;
}

static void put_entry(const struct sx_expiry_plan *plan, struct sx_node *node, struct sx_slice key,
                      int64_t written, int64_t indexed)
{
    bool fresh;
    char *entry = sx_store_edit(node->stores[plan->keys], 0, key, ENTRY_BYTES, &fresh);

    sx_put_sorted64(entry, written);
    sx_put_sorted64(entry + 8, indexed);
}

static void put_time(const struct sx_expiry_plan *plan, struct sx_expiry *state, struct sx_node *node,
                     struct sx_slice key, int64_t time)
{
    struct sx_buffer at = {0};

    sx_store_put(node->stores[plan->times], sx_timed_segment(width_of(plan), time),
                 sx_timed_key(&at, time, key), SX_SLICE(""));
    sx_buffer_free(&at);
    state->earliest = SX_MIN(state->earliest, time);
}

static bool take_first(int64_t time, struct sx_slice key, struct sx_slice value, void *arg)
{
    *(int64_t *)arg = time;
    return false;
}

/* The earliest time that is left, after all up to `done` had their turn. */
static void find_earliest(const struct sx_expiry_plan *plan, struct sx_expiry *state, struct sx_node *node,
                          int64_t done)
{
    state->earliest = INT64_MAX;
    sx_timed_walk(node->stores[plan->times], width_of(plan), done + 1, SX_SLICE(""), INT64_MAX, take_first,
                  &state->earliest);
}

void sx_expiry_open(const struct sx_expiry_plan *plan, struct sx_expiry *state, struct sx_node *node)
{
    struct sx_slice meta = sx_store_get(node->stores[plan->times], SX_SEGMENT_META, meta_key);

    state->stream_time = INT64_MIN;
    state->earliest = INT64_MAX;
    if (meta.size != 8)
        return;
    state->stream_time = sx_get_sorted64(meta.data);
    find_earliest(plan, state, node, state->stream_time - plan->span_ms);
}

void sx_expiry_save(const struct sx_expiry *state, const struct sx_expiry_plan *plan, struct sx_node *node)
{
    char meta[8];

    sx_put_sorted64(meta, state->stream_time);
    sx_store_put(node->stores[plan->times], SX_SEGMENT_META, meta_key, sx_slice(meta, sizeof(meta)));
}

/* ---- Whose turn it is ------------------------------------------------------------------------ */

/* Some rows of `times`, and where a walk for more begins. */
struct turns {
    struct sx_arena *arena;
    struct {
        int64_t time;
        struct sx_slice key;
    } rows[CHUNK];
    uint32_t count;
};

static bool take_turn(int64_t time, struct sx_slice key, struct sx_slice value, void *arg)
{
    struct turns *turns = arg;

    turns->rows[turns->count].time = time;
    turns->rows[turns->count].key = sx_arena_copy(turns->arena, key);
    return ++turns->count < CHUNK;
}

/* A row's turn. Those that were written since stand there in vain, as do those that were deleted. */
static void have_turn(const struct sx_expiry_plan *plan, struct sx_expiry *state, struct sx_node *node,
                      int64_t time, struct sx_slice key, sx_expiry_fn fn, void *arg)
{
    int64_t written, indexed;

    if (!read_entry(sx_store_get(node->stores[plan->keys], 0, key), &written, &indexed) || indexed != time)
        return;
    if (written > time) {
        put_entry(plan, node, key, written, written);
        put_time(plan, state, node, key, written);
    } else if (fn != NULL) {
        sx_store_remove(node->stores[plan->keys], 0, key);
        fn(key, written + plan->span_ms, arg);
    }
}

/* All whose time is in [state->earliest, to]; `fn` NULL: only move those that were written since. */
static void have_turns(const struct sx_expiry_plan *plan, struct sx_expiry *state, struct sx_node *node,
                       int64_t to, sx_expiry_fn fn, void *arg)
{
    struct turns *turns = sx_arena_alloc(node->arena, sizeof(*turns));
    int64_t from = state->earliest;
    struct sx_buffer after = {0};

    do {
        turns->arena = node->arena;
        turns->count = 0;
        sx_timed_walk(node->stores[plan->times], width_of(plan), from, sx_buffer_slice(&after), to + 1,
                      take_turn, turns);
        for (uint32_t i = 0; i < turns->count; i++)
            have_turn(plan, state, node, turns->rows[i].time, turns->rows[i].key, fn, arg);
        if (turns->count) {
            from = turns->rows[turns->count - 1].time;
            after.size = 0;
            sx_buffer_add_slice(&after, turns->rows[turns->count - 1].key);
            sx_buffer_add_byte(&after, 0);
        }
    } while (turns->count == CHUNK);
    sx_buffer_free(&after);
}

void sx_expiry_advance(const struct sx_expiry_plan *plan, struct sx_expiry *state, struct sx_node *node,
                       int64_t time, sx_expiry_fn fn, void *arg)
{
    int64_t to = time - plan->span_ms;

    state->stream_time = SX_MAX(state->stream_time, time);
    if (!sx_expiry_is_due(plan, state, time))
        return;
    /* Where all stand at their own time first, they leave in its order. */
    have_turns(plan, state, node, to, NULL, NULL);
    have_turns(plan, state, node, to, fn, arg);
    find_earliest(plan, state, node, to);
    sx_timed_drop_before(node->stores[plan->times], width_of(plan), to + 1);
}

bool sx_expiry_touch(const struct sx_expiry_plan *plan, struct sx_expiry *state, struct sx_node *node,
                     struct sx_slice key, int64_t ts)
{
    int64_t written, indexed, done = state->stream_time - plan->span_ms;

    if (!read_entry(sx_store_get(node->stores[plan->keys], 0, key), &written, &indexed)) {
        if (ts <= done)
            return false;
        put_entry(plan, node, key, ts, ts);
        put_time(plan, state, node, key, ts);
        return true;
    }
    if (ts <= written)
        return true;
    /* Its turn has passed: the changelog of the times is kept for a limited time. */
    if (indexed <= done) {
        put_time(plan, state, node, key, ts);
        indexed = ts;
    }
    put_entry(plan, node, key, ts, indexed);
    return true;
}

void sx_expiry_forget(const struct sx_expiry_plan *plan, struct sx_node *node, struct sx_slice key)
{
    if (sx_store_get(node->stores[plan->keys], 0, key).data != NULL)
        sx_store_remove(node->stores[plan->keys], 0, key);
}

/* ---- Tables ---------------------------------------------------------------------------------- */

struct upsert {
    const struct sx_expiry_plan *plan;
    struct sx_node *node;
    const struct sx_schema *schema;
    const struct sx_type **types;
    struct sx_value *values;
    struct sx_rows expired;
    struct sx_batch out;
    uint16_t *sel;
    uint32_t count, sent; /* of `sel` */
    uint32_t row;         /* in hand */
};

static void begin(struct upsert *u, const struct sx_expiry_plan *plan, struct sx_node *node,
                  const struct sx_batch *batch)
{
    *u = (struct upsert){.plan = plan, .node = node, .schema = node->plan->schema, .out = *batch};
    u->types = sx_schema_types(node->arena, u->schema);
    u->values = SX_ARENA_ARRAY(node->arena, struct sx_value, u->schema->count + 1);
    u->expired = (struct sx_rows){
        .node = node, .schema = u->schema, .cause = batch, .want_old = node->plan->needs_old};
    u->out.schema = u->schema;
    u->out.outdated = NULL;
    u->sel = sx_arena_alloc(node->arena, sizeof(*u->sel) * (batch->count + 1));
}

/* Emit the rows up to here that were not emitted yet. */
static void send(struct upsert *u)
{
    u->out.sel = u->sel + u->sent;
    u->out.count = u->count - u->sent;
    u->sent = u->count;
    sx_batch_blank(u->node->arena, &u->out);
    sx_node_emit(u->node, SX_PORT_ROWS, &u->out);
}

static void expire_row(struct sx_slice key, int64_t time, void *arg)
{
    struct upsert *u = arg;
    struct sx_store *store = u->node->stores[0];
    struct sx_slice stored = sx_store_get(store, 0, key), columns = key;
    uint32_t keys = u->schema->key_count, window = u->schema->windowed ? 16 : 0, at;
    int64_t written;

    columns.size -= SX_MIN(columns.size, window);
    if (stored.data == NULL || !sx_key_read(columns, u->types, keys, u->values, u->node->arena) ||
        !sx_stored_read(stored, u->types + keys, u->schema->value_count, &written, u->values + keys,
                        u->node->arena))
        return;
    at = sx_rows_add(&u->expired, u->row, time);
    sx_bit_set(u->expired.gone, at);
    for (uint32_t c = 0; c < u->schema->count; c++) {
        if (c < keys)
            sx_rows_set(&u->expired, at, c, u->values[c]);
        if (u->expired.want_old)
            sx_column_set(&u->expired.old_columns[c], at, u->values[c]);
    }
    if (u->expired.want_old)
        u->expired.old_ts[at] = written;
    if (window)
        u->expired.windows[at] = (struct sx_window){sx_get_sorted64(columns.data + columns.size),
                                                    sx_get_sorted64(columns.data + columns.size + 8)};
    sx_store_remove(store, 0, key);
}

static void go_on(struct upsert *u, struct sx_expiry *state, int64_t time)
{
    if (sx_expiry_is_due(u->plan, state, time))
        send(u);
    sx_expiry_advance(u->plan, state, u->node, time, expire_row, u);
    if (u->expired.count)
        sx_rows_emit(&u->expired);
}

void sx_expiry_upsert(const struct sx_expiry_plan *plan, struct sx_expiry *state, struct sx_node *node,
                      const struct sx_batch *batch, const uint64_t *deleted)
{
    const struct sx_schema *schema = node->plan->schema;
    const uint16_t *values = sx_indexes(node->arena, schema->key_count, schema->value_count);
    uint64_t *gone = SX_ARENA_ARRAY(node->arena, uint64_t, SX_BITMAP_WORDS(batch->rows) + 1);
    struct sx_old_rows *old = node->plan->needs_old ? sx_old_begin(node, batch) : NULL;
    int64_t time_before = state->stream_time;
    struct sx_buffer value = {0};
    struct upsert u;

    begin(&u, plan, node, batch);
    u.out.gone = gone;
    u.out.old = old != NULL ? sx_old_batch(old) : NULL;
    for (SX_EACH_ROW(batch, i, row)) {
        struct sx_slice key, before;

        if (sx_row_key_is_null(batch, schema->key_count, row)) {
            sx_node_drop(node, "null_key", 1);
            continue;
        }
        u.row = row;
        if (batch->ts[row] > state->stream_time)
            go_on(&u, state, batch->ts[row]);
        key = sx_table_key(node, batch, schema, row);
        before = sx_store_get(node->stores[0], 0, key);
        if (sx_batch_is_gone(batch, row) || (deleted != NULL && sx_bit(deleted, row))) {
            if (before.data == NULL)
                continue;
            sx_bit_set(gone, row);
            sx_store_remove(node->stores[0], 0, key);
            sx_expiry_forget(plan, node, key);
        } else {
            if (!sx_expiry_touch(plan, state, node, key, batch->ts[row])) {
                sx_node_drop(node, "expired", 1);
                continue;
            }
            value.size = 0;
            sx_stored_write(&value, batch, values, schema->value_count, row);
            sx_store_put(node->stores[0], 0, key, sx_buffer_slice(&value));
        }
        if (old != NULL)
            sx_old_row(old, node, row, before);
        u.sel[u.count++] = (uint16_t)row;
    }
    send(&u);
    sx_buffer_free(&value);
    if (state->stream_time != time_before)
        sx_expiry_save(state, plan, node);
}

void sx_expiry_upsert_on_time(const struct sx_expiry_plan *plan, struct sx_expiry *state,
                              struct sx_node *node, int64_t stream_time_ms)
{
    struct sx_batch cause = {.origin = node->origin};
    struct upsert u;

    if (stream_time_ms <= state->stream_time)
        return;
    begin(&u, plan, node, &cause);
    go_on(&u, state, stream_time_ms);
    sx_expiry_save(state, plan, node);
}
