/* run.h: the variable part of an aggregate's state as a list of entries: what collect, distinct, top
 * and the like have in common.
 *
 *   run = entry*        entry = varint size, bytes
 *
 * An entry is usually a value in its stored form (sx_value_write). A run is replaced whole, so an
 * addition costs what the list is long; `where` finds out whether there is anything to do first.
 */
#ifndef SX_AGGREGATES_RUN_H
#define SX_AGGREGATES_RUN_H

#include "engine/data/row.h"
#include "engine/expr/aggregate.h"

/* So that one group cannot take all memory; a row error beyond. */
#define SX_RUN_BYTES_MAX (16u << 20)

#define SX_AGGREGATES_OF(table_family, table_rows)                                \
    {                                                                             \
        .family = table_family, .rows = table_rows, .count = SX_COUNT(table_rows) \
    }

/* The fixed part of those that keep a list: how many entries, and at most how many (0: any number). */
struct sx_run_fixed {
    int64_t count;
    int64_t most;
};

struct sx_run_entry {
    struct sx_slice bytes; /* without the size */
    const char *at, *next; /* where it stands, its size included */
};

/* Walk: `*at` starts at NULL. False: no more, or the run is damaged. */
bool sx_run_next(struct sx_slice run, const char **at, struct sx_run_entry *entry);

/* A value in its stored form, in the call's arena. */
struct sx_slice sx_run_encode(struct sx_call *call, struct sx_value value, const struct sx_type *type);
/* Null if the bytes are damaged. */
struct sx_value sx_run_decode(struct sx_call *call, struct sx_slice bytes, const struct sx_type *type);

/* The entry with these bytes; the last one if there are several. False: there is none. */
bool sx_run_find(struct sx_slice run, struct sx_slice bytes, struct sx_run_entry *entry);

/* Put an entry before `at` (the end when NULL), or take one out; count is kept. Fails the call when the
 * run becomes too long. */
void sx_run_insert(struct sx_call *call, struct sx_aggregate_state *state, const char *at,
                   struct sx_slice bytes);
void sx_run_remove(struct sx_call *call, struct sx_aggregate_state *state, const struct sx_run_entry *entry);

/* The entries as an array of values of the result's element type. */
struct sx_value sx_run_array(struct sx_call *call, const struct sx_aggregate_state *state);

/* Note the limit that the argument after the value gives. False: it is not positive, and the call has
 * failed. */
bool sx_run_limit(struct sx_call *call, struct sx_aggregate_state *state, const struct sx_value *args,
                  uint32_t count);

#endif
