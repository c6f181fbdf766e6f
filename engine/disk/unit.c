/* unit.c: the commit unit, one WriteBatch. */
#include "engine/disk/rocks.h"

#include <stdlib.h>

/* A batch keeps its memory when it is cleared; past this it is given back, so that one large commit
 * does not stay for ever. */
#define KEPT_BYTES (4u << 20)
/* What RocksDB puts before the writes of a batch. */
#define HEADER_BYTES 12

struct sx_unit {
    struct sx_disk *disk;
    rocksdb_writebatch_t *batch;
};

struct sx_unit *sx_unit_new(struct sx_disk *disk)
{
    struct sx_unit *unit = sx_calloc(1, sizeof(*unit));

    unit->disk = disk;
    unit->batch = rocksdb_writebatch_create();
    return unit;
}

void sx_unit_free(struct sx_unit *unit)
{
    if (unit == NULL)
        return;
    rocksdb_writebatch_destroy(unit->batch);
    free(unit);
}

void sx_unit_put(struct sx_unit *unit, enum sx_family family, struct sx_slice key, struct sx_slice value)
{
    rocksdb_writebatch_put_cf(unit->batch, unit->disk->families[family], key.data, key.size,
                              value.data ? value.data : "", value.size);
}

void sx_unit_delete(struct sx_unit *unit, enum sx_family family, struct sx_slice key)
{
    rocksdb_writebatch_delete_cf(unit->batch, unit->disk->families[family], key.data, key.size);
}

void sx_unit_delete_range(struct sx_unit *unit, enum sx_family family, struct sx_slice from,
                          struct sx_slice to)
{
    /* RocksDB takes a range that ends before it begins for damage. */
    if (sx_slice_compare(from, to) >= 0)
        return;
    rocksdb_writebatch_delete_range_cf(unit->batch, unit->disk->families[family], from.data, from.size,
                                       to.data, to.size);
}

uint32_t sx_unit_count(const struct sx_unit *unit) { return (uint32_t)rocksdb_writebatch_count(unit->batch); }

size_t sx_unit_bytes(const struct sx_unit *unit)
{
    size_t size;

    rocksdb_writebatch_data(unit->batch, &size);
    return size - SX_MIN(size, HEADER_BYTES);
}

void sx_unit_clear(struct sx_unit *unit)
{
    if (sx_unit_bytes(unit) <= KEPT_BYTES) {
        rocksdb_writebatch_clear(unit->batch);
        return;
    }
    rocksdb_writebatch_destroy(unit->batch);
    unit->batch = rocksdb_writebatch_create();
}

static void count_stall(struct sx_disk *disk)
{
    uint64_t held_back = 0;

    if ((rocksdb_property_int(disk->db, "rocksdb.actual-delayed-write-rate", &held_back) == 0 &&
         held_back > 0) ||
        (rocksdb_property_int(disk->db, "rocksdb.is-write-stopped", &held_back) == 0 && held_back > 0))
        atomic_fetch_add_explicit(&disk->stalls, 1, memory_order_relaxed);
}

streamd_status sx_unit_write(struct sx_unit *unit, bool sync, streamd_error **error)
{
    struct sx_disk *disk = unit->disk;
    char *message = NULL;

    count_stall(disk);
    rocksdb_write(disk->db, sync && disk->wal ? disk->write_sync : disk->write, unit->batch, &message);
    if (message != NULL)
        return sx_rocks_fail(disk, "cannot write", message, error);
    sx_unit_clear(unit);
    return STREAMD_OK;
}
