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

const char *sx_join_alias(struct sx_bind *b)
{
    return b->ops->text(b, sx_bind_given(b, SX_JOIN_AS) ? SX_JOIN_AS : SX_JOIN_WITH);
}

struct sx_pairing sx_join_pairing(struct sx_bind *b, const struct sx_flow *in, const struct sx_flow *with,
                                  const char *alias, enum sx_join_how how)
{
    const struct sx_schema *l = in->schema, *r = with->schema;
    struct sx_field *fields = SX_ARENA_ARRAY(b->arena, struct sx_field, l->count + r->count + 1);
    struct sx_from *from = SX_ARENA_ARRAY(b->arena, struct sx_from, l->count + r->count + 1);
    struct sx_schema *schema;
    uint32_t n = 0;

    for (int role = SX_ROLE_KEY; role <= SX_ROLE_READABLE; role++) {
        for (uint32_t c = 0; c < l->count; c++) {
            if (l->fields[c].role != (enum sx_role)role)
                continue;
            from[n] = (struct sx_from){.input = 0, .column = (int32_t)c};
            fields[n] = l->fields[c];
            if (how == SX_JOIN_OUTER && role != SX_ROLE_KEY)
                fields[n].not_null = false;
            n++;
        }
        for (uint32_t c = 0; c < r->key_count + r->value_count; c++) {
            enum sx_role now = c < r->key_count ? SX_ROLE_READABLE : SX_ROLE_VALUE;

            if (now != (enum sx_role)role)
                continue;
            from[n] = (struct sx_from){.input = 1, .column = (int32_t)c};
            fields[n] = r->fields[c];
            fields[n].qualifier = alias;
            fields[n].role = now;
            fields[n++].not_null = false;
        }
    }
    schema = sx_schema_of(b->arena, fields, n, l);
    schema->has_metadata = false;
    return (struct sx_pairing){.schema = schema,
                               .from = from,
                               .needs_left = how != SX_JOIN_OUTER,
                               .needs_right = how == SX_JOIN_INNER};
}

static void bind_two_tables(struct sx_bind *b, const struct sx_flow *in, const struct sx_flow *with,
                            enum sx_join_how how)
{
    static const uint32_t streams_only[] = {SX_JOIN_WITHIN, SX_JOIN_BEFORE, SX_JOIN_AFTER, SX_JOIN_GRACE,
                                            SX_JOIN_READY};

    for (uint32_t i = 0; i < SX_COUNT(streams_only); i++)
        if (sx_bind_given(b, streams_only[i])) {
            sx_bind_fail(b, (int)streams_only[i], "leave it out", "`%s` is for joins of streams",
                         clauses[streams_only[i]].word);
            return;
        }
    if (sx_bind_given(b, SX_JOIN_ON))
        b->ops->not_yet(b, SX_JOIN_ON, "joining two tables by a foreign key");
    else
        sx_join_tables_bind(b, in, with, how);
}

static void bind_join(struct sx_bind *b, enum sx_join_how how)
{
    const struct sx_flow *in = sx_bind_input(b);
    const struct sx_flow *with = b->ops->flow(b, SX_JOIN_WITH, 0);

    if (with == NULL || sx_bind_failed(b))
        return;
    if (in->kind == SX_FLOW_TABLE && with->kind == SX_FLOW_TABLE)
        bind_two_tables(b, in, with, how);
    else if (in->kind == SX_FLOW_STREAM && with->kind == SX_FLOW_STREAM)
        b->ops->not_yet(b, -1, "joining two streams");
    else if (how == SX_JOIN_OUTER)
        sx_bind_fail(b, -1, "use `left join`", "an outer join takes two streams or two tables");
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
        sx_join_table_bind(b, in, with, how == SX_JOIN_LEFT);
}

static void bind_inner(struct sx_bind *b) { bind_join(b, SX_JOIN_INNER); }
static void bind_left(struct sx_bind *b) { bind_join(b, SX_JOIN_LEFT); }
static void bind_outer(struct sx_bind *b) { bind_join(b, SX_JOIN_OUTER); }

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
    .takes = "stream -> stream, table -> table",
    .clauses = clauses,
    .clause_count = SX_COUNT(clauses),
    .example = {.program = EXAMPLE_FILE("join"), .in = EXAMPLE_IN, .out = EXAMPLE_OUT},
    .bind = bind_inner,
};

const struct sx_operator_def sx_operator_left_join = {
    .name = "left join",
    .summary = "Add the columns of the matching row, or nulls when there is none.",
    .takes = "stream -> stream, table -> table",
    .clauses = clauses,
    .clause_count = SX_COUNT(clauses),
    .example = {.program = EXAMPLE_FILE("left join"),
                .in = EXAMPLE_IN,
                .out = EXAMPLE_OUT
                "{\"topic\":\"named\",\"key\":\"u2\",\"value\":{\"page\":\"/a\",\"name\":null},"
                "\"timestamp\":2}\n"},
    .bind = bind_left,
};

const struct sx_operator_def sx_operator_outer_join = {
    .name = "outer join",
    .summary = "Put the rows of both sides together, with nulls for the side that has none.",
    .takes = "stream -> stream, table -> table",
    .clauses = clauses,
    .clause_count = SX_COUNT(clauses),
    .example = {.program = "table names from topic \"names\" { key string value json { name string } }\n"
                           "table ages from topic \"ages\" { key string value json { age int } }\n"
                           "table people = names | outer join ages\n"
                           "people | to topic \"people\"\n",
                .in = "{\"topic\":\"names\",\"key\":\"a\",\"value\":{\"name\":\"Ada\"},\"timestamp\":1}\n"
                      "{\"topic\":\"ages\",\"key\":\"b\",\"value\":{\"age\":7},\"timestamp\":2}\n"
                      "{\"topic\":\"ages\",\"key\":\"a\",\"value\":{\"age\":36},\"timestamp\":3}\n",
                .out = "{\"topic\":\"people\",\"key\":\"a\",\"value\":{\"name\":\"Ada\",\"age\":null},"
                       "\"timestamp\":1}\n"
                       "{\"topic\":\"people\",\"key\":\"b\",\"value\":{\"name\":null,\"age\":7},"
                       "\"timestamp\":2}\n"
                       "{\"topic\":\"people\",\"key\":\"a\",\"value\":{\"name\":\"Ada\",\"age\":36},"
                       "\"timestamp\":3}\n"},
    .bind = bind_outer,
};
