/* to_topic.c: the sink: columns to the bytes of records. */
#include "operators/sink.h"

#include "engine/format/windowed_key.h"

#include <stdlib.h>

enum { TOPIC, BODY };

static const struct sx_clause clauses[] = {
    [TOPIC] = {NULL, SX_CLAUSE_TEXT, false, "The topic."},
    [BODY] = {NULL, SX_CLAUSE_BODY, true,
              "`key F`, `value F`, `time EXPR`, `partition by EXPR`, `headers { ... }`."},
};

static void body_columns(const struct sx_body *body, uint64_t *reads)
{
    for (uint32_t i = 0; i < body->key_count; i++)
        sx_bit_set(reads, body->key_columns[i]);
    for (uint32_t i = 0; i < body->value_count; i++)
        if (body->value_columns[i] < SX_COLUMN_WINDOW_START)
            sx_bit_set(reads, body->value_columns[i]);
    if (body->time != NULL)
        sx_program_columns(body->time, reads);
    if (body->partition != NULL)
        sx_program_columns(body->partition, reads);
    sx_named_columns(body->headers, body->header_count, reads);
}

uint64_t *sx_sink_columns(struct sx_bind *b, const struct sx_flow *flow, const struct sx_sink_plan *plan)
{
    uint64_t *reads = sx_bind_columns(b, flow->schema);

    body_columns(plan->body, reads);
    return reads;
}

void sx_sink_describe(struct sx_topic_plan *topic, const struct sx_body *body)
{
    topic->sink_key_format = body->key_format;
    topic->sink_key_plan = body->key_plan;
    topic->sink_key_windowed = body->key_windowed;
    topic->sink_key_window_ms = body->key_window_ms;
    topic->sink_value_format = body->value_format;
    topic->sink_value_plan = body->value_plan;
}

/* `string`, `windowed int`, `json { shop string, day date }`, `none`. */
static const char *keys_in_words(struct sx_bind *b, const struct sx_schema *schema,
                                 const struct sx_body *body)
{
    struct sx_buffer text = {0};
    const char *words;

    sx_buffer_add_text(&text, body->key_windowed ? "windowed " : "");
    sx_buffer_add_text(&text, body->key_format->name);
    /* One column by itself, several by their names; only of JSON the type says more than the format. */
    if (body->key_count > 1 || strcmp(body->key_format->name, "json") == 0) {
        sx_buffer_add_text(&text, body->key_count > 1 ? " {" : "");
        for (uint32_t k = 0; k < body->key_count; k++) {
            const struct sx_field *field = &schema->fields[body->key_columns[k]];

            if (body->key_count > 1)
                sx_buffer_printf(&text, k ? ", %s" : " %s", field->name);
            sx_buffer_printf(&text, " %s", sx_type_text(field->type, b->arena));
        }
        sx_buffer_add_text(&text, body->key_count > 1 ? " }" : "");
    }
    words = sx_arena_strndup(b->arena, text.data, text.size);
    sx_buffer_free(&text);
    return words;
}

bool sx_sink_agrees(struct sx_bind *b, int clause, struct sx_topic_plan *topic, const struct sx_flow *flow,
                    const struct sx_body *body)
{
    const char *keys = keys_in_words(b, flow->schema, body);
    struct sx_position at = b->ops->position(b, clause);
    bool same_file =
        topic->sink_keys == NULL || topic->sink_at.file == at.file ||
        (at.file != NULL && topic->sink_at.file != NULL && strcmp(at.file, topic->sink_at.file) == 0);

    if (topic->sink_keys != NULL && strcmp(topic->sink_keys, keys) != 0) {
        sx_bind_fail(b, clause,
                     "write both keys alike, as with `key by` or a body `{ key F }`, or to two topics",
                     "the keys of `%s` are written as `%s` here, and as `%s` at %s%sline %u, column %u",
                     topic->name, keys, topic->sink_keys, same_file ? "" : topic->sink_at.file,
                     same_file ? "" : ", ", topic->sink_at.line, topic->sink_at.column);
        return false;
    }
    if (topic->sink_keys == NULL)
        topic->sink_at = at;
    topic->sink_keys = keys;
    return true;
}

static void bind(struct sx_bind *b)
{
    const struct sx_flow *in = sx_bind_input(b);
    struct sx_sink_plan *plan = SX_ARENA_NEW(b->arena, struct sx_sink_plan);
    const char *name = b->ops->text(b, TOPIC);
    struct sx_node_plan *node;
    struct sx_topic_plan *topic;

    if (in->kind == SX_FLOW_GROUPS || in->kind == SX_FLOW_GLOBAL)
        sx_bind_fail(b, -1, in->kind == SX_FLOW_GROUPS ? "write `| aggregate { ... }` before it" : NULL,
                     "a sink takes a stream or a table");
    if (name == NULL || name[0] == '\0')
        sx_bind_fail(b, TOPIC, NULL, "the topic has no name");
    if (sx_bind_failed(b))
        return;
    plan->body = b->ops->body(b, sx_bind_given(b, BODY) ? BODY : -1, in);
    if (sx_bind_failed(b) || plan->body == NULL)
        return;
    topic = sx_plan_topic(b->plan, name, SX_TOPIC_SINK);
    topic->at = b->ops->position(b, TOPIC);
    if (!sx_sink_agrees(b, TOPIC, topic, in, plan->body))
        return;
    if (topic->key_format == NULL) {
        topic->key_format = plan->body->key_format;
        topic->key_plan = plan->body->key_plan;
    }
    sx_sink_describe(topic, plan->body);
    plan->schema = in->schema;
    plan->has_headers = in->has_headers;
    plan->latest_only = in->kind == SX_FLOW_TABLE && in->emit == SX_EMIT_CHANGES;
    plan->at = b->ops->position(b, -1);
    node = sx_bind_node(b, in, b->named ? sx_arena_format(b->arena, "to:%s", name) : NULL, plan, in->schema);
    node->topics[node->topic_count++] = topic->index;
    node->reads[0] = sx_sink_columns(b, in, plan);
}

void sx_sink_open(const struct sx_sink_plan *plan, struct sx_sink_state *state)
{
    if (plan->body->time != NULL)
        state->time = sx_evaluator_new(plan->body->time);
    if (plan->body->partition != NULL)
        state->partition = sx_evaluator_new(plan->body->partition);
    state->headers = sx_evaluators_open(plan->body->headers, plan->body->header_count);
    state->bytes = sx_calloc(3, sizeof(*state->bytes));
}

void sx_sink_close(const struct sx_sink_plan *plan, struct sx_sink_state *state)
{
    if (state->time != NULL)
        sx_evaluator_free(state->time);
    if (state->partition != NULL)
        sx_evaluator_free(state->partition);
    sx_evaluators_close(state->headers, plan->body->header_count);
    for (uint32_t i = 0; i < 3; i++)
        sx_buffer_free(&state->bytes[i]);
    free(state->bytes);
}

/* What is evaluated of a batch before its rows are written one by one. */
struct sink_columns {
    struct sx_column time, partition;
    struct sx_column *headers;
    struct sx_column window[2]; /* start and end as columns, for the value */
    const struct sx_column **key, **value;
};

static bool prepare(const struct sx_sink_plan *plan, struct sx_sink_state *state, struct sx_node *node,
                    const struct sx_batch *batch, struct sink_columns *c)
{
    const struct sx_body *body = plan->body;
    struct sx_row_failures failures = {0};

    c->headers = SX_ARENA_ARRAY(node->arena, struct sx_column, body->header_count + 1);
    for (uint32_t h = 0; h < body->header_count; h++)
        sx_eval_column(state->headers[h], batch, node->arena, &c->headers[h], &failures);
    if (body->time != NULL)
        sx_eval_column(state->time, batch, node->arena, &c->time, &failures);
    if (body->partition != NULL)
        sx_eval_column(state->partition, batch, node->arena, &c->partition, &failures);
    if (sx_node_reject_all(node, batch, &failures))
        return false;
    c->key = SX_ARENA_ARRAY(node->arena, const struct sx_column *, body->key_count + 1);
    c->value = SX_ARENA_ARRAY(node->arena, const struct sx_column *, body->value_count + 1);
    for (uint32_t i = 0; i < body->key_count; i++)
        c->key[i] = &batch->columns[body->key_columns[i]];
    for (uint32_t i = 0; i < body->value_count; i++) {
        uint16_t column = body->value_columns[i];

        if (column < SX_COLUMN_WINDOW_START) {
            c->value[i] = &batch->columns[column];
            continue;
        }
        c->window[column - SX_COLUMN_WINDOW_START] =
            sx_column_new(node->arena, &sx_type_timestamp, batch->rows);
        for (SX_EACH_ROW(batch, r, row))
            c->window[column - SX_COLUMN_WINDOW_START].i[row] =
                column == SX_COLUMN_WINDOW_START ? batch->windows[row].start : batch->windows[row].end;
        c->value[i] = &c->window[column - SX_COLUMN_WINDOW_START];
    }
    return true;
}

/* The row's own headers, those of the body, then the extra ones. */
static uint32_t gather_headers(const struct sx_sink_plan *plan, struct sx_node *node,
                               const struct sx_batch *batch, uint32_t row, const struct sink_columns *c,
                               const struct sx_header *extra, uint32_t extra_count,
                               const struct sx_header **headers)
{
    const struct sx_record *record = plan->has_headers && batch->origin ? sx_batch_record(batch, row) : NULL;
    uint32_t own = record ? record->header_count : 0, count = 0;
    struct sx_header *all;

    if (plan->body->header_count + extra_count == 0) {
        *headers = own ? record->headers : NULL;
        return own;
    }
    all = sx_arena_alloc(node->arena, sizeof(*all) * (own + plan->body->header_count + extra_count));
    for (uint32_t i = 0; i < own; i++)
        all[count++] = record->headers[i];
    for (uint32_t i = 0; i < plan->body->header_count; i++) {
        const struct sx_named *header = &plan->body->headers[i];
        bool null = sx_column_is_null(&c->headers[i], row);

        all[count].name = sx_slice_of(header->name);
        all[count++].value = null ? SX_SLICE_NONE : c->headers[i].s[row];
    }
    for (uint32_t i = 0; i < extra_count; i++)
        all[count++] = extra[i];
    *headers = all;
    return count;
}

void sx_sink_write(const struct sx_sink_plan *plan, struct sx_sink_state *state, struct sx_node *node,
                   uint32_t topic, const struct sx_batch *batch, const struct sx_header *extra,
                   uint32_t extra_count)
{
    const struct sx_body *body = plan->body;
    struct sx_buffer *key = &state->bytes[0], *value = &state->bytes[1], *place = &state->bytes[2];
    struct sink_columns c;

    if (!prepare(plan, state, node, batch, &c))
        return;
    for (SX_EACH_ROW(batch, i, row)) {
        struct sx_send send = {.topic = topic,
                               .timestamp = batch->ts[row],
                               .partition = -1,
                               .latest_only = plan->latest_only,
                               .batch = batch,
                               .row = row};
        const char *message = NULL;
        bool null_key = body->key_count == 0;

        key->size = value->size = place->size = 0;
        for (uint32_t k = 0; k < body->key_count && !null_key; k++)
            null_key = body->key_count == 1 && sx_column_is_null(c.key[k], row);
        if (!null_key) {
            sx_buffer_room(key, 1);
            if (!body->key_format->encode(body->key_plan, c.key, row, key, node->arena, &message)) {
                sx_node_reject(node, batch, row, "encode", plan->at, message);
                continue;
            }
            send.place = sx_buffer_slice(key);
            if (body->key_windowed) {
                /* Its place is that of the inner key. */
                sx_buffer_add_slice(place, sx_buffer_slice(key));
                send.place = sx_buffer_slice(place);
                sx_windowed_key_add(key, batch->windows[row], body->key_window_ms < 0);
            }
            send.key = sx_buffer_slice(key);
        }
        /* As Kafka's serializers do with a null. */
        if (!sx_batch_is_gone(batch, row) && !(body->value_whole && sx_column_is_null(c.value[0], row))) {
            sx_buffer_room(value, 1);
            if (!body->value_format->encode(body->value_plan, c.value, row, value, node->arena, &message)) {
                sx_node_reject(node, batch, row, "encode", plan->at, message);
                continue;
            }
            send.value = sx_buffer_slice(value);
        }
        if (body->time != NULL) {
            if (sx_column_is_null(&c.time, row) || c.time.i[row] < 0) {
                sx_node_reject(node, batch, row, "timestamp", plan->at,
                               "the sink's `time` is null or negative");
                continue;
            }
            send.timestamp = c.time.i[row];
        }
        if (body->partition != NULL && !sx_column_is_null(&c.partition, row)) {
            struct sx_value by = sx_column_get(&c.partition, row);

            place->size = 0;
            if (by.kind == SX_STRING || by.kind == SX_BYTES) {
                sx_buffer_add_slice(place, sx_value_slice(by));
            } else {
                sx_put_be64(sx_buffer_room(place, 8), (uint64_t)by.i);
                place->size = 8;
            }
            send.place = sx_buffer_slice(place);
        }
        if (batch->windows != NULL && plan->schema->windowed)
            send.window = &batch->windows[row];
        send.header_count = gather_headers(plan, node, batch, row, &c, extra, extra_count, &send.headers);
        sx_node_send(node, &send);
    }
}

static void open(const void *p, void *s, struct sx_node *node) { sx_sink_open(p, s); }
static void close(const void *p, void *s, struct sx_node *node) { sx_sink_close(p, s); }

static void process(const void *p, void *s, struct sx_node *node, uint32_t input,
                    const struct sx_batch *batch)
{
    sx_sink_write(p, s, node, 0, batch, NULL, 0);
}

const struct sx_operator_def sx_operator_to_topic = {
    .name = "to topic",
    .summary = "Write rows to a topic: the key columns as the record's key, the value columns as its value.",
    .takes = "any ->",
    .clauses = clauses,
    .clause_count = SX_COUNT(clauses),
    .example = {.program = "stream bids from topic \"bids\" { key string value json { price int } }\n"
                           "bids | to topic \"prices\" { value int }\n",
                .in = "{\"topic\":\"bids\",\"key\":\"a\",\"value\":{\"price\":7},\"timestamp\":1}\n",
                .out = "{\"topic\":\"prices\",\"key\":\"a\",\"value\":7,\"timestamp\":1}\n"},
    .bind = bind,
    .state_bytes = sizeof(struct sx_sink_state),
    .open = open,
    .process = process,
    .close = close,
};
