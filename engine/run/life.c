/* life.c: see life.h. */
#include "engine/run/life.h"

#include "engine/base/hash.h"
#include "engine/run/slot.h"

#include <sys/random.h>
#include <time.h>

#define NAME "#life" /* no topic is called so */

enum { LIFE_BYTES = 24, NOTE_BYTES = 4 };

uint64_t sx_life_draw(void)
{
    uint64_t number = 0;
    struct timespec now;

    if (getrandom(&number, sizeof(number), GRND_NONBLOCK) != sizeof(number)) {
        clock_gettime(CLOCK_REALTIME, &now);
        number = (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
    }
    return number ? number : 1;
}

void sx_life_put(struct sx_unit *unit, uint32_t store, int32_t slot, const struct sx_life *life)
{
    struct sx_buffer key = {0};
    char value[LIFE_BYTES];

    sx_put_be64(value, life->number);
    sx_put_be64(value + 8, (uint64_t)life->offset);
    sx_put_be64(value + 16, (uint64_t)life->written_ms);
    sx_unit_put(unit, SX_FAMILY_META, sx_position_key(&key, store, slot, NAME),
                sx_slice(value, sizeof(value)));
    sx_buffer_free(&key);
}

streamd_status sx_life_get(struct sx_disk *disk, uint32_t store, int32_t slot, struct sx_life *life,
                           streamd_error **error)
{
    struct sx_buffer key = {0}, value = {0};
    bool found = false;
    streamd_status status =
        sx_disk_get(disk, SX_FAMILY_META, sx_position_key(&key, store, slot, NAME), &value, &found, error);

    *life = (struct sx_life){0};
    if (status == STREAMD_OK && found && value.size == LIFE_BYTES)
        *life = (struct sx_life){sx_get_be64(value.data), (int64_t)sx_get_be64(value.data + 8),
                                 (int64_t)sx_get_be64(value.data + 16)};
    sx_buffer_free(&key);
    sx_buffer_free(&value);
    return status;
}

static void name_of(const struct sx_store_plan *store, char name[NOTE_BYTES])
{
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    uint32_t hash = (uint32_t)sx_murmur2(store->changelog, strlen(store->changelog));

    for (int i = 0; i < NOTE_BYTES; i++, hash >>= 6)
        name[i] = letters[hash & 63];
}

void sx_life_note(struct sx_buffer *note, const struct sx_store_plan *store)
{
    char name[NOTE_BYTES];

    name_of(store, name);
    sx_buffer_add(note, name, sizeof(name));
}

bool sx_life_is_noted(const struct sx_buffer *note, const struct sx_store_plan *store)
{
    char name[NOTE_BYTES];

    name_of(store, name);
    for (uint32_t at = 0; at + NOTE_BYTES <= note->size; at += NOTE_BYTES)
        if (memcmp(note->data + at, name, NOTE_BYTES) == 0)
            return true;
    return false;
}
