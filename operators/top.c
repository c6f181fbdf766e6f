/* top.c: the N best rows per group (and window), a row of the table for each rank.
 *
 * It is two nodes. An aggregate keeps the group's best rows as an array, in the order of their ranks; so
 * windows, lateness and retraction are those of every aggregate. Behind it the array before and the array
 * now are compared, and each rank that changed is one row.
 *
 * Of a stream only the N best are kept. Of a table all rows are, as those behind the best move up when one
 * goes. An entry of the aggregate's state is: by | columns (a struct) | time (8); best first.
 */
#include "operators/aggregate.h"
#include "operators/aggregates/run.h"

enum { COUNT, BY, ASC, DESC };

static const struct sx_clause clauses[] = {
    [COUNT] = {NULL, SX_CLAUSE_INTEGER, false, "How many rows."},
    [BY] = {"by", SX_CLAUSE_EXPR, false,
            "What they are compared by; a row for which it is null has no rank."},
    [ASC] = {"asc", SX_CLAUSE_FLAG, true, "The smallest first."},
    [DESC] = {"desc", SX_CLAUSE_FLAG, true, "The largest first; so it is when nothing is said."},
};

#define MOST_RANKS 10000

/* ---- The aggregate --------------------------------------------------------------------------- */

enum { ARG_BY, ARG_ROW, ARG_TIME, ARG_COUNT };
enum { FLAG_ASC = 1, FLAG_ALL = 2 };

static bool has_flag(const struct sx_call *call, uintptr_t flag) { return (uintptr_t)call->arg & flag; }

/* by and columns; with the time behind them an entry. */
static struct sx_slice entry_of(struct sx_call *call, const struct sx_value *args,
                                struct sx_slice *without_time)
{
    struct sx_buffer bytes = {0};
    struct sx_slice copy;

    sx_value_write(&bytes, args[ARG_BY], call->types[ARG_BY]);
    sx_value_write(&bytes, args[ARG_ROW], call->types[ARG_ROW]);
    sx_put_be64(sx_buffer_room(&bytes, 8), (uint64_t)args[ARG_TIME].i);
    bytes.size += 8;
    copy = sx_arena_copy(call->arena, sx_buffer_slice(&bytes));
    sx_buffer_free(&bytes);
    *without_time = sx_slice(copy.data, copy.size - 8);
    return copy;
}

static int64_t time_of(struct sx_slice entry) { return (int64_t)sx_get_be64(entry.data + entry.size - 8); }

/* Is what is new before this one? */
static bool goes_before(struct sx_call *call, struct sx_value by, int64_t time, struct sx_slice entry)
{
    const char *at = entry.data;
    struct sx_value other;
    int order;

    if (!sx_value_read(&at, entry.data + entry.size, call->types[ARG_BY], &other, call->arena))
        return false;
    order = sx_value_compare(by, other);
    if (has_flag(call, FLAG_ASC))
        order = -order;
    return order > 0 || (order == 0 && time < time_of(entry));
}

static void insert(struct sx_call *call, struct sx_aggregate_state *state, struct sx_value by,
                   struct sx_slice bytes)
{
    const struct sx_run_fixed *fixed = state->fixed;
    struct sx_run_entry entry, last = {0};
    const char *at = NULL, *where = NULL;

    while (sx_run_next(state->variable, &at, &entry)) {
        if (where == NULL && goes_before(call, by, time_of(bytes), entry.bytes))
            where = entry.at;
        last = entry;
    }
    if (fixed->count >= fixed->most && !has_flag(call, FLAG_ALL)) {
        size_t before;

        if (where == NULL)
            return;
        before = (size_t)(where - state->variable.data);
        sx_run_remove(call, state, &last);
        where = state->variable.data + before;
    }
    sx_run_insert(call, state, where, bytes);
}

static void add(struct sx_call *call, struct sx_aggregate_state *state, const struct sx_value *args,
                uint32_t count)
{
    struct sx_slice rest;

    ((struct sx_run_fixed *)state->fixed)->most = args[ARG_COUNT].i;
    insert(call, state, args[ARG_BY], entry_of(call, args, &rest));
}

/* Of equal rows the one of that time goes, or else the last. */
static void retract(struct sx_call *call, struct sx_aggregate_state *state, const struct sx_value *args,
                    uint32_t count)
{
    struct sx_slice rest, bytes = entry_of(call, args, &rest);
    struct sx_run_entry entry, found = {0};
    const char *at = NULL;
    bool exact = false;

    while (!exact && sx_run_next(state->variable, &at, &entry)) {
        if (!sx_slice_equal(sx_slice(entry.bytes.data, entry.bytes.size - 8), rest))
            continue;
        found = entry;
        exact = sx_slice_equal(entry.bytes, bytes);
    }
    if (found.at != NULL)
        sx_run_remove(call, state, &found);
}

static void merge(struct sx_call *call, struct sx_aggregate_state *state,
                  const struct sx_aggregate_state *from)
{
    struct sx_run_fixed *fixed = state->fixed;
    struct sx_run_entry entry;
    const char *at = NULL, *value;
    struct sx_value by;

    fixed->most = SX_MAX(fixed->most, ((const struct sx_run_fixed *)from->fixed)->most);
    while (!call->failed && sx_run_next(from->variable, &at, &entry)) {
        value = entry.bytes.data;
        if (sx_value_read(&value, entry.bytes.data + entry.bytes.size, call->types[ARG_BY], &by, call->arena))
            insert(call, state, by, entry.bytes);
    }
}

static struct sx_value result_of(struct sx_call *call, const struct sx_aggregate_state *state)
{
    const struct sx_run_fixed *fixed = state->fixed;
    struct sx_value *rows = sx_arena_alloc(call->arena, sizeof(*rows) * ((size_t)fixed->most + 1)), by;
    struct sx_run_entry entry;
    const char *at = NULL;
    uint32_t count = 0;

    while (count < fixed->most && sx_run_next(state->variable, &at, &entry)) {
        const char *value = entry.bytes.data, *end = value + entry.bytes.size;

        if (sx_value_read(&value, end, call->types[ARG_BY], &by, call->arena) &&
            sx_value_read(&value, end, call->types[ARG_ROW], &rows[count], call->arena))
            count++;
    }
    return (struct sx_value){.items = rows, .size = count, .kind = SX_ARRAY};
}

/* ---- Plan ------------------------------------------------------------------------------------ */

struct top_plan {
    const struct sx_schema *schema;
    uint32_t key_count; /* of the groups; the rank follows */
    uint32_t value_count;
};

static const struct sx_program *program_of(struct sx_bind *b, const struct sx_expr *expr)
{
    const struct sx_program *program = NULL;
    streamd_error *error = NULL;

    if (sx_program_build(expr, NULL, 0, b->arena, &program, &error) != STREAMD_OK)
        sx_bind_fail(b, -1, NULL, "%s", streamd_error_message(error));
    streamd_error_free(error);
    return program;
}

static struct sx_expr *column_of(struct sx_bind *b, const struct sx_type *type, uint32_t column)
{
    struct sx_expr *expr = SX_ARENA_NEW(b->arena, struct sx_expr);

    *expr =
        (struct sx_expr){.op = SX_EXPR_COLUMN, .type = type, .column = column, .at = b->ops->position(b, -1)};
    return expr;
}

/* The row's value columns as a struct. */
static const struct sx_program *row_of(struct sx_bind *b, const struct sx_schema *schema,
                                       const struct sx_type **type)
{
    struct sx_type_field *fields = SX_ARENA_ARRAY(b->arena, struct sx_type_field, schema->count + 1);
    const struct sx_expr **columns = SX_ARENA_ARRAY(b->arena, const struct sx_expr *, schema->count + 1);
    struct sx_expr whole = {.op = SX_EXPR_STRUCT, .at = b->ops->position(b, -1), .args = columns};

    for (uint32_t c = 0; c < schema->count; c++) {
        if (schema->fields[c].role != SX_ROLE_VALUE)
            continue;
        for (uint32_t f = 0; f < whole.count; f++)
            if (strcmp(fields[f].name, schema->fields[c].name) == 0)
                sx_bind_fail(b, -1, "map the columns before it", "both sides of the join have a column `%s`",
                             fields[f].name);
        fields[whole.count] =
            (struct sx_type_field){.name = schema->fields[c].name, .type = schema->fields[c].type};
        columns[whole.count++] = column_of(b, schema->fields[c].type, c);
    }
    *type = whole.type = sx_type_struct(b->arena, fields, whole.count);
    return program_of(b, &whole);
}

/* { rows: the best } */
static const struct sx_aggregation *best_rows(struct sx_bind *b, const struct sx_flow *in, int64_t most)
{
    struct sx_aggregation *aggregation = SX_ARENA_NEW(b->arena, struct sx_aggregation);
    struct sx_aggregate_use *use = SX_ARENA_NEW(b->arena, struct sx_aggregate_use);
    struct sx_aggregate_def *def = SX_ARENA_NEW(b->arena, struct sx_aggregate_def);
    struct sx_named *output = SX_ARENA_NEW(b->arena, struct sx_named);
    struct sx_expr time = {.op = SX_EXPR_TIMESTAMP, .type = &sx_type_timestamp};
    struct sx_expr count = {.op = SX_EXPR_CONST, .type = &sx_type_int, .value = sx_value_int(most)};
    bool asc = sx_bind_given(b, ASC), all = in->schema->is_table;

    *def = (struct sx_aggregate_def){
        .signature = sx_arena_format(b->arena, "top(%lld%s)", (long long)most, asc ? ", ascending" : ""),
        .fixed_bytes = sizeof(struct sx_run_fixed),
        .variable = true,
        .arg = (void *)((asc ? (uintptr_t)FLAG_ASC : 0) | (all ? (uintptr_t)FLAG_ALL : 0)),
        .add = add,
        .retract = retract,
        .merge = merge,
        .result_of = result_of,
    };
    use->def = def;
    use->arg_count = 4;
    use->args[ARG_BY] = b->ops->expr(b, BY, NULL, &use->types[ARG_BY]);
    use->args[ARG_ROW] = row_of(b, in->schema, &use->types[ARG_ROW]);
    use->args[ARG_TIME] = program_of(b, &time);
    use->types[ARG_TIME] = time.type;
    use->args[ARG_COUNT] = program_of(b, &count);
    use->types[ARG_COUNT] = count.type;
    if (sx_bind_failed(b))
        return NULL;
    use->type = sx_type_array(b->arena, use->types[ARG_ROW]);
    *output = (struct sx_named){.name = "rows",
                                .type = use->type,
                                .program = program_of(b, column_of(b, use->type, in->group_count)),
                                .at = b->ops->position(b, -1)};
    *aggregation = (struct sx_aggregation){.uses = use, .use_count = 1, .outputs = output, .output_count = 1};
    return aggregation;
}

/* The group's columns and the rank, then those of the rows. */
static const struct sx_schema *ranked(struct sx_bind *b, const struct sx_schema *table,
                                      const struct sx_type *row)
{
    uint32_t keys = table->key_count;
    struct sx_field *fields = SX_ARENA_ARRAY(b->arena, struct sx_field, keys + row->field_count + 2);

    for (uint32_t k = 0; k < keys; k++)
        fields[k] = table->fields[k];
    fields[keys] =
        (struct sx_field){.name = "rank", .type = &sx_type_int, .role = SX_ROLE_KEY, .not_null = true};
    for (uint32_t f = 0; f < row->field_count; f++)
        fields[keys + 1 + f] = (struct sx_field){
            .name = row->fields[f].name, .type = row->fields[f].type, .role = SX_ROLE_VALUE};
    return sx_schema_of(b->arena, fields, keys + 1 + row->field_count, table);
}

static void bind(struct sx_bind *b)
{
    const struct sx_flow *in = sx_bind_input(b);
    int64_t most = b->ops->integer(b, COUNT);
    struct top_plan *plan = SX_ARENA_NEW(b->arena, struct top_plan);
    const struct sx_aggregation *aggregation;
    struct sx_node_plan *node;
    struct sx_flow *out;

    if (in->kind != SX_FLOW_GROUPS) {
        sx_bind_fail(b, -1, "write `| group by ...` before it", "`top` takes groups");
        return;
    }
    if (most < 1 || most > MOST_RANKS)
        sx_bind_fail(b, COUNT, NULL, "it must be from 1 to %d", MOST_RANKS);
    if (sx_bind_given(b, ASC) && sx_bind_given(b, DESC))
        sx_bind_fail(b, DESC, NULL, "it is either `asc` or `desc`");
    aggregation = best_rows(b, in, most);
    out = aggregation && !sx_bind_failed(b) ? sx_aggregate_bind(b, in, aggregation) : NULL;
    if (out == NULL)
        return;
    /* What was not among the best is not kept. */
    sx_store_keeps_also(b->plan->stores[out->node->stores[0]], b->arena, "ranks", "%lld %s", (long long)most,
                        sx_bind_given(b, ASC) ? "asc" : "desc");
    plan->key_count = out->schema->key_count;
    plan->schema = ranked(b, out->schema, aggregation->outputs[0].type->element);
    plan->value_count = plan->schema->value_count;
    node = sx_bind_node(b, out, "top", plan, plan->schema);
    node->reads[0] = sx_columns_all(b->arena, out->schema);
    node->wants_old = true;
    out->node = node;
    out->port = SX_PORT_ROWS;
    out->schema = plan->schema;
    /* Its rows are where their group is, not where their key with the rank says. */
    out->moved = true;
    out->view = NULL;
    b->result = out;
}

/* ---- Run ------------------------------------------------------------------------------------- */

/* Ranks that changed, waiting to be emitted as one batch. */
struct ranks {
    const struct top_plan *plan;
    struct sx_node *node;
    const struct sx_batch *cause;
    struct sx_batch now, before;
    int64_t *ts, *ts_before;
    uint64_t *gone, *absent;
    struct sx_window *windows;
    uint16_t *origin_row;
    uint32_t count;
};

static struct sx_column *columns_for(struct sx_node *node, const struct sx_schema *schema)
{
    struct sx_column *columns = SX_ARENA_ARRAY(node->arena, struct sx_column, schema->count + 1);

    for (uint32_t c = 0; c < schema->count; c++) {
        columns[c] = sx_column_new(node->arena, schema->fields[c].type, SX_BATCH_ROWS);
        sx_column_nulls(&columns[c], node->arena, SX_BATCH_ROWS);
    }
    return columns;
}

static void ranks_begin(struct ranks *r)
{
    struct sx_arena *arena = r->node->arena;

    r->now = (struct sx_batch){.schema = r->plan->schema, .origin = r->cause->origin};
    r->now.columns = columns_for(r->node, r->plan->schema);
    r->now.ts = r->ts = sx_arena_alloc(arena, sizeof(*r->ts) * SX_BATCH_ROWS);
    r->now.gone = r->gone = SX_ARENA_ARRAY(arena, uint64_t, SX_BITMAP_WORDS(SX_BATCH_ROWS));
    r->windows = sx_arena_alloc(arena, sizeof(*r->windows) * SX_BATCH_ROWS);
    r->now.windows = r->cause->windows ? r->windows : NULL;
    r->now.origin_row = r->origin_row = sx_arena_alloc(arena, sizeof(*r->origin_row) * SX_BATCH_ROWS);
    if (!r->node->plan->needs_old)
        return;
    r->before = r->now;
    r->before.columns = columns_for(r->node, r->plan->schema);
    r->before.ts = r->ts_before = sx_arena_alloc(arena, sizeof(*r->ts) * SX_BATCH_ROWS);
    r->before.gone = r->absent = SX_ARENA_ARRAY(arena, uint64_t, SX_BITMAP_WORDS(SX_BATCH_ROWS));
}

static void ranks_flush(struct ranks *r)
{
    if (r->count == 0)
        return;
    r->now.rows = r->now.count = r->before.rows = r->before.count = r->count;
    r->now.old = r->node->plan->needs_old ? &r->before : NULL;
    sx_node_emit(r->node, SX_PORT_ROWS, &r->now);
    r->count = 0;
}

static void set_row(const struct ranks *r, struct sx_column *columns, uint32_t at, uint32_t row,
                    uint32_t rank, const struct sx_value *value)
{
    uint32_t keys = r->plan->key_count;

    for (uint32_t k = 0; k < keys; k++)
        sx_column_set(&columns[k], at, sx_column_get(&r->cause->columns[k], row));
    sx_column_set(&columns[keys], at, sx_value_int(rank));
    for (uint32_t v = 0; v < r->plan->value_count; v++)
        sx_column_set(&columns[keys + 1 + v], at, value ? value->items[v] : SX_VALUE_NULL);
}

static void add_rank(struct ranks *r, uint32_t row, uint32_t rank, const struct sx_value *now,
                     const struct sx_value *before)
{
    uint32_t at;

    if (r->count == SX_BATCH_ROWS)
        ranks_flush(r);
    if (r->count == 0)
        ranks_begin(r);
    at = r->count++;
    r->ts[at] = r->cause->ts[row];
    if (r->cause->windows != NULL)
        r->windows[at] = r->cause->windows[row];
    r->origin_row[at] = r->cause->origin_row ? r->cause->origin_row[row] : (uint16_t)row;
    set_row(r, r->now.columns, at, row, rank, now);
    if (now == NULL)
        sx_bit_set(r->gone, at);
    if (!r->node->plan->needs_old)
        return;
    r->ts_before[at] = r->cause->old ? r->cause->old->ts[row] : r->ts[at];
    set_row(r, r->before.columns, at, row, rank, before);
    if (before == NULL)
        sx_bit_set(r->absent, at);
}

/* The group's rows; of a group that is not there none. */
static struct sx_value rows_of(const struct top_plan *plan, const struct sx_batch *batch, uint32_t row)
{
    struct sx_value none = {.kind = SX_ARRAY}, rows;

    if (batch == NULL || sx_batch_is_gone(batch, row))
        return none;
    rows = sx_column_get(&batch->columns[plan->key_count], row);
    return rows.kind == SX_ARRAY ? rows : none;
}

static void process(const void *p, void *s, struct sx_node *node, uint32_t input,
                    const struct sx_batch *batch)
{
    struct ranks ranks = {.plan = p, .node = node, .cause = batch};

    for (SX_EACH_ROW(batch, i, row)) {
        struct sx_value now = rows_of(p, batch, row), before = rows_of(p, batch->old, row);

        for (uint32_t rank = 0; rank < SX_MAX(now.size, before.size); rank++) {
            const struct sx_value *here = rank < now.size ? &now.items[rank] : NULL;
            const struct sx_value *there = rank < before.size ? &before.items[rank] : NULL;

            if (here == NULL || there == NULL || !sx_value_equal(*here, *there))
                add_rank(&ranks, row, rank + 1, here, there);
        }
    }
    ranks_flush(&ranks);
}

#define BID(KEY, USER, PRICE, TIME)                                                             \
    "{\"topic\":\"bids\",\"key\":\"" KEY "\",\"value\":{\"user\":\"" USER "\",\"price\":" PRICE \
    "},\"timestamp\":" TIME "}\n"
#define BEST(RANK, USER, PRICE, TIME)                                                           \
    "{\"topic\":\"best\",\"key\":{\"key\":\"a\",\"rank\":" RANK "},\"value\":{\"user\":\"" USER \
    "\",\"price\":" PRICE "},\"timestamp\":" TIME "}\n"

const struct sx_operator_def sx_operator_top = {
    .name = "top",
    .summary = "Keep the N best rows per group (and window), each under its rank.",
    .takes = "groups -> table",
    .clauses = clauses,
    .clause_count = SX_COUNT(clauses),
    .example = {.program =
                    "stream bids from topic \"bids\" { key string value json { user string, price int } }\n"
                    "table best = bids | group by key | top 2 by price\n"
                    "best | to topic \"best\"\n",
                .in = BID("a", "u1", "7", "1") BID("a", "u2", "9", "2") BID("a", "u3", "8", "3"),
                .out = BEST("1", "u1", "7", "1") BEST("1", "u2", "9", "2") BEST("2", "u1", "7", "2")
                    BEST("2", "u3", "8", "3")},
    .per_row = true,
    .bind = bind,
    .process = process,
};
