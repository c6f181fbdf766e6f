/* embedded_block.c: the bytes of a block of records, as embedded.h draws them. */
#include "engine/log/embedded.h"

#define VERSION 1

void sx_block_key(char *to, uint32_t topic, int32_t partition, int64_t offset)
{
    sx_put_be32(to, topic);
    sx_put_be32(to + 4, (uint32_t)partition);
    sx_put_be64(to + 8, (uint64_t)offset);
}

int64_t sx_block_key_offset(struct sx_slice key) { return (int64_t)sx_get_be64(key.data + 8); }

void sx_block_begin(struct sx_buffer *to)
{
    static const char head[SX_BLOCK_HEAD];

    sx_buffer_add(to, head, sizeof(head));
}

void sx_block_end(char *block, uint32_t count, int64_t append_ms)
{
    block[0] = VERSION;
    sx_put_be32(block + 1, count);
    sx_put_be64(block + 5, (uint64_t)append_ms);
}

static void add_nullable(struct sx_buffer *to, struct sx_slice bytes)
{
    if (bytes.data == NULL) {
        sx_buffer_add_varint(to, 0);
        return;
    }
    sx_buffer_add_varint(to, (uint64_t)bytes.size + 1);
    sx_buffer_add_slice(to, bytes);
}

void sx_block_add(struct sx_buffer *to, const struct sx_record *record)
{
    sx_put_be64(sx_buffer_room(to, 8), (uint64_t)record->timestamp);
    to->size += 8;
    add_nullable(to, record->key);
    add_nullable(to, record->value);
    sx_buffer_add_varint(to, record->header_count);
    for (uint32_t i = 0; i < record->header_count; i++) {
        sx_buffer_add_varint(to, record->headers[i].name.size);
        sx_buffer_add_slice(to, record->headers[i].name);
        add_nullable(to, record->headers[i].value);
    }
}

bool sx_block_head(const char **at, const char *end, uint32_t *count, int64_t *append_ms)
{
    if (end - *at < SX_BLOCK_HEAD || **at != VERSION)
        return false;
    *count = sx_get_be32(*at + 1);
    *append_ms = (int64_t)sx_get_be64(*at + 5);
    *at += SX_BLOCK_HEAD;
    return *count > 0;
}

static bool read_bytes(const char **at, const char *end, uint64_t size, struct sx_slice *bytes)
{
    if (size > (uint64_t)(end - *at))
        return false;
    *bytes = sx_slice(*at, size);
    *at += size;
    return true;
}

static bool read_nullable(const char **at, const char *end, struct sx_slice *bytes)
{
    uint64_t size;

    if (!sx_read_varint(at, end, &size))
        return false;
    if (size == 0) {
        *bytes = SX_SLICE_NONE;
        return true;
    }
    return read_bytes(at, end, size - 1, bytes);
}

static bool read_headers(const char **at, const char *end, struct sx_record *record, struct sx_arena *arena)
{
    struct sx_header *headers = sx_arena_alloc(arena, sizeof(*headers) * record->header_count);

    record->headers = headers;
    for (uint32_t i = 0; i < record->header_count; i++) {
        uint64_t size;
        if (!sx_read_varint(at, end, &size) || !read_bytes(at, end, size, &headers[i].name) ||
            !read_nullable(at, end, &headers[i].value))
            return false;
    }
    return true;
}

bool sx_block_record(const char **at, const char *end, struct sx_record *record, struct sx_arena *arena)
{
    uint64_t count;

    if (end - *at < 8)
        return false;
    record->timestamp = (int64_t)sx_get_be64(*at);
    *at += 8;
    if (!read_nullable(at, end, &record->key) || !read_nullable(at, end, &record->value) ||
        !sx_read_varint(at, end, &count))
        return false;
    /* A header takes two bytes at least: a damaged count must not become an allocation. */
    if (count > (uint64_t)(end - *at) / 2)
        return false;
    record->header_count = (uint32_t)count;
    record->headers = NULL;
    return count == 0 || read_headers(at, end, record, arena);
}
