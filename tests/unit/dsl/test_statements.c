/* test_statements.c: sources, settings, names, what is warned of; and that mistakes are said once. */
#include "tests/unit/dsl/fake.h"

static void sources(void)
{
    struct sx_compiled *c = fake_compile(
        "stream a from topic \"t\", \"u\" { key json { x int, y string } value csv { a int not null "
        "default 3, b string } delimiter \";\" "
        "time cast(a as timestamp) start latest on error to topic \"dead\" }\n"
        "global table b from topic \"b\" { key windowed string size 30s as who value json array<int> }\n"
        "stream c from topic \"c\" { value int }");
    const struct sx_source_spec *s;

    CU_ASSERT_PTR_NOT_NULL_FATAL(c);
    CU_ASSERT_EQUAL_FATAL(c->source_count, 3);
    s = c->sources[0];
    SX_ASSERT_TEXT(s->name, "a");
    CU_ASSERT_EQUAL(s->topic_count, 2);
    SX_ASSERT_TEXT(s->topics[1], "u");
    CU_ASSERT_EQUAL(s->key_count, 2);
    SX_ASSERT_TEXT(s->key_fields[1].name, "y");
    SX_ASSERT_TEXT(s->value_format->name, "csv");
    CU_ASSERT(s->value_fields[0].not_null && s->value_fields[0].has_default);
    CU_ASSERT_EQUAL(s->value_fields[0].preset.i, 3);
    CU_ASSERT(!s->value_fields[1].not_null && !s->value_fields[1].has_default);
    CU_ASSERT_PTR_NOT_NULL(s->time);
    CU_ASSERT_TRUE(s->start_latest);
    CU_ASSERT_EQUAL(s->on_error, SX_ON_ERROR_TOPIC);
    SX_ASSERT_TEXT(s->error_topic, "dead");
    s = c->sources[1];
    CU_ASSERT_EQUAL(s->kind, SX_FLOW_GLOBAL);
    CU_ASSERT_EQUAL(s->key_window_ms, 30000);
    SX_ASSERT_TEXT(s->key_fields[0].name, "who");
    SX_ASSERT_TEXT(s->value_fields[0].name, "value");
    CU_ASSERT_EQUAL(s->value_fields[0].type->kind, SX_ARRAY);
    s = c->sources[2];
    CU_ASSERT_EQUAL(s->key_count, 0);
    SX_ASSERT_TEXT(s->key_format->name, "none");
    CU_ASSERT_PTR_NULL(s->time);
    CU_ASSERT_EQUAL(s->on_error, SX_ON_ERROR_DEFAULT);
    sx_compiled_free(c);
}

static void keywords_are_names(void)
{
    SEEN("stream table from topic \"s\" { key string as time value json { key int, value int, window "
         "int, late int, from int, default int, stream int } }\n"
         "stream set = table | filter stream > key and late > window\n"
         "stream test = set | filter value > from and default > 1\n"
         "test | to topic \"x\" set | to topic \"y\"",
         NULL);
    SX_ASSERT_TEXT(fake_said(), "");
    SAID("stream end from topic \"s\" { value int }",
         "1:8: `end` is a word of expressions and cannot be the stream's name [write it between "
         "backquotes: `end`]\n");
    SEEN("stream `end` from topic \"s\" { value int }\n`end` | to topic \"x\"",
         "x to x key none() value json(value)\n");
}

static void settings(void)
{
    struct sx_compiled *c = fake_compile(
        "set guarantee at_least_once set commit 2s set on error to topic \"dead\" stream a from topic "
        "\"a\" { value int }");

    CU_ASSERT_PTR_NOT_NULL_FATAL(c);
    CU_ASSERT_EQUAL(c->plan->guarantee, 0);
    CU_ASSERT_EQUAL(c->plan->commit_ms, 2000);
    CU_ASSERT_EQUAL(c->plan->on_error, SX_ON_ERROR_TOPIC);
    SX_ASSERT_TEXT(c->plan->topics[c->plan->error_topic]->name, "dead");
    sx_compiled_free(c);
    SAID("set commit 2m\nset garantee exactly_once\nset guarantee twice\nset on error to \"x\"",
         "1:12: the commit interval must be between 1ms and 1m\n"
         "2:5: there is no setting `garantee` [did you mean `guarantee`?]\n"
         "3:15: expected a guarantee, got `twice` [it is `exactly_once` or `at_least_once`]\n"
         "4:14: expected what to do on an error, got `to` [it is `on error fail`, `on error skip` or `on "
         "error to topic \"t\"`]\n");
}

static void the_application(void)
{
    struct sx_compiled *c = fake_compile_bytes(
        ORDERS, strlen(ORDERS), (struct sx_compile_options){.name = "some/folder/my orders.stream"});

    CU_ASSERT_PTR_NOT_NULL_FATAL(c);
    SX_ASSERT_TEXT(c->plan->application, "my_orders");
    sx_compiled_free(c);
    c = fake_compile(ORDERS "orders | to topic \"x\"\napplication shop");
    CU_ASSERT_PTR_NOT_NULL_FATAL(c);
    SX_ASSERT_TEXT(c->plan->application, "shop");
    sx_compiled_free(c);
    SAID("application a\napplication b", "2:13: `application` is written twice\n");
    SAID("application `a b`",
         "1:13: `a b` cannot be a topic's name [topics are named with letters, digits, `.`, `_` and `-`, "
         "at most 249]\n");
}

static void pipelines(void)
{
    struct sx_compiled *c;

    SEEN(ORDERS "stream a = orders\nstream b = a | filter a.n > 1\nb | to topic \"x\" b | filter n > 2 | to "
                "topic \"y\"",
         NULL);
    SAID(ORDERS CUSTOMERS
         "stream a = order\nstream b = c\nstream c = orders\nstream c = orders\ntable d = orders\n"
         "stream e = customers\n"
         "stream f = orders | to topic \"x\"\norders | filter n > 1\norders | group by id\n"
         "orders | to topic \"x\" | filter n > 1\n"
         "table g = orders | group by id\nglobal table h = customers",
         "3:12: there is no stream or table `order` [did you mean `orders`?]\n"
         "4:12: `c` is not declared yet [it is declared at line 5; a name is declared before it is used]\n"
         "6:8: `c` is defined twice [the first one is at line 5]\n"
         "7:7: `d` is a stream [write `stream d = ...`]\n"
         "8:8: `e` is a table [write `table e = ...`]\n"
         "9:8: `f` ends in a sink, so nothing can read it [write `orders | ...` alone]\n"
         "10:1: the pipeline ends nowhere [end it in `| to topic \"...\"`, or give it a name: `stream "
         "NAME = ...`]\n"
         "11:10: `group by` keeps state, which needs the name of a definition [write `stream NAME = ...` "
         "or `table NAME = ...`, then `NAME | to ...`]\n"
         "12:25: nothing flows on to this stage [begin another pipeline: `NAME | ...`]\n"
         "13:7: `g` ends in groups [write `| aggregate { ... }` behind it]\n"
         "14:14: a global table is read from a topic [write `table NAME = ...`]\n");
    c = fake_compile(ORDERS "stream a = orders\nstream b = a\nb | to topic \"x\"");
    CU_ASSERT_PTR_NOT_NULL_FATAL(c);
    CU_ASSERT_EQUAL(c->definition_count, 3);
    SX_ASSERT_TEXT(c->definitions[2].name, "b");
    CU_ASSERT_PTR_NOT_NULL(c->definitions[2].flow);
    sx_compiled_free(c);
}

/* A mistake in a statement leaves its name broken, and its readers in peace. */
static void said_once(void)
{
    SAID("stream a from topic \"a\" { key string value jsn { x int } }\nstream b = a | filter y > 1\n"
         "b | map { z } | to topic \"x\"",
         "1:44: there is no format `jsn` [did you mean `json`?]\n");
    SAID("stream a from topic { key string value json { x int } }\nstream b = a | filter y > 1",
         "1:21: expected the topic's name, got `{`\n");
    SAID("stream a from topic \"a\" { value int }\nstream b = a | filter valu > 1\n"
         "stream c = b | filter nothing > 1\nstream d = b | merge c, x",
         "2:23: there is no column `valu` [did you mean `value`?]\n"
         "4:25: there is no stream or table `x` [a name is declared before it is used]\n");
    SAID("stream a from topic \"a\" { value int }\nstream b = a | fliter value > 1 | filter nothing > 1\n"
         "stream c = a | filter value = 1 | to topic \"x\"\na | filter value >",
         "2:16: there is no stage `fliter` [did you mean `filter`?]\n"
         "3:29: `=` does not compare [write `==`]\n"
         "4:19: expected an expression, got the end of the file\n");
    SAID("stream a from topic \"a\" { value int }\nstream b = a | groub value | filter value > 1\n"
         "nonsense\na | map { x: value && 1 }",
         "2:16: there is no stage `groub` [did you mean `group by`?]\n"
         "3:1: expected a statement, got `nonsense` [a statement is `stream`, `table`, `global table`, "
         "`param`, `set`, `include`, `function`, `test`, or NAME | ...]\n"
         "4:14: expected bool here, and this is int\n"
         "4:20: `&&` cannot stand here [write `and`]\n"
         "4:23: expected bool here, and this is int\n");
}

static char *read_file(const char *path, const char *from, size_t *size, char **full, void *arg)
{
    const char *text = strcmp(path, "loop") == 0     ? "include \"loop\""
                       : strcmp(path, "shared") == 0 ? "function twice(x int) = x * 2\nset commit 1s"
                       : strcmp(path, "wrong") == 0  ? "\n  stream x = nothing"
                                                     : NULL;

    if (text == NULL)
        return NULL;
    *size = strlen(text);
    *full = sx_format("%s/%s", from, path);
    return sx_strdup(text);
}

static struct sx_compiled *compile_with_files(const char *text)
{
    return fake_compile_bytes(text, strlen(text), (struct sx_compile_options){.read_file = read_file});
}

static void includes(void)
{
    struct sx_compiled *c = compile_with_files("include \"shared\"\nstream a from topic \"a\" { value int }\n"
                                               "a | map { x: twice(value) } | to topic \"x\"");

    CU_ASSERT_PTR_NOT_NULL_FATAL(c);
    CU_ASSERT_EQUAL(c->plan->commit_ms, 1000);
    sx_compiled_free(c);
    CU_ASSERT_PTR_NULL(compile_with_files("include \"none\""));
    SX_ASSERT_TEXT(fake_said(), "1:9: cannot read `none`\n");
    CU_ASSERT_PTR_NULL(compile_with_files("include \"wrong\"\nstream y = nowhere"));
    SX_ASSERT_TEXT(fake_said(),
                   "2:12: there is no stream or table `nowhere` [a name is declared before it is used]\n"
                   "2:14: there is no stream or table `nothing` [a name is declared before it is used]\n");
    CU_ASSERT_PTR_NULL(compile_with_files("include \"loop\""));
    SX_ASSERT_TEXT(fake_said(), "1:9: includes are nested more than 16 deep [does a file include "
                                "itself?]\n");
    SAID("include \"shared\"", "1:9: cannot read `shared`\n");
}

static void the_source_line(void)
{
    streamd_error *error = NULL;
    struct sx_compiled *c = NULL;
    struct sx_compile_options options = {.catalog = &fake_catalog, .name = "f.stream"};
    const char *text = "\xef\xbb\xbf# first\r\nstream a = orders | filter n\r\n";
    uint32_t length;

    CU_ASSERT_EQUAL(sx_compile(text, strlen(text), &options, &c, &error), STREAMD_E_NAME);
    CU_ASSERT_PTR_NULL(c);
    CU_ASSERT_EQUAL(streamd_error_line(error), 2);
    CU_ASSERT_EQUAL(streamd_error_column(error), 12);
    SX_ASSERT_TEXT(sx_error_file(error), "f.stream");
    SX_ASSERT_BYTES(sx_error_source(error, &length), "stream a = orders | filter n");
    CU_ASSERT_EQUAL(length, 6);
    streamd_error_free(error);
    error = NULL;
    text = "\xef\xbb\xbfstreem";
    CU_ASSERT_EQUAL(sx_compile(text, strlen(text), &options, &c, &error), STREAMD_E_SYNTAX);
    CU_ASSERT_EQUAL(streamd_error_column(error), 1);
    SX_ASSERT_BYTES(sx_error_source(error, &length), "streem");
    streamd_error_free(error);
}

static const char *warned(const char *text)
{
    struct sx_compiled *c = fake_compile(text);

    if (c == NULL)
        return "it does not compile";
    sx_compiled_free(c);
    return fake_said();
}

static void warnings(void)
{
    SX_ASSERT_TEXT(warned(ORDERS "stream a = orders | filter id != \"x\""),
                   "2:8: nothing reads `a` [end a pipeline from it in `to topic \"...\"`, or take it "
                   "out]\n");
    SX_ASSERT_TEXT(
        warned(ORDERS "orders | filter customer != \"x\" | to topic \"x\""),
        "2:17: rows in which `customer` is null are left out too [add `or customer is null`, or declare "
        "the field `not null`]\n");
    SX_ASSERT_TEXT(warned(ORDERS "orders | filter customer != \"x\" or customer is null | to topic \"x\""),
                   "");
    SX_ASSERT_TEXT(
        warned(ORDERS "orders | filter key != \"x\" and id not in [\"a\"] and n == 1 | to topic \"x\""), "");
    SX_ASSERT_TEXT(
        warned(ORDERS "table t = orders | group by id | aggregate { m: sum(n) / count(), d: sum(n) * 1.0 / "
                      "count(), e: sum(amount) / count() }\nt | to topic \"x\""),
        "2:34: without a window this keeps every group for ever [put `| window ...` before it, if old "
        "groups may go]\n"
        "2:49: `/` of two ints cuts off what is behind the point [write `* 1.0` behind the first for a "
        "double]\n");
    SX_ASSERT_TEXT(warned(CUSTOMERS "table t = customers | group by name | aggregate { m: sum(n) }\n"
                                    "t | to topic \"x\""),
                   "");
    SX_ASSERT_TEXT(warned("param n = 1\nfunction upper(x string) = x\n" ORDERS
                          "orders | filter n == null | to topic \"x\""),
                   "2:10: `upper` hides the function of that name\n"
                   "4:17: the column `n` hides the param of that name [rename the param]\n");
    SX_ASSERT_TEXT(warned("stream s from topic \"s\" { value json { s { x int } } }\n"
                          "s | map { y: s.x } | to topic \"x\""),
                   "");
}

void suite_statements(void)
{
    SX_SUITE("statements");
    SX_TEST(sources);
    SX_TEST(keywords_are_names);
    SX_TEST(settings);
    SX_TEST(the_application);
    SX_TEST(pipelines);
    SX_TEST(said_once);
    SX_TEST(includes);
    SX_TEST(the_source_line);
    SX_TEST(warnings);
}
