/* json_text.c: a strict reader of JSON text. Two passes: check() says whether it is JSON; what cuts
 * it into members may then trust it, and stays simple. */
#include "engine/format/json_text.h"

#include "engine/base/text.h"

static bool is_space(char c) { return c == ' ' || c == '\n' || c == '\r' || c == '\t'; }
static bool is_digit(char c) { return c >= '0' && c <= '9'; }

struct reader {
    const char *begin, *at, *end;
    struct sx_buffer *to; /* NULL: only check */
    struct sx_json_error *error;
};

static bool fail(struct reader *r, const char *at, const char *what)
{
    if (r->error != NULL)
        *r->error = (struct sx_json_error){(size_t)(at - r->begin), what};
    return false;
}

static void skip_space(struct reader *r)
{
    while (r->at < r->end && is_space(*r->at))
        r->at++;
}

/* ---- Strings --------------------------------------------------------------------------------- */

/* Moves behind the closing quote. */
static bool check_string(struct reader *r)
{
    const char *open = r->at++;

    while (r->at < r->end) {
        unsigned char c = (unsigned char)*r->at;
        const char *what;
        uint32_t code;

        if (c == '"') {
            r->at++;
            return true;
        }
        if (c < 0x20)
            return fail(r, r->at, "a control character in a string");
        if (c != '\\') {
            r->at++;
            continue;
        }
        what = sx_json_read_escape(&r->at, r->end, &code);
        if (what != NULL)
            return fail(r, r->at, what);
    }
    return fail(r, open, "a string without its end");
}

/* ---- Numbers and words ----------------------------------------------------------------------- */

static bool check_digits(struct reader *r)
{
    const char *from = r->at;

    while (r->at < r->end && is_digit(*r->at))
        r->at++;
    return r->at > from || fail(r, r->at, "expected a digit");
}

static bool check_number(struct reader *r)
{
    if (*r->at == '-')
        r->at++;
    if (r->at < r->end && *r->at == '0')
        r->at++;
    else if (!check_digits(r))
        return false;
    if (r->at < r->end && is_digit(*r->at))
        return fail(r, r->at, "a number with a leading zero");
    if (r->at < r->end && *r->at == '.') {
        r->at++;
        if (!check_digits(r))
            return false;
    }
    if (r->at < r->end && (*r->at | 0x20) == 'e') {
        r->at++;
        if (r->at < r->end && (*r->at == '+' || *r->at == '-'))
            r->at++;
        return check_digits(r);
    }
    return true;
}

static bool check_word(struct reader *r, struct sx_slice word)
{
    if ((size_t)(r->end - r->at) < word.size || memcmp(r->at, word.data, word.size) != 0)
        return fail(r, r->at, "expected a value");
    r->at += word.size;
    return true;
}

static bool check_scalar(struct reader *r)
{
    switch (*r->at) {
    case '"':
        return check_string(r);
    case 't':
        return check_word(r, SX_SLICE("true"));
    case 'f':
        return check_word(r, SX_SLICE("false"));
    case 'n':
        return check_word(r, SX_SLICE("null"));
    default:
        if (*r->at != '-' && !is_digit(*r->at))
            return fail(r, r->at, "expected a value");
        return check_number(r);
    }
}

/* ---- The grammar ----------------------------------------------------------------------------- */

static void put(struct reader *r, const char *from, const char *to)
{
    if (r->to != NULL)
        sx_buffer_add(r->to, from, (size_t)(to - from));
}

/* What the grammar wants next. */
enum want { WANT_VALUE, WANT_FIRST, WANT_NAME, WANT_END };

struct nesting {
    uint64_t objects[SX_JSON_DEPTH / 64]; /* bit set: an object is open at that depth */
    uint32_t depth;
};

static bool in_object(const struct nesting *n)
{
    return n->depth > 0 && n->objects[(n->depth - 1) / 64] >> (n->depth - 1) % 64 & 1;
}

static bool check_open(struct reader *r, struct nesting *n)
{
    uint32_t d = n->depth;

    if (d == SX_JSON_DEPTH)
        return fail(r, r->at, "nested deeper than 512");
    if (*r->at == '{')
        n->objects[d / 64] |= 1ull << d % 64;
    else
        n->objects[d / 64] &= ~(1ull << d % 64);
    n->depth++;
    return true;
}

/* The name of a member and its colon. */
static bool check_name(struct reader *r)
{
    const char *from = r->at;

    if (*from != '"')
        return fail(r, from, "expected a name in quotes");
    if (!check_string(r))
        return false;
    put(r, from, r->at);
    skip_space(r);
    if (r->at == r->end || *r->at != ':')
        return fail(r, r->at, "expected a colon");
    put(r, r->at, r->at + 1);
    r->at++;
    return true;
}

/* One step at a token: says in *want what comes next. */
static bool check_token(struct reader *r, struct nesting *n, enum want *want)
{
    const char *from = r->at;
    char c = *from;

    if (*want == WANT_FIRST && (c == '}' || c == ']') && (c == '}') == in_object(n))
        *want = WANT_END;
    else if (*want == WANT_FIRST)
        *want = in_object(n) ? WANT_NAME : WANT_VALUE;
    switch (*want) {
    case WANT_NAME:
        *want = WANT_VALUE;
        return check_name(r);
    case WANT_END:
        if (c == ',') {
            *want = in_object(n) ? WANT_NAME : WANT_VALUE;
        } else if ((c == '}' || c == ']') && (c == '}') == in_object(n)) {
            n->depth--;
        } else {
            return fail(r, from, in_object(n) ? "expected a comma or `}`" : "expected a comma or `]`");
        }
        r->at++;
        break;
    default:
        if (c == '{' || c == '[') {
            if (!check_open(r, n))
                return false;
            r->at++;
            *want = WANT_FIRST;
        } else {
            if (!check_scalar(r))
                return false;
            *want = WANT_END;
        }
    }
    put(r, from, r->at);
    return true;
}

static bool check_utf8(struct reader *r)
{
    static const uint8_t sizes[16] = {1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 2, 2, 3, 4};
    const char *at = r->begin;

    if (sx_utf8_valid(sx_slice(r->begin, (size_t)(r->end - r->begin))))
        return true;
    while (at < r->end) {
        size_t size = SX_MIN(sizes[(unsigned char)*at >> 4], (size_t)(r->end - at));

        if (!sx_utf8_valid(sx_slice(at, size)))
            break;
        at += size;
    }
    return fail(r, at, "not valid UTF-8");
}

static bool check(struct reader *r)
{
    struct nesting nesting = {.depth = 0};
    enum want want = WANT_VALUE;

    if (!check_utf8(r))
        return false;
    for (;;) {
        skip_space(r);
        if (want == WANT_END && nesting.depth == 0)
            return r->at == r->end || fail(r, r->at, "something behind the value");
        if (r->at == r->end)
            return fail(r, r->at, r->begin == r->end ? "no bytes at all" : "it is cut off");
        if (!check_token(r, &nesting, &want))
            return false;
    }
}

static struct reader reader_of(struct sx_slice text, struct sx_buffer *to, struct sx_json_error *error)
{
    return (struct reader){text.data, text.data, text.data + text.size, to, error};
}

bool sx_json_check(struct sx_slice text, struct sx_json_error *error)
{
    struct reader r = reader_of(text, NULL, error);

    return check(&r);
}

bool sx_json_compact(struct sx_slice text, struct sx_buffer *to, struct sx_json_error *error)
{
    struct reader r = reader_of(text, to, error);
    size_t before = to->size;

    if (check(&r))
        return true;
    to->size = before;
    return false;
}

/* ---- Cutting what was checked ---------------------------------------------------------------- */

/* `at` is an opening quote; behind the closing one. */
static const char *behind_string(const char *at)
{
    for (at++; *at != '"'; at++)
        if (*at == '\\')
            at++;
    return at + 1;
}

static const char *behind_value(const char *at, const char *end)
{
    uint32_t depth = 0;

    do {
        if (*at == '"') {
            at = behind_string(at);
        } else if (*at == '{' || *at == '[') {
            depth++;
            at++;
        } else if (*at == '}' || *at == ']') {
            depth--;
            at++;
        } else if (depth > 0) {
            at++;
        } else {
            while (at < end && !is_space(*at) && strchr(",}]", *at) == NULL)
                at++;
        }
    } while (depth > 0);
    return at;
}

/* Checks that it is JSON and begins with `open`, and stands there. */
static bool begin(struct reader *r, char open, const char *expected)
{
    struct reader checked = *r;

    if (!check(&checked))
        return false;
    skip_space(r);
    return *r->at == open || fail(r, r->at, expected);
}

/* Behind the opening bracket. */
static bool begin_items(struct reader *r, char open, const char *expected)
{
    if (!begin(r, open, expected))
        return false;
    r->at++;
    skip_space(r);
    return true;
}

/* The value at r->at; moves to the next member or element, or to the closing bracket. */
static struct sx_slice take_value(struct reader *r)
{
    const char *from = r->at;
    struct sx_slice value;

    r->at = behind_value(from, r->end);
    value = sx_slice(from, (size_t)(r->at - from));
    skip_space(r);
    if (*r->at == ',') {
        r->at++;
        skip_space(r);
    }
    return value;
}

bool sx_json_object(struct sx_slice text,
                    bool (*member)(struct sx_slice name, struct sx_slice value, void *arg), void *arg,
                    struct sx_json_error *error)
{
    struct reader r = reader_of(text, NULL, error);
    struct sx_buffer name = {0};
    bool more = true;

    if (!begin_items(&r, '{', "expected an object"))
        return false;
    while (more && *r.at != '}') {
        const char *open = r.at + 1;
        struct sx_slice inside;
        uint32_t size = 0;

        r.at = behind_string(r.at);
        inside = sx_slice(open, (size_t)(r.at - 1 - open));
        sx_json_unescape_inside(inside, sx_buffer_room(&name, inside.size + 1), &size, NULL);
        skip_space(&r);
        r.at++; /* the colon */
        skip_space(&r);
        more = member(sx_slice(name.data, size), take_value(&r), arg);
    }
    sx_buffer_free(&name);
    return true;
}

bool sx_json_array(struct sx_slice text, bool (*element)(struct sx_slice value, void *arg), void *arg,
                   struct sx_json_error *error)
{
    struct reader r = reader_of(text, NULL, error);
    bool more = true;

    if (!begin_items(&r, '[', "expected an array"))
        return false;
    while (more && *r.at != ']')
        more = element(take_value(&r), arg);
    return true;
}

bool sx_json_unescape(struct sx_slice text, struct sx_buffer *to, struct sx_json_error *error)
{
    struct reader r = reader_of(text, NULL, error);
    struct sx_slice inside;
    uint32_t size = 0;

    if (!begin(&r, '"', "expected a string"))
        return false;
    inside = sx_slice(r.at + 1, (size_t)(behind_string(r.at) - r.at - 2));
    sx_json_unescape_inside(inside, sx_buffer_room(to, inside.size + 1), &size, NULL);
    to->size += size;
    return true;
}
