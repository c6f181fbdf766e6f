/* run_topology.c: a topology inside a program, on the embedded log: no broker, no other process.
 *
 *     cc run_topology.c $(pkg-config --cflags --libs streamd) && ./a.out /tmp/run_topology
 *
 * It writes some bids, waits until their sums are there, reads them from the topic and looks one up in the
 * table, and stops. Run it again with the same directory: the sums go on where they were.
 */
#include <streamd/streamd.h>

#include <stdio.h>
#include <string.h>

static const char text[] = "stream bids from topic \"bids\" { key string value json { price int } }\n"
                           "table sums = bids | group by key | aggregate { n: count(), total: sum(price) }\n"
                           "sums | to topic \"sums\"\n";

/* Say what is wrong, with all that the library knows of it. */
static int complain(streamd_error *error)
{
    for (const streamd_error *e = error; e != NULL; e = streamd_error_next(e))
        fprintf(stderr, "%u:%u: %s\n", streamd_error_line(e), streamd_error_column(e),
                streamd_error_message(e));
    streamd_error_free(error);
    return 1;
}

static void on_log(streamd_log_level level, const char *line, void *arg)
{
    (void)arg;
    if (level != STREAMD_LOG_INFO)
        fprintf(stderr, "%s\n", line);
}

static streamd_status write_bids(streamd_engine *engine, streamd_error **error)
{
    static const char *const bids[][2] = {
        {"anna", "{\"price\":7}"}, {"ben", "{\"price\":4}"}, {"anna", "{\"price\":5}"}};
    streamd_writer *writer;
    streamd_record *record;
    streamd_status status = streamd_writer_open(engine, &writer, error);

    if (status != STREAMD_OK)
        return status;
    record = streamd_record_new();
    for (size_t i = 0; i < sizeof(bids) / sizeof(bids[0]) && status == STREAMD_OK; i++) {
        streamd_record_set_key(record, streamd_text(bids[i][0]));
        streamd_record_set_value(record, streamd_text(bids[i][1]));
        status = streamd_writer_send(writer, "bids", record, error);
    }
    if (status == STREAMD_OK)
        status = streamd_writer_commit(writer, error);
    streamd_record_free(record);
    streamd_writer_close(writer);
    return status;
}

/* Read sums from now on, until both bidders' are there. */
static streamd_status show_sums(streamd_reader *reader, streamd_error **error)
{
    bool anna = false, ben = false;

    while (!anna || !ben) {
        const streamd_record *record;
        streamd_bytes key, value;
        streamd_status status = streamd_reader_next(reader, 10000, &record, error);

        if (status != STREAMD_OK)
            return status;
        key = streamd_record_key(record);
        value = streamd_record_value(record);
        printf("%.*s %.*s\n", (int)key.size, (const char *)key.data, (int)value.size,
               (const char *)value.data);
        anna = anna || (key.size == 4 && memcmp(key.data, "anna", 4) == 0);
        ben = ben || (key.size == 3 && memcmp(key.data, "ben", 3) == 0);
    }
    return STREAMD_OK;
}

static streamd_status look_up(streamd_engine *engine, const char *key, streamd_error **error)
{
    streamd_store *sums;
    streamd_buffer *value;
    streamd_status status = streamd_store_open(engine, "sums", &sums, error);

    if (status != STREAMD_OK)
        return status;
    status = streamd_store_get(sums, streamd_text(key), &value, error);
    if (status == STREAMD_OK) {
        streamd_bytes bytes = streamd_buffer_bytes(value);

        printf("the table has %s: %.*s\n", key, (int)bytes.size, (const char *)bytes.data);
        streamd_buffer_free(value);
    }
    streamd_store_close(sums);
    return status;
}

static streamd_status run(streamd_engine *engine, streamd_error **error)
{
    streamd_reader *reader;
    streamd_status status = streamd_engine_start(engine, error);

    if (status == STREAMD_OK)
        status = streamd_reader_open(engine, "sums", STREAMD_FROM_LATEST, &reader, error);
    if (status != STREAMD_OK)
        return status;
    status = write_bids(engine, error);
    if (status == STREAMD_OK)
        status = show_sums(reader, error);
    if (status == STREAMD_OK)
        status = look_up(engine, "anna", error);
    streamd_reader_close(reader);
    return status == STREAMD_OK ? streamd_engine_stop(engine, 30000, error) : status;
}

int main(int argc, char **argv)
{
    streamd_topology *topology;
    streamd_config *config;
    streamd_engine *engine;
    streamd_error *error;
    int code = 0;

    if (streamd_topology_parse(NULL, text, strlen(text), "sums.stream", &topology, &error) != STREAMD_OK)
        return complain(error);
    config = streamd_config_new();
    if (streamd_config_set(config, "data-dir", argc > 1 ? argv[1] : "./run-topology-data", &error) !=
            STREAMD_OK ||
        streamd_config_set(config, "memory", "64MiB", &error) != STREAMD_OK ||
        streamd_engine_new(topology, config, &engine, &error) != STREAMD_OK) {
        streamd_config_free(config);
        streamd_topology_free(topology);
        return complain(error);
    }
    streamd_engine_on_log(engine, on_log, NULL);
    if (run(engine, &error) != STREAMD_OK)
        code = complain(error);
    streamd_engine_free(engine);
    streamd_config_free(config);
    streamd_topology_free(topology);
    return code;
}
