/* json.c: texts that hold JSON, and values of type json, which are such texts. Numbers stay as they were
 * written, fields in their order; of duplicate names the last counts. */
#include "engine/base/map.h"
#include "engine/data/format.h"
#include "engine/data/json.h"
#include "operators/functions/json.h"

/* ---- Results --------------------------------------------------------------------------------- */

struct sx_value sx_json_result(struct sx_call *call, struct sx_buffer *text)
{
    struct sx_value value;

    if (text->size > SX_TEXT_MAX)
        value = sx_call_fail(call, "the result is longer than %u bytes", SX_TEXT_MAX);
    else
        value = sx_string_of(call, sx_buffer_slice(text));
    sx_buffer_free(text);
    return value;
}

static struct sx_value compacted(struct sx_call *call, struct sx_slice json)
{
    struct sx_buffer text = {0};

    sx_json_compact(json, &text, NULL);
    return sx_json_result(call, &text);
}

/* A JSON value as text: a string without its quotes, the rest compact. */
static struct sx_value plain(struct sx_call *call, struct sx_slice json)
{
    struct sx_buffer text = {0};

    if (json.size == 0 || json.data[0] != '"')
        return compacted(call, json);
    sx_json_unescape(json, &text, NULL);
    return sx_json_result(call, &text);
}

/* ---- Paths: $.a.b[0]['c d'] ------------------------------------------------------------------ */

struct path_step {
    struct sx_slice name; /* data NULL: an index */
    int64_t index;
};

/* One step from *at. False: it is wrong. */
static bool read_step(const char **at, const char *end, struct path_step *step)
{
    const char *start = *at + 1, *stop = start;
    bool quoted;

    *step = (struct path_step){0};
    if (**at == '.') {
        while (stop < end && *stop != '.' && *stop != '[')
            stop++;
        step->name = sx_slice(start, (size_t)(stop - start));
        *at = stop;
        return stop > start;
    }
    if (**at != '[' || start == end)
        return false;
    quoted = *start == '\'' || *start == '"';
    if (quoted) {
        stop = memchr(start + 1, *start, (size_t)(end - start - 1));
        if (stop == NULL || stop + 1 == end || stop[1] != ']')
            return false;
        step->name = sx_slice(start + 1, (size_t)(stop - start - 1));
        *at = stop + 2;
        return true;
    }
    stop = memchr(start, ']', (size_t)(end - start));
    if (stop == NULL || !sx_read_int(sx_slice(start, (size_t)(stop - start)), &step->index))
        return false;
    *at = stop + 1;
    return step->index >= 0;
}

static bool check_path(struct sx_call *call, struct sx_slice path)
{
    const char *at = path.data, *end = at + path.size;
    struct path_step step;
    bool right = path.size > 0 && *at++ == '$';

    while (right && at < end)
        right = read_step(&at, end, &step);
    if (!right)
        sx_call_fail(call, "not a path: \"%.*s\"; write it as \"$.name.other[0]\"",
                     (int)SX_MIN(path.size, 64u), path.size ? path.data : "");
    return right;
}

void *sx_json_prepare_path(struct sx_call *call, const struct sx_value *const *constants, uint32_t count)
{
    if (count > 1 && constants[1] != NULL && constants[1]->kind == SX_STRING)
        check_path(call, sx_value_slice(*constants[1]));
    return NULL;
}

struct search {
    const struct path_step *step;
    int64_t seen;
    struct sx_slice found; /* data NULL: not yet */
};

static bool match_member(struct sx_slice name, struct sx_slice value, void *arg)
{
    struct search *search = arg;

    if (sx_slice_equal(name, search->step->name))
        search->found = value;
    return true;
}

static bool match_element(struct sx_slice value, void *arg)
{
    struct search *search = arg;

    if (search->seen++ == search->step->index)
        search->found = value;
    return search->found.data == NULL;
}

struct sx_slice sx_json_find(struct sx_call *call, struct sx_slice json, struct sx_slice path)
{
    const char *at = path.data + 1, *end = path.data + path.size;

    if (!check_path(call, path) || !sx_json_check(json, NULL))
        return (struct sx_slice){0};
    while (at < end) {
        struct path_step step;
        struct search search = {.step = &step};

        read_step(&at, end, &step);
        if (step.name.data != NULL)
            sx_json_object(json, match_member, &search, NULL);
        else
            sx_json_array(json, match_element, &search, NULL);
        if (search.found.data == NULL)
            return search.found;
        json = search.found;
    }
    while (json.size && sx_is_space((unsigned char)*json.data)) /* of a whole document */
        json = sx_slice(json.data + 1, json.size - 1);
    return json;
}

struct sx_value sx_json_value(struct sx_call *call, const struct sx_value *args, uint32_t count)
{
    struct sx_slice json = sx_json_find(call, sx_value_slice(args[0]), sx_value_slice(args[1]));

    return json.data == NULL || json.data[0] == 'n' ? SX_VALUE_NULL : plain(call, json);
}

/* ---- Objects and arrays ---------------------------------------------------------------------- */

struct sx_value sx_is_json(struct sx_call *call, const struct sx_value *args, uint32_t count)
{
    return sx_value_bool(args[0].kind != SX_NULL && sx_json_check(sx_value_slice(args[0]), NULL));
}

/* The names met so far, so that many fields do not cost their square. */
struct names {
    struct sx_items items;
    struct sx_map seen;
};

static bool add_key(struct sx_slice name, struct sx_slice value, void *arg)
{
    struct names *names = arg;

    if (sx_map_put(&names->seen, name, names) == NULL)
        sx_items_add(&names->items, sx_string_of(names->items.call, name));
    return !names->items.call->failed;
}

static struct sx_value keys(struct sx_call *call, const struct sx_value *args, uint32_t count)
{
    struct names names = {.items = {.call = call}};
    bool is_object = sx_json_object(sx_value_slice(args[0]), add_key, &names, NULL);

    sx_map_free(&names.seen);
    return is_object ? sx_items_array(&names.items) : SX_VALUE_NULL;
}

static bool add_record(struct sx_slice name, struct sx_slice value, void *arg)
{
    struct sx_items *items = arg;

    sx_items_add(items, sx_string_of(items->call, name));
    sx_items_add(items, plain(items->call, value));
    return !items->call->failed;
}

static struct sx_value records(struct sx_call *call, const struct sx_value *args, uint32_t count)
{
    struct sx_items items = {.call = call};

    if (!sx_json_object(sx_value_slice(args[0]), add_record, &items, NULL))
        return SX_VALUE_NULL;
    return sx_items_map(&items);
}

static bool add_item(struct sx_slice value, void *arg)
{
    struct sx_items *items = arg;

    sx_items_add(items, compacted(items->call, value));
    return !items->call->failed;
}

static struct sx_value items_of(struct sx_call *call, const struct sx_value *args, uint32_t count)
{
    struct sx_items items = {.call = call};

    if (!sx_json_array(sx_value_slice(args[0]), add_item, &items, NULL))
        return SX_VALUE_NULL;
    return sx_items_array(&items);
}

static bool add_json_item(struct sx_slice value, void *arg)
{
    struct sx_items *items = arg;

    sx_items_add(items, sx_value_json(value));
    return !items->call->failed;
}

static struct sx_value json_items(struct sx_call *call, const struct sx_value *args, uint32_t count)
{
    struct sx_items items = {.call = call};

    if (!sx_json_array(sx_value_slice(args[0]), add_json_item, &items, NULL))
        return SX_VALUE_NULL;
    return sx_items_array(&items);
}

static bool count_item(struct sx_slice value, void *arg)
{
    ++*(int64_t *)arg;
    return true;
}

static struct sx_value array_length(struct sx_call *call, const struct sx_value *args, uint32_t count)
{
    int64_t length = 0;

    if (!sx_json_array(sx_value_slice(args[0]), count_item, &length, NULL))
        return SX_VALUE_NULL;
    return sx_value_int(length);
}

/* ---- Is it in an array? Value and type must be the same: 1 is not 1.0, nor "1" --------------- */

struct wanted {
    struct sx_call *call;
    struct sx_value value;
    struct sx_slice json; /* of nested values: compact */
    bool found;
};

static bool is_whole(struct sx_slice number)
{
    for (uint32_t i = 0; i < number.size; i++)
        if (number.data[i] == '.' || number.data[i] == 'e' || number.data[i] == 'E')
            return false;
    return true;
}

static bool same(const struct wanted *w, struct sx_slice json)
{
    struct sx_value text;
    double d;

    switch ((enum sx_kind)w->value.kind) {
    case SX_JSON:
        text = compacted(w->call, json);
        return text.kind == SX_STRING && sx_json_compare(sx_value_slice(text), w->json) == 0;
    case SX_STRING:
        text = json.data[0] == '"' ? plain(w->call, json) : SX_VALUE_NULL;
        return text.kind == SX_STRING && sx_slice_equal(sx_value_slice(text), sx_value_slice(w->value));
    case SX_DECIMAL: /* whatever zeros stand behind it */
        return sx_json_kind(json) == SX_JSON_IS_NUMBER && sx_json_compare(json, w->json) == 0;
    case SX_DOUBLE:
        return !is_whole(json) && sx_read_double(json, &d) && d == w->value.d;
    default:
        text = compacted(w->call, json);
        return text.kind == SX_STRING && sx_slice_equal(sx_value_slice(text), w->json);
    }
}

static bool compare_item(struct sx_slice json, void *arg)
{
    struct wanted *w = arg;

    w->found = same(w, json);
    return !w->found && !w->call->failed;
}

static struct sx_value array_contains(struct sx_call *call, const struct sx_value *args, uint32_t count)
{
    struct wanted wanted = {.call = call, .value = args[1]};
    struct sx_buffer json = {0};
    bool is_array;

    sx_json_write_value(&json, args[1], call->types[1]);
    wanted.json = sx_buffer_slice(&json);
    is_array = sx_json_array(sx_value_slice(args[0]), compare_item, &wanted, NULL);
    sx_buffer_free(&json);
    return is_array ? sx_value_bool(wanted.found) : SX_VALUE_NULL;
}

/* ---- Joining --------------------------------------------------------------------------------- */

struct member {
    struct sx_slice name, value;
};

struct merged {
    struct sx_call *call;
    struct member **members; /* in order of first appearance */
    uint32_t count, room;
    struct sx_map by_name;
};

/* A later value takes the place of an earlier one. */
static bool merge_member(struct sx_slice name, struct sx_slice value, void *arg)
{
    struct merged *m = arg;
    struct member *member = sx_map_get(&m->by_name, name);

    if (member != NULL) {
        member->value = value;
        return true;
    }
    if (m->count == m->room) {
        struct member **more;

        m->room = m->room ? 2 * m->room : 16;
        more = sx_arena_alloc(m->call->arena, sizeof(*more) * m->room);
        if (m->count)
            memcpy(more, m->members, sizeof(*more) * m->count);
        m->members = more;
    }
    member = SX_ARENA_NEW(m->call->arena, struct member);
    *member = (struct member){sx_arena_copy(m->call->arena, name), value};
    m->members[m->count++] = member;
    sx_map_put(&m->by_name, name, member);
    return true;
}

static struct sx_value merge_objects(struct sx_call *call, const struct sx_value *args, uint32_t count)
{
    struct merged merged = {.call = call};
    struct sx_buffer text = {0};

    for (uint32_t i = 0; i < count; i++)
        sx_json_object(sx_value_slice(args[i]), merge_member, &merged, NULL);
    sx_buffer_add_byte(&text, '{');
    for (uint32_t i = 0; i < merged.count; i++) {
        if (i)
            sx_buffer_add_byte(&text, ',');
        sx_json_write_string(&text, merged.members[i]->name);
        sx_buffer_add_byte(&text, ':');
        sx_json_compact(merged.members[i]->value, &text, NULL);
    }
    sx_map_free(&merged.by_name);
    sx_buffer_add_byte(&text, '}');
    return sx_json_result(call, &text);
}

static bool append_item(struct sx_slice value, void *arg)
{
    struct sx_buffer *text = arg;

    if (text->size > 1)
        sx_buffer_add_byte(text, ',');
    sx_json_compact(value, text, NULL);
    return true;
}

static char first_of(struct sx_slice json)
{
    uint32_t i = 0;

    while (i < json.size && sx_is_space((unsigned char)json.data[i]))
        i++;
    return i < json.size ? json.data[i] : '\0';
}

static struct sx_value json_concat(struct sx_call *call, const struct sx_value *args, uint32_t count)
{
    struct sx_buffer text = {0};
    bool objects = true;

    for (uint32_t i = 0; i < count; i++) {
        if (!sx_json_check(sx_value_slice(args[i]), NULL))
            return SX_VALUE_NULL;
        objects &= first_of(sx_value_slice(args[i])) == '{';
    }
    if (objects)
        return merge_objects(call, args, count);
    sx_buffer_add_byte(&text, '[');
    for (uint32_t i = 0; i < count; i++) {
        if (first_of(sx_value_slice(args[i])) == '[')
            sx_json_array(sx_value_slice(args[i]), append_item, &text, NULL);
        else
            append_item(sx_value_slice(args[i]), &text);
    }
    sx_buffer_add_byte(&text, ']');
    return sx_json_result(call, &text);
}

static struct sx_value concat_json(struct sx_call *call, const struct sx_value *args, uint32_t count)
{
    struct sx_value text = json_concat(call, args, count);

    return text.kind == SX_NULL ? text : sx_value_json(sx_value_slice(text));
}

/* ---- From and to json ------------------------------------------------------------------------ */

static struct sx_value try_parse(struct sx_call *call, const struct sx_value *args, uint32_t count)
{
    struct sx_value text;

    if (!sx_json_check(sx_value_slice(args[0]), NULL))
        return SX_VALUE_NULL;
    text = compacted(call, sx_value_slice(args[0]));
    return text.kind == SX_NULL ? text : sx_value_json(sx_value_slice(text));
}

static struct sx_value parse(struct sx_call *call, const struct sx_value *args, uint32_t count)
{
    struct sx_json_error error;

    if (!sx_json_check(sx_value_slice(args[0]), &error))
        return sx_call_fail(call, "not valid JSON: %s (byte %zu)", error.what, error.at);
    return try_parse(call, args, count);
}

static struct sx_value type_of(struct sx_call *call, const struct sx_value *args, uint32_t count)
{
    static const struct sx_slice names[] = {
        [SX_JSON_IS_NULL] = SX_SLICE("null"),     [SX_JSON_IS_BOOL] = SX_SLICE("bool"),
        [SX_JSON_IS_NUMBER] = SX_SLICE("number"), [SX_JSON_IS_STRING] = SX_SLICE("string"),
        [SX_JSON_IS_ARRAY] = SX_SLICE("array"),   [SX_JSON_IS_OBJECT] = SX_SLICE("object"),
    };

    return sx_value_string(names[sx_json_kind(sx_value_slice(args[0]))]);
}

struct sx_value sx_to_json(struct sx_call *call, const struct sx_value *args, uint32_t count)
{
    struct sx_buffer text = {0};

    sx_json_write_value(&text, args[0], call->types[0]);
    return sx_json_result(call, &text);
}

#define ROW(sig, text, sample, gives, function)                                               \
    {                                                                                         \
        .signature = sig, .summary = text, .example = sample, .result = gives, .fn = function \
    }

static const struct sx_function_def rows[] = {
    {.signature = "json_value(s string, path string) string",
     .summary = "What stands at a path, as text; objects and arrays as JSON; null if nothing is there.",
     .example = "json_value('{\"a\": {\"b\": [7, 8]}}', \"$.a.b[1]\")",
     .result = "\"8\"",
     .fn = sx_json_value,
     .prepare = sx_json_prepare_path},
    {.signature = "is_json(s string) bool",
     .summary = "Is the text one JSON value? False for null.",
     .example = "is_json('{\"a\": 1}')",
     .result = "true",
     .flags = SX_FUNCTION_NULLS,
     .fn = sx_is_json},
    ROW("json_keys(s string) array<string>", "The names of an object's fields; null if it is none.",
        "json_keys('{\"b\": 1, \"a\": 2}')", "[\"b\",\"a\"]", keys),
    ROW("json_records(s string) map<string>", "An object as a map of texts; null if it is none.",
        "json_records('{\"a\": \"x\", \"b\": [1, 2]}')", "{\"a\":\"x\",\"b\":\"[1,2]\"}", records),
    ROW("json_items(s string) array<string>", "The elements of an array as JSON texts; null if it is none.",
        "json_items('[1, \"x\", {\"a\": 2}]')", "[\"1\",\"\\\"x\\\"\",\"{\\\"a\\\":2}\"]", items_of),
    ROW("json_array_length(s string) int", "The number of elements; null if it is no array.",
        "json_array_length('[1, [2, 3]]')", "2", array_length),
    ROW("json_array_contains(s string, x any) bool",
        "Is the value an element, of the same type? Null if it is no array.",
        "json_array_contains('[1, \"2\"]', \"2\")", "true", array_contains),
    ROW("json_concat(s string...) string",
        "Objects merged into one, the last wins; else one array of all elements; null if one is not JSON.",
        "json_concat('{\"a\": 1}', '{\"b\": 2, \"a\": 3}')", "\"{\\\"a\\\":3,\\\"b\\\":2}\"", json_concat),
    {.signature = "json_value(j json, path string) string",
     .summary = "The same of a json.",
     .example = "json_value(parse_json('{\"a\": [true]}'), \"$.a\")",
     .result = "\"[true]\"",
     .fn = sx_json_value,
     .prepare = sx_json_prepare_path},
    ROW("json_keys(j json) array<string>", "The names of an object's fields; null if it is none.",
        "json_keys(parse_json('{\"b\": 1, \"a\": 2}'))", "[\"b\",\"a\"]", keys),
    ROW("json_records(j json) map<string>", "An object as a map of texts; null if it is none.",
        "json_records(parse_json('{\"a\": \"x\", \"b\": [1]}'))", "{\"a\":\"x\",\"b\":\"[1]\"}", records),
    ROW("json_items(j json) array<json>", "The elements of an array; null if it is none.",
        "json_items(parse_json('[1, \"x\", null, {\"a\": 2}]'))", "[1,\"x\",null,{\"a\":2}]", json_items),
    ROW("json_array_length(j json) int", "The number of elements; null if it is no array.",
        "json_array_length(parse_json('[1, [2, 3]]'))", "2", array_length),
    ROW("json_array_contains(j json, x any) bool",
        "Is the value an element, of the same type? A json is compared by value. Null if it is no array.",
        "json_array_contains(parse_json('[1.0, \"2\"]'), parse_json(\"1\"))", "true", array_contains),
    ROW("json_concat(j json...) json",
        "Objects merged into one, the last wins; else one array of all elements.",
        "json_concat(parse_json('[1]'), parse_json(\"2\"))", "[1,2]", concat_json),
    ROW("json_type(j json) string", "What it is: `object`, `array`, `string`, `number` or `bool`.",
        "json_type(parse_json('[1]'))", "\"array\"", type_of),
    ROW("parse_json(s string) json", "The JSON that a text is; a row error if it is none. `null` gives null.",
        "parse_json('{ \"a\": [1.50, null] }')", "{\"a\":[1.50,null]}", parse),
    ROW("try_parse_json(s string) json", "The same; null if the text is no JSON.", "try_parse_json('{')",
        "null", try_parse),
    ROW("to_json(x any) string", "The value as compact JSON text.", "to_json({ a: 1, b: [true, null] })",
        "\"{\\\"a\\\":1,\\\"b\\\":[true,null]}\"", sx_to_json),
};

const struct sx_function_table sx_functions_json = SX_ROWS_OF("json", rows);
