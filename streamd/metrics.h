/* metrics.h: what an engine counts, as Prometheus text format 0.0.4, for GET /metrics and the library. */
#ifndef SX_METRICS_H
#define SX_METRICS_H

#include "engine/run/engine.h"

/* Of a run whose disk is opened anew when it fails; counted by one thread. */
struct sx_mended {
    _Atomic uint64_t failures, rebuilt;
};

struct sx_metrics {
    struct sx_engine *engine; /* NULL: not started yet */
    const struct sx_plan *plan;
    struct sx_disk *disk;           /* NULL: not open yet */
    const struct sx_mended *mended; /* NULL: nothing of that kind */
    int64_t started_ms;
    uint64_t requests; /* that HTTP has answered */
};

/* Append the page. */
void sx_metrics_write(const struct sx_metrics *metrics, struct sx_buffer *to);

#endif
