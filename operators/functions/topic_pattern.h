/* topic_pattern.h: names of topics by a regular expression: `from topics matching "orders-.*"`. */
#ifndef SX_FUNCTIONS_TOPIC_PATTERN_H
#define SX_FUNCTIONS_TOPIC_PATTERN_H

#include "engine/graph/topology.h"

/* Compiled into the arena. A name matches as a whole. NULL: *message, in the arena, says what is wrong. */
const struct sx_topic_pattern *sx_topic_pattern_new(struct sx_arena *arena, const char *text,
                                                    const char **message);

#endif
