/* store_ids.c: each store's number on this disk, and whether what the disk has of it still fits. */
#include "engine/run/kept.h"
#include "engine/run/worker.h"

#include "engine/graph/signature.h"

#include <stdlib.h>

#define FORMAT_KEY SX_SLICE("state/format")

/* ---- Names ----------------------------------------------------------------------------------- */

static struct sx_slice name_key(struct sx_buffer *key, const char *prefix, const char *application,
                                const char *name)
{
    key->size = 0;
    sx_buffer_printf(key, "%s/%s/%s", prefix, application, name);
    return sx_buffer_slice(key);
}

streamd_status sx_kept_each(struct sx_disk *disk, const char *application, sx_kept_fn fn, void *arg,
                            streamd_error **error)
{
    struct sx_buffer from = {0}, to = {0}, name = {0};
    struct sx_slice key, value;
    struct sx_cursor *cursor;
    streamd_status status;

    name_key(&from, "store", application, "");
    name_key(&to, "store", application, "\xff");
    cursor = sx_cursor_open(disk, SX_FAMILY_META, sx_buffer_slice(&from), sx_buffer_slice(&to));
    while (sx_cursor_next(cursor, &key, &value)) {
        if (value.size != 4)
            continue;
        name.size = 0;
        sx_buffer_add(&name, key.data + from.size, key.size - from.size);
        sx_buffer_add_byte(&name, '\0');
        fn(name.data, sx_get_be32(value.data), arg);
    }
    status = sx_cursor_status(cursor, error);
    sx_cursor_close(cursor);
    sx_buffer_free(&from);
    sx_buffer_free(&to);
    sx_buffer_free(&name);
    return status;
}

/* Rows of a store are behind its number, positions behind `pos/` and its number. */
static void forget_rows(struct sx_unit *unit, uint32_t id)
{
    char from[8] = "pos/", to[8] = "pos/";

    sx_put_be32(from + 4, id);
    sx_put_be32(to + 4, id + 1);
    for (int family = SX_FAMILY_KV; family <= SX_FAMILY_SESSION; family++)
        sx_unit_delete_range(unit, (enum sx_family)family, sx_slice(from + 4, 4), sx_slice(to + 4, 4));
    sx_unit_delete_range(unit, SX_FAMILY_META, sx_slice(from, 8), sx_slice(to, 8));
}

void sx_kept_forget(struct sx_unit *unit, const char *application, const char *name, uint32_t id)
{
    struct sx_buffer key = {0};

    forget_rows(unit, id);
    sx_unit_delete(unit, SX_FAMILY_META, name_key(&key, "store", application, name));
    sx_unit_delete(unit, SX_FAMILY_META, name_key(&key, "means", application, name));
    sx_buffer_free(&key);
}

/* ---- The disk as a whole --------------------------------------------------------------------- */

static streamd_status check_format(struct sx_engine *engine, struct sx_unit *unit, streamd_error **error)
{
    struct sx_buffer value = {0};
    bool found = false;
    char mine[4];
    streamd_status status =
        sx_disk_get(engine->options.disk, SX_FAMILY_META, FORMAT_KEY, &value, &found, error);

    sx_put_be32(mine, SX_STATE_FORMAT);
    if (status == STREAMD_OK && !found)
        sx_unit_put(unit, SX_FAMILY_META, FORMAT_KEY, sx_slice(mine, sizeof(mine)));
    else if (status == STREAMD_OK && (value.size != 4 || sx_get_be32(value.data) > SX_STATE_FORMAT))
        status =
            sx_fail(error, STREAMD_E_CONFIG,
                    "the state in %s is of format %u, and this streamd knows formats up to %u: a newer one "
                    "wrote it; run that one, or begin in another directory",
                    sx_disk_folder(engine->options.disk), value.size == 4 ? sx_get_be32(value.data) : 0,
                    SX_STATE_FORMAT);
    sx_buffer_free(&value);
    return status;
}

/* One more than the greatest number in use. */
static streamd_status first_free(struct sx_disk *disk, uint32_t *id, streamd_error **error)
{
    struct sx_cursor *cursor = sx_cursor_open(disk, SX_FAMILY_META, SX_SLICE("store/"), SX_SLICE("store0"));
    struct sx_slice key, value;
    streamd_status status;

    *id = 1;
    while (sx_cursor_next(cursor, &key, &value))
        if (value.size == 4)
            *id = SX_MAX(*id, sx_get_be32(value.data) + 1);
    status = sx_cursor_status(cursor, error);
    sx_cursor_close(cursor);
    return status;
}

/* ---- One store ------------------------------------------------------------------------------- */

struct numbering {
    struct sx_engine *engine;
    struct sx_unit *unit;
    uint32_t next;
    streamd_error *misfits; /* a chain: one for each store that does not fit */
};

static bool has_rows(struct sx_disk *disk, uint32_t id, streamd_status *status, streamd_error **error)
{
    bool any = false, some = false;
    char prefix[4];

    sx_put_be32(prefix, id);
    for (int family = SX_FAMILY_KV; family <= SX_FAMILY_SESSION && *status == STREAMD_OK; family++) {
        *status = sx_disk_any(disk, (enum sx_family)family, sx_slice(prefix, sizeof(prefix)), &some, error);
        any |= some;
    }
    return any;
}

streamd_status sx_store_misfit(const struct sx_engine *engine, const struct sx_store_plan *store,
                               struct sx_slice was, const char *where, streamd_error **error)
{
    const struct sx_node_plan *owner = sx_store_owner(engine->plan, store);
    struct sx_buffer is = {0}, text = {0};
    streamd_status status;

    sx_store_signature(engine->plan, store, &is);
    if (was.data != NULL)
        sx_signature_explain(was, sx_buffer_slice(&is), &text);
    else
        sx_buffer_add_text(&text, "what it was is not known here; `streamd diff OLD NEW` tells");
    status = sx_fail_fatal(
        error, STREAMD_E_CONFIG,
        "`%s` was changed, and what is kept for it in %s does not fit any more: %.*s; give the definition a "
        "new name, go back to the old text, or forget all state with `streamd reset`",
        owner != NULL ? owner->definition : store->name, where, (int)text.size, text.data);
    sx_buffer_free(&is);
    sx_buffer_free(&text);
    return status;
}

static void give_number(struct numbering *n, const struct sx_store_plan *store, struct sx_buffer *key)
{
    char id[4];

    n->engine->store_ids[store->index] = n->next++;
    sx_put_be32(id, n->engine->store_ids[store->index]);
    sx_unit_put(n->unit, SX_FAMILY_META, name_key(key, "store", n->engine->plan->application, store->name),
                sx_slice(id, 4));
}

/* What is kept means something else: gone if nothing depends on it, else it stays and is a mistake. */
static streamd_status resolve_misfit(struct numbering *n, const struct sx_store_plan *store,
                                     struct sx_slice was, bool *fits, streamd_error **error)
{
    uint32_t id = n->engine->store_ids[store->index];
    streamd_error *misfit = NULL;
    struct sx_buffer key = {0};
    streamd_status status = STREAMD_OK;

    *fits = !has_rows(n->engine->options.disk, id, &status, error);
    if (status != STREAMD_OK)
        return status;
    if (store->from_source && !*fits) {
        sx_log(n->engine->options.logger, SX_INFO, "a table's columns were changed; it is read again",
               "table", store->name, "topic", store->changelog, NULL);
        forget_rows(n->unit, id);
        give_number(n, store, &key);
        sx_buffer_free(&key);
        *fits = true;
    }
    if (!*fits) {
        sx_store_misfit(n->engine, store, was, sx_disk_folder(n->engine->options.disk), &misfit);
        sx_error_append(&n->misfits, misfit);
    }
    return STREAMD_OK;
}

static streamd_status number_one(struct numbering *n, const struct sx_store_plan *store,
                                 streamd_error **error)
{
    struct sx_disk *disk = n->engine->options.disk;
    const char *application = n->engine->plan->application;
    struct sx_buffer key = {0}, value = {0}, is = {0};
    bool found = false, known = false, same;
    streamd_status status;

    sx_store_signature(n->engine->plan, store, &is);
    n->engine->signatures[store->index] = sx_signature_hash(sx_buffer_slice(&is));
    status = sx_disk_get(disk, SX_FAMILY_META, name_key(&key, "store", application, store->name), &value,
                         &found, error);
    if (status == STREAMD_OK && found && value.size != 4)
        status = sx_fail(error, STREAMD_E_CORRUPT, "the number of the store `%s` is damaged", store->name);
    if (status == STREAMD_OK && found) {
        n->engine->store_ids[store->index] = sx_get_be32(value.data);
        value.size = 0;
        status = sx_disk_get(disk, SX_FAMILY_META, name_key(&key, "means", application, store->name), &value,
                             &known, error);
    } else if (status == STREAMD_OK) {
        give_number(n, store, &key);
    }
    same = known && sx_slice_equal(sx_buffer_slice(&value), sx_buffer_slice(&is));
    if (status == STREAMD_OK && !same) {
        bool fits = true;

        if (known)
            status = resolve_misfit(n, store, sx_buffer_slice(&value), &fits, error);
        if (fits)
            sx_unit_put(n->unit, SX_FAMILY_META, name_key(&key, "means", application, store->name),
                        sx_buffer_slice(&is));
    }
    sx_buffer_free(&key);
    sx_buffer_free(&value);
    sx_buffer_free(&is);
    return status;
}

streamd_status sx_stores_number(struct sx_engine *engine, streamd_error **error)
{
    struct numbering n = {.engine = engine, .unit = sx_unit_new(engine->options.disk)};
    streamd_status status = check_format(engine, n.unit, error);

    if (status == STREAMD_OK)
        status = first_free(engine->options.disk, &n.next, error);
    for (uint32_t s = 0; s < engine->plan->store_count && status == STREAMD_OK; s++)
        if (!engine->plan->stores[s]->global)
            status = number_one(&n, engine->plan->stores[s], error);
    if (status == STREAMD_OK && n.misfits != NULL) {
        status = streamd_error_status(n.misfits);
        if (error != NULL) {
            *error = n.misfits;
            n.misfits = NULL;
        }
    }
    if (status == STREAMD_OK && sx_unit_count(n.unit))
        status = sx_unit_write(n.unit, engine->log->holds_state && engine->options.log.sync, error);
    streamd_error_free(n.misfits);
    sx_unit_free(n.unit);
    return status;
}
