/* test_damage.c: rows and keys that were cut off or changed are refused, or are other values; nothing
 * reads past their end. What is read is copied to a block of its exact size, so that the address
 * sanitizer sees the first byte too far. */
#include "engine/data/row.h"
#include "tests/unit/data/random_value.h"

#include <stdlib.h>

typedef bool (*read_fn)(struct sx_slice bytes, const struct sx_type *const *types, uint32_t count,
                        struct sx_value *values, struct sx_arena *arena);

/* Every byte that a value claims, so that a pointer to nowhere is noticed. */
static uint64_t touch(struct sx_value value)
{
    uint64_t sum = value.kind;

    switch ((enum sx_kind)value.kind) {
    case SX_STRING:
    case SX_BYTES:
    case SX_JSON:
        for (uint32_t i = 0; i < value.size; i++)
            sum += (unsigned char)value.s[i];
        return sum;
    case SX_ARRAY:
    case SX_MAP:
    case SX_STRUCT:
        for (uint32_t i = 0; i < value.size * (value.kind == SX_MAP ? 2 : 1); i++)
            sum += touch(value.items[i]);
        return sum;
    case SX_DECIMAL:
        return sum + (uint64_t)*value.decimal;
    default:
        return sum + (uint64_t)value.i;
    }
}

static bool reads(read_fn read, struct sx_slice bytes, const struct sx_type *const *types, uint32_t count,
                  struct sx_arena *arena)
{
    static volatile uint64_t seen;
    struct sx_value values[8];
    char *block = malloc(bytes.size ? bytes.size : 1);
    bool fine;

    if (bytes.size)
        memcpy(block, bytes.data, bytes.size);
    fine = read(sx_slice(block, bytes.size), types, count, values, arena);
    for (uint32_t i = 0; fine && i < count; i++)
        seen += touch(values[i]);
    free(block);
    return fine;
}

static unsigned check(read_fn read, bool row)
{
    struct sx_arena arena;
    struct sx_buffer bytes = {0};
    uint64_t seed = 21;
    unsigned wrong = 0;

    sx_arena_init(&arena, 0);
    for (int round = 0; round < 400; round++) {
        const struct sx_type *types[8];
        struct sx_value values[8];
        uint32_t count = 1 + (uint32_t)(sx_unit_random(&seed) % 8);

        for (uint32_t i = 0; i < count; i++) {
            types[i] = random_type(&arena, &seed, 2);
            values[i] = random_value(types[i], &arena, &seed);
        }
        bytes.size = 0;
        if (row)
            sx_row_write_values(&bytes, values, count);
        else
            sx_key_write_values(&bytes, values, count);
        wrong += !reads(read, sx_buffer_slice(&bytes), types, count, &arena);
        for (size_t cut = 0; cut < bytes.size; cut++)
            wrong += reads(read, sx_slice(bytes.data, cut), types, count, &arena);
        sx_buffer_add_byte(&bytes, 0);
        wrong += reads(read, sx_buffer_slice(&bytes), types, count, &arena); /* one byte too many */
        bytes.size--;
        for (int change = 0; change < 60; change++) {
            size_t at = sx_unit_random(&seed) % bytes.size;
            char before = bytes.data[at];

            bytes.data[at] = (char)sx_unit_random(&seed);
            reads(read, sx_buffer_slice(&bytes), types, count, &arena); /* only must not go astray */
            if (change % 3 != 0)
                bytes.data[at] = before;
        }
        sx_arena_reset(&arena);
    }
    sx_buffer_free(&bytes);
    sx_arena_free(&arena);
    return wrong;
}

static void rows(void) { CU_ASSERT_EQUAL(check(sx_row_read, true), 0); }
static void keys(void) { CU_ASSERT_EQUAL(check(sx_key_read, false), 0); }

static void check_refused(read_fn read, const struct sx_type *type, const char *hex)
{
    struct sx_arena arena;
    struct sx_buffer bytes = {0};
    bool taken;

    sx_arena_init(&arena, 0);
    sx_unit_hex(&bytes, hex);
    taken = reads(read, sx_buffer_slice(&bytes), &type, 1, &arena);
    CU_ASSERT_FALSE(taken);
    if (taken)
        fprintf(stderr, "taken: %s\n", hex);
    CU_ASSERT(sx_arena_bytes(&arena) < 100000); /* nor did it ask for much memory */
    sx_buffer_free(&bytes);
    sx_arena_free(&arena);
}

static void what_is_refused(void)
{
    static const struct sx_type ints = {.kind = SX_ARRAY, .element = &sx_type_int};

    check_refused(sx_row_read, &sx_type_bool, "02 00 01");                     /* another version */
    check_refused(sx_row_read, &sx_type_bool, "01 00 02");                     /* no bool */
    check_refused(sx_row_read, &sx_type_bool, "01 02 01");                     /* a null of no column */
    check_refused(sx_row_read, &sx_type_string, "01 00 ff ff ff ff 0f");       /* 4 GiB of string */
    check_refused(sx_row_read, &sx_type_string, "01 00 ffffffffffffffffff01"); /* 2^64 - 1 */
    check_refused(sx_row_read, &ints, "01 00 ff ff ff ff 07 00");              /* 2^31 items in a byte */
    check_refused(sx_row_read, &ints, "01 00 ffffffffffffffffff01 00");
    check_refused(sx_key_read, &sx_type_bool, "03 01");         /* no tag */
    check_refused(sx_key_read, &sx_type_bool, "02 02");         /* no bool */
    check_refused(sx_key_read, &sx_type_string, "02 61 00 01"); /* no escape */
    check_refused(sx_key_read, &sx_type_string, "02 61 62 63"); /* no end */
    check_refused(sx_key_read, &ints, "02 04 01 00");           /* no item */
}

void suite_damage(void)
{
    SX_SUITE("damage");
    SX_TEST(rows);
    SX_TEST(keys);
    SX_TEST(what_is_refused);
}
