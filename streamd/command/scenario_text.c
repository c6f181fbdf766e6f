/* scenario_text.c: rows as the language writes them, and how two differ; see scenario.h. */
#include "streamd/command/scenario.h"

#include "engine/base/text.h"

#include <jansson.h>

#define YEAR_MS (365 * 86400000LL)

/* ---- JSON to literals -------------------------------------------------------------------------- */

/* The JSON read here is what the engine wrote: valid, and without white space. */

static char unit_digit(char c) { return (char)(c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10); }

/* Behind a string's last quote. */
static const char *skip_string(const char *at)
{
    for (at++; *at != '"'; at++)
        if (*at == '\\')
            at++;
    return at + 1;
}

static const char *skip_value(const char *at)
{
    uint32_t depth = 0;

    do {
        if (*at == '"') {
            at = skip_string(at);
            continue;
        }
        depth += *at == '{' || *at == '[';
        depth -= (*at == '}' || *at == ']') && depth > 0;
        at++;
    } while (depth > 0 || (*at != '\0' && *at != ',' && *at != '}' && *at != ']'));
    return at;
}

/* The text of a string, without its quotes and escapes. */
static void add_unescaped(struct sx_buffer *to, const char *at)
{
    static const char letters[] = "bfnrt", meanings[] = "\b\f\n\r\t";

    for (at++; *at != '"'; at++) {
        const char *letter;
        uint32_t code = 0;
        char utf8[4];

        if (*at != '\\') {
            sx_buffer_add_byte(to, *at);
            continue;
        }
        at++;
        if (*at == 'u') {
            for (int i = 0; i < 4; i++)
                code = code * 16 + (uint32_t)unit_digit(*++at);
            sx_buffer_add(to, utf8, sx_utf8_write(utf8, code));
        } else {
            letter = strchr(letters, *at);
            sx_buffer_add_byte(to, letter ? meanings[letter - letters] : *at);
        }
    }
}

static void add_string(struct sx_buffer *to, struct sx_slice text)
{
    static const char plain[] = "\n\t\r\\\"", letters[] = "ntr\\\"";

    sx_buffer_add_byte(to, '"');
    for (size_t i = 0; i < text.size; i++) {
        const char *found = text.data[i] ? strchr(plain, text.data[i]) : NULL;

        if (found != NULL) {
            sx_buffer_add_byte(to, '\\');
            sx_buffer_add_byte(to, letters[found - plain]);
        } else if ((unsigned char)text.data[i] < ' ') {
            sx_buffer_printf(to, "\\u{%x}", (unsigned char)text.data[i]);
        } else {
            sx_buffer_add_byte(to, text.data[i]);
        }
    }
    sx_buffer_add_byte(to, '"');
}

static bool is_word(struct sx_slice text)
{
    bool word = text.size > 0 && !(text.data[0] >= '0' && text.data[0] <= '9');

    for (size_t i = 0; i < text.size; i++)
        word &= (text.data[i] >= 'a' && text.data[i] <= 'z') ||
                (text.data[i] >= 'A' && text.data[i] <= 'Z') ||
                (text.data[i] >= '0' && text.data[i] <= '9') || text.data[i] == '_';
    return word;
}

/* A sink adds them to a windowed row's value; what stands behind `window` says it. */
static bool is_window_end(struct sx_slice name)
{
    return sx_slice_equal(name, SX_SLICE("window_start")) || sx_slice_equal(name, SX_SLICE("window_end"));
}

static const char *add_literal(struct sx_buffer *to, const char *at, const json_t *like, bool exact);

static const char *add_object(struct sx_buffer *to, const char *at, const json_t *like, bool exact,
                              bool without_window)
{
    struct sx_buffer name = {0};
    bool first = true;

    sx_buffer_add_text(to, exact ? "{=" : "{");
    for (at++; *at != '}'; at += *at == ',') {
        const json_t *other;

        name.size = 0;
        add_unescaped(&name, at);
        at = skip_string(at) + 1;
        other = json_object_getn(like, name.data ? name.data : "", name.size);
        if ((like != NULL && other == NULL) ||
            (without_window && is_window_end(sx_slice(name.data, name.size)))) {
            at = skip_value(at);
            continue;
        }
        sx_buffer_add_text(to, first ? " " : ", ");
        first = false;
        if (is_word(sx_slice(name.data, name.size)))
            sx_buffer_add(to, name.data, name.size);
        else
            sx_buffer_printf(to, "`%.*s`", (int)name.size, name.data ? name.data : "");
        sx_buffer_add_text(to, ": ");
        at = add_literal(to, at, other, false);
    }
    sx_buffer_add_text(to, first ? "}" : " }");
    sx_buffer_free(&name);
    return at + 1;
}

static const char *add_literal(struct sx_buffer *to, const char *at, const json_t *like, bool exact)
{
    struct sx_buffer text = {0};
    const char *end;
    bool first = true;

    switch (*at) {
    case '{':
        return add_object(to, at, json_is_object(like) ? like : NULL, exact, false);
    case '[':
        sx_buffer_add_byte(to, '[');
        for (at++; *at != ']'; at += *at == ',') {
            sx_buffer_add_text(to, first ? "" : ", ");
            first = false;
            at = add_literal(to, at, NULL, false);
        }
        sx_buffer_add_byte(to, ']');
        return at + 1;
    case '"':
        add_unescaped(&text, at);
        add_string(to, sx_slice(text.data, text.size));
        sx_buffer_free(&text);
        return skip_string(at);
    default:
        end = skip_value(at);
        sx_buffer_add(to, at, (size_t)(end - at));
        return end;
    }
}

static json_t *read_json(const char *text)
{
    return text ? json_loads(text, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL) : NULL;
}

static void add_time(struct sx_buffer *to, int64_t ms)
{
    if (ms > -YEAR_MS && ms < YEAR_MS) {
        sx_add_duration(to, ms);
    } else {
        sx_buffer_add_text(to, "timestamp \"");
        sx_add_timestamp(to, ms);
        sx_buffer_add_byte(to, '"');
    }
}

void sx_row_text_add(struct sx_buffer *to, const struct sx_row_text *row, const char *like)
{
    json_t *fields = row->exact ? NULL : read_json(like);

    add_literal(to, row->key, NULL, false);
    sx_buffer_add_byte(to, ' ');
    if (row->value[0] == '{' && row->has_window && fields == NULL && !row->exact)
        add_object(to, row->value, NULL, false, true);
    else
        add_literal(to, row->value, fields, row->exact);
    json_decref(fields);
    if (row->has_time) {
        sx_buffer_add_text(to, " @ ");
        add_time(to, row->ts);
    }
    if (row->has_window) {
        sx_buffer_add_text(to, " window ");
        add_time(to, row->window.start);
        sx_buffer_add_text(to, "..");
        add_time(to, row->window.end);
    }
}

/* ---- Comparing --------------------------------------------------------------------------------- */

static bool matches(const json_t *want, const json_t *got, bool exact)
{
    const char *name;
    json_t *value;
    size_t i;

    if (json_is_number(want) && json_is_number(got))
        return json_is_integer(want) && json_is_integer(got)
                   ? json_integer_value(want) == json_integer_value(got)
                   : json_number_value(want) == json_number_value(got);
    if (json_typeof(want) != json_typeof(got))
        return false;
    if (json_is_object(want)) {
        if (exact && json_object_size(want) != json_object_size(got))
            return false;
        json_object_foreach((json_t *)want, name, value)
        {
            const json_t *other = json_object_get(got, name);
            if (other == NULL || !matches(value, other, exact))
                return false;
        }
        return true;
    }
    if (json_is_array(want)) {
        if (json_array_size(want) != json_array_size(got))
            return false;
        json_array_foreach((json_t *)want, i, value)
        {
            if (!matches(value, json_array_get(got, i), exact))
                return false;
        }
        return true;
    }
    return json_equal((json_t *)want, (json_t *)got);
}

bool sx_json_matches(const char *want, const char *got, bool exact)
{
    json_t *a = read_json(want), *b = read_json(got);
    bool same = a != NULL && b != NULL ? matches(a, b, exact) : strcmp(want, got) == 0;

    json_decref(a);
    json_decref(b);
    return same;
}

static void add_value(struct sx_buffer *to, const json_t *value)
{
    char *text = json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT);

    sx_buffer_add_text(to, text);
    free(text);
}

/* `want` NULL: the field is too many; `got` NULL: it is missing. */
static void add_difference(struct sx_buffer *to, bool *first, const char *name, const json_t *want,
                           const json_t *got)
{
    sx_buffer_printf(to, "%s%s: ", *first ? "" : "; ", name);
    *first = false;
    if (got == NULL)
        sx_buffer_add_text(to, "missing");
    else
        add_value(to, got);
    sx_buffer_add_text(to, want ? ", not " : ", and should not be there");
    if (want != NULL)
        add_value(to, want);
}

void sx_json_differences(struct sx_buffer *to, const char *want, const char *got, bool exact)
{
    json_t *a = read_json(want), *b = read_json(got), *value;
    bool first = true;
    const char *name;

    if (json_is_object(a) && json_is_object(b)) {
        json_object_foreach(a, name, value)
        {
            const json_t *other = json_object_get(b, name);
            if (other == NULL || !matches(value, other, exact))
                add_difference(to, &first, name, value, other);
        }
        json_object_foreach(b, name, value)
        {
            if (exact && json_object_get(a, name) == NULL)
                add_difference(to, &first, name, NULL, value);
        }
    }
    json_decref(a);
    json_decref(b);
}
