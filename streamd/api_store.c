/* api_store.c: looking into tables: keys in, rows out, both in the table's formats.
 *
 * What a table is made of is worked out as for a join: by its view, over stores that only lend their
 * rows. A look runs on the thread that owns the stores; what it finds is copied into the arena of the
 * public store, and put into its format by the caller's thread.
 */
#include "streamd/api_store.h"
#include "streamd/api_engine.h"
#include "streamd/api_record.h"

#include "engine/base/text.h"
#include "operators/view.h"
#include "operators/windowing.h"

#include <stdlib.h>

/* A store of the view as an operator sees one: lookups that leave no trace in the real one. */
struct lent {
    struct sx_store store; /* first */
    struct sx_store *of;   /* during a look */
    struct sx_slice row;   /* the last one that was looked up */
    struct streamd_store *owner;
};

struct streamd_store {
    sx_api_look_fn look;
    void *source;
    const struct sx_flow *flow;
    const struct sx_format_def *key_format, *value_format;
    const void *key_plan, *value_plan;
    struct sx_view *view;
    struct sx_node_plan node_plan; /* of a node that only reads */
    struct sx_node node;
    struct lent lent[2];
    /* What that store's groups are in; NULL: no windows. */
    const struct sx_window_spec *windows[2];
    struct sx_arena plans; /* of the formats */

    pthread_mutex_t lock; /* one look at a time; what follows is its */
    struct sx_arena arena;
    streamd_error *error;
    struct sx_batch key; /* one row */
    int64_t from, to;
    struct sx_batch *found; /* what the view gave */
    uint32_t found_count;
};

/* ---- Stores that lend ------------------------------------------------------------------------ */

static bool keep_row(int64_t segment, struct sx_slice key, struct sx_slice value, void *arg)
{
    struct lent *lent = arg;

    lent->row = sx_arena_copy(&lent->owner->arena, value);
    return false;
}

static struct sx_slice lent_get(struct sx_store *store, int64_t segment, struct sx_slice key)
{
    struct lent *lent = (struct lent *)store;
    struct streamd_store *owner = lent->owner;

    lent->row = SX_SLICE_NONE;
    sx_store_peek(lent->of, key, segment, segment + 1, keep_row, lent, owner->error ? NULL : &owner->error);
    return lent->row;
}

static const struct sx_store_ops lent_ops = {.get = lent_get};

static void no_emit(struct sx_node *node, uint32_t port, const struct sx_batch *batch) {}
static void no_send(struct sx_node *node, const struct sx_send *send) {}
static void no_drop(struct sx_node *node, const char *reason, uint64_t count) {}
static void no_reject(struct sx_node *node, const struct sx_batch *batch, uint32_t row, const char *reason,
                      struct sx_position at, const char *message)
{ /* A row that cannot be worked out is not there. */
}
static const struct sx_node_ops node_ops = {no_emit, no_send, no_reject, no_drop};

/* ---- Opening --------------------------------------------------------------------------------- */

static bool is_table(const struct sx_flow *flow)
{
    return flow != NULL && (flow->kind == SX_FLOW_TABLE || flow->kind == SX_FLOW_GLOBAL);
}

static streamd_status find_flow(const struct sx_compiled *compiled, const char *name,
                                const struct sx_flow **flow, streamd_error **error)
{
    const char **names = sx_calloc(compiled->definition_count + 1, sizeof(*names)), *near;
    uint32_t count = 0;

    *flow = NULL;
    for (uint32_t i = 0; i < compiled->definition_count; i++) {
        if (!is_table(compiled->definitions[i].flow))
            continue;
        names[count++] = compiled->definitions[i].name;
        if (strcmp(compiled->definitions[i].name, name) == 0)
            *flow = compiled->definitions[i].flow;
    }
    near = *flow ? NULL : sx_nearest(name, names, count);
    free(names);
    if (*flow != NULL)
        return STREAMD_OK;
    return near ? sx_fail(error, STREAMD_E_NOTFOUND, "there is no table `%s`; did you mean `%s`?", name, near)
                : sx_fail(error, STREAMD_E_NOTFOUND, "there is no table `%s`", name);
}

/* The formats that a sink without a body would write this table in. */
static streamd_status bind_formats(streamd_store *store, streamd_error **error)
{
    const struct sx_schema *schema = store->flow->schema;
    struct sx_format_field *fields = SX_ARENA_ARRAY(&store->plans, struct sx_format_field, schema->count + 1);
    struct sx_format_spec spec = {.fields = fields, .delimiter = ','};
    streamd_status status;
    void *plan;

    for (uint32_t c = 0; c < schema->key_count + schema->value_count; c++)
        fields[c] = (struct sx_format_field){.name = schema->fields[c].name, .type = schema->fields[c].type};
    spec.field_count = schema->key_count;
    spec.key = true;
    spec.whole = schema->key_count == 1;
    store->key_format = sx_format_find(sx_format_of_key(schema));
    status = store->key_format->bind(&spec, &store->plans, &plan, error);
    store->key_plan = plan;
    spec.fields = fields + schema->key_count;
    spec.field_count = schema->value_count;
    spec.key = spec.whole = false;
    store->value_format = sx_format_find("json");
    if (status == STREAMD_OK)
        status = store->value_format->bind(&spec, &store->plans, &plan, error);
    store->value_plan = plan;
    return status;
}

static streamd_status find_formats(streamd_store *store, const struct sx_compiled *compiled, const char *name,
                                   streamd_error **error)
{
    for (uint32_t s = 0; s < compiled->source_count; s++) {
        const struct sx_source_spec *spec = compiled->sources[s];

        if (strcmp(spec->name, name) != 0)
            continue;
        store->key_format = spec->key_format;
        store->key_plan = spec->key_plan;
        store->value_format = spec->value_format;
        store->value_plan = spec->value_plan;
        return STREAMD_OK;
    }
    return bind_formats(store, error);
}

/* The stores that the view reads. False: too many. */
static bool find_stores(streamd_store *store, const struct sx_view_plan *view)
{
    struct sx_node_plan *node = &store->node_plan;
    uint32_t i = 0;

    for (uint32_t k = 0; k < SX_COUNT(view->inputs); k++)
        if (view->inputs[k] != NULL && !find_stores(store, view->inputs[k]))
            return false;
    if (view->store == NULL)
        return true;
    while (i < node->store_count && node->stores[i] != view->store->index)
        i++;
    if (i == SX_COUNT(store->lent))
        return false;
    if (i == node->store_count)
        node->stores[node->store_count++] = view->store->index;
    store->windows[i] = view->kind == SX_VIEW_GROUPS ? view->window : NULL;
    store->lent[i].store.plan = view->store;
    return true;
}

streamd_status sx_api_store_open(const streamd_topology *topology, const char *name, sx_api_look_fn look,
                                 void *source, streamd_store **opened, streamd_error **error)
{
    const struct sx_compiled *compiled = topology->compiled;
    const struct sx_flow *flow;
    streamd_store *store;
    streamd_status status = find_flow(compiled, name, &flow, error);

    if (status != STREAMD_OK)
        return status;
    if (flow->view == NULL)
        return sx_fail(error, STREAMD_E_ARGUMENT, "the rows of `%s` are not kept anywhere", name);
    store = sx_calloc(1, sizeof(*store));
    store->look = look;
    store->source = source;
    store->flow = flow;
    sx_arena_init(&store->plans, 4096);
    sx_arena_init(&store->arena, 4096);
    pthread_mutex_init(&store->lock, NULL);
    status = find_formats(store, compiled, name, error);
    if (status == STREAMD_OK && !find_stores(store, flow->view))
        status = sx_fail(error, STREAMD_E_ARGUMENT, "`%s` is made of more than %d tables", name,
                         (int)SX_COUNT(store->lent));
    if (status != STREAMD_OK) {
        streamd_store_close(store);
        return status;
    }
    store->node.plan = &store->node_plan;
    store->node.ops = &node_ops;
    store->node.arena = &store->arena;
    for (uint32_t i = 0; i < store->node_plan.store_count; i++) {
        store->lent[i].store.ops = &lent_ops;
        store->lent[i].owner = store;
        store->node.stores[i] = &store->lent[i].store;
    }
    store->view = sx_view_open(flow->view, &store->node);
    *opened = store;
    return STREAMD_OK;
}

bool sx_api_store_form(const streamd_store *store, struct sx_record_form *form)
{
    *form = (struct sx_record_form){.key_format = store->key_format,
                                    .key_plan = store->key_plan,
                                    .value_format = store->value_format,
                                    .value_plan = store->value_plan};
    return store->flow->schema->windowed;
}

void streamd_store_close(streamd_store *store)
{
    if (store == NULL)
        return;
    sx_view_close(store->view);
    sx_buffer_free(&store->node.scratch);
    sx_arena_free(&store->plans);
    sx_arena_free(&store->arena);
    pthread_mutex_destroy(&store->lock);
    free(store);
}

static streamd_status look_at_engine(void *source, const uint32_t *stores, uint32_t count, sx_stores_fn fn,
                                     void *arg, bool *all, streamd_error **error)
{
    struct sx_engine *running = atomic_load(&((streamd_engine *)source)->engine);

    return running ? sx_engine_look(running, stores, count, fn, arg, all, error)
                   : sx_fail(error, STREAMD_E_STATE, "the engine has not been started");
}

streamd_status streamd_store_open(streamd_engine *engine, const char *name, streamd_store **store,
                                  streamd_error **error)
{
    if (error != NULL)
        *error = NULL;
    return sx_api_store_open(engine->topology, name, look_at_engine, engine, store, error);
}

/* ---- Looking --------------------------------------------------------------------------------- */

/* The key's bytes as columns of one row. */
static streamd_status read_key(streamd_store *store, streamd_bytes bytes, streamd_error **error)
{
    const struct sx_schema *schema = store->flow->schema;
    struct sx_slice key = sx_api_slice(bytes);
    struct sx_format_failures failures = {.arena = &store->arena};
    uint64_t *wanted = SX_ARENA_ARRAY(&store->arena, uint64_t, SX_BITMAP_WORDS(schema->count) + 1);

    store->key =
        (struct sx_batch){.schema = schema,
                          .rows = 1,
                          .count = 1,
                          .columns = SX_ARENA_ARRAY(&store->arena, struct sx_column, schema->count + 1)};
    for (uint32_t c = 0; c < schema->count; c++) {
        store->key.columns[c].type = schema->fields[c].type;
        if (c < schema->key_count)
            sx_bit_set(wanted, c);
    }
    store->key_format->decode(store->key_plan, &key, 1, false, wanted, store->key.columns, &store->arena,
                              &failures);
    return failures.count == 0 ? STREAMD_OK
                               : sx_fail(error, STREAMD_E_DECODE, "the key: %s", failures.items[0].message);
}

/* The view's rows for `windows` of the key (NULL: it has none), and whether any is there. */
static bool read_view(streamd_store *store, const struct sx_window *windows, uint32_t count)
{
    const struct sx_schema *schema = store->flow->schema;
    uint16_t *first = SX_ARENA_ARRAY(&store->arena, uint16_t, count);
    struct sx_batch keys = store->key, *rows = &store->found[store->found_count];

    keys.columns = SX_ARENA_ARRAY(&store->arena, struct sx_column, schema->count + 1);
    for (uint32_t k = 0; k < schema->key_count; k++)
        keys.columns[k] = sx_column_gather(&store->arena, &store->key.columns[k], first, count);
    keys.ts = SX_ARENA_ARRAY(&store->arena, int64_t, count);
    keys.rows = keys.count = count;
    keys.windows = windows;
    sx_view_read(store->view, &store->node, &keys, NULL, rows);
    for (uint32_t i = 0; i < count; i++)
        if (!sx_batch_is_gone(rows, i)) {
            store->found_count++;
            return true;
        }
    return false;
}

/* Lend the stores of one partition number to the view. False: it has not all of them. */
static bool lend(streamd_store *store, struct sx_store *const *stores)
{
    for (uint32_t i = 0; i < store->node_plan.store_count; i++) {
        store->lent[i].of = stores[store->node_plan.stores[i]];
        if (store->lent[i].of == NULL)
            return false;
    }
    return true;
}

static bool look_for_row(struct sx_store *const *stores, void *arg)
{
    streamd_store *store = arg;

    if (!lend(store, stores))
        return true;
    store->found = SX_ARENA_NEW(&store->arena, struct sx_batch);
    return !read_view(store, NULL, 1) && store->error == NULL;
}

struct windows {
    struct sx_window *items;
    uint32_t count, room;
};

static void add_window(struct sx_window window, void *arg)
{
    struct windows *windows = arg;

    if (windows->count == windows->room) {
        windows->room = windows->room ? windows->room * 2 : 64;
        windows->items = sx_realloc(windows->items, sizeof(*windows->items) * windows->room);
    }
    windows->items[windows->count++] = window;
}

static int by_time(const void *a, const void *b)
{
    const struct sx_window *x = a, *y = b;

    if (x->start != y->start)
        return x->start < y->start ? -1 : 1;
    return (x->end > y->end) - (x->end < y->end);
}

/* The windows of the key in any of the stores, oldest first. */
static uint32_t find_windows(streamd_store *store, struct sx_window **windows)
{
    const struct sx_schema *schema = store->flow->schema;
    struct sx_slice key = sx_row_key(&store->node, &store->key, schema->key_count, 0);
    struct windows found = {0};
    uint32_t count = 0;

    for (uint32_t i = 0; i < store->node_plan.store_count && store->error == NULL; i++)
        if (store->windows[i] != NULL)
            sx_window_each_of(store->windows[i], store->lent[i].of, key, store->from, store->to, add_window,
                              &found, &store->error);
    if (found.count)
        qsort(found.items, found.count, sizeof(*found.items), by_time);
    *windows = SX_ARENA_ARRAY(&store->arena, struct sx_window, found.count + 1);
    for (uint32_t i = 0; i < found.count; i++)
        if (i == 0 || by_time(&found.items[i], &found.items[i - 1]) != 0)
            (*windows)[count++] = found.items[i];
    free(found.items);
    return count;
}

static bool look_for_windows(struct sx_store *const *stores, void *arg)
{
    streamd_store *store = arg;
    struct sx_window *windows;
    uint32_t count;

    if (!lend(store, stores))
        return true;
    count = find_windows(store, &windows);
    store->found = SX_ARENA_ARRAY(&store->arena, struct sx_batch, count / SX_BATCH_ROWS + 1);
    for (uint32_t at = 0; at < count; at += SX_BATCH_ROWS)
        read_view(store, windows + at, SX_MIN(count - at, SX_BATCH_ROWS));
    return store->found_count == 0 && store->error == NULL;
}

/* Under the lock: find the rows of a key. What was found stays until the next look. */
static streamd_status look(streamd_store *store, streamd_bytes key, sx_stores_fn fn, bool *all,
                           streamd_error **error)
{
    streamd_status status;

    sx_arena_reset(&store->arena);
    store->found_count = 0;
    store->error = NULL;
    status = read_key(store, key, error);
    if (status == STREAMD_OK)
        status = store->look(store->source, store->node_plan.stores, store->node_plan.store_count, fn, store,
                             all, error);
    if (status == STREAMD_OK && store->error != NULL) {
        status = streamd_error_status(store->error);
        if (error != NULL)
            *error = sx_error_copy(store->error);
    }
    streamd_error_free(store->error);
    return status;
}

static streamd_status write_value(const streamd_store *store, const struct sx_batch *rows, uint32_t row,
                                  struct sx_buffer *to, struct sx_arena *arena, streamd_error **error)
{
    const struct sx_schema *schema = store->flow->schema;
    const struct sx_column **columns =
        SX_ARENA_ARRAY(arena, const struct sx_column *, schema->value_count + 1);
    const char *message = NULL;

    for (uint32_t v = 0; v < schema->value_count; v++)
        columns[v] = &rows->columns[schema->key_count + v];
    if (store->value_format->encode(store->value_plan, columns, row, to, arena, &message))
        return STREAMD_OK;
    return sx_fail(error, STREAMD_E_DECODE, "the value: %s", message);
}

static streamd_status not_here(bool all, streamd_error **error)
{
    return all ? sx_fail(error, STREAMD_E_NOTFOUND, "there is no row of that key")
               : sx_fail_retriable(error, STREAMD_E_MOVED,
                                   "there is no row of that key here, and some partitions are not here");
}

streamd_status streamd_store_get(streamd_store *store, streamd_bytes key, streamd_buffer **value,
                                 streamd_error **error)
{
    struct sx_buffer bytes = {0};
    streamd_status status;
    bool all = true;

    if (error != NULL)
        *error = NULL;
    if (store->flow->schema->windowed)
        return sx_fail(error, STREAMD_E_ARGUMENT, "its rows are by window: ask for the windows of the key");
    pthread_mutex_lock(&store->lock);
    status = look(store, key, look_for_row, &all, error);
    if (status == STREAMD_OK)
        status = store->found_count ? write_value(store, &store->found[0], 0, &bytes, &store->arena, error)
                                    : not_here(all, error);
    pthread_mutex_unlock(&store->lock);
    if (status == STREAMD_OK)
        *value = sx_public_buffer(&bytes);
    else
        sx_buffer_free(&bytes);
    return status;
}

streamd_status streamd_store_each_window(streamd_store *store, streamd_bytes key, int64_t from_ms,
                                         int64_t to_ms, streamd_window_fn fn, void *arg,
                                         streamd_error **error)
{
    struct sx_buffer bytes = {0};
    streamd_status status;
    bool all = true, more = true;

    if (error != NULL)
        *error = NULL;
    if (store->flow->window == NULL || (store->windows[0] == NULL && store->windows[1] == NULL))
        return sx_fail(error, STREAMD_E_ARGUMENT, "its rows have no windows of an aggregate");
    pthread_mutex_lock(&store->lock);
    store->from = from_ms;
    store->to = to_ms;
    status = look(store, key, look_for_windows, &all, error);
    if (status == STREAMD_OK && store->found_count == 0 && !all)
        status = not_here(all, error);
    for (uint32_t b = 0; b < store->found_count && status == STREAMD_OK && more; b++) {
        const struct sx_batch *rows = &store->found[b];

        for (uint32_t i = 0; i < rows->rows && status == STREAMD_OK && more; i++) {
            if (sx_batch_is_gone(rows, i))
                continue;
            bytes.size = 0;
            status = write_value(store, rows, i, &bytes, &store->arena, error);
            if (status == STREAMD_OK)
                more = fn(rows->windows[i].start, rows->windows[i].end,
                          (streamd_bytes){bytes.data, bytes.size}, arg);
        }
    }
    pthread_mutex_unlock(&store->lock);
    sx_buffer_free(&bytes);
    return status;
}
