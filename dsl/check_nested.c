/* check_nested.c: the types of what is nested: elements, and arrays, maps and structs written out. */
#include "dsl/check_decimal.h"
#include "dsl/check_operator.h"

#include "engine/base/text.h"

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

/* What could have been meant by a field that is not there. */
static const char *field_hint(const struct sx_scope *s, const struct sx_ast *ast, const struct sx_type *of)
{
    const char *left = ast->args[0]->kind == SX_AST_NAME ? ast->args[0]->text : "x", *near;
    const char **names;

    if (of->kind == SX_MAP)
        return sx_arena_format(s->c->arena, "write `%s[\"%s\"]`", left, ast->text);
    if (of->kind == SX_ARRAY && of->element->kind == SX_STRUCT)
        return sx_type_field(of->element, sx_slice_of(ast->text)) < 0
                   ? NULL
                   : sx_arena_format(s->c->arena, "write `%s[0].%s`, or of all `transform(%s, e -> e.%s)`",
                                     left, ast->text, left, ast->text);
    if (of->kind != SX_STRUCT)
        return NULL;
    names = SX_ARENA_ARRAY(s->c->arena, const char *, of->field_count + 1);
    for (uint32_t i = 0; i < of->field_count; i++)
        names[i] = of->fields[i].name;
    near = sx_nearest(ast->text, names, of->field_count);
    return near ? sx_arena_format(s->c->arena, "did you mean `%s`?", near) : NULL;
}

const struct sx_expr *sx_check_part(const struct sx_scope *s, const struct sx_ast *ast,
                                    const struct sx_expr *of)
{
    struct sx_expr *expr;
    int index;

    if (of->type->kind == SX_JSON)
        return sx_check_element(
            s, ast->at, &sx_type_json, of,
            sx_check_literal(s, ast->at, &sx_type_string, sx_value_string(sx_slice_of(ast->text))));
    index = of->type->kind == SX_STRUCT ? sx_type_field(of->type, sx_slice_of(ast->text)) : -1;
    if (index < 0)
        return MISTAKE(s, ast->at, field_hint(s, ast, of->type), "%s has no field `%s`", TEXT(s, of->type),
                       ast->text);
    expr = sx_check_unary(s, SX_EXPR_FIELD, of->type->fields[index].type, ast->at, of);
    expr->column = (uint32_t)index;
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
        return MISTAKE(s, ast->at, of->type->kind == SX_STRUCT ? "a field of a struct is `x.name`" : NULL,
                       "only arrays, maps and json have elements, and this is %s", TEXT(s, of->type));
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
    const struct sx_type *decimal = sx_check_decimals(s->c, expr->args, expr->count, first, step);
    const struct sx_expr *like = NULL;
    const struct sx_type *type;

    if (decimal != NULL)
        return decimal;
    /* The one that the others go into: [1, 2.5] is of doubles, [null, "a"] of strings. Of structs each may
     * lack what another has: [{ a: null, b: 1 }, { a: "x", b: null }]. */
    for (uint32_t i = first; i < expr->count; i += step)
        if (like == NULL || (sx_fit(s->c, expr->args[i], like->type) == NULL &&
                             sx_fit(s->c, like, expr->args[i]->type) != NULL))
            like = expr->args[i];
    type = like ? like->type : &sx_type_null;
    for (uint32_t i = first; i < expr->count; i += step) {
        const struct sx_type *both = sx_type_unite(s->c->arena, type, expr->args[i]->type);

        type = both ? both : type;
    }
    for (uint32_t i = first; i < expr->count; i += step) {
        const struct sx_expr *fitted = sx_fit(s->c, expr->args[i], type);

        if (fitted == NULL)
            return MISTAKE(s, expr->args[i]->at, NULL, "the %s are of different types, %s and %s", what,
                           TEXT(s, like->type), TEXT(s, expr->args[i]->type));
        expr->args[i] = fitted;
    }
    return type;
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
