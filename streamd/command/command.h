/* command.h: what the subcommands share: options, loading a topology, exit codes. */
#ifndef SX_COMMAND_H
#define SX_COMMAND_H

#include "streamd/topic_form.h"

/* Every exit code, its number and its meaning. */
#define SX_EXIT_MAP(X)                                                                      \
    X(OK, 0, "done, or stopped by a signal")                                                \
    X(FAILED, 1, "failed at run time: a record with `on error fail`, a test, a connection") \
    X(USAGE, 2, "wrong usage, or a file that does not compile")

enum {
#define X(name, number, text) SX_EXIT_##name = (number),
    SX_EXIT_MAP(X)
#undef X
};

/* Options after command line, environment and config file, in that order of strength. */
struct sx_options {
    const char **arguments; /* what is no option */
    uint32_t argument_count;
    const char *param_names[64], *param_values[64]; /* --set */
    uint32_t param_count;
    const char *setting_names[256], *setting_values[256]; /* kafka.* of the config file */
    uint32_t setting_count;
    const char *values[32]; /* by row of options.def; NULL: not given */
    bool written[32];       /* given by hand, not by default */
    struct sx_arena arena;
};

enum sx_option {
#define SX_OPTION(id, name, argument, preset, help) SX_OPTION_##id,
#include "streamd/command/options.def"
#undef SX_OPTION
    SX_OPTION_COUNT
};

/* The row of each option. */
struct sx_option_row {
    const char *name, *argument, *preset,
        *help; /* argument NULL: a flag; preset NULL: none, or the help says it */
};
extern const struct sx_option_row sx_option_rows[SX_OPTION_COUNT];
/* --data-dir is STREAMD_DATA_DIR. */
void sx_option_variable(const struct sx_option_row *row, char name[64]);

/* The value of an option, or its default (NULL: none). */
const char *sx_option(const struct sx_options *options, enum sx_option option);

/* --batch: how many records a driver is given at a time. False: it is no such number, which was said. */
bool sx_batch_option(const struct sx_options *options, uint32_t *batch);

void sx_options_free(struct sx_options *options);

struct sx_command {
    const char *name;
    const char *usage;   /* behind the name */
    const char *summary; /* one sentence */
    const char *more;    /* for --help of this command */
    const char *options; /* names of the options it takes, between spaces */
    int (*run)(const struct sx_options *options);
};

/* Read a command's words, argv[0..]. False: something was wrong and was said. */
bool sx_options_read(struct sx_options *options, const struct sx_command *command, int argc, char **argv);

/* The rows of commands.def. */
const struct sx_command *const *sx_commands(size_t *count);

/* Compile a file; mistakes and (if `warnings`) warnings go to standard error. NULL: it failed, *exit_code
 * says how. */
struct sx_compiled *sx_load(const char *path, const struct sx_options *options, bool warnings,
                            int *exit_code);
/* The same; `application` is its name if it does not say one (NULL: after the file). */
struct sx_compiled *sx_load_as(const char *path, const struct sx_options *options, bool warnings,
                               const char *application, int *exit_code);
/* A file's content in malloc'd memory; "-" is standard input. NULL: *reason (static or errno's) says why. */
char *sx_read_file(const char *path, size_t *size, const char **reason);

/* Print an error chain to standard error. Takes it. */
void sx_complain(streamd_error *error);

#endif
