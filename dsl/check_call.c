/* check_call.c: which function is called, with which arguments. */
#include "dsl/check_call.h"

#include "dsl/check_decimal.h"
#include "dsl/check_operator.h"

#include "engine/base/text.h"

#define ARGS_MAX 64

const struct sx_signature *sx_signature_of(struct sx_compiler *c, const char *text)
{
    struct sx_signature *signature = sx_map_get(&c->signatures, sx_slice_of(text));
    streamd_error *error = NULL;

    if (signature != NULL)
        return signature;
    signature = SX_ARENA_NEW(c->arena, struct sx_signature);
    if (sx_signature_parse(text, c->arena, signature, &error) != STREAMD_OK) {
        streamd_error_free(error);
        signature->name = "";
    }
    sx_map_put(&c->signatures, sx_slice_of(text), signature);
    return signature;
}

/* The name that a signature begins with, without parsing the rest. */
static bool has_name(const char *signature, const char *name)
{
    size_t size = strlen(name);
    return strncmp(signature, name, size) == 0 && signature[size] == '(';
}

static const char *near_function(struct sx_compiler *c, const char *name)
{
    const char *names[1024] = {"if", "try"};
    uint32_t count = 2;

    for (const struct sx_statement *f = c->statements; f != NULL && count < SX_COUNT(names); f = f->next)
        if (f->kind == SX_STATEMENT_FUNCTION)
            names[count++] = f->name;
    for (uint32_t t = 0; t < c->catalog->function_table_count; t++)
        for (uint32_t r = 0; r < c->catalog->functions[t]->count && count < SX_COUNT(names); r++)
            names[count++] = sx_signature_of(c, c->catalog->functions[t]->rows[r].signature)->name;
    for (uint32_t t = 0; t < c->catalog->aggregate_table_count; t++)
        for (uint32_t r = 0; r < c->catalog->aggregates[t]->count && count < SX_COUNT(names); r++)
            names[count++] = sx_signature_of(c, c->catalog->aggregates[t]->rows[r].signature)->name;
    return sx_nearest(name, names, count);
}

void sx_unknown_function(struct sx_compiler *c, struct sx_position at, const char *name)
{
    const char *near = near_function(c, name);

    sx_mistake(c, at, STREAMD_E_NAME,
               near ? sx_arena_format(c->arena, "did you mean `%s`?", near)
                    : "`streamd functions` lists them",
               "there is no function `%s`", name);
}

/* The overload that takes these types with the fewest casts. */
static const struct sx_function_def *choose(struct sx_compiler *c, const char *name,
                                            const struct sx_type **types, uint32_t count,
                                            const struct sx_type **result, const struct sx_type **wanted,
                                            const char **signatures)
{
    struct sx_buffer all = {0};
    const struct sx_function_def *best = NULL;
    uint32_t best_cost = UINT32_MAX;

    for (uint32_t t = 0; t < c->catalog->function_table_count; t++)
        for (uint32_t r = 0; r < c->catalog->functions[t]->count; r++) {
            const struct sx_function_def *row = &c->catalog->functions[t]->rows[r];
            const struct sx_type *to[ARGS_MAX], *gives;
            uint32_t cost;

            if (!has_name(row->signature, name))
                continue;
            sx_buffer_printf(&all, "%s%s", all.size ? ", or " : "it is ", row->signature);
            if (sx_signature_match(sx_signature_of(c, row->signature), types, count, c->arena, &gives, to,
                                   &cost) &&
                cost < best_cost) {
                best = row;
                best_cost = cost;
                *result = gives;
                memcpy(wanted, to, sizeof(*wanted) * count);
            }
        }
    for (uint32_t i = 0; i < count && all.size; i++)
        if (types[i]->kind == SX_JSON) {
            sx_buffer_add_text(&all, "; a json is cast first, as `cast(x as string)`");
            break;
        }
    *signatures = all.size && best == NULL ? sx_arena_strndup(c->arena, all.data, all.size) : NULL;
    sx_buffer_free(&all);
    return best;
}

/* Beside a decimal the literals are exact, where the function takes them so: `greatest(price, 0.5)`. */
static const struct sx_function_def *choose_exact(struct sx_compiler *c, const char *name,
                                                  const struct sx_expr **exprs, const struct sx_type **types,
                                                  uint32_t count, const struct sx_type **result,
                                                  const struct sx_type **wanted)
{
    const struct sx_expr *exact[ARGS_MAX];
    const struct sx_type *exact_types[ARGS_MAX];
    const struct sx_function_def *function;
    const char *signatures;
    bool any = false;

    for (uint32_t i = 0; i < count; i++) {
        any |= types[i]->kind == SX_DECIMAL;
        exact[i] = sx_check_exact(c, exprs[i]);
        if (exact[i] == NULL || exact[i]->op == SX_EXPR_CAST) /* an int that is no literal */
            exact[i] = exprs[i];
        exact_types[i] = exact[i]->type;
    }
    if (!any)
        return NULL;
    function = choose(c, name, exact_types, count, result, wanted, &signatures);
    if (function != NULL)
        memcpy(exprs, exact, sizeof(*exprs) * count);
    return function;
}

static const char *types_text(struct sx_compiler *c, const struct sx_type **types, uint32_t count)
{
    struct sx_buffer text = {0};
    const char *copy;

    for (uint32_t i = 0; i < count; i++) {
        if (i)
            sx_buffer_add_text(&text, ", ");
        sx_type_print(types[i], &text);
    }
    copy = sx_arena_strndup(c->arena, text.data ? text.data : "", text.size);
    sx_buffer_free(&text);
    return copy;
}

static bool check_args(const struct sx_scope *s, struct sx_ast **args, uint32_t count,
                       const struct sx_expr **exprs, const struct sx_type **types)
{
    bool ok = true;

    for (uint32_t i = 0; i < count; i++) {
        exprs[i] = sx_check(s, args[i], NULL);
        ok &= exprs[i] != NULL;
        types[i] = exprs[i] ? exprs[i]->type : NULL;
    }
    return ok;
}

const struct sx_expr *sx_check_call(const struct sx_scope *s, const struct sx_ast *ast, const char *name,
                                    struct sx_ast **args, uint32_t count)
{
    const struct sx_expr *exprs[ARGS_MAX];
    const struct sx_type *types[ARGS_MAX], *wanted[ARGS_MAX], *result = NULL;
    const struct sx_function_def *function;
    const char *signature;
    struct sx_expr *call;

    if (count > ARGS_MAX) {
        sx_mistake(s->c, ast->at, STREAMD_E_TYPE, NULL, "a call has at most %d arguments", ARGS_MAX);
        return NULL;
    }
    if (!check_args(s, args, count, exprs, types))
        return NULL;
    function = choose_exact(s->c, name, exprs, types, count, &result, wanted);
    if (function == NULL)
        function = choose(s->c, name, types, count, &result, wanted, &signature);
    if (function == NULL) {
        if (signature == NULL)
            sx_unknown_function(s->c, ast->at, name);
        else
            sx_mistake(s->c, ast->at, STREAMD_E_TYPE, signature, "`%s` does not take (%s)", name,
                       types_text(s->c, types, count));
        return NULL;
    }
    call = sx_expr_new(s->c, SX_EXPR_CALL, result, ast->at, count);
    call->function = function;
    for (uint32_t i = 0; i < count; i++) {
        call->args[i] = wanted[i] ? sx_fit(s->c, exprs[i], wanted[i]) : exprs[i];
        if (call->args[i] == NULL)
            call->args[i] = exprs[i];
    }
    return call;
}

/* What a call of a function of the file may grow to: a body that names its parameter twice doubles it, and
 * a few dozen of these in one another would be without end. */
#define MOST_STEPS 10000

/* Take the steps of an expression from `left`; false: there are more. */
static bool within(const struct sx_expr *expr, uint32_t *left)
{
    if (*left == 0)
        return false;
    --*left;
    for (uint32_t i = 0; i < expr->count; i++)
        if (expr->args[i] != NULL && !within(expr->args[i], left))
            return false;
    return true;
}

/* A function of the file: its body, with the parameters standing for the arguments. */
static const struct sx_expr *expand(const struct sx_scope *s, const struct sx_ast *ast,
                                    struct sx_defined *defined)
{
    const struct sx_statement *f = defined->statement;
    struct sx_scope inner = {.c = s->c};
    const struct sx_expr *result;
    uint32_t left = MOST_STEPS;

    if (defined->open) {
        sx_mistake(s->c, ast->at, STREAMD_E_TYPE, NULL, "`%s` calls itself", f->name);
        return NULL;
    }
    if (ast->where != NULL) {
        sx_mistake(s->c, ast->where->at, STREAMD_E_TYPE, NULL, "`where` stands in aggregates only");
        return NULL;
    }
    if (sx_has_lambda(ast))
        return sx_refuse_lambda(s, ast);
    if (defined->broken)
        return NULL;
    if (ast->count != f->parameter_count) {
        sx_mistake(s->c, ast->at, STREAMD_E_TYPE, NULL, "`%s` takes %u argument%s, and got %u", f->name,
                   f->parameter_count, f->parameter_count == 1 ? "" : "s", ast->count);
        return NULL;
    }
    for (uint32_t i = 0; i < ast->count; i++) {
        struct sx_binding *binding = SX_ARENA_NEW(s->c->arena, struct sx_binding);

        binding->name = f->parameters[i].name;
        binding->expr = sx_check(s, ast->args[i], f->parameters[i].type);
        binding->next = inner.bindings;
        if (binding->expr == NULL)
            return NULL;
        inner.bindings = binding;
    }
    defined->open = true;
    result = sx_check(&inner, f->value, NULL);
    defined->open = false;
    if (result != NULL && !within(result, &left)) {
        sx_mistake(s->c, ast->at, STREAMD_E_TYPE, "use each parameter once, or compute it in a `map` before",
                   "`%s` grows to more than %d steps here, which is too much", f->name, MOST_STEPS);
        return NULL;
    }
    return result;
}

/* if(c, a, b) is a case of one condition. */
static const struct sx_expr *check_if(const struct sx_scope *s, const struct sx_ast *ast)
{
    struct sx_ast as_case = *ast;

    if (ast->count != 3) {
        sx_mistake(s->c, ast->at, STREAMD_E_TYPE, NULL,
                   "`if` takes a condition and two values: `if(c, a, b)`");
        return NULL;
    }
    as_case.kind = SX_AST_CASE;
    as_case.has_else = true;
    return sx_check_case(s, &as_case);
}

static const struct sx_expr *check_try(const struct sx_scope *s, const struct sx_ast *ast)
{
    const struct sx_expr *x;
    struct sx_expr *expr;

    if (ast->count != 1) {
        sx_mistake(s->c, ast->at, STREAMD_E_TYPE, NULL, "`try` takes one expression");
        return NULL;
    }
    x = sx_check(s, ast->args[0], NULL);
    if (x == NULL)
        return NULL;
    expr = sx_expr_new(s->c, SX_EXPR_TRY, x->type, ast->at, 1);
    expr->args[0] = x;
    return expr;
}

const struct sx_expr *sx_refuse_where(const struct sx_scope *s, const struct sx_ast *call)
{
    sx_mistake(s->c, call->where->at, STREAMD_E_TYPE, NULL,
               "`where` stands in aggregates only, and `%s` is none", call->text);
    return NULL;
}

const struct sx_expr *sx_check_named_call(const struct sx_scope *s, const struct sx_ast *ast)
{
    struct sx_defined *defined = sx_map_get(&s->c->functions, sx_slice_of(ast->text));
    const struct sx_expr *aggregate;
    bool is_one;

    if (sx_has_lambda(ast) && defined == NULL)
        return sx_check_lambda_call(s, ast);
    if (defined != NULL)
        return expand(s, ast, defined);
    if (strcmp(ast->text, "if") == 0)
        return check_if(s, ast);
    if (strcmp(ast->text, "try") == 0)
        return check_try(s, ast);
    if (strcmp(ast->text, "now") == 0 && ast->count == 0) {
        sx_mistake(s->c, ast->at, STREAMD_E_NAME, "use `@timestamp`",
                   "there is no `now()`: a result depends on its input alone");
        return NULL;
    }
    aggregate = sx_check_aggregate(s, ast, &is_one);
    if (is_one)
        return aggregate;
    if (ast->where != NULL)
        return sx_refuse_where(s, ast);
    return sx_check_call(s, ast, ast->text, ast->args, ast->count);
}
