/* test_pool.c: stores over a disk share the memory of one pool, and lose no row by it. */
#include "engine/disk/disk.h"
#include "engine/graph/store.h"
#include "tests/unit/unit.h"

#include <ftw.h>
#include <unistd.h>

enum { STORES = 8, VALUE_BYTES = 200, POOL_BYTES = 4 << 20, ROUND = 500 };

static char folder[64];
static struct sx_disk *disk;
static struct sx_cache_pool pool;
static struct sx_store *stores[STORES];
static const struct sx_store_plan plan = {.name = "s", .kind = SX_STORE_KV};

static int drop(const char *path, const struct stat *about, int kind, struct FTW *walk)
{
    (void)about, (void)kind, (void)walk;
    return remove(path);
}

static void open_all(void)
{
    struct sx_disk_options options = {.memory_bytes = 16u << 20};
    streamd_error *error = NULL;

    snprintf(folder, sizeof(folder), "/tmp/sx-pool-XXXXXX");
    CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(folder));
    CU_ASSERT_EQUAL_FATAL(sx_disk_open(folder, &options, &disk, &error), STREAMD_OK);
    pool.bytes = POOL_BYTES;
    for (uint32_t s = 0; s < STORES; s++)
        stores[s] = sx_store_kinds.open(&plan, disk, s + 1, 0, &pool);
}

static void close_all(void)
{
    for (uint32_t s = 0; s < STORES; s++)
        stores[s]->ops->close(stores[s]);
    CU_ASSERT_EQUAL(atomic_load(&pool.used), 0);
    CU_ASSERT_EQUAL(atomic_load(&pool.stores), 0);
    sx_disk_close(disk);
    nftw(folder, drop, 16, FTW_DEPTH | FTW_PHYS);
}

static struct sx_slice row_key(char *key, size_t room, uint32_t row)
{
    return sx_slice(key, (uint32_t)snprintf(key, room, "key-%u", row));
}

/* Rows [from, to) of a store, and of all stores a commit. */
static void write_rows(struct sx_store *store, uint32_t from, uint32_t to)
{
    struct sx_unit *unit = sx_unit_new(disk);
    char key[32], value[VALUE_BYTES];

    sx_store_begin(store);
    for (uint32_t row = from; row < to; row++) {
        memset(value, (int)('a' + row % 26), sizeof(value));
        memcpy(value, &row, sizeof(row));
        sx_store_put(store, 0, row_key(key, sizeof(key), row), sx_slice(value, sizeof(value)));
    }
    for (uint32_t s = 0; s < STORES; s++)
        CU_ASSERT_EQUAL(stores[s]->ops->commit(stores[s], unit, NULL, NULL, NULL), STREAMD_OK);
    CU_ASSERT_EQUAL(sx_unit_write(unit, false, NULL), STREAMD_OK);
    sx_unit_free(unit);
    for (uint32_t s = 0; s < STORES; s++)
        stores[s]->ops->committed(stores[s]);
}

static uint32_t rows_right(struct sx_store *store, uint32_t from, uint32_t to)
{
    uint32_t right = 0;
    char key[32];

    sx_store_begin(store);
    for (uint32_t row = from; row < to; row++) {
        struct sx_slice value = sx_store_get(store, 0, row_key(key, sizeof(key), row));

        right += value.size == VALUE_BYTES && memcmp(value.data, &row, sizeof(row)) == 0 &&
                 value.data[VALUE_BYTES - 1] == (char)('a' + row % 26);
    }
    return right;
}

static size_t memory_of_all(void)
{
    size_t bytes = 0;

    for (uint32_t s = 0; s < STORES; s++)
        bytes += stores[s]->ops->memory(stores[s]);
    return bytes;
}

/* One store alone may have far more than an eighth of the pool: it reads nothing that it wrote. */
static void a_busy_store_has_what_idle_ones_leave(void)
{
    open_all();
    for (uint32_t row = 0; row < 9000; row += ROUND)
        write_rows(stores[0], row, row + ROUND);
    CU_ASSERT(stores[0]->ops->memory(stores[0]) > POOL_BYTES / 2);
    CU_ASSERT_EQUAL(rows_right(stores[0], 0, 9000), 9000);
    CU_ASSERT_EQUAL(stores[0]->disk_reads, 0);
    close_all();
}

/* Twenty times as much as there is room for, by all: they stay within it, and every row is right. */
static void all_of_them_stay_within_it(void)
{
    size_t most = 0;

    open_all();
    for (uint32_t row = 0; row < 20000; row += ROUND)
        for (uint32_t s = 0; s < STORES; s++) {
            write_rows(stores[s], row, row + ROUND);
            most = SX_MAX(most, memory_of_all());
        }
    /* A commit's rows come on top, until the next. */
    CU_ASSERT(most < POOL_BYTES + POOL_BYTES / 4);
    CU_ASSERT(most > POOL_BYTES / 2);
    for (uint32_t s = 0; s < STORES; s++)
        CU_ASSERT_EQUAL(rows_right(stores[s], 0, 20000), 20000);
    close_all();
}

/* A small store that is asked all the time keeps its rows beside a large one. */
static void no_more_than_an_equal_share_is_taken(void)
{
    uint64_t before;

    open_all();
    write_rows(stores[1], 0, ROUND);
    before = stores[1]->disk_reads;
    for (uint32_t row = 0; row < 40000; row += ROUND)
        write_rows(stores[0], row, row + ROUND);
    CU_ASSERT_EQUAL(rows_right(stores[1], 0, ROUND), ROUND);
    CU_ASSERT_EQUAL(stores[1]->disk_reads, before);
    CU_ASSERT(memory_of_all() < POOL_BYTES + POOL_BYTES / 4);
    close_all();
}

/* Rows that are written again and again leave their former values behind: those go first. */
static void what_no_row_needs_goes_before_rows(void)
{
    open_all();
    for (uint32_t round = 0; round < 60; round++)
        write_rows(stores[0], 0, 8000);
    CU_ASSERT_EQUAL(rows_right(stores[0], 0, 8000), 8000);
    CU_ASSERT_EQUAL(stores[0]->disk_reads, 0);
    CU_ASSERT(memory_of_all() < POOL_BYTES + POOL_BYTES / 4);
    close_all();
}

void suite_pool(void)
{
    SX_SUITE("pool");
    SX_TEST(a_busy_store_has_what_idle_ones_leave);
    SX_TEST(all_of_them_stay_within_it);
    SX_TEST(no_more_than_an_equal_share_is_taken);
    SX_TEST(what_no_row_needs_goes_before_rows);
}
