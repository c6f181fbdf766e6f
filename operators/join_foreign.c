/* join_foreign.c: two tables joined by a foreign key; join_foreign.h says how. Here are the plan, the first
 * node, which subscribes, and the last, which makes results of answers and keeps them. */
#include "operators/join_foreign.h"

#include "engine/base/hash.h"
#include "operators/repartition.h"

/* ---- Plan ------------------------------------------------------------------------------------ */

static const struct sx_schema *message_schema(struct sx_bind *b, const struct sx_schema *key,
                                              const struct sx_field *fields, uint32_t count)
{
    struct sx_field *all = SX_ARENA_ARRAY(b->arena, struct sx_field, key->key_count + count + 1);
    struct sx_schema like = {0};

    for (uint32_t c = 0; c < key->key_count + count; c++) {
        all[c] = c < key->key_count ? key->fields[c] : fields[c - key->key_count];
        all[c].role = c < key->key_count ? SX_ROLE_KEY : SX_ROLE_VALUE;
        all[c].qualifier = NULL;
    }
    return sx_schema_of(b->arena, all, key->key_count + count, &like);
}

static void message_schemas(struct sx_bind *b, struct sx_foreign_plan *plan)
{
    static const struct sx_field subscription[SX_SUBSCRIPTION_COLUMNS] = {
        [SX_SUBSCRIPTION_HASH] = {.name = "hash", .type = &sx_type_int},
        [SX_SUBSCRIPTION_WHAT] = {.name = "what", .type = &sx_type_int},
        [SX_SUBSCRIPTION_PARTITION] = {.name = "partition", .type = &sx_type_int},
    };
    static const struct sx_field answer[SX_ANSWER_COLUMNS] = {
        [SX_ANSWER_HASH] = {.name = "hash", .type = &sx_type_int},
        [SX_ANSWER_PARTITION] = {.name = "partition", .type = &sx_type_int},
    };
    const struct sx_schema *l = plan->left, *r = plan->right;
    uint32_t values = r->key_count + r->value_count;
    struct sx_field *fields = SX_ARENA_ARRAY(b->arena, struct sx_field, l->key_count + values + 8);

    memcpy(fields, l->fields, sizeof(*fields) * l->key_count);
    memcpy(fields + l->key_count, subscription, sizeof(subscription));
    plan->subscription = message_schema(b, r, fields, l->key_count + SX_SUBSCRIPTION_COLUMNS);
    memcpy(fields, answer, sizeof(answer));
    memcpy(fields + SX_ANSWER_COLUMNS, r->fields, sizeof(*fields) * values);
    plan->answer = message_schema(b, l, fields, SX_ANSWER_COLUMNS + values);
}

static struct sx_node_plan *add_node(struct sx_bind *b, const struct sx_operator_def *op, const char *stage,
                                     const struct sx_foreign_plan *plan, const struct sx_schema *schema,
                                     const struct sx_flow *from)
{
    struct sx_node_plan *node = sx_plan_node(b->plan, op, b->definition, stage, b->ops->position(b, -1));

    node->plan = plan;
    node->schema = schema;
    node->reads[0] = sx_columns_all(b->arena, from->schema);
    sx_plan_link(b->plan, from->node, from->port, node, 0);
    return node;
}

static void add_store(struct sx_bind *b, struct sx_node_plan *node, const char *role,
                      const struct sx_schema *holds)
{
    struct sx_store_plan *store = sx_bind_store(b, node, role, SX_STORE_KV);

    sx_store_keeps(store, b->arena, holds);
}

static bool check_sides(struct sx_bind *b, const struct sx_flow *in, const struct sx_flow *with,
                        enum sx_join_how how)
{
    const char *name = b->ops->text(b, SX_JOIN_WITH);

    if (how == SX_JOIN_OUTER)
        sx_bind_fail(b, -1, "tables of one key join without `on`; by a foreign key use `left join`",
                     "an outer join by a foreign key is not possible");
    else if (in->schema->windowed || with->schema->windowed)
        sx_bind_fail(b, SX_JOIN_WITH, "make a stream of it with `changes`, then `key by` and `latest`",
                     "a windowed table cannot be joined by a foreign key");
    else if (in->view == NULL || with->view == NULL)
        sx_bind_fail(b, in->view ? SX_JOIN_WITH : -1,
                     "join with a table from a topic, or of an aggregate or `latest`",
                     "the rows of `%s` are not kept anywhere", in->view ? name : in->name);
    return !sx_bind_failed(b);
}

/* A topic between: rows of `node` go to where the topic `meets` has their keys. */
static const struct sx_flow *send_to(struct sx_bind *b, struct sx_node_plan *node, const char *role,
                                     const struct sx_flow *meets, const char *why)
{
    struct sx_flow *flow = SX_ARENA_NEW(b->arena, struct sx_flow);

    flow->kind = SX_FLOW_STREAM;
    flow->node = node;
    flow->schema = node->schema;
    flow->moved = true;
    flow->partitioned_as = -1;
    return sx_repartition_follow(b, flow, role, b->plan->topics[meets->partitioned_as], why,
                                 node->op == &sx_operator_join_subscribers
                                     ? (int32_t)(node->schema->key_count + SX_ANSWER_PARTITION)
                                     : -1);
}

void sx_join_foreign_bind(struct sx_bind *b, const struct sx_flow *in, const struct sx_flow *with,
                          enum sx_join_how how)
{
    struct sx_foreign_plan *plan = SX_ARENA_NEW(b->arena, struct sx_foreign_plan);
    const struct sx_flow *subscriptions, *answers;
    const struct sx_named *rights;
    const char *alias = sx_join_alias(b);
    struct sx_node_plan *node;
    struct sx_flow *out;

    if (!check_sides(b, in, with, how) ||
        !b->ops->on(b, SX_JOIN_ON, in, with, alias, &plan->on, &rights, &plan->on_count) || sx_bind_failed(b))
        return;
    plan->left_join = how == SX_JOIN_LEFT;
    plan->left = in->schema;
    plan->right = with->schema;
    plan->left_view = in->view;
    plan->right_view = with->view;
    plan->pairing = sx_join_pairing(b, in, with, alias, how);
    plan->pairing.schema = sx_join_named_on(b, plan->pairing.schema, alias, plan->on, plan->on_count);
    message_schemas(b, plan);

    node = add_node(b, &sx_operator_join_subscribe, "subscribe", plan, plan->subscription, in);
    node->wants_old = true;
    subscriptions = send_to(b, node, "subscription", with, "subscriptions go to the rows they refer to");

    node = add_node(b, &sx_operator_join_subscribers, "subscribers", plan, plan->answer, subscriptions);
    node->reads[1] = sx_columns_all(b->arena, with->schema);
    add_store(b, node, "subscriptions", plan->subscription);
    sx_plan_link(b->plan, with->node, with->port, node, 1);
    if (!sx_view_use(b, node, with->view, -1))
        return;
    answers = send_to(b, node, "response", in, "answers go to the rows that subscribed");

    node = add_node(b, &sx_operator_join_foreign, how == SX_JOIN_LEFT ? "left-join" : "join", plan,
                    plan->pairing.schema, answers);
    node->reads[1] = sx_columns_all(b->arena, in->schema);
    node->wants_old = true;
    add_store(b, node, NULL, node->schema);
    sx_plan_link(b->plan, in->node, in->port, node, 1);
    if (!sx_view_use(b, node, in->view, -1))
        return;
    out = sx_bind_flow_like(b, in);
    out->node = node;
    out->port = SX_PORT_ROWS;
    out->schema = node->schema;
    out->emit = SX_EMIT_CHANGES;
    out->emit_written = false;
    out->view = sx_view_rows(b->arena, node, b->plan->stores[node->stores[0]], node->schema, 0);
    b->result = out;
}

/* ---- Subscribing ----------------------------------------------------------------------------- */

struct foreign_state {
    struct sx_evaluator **on;
    struct sx_view *left; /* of the last node only */
};

static void open_on(const void *p, void *s, struct sx_node *node)
{
    const struct sx_foreign_plan *plan = p;

    ((struct foreign_state *)s)->on = sx_evaluators_open(plan->on, plan->on_count);
}

static void close_on(const void *p, void *s, struct sx_node *node)
{
    sx_evaluators_close(((struct foreign_state *)s)->on, ((const struct sx_foreign_plan *)p)->on_count);
}

/* Of a left row's values: what tells whether it has changed. Null if it is gone. `values`: their indexes. */
static struct sx_value hash_of(struct sx_buffer *scratch, const struct sx_batch *batch,
                               const uint16_t *values, uint32_t count, uint32_t row)
{
    static const char second = 1;
    uint64_t hash;

    if (sx_batch_is_gone(batch, row))
        return SX_VALUE_NULL;
    scratch->size = 0;
    sx_row_write(scratch, batch, values, count, row);
    hash = (uint64_t)(uint32_t)sx_murmur2(scratch->data, scratch->size) << 32;
    /* It stands in topics, so it is of a kind that never changes; two of them make it long enough. */
    sx_buffer_add(scratch, &second, 1);
    hash |= (uint32_t)sx_murmur2(scratch->data, scratch->size);
    return sx_value_int((int64_t)hash);
}

/* The foreign keys of the rows that are there. False: rejected. */
static bool foreign_keys(const struct sx_foreign_plan *plan, struct foreign_state *state,
                         struct sx_node *node, const struct sx_batch *rows, struct sx_batch *keys)
{
    struct sx_batch present = sx_batch_present(node->arena, rows);

    *keys = *rows;
    keys->columns = SX_ARENA_ARRAY(node->arena, struct sx_column, plan->on_count + 1);
    return sx_evaluate(node, &present, state->on, plan->on_count, keys->columns);
}

static bool same_key(const struct sx_batch *a, const struct sx_batch *b, uint32_t count, uint32_t row)
{
    for (uint32_t k = 0; k < count; k++)
        if (!sx_value_equal(sx_column_get(&a->columns[k], row), sx_column_get(&b->columns[k], row)))
            return false;
    return true;
}

static void subscribe(const struct sx_foreign_plan *plan, struct sx_rows *rows, const struct sx_batch *left,
                      const struct sx_batch *keys, const uint16_t *values, uint32_t row,
                      enum sx_instruction what)
{
    uint32_t at = sx_rows_add(rows, row, left->ts[row]);
    uint32_t base = plan->on_count + plan->left->key_count;
    struct sx_buffer *scratch = &rows->node->scratch;

    for (uint32_t k = 0; k < plan->on_count; k++)
        sx_rows_set(rows, at, k, sx_column_get(&keys->columns[k], row));
    for (uint32_t k = 0; k < plan->left->key_count; k++)
        sx_rows_set(rows, at, plan->on_count + k, sx_column_get(&left->columns[k], row));
    sx_rows_set(rows, at, base + SX_SUBSCRIPTION_HASH,
                hash_of(scratch, left, values, plan->left->value_count, row));
    sx_rows_set(rows, at, base + SX_SUBSCRIPTION_WHAT, sx_value_int(what));
    sx_rows_set(rows, at, base + SX_SUBSCRIPTION_PARTITION, sx_value_int(rows->node->partition));
}

static void process_left(const void *p, void *s, struct sx_node *node, uint32_t input,
                         const struct sx_batch *changes)
{
    const struct sx_foreign_plan *plan = p;
    struct sx_batch batch = sx_batch_current(node->arena, changes);
    struct sx_batch old = sx_batch_before(node->arena, &batch), to, from;
    struct sx_rows rows = {.node = node, .schema = plan->subscription, .cause = &batch};
    const uint16_t *values = sx_indexes(node->arena, plan->left->key_count, plan->left->value_count);

    if (!foreign_keys(plan, s, node, &batch, &to) || !foreign_keys(plan, s, node, &old, &from))
        return;
    for (SX_EACH_ROW(&batch, i, row)) {
        bool there = !sx_batch_is_gone(&batch, row);
        bool refers = there && !sx_row_key_is_null(&to, plan->on_count, row);
        bool referred = !sx_batch_is_gone(&old, row) && !sx_row_key_is_null(&from, plan->on_count, row);
        bool moves = refers && referred && !same_key(&to, &from, plan->on_count, row);

        if (there && !refers && !plan->left_join)
            sx_node_drop(node, "null_key", 1);
        /* A left join's row that refers to nothing has its result at once, not by an answer. */
        if (referred && (moves || !refers))
            subscribe(plan, &rows, &batch, &from, values, row,
                      moves || (there && plan->left_join) ? SX_LEAVE : SX_LEAVE_ANSWER);
        if (refers)
            subscribe(plan, &rows, &batch, &to, values, row, SX_SUBSCRIBE);
    }
    if (rows.count)
        sx_rows_emit(&rows);
}

const struct sx_operator_def sx_operator_join_subscribe = {
    .name = "join subscribe",
    .summary = "The left side of a foreign-key join: it subscribes to the rows that it refers to.",
    .takes = "table -> subscriptions",
    .internal = true,
    .state_bytes = sizeof(struct foreign_state),
    .open = open_on,
    .process = process_left,
    .close = close_on,
};

/* ---- Results --------------------------------------------------------------------------------- */

static void open_results(const void *p, void *s, struct sx_node *node)
{
    open_on(p, s, node);
    ((struct foreign_state *)s)->left = sx_view_open(((const struct sx_foreign_plan *)p)->left_view, node);
}

static void close_results(const void *p, void *s, struct sx_node *node)
{
    close_on(p, s, node);
    sx_view_close(((struct foreign_state *)s)->left);
}

/* Keep the selected results, and send what that changes. */
static void give(const struct sx_foreign_plan *plan, struct sx_node *node, const struct sx_batch *cause,
                 const struct sx_batch *left, const struct sx_batch *right, const uint16_t *sel,
                 uint32_t count)
{
    struct sx_batch out = sx_batch_select(cause, sel, count);

    out.old = NULL;
    sx_pair(&plan->pairing, node->arena, cause->columns, left, right, &out);
    out.ts = cause->ts;
    sx_table_upsert(node, &out, NULL, true);
}

/* Answers to the rows that the left table has now; the others are stale. */
static void take_answers(const struct sx_foreign_plan *plan, struct foreign_state *state,
                         struct sx_node *node, const struct sx_batch *batch)
{
    uint16_t *sel = sx_arena_alloc(node->arena, sizeof(*sel) * (batch->count + 1));
    uint32_t keys = plan->left->key_count, count = 0;
    const struct sx_column *hashes = &batch->columns[keys + SX_ANSWER_HASH];
    const uint16_t *values = sx_indexes(node->arena, keys, plan->left->value_count);
    struct sx_batch left, right = *batch;

    sx_view_read(state->left, node, batch, NULL, &left);
    for (SX_EACH_ROW(batch, i, row)) {
        struct sx_value is = hash_of(&node->scratch, &left, values, plan->left->value_count, row);

        if (sx_value_equal(is, sx_column_get(hashes, row)))
            sel[count++] = (uint16_t)row;
    }
    if (count < batch->count)
        sx_node_drop(node, "stale", batch->count - count);
    right.schema = plan->right;
    right.columns = batch->columns + keys + SX_ANSWER_COLUMNS;
    give(plan, node, batch, &left, &right, sel, count);
}

/* Changes that no answer comes for: rows that refer to nothing. Also in an inner join, where an answer to an
 * earlier change of the row may be stale now. */
static void settle(const struct sx_foreign_plan *plan, struct foreign_state *state, struct sx_node *node,
                   const struct sx_batch *changes)
{
    struct sx_batch batch = sx_batch_current(node->arena, changes);
    struct sx_batch old = sx_batch_before(node->arena, &batch), to, from, none = batch;
    uint16_t *sel = sx_arena_alloc(node->arena, sizeof(*sel) * (batch.count + 1));
    size_t bytes = sizeof(uint64_t) * (SX_BITMAP_WORDS(batch.rows) + 1);
    uint32_t count = 0;

    if (!foreign_keys(plan, state, node, &batch, &to) || !foreign_keys(plan, state, node, &old, &from))
        return;
    for (SX_EACH_ROW(&batch, i, row)) {
        bool there = !sx_batch_is_gone(&batch, row), was_there = !sx_batch_is_gone(&old, row);
        bool refers = there && !sx_row_key_is_null(&to, plan->on_count, row);
        bool referred = was_there && !sx_row_key_is_null(&from, plan->on_count, row);

        if (refers || (!there && !was_there) || (referred && !(there && plan->left_join)))
            continue; /* answered, or nothing */
        sel[count++] = (uint16_t)row;
    }
    none.schema = plan->right;
    none.columns = SX_ARENA_ARRAY(node->arena, struct sx_column, plan->right->count + 1);
    for (uint32_t c = 0; c < plan->right->count; c++)
        none.columns[c] = sx_column_new(node->arena, plan->right->fields[c].type, batch.rows);
    none.gone = sx_arena_alloc(node->arena, bytes);
    memset((uint64_t *)none.gone, 0xff, bytes);
    give(plan, node, &batch, &batch, &none, sel, count);
}

static void process_results(const void *p, void *s, struct sx_node *node, uint32_t input,
                            const struct sx_batch *batch)
{
    if (input == 0)
        take_answers(p, s, node, batch);
    else
        settle(p, s, node, batch);
}

const struct sx_operator_def sx_operator_join_foreign = {
    .name = "join foreign",
    .summary = "Two tables joined by a foreign key: its results.",
    .takes = "answers, table -> table",
    .internal = true,
    .state_bytes = sizeof(struct foreign_state),
    .open = open_results,
    .process = process_results,
    .close = close_results,
};
