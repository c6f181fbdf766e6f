/* input.c: the records of a run's sources. */
#include "engine/base/hash.h"
#include "tests/simulator/world.h"

#include <stdlib.h>

#define KEYS 8
#define BEGIN_MS 1000000

/* A record of a transaction that was aborted: nobody may see it, and it leaves gaps. */
static void append_aborted(struct sim *sim, struct sim_partition *partition, const struct sx_record *record)
{
    struct sim_transaction *transaction = sim_transaction_begin(sim, sim_producer_find(sim, "input"));

    sim_append(sim, partition, record, transaction);
    sim_transaction_end(sim, transaction, false, false);
}

static uint32_t value_of(struct sim *chance, const char *topic, bool broken, char *value, size_t room)
{
    bool table = topic[0] == 't' || topic[0] == 'u';
    uint32_t other = sim_draw(chance, KEYS), n = sim_draw(chance, 1000);

    if (broken && sim_chance(chance, 30))
        return (uint32_t)snprintf(value, room, "{\"n\": \"%u", n);
    return (uint32_t)(table ? snprintf(value, room, "{\"name\":\"k%u\",\"m\":%u}", other, n % 100)
                            : snprintf(value, room, "{\"id\":\"k%u\",\"n\":%u}", other, n));
}

static void make_records(struct sim *sim, struct sim *chance, struct sim_topic *topic, bool broken)
{
    bool table = topic->name[0] == 't' || topic->name[0] == 'u';
    uint32_t count = 20 + sim_draw(chance, 200), null_of_thousand = table ? 120 : 30;
    int64_t step = 1 + sim_draw(chance, 60);

    for (uint32_t i = 0; i < count; i++) {
        char key[16], value[64];
        struct sx_record record = {.timestamp = BEGIN_MS + i * step + sim_draw(chance, 80)};
        struct sim_partition *partition;

        record.key = sx_slice(key, (size_t)snprintf(key, sizeof(key), "k%u", sim_draw(chance, KEYS)));
        record.value = sx_slice(value, value_of(chance, topic->name, broken, value, sizeof(value)));
        if (sim_chance(chance, null_of_thousand))
            record.value = SX_SLICE_NONE;
        if (sim_chance(chance, 60))
            record.timestamp -= sim_draw(chance, 1500);
        partition = &topic->partitions[sx_partition_of(record.key.data, record.key.size, topic->count)];
        if (sim_chance(chance, 20))
            append_aborted(sim, partition, &record);
        else
            sim_append(sim, partition, &record, NULL);
    }
}

void sim_input_make(struct sim *sim, const struct sim_topology *topology, uint64_t seed, int32_t partitions)
{
    const struct sx_plan *plan = topology->compiled->plan;
    struct sim chance;

    sim_init(&chance, seed ^ 0x696e707574);
    for (uint32_t t = 0; t < plan->topic_count; t++) {
        struct sx_topic_spec spec = {
            .name = plan->topics[t]->name, .partitions = partitions, .retention_ms = -1};
        struct sim_topic *topic;

        if (!(plan->topics[t]->roles & (SX_TOPIC_SOURCE | SX_TOPIC_SINK)))
            continue;
        topic = sim_topic_make(sim, &spec);
        if (plan->topics[t]->roles & SX_TOPIC_SOURCE)
            make_records(sim, &chance, topic, plan->on_error != SX_ON_ERROR_DEFAULT);
    }
    sim_free(&chance);
}
