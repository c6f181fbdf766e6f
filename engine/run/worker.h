/* worker.h: private to engine/run: a worker's thread, and the engine that the workers share.
 *
 * Coordinator and workers talk by mail: a message is put into the worker's box, the worker is woken
 * and takes it between two runs. Giving is told and forgotten; taking waits for the answer. A worker
 * without a thread takes it where one waits for the answer.
 * Threads   a worker's fields are its thread's, but for those marked `lock`, which guards the box,
 *           and `looks`, which guards the list of slots against those who look at it.
 */
#ifndef SX_WORKER_H
#define SX_WORKER_H

#include "engine/run/engine.h"
#include "engine/run/latest.h"
#include "engine/run/slot.h"

#include <pthread.h>

struct sx_global;
struct sx_outlet;

enum sx_mail_kind { SX_MAIL_GIVE, SX_MAIL_TAKE, SX_MAIL_LOSE, SX_MAIL_REGAIN, SX_MAIL_ASK, SX_MAIL_END };

/* The right to commit; see watch.c. */
enum sx_lease { SX_LEASE_HELD, SX_LEASE_COMMITTING, SX_LEASE_LOST };

struct sx_worker;

struct sx_mail {
    struct sx_mail *next;
    enum sx_mail_kind kind;
    bool *answered; /* lock; NULL: nobody waits */
    void (*ask)(struct sx_worker *worker, void *arg);
    void *arg;
    uint32_t count;
    int32_t slots[];
};

struct sx_worker {
    struct sx_engine *engine;
    uint32_t number;
    pthread_t thread;
    bool started; /* it has a thread */
    struct sx_waker waker;

    pthread_mutex_t lock;
    pthread_cond_t answers;
    struct sx_mail *mail; /* lock; oldest first */
    bool answers_asks;    /* lock; its thread runs */
    atomic_bool has_mail;

    pthread_mutex_t looks;
    struct sx_slot **slots; /* looks, when the list or a slot's tasks change */
    uint32_t slot_count;

    struct sx_writer *writer;
    struct sx_topic **topics; /* of the writer, by index in the plan; opened when needed */
    struct sx_unit *unit;
    struct sx_latest latest;
    struct sx_outlet **outlets;   /* by index of topics in the plan; NULL: nothing was written to it */
    struct sx_arena letters;      /* dead letters */
    struct sx_arena global_arena; /* what lookups in global tables gave, until the run ends */
    struct sx_store **globals;    /* by index in the plan; NULL: not global */
    struct sx_task_events events;
    streamd_error *error;                    /* the first of a run, from within the task's callbacks */
    uint64_t pending_records, pending_bytes; /* written since the commit */
    bool dirty;                              /* something was processed since the commit */
    /* Pace, see pace.c: since when there is work that is not committed (-1: there is none), the longest run
     * of late, the rows of one. */
    _Atomic int64_t work_since_ms;
    int64_t run_ms;
    uint32_t rows_most;
    int64_t committed_ms; /* 0: never yet */
    int64_t renewed_ms;   /* when all offsets were, also those that had not moved */
    bool broken;          /* fenced or failed: does nothing until its slots are taken */
    bool reopen;          /* the writer has to be opened anew first */
    int64_t retry_ms;
    bool ending;
    atomic_bool clean; /* when it last had nothing to do: all that was processed is committed */

    /* The watch, see watch.c: a beat is the end of a batch, or of a look around; the coordinator's are
     * those that it saw, and how long there were no others. */
    _Atomic uint64_t beats;
    _Atomic int lease;
    atomic_bool stalled;
    uint64_t seen_beats;
    int64_t silent_ms;

    /* Alignment, see align.c. By lane: no row before this time is unread here, or not yet committed. */
    _Atomic int64_t *fronts;
    bool *unseen;          /* by lane: rows of it were processed since the commit */
    atomic_bool held_back; /* it waits for another worker's front */
    atomic_bool asked;     /* another waits for this one's commit */
    struct sx_worker_stats stats;
};

/* The topics that a topic of the plan stands for. */
struct sx_topic_names {
    const char **names; /* sorted; of the engine's arena, never freed before it */
    uint32_t count;
};

struct sx_engine {
    struct sx_engine_options options;
    const struct sx_plan *plan;
    const struct sx_log_def *def;
    struct sx_log *log;
    _Atomic(struct sx_log *) open_log;
    const char **own_topics; /* what options.log.own_topics points to */
    int32_t *partitions;     /* by index of topics in the plan */
    struct sx_cache_pool cache_pool;
    int64_t unseen_since_ms;    /* at the end but for results that nobody sees yet; 0: it is not */
    int32_t *grown_from;        /* by index of topics in the plan: partitions from here on are new; 0: none */
    uint32_t *record_bytes_max; /* by index of topics in the plan; 0: no limit */
    /* By index of topics in the plan: itself, or what its pattern matches now. It changes while no
     * worker has a slot. */
    struct sx_topic_names *names;
    struct sx_arena names_arena;
    uint32_t *store_ids;  /* by index of stores in the plan */
    uint32_t *signatures; /* their hashes; by index of stores in the plan */
    uint32_t *lanes;      /* by subtopology: the smallest one of its lane; see lanes.c */
    bool *aligned;        /* by lane: it is read in event time across slots */
    int32_t slot_count;
    char *slots_topic;
    struct sx_global *global;       /* NULL: no global tables */
    struct sx_standby *standby;     /* NULL: no copies of others' slots */
    struct sx_feed *standard_input; /* made by the first who reads it; used by the owner of slot 0 alone */
    struct sx_worker *workers;
    uint32_t worker_count;

    pthread_mutex_t originals; /* held while a source's record is read again */

    pthread_mutex_t output; /* standard output, a commit's lines at a time */
    pthread_mutex_t lock;   /* what follows */
    pthread_cond_t changed;
    _Atomic int state; /* written under the lock */
    streamd_error *error;
    uint32_t given, ready; /* slots */
    bool assigned;         /* the group has spoken */
    bool joined;           /* or failed to: start() waits for it */
    bool join_failed;
    bool ended; /* the threads are done */
    bool started;
    atomic_bool stopping, failed, abandon, rejoin;
    _Atomic int64_t settling_ms; /* since when a slot of ours does not process yet; -1: all do */
    struct {
        uint64_t rows, bytes; /* restored before that */
        int64_t said_ms;
    } progress;

    pthread_t coordinator;
    bool has_coordinator;
    bool left;       /* the group, to join it again; the coordinator's */
    int32_t *owners; /* by slot: the worker, -1: not ours; the coordinator's */
    int64_t purged_ms, matched_ms, watched_ms;
};

/* Something was done that waits for a commit. */
static inline void sx_worker_soil(struct sx_worker *worker)
{
    if (!worker->dirty)
        atomic_store_explicit(&worker->work_since_ms, sx_now_ms(worker->engine->options.clock),
                              memory_order_relaxed);
    worker->dirty = true;
    atomic_store_explicit(&worker->clean, false, memory_order_relaxed);
}

/* All of that is committed, or will be done again. */
static inline void sx_worker_cleanse(struct sx_worker *worker)
{
    worker->dirty = false;
    atomic_store_explicit(&worker->work_since_ms, -1, memory_order_relaxed);
}

static inline void sx_worker_beat(struct sx_worker *worker)
{
    atomic_store_explicit(&worker->beats, atomic_load_explicit(&worker->beats, memory_order_relaxed) + 1,
                          memory_order_relaxed);
}

/* ---- engine.c -------------------------------------------------------------------------------- */

/* The first error stays; the engine stops. Takes the error. */
void sx_engine_fail(struct sx_engine *engine, streamd_error *error);
void sx_engine_slots_given(struct sx_engine *engine, uint32_t count);
void sx_engine_slots_taken(struct sx_engine *engine, uint32_t count);
/* A slot processes (or, after an error, no longer does). */
void sx_engine_slot_ready(struct sx_engine *engine, bool ready);
void sx_engine_go(struct sx_engine *engine, enum streamd_engine_state to); /* under the lock */

/* The slots are given up for now: the group is left, and will be joined again. */
void sx_engine_slots_away(struct sx_engine *engine);

/* Which subtopologies go together, as the names are now. */
void sx_engine_find_lanes(struct sx_engine *engine);

/* NULL: none yet. */
struct sx_worker *sx_engine_workers(struct sx_engine *engine);

/* ---- progress.c ------------------------------------------------------------------------------- */

/* Under the engine's lock: a slot does not process yet; all do, which is said with what was restored. */
void sx_progress_begin(struct sx_engine *engine);
void sx_progress_end(struct sx_engine *engine);
/* Says now and then how much is left. */
void sx_progress_step(struct sx_engine *engine, int64_t now_ms);

/* ---- align.c --------------------------------------------------------------------------------- */

void sx_align_init(struct sx_worker *worker);
/* What was processed is committed, or will be done again. */
void sx_align_settled(struct sx_worker *worker);
/* One step of such a lane. */
streamd_status sx_align_turn(struct sx_worker *worker, uint32_t lane, bool *busy, streamd_error **error);
/* The worker has no slot any more, and holds nobody back. */
void sx_align_leave(struct sx_worker *worker);

/* ---- Steps ----------------------------------------------------------------------------------- */

/* What the threads do, a step at a time: sx_engine_start() has threads that call these until they end. Who
 * calls sx_engine_begin() instead has none, and calls them in whatever order it likes, from one thread;
 * sx_engine_free() then does the last steps. A step gives how many milliseconds there is nothing to do, as
 * far as it knows; -1: it was the last. */

streamd_status sx_engine_begin(struct sx_engine *engine, streamd_error **error);
streamd_status sx_coordinator_begin(struct sx_engine *engine); /* join; an error fails the engine */
int sx_coordinator_step(struct sx_engine *engine);
void sx_coordinator_end(struct sx_engine *engine); /* leave, end the workers */
void *sx_coordinator_run(void *engine);            /* the three of them: the thread */
int sx_worker_step(struct sx_worker *worker);

/* ---- internal_topics.c ----------------------------------------------------------------------- */

/* Topics may get more partitions while they are read. */
bool sx_topics_may_grow(const struct sx_engine *engine);
/* How many slots the counts ask for; the slots topic gets as many. While no worker has a slot. */
streamd_status sx_topics_widen_slots(struct sx_engine *engine, int32_t *slots, streamd_error **error);
/* Partition counts of all topics, missing ones created, those that do not fit refused. */
streamd_status sx_topics_prepare(struct sx_engine *engine, streamd_error **error);

/* ---- matches.c ------------------------------------------------------------------------------- */

/* What each topic of the plan stands for, of a pattern what the log has now, into names[]; of a pattern
 * that had none before also its partition count. *changed: it is not what engine->names says. */
streamd_status sx_matches_find(struct sx_engine *engine, struct sx_topic_names *names, bool *changed,
                               streamd_error **error);
bool sx_matches_any(const struct sx_engine *engine); /* the plan has patterns */

/* ---- store_ids.c ----------------------------------------------------------------------------- */
/* Of topics whose rows meet in a join: a sample of keys is where murmur2 puts them (placement.c).
 * Errors   E_CONFIG: one is not. */
streamd_status sx_placement_check(struct sx_engine *engine, streamd_error **error);
streamd_status sx_stores_number(struct sx_engine *engine, streamd_error **error);
/* What is kept for the store in `where` means something else. `was`: data NULL: what is not known. */
streamd_status sx_store_misfit(const struct sx_engine *engine, const struct sx_store_plan *store,
                               struct sx_slice was, const char *where, streamd_error **error);

/* ---- worker.c -------------------------------------------------------------------------------- */
/* False: no file descriptor is left. */
bool sx_worker_init(struct sx_worker *worker, struct sx_engine *engine, uint32_t number);
void sx_worker_free(struct sx_worker *worker);
bool sx_worker_start(struct sx_worker *worker);
void sx_worker_join(struct sx_worker *worker); /* it was told to end */
/* Put a message into the box; `wait`: until it was answered, or the worker is lost: then what was to be taken
 * will be dropped, whenever it comes to it. */
void sx_worker_tell(struct sx_worker *worker, enum sx_mail_kind kind, const int32_t *slots, uint32_t count,
                    bool wait);
/* Have fn called on the worker's thread between two turns, and wait for it; not if the thread has ended. */
void sx_worker_ask(struct sx_worker *worker, void (*fn)(struct sx_worker *worker, void *arg), void *arg);

/* ---- send.c ---------------------------------------------------------------------------------- */
void sx_worker_events(struct sx_worker *worker); /* fills in worker->events */
/* Write a record, waiting while the queue is full. False: worker->error says why. */
bool sx_worker_write(struct sx_worker *worker, uint32_t topic, int32_t partition,
                     const struct sx_record *record);
struct sx_topic *sx_worker_topic(struct sx_worker *worker, uint32_t topic); /* NULL: worker->error */
void sx_worker_keep_error(struct sx_worker *worker, streamd_error *error);

/* ---- watch.c ---------------------------------------------------------------------------------- */

/* The coordinator looks at all workers, now and then, also while it waits for one. */
void sx_watch(struct sx_engine *engine);
/* It commits no more, until it is told that it may. */
bool sx_watch_is_lost(const struct sx_worker *worker);
bool sx_watch_any_lost(const struct sx_engine *engine);

/* ---- pace.c ----------------------------------------------------------------------------------- */

void sx_pace_init(struct sx_worker *worker);
/* The transaction would be open for too long with another run. */
bool sx_pace_is_late(const struct sx_worker *worker, int64_t now_ms);
/* Of so many rows, those that go through in time. */
uint32_t sx_pace_rows(const struct sx_worker *worker, uint32_t rows);
/* A run of so many rows took so long. */
void sx_pace_ran(struct sx_worker *worker, uint32_t rows, int64_t took_ms);

/* ---- commit.c -------------------------------------------------------------------------------- */

/* All slots of the worker at once. Nothing to commit is no error. */
streamd_status sx_worker_commit(struct sx_worker *worker, streamd_error **error);
/* Forget what was not committed: written records and buffered ones; slots are OPENING again. */
streamd_status sx_worker_abort(struct sx_worker *worker, streamd_error **error);
/* Offsets that were committed long ago are to be committed again, also if nothing else is. */
void sx_worker_renew(struct sx_worker *worker, int64_t now_ms);
bool sx_worker_must_commit(const struct sx_worker *worker, bool busy, int64_t now_ms);

#endif
