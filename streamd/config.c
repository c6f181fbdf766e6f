/* config.c: see config.h. */
#include "streamd/config.h"

#include "engine/base/text.h"

#include <stdlib.h>

#define KAFKA "kafka."

enum kind { TEXT, NUMBER, DURATION, SIZE, WORD };

struct row {
    const char *name;
    enum kind kind;
    int64_t least, most;
    const char *argument, *preset;
};

static const struct row rows[] = {
#define SX_SETTING(id, name, kind, least, most, argument, preset, help) \
    {name, kind, least, most, argument, preset},
#include "streamd/config.def"
#undef SX_SETTING
};

/* ---- Reading values -------------------------------------------------------------------------- */

/* `512MiB`, `64KiB`, `1GiB`. */
static bool read_size(const char *text, int64_t *bytes)
{
    static const struct {
        const char *unit;
        int shift;
    } units[] = {{"KiB", 10}, {"MiB", 20}, {"GiB", 30}};
    size_t digits = strspn(text, "0123456789");
    int64_t number;

    if (!sx_read_int(sx_slice(text, digits), &number) || number > 1 << 20)
        return false;
    for (size_t u = 0; u < SX_COUNT(units); u++)
        if (strcmp(text + digits, units[u].unit) == 0) {
            *bytes = number << units[u].shift;
            return true;
        }
    return false;
}

/* The place of a word in `a|b|c`. */
static bool read_word(const char *words, const char *text, int64_t *place)
{
    size_t size = strlen(text);

    *place = 0;
    for (const char *at = words;; at += strcspn(at, "|") + 1, (*place)++) {
        if (strcspn(at, "|") == size && memcmp(at, text, size) == 0)
            return true;
        if (at[strcspn(at, "|")] == '\0')
            return false;
    }
}

static bool read_value(const struct row *row, const char *text, int64_t *number)
{
    switch (row->kind) {
    case TEXT:
        return text[0] != '\0';
    case NUMBER:
        return sx_read_int(sx_slice_of(text), number) && *number >= row->least && *number <= row->most;
    case DURATION:
        return sx_read_duration(sx_slice_of(text), number) && *number >= row->least && *number <= row->most;
    case SIZE:
        return read_size(text, number) && *number >= row->least && *number <= row->most;
    case WORD:
        return read_word(row->argument, text, number);
    }
    return false;
}

static streamd_status refuse(const struct row *row, const char *text, streamd_error **error)
{
    struct sx_buffer what = {0};

    switch (row->kind) {
    case TEXT:
        sx_buffer_add_text(&what, "not be empty");
        break;
    case NUMBER:
        sx_buffer_printf(&what, "be a number from %lld to %lld", (long long)row->least, (long long)row->most);
        break;
    case DURATION:
        sx_buffer_add_text(&what, "be a duration from ");
        sx_add_duration(&what, row->least);
        sx_buffer_add_text(&what, " to ");
        sx_add_duration(&what, row->most);
        break;
    case SIZE:
        sx_buffer_add_text(&what, "be a size as 512MiB");
        break;
    case WORD:
        sx_buffer_printf(&what, "be one of %s", row->argument);
        break;
    }
    sx_fail(error, STREAMD_E_CONFIG, "`%s` must %.*s, and is `%s`", row->name, (int)what.size, what.data,
            text);
    sx_buffer_free(&what);
    return STREAMD_E_CONFIG;
}

/* ---- Setting --------------------------------------------------------------------------------- */

static void set_kafka(struct streamd_config *config, const char *name, const char *value)
{
    struct sx_log_setting *setting = NULL;

    for (uint32_t i = 0; i < config->kafka_count && setting == NULL; i++)
        if (strcmp(config->kafka[i].name, name) == 0)
            setting = &config->kafka[i];
    if (setting == NULL) {
        config->kafka = sx_realloc(config->kafka, sizeof(*config->kafka) * (config->kafka_count + 1));
        setting = &config->kafka[config->kafka_count++];
        *setting = (struct sx_log_setting){sx_strdup(name), NULL};
    }
    free((char *)setting->value);
    setting->value = sx_strdup(value);
}

streamd_status streamd_config_set(streamd_config *config, const char *name, const char *value,
                                  streamd_error **error)
{
    const char *names[SX_COUNT(rows)], *near;
    int64_t number = 0;

    if (error != NULL)
        *error = NULL;
    if (strncmp(name, KAFKA, strlen(KAFKA)) == 0 && name[strlen(KAFKA)] != '\0') {
        set_kafka(config, name + strlen(KAFKA), value);
        return STREAMD_OK;
    }
    for (size_t i = 0; i < SX_COUNT(rows); i++) {
        names[i] = rows[i].name;
        if (strcmp(name, rows[i].name) != 0)
            continue;
        if (!read_value(&rows[i], value, &number))
            return refuse(&rows[i], value, error);
        free(config->texts[i]);
        config->texts[i] = sx_strdup(value);
        config->numbers[i] = number;
        return STREAMD_OK;
    }
    near = sx_nearest(name, names, SX_COUNT(names));
    return near ? sx_fail(error, STREAMD_E_CONFIG, "there is no setting `%s`; did you mean `%s`?", name, near)
                : sx_fail(error, STREAMD_E_CONFIG, "there is no setting `%s`", name);
}

streamd_config *streamd_config_new(void) { return sx_calloc(1, sizeof(struct streamd_config)); }

void streamd_config_free(streamd_config *config)
{
    if (config == NULL)
        return;
    for (size_t i = 0; i < SX_COUNT(rows); i++)
        free(config->texts[i]);
    for (uint32_t i = 0; i < config->kafka_count; i++) {
        free((char *)config->kafka[i].name);
        free((char *)config->kafka[i].value);
    }
    free(config->kafka);
    free(config);
}

struct streamd_config *sx_config_copy(const struct streamd_config *config)
{
    struct streamd_config *copy = streamd_config_new();

    for (size_t i = 0; config != NULL && i < SX_COUNT(rows); i++)
        if (config->texts[i] != NULL) {
            copy->texts[i] = sx_strdup(config->texts[i]);
            copy->numbers[i] = config->numbers[i];
        }
    for (uint32_t i = 0; config != NULL && i < config->kafka_count; i++)
        set_kafka(copy, config->kafka[i].name, config->kafka[i].value);
    return copy;
}

/* ---- Asking ---------------------------------------------------------------------------------- */

const char *sx_config_text(const struct streamd_config *config, enum sx_setting setting)
{
    return config->texts[setting] ? config->texts[setting] : rows[setting].preset;
}

int64_t sx_config_number(const struct streamd_config *config, enum sx_setting setting, int64_t preset)
{
    if (config->texts[setting] != NULL)
        return config->numbers[setting];
    if (rows[setting].preset != NULL)
        read_value(&rows[setting], rows[setting].preset, &preset);
    return preset;
}
