/* test_logger.c: lines that no value can forge, and the clock that stands still. */
#include "engine/base/clock.h"
#include "engine/base/logger.h"
#include "tests/unit/unit.h"

struct seen {
    char line[512];
    enum sx_level level;
    int count;
};

static void keep(enum sx_level level, const char *line, void *arg)
{
    struct seen *seen = arg;

    seen->level = level;
    seen->count++;
    snprintf(seen->line, sizeof(seen->line), "%s", line);
}

/* The line behind its time: `2026-01-31T10:00:00.123Z `, or `{"time":"...",`. */
static const char *behind_time(const struct seen *seen)
{
    const char *at = strstr(seen->line, "Z");
    return at ? at + (at[1] == '"' ? 3 : 2) : "no time";
}

static void text(void)
{
    struct seen seen = {.count = 0};
    struct sx_logger *logger = sx_logger_new(keep, &seen, SX_INFO, false);

    sx_log(logger, SX_INFO, "restored", "store", "revenue", "rows", "12", NULL);
    SX_ASSERT_TEXT(behind_time(&seen), "info  restored store=revenue rows=12");
    sx_log(logger, SX_WARN, "odd", "a", "two words", "b", "", "c", "x=y\n2026 error", "d", "q\"\\", NULL);
    SX_ASSERT_TEXT(behind_time(&seen),
                   "warn  odd a=\"two words\" b=\"\" c=\"x=y\\u000a2026 error\" d=\"q\\\"\\\\\"");
    CU_ASSERT_EQUAL(seen.level, SX_WARN);
    sx_log(logger, SX_ERROR, "bytes", "v", "\x1b[0m\xff\xc2\x9b\xc3\xa4", NULL);
    SX_ASSERT_TEXT(behind_time(&seen), "error bytes v=\"\\u001b[0m\\ufffd\\u009b\xc3\xa4\"");
    sx_logger_free(logger);
}

static void json(void)
{
    struct seen seen = {.count = 0};
    struct sx_logger *logger = sx_logger_new(keep, &seen, SX_DEBUG, true);

    sx_log(logger, SX_DEBUG, "a \"b\"", "k", "v\n\xff", NULL);
    SX_ASSERT_TEXT(behind_time(&seen),
                   "\"level\":\"debug\",\"event\":\"a \\\"b\\\"\",\"k\":\"v\\u000a\\ufffd\"}");
    CU_ASSERT_EQUAL(strncmp(seen.line, "{\"time\":\"20", 11), 0);
    sx_logger_free(logger);
}

static void levels(void)
{
    struct seen seen = {.count = 0};
    struct sx_logger *logger = sx_logger_new(keep, &seen, SX_WARN, false);

    sx_log(logger, SX_INFO, "unseen", NULL);
    sx_log(logger, SX_DEBUG, "unseen", NULL);
    CU_ASSERT_EQUAL(seen.count, 0);
    sx_log(logger, SX_ERROR, "seen", NULL);
    sx_log(logger, SX_WARN, "seen", NULL);
    CU_ASSERT_EQUAL(seen.count, 2);
    sx_log(NULL, SX_ERROR, "nobody listens", NULL);
    sx_logger_free(logger);
    sx_logger_free(NULL);
}

static void clocks(void)
{
    struct sx_manual_clock manual;
    int64_t before = sx_now_ms(&sx_clock_system);

    sx_manual_clock_init(&manual, 5);
    CU_ASSERT_EQUAL(sx_wall_ms(&manual.clock), 5);
    manual.ms = 70;
    CU_ASSERT_EQUAL(sx_now_ms(&manual.clock), 70);
    CU_ASSERT(sx_now_ms(&sx_clock_system) >= before);
    CU_ASSERT(sx_wall_ms(&sx_clock_system) > INT64_C(1600000000000));
}

void suite_logger(void)
{
    SX_SUITE("logger");
    SX_TEST(text);
    SX_TEST(json);
    SX_TEST(levels);
    SX_TEST(clocks);
}
