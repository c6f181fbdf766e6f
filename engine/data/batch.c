/* batch.c: batches and schemas. See batch.h. */
#include "engine/data/batch.h"

struct sx_batch sx_batch_select(const struct sx_batch *from, const uint16_t *sel, uint32_t count)
{
    struct sx_batch batch = *from;

    batch.sel = sel;
    batch.count = count;
    return batch;
}

/* How well a field answers to its name: a value beats a key beats what is only readable. */
static int rank(const struct sx_field *field)
{
    return field->role == SX_ROLE_VALUE ? 2 : field->role == SX_ROLE_KEY ? 1 : 0;
}

static bool same_side(const char *a, const char *b)
{
    return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

/* A value column hides a key of its name only within one side of a join; what has no qualifier is a
 * side of its own. */
int sx_schema_find(const struct sx_schema *schema, struct sx_slice qualifier, struct sx_slice name,
                   bool *ambiguous)
{
    int best = -1;

    *ambiguous = false;
    for (uint32_t i = 0; i < schema->count; i++) {
        const struct sx_field *field = &schema->fields[i];

        if (!sx_slice_equal(name, sx_slice_of(field->name)))
            continue;
        if (qualifier.data != NULL &&
            (field->qualifier == NULL || !sx_slice_equal(qualifier, sx_slice_of(field->qualifier))))
            continue;
        if (best >= 0 && !same_side(schema->fields[best].qualifier, field->qualifier))
            *ambiguous = true;
        if (best < 0 || rank(field) > rank(&schema->fields[best]))
            best = (int)i;
    }
    return best;
}

void sx_schema_print(const struct sx_schema *schema, struct sx_buffer *to)
{
    for (uint32_t i = 0; i < schema->count; i++) {
        const struct sx_field *field = &schema->fields[i];

        if (field->role == SX_ROLE_READABLE)
            continue;
        sx_buffer_printf(to, "%s%s%s ", i ? ", " : "", field->role == SX_ROLE_KEY ? "key " : "", field->name);
        sx_type_print(field->type, to);
    }
}
