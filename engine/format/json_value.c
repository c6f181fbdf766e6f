/* json_value.c: typed values from an indexed document. */
#include "engine/format/json_value.h"

#include "engine/base/text.h"
#include "engine/data/decimal.h"
#include "engine/format/common.h"
#include "engine/format/json_number.h"
#include "engine/format/json_text.h"

#include <stdlib.h>

const uint8_t sx_json_begins[256] = {
    ['"'] = 1, ['-'] = 1, ['t'] = 1, ['f'] = 1, ['n'] = 1, ['0'] = 1, ['1'] = 1, ['2'] = 1, ['3'] = 1,
    ['4'] = 1, ['5'] = 1, ['6'] = 1, ['7'] = 1, ['8'] = 1, ['9'] = 1, ['{'] = 2, ['['] = 2};

uint32_t sx_json_skip_container(const struct sx_json_doc *doc, uint32_t v, uint32_t depth)
{
    uint64_t objects[SX_JSON_DEPTH / 64];
    uint32_t d = depth;

    for (uint32_t i = v; i < doc->count; i++) {
        char c = sx_json_at(doc, i);

        if (c == '{' || c == '[') {
            if (d == SX_JSON_DEPTH)
                return 0;
            if (c == '{')
                objects[d / 64] |= 1ull << d % 64;
            else
                objects[d / 64] &= ~(1ull << d % 64);
            d++;
        } else if (c == '}' || c == ']') {
            d--;
            if ((c == '}') != (objects[d / 64] >> d % 64 & 1))
                return 0;
            /* A container that something is around does not end the document. */
            if (d == depth)
                return depth > 0 && i + 1 == doc->count ? 0 : i + 1;
        }
    }
    return 0;
}

/* ---- Failures -------------------------------------------------------------------------------- */

static void add_path(const struct sx_json_path *path, struct sx_buffer *to)
{
    if (path == NULL)
        return;
    add_path(path->above, to);
    if (path->name != NULL)
        sx_buffer_printf(to, "%s%s", path->above ? "." : "", path->name);
    else if (path->key.data != NULL)
        sx_buffer_printf(to, "[\"%.*s\"]", (int)sx_format_cut(path->key, SX_QUOTED_BYTES).size,
                         path->key.data);
    else
        sx_buffer_printf(to, "[%u]", path->element);
}

/* The path's text, short enough to leave room for what is wrong. */
static const char *path_text(struct sx_json_reader *r, const struct sx_json_path *path)
{
    struct sx_buffer text = {0};
    struct sx_slice cut;
    const char *result;

    add_path(path, &text);
    cut = sx_format_cut(sx_buffer_slice(&text), 80);
    result = sx_arena_format(r->arena, "%.*s%s", (int)cut.size, cut.data, cut.size < text.size ? "..." : "");
    sx_buffer_free(&text);
    return result;
}

bool sx_json_broken(struct sx_json_reader *r)
{
    struct sx_json_error error = {0, "its brackets do not fit"};

    if (sx_json_check(sx_slice(r->doc.text, r->doc.size), &error))
        error.what = "its brackets do not fit";
    sx_format_failed(r->failures, r->row, "decode", "not valid JSON: %s (byte %zu)", error.what, error.at);
    return false;
}

static const char *describe(struct sx_json_reader *r, struct sx_slice token)
{
    struct sx_slice cut = sx_format_cut(token, SX_QUOTED_BYTES);
    const char *what = token.data[0] == '"' ? "a string " : "";

    return sx_arena_format(r->arena, "%s%.*s%s", what, (int)cut.size, cut.data,
                           cut.size < token.size ? "..." : "");
}

static struct sx_slice token_of(const struct sx_json_doc *doc, uint32_t v)
{
    return sx_slice(doc->text + doc->at[v], sx_json_token_end(doc, v) - doc->at[v]);
}

/* The scalar is no JSON at all: say so with its place in the document. */
static bool wrong_token(struct sx_json_reader *r, uint32_t v, const struct sx_json_path *path,
                        const struct sx_json_error *error)
{
    sx_format_failed(r->failures, r->row, "decode", "%s: not valid JSON: %s (byte %zu)", path_text(r, path),
                     error->what, r->doc.at[v] + error->at);
    return false;
}

bool sx_json_wrong_type(struct sx_json_reader *r, uint32_t v, const struct sx_json_path *path,
                        const char *expected)
{
    char c = sx_json_at(&r->doc, v);
    struct sx_json_error error;
    const char *got;

    if (sx_json_begins[(unsigned char)c] == 0)
        return sx_json_broken(r);
    if (c != '{' && c != '[' && !sx_json_check(token_of(&r->doc, v), &error))
        return wrong_token(r, v, path, &error);
    got = c == '{' ? "an object" : c == '[' ? "an array" : describe(r, token_of(&r->doc, v));
    sx_format_failed(r->failures, r->row, "type", "%s: expected %s, got %s (byte %u)", path_text(r, path),
                     expected, got, r->doc.at[v]);
    return false;
}

static bool out_of_range(struct sx_json_reader *r, uint32_t v, const struct sx_json_path *path,
                         const char *type)
{
    sx_format_failed(r->failures, r->row, "type", "%s: %s does not fit in %s (byte %u)", path_text(r, path),
                     describe(r, token_of(&r->doc, v)), type, r->doc.at[v]);
    return false;
}

bool sx_json_null_refused(struct sx_json_reader *r, const struct sx_json_path *path, bool missing)
{
    sx_format_failed(r->failures, r->row, "not_null", "%s: it is %s, but the field says `not null`",
                     path_text(r, path), missing ? "missing" : "null");
    return false;
}

/* ---- Scalars --------------------------------------------------------------------------------- */

static inline bool is_word(const struct sx_json_doc *doc, uint32_t v, struct sx_slice word)
{
    uint32_t from = doc->at[v];

    return doc->at[v + 1] - from >= word.size && memcmp(doc->text + from, word.data, word.size) == 0 &&
           sx_json_token_end(doc, v) - from == word.size;
}

static bool read_int(struct sx_json_reader *r, uint32_t v, const struct sx_json_path *path,
                     const char *expected, int64_t *value)
{
    const char *text = r->doc.text;

    switch (sx_json_number_int(text + r->doc.at[v], text + r->doc.at[v + 1], value)) {
    case SX_JSON_NUMBER:
        return true;
    case SX_JSON_NUMBER_RANGE:
        return out_of_range(r, v, path, expected);
    default:
        return sx_json_wrong_type(r, v, path, expected);
    }
}

static bool read_double(struct sx_json_reader *r, uint32_t v, const struct sx_json_path *path, double *value)
{
    const char *text = r->doc.text;

    switch (sx_json_number_double(text + r->doc.at[v], text + r->doc.at[v + 1], value)) {
    case SX_JSON_NUMBER:
        return true;
    case SX_JSON_NUMBER_RANGE:
        return out_of_range(r, v, path, "a double");
    default:
        return sx_json_wrong_type(r, v, path, "a double");
    }
}

static bool read_bool(struct sx_json_reader *r, uint32_t v, const struct sx_json_path *path, bool *value)
{
    *value = is_word(&r->doc, v, SX_SLICE("true"));
    return *value || is_word(&r->doc, v, SX_SLICE("false")) || sx_json_wrong_type(r, v, path, "a bool");
}

/* Unescaped text points into the document; text with escapes is written into the arena. */
static bool read_string(struct sx_json_reader *r, uint32_t v, const struct sx_json_path *path,
                        const char *expected, struct sx_slice *text)
{
    struct sx_json_error error;
    char *to;

    if (SX_UNLIKELY(sx_json_at(&r->doc, v) != '"'))
        return sx_json_wrong_type(r, v, path, expected);
    *text = sx_json_inside(&r->doc, v);
    if (SX_LIKELY(!r->escapes) || memchr(text->data, '\\', text->size) == NULL)
        return true;
    to = sx_arena_alloc(r->arena, text->size);
    if (!sx_json_unescape_inside(*text, to, &text->size, &error)) {
        error.at++; /* the quote */
        return wrong_token(r, v, path, &error);
    }
    text->data = to;
    return true;
}

/* A number of JSON has no plus and no zeros before its digits. */
static bool is_json_number(struct sx_slice token)
{
    const char *first = token.data, *end = token.data + token.size;

    if (first < end && *first == '-')
        first++;
    return first < end && *first != '+' && (*first != '0' || first + 1 == end || !sx_json_is_digit(first[1]));
}

/* From the digits as they stand, in a number or in a string. */
static bool read_decimal(struct sx_json_reader *r, uint32_t v, const struct sx_type *type,
                         const struct sx_json_path *path, struct sx_value *value)
{
    struct sx_slice text;
    __int128 digits;

    if (sx_json_at(&r->doc, v) == '"') {
        if (!read_string(r, v, path, "a decimal", &text))
            return false;
    } else {
        text = token_of(&r->doc, v);
        if (!is_json_number(text))
            return sx_json_wrong_type(r, v, path, "a decimal");
    }
    switch (sx_decimal_read(text, type->precision, type->scale, &digits)) {
    case SX_DECIMAL_OK:
        *value = r->keep ? sx_value_decimal(r->arena, digits) : (struct sx_value){.kind = SX_DECIMAL};
        return true;
    case SX_DECIMAL_RANGE:
        return out_of_range(r, v, path, sx_type_text(type, r->arena));
    default:
        return sx_json_wrong_type(r, v, path, "a decimal");
    }
}

/* Types whose JSON form is a string with a form of its own. */
static bool read_formed(struct sx_json_reader *r, uint32_t v, const struct sx_json_path *path,
                        bool (*read)(struct sx_slice, int64_t *), const char *expected, int64_t *value)
{
    struct sx_slice text;

    if (!read_string(r, v, path, expected, &text))
        return false;
    return read(text, value) || sx_json_wrong_type(r, v, path, expected);
}

static bool read_int64(struct sx_json_reader *r, uint32_t v, enum sx_kind kind,
                       const struct sx_json_path *path, int64_t *value)
{
    switch (kind) {
    case SX_TIMESTAMP:
        if (sx_json_at(&r->doc, v) == '"')
            return read_formed(r, v, path, sx_read_timestamp, "a timestamp", value);
        return read_int(r, v, path, "a timestamp", value);
    case SX_DATE:
        return read_formed(r, v, path, sx_read_date, "a date", value);
    case SX_TIME:
        return read_formed(r, v, path, sx_read_time, "a time", value);
    case SX_DURATION:
        return read_int(r, v, path, "a duration in milliseconds", value);
    default:
        return read_int(r, v, path, "an int", value);
    }
}

static bool read_bytes(struct sx_json_reader *r, uint32_t v, const struct sx_json_path *path,
                       struct sx_slice *bytes)
{
    struct sx_buffer decoded = {0};
    struct sx_slice text;
    bool ok;

    if (!read_string(r, v, path, "a string of base64", &text))
        return false;
    ok = sx_read_base64(&decoded, text);
    if (ok)
        *bytes = sx_arena_copy(r->arena, sx_buffer_slice(&decoded));
    sx_buffer_free(&decoded);
    return ok || sx_json_wrong_type(r, v, path, "a string of base64");
}

/* ---- What is nested -------------------------------------------------------------------------- */

/* How many elements or members the container at `v` has; also checks the commas. False: broken. */
static bool count_items(struct sx_json_reader *r, uint32_t v, uint32_t depth, uint32_t *count)
{
    const struct sx_json_doc *doc = &r->doc;
    bool object = sx_json_at(doc, v) == '{';
    char close = object ? '}' : ']';
    uint32_t i = v + 1;

    *count = 0;
    if (sx_json_at(doc, i) == close)
        return true;
    for (;;) {
        if (object) {
            if (sx_json_at(doc, i) != '"' || sx_json_at(doc, i + 1) != ':')
                return sx_json_broken(r);
            i += 2;
        }
        i = sx_json_skip(doc, i, depth + 1);
        if (i == 0)
            return sx_json_broken(r);
        ++*count;
        if (sx_json_at(doc, i) == close)
            return true;
        if (sx_json_at(doc, i++) != ',')
            return sx_json_broken(r);
    }
}

/* An array's elements, or a map's pairs: `count` of them, that count_items() has been over. */
static bool read_items(struct sx_json_reader *r, uint32_t v, const struct sx_type *element, uint32_t depth,
                       const struct sx_json_path *path, uint32_t count, bool pairs, struct sx_value *items)
{
    struct sx_json_path at = {.above = path};
    uint32_t i = v + 1;

    for (uint32_t n = 0; n < count; n++) {
        struct sx_value ignored, *item = r->keep ? &items[pairs ? n * 2 + 1 : n] : &ignored;

        at.element = n;
        if (pairs) {
            if (!read_string(r, i, path, "a name", &at.key))
                return false;
            if (r->keep)
                items[n * 2] = sx_value_string(at.key);
            i += 2;
        }
        if (!sx_json_read_value(r, i, element, depth + 1, &at, item))
            return false;
        i = sx_json_skip(&r->doc, i, depth + 1) + 1;
    }
    return true;
}

static bool read_array(struct sx_json_reader *r, uint32_t v, const struct sx_type *type, uint32_t depth,
                       const struct sx_json_path *path, struct sx_value *value)
{
    bool map = type->kind == SX_MAP;
    struct sx_value *items = NULL;
    uint32_t count;

    if (sx_json_at(&r->doc, v) != (map ? '{' : '['))
        return sx_json_wrong_type(r, v, path, map ? "an object" : "an array");
    if (!count_items(r, v, depth, &count))
        return false;
    if (r->keep)
        items = sx_arena_alloc(r->arena, sizeof(*items) * count * (map ? 2 : 1));
    if (!read_items(r, v, type->element, depth, path, count, map, items))
        return false;
    if (map && r->keep)
        count = sx_value_sort_map(items, count);
    *value = (struct sx_value){.items = items, .size = count, .kind = type->kind};
    return true;
}

/* Which field of the struct the name at `v` is; -1: none. Fields mostly come in order. */
static bool find_field(struct sx_json_reader *r, uint32_t v, const struct sx_type *type, uint32_t guess,
                       int *field)
{
    struct sx_slice name;

    if (!read_string(r, v, NULL, "a name", &name))
        return false;
    if (guess < type->field_count && strlen(type->fields[guess].name) == name.size &&
        memcmp(type->fields[guess].name, name.data, name.size) == 0)
        *field = (int)guess;
    else
        *field = sx_type_field(type, name);
    return true;
}

static bool read_struct(struct sx_json_reader *r, uint32_t v, const struct sx_type *type, uint32_t depth,
                        const struct sx_json_path *path, struct sx_value *value)
{
    struct sx_value *items = sx_arena_alloc(r->arena, sizeof(*items) * type->field_count);
    uint32_t *where = SX_ARENA_ARRAY(r->arena, uint32_t, type->field_count + 1);
    struct sx_json_path at = {.above = path};
    uint32_t count, i = v + 1, guess = 0;

    if (sx_json_at(&r->doc, v) != '{')
        return sx_json_wrong_type(r, v, path, "an object");
    if (!count_items(r, v, depth, &count))
        return false;
    /* First where each field's last value stands, then the values: an earlier one does not count. */
    for (uint32_t n = 0; n < count; n++) {
        int field;

        if (!find_field(r, i, type, guess, &field))
            return false;
        if (field >= 0) {
            where[field] = i + 2;
            guess = (uint32_t)field + 1;
        }
        i = sx_json_skip(&r->doc, i + 2, depth + 1) + 1;
    }
    for (uint32_t f = 0; f < type->field_count; f++) {
        at.name = type->fields[f].name;
        items[f] = SX_VALUE_NULL;
        if (where[f] && !sx_json_read_value(r, where[f], type->fields[f].type, depth + 1, &at, &items[f]))
            return false;
        if (type->fields[f].not_null && items[f].kind == SX_NULL)
            return sx_json_null_refused(r, &at, where[f] == 0);
    }
    *value = (struct sx_value){.items = items, .size = type->field_count, .kind = SX_STRUCT};
    return true;
}

/* Type json: the text, checked in full, without white space between tokens. Text that has none is not
 * copied: it stays where the document is, as strings do. */
static bool read_text(struct sx_json_reader *r, uint32_t v, uint32_t depth, const struct sx_json_path *path,
                      struct sx_value *value)
{
    const struct sx_json_doc *doc = &r->doc;
    uint32_t next = sx_json_skip(doc, v, depth), from = doc->at[v], end, size = 0;
    struct sx_json_error error;
    char *to;

    if (next == 0)
        return sx_json_broken(r);
    end = next == v + 1 ? sx_json_token_end(doc, v) : doc->at[next - 1] + 1;
    if (!sx_json_check(sx_slice(doc->text + from, end - from), &error))
        return wrong_token(r, v, path, &error);
    *value = (struct sx_value){.s = doc->text + from, .size = end - from, .kind = SX_JSON};
    if (!r->keep)
        return true;
    for (uint32_t i = v; i < next; i++)
        size += token_of(doc, i).size;
    if (size == value->size)
        return true;
    value->s = to = sx_arena_alloc(r->arena, size);
    value->size = size;
    for (uint32_t i = v; i < next; i++) {
        struct sx_slice token = token_of(doc, i);

        memcpy(to, token.data, token.size);
        to += token.size;
    }
    return true;
}

bool sx_json_read_value(struct sx_json_reader *r, uint32_t v, const struct sx_type *type, uint32_t depth,
                        const struct sx_json_path *path, struct sx_value *value)
{
    struct sx_slice text;
    bool b;

    *value = (struct sx_value){.kind = type->kind};
    if (sx_json_at(&r->doc, v) == 'n' && is_word(&r->doc, v, SX_SLICE("null"))) {
        *value = SX_VALUE_NULL;
        return true;
    }
    switch (type->kind) {
    case SX_BOOL:
        if (!read_bool(r, v, path, &b))
            return false;
        value->b = b;
        return true;
    case SX_DOUBLE:
        return read_double(r, v, path, &value->d);
    case SX_STRING:
        if (!read_string(r, v, path, "a string", &text))
            return false;
        *value = sx_value_string(text);
        return true;
    case SX_BYTES:
        if (!read_bytes(r, v, path, &text))
            return false;
        *value = sx_value_bytes(text);
        return true;
    case SX_ARRAY:
    case SX_MAP:
        return read_array(r, v, type, depth, path, value);
    case SX_STRUCT:
        return read_struct(r, v, type, depth, path, value);
    case SX_JSON:
        return read_text(r, v, depth, path, value);
    case SX_DECIMAL:
        return read_decimal(r, v, type, path, value);
    case SX_NULL:
        return sx_json_wrong_type(r, v, path, "null");
    default:
        return read_int64(r, v, type->kind, path, &value->i);
    }
}

bool sx_json_read_cell(struct sx_json_reader *r, uint32_t v, const struct sx_type *type, uint32_t depth,
                       const struct sx_json_path *path, struct sx_column *column, uint32_t rows)
{
    bool keep = column->data != NULL;
    struct sx_value value;
    struct sx_slice text;

    /* The frequent types go straight into their column. */
    if (sx_json_at(&r->doc, v) != 'n') {
        if (type->kind == SX_STRING)
            return read_string(r, v, path, "a string", keep ? &column->s[r->row] : &text);
        if (sx_kind_is_int64(type->kind))
            return read_int64(r, v, type->kind, path, keep ? &column->i[r->row] : &value.i);
        if (type->kind == SX_DOUBLE)
            return read_double(r, v, path, keep ? &column->d[r->row] : &value.d);
    }
    r->keep = keep;
    if (!sx_json_read_value(r, v, type, depth, path, &value))
        return false;
    if (!keep)
        return true;
    if (value.kind == SX_NULL)
        sx_format_set_null(column, r->row, rows, r->arena);
    else
        sx_column_set(column, r->row, value);
    return true;
}
