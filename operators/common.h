/* common.h: what several operators do alike with batches, keys and programs. */
#ifndef SX_OPERATORS_COMMON_H
#define SX_OPERATORS_COMMON_H

#include "engine/base/clock.h"
#include "engine/base/text.h"
#include "engine/data/row.h"
#include "engine/graph/operator.h"

/* ---- Programs -------------------------------------------------------------------------------- */

/* An evaluator per program; a NULL program gives a NULL evaluator. Freed by the next function. */
struct sx_evaluator **sx_evaluators_open(const struct sx_named *items, uint32_t count);
void sx_evaluators_close(struct sx_evaluator **evaluators, uint32_t count);

/* columns[i] = program i over the batch. Rows that fail are rejected; false: some did. */
bool sx_evaluate(struct sx_node *node, const struct sx_batch *batch, struct sx_evaluator *const *evaluators,
                 uint32_t count, struct sx_column *columns);

/* The columns that programs read, or-ed into a bitmap. */
void sx_named_columns(const struct sx_named *items, uint32_t count, uint64_t *columns);

/* ---- Time ------------------------------------------------------------------------------------ */

/* Is the time further ahead of the wall clock than `set ahead` lets it be? */
static inline bool sx_is_future(const struct sx_node *node, int64_t time_ms)
{
    return node->bound->ahead_ms >= 0 && time_ms > sx_time_plus(node->bound->wall_ms, node->bound->ahead_ms);
}
/* That it is, as a row error says it; in the node's arena. */
const char *sx_future_text(struct sx_node *node, int64_t time_ms);

/* ---- Batches --------------------------------------------------------------------------------- */

/* Rows that are gone by this operator's doing, and not because a null value came, have null values from here
 * on: a stream of a table's changes reads them. The columns of `batch` are replaced. */
void sx_batch_blank(struct sx_arena *arena, struct sx_batch *batch);
/* The rows of a batch that are there (`gone` not set), as a selection in `arena`. */
struct sx_batch sx_batch_present(struct sx_arena *arena, const struct sx_batch *batch);

/* The rows of a versioned table's batch that are the newest of their keys; of any other, all. */
struct sx_batch sx_batch_current(struct sx_arena *arena, const struct sx_batch *batch);

/* The rows before of a table's batch, with its selection. All are gone if the batch has none. */
struct sx_batch sx_batch_before(struct sx_arena *arena, const struct sx_batch *batch);

/* Columns of a schema with room for `rows` rows, and bitmaps. */
struct sx_column *sx_columns_new(struct sx_arena *arena, const struct sx_schema *schema, uint32_t rows);

/* Copy rows[0..count) of a column or a batch to new physical rows 0..count-1, in `arena`. The batch
 * keeps time, window, gone and origin; `old` is left out. */
struct sx_column sx_column_gather(struct sx_arena *arena, const struct sx_column *from, const uint16_t *rows,
                                  uint32_t count);
struct sx_batch sx_batch_gather(struct sx_arena *arena, const struct sx_batch *from, const uint16_t *rows,
                                uint32_t count);

/* Is any of the first `key_count` columns null in this row? */
static inline bool sx_row_key_is_null(const struct sx_batch *batch, uint32_t key_count, uint32_t row)
{
    for (uint32_t k = 0; k < key_count; k++)
        if (sx_column_is_null(&batch->columns[k], row))
            return true;
    return key_count == 0;
}

/* The key columns as a store's key, in node->scratch until its next use. */
struct sx_slice sx_row_key(struct sx_node *node, const struct sx_batch *batch, uint32_t key_count,
                           uint32_t row);

/* The key of a table's row in its store: the key columns, and the window of a windowed table. In
 * node->scratch until its next use. */
struct sx_slice sx_table_key(struct sx_node *node, const struct sx_batch *batch,
                             const struct sx_schema *schema, uint32_t row);

/* ---- Schemas --------------------------------------------------------------------------------- */

/* A schema from its fields (copied), counting the roles. */
struct sx_schema *sx_schema_of(struct sx_arena *arena, const struct sx_field *fields, uint32_t count,
                               const struct sx_schema *like);
/* Output column i is input column i: what a filter says. */
const struct sx_from *sx_from_same(struct sx_arena *arena, const struct sx_schema *schema);
/* A bitmap of all columns. */
uint64_t *sx_columns_all(struct sx_arena *arena, const struct sx_schema *schema);
/* The types of a schema's columns, for sx_row_read. */
const struct sx_type **sx_schema_types(struct sx_arena *arena, const struct sx_schema *schema);
/* 0, 1, 2, ... */
const uint16_t *sx_indexes(struct sx_arena *arena, uint32_t from, uint32_t count);

/* ---- Rows in stores: time, then the value columns in row form -------------------------------- */

void sx_stored_write(struct sx_buffer *to, const struct sx_batch *batch, const uint16_t *columns,
                     uint32_t count, uint32_t row);
/* False: damaged. values[0..count). */
bool sx_stored_read(struct sx_slice bytes, const struct sx_type *const *types, uint32_t count, int64_t *ts,
                    struct sx_value *values, struct sx_arena *arena);

/* The rows before of a batch that is being put into a store, as its reader will see them. In the batch's
 * arena. `stored`: data NULL if there was none. */
struct sx_old_rows;
struct sx_old_rows *sx_old_begin(struct sx_node *node, const struct sx_batch *batch);
void sx_old_row(struct sx_old_rows *old, struct sx_node *node, uint32_t row, struct sx_slice stored);
const struct sx_batch *sx_old_batch(const struct sx_old_rows *old);

/* An upsert of the rows of `batch` into a key-value store, in order; emits them with `old` when a
 * reader wants it. Rows that are gone delete; so do those of `deleted` (may be NULL). Rows with a
 * null key are dropped. `known_only`: a deletion goes on only if there was a row. Used by tables of all
 * sorts. */
void sx_table_upsert(struct sx_node *node, const struct sx_batch *batch, const uint64_t *deleted,
                     bool known_only);

#endif
