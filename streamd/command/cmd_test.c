/* cmd_test.c: run `test` blocks, through the same driver as `pipe`. */
#include "streamd/command/command.h"

#include "engine/run/driver.h"

#include <jansson.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/stat.h>

/* A row that came out of a topic or a definition. */
struct came {
    const char *name;
    bool is_topic;
    const char *key, *value; /* JSON */
    int64_t ts;
    bool has_window;
    struct sx_window window;
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
    uint32_t failures;
};

static struct came *add_row(struct testing *t)
{
    if (t->count == t->room) {
        t->room = t->room ? t->room * 2 : 64;
        t->rows = sx_realloc(t->rows, t->room * sizeof(*t->rows));
    }
    t->rows[t->count] = (struct came){0};
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

/* ---- Comparing ------------------------------------------------------------------------------- */

static bool json_matches(const json_t *want, const json_t *got, bool exact)
{
    const char *name;
    json_t *value;
    size_t i;

    if (json_is_number(want) && json_is_number(got))
        return json_is_integer(want) && json_is_integer(got)
                   ? json_integer_value(want) == json_integer_value(got)
                   : json_number_value(want) == json_number_value(got);
    if (json_typeof(want) != json_typeof(got))
        return false;
    if (json_is_object(want)) {
        if (exact && json_object_size(want) != json_object_size(got))
            return false;
        json_object_foreach((json_t *)want, name, value)
        {
            const json_t *other = json_object_get(got, name);
            if (other == NULL || !json_matches(value, other, exact))
                return false;
        }
        return true;
    }
    if (json_is_array(want)) {
        if (json_array_size(want) != json_array_size(got))
            return false;
        json_array_foreach((json_t *)want, i, value)
        {
            if (!json_matches(value, json_array_get(got, i), exact))
                return false;
        }
        return true;
    }
    return json_equal((json_t *)want, (json_t *)got);
}

static bool text_matches(const char *want, const char *got, bool exact)
{
    json_t *a = json_loads(want, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
    json_t *b = json_loads(got, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
    bool same = a != NULL && b != NULL ? json_matches(a, b, exact) : strcmp(want, got) == 0;

    json_decref(a);
    json_decref(b);
    return same;
}

/* ---- Steps ----------------------------------------------------------------------------------- */

static void complain(struct testing *t, const struct sx_test *test, const struct sx_step *step,
                     const char *format, ...) SX_PRINTF(4, 5);

static void complain(struct testing *t, const struct sx_test *test, const struct sx_step *step,
                     const char *format, ...)
{
    va_list args;

    if (t->failures++ == 0)
        printf("FAIL %s:%u: %s\n", test->at.file, test->at.line, test->name);
    printf("  %s:%u: ", step->at.file, step->at.line);
    va_start(args, format);
    vprintf(format, args);
    va_end(args);
    putchar('\n');
}

static void add_row_text(struct sx_buffer *to, const char *key, const char *value, bool has_time, int64_t ts,
                         bool has_window, struct sx_window window)
{
    sx_buffer_printf(to, "%s %s", key, value);
    if (has_time)
        sx_buffer_printf(to, " @ %lldms", (long long)ts);
    if (has_window)
        sx_buffer_printf(to, " window %lldms..%lldms", (long long)window.start, (long long)window.end);
    sx_buffer_add_byte(to, '\0');
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

static void run_send(struct testing *t, const struct sx_test *test, const struct sx_step *step)
{
    const char *topic;
    const struct sx_source_spec *source = find_source(t, step, &topic);
    struct sx_record_line line = {.partition = step->partition, .timestamp = step->time_ms};
    struct sx_header *headers = SX_ARENA_ARRAY(&t->arena, struct sx_header, step->header_count + 1);
    struct sx_record_form form, key_form, value_form;
    struct sx_record record, value;
    streamd_error *error = NULL;
    const char *message = NULL;

    t->error[0] = '\0';
    if (source == NULL) {
        complain(t, test, step, "there is no source `%s`", step->name);
        return;
    }
    if (!step->has_time)
        line.timestamp = t->last_timestamp;
    t->last_timestamp = line.timestamp;
    for (uint32_t h = 0; h < step->header_count; h++)
        headers[h] =
            (struct sx_header){sx_slice_of(step->headers[h].name), sx_slice_of(step->headers[h].value)};
    line.has_window = step->has_window;
    line.window = (struct sx_window){step->window_start, step->window_end};
    line.headers = headers;
    line.header_count = step->header_count;
    form = sx_form_of_source(source);
    key_form = value_form = form;
    line.key = sx_slice_of(step->key.json);
    line.raw = step->key.raw;
    if (!sx_record_line_encode(&line, &key_form, &record, &t->arena, &message)) {
        complain(t, test, step, "%s", message);
        return;
    }
    line.key = SX_SLICE_NONE;
    line.value = sx_slice_of(step->value.json);
    line.raw = step->value.raw;
    if (!sx_record_line_encode(&line, &value_form, &value, &t->arena, &message)) {
        complain(t, test, step, "%s", message);
        return;
    }
    record.value = value.value;
    sx_driver_send(t->driver, topic, step->partition, &record, &error);
    streamd_error_free(error);
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

static void run_expect(struct testing *t, const struct sx_test *test, const struct sx_step *step)
{
    struct came *row = next_row(t, step);
    struct sx_window window = {step->window_start, step->window_end};
    struct sx_buffer want = {0}, got = {0};

    add_row_text(&want, step->key.json, step->value.json, step->has_time, step->time_ms, step->has_window,
                 window);
    if (row == NULL) {
        complain(t, test, step, "%s: expected %s\n    but nothing more came", step->name, want.data);
    } else {
        row->taken = true;
        if (!text_matches(step->key.json, row->key, true) ||
            !text_matches(step->value.json, row->value, step->value.exact) ||
            (step->has_time && step->time_ms != row->ts) ||
            (step->has_window &&
             (!row->has_window || window.start != row->window.start || window.end != row->window.end))) {
            add_row_text(&got, row->key, row->value, true, row->ts, row->has_window, row->window);
            complain(t, test, step, "%s: expected %s\n    and got       %s", step->name, want.data, got.data);
        }
    }
    sx_buffer_free(&want);
    sx_buffer_free(&got);
}

/* What is mentioned once must be listed whole. */
static void expect_no_more(struct testing *t, const struct sx_test *test, const struct sx_step *step)
{
    struct came *row = next_row(t, step);
    struct sx_buffer got = {0};

    if (row == NULL)
        return;
    row->taken = true;
    add_row_text(&got, row->key, row->value, true, row->ts, row->has_window, row->window);
    complain(t, test, step, "%s: expected nothing more, and got %s", step->name, got.data);
    sx_buffer_free(&got);
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

static void run_step(struct testing *t, const struct sx_test *test, const struct sx_step *step,
                     const struct sx_step *next)
{
    uint64_t count;

    switch (step->kind) {
    case SX_STEP_SEND:
        run_send(t, test, step);
        if (t->error[0] && (next == NULL || next->kind != SX_STEP_ERROR) && stops_on_error(t, step))
            complain(t, test, step, "the record failed: %s", t->error);
        break;
    case SX_STEP_EXPECT:
        run_expect(t, test, step);
        break;
    case SX_STEP_NOTHING:
        expect_no_more(t, test, step);
        break;
    case SX_STEP_ADVANCE:
        t->error[0] = '\0';
        t->wall_ms += step->time_ms;
        sx_driver_advance(t->driver, t->wall_ms, NULL);
        if (t->error[0] && t->compiled->plan->on_error != SX_ON_ERROR_SKIP &&
            t->compiled->plan->on_error != SX_ON_ERROR_TOPIC && (next == NULL || next->kind != SX_STEP_ERROR))
            complain(t, test, step, "it failed: %s", t->error);
        break;
    case SX_STEP_DROPPED:
        count = sx_driver_dropped(t->driver, step->name);
        if (count != (uint64_t)step->count)
            complain(t, test, step, "dropped %s: expected %lld, got %llu", step->name, (long long)step->count,
                     (unsigned long long)count);
        break;
    case SX_STEP_ERROR:
        if (t->error[0] == '\0')
            complain(t, test, step, "expected an error with \"%s\", and there was none", step->name);
        else if (strstr(t->error, step->name) == NULL)
            complain(t, test, step, "expected an error with \"%s\", and it is \"%s\"", step->name, t->error);
        break;
    }
}

static bool run_test(struct sx_compiled *compiled, const struct sx_test *test)
{
    struct testing t = {.compiled = compiled};
    struct sx_driver_events events = {
        .output = output, .failed = failed, .emitted = emitted, .begun = begun, .undone = undone, .arg = &t};

    sx_arena_init(&t.arena, 0);
    t.driver = sx_driver_new(compiled->plan, &events);
    for (uint32_t s = 0; s < test->step_count; s++)
        run_step(&t, test, &test->steps[s], s + 1 < test->step_count ? &test->steps[s + 1] : NULL);
    for (uint32_t s = test->step_count; s-- > 0;)
        if (test->steps[s].kind == SX_STEP_EXPECT || test->steps[s].kind == SX_STEP_NOTHING)
            expect_no_more(&t, test, &test->steps[s]);
    sx_driver_free(t.driver);
    sx_arena_free(&t.arena);
    free(t.rows);
    return t.failures == 0;
}

static void run_tests(struct sx_compiled *compiled, const struct sx_test *tests, uint32_t *passed,
                      uint32_t *failures)
{
    for (const struct sx_test *test = tests; test != NULL; test = test->next) {
        if (run_test(compiled, test))
            ++*passed;
        else
            ++*failures;
    }
}

/* A `.test` file's blocks. */
static bool run_test_file(struct sx_compiled *compiled, const char *path, uint32_t *passed,
                          uint32_t *failures)
{
    const struct sx_test *tests = NULL;
    streamd_error *error = NULL;
    struct sx_arena arena;
    const char *reason;
    size_t size;
    char *text = sx_read_file(path, &size, &reason);
    bool ok = text != NULL;

    sx_arena_init(&arena, 0);
    if (!ok)
        fprintf(stderr, "error: cannot read %s: %s\n", path, reason);
    else if (sx_compile_tests(text, size, path, &arena, &tests, &error) != STREAMD_OK) {
        sx_complain(error);
        ok = false;
    } else {
        run_tests(compiled, tests, passed, failures);
    }
    free(text);
    sx_arena_free(&arena);
    return ok;
}

/* NAME.test beside NAME.stream, if it is there. */
static char *sibling_of(const char *path)
{
    const char *dot = strrchr(path, '.');
    char *name = sx_format("%.*s.test",
                           (int)(dot && strchr(dot, '/') == NULL ? dot - path : (long)strlen(path)), path);
    struct stat status;

    if (stat(name, &status) == 0)
        return name;
    free(name);
    return NULL;
}

static bool is_test_file(const char *path)
{
    size_t size = strlen(path);
    return size > 5 && strcmp(path + size - 5, ".test") == 0;
}

static int run(const struct sx_options *options)
{
    uint32_t passed = 0, failures = 0;
    int code = SX_EXIT_OK;

    if (options->argument_count == 0 || is_test_file(options->arguments[0])) {
        fputs("usage: streamd test FILE [T.test ...]\n", stderr);
        return SX_EXIT_USAGE;
    }
    for (uint32_t i = 0; i < options->argument_count; i++) {
        const char *path = options->arguments[i];
        bool alone = i + 1 == options->argument_count || !is_test_file(options->arguments[i + 1]);
        int failed_code;
        struct sx_compiled *compiled;

        if (is_test_file(path))
            continue;
        compiled = sx_load(path, options, false, &failed_code);
        if (compiled == NULL) {
            printf("FAIL %s: it does not compile\n", path);
            failures++;
            code = failed_code;
            continue;
        }
        run_tests(compiled, compiled->tests, &passed, &failures);
        if (alone) {
            char *sibling = sibling_of(path);
            if (sibling != NULL && !run_test_file(compiled, sibling, &passed, &failures))
                failures++;
            free(sibling);
        }
        for (uint32_t j = i + 1; j < options->argument_count && is_test_file(options->arguments[j]); j++)
            if (!run_test_file(compiled, options->arguments[j], &passed, &failures))
                failures++;
        sx_compiled_free(compiled);
    }
    printf("%u passed, %u failed\n", passed, failures);
    return failures && code == SX_EXIT_OK ? SX_EXIT_FAILED : code;
}

const struct sx_command sx_command_test = {
    .name = "test",
    .usage = "FILE [T.test ...]",
    .summary = "Run the `test` blocks of files and of the .test files beside them.",
    .more = "Tests run through the same driver as `streamd pipe`. Several files may be given, each\n"
            "followed by its .test files; without any NAME.test beside NAME.stream is taken.\n",
    .options = " ",
    .run = run,
};
