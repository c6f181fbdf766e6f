/* check_lambda.c: calls of functions that take lambdas: which row it is, what the lambdas' parameters are,
 * and what comes of it. */
#include "dsl/check_call.h"
#include "dsl/check_decimal.h"

static const struct sx_ast *first_lambda(const struct sx_ast *call)
{
    for (uint32_t i = 0; i < call->count; i++)
        if (call->args[i]->kind == SX_AST_LAMBDA)
            return call->args[i];
    return NULL;
}

bool sx_has_lambda(const struct sx_ast *call) { return first_lambda(call) != NULL; }

/* The rows of a name that take lambdas, or of all names: `next` counts on through them. NULL: no more. */
static const struct sx_function_def *next_row(struct sx_compiler *c, const char *name, uint32_t *next)
{
    uint32_t number = 0;

    for (uint32_t t = 0; t < c->catalog->function_table_count; t++)
        for (uint32_t r = 0; r < c->catalog->functions[t]->count; r++) {
            const struct sx_function_def *row = &c->catalog->functions[t]->rows[r];

            if (number++ < *next || row->over == SX_OVER_NOTHING)
                continue;
            if (name != NULL && strcmp(sx_signature_of(c, row->signature)->name, name) != 0)
                continue;
            *next = number;
            return row;
        }
    return NULL;
}

static const char *text_of(struct sx_compiler *c, struct sx_buffer *buffer)
{
    const char *copy = buffer->size ? sx_arena_strndup(c->arena, buffer->data, buffer->size) : NULL;

    sx_buffer_free(buffer);
    return copy;
}

const char *sx_lambda_signatures(struct sx_compiler *c, const char *name)
{
    const struct sx_function_def *row;
    struct sx_buffer all = {0};

    for (uint32_t next = 0; (row = next_row(c, name, &next)) != NULL;)
        sx_buffer_printf(&all, "%s%s", all.size ? ", or " : "it is ", row->signature);
    return text_of(c, &all);
}

/* A lambda where none is taken. */
static void misplaced(const struct sx_scope *s, const struct sx_ast *lambda, const char *function)
{
    const struct sx_function_def *row;
    struct sx_buffer all = {0};
    const char *last = "";

    for (uint32_t next = 0; (row = next_row(s->c, NULL, &next)) != NULL;) {
        const char *name = sx_signature_of(s->c, row->signature)->name;

        if (strcmp(name, last) != 0)
            sx_buffer_printf(&all, "%s`%s`", all.size ? ", " : "lambdas are arguments of ", name);
        last = name;
    }
    sx_mistake(s->c, lambda->at, STREAMD_E_TYPE, text_of(s->c, &all), "`%s` takes no lambda", function);
}

const struct sx_expr *sx_refuse_lambda(const struct sx_scope *s, const struct sx_ast *call)
{
    misplaced(s, first_lambda(call), call->text);
    return NULL;
}

/* ---- Which row --------------------------------------------------------------------------------- */

/* Do the values stand where the row has them, and fit? */
static bool row_fits(struct sx_compiler *c, const struct sx_function_def *row, const struct sx_ast *ast,
                     const struct sx_expr *const *exprs, struct sx_letters *letters)
{
    const struct sx_signature *signature = sx_signature_of(c, row->signature);

    *letters = (struct sx_letters){.arena = c->arena};
    if (ast->count != signature->count)
        return false;
    for (uint32_t i = 0; i < ast->count; i++)
        if (signature->parameters[i].is_lambda != (ast->args[i]->kind == SX_AST_LAMBDA) ||
            (exprs[i] != NULL && !sx_letters_take(letters, signature->parameters[i].type, exprs[i]->type)))
            return false;
    return true;
}

static const char *arguments_text(struct sx_compiler *c, const struct sx_ast *ast,
                                  const struct sx_expr *const *exprs)
{
    struct sx_buffer text = {0};

    for (uint32_t i = 0; i < ast->count; i++) {
        sx_buffer_add_text(&text, i ? ", " : "");
        if (exprs[i] != NULL)
            sx_type_print(exprs[i]->type, &text);
        else
            sx_buffer_add_text(&text, "a lambda");
    }
    return text_of(c, &text);
}

/* ---- A lambda ---------------------------------------------------------------------------------- */

static void warn_if_it_hides(const struct sx_scope *s, const char *name, struct sx_position at)
{
    const char *hidden = NULL;
    bool ambiguous;

    if (sx_map_get(&s->c->params, sx_slice_of(name)) != NULL)
        hidden = "param";
    if (s->schema != NULL && sx_schema_find(s->schema, SX_SLICE_NONE, sx_slice_of(name), &ambiguous) >= 0)
        hidden = "column";
    for (const struct sx_binding *b = s->bindings; b != NULL; b = b->next)
        if (strcmp(b->name, name) == 0)
            hidden = "parameter";
    if (hidden != NULL)
        sx_warn(s->c, at, "rename the lambda's parameter", "the parameter `%s` hides the %s of that name",
                name, hidden);
}

/* `x`, or `(acc, x)` */
static const char *head_of(struct sx_compiler *c, const struct sx_parameter *lambda)
{
    struct sx_buffer text = {0};

    for (uint32_t i = 0; i < lambda->take_count; i++)
        sx_buffer_printf(&text, "%s%s", i ? ", " : "", lambda->takes[i].name);
    return sx_arena_format(c->arena, lambda->take_count == 1 ? "%s" : "(%s)", text_of(c, &text));
}

/* The parameters as names of the body; false: mistakes. */
static bool bind_parameters(const struct sx_scope *s, const struct sx_ast *ast, const char *function,
                            const struct sx_parameter *lambda, struct sx_letters *letters,
                            struct sx_binding *bindings)
{
    const uint32_t count = lambda->take_count;

    if (ast->size != count) {
        sx_mistake(s->c, ast->at, STREAMD_E_TYPE,
                   sx_arena_format(s->c->arena, "write `%s -> ...`", head_of(s->c, lambda)),
                   "this lambda of `%s` takes %u parameter%s, and has %u", function, count,
                   count == 1 ? "" : "s", ast->size);
        return false;
    }
    for (uint32_t i = 0; i < count; i++) {
        const struct sx_type *type = sx_letters_type(letters, lambda->takes[i].type);
        struct sx_expr *parameter = sx_expr_new(s->c, SX_EXPR_PARAMETER, type, ast->names_at[i], 0);

        for (uint32_t j = 0; j < i; j++)
            if (strcmp(ast->names[i], ast->names[j]) == 0) {
                sx_mistake(s->c, ast->names_at[i], STREAMD_E_NAME, NULL, "the parameter `%s` is there twice",
                           ast->names[i]);
                return false;
            }
        warn_if_it_hides(s, ast->names[i], ast->names_at[i]);
        parameter->column = s->c->lambda_parameters++;
        bindings[i] = (struct sx_binding){ast->names[i], parameter, i ? &bindings[i - 1] : s->bindings};
    }
    return true;
}

const struct sx_expr *sx_check_like(const struct sx_scope *s, const struct sx_ast *ast,
                                    const struct sx_type *initial)
{
    const struct sx_expr *next = sx_check(s, ast, NULL), *fitted = next ? sx_fit(s->c, next, initial) : NULL;
    struct sx_expr *cast;

    if (next == NULL || fitted != NULL)
        return fitted;
    if (!sx_cast_exists(next->type, initial)) {
        sx_mistake(s->c, ast->at, STREAMD_E_TYPE, NULL,
                   "the initial value is %s, and the expression gives %s", sx_type_text(initial, s->c->arena),
                   sx_type_text(next->type, s->c->arena));
        return NULL;
    }
    cast = sx_expr_new(s->c, SX_EXPR_CAST, initial, next->at, 1);
    cast->args[0] = next;
    return cast;
}

static const struct sx_expr *check_lambda(const struct sx_scope *s, const struct sx_ast *ast,
                                          const struct sx_function_def *row,
                                          const struct sx_signature *signature, uint32_t number,
                                          struct sx_letters *letters)
{
    const struct sx_parameter *lambda = &signature->parameters[number];
    struct sx_binding *bindings = SX_ARENA_ARRAY(s->c->arena, struct sx_binding, lambda->take_count);
    const struct sx_type *wanted = sx_letters_type(letters, lambda->type);
    struct sx_scope inner = *s;
    const struct sx_expr *body;
    struct sx_expr *expr;

    if (!bind_parameters(s, ast, signature->name, lambda, letters, bindings))
        return NULL;
    inner.bindings = &bindings[lambda->take_count - 1];
    body = row->over == SX_OVER_REDUCE ? sx_check_like(&inner, ast->args[0], wanted)
                                       : sx_check(&inner, ast->args[0], wanted);
    if (body == NULL)
        return NULL;
    if (wanted == NULL)
        sx_letters_take(letters, lambda->type, body->type);
    expr = sx_expr_new(s->c, SX_EXPR_LAMBDA, body->type, ast->at, 1);
    expr->args[0] = body;
    expr->parameters = lambda->take_count;
    expr->column = bindings[0].expr->column;
    return expr;
}

/* ---- The call ---------------------------------------------------------------------------------- */

/* Is there a function or an aggregate of that name, if one without lambdas? */
static bool is_name(struct sx_compiler *c, const char *name)
{
    const struct sx_catalog *catalog = c->catalog;

    for (uint32_t t = 0; t < catalog->function_table_count; t++)
        for (uint32_t r = 0; r < catalog->functions[t]->count; r++)
            if (strcmp(sx_signature_of(c, catalog->functions[t]->rows[r].signature)->name, name) == 0)
                return true;
    for (uint32_t t = 0; t < catalog->aggregate_table_count; t++)
        for (uint32_t r = 0; r < catalog->aggregates[t]->count; r++)
            if (strcmp(sx_signature_of(c, catalog->aggregates[t]->rows[r].signature)->name, name) == 0)
                return true;
    return strcmp(name, "if") == 0 || strcmp(name, "try") == 0 || strcmp(name, "fold") == 0;
}

static const struct sx_expr *refuse(const struct sx_scope *s, const struct sx_ast *ast,
                                    const struct sx_expr *const *exprs)
{
    const char *signatures = sx_lambda_signatures(s->c, ast->text);

    if (signatures != NULL)
        sx_mistake(s->c, ast->at, STREAMD_E_TYPE, signatures, "`%s` does not take (%s)", ast->text,
                   arguments_text(s->c, ast, exprs));
    else if (is_name(s->c, ast->text))
        misplaced(s, first_lambda(ast), ast->text);
    else
        sx_unknown_function(s->c, ast->at, ast->text);
    return NULL;
}

const struct sx_expr *sx_check_lambda_call(const struct sx_scope *s, const struct sx_ast *ast)
{
    /* Of all arguments, also of more than any row takes; and a second one where there is none. */
    const struct sx_expr **exprs = SX_ARENA_ARRAY(s->c->arena, const struct sx_expr *, ast->count + 2);
    const struct sx_function_def *row;
    const struct sx_signature *signature;
    struct sx_letters letters;
    struct sx_expr *call;
    bool ok = true;
    uint32_t next = 0;

    for (uint32_t i = 0; i < ast->count; i++) {
        if (ast->args[i]->kind == SX_AST_LAMBDA)
            continue;
        exprs[i] = sx_check(s, ast->args[i], NULL);
        ok &= exprs[i] != NULL;
    }
    if (!ok)
        return NULL;
    if (strcmp(ast->text, "reduce") == 0 && exprs[1] != NULL)
        exprs[1] = sx_check_roomy(s->c, exprs[1]);
    do
        row = next_row(s->c, ast->text, &next);
    while (row != NULL && !row_fits(s->c, row, ast, exprs, &letters));
    if (row == NULL)
        return refuse(s, ast, exprs);
    if (ast->where != NULL)
        return sx_refuse_where(s, ast);
    signature = sx_signature_of(s->c, row->signature);
    if (row->over == SX_OVER_REDUCE && !sx_check_typed(s, exprs[1]))
        return NULL;
    for (uint32_t i = 0; i < ast->count; i++)
        if (exprs[i] == NULL) {
            exprs[i] = check_lambda(s, ast->args[i], row, signature, i, &letters);
            ok &= exprs[i] != NULL;
        }
    if (!ok)
        return NULL;
    call =
        sx_expr_new(s->c, SX_EXPR_APPLY, sx_letters_type(&letters, signature->result), ast->at, ast->count);
    call->function = row;
    memcpy(call->args, exprs, sizeof(*exprs) * ast->count);
    return call;
}
