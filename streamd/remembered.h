/* remembered.h: POST requests that carry an `Idempotency-Key`, and what was answered, for an hour.
 *
 * The answer is written together with the request's records, so a client that did not hear it may ask again,
 * also after a crash: on the embedded log the two are one write. (With Kafka the state directory follows the
 * transaction and is flushed later; a crash of the machine may forget the last ones.)
 *
 * META   http/ topic 0 key   ->   version (1) | time (8) | size (4) and murmur2 (4) of the body | answer
 *
 * Threads: one at a time.
 */
#ifndef SX_REMEMBERED_H
#define SX_REMEMBERED_H

#include "engine/disk/disk.h"

#define SX_REMEMBERED_MS 3600000
#define SX_REMEMBERED_KEY_BYTES 255 /* of an Idempotency-Key, at most */

struct sx_remembered_request {
    const char *topic, *key;
    struct sx_slice body;
    int64_t now_ms; /* by the wall clock */
};

enum sx_remembered { SX_REMEMBERED_NOT, SX_REMEMBERED_SAME, SX_REMEMBERED_OTHER /* with another body */ };

/* Was it answered within the last hour? Of the same the answer is appended to `answer`.
 * Errors   E_STORE, E_CORRUPT. */
streamd_status sx_remembered_find(struct sx_disk *disk, const struct sx_remembered_request *request,
                                  enum sx_remembered *found, struct sx_buffer *answer, streamd_error **error);

/* Put the answer into the unit; the request lives until then. */
void sx_remembered_put(struct sx_unit *unit, const struct sx_remembered_request *request,
                       struct sx_slice answer);

/* Put into the unit that those older than an hour are forgotten. */
streamd_status sx_remembered_prune(struct sx_disk *disk, struct sx_unit *unit, int64_t now_ms,
                                   streamd_error **error);

#endif
