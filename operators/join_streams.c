/* join_streams.c: two streams: rows of one key that are near in time. The plan; see join_streams.h. */
#include "operators/join_streams.h"

/* 2^53 ms is 285,000 years: far from overflow when times and spans are added. */
#define LONGEST_MS (INT64_C(1) << 53)
/* A segment of a store is at least so long: many small ones cost more than they save. */
#define SPAN_LEAST_MS 1000

/* ---- How far apart --------------------------------------------------------------------------- */

/* Half of what a lookup spans, so that it looks into two or three segments; of a long retention not too
 * many. */
int64_t sx_streams_span(int64_t reach_ms, int64_t retain_ms)
{
    return SX_MAX(SX_MAX(reach_ms / 2, retain_ms / 256), (int64_t)SPAN_LEAST_MS);
}

static bool read_times(struct sx_bind *b, struct sx_streams_plan *plan)
{
    bool within = sx_bind_given(b, SX_JOIN_WITHIN), before = sx_bind_given(b, SX_JOIN_BEFORE);
    bool after = sx_bind_given(b, SX_JOIN_AFTER);
    int64_t before_ms, after_ms;

    if (within && (before || after))
        sx_bind_fail(b, before ? SX_JOIN_BEFORE : SX_JOIN_AFTER,
                     "write `within D`, or `within before B after A`", "`within` is written twice");
    else if (!within && !(before && after))
        sx_bind_fail(b, before ? SX_JOIN_BEFORE : -1, "write `within D`, or `within before B after A`",
                     before ? "`after` is missing" : "two streams join `within` a time");
    if (sx_bind_given(b, SX_JOIN_READY))
        sx_bind_fail(b, SX_JOIN_READY, "leave it out", "`when ready` is for a table");
    if (!sx_bind_given(b, SX_JOIN_GRACE))
        sx_bind_fail(b, -1, "write `grace 0s` for none",
                     "`grace` must be written: how long late rows count is never a hidden default");
    before_ms = sx_join_duration(b, within ? SX_JOIN_WITHIN : SX_JOIN_BEFORE);
    after_ms = sx_join_duration(b, within ? SX_JOIN_WITHIN : SX_JOIN_AFTER);
    plan->grace_ms = sx_join_duration(b, SX_JOIN_GRACE);
    sx_plan_closes(b->plan, plan->grace_ms);
    plan->sides[0].back_ms = plan->sides[1].ahead_ms = before_ms;
    plan->sides[0].ahead_ms = plan->sides[1].back_ms = after_ms;
    plan->sides[0].waits = plan->how != SX_JOIN_INNER;
    plan->sides[1].waits = plan->how == SX_JOIN_OUTER;
    /* Never 0: rows of one time meet, however little is kept. */
    plan->retain_ms = SX_MAX(before_ms + after_ms + plan->grace_ms, 1);
    plan->span_ms = sx_streams_span(before_ms + after_ms, plan->retain_ms);
    return !sx_bind_failed(b);
}

/* ---- Where the rows are ---------------------------------------------------------------------- */

static bool same_programs(const struct sx_named *a, const struct sx_named *b, uint32_t count)
{
    struct sx_buffer x = {0}, y = {0};
    bool same;

    for (uint32_t i = 0; i < count; i++) {
        sx_program_print(a[i].program, &x);
        sx_program_print(b[i].program, &y);
        sx_buffer_add_byte(&x, '\n');
        sx_buffer_add_byte(&y, '\n');
    }
    same = sx_slice_equal(sx_buffer_slice(&x), sx_buffer_slice(&y));
    sx_buffer_free(&x);
    sx_buffer_free(&y);
    return same;
}

/* Both sides keyed by `on`, and rows of one key in one partition of both. */
static void place(struct sx_bind *b, const struct sx_flow **flows, const struct sx_named *const *on,
                  uint32_t count, enum sx_join_how how)
{
    bool self = flows[0]->node == flows[1]->node && flows[0]->port == flows[1]->port &&
                same_programs(on[0], on[1], count);

    for (uint32_t s = 0; s < 2 - (uint32_t)self; s++)
        if (!sx_keys_are_columns(flows[s], on[s], count))
            flows[s] = sx_key_by_bind(b, flows[s], on[s], count,
                                      s == 0 ? how == SX_JOIN_INNER : how != SX_JOIN_OUTER);
    if (self) {
        /* The same rows by the same key: they travel once. */
        flows[0] = flows[1] = sx_bind_place(b, flows[0], NULL, -1);
    } else if (flows[0]->moved && flows[1]->moved) {
        flows[0] = sx_bind_place(b, flows[0], "left", -1);
        flows[1] = sx_bind_place(b, flows[1], "right", flows[0]->partitioned_as);
    } else if (flows[0]->moved) {
        flows[0] = sx_bind_place(b, flows[0], NULL, flows[1]->partitioned_as);
    } else {
        flows[1] = sx_bind_place(b, flows[1], NULL, flows[0]->partitioned_as);
    }
}

/* ---- What is held ---------------------------------------------------------------------------- */

static bool check_names(struct sx_bind *b, const struct sx_flow *flow, int clause)
{
    const struct sx_schema *schema = flow->schema;

    for (uint32_t c = 0; c < schema->count; c++)
        for (uint32_t d = 0; d < c; d++)
            if (schema->fields[c].role == SX_ROLE_VALUE && schema->fields[d].role == SX_ROLE_VALUE &&
                strcmp(schema->fields[c].name, schema->fields[d].name) == 0) {
                sx_bind_fail(b, clause, "name them apart in a `map` before the join",
                             "two columns are called `%s`", schema->fields[c].name);
                return false;
            }
    return true;
}

void sx_streams_hold(struct sx_bind *b, struct sx_streams_side *side, const struct sx_schema *schema,
                     uint32_t keys)
{
    side->schema = schema;
    side->columns = SX_ARENA_ARRAY(b->arena, uint16_t, schema->count + 1);
    side->types = SX_ARENA_ARRAY(b->arena, const struct sx_type *, schema->count + 1);
    for (uint32_t c = keys; c < schema->count; c++) {
        side->columns[side->column_count] = (uint16_t)c;
        side->types[side->column_count++] = schema->fields[c].type;
    }
}

/* All columns are held, whoever reads them: what a store holds must not depend on its readers. */
static void make_store(struct sx_bind *b, struct sx_node_plan *node, const struct sx_streams_plan *plan,
                       uint32_t side)
{
    struct sx_store_plan *store = sx_bind_store(b, node, side ? "right" : "left", SX_STORE_WINDOW);

    sx_store_keeps(store, b->arena, plan->sides[side].schema);
    sx_store_keeps_span(store, b->arena, "look back", plan->sides[side].back_ms);
    sx_store_keeps_span(store, b->arena, "look ahead", plan->sides[side].ahead_ms);
    sx_store_keeps_span(store, b->arena, "grace", plan->grace_ms);
    sx_store_keeps_also(store, b->arena, "rows without a match", "%s",
                        plan->sides[side].waits ? "kept to be sent" : "not sent");
    store->retention_ms = plan->retain_ms;
    store->format = 1;
}

/* How far behind the newest row a row may leave: what a grace behind the join must allow for. */
static int64_t delay_of(const struct sx_streams_plan *plan, const struct sx_flow *const *flows)
{
    int64_t delay = SX_MAX(flows[0]->delay_ms, flows[1]->delay_ms);
    int64_t own = 0;

    for (uint32_t s = 0; s < 2; s++)
        if (plan->sides[s].waits)
            own = SX_MAX(own, plan->sides[s].ahead_ms + plan->grace_ms);
    return SX_MIN(delay + own, LONGEST_MS);
}

static const char *const stage_names[] = {"join", "left-join", "outer-join"};

void sx_join_streams_bind(struct sx_bind *b, const struct sx_flow *in, const struct sx_flow *with,
                          enum sx_join_how how)
{
    struct sx_streams_plan *plan = SX_ARENA_NEW(b->arena, struct sx_streams_plan);
    const struct sx_flow *flows[2] = {in, with};
    const struct sx_named *on[2];
    struct sx_join_shape shape = {.how = how, .alias = sx_join_alias(b), .key_apart = how == SX_JOIN_OUTER};
    struct sx_node_plan *node;
    struct sx_from *from;
    struct sx_flow *out;
    uint32_t count;

    plan->how = how;
    if (!sx_bind_given(b, SX_JOIN_ON)) {
        sx_bind_fail(b, -1, "write `on a == R.b within D grace D`", "the join has no `on`");
        return;
    }
    if (!b->ops->on(b, SX_JOIN_ON, in, with, shape.alias, &on[0], &on[1], &count) || !read_times(b, plan) ||
        !check_names(b, in, -1) || !check_names(b, with, SX_JOIN_WITH))
        return;
    sx_bind_warn_of_delay(b, in, SX_JOIN_GRACE, plan->grace_ms);
    sx_bind_warn_of_delay(b, with, SX_JOIN_GRACE, plan->grace_ms);
    place(b, flows, on, count, how);
    for (uint32_t s = 0; s < 2; s++) {
        sx_streams_hold(b, &plan->sides[s], flows[s]->schema, count);
        shape.sides[s] =
            (struct sx_join_side){flows[s]->schema, sx_keys_are_columns(s ? with : in, on[s], count)};
    }
    plan->key_count = count;
    plan->key_types = sx_schema_types(b->arena, flows[0]->schema);
    plan->schema = sx_join_schema(b, &shape, &from);
    if (how != SX_JOIN_OUTER)
        plan->schema = sx_join_named_on(b, plan->schema, shape.alias, on[0], count);
    node = sx_plan_node(b->plan, &sx_operator_join_streams, b->definition, stage_names[how],
                        b->ops->position(b, -1));
    node->plan = plan;
    node->schema = plan->schema;
    node->from = from;
    for (uint32_t s = 0; s < 2; s++) {
        sx_plan_link(b->plan, flows[s]->node, flows[s]->port, node, s);
        node->reads[s] = sx_columns_all(b->arena, flows[s]->schema);
        make_store(b, node, plan, s);
    }
    out = sx_bind_flow_like(b, flows[0]);
    out->node = node;
    out->port = SX_PORT_ROWS;
    out->schema = plan->schema;
    out->window = NULL;
    out->delay_ms = delay_of(plan, flows);
    out->has_headers = in->has_headers || with->has_headers;
    b->result = out;
}
