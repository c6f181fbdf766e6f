/* json_key.c: the order of JSON values, and their key form.
 *
 *   01 null   02 false   03 true
 *   04 number: 01 negative, 02 zero, 03 positive; then, of 0.DIGITS * 10^EXPONENT, the exponent as a sorted
 *      int64, the digits as text, 00. Of a negative one all of that inverted, so that it sorts backwards.
 *   05 string: its text as a text of the key form
 *   06 array: its elements, 00      07 object: 01, name, value for each member by name, 00
 *
 * Two values compare as these bytes do, so that order, equality, hash and keys cannot disagree.
 */
#include "engine/data/json.h"

#include "engine/base/hash.h"
#include "engine/base/text.h"
#include "engine/data/key_text.h"

#include <stdlib.h>

enum {
    TAG_END = 0,
    TAG_NULL = 1,
    TAG_FALSE = 2,
    TAG_TRUE = 3,
    TAG_NUMBER = 4,
    TAG_STRING = 5,
    TAG_ARRAY = 6,
    TAG_OBJECT = 7,
    TAG_MEMBER = 1
};
enum { NEGATIVE = 1, ZERO = 2, POSITIVE = 3 };

#define DEPTH_MAX 600u /* more than a checked text has; a damaged one is cut there */

/* ---- Numbers --------------------------------------------------------------------------------- */

#define EXPONENT_MAX INT64_C(100000000000000000) /* beyond, numbers of the same digits are equal */

static bool is_digit(char c) { return c >= '0' && c <= '9'; }

/* 0.DIGITS * 10^exponent. The digits are those from `first` to `last`, where a point may stand too. */
struct number {
    bool negative;
    const char *first, *last; /* NULL: zero */
    int64_t exponent;
};

/* More than EXPONENT_MAX at most, so that adding the digits before it cannot bring it back below. */
static int64_t read_exponent(const char *at, const char *end)
{
    bool negative = at < end && *at == '-';
    int64_t e = 0;

    for (at += at < end && (*at == '-' || *at == '+'); at < end && is_digit(*at); at++)
        e = SX_MIN(e * 10 + (*at - '0'), 2 * EXPONENT_MAX);
    return negative ? -e : e;
}

static struct number read_number(struct sx_slice text)
{
    struct number n = {.negative = text.size > 0 && *text.data == '-'};
    const char *at = text.data + n.negative, *end = text.data + text.size;
    bool fraction = false;

    for (; at < end && (*at | 0x20) != 'e'; at++) {
        fraction |= *at == '.';
        if (!is_digit(*at))
            continue;
        if (*at != '0') {
            n.first = n.first ? n.first : at;
            n.last = at;
        }
        if (n.first != NULL)
            n.exponent += !fraction;
        else
            n.exponent -= fraction;
    }
    if (at < end)
        n.exponent += read_exponent(at + 1, end);
    n.exponent = SX_MAX(-EXPONENT_MAX, SX_MIN(n.exponent, EXPONENT_MAX));
    return n;
}

static void write_number(struct sx_buffer *to, struct sx_slice text)
{
    struct number n = read_number(text);
    size_t from;

    sx_buffer_add_byte(to, TAG_NUMBER);
    if (n.first == NULL) {
        sx_buffer_add_byte(to, ZERO);
        return;
    }
    sx_buffer_add_byte(to, n.negative ? NEGATIVE : POSITIVE);
    from = to->size;
    sx_put_sorted64(sx_buffer_room(to, 8), n.exponent);
    to->size += 8;
    for (const char *c = n.first; c <= n.last; c++)
        if (is_digit(*c))
            sx_buffer_add_byte(to, *c);
    sx_buffer_add_byte(to, 0);
    for (size_t i = from; n.negative && i < to->size; i++)
        to->data[i] = (char)~to->data[i];
}

/* As JavaScript writes numbers: plain from 1e-7 to below 1e21, else with an exponent. */
static void print_number(struct sx_buffer *to, const char *digits, uint32_t count, int64_t exponent)
{
    if (exponent > 21 || exponent < -6) {
        sx_buffer_add(to, digits, 1);
        if (count > 1)
            sx_buffer_add_byte(to, '.');
        sx_buffer_add(to, digits + 1, count - 1);
        sx_buffer_printf(to, "e%+lld", (long long)exponent - 1);
        return;
    }
    if (exponent <= 0)
        sx_buffer_add(to, "0.0000000", (size_t)(2 - exponent));
    for (uint32_t i = 0; i < count; i++) {
        if (i > 0 && i == exponent)
            sx_buffer_add_byte(to, '.');
        sx_buffer_add(to, digits + i, 1);
    }
    for (int64_t i = count; i < exponent; i++)
        sx_buffer_add_byte(to, '0');
}

static bool read_number_key(const char **at, const char *end, struct sx_buffer *to)
{
    const char *from;
    struct sx_buffer bytes = {0};
    char sign, flip, last;
    bool right = true;

    if (*at == end)
        return false;
    sign = *(*at)++;
    flip = sign == NEGATIVE ? (char)0xff : 0;
    if (sign == ZERO)
        sx_buffer_add_byte(to, '0');
    if (sign != NEGATIVE && sign != POSITIVE)
        return sign == ZERO;
    from = *at;
    if (end - from < 8 + 2 || (*at = memchr(from + 8, flip, (size_t)(end - from - 8))) == NULL)
        return false;
    for (const char *c = from; c < *at; c++)
        sx_buffer_add_byte(&bytes, (char)(*c ^ flip));
    ++*at;
    last = bytes.data[bytes.size - 1];
    for (size_t i = 8; i < bytes.size; i++)
        right &= is_digit(bytes.data[i]);
    right &= bytes.size > 8 && bytes.data[8] != '0' && last != '0';
    right &= llabs(sx_get_sorted64(bytes.data)) <= EXPONENT_MAX;
    if (right && sign == NEGATIVE)
        sx_buffer_add_byte(to, '-');
    if (right)
        print_number(to, bytes.data + 8, (uint32_t)bytes.size - 8, sx_get_sorted64(bytes.data));
    sx_buffer_free(&bytes);
    return right;
}

/* ---- Writing --------------------------------------------------------------------------------- */

struct member {
    struct sx_slice name, value; /* the name unescaped */
    uint32_t at;                 /* qsort is not stable, and the last of duplicates wins */
};

static int by_name(const void *a, const void *b)
{
    const struct member *x = a, *y = b;
    int order = sx_slice_compare(x->name, y->name);

    return order ? order : (x->at > y->at) - (x->at < y->at);
}

static void write_value(struct sx_buffer *to, struct sx_slice json, uint32_t depth);

/* `"name` as a text of a string would be: one quote before, one behind. */
static struct sx_slice quoted(struct sx_slice inside) { return sx_slice(inside.data - 1, inside.size + 2); }

static void write_object(struct sx_buffer *to, struct sx_slice json, uint32_t depth)
{
    struct sx_json_parts parts = sx_json_parts(json);
    struct sx_slice name, value;
    struct member *members = NULL;
    uint32_t count = 0, room = 0;
    struct sx_arena names;

    sx_arena_init(&names, 0);
    while (sx_json_next(&parts, &name, &value)) {
        if (count == room) {
            room = room ? 2 * room : 8;
            members = sx_realloc(members, sizeof(*members) * room);
        }
        members[count] = (struct member){sx_json_string(quoted(name), &names), value, count};
        count++;
    }
    if (count > 1)
        qsort(members, count, sizeof(*members), by_name);
    for (uint32_t i = 0; i < count; i++) {
        if (i + 1 < count && sx_slice_equal(members[i].name, members[i + 1].name))
            continue;
        sx_buffer_add_byte(to, TAG_MEMBER);
        sx_key_add_text(to, members[i].name);
        write_value(to, members[i].value, depth + 1);
    }
    free(members);
    sx_arena_free(&names);
}

static void write_string(struct sx_buffer *to, struct sx_slice json)
{
    struct sx_arena arena;

    sx_arena_init(&arena, 0);
    sx_key_add_text(to, sx_json_string(json, &arena));
    sx_arena_free(&arena);
}

static void write_value(struct sx_buffer *to, struct sx_slice json, uint32_t depth)
{
    enum sx_json_kind kind = sx_json_kind(json);
    struct sx_json_parts parts;
    struct sx_slice name, value;

    if (kind == SX_JSON_IS_NULL || depth > DEPTH_MAX) {
        sx_buffer_add_byte(to, TAG_NULL);
    } else if (kind == SX_JSON_IS_BOOL) {
        sx_buffer_add_byte(to, *json.data == 't' ? TAG_TRUE : TAG_FALSE);
    } else if (kind == SX_JSON_IS_NUMBER) {
        write_number(to, json);
    } else if (kind == SX_JSON_IS_STRING) {
        sx_buffer_add_byte(to, TAG_STRING);
        write_string(to, json);
    } else {
        sx_buffer_add_byte(to, kind == SX_JSON_IS_ARRAY ? TAG_ARRAY : TAG_OBJECT);
        if (kind == SX_JSON_IS_OBJECT)
            write_object(to, json, depth);
        else
            for (parts = sx_json_parts(json); sx_json_next(&parts, &name, &value);)
                write_value(to, value, depth + 1);
        sx_buffer_add_byte(to, TAG_END);
    }
}

void sx_json_write_key(struct sx_buffer *to, struct sx_slice json) { write_value(to, json, 0); }

/* ---- Reading --------------------------------------------------------------------------------- */

static bool read_value(const char **at, const char *end, struct sx_buffer *to, struct sx_arena *arena,
                       uint32_t depth);

static bool read_text(const char **at, const char *end, struct sx_slice *text, struct sx_buffer *to,
                      struct sx_arena *arena)
{
    if (!sx_key_read_text(at, end, text, arena))
        return false;
    sx_json_write_string(to, *text);
    return true;
}

static bool read_parts(const char **at, const char *end, bool object, struct sx_buffer *to,
                       struct sx_arena *arena, uint32_t depth)
{
    struct sx_slice name, before = SX_SLICE_NONE;

    if (depth > DEPTH_MAX)
        return false;
    sx_buffer_add_byte(to, object ? '{' : '[');
    for (bool first = true;; first = false) {
        if (*at == end)
            return false;
        if (**at == TAG_END)
            break;
        if (!first)
            sx_buffer_add_byte(to, ',');
        if (object) {
            if (*(*at)++ != TAG_MEMBER || !read_text(at, end, &name, to, arena) ||
                (!first && sx_slice_compare(before, name) >= 0))
                return false;
            before = name;
            sx_buffer_add_byte(to, ':');
        }
        if (!read_value(at, end, to, arena, depth + 1))
            return false;
    }
    ++*at;
    sx_buffer_add_byte(to, object ? '}' : ']');
    return true;
}

static bool read_value(const char **at, const char *end, struct sx_buffer *to, struct sx_arena *arena,
                       uint32_t depth)
{
    static const char *const words[] = {[TAG_NULL] = "null", [TAG_FALSE] = "false", [TAG_TRUE] = "true"};
    struct sx_slice text;
    char tag;

    if (*at == end)
        return false;
    tag = *(*at)++;
    switch (tag) {
    case TAG_NULL:
    case TAG_FALSE:
    case TAG_TRUE:
        sx_buffer_add_text(to, words[(int)tag]);
        return true;
    case TAG_NUMBER:
        return read_number_key(at, end, to);
    case TAG_STRING:
        return read_text(at, end, &text, to, arena);
    case TAG_ARRAY:
    case TAG_OBJECT:
        return read_parts(at, end, tag == TAG_OBJECT, to, arena, depth);
    default:
        return false;
    }
}

bool sx_json_read_key(const char **at, const char *end, struct sx_slice *json, struct sx_arena *arena)
{
    struct sx_buffer text = {0};
    bool right = read_value(at, end, &text, arena, 0);

    if (right)
        *json = sx_arena_copy(arena, sx_buffer_slice(&text));
    sx_buffer_free(&text);
    return right;
}

struct sx_slice sx_json_canonical(struct sx_slice json, struct sx_arena *arena)
{
    struct sx_buffer key = {0};
    struct sx_slice canonical = json;
    const char *at;

    sx_json_write_key(&key, json);
    at = key.data;
    sx_json_read_key(&at, key.data + key.size, &canonical, arena);
    sx_buffer_free(&key);
    return canonical;
}

/* ---- Comparing ------------------------------------------------------------------------------- */

static bool is_plain_string(struct sx_slice json)
{
    return json.size > 1 && *json.data == '"' && memchr(json.data, '\\', json.size) == NULL;
}

int sx_json_compare(struct sx_slice a, struct sx_slice b)
{
    enum sx_json_kind x = sx_json_kind(a), y = sx_json_kind(b);
    struct sx_buffer left = {0}, right = {0};
    int64_t i, j;
    int order;

    if (sx_slice_equal(a, b))
        return 0;
    if (x != y)
        return x < y ? -1 : 1;
    /* What is frequent, without making keys. */
    if (is_plain_string(a) && is_plain_string(b))
        return sx_slice_compare(sx_slice(a.data + 1, a.size - 2), sx_slice(b.data + 1, b.size - 2));
    if (x == SX_JSON_IS_NUMBER && sx_read_int(a, &i) && sx_read_int(b, &j))
        return (i > j) - (i < j);
    sx_json_write_key(&left, a);
    sx_json_write_key(&right, b);
    order = sx_slice_compare(sx_buffer_slice(&left), sx_buffer_slice(&right));
    sx_buffer_free(&left);
    sx_buffer_free(&right);
    return order;
}

uint64_t sx_json_hash(struct sx_slice json)
{
    struct sx_buffer key = {0};
    uint64_t hash;

    sx_json_write_key(&key, json);
    hash = sx_hash(key.data, key.size);
    sx_buffer_free(&key);
    return hash;
}
