/* rows.h: rows made one by one, emitted in batches. */
#ifndef SX_OPERATORS_ROWS_H
#define SX_OPERATORS_ROWS_H

#include "operators/common.h"

struct sx_rows {
    struct sx_node *node;
    const struct sx_schema *schema;
    const struct sx_batch *cause; /* whose rows cause these */
    bool want_old;                /* each has a row before, which is set by hand too */
    struct sx_column *columns, *old_columns;
    int64_t *ts, *old_ts;
    struct sx_window *windows; /* of a windowed schema */
    uint64_t *gone;
    uint16_t *origin_row;
    uint32_t count;
};

/* A new row, all null; what waited is emitted when there is no room. Its index. */
uint32_t sx_rows_add(struct sx_rows *rows, uint32_t cause, int64_t ts);
static inline void sx_rows_set(struct sx_rows *rows, uint32_t at, uint32_t column, struct sx_value value)
{
    sx_column_set(&rows->columns[column], at, value);
}
/* Emit what waits. */
void sx_rows_emit(struct sx_rows *rows);

#endif
