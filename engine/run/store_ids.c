/* store_ids.c: each store's number on this disk, and whether what the disk has of it still fits.
 *
 *   META  store/NAME        id 4, big-endian
 *         fingerprint/NAME  kind, format and meaning of the rows, as text
 */
#include "engine/run/worker.h"

#include <stdlib.h>

static struct sx_slice name_key(struct sx_buffer *key, const char *prefix, const char *name)
{
    key->size = 0;
    sx_buffer_add_text(key, prefix);
    sx_buffer_add_text(key, name);
    return sx_buffer_slice(key);
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

static void fingerprint(const struct sx_store_plan *store, struct sx_buffer *to)
{
    to->size = 0;
    sx_buffer_printf(to, "%s %u %s", store->kind == SX_STORE_KV ? "kv" : "window", store->format,
                     store->fingerprint ? store->fingerprint : "");
}

static streamd_status number_one(struct sx_engine *engine, const struct sx_store_plan *store,
                                 struct sx_unit *unit, uint32_t *next, streamd_error **error)
{
    struct sx_disk *disk = engine->options.disk;
    struct sx_buffer key = {0}, value = {0}, is = {0};
    bool found = false, known = false;
    streamd_status status;
    char id[4];

    fingerprint(store, &is);
    status = sx_disk_get(disk, SX_FAMILY_META, name_key(&key, "store/", store->name), &value, &found, error);
    if (status == STREAMD_OK && found && value.size != 4)
        status = sx_fail(error, STREAMD_E_CORRUPT, "the number of the store `%s` is damaged", store->name);
    if (status == STREAMD_OK && found) {
        engine->store_ids[store->index] = sx_get_be32(value.data);
        value.size = 0;
        status = sx_disk_get(disk, SX_FAMILY_META, name_key(&key, "fingerprint/", store->name), &value,
                             &known, error);
        if (status == STREAMD_OK && known && !sx_slice_equal(sx_buffer_slice(&value), sx_buffer_slice(&is)))
            status =
                sx_fail(error, STREAMD_E_CONFIG,
                        "`%s` was changed, and the state kept for it does not fit any more; give it a new "
                        "name, or run `streamd reset`",
                        store->name);
    } else if (status == STREAMD_OK) {
        engine->store_ids[store->index] = (*next)++;
        sx_put_be32(id, engine->store_ids[store->index]);
        sx_unit_put(unit, SX_FAMILY_META, name_key(&key, "store/", store->name), sx_slice(id, 4));
        sx_unit_put(unit, SX_FAMILY_META, name_key(&key, "fingerprint/", store->name), sx_buffer_slice(&is));
    }
    sx_buffer_free(&key);
    sx_buffer_free(&value);
    sx_buffer_free(&is);
    return status;
}

streamd_status sx_stores_number(struct sx_engine *engine, streamd_error **error)
{
    struct sx_unit *unit = sx_unit_new(engine->options.disk);
    uint32_t next;
    streamd_status status = first_free(engine->options.disk, &next, error);

    for (uint32_t s = 0; s < engine->plan->store_count && status == STREAMD_OK; s++)
        if (!engine->plan->stores[s]->global)
            status = number_one(engine, engine->plan->stores[s], unit, &next, error);
    if (status == STREAMD_OK && sx_unit_count(unit))
        status = sx_unit_write(unit, engine->log->holds_state && engine->options.log.sync, error);
    sx_unit_free(unit);
    return status;
}
