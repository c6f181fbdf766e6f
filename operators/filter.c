/* filter.c: keep the rows for which a condition holds. */
#include "operators/view.h"

struct filter_plan {
    const struct sx_program *condition;
    bool is_table;
};

struct filter_state {
    struct sx_evaluator *condition;
};

static const struct sx_clause clauses[] = {
    {NULL, SX_CLAUSE_EXPR, false, "The condition; a row stays only when it is true."},
};

static void bind(struct sx_bind *b)
{
    const struct sx_flow *in = sx_bind_input(b);
    struct filter_plan *plan = SX_ARENA_NEW(b->arena, struct filter_plan);
    struct sx_node_plan *node;
    struct sx_flow *out;
    uint64_t *reads;

    plan->condition = b->ops->expr(b, 0, &sx_type_bool, NULL);
    if (in->kind == SX_FLOW_GROUPS || in->kind == SX_FLOW_GLOBAL) {
        sx_bind_fail(b, -1, in->kind == SX_FLOW_GROUPS ? "filter before `group by`" : NULL,
                     "`filter` takes a stream or a table");
        return;
    }
    if (sx_bind_failed(b))
        return;
    plan->is_table = in->kind == SX_FLOW_TABLE;
    node = sx_bind_node(b, in, "filter", plan, in->schema);
    reads = sx_bind_columns(b, in->schema);
    sx_program_columns(plan->condition, reads);
    node->reads[0] = reads;
    node->from = sx_from_same(b->arena, in->schema);
    /* A tombstone only for a row that had passed: so the row before must be known. */
    node->wants_old = node->passes_old = plan->is_table;
    out = sx_bind_flow_like(b, in);
    out->node = node;
    out->port = SX_PORT_ROWS;
    out->view = sx_view_filter(b->arena, in->view, plan->condition);
    b->result = out;
}

static void open(const void *p, void *s, struct sx_node *node)
{
    ((struct filter_state *)s)->condition = sx_evaluator_new(((const struct filter_plan *)p)->condition);
}

static void close(const void *p, void *s, struct sx_node *node)
{
    sx_evaluator_free(((struct filter_state *)s)->condition);
}

/* The rows of `batch` that are there and pass, as a bitmap. */
static uint64_t *passing(struct filter_state *state, struct sx_node *node, const struct sx_batch *batch,
                         struct sx_row_failures *failures)
{
    uint64_t *bits = SX_ARENA_ARRAY(node->arena, uint64_t, SX_BITMAP_WORDS(batch->rows) + 1);
    struct sx_batch present = sx_batch_present(node->arena, batch);
    const uint16_t *sel;
    uint32_t count;

    sx_eval_select(state->condition, &present, node->arena, &sel, &count, failures);
    for (uint32_t i = 0; i < count; i++)
        sx_bit_set(bits, sel[i]);
    return bits;
}

/* A row that passes goes on; one that no longer passes is deleted if it had passed before. Final rows come
 * once, so that there is none before. */
static void process_table(struct filter_state *state, struct sx_node *node, const struct sx_batch *batch)
{
    struct sx_row_failures failures = {0}, ignored = {0};
    const uint64_t *now = passing(state, node, batch, &failures);
    struct sx_batch was = sx_batch_before(node->arena, batch);
    const uint64_t *before = batch->old ? passing(state, node, &was, &ignored) : NULL;
    uint32_t words = SX_BITMAP_WORDS(batch->rows) + 1;
    uint64_t *gone = SX_ARENA_ARRAY(node->arena, uint64_t, words);
    uint64_t *absent = SX_ARENA_ARRAY(node->arena, uint64_t, words);
    uint16_t *sel = sx_arena_alloc(node->arena, sizeof(*sel) * (batch->count + 1));
    struct sx_batch out = *batch, old;
    uint32_t count = 0;

    if (sx_node_reject_all(node, batch, &failures))
        return;
    for (SX_EACH_ROW(batch, i, row)) {
        bool passes = sx_bit(now, row);
        bool passed = before != NULL && sx_bit(before, row);

        if (!passes && !passed)
            continue;
        if (!passes)
            sx_bit_set(gone, row);
        if (!passed)
            sx_bit_set(absent, row);
        sel[count++] = (uint16_t)row;
    }
    out.sel = sel;
    out.count = count;
    out.gone = gone;
    if (batch->old != NULL) {
        old = *batch->old;
        old.gone = absent;
        out.old = &old;
    }
    sx_batch_blank(node->arena, &out);
    sx_node_emit(node, SX_PORT_ROWS, &out);
}

static void process(const void *p, void *s, struct sx_node *node, uint32_t input,
                    const struct sx_batch *batch)
{
    struct filter_state *state = s;
    struct sx_row_failures failures = {0};
    struct sx_batch out;
    const uint16_t *sel;
    uint32_t count;

    if (((const struct filter_plan *)p)->is_table) {
        out = sx_batch_current(node->arena, batch);
        process_table(state, node, &out);
        return;
    }
    sx_eval_select(state->condition, batch, node->arena, &sel, &count, &failures);
    if (sx_node_reject_all(node, batch, &failures))
        return;
    out = sx_batch_select(batch, sel, count);
    sx_node_emit(node, SX_PORT_ROWS, &out);
}

const struct sx_operator_def sx_operator_filter = {
    .name = "filter",
    .summary = "Keep the rows for which a condition is true; on a table, delete downstream a row that "
               "no longer passes.",
    .takes = "stream -> stream, table -> table",
    .clauses = clauses,
    .clause_count = SX_COUNT(clauses),
    .example = {.program = "stream bids from topic \"bids\" { key string value json { price int } }\n"
                           "bids | filter price > 10 | to topic \"high\"\n",
                .in = "{\"topic\":\"bids\",\"key\":\"a\",\"value\":{\"price\":7},\"timestamp\":1}\n"
                      "{\"topic\":\"bids\",\"key\":\"b\",\"value\":{\"price\":12},\"timestamp\":2}\n",
                .out = "{\"topic\":\"high\",\"key\":\"b\",\"value\":{\"price\":12},\"timestamp\":2}\n"},
    .per_row = true,
    .bind = bind,
    .state_bytes = sizeof(struct filter_state),
    .open = open,
    .process = process,
    .close = close,
};
