/* engines.c: lives of engines: two at once in one process, states, what is refused, what is left behind. */
#include "tests/embed/check.h"

#include <pthread.h>
#include <signal.h>
#include <unistd.h>

static const char text[] =
    "param least int = 1\n"
    "stream bids from topic \"bids\" { key string value json { price int } }\n"
    "table sums = bids | filter price >= least | group by key | aggregate { total: sum(price) }\n"
    "sums | to topic \"sums\"\n";

static const char *folder;

struct states {
    streamd_engine *engine;
    int changes;
    streamd_engine_state last;
    bool in_order;
};

static void on_state(streamd_engine_state from, streamd_engine_state to, void *arg)
{
    struct states *states = (struct states *)arg;

    states->in_order =
        states->in_order && from == states->last && streamd_engine_current_state(states->engine) == to;
    states->last = to;
    states->changes++;
}

/* One of two that run at once: its sum must be of its own records. */
struct half {
    streamd_topology *topology;
    const char *name;
    int price, count;
};

static void *run_half(void *arg)
{
    const struct half *half = (const struct half *)arg;
    streamd_engine *engine = engine_in(half->topology, folder, half->name);
    struct states states = {engine, 0, STREAMD_ENGINE_CREATED, true};
    streamd_writer *writer;
    streamd_reader *reader;
    streamd_error *error;
    char value[64], sum[64];

    streamd_engine_on_state(engine, on_state, &states);
    MUST(streamd_engine_start(engine, &error));
    MUST(streamd_reader_open(engine, "sums", STREAMD_FROM_EARLIEST, &reader, &error));
    MUST(streamd_writer_open(engine, &writer, &error));
    snprintf(value, sizeof(value), "{\"price\":%d}", half->price);
    for (int i = 0; i < half->count; i++)
        put(writer, "bids", "k", value, 1000 + i);
    MUST(streamd_writer_commit(writer, &error));
    snprintf(sum, sizeof(sum), "{\"total\":%d}", half->price * half->count);
    await_value(reader, sum);
    streamd_writer_close(writer);
    streamd_reader_close(reader);
    MUST(streamd_engine_stop(engine, 30000, &error));
    CHECK(states.in_order && states.last == STREAMD_ENGINE_STOPPED && states.changes >= 3);
    streamd_engine_free(engine);
    return NULL;
}

static void test_two_at_once(void)
{
    streamd_topology *topology = parse(text, "two.stream");
    struct half halves[2] = {{topology, "left", 3, 500}, {topology, "right", 7, 300}};
    pthread_t threads[2];

    for (int i = 0; i < 2; i++)
        CHECK(pthread_create(&threads[i], NULL, run_half, &halves[i]) == 0);
    for (int i = 0; i < 2; i++)
        CHECK(pthread_join(threads[i], NULL) == 0);
    streamd_topology_free(topology);
}

static bool count_task(const streamd_task *task, void *arg)
{
    CHECK(streamd_task_subtopology(task) == 0 && streamd_task_partition(task) < 4);
    CHECK(streamd_task_input_lag_records(task) >= 0 && streamd_task_restore_lag_records(task) >= 0);
    ++*(int *)arg;
    return true;
}

static bool metrics_have(streamd_engine *engine, const char *line)
{
    streamd_buffer *page;
    streamd_error *error;
    streamd_bytes bytes;
    char *copy;
    bool found;

    MUST(streamd_engine_metrics(engine, &page, &error));
    bytes = streamd_buffer_bytes(page);
    copy = (char *)calloc(1, bytes.size + 1);
    memcpy(copy, bytes.data, bytes.size);
    found = strstr(copy, line) != NULL;
    free(copy);
    streamd_buffer_free(page);
    return found;
}

static void test_refusals(void)
{
    streamd_topology *topology = parse(text, "refusals.stream");
    streamd_engine *engine = engine_in(topology, folder, "refusals");
    streamd_engine *other = engine_in(topology, folder, "refusals");
    streamd_writer *writer;
    streamd_reader *reader;
    const streamd_record *record;
    streamd_record *wrong = streamd_record_new();
    streamd_error *error;
    int tasks = 0;

    CHECK(strcmp(streamd_topology_application(topology), "refusals") == 0);
    CHECK(metrics_have(engine, "\nstreamd_ready 0\n"));
    FAILS(streamd_writer_open(engine, &writer, &error), STREAMD_E_STATE, "started");
    FAILS(streamd_reader_open(engine, "sums", STREAMD_FROM_EARLIEST, &reader, &error), STREAMD_E_STATE,
          "started");
    MUST(streamd_engine_start(engine, &error));
    FAILS(streamd_engine_start(engine, &error), STREAMD_E_STATE, "once");
    FAILS(streamd_engine_start(other, &error), STREAMD_E_STATE, "refusals");
    CHECK(streamd_engine_current_state(other) == STREAMD_ENGINE_FAILED);
    FAILS(streamd_engine_stop(other, 0, &error), STREAMD_E_STATE, "refusals");
    streamd_engine_free(other);

    MUST(streamd_writer_open(engine, &writer, &error));
    FAILS(streamd_writer_send(writer, "nowhere", wrong, &error), STREAMD_E_NOTFOUND, "nowhere");
    streamd_record_set_partition(wrong, 4);
    FAILS(streamd_writer_send(writer, "bids", wrong, &error), STREAMD_E_ARGUMENT, "4 partitions");
    FAILS(streamd_reader_open(engine, "nowhere", STREAMD_FROM_EARLIEST, &reader, &error), STREAMD_E_NOTFOUND,
          "nowhere");
    /* What is not committed is dropped. */
    put(writer, "bids", "gone", "{\"price\":1}", 1);
    streamd_writer_close(writer);
    MUST(streamd_reader_open(engine, "sums", STREAMD_FROM_EARLIEST, &reader, &error));
    FAILS(streamd_reader_next(reader, 300, &record, &error), STREAMD_E_TIMEOUT, "time");
    streamd_reader_close(reader);
    while (streamd_engine_current_state(engine) != STREAMD_ENGINE_RUNNING)
        usleep(1000);
    streamd_engine_each_task(engine, count_task, &tasks);
    CHECK(tasks == 4);
    CHECK(metrics_have(engine, "\nstreamd_ready 1\n") && metrics_have(engine, "application=\"refusals\""));
    streamd_record_free(wrong);
    streamd_engine_free(engine); /* without a stop */
    streamd_topology_free(topology);
}

/* What an earlier engine committed is what a later one begins with. */
static void test_again(void)
{
    streamd_topology *topology = parse(text, "two.stream");
    streamd_engine *engine = engine_in(topology, folder, "right");
    streamd_writer *writer;
    streamd_reader *reader;
    streamd_error *error;

    MUST(streamd_engine_start(engine, &error));
    MUST(streamd_reader_open(engine, "sums", STREAMD_FROM_LATEST, &reader, &error));
    MUST(streamd_writer_open(engine, &writer, &error));
    put(writer, "bids", "k", "{\"price\":1}", 5000);
    MUST(streamd_writer_commit(writer, &error));
    await_value(reader, "{\"total\":2101}");
    streamd_writer_close(writer);
    streamd_reader_close(reader);
    MUST(streamd_engine_stop(engine, -1, &error));
    MUST(streamd_engine_stop(engine, 0, &error)); /* again, at once */
    FAILS(streamd_engine_start(engine, &error), STREAMD_E_STATE, "once");
    streamd_engine_free(engine);
    engine = engine_in(topology, folder, "right");
    MUST(streamd_engine_stop(engine, 0, &error)); /* that was never started */
    CHECK(streamd_engine_current_state(engine) == STREAMD_ENGINE_STOPPED);
    FAILS(streamd_engine_start(engine, &error), STREAMD_E_STATE, "once");
    streamd_engine_free(engine);
    streamd_topology_free(topology);
}

/* A record with `on error fail` stops the engine, and stop says why. */
static void test_failed(void)
{
    streamd_topology *topology =
        parse("stream bids from topic \"bids\" { key string value json { price int } on error fail }\n"
              "bids | to topic \"out\"\n",
              "failed.stream");
    streamd_engine *engine = engine_in(topology, folder, "failed");
    streamd_writer *writer;
    streamd_error *error;

    MUST(streamd_engine_start(engine, &error));
    MUST(streamd_writer_open(engine, &writer, &error));
    put(writer, "bids", "k", "no JSON", 1);
    MUST(streamd_writer_commit(writer, &error));
    streamd_writer_close(writer);
    while (streamd_engine_current_state(engine) != STREAMD_ENGINE_FAILED)
        usleep(1000);
    CHECK(streamd_engine_stop(engine, 10000, &error) == STREAMD_E_DECODE);
    CHECK(streamd_error_is_fatal(error) && strstr(streamd_error_message(error), "bids") != NULL);
    streamd_error_free(error);
    streamd_engine_free(engine);
    streamd_topology_free(topology);
}

static void test_words(void)
{
    static const char wrong[] = "stream a from topic \"a\" { key string value json { x int } }\n"
                                "a | filter y > 1 | to topic \"b\"\n"
                                "a | filter x > \"1\" | to topic \"c\"\n";
    streamd_topology *topology;
    streamd_config *config = streamd_config_new();
    streamd_param params[2] = {{"least", "5"}, {"most", "7"}};
    streamd_buffer *buffer;
    streamd_error *error;

    CHECK(streamd_topology_parse(NULL, wrong, strlen(wrong), "wrong.stream", &topology, &error) < 0);
    CHECK(streamd_error_line(error) == 2 && streamd_error_column(error) == 12);
    CHECK(streamd_error_next(error) != NULL && streamd_error_line(streamd_error_next(error)) == 3);
    CHECK(streamd_error_next(streamd_error_next(error)) == NULL);
    streamd_error_free(error);
    MUST(streamd_topology_parse_with(NULL, text, strlen(text), "a.stream", params, 1, &topology, &error));
    MUST(streamd_topology_describe(topology, STREAMD_DESCRIBE_JSON, &buffer, &error));
    CHECK(memcmp(streamd_buffer_bytes(buffer).data, "{", 1) == 0);
    streamd_buffer_free(buffer);
    streamd_topology_free(topology);
    FAILS(streamd_topology_parse_with(NULL, text, strlen(text), "a.stream", params, 2, &topology, &error),
          STREAMD_E_CONFIG, "most");
    FAILS(streamd_config_set(config, "thread", "4", &error), STREAMD_E_CONFIG, "`threads`");
    FAILS(streamd_config_set(config, "threads", "0", &error), STREAMD_E_CONFIG, "from 1 to 256");
    FAILS(streamd_config_set(config, "commit", "2m", &error), STREAMD_E_CONFIG, "1ms to 1m");
    FAILS(streamd_config_set(config, "guarantee", "often", &error), STREAMD_E_CONFIG, "at_least_once");
    FAILS(streamd_config_set(config, "memory", "many", &error), STREAMD_E_CONFIG, "512MiB");
    MUST(streamd_config_set(config, "kafka.linger.ms", "5", &error));
    CHECK(streamd_config_set(config, "threads", "none", NULL) == STREAMD_E_CONFIG);
    streamd_config_free(config);
}

static size_t handlers(struct sigaction *actions)
{
    size_t count = 0;

    for (int number = 1; number < NSIG; number++)
        if (sigaction(number, NULL, &actions[count]) == 0)
            count++;
    return count;
}

int main(int argc, char **argv)
{
    static struct sigaction before[NSIG], after[NSIG];
    size_t count = handlers(before);

    CHECK(argc == 2);
    folder = argv[1];
    test_words();
    test_two_at_once();
    test_refusals();
    test_again();
    test_failed();
    CHECK(handlers(after) == count);
    for (size_t i = 0; i < count; i++)
        CHECK(before[i].sa_handler == after[i].sa_handler && before[i].sa_flags == after[i].sa_flags);
    return 0;
}
