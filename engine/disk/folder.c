/* folder.c: the folder of a database, and the lock that keeps a second process out. */
#include "engine/disk/rocks.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

static const char lock_name[] = "LOCK.streamd";

/* mkdir -p, and everything that is made is for us alone. */
static streamd_status make_folders(const char *folder, streamd_error **error)
{
    char *path = sx_strdup(folder);
    streamd_status status = STREAMD_OK;

    for (char *at = path + 1; status == STREAMD_OK; at++) {
        char was = *at;
        if (was != '/' && was != '\0')
            continue;
        *at = '\0';
        if (mkdir(path, 0700) != 0 && errno != EEXIST)
            status = sx_fail(error, STREAMD_E_STORE, "cannot make the folder %s: %s", path, strerror(errno));
        *at = was;
        if (was == '\0')
            break;
    }
    free(path);
    return status;
}

static streamd_status held(const char *folder, int lock, streamd_error **error)
{
    char pid[24];
    ssize_t size = pread(lock, pid, sizeof(pid) - 1, 0);

    /* The holder writes its pid just after it has the lock, so it may not be there yet. */
    while (size > 0 && (pid[size - 1] == '\n' || pid[size - 1] == '\0'))
        size--;
    pid[SX_MAX(size, 0)] = '\0';
    return sx_fail(error, STREAMD_E_STATE, "the folder %s is held by another process, pid %s", folder,
                   pid[0] ? pid : "unknown");
}

static streamd_status lock_file(const char *folder, int at, int *lock, streamd_error **error)
{
    struct stat about;
    char pid[24];
    int size;
    int fd;

    if (fstat(at, &about) != 0 || (about.st_uid != geteuid() && geteuid() != 0))
        return sx_fail(error, STREAMD_E_STORE, "the folder %s belongs to another user", folder);
    fd = openat(at, lock_name, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return sx_fail(error, STREAMD_E_STORE, "cannot open %s/%s: %s", folder, lock_name, strerror(errno));
    if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        streamd_status status = errno == EWOULDBLOCK
                                    ? held(folder, fd, error)
                                    : sx_fail(error, STREAMD_E_STORE, "cannot lock %s/%s: %s", folder,
                                              lock_name, strerror(errno));
        close(fd);
        return status;
    }
    size = snprintf(pid, sizeof(pid), "%ld\n", (long)getpid());
    if (ftruncate(fd, 0) != 0 || pwrite(fd, pid, (size_t)size, 0) != size) {
        close(fd);
        return sx_fail(error, STREAMD_E_STORE, "cannot write %s/%s: %s", folder, lock_name, strerror(errno));
    }
    *lock = fd;
    return STREAMD_OK;
}

streamd_status sx_folder_lock(const char *folder, int *lock, streamd_error **error)
{
    streamd_status status;
    int at;

    if (folder[0] == '\0')
        return sx_fail(error, STREAMD_E_ARGUMENT, "the folder's name is empty");
    status = make_folders(folder, error);
    if (status != STREAMD_OK)
        return status;
    at = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (at < 0)
        return sx_fail(error, STREAMD_E_STORE, "cannot open the folder %s: %s", folder, strerror(errno));
    status = lock_file(folder, at, lock, error);
    close(at);
    return status;
}

void sx_folder_unlock(int lock)
{
    close(lock); /* which gives up the flock; the file stays, or two could lock two files */
}

bool sx_folder_beheaded(const char *folder)
{
    DIR *files = opendir(folder);
    bool manifest = false;
    bool current = false;

    if (files == NULL)
        return false;
    for (const struct dirent *file = readdir(files); file != NULL; file = readdir(files)) {
        manifest = manifest || strncmp(file->d_name, "MANIFEST-", 9) == 0;
        current = current || strcmp(file->d_name, "CURRENT") == 0;
    }
    closedir(files);
    return manifest && !current;
}
