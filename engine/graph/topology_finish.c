/* topology_finish.c: what can only be known of a whole plan: subtopologies, the columns that are
 * read, who needs the rows before, and where two paths meet again. */
#include "engine/graph/operator.h"

static bool is_repartition(const struct sx_node_plan *node)
{
    return node->entry != NULL && node->input_count > 0;
}

/* ---- Subtopologies: union of nodes linked by edges ------------------------------------------- */

/* A node has two sides, 2i (what processes its input) and 2i+1 (what emits). They are one but for a
 * repartition, whose topic lies between. */
static uint32_t root_of(uint32_t *parents, uint32_t side)
{
    while (parents[side] != side)
        side = parents[side] = parents[parents[side]];
    return side;
}

static void join_sides(uint32_t *parents, uint32_t a, uint32_t b)
{
    a = root_of(parents, a);
    b = root_of(parents, b);
    parents[SX_MAX(a, b)] = SX_MIN(a, b);
}

static uint32_t number_of(uint32_t *numbers, uint32_t root, uint32_t *count)
{
    if (numbers[root] == UINT32_MAX)
        numbers[root] = (*count)++;
    return numbers[root];
}

static void add_node(struct sx_node_plan **list, uint32_t *count, struct sx_node_plan *node)
{
    list[(*count)++] = node;
}

static void find_subtopologies(struct sx_plan *plan)
{
    uint32_t sides = plan->node_count * 2;
    uint32_t *parents = SX_ARENA_ARRAY(&plan->arena, uint32_t, sides + 1);
    uint32_t *numbers = SX_ARENA_ARRAY(&plan->arena, uint32_t, sides + 1);
    uint32_t count = 0;

    for (uint32_t i = 0; i < sides; i++) {
        parents[i] = i;
        numbers[i] = UINT32_MAX;
    }
    for (uint32_t i = 0; i < plan->node_count; i++) {
        const struct sx_node_plan *node = plan->nodes[i];
        if (!is_repartition(node))
            join_sides(parents, i * 2, i * 2 + 1);
        for (uint32_t o = 0; o < node->output_count; o++)
            join_sides(parents, i * 2 + 1, node->outputs[o].to->index * 2);
    }
    for (uint32_t i = 0; i < plan->node_count; i++) {
        plan->nodes[i]->subtopology = number_of(numbers, root_of(parents, i * 2), &count);
        plan->nodes[i]->next = number_of(numbers, root_of(parents, i * 2 + 1), &count);
    }
    plan->subtopology_count = count;
    plan->subtopologies = SX_ARENA_ARRAY(&plan->arena, struct sx_subtopology, count + 1);
    for (uint32_t s = 0; s < count; s++) {
        struct sx_subtopology *sub = &plan->subtopologies[s];
        sub->index = s;
        sub->entries = SX_ARENA_ARRAY(&plan->arena, struct sx_node_plan *, plan->node_count);
        sub->nodes = SX_ARENA_ARRAY(&plan->arena, struct sx_node_plan *, plan->node_count);
        sub->global_only = true;
        for (uint32_t i = 0; i < plan->node_count; i++) {
            struct sx_node_plan *node = plan->nodes[i];
            bool here = node->subtopology == s;
            bool enters = node->entry != NULL && node->next == s;
            if (here || enters)
                add_node(sub->nodes, &sub->node_count, node);
            if (enters) {
                add_node(sub->entries, &sub->entry_count, node);
                sub->global_only &= node->entry->global;
            }
        }
    }
    for (uint32_t i = 0; i < plan->node_count; i++)
        for (uint32_t k = 0; k < plan->nodes[i]->store_count; k++) {
            struct sx_store_plan *store = plan->stores[plan->nodes[i]->stores[k]];
            if (!store->global)
                store->subtopology = plan->nodes[i]->subtopology;
        }
}

/* ---- Columns and old rows, from the ends backwards ------------------------------------------- */

static void need_columns(struct sx_plan *plan)
{
    for (uint32_t i = plan->node_count; i-- > 0;) {
        struct sx_node_plan *node = plan->nodes[i];
        uint32_t words = SX_BITMAP_WORDS(node->schema ? node->schema->count : 0) + 1;

        node->needed = SX_ARENA_ARRAY(&plan->arena, uint64_t, words);
        for (uint32_t o = 0; o < node->output_count; o++) {
            const struct sx_edge *edge = &node->outputs[o];
            const struct sx_node_plan *to = edge->to;
            uint32_t side = SX_MIN(edge->input, 1u);

            if (to->reads[side] != NULL && node->schema != NULL)
                for (uint32_t w = 0; w < SX_BITMAP_WORDS(node->schema->count); w++)
                    node->needed[w] |= to->reads[side][w];
            for (uint32_t c = 0; to->from != NULL && c < to->schema->count; c++)
                if (sx_bit(to->needed, c) && to->from[c].input == (int32_t)side)
                    sx_bit_set(node->needed, (uint32_t)to->from[c].column);
            node->needs_old |= to->wants_old || (to->passes_old && to->needs_old);
        }
    }
}

/* ---- On error -------------------------------------------------------------------------------- */

struct on_error {
    enum sx_on_error what;
    uint32_t topic;
};

/* Of two that meet the one that loses less: rather stop than write elsewhere, rather write than skip. */
static struct on_error stricter(struct on_error a, struct on_error b)
{
    static const int rank[] = {
        [SX_ON_ERROR_DEFAULT] = 0, [SX_ON_ERROR_SKIP] = 1, [SX_ON_ERROR_TOPIC] = 2, [SX_ON_ERROR_FAIL] = 3};

    return rank[b.what] > rank[a.what] ? b : a;
}

/* A source's `on error` covers what its records cause down to the sinks: also behind a repartition, where
 * the records that are read are the repartition's. Nodes come after their inputs. */
static void inherit_on_error(struct sx_plan *plan)
{
    struct on_error *all = SX_ARENA_ARRAY(&plan->arena, struct on_error, plan->node_count + 1);

    for (uint32_t n = 0; n < plan->node_count; n++) {
        struct sx_node_plan *node = plan->nodes[n];

        if (node->entry != NULL && node->input_count > 0) {
            struct sx_entry_plan *entry = SX_ARENA_NEW(&plan->arena, struct sx_entry_plan);

            *entry = *node->entry;
            entry->on_error = all[n].what;
            entry->error_topic = all[n].topic;
            node->entry = entry;
        } else if (node->entry != NULL) {
            all[n] = (struct on_error){node->entry->on_error, node->entry->error_topic};
            if (all[n].what == SX_ON_ERROR_DEFAULT)
                all[n] = (struct on_error){plan->on_error, plan->error_topic};
            if (all[n].what == SX_ON_ERROR_DEFAULT)
                all[n].what = SX_ON_ERROR_FAIL;
        }
        for (uint32_t o = 0; o < node->output_count; o++) {
            struct on_error *to = &all[node->outputs[o].to->index];

            *to = stricter(*to, all[n]);
        }
    }
}

/* ---- Paths that meet ------------------------------------------------------------------------- */

/* In how many ways does a row of `entry` reach each node? More than one: the order in which rows
 * arrive there depends on how they were batched, unless they go through one by one. */
static bool paths_meet(const struct sx_plan *plan, const struct sx_node_plan *entry,
                       const struct sx_subtopology *sub, uint32_t *ways)
{
    memset(ways, 0, sizeof(*ways) * plan->node_count);
    ways[entry->index] = 1;
    for (uint32_t n = 0; n < sub->node_count; n++) {
        const struct sx_node_plan *node = sub->nodes[n];
        /* A repartition that ends this subtopology emits in the next one. */
        bool emits_here = node->next == sub->index;
        if (ways[node->index] == 0)
            continue;
        if (ways[node->index] > 1)
            return true;
        for (uint32_t o = 0; emits_here && o < node->output_count; o++)
            ways[node->outputs[o].to->index]++;
    }
    /* Two sinks of one topic meet in the topic. */
    for (uint32_t a = 0; a < sub->node_count; a++)
        for (uint32_t b = a + 1; b < sub->node_count; b++) {
            const struct sx_node_plan *x = sub->nodes[a];
            const struct sx_node_plan *y = sub->nodes[b];
            for (uint32_t t = 0; t < x->topic_count; t++)
                for (uint32_t u = 0; u < y->topic_count; u++)
                    if (ways[x->index] && ways[y->index] && x->topics[t] == y->topics[u])
                        return true;
        }
    return false;
}

streamd_status sx_plan_finish(struct sx_plan *plan, streamd_error **error)
{
    uint32_t *ways;

    if (plan->node_count == 0)
        return sx_fail(error, STREAMD_E_SYNTAX, "the topology has no source");
    find_subtopologies(plan);
    need_columns(plan);
    inherit_on_error(plan);
    ways = SX_ARENA_ARRAY(&plan->arena, uint32_t, plan->node_count);
    for (uint32_t s = 0; s < plan->subtopology_count; s++)
        for (uint32_t e = 0; e < plan->subtopologies[s].entry_count; e++)
            if (paths_meet(plan, plan->subtopologies[s].entries[e], &plan->subtopologies[s], ways))
                plan->subtopologies[s].row_at_a_time = true;
    return STREAMD_OK;
}
