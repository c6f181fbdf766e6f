/* aggregate.h: the table of an aggregation, for stages that are made of one. */
#ifndef SX_OPERATORS_AGGREGATE_H
#define SX_OPERATORS_AGGREGATE_H

#include "operators/common.h"

/* An aggregate's node behind groups, whatever stage is being bound. NULL: failed, and said. */
struct sx_flow *sx_aggregate_bind(struct sx_bind *b, const struct sx_flow *in,
                                  const struct sx_aggregation *aggregation);

#endif
