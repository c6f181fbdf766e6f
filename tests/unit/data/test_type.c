/* test_type.c: types print as the language writes them. */
#include "engine/data/type.h"
#include "tests/unit/unit.h"

static void printing(void)
{
    struct sx_arena arena;
    const struct sx_type decimal = {.kind = SX_DECIMAL, .precision = 10, .scale = 2};
    const struct sx_type_field item[] = {{"sku", &sx_type_string, true}, {"qty", &sx_type_int, false}};
    const struct sx_type_field odd[] = {
        {"odd-name", &sx_type_int, false}, {"2nd", &decimal, false}, {"_a1", &sx_type_json, false}};

    sx_arena_init(&arena, 0);
    SX_ASSERT_TEXT(sx_type_text(&sx_type_null, &arena), "null");
    SX_ASSERT_TEXT(sx_type_text(&sx_type_bool, &arena), "bool");
    SX_ASSERT_TEXT(sx_type_text(&sx_type_int, &arena), "int");
    SX_ASSERT_TEXT(sx_type_text(&sx_type_double, &arena), "double");
    SX_ASSERT_TEXT(sx_type_text(&sx_type_string, &arena), "string");
    SX_ASSERT_TEXT(sx_type_text(&sx_type_bytes, &arena), "bytes");
    SX_ASSERT_TEXT(sx_type_text(&sx_type_timestamp, &arena), "timestamp");
    SX_ASSERT_TEXT(sx_type_text(&sx_type_date, &arena), "date");
    SX_ASSERT_TEXT(sx_type_text(&sx_type_time, &arena), "time");
    SX_ASSERT_TEXT(sx_type_text(&sx_type_duration, &arena), "duration");
    SX_ASSERT_TEXT(sx_type_text(&sx_type_json, &arena), "json");
    SX_ASSERT_TEXT(sx_type_text(&decimal, &arena), "decimal(10, 2)");
    SX_ASSERT_TEXT(sx_type_text(sx_type_array(&arena, sx_type_struct(&arena, item, 2)), &arena),
                   "array<{ sku string not null, qty int }>");
    SX_ASSERT_TEXT(sx_type_text(sx_type_map(&arena, sx_type_array(&arena, &sx_type_int)), &arena),
                   "map<array<int>>");
    SX_ASSERT_TEXT(sx_type_text(sx_type_struct(&arena, odd, 3), &arena),
                   "{ `odd-name` int, `2nd` decimal(10, 2), _a1 json }");
    SX_ASSERT_TEXT(sx_type_text(sx_type_struct(&arena, NULL, 0), &arena), "{}");
    sx_arena_free(&arena);
}

static void equality(void)
{
    struct sx_arena arena;
    struct sx_type_field fields[] = {{"a", &sx_type_int, false}, {"b", &sx_type_string, false}};
    const struct sx_type *one, *other;

    sx_arena_init(&arena, 0);
    one = sx_type_struct(&arena, fields, 2);
    fields[0].not_null = true;
    CU_ASSERT(sx_type_equal(one, sx_type_struct(&arena, fields, 2)));
    CU_ASSERT_FALSE(sx_type_equal(one, sx_type_struct(&arena, fields, 1)));
    fields[1].name = "c";
    other = sx_type_struct(&arena, fields, 2);
    CU_ASSERT_FALSE(sx_type_equal(one, other));
    fields[1] = (struct sx_type_field){"b", &sx_type_bytes, false};
    CU_ASSERT_FALSE(sx_type_equal(one, sx_type_struct(&arena, fields, 2)));
    CU_ASSERT(sx_type_equal(sx_type_array(&arena, one), sx_type_array(&arena, one)));
    CU_ASSERT_FALSE(sx_type_equal(sx_type_array(&arena, one), sx_type_map(&arena, one)));
    CU_ASSERT_FALSE(sx_type_equal(sx_type_array(&arena, one), sx_type_array(&arena, other)));
    CU_ASSERT_FALSE(sx_type_equal(&sx_type_int, &sx_type_timestamp));
    sx_arena_free(&arena);
}

static void fields_and_their_names_are_copied(void)
{
    struct sx_arena arena;
    char name[] = "amount";
    struct sx_type_field field = {name, &sx_type_double, false};
    const struct sx_type *type;

    sx_arena_init(&arena, 0);
    type = sx_type_struct(&arena, &field, 1);
    name[0] = 'x';
    field.type = &sx_type_int;
    CU_ASSERT_EQUAL(sx_type_field(type, SX_SLICE("amount")), 0);
    CU_ASSERT_EQUAL(sx_type_field(type, SX_SLICE("amoun")), -1);
    CU_ASSERT_PTR_EQUAL(type->fields[0].type, &sx_type_double);
    sx_arena_free(&arena);
}

void suite_type(void)
{
    SX_SUITE("type");
    SX_TEST(printing);
    SX_TEST(equality);
    SX_TEST(fields_and_their_names_are_copied);
}
