/* view.h: looking up rows of a table by key, whatever the table is made of.
 *
 * Only some tables are kept in a store: those from a topic, of `latest`, of an aggregate. A table behind
 * a filter, a map or a join is not kept again; its row is worked out from the kept ones when somebody
 * asks for it. A view is how:
 *
 *   rows     a store of rows                        groups   a store of groups: their results
 *   filter   a view, and a condition                map      a view, and expressions
 *   pair     two views of one key: a join
 *
 * So the plan of a view is a tree over stores, and whoever reads it names these stores as its own. It is
 * read for a batch of keys at once.
 */
#ifndef SX_OPERATORS_VIEW_H
#define SX_OPERATORS_VIEW_H

#include "operators/groups.h"

/* How rows of two tables of one key make a row: which output column is whose, and who must be there. */
struct sx_pairing {
    const struct sx_schema *schema;
    const struct sx_from *from; /* by output column; the first key columns are both sides' */
    bool needs_left, needs_right;
};

enum sx_view_kind { SX_VIEW_ROWS, SX_VIEW_GROUPS, SX_VIEW_FILTER, SX_VIEW_MAP, SX_VIEW_PAIR };

struct sx_view_plan {
    enum sx_view_kind kind;
    const struct sx_schema *schema;
    const struct sx_view_plan *inputs[2];
    struct sx_node_plan *origin; /* rows, groups: the node that writes the store */
    const struct sx_store_plan *store;
    const struct sx_groups_plan *groups;
    const struct sx_program *condition; /* filter */
    const struct sx_named *columns;     /* map: the value columns */
    uint32_t count;
    const struct sx_pairing *pairing;
    int64_t retention_ms;                /* rows: > 0: of a versioned table, how long its history is */
    const struct sx_window_spec *window; /* groups: those they are in; NULL: none */
};

/* ---- Plan ------------------------------------------------------------------------------------ */

const struct sx_view_plan *sx_view_rows(struct sx_arena *arena, struct sx_node_plan *origin,
                                        const struct sx_store_plan *store, const struct sx_schema *schema,
                                        int64_t retention_ms);
/* NULL when there is no input view to look through. */
const struct sx_view_plan *sx_view_filter(struct sx_arena *arena, const struct sx_view_plan *of,
                                          const struct sx_program *condition);
const struct sx_view_plan *sx_view_map(struct sx_arena *arena, const struct sx_view_plan *of,
                                       const struct sx_schema *schema, const struct sx_named *columns,
                                       uint32_t count);

/* Let `node` read the view: the stores become its own. `input` >= 0: edges from what writes the stores to
 * that input of the node put both into one task. False: too many stores, reported. */
bool sx_view_use(struct sx_bind *b, struct sx_node_plan *node, const struct sx_view_plan *view, int input);

/* Does a row that reaches `node` come from what the view reads? Then the view may be ahead of it. */
bool sx_view_feeds(const struct sx_view_plan *view, const struct sx_node_plan *node);

/* ---- Run ------------------------------------------------------------------------------------- */

struct sx_view;
struct sx_view *sx_view_open(const struct sx_view_plan *plan, struct sx_node *node);
void sx_view_close(struct sx_view *view);

/* The rows of the selected keys, at the same physical rows; those that are not there are `gone`, and null
 * in every value column. `keys`: its first columns are the key; its windows, if the table has any.
 * `as_of`: of a versioned table the rows at these times, by physical row; NULL: the newest. Others have
 * the row that they have now. */
void sx_view_read(struct sx_view *view, struct sx_node *node, const struct sx_batch *keys,
                  const int64_t *as_of, struct sx_batch *rows);

/* Put rows of both sides together. `keys`: the key columns. out->ts, gone, columns and schema are set; all
 * else is as in `out` before. A row that cannot be is gone. */
void sx_pair(const struct sx_pairing *pairing, struct sx_arena *arena, const struct sx_column *keys,
             const struct sx_batch *left, const struct sx_batch *right, struct sx_batch *out);

#endif
