/* outlet.h: sinks that are no topic: lines of a file, and standard output.
 *
 * A worker gathers lines as its tasks send them and writes them when it commits, before the commit says that
 * their records are done with. How long the file is then is kept in the writer's store, and so is part of the
 * same commit: after a crash in between the file is longer than what was committed, and is cut to that when
 * it is opened. So a file has each line once. Standard output cannot be taken back: after such a crash, or
 * an error, lines may come twice.
 * A file that is shorter than was committed was moved away, or is another machine's: it is gone on with.
 */
#ifndef SX_OUTLET_H
#define SX_OUTLET_H

#include "engine/data/batch.h"

struct sx_slot;
struct sx_worker;
struct sx_outlet;

/* Open what the slot's tasks write to. *fresh: a file's length is not known from a commit yet, and must be
 * before anything is written.
 * Errors   E_CONFIG: it cannot be written; the program has no standard output to give. */
streamd_status sx_outlets_open(struct sx_slot *slot, bool *fresh, streamd_error **error);
void sx_outlets_close(struct sx_slot *slot);

void sx_outlet_add(struct sx_worker *worker, uint32_t topic, const struct sx_record *record);

/* Write what was gathered, and put the lengths into the stores. */
streamd_status sx_outlets_write(struct sx_worker *worker, streamd_error **error);
/* Forget what was gathered. */
void sx_outlets_drop(struct sx_worker *worker);
void sx_outlets_free(struct sx_worker *worker);

#endif
