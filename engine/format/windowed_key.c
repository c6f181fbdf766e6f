/* windowed_key.c: the window's part of a windowed key. */
#include "engine/format/windowed_key.h"

void sx_windowed_key_add(struct sx_buffer *to, struct sx_window window, bool session)
{
    char *at = sx_buffer_room(to, 16);

    if (session) {
        sx_put_be64(at, (uint64_t)window.end);
        at += 8;
    }
    sx_put_be64(at, (uint64_t)window.start);
    to->size += session ? 16 : 8;
}

const char *sx_windowed_key_take(struct sx_slice *key, int64_t size_ms, struct sx_window *window)
{
    bool session = size_ms <= 0;
    uint32_t bytes = session ? 16 : 8;
    struct sx_window taken;
    const char *tail;

    if (key->size < bytes)
        return "the key is too short for a windowed key";
    tail = key->data + key->size - bytes;
    taken.start = (int64_t)sx_get_be64(tail + bytes - 8);
    if (session)
        taken.end = (int64_t)sx_get_be64(tail);
    else if (__builtin_add_overflow(taken.start, size_ms, &taken.end))
        taken.end = INT64_MAX; /* as Kafka Streams does */
    /* A window with an offset, or of a calendar, may begin before 1970; it ends behind. */
    if (session ? taken.start < 0 || taken.end < taken.start : taken.end <= 0)
        return "the window of the key is not one: check the size, and `session`";
    key->size -= bytes;
    *window = taken;
    return NULL;
}
