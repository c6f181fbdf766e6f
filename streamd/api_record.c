/* api_record.c: records of the public header: bytes that are copied in, or lent by what reads them. */
#include "streamd/api_record.h"

#include <stdlib.h>

streamd_bytes streamd_text(const char *text) { return (streamd_bytes){text, text ? strlen(text) : 0}; }

void sx_api_record_init(struct streamd_record *record)
{
    *record = (struct streamd_record){.partition = -1};
    record->record.timestamp = -1;
    record->record.offset = -1;
    sx_arena_init(&record->arena, 1024);
}

void sx_api_record_end(struct streamd_record *record)
{
    sx_buffer_free(&record->key);
    sx_buffer_free(&record->value);
    sx_arena_free(&record->arena);
}

streamd_record *streamd_record_new(void)
{
    streamd_record *record = sx_malloc(sizeof(*record));

    sx_api_record_init(record);
    return record;
}

void streamd_record_free(streamd_record *record)
{
    if (record == NULL)
        return;
    sx_api_record_end(record);
    free(record);
}

void streamd_record_clear(streamd_record *record)
{
    sx_arena_reset(&record->arena);
    record->record = (struct sx_record){.timestamp = -1, .offset = -1};
    record->headers = NULL;
    record->header_room = 0;
    record->partition = -1;
    record->has_window = false;
}

/* ---- Filling in ------------------------------------------------------------------------------ */

static struct sx_slice keep(struct sx_buffer *to, struct sx_slice bytes)
{
    if (bytes.data == NULL)
        return SX_SLICE_NONE;
    to->size = 0;
    sx_buffer_add_slice(to, bytes);
    return sx_slice(to->data ? to->data : "", to->size);
}

void streamd_record_set_key(streamd_record *record, streamd_bytes key)
{
    record->record.key = keep(&record->key, sx_api_slice(key));
}

void streamd_record_set_value(streamd_record *record, streamd_bytes value)
{
    record->record.value = keep(&record->value, sx_api_slice(value));
}

void streamd_record_set_timestamp_ms(streamd_record *record, int64_t timestamp_ms)
{
    record->record.timestamp = timestamp_ms;
}

void streamd_record_set_partition(streamd_record *record, int32_t partition)
{
    record->partition = partition;
}

static void add_header(struct streamd_record *record, struct sx_slice name, struct sx_slice value)
{
    struct sx_record *r = &record->record;

    if (r->header_count == record->header_room) {
        struct sx_header *more;

        record->header_room = record->header_room ? record->header_room * 2 : 4;
        more = SX_ARENA_ARRAY(&record->arena, struct sx_header, record->header_room);
        if (r->header_count)
            memcpy(more, record->headers, sizeof(*more) * r->header_count);
        r->headers = record->headers = more;
    }
    record->headers[r->header_count].name =
        sx_slice_of(sx_arena_strndup(&record->arena, name.data, name.size));
    record->headers[r->header_count++].value =
        value.data ? sx_arena_copy(&record->arena, value) : SX_SLICE_NONE;
}

void streamd_record_add_header(streamd_record *record, const char *name, streamd_bytes value)
{
    add_header(record, sx_slice_of(name), sx_api_slice(value));
}

void sx_api_record_fill(struct streamd_record *record, const struct sx_record *from,
                        const struct sx_window *window)
{
    streamd_record_clear(record);
    record->record.key = keep(&record->key, from->key);
    record->record.value = keep(&record->value, from->value);
    record->record.timestamp = from->timestamp;
    record->record.offset = from->offset;
    record->has_window = window != NULL;
    if (window != NULL)
        record->window = *window;
    for (uint32_t h = 0; h < from->header_count; h++)
        add_header(record, from->headers[h].name, from->headers[h].value);
}

/* ---- Asking ---------------------------------------------------------------------------------- */

streamd_bytes streamd_record_key(const streamd_record *record) { return sx_api_bytes(record->record.key); }
streamd_bytes streamd_record_value(const streamd_record *record)
{
    return sx_api_bytes(record->record.value);
}
int64_t streamd_record_timestamp_ms(const streamd_record *record) { return record->record.timestamp; }
int32_t streamd_record_partition(const streamd_record *record) { return record->partition; }
int64_t streamd_record_offset(const streamd_record *record) { return record->record.offset; }

const char *streamd_record_topic(const streamd_record *record) { return record->topic; }

bool streamd_record_window(const streamd_record *record, int64_t *start_ms, int64_t *end_ms)
{
    if (record->has_window) {
        *start_ms = record->window.start;
        *end_ms = record->window.end;
    }
    return record->has_window;
}

size_t streamd_record_header_count(const streamd_record *record) { return record->record.header_count; }

const char *streamd_record_header_name(const streamd_record *record, size_t number)
{
    return number < record->record.header_count ? record->headers[number].name.data : NULL;
}

streamd_bytes streamd_record_header_value(const streamd_record *record, size_t number)
{
    return number < record->record.header_count ? sx_api_bytes(record->headers[number].value)
                                                : (streamd_bytes){NULL, 0};
}
