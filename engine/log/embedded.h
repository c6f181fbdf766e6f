/* embedded.h: private to engine/log/embedded*.c: the log without a broker, in the disk's families.
 *
 * Family LOG holds records, some hundred in a block, so that RocksDB's cost of a key is shared:
 *
 *   key     topic id 4 | partition 4 | offset of the block's last record 8        all big-endian
 *   value   version 1 | records 4 | time of the append, ms 8 | record...
 *   record  timestamp 8 | key | value | varint headers | header...
 *   key, value, header's value    varint size + 1, bytes; 0: null
 *   header  varint size, name, value
 *
 * The key is the last offset, so that a seek to any offset lands on the block that holds it.
 *
 * Family META holds, under keys that begin with `log/`:
 *
 *   log/next                         the next topic's id 4; ids are never used again
 *   log/topic/NAME                   version 1 | id 4 | partitions 4 | cleanup 1 | internal 1 |
 *                                    retention 8
 *   log/low/ id 4 partition 4        the first offset that can be read 8; without: 0
 *   log/group/APPLICATION 0 id 4 partition 4    a group's committed offset 8
 *
 * Order of commits   Several writers commit at once. A commit takes its offsets and a turn under
 *   the log's lock, writes without it, and publishes the new ends when its turn has come: a reader
 *   never sees an offset while a smaller one may still appear. A commit that fails leaves a gap.
 * Threads   `lock` guards all that is in `struct embedded`, its topics and their lists of readers.
 *   Readers and writers are otherwise their workers' own. Wakers are woken under the lock, so that
 *   a reader that is being closed is not woken any more.
 */
#ifndef SX_EMBEDDED_H
#define SX_EMBEDDED_H

#include "engine/base/map.h"
#include "engine/log/log.h"

#include <pthread.h>

struct embedded_reader;

struct embedded_partition {
    int64_t low;     /* the first offset that can be read */
    int64_t end;     /* after the last published record */
    int64_t next;    /* the next offset to be given to a commit */
    int64_t deleted; /* before it the records are gone from the disk too */
    struct embedded_reader *readers;
};

struct embedded_topic {
    char *name;
    uint32_t id;
    int32_t partition_count;
    enum sx_cleanup cleanup;
    bool internal;
    int64_t retention_ms;
    uint32_t users; /* the map, readers and writers that point here */
    bool removed;   /* no longer in the map; freed with its last user */
    struct embedded_partition partitions[];
};

struct embedded {
    struct sx_log log;
    struct sx_disk *disk;
    struct sx_logger *logger;
    char *application;
    int32_t default_partitions;
    bool sync;
    pthread_mutex_t admin; /* one creation or removal of a topic at a time; taken before `lock` */
    pthread_mutex_t lock;
    pthread_cond_t turned;
    uint64_t turn_next, turn_now; /* commits take turns to publish */
    struct sx_map topics;
    uint32_t next_id;
    /* The group; the coordinator's thread only. */
    struct sx_group_events events;
    int32_t slot_count;
    bool joined, given;
    int64_t tended_ms; /* when retention was last looked after, monotonic */
};

struct embedded_reader {
    struct sx_reader reader;
    struct embedded_topic *topic;
    struct embedded_partition *partition;
    const struct sx_waker *waker;
    int64_t next; /* the offset to read next */
    struct embedded_held *spare;
    struct embedded_reader *before, *after; /* of the partition */
};

static inline struct embedded *embedded_of(struct sx_log *log) { return (struct embedded *)log; }

/* ---- embedded_block.c ------------------------------------------------------------------------ */

#define SX_BLOCK_HEAD 13 /* bytes before the first record */
#define SX_BLOCK_KEY 16
#define SX_BLOCK_BYTES 32768 /* a block is closed when it is as large as this, */
#define SX_BLOCK_RECORDS 512 /* or has as many records */
#define SX_RECORD_BYTES_MAX (64u << 20)

void sx_block_key(char *to, uint32_t topic, int32_t partition, int64_t offset);
int64_t sx_block_key_offset(struct sx_slice key);
void sx_block_begin(struct sx_buffer *to); /* room for the head */
void sx_block_end(char *block, uint32_t count, int64_t append_ms);
void sx_block_add(struct sx_buffer *to, const struct sx_record *record);
/* Read the head, and move *at behind it. False: damaged. */
bool sx_block_head(const char **at, const char *end, uint32_t *count, int64_t *append_ms);
/* Read one record, all but its offset. Its slices point into the block, its headers are made in
 * `arena`. False: damaged. */
bool sx_block_record(const char **at, const char *end, struct sx_record *record, struct sx_arena *arena);

/* ---- embedded_topics.c ----------------------------------------------------------------------- */

streamd_status sx_embedded_load(struct embedded *log, streamd_error **error);
/* Under the lock. E_NOTFOUND. With a partition: that it exists too. */
streamd_status sx_embedded_topic(struct embedded *log, const char *name, int32_t partition,
                                 struct embedded_topic **topic, streamd_error **error);
void sx_embedded_release(struct embedded_topic *topic); /* under the lock: one user less */
void sx_embedded_group_key(const struct embedded *log, uint32_t topic, int32_t partition,
                           struct sx_buffer *key);
void sx_embedded_low_key(uint32_t topic, int32_t partition, struct sx_buffer *key);

streamd_status sx_embedded_partitions(struct sx_log *log, const char *topic, int32_t *count,
                                      streamd_error **error);
streamd_status sx_embedded_create(struct sx_log *log, const struct sx_topic_spec *spec,
                                  streamd_error **error);
streamd_status sx_embedded_describe(struct sx_log *log, const char *topic, struct sx_topic_spec *spec,
                                    streamd_error **error);
streamd_status sx_embedded_remove(struct sx_log *log, const char *topic, streamd_error **error);
streamd_status sx_embedded_topics(struct sx_log *log, char ***names, uint32_t *count, streamd_error **error);
streamd_status sx_embedded_watermarks(struct sx_log *log, const char *topic, int32_t partition, bool all,
                                      int64_t *low, int64_t *high, streamd_error **error);

/* ---- embedded_purge.c ------------------------------------------------------------------------ */

/* Delete what has outlived its topic's retention. Never fails: it is logged, and tried again. */
void sx_embedded_tend(struct embedded *log, int64_t wall_ms);
streamd_status sx_embedded_purge(struct sx_log *log, const struct sx_partition_offset *before, uint32_t count,
                                 streamd_error **error);

/* ---- embedded.c ------------------------------------------------------------------------------ */

/* Turns, under the lock. */
uint64_t sx_embedded_turn_take(struct embedded *log);
void sx_embedded_turn_wait(struct embedded *log, uint64_t turn);
void sx_embedded_turn_end(struct embedded *log);

/* ---- embedded_read.c ------------------------------------------------------------------------- */

streamd_status sx_embedded_reader_open(struct sx_log *log, enum sx_reader_use use, const char *topic,
                                       int32_t partition, int64_t offset, const struct sx_waker *waker,
                                       struct sx_reader **reader, streamd_error **error);
void sx_embedded_reader_close(struct sx_reader *reader);
streamd_status sx_embedded_fetch(struct sx_reader *reader, uint32_t max, struct sx_fetch *fetch,
                                 streamd_error **error);
void sx_embedded_fetch_release(struct sx_reader *reader, struct sx_fetch *fetch);
streamd_status sx_embedded_seek(struct sx_reader *reader, int64_t offset, streamd_error **error);
int64_t sx_embedded_reader_end(struct sx_reader *reader);
void sx_embedded_wake(struct embedded_partition *partition); /* under the lock: all its readers */

/* ---- embedded_write.c ------------------------------------------------------------------------ */

streamd_status sx_embedded_writer_open(struct sx_log *log, uint32_t number, const struct sx_waker *waker,
                                       struct sx_writer **writer, streamd_error **error);
void sx_embedded_writer_close(struct sx_writer *writer);
streamd_status sx_embedded_topic_open(struct sx_writer *writer, const char *name, struct sx_topic **topic,
                                      streamd_error **error);
streamd_status sx_embedded_write(struct sx_writer *writer, struct sx_topic *topic, int32_t partition,
                                 const struct sx_record *record, streamd_error **error);
streamd_status sx_embedded_drain(struct sx_writer *writer, int timeout_ms, streamd_error **error);
streamd_status sx_embedded_commit(struct sx_writer *writer, const struct sx_partition_offset *offsets,
                                  uint32_t count, struct sx_unit *unit,
                                  void (*last)(struct sx_unit *, void *), void *arg, streamd_error **error);
streamd_status sx_embedded_abort(struct sx_writer *writer, streamd_error **error);
int64_t sx_embedded_writer_offset(struct sx_writer *writer, struct sx_topic *topic, int32_t partition);

#endif
