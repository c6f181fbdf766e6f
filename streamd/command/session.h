/* session.h: from options to an open disk and log, as the commands need them. */
#ifndef SX_COMMAND_SESSION_H
#define SX_COMMAND_SESSION_H

#include "streamd/command/command.h"
#include "streamd/setup.h"

/* The settings among the options. NULL: one is wrong, and it was said. */
struct streamd_config *sx_session_config(const struct sx_options *options);

/* The disk of a directory. If it is held by another process and was not written by hand, the next free one
 * beside it (`DIR-2`, `DIR-3` ...) is taken, which is said. NULL: failed and said. */
struct sx_disk *sx_session_disk(const char *folder, bool written, struct sx_disk_options options);

/* A log for reading and writing topics by hand, outside any application. */
struct sx_session {
    struct streamd_config *config;
    struct sx_disk *disk; /* NULL with Kafka */
    struct sx_log *log;
    struct sx_waker waker;
};
bool sx_session_open(struct sx_session *session, const struct sx_options *options);
/* The same as that application, whose group's offsets it then sees. */
bool sx_session_open_as(struct sx_session *session, const struct sx_options *options, const char *application,
                        enum sx_guarantee guarantee);
void sx_session_close(struct sx_session *session);

/* How a topic's records are encoded: by the topology of --topology, else keys and values as text. *compiled
 * is to be freed by the caller (may be NULL). False: failed and said; *exit_code says how. */
bool sx_session_form(const struct sx_options *options, const char *topic, struct sx_record_form *form,
                     struct sx_compiled **compiled, int *exit_code);

#endif
