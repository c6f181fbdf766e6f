/* check_operator.h: between check.c, check_operator.c and check_nested.c. */
#ifndef SX_CHECK_OPERATOR_H
#define SX_CHECK_OPERATOR_H

#include "dsl/check.h"

/* Trees for what is written: a sign or word between two, `in`, `between`, `case`, `cast`, a minus. */
const struct sx_expr *sx_check_binary(const struct sx_scope *s, const struct sx_ast *ast);
const struct sx_expr *sx_check_in(const struct sx_scope *s, const struct sx_ast *ast);
const struct sx_expr *sx_check_between(const struct sx_scope *s, const struct sx_ast *ast);
const struct sx_expr *sx_check_case(const struct sx_scope *s, const struct sx_ast *ast);
const struct sx_expr *sx_check_cast(const struct sx_scope *s, const struct sx_ast *ast);
const struct sx_expr *sx_check_negate(const struct sx_scope *s, const struct sx_ast *ast);

/* `not` around it, if `negate`. */
const struct sx_expr *sx_check_negated(const struct sx_scope *s, const struct sx_ast *ast,
                                       const struct sx_expr *expr, bool negate);

/* Single nodes. */
const struct sx_expr *sx_check_literal(const struct sx_scope *s, struct sx_position at,
                                       const struct sx_type *type, struct sx_value value);
const struct sx_expr *sx_check_cast_to(struct sx_compiler *c, const struct sx_expr *expr,
                                       const struct sx_type *type);
struct sx_expr *sx_check_unary(const struct sx_scope *s, enum sx_expr_op op, const struct sx_type *type,
                               struct sx_position at, const struct sx_expr *arg);

/* Every `step`-th operand from `first` as one type, which is given; NULL: there is none, reported. */
const struct sx_type *sx_check_common(const struct sx_scope *s, struct sx_expr *expr, uint32_t first,
                                      uint32_t step, const char *what);

/* Both as one type: numbers as double when one is, null as the other. False: there is none. */
bool sx_check_unify(const struct sx_scope *s, const struct sx_expr **a, const struct sx_expr **b);

/* A field of a struct, or of json; `ast` is the point with the name behind it. */
const struct sx_expr *sx_check_part(const struct sx_scope *s, const struct sx_ast *ast,
                                    const struct sx_expr *of);
/* Report a column that is not there; `qualifier`: what stands before its point, or NULL. Returns NULL. */
const struct sx_expr *sx_unknown_column(const struct sx_scope *s, struct sx_position at, const char *name,
                                        const char *qualifier);

/* check_nested.c. An element goes by an int or a string; a field of json is one. */
const struct sx_expr *sx_check_element(const struct sx_scope *s, struct sx_position at,
                                       const struct sx_type *type, const struct sx_expr *of,
                                       const struct sx_expr *index);
const struct sx_expr *sx_check_index(const struct sx_scope *s, const struct sx_ast *ast);
const struct sx_expr *sx_check_nested(const struct sx_scope *s, const struct sx_ast *ast);

#endif
