/* error.c: RocksDB's error texts, the only form the C face has, as statuses. */
#include "engine/disk/rocks.h"

static bool begins(const char *text, const char *with) { return strncmp(text, with, strlen(with)) == 0; }

streamd_status sx_rocks_fail(const struct sx_disk *disk, const char *what, char *message,
                             streamd_error **error)
{
    streamd_status status = STREAMD_E_STORE;

    /* A file that the manifest names and that is not there is damage as well: "IO error: No such
     * file or directory: While open a file for random read: .../000012.sst". */
    if (begins(message, "Corruption") || strstr(message, "No such file or directory") != NULL)
        status = STREAMD_E_CORRUPT;
    status = sx_fail(error, status, "%s in %s: %s", what, disk->folder, message);
    rocksdb_free(message);
    return status;
}
