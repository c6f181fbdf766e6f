/* outlet.c: see outlet.h. */
#include "engine/run/outlet.h"

#include "engine/format/record_json.h"
#include "engine/run/worker.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

struct sx_outlet {
    struct sx_buffer lines;
    struct sx_slot *slot; /* whose file is open; NULL: none is */
    struct sx_store *store;
    int fd;
    int64_t length; /* of the file, with what was written for the commit at hand */
};

static const struct sx_slice length_key = {"length", 6};

static struct sx_outlet *outlet_of(struct sx_worker *worker, uint32_t topic)
{
    struct sx_outlet *outlet = worker->outlets[topic];

    if (outlet == NULL) {
        outlet = worker->outlets[topic] = sx_calloc(1, sizeof(*outlet));
        outlet->fd = -1;
    }
    return outlet;
}

static void keep_length(struct sx_outlet *outlet)
{
    char length[8];

    sx_put_be64(length, (uint64_t)outlet->length);
    sx_store_put(outlet->store, 0, length_key, sx_slice(length, sizeof(length)));
}

static streamd_status cannot(const struct sx_topic_plan *topic, const char *what, streamd_error **error)
{
    return sx_fail(error, STREAMD_E_CONFIG, "cannot %s `%s`: %s", what,
                   topic->path ? topic->path : "standard output", strerror(errno));
}

static streamd_status open_file(struct sx_slot *slot, const struct sx_topic_plan *topic,
                                struct sx_outlet *outlet, bool *fresh, streamd_error **error)
{
    struct sx_slice kept = sx_store_get(outlet->store, 0, length_key);
    struct stat status;

    outlet->fd = open(topic->path, O_WRONLY | O_CREAT | O_CLOEXEC, 0666);
    if (outlet->fd < 0 || fstat(outlet->fd, &status) != 0)
        return cannot(topic, "write", error);
    outlet->length = kept.size == 8 ? (int64_t)sx_get_be64(kept.data) : status.st_size;
    if (S_ISREG(status.st_mode) && status.st_size > outlet->length &&
        ftruncate(outlet->fd, outlet->length) != 0)
        return cannot(topic, "cut", error);
    if (S_ISREG(status.st_mode) && status.st_size < outlet->length) {
        sx_log(slot->worker->engine->options.logger, SX_WARN,
               "the file is shorter than it was, and is gone on with", "file", topic->path, NULL);
        outlet->length = status.st_size;
    }
    if (kept.size == 8)
        return STREAMD_OK;
    *fresh = true;
    keep_length(outlet);
    return STREAMD_OK;
}

static struct sx_store *store_of(const struct sx_slot_task *task, const struct sx_node_plan *node)
{
    for (uint32_t s = 0; s < task->store_count; s++)
        if (task->stores[s].store->plan->index == node->stores[0])
            return task->stores[s].store;
    return NULL;
}

static streamd_status open_node(struct sx_slot *slot, const struct sx_slot_task *task,
                                const struct sx_node_plan *node, bool *fresh, streamd_error **error)
{
    const struct sx_engine *engine = slot->worker->engine;

    for (uint32_t t = 0; t < node->topic_count; t++) {
        const struct sx_topic_plan *topic = engine->plan->topics[node->topics[t]];
        struct sx_outlet *outlet;
        streamd_status status;

        if (topic->medium == SX_MEDIUM_STANDARD && engine->options.standard_output < 0)
            return sx_fail(error, STREAMD_E_CONFIG, "there is no standard output for `to stdout` here");
        /* Of a file's two nodes only the writer has a store. */
        if (topic->medium != SX_MEDIUM_FILE || node->store_count == 0)
            continue;
        outlet = outlet_of(slot->worker, topic->index);
        outlet->slot = slot;
        outlet->store = store_of(task, node);
        status = open_file(slot, topic, outlet, fresh, error);
        if (status != STREAMD_OK)
            return status;
    }
    return STREAMD_OK;
}

streamd_status sx_outlets_open(struct sx_slot *slot, bool *fresh, streamd_error **error)
{
    streamd_status status = STREAMD_OK;

    *fresh = false;
    for (uint32_t t = 0; t < slot->task_count; t++)
        for (uint32_t n = 0; n < slot->tasks[t].subtopology->node_count && status == STREAMD_OK; n++)
            status = open_node(slot, &slot->tasks[t], slot->tasks[t].subtopology->nodes[n], fresh, error);
    return status;
}

void sx_outlets_close(struct sx_slot *slot)
{
    struct sx_worker *worker = slot->worker;

    for (uint32_t t = 0; t < worker->engine->plan->topic_count; t++) {
        struct sx_outlet *outlet = worker->outlets[t];

        if (outlet == NULL || outlet->slot != slot)
            continue;
        if (outlet->fd >= 0)
            close(outlet->fd);
        outlet->fd = -1;
        outlet->slot = NULL;
        outlet->store = NULL;
        outlet->lines.size = 0;
    }
}

void sx_outlet_add(struct sx_worker *worker, uint32_t topic, const struct sx_record *record)
{
    const struct sx_topic_plan *plan = worker->engine->plan->topics[topic];
    const struct sx_record_form form = {.key_format = plan->sink_key_format,
                                        .key_plan = plan->sink_key_plan,
                                        .key_windowed = plan->sink_key_windowed,
                                        .value_format = plan->sink_value_format,
                                        .value_plan = plan->sink_value_plan};
    struct sx_outlet *outlet = outlet_of(worker, topic);
    uint32_t before = outlet->lines.size;

    sx_arena_reset(&worker->letters);
    sx_record_line_write(&outlet->lines, NULL, -1, record, &form, NULL, &worker->letters);
    worker->pending_bytes += outlet->lines.size - before;
    sx_count(&worker->stats.topics[topic].produced, 1);
}

/* All of it, from `at` on; of standard output, which has no places, behind what is there. */
static bool write_all(int fd, const char *data, size_t size, int64_t at)
{
    while (size) {
        ssize_t done = at >= 0 ? pwrite(fd, data, size, at) : write(fd, data, size);

        if (done < 0 && errno == EINTR)
            continue;
        if (done < 0)
            return false;
        data += done;
        size -= (size_t)done;
        at += at >= 0 ? done : 0;
    }
    return true;
}

streamd_status sx_outlets_write(struct sx_worker *worker, streamd_error **error)
{
    struct sx_engine *engine = worker->engine;

    for (uint32_t t = 0; t < engine->plan->topic_count; t++) {
        const struct sx_topic_plan *topic = engine->plan->topics[t];
        struct sx_outlet *outlet = worker->outlets[t];
        bool file = topic->medium == SX_MEDIUM_FILE, good;

        if (outlet == NULL || outlet->lines.size == 0)
            continue;
        pthread_mutex_lock(&engine->output);
        good = write_all(file ? outlet->fd : engine->options.standard_output, outlet->lines.data,
                         outlet->lines.size, file ? outlet->length : -1);
        pthread_mutex_unlock(&engine->output);
        if (!good || (file && fdatasync(outlet->fd) != 0 && errno != EINVAL))
            return cannot(topic, "write", error);
        if (file) {
            outlet->length += outlet->lines.size;
            keep_length(outlet);
        }
        outlet->lines.size = 0;
    }
    return STREAMD_OK;
}

void sx_outlets_drop(struct sx_worker *worker)
{
    for (uint32_t t = 0; t < worker->engine->plan->topic_count; t++)
        if (worker->outlets[t] != NULL)
            worker->outlets[t]->lines.size = 0;
}

void sx_outlets_free(struct sx_worker *worker)
{
    for (uint32_t t = 0; t < worker->engine->plan->topic_count; t++) {
        if (worker->outlets[t] != NULL)
            sx_buffer_free(&worker->outlets[t]->lines);
        free(worker->outlets[t]);
    }
    free(worker->outlets);
}
