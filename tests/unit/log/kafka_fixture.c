/* kafka_fixture.c: see kafka_fixture.h. */
#include "tests/unit/log/kafka_fixture.h"

#include <time.h>
#include <unistd.h>

#define PATIENCE_MS 30000

bool fixture_fine(streamd_status status, streamd_error **error)
{
    if (status == STREAMD_OK)
        return true;
    printf("    %s: %s\n", streamd_status_name(status), *error != NULL ? streamd_error_message(*error) : "");
    streamd_error_free(*error);
    *error = NULL;
    return false;
}

static int64_t clock_ms(clockid_t clock)
{
    struct timespec now;

    clock_gettime(clock, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int64_t fixture_now_ms(void) { return clock_ms(CLOCK_MONOTONIC); }

void fixture_sleep_ms(int ms) { usleep((useconds_t)ms * 1000); }

const char *fixture_name(const char *what)
{
    static unsigned number;
    static char names[512][96];
    char *name = names[number % SX_COUNT(names)];

    snprintf(name, sizeof(names[0]), "%.40s-%llx-%d-%u", what, (unsigned long long)clock_ms(CLOCK_REALTIME),
             (int)getpid(), number++);
    return name;
}

bool fixture_open(struct fixture *fixture, const char *bootstrap, const char *application, const char *id,
                  enum sx_guarantee guarantee)
{
    fixture->application = application != NULL ? application : fixture_name("app");
    fixture->options = (struct sx_log_options){
        .bootstrap = bootstrap,
        .application = fixture->application,
        .id = id,
        .client_id = "127.0.0.1:8080",
        .guarantee = guarantee,
        .writer_count = 2,
        .memory_bytes = (size_t)64 << 20,
    };
    fixture->log = NULL;
    return fixture_reopen(fixture);
}

bool fixture_reopen(struct fixture *fixture)
{
    streamd_error *error = NULL;

    fixture_close(fixture);
    return fixture_fine(sx_log_kafka.open(&fixture->options, &fixture->log, &error), &error);
}

void fixture_close(struct fixture *fixture)
{
    sx_log_kafka.close(fixture->log);
    fixture->log = NULL;
}

const char *fixture_topic(struct fixture *fixture, const char *what, int32_t partitions)
{
    struct sx_topic_spec spec = {.name = fixture_name(what),
                                 .partitions = partitions,
                                 .cleanup = SX_CLEANUP_DELETE,
                                 .retention_ms = -1,
                                 .internal = false};

    FINE(sx_log_kafka.create(fixture->log, &spec, FINE_ERROR));
    return spec.name;
}

struct sx_record fixture_record(const char *key, const char *value, int64_t timestamp)
{
    return (struct sx_record){
        .key = key != NULL ? sx_slice_of(key) : SX_SLICE_NONE,
        .value = value != NULL ? sx_slice_of(value) : SX_SLICE_NONE,
        .timestamp = timestamp,
    };
}

bool fixture_write(struct sx_writer *writer, struct sx_topic *topic, int32_t partition,
                   const struct sx_record *record)
{
    streamd_error *error = NULL;
    streamd_status status;

    while ((status = sx_log_kafka.write(writer, topic, partition, record, &error)) == STREAMD_E_TIMEOUT &&
           streamd_error_is_retriable(error)) {
        streamd_error_free(error);
        error = NULL;
        if (!fixture_fine(sx_log_kafka.drain(writer, 10, &error), &error))
            return false;
    }
    return fixture_fine(status, &error);
}

uint64_t fixture_read(struct fixture *fixture, const char *topic, int32_t partition, int64_t offset,
                      uint64_t most, void (*each)(const struct sx_record *record, void *arg), void *arg,
                      int64_t *next)
{
    int64_t until = fixture_now_ms() + PATIENCE_MS;
    struct sx_reader *reader = NULL;
    struct sx_fetch fetch = {0};
    struct sx_waker waker;
    uint64_t count = 0;

    sx_waker_init(&waker);
    FINE(sx_log_kafka.reader_open(fixture->log, SX_READ_RESTORE, topic, partition, offset, &waker, &reader,
                                  FINE_ERROR));
    while (reader != NULL && count < most && fixture_now_ms() < until) {
        streamd_error *problem = NULL;
        streamd_status status = sx_log_kafka.fetch(reader, 1000, &fetch, &problem);
        if (!fixture_fine(status, &problem))
            break;
        for (uint32_t i = 0; each != NULL && i < fetch.count; i++)
            each(&fetch.records[i], arg);
        count += fetch.count;
        if (next != NULL)
            *next = fetch.next_offset;
        if (fetch.count > 0)
            sx_log_kafka.release(reader, &fetch);
        else if (fetch.at_end)
            break;
        else
            sx_waker_wait(&waker, 1000);
    }
    sx_log_kafka.reader_close(reader);
    sx_waker_free(&waker);
    return count;
}
