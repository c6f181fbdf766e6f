/* bind.c: the bind face: how the bind function of an operator sees its clauses. */
#include "dsl/check.h"

#include "engine/base/text.h"

struct binding {
    struct sx_bind bind; /* first */
    struct sx_compiler *c;
    const struct sx_ast_stage *stage;
    const struct sx_flow *input;
    uint32_t errors_before;
    bool broken; /* something in it has mistakes, though perhaps none were reported here */
};

#define SELF(b) ((struct binding *)(b))

static const struct sx_ast_clause *clause_of(struct sx_bind *b, uint32_t clause)
{
    return &SELF(b)->stage->clauses[clause];
}

static const struct sx_flow *input(struct sx_bind *b) { return SELF(b)->input; }
static bool given(struct sx_bind *b, uint32_t clause) { return clause_of(b, clause)->given; }
static bool failed(struct sx_bind *b)
{
    return SELF(b)->broken || SELF(b)->c->errors.error_count > SELF(b)->errors_before;
}

static struct sx_position position(struct sx_bind *b, int clause)
{
    const struct sx_ast_clause *c = clause < 0 ? NULL : clause_of(b, (uint32_t)clause);

    if (c == NULL || !c->given)
        return SELF(b)->stage->at;
    return c->expr ? c->expr->at : c->at;
}

static void fail(struct sx_bind *b, int clause, const char *hint, const char *message)
{
    sx_mistake(SELF(b)->c, position(b, clause), STREAMD_E_TYPE, hint, "%s", message);
}

static void not_yet(struct sx_bind *b, int clause, const char *what)
{
    sx_mistake(SELF(b)->c, position(b, clause), STREAMD_E_SYNTAX, NULL, "%s is not yet supported", what);
}

static void warn(struct sx_bind *b, int clause, const char *hint, const char *message)
{
    sx_warn(SELF(b)->c, position(b, clause), hint, "%s", message);
}

/* A literal or a param, as an int64: ints, durations. */
static int64_t integer(struct sx_bind *b, uint32_t clause)
{
    const struct sx_ast_clause *c = clause_of(b, clause);
    struct sx_scope none = {.c = SELF(b)->c};
    bool duration = SELF(b)->stage->op->clauses[clause].kind == SX_CLAUSE_DURATION;
    struct sx_value value;

    if (c->expr == NULL ||
        !sx_check_constant(&none, c->expr, duration ? &sx_type_duration : &sx_type_int, &value)) {
        SELF(b)->broken = true;
        return 1;
    }
    if (value.kind == SX_NULL)
        sx_mistake(SELF(b)->c, c->expr->at, STREAMD_E_TYPE, NULL, "this is null, and must not be");
    return value.kind == SX_NULL ? 1 : value.i;
}

static const char *text(struct sx_bind *b, uint32_t clause)
{
    const struct sx_ast_clause *c = clause_of(b, clause);
    enum sx_clause_kind kind = SELF(b)->stage->op->clauses[clause].kind;
    struct sx_scope none = {.c = SELF(b)->c};
    struct sx_value value;

    if (c->expr == NULL)
        return "";
    if (kind == SX_CLAUSE_NAME || kind == SX_CLAUSE_FLOW)
        return c->expr->text;
    if (!sx_check_constant(&none, c->expr, &sx_type_string, &value)) {
        SELF(b)->broken = true;
        return "";
    }
    if (value.kind != SX_STRING) {
        sx_mistake(SELF(b)->c, c->expr->at, STREAMD_E_TYPE, NULL, "this is null, and must not be");
        return "";
    }
    return sx_arena_strndup(b->arena, value.s, value.size);
}

static uint32_t flow_count(struct sx_bind *b, uint32_t clause)
{
    return SELF(b)->stage->op->clauses[clause].kind == SX_CLAUSE_FLOW ? 1 : clause_of(b, clause)->count;
}

static const struct sx_flow *flow(struct sx_bind *b, uint32_t clause, uint32_t number)
{
    const struct sx_ast_clause *c = clause_of(b, clause);
    const struct sx_flow *found;

    if (SELF(b)->stage->op->clauses[clause].kind == SX_CLAUSE_FLOW)
        found = c->expr ? sx_find_flow(SELF(b)->c, c->expr->text, c->expr->at) : NULL;
    else
        found = sx_find_flow(SELF(b)->c, c->items[number].name, c->items[number].at);
    SELF(b)->broken |= found == NULL;
    return found;
}

static struct sx_scope scope_of(struct sx_bind *b)
{
    return (struct sx_scope){.c = SELF(b)->c, .schema = SELF(b)->input->schema};
}

/* Does the condition ask about null, or put something in its place? */
static bool minds_null(const struct sx_ast *ast)
{
    bool found = ast->kind == SX_AST_IS_NULL || (ast->kind == SX_AST_BINARY && strcmp(ast->text, "??") == 0);

    for (uint32_t i = 0; i < ast->count && !found; i++)
        found = minds_null(ast->args[i]);
    return found;
}

/* `x != "a"` is null for a null x, so a filter leaves such rows out, which surprises. */
static void warn_of_null(struct sx_bind *b, const struct sx_ast *ast)
{
    const struct sx_schema *schema = SELF(b)->input->schema;
    const struct sx_ast *left = ast->count ? ast->args[0] : NULL;
    bool differs =
        (ast->kind == SX_AST_BINARY && strcmp(ast->text, "!=") == 0 && ast->args[1]->kind != SX_AST_NULL) ||
        ((ast->kind == SX_AST_IN || ast->kind == SX_AST_LIKE) && ast->negated);
    bool ambiguous;
    int column = -1;

    if (differs && left->kind == SX_AST_NAME)
        column = sx_schema_find(schema, SX_SLICE_NONE, sx_slice_of(left->text), &ambiguous);
    if (column >= 0 && schema->fields[column].role == SX_ROLE_VALUE && !schema->fields[column].not_null)
        sx_warn(SELF(b)->c, ast->at,
                sx_arena_format(b->arena, "add `or %s is null`, or declare the field `not null`", left->text),
                "rows in which `%s` is null are left out too", left->text);
    for (uint32_t i = 0; i < ast->count && (ast->kind == SX_AST_BINARY || ast->kind == SX_AST_NOT); i++)
        warn_of_null(b, ast->args[i]);
}

static const struct sx_program *expr(struct sx_bind *b, uint32_t clause, const struct sx_type *wanted,
                                     const struct sx_type **type)
{
    struct sx_scope scope = scope_of(b);
    const struct sx_ast_clause *c = clause_of(b, clause);

    const struct sx_program *program;

    if (c->expr == NULL)
        return NULL;
    if (wanted == &sx_type_bool && !minds_null(c->expr))
        warn_of_null(b, c->expr);
    program = sx_check_program(&scope, c->expr, wanted, type);
    SELF(b)->broken |= program == NULL;
    return program;
}

/* ---- Lists of named expressions -------------------------------------------------------------- */

struct named_list {
    struct sx_named *items;
    uint32_t count, room;
};

static struct sx_named *push(struct sx_bind *b, struct named_list *list)
{
    if (list->count == SX_FIELDS_MAX)
        sx_mistake(SELF(b)->c, SELF(b)->stage->at, STREAMD_E_SYNTAX, NULL, "there are more than %d columns",
                   SX_FIELDS_MAX);
    if (list->count == list->room) {
        uint32_t room = list->room ? list->room * 2 : 8;
        struct sx_named *items = SX_ARENA_ARRAY(b->arena, struct sx_named, room);

        if (list->count)
            memcpy(items, list->items, sizeof(*items) * list->count);
        list->items = items;
        list->room = room;
    }
    return &list->items[list->count++];
}

static void add_column(struct sx_bind *b, struct named_list *list, uint32_t column, struct sx_position at)
{
    const struct sx_field *field = &SELF(b)->input->schema->fields[column];
    struct sx_expr *expr_column = sx_expr_new(SELF(b)->c, SX_EXPR_COLUMN, field->type, at, 0);
    struct sx_named *item = push(b, list);

    expr_column->column = column;
    item->name = field->name;
    item->type = field->type;
    item->at = at;
    sx_program_build(expr_column, NULL, 0, b->arena, &item->program, NULL);
}

const char *sx_own_name(const struct sx_ast *ast)
{
    if (ast->kind == SX_AST_NAME)
        return ast->text;
    if (ast->kind == SX_AST_FIELD) {
        if (ast->args[0]->kind == SX_AST_NAME && strcmp(ast->args[0]->text, "window") == 0)
            return strcmp(ast->text, "start") == 0 ? "window_start"
                   : strcmp(ast->text, "end") == 0 ? "window_end"
                                                   : ast->text;
        return ast->text;
    }
    return NULL;
}

static bool add_expr(struct sx_bind *b, struct named_list *list, const struct sx_ast_item *item,
                     const char *name)
{
    struct sx_scope scope = scope_of(b);
    const struct sx_type *type = NULL;
    const struct sx_program *program = sx_check_program(&scope, item->expr, NULL, &type);
    struct sx_named *named = push(b, list);

    named->name = name;
    named->program = program;
    named->type = type;
    named->at = item->at;
    SELF(b)->broken |= program == NULL;
    if (program == NULL)
        return false;
    if (type->kind == SX_NULL) {
        sx_mistake(SELF(b)->c, item->at, STREAMD_E_TYPE, "write `cast(null as string)`",
                   "the type of `%s` is not known", name ? name : "null");
        return false;
    }
    return true;
}

static bool is_excepted(const struct sx_ast_item *item, const char *name)
{
    for (uint32_t i = 0; i < item->except_count; i++)
        if (strcmp(item->except[i], name) == 0)
            return true;
    return false;
}

/* `*`, `NAME.*`, `* except (c)`: value columns. */
static void add_star(struct sx_bind *b, struct named_list *list, const struct sx_ast_item *item)
{
    const struct sx_schema *schema = SELF(b)->input->schema;
    const char *qualifier = item->expr->text;
    uint32_t added = 0;
    bool ambiguous;

    for (uint32_t c = 0; c < schema->count; c++) {
        const struct sx_field *field = &schema->fields[c];

        if (field->role != SX_ROLE_VALUE || is_excepted(item, field->name) ||
            (qualifier != NULL && (field->qualifier == NULL || strcmp(field->qualifier, qualifier) != 0)))
            continue;
        add_column(b, list, c, item->at);
        added++;
    }
    if (added == 0 && qualifier != NULL)
        sx_mistake(SELF(b)->c, item->at, STREAMD_E_NAME,
                   "names of streams end at the next `map` or `aggregate`", "no column is `%s`'s here",
                   qualifier);
    for (uint32_t i = 0; i < item->except_count; i++)
        if (sx_schema_find(schema, SX_SLICE_NONE, sx_slice_of(item->except[i]), &ambiguous) < 0)
            sx_mistake(SELF(b)->c, item->at, STREAMD_E_NAME, NULL, "there is no column `%s`",
                       item->except[i]);
}

static void check_doubles(struct sx_bind *b, const struct named_list *list)
{
    for (uint32_t i = 0; i < list->count; i++)
        for (uint32_t j = 0; j < i; j++)
            if (list->items[i].name && list->items[j].name &&
                strcmp(list->items[i].name, list->items[j].name) == 0)
                sx_mistake(SELF(b)->c, list->items[i].at, STREAMD_E_NAME,
                           "name one of them otherwise: `name: expression`", "the column `%s` is there twice",
                           list->items[i].name);
}

/* `group by key`: the record's key, whatever it is called. */
static bool is_record_key(struct sx_bind *b, const struct sx_ast_clause *c)
{
    const struct sx_schema *schema = SELF(b)->input->schema;
    bool ambiguous;
    int column = sx_schema_find(schema, SX_SLICE_NONE, SX_SLICE("key"), &ambiguous);

    return c->count == 1 && c->items[0].name == NULL && c->items[0].expr->kind == SX_AST_NAME &&
           !c->items[0].expr->quoted && strcmp(c->items[0].expr->text, "key") == 0 && schema->key_count > 0 &&
           (column < 0 || schema->fields[column].role != SX_ROLE_VALUE);
}

static void add_exprs(struct sx_bind *b, struct named_list *list, const struct sx_ast_clause *c)
{
    uint32_t unnamed = 0;

    if (is_record_key(b, c)) {
        for (uint32_t k = 0; k < SELF(b)->input->schema->key_count; k++)
            add_column(b, list, k, c->items[0].at);
        return;
    }
    for (uint32_t i = 0; i < c->count; i++) {
        const char *name = c->items[i].name ? c->items[i].name : sx_own_name(c->items[i].expr);

        if (name == NULL && unnamed++ == 0 && c->count == 1)
            name = "key";
        if (name == NULL) {
            sx_mistake(SELF(b)->c, c->items[i].at, STREAMD_E_NAME, "write `name: expression`",
                       "one of several needs a name");
            name = "";
        }
        add_expr(b, list, &c->items[i], name);
    }
}

static uint32_t named(struct sx_bind *b, uint32_t clause, const struct sx_named **items)
{
    const struct sx_ast_clause *c = clause_of(b, clause);
    struct named_list list = {0};

    switch (SELF(b)->stage->op->clauses[clause].kind) {
    case SX_CLAUSE_PROJECTION:
        for (uint32_t i = 0; i < c->count; i++) {
            const char *name = c->items[i].name ? c->items[i].name : sx_own_name(c->items[i].expr);

            if (c->items[i].expr->kind == SX_AST_STAR) {
                add_star(b, &list, &c->items[i]);
                continue;
            }
            if (name == NULL && c->items[i].expr->kind != SX_AST_ERROR)
                sx_mistake(SELF(b)->c, c->items[i].at, STREAMD_E_NAME, "write `name: expression`",
                           "the column needs a name");
            add_expr(b, &list, &c->items[i], name ? name : "");
        }
        if (list.count == 0 && !failed(b))
            sx_mistake(SELF(b)->c, c->at, STREAMD_E_SYNTAX, NULL, "there is no column");
        break;
    case SX_CLAUSE_ALIASED:
        for (uint32_t i = 0; i < c->count; i++)
            add_expr(b, &list, &c->items[i], c->items[i].name);
        break;
    case SX_CLAUSE_ARGUMENTS:
        for (uint32_t i = 0; i < c->count; i++) {
            add_expr(b, &list, &c->items[i], NULL);
            if (c->items[i].name != NULL)
                sx_mistake(SELF(b)->c, c->items[i].at, STREAMD_E_SYNTAX, NULL, "an argument has no name");
        }
        break;
    default:
        add_exprs(b, &list, c);
    }
    check_doubles(b, &list);
    *items = list.items;
    return failed(b) ? 0 : list.count;
}

static uint32_t cases(struct sx_bind *b, uint32_t clause, const struct sx_named **whens)
{
    const struct sx_ast_clause *c = clause_of(b, clause);
    struct sx_named *items = SX_ARENA_ARRAY(b->arena, struct sx_named, c->count + 1);
    struct sx_scope scope = scope_of(b);

    for (uint32_t i = 0; i < c->count; i++) {
        items[i].name = c->items[i].name;
        items[i].at = c->items[i].at;
        if (c->items[i].expr != NULL)
            SELF(b)->broken |=
                (items[i].program = sx_check_program(&scope, c->items[i].expr, &sx_type_bool, NULL)) == NULL;
    }
    if (c->count == 0)
        sx_mistake(SELF(b)->c, c->at, STREAMD_E_SYNTAX, "write `when EXPR -> name`", "there is no case");
    *whens = items;
    return c->count;
}

static const struct sx_aggregation *aggregation(struct sx_bind *b, uint32_t clause)
{
    const struct sx_aggregation *made =
        sx_compile_aggregation(SELF(b)->c, clause_of(b, clause), SELF(b)->input, SELF(b)->stage->at);

    SELF(b)->broken |= made == NULL;
    return made;
}

/* ---- Clauses of their own -------------------------------------------------------------------- */

static bool on(struct sx_bind *b, uint32_t clause, const struct sx_flow *left, const struct sx_flow *right,
               const char *alias, const struct sx_named **lefts, const struct sx_named **rights,
               uint32_t *count)
{
    const struct sx_ast *expr = clause_of(b, clause)->expr;
    bool ok = expr != NULL && (right->kind == SX_FLOW_STREAM ? sx_compile_on_streams : sx_compile_on_table)(
                                  SELF(b)->c, expr, left, right, alias, lefts, rights, count);

    SELF(b)->broken |= !ok;
    return ok;
}

static const struct sx_body *body(struct sx_bind *b, int clause, const struct sx_flow *of)
{
    const struct sx_body *made = sx_compile_body(
        SELF(b)->c, clause < 0 ? NULL : clause_of(b, (uint32_t)clause)->body, of, position(b, clause));

    SELF(b)->broken |= made == NULL;
    return made;
}

static const struct sx_bind_ops ops = {
    .input = input,
    .given = given,
    .position = position,
    .integer = integer,
    .text = text,
    .flow = flow,
    .flow_count = flow_count,
    .expr = expr,
    .named = named,
    .aggregation = aggregation,
    .on = on,
    .body = body,
    .cases = cases,
    .fail = fail,
    .not_yet = not_yet,
    .warn = warn,
    .failed = failed,
};

const struct sx_flow *sx_bind_stage(struct sx_compiler *c, const struct sx_ast_stage *stage,
                                    const struct sx_flow *in, const char *definition, bool is_named,
                                    bool *is_failed, const struct sx_named_flow **results,
                                    uint32_t *result_count)
{
    struct binding b = {
        .bind = {.ops = &ops,
                 .catalog = c->catalog,
                 .plan = c->plan,
                 .arena = c->arena,
                 .op = stage->op,
                 .definition = definition,
                 .named = is_named},
        .c = c,
        .stage = stage,
        .input = in,
        .errors_before = c->errors.error_count,
    };

    b.broken = !sx_find_flows(c, stage);
    stage->op->bind(&b.bind);
    *is_failed = failed(&b.bind);
    *results = b.bind.results;
    *result_count = b.bind.result_count;
    if (*is_failed || b.bind.result == NULL)
        return NULL;
    return b.bind.result;
}
