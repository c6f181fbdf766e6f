/* join.h: what the kinds of joins share. */
#ifndef SX_OPERATORS_JOIN_H
#define SX_OPERATORS_JOIN_H

#include "operators/key_by.h"
#include "operators/view.h"

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

enum sx_join_how { SX_JOIN_INNER, SX_JOIN_LEFT, SX_JOIN_OUTER };

extern const struct sx_operator_def sx_operator_lookup, sx_operator_lookup_global, sx_operator_join_tables,
    sx_operator_join_streams, sx_operator_join_grace;

/* The name of the right side in expressions. */
const char *sx_join_alias(struct sx_bind *b);

/* What a joined row is made of. */
struct sx_join_shape {
    enum sx_join_how how;
    struct sx_join_side {
        const struct sx_schema *schema;
        bool keys_shown; /* its key columns can be read, beside the joined row's key */
    } sides[2];
    const char *alias; /* the right's columns are called by it */
    bool key_apart;    /* the joined key belongs to neither side: each may be missing */
};

/* The joined row: the left key, the left values, the right's; then what can only be read. from[n]: the
 * side and the column there that column n is. */
const struct sx_schema *sx_join_schema(struct sx_bind *b, const struct sx_join_shape *shape,
                                       struct sx_from **from);

/* The same with the left columns marked that `on` names: they are never ambiguous. */
const struct sx_schema *sx_join_named_on(struct sx_bind *b, const struct sx_schema *schema, const char *alias,
                                         const struct sx_named *on, uint32_t count);

/* The left row's columns, and the right's: its values as values, its keys readable. Keys stand first,
 * then values, then what is only readable, as in every schema. */
struct sx_pairing sx_join_pairing(struct sx_bind *b, const struct sx_flow *in, const struct sx_flow *with,
                                  const char *alias, enum sx_join_how how);

/* A stream with a table or a global table (join_table.c). */
void sx_join_table_bind(struct sx_bind *b, const struct sx_flow *in, const struct sx_flow *with, bool left);

/* The stream's rows behind a wait, by the `grace` of a join with a versioned table (join_grace.c). Its first
 * `keys` columns are the join's key, and rows are where it says. */
const struct sx_flow *sx_join_grace_bind(struct sx_bind *b, const struct sx_flow *in, uint32_t keys,
                                         const struct sx_view_plan *view);

/* A duration of a clause, not negative; what is wrong is reported. Not written: 0. */
int64_t sx_join_duration(struct sx_bind *b, uint32_t clause);

/* Two streams (join_streams.c). */
void sx_join_streams_bind(struct sx_bind *b, const struct sx_flow *in, const struct sx_flow *with,
                          enum sx_join_how how);

/* Two tables of one key (join_tables.c). */
void sx_join_tables_bind(struct sx_bind *b, const struct sx_flow *in, const struct sx_flow *with,
                         enum sx_join_how how);

#endif
