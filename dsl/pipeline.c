/* pipeline.c: names of streams and tables, and the pipelines that make them. */
#include "dsl/check.h"

#include "engine/base/text.h"

/* ---- Names ----------------------------------------------------------------------------------- */

/* The line where a name is declared further down; 0: it is not. */
static uint32_t declared_later(const struct sx_compiler *c, const char *name)
{
    for (const struct sx_statement *s = c->statements; s != NULL; s = s->next)
        if ((s->kind == SX_STATEMENT_SOURCE || s->kind == SX_STATEMENT_PIPELINE) && s->name != NULL &&
            strcmp(s->name, name) == 0)
            return s->at.line;
    return 0;
}

const struct sx_flow *sx_find_flow(struct sx_compiler *c, const char *name, struct sx_position at)
{
    struct sx_definition *definition = sx_map_get(&c->names, sx_slice_of(name));
    const char *names[256], *near;
    uint32_t count = 0, later;

    if (definition != NULL) {
        definition->used = true;
        return definition->flow;
    }
    for (const struct sx_definition *d = c->definitions; d != NULL && count < SX_COUNT(names); d = d->next)
        names[count++] = d->name;
    near = sx_nearest(name, names, count);
    later = declared_later(c, name);
    sx_mistake(c, at, STREAMD_E_NAME,
               later ? sx_arena_format(
                           c->arena, "it is declared at line %u; a name is declared before it is used", later)
               : near ? sx_arena_format(c->arena, "did you mean `%s`?", near)
                      : "a name is declared before it is used",
               later ? "`%s` is not declared yet" : "there is no stream or table `%s`", name);
    return NULL;
}

bool sx_reads_flow(const struct sx_statement *s, const char *name)
{
    bool reads = s->from != NULL && strcmp(s->from, name) == 0;

    for (uint32_t t = 0; t < s->stage_count; t++) {
        const struct sx_ast_stage *stage = &s->stages[t];

        for (uint32_t k = 0; stage->op != NULL && k < stage->op->clause_count; k++) {
            const struct sx_ast_clause *clause = &stage->clauses[k];

            if (stage->op->clauses[k].kind == SX_CLAUSE_FLOW && clause->given)
                reads |= strcmp(clause->expr->text, name) == 0;
            for (uint32_t i = 0; stage->op->clauses[k].kind == SX_CLAUSE_FLOWS && i < clause->count; i++)
                reads |= strcmp(clause->items[i].name, name) == 0;
        }
    }
    for (uint32_t i = 0; s->test != NULL && i < s->test->step_count; i++)
        reads |= s->test->steps[i].name != NULL && strcmp(s->test->steps[i].name, name) == 0;
    return reads;
}

bool sx_find_flows(struct sx_compiler *c, const struct sx_ast_stage *stage)
{
    bool ok = true;

    for (uint32_t k = 0; k < stage->op->clause_count; k++) {
        const struct sx_ast_clause *clause = &stage->clauses[k];

        if (stage->op->clauses[k].kind == SX_CLAUSE_FLOW && clause->given)
            ok &= sx_find_flow(c, clause->expr->text, clause->expr->at) != NULL;
        for (uint32_t i = 0; stage->op->clauses[k].kind == SX_CLAUSE_FLOWS && i < clause->count; i++)
            ok &= sx_find_flow(c, clause->items[i].name, clause->items[i].at) != NULL;
    }
    return ok;
}

void sx_define(struct sx_compiler *c, const char *name, struct sx_position at, const struct sx_flow *flow)
{
    struct sx_definition *definition = sx_map_get(&c->names, sx_slice_of(name));

    if (definition != NULL) {
        sx_mistake(c, at, STREAMD_E_NAME,
                   definition->at.file == at.file
                       ? sx_arena_format(c->arena, "the first one is at line %u", definition->at.line)
                       : sx_arena_format(c->arena, "the first one is in %s", definition->at.file),
                   "`%s` is defined twice", name);
        return;
    }
    definition = SX_ARENA_NEW(c->arena, struct sx_definition);
    definition->name = sx_arena_strdup(c->arena, name);
    definition->at = at;
    definition->included = c->file != NULL && at.file != c->file;
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

/* ---- Topics ---------------------------------------------------------------------------------- */

void sx_check_topic(struct sx_compiler *c, const char *name, struct sx_position at)
{
    if (!sx_is_topic_name(name))
        sx_mistake(c, at, STREAMD_E_NAME, SX_TOPIC_NAME_RULE,
                   name[0] ? "`%s` cannot be a topic's name" : "the topic has no name%s", name);
}

/* The topics that a stage made: its own have the name of the definition in theirs. */
static void check_topics(struct sx_compiler *c, uint32_t first, const struct sx_statement *s,
                         const struct sx_ast_stage *stage)
{
    for (uint32_t t = first; t < c->plan->topic_count; t++) {
        const struct sx_topic_plan *topic = c->plan->topics[t];

        if (topic->medium != SX_MEDIUM_LOG || sx_is_topic_name(topic->name))
            continue;
        if (topic->roles & SX_TOPIC_SINK || s->name == NULL)
            sx_check_topic(c, topic->name, topic->at.line ? topic->at : stage->at);
        else
            sx_mistake(c, s->at, STREAMD_E_NAME, SX_TOPIC_NAME_RULE,
                       "`%s` would name the topic `%s`, which cannot be", s->name, topic->name);
    }
}

/* ---- Pipelines ------------------------------------------------------------------------------- */

/* What is no topic's name, such as a path, as one. */
static const char *as_topic_name(struct sx_compiler *c, const char *text)
{
    char *name = sx_arena_strdup(c->arena, text);

    for (char *at = name; *at; at++)
        if (!((*at >= 'a' && *at <= 'z') || (*at >= 'A' && *at <= 'Z') || (*at >= '0' && *at <= '9') ||
              strchr("._-", *at) != NULL))
            *at = '_';
    return name;
}

/* What an unnamed pipeline's own topics are called after: its sink's topic, or its file. */
static const char *sink_name(struct sx_compiler *c, const struct sx_statement *s)
{
    const struct sx_ast_stage *last = s->stage_count ? &s->stages[s->stage_count - 1] : NULL;
    const struct sx_ast *topic = last && last->op && last->op->clause_count ? last->clauses[0].expr : NULL;
    bool file = topic != NULL && strcmp(last->op->name, "to topic") != 0;
    const struct sx_param_value *param;

    if (topic != NULL && topic->kind == SX_AST_STRING)
        return file ? as_topic_name(c, topic->text) : topic->text;
    if (topic != NULL && topic->kind == SX_AST_NAME) {
        param = sx_map_get(&c->params, sx_slice_of(topic->text));
        if (param != NULL && param->type == &sx_type_string && param->value.kind == SX_STRING) {
            const char *text = sx_arena_strndup(c->arena, param->value.s, param->value.size);

            return file ? as_topic_name(c, text) : text;
        }
    }
    return s->from;
}

/* An unnamed pipeline holds no state that would need a name. */
static bool needs_name(const struct sx_ast_stage *stage)
{
    static const char *const words[] = {"group by", "join",   "left join", "outer join",
                                        "latest",   "dedupe", "top"};

    for (size_t i = 0; i < SX_COUNT(words); i++)
        if (strcmp(stage->op->name, words[i]) == 0)
            return true;
    return false;
}

/* The names that a stage declares, as broken ones, so that their use is no second mistake. */
static void define_broken(struct sx_compiler *c, const struct sx_ast_stage *stage)
{
    for (uint32_t k = 0; stage->op->is_statement && k < stage->op->clause_count; k++)
        for (uint32_t i = 0; stage->op->clauses[k].kind == SX_CLAUSE_CASES && i < stage->clauses[k].count;
             i++)
            sx_define(c, stage->clauses[k].items[i].name, stage->clauses[k].items[i].at, NULL);
}

/* One stage behind a flow. False: it has mistakes. */
static bool compile_stage(struct sx_compiler *c, const struct sx_statement *s,
                          const struct sx_ast_stage *stage, const char *definition,
                          const struct sx_flow **flow)
{
    const struct sx_named_flow *results = NULL;
    uint32_t result_count = 0, topics = c->plan->topic_count;
    bool failed;

    if (s->name == NULL && needs_name(stage)) {
        sx_mistake(c, stage->at, STREAMD_E_SYNTAX,
                   "write `stream NAME = ...` or `table NAME = ...`, then `NAME | to ...`",
                   "`%s` keeps state, which needs the name of a definition", stage->op->name);
        return false;
    }
    if (*flow == NULL) {
        sx_mistake(c, stage->at, STREAMD_E_SYNTAX, "begin another pipeline: `NAME | ...`",
                   "nothing flows on to this stage");
        return false;
    }
    if (stage->op->is_statement && s->name != NULL) {
        sx_mistake(c, s->at, STREAMD_E_SYNTAX, sx_arena_format(c->arena, "write `%s | ...` alone", s->from),
                   "`%s` declares names itself, so it has none", stage->op->name);
        return false;
    }
    *flow = sx_bind_stage(c, stage, *flow, definition, s->name != NULL, &failed, &results, &result_count);
    if (!failed)
        check_topics(c, topics, s, stage);
    for (uint32_t r = 0; r < result_count; r++) {
        struct sx_position at = stage->at;

        for (uint32_t k = 0; k < stage->op->clause_count; k++)
            for (uint32_t i = 0; i < stage->clauses[k].count; i++)
                if (stage->clauses[k].items[i].name &&
                    strcmp(stage->clauses[k].items[i].name, results[r].name) == 0)
                    at = stage->clauses[k].items[i].at;
        sx_define(c, results[r].name, at, results[r].flow);
    }
    return !failed;
}

static bool check_end(struct sx_compiler *c, const struct sx_statement *s, const struct sx_flow *flow,
                      bool declares)
{
    if (s->name == NULL) {
        if (flow == NULL || declares)
            return true;
        sx_mistake(c, s->at, STREAMD_E_SYNTAX,
                   "end it in `| to topic \"...\"`, or give it a name: `stream NAME = ...`",
                   "the pipeline ends nowhere");
    } else if (flow == NULL) {
        sx_mistake(c, s->at, STREAMD_E_SYNTAX, sx_arena_format(c->arena, "write `%s | ...` alone", s->from),
                   "`%s` ends in a sink, so nothing can read it", s->name);
    } else if (flow->kind == SX_FLOW_GROUPS) {
        sx_mistake(c, s->at, STREAMD_E_TYPE, "write `| aggregate { ... }` behind it", "`%s` ends in groups",
                   s->name);
    } else if (!s->any_flow && (flow->kind == SX_FLOW_STREAM) != (s->flow == SX_FLOW_STREAM)) {
        const char *is = flow->kind == SX_FLOW_STREAM ? "stream" : "table";

        sx_mistake(c, s->at, STREAMD_E_TYPE, sx_arena_format(c->arena, "write `%s %s = ...`", is, s->name),
                   "`%s` is a %s", s->name, is);
    } else {
        return true;
    }
    return false;
}

void sx_compile_pipeline(struct sx_compiler *c, const struct sx_statement *s)
{
    const struct sx_flow *flow = sx_find_flow(c, s->from, s->from_at);
    const char *definition = s->name ? s->name : sink_name(c, s);
    bool ok = flow != NULL && !s->broken, declares = false;

    if (flow != NULL)
        flow = sx_start_flow(c, flow, s->from);
    for (uint32_t i = 0; i < s->stage_count; i++) {
        const struct sx_ast_stage *stage = &s->stages[i];

        if (stage->op == NULL) {
            ok = false; /* reported */
            continue;
        }
        declares = stage->op->is_statement;
        if (ok)
            ok = compile_stage(c, s, stage, definition, &flow);
        else
            sx_find_flows(c, stage);
        if (!ok)
            define_broken(c, stage);
    }
    ok = ok && check_end(c, s, flow, declares);
    if (s->name != NULL)
        sx_define(c, s->name, s->at, ok ? flow : NULL);
}
