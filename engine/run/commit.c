/* commit.c: what a worker processed becomes durable: results, changelogs, offsets and state. */
#include "engine/graph/signature.h"
#include "engine/run/changelog.h"
#include "engine/run/life.h"
#include "engine/run/outlet.h"
#include "engine/run/worker.h"

#include <stdlib.h>

/* A commit comes early when this much waits for it: a transaction has a time limit, and the embedded
 * log keeps what is written in memory. */
#define PENDING_RECORDS 500000
#define PENDING_BYTES (32u << 20)
#define LIVES_NOTED 500
/* A broker forgets what was committed for a partition a while ago, 7 days by default, when the members do
 * not subscribe to its topic, and ours subscribe to slots only: so all is committed anew now and then. */
#define RENEW_MS (60 * 60 * 1000)

static bool must_renew(const struct sx_worker *worker, int64_t now_ms)
{
    const struct sx_engine *engine = worker->engine;
    int64_t interval_ms = engine->options.renew_ms ? engine->options.renew_ms : RENEW_MS;

    return now_ms - worker->renewed_ms >= interval_ms && !engine->log->holds_state;
}

void sx_worker_renew(struct sx_worker *worker, int64_t now_ms)
{
    if (!must_renew(worker, now_ms))
        return;
    for (uint32_t i = 0; i < worker->slot_count; i++)
        if (worker->slots[i]->state == SX_SLOT_RUNNING)
            sx_worker_soil(worker);
}

bool sx_worker_must_commit(const struct sx_worker *worker, bool busy, int64_t now_ms)
{
    int64_t interval_ms = worker->engine->options.commit_ms;

    if (!worker->dirty)
        return false;
    /* Another waits for it: at once, unless there is work for this one, which had better be in it. */
    if (atomic_load(&worker->asked))
        interval_ms = busy ? interval_ms / 2 : 0;
    return now_ms - worker->committed_ms >= interval_ms || worker->pending_records >= PENDING_RECORDS ||
           worker->pending_bytes + worker->latest.bytes >= PENDING_BYTES || sx_pace_is_late(worker, now_ms);
}

static streamd_status take_error(struct sx_worker *worker, streamd_error **error)
{
    streamd_status status = streamd_error_status(worker->error);

    if (error != NULL)
        *error = worker->error;
    else
        streamd_error_free(worker->error);
    worker->error = NULL;
    return status;
}

static bool write_latest(uint32_t topic, int32_t partition, const struct sx_record *record, void *arg)
{
    return sx_worker_write(arg, topic, partition, record);
}

/* ---- Stores ---------------------------------------------------------------------------------- */

struct changelog {
    struct sx_worker *worker;
    struct sx_slot_store *store;
    uint32_t hash;
    uint32_t topic;
    int32_t partition;
    int64_t timestamp;
    bool begins; /* something is to be said before the first row */
    struct sx_buffer value;
};

/* The life of a window's changelog is written again before retention takes it. */
static bool needs_life(const struct sx_slot_store *store, int64_t now_ms)
{
    const struct sx_store_plan *plan = store->store->plan;

    return store->life.number == 0 || (plan->kind != SX_STORE_KV && plan->retention_ms > 0 &&
                                       now_ms - store->life.written_ms > plan->retention_ms / 2);
}

static void log_life(struct changelog *c)
{
    struct sx_record record = {.key = sx_changelog_life_key(), .timestamp = c->timestamp};
    struct sx_life *life = &c->store->life;

    life->number = life->number ? life->number : sx_life_draw();
    life->offset = c->store->position;
    life->written_ms = c->timestamp;
    sx_changelog_write_life(&c->value, life->number);
    record.value = sx_buffer_slice(&c->value);
    sx_worker_write(c->worker, c->topic, c->partition, &record);
    sx_life_put(c->worker->unit, c->store->id, c->partition, life);
}

/* What the rows that follow mean. */
static void log_signature(struct changelog *c)
{
    struct sx_record record = {.key = sx_changelog_signature_key(), .timestamp = c->timestamp};
    struct sx_buffer text = {0};

    sx_store_signature(c->worker->engine->plan, c->store->store->plan, &text);
    sx_changelog_write_signature(&c->value, sx_buffer_slice(&text));
    record.value = sx_buffer_slice(&c->value);
    sx_worker_write(c->worker, c->topic, c->partition, &record);
    c->store->says_how = true;
    sx_buffer_free(&text);
}

/* What is not in the changelog could not be restored, and no record can be blamed for what a row became. */
static bool fits(struct changelog *c, const struct sx_record *record)
{
    const struct sx_engine *engine = c->worker->engine;
    uint32_t most = engine->record_bytes_max[c->topic];
    size_t size = (size_t)record->key.size + record->value.size;
    streamd_error *error = NULL;

    if (SX_LIKELY(most == 0 || size <= most))
        return true;
    sx_fail_fatal(
        &error, STREAMD_E_STORE,
        "a row of the store `%s` has %zu bytes, and its changelog `%s`, partition %d, takes %u: what "
        "came before its last commit is kept; raise max.message.bytes of the topic and "
        "kafka.message.max.bytes, or keep less of each key",
        c->store->store->plan->name, size, engine->plan->topics[c->topic]->name, c->partition, most);
    sx_worker_keep_error(c->worker, error);
    return false;
}

static void log_change(struct sx_slice key, struct sx_slice value, void *arg)
{
    struct changelog *c = arg;
    struct sx_record record = {.key = key, .timestamp = c->timestamp};

    if (c->worker->error != NULL)
        return;
    if (SX_UNLIKELY(c->begins)) {
        if (needs_life(c->store, c->timestamp))
            log_life(c);
        if (!c->store->says_how)
            log_signature(c);
        c->begins = false;
    }
    if (value.data != NULL) {
        sx_changelog_write_row(&c->value, c->hash, value);
        record.value = sx_buffer_slice(&c->value);
    }
    if (!fits(c, &record))
        return;
    sx_worker_write(c->worker, c->topic, c->partition, &record);
}

static uint32_t topic_index(const struct sx_plan *plan, const char *name)
{
    uint32_t i = 0;

    while (i < plan->topic_count && plan->topics[i]->name != name && strcmp(plan->topics[i]->name, name) != 0)
        i++;
    return i;
}

static bool has_changelog(const struct sx_engine *engine, const struct sx_store_plan *store)
{
    return !engine->log->holds_state && !store->from_source;
}

static streamd_status commit_stores(struct sx_slot *slot, streamd_error **error)
{
    struct sx_worker *worker = slot->worker;
    struct sx_engine *engine = worker->engine;
    struct changelog changelog = {
        .worker = worker, .partition = slot->number, .timestamp = sx_wall_ms(engine->options.clock)};
    streamd_status status = STREAMD_OK;

    for (uint32_t t = 0; t < slot->task_count; t++)
        for (uint32_t s = 0; s < slot->tasks[t].store_count && status == STREAMD_OK; s++) {
            struct sx_store *store = slot->tasks[t].stores[s].store;
            bool logged = has_changelog(engine, store->plan);

            if (logged)
                changelog.topic = topic_index(engine->plan, store->plan->changelog);
            changelog.store = &slot->tasks[t].stores[s];
            changelog.begins = logged;
            changelog.hash = engine->signatures[store->plan->index];
            status = store->ops->commit(store, worker->unit, logged ? log_change : NULL, &changelog, error);
            if (status == STREAMD_OK && worker->error != NULL)
                status = take_error(worker, error);
        }
    sx_buffer_free(&changelog.value);
    return status;
}

/* A table's position is that of its input. */
static void put_table_positions(struct sx_slot *slot, const struct sx_input *input)
{
    struct sx_worker *worker = slot->worker;

    for (uint32_t u = 0; u < input->use_count; u++) {
        const struct sx_input_use *use = &input->uses[u];

        for (uint32_t s = 0; s < use->task->store_count; s++) {
            const struct sx_slot_store *store = &use->task->stores[s];

            if (store->store->plan->from_source && use->entry->store_count &&
                use->entry->stores[0] == store->store->plan->index)
                sx_position_put(worker->unit, store->id, slot->number, input->name, input->position);
        }
    }
}

/* The changelogs' positions, known once the records are delivered. */
static void put_changelog_positions(struct sx_unit *unit, void *arg)
{
    struct sx_worker *worker = arg;
    struct sx_engine *engine = worker->engine;

    for (uint32_t i = 0; i < worker->slot_count; i++) {
        struct sx_slot *slot = worker->slots[i];

        for (uint32_t t = 0; slot->state == SX_SLOT_RUNNING && t < slot->task_count; t++)
            for (uint32_t s = 0; s < slot->tasks[t].store_count; s++) {
                struct sx_slot_store *store = &slot->tasks[t].stores[s];
                const char *name = store->store->plan->changelog;
                struct sx_topic *topic;
                int64_t offset;

                if (!has_changelog(engine, store->store->plan))
                    continue;
                topic = worker->topics[topic_index(engine->plan, name)];
                offset =
                    topic ? engine->def->writer_offset(worker->writer, topic, slot->number) : SX_OFFSET_NONE;
                if (offset == SX_OFFSET_NONE || offset <= store->position)
                    continue;
                store->position = offset;
                sx_position_put(unit, store->id, slot->number, name, offset);
            }
    }
}

/* ---- The commit ------------------------------------------------------------------------------ */

/* The stores of a slot whose changelogs have begun. A broker does not take names of thousands. */
static struct sx_buffer *note_lives(struct sx_slot *slot)
{
    uint32_t count = 0;

    for (uint32_t t = 0; t < slot->task_count; t++)
        for (uint32_t s = 0; s < slot->tasks[t].store_count; s++)
            count += slot->tasks[t].stores[s].life.number != 0;
    if (count == slot->note_count || count > LIVES_NOTED)
        return &slot->note;
    slot->note_count = count;
    slot->note.size = 0;
    for (uint32_t t = 0; t < slot->task_count; t++)
        for (uint32_t s = 0; s < slot->tasks[t].store_count; s++)
            if (slot->tasks[t].stores[s].life.number != 0)
                sx_life_note(&slot->note, slot->tasks[t].stores[s].store->plan);
    return &slot->note;
}

static void add_inputs(struct sx_worker *worker, bool moved_only, struct sx_partition_offset *offsets,
                       uint32_t *count)
{
    for (uint32_t i = 0; i < worker->slot_count; i++) {
        struct sx_slot *slot = worker->slots[i];
        struct sx_buffer *note = note_lives(slot);

        for (uint32_t n = 0; slot->state == SX_SLOT_RUNNING && n < slot->input_count; n++) {
            const struct sx_input *input = &slot->inputs[n];

            if ((moved_only && input->position == input->committed) || input->feed != NULL)
                continue;
            offsets[(*count)++] =
                (struct sx_partition_offset){input->name, input->partition, input->position, note};
            put_table_positions(slot, input);
        }
    }
}

/* The offsets to be committed: those that moved, or all. When time alone went on none did, and all are: by
 * its offsets the group knows who commits, and refuses one whose slots are another's. */
static struct sx_partition_offset *find_inputs(struct sx_worker *worker, bool all, uint32_t *count)
{
    struct sx_partition_offset *offsets;
    uint32_t room = 0;

    *count = 0;
    for (uint32_t i = 0; i < worker->slot_count; i++)
        room += worker->slots[i]->input_count;
    offsets = sx_malloc(sizeof(*offsets) * (room + 1));
    add_inputs(worker, !all, offsets, count);
    if (*count == 0)
        add_inputs(worker, false, offsets, count);
    return offsets;
}

static void note_committed(struct sx_worker *worker)
{
    for (uint32_t i = 0; i < worker->slot_count; i++) {
        struct sx_slot *slot = worker->slots[i];

        if (slot->state != SX_SLOT_RUNNING)
            continue;
        for (uint32_t t = 0; t < slot->task_count; t++)
            for (uint32_t s = 0; s < slot->tasks[t].store_count; s++) {
                struct sx_store *store = slot->tasks[t].stores[s].store;

                store->ops->committed(store);
            }
        for (uint32_t n = 0; n < slot->input_count; n++) {
            slot->inputs[n].committed = slot->inputs[n].position;
            if (slot->inputs[n].feed != NULL)
                sx_feed_committed(slot->inputs[n].feed, slot->inputs[n].position);
            atomic_store_explicit(&slot->inputs[n].purgeable, slot->inputs[n].position, memory_order_relaxed);
        }
        sx_slot_publish(slot);
    }
    worker->pending_records = worker->pending_bytes = 0;
    sx_worker_cleanse(worker);
    sx_align_settled(worker);
}

static streamd_status commit_all(struct sx_worker *worker, streamd_error **error)
{
    struct sx_engine *engine = worker->engine;
    int64_t begin_ms = sx_now_ms(engine->options.clock), took_ms;
    struct sx_partition_offset *offsets;
    streamd_status status = STREAMD_OK;
    uint32_t count;
    /* Also with the first commit: a process may never run for long. */
    bool all = worker->committed_ms == 0 || must_renew(worker, begin_ms);

    worker->committed_ms = begin_ms;
    sx_latest_each(&worker->latest, write_latest, worker);
    if (worker->error != NULL)
        return take_error(worker, error);
    status = sx_outlets_write(worker, error);
    for (uint32_t i = 0; i < worker->slot_count && status == STREAMD_OK; i++)
        if (worker->slots[i]->state == SX_SLOT_RUNNING) {
            sx_slot_put_positions(worker->slots[i]);
            status = commit_stores(worker->slots[i], error);
        }
    if (status != STREAMD_OK)
        return status;
    offsets = find_inputs(worker, all, &count);
    status = engine->def->commit(worker->writer, offsets, count, worker->unit, put_changelog_positions,
                                 worker, error);
    free(offsets);
    if (status != STREAMD_OK)
        return status;
    sx_unit_clear(worker->unit);
    sx_latest_clear(&worker->latest);
    note_committed(worker);
    worker->renewed_ms = all ? begin_ms : worker->renewed_ms;
    took_ms = sx_now_ms(engine->options.clock) - begin_ms;
    sx_stats_commit(&worker->stats, (uint64_t)took_ms * 1000);
    /* However long commits take, half of the interval is for work: else each would be due when the last one
     * ends, and carry a batch. Who waits for more than this one asks again. */
    worker->committed_ms += SX_MAX(took_ms - engine->options.commit_ms / 2, 0);
    atomic_store(&worker->asked, false);
    return STREAMD_OK;
}

streamd_status sx_worker_commit(struct sx_worker *worker, streamd_error **error)
{
    int held = SX_LEASE_HELD;
    streamd_status status;

    if (!worker->dirty || worker->writer == NULL) {
        worker->committed_ms = sx_now_ms(worker->engine->options.clock);
        return STREAMD_OK;
    }
    if (!atomic_compare_exchange_strong(&worker->lease, &held, SX_LEASE_COMMITTING))
        return sx_fail(error, STREAMD_E_FENCED,
                       "a batch of worker %u took longer than %lld ms, and its partitions were given up",
                       worker->number, (long long)worker->engine->log->stall_ms);
    status = commit_all(worker, error);
    atomic_store(&worker->lease, SX_LEASE_HELD);
    return status;
}

streamd_status sx_worker_abort(struct sx_worker *worker, streamd_error **error)
{
    streamd_status status = STREAMD_OK;

    if (worker->writer != NULL)
        status = worker->engine->def->abort(worker->writer, error);
    sx_unit_clear(worker->unit);
    sx_latest_clear(&worker->latest);
    sx_outlets_drop(worker);
    streamd_error_free(worker->error);
    worker->error = NULL;
    worker->pending_records = worker->pending_bytes = 0;
    sx_worker_cleanse(worker);
    sx_align_settled(worker);
    /* From the disk and the committed offsets on: whatever became of the commit, they tell. */
    for (uint32_t i = 0; i < worker->slot_count; i++)
        sx_slot_close(worker->slots[i]);
    sx_count(&worker->stats.aborts, 1);
    return status;
}
