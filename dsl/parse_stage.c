/* parse_stage.c: stages and their clauses, read from the rows of the catalogue; no operator is named
 * here. */
#include "dsl/parse.h"

#include "dsl/elsewhere.h"
#include "engine/base/text.h"

#include <stdlib.h>

/* ---- Items of lists -------------------------------------------------------------------------- */

static bool at_name_colon(const struct sx_parser *p)
{
    return p->at->kind == SX_TOKEN_NAME && p->at[1].kind == SX_TOKEN_SIGN && strcmp(p->at[1].text, ":") == 0;
}

/* EXPR | name: EXPR */
void sx_parse_item(struct sx_parser *p, struct sx_ast_item *item)
{
    item->at = p->at->at;
    if (at_name_colon(p)) {
        item->name = p->at->text;
        p->at += 2;
    }
    item->expr = sx_parse_expr(p);
    if (item->name == NULL)
        item->at = item->expr->at;
}

/* * | * except (a, b) | NAME.* */
static bool parse_star(struct sx_parser *p, struct sx_ast_item *item)
{
    bool qualified = p->at->kind == SX_TOKEN_NAME && p->at[1].kind == SX_TOKEN_SIGN &&
                     strcmp(p->at[1].text, ".") == 0 && p->at[2].kind == SX_TOKEN_SIGN &&
                     strcmp(p->at[2].text, "*") == 0;

    if (!qualified && !sx_at_sign(p, "*"))
        return false;
    item->at = p->at->at;
    item->expr = sx_ast_new(p, SX_AST_STAR, p->at->at);
    item->expr->text = qualified ? p->at->text : NULL;
    p->at += qualified ? 3 : 1;
    if (sx_take_word(p, "except")) {
        sx_want_sign(p, "(", "behind `except`");
        do
            *SX_PARSE_PUSH(p, item->except, item->except_count) = sx_want_name(p, "a column", NULL);
        while (!p->failed && sx_take_sign(p, ","));
        sx_want_sign(p, ")", "behind the columns");
    }
    return true;
}

void sx_parse_braced_items(struct sx_parser *p, bool star, struct sx_ast_item **items, uint32_t *count)
{
    sx_want_sign_or(p, "{", "before the columns", "write `{ a, b: expression }`");
    while (!p->failed && !sx_at_sign(p, "}")) {
        struct sx_ast_item *item = SX_PARSE_PUSH(p, *items, *count);

        if (*count > SX_FIELDS_MAX)
            sx_parse_failed(p, p->at->at, NULL, "there are more than %d columns", SX_FIELDS_MAX);
        if (!star || !parse_star(p, item))
            sx_parse_item(p, item);
        if (!sx_take_sign(p, ","))
            break;
    }
    if (!p->failed && !sx_at_sign(p, "}"))
        sx_parse_failed(p, p->at->at,
                        strcmp(p->at[-1].text, "if") == 0
                            ? "write `if(condition, a, b)`, or `case when ... then ... else ... end`"
                        : sx_at_sign(p, "->")
                            ? "a lambda is an argument of a call: `transform(items, x -> ...)`"
                            : "columns are separated by commas",
                        "expected `,` or `}`, got %s", sx_here(p));
    else
        sx_take_sign(p, "}");
}

/* EXPR as NAME, ... */
static void parse_aliased(struct sx_parser *p, struct sx_ast_clause *clause)
{
    do {
        struct sx_ast_item *item = SX_PARSE_PUSH(p, clause->items, clause->count);

        item->expr = sx_parse_expr(p);
        if (!sx_take_word(p, "as"))
            sx_parse_failed(p, p->at->at, "it is `items as item`", "expected `as` and a name, got %s",
                            sx_here(p));
        item->name = sx_want_name(p, "the element's name", &item->at);
    } while (!p->failed && sx_take_sign(p, ","));
}

/* { when EXPR -> name ... else -> name } */
static void parse_cases(struct sx_parser *p, struct sx_ast_clause *clause)
{
    bool last = false;

    sx_want_sign(p, "{", "before the cases");
    while (!p->failed && !last && !sx_at_sign(p, "}")) {
        struct sx_ast_item *item = SX_PARSE_PUSH(p, clause->items, clause->count);

        last = sx_take_word(p, "else");
        if (!last && !sx_take_word(p, "when"))
            sx_parse_failed(p, p->at->at, "a case is `when EXPR -> name`",
                            "expected `when`, `else` or `}`, got %s", sx_here(p));
        if (!last)
            item->expr = sx_parse_expr(p);
        sx_want_sign(p, "->", "before the name of the stream");
        item->name = sx_want_name(p, "the stream's name", &item->at);
    }
    sx_want_sign(p, "}", "behind the cases");
}

/* ---- Clauses --------------------------------------------------------------------------------- */

bool sx_is_param(const struct sx_parser *p, const char *name)
{
    if (p->at->kind == SX_TOKEN_NAME && p->file != NULL)
        for (const struct sx_statement *s = p->file->first; s != NULL; s = s->next)
            if (s->kind == SX_STATEMENT_PARAM && strcmp(s->name, name) == 0)
                return true;
    return false;
}

/* Does a positional clause that may be left out stand here? */
static bool stands_here(const struct sx_parser *p, const struct sx_clause *clause)
{
    switch (clause->kind) {
    case SX_CLAUSE_BODY:
    case SX_CLAUSE_CASES:
    case SX_CLAUSE_PROJECTION:
    case SX_CLAUSE_AGGREGATES:
        return sx_at_sign(p, "{");
    case SX_CLAUSE_INTEGER:
        return p->at->kind == SX_TOKEN_INT || sx_is_param(p, p->at->text);
    case SX_CLAUSE_DURATION:
        return p->at->kind == SX_TOKEN_DURATION || sx_is_param(p, p->at->text);
    case SX_CLAUSE_TEXT:
        return p->at->kind == SX_TOKEN_STRING || sx_is_param(p, p->at->text);
    default:
        return false;
    }
}

/* A literal of the kind, or the name of a param. */
static struct sx_ast *parse_literal(struct sx_parser *p, enum sx_token_kind kind, const char *what,
                                    const char *hint)
{
    if (p->at->kind == kind || (kind == SX_TOKEN_DURATION && p->at->kind == SX_TOKEN_INT))
        return sx_parse_sum(p);
    if (sx_at_sign(p, "-") && (p->at[1].kind == kind))
        return sx_parse_sum(p);
    if (p->at->kind == SX_TOKEN_NAME && !sx_at_head(p) &&
        (sx_is_param(p, p->at->text) || !sx_at_other_pipeline(p))) {
        struct sx_ast *ast = sx_ast_new(p, SX_AST_NAME, p->at->at);
        ast->text = (p->at++)->text;
        return ast;
    }
    sx_parse_failed(p, p->at->at, hint, "expected %s, got %s", what, sx_here(p));
    return sx_ast_new(p, SX_AST_ERROR, p->at->at);
}

static void parse_clause(struct sx_parser *p, const struct sx_clause *row, struct sx_ast_clause *clause)
{
    clause->given = true;
    clause->at = p->at->at;
    switch (row->kind) {
    case SX_CLAUSE_FLAG:
        break;
    case SX_CLAUSE_NAME:
    case SX_CLAUSE_FLOW: {
        struct sx_position at;
        const char *name =
            sx_want_name(p, row->kind == SX_CLAUSE_FLOW ? "the name of a stream or table" : "a name", &at);

        clause->expr = sx_ast_new(p, SX_AST_NAME, at);
        clause->expr->text = name;
        break;
    }
    case SX_CLAUSE_FLOWS:
        do {
            struct sx_ast_item *item = SX_PARSE_PUSH(p, clause->items, clause->count);
            item->name = sx_want_name(p, "the name of a stream", &item->at);
        } while (!p->failed && sx_take_sign(p, ","));
        break;
    case SX_CLAUSE_EXPR:
        clause->expr = sx_parse_expr(p);
        clause->at = clause->expr->at;
        break;
    case SX_CLAUSE_EXPRS:
    case SX_CLAUSE_ARGUMENTS:
        do
            sx_parse_item(p, SX_PARSE_PUSH(p, clause->items, clause->count));
        while (!p->failed && sx_take_sign(p, ","));
        break;
    case SX_CLAUSE_ALIASED:
        parse_aliased(p, clause);
        break;
    case SX_CLAUSE_PROJECTION:
        sx_parse_braced_items(p, true, &clause->items, &clause->count);
        break;
    case SX_CLAUSE_AGGREGATES:
        sx_parse_braced_items(p, false, &clause->items, &clause->count);
        break;
    case SX_CLAUSE_CASES:
        parse_cases(p, clause);
        break;
    case SX_CLAUSE_DURATION:
        clause->expr =
            parse_literal(p, SX_TOKEN_DURATION, "a duration", "durations are 500ms 10s 5m 2h 7d 1h30m");
        break;
    case SX_CLAUSE_INTEGER:
        clause->expr = parse_literal(p, SX_TOKEN_INT, "a number", NULL);
        break;
    case SX_CLAUSE_TEXT:
        clause->expr = parse_literal(p, SX_TOKEN_STRING, "a string", "write it between quotes");
        break;
    case SX_CLAUSE_BODY:
        clause->body = sx_parse_body(p, false);
        break;
    }
}

/* The clause whose words stand here, the longest first; -1: none. */
static int clause_here(const struct sx_parser *p, const struct sx_operator_def *op, uint32_t *words)
{
    int best = -1;

    *words = 0;
    for (uint32_t c = 0; c < op->clause_count; c++) {
        uint32_t count = op->clauses[c].word ? sx_at_words(p, op->clauses[c].word) : 0;

        if (count > *words) {
            best = (int)c;
            *words = count;
        }
    }
    return best;
}

static void parse_clauses(struct sx_parser *p, struct sx_ast_stage *stage)
{
    const struct sx_operator_def *op = stage->op;
    uint32_t words;
    int c;

    stage->clauses = SX_ARENA_ARRAY(p->arena, struct sx_ast_clause, op->clause_count + 1);
    for (uint32_t i = 0; i < op->clause_count && !p->failed; i++)
        if (op->clauses[i].word == NULL && (!op->clauses[i].optional || stands_here(p, &op->clauses[i])))
            parse_clause(p, &op->clauses[i], &stage->clauses[i]);
    while (!p->failed && (c = clause_here(p, op, &words)) >= 0) {
        struct sx_position at = p->at->at;

        if (stage->clauses[c].given) {
            sx_parse_failed(p, at, NULL, "`%s` is written twice", op->clauses[c].word);
            return;
        }
        p->at += words;
        parse_clause(p, &op->clauses[c], &stage->clauses[c]);
        if (op->clauses[c].kind == SX_CLAUSE_FLAG)
            stage->clauses[c].at = at;
    }
    for (uint32_t i = 0; i < op->clause_count && !p->failed; i++)
        if (!op->clauses[i].optional && !stage->clauses[i].given)
            sx_parse_failed(p, p->at->at, op->clauses[i].help, "expected `%s` in `%s`, got %s",
                            op->clauses[i].word, op->name, sx_here(p));
}

/* ---- Stages ---------------------------------------------------------------------------------- */

bool sx_at_stage(const struct sx_parser *p)
{
    for (uint32_t i = 0; i < p->catalog->operator_count; i++)
        if (!p->catalog->operators[i]->internal && sx_at_words(p, p->catalog->operators[i]->name))
            return true;
    return false;
}

/* The stages that begin with this word, for a hint: `emit changes`, `emit final`. NULL: none. */
static const char *endings(struct sx_parser *p, const char *word)
{
    struct sx_buffer text = {0};
    const char *copy = NULL;
    uint32_t count = 0;

    for (uint32_t i = 0; i < p->catalog->operator_count; i++) {
        const struct sx_operator_def *op = p->catalog->operators[i];
        size_t size = strlen(word);

        if (!op->internal && strncmp(op->name, word, size) == 0 && op->name[size] == ' ')
            sx_buffer_printf(&text, "%s`%s`", count++ ? ", " : "there is ", op->name);
    }
    if (count > 0)
        copy = sx_arena_strndup(p->arena, text.data, text.size);
    sx_buffer_free(&text);
    return copy;
}

/* The stage that was meant: the words as they stand, or the first one alone. */
static const char *near_stage(struct sx_parser *p)
{
    const char *names[128], *firsts[128], *near;
    uint32_t count = 0, same = 0;

    for (uint32_t i = 0; i < p->catalog->operator_count && count < SX_COUNT(names); i++) {
        const char *name = p->catalog->operators[i]->name;

        if (p->catalog->operators[i]->internal)
            continue;
        names[count] = name;
        firsts[count++] = sx_arena_strndup(p->arena, name, strcspn(name, " "));
    }
    near = p->at[1].kind == SX_TOKEN_NAME
               ? sx_nearest(sx_arena_format(p->arena, "%s %s", p->at->text, p->at[1].text), names, count)
               : NULL;
    if (near == NULL)
        near = sx_nearest(p->at->text, names, count);
    if (near != NULL)
        return near;
    near = sx_nearest(p->at->text, firsts, count);
    for (uint32_t i = 0; near != NULL && i < count; i++)
        if (strcmp(firsts[i], near) == 0 && same++ == 0)
            names[0] = names[i];
    return same == 1 ? names[0] : near;
}

static void unknown_stage(struct sx_parser *p)
{
    const char *goes_on = NULL, *hint = NULL, *near;
    bool is_or = false;

    if (p->at->kind == SX_TOKEN_NAME)
        goes_on = endings(p, p->at->text);
    if (goes_on != NULL) {
        const char *word = (p->at++)->text;

        sx_parse_failed(p, p->at->at, goes_on, "expected the rest of `| %s ...`, got %s", word, sx_here(p));
        return;
    }
    if (p->at->kind == SX_TOKEN_NAME) {
        hint = sx_stage_elsewhere(p->at->text);
        if (hint == NULL && (near = near_stage(p)) != NULL)
            hint = sx_arena_format(p->arena, "did you mean `%s`?", near);
    } else if (sx_at_sign(p, "|") || sx_at_sign(p, ">")) {
        hint = sx_at_sign(p, "|") ? "of two conditions: write `or`" : "write `|`";
        is_or = sx_at_sign(p, "|");
    }
    sx_parse_failed(p, p->at->at, hint,
                    p->at->kind == SX_TOKEN_NAME ? "there is no stage %s"
                                                 : "expected a stage behind `|`, got %s",
                    sx_here(p));
    p->at += is_or; /* the rest of the condition is no stage */
}

void sx_parse_stage(struct sx_parser *p, struct sx_ast_stage *stage)
{
    uint32_t most = 0;

    stage->at = p->at->at;
    for (uint32_t i = 0; i < p->catalog->operator_count; i++) {
        const struct sx_operator_def *op = p->catalog->operators[i];
        uint32_t words = op->internal ? 0 : sx_at_words(p, op->name);

        if (words > most) {
            most = words;
            stage->op = op;
        }
    }
    if (most == 0) {
        stage->op = NULL;
        unknown_stage(p);
        return;
    }
    stage->at.length = p->at[most - 1].at.line == stage->at.line
                           ? p->at[most - 1].at.column + p->at[most - 1].at.length - stage->at.column
                           : stage->at.length;
    p->at += most;
    parse_clauses(p, stage);
}
