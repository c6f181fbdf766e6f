/* test_cuts.c: files of the disk that end too soon, cut off at many places: never half a unit. */
#include "tests/unit/disk/folder.h"

#include <dirent.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { UNITS = 12, MOST = 1 << 20 };

static char good[80];

static void copy_file(const char *from, const char *to, size_t most)
{
    char *bytes = sx_malloc(MOST);
    FILE *in = fopen(from, "rb"), *out = fopen(to, "wb");
    size_t got = fread(bytes, 1, MOST, in);

    CU_ASSERT_FATAL(got < MOST);
    got = SX_MIN(got, most);
    CU_ASSERT(fwrite(bytes, 1, got, out) == got);
    fclose(in);
    CU_ASSERT(fclose(out) == 0);
    free(bytes);
}

/* The files of `from` into `to`; the one that is called `cut` with no more than `most` bytes. */
static void copy_folder(const char *from, const char *to, const char *cut, size_t most)
{
    char source[512], target[512];
    DIR *files = opendir(from);

    CU_ASSERT_FATAL(files != NULL);
    for (const struct dirent *f = readdir(files); f != NULL; f = readdir(files)) {
        snprintf(source, sizeof(source), "%s/%s", from, f->d_name);
        snprintf(target, sizeof(target), "%s/%s", to, f->d_name);
        if (f->d_name[0] != '.')
            copy_file(source, target, strcmp(f->d_name, cut) == 0 ? most : MOST);
    }
    closedir(files);
}

/* Units that write their number in three families; without a WAL each fourth is flushed. What is on disk
 * then, as a crash leaves it, is copied to `good`. */
static void write_units(bool wal)
{
    struct sx_disk *disk;
    struct sx_unit *unit;
    char number[24];

    fresh();
    disk = open_disk(wal);
    unit = sx_unit_new(disk);
    for (int i = 1; i <= UNITS; i++) {
        snprintf(number, sizeof(number), "%d", i);
        put(unit, SX_FAMILY_META, "n", number);
        put(unit, SX_FAMILY_KV, "n", number);
        put(unit, SX_FAMILY_WINDOW, "n", number);
        CU_ASSERT_EQUAL(sx_unit_write(unit, wal, NULL), STREAMD_OK);
        if (!wal && i % 4 == 0)
            CU_ASSERT_EQUAL(sx_disk_flush(disk, NULL), STREAMD_OK);
    }
    snprintf(good, sizeof(good), "%s-good", folder);
    CU_ASSERT_FATAL(mkdir(good, 0700) == 0);
    copy_folder(folder, good, "", 0);
    sx_unit_free(unit);
    sx_disk_close(disk);
}

/* The number that all families hold, 0 if none does; -1: the disk says that it is damaged. */
static int units_left(bool wal)
{
    static const enum sx_family families[] = {SX_FAMILY_META, SX_FAMILY_KV, SX_FAMILY_WINDOW};
    struct sx_disk_options options = {.wal = wal, .memory_bytes = 16u << 20};
    int numbers[SX_COUNT(families)] = {0};
    struct sx_disk *disk;
    bool found;
    streamd_status status = sx_disk_open(folder, &options, &disk, NULL);

    for (size_t i = 0; i < SX_COUNT(families) && status == STREAMD_OK; i++) {
        struct sx_buffer got = {0};
        status = sx_disk_get(disk, families[i], SX_SLICE("n"), &got, &found, NULL);
        sx_buffer_add(&got, "", 1);
        numbers[i] = (int)strtol(got.data, NULL, 10);
        sx_buffer_free(&got);
    }
    sx_disk_close(disk);
    if (status != STREAMD_OK) {
        CU_ASSERT_EQUAL(status, STREAMD_E_CORRUPT);
        return -1;
    }
    CU_ASSERT_EQUAL(numbers[0], numbers[1]);
    CU_ASSERT_EQUAL(numbers[0], numbers[2]);
    return numbers[0];
}

struct outcome {
    int whole, older, damaged;
};

/* A file is cut off at each `step` bytes: what is left are whole units, never more of them than when more of
 * the file was there, or it is known to be damaged. */
static struct outcome cut(bool wal, const char *ending, const char *beginning, size_t step)
{
    struct outcome outcome = {0};
    char path[512];
    struct stat about;
    int before = UNITS;

    write_units(wal);
    clean();
    CU_ASSERT_FATAL(mkdir(folder, 0700) == 0);
    copy_folder(good, folder, "", 0);
    CU_ASSERT_FATAL(find(ending, beginning, path, sizeof(path)) && stat(path, &about) == 0);
    for (size_t off = 0; off <= (size_t)about.st_size; off += step) {
        int units;

        clean();
        CU_ASSERT_FATAL(mkdir(folder, 0700) == 0);
        copy_folder(good, folder, strrchr(path, '/') + 1, (size_t)about.st_size - off);
        units = units_left(wal);
        CU_ASSERT(off > 0 || units == UNITS);
        CU_ASSERT(units <= before);
        outcome.whole += units == UNITS;
        outcome.older += units >= 0 && units < UNITS;
        outcome.damaged += units < 0;
        before = units < 0 ? before : units;
    }
    clean();
    snprintf(folder, sizeof(folder), "%.60s", good);
    clean();
    return outcome;
}

/* The end of the WAL may be missing: it was just being written. */
static void test_wal(void)
{
    struct outcome outcome = cut(true, ".log", NULL, 7);

    CU_ASSERT_EQUAL(outcome.damaged, 0);
    CU_ASSERT(outcome.older > UNITS);
}

/* What it says that was flushed was flushed at one cut of all families. */
static void test_manifest(void)
{
    struct outcome outcome = cut(false, NULL, "MANIFEST", 11);

    CU_ASSERT(outcome.damaged > 0);
}

static void test_tables_and_current(void)
{
    struct outcome outcome = cut(false, ".sst", NULL, 23);

    CU_ASSERT_EQUAL(outcome.whole, 1);
    CU_ASSERT_EQUAL(outcome.older, 0);
    CU_ASSERT(outcome.damaged > UNITS);
    outcome = cut(false, NULL, "CURRENT", 1);
    CU_ASSERT_EQUAL(outcome.whole, 1);
    CU_ASSERT_EQUAL(outcome.older, 0);
}

void suite_cuts(void);
void suite_cuts(void)
{
    SX_SUITE("cuts");

    SX_TEST(test_wal);
    SX_TEST(test_manifest);
    SX_TEST(test_tables_and_current);
}
