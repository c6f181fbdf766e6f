/* emit_distinct.c: a table's updates without those that change nothing. What was sent last is the row
 * before of what comes, as an update that was left out was equal to it. */
#include "operators/emit.h"

static void bind(struct sx_bind *b)
{
    const struct sx_flow *in = sx_bind_input(b);
    struct sx_node_plan *node;
    struct sx_flow *out;

    if (!sx_emit_takes(b, in))
        return;
    if (in->emit == SX_EMIT_FINAL) {
        b->result = in; /* Every row is the only one. */
        return;
    }
    node = sx_bind_node(b, in, "emit distinct", NULL, in->schema);
    /* All columns decide, whoever reads them: what is sent must not depend on readers. */
    node->reads[0] = sx_columns_all(b->arena, in->schema);
    node->from = sx_from_same(b->arena, in->schema);
    node->wants_old = true;
    out = sx_bind_flow_like(b, in);
    out->node = node;
    out->port = SX_PORT_ROWS;
    out->emit = SX_EMIT_DISTINCT;
    out->emit_written = true;
    b->result = out;
}

static bool changes(const struct sx_batch *batch, uint32_t row)
{
    bool gone = sx_batch_is_gone(batch, row);
    bool was_gone = batch->old == NULL || sx_batch_is_gone(batch->old, row);

    if (gone || was_gone)
        return gone != was_gone;
    for (uint32_t c = batch->schema->key_count; c < batch->schema->count; c++)
        if (!sx_value_equal(sx_column_get(&batch->columns[c], row),
                            sx_column_get(&batch->old->columns[c], row)))
            return true;
    return false;
}

static void process(const void *p, void *s, struct sx_node *node, uint32_t input,
                    const struct sx_batch *batch)
{
    uint16_t *sel = sx_arena_alloc(node->arena, sizeof(*sel) * (batch->count + 1));
    struct sx_batch out;
    uint32_t count = 0;

    for (SX_EACH_ROW(batch, i, row))
        if (changes(batch, row))
            sel[count++] = (uint16_t)row;
    out = sx_batch_select(batch, sel, count);
    sx_node_emit(node, SX_PORT_ROWS, &out);
}

#define BID(PRICE, TIME) \
    "{\"topic\":\"bids\",\"key\":\"a\",\"value\":{\"price\":" PRICE "},\"timestamp\":" TIME "}\n"
#define BEST(PRICE, TIME) \
    "{\"topic\":\"best\",\"key\":\"a\",\"value\":{\"best\":" PRICE "},\"timestamp\":" TIME "}\n"

const struct sx_operator_def sx_operator_emit_distinct = {
    .name = "emit distinct",
    .summary = "Send the updates that change something: none that leaves the row's columns as they were.",
    .takes = "table -> table",
    .example = {.program =
                    "stream bids from topic \"bids\" { key string value json { price int } }\n"
                    "table best = bids | group by key | aggregate { best: max(price) } | emit distinct\n"
                    "best | to topic \"best\"\n",
                .in = BID("7", "1") BID("5", "2") BID("9", "3"),
                .out = BEST("7", "1") BEST("9", "3")},
    .per_row = true,
    .bind = bind,
    .process = process,
};
