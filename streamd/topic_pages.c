/* topic_pages.c: GET and POST /topics/NAME: records as NDJSON, out of a topic and into one. */
#include "streamd/http_server.h"
#include "streamd/remembered.h"
#include "streamd/topic_line.h"
#include "streamd/topic_write.h"

#include "engine/base/document.h"
#include "engine/base/text.h"

#include <stdlib.h>

enum { FETCH_RECORDS = 500, WAIT_MS = 100, QUIET_WAITS = 20, PRUNE_MS = 60000 };

static bool number_argument(const struct sx_http_request *request, const char *name, int64_t most,
                            int64_t *value)
{
    const char *text = sx_http_argument(request, name);

    return text == NULL || (sx_read_int(sx_slice_of(text), value) && *value >= 0 && *value <= most);
}

static bool flag_argument(const struct sx_http_request *request, const char *name)
{
    const char *text = sx_http_argument(request, name);

    return text != NULL && strcmp(text, "false") != 0 && strcmp(text, "0") != 0;
}

/* ---- GET ------------------------------------------------------------------------------------- */

struct part {
    struct sx_reader *reader;
    int32_t number;
    int64_t next, end;
};

/* A topic that is being given to a client, by the thread of its connection. */
struct reading {
    struct sx_http *http;
    struct sx_log *log;
    struct sx_waker waker;
    struct sx_record_form form;
    struct part *parts;
    int32_t part_count;
    int64_t left; /* records that may still be given */
    bool follow, failed;
    uint32_t quiet;
    struct sx_buffer text; /* not yet given: from `given` on */
    size_t given;
    struct sx_arena arena;
};

static void free_reading(void *arg)
{
    struct reading *r = arg;

    for (int32_t p = 0; p < r->part_count; p++)
        if (r->parts[p].reader != NULL)
            r->log->def->reader_close(r->parts[p].reader);
    if (r->follow)
        atomic_fetch_sub(&r->http->followers, 1);
    sx_http_leave(r->http);
    sx_waker_free(&r->waker);
    sx_arena_free(&r->arena);
    sx_buffer_free(&r->text);
    free(r->parts);
    free(r);
}

static streamd_status open_part(struct reading *r, struct part *part, const char *topic, const char *from,
                                streamd_error **error)
{
    const struct sx_log_def *def = r->log->def;
    int64_t low;
    streamd_status status = def->watermarks(r->log, topic, part->number, false, &low, &part->end, error);

    if (status != STREAMD_OK)
        return status;
    part->next = low;
    if (strcmp(from, "latest") == 0)
        part->next = part->end;
    else if (strcmp(from, "earliest") != 0 && sx_read_int(sx_slice_of(from), &part->next))
        part->next = SX_MIN(SX_MAX(part->next, low), part->end);
    return def->reader_open(r->log, SX_READ_RESTORE, topic, part->number, part->next, &r->waker,
                            &part->reader, error);
}

static streamd_status read_part(struct reading *r, struct part *part, streamd_error **error)
{
    const struct sx_log_def *def = r->log->def;
    struct sx_fetch fetch;
    streamd_status status = def->fetch(part->reader, FETCH_RECORDS, &fetch, error);

    if (status != STREAMD_OK)
        return status;
    for (uint32_t i = 0; i < fetch.count && r->left > 0; i++) {
        const struct sx_record *record = &fetch.records[i];

        if (!r->follow && record->offset >= part->end)
            break;
        sx_arena_reset(&r->arena);
        sx_record_line_write(&r->text, NULL, part->number, record, &r->form, NULL, &r->arena);
        r->left--;
    }
    if (fetch.count > 0)
        r->quiet = 0;
    part->next = fetch.at_end && !r->follow ? part->end : SX_MAX(part->next, fetch.next_offset);
    def->release(part->reader, &fetch);
    return STREAMD_OK;
}

/* One round of the partitions. False: there is nothing more to come. */
static bool read_round(struct reading *r)
{
    streamd_error *error = NULL;
    bool more = r->follow;

    r->quiet++;
    for (int32_t p = 0; p < r->part_count && r->left > 0; p++) {
        struct part *part = &r->parts[p];

        if (!r->follow && part->next >= part->end)
            continue;
        if (read_part(r, part, &error) != STREAMD_OK) {
            /* The head of the answer is gone, so the last line says it. */
            sx_buffer_add_text(&r->text, "{\"error\":");
            sx_json_write_string(&r->text, sx_slice_of(streamd_error_message(error)));
            sx_buffer_add_text(&r->text, "}\n");
            streamd_error_free(error);
            r->failed = true;
            return false;
        }
        more |= part->next < part->end;
    }
    /* A marker of a transaction at the end is no record: nothing for a while is the end too. */
    return more && r->left > 0 && (r->follow || r->quiet < QUIET_WAITS);
}

static ssize_t give(void *arg, uint64_t position, char *to, size_t room)
{
    struct reading *r = arg;
    size_t size;

    (void)position;
    while (r->given == r->text.size) {
        r->given = r->text.size = 0;
        if (r->failed || r->left == 0 || atomic_load(&r->http->stopping) || atomic_load(&r->http->paused))
            return MHD_CONTENT_READER_END_OF_STREAM;
        if (!read_round(r) && r->text.size == 0)
            return MHD_CONTENT_READER_END_OF_STREAM;
        if (r->text.size == 0) {
            sx_waker_wait(&r->waker, WAIT_MS);
            /* An empty line now and then finds out whether the client is still there. */
            if (r->quiet % QUIET_WAITS == 0)
                sx_buffer_add_byte(&r->text, '\n');
        }
    }
    size = SX_MIN(room, r->text.size - r->given);
    memcpy(to, r->text.data + r->given, size);
    r->given += size;
    return (ssize_t)size;
}

static streamd_status open_parts(struct reading *r, const struct sx_http_request *request, int64_t only,
                                 const char *from, streamd_error **error)
{
    int32_t count = 0;
    streamd_status status = r->log->def->partitions(r->log, request->rest, &count, error);

    if (status == STREAMD_OK && only >= count)
        status =
            sx_fail(error, STREAMD_E_NOTFOUND, "%s has %d partitions, numbered from 0", request->rest, count);
    if (status != STREAMD_OK)
        return status;
    r->part_count = only >= 0 ? 1 : count;
    r->parts = sx_calloc((size_t)r->part_count, sizeof(*r->parts));
    for (int32_t p = 0; p < r->part_count && status == STREAMD_OK; p++) {
        r->parts[p].number = only >= 0 ? (int32_t)only : p;
        status = open_part(r, &r->parts[p], request->rest, from, error);
    }
    return status;
}

static enum MHD_Result send_reading(const struct sx_http_request *request, struct reading *r)
{
    struct MHD_Response *response =
        MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, 32 * 1024, give, r, free_reading);
    enum MHD_Result result;

    if (response == NULL) {
        free_reading(r);
        return MHD_NO;
    }
    MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, "application/x-ndjson");
    MHD_add_response_header(response, MHD_HTTP_HEADER_CONNECTION, "close");
    result = MHD_queue_response(request->connection, MHD_HTTP_OK, response);
    MHD_destroy_response(response);
    return result;
}

enum MHD_Result sx_page_topic_read(const struct sx_http_request *request)
{
    struct sx_http *http = request->http;
    struct sx_log *log = sx_engine_log(http->options.engine);
    const char *from = sx_http_argument(request, "from");
    int64_t only = -1, limit = INT64_MAX, offset = 0;
    streamd_error *error = NULL;
    struct reading *r;

    if (!sx_is_topic_name(request->rest))
        return sx_http_refuse(request, MHD_HTTP_NOT_FOUND, SX_TOPIC_NAME_RULE);
    from = from ? from : "earliest";
    if (log == NULL || atomic_load(&http->stopping))
        return sx_http_refuse(request, MHD_HTTP_SERVICE_UNAVAILABLE, "the log is not open");
    if (strcmp(from, "earliest") != 0 && strcmp(from, "latest") != 0 &&
        (!sx_read_int(sx_slice_of(from), &offset) || offset < 0))
        return sx_http_refuse(request, MHD_HTTP_BAD_REQUEST, "from is earliest, latest or an offset");
    if (!number_argument(request, "partition", INT32_MAX, &only) ||
        !number_argument(request, "limit", INT64_MAX, &limit))
        return sx_http_refuse(request, MHD_HTTP_BAD_REQUEST, "partition and limit are numbers from 0");
    if (!sx_http_enter(http)) /* until the answer is given, which is later than the request's end */
        return sx_http_refuse(request, MHD_HTTP_SERVICE_UNAVAILABLE, "the log is not open");
    r = sx_calloc(1, sizeof(*r));
    r->http = http;
    r->log = log;
    r->left = limit;
    r->form = http->options.form(request->rest, http->options.arg);
    r->form.guess_json = true;
    sx_arena_init(&r->arena, 0);
    if (flag_argument(request, "follow")) {
        r->follow = true;
        if (atomic_fetch_add(&http->followers, 1) >= SX_HTTP_FOLLOWERS)
            sx_fail(&error, STREAMD_E_TIMEOUT, "%d clients follow topics already", SX_HTTP_FOLLOWERS);
    }
    if (!sx_waker_init(&r->waker))
        r->waker.fd = -1;
    if (error == NULL)
        open_parts(r, request, only, from, &error);
    if (error == NULL)
        return send_reading(request, r);
    free_reading(r);
    return sx_http_fail(request, error);
}

/* ---- POST ------------------------------------------------------------------------------------ */

struct posting {
    const struct sx_http_request *request;
    struct sx_log *log;
    struct sx_topic_lines lines;
    struct sx_arena arena;
    struct sx_record *records;
    int32_t *partitions;
    uint32_t count, room;
    struct sx_waker waker;
    struct sx_writer *writer;
    struct sx_topic *topic;
    struct sx_remembered_request remembered; /* key NULL: it carries none */
    struct sx_unit *unit;
    struct sx_buffer answer;
};

/* Look the topic up; `create` makes it when it is missing. */
static streamd_status find_topic(struct posting *p, streamd_error **error)
{
    const struct sx_log_def *def = p->log->def;
    struct sx_topic_spec spec = {.name = p->lines.topic, .cleanup = SX_CLEANUP_DELETE, .retention_ms = -1};
    streamd_error *missing = NULL;
    int64_t partitions = 0;
    streamd_status status = def->partitions(p->log, p->lines.topic, &p->lines.partitions, &missing);

    if (status == STREAMD_E_NOTFOUND && flag_argument(p->request, "create") &&
        number_argument(p->request, "partitions", 10000, &partitions)) {
        streamd_error_free(missing);
        spec.partitions = (int32_t)partitions;
        status = def->create(p->log, &spec, error);
        return status == STREAMD_OK ? def->partitions(p->log, p->lines.topic, &p->lines.partitions, error)
                                    : status;
    }
    *error = missing;
    return status;
}

/* All lines as records. False: *message says which is wrong, and how. */
static bool read_lines(struct posting *p, char **message)
{
    const char *at = p->request->body.data, *end = at + p->request->body.size, *why = NULL;
    int64_t now_ms = sx_wall_ms(&sx_clock_system);

    for (unsigned number = 1; at < end; number++) {
        const char *stop = memchr(at, '\n', (size_t)(end - at));
        struct sx_slice line = sx_slice(at, (size_t)((stop ? stop : end) - at));

        at = stop ? stop + 1 : end;
        while (line.size && (line.data[line.size - 1] == '\r' || line.data[line.size - 1] == ' '))
            line.size--;
        if (line.size == 0)
            continue;
        if (p->count == p->room) {
            p->room = p->room ? p->room * 2 : 64;
            p->records = sx_realloc(p->records, sizeof(*p->records) * p->room);
            p->partitions = sx_realloc(p->partitions, sizeof(*p->partitions) * p->room);
        }
        if (!sx_topic_line(&p->lines, line, now_ms, &p->records[p->count], &p->partitions[p->count],
                           &p->arena, &why)) {
            *message = sx_format("line %u: %s", number, why);
            return false;
        }
        p->count++;
    }
    return true;
}

/* How many records went to each partition, and the offset of the last: others may write between ours. */
static void say_offsets(struct posting *p)
{
    const struct sx_log_def *def = p->log->def;
    json_t *document = json_object(), *partitions = json_array(), *one;

    for (int32_t partition = 0; partition < p->lines.partitions; partition++) {
        uint32_t count = 0;

        for (uint32_t i = 0; i < p->count; i++)
            count += p->partitions[i] == partition;
        if (count == 0)
            continue;
        one = json_object();
        sx_document_set(one, "partition", json_integer(partition));
        sx_document_set(one, "records", json_integer(count));
        sx_document_set(one, "last_offset",
                        json_integer(def->writer_offset(p->writer, p->topic, partition) - 1));
        sx_document_push(partitions, one);
    }
    sx_document_set(document, "records", json_integer(p->count));
    sx_document_set(document, "partitions", partitions);
    sx_document_write(&p->answer, document, false);
}

/* The answer is known now, and goes into the same commit. */
static void remember(struct sx_unit *unit, void *arg)
{
    struct posting *p = arg;

    say_offsets(p);
    if (p->remembered.key != NULL)
        sx_remembered_put(unit, &p->remembered, sx_buffer_slice(&p->answer));
}

static streamd_status prune(struct posting *p, streamd_error **error)
{
    struct sx_http *http = p->request->http;

    if (p->remembered.key == NULL || p->remembered.now_ms - http->pruned_ms < PRUNE_MS)
        return STREAMD_OK;
    http->pruned_ms = p->remembered.now_ms;
    return sx_remembered_prune(http->options.disk, p->unit, p->remembered.now_ms, error);
}

/* All of them in one commit, or none. */
static streamd_status write_lines(struct posting *p, streamd_error **error)
{
    const struct sx_log_def *def = p->log->def;
    streamd_status status =
        def->writer_open(p->log, p->request->http->options.writer, &p->waker, &p->writer, error);

    if (status != STREAMD_OK)
        return status;
    status = def->topic_open(p->writer, p->lines.topic, &p->topic, error);
    for (uint32_t i = 0; i < p->count && status == STREAMD_OK; i++)
        status = sx_topic_write(p->writer, p->topic, p->partitions[i], &p->records[i],
                                &p->request->http->stopping, error);
    if (status == STREAMD_OK)
        status = prune(p, error);
    if (status == STREAMD_OK)
        status = def->commit(p->writer, NULL, 0, p->unit, remember, p, error);
    if (status != STREAMD_OK)
        def->abort(p->writer, NULL);
    return status;
}

/* What was asked before: *done, and the answer. */
static enum MHD_Result ask_again(struct posting *p, bool *done)
{
    enum sx_remembered found = SX_REMEMBERED_NOT;
    streamd_error *error = NULL;

    *done = p->remembered.key != NULL;
    if (!*done)
        return MHD_YES;
    if (strlen(p->remembered.key) > SX_REMEMBERED_KEY_BYTES || p->remembered.key[0] == '\0')
        return sx_http_refuse(p->request, MHD_HTTP_BAD_REQUEST, "an Idempotency-Key has 1 to %d bytes",
                              SX_REMEMBERED_KEY_BYTES);
    if (sx_remembered_find(p->request->http->options.disk, &p->remembered, &found, &p->answer, &error) !=
        STREAMD_OK)
        return sx_http_fail(p->request, error);
    if (found == SX_REMEMBERED_OTHER)
        return sx_http_refuse(p->request, MHD_HTTP_UNPROCESSABLE_CONTENT,
                              "this Idempotency-Key came with other records within the last hour");
    if (found == SX_REMEMBERED_SAME)
        return sx_http_answer(p->request, MHD_HTTP_OK, "application/json", &p->answer);
    *done = false;
    return MHD_YES;
}

static enum MHD_Result post(struct posting *p)
{
    struct sx_http *http = p->request->http;
    streamd_error *error = NULL;
    enum MHD_Result result;
    char *message = NULL;
    bool done;

    result = ask_again(p, &done);
    if (done)
        return result;
    if (find_topic(p, &error) != STREAMD_OK)
        return sx_http_fail(p->request, error);
    p->lines.round = atomic_load(&http->round);
    if (!read_lines(p, &message)) {
        result = sx_http_refuse(p->request, MHD_HTTP_BAD_REQUEST, "%s", message);
        free(message);
        return result;
    }
    atomic_store(&http->round, p->lines.round);
    if (p->count > 0 && write_lines(p, &error) != STREAMD_OK)
        return sx_http_fail(p->request, error);
    if (p->count == 0)
        say_offsets(p);
    return sx_http_answer(p->request, MHD_HTTP_OK, "application/json", &p->answer);
}

enum MHD_Result sx_page_topic_write(const struct sx_http_request *request)
{
    struct sx_http *http = request->http;
    struct posting p = {.request = request, .log = sx_engine_log(http->options.engine)};
    enum MHD_Result result;

    if (!sx_is_topic_name(request->rest))
        return sx_http_refuse(request, MHD_HTTP_NOT_FOUND, SX_TOPIC_NAME_RULE);
    if (p.log == NULL)
        return sx_http_refuse(request, MHD_HTTP_SERVICE_UNAVAILABLE, "the log is not open yet");
    if (sx_topic_is_internal(http->options.plan, request->rest))
        return sx_http_refuse(request, MHD_HTTP_FORBIDDEN, "%s is an internal topic", request->rest);
    p.lines = (struct sx_topic_lines){.topic = request->rest,
                                      .form = http->options.form(request->rest, http->options.arg)};
    p.remembered = (struct sx_remembered_request){
        .topic = request->rest,
        .key = MHD_lookup_connection_value(request->connection, MHD_HEADER_KIND, "Idempotency-Key"),
        .body = request->body,
        .now_ms = sx_wall_ms(&sx_clock_system)};
    if (!sx_waker_init(&p.waker))
        return sx_http_refuse(request, MHD_HTTP_SERVICE_UNAVAILABLE, "there are too many open files");
    p.unit = sx_unit_new(http->options.disk);
    sx_arena_init(&p.arena, 0);
    pthread_mutex_lock(&http->writing);
    result = post(&p);
    if (p.writer != NULL)
        p.log->def->writer_close(p.writer);
    pthread_mutex_unlock(&http->writing);
    sx_unit_free(p.unit);
    sx_buffer_free(&p.answer);
    sx_arena_free(&p.arena);
    sx_waker_free(&p.waker);
    free(p.records);
    free(p.partitions);
    return result;
}
