/* dead_letter.h: a record that failed, for the topic of `on error to topic`. */
#ifndef SX_DEAD_LETTER_H
#define SX_DEAD_LETTER_H

#include "engine/run/task.h"

/* The topic that takes the failures of this entry: its own, or that of `set on error`. */
uint32_t sx_dead_letter_topic(const struct sx_plan *plan, const struct sx_node_plan *entry);

/* The original key, value, time and headers untouched, and behind them streamd.error, streamd.topic,
 * streamd.partition, streamd.offset and streamd.stage. Lives in `arena`. */
struct sx_record sx_dead_letter(const struct sx_task_failure *failure, struct sx_arena *arena);

#endif
