/* test_standby_place.c: whose copies are kept where. */
#include "tests/unit/run/fixture.h"

#include "engine/run/standby.h"

void suite_standby_place(void);

enum { SLOTS = 7 };

static int32_t of_a[] = {3, 0, 1}, of_b[] = {2, 4}, of_c[] = {5, 6};

/* Which copies are kept by how many, by slot. */
static void place(uint32_t members, uint32_t copies, uint32_t *kept)
{
    struct sx_member all[] = {{"a", false, of_a, 3}, {"b", false, of_b, 2}, {"c", false, of_c, 2}};
    bool wanted[SLOTS];

    memset(kept, 0, sizeof(*kept) * SLOTS);
    for (uint32_t self = 0; self < members; self++) {
        all[self].self = true;
        CU_ASSERT(sx_standby_place(all, members, copies, members == 3 ? SLOTS : 5, wanted));
        all[self].self = false;
        for (uint32_t s = 0; s < all[self].slot_count; s++)
            CU_ASSERT_FALSE(wanted[all[self].slots[s]]);
        for (int s = 0; s < (members == 3 ? SLOTS : 5); s++)
            kept[s] += wanted[s];
    }
}

static void each_slot_has_as_many_as_are_wanted(void)
{
    uint32_t kept[SLOTS];

    place(3, 1, kept);
    for (int s = 0; s < SLOTS; s++)
        CU_ASSERT_EQUAL(kept[s], 1);
    place(3, 2, kept);
    for (int s = 0; s < SLOTS; s++)
        CU_ASSERT_EQUAL(kept[s], 2);
    place(2, 5, kept); /* there are no more members */
    for (int s = 0; s < 5; s++)
        CU_ASSERT_EQUAL(kept[s], 1);
}

/* Of a's slots 0, 1, 3 in their order the first is b's, which has as few as c, then c's, then b's. */
static void copies_are_where_the_slots_would_go(void)
{
    struct sx_member all[] = {{"a", false, of_a, 3}, {"b", true, of_b, 2}, {"c", false, of_c, 2}};
    bool wanted[SLOTS];

    CU_ASSERT(sx_standby_place(all, 3, 1, SLOTS, wanted));
    CU_ASSERT(wanted[0] && !wanted[1] && wanted[3]);
}

static void a_slot_that_is_nobodys_says_that_nothing_is_known(void)
{
    struct sx_member all[] = {{"a", true, of_a, 3}, {"b", false, of_b, 2}};
    bool wanted[SLOTS];

    CU_ASSERT_FALSE(sx_standby_place(all, 2, 1, SLOTS, wanted));
}

void suite_standby_place(void)
{
    SX_SUITE("standby_place");
    SX_TEST(each_slot_has_as_many_as_are_wanted);
    SX_TEST(copies_are_where_the_slots_would_go);
    SX_TEST(a_slot_that_is_nobodys_says_that_nothing_is_known);
}
