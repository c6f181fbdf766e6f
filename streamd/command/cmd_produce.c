/* cmd_produce.c: NDJSON lines into a topic. */
#include "streamd/command/line_input.h"
#include "streamd/command/session.h"
#include "streamd/command/through.h"
#include "streamd/topic_line.h"
#include "streamd/topic_write.h"

#include "engine/base/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

enum { COMMIT_RECORDS = 10000, COMMIT_MS = 1000, COMMIT_LOOK = 64, POST_BYTES = 1 << 20 };

struct producing {
    struct sx_session session;
    struct sx_writer *writer;
    struct sx_topic *topic;
    struct sx_topic_lines lines;
    int64_t new_partitions; /* of a topic that is made; 0: the log's default */
    struct sx_arena arena;
    uint32_t open_count;  /* records since the last commit */
    int64_t committed_ms; /* when that was */
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

static bool check_read(enum sx_line_state state, const char *path)
{
    if (state == SX_LINE_BROKEN)
        fprintf(stderr, "error: cannot read %s: %s\n", path, strerror(errno));
    return state != SX_LINE_BROKEN;
}

static bool write_record(struct producing *p, int32_t partition, const struct sx_record *record)
{
    streamd_error *error = NULL;
    streamd_status status = sx_topic_write(p->writer, p->topic, partition, record, NULL, &error);

    p->open_count++;
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

static bool commit(struct producing *p)
{
    streamd_error *error = NULL;

    p->committed_ms = sx_wall_ms(&sx_clock_system);
    p->open_count = 0;
    if (p->session.log->def->commit(p->writer, NULL, 0, NULL, NULL, NULL, &error) == STREAMD_OK)
        return true;
    sx_complain(error);
    return false;
}

/* Lines may come slowly, from a pipe: what was sent is there for readers when no more comes, at the latest
 * after COMMIT_MS. */
static bool commit_if_due(struct producing *p, bool pause)
{
    int64_t now = sx_wall_ms(&sx_clock_system);

    if (p->open_count == 0) {
        p->committed_ms = now;
        return true;
    }
    return (!pause && p->open_count < COMMIT_RECORDS && now - p->committed_ms < COMMIT_MS) || commit(p);
}

static int send_all(struct producing *p, int fd, const char *path)
{
    struct sx_line_input input = {.fd = fd};
    enum sx_line_state state = SX_LINE;
    unsigned number = 0;
    bool ok = true;

    while (ok && state != SX_LINE_END && state != SX_LINE_BROKEN) {
        struct sx_slice line;

        state = sx_line_next(&input, &line);
        if (state == SX_LINE) {
            number++;
            ok = line.size == 0 || send_line(p, line, number);
        }
        if (ok && (state == SX_LINE_PAUSE || number % COMMIT_LOOK == 0))
            ok = commit_if_due(p, state == SX_LINE_PAUSE);
    }
    ok = check_read(state, path) && ok;
    sx_line_free(&input);
    /* Lines before a wrong one are sent. */
    return commit(p) && ok ? SX_EXIT_OK : SX_EXIT_FAILED;
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
static int send_through(const struct sx_options *options, int64_t partitions, int fd, const char *path)
{
    struct posting p = {.folder = sx_option(options, SX_OPTION_DATA_DIR), .topic = options->arguments[0]};
    struct sx_line_input input = {.fd = fd};
    enum sx_line_state state = SX_LINE;
    unsigned number = 0;
    bool ok = true;

    p.query = sx_format("create&partitions=%lld", (long long)partitions);
    while (ok && state != SX_LINE_END && state != SX_LINE_BROKEN) {
        struct sx_slice line;

        state = sx_line_next(&input, &line);
        if (state == SX_LINE) {
            number++;
            if (p.body.size == 0)
                p.first = number;
            sx_buffer_add_slice(&p.body, line);
            sx_buffer_add_byte(&p.body, '\n');
        }
        if (state == SX_LINE_PAUSE || p.body.size >= POST_BYTES)
            ok = post(&p);
    }
    ok = check_read(state, path) && ok;
    ok = ok && post(&p);
    sx_line_free(&input);
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
    const char *path = "stdin";
    int fd = STDIN_FILENO;
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
    if (options->argument_count == 2 && strcmp(options->arguments[1], "-") != 0) {
        path = options->arguments[1];
        fd = open(path, O_RDONLY | O_CLOEXEC);
    }
    if (fd < 0) {
        fprintf(stderr, "error: cannot read %s: %s\n", path, strerror(errno));
        streamd_config_free(config);
        return SX_EXIT_USAGE;
    }
    if (sx_option(options, SX_OPTION_BOOTSTRAP) == NULL &&
        sx_through_there(sx_option(options, SX_OPTION_DATA_DIR)))
        code = send_through(options, sx_config_number(config, SX_SETTING_PARTITIONS, 0), fd, path);
    else if (sx_session_form(options, p.lines.topic, &p.lines.form, &compiled, &code) &&
             sx_session_open(&p.session, options)) {
        sx_arena_init(&p.arena, 0);
        if (open_topic(&p, &error))
            code = send_all(&p, fd, path);
        else
            sx_complain(error);
        if (p.writer != NULL)
            p.session.log->def->writer_close(p.writer);
        sx_arena_free(&p.arena);
        sx_session_close(&p.session);
    }
    sx_compiled_free(compiled);
    streamd_config_free(config);
    if (fd != STDIN_FILENO)
        close(fd);
    return code;
}

const struct sx_command sx_command_produce = {
    .name = "produce",
    .usage = "TOPIC [FILE]",
    .summary = "NDJSON lines into a topic, of the embedded log or of Kafka.",
    .more = "A line is {\"key\": K, \"value\": V, \"timestamp\": MS}. With --topology keys and values are\n"
            "encoded as that topology reads the topic; without, strings are text and anything else\n"
            "is its JSON text.\n"
            "A missing timestamp is now. The topic is created when it is missing. What comes slowly, from a\n"
            "pipe, is sent as it comes.\n",
    .options = " bootstrap config data-dir partitions topology ",
    .run = run,
};
