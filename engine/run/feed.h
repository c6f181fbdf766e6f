/* feed.h: inputs that are no topic: lines of a file, lines of standard input, a schedule. What a reader of
 * the log is to a topic, a feed is to them; there is one partition, 0, but for a schedule that follows
 * a table into each of its partitions.
 *
 * Offsets  of a file the byte at which a line begins; of standard input likewise, counted from the start of
 *          the process; of a schedule the time for which a firing is planned.
 * Kept     how far it was read is kept in the entry's store, and with it in the changelog, so that a line or
 *          a firing counts once whoever owns slot 0. Standard input cannot be read again: what was not yet
 *          committed is held here and given once more after an error; a new process begins a new stream.
 * A file only grows. Its last line, without an end, is a line when the file stood still for a second.
 */
#ifndef SX_FEED_H
#define SX_FEED_H

#include "engine/base/clock.h"
#include "engine/graph/topology.h"
#include "engine/log/log.h"

struct sx_feed;

/* `fd`: of standard input; -1: the program has none to give. Position SX_OFFSET_NONE: from the start; of a
 * schedule from now on.
 * Errors   E_NOTFOUND: no such file. E_CONFIG: shorter than the position; no standard input. */
streamd_status sx_feed_open(const struct sx_topic_plan *topic, const struct sx_clock *clock, int fd,
                            int64_t position, struct sx_feed **feed, streamd_error **error);
void sx_feed_close(struct sx_feed *feed);

/* As the log's: at most `max` records, at once, maybe none. They live until the next fetch. */
streamd_status sx_feed_fetch(struct sx_feed *feed, uint32_t max, struct sx_fetch *fetch,
                             streamd_error **error);
/* The offset of the next record to be given. */
int64_t sx_feed_position(const struct sx_feed *feed);
/* Everything before is done with. */
void sx_feed_committed(struct sx_feed *feed, int64_t position);
/* Give again what is not. */
void sx_feed_rewind(struct sx_feed *feed);
/* Something is known to be left: bytes of a file, a stream that has not ended. */
int64_t sx_feed_lag(const struct sx_feed *feed);

#endif
