/* check.c: the types of expressions: names and literals. Operators are in check_operator.c, what is
 * nested in check_nested.c, calls in check_call.c. */
#include "dsl/check_call.h"
#include "dsl/check_decimal.h"
#include "dsl/check_operator.h"

#include "engine/base/text.h"

#include <stdarg.h>

void sx_mistake(struct sx_compiler *c, struct sx_position at, streamd_status status, const char *hint,
                const char *format, ...)
{
    char message[512];
    va_list args;

    va_start(args, format);
    vsnprintf(message, sizeof(message), format, args);
    va_end(args);
    sx_diagnose(&c->errors, status, at, hint, "%s", message);
}

void sx_warn(struct sx_compiler *c, struct sx_position at, const char *hint, const char *format, ...)
{
    char message[512];
    va_list args;

    va_start(args, format);
    vsnprintf(message, sizeof(message), format, args);
    va_end(args);
    sx_diagnose(&c->warnings, STREAMD_OK, at, hint, "%s", message);
}

#define MISTAKE(scope, at, hint, ...) \
    (sx_mistake((scope)->c, (at), STREAMD_E_TYPE, (hint), __VA_ARGS__), NULL)
#define TEXT(scope, type) sx_type_text((type), (scope)->c->arena)

struct sx_expr *sx_expr_new(struct sx_compiler *c, enum sx_expr_op op, const struct sx_type *type,
                            struct sx_position at, uint32_t count)
{
    struct sx_expr *expr = SX_ARENA_NEW(c->arena, struct sx_expr);

    expr->op = op;
    expr->type = type;
    expr->at = at;
    expr->count = count;
    expr->args = SX_ARENA_ARRAY(c->arena, const struct sx_expr *, count + 1);
    return expr;
}

struct sx_expr *sx_check_unary(const struct sx_scope *s, enum sx_expr_op op, const struct sx_type *type,
                               struct sx_position at, const struct sx_expr *arg)
{
    struct sx_expr *expr = sx_expr_new(s->c, op, type, at, 1);

    expr->args[0] = arg;
    return expr;
}

const struct sx_expr *sx_check_literal(const struct sx_scope *s, struct sx_position at,
                                       const struct sx_type *type, struct sx_value value)
{
    struct sx_expr *expr = sx_expr_new(s->c, SX_EXPR_CONST, type, at, 0);

    expr->value = value;
    return expr;
}

const struct sx_expr *sx_check_cast_to(struct sx_compiler *c, const struct sx_expr *expr,
                                       const struct sx_type *type)
{
    struct sx_expr *cast = sx_expr_new(c, SX_EXPR_CAST, type, expr->at, 1);

    if (expr->type->kind == SX_NULL) { /* whatever it is, it is null */
        cast->op = SX_EXPR_CONST;
        cast->value = SX_VALUE_NULL;
        cast->count = 0;
        return cast;
    }
    cast->args[0] = expr;
    return cast;
}

/* A constructor written out, each part fitted: [1, 2] as array<double>, {} of any type. */
static const struct sx_expr *fit_parts(struct sx_compiler *c, const struct sx_expr *expr,
                                       const struct sx_type *type)
{
    struct sx_expr *fitted = sx_expr_new(c, expr->op, type, expr->at, expr->count);

    for (uint32_t i = 0; i < expr->count; i++) {
        const struct sx_type *part = expr->op == SX_EXPR_STRUCT              ? type->fields[i].type
                                     : expr->op == SX_EXPR_MAP && i % 2 == 0 ? &sx_type_string
                                                                             : type->element;

        fitted->args[i] = sx_fit(c, expr->args[i], part);
        if (fitted->args[i] == NULL)
            return NULL;
    }
    return fitted;
}

/* An array, a map or a struct whose parts fit: array<int> as array<double>. */
static bool widens(struct sx_compiler *c, const struct sx_type *from, const struct sx_type *to)
{
    const struct sx_type *both = from->kind == to->kind && from->kind >= SX_ARRAY && from->kind <= SX_STRUCT
                                     ? sx_type_unite(c->arena, from, to)
                                     : NULL;

    return both != NULL && sx_type_equal(both, to);
}

const struct sx_expr *sx_fit(struct sx_compiler *c, const struct sx_expr *expr, const struct sx_type *type)
{
    if (sx_type_equal(expr->type, type))
        return expr;
    if (expr->type->kind == SX_NULL || (expr->type->kind == SX_INT && type->kind == SX_DOUBLE) ||
        type->kind == SX_JSON)
        return sx_check_cast_to(c, expr, type);
    if (type->kind == SX_DECIMAL)
        return sx_fit_decimal(c, expr, type);
    if (expr->type->kind == SX_DECIMAL && type->kind == SX_DOUBLE)
        return sx_check_cast_to(c, expr, type);
    if ((expr->op == SX_EXPR_ARRAY && type->kind == SX_ARRAY) ||
        (expr->op == SX_EXPR_MAP && type->kind == SX_MAP))
        return fit_parts(c, expr, type);
    if (expr->op == SX_EXPR_STRUCT && type->kind == SX_STRUCT && expr->count == type->field_count) {
        for (uint32_t i = 0; i < expr->count; i++)
            if (strcmp(expr->type->fields[i].name, type->fields[i].name) != 0)
                return NULL;
        return fit_parts(c, expr, type);
    }
    return widens(c, expr->type, type) ? sx_check_cast_to(c, expr, type) : NULL;
}

/* Both as one type: numbers as double when one is, null as the other, in their parts too. False: there is
 * none. */
bool sx_check_unify(const struct sx_scope *s, const struct sx_expr **a, const struct sx_expr **b)
{
    const struct sx_expr *pair[] = {*a, *b}, *fitted;

    if (sx_check_decimals(s->c, pair, 2, 0, 1) != NULL) {
        *a = pair[0];
        *b = pair[1];
        return true;
    }
    fitted = sx_fit(s->c, *a, (*b)->type);
    if (fitted != NULL) {
        *a = fitted;
        return true;
    }
    fitted = sx_fit(s->c, *b, (*a)->type);
    if (fitted == NULL) { /* { a: 1, b: null } and { a: null, b: 2 } */
        const struct sx_type *both = sx_type_unite(s->c->arena, (*a)->type, (*b)->type);
        const struct sx_expr *other = both ? sx_fit(s->c, *a, both) : NULL;

        fitted = other ? sx_fit(s->c, *b, both) : NULL;
        *a = fitted ? other : *a;
    }
    if (fitted != NULL)
        *b = fitted;
    return fitted != NULL;
}

/* ---- Names ----------------------------------------------------------------------------------- */

static const struct sx_expr *column(const struct sx_scope *s, struct sx_position at, int index)
{
    struct sx_expr *expr = sx_expr_new(s->c, SX_EXPR_COLUMN, s->schema->fields[index].type, at, 0);

    expr->column = (uint32_t)index;
    return expr;
}

/* Several sides have a column of that name: the left one that a join's `on` names, if it is that; -1:
 * it is not, which is reported. */
static int choose_side(const struct sx_scope *s, const struct sx_ast *ast)
{
    const char *qualifier = NULL;
    int found = -1;

    for (uint32_t i = 0; i < s->schema->count; i++) {
        const struct sx_field *field = &s->schema->fields[i];

        if (strcmp(field->name, ast->text) != 0)
            continue;
        if (field->joined_on && (found < 0 || field->role == SX_ROLE_VALUE))
            found = (int)i;
        if (field->qualifier != NULL)
            qualifier = field->qualifier;
    }
    if (found < 0)
        sx_mistake(
            s->c, ast->at, STREAMD_E_TYPE,
            sx_arena_format(s->c->arena,
                            "write `%s.%s` for that one, or name them apart in a `map` before the join",
                            qualifier ? qualifier : "NAME", ast->text),
            "`%s` is a column of both sides", ast->text);
    return found;
}

static bool is_qualifier(const struct sx_scope *s, const char *name)
{
    for (uint32_t i = 0; s->schema != NULL && i < s->schema->count; i++)
        if (s->schema->fields[i].qualifier != NULL && strcmp(s->schema->fields[i].qualifier, name) == 0)
            return true;
    return false;
}

/* What a name of a parameter, or `acc`, stands for; NULL: it is none. */
static const struct sx_expr *bound_to(const struct sx_scope *s, const struct sx_ast *name)
{
    for (const struct sx_binding *b = s->bindings; b != NULL; b = b->next)
        if (strcmp(b->name, name->text) == 0)
            return b->expr;
    return NULL;
}

static const struct sx_expr *check_name(const struct sx_scope *s, const struct sx_ast *ast)
{
    const struct sx_expr *bound = bound_to(s, ast);
    const struct sx_param_value *param;
    bool ambiguous;
    int index;

    if (bound != NULL)
        return bound;
    if (s->schema != NULL) {
        index = sx_schema_find(s->schema, SX_SLICE_NONE, sx_slice_of(ast->text), &ambiguous);
        if (index >= 0 && ambiguous && (index = choose_side(s, ast)) < 0)
            return NULL;
        if (index >= 0) {
            if (sx_map_get(&s->c->params, sx_slice_of(ast->text)) != NULL)
                sx_warn(s->c, ast->at, "rename the param", "the column `%s` hides the param of that name",
                        ast->text);
            return column(s, ast->at, index);
        }
    }
    param = sx_map_get(&s->c->params, sx_slice_of(ast->text));
    if (param != NULL && param->type == NULL)
        return NULL; /* its mistakes are reported */
    if (param != NULL)
        return sx_check_literal(s, ast->at, param->type, param->value);
    if (is_qualifier(s, ast->text))
        return MISTAKE(s, ast->at, sx_arena_format(s->c->arena, "write `%s.column`", ast->text),
                       "`%s` is a stream or table, not a value", ast->text);
    return sx_unknown_column(s, ast->at, ast->text, NULL);
}

/* The key as @key has it: the column, or a struct of several. */
static const struct sx_expr *check_key(const struct sx_scope *s, const struct sx_ast *ast)
{
    struct sx_type_field *fields;
    struct sx_expr *expr;
    uint32_t count = s->schema->key_count;

    if (count == 0)
        return MISTAKE(s, ast->at, NULL, "the rows have no key here");
    if (count == 1)
        return column(s, ast->at, 0);
    fields = SX_ARENA_ARRAY(s->c->arena, struct sx_type_field, count);
    for (uint32_t i = 0; i < count; i++)
        fields[i] =
            (struct sx_type_field){.name = s->schema->fields[i].name, .type = s->schema->fields[i].type};
    expr = sx_expr_new(s->c, SX_EXPR_STRUCT, sx_type_struct(s->c->arena, fields, count), ast->at, count);
    for (uint32_t i = 0; i < count; i++)
        expr->args[i] = column(s, ast->at, (int)i);
    return expr;
}

static const struct sx_expr *check_meta(const struct sx_scope *s, const struct sx_ast *ast)
{
    static const char *const names[] = {"key", "timestamp", "topic", "partition", "offset", "header"};
    const char *near;
    struct sx_value name;
    struct sx_expr *expr;

    if (s->schema == NULL)
        return MISTAKE(s, ast->at, NULL, "`@%s` cannot stand in a constant", ast->text);
    if (strcmp(ast->text, "key") == 0)
        return check_key(s, ast);
    if (strcmp(ast->text, "timestamp") == 0)
        return sx_expr_new(s->c, SX_EXPR_TIMESTAMP, &sx_type_timestamp, ast->at, 0);
    near = sx_nearest(ast->text, names, SX_COUNT(names));
    for (size_t i = 2; i < SX_COUNT(names); i++)
        if (strcmp(ast->text, names[i]) == 0) {
            if (!s->schema->has_metadata)
                return MISTAKE(
                    s, ast->at, "map it to a column before that stage",
                    "`@%s` belongs to the source record, which ends at an aggregate, a join or a repartition",
                    ast->text);
            near = NULL;
        }
    if (strcmp(ast->text, "topic") == 0)
        return sx_expr_new(s->c, SX_EXPR_TOPIC, &sx_type_string, ast->at, 0);
    if (strcmp(ast->text, "partition") == 0)
        return sx_expr_new(s->c, SX_EXPR_PARTITION, &sx_type_int, ast->at, 0);
    if (strcmp(ast->text, "offset") == 0)
        return sx_expr_new(s->c, SX_EXPR_OFFSET, &sx_type_int, ast->at, 0);
    if (strcmp(ast->text, "header") == 0) {
        struct sx_scope none = {.c = s->c};

        if (!sx_check_constant(&none, ast->args[0], &sx_type_string, &name))
            return NULL;
        expr = sx_expr_new(s->c, SX_EXPR_HEADER, &sx_type_string, ast->at, 0);
        expr->value = name;
        return expr;
    }
    return MISTAKE(s, ast->at, near ? sx_arena_format(s->c->arena, "did you mean `@%s`?", near) : NULL,
                   "there is no `@%s`", ast->text);
}

/* a.b: a column of a stream, `window.start`, or a field of a struct. */
static const struct sx_expr *check_field(const struct sx_scope *s, const struct sx_ast *ast)
{
    const struct sx_ast *left = ast->args[0];
    const struct sx_expr *of;
    bool ambiguous;
    int index;

    if (left->kind == SX_AST_NAME && s->schema != NULL && bound_to(s, left) == NULL) {
        bool own = sx_schema_find(s->schema, SX_SLICE_NONE, sx_slice_of(left->text), &ambiguous) >= 0;

        index = sx_schema_find(s->schema, sx_slice_of(left->text), sx_slice_of(ast->text), &ambiguous);
        if (!own && index >= 0)
            return column(s, ast->at, index);
        if (own && index >= 0)
            sx_warn(s->c, left->at, "rename the column, or the stream",
                    "`%s` is a column here, not the stream or table of that name", left->text);
        if (!own && strcmp(left->text, "window") == 0 && !is_qualifier(s, "window")) {
            if (!s->schema->windowed)
                return MISTAKE(s, ast->at, NULL, "the rows have no window here");
            if (strcmp(ast->text, "start") == 0)
                return sx_expr_new(s->c, SX_EXPR_WINDOW_START, &sx_type_timestamp, ast->at, 0);
            if (strcmp(ast->text, "end") == 0)
                return sx_expr_new(s->c, SX_EXPR_WINDOW_END, &sx_type_timestamp, ast->at, 0);
            return MISTAKE(s, ast->at, "a window has `start` and `end`", "a window has no `%s`", ast->text);
        }
        if (!own && is_qualifier(s, left->text))
            return sx_unknown_column(s, ast->at, ast->text, left->text);
        if (!own && sx_map_get(&s->c->names, sx_slice_of(left->text)) != NULL &&
            !sx_map_get(&s->c->params, sx_slice_of(left->text)))
            return MISTAKE(s, ast->at,
                           "names of streams end at the next `map` or `aggregate`: use the bare column",
                           "the columns here are not those of `%s`", left->text);
    }
    of = sx_check(s, left, NULL);
    if (of == NULL)
        return NULL;
    return sx_check_part(s, ast, of);
}

/* ---- All ------------------------------------------------------------------------------------- */

/* A literal, which keeps its digits: beside a decimal it is exact. */
static const struct sx_expr *check_number(const struct sx_scope *s, const struct sx_ast *ast,
                                          const struct sx_type *type, struct sx_value value)
{
    struct sx_expr *expr = sx_expr_new(s->c, SX_EXPR_CONST, type, ast->at, 0);
    char *digits = sx_arena_alloc(s->c->arena, ast->size + 1);
    uint32_t size = 0;

    for (uint32_t i = 0; i < ast->size; i++)
        if (ast->text[i] != '_')
            digits[size++] = ast->text[i];
    expr->value = value;
    expr->literal = sx_slice(digits, size);
    return expr;
}

static const struct sx_expr *check_any(const struct sx_scope *s, const struct sx_ast *ast)
{
    const struct sx_expr *x;

    switch (ast->kind) {
    case SX_AST_NULL:
        return sx_check_literal(s, ast->at, &sx_type_null, SX_VALUE_NULL);
    case SX_AST_BOOL:
        return sx_check_literal(s, ast->at, &sx_type_bool, sx_value_bool(ast->integer != 0));
    case SX_AST_INT:
        return check_number(s, ast, &sx_type_int, sx_value_int(ast->integer));
    case SX_AST_DOUBLE:
        return check_number(s, ast, &sx_type_double, sx_value_double(ast->real));
    case SX_AST_DECIMAL:
        return sx_check_exact(s->c, check_number(s, ast, &sx_type_double, sx_value_double(0)));
    case SX_AST_STRING:
        return sx_check_literal(s, ast->at, &sx_type_string, sx_value_string(sx_slice(ast->text, ast->size)));
    case SX_AST_DURATION:
        return sx_check_literal(s, ast->at, &sx_type_duration, sx_value_int64(SX_DURATION, ast->integer));
    case SX_AST_TIMESTAMP:
        return sx_check_literal(s, ast->at, &sx_type_timestamp, sx_value_int64(SX_TIMESTAMP, ast->integer));
    case SX_AST_DATE:
        return sx_check_literal(s, ast->at, &sx_type_date, sx_value_int64(SX_DATE, ast->integer));
    case SX_AST_TIME:
        return sx_check_literal(s, ast->at, &sx_type_time, sx_value_int64(SX_TIME, ast->integer));
    case SX_AST_SIZE:
        return MISTAKE(s, ast->at, NULL, "a size can only stand in a setting");
    case SX_AST_NAME:
        return check_name(s, ast);
    case SX_AST_META:
        return check_meta(s, ast);
    case SX_AST_FIELD:
        return check_field(s, ast);
    case SX_AST_INDEX:
        return sx_check_index(s, ast);
    case SX_AST_NEGATE:
        return sx_check_negate(s, ast);
    case SX_AST_NOT:
        x = sx_check(s, ast->args[0], &sx_type_bool);
        return x ? sx_check_unary(s, SX_EXPR_NOT, &sx_type_bool, ast->at, x) : NULL;
    case SX_AST_BINARY:
        return sx_check_binary(s, ast);
    case SX_AST_IS_NULL:
        x = sx_check(s, ast->args[0], NULL);
        return x ? sx_check_negated(s, ast, sx_check_unary(s, SX_EXPR_IS_NULL, &sx_type_bool, ast->at, x),
                                    ast->negated)
                 : NULL;
    case SX_AST_IN:
        return sx_check_in(s, ast);
    case SX_AST_BETWEEN:
        return sx_check_between(s, ast);
    case SX_AST_LIKE:
        return sx_check_negated(s, ast, sx_check_call(s, ast, "like", ast->args, ast->count), ast->negated);
    case SX_AST_CASE:
        return sx_check_case(s, ast);
    case SX_AST_CAST:
        return sx_check_cast(s, ast);
    case SX_AST_CALL:
        return sx_check_named_call(s, ast);
    case SX_AST_ARRAY:
    case SX_AST_STRUCT:
    case SX_AST_MAP:
        return sx_check_nested(s, ast);
    case SX_AST_LAMBDA: /* only in calls, which see to it */
    case SX_AST_STAR:
    case SX_AST_ERROR:
        break;
    }
    return NULL;
}

const struct sx_expr *sx_check(const struct sx_scope *scope, const struct sx_ast *ast,
                               const struct sx_type *wanted)
{
    const struct sx_expr *expr = check_any(scope, ast), *fitted;

    if (expr == NULL || wanted == NULL)
        return expr;
    fitted = sx_fit(scope->c, expr, wanted);
    if (fitted == NULL)
        return MISTAKE(scope, ast->at,
                       wanted->kind == SX_DURATION ? "durations are 500ms 10s 5m 2h 7d 1h30m"
                       : sx_cast_exists(expr->type, wanted) &&
                               (wanted->kind != SX_BOOL || expr->type->kind == SX_JSON)
                           ? sx_arena_format(scope->c->arena, "write `cast(... as %s)`", TEXT(scope, wanted))
                           : NULL,
                       "expected %s here, and this is %s", TEXT(scope, wanted), TEXT(scope, expr->type));
    return fitted;
}

const struct sx_program *sx_build(struct sx_compiler *c, const struct sx_expr *expr,
                                  const struct sx_type *const *variables, uint32_t variable_count)
{
    const struct sx_program *program = NULL;
    streamd_error *error = NULL;
    struct sx_position at = expr->at;

    if (sx_program_build(expr, variables, variable_count, c->arena, &program, &error) == STREAMD_OK)
        return program;
    if (streamd_error_line(error) > 0) {
        at.line = streamd_error_line(error);
        at.column = streamd_error_column(error);
        at.length = 1;
        sx_error_source(error, &at.length);
    }
    sx_mistake(c, at, STREAMD_E_TYPE, sx_error_hint(error), "%s", streamd_error_message(error));
    streamd_error_free(error);
    return NULL;
}

const struct sx_program *sx_check_program(const struct sx_scope *scope, const struct sx_ast *ast,
                                          const struct sx_type *wanted, const struct sx_type **type)
{
    const struct sx_expr *expr = sx_check(scope, ast, wanted);

    if (expr != NULL && type != NULL)
        *type = expr->type;
    return expr != NULL ? sx_build(scope->c, expr, NULL, 0) : NULL;
}

bool sx_constant_of(struct sx_compiler *c, const struct sx_expr *expr, struct sx_value *value)
{
    const struct sx_program *program = sx_build(c, expr, NULL, 0);

    if (program == NULL)
        return false;
    if (sx_program_is_constant(program, value))
        return true;
    sx_mistake(c, expr->at, STREAMD_E_TYPE, NULL, "expected a constant here");
    return false;
}

bool sx_check_constant(const struct sx_scope *scope, const struct sx_ast *ast, const struct sx_type *wanted,
                       struct sx_value *value)
{
    const struct sx_expr *expr = sx_check(scope, ast, wanted);

    return expr != NULL && sx_constant_of(scope->c, expr, value);
}
