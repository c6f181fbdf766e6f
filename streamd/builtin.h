/* builtin.h: what every text may use: the rows of all `.def` files, in one catalogue. */
#ifndef SX_BUILTIN_H
#define SX_BUILTIN_H

#include "engine/graph/operator.h"

extern const struct sx_catalog sx_builtin_catalog;

#endif
