/* coordinator.c: the thread that is the group's member: it gives slots to workers and takes them. */
#include "engine/run/global.h"
#include "engine/run/standby.h"

#include <poll.h>
#include <stdlib.h>

#define POLL_MS 100
#define PURGE_MS 30000
#define MATCH_MS 5000 /* how soon a topic is read that appears and matches a pattern */
#define REJOIN_WAIT_MS 1000

/* ---- Slots ----------------------------------------------------------------------------------- */

static uint32_t least_loaded(const struct sx_engine *engine)
{
    uint32_t best = 0, least = UINT32_MAX;

    for (uint32_t w = 0; w < engine->worker_count; w++) {
        uint32_t load = 0;

        for (int32_t s = 0; s < engine->slot_count; s++)
            load += engine->owners[s] == (int32_t)w;
        if (load < least) {
            least = load;
            best = w;
        }
    }
    return best;
}

static void given(const int32_t *slots, uint32_t count, void *arg)
{
    struct sx_engine *engine = arg;
    uint32_t taken_on = 0;

    for (uint32_t i = 0; i < count; i++)
        taken_on += slots[i] >= 0 && slots[i] < engine->slot_count && engine->owners[slots[i]] < 0;
    sx_engine_slots_given(engine, taken_on);
    for (uint32_t i = 0; i < count; i++) {
        if (slots[i] < 0 || slots[i] >= engine->slot_count || engine->owners[slots[i]] >= 0)
            continue;
        engine->owners[slots[i]] = (int32_t)least_loaded(engine);
        sx_standby_given(engine->standby, slots[i]);
        sx_worker_tell(&engine->workers[engine->owners[slots[i]]], SX_MAIL_GIVE, &slots[i], 1, false);
    }
}

static void taken(const int32_t *slots, uint32_t count, bool lost, void *arg)
{
    struct sx_engine *engine = arg;
    int32_t *of_worker = sx_malloc(sizeof(*of_worker) * (count + 1));
    uint32_t gone = 0;

    lost |= atomic_load(&engine->abandon);
    for (uint32_t w = 0; w < engine->worker_count; w++) {
        uint32_t n = 0;

        for (uint32_t i = 0; i < count; i++)
            if (slots[i] >= 0 && slots[i] < engine->slot_count && engine->owners[slots[i]] == (int32_t)w) {
                of_worker[n++] = slots[i];
                engine->owners[slots[i]] = -1;
            }
        if (n) {
            bool gone_by = sx_watch_is_lost(&engine->workers[w]);

            sx_worker_tell(&engine->workers[w], lost || gone_by ? SX_MAIL_LOSE : SX_MAIL_TAKE, of_worker, n,
                           !gone_by);
        }
        for (uint32_t i = 0; i < n; i++)
            sx_standby_taken(engine->standby, of_worker[i]);
        gone += n;
    }
    free(of_worker);
    sx_engine_slots_taken(engine, gone);
}

/* After an error the log may not have taken them. */
static void take_rest(struct sx_engine *engine)
{
    for (int32_t s = 0; s < engine->slot_count; s++)
        if (engine->owners[s] >= 0)
            taken(&s, 1, true, engine);
}

static const struct sx_group_events *events_of(struct sx_engine *engine, struct sx_group_events *events)
{
    *events = (struct sx_group_events){given, taken, engine};
    return events;
}

static streamd_status join(struct sx_engine *engine, streamd_error **error)
{
    struct sx_group_events events;

    return engine->def->join(engine->log, engine->slots_topic, engine->slot_count, events_of(engine, &events),
                             error);
}

/* ---- Purge ----------------------------------------------------------------------------------- */

/* Repartition topics behind what is committed. */
static void purge(struct sx_engine *engine)
{
    struct sx_partition_offset *before = NULL;
    uint32_t count = 0, room = 0;
    streamd_error *error = NULL;

    for (uint32_t w = 0; w < engine->worker_count; w++) {
        struct sx_worker *worker = &engine->workers[w];

        pthread_mutex_lock(&worker->looks);
        for (uint32_t s = 0; s < worker->slot_count; s++)
            for (uint32_t i = 0; i < worker->slots[s]->input_count; i++) {
                const struct sx_input *input = &worker->slots[s]->inputs[i];
                int64_t offset = atomic_load_explicit(&input->purgeable, memory_order_relaxed);
                uint32_t roles = engine->plan->topics[input->topic]->roles;

                if (offset <= 0 || !(roles & SX_TOPIC_REPARTITION) ||
                    (roles & (SX_TOPIC_SOURCE | SX_TOPIC_SINK)))
                    continue;
                if (count == room) {
                    room = room ? room * 2 : 16;
                    before = sx_realloc(before, sizeof(*before) * room);
                }
                before[count++] = (struct sx_partition_offset){input->name, input->partition, offset, NULL};
            }
        pthread_mutex_unlock(&worker->looks);
    }
    if (count && engine->def->purge(engine->log, before, count, &error) != STREAMD_OK &&
        streamd_error_is_fatal(error)) {
        sx_engine_fail(engine, error);
        error = NULL;
    } else if (error != NULL)
        sx_log(engine->options.logger, SX_WARN, "repartition topics could not be purged", "reason",
               streamd_error_message(error), NULL);
    streamd_error_free(error);
    free(before);
}

/* ---- Patterns -------------------------------------------------------------------------------- */

/* To each worker the slots that are its: taken away, with a commit, or given back. */
static void tell_owners(struct sx_engine *engine, enum sx_mail_kind kind)
{
    int32_t *slots = sx_malloc(sizeof(*slots) * (size_t)(engine->slot_count + 1));

    for (uint32_t w = 0; w < engine->worker_count; w++) {
        uint32_t count = 0;

        for (int32_t s = 0; s < engine->slot_count; s++)
            if (engine->owners[s] == (int32_t)w)
                slots[count++] = s;
        if (count)
            sx_worker_tell(&engine->workers[w], kind, slots, count, kind == SX_MAIL_TAKE);
    }
    free(slots);
}

/* Topics that have come or gone: the slots begin anew with them, which the group need not know. */
static streamd_status match_again(struct sx_engine *engine, streamd_error **error)
{
    struct sx_topic_names *names;
    bool changed = false;
    streamd_status status;

    if (!sx_matches_any(engine))
        return STREAMD_OK;
    names = sx_calloc((size_t)engine->plan->topic_count + 1, sizeof(*names));
    status = sx_matches_find(engine, names, &changed, error);
    if (status == STREAMD_OK && changed) {
        /* Workers read the names while they open a slot: meanwhile they are to have none. */
        tell_owners(engine, SX_MAIL_TAKE);
        if (sx_watch_any_lost(engine)) { /* it has its slots still; the group is left, so this comes again */
            free(names);
            return STREAMD_OK;
        }
        sx_standby_hold(engine->standby);
        memcpy(engine->names, names, engine->plan->topic_count * sizeof(*names));
        sx_engine_find_lanes(engine);
        sx_standby_release(engine->standby);
        tell_owners(engine, SX_MAIL_GIVE);
        sx_log(engine->options.logger, SX_INFO, "the topics that match a pattern have changed", NULL);
    }
    free(names);
    return status;
}

/* ---- The loop -------------------------------------------------------------------------------- */

static bool must_end(const struct sx_engine *engine)
{
    return atomic_load(&engine->stopping) || atomic_load(&engine->failed);
}

/* An error that comes and goes is waited out: so many milliseconds. */
static int bear(struct sx_engine *engine, streamd_status status, streamd_error *error)
{
    if (status == STREAMD_OK)
        return 0;
    if (status == STREAMD_E_FENCED) {
        streamd_error_free(error);
        atomic_store(&engine->rejoin, true);
        return 0;
    }
    if (error != NULL && streamd_error_is_retriable(error) && !streamd_error_is_fatal(error)) {
        sx_log(engine->options.logger, SX_WARN, "the group cannot be served", "reason",
               streamd_error_message(error), NULL);
        streamd_error_free(error);
        return POLL_MS;
    }
    if (error == NULL)
        sx_fail_fatal(&error, status, "%s", streamd_status_text(status));
    sx_engine_fail(engine, error);
    return 0;
}

static void leave(struct sx_engine *engine)
{
    streamd_error *error = NULL;

    if (engine->def->leave(engine->log, &error) != STREAMD_OK)
        sx_log(engine->options.logger, SX_WARN, "leaving the group failed", "reason",
               streamd_error_message(error), NULL);
    streamd_error_free(error);
    take_rest(engine);
    /* Behind what was taken from it: then it may commit again. */
    for (uint32_t w = 0; w < engine->worker_count; w++)
        if (sx_watch_is_lost(&engine->workers[w]))
            sx_worker_tell(&engine->workers[w], SX_MAIL_REGAIN, NULL, 0, false);
}

/* ---- Partitions ------------------------------------------------------------------------------ */

/* Room for so many slots, while no worker has one. */
static void make_room(struct sx_engine *engine, int32_t slots)
{
    for (uint32_t w = 0; w < engine->worker_count; w++) {
        struct sx_worker *worker = &engine->workers[w];

        pthread_mutex_lock(&worker->looks);
        worker->slots = sx_realloc(worker->slots, sizeof(*worker->slots) * ((size_t)slots + 1));
        pthread_mutex_unlock(&worker->looks);
    }
    engine->owners = sx_realloc(engine->owners, sizeof(*engine->owners) * (size_t)slots);
    for (int32_t s = engine->slot_count; s < slots; s++)
        engine->owners[s] = -1;
    engine->slot_count = slots;
}

/* The group is left and joined again with the slots that there are now. Other members do the same when they
 * see it; until then nobody reads what is new. */
static streamd_status grow(struct sx_engine *engine, uint32_t topic, int32_t count, streamd_error **error)
{
    char was[16], is[16];
    int32_t slots;
    streamd_status status;

    snprintf(was, sizeof(was), "%d", engine->partitions[topic]);
    snprintf(is, sizeof(is), "%d", count);
    sx_log(engine->options.logger, SX_INFO, "a topic has more partitions now: they are read too", "topic",
           engine->plan->topics[topic]->name, "had", was, "has", is, NULL);
    sx_engine_slots_away(engine);
    leave(engine);
    engine->left = true;
    if (sx_watch_any_lost(engine)) /* it has its slots still: this comes again */
        return STREAMD_OK;
    engine->grown_from[topic] = engine->partitions[topic];
    engine->partitions[topic] = count;
    status = sx_topics_widen_slots(engine, &slots, error);
    if (status != STREAMD_OK) {
        engine->partitions[topic] = engine->grown_from[topic];
        return status;
    }
    if (slots > engine->slot_count)
        make_room(engine, slots);
    sx_engine_find_lanes(engine);
    return STREAMD_OK;
}

/* With another number of partitions keys go where their state is not; without state more are as good. What
 * cannot be asked now is asked again. */
static streamd_status count_again(struct sx_engine *engine, streamd_error **error)
{
    for (uint32_t i = 0; i < engine->plan->topic_count; i++) {
        const struct sx_topic_plan *topic = engine->plan->topics[i];
        int32_t count = 0;

        if ((topic->roles & SX_TOPIC_SOURCE) == 0 || topic->pattern != NULL ||
            topic->medium != SX_MEDIUM_LOG ||
            engine->def->partitions(engine->log, topic->name, &count, NULL) != STREAMD_OK ||
            count == engine->partitions[i])
            continue;
        if (count > engine->partitions[i] && sx_topics_may_grow(engine))
            return grow(engine, i, count, error);
        return sx_fail_fatal(
            error, STREAMD_E_CONFIG,
            "`%s` has %d partitions now and had %d: its keys are in other partitions than what is "
            "kept of them; what came before is committed. Give it a new name with as many "
            "partitions from the start, or begin anew with `streamd reset`",
            topic->name, count, engine->partitions[i]);
    }
    return STREAMD_OK;
}

/* ---- Steps ----------------------------------------------------------------------------------- */

/* What a lost worker has in hand will be dropped; what others have was committed when it was taken. */
static void leave_for_lost(struct sx_engine *engine)
{
    sx_engine_slots_away(engine);
    leave(engine);
    engine->left = true;
}

static int join_again(struct sx_engine *engine)
{
    streamd_error *error = NULL;
    streamd_status status;

    if (sx_watch_any_lost(engine)) /* not with slots that a worker has still in hand */
        return POLL_MS;
    status = join(engine, &error);
    engine->left = status != STREAMD_OK;
    return status == STREAMD_OK ? 0 : bear(engine, status, error) + REJOIN_WAIT_MS;
}

int sx_coordinator_step(struct sx_engine *engine)
{
    streamd_error *error = NULL;
    streamd_status status;
    int64_t now_ms;
    int wait_ms;

    if (must_end(engine))
        return -1;
    sx_watch(engine);
    if (engine->left)
        return join_again(engine);
    status = engine->def->poll(engine->log, POLL_MS, &error);
    now_ms = sx_now_ms(engine->options.clock);
    wait_ms = bear(engine, status, error);
    sx_progress_step(engine, now_ms);
    if (must_end(engine))
        return wait_ms;
    if (sx_watch_any_lost(engine)) {
        leave_for_lost(engine);
    } else if (atomic_load(&engine->rejoin)) {
        leave(engine);
        atomic_store(&engine->rejoin, false);
        engine->left = true;
    } else if (now_ms - engine->matched_ms >= MATCH_MS) {
        streamd_error *problem = NULL;

        engine->matched_ms = now_ms;
        status = match_again(engine, &problem);
        if (status == STREAMD_OK)
            status = count_again(engine, &problem);
        wait_ms += bear(engine, status, problem);
    }
    if (now_ms - engine->purged_ms >= PURGE_MS) {
        engine->purged_ms = now_ms;
        purge(engine);
    }
    return wait_ms;
}

streamd_status sx_coordinator_begin(struct sx_engine *engine)
{
    streamd_error *error = NULL;
    streamd_status status = join(engine, &error);

    if (status != STREAMD_OK) {
        if (error == NULL)
            sx_fail(&error, status, "%s", streamd_status_text(status));
        sx_engine_fail(engine, error);
    }
    pthread_mutex_lock(&engine->lock);
    engine->joined = true;
    engine->join_failed = status != STREAMD_OK;
    pthread_cond_broadcast(&engine->changed);
    pthread_mutex_unlock(&engine->lock);
    return status;
}

void sx_coordinator_end(struct sx_engine *engine)
{
    if (!engine->join_failed)
        leave(engine);
    for (uint32_t w = 0; w < engine->worker_count; w++)
        sx_worker_tell(&engine->workers[w], SX_MAIL_END, NULL, 0, false);
    for (uint32_t w = 0; w < engine->worker_count; w++)
        sx_worker_join(&engine->workers[w]);
    sx_global_stop(engine->global);
    pthread_mutex_lock(&engine->lock);
    if (!atomic_load(&engine->failed))
        sx_engine_go(engine, STREAMD_ENGINE_STOPPED);
    engine->ended = true;
    pthread_cond_broadcast(&engine->changed);
    pthread_mutex_unlock(&engine->lock);
}

void *sx_coordinator_run(void *arg)
{
    struct sx_engine *engine = arg;

    if (sx_coordinator_begin(engine) == STREAMD_OK)
        for (int wait_ms; (wait_ms = sx_coordinator_step(engine)) >= 0;)
            if (wait_ms > 0)
                poll(NULL, 0, wait_ms);
    sx_coordinator_end(engine);
    return NULL;
}
