/* The bytes and the partition of a bid's key: 8 bytes, big-endian, placed by murmur2 as Java's
 * clients place it, so that every engine finds a key's records in one partition. Written here a
 * second time beside the engine's own, because the floor and the generator must not lean on what
 * they are the measure of. */
#ifndef BENCH_PARTITION_H
#define BENCH_PARTITION_H

#include <endian.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define BENCH_PARTITIONS 4

static inline void bench_key(uint8_t key[8], int64_t value)
{
    uint64_t big = htobe64((uint64_t)value);

    memcpy(key, &big, sizeof(big));
}

static inline int32_t bench_partition(const uint8_t *key, size_t size)
{
    const uint32_t m = 0x5bd1e995;
    uint32_t h = 0x9747b28c ^ (uint32_t)size;
    size_t i = 0;

    for (; i + 4 <= size; i += 4) {
        uint32_t k;

        memcpy(&k, key + i, sizeof(k));
        k = le32toh(k) * m;
        k ^= k >> 24;
        h = (h * m) ^ (k * m);
    }
    switch (size - i) {
    case 3:
        h ^= (uint32_t)key[i + 2] << 16; /* fall through */
    case 2:
        h ^= (uint32_t)key[i + 1] << 8; /* fall through */
    case 1:
        h = (h ^ key[i]) * m;
    }
    h ^= h >> 13;
    h *= m;
    h ^= h >> 15;
    return (int32_t)((h & 0x7fffffff) % BENCH_PARTITIONS);
}

#endif
