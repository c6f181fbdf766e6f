/* parse_literal.c: literals with a word before their text: timestamp "...", decimal "...". */
#include "dsl/parse.h"

#include "engine/base/text.h"
#include "engine/data/decimal.h"

struct sx_ast *sx_parse_time(struct sx_parser *p, enum sx_ast_kind kind)
{
    struct sx_ast *ast = sx_ast_new(p, kind, p->at->at);
    const char *what = p->at->text;
    struct sx_slice text;
    bool ok;

    p->at++;
    text = sx_slice(p->at->text, p->at->size);
    ok = kind == SX_AST_TIMESTAMP ? sx_read_timestamp(text, &ast->integer)
         : kind == SX_AST_DATE    ? sx_read_date(text, &ast->integer)
                                  : sx_read_time(text, &ast->integer);
    if (!ok)
        sx_parse_failed(p, p->at->at,
                        kind == SX_AST_TIMESTAMP ? "write \"2026-01-31T10:00:00Z\""
                        : kind == SX_AST_DATE    ? "write \"2026-01-31\""
                                                 : "write \"10:00:00\"",
                        "`%s` is no %s", p->at->text, what);
    p->at++;
    ast->at = sx_parse_span(p, ast->at);
    return ast;
}

struct sx_ast *sx_parse_decimal(struct sx_parser *p)
{
    struct sx_ast *ast = sx_ast_new(p, SX_AST_DECIMAL, p->at->at);
    uint32_t precision, scale;
    __int128 digits;
    char *text;

    p->at++;
    ast->text = p->at->text;
    ast->size = p->at->size;
    switch (sx_decimal_read_exact(sx_slice(ast->text, ast->size), &precision, &scale, &digits)) {
    case SX_DECIMAL_OK:
        text = sx_arena_alloc(p->arena, SX_DECIMAL_BYTES);
        ast->size = (uint32_t)sx_decimal_write(text, digits, scale);
        ast->text = text;
        break;
    case SX_DECIMAL_RANGE:
        sx_parse_failed(p, p->at->at, NULL, "`%s` has more than %u digits", ast->text, SX_DECIMAL_DIGITS);
        break;
    default:
        sx_parse_failed(p, p->at->at, "write \"12.50\"", "`%s` is no decimal", ast->text);
        break;
    }
    p->at++;
    ast->at = sx_parse_span(p, ast->at);
    return ast;
}
