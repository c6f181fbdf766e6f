/* cmd_functions.c: the functions and aggregates, or one with its example. */
#include "streamd/command/command.h"

#include "engine/base/text.h"
#include "streamd/builtin.h"

#include <stdlib.h>

/* Both kinds of rows, function tables first. */
struct entry {
    const char *family, *signature;
    const struct sx_function_def *function; /* NULL: it is an aggregate */
    const struct sx_aggregate_def *aggregate;
};

static struct entry *gather(uint32_t *count)
{
    const struct sx_catalog *c = &sx_builtin_catalog;
    struct entry *entries;
    uint32_t room = 0;

    for (uint32_t t = 0; t < c->function_table_count; t++)
        room += c->functions[t]->count;
    for (uint32_t t = 0; t < c->aggregate_table_count; t++)
        room += c->aggregates[t]->count;
    entries = sx_calloc(room, sizeof(*entries));
    *count = 0;
    for (uint32_t t = 0; t < c->function_table_count; t++)
        for (uint32_t r = 0; r < c->functions[t]->count; r++) {
            const struct sx_function_def *row = &c->functions[t]->rows[r];
            entries[(*count)++] = (struct entry){c->functions[t]->family, row->signature, row, NULL};
        }
    for (uint32_t t = 0; t < c->aggregate_table_count; t++)
        for (uint32_t r = 0; r < c->aggregates[t]->count; r++) {
            const struct sx_aggregate_def *row = &c->aggregates[t]->rows[r];
            entries[(*count)++] = (struct entry){c->aggregates[t]->family, row->signature, NULL, row};
        }
    return entries;
}

static size_t name_size(const char *signature) { return strcspn(signature, "("); }

static bool has_parameters(const char *signature) { return signature[name_size(signature) + 1] != ')'; }

static bool is_named(const struct entry *entry, const char *name)
{
    size_t size = strlen(name);
    return size == name_size(entry->signature) && memcmp(entry->signature, name, size) == 0;
}

static void print_line(const struct entry *entry)
{
    printf("  %-56s %s\n", entry->signature,
           entry->function ? entry->function->summary : entry->aggregate->summary);
}

static void print_whole(const struct entry *entry)
{
    const struct sx_function_def *f = entry->function;
    const struct sx_aggregate_def *a = entry->aggregate;

    if (f != NULL) {
        printf("%s\n  %s\n", f->signature, f->summary);
        if (has_parameters(f->signature))
            printf("  %s\n",
                   f->flags & SX_FUNCTION_NULLS ? "It sees null arguments." : "A null argument gives null.");
        printf("  %s  gives  %s\n", f->example, f->result);
        return;
    }
    printf("%s  (aggregate)\n  %s\n", a->signature, a->summary);
    if (a->flags & SX_AGGREGATE_NULLS)
        puts("  Rows with nulls count.");
    else if (has_parameters(a->signature))
        puts("  A row whose first argument is null is skipped.");
    if (a->cannot_retract != NULL)
        printf("  Not over a grouped table: %s.\n", a->cannot_retract);
    printf("  %s  over  %s  gives  %s\n", a->example, a->example_rows, a->result);
}

/* By family; families of aggregates may come from several files. */
static void print_all(const struct entry *entries, uint32_t count)
{
    bool *done = sx_calloc(count, sizeof(*done));

    for (uint32_t i = 0; i < count; i++) {
        if (done[i])
            continue;
        printf("%s%s%s\n", i ? "\n" : "", entries[i].family, entries[i].function ? "" : " (aggregates)");
        for (uint32_t k = i; k < count; k++) {
            if (!!entries[k].function != !!entries[i].function ||
                strcmp(entries[k].family, entries[i].family) != 0)
                continue;
            done[k] = true;
            print_line(&entries[k]);
        }
    }
    free(done);
}

static void say_unknown(const struct entry *entries, uint32_t count, const char *name)
{
    const char **names = sx_calloc(count, sizeof(*names)), *near;
    struct sx_arena arena;

    sx_arena_init(&arena, 4096);
    for (uint32_t i = 0; i < count; i++)
        names[i] = sx_arena_strndup(&arena, entries[i].signature, name_size(entries[i].signature));
    near = sx_nearest(name, names, count);
    fprintf(stderr, "error: there is no function `%s`; ", name);
    if (near != NULL)
        fprintf(stderr, "did you mean `%s`? ", near);
    fputs("`streamd functions` lists them\n", stderr);
    sx_arena_free(&arena);
    free(names);
}

static int run(const struct sx_options *options)
{
    const char *name = options->argument_count ? options->arguments[0] : NULL;
    struct entry *entries;
    uint32_t count, printed = 0;

    if (options->argument_count > 1) {
        fputs("usage: streamd functions [NAME]\n", stderr);
        return SX_EXIT_USAGE;
    }
    entries = gather(&count);
    if (name == NULL)
        print_all(entries, count);
    for (uint32_t i = 0; i < count && name != NULL; i++)
        if (is_named(&entries[i], name)) {
            if (printed++)
                putchar('\n');
            print_whole(&entries[i]);
        }
    if (name != NULL && printed == 0)
        say_unknown(entries, count, name);
    free(entries);
    return name == NULL || printed ? SX_EXIT_OK : SX_EXIT_USAGE;
}

const struct sx_command sx_command_functions = {
    .name = "functions",
    .usage = "[NAME]",
    .summary = "The functions and aggregates, or one with its example.",
    .more = "A NAME that stands for several, by the types of their arguments, shows all of them.\n",
    .options = " ",
    .run = run,
};
