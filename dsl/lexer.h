/* lexer.h: text to tokens. Line ends mean nothing; `#` starts a comment. */
#ifndef SX_LEXER_H
#define SX_LEXER_H

#include "dsl/diagnose.h"

enum sx_token_kind {
    SX_TOKEN_END,
    SX_TOKEN_NAME,     /* text */
    SX_TOKEN_INT,      /* integer */
    SX_TOKEN_DOUBLE,   /* real */
    SX_TOKEN_STRING,   /* text, size */
    SX_TOKEN_DURATION, /* integer: ms */
    SX_TOKEN_SIZE,     /* integer: bytes */
    SX_TOKEN_META,     /* @name: text */
    SX_TOKEN_SIGN,     /* text */
    SX_TOKEN_BAD       /* what is no token, reported; so that the parser does not go on over it */
};

struct sx_token {
    enum sx_token_kind kind;
    bool quoted; /* a name between backquotes: never a keyword */
    bool raw;    /* a string written r"..." */
    bool glue;   /* not of a text: put between texts by a builder; its position is the text's beside it */
    struct sx_position at;
    const char *text; /* NUL-terminated */
    uint32_t size;
    int64_t integer;
    double real;
};

#define SX_TEXT_MAX (1024 * 1024) /* bytes of a file */

/* The tokens of a text, the last of kind END; mistakes go to `d`. Everything in `arena`. */
struct sx_token *sx_lex(const struct sx_text *text, struct sx_arena *arena, struct sx_diagnostics *d,
                        uint32_t *count);

#endif
