/* compile.c: the order of the passes: parse, then the statements from top to bottom. */
#include "dsl/compile.h"

#include "dsl/builder.h"
#include "engine/base/text.h"

#include <stdlib.h>

/* ---- Statements ------------------------------------------------------------------------------ */

/* What was given for a param from outside: `--set name=value`. NULL: nothing. */
static const char *given_for(const struct sx_builder *b, const char *param)
{
    for (uint32_t i = 0; b->options != NULL && i < b->options->param_count; i++)
        if (strcmp(b->options->param_names[i], param) == 0)
            return b->options->param_values[i];
    return NULL;
}

void sx_builder_statement(struct sx_builder *b, const struct sx_statement *s)
{
    switch (s->kind) {
    case SX_STATEMENT_SOURCE:
        sx_define(&b->c, s->name, s->at, s->broken ? NULL : sx_compile_source(&b->c, s));
        break;
    case SX_STATEMENT_PIPELINE:
        sx_compile_pipeline(&b->c, s);
        break;
    case SX_STATEMENT_PARAM:
        sx_declare_param(&b->c, s, given_for(b, s->name));
        break;
    case SX_STATEMENT_FUNCTION:
        sx_declare_function(&b->c, s);
        break;
    case SX_STATEMENT_SET:
        sx_declare_setting(&b->c, s);
        break;
    case SX_STATEMENT_TEST:
        if (s->broken)
            break;
        *b->last_test = s->test;
        b->last_test = (struct sx_test **)&s->test->next;
        break;
    }
}

/* Every param that was given must be there. */
static void check_given(struct sx_builder *b)
{
    for (uint32_t i = 0; b->options != NULL && i < b->options->param_count; i++)
        if (sx_map_get(&b->c.params, sx_slice_of(b->options->param_names[i])) == NULL)
            sx_mistake(&b->c, (struct sx_position){.column = i}, STREAMD_E_CONFIG, NULL,
                       "the file has no param `%s` to set", b->options->param_names[i]);
}

/* ---- Texts ----------------------------------------------------------------------------------- */

const struct sx_text *sx_builder_add_text(struct sx_builder *b, const char *name, const char *data,
                                          size_t size)
{
    struct sx_text *text = SX_ARENA_NEW(b->c.arena, struct sx_text);

    if (size >= 3 && memcmp(data, "\xef\xbb\xbf", 3) == 0) { /* a byte order mark */
        data += 3;
        size -= 3;
    }
    text->name = sx_arena_strdup(b->c.arena, name);
    text->data = sx_arena_strndup(b->c.arena, data, size);
    text->size = size;
    text->next = b->c.errors.texts;
    b->c.errors.texts = b->c.warnings.texts = text;
    return text;
}

/* A file is included once, where it first is: several may need what it declares. */
static bool was_read(const struct sx_builder *b, const char *name)
{
    for (const struct sx_text *text = b->c.errors.texts; text != NULL; text = text->next)
        if (strcmp(text->name, name) == 0)
            return true;
    return false;
}

static const struct sx_text *include_file(struct sx_parser *p, const char *path, struct sx_position at,
                                          void *arg)
{
    struct sx_builder *b = arg;
    const struct sx_text *text = NULL;
    char *data, *name = NULL;
    size_t size;

    if (b->options == NULL || b->options->read_file == NULL)
        return NULL;
    data = b->options->read_file(path, at.file, &size, &name, b->options->arg);
    if (data != NULL)
        text = was_read(b, name ? name : path) ? SX_ARENA_NEW(b->c.arena, struct sx_text)
                                               : sx_builder_add_text(b, name ? name : path, data, size);
    free(data);
    free(name);
    return text;
}

struct sx_parser sx_builder_parser(struct sx_builder *b)
{
    return (struct sx_parser){
        .arena = b->c.arena, .d = &b->c.errors, .catalog = b->c.catalog, .include = include_file, .arg = b};
}

streamd_status sx_builder_result(struct sx_builder *b, streamd_error **error)
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

/* A source of an included file that nothing reads: such files are shared, and hold more than one needs. */
static bool is_idle_source(const struct sx_compiler *c, const struct sx_statement *source)
{
    if (source->kind != SX_STATEMENT_SOURCE || source->at.file == c->file || source->broken)
        return false;
    for (const struct sx_statement *s = c->statements; s != NULL; s = s->next)
        if (s != source && sx_reads_flow(s, source->name))
            return false;
    return true;
}

void sx_builder_text(struct sx_builder *b, const char *name, const char *text, size_t size)
{
    struct sx_parser parser = sx_builder_parser(b);
    struct sx_statement **first = b->file.last ? b->file.last : &b->file.first;
    const char *application = b->file.application;
    const struct sx_text *whole = sx_builder_add_text(b, name, text, size);

    sx_parse_text(&parser, whole, &b->file);
    /* The application's name is part of topics' names, which statements make: it must be known first. */
    if (b->file.application != application) {
        b->c.plan->application = b->file.application;
        sx_check_topic(&b->c, b->file.application, b->file.application_at);
    }
    b->c.statements = *first;
    b->c.file = whole->name;
    for (const struct sx_statement *s = *first; s != NULL; s = s->next)
        if (!is_idle_source(&b->c, s))
            sx_builder_statement(b, s);
    b->c.file = NULL;
    b->c.statements = NULL;
}

static void warn_unused(struct sx_compiler *c)
{
    for (const struct sx_definition *d = c->definitions; d != NULL; d = d->next)
        if (!d->used && !d->included && d->flow != NULL)
            sx_warn(c, d->at, "end a pipeline from it in `to topic \"...\"`, or take it out",
                    "nothing reads `%s`", d->name);
}

/* Reading what the file itself writes would go round for ever; it is left out, which is worth saying. */
static void warn_patterns(struct sx_compiler *c)
{
    const struct sx_plan *plan = c->plan;

    for (uint32_t t = 0; t < plan->topic_count; t++)
        for (uint32_t u = 0; plan->topics[t]->pattern != NULL && u < plan->topic_count; u++)
            if ((plan->topics[u]->roles & SX_TOPIC_SINK) != 0 &&
                plan->topics[t]->pattern->matches(plan->topics[t]->pattern, plan->topics[u]->name))
                sx_warn(c, plan->topics[t]->at, "choose a pattern that takes only what is to be read",
                        "the pattern `%s` also matches `%s`, which this file writes: that topic is not read",
                        plan->topics[t]->pattern->text, plan->topics[u]->name);
}

static void keep_statements(struct sx_builder *b)
{
    struct sx_statement_info *infos;
    uint32_t count = 0;

    for (const struct sx_statement *s = b->file.first; s != NULL; s = s->next)
        count++;
    infos = SX_ARENA_ARRAY(b->c.arena, struct sx_statement_info, count + 1);
    count = 0;
    for (const struct sx_statement *s = b->file.first; s != NULL; s = s->next)
        if (s->name != NULL && s->words != NULL)
            infos[count++] = (struct sx_statement_info){s->name, s->words};
    b->compiled->statements = infos;
    b->compiled->statement_count = count;
}

streamd_status sx_builder_finish(struct sx_builder *b, struct sx_compiled **compiled, streamd_error **error)
{
    struct sx_definition_info *infos;
    const struct sx_source_spec **sources;
    uint32_t count = 0;
    streamd_status status = sx_builder_result(b, error);

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
    b->compiled->has_application = b->file.application != NULL;
    keep_statements(b);
    warn_unused(&b->c);
    warn_patterns(&b->c);
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
    b->c.plan->application = options->application ? sx_arena_strdup(b->c.arena, options->application)
                                                  : name_from_file(b->c.arena, options->name);
    sx_builder_text(b, options->name, text, size);
    check_given(b);
    if (b->c.plan->node_count == 0 && b->c.errors.count == 0)
        sx_mistake(&b->c, (struct sx_position){options->name, 1, 1, 1}, STREAMD_E_SYNTAX,
                   "begin with `stream NAME from topic \"t\" { key string  value json { ... } }`",
                   "nothing is read: the file has no source");
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
    parser = sx_builder_parser(b);
    *tests = NULL;
    sx_parse_text(&parser, sx_builder_add_text(b, name, text, size), &file);
    for (const struct sx_statement *s = file.first; s != NULL; s = s->next) {
        if (s->kind != SX_STATEMENT_TEST) {
            sx_mistake(&b->c, s->at, STREAMD_E_SYNTAX, NULL, "a `.test` file holds `test` blocks only");
            continue;
        }
        *last = s->test;
        last = (struct sx_test **)&s->test->next;
    }
    status = sx_builder_result(b, error);
    sx_builder_free(b);
    return status;
}

streamd_status sx_compile_type(const char *text, struct sx_arena *arena, const struct sx_type **type,
                               streamd_error **error)
{
    struct sx_catalog empty = {0};
    struct sx_builder *b = sx_builder_new("type", &empty);
    struct sx_parser parser;
    const struct sx_type *read;
    streamd_status status;
    uint32_t count;

    b->c.arena = b->c.errors.arena = b->c.warnings.arena = arena;
    parser = sx_builder_parser(b);
    parser.pieces = true;
    parser.tokens = parser.at =
        sx_lex(sx_builder_add_text(b, "type", text, strlen(text)), arena, &b->c.errors, &count);
    read = sx_parse_type(&parser);
    if (!parser.failed && parser.at->kind != SX_TOKEN_END)
        sx_parse_failed(&parser, parser.at->at, NULL, "%s stands behind the type", sx_here(&parser));
    status = sx_builder_result(b, error);
    if (status == STREAMD_OK)
        *type = read;
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
    parser = sx_builder_parser(b);
    parser.tokens = parser.at =
        sx_lex(sx_builder_add_text(b, "expression", text, strlen(text)), arena, &b->c.errors, &count);
    ast = sx_parse_expr(&parser);
    if (!parser.failed && parser.at->kind != SX_TOKEN_END)
        sx_parse_failed(&parser, parser.at->at, NULL, "%s stands behind the expression", sx_here(&parser));
    if (!parser.failed)
        expr = sx_check(&none, ast, NULL);
    if (expr != NULL && sx_check_constant(&none, ast, NULL, value))
        *type = expr->type;
    status = sx_builder_result(b, error);
    sx_builder_free(b);
    return status;
}
