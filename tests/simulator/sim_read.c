/* sim_read.c: readers of the simulated log: what is committed, before the stable offset. */
#include "tests/simulator/cluster.h"

#include <stdlib.h>

struct sim_reader {
    struct sx_reader reader; /* first */
    struct sim_log *log;
    struct sim_reader *next_open;
    enum sx_reader_use use;
    struct sim_topic *topic;
    struct sim_partition *partition;
    const struct sx_waker *waker;
    int64_t next, told; /* told: the end up to which it was woken */
};

static struct sim *sim_of(const struct sim_reader *reader) { return reader->log->process->sim; }

void sim_wake_readers(struct sim *sim)
{
    for (struct sim_reader *reader = sim->readers; reader != NULL; reader = reader->next_open) {
        int64_t stable = sim_stable(sim, reader->partition);

        if (reader->waker != NULL && stable > reader->told)
            sx_waker_wake(reader->waker);
        reader->told = SX_MAX(reader->told, stable);
    }
}

streamd_status sim_reader_open(struct sx_log *base, enum sx_reader_use use, const char *name, int32_t number,
                               int64_t offset, const struct sx_waker *waker, struct sx_reader **out,
                               streamd_error **error)
{
    struct sim_log *log = (struct sim_log *)base;
    struct sim *sim = log->process->sim;
    struct sim_topic *topic = sim_topic_find(sim, name);
    struct sim_reader *reader;
    streamd_status status;

    if (sim_dies(log->process, SIM_AT_OPENING))
        return sim_dead(error);
    status = sim_request(log, "opening a reader", error);
    if (status != STREAMD_OK)
        return status;
    if (topic == NULL || number < 0 || number >= topic->count)
        return sx_fail(error, STREAMD_E_NOTFOUND, "there is no %s [%d]", name, number);
    reader = sx_calloc(1, sizeof(*reader));
    *reader = (struct sim_reader){.reader = {base, topic->name, number},
                                  .log = log,
                                  .next_open = sim->readers,
                                  .use = use,
                                  .topic = topic,
                                  .partition = &topic->partitions[number],
                                  .waker = waker,
                                  .next = offset,
                                  .told = offset};
    sim->readers = reader;
    if (waker != NULL)
        sx_waker_wake(waker);
    *out = &reader->reader;
    return STREAMD_OK;
}

void sim_reader_close(struct sx_reader *base)
{
    struct sim_reader *reader = (struct sim_reader *)base;

    for (struct sim_reader **at = &sim_of(reader)->readers; *at != NULL; at = &(*at)->next_open)
        if (*at == reader) {
            *at = reader->next_open;
            break;
        }
    free(reader);
}

static streamd_status check(struct sim_reader *reader, streamd_error **error)
{
    struct sim *sim = sim_of(reader);

    if (sim_dies(reader->log->process, reader->use == SX_READ_RESTORE ? SIM_IN_RESTORE : SIM_ANYWHERE))
        return sim_dead(error);
    if (sim_fault(sim, sim->faults.fetch_error))
        return sx_fail_retriable(error, STREAMD_E_LOG, "%s [%d]: the leader is away", reader->reader.topic,
                                 reader->reader.partition);
    if (reader->topic->removed || reader->next < reader->partition->low ||
        reader->next > reader->partition->end)
        return sx_fail(error, STREAMD_E_NOTFOUND, "%s [%d] holds offsets %lld to %lld, not %lld",
                       reader->reader.topic, reader->reader.partition, (long long)reader->partition->low,
                       (long long)reader->partition->end, (long long)reader->next);
    return STREAMD_OK;
}

streamd_status sim_fetch(struct sx_reader *base, uint32_t max, struct sx_fetch *fetch, streamd_error **error)
{
    struct sim_reader *reader = (struct sim_reader *)base;
    struct sim *sim = sim_of(reader);
    struct sx_record *records;
    uint32_t count = 0;
    int64_t stable;
    streamd_status status = check(reader, error);

    if (status != STREAMD_OK)
        return status;
    stable = sim_stable(sim, reader->partition);
    *fetch = (struct sx_fetch){.next_offset = reader->next};
    if (sim_fault(sim, sim->faults.fetch_empty)) {
        if (reader->waker != NULL)
            sx_waker_wake(reader->waker);
        return STREAMD_OK;
    }
    if (sim_fault(sim, sim->faults.fetch_short))
        max = SX_MIN(max, 1 + sim_draw(sim, 5));
    records = sx_malloc(sizeof(*records) * (max + 1));
    for (; reader->next < stable && count < max; reader->next++) {
        const struct sim_record *record = &reader->partition->records[reader->next];

        if (sim_is_visible(record))
            records[count++] = record->record;
    }
    /* Markers and what was aborted at the end are passed over too. */
    while (reader->next < stable && !sim_is_visible(&reader->partition->records[reader->next]))
        reader->next++;
    fetch->next_offset = reader->next;
    fetch->at_end = reader->next >= stable;
    fetch->padded = true;
    if (count == 0) {
        free(records);
        return STREAMD_OK;
    }
    fetch->records = fetch->held = records;
    fetch->count = count;
    return STREAMD_OK;
}

void sim_release(struct sx_reader *base, struct sx_fetch *fetch)
{
    free(fetch->held);
    *fetch = (struct sx_fetch){.next_offset = fetch->next_offset, .at_end = fetch->at_end};
}

streamd_status sim_seek(struct sx_reader *base, int64_t offset, streamd_error **error)
{
    struct sim_reader *reader = (struct sim_reader *)base;

    reader->next = offset;
    if (reader->waker != NULL)
        sx_waker_wake(reader->waker);
    return STREAMD_OK;
}

int64_t sim_reader_end(struct sx_reader *base)
{
    struct sim_reader *reader = (struct sim_reader *)base;

    return sim_stable(sim_of(reader), reader->partition);
}
