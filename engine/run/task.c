/* task.c: see task.h. */
#include "engine/run/task_parts.h"

#include <stdlib.h>

#define SX_HEADER_OVERHEAD 10 /* two lengths, on Kafka's wire */

static const struct sx_node_ops node_ops;

/* ---- Making ---------------------------------------------------------------------------------- */

static bool is_here(const struct sx_plan *plan, int32_t subtopology, const struct sx_node_plan *node)
{
    return subtopology < 0 || node->subtopology == (uint32_t)subtopology ||
           (node->entry != NULL && node->next == (uint32_t)subtopology);
}

static void add_store(struct sx_task *task, struct sx_store *store)
{
    for (uint32_t i = 0; i < task->store_count; i++)
        if (task->stores[i] == store)
            return;
    task->stores[task->store_count++] = store;
}

static struct task_node *make_node(struct sx_task *task, const struct sx_node_plan *plan, int32_t subtopology,
                                   int32_t partition, struct sx_store **stores)
{
    struct task_node *n = sx_calloc(1, sizeof(*n));

    n->task = task;
    n->node.ops = &node_ops;
    n->node.plan = plan;
    n->node.partition = partition;
    n->node.arena = &task->arena;
    n->node.bound = &task->bound;
    n->node.passes_through = subtopology < 0;
    n->node.state = sx_calloc(1, plan->op->state_bytes + 1);
    n->saved = sx_calloc(1, plan->op->state_bytes + 1);
    for (uint32_t s = 0; s < plan->store_count; s++) {
        n->node.stores[s] = stores[plan->stores[s]];
        /* A global table's store is written by the process's global reader, not by this task. */
        if (subtopology < 0 || !task->plan->stores[plan->stores[s]]->global)
            add_store(task, n->node.stores[s]);
    }
    return n;
}

struct sx_task *sx_task_new(const struct sx_plan *plan, int32_t subtopology, int32_t partition,
                            struct sx_store **stores, const struct sx_task_events *events)
{
    struct sx_task *task = sx_calloc(1, sizeof(*task));

    task->plan = plan;
    task->events = events;
    task->bound.ahead_ms = -1;
    sx_arena_init(&task->arena, 0);
    sx_arena_init(&task->row_arena, 0);
    sx_arena_init(&task->failure_arena, 4096);
    task->nodes = sx_calloc(plan->node_count + 1, sizeof(*task->nodes));
    task->order = sx_calloc(plan->node_count + 1, sizeof(*task->order));
    task->entries = sx_calloc(plan->node_count + 1, sizeof(*task->entries));
    task->stores = sx_calloc(plan->store_count + 1, sizeof(*task->stores));
    for (uint32_t i = 0; i < plan->node_count; i++) {
        struct sx_node_plan *node = plan->nodes[i];

        if (!is_here(plan, subtopology, node))
            continue;
        task->nodes[i] = make_node(task, node, subtopology, partition, stores);
        task->order[task->node_count++] = task->nodes[i];
        if (node->entry != NULL &&
            (subtopology < 0 ? node->input_count == 0 : node->next == (uint32_t)subtopology))
            task->entries[task->entry_count++] = node;
    }
    for (uint32_t s = 0; s < plan->subtopology_count; s++)
        if (subtopology < 0 || s == (uint32_t)subtopology)
            task->one_by_one |= plan->subtopologies[s].row_at_a_time;
    /* Through repartitions that pass through, paths of different subtopologies may meet too. */
    task->one_by_one |= subtopology < 0;
    return task;
}

void sx_task_bound(struct sx_task *task, const struct sx_clock *clock)
{
    task->bound.ahead_ms = task->plan->ahead_ms;
    if (task->bound.ahead_ms >= 0)
        task->bound.wall_ms = sx_wall_ms(clock);
}

void sx_task_open(struct sx_task *task)
{
    for (uint32_t i = 0; i < task->node_count; i++) {
        struct task_node *n = task->order[i];

        memset(n->node.state, 0, n->node.plan->op->state_bytes);
        if (n->node.plan->op->open != NULL)
            n->node.plan->op->open(n->node.plan->plan, n->node.state, &n->node);
    }
    task->is_open = true;
}

void sx_task_close_operators(struct sx_task *task)
{
    if (!task->is_open)
        return;
    for (uint32_t i = task->node_count; i-- > 0;) {
        struct task_node *n = task->order[i];

        if (n->node.plan->op->close != NULL)
            n->node.plan->op->close(n->node.plan->plan, n->node.state, &n->node);
    }
    task->is_open = false;
}

void sx_task_free(struct sx_task *task)
{
    if (task == NULL)
        return;
    sx_task_close_operators(task);
    for (uint32_t i = 0; i < task->node_count; i++) {
        sx_buffer_free(&task->order[i]->node.scratch);
        free(task->order[i]->node.state);
        free(task->order[i]->saved);
        free(task->order[i]);
    }
    sx_arena_free(&task->arena);
    sx_arena_free(&task->row_arena);
    sx_outbox_free(&task->outbox);
    sx_arena_free(&task->failure_arena);
    free(task->nodes);
    free(task->order);
    free(task->entries);
    free(task->stores);
    free(task->drops);
    free(task->failures);
    free(task->failed_rows);
    free(task);
}

struct sx_node_plan *const *sx_task_entries(const struct sx_task *task, uint32_t *count)
{
    *count = task->entry_count;
    return task->entries;
}

const struct sx_node_counts *sx_task_counts(const struct sx_task *task, const struct sx_node_plan *node)
{
    return task->nodes[node->index] ? &task->nodes[node->index]->counts : NULL;
}

/* ---- What operators call --------------------------------------------------------------------- */

/* To each reader of the port, and through it, before the next. */
static void hand_on(struct task_node *n, uint32_t port, const struct sx_batch *batch)
{
    for (uint32_t o = 0; o < n->node.plan->output_count; o++) {
        const struct sx_edge *edge = &n->node.plan->outputs[o];
        struct task_node *to;

        if (edge->port != port)
            continue;
        to = n->task->nodes[edge->to->index];
        to->counts.rows_in += batch->count;
        edge->to->op->process(edge->to->plan, to->node.state, &to->node, edge->input, batch);
    }
}

static bool has_several_readers(const struct sx_node_plan *node, uint32_t port)
{
    uint32_t count = 0;

    for (uint32_t o = 0; o < node->output_count; o++)
        count += node->outputs[o].port == port;
    return count > 1;
}

static void emit(struct sx_node *from, uint32_t port, const struct sx_batch *batch)
{
    struct task_node *n = (struct task_node *)from;
    struct sx_task *task = n->task;

    if (SX_UNLIKELY(task->restoring))
        return;
    n->counts.rows_out += batch->count;
    if (task->events->emitted != NULL)
        task->events->emitted(from->plan, port, batch, task->events->arg);
    if (SX_LIKELY(!task->one_by_one || batch->count <= 1 || !has_several_readers(from->plan, port))) {
        hand_on(n, port, batch);
        return;
    }
    /* Several rows that one caused: where paths meet again, each goes all ways before the next. */
    for (SX_EACH_ROW(batch, i, row)) {
        struct sx_batch single = sx_batch_row(&task->arena, batch, row);

        hand_on(n, port, &single);
    }
}

/* An array with room for one more. */
static void *more(void *items, uint32_t count, uint32_t *room, size_t width)
{
    if (count < *room)
        return items;
    *room = *room ? *room * 2 : 64;
    return sx_realloc(items, *room * width);
}

static void reject(struct sx_node *from, const struct sx_batch *batch, uint32_t row, const char *reason,
                   struct sx_position at, const char *message);

/* The topic does not take a record of this size: the row's error. */
static bool is_too_large(struct sx_node *from, const struct sx_send *send)
{
    struct sx_task *task = ((struct task_node *)from)->task;
    uint32_t topic = from->plan->topics[send->topic];
    uint32_t most = task->events->record_bytes_max ? task->events->record_bytes_max[topic] : 0;
    size_t size = (size_t)send->key.size + send->value.size;

    for (uint32_t h = 0; h < send->header_count; h++)
        size += (size_t)send->headers[h].name.size + send->headers[h].value.size + SX_HEADER_OVERHEAD;
    if (SX_LIKELY(most == 0 || size <= most))
        return false;
    reject(from, send->batch, send->row, "too_large", from->plan->at,
           sx_arena_format(from->arena, "the record for `%s` has %zu bytes, and the topic takes %u",
                           task->plan->topics[topic]->name, size, most));
    return true;
}

static void send(struct sx_node *from, const struct sx_send *send)
{
    struct sx_task *task = ((struct task_node *)from)->task;
    struct sx_task_send out;

    if (SX_UNLIKELY(is_too_large(from, send)))
        return;
    out = (struct sx_task_send){
        .topic = from->plan->topics[send->topic],
        .partition = send->everywhere ? SX_EVERY_PARTITION : send->partition,
        .place = send->place,
        .source_offset = task->origin && task->origin->count ? task->origin->records[0].offset : 0,
        .record = {.key = send->key,
                   .value = send->value,
                   .timestamp = send->timestamp,
                   .headers = send->headers,
                   .header_count = send->header_count},
        .window = send->window,
        .latest_only = send->latest_only,
    };
    sx_outbox_put(&task->outbox, &out);
}

static void reject(struct sx_node *from, const struct sx_batch *batch, uint32_t row, const char *reason,
                   struct sx_position at, const char *message)
{
    struct sx_task *task = ((struct task_node *)from)->task;
    uint32_t source = batch->origin_row ? batch->origin_row[row] : row;
    uint32_t room = task->failure_room;

    task->failures = more(task->failures, task->failure_count, &task->failure_room, sizeof(*task->failures));
    if (task->failure_room != room)
        task->failed_rows = sx_realloc(task->failed_rows, task->failure_room * sizeof(*task->failed_rows));
    task->failed_rows[task->failure_count] = source;
    task->failures[task->failure_count++] = (struct sx_task_failure){
        .entry = task->entry,
        .topic = task->origin->topic,
        .partition = task->origin->partition,
        .record = &task->origin->records[source],
        .reason = sx_arena_strdup(&task->failure_arena, reason),
        .message = sx_arena_strdup(&task->failure_arena, message ? message : "it failed"),
        .at = at,
        .stage = from->plan->name,
    };
}

static void drop(struct sx_node *from, const char *reason, uint64_t count)
{
    struct sx_task *task = ((struct task_node *)from)->task;

    for (uint32_t i = 0; i < task->drop_count; i++)
        if (task->drops[i].node == from->plan && strcmp(task->drops[i].reason, reason) == 0) {
            task->drops[i].count += count;
            return;
        }
    task->drops = more(task->drops, task->drop_count, &task->drop_room, sizeof(*task->drops));
    task->drops[task->drop_count++] = (struct dropped){from->plan, reason, count};
}

static const struct sx_node_ops node_ops = {.emit = emit, .send = send, .reject = reject, .drop = drop};

/* ---- Decoding -------------------------------------------------------------------------------- */

void sx_task_decode(struct sx_task *task, struct sx_node_plan *entry, const char *topic, int32_t partition,
                    const struct sx_record *records, uint32_t count, bool padded, struct sx_arena *arena,
                    struct sx_decoded *decoded)
{
    struct task_node *n = task->nodes[entry->index];

    *decoded = (struct sx_decoded){.entry = entry};
    decoded->origin = (struct sx_origin){.topic = topic,
                                         .partition = partition,
                                         .records = records,
                                         .count = count,
                                         .repartitioned = entry->input_count > 0};
    task->entry = entry;
    task->origin = &decoded->origin;
    task->failure_count = 0;
    n->node.arena = arena;
    entry->op->decode(entry->plan, n->node.state, &n->node, &decoded->origin, padded, &decoded->batch);
    n->node.arena = &task->arena;
    if (task->failure_count == 0)
        return;
    decoded->failure_count = task->failure_count;
    decoded->failures = SX_ARENA_ARRAY(arena, struct sx_task_failure, task->failure_count);
    decoded->failed_rows = SX_ARENA_ARRAY(arena, uint32_t, task->failure_count);
    for (uint32_t i = 0; i < task->failure_count; i++) {
        decoded->failures[i] = task->failures[i];
        decoded->failures[i].reason = sx_arena_strdup(arena, task->failures[i].reason);
        decoded->failures[i].message = sx_arena_strdup(arena, task->failures[i].message);
        decoded->failed_rows[i] = task->failed_rows[i];
    }
}

/* ---- Running --------------------------------------------------------------------------------- */

void sx_task_savepoint(struct sx_task *task)
{
    for (uint32_t i = 0; i < task->store_count; i++)
        sx_store_begin(task->stores[i]);
    for (uint32_t i = 0; i < task->node_count; i++) {
        struct task_node *n = task->order[i];

        memcpy(n->saved, n->node.state, n->node.plan->op->state_bytes);
        n->counts_saved = n->counts;
        n->node.origin = task->origin;
    }
}

void sx_task_undo(struct sx_task *task)
{
    for (uint32_t i = 0; i < task->store_count; i++)
        sx_store_rollback(task->stores[i]);
    for (uint32_t i = 0; i < task->node_count; i++) {
        struct task_node *n = task->order[i];

        memcpy(n->node.state, n->saved, n->node.plan->op->state_bytes);
        n->counts = n->counts_saved;
    }
    task->drop_count = 0;
    sx_outbox_clear(&task->outbox);
    if (task->events->undone != NULL)
        task->events->undone(task->events->arg);
}

static void run_rows(struct sx_task *task, struct sx_node_plan *entry, const struct sx_batch *batch)
{
    struct task_node *n = task->nodes[entry->index];
    uint32_t input = entry->input_count > 0; /* a repartition's far side */
    struct sx_arena whole;

    n->counts.rows_in += batch->count;
    if (!task->one_by_one) {
        entry->op->process(entry->plan, n->node.state, &n->node, input, batch);
        return;
    }
    /* What a row needs is gone when it is through: the batch's memory does not grow with rows times nodes. */
    whole = task->arena;
    task->arena = task->row_arena;
    for (SX_EACH_ROW(batch, i, row)) {
        struct sx_batch single = sx_batch_row(&task->arena, batch, row);

        entry->op->process(entry->plan, n->node.state, &n->node, input, &single);
        sx_arena_reset(&task->arena);
        if (task->failure_count)
            break;
    }
    task->row_arena = task->arena;
    task->arena = whole;
}

void sx_task_hand_out(struct sx_task *task)
{
    sx_outbox_hand_out(&task->outbox, task->events->sent, task->events->arg);
    for (uint32_t i = 0; i < task->drop_count; i++)
        task->events->dropped(task->drops[i].node, task->drops[i].reason, task->drops[i].count,
                              task->events->arg);
    task->drop_count = 0;
}

enum sx_on_error sx_task_policy(const struct sx_task *task, const struct sx_node_plan *entry)
{
    enum sx_on_error policy = entry->entry->on_error;

    if (policy == SX_ON_ERROR_DEFAULT)
        policy = task->plan->on_error;
    return policy == SX_ON_ERROR_DEFAULT ? SX_ON_ERROR_FAIL : policy;
}

/* Rows of [from, to) that are not marked as failed. */
static struct sx_batch rows_in(struct sx_task *task, const struct sx_batch *all, uint32_t from, uint32_t to,
                               const uint64_t *failed)
{
    uint16_t *sel = sx_arena_alloc(&task->arena, sizeof(*sel) * (all->count + 1));
    uint32_t count = 0;

    for (SX_EACH_ROW(all, i, row))
        if (row >= from && row < to && !sx_bit(failed, row))
            sel[count++] = (uint16_t)row;
    return sx_batch_select(all, sel, count);
}

/* What is known to fail in [from, to): kept by row until the range has run. */
struct known {
    uint64_t failed[SX_BITMAP_WORDS(SX_BATCH_ROWS)];
    const struct sx_task_failure *why[SX_BATCH_ROWS];
};

static uint32_t first_failed(const struct known *known, uint32_t from, uint32_t to)
{
    while (from < to && !sx_bit(known->failed, from))
        from++;
    return from;
}

/* Take over what the last run found. */
static void learn(struct sx_task *task, struct known *known)
{
    for (uint32_t i = 0; i < task->failure_count; i++) {
        uint32_t row = task->failed_rows[i];
        struct sx_task_failure *copy;

        if (sx_bit(known->failed, row))
            continue;
        copy = sx_arena_alloc(&task->failure_arena, sizeof(*copy));
        *copy = task->failures[i];
        known->why[row] = copy;
        sx_bit_set(known->failed, row);
    }
    task->failure_count = 0;
}

/* The whole range without failures: no copies, no bookkeeping. */
static bool run_all(struct sx_task *task, const struct sx_decoded *d, uint32_t from, uint32_t to)
{
    uint64_t none[SX_BITMAP_WORDS(SX_BATCH_ROWS)] = {0};
    struct sx_batch rows =
        from == 0 && to == d->origin.count ? d->batch : rows_in(task, &d->batch, from, to, none);

    run_rows(task, d->entry, &rows);
    return task->failure_count == 0;
}

uint32_t sx_task_process(struct sx_task *task, const struct sx_decoded *d, uint32_t from, uint32_t to,
                         struct sx_task_failure *failure)
{
    enum sx_on_error policy = sx_task_policy(task, d->entry);
    struct known known;
    uint32_t stop = to;

    sx_arena_reset(&task->arena);
    task->entry = d->entry;
    task->origin = &d->origin;
    task->failure_count = 0;
    sx_task_savepoint(task);
    if (d->failure_count == 0) {
        if (SX_LIKELY(run_all(task, d, from, to))) {
            sx_task_hand_out(task);
            return to;
        }
        sx_task_undo(task);
    }
    sx_arena_reset(&task->failure_arena);
    memset(known.failed, 0, sizeof(known.failed));
    for (uint32_t i = 0; i < d->failure_count; i++) {
        sx_bit_set(known.failed, d->failed_rows[i]);
        known.why[d->failed_rows[i]] = &d->failures[i];
    }
    /* run_all's failures have their messages in the arena that was reset: run again to learn them. */
    task->failure_count = 0;
    for (;;) {
        struct sx_batch rows;

        if (policy == SX_ON_ERROR_FAIL)
            stop = first_failed(&known, from, to);
        rows = rows_in(task, &d->batch, from, stop, known.failed);
        run_rows(task, d->entry, &rows);
        if (task->failure_count == 0)
            break;
        sx_task_undo(task);
        learn(task, &known);
    }
    sx_task_hand_out(task);
    for (uint32_t row = from; row < stop; row++)
        if (sx_bit(known.failed, row))
            task->events->failed(known.why[row], policy, task->events->arg);
    if (stop < to)
        *failure = *known.why[stop];
    return stop;
}

/* ---- Restoring a table from its topic -------------------------------------------------------- */

void sx_task_restore_begin(struct sx_task *task, struct sx_node_plan *entry)
{
    struct task_node *n = task->nodes[entry->index];

    memset(n->node.state, 0, entry->op->state_bytes);
    if (entry->op->open != NULL)
        entry->op->open(entry->plan, n->node.state, &n->node);
}

void sx_task_restore_rows(struct sx_task *task, const struct sx_decoded *d, uint32_t from, uint32_t to)
{
    uint64_t none[SX_BITMAP_WORDS(SX_BATCH_ROWS)] = {0};
    struct task_node *n = task->nodes[d->entry->index];
    struct sx_batch rows;

    sx_arena_reset(&task->arena);
    task->entry = d->entry;
    task->origin = &d->origin;
    for (uint32_t i = 0; i < n->node.plan->store_count; i++)
        sx_store_begin(n->node.stores[i]);
    rows = rows_in(task, &d->batch, from, to, none);
    task->restoring = true;
    d->entry->op->process(d->entry->plan, n->node.state, &n->node, 0, &rows);
    task->restoring = false;
    /* It was counted and reported when the rows were first processed. */
    task->failure_count = task->drop_count = 0;
    sx_outbox_clear(&task->outbox);
}

void sx_task_restore_end(struct sx_task *task, struct sx_node_plan *entry)
{
    struct task_node *n = task->nodes[entry->index];

    if (entry->op->close != NULL)
        entry->op->close(entry->plan, n->node.state, &n->node);
}
