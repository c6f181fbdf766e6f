/* sim_write.c: writers of the simulated log: transactions, and the commit with its kill points. */
#include "tests/simulator/cluster.h"

#include <stdlib.h>

struct queued {
    struct sx_topic *topic;
    int32_t partition;
    struct sx_record record;
};

struct sim_writer {
    struct sx_writer writer; /* first */
    struct sim_log *log;
    struct sim_producer *producer;
    int32_t epoch;
    struct sx_topic *topics;
    struct sx_arena arena; /* of what is queued */
    struct queued *queue;
    uint32_t count, room;
};

struct sx_topic {
    struct sx_topic *next;
    struct sim_topic *topic;
    int64_t *offsets; /* by partition: behind the last that was delivered */
};

static struct sim *sim_of(const struct sim_writer *writer) { return writer->log->process->sim; }

static streamd_status fenced(const struct sim_writer *writer, streamd_error **error)
{
    return sx_fail(error, STREAMD_E_FENCED, "a newer writer %s is there", writer->producer->id);
}

/* ---- Opening --------------------------------------------------------------------------------- */

streamd_status sim_writer_open(struct sx_log *base, uint32_t number, const struct sx_waker *waker,
                               struct sx_writer **out, streamd_error **error)
{
    struct sim_log *log = (struct sim_log *)base;
    struct sim *sim = log->process->sim;
    struct sim_writer *writer;
    char id[40];
    streamd_status status;

    if (sim_dies(log->process, SIM_AT_OPENING))
        return sim_dead(error);
    status = sim_request(log, "opening a writer", error);
    if (status != STREAMD_OK)
        return status;
    snprintf(id, sizeof(id), "%s-%u", log->process->id, number);
    writer = sx_calloc(1, sizeof(*writer));
    writer->writer.log = base;
    writer->log = log;
    writer->producer = sim_producer_find(sim, id);
    sx_arena_init(&writer->arena, 4096);
    writer->epoch = ++writer->producer->epoch;
    /* What the older one left is ended before this one begins. */
    if (writer->producer->transaction != NULL)
        sim_transaction_end(sim, writer->producer->transaction, false, false);
    *out = &writer->writer;
    return STREAMD_OK;
}

void sim_writer_close(struct sx_writer *base)
{
    struct sim_writer *writer = (struct sim_writer *)base;

    for (struct sx_topic *topic = writer->topics, *next; topic != NULL; topic = next) {
        next = topic->next;
        free(topic->offsets);
        free(topic);
    }
    sx_arena_free(&writer->arena);
    free(writer->queue);
    free(writer);
}

streamd_status sim_topic_open(struct sx_writer *base, const char *name, struct sx_topic **out,
                              streamd_error **error)
{
    struct sim_writer *writer = (struct sim_writer *)base;
    struct sim_topic *found = sim_topic_find(sim_of(writer), name);
    struct sx_topic *topic;

    if (sim_dies(writer->log->process, SIM_ANYWHERE))
        return sim_dead(error);
    if (found == NULL)
        return sx_fail_fatal(error, STREAMD_E_NOTFOUND, "there is no topic %s", name);
    topic = sx_calloc(1, sizeof(*topic));
    topic->next = writer->topics;
    topic->topic = found;
    topic->offsets = sx_malloc(sizeof(*topic->offsets) * (size_t)found->count);
    for (int32_t p = 0; p < found->count; p++)
        topic->offsets[p] = SX_OFFSET_NONE;
    writer->topics = topic;
    *out = topic;
    return STREAMD_OK;
}

/* ---- Records --------------------------------------------------------------------------------- */

static struct sx_slice keep(struct sim_writer *writer, struct sx_slice bytes)
{
    char *to;

    if (bytes.data == NULL)
        return SX_SLICE_NONE;
    to = sx_arena_alloc(&writer->arena, (size_t)bytes.size + 1);
    if (bytes.size)
        memcpy(to, bytes.data, bytes.size);
    return sx_slice(to, bytes.size);
}

static void forget(struct sim_writer *writer)
{
    sx_arena_reset(&writer->arena);
    writer->count = 0;
}

/* What is queued goes into the partitions, in the open transaction or in none. */
static streamd_status send(struct sim_writer *writer, streamd_error **error)
{
    struct sim *sim = sim_of(writer);
    bool exactly = writer->log->guarantee == SX_EXACTLY_ONCE;
    struct sim_transaction *transaction;

    if (writer->epoch != writer->producer->epoch)
        return fenced(writer, error);
    if (writer->count == 0)
        return STREAMD_OK;
    transaction = exactly ? sim_transaction_begin(sim, writer->producer) : NULL;
    for (uint32_t i = 0; i < writer->count; i++) {
        const struct queued *queued = &writer->queue[i];
        struct sim_partition *partition = &queued->topic->topic->partitions[queued->partition];

        sim_append(sim, partition, &queued->record, transaction);
        queued->topic->offsets[queued->partition] = partition->end;
    }
    forget(writer);
    if (!exactly)
        sim_wake_readers(sim);
    return STREAMD_OK;
}

streamd_status sim_write(struct sx_writer *base, struct sx_topic *topic, int32_t partition,
                         const struct sx_record *record, streamd_error **error)
{
    struct sim_writer *writer = (struct sim_writer *)base;
    struct sim *sim = sim_of(writer);
    struct queued *queued;
    struct sx_header *headers;

    if (sim_dies(writer->log->process, SIM_ANYWHERE) || sim_dies(writer->log->process, SIM_IN_WORK))
        return sim_dead(error);
    if (sim_fault(sim, sim->faults.write_full))
        return sx_fail_retriable(error, STREAMD_E_TIMEOUT, "the queue is full");
    if (writer->count == writer->room) {
        writer->room = writer->room ? writer->room * 2 : 64;
        writer->queue = sx_realloc(writer->queue, sizeof(*writer->queue) * writer->room);
    }
    queued = &writer->queue[writer->count++];
    *queued = (struct queued){topic, partition, *record};
    queued->record.key = keep(writer, record->key);
    queued->record.value = keep(writer, record->value);
    headers = sx_arena_alloc(&writer->arena, sizeof(*headers) * ((size_t)record->header_count + 1));
    for (uint32_t h = 0; h < record->header_count; h++) {
        headers[h].name = keep(writer, record->headers[h].name);
        headers[h].value = keep(writer, record->headers[h].value);
    }
    queued->record.headers = headers;
    return sim_fault(sim, sim->faults.write_early) ? send(writer, error) : STREAMD_OK;
}

streamd_status sim_drain(struct sx_writer *base, int timeout_ms, streamd_error **error)
{
    struct sim_writer *writer = (struct sim_writer *)base;

    if (sim_dies(writer->log->process, SIM_ANYWHERE))
        return sim_dead(error);
    return timeout_ms > 0 ? send(writer, error) : STREAMD_OK;
}

int64_t sim_writer_offset(struct sx_writer *base, struct sx_topic *topic, int32_t partition)
{
    return topic->offsets[partition];
}

/* ---- Commit ---------------------------------------------------------------------------------- */

static struct sx_slice note_of(struct sim *sim, const struct sx_partition_offset *offset)
{
    return offset->note != NULL ? sim_keep(sim, sx_buffer_slice(offset->note)) : SX_SLICE_NONE;
}

static void add_offsets(struct sim *sim, struct sim_transaction *transaction,
                        const struct sx_partition_offset *offsets, uint32_t count)
{
    transaction->offsets = sx_arena_alloc(&sim->arena, sizeof(*transaction->offsets) * (count + 1));
    transaction->offset_count = count;
    for (uint32_t i = 0; i < count; i++)
        transaction->offsets[i] =
            (struct sim_offset){sim_topic_find(sim, offsets[i].topic)->name, offsets[i].partition,
                                offsets[i].offset, note_of(sim, &offsets[i]), 0};
}

/* The answer to the commit was lost: what a log does then, and what became of the transaction. */
static streamd_status unknown(struct sim_writer *writer, struct sim_transaction *transaction,
                              streamd_error **error)
{
    struct sim *sim = sim_of(writer);
    uint32_t which = sim_draw(sim, 4);

    sim_say(sim, "process %u: the answer to a commit is lost (%u)", writer->log->process->number, which);
    sim->now_ms += sim_draw(sim, 1000);
    switch (which) {
    case 0: /* it happened, and was found out; it was asked for once more */
        sim_transaction_end(sim, transaction, true, false);
        sim_producer_delay(writer->producer, true);
        writer->epoch = ++writer->producer->epoch;
        return STREAMD_OK;
    case 1: /* it happened, nobody knows */
        sim_transaction_end(sim, transaction, true, true);
        break;
    case 2: /* it is under way */
        sim_producer_delay(writer->producer, true);
        break;
    default: /* it did not happen, and that was found out */
        sim_transaction_end(sim, transaction, false, false);
        writer->epoch = ++writer->producer->epoch;
        return sx_fail_retriable(error, STREAMD_E_TIMEOUT, "the commit was not answered");
    }
    return sx_fail(error, STREAMD_E_FENCED, "it is not known whether a commit happened");
}

static streamd_status end(struct sim_writer *writer, struct sim_transaction *transaction,
                          streamd_error **error)
{
    struct sim_process *process = writer->log->process;
    struct sim *sim = process->sim;

    if (sim_dies(process, SIM_INSIDE_COMMIT)) {
        if (sim_chance(sim, 500))
            sim_transaction_end(sim, transaction, true, true);
        else if (sim_chance(sim, 500))
            sim_producer_delay(writer->producer, true);
        return sim_dead(error);
    }
    if (sim_fault(sim, sim->faults.commit_unknown))
        return unknown(writer, transaction, error);
    if (sim_dies(process, SIM_BETWEEN_MARKERS)) {
        sim_transaction_end(sim, transaction, true, true);
        sim_transaction_mark_offsets(sim, transaction);
        return sim_dead(error);
    }
    sim_transaction_end(sim, transaction, true, sim_fault(sim, sim->faults.late_marker));
    sim_wake_readers(sim);
    return STREAMD_OK;
}

static streamd_status commit_exactly_once(struct sim_writer *writer,
                                          const struct sx_partition_offset *offsets, uint32_t count,
                                          streamd_error **error)
{
    struct sim_process *process = writer->log->process;
    struct sim *sim = process->sim;
    struct sim_transaction *transaction;
    streamd_status status = send(writer, error);

    if (status != STREAMD_OK)
        return status;
    transaction = writer->producer->transaction;
    if (count == 0 && (transaction == NULL || transaction->state != SIM_OPEN))
        return STREAMD_OK;
    transaction = sim_transaction_begin(sim, writer->producer);
    if (sim_fault(sim, sim->faults.commit_refused))
        return sx_fail_retriable(error, STREAMD_E_LOG, "the coordinator is away");
    if (count > 0) {
        status = sim_membership(writer->log, error);
        if (status != STREAMD_OK)
            return status;
        add_offsets(sim, transaction, offsets, count);
    }
    if (sim_dies(process, SIM_BEFORE_END))
        return sim_dead(error);
    return end(writer, transaction, error);
}

static streamd_status commit_at_least_once(struct sim_writer *writer,
                                           const struct sx_partition_offset *offsets, uint32_t count,
                                           streamd_error **error)
{
    struct sim *sim = sim_of(writer);
    streamd_status status = send(writer, error);

    if (status == STREAMD_OK && sim_dies(writer->log->process, SIM_BEFORE_END))
        return sim_dead(error);
    if (status == STREAMD_OK && count > 0)
        status = sim_membership(writer->log, error);
    for (uint32_t i = 0; i < count && status == STREAMD_OK; i++)
        sim_offset_put(sim, offsets[i].topic, offsets[i].partition, offsets[i].offset,
                       note_of(sim, &offsets[i]));
    return status;
}

static streamd_status write_unit(struct sim_writer *writer, struct sx_unit *unit,
                                 void (*last)(struct sx_unit *unit, void *arg), void *arg,
                                 streamd_error **error)
{
    struct sim_process *process = writer->log->process;
    streamd_status status;

    if (last != NULL)
        last(unit, arg);
    if (unit == NULL)
        return STREAMD_OK;
    if (process->sim->faulty && process->sim->kill.point == SIM_INSIDE_UNIT &&
        process->sim->kill.after == 0 && sim_chance(process->sim, 500))
        (void)sx_unit_write(unit, false, NULL);
    if (sim_dies(process, SIM_INSIDE_UNIT))
        return sim_dead(error);
    status = sx_unit_write(unit, false, error);
    if (status == STREAMD_OK && sim_dies(process, SIM_AFTER_UNIT))
        return sim_dead(error);
    return status;
}

streamd_status sim_commit(struct sx_writer *base, const struct sx_partition_offset *offsets, uint32_t count,
                          struct sx_unit *unit, void (*last)(struct sx_unit *unit, void *arg), void *arg,
                          streamd_error **error)
{
    struct sim_writer *writer = (struct sim_writer *)base;
    struct sim_process *process = writer->log->process;
    streamd_status status;

    if (sim_dies(process, SIM_ANYWHERE) || sim_dies(process, SIM_BEFORE_COMMIT))
        return sim_dead(error);
    if (process->state_first) {
        /* The planted bug: the state is there although the commit may still fail. */
        status = send(writer, error);
        if (status == STREAMD_OK)
            status = write_unit(writer, unit, last, arg, error);
        if (status != STREAMD_OK)
            return status;
    }
    status = writer->log->guarantee == SX_EXACTLY_ONCE ? commit_exactly_once(writer, offsets, count, error)
                                                       : commit_at_least_once(writer, offsets, count, error);
    if (status != STREAMD_OK)
        return status;
    if (sim_dies(process, SIM_AFTER_COMMIT))
        return sim_dead(error);
    return process->state_first ? STREAMD_OK : write_unit(writer, unit, last, arg, error);
}

streamd_status sim_abort(struct sx_writer *base, streamd_error **error)
{
    struct sim_writer *writer = (struct sim_writer *)base;
    struct sim *sim = sim_of(writer);
    struct sim_transaction *transaction = writer->producer->transaction;

    forget(writer);
    if (sim_dies(writer->log->process, SIM_ANYWHERE))
        return sim_dead(error);
    if (writer->epoch != writer->producer->epoch)
        return fenced(writer, error);
    if (sim_fault(sim, sim->faults.request_error)) {
        sim_producer_delay(writer->producer, false);
        return sx_fail_retriable(error, STREAMD_E_TIMEOUT, "the abort was not answered");
    }
    if (transaction != NULL && transaction->state == SIM_OPEN)
        sim_transaction_end(sim, transaction, false, sim_fault(sim, sim->faults.late_marker));
    return STREAMD_OK;
}
