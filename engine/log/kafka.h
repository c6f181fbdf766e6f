/* kafka.h: what the files of the Kafka log share. Private to kafka*.c.
 *
 * A log has four kinds of librdkafka clients, because each must be left alone by the others:
 *
 *   group    member of the consumer group; subscribes to the slots topic and fetches nothing. Only
 *            the coordinator's thread polls it. That readers come and go is not its business: in
 *            librdkafka any change of a client's assignment counts as the answer to a rebalance
 *            that is waiting for one, and a rebalance pauses all that the client reads.
 *   readers  consumers outside of the group that are assigned the partitions being read, input and
 *            restore alike. One does, unless a partition is read twice at once.
 *   admin    reads uncommitted; topics and their ends.
 *   writer   a producer per worker, and with at-least-once, if the application has own topics, one more
 *            outside of its transactions, for results.
 *
 * Threads  A client is thread-safe; `lock` guards which there are.
 */
#ifndef SX_KAFKA_H
#define SX_KAFKA_H

#include "engine/log/log.h"

#include <librdkafka/rdkafka.h>
#include <pthread.h>
#include <stdatomic.h>

enum sx_kafka_role { SX_KAFKA_GROUP, SX_KAFKA_READ, SX_KAFKA_ADMIN, SX_KAFKA_WRITE, SX_KAFKA_RESULTS };

#define SX_KAFKA_READ_CLIENTS 8
#define SX_KAFKA_WAIT_MS 30000        /* for an answer that does not come */
#define SX_KAFKA_TRANSACTION_MS 10000 /* transaction.timeout.ms, unless set */

struct sx_kafka {
    struct sx_log log;
    char *bootstrap, *application, *id, *instance, *client_id;
    enum sx_guarantee guarantee;
    char **own_topics; /* copies */
    uint32_t own_topic_count;
    bool transactional; /* exactly-once, or there are own topics */
    uint32_t writer_count;
    size_t memory_bytes;
    struct sx_log_setting *settings; /* copies */
    uint32_t setting_count;
    struct sx_logger *logger;
    /* Of one partition's queue: what librdkafka fetches ahead. */
    uint32_t queue_messages;
    size_t queue_bytes;
    int transaction_ms;

    pthread_mutex_t lock;
    rd_kafka_t *admin;
    rd_kafka_t *read[SX_KAFKA_READ_CLIENTS];
    struct sx_kafka_reader *open; /* all readers, linked by `next_open` */
    struct sx_kafka_seen *seen;   /* topics that a broker knew, and when */

    /* Workers take the group's metadata at each commit while the coordinator may be leaving. */
    pthread_rwlock_t group_lock;
    rd_kafka_t *group;
    char *slots_topic;
    struct sx_group_events events;

    /* The first authorization error or the like that a client reported in the background, and what was
     * said of it; what was last said of any error. The texts are guarded by `lock`. */
    atomic_int fatal;
    char fatal_reason[512], last_reason[512];
};

extern const struct sx_log_def sx_log_kafka;

/* ---- kafka_conf.c ---------------------------------------------------------------------------- */

/* Refuse settings that are not librdkafka's, or that are ours to make. */
streamd_status sx_kafka_check_settings(struct sx_kafka *kafka, streamd_error **error);
/* A client of this role. `number`: of the writer. `opaque`: for its callbacks. `extra` may add
 * callbacks; may be NULL. */
streamd_status sx_kafka_client(struct sx_kafka *kafka, enum sx_kafka_role role, uint32_t number,
                               void (*extra)(rd_kafka_conf_t *conf, void *opaque), void *opaque,
                               rd_kafka_t **client, streamd_error **error);

/* ---- kafka_error.c --------------------------------------------------------------------------- */

#define SX_KAFKA_RECORD_BYTES_MAX 1048588 /* what brokers take unless told otherwise */
#define SX_KAFKA_RECORD_OVERHEAD 128      /* of a batch of one record, and its lengths: at most */

enum sx_kafka_kind {
    SX_KAFKA_TRANSIENT, /* comes and goes: brokers away, leaders changing */
    SX_KAFKA_TIMEOUT,
    SX_KAFKA_FENCED,
    SX_KAFKA_MISSING,
    SX_KAFKA_FATAL, /* will not go by itself: authorization, a topic's rules */
    SX_KAFKA_OTHER,
};
enum sx_kafka_kind sx_kafka_kind(rd_kafka_resp_err_t err);
/* Fill *error and return the status that `err` stands for. The message is `format`, then a colon
 * and `reason` (NULL: librdkafka's text for err). `right` is the operation of Kafka's ACLs that must be
 * allowed for what failed, and is named if it is not; NULL: none, or who knows. */
streamd_status sx_kafka_fail(streamd_error **error, rd_kafka_resp_err_t err, const char *reason,
                             const char *right, const char *format, ...) SX_PRINTF(5, 6);
/* As above, from an error object, which it destroys. */
streamd_status sx_kafka_fail_with(streamd_error **error, rd_kafka_error_t *from, const char *right,
                                  const char *format, ...) SX_PRINTF(4, 5);
/* Keep what was reported in the background. */
void sx_kafka_report(struct sx_kafka *kafka, rd_kafka_resp_err_t err, const char *reason);
/* The background's fatal error, if there was one. */
streamd_status sx_kafka_background(struct sx_kafka *kafka, streamd_error **error);
int64_t sx_kafka_now_ms(void);
void sx_kafka_sleep_ms(int ms);

/* ---- kafka_admin.c --------------------------------------------------------------------------- */

streamd_status sx_kafka_partitions(struct sx_log *, const char *, int32_t *, streamd_error **);
streamd_status sx_kafka_widen(struct sx_log *log, const char *topic, int32_t count, streamd_error **error);
streamd_status sx_kafka_create(struct sx_log *, const struct sx_topic_spec *, streamd_error **);
streamd_status sx_kafka_describe(struct sx_log *, const char *, struct sx_topic_spec *, streamd_error **);
streamd_status sx_kafka_remove(struct sx_log *, const char *, streamd_error **);
streamd_status sx_kafka_topics(struct sx_log *, char ***, uint32_t *, streamd_error **);
streamd_status sx_kafka_purge(struct sx_log *, const struct sx_partition_offset *, uint32_t,
                              streamd_error **);

/* Have the client learn of the topic now and not when it looks next, in a second. E_NOTFOUND. */
streamd_status sx_kafka_learn(struct sx_kafka *kafka, rd_kafka_t *client, const char *topic,
                              streamd_error **error);
void sx_kafka_forget_seen(struct sx_kafka *kafka);

/* ---- kafka_offsets.c ------------------------------------------------------------------------- */

streamd_status sx_kafka_watermarks(struct sx_log *, const char *, int32_t, bool, int64_t *, int64_t *,
                                   streamd_error **);
streamd_status sx_kafka_committed(struct sx_log *, struct sx_partition_offset *, uint32_t, bool,
                                  streamd_error **);
streamd_status sx_kafka_forget(struct sx_log *, streamd_error **);
/* Fill a list that names the partitions, with what is committed for them and its metadata. `stable`: after
 * waiting for open transactions. */
streamd_status sx_kafka_committed_list(struct sx_kafka *kafka, rd_kafka_topic_partition_list_t *list,
                                       bool stable, streamd_error **error);
/* `tag` becomes the offsets' metadata; may be NULL. */
rd_kafka_topic_partition_list_t *sx_kafka_offset_list(const struct sx_partition_offset *offsets,
                                                      uint32_t count, const char *tag);

/* ---- kafka_group.c --------------------------------------------------------------------------- */

streamd_status sx_kafka_join(struct sx_log *, const char *, int32_t, const struct sx_group_events *,
                             streamd_error **);
streamd_status sx_kafka_poll(struct sx_log *, int, streamd_error **);
streamd_status sx_kafka_leave(struct sx_log *, streamd_error **);
/* The caller destroys it. Without membership: that of a group without members. */
rd_kafka_consumer_group_metadata_t *sx_kafka_membership(struct sx_kafka *kafka);
/* Is the member the one of `was`, but the group another generation? */
bool sx_kafka_has_moved_on(struct sx_kafka *kafka, const rd_kafka_consumer_group_metadata_t *was);

/* ---- kafka_members.c ------------------------------------------------------------------------- */

streamd_status sx_kafka_members(struct sx_log *, struct sx_member **, uint32_t *, streamd_error **);

/* ---- kafka_reader.c -------------------------------------------------------------------------- */

/* The client that reads partitions; made when first asked for. */
streamd_status sx_kafka_read_client(struct sx_kafka *kafka, uint32_t number, rd_kafka_t **client,
                                    streamd_error **error);
streamd_status sx_kafka_reader_open(struct sx_log *, enum sx_reader_use, const char *, int32_t, int64_t,
                                    const struct sx_waker *, struct sx_reader **, streamd_error **);
void sx_kafka_reader_close(struct sx_reader *);
streamd_status sx_kafka_seek(struct sx_reader *, int64_t, streamd_error **);
int64_t sx_kafka_reader_end(struct sx_reader *);
streamd_status sx_kafka_fetch(struct sx_reader *, uint32_t, struct sx_fetch *, streamd_error **);
void sx_kafka_release(struct sx_reader *, struct sx_fetch *);

/* ---- kafka_writer.c, kafka_commit.c ---------------------------------------------------------- */

struct sx_topic {
    struct sx_kafka_writer *writer;
    char *name;
    bool is_result;           /* outside of transactions */
    rd_kafka_topic_t *handle; /* NULL: to be made anew */
    int64_t *next;            /* per partition: behind the last delivered */
    int32_t room;
    struct sx_topic *other; /* the writer's next */
};

struct sx_kafka_writer {
    struct sx_writer writer;
    struct sx_kafka *kafka;
    uint32_t number;
    rd_kafka_t *producer; /* NULL after it broke and could not be made anew */
    rd_kafka_t *results;  /* as it; NULL too if it has what results are written with */
    struct sx_topic *topics;
    bool in_transaction;
    rd_kafka_resp_err_t failed; /* the first delivery that failed since the last commit */
    char failed_where[128];
    uint64_t incarnation; /* with `commits`: names each commit in the metadata of its offsets */
    uint64_t commits;
};

streamd_status sx_kafka_writer_open(struct sx_log *, uint32_t, const struct sx_waker *, struct sx_writer **,
                                    streamd_error **);
void sx_kafka_writer_close(struct sx_writer *);
streamd_status sx_kafka_topic_open(struct sx_writer *, const char *, struct sx_topic **, streamd_error **);
streamd_status sx_kafka_write(struct sx_writer *, struct sx_topic *, int32_t, const struct sx_record *,
                              streamd_error **);
streamd_status sx_kafka_drain(struct sx_writer *, int, streamd_error **);
int64_t sx_kafka_writer_offset(struct sx_writer *, struct sx_topic *, int32_t);
streamd_status sx_kafka_commit(struct sx_writer *, const struct sx_partition_offset *, uint32_t,
                               struct sx_unit *, void (*)(struct sx_unit *, void *), void *,
                               streamd_error **);
streamd_status sx_kafka_abort(struct sx_writer *, streamd_error **);
/* Make producers if there are none. Fences the one before, ends its transaction. */
streamd_status sx_kafka_writer_revive(struct sx_kafka_writer *writer, streamd_error **error);
void sx_kafka_writer_drop(struct sx_kafka_writer *writer);
streamd_status sx_kafka_writer_begin(struct sx_kafka_writer *writer, streamd_error **error);
/* The first failed delivery, as an error. */
streamd_status sx_kafka_writer_failed(struct sx_kafka_writer *writer, streamd_error **error);

#endif
