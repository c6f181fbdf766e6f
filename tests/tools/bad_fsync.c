/* bad_fsync.c: to be preloaded: fsync, fdatasync and sync_file_range of files in one folder fail for a while.
 *
 * BAD_FSYNC_FOLDER  whose files; BAD_FSYNC_FILE  they fail while this file is there
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

static bool is_bad(int fd)
{
    const char *folder = getenv("BAD_FSYNC_FOLDER"), *file = getenv("BAD_FSYNC_FILE");
    char link[64], path[4096];
    ssize_t size;

    if (folder == NULL || file == NULL || access(file, F_OK) != 0)
        return false;
    snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
    size = readlink(link, path, sizeof(path) - 1);
    if (size < 0)
        return false;
    path[size] = '\0';
    return strncmp(path, folder, strlen(folder)) == 0;
}

static int fail(void)
{
    errno = EIO;
    return -1;
}

int fsync(int fd)
{
    int (*real)(int) = (int (*)(int))dlsym(RTLD_NEXT, "fsync");

    return is_bad(fd) ? fail() : real(fd);
}

int fdatasync(int fd)
{
    int (*real)(int) = (int (*)(int))dlsym(RTLD_NEXT, "fdatasync");

    return is_bad(fd) ? fail() : real(fd);
}

int sync_file_range(int fd, off64_t from, off64_t size, unsigned flags)
{
    int (*real)(int, off64_t, off64_t, unsigned) =
        (int (*)(int, off64_t, off64_t, unsigned))dlsym(RTLD_NEXT, "sync_file_range");

    /* Without flags it only asks whether there is such a call. */
    return flags != 0 && is_bad(fd) ? fail() : real(fd, from, size, flags);
}
