/* signature.h: what the kept rows of a store mean, as text: what decides whether rows that an older version
 * of a file left behind can be used by a newer one.
 *
 * A signature is lines of `part: text`, made to be read by people:
 *
 *     kind: windows
 *     format: 0
 *     key: customer string
 *     aggregates: count() int in 8 bytes, sum(double) double in 16 bytes
 *     window: tumbling 1m
 *     partitions: by the key as string
 *
 * Two signatures are compatible when they are the same. Nothing may stand in one that can change without
 * making old rows wrong: no names of columns that are only computed, no grace of aligned windows, no upstream
 * stages. The bytes behind it (row and key form, layout of the store) are SX_STATE_FORMAT's.
 */
#ifndef SX_SIGNATURE_H
#define SX_SIGNATURE_H

#include "engine/graph/topology.h"

/* Of the bytes of rows, keys, positions and changelog records. Raised when older programs cannot read what
 * this one writes; tests/golden holds what each form looks like. */
#define SX_STATE_FORMAT 1

/* ---- While a plan is made: lines about a store's rows ---------------------------------------- */

/* The key and value columns of a schema. */
void sx_store_keeps(struct sx_store_plan *store, struct sx_arena *arena, const struct sx_schema *schema);
void sx_store_keeps_key(struct sx_store_plan *store, struct sx_arena *arena, const struct sx_schema *schema);
/* A line with a duration. */
void sx_store_keeps_span(struct sx_store_plan *store, struct sx_arena *arena, const char *part, int64_t ms);
/* One line. */
void sx_store_keeps_also(struct sx_store_plan *store, struct sx_arena *arena, const char *part,
                         const char *format, ...) SX_PRINTF(4, 5);

/* ---- Of a finished plan ---------------------------------------------------------------------- */

void sx_store_signature(const struct sx_plan *plan, const struct sx_store_plan *store, struct sx_buffer *to);
/* The node that keeps it: its definition is the store's. */
const struct sx_node_plan *sx_store_owner(const struct sx_plan *plan, const struct sx_store_plan *store);
/* Mark, by index, the nodes that the rows a node emits come to without another topic between. */
void sx_node_reach(const struct sx_node_plan *from, bool *reached);
/* Stands for a signature in every changelog record. */
uint32_t sx_signature_hash(struct sx_slice signature);

/* A part that differs; was, is: NULL if it is not there. */
struct sx_signature_change {
    const char *part, *was, *is;
};
/* The parts that differ, in the order of `was`. In `arena`. */
uint32_t sx_signature_compare(struct sx_slice was, struct sx_slice is, struct sx_arena *arena,
                              const struct sx_signature_change **changes);
/* "window: was `tumbling 1m`, is `tumbling 5m`". */
void sx_signature_change_print(const struct sx_signature_change *change, struct sx_buffer *to);
/* All that differs, in a sentence's part. */
void sx_signature_explain(struct sx_slice was, struct sx_slice is, struct sx_buffer *to);

/* ---- Repartition topics ---------------------------------------------------------------------- */

/* The columns that travel through a repartition node's topic, `name type` a line: both sides must agree. */
void sx_travelling_print(const struct sx_node_plan *node, struct sx_buffer *to);

#endif
