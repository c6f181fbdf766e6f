/* dead_letter.c: see dead_letter.h. */
#include "engine/run/dead_letter.h"

uint32_t sx_dead_letter_topic(const struct sx_plan *plan, const struct sx_node_plan *entry)
{
    return entry->entry->on_error == SX_ON_ERROR_TOPIC ? entry->entry->error_topic : plan->error_topic;
}

struct sx_record sx_dead_letter(const struct sx_task_failure *failure, struct sx_arena *arena)
{
    struct sx_record letter = *failure->record;
    struct sx_header *headers = SX_ARENA_ARRAY(arena, struct sx_header, letter.header_count + 5);
    uint32_t n = letter.header_count;

    if (n)
        memcpy(headers, letter.headers, sizeof(*headers) * n);
    headers[n++] =
        (struct sx_header){SX_SLICE("streamd.error"),
                           sx_slice_of(sx_arena_format(arena, "%s: %s", failure->reason, failure->message))};
    headers[n++] = (struct sx_header){SX_SLICE("streamd.topic"), sx_slice_of(failure->topic)};
    headers[n++] = (struct sx_header){SX_SLICE("streamd.partition"),
                                      sx_slice_of(sx_arena_format(arena, "%d", failure->partition))};
    headers[n++] =
        (struct sx_header){SX_SLICE("streamd.offset"),
                           sx_slice_of(sx_arena_format(arena, "%lld", (long long)failure->record->offset))};
    headers[n++] = (struct sx_header){SX_SLICE("streamd.stage"),
                                      sx_slice_of(sx_arena_format(arena, "%s (%s:%u:%u)", failure->stage,
                                                                  failure->at.file ? failure->at.file : "?",
                                                                  failure->at.line, failure->at.column))};
    letter.headers = headers;
    letter.header_count = n;
    return letter;
}
