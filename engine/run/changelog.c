/* changelog.c: see changelog.h. */
#include "engine/run/changelog.h"

enum { KIND_ROW = 1, KIND_SIGNATURE = 2, VERSION = 1, HEAD_BYTES = 2, HASH_BYTES = 4 };

#define SIGNATURE_KEY SX_SLICE("means")

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

enum sx_changelog_kind sx_changelog_read(const struct sx_record *record, uint32_t hash,
                                         struct sx_slice *value)
{
    struct sx_slice bytes = record->value;
    bool signature = sx_slice_equal(record->key, SIGNATURE_KEY);

    *value = SX_SLICE_NONE;
    if (record->key.data == NULL)
        return SX_CHANGELOG_DAMAGED;
    if (bytes.data == NULL)
        return signature ? SX_CHANGELOG_DAMAGED : SX_CHANGELOG_GONE;
    if (bytes.size < HEAD_BYTES || bytes.data[0] != (signature ? KIND_SIGNATURE : KIND_ROW))
        return SX_CHANGELOG_DAMAGED;
    if (bytes.data[1] != VERSION)
        return (unsigned char)bytes.data[1] > VERSION ? SX_CHANGELOG_NEWER : SX_CHANGELOG_DAMAGED;
    *value = sx_slice(bytes.data + HEAD_BYTES, bytes.size - HEAD_BYTES);
    if (signature)
        return SX_CHANGELOG_SIGNATURE;
    if (value->size < HASH_BYTES)
        return SX_CHANGELOG_DAMAGED;
    if (sx_get_be32(value->data) != hash)
        return SX_CHANGELOG_OTHER;
    *value = sx_slice(value->data + HASH_BYTES, value->size - HASH_BYTES);
    return SX_CHANGELOG_ROW;
}
