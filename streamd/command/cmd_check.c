/* cmd_check.c: compile only. */
#include "streamd/command/command.h"

static int run(const struct sx_options *options)
{
    int code = SX_EXIT_OK;

    if (options->argument_count == 0) {
        fputs("usage: streamd check FILE\n", stderr);
        return SX_EXIT_USAGE;
    }
    for (uint32_t i = 0; i < options->argument_count; i++) {
        int failed;
        struct sx_compiled *compiled = sx_load(options->arguments[i], options, true, &failed);

        if (compiled == NULL)
            code = failed;
        sx_compiled_free(compiled);
    }
    return code;
}

const struct sx_command sx_command_check = {
    .name = "check",
    .usage = "FILE",
    .summary = "Compile only; says every mistake with its place, and warns of what surprises.",
    .more = "Exit code 0 when the file compiles, 2 when it does not.\n",
    .options = " ",
    .run = run,
};
