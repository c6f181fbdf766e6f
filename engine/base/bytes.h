/* bytes.h: a growable buffer, and integers written into bytes.
 *
 * Two byte orders are used and named: `be` sorts as the number does (keys, Kafka's serializers),
 * `le` is what the machine has (stored rows).
 */
#ifndef SX_BYTES_H
#define SX_BYTES_H

#include "engine/base/base.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Zeroed is empty. Owns `data` until sx_buffer_free(). */
struct sx_buffer {
    char *data;
    size_t size;
    size_t room;
};

void sx_buffer_grow(struct sx_buffer *buffer, size_t more); /* room for `more` bytes behind size */
void sx_buffer_free(struct sx_buffer *buffer);              /* and empty again */
void sx_buffer_printf(struct sx_buffer *buffer, const char *format, ...) SX_PRINTF(2, 3);

/* Never NULL, not for 0 bytes in an empty buffer either. */
static inline char *sx_buffer_room(struct sx_buffer *buffer, size_t more)
{
    if (SX_UNLIKELY(buffer->room - buffer->size <= more))
        sx_buffer_grow(buffer, more);
    return buffer->data + buffer->size;
}

static inline void sx_buffer_add(struct sx_buffer *buffer, const void *data, size_t size)
{
    if (size == 0)
        return;
    memcpy(sx_buffer_room(buffer, size), data, size);
    buffer->size += size;
}

static inline void sx_buffer_add_byte(struct sx_buffer *buffer, char byte)
{
    *sx_buffer_room(buffer, 1) = byte;
    buffer->size++;
}

static inline void sx_buffer_add_text(struct sx_buffer *buffer, const char *text)
{
    sx_buffer_add(buffer, text, strlen(text));
}

static inline void sx_buffer_add_slice(struct sx_buffer *buffer, struct sx_slice bytes)
{
    sx_buffer_add(buffer, bytes.data, bytes.size);
}

static inline struct sx_slice sx_buffer_slice(const struct sx_buffer *buffer)
{
    return sx_slice(buffer->data, buffer->size);
}

static inline void sx_put_be16(void *at, uint16_t v)
{
    v = __builtin_bswap16(v);
    memcpy(at, &v, 2);
}
static inline void sx_put_be32(void *at, uint32_t v)
{
    v = __builtin_bswap32(v);
    memcpy(at, &v, 4);
}
static inline void sx_put_be64(void *at, uint64_t v)
{
    v = __builtin_bswap64(v);
    memcpy(at, &v, 8);
}
static inline uint16_t sx_get_be16(const void *at)
{
    uint16_t v;
    memcpy(&v, at, 2);
    return __builtin_bswap16(v);
}
static inline uint32_t sx_get_be32(const void *at)
{
    uint32_t v;
    memcpy(&v, at, 4);
    return __builtin_bswap32(v);
}
static inline uint64_t sx_get_be64(const void *at)
{
    uint64_t v;
    memcpy(&v, at, 8);
    return __builtin_bswap64(v);
}
static inline void sx_put_le64(void *at, uint64_t v) { memcpy(at, &v, 8); }
static inline uint64_t sx_get_le64(const void *at)
{
    uint64_t v;
    memcpy(&v, at, 8);
    return v;
}
/* A signed integer whose bytes sort as the number: big-endian with the sign bit flipped. */
static inline void sx_put_sorted64(void *at, int64_t v) { sx_put_be64(at, (uint64_t)v ^ (1ull << 63)); }
static inline int64_t sx_get_sorted64(const void *at) { return (int64_t)(sx_get_be64(at) ^ (1ull << 63)); }

/* The public form, which takes the bytes; *bytes is empty after it. */
streamd_buffer *sx_public_buffer(struct sx_buffer *bytes);

/* LEB128. Adds 1 to 10 bytes. */
void sx_buffer_add_varint(struct sx_buffer *buffer, uint64_t value);
/* Reads from *at, not past `end`, and moves *at on. False: the bytes are cut off or too long. */
bool sx_read_varint(const char **at, const char *end, uint64_t *value);

#ifdef __cplusplus
}
#endif
#endif
