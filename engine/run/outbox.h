/* outbox.h: what the nodes of a task have sent, until the rows that caused it have gone through.
 *
 * Records stand in it one behind the other, copied, in blocks that come from the system. One row may close
 * a thousand windows and so send a million records; handing out gives each block back before the next is
 * read, so that they are not held twice, here and where they go, and nothing of the size stays for later.
 *
 * Zeroed is empty. Threads: the task's.
 */
#ifndef SX_OUTBOX_H
#define SX_OUTBOX_H

#include "engine/run/task.h"

struct sx_outbox_block;

struct sx_outbox {
    struct sx_outbox_block *first, *last; /* in the order of sending */
    struct sx_outbox_block *spare;        /* some, so that an ordinary batch asks the system for nothing */
    uint32_t spare_count;
};

/* Copies all that the record points to. */
void sx_outbox_put(struct sx_outbox *outbox, const struct sx_task_send *send);
/* In order, each to `fn`, which must not put anything; then it is empty. */
void sx_outbox_hand_out(struct sx_outbox *outbox, void (*fn)(const struct sx_task_send *send, void *arg),
                        void *arg);
void sx_outbox_clear(struct sx_outbox *outbox);
void sx_outbox_free(struct sx_outbox *outbox);

#endif
