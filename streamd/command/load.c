/* load.c: files and topologies. */
#include "streamd/command/command.h"
#include "streamd/builtin.h"

#include <errno.h>
#include <stdlib.h>

char *sx_read_file(const char *path, size_t *size, const char **reason)
{
    FILE *file = strcmp(path, "-") == 0 ? stdin : fopen(path, "rb");
    struct sx_buffer text = {0};
    size_t got;

    if (file == NULL) {
        *reason = strerror(errno);
        return NULL;
    }
    do {
        char *room = sx_buffer_room(&text, 64 * 1024);
        got = fread(room, 1, 64 * 1024, file);
        text.size += got;
    } while (got > 0);
    *reason = ferror(file) ? strerror(errno) : NULL;
    if (file != stdin)
        fclose(file);
    if (*reason != NULL) {
        sx_buffer_free(&text);
        return NULL;
    }
    *size = text.size;
    sx_buffer_add_byte(&text, '\0');
    return text.data;
}

void sx_complain(streamd_error *error)
{
    for (const streamd_error *e = error; e != NULL; e = streamd_error_next(e))
        sx_error_print(e, "error", stderr);
    streamd_error_free(error);
}

/* `path` beside the file that includes it. */
static char *include(const char *path, const char *from, size_t *size, char **name, void *arg)
{
    const char *slash = strrchr(from, '/'), *reason;

    *name = path[0] == '/' || slash == NULL ? sx_strdup(path)
                                            : sx_format("%.*s/%s", (int)(slash - from), from, path);
    return sx_read_file(*name, size, &reason);
}

struct sx_compiled *sx_load(const char *path, const struct sx_options *options, bool warnings, int *exit_code)
{
    return sx_load_as(path, options, warnings, NULL, exit_code);
}

struct sx_compiled *sx_load_as(const char *path, const struct sx_options *options, bool warnings,
                               const char *application, int *exit_code)
{
    struct sx_compile_options compile = {
        .catalog = &sx_builtin_catalog,
        .name = path,
        .application = application,
        .param_names = options->param_names,
        .param_values = options->param_values,
        .param_count = options->param_count,
        .read_file = include,
    };
    struct sx_compiled *compiled = NULL;
    streamd_error *error = NULL;
    const char *reason;
    size_t size;
    char *text = sx_read_file(path, &size, &reason);

    *exit_code = SX_EXIT_USAGE;
    if (text == NULL) {
        fprintf(stderr, "error: cannot read %s: %s\n", path, reason);
        return NULL;
    }
    if (sx_compile(text, size, &compile, &compiled, &error) != STREAMD_OK)
        sx_complain(error);
    free(text);
    for (const streamd_error *w = compiled && warnings ? compiled->plan->warnings : NULL; w != NULL;
         w = streamd_error_next(w))
        sx_error_print(w, "warning", stderr);
    return compiled;
}
