/* merge.c: interleave streams of one type, keys included. */
#include "operators/common.h"

static const struct sx_clause clauses[] = {
    {NULL, SX_CLAUSE_FLOWS, false, "The other streams."},
};

/* The types must be equal, name by name; the order of the columns need not be. */
static bool same_columns(struct sx_bind *b, const struct sx_flow *left, const struct sx_flow *right)
{
    const struct sx_schema *x = left->schema, *y = right->schema;

    if (x->key_count != y->key_count || x->value_count != y->value_count) {
        sx_bind_fail(b, 0, "map both to the same columns first",
                     "`%s` has %u key and %u value columns, `%s` has %u and %u",
                     left->name ? left->name : "it", x->key_count, x->value_count,
                     right->name ? right->name : "the other", y->key_count, y->value_count);
        return false;
    }
    for (uint32_t c = 0; c < x->key_count + x->value_count; c++)
        if (strcmp(x->fields[c].name, y->fields[c].name) != 0 ||
            !sx_type_equal(x->fields[c].type, y->fields[c].type)) {
            sx_bind_fail(b, 0, "map both to the same columns, in the same order, first",
                         "column %u is `%s %s` here and `%s %s` in `%s`", c + 1, x->fields[c].name,
                         sx_type_text(x->fields[c].type, b->arena), y->fields[c].name,
                         sx_type_text(y->fields[c].type, b->arena), right->name ? right->name : "the other");
            return false;
        }
    return true;
}

/* Rows of both stay where they are only if the same key is in the same partition of both. */
static void place(struct sx_bind *b, struct sx_flow *out, const struct sx_flow *left,
                  const struct sx_flow *right)
{
    out->moved = left->moved || right->moved;
    if (out->moved || left->partitioned_as == right->partitioned_as)
        return;
    if (left->partitioned_as < 0 || right->partitioned_as < 0 ||
        b->plan->topics[left->partitioned_as]->key_format !=
            b->plan->topics[right->partitioned_as]->key_format)
        out->moved = true;
    else
        sx_plan_copartition(b->plan, (uint32_t)left->partitioned_as, (uint32_t)right->partitioned_as);
}

static void bind(struct sx_bind *b)
{
    const struct sx_flow *left = sx_bind_input(b);
    uint32_t count = b->ops->flow_count(b, 0);

    if (left->kind != SX_FLOW_STREAM)
        sx_bind_fail(b, -1, "put `| changes` before it", "`merge` takes streams");
    for (uint32_t i = 0; i < count; i++) {
        const struct sx_flow *right = b->ops->flow(b, 0, i);
        struct sx_node_plan *node;
        struct sx_flow *out;

        if (right == NULL || sx_bind_failed(b))
            return;
        if (right->kind != SX_FLOW_STREAM) {
            sx_bind_fail(b, 0, "put `| changes` behind it in a statement of its own",
                         "`merge` takes streams");
            return;
        }
        if (!same_columns(b, left, right))
            return;
        node = sx_bind_node(b, left, i ? sx_arena_format(b->arena, "merge%u", i + 1) : "merge", NULL,
                            left->schema);
        sx_plan_link(b->plan, right->node, right->port, node, 1);
        node->reads[0] = sx_columns_all(b->arena, left->schema);
        node->reads[1] = sx_columns_all(b->arena, right->schema);
        node->schema = sx_schema_of(b->arena, left->schema->fields,
                                    left->schema->key_count + left->schema->value_count, left->schema);
        out = sx_bind_flow_like(b, left);
        out->schema = node->schema;
        out->node = node;
        out->port = SX_PORT_ROWS;
        place(b, out, left, right);
        left = out;
    }
    b->result = left;
}

static void process(const void *p, void *s, struct sx_node *node, uint32_t input,
                    const struct sx_batch *batch)
{
    struct sx_batch out = *batch;

    out.schema = node->plan->schema;
    sx_node_emit(node, SX_PORT_ROWS, &out);
}

const struct sx_operator_def sx_operator_merge = {
    .name = "merge",
    .summary = "Interleave streams of one type, keys included.",
    .takes = "streams -> stream",
    .clauses = clauses,
    .clause_count = SX_COUNT(clauses),
    .example = {.program = "stream a from topic \"a\" { key string value json { n int } }\n"
                           "stream b from topic \"b\" { key string value json { n int } }\n"
                           "a | merge b | to topic \"both\"\n",
                .in = "{\"topic\":\"b\",\"key\":\"x\",\"value\":{\"n\":1},\"timestamp\":1}\n"
                      "{\"topic\":\"a\",\"key\":\"y\",\"value\":{\"n\":2},\"timestamp\":2}\n",
                .out = "{\"topic\":\"both\",\"key\":\"x\",\"value\":{\"n\":1},\"timestamp\":1}\n"
                       "{\"topic\":\"both\",\"key\":\"y\",\"value\":{\"n\":2},\"timestamp\":2}\n"},
    .bind = bind,
    .process = process,
};
