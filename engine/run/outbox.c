/* outbox.c: see outbox.h. */
#include "engine/run/outbox.h"

#include <stdlib.h>
#include <sys/mman.h>

#define BLOCK_BYTES ((size_t)256 * 1024)
#define SPARE_MAX 4

struct sx_outbox_block {
    struct sx_outbox_block *next;
    size_t bytes, used; /* of data */
    bool mapped;
    _Alignas(8) char data[];
};

/* A record, before its headers, then the bytes of key, value, place, and of the headers. */
struct entry {
    size_t bytes; /* with all that, up to the next entry */
    struct sx_window window;
    int64_t timestamp, source_offset;
    uint32_t topic;
    int32_t partition;
    uint32_t key_size, value_size, place_size, header_count;
    bool has_key, has_value, has_place, place_is_key, has_window, latest_only;
};

/* ---- Blocks ---------------------------------------------------------------------------------- */

/* Mapped, so that what is given back leaves the process at once, whatever libc still holds behind it. */
static struct sx_outbox_block *new_block(size_t bytes)
{
    size_t all = SX_MAX(sizeof(struct sx_outbox_block) + bytes, BLOCK_BYTES);
    struct sx_outbox_block *block =
        mmap(NULL, all, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    bool mapped = block != MAP_FAILED;

    if (!mapped)
        block = sx_malloc(all); /* it has the process's way of saying that there is no memory */
    *block = (struct sx_outbox_block){.bytes = all - sizeof(*block), .mapped = mapped};
    return block;
}

static void free_block(struct sx_outbox_block *block)
{
    if (block->mapped)
        munmap(block, sizeof(*block) + block->bytes);
    else
        free(block);
}

static void give_back(struct sx_outbox *outbox, struct sx_outbox_block *block)
{
    if (sizeof(*block) + block->bytes > BLOCK_BYTES || outbox->spare_count == SPARE_MAX) {
        free_block(block);
        return;
    }
    block->used = 0;
    block->next = outbox->spare;
    outbox->spare = block;
    outbox->spare_count++;
}

static struct sx_outbox_block *take_block(struct sx_outbox *outbox, size_t bytes)
{
    struct sx_outbox_block *block = outbox->spare;

    if (block == NULL || bytes > block->bytes)
        return new_block(bytes);
    outbox->spare = block->next;
    outbox->spare_count--;
    block->next = NULL;
    return block;
}

static void *take_bytes(struct sx_outbox *outbox, size_t bytes)
{
    struct sx_outbox_block *block = outbox->last;
    void *at;

    if (SX_UNLIKELY(block == NULL || bytes > block->bytes - block->used)) {
        block = take_block(outbox, bytes);
        if (outbox->last != NULL)
            outbox->last->next = block;
        else
            outbox->first = block;
        outbox->last = block;
    }
    at = block->data + block->used;
    block->used += bytes;
    return at;
}

/* ---- Records --------------------------------------------------------------------------------- */

static char *put_bytes(char *to, struct sx_slice bytes)
{
    if (bytes.size)
        memcpy(to, bytes.data, bytes.size);
    return to + bytes.size;
}

static struct sx_slice move(struct sx_slice bytes, char **to)
{
    const char *at = *to;

    *to = put_bytes(*to, bytes);
    return bytes.data == NULL ? bytes : sx_slice(at, bytes.size);
}

void sx_outbox_put(struct sx_outbox *outbox, const struct sx_task_send *send)
{
    const struct sx_record *record = &send->record;
    /* Most often the key itself says where the record goes. */
    bool place_is_key = send->place.data == record->key.data && send->place.size == record->key.size;
    struct sx_slice place = place_is_key ? SX_SLICE_NONE : send->place;
    size_t bytes = sizeof(struct entry) + sizeof(struct sx_header) * record->header_count;
    struct sx_header *headers;
    struct entry *entry;
    char *to;

    bytes += (size_t)record->key.size + record->value.size + place.size;
    for (uint32_t h = 0; h < record->header_count; h++)
        bytes += (size_t)record->headers[h].name.size + record->headers[h].value.size;
    bytes = (bytes + 7) & ~(size_t)7;
    entry = take_bytes(outbox, bytes);
    *entry = (struct entry){.bytes = bytes,
                            .timestamp = record->timestamp,
                            .source_offset = send->source_offset,
                            .topic = send->topic,
                            .partition = send->partition,
                            .key_size = record->key.size,
                            .value_size = record->value.size,
                            .place_size = place.size,
                            .header_count = record->header_count,
                            .has_key = record->key.data != NULL,
                            .has_value = record->value.data != NULL,
                            .has_place = place.data != NULL,
                            .place_is_key = place_is_key,
                            .has_window = send->window != NULL,
                            .latest_only = send->latest_only};
    if (send->window != NULL)
        entry->window = *send->window;
    headers = (struct sx_header *)(entry + 1);
    to = (char *)(headers + record->header_count);
    to = put_bytes(to, record->key);
    to = put_bytes(to, record->value);
    to = put_bytes(to, place);
    for (uint32_t h = 0; h < record->header_count; h++) {
        headers[h].name = move(record->headers[h].name, &to);
        headers[h].value = move(record->headers[h].value, &to);
    }
}

static struct sx_slice slice_at(bool there, const char *at, uint32_t size)
{
    return there ? sx_slice(at, size) : SX_SLICE_NONE;
}

static struct sx_task_send read_entry(const struct entry *entry)
{
    const struct sx_header *headers = (const struct sx_header *)(entry + 1);
    const char *key = (const char *)(headers + entry->header_count), *value = key + entry->key_size;
    struct sx_task_send send = {
        .topic = entry->topic,
        .partition = entry->partition,
        .source_offset = entry->source_offset,
        .latest_only = entry->latest_only,
        .window = entry->has_window ? &entry->window : NULL,
        .place = slice_at(entry->has_place, value + entry->value_size, entry->place_size),
        .record = {.key = slice_at(entry->has_key, key, entry->key_size),
                   .value = slice_at(entry->has_value, value, entry->value_size),
                   .timestamp = entry->timestamp,
                   .headers = entry->header_count ? headers : NULL,
                   .header_count = entry->header_count},
    };

    if (entry->place_is_key)
        send.place = send.record.key;
    return send;
}

static struct sx_outbox_block *remove_first(struct sx_outbox *outbox)
{
    struct sx_outbox_block *block = outbox->first;

    outbox->first = block->next;
    if (outbox->first == NULL)
        outbox->last = NULL;
    return block;
}

void sx_outbox_hand_out(struct sx_outbox *outbox, void (*fn)(const struct sx_task_send *send, void *arg),
                        void *arg)
{
    while (outbox->first != NULL) {
        struct sx_outbox_block *block = remove_first(outbox);

        for (size_t at = 0; at < block->used;) {
            const struct entry *entry = (const struct entry *)(block->data + at);
            struct sx_task_send send = read_entry(entry);

            at += entry->bytes;
            fn(&send, arg);
        }
        give_back(outbox, block);
    }
}

void sx_outbox_clear(struct sx_outbox *outbox)
{
    while (outbox->first != NULL)
        give_back(outbox, remove_first(outbox));
}

void sx_outbox_free(struct sx_outbox *outbox)
{
    sx_outbox_clear(outbox);
    while (outbox->spare != NULL) {
        struct sx_outbox_block *block = outbox->spare;

        outbox->spare = block->next;
        free_block(block);
    }
    outbox->spare_count = 0;
}
