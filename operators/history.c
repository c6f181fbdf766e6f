/* history.c: see history.h. */
#include "operators/history.h"

static const struct sx_slice meta_key = {"time", 4};

/* History is dropped in so many pieces. */
enum { PIECES = 32 };

static int64_t piece_of(int64_t retention_ms, int64_t time)
{
    int64_t size = SX_MAX(retention_ms / PIECES, 1000);

    return time - time % size;
}

static int64_t time_of(struct sx_slice version) { return (int64_t)sx_get_le64(version.data); }
static bool is_deletion(struct sx_slice version) { return version.size <= 8; }

int64_t sx_history_time(struct sx_store *store)
{
    struct sx_slice meta = sx_store_get(store, SX_SEGMENT_META, meta_key);

    return meta.size == 8 ? sx_get_sorted64(meta.data) : INT64_MIN;
}

/* The key of the version that ended at `end`. */
static struct sx_slice ended_key(struct sx_buffer *scratch, struct sx_slice key, int64_t end)
{
    scratch->size = 0;
    sx_buffer_add_slice(scratch, key);
    sx_put_sorted64(sx_buffer_room(scratch, 8), end);
    scratch->size += 8;
    return sx_buffer_slice(scratch);
}

struct sx_slice sx_history_get(struct sx_store *store, struct sx_buffer *scratch, struct sx_slice key,
                               int64_t as_of, int64_t retention_ms, int64_t stream_time)
{
    struct sx_slice version = sx_store_get(store, SX_HISTORY_NEWEST, key);

    /* The newest row never expires; of older ones only those of the history are sure to be there. */
    if (version.data != NULL && time_of(version) > as_of && as_of < stream_time - retention_ms)
        return SX_SLICE_NONE;
    while (version.data != NULL && time_of(version) > as_of) {
        int64_t end = time_of(version);

        version = sx_store_get(store, piece_of(retention_ms, end), ended_key(scratch, key, end));
    }
    return version.data == NULL || is_deletion(version) ? SX_SLICE_NONE : version;
}

struct upsert {
    struct sx_node *node;
    struct sx_store *store;
    struct sx_buffer key, value, scratch;
    int64_t retention_ms, stream_time;
};

static void put_ended(struct upsert *u, int64_t end, struct sx_slice version)
{
    sx_store_put(u->store, piece_of(u->retention_ms, end),
                 ended_key(&u->scratch, sx_buffer_slice(&u->key), end), version);
}

static struct sx_slice get_ended(struct upsert *u, int64_t end)
{
    return sx_store_get(u->store, piece_of(u->retention_ms, end),
                        ended_key(&u->scratch, sx_buffer_slice(&u->key), end));
}

/* A version that is now the newest. */
static void put_newest(struct upsert *u, struct sx_slice newest, int64_t ts, struct sx_slice version)
{
    char never[8];

    if (newest.data != NULL && time_of(newest) < ts)
        put_ended(u, ts, newest);
    sx_store_put(u->store, SX_HISTORY_NEWEST, sx_buffer_slice(&u->key), version);
    /* A deletion is forgotten with the version that it ended: there must be one. */
    if (is_deletion(version) && get_ended(u, ts).data == NULL) {
        sx_put_le64(never, (uint64_t)INT64_MIN);
        put_ended(u, ts, sx_slice(never, sizeof(never)));
    }
}

/* A version between two others, or before the oldest. */
static void put_between(struct upsert *u, struct sx_slice newer, int64_t ts, struct sx_slice version)
{
    int64_t end = time_of(newer);
    struct sx_slice older = get_ended(u, end);

    while (older.data != NULL && time_of(older) > ts) {
        end = time_of(older);
        older = get_ended(u, end);
    }
    if (older.data != NULL && time_of(older) < ts)
        put_ended(u, ts, older);
    put_ended(u, end, version);
}

/* Keys whose newest version is a deletion that is as old as the history. */
struct forgotten {
    struct upsert *u;
    struct sx_slice *keys;
    uint32_t count, room;
};

static bool collect(int64_t segment, struct sx_slice key, struct sx_slice value, void *arg)
{
    struct forgotten *f = arg;

    if (f->count == f->room) {
        struct sx_slice *more = SX_ARENA_ARRAY(f->u->node->arena, struct sx_slice, f->room * 2 + 64);

        if (f->count)
            memcpy(more, f->keys, sizeof(*more) * f->count);
        f->keys = more;
        f->room = f->room * 2 + 64;
    }
    f->keys[f->count++] = sx_arena_copy(f->u->node->arena, key);
    return true;
}

static void drop_old(struct upsert *u, int64_t before)
{
    int64_t to = piece_of(u->retention_ms, SX_MAX(u->stream_time - u->retention_ms, 0));
    struct forgotten f = {.u = u};

    if (before >= 0 && piece_of(u->retention_ms, SX_MAX(before - u->retention_ms, 0)) == to)
        return;
    sx_store_each(u->store, SX_SEGMENT_META + 1, to, collect, &f);
    for (uint32_t i = 0; i < f.count; i++) {
        struct sx_slice key = sx_slice(f.keys[i].data, f.keys[i].size - 8);
        struct sx_slice newest = sx_store_get(u->store, SX_HISTORY_NEWEST, key);

        if (newest.data != NULL && is_deletion(newest) &&
            time_of(newest) == sx_get_sorted64(key.data + key.size))
            sx_store_remove(u->store, SX_HISTORY_NEWEST, key);
    }
    sx_store_drop_before(u->store, to);
}

/* One row. False: it is the newest of its key; true: it is not. */
static bool put_row(struct upsert *u, const struct sx_batch *batch, const uint16_t *values, uint32_t count,
                    uint32_t row, struct sx_slice newest)
{
    int64_t ts = batch->ts[row];

    u->value.size = 0;
    if (sx_batch_is_gone(batch, row)) {
        sx_put_le64(sx_buffer_room(&u->value, 8), (uint64_t)ts);
        u->value.size = 8;
    } else {
        sx_stored_write(&u->value, batch, values, count, row);
    }
    if (newest.data == NULL || time_of(newest) <= ts) {
        put_newest(u, newest, ts, sx_buffer_slice(&u->value));
        return false;
    }
    put_between(u, newest, ts, sx_buffer_slice(&u->value));
    return true;
}

void sx_history_upsert(struct sx_node *node, const struct sx_batch *batch, int64_t retention_ms)
{
    const struct sx_schema *schema = node->plan->schema;
    const uint16_t *values = sx_indexes(node->arena, schema->key_count, schema->value_count);
    uint16_t *sel = sx_arena_alloc(node->arena, sizeof(*sel) * (batch->count + 1));
    uint64_t *outdated = SX_ARENA_ARRAY(node->arena, uint64_t, SX_BITMAP_WORDS(batch->rows) + 1);
    struct upsert u = {.node = node, .store = node->stores[0], .retention_ms = retention_ms};
    struct sx_old_rows *old = node->plan->needs_old ? sx_old_begin(node, batch) : NULL;
    struct sx_batch out = *batch;
    int64_t before = sx_history_time(u.store);
    uint32_t count = 0;
    char meta[8];

    u.stream_time = before;
    for (SX_EACH_ROW(batch, i, row)) {
        struct sx_slice newest;
        int64_t time = u.stream_time;

        if (sx_row_key_is_null(batch, schema->key_count, row)) {
            sx_node_drop(node, "null_key", 1);
            continue;
        }
        if (time != INT64_MIN && batch->ts[row] < time - retention_ms) {
            sx_node_drop(node, "late", 1);
            continue;
        }
        u.stream_time = SX_MAX(time, batch->ts[row]);
        u.key.size = 0;
        sx_buffer_add_slice(&u.key, sx_table_key(node, batch, schema, row));
        newest = sx_store_get(u.store, SX_HISTORY_NEWEST, sx_buffer_slice(&u.key));
        if (old != NULL)
            sx_old_row(old, node, row, newest.data && !is_deletion(newest) ? newest : SX_SLICE_NONE);
        if (put_row(&u, batch, values, schema->value_count, row, newest))
            sx_bit_set(outdated, row);
        if (u.stream_time != time)
            drop_old(&u, time);
        sel[count++] = (uint16_t)row;
    }
    if (u.stream_time != before) {
        sx_put_sorted64(meta, u.stream_time);
        sx_store_put(u.store, SX_SEGMENT_META, meta_key, sx_slice(meta, sizeof(meta)));
    }
    sx_buffer_free(&u.key);
    sx_buffer_free(&u.value);
    sx_buffer_free(&u.scratch);
    out.sel = sel;
    out.count = count;
    out.outdated = outdated;
    out.old = old != NULL ? sx_old_batch(old) : NULL;
    sx_node_emit(node, SX_PORT_ROWS, &out);
}
