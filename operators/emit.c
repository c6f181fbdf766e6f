/* emit.c: when the rows of a table are sent on. `changes` and `all` only tell the sink; `final` reads
 * the rows of windows that have closed, from the aggregate's own port. */
#include "operators/emit.h"

bool sx_emit_takes(struct sx_bind *b, const struct sx_flow *in)
{
    if (in->kind == SX_FLOW_TABLE)
        return true;
    sx_bind_fail(b, -1, in->kind == SX_FLOW_GROUPS ? "write `| aggregate { ... }` before it" : "leave it out",
                 "`emit` takes a table");
    return false;
}

static void bind_kind(struct sx_bind *b, enum sx_emit_kind kind)
{
    const struct sx_flow *in = sx_bind_input(b);
    struct sx_flow *out;

    if (!sx_emit_takes(b, in))
        return;
    out = sx_bind_flow_like(b, in);
    /* Behind `emit final` every row is already the only one. */
    if (in->emit != SX_EMIT_FINAL)
        out->emit = kind;
    out->emit_written = true;
    b->result = out;
}

static void bind_changes(struct sx_bind *b) { bind_kind(b, SX_EMIT_CHANGES); }
static void bind_all(struct sx_bind *b) { bind_kind(b, SX_EMIT_ALL); }

/* The node again, behind the final rows: stages that look at one row alone give the same for a row
 * when it is final as when it was not. NULL: some stage is not of that sort. */
static struct sx_node_plan *final_node(struct sx_bind *b, struct sx_node_plan *node, uint32_t *port)
{
    struct sx_node_plan *before, *copy;

    if (strcmp(node->op->name, "aggregate") == 0) {
        *port = SX_PORT_FINAL;
        return node;
    }
    if (!node->op->per_row || node->inputs[0] == NULL)
        return NULL;
    before = final_node(b, node->inputs[0], port);
    if (before == NULL)
        return NULL;
    copy = sx_plan_node(b->plan, node->op, b->definition,
                        sx_arena_format(b->arena, "%s-final", node->op->name), node->at);
    copy->plan = node->plan;
    copy->schema = node->schema;
    copy->reads[0] = node->reads[0];
    copy->from = node->from;
    sx_plan_link(b->plan, before, *port, copy, 0);
    *port = SX_PORT_ROWS;
    return copy;
}

static void bind_final(struct sx_bind *b)
{
    const struct sx_flow *in = sx_bind_input(b);
    struct sx_node_plan *node;
    struct sx_flow *out;
    uint32_t port;

    if (!sx_emit_takes(b, in))
        return;
    if (in->window == NULL) {
        sx_bind_fail(b, -1, "put a `window` before the aggregate, or use `emit changes`",
                     "`emit final` needs a window: without one a row can always change");
        return;
    }
    if (in->emit == SX_EMIT_FINAL) {
        b->result = in;
        return;
    }
    node = final_node(b, in->node, &port);
    if (node == NULL) {
        sx_bind_fail(b, -1, "put `emit final` right behind the aggregate", "`emit final` cannot stand here");
        return;
    }
    out = sx_bind_flow_like(b, in);
    out->node = node;
    out->port = port;
    out->emit = SX_EMIT_FINAL;
    out->view = NULL;
    out->emit_written = true;
    b->result = out;
}

#define EXAMPLE(EMIT)                                                                              \
    "stream bids from topic \"bids\" { key string value json { price int } }\n"                    \
    "table sums = bids | group by key | window tumbling 10s grace 0s | aggregate { n: count() }\n" \
    "sums | emit " EMIT " | to topic \"sums\"\n"
#define EXAMPLE_IN                                                                    \
    "{\"topic\":\"bids\",\"key\":\"a\",\"value\":{\"price\":7},\"timestamp\":1000}\n" \
    "{\"topic\":\"bids\",\"key\":\"a\",\"value\":{\"price\":5},\"timestamp\":10000}\n"
#define ROW(N, TS, START, END)                                                         \
    "{\"topic\":\"sums\",\"key\":\"a\",\"value\":{\"n\":" N ",\"window_start\":" START \
    ",\"window_end\":" END "},\"timestamp\":" TS ",\"window\":{\"start\":" START ",\"end\":" END "}}\n"
#define BOTH ROW("1", "1000", "0", "10000") ROW("1", "10000", "10000", "20000")

const struct sx_operator_def sx_operator_emit_changes = {
    .name = "emit changes",
    .summary = "Send every update to readers in the file, and to a sink the latest of each key at each "
               "commit; the default.",
    .takes = "table -> table",
    .example = {.program = EXAMPLE("changes"), .in = EXAMPLE_IN, .out = BOTH},
    .per_row = true,
    .bind = bind_changes,
};

const struct sx_operator_def sx_operator_emit_all = {
    .name = "emit all",
    .summary = "Send every update, to sinks too.",
    .takes = "table -> table",
    .example = {.program = EXAMPLE("all"), .in = EXAMPLE_IN, .out = BOTH},
    .per_row = true,
    .bind = bind_all,
};

const struct sx_operator_def sx_operator_emit_final = {
    .name = "emit final",
    .summary = "Send each row of a windowed table once, when it can no longer change.",
    .takes = "table -> table",
    .example = {.program = EXAMPLE("final"), .in = EXAMPLE_IN, .out = ROW("1", "1000", "0", "10000")},
    .bind = bind_final,
};
