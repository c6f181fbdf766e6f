/* cache.h: the write-back cache of one store: what is in memory of it, and what of that is not on
 * disk yet.
 *
 *   cache ─ segments (hash by window start) ─┬─ index[]   open addressing: number of an entry + 1
 *                                            ├─ entries[] hash, key, value, flags
 *                                            ├─ bytes     arena of keys and values
 *                                            ├─ order[]   entries by key, made when a walk asks
 *                                            └─ dirty[]   entries to be written at the commit
 *
 * A segment is a window's rows (all rows of a key-value store are segment 0): dropping a window frees
 * its arena and its arrays, nothing per row. A segment is `complete` when the disk holds no row of it
 * that is not here: then a miss needs no read, which is what makes new windows cheap.
 *
 * Savepoint   The first change of an entry after sx_cache_begin() puts its former value into the undo
 *             log. Values are never changed in place before that; replaced ones stay in the arena
 *             until the next begin, so slices that were handed out live as long as the batch.
 */
#ifndef SX_CACHE_H
#define SX_CACHE_H

#include "engine/base/arena.h"

enum sx_entry_flags {
    SX_ENTRY_GONE = 1,   /* removed, or known not to be on the disk */
    SX_ENTRY_DIRTY = 2,  /* differs from the disk */
    SX_ENTRY_LISTED = 4, /* is in dirty[] */
    SX_ENTRY_USED = 8    /* since the last eviction */
};

struct sx_entry {
    uint64_t hash;
    const char *key;
    char *value;
    uint32_t key_size;
    uint32_t value_size;
    uint32_t epoch; /* of the last savepoint at which it changed */
    uint32_t flags;
};

struct sx_segment {
    int64_t id;
    struct sx_entry *entries;
    uint32_t count, room;
    uint32_t *index;
    uint32_t mask;
    uint32_t *dirty;
    uint32_t dirty_count, dirty_room;
    uint32_t *order; /* the first `ordered` entries, by key */
    uint32_t ordered, order_room;
    struct sx_arena bytes;
    size_t garbage; /* bytes in the arena that no entry points to */
    bool complete;
    bool written; /* some row of it went to the disk */
};

struct sx_cache {
    struct sx_segment **segments; /* by id, ascending */
    uint32_t count, room;
    struct sx_segment *last; /* the one used last: rows come in runs of one window */
    uint32_t epoch;
    struct sx_undo *undo;
    uint32_t undo_count, undo_room;
    struct sx_arena undo_bytes;
    struct sx_segment **dropped; /* since begin, so that a rollback can bring them back */
    uint32_t dropped_count, dropped_room;
};

void sx_cache_init(struct sx_cache *cache);
void sx_cache_free(struct sx_cache *cache);

/* NULL: not in memory. */
struct sx_segment *sx_cache_segment(struct sx_cache *cache, int64_t id);
struct sx_segment *sx_cache_add_segment(struct sx_cache *cache, int64_t id, bool complete);
/* The position of the first segment with an id >= `id`. */
uint32_t sx_cache_lower(const struct sx_cache *cache, int64_t id);

/* NULL: not in memory. */
struct sx_entry *sx_segment_find(struct sx_segment *segment, struct sx_slice key, uint64_t hash);
/* A new entry, GONE, clean; the key is copied. */
struct sx_entry *sx_segment_add(struct sx_cache *cache, struct sx_segment *segment, struct sx_slice key,
                                uint64_t hash);
/* Fill in what was read from the disk: no change. */
void sx_entry_load(struct sx_segment *segment, struct sx_entry *entry, struct sx_slice value);
/* Change: remembers the former value first. `bytes` NULL removes. */
void sx_entry_set(struct sx_cache *cache, struct sx_segment *segment, struct sx_entry *entry,
                  struct sx_slice value);
/* The value for changing in place: after it the entry is dirty. A gone one gets `bytes` zeroed bytes. */
char *sx_entry_edit(struct sx_cache *cache, struct sx_segment *segment, struct sx_entry *entry,
                    uint32_t bytes);

/* The numbers of the entries, ordered by key; gone ones too. Kept: asking again costs what was added
 * since. Valid until the next addition. */
const uint32_t *sx_segment_order(struct sx_segment *segment);
/* The place in that order of the first key >= `key`. */
uint32_t sx_segment_lower(const struct sx_segment *segment, struct sx_slice key);

/* Take the segments before `id` (but for `keep`) out; they live until the next begin. */
void sx_cache_drop_before(struct sx_cache *cache, int64_t id, int64_t keep);

void sx_cache_begin(struct sx_cache *cache);
void sx_cache_rollback(struct sx_cache *cache);

/* All rows are on the disk now. */
void sx_cache_clean(struct sx_cache *cache);
/* Give back what no row needs, then forget rows until at most `bytes` are used, if that is possible: first
 * those that were not used since the last time, then the oldest. True: some were forgotten. To be called at
 * no savepoint, when all is clean. */
bool sx_cache_shrink(struct sx_cache *cache, size_t bytes);
size_t sx_cache_bytes(const struct sx_cache *cache);

#endif
