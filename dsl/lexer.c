/* lexer.c: see lexer.h. */
#include "dsl/lexer.h"

#include "dsl/elsewhere.h"

#include "engine/base/bytes.h"
#include "engine/base/text.h"

struct lexer {
    const struct sx_text *text;
    const char *at, *end, *line_start;
    uint32_t line;
    struct sx_arena *arena;
    struct sx_diagnostics *d;
    struct sx_token *tokens;
    uint32_t count, room;
    uint32_t depth; /* of braces */
};

/* Longest first, so that `<=` is not `<` and `=`. */
static const char *const signs[] = {"->", "<-", "@", "==", "!=", "<=", ">=", "=~", "!~", "??",
                                    "..", "{",  "}", "(",  ")",  "[",  "]",  ",",  ":",  ".",
                                    "|",  "<",  ">", "=",  "+",  "-",  "*",  "/",  "%"};

static bool is_name_start(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }
static bool is_digit(char c) { return c >= '0' && c <= '9'; }
static bool is_name(char c) { return is_name_start(c) || is_digit(c); }

static struct sx_position position(const struct lexer *x, const char *from, const char *to)
{
    return (struct sx_position){.file = x->text->name,
                                .line = x->line,
                                .column = (uint32_t)(from - x->line_start) + 1,
                                .length = (uint32_t)(to > from ? to - from : 1)};
}

static struct sx_token *add(struct lexer *x, enum sx_token_kind kind, const char *from, const char *to)
{
    struct sx_token *token;

    if (x->count == x->room) {
        uint32_t room = x->room ? x->room * 2 : 256;
        struct sx_token *tokens = SX_ARENA_ARRAY(x->arena, struct sx_token, room);

        if (x->count)
            memcpy(tokens, x->tokens, sizeof(*tokens) * x->count);
        x->tokens = tokens;
        x->room = room;
    }
    token = &x->tokens[x->count++];
    token->kind = kind;
    token->at = position(x, from, to);
    token->text = sx_arena_strndup(x->arena, from, (size_t)(to - from));
    token->size = (uint32_t)(to - from);
    return token;
}

static void skip_space(struct lexer *x)
{
    while (x->at < x->end) {
        if (*x->at == '#') {
            while (x->at < x->end && *x->at != '\n')
                x->at++;
        } else if (*x->at == '\n') {
            x->at++;
            x->line++;
            x->line_start = x->at;
        } else if (*x->at == ' ' || *x->at == '\t' || *x->at == '\r') {
            x->at++;
        } else {
            return;
        }
    }
}

/* `\u{1F600}` behind the backslash; true if it was one. */
static bool read_escape_code(struct lexer *x, struct sx_buffer *to)
{
    const char *p = x->at + 1;
    uint32_t code = 0, digits = 0;
    char utf8[4];
    size_t size;

    if (p >= x->end || *p++ != '{')
        return false;
    for (; p < x->end && digits <= 6; p++, digits++) {
        int v = is_digit(*p)             ? *p - '0'
                : *p >= 'a' && *p <= 'f' ? *p - 'a' + 10
                : *p >= 'A' && *p <= 'F' ? *p - 'A' + 10
                                         : -1;
        if (v < 0)
            break;
        code = code * 16 + (uint32_t)v;
    }
    if (digits == 0 || digits > 6 || p >= x->end || *p != '}' || (size = sx_utf8_write(utf8, code)) == 0)
        return false;
    sx_buffer_add(to, utf8, size);
    x->at = p + 1;
    return true;
}

static void read_escape(struct lexer *x, struct sx_buffer *to)
{
    static const char letters[] = "ntr\\\"'", meanings[] = "\n\t\r\\\"'";
    const char *from = x->at++, *found;

    if (x->at < x->end && *x->at == 'u' && read_escape_code(x, to))
        return;
    found = x->at < x->end && *x->at ? strchr(letters, *x->at) : NULL;
    if (found != NULL) {
        sx_buffer_add_byte(to, meanings[found - letters]);
        x->at++;
        return;
    }
    if (x->at < x->end && *x->at == 'u') {
        sx_diagnose(x->d, STREAMD_E_SYNTAX, position(x, from, x->at + 1), "write \\u{1F600}",
                    "`\\u` needs the number of a character, in hexadecimal digits between braces");
        x->at++;
        return;
    }
    sx_diagnose(x->d, STREAMD_E_SYNTAX, position(x, from, SX_MIN(x->at + 1, x->end)),
                "escapes are \\n \\t \\r \\\\ \\\" \\' \\u{...}; for a pattern write a raw string: r\"\\d+\"",
                "`%.*s` is no escape", (int)(SX_MIN(x->at + 1, x->end) - from), from);
    if (x->at < x->end && *x->at != '\n')
        x->at++;
}

static void lex_string(struct lexer *x, bool raw)
{
    const char *from = x->at, *opening;
    char quote;
    struct sx_buffer text = {0};
    struct sx_token *token;

    x->at += raw;
    opening = x->at;
    quote = *x->at++;
    while (x->at < x->end && *x->at != quote && *x->at != '\n') {
        if (*x->at == '\\' && !raw)
            read_escape(x, &text);
        else
            sx_buffer_add_byte(&text, *x->at++);
    }
    if (x->at >= x->end || *x->at != quote)
        sx_diagnose(x->d, STREAMD_E_SYNTAX, position(x, opening, opening + 1),
                    "a string ends on its own line", "the string has no end");
    else
        x->at++;
    token = add(x, SX_TOKEN_STRING, from, x->at);
    token->raw = raw;
    token->text = sx_arena_strndup(x->arena, text.data ? text.data : "", text.size);
    token->size = (uint32_t)text.size;
    if (!sx_utf8_valid(sx_slice(token->text, token->size)))
        sx_diagnose(x->d, STREAMD_E_SYNTAX, token->at, NULL, "the string is not valid UTF-8");
    sx_buffer_free(&text);
}

static void lex_backquoted(struct lexer *x)
{
    const char *from = x->at++;
    struct sx_token *token;

    while (x->at < x->end && *x->at != '`' && (unsigned char)*x->at >= ' ' && *x->at != 0x7f)
        x->at++;
    if (x->at >= x->end || *x->at != '`' || x->at == from + 1) {
        sx_diagnose(x->d, STREAMD_E_SYNTAX, position(x, from, from + 1), NULL,
                    "the name between backquotes has no %s",
                    x->at < x->end && *x->at == '`' ? "letters" : "end");
        x->at += x->at < x->end && *x->at == '`';
        add(x, SX_TOKEN_BAD, from, x->at);
        return;
    }
    x->at++;
    token = add(x, SX_TOKEN_NAME, from, x->at);
    token->text = sx_arena_strndup(x->arena, from + 1, (size_t)(x->at - from) - 2);
    token->size = (uint32_t)(x->at - from) - 2;
    token->quoted = true;
    if (!sx_utf8_valid(sx_slice(token->text, token->size)))
        sx_diagnose(x->d, STREAMD_E_SYNTAX, token->at, NULL, "the name is not valid UTF-8");
}

/* `64MiB` and the like. */
static bool read_size(struct sx_slice text, int64_t *bytes)
{
    static const struct {
        const char *unit;
        int64_t bytes;
    } units[] = {{"B", 1}, {"KiB", 1 << 10}, {"MiB", 1 << 20}, {"GiB", 1 << 30}};
    uint32_t digits = 0;

    while (digits < text.size && is_digit(text.data[digits]))
        digits++;
    for (size_t u = 0; u < SX_COUNT(units); u++)
        if (sx_slice_equal(sx_slice(text.data + digits, text.size - digits), sx_slice_of(units[u].unit)))
            return sx_read_int(sx_slice(text.data, digits), bytes) &&
                   !__builtin_mul_overflow(*bytes, units[u].bytes, bytes);
    return false;
}

/* digits [. digits] [e [sign] digits]: a double, if a large one. */
static bool is_plain_real(const char *text, size_t size)
{
    size_t at = 0;

    while (at < size && is_digit(text[at]))
        at++;
    if (at < size && text[at] == '.')
        for (at++; at < size && is_digit(text[at]);)
            at++;
    if (at < size && (text[at] == 'e' || text[at] == 'E')) {
        at += 1 + (at + 1 < size && (text[at + 1] == '-' || text[at + 1] == '+'));
        if (at == size)
            return false;
        while (at < size && is_digit(text[at]))
            at++;
    }
    return at == size;
}

static void lex_number(struct lexer *x)
{
    const char *from = x->at;
    char plain[64];
    size_t size = 0;
    bool real = false;
    struct sx_slice text;
    struct sx_token *token;

    while (x->at < x->end &&
           (is_name(*x->at) || (*x->at == '.' && x->at + 1 < x->end && is_digit(x->at[1])) ||
            ((*x->at == '-' || *x->at == '+') && (x->at[-1] == 'e' || x->at[-1] == 'E') && is_digit(*from) &&
             x->at + 1 < x->end && is_digit(x->at[1])))) {
        real |= *x->at == '.' || ((*x->at == 'e' || *x->at == 'E') && size && is_digit(x->at[-1]));
        if (*x->at != '_' && size < sizeof(plain))
            plain[size++] = *x->at;
        x->at++;
    }
    text = sx_slice(plain, SX_MIN(size, sizeof(plain)));
    token = add(x, SX_TOKEN_INT, from, x->at);
    if (size >= sizeof(plain)) {
        sx_diagnose(x->d, STREAMD_E_SYNTAX, token->at, NULL, "the number is too long");
        return;
    }
    if (sx_read_int(text, &token->integer))
        return;
    /* The smallest int has no positive: the parser takes this one behind a minus only. */
    if (sx_slice_equal(text, SX_SLICE("9223372036854775808"))) {
        token->integer = INT64_MIN;
        return;
    }
    if (sx_read_duration(text, &token->integer)) {
        token->kind = SX_TOKEN_DURATION;
    } else if (read_size(text, &token->integer)) {
        token->kind = SX_TOKEN_SIZE;
    } else if (real && sx_read_double(text, &token->real)) {
        token->kind = SX_TOKEN_DOUBLE;
    } else {
        bool digits = strspn(token->text, "0123456789_") == token->size;
        bool large = digits || is_plain_real(plain, size);

        token->integer = 0;

        sx_diagnose(x->d, STREAMD_E_SYNTAX, token->at,
                    digits  ? "an int has 64 bits"
                    : large ? NULL
                            : "durations are 500ms 10s 5m 2h 7d 1h30m, sizes 64MiB",
                    large ? "`%s` does not fit into %s" : "`%s` is no number, duration or size", token->text,
                    digits ? "an int" : "a double");
    }
}

/* A character of UTF-8 as a whole, `&&` and `||` as people know them. */
static void lex_bad(struct lexer *x)
{
    const char *from = x->at;
    bool twice = x->at + 1 < x->end && *x->at == '&' && x->at[1] == '&';

    do
        x->at++;
    while (x->at < x->end && ((unsigned char)*x->at & 0xc0) == 0x80);
    x->at += twice;
    if ((unsigned char)*from < ' ' || *from == 0x7f)
        sx_diagnose(x->d, STREAMD_E_SYNTAX, position(x, from, x->at), NULL,
                    "the byte 0x%02x cannot stand here", (unsigned char)*from);
    else
        sx_diagnose(x->d, STREAMD_E_SYNTAX, position(x, from, x->at), sx_sign_elsewhere(*from),
                    "`%.*s` cannot stand here", (int)(x->at - from), from);
    /* What follows is read as if it had been written rightly. */
    if (*from == ';' && x->depth == 0)
        return;
    if (*from == ';') {
        add(x, SX_TOKEN_SIGN, from, x->at)->text = ",";
        return;
    }
    if (*from == '&' || *from == '!') {
        struct sx_token *token = add(x, SX_TOKEN_NAME, from, x->at);

        token->text = *from == '&' ? "and" : "not";
        token->size = 3;
        return;
    }
    add(x, SX_TOKEN_BAD, from, x->at);
}

static void lex_one(struct lexer *x)
{
    const char *from = x->at;

    if ((*x->at == 'r') && x->at + 1 < x->end && (x->at[1] == '"' || x->at[1] == '\'')) {
        lex_string(x, true);
    } else if (is_name_start(*x->at)) {
        while (x->at < x->end && is_name(*x->at))
            x->at++;
        add(x, SX_TOKEN_NAME, from, x->at);
    } else if (is_digit(*x->at)) {
        lex_number(x);
    } else if (*x->at == '"' || *x->at == '\'') {
        lex_string(x, false);
    } else if (*x->at == '`') {
        lex_backquoted(x);
    } else if (*x->at == '@' && x->at + 1 < x->end && is_name_start(x->at[1])) {
        struct sx_token *token;

        for (x->at++; x->at < x->end && is_name(*x->at);)
            x->at++;
        token = add(x, SX_TOKEN_META, from, x->at);
        token->text++;
        token->size--;
    } else {
        for (size_t s = 0; s < SX_COUNT(signs); s++) {
            size_t size = strlen(signs[s]);

            if ((size_t)(x->end - x->at) >= size && memcmp(x->at, signs[s], size) == 0) {
                x->at += size;
                x->depth += (*from == '{') - (*from == '}' && x->depth > 0);
                add(x, SX_TOKEN_SIGN, from, x->at);
                return;
            }
        }
        lex_bad(x);
    }
}

struct sx_token *sx_lex(const struct sx_text *text, struct sx_arena *arena, struct sx_diagnostics *d,
                        uint32_t *count)
{
    struct lexer x = {
        .text = text, .at = text->data, .end = text->data + text->size, .line = 1, .arena = arena, .d = d};

    x.line_start = x.at;
    if (text->size > SX_TEXT_MAX) {
        sx_diagnose(d, STREAMD_E_SYNTAX, position(&x, x.at, x.at), NULL, "the file is larger than 1 MiB");
        x.end = x.at;
    }
    for (skip_space(&x); x.at < x.end && d->count < SX_ERRORS_MAX; skip_space(&x))
        lex_one(&x);
    add(&x, SX_TOKEN_END, x.at, x.at);
    *count = x.count;
    return x.tokens;
}
