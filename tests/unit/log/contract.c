/* contract.c: what log.h promises, asked of each kind of log.
 *
 * A log may be far away: what takes time there is waited for, up to some seconds. Topics' names are
 * new at each run, so a broker that has seen earlier runs does not matter. */
#include "tests/unit/log/contract.h"

#include "engine/base/clock.h"
#include "tests/unit/log/helpers.h"

#include <unistd.h>

static const struct contract_subject *subject; /* of the suite that runs */
static struct sx_log_options options;
static struct sx_log *log_;
static char application[64], topic[96], other[96];

static int begin(const struct contract_subject *of)
{
    subject = of;
    options = (struct sx_log_options){0};
    return of->open(&options) ? 0 : 1;
}

static int end(void)
{
    subject->close();
    return 0;
}

/* Each test has a log and a name of its own. */
static void open_log(void)
{
    static unsigned number;

    number++;
    snprintf(application, sizeof(application), "contract-%ld-%lld-%u", (long)getpid(),
             (long long)sx_wall_ms(&sx_clock_system), number);
    snprintf(topic, sizeof(topic), "%s-a", application);
    snprintf(other, sizeof(other), "%s-b", application);
    options.application = application;
    options.id = "1";
    options.client_id = "contract";
    options.writer_count = 2;
    options.guarantee = SX_EXACTLY_ONCE;
    TEST_OK(subject->def->open(&options, &log_, &test_error));
    CU_ASSERT_PTR_NOT_NULL_FATAL(log_);
    CU_ASSERT_PTR_EQUAL(log_->def, subject->def);
}

static void make_topic(const char *name, int32_t partitions)
{
    struct sx_topic_spec spec = {
        .name = name, .partitions = partitions, .cleanup = SX_CLEANUP_DELETE, .retention_ms = -1};

    TEST_OK(log_->def->create(log_, &spec, &test_error));
}

static void close_log(void)
{
    static const char *const suffixes[] = {"a", "b", "slots"};

    for (size_t i = 0; i < SX_COUNT(suffixes); i++) {
        char name[96];
        snprintf(name, sizeof(name), "%s-%s", application, suffixes[i]);
        log_->def->remove(log_, name, NULL);
    }
    log_->def->close(log_);
    log_ = NULL;
}

static struct sx_writer *open_writer(uint32_t number, const struct sx_waker *waker)
{
    struct sx_writer *writer = NULL;

    TEST_OK(log_->def->writer_open(log_, number, waker, &writer, &test_error));
    CU_ASSERT_PTR_NOT_NULL_FATAL(writer);
    CU_ASSERT_PTR_EQUAL(writer->log, log_);
    return writer;
}

static struct sx_topic *open_topic(struct sx_writer *writer, const char *name)
{
    struct sx_topic *handle = NULL;

    TEST_OK(log_->def->topic_open(writer, name, &handle, &test_error));
    CU_ASSERT_PTR_NOT_NULL_FATAL(handle);
    return handle;
}

/* ---- topics ---------------------------------------------------------------------------------- */

static bool is_listed(const char *name)
{
    char **names = NULL;
    uint32_t count = 0;
    bool found = false;

    TEST_OK(log_->def->topics(log_, &names, &count, &test_error));
    for (uint32_t i = 0; i < count; i++) {
        found = found || strcmp(names[i], name) == 0;
        free(names[i]);
    }
    free(names);
    return found;
}

static void topics_are_made_found_and_removed(void)
{
    struct sx_topic_spec spec = {
        .partitions = 3, .cleanup = SX_CLEANUP_COMPACT, .retention_ms = -1, .internal = true};
    struct sx_topic_spec found;
    streamd_status status = STREAMD_OK;
    int32_t count = 0;

    open_log();
    spec.name = topic;
    CU_ASSERT_EQUAL(log_->def->partitions(log_, topic, &count, NULL), STREAMD_E_NOTFOUND);
    CU_ASSERT_EQUAL(log_->def->describe(log_, topic, &found, NULL), STREAMD_E_NOTFOUND);
    TEST_OK(log_->def->create(log_, &spec, &test_error));
    TEST_OK(log_->def->partitions(log_, topic, &count, &test_error));
    CU_ASSERT_EQUAL(count, 3);
    spec.partitions = 5; /* it is there already: no error, and no change */
    TEST_OK(log_->def->create(log_, &spec, &test_error));
    TEST_OK(log_->def->partitions(log_, topic, &count, &test_error));
    CU_ASSERT_EQUAL(count, 3);
    TEST_OK(log_->def->describe(log_, topic, &found, &test_error));
    CU_ASSERT_EQUAL(found.cleanup, SX_CLEANUP_COMPACT);

    spec = (struct sx_topic_spec){
        .name = other, .partitions = 1, .cleanup = SX_CLEANUP_DELETE, .retention_ms = 3600000};
    TEST_OK(log_->def->create(log_, &spec, &test_error));
    TEST_OK(log_->def->describe(log_, other, &found, &test_error));
    CU_ASSERT_EQUAL(found.cleanup, SX_CLEANUP_DELETE);
    CU_ASSERT_EQUAL(found.retention_ms, 3600000);
    CU_ASSERT(is_listed(topic));
    CU_ASSERT(is_listed(other));

    TEST_OK(log_->def->remove(log_, topic, &test_error));
    for (int i = 0; i < 100 && status == STREAMD_OK; i++) {
        status = log_->def->partitions(log_, topic, &count, NULL);
        if (status == STREAMD_OK)
            usleep(100000);
    }
    CU_ASSERT_EQUAL(status, STREAMD_E_NOTFOUND);
    CU_ASSERT(!is_listed(topic));
    CU_ASSERT(is_listed(other));
    close_log();
}

/* ---- records --------------------------------------------------------------------------------- */

static void check_record(const struct sx_record *got, const struct sx_record *sent)
{
    CU_ASSERT_EQUAL(got->key.data == NULL, sent->key.data == NULL);
    CU_ASSERT_EQUAL(got->value.data == NULL, sent->value.data == NULL);
    SX_ASSERT_SLICE(got->key, sent->key);
    SX_ASSERT_SLICE(got->value, sent->value);
    CU_ASSERT_EQUAL(got->timestamp, sent->timestamp);
    CU_ASSERT_EQUAL_FATAL(got->header_count, sent->header_count);
    for (uint32_t i = 0; i < sent->header_count; i++) {
        SX_ASSERT_SLICE(got->headers[i].name, sent->headers[i].name);
        SX_ASSERT_SLICE(got->headers[i].value, sent->headers[i].value);
        CU_ASSERT_EQUAL(got->headers[i].value.data == NULL, sent->headers[i].value.data == NULL);
    }
}

static void records_come_as_they_went(void)
{
    static const struct sx_header headers[] = {
        {{"h", 1}, {"v", 1}}, {{"h", 1}, {"", 0}}, {{"null", 4}, {NULL, 0}}};
    const struct sx_record sent[] = {
        test_record("k", "v", 1234567890123),
        test_record(NULL, "no key and no time", -1),
        test_record("k", "at 1970", 1), /* not 0: librdkafka has no way to say it */
        test_record("gone", NULL, 5),
        test_record("", "", 6),
        {.key = {"\0k", 2},
         .value = {"a\0b", 3},
         .timestamp = 7,
         .headers = headers,
         .header_count = SX_COUNT(headers)},
    };
    struct sx_waker waker;
    struct sx_writer *writer;
    struct sx_topic *handle;
    struct sx_reader *reader = NULL;
    uint32_t got = 0;

    open_log();
    make_topic(topic, 2);
    CU_ASSERT(sx_waker_init(&waker));
    writer = open_writer(0, &waker);
    handle = open_topic(writer, topic);
    for (size_t i = 0; i < SX_COUNT(sent); i++)
        TEST_OK(log_->def->write(writer, handle, 1, &sent[i], &test_error));
    test_commit(writer);
    CU_ASSERT_EQUAL(log_->def->writer_offset(writer, handle, 1), (int64_t)SX_COUNT(sent));
    CU_ASSERT_EQUAL(log_->def->writer_offset(writer, handle, 0), SX_OFFSET_NONE);

    TEST_OK(log_->def->reader_open(log_, SX_READ_RESTORE, topic, 1, 0, &waker, &reader, &test_error));
    CU_ASSERT_PTR_NOT_NULL_FATAL(reader);
    CU_ASSERT_STRING_EQUAL(reader->topic, topic);
    CU_ASSERT_EQUAL(reader->partition, 1);
    for (int turn = 0; turn < 200 && got < SX_COUNT(sent); turn++) {
        struct sx_fetch fetch;
        TEST_OK(log_->def->fetch(reader, 2, &fetch, &test_error));
        for (uint32_t i = 0; i < fetch.count && got < SX_COUNT(sent); i++, got++) {
            CU_ASSERT_EQUAL(fetch.records[i].offset, got);
            check_record(&fetch.records[i], &sent[got]);
        }
        if (fetch.count == 0)
            sx_waker_wait(&waker, 100);
        log_->def->release(reader, &fetch);
    }
    CU_ASSERT_EQUAL(got, SX_COUNT(sent));
    log_->def->reader_close(reader);
    log_->def->writer_close(writer);
    sx_waker_free(&waker);
    close_log();
}

static void what_is_aborted_is_never_read(void)
{
    struct sx_waker waker;
    struct sx_writer *writer, *second;
    struct sx_topic *handle, *theirs;

    open_log();
    make_topic(topic, 1);
    CU_ASSERT(sx_waker_init(&waker));
    writer = open_writer(0, &waker);
    second = open_writer(1, &waker);
    handle = open_topic(writer, topic);
    theirs = open_topic(second, topic);
    test_write(writer, handle, 0, "k", "one");
    test_commit(writer);
    test_write(writer, handle, 0, "k", "dropped");
    TEST_OK(log_->def->drain(writer, 0, &test_error));
    TEST_OK(log_->def->abort(writer, &test_error));
    CU_ASSERT_EQUAL(log_->def->writer_offset(writer, handle, 0), 1);
    test_write(writer, handle, 0, "k", "two");
    test_commit(writer);
    test_write(second, theirs, 0, "k", "three");
    test_commit(second);
    test_write(writer, handle, 0, "k", "never committed");
    SX_ASSERT_TEXT(test_values(log_, topic, 0, 0, 3), "one two three ");
    log_->def->writer_close(second);
    log_->def->writer_close(writer);
    sx_waker_free(&waker);
    close_log();
}

static void a_reader_is_woken_and_knows_the_end(void)
{
    struct sx_waker waker, writers;
    struct sx_writer *writer;
    struct sx_topic *handle;
    struct sx_reader *reader = NULL;
    struct sx_fetch fetch = {0};
    struct sx_fetch released;
    struct sx_buffer values = {0};

    open_log();
    make_topic(topic, 1);
    CU_ASSERT(sx_waker_init(&waker) && sx_waker_init(&writers));
    writer = open_writer(0, &writers);
    handle = open_topic(writer, topic);
    test_write(writer, handle, 0, NULL, "1");
    test_commit(writer);
    TEST_OK(log_->def->reader_open(log_, SX_READ_RESTORE, topic, 0, 0, &waker, &reader, &test_error));
    CU_ASSERT_EQUAL(test_read(reader, &waker, 1, 10, &values), 1);
    for (int i = 0; i < 200 && !fetch.at_end; i++) {
        TEST_OK(log_->def->fetch(reader, 10, &fetch, &test_error));
        CU_ASSERT_EQUAL(fetch.count, 0);
        released = fetch;
        log_->def->release(reader, &released);
        if (!fetch.at_end)
            sx_waker_wait(&waker, 50);
    }
    CU_ASSERT(fetch.at_end);
    CU_ASSERT(fetch.next_offset >= 1);
    CU_ASSERT_EQUAL(log_->def->reader_end(reader), fetch.next_offset);

    while (sx_waker_wait(&waker, 0))
        continue;
    test_write(writer, handle, 0, NULL, "2");
    CU_ASSERT(!sx_waker_wait(&waker, 20));
    test_commit(writer);
    CU_ASSERT(sx_waker_wait(&waker, 10000));
    CU_ASSERT_EQUAL(test_read(reader, &waker, 1, 10, &values), 1);
    SX_ASSERT_SLICE(sx_buffer_slice(&values), SX_SLICE("1 2 "));
    sx_buffer_free(&values);
    log_->def->reader_close(reader);
    log_->def->writer_close(writer);
    sx_waker_free(&waker);
    sx_waker_free(&writers);
    close_log();
}

/* A fetch with records in it; count 0 after 20 s. */
static struct sx_fetch fetch_some(struct sx_reader *reader, const struct sx_waker *waker, uint32_t max)
{
    struct sx_fetch fetch = {0};

    for (int i = 0; i < 200; i++) {
        TEST_OK(log_->def->fetch(reader, max, &fetch, &test_error));
        if (fetch.count > 0)
            break;
        log_->def->release(reader, &fetch);
        sx_waker_wait(waker, 100);
    }
    return fetch;
}

static void seeking_keeps_what_was_fetched(void)
{
    struct sx_waker waker;
    struct sx_writer *writer;
    struct sx_topic *handle;
    struct sx_reader *reader = NULL;
    struct sx_fetch first, again, third;
    char value[16];

    open_log();
    make_topic(topic, 1);
    CU_ASSERT(sx_waker_init(&waker));
    writer = open_writer(0, &waker);
    handle = open_topic(writer, topic);
    for (int i = 0; i < 10; i++) {
        snprintf(value, sizeof(value), "v%d", i);
        test_write(writer, handle, 0, NULL, value);
    }
    test_commit(writer);
    TEST_OK(log_->def->reader_open(log_, SX_READ_RESTORE, topic, 0, 3, &waker, &reader, &test_error));
    first = fetch_some(reader, &waker, 2);
    TEST_OK(log_->def->seek(reader, 8, &test_error));
    again = fetch_some(reader, &waker, 1);
    TEST_OK(log_->def->seek(reader, 1, &test_error));
    third = fetch_some(reader, &waker, 1);
    CU_ASSERT_FATAL(first.count > 0 && again.count == 1 && third.count == 1);
    CU_ASSERT_EQUAL(first.records[0].offset, 3);
    SX_ASSERT_BYTES(first.records[0].value, "v3");
    CU_ASSERT_EQUAL(first.next_offset, 3 + first.count);
    SX_ASSERT_BYTES(again.records[0].value, "v8");
    SX_ASSERT_BYTES(third.records[0].value, "v1");
    log_->def->release(reader, &again);
    SX_ASSERT_BYTES(first.records[0].value, "v3");
    log_->def->release(reader, &first);
    SX_ASSERT_BYTES(third.records[0].value, "v1");
    log_->def->release(reader, &third);
    log_->def->reader_close(reader);
    log_->def->writer_close(writer);
    sx_waker_free(&waker);
    close_log();
}

static void purged_records_are_out_of_range(void)
{
    struct sx_partition_offset before = {.partition = 0, .offset = 2};
    struct sx_waker waker;
    struct sx_writer *writer;
    struct sx_topic *handle;
    struct sx_reader *reader = NULL;
    streamd_status status = STREAMD_OK;
    int64_t low = -1, high = -1;

    open_log();
    make_topic(topic, 1);
    before.topic = topic;
    CU_ASSERT(sx_waker_init(&waker));
    writer = open_writer(0, &waker);
    handle = open_topic(writer, topic);
    for (int i = 0; i < 3; i++)
        test_write(writer, handle, 0, NULL, i == 2 ? "left" : "purged");
    test_commit(writer);
    for (int i = 0; i < 100 && high < 3; i++) { /* a transaction's end may take its time */
        TEST_OK(log_->def->watermarks(log_, topic, 0, false, &low, &high, &test_error));
        if (high < 3)
            usleep(50000);
    }
    CU_ASSERT_EQUAL(low, 0);
    CU_ASSERT(high >= 3);
    TEST_OK(log_->def->purge(log_, &before, 1, &test_error));
    TEST_OK(log_->def->watermarks(log_, topic, 0, true, &low, &high, &test_error));
    CU_ASSERT_EQUAL(low, 2);
    CU_ASSERT(high >= 3);
    SX_ASSERT_TEXT(test_values(log_, topic, 0, 2, 1), "left ");

    TEST_OK(log_->def->reader_open(log_, SX_READ_RESTORE, topic, 0, 0, &waker, &reader, &test_error));
    for (int i = 0; i < 200 && status == STREAMD_OK; i++) {
        struct sx_fetch fetch;
        status = log_->def->fetch(reader, 10, &fetch, NULL);
        if (status == STREAMD_OK) {
            CU_ASSERT_EQUAL(fetch.count, 0);
            log_->def->release(reader, &fetch);
            sx_waker_wait(&waker, 50);
        }
    }
    CU_ASSERT_EQUAL(status, STREAMD_E_NOTFOUND);
    log_->def->reader_close(reader);
    log_->def->writer_close(writer);
    sx_waker_free(&waker);
    close_log();
}

/* ---- the group ------------------------------------------------------------------------------- */

struct member {
    uint32_t given, taken;
    uint64_t slots; /* bitmap of what is ours */
};

static void on_given(const int32_t *slots, uint32_t count, void *arg)
{
    struct member *member = arg;

    member->given += count;
    for (uint32_t i = 0; i < count; i++)
        sx_bit_set(&member->slots, (uint32_t)slots[i]);
}

static void on_taken(const int32_t *slots, uint32_t count, bool lost, void *arg)
{
    struct member *member = arg;

    CU_ASSERT(!lost);
    member->taken += count;
    for (uint32_t i = 0; i < count; i++)
        sx_bit_clear(&member->slots, (uint32_t)slots[i]);
}

static void join(struct member *member)
{
    struct sx_group_events events = {on_given, on_taken, member};
    char slots[96];

    snprintf(slots, sizeof(slots), "%s-slots", application);
    make_topic(slots, 3);
    TEST_OK(log_->def->join(log_, slots, 3, &events, &test_error));
    CU_ASSERT_EQUAL(member->given, 0); /* only poll calls back */
    for (int i = 0; i < 300 && member->slots != 7; i++)
        TEST_OK(log_->def->poll(log_, 100, &test_error));
    CU_ASSERT_EQUAL(member->given, 3);
    CU_ASSERT_EQUAL(member->slots, 7);
}

struct told {
    struct sx_log *log;
    struct sx_writer *writer;
    struct sx_topic *handle;
    int64_t offset;
    int calls;
};

static void on_last(struct sx_unit *unit, void *arg)
{
    struct told *told = arg;

    (void)unit;
    told->calls++;
    told->offset = told->log->def->writer_offset(told->writer, told->handle, 0);
}

static void offsets_are_committed_with_records(void)
{
    struct sx_partition_offset commit = {.partition = 1, .offset = 17};
    struct sx_partition_offset read[2] = {{.partition = 0}, {.partition = 1}};
    struct member member = {0};
    struct sx_waker waker;
    struct told told = {0};

    open_log();
    make_topic(topic, 2);
    make_topic(other, 1);
    commit.topic = read[0].topic = read[1].topic = topic;
    CU_ASSERT(sx_waker_init(&waker));
    join(&member);
    told.log = log_;
    told.writer = open_writer(0, &waker);
    told.handle = open_topic(told.writer, other);
    TEST_OK(log_->def->committed(log_, read, 2, true, &test_error));
    CU_ASSERT(read[0].offset == SX_OFFSET_NONE && read[1].offset == SX_OFFSET_NONE);

    test_write(told.writer, told.handle, 0, NULL, "with offsets");
    TEST_OK(log_->def->commit(told.writer, &commit, 1, NULL, on_last, &told, &test_error));
    CU_ASSERT(told.calls == 1 && told.offset == 1);
    TEST_OK(log_->def->committed(log_, read, 2, true, &test_error));
    CU_ASSERT_EQUAL(read[0].offset, SX_OFFSET_NONE);
    CU_ASSERT_EQUAL(read[1].offset, 17);
    SX_ASSERT_TEXT(test_values(log_, other, 0, 0, 1), "with offsets ");

    commit.offset = 18; /* and without any record */
    TEST_OK(log_->def->commit(told.writer, &commit, 1, NULL, NULL, NULL, &test_error));
    TEST_OK(log_->def->committed(log_, read, 2, true, &test_error));
    CU_ASSERT_EQUAL(read[1].offset, 18);
    log_->def->writer_close(told.writer);

    TEST_OK(log_->def->leave(log_, &test_error));
    CU_ASSERT(member.taken == 3 && member.slots == 0);
    TEST_OK(log_->def->forget(log_, &test_error));
    TEST_OK(log_->def->committed(log_, read, 2, true, &test_error));
    CU_ASSERT(read[0].offset == SX_OFFSET_NONE && read[1].offset == SX_OFFSET_NONE);
    sx_waker_free(&waker);
    close_log();
}

/* CUnit calls a suite's functions without an argument, so each place has its own. */
#define SUBJECTS_MAX 4
static const struct contract_subject *subjects[SUBJECTS_MAX];
static int begin_0(void) { return begin(subjects[0]); }
static int begin_1(void) { return begin(subjects[1]); }
static int begin_2(void) { return begin(subjects[2]); }
static int begin_3(void) { return begin(subjects[3]); }

void suite_contract(const struct contract_subject *of)
{
    static const CU_InitializeFunc begins[SUBJECTS_MAX] = {begin_0, begin_1, begin_2, begin_3};
    static unsigned count;
    CU_pSuite sx_suite_;

    if (count == SUBJECTS_MAX)
        abort();
    subjects[count] = of;
    sx_suite_ = CU_add_suite(of->suite, begins[count++], end);
    SX_TEST(topics_are_made_found_and_removed);
    SX_TEST(records_come_as_they_went);
    SX_TEST(what_is_aborted_is_never_read);
    SX_TEST(a_reader_is_woken_and_knows_the_end);
    SX_TEST(seeking_keeps_what_was_fetched);
    SX_TEST(purged_records_are_out_of_range);
    SX_TEST(offsets_are_committed_with_records);
}
