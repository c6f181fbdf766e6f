/* cmd_consume.c: a topic as NDJSON. */
#include "streamd/command/session.h"

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
    ok = ok && read_all(c, partitions, count, follow, &error);
    for (int32_t p = 0; partitions != NULL && p < count; p++)
        if (partitions[p].reader != NULL)
            def->reader_close(partitions[p].reader);
    free(partitions);
    if (!ok)
        sx_complain(error);
    return ok ? SX_EXIT_OK : SX_EXIT_FAILED;
}

static int run(const struct sx_options *options)
{
    struct consuming c = {0};
    struct sx_compiled *compiled = NULL;
    const char *from = sx_option(options, SX_OPTION_FROM);
    int64_t offset;
    int code = SX_EXIT_FAILED;

    if (options->argument_count != 1) {
        fputs("error: streamd consume TOPIC\n", stderr);
        return SX_EXIT_USAGE;
    }
    if (strcmp(from, "earliest") != 0 && strcmp(from, "latest") != 0 &&
        (!sx_read_int(sx_slice_of(from), &offset) || offset < 0)) {
        fprintf(stderr, "error: --from is earliest, latest or an offset, not `%s`\n", from);
        return SX_EXIT_USAGE;
    }
    c.name = options->arguments[0];
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
