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
    struct sx_pairing pairing;
    const struct sx_view_plan *view;
};

struct lookup_state {
    struct sx_evaluator **on;
    struct sx_view *view;
};

/* Put the stream's rows where the table has that key. */
static const struct sx_flow *place(struct sx_bind *b, const struct sx_flow *in, const struct sx_flow *with,
                                   const struct sx_named *keys, uint32_t count, bool left)
{
    if (!sx_keys_are_columns(in, keys, count))
        in = sx_key_by_bind(b, in, keys, count, !left);
    return sx_bind_place(b, in, NULL, with->partitioned_as);
}

/* `when ready`: what the view looks into is read first. False: something is no topic's, which is reported. */
static bool read_first(struct sx_bind *b, const struct sx_view_plan *view)
{
    if (view->origin != NULL && view->origin->entry == NULL) {
        sx_bind_fail(b, SX_JOIN_READY, "a table from a topic, also filtered or mapped, can be waited for",
                     "when `%s` is ready cannot be told: it is worked out from other rows",
                     b->ops->text(b, SX_JOIN_WITH));
        return false;
    }
    if (view->origin != NULL)
        view->origin->read_first = true;
    for (uint32_t i = 0; i < SX_COUNT(view->inputs); i++)
        if (view->inputs[i] != NULL && !read_first(b, view->inputs[i]))
            return false;
    return true;
}

void sx_join_table_bind(struct sx_bind *b, const struct sx_flow *in, const struct sx_flow *with, bool left)
{
    const char *alias = sx_join_alias(b);
    struct lookup_plan *plan = SX_ARENA_NEW(b->arena, struct lookup_plan);
    const struct sx_named *lefts, *rights;
    struct sx_node_plan *node;
    struct sx_from *from;
    struct sx_flow *out;
    uint64_t *reads;
    uint32_t count;

    if (with->view == NULL) {
        sx_bind_fail(b, SX_JOIN_WITH, "join with a table from a topic, or of an aggregate or `latest`",
                     "the rows of `%s` are not kept anywhere", b->ops->text(b, SX_JOIN_WITH));
        return;
    }
    if (with->window != NULL || with->schema->windowed) {
        sx_bind_fail(b, SX_JOIN_WITH, "make a stream of it with `changes`, then `key by` and `latest`",
                     "a stream cannot join a windowed table");
        return;
    }
    if (!b->ops->on(b, SX_JOIN_ON, in, with, alias, &lefts, &rights, &count) || sx_bind_failed(b))
        return;
    /* A global table is read to its end before anything else as it is. */
    if (sx_bind_given(b, SX_JOIN_READY) && with->kind != SX_FLOW_GLOBAL && !read_first(b, with->view))
        return;
    plan->left = left;
    plan->global = with->kind == SX_FLOW_GLOBAL;
    plan->on = lefts;
    plan->on_count = count;
    if (!plan->global)
        in = place(b, in, with, lefts, count, left);
    if (sx_bind_given(b, SX_JOIN_GRACE))
        in = sx_join_grace_bind(b, in, count, with->view);
    plan->view = with->view;
    plan->pairing = sx_join_pairing(b, in, with, alias, left ? SX_JOIN_LEFT : SX_JOIN_INNER);
    plan->pairing.schema = sx_join_named_on(b, plan->pairing.schema, alias, lefts, count);
    node = sx_plan_node(b->plan, plan->global ? &sx_operator_lookup_global : &sx_operator_lookup,
                        b->definition, left ? "left-join" : "join", b->ops->position(b, -1));
    node->plan = plan;
    node->schema = plan->pairing.schema;
    node->from = from = SX_ARENA_ARRAY(b->arena, struct sx_from, node->schema->count + 1);
    /* What is read of the table is read in its store: nobody has to send it. */
    for (uint32_t c = 0; c < node->schema->count; c++)
        from[c] = plan->pairing.from[c].input == 0 ? plan->pairing.from[c] : (struct sx_from){.input = -1};
    sx_plan_link(b->plan, in->node, in->port, node, 0);
    /* The edges put the table into the same tasks; its rows are found in its stores. */
    if (!sx_view_use(b, node, with->view, plan->global ? -1 : 1))
        return;
    reads = sx_bind_columns(b, in->schema);
    if (plan->global) {
        sx_named_columns(lefts, count, reads);
    } else {
        for (uint32_t k = 0; k < in->schema->key_count; k++)
            sx_bit_set(reads, k);
    }
    node->reads[0] = reads;
    out = sx_bind_flow_like(b, in);
    out->node = node;
    out->port = SX_PORT_ROWS;
    out->schema = plan->pairing.schema;
    b->result = out;
}

static void open(const void *p, void *s, struct sx_node *node)
{
    const struct lookup_plan *plan = p;
    struct lookup_state *state = s;

    if (plan->global)
        state->on = sx_evaluators_open(plan->on, plan->on_count);
    state->view = sx_view_open(plan->view, node);
}

static void close(const void *p, void *s, struct sx_node *node)
{
    struct lookup_state *state = s;

    sx_evaluators_close(state->on, ((const struct lookup_plan *)p)->on_count);
    sx_view_close(state->view);
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
    struct lookup_state *state = s;
    struct sx_batch present, out, keys, rows;
    const struct sx_column *on;
    uint16_t *sel;
    uint32_t count = 0;

    if (input == 1)
        return; /* a change of the table makes no row */
    present = sx_batch_present(node->arena, batch);
    if (present.count < batch->count)
        sx_node_drop(node, "null_value", batch->count - present.count);
    on = lookup_columns(plan, state, node, &present);
    if (on == NULL || present.count == 0)
        return;
    keys = present;
    keys.columns = (struct sx_column *)on;
    sx_view_read(state->view, node, &keys, batch->ts, &rows);
    out = present;
    present.gone = NULL;
    sx_pair(&plan->pairing, node->arena, batch->columns, &present, &rows, &out);
    sel = sx_arena_alloc(node->arena, sizeof(*sel) * (present.count + 1));
    for (SX_EACH_ROW(&present, i, row)) {
        if (!sx_batch_is_gone(&out, row))
            sel[count++] = (uint16_t)row;
        else if (sx_row_key_is_null(&keys, plan->on_count, row))
            sx_node_drop(node, "null_key", 1);
    }
    out.sel = sel;
    out.count = count;
    out.ts = batch->ts;
    out.gone = NULL;
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
