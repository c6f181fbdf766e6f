/* matches.c: the topics of `from topics matching "regex"`.
 *
 * The plan has one topic for the pattern; which topics of the log that is, the engine finds at its start and
 * again from time to time. They are read as one source, so they have one partition count.
 */
#include "engine/run/worker.h"

#include <stdlib.h>

/* Names as the log gives them. */
struct listed {
    char **names;
    uint32_t count;
};

bool sx_matches_any(const struct sx_engine *engine)
{
    for (uint32_t t = 0; t < engine->plan->topic_count; t++)
        if (engine->plan->topics[t]->pattern != NULL)
            return true;
    return false;
}

static int by_name(const void *a, const void *b) { return strcmp(*(char *const *)a, *(char *const *)b); }

static void free_listed(struct listed *all)
{
    for (uint32_t i = 0; i < all->count; i++)
        free(all->names[i]);
    free(all->names);
}

static streamd_status check_count(struct sx_engine *engine, const struct sx_topic_plan *topic,
                                  const char *first, const char *name, streamd_error **error)
{
    int32_t *count = &engine->partitions[topic->index], theirs = 0;
    streamd_status status = engine->def->partitions(engine->log, name, &theirs, error);

    if (status != STREAMD_OK)
        return status;
    if (*count == 0)
        *count = theirs;
    if (theirs == *count)
        return STREAMD_OK;
    return sx_fail_fatal(error, STREAMD_E_CONFIG,
                         "`%s` has %d partitions, but the source in line %u, `topics matching \"%s\"`, reads "
                         "%d%s%s%s; topics that are read as one have equal counts",
                         name, theirs, topic->at.line, topic->pattern->text, *count, first ? " of `" : "",
                         first ? first : "", first ? "`" : "");
}

/* What the pattern takes of the sorted names. */
static streamd_status match(struct sx_engine *engine, const struct sx_topic_plan *topic,
                            const struct listed *all, struct sx_topic_names *found, streamd_error **error)
{
    const struct sx_topic_names *now = &engine->names[topic->index];
    const char **names = sx_calloc((size_t)all->count + 1, sizeof(*names));
    streamd_status status = STREAMD_OK;
    uint32_t count = 0;
    bool same;

    for (uint32_t i = 0; i < all->count && status == STREAMD_OK; i++)
        if (sx_topic_takes(engine->plan, topic, all->names[i])) {
            status = check_count(engine, topic, count ? names[0] : NULL, all->names[i], error);
            names[count++] = all->names[i];
        }
    same = count == now->count;
    for (uint32_t i = 0; i < count && same; i++)
        same = strcmp(names[i], now->names[i]) == 0;
    *found = *now;
    if (status == STREAMD_OK && !same) {
        const char **kept = sx_arena_alloc(&engine->names_arena, (count + 1) * sizeof(*kept));

        for (uint32_t i = 0; i < count; i++)
            kept[i] = sx_arena_strdup(&engine->names_arena, names[i]);
        *found = (struct sx_topic_names){kept, count};
    }
    free(names);
    return status;
}

streamd_status sx_matches_find(struct sx_engine *engine, struct sx_topic_names *names, bool *changed,
                               streamd_error **error)
{
    struct listed all = {0};
    streamd_status status;

    *changed = false;
    for (uint32_t t = 0; t < engine->plan->topic_count; t++)
        if (engine->plan->topics[t]->pattern == NULL)
            names[t] = (struct sx_topic_names){(const char **)&engine->plan->topics[t]->name, 1};
    if (!sx_matches_any(engine))
        return STREAMD_OK;
    status = engine->def->topics(engine->log, &all.names, &all.count, error);
    if (status != STREAMD_OK)
        return status;
    qsort(all.names, all.count, sizeof(*all.names), by_name);
    for (uint32_t t = 0; t < engine->plan->topic_count && status == STREAMD_OK; t++)
        if (engine->plan->topics[t]->pattern != NULL) {
            status = match(engine, engine->plan->topics[t], &all, &names[t], error);
            *changed |= names[t].names != engine->names[t].names;
        }
    free_listed(&all);
    return status;
}
