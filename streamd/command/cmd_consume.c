/* cmd_consume.c: a topic as NDJSON. */
#include "streamd/command/session.h"
#include "streamd/command/through.h"

#include "engine/base/text.h"
#include "engine/format/json_text.h"

#include <stdlib.h>

enum { FETCH_RECORDS = 1000, WAIT_MS = 100, QUIET_WAITS = 20 };

struct consuming {
    struct sx_session session;
    const char *name;
    struct sx_record_form form;
    struct sx_arena arena;
    struct sx_buffer out;
};

struct partition {
    struct sx_reader *reader;
    int64_t next, end;
};

/* Of no known form: shown as JSON where the bytes are JSON. */
static void write_record(struct consuming *c, int32_t number, const struct sx_record *record)
{
    c->out.size = 0;
    sx_arena_reset(&c->arena);
    sx_record_line_write(&c->out, NULL, number, record, &c->form, NULL, &c->arena);
    fwrite(c->out.data, 1, c->out.size, stdout);
}

static bool open_partition(struct consuming *c, struct partition *p, int32_t number, const char *from,
                           streamd_error **error)
{
    const struct sx_log_def *def = c->session.log->def;
    int64_t low;

    if (def->watermarks(c->session.log, c->name, number, false, &low, &p->end, error) != STREAMD_OK)
        return false;
    p->next = low;
    if (strcmp(from, "latest") == 0)
        p->next = p->end;
    else if (strcmp(from, "earliest") != 0 && sx_read_int(sx_slice_of(from), &p->next))
        p->next = SX_MAX(p->next, low);
    return def->reader_open(c->session.log, SX_READ_RESTORE, c->name, number, p->next, &c->session.waker,
                            &p->reader, error) == STREAMD_OK;
}

/* Nothing may come for long: whoever waits, a person or a script, is told from when on it would be seen. */
static void say_following(const char *topic) { fprintf(stderr, "following %s\n", topic); }

/* What is there now. *moved: something came. */
static bool read_partition(struct consuming *c, struct partition *p, int32_t number, bool follow, bool *moved,
                           streamd_error **error)
{
    const struct sx_log_def *def = c->session.log->def;
    struct sx_fetch fetch;

    if (!follow && p->next >= p->end)
        return true;
    if (def->fetch(p->reader, FETCH_RECORDS, &fetch, error) != STREAMD_OK)
        return false;
    for (uint32_t i = 0; i < fetch.count; i++)
        if (follow || fetch.records[i].offset < p->end)
            write_record(c, number, &fetch.records[i]);
    *moved |= fetch.count > 0;
    p->next = SX_MAX(p->next, fetch.next_offset);
    if (fetch.at_end && !follow)
        p->next = p->end;
    def->release(p->reader, &fetch);
    return true;
}

/* The end of a partition may be a marker, which is no record: nothing for a while is the end too. */
static bool read_all(struct consuming *c, struct partition *partitions, int32_t count, bool follow,
                     streamd_error **error)
{
    uint32_t quiet = 0;

    for (bool left = true; (left && quiet < QUIET_WAITS) || follow;) {
        bool moved = false;

        left = false;
        for (int32_t p = 0; p < count; p++) {
            if (!read_partition(c, &partitions[p], p, follow, &moved, error))
                return false;
            left |= partitions[p].next < partitions[p].end;
        }
        quiet = moved ? 0 : quiet + 1;
        if (!moved && (left || follow)) {
            fflush(stdout);
            sx_waker_wait(&c->session.waker, WAIT_MS);
        }
        if (ferror(stdout))
            return true;
    }
    return true;
}

static int consume(struct consuming *c, const char *from, bool follow)
{
    const struct sx_log_def *def = c->session.log->def;
    struct partition *partitions = NULL;
    streamd_error *error = NULL;
    int32_t count = 0;
    bool ok = def->partitions(c->session.log, c->name, &count, &error) == STREAMD_OK;

    if (ok)
        partitions = sx_calloc((size_t)count, sizeof(*partitions));
    for (int32_t p = 0; ok && p < count; p++)
        ok = open_partition(c, &partitions[p], p, from, &error);
    if (ok && follow)
        say_following(c->name);
    ok = ok && read_all(c, partitions, count, follow, &error);
    for (int32_t p = 0; partitions != NULL && p < count; p++)
        if (partitions[p].reader != NULL)
            def->reader_close(partitions[p].reader);
    free(partitions);
    if (!ok)
        sx_complain(error);
    return ok ? SX_EXIT_OK : SX_EXIT_FAILED;
}

/* The directory is held by a running streamd, which gives the topic as its topology has it. */
static int consume_through(const char *folder, const char *topic, const char *from, bool follow)
{
    static const char failed[] = "{\"error\":";
    char *query = sx_format("from=%s%s", from, follow ? "&follow" : ""), *at;
    struct sx_through *t = sx_through_send(folder, topic, query, SX_SLICE_NONE);
    struct sx_buffer text = {0};
    ssize_t got = 0;
    bool ok = t != NULL && sx_through_code(t) == 200;

    if (ok && follow)
        say_following(topic);
    /* Whole lines only; the empty ones say that the other side is still there. */
    while (t != NULL && (got = sx_through_read(t, sx_buffer_room(&text, 65536), 65536)) > 0) {
        char *line = text.data, *end;

        text.size += (size_t)got;
        while ((end = memchr(line, '\n', text.size - (size_t)(line - text.data))) != NULL) {
            bool is_error = strncmp(line, failed, sizeof(failed) - 1) == 0;

            ok &= !is_error;
            at = line;
            line = end + 1;
            if (line - at > 1)
                fwrite(at, 1, (size_t)(line - at), is_error ? stderr : stdout);
        }
        text.size -= (size_t)(line - text.data);
        memmove(text.data, line, text.size);
        if (fflush(stdout) != 0)
            break;
    }
    sx_through_close(t);
    sx_buffer_free(&text);
    free(query);
    return ok && got == 0 ? SX_EXIT_OK : SX_EXIT_FAILED;
}

static int run(const struct sx_options *options)
{
    struct consuming c = {0};
    struct sx_compiled *compiled = NULL;
    const char *from = sx_option(options, SX_OPTION_FROM);
    int64_t offset;
    int code = SX_EXIT_FAILED;

    if (options->argument_count != 1) {
        fputs("usage: streamd consume TOPIC\n", stderr);
        return SX_EXIT_USAGE;
    }
    if (strcmp(from, "earliest") != 0 && strcmp(from, "latest") != 0 &&
        (!sx_read_int(sx_slice_of(from), &offset) || offset < 0)) {
        fprintf(stderr, "error: --from is earliest, latest or an offset, not `%s`\n", from);
        return SX_EXIT_USAGE;
    }
    c.name = options->arguments[0];
    if (sx_option(options, SX_OPTION_BOOTSTRAP) == NULL &&
        sx_through_there(sx_option(options, SX_OPTION_DATA_DIR)))
        return consume_through(sx_option(options, SX_OPTION_DATA_DIR), c.name, from,
                               options->values[SX_OPTION_FOLLOW] != NULL);
    if (sx_session_form(options, c.name, &c.form, &compiled, &code) && sx_session_open(&c.session, options)) {
        c.form.guess_json = true;
        sx_arena_init(&c.arena, 0);
        code = consume(&c, from, options->values[SX_OPTION_FOLLOW] != NULL);
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
