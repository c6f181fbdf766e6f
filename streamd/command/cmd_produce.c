/* cmd_produce.c: NDJSON lines into a topic. */
#include "streamd/command/session.h"
#include "streamd/command/through.h"
#include "streamd/topic_line.h"
#include "streamd/topic_write.h"

#include "engine/base/clock.h"

#include <errno.h>
#include <stdlib.h>

enum { COMMIT_RECORDS = 10000, POST_BYTES = 1 << 20 };

struct producing {
    struct sx_session session;
    struct sx_writer *writer;
    struct sx_topic *topic;
    struct sx_topic_lines lines;
    int64_t new_partitions; /* of a topic that is made; 0: the log's default */
    struct sx_arena arena;
    uint64_t count;
};

static bool open_topic(struct producing *p, streamd_error **error)
{
    const struct sx_log_def *def = p->session.log->def;
    struct sx_topic_spec spec = {.name = p->lines.topic,
                                 .partitions = (int32_t)p->new_partitions,
                                 .cleanup = SX_CLEANUP_DELETE,
                                 .retention_ms = -1};
    streamd_status status = def->partitions(p->session.log, p->lines.topic, &p->lines.partitions, error);

    if (status == STREAMD_E_NOTFOUND) {
        streamd_error_free(*error);
        *error = NULL;
        if (def->create(p->session.log, &spec, error) != STREAMD_OK)
            return false;
        status = def->partitions(p->session.log, p->lines.topic, &p->lines.partitions, error);
    }
    return status == STREAMD_OK &&
           def->writer_open(p->session.log, 0, &p->session.waker, &p->writer, error) == STREAMD_OK &&
           def->topic_open(p->writer, p->lines.topic, &p->topic, error) == STREAMD_OK;
}

static bool write_record(struct producing *p, int32_t partition, const struct sx_record *record)
{
    const struct sx_log_def *def = p->session.log->def;
    streamd_error *error = NULL;
    streamd_status status = sx_topic_write(p->writer, p->topic, partition, record, NULL, &error);

    if (status == STREAMD_OK && ++p->count % COMMIT_RECORDS == 0)
        status = def->commit(p->writer, NULL, 0, NULL, NULL, NULL, &error);
    if (status != STREAMD_OK)
        sx_complain(error);
    return status == STREAMD_OK;
}

static bool send_line(struct producing *p, struct sx_slice text, unsigned number)
{
    struct sx_record record;
    const char *message = NULL;
    int32_t partition;

    sx_arena_reset(&p->arena);
    if (!sx_topic_line(&p->lines, text, sx_wall_ms(&sx_clock_system), &record, &partition, &p->arena,
                       &message)) {
        fprintf(stderr, "error: line %u: %s\n", number, message);
        return false;
    }
    return write_record(p, partition, &record);
}

static int send_all(struct producing *p, FILE *file)
{
    streamd_error *error = NULL;
    char *line = NULL;
    size_t room = 0;
    unsigned number = 0;
    ssize_t size;
    bool ok = true;

    while (ok && (size = getline(&line, &room, file)) >= 0) {
        number++;
        while (size > 0 && (line[size - 1] == '\n' || line[size - 1] == '\r'))
            size--;
        ok = size == 0 || send_line(p, sx_slice(line, (size_t)size), number);
    }
    free(line);
    if (p->session.log->def->commit(p->writer, NULL, 0, NULL, NULL, NULL, &error) != STREAMD_OK) {
        sx_complain(error);
        ok = false;
    }
    return ok ? SX_EXIT_OK : SX_EXIT_FAILED;
}

/* ---- Through a running streamd --------------------------------------------------------------- */

struct posting {
    const char *folder, *topic;
    char *query;
    struct sx_buffer body;
    unsigned first; /* line of the body */
};

static bool post(struct posting *p)
{
    struct sx_buffer answer = {0};
    struct sx_through *t;
    bool ok;

    if (p->body.size == 0)
        return true;
    t = sx_through_send(p->folder, p->topic, p->query, sx_buffer_slice(&p->body));
    ok = t != NULL && sx_through_rest(t, &answer);
    if (ok && sx_through_code(t) != 200) {
        fprintf(stderr, "error: in the lines from %u on: %.*s", p->first, (int)answer.size, answer.data);
        ok = false;
    }
    sx_through_close(t);
    sx_buffer_free(&answer);
    p->body.size = 0;
    return ok;
}

/* The directory is held by a running streamd: it writes the records, as its topology encodes them. */
static int send_through(const struct sx_options *options, int64_t partitions, FILE *file)
{
    struct posting p = {.folder = sx_option(options, SX_OPTION_DATA_DIR), .topic = options->arguments[0]};
    char *line = NULL;
    size_t room = 0;
    unsigned number = 0;
    ssize_t size;
    bool ok = true;

    p.query = sx_format("create&partitions=%lld", (long long)partitions);
    while (ok && (size = getline(&line, &room, file)) >= 0) {
        number++;
        if (p.body.size == 0)
            p.first = number;
        sx_buffer_add(&p.body, line, (size_t)size);
        if (line[size - 1] != '\n')
            sx_buffer_add_byte(&p.body, '\n');
        ok = p.body.size < POST_BYTES || post(&p);
    }
    ok = ok && post(&p);
    free(line);
    free(p.query);
    sx_buffer_free(&p.body);
    return ok ? SX_EXIT_OK : SX_EXIT_FAILED;
}

static int run(const struct sx_options *options)
{
    struct producing p = {0};
    struct sx_compiled *compiled = NULL;
    struct streamd_config *config;
    streamd_error *error = NULL;
    FILE *file = stdin;
    int code = SX_EXIT_FAILED;

    if (options->argument_count < 1 || options->argument_count > 2) {
        fputs("usage: streamd produce TOPIC [FILE]\n", stderr);
        return SX_EXIT_USAGE;
    }
    p.lines.topic = options->arguments[0];
    config = sx_session_config(options);
    if (config == NULL)
        return SX_EXIT_USAGE;
    if (options->written[SX_OPTION_PARTITIONS])
        p.new_partitions = sx_config_number(config, SX_SETTING_PARTITIONS, 0);
    if (options->argument_count == 2 && strcmp(options->arguments[1], "-") != 0)
        file = fopen(options->arguments[1], "r");
    if (file == NULL) {
        fprintf(stderr, "error: cannot read %s: %s\n", options->arguments[1], strerror(errno));
        streamd_config_free(config);
        return SX_EXIT_USAGE;
    }
    if (sx_option(options, SX_OPTION_BOOTSTRAP) == NULL &&
        sx_through_there(sx_option(options, SX_OPTION_DATA_DIR)))
        code = send_through(options, sx_config_number(config, SX_SETTING_PARTITIONS, 0), file);
    else if (sx_session_form(options, p.lines.topic, &p.lines.form, &compiled, &code) &&
             sx_session_open(&p.session, options)) {
        sx_arena_init(&p.arena, 0);
        if (open_topic(&p, &error))
            code = send_all(&p, file);
        else
            sx_complain(error);
        if (p.writer != NULL)
            p.session.log->def->writer_close(p.writer);
        sx_arena_free(&p.arena);
        sx_session_close(&p.session);
    }
    sx_compiled_free(compiled);
    streamd_config_free(config);
    if (file != stdin)
        fclose(file);
    return code;
}

const struct sx_command sx_command_produce = {
    .name = "produce",
    .usage = "TOPIC [FILE]",
    .summary = "NDJSON lines into a topic, of the embedded log or of Kafka.",
    .more = "A line is {\"key\": K, \"value\": V, \"timestamp\": MS}. With --topology keys and values are\n"
            "encoded as that topology reads the topic; without, strings are text and anything else\n"
            "is its JSON text.\n"
            "A missing timestamp is now. The topic is created when it is missing.\n",
    .options = " bootstrap config data-dir partitions topology ",
    .run = run,
};
