/* tables.c: looking into tables of a running engine: of every make, from several threads, while it writes. */
#include "tests/embed/check.h"

#include <streamd/driver.h>

#include <pthread.h>
#include <unistd.h>

static const char text[] =
    "table users from topic \"users\" { key string value json { name string, age int } }\n"
    "global table rates from topic \"rates\" { key string value json { rate int } }\n"
    "stream bids from topic \"bids\" { key string value json { price int } }\n"
    "table adults = users | filter age >= 18 | map { who: upper(name) }\n"
    "table sums = bids | group by key | aggregate { n: count(), total: sum(price) }\n"
    "table windows = bids | group by key | window tumbling 10s grace 1h | aggregate { n: count() }\n"
    "table visits = bids | group by key | window session 10s grace 1h | aggregate { n: count() }\n"
    "table big = windows | filter n > 1\n"
    "table named = sums | left join users | map { total, name }\n"
    "sums | to topic \"sums\"\n"
    "adults | to topic \"adults\"\n"
    "stream rated = bids | join rates on key | map { price, rate }\n"
    "named | to topic \"named\"\n"
    "rated | to topic \"rated\"\n"
    "big | to topic \"big\"\n";

enum { LOOKS = 200, ROUNDS = 40 };

static streamd_engine *engine;

static streamd_store *open_table(const char *name)
{
    streamd_store *store;
    streamd_error *error;

    MUST(streamd_store_open(engine, name, &store, &error));
    return store;
}

/* The row of a key is as wanted; NULL: there is none. */
static bool has(const char *name, const char *key, const char *wanted)
{
    streamd_store *store = open_table(name);
    streamd_buffer *value;
    streamd_error *error;
    streamd_status status = streamd_store_get(store, streamd_text(key), &value, &error);
    bool so;

    streamd_store_close(store);
    if (status != STREAMD_OK) {
        streamd_error_free(error);
        return wanted == NULL && status == STREAMD_E_NOTFOUND;
    }
    so = wanted != NULL && is(streamd_buffer_bytes(value), wanted);
    streamd_buffer_free(value);
    return so;
}

static void await_row(const char *name, const char *key, const char *wanted)
{
    for (int tries = 0; !has(name, key, wanted); tries++) {
        CHECK(tries < 20000);
        usleep(1000);
    }
}

struct windows {
    char text[256];
    int most;
};

static bool add_window(int64_t start_ms, int64_t end_ms, streamd_bytes value, void *arg)
{
    struct windows *windows = (struct windows *)arg;
    size_t size = strlen(windows->text);

    snprintf(windows->text + size, sizeof(windows->text) - size, "%d-%d%.*s ", (int)start_ms, (int)end_ms,
             (int)value.size, (const char *)value.data);
    return --windows->most > 0;
}

static bool windows_are(const char *name, const char *key, int64_t from_ms, int64_t to_ms, int most,
                        const char *wanted)
{
    struct windows windows = {"", most};
    streamd_store *store = open_table(name);
    streamd_error *error;

    MUST(streamd_store_each_window(store, streamd_text(key), from_ms, to_ms, add_window, &windows, &error));
    streamd_store_close(store);
    return strcmp(windows.text, wanted) == 0;
}

static void test_all_makes(void)
{
    CHECK(has("users", "ann", "{\"name\":\"Ann\",\"age\":40}"));
    CHECK(has("users", "kid", "{\"name\":\"Kid\",\"age\":9}"));
    CHECK(has("users", "nobody", NULL) && has("users", "left", NULL));
    CHECK(has("rates", "eur", "{\"rate\":3}") && has("rates", "usd", NULL));
    CHECK(has("adults", "ann", "{\"who\":\"ANN\"}") && has("adults", "kid", NULL));
    CHECK(has("sums", "ann", "{\"n\":3,\"total\":60}"));
    CHECK(has("named", "ann", "{\"total\":60,\"name\":\"Ann\"}") && has("named", "kid", NULL));
    CHECK(windows_are("windows", "ann", 0, 60000, 9, "0-10000{\"n\":2} 20000-30000{\"n\":1} "));
    CHECK(windows_are("windows", "ann", 1, 60000, 9, "20000-30000{\"n\":1} "));
    CHECK(windows_are("windows", "ann", 0, 20000, 9, "0-10000{\"n\":2} "));
    CHECK(windows_are("windows", "ann", INT64_MIN, INT64_MAX, 1, "0-10000{\"n\":2} "));
    CHECK(windows_are("big", "ann", 0, 60000, 9, "0-10000{\"n\":2} "));
    CHECK(windows_are("visits", "ann", 0, 60000, 9, "1000-9000{\"n\":2} 21000-21000{\"n\":1} "));
    CHECK(windows_are("visits", "ann", 1001, 60000, 9, "21000-21000{\"n\":1} "));
    CHECK(windows_are("windows", "nobody", 0, 60000, 9, ""));
}

static void test_refusals(void)
{
    streamd_store *store;
    streamd_buffer *value;
    streamd_error *error;

    FAILS(streamd_store_open(engine, "user", &store, &error), STREAMD_E_NOTFOUND, "`users`");
    FAILS(streamd_store_open(engine, "bids", &store, &error), STREAMD_E_NOTFOUND, "bids");
    store = open_table("windows");
    FAILS(streamd_store_get(store, streamd_text("ann"), &value, &error), STREAMD_E_ARGUMENT, "window");
    streamd_store_close(store);
    store = open_table("sums");
    FAILS(streamd_store_each_window(store, streamd_text("ann"), 0, 1, add_window, NULL, &error),
          STREAMD_E_ARGUMENT, "window");
    FAILS(streamd_store_get(store, streamd_text("\xff\xfe"), &value, &error), STREAMD_E_DECODE, "key");
    streamd_store_close(store);
}

/* A count that is looked at never falls. */
static void *look_often(void *arg)
{
    streamd_store *store = (streamd_store *)arg;
    long last = 0;

    for (int i = 0; i < LOOKS; i++) {
        streamd_buffer *value;
        streamd_error *error;
        streamd_bytes bytes;
        char copy[64] = "";
        long now;

        MUST(streamd_store_get(store, streamd_text("ann"), &value, &error));
        bytes = streamd_buffer_bytes(value);
        CHECK(bytes.size > 5 && bytes.size < sizeof(copy));
        memcpy(copy, bytes.data, bytes.size);
        CHECK(strncmp(copy, "{\"n\":", 5) == 0);
        now = strtol(copy + 5, NULL, 10);
        CHECK(now >= last);
        last = now;
        streamd_buffer_free(value);
    }
    return NULL;
}

static void test_while_it_writes(streamd_writer *writer, streamd_reader *reader, const char *sum)
{
    streamd_store *stores[3] = {open_table("sums"), open_table("sums"), NULL};
    pthread_t threads[3];
    streamd_error *error;

    stores[2] = stores[0]; /* two threads share one */
    for (int t = 0; t < 3; t++)
        CHECK(pthread_create(&threads[t], NULL, look_often, stores[t]) == 0);
    for (int round = 0; round < ROUNDS; round++) {
        for (int i = 0; i < 50; i++)
            put(writer, "bids", "ann", "{\"price\":1}", 30000);
        MUST(streamd_writer_commit(writer, &error));
    }
    for (int t = 0; t < 3; t++)
        CHECK(pthread_join(threads[t], NULL) == 0);
    await_value(reader, sum);
    CHECK(has("sums", "ann", sum));
    streamd_store_close(stores[0]);
    streamd_store_close(stores[1]);
}

/* After a restart tables are on the disk, not in memory. */
static void test_after_restart(const streamd_topology *topology, const char *folder, const char *sum)
{
    streamd_store *store = open_table("sums");
    streamd_buffer *value;
    streamd_error *error;

    MUST(streamd_engine_stop(engine, 30000, &error));
    FAILS(streamd_store_get(store, streamd_text("ann"), &value, &error), STREAMD_E_STATE, "run");
    streamd_store_close(store);
    streamd_engine_free(engine);
    engine = engine_in(topology, folder, "tables");
    MUST(streamd_engine_start(engine, &error));
    store = open_table("sums");
    for (;;) {
        streamd_status status = streamd_store_get(store, streamd_text("ann"), &value, &error);

        if (status == STREAMD_OK)
            break;
        CHECK(status == STREAMD_E_MOVED && streamd_error_is_retriable(error));
        streamd_error_free(error);
        usleep(1000);
    }
    CHECK(is(streamd_buffer_bytes(value), sum));
    streamd_buffer_free(value);
    streamd_store_close(store);
    await_row("users", "left", NULL);
    CHECK(has("users", "kid", "{\"name\":\"Kid\",\"age\":9}"));
    CHECK(has("adults", "ann", "{\"who\":\"ANN\"}") && has("adults", "kid", NULL));
    CHECK(windows_are("big", "ann", 0, 30000, 9, "0-10000{\"n\":2} "));
    CHECK(has("rates", "eur", "{\"rate\":3}"));
}

/* The same tables in a driver. */
static void test_driver(const streamd_topology *topology)
{
    streamd_driver *driver;
    streamd_record *record = streamd_record_new();
    streamd_store *store;
    streamd_buffer *value;
    streamd_error *error;

    MUST(streamd_driver_new(topology, &driver, &error));
    streamd_record_set_key(record, streamd_text("ann"));
    streamd_record_set_value(record, streamd_text("{\"name\":\"Ann\",\"age\":40}"));
    streamd_record_add_header(record, "h", streamd_text("1"));
    MUST(streamd_driver_send(driver, "users", record, &error));
    FAILS(streamd_driver_send(driver, "nowhere", record, &error), STREAMD_E_NOTFOUND, "nowhere");
    MUST(streamd_driver_store(driver, "adults", &store, &error));
    MUST(streamd_store_get(store, streamd_text("ann"), &value, &error));
    CHECK(is(streamd_buffer_bytes(value), "{\"who\":\"ANN\"}"));
    streamd_buffer_free(value);
    FAILS(streamd_store_get(store, streamd_text("bob"), &value, &error), STREAMD_E_NOTFOUND, "no row");
    streamd_store_close(store);
    CHECK(streamd_driver_take(driver, "sums") == NULL);
    CHECK(strcmp(streamd_record_topic(streamd_driver_take(driver, NULL)), "adults") == 0);
    CHECK(streamd_driver_take(driver, NULL) == NULL);
    MUST(streamd_driver_advance(driver, 1000, &error));
    streamd_driver_free(driver);
    streamd_record_free(record);
}

int main(int argc, char **argv)
{
    streamd_topology *topology = parse(text, "tables.stream");
    streamd_writer *writer;
    streamd_reader *reader;
    streamd_error *error;
    char sum[64];

    CHECK(argc == 2);
    snprintf(sum, sizeof(sum), "{\"n\":%d,\"total\":%d}", 3 + ROUNDS * 50, 60 + ROUNDS * 50);
    test_driver(topology);
    engine = engine_in(topology, argv[1], "tables");
    MUST(streamd_engine_start(engine, &error));
    MUST(streamd_writer_open(engine, &writer, &error));
    MUST(streamd_reader_open(engine, "sums", STREAMD_FROM_EARLIEST, &reader, &error));
    put(writer, "users", "ann", "{\"name\":\"Ann\",\"age\":40}", 1);
    put(writer, "users", "kid", "{\"name\":\"Kid\",\"age\":9}", 1);
    put(writer, "users", "left", "{\"name\":\"Left\",\"age\":50}", 1);
    MUST(streamd_writer_commit(writer, &error));
    await_row("users", "left", "{\"name\":\"Left\",\"age\":50}");
    put(writer, "users", "left", NULL, 2);
    put(writer, "rates", "eur", "{\"rate\":3}", 1);
    put(writer, "bids", "ann", "{\"price\":10}", 1000);
    put(writer, "bids", "ann", "{\"price\":20}", 9000);
    put(writer, "bids", "ann", "{\"price\":30}", 21000);
    MUST(streamd_writer_commit(writer, &error));
    await_value(reader, "{\"n\":3,\"total\":60}");
    await_row("users", "left", NULL);
    await_row("rates", "eur", "{\"rate\":3}");
    test_all_makes();
    test_refusals();
    test_while_it_writes(writer, reader, sum);
    streamd_reader_close(reader);
    streamd_writer_close(writer);
    test_after_restart(topology, argv[1], sum);
    streamd_engine_free(engine);
    streamd_topology_free(topology);
    return 0;
}
