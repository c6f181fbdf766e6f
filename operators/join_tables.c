/* join_tables.c: two tables of one key.
 *
 * When a row of one side changes, the other side's row of that key is looked up, and the result goes on:
 * as a row, or as a deletion of one that was there. What the result was before follows from the row before
 * and from the other side as it is, for nothing of the other side has changed since. With one exception: when
 * both sides come from one table, a change of it reaches the join twice, and the first time the other side
 * is already ahead. Then the join keeps its results, so that it knows what it sent.
 */
#include "operators/join.h"

struct tables_plan {
    struct sx_pairing pairing;
    const struct sx_view_plan *views[2];
    bool kept; /* the results are in stores[0] */
};

struct tables_state {
    struct sx_view *views[2];
};

/* What two tables must have in common to meet. False: reported. */
static bool check_sides(struct sx_bind *b, const struct sx_flow *in, const struct sx_flow *with)
{
    const struct sx_schema *l = in->schema, *r = with->schema;
    const char *name = b->ops->text(b, SX_JOIN_WITH);
    const struct sx_window_spec *a = in->window, *c = with->window;
    bool same = l->key_count == r->key_count;

    for (uint32_t k = 0; k < l->key_count && same; k++)
        same = sx_type_equal(l->fields[k].type, r->fields[k].type);
    if (!same || l->key_count == 0) {
        sx_bind_fail(b, SX_JOIN_WITH, "join by a foreign key: write `on` and what equals its key",
                     "the keys of `%s` and `%s` are of different types", in->name, name);
        return false;
    }
    same = l->windowed == r->windowed && (a == NULL) == (c == NULL);
    if (same && a != NULL)
        same = a->kind == c->kind && a->size_ms == c->size_ms && a->advance_ms == c->advance_ms &&
               a->offset_ms == c->offset_ms;
    if (!same) {
        sx_bind_fail(b, SX_JOIN_WITH, "give both the same window, or none",
                     "`%s` and `%s` have different windows", in->name, name);
        return false;
    }
    if (in->view == NULL || with->view == NULL) {
        sx_bind_fail(b, in->view ? SX_JOIN_WITH : -1,
                     "join with a table from a topic, or of an aggregate or `latest`",
                     "the rows of `%s` are not kept anywhere", in->view ? name : in->name);
        return false;
    }
    return true;
}

/* Rows of one key must be in one partition. */
static bool check_place(struct sx_bind *b, const struct sx_flow *in, const struct sx_flow *with)
{
    if (sx_bind_place(b, in, NULL, with->partitioned_as) == in)
        return true;
    sx_bind_fail(
        b, SX_JOIN_WITH,
        in->schema->key_count > 1
            ? "a key of several columns is written with their names: name the columns alike in both tables"
            : "write its changes out by that key, with `changes`, `repartition` and `latest`",
        "`%s` and `%s` encode their keys differently, so that rows of one key are in different partitions",
        in->name, b->ops->text(b, SX_JOIN_WITH));
    return false;
}

static void keep_results(struct sx_bind *b, struct sx_node_plan *node)
{
    struct sx_store_plan *store = sx_bind_store(b, node, NULL, SX_STORE_KV);

    sx_store_keeps(store, b->arena, node->schema);
}

static void read_columns(struct sx_bind *b, struct sx_node_plan *node, uint32_t side,
                         const struct sx_schema *schema, bool all)
{
    uint64_t *reads = all ? sx_columns_all(b->arena, schema) : sx_bind_columns(b, schema);

    for (uint32_t k = 0; k < schema->key_count; k++)
        sx_bit_set(reads, k);
    node->reads[side] = reads;
}

void sx_join_tables_bind(struct sx_bind *b, const struct sx_flow *in, const struct sx_flow *with,
                         enum sx_join_how how)
{
    static const char *const stages[] = {"join", "left-join", "outer-join"};
    struct tables_plan *plan = SX_ARENA_NEW(b->arena, struct tables_plan);
    struct sx_node_plan *node;
    struct sx_view_plan *view;
    struct sx_flow *out;

    if (!check_sides(b, in, with) || !check_place(b, in, with))
        return;
    plan->pairing = sx_join_pairing(b, in, with, sx_join_alias(b), how);
    plan->views[0] = in->view;
    plan->views[1] = with->view;
    plan->kept = sx_view_feeds(in->view, with->node) || sx_view_feeds(with->view, in->node);
    node =
        sx_plan_node(b->plan, &sx_operator_join_tables, b->definition, stages[how], b->ops->position(b, -1));
    node->plan = plan;
    node->schema = plan->pairing.schema;
    node->from = plan->pairing.from;
    node->wants_old = true;
    node->passes_old = true;
    if (plan->kept)
        keep_results(b, node);
    sx_plan_link(b->plan, in->node, in->port, node, 0);
    sx_plan_link(b->plan, with->node, with->port, node, 1);
    read_columns(b, node, 0, in->schema, plan->kept);
    read_columns(b, node, 1, with->schema, plan->kept);
    if (!sx_view_use(b, node, in->view, -1) || !sx_view_use(b, node, with->view, -1))
        return;
    out = sx_bind_flow_like(b, in);
    out->node = node;
    out->port = SX_PORT_ROWS;
    out->schema = node->schema;
    out->emit = SX_EMIT_CHANGES;
    out->emit_written = false;
    if (plan->kept) {
        out->view = sx_view_rows(b->arena, node, b->plan->stores[node->stores[0]], node->schema, 0);
    } else {
        view = SX_ARENA_NEW(b->arena, struct sx_view_plan);
        *view = (struct sx_view_plan){.kind = SX_VIEW_PAIR,
                                      .schema = node->schema,
                                      .inputs = {in->view, with->view},
                                      .pairing = &plan->pairing};
        out->view = view;
    }
    b->result = out;
}

static void open(const void *p, void *s, struct sx_node *node)
{
    for (int side = 0; side < 2; side++)
        ((struct tables_state *)s)->views[side] =
            sx_view_open(((const struct tables_plan *)p)->views[side], node);
}

static void close(const void *p, void *s, struct sx_node *node)
{
    for (int side = 0; side < 2; side++)
        sx_view_close(((struct tables_state *)s)->views[side]);
}

/* The results for one side's rows, `mine`, with the other's. */
static void join_rows(const struct tables_plan *plan, struct sx_node *node, uint32_t side,
                      const struct sx_batch *mine, const struct sx_batch *other, struct sx_batch *out)
{
    *out = *mine;
    out->old = NULL;
    sx_pair(&plan->pairing, node->arena, mine->columns, side == 0 ? mine : other, side == 0 ? other : mine,
            out);
}

/* A deletion has the time at which it became one: that of the change, or of the other side's row. */
static void deletion_times(const struct sx_batch *mine, const struct sx_batch *other, struct sx_batch *out)
{
    int64_t *ts = (int64_t *)out->ts;

    for (SX_EACH_ROW(out, i, row))
        ts[row] = sx_batch_is_gone(other, row) ? mine->ts[row] : SX_MAX(mine->ts[row], other->ts[row]);
}

static void process(const void *p, void *s, struct sx_node *node, uint32_t input,
                    const struct sx_batch *changes)
{
    const struct tables_plan *plan = p;
    struct tables_state *state = s;
    struct sx_batch current = sx_batch_current(node->arena, changes);
    const struct sx_batch *batch = &current;
    struct sx_batch other, out, before, old;
    uint16_t *sel;
    uint32_t count = 0;

    sx_view_read(state->views[1 - input], node, batch, NULL, &other);
    join_rows(plan, node, input, batch, &other, &out);
    deletion_times(batch, &other, &out);
    if (plan->kept) {
        sx_table_upsert(node, &out, NULL, true);
        return;
    }
    if (batch->old != NULL) {
        before = sx_batch_before(node->arena, batch);
        join_rows(plan, node, input, &before, &other, &old);
    }
    sel = sx_arena_alloc(node->arena, sizeof(*sel) * (batch->count + 1));
    for (SX_EACH_ROW(batch, i, row))
        if (!sx_batch_is_gone(&out, row) || batch->old == NULL || !sx_batch_is_gone(&old, row))
            sel[count++] = (uint16_t)row;
    out.sel = sel;
    out.count = count;
    if (batch->old != NULL && node->plan->needs_old)
        out.old = &old;
    sx_node_emit(node, SX_PORT_ROWS, &out);
}

static void print(const void *p, struct sx_buffer *to)
{
    if (((const struct tables_plan *)p)->kept)
        sx_buffer_add_text(to, "its results are kept, for one change reaches it on two ways");
}

const struct sx_operator_def sx_operator_join_tables = {
    .name = "join tables",
    .summary = "Two tables of one key.",
    .takes = "table, table -> table",
    .internal = true,
    .state_bytes = sizeof(struct tables_state),
    .open = open,
    .process = process,
    .close = close,
    .print = print,
};
