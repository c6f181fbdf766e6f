/* check_unknown.c: what is said of a name that is none, with what could have been meant. */
#include "dsl/check_operator.h"

#include "engine/base/text.h"

#define MISTAKE(scope, at, hint, ...) \
    (sx_mistake((scope)->c, (at), STREAMD_E_TYPE, (hint), __VA_ARGS__), NULL)

/* The names that could have been meant, for a suggestion. */
static const char *near_name(const struct sx_scope *s, const char *name, const char *qualifier)
{
    const char *names[256];
    uint32_t count = 0;

    for (uint32_t i = 0; s->schema != NULL && i < s->schema->count && count < SX_COUNT(names); i++)
        if (qualifier == NULL ||
            (s->schema->fields[i].qualifier && strcmp(qualifier, s->schema->fields[i].qualifier) == 0))
            names[count++] = s->schema->fields[i].name;
    for (const struct sx_binding *b = s->bindings; b != NULL && count < SX_COUNT(names); b = b->next)
        if (qualifier == NULL)
            names[count++] = b->name;
    for (const struct sx_statement *p = s->c->statements; p != NULL && count < SX_COUNT(names); p = p->next)
        if (qualifier == NULL && p->kind == SX_STATEMENT_PARAM)
            names[count++] = p->name;
    return sx_nearest(name, names, count);
}

static const char *all_names(const struct sx_scope *s, const char *qualifier, const char *name)
{
    struct sx_buffer text = {0};
    const char *copy;
    uint32_t count = 0;

    for (const struct sx_binding *b = s->bindings; b != NULL && qualifier == NULL; b = b->next)
        sx_buffer_printf(&text, "%s%s", count++ ? ", " : "the names are ", b->name);
    for (uint32_t i = 0; s->schema != NULL && i < s->schema->count && count < 12; i++) {
        const struct sx_field *f = &s->schema->fields[i];

        if (qualifier == NULL || (f->qualifier && strcmp(qualifier, f->qualifier) == 0))
            sx_buffer_printf(&text, "%s%s", count++ ? ", " : "the columns are ", f->name);
    }
    if (count && qualifier == NULL)
        sx_buffer_printf(&text, "; a text stands between quotes: `\"%s\"`", name);
    copy = count ? sx_arena_strndup(s->c->arena, text.data, text.size) : NULL;
    sx_buffer_free(&text);
    return copy;
}

const struct sx_expr *sx_unknown_column(const struct sx_scope *s, struct sx_position at, const char *name,
                                        const char *qualifier)
{
    const char *near = near_name(s, name, qualifier);
    bool ambiguous;

    if (s->uses != NULL && sx_schema_find(s->uses->rows, SX_SLICE_NONE, sx_slice_of(name), &ambiguous) >= 0)
        return MISTAKE(s, at, sx_arena_format(s->c->arena, "put it into one: `last(%s)`", name),
                       "`%s` is no group column, and stands outside an aggregate", name);
    if (s->schema == NULL && near == NULL)
        return MISTAKE(
            s, at,
            s->bindings
                ? "hand a column over as an argument"
                : sx_arena_format(
                      s->c->arena,
                      "only constants and params stand here; a text stands between quotes: `\"%s\"`", name),
            s->bindings ? "`%s` is neither a parameter nor a param" : "there is no param `%s`", name);
    sx_mistake(s->c, at, STREAMD_E_NAME,
               near ? sx_arena_format(s->c->arena, "did you mean `%s`?", near)
                    : all_names(s, qualifier, name),
               qualifier ? "`%2$s` has no column `%1$s`" : "there is no column `%s`", name, qualifier);
    return NULL;
}
