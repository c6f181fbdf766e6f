/* urls.c: parts of URLs (RFC 3986), and form encoding. Nothing that is extracted is decoded. */
#include "operators/functions/common.h"

struct url {
    struct sx_slice protocol, authority, user, host, port, path, query, fragment; /* data NULL: absent */
};

static const char *find_any(struct sx_slice s, const char *stops)
{
    for (uint32_t i = 0; i < s.size; i++)
        if (strchr(stops, s.data[i]) != NULL && s.data[i] != '\0')
            return s.data + i;
    return NULL;
}

/* What is before `at` (NULL: all), and `s` behind it, `skip` bytes left out. */
static struct sx_slice take(struct sx_slice *s, const char *at, size_t skip)
{
    const char *end = s->data + s->size, *stop = at ? at : end;
    struct sx_slice taken = sx_slice(s->data, (size_t)(stop - s->data));
    const char *next = at ? at + skip : end;

    *s = sx_slice(next, (size_t)(end - next));
    return taken;
}

static bool is_protocol(struct sx_slice s)
{
    for (uint32_t i = 0; i < s.size; i++) {
        char c = s.data[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');

        if (!letter && (i == 0 || !((c >= '0' && c <= '9') || c == '+' || c == '-' || c == '.')))
            return false;
    }
    return s.size > 0;
}

/* [user@]host[:port]; an IPv6 address stands in brackets. */
static void split_authority(struct sx_slice s, struct url *url)
{
    const char *at = NULL, *colon;

    for (uint32_t i = 0; i < s.size; i++)
        if (s.data[i] == '@')
            at = s.data + i;
    if (at != NULL)
        url->user = take(&s, at, 1);
    colon = s.size && s.data[0] == '[' ? memchr(s.data, ']', s.size) : NULL;
    colon = colon ? colon + 1 : find_any(s, ":");
    if (colon == s.data + s.size || (colon != NULL && *colon != ':'))
        colon = NULL;
    url->host = take(&s, colon, 1);
    if (colon != NULL && s.size)
        url->port = s;
}

static struct url parse(struct sx_slice s)
{
    struct url url = {0};
    const char *at;

    at = find_any(s, ":/?#");
    if (at != NULL && *at == ':' && is_protocol(sx_slice(s.data, (size_t)(at - s.data))))
        url.protocol = take(&s, at, 1);
    at = find_any(s, "#");
    if (at != NULL) {
        struct sx_slice before = take(&s, at, 1);

        url.fragment = s;
        s = before;
    }
    at = find_any(s, "?");
    if (at != NULL) {
        struct sx_slice before = take(&s, at, 1);

        url.query = s;
        s = before;
    }
    if (s.size >= 2 && s.data[0] == '/' && s.data[1] == '/') {
        s = sx_slice(s.data + 2, s.size - 2);
        url.authority = take(&s, find_any(s, "/"), 0);
        split_authority(url.authority, &url);
    }
    url.path = s;
    return url;
}

static struct sx_value present(struct sx_slice part, bool empty_too)
{
    return part.data == NULL || (part.size == 0 && !empty_too) ? SX_VALUE_NULL : sx_value_string(part);
}

static struct sx_value protocol(struct sx_call *call, const struct sx_value *args, uint32_t count)
{
    return present(parse(sx_value_slice(args[0])).protocol, false);
}

static struct sx_value host(struct sx_call *call, const struct sx_value *args, uint32_t count)
{
    return present(parse(sx_value_slice(args[0])).host, false);
}

static struct sx_value port(struct sx_call *call, const struct sx_value *args, uint32_t count)
{
    struct sx_slice text = parse(sx_value_slice(args[0])).port;
    int64_t number;

    if (text.data == NULL || !sx_read_int(text, &number) || number < 0 || number > 65535)
        return SX_VALUE_NULL;
    return sx_value_int(number);
}

static struct sx_value path(struct sx_call *call, const struct sx_value *args, uint32_t count)
{
    return present(parse(sx_value_slice(args[0])).path, false);
}

static struct sx_value query(struct sx_call *call, const struct sx_value *args, uint32_t count)
{
    return present(parse(sx_value_slice(args[0])).query, true);
}

static struct sx_value fragment(struct sx_call *call, const struct sx_value *args, uint32_t count)
{
    return present(parse(sx_value_slice(args[0])).fragment, true);
}

static struct sx_value parameter(struct sx_call *call, const struct sx_value *args, uint32_t count)
{
    struct sx_slice rest = parse(sx_value_slice(args[0])).query;

    while (rest.size) {
        struct sx_slice pair = take(&rest, find_any(rest, "&"), 1), name;
        const char *equals = find_any(pair, "=");

        name = take(&pair, equals, 1);
        if (sx_slice_equal(name, sx_value_slice(args[1])))
            return sx_value_string(pair);
    }
    return SX_VALUE_NULL;
}

/* parse_url(u, part [, name]), as Flink and Hive have it. */
static struct sx_value parse_url(struct sx_call *call, const struct sx_value *args, uint32_t count)
{
    const struct url url = parse(sx_value_slice(args[0]));
    const struct sx_value of_query[2] = {args[0], count > 2 ? args[2] : SX_VALUE_NULL};
    const struct {
        const char *name;
        struct sx_slice part;
    } parts[] = {{"HOST", url.host},    {"PATH", url.path},         {"QUERY", url.query},
                 {"REF", url.fragment}, {"PROTOCOL", url.protocol}, {"AUTHORITY", url.authority},
                 {"USERINFO", url.user}};
    struct sx_text file = {.call = call};

    if (count > 2 && sx_slice_equal(sx_value_slice(args[1]), SX_SLICE("QUERY")))
        return parameter(call, of_query, 2);
    for (size_t i = 0; i < SX_COUNT(parts) && count == 2; i++)
        if (sx_slice_equal(sx_value_slice(args[1]), sx_slice(parts[i].name, strlen(parts[i].name))))
            return present(parts[i].part, true);
    if (count > 2 || !sx_slice_equal(sx_value_slice(args[1]), SX_SLICE("FILE")))
        return SX_VALUE_NULL;
    sx_text_add_slice(&file, url.path);
    if (url.query.data != NULL) {
        sx_text_add_byte(&file, '?');
        sx_text_add_slice(&file, url.query);
    }
    return sx_text_value(&file);
}

/* ---- Form encoding --------------------------------------------------------------------------- */

static struct sx_value encode(struct sx_call *call, const struct sx_value *args, uint32_t count)
{
    struct sx_text text = {.call = call};

    for (uint32_t i = 0; i < args[0].size && !text.full; i++) {
        unsigned char c = (unsigned char)args[0].s[i];
        char escape[4];

        if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
            (c != '\0' && strchr(".-*_", c) != NULL)) {
            sx_text_add_byte(&text, (char)c);
        } else if (c == ' ') {
            sx_text_add_byte(&text, '+');
        } else {
            snprintf(escape, sizeof(escape), "%%%02X", c);
            sx_text_add(&text, escape, 3);
        }
    }
    return sx_text_value(&text);
}

static struct sx_value decode(struct sx_call *call, const struct sx_value *args, uint32_t count)
{
    char *to = sx_arena_alloc(call->arena, (size_t)args[0].size + 1);
    uint32_t size = 0;

    for (uint32_t i = 0; i < args[0].size; i++) {
        char c = args[0].s[i];

        if (c == '%') {
            int high = i + 2 < args[0].size ? sx_hex_digit(args[0].s[i + 1]) : -1;
            int low = i + 2 < args[0].size ? sx_hex_digit(args[0].s[i + 2]) : -1;

            if (high < 0 || low < 0)
                return sx_call_fail(call, "%% without two hex digits at byte %u", i + 1);
            c = (char)(high << 4 | low);
            i += 2;
        } else if (c == '+') {
            c = ' ';
        }
        to[size++] = c;
    }
    if (!sx_utf8_valid(sx_slice(to, size)))
        return sx_call_fail(call, "the decoded text is not UTF-8");
    return sx_value_string(sx_slice(to, size));
}

#define ROW(sig, text, sample, gives, function)                                               \
    {                                                                                         \
        .signature = sig, .summary = text, .example = sample, .result = gives, .fn = function \
    }
#define URL "\"https://ada@example.org:8443/a/b?x=1&y=%20#top\""

static const struct sx_function_def rows[] = {
    ROW("url_extract_protocol(u string) string", "The protocol of a URL.", "url_extract_protocol(" URL ")",
        "\"https\"", protocol),
    ROW("url_extract_host(u string) string", "The host of a URL.", "url_extract_host(" URL ")",
        "\"example.org\"", host),
    ROW("url_extract_port(u string) int", "The port of a URL, if written.", "url_extract_port(" URL ")",
        "8443", port),
    ROW("url_extract_path(u string) string", "The path of a URL.", "url_extract_path(" URL ")", "\"/a/b\"",
        path),
    ROW("url_extract_query(u string) string", "The query of a URL, as it stands.",
        "url_extract_query(" URL ")", "\"x=1&y=%20\"", query),
    ROW("url_extract_fragment(u string) string", "The fragment of a URL.", "url_extract_fragment(" URL ")",
        "\"top\"", fragment),
    ROW("url_extract_parameter(u string, name string) string", "A parameter of a URL's query, as it stands.",
        "url_extract_parameter(" URL ", \"y\")", "\"%20\"", parameter),
    ROW("url_encode_param(s string) string", "Encoded as a form does: a space is `+`.",
        "url_encode_param(\"a b&c=ü\")", "\"a+b%26c%3D%C3%BC\"", encode),
    ROW("url_decode_param(s string) string", "Decoded as a form does.", "url_decode_param(\"a+b%26c\")",
        "\"a b&c\"", decode),
    ROW("url_encode(s string) string", "Encoded as a form does, as Flink calls it.", "url_encode(\"a b/ü\")",
        "\"a+b%2F%C3%BC\"", encode),
    ROW("url_decode(s string) string", "Decoded as a form does, as Flink calls it.",
        "url_decode(\"a+b%2F%C3%BC\")", "\"a b/ü\"", decode),
    ROW("parse_url(u string, part string [, name string]) string",
        "A part of a URL: HOST, PATH, QUERY, REF, PROTOCOL, AUTHORITY, FILE or USERINFO, or a parameter of "
        "the QUERY; null if absent.",
        "parse_url(" URL ", \"QUERY\", \"x\")", "\"1\"", parse_url),
};

const struct sx_function_table sx_functions_urls = SX_ROWS_OF("urls", rows);
