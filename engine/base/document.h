/* document.h: JSON documents that are built whole and written once: descriptions, lists, answers over HTTP.
 * Records are none; engine/format has what is fast enough for them. */
#ifndef SX_DOCUMENT_H
#define SX_DOCUMENT_H

#include "engine/base/bytes.h"

#include <jansson.h>

/* A text, or null for NULL. Bytes that are no UTF-8 become U+FFFD. */
json_t *sx_document_text(const char *text);
/* Put a value into an object or at the end of an array; takes it. */
void sx_document_set(json_t *object, const char *name, json_t *value);
void sx_document_push(json_t *array, json_t *value);
/* Append the document and the end of its line. `rows`: of an object, with the elements of its arrays a line
 * each, for who looks with `grep` and his eyes. Frees it. */
void sx_document_write(struct sx_buffer *to, json_t *document, bool rows);

#endif
