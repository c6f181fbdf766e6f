/* parse_type.c: types. */
#include "dsl/parse.h"

#include "engine/base/text.h"
#include "engine/data/decimal.h"

#define DECIMAL_FORM "write `decimal(10, 2)`: all digits, and those behind the point"

static const struct sx_type *parse_struct_type(struct sx_parser *p)
{
    struct sx_type_field *fields = NULL;
    struct sx_position at;
    uint32_t count = 0;

    sx_want_sign(p, "{", "before the fields");
    while (!p->failed && !sx_at_sign(p, "}")) {
        struct sx_type_field *field = SX_PARSE_PUSH(p, fields, count);

        if (count > SX_FIELDS_MAX)
            sx_parse_failed(p, p->at->at, NULL, "there are more than %d fields", SX_FIELDS_MAX);
        field->name = sx_want_name(p, "a field's name", &at);
        for (uint32_t i = 0; i + 1 < count; i++)
            if (strcmp(fields[i].name, field->name) == 0)
                sx_parse_failed(p, at, NULL, "the field `%s` is there twice", field->name);
        field->type = sx_parse_type(p);
        if (sx_at_words(p, "not null")) {
            p->at += 2;
            field->not_null = true;
        }
        if (!sx_take_sign(p, ","))
            break;
    }
    sx_want_sign(p, "}", "behind the fields");
    return sx_type_struct(p->arena, fields, count);
}

/* A whole number between two bounds, both included. */
static uint32_t parse_digits(struct sx_parser *p, int64_t least, int64_t most, const char *what)
{
    const int64_t digits = p->at->integer;

    if (p->at->kind != SX_TOKEN_INT || digits < least || digits > most) {
        sx_parse_failed(p, p->at->at, DECIMAL_FORM, "expected %s, %lld to %lld, got %s", what,
                        (long long)least, (long long)most, sx_here(p));
        return (uint32_t)least;
    }
    p->at++;
    return (uint32_t)digits;
}

/* decimal(p [, s]) */
static const struct sx_type *parse_decimal_type(struct sx_parser *p)
{
    uint32_t precision, scale = 0;

    if (!sx_take_sign(p, "(")) {
        sx_parse_failed(p, p->at[-1].at, DECIMAL_FORM, "a decimal says its digits");
        return &sx_type_null;
    }
    precision = parse_digits(p, 1, SX_DECIMAL_DIGITS, "the number of digits");
    if (sx_take_sign(p, ","))
        scale = parse_digits(p, 0, precision, "the number of digits behind the point");
    sx_want_sign(p, ")", "behind the digits");
    return sx_type_decimal(p->arena, precision, scale);
}

/* What other languages call the types. */
static const char *known_elsewhere(const struct sx_parser *p)
{
    static const char *const words[][2] = {{"integer", "int"},    {"long", "int"},       {"bigint", "int"},
                                           {"float", "double"},   {"real", "double"},    {"text", "string"},
                                           {"varchar", "string"}, {"boolean", "bool"},   {"list", "array"},
                                           {"struct", "{ ... }"}, {"numeric", "decimal"}};

    for (size_t i = 0; i < SX_COUNT(words); i++)
        if (sx_at_word(p, words[i][0]))
            return words[i][1];
    return NULL;
}

const struct sx_type *sx_parse_type(struct sx_parser *p)
{
    static const struct sx_type *const plain[] = {
        &sx_type_bool,      &sx_type_int,  &sx_type_double, &sx_type_string,   &sx_type_bytes,
        &sx_type_timestamp, &sx_type_date, &sx_type_time,   &sx_type_duration, &sx_type_json};
    static const char *const names[] = {"bool", "int",      "double", "string", "bytes", "timestamp", "date",
                                        "time", "duration", "json",   "array",  "map",   "decimal"};
    const struct sx_type *type = &sx_type_null;
    const char *near;
    bool array;

    if (!sx_parse_enter(p))
        return type;
    if (sx_at_sign(p, "{")) {
        type = parse_struct_type(p);
    } else if (sx_at_word(p, "array") || sx_at_word(p, "map")) {
        array = sx_at_word(p, "array");
        p->at++;
        sx_want_sign(p, "<", "before the type of the elements");
        type = sx_parse_type(p);
        sx_want_sign_or(p, ">", "behind the type of the elements",
                        !array && sx_at_sign(p, ",") ? "the keys of a map are strings: write `map<T>`"
                                                     : NULL);
        type = array ? sx_type_array(p->arena, type) : sx_type_map(p->arena, type);
    } else if (sx_take_word(p, "decimal")) {
        type = parse_decimal_type(p);
    } else {
        for (size_t i = 0; i < SX_COUNT(plain); i++)
            if (sx_take_word(p, names[i])) {
                p->depth--;
                return plain[i];
            }
        near = known_elsewhere(p);
        if (near == NULL)
            near = p->at->kind == SX_TOKEN_NAME ? sx_nearest(p->at->text, names, SX_COUNT(names)) : NULL;
        sx_parse_failed(p, p->at->at,
                        near                 ? sx_arena_format(p->arena, "did you mean `%s`?", near)
                        : sx_at_sign(p, ":") ? "leave the colon out: `name type`"
                                             : NULL,
                        "expected a type, got %s", sx_here(p));
    }
    p->depth--;
    return type;
}
