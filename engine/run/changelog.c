/* changelog.c: see changelog.h. */
#include "engine/run/changelog.h"

enum { KIND_ROW = 1, KIND_SIGNATURE = 2, KIND_LIFE = 3 };
enum { VERSION = 1, HEAD_BYTES = 2, HASH_BYTES = 4, LIFE_BYTES = 8 };

#define SIGNATURE_KEY SX_SLICE("means")
#define LIFE_KEY SX_SLICE("life")

static void add_head(struct sx_buffer *value, char kind)
{
    sx_buffer_add_byte(value, kind);
    sx_buffer_add_byte(value, VERSION);
}

void sx_changelog_write_row(struct sx_buffer *value, uint32_t hash, struct sx_slice row)
{
    char bytes[HASH_BYTES];

    value->size = 0;
    add_head(value, KIND_ROW);
    sx_put_be32(bytes, hash);
    sx_buffer_add(value, bytes, sizeof(bytes));
    sx_buffer_add_slice(value, row);
}

struct sx_slice sx_changelog_signature_key(void) { return SIGNATURE_KEY; }

void sx_changelog_write_signature(struct sx_buffer *value, struct sx_slice signature)
{
    value->size = 0;
    add_head(value, KIND_SIGNATURE);
    sx_buffer_add_slice(value, signature);
}

struct sx_slice sx_changelog_life_key(void) { return LIFE_KEY; }

void sx_changelog_write_life(struct sx_buffer *value, uint64_t number)
{
    char bytes[LIFE_BYTES];

    value->size = 0;
    add_head(value, KIND_LIFE);
    sx_put_be64(bytes, number);
    sx_buffer_add(value, bytes, sizeof(bytes));
}

static char kind_of(struct sx_slice key)
{
    return sx_slice_equal(key, SIGNATURE_KEY) ? KIND_SIGNATURE
           : sx_slice_equal(key, LIFE_KEY)    ? KIND_LIFE
                                              : KIND_ROW;
}

enum sx_changelog_kind sx_changelog_read(const struct sx_record *record, uint32_t hash,
                                         struct sx_slice *value)
{
    struct sx_slice bytes = record->value;
    char kind;

    *value = SX_SLICE_NONE;
    if (record->key.data == NULL)
        return SX_CHANGELOG_DAMAGED;
    kind = kind_of(record->key);
    if (bytes.data == NULL)
        return kind == KIND_ROW ? SX_CHANGELOG_GONE : SX_CHANGELOG_DAMAGED;
    if (bytes.size < HEAD_BYTES || bytes.data[0] != kind)
        return SX_CHANGELOG_DAMAGED;
    if (bytes.data[1] != VERSION)
        return (unsigned char)bytes.data[1] > VERSION ? SX_CHANGELOG_NEWER : SX_CHANGELOG_DAMAGED;
    *value = sx_slice(bytes.data + HEAD_BYTES, bytes.size - HEAD_BYTES);
    if (kind == KIND_SIGNATURE)
        return SX_CHANGELOG_SIGNATURE;
    if (kind == KIND_LIFE)
        return value->size == LIFE_BYTES ? SX_CHANGELOG_LIFE : SX_CHANGELOG_DAMAGED;
    if (value->size < HASH_BYTES)
        return SX_CHANGELOG_DAMAGED;
    if (sx_get_be32(value->data) != hash)
        return SX_CHANGELOG_OTHER;
    *value = sx_slice(value->data + HASH_BYTES, value->size - HASH_BYTES);
    return SX_CHANGELOG_ROW;
}
