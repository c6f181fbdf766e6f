/* check_nested.c: the types of what is nested: elements, and arrays, maps and structs written out. */
#include "dsl/check_operator.h"

#define MISTAKE(scope, at, hint, ...) \
    (sx_mistake((scope)->c, (at), STREAMD_E_TYPE, (hint), __VA_ARGS__), NULL)
#define TEXT(scope, type) sx_type_text((type), (scope)->c->arena)

const struct sx_expr *sx_check_element(const struct sx_scope *s, struct sx_position at,
                                       const struct sx_type *type, const struct sx_expr *of,
                                       const struct sx_expr *index)
{
    struct sx_expr *expr = sx_expr_new(s->c, SX_EXPR_INDEX, type, at, 2);

    expr->args[0] = of;
    expr->args[1] = index;
    return expr;
}

const struct sx_expr *sx_check_index(const struct sx_scope *s, const struct sx_ast *ast)
{
    const struct sx_expr *of = sx_check(s, ast->args[0], NULL), *at;
    bool json;

    if (of == NULL)
        return NULL;
    json = of->type->kind == SX_JSON;
    if (!json && of->type->kind != SX_ARRAY && of->type->kind != SX_MAP)
        return MISTAKE(s, ast->at, NULL, "only arrays, maps and json have elements, and this is %s",
                       TEXT(s, of->type));
    at = sx_check(s, ast->args[1], json ? NULL : of->type->kind == SX_ARRAY ? &sx_type_int : &sx_type_string);
    if (at == NULL)
        return NULL;
    if (json && at->type->kind != SX_INT && at->type->kind != SX_STRING)
        return MISTAKE(s, ast->args[1]->at, NULL, "an element of json goes by an int or a string, not by %s",
                       TEXT(s, at->type));
    return sx_check_element(s, ast->at, json ? &sx_type_json : of->type->element, of, at);
}

/* ---- Nested literals ------------------------------------------------------------------------- */

const struct sx_type *sx_check_common(const struct sx_scope *s, struct sx_expr *expr, uint32_t first,
                                      uint32_t step, const char *what)
{
    const struct sx_expr *like = NULL;

    /* The one that the others go into: [1, 2.5] is of doubles, [null, "a"] of strings. */
    for (uint32_t i = first; i < expr->count; i += step)
        if (like == NULL || (sx_fit(s->c, expr->args[i], like->type) == NULL &&
                             sx_fit(s->c, like, expr->args[i]->type) != NULL))
            like = expr->args[i];
    for (uint32_t i = first; i < expr->count; i += step) {
        const struct sx_expr *fitted = sx_fit(s->c, expr->args[i], like->type);

        if (fitted == NULL)
            return MISTAKE(s, expr->args[i]->at, NULL, "the %s are of different types, %s and %s", what,
                           TEXT(s, like->type), TEXT(s, expr->args[i]->type));
        expr->args[i] = fitted;
    }
    return like ? like->type : &sx_type_null;
}

const struct sx_expr *sx_check_nested(const struct sx_scope *s, const struct sx_ast *ast)
{
    enum sx_expr_op op = ast->kind == SX_AST_ARRAY ? SX_EXPR_ARRAY
                         : ast->kind == SX_AST_MAP ? SX_EXPR_MAP
                                                   : SX_EXPR_STRUCT;
    struct sx_expr *expr = sx_expr_new(s->c, op, NULL, ast->at, ast->count);
    const struct sx_type *type;

    for (uint32_t i = 0; i < ast->count; i++) {
        expr->args[i] = sx_check(s, ast->args[i], op == SX_EXPR_MAP && i % 2 == 0 ? &sx_type_string : NULL);
        if (expr->args[i] == NULL)
            return NULL;
    }
    if (op == SX_EXPR_STRUCT) {
        struct sx_type_field *fields = SX_ARENA_ARRAY(s->c->arena, struct sx_type_field, ast->count + 1);

        for (uint32_t i = 0; i < ast->count; i++)
            fields[i] = (struct sx_type_field){.name = ast->names[i], .type = expr->args[i]->type};
        expr->type = sx_type_struct(s->c->arena, fields, ast->count);
        return expr;
    }
    type = sx_check_common(s, expr, op == SX_EXPR_MAP ? 1 : 0, op == SX_EXPR_MAP ? 2 : 1, "elements");
    if (type == NULL)
        return NULL;
    expr->type = op == SX_EXPR_MAP ? sx_type_map(s->c->arena, type) : sx_type_array(s->c->arena, type);
    return expr;
}
