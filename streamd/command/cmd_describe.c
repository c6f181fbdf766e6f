/* cmd_describe.c: the DAG, its subtopologies, topics and stores. */
#include "streamd/command/command.h"

static int run(const struct sx_options *options)
{
    const char *format = sx_option(options, SX_OPTION_FORMAT);
    struct sx_buffer text = {0};
    struct sx_compiled *compiled;
    int code;

    if (options->argument_count != 1) {
        fputs("usage: streamd describe FILE [--format text|dot|json]\n", stderr);
        return SX_EXIT_USAGE;
    }
    if (strcmp(format, "text") != 0 && strcmp(format, "dot") != 0 && strcmp(format, "json") != 0) {
        fprintf(stderr, "error: --format is text, dot or json, not `%s`\n", format);
        return SX_EXIT_USAGE;
    }
    compiled = sx_load(options->arguments[0], options, true, &code);
    if (compiled == NULL)
        return code;
    if (strcmp(format, "dot") == 0)
        sx_plan_print_dot(compiled->plan, &text);
    else if (strcmp(format, "json") == 0)
        sx_plan_print_json(compiled->plan, &text);
    else
        sx_plan_print_text(compiled->plan, &text);
    fwrite(text.data, 1, text.size, stdout);
    sx_buffer_free(&text);
    sx_compiled_free(compiled);
    return SX_EXIT_OK;
}

const struct sx_command sx_command_describe = {
    .name = "describe",
    .usage = "FILE",
    .summary = "Show the DAG, its tasks, topics and stores.",
    .more = "Text is for people, dot for Graphviz, json for programs.\n",
    .options = " format ",
    .run = run,
};
