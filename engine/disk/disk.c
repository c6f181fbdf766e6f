/* disk.c: opening and closing, flushing, figures. */
#include "engine/disk/rocks.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

/* In the order of enum sx_family; they are on disk, so they never change. The last is RocksDB's
 * own, which must be there and stays empty. */
static const char *const family_names[SX_FAMILY_COUNT + 1] = {"meta",    "kv",  "window",
                                                              "session", "log", "default"};

static void free_disk(struct sx_disk *disk)
{
    for (int i = 0; i <= SX_FAMILY_COUNT; i++) {
        if (disk->families[i] != NULL)
            rocksdb_column_family_handle_destroy(disk->families[i]);
    }
    if (disk->db != NULL)
        rocksdb_close(disk->db); /* flushes all families at one cut when there is no WAL */
    for (int i = 0; i <= SX_FAMILY_COUNT; i++) {
        if (disk->options[i] != NULL)
            rocksdb_options_destroy(disk->options[i]);
    }
    if (disk->cache != NULL)
        rocksdb_cache_destroy(disk->cache);
    if (disk->read != NULL)
        rocksdb_readoptions_destroy(disk->read);
    if (disk->write != NULL)
        rocksdb_writeoptions_destroy(disk->write);
    if (disk->write_sync != NULL)
        rocksdb_writeoptions_destroy(disk->write_sync);
    if (disk->lock >= 0)
        sx_folder_unlock(disk->lock);
    pthread_mutex_destroy(&disk->flushing);
    pthread_mutex_destroy(&disk->failing);
    streamd_error_free(disk->failure);
    free(disk->aside);
    free(disk->folder);
    free(disk);
}

/* RocksDB aborts the process when it writes to its LOG again after the disk was full, and cannot do without.
 * So the LOG is in memory, without a name once it is open; where that cannot be, it is beside the tables. */
static bool log_in_memory(struct sx_disk *disk, char *folder)
{
    if (mkdtemp(folder) == NULL)
        return false;
    rocksdb_options_set_db_log_dir(disk->options[SX_FAMILY_COUNT], folder);
    return true;
}

static void forget_log(const char *folder)
{
    int at = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);

    if (at >= 0)
        sx_folder_empty(at);
    rmdir(folder);
}

static streamd_status open_database(struct sx_disk *disk, streamd_error **error)
{
    const rocksdb_options_t *options[SX_FAMILY_COUNT + 1];
    char *message = NULL, log[] = "/dev/shm/streamd-XXXXXX";
    bool in_memory = log_in_memory(disk, log);

    for (int i = 0; i <= SX_FAMILY_COUNT; i++)
        options[i] = disk->options[i];
    disk->db = rocksdb_open_column_families(disk->options[SX_FAMILY_COUNT], disk->folder, SX_FAMILY_COUNT + 1,
                                            family_names, options, disk->families, &message);
    if (in_memory)
        forget_log(log);
    if (message == NULL)
        return STREAMD_OK;
    memset(disk->families, 0, sizeof(disk->families));
    disk->db = NULL;
    return sx_rocks_fail(disk, "cannot open the database", message, error);
}

static streamd_status open_what_is_there(struct sx_disk *disk, streamd_error **error)
{
    if (!sx_folder_beheaded(disk->folder))
        return open_database(disk, error);
    return sx_fail(
        error, STREAMD_E_CORRUPT,
        "cannot open the database in %s: its file CURRENT is missing; bring the directory back from a "
        "copy, or move it away to begin with an empty one",
        disk->folder);
}

static streamd_status open_or_rebuild(struct sx_disk *disk, bool damaged, streamd_error **error)
{
    streamd_error *damage = NULL;
    streamd_status status = damaged ? STREAMD_E_CORRUPT : open_what_is_there(disk, &damage);

    if (status != STREAMD_E_CORRUPT || !disk->rebuilds) {
        if (error != NULL)
            *error = damage;
        else
            streamd_error_free(damage);
        return status;
    }
    streamd_error_free(damage);
    streamd_error_free(disk->failure); /* nobody else has the disk yet */
    disk->failure = NULL;
    status = sx_folder_set_aside(disk->folder, &disk->aside, error);
    return status == STREAMD_OK ? open_database(disk, error) : status;
}

streamd_status sx_disk_open(const char *folder, const struct sx_disk_options *options, struct sx_disk **disk,
                            streamd_error **error)
{
    struct sx_disk *d = sx_calloc(1, sizeof(*d));
    streamd_status status;

    *disk = NULL;
    d->folder = sx_strdup(folder);
    d->lock = -1;
    pthread_mutex_init(&d->flushing, NULL);
    pthread_mutex_init(&d->failing, NULL);
    d->wal = options->wal;
    d->rebuilds = options->rebuilds;
    status = sx_folder_lock(folder, &d->lock, error);
    if (status == STREAMD_OK) {
        sx_rocks_options(d, options);
        d->read = rocksdb_readoptions_create();
        d->write = rocksdb_writeoptions_create();
        d->write_sync = rocksdb_writeoptions_create();
        rocksdb_writeoptions_disable_WAL(d->write, !options->wal);
        rocksdb_writeoptions_set_sync(d->write_sync, 1);
        status = open_or_rebuild(d, options->damaged, error);
    }
    if (status != STREAMD_OK) {
        free_disk(d);
        return status;
    }
    *disk = d;
    return STREAMD_OK;
}

void sx_disk_close(struct sx_disk *disk)
{
    if (disk != NULL)
        free_disk(disk);
}

const char *sx_disk_folder(const struct sx_disk *disk) { return disk->folder; }
const char *sx_disk_aside(const struct sx_disk *disk) { return disk->aside; }

static streamd_status flush_each(struct sx_disk *disk, streamd_error **error)
{
    rocksdb_flushoptions_t *options = rocksdb_flushoptions_create();
    streamd_status status = STREAMD_OK;

    rocksdb_flushoptions_set_wait(options, 1);
    for (int i = 0; i < SX_FAMILY_COUNT && status == STREAMD_OK; i++) {
        char *message = NULL;
        rocksdb_flush_cf(disk->db, options, disk->families[i], &message);
        if (message != NULL)
            status = sx_rocks_fail(disk, "cannot flush", message, error);
    }
    rocksdb_flushoptions_destroy(options);
    return status;
}

/* RocksDB 7.8's C face can flush only one family by name, and with atomic_flush that cuts this one
 * alone. A manual compaction, though, begins by flushing every family at one cut when its range is
 * in a memtable; so a key that nobody uses is written and "compacted". */
static streamd_status flush_at_one_cut(struct sx_disk *disk, streamd_error **error)
{
    static const char key[] = "\0flush";
    rocksdb_column_family_handle_t *none = disk->families[SX_FAMILY_COUNT];
    char *message = NULL;
    uint64_t entries = 0;

    rocksdb_put_cf(disk->db, disk->write, none, key, sizeof(key), "", 0, &message);
    if (message != NULL)
        return sx_rocks_fail(disk, "cannot flush", message, error);
    rocksdb_compact_range_cf(disk->db, none, key, sizeof(key), key, sizeof(key));
    /* Compaction has no way to say that it failed; what it left undone is still in the memtable. */
    if (rocksdb_property_int_cf(disk->db, none, "rocksdb.num-entries-active-mem-table", &entries) != 0 ||
        entries != 0)
        return sx_fail(error, STREAMD_E_STORE, "cannot flush in %s", disk->folder);
    return STREAMD_OK;
}

streamd_status sx_disk_flush(struct sx_disk *disk, streamd_error **error)
{
    streamd_status status;

    pthread_mutex_lock(&disk->flushing);
    status = disk->wal ? flush_each(disk, error) : flush_at_one_cut(disk, error);
    pthread_mutex_unlock(&disk->flushing);
    return status;
}

static uint64_t sum_of(struct sx_disk *disk, const char *property)
{
    uint64_t sum = 0;

    for (int i = 0; i < SX_FAMILY_COUNT; i++) {
        uint64_t one = 0;
        if (rocksdb_property_int_cf(disk->db, disk->families[i], property, &one) == 0)
            sum += one;
    }
    return sum;
}

void sx_disk_stats(struct sx_disk *disk, struct sx_disk_stats *stats)
{
    stats->memtable_bytes = sum_of(disk, "rocksdb.cur-size-all-mem-tables");
    stats->cache_bytes = rocksdb_cache_get_usage(disk->cache);
    stats->table_bytes =
        sum_of(disk, "rocksdb.live-sst-files-size") + sum_of(disk, "rocksdb.live-blob-file-size");
    stats->pending_compaction_bytes = sum_of(disk, "rocksdb.estimate-pending-compaction-bytes");
    stats->stalls = atomic_load_explicit(&disk->stalls, memory_order_relaxed);
}
