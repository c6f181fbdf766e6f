/* test_expressions.c: which operator binds which, and what an expression ends at. */
#include "dsl/parse.h"
#include "tests/unit/unit.h"

static void add(struct sx_buffer *to, const struct sx_ast *ast)
{
    static const char *const words[] = {
        [SX_AST_ERROR] = "error",   [SX_AST_NULL] = "null",       [SX_AST_NEGATE] = "neg",
        [SX_AST_NOT] = "not",       [SX_AST_INDEX] = "index",     [SX_AST_IS_NULL] = "is-null",
        [SX_AST_IN] = "in",         [SX_AST_BETWEEN] = "between", [SX_AST_LIKE] = "like",
        [SX_AST_CASE] = "case",     [SX_AST_CAST] = "cast",       [SX_AST_ARRAY] = "array",
        [SX_AST_STRUCT] = "struct", [SX_AST_MAP] = "map",         [SX_AST_LAMBDA] = "lambda",
        [SX_AST_STAR] = "star",
    };

    switch (ast->kind) {
    case SX_AST_NAME:
    case SX_AST_STRING:
        sx_buffer_add_text(to, ast->text);
        return;
    case SX_AST_BOOL:
    case SX_AST_INT:
    case SX_AST_DURATION:
    case SX_AST_SIZE:
    case SX_AST_TIMESTAMP:
    case SX_AST_DATE:
    case SX_AST_TIME:
        sx_buffer_printf(to, "%lld", (long long)ast->integer);
        return;
    case SX_AST_DOUBLE:
        sx_buffer_printf(to, "%g", ast->real);
        return;
    case SX_AST_NULL:
        sx_buffer_add_text(to, "null");
        return;
    case SX_AST_META:
        sx_buffer_printf(to, "@%s", ast->text);
        if (ast->count == 0)
            return;
        sx_buffer_add_byte(to, '(');
        break;
    case SX_AST_BINARY:
    case SX_AST_CALL:
        sx_buffer_printf(to, "(%s", ast->text);
        break;
    case SX_AST_FIELD:
        sx_buffer_printf(to, "(.%s", ast->text);
        break;
    default:
        sx_buffer_printf(to, "(%s%s", ast->negated ? "not-" : "", words[ast->kind]);
    }
    for (uint32_t i = 0; i < ast->count; i++) {
        sx_buffer_add_byte(to, ' ');
        if (ast->kind == SX_AST_STRUCT)
            sx_buffer_printf(to, "%s:", ast->names[i]);
        add(to, ast->args[i]);
    }
    if (ast->type != NULL) {
        sx_buffer_add_byte(to, ' ');
        sx_type_print(ast->type, to);
    }
    if (ast->where != NULL) {
        sx_buffer_add_text(to, " where ");
        add(to, ast->where);
    }
    sx_buffer_add_byte(to, ')');
}

/* The tree as nested lists, then what is left of the text, then the mistake. */
static const char *tree(const char *text)
{
    static struct sx_buffer out;
    struct sx_catalog none = {0};
    struct sx_arena arena;
    struct sx_diagnostics d = {.arena = &arena};
    struct sx_text t = {.name = "t", .data = text, .size = strlen(text)};
    struct sx_parser p = {.arena = &arena, .d = &d, .catalog = &none};
    struct sx_ast *ast;
    uint32_t count;

    sx_arena_init(&arena, 0);
    out.size = 0;
    p.tokens = p.at = sx_lex(&t, &arena, &d, &count);
    ast = sx_parse_expr(&p);
    if (d.count == 0)
        add(&out, ast);
    if (d.count == 0 && p.at->kind != SX_TOKEN_END)
        sx_buffer_printf(&out, " ... %s", p.at->text);
    for (uint32_t i = 0; i < d.count; i++)
        sx_buffer_printf(&out, "%u: %s", d.items[i].at.column, d.items[i].message);
    sx_buffer_add_byte(&out, '\0');
    sx_arena_free(&arena);
    return out.data;
}

static void precedence(void)
{
    SX_ASSERT_TEXT(tree("a or b and not c == d ?? e + f * -g.h"),
                   "(or a (and b (not (== c (?? d (+ e (* f (neg (.h g)))))))))");
    SX_ASSERT_TEXT(tree("a * b % c / d"), "(/ (% (* a b) c) d)");
    SX_ASSERT_TEXT(tree("a - b + c"), "(+ (- a b) c)");
    SX_ASSERT_TEXT(tree("a == b ?? c"), "(== a (?? b c))");
    SX_ASSERT_TEXT(tree("a ?? b ?? c"), "(?? (?? a b) c)");
    SX_ASSERT_TEXT(tree("not a and b"), "(and (not a) b)");
    SX_ASSERT_TEXT(tree("not not a"), "(not (not a))");
    SX_ASSERT_TEXT(tree("(a or b) and c"), "(and (or a b) c)");
    SX_ASSERT_TEXT(tree("-a.b[0]"), "(neg (index (.b a) 0))");
    SX_ASSERT_TEXT(tree("a - -b"), "(- a (neg b))");
    SX_ASSERT_TEXT(tree("--a"), "(neg (neg a))");
    SX_ASSERT_TEXT(tree("a =~ b and c !~ d"), "(and (=~ a b) (!~ c d))");
    SX_ASSERT_TEXT(tree("a.b.c[1][-1]"), "(index (index (.c (.b a)) 1) (neg 1))");
}

static void comparisons(void)
{
    SX_ASSERT_TEXT(tree("a in [1, 2]"), "(in a (array 1 2))");
    SX_ASSERT_TEXT(tree("a not in b"), "(not-in a b)");
    SX_ASSERT_TEXT(tree("a between 1 + 1 and 5 and b"), "(and (between a (+ 1 1) 5) b)");
    SX_ASSERT_TEXT(tree("a not between 1 and 5"), "(not-between a 1 5)");
    SX_ASSERT_TEXT(tree("a like \"x\" escape \"!\""), "(like a x !)");
    SX_ASSERT_TEXT(tree("a not like \"x\" or b"), "(or (not-like a x) b)");
    SX_ASSERT_TEXT(tree("a + 1 is not null and b is null"), "(and (not-is-null (+ a 1)) (is-null b))");
    SX_ASSERT_TEXT(tree("a < b < c"), "7: comparisons do not chain");
    SX_ASSERT_TEXT(tree("a == b != c"), "8: comparisons do not chain");
    SX_ASSERT_TEXT(tree("a = b"), "3: `=` does not compare");
    SX_ASSERT_TEXT(tree("a in (1, 2)"), "8: expected `)` behind the expression, got `,`");
}

static void constructors_and_calls(void)
{
    SX_ASSERT_TEXT(tree("{ a: 1, end: [x], c: map { \"k\": {} } }"),
                   "(struct a:1 end:(array x) c:(map k (struct)))");
    SX_ASSERT_TEXT(tree("[1, 2,]"), "(array 1 2)");
    SX_ASSERT_TEXT(tree("f(a, g(), b + 1)"), "(f a (g) (+ b 1))");
    SX_ASSERT_TEXT(tree("sum(a * 2 where b and c)"), "(sum (* a 2) where (and b c))");
    SX_ASSERT_TEXT(tree("count(where a < 5)"), "(count where (< a 5))");
    SX_ASSERT_TEXT(tree("count(where)"), "(count where)");
    SX_ASSERT_TEXT(tree("cast(a as array<{ x int, y map<string> }>)"),
                   "(cast a array<{ x int, y map<string> }>)");
    SX_ASSERT_TEXT(tree("case when a then 1 when b then 2 else 3 end + 1"), "(+ (case a 1 b 2 3) 1)");
    SX_ASSERT_TEXT(tree("f(x -> x + 1, (a, b) -> a)"), "(f (lambda (+ x 1)) (lambda a))");
    SX_ASSERT_TEXT(tree("@header(\"h\") ?? @key"), "(?? @header( h) @key)");
}

static void literals(void)
{
    SX_ASSERT_TEXT(tree("true and false or null"), "(or (and 1 0) null)");
    SX_ASSERT_TEXT(tree("timestamp \"1970-01-01T00:00:01Z\""), "1000");
    SX_ASSERT_TEXT(tree("date \"1970-01-02\""), "1");
    SX_ASSERT_TEXT(tree("time \"00:00:01\""), "1000");
    SX_ASSERT_TEXT(tree("-9223372036854775808"), "-9223372036854775808");
    SX_ASSERT_TEXT(tree("a - 9223372036854775808"), "5: `9223372036854775808` does not fit into an int");
    SX_ASSERT_TEXT(tree("timestamp"), "timestamp");
    SX_ASSERT_TEXT(tree("time + date"), "(+ time date)");
    SX_ASSERT_TEXT(tree("`end` + `null`"), "(+ end null)");
    SX_ASSERT_TEXT(tree("key + value + window + late + where"),
                   "(+ (+ (+ (+ key value) window) late) where)");
}

static void where_it_ends(void)
{
    SX_ASSERT_TEXT(tree("a b"), "a ... b");
    SX_ASSERT_TEXT(tree("a and\n b | map"), "(and a b) ... |");
    SX_ASSERT_TEXT(tree("a +\nstream x = y"), "1: expected an expression, got `stream`");
    SX_ASSERT_TEXT(tree("a and\nstream in b"), "(and a (in stream b))");
    SX_ASSERT_TEXT(tree(""), "1: expected an expression, got the end of the file");
    SX_ASSERT_TEXT(tree("end"), "1: `end` is a word of expressions and cannot be a column");
}

void suite_expressions(void)
{
    SX_SUITE("expressions");
    SX_TEST(precedence);
    SX_TEST(comparisons);
    SX_TEST(constructors_and_calls);
    SX_TEST(literals);
    SX_TEST(where_it_ends);
}
