/* test_embedded_threads.c: several writers and readers at once; and writers that are killed. */
#include "tests/unit/log/embedded.h"

#include <pthread.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PARTITIONS = 4, WRITERS = 2, READERS = 2, COMMITS = 150, RECORDS = 20 };

static struct embedded_fixture f;

/* Threads do not assert, CUnit is not made for it: they count what went wrong. */
struct work {
    pthread_t thread;
    uint32_t number;
    uint32_t wrong;
};

/* Every value is the writer's number and a count that goes on from partition to partition. */
static void *write_all(void *arg)
{
    struct work *work = arg;
    struct sx_writer *writer = NULL;
    struct sx_topic *topic = NULL;
    uint64_t next[PARTITIONS] = {0};

    work->wrong += f.def->writer_open(f.log, work->number, NULL, &writer, NULL) != STREAMD_OK;
    work->wrong += f.def->topic_open(writer, "t", &topic, NULL) != STREAMD_OK;
    for (int c = 0; c < COMMITS; c++) {
        for (int i = 0; i < RECORDS; i++) {
            int32_t partition = (c + i) % PARTITIONS;
            char value[9];
            struct sx_record record = {.value = {value, sizeof(value)}, .timestamp = 1};

            value[0] = (char)work->number;
            sx_put_be64(value + 1, next[partition]++);
            work->wrong += f.def->write(writer, topic, partition, &record, NULL) != STREAMD_OK;
        }
        if (c % 10 == 3) { /* and some of it is dropped */
            work->wrong += f.def->abort(writer, NULL) != STREAMD_OK;
            for (int i = 0; i < RECORDS; i++)
                next[(c + i) % PARTITIONS]--;
            continue;
        }
        work->wrong += f.def->commit(writer, NULL, 0, NULL, NULL, NULL, NULL) != STREAMD_OK;
    }
    f.def->writer_close(writer);
    return NULL;
}

static uint32_t check(const struct sx_fetch *fetch, uint64_t *next)
{
    uint32_t wrong = 0;

    for (uint32_t i = 0; i < fetch->count; i++) {
        struct sx_slice value = fetch->records[i].value;
        unsigned writer = value.size == 9 ? (unsigned)value.data[0] : WRITERS;

        if (writer >= WRITERS || sx_get_be64(value.data + 1) != next[writer])
            wrong++;
        else
            next[writer]++;
    }
    return wrong;
}

/* Reads every partition to the last record that the writers will write. */
static void *read_all(void *arg)
{
    enum { ALL = WRITERS * RECORDS * (COMMITS - COMMITS / 10) };
    struct work *work = arg;
    struct sx_waker waker;
    struct sx_reader *readers[PARTITIONS];
    uint64_t next[PARTITIONS][WRITERS] = {{0}};
    uint32_t got = 0;
    int idle = 0;

    work->wrong += !sx_waker_init(&waker);
    for (int p = 0; p < PARTITIONS; p++)
        work->wrong +=
            f.def->reader_open(f.log, SX_READ_INPUT, "t", p, 0, &waker, &readers[p], NULL) != STREAMD_OK;
    while (got < ALL && idle < 20 && work->wrong == 0) {
        uint32_t before = got;
        for (int p = 0; p < PARTITIONS; p++) {
            struct sx_fetch fetch = {0};
            work->wrong += f.def->fetch(readers[p], 64, &fetch, NULL) != STREAMD_OK;
            work->wrong += check(&fetch, next[p]);
            got += fetch.count;
            f.def->release(readers[p], &fetch);
        }
        if (got == before) /* a wake that is missing shows as idle turns */
            idle = sx_waker_wait(&waker, 1000) ? 0 : idle + 1;
    }
    work->wrong += got != ALL;
    for (int p = 0; p < PARTITIONS; p++)
        f.def->reader_close(readers[p]);
    sx_waker_free(&waker);
    return NULL;
}

static void all_records_once_and_in_order(void)
{
    struct work writers[WRITERS] = {{0}};
    struct work readers[READERS] = {{0}};
    int64_t low, high, sum = 0;

    embedded_make(&f);
    embedded_topic(&f, "t", PARTITIONS);
    for (uint32_t i = 0; i < READERS; i++) {
        readers[i].number = i;
        pthread_create(&readers[i].thread, NULL, read_all, &readers[i]);
    }
    for (uint32_t i = 0; i < WRITERS; i++) {
        writers[i].number = i;
        pthread_create(&writers[i].thread, NULL, write_all, &writers[i]);
    }
    for (uint32_t i = 0; i < WRITERS; i++)
        pthread_join(writers[i].thread, NULL);
    for (uint32_t i = 0; i < READERS; i++)
        pthread_join(readers[i].thread, NULL);
    for (uint32_t i = 0; i < WRITERS; i++)
        CU_ASSERT_EQUAL(writers[i].wrong, 0);
    for (uint32_t i = 0; i < READERS; i++)
        CU_ASSERT_EQUAL(readers[i].wrong, 0);
    for (int32_t p = 0; p < PARTITIONS; p++) {
        TEST_OK(f.def->watermarks(f.log, "t", p, false, &low, &high, &test_error));
        sum += high;
    }
    CU_ASSERT_EQUAL(sum, WRITERS * RECORDS * (COMMITS - COMMITS / 10)); /* no gaps either */
    embedded_drop(&f);
}

/* Topics come and go while a writer and a reader work on them. */
static void *come_and_go(void *arg)
{
    struct work *work = arg;
    struct sx_topic_spec spec = {.name = "t", .partitions = PARTITIONS, .retention_ms = -1};

    for (int i = 0; i < 50; i++) {
        work->wrong += f.def->remove(f.log, "t", NULL) != STREAMD_OK;
        work->wrong += f.def->create(f.log, &spec, NULL) != STREAMD_OK;
    }
    return NULL;
}

static void topics_go_under_a_writer(void)
{
    struct work work = {0};
    int64_t low = -1, high = -1;

    embedded_make(&f);
    embedded_topic(&f, "t", PARTITIONS);
    pthread_create(&work.thread, NULL, come_and_go, &work);
    for (int i = 0; i < 300; i++) {
        struct sx_writer *writer = NULL;
        struct sx_topic *topic = NULL;
        struct sx_record record = test_record("k", "v", 1);

        TEST_OK(f.def->writer_open(f.log, 0, NULL, &writer, &test_error));
        if (f.def->topic_open(writer, "t", &topic, NULL) == STREAMD_OK) {
            streamd_status status;
            TEST_OK(f.def->write(writer, topic, i % PARTITIONS, &record, &test_error));
            status = f.def->commit(writer, NULL, 0, NULL, NULL, NULL, NULL);
            CU_ASSERT(status == STREAMD_OK || status == STREAMD_E_NOTFOUND);
        }
        f.def->writer_close(writer);
    }
    pthread_join(work.thread, NULL);
    CU_ASSERT_EQUAL(work.wrong, 0);
    /* What memory says of the last one is what the disk says. */
    TEST_OK(f.def->watermarks(f.log, "t", 0, false, &low, &high, &test_error));
    {
        int64_t again = -1;
        embedded_close(&f);
        embedded_open(&f);
        TEST_OK(f.def->watermarks(f.log, "t", 0, false, &low, &again, &test_error));
        CU_ASSERT_EQUAL(again, high);
    }
    embedded_drop(&f);
}

/* ---- crashes --------------------------------------------------------------------------------- */

/* Commit n writes: the value n three times to each of two partitions, n as the offset of `in`, and n
 * into state. A byte on `tell` says that it is done. */
static void commit_until_killed(int tell)
{
    struct sx_writer *writer;
    struct sx_topic *topic;
    struct sx_unit *unit;
    struct sx_partition_offset in = {"in", 0, 0, NULL};

    if (embedded_try(&f, NULL) != STREAMD_OK)
        _exit(1);
    f.def->writer_open(f.log, 0, NULL, &writer, NULL);
    f.def->topic_open(writer, "t", &topic, NULL);
    f.def->committed(f.log, &in, 1, true, NULL);
    unit = sx_unit_new(f.disk);
    for (in.offset = SX_MAX(in.offset, 0) + 1;; in.offset++) {
        char number[8];
        struct sx_record record = {.value = {number, sizeof(number)}, .timestamp = 1};

        sx_put_be64(number, (uint64_t)in.offset);
        for (int i = 0; i < 6; i++)
            f.def->write(writer, topic, i % 2, &record, NULL);
        sx_unit_put(unit, SX_FAMILY_KV, SX_SLICE("n"), sx_slice(number, sizeof(number)));
        if (f.def->commit(writer, &in, 1, unit, NULL, NULL, NULL) != STREAMD_OK || write(tell, "", 1) != 1)
            _exit(1);
    }
}

void embedded_child(void)
{
    const char *folder = getenv("SX_LOG_CHILD");

    if (folder == NULL)
        return;
    snprintf(f.folder, sizeof(f.folder), "%s", folder);
    commit_until_killed(STDOUT_FILENO);
}

/* Run this program again, wait for some commits, kill it. A mere fork lacks RocksDB's threads. */
static void kill_after(int commits)
{
    int tell[2];
    int status;
    char byte;
    pid_t pid;

    CU_ASSERT_FATAL(pipe(tell) == 0);
    pid = fork();
    if (pid == 0) {
        dup2(tell[1], STDOUT_FILENO);
        setenv("SX_LOG_CHILD", f.folder, 1);
        execl("/proc/self/exe", "unit_log", (char *)NULL);
        _exit(1);
    }
    close(tell[1]);
    for (int i = 0; i < commits; i++)
        CU_ASSERT_FATAL(read(tell[0], &byte, 1) == 1);
    kill(pid, SIGKILL);
    CU_ASSERT(waitpid(pid, &status, 0) == pid && WIFSIGNALED(status));
    close(tell[0]);
}

static void check_partition(int32_t partition, int64_t n)
{
    struct sx_reader *reader;
    struct sx_fetch fetch = {.at_end = true};
    int64_t seen = 0;
    bool at_end;

    TEST_OK(f.def->reader_open(f.log, SX_READ_INPUT, "t", partition, 0, NULL, &reader, &test_error));
    do {
        TEST_OK(f.def->fetch(reader, 100, &fetch, &test_error));
        at_end = fetch.at_end;
        for (uint32_t i = 0; i < fetch.count; i++, seen++) {
            CU_ASSERT_EQUAL(fetch.records[i].offset, seen);
            CU_ASSERT_EQUAL(sx_get_be64(fetch.records[i].value.data), (uint64_t)(seen / 3 + 1));
        }
        f.def->release(reader, &fetch);
    } while (!at_end);
    CU_ASSERT_EQUAL(seen, 3 * n);
    f.def->reader_close(reader);
}

static void killed_writers_leave_whole_commits(void)
{
    struct sx_partition_offset in = {"in", 0, 0, NULL};
    int64_t least = 0;

    embedded_make(&f);
    embedded_topic(&f, "t", 2);
    embedded_topic(&f, "in", 1);
    embedded_close(&f);
    for (int round = 0; round < 6; round++) {
        struct sx_buffer state = {0};
        bool found;

        kill_after(20 + round * 37);
        least += 20 + round * 37;
        embedded_open(&f);
        TEST_OK(f.def->committed(f.log, &in, 1, true, &test_error));
        CU_ASSERT(in.offset >= least); /* what was said to be done is there */
        least = in.offset;
        TEST_OK(sx_disk_get(f.disk, SX_FAMILY_KV, SX_SLICE("n"), &state, &found, &test_error));
        CU_ASSERT_FATAL(found && state.size == 8);
        CU_ASSERT_EQUAL((int64_t)sx_get_be64(state.data), in.offset);
        sx_buffer_free(&state);
        check_partition(0, in.offset);
        check_partition(1, in.offset);
        embedded_close(&f);
    }
    embedded_open(&f);
    embedded_drop(&f);
}

void suite_embedded_threads(void);
void suite_embedded_threads(void)
{
    SX_SUITE("embedded, threads and crashes");

    SX_TEST(all_records_once_and_in_order);
    SX_TEST(topics_go_under_a_writer);
    SX_TEST(killed_writers_leave_whole_commits);
}
