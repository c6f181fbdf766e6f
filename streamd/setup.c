/* setup.c: see setup.h. */
#include "streamd/setup.h"

#include <stdlib.h>
#include <unistd.h>

static bool on_kafka(const struct streamd_config *config)
{
    return sx_config_text(config, SX_SETTING_BOOTSTRAP) != NULL;
}

static size_t memory_bytes(const struct streamd_config *config)
{
    return (size_t)sx_config_number(config, SX_SETTING_MEMORY, 0);
}

char *sx_setup_folder(const struct streamd_config *config, const char *application)
{
    if (!on_kafka(config))
        return sx_strdup(sx_config_text(config, SX_SETTING_DATA_DIR));
    if (sx_config_text(config, SX_SETTING_STATE_DIR) != NULL)
        return sx_strdup(sx_config_text(config, SX_SETTING_STATE_DIR));
    return sx_format("./streamd-state/%s", application);
}

struct sx_disk_options sx_setup_disk(const struct streamd_config *config)
{
    return (struct sx_disk_options){
        .wal = !on_kafka(config), .rebuilds = on_kafka(config), .memory_bytes = memory_bytes(config) / 4};
}

const struct sx_log_def *sx_setup_log_def(const struct streamd_config *config)
{
    return sx_log_find(on_kafka(config) ? "kafka" : "embedded");
}

struct sx_log_options sx_setup_log(const struct streamd_config *config, const char *application)
{
    return (struct sx_log_options){
        .bootstrap = sx_config_text(config, SX_SETTING_BOOTSTRAP),
        .application = application,
        .instance = sx_config_text(config, SX_SETTING_INSTANCE),
        .client_id = "streamd",
        .guarantee = SX_EXACTLY_ONCE,
        .writer_count = 1,
        .memory_bytes = memory_bytes(config) / 4,
        .default_partitions = (int32_t)sx_config_number(config, SX_SETTING_PARTITIONS, 1),
        .sync = true,
        .settings = config->kafka,
        .setting_count = config->kafka_count,
    };
}

/* The id of this folder's state: made once, kept in it. */
static streamd_status state_id(struct sx_disk *disk, char **id, streamd_error **error)
{
    struct sx_slice key = SX_SLICE("process/id");
    struct sx_buffer text = {0};
    struct sx_unit *unit;
    bool found = false;
    streamd_status status = sx_disk_get(disk, SX_FAMILY_META, key, &text, &found, error);

    if (status == STREAMD_OK && !found) {
        sx_buffer_printf(&text, "%lld-%d", (long long)sx_wall_ms(&sx_clock_system), (int)getpid());
        unit = sx_unit_new(disk);
        sx_unit_put(unit, SX_FAMILY_META, key, sx_buffer_slice(&text));
        status = sx_unit_write(unit, false, error);
        sx_unit_free(unit);
    }
    sx_buffer_add_byte(&text, '\0');
    *id = text.data;
    return status;
}

streamd_status sx_setup_engine(struct sx_setup *setup, const struct streamd_config *config,
                               const struct sx_plan *plan, struct sx_disk *disk, streamd_error **error)
{
    int64_t cores = SX_MIN(SX_MAX(sysconf(_SC_NPROCESSORS_ONLN), 1), 256);

    *setup = (struct sx_setup){0};
    setup->engine = (struct sx_engine_options){
        .plan = plan,
        .log_def = sx_setup_log_def(config),
        .log = sx_setup_log(config, plan->application),
        .state_dir = sx_disk_folder(disk),
        .disk = disk,
        .threads = (uint32_t)sx_config_number(config, SX_SETTING_THREADS, cores),
        .guarantee = (enum sx_guarantee)sx_config_number(
            config, SX_SETTING_GUARANTEE, plan->guarantee == 0 ? SX_AT_LEAST_ONCE : SX_EXACTLY_ONCE),
        .commit_ms = sx_config_number(config, SX_SETTING_COMMIT, plan->commit_ms > 0 ? plan->commit_ms : 100),
        .cache_bytes = memory_bytes(config) / 2,
        .standby = (uint32_t)sx_config_number(config, SX_SETTING_STANDBY, 0),
        .clock = &sx_clock_system,
        .standard_input = -1,
        .standard_output = -1,
    };
    if (state_id(disk, &setup->id, error) != STREAMD_OK) {
        sx_setup_free(setup);
        return STREAMD_E_STORE;
    }
    setup->engine.log.id = setup->id;
    return STREAMD_OK;
}

void sx_setup_free(struct sx_setup *setup)
{
    free(setup->id);
    setup->id = NULL;
}
