/* parse.c: statements and pipelines. */
#include "dsl/parse.h"

#include "dsl/elsewhere.h"

#include "engine/base/text.h"

#include <stdarg.h>

/* ---- Tokens ---------------------------------------------------------------------------------- */

bool sx_at_sign(const struct sx_parser *p, const char *sign)
{
    return p->at->kind == SX_TOKEN_SIGN && strcmp(p->at->text, sign) == 0;
}

static bool token_is_word(const struct sx_token *token, const char *word, size_t size)
{
    return token->kind == SX_TOKEN_NAME && !token->quoted && token->size == size &&
           memcmp(token->text, word, size) == 0;
}

bool sx_at_word(const struct sx_parser *p, const char *word)
{
    return token_is_word(p->at, word, strlen(word));
}

uint32_t sx_at_words(const struct sx_parser *p, const char *words)
{
    const struct sx_token *token = p->at;
    uint32_t count = 0;

    while (*words) {
        size_t size = strcspn(words, " ");

        if (!token_is_word(token, words, size))
            return 0;
        words += size + (words[size] == ' ');
        token++;
        count++;
    }
    return count;
}

bool sx_take_sign(struct sx_parser *p, const char *sign)
{
    if (!sx_at_sign(p, sign))
        return false;
    p->at++;
    return true;
}

bool sx_take_word(struct sx_parser *p, const char *word)
{
    if (!sx_at_word(p, word))
        return false;
    p->at++;
    return true;
}

const char *sx_here(struct sx_parser *p)
{
    if (p->at->kind == SX_TOKEN_END || p->at->glue)
        return p->pieces ? "the end of the text" : "the end of the file";
    if (p->at->kind == SX_TOKEN_STRING)
        return "a string";
    return sx_arena_format(p->arena, "`%s%s`", p->at->kind == SX_TOKEN_META ? "@" : "", p->at->text);
}

void sx_parse_failed(struct sx_parser *p, struct sx_position at, const char *hint, const char *format, ...)
{
    char message[512];
    va_list args;

    if (p->failed)
        return;
    va_start(args, format);
    vsnprintf(message, sizeof(message), format, args);
    va_end(args);
    sx_diagnose(p->d, STREAMD_E_SYNTAX, at, hint, "%s", message);
    p->failed = true;
}

void sx_want_sign(struct sx_parser *p, const char *sign, const char *where)
{
    sx_want_sign_or(p, sign, where, NULL);
}

void sx_want_sign_or(struct sx_parser *p, const char *sign, const char *where, const char *hint)
{
    if (!sx_take_sign(p, sign))
        sx_parse_failed(p, p->at->at, hint, "expected `%s` %s, got %s", sign, where, sx_here(p));
}

/* Words that only stand in expressions cannot name anything. */
static bool is_reserved(const char *word)
{
    static const char *const words[] = {"and",  "or",   "not",  "in",   "is",  "null",    "true", "false",
                                        "case", "when", "then", "else", "end", "between", "like", "as"};

    for (size_t i = 0; i < SX_COUNT(words); i++)
        if (strcmp(word, words[i]) == 0)
            return true;
    return false;
}

const char *sx_want_name(struct sx_parser *p, const char *what, struct sx_position *at)
{
    const struct sx_token *token = p->at;

    if (at != NULL)
        *at = token->at;
    if (token->kind != SX_TOKEN_NAME || sx_at_head(p)) {
        sx_parse_failed(p, token->at, NULL, "expected %s, got %s", what, sx_here(p));
        return "";
    }
    if (!token->quoted && is_reserved(token->text)) {
        sx_parse_failed(p, token->at,
                        sx_arena_format(p->arena, "write it between backquotes: `%s`", token->text),
                        "`%s` is a word of expressions and cannot be %s", token->text, what);
        return "";
    }
    p->at++;
    return token->text;
}

const char *sx_want_string(struct sx_parser *p, const char *what)
{
    if (p->at->kind != SX_TOKEN_STRING) {
        sx_parse_failed(p, p->at->at, p->at->kind == SX_TOKEN_NAME ? "write it between quotes" : NULL,
                        "expected %s, got %s", what, sx_here(p));
        return "";
    }
    return (p->at++)->text;
}

void *sx_parse_grown(struct sx_parser *p, void *items, uint32_t count, size_t width)
{
    char *more;

    if (count && (count & (count - 1)))
        return items;
    more = sx_arena_zero(p->arena, (count ? count * 2 : 1) * width);
    if (count)
        memcpy(more, items, count * width);
    return more;
}

/* ---- Statements ------------------------------------------------------------------------------ */

static bool at_pipeline(const struct sx_parser *p)
{
    return p->at->kind == SX_TOKEN_NAME && p->at[1].kind == SX_TOKEN_SIGN && strcmp(p->at[1].text, "|") == 0;
}

static bool first_on_line(const struct sx_parser *p)
{
    /* In a builder's pieces no statement can begin. */
    return !p->pieces && (p->at == p->tokens || p->at[-1].at.line < p->at->at.line);
}

bool sx_at_head(const struct sx_parser *p)
{
    static const char *const heads[] = {"application", "param", "set", "function"};
    const struct sx_token *next = p->at + 1;
    bool names;

    if (p->at->kind != SX_TOKEN_NAME || p->at->quoted || !first_on_line(p))
        return false;
    /* Two names in a row are nothing else, unless the second one is a word such as `in` or `and`. */
    names = next->kind == SX_TOKEN_NAME && (next->quoted || !is_reserved(next->text));
    if (sx_at_word(p, "stream") || sx_at_word(p, "table") || sx_at_word(p, "global"))
        return names ||
               (next->kind == SX_TOKEN_NAME && next[1].kind == SX_TOKEN_SIGN &&
                strcmp(next[1].text, "=") == 0) ||
               (next->kind == SX_TOKEN_SIGN && strcmp(next->text, "=") == 0);
    if (sx_at_word(p, "include") || sx_at_word(p, "test"))
        return next->kind == SX_TOKEN_STRING;
    for (size_t i = 0; i < SX_COUNT(heads); i++)
        if (sx_at_word(p, heads[i]))
            return names;
    return false;
}

bool sx_at_other_pipeline(const struct sx_parser *p) { return at_pipeline(p) && first_on_line(p); }

/* Could a statement begin here? Used to find one's place again, so it may guess. Behind a mistake a
 * name and a bar are the end of a stage, `groub by customer | ...`, unless the name begins a line. */
static bool at_statement(const struct sx_parser *p)
{
    return p->at->kind == SX_TOKEN_END || sx_at_other_pipeline(p) || sx_at_head(p) ||
           (sx_at_word(p, "test") && first_on_line(p) && p->at[1].kind == SX_TOKEN_SIGN &&
            strcmp(p->at[1].text, "{") == 0);
}

/* After a mistake: on to the next statement, or to the next stage of this one. */
static bool recover(struct sx_parser *p, bool stages)
{
    uint32_t braces = 0;

    p->failed = false;
    while (p->at->kind != SX_TOKEN_END) {
        if (sx_at_sign(p, "{"))
            braces++;
        if (sx_at_sign(p, "}") && braces)
            braces--;
        if (stages && !braces && sx_at_sign(p, "|"))
            return true;
        if (at_statement(p) && (!braces || p->at->at.column == 1))
            return false;
        p->at++;
    }
    return false;
}

static struct sx_statement *add_statement(struct sx_parser *p, enum sx_statement_kind kind,
                                          struct sx_position at)
{
    struct sx_statement *statement = SX_ARENA_NEW(p->arena, struct sx_statement);

    statement->kind = kind;
    statement->at = at;
    p->statement = statement;
    *p->file->last = statement;
    p->file->last = &statement->next;
    return statement;
}

/* ('|' stage)* */
static void parse_stages(struct sx_parser *p, struct sx_statement *s)
{
    while (sx_take_sign(p, "|")) {
        struct sx_ast_stage *stage = SX_PARSE_PUSH(p, s->stages, s->stage_count);

        sx_parse_stage(p, stage);
        if (p->failed) {
            stage->op = NULL;
            if (!recover(p, true))
                return;
        }
    }
}

/* from file "x.ndjson" | from stdin | from schedule "*" [in "Europe/Paris"]. False: none of these. */
static bool parse_medium(struct sx_parser *p, struct sx_statement *s)
{
    s->medium = sx_at_word(p, "file")       ? SX_MEDIUM_FILE
                : sx_at_word(p, "stdin")    ? SX_MEDIUM_STANDARD
                : sx_at_word(p, "schedule") ? SX_MEDIUM_SCHEDULE
                                            : SX_MEDIUM_LOG;
    if (s->medium == SX_MEDIUM_LOG)
        return false;
    p->at++;
    s->topics_at = SX_ARENA_NEW(p->arena, struct sx_position);
    *s->topics_at = s->medium == SX_MEDIUM_STANDARD ? p->at[-1].at : p->at->at;
    *SX_PARSE_PUSH(p, s->topics, s->topic_count) = s->medium == SX_MEDIUM_STANDARD ? ""
                                                   : s->medium == SX_MEDIUM_FILE
                                                       ? sx_want_string(p, "the path of the file")
                                                       : sx_want_string(p, "the schedule, as cron writes it");
    if (s->medium == SX_MEDIUM_SCHEDULE && sx_take_word(p, "in"))
        s->zone = sx_want_string(p, "the time zone");
    return true;
}

/* from topic "t" [, "t2"] | from topics matching "re" */
static void parse_topics(struct sx_parser *p, struct sx_statement *s)
{
    if (sx_at_words(p, "topics matching")) {
        uint32_t count = 0;

        p->at += 2;
        *SX_PARSE_PUSH(p, s->topics_at, count) = p->at->at;
        s->pattern = sx_want_string(p, "a regular expression over names of topics");
        return;
    }
    if (!sx_take_word(p, "topic")) {
        sx_parse_failed(p, p->at->at,
                        sx_at_word(p, "topics")
                            ? "write `from topic \"a\", \"b\"`, or `from topics matching \"regex\"`"
                            : "write `from topic \"name\" { ... }`",
                        "expected `topic`, got %s", sx_here(p));
        return;
    }
    do {
        uint32_t count = s->topic_count;

        *SX_PARSE_PUSH(p, s->topics_at, count) = p->at->at;
        *SX_PARSE_PUSH(p, s->topics, s->topic_count) = sx_want_string(p, "the topic's name");
    } while (!p->failed && sx_take_sign(p, ","));
}

/* stream NAME from ... { } | stream NAME = NAME | stages */
static void parse_definition(struct sx_parser *p, enum sx_flow_kind flow)
{
    struct sx_position at;
    const char *name =
        sx_want_name(p, flow == SX_FLOW_STREAM ? "the stream's name" : "the table's name", &at);
    struct sx_statement *s;

    if (p->failed)
        return;
    if (sx_take_word(p, "from")) {
        s = add_statement(p, SX_STATEMENT_SOURCE, at);
        s->name = name;
        s->flow = flow;
        if (!parse_medium(p, s))
            parse_topics(p, s);
        if (s->medium == SX_MEDIUM_SCHEDULE)
            return;
        if (!p->failed && sx_take_word(p, "versioned"))
            s->versioned = sx_parse_expr(p);
        if (!p->failed)
            s->body = sx_parse_body(p, true);
        return;
    }
    if (!sx_take_sign(p, "=")) {
        sx_parse_failed(p, p->at->at,
                        "a source is `NAME from topic \"t\" { ... }`, anything else `NAME = OTHER | ...`",
                        "expected `from` or `=`, got %s", sx_here(p));
        return;
    }
    s = add_statement(p, SX_STATEMENT_PIPELINE, at);
    s->name = name;
    s->flow = flow;
    if (flow == SX_FLOW_GLOBAL)
        sx_parse_failed(p, at, "write `table NAME = ...`", "a global table is read from a topic");
    s->from = sx_want_name(p, "the stream or table it starts from", &s->from_at);
    if (!p->failed)
        parse_stages(p, s);
}

static void parse_param(struct sx_parser *p)
{
    struct sx_position at;
    const char *name = sx_want_name(p, "the param's name", &at);
    struct sx_statement *s;

    if (p->failed)
        return;
    s = add_statement(p, SX_STATEMENT_PARAM, at);
    s->name = name;
    if (sx_at_head(p) || p->at->kind == SX_TOKEN_END)
        sx_parse_failed(p, at, "write `param NAME TYPE` or `param NAME = VALUE`",
                        "the param `%s` has neither type nor value", name);
    else if (!sx_at_sign(p, "="))
        s->type = sx_parse_type(p);
    if (!p->failed && sx_take_sign(p, "="))
        s->value = sx_parse_expr(p);
}

/* fail | skip | to topic "t" */
enum sx_on_error sx_parse_on_error(struct sx_parser *p, const char **topic, struct sx_position *at)
{
    *at = p->at->at;
    if (sx_take_word(p, "fail"))
        return SX_ON_ERROR_FAIL;
    if (sx_take_word(p, "skip"))
        return SX_ON_ERROR_SKIP;
    if (sx_at_words(p, "to topic")) {
        p->at += 2;
        *at = p->at->at;
        *topic = sx_want_string(p, "the topic's name");
        return SX_ON_ERROR_TOPIC;
    }
    sx_parse_failed(p, p->at->at, "it is `on error fail`, `on error skip` or `on error to topic \"t\"`",
                    "expected what to do on an error, got %s", sx_here(p));
    return SX_ON_ERROR_DEFAULT;
}

/* set guarantee exactly_once | set commit 100ms | set on error to topic "t" | set ahead 1h | ... */
static void parse_set(struct sx_parser *p)
{
    static const char *const names[] = {
#define SX_SETTING(id, words, form, preset, help) words,
#include "dsl/settings.def"
#undef SX_SETTING
    };
    struct sx_statement *s = add_statement(p, SX_STATEMENT_SET, p->at->at);
    const char *near;

    if (sx_take_word(p, names[SX_SET_GUARANTEE])) {
        s->setting = SX_SET_GUARANTEE;
        s->at = p->at->at;
        s->guarantee = sx_take_word(p, "exactly_once");
        if (!s->guarantee && !sx_take_word(p, "at_least_once"))
            sx_parse_failed(p, p->at->at, "it is `exactly_once` or `at_least_once`",
                            "expected a guarantee, got %s", sx_here(p));
    } else if (sx_take_word(p, names[SX_SET_COMMIT])) {
        s->setting = SX_SET_COMMIT;
        s->value = sx_parse_expr(p);
    } else if (sx_take_word(p, names[SX_SET_AHEAD])) {
        s->setting = SX_SET_AHEAD;
        s->value = sx_parse_expr(p);
    } else if (sx_take_word(p, names[SX_SET_PARTITIONER])) {
        s->setting = SX_SET_PARTITIONER;
        s->any = sx_take_word(p, "any");
        if (!s->any && !sx_take_word(p, "murmur2"))
            sx_parse_failed(p, p->at->at, "it is `murmur2` or `any`", "expected a partitioner, got %s",
                            sx_here(p));
    } else if (sx_at_words(p, names[SX_SET_ON_ERROR])) {
        p->at += 2;
        s->setting = SX_SET_ON_ERROR;
        s->on_error = sx_parse_on_error(p, &s->error_topic, &s->at);
    } else {
        near = p->at->kind == SX_TOKEN_NAME ? sx_nearest(p->at->text, names, SX_COUNT(names)) : NULL;
        sx_parse_failed(
            p, p->at->at,
            near ? sx_arena_format(p->arena, "did you mean `%s`?", near)
                 : "a file sets `guarantee`, `commit`, `on error`, `ahead` and `partitioner`; where a "
                   "topology runs is the command's business",
            p->at->kind == SX_TOKEN_NAME ? "there is no setting %s" : "expected a setting, got %s",
            sx_here(p));
    }
}

/* function vat(x double) = x * 0.2 */
static void parse_function(struct sx_parser *p)
{
    struct sx_position at;
    const char *name = sx_want_name(p, "the function's name", &at);
    struct sx_statement *s;

    if (p->failed)
        return;
    s = add_statement(p, SX_STATEMENT_FUNCTION, at);
    s->name = name;
    sx_want_sign(p, "(", "behind the function's name");
    while (!p->failed && !sx_at_sign(p, ")")) {
        struct sx_ast_field *field = SX_PARSE_PUSH(p, s->parameters, s->parameter_count);

        field->name = sx_want_name(p, "a parameter's name", &field->at);
        field->type = sx_parse_type(p);
        if (!sx_take_sign(p, ","))
            break;
    }
    sx_want_sign(p, ")", "behind the parameters");
    sx_want_sign(p, "=", "before what the function gives");
    s->value = sx_parse_expr(p);
}

static void parse_include(struct sx_parser *p)
{
    struct sx_position at = p->at->at;
    const char *path = sx_want_string(p, "the path of the file");
    const struct sx_text *text;
    const struct sx_token *tokens = p->tokens, *back = p->at;

    if (p->failed)
        return;
    if (p->include_depth >= 16) {
        sx_parse_failed(p, at, "does a file include itself?", "includes are nested more than 16 deep");
        return;
    }
    text = p->include ? p->include(p, path, at, p->arg) : NULL;
    if (text == NULL) {
        sx_parse_failed(p, at, NULL, "cannot read `%s`", path);
        return;
    }
    p->include_depth++;
    sx_parse_text(p, text, p->file);
    p->include_depth--;
    p->tokens = tokens;
    p->at = back;
    p->failed = false;
    p->statement = NULL;
}

static void parse_application(struct sx_parser *p)
{
    const char *name = sx_want_name(p, "the application's name", &p->file->application_at);

    if (p->file->application != NULL)
        sx_parse_failed(p, p->file->application_at, NULL, "`application` is written twice");
    p->file->application = name;
}

/* A name with a stage behind it, where a `|` is missing. */
static bool is_before_stage(struct sx_parser *p)
{
    bool before = p->at->kind == SX_TOKEN_NAME && p->at[1].kind == SX_TOKEN_NAME;

    p->at++;
    before = before && sx_at_stage(p);
    p->at--;
    return before;
}

/* A clause of other windows, where `same` takes none. */
static bool is_behind_same(const struct sx_parser *p)
{
    return p->at - p->tokens >= 2 && p->at[-1].kind == SX_TOKEN_NAME && strcmp(p->at[-1].text, "same") == 0 &&
           strcmp(p->at[-2].text, "window") == 0 &&
           (sx_at_word(p, "grace") || sx_at_word(p, "retain") || sx_at_word(p, "late"));
}

static void parse_statement(struct sx_parser *p)
{
    if (at_pipeline(p)) {
        struct sx_statement *s = add_statement(p, SX_STATEMENT_PIPELINE, p->at->at);

        s->from = sx_want_name(p, "the stream or table it starts from", &s->from_at);
        if (!p->failed)
            parse_stages(p, s);
    } else if (sx_take_word(p, "application")) {
        parse_application(p);
    } else if (sx_take_word(p, "param")) {
        parse_param(p);
    } else if (sx_take_word(p, "set")) {
        parse_set(p);
    } else if (sx_take_word(p, "include")) {
        parse_include(p);
    } else if (sx_take_word(p, "function")) {
        parse_function(p);
    } else if (sx_take_word(p, "test")) {
        struct sx_statement *s = add_statement(p, SX_STATEMENT_TEST, p->at->at);
        s->test = sx_parse_test(p);
    } else if (sx_at_words(p, "global table")) {
        p->at += 2;
        parse_definition(p, SX_FLOW_GLOBAL);
    } else if (sx_take_word(p, "stream")) {
        parse_definition(p, SX_FLOW_STREAM);
    } else if (sx_take_word(p, "table")) {
        parse_definition(p, SX_FLOW_TABLE);
    } else {
        static const char *const heads[] = {"application", "param", "set",    "include", "function",
                                            "stream",      "table", "global", "test"};
        const char *near =
            p->at->kind == SX_TOKEN_NAME ? sx_nearest(p->at->text, heads, SX_COUNT(heads)) : NULL;

        const char *elsewhere = p->at->kind == SX_TOKEN_NAME ? sx_statement_elsewhere(p->at->text) : NULL;

        if (sx_at_stage(p))
            near = sx_arena_format(p->arena, "| %s", p->at->text);
        else if (elsewhere == NULL && is_before_stage(p))
            near = sx_arena_format(p->arena, "%s | %s", p->at->text, p->at[1].text);
        else if (elsewhere == NULL && near == NULL && p->at->kind == SX_TOKEN_NAME &&
                 p->at[1].kind == SX_TOKEN_SIGN && strcmp(p->at[1].text, "=") == 0)
            elsewhere = sx_arena_format(p->arena,
                                        "a definition says what it is: `stream %s = ...` or `table %s = ...`",
                                        p->at->text, p->at->text);
        if (is_behind_same(p))
            elsewhere = "`window same` has the grace and the closing of the windows that are there: "
                        "nothing follows it";
        sx_parse_failed(p, p->at->at,
                        elsewhere ? elsewhere
                        : near
                            ? sx_arena_format(p->arena, "did you mean `%s`?", near)
                            : "a statement is `stream`, `table`, `global table`, `param`, `set`, `include`, "
                              "`function`, `test`, or NAME | ...",
                        "expected a statement, got %s", sx_here(p));
    }
}

void sx_parse_text(struct sx_parser *p, const struct sx_text *text, struct sx_ast_file *file)
{
    uint32_t count;

    if (file->last == NULL)
        file->last = &file->first;
    p->file = file;
    p->tokens = p->at = sx_lex(text, p->arena, p->d, &count);
    while (p->at->kind != SX_TOKEN_END) {
        const struct sx_token *before = p->at;

        /* What stood behind `|` in a pipeline whose last stages were given up is not said again. */
        p->failed = false;
        p->statement = NULL;
        parse_statement(p);
        if (p->failed) {
            if (p->statement != NULL)
                p->statement->broken = true;
            if (p->at == before)
                p->at++;
            recover(p, false);
        } else if (p->statement != NULL) {
            p->statement->words = sx_words_of(p->arena, before, p->at);
        }
    }
}
