/* scenario_update.c: expectations written anew; see scenario.h. */
#include "streamd/command/scenario.h"

#include "streamd/command/command.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

struct edit {
    struct sx_position from, last; /* of the step */
    bool behind;                   /* put behind it, instead of in its place */
    char *text;
};

struct sx_edits {
    char *path;
    struct edit *edits;
    uint32_t count, room;
};

struct sx_edits *sx_edits_new(const char *path)
{
    struct sx_edits *edits = sx_calloc(1, sizeof(*edits));

    edits->path = sx_format("%s", path);
    return edits;
}

void sx_edits_free(struct sx_edits *edits)
{
    for (uint32_t i = 0; i < edits->count; i++)
        free(edits->edits[i].text);
    free(edits->edits);
    free(edits->path);
    free(edits);
}

static void add(struct sx_edits *edits, const struct sx_step *step, bool behind, const char *text)
{
    if (edits->count == edits->room) {
        edits->room = edits->room ? edits->room * 2 : 16;
        edits->edits = sx_realloc(edits->edits, edits->room * sizeof(*edits->edits));
    }
    edits->edits[edits->count++] = (struct edit){step->at, step->last, behind, sx_format("%s", text)};
}

void sx_edits_replace(struct sx_edits *edits, const struct sx_step *step, const char *text)
{
    add(edits, step, false, text);
}

void sx_edits_insert(struct sx_edits *edits, const struct sx_step *step, const char *text)
{
    add(edits, step, true, text);
}

static const char *line_of(const char *text, uint32_t line)
{
    while (--line > 0)
        text = strchr(text, '\n') + 1;
    return text;
}

static const char *skip_space(const char *at)
{
    while (*at == ' ' || *at == '\t' || *at == '\r')
        at++;
    return at;
}

/* The text with the edits, which are in the order of the file, and of one step that in its place first. */
static void apply(const struct sx_edits *edits, const char *text, struct sx_buffer *to)
{
    const char *done = text;

    for (uint32_t i = 0; i < edits->count; i++) {
        const struct edit *edit = &edits->edits[i];
        const char *line = line_of(text, edit->from.line), *from = line + edit->from.column - 1;
        const char *last = line_of(text, edit->last.line);
        const char *end = last + edit->last.column - 1 + edit->last.length;
        const char *indent = skip_space(line);

        if (edit->behind) {
            const char *rest = skip_space(end);

            /* A comment behind the step is about it. */
            if (*rest == '#' || *rest == '\n')
                end = rest + strcspn(rest, "\n");
            if (end > done) {
                sx_buffer_add(to, done, (size_t)(end - done));
                done = end;
            }
            sx_buffer_add_byte(to, '\n');
            sx_buffer_add(to, line, (size_t)(indent - line));
            sx_buffer_add_text(to, edit->text);
            continue;
        }
        if (edit->text[0] == '\0' && indent == from) {
            const char *rest = skip_space(end);

            if (*rest == '\n') {
                from = line;
                end = rest + 1;
            }
        }
        sx_buffer_add(to, done, (size_t)(from - done));
        sx_buffer_add_text(to, edit->text);
        done = end;
    }
    sx_buffer_add_text(to, done);
}

static int by_place(const void *a, const void *b)
{
    const struct edit *x = a, *y = b;

    if (x->from.line != y->from.line)
        return x->from.line < y->from.line ? -1 : 1;
    if (x->from.column != y->from.column)
        return x->from.column < y->from.column ? -1 : 1;
    return (int)x->behind - (int)y->behind;
}

/* A stable sort: rows put behind one step keep their order. */
static void sort(struct sx_edits *edits)
{
    for (uint32_t i = 1; i < edits->count; i++) {
        struct edit moved = edits->edits[i];
        uint32_t at = i;

        for (; at > 0 && by_place(&edits->edits[at - 1], &moved) > 0; at--)
            edits->edits[at] = edits->edits[at - 1];
        edits->edits[at] = moved;
    }
}

static bool replace_file(const char *path, const struct sx_buffer *text, const char **reason)
{
    char *beside = sx_format("%s.new", path);
    struct stat status;
    FILE *file = NULL;
    bool ok = stat(path, &status) == 0 && (file = fopen(beside, "wb")) != NULL;

    if (ok) {
        ok = fwrite(text->data, 1, text->size, file) == text->size &&
             fchmod(fileno(file), status.st_mode) == 0 && fflush(file) == 0 && fsync(fileno(file)) == 0;
        ok &= fclose(file) == 0;
        ok = ok && rename(beside, path) == 0;
    }
    if (!ok) {
        *reason = strerror(errno);
        if (file != NULL)
            unlink(beside);
    }
    free(beside);
    return ok;
}

bool sx_edits_write(struct sx_edits *edits, const char **reason)
{
    struct sx_buffer text = {0};
    char *path = realpath(edits->path, NULL), *before = NULL; /* a link stays one */
    size_t size;
    bool ok = path != NULL && (before = sx_read_file(path, &size, reason)) != NULL;

    if (path == NULL)
        *reason = strerror(errno);
    if (ok) {
        sort(edits);
        apply(edits, before, &text);
        ok = replace_file(path, &text, reason);
    }
    sx_buffer_free(&text);
    free(before);
    free(path);
    return ok;
}
