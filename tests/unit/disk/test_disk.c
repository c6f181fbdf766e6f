/* test_disk.c: the disk's contract, seen from outside, with crashes. */
#include "tests/unit/disk/folder.h"

#include <dirent.h>
#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

char folder[64];

static int drop(const char *path, const struct stat *about, int kind, struct FTW *walk)
{
    (void)about;
    (void)kind;
    (void)walk;
    return remove(path);
}

void fresh(void)
{
    snprintf(folder, sizeof(folder), "/tmp/sx-disk-XXXXXX");
    CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(folder));
}

void clean(void) { nftw(folder, drop, 16, FTW_DEPTH | FTW_PHYS); }

struct sx_disk *open_disk(bool wal)
{
    struct sx_disk_options options = {.wal = wal, .memory_bytes = 16u << 20};
    struct sx_disk *disk = NULL;
    streamd_error *error = NULL;

    if (sx_disk_open(folder, &options, &disk, &error) != STREAMD_OK) {
        CU_FAIL("the disk does not open");
        fprintf(stderr, "%s\n", streamd_error_message(error));
        streamd_error_free(error);
        exit(1);
    }
    return disk;
}

void put(struct sx_unit *unit, enum sx_family family, const char *key, const char *value)
{
    sx_unit_put(unit, family, sx_slice_of(key), sx_slice_of(value));
}

static bool holds(struct sx_disk *disk, enum sx_family family, const char *key, const char *value)
{
    struct sx_buffer got = {0};
    bool found;
    bool same;

    sx_buffer_add(&got, "=", 1);
    CU_ASSERT_EQUAL(sx_disk_get(disk, family, sx_slice_of(key), &got, &found, NULL), STREAMD_OK);
    same = value == NULL
               ? !found && got.size == 1
               : found && got.size == strlen(value) + 1 && memcmp(got.data + 1, value, got.size - 1) == 0;
    sx_buffer_free(&got);
    return same;
}

static void write_unit(struct sx_unit *unit, bool sync)
{
    CU_ASSERT_EQUAL(sx_unit_write(unit, sync, NULL), STREAMD_OK);
    CU_ASSERT_EQUAL(sx_unit_count(unit), 0);
}

static void test_unit(void)
{
    struct sx_disk *disk;
    struct sx_unit *unit;

    fresh();
    disk = open_disk(false);
    CU_ASSERT_STRING_EQUAL(sx_disk_folder(disk), folder);
    unit = sx_unit_new(disk);
    CU_ASSERT_EQUAL(sx_unit_bytes(unit), 0);
    put(unit, SX_FAMILY_KV, "a", "1");
    put(unit, SX_FAMILY_WINDOW, "a", "2");
    put(unit, SX_FAMILY_META, "empty", "");
    CU_ASSERT_EQUAL(sx_unit_count(unit), 3);
    CU_ASSERT(sx_unit_bytes(unit) > 0);
    CU_ASSERT(holds(disk, SX_FAMILY_KV, "a", NULL));
    write_unit(unit, false);
    CU_ASSERT(holds(disk, SX_FAMILY_KV, "a", "1"));
    CU_ASSERT(holds(disk, SX_FAMILY_WINDOW, "a", "2"));
    CU_ASSERT(holds(disk, SX_FAMILY_SESSION, "a", NULL));
    CU_ASSERT(holds(disk, SX_FAMILY_META, "empty", ""));

    sx_unit_delete(unit, SX_FAMILY_KV, SX_SLICE("a"));
    put(unit, SX_FAMILY_KV, "b", "3");
    sx_unit_clear(unit);
    CU_ASSERT_EQUAL(sx_unit_count(unit), 0);
    write_unit(unit, false);
    CU_ASSERT(holds(disk, SX_FAMILY_KV, "a", "1"));
    CU_ASSERT(holds(disk, SX_FAMILY_KV, "b", NULL));

    put(unit, SX_FAMILY_KV, "b", "3");
    put(unit, SX_FAMILY_KV, "c", "4");
    put(unit, SX_FAMILY_KV, "d", "5");
    sx_unit_delete_range(unit, SX_FAMILY_KV, SX_SLICE("b"), SX_SLICE("d"));
    sx_unit_delete_range(unit, SX_FAMILY_KV, SX_SLICE("z"), SX_SLICE("a"));
    put(unit, SX_FAMILY_KV, "c", "6");
    sx_unit_delete(unit, SX_FAMILY_KV, SX_SLICE("a"));
    write_unit(unit, false);
    CU_ASSERT(holds(disk, SX_FAMILY_KV, "a", NULL));
    CU_ASSERT(holds(disk, SX_FAMILY_KV, "b", NULL));
    CU_ASSERT(holds(disk, SX_FAMILY_KV, "c", "6"));
    CU_ASSERT(holds(disk, SX_FAMILY_KV, "d", "5"));
    sx_unit_free(unit);
    sx_disk_close(disk);

    disk = open_disk(false);
    CU_ASSERT(holds(disk, SX_FAMILY_KV, "c", "6"));
    CU_ASSERT(holds(disk, SX_FAMILY_KV, "b", NULL));
    CU_ASSERT(holds(disk, SX_FAMILY_WINDOW, "a", "2"));
    sx_disk_close(disk);
    clean();
}

/* The keys that a cursor gives, joined. */
static const char *walk(struct sx_cursor *cursor)
{
    static char keys[64];
    struct sx_slice key, value;
    size_t size = 0;

    while (size + 8 < sizeof(keys) && sx_cursor_next(cursor, &key, &value)) {
        CU_ASSERT(sx_slice_equal(key, value));
        memcpy(keys + size, key.data, key.size);
        size += key.size;
    }
    keys[size] = '\0';
    CU_ASSERT_EQUAL(sx_cursor_status(cursor, NULL), STREAMD_OK);
    return keys;
}

static void test_cursor(void)
{
    static const char *const keys[] = {"a", "b", "ba", "c", "\xff"};
    struct sx_disk *disk;
    struct sx_unit *unit;
    struct sx_cursor *cursor;
    struct sx_slice key, value;
    struct sx_buffer last = {0};
    bool yes;

    fresh();
    disk = open_disk(false);
    unit = sx_unit_new(disk);
    for (size_t i = 0; i < SX_COUNT(keys); i++)
        put(unit, SX_FAMILY_SESSION, keys[i], keys[i]);
    write_unit(unit, false);

    cursor = sx_cursor_open(disk, SX_FAMILY_SESSION, SX_SLICE_NONE, SX_SLICE_NONE);
    CU_ASSERT_STRING_EQUAL(walk(cursor), "abbac\xff");
    CU_ASSERT(!sx_cursor_next(cursor, &key, &value));
    sx_cursor_seek(cursor, SX_SLICE("b\x01"));
    CU_ASSERT_STRING_EQUAL(walk(cursor), "bac\xff");
    sx_cursor_close(cursor);

    cursor = sx_cursor_open(disk, SX_FAMILY_SESSION, SX_SLICE("b"), SX_SLICE("c"));
    put(unit, SX_FAMILY_SESSION, "bb", "bb");
    write_unit(unit, false);
    CU_ASSERT_STRING_EQUAL(walk(cursor), "bba"); /* the snapshot has no bb, and c is outside */
    sx_cursor_close(cursor);
    sx_cursor_close(NULL);

    CU_ASSERT_EQUAL(sx_disk_any(disk, SX_FAMILY_SESSION, SX_SLICE("bb"), &yes, NULL), STREAMD_OK);
    CU_ASSERT(yes);
    CU_ASSERT_EQUAL(sx_disk_any(disk, SX_FAMILY_SESSION, SX_SLICE("aa"), &yes, NULL), STREAMD_OK);
    CU_ASSERT(!yes);
    CU_ASSERT_EQUAL(sx_disk_any(disk, SX_FAMILY_KV, SX_SLICE_NONE, &yes, NULL), STREAMD_OK);
    CU_ASSERT(!yes);

    CU_ASSERT_EQUAL(sx_disk_last(disk, SX_FAMILY_SESSION, SX_SLICE("b"), SX_SLICE("c"), &last, &yes, NULL),
                    STREAMD_OK);
    CU_ASSERT(yes && sx_slice_equal(sx_buffer_slice(&last), SX_SLICE("bb")));
    CU_ASSERT_EQUAL(sx_disk_last(disk, SX_FAMILY_SESSION, SX_SLICE("d"), SX_SLICE("e"), &last, &yes, NULL),
                    STREAMD_OK);
    CU_ASSERT(!yes && last.size == 2);
    sx_buffer_free(&last);
    sx_unit_free(unit);
    sx_disk_close(disk);
    clean();
}

static void test_folder_and_lock(void)
{
    struct sx_disk_options options = {0};
    struct sx_disk *disk, *second;
    streamd_error *error = NULL;
    struct stat about;
    char base[64], pid[32];

    fresh();
    memcpy(base, folder, sizeof(base));
    strncat(folder, "/deep/er", sizeof(folder) - strlen(folder) - 1);
    disk = open_disk(false);
    CU_ASSERT(stat(folder, &about) == 0 && (about.st_mode & 0777) == 0700);
    CU_ASSERT_EQUAL(sx_disk_open(folder, &options, &second, &error), STREAMD_E_STATE);
    snprintf(pid, sizeof(pid), "pid %ld", (long)getpid());
    CU_ASSERT_PTR_NOT_NULL_FATAL(error);
    CU_ASSERT_PTR_NOT_NULL(strstr(streamd_error_message(error), pid));
    CU_ASSERT_PTR_NULL(second);
    streamd_error_free(error);
    sx_disk_close(disk);
    sx_disk_close(open_disk(false)); /* the lock went with it */

    /* A link in place of the lock file must not lead us to write elsewhere. */
    snprintf(pid, sizeof(pid), "LOCK.streamd");
    {
        int at = open(folder, O_RDONLY | O_DIRECTORY);
        CU_ASSERT(unlinkat(at, pid, 0) == 0 && symlinkat("elsewhere", at, pid) == 0);
        CU_ASSERT_EQUAL(sx_disk_open(folder, &options, &disk, NULL), STREAMD_E_STORE);
        CU_ASSERT(faccessat(at, "elsewhere", F_OK, 0) != 0);
        close(at);
    }
    memcpy(folder, base, sizeof(base));
    clean();
}

/* Run this program again as disk_child() and let it die as from kill -9. Not just a fork: RocksDB's
 * background threads would be missing in the child. */
static void in_killed_child(const char *what)
{
    int status;
    pid_t pid = fork();

    if (pid == 0) {
        setenv("SX_DISK_CHILD", what, 1);
        setenv("SX_DISK_FOLDER", folder, 1);
        execl("/proc/self/exe", "unit_disk", (char *)NULL);
        _exit(1);
    }
    CU_ASSERT(waitpid(pid, &status, 0) == pid && WIFSIGNALED(status));
}

static void write_with_wal(void)
{
    struct sx_unit *unit = sx_unit_new(open_disk(true));

    put(unit, SX_FAMILY_LOG, "r", "1");
    put(unit, SX_FAMILY_META, "o", "1");
    sx_unit_write(unit, true, NULL);
    put(unit, SX_FAMILY_LOG, "s", "2");
    sx_unit_write(unit, false, NULL);
    put(unit, SX_FAMILY_LOG, "never", "written");
}

static void write_flush_write(void)
{
    struct sx_disk *disk = open_disk(false);
    struct sx_unit *unit = sx_unit_new(disk);

    put(unit, SX_FAMILY_KV, "k", "1");
    put(unit, SX_FAMILY_WINDOW, "w", "1");
    put(unit, SX_FAMILY_META, "m", "1");
    sx_unit_write(unit, false, NULL);
    if (sx_disk_flush(disk, NULL) != STREAMD_OK)
        exit(1);
    put(unit, SX_FAMILY_KV, "k", "2");
    put(unit, SX_FAMILY_WINDOW, "w", "2");
    put(unit, SX_FAMILY_META, "m", "2");
    sx_unit_write(unit, false, NULL);
}

/* Every unit adds one to the same number in three families, with ballast that fills memtables. */
static void write_without_end(void)
{
    struct sx_disk *disk = open_disk(false);
    struct sx_unit *unit = sx_unit_new(disk);
    static char ballast[64 * 1024];
    char number[24];

    for (int i = 1; i < 800; i++) {
        snprintf(number, sizeof(number), "%d", i);
        put(unit, SX_FAMILY_KV, "n", number);
        put(unit, SX_FAMILY_WINDOW, "n", number);
        put(unit, SX_FAMILY_META, "n", number);
        snprintf(ballast, sizeof(ballast), "%d", i);
        sx_unit_put(unit, i % 3 ? SX_FAMILY_KV : SX_FAMILY_WINDOW, sx_slice_of(number),
                    sx_slice(ballast, sizeof(ballast)));
        sx_unit_write(unit, false, NULL);
    }
}

/* Called first in main(): in the child, do what it is for and die. */
void disk_child(void);
void disk_child(void)
{
    const char *what = getenv("SX_DISK_CHILD");

    if (what == NULL)
        return;
    snprintf(folder, sizeof(folder), "%s", getenv("SX_DISK_FOLDER"));
    if (strcmp(what, "write_with_wal") == 0)
        write_with_wal();
    else if (strcmp(what, "write_flush_write") == 0)
        write_flush_write();
    else
        write_without_end();
    kill(getpid(), SIGKILL);
}

static void test_crash(void)
{
    struct sx_disk *disk;
    struct sx_buffer n = {0};
    bool found;

    fresh();
    in_killed_child("write_with_wal");
    disk = open_disk(true);
    CU_ASSERT(holds(disk, SX_FAMILY_LOG, "r", "1"));
    CU_ASSERT(holds(disk, SX_FAMILY_META, "o", "1"));
    CU_ASSERT(holds(disk, SX_FAMILY_LOG, "s", "2"));
    CU_ASSERT(holds(disk, SX_FAMILY_LOG, "never", NULL));
    sx_disk_close(disk);
    clean();

    fresh();
    in_killed_child("write_flush_write");
    disk = open_disk(false);
    CU_ASSERT(holds(disk, SX_FAMILY_KV, "k", "1"));
    CU_ASSERT(holds(disk, SX_FAMILY_WINDOW, "w", "1"));
    CU_ASSERT(holds(disk, SX_FAMILY_META, "m", "1"));
    sx_disk_close(disk);
    clean();

    fresh();
    in_killed_child("write_without_end");
    disk = open_disk(false);
    CU_ASSERT_EQUAL(sx_disk_get(disk, SX_FAMILY_META, SX_SLICE("n"), &n, &found, NULL), STREAMD_OK);
    CU_ASSERT(found);
    sx_buffer_add(&n, "", 1);
    CU_ASSERT(holds(disk, SX_FAMILY_KV, "n", n.data));
    CU_ASSERT(holds(disk, SX_FAMILY_WINDOW, "n", n.data));
    sx_buffer_free(&n);
    sx_disk_close(disk);
    clean();
}

/* The path of the first file whose name ends, or begins, so; false: none. */
bool find(const char *ending, const char *beginning, char *path, size_t size)
{
    DIR *files = opendir(folder);
    bool found = false;

    for (const struct dirent *f = readdir(files); f != NULL && !found; f = readdir(files)) {
        size_t length = strlen(f->d_name);
        found = ending ? length > strlen(ending) && strcmp(f->d_name + length - strlen(ending), ending) == 0
                       : strncmp(f->d_name, beginning, strlen(beginning)) == 0;
        if (found)
            snprintf(path, size, "%s/%s", folder, f->d_name);
    }
    closedir(files);
    return found;
}

static streamd_status reopen(void)
{
    struct sx_disk_options options = {0};
    struct sx_disk *disk;
    streamd_status status = sx_disk_open(folder, &options, &disk, NULL);

    if (status == STREAMD_OK)
        sx_disk_close(disk);
    return status;
}

static void one_table(void)
{
    struct sx_disk *disk;
    struct sx_unit *unit;
    char key[16];

    fresh();
    disk = open_disk(false);
    unit = sx_unit_new(disk);
    for (int i = 0; i < 1000; i++) {
        snprintf(key, sizeof(key), "%04d", i);
        put(unit, SX_FAMILY_KV, key, key);
    }
    write_unit(unit, false);
    sx_unit_free(unit);
    sx_disk_close(disk);
}

static void test_damage(void)
{
    char path[512];
    struct sx_disk *disk;
    struct sx_cursor *cursor;
    struct sx_slice key, value;
    struct sx_buffer got = {0};
    bool found;
    int fd;

    one_table();
    CU_ASSERT_FATAL(find(".sst", NULL, path, sizeof(path)));
    CU_ASSERT(unlink(path) == 0);
    CU_ASSERT_EQUAL(reopen(), STREAMD_E_CORRUPT);
    clean();

    one_table();
    CU_ASSERT_FATAL(find(NULL, "MANIFEST", path, sizeof(path)));
    CU_ASSERT(unlink(path) == 0);
    CU_ASSERT_EQUAL(reopen(), STREAMD_E_CORRUPT);
    clean();

    one_table();
    CU_ASSERT_FATAL(find(NULL, "CURRENT", path, sizeof(path)));
    CU_ASSERT(unlink(path) == 0);
    CU_ASSERT_EQUAL(reopen(), STREAMD_E_CORRUPT);
    clean();

    /* Only tables are left: to begin with an empty database would lose them. */
    one_table();
    CU_ASSERT_FATAL(find(NULL, "CURRENT", path, sizeof(path)));
    CU_ASSERT(unlink(path) == 0);
    while (find(NULL, "MANIFEST", path, sizeof(path)))
        CU_ASSERT_FATAL(unlink(path) == 0);
    while (find(".log", NULL, path, sizeof(path))) /* RocksDB itself minds a log of before, but no table */
        CU_ASSERT_FATAL(unlink(path) == 0);
    CU_ASSERT_EQUAL(reopen(), STREAMD_E_CORRUPT);
    clean();

    /* A flipped bit inside a table's first block: it is seen when it is read, by both ways. */
    one_table();
    CU_ASSERT_FATAL(find(".sst", NULL, path, sizeof(path)));
    fd = open(path, O_RDWR);
    CU_ASSERT(pread(fd, &path[0], 1, 100) == 1);
    path[0] ^= 4;
    CU_ASSERT(pwrite(fd, &path[0], 1, 100) == 1);
    close(fd);
    disk = open_disk(false);
    CU_ASSERT_EQUAL(sx_disk_get(disk, SX_FAMILY_KV, SX_SLICE("0001"), &got, &found, NULL), STREAMD_E_CORRUPT);
    CU_ASSERT(!found);
    cursor = sx_cursor_open(disk, SX_FAMILY_KV, SX_SLICE_NONE, SX_SLICE_NONE);
    CU_ASSERT(!sx_cursor_next(cursor, &key, &value));
    CU_ASSERT_EQUAL(sx_cursor_status(cursor, NULL), STREAMD_E_CORRUPT);
    sx_cursor_close(cursor);
    sx_disk_close(disk);
    sx_buffer_free(&got);
    clean();
}

static void test_stats(void)
{
    struct sx_disk_stats stats;
    struct sx_disk *disk;
    struct sx_unit *unit;

    fresh();
    disk = open_disk(true);
    unit = sx_unit_new(disk);
    for (int i = 0; i < 1000; i++)
        sx_unit_put(unit, SX_FAMILY_LOG, sx_slice(&i, sizeof(i)), sx_slice(folder, sizeof(folder)));
    write_unit(unit, true);
    sx_disk_stats(disk, &stats);
    CU_ASSERT(stats.memtable_bytes >= 64000);
    CU_ASSERT_EQUAL(stats.table_bytes, 0);
    CU_ASSERT_EQUAL(sx_disk_flush(disk, NULL), STREAMD_OK);
    sx_disk_stats(disk, &stats);
    CU_ASSERT(stats.table_bytes > 0);
    CU_ASSERT(stats.memtable_bytes < 64000);
    CU_ASSERT_EQUAL(stats.stalls, 0);
    sx_unit_free(unit);
    sx_disk_close(disk);
    clean();
}

void suite_disk(void);
void suite_disk(void)
{
    SX_SUITE("disk");

    SX_TEST(test_unit);
    SX_TEST(test_cursor);
    SX_TEST(test_folder_and_lock);
    SX_TEST(test_crash);
    SX_TEST(test_damage);
    SX_TEST(test_stats);
}
