/* folder.c: the folder of a database, and the lock that keeps a second process out. */
#include "engine/disk/rocks.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
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
        const char *end = strrchr(file->d_name, '.');

        manifest = manifest || strncmp(file->d_name, "MANIFEST-", 9) == 0 ||
                   (end != NULL && strcmp(end, ".sst") == 0);
        current = current || strcmp(file->d_name, "CURRENT") == 0;
    }
    closedir(files);
    return manifest && !current;
}

/* ---- Damaged files --------------------------------------------------------------------------- */

static const char aside_name[] = "damaged-";

static bool is_aside(const char *name) { return strncmp(name, aside_name, sizeof(aside_name) - 1) == 0; }

void sx_folder_empty(int at)
{
    DIR *files = fdopendir(at);

    if (files == NULL) {
        close(at);
        return;
    }
    for (const struct dirent *file = readdir(files); file != NULL; file = readdir(files))
        unlinkat(at, file->d_name, 0);
    closedir(files);
}

/* One that was set aside before. What cannot be deleted stays. */
static void forget_aside(int folder, const char *name)
{
    int at = openat(folder, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);

    if (at >= 0)
        sx_folder_empty(at);
    unlinkat(folder, name, AT_REMOVEDIR);
}

/* Copies of damage must not fill the disk: only the last one is kept. CURRENT goes first, so that a crash in
 * between leaves what is taken for damage again. */
static int move_files(int folder, DIR *files, const char *name, int to)
{
    struct stat about;

    if (renameat(folder, "CURRENT", to, "CURRENT") != 0 && errno != ENOENT)
        return -1;
    rewinddir(files);
    for (const struct dirent *file = readdir(files); file != NULL; file = readdir(files)) {
        const char *one = file->d_name;

        if (fstatat(folder, one, &about, AT_SYMLINK_NOFOLLOW) != 0 || strcmp(one, lock_name) == 0)
            continue;
        if (S_ISDIR(about.st_mode) && is_aside(one) && strcmp(one, name) != 0)
            forget_aside(folder, one);
        else if (S_ISREG(about.st_mode) && renameat(folder, one, to, one) != 0)
            return -1;
    }
    return fsync(to) == 0 && fsync(folder) == 0 ? 0 : -1;
}

streamd_status sx_folder_set_aside(const char *folder, char **to, streamd_error **error)
{
    DIR *files = opendir(folder);
    int at = files ? dirfd(files) : -1, into = -1, failed = -1;
    time_t now = time(NULL);
    struct tm parts;
    char name[64], when[32];

    gmtime_r(&now, &parts);
    strftime(when, sizeof(when), "%Y%m%dT%H%M%SZ", &parts);
    snprintf(name, sizeof(name), "%s%s", aside_name, when);
    if (at >= 0 && (mkdirat(at, name, 0700) == 0 || errno == EEXIST))
        into = openat(at, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
    if (into >= 0)
        failed = move_files(at, files, name, into);
    if (failed)
        sx_fail(error, STREAMD_E_STORE, "the damaged files in %s cannot be moved into %s: %s", folder, name,
                strerror(errno));
    else
        *to = sx_format("%s/%s", folder, name);
    if (into >= 0)
        close(into);
    if (files != NULL)
        closedir(files);
    return failed ? STREAMD_E_STORE : STREAMD_OK;
}
