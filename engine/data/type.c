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

static const struct sx_type *with_element(struct sx_arena *arena, enum sx_kind kind,
                                          const struct sx_type *element)
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

const struct sx_type *sx_type_struct(struct sx_arena *arena, const struct sx_type_field *fields,
                                     uint32_t count)
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

/* Names count, and so does their order; `not null` does not, since every type holds null. */
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
        if (strcmp(a->fields[i].name, b->fields[i].name) != 0 ||
            !sx_type_equal(a->fields[i].type, b->fields[i].type))
            return false;
    return true;
}

/* As the language writes it: in backquotes unless it is a plain identifier. */
static void print_name(const char *name, struct sx_buffer *to)
{
    bool plain = *name != '\0' && !(*name >= '0' && *name <= '9');

    for (const char *c = name; *c && plain; c++)
        plain = (*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z') || (*c >= '0' && *c <= '9') || *c == '_';
    sx_buffer_printf(to, plain ? "%s" : "`%s`", name);
}

static void print_struct(const struct sx_type *type, struct sx_buffer *to)
{
    sx_buffer_add_byte(to, '{');
    for (uint32_t i = 0; i < type->field_count; i++) {
        sx_buffer_add_text(to, i ? ", " : " ");
        print_name(type->fields[i].name, to);
        sx_buffer_add_byte(to, ' ');
        sx_type_print(type->fields[i].type, to);
        if (type->fields[i].not_null)
            sx_buffer_add_text(to, " not null");
    }
    sx_buffer_add_text(to, type->field_count ? " }" : "}");
}

void sx_type_print(const struct sx_type *type, struct sx_buffer *to)
{
    static const char *const names[] = {
        [SX_NULL] = "null",           [SX_BOOL] = "bool",     [SX_INT] = "int",
        [SX_DOUBLE] = "double",       [SX_STRING] = "string", [SX_BYTES] = "bytes",
        [SX_DATE] = "date",           [SX_TIME] = "time",     [SX_JSON] = "json",
        [SX_TIMESTAMP] = "timestamp", [SX_ARRAY] = "array",   [SX_MAP] = "map",
        [SX_DURATION] = "duration",
    };

    switch (type->kind) {
    case SX_DECIMAL:
        sx_buffer_printf(to, "decimal(%u, %u)", type->precision, type->scale);
        return;
    case SX_ARRAY:
    case SX_MAP:
        sx_buffer_add_text(to, names[type->kind]);
        sx_buffer_add_byte(to, '<');
        sx_type_print(type->element, to);
        sx_buffer_add_byte(to, '>');
        return;
    case SX_STRUCT:
        print_struct(type, to);
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

bool sx_type_holds(const struct sx_type *type, enum sx_kind kind)
{
    bool holds = type->kind == kind || (type->element != NULL && sx_type_holds(type->element, kind));

    for (uint32_t i = 0; i < type->field_count && !holds; i++)
        holds = sx_type_holds(type->fields[i].type, kind);
    return holds;
}
