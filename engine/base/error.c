/* error.c: statuses and errors, as the public header has them. */
#include "engine/base/bytes.h"

#include <stdarg.h>
#include <stdlib.h>

struct streamd_error {
    streamd_status status;
    char *message;
    char *file;        /* NULL: no position */
    char *source_line; /* NULL: none */
    char *hint;        /* NULL: none */
    uint32_t line, column, length;
    bool retriable, fatal;
    struct streamd_error *next;
};

#define STRING_(x) #x
#define STRING(x) STRING_(x)

const char *streamd_version(void)
{
    return STRING(STREAMD_VERSION_MAJOR) "." STRING(STREAMD_VERSION_MINOR) "." STRING(STREAMD_VERSION_PATCH);
}

const char *streamd_status_name(streamd_status status)
{
    switch (status) {
#define X(name, number, text)                                                                     \
    case STREAMD_##name:                                                                          \
        return #name;
        STREAMD_STATUS_MAP(X)
#undef X
    }
    return "E_UNKNOWN";
}

const char *streamd_status_text(streamd_status status)
{
    switch (status) {
#define X(name, number, text)                                                                     \
    case STREAMD_##name:                                                                          \
        return text;
        STREAMD_STATUS_MAP(X)
#undef X
    }
    return "an unknown status";
}

streamd_status streamd_error_status(const streamd_error *error) { return error ? error->status : STREAMD_OK; }
const char *streamd_error_message(const streamd_error *error) { return error ? error->message : ""; }
const streamd_error *streamd_error_next(const streamd_error *error) { return error ? error->next : NULL; }
unsigned streamd_error_line(const streamd_error *error) { return error ? error->line : 0; }
unsigned streamd_error_column(const streamd_error *error) { return error ? error->column : 0; }
bool streamd_error_is_retriable(const streamd_error *error) { return error && error->retriable; }
bool streamd_error_is_fatal(const streamd_error *error) { return error && error->fatal; }
const char *sx_error_file(const streamd_error *error) { return error->file; }
const char *sx_error_hint(const streamd_error *error) { return error->hint; }

void streamd_error_free(streamd_error *error)
{
    while (error != NULL) {
        streamd_error *next = error->next;

        free(error->message);
        free(error->file);
        free(error->source_line);
        free(error->hint);
        free(error);
        error = next;
    }
}

static streamd_status fail(streamd_error **error, streamd_status status, bool retriable, bool fatal,
                           const char *format, va_list args)
{
    if (error != NULL) {
        streamd_error *e = sx_calloc(1, sizeof(*e));

        e->status = status;
        e->retriable = retriable;
        e->fatal = fatal;
        if (vasprintf(&e->message, format, args) < 0)
            e->message = sx_strdup(streamd_status_text(status));
        *error = e;
    }
    return status;
}

#define FAIL(retriable, fatal)                                                                    \
    va_list args;                                                                                 \
    va_start(args, format);                                                                       \
    fail(error, status, retriable, fatal, format, args);                                          \
    va_end(args);                                                                                 \
    return status

streamd_status sx_fail(streamd_error **error, streamd_status status, const char *format, ...)
{
    FAIL(false, false);
}

streamd_status sx_fail_retriable(streamd_error **error, streamd_status status, const char *format, ...)
{
    FAIL(true, false);
}

streamd_status sx_fail_fatal(streamd_error **error, streamd_status status, const char *format, ...)
{
    FAIL(false, true);
}

streamd_error *sx_error_at(streamd_status status, struct sx_position at, const char *source_line,
                           const char *hint, const char *message)
{
    streamd_error *e = sx_calloc(1, sizeof(*e));

    e->status = status;
    e->message = sx_strdup(message);
    e->file = at.file ? sx_strdup(at.file) : NULL;
    e->source_line = source_line ? sx_strdup(source_line) : NULL;
    e->hint = hint ? sx_strdup(hint) : NULL;
    e->line = at.line;
    e->column = at.column;
    e->length = at.length;
    return e;
}

void sx_error_append(streamd_error **chain, streamd_error *more)
{
    while (*chain != NULL)
        chain = &(*chain)->next;
    *chain = more;
}

streamd_error *sx_error_copy(const streamd_error *error)
{
    streamd_error *copy = NULL;

    for (; error != NULL; error = error->next) {
        struct sx_position at = {error->file, error->line, error->column, error->length};
        streamd_error *e = sx_error_at(error->status, at, error->source_line, error->hint, error->message);

        e->retriable = error->retriable;
        e->fatal = error->fatal;
        sx_error_append(&copy, e);
    }
    return copy;
}

/* ---- Printing ------------------------------------------------------------------------------------ */

/* The source line with tabs as one space and other control characters as `?`, so that the caret
 * stands under its place and no file can play tricks with a terminal. */
static void print_line(const char *line, FILE *out)
{
    for (; *line; line++)
        fputc(*line == '\t' ? ' ' : (unsigned char)*line < ' ' || *line == 0x7f ? '?' : *line, out);
}

/* Characters in the first `bytes` bytes of a line. */
static uint32_t characters(const char *line, uint32_t bytes)
{
    uint32_t count = 0;

    for (uint32_t i = 0; i < bytes && line[i]; i++)
        count += ((unsigned char)line[i] & 0xc0) != 0x80;
    return count;
}

void sx_error_print(const streamd_error *error, const char *kind, FILE *out)
{
    uint32_t before, marks;

    if (error->file == NULL || error->line == 0) {
        fprintf(out, "%s: %s\n", kind, error->message);
        if (error->hint != NULL)
            fprintf(out, "  hint: %s\n", error->hint);
        return;
    }
    fprintf(out, "%s:%u:%u: %s: %s\n", error->file, error->line, error->column, kind, error->message);
    if (error->source_line != NULL) {
        uint32_t column = error->column ? error->column - 1 : 0;

        fprintf(out, "%5u | ", error->line);
        print_line(error->source_line, out);
        before = characters(error->source_line, column);
        marks = column < strlen(error->source_line)
                    ? characters(error->source_line + column, error->length ? error->length : 1)
                    : 1;
        fprintf(out, "\n      | %*s^", (int)before, "");
        for (uint32_t i = 1; i < marks; i++)
            fputc('~', out);
        fputc('\n', out);
    }
    if (error->hint != NULL)
        fprintf(out, "      = hint: %s\n", error->hint);
}

/* ---- The public buffer ----------------------------------------------------------------------------- */

struct streamd_buffer {
    struct sx_buffer bytes;
};

streamd_bytes streamd_buffer_bytes(const streamd_buffer *buffer)
{
    streamd_bytes bytes = {buffer->bytes.data, buffer->bytes.size};
    return bytes;
}

void streamd_buffer_free(streamd_buffer *buffer)
{
    if (buffer == NULL)
        return;
    sx_buffer_free(&buffer->bytes);
    free(buffer);
}

streamd_buffer *sx_public_buffer(struct sx_buffer *bytes)
{
    streamd_buffer *buffer = sx_calloc(1, sizeof(*buffer));

    buffer->bytes = *bytes;
    *bytes = (struct sx_buffer){0};
    return buffer;
}
