/* error.c: statuses and errors, as the public header has them. */
#include "engine/base/base.h"

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
#define X(name, number, text) \
    case STREAMD_##name:      \
        return #name;
        STREAMD_STATUS_MAP(X)
#undef X
    }
    return "E_UNKNOWN";
}

const char *streamd_status_text(streamd_status status)
{
    switch (status) {
#define X(name, number, text) \
    case STREAMD_##name:      \
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
const char *streamd_error_file(const streamd_error *error) { return error ? error->file : NULL; }
bool streamd_error_is_retriable(const streamd_error *error) { return error && error->retriable; }
bool streamd_error_is_fatal(const streamd_error *error) { return error && error->fatal; }
const char *sx_error_file(const streamd_error *error) { return error->file; }
const char *sx_error_hint(const streamd_error *error) { return error->hint; }

struct sx_slice sx_error_source(const streamd_error *error, uint32_t *length)
{
    *length = error->length;
    return error->source_line ? sx_slice_of(error->source_line) : SX_SLICE_NONE;
}

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

#define FAIL(retriable, fatal)                           \
    va_list args;                                        \
    va_start(args, format);                              \
    fail(error, status, retriable, fatal, format, args); \
    va_end(args);                                        \
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
