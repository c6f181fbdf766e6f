/* hash.h: hashes of bytes. */
#ifndef SX_HASH_H
#define SX_HASH_H

#include "engine/base/base.h"

#ifdef __cplusplus
extern "C" {
#endif

/* xxh3, for hash tables in memory. Never stored. */
uint64_t sx_hash(const void *data, size_t size);

/* murmur2 as Java's Kafka clients compute it (org.apache.kafka.common.utils.Utils.murmur2). */
int32_t sx_murmur2(const void *data, size_t size);

/* The partition that Java's default partitioner gives to a key: (murmur2 & 0x7fffffff) % count. */
int32_t sx_partition_of(const void *key, size_t size, int32_t count);

#ifdef __cplusplus
}
#endif
#endif
