/* check_call.h: calls of functions. */
#ifndef SX_CHECK_CALL_H
#define SX_CHECK_CALL_H

#include "dsl/check.h"

/* A call as written: a function of the file, if(), try(), one of the catalogue, an aggregate. */
const struct sx_expr *sx_check_named_call(const struct sx_scope *s, const struct sx_ast *ast);
/* A call of a catalogue function by name. */
const struct sx_expr *sx_check_call(const struct sx_scope *s, const struct sx_ast *ast, const char *name,
                                    struct sx_ast **args, uint32_t count);

/* Report a function that does not exist. */
void sx_unknown_function(struct sx_compiler *c, struct sx_position at, const char *name);
/* Report a `where` in a call of what is no aggregate. Returns NULL. */
const struct sx_expr *sx_refuse_where(const struct sx_scope *s, const struct sx_ast *call);

/* A call with a lambda among its arguments. */
bool sx_has_lambda(const struct sx_ast *call);
const struct sx_expr *sx_check_lambda_call(const struct sx_scope *s, const struct sx_ast *ast);
/* The signatures of that name that take lambdas, for a hint; NULL: there are none. */
const char *sx_lambda_signatures(struct sx_compiler *c, const char *name);
/* Report a call of a function that takes no lambda, and has one. Returns NULL. */
const struct sx_expr *sx_refuse_lambda(const struct sx_scope *s, const struct sx_ast *call);

#endif
