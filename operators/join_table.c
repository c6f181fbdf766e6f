/* join_table.c: a stream looks up rows of a table, or of a global table.
 *
 * The lookup is by arrival: the table as it is when the stream's row is processed. For a table, the
 * stream is put where the table's key is, so that both are in one task; a global table is whole in
 * every process, and the stream keeps its key and its place.
 */
#include "operators/join.h"

struct lookup_plan {
    const struct sx_named *on; /* by the table's key columns */
    uint32_t on_count;
    bool left; /* left join */
    bool global;
    const struct sx_schema *schema;
    const struct sx_schema *right;      /* of the table: keys, then values */
    uint32_t *right_at;                 /* its columns in `schema` */
    const struct sx_type **right_types; /* of its value columns */
};

struct lookup_state {
    struct sx_evaluator **on;
};

/* The left row's columns, and the right's: its values as values, its keys readable. Keys stand first,
 * then values, then what is only readable, as in every schema; `right_at` says where the right's are. */
static const struct sx_schema *joined_schema(struct sx_bind *b, const struct sx_flow *in,
                                             const struct sx_flow *with, const char *alias,
                                             struct sx_from *from, uint32_t *right_at)
{
    const struct sx_schema *l = in->schema, *r = with->schema;
    struct sx_field *fields = SX_ARENA_ARRAY(b->arena, struct sx_field, l->count + r->count + 1);
    struct sx_schema *schema;
    uint32_t n = 0;

    for (int role = SX_ROLE_KEY; role <= SX_ROLE_READABLE; role++) {
        for (uint32_t c = 0; c < l->count; c++) {
            if (l->fields[c].role != (enum sx_role)role)
                continue;
            from[n] = (struct sx_from){.input = 0, .column = (int32_t)c};
            fields[n++] = l->fields[c];
        }
        for (uint32_t c = 0; c < r->key_count + r->value_count; c++) {
            enum sx_role now = c < r->key_count ? SX_ROLE_READABLE : SX_ROLE_VALUE;

            if (now != (enum sx_role)role)
                continue;
            from[n] = (struct sx_from){.input = -1};
            right_at[c] = n;
            fields[n] = r->fields[c];
            fields[n].qualifier = alias;
            fields[n].role = now;
            fields[n++].not_null = false;
        }
    }
    schema = sx_schema_of(b->arena, fields, n, l);
    schema->has_metadata = false;
    schema->is_table = false;
    return schema;
}

/* Put the stream's rows where the table has that key. */
static const struct sx_flow *place(struct sx_bind *b, const struct sx_flow *in, const struct sx_flow *with,
                                   const struct sx_named *keys, uint32_t count, bool left)
{
    if (!sx_keys_are_columns(in, keys, count))
        in = sx_key_by_bind(b, in, keys, count, !left);
    return sx_bind_place(b, in, NULL, with->partitioned_as);
}

void sx_join_table_bind(struct sx_bind *b, const struct sx_flow *in, const struct sx_flow *with, bool left)
{
    const char *alias = sx_bind_given(b, SX_JOIN_AS) ? b->ops->text(b, SX_JOIN_AS) : with->name;
    struct lookup_plan *plan = SX_ARENA_NEW(b->arena, struct lookup_plan);
    const struct sx_named *lefts, *rights;
    struct sx_node_plan *node;
    struct sx_from *from;
    struct sx_flow *out;
    uint64_t *reads;
    uint32_t count;

    if (with->store == NULL) {
        sx_bind_fail(b, SX_JOIN_WITH, "join with the table it was made of, and map or filter behind the join",
                     "`%s` is not kept anywhere: only tables from topics, of aggregates and of `latest` are",
                     with->name);
        return;
    }
    if (strcmp(with->store_node->op->name, "aggregate") == 0) {
        /* Its store holds the states of groups, not rows. */
        b->ops->not_yet(b, SX_JOIN_WITH, "joining with the table of an aggregate");
        return;
    }
    if (with->window != NULL || with->schema->windowed) {
        sx_bind_fail(b, SX_JOIN_WITH, "make a stream of it with `changes`, then `key by` and `latest`",
                     "a stream cannot join a windowed table");
        return;
    }
    if (!b->ops->on(b, SX_JOIN_ON, in, with, alias, &lefts, &rights, &count) || sx_bind_failed(b))
        return;
    plan->left = left;
    plan->global = with->kind == SX_FLOW_GLOBAL;
    plan->on = lefts;
    plan->on_count = count;
    if (!plan->global)
        in = place(b, in, with, lefts, count, left);
    from = SX_ARENA_ARRAY(b->arena, struct sx_from, in->schema->count + with->schema->count + 1);
    plan->right_at = SX_ARENA_ARRAY(b->arena, uint32_t, with->schema->count + 1);
    plan->schema = joined_schema(b, in, with, alias, from, plan->right_at);
    plan->right = with->schema;
    plan->right_types = sx_schema_types(b->arena, with->schema) + with->schema->key_count;
    node = sx_plan_node(b->plan, plan->global ? &sx_operator_lookup_global : &sx_operator_lookup,
                        b->definition, left ? "left-join" : "join", b->ops->position(b, -1));
    node->plan = plan;
    node->schema = plan->schema;
    node->from = from;
    sx_plan_link(b->plan, in->node, in->port, node, 0);
    node->stores[node->store_count++] = with->store->index;
    reads = sx_bind_columns(b, in->schema);
    if (plan->global) {
        sx_named_columns(lefts, count, reads);
    } else {
        for (uint32_t k = 0; k < in->schema->key_count; k++)
            sx_bit_set(reads, k);
        /* The edge puts the table into the same tasks; its rows are found in its store. */
        sx_plan_link(b->plan, with->store_node, SX_PORT_ROWS, node, 1);
    }
    node->reads[0] = reads;
    out = sx_bind_flow_like(b, in);
    out->node = node;
    out->port = SX_PORT_ROWS;
    out->schema = plan->schema;
    b->result = out;
}

static void open(const void *p, void *s, struct sx_node *node)
{
    const struct lookup_plan *plan = p;

    if (plan->global)
        ((struct lookup_state *)s)->on = sx_evaluators_open(plan->on, plan->on_count);
}

static void close(const void *p, void *s, struct sx_node *node)
{
    sx_evaluators_close(((struct lookup_state *)s)->on, ((const struct lookup_plan *)p)->on_count);
}

/* The columns that rows are looked up by: evaluated, or already the key. */
static const struct sx_column *lookup_columns(const struct lookup_plan *plan, struct lookup_state *state,
                                              struct sx_node *node, const struct sx_batch *batch)
{
    struct sx_column *columns;

    if (!plan->global)
        return batch->columns;
    columns = SX_ARENA_ARRAY(node->arena, struct sx_column, plan->on_count + 1);
    return sx_evaluate(node, batch, state->on, plan->on_count, columns) ? columns : NULL;
}

static void process(const void *p, void *s, struct sx_node *node, uint32_t input,
                    const struct sx_batch *batch)
{
    const struct lookup_plan *plan = p;
    struct sx_batch present, out, keys;
    const struct sx_column *on;
    struct sx_value *values;
    struct sx_column **right;
    uint16_t *sel;
    uint32_t count = 0, right_keys = plan->right->key_count;

    if (input == 1)
        return; /* a change of the table makes no row */
    present = sx_batch_present(node->arena, batch);
    if (present.count < batch->count)
        sx_node_drop(node, "null_value", batch->count - present.count);
    on = lookup_columns(plan, s, node, &present);
    if (on == NULL || present.count == 0)
        return;
    keys = present;
    keys.columns = (struct sx_column *)on;
    out = present;
    out.schema = plan->schema;
    out.columns = SX_ARENA_ARRAY(node->arena, struct sx_column, plan->schema->count + 1);
    for (uint32_t c = 0; c < plan->schema->count; c++)
        if (node->plan->from[c].input == 0)
            out.columns[c] = batch->columns[node->plan->from[c].column];
    right = SX_ARENA_ARRAY(node->arena, struct sx_column *, plan->right->count + 1);
    for (uint32_t c = 0; c < right_keys + plan->right->value_count; c++) {
        right[c] = &out.columns[plan->right_at[c]];
        *right[c] = sx_column_new(node->arena, plan->right->fields[c].type, batch->rows);
        sx_column_nulls(right[c], node->arena, batch->rows);
    }
    values = SX_ARENA_ARRAY(node->arena, struct sx_value, plan->right->count + 1);
    sel = sx_arena_alloc(node->arena, sizeof(*sel) * (present.count + 1));
    for (SX_EACH_ROW(&present, i, row)) {
        struct sx_slice stored = SX_SLICE_NONE;
        bool null_key = sx_row_key_is_null(&keys, plan->on_count, row);
        bool there;
        int64_t ts;

        if (!null_key)
            stored = sx_store_get(node->stores[0], 0, sx_row_key(node, &keys, plan->on_count, row));
        there = stored.data != NULL &&
                sx_stored_read(stored, plan->right_types, plan->right->value_count, &ts, values, node->arena);
        if (!there && !plan->left) {
            if (null_key)
                sx_node_drop(node, "null_key", 1);
            continue;
        }
        for (uint32_t c = 0; c < right_keys; c++)
            sx_column_set(right[c], row, there ? sx_column_get(&on[c], row) : SX_VALUE_NULL);
        for (uint32_t c = 0; c < plan->right->value_count; c++)
            sx_column_set(right[right_keys + c], row, there ? values[c] : SX_VALUE_NULL);
        sel[count++] = (uint16_t)row;
    }
    out.sel = sel;
    out.count = count;
    sx_node_emit(node, SX_PORT_ROWS, &out);
}

const struct sx_operator_def sx_operator_lookup = {
    .name = "lookup",
    .summary = "A stream joined with a table.",
    .takes = "stream, table -> stream",
    .internal = true,
    .state_bytes = sizeof(struct lookup_state),
    .open = open,
    .process = process,
    .close = close,
};

const struct sx_operator_def sx_operator_lookup_global = {
    .name = "lookup global",
    .summary = "A stream joined with a global table.",
    .takes = "stream, global table -> stream",
    .internal = true,
    .state_bytes = sizeof(struct lookup_state),
    .open = open,
    .process = process,
    .close = close,
};
