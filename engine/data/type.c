/* type.c: see type.h. */
#include "engine/data/type.h"

const struct sx_type sx_type_null = {.kind = SX_NULL};
const struct sx_type sx_type_bool = {.kind = SX_BOOL};
const struct sx_type sx_type_int = {.kind = SX_INT};
const struct sx_type sx_type_double = {.kind = SX_DOUBLE};
const struct sx_type sx_type_string = {.kind = SX_STRING};
const struct sx_type sx_type_bytes = {.kind = SX_BYTES};
const struct sx_type sx_type_timestamp = {.kind = SX_TIMESTAMP};
const struct sx_type sx_type_date = {.kind = SX_DATE};
const struct sx_type sx_type_time = {.kind = SX_TIME};
const struct sx_type sx_type_duration = {.kind = SX_DURATION};
const struct sx_type sx_type_json = {.kind = SX_JSON};

static const struct sx_type *with_element(struct sx_arena *arena, enum sx_kind kind, const struct sx_type *element)
{
    struct sx_type *type = SX_ARENA_NEW(arena, struct sx_type);

    type->kind = kind;
    type->element = element;
    return type;
}

const struct sx_type *sx_type_array(struct sx_arena *arena, const struct sx_type *element)
{
    return with_element(arena, SX_ARRAY, element);
}

const struct sx_type *sx_type_map(struct sx_arena *arena, const struct sx_type *element)
{
    return with_element(arena, SX_MAP, element);
}

const struct sx_type *sx_type_struct(struct sx_arena *arena, const struct sx_type_field *fields, uint32_t count)
{
    struct sx_type *type = SX_ARENA_NEW(arena, struct sx_type);
    struct sx_type_field *copy = SX_ARENA_ARRAY(arena, struct sx_type_field, count + 1);

    for (uint32_t i = 0; i < count; i++) {
        copy[i] = fields[i];
        copy[i].name = sx_arena_strdup(arena, fields[i].name);
    }
    type->kind = SX_STRUCT;
    type->field_count = count;
    type->fields = copy;
    return type;
}

bool sx_type_equal(const struct sx_type *a, const struct sx_type *b)
{
    if (a == b)
        return true;
    if (a->kind != b->kind || a->precision != b->precision || a->scale != b->scale ||
        a->field_count != b->field_count)
        return false;
    if (a->element != NULL && !sx_type_equal(a->element, b->element))
        return false;
    for (uint32_t i = 0; i < a->field_count; i++)
        if (strcmp(a->fields[i].name, b->fields[i].name) != 0 || !sx_type_equal(a->fields[i].type, b->fields[i].type))
            return false;
    return true;
}

void sx_type_print(const struct sx_type *type, struct sx_buffer *to)
{
    static const char *const names[] = {"null", "bool", "int", "double", "decimal", "string", "bytes", "timestamp",
                                        "date", "time", "duration", "array", "map", "struct", "json"};

    switch (type->kind) {
    case SX_DECIMAL:
        sx_buffer_printf(to, "decimal(%u, %u)", type->precision, type->scale);
        return;
    case SX_ARRAY:
    case SX_MAP:
        sx_buffer_printf(to, "%s<", names[type->kind]);
        sx_type_print(type->element, to);
        sx_buffer_add_byte(to, '>');
        return;
    case SX_STRUCT:
        sx_buffer_add_text(to, "{ ");
        for (uint32_t i = 0; i < type->field_count; i++) {
            sx_buffer_printf(to, "%s%s ", i ? ", " : "", type->fields[i].name);
            sx_type_print(type->fields[i].type, to);
        }
        sx_buffer_add_text(to, " }");
        return;
    default:
        sx_buffer_add_text(to, names[type->kind]);
    }
}

const char *sx_type_text(const struct sx_type *type, struct sx_arena *arena)
{
    struct sx_buffer text = {0};
    const char *copy;

    sx_type_print(type, &text);
    copy = sx_arena_strndup(arena, text.data, text.size);
    sx_buffer_free(&text);
    return copy;
}

int sx_type_field(const struct sx_type *type, struct sx_slice name)
{
    for (uint32_t i = 0; i < type->field_count; i++)
        if (sx_slice_equal(name, sx_slice_of(type->fields[i].name)))
            return (int)i;
    return -1;
}
