/* json.h: what the families of functions on JSON texts share. */
#ifndef SX_FUNCTIONS_JSON_H
#define SX_FUNCTIONS_JSON_H

#include "engine/format/json_text.h"
#include "operators/functions/common.h"

/* The buffer as a string of the call; the buffer is freed. */
struct sx_value sx_json_result(struct sx_call *call, struct sx_buffer *text);

/* What stands at a path, as `$.a.b[0]`, without white space before it. data NULL: nothing is there, the text
 * is no JSON, or the path is wrong and the call has failed. */
struct sx_slice sx_json_find(struct sx_call *call, struct sx_slice json, struct sx_slice path);
/* `prepare` of a row whose second argument is a path. */
void *sx_json_prepare_path(struct sx_call *call, const struct sx_value *const *constants, uint32_t count);

/* Overloads' functions that other names have too. */
struct sx_value sx_json_value(struct sx_call *call, const struct sx_value *args, uint32_t count);
struct sx_value sx_is_json(struct sx_call *call, const struct sx_value *args, uint32_t count);
struct sx_value sx_to_json(struct sx_call *call, const struct sx_value *args, uint32_t count);

#endif
