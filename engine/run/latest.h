/* latest.h: records of which only the last per key is sent, held back until the commit. */
#ifndef SX_LATEST_H
#define SX_LATEST_H

#include "engine/base/bytes.h"
#include "engine/base/map.h"
#include "engine/run/task.h"

struct sx_latest_entry;

/* Zeroed is empty. */
struct sx_latest {
    struct sx_map by_key;
    struct sx_latest_entry *first, *last; /* in order of the last update */
    struct sx_buffer key;                 /* scratch */
    size_t bytes;
};

/* Remember a record for a partition instead of an earlier one of its topic, key and window. */
void sx_latest_put(struct sx_latest *latest, const struct sx_task_send *send, int32_t partition);
/* Each in order, until fn returns false. */
void sx_latest_each(const struct sx_latest *latest,
                    bool (*fn)(uint32_t topic, int32_t partition, const struct sx_record *record, void *arg),
                    void *arg);
void sx_latest_clear(struct sx_latest *latest);

#endif
