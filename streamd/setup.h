/* setup.h: what settings mean for a plan: where its state is, and the options of disk, log and engine.
 * What the program and the library do alike before an engine starts. */
#ifndef SX_SETUP_H
#define SX_SETUP_H

#include "engine/run/engine.h"
#include "streamd/config.h"

/* The folder of log or state; the caller frees it. */
char *sx_setup_folder(const struct streamd_config *config, const char *application);
struct sx_disk_options sx_setup_disk(const struct streamd_config *config);
/* kafka or embedded. */
const struct sx_log_def *sx_setup_log_def(const struct streamd_config *config);
/* Borrows from the configuration. `disk` and `id` are the caller's to fill in. */
struct sx_log_options sx_setup_log(const struct streamd_config *config, const char *application);

/* An engine's options, and the texts that they point to. */
struct sx_setup {
    struct sx_engine_options engine;
    char *id;
};
/* `config` and `disk` must live as long as the engine; logger and callback are the caller's to fill in.
 * Errors   E_STORE: the disk cannot be read. */
streamd_status sx_setup_engine(struct sx_setup *setup, const struct streamd_config *config,
                               const struct sx_plan *plan, struct sx_disk *disk, streamd_error **error);
void sx_setup_free(struct sx_setup *setup);

#endif
