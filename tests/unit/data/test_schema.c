/* test_schema.c: which column a name means, and the list of rows that failed. */
#include "engine/data/format.h"
#include "tests/unit/unit.h"

/* A join: both sides have `id`; the left one has a key and a value column called `customer`. */
static const struct sx_field fields[] = {
    {.name = "customer", .qualifier = "paid", .type = &sx_type_string, .role = SX_ROLE_KEY},
    {.name = "id", .qualifier = "paid", .type = &sx_type_int, .role = SX_ROLE_VALUE},
    {.name = "customer", .qualifier = "paid", .type = &sx_type_string, .role = SX_ROLE_VALUE},
    {.name = "tier", .qualifier = "c", .type = &sx_type_string, .role = SX_ROLE_VALUE},
    {.name = "id", .qualifier = "c", .type = &sx_type_int, .role = SX_ROLE_READABLE},
    {.name = "window_start", .type = &sx_type_timestamp, .role = SX_ROLE_READABLE},
};
static const struct sx_schema schema = {.fields = fields, .count = 6, .key_count = 1, .value_count = 3};

static void check_find(const char *qualifier, const char *name, int index, bool is_ambiguous)
{
    bool ambiguous = !is_ambiguous;

    CU_ASSERT_EQUAL(sx_schema_find(&schema, qualifier ? sx_slice_of(qualifier) : SX_SLICE_NONE,
                                   sx_slice_of(name), &ambiguous),
                    index);
    CU_ASSERT_EQUAL(ambiguous, is_ambiguous);
}

static void bare_names(void)
{
    check_find(NULL, "tier", 3, false);
    check_find(NULL, "customer", 2, false); /* the value's, not the key's */
    check_find(NULL, "id", 1, true);        /* both sides have it */
    check_find(NULL, "window_start", 5, false);
    check_find(NULL, "custome", -1, false);
    check_find(NULL, "", -1, false);
}

static void qualified_names(void)
{
    check_find("paid", "id", 1, false);
    check_find("c", "id", 4, false);
    check_find("paid", "customer", 2, false);
    check_find("c", "customer", -1, false);
    check_find("d", "id", -1, false);
    check_find("paid", "window_start", -1, false);
}

static void what_has_no_qualifier_is_a_side(void)
{
    const struct sx_field two[] = {
        {.name = "n", .type = &sx_type_int, .role = SX_ROLE_KEY},
        {.name = "n", .type = &sx_type_int, .role = SX_ROLE_VALUE},
        {.name = "n", .qualifier = "t", .type = &sx_type_int, .role = SX_ROLE_READABLE},
    };
    struct sx_schema s = {.fields = two, .count = 2};
    bool ambiguous;

    CU_ASSERT_EQUAL(sx_schema_find(&s, SX_SLICE_NONE, SX_SLICE("n"), &ambiguous), 1);
    CU_ASSERT_FALSE(ambiguous);
    s.count = 3;
    CU_ASSERT_EQUAL(sx_schema_find(&s, SX_SLICE_NONE, SX_SLICE("n"), &ambiguous), 1);
    CU_ASSERT_TRUE(ambiguous);
}

static void printing(void)
{
    struct sx_buffer text = {0};

    sx_schema_print(&schema, &text);
    SX_ASSERT_BYTES(sx_buffer_slice(&text), "key customer string, id int, customer string, tier string");
    sx_buffer_free(&text);
}

static void failures(void)
{
    struct sx_arena arena;
    struct sx_format_failures list = {.arena = &arena};
    char many[400];

    sx_arena_init(&arena, 0);
    for (uint32_t i = 0; i < 100; i++)
        sx_format_failed(&list, i, "decode", "row %u", i);
    CU_ASSERT_EQUAL_FATAL(list.count, 100);
    CU_ASSERT_EQUAL(list.items[99].row, 99);
    SX_ASSERT_TEXT(list.items[0].message, "row 0");
    SX_ASSERT_TEXT(list.items[99].message, "row 99");
    SX_ASSERT_TEXT(list.items[99].reason, "decode");
    /* A long message ends early, but not within a character: it goes into JSON. */
    memset(many, 'x', sizeof(many));
    for (int i = 0; i < 399; i += 3)
        memcpy(many + i, "\xe2\x82\xac", 3);
    many[399] = '\0';
    sx_format_failed(&list, 7, "type", "%s", many);
    CU_ASSERT_EQUAL(strlen(list.items[100].message), 189);
    sx_arena_free(&arena);
}

void suite_schema(void)
{
    SX_SUITE("schema");
    SX_TEST(bare_names);
    SX_TEST(qualified_names);
    SX_TEST(what_has_no_qualifier_is_a_side);
    SX_TEST(printing);
    SX_TEST(failures);
}
