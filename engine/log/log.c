/* log.c: the table of backends.def. */
#include "engine/log/log.h"

#define SX_LOG(name) extern const struct sx_log_def sx_log_##name;
#include "engine/log/backends.def"
#undef SX_LOG

#include <stdlib.h>

void sx_members_free(struct sx_member *members, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        free(members[i].id);
        free(members[i].slots);
    }
    free(members);
}

const struct sx_log_def *sx_log_find(const char *name)
{
    static const struct sx_log_def *const logs[] = {
#define SX_LOG(name) &sx_log_##name,
#include "engine/log/backends.def"
#undef SX_LOG
    };

    for (size_t i = 0; i < SX_COUNT(logs); i++) {
        if (strcmp(logs[i]->name, name) == 0)
            return logs[i];
    }
    return NULL;
}
