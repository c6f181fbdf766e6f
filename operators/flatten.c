/* flatten.c: one row per array element; several arrays side by side. */
#include "operators/common.h"

struct flatten_plan {
    const struct sx_schema *schema;
    const struct sx_named *arrays;
    uint32_t count;
    uint32_t first; /* column of the first element in the output */
};

struct flatten_state {
    struct sx_evaluator **arrays;
};

static const struct sx_clause clauses[] = {
    {NULL, SX_CLAUSE_ALIASED, false, "The arrays and the names of their elements: `EXPR as NAME`."},
};

static void bind(struct sx_bind *b)
{
    const struct sx_flow *in = sx_bind_input(b);
    struct flatten_plan *plan = SX_ARENA_NEW(b->arena, struct flatten_plan);
    const struct sx_schema *old = in->schema;
    struct sx_field *fields;
    struct sx_from *from;
    struct sx_node_plan *node;
    struct sx_flow *out;
    uint64_t *reads = sx_bind_columns(b, old);

    plan->count = b->ops->named(b, 0, &plan->arrays);
    if (in->kind != SX_FLOW_STREAM)
        sx_bind_fail(b, -1, "put `| changes` before it", "`flatten` takes a stream");
    for (uint32_t i = 0; i < plan->count; i++) {
        bool ambiguous;
        int taken = sx_schema_find(old, SX_SLICE_NONE, sx_slice_of(plan->arrays[i].name), &ambiguous);

        if (plan->arrays[i].type == NULL)
            continue;
        if (plan->arrays[i].type->kind != SX_ARRAY)
            sx_bind_fail(b, 0,
                         plan->arrays[i].type->kind == SX_JSON ? "write `cast(... as array<json>)`" : NULL,
                         "`flatten` needs an array, and `%s` is %s", plan->arrays[i].name,
                         sx_type_text(plan->arrays[i].type, b->arena));
        if (taken >= 0 && old->fields[taken].role == SX_ROLE_VALUE)
            sx_bind_fail(b, 0, "give the element another name", "there is a column `%s` already",
                         plan->arrays[i].name);
    }
    if (sx_bind_failed(b))
        return;
    /* Key and value columns keep their places, the elements follow the value columns. */
    fields = SX_ARENA_ARRAY(b->arena, struct sx_field, old->count + plan->count + 1);
    from = SX_ARENA_ARRAY(b->arena, struct sx_from, old->count + plan->count + 1);
    for (uint32_t c = 0, n = 0; c <= old->count; c++) {
        if (c == old->key_count + old->value_count) {
            plan->first = n;
            for (uint32_t i = 0; i < plan->count; i++, n++) {
                fields[n] = (struct sx_field){.name = plan->arrays[i].name,
                                              .role = SX_ROLE_VALUE,
                                              .type = plan->arrays[i].type->element,
                                              .qualifier = in->name};
                from[n] = (struct sx_from){.input = -1};
            }
        }
        if (c < old->count) {
            fields[n] = old->fields[c];
            from[n++] = (struct sx_from){.input = 0, .column = (int32_t)c};
        }
    }
    plan->schema = sx_schema_of(b->arena, fields, old->count + plan->count, old);
    sx_named_columns(plan->arrays, plan->count, reads);
    node = sx_bind_node(b, in, "flatten", plan, plan->schema);
    node->reads[0] = reads;
    node->from = from;
    out = sx_bind_flow_like(b, in);
    out->schema = plan->schema;
    out->node = node;
    out->port = SX_PORT_ROWS;
    b->result = out;
}

static void open(const void *p, void *s, struct sx_node *node)
{
    const struct flatten_plan *plan = p;

    ((struct flatten_state *)s)->arrays = sx_evaluators_open(plan->arrays, plan->count);
}

static void close(const void *p, void *s, struct sx_node *node)
{
    sx_evaluators_close(((struct flatten_state *)s)->arrays, ((const struct flatten_plan *)p)->count);
}

/* Emit `count` rows: copies of rows[i] with element elements[i] of each array. */
static void flush(const struct flatten_plan *plan, struct sx_node *node, const struct sx_batch *batch,
                  const struct sx_column *arrays, const uint16_t *rows, const uint32_t *elements,
                  uint32_t count)
{
    struct sx_batch copy, out;

    if (count == 0)
        return;
    copy = sx_batch_gather(node->arena, batch, rows, count);
    out = copy;
    out.schema = plan->schema;
    out.columns = SX_ARENA_ARRAY(node->arena, struct sx_column, plan->schema->count + 1);
    for (uint32_t c = 0; c < plan->schema->count; c++) {
        const struct sx_from *from = &node->plan->from[c];

        if (from->input == 0)
            out.columns[c] = copy.columns[from->column];
    }
    for (uint32_t a = 0; a < plan->count; a++) {
        struct sx_column *to = &out.columns[plan->first + a];

        *to = sx_column_new(node->arena, plan->arrays[a].type->element, count);
        sx_column_nulls(to, node->arena, count);
        for (uint32_t i = 0; i < count; i++) {
            struct sx_value array = sx_column_get(&arrays[a], rows[i]);
            bool there = array.kind != SX_NULL && elements[i] < array.size;
            sx_column_set(to, i, there ? array.items[elements[i]] : SX_VALUE_NULL);
        }
    }
    sx_node_emit(node, SX_PORT_ROWS, &out);
}

static void process(const void *p, void *s, struct sx_node *node, uint32_t input,
                    const struct sx_batch *batch)
{
    const struct flatten_plan *plan = p;
    const struct flatten_state *state = s;
    struct sx_column *arrays = SX_ARENA_ARRAY(node->arena, struct sx_column, plan->count);
    uint16_t *rows = sx_arena_alloc(node->arena, sizeof(*rows) * SX_BATCH_ROWS);
    uint32_t *elements = sx_arena_alloc(node->arena, sizeof(*elements) * SX_BATCH_ROWS);
    uint32_t count = 0;

    if (!sx_evaluate(node, batch, state->arrays, plan->count, arrays))
        return;
    for (SX_EACH_ROW(batch, i, row)) {
        uint32_t longest = 0;

        for (uint32_t a = 0; a < plan->count; a++) {
            struct sx_value array = sx_column_get(&arrays[a], row);
            longest = SX_MAX(longest, array.kind == SX_NULL ? 0 : array.size);
        }
        for (uint32_t e = 0; e < longest; e++) {
            if (count == SX_BATCH_ROWS) {
                flush(plan, node, batch, arrays, rows, elements, count);
                count = 0;
            }
            rows[count] = (uint16_t)row;
            elements[count++] = e;
        }
    }
    flush(plan, node, batch, arrays, rows, elements, count);
}

const struct sx_operator_def sx_operator_flatten = {
    .name = "flatten",
    .summary = "Make one row per array element; several arrays go side by side, padded with null.",
    .takes = "stream -> stream",
    .clauses = clauses,
    .clause_count = SX_COUNT(clauses),
    .example =
        {.program = "stream carts from topic \"carts\" { key string value json { items array<string> } }\n"
                    "carts | flatten items as item | map { item } | to topic \"items\"\n",
         .in = "{\"topic\":\"carts\",\"key\":\"a\",\"value\":{\"items\":[\"x\",\"y\"]},\"timestamp\":1}\n",
         .out = "{\"topic\":\"items\",\"key\":\"a\",\"value\":{\"item\":\"x\"},\"timestamp\":1}\n"
                "{\"topic\":\"items\",\"key\":\"a\",\"value\":{\"item\":\"y\"},\"timestamp\":1}\n"},
    .bind = bind,
    .state_bytes = sizeof(struct flatten_state),
    .open = open,
    .process = process,
    .close = close,
};
