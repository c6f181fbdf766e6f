/* driver.h: a topology in the caller's thread, over no log: records in, records out, at once.
 *
 * One task runs the whole plan; repartitions pass through; stores are in memory; every record is
 * processed, with all it causes, before sx_driver_send() returns. `streamd pipe`, `streamd test` and
 * the public test driver are made of it.
 */
#ifndef SX_DRIVER_H
#define SX_DRIVER_H

#include "engine/run/task.h"

struct sx_driver;

struct sx_driver_events {
    /* A record reached a sink or another topic. Lives until the call ends. */
    void (*output)(const struct sx_topic_plan *topic, const struct sx_record *record,
                   const struct sx_window *window, void *arg);
    /* A row failed. `policy` is what happened to it; under `fail` sx_driver_send() then fails. */
    void (*failed)(const struct sx_task_failure *failure, enum sx_on_error policy, void *arg);
    /* Rows of a definition, for tests; may be NULL. Those since begun() are void after undone(). */
    void (*begun)(void *arg);
    void (*emitted)(const struct sx_node_plan *node, uint32_t port, const struct sx_batch *batch, void *arg);
    void (*undone)(void *arg);
    void *arg;
};

struct sx_driver *sx_driver_new(const struct sx_plan *plan, const struct sx_driver_events *events);
void sx_driver_free(struct sx_driver *driver);

/* Process a record; record->offset is filled in here: the number of earlier ones of this topic and
 * partition.
 * Errors   STREAMD_E_NOTFOUND: no source reads the topic. STREAMD_E_DECODE: the row failed under
 *          `on error fail`; nothing of it stays. */
streamd_status sx_driver_send(struct sx_driver *driver, const char *topic, int32_t partition,
                              struct sx_record *record, streamd_error **error);

/* As if each were sent alone, but as a batch, as an engine has them: what comes out in a topic, or of a
 * definition, is the same in the same order; topics may be interleaved otherwise. At most SX_BATCH_ROWS.
 * If a record fails, *done is its index: those before it are processed, it is not, nor are those behind it;
 * else it is `count`. */
streamd_status sx_driver_send_many(struct sx_driver *driver, const char *topic, int32_t partition,
                                   struct sx_record *records, uint32_t count, uint32_t *done,
                                   streamd_error **error);

/* The wall clock goes on to `wall_ms` (it begins at 0): what it sets off, in order. An error as above. */
streamd_status sx_driver_advance(struct sx_driver *driver, int64_t wall_ms, streamd_error **error);

/* The stores, by index in the plan. Nothing may be sent while one looks into them. */
struct sx_store *const *sx_driver_stores(const struct sx_driver *driver);

/* Rows left out so far, by reason. */
uint64_t sx_driver_dropped(const struct sx_driver *driver, const char *reason);
void sx_driver_each_dropped(const struct sx_driver *driver,
                            void (*fn)(const char *reason, uint64_t count, void *arg), void *arg);

#endif
