/* stats.h: what workers count, for /metrics.
 *
 * Every worker has its own counters and is the only one that writes them, with relaxed atomics; a
 * reader sums them up. So counting takes no lock and bounces no cache line.
 */
#ifndef SX_STATS_H
#define SX_STATS_H

#include "engine/graph/topology.h"

#include <pthread.h>
#include <stdatomic.h>

enum sx_stat_kind { SX_STAT_COUNTER, SX_STAT_GAUGE, SX_STAT_HISTOGRAM };

/* What a sample is of: a row of stats.def. */
struct sx_stat_row {
    const char *name; /* as Prometheus has it: streamd_..., a counter ends in _total */
    enum sx_stat_kind kind;
    const char *labels[2]; /* their names; NULL: none */
    const char *help;      /* one sentence */
};
const struct sx_stat_row *sx_stat_rows(uint32_t *count);

struct sx_stat_label {
    const char *name;
    const char *value;
};

/* One sample; everything in it lives until the call ends. */
struct sx_stat {
    const char *name;
    const char *help;
    enum sx_stat_kind kind;
    const struct sx_stat_label *labels;
    uint32_t label_count;
    double value;           /* counter, gauge */
    const double *bounds;   /* histogram: upper bounds, without the infinite one */
    const uint64_t *counts; /* histogram: samples up to each bound, the smaller ones included */
    uint32_t bound_count;
    uint64_t count;
    double sum;
};

typedef void (*sx_stat_fn)(const struct sx_stat *stat, void *arg);

#define SX_COMMIT_BOUNDS 12

struct sx_node_stat {
    _Atomic uint64_t rows_in, rows_out, errors;
};

struct sx_topic_stat {
    _Atomic uint64_t consumed, produced, resets;
};

/* Of all of a worker's instances of a store; `memory_bytes` is of the last look. */
struct sx_store_stat {
    _Atomic uint64_t memory_bytes, rows_read, rows_written, disk_reads;
};

/* Rows left out by a node for a reason; a list that only grows at its end. */
struct sx_drop_stat {
    const struct sx_node_plan *node;
    char *reason;
    _Atomic uint64_t count;
    _Atomic(struct sx_drop_stat *) next;
};

struct sx_worker_stats {
    struct sx_node_stat *nodes;   /* by index in the plan */
    struct sx_topic_stat *topics; /* by index in the plan */
    struct sx_store_stat *stores; /* by index in the plan */
    _Atomic(struct sx_drop_stat *) drops;
    _Atomic uint64_t commits, aborts, fenced, commit_us;
    _Atomic uint64_t stalled;                             /* the coordinator counts these */
    _Atomic uint64_t commit_counts[SX_COMMIT_BOUNDS + 1]; /* each its own samples only */
    _Atomic uint64_t restored_rows, restored_bytes, copied_rows, copied_bytes;
};

static inline void sx_count(_Atomic uint64_t *counter, uint64_t more)
{
    /* The worker is the only writer: no need for a locked addition. */
    atomic_store_explicit(counter, atomic_load_explicit(counter, memory_order_relaxed) + more,
                          memory_order_relaxed);
}

static inline uint64_t sx_counted(const _Atomic uint64_t *counter)
{
    return atomic_load_explicit(counter, memory_order_relaxed);
}

void sx_worker_stats_init(struct sx_worker_stats *stats, const struct sx_plan *plan);
void sx_worker_stats_free(struct sx_worker_stats *stats);
void sx_stats_drop(struct sx_worker_stats *stats, const struct sx_node_plan *node, const char *reason,
                   uint64_t count);
void sx_stats_commit(struct sx_worker_stats *stats, uint64_t microseconds);

#endif
