/* memory.c: allocation that does not fail, buffers and arenas. */
#include "engine/base/arena.h"
#include "engine/base/bytes.h"

#include <stdarg.h>
#include <stdlib.h>

static void *checked(void *memory)
{
    if (memory == NULL) {
        fputs("streamd: out of memory\n", stderr);
        abort();
    }
    return memory;
}

void *sx_malloc(size_t bytes) { return checked(malloc(bytes ? bytes : 1)); }
void *sx_calloc(size_t count, size_t bytes) { return checked(calloc(count ? count : 1, bytes ? bytes : 1)); }
void *sx_realloc(void *old, size_t bytes) { return checked(realloc(old, bytes ? bytes : 1)); }
char *sx_strdup(const char *text) { return checked(strdup(text)); }

static char *formatted(const char *format, va_list args)
{
    char *text = NULL;

    if (vasprintf(&text, format, args) < 0)
        text = NULL;
    return checked(text);
}

char *sx_format(const char *format, ...)
{
    va_list args;
    char *text;

    va_start(args, format);
    text = formatted(format, args);
    va_end(args);
    return text;
}

/* ---- Buffers ----------------------------------------------------------------------------------- */

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
    char *text;

    va_start(args, format);
    text = formatted(format, args);
    va_end(args);
    sx_buffer_add_text(buffer, text);
    free(text);
}

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
    uint64_t v = 0;

    for (unsigned shift = 0; *at < end && shift < 64; shift += 7) {
        unsigned char byte = (unsigned char)*(*at)++;

        if (shift == 63 && byte > 1)
            return false;
        v |= (uint64_t)(byte & 0x7f) << shift;
        if (byte < 0x80) {
            *value = v;
            return true;
        }
    }
    return false;
}

/* ---- Arenas ------------------------------------------------------------------------------------ */

#define DEFAULT_CHUNK (64 * 1024)
#define SPARE_MAX (1024 * 1024)

struct sx_arena_chunk {
    struct sx_arena_chunk *before;
    size_t bytes; /* of data */
    _Alignas(16) char data[];
};

void sx_arena_init(struct sx_arena *arena, size_t chunk_bytes)
{
    *arena = (struct sx_arena){.chunk_bytes = chunk_bytes ? chunk_bytes : DEFAULT_CHUNK};
}

static void free_list(struct sx_arena_chunk *chunk)
{
    while (chunk != NULL) {
        struct sx_arena_chunk *before = chunk->before;
        free(chunk);
        chunk = before;
    }
}

void sx_arena_free(struct sx_arena *arena)
{
    free_list(arena->current);
    free_list(arena->spare);
    sx_arena_init(arena, arena->chunk_bytes);
}

void sx_arena_reset(struct sx_arena *arena)
{
    size_t kept = 0;

    for (struct sx_arena_chunk *c = arena->spare; c != NULL; c = c->before)
        kept += c->bytes;
    while (arena->current != NULL) {
        struct sx_arena_chunk *chunk = arena->current;

        arena->current = chunk->before;
        if (chunk->bytes == arena->chunk_bytes && kept + chunk->bytes <= SPARE_MAX) {
            kept += chunk->bytes;
            chunk->before = arena->spare;
            arena->spare = chunk;
        } else {
            free(chunk);
        }
    }
    arena->next = arena->end = NULL;
    arena->used_bytes = 0;
}

size_t sx_arena_bytes(const struct sx_arena *arena)
{
    return arena->used_bytes + (arena->current ? (size_t)(arena->next - arena->current->data) : 0);
}

void *sx_arena_alloc_slow(struct sx_arena *arena, size_t bytes)
{
    struct sx_arena_chunk *chunk = NULL;
    size_t size = SX_MAX(bytes, arena->chunk_bytes);

    if (size == arena->chunk_bytes && arena->spare != NULL) {
        chunk = arena->spare;
        arena->spare = chunk->before;
    } else {
        chunk = sx_malloc(sizeof(*chunk) + size);
        chunk->bytes = size;
    }
    if (bytes > arena->chunk_bytes / 2 && arena->current != NULL) {
        /* A big piece of its own goes behind the chunk being filled, whose rest stays in use. */
        chunk->before = arena->current->before;
        arena->current->before = chunk;
        arena->used_bytes += bytes;
        return chunk->data;
    }
    arena->used_bytes = sx_arena_bytes(arena);
    chunk->before = arena->current;
    arena->current = chunk;
    arena->next = chunk->data + bytes;
    arena->end = chunk->data + chunk->bytes;
    return chunk->data;
}

char *sx_arena_strndup(struct sx_arena *arena, const char *text, size_t bytes)
{
    char *copy = sx_arena_alloc(arena, bytes + 1);

    if (bytes)
        memcpy(copy, text, bytes);
    copy[bytes] = '\0';
    return copy;
}

char *sx_arena_strdup(struct sx_arena *arena, const char *text)
{
    return sx_arena_strndup(arena, text, strlen(text));
}

struct sx_slice sx_arena_copy(struct sx_arena *arena, struct sx_slice bytes)
{
    char *copy = sx_arena_alloc(arena, bytes.size ? bytes.size : 1);

    if (bytes.size)
        memcpy(copy, bytes.data, bytes.size);
    return sx_slice(copy, bytes.size);
}

char *sx_arena_format(struct sx_arena *arena, const char *format, ...)
{
    va_list args;
    char *text, *copy;

    va_start(args, format);
    text = formatted(format, args);
    va_end(args);
    copy = sx_arena_strdup(arena, text);
    free(text);
    return copy;
}
