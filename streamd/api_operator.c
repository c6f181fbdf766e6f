/* api_operator.c: operators that a program adds: a stage from its signature, and the rows between the
 * engine and its callback. */
#include "streamd/extension.h"

#include "operators/common.h"

/* ---- The stage ------------------------------------------------------------------------------- */

struct plan {
    const struct streamd_extension *e;
    const struct sx_named *args;
    const struct sx_type **types; /* that the arguments are given as */
    uint32_t arg_count;
    uint32_t first; /* of the callback's columns in the output */
    const struct sx_schema *schema;
    struct sx_position at;
};

struct state {
    struct sx_evaluator **args;
};

static const struct streamd_extension *extension_of(const struct sx_operator_def *def)
{
    return (const struct streamd_extension *)((const char *)def - offsetof(struct streamd_extension, op.def));
}

/* The arguments against the signature. */
static void bind_arguments(struct sx_bind *b, struct plan *plan)
{
    const struct sx_signature *signature = &plan->e->signature;
    const struct sx_type *given[SX_CALL_ARGS_MAX], *result;
    struct sx_buffer text = {0};
    uint32_t casts;
    bool fits;

    plan->arg_count = b->op->clause_count ? b->ops->named(b, 0, &plan->args) : 0;
    if (sx_bind_failed(b))
        return;
    if (plan->arg_count > SX_CALL_ARGS_MAX) {
        sx_bind_fail(b, 0, NULL, "a stage takes at most %d arguments", SX_CALL_ARGS_MAX);
        return;
    }
    plan->types = SX_ARENA_ARRAY(b->arena, const struct sx_type *, plan->arg_count + 1);
    for (uint32_t i = 0; i < plan->arg_count; i++)
        given[i] = plan->args[i].type;
    fits = sx_signature_match(signature, given, plan->arg_count, b->arena, &result, plan->types, &casts);
    for (uint32_t i = 0; i < plan->arg_count; i++) {
        fits = fits && (sx_type_equal(given[i], plan->types[i]) || plan->types[i]->kind == SX_DOUBLE ||
                        plan->types[i]->kind == SX_DECIMAL);
        sx_buffer_add_text(&text, i ? ", " : "");
        sx_type_print(given[i], &text);
    }
    sx_buffer_add_byte(&text, '\0');
    if (!fits)
        sx_bind_fail(b, plan->arg_count ? 0 : -1, plan->e->op.def.summary, "`%s` does not take (%s)",
                     b->op->name, text.data);
    sx_buffer_free(&text);
}

/* The key columns, the input's others if they stay, the callback's. */
static const struct sx_from *bind_columns(struct sx_bind *b, const struct sx_schema *in, struct plan *plan)
{
    const struct sx_type *columns = plan->e->op.columns;
    uint32_t most = in->count + columns->field_count + 1, count = 0;
    struct sx_field *fields = SX_ARENA_ARRAY(b->arena, struct sx_field, most);
    struct sx_from *from = SX_ARENA_ARRAY(b->arena, struct sx_from, most);

    for (uint32_t c = 0; c <= in->count; c++) {
        if (c == in->key_count + (plan->e->op.keeps_input ? in->value_count : 0)) {
            plan->first = count;
            for (uint32_t i = 0; i < columns->field_count; i++) {
                fields[count] = (struct sx_field){
                    .name = columns->fields[i].name, .type = columns->fields[i].type, .role = SX_ROLE_VALUE};
                from[count++] = (struct sx_from){.input = -1};
            }
        }
        if (c == in->count || (c >= in->key_count && !plan->e->op.keeps_input))
            continue;
        fields[count] = in->fields[c];
        if (!plan->e->op.keeps_input)
            fields[count].qualifier = NULL;
        from[count++] = (struct sx_from){.input = 0, .column = (int32_t)c};
    }
    for (uint32_t i = in->key_count; i < count; i++)
        for (uint32_t j = in->key_count; j < i && fields[i].role == SX_ROLE_VALUE && from[i].input < 0; j++)
            if (fields[j].role == SX_ROLE_VALUE && strcmp(fields[i].name, fields[j].name) == 0)
                sx_bind_fail(b, -1, "leave it out before: `| map { * except (...) }`",
                             "the column `%s` is there twice", fields[i].name);
    plan->schema = sx_schema_of(b->arena, fields, count, in);
    return from;
}

static void bind(struct sx_bind *b)
{
    const struct streamd_extension *e = extension_of(b->op);
    const struct sx_flow *in = sx_bind_input(b);
    struct plan *plan = SX_ARENA_NEW(b->arena, struct plan);
    const struct sx_from *from;
    struct sx_node_plan *node;
    struct sx_flow *out;
    uint64_t *reads;

    plan->e = e;
    plan->at = b->ops->position(b, -1);
    bind_arguments(b, plan);
    if (in->kind != SX_FLOW_STREAM)
        sx_bind_fail(b, -1, in->kind == SX_FLOW_TABLE ? "put `| changes` before it" : NULL,
                     "`%s` takes a stream", e->op.def.name);
    else if (e->op.keeps_state && in->schema->key_count == 0)
        sx_bind_fail(b, -1, "write `| key by ...` before it", "`%s` needs a key, and the rows have none",
                     e->op.def.name);
    else if (e->op.keeps_state && !b->named)
        sx_bind_fail(b, -1, "write `stream NAME = ...`, then `NAME | to ...`",
                     "`%s` keeps state, which needs the name of a definition", e->op.def.name);
    if (sx_bind_failed(b))
        return;
    if (e->op.keeps_state)
        in = sx_bind_place(b, in, NULL, -1);
    from = bind_columns(b, in->schema, plan);
    if (sx_bind_failed(b))
        return;
    node = sx_bind_node(b, in, e->op.def.name, plan, plan->schema);
    reads = sx_bind_columns(b, in->schema);
    for (uint32_t k = 0; k < in->schema->key_count && e->op.keeps_state; k++)
        sx_bit_set(reads, k);
    sx_named_columns(plan->args, plan->arg_count, reads);
    node->reads[0] = reads;
    node->from = from;
    if (e->op.keeps_state)
        sx_store_keeps_also(sx_bind_store(b, node, NULL, SX_STORE_KV), b->arena, "operator", "%s",
                            e->op.def.name);
    out = sx_bind_flow_like(b, in);
    out->schema = plan->schema;
    out->node = node;
    out->port = SX_PORT_ROWS;
    b->result = out;
}

/* ---- Rows ------------------------------------------------------------------------------------ */

/* What one batch gives, until it is sent. */
struct sx_operator_call {
    const struct plan *plan;
    struct sx_node *node;
    const struct sx_batch *batch;
    struct sx_call_frame row; /* the columns given for the next row */
    uint32_t from;            /* the row in hand */
    uint16_t *rows;           /* of the input, by row of the output */
    struct sx_value *values;  /* the callback's columns, row after row */
    uint32_t count;
};

static void open(const void *p, void *s, struct sx_node *node)
{
    const struct plan *plan = p;

    ((struct state *)s)->args = sx_evaluators_open(plan->args, plan->arg_count);
}

static void close(const void *p, void *s, struct sx_node *node)
{
    sx_evaluators_close(((struct state *)s)->args, ((const struct plan *)p)->arg_count);
}

static void flush(struct sx_operator_call *op)
{
    const struct plan *plan = op->plan;
    uint32_t width = plan->e->op.columns->field_count;
    struct sx_arena *arena = op->node->arena;
    struct sx_batch copy, out;

    if (op->count == 0)
        return;
    copy = sx_batch_gather(arena, op->batch, op->rows, op->count);
    out = copy;
    out.schema = plan->schema;
    out.columns = SX_ARENA_ARRAY(arena, struct sx_column, plan->schema->count + 1);
    out.gone = NULL; /* a row that was sent has a value */
    for (uint32_t c = 0; c < plan->schema->count; c++)
        if (op->node->plan->from[c].input == 0)
            out.columns[c] = copy.columns[op->node->plan->from[c].column];
    for (uint32_t w = 0; w < width; w++) {
        struct sx_column *to = &out.columns[plan->first + w];

        *to = sx_column_new(arena, plan->e->op.columns->fields[w].type, op->count);
        sx_column_nulls(to, arena, op->count);
        for (uint32_t i = 0; i < op->count; i++)
            if (op->values[i * width + w].kind == SX_NULL)
                sx_bit_set(to->nulls, i);
            else
                sx_column_set(to, i, op->values[i * width + w]);
    }
    op->count = 0;
    op->rows = NULL; /* what was sent may be looked at until the batch ends */
    sx_node_emit(op->node, SX_PORT_ROWS, &out);
}

void streamd_emit(streamd_call *call)
{
    struct sx_operator_call *op = call->op;
    uint32_t width;

    if (call->failed)
        return;
    if (op == NULL || call->frame != &op->row) {
        sx_call_failed(call, op ? "the callback sent a row inside an array, a map or a struct"
                                : "only an operator sends rows");
        return;
    }
    width = op->plan->e->op.columns->field_count;
    if (op->rows == NULL) {
        op->rows = sx_arena_alloc(call->arena, sizeof(*op->rows) * SX_BATCH_ROWS);
        op->values = sx_arena_alloc(call->arena, sizeof(*op->values) * SX_BATCH_ROWS * (width + 1));
    }
    for (uint32_t w = 0; w < width; w++)
        op->values[op->count * width + w] = w < op->row.count ? op->row.items[w] : SX_VALUE_NULL;
    op->row.count = 0;
    op->rows[op->count++] = (uint16_t)op->from;
    if (op->count == SX_BATCH_ROWS)
        flush(op);
}

int64_t streamd_call_timestamp_ms(const streamd_call *call)
{
    return call->op ? call->op->batch->ts[call->op->from] : -1;
}

/* Give one row to the callback. */
static void process_row(struct sx_operator_call *op, const struct sx_column *columns, uint32_t row)
{
    const struct streamd_extension *e = op->plan->e;
    struct sx_node *node = op->node;
    struct streamd_value boxes[SX_CALL_ARGS_MAX];
    struct sx_value args[SX_CALL_ARGS_MAX];
    struct sx_slice key = SX_SLICE_NONE;
    const char *message;
    streamd_call call;

    for (uint32_t i = 0; i < op->plan->arg_count; i++) {
        args[i] = sx_column_get(&columns[i], row);
        if (op->plan->args[i].type != op->plan->types[i]) /* a number into one that holds it: always can be */
            sx_value_cast(args[i], op->plan->args[i].type, op->plan->types[i], node->arena, &args[i],
                          &message);
    }
    sx_call_begin(&call, node->arena, NULL, boxes, args, op->plan->types, op->plan->arg_count);
    call.op = op;
    call.frame = &op->row;
    op->row = (struct sx_call_frame){.type = e->op.columns};
    op->from = row;
    if (e->op.keeps_state) {
        if (sx_row_key_is_null(op->batch, op->batch->schema->key_count, row)) {
            sx_node_drop(node, "null_key", 1);
            return;
        }
        key = sx_arena_copy(node->arena, sx_row_key(node, op->batch, op->batch->schema->key_count, row));
        call.state = sx_store_get(node->stores[0], 0, key);
    }
    e->fn(&call, e->arg);
    if (call.frame == &op->row) {
        call.frame = NULL;
        if (op->row.count > 0)
            sx_call_failed(&call, "the callback gave columns and did not send them: streamd_emit()");
    }
    sx_call_end(&call);
    if (call.failed)
        sx_node_reject(node, op->batch, row, "expression", op->plan->at, call.message);
    else if (e->op.keeps_state && call.state_changed && call.state.data != NULL)
        sx_store_put(node->stores[0], 0, key, call.state);
    else if (e->op.keeps_state && call.state_changed)
        sx_store_remove(node->stores[0], 0, key);
}

static void process(const void *p, void *s, struct sx_node *node, uint32_t input,
                    const struct sx_batch *batch)
{
    const struct plan *plan = p;
    struct sx_column *columns = SX_ARENA_ARRAY(node->arena, struct sx_column, plan->arg_count + 1);
    struct sx_operator_call op = {.plan = plan, .node = node, .batch = batch};

    if (!sx_evaluate(node, batch, ((const struct state *)s)->args, plan->arg_count, columns))
        return;
    for (SX_EACH_ROW(batch, i, row))
        process_row(&op, columns, row);
    flush(&op);
}

/* ---- Adding one ------------------------------------------------------------------------------ */

/* NAME (parameters): the words, one space between two, as the parser compares them. NULL: no words. */
static const char *stage_name(struct sx_arena *arena, const char *signature)
{
    struct sx_buffer name = {0};
    const char *at = signature, *copy = NULL;
    bool ok = true;

    while (ok && *at != '(' && *at != '\0') {
        size_t size = strspn(at, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_");

        if (*at == ' ') {
            at++;
            continue;
        }
        ok = size > 0 && !(*at >= '0' && *at <= '9');
        sx_buffer_add_text(&name, name.size ? " " : "");
        sx_buffer_add(&name, at, size);
        at += size;
    }
    if (ok && name.size > 0 && *at == '(')
        copy = sx_arena_strndup(arena, name.data, name.size);
    sx_buffer_free(&name);
    return copy;
}

/* "*, total double": the callback's columns as a struct. */
static streamd_status read_columns(struct streamd_extension *e, const char *columns, streamd_error **error)
{
    struct sx_arena *arena = &e->catalog->arena;
    const char *at = columns + strspn(columns, " ");

    e->op.keeps_input = *at == '*';
    if (e->op.keeps_input) {
        at += 1 + strspn(at + 1, " ");
        if (*at != ',' && *at != '\0')
            return sx_fail(error, STREAMD_E_SYNTAX, "expected `,` behind `*`: %s", columns);
        at += *at == ',';
    }
    return sx_compile_type(sx_arena_format(arena, "{ %s }", at), arena, &e->op.columns, error);
}

streamd_status streamd_catalog_add_operator(streamd_catalog *catalog, const char *signature,
                                            const char *columns, streamd_function_fn fn, void *arg,
                                            streamd_extension **extension, streamd_error **error)
{
    struct streamd_extension *e;
    streamd_status status;
    const char *name;

    if (error != NULL)
        *error = NULL;
    if (catalog == NULL || signature == NULL || columns == NULL || fn == NULL)
        return sx_fail(error, STREAMD_E_ARGUMENT,
                       "the catalogue, the signature, the columns or fn is missing");
    name = stage_name(&catalog->arena, signature);
    if (name == NULL)
        return sx_fail(error, STREAMD_E_SYNTAX, "an operator is written `NAME(type, type)`: %s", signature);
    for (uint32_t i = 0; i < catalog->catalog.operator_count; i++)
        if (strcmp(catalog->catalog.operators[i]->name, name) == 0)
            return sx_fail(error, STREAMD_E_NAME, "there is a stage `%s`", name);
    e = sx_extension_new(catalog, sx_arena_format(&catalog->arena, "stage%s bool", strchr(signature, '(')),
                         SX_ADDED_OPERATOR, &status, error);
    if (e == NULL)
        return status;
    status = read_columns(e, columns, error);
    if (status != STREAMD_OK)
        return status;
    e->op.arguments = (struct sx_clause){NULL, SX_CLAUSE_ARGUMENTS, false, "The arguments, with commas."};
    e->op.def = (struct sx_operator_def){
        .name = name,
        .summary = sx_arena_format(&catalog->arena, "it is %s: %s", signature, columns),
        .takes = "stream -> stream",
        .clauses = &e->op.arguments,
        .clause_count = e->signature.count ? 1 : 0,
        .bind = bind,
        .state_bytes = sizeof(struct state),
        .open = open,
        .process = process,
        .close = close,
    };
    sx_extension_add(e, fn, arg, extension);
    return STREAMD_OK;
}

void streamd_operator_keep_state(streamd_extension *e) { e->op.keeps_state = true; }
