/* test_types.c: what names mean, and the types of expressions. */
#include "engine/base/text.h"
#include "tests/unit/dsl/fake.h"

/* The type of an expression over `orders`, or its mistake without place and hint. */
static const char *type_of(const char *expression)
{
    static char out[512];
    char text[1024];
    struct sx_compiled *c;

    snprintf(text, sizeof(text), ORDERS "stream a = orders | map { x: %s }\na | to topic \"a\"", expression);
    c = fake_compile(text);
    snprintf(out, sizeof(out), "%s", c ? strstr(fake_seen(), " x ") + 3 : strstr(fake_said(), ": ") + 2);
    out[strcspn(out, "\n")] = '\0';
    if (c == NULL && strstr(out, " [") != NULL)
        *strstr(out, " [") = '\0';
    sx_compiled_free(c);
    return out;
}

/* A constant as `type value`. */
static const char *value_of(const char *expression)
{
    static struct sx_buffer out;
    const struct sx_type *type;
    struct sx_value value;
    streamd_error *error = NULL;
    struct sx_arena arena;

    out.size = 0;
    sx_arena_init(&arena, 0);
    if (sx_compile_constant(expression, &fake_catalog, &arena, &value, &type, &error) == STREAMD_OK) {
        sx_type_print(type, &out);
        sx_buffer_add_byte(&out, ' ');
        sx_json_write_value(&out, value, type);
    } else {
        sx_buffer_printf(&out, "%u: %s", streamd_error_column(error), streamd_error_message(error));
    }
    sx_buffer_add_byte(&out, '\0');
    streamd_error_free(error);
    sx_arena_free(&arena);
    return out.data;
}

static void names(void)
{
    SX_ASSERT_TEXT(type_of("n"), "int");
    SX_ASSERT_TEXT(type_of("orders.n"), "int");
    SX_ASSERT_TEXT(type_of("place"), "{ city string, at { x int } }");
    SX_ASSERT_TEXT(type_of("place.at.x"), "int");
    SX_ASSERT_TEXT(type_of("orders.place.city"), "string");
    SX_ASSERT_TEXT(type_of("tags[0]"), "string");
    SX_ASSERT_TEXT(type_of("m[\"k\"]"), "int");
    SX_ASSERT_TEXT(type_of("@key"), "string");
    SX_ASSERT_TEXT(type_of("@timestamp"), "timestamp");
    SX_ASSERT_TEXT(type_of("@partition + @offset"), "int");
    SX_ASSERT_TEXT(type_of("@topic + @header(\"h\")"), "string");
    SX_ASSERT_TEXT(type_of("nn"), "there is no column `nn`");
    SX_ASSERT_TEXT(type_of("place.town"), "{ city string, at { x int } } has no field `town`");
    SX_ASSERT_TEXT(type_of("n.x"), "int has no field `x`");
    SX_ASSERT_TEXT(type_of("m.k"), "map<int> has no field `k`");
    SX_ASSERT_TEXT(type_of("window.start"), "the rows have no window here");
    SX_ASSERT_TEXT(type_of("@keys"), "there is no `@keys`");
    SX_ASSERT_TEXT(type_of("@header(id)"), "there is no param `id`");
}

static void arithmetic(void)
{
    SX_ASSERT_TEXT(value_of("7 / 2"), "int 3");
    SX_ASSERT_TEXT(value_of("7 / 2.0"), "double 3.5");
    SX_ASSERT_TEXT(value_of("1 + 2 * 3"), "int 7");
    SX_ASSERT_TEXT(value_of("\"a\" + \"b\""), "string \"ab\"");
    SX_ASSERT_TEXT(value_of("timestamp \"1970-01-01T00:00:10Z\" - 1s"), "timestamp 9000");
    SX_ASSERT_TEXT(value_of("1s + timestamp \"1970-01-01T00:00:10Z\""), "timestamp 11000");
    SX_ASSERT_TEXT(value_of("timestamp \"1970-01-01T00:00:10Z\" - timestamp \"1970-01-01T00:00:01Z\""),
                   "duration 9000");
    SX_ASSERT_TEXT(value_of("3 * 2s"), "duration 6000");
    SX_ASSERT_TEXT(value_of("2s * 3 + 1s - 500ms"), "duration 6500");
    SX_ASSERT_TEXT(value_of("-5m"), "duration -300000");
    SX_ASSERT_TEXT(value_of("1 / 0"), "1: division by zero");
    SX_ASSERT_TEXT(value_of("5 + null"), "int null");
    SX_ASSERT_TEXT(type_of("at + 5"), "`+` does not work on timestamp and int");
    SX_ASSERT_TEXT(type_of("at + at"), "`+` does not work on timestamp and timestamp");
    SX_ASSERT_TEXT(type_of("1s * 2.0"), "`*` does not work on duration and double");
    SX_ASSERT_TEXT(type_of("1s * 1s"), "`*` does not work on duration and duration");
    SX_ASSERT_TEXT(type_of("id + n"), "`+` does not work on string and int");
    SX_ASSERT_TEXT(type_of("id - id"), "`-` does not work on string and string");
    SX_ASSERT_TEXT(type_of("-id"), "string has no negative");
    SX_ASSERT_TEXT(type_of("64MiB"), "a size can only stand in a setting");
}

static void conditions(void)
{
    SX_ASSERT_TEXT(value_of("1 == 1.0"), "bool true");
    SX_ASSERT_TEXT(value_of("2 in [1, 2.0]"), "bool true");
    SX_ASSERT_TEXT(value_of("2 not in [1, 3]"), "bool true");
    SX_ASSERT_TEXT(value_of("1 in []"), "bool false");
    SX_ASSERT_TEXT(value_of("2 between 1 and 2.5"), "bool true");
    SX_ASSERT_TEXT(value_of("2 not between 1 and 2"), "bool false");
    SX_ASSERT_TEXT(value_of("null is null"), "bool true");
    SX_ASSERT_TEXT(value_of("1 is not null and not false"), "bool true");
    SX_ASSERT_TEXT(value_of("[1, 2] == [1, 2.0]"), "bool true");
    SX_ASSERT_TEXT(value_of("{ a: 1 } == { a: 1 }"), "bool true");
    SX_ASSERT_TEXT(type_of("id =~ \"x\""), "bool");
    SX_ASSERT_TEXT(type_of("id !~ \"x\""), "bool");
    SX_ASSERT_TEXT(type_of("id not like \"x\" escape \"!\""), "bool");
    SX_ASSERT_TEXT(type_of("n =~ \"x\""), "`matches` does not take (int, string)");
    SX_ASSERT_TEXT(type_of("id in tags"), "bool");
    SX_ASSERT_TEXT(type_of("n in tags"), "`array_contains` does not take (array<string>, int)");
    SX_ASSERT_TEXT(type_of("n in id"), "expected an array behind `in`, and this is string");
    SX_ASSERT_TEXT(type_of("n == id"), "int and string cannot be compared");
    SX_ASSERT_TEXT(type_of("tags == m"), "array<string> and map<int> cannot be compared");
    SX_ASSERT_TEXT(type_of("n and true"), "expected bool here, and this is int");
    SX_ASSERT_TEXT(type_of("n in [1, \"a\"]"), "int and string cannot be compared");
}

static void common_types(void)
{
    SX_ASSERT_TEXT(value_of("if(true, 1, 2.5)"), "double 1.0");
    SX_ASSERT_TEXT(value_of("case when false then 1 end"), "int null");
    SX_ASSERT_TEXT(value_of("case when false then 1 when true then 2.5 else 3 end"), "double 2.5");
    SX_ASSERT_TEXT(value_of("[1, null, 2.5]"), "array<double> [1.0,null,2.5]");
    SX_ASSERT_TEXT(value_of("[null, \"a\"]"), "array<string> [null,\"a\"]");
    SX_ASSERT_TEXT(value_of("[[], [1]]"), "array<array<int>> [[],[1]]");
    SX_ASSERT_TEXT(value_of("map { \"a\": 1, \"b\": 2.0 }"), "map<double> {\"a\":1.0,\"b\":2.0}");
    SX_ASSERT_TEXT(value_of("{ a: 1, b: { c: \"x\" } }"),
                   "{ a int, b { c string } } {\"a\":1,\"b\":{\"c\":\"x\"}}");
    SX_ASSERT_TEXT(value_of("null ?? 1 ?? 2.5"), "double 1.0");
    SX_ASSERT_TEXT(type_of("tags ?? []"), "array<string>");
    SX_ASSERT_TEXT(type_of("case when true then [] else tags end"), "array<string>");
    SX_ASSERT_TEXT(type_of("if(n, 1, 2)"), "expected bool here, and this is int");
    SX_ASSERT_TEXT(type_of("if(true, 1, \"a\")"), "the branches are of different types, int and string");
    SX_ASSERT_TEXT(type_of("[1, \"a\"]"), "the elements are of different types, int and string");
    SX_ASSERT_TEXT(type_of("id ?? 1"), "`??` needs two of one type, and these are string and int");
    SX_ASSERT_TEXT(type_of("null"), "the type of `x` is not known");
    SX_ASSERT_TEXT(type_of("map { 1: 2 }"), "expected string here, and this is int");
    SX_ASSERT_TEXT(type_of("{ a: 1, a: 2 }"), "the field `a` is there twice");
}

static void casts(void)
{
    SX_ASSERT_TEXT(value_of("cast(2.9 as int)"), "int 2");
    SX_ASSERT_TEXT(value_of("cast(null as string)"), "string null");
    SX_ASSERT_TEXT(value_of("cast(1500 as timestamp)"), "timestamp 1500");
    SX_ASSERT_TEXT(type_of("try(cast(id as int))"), "int");
    SX_ASSERT_TEXT(value_of("cast(\"x\" as int)"), "1: cannot cast \"x\" to int");
    SX_ASSERT_TEXT(type_of("cast(tags as int)"), "array<string> cannot be cast to int");
    SX_ASSERT_TEXT(type_of("cast(n as decimal(10, 2))"), "decimal(10, 2)");
    SX_ASSERT_TEXT(type_of("cast(n as integer)"), "expected a type, got `integer`");
}

static void calls(void)
{
    SX_ASSERT_TEXT(type_of("upper(id)"), "string");
    SX_ASSERT_TEXT(type_of("half(n)"), "double");
    SX_ASSERT_TEXT(type_of("same(n)"), "int");
    SX_ASSERT_TEXT(type_of("same(amount)"), "double");
    SX_ASSERT_TEXT(type_of("pick(id, \"a\", null)"), "string");
    SX_ASSERT_TEXT(type_of("pick(n, amount)"), "double");
    SX_ASSERT_TEXT(type_of("upper(null)"), "string");
    SX_ASSERT_TEXT(type_of("max([1])"), "int"); /* the function, where no aggregate can stand */
    SX_ASSERT_TEXT(type_of("uper(id)"), "there is no function `uper`");
    SX_ASSERT_TEXT(type_of("upper(n)"), "`upper` does not take (int)");
    SX_ASSERT_TEXT(type_of("upper()"), "`upper` does not take ()");
    SX_ASSERT_TEXT(type_of("sum(n)"), "`sum` is an aggregate and stands in `aggregate` only");
    SX_ASSERT_TEXT(type_of("upper(id where n > 1)"),
                   "`where` stands in aggregates only, and `upper` is none");
    SX_ASSERT_TEXT(type_of("now()"), "there is no `now()`: a result depends on its input alone");
    SX_ASSERT_TEXT(type_of("pick(tags, x -> x)"), "`pick` takes no lambda");
    SX_ASSERT_TEXT(type_of("try(n, 1)"), "`try` takes one expression");
}

static void functions_of_the_file(void)
{
    SEEN("function vat(x double) = x * 0.2\nfunction all_of(a int, b string) = { a: a, b: b }\n" ORDERS
         "stream a = orders | map { v: vat(n), s: all_of(n, id), w: vat(vat(1)) }\na | to topic \"a\"",
         "a map v double, s { a int, b string }, w double\na to a key string(key) value json(v s w)\n");
    /* Looked at where it is declared, said once, and its use is no second mistake. */
    SAID("function f(x int) = x + y\n" ORDERS "stream a = orders | map { v: f(n), w: f(n) }",
         "1:25: `y` is neither a parameter nor a param [hand a column over as an argument]\n");
    SAID("function f(x int) = f(x)", "1:21: `f` calls itself\n");
    SAID("function f(x int, x int) = x", "1:19: the parameter `x` is there twice\n");
    SAID("function f(x int) = x\nfunction f(y int) = y", "2:10: the function `f` is there twice\n");
    SAID("function f(x int) = x\n" ORDERS "stream a = orders | map { v: f(id), w: f(n, 1) }",
         "3:32: expected int here, and this is string [write `cast(... as int)`]\n"
         "3:40: `f` takes 1 argument, and got 2\n");
}

static void params(void)
{
    static const char *const param_names[] = {"least"}, *const param_values[] = {"7"};
    struct sx_compile_options options = {
        .param_names = param_names, .param_values = param_values, .param_count = 1};
    const char *text = "param least int = 2\nparam far duration = 2 * 5m\n" ORDERS
                       "stream a = orders | map { x: least, y: far } | repartition least\n"
                       "a | to topic \"a\"";
    struct sx_compiled *c;

    SEEN(text, "a map x int, y duration\na repartition 2\na to a key string(key) value json(x y)\n");
    c = fake_compile_bytes(text, strlen(text), options);
    CU_ASSERT_PTR_NOT_NULL(c);
    SX_ASSERT_TEXT(fake_seen(),
                   "a map x int, y duration\na repartition 7\na to a key string(key) value json(x y)\n");
    sx_compiled_free(c);

    c = fake_compile_bytes("param least bool = true", 23, options);
    CU_ASSERT_PTR_NULL(c);
    SX_ASSERT_TEXT(fake_said(), "1:7: `7` is no bool for the param `least`\n");
    c = fake_compile_bytes("param other int = 1", 19, options);
    CU_ASSERT_PTR_NULL(c);
    SX_ASSERT_TEXT(fake_said(), "0:0: the file has no param `least` to set\n");

    SAID("param x int", "1:7: the param `x` has no value [give it one: --set x=...]\n");
    SAID("param x", "1:7: the param `x` has neither type nor value [write `param NAME TYPE` or `param NAME = "
                    "VALUE`]\n");
    SAID("param x = null", "1:11: the type of `x` is not known [write `param x string = null`]\n");
    SAID("param x = 1\nparam x = 2", "2:7: the param `x` is there twice\n");
    SAID("param x = y\n" ORDERS "stream a = orders | filter n > x",
         "1:11: there is no param `y` [only constants and params stand here; a text "
         "stands between quotes: `\"y\"`]\n");
}

void suite_types(void)
{
    SX_SUITE("types");
    SX_TEST(names);
    SX_TEST(arithmetic);
    SX_TEST(conditions);
    SX_TEST(common_types);
    SX_TEST(casts);
    SX_TEST(calls);
    SX_TEST(functions_of_the_file);
    SX_TEST(params);
}
