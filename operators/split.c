/* split.c: each row to the first case that it meets. */
#include "operators/common.h"

struct split_plan {
    const struct sx_named *cases; /* program NULL: else */
    uint32_t count;
};

struct split_state {
    struct sx_evaluator **cases;
};

static const struct sx_clause clauses[] = {
    {NULL, SX_CLAUSE_CASES, false, "The cases: `when EXPR -> name`, and `else -> name` at the end."},
};

static void bind(struct sx_bind *b)
{
    const struct sx_flow *in = sx_bind_input(b);
    struct split_plan *plan = SX_ARENA_NEW(b->arena, struct split_plan);
    struct sx_named_flow *results;
    struct sx_node_plan *node;
    uint64_t *reads = sx_bind_columns(b, in->schema);

    plan->count = b->ops->cases(b, 0, &plan->cases);
    if (in->kind != SX_FLOW_STREAM)
        sx_bind_fail(b, -1, "put `| changes` before it", "`split` takes a stream");
    if (sx_bind_failed(b))
        return;
    sx_named_columns(plan->cases, plan->count, reads);
    node = sx_bind_node(b, in, "split", plan, in->schema);
    node->reads[0] = reads;
    node->from = sx_from_same(b->arena, in->schema);
    results = SX_ARENA_ARRAY(b->arena, struct sx_named_flow, plan->count + 1);
    for (uint32_t i = 0; i < plan->count; i++) {
        struct sx_flow *flow = sx_bind_flow_like(b, in);
        flow->node = node;
        flow->port = i;
        flow->name = plan->cases[i].name;
        results[i] = (struct sx_named_flow){.name = plan->cases[i].name, .flow = flow};
    }
    b->results = results;
    b->result_count = plan->count;
}

static void open(const void *p, void *s, struct sx_node *node)
{
    const struct split_plan *plan = p;

    ((struct split_state *)s)->cases = sx_evaluators_open(plan->cases, plan->count);
}

static void close(const void *p, void *s, struct sx_node *node)
{
    sx_evaluators_close(((struct split_state *)s)->cases, ((const struct split_plan *)p)->count);
}

static void process(const void *p, void *s, struct sx_node *node, uint32_t input,
                    const struct sx_batch *batch)
{
    const struct split_plan *plan = p;
    const struct split_state *state = s;
    struct sx_batch rest = *batch;
    struct sx_batch *taken = SX_ARENA_ARRAY(node->arena, struct sx_batch, plan->count);
    struct sx_row_failures failures = {0};

    for (uint32_t c = 0; c < plan->count; c++) {
        const uint16_t *sel;
        uint16_t *left;
        uint32_t count, left_count = 0;

        if (state->cases[c] == NULL) {
            taken[c] = rest;
            break;
        }
        sx_eval_select(state->cases[c], &rest, node->arena, &sel, &count, &failures);
        taken[c] = sx_batch_select(batch, sel, count);
        left = sx_arena_alloc(node->arena, sizeof(*left) * (rest.count + 1));
        for (SX_EACH_ROW(&rest, i, row)) {
            if (count && *sel == row) {
                sel++;
                count--;
            } else {
                left[left_count++] = (uint16_t)row;
            }
        }
        rest = sx_batch_select(batch, left, left_count);
    }
    if (sx_node_reject_all(node, batch, &failures))
        return;
    for (uint32_t c = 0; c < plan->count; c++)
        sx_node_emit(node, c, &taken[c]);
}

const struct sx_operator_def sx_operator_split = {
    .name = "split",
    .summary = "Give each row to the first case that it meets; the cases are streams of their own.",
    .takes = "stream -> streams",
    .clauses = clauses,
    .clause_count = SX_COUNT(clauses),
    .is_statement = true,
    .example = {.program = "stream bids from topic \"bids\" { key string value json { price int } }\n"
                           "bids | split { when price > 10 -> high else -> low }\n"
                           "high | to topic \"high\"\nlow | to topic \"low\"\n",
                .in = "{\"topic\":\"bids\",\"key\":\"a\",\"value\":{\"price\":7},\"timestamp\":1}\n"
                      "{\"topic\":\"bids\",\"key\":\"b\",\"value\":{\"price\":12},\"timestamp\":2}\n",
                .out = "{\"topic\":\"low\",\"key\":\"a\",\"value\":{\"price\":7},\"timestamp\":1}\n"
                       "{\"topic\":\"high\",\"key\":\"b\",\"value\":{\"price\":12},\"timestamp\":2}\n"},
    .bind = bind,
    .state_bytes = sizeof(struct split_state),
    .open = open,
    .process = process,
    .close = close,
};
