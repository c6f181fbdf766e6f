/* signature.c: reading signatures, and what fits them. */
#include "engine/expr/function.h"

#include "engine/data/decimal.h"

#include <ctype.h>
#include <stdarg.h>

#define NESTING_MAX 8u           /* of array<...> in a signature */
#define LAMBDA_PARAMETERS_MAX 3u /* reduce over a map takes the value so far, a key and a value */

struct sx_value sx_call_fail(struct sx_call *call, const char *format, ...)
{
    va_list args;

    call->failed = true;
    va_start(args, format);
    vsnprintf(call->message, sizeof(call->message), format, args);
    va_end(args);
    return SX_VALUE_NULL;
}

/* ---- Reading --------------------------------------------------------------------------------- */

struct reader {
    const char *at;
    struct sx_arena *arena;
};

static void skip_spaces(struct reader *r)
{
    while (*r->at == ' ')
        r->at++;
}

static bool take(struct reader *r, char what)
{
    skip_spaces(r);
    if (*r->at != what)
        return false;
    r->at++;
    return true;
}

static const char *read_name(struct reader *r)
{
    const char *start;

    skip_spaces(r);
    start = r->at;
    while (isalnum((unsigned char)*r->at) || *r->at == '_')
        r->at++;
    return r->at == start ? NULL : sx_arena_strndup(r->arena, start, (size_t)(r->at - start));
}

/* The digits of a decimal. Without the last parenthesis there is no type. */
static void skip_parentheses(struct reader *r)
{
    const char *at = r->at;
    int open = 0;

    do {
        open += (*at == '(') - (*at == ')');
        at++;
    } while (open > 0 && *at != '\0' && *at != ' ');
    if (open == 0)
        r->at = at;
}

/* A type as written: a name, with `<...>` behind it or not. */
static const char *read_type(struct reader *r)
{
    const char *start;
    int open = 0;

    skip_spaces(r);
    start = r->at;
    while (isalnum((unsigned char)*r->at) || *r->at == '_' || *r->at == '<' || (*r->at == '>' && open > 0)) {
        open += (*r->at == '<') - (*r->at == '>');
        r->at++;
        if (*r->at == '(' && r->at - start >= 7 && memcmp(r->at - 7, "decimal", 7) == 0)
            skip_parentheses(r);
    }
    return r->at == start || open ? NULL : sx_arena_strndup(r->arena, start, (size_t)(r->at - start));
}

/* (param type [, param type]) -> type */
static bool read_lambda(struct reader *r, struct sx_parameter *p)
{
    struct sx_parameter *takes = SX_ARENA_ARRAY(r->arena, struct sx_parameter, LAMBDA_PARAMETERS_MAX);

    p->is_lambda = true;
    p->takes = takes;
    do {
        if (p->take_count == LAMBDA_PARAMETERS_MAX)
            return false;
        takes->name = read_name(r);
        takes->type = takes->name ? read_type(r) : NULL;
        if (takes->type == NULL)
            return false;
        takes++;
        p->take_count++;
    } while (take(r, ','));
    if (!take(r, ')') || !take(r, '-') || *r->at++ != '>')
        return false;
    p->type = read_type(r);
    return p->type != NULL;
}

static bool read_parameter(struct reader *r, struct sx_parameter *p, bool optional)
{
    p->optional = optional;
    p->name = read_name(r);
    if (p->name != NULL && take(r, '('))
        return read_lambda(r, p);
    p->type = p->name ? read_type(r) : NULL;
    if (p->type == NULL)
        return false;
    if (strncmp(r->at, "...", 3) == 0) {
        p->repeated = true;
        r->at += 3;
    }
    return true;
}

static bool read_parameters(struct reader *r, struct sx_signature *s, struct sx_parameter *p)
{
    int open = 0;

    if (!take(r, '('))
        return false;
    if (take(r, ')'))
        return true;
    do {
        open += take(r, '[');
        if (s->count > 0 && !take(r, ','))
            return false;
        if (s->count > 0 && p[s->count - 1].repeated)
            return false;
        if (!read_parameter(r, &p[s->count], open > 0))
            return false;
        s->count++;
        while (open > 0 && take(r, ']'))
            open--;
        skip_spaces(r);
        /* Once `[` has stood, all that follows is optional, whether inside the same brackets or not. */
        if (open == 0 && p[s->count - 1].optional && *r->at == ',')
            return false;
    } while (*r->at == ',' || *r->at == '[');
    return open == 0 && take(r, ')');
}

streamd_status sx_signature_parse(const char *text, struct sx_arena *arena, struct sx_signature *signature,
                                  streamd_error **error)
{
    struct reader r = {text, arena};
    uint32_t most = 1;
    struct sx_parameter *parameters;

    for (const char *c = text; *c; c++)
        most += *c == ',';
    parameters = SX_ARENA_ARRAY(arena, struct sx_parameter, most);
    *signature = (struct sx_signature){.parameters = parameters};
    signature->name = read_name(&r);
    if (signature->name == NULL || !read_parameters(&r, signature, parameters) ||
        (signature->result = read_type(&r)) == NULL || *r.at != '\0')
        return sx_fail(error, STREAMD_E_SYNTAX,
                       "not a signature at its character %td: %s; write it as "
                       "`name(param type [, param type]) type`",
                       r.at - text + 1, text);
    return STREAMD_OK;
}

/* ---- Matching -------------------------------------------------------------------------------- */

static bool is_decimal_beside(const struct sx_type *a, const struct sx_type *b)
{
    return a->kind == SX_DECIMAL && (b->kind == SX_DECIMAL || b->kind == SX_INT || b->kind == SX_DOUBLE);
}

static const struct sx_type *unite_structs(struct sx_arena *arena, const struct sx_type *a,
                                           const struct sx_type *b)
{
    struct sx_type_field *fields = SX_ARENA_ARRAY(arena, struct sx_type_field, a->field_count + 1);

    if (a->field_count != b->field_count)
        return NULL;
    for (uint32_t i = 0; i < a->field_count; i++) {
        if (strcmp(a->fields[i].name, b->fields[i].name) != 0)
            return NULL;
        fields[i].name = a->fields[i].name;
        fields[i].type = sx_type_unite(arena, a->fields[i].type, b->fields[i].type);
        if (fields[i].type == NULL)
            return NULL;
    }
    return sx_type_struct(arena, fields, a->field_count);
}

const struct sx_type *sx_type_unite(struct sx_arena *arena, const struct sx_type *a, const struct sx_type *b)
{
    const struct sx_type *element;

    if (a == NULL || a->kind == SX_NULL)
        return b;
    if (b->kind == SX_NULL || sx_type_equal(a, b))
        return a;
    if ((a->kind == SX_INT && b->kind == SX_DOUBLE) || (a->kind == SX_DOUBLE && b->kind == SX_INT))
        return &sx_type_double;
    if (is_decimal_beside(a, b) || is_decimal_beside(b, a))
        return a->kind == SX_DOUBLE || b->kind == SX_DOUBLE
                   ? &sx_type_double
                   : sx_decimal_common(arena, a->kind == SX_INT ? &sx_type_int_digits : a,
                                       b->kind == SX_INT ? &sx_type_int_digits : b);
    if (a->kind == SX_STRUCT && b->kind == SX_STRUCT)
        return unite_structs(arena, a, b);
    if (a->kind != b->kind || (a->kind != SX_ARRAY && a->kind != SX_MAP))
        return NULL;
    element = sx_type_unite(arena, a->element, b->element);
    if (element == NULL)
        return NULL;
    return a->kind == SX_ARRAY ? sx_type_array(arena, element) : sx_type_map(arena, element);
}

/* ---- Decimals: `decimal` is what the arguments are, `decimal(10,2)` what it says -------------- */

#define OF_38_DIGITS "decimal(38,s)"         /* with their scale */
#define OF_A_QUOTIENT "decimal(38,max(6,s))" /* with that, or six digits behind the point if it has fewer */

static bool is_decimal(const char *pattern)
{
    return strcmp(pattern, "decimal") == 0 || strcmp(pattern, OF_38_DIGITS) == 0 ||
           strcmp(pattern, OF_A_QUOTIENT) == 0;
}

/* `decimal(10,2)` */
static bool read_fixed(const char *pattern, unsigned *precision, unsigned *scale)
{
    int end = 0;

    return sscanf(pattern, "decimal(%2u,%2u)%n", precision, scale, &end) == 2 && end > 0 &&
           pattern[end] == '\0' && *precision > 0 && *precision <= SX_DECIMAL_DIGITS && *scale <= *precision;
}

static bool is_fixed_decimal(const char *pattern)
{
    unsigned precision, scale;

    return read_fixed(pattern, &precision, &scale);
}

/* NULL: it is not of this form. */
static const struct sx_type *fixed_decimal(struct sx_arena *arena, const char *pattern)
{
    unsigned precision, scale;

    return read_fixed(pattern, &precision, &scale) ? sx_type_decimal(arena, precision, scale) : NULL;
}

/* What the arguments of the parameters `decimal` have in common. NULL: none is a decimal. */
static const struct sx_type *decimal_of(struct sx_letters *v, const char *pattern)
{
    const struct sx_type *type = v->decimal;

    if (type == NULL)
        return NULL;
    if (v->decimal_with_int)
        type = sx_decimal_common(v->arena, type, &sx_type_int_digits);
    if (strcmp(pattern, "decimal") == 0)
        return type;
    return sx_type_decimal(v->arena, SX_DECIMAL_DIGITS,
                           strcmp(pattern, OF_A_QUOTIENT) == 0 ? SX_MAX(type->scale, 6) : type->scale);
}

static bool is_variable(const char *pattern)
{
    return isupper((unsigned char)pattern[0]) && pattern[1] == '\0';
}

/* `array<...>` or `map<...>`: what stands between, copied to `inner`. */
static bool is_nested(const char *pattern, enum sx_kind kind, char *inner, size_t room)
{
    const char *prefix = kind == SX_ARRAY ? "array<" : "map<";
    size_t skip = strlen(prefix), size = strlen(pattern);

    if (strncmp(pattern, prefix, skip) != 0 || size <= skip || size - skip - 1 >= room)
        return false;
    memcpy(inner, pattern + skip, size - skip - 1);
    inner[size - skip - 1] = '\0';
    return true;
}

static const struct sx_type *plain(const char *name)
{
    static const struct sx_type *const types[] = {
        &sx_type_bool,      &sx_type_int,  &sx_type_double, &sx_type_string,   &sx_type_bytes,
        &sx_type_timestamp, &sx_type_date, &sx_type_time,   &sx_type_duration, &sx_type_json};
    static const char *const names[] = {"bool",      "int",  "double", "string",   "bytes",
                                        "timestamp", "date", "time",   "duration", "json"};

    for (size_t i = 0; i < SX_COUNT(names); i++)
        if (strcmp(name, names[i]) == 0)
            return types[i];
    return NULL;
}

/* Is it a type, or a pattern of types? `variables`: the ones that may stand in it, NULL: all, and `any`. */
static bool is_pattern(const char *pattern, const bool *variables, uint32_t depth)
{
    char inner[64];

    if (is_variable(pattern))
        return variables == NULL || variables[pattern[0] - 'A'];
    if (is_nested(pattern, SX_ARRAY, inner, sizeof(inner)) ||
        is_nested(pattern, SX_MAP, inner, sizeof(inner)))
        return depth < NESTING_MAX && is_pattern(inner, variables, depth + 1);
    if (is_decimal(pattern)) /* beside the letters stands whether a parameter is a decimal */
        return variables == NULL ? strcmp(pattern, "decimal") == 0 : variables[26];
    return plain(pattern) != NULL || is_fixed_decimal(pattern) ||
           (variables == NULL && strcmp(pattern, "any") == 0);
}

const char *sx_signature_unknown(const struct sx_signature *s)
{
    bool variables[27] = {false};

    for (uint32_t i = 0; i < s->count; i++) {
        if (s->parameters[i].is_lambda)
            return "->";
        if (!is_pattern(s->parameters[i].type, NULL, 0))
            return s->parameters[i].type;
        variables[26] |= is_decimal(s->parameters[i].type);
        for (const char *c = s->parameters[i].type; *c; c++)
            if (isupper((unsigned char)*c))
                variables[*c - 'A'] = true;
    }
    return is_pattern(s->result, variables, 0) ? NULL : s->result;
}

/* First pass: what the variables are. False: two arguments want different types. */
static bool bind(struct sx_letters *v, const char *pattern, const struct sx_type *type)
{
    char inner[64];

    if (is_variable(pattern)) {
        const struct sx_type **of = &v->of[pattern[0] - 'A'];

        *of = sx_type_unite(v->arena, *of, type);
        return *of != NULL;
    }
    if (is_decimal(pattern)) {
        if (type->kind == SX_DECIMAL)
            v->decimal = v->decimal ? sx_decimal_common(v->arena, v->decimal, type) : type;
        v->decimal_with_int |= type->kind == SX_INT;
        return true;
    }
    if ((is_nested(pattern, SX_ARRAY, inner, sizeof(inner)) && type->kind == SX_ARRAY) ||
        (is_nested(pattern, SX_MAP, inner, sizeof(inner)) && type->kind == SX_MAP))
        return bind(v, inner, type->element);
    return true;
}

/* A pattern with its variables filled in. `any`: what was given. NULL: an unknown word. */
static const struct sx_type *fill_in(struct sx_letters *v, const char *pattern, const struct sx_type *given,
                                     uint32_t depth)
{
    const struct sx_type *element;
    char inner[64];

    if (depth > NESTING_MAX)
        return NULL;
    if (strcmp(pattern, "any") == 0)
        return given;
    if (is_variable(pattern))
        return v->of[pattern[0] - 'A'] ? v->of[pattern[0] - 'A'] : &sx_type_null;
    if (is_nested(pattern, SX_ARRAY, inner, sizeof(inner))) {
        element = given && given->kind == SX_ARRAY ? given->element : &sx_type_null;
        element = fill_in(v, inner, element, depth + 1);
        return element ? sx_type_array(v->arena, element) : NULL;
    }
    if (is_nested(pattern, SX_MAP, inner, sizeof(inner))) {
        element = given && given->kind == SX_MAP ? given->element : &sx_type_null;
        element = fill_in(v, inner, element, depth + 1);
        return element ? sx_type_map(v->arena, element) : NULL;
    }
    if (is_decimal(pattern))
        return decimal_of(v, pattern);
    return plain(pattern) ? plain(pattern) : fixed_decimal(v->arena, pattern);
}

/* Casts from int to double, and to decimals, that make `given` fit; -1: it does not. */
static int fits(const struct sx_type *given, const struct sx_type *wanted)
{
    if (given->kind == SX_NULL || sx_type_equal(given, wanted))
        return 0;
    if (given->kind == SX_INT && wanted->kind == SX_DOUBLE)
        return 1;
    if (given->kind == SX_DECIMAL && wanted->kind == SX_DOUBLE)
        return 2; /* where an exact row takes it, that one */
    if (wanted->kind == SX_DECIMAL && (given->kind == SX_DECIMAL || given->kind == SX_INT))
        return sx_decimal_holds(wanted, given->kind == SX_INT ? &sx_type_int_digits : given) ? 1 : -1;
    if (given->kind == wanted->kind && (given->kind == SX_ARRAY || given->kind == SX_MAP))
        return fits(given->element, wanted->element);
    if (given->kind == SX_STRUCT && wanted->kind == SX_STRUCT && given->field_count == wanted->field_count) {
        int casts = 0;

        for (uint32_t i = 0; i < given->field_count && casts >= 0; i++) {
            int of_field = fits(given->fields[i].type, wanted->fields[i].type);

            casts = of_field < 0 || strcmp(given->fields[i].name, wanted->fields[i].name) != 0
                        ? -1
                        : casts + of_field;
        }
        return casts;
    }
    return -1;
}

static bool count_fits(const struct sx_signature *s, uint32_t count)
{
    uint32_t least = 0;

    while (least < s->count && !s->parameters[least].optional)
        least++;
    return count >= least && (count <= s->count || (s->count > 0 && s->parameters[s->count - 1].repeated));
}

bool sx_signature_match(const struct sx_signature *s, const struct sx_type *const *types, uint32_t count,
                        struct sx_arena *arena, const struct sx_type **result, const struct sx_type **wanted,
                        uint32_t *cost)
{
    struct sx_letters v = {.arena = arena};

    if (!count_fits(s, count))
        return false;
    for (uint32_t i = 0; i < s->count; i++)
        if (s->parameters[i].is_lambda)
            return false;
    for (uint32_t i = 0; i < count; i++)
        if (!bind(&v, s->parameters[SX_MIN(i, s->count - 1)].type, types[i]))
            return false;
    *cost = 0;
    for (uint32_t i = 0; i < count; i++) {
        const char *pattern = s->parameters[SX_MIN(i, s->count - 1)].type;
        int casts;

        wanted[i] = fill_in(&v, pattern, types[i], 0);
        casts = wanted[i] == NULL ? -1 : fits(types[i], wanted[i]);
        if (casts < 0)
            return false;
        *cost += (uint32_t)casts;
    }
    *result = fill_in(&v, s->result, &sx_type_null, 0);
    return *result != NULL;
}

/* ---- With lambdas ---------------------------------------------------------------------------- */

bool sx_letters_take(struct sx_letters *letters, const char *pattern, const struct sx_type *type)
{
    const struct sx_type *wanted = bind(letters, pattern, type) ? fill_in(letters, pattern, type, 0) : NULL;

    return wanted != NULL && fits(type, wanted) == 0;
}

const struct sx_type *sx_letters_type(struct sx_letters *letters, const char *pattern)
{
    for (const char *c = pattern; *c; c++)
        if (isupper((unsigned char)*c) && letters->of[*c - 'A'] == NULL)
            return NULL;
    return fill_in(letters, pattern, &sx_type_null, 0);
}
