/* cmd_pipe.c: records in, records out, one task, no broker, deterministic. */
#include "streamd/command/command.h"

#include "engine/run/driver.h"

#include <stdlib.h>

struct pipe {
    struct sx_compiled *compiled;
    struct sx_driver *driver;
    struct sx_arena arena; /* of the lines in hand */
    struct sx_buffer out;
    struct sx_record *waiting; /* room for `batch`; of one topic and partition */
    uint32_t waiting_count, batch;
    const char *topic;
    int32_t partition;
    unsigned first_line; /* of what waits */
    int64_t last_timestamp;
    int64_t wall_ms;
};

static void output(const struct sx_topic_plan *topic, const struct sx_record *record,
                   const struct sx_window *window, void *arg)
{
    struct pipe *p = arg;
    struct sx_record_form form = sx_form_of_sink(topic);

    p->out.size = 0;
    sx_record_line_write(&p->out, topic->name, -1, record, &form, window, &p->arena);
    fwrite(p->out.data, 1, p->out.size, stdout);
}

static void failed(const struct sx_task_failure *failure, enum sx_on_error policy, void *arg)
{
    struct pipe *p = arg;

    p->out.size = 0;
    sx_buffer_add_text(&p->out, "{\"error\":");
    sx_json_write_string(&p->out, sx_slice_of(failure->reason));
    sx_buffer_add_text(&p->out, ",\"topic\":");
    sx_json_write_string(&p->out, sx_slice_of(failure->topic));
    sx_buffer_printf(&p->out, ",\"offset\":%lld,\"message\":", (long long)failure->record->offset);
    sx_json_write_string(&p->out, sx_slice_of(failure->message));
    sx_buffer_printf(&p->out, ",\"stage\":\"%s\",\"line\":%u,\"column\":%u}\n", failure->stage,
                     failure->at.line, failure->at.column);
    fwrite(p->out.data, 1, p->out.size, stderr);
}

/* What waits is processed, and what comes of it is out. */
static bool flush(struct pipe *p)
{
    streamd_error *error = NULL;
    streamd_status status = STREAMD_OK;
    uint32_t done;

    if (p->waiting_count > 0)
        status = sx_driver_send_many(p->driver, p->topic, p->partition, p->waiting, p->waiting_count, &done,
                                     &error);
    if (status == STREAMD_E_NOTFOUND)
        fprintf(stderr, "error: line %u: %s\n", p->first_line, streamd_error_message(error));
    streamd_error_free(error);
    fflush(stdout);
    p->waiting_count = 0;
    return status == STREAMD_OK;
}

static bool advance(struct pipe *p, int64_t ms)
{
    streamd_error *error = NULL;
    streamd_status status;

    p->wall_ms += ms;
    status = sx_driver_advance(p->driver, p->wall_ms, &error);
    streamd_error_free(error);
    fflush(stdout);
    return status == STREAMD_OK;
}

static bool send_line(struct pipe *p, struct sx_slice text, unsigned number)
{
    struct sx_record_line line;
    struct sx_record_form form;
    struct sx_record record;
    const char *message = NULL;
    char *topic;
    int32_t partition;

    if (p->waiting_count == 0)
        sx_arena_reset(&p->arena);
    /* What waits keeps slices of its text. */
    text.data = sx_arena_strndup(&p->arena, text.data, text.size);
    if (!sx_record_line_read(text, &line, &p->arena, &message)) {
        flush(p);
        fprintf(stderr, "error: line %u: %s\n", number, message);
        return false;
    }
    if (line.is_advance)
        return flush(p) && advance(p, line.advance_ms);
    if (line.topic.data == NULL) {
        flush(p);
        fprintf(stderr, "error: line %u: the record has no `topic`\n", number);
        return false;
    }
    topic = sx_arena_strndup(&p->arena, line.topic.data, line.topic.size);
    form = sx_form_of_source(sx_source_of_topic(p->compiled, topic));
    if (line.has_timestamp)
        p->last_timestamp = line.timestamp;
    line.timestamp = p->last_timestamp;
    if (!sx_record_line_encode(&line, &form, &record, &p->arena, &message)) {
        flush(p);
        fprintf(stderr, "error: line %u: %s\n", number, message);
        return false;
    }
    partition = SX_MAX(line.partition, 0);
    if (p->waiting_count > 0 && (partition != p->partition || strcmp(topic, p->topic) != 0) && !flush(p))
        return false;
    if (p->waiting_count == 0) {
        p->topic = topic;
        p->partition = partition;
        p->first_line = number;
    }
    p->waiting[p->waiting_count++] = record;
    return p->waiting_count < p->batch || flush(p);
}

/* The next line, without the white space at its end. False: there is none. */
static bool read_line(char **line, size_t *room, struct sx_slice *text)
{
    ssize_t size = getline(line, room, stdin);

    if (size < 0)
        return false;
    while (size > 0 && ((*line)[size - 1] == '\n' || (*line)[size - 1] == '\r' || (*line)[size - 1] == ' '))
        size--;
    *text = sx_slice(*line, (size_t)size);
    return true;
}

static void add_dropped(const char *reason, uint64_t count, void *arg)
{
    struct sx_buffer *to = arg;

    sx_buffer_printf(to, "%s\"%s\":%llu", to->size ? "," : "{\"dropped\":{", reason,
                     (unsigned long long)count);
}

static int run(const struct sx_options *options)
{
    struct pipe p = {0};
    struct sx_driver_events events = {.output = output, .failed = failed, .arg = &p};
    struct sx_buffer dropped = {0};
    struct sx_slice text;
    char *line = NULL;
    size_t room = 0;
    bool ok = true;
    int code;

    if (options->argument_count != 1) {
        fputs("usage: streamd pipe FILE\n", stderr);
        return SX_EXIT_USAGE;
    }
    if (!sx_batch_option(options, &p.batch))
        return SX_EXIT_USAGE;
    p.compiled = sx_load(options->arguments[0], options, true, &code);
    if (p.compiled == NULL)
        return code;
    sx_arena_init(&p.arena, 0);
    p.waiting = sx_calloc(p.batch, sizeof(*p.waiting));
    p.driver = sx_driver_new(p.compiled->plan, &events);
    for (unsigned number = 1; ok && read_line(&line, &room, &text); number++)
        ok = text.size == 0 || send_line(&p, text, number);
    ok = ok && flush(&p);
    sx_driver_each_dropped(p.driver, add_dropped, &dropped);
    if (dropped.size)
        fprintf(stderr, "%.*s}}\n", (int)dropped.size, dropped.data);
    free(line);
    free(p.waiting);
    sx_buffer_free(&dropped);
    sx_buffer_free(&p.out);
    sx_driver_free(p.driver);
    sx_arena_free(&p.arena);
    sx_compiled_free(p.compiled);
    return ok ? SX_EXIT_OK : SX_EXIT_FAILED;
}

const struct sx_command sx_command_pipe = {
    .name = "pipe",
    .usage = "FILE",
    .summary = "NDJSON records in, NDJSON records out: one task, no broker, deterministic.",
    .more =
        "A line is {\"topic\": T, \"key\": K, \"value\": V, \"timestamp\": MS, \"partition\": 0,\n"
        "\"headers\": {}}; with \"raw\": true key and value are undecoded bytes as strings, with\n"
        "\"raw\": \"base64\" these and the headers as base64;\n"
        "{\"advance\": MS} moves the wall clock. --batch N takes consecutive lines of a topic up to N at a\n"
        "time, which is faster: each topic gets the same records in the same order, but they come later,\n"
        "and those of several topics may be interleaved otherwise.\n",
    .options = " batch ",
    .run = run,
};
