/* cmd_deadletters.c: the records of `on error to topic`: to look at, and to send back. */
#include "streamd/command/through.h"
#include "streamd/command/topic_read.h"
#include "streamd/topic_write.h"

#include "engine/base/document.h"
#include "engine/base/text.h"

#include <stdlib.h>
#include <time.h>

enum { COMMIT_RECORDS = 1000 };

static const char prefix[] = "streamd.";

struct letters {
    const struct sx_options *options;
    const char *topic;
    bool json;
    int64_t only_partition, only_offset; /* -1: all */
    uint64_t count;                      /* that were shown or sent */

    struct sx_session session;
    int32_t partitions;
    struct sx_arena arena;
    struct sx_buffer line;

    /* Sending back. */
    const char *to; /* NULL: to the topic of each */
    struct sx_writer *writer;
    struct sx_partition_offset *done; /* by partition: up to where letters were sent back */
    uint32_t open_count;
    uint64_t strange;
    bool failed;
};

/* ---- Showing --------------------------------------------------------------------------------- */

static json_t *headers_of(const json_t *record, bool ours)
{
    json_t *found = json_object(), *value;
    const char *name;

    json_object_foreach(json_object_get(record, "headers"), name,
                        value) if ((strncmp(name, prefix, sizeof(prefix) - 1) == 0) == ours)
        json_object_set(found, ours ? name + sizeof(prefix) - 1 : name, value);
    return found;
}

static const char *text_of(const json_t *object, const char *name)
{
    const char *text = json_string_value(json_object_get(object, name));

    return text != NULL ? text : "?";
}

static void set_number(json_t *object, const char *name, const char *text)
{
    int64_t number;

    if (sx_read_int(sx_slice_of(text), &number))
        sx_document_set(object, name, json_integer(number));
}

/* What `consume` tells of a record, with what we wrote into its headers taken apart. */
static json_t *take_apart(const json_t *record)
{
    json_t *letter = json_object(), *ours = headers_of(record, true), *from = json_object();
    static const char *const kept[] = {"partition", "offset", "timestamp"}, *const content[] = {"key",
                                                                                                "value"};

    for (size_t i = 0; i < SX_COUNT(kept); i++)
        json_object_set(letter, kept[i], json_object_get(record, kept[i]));
    sx_document_set(from, "topic", sx_document_text(text_of(ours, "topic")));
    set_number(from, "partition", text_of(ours, "partition"));
    set_number(from, "offset", text_of(ours, "offset"));
    sx_document_set(letter, "from", from);
    sx_document_set(letter, "stage", sx_document_text(text_of(ours, "stage")));
    sx_document_set(letter, "error", sx_document_text(text_of(ours, "error")));
    for (size_t i = 0; i < SX_COUNT(content); i++)
        json_object_set(letter, content[i], json_object_get(record, content[i]));
    sx_document_set(letter, "headers", headers_of(record, false));
    json_decref(ours);
    return letter;
}

static void print_time(const json_t *letter)
{
    json_int_t ms = json_integer_value(json_object_get(letter, "timestamp"));
    json_int_t seconds = (ms - ((ms % 1000) + 1000) % 1000) / 1000;
    time_t at = (time_t)seconds;
    char text[64] = "";
    struct tm parts;

    if (gmtime_r(&at, &parts) != NULL)
        strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &parts);
    printf("%s.%03dZ", text, (int)(ms - seconds * 1000));
}

static void print_letter(const json_t *letter)
{
    const json_t *from = json_object_get(letter, "from");

    printf("%lld:%lld  ", json_integer_value(json_object_get(letter, "partition")),
           json_integer_value(json_object_get(letter, "offset")));
    print_time(letter);
    printf("  from %s[%lld] at %lld, in %s\n    %s\n", text_of(from, "topic"),
           json_integer_value(json_object_get(from, "partition")),
           json_integer_value(json_object_get(from, "offset")), text_of(letter, "stage"),
           text_of(letter, "error"));
}

static bool is_wanted(const struct letters *l, int64_t partition, int64_t offset)
{
    return l->only_partition < 0 || (partition == l->only_partition && offset == l->only_offset);
}

static void show_line(struct sx_slice line, void *arg)
{
    struct letters *l = arg;
    json_t *record = json_loadb(line.data, line.size, JSON_ALLOW_NUL, NULL), *letter;

    if (record == NULL)
        return;
    if (is_wanted(l, json_integer_value(json_object_get(record, "partition")),
                  json_integer_value(json_object_get(record, "offset")))) {
        letter = take_apart(record);
        l->count++;
        if (l->json || l->only_partition >= 0) {
            json_dumpf(letter, stdout, l->json ? JSON_COMPACT : JSON_INDENT(2));
            putchar('\n');
        } else {
            print_letter(letter);
        }
        json_decref(letter);
    }
    json_decref(record);
}

static bool show_record(int32_t partition, const struct sx_record *record, void *arg)
{
    struct sx_record_form form = {.guess_json = true};
    struct letters *l = arg;

    l->line.size = 0;
    sx_arena_reset(&l->arena);
    sx_record_line_write(&l->line, NULL, partition, record, &form, NULL, &l->arena);
    show_line(sx_buffer_slice(&l->line), l);
    return !ferror(stdout);
}

/* ---- Sending back ---------------------------------------------------------------------------- */

static struct sx_slice header(const struct sx_record *letter, const char *name)
{
    struct sx_slice found = SX_SLICE_NONE;

    /* Ours are the last ones. */
    for (uint32_t i = 0; i < letter->header_count; i++)
        if (sx_slice_equal(letter->headers[i].name, sx_slice_of(name)))
            found = letter->headers[i].value;
    return found;
}

static bool commit(struct letters *l)
{
    const struct sx_log_def *def = l->session.log->def;
    struct sx_partition_offset *moved = sx_calloc((size_t)l->partitions, sizeof(*moved));
    streamd_error *error = NULL;
    uint32_t count = 0;

    for (int32_t p = 0; p < l->partitions && l->only_partition < 0; p++)
        if (l->done[p].offset >= 0)
            moved[count++] = l->done[p];
    l->failed = def->commit(l->writer, moved, count, NULL, NULL, NULL, &error) != STREAMD_OK;
    if (l->failed)
        sx_complain(error);
    l->open_count = 0;
    free(moved);
    return !l->failed;
}

/* Where the letter came from: the same partition, if there are as many still. */
static bool write_back(struct letters *l, const char *name, int32_t from, const struct sx_record *record,
                       streamd_error **error)
{
    const struct sx_log_def *def = l->session.log->def;
    struct sx_topic *topic;
    uint32_t round = 0;
    int32_t count;

    if (def->partitions(l->session.log, name, &count, error) != STREAMD_OK ||
        def->topic_open(l->writer, name, &topic, error) != STREAMD_OK)
        return false;
    if (l->to != NULL || from < 0 || from >= count)
        from = sx_topic_place(record->key, count, &round);
    return sx_topic_write(l->writer, topic, from, record, NULL, error) == STREAMD_OK;
}

static bool send_record(int32_t partition, const struct sx_record *letter, void *arg)
{
    struct letters *l = arg;
    struct sx_slice topic = header(letter, "streamd.topic"), where = header(letter, "streamd.partition");
    struct sx_record record = *letter;
    struct sx_header *headers;
    streamd_error *error = NULL;
    int64_t from = -1;
    const char *name;

    if (!is_wanted(l, partition, letter->offset))
        return true;
    l->done[partition].offset = letter->offset + 1;
    if (topic.size == 0) {
        l->strange++;
        return true;
    }
    sx_arena_reset(&l->arena);
    headers = SX_ARENA_ARRAY(&l->arena, struct sx_header, letter->header_count + 1);
    record.headers = headers;
    record.header_count = 0;
    for (uint32_t i = 0; i < letter->header_count; i++)
        if (letter->headers[i].name.size < sizeof(prefix) - 1 ||
            memcmp(letter->headers[i].name.data, prefix, sizeof(prefix) - 1) != 0)
            headers[record.header_count++] = letter->headers[i];
    name = l->to ? l->to : sx_arena_format(&l->arena, "%.*s", (int)topic.size, topic.data);
    if (where.size)
        sx_read_int(where, &from);
    if (!write_back(l, name, (int32_t)from, &record, &error)) {
        sx_complain(error);
        l->failed = true;
        return false;
    }
    l->count++;
    return ++l->open_count < COMMIT_RECORDS || commit(l);
}

/* Up to where each partition was sent back before. */
static bool find_done(struct letters *l, int64_t *starts, streamd_error **error)
{
    const struct sx_log_def *def = l->session.log->def;

    for (int32_t p = 0; p < l->partitions; p++)
        l->done[p] = (struct sx_partition_offset){l->topic, p, SX_OFFSET_NONE, NULL};
    if (def->committed(l->session.log, l->done, (uint32_t)l->partitions, true, error) != STREAMD_OK)
        return false;
    for (int32_t p = 0; p < l->partitions; p++) {
        starts[p] = l->done[p].offset;
        l->done[p].offset = SX_OFFSET_NONE;
    }
    return true;
}

static int replay(struct letters *l)
{
    bool again = l->options->written[SX_OPTION_FROM] || l->only_partition >= 0;
    struct sx_topic_reading reading = {.session = &l->session,
                                       .topic = l->topic,
                                       .from = sx_option(l->options, SX_OPTION_FROM),
                                       .record = send_record,
                                       .arg = l};
    const struct sx_log_def *def = l->session.log->def;
    streamd_error *error = NULL;
    int64_t *starts = NULL;
    bool ok = def->partitions(l->session.log, l->topic, &l->partitions, &error) == STREAMD_OK;

    if (ok) {
        starts = sx_calloc((size_t)l->partitions, sizeof(*starts));
        l->done = sx_calloc((size_t)l->partitions, sizeof(*l->done));
        ok = find_done(l, starts, &error) &&
             def->writer_open(l->session.log, 0, &l->session.waker, &l->writer, &error) == STREAMD_OK;
    }
    if (!ok)
        sx_complain(error);
    reading.starts = again ? NULL : starts;
    /* What was sent before an error stays sent. */
    ok = ok && sx_topic_read(&reading) && !l->failed;
    if (l->writer != NULL) {
        ok = (l->failed || commit(l)) && ok;
        def->writer_close(l->writer);
    }
    if (ok) {
        printf("%llu sent back", (unsigned long long)l->count);
        if (l->strange)
            printf(", %llu left out: they do not say where they came from", (unsigned long long)l->strange);
        printf("\n");
    }
    free(starts);
    free(l->done);
    return ok ? SX_EXIT_OK : SX_EXIT_FAILED;
}

/* ---- The command ----------------------------------------------------------------------------- */

static bool read_only(struct letters *l)
{
    const char *text = l->options->values[SX_OPTION_ONLY], *colon;

    l->only_partition = l->only_offset = -1;
    if (text == NULL)
        return true;
    colon = strchr(text, ':');
    if (colon != NULL && sx_read_int(sx_slice(text, (size_t)(colon - text)), &l->only_partition) &&
        sx_read_int(sx_slice_of(colon + 1), &l->only_offset) && l->only_partition >= 0 && l->only_offset >= 0)
        return true;
    fprintf(stderr, "error: --only is PARTITION:OFFSET as the list shows it, not `%s`\n", text);
    return false;
}

static bool good_words(struct letters *l)
{
    const char *format = sx_option(l->options, SX_OPTION_FORMAT);

    l->json = strcmp(format, "json") == 0;
    if (!l->json && strcmp(format, "text") != 0)
        return fprintf(stderr, "error: --format is text or json, not `%s`\n", format), false;
    if (l->to != NULL && l->options->values[SX_OPTION_REPLAY] == NULL)
        return fputs("error: --to is for --replay\n", stderr), false;
    return read_only(l) && sx_topic_from(sx_option(l->options, SX_OPTION_FROM));
}

static int list(struct letters *l)
{
    struct sx_topic_reading reading = {.session = &l->session,
                                       .topic = l->topic,
                                       .from = sx_option(l->options, SX_OPTION_FROM),
                                       .record = show_record,
                                       .arg = l};

    return sx_topic_read(&reading) || ferror(stdout) ? SX_EXIT_OK : SX_EXIT_FAILED;
}

static int on_log(struct letters *l, bool back)
{
    char *application = sx_format("streamd-deadletters-%s", l->topic);
    int code = SX_EXIT_FAILED;

    if (sx_session_open_as(&l->session, l->options, back ? application : "streamd-tools",
                           back ? SX_EXACTLY_ONCE : SX_AT_LEAST_ONCE)) {
        sx_arena_init(&l->arena, 0);
        code = back ? replay(l) : list(l);
        sx_arena_free(&l->arena);
        sx_buffer_free(&l->line);
        sx_session_close(&l->session);
    }
    free(application);
    return code;
}

static int run(const struct sx_options *options)
{
    const char *folder = sx_option(options, SX_OPTION_DATA_DIR);
    struct letters l = {.options = options, .to = options->values[SX_OPTION_TO]};
    bool back = options->values[SX_OPTION_REPLAY] != NULL;
    int code;

    if (options->argument_count != 1) {
        fputs("usage: streamd deadletters TOPIC\n", stderr);
        return SX_EXIT_USAGE;
    }
    l.topic = options->arguments[0];
    if (!good_words(&l))
        return SX_EXIT_USAGE;
    if (sx_option(options, SX_OPTION_BOOTSTRAP) != NULL || !sx_through_there(folder)) {
        code = on_log(&l, back);
    } else if (back) {
        fprintf(stderr, "error: a running streamd holds %s; stop it, send the records back, start it again\n",
                folder);
        return SX_EXIT_FAILED;
    } else {
        code =
            sx_topic_read_through(folder, l.topic, sx_option(options, SX_OPTION_FROM), false, show_line, &l)
                ? SX_EXIT_OK
                : SX_EXIT_FAILED;
    }
    if (code == SX_EXIT_OK && l.only_partition >= 0 && l.count == 0) {
        fprintf(stderr, "error: %s has no record %lld:%lld\n", l.topic, (long long)l.only_partition,
                (long long)l.only_offset);
        return SX_EXIT_FAILED;
    }
    if (code == SX_EXIT_OK && !back && !l.json && l.only_partition < 0)
        printf("%llu dead letter%s\n", (unsigned long long)l.count, l.count == 1 ? "" : "s");
    return code;
}

const struct sx_command sx_command_deadletters = {
    .name = "deadletters",
    .usage = "TOPIC",
    .summary = "The records of `on error to topic`: list, show, send back.",
    .more =
        "Each with its place, its time, where it came from, the stage that failed and why; --only shows\n"
        "one whole. --replay sends them back to topic and partition they came from, after what was wrong\n"
        "is put right: bytes, headers and time as they were. How far is kept with what is sent, so the next\n"
        "--replay goes on from there; --from or --only send again.\n",
    .options = " bootstrap config data-dir format from only replay to ",
    .run = run,
};
