/* test_near.c: which name an unknown one was meant to be. */
#include "engine/base/text.h"
#include "tests/unit/unit.h"

static void distances(void)
{
    CU_ASSERT_EQUAL(sx_distance("", "", 5), 0);
    CU_ASSERT_EQUAL(sx_distance("", "abc", 5), 3);
    CU_ASSERT_EQUAL(sx_distance("amount", "amount", 5), 0);
    CU_ASSERT_EQUAL(sx_distance("amout", "amount", 5), 1);   /* left out */
    CU_ASSERT_EQUAL(sx_distance("ammount", "amount", 5), 1); /* twice */
    CU_ASSERT_EQUAL(sx_distance("amoumt", "amount", 5), 1);  /* another */
    CU_ASSERT_EQUAL(sx_distance("amuont", "amount", 5), 1);  /* swapped */
    CU_ASSERT_EQUAL(sx_distance("kitten", "sitting", 5), 3);
    CU_ASSERT_EQUAL(sx_distance("kitten", "sitting", 1), 2); /* cut off */
    CU_ASSERT_EQUAL(sx_distance("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "b", 7),
                    8);
}

static void names(void)
{
    static const char *const known[] = {"customer", "amount", "status", "id", "x"};

    SX_ASSERT_TEXT(sx_nearest("custmer", known, SX_COUNT(known)), "customer");
    SX_ASSERT_TEXT(sx_nearest("cutsomer", known, SX_COUNT(known)), "customer");
    SX_ASSERT_TEXT(sx_nearest("AMOUNT", known, SX_COUNT(known)), "amount");
    SX_ASSERT_TEXT(sx_nearest("amounts", known, SX_COUNT(known)), "amount");
    SX_ASSERT_TEXT(sx_nearest("X", known, SX_COUNT(known)), "x");
    SX_ASSERT_TEXT(sx_nearest("ic", known, SX_COUNT(known)), "id");
    CU_ASSERT_PTR_NULL(sx_nearest("revenue", known, SX_COUNT(known)));
    CU_ASSERT_PTR_NULL(sx_nearest("y", known, SX_COUNT(known)));
    CU_ASSERT_PTR_NULL(sx_nearest("", known, SX_COUNT(known)));
    CU_ASSERT_PTR_NULL(sx_nearest("amount", NULL, 0));
}

static void the_nearest_of_two(void)
{
    static const char *const known[] = {"starts", "status", "state"};

    SX_ASSERT_TEXT(sx_nearest("statuss", known, SX_COUNT(known)), "status");
    SX_ASSERT_TEXT(sx_nearest("stat", known, SX_COUNT(known)), "state");
}

void suite_near(void)
{
    SX_SUITE("near");
    SX_TEST(distances);
    SX_TEST(names);
    SX_TEST(the_nearest_of_two);
}
