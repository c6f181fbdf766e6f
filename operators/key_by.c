/* key_by.c: replace the key columns. The value stays; so do the old key columns, readable, until the
 * next map. `group by` uses it too. */
#include "operators/key_by.h"

struct key_state {
    struct sx_evaluator **keys;
};

static const struct sx_clause clauses[] = {
    {NULL, SX_CLAUSE_EXPRS, false, "The key: `EXPR` or `name: EXPR`, with commas between several."},
};

static void print_keys(struct sx_bind *b, const struct sx_named *keys, uint32_t count,
                       struct sx_node_plan *node)
{
    struct sx_buffer text = {0};

    for (uint32_t i = 0; i < count; i++) {
        sx_buffer_printf(&text, "%s%s=", i ? "," : "", keys[i].name);
        sx_program_print(keys[i].program, &text);
    }
    node->repartition_key = sx_arena_strndup(b->arena, text.data ? text.data : "", text.size);
    sx_buffer_free(&text);
}

/* The new key columns, then the value columns, then what only expressions can read. */
struct sx_flow *sx_key_by_bind(struct sx_bind *b, const struct sx_flow *in, const struct sx_named *keys,
                               uint32_t count, bool skip_null)
{
    const struct sx_schema *old = in->schema;
    struct sx_key_plan *plan = SX_ARENA_NEW(b->arena, struct sx_key_plan);
    struct sx_field *fields = SX_ARENA_ARRAY(b->arena, struct sx_field, count + old->count + 3);
    struct sx_from *from = SX_ARENA_ARRAY(b->arena, struct sx_from, count + old->count + 3);
    uint64_t *reads = sx_bind_columns(b, old);
    struct sx_schema *schema;
    struct sx_node_plan *node;
    struct sx_flow *out;
    const char *qualifier = in->name;
    uint32_t n = 0;

    /* The new key stands on the side of the values it is made of: behind a map neither has a qualifier. */
    for (uint32_t c = 0; c < old->count; c++)
        if (old->fields[c].role == SX_ROLE_VALUE && old->fields[c].qualifier == NULL)
            qualifier = NULL;

    for (uint32_t i = 0; i < count; i++) {
        from[n] = (struct sx_from){.input = -1};
        fields[n++] = (struct sx_field){
            .name = keys[i].name, .type = keys[i].type, .role = SX_ROLE_KEY, .qualifier = qualifier};
    }
    for (uint32_t pass = 0; pass < 2; pass++)
        for (uint32_t c = 0; c < old->count; c++) {
            bool value = old->fields[c].role == SX_ROLE_VALUE;
            bool hidden = false;

            if (value != (pass == 0))
                continue;
            /* An old key column that has the name of a new one is not to make it ambiguous. */
            for (uint32_t i = 0; i < count; i++)
                hidden |= !value && strcmp(old->fields[c].name, keys[i].name) == 0;
            if (hidden)
                continue;
            from[n] = (struct sx_from){.input = 0, .column = (int32_t)c};
            fields[n] = old->fields[c];
            fields[n].role = value ? SX_ROLE_VALUE : SX_ROLE_READABLE;
            n++;
        }
    /* Without a name: only `window same` asks for them. */
    plan->window_column = n;
    for (uint32_t i = 0; i < 2 && old->windowed && in->kind == SX_FLOW_TABLE; i++) {
        from[n] = (struct sx_from){.input = -1};
        fields[n++] = (struct sx_field){.name = "", .type = &sx_type_timestamp, .role = SX_ROLE_READABLE};
    }
    schema = sx_schema_of(b->arena, fields, n, old);
    schema->windowed = false;
    schema->window_ms = 0;
    plan->schema = schema;
    plan->keys = keys;
    plan->count = count;
    plan->skip_null = skip_null;
    sx_named_columns(keys, count, reads);
    node = sx_plan_node(b->plan, in->kind == SX_FLOW_TABLE ? &sx_operator_regroup : &sx_operator_key_by,
                        b->definition, skip_null ? "group" : "key", b->ops->position(b, -1));
    node->plan = plan;
    node->schema = schema;
    node->reads[0] = reads;
    node->from = from;
    sx_plan_link(b->plan, in->node, in->port, node, 0);
    print_keys(b, keys, count, node);
    out = sx_bind_flow_like(b, in);
    /* Of a table both the row before and the row now go to where their groups are. */
    node->wants_old = in->kind == SX_FLOW_TABLE;
    out->node = node;
    out->port = SX_PORT_ROWS;
    out->schema = schema;
    out->moved = true;
    out->window = NULL;
    out->view = NULL;
    return out;
}

bool sx_keys_are_columns(const struct sx_flow *flow, const struct sx_named *keys, uint32_t count)
{
    bool same = count == flow->schema->key_count;

    for (uint32_t i = 0; i < count && same; i++) {
        uint32_t column;
        same = sx_program_is_column(keys[i].program, &column) && column == i;
    }
    return same;
}

static void bind(struct sx_bind *b)
{
    const struct sx_flow *in = sx_bind_input(b);
    const struct sx_named *keys;
    uint32_t count = b->ops->named(b, 0, &keys);

    if (in->kind != SX_FLOW_STREAM) {
        sx_bind_fail(b, -1, in->kind == SX_FLOW_TABLE ? "put `| changes` before it, or use `group by`" : NULL,
                     "`key by` takes a stream");
        return;
    }
    if (sx_bind_failed(b) || count == 0)
        return;
    b->result = sx_key_by_bind(b, in, keys, count, false);
}

static void open(const void *p, void *s, struct sx_node *node)
{
    const struct sx_key_plan *plan = p;

    ((struct key_state *)s)->keys = sx_evaluators_open(plan->keys, plan->count);
}

static void close(const void *p, void *s, struct sx_node *node)
{
    sx_evaluators_close(((struct key_state *)s)->keys, ((const struct sx_key_plan *)p)->count);
}

static void process(const void *p, void *s, struct sx_node *node, uint32_t input,
                    const struct sx_batch *batch)
{
    const struct sx_key_plan *plan = p;
    const struct key_state *state = s;
    struct sx_batch out = *batch;

    out.schema = plan->schema;
    out.old = NULL;
    out.windows = NULL;
    out.columns = SX_ARENA_ARRAY(node->arena, struct sx_column, plan->schema->count + 1);
    if (!sx_evaluate(node, batch, state->keys, plan->count, out.columns))
        return;
    for (uint32_t c = plan->count; c < plan->schema->count; c++)
        out.columns[c] = batch->columns[node->plan->from[c].column];
    if (plan->skip_null) {
        uint16_t *sel = sx_arena_alloc(node->arena, sizeof(*sel) * (batch->count + 1));
        uint32_t count = 0;

        for (SX_EACH_ROW(batch, i, row))
            if (!sx_row_key_is_null(&out, plan->count, row))
                sel[count++] = (uint16_t)row;
        if (count < batch->count)
            sx_node_drop(node, "null_key", batch->count - count);
        out.sel = sel;
        out.count = count;
    }
    sx_node_emit(node, SX_PORT_ROWS, &out);
}

const struct sx_operator_def sx_operator_key_by = {
    .name = "key by",
    .summary = "Replace the key columns; the value stays, a window is dropped. The next stage that "
               "needs it repartitions.",
    .takes = "stream -> stream",
    .clauses = clauses,
    .clause_count = SX_COUNT(clauses),
    .example = {.program = "stream bids from topic \"bids\" { key string value json { user string } }\n"
                           "bids | key by user | to topic \"by-user\"\n",
                .in = "{\"topic\":\"bids\",\"key\":\"a\",\"value\":{\"user\":\"u1\"},\"timestamp\":1}\n",
                .out =
                    "{\"topic\":\"by-user\",\"key\":\"u1\",\"value\":{\"user\":\"u1\"},\"timestamp\":1}\n"},
    .bind = bind,
    .state_bytes = sizeof(struct key_state),
    .open = open,
    .process = process,
    .close = close,
};
