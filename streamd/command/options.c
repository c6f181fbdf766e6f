/* options.c: command line, environment and config file to values. */
#include "streamd/command/command.h"

#include "engine/base/text.h"

#include <ctype.h>
#include <stdlib.h>

const struct sx_option_row sx_option_rows[SX_OPTION_COUNT] = {
#define SX_OPTION(id, name, argument, preset, help) {name, argument, preset, help},
#include "streamd/command/options.def"
#undef SX_OPTION
};

const char *sx_option(const struct sx_options *options, enum sx_option option)
{
    return options->values[option] ? options->values[option] : sx_option_rows[option].preset;
}

static int find_row(const char *name, size_t size)
{
    for (size_t i = 0; i < SX_OPTION_COUNT; i++)
        if (strlen(sx_option_rows[i].name) == size && memcmp(sx_option_rows[i].name, name, size) == 0)
            return (int)i;
    return -1;
}

static bool unknown(const char *what, const char *name, const char *where)
{
    const char *names[SX_OPTION_COUNT + 1], *near;

    for (size_t i = 0; i < SX_OPTION_COUNT; i++)
        names[i] = sx_option_rows[i].name;
    names[SX_OPTION_COUNT] = "set";
    near = sx_nearest(name, names, SX_COUNT(names));
    fprintf(stderr, "error: %sthere is no %s `%s`", where, what, name);
    if (near != NULL)
        fprintf(stderr, "; did you mean `%s`?", near);
    fputs("\n", stderr);
    return false;
}

static bool add_param(struct sx_options *options, const char *text)
{
    const char *equals = strchr(text, '=');

    if (equals == NULL || equals == text || options->param_count == SX_COUNT(options->param_names)) {
        fprintf(stderr, "error: --set takes NAME=VALUE, got `%s`\n", text);
        return false;
    }
    options->param_names[options->param_count] =
        sx_arena_strndup(&options->arena, text, (size_t)(equals - text));
    options->param_values[options->param_count++] = sx_arena_strdup(&options->arena, equals + 1);
    return true;
}

/* One `--name value`, `--name=value` or flag at argv[*at]. */
static bool read_option(struct sx_options *options, int argc, char **argv, int *at)
{
    const char *name = argv[*at] + 2, *equals = strchr(name, '='), *value = equals ? equals + 1 : NULL;
    size_t size = equals ? (size_t)(equals - name) : strlen(name);
    bool set = size == 3 && memcmp(name, "set", 3) == 0;
    int row = find_row(name, size);

    if (!set && row < 0)
        return unknown("option", argv[*at], "");
    if ((set || sx_option_rows[row].argument != NULL) && value == NULL) {
        if (*at + 1 >= argc) {
            fprintf(stderr, "error: --%s needs %s\n", name,
                    set ? "NAME=VALUE" : sx_option_rows[row].argument);
            return false;
        }
        value = argv[++*at];
    }
    if (set)
        return add_param(options, value);
    options->values[row] = value ? value : "true";
    options->written[row] = true;
    return true;
}

void sx_option_variable(const struct sx_option_row *row, char name[64])
{
    int n = snprintf(name, 64, "STREAMD_%s", row->name);

    for (int i = (int)strlen("STREAMD_"); i < SX_MIN(n, 63); i++)
        name[i] = name[i] == '-' ? '_' : (char)toupper((unsigned char)name[i]);
}

static void read_environment(struct sx_options *options)
{
    for (size_t i = 0; i < SX_OPTION_COUNT; i++) {
        char name[64];
        const char *value;

        sx_option_variable(&sx_option_rows[i], name);
        value = getenv(name);
        if (value != NULL && value[0] && options->values[i] == NULL) {
            options->values[i] = value;
            options->written[i] = true;
        }
    }
}

static char *trimmed(char *text)
{
    char *end;

    while (isspace((unsigned char)*text))
        text++;
    end = text + strlen(text);
    while (end > text && isspace((unsigned char)end[-1]))
        *--end = '\0';
    return text;
}

static bool read_config_line(struct sx_options *options, char *line, const char *path, unsigned number)
{
    char *equals, *key, *value, where[4096];
    int row;

    line = trimmed(line);
    if (line[0] == '\0' || line[0] == '#')
        return true;
    equals = strchr(line, '=');
    if (equals == NULL) {
        fprintf(stderr, "%s:%u:1: error: expected `key = value`\n", path, number);
        return false;
    }
    *equals = '\0';
    key = trimmed(line);
    value = trimmed(equals + 1);
    if (strncmp(key, "kafka.", 6) == 0 && options->setting_count < SX_COUNT(options->setting_names)) {
        options->setting_names[options->setting_count] = sx_arena_strdup(&options->arena, key + 6);
        options->setting_values[options->setting_count++] = sx_arena_strdup(&options->arena, value);
        return true;
    }
    row = find_row(key, strlen(key));
    if (row < 0 || row == SX_OPTION_CONFIG) {
        snprintf(where, sizeof(where), "%s:%u:1: ", path, number);
        return unknown("setting", key, where);
    }
    if (options->values[row] == NULL) {
        options->values[row] = sx_arena_strdup(&options->arena, value);
        options->written[row] = true;
    }
    return true;
}

static bool read_config(struct sx_options *options)
{
    const char *path = options->values[SX_OPTION_CONFIG], *reason;
    char *text, *line, *rest;
    unsigned number = 0;
    size_t size;
    bool ok = true;

    if (path == NULL)
        return true;
    text = sx_read_file(path, &size, &reason);
    if (text == NULL) {
        fprintf(stderr, "error: cannot read the config file %s: %s\n", path, reason);
        return false;
    }
    for (line = text; line != NULL; line = rest) {
        rest = strchr(line, '\n');
        if (rest != NULL)
            *rest++ = '\0';
        ok &= read_config_line(options, line, path, ++number);
    }
    free(text);
    return ok;
}

bool sx_options_read(struct sx_options *options, int argc, char **argv)
{
    bool only_arguments = false;

    for (int i = 0; i < argc; i++) {
        if (!only_arguments && strcmp(argv[i], "--") == 0) {
            only_arguments = true;
        } else if (!only_arguments && strncmp(argv[i], "--", 2) == 0) {
            if (!read_option(options, argc, argv, &i))
                return false;
        } else if (options->argument_count == SX_COUNT(options->arguments)) {
            fputs("error: too many arguments\n", stderr);
            return false;
        } else {
            options->arguments[options->argument_count++] = argv[i];
        }
    }
    read_environment(options);
    return read_config(options);
}

void sx_options_free(struct sx_options *options) { sx_arena_free(&options->arena); }
