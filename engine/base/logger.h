/* logger.h: log lines with levels and key=value fields, as text or as one JSON object a line.
 *
 * A logger belongs to an engine; the library writes nowhere unless a sink was given to it. Control
 * characters in values are escaped, so no record can forge a line.
 */
#ifndef SX_LOGGER_H
#define SX_LOGGER_H

#include "engine/base/base.h"

enum sx_level { SX_ERROR, SX_WARN, SX_INFO, SX_DEBUG };

/* `line` is a whole line without its end. Called by any thread, one call at a time. */
typedef void (*sx_log_fn)(enum sx_level level, const char *line, void *arg);

struct sx_logger;
struct sx_logger *sx_logger_new(sx_log_fn fn, void *arg, enum sx_level most, bool json);
void sx_logger_free(struct sx_logger *logger);

/* `logger` may be NULL: nothing is written. `event` is a short sentence; the rest are pairs of
 * a key and a text, ended by NULL: sx_log(l, SX_INFO, "restored", "store", name, NULL).
 * Threads: any. */
void sx_log(struct sx_logger *logger, enum sx_level level, const char *event, ...) __attribute__((sentinel));

#endif
