/* buffer.c: growable buffers, varints, and the public face of a buffer. See bytes.h. */
#include "engine/base/bytes.h"

#include <stdarg.h>
#include <stdlib.h>

void sx_buffer_grow(struct sx_buffer *buffer, size_t more)
{
    size_t room = buffer->room ? buffer->room * 2 : 64;

    while (room < buffer->size + more)
        room *= 2;
    buffer->data = sx_realloc(buffer->data, room);
    buffer->room = room;
}

void sx_buffer_free(struct sx_buffer *buffer)
{
    free(buffer->data);
    *buffer = (struct sx_buffer){0};
}

void sx_buffer_printf(struct sx_buffer *buffer, const char *format, ...)
{
    va_list args;
    char *at = sx_buffer_room(buffer, 64); /* enough for most, so that they are formatted once */
    size_t room = buffer->room - buffer->size;
    int size;

    va_start(args, format);
    size = vsnprintf(at, room, format, args);
    va_end(args);
    if (size < 0)
        return; /* a wide character that the locale lacks; we format none */
    if ((size_t)size >= room) {
        at = sx_buffer_room(buffer, (size_t)size + 1);
        va_start(args, format);
        vsnprintf(at, (size_t)size + 1, format, args);
        va_end(args);
    }
    buffer->size += (size_t)size;
}

/* ---- Varints --------------------------------------------------------------------------------- */

void sx_buffer_add_varint(struct sx_buffer *buffer, uint64_t value)
{
    char *at = sx_buffer_room(buffer, 10);
    size_t n = 0;

    while (value >= 0x80) {
        at[n++] = (char)(value | 0x80);
        value >>= 7;
    }
    at[n++] = (char)value;
    buffer->size += n;
}

bool sx_read_varint(const char **at, const char *end, uint64_t *value)
{
    const char *p = *at;
    uint64_t v = 0;

    for (unsigned shift = 0; p < end && shift < 64; shift += 7) {
        unsigned char byte = (unsigned char)*p++;

        if (shift == 63 && byte > 1)
            return false;
        v |= (uint64_t)(byte & 0x7f) << shift;
        if (byte < 0x80) {
            *at = p;
            *value = v;
            return true;
        }
    }
    return false;
}

/* ---- The public buffer ----------------------------------------------------------------------- */

struct streamd_buffer {
    struct sx_buffer bytes;
};

streamd_bytes streamd_buffer_bytes(const streamd_buffer *buffer)
{
    if (buffer == NULL)
        return (streamd_bytes){NULL, 0};
    return (streamd_bytes){buffer->bytes.data, buffer->bytes.size};
}

void streamd_buffer_free(streamd_buffer *buffer)
{
    if (buffer == NULL)
        return;
    sx_buffer_free(&buffer->bytes);
    free(buffer);
}

streamd_buffer *sx_public_buffer(struct sx_buffer *bytes)
{
    streamd_buffer *buffer = sx_calloc(1, sizeof(*buffer));

    buffer->bytes = *bytes;
    *bytes = (struct sx_buffer){0};
    return buffer;
}
