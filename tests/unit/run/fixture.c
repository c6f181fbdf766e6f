/* fixture.c: see fixture.h. */
#include "tests/unit/run/fixture.h"

#include "engine/base/hash.h"

#include <ftw.h>
#include <poll.h>

static const struct sx_log_def *embedded(void) { return sx_log_find("embedded"); }

void fixture_make(struct fixture *f)
{
    *f = (struct fixture){.threads = 2, .commit_ms = 10};
    snprintf(f->folder, sizeof(f->folder), "/tmp/streamd-run-XXXXXX");
    CU_ASSERT_FATAL(mkdtemp(f->folder) != NULL);
    CU_ASSERT_FATAL(sx_disk_open(f->folder, &(struct sx_disk_options){.wal = true}, &f->disk, NULL) ==
                    STREAMD_OK);
}

static int remove_one(const char *path, const struct stat *status, int kind, struct FTW *at)
{
    return remove(path);
}

void fixture_drop(struct fixture *f)
{
    if (f->engine != NULL)
        fixture_kill(f);
    sx_disk_close(f->disk);
    nftw(f->folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

streamd_status fixture_start(struct fixture *f, struct sx_plan *plan, streamd_error **error)
{
    struct sx_engine_options options = {
        .plan = plan,
        .log_def = f->def ? f->def : embedded(),
        .disk = f->disk,
        .threads = f->threads,
        .guarantee = SX_EXACTLY_ONCE,
        .commit_ms = f->commit_ms,
        .cache_bytes = 1 << 20,
        .standard_input = -1,
        .standard_output = -1,
        .log = {.default_partitions = PARTITIONS},
    };

    f->plan = plan;
    f->engine = sx_engine_new(&options);
    return sx_engine_start(f->engine, error);
}

void fixture_kill(struct fixture *f)
{
    sx_engine_free(f->engine);
    sx_plan_free(f->plan);
    f->engine = NULL;
    f->plan = NULL;
}

streamd_status fixture_stop(struct fixture *f, streamd_error **error)
{
    streamd_status status = sx_engine_stop(f->engine, 20000, error);

    fixture_kill(f);
    return status;
}

/* The engine's log, or one opened for a moment. */
static struct sx_log *log_open(struct fixture *f)
{
    struct sx_log_options options = {
        .application = "outside", .disk = f->disk, .default_partitions = PARTITIONS};
    struct sx_log *log = f->engine ? sx_engine_log(f->engine) : NULL;

    if (log == NULL)
        CU_ASSERT_FATAL(embedded()->open(&options, &log, NULL) == STREAMD_OK);
    return log;
}

static void log_close(struct fixture *f, struct sx_log *log)
{
    if (f->engine == NULL || sx_engine_log(f->engine) != log)
        embedded()->close(log);
}

void fixture_topic(struct fixture *f, const char *name, int32_t partitions)
{
    struct sx_topic_spec spec = {.name = name, .partitions = partitions, .retention_ms = -1};
    struct sx_log *log = log_open(f);

    CU_ASSERT(embedded()->create(log, &spec, NULL) == STREAMD_OK);
    log_close(f, log);
}

void fixture_write(struct fixture *f, const char *topic, uint32_t first, uint32_t count, uint32_t keys,
                   const char *value)
{
    const struct sx_log_def *def = embedded();
    struct sx_log *log = log_open(f);
    struct sx_waker waker;
    struct sx_writer *writer;
    struct sx_topic *to;
    int32_t partitions;

    CU_ASSERT_FATAL(sx_waker_init(&waker));
    CU_ASSERT_FATAL(def->partitions(log, topic, &partitions, NULL) == STREAMD_OK);
    CU_ASSERT_FATAL(def->writer_open(log, 100, &waker, &writer, NULL) == STREAMD_OK);
    CU_ASSERT_FATAL(def->topic_open(writer, topic, &to, NULL) == STREAMD_OK);
    for (uint32_t i = first; i < first + count; i++) {
        char key[16];
        struct sx_record record = {.value = sx_slice_of(value), .timestamp = i};

        record.key = sx_slice(key, (size_t)snprintf(key, sizeof(key), "k%u", i % keys));
        CU_ASSERT(def->write(writer, to, sx_partition_of(record.key.data, record.key.size, partitions),
                             &record, NULL) == STREAMD_OK);
    }
    CU_ASSERT(def->commit(writer, NULL, 0, NULL, NULL, NULL, NULL) == STREAMD_OK);
    def->writer_close(writer);
    sx_waker_free(&waker);
    log_close(f, log);
}

int64_t fixture_total(struct fixture *f, const char *topic)
{
    struct sx_log *log = log_open(f);
    int32_t partitions = 0;
    int64_t total = 0;

    embedded()->partitions(log, topic, &partitions, NULL);
    for (int32_t p = 0; p < partitions; p++) {
        int64_t low, high;

        CU_ASSERT(embedded()->watermarks(log, topic, p, false, &low, &high, NULL) == STREAMD_OK);
        total += high - low;
    }
    log_close(f, log);
    return total;
}

bool fixture_await(struct fixture *f, const char *topic, int64_t count)
{
    for (int tries = 0; tries < 2000; tries++) {
        if (fixture_total(f, topic) >= count)
            return true;
        poll(NULL, 0, 10);
    }
    return false;
}

static void read_partition(struct fixture *f, const char *topic, int32_t partition,
                           void (*fn)(const struct sx_record *record, void *arg), void *arg)
{
    const struct sx_log_def *def = embedded();
    struct sx_log *log = log_open(f);
    struct sx_waker waker;
    struct sx_reader *reader;
    struct sx_fetch fetch;
    bool more = true;

    CU_ASSERT_FATAL(sx_waker_init(&waker));
    CU_ASSERT_FATAL(def->reader_open(log, SX_READ_RESTORE, topic, partition, 0, &waker, &reader, NULL) ==
                    STREAMD_OK);
    while (more) {
        CU_ASSERT_FATAL(def->fetch(reader, SX_BATCH_ROWS, &fetch, NULL) == STREAMD_OK);
        for (uint32_t i = 0; i < fetch.count; i++)
            fn(&fetch.records[i], arg);
        more = fetch.count > 0;
        def->release(reader, &fetch);
    }
    def->reader_close(reader);
    sx_waker_free(&waker);
    log_close(f, log);
}

static void note_most(const struct sx_record *record, void *arg)
{
    int64_t value = strtoll(sx_unit_show(record->value), NULL, 10);
    int64_t *most = (int64_t *)arg + strtoll(sx_unit_show(record->key) + 1, NULL, 10);

    *most = SX_MAX(*most, value);
}

int64_t fixture_sum(struct fixture *f, const char *topic, uint32_t keys)
{
    int64_t *most = sx_calloc(keys, sizeof(*most)), sum = 0;

    for (int32_t p = 0; p < PARTITIONS; p++)
        read_partition(f, topic, p, note_most, most);
    for (uint32_t k = 0; k < keys; k++)
        sum += most[k];
    free(most);
    return sum;
}

static void add_value(const struct sx_record *record, void *arg)
{
    sx_buffer_add_slice(arg, record->value);
    sx_buffer_add_byte(arg, ' ');
}

const char *fixture_values(struct fixture *f, const char *topic, int32_t partition)
{
    static char text[4096];
    struct sx_buffer values = {0};

    read_partition(f, topic, partition, add_value, &values);
    snprintf(text, sizeof(text), "%.*s", (int)values.size, values.size ? values.data : "");
    sx_buffer_free(&values);
    return text;
}

struct counted {
    struct sx_slice key;
    uint32_t count;
};

static void count_key(const struct sx_record *record, void *arg)
{
    struct counted *counted = arg;

    counted->count += sx_slice_equal(record->key, counted->key);
}

uint32_t fixture_keys(struct fixture *f, const char *topic, int32_t partition, const char *key)
{
    struct counted counted = {.key = sx_slice_of(key)};

    read_partition(f, topic, partition, count_key, &counted);
    return counted.count;
}

/* ---- Logs that misbehave --------------------------------------------------------------------- */

static struct sx_log_def apart, failing, lifeless, slow;
static streamd_status failure;
static _Atomic int commits_left;

static streamd_status open_apart(const struct sx_log_options *options, struct sx_log **log,
                                 streamd_error **error)
{
    streamd_status status = embedded()->open(options, log, error);

    if (status == STREAMD_OK)
        (*log)->holds_state = false;
    return status;
}

const struct sx_log_def *log_with_changelogs(void)
{
    apart = *embedded();
    apart.open = open_apart;
    return &apart;
}

static streamd_status write_no_life(struct sx_writer *writer, struct sx_topic *topic, int32_t partition,
                                    const struct sx_record *record, streamd_error **error)
{
    if (sx_slice_equal(record->key, SX_SLICE("life")))
        return STREAMD_OK;
    return embedded()->write(writer, topic, partition, record, error);
}

const struct sx_log_def *log_without_lives(void)
{
    lifeless = *log_with_changelogs();
    lifeless.write = write_no_life;
    return &lifeless;
}

static streamd_status commit_failing(struct sx_writer *writer, const struct sx_partition_offset *offsets,
                                     uint32_t count, struct sx_unit *unit,
                                     void (*last)(struct sx_unit *unit, void *arg), void *arg,
                                     streamd_error **error)
{
    if (__atomic_fetch_sub((int *)&commits_left, 1, __ATOMIC_SEQ_CST) == 0)
        return failure == STREAMD_E_FENCED ? sx_fail(error, failure, "fenced")
                                           : sx_fail_retriable(error, failure, "away");
    return embedded()->commit(writer, offsets, count, unit, last, arg, error);
}

static streamd_status commit_slowly(struct sx_writer *writer, const struct sx_partition_offset *offsets,
                                    uint32_t count, struct sx_unit *unit,
                                    void (*last)(struct sx_unit *unit, void *arg), void *arg,
                                    streamd_error **error)
{
    poll(NULL, 0, SLOW_COMMIT_MS);
    return embedded()->commit(writer, offsets, count, unit, last, arg, error);
}

const struct sx_log_def *log_with_slow_commits(void)
{
    slow = *embedded();
    slow.commit = commit_slowly;
    return &slow;
}

const struct sx_log_def *log_failing_once(streamd_status status, int at)
{
    failing = *embedded();
    failing.commit = commit_failing;
    failure = status;
    commits_left = at;
    return &failing;
}
