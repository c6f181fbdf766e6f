/* topic_read.c: see topic_read.h. */
#include "streamd/command/topic_read.h"
#include "streamd/command/through.h"

#include "engine/base/text.h"

#include <stdlib.h>

enum { FETCH_RECORDS = 1000, WAIT_MS = 100, QUIET_WAITS = 20 };

struct partition {
    struct sx_reader *reader;
    int64_t next, end;
};

static bool open_partition(const struct sx_topic_reading *r, struct partition *p, int32_t number,
                           streamd_error **error)
{
    const struct sx_log_def *def = r->session->log->def;
    int64_t low;

    if (def->watermarks(r->session->log, r->topic, number, false, &low, &p->end, error) != STREAMD_OK)
        return false;
    p->next = low;
    if (r->starts != NULL)
        p->next = SX_MAX(r->starts[number], low);
    else if (strcmp(r->from, "latest") == 0)
        p->next = p->end;
    else if (strcmp(r->from, "earliest") != 0 && sx_read_int(sx_slice_of(r->from), &p->next))
        p->next = SX_MAX(p->next, low);
    return def->reader_open(r->session->log, SX_READ_RESTORE, r->topic, number, p->next, &r->session->waker,
                            &p->reader, error) == STREAMD_OK;
}

/* Nothing may come for long: whoever waits, a person or a script, is told from when on it would be seen. */
static void say_following(const char *topic) { fprintf(stderr, "following %s\n", topic); }

/* What is there now. *moved: something came; *left_off: whoever takes it wants no more. */
static bool read_partition(const struct sx_topic_reading *r, struct partition *p, int32_t number, bool *moved,
                           bool *left_off, streamd_error **error)
{
    const struct sx_log_def *def = r->session->log->def;
    struct sx_fetch fetch;

    if (!r->follow && p->next >= p->end)
        return true;
    if (def->fetch(p->reader, FETCH_RECORDS, &fetch, error) != STREAMD_OK)
        return false;
    for (uint32_t i = 0; i < fetch.count && !*left_off; i++)
        if (r->follow || fetch.records[i].offset < p->end)
            *left_off = !r->record(number, &fetch.records[i], r->arg);
    *moved |= fetch.count > 0;
    p->next = SX_MAX(p->next, fetch.next_offset);
    if (fetch.at_end && !r->follow)
        p->next = p->end;
    def->release(p->reader, &fetch);
    return true;
}

/* The end of a partition may be a marker, which is no record: nothing for a while is the end too. */
static bool read_all(const struct sx_topic_reading *r, struct partition *partitions, int32_t count,
                     bool *left_off, streamd_error **error)
{
    uint32_t quiet = 0;

    for (bool left = true; ((left && quiet < QUIET_WAITS) || r->follow) && !*left_off;) {
        bool moved = false;

        left = false;
        for (int32_t p = 0; p < count && !*left_off; p++) {
            if (!read_partition(r, &partitions[p], p, &moved, left_off, error))
                return false;
            left |= partitions[p].next < partitions[p].end;
        }
        quiet = moved ? 0 : quiet + 1;
        if (!moved && (left || r->follow)) {
            fflush(stdout);
            sx_waker_wait(&r->session->waker, WAIT_MS);
        }
    }
    return true;
}

bool sx_topic_read(const struct sx_topic_reading *r)
{
    const struct sx_log_def *def = r->session->log->def;
    struct partition *partitions = NULL;
    streamd_error *error = NULL;
    int32_t count = 0;
    bool ok = def->partitions(r->session->log, r->topic, &count, &error) == STREAMD_OK, left_off = false;

    if (ok)
        partitions = sx_calloc((size_t)count, sizeof(*partitions));
    for (int32_t p = 0; ok && p < count; p++)
        ok = open_partition(r, &partitions[p], p, &error);
    if (ok && r->follow)
        say_following(r->topic);
    ok = ok && read_all(r, partitions, count, &left_off, &error);
    for (int32_t p = 0; partitions != NULL && p < count; p++)
        if (partitions[p].reader != NULL)
            def->reader_close(partitions[p].reader);
    free(partitions);
    if (!ok)
        sx_complain(error);
    return ok && !left_off;
}

bool sx_topic_read_through(const char *folder, const char *topic, const char *from, bool follow,
                           void (*line)(struct sx_slice line, void *arg), void *arg)
{
    static const char failed[] = "{\"error\":";
    char *query = sx_format("from=%s%s", from, follow ? "&follow" : ""), *at;
    struct sx_through *t = sx_through_send(folder, topic, query, SX_SLICE_NONE);
    struct sx_buffer text = {0};
    ssize_t got = 0;
    bool ok = t != NULL && sx_through_code(t) == 200;

    if (ok && follow)
        say_following(topic);
    /* Whole lines only; the empty ones say that the other side is still there. */
    while (t != NULL && (got = sx_through_read(t, sx_buffer_room(&text, 65536), 65536)) > 0) {
        char *next = text.data, *end;

        text.size += (size_t)got;
        while ((end = memchr(next, '\n', text.size - (size_t)(next - text.data))) != NULL) {
            bool is_error = strncmp(next, failed, sizeof(failed) - 1) == 0;

            ok &= !is_error;
            at = next;
            next = end + 1;
            if (is_error)
                fwrite(at, 1, (size_t)(next - at), stderr);
            else if (next - at > 1)
                line(sx_slice(at, (size_t)(next - at)), arg);
        }
        text.size -= (size_t)(next - text.data);
        memmove(text.data, next, text.size);
        if (fflush(stdout) != 0)
            break;
    }
    sx_through_close(t);
    sx_buffer_free(&text);
    free(query);
    return ok && got == 0;
}

bool sx_topic_from(const char *from)
{
    int64_t offset;

    if (strcmp(from, "earliest") == 0 || strcmp(from, "latest") == 0 ||
        (sx_read_int(sx_slice_of(from), &offset) && offset >= 0))
        return true;
    fprintf(stderr, "error: --from is earliest, latest or an offset, not `%s`\n", from);
    return false;
}
