/* time.c: set the event time from here on. */
#include "operators/common.h"

struct time_plan {
    const struct sx_program *time;
    struct sx_position at;
};

struct time_state {
    struct sx_evaluator *time;
};

static const struct sx_clause clauses[] = {
    {NULL, SX_CLAUSE_EXPR, false, "The event time, a timestamp; null or negative is a row error."},
};

static void bind(struct sx_bind *b)
{
    const struct sx_flow *in = sx_bind_input(b);
    struct time_plan *plan = SX_ARENA_NEW(b->arena, struct time_plan);
    struct sx_node_plan *node;
    struct sx_flow *out;
    uint64_t *reads = sx_bind_columns(b, in->schema);

    plan->time = b->ops->expr(b, 0, &sx_type_timestamp, NULL);
    plan->at = b->ops->position(b, 0);
    if (in->kind != SX_FLOW_STREAM)
        sx_bind_fail(b, -1, NULL, "`time` takes a stream");
    if (sx_bind_failed(b))
        return;
    sx_program_columns(plan->time, reads);
    node = sx_bind_node(b, in, "time", plan, in->schema);
    node->reads[0] = reads;
    node->from = sx_from_same(b->arena, in->schema);
    out = sx_bind_flow_like(b, in);
    out->node = node;
    out->port = SX_PORT_ROWS;
    b->result = out;
}

static void open(const void *p, void *s, struct sx_node *node)
{
    ((struct time_state *)s)->time = sx_evaluator_new(((const struct time_plan *)p)->time);
}

static void close(const void *p, void *s, struct sx_node *node)
{
    sx_evaluator_free(((struct time_state *)s)->time);
}

static void process(const void *p, void *s, struct sx_node *node, uint32_t input,
                    const struct sx_batch *batch)
{
    const struct time_plan *plan = p;
    struct time_state *state = s;
    struct sx_row_failures failures = {0};
    struct sx_column time;
    struct sx_batch out = *batch;
    bool failed;

    sx_eval_column(state->time, batch, node->arena, &time, &failures);
    failed = sx_node_reject_all(node, batch, &failures);
    for (SX_EACH_ROW(batch, i, row)) {
        if (failed)
            break;
        if (sx_column_is_null(&time, row) || time.i[row] < 0) {
            sx_node_reject(node, batch, row, "timestamp", plan->at,
                           sx_column_is_null(&time, row) ? "the event time is null"
                                                         : "the event time is negative");
            failed = true;
        } else if (sx_is_future(node, time.i[row])) {
            sx_node_reject(node, batch, row, "future", plan->at, sx_future_text(node, time.i[row]));
            failed = true;
        }
    }
    if (failed)
        return;
    out.ts = time.i;
    sx_node_emit(node, SX_PORT_ROWS, &out);
}

const struct sx_operator_def sx_operator_time = {
    .name = "time",
    .summary = "Set the event time from here on.",
    .takes = "stream -> stream",
    .clauses = clauses,
    .clause_count = SX_COUNT(clauses),
    .example = {.program = "stream logs from topic \"logs\" { key string value json { at timestamp } }\n"
                           "logs | time at | to topic \"out\"\n",
                .in = "{\"topic\":\"logs\",\"key\":\"a\",\"value\":{\"at\":5000},\"timestamp\":1}\n",
                .out = "{\"topic\":\"out\",\"key\":\"a\",\"value\":{\"at\":5000},\"timestamp\":5000}\n"},
    .bind = bind,
    .state_bytes = sizeof(struct time_state),
    .open = open,
    .process = process,
    .close = close,
};
