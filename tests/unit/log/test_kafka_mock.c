/* test_kafka_mock.c: the Kafka log against librdkafka's mock broker, which answers with the errors
 * that it is told to. */
#include "tests/unit/log/kafka_fixture.h"

#include <unistd.h>
#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>

void suite_kafka_mock(void);

static const struct sx_log_def *const kafka = &sx_log_kafka;

/* Requests by their number in the protocol. */
enum { PRODUCE = 0, FETCH = 1, LIST_OFFSETS = 2, OFFSET_COMMIT = 8, TXN_OFFSET_COMMIT = 28, END_TXN = 26 };

struct mock {
    rd_kafka_t *host;
    rd_kafka_mock_cluster_t *cluster;
    struct fixture f;
    struct sx_writer *writer;
    struct sx_topic *topic;
};

static void mock_open(struct mock *mock, enum sx_guarantee guarantee, const struct sx_log_setting *settings,
                      uint32_t count)
{
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    char reason[256];

    memset(mock, 0, sizeof(*mock));
    rd_kafka_conf_set(conf, "log_level", "0", reason, sizeof(reason));
    mock->host = rd_kafka_new(RD_KAFKA_PRODUCER, conf, reason, sizeof(reason));
    mock->cluster = rd_kafka_mock_cluster_new(mock->host, 1);
    rd_kafka_mock_topic_create(mock->cluster, "in", 1, 1);
    rd_kafka_mock_topic_create(mock->cluster, "out", 1, 1);
    CU_ASSERT_FATAL(
        fixture_open(&mock->f, rd_kafka_mock_cluster_bootstraps(mock->cluster), NULL, "a", guarantee));
    mock->f.options.settings = settings;
    mock->f.options.setting_count = count;
    CU_ASSERT_FATAL(fixture_reopen(&mock->f));
    FINE(kafka->writer_open(mock->f.log, 0, NULL, &mock->writer, FINE_ERROR));
    FINE(kafka->topic_open(mock->writer, "out", &mock->topic, FINE_ERROR));
}

static void mock_close(struct mock *mock)
{
    kafka->writer_close(mock->writer);
    fixture_close(&mock->f);
    rd_kafka_mock_cluster_destroy(mock->cluster);
    rd_kafka_destroy(mock->host);
}

static streamd_status write_and_commit(struct mock *mock, int64_t offset, streamd_error **error)
{
    struct sx_partition_offset at = {"in", 0, offset, NULL};
    struct sx_record record = fixture_record("k", "v", 1);

    CU_ASSERT(fixture_write(mock->writer, mock->topic, 0, &record));
    return kafka->commit(mock->writer, &at, 1, NULL, NULL, NULL, error);
}

/* The mock keeps what at-least-once commits, not what a transaction does. */
static int64_t committed(struct mock *mock)
{
    struct sx_partition_offset at = {"in", 0, 0, NULL};

    FINE(kafka->committed(mock->f.log, &at, 1, true, FINE_ERROR));
    return at.offset;
}

static void a_commit_waits_for_a_coordinator_that_moves(void)
{
    struct mock mock;

    mock_open(&mock, SX_EXACTLY_ONCE, NULL, 0);
    rd_kafka_mock_push_request_errors(mock.cluster, END_TXN, 2, RD_KAFKA_RESP_ERR_NOT_COORDINATOR,
                                      RD_KAFKA_RESP_ERR_COORDINATOR_LOAD_IN_PROGRESS);
    rd_kafka_mock_push_request_errors(mock.cluster, TXN_OFFSET_COMMIT, 1,
                                      RD_KAFKA_RESP_ERR_COORDINATOR_NOT_AVAILABLE);
    FINE(write_and_commit(&mock, 7, FINE_ERROR));
    mock_close(&mock);
}

/* The commit fails thus; after an abort the next one succeeds. */
static void fails_then_recovers(struct mock *mock, streamd_status expected, bool retriable, bool fatal)
{
    streamd_error *error = NULL;

    CU_ASSERT_EQUAL(write_and_commit(mock, 7, &error), expected);
    CU_ASSERT_PTR_NOT_NULL_FATAL(error);
    CU_ASSERT_EQUAL(streamd_error_is_retriable(error), retriable);
    CU_ASSERT_EQUAL(streamd_error_is_fatal(error), fatal);
    streamd_error_free(error);
    FINE(kafka->abort(mock->writer, FINE_ERROR));
    FINE(write_and_commit(mock, 8, FINE_ERROR));
}

static void a_fenced_commit_says_so(void)
{
    static const rd_kafka_resp_err_t errors[] = {RD_KAFKA_RESP_ERR_PRODUCER_FENCED,
                                                 RD_KAFKA_RESP_ERR_INVALID_PRODUCER_EPOCH};
    for (size_t i = 0; i < SX_COUNT(errors); i++) {
        struct mock mock;
        mock_open(&mock, SX_EXACTLY_ONCE, NULL, 0);
        rd_kafka_mock_push_request_errors(mock.cluster, END_TXN, 1, errors[i]);
        fails_then_recovers(&mock, STREAMD_E_FENCED, false, false);
        mock_close(&mock);
    }
}

static void a_member_that_lost_its_place_is_fenced(void)
{
    static const rd_kafka_resp_err_t errors[] = {RD_KAFKA_RESP_ERR_ILLEGAL_GENERATION,
                                                 RD_KAFKA_RESP_ERR_UNKNOWN_MEMBER_ID,
                                                 RD_KAFKA_RESP_ERR_FENCED_INSTANCE_ID};
    for (size_t i = 0; i < SX_COUNT(errors); i++) {
        struct mock mock;
        mock_open(&mock, SX_EXACTLY_ONCE, NULL, 0);
        rd_kafka_mock_push_request_errors(mock.cluster, TXN_OFFSET_COMMIT, 1, errors[i]);
        fails_then_recovers(&mock, STREAMD_E_FENCED, false, false);
        mock_close(&mock);
    }
}

static void at_least_once_offsets_are_fenced_too(void)
{
    struct mock mock;

    mock_open(&mock, SX_AT_LEAST_ONCE, NULL, 0);
    rd_kafka_mock_push_request_errors(mock.cluster, OFFSET_COMMIT, 1, RD_KAFKA_RESP_ERR_UNKNOWN_MEMBER_ID);
    fails_then_recovers(&mock, STREAMD_E_FENCED, false, false);
    CU_ASSERT_EQUAL(committed(&mock), 8);
    /* While members are told their slots, the group wants it again. */
    rd_kafka_mock_push_request_errors(mock.cluster, OFFSET_COMMIT, 2, RD_KAFKA_RESP_ERR_REBALANCE_IN_PROGRESS,
                                      RD_KAFKA_RESP_ERR_REBALANCE_IN_PROGRESS);
    FINE(write_and_commit(&mock, 9, FINE_ERROR));
    CU_ASSERT_EQUAL(committed(&mock), 9);
    mock_close(&mock);
}

static void an_answer_that_is_late_is_waited_for(void)
{
    struct mock mock;

    mock_open(&mock, SX_EXACTLY_ONCE, NULL, 0);
    rd_kafka_mock_broker_push_request_error_rtts(mock.cluster, 1, END_TXN, 1, RD_KAFKA_RESP_ERR_NO_ERROR,
                                                 2500);
    FINE(write_and_commit(&mock, 7, FINE_ERROR));
    mock_close(&mock);
}

static void a_commit_that_did_not_happen_is_retriable(void)
{
    static const struct sx_log_setting settings[] = {{"transaction.timeout.ms", "3000"}};
    struct mock mock;

    mock_open(&mock, SX_EXACTLY_ONCE, settings, 1);
    /* No answer to any try; and the group has no such offsets, so it did not happen. */
    for (int i = 0; i < 10; i++)
        rd_kafka_mock_broker_push_request_error_rtts(mock.cluster, 1, END_TXN, 1, RD_KAFKA_RESP_ERR_NO_ERROR,
                                                     60000);
    CU_ASSERT_EQUAL(write_and_commit(&mock, 7, NULL), STREAMD_E_TIMEOUT);
    FINE(kafka->abort(mock.writer, FINE_ERROR));
    mock_close(&mock);
}

/* Whether it is refused while the commit sends the offsets, or was before. */
static void refuse_a_record(useconds_t wait_us)
{
    struct sx_partition_offset at = {"in", 0, 7, NULL};
    struct sx_record record = fixture_record("k", "v", 1);
    streamd_error *error = NULL;
    struct mock mock;

    mock_open(&mock, SX_EXACTLY_ONCE, NULL, 0);
    rd_kafka_mock_push_request_errors(mock.cluster, PRODUCE, 1, RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED);
    CU_ASSERT(fixture_write(mock.writer, mock.topic, 0, &record));
    usleep(wait_us);
    CU_ASSERT_EQUAL(kafka->commit(mock.writer, &at, 1, NULL, NULL, NULL, &error), STREAMD_E_LOG);
    CU_ASSERT(error != NULL && streamd_error_is_fatal(error));
    CU_ASSERT(error != NULL && strstr(streamd_error_message(error), "out [0]") != NULL);
    streamd_error_free(error);
    mock_close(&mock);
}

static void a_record_that_was_refused_fails_the_commit(void)
{
    refuse_a_record(0);
    refuse_a_record(500000);
}

static void a_full_queue_asks_for_a_drain(void)
{
    static const struct sx_log_setting settings[] = {{"queue.buffering.max.messages", "10"}};
    struct sx_record record = fixture_record("k", "v", 1);
    streamd_status status = STREAMD_OK;
    streamd_error *error = NULL;
    struct mock mock;
    int written = 0;

    mock_open(&mock, SX_EXACTLY_ONCE, settings, 1);
    rd_kafka_mock_broker_set_rtt(mock.cluster, 1, 300);
    while (status == STREAMD_OK && written < 100) {
        status = kafka->write(mock.writer, mock.topic, 0, &record, &error);
        written += status == STREAMD_OK;
    }
    CU_ASSERT_EQUAL(written, 10);
    CU_ASSERT_EQUAL(status, STREAMD_E_TIMEOUT);
    CU_ASSERT(streamd_error_is_retriable(error));
    streamd_error_free(error);
    rd_kafka_mock_broker_set_rtt(mock.cluster, 1, 0);
    for (; written < 25; written++)
        CU_ASSERT(fixture_write(mock.writer, mock.topic, 0, &record));
    FINE(kafka->commit(mock.writer, NULL, 0, NULL, NULL, NULL, FINE_ERROR));
    CU_ASSERT_EQUAL(kafka->writer_offset(mock.writer, mock.topic, 0), 25);
    mock_close(&mock);
}

static void a_record_that_is_too_large_names_its_size(void)
{
    static const struct sx_log_setting settings[] = {{"message.max.bytes", "1000"}};
    static char large[2000];
    struct sx_record record = fixture_record("k", "", 1);
    streamd_error *error = NULL;
    struct mock mock;

    record.value = sx_slice(large, sizeof(large));
    mock_open(&mock, SX_EXACTLY_ONCE, settings, 1);
    CU_ASSERT_EQUAL(kafka->write(mock.writer, mock.topic, 0, &record, &error), STREAMD_E_ARGUMENT);
    CU_ASSERT_PTR_NOT_NULL_FATAL(error);
    CU_ASSERT_PTR_NOT_NULL(strstr(streamd_error_message(error), "2001"));
    CU_ASSERT_PTR_NOT_NULL(strstr(streamd_error_message(error), "1000"));
    streamd_error_free(error);
    FINE(write_and_commit(&mock, 1, FINE_ERROR));
    mock_close(&mock);
}

static void reading_survives_errors_that_pass(void)
{
    struct mock mock;

    mock_open(&mock, SX_AT_LEAST_ONCE, NULL, 0);
    for (int i = 0; i < 5; i++)
        FINE(write_and_commit(&mock, i, FINE_ERROR));
    rd_kafka_mock_push_request_errors(mock.cluster, FETCH, 3, RD_KAFKA_RESP_ERR__TRANSPORT,
                                      RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION,
                                      RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE);
    CU_ASSERT_EQUAL(fixture_read(&mock.f, "out", 0, 0, 5, NULL, NULL, NULL), 5);
    mock_close(&mock);
}

static void ends_are_asked_for_again_when_a_leader_moves(void)
{
    struct mock mock;
    int64_t low = -1, high = -1;

    mock_open(&mock, SX_AT_LEAST_ONCE, NULL, 0);
    for (int i = 0; i < 5; i++)
        FINE(write_and_commit(&mock, i, FINE_ERROR));
    rd_kafka_mock_push_request_errors(
        mock.cluster, LIST_OFFSETS, 6, RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION,
        RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION, RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION,
        RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION, RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION,
        RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION);
    FINE(kafka->watermarks(mock.f.log, "out", 0, true, &low, &high, FINE_ERROR));
    CU_ASSERT_EQUAL(low, 0);
    CU_ASSERT_EQUAL(high, 5);
    mock_close(&mock);
}

static void a_broker_that_is_away_is_retriable(void)
{
    struct mock mock;
    streamd_error *error = NULL;
    int32_t count = 0;

    mock_open(&mock, SX_AT_LEAST_ONCE, NULL, 0);
    rd_kafka_mock_broker_set_down(mock.cluster, 1);
    CU_ASSERT_NOT_EQUAL(kafka->partitions(mock.f.log, "in", &count, &error), STREAMD_OK);
    CU_ASSERT(error != NULL && streamd_error_is_retriable(error));
    streamd_error_free(error);
    rd_kafka_mock_broker_set_up(mock.cluster, 1);
    for (int i = 0; i < 5 && kafka->partitions(mock.f.log, "in", &count, NULL) != STREAMD_OK; i++)
        fixture_sleep_ms(200);
    CU_ASSERT_EQUAL(count, 1);
    mock_close(&mock);
}

static void wrong_settings_are_refused_all_at_once(void)
{
    static const struct sx_log_setting settings[] = {{"linger.ms", "7"},
                                                     {"liner.ms", "7"},
                                                     {"isolation.level", "read_uncommitted"},
                                                     {"batch.size", "enormous"},
                                                     {"ssl.key.password", "s3cr3t"}};
    struct sx_log_options options = {.bootstrap = "127.0.0.1:1",
                                     .application = "app",
                                     .writer_count = 1,
                                     .settings = settings,
                                     .setting_count = SX_COUNT(settings)};
    streamd_error *error = NULL;
    struct sx_log *log = NULL;
    const streamd_error *at;

    CU_ASSERT_EQUAL(kafka->open(&options, &log, &error), STREAMD_E_CONFIG);
    CU_ASSERT_PTR_NULL(log);
    at = error;
    CU_ASSERT(at != NULL && strstr(streamd_error_message(at), "kafka.liner.ms") != NULL);
    at = at != NULL ? streamd_error_next(at) : NULL;
    CU_ASSERT(at != NULL && strstr(streamd_error_message(at), "kafka.isolation.level") != NULL);
    at = at != NULL ? streamd_error_next(at) : NULL;
    CU_ASSERT(at != NULL && strstr(streamd_error_message(at), "kafka.batch.size") != NULL);
    CU_ASSERT(at != NULL && streamd_error_next(at) == NULL);
    streamd_error_free(error);
}

void suite_kafka_mock(void)
{
    SX_SUITE("kafka_mock");
    SX_TEST(wrong_settings_are_refused_all_at_once);
    SX_TEST(a_commit_waits_for_a_coordinator_that_moves);
    SX_TEST(a_fenced_commit_says_so);
    SX_TEST(a_member_that_lost_its_place_is_fenced);
    SX_TEST(at_least_once_offsets_are_fenced_too);
    SX_TEST(an_answer_that_is_late_is_waited_for);
    SX_TEST(a_commit_that_did_not_happen_is_retriable);
    SX_TEST(a_record_that_was_refused_fails_the_commit);
    SX_TEST(a_full_queue_asks_for_a_drain);
    SX_TEST(a_record_that_is_too_large_names_its_size);
    SX_TEST(reading_survives_errors_that_pass);
    SX_TEST(ends_are_asked_for_again_when_a_leader_moves);
    SX_TEST(a_broker_that_is_away_is_retriable);
}
