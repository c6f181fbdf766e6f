/* lanes.c: which subtopologies are read together.
 *
 * A lane is what one input is chosen from after the other, by event time. Subtopologies that read a common
 * topic are one lane. So are those that write to topics which one lane reads, if windows close behind them:
 * there the rows of all meet, and what one brings too early may close what the other has still to add to.
 */
#include "engine/run/worker.h"

static bool reads(const struct sx_subtopology *sub, uint32_t topic)
{
    for (uint32_t e = 0; e < sub->entry_count; e++)
        for (uint32_t t = 0; t < sub->entries[e]->entry->topic_count; t++)
            if (!sub->entries[e]->entry->global && sub->entries[e]->entry->topics[t] == topic)
                return true;
    return false;
}

static bool share_a_name(const struct sx_topic_names *a, const struct sx_topic_names *b)
{
    for (uint32_t i = 0, j = 0; i < a->count && j < b->count;) {
        int order = strcmp(a->names[i], b->names[j]);

        if (order == 0)
            return true;
        i += order < 0;
        j += order > 0;
    }
    return false;
}

static void put_together(struct sx_engine *engine, uint32_t a, uint32_t b)
{
    uint32_t from = SX_MAX(engine->lanes[a], engine->lanes[b]);
    uint32_t to = SX_MIN(engine->lanes[a], engine->lanes[b]);

    for (uint32_t i = 0; i < engine->plan->subtopology_count; i++)
        if (engine->lanes[i] == from)
            engine->lanes[i] = to;
}

/* Does what a subtopology writes go to this lane? */
static bool leads_to(const struct sx_engine *engine, const struct sx_subtopology *sub, uint32_t lane)
{
    const struct sx_plan *plan = engine->plan;

    for (uint32_t n = 0; n < sub->node_count; n++) {
        const struct sx_node_plan *node = sub->nodes[n];

        /* The far side of a repartition is in the next subtopology too. */
        for (uint32_t t = 0; node->subtopology == sub->index && t < node->topic_count; t++)
            for (uint32_t s = 0; s < plan->subtopology_count; s++)
                if (engine->lanes[s] == lane && reads(&plan->subtopologies[s], node->topics[t]))
                    return true;
    }
    return false;
}

/* One more pair that leads to one lane; false: there is none. */
static bool join_feeders(struct sx_engine *engine)
{
    uint32_t count = engine->plan->subtopology_count;

    for (uint32_t lane = 0; lane < count; lane++) {
        const struct sx_subtopology *first = NULL;

        for (uint32_t s = 0; s < count; s++) {
            const struct sx_subtopology *sub = &engine->plan->subtopologies[s];

            if (engine->lanes[s] == lane || !leads_to(engine, sub, lane))
                continue;
            if (first == NULL)
                first = sub;
            if (engine->lanes[first->index] == engine->lanes[s])
                continue;
            put_together(engine, first->index, s);
            return true;
        }
    }
    return false;
}

void sx_engine_find_lanes(struct sx_engine *engine)
{
    const struct sx_plan *plan = engine->plan;

    for (uint32_t s = 0; s < plan->subtopology_count; s++)
        engine->lanes[s] = s;
    for (uint32_t t = 0; t < plan->topic_count; t++)
        for (uint32_t u = t; u < plan->topic_count; u++) {
            if (!share_a_name(&engine->names[t], &engine->names[u]))
                continue;
            for (uint32_t a = 0; a < plan->subtopology_count; a++)
                for (uint32_t b = 0; b < plan->subtopology_count && reads(&plan->subtopologies[a], t); b++)
                    if (reads(&plan->subtopologies[b], u))
                        put_together(engine, a, b);
        }
    if (engine->aligned == NULL)
        engine->aligned = sx_calloc(plan->subtopology_count + 1, sizeof(*engine->aligned));
    memset(engine->aligned, 0, sizeof(*engine->aligned) * plan->subtopology_count);
    if (plan->skew_ms == SX_ANY_SKEW)
        return;
    while (join_feeders(engine))
        continue;
    for (uint32_t s = 0; s < plan->subtopology_count; s++)
        for (uint32_t lane = 0; lane < plan->subtopology_count; lane++)
            if (leads_to(engine, &plan->subtopologies[s], lane))
                engine->aligned[engine->lanes[s]] = true;
}
