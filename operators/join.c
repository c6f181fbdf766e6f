/* join.c: `join` and `left join`: which join it is follows from what is joined. */
#include "operators/join.h"

static const struct sx_clause clauses[] = {
    [SX_JOIN_WITH] = {NULL, SX_CLAUSE_FLOW, false, "The table, global table or stream to join with."},
    [SX_JOIN_AS] = {"as", SX_CLAUSE_NAME, true, "A name for its columns; its own name otherwise."},
    [SX_JOIN_ON] =
        {"on", SX_CLAUSE_EXPR, true,
         "What equals the table's key: an expression of the left row, or equalities joined by `and`."},
    [SX_JOIN_WITHIN] = {"within", SX_CLAUSE_DURATION, true, "Two streams: how far apart in time."},
    [SX_JOIN_BEFORE] = {"within before", SX_CLAUSE_DURATION, true,
                        "Two streams: how much older the right row may be."},
    [SX_JOIN_AFTER] = {"after", SX_CLAUSE_DURATION, true,
                       "Two streams: how much newer the right row may be."},
    [SX_JOIN_GRACE] = {"grace", SX_CLAUSE_DURATION, true, "How long the join waits for late rows."},
    [SX_JOIN_READY] = {"when ready", SX_CLAUSE_FLAG, true, "Wait until the table has been read to its end."},
};

static void bind_join(struct sx_bind *b, bool left)
{
    const struct sx_flow *in = sx_bind_input(b);
    const struct sx_flow *with = b->ops->flow(b, SX_JOIN_WITH, 0);

    if (with == NULL || sx_bind_failed(b))
        return;
    if (in->kind == SX_FLOW_TABLE && with->kind == SX_FLOW_TABLE)
        b->ops->not_yet(b, -1, "joining two tables");
    else if (in->kind == SX_FLOW_STREAM && with->kind == SX_FLOW_STREAM)
        b->ops->not_yet(b, -1, "joining two streams");
    else if (in->kind != SX_FLOW_STREAM)
        sx_bind_fail(b, -1, in->kind == SX_FLOW_TABLE ? "put `| changes` before it" : NULL,
                     "a join with a %s takes a stream",
                     with->kind == SX_FLOW_GLOBAL ? "global table" : "table");
    else if (with->kind == SX_FLOW_GROUPS)
        sx_bind_fail(b, SX_JOIN_WITH, NULL, "a join takes a stream or a table");
    else if (sx_bind_given(b, SX_JOIN_WITHIN) || sx_bind_given(b, SX_JOIN_BEFORE) ||
             sx_bind_given(b, SX_JOIN_AFTER))
        sx_bind_fail(b, SX_JOIN_WITHIN, "leave it out", "`within` is for two streams");
    else if (sx_bind_given(b, SX_JOIN_GRACE))
        b->ops->not_yet(b, SX_JOIN_GRACE, "`grace` on a join with a table");
    else if (sx_bind_given(b, SX_JOIN_READY))
        b->ops->not_yet(b, SX_JOIN_READY, "`when ready`");
    else if (!sx_bind_given(b, SX_JOIN_ON))
        sx_bind_fail(b, -1, "write `on` and what equals the table's key", "the join has no `on`");
    else
        sx_join_table_bind(b, in, with, left);
}

static void bind_inner(struct sx_bind *b) { bind_join(b, false); }
static void bind_left(struct sx_bind *b) { bind_join(b, true); }

#define EXAMPLE_FILE(JOIN)                                                                    \
    "table users from topic \"users\" { key string as id value json { name string } }\n"      \
    "stream clicks from topic \"clicks\" { key string value json { page string } }\n"         \
    "stream named = clicks | " JOIN " users on clicks.key | map { page, name: users.name }\n" \
    "named | to topic \"named\"\n"
#define EXAMPLE_IN                                                                        \
    "{\"topic\":\"users\",\"key\":\"u1\",\"value\":{\"name\":\"Ada\"},\"timestamp\":0}\n" \
    "{\"topic\":\"clicks\",\"key\":\"u1\",\"value\":{\"page\":\"/\"},\"timestamp\":1}\n"  \
    "{\"topic\":\"clicks\",\"key\":\"u2\",\"value\":{\"page\":\"/a\"},\"timestamp\":2}\n"
#define EXAMPLE_OUT \
    "{\"topic\":\"named\",\"key\":\"u1\",\"value\":{\"page\":\"/\",\"name\":\"Ada\"},\"timestamp\":1}\n"

const struct sx_operator_def sx_operator_join = {
    .name = "join",
    .summary = "Add the columns of the matching row; rows without a match are left out.",
    .takes = "stream -> stream",
    .clauses = clauses,
    .clause_count = SX_COUNT(clauses),
    .example = {.program = EXAMPLE_FILE("join"), .in = EXAMPLE_IN, .out = EXAMPLE_OUT},
    .bind = bind_inner,
};

const struct sx_operator_def sx_operator_left_join = {
    .name = "left join",
    .summary = "Add the columns of the matching row, or nulls when there is none.",
    .takes = "stream -> stream",
    .clauses = clauses,
    .clause_count = SX_COUNT(clauses),
    .example = {.program = EXAMPLE_FILE("left join"),
                .in = EXAMPLE_IN,
                .out = EXAMPLE_OUT
                "{\"topic\":\"named\",\"key\":\"u2\",\"value\":{\"page\":\"/a\",\"name\":null},"
                "\"timestamp\":2}\n"},
    .bind = bind_left,
};
