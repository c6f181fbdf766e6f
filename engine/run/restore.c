/* restore.c: stores brought to what is committed, before their tasks run.
 *
 * A store has its changelog: once it is sure that it is its own (restore_begin.c), it is read from where the
 * disk stands to its end, waiting for open transactions. A table has the topic it is made of: that is read
 * up to the committed offset, and its rows go through the entry's operator into the store and nowhere else.
 * Each step writes rows and position in one unit, so that a restore that is broken off goes on where it was.
 */
#include "engine/graph/signature.h"
#include "engine/run/changelog.h"
#include "engine/run/restore.h"

#include <stdlib.h>

/* ---- Positions: META `pos/` store 4 slot 2 topic --------------------------------------------- */

struct sx_slice sx_position_key(struct sx_buffer *key, uint32_t store, int32_t slot, const char *topic)
{
    char head[10] = "pos/";

    sx_put_be32(head + 4, store);
    sx_put_be16(head + 8, (uint16_t)slot);
    key->size = 0;
    sx_buffer_add(key, head, sizeof(head));
    sx_buffer_add_text(key, topic);
    return sx_buffer_slice(key);
}

void sx_position_put(struct sx_unit *unit, uint32_t store, int32_t slot, const char *topic, int64_t offset)
{
    struct sx_buffer key = {0};
    char value[8];

    sx_put_be64(value, (uint64_t)offset);
    sx_unit_put(unit, SX_FAMILY_META, sx_position_key(&key, store, slot, topic),
                sx_slice(value, sizeof(value)));
    sx_buffer_free(&key);
}

streamd_status sx_position_get(struct sx_disk *disk, uint32_t store, int32_t slot, const char *topic,
                               int64_t *offset, streamd_error **error)
{
    struct sx_buffer key = {0}, value = {0};
    bool found = false;
    streamd_status status =
        sx_disk_get(disk, SX_FAMILY_META, sx_position_key(&key, store, slot, topic), &value, &found, error);

    *offset = SX_OFFSET_NONE;
    if (status == STREAMD_OK && found && value.size == 8)
        *offset = (int64_t)sx_get_be64(value.data);
    sx_buffer_free(&key);
    sx_buffer_free(&value);
    return status;
}

/* ---- Where things stand ---------------------------------------------------------------------- */

void sx_restore_forget(struct sx_unit *unit, const struct sx_slot_store *store, int32_t slot)
{
    struct sx_buffer from = {0}, to = {0};

    sx_store_kinds.wipe(unit, store->store->plan->kind, store->id, slot);
    /* All its positions. */
    sx_unit_delete_range(unit, SX_FAMILY_META, sx_position_key(&from, store->id, slot, ""),
                         sx_position_key(&to, store->id, slot + 1, ""));
    sx_buffer_free(&from);
    sx_buffer_free(&to);
}

streamd_status sx_restore_wipe(struct sx_slot *slot, struct sx_slot_store *store, streamd_error **error)
{
    streamd_status status;

    sx_restore_forget(slot->unit, store, slot->number);
    status = sx_unit_write(slot->unit, false, error);
    if (status == STREAMD_OK)
        store->store->ops->discard(store->store);
    return status;
}

void sx_restore_warn(struct sx_slot *slot, const char *store, int64_t position, int64_t low, int64_t high)
{
    struct sx_buffer text = {0};

    sx_buffer_printf(&text, "%d: local position %lld, topic from %lld to %lld", slot->number,
                     (long long)position, (long long)low, (long long)high);
    sx_buffer_add_byte(&text, 0);
    sx_log(slot->worker->engine->options.logger, SX_WARN,
           "the local state does not fit its topic and is restored from its start", "store", store, "slot",
           text.data, NULL);
    sx_buffer_free(&text);
}

/* How the table of this store reads the input; NULL: it does not. */
static struct sx_input_use *use_of(struct sx_input *input, const struct sx_slot_task *task,
                                   uint32_t plan_store)
{
    for (uint32_t u = 0; u < input->use_count; u++)
        if (input->uses[u].task == task && input->uses[u].entry->store_count &&
            input->uses[u].entry->stores[0] == plan_store)
            return &input->uses[u];
    return NULL;
}

/* Is the state no further than what is committed? *position: of this input; when rows before `low` are
 * gone from the topic, the rows that came from them stay in the table. */
static streamd_status table_position(struct sx_slot *slot, const struct sx_slot_store *store,
                                     const struct sx_input *input, int64_t *low, int64_t *position,
                                     bool *fits, streamd_error **error)
{
    struct sx_engine *engine = slot->worker->engine;
    int64_t high;
    streamd_status status =
        sx_position_get(engine->options.disk, store->id, slot->number, input->name, position, error);

    if (status == STREAMD_OK)
        status =
            engine->def->watermarks(engine->log, input->name, input->partition, false, low, &high, error);
    if (status != STREAMD_OK)
        return status;
    *fits = *position != SX_OFFSET_NONE && *position <= SX_MAX(input->committed, *low);
    if (*position != SX_OFFSET_NONE && (!*fits || (*position < *low && *position < input->committed)))
        sx_restore_warn(slot, store->store->plan->name, *position, *low, input->committed);
    return STREAMD_OK;
}

/* The table's inputs that lag behind what is committed get a limit to be read up to. */
static streamd_status begin_table(struct sx_slot *slot, struct sx_slot_task *task,
                                  struct sx_slot_store *store, streamd_error **error)
{
    uint32_t index = store->store->plan->index;
    bool all_fit = true, is_open = false, fits = false;
    streamd_status status = STREAMD_OK;
    int64_t low, position;

    for (uint32_t i = 0; i < slot->input_count && status == STREAMD_OK; i++)
        if (use_of(&slot->inputs[i], task, index) != NULL) {
            status = table_position(slot, store, &slot->inputs[i], &low, &position, &fits, error);
            all_fit &= fits;
        }
    if (status == STREAMD_OK && !all_fit)
        status = sx_restore_wipe(slot, store, error);
    for (uint32_t i = 0; i < slot->input_count && status == STREAMD_OK; i++) {
        struct sx_input *input = &slot->inputs[i];
        struct sx_input_use *use = use_of(input, task, index);

        if (use == NULL || input->committed == SX_OFFSET_NONE)
            continue;
        status = table_position(slot, store, input, &low, &position, &fits, error);
        if (status != STREAMD_OK || position >= input->committed)
            continue;
        position = SX_MAX(position, low);
        use->restores = true;
        input->position = input->limit == SX_OFFSET_NONE ? position : SX_MIN(position, input->position);
        input->limit = input->committed;
        if (!is_open)
            sx_task_restore_begin(task->task, use->entry);
        is_open = true;
    }
    return status;
}

streamd_status sx_restore_begin(struct sx_slot *slot, streamd_error **error)
{
    struct sx_engine *engine = slot->worker->engine;
    streamd_status status = STREAMD_OK;

    for (uint32_t t = 0; t < slot->task_count; t++)
        for (uint32_t s = 0; s < slot->tasks[t].store_count && status == STREAMD_OK; s++) {
            struct sx_slot_store *store = &slot->tasks[t].stores[s];

            store->restored = true;
            if (store->store->plan->from_source)
                status = begin_table(slot, &slot->tasks[t], store, error);
            else if (!engine->log->holds_state)
                status = sx_restore_changelog(slot, store, error);
        }
    for (uint32_t i = 0; i < slot->input_count && status == STREAMD_OK; i++)
        if (slot->inputs[i].limit != SX_OFFSET_NONE)
            status = engine->def->reader_open(engine->log, SX_READ_RESTORE, slot->inputs[i].name,
                                              slot->inputs[i].partition, slot->inputs[i].position,
                                              &slot->worker->waker, &slot->inputs[i].reader, error);
    return status;
}

/* ---- From changelogs ------------------------------------------------------------------------- */

/* What the changelog's rows mean is what this version takes them for, or the start is refused. */
static streamd_status check_signature(struct sx_slot *slot, struct sx_slot_store *store, struct sx_slice was,
                                      streamd_error **error)
{
    const struct sx_engine *engine = slot->worker->engine;
    const struct sx_store_plan *plan = store->store->plan;
    char *where;
    streamd_status status;

    store->says_how = was.data != NULL && sx_signature_hash(was) == engine->signatures[plan->index];
    if (store->says_how)
        return STREAMD_OK;
    where = sx_format("the topic `%s`", plan->changelog);
    status = sx_store_misfit(engine, plan, was, where, error);
    free(where);
    return status;
}

static streamd_status apply(struct sx_slot *slot, struct sx_slot_store *store, const struct sx_record *record,
                            streamd_error **error)
{
    const struct sx_engine *engine = slot->worker->engine;
    const struct sx_store_plan *plan = store->store->plan;
    struct sx_slice value;

    switch (sx_changelog_read(record, engine->signatures[plan->index], &value)) {
    case SX_CHANGELOG_ROW:
    case SX_CHANGELOG_GONE:
        store->has_rows = true;
        if (store->misfit || store->store->ops->restore(store->store, slot->unit, record->key, value))
            return STREAMD_OK;
        break;
    case SX_CHANGELOG_OTHER:
        store->misfit = true;
        return STREAMD_OK;
    case SX_CHANGELOG_SIGNATURE:
        return check_signature(slot, store, value, error);
    case SX_CHANGELOG_LIFE:
        return sx_restore_life(slot, store, record, sx_get_be64(value.data), error);
    case SX_CHANGELOG_NEWER:
        return sx_fail_fatal(
            error, STREAMD_E_CONFIG,
            "the changelog `%s`, partition %d, offset %lld was written by a newer streamd; run "
            "that one",
            plan->changelog, slot->number, (long long)record->offset);
    case SX_CHANGELOG_DAMAGED:
        break;
    }
    return sx_fail_fatal(error, STREAMD_E_CORRUPT,
                         "the changelog `%s`, partition %d, offset %lld: the record is damaged",
                         plan->changelog, slot->number, (long long)record->offset);
}

static void count_restored(struct sx_slot *slot, const struct sx_record *records, uint32_t count)
{
    uint64_t bytes = 0;

    for (uint32_t i = 0; i < count; i++)
        bytes += (uint64_t)records[i].key.size + records[i].value.size;
    sx_count(&slot->worker->stats.restored_rows, count);
    sx_count(&slot->worker->stats.restored_bytes, bytes);
}

static streamd_status step_changelog(struct sx_slot *slot, struct sx_slot_store *store, bool *busy,
                                     streamd_error **error)
{
    struct sx_engine *engine = slot->worker->engine;
    struct sx_fetch fetch;
    streamd_status status;

    if (store->looks != SX_LOOKS_AT_NOTHING)
        return sx_restore_look(slot, store, busy, error);
    status = engine->def->fetch(store->reader, SX_BATCH_ROWS, &fetch, error);
    if (status != STREAMD_OK)
        return status;
    for (uint32_t i = 0; i < fetch.count && status == STREAMD_OK; i++)
        status = apply(slot, store, &fetch.records[i], error);
    if (status == STREAMD_OK && fetch.next_offset > store->position && store->misfit) {
        *busy = true;
        store->position = fetch.next_offset;
    } else if (status == STREAMD_OK && fetch.next_offset > store->position) {
        *busy = true;
        store->position = fetch.next_offset;
        sx_position_put(slot->unit, store->id, slot->number, store->store->plan->changelog, store->position);
        status = sx_unit_write(slot->unit, false, error);
        count_restored(slot, fetch.records, fetch.count);
    }
    engine->def->release(store->reader, &fetch);
    if (status != STREAMD_OK) {
        sx_unit_clear(slot->unit);
        return status;
    }
    if (store->position < store->target)
        return STREAMD_OK;
    if (store->misfit)
        return check_signature(slot, store, SX_SLICE_NONE, error);
    engine->def->reader_close(store->reader);
    store->reader = NULL;
    store->restored = true;
    store->store->ops->discard(store->store); /* it is to look at the disk anew */
    return sx_restore_settle(slot, store, error);
}

/* ---- From a table's own topic ---------------------------------------------------------------- */

static struct sx_slot_store *store_of(struct sx_slot_task *task, uint32_t plan_store)
{
    for (uint32_t s = 0; s < task->store_count; s++)
        if (task->stores[s].store->plan->index == plan_store)
            return &task->stores[s];
    return NULL;
}

static streamd_status save_table(struct sx_slot *slot, struct sx_slot_task *task, uint32_t plan_store,
                                 streamd_error **error)
{
    struct sx_slot_store *store = store_of(task, plan_store);
    streamd_status status = store->store->ops->commit(store->store, slot->unit, NULL, NULL, error);

    for (uint32_t i = 0; i < slot->input_count && status == STREAMD_OK; i++) {
        const struct sx_input_use *use = use_of(&slot->inputs[i], task, plan_store);

        if (use != NULL && use->restores)
            sx_position_put(slot->unit, store->id, slot->number, slot->inputs[i].name,
                            slot->inputs[i].position);
    }
    if (status == STREAMD_OK)
        status = sx_unit_write(slot->unit, false, error);
    if (status == STREAMD_OK)
        store->store->ops->committed(store->store);
    return status;
}

static void end_table(struct sx_slot *slot, struct sx_input *input)
{
    sx_input_close(slot, input);
    input->position = input->limit;
}

static streamd_status step_tables(struct sx_slot *slot, uint32_t lane, bool *busy, streamd_error **error)
{
    struct sx_input *input;
    uint32_t from, to;
    bool awaited = false;
    streamd_status status = STREAMD_OK;

    for (uint32_t i = 0; i < slot->input_count && status == STREAMD_OK; i++)
        if (slot->inputs[i].lane == lane && slot->inputs[i].reader != NULL) {
            status = sx_input_fill(slot, &slot->inputs[i], error);
            /* What stood before the limit may have been compacted away. */
            if (status == STREAMD_OK && !slot->inputs[i].holds &&
                (slot->inputs[i].position >= slot->inputs[i].limit || slot->inputs[i].at_end))
                end_table(slot, &slot->inputs[i]);
        }
    if (status != STREAMD_OK || (input = sx_slot_choose(slot, lane, &to, &awaited)) == NULL)
        return status;
    *busy = true;
    from = input->next;
    for (uint32_t u = 0; u < input->use_count; u++)
        if (input->uses[u].restores)
            sx_task_restore_rows(input->uses[u].task->task, &input->uses[u].decoded, from, to);
    count_restored(slot, input->fetch.records + from, to - from);
    sx_input_done(slot, input, to);
    for (uint32_t u = 0; u < input->use_count && status == STREAMD_OK; u++)
        if (input->uses[u].restores)
            status = save_table(slot, input->uses[u].task, input->uses[u].entry->stores[0], error);
    return status;
}

/* A copy has no target: it follows what comes. */
static int64_t lag_of(const struct sx_slot *slot, const struct sx_slot_store *store)
{
    int64_t end = store->target;

    if (slot->standby)
        end = store->reader != NULL ? slot->worker->engine->def->reader_end(store->reader) : store->position;
    return SX_MAX(end - store->position, 0);
}

streamd_status sx_restore_step(struct sx_slot *slot, bool *busy, bool *done, streamd_error **error)
{
    streamd_status status = STREAMD_OK;

    *done = true;
    for (uint32_t t = 0; t < slot->task_count; t++) {
        int64_t lag = 0;

        for (uint32_t s = 0; s < slot->tasks[t].store_count && status == STREAMD_OK; s++) {
            struct sx_slot_store *store = &slot->tasks[t].stores[s];

            if (!store->restored)
                status = step_changelog(slot, store, busy, error);
            *done &= store->restored;
            lag += store->restored ? 0 : lag_of(slot, store);
        }
        for (uint32_t i = 0; i < slot->input_count; i++)
            for (uint32_t u = 0; u < slot->inputs[i].use_count; u++)
                if (slot->inputs[i].uses[u].restores && slot->inputs[i].uses[u].task == &slot->tasks[t])
                    lag += SX_MAX(slot->inputs[i].limit - slot->inputs[i].position, 0);
        atomic_store_explicit(&slot->tasks[t].restore_lag, lag, memory_order_relaxed);
    }
    for (uint32_t lane = 0; lane < slot->lane_count && status == STREAMD_OK; lane++)
        status = step_tables(slot, lane, busy, error);
    for (uint32_t i = 0; i < slot->input_count; i++)
        *done &= slot->inputs[i].reader == NULL;
    return status == STREAMD_OK && *done ? sx_restore_check_offsets(slot, error) : status;
}

void sx_restore_end(struct sx_slot *slot)
{
    const struct sx_log_def *def = slot->worker->engine->def;

    for (uint32_t t = 0; t < slot->task_count; t++) {
        for (uint32_t s = 0; s < slot->tasks[t].store_count; s++)
            if (slot->tasks[t].stores[s].reader != NULL) {
                def->reader_close(slot->tasks[t].stores[s].reader);
                slot->tasks[t].stores[s].reader = NULL;
            }
        atomic_store_explicit(&slot->tasks[t].restore_lag, 0, memory_order_relaxed);
    }
    for (uint32_t i = 0; i < slot->input_count; i++) {
        sx_input_close(slot, &slot->inputs[i]);
        slot->inputs[i].limit = SX_OFFSET_NONE;
        for (uint32_t u = 0; u < slot->inputs[i].use_count; u++) {
            struct sx_input_use *use = &slot->inputs[i].uses[u];
            bool again = false;

            /* The inputs of one table share its entry. */
            for (uint32_t j = 0; use->restores && j < i; j++)
                for (uint32_t v = 0; v < slot->inputs[j].use_count; v++)
                    again |= slot->inputs[j].uses[v].restores && slot->inputs[j].uses[v].task == use->task &&
                             slot->inputs[j].uses[v].entry == use->entry;
            if (use->restores && !again)
                sx_task_restore_end(use->task->task, use->entry);
        }
    }
    for (uint32_t i = 0; i < slot->input_count; i++)
        for (uint32_t u = 0; u < slot->inputs[i].use_count; u++)
            slot->inputs[i].uses[u].restores = false;
}
