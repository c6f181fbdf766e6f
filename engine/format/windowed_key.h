/* windowed_key.h: the keys of Kafka Streams' windowed tables, around the bytes of the inner key:
 *
 *   time window     inner key | start (8, big-endian)          TimeWindowedSerializer
 *   session         inner key | end (8) | start (8)            SessionWindowedSerializer
 *
 * A time window's end is not in the bytes: it is start + size.
 */
#ifndef SX_WINDOWED_KEY_H
#define SX_WINDOWED_KEY_H

#include "engine/data/batch.h"

/* Append the window's part; the inner key stands in `to` already. */
void sx_windowed_key_add(struct sx_buffer *to, struct sx_window window, bool session);

/* Take the window's part off the end of *key. size_ms: of time windows; 0 or less: a session.
 * Returns NULL, or what is wrong (a static text), and *key is as it was. */
const char *sx_windowed_key_take(struct sx_slice *key, int64_t size_ms, struct sx_window *window);

#endif
