/* session.c: see session.h. */
#include "streamd/command/session.h"

#include "engine/base/text.h"

#include <stdlib.h>

struct sx_disk *sx_session_disk(const char *folder, bool written, bool wal, size_t memory_bytes)
{
    struct sx_disk_options options = {.wal = wal, .memory_bytes = memory_bytes};
    struct sx_disk *disk = NULL;
    streamd_error *error = NULL;
    streamd_status status = sx_disk_open(folder, &options, &disk, &error);

    for (int number = 2; status == STREAMD_E_STATE && !written && number < 100; number++) {
        char *other = sx_format("%s-%d", folder, number);

        streamd_error_free(error);
        error = NULL;
        status = sx_disk_open(other, &options, &disk, &error);
        if (status == STREAMD_OK)
            fprintf(stderr, "%s is held by another streamd; using %s\n", folder, other);
        free(other);
    }
    if (status != STREAMD_OK)
        sx_complain(error);
    return disk;
}

void sx_session_settings(const struct sx_options *options, struct sx_log_setting *settings)
{
    for (uint32_t i = 0; i < options->setting_count; i++)
        settings[i] = (struct sx_log_setting){options->setting_names[i], options->setting_values[i]};
}

char *sx_session_folder(const struct sx_options *options, const char *application)
{
    if (sx_option(options, SX_OPTION_BOOTSTRAP) == NULL)
        return sx_strdup(sx_option(options, SX_OPTION_DATA_DIR));
    if (sx_option(options, SX_OPTION_STATE_DIR) != NULL)
        return sx_strdup(sx_option(options, SX_OPTION_STATE_DIR));
    return sx_format("./streamd-state/%s", application);
}

bool sx_session_open(struct sx_session *session, const struct sx_options *options)
{
    return sx_session_open_as(session, options, "streamd-tools");
}

bool sx_session_open_as(struct sx_session *session, const struct sx_options *options, const char *application)
{
    const char *bootstrap = sx_option(options, SX_OPTION_BOOTSTRAP);
    struct sx_log_setting settings[SX_COUNT(options->setting_names)];
    streamd_error *error = NULL;
    int64_t partitions = 4;
    struct sx_log_options log = {
        .bootstrap = bootstrap,
        .application = application,
        .id = "tools",
        .client_id = "streamd-tools",
        .guarantee = SX_EXACTLY_ONCE,
        .writer_count = 1,
        .memory_bytes = 64 << 20,
        .sync = true,
        .settings = settings,
        .setting_count = options->setting_count,
    };

    *session = (struct sx_session){0};
    if (!sx_option_number(options, SX_OPTION_PARTITIONS, 1, 10000, &partitions))
        return false;
    sx_session_settings(options, settings);
    log.default_partitions = (int32_t)partitions;
    if (bootstrap == NULL) {
        session->disk = sx_session_disk(sx_option(options, SX_OPTION_DATA_DIR), true, true, 64 << 20);
        if (session->disk == NULL)
            return false;
        log.disk = session->disk;
    }
    if (sx_log_find(bootstrap ? "kafka" : "embedded")->open(&log, &session->log, &error) != STREAMD_OK) {
        sx_complain(error);
        session->log = NULL;
        sx_session_close(session);
        return false;
    }
    return sx_waker_init(&session->waker);
}

void sx_session_close(struct sx_session *session)
{
    if (session->log != NULL) {
        session->log->def->close(session->log);
        sx_waker_free(&session->waker);
    }
    if (session->disk != NULL)
        sx_disk_close(session->disk);
}

bool sx_session_form(const struct sx_options *options, const char *topic, struct sx_record_form *form,
                     struct sx_compiled **compiled, int *exit_code)
{
    const char *path = sx_option(options, SX_OPTION_TOPOLOGY);
    int code;

    *compiled = NULL;
    *form = (struct sx_record_form){0};
    if (path == NULL)
        return true;
    *compiled = sx_load(path, options, false, &code);
    if (*compiled == NULL) {
        *exit_code = code; /* else it stays: what fails later is no wrong usage */
        return false;
    }
    *form = sx_form_of_topic(*compiled, topic);
    return true;
}

bool sx_session_size(const char *text, size_t *bytes)
{
    static const struct {
        const char *unit;
        size_t bytes;
    } units[] = {{"KiB", (size_t)1 << 10}, {"MiB", (size_t)1 << 20}, {"GiB", (size_t)1 << 30}};
    size_t digits = strspn(text, "0123456789");
    int64_t number;

    if (!sx_read_int(sx_slice(text, digits), &number) || number <= 0 || number > 1 << 20)
        return false;
    for (size_t u = 0; u < SX_COUNT(units); u++)
        if (strcmp(text + digits, units[u].unit) == 0) {
            *bytes = (size_t)number * units[u].bytes;
            return true;
        }
    return false;
}
