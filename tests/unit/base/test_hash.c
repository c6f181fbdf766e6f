/* test_hash.c: the partition of a key is the one that Kafka's Java and C clients choose. */
#include "engine/base/hash.h"
#include "tests/unit/unit.h"

/* From UtilsTest.testMurmur2 of Apache Kafka and 0048-partitioner.c of librdkafka; the positive hash
 * is what the partition is taken of. */
static const struct {
    const char *key;
    int32_t positive, of_17, of_7;
} facts[] = {
    {"21", 1173551340, 13, 3},
    {"foobar", 1357151166, 9, 0},
    {"a-little-bit-long-string", 1161502112, 11, 1},
    {"a-little-bit-longer-string", 661178819, 12, 0},
    {"lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", 2088585677, 0, 3},
    {"abc", 479470107, 16, 4},
    {"", 275646681, 11, 2},
    {"23456", 93157391, 9, 5},
    {"this is another string with more length to it perhaps", 1333199834, 11, 1},
    {"hejsan", 1589744533, 5, 6},
};

static void murmur2(void)
{
    for (size_t i = 0; i < SX_COUNT(facts); i++) {
        const char *key = facts[i].key;

        CU_ASSERT_EQUAL(sx_murmur2(key, strlen(key)) & 0x7fffffff, facts[i].positive);
        CU_ASSERT_EQUAL(sx_partition_of(key, strlen(key), 17), facts[i].of_17);
        CU_ASSERT_EQUAL(sx_partition_of(key, strlen(key), 7), facts[i].of_7);
    }
    /* The sign is Java's. */
    CU_ASSERT_EQUAL(sx_murmur2("21", 2), -973932308);
    CU_ASSERT_EQUAL(sx_murmur2("abc", 3), 479470107);
    CU_ASSERT_EQUAL(sx_partition_of(NULL, 0, 17), 11);
}

static void any_alignment(void)
{
    char at[64] = {0};

    for (int shift = 0; shift < 8; shift++) {
        memcpy(at + shift, "foobar", 6);
        CU_ASSERT_EQUAL(sx_murmur2(at + shift, 6), -790332482);
    }
}

static void xxh3(void)
{
    uint64_t seen[64];
    bool apart = true;

    for (unsigned i = 0; i < SX_COUNT(seen); i++) {
        seen[i] = sx_hash("abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyzabcdefghijkl", i);
        for (unsigned j = 0; j < i; j++)
            apart &= seen[i] != seen[j];
    }
    CU_ASSERT(apart);
    CU_ASSERT_EQUAL(sx_hash("abc", 3), sx_hash("abcd", 3));
    CU_ASSERT_EQUAL(sx_hash(NULL, 0), sx_hash("", 0));
}

void suite_hash(void)
{
    SX_SUITE("hash");
    SX_TEST(murmur2);
    SX_TEST(any_alignment);
    SX_TEST(xxh3);
}
