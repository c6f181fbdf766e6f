/* cmd_functions.c: the functions and aggregates, or one with its example. */
#include "streamd/command/command.h"

#include "engine/base/text.h"
#include "streamd/builtin.h"

static bool is_named(const char *signature, const char *name)
{
    size_t size = strlen(name);
    return strncmp(signature, name, size) == 0 && signature[size] == '(';
}

static uint32_t print_function(const struct sx_function_def *row, bool whole)
{
    if (!whole)
        return printf("  %-56s %s\n", row->signature, row->summary), 1;
    printf("%s\n  %s\n", row->signature, row->summary);
    if (row->flags & SX_FUNCTION_NULLS)
        puts("  Sees null arguments.");
    else
        puts("  A null argument gives null.");
    if (row->example != NULL)
        printf("  %s  gives  %s\n", row->example, row->result);
    return 1;
}

static uint32_t print_aggregate(const struct sx_aggregate_def *row, bool whole)
{
    if (!whole)
        return printf("  %-56s %s\n", row->signature, row->summary), 1;
    printf("%s  (aggregate)\n  %s\n", row->signature, row->summary);
    if (row->example != NULL)
        printf("  %s over %s  gives  %s\n", row->example, row->example_rows, row->result);
    return 1;
}

static uint32_t print_all(const char *name)
{
    const struct sx_catalog *c = &sx_builtin_catalog;
    uint32_t printed = 0;

    for (uint32_t t = 0; t < c->function_table_count; t++) {
        if (name == NULL)
            printf("%s%s\n", t ? "\n" : "", c->functions[t]->family);
        for (uint32_t r = 0; r < c->functions[t]->count; r++)
            if (name == NULL || is_named(c->functions[t]->rows[r].signature, name))
                printed += print_function(&c->functions[t]->rows[r], name != NULL);
    }
    for (uint32_t t = 0; t < c->aggregate_table_count; t++) {
        if (name == NULL)
            printf("\n%s (aggregates)\n", c->aggregates[t]->family);
        for (uint32_t r = 0; r < c->aggregates[t]->count; r++)
            if (name == NULL || is_named(c->aggregates[t]->rows[r].signature, name))
                printed += print_aggregate(&c->aggregates[t]->rows[r], name != NULL);
    }
    return printed;
}

static int run(const struct sx_options *options)
{
    const char *name = options->argument_count ? options->arguments[0] : NULL;

    if (print_all(name) > 0)
        return SX_EXIT_OK;
    fprintf(stderr, "error: there is no function `%s`; `streamd functions` lists them\n", name);
    return SX_EXIT_USAGE;
}

const struct sx_command sx_command_functions = {
    .name = "functions",
    .usage = "[NAME]",
    .summary = "The functions and aggregates, or one with its example.",
    .more = "",
    .options = " ",
    .run = run,
};
