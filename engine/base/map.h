/* map.h: a hash map from bytes to a pointer, for names and other small things off the hot path. */
#ifndef SX_MAP_H
#define SX_MAP_H

#include "engine/base/base.h"

/* Zeroed is empty. Copies its keys. */
struct sx_map_entry;
struct sx_map {
    struct sx_map_entry **buckets;
    uint32_t bucket_count;
    uint32_t count;
};

void sx_map_free(struct sx_map *map);                            /* the values are the caller's */
void *sx_map_get(const struct sx_map *map, struct sx_slice key); /* NULL: not there */
/* Returns the value that was there before, or NULL. `value` is not NULL. */
void *sx_map_put(struct sx_map *map, struct sx_slice key, void *value);
void *sx_map_remove(struct sx_map *map, struct sx_slice key);
/* In no order. Nothing may be added or removed meanwhile. */
void sx_map_each(const struct sx_map *map, void (*fn)(struct sx_slice key, void *value, void *arg),
                 void *arg);

#endif
