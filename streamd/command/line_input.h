/* line_input.h: the lines of a file or pipe, which may stop coming for a while. */
#ifndef SX_LINE_INPUT_H
#define SX_LINE_INPUT_H

#include "engine/base/bytes.h"

struct sx_line_input {
    int fd;
    struct sx_buffer text; /* what was read; lines before `at` were given */
    size_t at, searched;
    bool ended;
};

enum sx_line_state {
    SX_LINE,        /* a line */
    SX_LINE_PAUSE,  /* none came for a tenth of a second */
    SX_LINE_END,    /* there are no more */
    SX_LINE_BROKEN, /* reading failed: errno */
};

/* The next line without its end, valid until the next call. The last one needs no end. */
enum sx_line_state sx_line_next(struct sx_line_input *input, struct sx_slice *line);
void sx_line_free(struct sx_line_input *input);

#endif
