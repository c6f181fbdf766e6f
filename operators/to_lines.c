/* to_lines.c: sinks that write lines: to a file, and to standard output.
 *
 * A file has one writer, so that it has an order, and a length that can be kept: rows are sent, encoded, to
 * a topic of one partition, and the task of that partition hands its records on. What a record is as a line,
 * and how the file follows the commit, is engine/run's (outlet.c); here are the rows' ways.
 */
#include "operators/sink.h"

enum { PATH, FILE_BODY };
enum { OUT_BODY };
enum { TO_WRITER, TO_FILE }; /* the topics of a file's sink */

static const struct sx_clause file_clauses[] = {
    [PATH] = {NULL, SX_CLAUSE_TEXT, false, "The file; lines are added to it."},
    [FILE_BODY] = {NULL, SX_CLAUSE_BODY, true, "`key F`, `value F`, `time EXPR`, `headers { ... }`."},
};

static const struct sx_clause out_clauses[] = {
    [OUT_BODY] = {NULL, SX_CLAUSE_BODY, true, "`key F`, `value F`, `time EXPR`, `headers { ... }`."},
};

/* The plan of the sink; NULL: it has mistakes. */
static struct sx_sink_plan *bind_sink(struct sx_bind *b, uint32_t body)
{
    const struct sx_flow *in = sx_bind_input(b);
    struct sx_sink_plan *plan = SX_ARENA_NEW(b->arena, struct sx_sink_plan);

    if (in->kind == SX_FLOW_GROUPS || in->kind == SX_FLOW_GLOBAL)
        sx_bind_fail(b, -1, in->kind == SX_FLOW_GROUPS ? "write `| aggregate { ... }` before it" : NULL,
                     "a sink takes a stream or a table");
    if (sx_bind_failed(b))
        return NULL;
    plan->body = b->ops->body(b, sx_bind_given(b, body) ? (int)body : -1, in);
    plan->schema = in->schema;
    plan->has_headers = in->has_headers;
    plan->latest_only = in->kind == SX_FLOW_TABLE && in->emit == SX_EMIT_CHANGES;
    plan->at = b->ops->position(b, -1);
    return sx_bind_failed(b) ? NULL : plan;
}

static struct sx_topic_plan *outlet(struct sx_bind *b, const char *name, enum sx_medium medium,
                                    const char *path, const struct sx_sink_plan *plan)
{
    struct sx_topic_plan *topic = sx_plan_topic(b->plan, name, SX_TOPIC_SINK);

    topic->medium = medium;
    topic->path = path;
    topic->at = plan->at;
    sx_sink_describe(topic, plan->body);
    return topic;
}

static struct sx_node_plan *sink_node(struct sx_bind *b, const struct sx_sink_plan *plan, const char *name)
{
    const struct sx_flow *in = sx_bind_input(b);
    struct sx_node_plan *node =
        sx_bind_node(b, in, b->named ? sx_arena_format(b->arena, "to:%s", name) : NULL, plan, in->schema);

    node->reads[0] = sx_sink_columns(b, in, plan);
    return node;
}

static void bind_stdout(struct sx_bind *b)
{
    struct sx_sink_plan *plan = bind_sink(b, OUT_BODY);
    struct sx_node_plan *node;

    if (plan == NULL)
        return;
    node = sink_node(b, plan, "stdout");
    node->topics[node->topic_count++] = outlet(b, "stdout:", SX_MEDIUM_STANDARD, NULL, plan)->index;
}

static bool has_topic(const struct sx_plan *plan, const char *name)
{
    for (uint32_t i = 0; i < plan->topic_count; i++)
        if (strcmp(plan->topics[i]->name, name) == 0)
            return true;
    return false;
}

extern const struct sx_operator_def sx_operator_lines;

static void bind_file(struct sx_bind *b)
{
    const char *path = b->ops->text(b, PATH), *name = sx_arena_format(b->arena, "file:%s", path);
    struct sx_sink_plan *plan = bind_sink(b, FILE_BODY);
    struct sx_entry_plan *entry = SX_ARENA_NEW(b->arena, struct sx_entry_plan);
    uint32_t *topics = SX_ARENA_ARRAY(b->arena, uint32_t, 1);
    struct sx_node_plan *node, *writer;
    struct sx_topic_plan *file, *way;

    if (path[0] == '\0')
        sx_bind_fail(b, PATH, NULL, "the file has no name");
    if (has_topic(b->plan, name))
        sx_bind_fail(b, PATH, "`merge` what is to be in it", "the file is written or read already");
    if (plan == NULL || sx_bind_failed(b))
        return;
    file = outlet(b, name, SX_MEDIUM_FILE, sx_arena_strdup(b->arena, path), plan);
    way = sx_plan_topic(
        b->plan, sx_arena_format(b->arena, "%s-%s-lines-repartition", b->plan->application, b->definition),
        SX_TOPIC_REPARTITION);
    way->partitions = 1;
    way->at = plan->at;
    sx_sink_describe(way, plan->body);
    node = sink_node(b, plan, "file");
    node->note = "a file has one writer";
    node->topics[node->topic_count++] = way->index;
    node->topics[node->topic_count++] = file->index;
    topics[0] = way->index;
    entry->topics = topics;
    entry->topic_count = 1;
    writer = sx_plan_node(b->plan, &sx_operator_lines, b->definition, "lines", plan->at);
    writer->plan = plan;
    writer->schema = SX_ARENA_NEW(b->arena, struct sx_schema);
    writer->entry = entry;
    writer->topics[writer->topic_count++] = file->index;
    sx_store_keeps_also(sx_bind_store(b, writer, "lines", SX_STORE_KV), b->arena, "progress of", "file %s",
                        file->path);
}

static void open(const void *p, void *s, struct sx_node *node) { sx_sink_open(p, s); }
static void close(const void *p, void *s, struct sx_node *node) { sx_sink_close(p, s); }

static void process(const void *p, void *s, struct sx_node *node, uint32_t input,
                    const struct sx_batch *batch)
{
    bool one_writer = node->plan->topic_count > 1 && !node->passes_through;

    sx_sink_write(p, s, node, node->plan->topic_count > 1 && !one_writer ? TO_FILE : TO_WRITER, batch, NULL,
                  0);
}

/* ---- The writer: records of the topic as they are -------------------------------------------- */

static void decode_lines(const void *p, void *s, struct sx_node *node, const struct sx_origin *origin,
                         bool padded, struct sx_batch *batch)
{
    int64_t *ts = sx_arena_alloc(node->arena, sizeof(*ts) * (origin->count + 1));

    for (uint32_t i = 0; i < origin->count; i++)
        ts[i] = origin->records[i].timestamp;
    *batch = (struct sx_batch){.schema = node->plan->schema,
                               .rows = origin->count,
                               .count = origin->count,
                               .ts = ts,
                               .origin = origin};
}

static void process_lines(const void *p, void *s, struct sx_node *node, uint32_t input,
                          const struct sx_batch *batch)
{
    for (SX_EACH_ROW(batch, i, row)) {
        const struct sx_record *record = sx_batch_record(batch, row);
        struct sx_send send = {.key = record->key,
                               .value = record->value,
                               .timestamp = record->timestamp,
                               .headers = record->headers,
                               .header_count = record->header_count,
                               .batch = batch,
                               .row = row};

        sx_node_send(node, &send);
    }
}

const struct sx_operator_def sx_operator_lines = {
    .name = "lines",
    .summary = "Write the records of a topic to a file.",
    .takes = "->",
    .internal = true,
    .process = process_lines,
    .decode = decode_lines,
};

#define EXAMPLE(TO)                                                             \
    "stream bids from topic \"bids\" { key string value json { price int } }\n" \
    "bids | filter price > 5 | " TO "\n"
#define EXAMPLE_IN "{\"topic\":\"bids\",\"key\":\"a\",\"value\":{\"price\":7},\"timestamp\":1}\n"

const struct sx_operator_def sx_operator_to_file = {
    .name = "to file",
    .summary = "Add rows as lines of JSON to a file, each once.",
    .takes = "any ->",
    .clauses = file_clauses,
    .clause_count = SX_COUNT(file_clauses),
    .example =
        {.program = EXAMPLE("to file \"high.ndjson\""),
         .in = EXAMPLE_IN,
         .out = "{\"topic\":\"file:high.ndjson\",\"key\":\"a\",\"value\":{\"price\":7},\"timestamp\":1}\n"},
    .bind = bind_file,
    .state_bytes = sizeof(struct sx_sink_state),
    .open = open,
    .process = process,
    .close = close,
};

const struct sx_operator_def sx_operator_to_stdout = {
    .name = "to stdout",
    .summary = "Write rows as lines of JSON to standard output.",
    .takes = "any ->",
    .clauses = out_clauses,
    .clause_count = SX_COUNT(out_clauses),
    .example = {.program = EXAMPLE("to stdout"),
                .in = EXAMPLE_IN,
                .out = "{\"topic\":\"stdout:\",\"key\":\"a\",\"value\":{\"price\":7},\"timestamp\":1}\n"},
    .bind = bind_stdout,
    .state_bytes = sizeof(struct sx_sink_state),
    .open = open,
    .process = process,
    .close = close,
};
