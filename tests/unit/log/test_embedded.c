/* test_embedded.c: the embedded log passes the contract's suite, and what only it promises: what
 * survives a restart, blocks, retention, damage. */
#include "tests/unit/log/embedded.h"

#include "engine/base/clock.h"
#include "engine/log/embedded.h"
#include "tests/unit/log/contract.h"

/* ---- the contract's suite -------------------------------------------------------------------- */

static char contract_folder[64];
static struct sx_disk *contract_disk;

static bool contract_open(struct sx_log_options *options)
{
    struct sx_disk_options on_disk = {.wal = true, .memory_bytes = 16u << 20};

    if (!test_folder_make(contract_folder, sizeof(contract_folder)) ||
        sx_disk_open(contract_folder, &on_disk, &contract_disk, NULL) != STREAMD_OK)
        return false;
    options->disk = contract_disk;
    options->sync = true;
    return true;
}

static void contract_close(void)
{
    sx_disk_close(contract_disk);
    test_folder_drop(contract_folder);
}

/* ---- what only the embedded log promises ----------------------------------------------------- */

static struct embedded_fixture f;
static struct sx_writer *writer;

static void begin(void)
{
    embedded_make(&f);
    TEST_OK(f.def->writer_open(f.log, 0, NULL, &writer, &test_error));
}

static void reopen(void)
{
    f.def->writer_close(writer);
    embedded_close(&f);
    embedded_open(&f);
    TEST_OK(f.def->writer_open(f.log, 0, NULL, &writer, &test_error));
}

static void finish(void)
{
    f.def->writer_close(writer);
    embedded_drop(&f);
}

static struct sx_topic *open_topic(const char *name)
{
    struct sx_topic *topic = NULL;

    TEST_OK(f.def->topic_open(writer, name, &topic, &test_error));
    CU_ASSERT_PTR_NOT_NULL_FATAL(topic);
    return topic;
}

static void commit_one(struct sx_topic *topic, int32_t partition, const char *value)
{
    test_write(writer, topic, partition, NULL, value);
    test_commit(writer);
}

static void all_is_there_after_a_restart(void)
{
    struct sx_partition_offset offset = {"in", 1, 42, NULL};
    struct sx_partition_offset low = {"out", 2, 1, NULL};
    struct sx_topic_spec spec = {
        .name = "in", .partitions = 2, .cleanup = SX_CLEANUP_COMPACT, .retention_ms = 77, .internal = true};
    struct sx_topic_spec got;
    struct sx_topic *topic;
    int64_t begins, ends;

    begin();
    TEST_OK(f.def->create(f.log, &spec, &test_error));
    embedded_topic(&f, "out", 3);
    topic = open_topic("out");
    commit_one(topic, 2, "a");
    test_write(writer, topic, 2, NULL, "b");
    TEST_OK(f.def->commit(writer, &offset, 1, NULL, NULL, NULL, &test_error));
    test_write(writer, topic, 2, NULL, "not committed");
    TEST_OK(f.def->purge(f.log, &low, 1, &test_error));
    reopen();
    TEST_OK(f.def->describe(f.log, "in", &got, &test_error));
    CU_ASSERT(got.partitions == 2 && got.cleanup == SX_CLEANUP_COMPACT && got.retention_ms == 77 &&
              got.internal);
    TEST_OK(f.def->watermarks(f.log, "out", 2, false, &begins, &ends, &test_error));
    CU_ASSERT(begins == 1 && ends == 2);
    TEST_OK(f.def->watermarks(f.log, "out", 1, false, &begins, &ends, &test_error));
    CU_ASSERT(begins == 0 && ends == 0);
    offset.offset = 0;
    TEST_OK(f.def->committed(f.log, &offset, 1, true, &test_error));
    CU_ASSERT_EQUAL(offset.offset, 42);
    commit_one(open_topic("out"), 2, "c");
    SX_ASSERT_TEXT(test_values(f.log, "out", 2, 1, 2), "b c ");

    /* All purged: the offsets go on where they were. */
    low.offset = 3;
    TEST_OK(f.def->purge(f.log, &low, 1, &test_error));
    reopen();
    TEST_OK(f.def->watermarks(f.log, "out", 2, false, &begins, &ends, &test_error));
    CU_ASSERT(begins == 3 && ends == 3);
    commit_one(open_topic("out"), 2, "d");
    SX_ASSERT_TEXT(test_values(f.log, "out", 2, 3, 1), "d ");
    finish();
}

static void names_and_partitions_are_checked(void)
{
    static const char *const wrong[] = {"", ".", "..", "a/b", "a b", "\xc3\xa4"};
    struct sx_topic_spec spec = {.name = "default", .retention_ms = -1};
    struct sx_record record = test_record("k", "v", 1);
    struct sx_partition_offset offset = {"no", 0, 1, NULL};
    struct sx_reader *reader;
    struct sx_topic *topic;
    int32_t count = 0;

    begin();
    TEST_OK(f.def->create(f.log, &spec, &test_error));
    TEST_OK(f.def->partitions(f.log, "default", &count, &test_error));
    CU_ASSERT_EQUAL(count, 4);
    for (size_t i = 0; i < SX_COUNT(wrong); i++) {
        streamd_error *error = NULL;
        spec.name = wrong[i];
        CU_ASSERT_EQUAL(f.def->create(f.log, &spec, &error), STREAMD_E_LOG);
        CU_ASSERT(streamd_error_is_fatal(error));
        streamd_error_free(error);
    }
    CU_ASSERT_EQUAL(f.def->topic_open(writer, "no", &topic, NULL), STREAMD_E_NOTFOUND);
    CU_ASSERT_EQUAL(f.def->reader_open(f.log, SX_READ_INPUT, "no", 0, 0, NULL, &reader, NULL),
                    STREAMD_E_NOTFOUND);
    CU_ASSERT_EQUAL(f.def->reader_open(f.log, SX_READ_INPUT, "default", 4, 0, NULL, &reader, NULL),
                    STREAMD_E_NOTFOUND);
    topic = open_topic("default");
    CU_ASSERT_EQUAL(f.def->write(writer, topic, 4, &record, NULL), STREAMD_E_NOTFOUND);
    CU_ASSERT_EQUAL(f.def->write(writer, topic, -1, &record, NULL), STREAMD_E_NOTFOUND);
    record.value.size = SX_RECORD_BYTES_MAX; /* refused before it is read */
    CU_ASSERT_EQUAL(f.def->write(writer, topic, 0, &record, NULL), STREAMD_E_LOG);
    CU_ASSERT_EQUAL(f.def->commit(writer, &offset, 1, NULL, NULL, NULL, NULL), STREAMD_E_NOTFOUND);
    TEST_OK(f.def->abort(writer, &test_error));
    finish();
}

/* Many blocks, read by any `max` and from any offset, give the same. */
static void blocks_do_not_show(void)
{
    static const uint32_t steps[] = {1, 7, 511, 512, 513, 1024, 5000};
    static char large[70000];
    enum { COUNT = 3000 };
    struct sx_topic *topic;
    struct sx_waker waker;
    char value[16];

    begin();
    embedded_topic(&f, "t", 1);
    topic = open_topic("t");
    memset(large, 'x', sizeof(large) - 1);
    for (int i = 0; i < COUNT; i++) {
        snprintf(value, sizeof(value), "%d", i);
        test_write(writer, topic, 0, i % 1000 == 10 ? large : "key", value);
        if (i % 700 == 0)
            test_commit(writer);
    }
    test_commit(writer);
    CU_ASSERT(sx_waker_init(&waker));
    for (size_t s = 0; s < SX_COUNT(steps); s++) {
        struct sx_buffer got = {0};
        struct sx_buffer expected = {0};
        struct sx_reader *reader;
        int from = (int)s * 409;

        for (int i = from; i < COUNT; i++)
            sx_buffer_printf(&expected, "%d ", i);
        TEST_OK(f.def->reader_open(f.log, SX_READ_INPUT, "t", 0, from, &waker, &reader, &test_error));
        CU_ASSERT_EQUAL(test_read(reader, &waker, (uint32_t)(COUNT - from), steps[s], &got),
                        (uint32_t)(COUNT - from));
        CU_ASSERT(sx_slice_equal(sx_buffer_slice(&got), sx_buffer_slice(&expected)));
        f.def->reader_close(reader);
        sx_buffer_free(&got);
        sx_buffer_free(&expected);
    }
    sx_waker_free(&waker);
    finish();
}

static void the_unit_is_written_with_the_records(void)
{
    struct sx_buffer got = {0};
    struct sx_unit *unit;
    struct sx_topic *topic;
    bool found;

    begin();
    embedded_topic(&f, "t", 1);
    topic = open_topic("t");
    unit = sx_unit_new(f.disk);
    sx_unit_put(unit, SX_FAMILY_KV, SX_SLICE("state"), SX_SLICE("1"));
    test_write(writer, topic, 0, NULL, "r");
    TEST_OK(f.def->commit(writer, NULL, 0, unit, NULL, NULL, &test_error));
    CU_ASSERT_EQUAL(sx_unit_count(unit), 0);
    TEST_OK(sx_disk_get(f.disk, SX_FAMILY_KV, SX_SLICE("state"), &got, &found, &test_error));
    CU_ASSERT(found);
    sx_buffer_free(&got);

    /* A commit that cannot be: nothing is written, the writer goes on after abort. */
    test_write(writer, topic, 0, NULL, "lost with its topic");
    TEST_OK(f.def->remove(f.log, "t", &test_error));
    CU_ASSERT_EQUAL(f.def->commit(writer, NULL, 0, unit, NULL, NULL, NULL), STREAMD_E_NOTFOUND);
    CU_ASSERT_EQUAL(f.def->writer_offset(writer, topic, 0), 1);
    TEST_OK(f.def->abort(writer, &test_error));
    embedded_topic(&f, "t", 1);
    topic = open_topic("t"); /* another topic by the same name: it begins empty */
    commit_one(topic, 0, "new");
    SX_ASSERT_TEXT(test_values(f.log, "t", 0, 0, 1), "new ");
    sx_unit_free(unit);
    reopen();
    SX_ASSERT_TEXT(test_values(f.log, "t", 0, 0, 1), "new ");
    finish();
}

static int64_t low_of(const char *topic)
{
    int64_t low = -1, high;

    TEST_OK(f.def->watermarks(f.log, topic, 0, false, &low, &high, &test_error));
    return low;
}

static bool bytes_left(const char *topic)
{
    struct sx_slice key, value;
    struct sx_cursor *cursor = sx_cursor_open(f.disk, SX_FAMILY_LOG, SX_SLICE_NONE, SX_SLICE_NONE);
    bool any = false;

    while (sx_cursor_next(cursor, &key, &value))
        any = any || memmem(value.data, value.size, topic, strlen(topic)) != NULL;
    sx_cursor_close(cursor);
    return any;
}

static void retention_deletes_what_is_older(void)
{
    struct sx_topic_spec brief = {.name = "brief", .partitions = 1, .retention_ms = 60000};
    struct sx_topic_spec kept = {
        .name = "kept", .partitions = 1, .retention_ms = 60000, .cleanup = SX_CLEANUP_COMPACT};
    int64_t now_ms = sx_wall_ms(&sx_clock_system);

    begin();
    TEST_OK(f.def->create(f.log, &brief, &test_error));
    TEST_OK(f.def->create(f.log, &kept, &test_error));
    embedded_topic(&f, "forever", 1);
    commit_one(open_topic("brief"), 0, "in brief");
    commit_one(open_topic("kept"), 0, "in kept");
    commit_one(open_topic("forever"), 0, "in forever");
    sx_embedded_tend(embedded_of(f.log), now_ms + 50000);
    CU_ASSERT_EQUAL(low_of("brief"), 0);
    CU_ASSERT(bytes_left("in brief"));
    sx_embedded_tend(embedded_of(f.log), now_ms + 200000);
    CU_ASSERT_EQUAL(low_of("brief"), 1);
    CU_ASSERT(!bytes_left("in brief"));
    CU_ASSERT_EQUAL(low_of("kept"), 0);
    CU_ASSERT_EQUAL(low_of("forever"), 0);
    commit_one(open_topic("brief"), 0, "next");
    SX_ASSERT_TEXT(test_values(f.log, "brief", 0, 1, 1), "next ");
    finish();
}

/* Purges that come with every commit are out of sight at once and off the disk by and by. */
static void purged_bytes_leave_the_disk(void)
{
    struct sx_partition_offset before = {"t", 0, 0, NULL};
    struct sx_topic *topic;
    char value[16];

    begin();
    embedded_topic(&f, "t", 1);
    topic = open_topic("t");
    for (int i = 0; i < 20000; i++) {
        snprintf(value, sizeof(value), "v%d.", i);
        test_write(writer, topic, 0, NULL, value);
        if (i % 100 != 99)
            continue;
        test_commit(writer);
        before.offset = i + 1 - 50;
        TEST_OK(f.def->purge(f.log, &before, 1, &test_error));
    }
    CU_ASSERT_EQUAL(low_of("t"), 19950);
    CU_ASSERT(!bytes_left("v5."));
    CU_ASSERT(!bytes_left("v16000."));
    CU_ASSERT(bytes_left("v19999."));
    before.offset = 20001;
    CU_ASSERT_EQUAL(f.def->purge(f.log, &before, 1, NULL), STREAMD_E_NOTFOUND);
    TEST_OK(f.def->remove(f.log, "t", &test_error));
    CU_ASSERT(!bytes_left("v"));
    finish();
}

/* Whatever stands in a block's place is refused, never read past its end. */
static void damaged_blocks_are_refused(void)
{
    struct sx_reader *reader;
    struct sx_unit *unit;
    struct sx_buffer whole = {0};
    struct sx_slice key, value;
    struct sx_cursor *cursor;
    struct sx_fetch fetch;
    char copy[SX_BLOCK_KEY];

    begin();
    embedded_topic(&f, "t", 1);
    commit_one(open_topic("t"), 0, "some value");
    cursor = sx_cursor_open(f.disk, SX_FAMILY_LOG, SX_SLICE_NONE, SX_SLICE_NONE);
    CU_ASSERT_FATAL(sx_cursor_next(cursor, &key, &value));
    memcpy(copy, key.data, sizeof(copy));
    sx_buffer_add_slice(&whole, value);
    sx_cursor_close(cursor);
    unit = sx_unit_new(f.disk);
    TEST_OK(f.def->reader_open(f.log, SX_READ_INPUT, "t", 0, 0, NULL, &reader, &test_error));
    for (size_t size = 0; size < whole.size; size++) { /* cut off at every byte */
        sx_unit_put(unit, SX_FAMILY_LOG, sx_slice(copy, sizeof(copy)), sx_slice(whole.data, size));
        TEST_OK(sx_unit_write(unit, false, &test_error));
        CU_ASSERT_EQUAL(f.def->fetch(reader, 10, &fetch, NULL), STREAMD_E_CORRUPT);
    }
    whole.data[0] = 99; /* a version that we do not know */
    sx_unit_put(unit, SX_FAMILY_LOG, sx_slice(copy, sizeof(copy)), sx_buffer_slice(&whole));
    TEST_OK(sx_unit_write(unit, false, &test_error));
    CU_ASSERT_EQUAL(f.def->fetch(reader, 10, &fetch, NULL), STREAMD_E_CORRUPT);
    whole.data[0] = 1;
    whole.data[4] = 2; /* more records than offsets */
    sx_unit_put(unit, SX_FAMILY_LOG, sx_slice(copy, sizeof(copy)), sx_buffer_slice(&whole));
    TEST_OK(sx_unit_write(unit, false, &test_error));
    CU_ASSERT_EQUAL(f.def->fetch(reader, 10, &fetch, NULL), STREAMD_E_CORRUPT);
    whole.data[4] = 1;
    sx_unit_put(unit, SX_FAMILY_LOG, sx_slice(copy, sizeof(copy)), sx_buffer_slice(&whole));
    TEST_OK(sx_unit_write(unit, false, &test_error));
    TEST_OK(f.def->fetch(reader, 10, &fetch, &test_error));
    CU_ASSERT_FATAL(fetch.count == 1);
    SX_ASSERT_BYTES(fetch.records[0].value, "some value");
    f.def->release(reader, &fetch);
    f.def->reader_close(reader);
    sx_unit_free(unit);
    sx_buffer_free(&whole);
    finish();
}

/* The bytes of version 1, which stay readable. */
static void a_block_has_these_bytes(void)
{
    static const struct sx_header header = {{"h", 1}, {NULL, 0}};
    struct sx_record record = {.key = {"k", 1}, .timestamp = 258, .headers = &header, .header_count = 1};
    struct sx_buffer block = {0};
    char key[SX_BLOCK_KEY];

    sx_block_begin(&block);
    sx_block_add(&block, &record);
    sx_block_end(block.data, 1, 513);
    SX_ASSERT_HEX(sx_buffer_slice(&block), "01 00000001 0000000000000201"
                                           "0000000000000102 02 6b 00 01 01 68 00");
    sx_block_key(key, 1, 2, 3);
    SX_ASSERT_HEX(sx_slice(key, sizeof(key)), "00000001 00000002 0000000000000003");
    sx_buffer_free(&block);
}

void suite_embedded(void);
void suite_embedded(void)
{
    static struct contract_subject subject = {
        .suite = "contract of the embedded log", .open = contract_open, .close = contract_close};
    SX_SUITE("embedded");

    SX_TEST(all_is_there_after_a_restart);
    SX_TEST(names_and_partitions_are_checked);
    SX_TEST(blocks_do_not_show);
    SX_TEST(the_unit_is_written_with_the_records);
    SX_TEST(retention_deletes_what_is_older);
    SX_TEST(purged_bytes_leave_the_disk);
    SX_TEST(damaged_blocks_are_refused);
    SX_TEST(a_block_has_these_bytes);
    subject.def = sx_log_find("embedded");
    suite_contract(&subject);
}
