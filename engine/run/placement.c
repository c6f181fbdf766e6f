/* placement.c: are keys where the partitioner puts them?
 *
 * A join finds what is in the same partition number. Rows that another partitioner placed (librdkafka's
 * default is CRC32) are silently missed, so a few keys of each partition of the topics that meet, its first
 * and its last, are hashed before anything starts.
 */
#include "engine/base/hash.h"
#include "engine/run/worker.h"

#include <stdlib.h>

enum { SAMPLE = 16 /* records at each end */, WAIT_MS = 50, WAITS_MAX = 60 };

struct sampler {
    struct sx_reader *reader;
    const char *topic;
    int32_t partition, count;
    uint32_t tail_bytes; /* behind the inner key: the window's */
    int64_t high;
    uint32_t seen; /* of this end */
    bool at_last, done;
};

struct placement {
    struct sx_engine *engine;
    struct sx_waker waker;
    struct sampler *samplers;
    uint32_t count, room;
};

/* ---- Which topics ---------------------------------------------------------------------------- */

static bool is_task_entry(const struct sx_node_plan *node)
{
    return node->entry != NULL && !node->entry->global;
}

/* A foreign key's answers carry their partition: they go to wherever the question came from. */
static bool counts(const struct sx_engine *engine, uint32_t topic)
{
    return engine->plan->topics[topic]->medium == SX_MEDIUM_LOG && !engine->plan->topics[topic]->follows;
}

/* The topics whose rows come to the node without another topic between. */
static uint32_t find_meeting(const struct sx_engine *engine, const struct sx_node_plan *node, bool *reached,
                             const struct sx_node_plan **entry_of)
{
    const struct sx_plan *plan = engine->plan;
    uint32_t found = 0;

    memset(entry_of, 0, sizeof(const struct sx_node_plan *) * plan->topic_count);
    for (uint32_t n = 0; n < plan->node_count; n++) {
        const struct sx_node_plan *entry = plan->nodes[n];

        if (!is_task_entry(entry))
            continue;
        memset(reached, 0, sizeof(*reached) * plan->node_count);
        sx_node_reach(entry, reached);
        if (entry != node && !reached[node->index])
            continue;
        for (uint32_t t = 0; t < entry->entry->topic_count; t++) {
            uint32_t topic = entry->entry->topics[t];

            if (!counts(engine, topic) || entry_of[topic] != NULL)
                continue;
            entry_of[topic] = entry;
            found += SX_MAX(engine->names[topic].count, 1u);
        }
    }
    return found;
}

/* It keeps rows by key, in the partition that they came in. */
static bool keeps_rows(const struct sx_plan *plan, const struct sx_node_plan *node)
{
    bool keeps = false;

    for (uint32_t s = 0; s < node->store_count; s++) {
        const struct sx_store_plan *store = plan->stores[node->stores[s]];

        /* What is kept of a stream's source is how far it was read. */
        keeps |= !store->global && (node->entry == NULL || store->from_source);
    }
    return keeps;
}

/* By topic: an entry that reads it, if its rows meet another topic's where state is kept; else NULL. */
static const struct sx_node_plan **find_topics(const struct sx_engine *engine, struct sx_arena *arena)
{
    const struct sx_plan *plan = engine->plan;
    const struct sx_node_plan **all =
        SX_ARENA_ARRAY(arena, const struct sx_node_plan *, plan->topic_count + 1);
    const struct sx_node_plan **some =
        SX_ARENA_ARRAY(arena, const struct sx_node_plan *, plan->topic_count + 1);
    bool *reached = SX_ARENA_ARRAY(arena, bool, plan->node_count + 1);

    for (uint32_t n = 0; n < plan->node_count; n++) {
        const struct sx_node_plan *node = plan->nodes[n];

        if (!keeps_rows(plan, node) || find_meeting(engine, node, reached, some) < 2)
            continue;
        for (uint32_t t = 0; t < plan->topic_count; t++)
            if (some[t] != NULL && (plan->topics[t]->roles & SX_TOPIC_REPARTITION) == 0)
                all[t] = some[t];
    }
    return all;
}

/* ---- Sampling -------------------------------------------------------------------------------- */

static streamd_status add_sampler(struct placement *p, const struct sx_node_plan *entry, const char *topic,
                                  int32_t partition, int32_t count, streamd_error **error)
{
    const struct sx_engine *engine = p->engine;
    struct sampler *s;
    int64_t low, high;
    streamd_status status = engine->def->watermarks(engine->log, topic, partition, false, &low, &high, error);

    if (status != STREAMD_OK || low >= high)
        return status;
    if (p->count == p->room) {
        p->room = p->room ? p->room * 2 : 16;
        p->samplers = sx_realloc(p->samplers, sizeof(*p->samplers) * p->room);
    }
    s = &p->samplers[p->count];
    *s = (struct sampler){.topic = topic, .partition = partition, .count = count, .high = high};
    if (entry->schema->windowed)
        s->tail_bytes = entry->schema->window_ms < 0 ? 16 : 8;
    status = engine->def->reader_open(engine->log, SX_READ_RESTORE, topic, partition, low, &p->waker,
                                      &s->reader, error);
    p->count += status == STREAMD_OK;
    return status;
}

static streamd_status add_samplers(struct placement *p, const struct sx_node_plan *const *entries,
                                   streamd_error **error)
{
    const struct sx_engine *engine = p->engine;
    streamd_status status = STREAMD_OK;

    for (uint32_t t = 0; t < engine->plan->topic_count; t++) {
        int32_t count = engine->partitions[t];

        for (uint32_t n = 0; entries[t] != NULL && count > 1 && n < engine->names[t].count; n++)
            for (int32_t i = 0; i < count && status == STREAMD_OK; i++)
                status = add_sampler(p, entries[t], engine->names[t].names[n], i, count, error);
    }
    return status;
}

static streamd_status misplaced(const struct sampler *s, const struct sx_record *record, int32_t expected,
                                streamd_error **error)
{
    return sx_fail(
        error, STREAMD_E_CONFIG,
        "the topic `%s` is joined by its key, but the key of partition %d, offset %lld belongs into "
        "partition %d of %d: another partitioner than Java's (murmur2) placed it, and the join would miss "
        "rows in silence; write the topic with `partitioner=murmur2_random` (librdkafka's own is another), "
        "or read it as a stream and `repartition` it before the join, or say `set partitioner any` if all "
        "that meets is placed alike",
        s->topic, s->partition, (long long)record->offset, expected, s->count);
}

static streamd_status check(const struct sampler *s, const struct sx_record *record, streamd_error **error)
{
    int32_t expected;

    if (record->key.data == NULL || record->key.size < s->tail_bytes)
        return STREAMD_OK;
    expected = sx_partition_of(record->key.data, record->key.size - s->tail_bytes, s->count);
    return expected == s->partition ? STREAMD_OK : misplaced(s, record, expected, error);
}

/* On to the last records, or done. */
static streamd_status move_on(struct placement *p, struct sampler *s, int64_t next, streamd_error **error)
{
    if (next >= s->high || (s->at_last && s->seen >= SAMPLE)) {
        s->done = true;
        return STREAMD_OK;
    }
    if (s->at_last || s->seen < SAMPLE)
        return STREAMD_OK;
    s->at_last = true;
    s->seen = 0;
    if (s->high - SAMPLE <= next)
        return STREAMD_OK;
    return p->engine->def->seek(s->reader, s->high - SAMPLE, error);
}

static streamd_status sample(struct placement *p, struct sampler *s, bool *busy, streamd_error **error)
{
    const struct sx_log_def *def = p->engine->def;
    struct sx_fetch fetch;
    streamd_status status = def->fetch(s->reader, SAMPLE, &fetch, error);

    if (status != STREAMD_OK)
        return status;
    for (uint32_t i = 0; i < fetch.count && status == STREAMD_OK; i++)
        status = check(s, &fetch.records[i], error);
    *busy |= fetch.count > 0;
    s->seen += fetch.count;
    if (status == STREAMD_OK)
        status = move_on(p, s, fetch.next_offset, error);
    def->release(s->reader, &fetch);
    return status;
}

/* What cannot be read in a few seconds is not waited for: a slow broker is no mistake of the keys. */
static streamd_status sample_all(struct placement *p, streamd_error **error)
{
    streamd_status status = STREAMD_OK;

    for (uint32_t waits = 0, open = p->count; open > 0 && waits < WAITS_MAX;) {
        bool busy = false;

        open = 0;
        for (uint32_t i = 0; i < p->count; i++) {
            streamd_error *problem = NULL;

            if (p->samplers[i].done)
                continue;
            status = sample(p, &p->samplers[i], &busy, &problem);
            if (status == STREAMD_E_CONFIG) {
                sx_error_append(error, problem);
                return status;
            }
            /* Gone meanwhile, or not to be had: the run itself will say so. */
            p->samplers[i].done |= status != STREAMD_OK && !streamd_error_is_retriable(problem);
            streamd_error_free(problem);
            open += !p->samplers[i].done;
        }
        if (open > 0 && !busy) {
            sx_waker_wait(&p->waker, WAIT_MS);
            waits++;
        }
        if (waits == WAITS_MAX)
            sx_log(p->engine->options.logger, SX_WARN,
                   "the keys of a joined topic could not be sampled in time", NULL);
    }
    return STREAMD_OK;
}

streamd_status sx_placement_check(struct sx_engine *engine, streamd_error **error)
{
    struct placement p = {.engine = engine};
    streamd_error *problem = NULL;
    struct sx_arena arena;
    streamd_status status;

    if (engine->plan->any_partitioner)
        return STREAMD_OK;
    if (!sx_waker_init(&p.waker))
        return sx_fail(error, STREAMD_E_STATE, "no file descriptor is left");
    sx_arena_init(&arena, 0);
    status = add_samplers(&p, find_topics(engine, &arena), &problem);
    if (status == STREAMD_OK)
        status = sample_all(&p, &problem);
    for (uint32_t i = 0; i < p.count; i++)
        engine->def->reader_close(p.samplers[i].reader);
    free(p.samplers);
    sx_waker_free(&p.waker);
    sx_arena_free(&arena);
    if (error != NULL)
        *error = problem;
    else
        streamd_error_free(problem);
    return status;
}
