/* api_record.h: what is behind streamd_record. */
#ifndef SX_API_RECORD_H
#define SX_API_RECORD_H

#include "engine/data/batch.h"
#include "streamd/driver.h"

struct streamd_record {
    struct sx_record record; /* its bytes are the buffers' and the arena's, or somebody's who lends them */
    int32_t partition;       /* -1: not said */
    const char *topic;       /* of one that was taken or read; lent */
    bool has_window;
    struct sx_window window;
    struct sx_buffer key, value;
    struct sx_header *headers;
    uint32_t header_room;
    struct sx_arena arena; /* of the headers */
};

/* Without a key, a value, a timestamp, headers. */
void sx_api_record_init(struct streamd_record *record);
/* A copy of a record of a topic. */
void sx_api_record_fill(struct streamd_record *record, const struct sx_record *from,
                        const struct sx_window *window);
void sx_api_record_end(struct streamd_record *record); /* what it holds, not the object */

/* NULL data is an absent thing, but of a size of 0 with data it is empty. */
static inline struct sx_slice sx_api_slice(streamd_bytes bytes) { return sx_slice(bytes.data, bytes.size); }
static inline streamd_bytes sx_api_bytes(struct sx_slice bytes)
{
    return (streamd_bytes){bytes.data, bytes.size};
}

#endif
