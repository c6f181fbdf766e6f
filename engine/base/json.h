/* json.h: the strings of JSON text, read and written. */
#ifndef SX_BASE_JSON_H
#define SX_BASE_JSON_H

#include "engine/base/bytes.h"

#ifdef __cplusplus
extern "C" {
#endif

struct sx_json_error {
    size_t at;        /* byte, counted from 0 */
    const char *what; /* static: "expected a value" */
};

/* The escape at *at (a backslash): moves behind it and gives its code point. NULL, or what is wrong. */
const char *sx_json_read_escape(const char **at, const char *end, uint32_t *code);

/* Unescape what stands between the quotes into `to`, which has room for as many bytes (it never gets
 * longer). False: an escape is wrong, at error->at of `inside`; `error` may be NULL. */
bool sx_json_unescape_inside(struct sx_slice inside, char *to, uint32_t *size, struct sx_json_error *error);

/* Append a text as a JSON string. Control characters, quotes and backslashes are escaped. */
void sx_json_write_string(struct sx_buffer *to, struct sx_slice text);

#ifdef __cplusplus
}
#endif
#endif
