/* topology.c: building a plan. */
#include "engine/graph/topology.h"

#include <stdlib.h>

struct sx_plan *sx_plan_new(const char *application)
{
    struct sx_plan *plan = sx_calloc(1, sizeof(*plan));

    sx_arena_init(&plan->arena, 0);
    plan->application = sx_arena_strdup(&plan->arena, application);
    plan->guarantee = -1;
    plan->commit_ms = -1;
    plan->ahead_ms = -1;
    plan->skew_ms = SX_ANY_SKEW;
    return plan;
}

void sx_plan_closes(struct sx_plan *plan, int64_t grace_ms)
{
    /* Half of the grace is left for rows that are out of order by themselves. Less than this would make
     * catching up on sparse rows slow. */
    const int64_t least_ms = 10000;

    plan->skew_ms = SX_MIN(plan->skew_ms, SX_MAX(grace_ms / 2, least_ms));
}

void sx_plan_free(struct sx_plan *plan)
{
    if (plan == NULL)
        return;
    streamd_error_free(plan->warnings);
    sx_arena_free(&plan->arena);
    free(plan);
}

/* The array with room for one more: it doubles whenever its count is a power of two. */
static void *grown(struct sx_plan *plan, void *items, uint32_t count, size_t width)
{
    void *more;

    if (count && (count & (count - 1)))
        return items;
    more = sx_arena_zero(&plan->arena, (count ? count * 2 : 1) * width);
    if (count)
        memcpy(more, items, count * width);
    return more;
}

struct sx_topic_plan *sx_plan_topic(struct sx_plan *plan, const char *name, enum sx_topic_role role)
{
    struct sx_topic_plan *topic;

    for (uint32_t i = 0; i < plan->topic_count; i++) {
        if (strcmp(plan->topics[i]->name, name) == 0) {
            plan->topics[i]->roles |= role;
            return plan->topics[i];
        }
    }
    topic = SX_ARENA_NEW(&plan->arena, struct sx_topic_plan);
    topic->name = sx_arena_strdup(&plan->arena, name);
    topic->index = plan->topic_count;
    topic->roles = role;
    plan->topics = grown(plan, plan->topics, plan->topic_count, sizeof(*plan->topics));
    plan->topics[plan->topic_count++] = topic;
    return topic;
}

struct sx_topic_plan *sx_plan_pattern(struct sx_plan *plan, const struct sx_topic_pattern *pattern)
{
    struct sx_topic_plan *topic =
        sx_plan_topic(plan, sx_arena_format(&plan->arena, "/%s/", pattern->text), SX_TOPIC_SOURCE);

    topic->pattern = pattern;
    return topic;
}

static bool ends_in(const char *name, const char *end)
{
    size_t size = strlen(name), tail = strlen(end);

    return size >= tail && strcmp(name + size - tail, end) == 0;
}

/* A topic that this application made for itself, maybe before its file was changed. */
static bool is_internal(const struct sx_plan *plan, const char *name)
{
    size_t prefix = strlen(plan->application);

    return strncmp(name, plan->application, prefix) == 0 && name[prefix] == '-' &&
           (ends_in(name, "-changelog") || ends_in(name, "-repartition") || ends_in(name, "-slots"));
}

bool sx_topic_takes(const struct sx_plan *plan, const struct sx_topic_plan *topic, const char *name)
{
    if (strcmp(topic->name, name) == 0)
        return true;
    if (topic->pattern == NULL || strncmp(name, "__", 2) == 0 || is_internal(plan, name))
        return false;
    for (uint32_t i = 0; i < plan->topic_count; i++)
        if ((plan->topics[i]->roles & ~(uint32_t)SX_TOPIC_SOURCE) != 0 &&
            strcmp(plan->topics[i]->name, name) == 0)
            return false;
    return topic->pattern->matches(topic->pattern, name);
}

struct sx_store_plan *sx_plan_store(struct sx_plan *plan, const char *name, enum sx_store_kind kind)
{
    struct sx_store_plan *store = SX_ARENA_NEW(&plan->arena, struct sx_store_plan);

    store->name = sx_arena_strdup(&plan->arena, name);
    store->kind = kind;
    store->index = plan->store_count;
    store->fingerprint = "";
    plan->stores = grown(plan, plan->stores, plan->store_count, sizeof(*plan->stores));
    plan->stores[plan->store_count++] = store;
    return store;
}

bool sx_topic_is_own(const struct sx_topic_plan *topic)
{
    bool written = (topic->roles & (SX_TOPIC_SINK | SX_TOPIC_REPARTITION)) != 0 ||
                   (topic->roles & (SX_TOPIC_CHANGELOG | SX_TOPIC_SOURCE)) == SX_TOPIC_CHANGELOG;

    return topic->medium == SX_MEDIUM_LOG && written && (topic->roles & ~(uint32_t)SX_TOPIC_SINK) != 0;
}

bool sx_plan_is_stateless(const struct sx_plan *plan)
{
    bool stateless = plan->store_count == 0;

    for (uint32_t i = 0; i < plan->topic_count; i++)
        stateless &= (plan->topics[i]->roles & SX_TOPIC_REPARTITION) == 0;
    return stateless;
}

struct sx_node_plan *sx_plan_node(struct sx_plan *plan, const struct sx_operator_def *op,
                                  const char *definition, const char *stage, struct sx_position at)
{
    struct sx_node_plan *node = SX_ARENA_NEW(&plan->arena, struct sx_node_plan);

    node->index = plan->node_count;
    node->definition = sx_arena_strdup(&plan->arena, definition);
    node->name = stage == NULL ? node->definition : sx_arena_format(&plan->arena, "%s.%s", definition, stage);
    node->op = op;
    node->at = at;
    plan->nodes = grown(plan, plan->nodes, plan->node_count, sizeof(*plan->nodes));
    plan->nodes[plan->node_count++] = node;
    return node;
}

void sx_plan_link(struct sx_plan *plan, struct sx_node_plan *from, uint32_t port, struct sx_node_plan *to,
                  uint32_t input)
{
    from->outputs = grown(plan, from->outputs, from->output_count, sizeof(*from->outputs));
    from->outputs[from->output_count++] = (struct sx_edge){.to = to, .input = input, .port = port};
    if (input < SX_COUNT(to->inputs)) {
        to->inputs[input] = from;
        to->input_count = SX_MAX(to->input_count, input + 1);
    }
}

void sx_plan_copartition(struct sx_plan *plan, uint32_t topic_a, uint32_t topic_b)
{
    uint32_t a = plan->topics[topic_a]->copartition;
    uint32_t b = plan->topics[topic_b]->copartition;
    uint32_t group = a ? a : b ? b : SX_MIN(topic_a, topic_b) + 1;

    for (uint32_t i = 0; i < plan->topic_count; i++) {
        uint32_t was = plan->topics[i]->copartition;
        if (i == topic_a || i == topic_b || (was && (was == a || was == b)))
            plan->topics[i]->copartition = group;
    }
}
