/* cast_json.h: casts from json and to it. */
#ifndef SX_EXPR_CAST_JSON_H
#define SX_EXPR_CAST_JSON_H

#include "engine/data/value.h"

bool sx_json_cast_exists(const struct sx_type *to);
/* What the text stands for, as a type. False: it is not of that type; *message, in the arena, says so. */
bool sx_json_to_value(struct sx_slice json, const struct sx_type *to, struct sx_arena *arena,
                      struct sx_value *out, const char **message);
/* The text of a value that is not json itself. False: it is nested too deeply. */
bool sx_value_to_json(struct sx_value value, const struct sx_type *type, struct sx_arena *arena,
                      struct sx_value *out, const char **message);

#endif
