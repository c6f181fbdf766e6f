/* topology_print.c: a plan for people, for Graphviz and for programs. The same bytes for the same plan, so
 * that a plan can be a golden file. */
#include "engine/base/document.h"
#include "engine/base/text.h"
#include "engine/graph/operator.h"

static bool is_repartition(const struct sx_node_plan *node)
{
    return node->entry != NULL && node->input_count > 0;
}

static const char *topic_name(const struct sx_plan *plan, uint32_t index)
{
    return plan->topics[index]->name;
}

/* Another repartition that carries the same rows by the same key. */
static const struct sx_node_plan *twin_of(const struct sx_plan *plan, const struct sx_node_plan *node)
{
    for (uint32_t i = 0; i < node->index; i++) {
        const struct sx_node_plan *other = plan->nodes[i];

        if (!is_repartition(other) || other->repartition_key == NULL || node->repartition_key == NULL ||
            strcmp(other->repartition_key, node->repartition_key) != 0)
            continue;
        if (other->inputs[0]->inputs[0] == node->inputs[0]->inputs[0])
            return other;
    }
    return NULL;
}

/* ---- Text ------------------------------------------------------------------------------------ */

static void print_targets(const struct sx_node_plan *node, struct sx_buffer *to)
{
    for (uint32_t o = 0; o < node->output_count; o++)
        sx_buffer_printf(to, "%s%s%s", o ? ", " : "  -> ", node->outputs[o].to->name,
                         node->outputs[o].port == SX_PORT_FINAL && strcmp(node->op->name, "aggregate") == 0
                             ? " (final)"
                             : "");
}

static void print_source(const struct sx_topic_plan *topic, bool first, struct sx_buffer *to)
{
    if (topic->pattern != NULL)
        sx_buffer_printf(to, " from topics matching \"%s\"", topic->pattern->text);
    else
        sx_buffer_printf(to, "%s\"%s\"", first ? " from topic " : ", ", topic->name);
}

static void print_node(const struct sx_plan *plan, const struct sx_node_plan *node, uint32_t subtopology,
                       struct sx_buffer *to)
{
    bool far_side = is_repartition(node) && node->next == subtopology;

    sx_buffer_printf(to, "    %-28s ", node->name);
    if (far_side) {
        sx_buffer_printf(to, "from topic \"%s\"", topic_name(plan, node->topics[0]));
    } else if (is_repartition(node)) {
        sx_buffer_printf(to, "to topic \"%s\"", topic_name(plan, node->topics[0]));
    } else if (node->entry != NULL) {
        sx_buffer_printf(to, "%s",
                         node->entry->global      ? "global table"
                         : node->schema->is_table ? "table"
                                                  : "stream");
        for (uint32_t t = 0; t < node->entry->topic_count; t++)
            print_source(plan->topics[node->entry->topics[t]], t == 0, to);
        if (node->read_first)
            sx_buffer_add_text(to, " (read to its end first)");
    } else if (node->output_count == 0 && node->topic_count == 1) {
        sx_buffer_printf(to, "to topic \"%s\"", topic_name(plan, node->topics[0]));
    } else {
        sx_buffer_printf(to, "%s", node->op->name);
        if (node->op->print != NULL) {
            sx_buffer_add_byte(to, ' ');
            node->op->print(node->plan, to);
            to->size -= to->data[to->size - 1] == ' '; /* there was nothing to say */
        }
    }
    for (uint32_t s = 0; s < node->store_count; s++)
        sx_buffer_printf(to, "  [store %s]", plan->stores[node->stores[s]]->name);
    if (far_side || !is_repartition(node))
        print_targets(node, to);
    sx_buffer_add_byte(to, '\n');
    if (is_repartition(node) && !far_side) {
        const struct sx_node_plan *twin = twin_of(plan, node);

        sx_buffer_printf(to, "      why: %s\n", node->note);
        if (twin != NULL)
            sx_buffer_printf(to,
                             "      note: carries the same rows as `%s`; "
                             "a `repartition` before the fork would share them\n",
                             topic_name(plan, twin->topics[0]));
    }
}

static const struct {
    uint32_t role;
    const char *word;
} roles[] = {{SX_TOPIC_SOURCE, "source"},
             {SX_TOPIC_SINK, "sink"},
             {SX_TOPIC_REPARTITION, "repartition"},
             {SX_TOPIC_CHANGELOG, "changelog"}};

static void print_roles(const struct sx_topic_plan *topic, struct sx_buffer *to)
{
    const char *comma = "";

    for (size_t i = 0; i < SX_COUNT(roles); i++)
        if (topic->roles & roles[i].role) {
            sx_buffer_printf(to, "%s%s", comma, roles[i].word);
            comma = ", ";
        }
}

void sx_plan_print_text(const struct sx_plan *plan, struct sx_buffer *to)
{
    sx_buffer_printf(to, "application %s\n", plan->application);
    for (uint32_t s = 0; s < plan->subtopology_count; s++) {
        const struct sx_subtopology *sub = &plan->subtopologies[s];

        sx_buffer_printf(to, "\n  subtopology %u%s\n", s,
                         sub->global_only ? "  (global tables, read whole by every process)"
                                          : "  (a task per partition)");
        for (uint32_t n = 0; n < sub->node_count; n++)
            print_node(plan, sub->nodes[n], s, to);
    }
    sx_buffer_add_text(to, "\n  topics\n");
    for (uint32_t t = 0; t < plan->topic_count; t++) {
        sx_buffer_printf(to, "    %-40s ", plan->topics[t]->name);
        print_roles(plan->topics[t], to);
        if (plan->topics[t]->partitions)
            sx_buffer_printf(to, ", %d partitions", plan->topics[t]->partitions);
        sx_buffer_add_byte(to, '\n');
    }
    sx_buffer_add_text(to, plan->store_count ? "\n  stores\n" : "");
    for (uint32_t i = 0; i < plan->store_count; i++) {
        const struct sx_store_plan *store = plan->stores[i];

        sx_buffer_printf(to, "    %-28s %s, restored from \"%s\"", store->name,
                         store->global                    ? "global"
                         : store->kind == SX_STORE_WINDOW ? "windows"
                                                          : "key-value",
                         store->changelog);
        if (store->retention_ms) {
            sx_buffer_add_text(to, ", kept ");
            sx_add_duration(to, store->retention_ms);
        }
        sx_buffer_add_byte(to, '\n');
    }
}

/* ---- DOT ------------------------------------------------------------------------------------- */

/* Quotes and backslashes of names, for DOT and JSON strings. */
static void add_escaped(struct sx_buffer *to, const char *text)
{
    for (; *text; text++) {
        if (*text == '"' || *text == '\\')
            sx_buffer_add_byte(to, '\\');
        if ((unsigned char)*text < ' ')
            sx_buffer_printf(to, "\\u%04x", *text);
        else
            sx_buffer_add_byte(to, *text);
    }
}

void sx_plan_print_dot(const struct sx_plan *plan, struct sx_buffer *to)
{
    sx_buffer_add_text(to, "digraph \"");
    add_escaped(to, plan->application);
    sx_buffer_add_text(to, "\" {\n  rankdir=LR;\n  node [shape=box];\n");
    for (uint32_t t = 0; t < plan->topic_count; t++) {
        if (plan->topics[t]->roles == SX_TOPIC_CHANGELOG)
            continue;
        sx_buffer_printf(to, "  t%u [shape=cylinder, label=\"", t);
        add_escaped(to, plan->topics[t]->name);
        sx_buffer_add_text(to, "\"];\n");
    }
    for (uint32_t i = 0; i < plan->node_count; i++) {
        const struct sx_node_plan *node = plan->nodes[i];

        sx_buffer_printf(to, "  n%u [label=\"", i);
        add_escaped(to, node->name);
        sx_buffer_printf(to, "\\n%s\"%s];\n", node->op->name, node->store_count ? ", style=bold" : "");
    }
    for (uint32_t i = 0; i < plan->node_count; i++) {
        const struct sx_node_plan *node = plan->nodes[i];

        if (node->entry != NULL && !is_repartition(node))
            for (uint32_t t = 0; t < node->entry->topic_count; t++)
                sx_buffer_printf(to, "  t%u -> n%u;\n", node->entry->topics[t], i);
        for (uint32_t t = 0; t < node->topic_count; t++)
            sx_buffer_printf(to, "  n%u -> t%u;\n", i, node->topics[t]);
        for (uint32_t o = 0; o < node->output_count; o++) {
            if (is_repartition(node))
                sx_buffer_printf(to, "  t%u -> n%u;\n", node->topics[0], node->outputs[o].to->index);
            else
                sx_buffer_printf(
                    to, "  n%u -> n%u%s;\n", i, node->outputs[o].to->index,
                    node->outputs[o].input == 1 && node->outputs[o].to->store_count ? " [style=dashed]" : "");
        }
    }
    sx_buffer_add_text(to, "}\n");
}

/* ---- JSON ------------------------------------------------------------------------------------ */

static json_t *topics_json(const struct sx_plan *plan, const uint32_t *indexes, uint32_t count)
{
    json_t *names = json_array();

    for (uint32_t t = 0; t < count; t++)
        sx_document_push(names, sx_document_text(topic_name(plan, indexes[t])));
    return names;
}

static json_t *node_json(const struct sx_plan *plan, const struct sx_node_plan *node)
{
    json_t *object = json_object(), *to = json_array(), *stores = json_array();
    const struct sx_node_plan *twin = is_repartition(node) ? twin_of(plan, node) : NULL;

    sx_document_set(object, "name", sx_document_text(node->name));
    sx_document_set(object, "definition", sx_document_text(node->definition));
    sx_document_set(object, "operator", sx_document_text(node->op->name));
    sx_document_set(object, "line", json_integer(node->at.line));
    sx_document_set(object, "subtopology", json_integer(node->subtopology));
    for (uint32_t o = 0; o < node->output_count; o++)
        sx_document_push(to, sx_document_text(node->outputs[o].to->name));
    sx_document_set(object, "to", to);
    for (uint32_t s = 0; s < node->store_count; s++)
        sx_document_push(stores, sx_document_text(plan->stores[node->stores[s]]->name));
    sx_document_set(object, "stores", stores);
    sx_document_set(object, "reads",
                    topics_json(plan, node->entry ? node->entry->topics : NULL,
                                node->entry ? node->entry->topic_count : 0));
    sx_document_set(object, "writes", topics_json(plan, node->topics, node->topic_count));
    if (is_repartition(node))
        sx_document_set(object, "why", sx_document_text(node->note));
    if (twin != NULL)
        sx_document_set(object, "same_rows_as", sx_document_text(topic_name(plan, twin->topics[0])));
    return object;
}

static json_t *topic_json(const struct sx_topic_plan *topic)
{
    json_t *object = json_object(), *words = json_array();

    sx_document_set(object, "name", sx_document_text(topic->name));
    for (size_t i = 0; i < SX_COUNT(roles); i++)
        if (topic->roles & roles[i].role)
            sx_document_push(words, sx_document_text(roles[i].word));
    sx_document_set(object, "roles", words);
    if (topic->partitions)
        sx_document_set(object, "partitions", json_integer(topic->partitions));
    return object;
}

static json_t *store_json(const struct sx_plan *plan, const struct sx_store_plan *store)
{
    json_t *object = json_object();
    struct sx_buffer signature = {0};

    sx_document_set(object, "name", sx_document_text(store->name));
    sx_document_set(object, "kind",
                    sx_document_text(store->kind == SX_STORE_WINDOW ? "windows" : "key-value"));
    sx_document_set(object, "changelog", sx_document_text(store->changelog));
    /* What its rows mean: while this is the same, old state can be used. */
    sx_store_signature(plan, store, &signature);
    sx_buffer_add_byte(&signature, '\0');
    sx_document_set(object, "signature", sx_document_text(signature.data));
    sx_buffer_free(&signature);
    return object;
}

void sx_plan_print_json(const struct sx_plan *plan, struct sx_buffer *to)
{
    json_t *document = json_object(), *nodes = json_array(), *topics = json_array(), *stores = json_array();

    for (uint32_t i = 0; i < plan->node_count; i++)
        sx_document_push(nodes, node_json(plan, plan->nodes[i]));
    for (uint32_t t = 0; t < plan->topic_count; t++)
        sx_document_push(topics, topic_json(plan->topics[t]));
    for (uint32_t i = 0; i < plan->store_count; i++)
        sx_document_push(stores, store_json(plan, plan->stores[i]));
    sx_document_set(document, "application", sx_document_text(plan->application));
    sx_document_set(document, "nodes", nodes);
    sx_document_set(document, "topics", topics);
    sx_document_set(document, "stores", stores);
    sx_document_write(to, document, true);
}
