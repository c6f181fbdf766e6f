/* check_call.h: calls of functions. */
#ifndef SX_CHECK_CALL_H
#define SX_CHECK_CALL_H

#include "dsl/check.h"

/* A call as written: a function of the file, if(), try(), one of the catalogue, an aggregate. */
const struct sx_expr *sx_check_named_call(const struct sx_scope *s, const struct sx_ast *ast);
/* A call of a catalogue function by name. */
const struct sx_expr *sx_check_call(const struct sx_scope *s, const struct sx_ast *ast, const char *name,
                                    struct sx_ast **args, uint32_t count);

#endif
