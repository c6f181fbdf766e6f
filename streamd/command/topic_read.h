/* topic_read.h: a topic's records for commands, from the log or through a running streamd. */
#ifndef SX_TOPIC_READ_H
#define SX_TOPIC_READ_H

#include "streamd/command/session.h"

struct sx_topic_reading {
    struct sx_session *session;
    const char *topic;
    const char *from;      /* earliest, latest or an offset, of all partitions */
    const int64_t *starts; /* by partition, in place of `from`; negative: the first record. NULL: none */
    bool follow;           /* else up to what is there when it begins */
    /* In order within a partition. False: leave off. */
    bool (*record)(int32_t partition, const struct sx_record *record, void *arg);
    void *arg;
};

/* False: failed and said, or left off. */
bool sx_topic_read(const struct sx_topic_reading *reading);

/* Of a directory that a running streamd holds, as its topology has the topic: a line with its end each, as
 * `consume` shows it. False: failed and said. */
bool sx_topic_read_through(const char *folder, const char *topic, const char *from, bool follow,
                           void (*line)(struct sx_slice line, void *arg), void *arg);

/* Is it earliest, latest or an offset? Else that is said. */
bool sx_topic_from(const char *from);

#endif
