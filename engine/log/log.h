/* log.h: the contract of a partitioned log. Kafka is one kind of it, the embedded log another.
 *
 * Words
 *   group    the application's consumer group; its committed offsets say what is processed
 *   slot     partition number i of every topic of an application; what a member owns is slots
 *   reader   one partition, read in order by one worker
 *   writer   one worker's way to write: records, then a commit of records and offsets together
 *
 * Life     open; topics are looked up and created; join; the coordinator thread calls poll, which
 *          calls given/taken; workers open readers for the slots that they were given, read, write
 *          and commit; leave; close.
 * Threads  poll, join, leave: the coordinator's thread. A reader or writer: its worker's. Topic and
 *          offset functions: any. `given` and `taken` are called on the coordinator's thread; when
 *          `taken` returns the readers of those slots must be closed.
 * Errors   STREAMD_E_LOG; retriable when it comes and goes by itself (a broker away); fatal when the
 *          engine must stop (authorization, a topic that cannot be); STREAMD_E_FENCED when another
 *          instance took over: drop the work, rejoin; STREAMD_E_TIMEOUT; STREAMD_E_NOTFOUND.
 */
#ifndef SX_LOG_H
#define SX_LOG_H

#include "engine/base/logger.h"
#include "engine/data/batch.h"
#include "engine/disk/disk.h"

/* Wakes a worker that waits in poll(2) on `fd`. Any thread may wake; wakes add up to one. */
struct sx_waker {
    int fd; /* eventfd, non-blocking */
};
bool sx_waker_init(struct sx_waker *waker);
void sx_waker_free(struct sx_waker *waker);
void sx_waker_wake(const struct sx_waker *waker);
/* Wait until woken or `timeout_ms` is over (-1: no limit); clears it. True: woken. */
bool sx_waker_wait(const struct sx_waker *waker, int timeout_ms);

enum sx_guarantee { SX_AT_LEAST_ONCE, SX_EXACTLY_ONCE };
enum sx_cleanup { SX_CLEANUP_DELETE, SX_CLEANUP_COMPACT, SX_CLEANUP_COMPACT_DELETE };

#define SX_RETENTION_DEFAULT (-2)

struct sx_topic_spec {
    const char *name;
    int32_t partitions; /* 0: the log's default */
    enum sx_cleanup cleanup;
    int64_t retention_ms;      /* -1: for ever; SX_RETENTION_DEFAULT: as the log has it */
    bool internal;             /* made by us: a repartition, changelog or slots topic */
    uint32_t record_bytes_max; /* told by describe: key, value and headers together; 0: no limit */
    int64_t compaction_lag_ms; /* told by describe: how long a record is surely not compacted away */
};

#define SX_OFFSET_NONE (-1) /* nothing committed */

struct sx_partition_offset {
    const char *topic;
    int32_t partition;
    int64_t offset; /* the next record to be processed */
    /* Short text without spaces, kept with a committed offset (a log that holds state keeps none);
     * committed() appends what was kept. NULL: none. */
    struct sx_buffer *note;
};

struct sx_log_setting {
    const char *name;
    const char *value;
};

struct sx_log_options {
    const char *bootstrap;   /* kafka: host:port list */
    const char *application; /* the group, and the prefix of internal topics and ids */
    const char *id;          /* of this process, kept in the state directory */
    const char *instance;    /* --instance: static membership; NULL: none */
    const char *client_id;   /* carries the HTTP address */
    enum sx_guarantee guarantee;
    /* What the application writes and reads again, as changelogs and repartition topics. With at-least-once
     * too their records and the offsets are committed as one: nothing is applied twice to what is kept. */
    const char *const *own_topics;
    uint32_t own_topic_count;
    uint32_t writer_count;                 /* workers */
    size_t memory_bytes;                   /* for queues */
    int32_t default_partitions;            /* embedded: 4 */
    bool sync;                             /* embedded: sync the WAL at each commit */
    const struct sx_log_setting *settings; /* `kafka.*` without the prefix */
    uint32_t setting_count;
    struct sx_disk *disk;     /* embedded: where the topics are; kafka: unused */
    struct sx_logger *logger; /* may be NULL; outlives the log */
};

struct sx_group_events {
    /* These slots are ours now. */
    void (*given)(const int32_t *slots, uint32_t count, void *arg);
    /* These slots are no longer ours. `lost`: they may be another's already: abort, commit nothing. */
    void (*taken)(const int32_t *slots, uint32_t count, bool lost, void *arg);
    void *arg;
};

/* Who is in the group. */
struct sx_member {
    char *id;
    bool self;
    int32_t *slots; /* that are this member's */
    uint32_t slot_count;
};
void sx_members_free(struct sx_member *members, uint32_t count);

#define SX_STALL_MS 300000 /* max.poll.interval.ms, unless set */

struct sx_log {
    const struct sx_log_def *def;
    /* State and log are one database: a commit writes both, state needs no changelog. */
    bool holds_state;
    int64_t stall_ms;       /* a worker that ends no batch for so long is lost; 0: nobody looks */
    int64_t transaction_ms; /* a transaction may be open for so long; 0: there is no limit */
};

struct sx_reader {
    struct sx_log *log;
    const char *topic;
    int32_t partition;
};

struct sx_writer {
    struct sx_log *log;
};

/* A topic that a writer writes to; belongs to the writer. */
struct sx_topic;

/* Records as fetched. `records` live until release. */
struct sx_fetch {
    const struct sx_record *records; /* consecutive offsets, but for gaps (compaction, markers) */
    uint32_t count;
    int64_t next_offset; /* the offset to be committed when all are processed */
    bool padded;         /* SX_PADDING bytes behind each key and value can be read */
    bool at_end;         /* after these the reader stands at the partition's end, as last heard */
    void *held;          /* the log's own */
};

enum sx_reader_use {
    SX_READ_INPUT,   /* an input of a task of a slot that is ours */
    SX_READ_RESTORE, /* a changelog or a global table's topic: outside the group */
};

struct sx_log_def {
    const char *name;
    streamd_status (*open)(const struct sx_log_options *options, struct sx_log **log, streamd_error **error);
    void (*close)(struct sx_log *log);

    /* ---- topics ---- */
    /* The number of partitions. E_NOTFOUND. */
    streamd_status (*partitions)(struct sx_log *log, const char *topic, int32_t *count,
                                 streamd_error **error);
    /* Create a topic. That it is there already is no error here: the caller checks counts. */
    streamd_status (*create)(struct sx_log *log, const struct sx_topic_spec *spec, streamd_error **error);
    /* Give a topic more partitions. That it has as many already is no error. NULL: this log's topics keep
     * their number. */
    streamd_status (*widen)(struct sx_log *log, const char *topic, int32_t count, streamd_error **error);
    /* The cleanup policy, retention and limit of an existing topic. */
    streamd_status (*describe)(struct sx_log *log, const char *topic, struct sx_topic_spec *spec,
                               streamd_error **error);
    streamd_status (*remove)(struct sx_log *log, const char *topic, streamd_error **error);
    /* All topics' names, an array and each name to be freed by the caller with free(). */
    streamd_status (*topics)(struct sx_log *log, char ***names, uint32_t *count, streamd_error **error);
    /* First and next offset (`high`: of the last stable record + 1 under read_committed, unless
     * `all`, then of the last written). */
    streamd_status (*watermarks)(struct sx_log *log, const char *topic, int32_t partition, bool all,
                                 int64_t *low, int64_t *high, streamd_error **error);
    /* Delete the records before these offsets (purge of repartition topics). */
    streamd_status (*purge)(struct sx_log *log, const struct sx_partition_offset *before, uint32_t count,
                            streamd_error **error);

    /* ---- group ---- */
    /* The group's committed offsets; SX_OFFSET_NONE if none. `stable`: after waiting for open
     * transactions. */
    streamd_status (*committed)(struct sx_log *log, struct sx_partition_offset *offsets, uint32_t count,
                                bool stable, streamd_error **error);
    /* Forget the group's offsets (reset). The group must be empty. */
    streamd_status (*forget)(struct sx_log *log, streamd_error **error);
    /* Become a member. `slots_topic` has one partition per slot and stays empty. */
    streamd_status (*join)(struct sx_log *log, const char *slots_topic, int32_t slot_count,
                           const struct sx_group_events *events, streamd_error **error);
    /* The members and their slots, for the caller to free with sx_members_free(); none while slots move. It
     * waits for the answer, and may be called on any thread. NULL: this log's group has one member. */
    streamd_status (*members)(struct sx_log *log, struct sx_member **members, uint32_t *count,
                              streamd_error **error);
    /* Serve the group for at most timeout_ms: calls given and taken. */
    streamd_status (*poll)(struct sx_log *log, int timeout_ms, streamd_error **error);
    /* Give up all slots (taken is called) and leave; with static membership the place is kept. */
    streamd_status (*leave)(struct sx_log *log, streamd_error **error);

    /* ---- reading ---- */
    /* Read a partition from `offset` on. `waker` is woken when there is something to fetch. */
    streamd_status (*reader_open)(struct sx_log *log, enum sx_reader_use use, const char *topic,
                                  int32_t partition, int64_t offset, const struct sx_waker *waker,
                                  struct sx_reader **reader, streamd_error **error);
    void (*reader_close)(struct sx_reader *reader);
    /* At most `max` records, at once, maybe none (count 0). Never waits. E_NOTFOUND: the offset is
     * out of the partition's range. Every successful fetch is to be released, in any order. */
    streamd_status (*fetch)(struct sx_reader *reader, uint32_t max, struct sx_fetch *fetch,
                            streamd_error **error);
    void (*release)(struct sx_reader *reader, struct sx_fetch *fetch);
    /* Go back (or forth); fetches not yet released stay valid. */
    streamd_status (*seek)(struct sx_reader *reader, int64_t offset, streamd_error **error);
    /* The partition's end as last heard, -1 if not heard yet. For lag and for at_end. */
    int64_t (*reader_end)(struct sx_reader *reader);

    /* ---- writing ---- */
    /* Open the writer of worker `number`. Exactly-once: fences an older writer of the same id and
     * aborts what it left open. */
    streamd_status (*writer_open)(struct sx_log *log, uint32_t number, const struct sx_waker *waker,
                                  struct sx_writer **writer, streamd_error **error);
    void (*writer_close)(struct sx_writer *writer);
    /* A handle, once per topic. */
    streamd_status (*topic_open)(struct sx_writer *writer, const char *name, struct sx_topic **topic,
                                 streamd_error **error);
    /* Queue a record; key, value and headers are copied. Exactly-once begins a transaction if none is
     * open. E_TIMEOUT, retriable: the queue is full; call `drain` and try again. */
    streamd_status (*write)(struct sx_writer *writer, struct sx_topic *topic, int32_t partition,
                            const struct sx_record *record, streamd_error **error);
    /* Serve delivery reports for at most timeout_ms. Reports a failed delivery. */
    streamd_status (*drain)(struct sx_writer *writer, int timeout_ms, streamd_error **error);
    /* All that was written since the last commit, these offsets and `unit` become durable, or none:
     *   exactly-once on Kafka   flush, send offsets, commit the transaction, then write `unit`
     *   at-least-once           flush what is no own topic; then the same with own topics and offsets, or if
     *                           there are none commit the offsets; then write `unit`
     *   embedded                everything in one write of `unit`
     * `last` is called just before `unit` is written: writer_offset() then tells what the changelog
     * positions are; may be NULL. `unit` may be NULL. An error leaves the outcome to abort. */
    streamd_status (*commit)(struct sx_writer *writer, const struct sx_partition_offset *offsets,
                             uint32_t count, struct sx_unit *unit,
                             void (*last)(struct sx_unit *unit, void *arg), void *arg, streamd_error **error);
    /* Drop what was written since the last commit. The caller seeks its readers back. */
    streamd_status (*abort)(struct sx_writer *writer, streamd_error **error);
    /* After the last record that this writer wrote to this partition and that is delivered: the next
     * offset; SX_OFFSET_NONE if it wrote none. */
    int64_t (*writer_offset)(struct sx_writer *writer, struct sx_topic *topic, int32_t partition);
};

/* The rows of backends.def. */
const struct sx_log_def *sx_log_find(const char *name);

#endif
