/* json.c: the parts of a JSON text. See json.h. */
#include "engine/data/json.h"

#include <stdlib.h>

enum sx_json_kind sx_json_kind(struct sx_slice json)
{
    switch (json.size ? *json.data : 'n') {
    case 't':
    case 'f':
        return SX_JSON_IS_BOOL;
    case '"':
        return SX_JSON_IS_STRING;
    case '[':
        return SX_JSON_IS_ARRAY;
    case '{':
        return SX_JSON_IS_OBJECT;
    case 'n':
        return SX_JSON_IS_NULL;
    default:
        return SX_JSON_IS_NUMBER;
    }
}

/* Behind the string whose opening quote is at `at`. */
static const char *behind_string(const char *at, const char *end)
{
    const char *from = at + 1;

    for (at = from; (at = memchr(at, '"', (size_t)(end - at))) != NULL; at++) {
        const char *slash = at;

        while (slash > from && slash[-1] == '\\')
            slash--;
        if ((at - slash) % 2 == 0)
            return at + 1;
    }
    return end;
}

static bool ends_scalar(char c) { return c == ',' || c == ':' || c == ']' || c == '}'; }

static const char *behind_value(const char *at, const char *end)
{
    uint32_t depth = 0;

    while (at < end) {
        if (*at == '"') {
            at = behind_string(at, end);
        } else if (*at == '{' || *at == '[') {
            depth++;
            at++;
            continue;
        } else if (depth > 0 && (*at == '}' || *at == ']')) {
            depth--;
            at++;
        } else if (depth > 0) {
            at++;
            continue;
        } else {
            while (at < end && !ends_scalar(*at))
                at++;
        }
        if (depth == 0)
            break;
    }
    return at;
}

struct sx_json_parts sx_json_parts(struct sx_slice json)
{
    bool nested = json.size > 0 && (*json.data == '{' || *json.data == '[');

    return nested ? (struct sx_json_parts){json.data + 1, json.data + json.size, *json.data == '{'}
                  : (struct sx_json_parts){0};
}

bool sx_json_next(struct sx_json_parts *parts, struct sx_slice *name, struct sx_slice *value)
{
    const char *at = parts->at, *end = parts->end, *behind;

    *name = SX_SLICE_NONE;
    if (at == end || *at == ']' || *at == '}')
        return false;
    if (parts->object) {
        behind = *at == '"' ? behind_string(at, end) : end;
        if (behind == end || *behind != ':')
            return false;
        *name = sx_slice(at + 1, (size_t)(behind - at - 2));
        at = behind + 1;
    }
    behind = behind_value(at, end);
    if (behind == at)
        return false;
    *value = sx_slice(at, (size_t)(behind - at));
    parts->at = behind + (behind < end && *behind == ',');
    return true;
}

struct sx_slice sx_json_string(struct sx_slice json, struct sx_arena *arena)
{
    struct sx_slice inside = json.size < 2 ? SX_SLICE("") : sx_slice(json.data + 1, json.size - 2);
    uint32_t size;
    char *to;

    if (inside.size == 0 || memchr(inside.data, '\\', inside.size) == NULL)
        return inside;
    to = sx_arena_alloc(arena, inside.size);
    return sx_json_unescape_inside(inside, to, &size, NULL) ? sx_slice(to, size) : inside;
}

/* Does `inside`, which may have escapes, stand for the name? */
static bool is_name(struct sx_slice inside, struct sx_slice name)
{
    uint32_t size;
    bool same;
    char *to;

    if (inside.size < name.size) /* an escape is never shorter than what it stands for */
        return false;
    if (inside.size == 0 || memchr(inside.data, '\\', inside.size) == NULL)
        return sx_slice_equal(inside, name);
    to = sx_malloc(inside.size);
    same = sx_json_unescape_inside(inside, to, &size, NULL) && sx_slice_equal(sx_slice(to, size), name);
    free(to);
    return same;
}

struct sx_slice sx_json_field(struct sx_slice json, struct sx_slice name)
{
    struct sx_json_parts parts = sx_json_parts(json);
    struct sx_slice found = SX_SLICE_NONE, inside, value;

    while (parts.object && sx_json_next(&parts, &inside, &value))
        if (is_name(inside, name))
            found = value;
    return found;
}

static struct sx_slice element_from_start(struct sx_slice json, int64_t index)
{
    struct sx_json_parts parts = sx_json_parts(json);
    struct sx_slice name, value;

    while (!parts.object && sx_json_next(&parts, &name, &value))
        if (index-- == 0)
            return value;
    return SX_SLICE_NONE;
}

struct sx_slice sx_json_element(struct sx_slice json, int64_t index)
{
    struct sx_json_parts parts = sx_json_parts(json);
    struct sx_slice name, value;
    int64_t count = 0;

    if (index >= 0)
        return element_from_start(json, index);
    while (!parts.object && sx_json_next(&parts, &name, &value))
        count++;
    return count + index < 0 ? SX_SLICE_NONE : element_from_start(json, count + index);
}

uint32_t sx_json_depth(struct sx_slice json)
{
    uint32_t depth = 0, most = 0;
    bool text = false;

    for (uint32_t i = 0; i < json.size; i++) {
        const char c = json.data[i];

        if (c == '"')
            text = !text;
        else if (text)
            i += c == '\\';
        else if (c == '{' || c == '[')
            depth++;
        else if (c == '}' || c == ']')
            depth--;
        most = SX_MAX(most, depth);
    }
    return most;
}
