/* words.c: see words.h. */
#include "tests/unit/functions/words.h"

#include "engine/data/decimal.h"

#include "engine/base/text.h"

#include <ctype.h>

#define ARGS_MAX 8

#define SX_FUNCTIONS(name) extern const struct sx_function_table sx_functions_##name;
#include "operators/functions/functions.def"
#undef SX_FUNCTIONS

const struct sx_function_table *const families[] = {
#define SX_FUNCTIONS(name) &sx_functions_##name,
#include "operators/functions/functions.def"
#undef SX_FUNCTIONS
};
const size_t family_count = SX_COUNT(families);

struct reader {
    const char *at;
    struct sx_arena *arena;
    const char *trouble;
    bool prepared;
};

struct typed {
    const struct sx_type *type;
    struct sx_value value;
};

static struct typed read_value(struct reader *r);

static struct typed trouble(struct reader *r, const char *what)
{
    if (r->trouble == NULL)
        r->trouble = what;
    return (struct typed){&sx_type_null, SX_VALUE_NULL};
}

static void skip(struct reader *r)
{
    while (*r->at == ' ')
        r->at++;
}

static bool take(struct reader *r, char c)
{
    skip(r);
    if (*r->at != c)
        return false;
    r->at++;
    return true;
}

static bool take_word(struct reader *r, const char *word)
{
    size_t size = strlen(word);

    skip(r);
    if (strncmp(r->at, word, size) != 0 || isalnum((unsigned char)r->at[size]) || r->at[size] == '_' ||
        r->at[size] == '(')
        return false;
    r->at += size;
    return true;
}

static struct typed read_text(struct reader *r, bool raw)
{
    const char quote = *r->at++;
    struct sx_buffer text = {0};
    struct sx_slice copy;

    while (*r->at && *r->at != quote) {
        if (*r->at == '\\' && !raw) {
            r->at++;
            sx_buffer_add_byte(&text, *r->at == 'n' ? '\n' : *r->at == 't' ? '\t' : *r->at);
            r->at++;
        } else {
            sx_buffer_add_byte(&text, *r->at++);
        }
    }
    r->at++;
    copy = sx_arena_copy(r->arena, sx_buffer_slice(&text));
    sx_buffer_free(&text);
    return (struct typed){&sx_type_string, sx_value_string(copy)};
}

static struct typed read_number(struct reader *r)
{
    const char *start = r->at;
    struct sx_slice text;
    int64_t i;
    double d;

    r->at += *r->at == '-';
    while (isdigit((unsigned char)*r->at) || *r->at == '.' || *r->at == 'e' ||
           (*r->at == '-' && r->at[-1] == 'e'))
        r->at++;
    text = sx_slice(start, (size_t)(r->at - start));
    if (sx_read_int(text, &i))
        return (struct typed){&sx_type_int, sx_value_int(i)};
    if (sx_read_double(text, &d))
        return (struct typed){&sx_type_double, sx_value_double(d)};
    return trouble(r, "not a number");
}

static const struct sx_type *unite(const struct sx_type *a, const struct sx_type *b)
{
    if (a->kind == SX_NULL)
        return b;
    return a->kind == SX_INT && b->kind == SX_DOUBLE ? b : a;
}

static struct typed read_array(struct reader *r)
{
    struct sx_value *items = SX_ARENA_ARRAY(r->arena, struct sx_value, 32);
    const struct sx_type *element = &sx_type_null;
    uint32_t count = 0;

    while (!take(r, ']') && r->trouble == NULL && count < 32) {
        struct typed t = read_value(r);

        element = unite(element, t.type);
        items[count++] = t.value;
        take(r, ',');
    }
    for (uint32_t i = 0; i < count; i++)
        if (element->kind == SX_DOUBLE && items[i].kind == SX_INT)
            items[i] = sx_value_double((double)items[i].i);
    return (struct typed){sx_type_array(r->arena, element),
                          {.items = items, .size = count, .kind = SX_ARRAY}};
}

static struct typed read_map(struct reader *r)
{
    struct sx_value *pairs = SX_ARENA_ARRAY(r->arena, struct sx_value, 32);
    const struct sx_type *element = &sx_type_null;
    uint32_t count = 0;

    take(r, '{');
    while (!take(r, '}') && r->trouble == NULL && count < 16) {
        pairs[2 * count] = read_value(r).value;
        take(r, ':');
        struct typed t = read_value(r);

        pairs[2 * count++ + 1] = t.value;
        element = unite(element, t.type);
        take(r, ',');
    }
    return (struct typed){sx_type_map(r->arena, element),
                          {.items = pairs, .size = sx_value_sort_map(pairs, count), .kind = SX_MAP}};
}

static const char *read_name(struct reader *r)
{
    const char *start;

    skip(r);
    start = r->at;
    while (isalnum((unsigned char)*r->at) || *r->at == '_')
        r->at++;
    return sx_arena_strndup(r->arena, start, (size_t)(r->at - start));
}

static struct typed read_struct(struct reader *r)
{
    struct sx_value *items = SX_ARENA_ARRAY(r->arena, struct sx_value, 16);
    struct sx_type_field *fields = SX_ARENA_ARRAY(r->arena, struct sx_type_field, 16);
    uint32_t count = 0;

    while (!take(r, '}') && r->trouble == NULL && count < 16) {
        fields[count].name = read_name(r);
        take(r, ':');
        struct typed t = read_value(r);

        fields[count].type = t.type;
        items[count++] = t.value;
        take(r, ',');
    }
    return (struct typed){sx_type_struct(r->arena, fields, count),
                          {.items = items, .size = count, .kind = SX_STRUCT}};
}

/* ---- Calls ----------------------------------------------------------------------------------- */

struct choice {
    const struct sx_function_def *def;
    const struct sx_type *result;
    const struct sx_type *wanted[ARGS_MAX];
};

static struct choice choose(struct reader *r, const char *name, const struct sx_type **types, uint32_t count)
{
    struct choice best = {0};
    uint32_t best_cost = UINT32_MAX;

    for (size_t f = 0; f < family_count; f++) {
        for (uint32_t i = 0; i < families[f]->count; i++) {
            const struct sx_function_def *def = &families[f]->rows[i];
            struct choice c = {.def = def};
            struct sx_signature signature;
            uint32_t cost;

            if (strncmp(def->signature, name, strlen(name)) != 0 || def->signature[strlen(name)] != '(' ||
                sx_signature_parse(def->signature, r->arena, &signature, NULL) != STREAMD_OK)
                continue;
            if (sx_signature_match(&signature, types, count, r->arena, &c.result, c.wanted, &cost) &&
                cost < best_cost) {
                best = c;
                best_cost = cost;
            }
        }
    }
    return best;
}

static struct typed call(struct reader *r, const struct choice *c, struct sx_value *args,
                         const struct sx_type *const *types, uint32_t count)
{
    const struct sx_value *constants[ARGS_MAX];
    struct sx_call context = {.arena = r->arena, .result = c->result, .types = c->wanted, .arg = c->def->arg};
    struct typed result = {c->result, SX_VALUE_NULL};
    bool any_null = false;

    for (uint32_t i = 0; i < count; i++) {
        const char *message;

        if (!sx_value_cast(args[i], types[i], c->wanted[i], r->arena, &args[i], &message))
            return trouble(r, message);
        constants[i] = &args[i];
        any_null |= args[i].kind == SX_NULL;
    }
    if (any_null && !(c->def->flags & SX_FUNCTION_NULLS))
        return result;
    if (r->prepared && c->def->prepare != NULL)
        context.site = c->def->prepare(&context, constants, count);
    if (!context.failed)
        result.value = c->def->fn(&context, args, count);
    if (context.site != NULL && c->def->release != NULL)
        c->def->release(context.site);
    if (context.failed)
        return trouble(r, sx_arena_format(r->arena, "!%s", context.message));
    return result;
}

static struct typed read_call(struct reader *r)
{
    const char *name = read_name(r);
    const struct sx_type *types[ARGS_MAX];
    struct sx_value args[ARGS_MAX];
    uint32_t count = 0;
    struct choice choice;

    if (!take(r, '('))
        return trouble(r, "?not a call");
    while (!take(r, ')') && r->trouble == NULL && count < ARGS_MAX) {
        struct typed t = read_value(r);

        types[count] = t.type;
        args[count++] = t.value;
        take(r, ',');
    }
    if (r->trouble != NULL)
        return trouble(r, NULL);
    choice = choose(r, name, types, count);
    return choice.def ? call(r, &choice, args, types, count) : trouble(r, "?no such function");
}

static struct typed read_value(struct reader *r)
{
    struct typed t;

    skip(r);
    if (r->trouble != NULL || *r->at == '\0')
        return trouble(r, "?the text ends");
    if (*r->at == '"' || *r->at == '\'')
        return read_text(r, false);
    if (*r->at == 'r' && r->at[1] == '"') {
        r->at++;
        return read_text(r, true);
    }
    if (*r->at == '-' || isdigit((unsigned char)*r->at))
        return read_number(r);
    if (take(r, '['))
        return read_array(r);
    if (take(r, '{'))
        return read_struct(r);
    if (take_word(r, "null"))
        return (struct typed){&sx_type_null, SX_VALUE_NULL};
    if (take_word(r, "true"))
        return (struct typed){&sx_type_bool, sx_value_bool(true)};
    if (take_word(r, "false"))
        return (struct typed){&sx_type_bool, sx_value_bool(false)};
    if (take_word(r, "map"))
        return read_map(r);
    if (take_word(r, "decimal")) {
        uint32_t precision, scale;
        __int128 digits;

        skip(r);
        t = read_text(r, false);
        if (sx_decimal_read_exact(sx_value_slice(t.value), &precision, &scale, &digits) != SX_DECIMAL_OK)
            return trouble(r, "?decimal");
        return (struct typed){sx_type_decimal(r->arena, precision, scale),
                              sx_value_decimal(r->arena, digits)};
    }
    if (take_word(r, "timestamp")) {
        skip(r);
        t = read_text(r, false);
        t.type = &sx_type_timestamp;
        t.value.kind = SX_TIMESTAMP;
        return sx_read_timestamp(sx_slice(t.value.s, t.value.size), &t.value.i) ? t
                                                                                : trouble(r, "?timestamp");
    }
    return read_call(r);
}

const char *evaluate(const char *text, struct sx_arena *arena, bool prepared)
{
    struct reader r = {.at = text, .arena = arena, .prepared = prepared};
    struct typed t = read_value(&r);
    struct sx_buffer json = {0};
    const char *result;

    skip(&r);
    if (r.trouble != NULL)
        return r.trouble;
    if (*r.at != '\0')
        return "?more text";
    sx_json_write_value(&json, t.value, t.type);
    result = sx_arena_strndup(arena, json.data, json.size);
    sx_buffer_free(&json);
    return result;
}

static bool is_as_expected(const char *got, const char *expected)
{
    if (*expected == '!')
        return *got == '!' && strstr(got, expected + 1) != NULL;
    return strcmp(got, expected) == 0;
}

void expect_all(const struct expectation *expectations, size_t count)
{
    struct sx_arena arena;

    sx_arena_init(&arena, 0);
    for (size_t i = 0; i < count; i++) {
        for (int prepared = 0; prepared < 2; prepared++) {
            const struct expectation *e = &expectations[i];
            const char *got = evaluate(e->call, &arena, prepared);

            CU_ASSERT(is_as_expected(got, e->result));
            if (!is_as_expected(got, e->result))
                fprintf(stderr, "%s\n    gave     %s\n    expected %s\n", e->call, got, e->result);
            sx_arena_reset(&arena);
        }
    }
    sx_arena_free(&arena);
}
