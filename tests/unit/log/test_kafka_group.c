/* test_kafka_group.c: members of a group on a real broker, at the address in TEST_BOOTSTRAP: slots
 * move while records are copied, and each record is there once. */
#include "tests/unit/log/kafka_fixture.h"

#include <pthread.h>
#include <stdatomic.h>

void suite_kafka_group(void);

static const char *bootstrap;
static const struct sx_log_def *const kafka = &sx_log_kafka;

enum { SLOTS = 4, PER_SLOT = 250000, PACE = 50 }; /* a pause of 5 ms each PACE rows */

static const char *moving_input, *moving_output, *moving_slots;

/* A member that does not poll for so long is put out. */
static const struct sx_log_setting impatient[] = {{"session.timeout.ms", "6000"},
                                                  {"max.poll.interval.ms", "6000"}};

struct member {
    struct fixture fixture;
    const char *id;
    enum sx_guarantee guarantee;
    atomic_bool stop;
    atomic_int sleep_ms; /* to be slept without a poll, over uncommitted work */
    atomic_int owned, given, retried, fenced;
    atomic_ullong processed;
    struct sx_writer *writer;
    struct sx_topic *topic;
    struct sx_reader *readers[SLOTS];
    int64_t next[SLOTS], committed[SLOTS];
    struct sx_waker waker;
    pthread_t thread, worker;
    pthread_mutex_t turn; /* of the worker, or of what the group tells */
};

static bool member_abort(struct member *m)
{
    streamd_error *error = NULL;

    for (int s = 0; s < SLOTS; s++)
        if (m->readers[s] != NULL) {
            FINE(kafka->seek(m->readers[s], m->committed[s], FINE_ERROR));
            m->next[s] = m->committed[s];
        }
    return fixture_fine(kafka->abort(m->writer, &error), &error);
}

static void member_commit(struct member *m)
{
    struct sx_partition_offset offsets[SLOTS];
    streamd_error *error = NULL;
    streamd_status status;
    uint32_t count = 0;

    for (int s = 0; s < SLOTS; s++)
        if (m->readers[s] != NULL && m->next[s] != m->committed[s])
            offsets[count++] = (struct sx_partition_offset){moving_input, s, m->next[s], NULL};
    status = kafka->commit(m->writer, offsets, count, NULL, NULL, NULL, &error);
    if (status == STREAMD_OK) {
        memcpy(m->committed, m->next, sizeof(m->next));
        return;
    }
    if (status == STREAMD_E_FENCED)
        m->fenced++;
    else if (streamd_error_is_retriable(error))
        m->retried++;
    else
        CU_ASSERT(fixture_fine(status, &error));
    streamd_error_free(error);
    member_abort(m);
}

static void member_given(const int32_t *slots, uint32_t count, void *arg)
{
    struct member *m = arg;

    pthread_mutex_lock(&m->turn);
    for (uint32_t i = 0; i < count; i++) {
        struct sx_partition_offset at = {moving_input, slots[i], 0, NULL};
        int32_t s = slots[i];

        FINE(kafka->committed(m->fixture.log, &at, 1, true, FINE_ERROR));
        m->next[s] = m->committed[s] = at.offset == SX_OFFSET_NONE ? 0 : at.offset;
        CU_ASSERT_PTR_NULL(m->readers[s]);
        FINE(kafka->reader_open(m->fixture.log, SX_READ_INPUT, moving_input, s, m->next[s], &m->waker,
                                &m->readers[s], FINE_ERROR));
        m->owned++;
        m->given++;
    }
    pthread_mutex_unlock(&m->turn);
}

static void member_taken(const int32_t *slots, uint32_t count, bool lost, void *arg)
{
    struct member *m = arg;

    pthread_mutex_lock(&m->turn);
    if (lost)
        member_abort(m);
    else
        member_commit(m);
    for (uint32_t i = 0; i < count; i++) {
        kafka->reader_close(m->readers[slots[i]]);
        m->readers[slots[i]] = NULL;
        m->owned--;
    }
    pthread_mutex_unlock(&m->turn);
}

static void member_work(struct member *m)
{
    bool idle = true;

    for (int s = 0; s < SLOTS; s++) {
        struct sx_fetch fetch;

        if (m->readers[s] == NULL)
            continue;
        FINE(kafka->fetch(m->readers[s], 500, &fetch, FINE_ERROR));
        for (uint32_t i = 0; i < fetch.count; i++)
            fixture_write(m->writer, m->topic, s, &fetch.records[i]);
        idle = idle && fetch.count == 0;
        m->processed += fetch.count;
        m->next[s] = fetch.next_offset;
        kafka->release(m->readers[s], &fetch);
    }
    if (idle)
        sx_waker_wait(&m->waker, 10);
}

static void *member_worker(void *arg)
{
    struct member *m = arg;
    int64_t commit_at = fixture_now_ms() + 100;

    while (!m->stop) {
        pthread_mutex_lock(&m->turn);
        member_work(m);
        if (m->sleep_ms > 0) {
            fixture_sleep_ms(m->sleep_ms);
            m->sleep_ms = 0;
            member_commit(m);
        }
        if (fixture_now_ms() >= commit_at) {
            member_commit(m);
            commit_at = fixture_now_ms() + 100;
        }
        pthread_mutex_unlock(&m->turn);
        fixture_sleep_ms(1); /* let the other have its turn */
    }
    return NULL;
}

/* The coordinator. */
static void *member_run(void *arg)
{
    const struct sx_group_events events = {member_given, member_taken, arg};
    struct member *m = arg;

    sx_waker_init(&m->waker);
    pthread_mutex_init(&m->turn, NULL);
    CU_ASSERT(fixture_open(&m->fixture, bootstrap, m->fixture.application, m->id, m->guarantee));
    m->fixture.options.settings = impatient;
    m->fixture.options.setting_count = SX_COUNT(impatient);
    CU_ASSERT(fixture_reopen(&m->fixture));
    FINE(kafka->writer_open(m->fixture.log, 0, &m->waker, &m->writer, FINE_ERROR));
    FINE(kafka->topic_open(m->writer, moving_output, &m->topic, FINE_ERROR));
    FINE(kafka->join(m->fixture.log, moving_slots, SLOTS, &events, FINE_ERROR));
    pthread_create(&m->worker, NULL, member_worker, m);
    while (!m->stop) {
        FINE(kafka->poll(m->fixture.log, 50, FINE_ERROR));
        while (m->sleep_ms > 0) /* it sleeps as a whole */
            fixture_sleep_ms(10);
    }
    pthread_join(m->worker, NULL);
    FINE(kafka->leave(m->fixture.log, FINE_ERROR));
    CU_ASSERT_EQUAL(m->owned, 0);
    kafka->writer_close(m->writer);
    fixture_close(&m->fixture);
    sx_waker_free(&m->waker);
    pthread_mutex_destroy(&m->turn);
    return NULL;
}

static void member_start(struct member *m, const char *application, const char *id,
                         enum sx_guarantee guarantee)
{
    memset(m, 0, sizeof(*m));
    m->fixture.application = application;
    m->id = id;
    m->guarantee = guarantee;
    pthread_create(&m->thread, NULL, member_run, m);
}

static void member_end(struct member *m)
{
    m->stop = true;
    pthread_join(m->thread, NULL);
}

static bool wait_for(atomic_int *what, int value, int ms)
{
    int64_t until = fixture_now_ms() + ms;

    while (atomic_load(what) != value && fixture_now_ms() < until)
        fixture_sleep_ms(10);
    return atomic_load(what) == value;
}

static void *feed(void *arg)
{
    struct fixture *f = arg;
    struct sx_writer *writer = NULL;
    struct sx_topic *topic = NULL;
    char value[16];

    FINE(kafka->writer_open(f->log, 9, NULL, &writer, FINE_ERROR));
    FINE(kafka->topic_open(writer, moving_input, &topic, FINE_ERROR));
    for (int i = 0; i < PER_SLOT; i++) {
        struct sx_record record;
        snprintf(value, sizeof(value), "%d", i);
        record = fixture_record("k", value, 1000 + i);
        for (int s = 0; s < SLOTS; s++)
            if (!fixture_write(writer, topic, s, &record))
                return NULL;
        if (i % PACE == 0)
            fixture_sleep_ms(5);
    }
    FINE(kafka->commit(writer, NULL, 0, NULL, NULL, NULL, FINE_ERROR));
    kafka->writer_close(writer);
    return NULL;
}

struct counts {
    uint8_t of[PER_SLOT];
    uint64_t disordered;
    int64_t last;
};

static void count_value(const struct sx_record *record, void *arg)
{
    struct counts *counts = arg;
    int64_t value = strtol(record->value.data, NULL, 10); /* a header length follows the value */

    if (value < 0 || value >= PER_SLOT)
        return;
    counts->of[value]++;
    counts->disordered += value != counts->last + 1;
    counts->last = value;
}

/* A million records are fed in while members come and go. */
struct scene {
    struct fixture f;
    const char *application;
    pthread_t feeder;
};

static void scene_open(struct scene *scene)
{
    struct sx_topic_spec slots = {.name = fixture_name("slots"),
                                  .partitions = SLOTS,
                                  .cleanup = SX_CLEANUP_DELETE,
                                  .retention_ms = -1,
                                  .internal = true};

    scene->application = fixture_name("moving");
    CU_ASSERT_FATAL(fixture_open(&scene->f, bootstrap, NULL, "feeder", SX_AT_LEAST_ONCE));
    moving_input = fixture_topic(&scene->f, "in", SLOTS);
    moving_output = fixture_topic(&scene->f, "out", SLOTS);
    moving_slots = slots.name;
    FINE(kafka->create(scene->f.log, &slots, FINE_ERROR));
    pthread_create(&scene->feeder, NULL, feed, &scene->f);
}

/* Wait until all was processed and committed. */
static void scene_settle(struct scene *scene)
{
    struct fixture reading;

    pthread_join(scene->feeder, NULL);
    CU_ASSERT(fixture_open(&reading, bootstrap, scene->application, "r", SX_EXACTLY_ONCE));
    for (int s = 0; s < SLOTS; s++) {
        struct sx_partition_offset at = {moving_input, s, 0, NULL};
        int64_t until = fixture_now_ms() + 30000;

        while (at.offset < PER_SLOT && fixture_now_ms() < until) {
            FINE(kafka->committed(reading.log, &at, 1, true, FINE_ERROR));
            fixture_sleep_ms(20);
        }
        CU_ASSERT(at.offset >= PER_SLOT);
    }
    fixture_close(&reading);
}

static void scene_check(struct scene *scene, enum sx_guarantee guarantee)
{
    uint64_t missing = 0, repeated = 0, disordered = 0;
    static struct counts counts;

    for (int s = 0; s < SLOTS; s++) {
        memset(&counts, 0, sizeof(counts));
        counts.last = -1;
        fixture_read(&scene->f, moving_output, s, 0, UINT64_MAX, count_value, &counts, NULL);
        disordered += counts.disordered;
        for (int i = 0; i < PER_SLOT; i++) {
            missing += counts.of[i] == 0;
            repeated += counts.of[i] > 1;
        }
    }
    CU_ASSERT_EQUAL(missing, 0);
    if (guarantee == SX_EXACTLY_ONCE) {
        CU_ASSERT_EQUAL(repeated, 0);
        CU_ASSERT_EQUAL(disordered, 0);
    }
    fixture_close(&scene->f);
}

static void members_share_slots(enum sx_guarantee guarantee)
{
    static struct member a, b;
    struct scene scene;
    uint64_t by_b = 0;

    scene_open(&scene);
    member_start(&a, scene.application, "a", guarantee);
    CU_ASSERT(wait_for(&a.owned, SLOTS, 20000));
    for (int round = 0; round < 3; round++) {
        member_start(&b, scene.application, "b", guarantee);
        CU_ASSERT(wait_for(&b.owned, SLOTS / 2, 20000));
        CU_ASSERT(wait_for(&a.owned, SLOTS / 2, 20000));
        fixture_sleep_ms(500);
        int64_t left_at = fixture_now_ms();
        member_end(&b);
        by_b += b.processed;
        /* It left, so nobody waits for its session to time out. */
        CU_ASSERT(wait_for(&a.owned, SLOTS, 20000));
        CU_ASSERT(fixture_now_ms() - left_at < 6000);
    }
    scene_settle(&scene);
    member_end(&a);
    CU_ASSERT(by_b > 0);
    /* A rebalance may cost a commit, not the work. Without transactions librdkafka itself gives up
     * its slots when a commit meets the next generation. */
    if (guarantee == SX_EXACTLY_ONCE)
        CU_ASSERT_EQUAL(a.fenced, 0);
    CU_ASSERT(a.given >= 3 * SLOTS / 2);
    scene_check(&scene, guarantee);
}

static void slots_move_exactly_once(void) { members_share_slots(SX_EXACTLY_ONCE); }

static void slots_move_at_least_once(void) { members_share_slots(SX_AT_LEAST_ONCE); }

static void a_member_that_sleeps_is_put_out_and_fenced(void)
{
    static struct member a, b;
    struct scene scene;

    scene_open(&scene);
    member_start(&a, scene.application, "a", SX_EXACTLY_ONCE);
    CU_ASSERT(wait_for(&a.owned, SLOTS, 20000));
    member_start(&b, scene.application, "b", SX_EXACTLY_ONCE);
    CU_ASSERT(wait_for(&b.owned, SLOTS / 2, 20000));
    a.sleep_ms = 15000;
    /* The other has all of it, and `a` wakes with work that it believes to be its own. */
    CU_ASSERT(wait_for(&b.owned, SLOTS, 14000));
    CU_ASSERT(wait_for(&a.sleep_ms, 0, 20000));
    for (int i = 0; i < 500 && a.fenced == 0; i++)
        fixture_sleep_ms(10);
    CU_ASSERT(a.fenced > 0);
    /* It comes back as a member. */
    CU_ASSERT(wait_for(&b.owned, SLOTS / 2, 30000));
    CU_ASSERT(wait_for(&a.owned, SLOTS / 2, 30000));
    scene_settle(&scene);
    member_end(&a);
    member_end(&b);
    scene_check(&scene, SX_EXACTLY_ONCE);
}

void suite_kafka_group(void)
{
    bootstrap = getenv("TEST_BOOTSTRAP");
    if (bootstrap == NULL || *bootstrap == '\0')
        return;
    SX_SUITE("kafka_group");
    SX_TEST(slots_move_exactly_once);
    SX_TEST(slots_move_at_least_once);
    SX_TEST(a_member_that_sleeps_is_put_out_and_fenced);
}
