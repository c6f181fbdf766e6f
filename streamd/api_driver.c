/* api_driver.c: the test driver of the public header: what comes out is kept until it is taken. */
#include "streamd/driver.h"
#include "streamd/api_record.h"
#include "streamd/api_store.h"

#include "engine/run/driver.h"

#include <stdlib.h>

struct output {
    struct streamd_record record;
    struct output *next;
};

struct streamd_driver {
    const streamd_topology *topology;
    struct sx_driver *driver;
    struct output *first, **end; /* not taken yet, oldest first */
    struct output *taken;        /* the one that was taken last */
    int64_t now_ms;
};

static void keep_output(const struct sx_topic_plan *topic, const struct sx_record *record,
                        const struct sx_window *window, void *arg)
{
    struct streamd_driver *driver = arg;
    struct output *output = sx_malloc(sizeof(*output));

    sx_api_record_init(&output->record);
    sx_api_record_fill(&output->record, record, window);
    output->record.topic = topic->name;
    output->next = NULL;
    *driver->end = output;
    driver->end = &output->next;
}

static void free_output(struct output *output)
{
    if (output != NULL)
        sx_api_record_end(&output->record);
    free(output);
}

/* What failed is counted below, or is the result of send. */
static void ignore_failed(const struct sx_task_failure *failure, enum sx_on_error policy, void *arg) {}

streamd_status streamd_driver_new(const streamd_topology *topology, streamd_driver **driver,
                                  streamd_error **error)
{
    streamd_driver *d = sx_calloc(1, sizeof(*d));
    struct sx_driver_events events = {.output = keep_output, .failed = ignore_failed, .arg = d};

    if (error != NULL)
        *error = NULL;
    d->topology = topology;
    d->end = &d->first;
    d->driver = sx_driver_new(topology->compiled->plan, &events);
    *driver = d;
    return STREAMD_OK;
}

void streamd_driver_free(streamd_driver *driver)
{
    if (driver == NULL)
        return;
    for (struct output *next; driver->first != NULL; driver->first = next) {
        next = driver->first->next;
        free_output(driver->first);
    }
    free_output(driver->taken);
    sx_driver_free(driver->driver);
    free(driver);
}

streamd_status streamd_driver_send(streamd_driver *driver, const char *topic, const streamd_record *record,
                                   streamd_error **error)
{
    struct sx_record r = record->record;

    if (error != NULL)
        *error = NULL;
    if (r.timestamp < 0)
        r.timestamp = driver->now_ms;
    return sx_driver_send(driver->driver, topic, SX_MAX(record->partition, 0), &r, error);
}

streamd_status streamd_driver_advance(streamd_driver *driver, int64_t by_ms, streamd_error **error)
{
    if (error != NULL)
        *error = NULL;
    driver->now_ms += SX_MAX(by_ms, 0);
    return sx_driver_advance(driver->driver, driver->now_ms, error);
}

const streamd_record *streamd_driver_take(streamd_driver *driver, const char *topic)
{
    struct output **at = &driver->first, *output;

    while (*at != NULL && topic != NULL && strcmp((*at)->record.topic, topic) != 0)
        at = &(*at)->next;
    output = *at;
    if (output == NULL)
        return NULL;
    *at = output->next;
    if (output->next == NULL)
        driver->end = at;
    free_output(driver->taken);
    driver->taken = output;
    return &output->record;
}

uint64_t streamd_driver_dropped(const streamd_driver *driver, const char *reason)
{
    return sx_driver_dropped(driver->driver, reason);
}

/* ---- Tables ---------------------------------------------------------------------------------- */

static streamd_status look(void *source, const uint32_t *stores, uint32_t count, sx_stores_fn fn, void *arg,
                           bool *all, streamd_error **error)
{
    struct streamd_driver *driver = source;

    *all = true;
    fn(sx_driver_stores(driver->driver), arg);
    return STREAMD_OK;
}

streamd_status streamd_driver_store(streamd_driver *driver, const char *name, streamd_store **store,
                                    streamd_error **error)
{
    if (error != NULL)
        *error = NULL;
    return sx_api_store_open(driver->topology, name, look, driver, store, error);
}
