/* replay.c: a fuzz target as an ordinary test: give it each file that is named, and each in the folders that
 * are named. What is wrong ends the program with the file's name as the last that was said. */
#include "tests/fuzz/target.h"

#include <dirent.h>
#include <errno.h>
#include <sys/stat.h>

static bool feed(const char *path)
{
    FILE *file = fopen(path, "rb");
    struct stat about;
    char *data;
    size_t size;

    if (file == NULL || fstat(fileno(file), &about) != 0) {
        fprintf(stderr, "%s: %s\n", path, strerror(errno));
        return false;
    }
    data = sx_malloc((size_t)about.st_size);
    size = fread(data, 1, (size_t)about.st_size, file);
    fclose(file);
    fprintf(stderr, "%s\n", path);
    LLVMFuzzerTestOneInput((const uint8_t *)data, size);
    free(data);
    return true;
}

static void feed_all(const char *path, unsigned *good, unsigned *bad)
{
    DIR *folder = opendir(path);
    const struct dirent *entry;
    char inner[4096];

    if (folder == NULL) {
        ++*(feed(path) ? good : bad);
        return;
    }
    while ((entry = readdir(folder)) != NULL) {
        if (entry->d_name[0] == '.')
            continue;
        snprintf(inner, sizeof(inner), "%s/%s", path, entry->d_name);
        ++*(feed(inner) ? good : bad);
    }
    closedir(folder);
}

int main(int argc, char **argv)
{
    unsigned good = 0, bad = 0;

    for (int i = 1; i < argc; i++)
        feed_all(argv[i], &good, &bad);
    printf("%u passed, %u failed\n", good, bad);
    return bad > 0 || good == 0;
}
