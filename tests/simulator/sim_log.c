/* sim_log.c: the simulated log: opening, topics, offsets. */
#include "tests/simulator/cluster.h"

#include <stdlib.h>

#define REQUEST_MS 5 /* what a request takes */

streamd_status sim_request(struct sim_log *log, const char *what, streamd_error **error)
{
    struct sim *sim = log->process->sim;

    if (sim_dies(log->process, SIM_ANYWHERE))
        return sim_dead(error);
    if (!sim_fault(sim, sim->faults.request_error))
        return STREAMD_OK;
    sim->now_ms += REQUEST_MS;
    sim_say(sim, "process %u: %s fails", log->process->number, what);
    return sx_fail_retriable(error, STREAMD_E_TIMEOUT, "%s: the broker is away", what);
}

static streamd_status log_open(const struct sx_log_options *options, struct sx_log **out,
                               streamd_error **error)
{
    struct sim_log *log = sx_calloc(1, sizeof(*log));

    log->log.def = &sim_log_def;
    log->process = sim_process_at(options->bootstrap);
    log->guarantee = options->guarantee;
    *out = &log->log;
    return STREAMD_OK;
}

static void log_close(struct sx_log *base)
{
    struct sim_log *log = (struct sim_log *)base;

    /* What was not left by a call is left as by a process that is gone. */
    free(log);
}

/* ---- Topics ---------------------------------------------------------------------------------- */

static streamd_status find(struct sx_log *log, const char *name, struct sim_topic **topic,
                           streamd_error **error)
{
    if (sim_dies(sim_process_of(log), SIM_ANYWHERE))
        return sim_dead(error);
    *topic = sim_topic_find(sim_process_of(log)->sim, name);
    return *topic != NULL ? STREAMD_OK : sx_fail(error, STREAMD_E_NOTFOUND, "there is no topic %s", name);
}

static streamd_status find_partition(struct sx_log *log, const char *name, int32_t number,
                                     struct sim_partition **partition, streamd_error **error)
{
    struct sim_topic *topic = NULL;
    streamd_status status = find(log, name, &topic, error);

    if (status != STREAMD_OK)
        return status;
    if (number < 0 || number >= topic->count)
        return sx_fail(error, STREAMD_E_NOTFOUND, "the topic %s has no partition %d", name, number);
    *partition = &topic->partitions[number];
    return STREAMD_OK;
}

static streamd_status log_partitions(struct sx_log *log, const char *name, int32_t *count,
                                     streamd_error **error)
{
    struct sim_topic *topic = NULL;
    streamd_status status = find(log, name, &topic, error);

    if (status == STREAMD_OK)
        *count = topic->count;
    return status;
}

static streamd_status log_create(struct sx_log *log, const struct sx_topic_spec *spec, streamd_error **error)
{
    struct sim_process *process = sim_process_of(log);

    if (sim_dies(process, SIM_ANYWHERE) || sim_dies(process, SIM_AT_OPENING))
        return sim_dead(error);
    if (sim_topic_find(process->sim, spec->name) == NULL)
        sim_topic_make(process->sim, spec);
    return STREAMD_OK;
}

static streamd_status log_describe(struct sx_log *log, const char *name, struct sx_topic_spec *spec,
                                   streamd_error **error)
{
    struct sim_topic *topic = NULL;
    streamd_status status = find(log, name, &topic, error);

    if (status == STREAMD_OK) {
        *spec = topic->spec;
        spec->partitions = topic->count;
    }
    return status;
}

static streamd_status log_remove(struct sx_log *log, const char *name, streamd_error **error)
{
    struct sim_topic *topic = NULL;
    streamd_status status = find(log, name, &topic, error);

    if (status == STREAMD_OK)
        topic->removed = true;
    return status;
}

static streamd_status log_topics(struct sx_log *log, char ***names, uint32_t *count, streamd_error **error)
{
    struct sim *sim = sim_process_of(log)->sim;
    uint32_t room = 0;

    for (struct sim_topic *topic = sim->topics; topic != NULL; topic = topic->next)
        room++;
    *names = sx_malloc(sizeof(**names) * (room + 1));
    *count = 0;
    for (struct sim_topic *topic = sim->topics; topic != NULL; topic = topic->next)
        if (!topic->removed)
            (*names)[(*count)++] = sx_strdup(topic->name);
    return STREAMD_OK;
}

static streamd_status log_watermarks(struct sx_log *log, const char *name, int32_t number, bool all,
                                     int64_t *low, int64_t *high, streamd_error **error)
{
    struct sim_partition *partition = NULL;
    streamd_status status = sim_request((struct sim_log *)log, "asking for the ends", error);

    if (status == STREAMD_OK)
        status = find_partition(log, name, number, &partition, error);
    if (status != STREAMD_OK)
        return status;
    *low = partition->low;
    *high = all ? partition->end : sim_stable(sim_process_of(log)->sim, partition);
    return STREAMD_OK;
}

static streamd_status log_purge(struct sx_log *log, const struct sx_partition_offset *before, uint32_t count,
                                streamd_error **error)
{
    streamd_status status = sim_request((struct sim_log *)log, "purging", error);

    for (uint32_t i = 0; i < count && status == STREAMD_OK; i++) {
        struct sim_partition *partition = NULL;

        status = find_partition(log, before[i].topic, before[i].partition, &partition, error);
        if (status == STREAMD_OK)
            partition->low = SX_MAX(partition->low, SX_MIN(before[i].offset, partition->end));
    }
    return status;
}

/* ---- Offsets --------------------------------------------------------------------------------- */

static struct sim_offset *offset_of(const struct sim *sim, const char *topic, int32_t partition)
{
    for (uint32_t i = 0; i < sim->group.offset_count; i++)
        if (sim->group.offsets[i].partition == partition && strcmp(sim->group.offsets[i].topic, topic) == 0)
            return &sim->group.offsets[i];
    return NULL;
}

int64_t sim_offset_get(const struct sim *sim, const char *topic, int32_t partition)
{
    const struct sim_offset *offset = offset_of(sim, topic, partition);

    return offset != NULL ? offset->offset : SX_OFFSET_NONE;
}

struct sx_slice sim_offset_note(const struct sim *sim, const char *topic, int32_t partition)
{
    const struct sim_offset *offset = offset_of(sim, topic, partition);

    return offset != NULL ? offset->note : SX_SLICE_NONE;
}

void sim_offset_put(struct sim *sim, const char *topic, int32_t partition, int64_t offset,
                    struct sx_slice note)
{
    struct sim_offset *known = offset_of(sim, topic, partition);
    struct sim_group *group = &sim->group;

    if (known != NULL) {
        known->offset = offset;
        known->note = note;
        known->put_ms = sim->now_ms;
        return;
    }
    if (group->offset_count == group->offset_room) {
        group->offset_room = group->offset_room ? group->offset_room * 2 : 16;
        group->offsets = sx_realloc(group->offsets, sizeof(*group->offsets) * group->offset_room);
    }
    group->offsets[group->offset_count++] =
        (struct sim_offset){sim_topic_find(sim, topic)->name, partition, offset, note, sim->now_ms};
}

int64_t sim_offset_oldest_ms(const struct sim *sim)
{
    int64_t oldest_ms = sim->now_ms;

    for (uint32_t i = 0; i < sim->group.offset_count; i++)
        oldest_ms = SX_MIN(oldest_ms, sim->group.offsets[i].put_ms);
    return oldest_ms;
}

/* Do transactions that are not ended carry offsets of these partitions? Those that are ending are awaited:
 * their marker comes now. */
static bool is_unstable(struct sim *sim, const struct sx_partition_offset *of)
{
    bool open = false;

    for (struct sim_transaction *t = sim->transactions, *next; t != NULL; t = next) {
        bool carries = false;

        next = t->next;
        for (uint32_t i = 0; i < t->offset_count && !t->offsets_marked; i++)
            carries |=
                t->offsets[i].partition == of->partition && strcmp(t->offsets[i].topic, of->topic) == 0;
        if (carries && t->state == SIM_ENDING)
            sim_transaction_mark_offsets(sim, t);
        else
            open |= carries;
    }
    return open;
}

static streamd_status log_committed(struct sx_log *base, struct sx_partition_offset *offsets, uint32_t count,
                                    bool stable, streamd_error **error)
{
    struct sim_log *log = (struct sim_log *)base;
    struct sim *sim = log->process->sim;
    streamd_status status;

    if (sim_dies(log->process, SIM_AT_OPENING))
        return sim_dead(error);
    status = sim_request(log, "asking for the offsets", error);
    for (uint32_t i = 0; i < count && status == STREAMD_OK; i++) {
        if (stable && is_unstable(sim, &offsets[i])) {
            sim->now_ms += REQUEST_MS;
            return sx_fail_retriable(error, STREAMD_E_TIMEOUT, "a transaction with these offsets is open");
        }
        offsets[i].offset = sim_offset_get(sim, offsets[i].topic, offsets[i].partition);
        if (offsets[i].note != NULL)
            sx_buffer_add_slice(offsets[i].note,
                                sim_offset_note(sim, offsets[i].topic, offsets[i].partition));
    }
    return status;
}

static streamd_status log_forget(struct sx_log *log, streamd_error **error)
{
    struct sim_group *group = &sim_process_of(log)->sim->group;

    for (uint32_t i = 0; i < group->count; i++)
        if (group->members[i]->in_group)
            return sx_fail(error, STREAMD_E_STATE, "the group has members");
    group->offset_count = 0;
    return STREAMD_OK;
}

const struct sx_log_def sim_log_def = {
    .name = "simulated",
    .open = log_open,
    .close = log_close,
    .partitions = log_partitions,
    .create = log_create,
    .describe = log_describe,
    .remove = log_remove,
    .topics = log_topics,
    .watermarks = log_watermarks,
    .purge = log_purge,
    .committed = log_committed,
    .forget = log_forget,
    .join = sim_join,
    .poll = sim_poll,
    .leave = sim_leave,
    .reader_open = sim_reader_open,
    .reader_close = sim_reader_close,
    .fetch = sim_fetch,
    .release = sim_release,
    .seek = sim_seek,
    .reader_end = sim_reader_end,
    .writer_open = sim_writer_open,
    .writer_close = sim_writer_close,
    .topic_open = sim_topic_open,
    .write = sim_write,
    .drain = sim_drain,
    .commit = sim_commit,
    .abort = sim_abort,
    .writer_offset = sim_writer_offset,
};
