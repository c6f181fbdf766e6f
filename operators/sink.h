/* sink.h: rows written as records: what `to topic` does, and `late to topic`. */
#ifndef SX_OPERATORS_SINK_H
#define SX_OPERATORS_SINK_H

#include "operators/common.h"

struct sx_sink_plan {
    const struct sx_body *body;
    const struct sx_schema *schema;
    bool has_headers; /* the rows' own */
    bool latest_only; /* of each key the last before a commit */
    struct sx_position at;
};

struct sx_sink_state {
    struct sx_evaluator *time, *partition;
    struct sx_evaluator **headers;
    struct sx_buffer *bytes; /* key and value of the row being written: two of them */
};

/* Say on the topic what this sink writes, for whoever shows its records. */
void sx_sink_describe(struct sx_topic_plan *topic, const struct sx_body *body);

/* Do all sinks of the topic write keys of one form? If not, that is said at the clause. `flow`: whose rows
 * are written. */
bool sx_sink_agrees(struct sx_bind *b, int clause, struct sx_topic_plan *topic, const struct sx_flow *flow,
                    const struct sx_body *body);

/* The columns that it reads. */
uint64_t *sx_sink_columns(struct sx_bind *b, const struct sx_flow *flow, const struct sx_sink_plan *plan);

void sx_sink_open(const struct sx_sink_plan *plan, struct sx_sink_state *state);
void sx_sink_close(const struct sx_sink_plan *plan, struct sx_sink_state *state);

/* Write the selected rows to topic number `topic` of the node. `extra` headers (may be NULL, one array
 * for all rows) follow the rows' own. Rows that cannot be encoded are rejected. */
void sx_sink_write(const struct sx_sink_plan *plan, struct sx_sink_state *state, struct sx_node *node,
                   uint32_t topic, const struct sx_batch *batch, const struct sx_header *extra,
                   uint32_t extra_count);

#endif
