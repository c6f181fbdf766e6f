/* read.c: single reads and cursors. */
#include "engine/disk/rocks.h"

#include <stdlib.h>

struct sx_cursor {
    struct sx_disk *disk;
    rocksdb_readoptions_t *options;
    rocksdb_iterator_t *iterator;
    struct sx_buffer to; /* RocksDB keeps a pointer to its bytes */
    bool ahead;          /* the iterator stands on what the next call gives */
};

streamd_status sx_disk_get(struct sx_disk *disk, enum sx_family family, struct sx_slice key,
                           struct sx_buffer *to, bool *found, streamd_error **error)
{
    char *message = NULL;
    /* Pinned: the value is copied once, into `to`, and not through memory of its own. */
    rocksdb_pinnableslice_t *value =
        rocksdb_get_pinned_cf(disk->db, disk->read, disk->families[family], key.data, key.size, &message);

    *found = false;
    if (message != NULL)
        return sx_rocks_fail(disk, "cannot read", message, error);
    if (value != NULL) {
        size_t size;
        const char *data = rocksdb_pinnableslice_value(value, &size);
        sx_buffer_add(to, data, size);
        *found = true;
        rocksdb_pinnableslice_destroy(value);
    }
    return STREAMD_OK;
}

struct sx_cursor *sx_cursor_open(struct sx_disk *disk, enum sx_family family, struct sx_slice from,
                                 struct sx_slice to)
{
    struct sx_cursor *cursor = sx_calloc(1, sizeof(*cursor));

    cursor->disk = disk;
    cursor->options = rocksdb_readoptions_create();
    /* The log is read once, in order: it must not push the stores' blocks out of the cache. */
    if (family == SX_FAMILY_LOG)
        rocksdb_readoptions_set_fill_cache(cursor->options, 0);
    if (to.data != NULL) {
        sx_buffer_add_slice(&cursor->to, to);
        rocksdb_readoptions_set_iterate_upper_bound(cursor->options, cursor->to.data, cursor->to.size);
    }
    cursor->iterator = rocksdb_create_iterator_cf(disk->db, cursor->options, disk->families[family]);
    sx_cursor_seek(cursor, from);
    return cursor;
}

bool sx_cursor_next(struct sx_cursor *cursor, struct sx_slice *key, struct sx_slice *value)
{
    size_t size;
    const char *data;

    if (!cursor->ahead && rocksdb_iter_valid(cursor->iterator))
        rocksdb_iter_next(cursor->iterator);
    cursor->ahead = false;
    if (!rocksdb_iter_valid(cursor->iterator))
        return false;
    data = rocksdb_iter_key(cursor->iterator, &size);
    *key = sx_slice(data, size);
    data = rocksdb_iter_value(cursor->iterator, &size);
    *value = sx_slice(data, size);
    return true;
}

void sx_cursor_seek(struct sx_cursor *cursor, struct sx_slice key)
{
    rocksdb_iter_seek(cursor->iterator, key.data ? key.data : "", key.size);
    cursor->ahead = true;
}

streamd_status sx_cursor_status(const struct sx_cursor *cursor, streamd_error **error)
{
    char *message = NULL;

    rocksdb_iter_get_error(cursor->iterator, &message);
    return message ? sx_rocks_fail(cursor->disk, "cannot read", message, error) : STREAMD_OK;
}

void sx_cursor_close(struct sx_cursor *cursor)
{
    if (cursor == NULL)
        return;
    rocksdb_iter_destroy(cursor->iterator);
    rocksdb_readoptions_destroy(cursor->options);
    sx_buffer_free(&cursor->to);
    free(cursor);
}

/* Whether the iterator stands on a key, or failed: what sx_disk_any and sx_disk_last share. */
static streamd_status stands(struct sx_disk *disk, rocksdb_iterator_t *iterator, bool *found,
                             streamd_error **error)
{
    char *message = NULL;

    *found = rocksdb_iter_valid(iterator);
    if (!*found)
        rocksdb_iter_get_error(iterator, &message);
    return message ? sx_rocks_fail(disk, "cannot read", message, error) : STREAMD_OK;
}

streamd_status sx_disk_last(struct sx_disk *disk, enum sx_family family, struct sx_slice from,
                            struct sx_slice to, struct sx_buffer *to_key, bool *found, streamd_error **error)
{
    rocksdb_readoptions_t *options = rocksdb_readoptions_create();
    rocksdb_iterator_t *iterator;
    streamd_status status;

    rocksdb_readoptions_set_iterate_lower_bound(options, from.data, from.size);
    rocksdb_readoptions_set_iterate_upper_bound(options, to.data, to.size);
    iterator = rocksdb_create_iterator_cf(disk->db, options, disk->families[family]);
    rocksdb_iter_seek_to_last(iterator);
    status = stands(disk, iterator, found, error);
    if (*found) {
        size_t size;
        const char *key = rocksdb_iter_key(iterator, &size);
        sx_buffer_add(to_key, key, size);
    }
    rocksdb_iter_destroy(iterator);
    rocksdb_readoptions_destroy(options);
    return status;
}

streamd_status sx_disk_any(struct sx_disk *disk, enum sx_family family, struct sx_slice prefix, bool *any,
                           streamd_error **error)
{
    rocksdb_iterator_t *iterator = rocksdb_create_iterator_cf(disk->db, disk->read, disk->families[family]);
    streamd_status status;

    rocksdb_iter_seek(iterator, prefix.data ? prefix.data : "", prefix.size);
    status = stands(disk, iterator, any, error);
    if (*any && prefix.size > 0) {
        size_t size;
        const char *key = rocksdb_iter_key(iterator, &size);
        *any = size >= prefix.size && memcmp(key, prefix.data, prefix.size) == 0;
    }
    rocksdb_iter_destroy(iterator);
    return status;
}
