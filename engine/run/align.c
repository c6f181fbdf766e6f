/* align.c: the partitions of one instance go forward together in event time.
 *
 * Behind a repartition the rows of all partitions meet. When much is to be caught up on, one partition
 * read far ahead of another closes windows there whose rows the other has still to bring: they would be
 * late only because of how fast each partition was read. So a lane that leads into topics which are read
 * again is read in event time across its slots: a worker takes the slot whose next row is the oldest, and
 * no row that is more than the plan's `skew_ms` ahead of what another worker has not yet committed. Who has
 * to wait asks the others to commit at once.
 *
 * The rule is for what waits to be read: a partition that is at its end holds nobody back. Between
 * instances nothing is agreed.
 */
#include "engine/run/worker.h"

#include <stdlib.h>

#define NONE_MS INT64_MAX    /* nothing is waiting */
#define UNKNOWN_MS INT64_MIN /* something may be, its time is not known yet */
#define SETTLE_MS 10000      /* slots that open or restore longer than this are not waited for */

void sx_align_init(struct sx_worker *worker)
{
    const struct sx_plan *plan = worker->engine->plan;

    worker->fronts = sx_calloc(plan->subtopology_count + 1, sizeof(*worker->fronts));
    worker->unseen = sx_calloc(plan->subtopology_count + 1, sizeof(*worker->unseen));
    for (uint32_t s = 0; s < plan->subtopology_count; s++)
        atomic_init(&worker->fronts[s], NONE_MS);
}

/* Some slot of this instance is not open yet, and may have old rows. */
static bool is_settling(struct sx_worker *worker)
{
    int64_t since = atomic_load(&worker->engine->settling_ms);

    return since >= 0 && sx_now_ms(worker->engine->options.clock) - since < SETTLE_MS;
}

/* What this worker holds back is now at `front`. */
static void tell(struct sx_worker *worker, uint32_t lane, int64_t front)
{
    struct sx_engine *engine = worker->engine;
    int64_t before = atomic_load(&worker->fronts[lane]);

    /* What the lane's rows caused since the commit may be read by others only later. */
    if (front == before || (worker->unseen[lane] && front > before))
        return;
    atomic_store(&worker->fronts[lane], front);
    for (uint32_t w = 0; front > before && w < engine->worker_count; w++)
        if (atomic_exchange(&engine->workers[w].held_back, false))
            sx_waker_wake(&engine->workers[w].waker);
}

/* How far the others let this worker go. */
static int64_t limit_by_others(struct sx_worker *worker, uint32_t lane)
{
    struct sx_engine *engine = worker->engine;
    int64_t least = NONE_MS;

    for (uint32_t w = 0; w < engine->worker_count; w++)
        if (&engine->workers[w] != worker)
            least = SX_MIN(least, atomic_load(&engine->workers[w].fronts[lane]));
    return least == UNKNOWN_MS ? UNKNOWN_MS : sx_time_plus(least, engine->plan->skew_ms);
}

static void ask_others(struct sx_worker *worker, uint32_t lane, int64_t head)
{
    struct sx_engine *engine = worker->engine;

    for (uint32_t w = 0; w < engine->worker_count; w++) {
        struct sx_worker *other = &engine->workers[w];

        if (other != worker && atomic_load(&other->fronts[lane]) < head &&
            !atomic_exchange(&other->asked, true))
            sx_waker_wake(&other->waker);
    }
}

/* The limit for a row of this time, which others that hold it back are asked to raise. */
static int64_t find_limit(struct sx_worker *worker, uint32_t lane, int64_t head)
{
    int64_t limit = limit_by_others(worker, lane);

    if (head <= limit)
        return limit;
    /* In this order: what another tells behind this wakes this one, and what it told before is seen. */
    atomic_store(&worker->held_back, true);
    ask_others(worker, lane, head);
    return limit_by_others(worker, lane);
}

streamd_status sx_align_turn(struct sx_worker *worker, uint32_t lane, bool *busy, streamd_error **error)
{
    struct sx_slot *slot = NULL;
    struct sx_input *input = NULL;
    int64_t head = NONE_MS, second = NONE_MS, limit;
    bool unknown = is_settling(worker);
    streamd_status status;
    uint32_t to = 0;

    for (uint32_t i = 0; i < worker->slot_count; i++) {
        struct sx_slot *at = worker->slots[i];
        struct sx_input *next;
        bool awaited = false;
        uint32_t end;

        if (at->state != SX_SLOT_RUNNING)
            continue;
        status = sx_slot_fill(at, lane, error);
        if (status != STREAMD_OK)
            return status;
        next = sx_slot_choose(at, lane, &end, &awaited);
        unknown |= awaited;
        if (next == NULL)
            continue;
        if (next->times[next->next] < head) {
            second = head;
            head = next->times[next->next];
            slot = at;
            input = next;
            to = end;
        } else {
            second = SX_MIN(second, next->times[next->next]);
        }
    }
    tell(worker, lane, unknown ? UNKNOWN_MS : head);
    if (unknown || input == NULL)
        return STREAMD_OK;
    limit = find_limit(worker, lane, head);
    if (head > limit) {
        if (worker->unseen[lane])
            atomic_store(&worker->asked, true);
        return STREAMD_OK;
    }
    limit = SX_MIN(limit, sx_time_plus(second, worker->engine->plan->skew_ms));
    for (uint32_t row = input->next + 1; limit != NONE_MS && row < to; row++)
        if (input->times[row] > limit)
            to = row;
    *busy = true;
    status = sx_slot_run_input(slot, input, to, error);
    worker->unseen[lane] = true; /* behind the run, which may begin with a commit */
    return status;
}

void sx_align_settled(struct sx_worker *worker)
{
    memset(worker->unseen, 0, sizeof(*worker->unseen) * worker->engine->plan->subtopology_count);
}

void sx_align_leave(struct sx_worker *worker)
{
    sx_worker_cleanse(worker);
    sx_align_settled(worker);
    for (uint32_t lane = 0; lane < worker->engine->plan->subtopology_count; lane++)
        tell(worker, lane, NONE_MS);
}
