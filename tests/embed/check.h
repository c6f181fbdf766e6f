/* check.h: what the programs of this folder share. They see nothing of streamd but what is installed. They
 * are silent when all holds, so that a word of the library's own would be seen. */
#ifndef TESTS_EMBED_CHECK_H
#define TESTS_EMBED_CHECK_H

#include <streamd/streamd.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CHECK(holds)                                                            \
    do {                                                                        \
        if (!(holds)) {                                                         \
            fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #holds); \
            exit(1);                                                            \
        }                                                                       \
    } while (0)

#define SAY(call) fprintf(stderr, "%s:%d: %s: %s\n", __FILE__, __LINE__, call, streamd_error_message(error))

/* A call that must succeed; `error` is in scope. */
#define MUST(call)                  \
    do {                            \
        if ((call) != STREAMD_OK) { \
            SAY(#call);             \
            exit(1);                \
        }                           \
        CHECK(error == NULL);       \
    } while (0)

/* A call that must fail so, and say so in a message that has the text. */
#define FAILS(call, wanted, text)                                                  \
    do {                                                                           \
        CHECK((call) == (wanted));                                                 \
        if (error == NULL || strstr(streamd_error_message(error), text) == NULL || \
            streamd_error_status(error) != (wanted)) {                             \
            SAY(#call);                                                            \
            exit(1);                                                               \
        }                                                                          \
        streamd_error_free(error);                                                 \
    } while (0)

static inline bool is(streamd_bytes bytes, const char *wanted)
{
    return bytes.size == strlen(wanted) && memcmp(bytes.data, wanted, bytes.size) == 0;
}

static inline streamd_topology *parse(const char *text, const char *name)
{
    streamd_topology *topology;
    streamd_error *error;

    MUST(streamd_topology_parse(NULL, text, strlen(text), name, &topology, &error));
    return topology;
}

/* An engine on the embedded log in `folder`/`name`. */
static inline streamd_engine *engine_in(const streamd_topology *topology, const char *folder,
                                        const char *name)
{
    streamd_config *config = streamd_config_new();
    streamd_engine *engine;
    streamd_error *error;
    char path[4096];

    snprintf(path, sizeof(path), "%s/%s", folder, name);
    MUST(streamd_config_set(config, "data-dir", path, &error));
    MUST(streamd_config_set(config, "memory", "64MiB", &error));
    MUST(streamd_config_set(config, "threads", "2", &error));
    MUST(streamd_config_set(config, "commit", "20ms", &error));
    MUST(streamd_engine_new(topology, config, &engine, &error));
    streamd_config_free(config);
    return engine;
}

/* A key and a value into a topic; value NULL deletes. */
static inline void put(streamd_writer *writer, const char *topic, const char *key, const char *value,
                       int64_t timestamp_ms)
{
    streamd_record *record = streamd_record_new();
    streamd_error *error;

    streamd_record_set_key(record, streamd_text(key));
    streamd_record_set_value(record, streamd_text(value));
    streamd_record_set_timestamp_ms(record, timestamp_ms);
    MUST(streamd_writer_send(writer, topic, record, &error));
    streamd_record_free(record);
}

/* Read until a record has this value. */
static inline void await_value(streamd_reader *reader, const char *value)
{
    const streamd_record *record;
    streamd_error *error;

    do {
        MUST(streamd_reader_next(reader, 20000, &record, &error));
    } while (!is(streamd_record_value(record), value));
}

#endif
