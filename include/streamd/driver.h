/* driver.h: a topology in the calling thread, for the tests of a program: records in, records out.
 *
 *     streamd_driver_new(topology, &driver, &error);
 *     streamd_record_set_key(record, streamd_text("a"));
 *     streamd_record_set_value(record, streamd_text("{\"price\":7}"));
 *     streamd_driver_send(driver, "bids", record, &error);
 *     result = streamd_driver_take(driver, "sums");
 *
 * There is no log, no thread and no file: every record is processed, with all that it causes, before
 * streamd_driver_send() returns, as if it were committed at once. One task runs all of the topology,
 * so all partitions of a key meet. The clock stands still, at 0 first, unless it is moved.
 *
 * The conventions are those of streamd.h. A driver is used by one thread at a time.
 */
#ifndef STREAMD_DRIVER_H
#define STREAMD_DRIVER_H

#include <streamd/streamd.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct streamd_driver streamd_driver;

/* Make a driver, with empty stores.
 *
 * Errors   None today.
 * Owns     The caller frees *driver. `topology` must outlive it.
 */
STREAMD_API streamd_status streamd_driver_new(const streamd_topology *topology,
                                              streamd_driver **driver, streamd_error **error);
STREAMD_API void           streamd_driver_free(streamd_driver *driver);

/* Process a record of a source's topic. Without a timestamp it is of the clock's time; without a
 * partition, of partition 0.
 *
 * Errors   E_NOTFOUND: no source reads the topic; E_DECODE: the record failed where the topology says
 *          `on error fail`, and nothing of it stays.
 */
STREAMD_API streamd_status streamd_driver_send(streamd_driver *driver, const char *topic,
                                               const streamd_record *record, streamd_error **error);

/* Move the clock on; schedules fire on the way.
 *
 * Errors   E_DECODE, as above.
 */
STREAMD_API streamd_status streamd_driver_advance(streamd_driver *driver, int64_t by_ms,
                                                  streamd_error **error);

/* The oldest record of a topic that was written and not taken yet; NULL: there is none. `topic` NULL:
 * of any topic. It belongs to the driver, until the next take. */
STREAMD_API const streamd_record *streamd_driver_take(streamd_driver *driver, const char *topic);

/* The topic that a record was taken from, and the window of a windowed table's row (false: none). */
STREAMD_API const char *streamd_record_topic(const streamd_record *record);
STREAMD_API bool        streamd_record_window(const streamd_record *record, int64_t *start_ms,
                                              int64_t *end_ms);

/* How many rows were left out so far for a reason: "late", "null_key", "error", ... */
STREAMD_API uint64_t streamd_driver_dropped(const streamd_driver *driver, const char *reason);

/* Look into a table, as streamd_store_open() does; only while nothing is being sent.
 *
 * Errors   E_NOTFOUND.
 * Owns     The caller closes *store, before it frees the driver.
 */
STREAMD_API streamd_status streamd_driver_store(streamd_driver *driver, const char *name,
                                                streamd_store **store, streamd_error **error);

#ifdef __cplusplus
}
#endif
#endif /* STREAMD_DRIVER_H */
