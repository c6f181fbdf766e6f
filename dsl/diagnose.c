/* diagnose.c: see diagnose.h. */
#include "dsl/diagnose.h"

#include <stdarg.h>
#include <stdlib.h>

void sx_diagnose(struct sx_diagnostics *d, streamd_status status, struct sx_position at, const char *hint,
                 const char *format, ...)
{
    char message[512];
    va_list args;

    if (d->count >= SX_ERRORS_MAX)
        return;
    for (uint32_t i = 0; i < d->count; i++)
        if (d->items[i].at.file == at.file && d->items[i].at.line == at.line &&
            d->items[i].at.column == at.column)
            return;
    va_start(args, format);
    vsnprintf(message, sizeof(message), format, args);
    va_end(args);
    if (d->count == d->room) {
        uint32_t room = d->room ? d->room * 2 : 8;
        struct sx_diagnostic *items = SX_ARENA_ARRAY(d->arena, struct sx_diagnostic, room);

        if (d->count)
            memcpy(items, d->items, sizeof(*items) * d->count);
        d->items = items;
        d->room = room;
    }
    d->items[d->count] = (struct sx_diagnostic){
        .status = status,
        .at = at,
        .message = sx_arena_strdup(d->arena, message),
        .hint = hint ? sx_arena_strdup(d->arena, hint) : NULL,
        .number = d->count,
    };
    d->count++;
    d->error_count++;
}

/* The line of a position, without its end, in malloc'd memory; NULL if there is none. */
static char *line_of(const struct sx_diagnostics *d, struct sx_position at)
{
    for (const struct sx_text *text = d->texts; text != NULL; text = text->next) {
        const char *from = text->data, *end = text->data + text->size, *stop;
        char *line;

        if (text->name != at.file) /* the text itself, not one of the same name */
            continue;
        for (uint32_t n = 1; n < at.line && from < end; n++) {
            const char *next = memchr(from, '\n', (size_t)(end - from));
            from = next ? next + 1 : end;
        }
        stop = memchr(from, '\n', (size_t)(end - from));
        stop = stop ? stop : end;
        if (stop > from && stop[-1] == '\r')
            stop--;
        line = sx_malloc((size_t)(stop - from) + 1);
        for (size_t i = 0; i < (size_t)(stop - from); i++)
            line[i] = from[i] ? from[i] : '?';
        line[stop - from] = '\0';
        return line;
    }
    return NULL;
}

static int by_position(const void *a, const void *b)
{
    const struct sx_diagnostic *x = *(const struct sx_diagnostic *const *)a;
    const struct sx_diagnostic *y = *(const struct sx_diagnostic *const *)b;
    int files = x->at.file && y->at.file ? strcmp(x->at.file, y->at.file) : 0;

    if (files != 0)
        return files;
    if (x->at.line != y->at.line)
        return x->at.line < y->at.line ? -1 : 1;
    if (x->at.column != y->at.column)
        return x->at.column < y->at.column ? -1 : 1;
    return x->number < y->number ? -1 : 1;
}

streamd_error *sx_diagnostics_chain(const struct sx_diagnostics *d)
{
    const struct sx_diagnostic **sorted = sx_malloc(sizeof(*sorted) * (d->count + 1));
    streamd_error *chain = NULL;

    for (uint32_t i = 0; i < d->count; i++)
        sorted[i] = &d->items[i];
    if (!d->in_order)
        qsort(sorted, d->count, sizeof(*sorted), by_position);
    for (uint32_t i = 0; i < d->count; i++) {
        char *line = line_of(d, sorted[i]->at);

        sx_error_append(
            &chain, sx_error_at(sorted[i]->status, sorted[i]->at, line, sorted[i]->hint, sorted[i]->message));
        free(line);
    }
    free(sorted);
    return chain;
}
