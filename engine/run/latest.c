/* latest.c: see latest.h. */
#include "engine/run/latest.h"

#include <stdlib.h>

struct sx_latest_entry {
    struct sx_latest_entry *before, *after;
    uint32_t topic;
    int32_t partition;
    int64_t timestamp;
    struct sx_buffer bytes; /* key, value, names and values of headers, one behind the other */
    uint32_t key_size, value_size;
    bool has_key, has_value;
    uint32_t header_count;
    uint32_t *header_sizes; /* pairs; a value's is UINT32_MAX when it is null */
};

static void unlink_entry(struct sx_latest *latest, struct sx_latest_entry *entry)
{
    *(entry->before ? &entry->before->after : &latest->first) = entry->after;
    *(entry->after ? &entry->after->before : &latest->last) = entry->before;
}

static void append(struct sx_latest *latest, struct sx_latest_entry *entry)
{
    entry->before = latest->last;
    entry->after = NULL;
    *(latest->last ? &latest->last->after : &latest->first) = entry;
    latest->last = entry;
}

static struct sx_slice key_of(struct sx_latest *latest, const struct sx_task_send *send)
{
    char head[21] = {0};

    sx_put_be32(head, send->topic);
    if (send->window != NULL) {
        sx_put_be64(head + 4, (uint64_t)send->window->start);
        sx_put_be64(head + 12, (uint64_t)send->window->end);
    }
    head[20] = send->record.key.data != NULL;
    latest->key.size = 0;
    sx_buffer_add(&latest->key, head, sizeof(head));
    sx_buffer_add_slice(&latest->key, send->record.key);
    return sx_buffer_slice(&latest->key);
}

static void set(struct sx_latest_entry *entry, const struct sx_record *record)
{
    entry->bytes.size = 0;
    entry->timestamp = record->timestamp;
    entry->has_key = record->key.data != NULL;
    entry->has_value = record->value.data != NULL;
    entry->key_size = record->key.size;
    entry->value_size = record->value.size;
    sx_buffer_add_slice(&entry->bytes, record->key);
    sx_buffer_add_slice(&entry->bytes, record->value);
    entry->header_count = record->header_count;
    if (record->header_count)
        entry->header_sizes = sx_realloc(entry->header_sizes, sizeof(uint32_t) * 2 * record->header_count);
    for (uint32_t h = 0; h < record->header_count; h++) {
        const struct sx_header *header = &record->headers[h];

        entry->header_sizes[h * 2] = header->name.size;
        entry->header_sizes[h * 2 + 1] = header->value.data ? header->value.size : UINT32_MAX;
        sx_buffer_add_slice(&entry->bytes, header->name);
        sx_buffer_add_slice(&entry->bytes, header->value);
    }
}

void sx_latest_put(struct sx_latest *latest, const struct sx_task_send *send, int32_t partition)
{
    struct sx_slice key = key_of(latest, send);
    struct sx_latest_entry *entry = sx_map_get(&latest->by_key, key);

    if (entry == NULL) {
        entry = sx_calloc(1, sizeof(*entry));
        sx_map_put(&latest->by_key, key, entry);
        latest->bytes += key.size + sizeof(*entry);
    } else {
        unlink_entry(latest, entry);
        latest->bytes -= entry->bytes.size;
    }
    append(latest, entry);
    entry->topic = send->topic;
    entry->partition = partition;
    set(entry, &send->record);
    latest->bytes += entry->bytes.size;
}

static struct sx_slice part(const char **at, bool has, uint32_t size)
{
    struct sx_slice bytes = has ? sx_slice(*at ? *at : "", size) : SX_SLICE_NONE;

    if (has)
        *at += size;
    return bytes;
}

void sx_latest_each(const struct sx_latest *latest,
                    bool (*fn)(uint32_t topic, int32_t partition, const struct sx_record *record, void *arg),
                    void *arg)
{
    struct sx_header *headers = NULL;
    bool more = true;

    for (const struct sx_latest_entry *entry = latest->first; entry != NULL && more; entry = entry->after) {
        struct sx_record record = {.timestamp = entry->timestamp, .header_count = entry->header_count};
        const char *at = entry->bytes.data ? entry->bytes.data : "";

        record.key = part(&at, entry->has_key, entry->key_size);
        record.value = part(&at, entry->has_value, entry->value_size);
        if (entry->header_count)
            headers = sx_realloc(headers, sizeof(*headers) * entry->header_count);
        for (uint32_t h = 0; h < entry->header_count; h++) {
            uint32_t size = entry->header_sizes[h * 2 + 1];

            headers[h].name = part(&at, true, entry->header_sizes[h * 2]);
            headers[h].value = part(&at, size != UINT32_MAX, size);
        }
        record.headers = headers;
        more = fn(entry->topic, entry->partition, &record, arg);
    }
    free(headers);
}

void sx_latest_clear(struct sx_latest *latest)
{
    for (struct sx_latest_entry *entry = latest->first, *next; entry != NULL; entry = next) {
        next = entry->after;
        sx_buffer_free(&entry->bytes);
        free(entry->header_sizes);
        free(entry);
    }
    sx_map_free(&latest->by_key);
    sx_buffer_free(&latest->key);
    *latest = (struct sx_latest){0};
}
