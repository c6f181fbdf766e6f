/* arena.h: memory by region. Allocate freely, give all back at once.
 *
 * Three lifetimes use arenas: a topology (its plan), a task (an operator's own structures) and a
 * batch (columns, strings, everything that dies when the batch ends). Freeing is a reset, so the
 * hot path neither frees nor locks. A pointer is 16-byte aligned, the memory is not zeroed unless
 * asked.
 */
#ifndef SX_ARENA_H
#define SX_ARENA_H

#include "engine/base/base.h"

#ifdef __cplusplus
extern "C" {
#endif

struct sx_arena_chunk;

struct sx_arena {
    struct sx_arena_chunk *current; /* being filled; the list goes back in time */
    char *next;
    char *end;
    struct sx_arena_chunk *spare; /* kept by a reset, so that the next batch asks libc for nothing */
    size_t chunk_bytes;
    size_t used_bytes; /* in all chunks but the current one */
};

void sx_arena_init(struct sx_arena *arena, size_t chunk_bytes); /* 0: 64 KiB */
void sx_arena_free(struct sx_arena *arena);                     /* gives all memory back to libc */
/* Everything allocated is gone; up to 1 MiB of chunks stays for the next use. */
void sx_arena_reset(struct sx_arena *arena);
size_t sx_arena_bytes(const struct sx_arena *arena);

/* With the address sanitizer, memory that nobody asked for is poisoned, and 16 bytes of it lie behind
 * every piece; so a read past a piece, or of a batch that has ended, is caught as with malloc. */
#if defined(__SANITIZE_ADDRESS__)
#define SX_ARENA_SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SX_ARENA_SANITIZED 1
#endif
#endif
#ifdef SX_ARENA_SANITIZED
void __asan_poison_memory_region(void const volatile *at, size_t bytes);
void __asan_unpoison_memory_region(void const volatile *at, size_t bytes);
#define SX_ARENA_POISON(at, bytes) __asan_poison_memory_region((at), (bytes))
#define SX_ARENA_UNPOISON(at, bytes) __asan_unpoison_memory_region((at), (bytes))
#define SX_ARENA_GAP 16
#else
#define SX_ARENA_POISON(at, bytes) ((void)(at), (void)(bytes))
#define SX_ARENA_UNPOISON(at, bytes) ((void)(at), (void)(bytes))
#define SX_ARENA_GAP 0
#endif

void *sx_arena_alloc_slow(struct sx_arena *arena, size_t bytes);

/* Never NULL; 0 bytes give a pointer to nothing. */
static inline void *sx_arena_alloc(struct sx_arena *arena, size_t bytes)
{
    size_t rounded = (bytes + 15 + SX_ARENA_GAP) & ~(size_t)15;
    char *at = arena->next;

    if (SX_UNLIKELY(rounded > (size_t)(arena->end - at)))
        at = (char *)sx_arena_alloc_slow(arena, rounded);
    else
        arena->next = at + rounded;
    SX_ARENA_UNPOISON(at, bytes);
    return at;
}

static inline void *sx_arena_zero(struct sx_arena *arena, size_t bytes)
{
    return memset(sx_arena_alloc(arena, bytes), 0, bytes);
}

#define SX_ARENA_NEW(arena, type) ((type *)sx_arena_zero((arena), sizeof(type)))
#define SX_ARENA_ARRAY(arena, type, count) ((type *)sx_arena_zero((arena), sizeof(type) * (count)))

char *sx_arena_strdup(struct sx_arena *arena, const char *text);
char *sx_arena_strndup(struct sx_arena *arena, const char *text, size_t bytes); /* adds a NUL */
struct sx_slice sx_arena_copy(struct sx_arena *arena, struct sx_slice bytes);
char *sx_arena_format(struct sx_arena *arena, const char *format, ...) SX_PRINTF(2, 3);

#ifdef __cplusplus
}
#endif
#endif
