/* compile.h: text to plan. The one header of this folder that others include. */
#ifndef SX_COMPILE_H
#define SX_COMPILE_H

#include "dsl/test_block.h"
#include "engine/graph/operator.h"

struct sx_compile_options {
    const struct sx_catalog *catalog;
    const char *name;               /* of the text, as messages show it */
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

/* What a text compiled to. Everything lives until sx_compiled_free(). */
struct sx_compiled {
    struct sx_plan *plan;
    const struct sx_definition_info *definitions;
    uint32_t definition_count;
    const struct sx_source_spec *const *sources;
    uint32_t source_count;
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

/* ---- Step by step: what sx_compile() does, for programs that build a topology without a file - */

struct sx_builder;
struct sx_builder *sx_builder_new(const char *application, const struct sx_catalog *catalog);
void sx_builder_free(struct sx_builder *builder);
/* Add statements as text: sources, pipelines, params, functions, settings. */
streamd_status sx_builder_text(struct sx_builder *builder, const char *text, size_t size,
                               streamd_error **error);
/* The stream or table of that name; NULL: none. */
const struct sx_flow *sx_builder_flow(struct sx_builder *builder, const char *name);
/* Put one stage (as written behind `|`) behind a flow, in the definition of that name. NULL for what a
 * sink gives; the result lives as long as the builder. */
streamd_status sx_builder_stage(struct sx_builder *builder, const struct sx_flow *input,
                                const char *definition, const char *stage, const struct sx_flow **result,
                                streamd_error **error);
/* Give a flow a name, for later stages and statements. */
streamd_status sx_builder_name(struct sx_builder *builder, const struct sx_flow *flow, const char *name,
                               streamd_error **error);
/* The finished topology; the builder is then only to be freed. */
streamd_status sx_builder_finish(struct sx_builder *builder, struct sx_compiled **compiled,
                                 streamd_error **error);

#endif
