/* embedded.c: the embedded log on a simulated disk: its input goes in, and what came out goes beside what
 * came out of the simulated log. */
#include "tests/simulator/sim_disk.h"
#include "tests/simulator/world.h"

#define CHUNK 16 /* records in a commit of the input */

static const struct sx_log_def *def(void) { return sx_log_find("embedded"); }

/* Nothing under simulation sleeps. */
static streamd_status poll_at_once(struct sx_log *log, int timeout_ms, streamd_error **error)
{
    return def()->poll(log, 0, error);
}

struct sx_log_def sim_embedded_def(void)
{
    struct sx_log_def embedded = *def();

    embedded.poll = poll_at_once;
    return embedded;
}

static struct sx_log *open_log(struct sx_disk *disk)
{
    struct sx_log_options options = {.application = "input", .disk = disk, .default_partitions = 1};
    struct sx_log *log = NULL;

    return def()->open(&options, &log, NULL) == STREAMD_OK ? log : NULL;
}

static bool copy_partition(struct sx_writer *writer, struct sx_topic *to, int32_t number,
                           const struct sim_partition *from)
{
    bool good = true;

    for (int64_t i = 0; i < from->end && good; i++) {
        if (sim_is_visible(&from->records[i]))
            good = def()->write(writer, to, number, &from->records[i].record, NULL) == STREAMD_OK;
        if (good && (i % CHUNK == 0 || i + 1 == from->end))
            good = def()->commit(writer, NULL, 0, NULL, NULL, NULL, NULL) == STREAMD_OK;
    }
    return good;
}

bool sim_embedded_fill(struct sx_disk *disk, const struct sim *from)
{
    struct sx_log *log = open_log(disk);
    struct sx_writer *writer = NULL;
    struct sx_waker waker;
    bool good = log != NULL && sx_waker_init(&waker) &&
                def()->writer_open(log, 100, &waker, &writer, NULL) == STREAMD_OK;

    for (const struct sim_topic *topic = from->topics; topic != NULL && good; topic = topic->next) {
        struct sx_topic *to = NULL;

        good = def()->create(log, &topic->spec, NULL) == STREAMD_OK &&
               def()->topic_open(writer, topic->name, &to, NULL) == STREAMD_OK;
        for (int32_t p = 0; p < topic->count && good; p++)
            good = copy_partition(writer, to, p, &topic->partitions[p]);
    }
    if (writer != NULL)
        def()->writer_close(writer);
    sx_waker_free(&waker);
    if (log != NULL)
        def()->close(log);
    return good && sx_disk_flush(disk, NULL) == STREAMD_OK;
}

static void collect_partition(struct sx_log *log, struct sim *to, struct sim_topic *topic, int32_t number)
{
    struct sx_reader *reader;
    struct sx_fetch fetch = {0};

    if (def()->reader_open(log, SX_READ_RESTORE, topic->name, number, 0, NULL, &reader, NULL) != STREAMD_OK)
        return;
    while (!fetch.at_end && def()->fetch(reader, SX_BATCH_ROWS, &fetch, NULL) == STREAMD_OK) {
        bool at_end = fetch.at_end;

        for (uint32_t i = 0; i < fetch.count; i++)
            sim_append(to, &topic->partitions[number], &fetch.records[i], NULL);
        def()->release(reader, &fetch);
        fetch.at_end = at_end;
    }
    def()->reader_close(reader);
}

void sim_embedded_collect(struct sx_disk *disk, struct sim *to, const struct sx_plan *plan)
{
    struct sx_log *log = open_log(disk);

    for (uint32_t t = 0; t < plan->topic_count && log != NULL; t++) {
        struct sx_topic_spec spec = {.name = plan->topics[t]->name};
        struct sim_topic *topic;

        if (!(plan->topics[t]->roles & SX_TOPIC_SINK) ||
            def()->partitions(log, spec.name, &spec.partitions, NULL) != STREAMD_OK)
            continue;
        topic = sim_topic_make(to, &spec);
        for (int32_t p = 0; p < topic->count; p++)
            collect_partition(log, to, topic, p);
    }
    if (log != NULL)
        def()->close(log);
}
