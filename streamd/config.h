/* config.h: the settings of an engine, as texts and as what they mean. Their list is config.def. */
#ifndef SX_CONFIG_H
#define SX_CONFIG_H

#include "engine/log/log.h"

enum sx_setting {
#define SX_SETTING(id, name, kind, least, most, argument, preset, help) SX_SETTING_##id,
#include "streamd/config.def"
#undef SX_SETTING
    SX_SETTING_COUNT
};

struct streamd_config {
    char *texts[SX_SETTING_COUNT];     /* NULL: not set */
    int64_t numbers[SX_SETTING_COUNT]; /* the same, read: a word's place in its list, milliseconds, bytes */
    struct sx_log_setting *kafka;      /* `kafka.*` without the prefix */
    uint32_t kafka_count;
};

/* The text of a setting, or of its default (NULL: neither). */
const char *sx_config_text(const struct streamd_config *config, enum sx_setting setting);
/* Its number, or that of its default, or `preset`. */
int64_t sx_config_number(const struct streamd_config *config, enum sx_setting setting, int64_t preset);

struct streamd_config *sx_config_copy(const struct streamd_config *config);

#endif
