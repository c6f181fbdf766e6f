/* error.c: RocksDB's error texts, the only form the C face has, as statuses. */
#include "engine/disk/rocks.h"

static bool begins(const char *text, const char *with) { return strncmp(text, with, strlen(with)) == 0; }

static void keep(struct sx_disk *disk, const streamd_error *error)
{
    pthread_mutex_lock(&disk->failing);
    if (disk->failure == NULL)
        disk->failure = sx_error_copy(error);
    pthread_mutex_unlock(&disk->failing);
}

streamd_error *sx_disk_failure(struct sx_disk *disk)
{
    streamd_error *copy;

    pthread_mutex_lock(&disk->failing);
    copy = disk->failure ? sx_error_copy(disk->failure) : NULL;
    pthread_mutex_unlock(&disk->failing);
    return copy;
}

bool sx_disk_was_full(const streamd_error *failure)
{
    const char *text = streamd_error_message(failure);

    return streamd_error_status(failure) == STREAMD_E_STORE &&
           (strstr(text, "No space left") != NULL || strstr(text, "quota exceeded") != NULL);
}

streamd_status sx_rocks_fail(struct sx_disk *disk, const char *what, char *message, streamd_error **error)
{
    static const char advice[] =
        "; nothing repairs it by itself: bring the directory back from a copy, or move it "
        "away to begin with an empty one";
    streamd_status status = STREAMD_E_STORE;
    streamd_error *failure = NULL;

    /* A file that the manifest names and that is not there is damage as well: "IO error: No such
     * file or directory: While open a file for random read: .../000012.sst". */
    if (begins(message, "Corruption") || strstr(message, "No such file or directory") != NULL)
        status = STREAMD_E_CORRUPT;
    sx_fail(&failure, status, "%s in %s: %s%s", what, disk->folder, message,
            status == STREAMD_E_CORRUPT && !disk->rebuilds ? advice : "");
    rocksdb_free(message);
    keep(disk, failure);
    if (error != NULL)
        *error = failure;
    else
        streamd_error_free(failure);
    return status;
}
