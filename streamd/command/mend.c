/* mend.c: see mend.h. */
#include "streamd/command/mend.h"

#include <stdlib.h>
#include <time.h>

enum { FIRST_MS = 200, MOST_MS = 5000, CALM_MS = 60000, DOUBLINGS = 5, VAIN_MOST = 8 };

void sx_mend_say_rebuilt(struct sx_mend *mend, const struct sx_disk *disk)
{
    if (sx_disk_aside(disk) == NULL)
        return;
    atomic_fetch_add(&mend->counts.rebuilt, 1);
    sx_log(mend->logger, SX_WARN,
           "the state was damaged; it was set aside and is restored from its changelogs", "damaged",
           sx_disk_aside(disk), NULL);
}

/* False: a signal came. */
static bool wait_a_while(const struct sx_mend *mend)
{
    int64_t ms = SX_MIN((int64_t)FIRST_MS << SX_MIN(mend->again, (uint32_t)DOUBLINGS), MOST_MS);
    struct timespec pause = {(time_t)(ms / 1000), (long)(ms % 1000) * 1000000};

    return sigtimedwait(mend->signals, NULL, &pause) <= 0;
}

static void count(struct sx_mend *mend, const streamd_error *failure)
{
    int64_t now_ms = sx_now_ms(&sx_clock_system);
    bool soon = now_ms - mend->last_ms < CALM_MS;

    mend->again = soon ? mend->again + 1 : 0;
    mend->vain = sx_disk_was_full(failure) ? 0 : soon ? mend->vain + 1 : 1;
    mend->last_ms = now_ms;
    atomic_fetch_add(&mend->counts.failures, 1);
}

/* Opening it anew does not help; the failure is taken. */
static streamd_error *give_up(const struct sx_mend *mend, const char *folder, streamd_error *failure)
{
    streamd_error *error = NULL;

    sx_fail_fatal(
        &error, streamd_error_status(failure),
        "the disk failed %u times in short order, and opening it anew did not help: %s; see to the disk "
        "under %s and start again%s",
        mend->vain, streamd_error_message(failure), folder,
        mend->disk.rebuilds ? ". The directory may be moved away: its state is restored from the "
                              "changelogs then"
                            : ", or bring the directory back from a copy");
    streamd_error_free(failure);
    return error;
}

/* A failure is said, and waited after; it is taken. False: a signal came. */
static bool bear(struct sx_mend *mend, streamd_error *failure, struct sx_http *http)
{
    sx_log(mend->logger, SX_WARN, "the disk failed; it is opened anew", "reason",
           streamd_error_message(failure), NULL);
    sx_http_pause(http, streamd_error_message(failure));
    streamd_error_free(failure);
    return wait_a_while(mend);
}

struct sx_disk *sx_mend_disk(struct sx_mend *mend, struct sx_disk *failed, streamd_error *failure,
                             struct sx_http *http, streamd_error **error)
{
    char *folder = sx_strdup(sx_disk_folder(failed));
    struct sx_disk_options options = mend->disk;
    struct sx_disk *disk = NULL;
    streamd_status status = streamd_error_status(failure);

    sx_disk_close(failed);
    options.damaged = status == STREAMD_E_CORRUPT;
    while (disk == NULL) {
        /* What is damaged and has nothing behind it, or is another's now, does not get better by waiting. */
        if (status == STREAMD_E_STATE || (status == STREAMD_E_CORRUPT && !options.rebuilds)) {
            *error = failure;
            break;
        }
        count(mend, failure);
        if (mend->vain == VAIN_MOST) {
            *error = give_up(mend, folder, failure);
            break;
        }
        if (!bear(mend, failure, http))
            break;
        failure = NULL;
        status = sx_disk_open(folder, &options, &disk, &failure);
    }
    free(folder);
    if (disk == NULL)
        return NULL;
    sx_mend_say_rebuilt(mend, disk);
    sx_log(mend->logger, SX_INFO, "the disk is open again", "folder", sx_disk_folder(disk), NULL);
    return disk;
}
