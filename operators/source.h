/* source.h: where rows come from: a stream's, a table's or a global table's topic. */
#ifndef SX_OPERATORS_SOURCE_H
#define SX_OPERATORS_SOURCE_H

#include "operators/common.h"

/* The node and the flow of a source declaration. */
const struct sx_flow *sx_source_operator_bind(struct sx_plan *plan, const struct sx_source_spec *spec);

#endif
