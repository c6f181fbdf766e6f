/* fake.c: see fake.h. */
#include "tests/unit/dsl/fake.h"

static struct sx_buffer seen, said;

static const char *text_of(struct sx_buffer *buffer)
{
    sx_buffer_room(buffer, 1)[0] = '\0';
    return buffer->data;
}

const char *fake_seen(void) { return text_of(&seen); }
const char *fake_said(void) { return text_of(&said); }

/* ---- What is seen ---------------------------------------------------------------------------- */

/* A program as its steps without line ends, its places left out. */
static void show(const struct sx_program *program)
{
    struct sx_buffer text = {0};

    if (program == NULL) {
        sx_buffer_add_text(&seen, "-");
        return;
    }
    sx_program_print(program, &text);
    for (size_t i = 0; i < text.size; i++)
        if (text.data[i] != '\n')
            sx_buffer_add_byte(&seen, text.data[i]);
        else if (i + 1 < text.size)
            sx_buffer_add_text(&seen, "; ");
    sx_buffer_free(&text);
}

static void show_named(const struct sx_named *items, uint32_t count, bool types)
{
    for (uint32_t i = 0; i < count; i++) {
        sx_buffer_printf(&seen, "%s%s", i ? ", " : "", items[i].name);
        if (types && items[i].type != NULL) {
            sx_buffer_add_byte(&seen, ' ');
            sx_type_print(items[i].type, &seen);
        }
    }
}

/* A flow like the input with other value columns. */
static struct sx_flow *with_columns(struct sx_bind *b, const struct sx_named *keys, uint32_t key_count,
                                    const struct sx_named *values, uint32_t value_count)
{
    struct sx_flow *flow = sx_bind_flow_like(b, sx_bind_input(b));
    struct sx_schema *schema = SX_ARENA_NEW(b->arena, struct sx_schema);
    struct sx_field *fields = SX_ARENA_ARRAY(b->arena, struct sx_field, key_count + value_count + 1);

    *schema = *flow->schema;
    for (uint32_t i = 0; i < key_count + value_count; i++) {
        const struct sx_named *item = i < key_count ? &keys[i] : &values[i - key_count];

        fields[i] = (struct sx_field){
            .name = item->name, .type = item->type, .role = i < key_count ? SX_ROLE_KEY : SX_ROLE_VALUE};
    }
    schema->fields = fields;
    schema->count = key_count + value_count;
    schema->key_count = key_count;
    schema->value_count = value_count;
    flow->schema = schema;
    return flow;
}

/* ---- Operators ------------------------------------------------------------------------------- */

static void bind_filter(struct sx_bind *b)
{
    const struct sx_program *program = b->ops->expr(b, 0, &sx_type_bool, NULL);

    if (sx_bind_failed(b))
        return;
    sx_buffer_printf(&seen, "%s filter ", b->definition);
    show(program);
    sx_buffer_add_byte(&seen, '\n');
    b->result = sx_bind_input(b);
}

static void bind_map(struct sx_bind *b)
{
    const struct sx_named *items;
    uint32_t count = b->ops->named(b, 0, &items);
    struct sx_named keys[8];
    const struct sx_schema *in = sx_bind_input(b)->schema;

    if (sx_bind_failed(b))
        return;
    sx_buffer_printf(&seen, "%s %s ", b->definition, b->op->name);
    show_named(items, count, true);
    sx_buffer_add_byte(&seen, '\n');
    for (uint32_t k = 0; k < in->key_count; k++)
        keys[k] = (struct sx_named){.name = in->fields[k].name, .type = in->fields[k].type};
    b->result = with_columns(b, keys, in->key_count, items, count);
}

static void bind_key_by(struct sx_bind *b)
{
    const struct sx_named *items;
    uint32_t count = b->ops->named(b, 0, &items), values = 0;
    const struct sx_schema *in = sx_bind_input(b)->schema;
    struct sx_named columns[32];

    if (sx_bind_failed(b))
        return;
    sx_buffer_printf(&seen, "%s key by ", b->definition);
    show_named(items, count, true);
    sx_buffer_add_byte(&seen, '\n');
    for (uint32_t i = 0; i < in->count; i++)
        if (in->fields[i].role == SX_ROLE_VALUE)
            columns[values++] = (struct sx_named){.name = in->fields[i].name, .type = in->fields[i].type};
    b->result = with_columns(b, items, count, columns, values);
}

static void bind_latest(struct sx_bind *b)
{
    struct sx_flow *flow = sx_bind_flow_like(b, sx_bind_input(b));

    if (sx_bind_given(b, 0))
        b->ops->expr(b, 0, &sx_type_bool, NULL);
    sx_buffer_printf(&seen, "%s latest%s\n", b->definition, sx_bind_given(b, 0) ? " delete" : "");
    flow->kind = SX_FLOW_TABLE;
    b->result = flow;
}

static void bind_groups(struct sx_bind *b)
{
    struct sx_flow *flow = sx_bind_flow_like(b, sx_bind_input(b));

    flow->group_count = b->ops->named(b, 0, &flow->groups);
    if (sx_bind_failed(b))
        return;
    sx_buffer_printf(&seen, "%s %s ", b->definition, b->op->name);
    show_named(flow->groups, flow->group_count, true);
    sx_buffer_add_byte(&seen, '\n');
    flow->kind = SX_FLOW_GROUPS;
    flow->window = NULL;
    b->result = flow;
}

static void bind_window(struct sx_bind *b)
{
    struct sx_flow *flow = sx_bind_flow_like(b, sx_bind_input(b));
    struct sx_window_spec *window = SX_ARENA_NEW(b->arena, struct sx_window_spec);

    window->size_ms = b->ops->integer(b, 0);
    window->grace_ms = sx_bind_given(b, 1) ? b->ops->integer(b, 1) : -1;
    sx_buffer_printf(&seen, "%s window %lld grace %lld late %s\n", b->definition, (long long)window->size_ms,
                     (long long)window->grace_ms, sx_bind_given(b, 2) ? b->ops->text(b, 2) : "-");
    flow->window = window;
    b->result = flow;
}

static void bind_aggregate(struct sx_bind *b)
{
    const struct sx_aggregation *a = b->ops->aggregation(b, 0);
    const struct sx_flow *in = sx_bind_input(b);
    struct sx_flow *flow;

    if (sx_bind_failed(b) || a == NULL)
        return;
    sx_buffer_printf(&seen, "%s aggregate uses:", b->definition);
    for (uint32_t i = 0; i < a->use_count; i++) {
        sx_buffer_printf(&seen, " %s/%u", a->uses[i].def ? a->uses[i].def->signature : "fold",
                         a->uses[i].arg_count);
        if (a->uses[i].where != NULL)
            sx_buffer_add_text(&seen, " where");
        sx_buffer_add_byte(&seen, ';');
    }
    sx_buffer_add_text(&seen, " outputs: ");
    show_named(a->outputs, a->output_count, true);
    sx_buffer_add_byte(&seen, '\n');
    flow = with_columns(b, in->groups, in->group_count, a->outputs, a->output_count);
    flow->kind = SX_FLOW_TABLE;
    ((struct sx_schema *)flow->schema)->windowed = in->window != NULL;
    ((struct sx_schema *)flow->schema)->has_metadata = false;
    b->result = flow;
}

static void bind_join(struct sx_bind *b)
{
    const struct sx_flow *in = sx_bind_input(b), *with = b->ops->flow(b, 0, 0);
    const char *alias = sx_bind_given(b, 1) ? b->ops->text(b, 1) : with ? with->name : "";
    const struct sx_named *lefts, *rights;
    struct sx_schema *schema = SX_ARENA_NEW(b->arena, struct sx_schema);
    struct sx_field *fields;
    struct sx_flow *flow;
    uint32_t count;

    if (with == NULL || !b->ops->on(b, 2, in, with, alias, &lefts, &rights, &count) || sx_bind_failed(b))
        return;
    sx_buffer_printf(&seen, "%s %s %s as %s on ", b->definition, b->op->name, with->name, alias);
    show_named(lefts, count, true);
    sx_buffer_add_byte(&seen, '\n');
    *schema = *in->schema;
    fields = SX_ARENA_ARRAY(b->arena, struct sx_field, in->schema->count + with->schema->count);
    memcpy(fields, in->schema->fields, sizeof(*fields) * in->schema->count);
    for (uint32_t c = 0; c < with->schema->count; c++) {
        fields[in->schema->count + c] = with->schema->fields[c];
        fields[in->schema->count + c].qualifier = alias;
        if (c < with->schema->key_count)
            fields[in->schema->count + c].role = SX_ROLE_READABLE;
    }
    schema->fields = fields;
    schema->count += with->schema->count;
    schema->has_metadata = false;
    flow = sx_bind_flow_like(b, in);
    flow->schema = schema;
    b->result = flow;
}

static void bind_split(struct sx_bind *b)
{
    const struct sx_named *whens;
    uint32_t count = b->ops->cases(b, 0, &whens);
    struct sx_named_flow *flows = SX_ARENA_ARRAY(b->arena, struct sx_named_flow, count + 1);

    if (sx_bind_failed(b))
        return;
    sx_buffer_add_text(&seen, "split ");
    for (uint32_t i = 0; i < count; i++) {
        sx_buffer_printf(&seen, "%s%s%s", i ? ", " : "", whens[i].name, whens[i].program ? "" : " else");
        flows[i] = (struct sx_named_flow){whens[i].name, sx_bind_input(b)};
    }
    sx_buffer_add_byte(&seen, '\n');
    b->results = flows;
    b->result_count = count;
}

static void bind_flows(struct sx_bind *b)
{
    sx_buffer_printf(&seen, "%s merge", b->definition);
    for (uint32_t i = 0; i < b->ops->flow_count(b, 0); i++) {
        const struct sx_flow *flow = b->ops->flow(b, 0, i);
        sx_buffer_printf(&seen, " %s", flow ? flow->name : "?");
    }
    sx_buffer_add_byte(&seen, '\n');
    b->result = sx_bind_input(b);
}

static void bind_repartition(struct sx_bind *b)
{
    sx_buffer_printf(&seen, "%s repartition %lld\n", b->definition,
                     sx_bind_given(b, 0) ? (long long)b->ops->integer(b, 0) : 0LL);
    b->result = sx_bind_input(b);
}

static void bind_flag(struct sx_bind *b)
{
    sx_buffer_printf(&seen, "%s %s\n", b->definition, b->op->name);
    b->result = sx_bind_input(b);
}

static void show_format(const struct sx_format_def *format, const uint16_t *columns, uint32_t count,
                        const struct sx_schema *schema)
{
    sx_buffer_printf(&seen, "%s(", format->name);
    for (uint32_t i = 0; i < count; i++)
        sx_buffer_printf(&seen, "%s%s", i ? " " : "",
                         columns[i] == SX_COLUMN_WINDOW_START ? "window_start"
                         : columns[i] == SX_COLUMN_WINDOW_END ? "window_end"
                                                              : schema->fields[columns[i]].name);
    sx_buffer_add_byte(&seen, ')');
}

static void bind_to_topic(struct sx_bind *b)
{
    const char *topic = b->ops->text(b, 0);
    const struct sx_body *body = b->ops->body(b, sx_bind_given(b, 1) ? 1 : -1, sx_bind_input(b));

    if (sx_bind_failed(b) || body == NULL)
        return;
    sx_buffer_printf(&seen, "%s to %s key %s", b->definition, topic, body->key_windowed ? "windowed " : "");
    show_format(body->key_format, body->key_columns, body->key_count, sx_bind_input(b)->schema);
    sx_buffer_add_text(&seen, " value ");
    show_format(body->value_format, body->value_columns, body->value_count, sx_bind_input(b)->schema);
    if (body->time != NULL)
        sx_buffer_add_text(&seen, " time");
    if (body->partition != NULL)
        sx_buffer_add_text(&seen, " partition");
    if (body->header_count > 0) {
        sx_buffer_add_text(&seen, " headers ");
        show_named(body->headers, body->header_count, false);
    }
    sx_buffer_add_byte(&seen, '\n');
}

static const struct sx_clause c_expr[] = {{NULL, SX_CLAUSE_EXPR, false, "A condition."}};
static const struct sx_clause c_exprs[] = {{NULL, SX_CLAUSE_EXPRS, false, "Columns."}};
static const struct sx_clause c_projection[] = {{NULL, SX_CLAUSE_PROJECTION, false, "Columns."}};
static const struct sx_clause c_aliased[] = {{NULL, SX_CLAUSE_ALIASED, false, "Arrays."}};
static const struct sx_clause c_aggregates[] = {{NULL, SX_CLAUSE_AGGREGATES, false, "Aggregates."}};
static const struct sx_clause c_cases[] = {{NULL, SX_CLAUSE_CASES, false, "Cases."}};
static const struct sx_clause c_flows[] = {{NULL, SX_CLAUSE_FLOWS, false, "Streams."}};
static const struct sx_clause c_integer[] = {{NULL, SX_CLAUSE_INTEGER, true, "Partitions."}};
static const struct sx_clause c_latest[] = {{"delete when", SX_CLAUSE_EXPR, true, "What deletes."}};
static const struct sx_clause c_to[] = {{NULL, SX_CLAUSE_TEXT, false, "The topic."},
                                        {NULL, SX_CLAUSE_BODY, true, "How."}};
static const struct sx_clause c_window[] = {{NULL, SX_CLAUSE_DURATION, false, "Its size."},
                                            {"grace", SX_CLAUSE_DURATION, true, "For late rows."},
                                            {"late to topic", SX_CLAUSE_TEXT, true, "Where late rows go."},
                                            {"late", SX_CLAUSE_FLAG, true, "A shorter phrase."}};
static const struct sx_clause c_join[] = {{NULL, SX_CLAUSE_FLOW, false, "The table."},
                                          {"as", SX_CLAUSE_NAME, true, "An alias."},
                                          {"on", SX_CLAUSE_EXPR, false, "What is equal."}};

#define OP(id, words, c, function)             \
    static const struct sx_operator_def id = { \
        .name = words, .clauses = c, .clause_count = SX_COUNT(c), .bind = function}
OP(op_filter, "filter", c_expr, bind_filter);
OP(op_map, "map", c_projection, bind_map);
OP(op_key_by, "key by", c_exprs, bind_key_by);
OP(op_flatten, "flatten", c_aliased, bind_map);
OP(op_group_by, "group by", c_exprs, bind_groups);
OP(op_window, "window tumbling", c_window, bind_window);
OP(op_aggregate, "aggregate", c_aggregates, bind_aggregate);
OP(op_join, "join", c_join, bind_join);
OP(op_left_join, "left join", c_join, bind_join);
OP(op_merge, "merge", c_flows, bind_flows);
OP(op_repartition, "repartition", c_integer, bind_repartition);
OP(op_latest, "latest", c_latest, bind_latest);
OP(op_to, "to topic", c_to, bind_to_topic);
static const struct sx_operator_def op_final = {.name = "emit final", .bind = bind_flag};
static const struct sx_operator_def op_split = {
    .name = "split", .clauses = c_cases, .clause_count = 1, .is_statement = true, .bind = bind_split};
static const struct sx_operator_def op_hidden = {.name = "hidden", .internal = true};

static const struct sx_operator_def *const operators[] = {
    &op_filter,    &op_map,   &op_key_by,    &op_flatten, &op_group_by,    &op_window,
    &op_aggregate, &op_join,  &op_left_join, &op_merge,   &op_repartition, &op_latest,
    &op_to,        &op_final, &op_split,     &op_hidden};

/* ---- Functions ------------------------------------------------------------------------------- */

static struct sx_value first(struct sx_call *call, const struct sx_value *args, uint32_t count)
{
    return args[0];
}
static struct sx_value yes(struct sx_call *call, const struct sx_value *args, uint32_t count)
{
    return sx_value_bool(true);
}

static const struct sx_function_def functions[] = {
    {.signature = "upper(s string) string", .fn = first},
    {.signature = "half(x double) double", .fn = first},
    {.signature = "same(x int) int", .fn = first},
    {.signature = "same(x double) double", .fn = first},
    {.signature = "pick(a T, b T [, c T]) T", .fn = first},
    {.signature = "matches(s string, pattern string) bool", .fn = yes},
    {.signature = "like(s string, pattern string [, escape string]) bool", .fn = yes},
    {.signature = "array_contains(a array<T>, x T) bool", .fn = yes},
    {.signature = "max(a array<T>) T", .fn = first},
};
static const struct sx_aggregate_def aggregates[] = {
    {.signature = "count() int"},          {.signature = "count(x any) int"}, {.signature = "sum(x int) int"},
    {.signature = "sum(x double) double"}, {.signature = "max(x T) T"},
};
static const struct sx_function_table function_table = {"fakes", functions, SX_COUNT(functions)};
static const struct sx_aggregate_table aggregate_table = {"fakes", aggregates, SX_COUNT(aggregates)};
static const struct sx_function_table *const function_tables[] = {&function_table};
static const struct sx_aggregate_table *const aggregate_tables[] = {&aggregate_table};

static const struct sx_flow *bind_source(struct sx_plan *plan, const struct sx_source_spec *spec)
{
    struct sx_flow *flow = SX_ARENA_NEW(&plan->arena, struct sx_flow);
    struct sx_node_plan *node = sx_plan_node(plan, &op_hidden, spec->name, NULL, spec->at);
    struct sx_entry_plan *entry = SX_ARENA_NEW(&plan->arena, struct sx_entry_plan);
    uint32_t *topic = SX_ARENA_NEW(&plan->arena, uint32_t);

    *topic = sx_plan_topic(plan, spec->topics[0], SX_TOPIC_SOURCE)->index;
    *entry =
        (struct sx_entry_plan){.topics = topic, .topic_count = 1, .global = spec->kind == SX_FLOW_GLOBAL};
    node->entry = entry;
    node->schema = sx_source_schema(spec, &plan->arena);
    flow->node = node;

    flow->kind = spec->kind;
    flow->name = spec->name;
    flow->schema = sx_source_schema(spec, &plan->arena);
    return flow;
}

const struct sx_catalog fake_catalog = {.operators = operators,
                                        .operator_count = SX_COUNT(operators),
                                        .functions = function_tables,
                                        .function_table_count = 1,
                                        .aggregates = aggregate_tables,
                                        .aggregate_table_count = 1,
                                        .bind_source = bind_source};

/* ---- Compiling ------------------------------------------------------------------------------- */

void fake_say(streamd_error *error)
{
    said.size = 0;
    for (const streamd_error *e = error; e != NULL; e = streamd_error_next(e)) {
        sx_buffer_printf(&said, "%u:%u: %s", streamd_error_line(e), streamd_error_column(e),
                         streamd_error_message(e));
        if (sx_error_hint(e) != NULL)
            sx_buffer_printf(&said, " [%s]", sx_error_hint(e));
        sx_buffer_add_byte(&said, '\n');
    }
}

struct sx_compiled *fake_compile_bytes(const char *text, size_t size, struct sx_compile_options options)
{
    struct sx_compiled *compiled = NULL;
    streamd_error *error = NULL;
    char *copy = sx_malloc(size + 1); /* of that size exactly, so that a read past it is found */

    seen.size = 0;
    memcpy(copy, text, size);
    copy = sx_realloc(copy, size ? size : 1);
    options.catalog = &fake_catalog;
    options.name = options.name ? options.name : "test.stream";
    if (sx_compile(copy, size, &options, &compiled, &error) == STREAMD_OK)
        fake_say(compiled->plan->warnings);
    else
        fake_say(error);
    streamd_error_free(error);
    free(copy);
    return compiled;
}

struct sx_compiled *fake_compile(const char *text)
{
    return fake_compile_bytes(text, strlen(text), (struct sx_compile_options){0});
}

void fake_assert(const char *file, int line, const char *text, const char *seen_lines, const char *messages)
{
    struct sx_compiled *compiled = fake_compile(text);

    if (messages != NULL)
        sx_unit_same(file, line, compiled ? SX_SLICE("it compiles") : sx_slice_of(fake_said()),
                     sx_slice_of(messages));
    else if (compiled == NULL)
        sx_unit_same(file, line, sx_slice_of(fake_said()), SX_SLICE("no mistakes"));
    else if (seen_lines != NULL) /* else it is looked at behind */
        sx_unit_same(file, line, sx_slice_of(fake_seen()), sx_slice_of(seen_lines));
    sx_compiled_free(compiled);
}
