/* rocks.h: private to engine/disk: what its files share, and RocksDB's C face. */
#ifndef SX_ROCKS_H
#define SX_ROCKS_H

#include "engine/disk/disk.h"

#include <pthread.h>
#include <rocksdb/c.h>
#include <stdatomic.h>

struct sx_disk {
    char *folder;
    int lock; /* the locked file's descriptor */
    bool wal, rebuilds;
    char *aside; /* see sx_disk_aside() */
    rocksdb_t *db;
    rocksdb_cache_t *cache;
    rocksdb_options_t *options[SX_FAMILY_COUNT + 1]; /* the last: the database's own */
    /* The last: RocksDB's "default". */
    rocksdb_column_family_handle_t *families[SX_FAMILY_COUNT + 1];
    rocksdb_readoptions_t *read;
    rocksdb_writeoptions_t *write;
    rocksdb_writeoptions_t *write_sync;
    pthread_mutex_t failing;     /* of `failure` */
    streamd_error *failure;      /* the first; NULL: none */
    pthread_mutex_t flushing;    /* one sx_disk_flush at a time */
    atomic_uint_fast64_t stalls; /* units that were written while RocksDB held writers back */
};

/* ---- folder.c -------------------------------------------------------------------------------- */

/* Make the folder and its parents, check that it is ours, lock it. Returns the lock in *lock.
 * Errors: E_STORE; E_STATE: another holds it. */
streamd_status sx_folder_lock(const char *folder, int *lock, streamd_error **error);
void sx_folder_unlock(int lock);
/* Delete what is in an open folder, but for folders, and close it. */
void sx_folder_empty(int at);
/* Move the files of a database into a folder of their own beside them, whose path is given in *to. */
streamd_status sx_folder_set_aside(const char *folder, char **to, streamd_error **error);
/* A database was here, but the file that points to it is gone. Opening would begin an empty one
 * beside it, which is loss without a word. */
bool sx_folder_beheaded(const char *folder);

/* ---- options.c ------------------------------------------------------------------------------- */

/* Fills disk->cache and disk->options. */
void sx_rocks_options(struct sx_disk *disk, const struct sx_disk_options *options);

/* ---- error.c --------------------------------------------------------------------------------- */

/* RocksDB's message, freed here, as an error of ours, with which the disk has failed. `what` says what was
 * tried. */
streamd_status sx_rocks_fail(struct sx_disk *disk, const char *what, char *message, streamd_error **error);

#endif
