/* emit_at.c: all rows of a table, whenever a schedule fires.
 *
 *   schedule ──(0)── emit at ── rows
 *   table ────(1)──'   only puts it into the same tasks: rows are looked up
 *
 * Each partition has the schedule for itself, and how far it got is kept and committed with what it caused:
 * so a firing happens once in each, whoever owns it. The rows leave by window and key, with the time for
 * which the firing was planned.
 */
#include "operators/emit.h"
#include "operators/history.h"
#include "operators/view.h"
#include "operators/windowing.h"

#include <stdlib.h>

enum { WHEN, ZONE };

struct at_plan {
    const struct sx_view_plan *view;
    const struct sx_schema *schema;
    const struct sx_type **key_types;
    const char *when, *zone;
    struct sx_position at;
};

struct at_state {
    struct sx_view *view;
};

static const struct sx_clause clauses[] = {
    [WHEN] = {NULL, SX_CLAUSE_TEXT, false, "When, as cron writes it: `minute hour day month weekday`."},
    [ZONE] = {"in", SX_CLAUSE_TEXT, true, "The time zone; without it UTC."},
};

/* ---- Plan ------------------------------------------------------------------------------------ */

/* A name for the schedule's source and store, numbered only when the definition has several. */
static const char *source_name(struct sx_bind *b)
{
    const char *name = sx_arena_format(b->arena, "%s-at", b->definition);
    uint32_t number = 2;

    for (uint32_t s = 0; s < b->plan->store_count; s++)
        if (strcmp(b->plan->stores[s]->name, name) == 0) {
            name = sx_arena_format(b->arena, "%s-at-%u", b->definition, number++);
            s = UINT32_MAX;
        }
    return name;
}

static const struct sx_flow *bind_schedule(struct sx_bind *b, const struct at_plan *plan)
{
    struct sx_source_spec spec = {.kind = SX_FLOW_STREAM, .medium = SX_MEDIUM_SCHEDULE, .topic_count = 1};
    const char *message = NULL, *topic;

    spec.schedule = b->catalog->schedule(plan->when, plan->zone, b->arena, &message);
    if (spec.schedule == NULL) {
        /* Is it the zone? */
        bool zone = b->catalog->schedule(plan->when, NULL, b->arena, &(const char *){NULL}) != NULL;

        sx_bind_fail(b, zone ? ZONE : WHEN,
                     zone ? "zones are named as in `Europe/Paris`, `UTC`, `+02:00`"
                          : "every day at eight is \"0 8 * * *\"",
                     "%s", message);
        return NULL;
    }
    spec.name = source_name(b);
    topic = sx_arena_format(b->arena, "schedule:%s", spec.name);
    spec.topics = &topic;
    spec.at = plan->at;
    /* In every partition that the table has. */
    sx_plan_topic(b->plan, topic, SX_TOPIC_SOURCE)->follows = true;
    return sx_source_bind(b->plan, b->catalog, &spec);
}

static bool takes(struct sx_bind *b, const struct sx_flow *in)
{
    if (!sx_emit_takes(b, in))
        return false;
    if (in->view == NULL)
        sx_bind_fail(b, -1, "put it behind `changes` and `latest`", "the rows of `%s` are not kept anywhere",
                     in->name);
    return !sx_bind_failed(b);
}

static void bind(struct sx_bind *b)
{
    const struct sx_flow *in = sx_bind_input(b), *schedule;
    struct at_plan *plan = SX_ARENA_NEW(b->arena, struct at_plan);
    struct sx_schema *schema;
    struct sx_node_plan *node;
    struct sx_flow *out;

    if (!takes(b, in))
        return;
    plan->when = b->ops->text(b, WHEN);
    plan->zone = sx_bind_given(b, ZONE) ? b->ops->text(b, ZONE) : NULL;
    plan->at = b->ops->position(b, -1);
    if (sx_bind_failed(b) || (schedule = bind_schedule(b, plan)) == NULL)
        return;
    schema = sx_schema_of(b->arena, in->schema->fields, in->schema->count, in->schema);
    schema->is_table = schema->has_metadata = false;
    plan->view = in->view;
    plan->schema = schema;
    plan->key_types = sx_schema_types(b->arena, schema);
    node = sx_bind_node(b, schedule, "emit at", plan, schema);
    node->reads[0] = sx_bind_columns(b, schedule->schema);
    if (!sx_view_use(b, node, in->view, 1))
        return;
    out = sx_bind_flow_like(b, in);
    out->kind = SX_FLOW_STREAM;
    out->node = node;
    out->port = SX_PORT_ROWS;
    out->schema = schema;
    out->view = NULL;
    out->window = NULL;
    out->emit = SX_EMIT_CHANGES;
    out->emit_written = out->has_headers = false;
    b->result = out;
}

/* ---- Run ------------------------------------------------------------------------------------- */

static void open(const void *p, void *s, struct sx_node *node)
{
    ((struct at_state *)s)->view = sx_view_open(((const struct at_plan *)p)->view, node);
}

static void close(const void *p, void *s, struct sx_node *node)
{
    sx_view_close(((struct at_state *)s)->view);
}

/* The keys that rows of a view can have, with their windows. */
struct place {
    struct sx_slice key;
    struct sx_window window;
};

struct places {
    struct sx_node *node;
    struct place *items;
    uint32_t count, room;
};

static void add_place(struct sx_slice key, struct sx_window window, void *arg)
{
    struct places *places = arg;

    if (places->count == places->room) {
        places->room = places->room ? places->room * 2 : 1024;
        places->items = sx_realloc(places->items, sizeof(*places->items) * places->room);
    }
    places->items[places->count++] = (struct place){sx_arena_copy(places->node->arena, key), window};
}

static bool add_row(int64_t segment, struct sx_slice key, struct sx_slice value, void *arg)
{
    add_place(key, (struct sx_window){0}, arg);
    return true;
}

static void find_in(const struct sx_view_plan *view, struct sx_store *store, struct places *places)
{
    int64_t segment = view->retention_ms ? SX_HISTORY_NEWEST : 0;

    if (view->kind == SX_VIEW_GROUPS && view->window != NULL)
        sx_window_each(view->window, store, add_place, places);
    else
        sx_store_each(store, segment, segment + 1, add_row, places);
}

static void find_places(const struct sx_view_plan *view, struct places *places)
{
    const struct sx_node *node = places->node;

    for (uint32_t i = 0; view->store != NULL && i < node->plan->store_count; i++)
        if (node->plan->stores[i] == view->store->index)
            find_in(view, node->stores[i], places);
    /* A side that must be there has all keys. */
    if (view->inputs[0] != NULL &&
        (view->kind != SX_VIEW_PAIR || view->pairing->needs_left || !view->pairing->needs_right))
        find_places(view->inputs[0], places);
    if (view->kind == SX_VIEW_PAIR && !view->pairing->needs_left)
        find_places(view->inputs[1], places);
}

/* By window, then by key. */
static int compare_places(const void *a, const void *b)
{
    const struct place *x = a, *y = b;

    if (x->window.start != y->window.start)
        return x->window.start < y->window.start ? -1 : 1;
    if (x->window.end != y->window.end)
        return x->window.end < y->window.end ? -1 : 1;
    return sx_slice_compare(x->key, y->key);
}

/* The rows of some keys, as of this firing. */
static void emit(const struct at_plan *plan, struct at_state *state, struct sx_node *node,
                 const struct sx_batch *cause, uint32_t row, const struct place *places, uint32_t count)
{
    uint32_t key_count = plan->schema->key_count;
    struct sx_value *values = SX_ARENA_ARRAY(node->arena, struct sx_value, key_count + 1);
    uint16_t *origin_row = sx_arena_alloc(node->arena, sizeof(*origin_row) * (count + 1));
    int64_t *ts = sx_arena_alloc(node->arena, sizeof(*ts) * (count + 1));
    struct sx_window *windows = sx_arena_alloc(node->arena, sizeof(*windows) * (count + 1));
    struct sx_batch asked = {.schema = plan->view->schema,
                             .rows = count,
                             .count = count,
                             .columns = sx_columns_new(node->arena, plan->schema, count),
                             .ts = ts,
                             .windows = plan->schema->windowed ? windows : NULL,
                             .origin = cause->origin,
                             .origin_row = origin_row};
    struct sx_batch rows;

    for (uint32_t i = 0; i < count; i++) {
        if (!sx_key_read(places[i].key, plan->key_types, key_count, values, node->arena)) {
            sx_node_reject(node, cause, row, "state", plan->at, "a stored key is damaged");
            return;
        }
        for (uint32_t k = 0; k < key_count; k++)
            sx_column_set(&asked.columns[k], i, values[k]);
        ts[i] = cause->ts[row];
        windows[i] = places[i].window;
        origin_row[i] = cause->origin_row ? cause->origin_row[row] : (uint16_t)row;
    }
    sx_view_read(state->view, node, &asked, NULL, &rows);
    rows = sx_batch_present(node->arena, &rows);
    rows.schema = plan->schema;
    rows.ts = ts;
    rows.windows = asked.windows;
    rows.gone = NULL;
    rows.origin = asked.origin;
    rows.origin_row = origin_row;
    sx_node_emit(node, SX_PORT_ROWS, &rows);
}

static void process(const void *p, void *s, struct sx_node *node, uint32_t input,
                    const struct sx_batch *batch)
{
    const struct at_plan *plan = p;
    struct places places = {.node = node};

    if (input != 0)
        return; /* a change of the table: it is in its store */
    find_places(plan->view, &places);
    if (places.count)
        qsort(places.items, places.count, sizeof(*places.items), compare_places);
    /* Each side of an outer join may have the key. */
    for (uint32_t i = 1, left = SX_MIN(places.count, 1u), all = places.count; i < all; i++) {
        if (compare_places(&places.items[i], &places.items[left - 1]) != 0)
            places.items[left++] = places.items[i];
        places.count = left;
    }
    for (SX_EACH_ROW(batch, i, row))
        for (uint32_t at = 0; at < places.count; at += SX_BATCH_ROWS)
            emit(plan, s, node, batch, row, places.items + at,
                 SX_MIN(places.count - at, (uint32_t)SX_BATCH_ROWS));
    free(places.items);
}

static void print(const void *p, struct sx_buffer *to)
{
    const struct at_plan *plan = p;

    sx_buffer_printf(to, plan->zone ? "\"%s\" in %s" : "\"%s\"", plan->when, plan->zone);
}

const struct sx_operator_def sx_operator_emit_at = {
    .name = "emit at",
    .summary =
        "Send every row of a table whenever a schedule fires, by the wall clock; the rows have the time "
        "for which it was planned.",
    .takes = "table -> stream",
    .clauses = clauses,
    .clause_count = SX_COUNT(clauses),
    .example = {.program = "table users from topic \"users\" { key string value json { name string } }\n"
                           "users | emit at \"0 8 * * *\" in \"Europe/Paris\" | to topic \"every-morning\"\n",
                .in = "{\"topic\":\"users\",\"key\":\"b\",\"value\":{\"name\":\"Bob\"},\"timestamp\":1}\n"
                      "{\"topic\":\"users\",\"key\":\"a\",\"value\":{\"name\":\"Ada\"},\"timestamp\":2}\n"
                      "{\"advance\":25199999}\n{\"advance\":1}\n",
                .out =
                    "{\"topic\":\"every-morning\",\"key\":\"a\",\"value\":{\"name\":\"Ada\"},\"timestamp\":"
                    "25200000}\n"
                    "{\"topic\":\"every-morning\",\"key\":\"b\",\"value\":{\"name\":\"Bob\"},\"timestamp\":"
                    "25200000}\n"},
    .bind = bind,
    .state_bytes = sizeof(struct at_state),
    .open = open,
    .process = process,
    .close = close,
    .print = print,
};
