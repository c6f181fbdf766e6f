/* helpers.c: what the tests of logs share. */
#include "tests/unit/log/helpers.h"

#include "engine/base/clock.h"

#include <ftw.h>
#include <unistd.h>

streamd_error *test_error;

static int drop(const char *path, const struct stat *about, int kind, struct FTW *walk)
{
    (void)about;
    (void)kind;
    (void)walk;
    return remove(path);
}

bool test_folder_make(char *folder, size_t size)
{
    snprintf(folder, size, "/tmp/sx-log-XXXXXX");
    return mkdtemp(folder) != NULL;
}

void test_folder_drop(const char *folder) { nftw(folder, drop, 16, FTW_DEPTH | FTW_PHYS); }

void test_ok(streamd_status status, streamd_error **error, const char *call, const char *file, int line)
{
    char message[1024];

    snprintf(message, sizeof(message), "%s: %s", call,
             *error ? streamd_error_message(*error) : streamd_status_name(status));
    CU_assertImplementation(status == STREAMD_OK, (unsigned)line, message, file, "", CU_FALSE);
    streamd_error_free(*error);
    *error = NULL;
}

struct sx_record test_record(const char *key, const char *value, int64_t timestamp)
{
    return (struct sx_record){.key = key ? sx_slice_of(key) : SX_SLICE_NONE,
                              .value = value ? sx_slice_of(value) : SX_SLICE_NONE,
                              .timestamp = timestamp};
}

void test_write(struct sx_writer *writer, struct sx_topic *topic, int32_t partition, const char *key,
                const char *value)
{
    struct sx_record record = test_record(key, value, 1000);

    TEST_OK(writer->log->def->write(writer, topic, partition, &record, &test_error));
}

void test_commit(struct sx_writer *writer)
{
    TEST_OK(writer->log->def->commit(writer, NULL, 0, NULL, NULL, NULL, &test_error));
}

/* The bytes behind a padded slice can be read: a sanitizer sees if not. */
static unsigned touch(struct sx_slice bytes)
{
    unsigned sum = 0;

    for (uint32_t i = 0; bytes.data != NULL && i < SX_PADDING; i++)
        sum += (unsigned char)bytes.data[bytes.size + i];
    return sum;
}

static volatile unsigned touched;

static void take(const struct sx_fetch *fetch, int64_t *next, struct sx_buffer *values)
{
    for (uint32_t i = 0; i < fetch->count; i++) {
        const struct sx_record *record = &fetch->records[i];

        CU_ASSERT(record->offset >= *next);
        *next = record->offset + 1;
        if (fetch->padded)
            touched = touch(record->key) + touch(record->value);
        if (values == NULL)
            continue;
        sx_buffer_add_slice(values, record->value.data ? record->value : SX_SLICE("-"));
        sx_buffer_add_byte(values, ' ');
    }
    CU_ASSERT(fetch->count == 0 || fetch->next_offset >= *next);
}

uint32_t test_read(struct sx_reader *reader, const struct sx_waker *waker, uint32_t count, uint32_t max,
                   struct sx_buffer *values)
{
    const struct sx_log_def *def = reader->log->def;
    int64_t until = sx_now_ms(&sx_clock_system) + 20000;
    int64_t next = 0;
    uint32_t got = 0;

    while (got < count && sx_now_ms(&sx_clock_system) < until) {
        struct sx_fetch fetch;
        streamd_status status = def->fetch(reader, max, &fetch, &test_error);

        TEST_OK(status);
        if (status != STREAMD_OK)
            break;
        CU_ASSERT(fetch.count <= max);
        take(&fetch, &next, values);
        got += fetch.count;
        if (fetch.count == 0)
            sx_waker_wait(waker, 100);
        def->release(reader, &fetch);
    }
    return got;
}

const char *test_values(struct sx_log *log, const char *topic, int32_t partition, int64_t offset,
                        uint32_t count)
{
    static char text[4096];
    struct sx_buffer values = {0};
    struct sx_waker waker;
    struct sx_reader *reader = NULL;

    CU_ASSERT(sx_waker_init(&waker));
    TEST_OK(
        log->def->reader_open(log, SX_READ_RESTORE, topic, partition, offset, &waker, &reader, &test_error));
    if (reader != NULL) {
        test_read(reader, &waker, count, SX_BATCH_ROWS, &values);
        log->def->reader_close(reader);
    }
    sx_waker_free(&waker);
    snprintf(text, sizeof(text), "%.*s", (int)values.size, values.data ? values.data : "");
    sx_buffer_free(&values);
    return text;
}
