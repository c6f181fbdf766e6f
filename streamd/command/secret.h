/* secret.h: what nobody but its owner may read: from a file or from the environment, never from a command
 * line, which everybody on the machine can see, nor from a `.stream` file, which is kept and shown.
 */
#ifndef SX_COMMAND_SECRET_H
#define SX_COMMAND_SECRET_H

#include "engine/log/log.h"

#define SX_SECRET_BYTES_MAX ((size_t)64 << 10)

/* The librdkafka setting of that name is one. */
bool sx_secret_setting(const char *name);

/* A file's content without the end of its last line, in malloc'd memory. NULL: it cannot be read, others
 * than owner and group may read it, or it is empty; *reason, malloc'd, says why and what to do. */
char *sx_secret_file(const char *path, char **reason);

/* Everybody may read it or write to it. */
bool sx_secret_is_open(const char *path);

/* The value that a setting's text stands for: `${env:NAME}` is a variable's value, `${file:PATH}` a file's
 * content, all else itself. In malloc'd memory; NULL: *reason, malloc'd, says why. */
char *sx_secret_value(const char *text, char **reason);

/* --http-token-file or STREAMD_HTTP_TOKEN. False: it is none, which was said. *token, malloc'd, or NULL. */
bool sx_secret_http_token(const char *path, char **token);

#endif
