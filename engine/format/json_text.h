/* json_text.h: JSON as text, off the hot path: check it, compact it, take an object's members.
 *
 * Strict RFC 8259: UTF-8 without overlong forms, no byte order mark, no lone surrogates, no control
 * characters in strings, nothing behind the value, at most SX_JSON_DEPTH arrays and objects in one
 * another. Numbers of any size are fine: they are text here, and stay as they were written. Nothing
 * recurses, so no depth of input can exhaust the stack.
 */
#ifndef SX_JSON_TEXT_H
#define SX_JSON_TEXT_H

#include "engine/data/json.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Is `text` one JSON value? `error` may be NULL. */
bool sx_json_check(struct sx_slice text, struct sx_json_error *error);

/* Check, and append without white space between tokens; order, duplicates, escapes and the digits of
 * numbers stay. False: nothing was appended. */
bool sx_json_compact(struct sx_slice text, struct sx_buffer *to, struct sx_json_error *error);

/* Append the text that a JSON string, with its quotes, stands for. White space around it is fine.
 * False: it is not a string; nothing was appended. */
bool sx_json_unescape(struct sx_slice text, struct sx_buffer *to, struct sx_json_error *error);

/* Check, and call `member` for each member of an object in order: its name unescaped, its value as
 * the text that stands there, both until the call returns (the value: as long as `text`). It may
 * return false to stop. False: `text` is not an object. */
bool sx_json_object(struct sx_slice text,
                    bool (*member)(struct sx_slice name, struct sx_slice value, void *arg), void *arg,
                    struct sx_json_error *error);

/* The same for the elements of an array. */
bool sx_json_array(struct sx_slice text, bool (*element)(struct sx_slice value, void *arg), void *arg,
                   struct sx_json_error *error);

#ifdef __cplusplus
}
#endif
#endif
