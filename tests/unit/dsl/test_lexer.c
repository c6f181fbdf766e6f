/* test_lexer.c: tokens and their places. */
#include "dsl/lexer.h"
#include "tests/unit/unit.h"

/* Lex, and write the tokens down: kind:value@line.column+length. Mistakes behind them. */
static const char *lex_bytes(const char *text, size_t size)
{
    static const char *const kinds[] = {"end",      "name", "int",  "double", "string",
                                        "duration", "size", "meta", "sign",   "bad"};
    static struct sx_buffer out;
    struct sx_arena arena;
    struct sx_diagnostics d = {.arena = &arena};
    char *copy = sx_malloc(size ? size : 1);
    struct sx_text t = {.name = "t", .data = copy, .size = size};
    struct sx_token *tokens;
    uint32_t count;

    if (size)
        memcpy(copy, text, size);
    sx_arena_init(&arena, 0);
    out.size = 0;
    tokens = sx_lex(&t, &arena, &d, &count);
    for (uint32_t i = 0; i < count; i++) {
        const struct sx_token *k = &tokens[i];

        sx_buffer_printf(&out, "%s%s", i ? " " : "", kinds[k->kind]);
        if (k->kind == SX_TOKEN_END)
            break;
        if (k->kind == SX_TOKEN_INT || k->kind == SX_TOKEN_DURATION || k->kind == SX_TOKEN_SIZE)
            sx_buffer_printf(&out, ":%lld", (long long)k->integer);
        else if (k->kind == SX_TOKEN_DOUBLE)
            sx_buffer_printf(&out, ":%.17g", k->real);
        else if (k->kind != SX_TOKEN_BAD)
            sx_buffer_printf(&out, ":%.*s", (int)k->size, k->text);
        sx_buffer_printf(&out, "@%u.%u+%u", k->at.line, k->at.column, k->at.length);
    }
    for (uint32_t i = 0; i < d.count; i++)
        sx_buffer_printf(&out, " | %u.%u+%u %s", d.items[i].at.line, d.items[i].at.column,
                         d.items[i].at.length, d.items[i].message);
    sx_buffer_add_byte(&out, '\0');
    sx_arena_free(&arena);
    free(copy);
    return out.data;
}

static const char *lex(const char *text) { return lex_bytes(text, strlen(text)); }

static void names_and_signs(void)
{
    SX_ASSERT_TEXT(lex("a _b9 `odd name`"), "name:a@1.1+1 name:_b9@1.3+3 name:odd name@1.7+10 end");
    SX_ASSERT_TEXT(lex("a<=b<-c->d??e"), "name:a@1.1+1 sign:<=@1.2+2 name:b@1.4+1 sign:<-@1.5+2 "
                                         "name:c@1.7+1 "
                                         "sign:->@1.8+2 name:d@1.10+1 sign:??@1.11+2 name:e@1.13+1 end");
    SX_ASSERT_TEXT(lex("=~ !~ != == ="),
                   "sign:=~@1.1+2 sign:!~@1.4+2 sign:!=@1.7+2 sign:==@1.10+2 sign:=@1.13+1 end");
    SX_ASSERT_TEXT(lex("@key @ 5"), "meta:key@1.1+4 sign:@@1.6+1 int:5@1.8+1 end");
}

static void lines_and_comments(void)
{
    SX_ASSERT_TEXT(lex("a # b `\"\n  c\r\n\td"), "name:a@1.1+1 name:c@2.3+1 name:d@3.2+1 end");
    SX_ASSERT_TEXT(lex(""), "end");
    SX_ASSERT_TEXT(lex("# only"), "end");
    SX_ASSERT_TEXT(lex("\n\n"), "end");
}

static void numbers(void)
{
    SX_ASSERT_TEXT(lex("42 1_000_000 1.5e3 2e-1 0.5"),
                   "int:42@1.1+2 int:1000000@1.4+9 double:1500@1.14+5 double:0.20000000000000001@1.20+4 "
                   "double:0.5@1.25+3 end");
    SX_ASSERT_TEXT(lex("500ms 1h30m 7d 64MiB 0s"),
                   "duration:500@1.1+5 duration:5400000@1.7+5 "
                   "duration:604800000@1.13+2 size:67108864@1.16+5 duration:0@1.22+2 end");
    SX_ASSERT_TEXT(lex("0s..1m"), "duration:0@1.1+2 sign:..@1.3+2 duration:60000@1.5+2 end");
    SX_ASSERT_TEXT(lex("1..2"), "int:1@1.1+1 sign:..@1.2+2 int:2@1.4+1 end");
    SX_ASSERT_TEXT(lex("9223372036854775807"), "int:9223372036854775807@1.1+19 end");
    SX_ASSERT_TEXT(lex("99999999999999999999"),
                   "int:0@1.1+20 end | 1.1+20 `99999999999999999999` does not fit into an int");
    SX_ASSERT_TEXT(lex("1.2.3"), "int:0@1.1+5 end | 1.1+5 `1.2.3` is no number, duration or size");
    SX_ASSERT_TEXT(lex("5x"), "int:0@1.1+2 end | 1.1+2 `5x` is no number, duration or size");
    SX_ASSERT_TEXT(lex("1e999"), "int:0@1.1+5 end | 1.1+5 `1e999` does not fit into a double");
}

static void strings(void)
{
    SX_ASSERT_TEXT(lex("\"a\\n\\t\\r\\\\\\\"\\'b\""), "string:a\n\t\r\\\"'b@1.1+16 end");
    SX_ASSERT_TEXT(lex("'it\"s' \"it's\""), "string:it\"s@1.1+6 string:it's@1.8+6 end");
    SX_ASSERT_TEXT(lex("\"\\u{1F600}\\u{41}\""), "string:\xf0\x9f\x98\x80"
                                                 "A@1.1+17 end");
    SX_ASSERT_TEXT(lex("r\"\\d+\" r'\\n'"), "string:\\d+@1.1+6 string:\\n@1.8+5 end");
    SX_ASSERT_TEXT(lex("r \"x\""), "name:r@1.1+1 string:x@1.3+3 end");
    SX_ASSERT_TEXT(lex("\"\""), "string:@1.1+2 end");
    SX_ASSERT_TEXT(lex("\"\\d\""), "string:@1.1+4 end | 1.2+2 `\\d` is no escape");
    SX_ASSERT_TEXT(lex("\"a\nb"), "string:a@1.1+2 name:b@2.1+1 end | 1.1+1 the string has no end");
    SX_ASSERT_TEXT(lex("\"a\\"),
                   "string:a@1.1+3 end | 1.3+1 `\\` is no escape | 1.1+1 the string has no end");
    SX_ASSERT_TEXT(lex("\"\xff\""), "string:\xff@1.1+3 end | 1.1+3 the string is not valid UTF-8");
}

static void what_is_no_token(void)
{
    SX_ASSERT_TEXT(lex("a && b"),
                   "name:a@1.1+1 name:and@1.3+2 name:b@1.6+1 end | 1.3+2 `&&` cannot stand here");
    SX_ASSERT_TEXT(lex("\xc3\xa9"), "bad@1.1+2 end | 1.1+2 `\xc3\xa9` cannot stand here");
    SX_ASSERT_TEXT(lex_bytes("a\0b", 3),
                   "name:a@1.1+1 bad@1.2+1 name:b@1.3+1 end | 1.2+1 the byte 0x00 cannot stand here");
    SX_ASSERT_TEXT(lex("`a"), "bad@1.1+2 end | 1.1+1 the name between backquotes has no end");
    SX_ASSERT_TEXT(lex("``"), "bad@1.1+2 end | 1.1+1 the name between backquotes has no letters");
    SX_ASSERT_TEXT(lex("`a\tb`"),
                   "bad@1.1+2 name:b@1.4+1 bad@1.5+1 end | 1.1+1 the name between backquotes has no end | "
                   "1.5+1 the name between backquotes has no end");
}

void suite_lexer(void)
{
    SX_SUITE("lexer");
    SX_TEST(names_and_signs);
    SX_TEST(lines_and_comments);
    SX_TEST(numbers);
    SX_TEST(strings);
    SX_TEST(what_is_no_token);
}
