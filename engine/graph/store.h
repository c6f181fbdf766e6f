/* store.h: the contract of a store: the keyed state of one task.
 *
 *   operator ── sx_store ── write-back cache ── RocksDB (only at a commit)
 *                                 └── changelog (only at a commit)
 *
 * A row is found by a segment and a key. In a key-value store there is one segment, 0; in a window
 * store the segment is the window's start, so a window's rows stand together: closing a window is
 * one walk and dropping it one call. Keys are bytes that sort (engine/data/row.h); values are bytes
 * that the operator understands.
 *
 * Reads see what was written, at once. Slices that are returned live until the batch ends.
 * Savepoints: everything done since sx_store_begin() can be undone, until the next begin.
 * Threads: the task's. Errors of the disk stop the task: they are kept and reported at the commit;
 * until then a failed read looks empty and nothing of it is committed.
 */
#ifndef SX_STORE_H
#define SX_STORE_H

#include "engine/base/base.h"

#include <stdatomic.h>

struct sx_disk; /* engine/disk/disk.h */
struct sx_cursor;
struct sx_unit;

enum sx_store_kind { SX_STORE_KV, SX_STORE_WINDOW };

/* A store in the plan; one per definition that needs it, one instance per partition. */
struct sx_store_plan {
    const char *name; /* the definition's, or with the stage's role: `enriched-left` */
    enum sx_store_kind kind;
    const char *changelog;   /* the topic; for a table's store the source topic itself */
    bool from_source;        /* the changelog is the source topic: restored by decoding it */
    bool global;             /* one instance for the process, of all partitions */
    int64_t retention_ms;    /* window: how long a window can be looked up */
    uint32_t format;         /* of the values; a change makes old state incompatible */
    const char *fingerprint; /* what the rows mean, a line `part: text` each; see signature.h */
    uint32_t index;          /* in the plan */
    uint32_t subtopology;
};

struct sx_store;

/* Called for each row; false stops the walk. */
typedef bool (*sx_store_fn)(int64_t segment, struct sx_slice key, struct sx_slice value, void *arg);

/* Called at a commit for each row that changed; value.data NULL: it was removed. */
typedef void (*sx_changelog_fn)(struct sx_slice key, struct sx_slice value, void *arg);

struct sx_store_ops {
    struct sx_slice (*get)(struct sx_store *store, int64_t segment, struct sx_slice key);
    void (*put)(struct sx_store *store, int64_t segment, struct sx_slice key, struct sx_slice value);
    void (*remove)(struct sx_store *store, int64_t segment, struct sx_slice key);
    void *(*edit)(struct sx_store *store, int64_t segment, struct sx_slice key, uint32_t bytes, bool *fresh);
    void (*each)(struct sx_store *store, int64_t from, int64_t to, sx_store_fn fn, void *arg);
    void (*range)(struct sx_store *store, int64_t segment, struct sx_slice from, struct sx_slice to,
                  sx_store_fn fn, void *arg);
    streamd_status (*peek)(struct sx_store *store, struct sx_slice key, int64_t from, int64_t to,
                           sx_store_fn fn, void *arg, streamd_error **error);
    void (*drop_before)(struct sx_store *store, int64_t segment);
    void (*begin)(struct sx_store *store);
    void (*rollback)(struct sx_store *store);
    streamd_status (*commit)(struct sx_store *store, struct sx_unit *unit, sx_changelog_fn fn, void *arg,
                             streamd_error **error); /* unit: NULL for a memory store */
    void (*committed)(struct sx_store *store);
    void (*discard)(struct sx_store *store);
    bool (*restore)(struct sx_store *store, struct sx_unit *unit, struct sx_slice key, struct sx_slice value);
    size_t (*memory)(const struct sx_store *store);
    void (*close)(struct sx_store *store);
};

struct sx_store {
    const struct sx_store_ops *ops;
    const struct sx_store_plan *plan;
    uint64_t rows_read, rows_written, disk_reads; /* for /metrics */
};

/* The value, or SX_SLICE_NONE. */
static inline struct sx_slice sx_store_get(struct sx_store *s, int64_t segment, struct sx_slice key)
{
    return s->ops->get(s, segment, key);
}
static inline void sx_store_put(struct sx_store *s, int64_t segment, struct sx_slice key,
                                struct sx_slice value)
{
    s->ops->put(s, segment, key, value);
}
static inline void sx_store_remove(struct sx_store *s, int64_t segment, struct sx_slice key)
{
    s->ops->remove(s, segment, key);
}
/* The value for changing in place, made with `bytes` zeroed bytes when there is none (*fresh). When
 * there is one of another length, it is as long as it is: ask sx_store_get for the length first. The
 * hot path of aggregates. Valid until the next put, remove or edit of the same row. */
static inline void *sx_store_edit(struct sx_store *s, int64_t segment, struct sx_slice key, uint32_t bytes,
                                  bool *fresh)
{
    return s->ops->edit(s, segment, key, bytes, fresh);
}
/* The rows of the segments in [from, to), by segment, then key. Nothing may be written meanwhile. */
static inline void sx_store_each(struct sx_store *s, int64_t from, int64_t to, sx_store_fn fn, void *arg)
{
    s->ops->each(s, from, to, fn, arg);
}
/* The rows of one segment with keys in [from, to), by key; a NULL `to`: without end. Nothing may be
 * written meanwhile. Asked again and again it costs a binary search and what was added since. */
static inline void sx_store_range(struct sx_store *s, int64_t segment, struct sx_slice from,
                                  struct sx_slice to, sx_store_fn fn, void *arg)
{
    s->ops->range(s, segment, from, to, fn, arg);
}
/* The rows of one key in the segments of [from, to), by segment: for who looks into the store from outside.
 * Nothing is cached or counted for it, and an error is this call's alone. */
static inline streamd_status sx_store_peek(struct sx_store *s, struct sx_slice key, int64_t from, int64_t to,
                                           sx_store_fn fn, void *arg, streamd_error **error)
{
    return s->ops->peek(s, key, from, to, fn, arg, error);
}
/* Forget all segments before `segment`. They are past their retention: nothing is written to the
 * changelog for it. */
static inline void sx_store_drop_before(struct sx_store *s, int64_t segment)
{
    s->ops->drop_before(s, segment);
}

/* A store's small own value: stream time and the like; kept and changelogged as a row is. */
#define SX_SEGMENT_META INT64_MIN

/* ---- For engine/run -------------------------------------------------------------------------- */

/* The memory of the clean rows of many stores, which may be of several threads. As long as all of them
 * together are within it, each keeps what it has: a store that nobody asks leaves its share to a busy one.
 * Beyond it, those that have more than an equal share forget rows, at their next commit. */
struct sx_cache_pool {
    size_t bytes; /* set before the first store is opened */
    _Atomic size_t used;
    _Atomic uint32_t stores;
};

/* What engine/run is given to make the stores of a task; `state` fills it in. */
struct sx_store_kinds {
    /* Open the instance of `plan` for a slot (a partition number) on the disk. `id` is the store's
     * number on this disk, kept in META. The pool outlives the store. */
    struct sx_store *(*open)(const struct sx_store_plan *plan, struct sx_disk *disk, uint32_t id,
                             int32_t slot, struct sx_cache_pool *pool);
    /* Without a disk: for the test driver. Keeps everything in memory. */
    struct sx_store *(*open_memory)(const struct sx_store_plan *plan);
    /* Remove everything a store has on the disk for a slot. */
    void (*wipe)(struct sx_unit *unit, enum sx_store_kind kind, uint32_t id, int32_t slot);
    /* Walk the rows a store has on the disk for a slot, with the keys of its changelog; sx_cursor_close(). */
    struct sx_cursor *(*rows)(struct sx_disk *disk, enum sx_store_kind kind, uint32_t id, int32_t slot);
    bool (*next_row)(struct sx_cursor *rows, struct sx_slice *key, struct sx_slice *value);
};
extern const struct sx_store_kinds sx_store_kinds;

/* begin: a savepoint. rollback: back to it. commit: add all changed rows to `unit`, and tell `fn`
 * each of them; committed(): the unit is written, rows are clean. discard(): forget everything not
 * committed (an aborted transaction). restore: apply one changelog record to `unit`, past the cache;
 * false: damaged or of an unknown version. */
static inline void sx_store_begin(struct sx_store *s) { s->ops->begin(s); }
static inline void sx_store_rollback(struct sx_store *s) { s->ops->rollback(s); }

#endif
