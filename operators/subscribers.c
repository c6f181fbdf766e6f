/* subscribers.c: which left rows refer to a right key. A store of lists, for a key is found only whole:
 *
 *   'H' right key            -> left key of the first
 *   'E' right key | left key -> flags (1: it has a hash) | hash (8) | partition (4) | time (8)
 *                               | varint size, left key of the one before | the same of the next
 *
 * So a subscription changes at most three rows, and those of one right key are walked one by one.
 */
#include "operators/join_foreign.h"

#include <stdlib.h>

enum { HAS_HASH = 1, FIXED_BYTES = 21 };

struct entry {
    struct sx_subscriber subscriber;
    struct sx_slice before, next; /* empty: none */
};

static struct sx_slice head_key(struct sx_subscribers *s, struct sx_slice right)
{
    s->key.size = 0;
    sx_buffer_add_byte(&s->key, 'H');
    sx_buffer_add_slice(&s->key, right);
    return sx_buffer_slice(&s->key);
}

static struct sx_slice entry_key(struct sx_subscribers *s, struct sx_slice right, struct sx_slice left)
{
    s->key.size = 0;
    sx_buffer_add_byte(&s->key, 'E');
    sx_buffer_add_slice(&s->key, right);
    sx_buffer_add_slice(&s->key, left);
    return sx_buffer_slice(&s->key);
}

static bool read_link(const char **at, const char *end, struct sx_slice *link)
{
    uint64_t size;

    if (!sx_read_varint(at, end, &size) || size > (uint64_t)(end - *at))
        return false;
    *link = sx_slice(*at, size);
    *at += size;
    return true;
}

static bool read_entry(struct sx_subscribers *s, struct sx_slice right, struct sx_slice left, struct entry *e)
{
    struct sx_slice stored = sx_store_get(s->store, 0, entry_key(s, right, left));
    const char *at = stored.data + FIXED_BYTES, *end = stored.data + stored.size;

    if (stored.data == NULL || stored.size < FIXED_BYTES)
        return false;
    e->subscriber.key = left;
    e->subscriber.hash = SX_VALUE_NULL;
    if (stored.data[0] & HAS_HASH)
        e->subscriber.hash = sx_value_int((int64_t)sx_get_le64(stored.data + 1));
    e->subscriber.partition = (int32_t)sx_get_be32(stored.data + 9);
    e->subscriber.ts = (int64_t)sx_get_le64(stored.data + 13);
    return read_link(&at, end, &e->before) && read_link(&at, end, &e->next);
}

static void write_entry(struct sx_subscribers *s, struct sx_slice right, const struct entry *e)
{
    bool has_hash = e->subscriber.hash.kind != SX_NULL;
    char *at;

    s->value.size = 0;
    at = sx_buffer_room(&s->value, FIXED_BYTES);
    at[0] = has_hash ? HAS_HASH : 0;
    sx_put_le64(at + 1, has_hash ? (uint64_t)e->subscriber.hash.i : 0);
    sx_put_be32(at + 9, (uint32_t)e->subscriber.partition);
    sx_put_le64(at + 13, (uint64_t)e->subscriber.ts);
    s->value.size = FIXED_BYTES;
    sx_buffer_add_varint(&s->value, e->before.size);
    sx_buffer_add_slice(&s->value, e->before);
    sx_buffer_add_varint(&s->value, e->next.size);
    sx_buffer_add_slice(&s->value, e->next);
    sx_store_put(s->store, 0, entry_key(s, right, e->subscriber.key), sx_buffer_slice(&s->value));
}

void sx_subscribers_put(struct sx_subscribers *s, struct sx_slice right,
                        const struct sx_subscriber *subscriber)
{
    struct entry e = {.before = sx_slice("", 0), .next = sx_slice("", 0)}, first;
    struct sx_slice head;

    if (read_entry(s, right, subscriber->key, &e)) {
        e.subscriber = *subscriber;
        write_entry(s, right, &e);
        return;
    }
    head = sx_store_get(s->store, 0, head_key(s, right));
    e.subscriber = *subscriber;
    if (head.data != NULL) {
        e.next = head;
        if (read_entry(s, right, head, &first)) {
            first.before = subscriber->key;
            write_entry(s, right, &first);
        }
    }
    write_entry(s, right, &e);
    sx_store_put(s->store, 0, head_key(s, right), subscriber->key);
}

void sx_subscribers_remove(struct sx_subscribers *s, struct sx_slice right, struct sx_slice left)
{
    struct entry e, other;

    if (!read_entry(s, right, left, &e))
        return;
    if (e.before.size && read_entry(s, right, e.before, &other)) {
        other.next = e.next;
        write_entry(s, right, &other);
    } else if (e.next.size) {
        sx_store_put(s->store, 0, head_key(s, right), e.next);
    } else {
        sx_store_remove(s->store, 0, head_key(s, right));
    }
    if (e.next.size && read_entry(s, right, e.next, &other)) {
        other.before = e.before;
        write_entry(s, right, &other);
    }
    sx_store_remove(s->store, 0, entry_key(s, right, left));
}

static int by_key(const void *a, const void *b)
{
    return sx_slice_compare(((const struct sx_subscriber *)a)->key, ((const struct sx_subscriber *)b)->key);
}

uint32_t sx_subscribers_all(struct sx_subscribers *s, struct sx_slice right, struct sx_subscriber **all)
{
    struct sx_slice key = sx_store_get(s->store, 0, head_key(s, right));
    uint32_t count = 0, room = 0;
    struct entry e;

    *all = NULL;
    while (key.data != NULL && key.size && read_entry(s, right, key, &e)) {
        if (count == room) {
            struct sx_subscriber *more = SX_ARENA_ARRAY(s->node->arena, struct sx_subscriber, room * 2 + 16);

            if (count)
                memcpy(more, *all, sizeof(*more) * count);
            *all = more;
            room = room * 2 + 16;
        }
        (*all)[count++] = e.subscriber;
        key = e.next;
    }
    if (count > 1)
        qsort(*all, count, sizeof(**all), by_key);
    return count;
}
