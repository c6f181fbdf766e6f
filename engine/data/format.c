/* format.c: what all formats share: the list of rows that failed. See format.h. */
#include "engine/data/format.h"

#include <stdarg.h>

/* A message that was cut off may end within a character, and it is to go into JSON. */
static void drop_cut_character(char *text, size_t size)
{
    size_t begin = size - 1, bytes;

    while (begin > 0 && ((unsigned char)text[begin] & 0xc0) == 0x80)
        begin--;
    bytes = (unsigned char)text[begin] < 0xc0   ? 1
            : (unsigned char)text[begin] < 0xe0 ? 2
            : (unsigned char)text[begin] < 0xf0 ? 3
                                                : 4;
    if (begin + bytes > size)
        text[begin] = '\0';
}

void sx_format_failed(struct sx_format_failures *to, uint32_t row, const char *reason, const char *format,
                      ...)
{
    struct sx_format_failure *failure;
    va_list args;
    int size;

    if (to->count == to->room) {
        uint32_t room = to->room ? to->room * 2 : 16;
        struct sx_format_failure *items = SX_ARENA_ARRAY(to->arena, struct sx_format_failure, room);

        if (to->count)
            memcpy(items, to->items, to->count * sizeof(*items));
        to->items = items;
        to->room = room;
    }
    failure = &to->items[to->count++];
    failure->row = row;
    snprintf(failure->reason, sizeof(failure->reason), "%s", reason);
    va_start(args, format);
    size = vsnprintf(failure->message, sizeof(failure->message), format, args);
    va_end(args);
    if (size >= (int)sizeof(failure->message))
        drop_cut_character(failure->message, sizeof(failure->message) - 1);
}

const char *sx_format_of_key(const struct sx_schema *schema)
{
    if (schema->key_count == 0)
        return "none";
    if (schema->key_count > 1)
        return "json";
    switch (schema->fields[0].type->kind) {
    case SX_STRING:
        return "string";
    case SX_INT:
        return "int";
    case SX_DOUBLE:
        return "double";
    case SX_BYTES:
        return "bytes";
    default:
        return "json";
    }
}
