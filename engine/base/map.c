/* map.c: see map.h. */
#include "engine/base/map.h"

#include "engine/base/hash.h"

#include <stdlib.h>

struct sx_map_entry {
    struct sx_map_entry *next;
    void *value;
    uint64_t hash;
    uint32_t size;
    char key[];
};

void sx_map_free(struct sx_map *map)
{
    for (uint32_t b = 0; b < map->bucket_count; b++)
        for (struct sx_map_entry *e = map->buckets[b], *next; e != NULL; e = next) {
            next = e->next;
            free(e);
        }
    free(map->buckets);
    *map = (struct sx_map){0};
}

/* The place that points to the key's entry, or to the NULL at the end of its chain. */
static struct sx_map_entry **find(const struct sx_map *map, struct sx_slice key, uint64_t hash)
{
    struct sx_map_entry **at = &map->buckets[hash & (map->bucket_count - 1)];

    while (*at != NULL && !((*at)->hash == hash && sx_slice_equal(key, sx_slice((*at)->key, (*at)->size))))
        at = &(*at)->next;
    return at;
}

void *sx_map_get(const struct sx_map *map, struct sx_slice key)
{
    struct sx_map_entry *entry;

    if (map->count == 0)
        return NULL;
    entry = *find(map, key, sx_hash(key.data, key.size));
    return entry ? entry->value : NULL;
}

static void grow(struct sx_map *map)
{
    struct sx_map bigger = {.bucket_count = map->bucket_count ? map->bucket_count * 2 : 16,
                            .count = map->count};

    bigger.buckets = sx_calloc(bigger.bucket_count, sizeof(*bigger.buckets));
    for (uint32_t b = 0; b < map->bucket_count; b++)
        for (struct sx_map_entry *e = map->buckets[b], *next; e != NULL; e = next) {
            struct sx_map_entry **at = &bigger.buckets[e->hash & (bigger.bucket_count - 1)];

            next = e->next;
            e->next = *at;
            *at = e;
        }
    free(map->buckets);
    *map = bigger;
}

void *sx_map_put(struct sx_map *map, struct sx_slice key, void *value)
{
    uint64_t hash = sx_hash(key.data, key.size);
    struct sx_map_entry **at, *entry;
    void *before;

    if (map->count >= map->bucket_count)
        grow(map);
    at = find(map, key, hash);
    if (*at != NULL) {
        before = (*at)->value;
        (*at)->value = value;
        return before;
    }
    entry = sx_malloc(sizeof(*entry) + key.size + 1);
    *entry = (struct sx_map_entry){.value = value, .hash = hash, .size = key.size};
    if (key.size)
        memcpy(entry->key, key.data, key.size);
    *at = entry;
    map->count++;
    return NULL;
}

void *sx_map_remove(struct sx_map *map, struct sx_slice key)
{
    struct sx_map_entry **at, *entry;
    void *value;

    if (map->count == 0)
        return NULL;
    at = find(map, key, sx_hash(key.data, key.size));
    if (*at == NULL)
        return NULL;
    entry = *at;
    *at = entry->next;
    value = entry->value;
    free(entry);
    map->count--;
    return value;
}

void sx_map_each(const struct sx_map *map, void (*fn)(struct sx_slice key, void *value, void *arg), void *arg)
{
    for (uint32_t b = 0; b < map->bucket_count; b++)
        for (struct sx_map_entry *e = map->buckets[b]; e != NULL; e = e->next)
            fn(sx_slice(e->key, e->size), e->value, arg);
}
