/* cmd_pipe.c: records in, records out, one task, no broker, deterministic. */
#include "streamd/command/command.h"

#include "engine/run/driver.h"

#include <stdlib.h>

struct pipe {
    struct sx_compiled *compiled;
    struct sx_driver *driver;
    struct sx_arena arena; /* of the line in hand */
    struct sx_buffer out;
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

static bool send_line(struct pipe *p, struct sx_slice text, unsigned number)
{
    struct sx_record_line line;
    struct sx_record_form form;
    struct sx_record record;
    streamd_error *error = NULL;
    const char *message = NULL;
    streamd_status status;
    char *topic;

    sx_arena_reset(&p->arena);
    if (!sx_record_line_read(text, &line, &p->arena, &message)) {
        fprintf(stderr, "error: line %u: %s\n", number, message);
        return false;
    }
    if (line.is_advance) {
        p->wall_ms += line.advance_ms;
        status = sx_driver_advance(p->driver, p->wall_ms, &error);
        streamd_error_free(error);
        fflush(stdout);
        return status == STREAMD_OK;
    }
    if (line.topic.data == NULL) {
        fprintf(stderr, "error: line %u: the record has no `topic`\n", number);
        return false;
    }
    topic = sx_arena_strndup(&p->arena, line.topic.data, line.topic.size);
    form = sx_form_of_source(sx_source_of_topic(p->compiled, topic));
    if (line.has_timestamp)
        p->last_timestamp = line.timestamp;
    line.timestamp = p->last_timestamp;
    if (!sx_record_line_encode(&line, &form, &record, &p->arena, &message)) {
        fprintf(stderr, "error: line %u: %s\n", number, message);
        return false;
    }
    status = sx_driver_send(p->driver, topic, SX_MAX(line.partition, 0), &record, &error);
    if (status == STREAMD_E_NOTFOUND)
        fprintf(stderr, "error: line %u: %s\n", number, streamd_error_message(error));
    streamd_error_free(error);
    fflush(stdout);
    return status == STREAMD_OK;
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
    char *line = NULL;
    size_t room = 0;
    unsigned number = 0;
    ssize_t size;
    int code;

    if (options->argument_count != 1) {
        fputs("usage: streamd pipe FILE\n", stderr);
        return SX_EXIT_USAGE;
    }
    p.compiled = sx_load(options->arguments[0], options, true, &code);
    if (p.compiled == NULL)
        return code;
    sx_arena_init(&p.arena, 0);
    p.driver = sx_driver_new(p.compiled->plan, &events);
    code = SX_EXIT_OK;
    while (code == SX_EXIT_OK && (size = getline(&line, &room, stdin)) >= 0) {
        number++;
        while (size > 0 && (line[size - 1] == '\n' || line[size - 1] == '\r' || line[size - 1] == ' '))
            size--;
        if (size > 0 && !send_line(&p, sx_slice(line, (size_t)size), number))
            code = SX_EXIT_FAILED;
    }
    sx_driver_each_dropped(p.driver, add_dropped, &dropped);
    if (dropped.size)
        fprintf(stderr, "%.*s}}\n", (int)dropped.size, dropped.data);
    free(line);
    sx_buffer_free(&dropped);
    sx_buffer_free(&p.out);
    sx_driver_free(p.driver);
    sx_arena_free(&p.arena);
    sx_compiled_free(p.compiled);
    return code;
}

const struct sx_command sx_command_pipe = {
    .name = "pipe",
    .usage = "FILE",
    .summary = "NDJSON records in, NDJSON records out: one task, no broker, deterministic.",
    .more = "A line is {\"topic\": T, \"key\": K, \"value\": V, \"timestamp\": MS, \"partition\": 0,\n"
            "\"headers\": {}}; with \"raw\": true key and value are undecoded bytes as strings;\n"
            "{\"advance\": MS} moves the wall clock.\n",
    .options = " ",
    .run = run,
};
