/* repartition.h: rows through a topic, so that rows of one key are in one partition. */
#ifndef SX_OPERATORS_REPARTITION_H
#define SX_OPERATORS_REPARTITION_H

#include "operators/common.h"

extern const struct sx_operator_def sx_operator_repartition;

/* `meets`: the topic whose key encoding and partition count it must follow, or NULL. `partitions`: 0
 * for as many as what it meets, or as its input has. */
const struct sx_flow *sx_repartition_bind(struct sx_bind *bind, const struct sx_flow *flow, const char *role,
                                          const struct sx_topic_plan *meets, int32_t partitions,
                                          const char *why);

/* The same for messages between two sides of a join: the topic has as many partitions as what it meets,
 * whoever writes to it. `column` >= 0: the column that says the partition. */
const struct sx_flow *sx_repartition_follow(struct sx_bind *bind, const struct sx_flow *flow,
                                            const char *role, const struct sx_topic_plan *meets,
                                            const char *why, int32_t column);

#endif
