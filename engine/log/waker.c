/* waker.c: an eventfd that a worker waits for. */
#include "engine/log/log.h"

#include <errno.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

bool sx_waker_init(struct sx_waker *waker)
{
    waker->fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    return waker->fd >= 0;
}

void sx_waker_free(struct sx_waker *waker)
{
    if (waker->fd >= 0)
        close(waker->fd);
    waker->fd = -1;
}

void sx_waker_wake(const struct sx_waker *waker)
{
    uint64_t one = 1;
    /* It fails only when the counter is full, and then the worker is awake anyway. */
    ssize_t written SX_UNUSED = write(waker->fd, &one, sizeof(one));
}

bool sx_waker_wait(const struct sx_waker *waker, int timeout_ms)
{
    struct pollfd wait = {.fd = waker->fd, .events = POLLIN};
    uint64_t count;

    /* A signal ends the wait early; whoever waits looks around and waits again. */
    if (poll(&wait, 1, timeout_ms) <= 0)
        return false;
    return read(waker->fd, &count, sizeof(count)) == sizeof(count);
}
