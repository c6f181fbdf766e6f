/* latest.c: a stream as a table: the latest value of each key. */
#include "operators/view.h"

#include "operators/expiry.h"

struct latest_plan {
    const struct sx_program *delete_when; /* NULL: only a null value deletes */
    const struct sx_expiry_plan *expiry;  /* `ttl` follows; else NULL */
};

struct latest_state {
    struct sx_evaluator *delete_when;
    struct sx_expiry expiry;
};

static const struct sx_clause clauses[] = {
    {"delete when", SX_CLAUSE_EXPR, true, "A row for which this is true deletes, as a null value does."},
};

static void bind(struct sx_bind *b)
{
    const struct sx_flow *in = sx_bind_input(b);
    struct latest_plan *plan = SX_ARENA_NEW(b->arena, struct latest_plan);
    struct sx_schema *schema;
    struct sx_store_plan *store;
    struct sx_node_plan *node;
    struct sx_flow *out;
    uint64_t *reads;

    if (in->kind != SX_FLOW_STREAM) {
        sx_bind_fail(b, -1, in->kind == SX_FLOW_TABLE ? "it is a table already" : NULL,
                     "`latest` takes a stream");
        return;
    }
    if (in->schema->key_count == 0) {
        sx_bind_fail(b, -1, "write `| key by ...` before it", "`latest` needs a key, and the rows have none");
        return;
    }
    if (sx_bind_given(b, 0))
        plan->delete_when = b->ops->expr(b, 0, &sx_type_bool, NULL);
    if (sx_bind_failed(b))
        return;
    in = sx_bind_place(b, in, NULL, -1);
    schema = sx_schema_of(b->arena, in->schema->fields, in->schema->key_count + in->schema->value_count,
                          in->schema);
    schema->is_table = true;
    node = sx_bind_node(b, in, "latest", plan, schema);
    /* All columns are stored, whoever reads them: what a store holds must not depend on its readers. */
    reads = sx_columns_all(b->arena, schema);
    if (plan->delete_when != NULL)
        sx_program_columns(plan->delete_when, reads);
    node->reads[0] = reads;
    node->from = sx_from_same(b->arena, schema);
    store = sx_bind_store(b, node, NULL, SX_STORE_KV);
    sx_store_keeps(store, b->arena, schema);
    out = sx_bind_flow_like(b, in);
    out->kind = SX_FLOW_TABLE;
    out->schema = schema;
    out->node = node;
    out->port = SX_PORT_ROWS;
    out->view = sx_view_rows(b->arena, node, store, schema, 0);
    out->emit = SX_EMIT_CHANGES;
    out->emit_written = false;
    b->result = out;
}

extern const struct sx_operator_def sx_operator_latest;

bool sx_latest_expire(struct sx_bind *b, const struct sx_flow *table, int64_t span_ms)
{
    struct latest_plan *plan = (struct latest_plan *)table->node->plan;

    if (table->node->op != &sx_operator_latest || plan->expiry != NULL ||
        strcmp(table->node->definition, b->definition) != 0)
        return false;
    plan->expiry = sx_expiry_bind(b, table->node, span_ms);
    return true;
}

static void open(const void *p, void *s, struct sx_node *node)
{
    const struct latest_plan *plan = p;
    struct latest_state *state = s;

    if (plan->delete_when != NULL)
        state->delete_when = sx_evaluator_new(plan->delete_when);
    if (plan->expiry != NULL)
        sx_expiry_open(plan->expiry, &state->expiry, node);
}

static void close(const void *p, void *s, struct sx_node *node)
{
    if (((struct latest_state *)s)->delete_when != NULL)
        sx_evaluator_free(((struct latest_state *)s)->delete_when);
}

static void process(const void *p, void *s, struct sx_node *node, uint32_t input,
                    const struct sx_batch *batch)
{
    const struct sx_expiry_plan *expiry = ((const struct latest_plan *)p)->expiry;
    struct latest_state *state = s;
    struct sx_row_failures failures = {0};
    uint64_t *deleted = NULL;

    if (state->delete_when != NULL) {
        struct sx_batch present = sx_batch_present(node->arena, batch);
        const uint16_t *sel;
        uint32_t count;

        deleted = SX_ARENA_ARRAY(node->arena, uint64_t, SX_BITMAP_WORDS(batch->rows) + 1);
        sx_eval_select(state->delete_when, &present, node->arena, &sel, &count, &failures);
        if (sx_node_reject_all(node, batch, &failures))
            return;
        for (uint32_t i = 0; i < count; i++)
            sx_bit_set(deleted, sel[i]);
    }
    if (expiry != NULL)
        sx_expiry_upsert(expiry, &state->expiry, node, batch, deleted);
    else
        sx_table_upsert(node, batch, deleted, false);
}

static void on_time(const void *p, void *s, struct sx_node *node, int64_t stream_time_ms, int64_t wall_ms)
{
    const struct latest_plan *plan = p;

    if (plan->expiry != NULL)
        sx_expiry_upsert_on_time(plan->expiry, &((struct latest_state *)s)->expiry, node, stream_time_ms);
}

static void print(const void *p, struct sx_buffer *to)
{
    const struct latest_plan *plan = p;

    if (plan->expiry == NULL)
        return;
    sx_buffer_add_text(to, "ttl ");
    sx_add_duration(to, plan->expiry->span_ms);
}

#define EXAMPLE_FILE                                                                \
    "stream moves from topic \"moves\" { key string value json { room string } }\n" \
    "table rooms = moves | latest delete when room == \"out\"\n"                    \
    "rooms | to topic \"rooms\"\n"

const struct sx_operator_def sx_operator_latest = {
    .name = "latest",
    .summary = "Make a table of a stream: the latest value of each key; a null value deletes.",
    .takes = "stream -> table",
    .clauses = clauses,
    .clause_count = SX_COUNT(clauses),
    .example = {.program = EXAMPLE_FILE,
                .in = "{\"topic\":\"moves\",\"key\":\"a\",\"value\":{\"room\":\"hall\"},\"timestamp\":1}\n"
                      "{\"topic\":\"moves\",\"key\":\"a\",\"value\":{\"room\":\"out\"},\"timestamp\":2}\n",
                .out = "{\"topic\":\"rooms\",\"key\":\"a\",\"value\":{\"room\":\"hall\"},\"timestamp\":1}\n"
                       "{\"topic\":\"rooms\",\"key\":\"a\",\"value\":null,\"timestamp\":2}\n"},
    .bind = bind,
    .state_bytes = sizeof(struct latest_state),
    .open = open,
    .process = process,
    .on_time = on_time,
    .close = close,
    .print = print,
};
