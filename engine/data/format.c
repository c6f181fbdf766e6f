/* format.c: what all formats share: the list of rows that failed. See format.h. */
#include "engine/data/format.h"

#include <stdarg.h>

void sx_format_failed(struct sx_format_failures *to, uint32_t row, const char *reason, const char *format,
                      ...)
{
    struct sx_format_failure *failure;
    va_list args;

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
    vsnprintf(failure->message, sizeof(failure->message), format, args);
    va_end(args);
}
