/* compile.h: text to plan. The one header of this folder that others include. */
#ifndef SX_COMPILE_H
#define SX_COMPILE_H

#include "dsl/test_block.h"
#include "engine/graph/operator.h"

struct sx_compile_options {
    const struct sx_catalog *catalog;
    const char *name;               /* of the text, as messages show it */
    const char *application;        /* when the text has no `application`; NULL: after `name` */
    const char *const *param_names; /* --set name=value */
    const char *const *param_values;
    uint32_t param_count;
    /* The text of an included file, in malloc'd memory, or NULL. `from` is the including file's name. */
    char *(*read_file)(const char *path, const char *from, size_t *size, char **full_name, void *arg);
    void *arg;
};

struct sx_definition_info {
    const char *name;
    const struct sx_flow *flow;
};

/* A statement that has a name: a definition, a param or a function. */
struct sx_statement_info {
    const char *name;
    const char *words; /* its text, whatever its layout and comments: one space between tokens */
};

/* What a text compiled to. Everything lives until sx_compiled_free(). */
struct sx_compiled {
    struct sx_plan *plan;
    const struct sx_definition_info *definitions;
    uint32_t definition_count;
    const struct sx_source_spec *const *sources;
    uint32_t source_count;
    const struct sx_statement_info *statements; /* of texts, in order */
    uint32_t statement_count;
    bool has_application;        /* the text says how it is called */
    const struct sx_test *tests; /* `test` blocks, in order */
    struct sx_arena arena;       /* the tree's */
};

/* Compile a topology. Nothing is opened but included files.
 * Errors   STREAMD_E_SYNTAX, E_NAME, E_TYPE: the chain holds every mistake, by position. */
streamd_status sx_compile(const char *text, size_t size, const struct sx_compile_options *options,
                          struct sx_compiled **compiled, streamd_error **error);
void sx_compiled_free(struct sx_compiled *compiled);

/* The blocks of a `.test` file. They live in `arena`. */
streamd_status sx_compile_tests(const char *text, size_t size, const char *name, struct sx_arena *arena,
                                const struct sx_test **tests, streamd_error **error);

/* One expression of constants, for the examples of functions: its value and type. */
streamd_status sx_compile_constant(const char *text, const struct sx_catalog *catalog, struct sx_arena *arena,
                                   struct sx_value *value, const struct sx_type **type,
                                   streamd_error **error);

/* A type as a text writes it. It lives in `arena`. */
streamd_status sx_compile_type(const char *text, struct sx_arena *arena, const struct sx_type **type,
                               streamd_error **error);

/* ---- Step by step: what sx_compile() does, for programs that build a topology without a file - */

/* A text goes in by sx_builder_text(); what a program makes by calls goes in as trees of the same kind:
 * a stage or the body of a source is parsed from pieces, and a pipeline of such stages is compiled as one
 * in a text is. Mistakes are kept, and sx_builder_finish() gives them, in the order of the calls. */
struct sx_builder;
struct sx_ast_stage;

enum sx_piece_kind {
    SX_PIECE_WORDS, /* words and signs of the language, which the caller wrote: `window`, `{` */
    SX_PIECE_TEXT,  /* from outside: an expression, columns; positions of mistakes are in it */
    SX_PIECE_NAME,  /* any name: never a word of the language */
    SX_PIECE_STRING /* any string */
};

struct sx_piece {
    enum sx_piece_kind kind;
    const char *text;
};

struct sx_builder *sx_builder_new(const char *application, const struct sx_catalog *catalog);
void sx_builder_free(struct sx_builder *builder);
/* Mistakes come in the order of the calls, not by position. */
void sx_builder_in_order(struct sx_builder *builder);
/* Add statements as text: sources, pipelines, params, functions, settings. */
void sx_builder_text(struct sx_builder *builder, const char *name, const char *text, size_t size);
/* A source; `topics` are names. `body`: what stands between its braces. */
void sx_builder_source(struct sx_builder *builder, enum sx_flow_kind kind, const char *name,
                       const char *const *topics, uint32_t topic_count, const char *body);
/* A stage, as it stands behind `|`: parsed now, checked when its pipeline is. `where`: what messages call
 * its texts, `paid | filter`. */
const struct sx_ast_stage *sx_builder_stage(struct sx_builder *builder, const char *where,
                                            const struct sx_piece *pieces, uint32_t count);
/* Compile a pipeline from the definition `from`. `name`: of the definition, stream or table; NULL: it
 * has none and ends in a sink. */
void sx_builder_pipeline(struct sx_builder *builder, const char *name, const char *from,
                         const struct sx_ast_stage *const *stages, uint32_t stage_count);
/* A mistake of the calls themselves. */
void sx_builder_fail(struct sx_builder *builder, streamd_status status, const char *where,
                     const char *message);
/* The finished topology; the builder is then only to be freed. */
streamd_status sx_builder_finish(struct sx_builder *builder, struct sx_compiled **compiled,
                                 streamd_error **error);

#endif
