/* builder.c: a topology made by calls. Each call's texts become the same trees that a file's text
 * becomes, so that there is one way to a plan. */
#include "dsl/builder.h"

#include "engine/base/text.h"

/* ---- Pieces ---------------------------------------------------------------------------------- */

struct tokens {
    struct sx_token *items;
    uint32_t count;
    struct sx_position beside; /* where the text before this place ends, or the first one begins */
};

static void push(struct sx_parser *p, struct tokens *to, const struct sx_token *token)
{
    *SX_PARSE_PUSH(p, to->items, to->count) = *token;
}

/* What the caller wrote is taken for right; mistakes that show at it belong to the text beside it. */
static void push_words(struct sx_parser *p, struct tokens *to, const char *words)
{
    const struct sx_text text = {.name = "words", .data = words, .size = strlen(words)};
    struct sx_token *tokens;
    uint32_t count;

    tokens = sx_lex(&text, p->arena, p->d, &count);
    for (uint32_t i = 0; i + 1 < count; i++) {
        tokens[i].at = to->beside;
        tokens[i].glue = true;
        push(p, to, &tokens[i]);
    }
}

static void push_text(struct sx_builder *b, struct sx_parser *p, struct tokens *to, const char *where,
                      const char *text)
{
    struct sx_token *tokens;
    uint32_t count;

    tokens = sx_lex(sx_builder_add_text(b, where, text, strlen(text)), p->arena, p->d, &count);
    for (uint32_t i = 0; i + 1 < count; i++)
        push(p, to, &tokens[i]);
    to->beside = tokens[count - 1].at;
}

static void push_literal(struct sx_parser *p, struct tokens *to, const struct sx_piece *piece)
{
    struct sx_token token = {.kind = piece->kind == SX_PIECE_NAME ? SX_TOKEN_NAME : SX_TOKEN_STRING,
                             .quoted = piece->kind == SX_PIECE_NAME,
                             .glue = true,
                             .at = to->beside,
                             .text = sx_arena_strdup(p->arena, piece->text),
                             .size = (uint32_t)strlen(piece->text)};

    push(p, to, &token);
}

/* Where a stage stands for messages: at the beginning of its first text; if it has none, of itself. */
static struct sx_position beginning(struct sx_builder *b, const char *where, const struct sx_piece *pieces,
                                    uint32_t count)
{
    struct sx_position at = {.line = 1, .column = 1, .length = 1};
    struct sx_buffer all = {0};

    for (uint32_t i = 0; i < count; i++)
        if (pieces[i].kind == SX_PIECE_TEXT)
            return at;
    for (uint32_t i = 0; i < count; i++) {
        const char *quote = pieces[i].kind == SX_PIECE_STRING ? "\"" : "";
        sx_buffer_printf(&all, "%s%s%s%s", i ? " " : "", quote, pieces[i].text, quote);
    }
    at.length = all.size;
    at.file = sx_builder_add_text(b, where, all.data, all.size)->name;
    sx_buffer_free(&all);
    return at;
}

/* All pieces as one line of tokens. */
static struct sx_parser parse_pieces(struct sx_builder *b, const char *where, const struct sx_piece *pieces,
                                     uint32_t count)
{
    struct sx_parser p = sx_builder_parser(b);
    struct tokens tokens = {.beside = beginning(b, where, pieces, count)};
    struct sx_token end = {.kind = SX_TOKEN_END, .glue = true, .text = ""};

    for (uint32_t i = 0; i < count; i++) {
        if (pieces[i].kind == SX_PIECE_WORDS)
            push_words(&p, &tokens, pieces[i].text);
        else if (pieces[i].kind == SX_PIECE_TEXT)
            push_text(b, &p, &tokens, where, pieces[i].text);
        else
            push_literal(&p, &tokens, &pieces[i]);
    }
    end.at = tokens.beside;
    push(&p, &tokens, &end);
    /* What stands before the first text has no file yet. */
    for (uint32_t i = 0; i < tokens.count && tokens.items[i].at.file == NULL; i++)
        for (uint32_t k = i + 1; k < tokens.count && tokens.items[i].at.file == NULL; k++)
            tokens.items[i].at.file = tokens.items[k].at.file;
    p.tokens = p.at = tokens.items;
    p.pieces = true;
    p.file = &b->file;
    return p;
}

static void want_end(struct sx_parser *p, const char *what)
{
    if (!p->failed && p->at->kind != SX_TOKEN_END)
        sx_parse_failed(p, p->at->at, NULL, "%s stands behind the %s", sx_here(p), what);
}

/* ---- Calls ----------------------------------------------------------------------------------- */

void sx_builder_in_order(struct sx_builder *b) { b->c.errors.in_order = true; }

void sx_builder_fail(struct sx_builder *b, streamd_status status, const char *where, const char *message)
{
    struct sx_position at = {.file = sx_arena_strdup(b->c.arena, where)};

    sx_mistake(&b->c, at, status, NULL, "%s", message);
}

const struct sx_ast_stage *sx_builder_stage(struct sx_builder *b, const char *where,
                                            const struct sx_piece *pieces, uint32_t count)
{
    struct sx_parser p = parse_pieces(b, where, pieces, count);
    struct sx_ast_stage *stage = SX_ARENA_NEW(b->c.arena, struct sx_ast_stage);

    sx_parse_stage(&p, stage);
    want_end(&p, "stage");
    if (p.failed)
        stage->op = NULL;
    return stage;
}

/* The position of a name that a call gave: the name is a text of its own. */
static struct sx_position named_at(struct sx_builder *b, const char *where, const char *name)
{
    const struct sx_text *text =
        sx_builder_add_text(b, sx_arena_format(b->c.arena, "%s %s", where, name), name, strlen(name));

    return (struct sx_position){.file = text->name, .line = 1, .column = 1, .length = (uint32_t)text->size};
}

void sx_builder_source(struct sx_builder *b, enum sx_flow_kind kind, const char *name,
                       const char *const *topics, uint32_t topic_count, const char *body)
{
    const struct sx_piece pieces[] = {{SX_PIECE_WORDS, "{"}, {SX_PIECE_TEXT, body}, {SX_PIECE_WORDS, "}"}};
    struct sx_statement *s = SX_ARENA_NEW(b->c.arena, struct sx_statement);
    const char *word = kind == SX_FLOW_STREAM ? "stream" : kind == SX_FLOW_TABLE ? "table" : "global table";
    const char *where = sx_arena_format(b->c.arena, "%s %s", word, name);
    struct sx_parser p = parse_pieces(b, where, pieces, SX_COUNT(pieces));

    s->kind = SX_STATEMENT_SOURCE;
    s->flow = kind;
    s->name = sx_arena_strdup(b->c.arena, name);
    s->at = named_at(b, word, name);
    s->topics = SX_ARENA_ARRAY(b->c.arena, const char *, topic_count + 1);
    s->topics_at = SX_ARENA_ARRAY(b->c.arena, struct sx_position, topic_count + 1);
    s->topic_count = topic_count;
    for (uint32_t t = 0; t < topic_count; t++) {
        s->topics[t] = sx_arena_strdup(b->c.arena, topics[t]);
        s->topics_at[t] = named_at(b, "topic", topics[t]);
    }
    s->body = sx_parse_body(&p, true);
    want_end(&p, "body");
    s->broken = p.failed;
    sx_builder_statement(b, s);
}

void sx_builder_pipeline(struct sx_builder *b, const char *name, const char *from,
                         const struct sx_ast_stage *const *stages, uint32_t stage_count)
{
    struct sx_statement *s = SX_ARENA_NEW(b->c.arena, struct sx_statement);

    s->kind = SX_STATEMENT_PIPELINE;
    s->name = name ? sx_arena_strdup(b->c.arena, name) : NULL;
    s->from = sx_arena_strdup(b->c.arena, from);
    s->from_at = named_at(b, "from", from);
    s->at = name ? named_at(b, "definition", name) : s->from_at;
    s->any_flow = true;
    s->stages = SX_ARENA_ARRAY(b->c.arena, struct sx_ast_stage, stage_count + 1);
    for (uint32_t i = 0; i < stage_count; i++)
        s->stages[i] = *stages[i];
    s->stage_count = stage_count;
    sx_builder_statement(b, s);
}
