/* key_text.h: texts within the key form of row.h. Private to it: key.c and json_key.c. */
#ifndef SX_DATA_KEY_TEXT_H
#define SX_DATA_KEY_TEXT_H

#include "engine/base/arena.h"
#include "engine/base/bytes.h"

/* The bytes, a zero as 00 ff, then 00 00. */
void sx_key_add_text(struct sx_buffer *to, struct sx_slice text);
/* Moves behind it. False: it has no end. */
bool sx_key_read_text(const char **at, const char *end, struct sx_slice *text, struct sx_arena *arena);

#endif
