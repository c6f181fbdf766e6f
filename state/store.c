/* store.c: stores over the cache and the disk.
 *
 * A row's key on the disk, and without the first six bytes in the changelog:
 *
 *   store id (4, big-endian) | slot (2, big-endian) | segment (8, sorted) | key
 *
 * So a task's rows stand together, in it the windows by start: they are written in order of time,
 * closing one is a walk, dropping some is a range. That range is one record of the changelog, whose key is
 * `dropped` in the segment of small things: without it rows that were dropped would be there again after a
 * restore.
 *
 *   value   the first segment that is left (8, sorted)
 */
#include "engine/graph/store.h"
#include "engine/base/hash.h"
#include "engine/disk/disk.h"
#include "state/cache.h"
#include "state/disk_rows.h"
#include "state/pool.h"

#include <stdlib.h>

enum { PREFIX_BYTES = SX_DISK_ROWS_PREFIX, SEGMENT_BYTES = 8, HEAD_BYTES = PREFIX_BYTES + SEGMENT_BYTES };

struct store {
    struct sx_store store; /* first */
    struct sx_cache cache;
    struct sx_disk *disk; /* NULL: a memory store */
    enum sx_family family;
    char prefix[PREFIX_BYTES];
    struct sx_cache_pool *pool; /* NULL: a memory store */
    size_t counted;             /* of it, for this store */
    bool has_disk_rows;         /* when it was opened the disk had rows; up to this segment */
    int64_t disk_rows_to;
    int64_t dropped_to;       /* segments before it are gone; INT64_MIN: none */
    int64_t dropped_to_saved; /* at the savepoint */
    int64_t deleted_to;       /* on the disk they are gone up to here */
    bool drop_reaches_disk;   /* some dropped segment may be on the disk */
    bool drop_reaches_disk_saved;
    streamd_error *error; /* the first of the disk, until the commit reports it */
    struct sx_buffer key, value;
};

static const char dropped_name[] = "dropped";
enum { DROPPED_BYTES = SEGMENT_BYTES + sizeof(dropped_name) - 1 };

/* The key in the changelog. */
static struct sx_slice dropped_key(char *key)
{
    sx_put_sorted64(key, SX_SEGMENT_META);
    memcpy(key + SEGMENT_BYTES, dropped_name, DROPPED_BYTES - SEGMENT_BYTES);
    return sx_slice(key, DROPPED_BYTES);
}

static struct sx_slice disk_key(struct store *s, int64_t segment, struct sx_slice key)
{
    char *at;

    s->key.size = 0;
    at = sx_buffer_room(&s->key, HEAD_BYTES + key.size);
    memcpy(at, s->prefix, PREFIX_BYTES);
    sx_put_sorted64(at + PREFIX_BYTES, segment);
    if (key.size)
        memcpy(at + HEAD_BYTES, key.data, key.size);
    return sx_slice(at, HEAD_BYTES + key.size);
}

static void keep_error(struct store *s, streamd_error *error)
{
    if (s->error == NULL)
        s->error = error;
    else
        streamd_error_free(error);
}

/* ---- Finding rows ---------------------------------------------------------------------------- */

static bool segment_on_disk(struct store *s, int64_t id)
{
    streamd_error *error = NULL;
    bool any = true;

    if (s->disk == NULL || !s->has_disk_rows || id > s->disk_rows_to)
        return false;
    if (sx_disk_any(s->disk, s->family, disk_key(s, id, SX_SLICE_NONE), &any, &error) != STREAMD_OK)
        keep_error(s, error);
    return any;
}

static struct sx_segment *segment_of(struct store *s, int64_t id)
{
    struct sx_segment *segment = sx_cache_segment(&s->cache, id);

    if (SX_LIKELY(segment != NULL))
        return segment;
    return sx_cache_add_segment(&s->cache, id, !segment_on_disk(s, id));
}

/* The entry of a key, read from the disk if need be; a row that is nowhere is a GONE entry when `add`,
 * else NULL. */
static struct sx_entry *entry_of(struct store *s, struct sx_segment *segment, struct sx_slice key, bool add)
{
    uint64_t hash = sx_hash(key.data, key.size);
    struct sx_entry *entry = sx_segment_find(segment, key, hash);
    streamd_error *error = NULL;
    bool found = false;

    if (entry != NULL) {
        entry->flags |= SX_ENTRY_USED;
        return entry;
    }
    if (!segment->complete) {
        s->value.size = 0;
        s->store.disk_reads++;
        if (sx_disk_get(s->disk, s->family, disk_key(s, segment->id, key), &s->value, &found, &error) !=
            STREAMD_OK)
            keep_error(s, error);
    }
    if (!found && !add && segment->complete)
        return NULL;
    entry = sx_segment_add(&s->cache, segment, key, hash);
    if (found)
        sx_entry_load(segment, entry, sx_slice(s->value.data ? s->value.data : "", s->value.size));
    entry->flags |= SX_ENTRY_USED;
    return entry;
}

static struct sx_slice get(struct sx_store *store, int64_t id, struct sx_slice key)
{
    struct store *s = (struct store *)store;
    struct sx_segment *segment = segment_of(s, id);
    struct sx_entry *entry = entry_of(s, segment, key, false);

    store->rows_read++;
    if (entry == NULL || (entry->flags & SX_ENTRY_GONE))
        return SX_SLICE_NONE;
    return sx_slice(entry->value, entry->value_size);
}

static void put(struct sx_store *store, int64_t id, struct sx_slice key, struct sx_slice value)
{
    struct store *s = (struct store *)store;
    struct sx_segment *segment = segment_of(s, id);

    store->rows_written++;
    sx_entry_set(&s->cache, segment, entry_of(s, segment, key, true),
                 sx_slice(value.data ? value.data : "", value.size));
}

static void remove_row(struct sx_store *store, int64_t id, struct sx_slice key)
{
    struct store *s = (struct store *)store;
    struct sx_segment *segment = segment_of(s, id);

    store->rows_written++;
    sx_entry_set(&s->cache, segment, entry_of(s, segment, key, true), SX_SLICE_NONE);
}

static void *edit(struct sx_store *store, int64_t id, struct sx_slice key, uint32_t bytes, bool *fresh)
{
    struct store *s = (struct store *)store;
    struct sx_segment *segment = segment_of(s, id);
    struct sx_entry *entry = entry_of(s, segment, key, true);

    store->rows_written++;
    *fresh = (entry->flags & SX_ENTRY_GONE) != 0;
    return sx_entry_edit(&s->cache, segment, entry, bytes);
}

/* ---- Walking --------------------------------------------------------------------------------- */

/* Rows of one segment in memory, by key, beside the rows of the disk with the same segment; those with
 * keys in [from, to), of which each may be SX_SLICE_NONE. */
static bool each_of_segment(struct store *s, int64_t id, struct sx_segment *segment, struct sx_slice from,
                            struct sx_slice to, sx_store_fn fn, void *arg)
{
    const uint32_t *order = segment ? sx_segment_order(segment) : NULL;
    uint32_t at = segment && from.data ? sx_segment_lower(segment, from) : 0;
    uint32_t count = !segment ? 0 : to.data ? sx_segment_lower(segment, to) : segment->count;
    struct sx_cursor *cursor = NULL;
    struct sx_slice key = SX_SLICE_NONE, value = SX_SLICE_NONE;
    bool on_disk = false, more = true;

    if (segment == NULL || !segment->complete) {
        struct sx_buffer end = {0};

        sx_buffer_add_slice(&end, to.data ? disk_key(s, id, to) : disk_key(s, id + 1, SX_SLICE_NONE));
        cursor = sx_cursor_open(s->disk, s->family, disk_key(s, id, from), sx_buffer_slice(&end));
        on_disk = sx_cursor_next(cursor, &key, &value);
        sx_buffer_free(&end);
    }
    while (more && (at < count || on_disk)) {
        const struct sx_entry *entry = at < count ? &segment->entries[order[at]] : NULL;
        struct sx_slice disk_row =
            on_disk ? sx_slice(key.data + HEAD_BYTES, key.size - HEAD_BYTES) : SX_SLICE_NONE;
        int side = entry == NULL ? 1
                   : !on_disk    ? -1
                                 : sx_slice_compare(sx_slice(entry->key, entry->key_size), disk_row);

        if (side <= 0) {
            if (!(entry->flags & SX_ENTRY_GONE))
                more = fn(id, sx_slice(entry->key, entry->key_size),
                          sx_slice(entry->value, entry->value_size), arg);
            at++;
        } else {
            more = fn(id, disk_row, value, arg);
        }
        if (side >= 0)
            on_disk = sx_cursor_next(cursor, &key, &value);
    }
    if (cursor != NULL) {
        streamd_error *error = NULL;

        if (sx_cursor_status(cursor, &error) != STREAMD_OK)
            keep_error(s, error);
        sx_cursor_close(cursor);
    }
    return more;
}

/* The first segment >= `from` that has rows on the disk; false: none before `to`. */
static bool next_on_disk(struct store *s, int64_t from, int64_t to, int64_t *segment)
{
    struct sx_buffer end = {0};
    struct sx_slice key, value;
    struct sx_cursor *cursor;
    bool found;

    if (s->disk == NULL || !s->has_disk_rows || from > s->disk_rows_to || from >= to)
        return false;
    sx_buffer_add_slice(&end, disk_key(s, to, SX_SLICE_NONE));
    cursor = sx_cursor_open(s->disk, s->family, disk_key(s, from, SX_SLICE_NONE), sx_buffer_slice(&end));
    found = sx_cursor_next(cursor, &key, &value);
    if (found)
        *segment = sx_get_sorted64(key.data + PREFIX_BYTES);
    sx_cursor_close(cursor);
    sx_buffer_free(&end);
    return found;
}

/* The first segment >= `from` that has rows, and what the cache has of it (NULL: nothing); `to`: none. */
static int64_t next_segment(struct store *s, int64_t from, int64_t to, struct sx_segment **segment)
{
    uint32_t at = sx_cache_lower(&s->cache, from);
    bool cached = at < s->cache.count && s->cache.segments[at]->id < to;
    int64_t next = cached ? s->cache.segments[at]->id : to, disk_next;

    *segment = cached ? s->cache.segments[at] : NULL;
    if (next_on_disk(s, from, to, &disk_next) && disk_next < next) {
        next = disk_next;
        *segment = NULL;
    }
    return next;
}

static void each(struct sx_store *store, int64_t from, int64_t to, sx_store_fn fn, void *arg)
{
    struct store *s = (struct store *)store;
    struct sx_segment *segment;

    for (from = SX_MAX(from, s->dropped_to); from < to; from++) {
        from = next_segment(s, from, to, &segment);
        if (from == to || !each_of_segment(s, from, segment, SX_SLICE_NONE, SX_SLICE_NONE, fn, arg))
            return;
    }
}

static void range(struct sx_store *store, int64_t id, struct sx_slice from, struct sx_slice to,
                  sx_store_fn fn, void *arg)
{
    struct store *s = (struct store *)store;
    struct sx_segment *segment = sx_cache_segment(&s->cache, id);

    if ((id < s->dropped_to && id != SX_SEGMENT_META) || (segment == NULL && !segment_on_disk(s, id)))
        return;
    each_of_segment(s, id, segment, from, to, fn, arg);
}

/* One row, of the cache or else of the disk. */
static streamd_status peek_row(struct store *s, int64_t id, struct sx_segment *segment, struct sx_slice key,
                               struct sx_slice *value, streamd_error **error)
{
    const struct sx_entry *entry =
        segment ? sx_segment_find(segment, key, sx_hash(key.data, key.size)) : NULL;
    bool found = false;
    streamd_status status;

    *value = SX_SLICE_NONE;
    if (entry != NULL && !(entry->flags & SX_ENTRY_GONE))
        *value = sx_slice(entry->value, entry->value_size);
    if (entry != NULL || s->disk == NULL || (segment != NULL && segment->complete))
        return STREAMD_OK;
    s->value.size = 0;
    status = sx_disk_get(s->disk, s->family, disk_key(s, id, key), &s->value, &found, error);
    if (found)
        *value = sx_slice(s->value.data ? s->value.data : "", s->value.size);
    return status;
}

static streamd_status peek(struct sx_store *store, struct sx_slice key, int64_t from, int64_t to,
                           sx_store_fn fn, void *arg, streamd_error **error)
{
    struct store *s = (struct store *)store;
    struct sx_segment *segment;
    struct sx_slice value;
    streamd_status status = STREAMD_OK;
    bool more = true;

    if (from != SX_SEGMENT_META)
        from = SX_MAX(from, s->dropped_to);
    for (; from < to && more && status == STREAMD_OK; from++) {
        from = next_segment(s, from, to, &segment);
        if (from == to)
            break;
        status = peek_row(s, from, segment, key, &value, error);
        if (status == STREAMD_OK && value.data != NULL)
            more = fn(from, key, value, arg);
    }
    return status;
}

static void drop_before(struct sx_store *store, int64_t id)
{
    struct store *s = (struct store *)store;
    uint32_t end;

    if (id <= s->dropped_to)
        return;
    end = sx_cache_lower(&s->cache, id);
    for (uint32_t i = 0; i < end; i++)
        s->drop_reaches_disk |= s->cache.segments[i]->id != SX_SEGMENT_META &&
                                (s->cache.segments[i]->written || !s->cache.segments[i]->complete);
    s->drop_reaches_disk |= s->has_disk_rows && s->dropped_to <= s->disk_rows_to;
    s->dropped_to = id;
    sx_cache_drop_before(&s->cache, id, SX_SEGMENT_META);
}

/* ---- Savepoints and commits ------------------------------------------------------------------ */

static void begin(struct sx_store *store)
{
    struct store *s = (struct store *)store;

    sx_cache_begin(&s->cache);
    s->dropped_to_saved = s->dropped_to;
    s->drop_reaches_disk_saved = s->drop_reaches_disk;
}

static void rollback(struct sx_store *store)
{
    struct store *s = (struct store *)store;

    sx_cache_rollback(&s->cache);
    s->dropped_to = s->dropped_to_saved;
    s->drop_reaches_disk = s->drop_reaches_disk_saved;
}

static void commit_row(struct store *s, struct sx_segment *segment, const struct sx_entry *entry,
                       struct sx_unit *unit, sx_changelog_fn fn, void *arg)
{
    struct sx_slice key = disk_key(s, segment->id, sx_slice(entry->key, entry->key_size));
    bool gone = (entry->flags & SX_ENTRY_GONE) != 0;
    struct sx_slice value = gone ? SX_SLICE_NONE : sx_slice(entry->value, entry->value_size);

    if (gone)
        sx_unit_delete(unit, s->family, key);
    else
        sx_unit_put(unit, s->family, key, value);
    if (fn != NULL)
        fn(sx_slice(key.data + PREFIX_BYTES, key.size - PREFIX_BYTES), value, arg);
}

/* Segments [from, to) on the disk. */
static void delete_segments(struct store *s, struct sx_unit *unit, int64_t from, int64_t to)
{
    struct sx_buffer first = {0};

    sx_buffer_add_slice(&first, disk_key(s, SX_MAX(from, SX_SEGMENT_META + 1), SX_SLICE_NONE));
    sx_unit_delete_range(unit, s->family, sx_buffer_slice(&first), disk_key(s, to, SX_SLICE_NONE));
    sx_buffer_free(&first);
}

static void delete_dropped(struct store *s, struct sx_unit *unit, sx_changelog_fn fn, void *arg)
{
    char key[DROPPED_BYTES], to[SEGMENT_BYTES];

    if (s->drop_reaches_disk && s->dropped_to > s->deleted_to) {
        delete_segments(s, unit, s->deleted_to, s->dropped_to);
        sx_put_sorted64(to, s->dropped_to);
        if (fn != NULL)
            fn(dropped_key(key), sx_slice(to, sizeof(to)), arg);
        s->deleted_to = s->dropped_to;
    }
    s->drop_reaches_disk = false;
}

static streamd_status commit(struct sx_store *store, struct sx_unit *unit, sx_changelog_fn fn, void *arg,
                             streamd_error **error)
{
    struct store *s = (struct store *)store;

    if (s->error != NULL) {
        streamd_status status = streamd_error_status(s->error);

        if (error != NULL)
            *error = s->error;
        else
            streamd_error_free(s->error);
        s->error = NULL;
        return status;
    }
    if (s->disk == NULL)
        return STREAMD_OK;
    for (uint32_t i = 0; i < s->cache.count; i++) {
        struct sx_segment *segment = s->cache.segments[i];

        for (uint32_t d = 0; d < segment->dirty_count; d++) {
            const struct sx_entry *entry = &segment->entries[segment->dirty[d]];

            if (entry->flags & SX_ENTRY_DIRTY)
                commit_row(s, segment, entry, unit, fn, arg);
        }
    }
    delete_dropped(s, unit, fn, arg);
    return STREAMD_OK;
}

/* Which rows the disk has: known when there are none, or up to which window. */
static void look_at_disk(struct store *s)
{
    streamd_error *error = NULL;
    int64_t last = INT64_MIN, next;

    s->has_disk_rows = false;
    if (s->disk == NULL)
        return;
    if (sx_disk_any(s->disk, s->family, sx_slice(s->prefix, PREFIX_BYTES), &s->has_disk_rows, &error) !=
        STREAMD_OK)
        keep_error(s, error);
    s->disk_rows_to = INT64_MAX - 1;
    if (!s->has_disk_rows || s->store.plan->kind == SX_STORE_KV)
        return;
    for (int64_t from = INT64_MIN; next_on_disk(s, from, INT64_MAX, &next); from = next + 1)
        last = next;
    s->disk_rows_to = last;
}

/* Down to what the pool leaves it. */
static void give_back(struct store *s)
{
    size_t bytes = sx_pool_count(s->pool, &s->counted, sx_cache_bytes(&s->cache));

    if (bytes == SIZE_MAX)
        return;
    sx_cache_begin(&s->cache);
    if (sx_cache_shrink(&s->cache, bytes)) {
        /* What was forgotten is on the disk only. */
        s->has_disk_rows = true;
        s->disk_rows_to = INT64_MAX - 1;
    }
    sx_pool_count(s->pool, &s->counted, sx_cache_bytes(&s->cache));
}

static void committed(struct sx_store *store)
{
    struct store *s = (struct store *)store;

    sx_cache_clean(&s->cache);
    if (s->pool != NULL)
        give_back(s);
}

static void discard(struct sx_store *store)
{
    struct store *s = (struct store *)store;

    sx_cache_free(&s->cache);
    sx_cache_init(&s->cache);
    streamd_error_free(s->error);
    s->error = NULL;
    s->dropped_to = s->dropped_to_saved = s->deleted_to;
    s->drop_reaches_disk = s->drop_reaches_disk_saved = false;
    look_at_disk(s);
}

static bool restore(struct sx_store *store, struct sx_unit *unit, struct sx_slice key, struct sx_slice value)
{
    struct store *s = (struct store *)store;
    char dropped[DROPPED_BYTES];

    if (key.size < SEGMENT_BYTES)
        return false;
    if (SX_UNLIKELY(sx_slice_equal(key, dropped_key(dropped)))) {
        if (value.size != SEGMENT_BYTES)
            return false;
        delete_segments(s, unit, INT64_MIN, sx_get_sorted64(value.data));
        return true;
    }
    s->key.size = 0;
    sx_buffer_add(&s->key, s->prefix, PREFIX_BYTES);
    sx_buffer_add_slice(&s->key, key);
    if (value.data == NULL)
        sx_unit_delete(unit, s->family, sx_buffer_slice(&s->key));
    else
        sx_unit_put(unit, s->family, sx_buffer_slice(&s->key), value);
    return true;
}

static size_t memory(const struct sx_store *store)
{
    return sx_cache_bytes(&((const struct store *)store)->cache);
}

static void close_store(struct sx_store *store)
{
    struct store *s = (struct store *)store;

    if (s->pool != NULL)
        sx_pool_leave(s->pool, s->counted);
    sx_cache_free(&s->cache);
    streamd_error_free(s->error);
    sx_buffer_free(&s->key);
    sx_buffer_free(&s->value);
    free(s);
}

static const struct sx_store_ops ops = {
    .get = get,
    .put = put,
    .remove = remove_row,
    .edit = edit,
    .each = each,
    .peek = peek,
    .range = range,
    .drop_before = drop_before,
    .begin = begin,
    .rollback = rollback,
    .commit = commit,
    .committed = committed,
    .discard = discard,
    .restore = restore,
    .memory = memory,
    .close = close_store,
};

static struct store *new_store(const struct sx_store_plan *plan)
{
    struct store *s = sx_calloc(1, sizeof(*s));

    s->store.ops = &ops;
    s->store.plan = plan;
    s->dropped_to = s->dropped_to_saved = s->deleted_to = INT64_MIN;
    sx_cache_init(&s->cache);
    return s;
}

static struct sx_store *open_store(const struct sx_store_plan *plan, struct sx_disk *disk, uint32_t id,
                                   int32_t slot, struct sx_cache_pool *pool)
{
    struct store *s = new_store(plan);

    s->disk = disk;
    s->pool = pool;
    sx_pool_enter(pool);
    s->family = sx_disk_rows_family(plan->kind);
    sx_disk_rows_prefix(s->prefix, id, slot);
    look_at_disk(s);
    return &s->store;
}

static struct sx_store *open_memory(const struct sx_store_plan *plan) { return &new_store(plan)->store; }

const struct sx_store_kinds sx_store_kinds = {.open = open_store,
                                              .open_memory = open_memory,
                                              .wipe = sx_disk_rows_wipe,
                                              .rows = sx_disk_rows_walk,
                                              .next_row = sx_disk_rows_next};
