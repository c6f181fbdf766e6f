/* hash.c: see hash.h. */
#include "engine/base/hash.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

uint64_t sx_hash(const void *data, size_t size) { return XXH3_64bits(data, size); }

int32_t sx_murmur2(const void *data, size_t size)
{
    const unsigned char *bytes = data;
    const uint32_t m = 0x5bd1e995;
    uint32_t h = 0x9747b28cu ^ (uint32_t)size;
    size_t i = 0;

    for (; i + 4 <= size; i += 4) {
        uint32_t k;

        memcpy(&k, bytes + i, 4);
        k *= m;
        k ^= k >> 24;
        k *= m;
        h = (h * m) ^ k;
    }
    switch (size - i) {
    case 3:
        h ^= (uint32_t)bytes[i + 2] << 16;
        /* fall through */
    case 2:
        h ^= (uint32_t)bytes[i + 1] << 8;
        /* fall through */
    case 1:
        h ^= bytes[i];
        h *= m;
    }
    h ^= h >> 13;
    h *= m;
    h ^= h >> 15;
    return (int32_t)h;
}

int32_t sx_partition_of(const void *key, size_t size, int32_t count)
{
    return (int32_t)((uint32_t)sx_murmur2(key, size) & 0x7fffffff) % count;
}
