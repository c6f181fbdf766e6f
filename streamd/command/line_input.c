/* line_input.c: see line_input.h. */
#include "streamd/command/line_input.h"

#include <errno.h>
#include <poll.h>
#include <unistd.h>

enum { READ_BYTES = 64 * 1024, PAUSE_MS = 100 };

static struct sx_slice take(struct sx_line_input *input, size_t end, size_t next)
{
    struct sx_slice line = sx_slice(input->text.data + input->at, end - input->at);

    while (line.size > 0 && line.data[line.size - 1] == '\r')
        line.size--;
    input->at = input->searched = next;
    return line;
}

/* False: there is no whole line in what was read. */
static bool find(struct sx_line_input *input, struct sx_slice *line)
{
    const char *data = input->text.data, *found = NULL;

    if (input->searched < input->text.size)
        found = memchr(data + input->searched, '\n', input->text.size - input->searched);
    if (found != NULL) {
        *line = take(input, (size_t)(found - data), (size_t)(found - data) + 1);
        return true;
    }
    input->searched = input->text.size;
    return false;
}

/* Room for more: what was given goes. */
static void drop_given(struct sx_line_input *input)
{
    size_t left = input->text.size - input->at;

    if (input->at == 0)
        return;
    if (left)
        memmove(input->text.data, input->text.data + input->at, left);
    input->text.size = input->searched = left;
    input->at = 0;
}

enum sx_line_state sx_line_next(struct sx_line_input *input, struct sx_slice *line)
{
    while (!find(input, line)) {
        struct pollfd ready = {input->fd, POLLIN, 0};
        ssize_t got;

        if (input->ended) {
            if (input->at == input->text.size)
                return SX_LINE_END;
            *line = take(input, input->text.size, input->text.size);
            return SX_LINE;
        }
        drop_given(input);
        if (poll(&ready, 1, PAUSE_MS) == 0)
            return SX_LINE_PAUSE;
        got = read(input->fd, sx_buffer_room(&input->text, READ_BYTES), READ_BYTES);
        if (got < 0 && errno != EINTR && errno != EAGAIN)
            return SX_LINE_BROKEN;
        input->text.size += got > 0 ? (size_t)got : 0;
        input->ended = got == 0;
    }
    return SX_LINE;
}

void sx_line_free(struct sx_line_input *input) { sx_buffer_free(&input->text); }
