/* internal_topics.c: how many partitions each topic has, and the topics that are ours to make.
 *
 * Names come from the plan. Repartition topics keep their records for ever, as event times may be
 * old: they are purged behind the committed offsets instead. Changelogs of windows likewise.
 */
#include "engine/run/worker.h"

#include <stdlib.h>

#define EXTERNAL_ROLES (SX_TOPIC_SOURCE | SX_TOPIC_SINK)

static bool is_external(const struct sx_topic_plan *topic) { return (topic->roles & EXTERNAL_ROLES) != 0; }

static streamd_status create(struct sx_engine *engine, const struct sx_topic_spec *spec, int32_t *count,
                             streamd_error **error)
{
    streamd_status status = engine->def->create(engine->log, spec, error);

    if (status != STREAMD_OK)
        return status;
    sx_log(engine->options.logger, SX_INFO, "created a topic", "topic", spec->name, NULL);
    return engine->def->partitions(engine->log, spec->name, count, error);
}

/* ---- External topics ------------------------------------------------------------------------- */

/* The log's topics that it takes are known. Where topics are made when they are first named, there may be
 * none yet; on Kafka that is a mistake like a topic that does not exist. */
static streamd_status look_up_pattern(struct sx_engine *engine, const struct sx_topic_plan *topic,
                                      streamd_error **error)
{
    if (engine->partitions[topic->index] == 0 && engine->log->holds_state)
        engine->partitions[topic->index] = engine->options.log.default_partitions;
    if (engine->partitions[topic->index] != 0)
        return STREAMD_OK;
    return sx_fail(
        error, STREAMD_E_NOTFOUND,
        "no topic matches `%s`, which the source in line %u reads; create one, or correct the pattern",
        topic->pattern->text, topic->at.line);
}

static streamd_status look_up(struct sx_engine *engine, const struct sx_topic_plan *topic,
                              streamd_error **error)
{
    int32_t *count = &engine->partitions[topic->index];
    streamd_error *problem = NULL;
    streamd_status status = engine->def->partitions(engine->log, topic->name, count, &problem);
    bool only_source = (topic->roles & SX_TOPIC_SINK) == 0;

    if (status == STREAMD_E_NOTFOUND && only_source && !engine->log->holds_state) {
        streamd_error_free(problem);
        return sx_fail(
            error, STREAMD_E_NOTFOUND,
            "there is no topic `%s`, which the source in line %u reads; create it, or correct its name",
            topic->name, topic->at.line);
    }
    if (status == STREAMD_E_NOTFOUND) {
        struct sx_topic_spec spec = {.name = topic->name,
                                     .cleanup = SX_CLEANUP_DELETE,
                                     .retention_ms = engine->log->holds_state ? -1 : SX_RETENTION_DEFAULT};

        streamd_error_free(problem);
        return create(engine, &spec, count, error);
    }
    if (status != STREAMD_OK && error != NULL)
        *error = problem;
    else
        streamd_error_free(problem);
    return status;
}

/* ---- Counts of repartition topics ------------------------------------------------------------ */

/* Partitions of the widest input; 0: one is not known yet. */
static int32_t width_of(const struct sx_engine *engine, const struct sx_subtopology *sub)
{
    int32_t width = 1;

    for (uint32_t e = 0; e < sub->entry_count; e++) {
        const struct sx_entry_plan *entry = sub->entries[e]->entry;

        for (uint32_t t = 0; t < entry->topic_count && !entry->global; t++) {
            if (engine->plan->topics[entry->topics[t]]->follows)
                continue;
            if (engine->partitions[entry->topics[t]] == 0)
                return 0;
            width = SX_MAX(width, engine->partitions[entry->topics[t]]);
        }
    }
    return width;
}

/* Of what writes into the topic. */
static int32_t width_above(const struct sx_engine *engine, const struct sx_topic_plan *topic)
{
    int32_t width = 1;

    for (uint32_t i = 0; i < engine->plan->node_count; i++) {
        const struct sx_node_plan *node = engine->plan->nodes[i];
        bool reads = false;
        int32_t above;

        for (uint32_t t = 0; node->entry != NULL && node->input_count && t < node->entry->topic_count; t++)
            reads |= node->entry->topics[t] == topic->index;
        if (!reads)
            continue;
        above = width_of(engine, &engine->plan->subtopologies[node->subtopology]);
        if (above == 0)
            return 0;
        width = SX_MAX(width, above);
    }
    return width;
}

static bool same_group(const struct sx_topic_plan *a, const struct sx_topic_plan *b)
{
    return a == b || (a->copartition != 0 && a->copartition == b->copartition);
}

static streamd_status differ(const struct sx_engine *engine, const struct sx_topic_plan *a, int32_t a_count,
                             const struct sx_topic_plan *b, int32_t b_count, streamd_error **error)
{
    return sx_fail(
        error, STREAMD_E_CONFIG,
        "`%s` has %d partitions and `%s` has %d: what meets in a join must have as many; repartition "
        "one side, or make the topics alike",
        a->name, a_count, b->name, b_count);
}

/* The count of the group that `topic` is in; *count stays 0 when it is not known yet. */
static streamd_status group_count(const struct sx_engine *engine, const struct sx_topic_plan *topic,
                                  int32_t *count, streamd_error **error)
{
    const struct sx_topic_plan *from = NULL;
    int32_t widest = 0;
    bool known = true;

    *count = 0;
    /* External topics say it; without any, `repartition N`. */
    for (int external = 1; external >= 0; external--)
        for (uint32_t i = 0; i < engine->plan->topic_count; i++) {
            const struct sx_topic_plan *other = engine->plan->topics[i];
            int32_t theirs = external ? engine->partitions[i] : other->partitions;

            if (!same_group(topic, other) || is_external(other) != (external == 1) || theirs == 0)
                continue;
            if (from != NULL && theirs != *count)
                return differ(engine, from, *count, other, theirs, error);
            from = other;
            *count = theirs;
        }
    if (from != NULL)
        return STREAMD_OK;
    for (uint32_t i = 0; i < engine->plan->topic_count; i++)
        if (same_group(topic, engine->plan->topics[i]) && !engine->plan->topics[i]->follows) {
            int32_t above = width_above(engine, engine->plan->topics[i]);

            known &= above != 0;
            widest = SX_MAX(widest, above);
        }
    *count = known ? widest : 0;
    return STREAMD_OK;
}

static streamd_status resolve(struct sx_engine *engine, streamd_error **error)
{
    bool again = true, open = false;

    while (again) {
        again = open = false;
        for (uint32_t i = 0; i < engine->plan->topic_count; i++) {
            const struct sx_topic_plan *topic = engine->plan->topics[i];
            int32_t count = 0;
            streamd_status status;

            if (!is_external(topic) && (topic->roles & SX_TOPIC_REPARTITION) == 0)
                continue;
            if (!is_external(topic) && engine->partitions[i] != 0)
                continue;
            if (is_external(topic) && topic->copartition == 0)
                continue;
            status = group_count(engine, topic, &count, error);
            if (status != STREAMD_OK)
                return status;
            if (is_external(topic))
                continue;
            engine->partitions[i] = count;
            again |= count != 0;
            open |= count == 0;
        }
    }
    if (open)
        return sx_fail(
            error, STREAMD_E_CONFIG,
            "repartition topics depend on each other's partition counts; write `repartition N` for one");
    return STREAMD_OK;
}

/* ---- Ours ------------------------------------------------------------------------------------ */

/* What a window's changelog keeps beyond its retention, as Kafka Streams does. Its records' times are those
 * of their commits, so that windows of old events are not deleted while they are open. */
#define DAY_MS (24 * 3600 * INT64_C(1000))

static const char *cleanup_word(enum sx_cleanup cleanup)
{
    return cleanup == SX_CLEANUP_DELETE    ? "delete"
           : cleanup == SX_CLEANUP_COMPACT ? "compact"
                                           : "compact,delete";
}

static streamd_status make(struct sx_engine *engine, const char *name, int32_t partitions,
                           enum sx_cleanup cleanup, int64_t retention_ms, streamd_error **error)
{
    struct sx_topic_spec spec = {.name = name,
                                 .partitions = partitions,
                                 .cleanup = cleanup,
                                 .retention_ms = retention_ms,
                                 .internal = true};
    struct sx_topic_spec is = {0};
    streamd_error *problem = NULL;
    int32_t count = 0;
    streamd_status status = engine->def->partitions(engine->log, name, &count, &problem);

    if (status == STREAMD_E_NOTFOUND) {
        streamd_error_free(problem);
        status = create(engine, &spec, &count, error);
        if (status != STREAMD_OK)
            return status;
    } else if (status != STREAMD_OK) {
        if (error != NULL)
            *error = problem;
        else
            streamd_error_free(problem);
        return status;
    }
    if (count != partitions)
        return sx_fail(
            error, STREAMD_E_CONFIG,
            "the topic `%s` has %d partitions, and %d are needed now; run `streamd reset` to begin anew",
            name, count, partitions);
    status = engine->def->describe(engine->log, name, &is, error);
    if (status == STREAMD_OK && is.cleanup != cleanup)
        return sx_fail(
            error, STREAMD_E_CONFIG,
            "the topic `%s` has the cleanup policy %s, and %s is needed; change it, or run `streamd reset`",
            name, cleanup_word(is.cleanup), cleanup_word(cleanup));
    return status;
}

static streamd_status make_changelogs(struct sx_engine *engine, streamd_error **error)
{
    for (uint32_t s = 0; s < engine->plan->store_count; s++) {
        const struct sx_store_plan *store = engine->plan->stores[s];
        const struct sx_subtopology *sub = &engine->plan->subtopologies[store->subtopology];
        int32_t width;
        streamd_status status;

        if (store->global || store->from_source)
            continue;
        width = width_of(engine, sub);
        for (uint32_t t = 0; t < engine->plan->topic_count; t++)
            if (strcmp(engine->plan->topics[t]->name, store->changelog) == 0)
                engine->partitions[t] = width;
        if (engine->log->holds_state)
            continue;
        if (store->kind == SX_STORE_KV)
            status = make(engine, store->changelog, width, SX_CLEANUP_COMPACT, -1, error);
        else
            status = make(engine, store->changelog, width, SX_CLEANUP_COMPACT_DELETE,
                          store->retention_ms > 0 ? store->retention_ms + DAY_MS : -1, error);
        if (status != STREAMD_OK)
            return status;
    }
    return STREAMD_OK;
}

/* Schedules that fire in every partition of what they meet. */
static void widen_schedules(struct sx_engine *engine)
{
    for (uint32_t s = 0; s < engine->plan->subtopology_count; s++) {
        const struct sx_subtopology *sub = &engine->plan->subtopologies[s];

        for (uint32_t e = 0; e < sub->entry_count; e++) {
            uint32_t topic = sub->entries[e]->entry->topics[0];

            if (engine->plan->topics[topic]->medium == SX_MEDIUM_SCHEDULE &&
                engine->plan->topics[topic]->follows)
                engine->partitions[topic] = width_of(engine, sub);
        }
    }
}

/* What the topics take that tasks write to. Who may not ask is told by the broker, record by record. */
static void find_limits(struct sx_engine *engine)
{
    for (uint32_t i = 0; i < engine->plan->topic_count; i++) {
        const struct sx_topic_plan *topic = engine->plan->topics[i];
        struct sx_topic_spec spec = {0};
        streamd_error *problem = NULL;

        if (topic->medium == SX_MEDIUM_LOG &&
            (topic->roles & (SX_TOPIC_SINK | SX_TOPIC_REPARTITION | SX_TOPIC_CHANGELOG)) != 0 &&
            engine->def->describe(engine->log, topic->name, &spec, &problem) == STREAMD_OK)
            engine->record_bytes_max[i] = spec.record_bytes_max;
        streamd_error_free(problem);
    }
}

/* A versioned table is restored from its topic, where compaction takes away what its history is made of. A
 * day more, as the clock of the log is not that of the rows. Who may not ask is told nothing. */
static void warn_of_compaction(const struct sx_engine *engine)
{

    for (uint32_t s = 0; s < engine->plan->store_count; s++) {
        const struct sx_store_plan *store = engine->plan->stores[s];
        struct sx_topic_spec spec = {0};
        streamd_error *problem = NULL;
        char least[24];

        if (!store->from_source || store->kind != SX_STORE_WINDOW)
            continue;
        if (engine->def->describe(engine->log, store->changelog, &spec, &problem) == STREAMD_OK &&
            spec.cleanup != SX_CLEANUP_DELETE && spec.compaction_lag_ms < store->retention_ms + DAY_MS) {
            snprintf(least, sizeof(least), "%lld", (long long)(store->retention_ms + DAY_MS));
            sx_log(
                engine->options.logger, SX_WARN,
                "the topic of a versioned table may be compacted too early: if the state directory is lost, "
                "so is history",
                "table", store->name, "topic", store->changelog, "min.compaction.lag.ms, at least", least,
                NULL);
        }
        streamd_error_free(problem);
    }
}

bool sx_topics_may_grow(const struct sx_engine *engine)
{
    return engine->def->widen != NULL && sx_plan_is_stateless(engine->plan);
}

streamd_status sx_topics_widen_slots(struct sx_engine *engine, int32_t *slots, streamd_error **error)
{
    const struct sx_plan *plan = engine->plan;
    int32_t is;

    *slots = 1;
    for (uint32_t s = 0; s < plan->subtopology_count; s++)
        if (!plan->subtopologies[s].global_only)
            *slots = SX_MAX(*slots, width_of(engine, &plan->subtopologies[s]));
    if (!sx_topics_may_grow(engine) ||
        engine->def->partitions(engine->log, engine->slots_topic, &is, NULL) != STREAMD_OK || is >= *slots)
        return STREAMD_OK;
    return engine->def->widen(engine->log, engine->slots_topic, *slots, error);
}

streamd_status sx_topics_prepare(struct sx_engine *engine, streamd_error **error)
{
    const struct sx_plan *plan = engine->plan;
    bool changed;
    streamd_status status = sx_matches_find(engine, engine->names, &changed, error);

    for (uint32_t i = 0; i < plan->topic_count && status == STREAMD_OK; i++)
        if (plan->topics[i]->medium != SX_MEDIUM_LOG)
            engine->partitions[i] = 1;
        else if (plan->topics[i]->pattern != NULL)
            status = look_up_pattern(engine, plan->topics[i], error);
        else if (is_external(plan->topics[i]))
            status = look_up(engine, plan->topics[i], error);
    if (status == STREAMD_OK)
        status = resolve(engine, error);
    if (status == STREAMD_OK)
        widen_schedules(engine);
    for (uint32_t i = 0; i < plan->topic_count && status == STREAMD_OK; i++)
        if (!is_external(plan->topics[i]) && (plan->topics[i]->roles & SX_TOPIC_REPARTITION))
            status = make(engine, plan->topics[i]->name, engine->partitions[i], SX_CLEANUP_DELETE, -1, error);
    if (status == STREAMD_OK)
        status = make_changelogs(engine, error);
    if (status != STREAMD_OK)
        return status;
    find_limits(engine);
    warn_of_compaction(engine);
    engine->slots_topic = sx_format("%s-slots", plan->application);
    status = sx_topics_widen_slots(engine, &engine->slot_count, error);
    if (status != STREAMD_OK)
        return status;
    return make(engine, engine->slots_topic, engine->slot_count, SX_CLEANUP_DELETE, -1, error);
}
