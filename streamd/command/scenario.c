/* scenario.c: one `test` block through the same driver as `pipe`; see scenario.h. */
#include "streamd/command/scenario.h"

#include "streamd/topic_form.h"

#include "engine/run/driver.h"

#include <stdarg.h>
#include <stdlib.h>

/* A row that came out of a topic or a definition. */
struct came {
    const char *name;
    bool is_topic;
    const char *key, *value; /* JSON */
    int64_t ts;
    bool has_window;
    struct sx_window window;
    const struct sx_header *headers;
    uint32_t header_count;
    uint32_t cause; /* the step that it came of */
    bool taken;
};

struct testing {
    struct sx_compiled *compiled;
    struct sx_driver *driver;
    struct sx_arena arena; /* of one test */
    struct came *rows;
    uint32_t count, room, count_before; /* before the record in hand, for undone */
    int64_t last_timestamp, wall_ms;
    char error[512]; /* of the last send; empty: none */
    const struct sx_test *test;
    uint32_t step; /* in hand */
    uint32_t failures;
    struct sx_record *waiting; /* to be sent, room for `batch`; of one topic and partition */
    const char *topic;
    const struct sx_step *last_sent;
    uint32_t waiting_count, batch;
    uint32_t compared;      /* steps before it, if they expect a row */
    struct sx_edits *edits; /* NULL: what does not hold fails */
    bool edited, ended;     /* all steps were taken */
};

static struct came *add_row(struct testing *t)
{
    if (t->count == t->room) {
        t->room = t->room ? t->room * 2 : 64;
        t->rows = sx_realloc(t->rows, t->room * sizeof(*t->rows));
    }
    t->rows[t->count] = (struct came){.cause = t->step};
    return &t->rows[t->count++];
}

/* ---- What comes out -------------------------------------------------------------------------- */

static const char *part_json(struct testing *t, const struct sx_format_def *format, const void *plan,
                             struct sx_slice bytes)
{
    struct sx_record record = {.key = bytes};
    struct sx_record_form form = {.key_format = format, .key_plan = plan};
    struct sx_buffer line = {0};
    const char *copy;
    char *end;

    /* {"key":...,"value":null,...}: what stands between. */
    sx_record_line_write(&line, NULL, -1, &record, &form, NULL, &t->arena);
    sx_buffer_add_byte(&line, '\0');
    end = strstr(line.data, ",\"value\":null,\"timestamp\":");
    for (char *next = end; next != NULL; next = strstr(next + 1, ",\"value\":null,\"timestamp\":"))
        end = next;
    copy = sx_arena_strndup(&t->arena, line.data + 7, (size_t)(end - line.data) - 7);
    sx_buffer_free(&line);
    return copy;
}

static struct sx_slice copy_slice(struct testing *t, struct sx_slice from)
{
    return from.data != NULL ? sx_slice(sx_arena_strndup(&t->arena, from.data, from.size), from.size) : from;
}

static const struct sx_header *copy_headers(struct testing *t, const struct sx_record *record)
{
    struct sx_header *headers = SX_ARENA_ARRAY(&t->arena, struct sx_header, record->header_count + 1);

    for (uint32_t h = 0; h < record->header_count; h++)
        headers[h] = (struct sx_header){copy_slice(t, record->headers[h].name),
                                        copy_slice(t, record->headers[h].value)};
    return headers;
}

static void output(const struct sx_topic_plan *topic, const struct sx_record *record,
                   const struct sx_window *window, void *arg)
{
    struct testing *t = arg;
    struct came *row = add_row(t);
    struct sx_slice key = record->key;
    struct sx_record_form form = sx_form_of_sink(topic);
    struct sx_window own;

    sx_record_window(&form, &key, &own);
    row->name = topic->name;
    row->is_topic = true;
    row->key = part_json(t, topic->sink_key_format, topic->sink_key_plan, key);
    row->value = part_json(t, topic->sink_value_format, topic->sink_value_plan, record->value);
    row->ts = record->timestamp;
    row->headers = copy_headers(t, record);
    row->header_count = record->header_count;
    if (window != NULL) {
        row->has_window = true;
        row->window = *window;
    }
}

static const char *columns_json(struct testing *t, const struct sx_batch *batch,
                                const struct sx_schema *schema, uint32_t row, enum sx_role role)
{
    struct sx_buffer text = {0};
    uint32_t count = 0;
    const char *copy;
    bool whole = role == SX_ROLE_KEY && schema->key_count == 1;

    for (uint32_t c = 0; c < schema->count; c++) {
        const struct sx_field *field = &schema->fields[c];

        if (field->role != role)
            continue;
        if (!whole) {
            sx_buffer_add_byte(&text, count++ ? ',' : '{');
            sx_json_write_string(&text, sx_slice_of(field->name));
            sx_buffer_add_byte(&text, ':');
        }
        if (batch->columns[c].data == NULL)
            sx_buffer_add_text(&text, "null");
        else
            sx_json_write_value(&text, sx_column_get(&batch->columns[c], row), field->type);
    }
    if (!whole)
        sx_buffer_add_text(&text, count ? "}" : role == SX_ROLE_KEY ? "null" : "{}");
    copy = sx_arena_strndup(&t->arena, text.data, text.size);
    sx_buffer_free(&text);
    return copy;
}

static void emitted(const struct sx_node_plan *node, uint32_t port, const struct sx_batch *batch, void *arg)
{
    struct testing *t = arg;

    for (uint32_t d = 0; d < t->compiled->definition_count; d++) {
        const struct sx_flow *flow = t->compiled->definitions[d].flow;

        if (flow == NULL || flow->node != node || flow->port != port)
            continue;
        for (SX_EACH_ROW(batch, i, r)) {
            struct came *row = add_row(t);

            row->name = t->compiled->definitions[d].name;
            row->key = columns_json(t, batch, flow->schema, r, SX_ROLE_KEY);
            row->value =
                sx_batch_is_gone(batch, r) ? "null" : columns_json(t, batch, flow->schema, r, SX_ROLE_VALUE);
            row->ts = batch->ts[r];
            if (batch->windows != NULL && flow->schema->windowed) {
                row->has_window = true;
                row->window = batch->windows[r];
            }
        }
    }
}

static void begun(void *arg) { ((struct testing *)arg)->count_before = ((struct testing *)arg)->count; }
static void undone(void *arg) { ((struct testing *)arg)->count = ((struct testing *)arg)->count_before; }

static void failed(const struct sx_task_failure *failure, enum sx_on_error policy, void *arg)
{
    struct testing *t = arg;

    snprintf(t->error, sizeof(t->error), "%s: %s", failure->reason, failure->message);
}

/* ---- Steps ----------------------------------------------------------------------------------- */

static void complain(struct testing *t, const struct sx_step *step, const char *format, ...) SX_PRINTF(3, 4);

static void complain(struct testing *t, const struct sx_step *step, const char *format, ...)
{
    va_list args;

    if (t->failures++ == 0)
        printf("FAIL %s:%u: %s\n", t->test->at.file, t->test->at.line, t->test->name);
    printf("  %s:%u: ", step->at.file, step->at.line);
    va_start(args, format);
    vprintf(format, args);
    va_end(args);
    putchar('\n');
}

/* What a step says of headers, as a record has them. */
static const struct sx_header *headers_of(struct testing *t, const struct sx_step *step)
{
    struct sx_header *headers = SX_ARENA_ARRAY(&t->arena, struct sx_header, step->header_count + 1);

    for (uint32_t h = 0; h < step->header_count; h++)
        headers[h] =
            (struct sx_header){sx_slice_of(step->headers[h].name), sx_slice_of(step->headers[h].value)};
    return headers;
}

/* A source by its name, or by a topic that it reads; *topic is what the record is sent to. */
static const struct sx_source_spec *find_source(const struct testing *t, const struct sx_step *step,
                                                const char **topic)
{
    *topic = step->name;
    for (uint32_t s = 0; s < t->compiled->source_count && !step->is_topic; s++) {
        const struct sx_source_spec *source = t->compiled->sources[s];

        if (strcmp(source->name, step->name) != 0)
            continue;
        *topic =
            source->pattern ? sx_plan_pattern(t->compiled->plan, source->pattern)->name : source->topics[0];
        return source;
    }
    return sx_source_of_topic(t->compiled, step->name);
}

static bool stops_on_error(const struct testing *t, const struct sx_step *step)
{
    const char *topic;
    const struct sx_source_spec *source = find_source(t, step, &topic);
    enum sx_on_error policy = source ? source->on_error : SX_ON_ERROR_DEFAULT;

    if (policy == SX_ON_ERROR_DEFAULT)
        policy = t->compiled->plan->on_error;
    return source != NULL && policy != SX_ON_ERROR_SKIP && policy != SX_ON_ERROR_TOPIC;
}

/* What waits goes through the driver. */
static void flush(struct testing *t)
{
    const struct sx_step *last = t->last_sent, *next = last + 1;
    streamd_error *error = NULL;
    uint32_t done;

    if (t->waiting_count == 0)
        return;
    t->error[0] = '\0';
    for (uint32_t at = 0; at < t->waiting_count; at += done) {
        if (sx_driver_send_many(t->driver, t->topic, last->partition, t->waiting + at, t->waiting_count - at,
                                &done, &error) != STREAMD_OK)
            done++;
        streamd_error_free(error);
        error = NULL;
    }
    t->waiting_count = 0;
    if (t->error[0] && (next == t->test->steps + t->test->step_count || next->kind != SX_STEP_ERROR) &&
        stops_on_error(t, last))
        complain(t, last, "the record failed: %s", t->error);
}

static void run_send(struct testing *t, const struct sx_step *step)
{
    const char *topic;
    const struct sx_source_spec *source = find_source(t, step, &topic);
    struct sx_record_line line = {.partition = step->partition, .timestamp = step->time_ms};
    struct sx_record_form form, key_form, value_form;
    struct sx_record record, value;
    const char *message = NULL;

    if (source == NULL) {
        complain(t, step, "there is no source `%s`", step->name);
        return;
    }
    if (!step->has_time)
        line.timestamp = t->last_timestamp;
    t->last_timestamp = line.timestamp;
    line.has_window = step->has_window;
    line.window = (struct sx_window){step->window_start, step->window_end};
    line.headers = headers_of(t, step);
    line.header_count = step->header_count;
    form = sx_form_of_source(source);
    key_form = value_form = form;
    line.key = sx_slice_of(step->key.json);
    line.raw = step->key.raw;
    if (!sx_record_line_encode(&line, &key_form, &record, &t->arena, &message)) {
        complain(t, step, "%s", message);
        return;
    }
    line.key = SX_SLICE_NONE;
    line.value = sx_slice_of(step->value.json);
    line.raw = step->value.raw;
    if (!sx_record_line_encode(&line, &value_form, &value, &t->arena, &message)) {
        complain(t, step, "%s", message);
        return;
    }
    record.value = value.value;
    if (t->waiting_count > 0 && (step->partition != t->last_sent->partition || strcmp(topic, t->topic) != 0))
        flush(t);
    t->waiting[t->waiting_count++] = record;
    t->topic = topic;
    t->last_sent = step;
    if (t->waiting_count == t->batch)
        flush(t);
}

static bool is_of(const struct testing *t, const struct came *row, const struct sx_step *step)
{
    bool definition = false;

    for (uint32_t d = 0; d < t->compiled->definition_count && !step->is_topic; d++)
        definition |= strcmp(t->compiled->definitions[d].name, step->name) == 0;
    return row->is_topic != definition && strcmp(row->name, step->name) == 0;
}

static struct came *next_row(struct testing *t, const struct sx_step *step)
{
    for (uint32_t i = 0; i < t->count; i++)
        if (!t->rows[i].taken && is_of(t, &t->rows[i], step))
            return &t->rows[i];
    return NULL;
}

static void add_expected(struct testing *t, struct sx_buffer *to, const struct sx_step *step)
{
    struct sx_row_text row = {.key = step->key.json,
                              .value = step->value.json,
                              .exact = step->value.exact,
                              .has_time = step->has_time,
                              .ts = step->time_ms,
                              .has_window = step->has_window,
                              .window = {step->window_start, step->window_end},
                              .has_headers = step->has_headers,
                              .headers = headers_of(t, step),
                              .header_count = step->header_count};

    sx_row_text_add(to, &row, NULL);
}

/* A row as a step would expect it: with what the step compares, or all (NULL). */
static void add_came(struct sx_buffer *to, const struct came *came, const struct sx_step *like)
{
    struct sx_row_text row = {.key = came->key,
                              .value = came->value,
                              .exact = like != NULL && like->value.exact,
                              .has_time = like == NULL || like->has_time,
                              .ts = came->ts,
                              .has_window = came->has_window && (like == NULL || like->has_window),
                              .window = came->window,
                              .has_headers = like != NULL ? like->has_headers : came->header_count > 0,
                              .headers = came->headers,
                              .header_count = came->header_count};

    sx_row_text_add(to, &row, like ? like->value.json : NULL);
}

/* A step's text anew: what it names, `->`, and the row. */
static char *expectation(const struct sx_step *step, const struct came *came, const struct sx_step *like)
{
    struct sx_buffer text = {0};

    sx_buffer_printf(&text, step->is_topic ? "\"%s\" -> " : "%s -> ", step->name);
    add_came(&text, came, like);
    sx_buffer_add_byte(&text, '\0');
    return text.data;
}

static void edit(struct testing *t, const struct sx_step *step, const struct came *came,
                 const struct sx_step *like,
                 void (*put)(struct sx_edits *, const struct sx_step *, const char *),
                 const struct sx_step *at)
{
    char *text = expectation(step, came, like);

    put(t->edits, at, text);
    free(text);
    t->edited = true;
}

static bool has_headers(const struct came *row, const struct sx_step *step)
{
    bool same = row->header_count == step->header_count;

    for (uint32_t h = 0; same && h < step->header_count; h++)
        same = sx_slice_equal(row->headers[h].name, sx_slice_of(step->headers[h].name)) &&
               sx_slice_equal(row->headers[h].value, sx_slice_of(step->headers[h].value));
    return same;
}

static bool is_expected(const struct came *row, const struct sx_step *step)
{
    return (!step->has_headers || has_headers(row, step)) &&
           sx_json_matches(step->key.json, row->key, true) &&
           sx_json_matches(step->value.json, row->value, step->value.exact) &&
           (!step->has_time || step->time_ms == row->ts) &&
           (!step->has_window || (row->has_window && row->window.start == step->window_start &&
                                  row->window.end == step->window_end));
}

static void complain_of_row(struct testing *t, const struct sx_step *step, const struct came *row)
{
    struct sx_buffer want = {0}, got = {0}, fields = {0};

    add_expected(t, &want, step);
    add_came(&got, row, NULL);
    sx_json_differences(&fields, step->value.json, row->value, step->value.exact);
    complain(t, step, "%s\n    expected  %.*s\n    came      %.*s\n              because of line %u",
             step->name, (int)want.size, want.data, (int)got.size, got.data,
             t->test->steps[row->cause].at.line);
    if (fields.size > 0)
        printf("    differs   %.*s\n", (int)fields.size, fields.data);
    sx_buffer_free(&want);
    sx_buffer_free(&got);
    sx_buffer_free(&fields);
}

static void run_expect(struct testing *t, const struct sx_step *step)
{
    struct came *row = next_row(t, step);
    struct sx_buffer want = {0};

    if (row != NULL) {
        row->taken = true;
        if (is_expected(row, step))
            return;
        if (t->edits != NULL)
            edit(t, step, row, step, sx_edits_replace, step);
        else
            complain_of_row(t, step, row);
    } else if (t->edits != NULL) {
        sx_edits_replace(t->edits, step, "");
        t->edited = true;
    } else {
        add_expected(t, &want, step);
        complain(t, step, "%s\n    expected  %.*s\n    came      nothing more", step->name, (int)want.size,
                 want.data);
        sx_buffer_free(&want);
    }
}

/* What is mentioned once must be listed whole. */
static void expect_no_more(struct testing *t, const struct sx_step *step)
{
    const struct sx_step *like = step->kind == SX_STEP_EXPECT ? step : NULL;
    bool replace = !t->ended && step->kind == SX_STEP_NOTHING;
    struct sx_buffer got = {0};
    struct came *row;

    while ((row = next_row(t, step)) != NULL) {
        row->taken = true;
        if (t->edits != NULL) {
            /* Not before what it came of. */
            edit(t, step, row, like, replace ? sx_edits_replace : sx_edits_insert,
                 &t->test->steps[SX_MAX(t->step, row->cause)]);
            replace = false;
            continue;
        }
        got.size = 0;
        add_came(&got, row, NULL);
        complain(t, step,
                 "%s\n    expected  nothing more\n    came      %.*s\n              because of line %u",
                 step->name, (int)got.size, got.data, t->test->steps[row->cause].at.line);
    }
    sx_buffer_free(&got);
}

static void edit_count(struct testing *t, const struct sx_step *step, uint64_t count)
{
    bool late = step->at.length == strlen("late"); /* not `dropped late` */
    char *text = sx_format("%s%s == %llu", late ? "" : "dropped ", step->name, (unsigned long long)count);

    sx_edits_replace(t->edits, step, text);
    free(text);
    t->edited = true;
}

/* Compare what was to come so far. */
static void compare(struct testing *t, uint32_t before)
{
    flush(t);
    for (; t->compared < before; t->compared++)
        if (t->test->steps[t->compared].kind == SX_STEP_EXPECT)
            run_expect(t, &t->test->steps[t->compared]);
}

static void run_advance(struct testing *t, const struct sx_step *step, const struct sx_step *next)
{
    enum sx_on_error policy = t->compiled->plan->on_error;

    flush(t);
    t->error[0] = '\0';
    t->wall_ms += step->time_ms;
    sx_driver_advance(t->driver, t->wall_ms, NULL);
    if (t->error[0] && policy != SX_ON_ERROR_SKIP && policy != SX_ON_ERROR_TOPIC &&
        (next == NULL || next->kind != SX_STEP_ERROR))
        complain(t, step, "it failed: %s", t->error);
}

static void check_dropped(struct testing *t, const struct sx_step *step)
{
    uint64_t count;

    flush(t);
    count = sx_driver_dropped(t->driver, step->name);
    if (count == (uint64_t)step->count)
        return;
    if (t->edits != NULL)
        edit_count(t, step, count);
    else
        complain(t, step, "dropped %s: expected %lld, got %llu", step->name, (long long)step->count,
                 (unsigned long long)count);
}

static void run_step(struct testing *t, const struct sx_step *step)
{
    const struct sx_step *next = t->step + 1 < t->test->step_count ? step + 1 : NULL;

    switch (step->kind) {
    case SX_STEP_SEND:
        run_send(t, step);
        break;
    case SX_STEP_EXPECT:
        if (t->batch == 1)
            compare(t, t->step + 1);
        break;
    case SX_STEP_NOTHING:
        compare(t, t->step);
        expect_no_more(t, step);
        break;
    case SX_STEP_ADVANCE:
        run_advance(t, step, next);
        break;
    case SX_STEP_DROPPED:
        check_dropped(t, step);
        break;
    case SX_STEP_ERROR:
        flush(t);
        if (t->error[0] == '\0')
            complain(t, step, "expected an error with \"%s\", and there was none", step->name);
        else if (strstr(t->error, step->name) == NULL)
            complain(t, step, "expected an error with \"%s\", and it is \"%s\"", step->name, t->error);
        break;
    }
}

enum sx_verdict sx_scenario_run(struct sx_compiled *compiled, const struct sx_test *test, uint32_t batch,
                                struct sx_edits *edits)
{
    struct testing t = {.compiled = compiled, .test = test, .batch = batch, .edits = edits};
    struct sx_driver_events events = {
        .output = output, .failed = failed, .emitted = emitted, .begun = begun, .undone = undone, .arg = &t};

    sx_arena_init(&t.arena, 0);
    t.waiting = sx_calloc(batch, sizeof(*t.waiting));
    t.driver = sx_driver_new(compiled->plan, &events);
    for (t.step = 0; t.step < test->step_count; t.step++)
        run_step(&t, &test->steps[t.step]);
    compare(&t, test->step_count);
    t.ended = true;
    while (t.step-- > 0)
        if (test->steps[t.step].kind == SX_STEP_EXPECT || test->steps[t.step].kind == SX_STEP_NOTHING)
            expect_no_more(&t, &test->steps[t.step]);
    sx_driver_free(t.driver);
    sx_arena_free(&t.arena);
    free(t.waiting);
    free(t.rows);
    return t.failures > 0 ? SX_VERDICT_FAILED : t.edited ? SX_VERDICT_UPDATED : SX_VERDICT_PASSED;
}
