/* slot.h: a slot at run time: its tasks, their inputs and their stores. Its worker's alone.
 *
 * Tasks that read a common topic are one lane: a group has one committed offset per partition, so
 * such tasks go through that partition together. Within a lane the next rows come from the input
 * with the smallest head timestamp.
 *
 *   OPENING ──> (COPYING ──>) RESTORING ──> RUNNING        after an error that comes and goes: OPENING again
 */
#ifndef SX_SLOT_H
#define SX_SLOT_H

#include "engine/log/log.h"
#include "engine/run/feed.h"
#include "engine/run/life.h"
#include "engine/run/task.h"

#include <stdatomic.h>

struct sx_engine;
struct sx_worker;
struct sx_slot;

enum sx_slot_state { SX_SLOT_OPENING, SX_SLOT_COPYING, SX_SLOT_RESTORING, SX_SLOT_RUNNING };

/* What of the changelog is looked at before rows are restored; see restore_begin.c. */
enum sx_looks { SX_LOOKS_AT_NOTHING, SX_LOOKS_AT_LIFE, SX_LOOKS_AT_HEAD };

/* A store of a task, and how far its restore is. */
struct sx_slot_store {
    struct sx_store *store;
    uint32_t id;
    int64_t position;         /* of the changelog: next offset to be applied; SX_OFFSET_NONE */
    int64_t low;              /* where the changelog begins */
    int64_t target;           /* restored up to here */
    struct sx_reader *reader; /* while restoring from the changelog */
    bool restored;
    bool misfit;   /* the changelog has rows of another signature; it is read on for that one's text */
    bool says_how; /* the changelog was told the signature since the slot was opened */
    struct sx_life life;
    bool has_rows; /* some were restored from the changelog */
    enum sx_looks looks;
    bool noted;          /* the group says that the changelog had a life */
    bool unsure_of_life; /* it was not seen; another one means another topic */
    bool awaits_life;    /* it must come behind the position */
    /* What the counters have of it. */
    uint64_t told_memory, told_read, told_written, told_disk_reads;
};

struct sx_slot_task {
    struct sx_slot *slot;
    const struct sx_subtopology *subtopology;
    struct sx_task *task;
    struct sx_slot_store *stores;
    uint32_t store_count;
    struct sx_node_counts *published; /* by node of the subtopology: what the counters have */
    _Atomic int64_t stream_time_ms, input_lag, restore_lag;
};

/* An entry that reads an input. */
struct sx_input_use {
    struct sx_slot_task *task;
    struct sx_node_plan *entry;
    bool restores;             /* a table that is behind what is committed */
    struct sx_decoded decoded; /* of the records in hand */
};

struct sx_input {
    uint32_t topic; /* in the plan */
    const char *name;
    int32_t partition;
    uint32_t lane;
    struct sx_input_use *uses; /* in the order of the file */
    uint32_t use_count;
    bool start_latest;
    enum sx_on_gap on_gap; /* the strictest of its entries */
    bool row_by_row;       /* two entries of one task read it: each row goes through both */
    struct sx_reader *reader;
    struct sx_feed *feed; /* instead of a reader, when it is no topic; standard input's is the engine's */
    struct sx_slot_store *kept; /* what the engine keeps of it: a feed's position, event time; or NULL */
    enum sx_reader_use reading;
    int64_t position;          /* the next offset to be processed */
    int64_t committed;         /* as the log has it; SX_OFFSET_NONE */
    _Atomic int64_t purgeable; /* the same, for the coordinator */
    _Atomic int64_t ended;     /* the position, when it is at its end and nothing is in hand; else -1 */
    int64_t limit;             /* restoring a table from its topic: up to here; else SX_OFFSET_NONE */
    int64_t first_to;          /* others wait until it is read up to here; SX_OFFSET_NONE: they do not */
    bool at_end;
    int64_t empty_since_ms; /* -1: it is not empty, or at its end */
    /* `idle`; see idle.c */
    int64_t idle_ms;    /* 0: none */
    int64_t event_time; /* of its rows and of the waiting; -1: none yet */
    int64_t event_time_kept;
    int64_t since_ms, mark_ms; /* of the clock for waiting: since when it waits; the last advance */
    int64_t *notices;          /* of a repartition: the last of each partition upstream */
    uint32_t notice_count;
    int64_t noticed; /* the least of them, as it was last told */
    /* The records in hand: rows [next, fetch.count) are still to be processed. */
    struct sx_fetch fetch;
    bool holds;
    uint32_t next, count;
    int64_t *times;
    struct sx_arena arena;
};

struct sx_slot {
    struct sx_worker *worker;
    int32_t number;
    _Atomic(enum sx_slot_state) state;
    int64_t retry_ms;  /* OPENING: not before */
    uint32_t failures; /* in a row */
    struct sx_slot_task *tasks;
    uint32_t task_count;
    struct sx_input *inputs; /* in the order of the file */
    uint32_t input_count;
    uint32_t lane_count;
    struct sx_shipping *shipping; /* COPYING; NULL: nothing is copied from another member */
    struct sx_unit *unit;         /* of the restore */
    bool ready;                   /* told the engine */
    bool standby;                 /* a copy of another member's, restored without an end: standby.h */
    struct sx_buffer note;        /* of its inputs' offsets; see life.h */
    uint32_t note_count;          /* stores in it */
    struct sx_buffer told;        /* the notes of those that were committed when it was opened */
};

/* ---- slot.c ---------------------------------------------------------------------------------- */

struct sx_slot *sx_slot_new(struct sx_worker *worker, int32_t number);
void sx_slot_free(struct sx_slot *slot);
/* Tasks, stores, positions: called while it is OPENING, and again while it is COPYING. */
streamd_status sx_slot_open(struct sx_slot *slot, streamd_error **error);
/* Close readers, tasks and stores: OPENING again. Nothing is committed. */
void sx_slot_close(struct sx_slot *slot);
/* Open the inputs' readers and the operators: RUNNING. */
streamd_status sx_slot_run(struct sx_slot *slot, streamd_error **error);
/* Node counts to the worker's counters, lags for those who look. */
void sx_slot_publish(struct sx_slot *slot);
/* Where the inputs stand: lags, and whether they are at their ends. */
void sx_slot_publish_ends(struct sx_slot *slot);
/* Records of a lane's inputs, where none are in hand. */
streamd_status sx_slot_fill(struct sx_slot *slot, uint32_t lane, streamd_error **error);
/* Process the rows in hand of an input before row `to`. */
streamd_status sx_slot_run_input(struct sx_slot *slot, struct sx_input *input, uint32_t to,
                                 streamd_error **error);
/* One step in whatever state it is, but for aligned lanes. *busy: there was something to do. */
streamd_status sx_slot_turn(struct sx_slot *slot, bool *busy, streamd_error **error);

/* ---- inbox.c --------------------------------------------------------------------------------- */

/* It is a topic, not a feed. Also for those who look from other threads: the plan says it. */
bool sx_input_is_topic(const struct sx_engine *engine, const struct sx_input *input);
/* Records of an input, decoded by the entries that read it, if it has none in hand. */
streamd_status sx_input_fill(struct sx_slot *slot, struct sx_input *input, streamd_error **error);
void sx_input_drop(struct sx_slot *slot, struct sx_input *input); /* those in hand */
void sx_input_close(struct sx_slot *slot, struct sx_input *input);
void sx_input_done(struct sx_slot *slot, struct sx_input *input, uint32_t to); /* rows before are done */
/* Open the feed of an input that is no topic, where its store says. */
streamd_status sx_input_feed(struct sx_slot *slot, struct sx_input *input, streamd_error **error);
/* Before a commit: the positions of feeds go into their stores. After it: they are final. */
void sx_slot_put_positions(struct sx_slot *slot);
/* The input that is next in the lane, and up to which row; NULL: none, or (*awaited) an input has records
 * that did not come yet. */
struct sx_input *sx_slot_choose(struct sx_slot *slot, uint32_t lane, uint32_t *to, bool *awaited);

/* ---- idle.c ---------------------------------------------------------------------------------- */

/* All but sx_idle_open: false: it failed under `on error fail`. */

/* The stores are as they were committed. */
void sx_idle_open(struct sx_slot *slot, struct sx_input *input);
/* An entry took rows [from, to). */
bool sx_idle_rows(struct sx_slot *slot, struct sx_input *input, const struct sx_input_use *use, uint32_t from,
                  uint32_t to, struct sx_task_failure *failure);
/* Of a repartition: the next record may be no row; *to goes no further than the next such. *took: it was
 * one, and is done. */
bool sx_idle_notice(struct sx_slot *slot, struct sx_input *input, uint32_t *to, bool *took,
                    struct sx_task_failure *failure);
/* Before a commit: the event time goes into the store. */
void sx_idle_put(struct sx_slot *slot, struct sx_input *input);
/* Inputs that have waited for long enough. */
bool sx_idle_turn(struct sx_slot *slot, struct sx_task_failure *failure);

/* ---- restore.c ------------------------------------------------------------------------------- */

/* Where each store stands and how far it has to go. */
streamd_status sx_restore_begin(struct sx_slot *slot, streamd_error **error);
/* Some records more; *done when all stores of the slot are as they were committed. */
streamd_status sx_restore_step(struct sx_slot *slot, bool *busy, bool *done, streamd_error **error);
void sx_restore_end(struct sx_slot *slot);
/* META `pos/...`: how far a store is in a topic. */
struct sx_slice sx_position_key(struct sx_buffer *key, uint32_t store, int32_t slot, const char *topic);
void sx_position_put(struct sx_unit *unit, uint32_t store, int32_t slot, const char *topic, int64_t offset);
streamd_status sx_position_get(struct sx_disk *disk, uint32_t store, int32_t slot, const char *topic,
                               int64_t *offset, streamd_error **error);

#endif
