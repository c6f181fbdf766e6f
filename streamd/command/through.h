/* through.h: a directory that a running streamd holds, by way of its socket. */
#ifndef SX_COMMAND_THROUGH_H
#define SX_COMMAND_THROUGH_H

#include "streamd/command/command.h"

/* A request whose answer is being read. */
struct sx_through;

/* Does a running streamd serve this directory? */
bool sx_through_there(const char *folder);

/* Send a request for a topic, and read the answer's head. `body` data NULL: GET. NULL: failed and said. */
struct sx_through *sx_through_send(const char *folder, const char *topic, const char *query,
                                   struct sx_slice body);
/* More of the answer. 0: it is whole; -1: it was cut off, which is said. */
ssize_t sx_through_read(struct sx_through *through, char *to, size_t room);
unsigned sx_through_code(const struct sx_through *through); /* of HTTP */
void sx_through_close(struct sx_through *through);

/* The whole answer. False: cut off, and said. */
bool sx_through_rest(struct sx_through *through, struct sx_buffer *to);

#endif
