/* c11_threads.c: the threads of C11 by those of POSIX, for builds with the thread sanitizer.
 *
 * librdkafka makes its threads with thrd_create() and orders them with mtx_ and cnd_; gcc's sanitizer knows
 * only pthread_ names: a thread that it did not see begin has no state and crashes, and an order that it did
 * not see is reported as a race. Linked into a program, these definitions come before the C library's.
 * glibc's types of C11 are those of POSIX by another name, which is asserted here.
 */
#include <errno.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <threads.h>
#include <time.h>

_Static_assert(sizeof(mtx_t) == sizeof(pthread_mutex_t), "a mutex of C11 is one of POSIX");
_Static_assert(sizeof(cnd_t) == sizeof(pthread_cond_t), "a condition of C11 is one of POSIX");
_Static_assert(sizeof(thrd_t) == sizeof(pthread_t), "a thread of C11 is one of POSIX");

struct start {
    thrd_start_t run;
    void *arg;
};

static int status_of(int error)
{
    switch (error) {
    case 0:
        return thrd_success;
    case EBUSY:
        return thrd_busy;
    case ENOMEM:
        return thrd_nomem;
    case ETIMEDOUT:
        return thrd_timedout;
    default:
        return thrd_error;
    }
}

static void *begin(void *arg)
{
    struct start start = *(struct start *)arg;

    free(arg);
    return (void *)(intptr_t)start.run(start.arg);
}

int thrd_create(thrd_t *thread, thrd_start_t run, void *arg)
{
    struct start *start = malloc(sizeof(*start));
    int error;

    if (start == NULL)
        return thrd_nomem;
    *start = (struct start){run, arg};
    error = pthread_create(thread, NULL, begin, start);
    if (error != 0)
        free(start);
    return status_of(error);
}

int thrd_join(thrd_t thread, int *result)
{
    void *given = NULL;
    int error = pthread_join(thread, &given);

    if (result != NULL)
        *result = (int)(intptr_t)given;
    return status_of(error);
}

int mtx_init(mtx_t *mutex, int type)
{
    pthread_mutexattr_t attributes;
    int error;

    pthread_mutexattr_init(&attributes);
    if (type & mtx_recursive)
        pthread_mutexattr_settype(&attributes, PTHREAD_MUTEX_RECURSIVE);
    error = pthread_mutex_init((pthread_mutex_t *)mutex, &attributes);
    pthread_mutexattr_destroy(&attributes);
    return status_of(error);
}

void mtx_destroy(mtx_t *mutex) { pthread_mutex_destroy((pthread_mutex_t *)mutex); }

int mtx_lock(mtx_t *mutex) { return status_of(pthread_mutex_lock((pthread_mutex_t *)mutex)); }

int mtx_unlock(mtx_t *mutex) { return status_of(pthread_mutex_unlock((pthread_mutex_t *)mutex)); }

int cnd_init(cnd_t *condition) { return status_of(pthread_cond_init((pthread_cond_t *)condition, NULL)); }

void cnd_destroy(cnd_t *condition) { pthread_cond_destroy((pthread_cond_t *)condition); }

int cnd_signal(cnd_t *condition) { return status_of(pthread_cond_signal((pthread_cond_t *)condition)); }

int cnd_broadcast(cnd_t *condition) { return status_of(pthread_cond_broadcast((pthread_cond_t *)condition)); }

int cnd_wait(cnd_t *condition, mtx_t *mutex)
{
    return status_of(pthread_cond_wait((pthread_cond_t *)condition, (pthread_mutex_t *)mutex));
}

int cnd_timedwait(cnd_t *restrict condition, mtx_t *restrict mutex, const struct timespec *restrict until)
{
    return status_of(pthread_cond_timedwait((pthread_cond_t *)condition, (pthread_mutex_t *)mutex, until));
}

void call_once(once_flag *flag, void (*run)(void)) { pthread_once((pthread_once_t *)flag, run); }
