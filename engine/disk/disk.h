/* disk.h: one RocksDB in one folder, and the commit unit. No other folder includes rocksdb/c.h.
 *
 * A disk holds the state of all tasks of a process, and with the embedded log the log too. It has a
 * column family per kind of content, not per store: 200 families cost 206 MB of memtables, and an
 * atomic flush of one writes 202 files. Keys are prefixed by store and slot by their users.
 *
 * A commit unit is a set of writes that becomes durable as a whole: state, positions, and (embedded
 * log) records and offsets go into the same unit.
 *
 * Durability   With `wal`, a unit written with sync survives a power cut. Without, writes reach the
 *              disk when memtables are flushed, all families at one consistent cut (atomic_flush);
 *              what is missing is replayed from the changelog.
 * Threads      sx_disk functions: any. A unit or an iterator: one thread at a time.
 * Failures     After an error of RocksDB the disk counts as failed until it is closed and opened again: a
 *              write or an fsync that failed is not tried again on files that may be half written.
 * Errors       STREAMD_E_STORE, STREAMD_E_CORRUPT (damaged files), STREAMD_E_STATE (held by another
 *              process; the message names its pid).
 */
#ifndef SX_DISK_H
#define SX_DISK_H

#include "engine/base/base.h"
#include "engine/base/bytes.h"

enum sx_family {
    SX_FAMILY_META,    /* positions, offsets, ids, topics: small things */
    SX_FAMILY_KV,      /* rows of key-value stores */
    SX_FAMILY_WINDOW,  /* rows of window stores */
    SX_FAMILY_SESSION, /* rows of session stores */
    SX_FAMILY_LOG,     /* records of the embedded log */
    SX_FAMILY_COUNT
};

struct sx_disk;
struct sx_unit;
struct sx_cursor;

struct sx_disk_options {
    bool wal;            /* write-ahead log: on for the embedded log */
    size_t memory_bytes; /* block cache and memtables together; 0: 128 MiB */
    /* What is on it can be made anew from elsewhere: files that are damaged are set aside, into a folder
     * `damaged-TIME` beside them (the last ones only), and an empty database is opened. */
    bool rebuilds;
    bool damaged; /* with `rebuilds`: set aside what is there, whatever opening would say */
};

/* Create the folder (0700) if need be, take its lock (flock on LOCK.streamd, which holds the pid),
 * open the database. */
streamd_status sx_disk_open(const char *folder, const struct sx_disk_options *options, struct sx_disk **disk,
                            streamd_error **error);
void sx_disk_close(struct sx_disk *disk); /* flushes first when the WAL is off */
const char *sx_disk_folder(const struct sx_disk *disk);
/* Where opening has put damaged files; NULL: it did not. */
const char *sx_disk_aside(const struct sx_disk *disk);
/* A copy of the first error of RocksDB since it was opened, for the caller to free; NULL: none. */
streamd_error *sx_disk_failure(struct sx_disk *disk);
/* It was for want of room, which may come back. */
bool sx_disk_was_full(const streamd_error *failure);

/* Read one value: appended to `to`. *found says whether there was one. */
streamd_status sx_disk_get(struct sx_disk *disk, enum sx_family family, struct sx_slice key,
                           struct sx_buffer *to, bool *found, streamd_error **error);

/* Walk keys in [from, to) upwards in byte order, over a snapshot of the moment of opening.
 * `to` with data NULL: without end. */
struct sx_cursor *sx_cursor_open(struct sx_disk *disk, enum sx_family family, struct sx_slice from,
                                 struct sx_slice to);
/* False at the end or on an error; key and value live until the next call. */
bool sx_cursor_next(struct sx_cursor *cursor, struct sx_slice *key, struct sx_slice *value);
/* Move so that the next call gives the first key >= `key`. */
void sx_cursor_seek(struct sx_cursor *cursor, struct sx_slice key);
streamd_status sx_cursor_status(const struct sx_cursor *cursor, streamd_error **error);
void sx_cursor_close(struct sx_cursor *cursor);

/* The last key in [from, to): appended to `to_key`. For those who count upwards and start again. */
streamd_status sx_disk_last(struct sx_disk *disk, enum sx_family family, struct sx_slice from,
                            struct sx_slice to, struct sx_buffer *to_key, bool *found, streamd_error **error);

/* Does any key begin with `prefix`? */
streamd_status sx_disk_any(struct sx_disk *disk, enum sx_family family, struct sx_slice prefix, bool *any,
                           streamd_error **error);

struct sx_unit *sx_unit_new(struct sx_disk *disk);
void sx_unit_free(struct sx_unit *unit);
void sx_unit_put(struct sx_unit *unit, enum sx_family family, struct sx_slice key, struct sx_slice value);
void sx_unit_delete(struct sx_unit *unit, enum sx_family family, struct sx_slice key);
void sx_unit_delete_range(struct sx_unit *unit, enum sx_family family, struct sx_slice from,
                          struct sx_slice to);
uint32_t sx_unit_count(const struct sx_unit *unit);
size_t sx_unit_bytes(const struct sx_unit *unit);
void sx_unit_clear(struct sx_unit *unit);
/* Write all of it, atomically, and clear it. `sync`: only with the WAL. After an error the unit
 * still holds its writes. */
streamd_status sx_unit_write(struct sx_unit *unit, bool sync, streamd_error **error);

/* Flush memtables (all families at one cut). Blocks. */
streamd_status sx_disk_flush(struct sx_disk *disk, streamd_error **error);

/* For /metrics. */
struct sx_disk_stats {
    uint64_t memtable_bytes, cache_bytes, table_bytes, pending_compaction_bytes, stalls;
};
void sx_disk_stats(struct sx_disk *disk, struct sx_disk_stats *stats);

#endif
