/* program.h: a program from inside: registers and steps. Private to engine/expr.
 *
 * A register is a column as long as the batch, or one value for all rows. Where its value comes from
 * is fixed when the program is built: the batch, a constant, a variable, or a step.
 */
#ifndef SX_PROGRAM_H
#define SX_PROGRAM_H

#include "engine/expr/expr.h"

enum sx_opcode {
#define SX_OPCODE(name, text) SX_OP_##name,
#include "engine/expr/opcodes.def"
#undef SX_OPCODE
    SX_OPCODE_COUNT
};

enum sx_register_source {
    SX_FROM_STEP,
    SX_FROM_CONSTANT, /* value */
    SX_FROM_COLUMN,   /* number */
    SX_FROM_VARIABLE, /* number */
    SX_FROM_TIMESTAMP /* the batch's event times */
};

struct sx_register_plan {
    const struct sx_type *type;
    enum sx_register_source source;
    uint32_t number;
    struct sx_value value;
};

/* The lambdas of a step. Their bodies are programs of their own, over columns that are the parameters and
 * then what they read from around them. */
struct sx_lambdas {
    const struct sx_program *bodies[2];
    uint32_t count;
    uint32_t parameters;
    const struct sx_expr **captures; /* what they read from around them */
    uint32_t capture_count, capture_room;
};

struct sx_step {
    uint8_t op;       /* enum sx_opcode */
    uint8_t relation; /* enum sx_expr_op, of comparisons */
    uint16_t to, a, b;
    uint32_t jump;
    uint32_t number; /* FIELD: of the field; CALL, APPLY: of the call, of the loop, counted from 0 */
    uint32_t count;  /* of args, or of set */
    const uint16_t *args;
    const struct sx_value *set;
    const struct sx_function_def *function;
    const struct sx_type *const *types; /* of a call's arguments */
    const struct sx_lambdas *lambdas;   /* APPLY: args are the values, then the captures */
    struct sx_slice text;
    struct sx_position at;
};

struct sx_program {
    const struct sx_register_plan *registers;
    const struct sx_step *steps;
    uint32_t register_count, step_count;
    uint16_t result;
    uint32_t depth; /* selections at once */
    uint32_t tries; /* error scopes at once, but for the outermost */
    uint32_t args;  /* most arguments of a step */
    uint32_t call_count;
    uint32_t loop_count;
};

/* Flatten a tree as it is. `depth`: how deep in another tree it stands. */
streamd_status sx_program_emit(const struct sx_expr *expr, uint32_t depth, struct sx_arena *arena,
                               const struct sx_program **program, streamd_error **error);

/* The values that a function takes before its lambdas. */
static inline uint32_t sx_over_values(enum sx_over over) { return over == SX_OVER_REDUCE ? 2 : 1; }
/* The programs of the lambdas below an APPLY (lambda_plan.c). NULL: failed, with the error. */
const struct sx_lambdas *sx_lambdas_plan(const struct sx_expr *apply, uint32_t depth, struct sx_arena *arena,
                                         streamd_error **error);
/* Does a lambda read nothing from around it? */
bool sx_lambda_is_closed(const struct sx_expr *lambda);

/* The same tree with its constant parts worked out (fold.c). */
streamd_status sx_expr_fold(const struct sx_expr *expr, struct sx_arena *arena, const struct sx_expr **folded,
                            streamd_error **error);

/* Which step an operator is, by the kinds of its operands. False: there is no such operation. */
bool sx_opcode_arithmetic(enum sx_expr_op op, enum sx_kind x, enum sx_kind y, enum sx_opcode *found);
bool sx_opcode_negation(enum sx_kind kind, enum sx_opcode *found);
enum sx_opcode sx_opcode_comparison(enum sx_kind kind);

/* An error at a place of the text. */
streamd_status sx_expr_fail(streamd_error **error, struct sx_position at, const char *message);

#endif
