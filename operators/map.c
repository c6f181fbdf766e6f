/* map.c: a new value from expressions; the key and the window stay. */
#include "operators/view.h"

struct map_plan {
    const struct sx_schema *schema;
    const struct sx_named *columns; /* the value columns */
    uint32_t count;
    uint32_t key_count;
    bool is_table;
};

struct map_state {
    struct sx_evaluator **columns;
};

static const struct sx_clause clauses[] = {
    {NULL, SX_CLAUSE_PROJECTION, false,
     "The columns of the new value: `a`, `b: expr`, `*`, `NAME.*`, `* except (c)`."},
};

static void bind(struct sx_bind *b)
{
    const struct sx_flow *in = sx_bind_input(b);
    struct map_plan *plan = SX_ARENA_NEW(b->arena, struct map_plan);
    struct sx_field *fields;
    struct sx_from *from;
    struct sx_node_plan *node;
    struct sx_flow *out;
    uint64_t *reads;
    uint32_t keys = in->schema->key_count;

    plan->count = b->ops->named(b, 0, &plan->columns);
    if (in->kind == SX_FLOW_GROUPS || in->kind == SX_FLOW_GLOBAL) {
        sx_bind_fail(b, -1, in->kind == SX_FLOW_GROUPS ? "map before `group by`" : NULL,
                     "`map` takes a stream or a table");
        return;
    }
    if (sx_bind_failed(b))
        return;
    fields = SX_ARENA_ARRAY(b->arena, struct sx_field, keys + plan->count + 1);
    from = SX_ARENA_ARRAY(b->arena, struct sx_from, keys + plan->count + 1);
    reads = sx_bind_columns(b, in->schema);
    for (uint32_t k = 0; k < keys; k++) {
        fields[k] = in->schema->fields[k];
        fields[k].qualifier = NULL;
        from[k] = (struct sx_from){.input = 0, .column = (int32_t)k};
    }
    for (uint32_t i = 0; i < plan->count; i++) {
        uint32_t column;
        const struct sx_named *item = &plan->columns[i];

        fields[keys + i] = (struct sx_field){.name = item->name, .type = item->type, .role = SX_ROLE_VALUE};
        from[keys + i] = (struct sx_from){.input = -1};
        if (sx_program_is_column(item->program, &column)) {
            from[keys + i] = (struct sx_from){.input = 0, .column = (int32_t)column};
            fields[keys + i].not_null = in->schema->fields[column].not_null;
        } else {
            /* Evaluated even when nothing reads it, so that whether a row fails does not depend on
             * what is written further down. */
            sx_program_columns(item->program, reads);
        }
    }
    plan->schema = sx_schema_of(b->arena, fields, keys + plan->count, in->schema);
    plan->key_count = keys;
    plan->is_table = in->kind == SX_FLOW_TABLE;
    node = sx_bind_node(b, in, "map", plan, plan->schema);
    node->reads[0] = reads;
    node->from = from;
    node->passes_old = plan->is_table;
    out = sx_bind_flow_like(b, in);
    out->schema = plan->schema;
    out->node = node;
    out->port = SX_PORT_ROWS;
    out->view = sx_view_map(b->arena, in->view, plan->schema, plan->columns, plan->count);
    b->result = out;
}

static void open(const void *p, void *s, struct sx_node *node)
{
    const struct map_plan *plan = p;

    ((struct map_state *)s)->columns = sx_evaluators_open(plan->columns, plan->count);
}

static void close(const void *p, void *s, struct sx_node *node)
{
    sx_evaluators_close(((struct map_state *)s)->columns, ((const struct map_plan *)p)->count);
}

/* Columns of the new batch for the rows of `rows`; failures may be collected by the caller. */
static void project(const struct map_plan *plan, struct map_state *state, struct sx_node *node,
                    const struct sx_batch *rows, struct sx_batch *out, struct sx_row_failures *failures)
{
    out->schema = plan->schema;
    out->columns = SX_ARENA_ARRAY(node->arena, struct sx_column, plan->schema->count + 1);
    memcpy(out->columns, rows->columns, sizeof(*out->columns) * plan->key_count);
    for (uint32_t i = 0; i < plan->count; i++)
        sx_eval_column(state->columns[i], rows, node->arena, &out->columns[plan->key_count + i], failures);
}

/* A deleted row has null fields, what is made of the key or of nothing too: as a stream's row it is read. */
static void empty(const struct map_plan *plan, struct sx_node *node, const uint64_t *gone,
                  struct sx_batch *out)
{
    uint32_t words = SX_BITMAP_WORDS(out->rows);

    for (uint32_t i = 0; gone != NULL && i < plan->count; i++) {
        struct sx_column *column = &out->columns[plan->key_count + i];
        uint64_t *nulls = SX_ARENA_ARRAY(node->arena, uint64_t, words + 1);

        for (uint32_t w = 0; w < words; w++)
            nulls[w] = gone[w] | (column->nulls != NULL ? column->nulls[w] : 0);
        column->nulls = nulls;
    }
}

static void process(const void *p, void *s, struct sx_node *node, uint32_t input,
                    const struct sx_batch *batch)
{
    const struct map_plan *plan = p;
    struct sx_row_failures failures = {0};
    struct sx_batch out = *batch, old;

    if (!plan->is_table) {
        project(plan, s, node, batch, &out, &failures);
        out.gone = NULL; /* a null value has null fields, of which this made a value */
    } else {
        struct sx_batch present = sx_batch_present(node->arena, batch);
        project(plan, s, node, &present, &out, &failures);
        empty(plan, node, batch->gone, &out);
    }
    if (sx_node_reject_all(node, batch, &failures))
        return;
    if (batch->old != NULL && node->plan->needs_old) {
        struct sx_batch before = sx_batch_before(node->arena, batch);
        struct sx_batch present = sx_batch_present(node->arena, &before);
        struct sx_row_failures ignored = {0};
        uint64_t *gone = SX_ARENA_ARRAY(node->arena, uint64_t, SX_BITMAP_WORDS(batch->rows) + 1);

        old = *batch->old;
        project(plan, s, node, &present, &old, &ignored);
        if (old.gone != NULL)
            memcpy(gone, old.gone, SX_BITMAP_WORDS(batch->rows) * sizeof(*gone));
        /* A row before that failed was never sent. */
        for (uint32_t i = 0; i < ignored.count; i++)
            sx_bit_set(gone, ignored.items[i].row);
        old.gone = gone;
        out.old = &old;
    } else {
        out.old = NULL;
    }
    sx_node_emit(node, SX_PORT_ROWS, &out);
}

const struct sx_operator_def sx_operator_map = {
    .name = "map",
    .summary = "Make a new value from expressions; the key and the window stay.",
    .takes = "stream -> stream, table -> table",
    .clauses = clauses,
    .clause_count = SX_COUNT(clauses),
    .example =
        {.program = "stream bids from topic \"bids\" { key string value json { price int, n int } }\n"
                    "bids | map { total: price * n, n } | to topic \"totals\"\n",
         .in = "{\"topic\":\"bids\",\"key\":\"a\",\"value\":{\"price\":7,\"n\":3},\"timestamp\":1}\n",
         .out = "{\"topic\":\"totals\",\"key\":\"a\",\"value\":{\"total\":21,\"n\":3},\"timestamp\":1}\n"},
    .per_row = true,
    .bind = bind,
    .state_bytes = sizeof(struct map_state),
    .open = open,
    .process = process,
    .close = close,
};
