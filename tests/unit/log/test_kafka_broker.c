/* test_kafka_broker.c: the Kafka log on a real broker, at the address in TEST_BOOTSTRAP. Without
 * it there is no such suite. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* RTLD_NEXT */
#endif
#include "tests/unit/log/kafka_fixture.h"

#include <dlfcn.h>
#include <librdkafka/rdkafka.h>

void suite_kafka_broker(void);

static const char *bootstrap;
static const struct sx_log_def *const kafka = &sx_log_kafka;

static void asking_for_a_topic_does_not_create_it(void)
{
    struct fixture f;
    const char *name = fixture_name("nowhere");
    streamd_error *error = NULL;
    int32_t count = 7;

    CU_ASSERT_FATAL(fixture_open(&f, bootstrap, NULL, "a", SX_EXACTLY_ONCE));
    CU_ASSERT_EQUAL(kafka->partitions(f.log, name, &count, NULL), STREAMD_E_NOTFOUND);
    CU_ASSERT_EQUAL(kafka->partitions(f.log, name, &count, &error), STREAMD_E_NOTFOUND);
    CU_ASSERT_EQUAL(count, 7);
    CU_ASSERT_PTR_NOT_NULL(strstr(streamd_error_message(error), name));
    streamd_error_free(error);
    fixture_close(&f);
}

static void topics_are_as_specified(void)
{
    struct sx_topic_spec spec = {.name = fixture_name("spec"),
                                 .partitions = 3,
                                 .cleanup = SX_CLEANUP_COMPACT_DELETE,
                                 .retention_ms = 86400000,
                                 .internal = true};
    struct sx_topic_spec found = {0};
    struct fixture f;
    uint32_t count = 0, seen = 0;
    int32_t partitions = 0;
    char **names = NULL;

    CU_ASSERT_FATAL(fixture_open(&f, bootstrap, NULL, "a", SX_EXACTLY_ONCE));
    FINE(kafka->create(f.log, &spec, FINE_ERROR));
    FINE(kafka->create(f.log, &spec, FINE_ERROR));
    FINE(kafka->partitions(f.log, spec.name, &partitions, FINE_ERROR));
    CU_ASSERT_EQUAL(partitions, 3);
    FINE(kafka->describe(f.log, spec.name, &found, FINE_ERROR));
    CU_ASSERT_EQUAL(found.partitions, 3);
    CU_ASSERT_EQUAL(found.cleanup, SX_CLEANUP_COMPACT_DELETE);
    CU_ASSERT_EQUAL(found.retention_ms, 86400000);
    FINE(kafka->topics(f.log, &names, &count, FINE_ERROR));
    for (uint32_t i = 0; i < count; i++) {
        seen += strcmp(names[i], spec.name) == 0;
        CU_ASSERT_STRING_NOT_EQUAL(names[i], "__consumer_offsets");
        free(names[i]);
    }
    free(names);
    CU_ASSERT_EQUAL(seen, 1);
    FINE(kafka->remove(f.log, spec.name, FINE_ERROR));
    for (int i = 0; i < 50 && kafka->partitions(f.log, spec.name, &partitions, NULL) == STREAMD_OK; i++)
        fixture_sleep_ms(100);
    CU_ASSERT_EQUAL(kafka->describe(f.log, spec.name, &found, NULL), STREAMD_E_NOTFOUND);
    CU_ASSERT_EQUAL(kafka->remove(f.log, spec.name, NULL), STREAMD_E_NOTFOUND);
    fixture_close(&f);
}

static void keep_records(const struct sx_record *record, void *arg)
{
    struct sx_buffer *to = arg;

    sx_buffer_printf(to, "%lld@%lld ", (long long)record->offset, (long long)record->timestamp);
    sx_buffer_printf(to, "%.*s=%.*s", record->key.data == NULL ? 4 : (int)record->key.size,
                     record->key.data == NULL ? "null" : record->key.data,
                     record->value.data == NULL ? 4 : (int)record->value.size,
                     record->value.data == NULL ? "null" : record->value.data);
    for (uint32_t i = 0; i < record->header_count; i++) {
        const struct sx_header *header = &record->headers[i];
        sx_buffer_printf(to, " %.*s:%.*s", (int)header->name.size, header->name.data,
                         header->value.data == NULL ? 4 : (int)header->value.size,
                         header->value.data == NULL ? "null" : header->value.data);
    }
    sx_buffer_add_byte(to, '\n');
}

static void records_come_back_as_written(void)
{
    static const struct sx_header headers[] = {
        {{"h", 1}, {"one", 3}}, {{"h", 1}, {"", 0}}, {{"none", 4}, {NULL, 0}}};
    struct fixture f;
    struct sx_writer *writer = NULL;
    struct sx_topic *topic = NULL;
    struct sx_buffer text = {0};
    struct sx_record record;
    const char *name;
    int64_t next = 0;

    CU_ASSERT_FATAL(fixture_open(&f, bootstrap, NULL, "a", SX_EXACTLY_ONCE));
    name = fixture_topic(&f, "records", 1);
    FINE(kafka->writer_open(f.log, 0, NULL, &writer, FINE_ERROR));
    FINE(kafka->topic_open(writer, name, &topic, FINE_ERROR));
    CU_ASSERT_EQUAL(kafka->writer_offset(writer, topic, 0), SX_OFFSET_NONE);
    record = fixture_record("k", "v", 1234567890123);
    CU_ASSERT(fixture_write(writer, topic, 0, &record));
    record = fixture_record(NULL, "v", 2);
    CU_ASSERT(fixture_write(writer, topic, 0, &record));
    record = fixture_record("k", NULL, -1);
    CU_ASSERT(fixture_write(writer, topic, 0, &record));
    record = fixture_record("", "", 4102444800000);
    record.headers = headers;
    record.header_count = SX_COUNT(headers);
    CU_ASSERT(fixture_write(writer, topic, 0, &record));
    record = fixture_record("zero", "v", 0);
    CU_ASSERT(fixture_write(writer, topic, 0, &record));
    FINE(kafka->commit(writer, NULL, 0, NULL, NULL, NULL, FINE_ERROR));
    CU_ASSERT_EQUAL(kafka->writer_offset(writer, topic, 0), 5);
    CU_ASSERT_EQUAL(kafka->writer_offset(writer, topic, 1), SX_OFFSET_NONE);
    CU_ASSERT_EQUAL(fixture_read(&f, name, 0, 0, UINT64_MAX, keep_records, &text, &next), 5);
    sx_buffer_add_byte(&text, '\0');
    CU_ASSERT_STRING_EQUAL(text.data, "0@1234567890123 k=v\n"
                                      "1@2 null=v\n"
                                      "2@-1 k=null\n"
                                      "3@4102444800000 = h:one h: none:null\n"
                                      "4@1 zero=v\n");
    /* The transaction's marker is behind the last record. */
    CU_ASSERT_EQUAL(next, 6);
    sx_buffer_free(&text);
    kafka->writer_close(writer);
    fixture_close(&f);
}

static void an_offset_out_of_range_is_not_found(void)
{
    struct fixture f;
    struct sx_writer *writer = NULL;
    struct sx_reader *reader = NULL;
    struct sx_topic *topic = NULL;
    struct sx_record record = fixture_record("k", "v", 1);
    struct sx_fetch fetch;
    struct sx_waker waker;
    streamd_error *error = NULL;
    streamd_status status = STREAMD_OK;
    uint32_t count = 0;
    const char *name;

    sx_waker_init(&waker);
    CU_ASSERT_FATAL(fixture_open(&f, bootstrap, NULL, "a", SX_AT_LEAST_ONCE));
    name = fixture_topic(&f, "range", 1);
    FINE(kafka->writer_open(f.log, 0, NULL, &writer, FINE_ERROR));
    FINE(kafka->topic_open(writer, name, &topic, FINE_ERROR));
    for (int i = 0; i < 3; i++)
        CU_ASSERT(fixture_write(writer, topic, 0, &record));
    FINE(kafka->commit(writer, NULL, 0, NULL, NULL, NULL, FINE_ERROR));
    FINE(kafka->reader_open(f.log, SX_READ_INPUT, name, 0, 100, &waker, &reader, FINE_ERROR));
    for (int i = 0; i < 100 && status == STREAMD_OK; i++) {
        status = kafka->fetch(reader, 10, &fetch, &error);
        CU_ASSERT_EQUAL(fetch.count, 0);
        if (status == STREAMD_OK)
            sx_waker_wait(&waker, 100);
    }
    CU_ASSERT_EQUAL(status, STREAMD_E_NOTFOUND);
    CU_ASSERT(error != NULL && strstr(streamd_error_message(error), "100") != NULL);
    streamd_error_free(error);
    CU_ASSERT_EQUAL(kafka->fetch(reader, 10, &fetch, NULL), STREAMD_E_NOTFOUND);
    FINE(kafka->seek(reader, 1, FINE_ERROR));
    for (int i = 0; i < 100 && count < 2; i++) {
        FINE(kafka->fetch(reader, 10, &fetch, FINE_ERROR));
        if (count == 0 && fetch.count > 0)
            CU_ASSERT_EQUAL(fetch.records[0].offset, 1);
        count += fetch.count;
        kafka->release(reader, &fetch);
        sx_waker_wait(&waker, 100);
    }
    CU_ASSERT_EQUAL(count, 2);
    kafka->reader_close(reader);
    kafka->writer_close(writer);
    fixture_close(&f);
    sx_waker_free(&waker);
}

static void no_first_record_is_lost(void)
{
    enum { RECORDS = 500, ROUNDS = 60, PARTITIONS = 4 };
    struct fixture f;
    struct sx_writer *writer = NULL;
    struct sx_topic *topic = NULL;
    struct sx_record record = fixture_record("k", "v", 1);
    struct sx_waker waker;
    const char *name;
    uint32_t lost = 0;

    sx_waker_init(&waker);
    CU_ASSERT_FATAL(fixture_open(&f, bootstrap, NULL, "a", SX_AT_LEAST_ONCE));
    name = fixture_topic(&f, "first", PARTITIONS);
    FINE(kafka->writer_open(f.log, 0, NULL, &writer, FINE_ERROR));
    FINE(kafka->topic_open(writer, name, &topic, FINE_ERROR));
    for (int i = 0; i < RECORDS; i++)
        CU_ASSERT(fixture_write(writer, topic, i % PARTITIONS, &record));
    FINE(kafka->commit(writer, NULL, 0, NULL, NULL, NULL, FINE_ERROR));
    for (int round = 0; round < ROUNDS; round++) {
        struct sx_reader *readers[PARTITIONS] = {NULL};
        int64_t expected[PARTITIONS], until = fixture_now_ms() + 10000;
        uint32_t left = PARTITIONS;

        for (int p = 0; p < PARTITIONS; p++) {
            expected[p] = round;
            FINE(kafka->reader_open(f.log, SX_READ_INPUT, name, p, round, &waker, &readers[p], FINE_ERROR));
        }
        /* Now and then go back while fetching is under way. */
        if (round % 3 == 0)
            for (int p = 0; p < PARTITIONS; p++)
                FINE(kafka->seek(readers[p], round, FINE_ERROR));
        while (left > 0 && fixture_now_ms() < until) {
            left = 0;
            for (int p = 0; p < PARTITIONS; p++) {
                struct sx_fetch fetch;
                FINE(kafka->fetch(readers[p], 50, &fetch, FINE_ERROR));
                for (uint32_t i = 0; i < fetch.count; i++)
                    lost += fetch.records[i].offset != expected[p]++;
                kafka->release(readers[p], &fetch);
                left += expected[p] < RECORDS / PARTITIONS;
            }
            if (left > 0)
                sx_waker_wait(&waker, 100);
        }
        CU_ASSERT_EQUAL(left, 0);
        for (int p = 0; p < PARTITIONS; p++)
            kafka->reader_close(readers[p]);
    }
    CU_ASSERT_EQUAL(lost, 0);
    kafka->writer_close(writer);
    fixture_close(&f);
    sx_waker_free(&waker);
}

static void a_full_queue_is_filled_again_at_once(void)
{
    enum { RECORDS = 30000, READ_MS = 8000 };
    /* What is fetched at once fills the queue: without care each turn would take a second. */
    static const struct sx_log_setting settings[] = {{"queued.min.messages", "500"},
                                                     {"fetch.message.max.bytes", "20000"}};
    struct fixture f;
    struct sx_writer *writer = NULL;
    struct sx_topic *topic = NULL;
    struct sx_record record = fixture_record("key", "a value of some length", 1);
    const char *name;
    int64_t from;

    CU_ASSERT_FATAL(fixture_open(&f, bootstrap, NULL, "a", SX_AT_LEAST_ONCE));
    f.options.settings = settings;
    f.options.setting_count = SX_COUNT(settings);
    CU_ASSERT_FATAL(fixture_reopen(&f));
    name = fixture_topic(&f, "full", 1);
    FINE(kafka->writer_open(f.log, 0, NULL, &writer, FINE_ERROR));
    FINE(kafka->topic_open(writer, name, &topic, FINE_ERROR));
    for (int i = 0; i < RECORDS; i++)
        CU_ASSERT(fixture_write(writer, topic, 0, &record));
    FINE(kafka->commit(writer, NULL, 0, NULL, NULL, NULL, FINE_ERROR));
    from = fixture_now_ms();
    CU_ASSERT_EQUAL(fixture_read(&f, name, 0, 0, UINT64_MAX, NULL, NULL, NULL), RECORDS);
    CU_ASSERT(fixture_now_ms() - from < READ_MS);
    kafka->writer_close(writer);
    fixture_close(&f);
}

static void a_partition_may_be_read_twice(void)
{
    struct fixture f;
    struct sx_writer *writer = NULL;
    struct sx_topic *topic = NULL;
    struct sx_reader *reader = NULL;
    struct sx_record record = fixture_record("k", "v", 1);
    const char *name;

    CU_ASSERT_FATAL(fixture_open(&f, bootstrap, NULL, "a", SX_AT_LEAST_ONCE));
    name = fixture_topic(&f, "twice", 1);
    FINE(kafka->writer_open(f.log, 0, NULL, &writer, FINE_ERROR));
    FINE(kafka->topic_open(writer, name, &topic, FINE_ERROR));
    CU_ASSERT(fixture_write(writer, topic, 0, &record));
    FINE(kafka->commit(writer, NULL, 0, NULL, NULL, NULL, FINE_ERROR));
    FINE(kafka->reader_open(f.log, SX_READ_INPUT, name, 0, 0, NULL, &reader, FINE_ERROR));
    CU_ASSERT_EQUAL(fixture_read(&f, name, 0, 0, UINT64_MAX, NULL, NULL, NULL), 1);
    kafka->reader_close(reader);
    kafka->writer_close(writer);
    fixture_close(&f);
}

static void only_committed_records_and_offsets_count(void)
{
    struct fixture f;
    struct sx_writer *writer = NULL;
    struct sx_topic *topic = NULL;
    struct sx_record record = fixture_record("k", "v", 1);
    struct sx_partition_offset offset;
    const char *name, *input;
    int64_t low, high;

    CU_ASSERT_FATAL(fixture_open(&f, bootstrap, NULL, "a", SX_EXACTLY_ONCE));
    name = fixture_topic(&f, "committed", 1);
    input = fixture_topic(&f, "input", 1);
    offset = (struct sx_partition_offset){input, 0, 42, NULL};
    FINE(kafka->writer_open(f.log, 0, NULL, &writer, FINE_ERROR));
    FINE(kafka->topic_open(writer, name, &topic, FINE_ERROR));
    CU_ASSERT(fixture_write(writer, topic, 0, &record));
    FINE(kafka->abort(writer, FINE_ERROR));
    CU_ASSERT_EQUAL(fixture_read(&f, name, 0, 0, UINT64_MAX, NULL, NULL, NULL), 0);
    FINE(kafka->committed(f.log, &offset, 1, true, FINE_ERROR));
    CU_ASSERT_EQUAL(offset.offset, SX_OFFSET_NONE);

    CU_ASSERT(fixture_write(writer, topic, 0, &record));
    offset.offset = 42;
    FINE(kafka->commit(writer, &offset, 1, NULL, NULL, NULL, FINE_ERROR));
    offset.offset = 0;
    FINE(kafka->committed(f.log, &offset, 1, true, FINE_ERROR));
    CU_ASSERT_EQUAL(offset.offset, 42);
    CU_ASSERT_EQUAL(fixture_read(&f, name, 0, 0, UINT64_MAX, NULL, NULL, NULL), 1);

    /* Open: written, but not stable. */
    FINE(kafka->watermarks(f.log, name, 0, false, &low, &high, FINE_ERROR));
    CU_ASSERT(fixture_write(writer, topic, 0, &record));
    for (int i = 0; i < 100 && kafka->writer_offset(writer, topic, 0) <= high; i++)
        FINE(kafka->drain(writer, 50, FINE_ERROR));
    int64_t stable = -1, all = -1;
    FINE(kafka->watermarks(f.log, name, 0, false, &low, &stable, FINE_ERROR));
    FINE(kafka->watermarks(f.log, name, 0, true, &low, &all, FINE_ERROR));
    CU_ASSERT_EQUAL(low, 0);
    CU_ASSERT_EQUAL(stable, high);
    CU_ASSERT_EQUAL(all, high + 1);
    /* Offsets alone are a commit too. */
    FINE(kafka->abort(writer, FINE_ERROR));
    offset.offset = 43;
    FINE(kafka->commit(writer, &offset, 1, NULL, NULL, NULL, FINE_ERROR));
    FINE(kafka->committed(f.log, &offset, 1, true, FINE_ERROR));
    CU_ASSERT_EQUAL(offset.offset, 43);
    kafka->writer_close(writer);
    FINE(kafka->forget(f.log, FINE_ERROR));
    FINE(kafka->forget(f.log, FINE_ERROR));
    FINE(kafka->committed(f.log, &offset, 1, true, FINE_ERROR));
    CU_ASSERT_EQUAL(offset.offset, SX_OFFSET_NONE);
    fixture_close(&f);
}

/* Own records and offsets are together or not at all; results are there at once, and stay. */
static void at_least_once_keeps_its_own_exactly(void)
{
    struct fixture f;
    struct sx_writer *writer = NULL;
    struct sx_topic *own = NULL, *result = NULL;
    struct sx_record record = fixture_record("k", "v", 1);
    struct sx_partition_offset offset;
    const char *own_name, *result_name;

    CU_ASSERT_FATAL(fixture_open(&f, bootstrap, NULL, "a", SX_AT_LEAST_ONCE));
    own_name = fixture_topic(&f, "own", 1);
    result_name = fixture_topic(&f, "result", 1);
    f.options.own_topics = &own_name;
    f.options.own_topic_count = 1;
    CU_ASSERT_FATAL(fixture_reopen(&f));
    offset = (struct sx_partition_offset){fixture_topic(&f, "input", 1), 0, 42, NULL};
    FINE(kafka->writer_open(f.log, 0, NULL, &writer, FINE_ERROR));
    FINE(kafka->topic_open(writer, own_name, &own, FINE_ERROR));
    FINE(kafka->topic_open(writer, result_name, &result, FINE_ERROR));
    CU_ASSERT(fixture_write(writer, own, 0, &record));
    CU_ASSERT(fixture_write(writer, result, 0, &record));
    FINE(kafka->abort(writer, FINE_ERROR));
    CU_ASSERT_EQUAL(fixture_read(&f, own_name, 0, 0, UINT64_MAX, NULL, NULL, NULL), 0);
    CU_ASSERT_EQUAL(fixture_read(&f, result_name, 0, 0, UINT64_MAX, NULL, NULL, NULL), 1);

    CU_ASSERT(fixture_write(writer, own, 0, &record));
    CU_ASSERT(fixture_write(writer, result, 0, &record));
    FINE(kafka->commit(writer, &offset, 1, NULL, NULL, NULL, FINE_ERROR));
    offset.offset = 0;
    FINE(kafka->committed(f.log, &offset, 1, true, FINE_ERROR));
    CU_ASSERT_EQUAL(offset.offset, 42);
    CU_ASSERT_EQUAL(fixture_read(&f, own_name, 0, 0, UINT64_MAX, NULL, NULL, NULL), 1);
    CU_ASSERT_EQUAL(fixture_read(&f, result_name, 0, 0, UINT64_MAX, NULL, NULL, NULL), 2);
    kafka->writer_close(writer);
    fixture_close(&f);
}

static void purged_records_are_gone(void)
{
    struct fixture f;
    struct sx_writer *writer = NULL;
    struct sx_topic *topic = NULL;
    struct sx_record record = fixture_record("k", "v", 1);
    struct sx_partition_offset before;
    int64_t low = 0, high = 0;

    CU_ASSERT_FATAL(fixture_open(&f, bootstrap, NULL, "a", SX_AT_LEAST_ONCE));
    before = (struct sx_partition_offset){fixture_topic(&f, "purge", 1), 0, 6, NULL};
    FINE(kafka->writer_open(f.log, 0, NULL, &writer, FINE_ERROR));
    FINE(kafka->topic_open(writer, before.topic, &topic, FINE_ERROR));
    for (int i = 0; i < 10; i++)
        CU_ASSERT(fixture_write(writer, topic, 0, &record));
    FINE(kafka->commit(writer, NULL, 0, NULL, NULL, NULL, FINE_ERROR));
    FINE(kafka->purge(f.log, &before, 1, FINE_ERROR));
    FINE(kafka->watermarks(f.log, before.topic, 0, false, &low, &high, FINE_ERROR));
    CU_ASSERT_EQUAL(low, 6);
    CU_ASSERT_EQUAL(high, 10);
    kafka->writer_close(writer);
    fixture_close(&f);
}

/* Stands before librdkafka's: an answer that is lost, after or before the broker did as it was told. */
static _Atomic enum { ANSWERED, LOST_AFTER, LOST_BEFORE } answer;

rd_kafka_error_t *rd_kafka_commit_transaction(rd_kafka_t *producer, int timeout_ms)
{
    rd_kafka_error_t *(*real)(rd_kafka_t *, int);
    rd_kafka_error_t *problem = NULL;

    *(void **)&real = dlsym(RTLD_NEXT, "rd_kafka_commit_transaction");
    if (answer != LOST_BEFORE)
        problem = real(producer, timeout_ms);
    if (problem == NULL && answer != ANSWERED)
        problem = rd_kafka_error_new(RD_KAFKA_RESP_ERR__TIMED_OUT, "the answer was lost");
    answer = ANSWERED;
    return problem;
}

static void count_last(struct sx_unit *unit, void *arg) { ++*(int *)arg; }

static void a_commit_without_an_answer_is_found_out(void)
{
    struct fixture f;
    struct sx_writer *writer = NULL;
    struct sx_topic *topic = NULL;
    struct sx_record record = fixture_record("k", "v", 1);
    struct sx_partition_offset offset;
    const char *name;
    int last = 0;

    CU_ASSERT_FATAL(fixture_open(&f, bootstrap, NULL, "a", SX_EXACTLY_ONCE));
    name = fixture_topic(&f, "unknown", 1);
    offset = (struct sx_partition_offset){name, 0, 5, NULL};
    FINE(kafka->writer_open(f.log, 0, NULL, &writer, FINE_ERROR));
    FINE(kafka->topic_open(writer, name, &topic, FINE_ERROR));
    CU_ASSERT(fixture_write(writer, topic, 0, &record));
    FINE(kafka->commit(writer, &offset, 1, NULL, count_last, &last, FINE_ERROR));
    CU_ASSERT_EQUAL(last, 1);

    /* The same offset again: that it is there says nothing of this commit. */
    CU_ASSERT(fixture_write(writer, topic, 0, &record));
    answer = LOST_BEFORE;
    CU_ASSERT_EQUAL(kafka->commit(writer, &offset, 1, NULL, count_last, &last, NULL), STREAMD_E_TIMEOUT);
    CU_ASSERT_EQUAL(last, 1);
    FINE(kafka->abort(writer, FINE_ERROR));
    CU_ASSERT_EQUAL(fixture_read(&f, name, 0, 0, UINT64_MAX, NULL, NULL, NULL), 1);

    CU_ASSERT(fixture_write(writer, topic, 0, &record));
    answer = LOST_AFTER;
    FINE(kafka->commit(writer, &offset, 1, NULL, count_last, &last, FINE_ERROR));
    CU_ASSERT_EQUAL(last, 2);
    CU_ASSERT_EQUAL(fixture_read(&f, name, 0, 0, UINT64_MAX, NULL, NULL, NULL), 2);

    /* Without offsets nothing can tell: the work is to be taken up anew. */
    CU_ASSERT(fixture_write(writer, topic, 0, &record));
    answer = LOST_AFTER;
    CU_ASSERT_EQUAL(kafka->commit(writer, NULL, 0, NULL, count_last, &last, NULL), STREAMD_E_FENCED);
    FINE(kafka->abort(writer, FINE_ERROR));
    CU_ASSERT(fixture_write(writer, topic, 0, &record));
    FINE(kafka->commit(writer, &offset, 1, NULL, count_last, &last, FINE_ERROR));
    CU_ASSERT_EQUAL(last, 3);
    kafka->writer_close(writer);
    fixture_close(&f);
}

static void a_zombie_writer_is_fenced(void)
{
    struct fixture f, g;
    struct sx_writer *old = NULL, *young = NULL;
    struct sx_topic *topic = NULL, *topic2 = NULL;
    struct sx_record record = fixture_record("k", "old", 1), second = fixture_record("k", "new", 1);
    struct sx_buffer text = {0};
    const char *name;

    CU_ASSERT_FATAL(fixture_open(&f, bootstrap, NULL, "same", SX_EXACTLY_ONCE));
    CU_ASSERT_FATAL(fixture_open(&g, bootstrap, f.application, "same", SX_EXACTLY_ONCE));
    name = fixture_topic(&f, "zombie", 1);
    FINE(kafka->writer_open(f.log, 0, NULL, &old, FINE_ERROR));
    FINE(kafka->topic_open(old, name, &topic, FINE_ERROR));
    CU_ASSERT(fixture_write(old, topic, 0, &record));
    while (kafka->writer_offset(old, topic, 0) == SX_OFFSET_NONE)
        FINE(kafka->drain(old, 50, FINE_ERROR));
    FINE(kafka->writer_open(g.log, 0, NULL, &young, FINE_ERROR));
    FINE(kafka->topic_open(young, name, &topic2, FINE_ERROR));
    CU_ASSERT(fixture_write(young, topic2, 0, &second));
    FINE(kafka->commit(young, NULL, 0, NULL, NULL, NULL, FINE_ERROR));
    CU_ASSERT_EQUAL(kafka->commit(old, NULL, 0, NULL, NULL, NULL, NULL), STREAMD_E_FENCED);
    CU_ASSERT_EQUAL(fixture_read(&f, name, 0, 0, UINT64_MAX, keep_records, &text, NULL), 1);
    sx_buffer_add_byte(&text, '\0');
    CU_ASSERT_PTR_NOT_NULL(strstr(text.data, "k=new"));
    sx_buffer_free(&text);
    kafka->writer_close(old);
    kafka->writer_close(young);
    fixture_close(&f);
    fixture_close(&g);
}

void suite_kafka_broker(void)
{
    bootstrap = getenv("TEST_BOOTSTRAP");
    if (bootstrap == NULL || *bootstrap == '\0')
        return;
    SX_SUITE("kafka_broker");
    SX_TEST(asking_for_a_topic_does_not_create_it);
    SX_TEST(topics_are_as_specified);
    SX_TEST(records_come_back_as_written);
    SX_TEST(an_offset_out_of_range_is_not_found);
    SX_TEST(no_first_record_is_lost);
    SX_TEST(a_full_queue_is_filled_again_at_once);
    SX_TEST(a_partition_may_be_read_twice);
    SX_TEST(only_committed_records_and_offsets_count);
    SX_TEST(at_least_once_keeps_its_own_exactly);
    SX_TEST(purged_records_are_gone);
    SX_TEST(a_commit_without_an_answer_is_found_out);
    SX_TEST(a_zombie_writer_is_fenced);
}
