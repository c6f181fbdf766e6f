/* remembered.c: see remembered.h. */
#include "streamd/remembered.h"

#include "engine/base/hash.h"

enum { VERSION = 1, HEAD_BYTES = 17 };

static struct sx_slice key_of(struct sx_buffer *to, const struct sx_remembered_request *request)
{
    to->size = 0;
    sx_buffer_add_text(to, "http/");
    sx_buffer_add(to, request->topic, strlen(request->topic) + 1);
    sx_buffer_add_text(to, request->key);
    return sx_buffer_slice(to);
}

/* What tells another body from the same: a mistake is to be noticed, not an attack. */
static uint64_t mark_of(struct sx_slice body)
{
    return (uint64_t)body.size << 32 | (uint32_t)sx_murmur2(body.data ? body.data : "", body.size);
}

static bool is_old(struct sx_slice value, int64_t now_ms)
{
    return value.size < HEAD_BYTES || value.data[0] != VERSION ||
           now_ms - (int64_t)sx_get_be64(value.data + 1) > SX_REMEMBERED_MS;
}

streamd_status sx_remembered_find(struct sx_disk *disk, const struct sx_remembered_request *request,
                                  enum sx_remembered *found, struct sx_buffer *answer, streamd_error **error)
{
    struct sx_buffer key = {0}, value = {0};
    bool there = false;
    streamd_status status = sx_disk_get(disk, SX_FAMILY_META, key_of(&key, request), &value, &there, error);

    *found = SX_REMEMBERED_NOT;
    if (status == STREAMD_OK && there && !is_old(sx_buffer_slice(&value), request->now_ms)) {
        bool same = sx_get_be64(value.data + 9) == mark_of(request->body);

        *found = same ? SX_REMEMBERED_SAME : SX_REMEMBERED_OTHER;
        if (same)
            sx_buffer_add(answer, value.data + HEAD_BYTES, value.size - HEAD_BYTES);
    }
    sx_buffer_free(&key);
    sx_buffer_free(&value);
    return status;
}

void sx_remembered_put(struct sx_unit *unit, const struct sx_remembered_request *request,
                       struct sx_slice answer)
{
    struct sx_buffer key = {0}, value = {0};
    char *head = sx_buffer_room(&value, HEAD_BYTES);

    head[0] = VERSION;
    sx_put_be64(head + 1, (uint64_t)request->now_ms);
    sx_put_be64(head + 9, mark_of(request->body));
    value.size = HEAD_BYTES;
    sx_buffer_add_slice(&value, answer);
    sx_unit_put(unit, SX_FAMILY_META, key_of(&key, request), sx_buffer_slice(&value));
    sx_buffer_free(&key);
    sx_buffer_free(&value);
}

streamd_status sx_remembered_prune(struct sx_disk *disk, struct sx_unit *unit, int64_t now_ms,
                                   streamd_error **error)
{
    struct sx_cursor *cursor =
        sx_cursor_open(disk, SX_FAMILY_META, SX_SLICE("http/"), SX_SLICE("http0")); /* 0 follows / */
    struct sx_slice key, value;
    streamd_status status;

    while (sx_cursor_next(cursor, &key, &value))
        if (is_old(value, now_ms))
            sx_unit_delete(unit, SX_FAMILY_META, key);
    status = sx_cursor_status(cursor, error);
    sx_cursor_close(cursor);
    return status;
}
