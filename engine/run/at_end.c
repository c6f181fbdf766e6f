/* at_end.c: is there anything left to do?
 *
 * What was last heard of the ends of topics may be older than what this very process committed to them, so
 * the log is asked; and between two looks at the workers that show the same, nothing was done. */
#include "engine/run/worker.h"

#include <stdio.h>
#include <stdlib.h>

enum { UNSEEN_MS = 5000 }; /* what is not stable by then is another's */

struct place {
    char topic[250]; /* the longest name; what a pattern matches may change meanwhile. Empty: no topic */
    int32_t partition;
    int64_t position;
};

struct places {
    struct place *items;
    uint32_t count;
};

/* False: something is being done, or still to be. */
static bool look(const struct sx_engine *engine, struct sx_worker *worker, struct places *places)
{
    bool ended = worker->slot_count == 0 || atomic_load(&worker->clean);

    for (uint32_t s = 0; s < worker->slot_count && ended; s++) {
        struct sx_slot *slot = worker->slots[s];

        ended = slot->state == SX_SLOT_RUNNING;
        places->items =
            sx_realloc(places->items, sizeof(*places->items) * (places->count + slot->input_count + 1));
        for (uint32_t i = 0; i < slot->input_count && ended; i++) {
            struct sx_input *input = &slot->inputs[i];
            int64_t position = atomic_load(&input->ended);

            ended = position >= 0;
            places->items[places->count] =
                (struct place){.partition = input->partition, .position = position};
            snprintf(places->items[places->count++].topic, sizeof(places->items->topic), "%s",
                     sx_input_is_topic(engine, input) ? input->name : "");
        }
    }
    return ended;
}

static bool look_at_all(struct sx_engine *engine, struct places *places)
{
    bool ended = sx_engine_ready(engine);

    for (uint32_t w = 0; w < engine->worker_count && ended; w++) {
        pthread_mutex_lock(&engine->workers[w].looks);
        ended = look(engine, &engine->workers[w], places);
        pthread_mutex_unlock(&engine->workers[w].looks);
    }
    return ended && places->count > 0;
}

static bool is_same(const struct places *a, const struct places *b)
{
    bool same = a->count == b->count;

    for (uint32_t i = 0; i < a->count && same; i++)
        same = strcmp(a->items[i].topic, b->items[i].topic) == 0 &&
               a->items[i].partition == b->items[i].partition && a->items[i].position == b->items[i].position;
    return same;
}

/* All that is in a topic is stable: readers see it. */
static bool is_stable(const struct sx_engine *engine, const struct sx_topic_plan *topic)
{
    bool stable = true;

    for (int32_t p = 0; p < engine->partitions[topic->index] && stable; p++) {
        int64_t low, written, high;

        stable =
            engine->def->watermarks(engine->log, topic->name, p, true, &low, &written, NULL) == STREAMD_OK &&
            engine->def->watermarks(engine->log, topic->name, p, false, &low, &high, NULL) == STREAMD_OK &&
            high >= written;
    }
    return stable;
}

/* Kafka says that a transaction is committed before those who read committed records see them: whoever is
 * told of the end must find the results, and so must the tasks that read what others of this process wrote.
 * What another producer has open in these topics is not waited for longer than a while. */
static bool results_are_seen(struct sx_engine *engine)
{
    const struct sx_plan *plan = engine->plan;
    int64_t now = sx_now_ms(engine->options.clock);
    bool seen = true;

    for (uint32_t t = 0; t < plan->topic_count && seen; t++)
        if (plan->topics[t]->medium == SX_MEDIUM_LOG &&
            (plan->topics[t]->roles & (SX_TOPIC_SINK | SX_TOPIC_REPARTITION)) != 0)
            seen = is_stable(engine, plan->topics[t]);
    if (engine->unseen_since_ms == 0)
        engine->unseen_since_ms = now;
    return seen || now - engine->unseen_since_ms > UNSEEN_MS;
}

bool sx_engine_at_end(struct sx_engine *engine)
{
    struct places before = {0}, after = {0};
    bool ended = look_at_all(engine, &before);

    if (ended)
        ended = results_are_seen(engine);
    else
        engine->unseen_since_ms = 0;
    for (uint32_t i = 0; i < before.count && ended; i++) {
        const struct place *place = &before.items[i];
        int64_t low, high;

        if (place->topic[0] == '\0')
            continue;
        ended = engine->def->watermarks(engine->log, place->topic, place->partition, false, &low, &high,
                                        NULL) == STREAMD_OK &&
                high <= place->position;
    }
    ended = ended && look_at_all(engine, &after) && is_same(&before, &after);
    free(before.items);
    free(after.items);
    return ended;
}
