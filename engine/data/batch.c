/* batch.c: columns, batches and schemas. */
#include "engine/data/batch.h"
#include "engine/data/format.h"

#include <stdarg.h>

size_t sx_column_width(enum sx_kind kind)
{
    if (kind == SX_BOOL)
        return 1;
    if (kind == SX_DOUBLE || sx_kind_is_int64(kind))
        return 8;
    return kind == SX_STRING || kind == SX_BYTES ? sizeof(struct sx_slice) : sizeof(struct sx_value);
}

struct sx_column sx_column_new(struct sx_arena *arena, const struct sx_type *type, uint32_t rows)
{
    struct sx_column column = {.type = type};

    column.data = sx_arena_alloc(arena, sx_column_width(type->kind) * (rows ? rows : 1));
    return column;
}

uint64_t *sx_column_nulls(struct sx_column *column, struct sx_arena *arena, uint32_t rows)
{
    if (column->nulls == NULL)
        column->nulls = SX_ARENA_ARRAY(arena, uint64_t, SX_BITMAP_WORDS(rows) + 1);
    return column->nulls;
}

struct sx_value sx_column_get(const struct sx_column *column, uint32_t row)
{
    enum sx_kind kind = column->type->kind;

    if (sx_column_is_null(column, row))
        return SX_VALUE_NULL;
    switch (kind) {
    case SX_BOOL:
        return sx_value_bool(column->b[row]);
    case SX_DOUBLE:
        return sx_value_double(column->d[row]);
    case SX_STRING:
    case SX_BYTES:
        return (struct sx_value){.s = column->s[row].data, .size = column->s[row].size, .kind = (uint8_t)kind};
    case SX_NULL:
        return SX_VALUE_NULL;
    default:
        return sx_kind_is_int64(kind) ? sx_value_int64(kind, column->i[row]) : column->v[row];
    }
}

void sx_column_set(struct sx_column *column, uint32_t row, struct sx_value value)
{
    enum sx_kind kind = column->type->kind;

    if (value.kind == SX_NULL) {
        sx_bit_set(column->nulls, row);
        if (!sx_kind_is_int64(kind) && kind != SX_DOUBLE && kind != SX_BOOL && !sx_kind_is_slice(kind))
            column->v[row] = value;
        return;
    }
    if (column->nulls != NULL)
        sx_bit_clear(column->nulls, row);
    if (sx_kind_is_int64(kind))
        column->i[row] = value.i;
    else if (kind == SX_DOUBLE)
        column->d[row] = value.d;
    else if (kind == SX_BOOL)
        column->b[row] = value.b;
    else if (sx_kind_is_slice(kind))
        column->s[row] = sx_value_slice(value);
    else
        column->v[row] = value;
}

struct sx_batch sx_batch_select(const struct sx_batch *from, const uint16_t *sel, uint32_t count)
{
    struct sx_batch batch = *from;

    batch.sel = sel;
    batch.count = count;
    return batch;
}

/* How well a field answers a bare name: a value beats a key beats what is only readable. */
static int rank(const struct sx_field *field)
{
    return field->role == SX_ROLE_VALUE ? 2 : field->role == SX_ROLE_KEY ? 1 : 0;
}

static bool same_side(const char *a, const char *b)
{
    return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

int sx_schema_find(const struct sx_schema *schema, struct sx_slice qualifier, struct sx_slice name, bool *ambiguous)
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

void sx_format_failed(struct sx_format_failures *to, uint32_t row, const char *reason, const char *format, ...)
{
    struct sx_format_failure *failure;
    va_list args;

    if (to->count == to->room) {
        uint32_t room = to->room ? to->room * 2 : 16;
        struct sx_format_failure *items = SX_ARENA_ARRAY(to->arena, struct sx_format_failure, room);

        if (to->count)
            memcpy(items, to->items, to->count * sizeof(*items));
        to->items = items;
        to->room = room;
    }
    failure = &to->items[to->count++];
    failure->row = row;
    snprintf(failure->reason, sizeof(failure->reason), "%s", reason);
    va_start(args, format);
    vsnprintf(failure->message, sizeof(failure->message), format, args);
    va_end(args);
}
