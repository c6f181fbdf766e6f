/* ttl.c: rows of a table that have not been written for a time are deleted.
 *
 *   ttl 1h      a row written at t goes when stream time reaches t + 1h
 *
 * Directly behind an aggregate without window, or `latest`, of the same definition that stage forgets the
 * rows itself: so its state does not grow, and a group that comes back starts anew. Any other table is kept
 * here once more, so that what other readers see of it stays.
 */
#include "operators/view.h"

#include "operators/expiry.h"

enum { SPAN };

struct ttl_plan {
    const struct sx_expiry_plan *expiry;
};

static const struct sx_clause clauses[] = {
    [SPAN] = {NULL, SX_CLAUSE_DURATION, false, "How long of event time a row stays that is not written."},
};

/* 2^50 ms is 35,000 years: far from overflow when spans are added to times. */
#define LONGEST_MS (INT64_C(1) << 50)

static void bind(struct sx_bind *b)
{
    const struct sx_flow *in = sx_bind_input(b);
    struct ttl_plan *plan = SX_ARENA_NEW(b->arena, struct ttl_plan);
    struct sx_store_plan *store;
    struct sx_node_plan *node;
    struct sx_schema *schema;
    struct sx_flow *out;
    int64_t span_ms;

    if (in->kind != SX_FLOW_TABLE) {
        sx_bind_fail(b, -1,
                     in->kind == SX_FLOW_GROUPS   ? "write `| aggregate { ... }` before it"
                     : in->kind == SX_FLOW_STREAM ? "write `| latest` before it"
                                                  : "a global table is what its topic holds",
                     "`ttl` takes a table");
        return;
    }
    span_ms = b->ops->integer(b, SPAN);
    if (!sx_bind_failed(b) && (span_ms < 1 || span_ms > LONGEST_MS))
        sx_bind_fail(b, SPAN, NULL, span_ms < 1 ? "it must be positive" : "it is longer than 35,000 years");
    if (sx_bind_failed(b))
        return;
    if (sx_aggregate_expire(b, in, span_ms) || sx_latest_expire(b, in, span_ms)) {
        b->result = in;
        return;
    }
    schema = sx_schema_of(b->arena, in->schema->fields, in->schema->key_count + in->schema->value_count,
                          in->schema);
    node = sx_bind_node(b, in, "ttl", plan, schema);
    /* All columns are stored, whoever reads them: what a store holds must not depend on its readers. */
    node->reads[0] = sx_columns_all(b->arena, schema);
    node->from = sx_from_same(b->arena, schema);
    store = sx_bind_store(b, node, NULL, SX_STORE_KV);
    sx_store_keeps(store, b->arena, schema);
    plan->expiry = sx_expiry_bind(b, node, span_ms);
    out = sx_bind_flow_like(b, in);
    out->node = node;
    out->schema = schema;
    out->port = SX_PORT_ROWS;
    out->view = sx_view_rows(b->arena, node, store, schema, 0);
    b->result = out;
}

static void open(const void *p, void *s, struct sx_node *node)
{
    sx_expiry_open(((const struct ttl_plan *)p)->expiry, s, node);
}

static void process(const void *p, void *s, struct sx_node *node, uint32_t input,
                    const struct sx_batch *batch)
{
    struct sx_batch current = sx_batch_current(node->arena, batch);

    sx_expiry_upsert(((const struct ttl_plan *)p)->expiry, s, node, &current, NULL);
}

static void on_time(const void *p, void *s, struct sx_node *node, int64_t stream_time_ms, int64_t wall_ms)
{
    sx_expiry_upsert_on_time(((const struct ttl_plan *)p)->expiry, s, node, stream_time_ms);
}

static void print(const void *p, struct sx_buffer *to)
{
    sx_add_duration(to, ((const struct ttl_plan *)p)->expiry->span_ms);
}

#define LOGIN(KEY, TIME) \
    "{\"topic\":\"logins\",\"key\":\"" KEY "\",\"value\":{\"n\":1},\"timestamp\":" TIME "}\n"
#define SEEN(KEY, VALUE, TIME) \
    "{\"topic\":\"seen\",\"key\":\"" KEY "\",\"value\":" VALUE ",\"timestamp\":" TIME "}\n"

const struct sx_operator_def sx_operator_ttl = {
    .name = "ttl",
    .summary = "Delete a table's rows that have not been written for this long, by event time.",
    .takes = "table -> table",
    .clauses = clauses,
    .clause_count = SX_COUNT(clauses),
    .example = {.program = "stream logins from topic \"logins\" { key string value json { n int } }\n"
                           "table seen = logins | group by key | aggregate { logins: count() } | ttl 1m\n"
                           "seen | to topic \"seen\"\n",
                .in = LOGIN("ada", "0") LOGIN("bob", "59999") LOGIN("bob", "60000"),
                .out = SEEN("ada", "{\"logins\":1}", "0") SEEN("bob", "{\"logins\":1}", "59999")
                    SEEN("ada", "null", "60000") SEEN("bob", "{\"logins\":2}", "60000")},
    .bind = bind,
    .state_bytes = sizeof(struct sx_expiry),
    .open = open,
    .process = process,
    .on_time = on_time,
    .print = print,
};
