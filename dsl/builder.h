/* builder.h: what compile.c and builder.c share: a topology while it is made. Private to this folder. */
#ifndef SX_DSL_BUILDER_H
#define SX_DSL_BUILDER_H

#include "dsl/check.h"
#include "dsl/compile.h"

struct sx_builder {
    struct sx_compiler c;
    struct sx_compiled *compiled;             /* what is being made */
    const struct sx_compile_options *options; /* NULL: none */
    struct sx_ast_file file;                  /* all statements so far */
    struct sx_test **last_test;
};

/* A text that positions can be in; copied. */
const struct sx_text *sx_builder_add_text(struct sx_builder *builder, const char *name, const char *data,
                                          size_t size);
struct sx_parser sx_builder_parser(struct sx_builder *builder);
void sx_builder_statement(struct sx_builder *builder, const struct sx_statement *statement);
/* The chain of all mistakes so far. */
streamd_status sx_builder_result(struct sx_builder *builder, streamd_error **error);

#endif
