/* parse_expr.c: expressions by precedence.
 *
 *   or, and, not, comparisons (== != < <= > >= =~ !~ in between like is), ??, + -, * / %, unary -,
 *   . and [ ]                                                               from loosest to tightest
 */
#include "dsl/parse.h"

#include "engine/base/text.h"

struct sx_ast *sx_ast_new(struct sx_parser *p, enum sx_ast_kind kind, struct sx_position at)
{
    struct sx_ast *ast = SX_ARENA_NEW(p->arena, struct sx_ast);

    ast->kind = kind;
    ast->at = at;
    ast->text = "";
    return ast;
}

/* Chains such as `a + b + c ...` are trees as deep as they are long, and whoever walks a tree must not
 * run out of stack. */
void sx_ast_add(struct sx_parser *p, struct sx_ast *to, struct sx_ast *child)
{
    *SX_PARSE_PUSH(p, to->args, to->count) = child;
    to->height = SX_MAX(to->height, child->height + 1);
    if (to->height > SX_CHAIN_MAX)
        sx_parse_failed(p, to->at, "put a part of it into a `map` before, or into a function",
                        "the expression chains more than %d operators", SX_CHAIN_MAX);
}

struct sx_position sx_parse_span(const struct sx_parser *p, struct sx_position from)
{
    const struct sx_token *last = p->at > p->tokens ? p->at - 1 : p->at;

    if (last->at.line == from.line && last->at.column + last->at.length > from.column)
        from.length = last->at.column + last->at.length - from.column;
    return from;
}

static struct sx_ast *binary(struct sx_parser *p, const char *text, struct sx_ast *left, struct sx_ast *right)
{
    struct sx_ast *ast = sx_ast_new(p, SX_AST_BINARY, sx_parse_span(p, left->at));

    ast->text = text;
    sx_ast_add(p, ast, left);
    sx_ast_add(p, ast, right);
    return ast;
}

bool sx_parse_enter(struct sx_parser *p)
{
    if (p->depth < SX_DEPTH_MAX) {
        p->depth++;
        return true;
    }
    sx_parse_failed(p, p->at->at, NULL, "what is written here is nested more than %d deep", SX_DEPTH_MAX);
    return false;
}

static struct sx_ast *literal_at(struct sx_parser *p, enum sx_ast_kind kind)
{
    struct sx_ast *ast = sx_ast_new(p, kind, p->at->at);

    ast->text = p->at->text;
    ast->size = p->at->size;
    ast->quoted = p->at->quoted;
    ast->integer = p->at->integer;
    ast->real = p->at->real;
    p->at++;
    return ast;
}

/* [ when c then a ]... [ else b ] end */
static struct sx_ast *parse_case(struct sx_parser *p)
{
    struct sx_ast *ast = sx_ast_new(p, SX_AST_CASE, p->at->at);

    p->at++;
    while (!p->failed && sx_take_word(p, "when")) {
        sx_ast_add(p, ast, sx_parse_expr(p));
        if (!sx_take_word(p, "then"))
            sx_parse_failed(p, p->at->at, NULL, "expected `then`, got %s", sx_here(p));
        sx_ast_add(p, ast, sx_parse_expr(p));
    }
    if (ast->count == 0)
        sx_parse_failed(p, p->at->at, NULL, "expected `when` behind `case`, got %s", sx_here(p));
    if (sx_take_word(p, "else")) {
        ast->has_else = true;
        sx_ast_add(p, ast, sx_parse_expr(p));
    }
    if (!sx_take_word(p, "end"))
        sx_parse_failed(p, p->at->at, NULL, "expected `end` behind `case`, got %s", sx_here(p));
    ast->at = sx_parse_span(p, ast->at);
    return ast;
}

/* cast(x as T) */
static struct sx_ast *parse_cast(struct sx_parser *p)
{
    struct sx_ast *ast = sx_ast_new(p, SX_AST_CAST, p->at->at);

    p->at += 2;
    sx_ast_add(p, ast, sx_parse_expr(p));
    if (!sx_take_word(p, "as"))
        sx_parse_failed(p, p->at->at, "a cast is `cast(x as int)`", "expected `as`, got %s", sx_here(p));
    ast->type = sx_parse_type(p);
    sx_want_sign(p, ")", "behind the type");
    ast->at = sx_parse_span(p, ast->at);
    return ast;
}

/* x -> expr | (a, b) -> expr */
static bool at_lambda(const struct sx_parser *p)
{
    const struct sx_token *t = p->at;

    if (t->kind == SX_TOKEN_NAME)
        return t[1].kind == SX_TOKEN_SIGN && strcmp(t[1].text, "->") == 0;
    if (!sx_at_sign(p, "("))
        return false;
    for (t++; t->kind == SX_TOKEN_NAME && t[1].kind == SX_TOKEN_SIGN; t += 2) {
        if (strcmp(t[1].text, ")") == 0)
            return t[2].kind == SX_TOKEN_SIGN && strcmp(t[2].text, "->") == 0;
        if (strcmp(t[1].text, ",") != 0)
            return false;
    }
    return false;
}

static struct sx_ast *parse_lambda(struct sx_parser *p)
{
    struct sx_ast *ast = sx_ast_new(p, SX_AST_LAMBDA, p->at->at);
    bool list = sx_take_sign(p, "(");
    uint32_t count = 0, places = 0;

    do {
        *SX_PARSE_PUSH(p, ast->names_at, places) = p->at->at;
        *SX_PARSE_PUSH(p, ast->names, count) = sx_want_name(p, "a parameter's name", NULL);
    } while (list && sx_take_sign(p, ","));
    if (list)
        sx_want_sign(p, ")", "behind the parameters");
    sx_want_sign(p, "->", "behind the parameters");
    sx_ast_add(p, ast, sx_parse_expr(p));
    ast->size = count;
    ast->at = sx_parse_span(p, ast->at);
    return ast;
}

/* name(arg, ... [where c]) */
static struct sx_ast *parse_call(struct sx_parser *p)
{
    struct sx_ast *ast = sx_ast_new(p, SX_AST_CALL, p->at->at);

    ast->text = p->at->text;
    p->at += 2;
    while (!p->failed && !sx_at_sign(p, ")")) {
        if (sx_at_word(p, "where") && (p->at[1].kind != SX_TOKEN_SIGN || strcmp(p->at[1].text, "(") == 0 ||
                                       strcmp(p->at[1].text, "-") == 0))
            break;
        sx_ast_add(p, ast, at_lambda(p) ? parse_lambda(p) : sx_parse_expr(p));
        if (!sx_take_sign(p, ","))
            break;
    }
    if (sx_take_word(p, "where"))
        ast->where = sx_parse_expr(p);
    sx_want_sign(p, ")", "behind the arguments");
    ast->at = sx_parse_span(p, ast->at);
    return ast;
}

/* { a: 1, b: 2 } */
static struct sx_ast *parse_struct(struct sx_parser *p)
{
    struct sx_ast *ast = sx_ast_new(p, SX_AST_STRUCT, p->at->at);
    struct sx_ast_item *items = NULL;
    uint32_t count = 0, names = 0;

    sx_parse_braced_items(p, false, &items, &count);
    for (uint32_t i = 0; i < count; i++) {
        if (items[i].name == NULL) {
            sx_parse_failed(p, items[i].at, "write `name: value`", "a field of a struct needs a name");
            break;
        }
        for (uint32_t j = 0; j < i; j++)
            if (strcmp(items[i].name, items[j].name) == 0)
                sx_parse_failed(p, items[i].at, NULL, "the field `%s` is there twice", items[i].name);
        *SX_PARSE_PUSH(p, ast->names, names) = items[i].name;
        sx_ast_add(p, ast, items[i].expr);
    }
    ast->at = sx_parse_span(p, ast->at);
    return ast;
}

/* map { "k": 1 } */
static struct sx_ast *parse_map(struct sx_parser *p)
{
    struct sx_ast *ast = sx_ast_new(p, SX_AST_MAP, p->at->at);

    p->at += 2;
    while (!p->failed && !sx_at_sign(p, "}")) {
        sx_ast_add(p, ast, sx_parse_expr(p));
        sx_want_sign(p, ":", "between a key and its value");
        sx_ast_add(p, ast, sx_parse_expr(p));
        if (!sx_take_sign(p, ","))
            break;
    }
    sx_want_sign(p, "}", "behind the map");
    ast->at = sx_parse_span(p, ast->at);
    return ast;
}

static struct sx_ast *parse_array(struct sx_parser *p)
{
    struct sx_ast *ast = sx_ast_new(p, SX_AST_ARRAY, p->at->at);

    p->at++;
    while (!p->failed && !sx_at_sign(p, "]")) {
        sx_ast_add(p, ast, sx_parse_expr(p));
        if (!sx_take_sign(p, ","))
            break;
    }
    sx_want_sign(p, "]", "behind the array");
    ast->at = sx_parse_span(p, ast->at);
    return ast;
}

static struct sx_ast *parse_meta(struct sx_parser *p)
{
    struct sx_ast *ast = literal_at(p, SX_AST_META);

    if (strcmp(ast->text, "header") == 0) {
        sx_want_sign(p, "(", "behind `@header`");
        sx_ast_add(p, ast, sx_parse_expr(p));
        sx_want_sign(p, ")", "behind the header's name");
        ast->at = sx_parse_span(p, ast->at);
    }
    return ast;
}

static struct sx_ast *parse_word(struct sx_parser *p)
{
    const struct sx_token *next = p->at + 1;
    bool quoted = p->at->quoted, string_next = next->kind == SX_TOKEN_STRING;
    struct sx_ast *ast;

    if (sx_at_head(p)) {
        sx_parse_failed(p, p->at->at, NULL, "expected an expression, got %s", sx_here(p));
        return sx_ast_new(p, SX_AST_ERROR, p->at->at);
    }
    if (!quoted) {
        if (sx_at_word(p, "null"))
            return literal_at(p, SX_AST_NULL);
        if (sx_at_word(p, "true") || sx_at_word(p, "false")) {
            bool value = sx_at_word(p, "true");
            ast = literal_at(p, SX_AST_BOOL);
            ast->integer = value;
            return ast;
        }
        if (sx_at_word(p, "case"))
            return parse_case(p);
        if (string_next && sx_at_word(p, "timestamp"))
            return sx_parse_time(p, SX_AST_TIMESTAMP);
        if (string_next && sx_at_word(p, "date"))
            return sx_parse_time(p, SX_AST_DATE);
        if (string_next && sx_at_word(p, "time"))
            return sx_parse_time(p, SX_AST_TIME);
        if (string_next && sx_at_word(p, "decimal"))
            return sx_parse_decimal(p);
        if (sx_at_word(p, "map") && next->kind == SX_TOKEN_SIGN && strcmp(next->text, "{") == 0)
            return parse_map(p);
    }
    if (next->kind == SX_TOKEN_SIGN && strcmp(next->text, "(") == 0)
        return !quoted && sx_at_word(p, "cast") ? parse_cast(p) : parse_call(p);
    if (sx_want_name(p, "a column", NULL), p->failed)
        return sx_ast_new(p, SX_AST_ERROR, p->at->at);
    p->at--;
    return literal_at(p, SX_AST_NAME);
}

static struct sx_ast *parse_primary(struct sx_parser *p)
{
    struct sx_ast *ast;

    switch (p->at->kind) {
    case SX_TOKEN_INT:
        if (p->at->integer == INT64_MIN)
            sx_parse_failed(p, p->at->at, "an int has 64 bits", "`%s` does not fit into an int", p->at->text);
        return literal_at(p, SX_AST_INT);
    case SX_TOKEN_DOUBLE:
        return literal_at(p, SX_AST_DOUBLE);
    case SX_TOKEN_STRING:
        return literal_at(p, SX_AST_STRING);
    case SX_TOKEN_DURATION:
        return literal_at(p, SX_AST_DURATION);
    case SX_TOKEN_SIZE:
        return literal_at(p, SX_AST_SIZE);
    case SX_TOKEN_META:
        return parse_meta(p);
    case SX_TOKEN_NAME:
        return parse_word(p);
    default:
        break;
    }
    if (sx_at_sign(p, "[")) {
        return parse_array(p);
    }
    if (sx_at_sign(p, "{")) {
        return parse_struct(p);
    }
    if (sx_take_sign(p, "(")) {
        ast = sx_parse_expr(p);
        if (sx_at_sign(p, ","))
            sx_parse_failed(p, p->at->at, "a list stands between brackets: `[a, b]`",
                            "expected `)` behind the expression, got `,`");
        sx_want_sign(p, ")", "behind the expression");
        return ast;
    }
    sx_parse_failed(p, p->at->at, sx_at_sign(p, "*") ? "`count()` counts rows" : NULL,
                    "expected an expression, got %s", sx_here(p));
    return sx_ast_new(p, SX_AST_ERROR, p->at->at);
}

/* primary (. name | [ expr ])* */
static struct sx_ast *parse_postfix(struct sx_parser *p)
{
    struct sx_ast *left = parse_primary(p);

    while (!p->failed) {
        if (sx_at_sign(p, ".") && p->at[1].kind == SX_TOKEN_NAME) {
            struct sx_ast *ast = sx_ast_new(p, SX_AST_FIELD, left->at);

            p->at++;
            ast->text = (p->at++)->text;
            sx_ast_add(p, ast, left);
            ast->at = sx_parse_span(p, left->at);
            left = ast;
        } else if (sx_take_sign(p, "[")) {
            struct sx_ast *ast = sx_ast_new(p, SX_AST_INDEX, left->at);

            sx_ast_add(p, ast, left);
            sx_ast_add(p, ast, sx_parse_expr(p));
            sx_want_sign(p, "]", "behind the index");
            ast->at = sx_parse_span(p, left->at);
            left = ast;
        } else {
            break;
        }
    }
    return left;
}

struct sx_ast *sx_parse_value(struct sx_parser *p)
{
    struct sx_position at = p->at->at;
    struct sx_ast *ast;

    if (!sx_at_sign(p, "-"))
        return parse_primary(p);
    p->at++;
    if (p->at->kind == SX_TOKEN_INT && p->at->integer == INT64_MIN)
        return literal_at(p, SX_AST_INT);
    ast = sx_ast_new(p, SX_AST_NEGATE, at);
    sx_ast_add(p, ast, parse_primary(p));
    ast->at = sx_parse_span(p, at);
    return ast;
}

static struct sx_ast *parse_unary(struct sx_parser *p)
{
    struct sx_position at = p->at->at;
    struct sx_ast *ast;

    if (!sx_take_sign(p, "-"))
        return parse_postfix(p);
    if (p->at->kind == SX_TOKEN_INT && p->at->integer == INT64_MIN) {
        ast = literal_at(p, SX_AST_INT);
        ast->at = sx_parse_span(p, at);
        return ast;
    }
    if (!sx_parse_enter(p))
        return sx_ast_new(p, SX_AST_ERROR, at);
    ast = sx_ast_new(p, SX_AST_NEGATE, at);
    sx_ast_add(p, ast, parse_unary(p));
    ast->at = sx_parse_span(p, at);
    p->depth--;
    return ast;
}

/* One level of left-associative signs. */
static struct sx_ast *parse_left(struct sx_parser *p, const char *const *signs,
                                 struct sx_ast *(*next)(struct sx_parser *))
{
    struct sx_ast *left = next(p);

    for (size_t i = 0; signs[i] != NULL && !p->failed;) {
        if (sx_take_sign(p, signs[i])) {
            left = binary(p, signs[i], left, next(p));
            i = 0;
        } else {
            i++;
        }
    }
    return left;
}

static struct sx_ast *parse_product(struct sx_parser *p)
{
    static const char *const signs[] = {"*", "/", "%", NULL};
    return parse_left(p, signs, parse_unary);
}

struct sx_ast *sx_parse_sum(struct sx_parser *p)
{
    static const char *const signs[] = {"+", "-", NULL};
    return parse_left(p, signs, parse_product);
}

static struct sx_ast *parse_coalesce(struct sx_parser *p)
{
    static const char *const signs[] = {"??", NULL};
    return parse_left(p, signs, sx_parse_sum);
}

/* x [not] in [...] | x in (a, b) */
static struct sx_ast *parse_in(struct sx_parser *p, struct sx_ast *left, bool negated)
{
    struct sx_ast *ast = sx_ast_new(p, SX_AST_IN, left->at);

    ast->negated = negated;
    sx_ast_add(p, ast, left);
    sx_ast_add(p, ast, parse_coalesce(p));
    ast->at = sx_parse_span(p, left->at);
    return ast;
}

static struct sx_ast *parse_range(struct sx_parser *p, struct sx_ast *left, bool negated)
{
    struct sx_ast *ast = sx_ast_new(p, SX_AST_BETWEEN, left->at);

    ast->negated = negated;
    sx_ast_add(p, ast, left);
    sx_ast_add(p, ast, parse_coalesce(p));
    if (!sx_take_word(p, "and"))
        sx_parse_failed(p, p->at->at, "it is `x between 1 and 10`", "expected `and`, got %s", sx_here(p));
    sx_ast_add(p, ast, parse_coalesce(p));
    ast->at = sx_parse_span(p, left->at);
    return ast;
}

static struct sx_ast *parse_like(struct sx_parser *p, struct sx_ast *left, bool negated)
{
    struct sx_ast *ast = sx_ast_new(p, SX_AST_LIKE, left->at);

    ast->negated = negated;
    sx_ast_add(p, ast, left);
    sx_ast_add(p, ast, parse_coalesce(p));
    if (sx_take_word(p, "escape"))
        sx_ast_add(p, ast, parse_coalesce(p));
    ast->at = sx_parse_span(p, left->at);
    return ast;
}

static const char *take_comparison(struct sx_parser *p)
{
    static const char *const signs[] = {"==", "!=", "<=", ">=", "<", ">", "=~", "!~"};

    for (size_t i = 0; i < SX_COUNT(signs); i++)
        if (sx_take_sign(p, signs[i]))
            return signs[i];
    return NULL;
}

static struct sx_ast *parse_comparison(struct sx_parser *p)
{
    struct sx_ast *left = parse_coalesce(p);
    const char *sign = take_comparison(p);
    struct sx_position second;
    bool negated;

    if (sign != NULL) {
        left = binary(p, sign, left, parse_coalesce(p));
        second = p->at->at;
        if (!p->failed && take_comparison(p) != NULL)
            sx_parse_failed(p, second, "write `a < b and b < c`", "comparisons do not chain");
        return left;
    }
    if (sx_at_sign(p, "=")) {
        sx_parse_failed(p, p->at->at, "write `==`", "`=` does not compare");
        return left;
    }
    if (sx_take_word(p, "is")) {
        struct sx_ast *ast = sx_ast_new(p, SX_AST_IS_NULL, left->at);

        ast->negated = sx_take_word(p, "not");
        if (!sx_take_word(p, "null"))
            sx_parse_failed(p, p->at->at, "it is `is null` or `is not null`", "expected `null`, got %s",
                            sx_here(p));
        sx_ast_add(p, ast, left);
        ast->at = sx_parse_span(p, left->at);
        return ast;
    }
    negated = sx_at_words(p, "not in") || sx_at_words(p, "not between") || sx_at_words(p, "not like");
    p->at += negated;
    if (sx_take_word(p, "in"))
        return parse_in(p, left, negated);
    if (sx_take_word(p, "between"))
        return parse_range(p, left, negated);
    if (sx_take_word(p, "like"))
        return parse_like(p, left, negated);
    return left;
}

static struct sx_ast *parse_not(struct sx_parser *p)
{
    struct sx_position at = p->at->at;
    struct sx_ast *ast;

    if (!sx_take_word(p, "not"))
        return parse_comparison(p);
    if (!sx_parse_enter(p))
        return sx_ast_new(p, SX_AST_ERROR, at);
    ast = sx_ast_new(p, SX_AST_NOT, at);
    sx_ast_add(p, ast, parse_not(p));
    ast->at = sx_parse_span(p, at);
    p->depth--;
    return ast;
}

static struct sx_ast *parse_and(struct sx_parser *p)
{
    struct sx_ast *left = parse_not(p);

    while (!p->failed && sx_take_word(p, "and"))
        left = binary(p, "and", left, parse_not(p));
    return left;
}

struct sx_ast *sx_parse_expr(struct sx_parser *p)
{
    struct sx_ast *left;

    if (!sx_parse_enter(p))
        return sx_ast_new(p, SX_AST_ERROR, p->at->at);
    left = parse_and(p);
    while (!p->failed && sx_take_word(p, "or"))
        left = binary(p, "or", left, parse_and(p));
    p->depth--;
    return left;
}
