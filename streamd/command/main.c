/* main.c: which subcommand, its help, and nothing else. */
#include "streamd/command/command.h"

#include "engine/base/text.h"

#include <signal.h>
#include <sys/stat.h>

enum { OPTION_WIDTH = 24 };

#define SX_COMMAND(name) extern const struct sx_command sx_command_##name;
#include "streamd/command/commands.def"
#undef SX_COMMAND

static const struct sx_command *const commands[] = {
#define SX_COMMAND(name) &sx_command_##name,
#include "streamd/command/commands.def"
#undef SX_COMMAND
};

const struct sx_command *const *sx_commands(size_t *count)
{
    *count = SX_COUNT(commands);
    return commands;
}

static void print_option(const char *left, const char *help, const char *preset)
{
    bool wide = strlen(left) > OPTION_WIDTH;

    printf("  %-*s ", OPTION_WIDTH, left);
    if (wide)
        printf("\n  %*s ", OPTION_WIDTH, "");
    fputs(help, stdout);
    if (preset != NULL)
        printf(" [%s]", preset);
    putchar('\n');
}

/* Those of `names`, or all if it is NULL. */
static void print_options(const char *names, bool set)
{
    for (size_t i = 0; i < SX_OPTION_COUNT; i++) {
        char word[64], left[64];

        snprintf(word, sizeof(word), " %s ", sx_option_rows[i].name);
        if (names != NULL && strstr(names, word) == NULL)
            continue;
        snprintf(left, sizeof(left), "--%s %s", sx_option_rows[i].name,
                 sx_option_rows[i].argument ? sx_option_rows[i].argument : "");
        print_option(left, sx_option_rows[i].help, sx_option_rows[i].preset);
    }
    if (set)
        print_option("--set NAME=VALUE", "The value of a param of the file.", NULL);
}

static int print_help(void)
{
    puts("streamd: run stream topologies\n\n"
         "  streamd FILE                     the same as streamd run FILE");
    for (size_t i = 0; i < SX_COUNT(commands); i++) {
        char left[64];
        snprintf(left, sizeof(left), "streamd %s %s", commands[i]->name, commands[i]->usage);
        printf("  %-32s %s\n", left, commands[i]->summary);
    }
    puts("\nOptions (each is also an environment variable: --data-dir is STREAMD_DATA_DIR)");
    print_options(NULL, true);
    puts("\n`streamd COMMAND --help` says more.");
    return SX_EXIT_OK;
}

static int print_command_help(const struct sx_command *command)
{
    /* What compiles no file has no params to set. */
    bool set = strstr(command->usage, "FILE") != NULL || strstr(command->options, " topology ") != NULL;

    printf("streamd %s %s\n\n%s\n\n%s", command->name, command->usage, command->summary, command->more);
    if (set || strcmp(command->options, " ") != 0) {
        puts("\nOptions");
        print_options(command->options, set);
    }
    return SX_EXIT_OK;
}

static const struct sx_command *find_command(const char *name)
{
    for (size_t i = 0; i < SX_COUNT(commands); i++)
        if (strcmp(commands[i]->name, name) == 0)
            return commands[i];
    return NULL;
}

/* One of these words stands there, wherever. */
static bool has(const char *word, const char *letter, int argc, char **argv)
{
    for (int i = 0; i < argc && strcmp(argv[i], "--") != 0; i++)
        if (strcmp(argv[i], word) == 0 || strcmp(argv[i], letter) == 0)
            return true;
    return false;
}

static int unknown_command(const char *name)
{
    const char *names[SX_COUNT(commands)], *near;

    for (size_t i = 0; i < SX_COUNT(commands); i++)
        names[i] = commands[i]->name;
    near = sx_nearest(name, names, SX_COUNT(commands));
    fprintf(stderr, "error: there is no command and no file `%s`", name);
    if (near != NULL)
        fprintf(stderr, "; did you mean `streamd %s`?", near);
    fputs("\n`streamd --help` lists the commands.\n", stderr);
    return SX_EXIT_USAGE;
}

int main(int argc, char **argv)
{
    struct sx_options options = {0};
    const struct sx_command *command;
    int skip = 1, code;
    FILE *file;

    signal(SIGPIPE, SIG_IGN);
    umask(077); /* RocksDB makes files that everybody may read, and the folder need not be ours alone */
    if (argc < 2)
        return print_help(), SX_EXIT_USAGE;
    if (has("--version", "-V", argc - 1, argv + 1))
        return printf("streamd %s\nbuilt with %s\n", streamd_version(), SX_LIBRARIES), SX_EXIT_OK;
    command = find_command(argv[1]);
    if (command == NULL) {
        if (has("--help", "-h", argc - 1, argv + 1) || strcmp(argv[1], "help") == 0)
            return print_help();
        if (argv[1][0] != '-') {
            file = fopen(argv[1], "r");
            if (file == NULL)
                return unknown_command(argv[1]);
            fclose(file);
        }
        command = &sx_command_run;
        skip = 0;
    } else if (has("--help", "-h", argc - 2, argv + 2)) {
        return print_command_help(command);
    }
    sx_arena_init(&options.arena, 4096);
    if (!sx_options_read(&options, command, argc - 1 - skip, argv + 1 + skip))
        code = SX_EXIT_USAGE;
    else
        code = command->run(&options);
    sx_options_free(&options);
    if (fflush(stdout) != 0 && code == SX_EXIT_OK)
        code = SX_EXIT_FAILED;
    return code;
}
