/* engine.h: a plan run on a log: the coordinator, the workers and what one may ask of them.
 *
 *   coordinator ── group: slots given and taken ──> workers ── slots ── tasks ── inputs, stores
 *
 * Life     new; start; stop; free. Options, and what they point to, outlive the engine.
 * States   those of streamd_engine_state, in its order.
 * Threads  start: one call. The rest: any thread, at any time; not stop or free from the callback.
 */
#ifndef SX_ENGINE_H
#define SX_ENGINE_H

#include "engine/base/clock.h"
#include "engine/graph/topology.h"
#include "engine/log/log.h"
#include "engine/run/stats.h"

#include <stdatomic.h>

struct sx_engine;

typedef bool (*sx_bytes_fn)(struct sx_slice bytes, void *arg); /* false: no more of them */

/* Where other members' state is to be had; see shipment.h. */
struct sx_state_source {
    /* What the member that is furthest has of a store in a slot, given to fn piece by piece; *from: who
     * that is, for the caller to free. Breaks off soon after *stop. Called on threads of the engine's,
     * several at a time.
     * Errors   E_NOTFOUND: nobody has any. E_TIMEOUT and others: it broke off. */
    streamd_status (*fetch)(void *arg, const char *store, int32_t slot, const atomic_bool *stop,
                            sx_bytes_fn fn, void *fn_arg, char **from, streamd_error **error);
    void *arg;
};

struct sx_engine_options {
    const struct sx_plan *plan;
    const struct sx_log_def *log_def;
    struct sx_log_options log; /* writer_count, guarantee, disk and logger are filled in here */
    const char *state_dir;     /* for messages; may be NULL */
    struct sx_disk *disk;      /* open: state, and with the embedded log the log too */
    uint32_t threads;          /* 0: 1 */
    enum sx_guarantee guarantee;
    int64_t commit_ms;
    int64_t renew_ms;   /* offsets that do not move are committed again; 0: each hour */
    size_t cache_bytes; /* for clean rows of all stores together */
    uint32_t standby;   /* members beside the owner that keep a slot's state warm; see standby.h */
    const struct sx_state_source *state_source; /* NULL: state is restored from changelogs only */
    const struct sx_clock *clock;
    struct sx_logger *logger; /* may be NULL */
    int standard_input;       /* what `from stdin` reads; -1: nothing */
    int standard_output;      /* what `to stdout` writes to; -1: nothing */
    /* Called on every change of state, one call at a time; may only ask sx_engine_state(). */
    void (*on_state)(enum streamd_engine_state from, enum streamd_engine_state to, void *arg);
    void *on_state_arg;
};

/* A task as it was a moment ago. */
struct sx_task_look {
    uint32_t subtopology;
    int32_t partition;
    uint32_t worker;
    bool restoring;
    int64_t stream_time_ms;         /* -1: no row yet */
    int64_t input_lag, restore_lag; /* records that are still ahead */
};

struct sx_engine *sx_engine_new(const struct sx_engine_options *options);

/* Open the log, check and create topics, read global tables to their end, join the group.
 * Errors   E_STATE: not the first start. E_CONFIG: a topic's or a store's shape does not fit.
 *          E_NOTFOUND: a source topic is missing. E_LOG, E_STORE. After an error the engine can only
 *          be freed. */
streamd_status sx_engine_start(struct sx_engine *engine, streamd_error **error);

/* Finish the batches in hand, commit, close, leave, end the threads.
 * Errors   E_TIMEOUT: it goes on, call again. Else a copy of what made the engine FAILED. */
streamd_status sx_engine_stop(struct sx_engine *engine, int64_t timeout_ms, streamd_error **error);

/* Without a last commit if it still runs. The log is closed, the disk is the caller's. */
void sx_engine_free(struct sx_engine *engine);

enum streamd_engine_state sx_engine_state(const struct sx_engine *engine);
/* A copy of the error that made it FAILED, for the caller to free; NULL: none. */
streamd_error *sx_engine_error(struct sx_engine *engine);
/* A worker has ended no batch for longer than the limit: which one. */
bool sx_engine_stalled(struct sx_engine *engine, uint32_t *worker, int64_t *limit_ms);
/* It still looks its topics up, and has not joined the group. */
bool sx_engine_prepares(struct sx_engine *engine);
/* Every task here processes. */
bool sx_engine_ready(const struct sx_engine *engine);
/* Whether all that the inputs of the tasks here held, when it was asked, is processed and committed, and the
 * results are there for readers. It asks the log for the ends, and so takes a while. One thread asks. */
bool sx_engine_at_end(struct sx_engine *engine);
/* The open log; NULL before start has opened it. */
struct sx_log *sx_engine_log(struct sx_engine *engine);

/* Until fn returns false. */
void sx_engine_each_task(struct sx_engine *engine, bool (*fn)(const struct sx_task_look *task, void *arg),
                         void *arg);
/* How long restoring so many records more will take, as it went so far; -1: not known yet. Threads: any. */
int64_t sx_engine_seconds_left(struct sx_engine *engine, int64_t ahead);
/* Called with the stores of one partition number, by index in the plan (NULL: not there); to be read by
 * sx_store_peek() only. False: enough. */
typedef bool (*sx_stores_fn)(struct sx_store *const *stores, void *arg);
/* Look into stores: fn is called for each partition number that is processed here, by its worker between two
 * turns, one call at a time; so this waits for the batch or commit in hand. If all of `stores` (those that fn
 * needs) are global tables', once. *all: nothing of them is elsewhere, or being restored.
 * Errors   E_STATE: the engine does not run. */
streamd_status sx_engine_look(struct sx_engine *engine, const uint32_t *stores, uint32_t count,
                              sx_stores_fn fn, void *arg, bool *all, streamd_error **error);
/* Every counter once, those of one name one after the other. */
void sx_engine_stats(struct sx_engine *engine, sx_stat_fn fn, void *arg);

/* Partitions of a topic of the plan, found at start; 0 before. */
int32_t sx_engine_partitions(const struct sx_engine *engine, uint32_t topic);
/* The number of slots: partitions of the widest subtopology. */
int32_t sx_engine_slots(const struct sx_engine *engine);

#endif
