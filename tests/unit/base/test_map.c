/* test_map.c: a map against an array that knows the truth. */
#include "engine/base/map.h"
#include "tests/unit/unit.h"

#define KEYS 2000

static struct sx_slice key_of(unsigned i, char room[16])
{
    return sx_slice(room, (size_t)snprintf(room, 16, "k%u", i));
}

static void against_an_array(void)
{
    struct sx_map map = {0};
    static uintptr_t truth[KEYS];
    uint64_t seed = 7;
    uint32_t count = 0;
    bool right = true;
    char room[16];

    for (unsigned step = 0; step < 20000; step++) {
        unsigned i = (unsigned)(sx_unit_random(&seed) % KEYS);
        struct sx_slice key = key_of(i, room);
        void *before;

        if (step % 3 == 2) {
            before = sx_map_remove(&map, key);
            right &= before == (void *)truth[i];
            count -= truth[i] != 0;
            truth[i] = 0;
        } else {
            before = sx_map_put(&map, key, (void *)(uintptr_t)(step + 1));
            right &= before == (void *)truth[i];
            count += truth[i] == 0;
            truth[i] = step + 1;
        }
    }
    for (unsigned i = 0; i < KEYS; i++)
        right &= sx_map_get(&map, key_of(i, room)) == (void *)truth[i];
    CU_ASSERT(right);
    CU_ASSERT_EQUAL(map.count, count);
    sx_map_free(&map);
    CU_ASSERT_PTR_NULL(sx_map_get(&map, SX_SLICE("k1")));
    CU_ASSERT_PTR_NULL(sx_map_remove(&map, SX_SLICE("k1")));
}

static void keys_are_bytes_and_copied(void)
{
    struct sx_map map = {0};
    char key[] = {'a', 0, 'b'};
    int one = 1, two = 2;

    sx_map_put(&map, sx_slice(key, 3), &one);
    sx_map_put(&map, SX_SLICE_NONE, &two);
    key[0] = 'x';
    CU_ASSERT_PTR_EQUAL(sx_map_get(&map, SX_SLICE("a\0b")), &one);
    CU_ASSERT_PTR_NULL(sx_map_get(&map, SX_SLICE("a")));
    CU_ASSERT_PTR_EQUAL(sx_map_get(&map, SX_SLICE("")), &two);
    sx_map_free(&map);
}

static void add_up(struct sx_slice key, void *value, void *arg)
{
    (void)key;
    *(uintptr_t *)arg += (uintptr_t)value;
}

static void each(void)
{
    struct sx_map map = {0};
    uintptr_t sum = 0;
    char room[16];

    sx_map_each(&map, add_up, &sum);
    CU_ASSERT_EQUAL(sum, 0);
    for (unsigned i = 1; i <= 100; i++)
        sx_map_put(&map, key_of(i, room), (void *)(uintptr_t)i);
    sx_map_each(&map, add_up, &sum);
    CU_ASSERT_EQUAL(sum, 5050);
    sx_map_free(&map);
}

void suite_map(void)
{
    SX_SUITE("map");
    SX_TEST(against_an_array);
    SX_TEST(keys_are_bytes_and_copied);
    SX_TEST(each);
}
