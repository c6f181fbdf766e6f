/* cmd_diff.c: what an upgrade from one file to another keeps, rebuilds or loses. */
#include "streamd/command/command.h"

#include "engine/base/document.h"
#include "engine/graph/upgrade.h"

struct diff {
    const struct sx_compiled *was, *is;
    bool *visited; /* by statement of `is` */
};

/* ---- What is written otherwise --------------------------------------------------------------- */

static const struct sx_statement_info *find(const struct sx_compiled *compiled, const char *name)
{
    for (uint32_t i = 0; i < compiled->statement_count; i++)
        if (strcmp(compiled->statements[i].name, name) == 0)
            return &compiled->statements[i];
    return NULL;
}

static bool is_definition(const struct sx_compiled *compiled, const char *name)
{
    for (uint32_t i = 0; i < compiled->definition_count; i++)
        if (strcmp(compiled->definitions[i].name, name) == 0)
            return true;
    return false;
}

static bool written_otherwise(struct diff *d, const char *name);

/* A param or function among the words is written otherwise. */
static bool mentions_changed(struct diff *d, const char *words)
{
    char name[256];

    while (*words) {
        size_t size = strcspn(words, " ");

        if (size < sizeof(name)) {
            memcpy(name, words, size);
            name[size] = '\0';
            if (find(d->is, name) != NULL && !is_definition(d->is, name) && written_otherwise(d, name))
                return true;
        }
        words += size;
        words += *words == ' ';
    }
    return false;
}

static bool written_otherwise(struct diff *d, const char *name)
{
    const struct sx_statement_info *was = find(d->was, name), *is = find(d->is, name);
    bool *visited, changed;

    if (was == NULL || is == NULL)
        return false;
    visited = &d->visited[is - d->is->statements];
    if (*visited)
        return false; /* a function is in hand that names itself */
    *visited = true;
    changed = strcmp(was->words, is->words) != 0 || mentions_changed(d, is->words);
    *visited = false;
    return changed;
}

static bool changed(const char *definition, void *arg) { return written_otherwise(arg, definition); }

/* ---- Text ------------------------------------------------------------------------------------ */

static const char *const restarts[] = {
    [SX_RESTART_ROLLING] = "rolling", [SX_RESTART_DRAIN] = "drain", [SX_RESTART_STOP] = "stop"};

static void print_row(const struct sx_fate_row *row, const char *more)
{
    printf("  %-8s %s%s%s\n", sx_fate_name(row->fate), row->name, more ? "  " : "", more ? more : "");
    for (uint32_t i = 0; i < row->reason_count; i++)
        printf("           %s\n", row->reasons[i]);
}

static void print_stores(const struct sx_upgrade *u, struct sx_arena *arena)
{
    fputs(u->store_count ? "\nstate\n" : "", stdout);
    for (uint32_t i = 0; i < u->store_count; i++) {
        const struct sx_fate_row *row = &u->stores[i];
        const char *more = NULL;

        if (row->fate == SX_FATE_REBUILT)
            more = sx_arena_format(arena, "from topic `%s`", row->topic);
        else if (strcmp(row->definition, row->name) != 0)
            more = sx_arena_format(arena, "of `%s`", row->definition);
        print_row(row, more);
    }
}

static void print_topics(const char *title, const struct sx_fate_row *rows, uint32_t count)
{
    if (count)
        printf("\n%s\n", title);
    for (uint32_t i = 0; i < count; i++)
        print_row(&rows[i], NULL);
}

static void print_what_to_do(const struct sx_upgrade *u)
{
    static const char *const texts[] = {
        [SX_RESTART_ROLLING] = "restart: rolling: old and new members may run at the same time.\n",
        [SX_RESTART_DRAIN] =
            "restart: not rolling. Let the old file process what is under way: stop its members, run it\n"
            "once more with --until-end while no input comes, then start the new one. Because\n",
        [SX_RESTART_STOP] =
            "restart: stop all members first. A run of the new file refuses to start, until what is lost\n"
            "has another name in the file, or `streamd reset` has forgotten all state. Because\n",
    };

    putchar('\n');
    if (strcmp(u->was, u->is) != 0) {
        printf("restart: `%s` is another application than `%s`: it begins anew, beside it or after it.\n",
               u->is, u->was);
        return;
    }
    fputs(texts[u->restart], stdout);
    for (uint32_t i = 0; i < u->why_count; i++)
        printf("  %s\n", u->why[i]);
}

static void print_text(const struct sx_upgrade *u, struct sx_arena *arena)
{
    if (u->lost == 0)
        printf("application %s: no state is lost\n", u->is);
    else
        printf("application %s: the state of %u store%s is lost\n", u->is, u->lost, u->lost > 1 ? "s" : "");
    print_stores(u, arena);
    print_topics("internal topics (changelogs are on Kafka only)", u->topics, u->topic_count);
    print_topics("topics that are read", u->sources, u->source_count);
    print_what_to_do(u);
}

/* ---- JSON ------------------------------------------------------------------------------------ */

static json_t *texts_json(const char *const *texts, uint32_t count)
{
    json_t *array = json_array();

    for (uint32_t i = 0; i < count; i++)
        sx_document_push(array, sx_document_text(texts[i]));
    return array;
}

static json_t *rows_json(const struct sx_fate_row *rows, uint32_t count, bool stores)
{
    json_t *array = json_array();

    for (uint32_t i = 0; i < count; i++) {
        json_t *row = json_object();

        sx_document_set(row, "name", sx_document_text(rows[i].name));
        sx_document_set(row, "definition", sx_document_text(rows[i].definition));
        sx_document_set(row, "fate", sx_document_text(sx_fate_name(rows[i].fate)));
        if (stores)
            sx_document_set(row, rows[i].from_source ? "from" : "changelog", sx_document_text(rows[i].topic));
        sx_document_set(row, "reasons", texts_json(rows[i].reasons, rows[i].reason_count));
        sx_document_push(array, row);
    }
    return array;
}

static void print_json(const struct sx_upgrade *u)
{
    json_t *document = json_object(), *application = json_object();
    struct sx_buffer text = {0};

    sx_document_set(application, "old", sx_document_text(u->was));
    sx_document_set(application, "new", sx_document_text(u->is));
    sx_document_set(document, "application", application);
    sx_document_set(document, "lost", json_integer(u->lost));
    sx_document_set(document, "restart", sx_document_text(restarts[u->restart]));
    sx_document_set(document, "why", texts_json(u->why, u->why_count));
    sx_document_set(document, "state", rows_json(u->stores, u->store_count, true));
    sx_document_set(document, "topics", rows_json(u->topics, u->topic_count, false));
    sx_document_set(document, "sources", rows_json(u->sources, u->source_count, false));
    sx_document_write(&text, document, true);
    fwrite(text.data, 1, text.size, stdout);
    sx_buffer_free(&text);
}

/* ---- The command ----------------------------------------------------------------------------- */

static int compare(const struct sx_compiled *was, const struct sx_compiled *is, bool json)
{
    struct sx_arena arena;
    struct diff d = {.was = was, .is = is};
    const struct sx_upgrade *upgrade;
    int code;

    sx_arena_init(&arena, 0);
    d.visited = SX_ARENA_ARRAY(&arena, bool, is->statement_count + 1);
    upgrade = sx_upgrade_compare(was->plan, is->plan, changed, &d, &arena);
    if (json)
        print_json(upgrade);
    else
        print_text(upgrade, &arena);
    code = upgrade->lost ? SX_EXIT_FAILED : SX_EXIT_OK;
    sx_arena_free(&arena);
    return code;
}

static int run(const struct sx_options *options)
{
    const char *format = sx_option(options, SX_OPTION_FORMAT);
    struct sx_compiled *was, *is;
    int code;

    if (options->argument_count != 2 || (strcmp(format, "text") != 0 && strcmp(format, "json") != 0)) {
        fputs("usage: streamd diff OLD NEW [--format text|json]\n", stderr);
        return SX_EXIT_USAGE;
    }
    was = sx_load(options->arguments[0], options, false, &code);
    if (was == NULL)
        return code;
    /* They are versions of one application, unless both say how they are called. */
    is = sx_load_as(options->arguments[1], options, false, was->plan->application, &code);
    if (is != NULL && is->has_application && !was->has_application) {
        sx_compiled_free(was);
        was = sx_load_as(options->arguments[0], options, false, is->plan->application, &code);
    }
    if (was != NULL && is != NULL)
        code = compare(was, is, strcmp(format, "json") == 0);
    sx_compiled_free(is);
    sx_compiled_free(was);
    return code;
}

const struct sx_command sx_command_diff = {
    .name = "diff",
    .usage = "OLD NEW",
    .summary = "Show what an upgrade from one file to another keeps, rebuilds or loses.",
    .more =
        "Both files are compiled; nothing is opened. It says of all state whether it is kept, rebuilt from\n"
        "its topic, new or lost, which internal topics are made or left behind, and whether old and new\n"
        "members may run at the same time. A file that does not say its `application` is taken for a\n"
        "version of the other's. Exit code 0: no state is lost; 1: some is; 2: a file does not compile.\n",
    .options = " format ",
    .run = run,
};
