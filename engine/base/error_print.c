/* error_print.c: an error as people read it, with the source line and a caret.
 *
 *     orders.stream:12:8: error: there is no column `custmer`
 *       12 | stream paid = orders | filter custmer == "c1"
 *          |                               ^~~~~~~
 *       hint: did you mean `customer`?
 */
#include "engine/base/base.h"
#include "engine/base/text.h"

#include <stdlib.h>

/* Bytes of the character at `at`, whose text goes on to `end`: 0 if it is not to be shown as it is:
 * no UTF-8, or a control character, which could play tricks with a terminal. */
static size_t plain_character(const char *at, const char *end)
{
    const unsigned char *s = (const unsigned char *)at;
    size_t size = *s < 0x80 ? 1 : *s < 0xe0 ? 2 : *s < 0xf0 ? 3 : 4;

    if (*s < ' ' || *s == 0x7f || (size_t)(end - at) < size || !sx_utf8_valid(sx_slice(at, size)))
        return 0;
    if (*s == 0xc2 && s[1] < 0xa0) /* U+0080 to U+009F are control characters too */
        return 0;
    return size;
}

/* Adds text as it can be shown: a tab is one space, and what must not reach a terminal is `\xNN`.
 * Returns how many columns that takes; of wide characters it knows nothing. */
static unsigned add_shown(struct sx_buffer *to, struct sx_slice text)
{
    const char *at = text.data, *end = text.data + text.size;
    unsigned columns = 0;

    while (at < end) {
        size_t size = plain_character(at, end);

        if (size > 0) {
            sx_buffer_add(to, at, size);
            columns++;
        } else if (*at == '\t') {
            sx_buffer_add_byte(to, ' ');
            columns++;
        } else {
            sx_buffer_printf(to, "\\x%02x", (unsigned char)*at);
            columns += 4;
        }
        at += size ? size : 1;
    }
    return columns;
}

static void add_shown_text(struct sx_buffer *to, const char *text) { add_shown(to, sx_slice_of(text)); }

/* The line and below it the caret, its tail as long as what is wrong, but not past the line's end. */
static void add_source_line(struct sx_buffer *to, const streamd_error *error, struct sx_slice line,
                            uint32_t length)
{
    uint32_t column = streamd_error_column(error);
    uint32_t before = SX_MIN(column ? column - 1 : 0, line.size);
    uint32_t marked = SX_MIN(length ? length : 1, line.size - before);
    unsigned indent, tail;

    sx_buffer_printf(to, "%5u | ", streamd_error_line(error));
    indent = add_shown(to, sx_slice(line.data, before));
    tail = add_shown(to, sx_slice(line.data + before, marked));
    add_shown(to, sx_slice(line.data + before + marked, line.size - before - marked));
    sx_buffer_printf(to, "\n      | %*s^", (int)indent, "");
    for (unsigned i = 1; i < tail; i++)
        sx_buffer_add_byte(to, '~');
    sx_buffer_add_byte(to, '\n');
}

void sx_error_print(const streamd_error *error, const char *kind, FILE *out)
{
    const char *file = sx_error_file(error), *hint = sx_error_hint(error);
    struct sx_buffer text = {0};
    uint32_t length;
    struct sx_slice line = sx_error_source(error, &length);

    if (file != NULL && streamd_error_line(error) > 0) {
        add_shown_text(&text, file);
        sx_buffer_printf(&text, ":%u:%u: ", streamd_error_line(error), streamd_error_column(error));
    }
    sx_buffer_printf(&text, "%s: ", kind);
    add_shown_text(&text, streamd_error_message(error));
    sx_buffer_add_byte(&text, '\n');
    if (line.data != NULL && streamd_error_line(error) > 0)
        add_source_line(&text, error, line, length);
    if (hint != NULL) {
        sx_buffer_add_text(&text, "  hint: ");
        add_shown_text(&text, hint);
        sx_buffer_add_byte(&text, '\n');
    }
    fwrite(text.data, 1, text.size, out);
    sx_buffer_free(&text);
}
