/* test_tests.c: `test` blocks. */
#include "tests/unit/dsl/fake.h"

static void add_literal(struct sx_buffer *to, const struct sx_literal *literal)
{
    sx_buffer_printf(to, " %s%s%s", literal->raw ? "raw " : "", literal->exact ? "exact " : "",
                     literal->json);
}

/* The steps of all blocks, or the mistakes. */
static const char *steps(const char *text)
{
    static struct sx_buffer out;
    const struct sx_test *tests;
    streamd_error *error = NULL;
    struct sx_arena arena;

    sx_arena_init(&arena, 0);
    out.size = 0;
    if (sx_compile_tests(text, strlen(text), "x.test", &arena, &tests, &error) != STREAMD_OK) {
        fake_say(error);
        sx_buffer_add_text(&out, fake_said());
    } else {
        for (; tests != NULL; tests = tests->next) {
            sx_buffer_printf(&out, "[%s]", tests->name);
            for (uint32_t i = 0; i < tests->step_count; i++) {
                const struct sx_step *s = &tests->steps[i];

                sx_buffer_printf(&out, " %d:%s%s", s->kind, s->is_topic ? "topic " : "",
                                 s->name ? s->name : "");
                if (s->kind == SX_STEP_SEND || s->kind == SX_STEP_EXPECT) {
                    add_literal(&out, &s->key);
                    add_literal(&out, &s->value);
                }
                if (s->has_time || s->kind == SX_STEP_ADVANCE)
                    sx_buffer_printf(&out, " @%lld", (long long)s->time_ms);
                if (s->has_window)
                    sx_buffer_printf(&out, " window %lld..%lld", (long long)s->window_start,
                                     (long long)s->window_end);
                if (s->partition)
                    sx_buffer_printf(&out, " partition %d", s->partition);
                for (uint32_t h = 0; h < s->header_count; h++)
                    sx_buffer_printf(&out, " %s=%s", s->headers[h].name, s->headers[h].value);
                if (s->kind == SX_STEP_DROPPED)
                    sx_buffer_printf(&out, " %lld", (long long)s->count);
                sx_buffer_add_byte(&out, ';');
            }
        }
    }
    sx_buffer_add_byte(&out, '\0');
    streamd_error_free(error);
    sx_arena_free(&arena);
    return out.data;
}

static void sends(void)
{
    SX_ASSERT_TEXT(
        steps("test \"a\" { s <- \"k\" { a: 1, b: [true, null, -2.5], c: 1m, d: map { \"x\": \"y\" } } @ "
              "5s }"),
        "[a] 0:s \"k\" {\"a\":1,\"b\":[true,null,-2.5],\"c\":60000,\"d\":{\"x\":\"y\"}} @5000;");
    SX_ASSERT_TEXT(steps("test \"a\" { s <- null null partition 2 headers { h: \"v\", \"x-y\": \"\" } }"),
                   "[a] 0:s null null partition 2 h=v x-y=;");
    SX_ASSERT_TEXT(steps("test \"a\" { s <- raw \"k\\u{1}\" raw \"{\\\"\" }"),
                   "[a] 0:s raw \"k\\u0001\" raw \"{\\\"\";");
    SX_ASSERT_TEXT(steps("test \"a\" { s <- 5 -3 s <- \"k\" [1] s <- { a: 1 } { b: 2 } }"),
                   "[a] 0:s 5 -3; 0:s \"k\" [1]; 0:s {\"a\":1} {\"b\":2};");
    SX_ASSERT_TEXT(steps("test \"a\" { s <- date \"2026-01-31\" time \"10:00:00\" @ timestamp "
                         "\"1970-01-01T00:00:01Z\" }"),
                   "[a] 0:s \"2026-01-31\" \"10:00:00\" @1000;");
    SX_ASSERT_TEXT(steps("test \"a\" { s <- -9223372036854775808 1 @timestamp \"1970-01-01T00:00:01Z\" }"),
                   "[a] 0:s -9223372036854775808 1 @1000;");
}

static void expectations(void)
{
    SX_ASSERT_TEXT(
        steps("test \"a\" { d -> \"k\" { =a: 1 } @ 1s window 0s..1m \"t\" -> \"k\" null t -> nothing }"),
        "[a] 1:d \"k\" exact {\"a\":1} @1000 window 0..60000; 1:topic t \"k\" null; 2:t;");
    SX_ASSERT_TEXT(steps("test \"a\" { late == 1 dropped null_key == 2 error \"part\" advance 1h }"),
                   "[a] 4:late 1; 4:null_key 2; 5:part; 3: @3600000;");
    SX_ASSERT_TEXT(steps("test \"a\" { late -> 1 2 advance <- 1 2 error -> nothing }"),
                   "[a] 1:late 1 2; 0:advance 1 2; 2:error;");
    SX_ASSERT_TEXT(steps("test \"a\" { } test \"b\" { d -> 1 { = } @ -5s }"),
                   "[a][b] 1:d 1 exact {} @-5000;");
}

static void mistakes(void)
{
    SX_ASSERT_TEXT(steps("test \"a\" { s <- \"k\" upper(\"x\") }"), "1:21: a test's values are literals\n");
    SX_ASSERT_TEXT(steps("test \"a\" { late =="), "1:19: expected a count, got the end of the file\n");
    SX_ASSERT_TEXT(steps("test \"a\" { s <- 1 2 partition"),
                   "1:30: expected the partition's number, got the end of the file\n");
    SX_ASSERT_TEXT(steps("test \"a\" { s <- 1 2 partition -1 }"),
                   "1:31: expected the partition's number, got `-`\n");
    SX_ASSERT_TEXT(steps("stream s = t"), "1:8: a `.test` file holds `test` blocks only\n");
    SX_ASSERT_TEXT(steps("test \"a\" { s <- 1 2 @ \"noon\" }"),
                   "1:23: expected a time [times are durations since 1970, or `timestamp \"...\"`]\n");
    /* The next block is read all the same. */
    SX_ASSERT_TEXT(
        steps("test \"a\" { s 1 }\ntest \"b\" { t 2 }"),
        "1:14: expected `<-` or `->`, got `1` [a step is `SOURCE <- KEY VALUE` or `NAME -> KEY VALUE`]\n"
        "2:14: expected `<-` or `->`, got `2` [a step is `SOURCE <- KEY VALUE` or `NAME -> KEY VALUE`]\n");
}

static void in_a_topology(void)
{
    struct sx_compiled *c =
        fake_compile(ORDERS "test \"one\" { orders <- 1 2 }\norders | to topic \"x\"\ntest \"two\" { }");

    CU_ASSERT_PTR_NOT_NULL_FATAL(c);
    SX_ASSERT_TEXT(c->tests->name, "one");
    CU_ASSERT_EQUAL(c->tests->at.line, 2);
    SX_ASSERT_TEXT(c->tests->next->name, "two");
    CU_ASSERT_PTR_NULL(c->tests->next->next);
    sx_compiled_free(c);
}

void suite_tests(void)
{
    SX_SUITE("tests");
    SX_TEST(sends);
    SX_TEST(expectations);
    SX_TEST(mistakes);
    SX_TEST(in_a_topology);
}
