/* arena.c: memory by region. See arena.h. */
#include "engine/base/arena.h"

#include <stdarg.h>
#include <stdlib.h>

#define DEFAULT_CHUNK (64 * 1024)
#define SPARE_MAX (1024 * 1024)

struct sx_arena_chunk {
    struct sx_arena_chunk *before;
    size_t bytes; /* of data */
    _Alignas(16) char data[];
};

/* Where an empty arena stands: no bytes left, but a pointer that may be handed out for 0 bytes. */
static const _Alignas(16) char nowhere[16];

void sx_arena_init(struct sx_arena *arena, size_t chunk_bytes)
{
    size_t bytes = chunk_bytes ? (chunk_bytes + 15) & ~(size_t)15 : DEFAULT_CHUNK;

    *arena = (struct sx_arena){.chunk_bytes = bytes, .next = (char *)nowhere, .end = (char *)nowhere};
}

static void free_chunk(struct sx_arena_chunk *chunk)
{
    SX_ARENA_UNPOISON(chunk->data, chunk->bytes);
    free(chunk);
}

static void free_list(struct sx_arena_chunk *chunk)
{
    while (chunk != NULL) {
        struct sx_arena_chunk *before = chunk->before;
        free_chunk(chunk);
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
            SX_ARENA_POISON(chunk->data, chunk->bytes);
            chunk->before = arena->spare;
            arena->spare = chunk;
        } else {
            free_chunk(chunk);
        }
    }
    arena->next = arena->end = (char *)nowhere;
    arena->used_bytes = 0;
}

size_t sx_arena_bytes(const struct sx_arena *arena)
{
    return arena->used_bytes + (arena->current ? (size_t)(arena->next - arena->current->data) : 0);
}

static struct sx_arena_chunk *new_chunk(struct sx_arena *arena, size_t bytes)
{
    struct sx_arena_chunk *chunk;

    if (bytes == arena->chunk_bytes && arena->spare != NULL) {
        chunk = arena->spare;
        arena->spare = chunk->before;
        return chunk;
    }
    chunk = sx_malloc(sizeof(*chunk) + bytes);
    chunk->bytes = bytes;
    SX_ARENA_POISON(chunk->data, bytes);
    return chunk;
}

void *sx_arena_alloc_slow(struct sx_arena *arena, size_t bytes)
{
    struct sx_arena_chunk *chunk;

    if (bytes > arena->chunk_bytes / 2 && arena->current != NULL) {
        /* A big piece gets a chunk of its own, behind the one being filled, whose rest stays in use. */
        chunk = new_chunk(arena, bytes);
        chunk->before = arena->current->before;
        arena->current->before = chunk;
        arena->used_bytes += bytes;
        return chunk->data;
    }
    chunk = new_chunk(arena, SX_MAX(bytes, arena->chunk_bytes));
    arena->used_bytes = sx_arena_bytes(arena);
    chunk->before = arena->current;
    arena->current = chunk;
    arena->next = chunk->data + bytes;
    arena->end = chunk->data + chunk->bytes;
    return chunk->data;
}

/* ---- Copies ---------------------------------------------------------------------------------- */

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
    char *copy = sx_arena_alloc(arena, bytes.size);

    if (bytes.size)
        memcpy(copy, bytes.data, bytes.size);
    return sx_slice(copy, bytes.size);
}

char *sx_arena_format(struct sx_arena *arena, const char *format, ...)
{
    char first[256], *text;
    va_list args;
    int size;

    va_start(args, format);
    size = vsnprintf(first, sizeof(first), format, args);
    va_end(args);
    if (size < 0)
        size = 0; /* as in sx_buffer_printf: we format no wide characters */
    if ((size_t)size < sizeof(first))
        return sx_arena_strndup(arena, first, (size_t)size);
    text = sx_arena_alloc(arena, (size_t)size + 1);
    va_start(args, format);
    vsnprintf(text, (size_t)size + 1, format, args);
    va_end(args);
    return text;
}
