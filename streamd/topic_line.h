/* topic_line.h: a line of NDJSON as a record of one topic, for `produce` and for POST. */
#ifndef SX_TOPIC_LINE_H
#define SX_TOPIC_LINE_H

#include "engine/format/record_json.h"

struct sx_topic_lines {
    const char *topic;
    int32_t partitions;
    struct sx_record_form form;
    uint32_t round; /* records without a key go round the partitions */
};

/* Read and encode a line; a missing timestamp is `now_ms`. What it makes lives in the arena or the line.
 * False: *message (in arena) says what is wrong. */
bool sx_topic_line(struct sx_topic_lines *lines, struct sx_slice text, int64_t now_ms,
                   struct sx_record *record, int32_t *partition, struct sx_arena *arena,
                   const char **message);

#endif
