/* decimals.h: steps and casts of decimals, for the rest of engine/expr. */
#ifndef SX_EXPR_DECIMALS_H
#define SX_EXPR_DECIMALS_H

#include "engine/expr/eval.h"

/* ADD_DECIMAL ... NEG_DECIMAL */
void sx_eval_decimals(struct sx_evaluator *e, const struct sx_step *step);
/* Less than, 0 or more than 0 as the one row is before, like or behind the other; neither is null. */
int sx_eval_order_decimals(const struct sx_register *a, const struct sx_register *b, uint32_t row);

/* What a decimal can be cast to, and from. */
bool sx_decimal_cast_exists(enum sx_kind kind);
/* As sx_value_cast(), of a decimal; and of an int, a double or a string to one. */
bool sx_cast_from_decimal(struct sx_value value, const struct sx_type *from, const struct sx_type *to,
                          struct sx_arena *arena, struct sx_value *out, const char **message);
bool sx_cast_to_decimal(struct sx_value value, const struct sx_type *to, struct sx_arena *arena,
                        struct sx_value *out, const char **message);

/* A message: this text is none of the type. */
const char *sx_cast_refused(struct sx_slice text, const struct sx_type *to, struct sx_arena *arena);

#endif
