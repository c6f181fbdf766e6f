/* words.c: a statement's tokens with one space between: layout and comments make no difference. */
#include "dsl/parse.h"

static void add_token(const struct sx_token *token, struct sx_buffer *to)
{
    switch (token->kind) {
    case SX_TOKEN_INT:
        sx_buffer_printf(to, "%lld", (long long)token->integer);
        break;
    case SX_TOKEN_DOUBLE:
        sx_buffer_printf(to, "%.17g", token->real);
        break;
    case SX_TOKEN_STRING:
        sx_buffer_printf(to, "\"%.*s\"", (int)token->size, token->text);
        break;
    case SX_TOKEN_DURATION:
        sx_buffer_printf(to, "%lldms", (long long)token->integer);
        break;
    case SX_TOKEN_SIZE:
        sx_buffer_printf(to, "%lldB", (long long)token->integer);
        break;
    case SX_TOKEN_META:
        sx_buffer_printf(to, "@%s", token->text);
        break;
    default:
        sx_buffer_add_text(to, token->text != NULL ? token->text : "");
    }
}

const char *sx_words_of(struct sx_arena *arena, const struct sx_token *from, const struct sx_token *to)
{
    struct sx_buffer text = {0};
    const char *words;

    for (const struct sx_token *token = from; token < to; token++) {
        if (token > from)
            sx_buffer_add_byte(&text, ' ');
        add_token(token, &text);
    }
    words = sx_arena_strndup(arena, text.data ? text.data : "", text.size);
    sx_buffer_free(&text);
    return words;
}
