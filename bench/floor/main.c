/* The floor's program: two threads, each with its partitions' records in one queue and a producer
 * of its own; at least once: results are flushed before the offsets behind them are committed.
 *
 * The state of `count` is in memory alone: after a crash its open windows would be lost. A store
 * that survives is an engine's work, and this measures what is left without one. */
#include "floor.h"
#include "kafka.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>

#define THREADS 2
#define COMMIT_NS INT64_C(100000000)
#define BATCH 4096

struct thread {
    pthread_t id;
    rd_kafka_t *consumer;
    rd_kafka_queue_t *queue;
    const char *input;
    floor_work_fn *work;
    struct floor_worker worker;
};

static atomic_int stopping;

static void on_delivery(rd_kafka_t *client, const rd_kafka_message_t *message, void *opaque)
{
    if (message->err)
        bench_die("produce: %s", rd_kafka_err2str(message->err));
}

static rd_kafka_t *new_producer(const char *bootstrap)
{
    static const char *const settings[][2] = {
        {"enable.idempotence", "true"}, /* as Java's producer by default: order survives a retry */
        {"linger.ms", "100"},
        {"batch.num.messages", "100000"},
        {"batch.size", "1000000"},
        {"queue.buffering.max.messages", "1000000"},
        {"delivery.report.only.error", "true"},
    };
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    char error[512];

    if (rd_kafka_conf_set(conf, "bootstrap.servers", bootstrap, error, sizeof(error)))
        bench_die("%s", error);
    for (size_t i = 0; i < sizeof(settings) / sizeof(settings[0]); i++)
        if (rd_kafka_conf_set(conf, settings[i][0], settings[i][1], error, sizeof(error)))
            bench_die("%s", error);
    rd_kafka_conf_set_dr_msg_cb(conf, on_delivery);
    rd_kafka_t *producer = rd_kafka_new(RD_KAFKA_PRODUCER, conf, error, sizeof(error));
    if (!producer)
        bench_die("%s", error);
    return producer;
}

static void commit(struct thread *thread, int64_t *next)
{
    rd_kafka_topic_partition_list_t *offsets = rd_kafka_topic_partition_list_new(BENCH_PARTITIONS);

    for (int i = 0; i < BENCH_PARTITIONS; i++) {
        if (next[i])
            rd_kafka_topic_partition_list_add(offsets, thread->input, i)->offset = next[i];
        next[i] = 0;
    }
    if (offsets->cnt) {
        if (rd_kafka_flush(thread->worker.producer, BENCH_TIMEOUT_MS))
            bench_die("results were not written");
        rd_kafka_resp_err_t err = rd_kafka_commit(thread->consumer, offsets, 0);
        if (err)
            bench_die("commit: %s", rd_kafka_err2str(err));
    }
    rd_kafka_topic_partition_list_destroy(offsets);
}

static void *run(void *opaque)
{
    static _Thread_local rd_kafka_message_t *messages[BATCH];
    struct thread *thread = opaque;
    int64_t next[BENCH_PARTITIONS] = {0}; /* offsets to commit; 0 is none */
    int64_t committed_ns = bench_monotonic_ns();

    while (!stopping) {
        ssize_t count = rd_kafka_consume_batch_queue(thread->queue, 20, messages, BATCH);
        for (ssize_t i = 0; i < count; i++) {
            rd_kafka_message_t *message = messages[i];
            if (message->err)
                bench_die("consume: %s", rd_kafka_message_errstr(message));
            thread->work(&thread->worker, message);
            next[message->partition] = message->offset + 1;
            rd_kafka_message_destroy(message);
        }
        rd_kafka_poll(thread->worker.producer, 0);
        int64_t now_ns = bench_monotonic_ns();
        if (now_ns - committed_ns >= COMMIT_NS) {
            commit(thread, next);
            committed_ns = now_ns;
        }
    }
    commit(thread, next);
    return NULL;
}

static void start(struct thread *thread, rd_kafka_t *consumer, const char *bootstrap, const char *input,
                  const char *output, int first)
{
    thread->consumer = consumer;
    thread->input = input;
    thread->queue = rd_kafka_queue_new(consumer);
    for (int i = first; i < BENCH_PARTITIONS; i += THREADS) {
        rd_kafka_queue_t *partition = rd_kafka_queue_get_partition(consumer, input, i);
        rd_kafka_queue_forward(partition, thread->queue);
        rd_kafka_queue_destroy(partition);
    }
    thread->worker.producer = new_producer(bootstrap);
    thread->worker.output = rd_kafka_topic_new(thread->worker.producer, output, NULL);
    thread->worker.read = floor_reader(&thread->worker.parser);
    if (pthread_create(&thread->id, NULL, run, thread))
        bench_die("no thread");
}

#define DECLARE(target)                       \
    extern floor_read_fn floor_read_##target; \
    void *floor_parser_##target(void);
#if defined(__x86_64__)
DECLARE(icelake)
DECLARE(haswell)
#endif
DECLARE(baseline)

floor_read_fn *floor_reader(void **parser)
{
#if defined(__x86_64__)
    if (__builtin_cpu_supports("avx512vbmi2") && __builtin_cpu_supports("avx512bw")) {
        *parser = floor_parser_icelake();
        return floor_read_icelake;
    }
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi2")) {
        *parser = floor_parser_haswell();
        return floor_read_haswell;
    }
#endif
    *parser = floor_parser_baseline();
    return floor_read_baseline;
}

int main(int argc, char **argv)
{
    if (argc != 6)
        bench_die("usage: bench_floor filter|map|count BOOTSTRAP GROUP INPUT OUTPUT");
    const char *bootstrap = argv[2], *input = argv[4], *output = argv[5];
    floor_work_fn *work = floor_work(argv[1]);
    if (!work)
        bench_die("no work called %s", argv[1]);

    sigset_t stop;
    int signal;
    sigemptyset(&stop);
    sigaddset(&stop, SIGTERM);
    sigaddset(&stop, SIGINT);
    pthread_sigmask(SIG_BLOCK, &stop, NULL); /* before any thread, so that sigwait() gets them */

    /* Fetches that stay in the processor's cache and are freed to be used again: with 8 MB instead
     * of 512 KiB every buffer is mapped anew and `filter` takes 0.6 us a record instead of 0.33. */
    rd_kafka_t *consumer =
        bench_client(RD_KAFKA_CONSUMER, bootstrap, "group.id", argv[3], "enable.auto.commit", "false",
                     "auto.offset.reset", "earliest", "fetch.message.max.bytes", "524288",
                     "queued.min.messages", "100000", "queued.max.messages.kbytes", "65536", NULL);
    static struct thread threads[THREADS];
    for (int i = 0; i < THREADS; i++) {
        threads[i].work = work;
        start(&threads[i], consumer, bootstrap, input, output, i);
    }
    rd_kafka_topic_partition_list_t *all = rd_kafka_topic_partition_list_new(BENCH_PARTITIONS);
    rd_kafka_topic_partition_list_add_range(all, input, 0, BENCH_PARTITIONS - 1);
    for (int i = 0; i < all->cnt; i++)
        all->elems[i].offset = RD_KAFKA_OFFSET_STORED;
    rd_kafka_resp_err_t err = rd_kafka_assign(consumer, all);
    if (err)
        bench_die("assign: %s", rd_kafka_err2str(err));
    rd_kafka_topic_partition_list_destroy(all);

    sigwait(&stop, &signal);
    stopping = 1;
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i].id, NULL);
    for (int i = 0; i < THREADS; i++) {
        rd_kafka_topic_destroy(threads[i].worker.output);
        rd_kafka_destroy(threads[i].worker.producer);
        rd_kafka_queue_destroy(threads[i].queue);
    }
    rd_kafka_consumer_close(consumer);
    rd_kafka_destroy(consumer);
    return 0;
}
