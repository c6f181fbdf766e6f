/* test_restored.c: the state of a program's aggregates and operators over a restart of the engine: the
 * second run reads what the first one committed. */
#include "engine/log/log.h"
#include "streamd/api_engine.h"
#include "tests/unit/streamd/rows.h"

#include <ftw.h>
#include <poll.h>

#define TEXT                                                                            \
    "stream rows from topic \"rows\" { key string value json { a int, s string } }\n"   \
    "table sums = rows | group by key | aggregate { total: tally(a), all: words(s) }\n" \
    "sums | emit all | to topic \"sums\"\n"                                             \
    "stream steps = rows | step a\n"                                                    \
    "steps | to topic \"steps\"\n"

static void tally_step(streamd_call *call, void *state, void *arg)
{
    *(int64_t *)state += streamd_value_int(streamd_call_value(call, 0));
}

static void tally_start(void *state, void *arg) { *(int64_t *)state = 1000; }

static void tally_result(streamd_call *call, const void *state, void *arg)
{
    streamd_result_int(call, *(const int64_t *)state);
}

static void words_step(streamd_call *call, void *state, void *arg)
{
    streamd_bytes had = streamd_call_state(call), word = streamd_value_bytes(streamd_call_value(call, 0));
    char *all = streamd_call_alloc(call, had.size + word.size);

    if (had.size)
        memcpy(all, had.data, had.size);
    memcpy(all + had.size, word.data, word.size);
    streamd_call_set_state(call, all, had.size + word.size);
}

static void words_result(streamd_call *call, const void *state, void *arg)
{
    streamd_result_text(call, streamd_call_state(call).data, streamd_call_state(call).size);
}

/* The difference to the row before, and the number of the row. */
static void step(streamd_call *call, void *arg)
{
    int64_t now[2] = {streamd_value_int(streamd_call_value(call, 0)), 1}, before[2] = {0, 0};
    streamd_bytes had = streamd_call_state(call);

    if (had.size == sizeof(before))
        memcpy(before, had.data, sizeof(before));
    now[1] += before[1];
    streamd_call_set_state(call, now, sizeof(now));
    streamd_result_int(call, now[0] - before[0]);
    streamd_result_int(call, now[1]);
    streamd_emit(call);
}

/* `tally_bytes`: of a state that has room for more than it holds. */
static streamd_topology *topology_of(size_t tally_bytes)
{
    streamd_catalog *catalog = streamd_catalog_new();
    streamd_extension *e = NULL;
    streamd_topology *topology;

    CU_ASSERT(streamd_catalog_add_aggregate(catalog, "tally(int) int", tally_bytes, tally_step, tally_result,
                                            NULL, &e, NULL) == STREAMD_OK);
    streamd_aggregate_on_start(e, tally_start);
    CU_ASSERT(streamd_catalog_add_aggregate(catalog, "words(string) string", 0, words_step, words_result,
                                            NULL, &e, NULL) == STREAMD_OK);
    streamd_aggregate_keep_bytes(e);
    CU_ASSERT(streamd_catalog_add_operator(catalog, "step(int)", "by int, n int", step, NULL, &e, NULL) ==
              STREAMD_OK);
    streamd_operator_keep_state(e);
    topology = parsed(catalog, TEXT);
    streamd_catalog_free(catalog);
    return topology;
}

/* ---- Topics on the disk, while no engine runs ------------------------------------------------ */

struct topics {
    struct sx_disk *disk;
    struct sx_log *log;
    struct sx_waker waker;
};

static const struct sx_log_def *embedded(void) { return sx_log_find("embedded"); }

static void topics_open(struct topics *t, const char *folder)
{
    struct sx_log_options options = {.application = "outside", .default_partitions = 1};

    CU_ASSERT_FATAL(sx_disk_open(folder, &(struct sx_disk_options){.wal = true}, &t->disk, NULL) ==
                    STREAMD_OK);
    options.disk = t->disk;
    CU_ASSERT_FATAL(embedded()->open(&options, &t->log, NULL) == STREAMD_OK);
    CU_ASSERT_FATAL(sx_waker_init(&t->waker));
}

static void topics_close(struct topics *t)
{
    sx_waker_free(&t->waker);
    embedded()->close(t->log);
    sx_disk_close(t->disk);
}

static void write_one(const char *folder, int64_t timestamp, const char *value)
{
    struct sx_topic_spec spec = {.name = "rows", .partitions = 1, .retention_ms = -1};
    struct sx_record record = {.key = SX_SLICE("k"), .value = sx_slice_of(value), .timestamp = timestamp};
    struct sx_writer *writer;
    struct sx_topic *topic;
    struct topics t;

    topics_open(&t, folder);
    if (timestamp == 1)
        CU_ASSERT(embedded()->create(t.log, &spec, NULL) == STREAMD_OK);
    CU_ASSERT_FATAL(embedded()->writer_open(t.log, 100, &t.waker, &writer, NULL) == STREAMD_OK);
    CU_ASSERT_FATAL(embedded()->topic_open(writer, "rows", &topic, NULL) == STREAMD_OK);
    CU_ASSERT(embedded()->write(writer, topic, 0, &record, NULL) == STREAMD_OK);
    CU_ASSERT(embedded()->commit(writer, NULL, 0, NULL, NULL, NULL, NULL) == STREAMD_OK);
    embedded()->writer_close(writer);
    topics_close(&t);
}

/* All values of a topic of one partition, a line each. Static. */
static const char *read_all(const char *folder, const char *name)
{
    static char text[1024];
    struct sx_reader *reader;
    struct sx_fetch fetch;
    struct topics t;
    size_t size = 0;

    topics_open(&t, folder);
    CU_ASSERT_FATAL(embedded()->reader_open(t.log, SX_READ_RESTORE, name, 0, 0, &t.waker, &reader, NULL) ==
                    STREAMD_OK);
    do {
        CU_ASSERT_FATAL(embedded()->fetch(reader, 100, &fetch, NULL) == STREAMD_OK);
        for (uint32_t i = 0; i < fetch.count; i++)
            size += (size_t)snprintf(text + size, sizeof(text) - size, "%s\n",
                                     sx_unit_show(fetch.records[i].value));
        embedded()->release(reader, &fetch);
    } while (fetch.count > 0);
    embedded()->reader_close(reader);
    topics_close(&t);
    return text;
}

/* ---- Runs ------------------------------------------------------------------------------------ */

static bool has_rows(struct streamd_engine *engine, const char *topic, int64_t count)
{
    struct sx_log *log = sx_engine_log(engine->engine);
    int64_t low, high;

    return embedded()->watermarks(log, topic, 0, false, &low, &high, NULL) == STREAMD_OK && high >= count;
}

/* Run an engine until both sinks have so many rows. */
static void run_until(const char *folder, int64_t count)
{
    streamd_config *config = streamd_config_new();
    streamd_topology *topology = topology_of(8);
    streamd_engine *engine = NULL;
    streamd_error *error = NULL;

    CU_ASSERT(streamd_config_set(config, "data-dir", folder, NULL) == STREAMD_OK);
    CU_ASSERT(streamd_config_set(config, "partitions", "1", NULL) == STREAMD_OK);
    CU_ASSERT(streamd_config_set(config, "commit", "10ms", NULL) == STREAMD_OK);
    CU_ASSERT_FATAL(streamd_engine_new(topology, config, &engine, NULL) == STREAMD_OK);
    if (streamd_engine_start(engine, &error) != STREAMD_OK)
        SX_ASSERT_TEXT(mistakes(error, false), "");
    for (int tries = 0;
         tries < 2000 && !(has_rows(engine, "sums", count) && has_rows(engine, "steps", count)); tries++)
        poll(NULL, 0, 10);
    CU_ASSERT(streamd_engine_stop(engine, 20000, NULL) == STREAMD_OK);
    streamd_engine_free(engine);
    streamd_topology_free(topology);
    streamd_config_free(config);
}

static int remove_one(const char *path, const struct stat *status, int kind, struct FTW *at)
{
    return remove(path);
}

static void state_goes_on(void)
{
    char folder[] = "/tmp/streamd-restored-XXXXXX";

    CU_ASSERT_FATAL(mkdtemp(folder) != NULL);
    write_one(folder, 1, "{\"a\":5,\"s\":\"x\"}");
    run_until(folder, 1);
    write_one(folder, 2, "{\"a\":7,\"s\":\"yz\"}");
    run_until(folder, 2);
    SX_ASSERT_TEXT(read_all(folder, "sums"),
                   "{\"total\":1005,\"all\":\"x\"}\n{\"total\":1012,\"all\":\"xyz\"}\n");
    SX_ASSERT_TEXT(read_all(folder, "steps"), "{\"by\":5,\"n\":1}\n{\"by\":2,\"n\":2}\n");
    nftw(folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

/* A state of another size is not misread: the engine does not start. */
static void another_state_is_refused(void)
{
    char folder[] = "/tmp/streamd-restored-XXXXXX";
    streamd_config *config = streamd_config_new();
    streamd_topology *topology = topology_of(16);
    streamd_engine *engine = NULL;

    CU_ASSERT_FATAL(mkdtemp(folder) != NULL);
    write_one(folder, 1, "{\"a\":5,\"s\":\"x\"}");
    run_until(folder, 1);
    CU_ASSERT(streamd_config_set(config, "data-dir", folder, NULL) == STREAMD_OK);
    CU_ASSERT_FATAL(streamd_engine_new(topology, config, &engine, NULL) == STREAMD_OK);
    CU_ASSERT_EQUAL(streamd_engine_start(engine, NULL), STREAMD_E_CONFIG);
    streamd_engine_free(engine);
    streamd_topology_free(topology);
    streamd_config_free(config);
    nftw(folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

void suite_restored(void)
{
    SX_SUITE("restored");
    SX_TEST(state_goes_on);
    SX_TEST(another_state_is_refused);
}
