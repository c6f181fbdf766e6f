/* test_engine.c: an engine on the embedded log: results, restarts, failures. */
#include "tests/unit/run/fixture.h"

#include <poll.h>

#define FINE(call)                                                  \
    do {                                                            \
        streamd_error *error_ = NULL;                               \
        streamd_error **e = &error_;                                \
        if ((call) != STREAMD_OK)                                   \
            fprintf(stderr, "%s\n", streamd_error_message(error_)); \
        CU_ASSERT(error_ == NULL);                                  \
        streamd_error_free(error_);                                 \
    } while (0)

/* Run until `out` holds so many, and stop. */
static void run_until(struct fixture *f, struct sx_plan *plan, const char *topic, int64_t count)
{
    FINE(fixture_start(f, plan, e));
    CU_ASSERT(fixture_await(f, topic, count));
    FINE(fixture_stop(f, e));
}

struct seen {
    double in, out, commits, tasks;
};

static void see(const struct sx_stat *stat, void *arg)
{
    struct seen *seen = arg;

    if (strcmp(stat->name, "streamd_consumed_total") == 0)
        seen->in += stat->value;
    if (strcmp(stat->name, "streamd_produced_total") == 0)
        seen->out += stat->value;
    if (strcmp(stat->name, "streamd_commits_total") == 0)
        seen->commits += stat->value;
}

/* Until `done` records were taken in and every task here runs. */
static void await_consumed(struct fixture *f, double done)
{
    for (int tries = 0; tries < 4000; tries++) {
        struct seen seen = {0};

        sx_engine_stats(f->engine, see, &seen);
        if (seen.in >= done && sx_engine_ready(f->engine))
            return;
        poll(NULL, 0, 5);
    }
    CU_FAIL("the engine does not take the records in");
}

static void counts_go_on_after_a_restart(void)
{
    struct fixture f;

    fixture_make(&f);
    fixture_topic(&f, "in", PARTITIONS);
    fixture_write(&f, "in", 0, 5000, 100, "x");
    run_until(&f, plan_counts(false, false, "v1"), "out", 5000);
    CU_ASSERT_EQUAL(fixture_sum(&f, "out", 100), 5000);
    fixture_write(&f, "in", 5000, 3000, 100, "x");
    run_until(&f, plan_counts(false, false, "v1"), "out", 8000);
    CU_ASSERT_EQUAL(fixture_total(&f, "out"), 8000);
    CU_ASSERT_EQUAL(fixture_sum(&f, "out", 100), 8000);
    fixture_drop(&f);
}

static void rows_go_through_a_repartition_topic(void)
{
    struct fixture f;
    int32_t count;

    fixture_make(&f);
    fixture_topic(&f, "in", 3);
    fixture_write(&f, "in", 0, 4000, 50, "x");
    FINE(fixture_start(&f, plan_counts(true, false, "v1"), e));
    CU_ASSERT(fixture_await(&f, "out", 4000));
    CU_ASSERT_EQUAL(fixture_sum(&f, "out", 50), 4000);
    /* As many as what is above it. */
    FINE(sx_log_find("embedded")->partitions(sx_engine_log(f.engine), "test-moved-repartition", &count, e));
    CU_ASSERT_EQUAL(count, 3);
    CU_ASSERT_EQUAL(sx_engine_slots(f.engine), 3);
    FINE(fixture_stop(&f, e));
    fixture_drop(&f);
}

static void only_the_last_per_key_is_sent(void)
{
    struct fixture f;

    fixture_make(&f);
    f.commit_ms = 600000;
    f.threads = 1;
    fixture_topic(&f, "in", PARTITIONS);
    fixture_write(&f, "in", 0, 900, 10, "x");
    FINE(fixture_start(&f, plan_counts(false, true, "v1"), e));
    await_consumed(&f, 900);
    /* Stopping commits. */
    FINE(fixture_stop(&f, e));
    CU_ASSERT_EQUAL(fixture_sum(&f, "out", 10), 900);
    CU_ASSERT_EQUAL(fixture_total(&f, "out"), 10);
    fixture_drop(&f);
}

static void await_failure(const struct fixture *f)
{
    for (int tries = 0; tries < 2000 && sx_engine_state(f->engine) != STREAMD_ENGINE_FAILED; tries++)
        poll(NULL, 0, 5);
}

static void a_bad_row_stops_the_engine(void)
{
    struct fixture f;
    streamd_error *error = NULL;

    fixture_make(&f);
    fixture_topic(&f, "in", 1);
    fixture_write(&f, "in", 0, 7, 1, "x");
    fixture_write(&f, "in", 7, 1, 1, "bad");
    fixture_write(&f, "in", 8, 5, 1, "x");
    /* Twice: a restart meets the same record, and what came before it is not done again. */
    for (int time = 0; time < 2; time++) {
        FINE(fixture_start(&f, plan_counts(false, false, "v1"), e));
        await_failure(&f);
        CU_ASSERT_EQUAL(fixture_stop(&f, &error), STREAMD_E_DECODE);
        SX_ASSERT_TEXT(streamd_error_message(error), "in, partition 0, offset 7: decode: it is bad");
        streamd_error_free(error);
        CU_ASSERT_EQUAL(fixture_total(&f, "out"), 7);
    }
    fixture_drop(&f);
}

static void a_bad_row_can_be_skipped_or_sent_on(void)
{
    struct fixture f;
    struct sx_plan *plan;

    fixture_make(&f);
    fixture_topic(&f, "in", 1);
    fixture_write(&f, "in", 0, 7, 1, "x");
    fixture_write(&f, "in", 7, 1, 1, "bad");
    fixture_write(&f, "in", 8, 5, 1, "x");
    plan = plan_counts(false, false, "v1");
    plan->on_error = SX_ON_ERROR_TOPIC;
    plan->error_topic = sx_plan_topic(plan, "errors", SX_TOPIC_SINK)->index;
    run_until(&f, plan, "out", 12);
    CU_ASSERT_EQUAL(fixture_total(&f, "out"), 12);
    CU_ASSERT_EQUAL(fixture_total(&f, "errors"), 1);
    fixture_drop(&f);
}

/* Nothing twice, nothing lost, whatever becomes of one commit. */
static void failing_commit(streamd_status status)
{
    for (int at = 0; at < 3; at++) {
        struct fixture f;

        fixture_make(&f);
        f.commit_ms = 1;
        f.def = log_failing_once(status, at);
        fixture_topic(&f, "in", PARTITIONS);
        fixture_write(&f, "in", 0, 3000, 20, "x");
        FINE(fixture_start(&f, plan_counts(true, false, "v1"), e));
        CU_ASSERT(fixture_await(&f, "out", 3000));
        fixture_write(&f, "in", 3000, 1000, 20, "x");
        CU_ASSERT(fixture_await(&f, "out", 4000));
        FINE(fixture_stop(&f, e));
        CU_ASSERT_EQUAL(fixture_total(&f, "out"), 4000);
        CU_ASSERT_EQUAL(fixture_sum(&f, "out", 20), 4000);
        fixture_drop(&f);
    }
}

static void a_commit_that_fails_is_done_again(void) { failing_commit(STREAMD_E_LOG); }

static void a_fenced_worker_joins_again(void) { failing_commit(STREAMD_E_FENCED); }

static double commits(const struct fixture *f)
{
    struct seen seen = {0};

    sx_engine_stats(f->engine, see, &seen);
    return seen.commits;
}

/* Two inputs whose records alternate in time, so that each run is of one row. */
static void commits_slower_than_their_interval_carry_much(void)
{
    enum { ROWS = 2000 };
    struct fixture f;

    fixture_make(&f);
    f.def = log_with_slow_commits();
    f.commit_ms = SLOW_COMMIT_MS / 2;
    f.threads = 1;
    fixture_topic(&f, "rows", 1);
    fixture_topic(&f, "in", 1);
    fixture_topic(&f, "out", 1);
    for (uint32_t i = 0; i < ROWS; i += 2) {
        fixture_write(&f, "rows", i, 1, 1, "a");
        fixture_write(&f, "in", i + 1, 1, 1, "x");
    }
    FINE(fixture_start(&f, plan_lookup(false), e));
    CU_ASSERT(fixture_await(&f, "out", ROWS / 2));
    CU_ASSERT(commits(&f) < ROWS / 10);
    FINE(fixture_stop(&f, e));
    fixture_drop(&f);
}

/* Forget all state but stores' numbers. */
static void lose_state(struct fixture *f)
{
    struct sx_unit *unit = sx_unit_new(f->disk);

    sx_unit_delete_range(unit, SX_FAMILY_META, SX_SLICE("pos/"), SX_SLICE("pos0"));
    sx_unit_delete_range(unit, SX_FAMILY_KV, SX_SLICE("\0"), SX_SLICE("\xff\xff\xff\xff"));
    FINE(sx_unit_write(unit, true, e));
    sx_unit_free(unit);
}

static void state_comes_back_from_the_changelog(void)
{
    struct fixture f;

    fixture_make(&f);
    f.def = log_with_changelogs();
    fixture_topic(&f, "in", PARTITIONS);
    fixture_topic(&f, "out", PARTITIONS);
    fixture_write(&f, "in", 0, 5000, 100, "x");
    run_until(&f, plan_counts(false, false, "v1"), "out", 5000);
    CU_ASSERT(fixture_total(&f, "test-counts-changelog") > 0);
    lose_state(&f);
    fixture_write(&f, "in", 5000, 1000, 100, "x");
    run_until(&f, plan_counts(false, false, "v1"), "out", 6000);
    CU_ASSERT_EQUAL(fixture_sum(&f, "out", 100), 6000);
    fixture_drop(&f);
}

/* As the disk of a version before: it knows positions, of 8 bytes, and no lives. */
static void forget_lives(struct fixture *f)
{
    struct sx_cursor *cursor = sx_cursor_open(f->disk, SX_FAMILY_META, SX_SLICE("pos/"), SX_SLICE("pos0"));
    struct sx_unit *unit = sx_unit_new(f->disk);
    struct sx_slice key, value;

    while (sx_cursor_next(cursor, &key, &value))
        if (value.size != 8)
            sx_unit_delete(unit, SX_FAMILY_META, key);
    CU_ASSERT(sx_unit_count(unit) > 0);
    sx_cursor_close(cursor);
    FINE(sx_unit_write(unit, true, e));
    sx_unit_free(unit);
}

static void a_changelog_without_a_life_gets_one(void)
{
    struct fixture f;

    fixture_make(&f);
    f.def = log_without_lives();
    fixture_topic(&f, "in", 1);
    fixture_topic(&f, "out", PARTITIONS);
    for (int64_t runs = 1; runs <= 4; runs++) {
        fixture_write(&f, "in", (uint32_t)runs * 10, 10, 2, "x");
        run_until(&f, plan_counts(false, false, "v1"), "out", runs * 10);
        CU_ASSERT_EQUAL(fixture_sum(&f, "out", 2), runs * 10);
        CU_ASSERT_EQUAL(fixture_keys(&f, "test-counts-changelog", 0, "life"), runs > 1);
        if (runs == 1)
            forget_lives(&f);
        if (runs == 2) /* and without the disk it is found where it is */
            lose_state(&f);
        f.def = log_with_changelogs();
    }
    fixture_drop(&f);
}

static void a_table_comes_back_from_its_topic(void)
{
    struct fixture f;

    fixture_make(&f);
    fixture_topic(&f, "rows", 1);
    fixture_topic(&f, "in", 1);
    fixture_topic(&f, "out", 1);
    fixture_write(&f, "rows", 0, 3, 3, "old");
    fixture_write(&f, "rows", 3, 1, 1, "new");
    fixture_write(&f, "in", 10, 3, 3, "x"); /* k1 k2 k0 */
    run_until(&f, plan_lookup(false), "out", 3);
    SX_ASSERT_TEXT(fixture_values(&f, "out", 0), "old old new ");
    lose_state(&f);
    fixture_write(&f, "in", 20, 4, 4, "x"); /* k0 k1 k2 k3 */
    run_until(&f, plan_lookup(false), "out", 7);
    SX_ASSERT_TEXT(fixture_values(&f, "out", 0), "old old new new old old none ");
    fixture_drop(&f);
}

static void inputs_go_by_time(void)
{
    struct fixture f;

    fixture_make(&f);
    fixture_topic(&f, "rows", 1);
    fixture_topic(&f, "in", 1);
    fixture_topic(&f, "out", 1);
    /* One key: rows at 0..4 "a", 10..14 "b"; questions at 5 and 6, 10, 20. At 10 the table is first in
     * the file. */
    fixture_write(&f, "rows", 0, 5, 1, "a");
    fixture_write(&f, "rows", 10, 5, 1, "b");
    fixture_write(&f, "in", 5, 2, 1, "x");
    fixture_write(&f, "in", 10, 1, 1, "x");
    fixture_write(&f, "in", 20, 1, 1, "x");
    run_until(&f, plan_lookup(false), "out", 4);
    SX_ASSERT_TEXT(fixture_values(&f, "out", 0), "a a b b ");
    fixture_drop(&f);
}

static void a_global_table_is_read_before_anything_else(void)
{
    struct fixture f;

    fixture_make(&f);
    fixture_topic(&f, "rows", 3);
    fixture_topic(&f, "in", 2);
    fixture_topic(&f, "out", 1);
    fixture_write(&f, "rows", 100, 3000, 30, "there");
    fixture_write(&f, "in", 0, 2, 2, "x");
    FINE(fixture_start(&f, plan_lookup(true), e));
    CU_ASSERT(fixture_await(&f, "out", 2));
    SX_ASSERT_TEXT(fixture_values(&f, "out", 0), "there there ");
    FINE(fixture_stop(&f, e));
    fixture_drop(&f);
}

static void refused(struct fixture *f, struct sx_plan *plan, streamd_status status, const char *part)
{
    streamd_error *error = NULL;

    CU_ASSERT_EQUAL(fixture_start(f, plan, &error), status);
    CU_ASSERT_FATAL(error != NULL);
    if (strstr(streamd_error_message(error), part) == NULL)
        SX_ASSERT_TEXT(streamd_error_message(error), part);
    CU_ASSERT_EQUAL(sx_engine_state(f->engine), STREAMD_ENGINE_FAILED);
    streamd_error_free(error);
    fixture_kill(f);
}

static void what_does_not_fit_is_refused(void)
{
    struct fixture f;

    fixture_make(&f);
    fixture_topic(&f, "rows", 2);
    fixture_topic(&f, "other", 3);
    refused(&f, plan_two_tables(), STREAMD_E_CONFIG, "`rows` has 2 partitions and `other` has 3");
    fixture_topic(&f, "in", 2);
    fixture_write(&f, "in", 0, 10, 2, "x");
    run_until(&f, plan_counts(false, false, "v1"), "out", 10);
    refused(&f, plan_counts(false, false, "v2"), STREAMD_E_CONFIG, "`counts` was changed");
    fixture_drop(&f);

    fixture_make(&f);
    fixture_topic(&f, "in", 2);
    fixture_topic(&f, "test-slots", 5);
    refused(&f, plan_counts(false, false, "v1"), STREAMD_E_CONFIG,
            "the topic `test-slots` has 5 partitions, and 2 are needed now; run `streamd reset`");
    fixture_drop(&f);

    fixture_make(&f);
    f.def = log_with_changelogs();
    refused(&f, plan_counts(false, false, "v1"), STREAMD_E_NOTFOUND, "there is no topic `in`");
    fixture_drop(&f);
}

/* The local state is gone: the changelog says what its rows were. */
static void a_changelog_of_other_rows_is_refused(void)
{
    streamd_error *error = NULL;
    struct fixture f;

    fixture_make(&f);
    f.def = log_with_changelogs();
    fixture_topic(&f, "in", 1);
    fixture_topic(&f, "out", 1);
    fixture_write(&f, "in", 0, 10, 2, "x");
    run_until(&f, plan_counts(false, false, "rows: v1"), "out", 10);
    lose_state(&f);
    FINE(fixture_start(&f, plan_counts(false, false, "rows: v2"), e));
    await_failure(&f);
    CU_ASSERT_EQUAL(fixture_stop(&f, &error), STREAMD_E_CONFIG);
    CU_ASSERT_FATAL(error != NULL);
    CU_ASSERT_PTR_NOT_NULL(strstr(streamd_error_message(error), "in the topic `test-counts-changelog`"));
    CU_ASSERT_PTR_NOT_NULL(strstr(streamd_error_message(error), "rows: was `v1`, is `v2`"));
    streamd_error_free(error);
    run_until(&f, plan_counts(false, false, "rows: v1"), "out", 10);
    fixture_drop(&f);
}

static void state_of_a_newer_program_is_refused(void)
{
    struct sx_unit *unit;
    struct fixture f;
    char format[4];

    fixture_make(&f);
    fixture_topic(&f, "in", 1);
    fixture_write(&f, "in", 0, 10, 2, "x");
    run_until(&f, plan_counts(false, false, "v1"), "out", 10);
    unit = sx_unit_new(f.disk);
    sx_put_be32(format, SX_STATE_FORMAT + 1);
    sx_unit_put(unit, SX_FAMILY_META, SX_SLICE("state/format"), sx_slice(format, 4));
    FINE(sx_unit_write(unit, true, e));
    sx_unit_free(unit);
    refused(&f, plan_counts(false, false, "v1"), STREAMD_E_CONFIG, "a newer one wrote it");
    fixture_drop(&f);
}

static bool see_task(const struct sx_task_look *task, void *arg)
{
    ((struct seen *)arg)->tasks++;
    CU_ASSERT(task->subtopology == 0 && task->partition < PARTITIONS);
    return true;
}

static void an_engine_tells_what_it_does(void)
{
    struct seen seen = {0};
    struct fixture f;

    fixture_make(&f);
    fixture_topic(&f, "in", PARTITIONS);
    fixture_write(&f, "in", 0, 500, 10, "x");
    FINE(fixture_start(&f, plan_counts(false, false, "v1"), e));
    await_consumed(&f, 500);
    CU_ASSERT(fixture_await(&f, "out", 500));
    sx_engine_each_task(f.engine, see_task, &seen);
    CU_ASSERT(sx_engine_ready(f.engine));
    CU_ASSERT_EQUAL(seen.tasks, PARTITIONS);
    FINE(sx_engine_stop(f.engine, -1, e));
    CU_ASSERT_EQUAL(sx_engine_state(f.engine), STREAMD_ENGINE_STOPPED);
    sx_engine_stats(f.engine, see, &seen);
    CU_ASSERT_EQUAL(seen.in, 500);
    CU_ASSERT_EQUAL(seen.out, 500);
    CU_ASSERT(seen.commits >= 1);
    fixture_drop(&f);
}

void suite_engine(void)
{
    SX_SUITE("engine");
    SX_TEST(counts_go_on_after_a_restart);
    SX_TEST(rows_go_through_a_repartition_topic);
    SX_TEST(only_the_last_per_key_is_sent);
    SX_TEST(a_bad_row_stops_the_engine);
    SX_TEST(a_bad_row_can_be_skipped_or_sent_on);
    SX_TEST(commits_slower_than_their_interval_carry_much);
    SX_TEST(a_commit_that_fails_is_done_again);
    SX_TEST(a_fenced_worker_joins_again);
    SX_TEST(state_comes_back_from_the_changelog);
    SX_TEST(a_changelog_without_a_life_gets_one);
    SX_TEST(a_table_comes_back_from_its_topic);
    SX_TEST(inputs_go_by_time);
    SX_TEST(a_global_table_is_read_before_anything_else);
    SX_TEST(what_does_not_fit_is_refused);
    SX_TEST(a_changelog_of_other_rows_is_refused);
    SX_TEST(state_of_a_newer_program_is_refused);
    SX_TEST(an_engine_tells_what_it_does);
}
