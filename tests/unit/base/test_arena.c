/* test_arena.c: pieces are aligned and apart, a reset gives them back and keeps little. */
#include "engine/base/arena.h"
#include "tests/unit/unit.h"

static void pieces_are_aligned_and_apart(void)
{
    struct sx_arena arena;
    unsigned char *pieces[500];
    uint64_t seed = 1;
    bool aligned = true, intact = true;

    sx_arena_init(&arena, 1024);
    for (unsigned i = 0; i < SX_COUNT(pieces); i++) {
        size_t bytes = sx_unit_random(&seed) % (i % 50 == 0 ? 5000 : 90);

        pieces[i] = sx_arena_alloc(&arena, bytes + 1);
        aligned &= (uintptr_t)pieces[i] % 16 == 0;
        memset(pieces[i], (int)(i % 251), bytes + 1);
    }
    seed = 1;
    for (unsigned i = 0; i < SX_COUNT(pieces); i++) {
        size_t bytes = sx_unit_random(&seed) % (i % 50 == 0 ? 5000 : 90);
        for (size_t b = 0; b <= bytes; b++)
            intact &= pieces[i][b] == i % 251;
    }
    CU_ASSERT(aligned);
    CU_ASSERT(intact);
    sx_arena_free(&arena);
}

static void nothing_is_a_pointer_too(void)
{
    struct sx_arena arena;

    sx_arena_init(&arena, 0);
    CU_ASSERT_PTR_NOT_NULL(sx_arena_alloc(&arena, 0));
    CU_ASSERT_PTR_NOT_NULL(sx_arena_zero(&arena, 0));
    CU_ASSERT_EQUAL(sx_arena_copy(&arena, SX_SLICE_NONE).size, 0);
    sx_arena_free(&arena);
}

static void zeroed_after_use(void)
{
    struct sx_arena arena;
    const char *zeros;
    bool zero = true;

    sx_arena_init(&arena, 256);
    memset(sx_arena_alloc(&arena, 200), 0xff, 200);
    sx_arena_reset(&arena);
    zeros = sx_arena_zero(&arena, 200);
    for (int i = 0; i < 200; i++)
        zero &= zeros[i] == 0;
    CU_ASSERT(zero);
    sx_arena_free(&arena);
}

static void a_reset_keeps_its_chunks(void)
{
    struct sx_arena arena;
    char *first, *again;

    sx_arena_init(&arena, 4096);
    first = sx_arena_alloc(&arena, 100);
    CU_ASSERT(sx_arena_bytes(&arena) >= 100);
    sx_arena_reset(&arena);
    CU_ASSERT_EQUAL(sx_arena_bytes(&arena), 0);
    again = sx_arena_alloc(&arena, 100);
    CU_ASSERT_PTR_EQUAL(first, again);
    sx_arena_free(&arena);
}

static void a_big_piece_leaves_the_chunk_in_use(void)
{
    struct sx_arena arena;
    char *before, *after;

    sx_arena_init(&arena, 4096);
    before = sx_arena_alloc(&arena, 16);
    memset(sx_arena_alloc(&arena, 100000), 1, 100000);
    after = sx_arena_alloc(&arena, 16);
    CU_ASSERT(after > before && after - before < 4096);
    CU_ASSERT(sx_arena_bytes(&arena) >= 100032);
    sx_arena_free(&arena);
}

static void text(void)
{
    struct sx_arena arena;
    struct sx_buffer longer = {0};
    char *formatted;

    sx_arena_init(&arena, 0);
    SX_ASSERT_TEXT(sx_arena_strdup(&arena, "text"), "text");
    SX_ASSERT_TEXT(sx_arena_strndup(&arena, "text", 2), "te");
    SX_ASSERT_TEXT(sx_arena_format(&arena, "%d-%s", 7, "x"), "7-x");
    for (int i = 0; i < 1000; i++)
        sx_buffer_add_byte(&longer, 'a');
    sx_buffer_add_byte(&longer, '\0');
    formatted = sx_arena_format(&arena, "%s!", longer.data);
    CU_ASSERT_EQUAL(strlen(formatted), 1001);
    CU_ASSERT_EQUAL(formatted[1000], '!');
    sx_buffer_free(&longer);
    sx_arena_free(&arena);
}

#ifdef SX_ARENA_SANITIZED
int __asan_address_is_poisoned(void const volatile *at);

static void the_sanitizer_sees_the_end(void)
{
    struct sx_arena arena;
    char *piece;

    sx_arena_init(&arena, 4096);
    piece = sx_arena_alloc(&arena, 20);
    CU_ASSERT_FALSE(__asan_address_is_poisoned(piece + 19));
    CU_ASSERT_TRUE(__asan_address_is_poisoned(piece + 20));
    sx_arena_alloc(&arena, 20);
    CU_ASSERT_TRUE(__asan_address_is_poisoned(piece + 20));
    sx_arena_reset(&arena);
    CU_ASSERT_TRUE(__asan_address_is_poisoned(piece));
    sx_arena_free(&arena);
}
#endif

void suite_arena(void)
{
    SX_SUITE("arena");
    SX_TEST(pieces_are_aligned_and_apart);
    SX_TEST(nothing_is_a_pointer_too);
    SX_TEST(zeroed_after_use);
    SX_TEST(a_reset_keeps_its_chunks);
    SX_TEST(a_big_piece_leaves_the_chunk_in_use);
    SX_TEST(text);
#ifdef SX_ARENA_SANITIZED
    SX_TEST(the_sanitizer_sees_the_end);
#endif
}
