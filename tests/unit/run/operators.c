/* operators.c: the tests' operators and plans. */
#include "tests/unit/run/fixture.h"

static const struct sx_schema no_columns;

static void decode(const void *plan, void *state, struct sx_node *node, const struct sx_origin *origin,
                   bool padded, struct sx_batch *batch)
{
    int64_t *ts = SX_ARENA_ARRAY(node->arena, int64_t, origin->count + 1);
    uint16_t *sel = SX_ARENA_ARRAY(node->arena, uint16_t, origin->count + 1);
    uint32_t count = 0;

    *batch = (struct sx_batch){
        .schema = &no_columns, .rows = origin->count, .origin = origin, .ts = ts, .sel = sel};
    for (uint32_t i = 0; i < origin->count; i++) {
        ts[i] = origin->records[i].timestamp;
        if (sx_slice_equal(origin->records[i].value, SX_SLICE("bad")))
            sx_node_reject(node, batch, i, "decode", node->plan->at, "it is bad");
        else
            sel[count++] = (uint16_t)i;
    }
    batch->count = count;
}

static void pass(const void *plan, void *state, struct sx_node *node, uint32_t input,
                 const struct sx_batch *batch)
{
    sx_node_emit(node, SX_PORT_ROWS, batch);
}

static void send(struct sx_node *node, const struct sx_batch *batch, uint32_t row, struct sx_slice value,
                 bool latest)
{
    const struct sx_record *record = sx_batch_record(batch, row);
    struct sx_send out = {.key = record->key,
                          .value = value,
                          .timestamp = record->timestamp,
                          .place = record->key,
                          .partition = -1,
                          .latest_only = latest};

    sx_node_send(node, &out);
}

static void count(const void *plan, void *state, struct sx_node *node, uint32_t input,
                  const struct sx_batch *batch)
{
    for (SX_EACH_ROW(batch, i, row)) {
        bool fresh;
        char text[24];
        uint64_t *n = sx_store_edit(node->stores[0], 0, sx_batch_record(batch, row)->key, 8, &fresh);

        ++*n;
        send(node, batch, row,
             sx_slice(text, (size_t)snprintf(text, sizeof(text), "%llu", (unsigned long long)*n)),
             plan != NULL);
    }
}

/* Both sides of a repartition: to the topic, and from it. */
static void repartition(const void *plan, void *state, struct sx_node *node, uint32_t input,
                        const struct sx_batch *batch)
{
    if (input == 1) {
        sx_node_emit(node, SX_PORT_ROWS, batch);
        return;
    }
    for (SX_EACH_ROW(batch, i, row))
        send(node, batch, row, sx_batch_record(batch, row)->value, false);
}

static void keep(const void *plan, void *state, struct sx_node *node, uint32_t input,
                 const struct sx_batch *batch)
{
    for (SX_EACH_ROW(batch, i, row))
        sx_store_put(node->stores[0], 0, sx_batch_record(batch, row)->key,
                     sx_batch_record(batch, row)->value);
    sx_node_emit(node, SX_PORT_ROWS, batch);
}

static void look_up(const void *plan, void *state, struct sx_node *node, uint32_t input,
                    const struct sx_batch *batch)
{
    for (SX_EACH_ROW(batch, i, row)) {
        struct sx_slice value = sx_store_get(node->stores[0], 0, sx_batch_record(batch, row)->key);

        if (input == 0)
            send(node, batch, row, value.data ? value : SX_SLICE("none"), false);
    }
}

static const struct sx_operator_def op_source = {.name = "source", .process = pass, .decode = decode};
static const struct sx_operator_def op_count = {.name = "count", .process = count};
static const struct sx_operator_def op_move = {
    .name = "repartition", .process = repartition, .decode = decode};
static const struct sx_operator_def op_table = {.name = "table", .process = keep, .decode = decode};
static const struct sx_operator_def op_look_up = {.name = "look up", .process = look_up};

static const struct sx_position nowhere;

static struct sx_node_plan *entry(struct sx_plan *plan, const struct sx_operator_def *op, const char *name,
                                  const char *topic, enum sx_topic_role role)
{
    struct sx_node_plan *node = sx_plan_node(plan, op, name, NULL, nowhere);
    struct sx_entry_plan *e = SX_ARENA_NEW(&plan->arena, struct sx_entry_plan);
    uint32_t *topics = SX_ARENA_ARRAY(&plan->arena, uint32_t, 1);

    topics[0] = sx_plan_topic(plan, topic, role)->index;
    e->topics = topics;
    e->topic_count = 1;
    node->entry = e;
    node->schema = &no_columns;
    return node;
}

static struct sx_node_plan *inner(struct sx_plan *plan, const struct sx_operator_def *op, const char *name,
                                  struct sx_node_plan *from)
{
    struct sx_node_plan *node = sx_plan_node(plan, op, name, op->name, nowhere);

    sx_plan_link(plan, from, SX_PORT_ROWS, node, 0);
    node->schema = &no_columns;
    return node;
}

static struct sx_plan *finish(struct sx_plan *plan)
{
    CU_ASSERT_FATAL(sx_plan_finish(plan, NULL) == STREAMD_OK);
    return plan;
}

struct sx_plan *plan_counts(bool moved, bool latest, const char *fingerprint)
{
    struct sx_plan *plan = sx_plan_new("test");
    struct sx_node_plan *node = entry(plan, &op_source, "in", "in", SX_TOPIC_SOURCE);
    struct sx_store_plan *store;

    if (moved) {
        struct sx_node_plan *to =
            entry(plan, &op_move, "moved", "test-moved-repartition", SX_TOPIC_REPARTITION);

        sx_plan_link(plan, node, SX_PORT_ROWS, to, 0);
        to->topics[to->topic_count++] = to->entry->topics[0];
        node = to;
    }
    node = inner(plan, &op_count, "counts", node);
    node->plan = latest ? plan : NULL;
    node->topics[node->topic_count++] = sx_plan_topic(plan, "out", SX_TOPIC_SINK)->index;
    store = sx_plan_store(plan, "counts", SX_STORE_KV);
    store->changelog = sx_plan_topic(plan, "test-counts-changelog", SX_TOPIC_CHANGELOG)->name;
    store->fingerprint = fingerprint;
    node->stores[node->store_count++] = store->index;
    return finish(plan);
}

static struct sx_node_plan *table(struct sx_plan *plan, const char *name, const char *topic, bool global)
{
    struct sx_node_plan *node = entry(plan, &op_table, name, topic, SX_TOPIC_SOURCE);
    struct sx_store_plan *store = sx_plan_store(plan, name, SX_STORE_KV);

    store->changelog = plan->topics[node->entry->topics[0]]->name;
    store->from_source = true;
    store->global = ((struct sx_entry_plan *)node->entry)->global = global;
    node->stores[node->store_count++] = store->index;
    return node;
}

struct sx_plan *plan_lookup(bool global)
{
    struct sx_plan *plan = sx_plan_new("test");
    struct sx_node_plan *rows = table(plan, "table", "rows", global);
    struct sx_node_plan *in = entry(plan, &op_source, "in", "in", SX_TOPIC_SOURCE);
    struct sx_node_plan *node = inner(plan, &op_look_up, "answers", in);

    if (!global) {
        sx_plan_link(plan, rows, SX_PORT_ROWS, node, 1);
        sx_plan_copartition(plan, in->entry->topics[0], rows->entry->topics[0]);
    }
    node->stores[node->store_count++] = rows->stores[0];
    node->topics[node->topic_count++] = sx_plan_topic(plan, "out", SX_TOPIC_SINK)->index;
    return finish(plan);
}

struct sx_plan *plan_two_tables(void)
{
    struct sx_plan *plan = sx_plan_new("test");
    struct sx_node_plan *a = table(plan, "a", "rows", false);
    struct sx_node_plan *b = table(plan, "b", "other", false);

    sx_plan_copartition(plan, a->entry->topics[0], b->entry->topics[0]);
    return finish(plan);
}
