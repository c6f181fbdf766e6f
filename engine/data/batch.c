/* batch.c: batches and schemas. See batch.h. */
#include "engine/data/batch.h"

struct sx_batch sx_batch_select(const struct sx_batch *from, const uint16_t *sel, uint32_t count)
{
    struct sx_batch batch = *from;

    batch.sel = sel;
    batch.count = count;
    return batch;
}

static uint64_t *one_bit(struct sx_arena *arena, const uint64_t *bits, uint32_t row)
{
    uint64_t *bit = NULL;

    if (bits != NULL) {
        bit = sx_arena_alloc(arena, sizeof(*bit));
        *bit = sx_bit(bits, row);
    }
    return bit;
}

struct sx_batch sx_batch_row(struct sx_arena *arena, const struct sx_batch *from, uint32_t row)
{
    struct sx_batch one = *from;
    uint16_t *origin_row = sx_arena_alloc(arena, sizeof(*origin_row));
    struct sx_batch *old;

    one.rows = one.count = 1;
    one.sel = NULL;
    if (from->columns != NULL)
        one.columns = sx_arena_alloc(arena, sizeof(*one.columns) * from->schema->count);
    for (uint32_t c = 0; from->columns != NULL && c < from->schema->count; c++) {
        const struct sx_column *column = &from->columns[c];

        one.columns[c] = *column;
        if (column->data != NULL)
            one.columns[c].data = (char *)column->data + sx_column_width(column->type->kind) * row;
        one.columns[c].nulls = one_bit(arena, column->nulls, row);
    }
    *origin_row = from->origin_row ? from->origin_row[row] : (uint16_t)row;
    one.origin_row = origin_row;
    one.ts = from->ts ? from->ts + row : NULL;
    one.gone = one_bit(arena, from->gone, row);
    one.windows = from->windows ? from->windows + row : NULL;
    one.outdated = one_bit(arena, from->outdated, row);
    if (from->old != NULL) {
        old = sx_arena_alloc(arena, sizeof(*old));
        *old = sx_batch_row(arena, from->old, row);
        one.old = old;
    }
    return one;
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
