/* join.h: what the kinds of joins share. */
#ifndef SX_OPERATORS_JOIN_H
#define SX_OPERATORS_JOIN_H

#include "operators/key_by.h"

enum sx_join_clause {
    SX_JOIN_WITH,
    SX_JOIN_AS,
    SX_JOIN_ON,
    SX_JOIN_WITHIN,
    SX_JOIN_BEFORE,
    SX_JOIN_AFTER,
    SX_JOIN_GRACE,
    SX_JOIN_READY
};

extern const struct sx_operator_def sx_operator_lookup, sx_operator_lookup_global;

/* A stream with a table or a global table (join_table.c). */
void sx_join_table_bind(struct sx_bind *b, const struct sx_flow *in, const struct sx_flow *with, bool left);

#endif
