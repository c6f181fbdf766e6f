/* cache.c: see cache.h. */
#include "state/cache.h"

#include "engine/base/hash.h"

#include <stdlib.h>

struct sx_undo {
    struct sx_segment *segment;
    uint32_t entry;
    char *value;
    uint32_t value_size;
    uint32_t flags;
    uint32_t epoch;
};

void sx_cache_init(struct sx_cache *cache)
{
    memset(cache, 0, sizeof(*cache));
    cache->epoch = 1;
    sx_arena_init(&cache->undo_bytes, 16 * 1024);
}

static void free_segment(struct sx_segment *segment)
{
    sx_arena_free(&segment->bytes);
    free(segment->entries);
    free(segment->index);
    free(segment->dirty);
    free(segment->order);
    free(segment);
}

static void free_dropped(struct sx_cache *cache)
{
    for (uint32_t i = 0; i < cache->dropped_count; i++)
        free_segment(cache->dropped[i]);
    cache->dropped_count = 0;
}

void sx_cache_free(struct sx_cache *cache)
{
    free_dropped(cache);
    for (uint32_t i = 0; i < cache->count; i++)
        free_segment(cache->segments[i]);
    sx_arena_free(&cache->undo_bytes);
    free(cache->segments);
    free(cache->dropped);
    free(cache->undo);
}

/* ---- Segments -------------------------------------------------------------------------------- */

uint32_t sx_cache_lower(const struct sx_cache *cache, int64_t id)
{
    uint32_t low = 0, high = cache->count;

    while (low < high) {
        uint32_t middle = (low + high) / 2;
        if (cache->segments[middle]->id < id)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

struct sx_segment *sx_cache_segment(struct sx_cache *cache, int64_t id)
{
    uint32_t at;

    if (cache->last != NULL && cache->last->id == id)
        return cache->last;
    at = sx_cache_lower(cache, id);
    if (at == cache->count || cache->segments[at]->id != id)
        return NULL;
    return cache->last = cache->segments[at];
}

static void insert_segment(struct sx_cache *cache, struct sx_segment *segment)
{
    uint32_t at = sx_cache_lower(cache, segment->id);

    if (cache->count == cache->room) {
        cache->room = cache->room ? cache->room * 2 : 8;
        cache->segments = sx_realloc(cache->segments, cache->room * sizeof(*cache->segments));
    }
    memmove(cache->segments + at + 1, cache->segments + at, (cache->count - at) * sizeof(*cache->segments));
    cache->segments[at] = segment;
    cache->count++;
}

struct sx_segment *sx_cache_add_segment(struct sx_cache *cache, int64_t id, bool complete)
{
    struct sx_segment *segment = sx_calloc(1, sizeof(*segment));

    segment->id = id;
    segment->complete = complete;
    sx_arena_init(&segment->bytes, 0);
    segment->mask = 63;
    segment->index = sx_calloc(segment->mask + 1, sizeof(*segment->index));
    insert_segment(cache, segment);
    return cache->last = segment;
}

void sx_cache_drop_before(struct sx_cache *cache, int64_t id, int64_t keep)
{
    uint32_t end = sx_cache_lower(cache, id), left = 0;

    for (uint32_t i = 0; i < cache->count; i++) {
        struct sx_segment *segment = cache->segments[i];

        if (i >= end || segment->id == keep) {
            cache->segments[left++] = segment;
            continue;
        }
        if (cache->dropped_count == cache->dropped_room) {
            cache->dropped_room = cache->dropped_room ? cache->dropped_room * 2 : 8;
            cache->dropped = sx_realloc(cache->dropped, cache->dropped_room * sizeof(*cache->dropped));
        }
        cache->dropped[cache->dropped_count++] = segment;
    }
    cache->count = left;
    cache->last = NULL;
}

/* ---- Entries --------------------------------------------------------------------------------- */

struct sx_entry *sx_segment_find(struct sx_segment *segment, struct sx_slice key, uint64_t hash)
{
    for (uint32_t at = (uint32_t)hash & segment->mask;; at = (at + 1) & segment->mask) {
        uint32_t number = segment->index[at];
        struct sx_entry *entry;

        if (number == 0)
            return NULL;
        entry = &segment->entries[number - 1];
        if (entry->hash == hash && entry->key_size == key.size && memcmp(entry->key, key.data, key.size) == 0)
            return entry;
    }
}

static void put_index(struct sx_segment *segment, uint32_t number)
{
    uint32_t at = (uint32_t)segment->entries[number].hash & segment->mask;

    while (segment->index[at] != 0)
        at = (at + 1) & segment->mask;
    segment->index[at] = number + 1;
}

static void rebuild_index(struct sx_segment *segment)
{
    free(segment->index);
    segment->index = sx_calloc((size_t)segment->mask + 1, sizeof(*segment->index));
    for (uint32_t i = 0; i < segment->count; i++)
        put_index(segment, i);
}

/* Bytes of a segment's arena: values side by side, 8-byte aligned so that states can be changed in
 * place. */
static char *take_bytes(struct sx_segment *segment, uint32_t size)
{
    return sx_arena_alloc(&segment->bytes, size ? size : 1);
}

struct sx_entry *sx_segment_add(struct sx_cache *cache, struct sx_segment *segment, struct sx_slice key,
                                uint64_t hash)
{
    struct sx_entry *entry;
    char *copy = take_bytes(segment, key.size);

    if (key.size)
        memcpy(copy, key.data, key.size);
    if (segment->count == segment->room) {
        segment->room = segment->room ? segment->room * 2 : 32;
        segment->entries = sx_realloc(segment->entries, segment->room * sizeof(*segment->entries));
    }
    entry = &segment->entries[segment->count++];
    *entry = (struct sx_entry){.hash = hash, .key = copy, .key_size = key.size, .flags = SX_ENTRY_GONE};
    if (segment->count * 2 > segment->mask + 1) {
        segment->mask = segment->mask * 2 + 1;
        rebuild_index(segment);
    } else {
        put_index(segment, segment->count - 1);
    }
    return entry;
}

void sx_entry_load(struct sx_segment *segment, struct sx_entry *entry, struct sx_slice value)
{
    entry->value = take_bytes(segment, value.size);
    memcpy(entry->value, value.data, value.size);
    entry->value_size = value.size;
    entry->flags &= ~(uint32_t)SX_ENTRY_GONE;
}

/* Before the first change since the savepoint: what it was. `in_place`: its bytes will be changed. */
static void remember(struct sx_cache *cache, struct sx_segment *segment, struct sx_entry *entry,
                     bool in_place)
{
    struct sx_undo *undo;

    if (entry->epoch == cache->epoch)
        return;
    if (cache->undo_count == cache->undo_room) {
        cache->undo_room = cache->undo_room ? cache->undo_room * 2 : 256;
        cache->undo = sx_realloc(cache->undo, cache->undo_room * sizeof(*cache->undo));
    }
    undo = &cache->undo[cache->undo_count++];
    *undo = (struct sx_undo){.segment = segment,
                             .entry = (uint32_t)(entry - segment->entries),
                             .value = entry->value,
                             .value_size = entry->value_size,
                             .flags = entry->flags,
                             .epoch = entry->epoch};
    if (in_place && !(entry->flags & SX_ENTRY_GONE)) {
        undo->value = sx_arena_alloc(&cache->undo_bytes, entry->value_size ? entry->value_size : 1);
        memcpy(undo->value, entry->value, entry->value_size);
    }
    entry->epoch = cache->epoch;
}

static void mark_dirty(struct sx_segment *segment, struct sx_entry *entry)
{
    entry->flags |= SX_ENTRY_DIRTY | SX_ENTRY_USED;
    if (entry->flags & SX_ENTRY_LISTED)
        return;
    if (segment->dirty_count == segment->dirty_room) {
        segment->dirty_room = segment->dirty_room ? segment->dirty_room * 2 : 64;
        segment->dirty = sx_realloc(segment->dirty, segment->dirty_room * sizeof(*segment->dirty));
    }
    segment->dirty[segment->dirty_count++] = (uint32_t)(entry - segment->entries);
    entry->flags |= SX_ENTRY_LISTED;
}

void sx_entry_set(struct sx_cache *cache, struct sx_segment *segment, struct sx_entry *entry,
                  struct sx_slice value)
{
    remember(cache, segment, entry, false);
    segment->garbage += entry->value_size;
    mark_dirty(segment, entry);
    if (value.data == NULL) {
        entry->value = NULL;
        entry->value_size = 0;
        entry->flags |= SX_ENTRY_GONE;
        return;
    }
    sx_entry_load(segment, entry, value);
}

char *sx_entry_edit(struct sx_cache *cache, struct sx_segment *segment, struct sx_entry *entry,
                    uint32_t bytes)
{
    /* Slices that were handed out must not change under their reader: the first edit after a
     * savepoint is in place only because nobody kept a slice from before it. */
    remember(cache, segment, entry, true);
    mark_dirty(segment, entry);
    if (entry->flags & SX_ENTRY_GONE) {
        entry->value = memset(take_bytes(segment, bytes), 0, bytes);
        entry->value_size = bytes;
        entry->flags &= ~(uint32_t)SX_ENTRY_GONE;
    }
    return entry->value;
}

/* ---- Order ------------------------------------------------------------------------------------ */

/* So many new entries are put in one by one; more are sorted and merged. */
#define FEW 8

struct sorting {
    struct sx_slice key;
    uint32_t number;
};

static struct sx_slice key_of(const struct sx_segment *segment, uint32_t number)
{
    return sx_slice(segment->entries[number].key, segment->entries[number].key_size);
}

static int compare_keys(const void *a, const void *b)
{
    return sx_slice_compare(((const struct sorting *)a)->key, ((const struct sorting *)b)->key);
}

uint32_t sx_segment_lower(const struct sx_segment *segment, struct sx_slice key)
{
    uint32_t low = 0, high = segment->ordered;

    /* What is added is most often the latest. */
    if (high && sx_slice_compare(key_of(segment, segment->order[high - 1]), key) < 0)
        return high;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;

        if (sx_slice_compare(key_of(segment, segment->order[middle]), key) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static void order_one(struct sx_segment *segment)
{
    uint32_t number = segment->ordered, at = sx_segment_lower(segment, key_of(segment, number));

    memmove(segment->order + at + 1, segment->order + at, (number - at) * sizeof(*segment->order));
    segment->order[at] = number;
    segment->ordered++;
}

static void order_many(struct sx_segment *segment)
{
    uint32_t fresh = segment->count - segment->ordered, old = segment->ordered, to = segment->count;
    struct sorting *more = sx_malloc(fresh * sizeof(*more));

    for (uint32_t i = 0; i < fresh; i++)
        more[i] = (struct sorting){key_of(segment, old + i), old + i};
    qsort(more, fresh, sizeof(*more), compare_keys);
    while (fresh > 0) {
        bool from_old =
            old > 0 && sx_slice_compare(key_of(segment, segment->order[old - 1]), more[fresh - 1].key) > 0;

        segment->order[--to] = from_old ? segment->order[--old] : more[--fresh].number;
    }
    free(more);
    segment->ordered = segment->count;
}

const uint32_t *sx_segment_order(struct sx_segment *segment)
{
    if (segment->order_room < segment->count) {
        segment->order_room = segment->room;
        segment->order = sx_realloc(segment->order, segment->order_room * sizeof(*segment->order));
    }
    if (segment->count - segment->ordered > FEW)
        order_many(segment);
    while (segment->ordered < segment->count)
        order_one(segment);
    return segment->order;
}

/* ---- Savepoints ------------------------------------------------------------------------------ */

/* What forgetting it gives back, or nearly so. */
static size_t entry_bytes(const struct sx_entry *entry)
{
    return entry->key_size + entry->value_size + sizeof(*entry) + 4 * sizeof(uint32_t);
}

/* Copy what is live into a fresh arena. Clean entries with none of the flags `keep` are forgotten, the oldest
 * first, until that gives `enough` bytes. True: some were. */
static bool compact(struct sx_segment *segment, uint32_t keep, size_t enough)
{
    struct sx_arena bytes;
    uint32_t left = 0, count = segment->count;
    size_t given = 0;

    sx_arena_init(&bytes, 0);
    segment->dirty_count = 0;
    for (uint32_t i = 0; i < count; i++) {
        struct sx_entry entry = segment->entries[i];

        if (given < enough && !(entry.flags & (keep | SX_ENTRY_DIRTY))) {
            given += entry_bytes(&entry);
            continue;
        }
        entry.key = sx_arena_copy(&bytes, sx_slice(entry.key, entry.key_size)).data;
        if (!(entry.flags & SX_ENTRY_GONE)) {
            char *value = sx_arena_alloc(&bytes, entry.value_size ? entry.value_size : 1);
            memcpy(value, entry.value, entry.value_size);
            entry.value = value;
        }
        segment->entries[left] = entry;
        if (entry.flags & SX_ENTRY_LISTED)
            segment->dirty[segment->dirty_count++] = left;
        left++;
    }
    segment->count = left;
    segment->ordered = 0;
    sx_arena_free(&segment->bytes);
    segment->bytes = bytes;
    segment->garbage = 0;
    rebuild_index(segment);
    return left < count;
}

void sx_cache_begin(struct sx_cache *cache)
{
    cache->epoch++;
    cache->undo_count = 0;
    sx_arena_reset(&cache->undo_bytes);
    free_dropped(cache);
    for (uint32_t i = 0; i < cache->count; i++) {
        struct sx_segment *segment = cache->segments[i];
        if (segment->garbage > 64 * 1024 && segment->garbage * 2 > sx_arena_bytes(&segment->bytes))
            compact(segment, 0, 0);
    }
}

void sx_cache_rollback(struct sx_cache *cache)
{
    for (uint32_t i = 0; i < cache->dropped_count; i++)
        insert_segment(cache, cache->dropped[i]);
    cache->dropped_count = 0;
    cache->last = NULL;
    while (cache->undo_count) {
        struct sx_undo *undo = &cache->undo[--cache->undo_count];
        struct sx_entry *entry = &undo->segment->entries[undo->entry];
        uint32_t listed = entry->flags & SX_ENTRY_LISTED;

        if (entry->value != undo->value && !(undo->flags & SX_ENTRY_GONE)) {
            /* An edit in place left the bytes where they were; put the former ones there again, so that
             * the undo arena can go. */
            entry->value = take_bytes(undo->segment, undo->value_size);
            memcpy(entry->value, undo->value, undo->value_size);
        }
        if (undo->flags & SX_ENTRY_GONE)
            entry->value = NULL;
        entry->value_size = undo->value_size;
        entry->flags = undo->flags | listed;
        entry->epoch = undo->epoch;
    }
    cache->epoch++;
    sx_arena_reset(&cache->undo_bytes);
}

/* ---- After a commit -------------------------------------------------------------------------- */

void sx_cache_clean(struct sx_cache *cache)
{
    for (uint32_t s = 0; s < cache->count; s++) {
        struct sx_segment *segment = cache->segments[s];

        for (uint32_t i = 0; i < segment->dirty_count; i++)
            segment->entries[segment->dirty[i]].flags &= ~(uint32_t)(SX_ENTRY_DIRTY | SX_ENTRY_LISTED);
        segment->written |= segment->dirty_count > 0;
        segment->dirty_count = 0;
    }
    cache->undo_count = 0;
}

size_t sx_cache_bytes(const struct sx_cache *cache)
{
    size_t bytes = 0;

    for (uint32_t s = 0; s < cache->count; s++) {
        const struct sx_segment *segment = cache->segments[s];
        bytes += sx_arena_bytes(&segment->bytes) + segment->room * sizeof(*segment->entries) +
                 ((size_t)segment->mask + 1 + segment->dirty_room + segment->order_room) * sizeof(uint32_t);
    }
    return bytes;
}

static void narrow(struct sx_segment *segment)
{
    if (segment->room <= 64 || segment->count * 4 >= segment->room)
        return;
    segment->room = SX_MAX(segment->count * 2, 32u);
    segment->entries = sx_realloc(segment->entries, segment->room * sizeof(*segment->entries));
    while (segment->mask > 63 && segment->mask > segment->count * 4)
        segment->mask /= 2;
    rebuild_index(segment);
}

bool sx_cache_shrink(struct sx_cache *cache, size_t bytes)
{
    size_t used = sx_cache_bytes(cache);
    bool forgot = false;

    for (uint32_t s = 0; s < cache->count && used > bytes; s++)
        if (cache->segments[s]->garbage * 8 > sx_arena_bytes(&cache->segments[s]->bytes)) {
            compact(cache->segments[s], 0, 0);
            used = sx_cache_bytes(cache);
        }
    for (uint32_t round = 0; round < 2 && used > bytes; round++)
        for (uint32_t s = 0; s < cache->count && used > bytes; s++) {
            struct sx_segment *segment = cache->segments[s];

            if (compact(segment, round == 0 ? SX_ENTRY_USED : 0, used - bytes)) {
                forgot = true;
                segment->complete = false;
                narrow(segment);
            }
            for (uint32_t i = 0; i < segment->count; i++)
                segment->entries[i].flags &= ~(uint32_t)SX_ENTRY_USED;
            used = sx_cache_bytes(cache);
        }
    return forgot;
}
