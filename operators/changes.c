/* changes.c: a table's updates as a stream. No node: the rows are the same, only what they mean
 * changes; a deleted row is one with a null value. */
#include "operators/common.h"

static void bind(struct sx_bind *b)
{
    const struct sx_flow *in = sx_bind_input(b);
    struct sx_schema *schema;
    struct sx_flow *out;

    if (in->kind != SX_FLOW_TABLE) {
        sx_bind_fail(b, -1, in->kind == SX_FLOW_STREAM ? "it is a stream already" : NULL,
                     "`changes` takes a table");
        return;
    }
    schema = sx_schema_of(b->arena, in->schema->fields, in->schema->count, in->schema);
    schema->is_table = false;
    out = sx_bind_flow_like(b, in);
    out->kind = SX_FLOW_STREAM;
    out->schema = schema;
    out->window = NULL;
    out->view = NULL;
    b->result = out;
}

const struct sx_operator_def sx_operator_changes = {
    .name = "changes",
    .summary = "Make a stream of a table's updates; a deleted row has a null value.",
    .takes = "table -> stream",
    .example = {.program = "table users from topic \"users\" { key string value json { name string } }\n"
                           "stream renamed = users | changes\n"
                           "renamed | to topic \"log\"\n",
                .in = "{\"topic\":\"users\",\"key\":\"a\",\"value\":{\"name\":\"Ada\"},\"timestamp\":1}\n"
                      "{\"topic\":\"users\",\"key\":\"a\",\"value\":null,\"timestamp\":2}\n",
                .out = "{\"topic\":\"log\",\"key\":\"a\",\"value\":{\"name\":\"Ada\"},\"timestamp\":1}\n"
                       "{\"topic\":\"log\",\"key\":\"a\",\"value\":null,\"timestamp\":2}\n"},
    .bind = bind,
};
