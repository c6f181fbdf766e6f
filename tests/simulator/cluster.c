/* cluster.c: chance, topics, transactions, time. See cluster.h. */
#include "tests/simulator/cluster.h"

#include <stdarg.h>
#include <stdlib.h>

#define TRANSACTION_MS 10000
#define PADDING 64 /* as SX_PADDING: bytes behind keys and values that can be read */

const char *const sim_point_words[SIM_POINT_COUNT] = {
#define SIM_POINT(name, word, meaning) word,
#include "tests/simulator/kill_points.def"
#undef SIM_POINT
};
const char *const sim_point_meanings[SIM_POINT_COUNT] = {
#define SIM_POINT(name, word, meaning) meaning,
#include "tests/simulator/kill_points.def"
#undef SIM_POINT
};

/* ---- Chance and time ------------------------------------------------------------------------- */

static int64_t now(void *arg)
{
    struct sim *sim = arg;

    return sim->now_ms;
}

void sim_init(struct sim *sim, uint64_t seed)
{
    *sim = (struct sim){.random = seed, .now_ms = 1000000000};
    sim->clock = (struct sx_clock){now, now, sim};
    sim->kill.after = UINT32_MAX;
    sx_arena_init(&sim->arena, 0);
}

void sim_free(struct sim *sim)
{
    for (struct sim_topic *topic = sim->topics; topic != NULL; topic = topic->next)
        for (int32_t p = 0; p < topic->count; p++)
            free(topic->partitions[p].records);
    for (uint32_t i = 0; i < sim->group.count; i++)
        free(sim->group.members[i]);
    free(sim->group.offsets);
    sx_arena_free(&sim->arena);
}

/* splitmix64 */
uint32_t sim_draw(struct sim *sim, uint32_t below)
{
    uint64_t z = sim->random += 0x9e3779b97f4a7c15ull;

    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ull;
    z = (z ^ z >> 27) * 0x94d049bb133111ebull;
    z ^= z >> 31;
    return below == 0 ? 0 : (uint32_t)((z >> 32) * below >> 32);
}

bool sim_chance(struct sim *sim, uint32_t of_thousand) { return sim_draw(sim, 1000) < of_thousand; }

bool sim_fault(struct sim *sim, uint32_t of_thousand)
{
    return sim->faulty && of_thousand > 0 && sim_chance(sim, of_thousand);
}

void sim_say(const struct sim *sim, const char *format, ...)
{
    va_list args;

    if (!sim->verbose)
        return;
    printf("%lld ", (long long)(sim->now_ms - 1000000000));
    va_start(args, format);
    vprintf(format, args);
    va_end(args);
    putchar('\n');
}

/* ---- Processes ------------------------------------------------------------------------------- */

void sim_process_init(struct sim_process *process, struct sim *sim, uint32_t number)
{
    *process = (struct sim_process){.sim = sim, .number = number};
    snprintf(process->address, sizeof(process->address), "%p", (void *)process);
    snprintf(process->id, sizeof(process->id), "p%u", number);
}

struct sim_process *sim_process_at(const char *address)
{
    void *process = NULL;

    return sscanf(address, "%p", &process) == 1 ? process : NULL;
}

bool sim_dies(struct sim_process *process, enum sim_point point)
{
    struct sim *sim = process->sim;

    if (process->dead)
        return true;
    if (!sim->faulty)
        return false;
    sim->passed[point]++;
    if (sim->kill.point == SIM_ANYWHERE && point != SIM_ANYWHERE)
        return false;
    if (sim->kill.point != point || sim->kill.after == UINT32_MAX || sim->kill.after-- > 0)
        return false;
    sim->kill.after = UINT32_MAX;
    sim->kills++;
    process->dead = true;
    sim_say(sim, "process %u is killed: %s", process->number, sim_point_words[point]);
    return true;
}

streamd_status sim_dead(streamd_error **error)
{
    return sx_fail_fatal(error, STREAMD_E_LOG, "the process is dead");
}

/* ---- Topics ---------------------------------------------------------------------------------- */

struct sim_topic *sim_topic_find(struct sim *sim, const char *name)
{
    struct sim_topic *topic = sim->topics;

    while (topic != NULL && (topic->removed || strcmp(topic->name, name) != 0))
        topic = topic->next;
    return topic;
}

struct sim_topic *sim_topic_make(struct sim *sim, const struct sx_topic_spec *spec)
{
    struct sim_topic *topic = sx_arena_alloc(&sim->arena, sizeof(*topic)), **end = &sim->topics;
    size_t bytes;

    *topic = (struct sim_topic){.spec = *spec, .count = SX_MAX(spec->partitions, 1)};
    topic->name = sx_arena_alloc(&sim->arena, strlen(spec->name) + 1);
    memcpy(topic->name, spec->name, strlen(spec->name) + 1);
    topic->spec.name = topic->name;
    bytes = sizeof(*topic->partitions) * (size_t)topic->count;
    topic->partitions = sx_arena_alloc(&sim->arena, bytes);
    memset(topic->partitions, 0, bytes);
    while (*end != NULL)
        end = &(*end)->next;
    *end = topic;
    return topic;
}

struct sx_slice sim_keep(struct sim *sim, struct sx_slice bytes)
{
    char *to;

    if (bytes.data == NULL)
        return SX_SLICE_NONE;
    to = sx_arena_alloc(&sim->arena, (size_t)bytes.size + PADDING);
    if (bytes.size)
        memcpy(to, bytes.data, bytes.size);
    memset(to + bytes.size, 0, PADDING);
    return sx_slice(to, bytes.size);
}

static struct sim_touch *touch(struct sim_transaction *transaction, struct sim_partition *partition)
{
    for (uint32_t i = 0; i < transaction->touch_count; i++)
        if (transaction->touches[i].partition == partition)
            return &transaction->touches[i];
    return NULL;
}

/* A marker when `record` is NULL. */
static void append(struct sim *sim, struct sim_partition *partition, const struct sx_record *record,
                   struct sim_transaction *transaction)
{
    struct sim_record *at;

    if (partition->end == partition->room) {
        partition->room = partition->room ? partition->room * 2 : 64;
        partition->records =
            sx_realloc(partition->records, sizeof(*partition->records) * (size_t)partition->room);
    }
    at = &partition->records[partition->end];
    *at = (struct sim_record){.transaction = transaction, .marker = record == NULL};
    if (record != NULL) {
        struct sx_header *headers =
            sx_arena_alloc(&sim->arena, sizeof(*headers) * ((size_t)record->header_count + 1));

        at->record = *record;
        at->record.key = sim_keep(sim, record->key);
        at->record.value = sim_keep(sim, record->value);
        for (uint32_t h = 0; h < record->header_count; h++) {
            headers[h].name = sim_keep(sim, record->headers[h].name);
            headers[h].value = sim_keep(sim, record->headers[h].value);
        }
        at->record.headers = headers;
    }
    at->record.offset = partition->end++;
}

void sim_append(struct sim *sim, struct sim_partition *partition, const struct sx_record *record,
                struct sim_transaction *transaction)
{
    append(sim, partition, record, transaction);
    if (transaction == NULL || touch(transaction, partition) != NULL)
        return;
    if (transaction->touch_count == transaction->touch_room) {
        struct sim_touch *more;

        transaction->touch_room = transaction->touch_room ? transaction->touch_room * 2 : 8;
        more = sx_arena_alloc(&sim->arena, sizeof(*more) * transaction->touch_room);
        if (transaction->touch_count)
            memcpy(more, transaction->touches, sizeof(*more) * transaction->touch_count);
        transaction->touches = more;
    }
    transaction->touches[transaction->touch_count++] =
        (struct sim_touch){.partition = partition, .first = partition->end - 1};
}

int64_t sim_stable(const struct sim *sim, const struct sim_partition *partition)
{
    int64_t stable = partition->end;

    for (struct sim_transaction *t = sim->transactions; t != NULL; t = t->next) {
        const struct sim_touch *touched = touch(t, (struct sim_partition *)partition);

        if (touched != NULL && !touched->marked)
            stable = SX_MIN(stable, touched->first);
    }
    return stable;
}

bool sim_is_visible(const struct sim_record *record)
{
    return !record->marker && !record->gone &&
           (record->transaction == NULL || record->transaction->committed);
}

/* ---- Transactions ---------------------------------------------------------------------------- */

struct sim_producer *sim_producer_find(struct sim *sim, const char *id)
{
    struct sim_producer *producer = sim->producers;

    while (producer != NULL && strcmp(producer->id, id) != 0)
        producer = producer->next;
    if (producer != NULL)
        return producer;
    producer = sx_arena_alloc(&sim->arena, sizeof(*producer));
    *producer = (struct sim_producer){.next = sim->producers};
    producer->id = sx_arena_alloc(&sim->arena, strlen(id) + 1);
    memcpy(producer->id, id, strlen(id) + 1);
    sim->producers = producer;
    return producer;
}

struct sim_transaction *sim_transaction_begin(struct sim *sim, struct sim_producer *producer)
{
    struct sim_transaction *transaction;

    if (producer->transaction != NULL && producer->transaction->state == SIM_OPEN)
        return producer->transaction;
    /* The coordinator lets none begin before the last one has its markers. */
    if (producer->transaction != NULL)
        sim_transaction_settle(sim, producer->transaction);
    transaction = sx_arena_alloc(&sim->arena, sizeof(*transaction));
    *transaction =
        (struct sim_transaction){.next = sim->transactions, .producer = producer, .begun_ms = sim->now_ms};
    sim->transactions = transaction;
    producer->transaction = transaction;
    return transaction;
}

void sim_producer_delay(struct sim_producer *producer, bool commits)
{
    producer->on_way = true;
    producer->on_way_commits = commits;
    producer->on_way_epoch = producer->epoch;
}

static void end_if_marked(struct sim *sim, struct sim_transaction *transaction)
{
    for (uint32_t i = 0; i < transaction->touch_count; i++)
        if (!transaction->touches[i].marked)
            return;
    if (!transaction->offsets_marked)
        return;
    transaction->state = SIM_ENDED;
    transaction->producer->transaction = NULL;
    for (struct sim_transaction **at = &sim->transactions; *at != NULL; at = &(*at)->next)
        if (*at == transaction) {
            *at = transaction->next;
            break;
        }
}

static void mark(struct sim *sim, struct sim_transaction *transaction, uint32_t i)
{
    append(sim, transaction->touches[i].partition, NULL, transaction);
    transaction->touches[i].marked = true;
}

void sim_transaction_mark_offsets(struct sim *sim, struct sim_transaction *transaction)
{
    for (uint32_t i = 0; i < transaction->offset_count && transaction->committed; i++)
        sim_offset_put(sim, transaction->offsets[i].topic, transaction->offsets[i].partition,
                       transaction->offsets[i].offset, transaction->offsets[i].note);
    transaction->offsets_marked = true;
    end_if_marked(sim, transaction);
}

void sim_transaction_settle(struct sim *sim, struct sim_transaction *transaction)
{
    for (uint32_t i = 0; i < transaction->touch_count; i++)
        if (!transaction->touches[i].marked)
            mark(sim, transaction, i);
    if (!transaction->offsets_marked)
        sim_transaction_mark_offsets(sim, transaction);
    else
        end_if_marked(sim, transaction);
    sim_wake_readers(sim);
}

void sim_transaction_end(struct sim *sim, struct sim_transaction *transaction, bool commit, bool late)
{
    if (transaction->state == SIM_OPEN) {
        transaction->state = SIM_ENDING;
        transaction->committed = commit;
    }
    if (!late)
        sim_transaction_settle(sim, transaction);
}

/* One marker more of those that are late. */
static void mark_one(struct sim *sim, struct sim_transaction *transaction)
{
    uint32_t left = !transaction->offsets_marked, n;

    for (uint32_t i = 0; i < transaction->touch_count; i++)
        left += !transaction->touches[i].marked;
    n = sim_draw(sim, left);
    for (uint32_t i = 0; i < transaction->touch_count; i++)
        if (!transaction->touches[i].marked && n-- == 0) {
            mark(sim, transaction, i);
            end_if_marked(sim, transaction);
            sim_wake_readers(sim);
            return;
        }
    sim_transaction_mark_offsets(sim, transaction);
}

static void tick_producers(struct sim *sim)
{
    for (struct sim_producer *p = sim->producers; p != NULL; p = p->next) {
        if (!p->on_way || !sim_chance(sim, 100))
            continue;
        p->on_way = false;
        if (p->on_way_epoch != p->epoch || p->transaction == NULL || p->transaction->state != SIM_OPEN)
            continue;
        sim_say(sim, "a delayed %s of %s arrives", p->on_way_commits ? "commit" : "abort", p->id);
        sim_transaction_end(sim, p->transaction, p->on_way_commits, true);
    }
}

static void tick_transactions(struct sim *sim)
{
    for (struct sim_transaction *t = sim->transactions, *next; t != NULL; t = next) {
        next = t->next;
        if (t->state == SIM_OPEN && sim->now_ms - t->begun_ms > TRANSACTION_MS) {
            sim_say(sim, "the transaction of %s is too old", t->producer->id);
            t->producer->epoch++;
            sim_transaction_end(sim, t, false, true);
        } else if (t->state == SIM_ENDING && sim_chance(sim, 300)) {
            mark_one(sim, t);
        }
    }
}

/* ---- Compaction ------------------------------------------------------------------------------ */

static void compact(struct sim *sim, struct sim_partition *partition)
{
    int64_t stable = sim_stable(sim, partition), to = sim_draw(sim, (uint32_t)stable + 1);

    for (int64_t i = partition->low; i < to; i++) {
        struct sim_record *record = &partition->records[i];
        bool later = false;

        for (int64_t j = i + 1; j < to && sim_is_visible(record) && !later; j++)
            later = sim_is_visible(&partition->records[j]) &&
                    sx_slice_equal(record->record.key, partition->records[j].record.key);
        record->gone |= later;
    }
}

static void compact_one(struct sim *sim)
{
    uint32_t count = 0, n;

    for (struct sim_topic *topic = sim->topics; topic != NULL; topic = topic->next)
        count += !topic->removed && topic->spec.cleanup != SX_CLEANUP_DELETE;
    n = sim_draw(sim, count);
    for (struct sim_topic *topic = sim->topics; topic != NULL; topic = topic->next)
        if (!topic->removed && topic->spec.cleanup != SX_CLEANUP_DELETE && n-- == 0)
            compact(sim, &topic->partitions[sim_draw(sim, (uint32_t)topic->count)]);
}

void sim_tick(struct sim *sim, int64_t ms)
{
    sim->now_ms += ms;
    tick_producers(sim);
    tick_transactions(sim);
    sim_group_tick(sim);
    if (sim_fault(sim, sim->faults.compaction))
        compact_one(sim);
}
