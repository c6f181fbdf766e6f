/* cmd_list.c: the rows of every table: what the reference pages, editors and checks are made from. */
#include "streamd/command/command.h"

#include "engine/base/document.h"
#include "engine/base/text.h"
#include "engine/run/stats.h"
#include "streamd/builtin.h"

/* ---- Rows ------------------------------------------------------------------------------------ */

struct listing {
    json_t *document, *rows; /* of the section in hand; NULL: for people */
    uint32_t sections;
};

/* A field of a row: text as JSON has it, or `bare` (true, 42) as it stands; text NULL: not there. */
struct field {
    const char *name, *text;
    bool bare;
};

#define TEXT(name, text) ((struct field){name, text, false})
#define FLAG(name, value) ((struct field){name, (value) ? "true" : "false", true})

static json_t *row_json(const struct field *fields, uint32_t count)
{
    json_t *object = json_object();

    for (uint32_t i = 0; i < count; i++)
        if (fields[i].text != NULL)
            sx_document_set(object, fields[i].name,
                            fields[i].bare ? json_loads(fields[i].text, JSON_DECODE_ANY, NULL)
                                           : sx_document_text(fields[i].text));
    return object;
}

/* For people: the first field and `summary`. */
static void row(struct listing *l, const struct field *fields, uint32_t count)
{
    if (l->document != NULL) {
        sx_document_push(l->rows, row_json(fields, count));
        return;
    }
    for (uint32_t i = 1; i < count; i++)
        if (strcmp(fields[i].name, "summary") == 0)
            printf("  %-34s %s\n", fields[0].text, fields[i].text);
}

#define ROW(l, ...) \
    row(l, (const struct field[]){__VA_ARGS__}, SX_COUNT(((const struct field[]){__VA_ARGS__})))

/* ---- Stages ---------------------------------------------------------------------------------- */

/* How a clause is written behind its word. */
static const char *const forms[] = {
    [SX_CLAUSE_FLAG] = "",
    [SX_CLAUSE_NAME] = "NAME",
    [SX_CLAUSE_FLOW] = "STREAM|TABLE",
    [SX_CLAUSE_FLOWS] = "STREAM, ...",
    [SX_CLAUSE_EXPR] = "EXPR",
    [SX_CLAUSE_EXPRS] = "EXPR, NAME: EXPR, ...",
    [SX_CLAUSE_ARGUMENTS] = "EXPR, ...",
    [SX_CLAUSE_ALIASED] = "EXPR as NAME, ...",
    [SX_CLAUSE_PROJECTION] = "{ NAME, NAME: EXPR, *, ... }",
    [SX_CLAUSE_AGGREGATES] = "{ NAME: AGGREGATE, ... }",
    [SX_CLAUSE_CASES] = "{ when EXPR -> NAME ... else -> NAME }",
    [SX_CLAUSE_DURATION] = "DURATION",
    [SX_CLAUSE_INTEGER] = "N",
    [SX_CLAUSE_TEXT] = "\"TEXT\"",
    [SX_CLAUSE_BODY] = "{ key F value F time EXPR partition by EXPR headers { ... } }",
};

/* `window tumbling DURATION [offset DURATION] grace DURATION` */
static void add_syntax(struct sx_buffer *to, const struct sx_operator_def *op)
{
    sx_buffer_add_text(to, op->name);
    for (uint32_t i = 0; i < op->clause_count; i++) {
        const struct sx_clause *c = &op->clauses[i];

        sx_buffer_printf(to, " %s%s%s%s%s", c->optional ? "[" : "", c->word ? c->word : "",
                         c->word && forms[c->kind][0] ? " " : "", forms[c->kind], c->optional ? "]" : "");
    }
    sx_buffer_add_byte(to, '\0');
}

static void list_operators(struct listing *l)
{
    for (uint32_t i = 0; i < sx_builtin_catalog.operator_count; i++) {
        const struct sx_operator_def *op = sx_builtin_catalog.operators[i];
        struct sx_buffer syntax = {0};

        if (op->internal)
            continue;
        add_syntax(&syntax, op);
        ROW(l, TEXT("name", op->name), TEXT("syntax", syntax.data), TEXT("takes", op->takes),
            TEXT("summary", op->summary), TEXT("program", op->example.program), TEXT("in", op->example.in),
            TEXT("out", op->example.out), FLAG("statement", op->is_statement));
        sx_buffer_free(&syntax);
    }
}

static void list_clauses(struct listing *l)
{
    for (uint32_t i = 0; i < sx_builtin_catalog.operator_count; i++) {
        const struct sx_operator_def *op = sx_builtin_catalog.operators[i];

        for (uint32_t k = 0; k < op->clause_count && !op->internal; k++) {
            const struct sx_clause *c = &op->clauses[k];

            ROW(l, TEXT("operator", op->name), TEXT("word", c->word), TEXT("form", forms[c->kind]),
                FLAG("optional", c->optional), TEXT("summary", c->help));
        }
    }
}

/* ---- Functions, aggregates, formats ---------------------------------------------------------- */

static void list_functions(struct listing *l)
{
    for (uint32_t t = 0; t < sx_builtin_catalog.function_table_count; t++) {
        const struct sx_function_table *table = sx_builtin_catalog.functions[t];

        for (uint32_t r = 0; r < table->count; r++) {
            const struct sx_function_def *f = &table->rows[r];

            ROW(l, TEXT("signature", f->signature), TEXT("family", table->family),
                FLAG("sees_nulls", f->flags & SX_FUNCTION_NULLS), TEXT("summary", f->summary),
                TEXT("example", f->example), TEXT("result", f->result));
        }
    }
}

static void list_aggregates(struct listing *l)
{
    for (uint32_t t = 0; t < sx_builtin_catalog.aggregate_table_count; t++) {
        const struct sx_aggregate_table *table = sx_builtin_catalog.aggregates[t];

        for (uint32_t r = 0; r < table->count; r++) {
            const struct sx_aggregate_def *a = &table->rows[r];

            ROW(l, TEXT("signature", a->signature), TEXT("family", table->family),
                FLAG("sees_nulls", a->flags & SX_AGGREGATE_NULLS), TEXT("cannot_retract", a->cannot_retract),
                FLAG("merges", a->merge != NULL), TEXT("summary", a->summary), TEXT("example", a->example),
                TEXT("rows", a->example_rows), TEXT("result", a->result));
        }
    }
}

static void list_formats(struct listing *l)
{
    size_t count;
    const struct sx_format_def *const *all = sx_format_all(&count);

    for (size_t i = 0; i < count; i++)
        if (!all[i]->internal)
            ROW(l, TEXT("name", all[i]->name), FLAG("takes_fields", all[i]->takes_fields),
                TEXT("summary", all[i]->summary), TEXT("example", all[i]->example),
                TEXT("bytes", all[i]->example_bytes), TEXT("row", all[i]->example_row));
}

/* ---- The program ----------------------------------------------------------------------------- */

static void list_commands(struct listing *l)
{
    size_t count;
    const struct sx_command *const *all = sx_commands(&count);

    for (size_t i = 0; i < count; i++)
        ROW(l, TEXT("name", all[i]->name), TEXT("usage", all[i]->usage), TEXT("summary", all[i]->summary),
            TEXT("more", all[i]->more), TEXT("options", all[i]->options));
}

static void list_options(struct listing *l)
{
    for (size_t i = 0; i < SX_OPTION_COUNT; i++) {
        const struct sx_option_row *o = &sx_option_rows[i];
        char variable[64];

        sx_option_variable(o, variable);
        ROW(l, TEXT("name", o->name), TEXT("argument", o->argument), TEXT("variable", variable),
            TEXT("default", o->preset), FLAG("in_config", i != SX_OPTION_CONFIG), TEXT("summary", o->help));
    }
}

static void list_settings(struct listing *l)
{
#define SX_SETTING(id, words, form, preset, help) \
    ROW(l, TEXT("name", words), TEXT("form", form), TEXT("default", preset), TEXT("summary", help));
#include "dsl/settings.def"
#undef SX_SETTING
}

static void list_reserved(struct listing *l)
{
#define SX_RESERVED(name, why) ROW(l, TEXT("name", "kafka." name), TEXT("summary", why));
#include "engine/log/kafka_reserved.def"
#undef SX_RESERVED
}

static void list_metrics(struct listing *l)
{
    static const char *const kinds[] = {"counter", "gauge", "histogram"};
    uint32_t count;
    const struct sx_stat_row *rows = sx_stat_rows(&count);

    for (uint32_t i = 0; i < count; i++)
        ROW(l, TEXT("name", rows[i].name), TEXT("kind", kinds[rows[i].kind]),
            TEXT("label", rows[i].labels[0]), TEXT("label2", rows[i].labels[1]),
            TEXT("summary", rows[i].help));
#define SX_INFO(name, label1, label2, help, value1, value2)                                          \
    ROW(l, TEXT("name", name), TEXT("kind", "gauge"), TEXT("label", label1), TEXT("label2", label2), \
        TEXT("summary", help));
#define SX_METRIC(name, kind, help, value) \
    ROW(l, TEXT("name", name), TEXT("kind", kind), TEXT("summary", help));
#include "streamd/metrics.def"
#undef SX_METRIC
#undef SX_INFO
}

static void list_statuses(struct listing *l)
{
#define X(name, number, text) \
    ROW(l, TEXT("name", "STREAMD_" #name), ((struct field){"number", #number, true}), TEXT("summary", text));
    STREAMD_STATUS_MAP(X)
#undef X
}

static void list_exits(struct listing *l)
{
#define X(name, number, text) ROW(l, ((struct field){"number", #number, true}), TEXT("summary", text));
    SX_EXIT_MAP(X)
#undef X
}

/* ---- The command ----------------------------------------------------------------------------- */

static const struct section {
    const char *name;
    void (*list)(struct listing *l);
} sections[] = {
    {"operators", list_operators},   {"clauses", list_clauses},   {"functions", list_functions},
    {"aggregates", list_aggregates}, {"formats", list_formats},   {"commands", list_commands},
    {"options", list_options},       {"settings", list_settings}, {"reserved", list_reserved},
    {"metrics", list_metrics},       {"statuses", list_statuses}, {"exits", list_exits},
};

static void list(struct listing *l, const struct section *section)
{
    if (l->document != NULL) {
        l->rows = json_array();
        sx_document_set(l->document, section->name, l->rows);
    } else {
        printf("%s%s\n", l->sections ? "\n" : "", section->name);
    }
    section->list(l);
    l->sections++;
}

static int unknown(const char *name)
{
    const char *names[SX_COUNT(sections)], *near;

    for (size_t i = 0; i < SX_COUNT(sections); i++)
        names[i] = sections[i].name;
    near = sx_nearest(name, names, SX_COUNT(names));
    fprintf(stderr, "error: there is no list of `%s`", name);
    if (near != NULL)
        fprintf(stderr, "; did you mean `%s`?", near);
    fputs("\nThe lists are", stderr);
    for (size_t i = 0; i < SX_COUNT(sections); i++)
        fprintf(stderr, "%s %s", i ? "," : "", names[i]);
    fputs(".\n", stderr);
    return SX_EXIT_USAGE;
}

static int run(const struct sx_options *options)
{
    const char *format = sx_option(options, SX_OPTION_FORMAT);
    const char *name = options->argument_count ? options->arguments[0] : NULL;
    bool json = strcmp(format, "json") == 0;
    struct listing l = {.document = json ? json_object() : NULL};
    struct sx_buffer text = {0};

    if (options->argument_count > 1 || (!json && strcmp(format, "text") != 0)) {
        fputs("usage: streamd list [WHAT] [--format text|json]\n", stderr);
        return SX_EXIT_USAGE;
    }
    for (size_t i = 0; i < SX_COUNT(sections); i++)
        if (name == NULL || strcmp(name, sections[i].name) == 0)
            list(&l, &sections[i]);
    if (l.document != NULL)
        sx_document_write(&text, l.document, true);
    if (l.sections > 0)
        fwrite(text.data, 1, text.size, stdout);
    sx_buffer_free(&text);
    return l.sections > 0 ? SX_EXIT_OK : unknown(name);
}

const struct sx_command sx_command_list = {
    .name = "list",
    .usage = "[WHAT]",
    .summary = "All that this program knows: operators, functions, formats, options, metrics ...",
    .more = "Without WHAT all lists are shown, under their names. --format json has every field, with the\n"
            "examples; docs/reference is made from it.\n",
    .options = " format ",
    .run = run,
};
