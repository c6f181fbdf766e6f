/* cmd_consume.c: a topic as NDJSON. */
#include "streamd/command/through.h"
#include "streamd/command/topic_read.h"

#include "engine/format/json_text.h"

struct consuming {
    struct sx_session session;
    struct sx_record_form form;
    struct sx_arena arena;
    struct sx_buffer out;
};

/* Of no known form: shown as JSON where the bytes are JSON. */
static bool write_record(int32_t partition, const struct sx_record *record, void *arg)
{
    struct consuming *c = arg;

    c->out.size = 0;
    sx_arena_reset(&c->arena);
    sx_record_line_write(&c->out, NULL, partition, record, &c->form, NULL, &c->arena);
    fwrite(c->out.data, 1, c->out.size, stdout);
    return !ferror(stdout);
}

static void write_line(struct sx_slice line, void *arg) { fwrite(line.data, 1, line.size, stdout); }

static int run(const struct sx_options *options)
{
    const char *folder = sx_option(options, SX_OPTION_DATA_DIR), *from = sx_option(options, SX_OPTION_FROM);
    bool follow = options->values[SX_OPTION_FOLLOW] != NULL;
    struct sx_compiled *compiled = NULL;
    struct consuming c = {0};
    const char *topic;
    int code = SX_EXIT_FAILED;

    if (options->argument_count != 1) {
        fputs("usage: streamd consume TOPIC\n", stderr);
        return SX_EXIT_USAGE;
    }
    if (!sx_topic_from(from))
        return SX_EXIT_USAGE;
    topic = options->arguments[0];
    if (sx_option(options, SX_OPTION_BOOTSTRAP) == NULL && sx_through_there(folder))
        return sx_topic_read_through(folder, topic, from, follow, write_line, NULL) ? SX_EXIT_OK
                                                                                    : SX_EXIT_FAILED;
    if (sx_session_form(options, topic, &c.form, &compiled, &code) && sx_session_open(&c.session, options)) {
        struct sx_topic_reading reading = {.session = &c.session,
                                           .topic = topic,
                                           .from = from,
                                           .follow = follow,
                                           .record = write_record,
                                           .arg = &c};

        c.form.guess_json = true;
        sx_arena_init(&c.arena, 0);
        /* Who reads may have seen enough. */
        code = sx_topic_read(&reading) || ferror(stdout) ? SX_EXIT_OK : SX_EXIT_FAILED;
        sx_arena_free(&c.arena);
        sx_buffer_free(&c.out);
        sx_session_close(&c.session);
    }
    sx_compiled_free(compiled);
    return code;
}

const struct sx_command sx_command_consume = {
    .name = "consume",
    .usage = "TOPIC",
    .summary = "A topic as NDJSON, with partition and offset.",
    .more = "With --topology keys and values are shown as that topology writes or reads the topic; without,\n"
            "as JSON where the bytes are JSON, else as text.\n",
    .options = " bootstrap config data-dir topology from follow ",
    .run = run,
};
