/* topic_line.c: see topic_line.h. */
#include "streamd/topic_line.h"
#include "streamd/topic_write.h"

bool sx_topic_line(struct sx_topic_lines *lines, struct sx_slice text, int64_t now_ms,
                   struct sx_record *record, int32_t *partition, struct sx_arena *arena, const char **message)
{
    struct sx_record_line line;
    struct sx_slice place;
    struct sx_window window;

    if (!sx_record_line_read(text, &line, arena, message))
        return false;
    if (line.is_advance) {
        *message = "`advance` is for `streamd pipe`: here the clock is the machine's";
        return false;
    }
    if (line.topic.data != NULL && !sx_slice_equal(line.topic, sx_slice_of(lines->topic))) {
        *message = sx_arena_format(arena, "the record is for the topic `%.*s`, not `%s`",
                                   (int)line.topic.size, line.topic.data, lines->topic);
        return false;
    }
    if (line.partition >= lines->partitions) {
        *message = sx_arena_format(arena, "the topic has %d partitions, numbered from 0", lines->partitions);
        return false;
    }
    if (!sx_record_line_encode(&line, &lines->form, record, arena, message))
        return false;
    if (!line.has_timestamp)
        record->timestamp = now_ms;
    /* A windowed key goes where its inner key goes. */
    place = record->key;
    sx_record_window(&lines->form, &place, &window);
    *partition =
        line.partition >= 0 ? line.partition : sx_topic_place(place, lines->partitions, &lines->round);
    return true;
}
