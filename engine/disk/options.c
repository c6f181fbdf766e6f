/* options.c: how RocksDB is set up, and why. */
#include "engine/disk/rocks.h"

#define MIB ((size_t)1 << 20)

/* rocksdb::ChecksumType of rocksdb/table.h; the C header has no names for them. */
enum { xxh3_checksum = 4 };

/* How the memory of sx_disk_options is shared out: half for memtables (work is mostly writes: reads
 * are answered by the stores' caches above), a quarter for blocks, indexes and filters. The rest is
 * what RocksDB takes besides: memtables being flushed, iterators, compactions' buffers. */
struct shares {
    size_t memtables; /* all together */
    size_t memtable;  /* one at most; at half of the whole, one busy family can use all of it */
    size_t cache;
};

static struct shares share(size_t memory_bytes)
{
    size_t all = memory_bytes ? memory_bytes : 128 * MIB;

    all = SX_MAX(all, 8 * MIB);
    return (struct shares){.memtables = all / 2, .memtable = all / 4, .cache = all / 4};
}

static void set_tables(rocksdb_options_t *to, rocksdb_cache_t *cache, bool filter, size_t block_bytes)
{
    rocksdb_block_based_table_options_t *table = rocksdb_block_based_options_create();

    rocksdb_block_based_options_set_block_cache(table, cache);
    rocksdb_block_based_options_set_block_size(table, block_bytes);
    rocksdb_block_based_options_set_format_version(table, 5);
    /* Debian builds RocksDB for any x86-64, so its CRC32C goes through tables of numbers and was
     * half of the time of a large write; XXH3 needs no special instruction. */
    rocksdb_block_based_options_set_checksum(table, xxh3_checksum);
    /* Indexes and filters count against the cache, or memory would grow with the tables' number. */
    rocksdb_block_based_options_set_cache_index_and_filter_blocks(table, 1);
    rocksdb_block_based_options_set_cache_index_and_filter_blocks_with_high_priority(table, 1);
    rocksdb_block_based_options_set_pin_l0_filter_and_index_blocks_in_cache(table, 1);
    if (filter) /* owned by `table` from here on */
        rocksdb_block_based_options_set_filter_policy(table, rocksdb_filterpolicy_create_bloom_full(10));
    rocksdb_options_set_block_based_table_factory(to, table);
    rocksdb_block_based_options_destroy(table);
}

/* What every family has. */
static rocksdb_options_t *base_options(const struct shares *shares)
{
    rocksdb_options_t *to = rocksdb_options_create();

    rocksdb_options_set_write_buffer_size(to, shares->memtable);
    rocksdb_options_set_max_write_buffer_number(to, 3);
    /* Memtables take memory by this step, and most of the families are nearly empty. */
    rocksdb_options_set_arena_block_size(to, 64 * 1024);
    rocksdb_options_set_compaction_style(to, rocksdb_level_compaction);
    rocksdb_options_set_level_compaction_dynamic_level_bytes(to, 1);
    /* A tenth of a write's time when nothing compresses, and less than it saves when it does. */
    rocksdb_options_set_compression(to, rocksdb_lz4_compression);
    rocksdb_options_set_max_bytes_for_level_base(to, SX_MAX(shares->memtable * 4, 64 * MIB));
    rocksdb_options_set_target_file_size_base(to, SX_MAX(shares->memtable, 16 * MIB));
    return to;
}

/* Point reads that find nothing are half of all reads: the first row of a group, the first of a
 * window. Filters answer those, in tables and in memtables. */
static void expect_misses(rocksdb_options_t *to)
{
    rocksdb_options_set_memtable_whole_key_filtering(to, 1);
    rocksdb_options_set_memtable_prefix_bloom_size_ratio(to, 0.02);
}

/* Rows come in roughly the order of time and die in the order of time, by DeleteRange. What dies
 * before it is flushed costs nothing, and what dies in level 0 costs one write, so level 0 may be
 * twice as deep as usual before it is merged. Sorted keys make wider blocks cheap. */
static void expect_expiry(rocksdb_options_t *to)
{
    rocksdb_options_set_level0_file_num_compaction_trigger(to, 8);
    rocksdb_options_set_level0_slowdown_writes_trigger(to, 24);
    rocksdb_options_set_level0_stop_writes_trigger(to, 40);
}

/* The log's values are blocks of records of some ten kilobytes, appended at the end of every
 * partition and read in order, so a table's blocks may be wide. Blob files were tried: a value is
 * written once instead of three times (flush, level 0, level 1, from where tables only move), but
 * their CRC32C, table-driven in Debian's build, costs as much, and a file stays while any of its
 * records lives. */
static void expect_log(rocksdb_options_t *to) { rocksdb_options_set_target_file_size_base(to, 64 * MIB); }

static rocksdb_options_t *database_options(const struct sx_disk_options *options, const struct shares *shares)
{
    rocksdb_options_t *to = base_options(shares);

    rocksdb_options_set_create_if_missing(to, 1);
    rocksdb_options_set_create_missing_column_families(to, 1);
    rocksdb_options_set_paranoid_checks(to, 1);
    rocksdb_options_set_db_write_buffer_size(to, shares->memtables);
    rocksdb_options_set_max_background_jobs(to, 2);
    rocksdb_options_set_max_open_files(to, 256);
    rocksdb_options_set_max_file_opening_threads(to, 1);
    rocksdb_options_set_bytes_per_sync(to, MIB);
    rocksdb_options_set_stats_dump_period_sec(to, 0);
    rocksdb_options_set_stats_persist_period_sec(to, 0);
    rocksdb_options_set_info_log_level(to, 4); /* errors come back to whoever caused them */
    if (options->wal)
        /* Or a small family that is never flushed would keep the log of all since its first write,
         * to be read again at the next start. */
        rocksdb_options_set_max_total_wal_size(to, SX_MAX(shares->memtables * 2, 64 * MIB));
    else
        /* Without a WAL a crash leaves what was flushed, and it must be of one moment. */
        rocksdb_options_set_atomic_flush(to, 1);
    return to;
}

void sx_rocks_options(struct sx_disk *disk, const struct sx_disk_options *options)
{
    struct shares shares = share(options->memory_bytes);
    rocksdb_options_t **to = disk->options;

    disk->cache = rocksdb_cache_create_lru(shares.cache);
    for (int family = 0; family < SX_FAMILY_COUNT; family++)
        to[family] = base_options(&shares);
    to[SX_FAMILY_COUNT] = database_options(options, &shares);

    set_tables(to[SX_FAMILY_META], disk->cache, true, 4096);
    set_tables(to[SX_FAMILY_KV], disk->cache, true, 8192);
    set_tables(to[SX_FAMILY_WINDOW], disk->cache, true, 16384);
    set_tables(to[SX_FAMILY_SESSION], disk->cache, true, 8192);
    set_tables(to[SX_FAMILY_LOG], disk->cache, false, 65536);
    set_tables(to[SX_FAMILY_COUNT], disk->cache, false, 4096);
    expect_misses(to[SX_FAMILY_KV]);
    expect_misses(to[SX_FAMILY_WINDOW]);
    expect_misses(to[SX_FAMILY_SESSION]);
    expect_expiry(to[SX_FAMILY_WINDOW]);
    expect_log(to[SX_FAMILY_LOG]);
}
