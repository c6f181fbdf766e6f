/* join.c: `join` and `left join`: which join it is follows from what is joined. */
#include "operators/join_foreign.h"

static const struct sx_clause clauses[] = {
    [SX_JOIN_WITH] = {NULL, SX_CLAUSE_FLOW, false, "The table, global table or stream to join with."},
    [SX_JOIN_AS] = {"as", SX_CLAUSE_NAME, true, "A name for its columns; its own name otherwise."},
    [SX_JOIN_ON] =
        {"on", SX_CLAUSE_EXPR, true,
         "What must be equal: `a == R.b`, joined by `and`; with a table also what equals its key."},
    [SX_JOIN_WITHIN] = {"within", SX_CLAUSE_DURATION, true, "Two streams: how far apart in time."},
    [SX_JOIN_BEFORE] = {"within before", SX_CLAUSE_DURATION, true,
                        "Two streams: how much older the right row may be."},
    [SX_JOIN_AFTER] = {"after", SX_CLAUSE_DURATION, true,
                       "Two streams: how much newer the right row may be."},
    [SX_JOIN_GRACE] = {"grace", SX_CLAUSE_DURATION, true, "How long the join waits for late rows."},
    [SX_JOIN_READY] = {"when ready", SX_CLAUSE_FLAG, true,
                       "Wait until the table has been read to the end that it had at the start."},
};

const char *sx_join_alias(struct sx_bind *b)
{
    return b->ops->text(b, sx_bind_given(b, SX_JOIN_AS) ? SX_JOIN_AS : SX_JOIN_WITH);
}

/* ---- The joined row -------------------------------------------------------------------------- */

struct joined {
    struct sx_field *fields;
    struct sx_from *from;
    uint32_t count;
};

static struct sx_field *add_field(struct joined *j, const struct sx_schema *schema, int side, uint32_t column)
{
    j->from[j->count] = (struct sx_from){.input = side, .column = (int32_t)column};
    j->fields[j->count] = schema->fields[column];
    return &j->fields[j->count++];
}

/* The columns of a side that have this role there, with another role in the joined row. */
static void add_side(struct joined *j, const struct sx_join_shape *shape, int side, enum sx_role has,
                     enum sx_role gets)
{
    const struct sx_schema *schema = shape->sides[side].schema;

    for (uint32_t c = 0; c < schema->count; c++) {
        struct sx_field *field;

        if (schema->fields[c].role != has)
            continue;
        field = add_field(j, schema, side, c);
        field->role = gets;
        field->not_null &= side == 0 && (shape->how != SX_JOIN_OUTER || gets == SX_ROLE_KEY);
        if (side == 1) {
            field->qualifier = shape->alias;
            field->joined_on = false;
        }
    }
}

const struct sx_schema *sx_join_schema(struct sx_bind *b, const struct sx_join_shape *shape,
                                       struct sx_from **from)
{
    const struct sx_schema *l = shape->sides[0].schema, *r = shape->sides[1].schema;
    uint32_t most = l->key_count + l->count + r->count + 1;
    struct joined j = {SX_ARENA_ARRAY(b->arena, struct sx_field, most),
                       SX_ARENA_ARRAY(b->arena, struct sx_from, most), 0};
    bool apart = shape->key_apart;
    struct sx_schema *schema;

    add_side(&j, shape, 0, SX_ROLE_KEY, SX_ROLE_KEY);
    for (uint32_t k = 0; apart && k < j.count; k++) {
        j.from[k].input = -1;
        j.fields[k].qualifier = NULL;
    }
    add_side(&j, shape, 0, SX_ROLE_VALUE, SX_ROLE_VALUE);
    add_side(&j, shape, 1, SX_ROLE_VALUE, SX_ROLE_VALUE);
    if (apart && shape->sides[0].keys_shown)
        add_side(&j, shape, 0, SX_ROLE_KEY, SX_ROLE_READABLE);
    add_side(&j, shape, 0, SX_ROLE_READABLE, SX_ROLE_READABLE);
    if (shape->sides[1].keys_shown)
        add_side(&j, shape, 1, SX_ROLE_KEY, SX_ROLE_READABLE);
    add_side(&j, shape, 1, SX_ROLE_READABLE, SX_ROLE_READABLE);
    schema = sx_schema_of(b->arena, j.fields, j.count, l);
    schema->has_metadata = false;
    *from = j.from;
    return schema;
}

const struct sx_schema *sx_join_named_on(struct sx_bind *b, const struct sx_schema *schema, const char *alias,
                                         const struct sx_named *on, uint32_t count)
{
    struct sx_field *fields = SX_ARENA_ARRAY(b->arena, struct sx_field, schema->count + 1);

    for (uint32_t i = 0; i < schema->count; i++) {
        fields[i] = schema->fields[i];
        if (fields[i].qualifier != NULL && strcmp(fields[i].qualifier, alias) == 0)
            continue;
        for (uint32_t n = 0; n < count; n++)
            fields[i].joined_on |= strcmp(fields[i].name, on[n].name) == 0;
    }
    return sx_schema_of(b->arena, fields, schema->count, schema);
}

struct sx_pairing sx_join_pairing(struct sx_bind *b, const struct sx_flow *in, const struct sx_flow *with,
                                  const char *alias, enum sx_join_how how)
{
    const struct sx_schema *table = with->schema;
    /* A table has no columns that can only be read: what it keeps is keys and values. */
    struct sx_join_shape shape = {
        .how = how,
        .sides = {{in->schema, true},
                  {sx_schema_of(b->arena, table->fields, table->key_count + table->value_count, table),
                   true}},
        .alias = alias};
    struct sx_from *from;
    const struct sx_schema *schema = sx_join_schema(b, &shape, &from);

    return (struct sx_pairing){.schema = schema,
                               .from = from,
                               .needs_left = how != SX_JOIN_OUTER,
                               .needs_right = how == SX_JOIN_INNER};
}

/* 2^53 ms is 285,000 years: far from overflow when times and spans are added. */
#define LONGEST_MS (INT64_C(1) << 53)

int64_t sx_join_duration(struct sx_bind *b, uint32_t clause)
{
    int64_t ms = sx_bind_given(b, clause) ? b->ops->integer(b, clause) : 0;

    if (ms >= 0 && ms <= LONGEST_MS)
        return ms;
    sx_bind_fail(b, (int)clause, NULL,
                 ms < 0 ? "it must not be negative, and is %lld ms"
                        : "it is longer than 285,000 years (%lld ms)",
                 (long long)ms);
    return 0;
}

/* ---- Which join it is ------------------------------------------------------------------------ */

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
        sx_join_foreign_bind(b, in, with, how);
    else
        sx_join_tables_bind(b, in, with, how);
}

/* The name before the right side's columns is not one of the left's. */
static bool check_alias(struct sx_bind *b, const struct sx_flow *in)
{
    const char *alias = sx_join_alias(b);

    for (uint32_t c = 0; c < in->schema->count; c++)
        if (in->schema->fields[c].qualifier != NULL && strcmp(in->schema->fields[c].qualifier, alias) == 0) {
            sx_bind_fail(b, sx_bind_given(b, SX_JOIN_AS) ? SX_JOIN_AS : SX_JOIN_WITH,
                         sx_arena_format(b->arena, "write `as` and another name behind `%s`",
                                         b->ops->text(b, SX_JOIN_WITH)),
                         "columns of the left row are called `%s.%s` already", alias,
                         in->schema->fields[c].name);
            return false;
        }
    return true;
}

static void bind_with_table(struct sx_bind *b, const struct sx_flow *in, const struct sx_flow *with,
                            enum sx_join_how how)
{
    if (how == SX_JOIN_OUTER)
        sx_bind_fail(b, -1, "use `left join`", "an outer join takes two streams or two tables");
    else if (sx_bind_given(b, SX_JOIN_WITHIN) || sx_bind_given(b, SX_JOIN_BEFORE) ||
             sx_bind_given(b, SX_JOIN_AFTER))
        sx_bind_fail(b, sx_bind_given(b, SX_JOIN_WITHIN) ? SX_JOIN_WITHIN : SX_JOIN_BEFORE, "leave it out",
                     "`within` is for two streams");
    else if (sx_bind_given(b, SX_JOIN_GRACE) && with->kind == SX_FLOW_GLOBAL)
        sx_bind_fail(b, SX_JOIN_GRACE, "leave it out, or join a table", "a global table is not waited for");
    else if (!sx_bind_given(b, SX_JOIN_ON))
        sx_bind_fail(b, -1, "write `on` and what equals the table's key", "the join has no `on`");
    else
        sx_join_table_bind(b, in, with, how == SX_JOIN_LEFT);
}

static void bind_join(struct sx_bind *b, enum sx_join_how how)
{
    const struct sx_flow *in = sx_bind_input(b);
    const struct sx_flow *with = b->ops->flow(b, SX_JOIN_WITH, 0);

    if (with == NULL || sx_bind_failed(b))
        return;
    if (in->kind == SX_FLOW_TABLE && with->kind == SX_FLOW_TABLE)
        bind_two_tables(b, in, with, how);
    else if (with->kind == SX_FLOW_GROUPS)
        sx_bind_fail(b, SX_JOIN_WITH, NULL, "a join takes a stream or a table");
    else if (in->kind != SX_FLOW_STREAM)
        sx_bind_fail(b, -1, in->kind == SX_FLOW_TABLE ? "put `| changes` before it" : NULL,
                     "what joins a %s is a stream",
                     with->kind == SX_FLOW_GLOBAL   ? "global table"
                     : with->kind == SX_FLOW_STREAM ? "stream"
                                                    : "table");
    else if (!check_alias(b, in))
        return;
    else if (with->kind == SX_FLOW_STREAM)
        sx_join_streams_bind(b, in, with, how);
    else
        bind_with_table(b, in, with, how);
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
