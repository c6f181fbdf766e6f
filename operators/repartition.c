/* repartition.c: one node with two sides: rows are written to a topic by key, and the next
 * subtopology reads them there.
 *
 * A record of a repartition topic:
 *   key    the key columns, in the encoding of the external topic that it will meet in a join, else in
 *          the default encoding of its type; its murmur2 is the partition
 *   value  kind (1: a row) | version (1) | flags (1: the row's value is null; 2: there was a row before;
 *          4: it says its root) | fingerprint (4) | root | row of the columns that something downstream
 *          reads; the fingerprint is of their names and types. Of a table's change: varint size, row |
 *          the row before, if there was one. Root is the source record that it came from, so that
 *          `on error` can name and keep the original: murmur2 of the topic's name (4) | partition, offset
 *          (varints)
 *   time and headers as they were
 */
#include "operators/repartition.h"

#include "engine/base/hash.h"

#include <stdlib.h>

enum { KIND_ROW = 1, VERSION = 1, FLAG_GONE = 1, FLAG_OLD = 2, FLAG_ROOT = 4, HEAD_BYTES = 7 };

struct repartition_plan {
    const struct sx_schema *schema;
    const struct sx_format_def *key_format;
    const void *key_plan;
    int32_t partition_column; /* -1: the partition is by the key */
    struct sx_position at;
};

/* What a task works out once: which columns travel. */
struct travelling {
    uint16_t *columns;
    const struct sx_type **types;
    uint32_t count;
    uint32_t fingerprint;
    struct sx_buffer key, value, row;
};

struct repartition_state {
    struct travelling *t;
    int64_t announced; /* the last notice's time; 0: none */
};

enum { PARTITIONS };
static const struct sx_clause clauses[] = {
    [PARTITIONS] = {NULL, SX_CLAUSE_INTEGER, true, "How many partitions the topic has."},
};

static void bind_key_format(struct sx_bind *b, struct repartition_plan *plan)
{
    const struct sx_schema *schema = plan->schema;
    struct sx_format_field *fields = SX_ARENA_ARRAY(b->arena, struct sx_format_field, schema->key_count + 1);
    struct sx_format_spec spec = {.fields = fields,
                                  .field_count = schema->key_count,
                                  .key = true,
                                  .whole = schema->key_count == 1,
                                  .delimiter = ','};
    streamd_error *error = NULL;
    void *key_plan = NULL;

    for (uint32_t k = 0; k < schema->key_count; k++)
        fields[k] = (struct sx_format_field){.name = schema->fields[k].name, .type = schema->fields[k].type};
    plan->key_format = sx_format_find(sx_format_of_key(schema));
    if (plan->key_format->bind(&spec, b->arena, &key_plan, &error) != STREAMD_OK)
        sx_bind_fail(b, -1, NULL, "%s", streamd_error_message(error));
    streamd_error_free(error);
    plan->key_plan = key_plan;
}

/* The names that several key columns have in the record's key. */
static const char *key_names(struct sx_bind *b, const struct sx_schema *schema)
{
    const char *names = "";

    for (uint32_t k = 0; k < schema->key_count; k++)
        names = sx_arena_format(b->arena, "%s%s,", names, schema->fields[k].name);
    return schema->key_count > 1 ? names : NULL;
}

/* `<application>-<definition>[-<role>]-repartition`; a second one of a definition has a role. */
static struct sx_topic_plan *make_topic(struct sx_bind *b, const char *role)
{
    const char *name = sx_arena_format(b->arena, "%s-%s%s%s-repartition", b->plan->application, b->definition,
                                       role ? "-" : "", role ? role : "");

    for (uint32_t i = 0, number = 2; i < b->plan->topic_count; i++)
        if (strcmp(b->plan->topics[i]->name, name) == 0) {
            name = sx_arena_format(b->arena, "%s-%s-%s%u-repartition", b->plan->application, b->definition,
                                   b->op->internal || role == NULL ? "stage" : role, number++);
            i = 0;
        }
    return sx_plan_topic(b->plan, name, SX_TOPIC_REPARTITION);
}

const struct sx_flow *sx_repartition_bind(struct sx_bind *b, const struct sx_flow *flow, const char *role,
                                          const struct sx_topic_plan *meets, int32_t partitions,
                                          const char *why)
{
    struct repartition_plan *plan = SX_ARENA_NEW(b->arena, struct repartition_plan);
    struct sx_entry_plan *entry = SX_ARENA_NEW(b->arena, struct sx_entry_plan);
    uint32_t *topics = SX_ARENA_ARRAY(b->arena, uint32_t, 1);
    struct sx_topic_plan *topic = make_topic(b, role);
    struct sx_node_plan *node;
    struct sx_schema *schema;
    struct sx_flow *out;
    uint64_t *reads;

    schema = sx_schema_of(b->arena, flow->schema->fields, flow->schema->count, flow->schema);
    schema->has_metadata = false;
    plan->schema = schema;
    plan->partition_column = -1;
    plan->at = b->ops->position(b, -1);
    if (meets != NULL && meets->key_format != NULL) {
        plan->key_format = meets->key_format;
        plan->key_plan = meets->key_plan;
        sx_plan_copartition(b->plan, topic->index, meets->index);
    } else {
        bind_key_format(b, plan);
    }
    topic->partitions = partitions;
    topic->key_format = plan->key_format;
    topic->key_plan = plan->key_plan;
    topic->key_names = meets != NULL && meets->key_format != NULL ? meets->key_names : key_names(b, schema);
    topic->at = plan->at;
    topics[0] = topic->index;
    entry->topics = topics;
    entry->topic_count = 1;
    node = sx_plan_node(b->plan, &sx_operator_repartition, b->definition, "repartition", plan->at);
    node->plan = plan;
    node->schema = schema;
    node->entry = entry;
    node->note = why;
    node->repartition_key = flow->node->repartition_key;
    node->topics[node->topic_count++] = topic->index;
    node->from = sx_from_same(b->arena, schema);
    node->wants_old = schema->is_table;
    reads = sx_bind_columns(b, schema);
    for (uint32_t k = 0; k < schema->key_count; k++)
        sx_bit_set(reads, k);
    node->reads[0] = reads;
    sx_plan_link(b->plan, flow->node, flow->port, node, 0);
    out = sx_bind_flow_like(b, flow);
    out->node = node;
    out->port = SX_PORT_ROWS;
    out->schema = schema;
    out->moved = false;
    out->partitioned_as = (int32_t)topic->index;
    return out;
}

const struct sx_flow *sx_repartition_follow(struct sx_bind *b, const struct sx_flow *flow, const char *role,
                                            const struct sx_topic_plan *meets, const char *why,
                                            int32_t column)
{
    const struct sx_flow *out = sx_repartition_bind(b, flow, role, meets, 0, why);

    b->plan->topics[out->partitioned_as]->follows = true;
    ((struct repartition_plan *)out->node->plan)->partition_column = column;
    return out;
}

static void bind(struct sx_bind *b)
{
    const struct sx_flow *in = sx_bind_input(b);
    int64_t partitions = sx_bind_given(b, PARTITIONS) ? b->ops->integer(b, PARTITIONS) : 0;

    if (in->kind != SX_FLOW_STREAM) {
        sx_bind_fail(b, -1, NULL, "`repartition` takes a stream");
        return;
    }
    if (sx_bind_given(b, PARTITIONS) && (partitions < 1 || partitions > 10000)) {
        sx_bind_fail(b, PARTITIONS, NULL, "the number of partitions must be between 1 and 10,000");
        return;
    }
    if (!sx_bind_failed(b))
        b->result = sx_repartition_bind(b, in, NULL, NULL, (int32_t)partitions, "it is written in the file");
}

static void open(const void *p, void *s, struct sx_node *node)
{
    const struct repartition_plan *plan = p;
    struct travelling *t = sx_calloc(1, sizeof(*t));
    struct sx_buffer text = {0};

    t->columns = sx_calloc(plan->schema->count + 1, sizeof(*t->columns));
    t->types = sx_calloc(plan->schema->count + 1, sizeof(*t->types));
    for (uint32_t c = 0; c < plan->schema->count; c++) {
        if (c >= plan->schema->key_count && !sx_bit(node->plan->needed, c))
            continue;
        t->columns[t->count] = (uint16_t)c;
        t->types[t->count++] = plan->schema->fields[c].type;
    }
    sx_travelling_print(node->plan, &text);
    t->fingerprint = (uint32_t)sx_murmur2(text.data, text.size);
    sx_buffer_free(&text);
    ((struct repartition_state *)s)->t = t;
}

static void close(const void *p, void *s, struct sx_node *node)
{
    struct travelling *t = ((struct repartition_state *)s)->t;

    sx_buffer_free(&t->key);
    sx_buffer_free(&t->value);
    sx_buffer_free(&t->row);
    free(t->columns);
    free(t->types);
    free(t);
}

static void write_change(struct travelling *t, const struct sx_batch *batch, uint32_t row, bool has_old)
{
    t->row.size = 0;
    sx_row_write(&t->row, batch, t->columns, t->count, row);
    sx_buffer_add_varint(&t->value, t->row.size);
    sx_buffer_add_slice(&t->value, sx_buffer_slice(&t->row));
    if (has_old)
        sx_row_write(&t->value, batch->old, t->columns, t->count, row);
}

/* Where the row stands behind head and root; NULL: it is cut off. */
static const char *read_root(struct sx_slice value, struct sx_root *root)
{
    const char *at = value.data + HEAD_BYTES, *end = value.data + value.size;
    uint64_t partition, offset;

    if ((value.data[2] & FLAG_ROOT) == 0)
        return at;
    if (end - at < 4)
        return NULL;
    root->topic = sx_get_be32(at);
    at += 4;
    if (!sx_read_varint(&at, end, &partition) || !sx_read_varint(&at, end, &offset))
        return NULL;
    root->partition = (int32_t)partition;
    root->offset = (int64_t)offset;
    return at;
}

static bool root_of(const struct sx_record *record, struct sx_root *root)
{
    return record->value.data != NULL && record->value.size >= HEAD_BYTES &&
           (record->value.data[2] & FLAG_ROOT) != 0 && read_root(record->value, root) != NULL;
}

/* A row that was repartitioned before keeps its first root. */
static void write_root(struct sx_buffer *to, const struct sx_origin *origin, const struct sx_record *record,
                       uint32_t topic)
{
    struct sx_root root = {.topic = topic, .partition = origin->partition, .offset = record->offset};

    if (origin->repartitioned && !root_of(record, &root))
        return;
    to->data[2] |= FLAG_ROOT;
    sx_put_be32(sx_buffer_room(to, 4), root.topic);
    to->size += 4;
    sx_buffer_add_varint(to, (uint64_t)root.partition);
    sx_buffer_add_varint(to, (uint64_t)root.offset);
}

static void process(const void *p, void *s, struct sx_node *node, uint32_t input,
                    const struct sx_batch *batch)
{
    const struct repartition_plan *plan = p;
    struct travelling *t = ((struct repartition_state *)s)->t;
    uint32_t keys = plan->schema->key_count;
    const struct sx_column **key = SX_ARENA_ARRAY(node->arena, const struct sx_column *, keys + 1);
    uint32_t topic = 0;

    /* A batch of an entry, or one that passes through: it only has to go on. */
    if (node->passes_through || input == 1) {
        sx_node_emit(node, SX_PORT_ROWS, batch);
        return;
    }
    for (uint32_t k = 0; k < keys; k++)
        key[k] = &batch->columns[k];
    if (batch->count && !batch->origin->repartitioned)
        topic = (uint32_t)sx_murmur2(batch->origin->topic, strlen(batch->origin->topic));
    for (SX_EACH_ROW(batch, i, row)) {
        const struct sx_record *record = sx_batch_record(batch, row);
        bool gone = sx_batch_is_gone(batch, row);
        bool has_old = batch->old != NULL && !sx_batch_is_gone(batch->old, row);
        struct sx_send send = {.timestamp = batch->ts[row],
                               .partition = -1,
                               .batch = batch,
                               .row = row,
                               .headers = record->headers,
                               .header_count = record->header_count};
        const char *message = NULL;
        char *head;

        t->key.size = t->value.size = 0;
        if (keys && !(keys == 1 && sx_column_is_null(key[0], row))) {
            sx_buffer_room(&t->key, 1);
            if (!plan->key_format->encode(plan->key_plan, key, row, &t->key, node->arena, &message)) {
                sx_node_reject(node, batch, row, "encode", plan->at, message);
                continue;
            }
            send.key = send.place = sx_buffer_slice(&t->key);
        }
        if (plan->partition_column >= 0)
            send.partition = (int32_t)batch->columns[plan->partition_column].i[row];
        head = sx_buffer_room(&t->value, HEAD_BYTES);
        head[0] = KIND_ROW;
        head[1] = VERSION;
        head[2] = (char)((gone ? FLAG_GONE : 0) | (has_old ? FLAG_OLD : 0));
        sx_put_be32(head + 3, t->fingerprint);
        t->value.size = HEAD_BYTES;
        write_root(&t->value, batch->origin, record, topic);
        if (plan->schema->is_table)
            write_change(t, batch, row, has_old);
        else
            sx_row_write(&t->value, batch, t->columns, t->count, row);
        send.value = sx_buffer_slice(&t->value);
        sx_node_send(node, &send);
    }
}

/* Event time went on upstream: those downstream are told, of rows no more often than once a second. */
#define ANNOUNCE_MS 1000

static void on_time(const void *p, void *s, struct sx_node *node, int64_t stream_time_ms, int64_t wall_ms)
{
    struct repartition_state *state = s;
    struct sx_notice notice = {.partition = (uint32_t)node->partition, .time_ms = stream_time_ms};
    struct sx_send send = {.timestamp = SX_MAX(stream_time_ms, 0), .everywhere = true};
    char value[SX_NOTICE_BYTES];

    if (node->passes_through || (wall_ms < 0 && stream_time_ms < state->announced + ANNOUNCE_MS))
        return;
    state->announced = SX_MAX(state->announced, stream_time_ms);
    sx_notice_write(value, &notice);
    send.value = sx_slice(value, sizeof(value));
    sx_node_send(node, &send);
}

static const char *damage(const struct travelling *t, struct sx_slice value)
{
    if (value.size < HEAD_BYTES)
        return "the record of the repartition topic is cut off";
    if (value.data[0] != KIND_ROW || value.data[1] != VERSION)
        return "the record of the repartition topic is of an unknown kind or version";
    if (sx_get_be32(value.data + 3) != t->fingerprint)
        return "the record of the repartition topic has other columns: another version of the file wrote it; "
               "let that one process what is under way first (`streamd run OLD --until-end`)";
    return NULL;
}

/* An empty batch for the records. */
static void begin(const struct repartition_plan *plan, const struct travelling *t,
                  const struct sx_origin *origin, struct sx_arena *arena, struct sx_batch *batch)
{
    uint32_t rows = origin->count;

    *batch = (struct sx_batch){.schema = plan->schema, .rows = rows, .origin = origin};
    batch->ts = sx_arena_alloc(arena, sizeof(*batch->ts) * (rows + 1));
    batch->gone = SX_ARENA_ARRAY(arena, uint64_t, SX_BITMAP_WORDS(rows) + 1);
    batch->columns = SX_ARENA_ARRAY(arena, struct sx_column, plan->schema->count + 1);
    for (uint32_t c = 0; c < plan->schema->count; c++)
        batch->columns[c].type = plan->schema->fields[c].type;
    for (uint32_t c = 0; c < t->count; c++) {
        batch->columns[t->columns[c]] = sx_column_new(arena, t->types[c], rows);
        sx_column_nulls(&batch->columns[t->columns[c]], arena, rows);
    }
}

static bool read_row(const struct travelling *t, struct sx_slice bytes, struct sx_value *values,
                     struct sx_arena *arena, struct sx_batch *batch, uint32_t row)
{
    if (!sx_row_read(bytes, t->types, t->count, values, arena))
        return false;
    for (uint32_t c = 0; c < t->count; c++)
        sx_column_set(&batch->columns[t->columns[c]], row, values[c]);
    return true;
}

/* A row, or a table's change: then `old` is not NULL. */
static bool read_value(const struct travelling *t, struct sx_slice value, struct sx_value *values,
                       struct sx_arena *arena, struct sx_batch *batch, struct sx_batch *old, uint32_t row)
{
    struct sx_root root;
    const char *at = read_root(value, &root), *end = value.data + value.size;
    struct sx_slice bytes;
    uint64_t size;

    if (at == NULL)
        return false;
    bytes = sx_slice(at, (size_t)(end - at));

    if (old != NULL) {
        if (!sx_read_varint(&at, end, &size) || size > (uint64_t)(end - at))
            return false;
        bytes = sx_slice(at, size);
        if (!(value.data[2] & FLAG_OLD))
            sx_bit_set((uint64_t *)old->gone, row);
        else if (!read_row(t, sx_slice(at + size, (size_t)(end - at) - size), values, arena, old, row))
            return false;
    }
    if (value.data[2] & FLAG_GONE)
        sx_bit_set((uint64_t *)batch->gone, row);
    return read_row(t, bytes, values, arena, batch, row);
}

static void decode(const void *p, void *s, struct sx_node *node, const struct sx_origin *origin, bool padded,
                   struct sx_batch *batch)
{
    const struct repartition_plan *plan = p;
    const struct travelling *t = ((const struct repartition_state *)s)->t;
    struct sx_arena *arena = node->arena;
    uint32_t rows = origin->count, count = 0;
    struct sx_value *values = SX_ARENA_ARRAY(arena, struct sx_value, t->count + 1);
    uint16_t *sel = sx_arena_alloc(arena, sizeof(*sel) * (rows + 1));
    struct sx_batch *old = NULL;
    int64_t *ts;

    begin(plan, t, origin, arena, batch);
    if (plan->schema->is_table) {
        old = SX_ARENA_NEW(arena, struct sx_batch);
        begin(plan, t, origin, arena, old);
        old->ts = batch->ts;
    }
    ts = (int64_t *)batch->ts;
    for (uint32_t i = 0; i < rows; i++) {
        struct sx_slice value = origin->records[i].value;
        struct sx_notice notice;
        const char *wrong;

        if (sx_notice_read(value, &notice))
            continue;
        wrong = damage(t, value);
        ts[i] = origin->records[i].timestamp;
        if (wrong == NULL && !read_value(t, value, values, arena, batch, old, i))
            wrong = "the record of the repartition topic is damaged";
        if (wrong != NULL)
            sx_node_reject(node, batch, i, "decode", plan->at, wrong);
        else
            sel[count++] = (uint16_t)i;
    }
    batch->sel = sel;
    batch->count = count;
    batch->old = old;
}

const struct sx_operator_def sx_operator_repartition = {
    .name = "repartition",
    .summary = "Send the rows through a topic, so that those of one key are in one partition.",
    .takes = "stream -> stream",
    .clauses = clauses,
    .clause_count = SX_COUNT(clauses),
    .example = {.program = "stream bids from topic \"bids\" { key string value json { user string } }\n"
                           "stream placed = bids | key by user | repartition 8\n"
                           "placed | to topic \"out\"\n",
                .in = "{\"topic\":\"bids\",\"key\":\"a\",\"value\":{\"user\":\"u\"},\"timestamp\":1}\n",
                .out = "{\"topic\":\"out\",\"key\":\"u\",\"value\":{\"user\":\"u\"},\"timestamp\":1}\n"},
    .bind = bind,
    .state_bytes = sizeof(struct repartition_state),
    .open = open,
    .process = process,
    .decode = decode,
    .on_time = on_time,
    .root = root_of,
    .close = close,
};
