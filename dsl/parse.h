/* parse.h: tokens to a tree. Functions are named after the grammar they read. After a mistake the
 * parser goes on at the next stage or statement, so that all mistakes of a file are shown. */
#ifndef SX_PARSE_H
#define SX_PARSE_H

#include "dsl/ast.h"

struct sx_parser {
    struct sx_arena *arena;
    struct sx_diagnostics *d;
    const struct sx_catalog *catalog;
    const struct sx_token *tokens, *at;
    uint32_t depth;
    bool pieces; /* one stage or body of a builder, not a file */
    bool failed; /* in the statement in hand: say no more until the parser has found its place again */
    /* `include`: the text of a file, NULL if it cannot be had. */
    const struct sx_text *(*include)(struct sx_parser *parser, const char *path, struct sx_position at,
                                     void *arg);
    void *arg;
    struct sx_ast_file *file;
    struct sx_statement *statement; /* the last one begun; NULL: none yet */
    uint32_t include_depth;
};

/* All statements of a text, added to `file`. */
void sx_parse_text(struct sx_parser *parser, const struct sx_text *text, struct sx_ast_file *file);

/* ---- Between the files of the parser --------------------------------------------------------- */

#define SX_DEPTH_MAX 256   /* of expressions and types */
#define SX_CHAIN_MAX 1000  /* operators in a row */
#define SX_FIELDS_MAX 4096 /* columns of a row, fields of a struct */

/* Tokens [from, to) as text, one space between. */
const char *sx_words_of(struct sx_arena *arena, const struct sx_token *from, const struct sx_token *to);

bool sx_at_sign(const struct sx_parser *p, const char *sign);
bool sx_at_word(const struct sx_parser *p, const char *word); /* an unquoted name */
/* The words of a phrase, `late to topic`, stand here; how many there are. 0: they do not. */
uint32_t sx_at_words(const struct sx_parser *p, const char *words);
bool sx_take_sign(struct sx_parser *p, const char *sign);
bool sx_take_word(struct sx_parser *p, const char *word);
void sx_want_sign(struct sx_parser *p, const char *sign, const char *where);
/* The same with a hint. */
void sx_want_sign_or(struct sx_parser *p, const char *sign, const char *where, const char *hint);
const char *sx_want_name(struct sx_parser *p, const char *what, struct sx_position *at);
const char *sx_want_string(struct sx_parser *p, const char *what);
void sx_parse_failed(struct sx_parser *p, struct sx_position at, const char *hint, const char *format, ...)
    SX_PRINTF(4, 5);
/* What stands here, for a message: a quoted piece of text, or "the end of the file". */
const char *sx_here(struct sx_parser *p);

struct sx_ast *sx_ast_new(struct sx_parser *p, enum sx_ast_kind kind, struct sx_position at);
void sx_ast_add(struct sx_parser *p, struct sx_ast *to, struct sx_ast *child);

/* One level deeper; false: it is too deep, which is reported. Who got true takes one off p->depth. */
bool sx_parse_enter(struct sx_parser *p);
struct sx_ast *sx_parse_expr(struct sx_parser *p);
/* At the word of timestamp "...", date "...", time "...", and of decimal "0.00". */
struct sx_ast *sx_parse_time(struct sx_parser *p, enum sx_ast_kind kind);
struct sx_ast *sx_parse_decimal(struct sx_parser *p);
/* The place from the beginning of one to where the parser stands now, if that is on one line. */
struct sx_position sx_parse_span(const struct sx_parser *p, struct sx_position from);
/* Without comparisons, so that a word such as `in` may follow. */
struct sx_ast *sx_parse_sum(struct sx_parser *p);
/* A literal alone: what follows it does not go on with it, so that two can stand side by side. */
struct sx_ast *sx_parse_value(struct sx_parser *p);
const struct sx_type *sx_parse_type(struct sx_parser *p);
/* `{ a, b: expr, *, NAME.*, * except (c) }`: `star` allows stars. */
/* EXPR | name: EXPR */
void sx_parse_item(struct sx_parser *p, struct sx_ast_item *item);
void sx_parse_braced_items(struct sx_parser *p, bool star, struct sx_ast_item **items, uint32_t *count);
void sx_parse_stage(struct sx_parser *p, struct sx_ast_stage *stage);
struct sx_ast_body *sx_parse_body(struct sx_parser *p, bool source);
enum sx_on_error sx_parse_on_error(struct sx_parser *p, const char **topic, struct sx_position *at);
void sx_parse_fields(struct sx_parser *p, struct sx_ast_field **fields, uint32_t *count);
struct sx_test *sx_parse_test(struct sx_parser *p);

/* Does a statement begin here that an expression or a name cannot be mistaken for: a line that begins
 * with `stream NAME`, say? */
bool sx_at_head(const struct sx_parser *p);
/* A line that begins with `NAME |`. */
bool sx_at_other_pipeline(const struct sx_parser *p);
/* The words of a stage. */
bool sx_at_stage(const struct sx_parser *p);
/* The name of a param that was declared above? */
bool sx_is_param(const struct sx_parser *p, const char *name);

/* A growing array in the parser's arena: room for one more at *items. */
void *sx_parse_grown(struct sx_parser *p, void *items, uint32_t count, size_t width);
#define SX_PARSE_PUSH(p, items, count) \
    ((items) = sx_parse_grown((p), (items), (count), sizeof(*(items))), &(items)[(count)++])

#endif
