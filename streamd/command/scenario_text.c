/* scenario_text.c: rows as the language writes them, and how two differ; see scenario.h. */
#include "streamd/command/scenario.h"

#include "engine/base/text.h"
#include "engine/data/json.h"

#define YEAR_MS (365 * 86400000LL)

/* ---- JSON to literals -------------------------------------------------------------------------- */

/* The JSON read here is what the engine wrote: valid, and without white space. */

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

static struct sx_slice unescaped(struct sx_slice name, struct sx_arena *arena)
{
    return sx_json_string(sx_slice(name.data - 1, name.size + 2), arena);
}

/* A sink adds them to a windowed row's value; what stands behind `window` says it. */
static bool is_window_end(struct sx_slice name)
{
    return sx_slice_equal(name, SX_SLICE("window_start")) || sx_slice_equal(name, SX_SLICE("window_end"));
}

/* How a literal is written. */
struct shape {
    bool exact, without_window;
    struct sx_arena *arena;
};

/* Of an object only the fields that `like` has too, if that is an object. */
static void add_literal(struct sx_buffer *to, struct sx_slice json, struct sx_slice like, struct shape shape)
{
    struct sx_json_parts parts = sx_json_parts(json);
    struct sx_slice name, value, other;
    bool first = true;

    if (sx_json_kind(json) == SX_JSON_IS_STRING) {
        add_string(to, sx_json_string(json, shape.arena));
        return;
    }
    if (sx_json_kind(json) < SX_JSON_IS_ARRAY) {
        sx_buffer_add_slice(to, json);
        return;
    }
    sx_buffer_add_text(to, !parts.object ? "[" : shape.exact ? "{=" : "{");
    while (sx_json_next(&parts, &name, &value)) {
        name = parts.object ? unescaped(name, shape.arena) : name;
        other = parts.object ? sx_json_field(like, name) : SX_SLICE_NONE;
        if (parts.object && sx_json_kind(like) == SX_JSON_IS_OBJECT && other.data == NULL)
            continue;
        if (parts.object && shape.without_window && is_window_end(name))
            continue;
        sx_buffer_add_text(to, !first ? ", " : parts.object ? " " : "");
        first = false;
        if (parts.object)
            sx_buffer_printf(to, is_word(name) ? "%.*s: " : "`%.*s`: ", (int)name.size, name.data);
        add_literal(to, value, other, (struct shape){.arena = shape.arena});
    }
    sx_buffer_add_text(to, !parts.object ? "]" : first ? "}" : " }");
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
    struct sx_slice fields = row->exact || like == NULL ? SX_SLICE_NONE : sx_slice_of(like);
    struct sx_arena texts;

    sx_arena_init(&texts, 0);
    add_literal(to, sx_slice_of(row->key), SX_SLICE_NONE, (struct shape){.arena = &texts});
    sx_buffer_add_byte(to, ' ');
    add_literal(to, sx_slice_of(row->value), fields,
                (struct shape){row->exact, row->has_window && fields.data == NULL && !row->exact, &texts});
    sx_arena_free(&texts);
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
    if (row->has_headers) {
        sx_buffer_add_text(to, " headers {");
        for (uint32_t h = 0; h < row->header_count; h++) {
            sx_buffer_add_text(to, h ? ", " : " ");
            if (is_word(row->headers[h].name))
                sx_buffer_add(to, row->headers[h].name.data, row->headers[h].name.size);
            else
                add_string(to, row->headers[h].name);
            sx_buffer_add_text(to, ": ");
            add_string(to, row->headers[h].value);
        }
        sx_buffer_add_text(to, row->header_count ? " }" : "}");
    }
}

/* ---- Comparing --------------------------------------------------------------------------------- */

static uint32_t count_parts(struct sx_slice json)
{
    struct sx_json_parts parts = sx_json_parts(json);
    struct sx_slice name, value;
    uint32_t count = 0;

    while (sx_json_next(&parts, &name, &value))
        count++;
    return count;
}

static uint32_t count_digits(struct sx_slice number)
{
    uint32_t count = 0;

    for (uint32_t i = 0; i < number.size && (number.data[i] | 0x20) != 'e'; i++)
        count += number.data[i] >= '0' && number.data[i] <= '9';
    return count;
}

/* A double is printed with the fewest digits; more of them are wanted, which make the same double. */
static bool is_that_double(struct sx_slice want, struct sx_slice got)
{
    double a, b;

    return count_digits(want) > 15 && count_digits(got) <= 17 && sx_read_double(want, &a) &&
           sx_read_double(got, &b) && a == b;
}

/* Numbers by value, with all their digits; objects by the fields that are wanted. */
static bool matches(struct sx_slice want, struct sx_slice got, bool exact, struct sx_arena *arena)
{
    struct sx_json_parts wanted = sx_json_parts(want), came = sx_json_parts(got);
    const enum sx_json_kind kind = sx_json_kind(want);
    struct sx_slice name, value, other = SX_SLICE_NONE;

    if (kind != sx_json_kind(got))
        return false;
    if (kind < SX_JSON_IS_ARRAY)
        return sx_json_compare(want, got) == 0 || (kind == SX_JSON_IS_NUMBER && is_that_double(want, got));
    if ((exact || kind == SX_JSON_IS_ARRAY) && count_parts(want) != count_parts(got))
        return false;
    while (sx_json_next(&wanted, &name, &value)) {
        if (kind == SX_JSON_IS_OBJECT)
            other = sx_json_field(got, unescaped(name, arena));
        else
            sx_json_next(&came, &name, &other);
        if (other.data == NULL || !matches(value, other, exact, arena))
            return false;
    }
    return true;
}

bool sx_json_matches(const char *want, const char *got, bool exact)
{
    struct sx_arena names;
    bool same;

    sx_arena_init(&names, 0);
    same = matches(sx_slice_of(want), sx_slice_of(got), exact, &names);
    sx_arena_free(&names);
    return same;
}

/* `want` without data: the field is too many; `got`: it is missing. */
static void add_difference(struct sx_buffer *to, bool *first, struct sx_slice name, struct sx_slice want,
                           struct sx_slice got)
{
    sx_buffer_printf(to, "%s%.*s: ", *first ? "" : "; ", (int)name.size, name.data);
    *first = false;
    if (got.data == NULL)
        sx_buffer_add_text(to, "missing");
    else
        sx_buffer_add_slice(to, got);
    sx_buffer_add_text(to, want.data ? ", not " : ", and should not be there");
    if (want.data != NULL)
        sx_buffer_add_slice(to, want);
}

void sx_json_differences(struct sx_buffer *to, const char *want, const char *got, bool exact)
{
    struct sx_slice a = sx_slice_of(want), b = sx_slice_of(got), name, value, other;
    struct sx_json_parts wanted = sx_json_parts(a), came = sx_json_parts(b);
    struct sx_arena names;
    bool first = true;

    if (!wanted.object || !came.object)
        return;
    sx_arena_init(&names, 0);
    while (sx_json_next(&wanted, &name, &value)) {
        other = sx_json_field(b, unescaped(name, &names));
        if (other.data == NULL || !matches(value, other, exact, &names))
            add_difference(to, &first, name, value, other);
    }
    while (exact && sx_json_next(&came, &name, &value))
        if (sx_json_field(a, unescaped(name, &names)).data == NULL)
            add_difference(to, &first, name, SX_SLICE_NONE, value);
    sx_arena_free(&names);
}
