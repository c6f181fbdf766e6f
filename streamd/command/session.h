/* session.h: from options to an open disk and log, as the commands need them. */
#ifndef SX_COMMAND_SESSION_H
#define SX_COMMAND_SESSION_H

#include "engine/log/log.h"
#include "streamd/command/command.h"

/* The disk of a directory. If it is held by another process and was not written by hand, the next free one
 * beside it (`DIR-2`, `DIR-3` ...) is taken, which is said. NULL: failed and said. */
struct sx_disk *sx_session_disk(const char *folder, bool written, bool wal, size_t memory_bytes);

/* A log for reading and writing topics by hand, outside any application. */
struct sx_session {
    struct sx_disk *disk; /* NULL with Kafka */
    struct sx_log *log;
    struct sx_waker waker;
};
bool sx_session_open(struct sx_session *session, const struct sx_options *options);
/* The same as that application, whose group's offsets it then sees. */
bool sx_session_open_as(struct sx_session *session, const struct sx_options *options,
                        const char *application);
/* The directory that an application's state is in; the caller frees it. */
char *sx_session_folder(const struct sx_options *options, const char *application);
void sx_session_close(struct sx_session *session);

/* What goes to librdkafka from the config file. */
void sx_session_settings(const struct sx_options *options, struct sx_log_setting *settings);

/* How a topic's records are encoded: by the topology of --topology, else keys and values as text. *compiled
 * is to be freed by the caller (may be NULL). False: failed and said; *exit_code says how. */
bool sx_session_form(const struct sx_options *options, const char *topic, struct sx_record_form *form,
                     struct sx_compiled **compiled, int *exit_code);

/* `512MiB`, `64KiB`, `1GiB`; false: it is none. */
bool sx_session_size(const char *text, size_t *bytes);

#endif
