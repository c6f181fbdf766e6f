/* bad_disk.c: to be preloaded: calls for files in one folder fail for a while.
 *
 * BAD_FOLDER       whose files
 * BAD_FSYNC_FILE   fsync, fdatasync and sync_file_range fail while this file is there
 * BAD_READ_FILE    pread of tables of rows does
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static bool is_bad(int fd, const char *name, const char *end)
{
    const char *folder = getenv("BAD_FOLDER"), *file = getenv(name);
    char link[64], path[4096];
    ssize_t size;

    if (folder == NULL || file == NULL || access(file, F_OK) != 0)
        return false;
    snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
    size = readlink(link, path, sizeof(path) - 1);
    if (size < 0)
        return false;
    path[size] = '\0';
    if ((size_t)size < strlen(end) || strcmp(path + size - strlen(end), end) != 0)
        return false;
    return strncmp(path, folder, strlen(folder)) == 0;
}

static bool is_unsynced(int fd) { return is_bad(fd, "BAD_FSYNC_FILE", ""); }
static bool is_unread(int fd) { return is_bad(fd, "BAD_READ_FILE", ".sst"); }

static int fail(void)
{
    errno = EIO;
    return -1;
}

int fsync(int fd)
{
    int (*real)(int) = (int (*)(int))dlsym(RTLD_NEXT, "fsync");

    return is_unsynced(fd) ? fail() : real(fd);
}

int fdatasync(int fd)
{
    int (*real)(int) = (int (*)(int))dlsym(RTLD_NEXT, "fdatasync");

    return is_unsynced(fd) ? fail() : real(fd);
}

int sync_file_range(int fd, off64_t from, off64_t size, unsigned flags)
{
    int (*real)(int, off64_t, off64_t, unsigned) =
        (int (*)(int, off64_t, off64_t, unsigned))dlsym(RTLD_NEXT, "sync_file_range");

    /* Without flags it only asks whether there is such a call. */
    return flags != 0 && is_unsynced(fd) ? fail() : real(fd, from, size, flags);
}

ssize_t pread(int fd, void *to, size_t size, off_t from)
{
    ssize_t (*real)(int, void *, size_t, off_t) =
        (ssize_t(*)(int, void *, size_t, off_t))dlsym(RTLD_NEXT, "pread");

    return is_unread(fd) ? fail() : real(fd, to, size, from);
}

ssize_t pread64(int fd, void *to, size_t size, off64_t from)
{
    ssize_t (*real)(int, void *, size_t, off64_t) =
        (ssize_t(*)(int, void *, size_t, off64_t))dlsym(RTLD_NEXT, "pread64");

    return is_unread(fd) ? fail() : real(fd, to, size, from);
}
