/* global.h: global tables: all partitions of a topic in one store of the process.
 *
 * A thread reads the topics to their end, then follows them. Workers look rows up through a store of
 * their own, which takes the table's lock and copies what it finds; only global tables pay for that.
 * The store is in memory and is built anew at each start.
 */
#ifndef SX_GLOBAL_H
#define SX_GLOBAL_H

#include "engine/base/arena.h"
#include "engine/graph/store.h"

struct sx_engine;
struct sx_global;

/* Read all global tables to their present end. *global is NULL when the plan has none, which all functions
 * here take. */
streamd_status sx_global_start(struct sx_engine *engine, struct sx_global **global, streamd_error **error);
/* Go on in a thread. False: none could be started. */
bool sx_global_follow(struct sx_global *global);
/* What the thread does, a step at a time: read what is there. See the steps in worker.h. */
int sx_global_step(struct sx_global *global);
/* End the thread; lookups go on. */
void sx_global_stop(struct sx_global *global);
void sx_global_free(struct sx_global *global); /* before the log is closed */

/* A worker's view of the table that is store `index` of the plan; NULL: not a global one. What
 * lookups give lives in `arena`. The caller closes it by ops->close. */
struct sx_store *sx_global_view(struct sx_global *global, uint32_t index, struct sx_arena *arena);
/* Rows read so far into all global tables. */
uint64_t sx_global_rows(const struct sx_global *global);

#endif
