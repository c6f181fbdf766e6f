/* compare.c: what came out of two runs, and what a disk has beside its changelogs. */
#include "engine/base/map.h"
#include "engine/graph/store.h"
#include "tests/simulator/sim_disk.h"
#include "tests/simulator/world.h"

#include <stdlib.h>

/* ---- Sinks ----------------------------------------------------------------------------------- */

static const struct sim_record *next_visible(const struct sim *sim, const struct sim_partition *partition,
                                             int64_t *at)
{
    int64_t stable = sim_stable(sim, partition);

    while (*at < stable)
        if (sim_is_visible(&partition->records[(*at)++]))
            return &partition->records[*at - 1];
    return NULL;
}

static void show(struct sx_buffer *text, const struct sim_record *record)
{
    const struct sx_record *r = record != NULL ? &record->record : NULL;

    if (r == NULL)
        sx_buffer_add_text(text, "nothing");
    else
        sx_buffer_printf(text, "%.*s: %.*s @ %lld", (int)r->key.size, r->key.data ? r->key.data : "",
                         r->value.data ? (int)r->value.size : 4, r->value.data ? r->value.data : "null",
                         (long long)r->timestamp);
}

static char *differs(const char *topic, int32_t partition, const char *where,
                     const struct sim_record *expected, const struct sim_record *got)
{
    struct sx_buffer text = {0};

    sx_buffer_printf(&text, "topic %s, partition %d, %s: expected ", topic, partition, where);
    show(&text, expected);
    sx_buffer_add_text(&text, ", got ");
    show(&text, got);
    sx_buffer_add_byte(&text, '\0');
    return text.data;
}

static bool same_value(const struct sim_record *a, const struct sim_record *b)
{
    struct sx_slice one = a != NULL ? a->record.value : SX_SLICE_NONE,
                    other = b != NULL ? b->record.value : SX_SLICE_NONE;

    return (one.data == NULL) == (other.data == NULL) && sx_slice_equal(one, other);
}

static bool same(const struct sim_record *a, const struct sim_record *b)
{
    if (a == NULL || b == NULL)
        return a == b;
    return (a->record.key.data == NULL) == (b->record.key.data == NULL) &&
           sx_slice_equal(a->record.key, b->record.key) && same_value(a, b) &&
           a->record.timestamp == b->record.timestamp;
}

/* The next visible record of this key; NULL: there is none. */
static const struct sim_record *next_of_key(const struct sim *sim, const struct sim_partition *partition,
                                            struct sx_slice key, int64_t *at)
{
    const struct sim_record *record;

    while ((record = next_visible(sim, partition, at)) != NULL)
        if ((record->record.key.data == NULL) == (key.data == NULL) &&
            sx_slice_equal(record->record.key, key))
            return record;
    return NULL;
}

/* A sink's partition may take rows of several tasks, and which of them writes first is luck: each key has an
 * order of its own. */
static char *by_order(struct sim *expected, struct sim *got, const struct sim_topic *e,
                      const struct sim_topic *g, int32_t p)
{
    int64_t *at = sx_calloc((size_t)e->partitions[p].end + 1, sizeof(*at)); /* by the key's first offset */
    const struct sim_record *a, *b;
    struct sx_map firsts = {0};
    char *difference = NULL;
    uint32_t e_count = 0, g_count = 0;

    for (int64_t i = 0; difference == NULL && (a = next_visible(expected, &e->partitions[p], &i)) != NULL;) {
        const struct sim_record *first = sx_map_get(&firsts, a->record.key);

        e_count++;
        if (first == NULL)
            sx_map_put(&firsts, a->record.key, (void *)(first = a));
        b = next_of_key(got, &g->partitions[p], a->record.key, &at[first->record.offset]);
        if (!same(a, b))
            difference = differs(e->name, p, "the next of a key", a, b);
    }
    for (int64_t i = 0; difference == NULL && (b = next_visible(got, &g->partitions[p], &i)) != NULL;)
        if (++g_count > e_count)
            difference = differs(e->name, p, "one too many", NULL, b);
    sx_map_free(&firsts);
    free(at);
    return difference;
}

static void collect(const struct sim *sim, const struct sim_partition *partition, struct sx_map *map)
{
    const struct sim_record *record;

    for (int64_t at = 0; (record = next_visible(sim, partition, &at)) != NULL;)
        sx_map_put(map, record->record.key, (void *)record);
}

struct last {
    const char *topic;
    int32_t partition;
    struct sx_map *other;
    bool swapped;
    char *difference;
};

static void compare_last(struct sx_slice key, void *value, void *arg)
{
    struct last *last = arg;
    const struct sim_record *record = value, *other = sx_map_get(last->other, key);

    if (last->difference == NULL && !same_value(record, other))
        last->difference = last->swapped ? differs(last->topic, last->partition, "at last", other, record)
                                         : differs(last->topic, last->partition, "at last", record, other);
}

static char *by_last(struct sim *expected, struct sim *got, const struct sim_topic *e,
                     const struct sim_topic *g, int32_t p)
{
    struct sx_map one = {0}, two = {0};
    struct last last = {.topic = e->name, .partition = p, .other = &two};

    collect(expected, &e->partitions[p], &one);
    collect(got, &g->partitions[p], &two);
    sx_map_each(&one, compare_last, &last);
    last.other = &one;
    last.swapped = true;
    sx_map_each(&two, compare_last, &last);
    sx_map_free(&one);
    sx_map_free(&two);
    return last.difference;
}

void sim_print(const struct sim_topology *topology, struct sim *sim, enum sx_topic_role role)
{
    const struct sx_plan *plan = topology->compiled->plan;

    for (uint32_t t = 0; t < plan->topic_count; t++) {
        struct sim_topic *topic = sim_topic_find(sim, plan->topics[t]->name);

        for (int32_t p = 0; topic != NULL && (plan->topics[t]->roles & role) && p < topic->count; p++) {
            const struct sim_record *record;

            for (int64_t at = 0; (record = next_visible(sim, &topic->partitions[p], &at)) != NULL;) {
                struct sx_buffer text = {0};

                show(&text, record);
                printf("  %s [%d] %lld  %.*s\n", topic->name, p, (long long)record->record.offset,
                       (int)text.size, text.data);
                sx_buffer_free(&text);
            }
        }
    }
}

char *sim_difference(const struct sim_topology *topology, struct sim *expected, struct sim *got)
{
    const struct sx_plan *plan = topology->compiled->plan;
    char *difference = NULL;

    for (uint32_t t = 0; t < plan->topic_count && difference == NULL; t++) {
        struct sim_topic *e = sim_topic_find(expected, plan->topics[t]->name),
                         *g = sim_topic_find(got, plan->topics[t]->name);

        if (!(plan->topics[t]->roles & SX_TOPIC_SINK))
            continue;
        for (int32_t p = 0; p < e->count && difference == NULL; p++)
            difference = topology->compare == SIM_BY_ORDER ? by_order(expected, got, e, g, p)
                                                           : by_last(expected, got, e, g, p);
    }
    return difference;
}

/* ---- Disks ----------------------------------------------------------------------------------- */

enum { POSITION_HEAD = 10, CHANGELOG_HEAD = 6, ROW_PREFIX = 6, SEGMENT = 8 };

/* Segments before `to` are gone, with the record of offset `at`. */
struct dropped {
    int64_t to, at;
};

/* What a changelog gives. What was compacted away since, who read before knows and who reads now does not:
 * both are right until the record that took its place was read. */
struct replayed {
    struct sx_map rows;         /* the last record of each key, in the end those that the disk has not */
    struct dropped sure, maybe; /* maybe: also by records that were compacted away */
    const struct sim_record *left;
};

static struct sx_slice row_of(const struct sim_record *record)
{
    struct sx_slice value = record->record.value;

    return value.size < CHANGELOG_HEAD ? SX_SLICE_NONE
                                       : sx_slice(value.data + CHANGELOG_HEAD, value.size - CHANGELOG_HEAD);
}

/* The records of a changelog before `position`. */
static void replay(const struct sim_partition *partition, int64_t position, struct replayed *r)
{
    for (int64_t i = 0; i < position && i < partition->end; i++) {
        const struct sim_record *record = &partition->records[i];
        struct sx_slice key = record->record.key;

        if (record->marker || (record->transaction != NULL && !record->transaction->committed) ||
            key.size < SEGMENT)
            continue;
        if (sx_slice_equal(sx_slice(key.data + SEGMENT, key.size - SEGMENT), SX_SLICE("dropped"))) {
            r->maybe = (struct dropped){sx_get_sorted64(row_of(record).data), i};
            if (!record->gone)
                r->sure = r->maybe;
        } else {
            sx_map_put(&r->rows, key, (void *)record);
        }
    }
}

static bool is_dropped(const struct sim_record *record, struct dropped dropped)
{
    int64_t segment = sx_get_sorted64(record->record.key.data);

    return segment != SX_SEGMENT_META && segment < dropped.to && record->record.offset < dropped.at;
}

static void note_left(struct sx_slice key, void *value, void *arg)
{
    struct replayed *r = arg;
    const struct sim_record *record = value;

    if (!record->gone && record->record.value.data != NULL && !is_dropped(record, r->maybe))
        r->left = record;
}

static char *check_row(const char *topic, struct replayed *r, struct sx_slice key, struct sx_slice value)
{
    const struct sim_record *record =
        sx_map_remove(&r->rows, sx_slice(key.data + ROW_PREFIX, key.size - ROW_PREFIX));

    if (record != NULL && record->gone)
        return NULL;
    if (record == NULL || record->record.value.data == NULL || is_dropped(record, r->sure))
        return sx_format("the disk has a row that %s has not, or no longer", topic);
    return sx_slice_equal(row_of(record), value)
               ? NULL
               : sx_format("the disk has a row that differs from offset %lld of %s",
                           (long long)record->record.offset, topic);
}

static char *check_store(struct sim *sim, struct sx_disk *disk, struct sx_slice key, int64_t position)
{
    uint32_t id = sx_get_be32(key.data + 4), slot = sx_get_be16(key.data + 8);
    char *name = sx_format("%.*s", (int)key.size - POSITION_HEAD, key.data + POSITION_HEAD), *wrong = NULL;
    const struct sim_topic *topic = sim_topic_find(sim, name);
    char from[ROW_PREFIX], to[ROW_PREFIX];
    struct replayed r = {.sure = {INT64_MIN, -1}, .maybe = {INT64_MIN, -1}};

    free(name);
    sx_put_be32(from, id);
    sx_put_be16(from + 4, (uint16_t)slot);
    sx_put_be32(to, id);
    sx_put_be16(to + 4, (uint16_t)(slot + 1));
    if (position > topic->partitions[slot].end)
        return sx_format("the disk is at %lld of %s [%u], which ends at %lld", (long long)position,
                         topic->name, slot, (long long)topic->partitions[slot].end);
    if (topic->spec.cleanup == SX_CLEANUP_DELETE) /* a table's own topic */
        return NULL;
    replay(&topic->partitions[slot], position, &r);
    for (int family = SX_FAMILY_KV; family <= SX_FAMILY_SESSION && wrong == NULL; family++) {
        struct sx_cursor *cursor = sx_cursor_open(disk, (enum sx_family)family, sx_slice(from, sizeof(from)),
                                                  sx_slice(to, sizeof(to)));
        struct sx_slice row, value;

        while (wrong == NULL && sx_cursor_next(cursor, &row, &value))
            wrong = check_row(topic->name, &r, row, value);
        sx_cursor_close(cursor);
    }
    sx_map_each(&r.rows, note_left, &r);
    if (wrong == NULL && r.left != NULL)
        wrong = sx_format("the disk has not the row of offset %lld of %s", (long long)r.left->record.offset,
                          topic->name);
    sx_map_free(&r.rows);
    return wrong;
}

char *sim_disk_check(struct sim *sim, struct sx_disk *disk)
{
    struct sx_cursor *cursor = sx_cursor_open(disk, SX_FAMILY_META, SX_SLICE("pos/"), SX_SLICE("pos0"));
    struct sx_slice key, value;
    char *wrong = NULL;

    /* Also what is known of a topic is there: it has eight bytes and more. */
    while (wrong == NULL && sx_cursor_next(cursor, &key, &value))
        if (value.size == 8)
            wrong = check_store(sim, disk, key, (int64_t)sx_get_be64(value.data));
    sx_cursor_close(cursor);
    return wrong;
}
