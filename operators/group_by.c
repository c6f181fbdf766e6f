/* group_by.c: choose what rows are grouped by; puts them where their group is. */
#include "operators/key_by.h"

static const struct sx_clause clauses[] = {
    {NULL, SX_CLAUSE_EXPRS, false,
     "The group: `EXPR` or `name: EXPR`, with commas between several; `key` is the record's key."},
};

static void bind(struct sx_bind *b)
{
    const struct sx_flow *in = sx_bind_input(b);
    const struct sx_named *groups;
    uint32_t count = b->ops->named(b, 0, &groups);
    const struct sx_flow *placed = in;
    struct sx_flow *moved, *out;
    bool same;

    if (in->kind != SX_FLOW_STREAM && in->kind != SX_FLOW_TABLE) {
        sx_bind_fail(b, -1, NULL, "`group by` takes a stream or a table");
        return;
    }
    if (sx_bind_failed(b) || count == 0)
        return;
    same = sx_keys_are_columns(in, groups, count);
    /* Grouped by its key, a windowed table has several rows of a group: one of each window. */
    if (!same || in->schema->windowed) {
        moved = sx_key_by_bind(b, in, groups, count, true);
        moved->moved = in->moved || !same;
        placed = moved;
    }
    placed = sx_bind_place(b, placed, NULL, -1);
    out = sx_bind_flow_like(b, placed);
    out->kind = SX_FLOW_GROUPS;
    out->groups = groups;
    out->group_count = count;
    out->same_key = true;
    out->window = NULL;
    out->regrouped = in->kind == SX_FLOW_TABLE ? in->window : NULL;
    out->window_column = placed->schema->count - 2;
    b->result = out;
}

const struct sx_operator_def sx_operator_group_by = {
    .name = "group by",
    .summary = "Group the rows by expressions, for `window` and `aggregate`; a row for which one is null "
               "is not grouped. Of a table a row leaves its group when it changes, and joins its new one.",
    .takes = "stream -> groups, table -> groups",
    .clauses = clauses,
    .clause_count = SX_COUNT(clauses),
    .example = {.program = "stream bids from topic \"bids\" { key string value json { user string } }\n"
                           "table per_user = bids | group by user | aggregate { bids: count() }\n"
                           "per_user | to topic \"per-user\"\n",
                .in = "{\"topic\":\"bids\",\"key\":\"a\",\"value\":{\"user\":\"u1\"},\"timestamp\":1}\n"
                      "{\"topic\":\"bids\",\"key\":\"b\",\"value\":{\"user\":\"u1\"},\"timestamp\":2}\n",
                .out = "{\"topic\":\"per-user\",\"key\":\"u1\",\"value\":{\"bids\":1},\"timestamp\":1}\n"
                       "{\"topic\":\"per-user\",\"key\":\"u1\",\"value\":{\"bids\":2},\"timestamp\":2}\n"},
    .bind = bind,
};
