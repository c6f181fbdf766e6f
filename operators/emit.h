/* emit.h: what the stages `emit ...` have in common. */
#ifndef SX_OPERATORS_EMIT_H
#define SX_OPERATORS_EMIT_H

#include "operators/common.h"

/* Is it a table? If not, that is said. */
bool sx_emit_takes(struct sx_bind *b, const struct sx_flow *in);

#endif
