/* check.h: between the files of the compiler: what is known while a text is compiled, and the types of
 * expressions. */
#ifndef SX_CHECK_H
#define SX_CHECK_H

#include "dsl/parse.h"
#include "dsl/test_block.h"
#include "engine/base/map.h"

/* A declared stream, table or case of a split. */
struct sx_definition {
    const char *name;
    const struct sx_flow *flow; /* NULL: it has mistakes, say no more about it */
    struct sx_position at;
    bool used;
    bool included; /* from another file than the one that is compiled */
    struct sx_definition *next;
};

/* A param, with its value as a literal. */
struct sx_param_value {
    const char *name;
    const struct sx_type *type; /* NULL: it has mistakes */
    struct sx_value value;
};

/* A function defined in the file. */
struct sx_defined {
    const char *name;
    const struct sx_statement *statement;
    bool open;   /* being expanded: it calls itself */
    bool broken; /* it has mistakes */
};

struct sx_compiler {
    struct sx_plan *plan;
    const char *file; /* the name of the text in hand, as positions have it; what has another was included */
    struct sx_arena *arena; /* the plan's */
    const struct sx_catalog *catalog;
    struct sx_diagnostics errors;
    struct sx_diagnostics warnings;
    struct sx_definition *definitions, **last_definition;
    struct sx_map names;        /* -> sx_definition */
    struct sx_map params;       /* -> sx_param_value */
    struct sx_map functions;    /* -> sx_defined */
    struct sx_map signatures;   /* of functions and aggregates, parsed once: text -> sx_signature */
    uint32_t lambda_parameters; /* numbered through the text */
    uint32_t source_count;
    const struct sx_source_spec **sources;
    const struct sx_statement *statements; /* of the text in hand */
};

/* A name that stands for an expression: a parameter of a function that is expanded, `acc`. */
struct sx_binding {
    const char *name;
    const struct sx_expr *expr;
    const struct sx_binding *next;
};

/* Where an expression stands: what its names mean. */
struct sx_scope {
    struct sx_compiler *c;
    const struct sx_schema *schema; /* NULL: constants only */
    const char *const *qualifiers;  /* names that may stand before a point though no column of the schema
                                     * has them any more, for a better message; may be NULL */
    const struct sx_binding *bindings;
    bool no_metadata; /* @topic and so on are an error here, with this reason */
    const char *no_metadata_why;
    struct sx_uses *uses; /* in an aggregation: where its calls are collected; else NULL */
    uint32_t group_count; /* in an aggregation: columns before the results */
    bool inside_aggregate;
};

/* The aggregates of one `aggregate { ... }` while it is read. */
struct sx_uses {
    struct sx_aggregate_use *items;
    uint32_t count;
    const struct sx_schema *rows; /* the schema of their arguments */
};

/* Type an expression. `wanted`: what it must be (an int goes for a double), NULL: anything. NULL: it has
 * mistakes, which are reported. */
const struct sx_expr *sx_check(const struct sx_scope *scope, const struct sx_ast *ast,
                               const struct sx_type *wanted);
/* The same, as a program. */
const struct sx_program *sx_check_program(const struct sx_scope *scope, const struct sx_ast *ast,
                                          const struct sx_type *wanted, const struct sx_type **type);
/* An expression that must be a constant. */
bool sx_check_constant(const struct sx_scope *scope, const struct sx_ast *ast, const struct sx_type *wanted,
                       struct sx_value *value);
/* The value of a typed expression that must be a constant. */
bool sx_constant_of(struct sx_compiler *c, const struct sx_expr *expr, struct sx_value *value);

/* Every part of an initial value must say its type; false: one does not, which is reported. */
bool sx_check_typed(const struct sx_scope *scope, const struct sx_expr *initial);
/* An expression that goes on with an initial value: cast to that one's type, field by field. */
const struct sx_expr *sx_check_like(const struct sx_scope *scope, const struct sx_ast *ast,
                                    const struct sx_type *initial);

/* A call of an aggregate function; NULL and *is_one false: it is none. */
const struct sx_expr *sx_check_aggregate(const struct sx_scope *scope, const struct sx_ast *ast,
                                         bool *is_one);

/* A program of a typed expression; NULL: it cannot be, which is reported. */
const struct sx_program *sx_build(struct sx_compiler *c, const struct sx_expr *expr,
                                  const struct sx_type *const *variables, uint32_t variable_count);

/* A node of the tree. */
struct sx_expr *sx_expr_new(struct sx_compiler *c, enum sx_expr_op op, const struct sx_type *type,
                            struct sx_position at, uint32_t count);
/* `expr` as `type`: itself, a cast from int or null; NULL: it does not fit (not reported). */
const struct sx_expr *sx_fit(struct sx_compiler *c, const struct sx_expr *expr, const struct sx_type *type);
const struct sx_signature *sx_signature_of(struct sx_compiler *c, const char *text);

void sx_mistake(struct sx_compiler *c, struct sx_position at, streamd_status status, const char *hint,
                const char *format, ...) SX_PRINTF(5, 6);

void sx_warn(struct sx_compiler *c, struct sx_position at, const char *hint, const char *format, ...)
    SX_PRINTF(4, 5);

/* Declare what a statement declares. `given`: the param's value from outside, or NULL. */
void sx_declare_param(struct sx_compiler *c, const struct sx_statement *s, const char *given);
void sx_declare_function(struct sx_compiler *c, const struct sx_statement *s);
void sx_declare_setting(struct sx_compiler *c, const struct sx_statement *s);
void sx_compile_pipeline(struct sx_compiler *c, const struct sx_statement *s);
/* Give a flow a name; flow NULL: it has mistakes. */
void sx_define(struct sx_compiler *c, const char *name, struct sx_position at, const struct sx_flow *flow);
/* Reports what cannot be a topic's name. */
void sx_check_topic(struct sx_compiler *c, const char *name, struct sx_position at);

/* The definition of a name; reports an unknown one. NULL: unknown, or with mistakes. */
const struct sx_flow *sx_find_flow(struct sx_compiler *c, const char *name, struct sx_position at);
/* Look up all streams and tables that a stage names, so that each unknown one is reported. False: one is
 * unknown, or has mistakes. */
bool sx_find_flows(struct sx_compiler *c, const struct sx_ast_stage *stage);
/* Does a pipeline or a test name this stream or table? */
bool sx_reads_flow(const struct sx_statement *s, const char *name);
/* Its flow as a pipeline begins with it: the columns qualified by the name. */
const struct sx_flow *sx_start_flow(struct sx_compiler *c, const struct sx_flow *flow, const char *name);

/* Bind a stage. The result: what flows on, or NULL (a sink, or mistakes: *failed). */
const struct sx_flow *sx_bind_stage(struct sx_compiler *c, const struct sx_ast_stage *stage,
                                    const struct sx_flow *input, const char *definition, bool named,
                                    bool *failed, const struct sx_named_flow **results,
                                    uint32_t *result_count);

/* The name of an expression that was given none: a column's own; NULL: it has none. */
const char *sx_own_name(const struct sx_ast *ast);

/* A source statement. */
const struct sx_flow *sx_compile_source(struct sx_compiler *c, const struct sx_statement *statement);
/* A sink's body, or the defaults when `body` is NULL. */
const struct sx_body *sx_compile_body(struct sx_compiler *c, const struct sx_ast_body *body,
                                      const struct sx_flow *flow, struct sx_position at);
/* The `on` of a join with a table: an expression of the left row for each key column of the right, in
 * that order; and of two streams: pairs of expressions of one type, in the order of the columns of a key
 * that a side has already, if there is one. Named as the joined row's key is. False: mistakes. */
bool sx_compile_on_table(struct sx_compiler *c, const struct sx_ast *ast, const struct sx_flow *left,
                         const struct sx_flow *right, const char *alias, const struct sx_named **lefts,
                         const struct sx_named **rights, uint32_t *count);
bool sx_compile_on_streams(struct sx_compiler *c, const struct sx_ast *ast, const struct sx_flow *left,
                           const struct sx_flow *right, const char *alias, const struct sx_named **lefts,
                           const struct sx_named **rights, uint32_t *count);
const struct sx_aggregation *sx_compile_aggregation(struct sx_compiler *c, const struct sx_ast_clause *clause,
                                                    const struct sx_flow *groups, struct sx_position at);

#endif
