/* kafka_error.c: librdkafka's errors as our statuses, retriable and fatal kept. */
#include "engine/log/kafka.h"

#include <stdarg.h>
#include <time.h>

enum sx_kafka_kind sx_kafka_kind(rd_kafka_resp_err_t err)
{
    switch (err) {
    case RD_KAFKA_RESP_ERR__TIMED_OUT:
    case RD_KAFKA_RESP_ERR__TIMED_OUT_QUEUE:
    case RD_KAFKA_RESP_ERR__MSG_TIMED_OUT:
    case RD_KAFKA_RESP_ERR__QUEUE_FULL:
    case RD_KAFKA_RESP_ERR_REQUEST_TIMED_OUT:
        return SX_KAFKA_TIMEOUT;

    case RD_KAFKA_RESP_ERR__TRANSPORT:
    case RD_KAFKA_RESP_ERR__RESOLVE:
    case RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN:
    case RD_KAFKA_RESP_ERR__WAIT_COORD:
    case RD_KAFKA_RESP_ERR__WAIT_CACHE:
    case RD_KAFKA_RESP_ERR__IN_PROGRESS:
    case RD_KAFKA_RESP_ERR__PREV_IN_PROGRESS:
    case RD_KAFKA_RESP_ERR__RETRY:
    case RD_KAFKA_RESP_ERR__PURGE_QUEUE:
    case RD_KAFKA_RESP_ERR__PURGE_INFLIGHT:
    case RD_KAFKA_RESP_ERR__STATE:
    case RD_KAFKA_RESP_ERR__OUTDATED:
    case RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE:
    case RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION:
    case RD_KAFKA_RESP_ERR_BROKER_NOT_AVAILABLE:
    case RD_KAFKA_RESP_ERR_REPLICA_NOT_AVAILABLE:
    case RD_KAFKA_RESP_ERR_NETWORK_EXCEPTION:
    case RD_KAFKA_RESP_ERR_COORDINATOR_LOAD_IN_PROGRESS:
    case RD_KAFKA_RESP_ERR_COORDINATOR_NOT_AVAILABLE:
    case RD_KAFKA_RESP_ERR_NOT_COORDINATOR:
    case RD_KAFKA_RESP_ERR_NOT_CONTROLLER:
    case RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS:
    case RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS_AFTER_APPEND:
    case RD_KAFKA_RESP_ERR_REBALANCE_IN_PROGRESS:
    case RD_KAFKA_RESP_ERR_CONCURRENT_TRANSACTIONS:
    case RD_KAFKA_RESP_ERR_UNSTABLE_OFFSET_COMMIT:
    case RD_KAFKA_RESP_ERR_OFFSET_NOT_AVAILABLE:
    case RD_KAFKA_RESP_ERR_FENCED_LEADER_EPOCH:
    case RD_KAFKA_RESP_ERR_UNKNOWN_LEADER_EPOCH:
    case RD_KAFKA_RESP_ERR_KAFKA_STORAGE_ERROR:
    case RD_KAFKA_RESP_ERR_PREFERRED_LEADER_NOT_AVAILABLE:
    case RD_KAFKA_RESP_ERR_GROUP_SUBSCRIBED_TO_TOPIC:
    case RD_KAFKA_RESP_ERR_THROTTLING_QUOTA_EXCEEDED:
        return SX_KAFKA_TRANSIENT;

    case RD_KAFKA_RESP_ERR__FENCED:
    case RD_KAFKA_RESP_ERR_PRODUCER_FENCED:
    case RD_KAFKA_RESP_ERR_INVALID_PRODUCER_EPOCH:
    case RD_KAFKA_RESP_ERR_INVALID_PRODUCER_ID_MAPPING:
    case RD_KAFKA_RESP_ERR_ILLEGAL_GENERATION:
    case RD_KAFKA_RESP_ERR_UNKNOWN_MEMBER_ID:
    case RD_KAFKA_RESP_ERR_FENCED_INSTANCE_ID:
    case RD_KAFKA_RESP_ERR__ASSIGNMENT_LOST:
    case RD_KAFKA_RESP_ERR_OUT_OF_ORDER_SEQUENCE_NUMBER:
    case RD_KAFKA_RESP_ERR_UNKNOWN_PRODUCER_ID:
    case RD_KAFKA_RESP_ERR_INVALID_TXN_STATE:
        return SX_KAFKA_FENCED;

    case RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC:
    case RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION:
    case RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET:
    case RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART:
    case RD_KAFKA_RESP_ERR_OFFSET_OUT_OF_RANGE:
        return SX_KAFKA_MISSING;

    case RD_KAFKA_RESP_ERR__AUTHENTICATION:
    case RD_KAFKA_RESP_ERR__FATAL:
    case RD_KAFKA_RESP_ERR__SSL:
    case RD_KAFKA_RESP_ERR__UNSUPPORTED_FEATURE:
    case RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED:
    case RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED:
    case RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED:
    case RD_KAFKA_RESP_ERR_TRANSACTIONAL_ID_AUTHORIZATION_FAILED:
    case RD_KAFKA_RESP_ERR_SASL_AUTHENTICATION_FAILED:
    case RD_KAFKA_RESP_ERR_SECURITY_DISABLED:
    case RD_KAFKA_RESP_ERR_UNSUPPORTED_VERSION:
    case RD_KAFKA_RESP_ERR_UNSUPPORTED_FOR_MESSAGE_FORMAT:
    case RD_KAFKA_RESP_ERR_TOPIC_EXCEPTION:
    case RD_KAFKA_RESP_ERR_INVALID_RECORD:
    case RD_KAFKA_RESP_ERR_INVALID_TIMESTAMP:
    case RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE:
    case RD_KAFKA_RESP_ERR_RECORD_LIST_TOO_LARGE:
    case RD_KAFKA_RESP_ERR_OFFSET_METADATA_TOO_LARGE:
    case RD_KAFKA_RESP_ERR_INVALID_TRANSACTION_TIMEOUT:
    case RD_KAFKA_RESP_ERR_POLICY_VIOLATION:
    case RD_KAFKA_RESP_ERR_INVALID_CONFIG:
    case RD_KAFKA_RESP_ERR_INVALID_PARTITIONS:
    case RD_KAFKA_RESP_ERR_INVALID_REPLICATION_FACTOR:
        return SX_KAFKA_FATAL;

    default:
        return SX_KAFKA_OTHER;
    }
}

/* What the reader of the error can do about it; "": that is not known. */
static void advise(rd_kafka_resp_err_t err, const char *right, char *text, size_t size)
{
    const char *on = NULL;

    *text = '\0';
    switch (err) {
    case RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED:
        on = "topic";
        break;
    case RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED:
        on = "group";
        break;
    case RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED:
        on = "cluster";
        break;
    case RD_KAFKA_RESP_ERR_TRANSACTIONAL_ID_AUTHORIZATION_FAILED:
        on = "transactional id";
        break;
    case RD_KAFKA_RESP_ERR__AUTHENTICATION:
    case RD_KAFKA_RESP_ERR_SASL_AUTHENTICATION_FAILED:
        snprintf(text, size, "; look at kafka.sasl.mechanism, .username and .password");
        break;
    case RD_KAFKA_RESP_ERR__SSL:
        snprintf(text, size,
                 "; is the broker's certificate signed by what kafka.ssl.ca.location holds, "
                 "and made out to the name under which the broker is asked?");
        break;
    default:
        break;
    }
    if (on != NULL && right != NULL)
        snprintf(text, size, "; %s on the %s is not allowed: `streamd acls FILE` shows the rights needed",
                 right, on);
    else if (on != NULL)
        snprintf(text, size, "; `streamd acls FILE` shows the rights needed");
}

static streamd_status fail(streamd_error **error, rd_kafka_resp_err_t err, const char *reason,
                           const char *right, bool retriable, const char *what)
{
    char advice[256];
    int length;

    if ((reason == NULL || *reason == '\0') &&
        (err == RD_KAFKA_RESP_ERR__TRANSPORT || err == RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN))
        reason = "no broker could be reached";
    if (reason == NULL || *reason == '\0')
        reason = rd_kafka_err2str(err);
    advise(err, right, advice, sizeof(advice));
    switch (sx_kafka_kind(err)) {
    case SX_KAFKA_TRANSIENT:
        return sx_fail_retriable(error, STREAMD_E_LOG, "%s: %s", what, reason);
    case SX_KAFKA_TIMEOUT:
        return sx_fail_retriable(error, STREAMD_E_TIMEOUT, "%s: %s", what, reason);
    case SX_KAFKA_FENCED:
        return sx_fail(error, STREAMD_E_FENCED, "%s: %s", what, reason);
    case SX_KAFKA_MISSING:
        return sx_fail(error, STREAMD_E_NOTFOUND, "%s: %s", what, reason);
    case SX_KAFKA_FATAL:
        length = (int)strlen(reason);
        length -= *advice != '\0' && length > 0 && reason[length - 1] == '.';
        return sx_fail_fatal(error, STREAMD_E_LOG, "%s: %.*s%s", what, length, reason, advice);
    case SX_KAFKA_OTHER:
        break;
    }
    if (retriable)
        return sx_fail_retriable(error, STREAMD_E_LOG, "%s: %s", what, reason);
    return sx_fail(error, STREAMD_E_LOG, "%s: %s", what, reason);
}

streamd_status sx_kafka_fail(streamd_error **error, rd_kafka_resp_err_t err, const char *reason,
                             const char *right, const char *format, ...)
{
    char what[512];
    va_list args;

    va_start(args, format);
    vsnprintf(what, sizeof(what), format, args);
    va_end(args);
    return fail(error, err, reason, right, false, what);
}

streamd_status sx_kafka_fail_with(streamd_error **error, rd_kafka_error_t *from, const char *right,
                                  const char *format, ...)
{
    streamd_status status;
    char what[512];
    va_list args;

    va_start(args, format);
    vsnprintf(what, sizeof(what), format, args);
    va_end(args);
    /* An error that only asks for an abort is over once the transaction is. */
    status = fail(error, rd_kafka_error_code(from), rd_kafka_error_string(from), right,
                  rd_kafka_error_is_retriable(from) || rd_kafka_error_txn_requires_abort(from), what);
    rd_kafka_error_destroy(from);
    return status;
}

/* A connection that ends within a handshake, as when a broker stops: librdkafka takes it for an error of TLS
 * or of who we are, but it comes and goes. */
static bool is_lost_handshake(rd_kafka_resp_err_t err, const char *reason)
{
    if (err == RD_KAFKA_RESP_ERR__AUTHENTICATION)
        return strstr(reason, rd_kafka_err2str(RD_KAFKA_RESP_ERR__TRANSPORT)) != NULL ||
               strstr(reason, rd_kafka_err2str(RD_KAFKA_RESP_ERR__TIMED_OUT)) != NULL;
    return err == RD_KAFKA_RESP_ERR__SSL && strstr(reason, "certificate") == NULL;
}

void sx_kafka_report(struct sx_kafka *kafka, rd_kafka_resp_err_t err, const char *reason)
{
    bool fatal = sx_kafka_kind(err) == SX_KAFKA_FATAL && !is_lost_handshake(err, reason);

    if (err == RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN)
        return;
    pthread_mutex_lock(&kafka->lock);
    snprintf(kafka->last_reason, sizeof(kafka->last_reason), "%s", reason);
    if (fatal && atomic_load(&kafka->fatal) == RD_KAFKA_RESP_ERR_NO_ERROR) {
        snprintf(kafka->fatal_reason, sizeof(kafka->fatal_reason), "%s", reason);
        atomic_store(&kafka->fatal, (int)err);
    }
    pthread_mutex_unlock(&kafka->lock);
}

streamd_status sx_kafka_background(struct sx_kafka *kafka, streamd_error **error)
{
    rd_kafka_resp_err_t err = (rd_kafka_resp_err_t)atomic_load(&kafka->fatal);

    if (SX_LIKELY(err == RD_KAFKA_RESP_ERR_NO_ERROR))
        return STREAMD_OK;
    return sx_kafka_fail(error, err, kafka->fatal_reason, NULL, "Kafka at %s", kafka->bootstrap);
}

int64_t sx_kafka_now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

void sx_kafka_sleep_ms(int ms)
{
    struct timespec time = {ms / 1000, (long)(ms % 1000) * 1000000};

    nanosleep(&time, NULL);
}
