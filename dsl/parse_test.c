/* parse_test.c: `test` blocks. Values are literals; they become JSON text. */
#include "dsl/parse.h"
#include "dsl/test_block.h"

#include "engine/base/text.h"

static void add_json_string(struct sx_buffer *to, const char *text, size_t size)
{
    sx_buffer_add_byte(to, '"');
    for (size_t i = 0; i < size; i++) {
        unsigned char c = (unsigned char)text[i];

        if (c == '"' || c == '\\')
            sx_buffer_add_byte(to, '\\');
        if (c < ' ')
            sx_buffer_printf(to, "\\u%04x", c);
        else
            sx_buffer_add_byte(to, (char)c);
    }
    sx_buffer_add_byte(to, '"');
}

/* With the digits that are written: the column may be a decimal. */
static void add_real(const struct sx_ast *ast, struct sx_buffer *to)
{
    const char *at = ast->text, *end = ast->text + ast->size;

    while (end - at > 1 && *at == '0' && at[1] != '.' && at[1] != 'e' && at[1] != 'E')
        at++;
    for (; at < end; at++)
        if (*at != '_')
            sx_buffer_add_byte(to, *at);
}

static void add_json(struct sx_parser *p, const struct sx_ast *ast, struct sx_buffer *to)
{
    char number[SX_NUMBER_BYTES];

    switch (ast->kind) {
    case SX_AST_ERROR:
    case SX_AST_NULL:
        sx_buffer_add_text(to, "null");
        return;
    case SX_AST_BOOL:
        sx_buffer_add_text(to, ast->integer ? "true" : "false");
        return;
    case SX_AST_INT:
    case SX_AST_DURATION:
    case SX_AST_TIMESTAMP:
        sx_buffer_add(to, number, sx_write_int(number, ast->integer));
        return;
    case SX_AST_DOUBLE:
        add_real(ast, to);
        return;
    case SX_AST_DECIMAL:
        sx_buffer_add(to, ast->text, ast->size);
        return;
    case SX_AST_STRING:
        add_json_string(to, ast->text, ast->size);
        return;
    case SX_AST_DATE:
    case SX_AST_TIME:
        sx_buffer_add_byte(to, '"');
        (ast->kind == SX_AST_DATE ? sx_add_date : sx_add_time)(to, ast->integer);
        sx_buffer_add_byte(to, '"');
        return;
    case SX_AST_NEGATE:
        if (ast->args[0]->kind == SX_AST_INT || ast->args[0]->kind == SX_AST_DOUBLE ||
            ast->args[0]->kind == SX_AST_DURATION || ast->args[0]->kind == SX_AST_DECIMAL) {
            sx_buffer_add_byte(to, '-');
            add_json(p, ast->args[0], to);
            return;
        }
        break;
    case SX_AST_ARRAY:
        for (uint32_t i = 0; i < ast->count; i++) {
            sx_buffer_add_byte(to, i ? ',' : '[');
            add_json(p, ast->args[i], to);
        }
        sx_buffer_add_text(to, ast->count ? "]" : "[]");
        return;
    case SX_AST_STRUCT:
        for (uint32_t i = 0; i < ast->count; i++) {
            sx_buffer_add_byte(to, i ? ',' : '{');
            add_json_string(to, ast->names[i], strlen(ast->names[i]));
            sx_buffer_add_byte(to, ':');
            add_json(p, ast->args[i], to);
        }
        sx_buffer_add_text(to, ast->count ? "}" : "{}");
        return;
    case SX_AST_MAP:
        for (uint32_t i = 0; i + 1 < ast->count; i += 2) {
            sx_buffer_add_byte(to, i ? ',' : '{');
            add_json(p, ast->args[i], to);
            sx_buffer_add_byte(to, ':');
            add_json(p, ast->args[i + 1], to);
        }
        sx_buffer_add_text(to, ast->count ? "}" : "{}");
        return;
    default:
        break;
    }
    sx_parse_failed(p, ast->at, NULL, "a test's values are literals");
    sx_buffer_add_text(to, "null");
}

/* Can a literal begin here? */
static bool at_value(const struct sx_parser *p)
{
    return p->at->kind != SX_TOKEN_END &&
           (p->at->kind != SX_TOKEN_SIGN || sx_at_sign(p, "{") || sx_at_sign(p, "[") || sx_at_sign(p, "-"));
}

/* A literal: `raw "..."`, `{ =a: 1 }`, or any constant. */
static struct sx_literal parse_literal(struct sx_parser *p, const char *what)
{
    struct sx_literal literal = {0};
    struct sx_buffer json = {0};
    struct sx_ast *ast;

    if (!at_value(p)) {
        sx_parse_failed(p, p->at->at,
                        "a step is `SOURCE <- KEY VALUE` or `NAME -> KEY VALUE`; none is `null`",
                        "expected %s, got %s", what, sx_here(p));
        return literal;
    }
    if (sx_at_word(p, "raw") && p->at[1].kind == SX_TOKEN_STRING) {
        literal.raw = true;
        p->at++;
    }
    if (sx_at_sign(p, "{") && p->at[1].kind == SX_TOKEN_SIGN && strcmp(p->at[1].text, "=") == 0) {
        literal.exact = true;
        p->at += 2;
        ast = sx_ast_new(p, SX_AST_STRUCT, p->at->at);
        while (!p->failed && !sx_at_sign(p, "}")) {
            uint32_t names = ast->count;
            const char *name = p->at->text;

            if (p->at->kind != SX_TOKEN_NAME)
                sx_parse_failed(p, p->at->at, NULL, "expected a field's name, got %s", sx_here(p));
            else
                p->at++;
            sx_want_sign(p, ":", "behind the field's name");
            *SX_PARSE_PUSH(p, ast->names, names) = name;
            sx_ast_add(p, ast, sx_parse_expr(p));
            if (!sx_take_sign(p, ","))
                break;
        }
        sx_want_sign(p, "}", "behind the fields");
    } else {
        ast = sx_parse_value(p);
    }
    if (!p->failed)
        add_json(p, ast, &json);
    literal.json = sx_arena_strndup(p->arena, json.data ? json.data : "null", json.data ? json.size : 4);
    sx_buffer_free(&json);
    return literal;
}

/* A time: a duration since 1970, or timestamp "...". */
static int64_t parse_time(struct sx_parser *p)
{
    struct sx_ast *ast = sx_parse_value(p);
    bool negative = ast->kind == SX_AST_NEGATE;

    if (negative)
        ast = ast->args[0];
    if (ast->kind != SX_AST_DURATION && ast->kind != SX_AST_TIMESTAMP && ast->kind != SX_AST_INT)
        sx_parse_failed(p, ast->at, "times are durations since 1970, or `timestamp \"...\"`",
                        "expected a time");
    return negative ? -ast->integer : ast->integer;
}

static void parse_headers(struct sx_parser *p, struct sx_step *step)
{
    struct sx_test_header *headers = NULL;

    sx_want_sign(p, "{", "before the headers");
    while (!p->failed && !sx_at_sign(p, "}")) {
        struct sx_test_header *header = SX_PARSE_PUSH(p, headers, step->header_count);

        header->name =
            p->at->kind == SX_TOKEN_STRING ? (p->at++)->text : sx_want_name(p, "a header's name", NULL);
        sx_want_sign(p, ":", "behind the header's name");
        header->value = sx_want_string(p, "the header's value");
        if (!sx_take_sign(p, ","))
            break;
    }
    sx_want_sign(p, "}", "behind the headers");
    step->headers = headers;
}

/* What is said of a row is said once. */
static bool once(struct sx_parser *p, const char *what, bool *said)
{
    if (*said)
        sx_parse_failed(p, p->at->at, NULL, "%s is written twice", what);
    *said = true;
    return !p->failed;
}

static void parse_row_options(struct sx_parser *p, struct sx_step *step)
{
    bool has_partition = false;

    while (!p->failed) {
        if (sx_at_sign(p, "@")) {
            if (!once(p, "the time", &step->has_time))
                return;
            p->at++;
            step->time_ms = parse_time(p);
        } else if (p->at->kind == SX_TOKEN_META && strcmp(p->at->text, "timestamp") == 0 &&
                   p->at[1].kind == SX_TOKEN_STRING) {
            /* `@timestamp "..."`, written together */
            if (!once(p, "the time", &step->has_time))
                return;
            if (!sx_read_timestamp(sx_slice(p->at[1].text, p->at[1].size), &step->time_ms))
                sx_parse_failed(p, p->at[1].at, "write \"2026-01-31T10:00:00Z\"", "`%s` is no timestamp",
                                p->at[1].text);
            p->at += 2;
        } else if (sx_at_word(p, "partition")) {
            if (step->kind != SX_STEP_SEND)
                sx_parse_failed(p, p->at->at,
                                "a record that is sent has one: `SOURCE <- KEY VALUE partition N`",
                                "rows that come are not looked at by partition");
            if (!once(p, "`partition`", &has_partition))
                return;
            p->at++;
            if (p->at->kind != SX_TOKEN_INT || p->at->integer < 0 || p->at->integer > INT32_MAX)
                sx_parse_failed(p, p->at->at, NULL, "expected the partition's number, got %s", sx_here(p));
            else
                step->partition = (int32_t)(p->at++)->integer;
        } else if (sx_at_word(p, "headers")) {
            if (step->kind == SX_STEP_EXPECT && !step->is_topic)
                sx_parse_failed(p, p->at->at,
                                "expect the record of a sink: `\"topic\" -> KEY VALUE headers { ... }`",
                                "a definition's rows have no headers of their own");
            if (!once(p, "`headers`", &step->has_headers))
                return;
            p->at++;
            parse_headers(p, step);
        } else if (sx_at_word(p, "window")) {
            if (!once(p, "`window`", &step->has_window))
                return;
            p->at++;
            step->window_start = parse_time(p);
            sx_want_sign(p, "..", "between the window's start and end");
            step->window_end = parse_time(p);
        } else {
            return;
        }
    }
}

static void parse_count(struct sx_parser *p, struct sx_step *step)
{
    step->kind = SX_STEP_DROPPED;
    sx_want_sign(p, "==", "before the count");
    if (p->at->kind != SX_TOKEN_INT)
        sx_parse_failed(p, p->at->at, NULL, "expected a count, got %s", sx_here(p));
    else
        step->count = (p->at++)->integer;
}

static void parse_words(struct sx_parser *p, struct sx_step *step)
{
    const struct sx_token *next = p->at + (p->at->kind != SX_TOKEN_END);
    bool arrow =
        next->kind == SX_TOKEN_SIGN && (strcmp(next->text, "<-") == 0 || strcmp(next->text, "->") == 0);

    if (!arrow && sx_take_word(p, "advance")) {
        step->kind = SX_STEP_ADVANCE;
        step->time_ms = parse_time(p);
    } else if (!arrow && sx_take_word(p, "dropped")) {
        step->name = sx_want_name(p, "the reason", NULL);
        parse_count(p, step);
    } else if (!arrow && sx_take_word(p, "late")) {
        step->name = "late";
        parse_count(p, step);
    } else if (!arrow && sx_take_word(p, "error")) {
        step->kind = SX_STEP_ERROR;
        step->name = sx_want_string(p, "a part of the error's message");
    } else {
        step->is_topic = p->at->kind == SX_TOKEN_STRING;
        step->name =
            step->is_topic ? (p->at++)->text : sx_want_name(p, "a source, a definition or a topic", NULL);
        if (sx_take_sign(p, "<-")) {
            step->kind = SX_STEP_SEND;
        } else if (sx_take_sign(p, "->")) {
            step->kind = SX_STEP_EXPECT;
            if (sx_take_word(p, "nothing")) {
                step->kind = SX_STEP_NOTHING;
                return;
            }
        } else {
            sx_parse_failed(p, p->at->at, "a step is `SOURCE <- KEY VALUE` or `NAME -> KEY VALUE`",
                            "expected `<-` or `->`, got %s", sx_here(p));
            return;
        }
        step->key = parse_literal(p, "the key");
        step->value = parse_literal(p, "the value");
        parse_row_options(p, step);
    }
}

static void parse_step(struct sx_parser *p, struct sx_step *step)
{
    step->at = p->at->at;
    parse_words(p, step);
    step->last = p->at[-1].at;
}

struct sx_test *sx_parse_test(struct sx_parser *p)
{
    struct sx_test *test = SX_ARENA_NEW(p->arena, struct sx_test);

    test->at = p->at->at;
    test->name = sx_want_string(p, "what the test shows");
    sx_want_sign(p, "{", "before the steps");
    while (!p->failed && !sx_at_sign(p, "}"))
        parse_step(p, SX_PARSE_PUSH(p, test->steps, test->step_count));
    sx_want_sign(p, "}", "behind the steps");
    return test;
}
