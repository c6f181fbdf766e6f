/* parse_body.c: what stands between the braces of a source or a sink. */
#include "dsl/parse.h"

#include "engine/base/text.h"

/* { name T [not null] [from "path"] [default expr], ... } */
void sx_parse_fields(struct sx_parser *p, struct sx_ast_field **fields, uint32_t *count)
{
    sx_want_sign(p, "{", "before the fields");
    while (!p->failed && !sx_at_sign(p, "}")) {
        struct sx_ast_field *field = SX_PARSE_PUSH(p, *fields, *count);

        if (*count > SX_FIELDS_MAX)
            sx_parse_failed(p, p->at->at, NULL, "there are more than %d fields", SX_FIELDS_MAX);
        field->name = sx_want_name(p, "a field's name", &field->at);
        field->type = sx_parse_type(p);
        for (bool more = true; more && !p->failed;) {
            more = false;
            if (sx_at_words(p, "not null")) {
                p->at += 2;
                field->not_null = more = true;
            } else if (sx_take_word(p, "from")) {
                field->path = sx_want_string(p, "the path of the field");
                more = true;
            } else if (sx_take_word(p, "default")) {
                field->preset = sx_parse_expr(p);
                more = true;
            }
        }
        if (!sx_take_sign(p, ","))
            break;
    }
    if (!p->failed && !sx_at_sign(p, "}"))
        sx_parse_failed(p, p->at->at, "fields are `name type`, separated by commas",
                        "expected `,` or `}`, got %s", sx_here(p));
    else
        sx_take_sign(p, "}");
}

static int64_t parse_duration(struct sx_parser *p)
{
    int64_t ms = p->at->integer;

    if (p->at->kind != SX_TOKEN_DURATION) {
        sx_parse_failed(p, p->at->at, "durations are 500ms 10s 5m 2h 7d 1h30m", "expected a duration, got %s",
                        sx_here(p));
        return 0;
    }
    p->at++;
    return ms;
}

static void parse_window_size(struct sx_parser *p, struct sx_ast_format *format)
{
    struct sx_position at = p->at->at;

    format->window_ms = parse_duration(p);
    if (!p->failed && format->window_ms <= 0)
        sx_parse_failed(p, at, NULL, "the size of a window is positive");
}

static void parse_csv_options(struct sx_parser *p, struct sx_ast_format *format)
{
    for (;;) {
        if (sx_take_word(p, "delimiter"))
            format->delimiter = sx_want_string(p, "the delimiter");
        else if (sx_take_word(p, "header"))
            format->header = true;
        else
            return;
    }
}

/* Words that begin the next entry of a body, so that no type is looked for. */
static bool at_entry(const struct sx_parser *p)
{
    static const char *const words[] = {"key", "value", "time", "start", "on", "partition", "headers", "as"};

    for (size_t i = 0; i < SX_COUNT(words); i++)
        if (sx_at_word(p, words[i]))
            return true;
    return sx_at_sign(p, "}");
}

static void parse_format(struct sx_parser *p, struct sx_ast_format *format, bool source, bool key)
{
    format->at = p->at->at;
    if (key && sx_take_word(p, "windowed")) {
        format->windowed = true;
        if (!source && (at_entry(p) || sx_at_sign(p, ",")))
            return;
    }
    if (sx_at_sign(p, ":"))
        sx_parse_failed(p, p->at->at, "leave the colon out: `key string`, `value json { a int }`",
                        "expected a format, got `:`");
    format->name = sx_want_name(p, "a format", NULL);
    if (p->failed)
        return;
    if (strcmp(format->name, "avro") == 0 || strcmp(format->name, "protobuf") == 0) {
        sx_parse_failed(p, format->at, NULL, "the format `%s` is not yet supported", format->name);
        return;
    }
    if (sx_at_sign(p, "{") && !source) {
        sx_parse_failed(p, p->at->at, "leave the fields out; `| map { ... }` before the sink chooses them",
                        "a sink writes the columns of its rows");
    } else if (sx_at_sign(p, "{")) {
        format->has_fields = true;
        sx_parse_fields(p, &format->fields, &format->field_count);
    } else if (strcmp(format->name, "json") == 0 && !at_entry(p)) {
        format->type = sx_parse_type(p);
    }
    if (strcmp(format->name, "csv") == 0)
        parse_csv_options(p, format);
    if (format->windowed && source) {
        if (sx_take_word(p, "session"))
            format->session = true;
        else if (sx_take_word(p, "size"))
            parse_window_size(p, format);
        else
            sx_parse_failed(p, p->at->at, "it is `windowed string size 30s` or `windowed string session`",
                            "expected `size` or `session`, got %s", sx_here(p));
    }
    if (source && key && sx_take_word(p, "as"))
        format->as = sx_want_name(p, "the key column's name", NULL);
}

static bool once(struct sx_parser *p, bool *seen, const char *what)
{
    if (*seen)
        sx_parse_failed(p, p->at->at, NULL, "`%s` is written twice", what);
    *seen = true;
    return !p->failed;
}

static void parse_source_entry(struct sx_parser *p, struct sx_ast_body *body, bool *seen)
{
    if (sx_at_word(p, "start") && once(p, &seen[4], "start")) {
        p->at++;
        body->start_latest = sx_take_word(p, "latest");
        if (!body->start_latest && !sx_take_word(p, "earliest"))
            sx_parse_failed(p, p->at->at, NULL, "expected `earliest` or `latest`, got %s", sx_here(p));
    } else if (sx_at_words(p, "on error") && once(p, &seen[5], "on error")) {
        p->at += 2;
        body->on_error = sx_parse_on_error(p, &body->error_topic, &body->error_at);
    } else if (sx_at_words(p, "on gap") && once(p, &seen[6], "on gap")) {
        p->at += 2;
        body->gap_at = p->at->at;
        if (sx_take_word(p, "earliest"))
            body->on_gap = SX_ON_GAP_EARLIEST;
        else if (sx_take_word(p, "latest"))
            body->on_gap = SX_ON_GAP_LATEST;
        else if (!sx_take_word(p, "fail"))
            sx_parse_failed(p, p->at->at, NULL, "expected `fail`, `earliest` or `latest`, got %s",
                            sx_here(p));
    } else if (!p->failed) {
        sx_parse_failed(p, p->at->at, "a source has `key`, `value`, `time`, `start`, `on error` and `on gap`",
                        "%s cannot stand in the body of a source", sx_here(p));
    }
}

/* { name: expr, "content-type": expr, column } */
static void parse_headers(struct sx_parser *p, struct sx_ast_body *body)
{
    sx_want_sign(p, "{", "before the headers");
    while (!p->failed && !sx_at_sign(p, "}")) {
        struct sx_ast_item *item = SX_PARSE_PUSH(p, body->headers, body->header_count);
        bool quoted = p->at->kind == SX_TOKEN_STRING;
        const char *name = p->at->text;
        struct sx_position at = p->at->at;

        if (body->header_count > SX_FIELDS_MAX)
            sx_parse_failed(p, at, NULL, "there are more than %d headers", SX_FIELDS_MAX);
        if (quoted) {
            p->at++;
            sx_want_sign(p, ":", "behind the header's name");
        }
        sx_parse_item(p, item);
        if (quoted) {
            item->name = name;
            item->at = at;
        }
        if (!sx_take_sign(p, ","))
            break;
    }
    sx_want_sign(p, "}", "behind the headers");
}

static void parse_sink_entry(struct sx_parser *p, struct sx_ast_body *body, bool *seen)
{
    if (sx_at_words(p, "partition by") && once(p, &seen[4], "partition by")) {
        p->at += 2;
        body->partition = sx_parse_expr(p);
    } else if (sx_at_word(p, "headers") && once(p, &seen[5], "headers")) {
        p->at++;
        parse_headers(p, body);
    } else if (!p->failed) {
        sx_parse_failed(p, p->at->at, "a sink has `key`, `value`, `time`, `partition by` and `headers`",
                        "%s cannot stand in the body of a sink", sx_here(p));
    }
}

struct sx_ast_body *sx_parse_body(struct sx_parser *p, bool source)
{
    struct sx_ast_body *body = SX_ARENA_NEW(p->arena, struct sx_ast_body);
    bool seen[7] = {false};

    body->at = p->at->at;
    sx_want_sign_or(p, "{", "before the body",
                    source ? "write `{ key string  value json { ... } }`" : "write `{ key F  value F }`");
    while (!p->failed && !sx_at_sign(p, "}") && p->at->kind != SX_TOKEN_END) {
        if (sx_at_word(p, "key") && once(p, &seen[0], "key")) {
            p->at++;
            parse_format(p, &body->key, source, true);
        } else if (sx_at_word(p, "value") && once(p, &seen[1], "value")) {
            p->at++;
            parse_format(p, &body->value, source, false);
        } else if (sx_at_word(p, "time") && once(p, &seen[2], "time")) {
            p->at++;
            body->time = sx_parse_expr(p);
            body->idle_at = p->at->at;
            if (source && sx_take_word(p, "idle")) {
                body->idle_at = p->at->at;
                body->idle_ms = parse_duration(p);
                if (!p->failed && body->idle_ms <= 0)
                    sx_parse_failed(p, body->idle_at, NULL, "`idle` must be positive");
            }
        } else if (!p->failed && source) {
            parse_source_entry(p, body, seen);
        } else if (!p->failed) {
            parse_sink_entry(p, body, seen);
        }
        sx_take_sign(p, ",");
    }
    sx_want_sign(p, "}", "behind the body");
    return body;
}
