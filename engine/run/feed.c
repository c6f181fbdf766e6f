/* feed.c: see feed.h. */
#include "engine/run/feed.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { READ_BYTES = 256 << 10, LINE_BYTES_MOST = 64 << 20, STILL_MS = 1000, FIRINGS_MOST = 64 };

struct sx_feed {
    const struct sx_topic_plan *topic;
    const struct sx_clock *clock;
    int fd;
    bool owns_fd;
    bool ended;             /* of standard input */
    struct sx_buffer bytes; /* from `base` on */
    int64_t base;
    int64_t next; /* the offset of what is given next */
    int64_t committed;
    int64_t size;     /* of the file, as last seen */
    int64_t moved_ms; /* when it was last seen to grow */
    struct sx_record *records;
    uint32_t room;
};

static streamd_status open_file(struct sx_feed *feed, int64_t position, streamd_error **error)
{
    const char *path = feed->topic->path;
    struct stat status;

    feed->fd = open(path, O_RDONLY | O_CLOEXEC);
    if (feed->fd < 0)
        return sx_fail(error, errno == ENOENT ? STREAMD_E_NOTFOUND : STREAMD_E_CONFIG, "cannot read `%s`: %s",
                       path, strerror(errno));
    feed->owns_fd = true;
    if (fstat(feed->fd, &status) != 0 || S_ISDIR(status.st_mode))
        return sx_fail(error, STREAMD_E_CONFIG, "`%s` is no file", path);
    if (S_ISREG(status.st_mode) && status.st_size < position)
        return sx_fail(error, STREAMD_E_CONFIG,
                       "`%s` has %lld bytes, and %lld were read before: a file may only grow; run `streamd "
                       "reset` to begin anew",
                       path, (long long)status.st_size, (long long)position);
    return STREAMD_OK;
}

streamd_status sx_feed_open(const struct sx_topic_plan *topic, const struct sx_clock *clock, int fd,
                            int64_t position, struct sx_feed **out, streamd_error **error)
{
    struct sx_feed *feed = sx_calloc(1, sizeof(*feed));
    streamd_status status = STREAMD_OK;

    feed->topic = topic;
    feed->clock = clock;
    feed->fd = fd;
    feed->moved_ms = sx_now_ms(clock);
    if (topic->medium == SX_MEDIUM_FILE)
        status = open_file(feed, position, error);
    else if (topic->medium == SX_MEDIUM_STANDARD && fd < 0)
        status = sx_fail(error, STREAMD_E_CONFIG, "there is no standard input for `from stdin` here");
    if (status != STREAMD_OK) {
        sx_feed_close(feed);
        return status;
    }
    if (position == SX_OFFSET_NONE)
        position = topic->medium == SX_MEDIUM_SCHEDULE
                       ? topic->schedule->next(topic->schedule, sx_wall_ms(clock))
                       : 0;
    feed->base = feed->next = feed->committed = feed->size = position;
    *out = feed;
    return STREAMD_OK;
}

void sx_feed_close(struct sx_feed *feed)
{
    if (feed == NULL)
        return;
    if (feed->owns_fd && feed->fd >= 0)
        close(feed->fd);
    sx_buffer_free(&feed->bytes);
    free(feed->records);
    free(feed);
}

/* Records as they are given. */
static struct sx_record *add(struct sx_feed *feed, struct sx_fetch *fetch)
{
    if (fetch->count == feed->room) {
        feed->room = feed->room ? feed->room * 2 : 64;
        feed->records = sx_realloc(feed->records, sizeof(*feed->records) * feed->room);
    }
    return &feed->records[fetch->count++];
}

/* ---- Lines ----------------------------------------------------------------------------------- */

/* Bytes that are done with leave; of standard input only those that are committed. */
static void forget_read(struct sx_feed *feed)
{
    int64_t to = feed->topic->medium == SX_MEDIUM_STANDARD ? feed->committed : feed->next;
    size_t size = (size_t)(to - feed->base);

    if (size == 0 || (size < READ_BYTES && size < feed->bytes.size))
        return;
    memmove(feed->bytes.data, feed->bytes.data + size, feed->bytes.size - size);
    feed->bytes.size -= (uint32_t)size;
    feed->base = to;
}

/* More bytes, at once, maybe none. */
static streamd_status read_more(struct sx_feed *feed, bool *any, streamd_error **error)
{
    struct pollfd look = {.fd = feed->fd, .events = POLLIN};
    bool standard = feed->topic->medium == SX_MEDIUM_STANDARD;
    ssize_t got;

    *any = false;
    if (feed->ended || (standard && poll(&look, 1, 0) <= 0))
        return STREAMD_OK;
    do
        got = standard ? read(feed->fd, sx_buffer_room(&feed->bytes, READ_BYTES), READ_BYTES)
                       : pread(feed->fd, sx_buffer_room(&feed->bytes, READ_BYTES), READ_BYTES,
                               feed->base + feed->bytes.size);
    while (got < 0 && errno == EINTR);
    if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
        return STREAMD_OK;
    if (got < 0)
        return sx_fail(error, STREAMD_E_LOG, "cannot read `%s`: %s", feed->topic->name, strerror(errno));
    feed->bytes.size += (uint32_t)got;
    feed->ended = standard && got == 0;
    *any = got > 0;
    if (got > 0) {
        feed->size = feed->base + feed->bytes.size;
        feed->moved_ms = sx_now_ms(feed->clock);
    }
    return STREAMD_OK;
}

/* The end of the line that begins at `next`, behind its newline; 0: it is not there yet. */
static int64_t line_end(const struct sx_feed *feed)
{
    size_t size = feed->bytes.size - (size_t)(feed->next - feed->base);
    const char *start = size ? feed->bytes.data + (feed->next - feed->base) : NULL;
    const char *end = size ? memchr(start, '\n', size) : NULL;
    bool whole = feed->topic->medium == SX_MEDIUM_STANDARD
                     ? feed->ended
                     : sx_now_ms(feed->clock) - feed->moved_ms >= STILL_MS;

    if (end != NULL)
        return feed->next + (end - start) + 1;
    return whole && size ? feed->next + (int64_t)size : 0;
}

static streamd_status fetch_lines(struct sx_feed *feed, uint32_t max, struct sx_fetch *fetch,
                                  streamd_error **error)
{
    int64_t now_ms = sx_wall_ms(feed->clock), end;
    bool any = true;
    streamd_status status;

    forget_read(feed);
    while ((end = line_end(feed)) == 0 && any) {
        if (feed->bytes.size - (uint64_t)(feed->next - feed->base) > LINE_BYTES_MOST)
            return sx_fail_fatal(error, STREAMD_E_DECODE, "%s: the line at byte %lld is longer than 64 MiB",
                                 feed->topic->name, (long long)feed->next);
        status = read_more(feed, &any, error);
        if (status != STREAMD_OK)
            return status;
    }
    while (fetch->count < max && (end = line_end(feed)) != 0) {
        const char *line = feed->bytes.data + (feed->next - feed->base);
        size_t size = (size_t)(end - feed->next);

        while (size && (line[size - 1] == '\n' || line[size - 1] == '\r' || line[size - 1] == ' '))
            size--;
        if (size)
            *add(feed, fetch) =
                (struct sx_record){.value = sx_slice(line, size), .timestamp = now_ms, .offset = feed->next};
        feed->next = end;
    }
    fetch->at_end = line_end(feed) == 0;
    return STREAMD_OK;
}

/* ---- Schedules ------------------------------------------------------------------------------- */

/* What was missed while nobody ran is made up for, each firing with its own time. */
static void fetch_firings(struct sx_feed *feed, uint32_t max, struct sx_fetch *fetch)
{
    const struct sx_schedule *schedule = feed->topic->schedule;
    int64_t now_ms = sx_wall_ms(feed->clock);

    while (fetch->count < SX_MIN(max, FIRINGS_MOST) && feed->next <= now_ms) {
        *add(feed, fetch) =
            (struct sx_record){.value = SX_SLICE(""), .timestamp = feed->next, .offset = feed->next};
        feed->next = schedule->next(schedule, feed->next);
    }
    fetch->at_end = feed->next > now_ms;
}

/* ---- All ------------------------------------------------------------------------------------- */

streamd_status sx_feed_fetch(struct sx_feed *feed, uint32_t max, struct sx_fetch *fetch,
                             streamd_error **error)
{
    streamd_status status = STREAMD_OK;

    *fetch = (struct sx_fetch){0};
    if (feed->topic->medium == SX_MEDIUM_SCHEDULE)
        fetch_firings(feed, max, fetch);
    else
        status = fetch_lines(feed, max, fetch, error);
    fetch->records = feed->records;
    fetch->next_offset = feed->next;
    return status;
}

int64_t sx_feed_position(const struct sx_feed *feed) { return feed->next; }

void sx_feed_committed(struct sx_feed *feed, int64_t position) { feed->committed = position; }

void sx_feed_rewind(struct sx_feed *feed) { feed->next = feed->committed; }

int64_t sx_feed_lag(const struct sx_feed *feed)
{
    if (feed->topic->medium == SX_MEDIUM_SCHEDULE)
        return 0;
    return feed->size - feed->next + (feed->topic->medium == SX_MEDIUM_STANDARD && !feed->ended);
}
