/* expr.h: a typed expression, and the program it becomes.
 *
 * The compiler of the language makes trees of struct sx_expr: every name resolved, every type known,
 * every implicit cast written out. sx_program_build() flattens a tree into steps that each run over
 * a whole batch; sx_eval_*() runs them. A program is immutable and shared; an evaluator is one
 * task's.
 *
 * Null and error rules of an operation are those of LANGUAGE: null propagates, `and`/`or` are
 * three-valued, overflow, division by zero and results that are not finite are row errors. The
 * second operand of `and`, `or`, `??` and the branches of `case` are evaluated only for the rows
 * that need them, so that they cannot fail for others.
 */
#ifndef SX_EXPR_H
#define SX_EXPR_H

#include "engine/data/batch.h"
#include "engine/expr/function.h"

enum sx_expr_op {
    SX_EXPR_CONST,     /* value */
    SX_EXPR_COLUMN,    /* column */
    SX_EXPR_VARIABLE,  /* `acc` of fold: `column` is its number */
    SX_EXPR_PARAMETER, /* of a lambda: `column` is its number, which no other lambda of the tree has */
    SX_EXPR_TIMESTAMP, /* @timestamp */
    SX_EXPR_TOPIC,     /* @topic */
    SX_EXPR_PARTITION, /* @partition */
    SX_EXPR_OFFSET,    /* @offset */
    SX_EXPR_HEADER,    /* @header(name): the last of that name, as string; value is the name */
    SX_EXPR_WINDOW_START,
    SX_EXPR_WINDOW_END,
    SX_EXPR_NEG,
    SX_EXPR_ADD, /* numbers; string + string; timestamp + duration and so on, by type */
    SX_EXPR_SUB,
    SX_EXPR_MUL,
    SX_EXPR_DIV,
    SX_EXPR_MOD,
    SX_EXPR_EQ, /* both operands of one type */
    SX_EXPR_NE,
    SX_EXPR_LT,
    SX_EXPR_LE,
    SX_EXPR_GT,
    SX_EXPR_GE,
    SX_EXPR_AND,
    SX_EXPR_OR,
    SX_EXPR_NOT,
    SX_EXPR_IS_NULL,
    SX_EXPR_COALESCE, /* any number of operands */
    SX_EXPR_IN,       /* x, then the members: null if x is null */
    SX_EXPR_CASE,     /* when, then, when, then, ..., else (always there) */
    SX_EXPR_CAST,     /* to `type` */
    SX_EXPR_TRY,      /* a row error becomes null */
    SX_EXPR_FIELD,    /* of a struct: `column` is the field's number; null of null */
    SX_EXPR_INDEX,    /* array[int] from 0, negative from the end; map[string]; null beyond */
    SX_EXPR_ARRAY,    /* from elements */
    SX_EXPR_STRUCT,   /* from fields, in the order of the type */
    SX_EXPR_MAP,      /* key, value, key, value */
    SX_EXPR_CALL,     /* function */
    SX_EXPR_APPLY,    /* a function that takes lambdas: its values, then its lambdas */
    SX_EXPR_LAMBDA /* only below APPLY: one operand, the body; `column` is the number of its first parameter,
                       * `parameters` how many there are, numbered in a row */
};

struct sx_expr {
    enum sx_expr_op op;
    const struct sx_type *type;
    struct sx_position at;
    uint32_t column, parameters;
    struct sx_value value;
    struct sx_slice literal; /* CONST of a number: as it was written; none: it was not */
    const struct sx_function_def *function;
    uint32_t count;
    const struct sx_expr **args;
};

struct sx_program;

/* Flatten a tree; calls on constants are folded. Everything lives in `arena`.
 * `variables` are the types of SX_EXPR_VARIABLE, or NULL.
 * Errors   STREAMD_E_TYPE when folding fails (1 / 0 written out), with the position. */
streamd_status sx_program_build(const struct sx_expr *expr, const struct sx_type *const *variables,
                                uint32_t variable_count, struct sx_arena *arena,
                                const struct sx_program **program, streamd_error **error);
const struct sx_type *sx_program_type(const struct sx_program *program);
/* Set the bit of every column that the program reads. */
void sx_program_columns(const struct sx_program *program, uint64_t *columns);
/* True if it is just a column, which a projection can share. */
bool sx_program_is_column(const struct sx_program *program, uint32_t *column);
/* True if it is a constant. */
bool sx_program_is_constant(const struct sx_program *program, struct sx_value *value);
/* One step a line, for people. */
void sx_program_print(const struct sx_program *program, struct sx_buffer *to);

/* A row that failed. */
struct sx_row_failure {
    uint32_t row; /* physical */
    struct sx_position at;
    const char *message; /* in the batch's arena */
};
struct sx_row_failures {
    struct sx_row_failure *items;
    uint32_t count, room;
};

struct sx_evaluator;
struct sx_evaluator *sx_evaluator_new(const struct sx_program *program);
void sx_evaluator_free(struct sx_evaluator *evaluator);

/* Evaluate for the selected rows of a batch. The column's data and bitmap are in `arena` (or shared
 * with the batch when the program is just a column); rows that are not selected hold anything. A row
 * that fails is null in `out` and added to `failures` (arrays in `arena`). */
void sx_eval_column(struct sx_evaluator *evaluator, const struct sx_batch *batch, struct sx_arena *arena,
                    struct sx_column *out, struct sx_row_failures *failures);
/* The rows for which a bool program is true: a selection in `arena`. */
void sx_eval_select(struct sx_evaluator *evaluator, const struct sx_batch *batch, struct sx_arena *arena,
                    const uint16_t **sel, uint32_t *count, struct sx_row_failures *failures);
/* One row, with the values of the variables (may be NULL when there are none). False: failed, and
 * the failure was added. */
bool sx_eval_row(struct sx_evaluator *evaluator, const struct sx_batch *batch, uint32_t row,
                 const struct sx_value *variables, struct sx_arena *arena, struct sx_value *out,
                 struct sx_row_failures *failures);

/* Cast a value; false: it cannot be, *message says why. The same rules as SX_EXPR_CAST. */
bool sx_value_cast(struct sx_value value, const struct sx_type *from, const struct sx_type *to,
                   struct sx_arena *arena, struct sx_value *out, const char **message);
/* May a cast be written at all? */
bool sx_cast_exists(const struct sx_type *from, const struct sx_type *to);

#endif
