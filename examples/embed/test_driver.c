/* test_driver.c: a program's topology under its own tests: records in, records out, nothing else running.
 *
 *     cc test_driver.c $(pkg-config --cflags --libs streamd) && ./a.out
 */
#include <streamd/driver.h>

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static const char text[] =
    "stream clicks from topic \"clicks\" { key string value json { page string } }\n"
    "table counts = clicks | group by key | window tumbling 10s grace 0s | aggregate { n: count() }\n"
    "counts | emit final | to topic \"counts\"\n";

static int failures;

static void expect(bool holds, const char *what)
{
    printf("%s %s\n", holds ? "ok  " : "FAIL", what);
    failures += !holds;
}

static bool is(streamd_bytes bytes, const char *wanted)
{
    return bytes.size == strlen(wanted) && memcmp(bytes.data, wanted, bytes.size) == 0;
}

static void click(streamd_driver *driver, const char *who, int64_t timestamp_ms)
{
    streamd_record *record = streamd_record_new();
    streamd_error *error;

    streamd_record_set_key(record, streamd_text(who));
    streamd_record_set_value(record, streamd_text("{\"page\":\"/\"}"));
    streamd_record_set_timestamp_ms(record, timestamp_ms);
    if (streamd_driver_send(driver, "clicks", record, &error) != STREAMD_OK) {
        expect(false, streamd_error_message(error));
        streamd_error_free(error);
    }
    streamd_record_free(record);
}

static bool show_window(int64_t start_ms, int64_t end_ms, streamd_bytes value, void *arg)
{
    int *windows = (int *)arg;

    printf("     window %" PRId64 " to %" PRId64 ": %.*s\n", start_ms, end_ms, (int)value.size,
           (const char *)value.data);
    ++*windows;
    return true;
}

static void test(streamd_driver *driver)
{
    const streamd_record *result;
    streamd_store *counts;
    streamd_error *error;
    int64_t start_ms, end_ms;
    int windows = 0;

    click(driver, "anna", 1000);
    click(driver, "anna", 9999);
    expect(streamd_driver_take(driver, "counts") == NULL, "nothing is final while the window is open");
    click(driver, "ben", 10000);
    result = streamd_driver_take(driver, "counts");
    expect(result != NULL && is(streamd_record_key(result), "anna"),
           "the window closes, and anna's count is final");
    expect(result != NULL &&
               is(streamd_record_value(result), "{\"n\":2,\"window_start\":0,\"window_end\":10000}"),
           "it is two");
    expect(result != NULL && streamd_record_window(result, &start_ms, &end_ms) && end_ms == 10000,
           "it says its window");
    click(driver, "anna", 5000);
    expect(streamd_driver_dropped(driver, "late") == 1, "what is late is left out, and counted");
    if (streamd_driver_store(driver, "counts", &counts, &error) != STREAMD_OK) {
        expect(false, streamd_error_message(error));
        streamd_error_free(error);
        return;
    }
    streamd_store_each_window(counts, streamd_text("ben"), 0, 60000, show_window, &windows, NULL);
    expect(windows == 1, "the window that is open can be looked into");
    streamd_store_close(counts);
}

int main(void)
{
    streamd_topology *topology;
    streamd_driver *driver;
    streamd_error *error;

    if (streamd_topology_parse(NULL, text, strlen(text), "counts.stream", &topology, &error) != STREAMD_OK ||
        streamd_driver_new(topology, &driver, &error) != STREAMD_OK) {
        fprintf(stderr, "%s\n", streamd_error_message(error));
        streamd_error_free(error);
        return 1;
    }
    test(driver);
    streamd_driver_free(driver);
    streamd_topology_free(topology);
    return failures != 0;
}
