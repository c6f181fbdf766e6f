/* test_limits.c: texts that are too large, too deep, cut off or no text at all. */
#include "tests/unit/dsl/fake.h"

static struct sx_buffer text;

static void repeat(const char *what, uint32_t times)
{
    for (uint32_t i = 0; i < times; i++)
        sx_buffer_add_text(&text, what);
}

/* Compile what is in `text`, and give the first message. */
static const char *first_said(void)
{
    static char out[256];
    struct sx_compiled *c = fake_compile_bytes(text.data, text.size, (struct sx_compile_options){0});

    snprintf(out, sizeof(out), "%s", c ? "it compiles" : fake_said());
    out[strcspn(out, "\n")] = '\0';
    sx_compiled_free(c);
    text.size = 0;
    return out;
}

static void sizes(void)
{
    repeat("stream a from topic \"a\" { value int }\n", 1);
    while (text.size < 1024 * 1024)
        sx_buffer_add_byte(&text, ' ');
    SX_ASSERT_TEXT(first_said(), "it compiles");
    repeat("# 32 bytes of comment, and more\n", 32 * 1024);
    repeat(" ", 1);
    SX_ASSERT_TEXT(first_said(), "1:1: the file is larger than 1 MiB");
}

static void depths(void)
{
    static const char *const open[] = {"(",     "-",      "not ",          "[",
                                       "{ a: ", "upper(", "map { \"k\": ", "case when true then "};

    for (size_t i = 0; i < SX_COUNT(open); i++) {
        repeat("param x = ", 1);
        repeat(open[i], 40000);
        CU_ASSERT_PTR_NOT_NULL(strstr(first_said(), ": what is written here is nested more than 256 deep"));
    }
    repeat("stream a from topic \"a\" { value json { x ", 1);
    repeat("array<", 300);
    CU_ASSERT_PTR_NOT_NULL(strstr(first_said(), ": what is written here is nested more than 256 deep"));
    repeat(ORDERS "param x = ", 1);
    repeat("(", 250);
    repeat("1", 1);
    repeat(")", 250);
    SX_ASSERT_TEXT(first_said(), "it compiles");
    /* The depth is counted anew in the next statement. */
    repeat("param x = ", 1);
    repeat("(", 257);
    repeat("\nparam y = ", 1);
    repeat("(", 250);
    repeat("1", 1);
    repeat(")", 250);
    CU_ASSERT_PTR_NOT_NULL(strstr(first_said(), "nested"));
    CU_ASSERT_PTR_NULL(strstr(strchr(fake_said(), '\n'), "nested"));
}

static void chains(void)
{
    static const char *const more[] = {" + 1", " and true", " or true", " ?? 1", ".a", "[0]", " * 1"};

    for (size_t i = 0; i < SX_COUNT(more); i++) {
        repeat("param x = 1", 1);
        repeat(more[i], 100000);
        CU_ASSERT_PTR_NOT_NULL(strstr(first_said(), ": the expression chains more than 1000 operators"));
    }
    repeat(ORDERS "param x = 1", 1);
    repeat(" + 1", 900);
    SX_ASSERT_TEXT(first_said(), "it compiles");
}

static void many(void)
{
    repeat(ORDERS "param x = [1", 1);
    repeat(", 1", 50000);
    repeat("]", 1);
    SX_ASSERT_TEXT(first_said(), "it compiles");
    repeat("stream a from topic \"a\" { value json { ", 1);
    for (int i = 0; i < 5000; i++)
        sx_buffer_printf(&text, "f%d int, ", i);
    repeat("} }", 1);
    CU_ASSERT_PTR_NOT_NULL(strstr(first_said(), "there are more than 4096 fields"));
    /* A function that doubles what it is given, a hundred deep, is refused and not waited for. */
    repeat("function f0(x int) = x + x\n", 1);
    for (int i = 1; i < 100; i++)
        sx_buffer_printf(&text, "function f%d(x int) = f%d(x) + f%d(x)\n", i, i - 1, i - 1);
    repeat(ORDERS "stream a = orders | filter f99(n) > 1", 1);
    CU_ASSERT_PTR_NOT_NULL(strstr(first_said(), "too"));
    /* No more than fifty mistakes are said. */
    for (int i = 0; i < 200; i++)
        sx_buffer_printf(&text, "stream a%d = nothing\n", i);
    first_said();
    CU_ASSERT_PTR_NOT_NULL(strstr(fake_said(), "50:"));
    CU_ASSERT_PTR_NULL(strstr(fake_said(), "51:"));
}

/* Every beginning of a text ends in order: no read past its end, no text without a word about it. */
static void cut_off(void)
{
    static const char whole[] =
        "application a param p duration = 1h30m\nset on error to topic \"d\"\n"
        "function f(x int, y string) = x + 1\n" ORDERS CUSTOMERS
        "stream b = orders | filter n in [1, 2] and not (id =~ r\"\\d\") or case when true then 1 else "
        "2 end == f(1, \"x\")\n"
        "  | map { *, x: { a: 1 }, y: map { \"k\": cast(n as string) }, z: timestamp "
        "\"2026-01-31T10:00:00Z\" }\n"
        "table c = b | join customers as d on customer == d.id | group by d.id | window tumbling p grace "
        "0s late to topic \"l\"\n"
        "  | aggregate { q: fold({ s: 0 }, { s: acc.s + b.n } where b.n > 1), r: sum(b.n) }\n"
        "c | to topic \"x\" { key json value json time window.end headers { h: \"v\" } }\n"
        "orders | split { when n > 1 -> big else -> `the rest` }\n"
        "test \"t\" { orders <- \"k\" { id: \"x\" } @ 5s partition 1 headers { a: \"b\" } x -> null { "
        "=a: [1] } window 0s..1m late == 1 }\n";
    size_t whole_compiles = 0;

    for (size_t size = 0; size < sizeof(whole); size++) {
        struct sx_compiled *c = fake_compile_bytes(whole, size, (struct sx_compile_options){0});

        if (c == NULL)
            CU_ASSERT_TRUE(fake_said()[0] != '\0');
        whole_compiles += c != NULL && size == sizeof(whole) - 1;
        sx_compiled_free(c);
    }
    CU_ASSERT_EQUAL(whole_compiles, 1);
}

void suite_limits(void)
{
    SX_SUITE("limits");
    SX_TEST(sizes);
    SX_TEST(depths);
    SX_TEST(chains);
    SX_TEST(many);
    SX_TEST(cut_off);
}
