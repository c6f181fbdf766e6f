/* pace.c: a transaction ends in time. The broker gives one up that is open for longer than its time
 * limit, and all of its work is done again. So a commit comes early when the work since the last one and
 * the longest run seen together come near half of the limit, whatever the commit interval; and a run takes
 * no more rows than go through in an eighth of it, as far as the last runs tell. It begins with one row:
 * nothing is known yet. */
#include "engine/run/worker.h"

#define ROWS_FIRST 1
#define RUN_SHARE 8

void sx_pace_init(struct sx_worker *worker)
{
    atomic_init(&worker->work_since_ms, -1);
    worker->rows_most = ROWS_FIRST;
}

bool sx_pace_is_late(const struct sx_worker *worker, int64_t now_ms)
{
    int64_t since_ms = atomic_load_explicit(&worker->work_since_ms, memory_order_relaxed);
    int64_t limit_ms = worker->engine->log->transaction_ms;

    return limit_ms > 0 && since_ms >= 0 && now_ms - since_ms + worker->run_ms >= limit_ms / 2;
}

uint32_t sx_pace_rows(const struct sx_worker *worker, uint32_t rows)
{
    return worker->engine->log->transaction_ms > 0 ? SX_MIN(rows, worker->rows_most) : rows;
}

void sx_pace_ran(struct sx_worker *worker, uint32_t rows, int64_t took_ms)
{
    int64_t share_ms = worker->engine->log->transaction_ms / RUN_SHARE;

    /* The longest of late: one that was long is forgotten by and by. */
    worker->run_ms = SX_MAX(took_ms, worker->run_ms - worker->run_ms / 8);
    if (took_ms > share_ms)
        worker->rows_most = (uint32_t)SX_MAX((int64_t)rows * share_ms / took_ms, 1);
    else if (rows >= worker->rows_most && took_ms * 2 <= share_ms)
        worker->rows_most = SX_MIN(worker->rows_most * 2, (uint32_t)SX_BATCH_ROWS);
}
