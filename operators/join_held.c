/* join_held.c: the rows of one side that rows of the other may still meet. See join_streams.h. */
#include "operators/join_streams.h"

#include <stdlib.h>

enum { HEAD_BYTES = 12, ROW_HEAD_BYTES = 13, NUMBER_BYTES = 4, CHUNK_BYTES = 512, WAITS = 1 };

void sx_held_free(struct sx_held *held)
{
    sx_buffer_free(&held->key);
    sx_buffer_free(&held->value);
    free(held->found);
    free(held->chunks);
}

/* A row within a chunk; false: there is none at `at`. */
struct row {
    int64_t ts;
    bool waits;
    struct sx_slice bytes;
    uint32_t flag_at;
};

static bool next_row(struct sx_slice chunk, uint32_t *at, struct row *row)
{
    const char *p = chunk.data + *at;
    uint32_t size;

    if (chunk.size - *at < ROW_HEAD_BYTES)
        return false;
    size = sx_get_be32(p + 9);
    if (chunk.size - *at - ROW_HEAD_BYTES < size)
        return false;
    *row = (struct row){.ts = (int64_t)sx_get_le64(p),
                        .waits = (p[8] & WAITS) != 0,
                        .bytes = sx_slice(p + ROW_HEAD_BYTES, size),
                        .flag_at = *at + 8};
    *at += ROW_HEAD_BYTES + size;
    return true;
}

static uint32_t chunks_of(struct sx_slice first)
{
    return first.size >= HEAD_BYTES ? SX_MAX(sx_get_be32(first.data), 1u) : 0;
}

static int64_t ends_of(struct sx_slice chunk) { return (int64_t)sx_get_le64(chunk.data + 4); }

/* The key of the n-th chunk, in held->key. */
static struct sx_slice chunk_key(struct sx_held *held, struct sx_slice key, uint32_t n)
{
    if (n == 0)
        return key;
    held->key.size = 0;
    sx_buffer_add_slice(&held->key, key);
    sx_put_be32(sx_buffer_room(&held->key, NUMBER_BYTES), n);
    held->key.size += NUMBER_BYTES;
    return sx_buffer_slice(&held->key);
}

/* ---- Adding ---------------------------------------------------------------------------------- */

static void begin_chunk(struct sx_buffer *to, uint32_t chunks, int64_t ends)
{
    char *head = sx_buffer_room(to, HEAD_BYTES);

    sx_put_be32(head, chunks);
    sx_put_le64(head + 4, (uint64_t)ends);
    to->size += HEAD_BYTES;
}

static void add_row(struct sx_buffer *to, int64_t ts, bool waits, struct sx_slice bytes)
{
    char *head = sx_buffer_room(to, ROW_HEAD_BYTES);

    sx_put_le64(head, (uint64_t)ts);
    head[8] = waits ? WAITS : 0;
    sx_put_be32(head + 9, bytes.size);
    to->size += ROW_HEAD_BYTES;
    sx_buffer_add_slice(to, bytes);
}

/* The largest time of a chunk and of those before it. */
static int64_t ends_with(struct sx_slice chunk)
{
    int64_t ends = ends_of(chunk);
    uint32_t at = HEAD_BYTES;
    struct row row;

    while (next_row(chunk, &at, &row))
        ends = SX_MAX(ends, row.ts);
    return ends;
}

void sx_held_add(struct sx_held *held, struct sx_store *store, struct sx_slice key, int64_t ts, bool waits,
                 struct sx_slice bytes)
{
    int64_t segment = sx_held_segment(held->span_ms, ts);
    struct sx_slice first = sx_store_get(store, segment, key), last;
    uint32_t chunks = chunks_of(first);

    held->value.size = 0;
    if (chunks == 0) {
        begin_chunk(&held->value, 1, INT64_MIN);
        add_row(&held->value, ts, waits, bytes);
        sx_store_put(store, segment, key, sx_buffer_slice(&held->value));
        return;
    }
    last = chunks == 1 ? first : sx_store_get(store, segment, chunk_key(held, key, chunks - 1));
    if (last.size < HEAD_BYTES)
        return; /* its read failed, which the commit reports */
    if (last.size + ROW_HEAD_BYTES + bytes.size <= CHUNK_BYTES) {
        sx_buffer_add_slice(&held->value, last);
        add_row(&held->value, ts, waits, bytes);
        sx_store_put(store, segment, chunk_key(held, key, chunks - 1), sx_buffer_slice(&held->value));
        return;
    }
    begin_chunk(&held->value, 0, ends_with(last));
    add_row(&held->value, ts, waits, bytes);
    sx_store_put(store, segment, chunk_key(held, key, chunks), sx_buffer_slice(&held->value));
    held->value.size = 0;
    sx_buffer_add_slice(&held->value, first);
    sx_put_be32(held->value.data, chunks + 1);
    sx_store_put(store, segment, key, sx_buffer_slice(&held->value));
}

/* ---- Finding --------------------------------------------------------------------------------- */

static void found(struct sx_held *held, const struct row *row)
{
    if (held->found_count == held->found_room) {
        held->found_room = held->found_room ? held->found_room * 2 : 64;
        held->found = sx_realloc(held->found, held->found_room * sizeof(*held->found));
    }
    held->found[held->found_count] = (struct sx_held_row){row->ts, row->bytes, held->found_count};
    held->found_count++;
}

/* What is looked for. */
struct search {
    struct sx_held *held;
    struct sx_store *store;
    struct sx_slice key;
    int64_t from, to;
    enum sx_held_mode mode;
    int64_t waiting_from;
};

/* Rows that have a match now: their flag goes, in place. */
static void end_wait(const struct search *s, int64_t segment, uint32_t n, struct sx_slice chunk)
{
    uint32_t at = HEAD_BYTES;
    struct row row;
    bool fresh;
    char *bytes = sx_store_edit(s->store, segment, chunk_key(s->held, s->key, n), chunk.size, &fresh);

    while (next_row(chunk, &at, &row))
        if (row.ts >= s->from && row.ts <= s->to)
            bytes[row.flag_at] = 0;
}

static void search_chunk(const struct search *s, int64_t segment, uint32_t n, struct sx_slice chunk)
{
    uint32_t at = HEAD_BYTES;
    bool waited = false;
    struct row row;

    while (next_row(chunk, &at, &row)) {
        if (row.ts < s->from || row.ts > s->to || (s->mode == SX_HELD_WAITING && !row.waits))
            continue;
        waited |= row.waits && row.ts >= s->waiting_from;
        found(s->held, &row);
    }
    if (waited && s->mode == SX_HELD_MATCH)
        end_wait(s, segment, n, chunk);
}

static void search_segment(const struct search *s, int64_t segment)
{
    struct sx_held *held = s->held;
    struct sx_slice first = sx_store_get(s->store, segment, s->key);
    uint32_t chunks = chunks_of(first), begin;

    if (chunks <= 1) {
        if (chunks)
            search_chunk(s, segment, 0, first);
        return;
    }
    if (chunks > held->chunk_room) {
        held->chunk_room = chunks * 2;
        held->chunks = sx_realloc(held->chunks, held->chunk_room * sizeof(*held->chunks));
    }
    held->chunks[0] = first;
    for (begin = chunks; begin-- > 0;) {
        if (begin > 0)
            held->chunks[begin] = sx_store_get(s->store, segment, chunk_key(held, s->key, begin));
        if (held->chunks[begin].size < HEAD_BYTES || ends_of(held->chunks[begin]) < s->from)
            break;
    }
    for (uint32_t n = begin == UINT32_MAX ? 0 : begin; n < chunks; n++)
        if (held->chunks[n].size >= HEAD_BYTES)
            search_chunk(s, segment, n, held->chunks[n]);
}

static int by_time(const void *a, const void *b)
{
    const struct sx_held_row *x = a, *y = b;

    if (x->ts != y->ts)
        return x->ts < y->ts ? -1 : 1;
    return x->number < y->number ? -1 : x->number > y->number;
}

void sx_held_find(struct sx_held *held, struct sx_store *store, struct sx_slice key, int64_t from, int64_t to,
                  enum sx_held_mode mode, int64_t waiting_from)
{
    struct search s = {held, store, key, from, to, mode, waiting_from};
    bool sorted = true;

    held->found_count = 0;
    if (from > to)
        return;
    for (int64_t segment = sx_held_segment(held->span_ms, from); segment <= to;
         segment = sx_time_plus(segment, held->span_ms)) {
        search_segment(&s, segment);
        if (segment > INT64_MAX - held->span_ms)
            break;
    }
    for (uint32_t i = 1; i < held->found_count && sorted; i++)
        sorted = held->found[i - 1].ts <= held->found[i].ts;
    if (!sorted)
        qsort(held->found, held->found_count, sizeof(*held->found), by_time);
}

/* ---- Walking --------------------------------------------------------------------------------- */

struct walk {
    sx_held_fn fn;
    void *arg;
    int64_t segment;
    int64_t next;
    bool any;
};

static bool walk_chunk(int64_t segment, struct sx_slice key, struct sx_slice value, void *arg)
{
    struct walk *w = arg;
    uint32_t at = HEAD_BYTES;
    struct row row;

    if (w->any && segment != w->segment) {
        w->next = segment;
        return false;
    }
    w->any = true;
    w->segment = segment;
    if (value.size < HEAD_BYTES)
        return true;
    if (sx_get_be32(value.data) == 0 && key.size >= NUMBER_BYTES)
        key.size -= NUMBER_BYTES;
    while (next_row(value, &at, &row))
        if (row.waits)
            w->fn(key, row.ts, w->arg);
    return true;
}

void sx_held_each_waiting(struct sx_store *store, int64_t from, int64_t to, int64_t span_ms, int64_t *next,
                          sx_held_fn fn, void *arg)
{
    struct walk w = {.fn = fn, .arg = arg, .next = to};

    sx_store_each(store, sx_held_segment(span_ms, from), to, walk_chunk, &w);
    *next = w.next;
}
