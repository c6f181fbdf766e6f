/* rows.c: see rows.h. */
#include "tests/unit/streamd/rows.h"

#include "engine/run/driver.h"
#include "streamd/api.h"

static struct sx_buffer shown;

static const char *shown_text(void)
{
    sx_buffer_add_byte(&shown, '\0');
    return shown.data;
}

streamd_topology *parsed(const streamd_catalog *catalog, const char *text)
{
    streamd_topology *topology = NULL;
    streamd_error *error = NULL;

    if (streamd_topology_parse(catalog, text, strlen(text), "test", &topology, &error) != STREAMD_OK)
        SX_ASSERT_TEXT(mistakes(error, false), "");
    CU_ASSERT_PTR_NOT_NULL_FATAL(topology);
    return topology;
}

const char *mistakes(streamd_error *error, bool file)
{
    shown.size = 0;
    for (const streamd_error *e = error; e != NULL; e = streamd_error_next(e)) {
        sx_buffer_printf(&shown, "%s ", streamd_status_name(streamd_error_status(e)));
        if (file)
            sx_buffer_printf(&shown, "%s:", streamd_error_file(e) ? streamd_error_file(e) : "");
        sx_buffer_printf(&shown, "%u:%u %s\n", streamd_error_line(e), streamd_error_column(e),
                         streamd_error_message(e));
    }
    streamd_error_free(error);
    return shown_text();
}

const char *mistakes_of(const streamd_catalog *catalog, const char *text)
{
    streamd_topology *topology = NULL;
    streamd_error *error = NULL;

    streamd_topology_parse(catalog, text, strlen(text), "test", &topology, &error);
    streamd_topology_free(topology);
    return mistakes(error, false);
}

static void add_bytes(struct sx_slice bytes)
{
    sx_buffer_add_text(&shown, bytes.data ? " " : " -");
    sx_buffer_add_slice(&shown, bytes);
}

static void output(const struct sx_topic_plan *topic, const struct sx_record *record,
                   const struct sx_window *window, void *arg)
{
    sx_buffer_add_text(&shown, topic->name);
    add_bytes(record->key);
    add_bytes(record->value);
    sx_buffer_add_byte(&shown, '\n');
}

static void failed(const struct sx_task_failure *failure, enum sx_on_error policy, void *arg)
{
    sx_buffer_printf(&shown, "error: %s\n", failure->message);
}

static struct sx_slice word(const char **at, char end)
{
    size_t size = strcspn(*at, end == ' ' ? " \n" : "\n");
    struct sx_slice slice = sx_slice(*at, size);

    *at += size + ((*at)[size] != '\0');
    return size == 1 && slice.data[0] == '-' ? SX_SLICE_NONE : slice;
}

const char *through(const streamd_topology *topology, const char *lines)
{
    const struct sx_driver_events events = {.output = output, .failed = failed};
    struct sx_driver *driver = sx_driver_new(topology->compiled->plan, &events);
    int64_t second = 0;
    bool ok = true;

    shown.size = 0;
    while (ok && *lines != '\0') {
        struct sx_slice name = word(&lines, ' ');
        struct sx_record record = {.timestamp = ++second * 1000};
        char topic[64];

        snprintf(topic, sizeof(topic), "%.*s", (int)name.size, name.data);
        record.key = word(&lines, ' ');
        record.value = word(&lines, '\n');
        ok = sx_driver_send(driver, topic, 0, &record, NULL) == STREAMD_OK;
    }
    sx_driver_free(driver);
    return shown_text();
}

/* `"line":12` is where it stands in a text, which a builder has none of. */
static void add_without_lines(struct sx_buffer *to, streamd_bytes json)
{
    static const char word[] = "\"line\":";
    const char *at = json.data, *end = at + json.size, *found;

    while ((found = memmem(at, (size_t)(end - at), word, sizeof(word) - 1)) != NULL) {
        sx_buffer_add(to, at, (size_t)(found - at));
        at = found + sizeof(word) - 1;
        while (at < end && *at >= '0' && *at <= '9')
            at++;
    }
    sx_buffer_add(to, at, (size_t)(end - at));
}

char *described(const streamd_topology *topology)
{
    struct sx_buffer text = {0};

    for (int as = STREAMD_DESCRIBE_TEXT; as <= STREAMD_DESCRIBE_JSON; as++) {
        streamd_buffer *buffer = NULL;

        CU_ASSERT_FATAL(streamd_topology_describe(topology, (streamd_describe_as)as, &buffer, NULL) ==
                        STREAMD_OK);
        add_without_lines(&text, streamd_buffer_bytes(buffer));
        streamd_buffer_free(buffer);
    }
    sx_buffer_add_byte(&text, '\0');
    return text.data;
}
