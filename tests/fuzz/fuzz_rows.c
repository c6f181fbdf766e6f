/* fuzz_rows.c: stored rows and keys, as they may come from a damaged disk or changelog.
 *
 *   input   count(1) | a type per column | two sets of bytes, split in the middle
 *
 * What reads as values is written and read again: the same values, the same bytes from then on. And keys sort
 * as the values in them do.
 */
#include "engine/data/row.h"
#include "tests/fuzz/target.h"

enum { COLUMNS = 4 };

/* A type from the input. Beyond its end there are zeros, which is bool. */
static const struct sx_type *take_type(struct input *in, struct sx_arena *arena, unsigned depth)
{
    static const struct sx_type decimal = {.kind = SX_DECIMAL, .precision = 38, .scale = 2};
    static const struct sx_type *const plain[] = {
        &sx_type_bool, &sx_type_int,  &sx_type_double,   &sx_type_string, &sx_type_bytes, &sx_type_timestamp,
        &sx_type_date, &sx_type_time, &sx_type_duration, &sx_type_json,   &decimal};
    static const char *const names[] = {"a", "b", "c"};
    struct sx_type_field fields[SX_COUNT(names)];
    uint8_t choice = input_byte(in);
    uint32_t count;

    if (depth == 0 || choice % 16 < SX_COUNT(plain))
        return plain[choice % 16 % SX_COUNT(plain)];
    if (choice % 16 < 13)
        return sx_type_array(arena, take_type(in, arena, depth - 1));
    if (choice % 16 < 15)
        return sx_type_map(arena, take_type(in, arena, depth - 1));
    count = choice / 16u % (SX_COUNT(names) + 1);
    for (uint32_t i = 0; i < count; i++)
        fields[i] = (struct sx_type_field){names[i], take_type(in, arena, depth - 1), false};
    return sx_type_struct(arena, fields, count);
}

struct read {
    bool fine;
    struct sx_value values[COLUMNS];
};

struct form {
    bool (*read)(struct sx_slice bytes, const struct sx_type *const *types, uint32_t count,
                 struct sx_value *values, struct sx_arena *arena);
    void (*write)(struct sx_buffer *to, const struct sx_value *values, uint32_t count);
};

static bool all_equal(const struct sx_value *a, const struct sx_value *b, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        if (!sx_value_equal(a[i], b[i]))
            return false;
    return true;
}

/* Read, and out and in again; `canonical` is what the values are written as. */
static struct read check(const struct form *form, struct sx_slice bytes, const struct sx_type *const *types,
                         uint32_t count, struct sx_arena *arena, struct sx_buffer *canonical)
{
    struct read r = {0};
    struct sx_value again[COLUMNS];
    struct sx_buffer twice = {0};
    char *copy = exact_copy(bytes);

    r.fine = form->read(sx_slice(copy, bytes.size), types, count, r.values, arena);
    for (uint32_t i = 0; r.fine && i < count; i++)
        r.values[i] = sx_value_copy(arena, r.values[i]);
    free(copy);
    if (r.fine) {
        form->write(canonical, r.values, count);
        copy = exact_copy(sx_buffer_slice(canonical));
        MUST(form->read(sx_slice(copy, canonical->size), types, count, again, arena));
        MUST(all_equal(r.values, again, count));
        form->write(&twice, again, count);
        MUST(sx_slice_equal(sx_buffer_slice(canonical), sx_buffer_slice(&twice)));
        free(copy);
        sx_buffer_free(&twice);
    }
    return r;
}

static int sign(int64_t number) { return (number > 0) - (number < 0); }

static int compare_all(const struct sx_value *a, const struct sx_value *b, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        int order = sx_value_compare(a[i], b[i]);

        if (order != 0)
            return sign(order);
    }
    return 0;
}

static int compare_bytes(const struct sx_buffer *a, const struct sx_buffer *b)
{
    int order = memcmp(a->data, b->data, SX_MIN(a->size, b->size));

    return order ? sign(order) : sign((int64_t)a->size - (int64_t)b->size);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct form row = {sx_row_read, sx_row_write_values};
    static const struct form key = {sx_key_read, sx_key_write_values};
    const struct sx_type *types[COLUMNS];
    struct input in = {data, size};
    uint32_t count = 1 + input_byte(&in) % COLUMNS;
    struct sx_buffer written[2] = {0}, keys[2] = {0};
    struct read read[2];
    struct sx_slice parts[2];
    struct sx_arena arena;

    sx_arena_init(&arena, 0);
    for (uint32_t i = 0; i < count; i++)
        types[i] = take_type(&in, &arena, 2);
    parts[0] = sx_slice(in.data, in.size / 2);
    parts[1] = sx_slice(in.data + in.size / 2, in.size - in.size / 2);
    for (int i = 0; i < 2; i++) {
        read[i] = check(&row, parts[i], types, count, &arena, &written[i]);
        if (read[i].fine)
            key.write(&keys[i], read[i].values, count);
    }
    /* The values of rows, as keys. */
    for (int i = 0; i < 2; i++) {
        struct sx_buffer canonical = {0};

        if (read[i].fine)
            MUST(check(&key, sx_buffer_slice(&keys[i]), types, count, &arena, &canonical).fine);
        sx_buffer_free(&canonical);
    }
    if (read[0].fine && read[1].fine)
        MUST(compare_bytes(&keys[0], &keys[1]) == compare_all(read[0].values, read[1].values, count));
    /* The same bytes, as keys. */
    for (int i = 0; i < 2; i++) {
        keys[i].size = 0;
        read[i] = check(&key, parts[i], types, count, &arena, &keys[i]);
    }
    if (read[0].fine && read[1].fine)
        MUST(compare_bytes(&keys[0], &keys[1]) == compare_all(read[0].values, read[1].values, count));
    for (int i = 0; i < 2; i++) {
        sx_buffer_free(&written[i]);
        sx_buffer_free(&keys[i]);
    }
    sx_arena_free(&arena);
    return 0;
}
