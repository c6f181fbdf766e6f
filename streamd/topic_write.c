/* topic_write.c: see topic_write.h. */
#include "streamd/topic_write.h"

#include "engine/base/hash.h"

#include <stdlib.h>

#define WAIT_MS 100

streamd_status sx_topic_write(struct sx_writer *writer, struct sx_topic *topic, int32_t partition,
                              const struct sx_record *record, const _Atomic bool *stopping,
                              streamd_error **error)
{
    const struct sx_log_def *def = writer->log->def;
    streamd_error *problem = NULL;
    streamd_status status;

    /* A full queue empties by itself; a log that is away ends it through drain or commit. */
    while ((status = def->write(writer, topic, partition, record, &problem)) == STREAMD_E_TIMEOUT) {
        streamd_error_free(problem);
        problem = NULL;
        if (stopping != NULL && atomic_load(stopping))
            return sx_fail(error, STREAMD_E_STATE, "it is being stopped");
        status = def->drain(writer, WAIT_MS, &problem);
        if (status != STREAMD_OK)
            break;
    }
    if (error != NULL)
        *error = problem;
    else
        streamd_error_free(problem);
    return status;
}

bool sx_topic_is_internal(const struct sx_plan *plan, const char *name)
{
    char *slots = sx_format("%s-slots", plan->application);
    bool internal = strcmp(name, slots) == 0;

    free(slots);
    for (uint32_t t = 0; t < plan->topic_count; t++)
        internal |= strcmp(plan->topics[t]->name, name) == 0 &&
                    (plan->topics[t]->roles & (SX_TOPIC_REPARTITION | SX_TOPIC_CHANGELOG)) != 0 &&
                    (plan->topics[t]->roles & (SX_TOPIC_SOURCE | SX_TOPIC_SINK)) == 0;
    return internal;
}

int32_t sx_topic_place(struct sx_slice key, int32_t partitions, uint32_t *round)
{
    if (key.data != NULL)
        return sx_partition_of(key.data, key.size, partitions);
    return (int32_t)((*round)++ % (uint32_t)partitions);
}
