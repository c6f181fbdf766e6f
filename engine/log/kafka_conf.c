/* kafka_conf.c: the settings of each client: ours, then the user's `kafka.*`, then those that the
 * guarantees rest on and that nobody may change. */
#include "engine/log/kafka.h"

#include <stdarg.h>
#include <stdlib.h>
#include <strings.h>

/* Of a partition, per fetch. What was fetched should still be in the core's cache when it is read: with 1 MiB
 * a filter took a fifth more CPU than with this. */
#define FETCH_BYTES_MOST ((size_t)256 << 10)

/* The first that repeats the broker's nonce in SCRAM as Kafka 4 insists. */
#define SCRAM_VERSION 0x020601ff

/* Settings that are ours to make, and what to use instead. */
static const struct {
    const char *name, *why;
} reserved[] = {
#define SX_RESERVED(name, why) {name, why},
#include "engine/log/kafka_reserved.def"
#undef SX_RESERVED
};

static bool is_secret(const char *name)
{
    return strstr(name, "password") != NULL || strstr(name, "secret") != NULL ||
           strstr(name, "token") != NULL || strstr(name, "key") != NULL || strstr(name, "pem") != NULL ||
           strstr(name, "oauthbearer") != NULL || strcmp(name, "sasl.username") == 0;
}

streamd_status sx_kafka_check_settings(struct sx_kafka *kafka, streamd_error **error)
{
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    streamd_error *all = NULL;
    streamd_status status = STREAMD_OK;
    bool secrets = false, encrypted = false, scram = false;
    char reason[512];

    for (uint32_t i = 0; i < kafka->setting_count; i++) {
        const char *name = kafka->settings[i].name, *value = kafka->settings[i].value;
        const char *why = NULL;
        streamd_error *one = NULL;

        for (size_t k = 0; k < SX_COUNT(reserved); k++)
            if (strcmp(name, reserved[k].name) == 0)
                why = reserved[k].why;
        if (why != NULL)
            status = sx_fail(&one, STREAMD_E_CONFIG, "kafka.%s cannot be set: %s", name, why);
        else if (rd_kafka_conf_set(conf, name, value, reason, sizeof(reason)) != RD_KAFKA_CONF_OK)
            status = sx_fail(&one, STREAMD_E_CONFIG, "kafka.%s: %s", name,
                             is_secret(name) ? "the value is not valid" : reason);
        if (one != NULL)
            sx_error_append(&all, one);
        scram = scram || (strncmp(name, "sasl.mechanism", 14) == 0 && strncasecmp(value, "SCRAM", 5) == 0);
        secrets = secrets || strncmp(name, "sasl.", 5) == 0;
        encrypted = encrypted || (strcmp(name, "security.protocol") == 0 &&
                                  (strcasecmp(value, "ssl") == 0 || strcasecmp(value, "sasl_ssl") == 0));
    }
    rd_kafka_conf_destroy(conf);
    if (secrets && !encrypted)
        sx_log(kafka->logger, SX_WARN, "secrets travel to Kafka without TLS", "set",
               "kafka.security.protocol=sasl_ssl", NULL);
    if (scram && rd_kafka_version() < SCRAM_VERSION)
        sx_log(kafka->logger, SX_WARN, "this librdkafka cannot log in with SCRAM at Kafka 4", "version",
               rd_kafka_version_str(), "instead", "librdkafka 2.6.1, or PLAIN over TLS", NULL);
    if (error != NULL)
        *error = all;
    else
        streamd_error_free(all);
    return status;
}

/* That a transaction may not write to a topic is an error that does not name the topic. Its log line does,
 * between the first two quotation marks. */
static void report_refused_topic(struct sx_kafka *kafka, const char *text)
{
    const char *name = strchr(text, '"'), *end = name != NULL ? strchr(name + 1, '"') : NULL;
    char reason[384];

    if (end == NULL || strstr(end, rd_kafka_err2str(RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED)) == NULL)
        return;
    snprintf(reason, sizeof(reason), "Write on the topic %.*s is not allowed", (int)(end - name - 1),
             name + 1);
    sx_kafka_report(kafka, RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED, reason);
}

static void on_log(const rd_kafka_t *client, int level, const char *facility, const char *text)
{
    struct sx_kafka *kafka = rd_kafka_opaque(client);
    enum sx_level ours = level <= 3 ? SX_ERROR : level == 4 ? SX_WARN : level == 5 ? SX_INFO : SX_DEBUG;

    /* A client is told all of the user's settings, also those of the other clients. */
    if (strcmp(facility, "CONFWARN") == 0)
        ours = SX_DEBUG;
    if (strcmp(facility, "ADDPARTS") == 0)
        report_refused_topic(kafka, text);
    sx_log(kafka->logger, ours, "librdkafka", "client", rd_kafka_name(client), "facility", facility, "text",
           text, NULL);
}

static void on_error(rd_kafka_t *client, int code, const char *reason, void *opaque)
{
    struct sx_kafka *kafka = opaque;
    rd_kafka_resp_err_t err = (rd_kafka_resp_err_t)code;
    char text[512];

    if (err == RD_KAFKA_RESP_ERR__FATAL) {
        /* Writers and the group look at their client's fatal error themselves. */
        err = rd_kafka_fatal_error(client, text, sizeof(text));
        sx_log(kafka->logger, SX_ERROR, "Kafka client failed", "client", rd_kafka_name(client), "reason",
               text, NULL);
        return;
    }
    sx_kafka_report(kafka, err, reason);
    sx_log(kafka->logger, SX_WARN, "Kafka error", "client", rd_kafka_name(client), "error",
           rd_kafka_err2name(err), "reason", reason, NULL);
}

/* Our own settings are known to be good, so that one is refused means another librdkafka. */
static bool set(rd_kafka_conf_t *conf, char *reason, size_t size, const char *name, const char *format, ...)
    SX_PRINTF(5, 6);
static bool set(rd_kafka_conf_t *conf, char *reason, size_t size, const char *name, const char *format, ...)
{
    char value[1024];
    va_list args;
    int length;

    va_start(args, format);
    length = vsnprintf(value, sizeof(value), format, args);
    va_end(args);
    if (length < 0 || (size_t)length >= sizeof(value)) {
        snprintf(reason, size, "the value of %s is too long", name);
        return false;
    }
    return rd_kafka_conf_set(conf, name, value, reason, size) == RD_KAFKA_CONF_OK;
}

static bool is_producer(enum sx_kafka_role role)
{
    return role == SX_KAFKA_WRITE || role == SX_KAFKA_RESULTS;
}

#define SET(...) (good = good && set(conf, reason, size, __VA_ARGS__))

/* What the user may change. */
static bool set_defaults(struct sx_kafka *kafka, enum sx_kafka_role role, rd_kafka_conf_t *conf, char *reason,
                         size_t size)
{
    size_t writer_bytes = kafka->memory_bytes / 4 / kafka->writer_count;
    bool good = true;

    SET("socket.nagle.disable", "true");
    SET("socket.keepalive.enable", "true");
    SET("reconnect.backoff.max.ms", "5000");
    switch (role) {
    case SX_KAFKA_GROUP:
        SET("session.timeout.ms", "10000");
        SET("heartbeat.interval.ms", "3000");
        break;
    case SX_KAFKA_READ:
        SET("check.crcs", "true"); /* state is rebuilt from what is read */
        SET("queued.min.messages", "%u", kafka->queue_messages);
        SET("queued.max.messages.kbytes", "%zu", kafka->queue_bytes / 1024);
        SET("fetch.message.max.bytes", "%zu", SX_MIN(kafka->queue_bytes / 2, FETCH_BYTES_MOST));
        /* A partition that starts, or that has room again, waits for the request under way. */
        SET("fetch.wait.max.ms", "100");
        SET("fetch.error.backoff.ms", "100");
        break;
    case SX_KAFKA_WRITE:
    case SX_KAFKA_RESULTS:
        if (kafka->transactional && kafka->guarantee == SX_AT_LEAST_ONCE)
            writer_bytes /= 2; /* there are two of them */
        writer_bytes = SX_MIN(SX_MAX(writer_bytes, (size_t)1 << 20), (size_t)1 << 30);
        SET("queue.buffering.max.kbytes", "%zu", writer_bytes / 1024);
        SET("queue.buffering.max.messages", "%zu", SX_MAX(writer_bytes / 256, (size_t)1000));
        SET("message.max.bytes", "%d", SX_KAFKA_RECORD_BYTES_MAX);
        SET("linger.ms", "5");
        SET("batch.num.messages", "10000");
        SET("batch.size", "1000000");
        if (kafka->transactional && role == SX_KAFKA_WRITE)
            SET("transaction.timeout.ms", "%d", SX_KAFKA_TRANSACTION_MS);
        break;
    case SX_KAFKA_ADMIN:
        break;
    }
    return good;
}

/* What nobody may change. */
static bool set_guarantees(struct sx_kafka *kafka, enum sx_kafka_role role, uint32_t number,
                           rd_kafka_conf_t *conf, char *reason, size_t size)
{
    bool good = true;

    SET("bootstrap.servers", "%s", kafka->bootstrap);
    SET("client.id", "%s", kafka->client_id);
    if (is_producer(role)) {
        SET("enable.idempotence", "true");
        if (kafka->transactional && role == SX_KAFKA_WRITE)
            SET("transactional.id", "%s-%s-%u", kafka->application, kafka->id, number);
        return good;
    }
    /* Also those outside of the group carry its name: offsets are asked for by it, and no other
     * group's name needs a right. */
    SET("group.id", "%s", kafka->application);
    SET("enable.auto.commit", "false");
    SET("enable.auto.offset.store", "false");
    SET("auto.offset.reset", "error");
    SET("allow.auto.create.topics", "false");
    SET("isolation.level", "%s", role == SX_KAFKA_ADMIN ? "read_uncommitted" : "read_committed");
    if (role == SX_KAFKA_READ)
        SET("enable.partition.eof", "true");
    if (role == SX_KAFKA_GROUP) {
        SET("partition.assignment.strategy", "cooperative-sticky");
        if (kafka->instance != NULL)
            SET("group.instance.id", "%s", kafka->instance);
    }
    return good;
}

streamd_status sx_kafka_client(struct sx_kafka *kafka, enum sx_kafka_role role, uint32_t number,
                               void (*extra)(rd_kafka_conf_t *conf, void *opaque), void *opaque,
                               rd_kafka_t **client, streamd_error **error)
{
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    char reason[512] = "";
    bool good = set_defaults(kafka, role, conf, reason, sizeof(reason));

    for (uint32_t i = 0; good && i < kafka->setting_count; i++)
        good = set(conf, reason, sizeof(reason), kafka->settings[i].name, "%s", kafka->settings[i].value);
    good = good && set_guarantees(kafka, role, number, conf, reason, sizeof(reason));
    if (!good) {
        rd_kafka_conf_destroy(conf);
        return sx_fail(error, STREAMD_E_CONFIG, "Kafka: %s", reason);
    }
    rd_kafka_conf_set_opaque(conf, kafka);
    rd_kafka_conf_set_log_cb(conf, on_log);
    rd_kafka_conf_set_error_cb(conf, on_error);
    if (extra != NULL)
        extra(conf, opaque);
    *client =
        rd_kafka_new(is_producer(role) ? RD_KAFKA_PRODUCER : RD_KAFKA_CONSUMER, conf, reason, sizeof(reason));
    if (*client == NULL) {
        rd_kafka_conf_destroy(conf);
        return sx_fail(error, STREAMD_E_CONFIG, "Kafka: %s", reason);
    }
    if (!is_producer(role))
        rd_kafka_poll_set_consumer(*client);
    return STREAMD_OK;
}
