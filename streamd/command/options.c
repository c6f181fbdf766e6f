/* options.c: command line, environment and config file to values. */
#include "streamd/command/command.h"
#include "streamd/command/secret.h"

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
    size_t dashes = strspn(name, "-");

    for (size_t i = 0; i < SX_OPTION_COUNT; i++)
        names[i] = sx_option_rows[i].name;
    names[SX_OPTION_COUNT] = "set";
    near = sx_nearest(name + dashes, names, SX_COUNT(names));
    fprintf(stderr, "%serror: there is no %s `%s`", where, what, name);
    if (near != NULL)
        fprintf(stderr, "; did you mean `%.*s%s`?", (int)dashes, "--", near);
    fputs(near == NULL && dashes ? "; `streamd COMMAND --help` lists them\n" : "\n", stderr);
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

/* Options of all commands may be given to each, for an alias has them; those of a few to these. */
static bool takes(const struct sx_command *command, int row)
{
    size_t size = strlen(sx_option_rows[row].name);
    bool taken = row <= SX_OPTION_LOG;

    for (const char *at = command->options; (at = strstr(at, sx_option_rows[row].name)) != NULL; at++)
        taken |= at[-1] == ' ' && at[size] == ' ';
    return taken;
}

/* Everybody on the machine can see the words of a command; so none of librdkafka's settings stands there. */
static bool refuse_kafka(const char *name, size_t size)
{
    fprintf(stderr,
            "error: kafka.%.*s is no option: write it into the file of --config, as "
            "`kafka.%.*s = value`; the value of a secret as ${env:NAME} or ${file:PATH}\n",
            (int)size, name, (int)size, name);
    return false;
}

/* One `--name value`, `--name=value` or flag at argv[*at]. */
static bool read_option(struct sx_options *options, const struct sx_command *command, int argc, char **argv,
                        int *at)
{
    const char *name = argv[*at] + 2, *equals = strchr(name, '='), *value = equals ? equals + 1 : NULL;
    size_t size = equals ? (size_t)(equals - name) : strlen(name);
    bool set = size == 3 && memcmp(name, "set", 3) == 0;
    int row = find_row(name, size);

    if (!set && row < 0 && strncmp(name, "kafka.", 6) == 0)
        return refuse_kafka(name + 6, size - 6);
    if (!set && row < 0)
        return unknown("option", sx_arena_format(&options->arena, "--%.*s", (int)size, name), "");
    if (!set && !takes(command, row)) {
        fprintf(stderr, "error: `streamd %s` takes no --%s; `streamd %s --help` lists what it takes\n",
                command->name, sx_option_rows[row].name, command->name);
        return false;
    }
    if (!set && value != NULL && sx_option_rows[row].argument == NULL) {
        fprintf(stderr, "error: --%s takes no value\n", sx_option_rows[row].name);
        return false;
    }
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

/* From the environment or the config file, unless it was written nearer. A flag can be `false` there. */
static void set_from_elsewhere(struct sx_options *options, int row, const char *value)
{
    bool off =
        sx_option_rows[row].argument == NULL && (strcmp(value, "false") == 0 || strcmp(value, "0") == 0);

    if (options->written[row])
        return;
    options->values[row] = off ? NULL : value;
    options->written[row] = true;
}

static void read_environment(struct sx_options *options)
{
    for (size_t i = 0; i < SX_OPTION_COUNT; i++) {
        char name[64];
        const char *value;

        sx_option_variable(&sx_option_rows[i], name);
        value = getenv(name);
        if (value != NULL && value[0])
            set_from_elsewhere(options, (int)i, value);
    }
}

/* STREAMD_SET: a NAME=VALUE a line. What the command line sets goes before. */
static bool read_params(struct sx_options *options)
{
    const char *at = getenv("STREAMD_SET");
    uint32_t from_line = options->param_count;

    while (at != NULL && *at != '\0') {
        size_t size = strcspn(at, "\n"), name = strcspn(at, "=");
        bool known = false;

        for (uint32_t p = 0; p < from_line; p++)
            known |=
                strlen(options->param_names[p]) == name && memcmp(options->param_names[p], at, name) == 0;
        if (size > 0 && !known && !add_param(options, sx_arena_strndup(&options->arena, at, size)))
            return false;
        at += size + (at[size] == '\n');
    }
    return true;
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

/* A setting of librdkafka, from the config file. */
static bool add_setting(struct sx_options *options, const char *name, const char *text, const char *where)
{
    const char *path = options->values[SX_OPTION_CONFIG];
    char *reason, *value;

    if (sx_secret_setting(name) && text[0] != '$' && sx_secret_is_open(path)) {
        fprintf(stderr,
                "%serror: kafka.%s is a secret, and everybody may read %s: `chmod 600 %s`, or write "
                "${env:NAME} or ${file:PATH} for its value\n",
                where, name, path, path);
        return false;
    }
    value = sx_secret_value(text, &reason);
    if (value == NULL) {
        fprintf(stderr, "%serror: kafka.%s: %s\n", where, name, reason);
        free(reason);
        return false;
    }
    options->setting_names[options->setting_count] = sx_arena_strdup(&options->arena, name);
    options->setting_values[options->setting_count++] = sx_arena_strdup(&options->arena, value);
    free(value);
    return true;
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
        snprintf(where, sizeof(where), "%s:%u:1: ", path, number);
        return add_setting(options, key + 6, value, where);
    }
    row = find_row(key, strlen(key));
    if (row < 0 || row == SX_OPTION_CONFIG) {
        snprintf(where, sizeof(where), "%s:%u:1: ", path, number);
        return unknown("setting", key, where);
    }
    set_from_elsewhere(options, row, sx_arena_strdup(&options->arena, value));
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

/* Of an option with words to choose from, `text|json`, the value is one of them. */
static bool check_words(const struct sx_options *options)
{
    bool ok = true;

    for (size_t i = 0; i < SX_OPTION_COUNT; i++) {
        const char *words = sx_option_rows[i].argument, *value = options->values[i];
        bool found = words == NULL || strchr(words, '|') == NULL || value == NULL;

        for (const char *at = words; !found && at != NULL; at = strchr(at, '|') ? strchr(at, '|') + 1 : NULL)
            found = strcspn(at, "|") == strlen(value) && strncmp(at, value, strlen(value)) == 0;
        if (!found)
            fprintf(stderr, "error: --%s is one of %s, and not `%s`\n", sx_option_rows[i].name, words, value);
        ok &= found;
    }
    return ok;
}

bool sx_options_read(struct sx_options *options, const struct sx_command *command, int argc, char **argv)
{
    bool only_arguments = false;

    options->arguments = SX_ARENA_ARRAY(&options->arena, const char *, (size_t)argc + 1);
    for (int i = 0; i < argc; i++) {
        if (!only_arguments && strcmp(argv[i], "--") == 0) {
            only_arguments = true;
        } else if (!only_arguments && strncmp(argv[i], "--", 2) == 0) {
            if (!read_option(options, command, argc, argv, &i))
                return false;
        } else {
            options->arguments[options->argument_count++] = argv[i];
        }
    }
    read_environment(options);
    return read_params(options) && read_config(options) && check_words(options);
}

bool sx_batch_option(const struct sx_options *options, uint32_t *batch)
{
    const char *text = sx_option(options, SX_OPTION_BATCH);
    int64_t number;

    if (!sx_read_int(sx_slice_of(text), &number) || number < 1 || number > SX_BATCH_ROWS) {
        fprintf(stderr, "error: --batch is a number from 1 to %d, not `%s`\n", SX_BATCH_ROWS, text);
        return false;
    }
    *batch = (uint32_t)number;
    return true;
}

void sx_options_free(struct sx_options *options) { sx_arena_free(&options->arena); }
