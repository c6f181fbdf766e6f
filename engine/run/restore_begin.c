/* restore_begin.c: do the state here and its changelog belong together?
 *
 * An offset that is within a topic says nothing: the topic may be another one of the same name. So its
 * life (life.h) is looked at first: where the disk says that it is, then the first record of all.
 *
 *   the life of the disk                it goes on from the position; is that outside: from the start
 *   another life, the first record      a whole changelog: the disk is wiped and restored
 *   none, or the head is gone           it stops: to go on would lose rows, and nobody would know
 *
 * Of windows the head goes by and by with its retention, and the life with it, until it is written again.
 *
 * The life, the first rows and the first offsets of all inputs are one transaction. So a store that has
 * begun, in a slot without a committed offset, means that the group's offsets were deleted or have expired.
 */
#include "engine/run/changelog.h"
#include "engine/run/restore.h"

#include <stdlib.h>

static bool has_retention(const struct sx_slot_store *store)
{
    return store->store->plan->kind != SX_STORE_KV;
}

/* ---- It stops -------------------------------------------------------------------------------- */

static streamd_status stop(const struct sx_slot *slot, const struct sx_slot_store *store, const char *what,
                           streamd_error **error)
{
    return sx_fail_fatal(error, STREAMD_E_CORRUPT,
                         "the changelog `%s`, partition %d, %s. Bring it back, or begin anew with `streamd "
                         "reset`: what `%s` held is lost then",
                         store->store->plan->changelog, slot->number, what, store->store->plan->name);
}

static streamd_status stop_empty(const struct sx_slot *slot, const struct sx_slot_store *store,
                                 streamd_error **error)
{
    char what[160];

    snprintf(
        what, sizeof(what),
        "holds nothing and stood at offset %lld when the state here was written: the topic was deleted or "
        "emptied",
        (long long)store->position);
    return stop(slot, store, what, error);
}

static streamd_status stop_headless(const struct sx_slot *slot, const struct sx_slot_store *store,
                                    streamd_error **error)
{
    char what[160];

    snprintf(what, sizeof(what),
             "begins at offset %lld and the state here ends at %lld: records were deleted that hold rows",
             (long long)store->low, (long long)store->position);
    return stop(slot, store, what, error);
}

static streamd_status stop_replaced(const struct sx_slot *slot, const struct sx_slot_store *store,
                                    streamd_error **error)
{
    return stop(slot, store,
                "is not the one that the state here was written to, and does not begin at its beginning: the "
                "topic was deleted and made anew",
                error);
}

static streamd_status stop_lost(const struct sx_slot *slot, const struct sx_slot_store *store,
                                streamd_error **error)
{
    return stop(slot, store,
                "was written to before, as the group's committed offsets say, and its beginning is gone: the "
                "topic was deleted or emptied, and there is no state here to go on with",
                error);
}

/* ---- It goes on ------------------------------------------------------------------------------ */

static streamd_status open_reader(struct sx_slot *slot, struct sx_slot_store *store, int64_t offset,
                                  streamd_error **error)
{
    const struct sx_engine *engine = slot->worker->engine;

    if (store->reader != NULL)
        engine->def->reader_close(store->reader);
    store->reader = NULL;
    return engine->def->reader_open(engine->log, SX_READ_RESTORE, store->store->plan->changelog, slot->number,
                                    offset, &slot->worker->waker, &store->reader, error);
}

/* The rows from the position on are still to be read. */
static streamd_status read_rows(struct sx_slot *slot, struct sx_slot_store *store, streamd_error **error)
{
    store->looks = SX_LOOKS_AT_NOTHING;
    if (slot->standby)
        store->target = INT64_MAX;
    store->restored = store->position >= store->target;
    if (!store->restored)
        return open_reader(slot, store, store->position, error);
    if (store->reader != NULL)
        slot->worker->engine->def->reader_close(store->reader);
    store->reader = NULL;
    return sx_restore_settle(slot, store, error);
}

/* Nothing of what is here: all from the topic. */
static streamd_status start_over(struct sx_slot *slot, struct sx_slot_store *store, streamd_error **error)
{
    streamd_status status;

    if (store->position != SX_OFFSET_NONE)
        sx_restore_warn(slot, store->store->plan->name, store->position, store->low, store->target);
    status = sx_restore_wipe(slot, store, error);
    store->life = (struct sx_life){0};
    store->position = store->low;
    return status == STREAMD_OK ? read_rows(slot, store, error) : status;
}

/* Behind the last record that was written is the marker of its transaction: when all was deleted, it too. */
static bool is_within(const struct sx_slot_store *store)
{
    return store->position + 1 >= store->low && store->position <= store->target;
}

static streamd_status go_on(struct sx_slot *slot, struct sx_slot_store *store, streamd_error **error)
{
    if (is_within(store)) {
        store->position = SX_MAX(store->position, store->low);
        if (store->low > 0 && !has_retention(store))
            sx_log(slot->worker->engine->options.logger, SX_WARN,
                   "records of a changelog were deleted: without this disk its state could not be restored",
                   "store", store->store->plan->name, "topic", store->store->plan->changelog, NULL);
        return read_rows(slot, store, error);
    }
    if (store->awaits_life)
        return stop_replaced(slot, store, error);
    if (store->low > 0 && !has_retention(store))
        return stop_headless(slot, store, error);
    return start_over(slot, store, error);
}

/* Nothing is in the topic, and the disk has a position in it. When the group has none in the inputs,
 * all is read anew, as after a reset on another machine. */
static streamd_status begin_empty(struct sx_slot *slot, struct sx_slot_store *store, streamd_error **error)
{
    bool anew = true;

    for (uint32_t i = 0; i < slot->input_count; i++)
        anew &= slot->inputs[i].committed == SX_OFFSET_NONE;
    if (store->position > store->target && anew)
        return start_over(slot, store, error);
    if (store->position > store->target)
        return stop_empty(slot, store, error);
    return go_on(slot, store, error);
}

streamd_status sx_restore_changelog(struct sx_slot *slot, struct sx_slot_store *store, streamd_error **error)
{
    struct sx_engine *engine = slot->worker->engine;
    const struct sx_store_plan *plan = store->store->plan;
    bool in_place;
    streamd_status status = engine->def->watermarks(engine->log, plan->changelog, slot->number, true,
                                                    &store->low, &store->target, error);

    if (status == STREAMD_OK)
        status = sx_position_get(engine->options.disk, store->id, slot->number, plan->changelog,
                                 &store->position, error);
    if (status == STREAMD_OK)
        status = sx_life_get(engine->options.disk, store->id, slot->number, &store->life, error);
    if (status != STREAMD_OK)
        return status;
    store->noted = sx_life_is_noted(&slot->told, plan);
    store->restored = false;
    if (store->position == SX_OFFSET_NONE)
        return start_over(slot, store, error);
    if (store->low == store->target)
        return begin_empty(slot, store, error);
    in_place =
        store->life.number != 0 && store->life.offset >= store->low && store->life.offset < store->target;
    store->looks = in_place ? SX_LOOKS_AT_LIFE : SX_LOOKS_AT_HEAD;
    return open_reader(slot, store, in_place ? store->life.offset : store->low, error);
}

/* ---- Lives ----------------------------------------------------------------------------------- */

/* The first record of all has none, and the disk has one. */
static streamd_status judge_absence(struct sx_slot *slot, struct sx_slot_store *store, streamd_error **error)
{
    bool aged = store->life.offset < store->low;

    if (!aged && (!has_retention(store) || store->life.offset >= store->target))
        return stop_replaced(slot, store, error);
    /* Written again, by another, behind the position; else it is no longer there. */
    store->unsure_of_life = true;
    store->awaits_life = !aged;
    return go_on(slot, store, error);
}

/* `number` 0: the record is no life, or there is none. */
static streamd_status judge(struct sx_slot *slot, struct sx_slot_store *store, uint64_t number,
                            int64_t offset, streamd_error **error)
{
    if (number == store->life.number)
        return go_on(slot, store, error);
    if (store->looks == SX_LOOKS_AT_LIFE && store->life.offset > store->low) {
        store->looks = SX_LOOKS_AT_HEAD;
        return open_reader(slot, store, store->low, error);
    }
    if (number == 0)
        return judge_absence(slot, store, error);
    /* The state of a version without lives does not know of one that it has not come to. */
    if (store->life.number == 0 && offset >= store->position)
        return go_on(slot, store, error);
    return start_over(slot, store, error);
}

streamd_status sx_restore_look(struct sx_slot *slot, struct sx_slot_store *store, bool *busy,
                               streamd_error **error)
{
    const struct sx_log_def *def = slot->worker->engine->def;
    uint64_t number = 0;
    int64_t offset = SX_OFFSET_NONE;
    struct sx_fetch fetch;
    struct sx_slice value;
    bool told;
    streamd_status status = def->fetch(store->reader, 1, &fetch, error);

    if (status != STREAMD_OK)
        return status;
    told = fetch.count > 0 || fetch.next_offset >= store->target;
    if (fetch.count > 0) {
        offset = fetch.records[0].offset;
        if (sx_changelog_read(&fetch.records[0], 0, &value) == SX_CHANGELOG_LIFE)
            number = sx_get_be64(value.data);
    }
    def->release(store->reader, &fetch);
    if (!told)
        return STREAMD_OK;
    *busy = true;
    return judge(slot, store, number, offset, error);
}

streamd_status sx_restore_life(struct sx_slot *slot, struct sx_slot_store *store,
                               const struct sx_record *record, uint64_t number, streamd_error **error)
{
    if (store->unsure_of_life && number != store->life.number)
        return stop_replaced(slot, store, error);
    store->unsure_of_life = store->awaits_life = false;
    store->life = (struct sx_life){number, record->offset, record->timestamp};
    sx_life_put(slot->unit, store->id, slot->number, &store->life);
    return STREAMD_OK;
}

/* The life is not where it was, or not before the end as it was when asked for: a commit that came later can
 * have written it (again), and retention or compaction have taken the old one, before it was looked for. */
static streamd_status look_further(struct sx_slot *slot, struct sx_slot_store *store, streamd_error **error)
{
    const struct sx_engine *engine = slot->worker->engine;
    int64_t high;
    streamd_status status = engine->def->watermarks(engine->log, store->store->plan->changelog, slot->number,
                                                    true, &store->low, &high, error);

    if (status != STREAMD_OK)
        return status;
    if (high > store->target) {
        store->target = high;
        store->restored = false;
        return open_reader(slot, store, SX_MAX(store->position, store->low), error);
    }
    if (store->awaits_life)
        return stop_replaced(slot, store, error);
    return store->low > 0 && has_retention(store) ? STREAMD_OK : stop_lost(slot, store, error);
}

streamd_status sx_restore_settle(struct sx_slot *slot, struct sx_slot_store *store, streamd_error **error)
{
    bool lost = store->noted && store->life.number == 0 && (store->low == 0 || !has_retention(store));

    return store->awaits_life || lost ? look_further(slot, store, error) : STREAMD_OK;
}

/* ---- Offsets --------------------------------------------------------------------------------- */

static const struct sx_slot_store *store_that_began(const struct sx_slot *slot)
{
    for (uint32_t t = 0; t < slot->task_count; t++)
        for (uint32_t s = 0; s < slot->tasks[t].store_count; s++) {
            const struct sx_slot_store *store = &slot->tasks[t].stores[s];

            if (store->life.number != 0 || store->has_rows)
                return store;
        }
    return NULL;
}

/* The inputs that are topics, of which none was known to be committed; asked for again. */
static streamd_status ask_again(const struct sx_slot *slot, bool *committed, streamd_error **error)
{
    const struct sx_engine *engine = slot->worker->engine;
    struct sx_partition_offset *offsets = sx_calloc(slot->input_count + 1, sizeof(*offsets));
    uint32_t count = 0;
    streamd_status status;

    for (uint32_t i = 0; i < slot->input_count; i++)
        if (sx_input_is_topic(engine, &slot->inputs[i]))
            offsets[count++] = (struct sx_partition_offset){slot->inputs[i].name, slot->inputs[i].partition,
                                                            SX_OFFSET_NONE, NULL};
    status = engine->def->committed(engine->log, offsets, count, true, error);
    *committed = count == 0;
    for (uint32_t i = 0; i < count; i++)
        *committed |= offsets[i].offset != SX_OFFSET_NONE;
    free(offsets);
    return status;
}

streamd_status sx_restore_check_offsets(const struct sx_slot *slot, streamd_error **error)
{
    const struct sx_engine *engine = slot->worker->engine;
    const struct sx_slot_store *store = slot->standby ? NULL : store_that_began(slot);
    const struct sx_input *input = NULL;
    bool committed;
    streamd_status status;

    for (uint32_t i = slot->input_count; i-- > 0;) {
        if (slot->inputs[i].committed != SX_OFFSET_NONE)
            return STREAMD_OK;
        if (sx_input_is_topic(engine, &slot->inputs[i]))
            input = &slot->inputs[i];
    }
    if (store == NULL || input == NULL)
        return STREAMD_OK;
    /* A process that hung may see what the slot's new owner has begun since. */
    status = ask_again(slot, &committed, error);
    if (status != STREAMD_OK)
        return status;
    if (committed)
        return sx_fail_retriable(error, STREAMD_E_LOG, "slot %d was committed by another process",
                                 slot->number);
    return sx_fail_fatal(
        error, STREAMD_E_CORRUPT,
        "the group `%s` has no committed offset in `%s`, partition %d, and the changelog `%s` "
        "holds what came of records that were read there: its offsets were deleted or have "
        "expired, and what is read again would count twice. Begin anew with `streamd reset`, or "
        "set the group's offsets to where they were, with Kafka's kafka-consumer-groups",
        engine->plan->application, input->name, input->partition, store->store->plan->changelog);
}
