/* mend.h: the disk of a run that fails. It is closed, waited for, and opened again: the run goes on from what
 * is committed, as after a crash, but the process stays. Room is waited for without end; from what fails
 * again and again otherwise the run ends.
 */
#ifndef SX_MEND_H
#define SX_MEND_H

#include "engine/base/logger.h"
#include "streamd/http.h"

#include <signal.h>

struct sx_mend {
    struct sx_disk_options disk;
    const sigset_t *signals; /* that end the waiting */
    struct sx_logger *logger;
    struct sx_mended counts;
    int64_t last_ms; /* when it last failed */
    uint32_t again;  /* failures in short order, which are waited for longer and longer */
    uint32_t vain;   /* of those the last ones that were not for want of room: it gives up by and by */
};

/* Say where damaged files were put, if opening did that. */
void sx_mend_say_rebuilt(struct sx_mend *mend, const struct sx_disk *disk);

/* Opens the folder of `failed` anew; that one is closed, nobody uses it any more. `failure` is taken; `http`
 * (NULL: none) meanwhile gives the latest reason.
 * NULL: a signal came, or *error says why it cannot be. */
struct sx_disk *sx_mend_disk(struct sx_mend *mend, struct sx_disk *failed, streamd_error *failure,
                             struct sx_http *http, streamd_error **error);

#endif
