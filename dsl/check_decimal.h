/* check_decimal.h: the types of decimals: what a literal is beside one, and what arithmetic gives. */
#ifndef SX_CHECK_DECIMAL_H
#define SX_CHECK_DECIMAL_H

#include "dsl/check.h"

/* `expr` as a decimal: it is one, or an int, or a literal with a point, or arithmetic of literals, which
 * are exact then. NULL: a double, or no number. */
const struct sx_expr *sx_check_exact(struct sx_compiler *c, const struct sx_expr *expr);

/* Two numbers, one of which is a decimal: both as decimals, or both as doubles when the other one is a
 * double. False: they are not. */
bool sx_check_beside(struct sx_compiler *c, const struct sx_expr **a, const struct sx_expr **b);

/* The result of + - * / % of two decimals. */
const struct sx_type *sx_check_decimal_result(struct sx_compiler *c, enum sx_expr_op op,
                                              const struct sx_type *a, const struct sx_type *b);

/* Where one of the operands first, first + step, ... is a decimal and all are numbers or null: one type for
 * all of them, as which they are left. NULL: it is not so. */
const struct sx_type *sx_check_decimals(struct sx_compiler *c, const struct sx_expr **args, uint32_t count,
                                        uint32_t first, uint32_t step);

/* A constant that a type of decimals holds exactly, as that. NULL: it is none. */
const struct sx_expr *sx_fit_decimal(struct sx_compiler *c, const struct sx_expr *expr,
                                     const struct sx_type *type);

/* With all digits that its decimals can have: what begins with 0.00 grows. */
const struct sx_expr *sx_check_roomy(struct sx_compiler *c, const struct sx_expr *expr);

#endif
