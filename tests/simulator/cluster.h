/* cluster.h: what outlives the simulated processes: topics, transactions, the group, the clock, chance.
 *
 * One thread. All chance comes from one state, so that a seed gives the same run again. Faults and kill
 * points are asked for in the simulated log and disk; the engine knows nothing of them.
 *
 *   process ── log, disk ──> cluster ── topics ── partitions ── records
 *                                    ├─ transactions, by producer
 *                                    └─ group ── members, offsets
 */
#ifndef SIM_CLUSTER_H
#define SIM_CLUSTER_H

#include "engine/base/arena.h"
#include "engine/base/clock.h"
#include "engine/log/log.h"

/* ---- Kill points ----------------------------------------------------------------------------- */

/* Where a process can be made to die; see kill_points.def. */
enum sim_point {
#define SIM_POINT(name, word, meaning) SIM_##name,
#include "tests/simulator/kill_points.def"
#undef SIM_POINT
    SIM_POINT_COUNT
};
extern const char *const sim_point_words[SIM_POINT_COUNT];
extern const char *const sim_point_meanings[SIM_POINT_COUNT];

/* Of a thousand calls, how many go wrong. Zeroed: all goes well, at once. */
struct sim_faults {
    uint32_t fetch_error, fetch_empty, fetch_short; /* short: fewer records than there are */
    uint32_t write_full, write_early;               /* early: what is queued is sent before the commit */
    uint32_t commit_refused, commit_unknown;
    uint32_t request_error; /* offsets, watermarks, opening: an error that comes and goes */
    uint32_t late_marker;   /* a transaction's end is written into its partitions later, one by one */
    uint32_t compaction;    /* of a thousand ticks */
    uint32_t disk_write, disk_read;
};

struct sim_kill {
    enum sim_point point;
    uint32_t after; /* so many times it is passed alive; UINT32_MAX: never */
};

/* ---- Processes ------------------------------------------------------------------------------- */

struct sim;

/* A machine: it has a disk and an id, and runs a process or none. */
struct sim_process {
    struct sim *sim;
    uint32_t number;
    bool dead;        /* killed: neither log nor disk take anything from it any more */
    char address[32]; /* what the log's option `bootstrap` is */
    char id[16];
    bool is_static;   /* static membership */
    bool state_first; /* the planted bug: the unit is written before the transaction's end */
};

/* Called where a process may die. True: it just did, or was dead before. */
bool sim_dies(struct sim_process *process, enum sim_point point);
streamd_status sim_dead(streamd_error **error);
/* The log's option `bootstrap` for a process; and back. */
void sim_process_init(struct sim_process *process, struct sim *sim, uint32_t number);
struct sim_process *sim_process_at(const char *address);

/* ---- Topics ---------------------------------------------------------------------------------- */

struct sim_transaction;

struct sim_record {
    struct sx_record record;
    const struct sim_transaction *transaction; /* NULL: none */
    bool marker;                               /* of a transaction's end: no record */
    bool gone;                                 /* compacted away */
};

struct sim_partition {
    struct sim_record *records; /* by offset */
    int64_t end, room, low;
};

struct sim_topic {
    struct sim_topic *next;
    char *name;
    struct sx_topic_spec spec;
    bool removed;
    int32_t count;
    struct sim_partition *partitions;
};

/* ---- Transactions ---------------------------------------------------------------------------- */

struct sim_producer {
    struct sim_producer *next;
    char *id;
    int32_t epoch;
    struct sim_transaction *transaction; /* that is not finished; NULL: none */
    /* A request to end a transaction is under way, the first or once more, and its sender heard no answer.
     * It ends whatever is open when it arrives, if it is of this epoch: requests do not name transactions. */
    bool on_way, on_way_commits;
    int32_t on_way_epoch;
};

enum sim_transaction_state { SIM_OPEN, SIM_ENDING, SIM_ENDED };

struct sim_touch {
    struct sim_partition *partition;
    int64_t first;
    bool marked;
};

struct sim_offset {
    char *topic;
    int32_t partition;
    int64_t offset;
    struct sx_slice note; /* kept with it */
    int64_t put_ms;
};

struct sim_transaction {
    struct sim_transaction *next; /* of those that are not ended */
    struct sim_producer *producer;
    enum sim_transaction_state state;
    bool committed; /* when it is ending */
    int64_t begun_ms;
    struct sim_touch *touches;
    uint32_t touch_count, touch_room;
    struct sim_offset *offsets; /* pending */
    uint32_t offset_count;
    bool offsets_marked;
};

/* ---- The group ------------------------------------------------------------------------------- */

#define SIM_MEMBERS 64

struct sim_member {
    struct sim_process *process;
    uint64_t owned, target; /* slots, as bits */
    int64_t generation;     /* as it knows it */
    int64_t seen_ms;
    bool in_group;
    bool away; /* static, and not there now */
    struct sx_group_events events;
};

struct sim_group {
    struct sim_member *members[SIM_MEMBERS];
    uint32_t count;
    int64_t generation;
    int32_t slot_count;
    struct sim_offset *offsets;
    uint32_t offset_count, offset_room;
};

/* ---- All of it ------------------------------------------------------------------------------- */

struct sim_reader;

struct sim {
    struct sx_arena arena; /* records, transactions, names */
    uint64_t random;
    struct sx_clock clock;
    int64_t now_ms;
    bool faulty; /* faults may happen now */
    struct sim_faults faults;
    struct sim_kill kill;
    uint32_t kills; /* that happened */
    uint64_t passed[SIM_POINT_COUNT];
    bool verbose;
    struct sim_topic *topics;
    struct sim_producer *producers;
    struct sim_transaction *transactions;
    struct sim_group group;
    struct sim_reader *readers; /* open ones, to be woken */
};

void sim_init(struct sim *sim, uint64_t seed);
void sim_free(struct sim *sim);
uint32_t sim_draw(struct sim *sim, uint32_t below); /* 0 of 0 */
bool sim_chance(struct sim *sim, uint32_t of_thousand);
bool sim_fault(struct sim *sim, uint32_t of_thousand); /* while faults may happen */
void sim_say(const struct sim *sim, const char *format, ...) SX_PRINTF(2, 3);

/* NULL: there is none. */
struct sim_topic *sim_topic_find(struct sim *sim, const char *name);
struct sim_topic *sim_topic_make(struct sim *sim, const struct sx_topic_spec *spec);
void sim_append(struct sim *sim, struct sim_partition *partition, const struct sx_record *record,
                struct sim_transaction *transaction);
/* The offset before which every transaction has ended here. */
int64_t sim_stable(const struct sim *sim, const struct sim_partition *partition);
bool sim_is_visible(const struct sim_record *record); /* before the stable offset */

struct sim_producer *sim_producer_find(struct sim *sim, const char *id);
struct sim_transaction *sim_transaction_begin(struct sim *sim, struct sim_producer *producer);
void sim_producer_delay(struct sim_producer *producer, bool commits); /* see on_way */
/* Decide; the markers are written now, or (late) as time goes on. */
void sim_transaction_end(struct sim *sim, struct sim_transaction *transaction, bool commit, bool late);
void sim_transaction_mark_offsets(struct sim *sim, struct sim_transaction *transaction);
void sim_transaction_settle(struct sim *sim, struct sim_transaction *transaction); /* all markers */
void sim_wake_readers(struct sim *sim);

/* The committed offset, or SX_OFFSET_NONE. */
int64_t sim_offset_get(const struct sim *sim, const char *topic, int32_t partition);
struct sx_slice sim_offset_note(const struct sim *sim, const char *topic, int32_t partition);
/* When the one was committed that was committed the longest ago. */
int64_t sim_offset_oldest_ms(const struct sim *sim);
void sim_offset_put(struct sim *sim, const char *topic, int32_t partition, int64_t offset,
                    struct sx_slice note);
struct sx_slice sim_keep(struct sim *sim, struct sx_slice bytes); /* a copy in the arena */

void sim_group_leave(struct sim *sim, struct sim_member *member);
void sim_group_tick(struct sim *sim);

/* Time goes on: markers, transactions that are too old, members that were not heard of, compaction. */
void sim_tick(struct sim *sim, int64_t ms);

/* ---- The log --------------------------------------------------------------------------------- */

extern const struct sx_log_def sim_log_def;

struct sim_log {
    struct sx_log log; /* first */
    struct sim_process *process;
    enum sx_guarantee guarantee;
    struct sim_member *member; /* NULL: none */
};

static inline struct sim_process *sim_process_of(const struct sx_log *log)
{
    return ((const struct sim_log *)log)->process;
}

/* An error of a call that is no fault of the engine's: the process is dead, or luck is bad. */
streamd_status sim_request(struct sim_log *log, const char *what, streamd_error **error);

/* sim_group.c */
streamd_status sim_join(struct sx_log *log, const char *slots_topic, int32_t slot_count,
                        const struct sx_group_events *events, streamd_error **error);
streamd_status sim_poll(struct sx_log *log, int timeout_ms, streamd_error **error);
streamd_status sim_leave(struct sx_log *log, streamd_error **error);
/* May this member commit offsets? Errors: E_FENCED, E_LOG retriable. */
streamd_status sim_membership(struct sim_log *log, streamd_error **error);

/* sim_read.c */
streamd_status sim_reader_open(struct sx_log *log, enum sx_reader_use use, const char *topic,
                               int32_t partition, int64_t offset, const struct sx_waker *waker,
                               struct sx_reader **reader, streamd_error **error);
void sim_reader_close(struct sx_reader *reader);
streamd_status sim_fetch(struct sx_reader *reader, uint32_t max, struct sx_fetch *fetch,
                         streamd_error **error);
void sim_release(struct sx_reader *reader, struct sx_fetch *fetch);
streamd_status sim_seek(struct sx_reader *reader, int64_t offset, streamd_error **error);
int64_t sim_reader_end(struct sx_reader *reader);

/* sim_write.c */
streamd_status sim_writer_open(struct sx_log *log, uint32_t number, const struct sx_waker *waker,
                               struct sx_writer **writer, streamd_error **error);
void sim_writer_close(struct sx_writer *writer);
streamd_status sim_topic_open(struct sx_writer *writer, const char *name, struct sx_topic **topic,
                              streamd_error **error);
streamd_status sim_write(struct sx_writer *writer, struct sx_topic *topic, int32_t partition,
                         const struct sx_record *record, streamd_error **error);
streamd_status sim_drain(struct sx_writer *writer, int timeout_ms, streamd_error **error);
streamd_status sim_commit(struct sx_writer *writer, const struct sx_partition_offset *offsets, uint32_t count,
                          struct sx_unit *unit, void (*last)(struct sx_unit *unit, void *arg), void *arg,
                          streamd_error **error);
streamd_status sim_abort(struct sx_writer *writer, streamd_error **error);
int64_t sim_writer_offset(struct sx_writer *writer, struct sx_topic *topic, int32_t partition);

#endif
