/* aggregation.c: `aggregate { name: expression over aggregates }`: calls of aggregates become columns
 * that the expressions read. */
#include "dsl/check_call.h"
#include "dsl/check_decimal.h"

/* The overload of an aggregate for these argument types; *signatures: those of that name, NULL if there
 * is none. */
static const struct sx_aggregate_def *choose(struct sx_compiler *c, const char *name,
                                             const struct sx_type **types, uint32_t count,
                                             const struct sx_type **result, const struct sx_type **wanted,
                                             const char **signatures)
{
    struct sx_buffer all = {0};
    const struct sx_aggregate_def *best = NULL;
    uint32_t best_cost = UINT32_MAX;

    for (uint32_t t = 0; t < c->catalog->aggregate_table_count; t++)
        for (uint32_t r = 0; r < c->catalog->aggregates[t]->count; r++) {
            const struct sx_aggregate_def *row = &c->catalog->aggregates[t]->rows[r];
            const struct sx_signature *s = sx_signature_of(c, row->signature);
            const struct sx_type *to[8] = {0}, *gives;
            uint32_t cost;

            if (strcmp(s->name, name) != 0)
                continue;
            sx_buffer_printf(&all, "%s%s", all.size ? ", or " : "it is ", row->signature);
            if (types != NULL && sx_signature_match(s, types, count, c->arena, &gives, to, &cost) &&
                cost < best_cost) {
                best = row;
                best_cost = cost;
                *result = gives;
                memcpy(wanted, to, sizeof(*wanted) * count);
            }
        }
    *signatures = all.size ? sx_arena_strndup(c->arena, all.data, all.size) : NULL;
    sx_buffer_free(&all);
    return best;
}

static const struct sx_expr *result_column(const struct sx_scope *s, const struct sx_ast *ast,
                                           const struct sx_aggregate_use *use, uint32_t number)
{
    struct sx_expr *expr = sx_expr_new(s->c, SX_EXPR_COLUMN, use->type, ast->at, 0);

    expr->column = s->group_count + number;
    return expr;
}

static struct sx_aggregate_use *add_use(const struct sx_scope *s)
{
    struct sx_uses *uses = s->uses;

    if ((uses->count & (uses->count - 1)) == 0) {
        struct sx_aggregate_use *more =
            SX_ARENA_ARRAY(s->c->arena, struct sx_aggregate_use, uses->count ? uses->count * 2 : 1);
        if (uses->count)
            memcpy(more, uses->items, sizeof(*more) * uses->count);
        uses->items = more;
    }
    return &uses->items[uses->count++];
}

/* A type that is known in all its parts? */
static bool is_known(const struct sx_type *type)
{
    bool known = type->kind != SX_NULL;

    if (type->kind == SX_ARRAY || type->kind == SX_MAP)
        known = is_known(type->element);
    for (uint32_t i = 0; type->kind == SX_STRUCT && i < type->field_count; i++)
        known &= is_known(type->fields[i].type);
    return known;
}

bool sx_check_typed(const struct sx_scope *s, const struct sx_expr *expr)
{
    if (is_known(expr->type))
        return true;
    for (uint32_t i = 0; expr->op == SX_EXPR_STRUCT && i < expr->count; i++)
        if (!sx_check_typed(s, expr->args[i]))
            return false;
    sx_mistake(s->c, expr->at, STREAMD_E_TYPE,
               expr->type->kind == SX_ARRAY ? "write `cast([] as array<string>)`"
               : expr->type->kind == SX_MAP ? "write `cast(map {} as map<string>)`"
                                            : "write `cast(null as string)`",
               "the type of `%s` is not known",
               expr->type->kind == SX_ARRAY ? "[]"
               : expr->type->kind == SX_MAP ? "map {}"
                                            : "null");
    return false;
}

/* fold(initial, EXPR): the type is that of `initial`; EXPR sees `acc`. */
static const struct sx_expr *check_fold(const struct sx_scope *s, const struct sx_ast *ast,
                                        const struct sx_scope *rows)
{
    struct sx_binding acc = {.name = "acc"};
    struct sx_scope step = *rows, none = {.c = s->c};
    struct sx_value value;
    const struct sx_expr *initial, *next;
    struct sx_expr *variable;
    struct sx_aggregate_use *use;

    if (ast->count != 2) {
        sx_mistake(s->c, ast->at, STREAMD_E_TYPE, NULL,
                   "`fold` takes an initial value and an expression over `acc`");
        return NULL;
    }
    initial = sx_check(&none, ast->args[0], NULL);
    if (initial != NULL)
        initial = sx_check_roomy(s->c, initial);
    if (initial == NULL || !sx_constant_of(s->c, initial, &value) || !sx_check_typed(s, initial))
        return NULL;
    variable = sx_expr_new(s->c, SX_EXPR_VARIABLE, initial->type, ast->args[0]->at, 0);
    acc.expr = variable;
    step.bindings = &acc;
    next = sx_check_like(&step, ast->args[1], initial->type);
    if (next == NULL)
        return NULL;
    use = add_use(s);
    use->type = initial->type;
    use->types[0] = initial->type;
    use->arg_count = 1;
    use->args[0] = sx_build(s->c, initial, NULL, 0);
    use->step = sx_build(s->c, next, &initial->type, 1);
    if (ast->where != NULL)
        use->where = sx_check_program(rows, ast->where, &sx_type_bool, NULL);
    return result_column(s, ast, use, s->uses->count - 1);
}

const struct sx_expr *sx_check_aggregate(const struct sx_scope *s, const struct sx_ast *ast, bool *is_one)
{
    struct sx_scope rows = {.c = s->c, .schema = s->uses ? s->uses->rows : NULL, .inside_aggregate = true};
    const struct sx_expr *exprs[8];
    const struct sx_type *types[8], *wanted[8], *result = NULL;
    const struct sx_aggregate_def *def;
    const char *signature;
    struct sx_aggregate_use *use;
    bool fold = strcmp(ast->text, "fold") == 0;

    choose(s->c, ast->text, NULL, 0, &result, wanted, &signature);
    *is_one = signature != NULL || fold;
    if (!*is_one)
        return NULL;
    /* Some names are both. Where no aggregate can stand it is the function. */
    if (s->uses == NULL) {
        const struct sx_function_table *const *tables = s->c->catalog->functions;
        for (uint32_t t = 0; t < s->c->catalog->function_table_count; t++)
            for (uint32_t r = 0; r < tables[t]->count; r++)
                if (tables[t]->rows[r].over == SX_OVER_NOTHING &&
                    strcmp(sx_signature_of(s->c, tables[t]->rows[r].signature)->name, ast->text) == 0) {
                    *is_one = false;
                    return NULL;
                }
    }
    if (s->uses == NULL) {
        const char *by_lambda = sx_lambda_signatures(s->c, ast->text);

        sx_mistake(s->c, ast->at, STREAMD_E_TYPE,
                   by_lambda ? sx_arena_format(s->c->arena, "over an array or a map %s", by_lambda)
                   : s->inside_aggregate ? NULL
                                         : "write `| group by ... | aggregate { name: ... }`",
                   s->inside_aggregate ? "`%s` stands inside another aggregate"
                                       : "`%s` is an aggregate and stands in `aggregate` only",
                   ast->text);
        return NULL;
    }
    if (fold)
        return check_fold(s, ast, &rows);
    if (ast->count > 4) {
        sx_mistake(s->c, ast->at, STREAMD_E_TYPE, signature, "`%s` does not take %u arguments", ast->text,
                   ast->count);
        return NULL;
    }
    for (uint32_t i = 0; i < ast->count; i++) {
        exprs[i] = sx_check(&rows, ast->args[i], NULL);
        if (exprs[i] == NULL)
            return NULL;
        types[i] = exprs[i]->type;
    }
    def = choose(s->c, ast->text, types, ast->count, &result, wanted, &signature);
    if (def == NULL) {
        struct sx_buffer text = {0};

        for (uint32_t i = 0; i < ast->count; i++) {
            sx_buffer_add_text(&text, i ? ", " : "");
            sx_type_print(types[i], &text);
        }
        sx_buffer_add_byte(&text, '\0');
        sx_mistake(s->c, ast->at, STREAMD_E_TYPE, signature, "the aggregate `%s` does not take (%s)",
                   ast->text, text.data);
        sx_buffer_free(&text);
        return NULL;
    }
    use = add_use(s);
    use->def = def;
    use->type = result;
    use->arg_count = ast->count;
    for (uint32_t i = 0; i < ast->count; i++) {
        const struct sx_expr *fitted = wanted[i] ? sx_fit(s->c, exprs[i], wanted[i]) : exprs[i];

        use->types[i] = fitted ? fitted->type : types[i];
        use->args[i] = sx_build(s->c, fitted ? fitted : exprs[i], NULL, 0);
    }
    if (ast->where != NULL)
        use->where = sx_check_program(&rows, ast->where, &sx_type_bool, NULL);
    return result_column(s, ast, use, s->uses->count - 1);
}

/* The schema that output expressions see: the group columns only; results are made columns above. */
static const struct sx_schema *group_schema(struct sx_compiler *c, const struct sx_flow *groups)
{
    struct sx_schema *schema = SX_ARENA_NEW(c->arena, struct sx_schema);
    struct sx_field *fields = SX_ARENA_ARRAY(c->arena, struct sx_field, groups->group_count + 1);

    for (uint32_t i = 0; i < groups->group_count; i++)
        fields[i] = (struct sx_field){
            .name = groups->groups[i].name, .type = groups->groups[i].type, .role = SX_ROLE_KEY};
    schema->fields = fields;
    schema->count = schema->key_count = groups->group_count;
    schema->windowed = groups->window != NULL;
    schema->is_table = true;
    return schema;
}

const struct sx_aggregation *sx_compile_aggregation(struct sx_compiler *c, const struct sx_ast_clause *clause,
                                                    const struct sx_flow *groups, struct sx_position at)
{
    struct sx_aggregation *a = SX_ARENA_NEW(c->arena, struct sx_aggregation);
    struct sx_named *outputs = SX_ARENA_ARRAY(c->arena, struct sx_named, clause->count + 1);
    struct sx_uses uses = {.rows = groups->schema};
    struct sx_scope scope = {
        .c = c, .schema = group_schema(c, groups), .uses = &uses, .group_count = groups->group_count};
    bool ok = true;

    for (uint32_t i = 0; i < clause->count; i++) {
        const struct sx_ast_item *item = &clause->items[i];
        const struct sx_expr *expr;

        if (item->name == NULL) {
            sx_mistake(c, item->at, STREAMD_E_SYNTAX, "write `name: expression`",
                       "an aggregate needs a name");
            ok = false;
        }
        for (uint32_t j = 0; j < i && item->name != NULL; j++)
            if (outputs[j].name != NULL && strcmp(outputs[j].name, item->name) == 0) {
                sx_mistake(c, item->at, STREAMD_E_NAME, NULL, "the column `%s` is there twice", item->name);
                ok = false;
            }
        outputs[i].name = item->name;
        outputs[i].at = item->at;
        expr = sx_check(&scope, item->expr, NULL);
        if (expr == NULL) {
            ok = false;
            continue;
        }
        if (expr->type->kind == SX_NULL) {
            sx_mistake(c, item->at, STREAMD_E_TYPE, "write `cast(null as string)`",
                       "the type of `%s` is not known", item->name ? item->name : "this");
            ok = false;
            continue;
        }
        outputs[i].type = expr->type;
        outputs[i].program = sx_build(c, expr, NULL, 0);
        ok &= outputs[i].program != NULL;
    }
    if (groups->window == NULL && !groups->schema->is_table)
        sx_warn(c, at, "put `| window ...` before it, if old groups may go",
                "without a window this keeps every group for ever");
    if (clause->count == 0) {
        sx_mistake(c, clause->at, STREAMD_E_SYNTAX, "write `{ name: count() }`", "there is no aggregate");
        ok = false;
    }
    a->uses = uses.items;
    a->use_count = uses.count;
    a->outputs = outputs;
    a->output_count = clause->count;
    return ok ? a : NULL;
}
