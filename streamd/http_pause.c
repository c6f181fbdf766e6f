/* http_pause.c: who has engine and disk in hand, and that nobody has, so that they can be replaced. */
#include "streamd/http_server.h"

#include <poll.h>
#include <stdlib.h>

enum { LOOK_MS = 20 };

bool sx_http_enter(struct sx_http *http)
{
    atomic_fetch_add(&http->inside, 1);
    if (!atomic_load(&http->paused))
        return true;
    sx_http_leave(http);
    return false;
}

void sx_http_leave(struct sx_http *http) { atomic_fetch_sub(&http->inside, 1); }

char *sx_http_why(struct sx_http *http)
{
    char *why;

    pthread_mutex_lock(&http->lock);
    why = http->why ? sx_strdup(http->why) : NULL;
    pthread_mutex_unlock(&http->lock);
    return why;
}

static void set_why(struct sx_http *http, const char *why)
{
    pthread_mutex_lock(&http->lock);
    free(http->why);
    http->why = why ? sx_strdup(why) : NULL;
    pthread_mutex_unlock(&http->lock);
}

void sx_http_pause(struct sx_http *http, const char *why)
{
    if (http == NULL)
        return;
    set_why(http, why);
    atomic_store(&http->paused, true);
    /* Answers that are on their way see it and end; a client that takes none is cut off by its own time. */
    while (atomic_load(&http->inside) > 0)
        poll(NULL, 0, LOOK_MS);
    http->options.engine = NULL;
    http->options.disk = NULL;
}

void sx_http_resume(struct sx_http *http, struct sx_engine *engine, struct sx_disk *disk)
{
    http->options.engine = engine;
    http->options.disk = disk;
    atomic_store(&http->paused, false);
    set_why(http, NULL);
}
