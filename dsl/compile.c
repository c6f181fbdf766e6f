/* compile.c: the order of the passes: parse, then the statements from top to bottom. */
#include "dsl/compile.h"

#include "dsl/check.h"
#include "engine/base/text.h"

#include <stdlib.h>

struct sx_builder {
    struct sx_compiler c;
    struct sx_compiled *compiled;             /* what is being made */
    const struct sx_compile_options *options; /* NULL: none */
    struct sx_test **last_test;
    const char *default_name;
    bool has_application;
    uint32_t unnamed;
};

/* ---- Names ----------------------------------------------------------------------------------- */

const struct sx_flow *sx_find_flow(struct sx_compiler *c, const char *name, struct sx_position at)
{
    struct sx_definition *definition = sx_map_get(&c->names, sx_slice_of(name));
    const char *names[256], *near;
    uint32_t count = 0;

    if (definition != NULL) {
        definition->used = true;
        return definition->flow;
    }
    for (const struct sx_definition *d = c->definitions; d != NULL && count < SX_COUNT(names); d = d->next)
        names[count++] = d->name;
    near = sx_nearest(name, names, count);
    sx_mistake(c, at, STREAMD_E_NAME,
               near ? sx_arena_format(c->arena, "did you mean `%s`?", near)
                    : "a name is declared before it is used",
               "there is no stream or table `%s`", name);
    return NULL;
}

static void define(struct sx_compiler *c, const char *name, struct sx_position at, const struct sx_flow *flow)
{
    struct sx_definition *definition = sx_map_get(&c->names, sx_slice_of(name));

    if (definition != NULL) {
        sx_mistake(c, at, STREAMD_E_NAME,
                   sx_arena_format(c->arena, "the first one is at line %u", definition->at.line),
                   "`%s` is defined twice", name);
        return;
    }
    definition = SX_ARENA_NEW(c->arena, struct sx_definition);
    definition->name = sx_arena_strdup(c->arena, name);
    definition->at = at;
    definition->flow = flow;
    *c->last_definition = definition;
    c->last_definition = &definition->next;
    sx_map_put(&c->names, sx_slice_of(definition->name), definition);
}

const struct sx_flow *sx_start_flow(struct sx_compiler *c, const struct sx_flow *flow, const char *name)
{
    struct sx_flow *start = SX_ARENA_NEW(c->arena, struct sx_flow);
    struct sx_schema *schema = SX_ARENA_NEW(c->arena, struct sx_schema);
    struct sx_field *fields = SX_ARENA_ARRAY(c->arena, struct sx_field, flow->schema->count + 1);

    for (uint32_t i = 0; i < flow->schema->count; i++) {
        fields[i] = flow->schema->fields[i];
        fields[i].qualifier = name;
    }
    *schema = *flow->schema;
    schema->fields = fields;
    *start = *flow;
    start->schema = schema;
    start->name = name;
    return start;
}

/* ---- Statements ------------------------------------------------------------------------------ */

static void compile_pipeline(struct sx_builder *b, const struct sx_statement *s)
{
    struct sx_compiler *c = &b->c;
    const struct sx_flow *flow = sx_find_flow(c, s->from, s->from_at);
    const char *definition = s->name;
    bool failed = flow == NULL;

    if (s->name == NULL && s->stage_count > 0) {
        const struct sx_ast_stage *last = &s->stages[s->stage_count - 1];
        bool sink =
            last->op != NULL && last->clauses[0].expr != NULL && last->clauses[0].expr->kind == SX_AST_STRING;
        definition =
            sink ? last->clauses[0].expr->text : sx_arena_format(c->arena, "unnamed-%u", ++b->unnamed);
    }
    if (flow != NULL)
        flow = sx_start_flow(c, flow, s->from);
    for (uint32_t i = 0; i < s->stage_count; i++) {
        const struct sx_ast_stage *stage = &s->stages[i];
        const struct sx_named_flow *results = NULL;
        uint32_t result_count = 0;

        if (stage->op == NULL)
            failed = true; /* reported */
        if (failed)
            continue;
        if (s->name == NULL &&
            (strcmp(stage->op->name, "group by") == 0 || strstr(stage->op->name, "join") != NULL ||
             strcmp(stage->op->name, "latest") == 0)) {
            sx_mistake(c, stage->at, STREAMD_E_SYNTAX,
                       "write `stream NAME = ...` or `table NAME = ...`, then `NAME | to ...`",
                       "`%s` keeps state, which needs the name of a definition", stage->op->name);
            failed = true;
            continue;
        }
        if (flow == NULL) {
            sx_mistake(c, stage->at, STREAMD_E_SYNTAX, NULL, "nothing flows on to this stage");
            failed = true;
            continue;
        }
        flow = sx_bind_stage(c, stage, flow, definition, s->name != NULL, &failed, &results, &result_count);
        for (uint32_t r = 0; r < result_count; r++)
            define(c, results[r].name, stage->at, results[r].flow);
        if (failed && stage->op->is_statement && stage->clauses[0].given)
            for (uint32_t r = 0; r < stage->clauses[0].count;
                 r++) /* so that their use is no second mistake */
                define(c, stage->clauses[0].items[r].name, stage->clauses[0].items[r].at, NULL);
    }
    if (s->name == NULL) {
        if (!failed && flow != NULL)
            sx_mistake(c, s->at, STREAMD_E_SYNTAX,
                       "end it in `| to topic \"...\"`, or give it a name: `stream NAME = ...`",
                       "the pipeline ends nowhere");
        return;
    }
    if (!failed && flow == NULL) {
        sx_mistake(c, s->at, STREAMD_E_SYNTAX, "leave the name out",
                   "`%s` ends in a sink, so nothing can read it", s->name);
        failed = true;
    }
    if (!failed && flow->kind == SX_FLOW_GROUPS) {
        sx_mistake(c, s->at, STREAMD_E_TYPE, "write `| aggregate { ... }` behind it", "`%s` ends in groups",
                   s->name);
        failed = true;
    }
    if (!failed && (flow->kind == SX_FLOW_STREAM) != (s->flow == SX_FLOW_STREAM)) {
        sx_mistake(c, s->at, STREAMD_E_TYPE,
                   sx_arena_format(c->arena, "write `%s %s = ...`",
                                   flow->kind == SX_FLOW_STREAM ? "stream" : "table", s->name),
                   "`%s` is a %s", s->name, flow->kind == SX_FLOW_STREAM ? "stream" : "table");
        failed = true;
    }
    define(c, s->name, s->at, failed ? NULL : flow);
}

/* --set name=value as a value of the param's type. */
static bool read_param(struct sx_compiler *c, const char *text, const struct sx_type *type,
                       struct sx_value *value)
{
    struct sx_slice t = sx_slice_of(sx_arena_strdup(c->arena, text));

    switch (type->kind) {
    case SX_STRING:
        *value = sx_value_string(t);
        return true;
    case SX_INT:
        *value = sx_value_int(0);
        return sx_read_int(t, &value->i);
    case SX_DOUBLE:
        *value = sx_value_double(0);
        return sx_read_double(t, &value->d);
    case SX_BOOL:
        *value = sx_value_bool(strcmp(text, "true") == 0);
        return value->b || strcmp(text, "false") == 0;
    case SX_DURATION:
        *value = sx_value_int64(SX_DURATION, 0);
        return sx_read_duration(t, &value->i);
    case SX_TIMESTAMP:
        *value = sx_value_int64(SX_TIMESTAMP, 0);
        return sx_read_timestamp(t, &value->i);
    default:
        return false;
    }
}

static void compile_param(struct sx_builder *b, const struct sx_statement *s)
{
    struct sx_compiler *c = &b->c;
    struct sx_param_value *param = SX_ARENA_NEW(c->arena, struct sx_param_value);
    struct sx_scope none = {.c = c};
    const char *given = NULL;
    bool ok = true;

    param->name = s->name;
    param->type = s->type;
    if (s->value != NULL) {
        const struct sx_expr *expr = sx_check(&none, s->value, s->type);
        ok = expr != NULL && sx_check_constant(&none, s->value, s->type, &param->value);
        if (ok)
            param->type = s->type ? s->type : expr->type;
    }
    for (uint32_t i = 0; b->options != NULL && i < b->options->param_count; i++)
        if (strcmp(b->options->param_names[i], s->name) == 0)
            given = b->options->param_values[i];
    if (param->type == NULL && ok)
        sx_mistake(c, s->at, STREAMD_E_SYNTAX, "write `param NAME TYPE` or `param NAME = VALUE`",
                   "the param `%s` has neither type nor value", s->name);
    else if (given != NULL && ok && !read_param(c, given, param->type, &param->value))
        sx_mistake(c, s->at, STREAMD_E_CONFIG, NULL, "`%s` is no %s for the param `%s`", given,
                   sx_type_text(param->type, c->arena), s->name);
    else if (s->value == NULL && given == NULL && ok)
        sx_mistake(c, s->at, STREAMD_E_CONFIG,
                   sx_arena_format(c->arena, "give it one: --set %s=...", s->name),
                   "the param `%s` has no value", s->name);
    if (param->type == NULL)
        param->type = &sx_type_null;
    if (sx_map_put(&c->params, sx_slice_of(s->name), param) != NULL)
        sx_mistake(c, s->at, STREAMD_E_NAME, NULL, "the param `%s` is there twice", s->name);
}

static void compile_function(struct sx_compiler *c, const struct sx_statement *s)
{
    struct sx_defined *defined = SX_ARENA_NEW(c->arena, struct sx_defined);

    defined->name = s->name;
    defined->statement = s;
    if (sx_map_put(&c->functions, sx_slice_of(s->name), defined) != NULL)
        sx_mistake(c, s->at, STREAMD_E_NAME, NULL, "the function `%s` is there twice", s->name);
}

/* set guarantee G | set commit D | set on error ... */
static void compile_set(struct sx_compiler *c, const struct sx_statement *s)
{
    static const char *const names[] = {"guarantee", "commit", "on error"};
    struct sx_scope none = {.c = c};
    struct sx_value value;
    const char *near;

    if (strcmp(s->words[0], "guarantee") == 0 && s->word_count == 2) {
        if (strcmp(s->words[1], "exactly_once") == 0)
            c->plan->guarantee = 1;
        else if (strcmp(s->words[1], "at_least_once") == 0)
            c->plan->guarantee = 0;
        else
            sx_mistake(c, s->at, STREAMD_E_CONFIG, "it is `exactly_once` or `at_least_once`",
                       "there is no guarantee `%s`", s->words[1]);
    } else if (strcmp(s->words[0], "commit") == 0 && s->word_count == 1 && s->value != NULL) {
        if (sx_check_constant(&none, s->value, &sx_type_duration, &value) && value.i >= 1 && value.i <= 60000)
            c->plan->commit_ms = value.i;
        else
            sx_mistake(c, s->value->at, STREAMD_E_CONFIG, NULL,
                       "the commit interval must be between 1ms and 1m");
    } else if (s->word_count >= 3 && strcmp(s->words[0], "on") == 0 && strcmp(s->words[1], "error") == 0) {
        if (strcmp(s->words[2], "fail") == 0 && s->word_count == 3) {
            c->plan->on_error = SX_ON_ERROR_FAIL;
        } else if (strcmp(s->words[2], "skip") == 0 && s->word_count == 3) {
            c->plan->on_error = SX_ON_ERROR_SKIP;
        } else if (s->word_count == 4 && strcmp(s->words[2], "to") == 0 &&
                   strcmp(s->words[3], "topic") == 0 && s->value != NULL && s->value->kind == SX_AST_STRING) {
            c->plan->on_error = SX_ON_ERROR_TOPIC;
            c->plan->error_topic = sx_plan_topic(c->plan, s->value->text, SX_TOPIC_SINK)->index;
        } else {
            sx_mistake(c, s->at, STREAMD_E_CONFIG, "it is `set on error fail`, `skip` or `to topic \"t\"`",
                       "that is no way to handle an error");
        }
    } else {
        near = sx_nearest(s->words[0], names, SX_COUNT(names));
        sx_mistake(c, s->at, STREAMD_E_CONFIG,
                   near ? sx_arena_format(c->arena, "did you mean `%s`?", near)
                        : "settings are guarantee, commit, on error",
                   "there is no setting `%s` of that form", s->words[0]);
    }
}

static void compile_statement(struct sx_builder *b, const struct sx_statement *s)
{
    const struct sx_flow *flow;

    switch (s->kind) {
    case SX_STATEMENT_SOURCE:
        flow = sx_compile_source(&b->c, s);
        define(&b->c, s->name, s->at, flow);
        break;
    case SX_STATEMENT_PIPELINE:
        compile_pipeline(b, s);
        break;
    case SX_STATEMENT_PARAM:
        compile_param(b, s);
        break;
    case SX_STATEMENT_FUNCTION:
        compile_function(&b->c, s);
        break;
    case SX_STATEMENT_SET:
        compile_set(&b->c, s);
        break;
    case SX_STATEMENT_TEST:
        *b->last_test = s->test;
        b->last_test = (struct sx_test **)&s->test->next;
        break;
    }
}

/* ---- Texts ----------------------------------------------------------------------------------- */

static const struct sx_text *add_text(struct sx_builder *b, const char *name, const char *data, size_t size)
{
    struct sx_text *text = SX_ARENA_NEW(b->c.arena, struct sx_text);

    text->name = sx_arena_strdup(b->c.arena, name);
    text->data = sx_arena_strndup(b->c.arena, data, size);
    text->size = size;
    text->next = b->c.errors.texts;
    b->c.errors.texts = b->c.warnings.texts = text;
    return text;
}

static const struct sx_text *include_file(struct sx_parser *p, const char *path, struct sx_position at,
                                          void *arg)
{
    struct sx_builder *b = arg;
    const struct sx_text *text;
    char *data, *name = NULL;
    size_t size;

    if (b->options == NULL || b->options->read_file == NULL)
        return NULL;
    data = b->options->read_file(path, at.file, &size, &name, b->options->arg);
    if (data == NULL)
        return NULL;
    text = add_text(b, name ? name : path, data, size);
    free(data);
    free(name);
    return text;
}

static struct sx_parser parser_for(struct sx_builder *b)
{
    return (struct sx_parser){
        .arena = b->c.arena, .d = &b->c.errors, .catalog = b->c.catalog, .include = include_file, .arg = b};
}

static streamd_status result(struct sx_builder *b, streamd_error **error)
{
    streamd_error *chain;
    streamd_status status;

    if (b->c.errors.error_count == 0)
        return STREAMD_OK;
    chain = sx_diagnostics_chain(&b->c.errors);
    status = streamd_error_status(chain);
    if (error != NULL)
        *error = chain;
    else
        streamd_error_free(chain);
    return status;
}

/* ---- Building -------------------------------------------------------------------------------- */

/* A letter, then letters, digits and ._-: what may begin the name of a topic. */
static const char *name_from_file(struct sx_arena *arena, const char *file)
{
    const char *base = strrchr(file, '/');
    char *name = sx_arena_strdup(arena, base ? base + 1 : file);
    char *end = strrchr(name, '.');

    if (end != NULL && end != name)
        *end = '\0';
    for (char *c = name; *c; c++)
        if (!((*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z') || (*c >= '0' && *c <= '9') || *c == '_' ||
              *c == '-' || *c == '.'))
            *c = '_';
    return name[0] ? name : "streamd";
}

struct sx_builder *sx_builder_new(const char *application, const struct sx_catalog *catalog)
{
    struct sx_builder *b = sx_calloc(1, sizeof(*b));

    b->compiled = sx_calloc(1, sizeof(*b->compiled));
    b->compiled->plan = b->c.plan = sx_plan_new(application);
    b->c.arena = &b->c.plan->arena;
    b->c.catalog = catalog;
    b->c.errors.arena = b->c.warnings.arena = b->c.arena;
    b->c.last_definition = &b->c.definitions;
    b->last_test = (struct sx_test **)&b->compiled->tests;
    sx_arena_init(&b->compiled->arena, 4096);
    return b;
}

void sx_builder_free(struct sx_builder *b)
{
    if (b == NULL)
        return;
    sx_map_free(&b->c.names);
    sx_map_free(&b->c.params);
    sx_map_free(&b->c.functions);
    sx_map_free(&b->c.signatures);
    free(b->c.sources);
    sx_compiled_free(b->compiled);
    free(b);
}

void sx_compiled_free(struct sx_compiled *compiled)
{
    if (compiled == NULL)
        return;
    sx_plan_free(compiled->plan);
    sx_arena_free(&compiled->arena);
    free(compiled);
}

static void compile_text(struct sx_builder *b, const char *name, const char *text, size_t size)
{
    struct sx_parser parser = parser_for(b);
    struct sx_ast_file *file = SX_ARENA_NEW(b->c.arena, struct sx_ast_file);

    sx_parse_text(&parser, add_text(b, name, text, size), file);
    if (file->application != NULL)
        b->c.plan->application = file->application;
    for (const struct sx_statement *s = file->first; s != NULL; s = s->next)
        compile_statement(b, s);
}

streamd_status sx_builder_text(struct sx_builder *b, const char *text, size_t size, streamd_error **error)
{
    compile_text(b, "text", text, size);
    return result(b, error);
}

const struct sx_flow *sx_builder_flow(struct sx_builder *b, const char *name)
{
    const struct sx_definition *definition = sx_map_get(&b->c.names, sx_slice_of(name));

    return definition ? definition->flow : NULL;
}

streamd_status sx_builder_stage(struct sx_builder *b, const struct sx_flow *input, const char *definition,
                                const char *stage, const struct sx_flow **out, streamd_error **error)
{
    struct sx_parser parser = parser_for(b);
    struct sx_ast_stage *tree = SX_ARENA_NEW(b->c.arena, struct sx_ast_stage);
    const struct sx_named_flow *results = NULL;
    const struct sx_text *text = add_text(b, stage, stage, strlen(stage));
    const struct sx_flow *flow = NULL;
    uint32_t result_count = 0, count;
    bool failed = true;

    parser.tokens = parser.at = sx_lex(text, b->c.arena, &b->c.errors, &count);
    sx_parse_stage(&parser, tree);
    if (!parser.failed && parser.at->kind != SX_TOKEN_END)
        sx_parse_failed(&parser, parser.at->at, NULL, "%s stands behind the stage", sx_here(&parser));
    if (!parser.failed && tree->op != NULL)
        flow = sx_bind_stage(&b->c, tree, input, sx_arena_strdup(b->c.arena, definition), true, &failed,
                             &results, &result_count);
    for (uint32_t r = 0; r < result_count; r++)
        define(&b->c, results[r].name, tree->at, results[r].flow);
    if (out != NULL)
        *out = flow;
    return result(b, error);
}

streamd_status sx_builder_name(struct sx_builder *b, const struct sx_flow *flow, const char *name,
                               streamd_error **error)
{
    struct sx_position nowhere = {.file = "builder"};

    define(&b->c, name, nowhere, flow);
    return result(b, error);
}

static void warn_unused(struct sx_compiler *c)
{
    for (const struct sx_definition *d = c->definitions; d != NULL; d = d->next)
        if (!d->used && d->flow != NULL)
            sx_diagnose(&c->warnings, STREAMD_OK, d->at,
                        "end a pipeline from it in `to topic \"...\"`, or take it out", "nothing reads `%s`",
                        d->name);
}

streamd_status sx_builder_finish(struct sx_builder *b, struct sx_compiled **compiled, streamd_error **error)
{
    struct sx_definition_info *infos;
    const struct sx_source_spec **sources;
    uint32_t count = 0;
    streamd_status status = result(b, error);

    if (status == STREAMD_OK)
        status = sx_plan_finish(b->c.plan, error);
    if (status != STREAMD_OK)
        return status;
    for (const struct sx_definition *d = b->c.definitions; d != NULL; d = d->next)
        count++;
    infos = SX_ARENA_ARRAY(b->c.arena, struct sx_definition_info, count + 1);
    count = 0;
    for (const struct sx_definition *d = b->c.definitions; d != NULL; d = d->next)
        infos[count++] = (struct sx_definition_info){d->name, d->flow};
    sources = SX_ARENA_ARRAY(b->c.arena, const struct sx_source_spec *, b->c.source_count + 1);
    for (uint32_t i = 0; i < b->c.source_count; i++)
        sources[i] = b->c.sources[i];
    b->compiled->definitions = infos;
    b->compiled->definition_count = count;
    b->compiled->sources = sources;
    b->compiled->source_count = b->c.source_count;
    warn_unused(&b->c);
    b->c.plan->warnings = sx_diagnostics_chain(&b->c.warnings);
    *compiled = b->compiled;
    b->compiled = NULL;
    return STREAMD_OK;
}

streamd_status sx_compile(const char *text, size_t size, const struct sx_compile_options *options,
                          struct sx_compiled **compiled, streamd_error **error)
{
    struct sx_builder *b = sx_builder_new("", options->catalog);
    streamd_status status;

    b->options = options;
    b->c.plan->application = name_from_file(b->c.arena, options->name);
    /* The application's name is part of topics' names, which statements make: it must be known first. */
    compile_text(b, options->name, text, size);
    status = sx_builder_finish(b, compiled, error);
    sx_builder_free(b);
    return status;
}

streamd_status sx_compile_tests(const char *text, size_t size, const char *name, struct sx_arena *arena,
                                const struct sx_test **tests, streamd_error **error)
{
    struct sx_catalog empty = {0};
    struct sx_builder *b = sx_builder_new("tests", &empty);
    struct sx_parser parser;
    struct sx_ast_file file = {0};
    struct sx_test **last = (struct sx_test **)tests;
    streamd_status status;

    /* The blocks are to live in the caller's arena. */
    b->c.arena = b->c.errors.arena = b->c.warnings.arena = arena;
    parser = parser_for(b);
    *tests = NULL;
    sx_parse_text(&parser, add_text(b, name, text, size), &file);
    for (const struct sx_statement *s = file.first; s != NULL; s = s->next) {
        if (s->kind != SX_STATEMENT_TEST) {
            sx_mistake(&b->c, s->at, STREAMD_E_SYNTAX, NULL, "a `.test` file holds `test` blocks only");
            continue;
        }
        *last = s->test;
        last = (struct sx_test **)&s->test->next;
    }
    status = result(b, error);
    sx_builder_free(b);
    return status;
}

streamd_status sx_compile_constant(const char *text, const struct sx_catalog *catalog, struct sx_arena *arena,
                                   struct sx_value *value, const struct sx_type **type, streamd_error **error)
{
    struct sx_builder *b = sx_builder_new("constant", catalog);
    struct sx_scope none = {.c = &b->c};
    struct sx_parser parser;
    const struct sx_expr *expr = NULL;
    struct sx_ast *ast;
    streamd_status status;
    uint32_t count;

    b->c.arena = b->c.errors.arena = b->c.warnings.arena = arena;
    parser = parser_for(b);
    parser.tokens = parser.at =
        sx_lex(add_text(b, "expression", text, strlen(text)), arena, &b->c.errors, &count);
    ast = sx_parse_expr(&parser);
    if (!parser.failed && parser.at->kind != SX_TOKEN_END)
        sx_parse_failed(&parser, parser.at->at, NULL, "%s stands behind the expression", sx_here(&parser));
    if (!parser.failed)
        expr = sx_check(&none, ast, NULL);
    if (expr != NULL && sx_check_constant(&none, ast, NULL, value))
        *type = expr->type;
    status = result(b, error);
    sx_builder_free(b);
    return status;
}
