/* session.c: see session.h. */
#include "streamd/command/session.h"

#include "engine/base/text.h"

#include <stdio.h>
#include <stdlib.h>

#define TOOLS_BYTES ((size_t)64 << 20) /* of memory, for a disk and for queues */

struct streamd_config *sx_session_config(const struct sx_options *options)
{
    static const enum sx_option option_of[] = {
#define SX_SETTING(id, name, kind, least, most, argument, preset, help) SX_OPTION_##id,
#include "streamd/config.def"
#undef SX_SETTING
    };
    static const char *const names[] = {
#define SX_SETTING(id, name, kind, least, most, argument, preset, help) name,
#include "streamd/config.def"
#undef SX_SETTING
    };
    struct streamd_config *config = streamd_config_new();
    streamd_error *all = NULL, *error;

    for (size_t s = 0; s < SX_COUNT(names); s++)
        if (options->values[option_of[s]] != NULL &&
            streamd_config_set(config, names[s], options->values[option_of[s]], &error) != STREAMD_OK)
            sx_error_append(&all, error);
    for (uint32_t i = 0; i < options->setting_count; i++) {
        char *name = sx_format("kafka.%s", options->setting_names[i]);

        if (streamd_config_set(config, name, options->setting_values[i], &error) != STREAMD_OK)
            sx_error_append(&all, error);
        free(name);
    }
    if (all == NULL)
        return config;
    sx_complain(all);
    streamd_config_free(config);
    return NULL;
}

struct sx_disk *sx_session_disk(const char *folder, bool written, struct sx_disk_options options)
{
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

bool sx_session_open(struct sx_session *session, const struct sx_options *options)
{
    /* What is written belongs to nothing that was read: without transactions no broker that goes away leaves
     * open whether it is there. */
    return sx_session_open_as(session, options, "streamd-tools", SX_AT_LEAST_ONCE);
}

bool sx_session_open_as(struct sx_session *session, const struct sx_options *options, const char *application,
                        enum sx_guarantee guarantee)
{
    streamd_error *error = NULL;
    struct sx_log_options log;

    *session = (struct sx_session){.config = sx_session_config(options)};
    if (session->config == NULL)
        return false;
    log = sx_setup_log(session->config, application);
    log.client_id = "streamd-tools";
    log.guarantee = guarantee;
    log.memory_bytes = TOOLS_BYTES;
    if (log.bootstrap == NULL) {
        struct sx_disk_options disk = {.wal = true, .memory_bytes = TOOLS_BYTES};

        log.disk = session->disk =
            sx_session_disk(sx_config_text(session->config, SX_SETTING_DATA_DIR), true, disk);
    }
    if ((log.bootstrap == NULL && log.disk == NULL) ||
        sx_setup_log_def(session->config)->open(&log, &session->log, &error) != STREAMD_OK) {
        sx_complain(error);
        session->log = NULL;
        sx_session_close(session);
        *session = (struct sx_session){0};
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
    streamd_config_free(session->config);
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
