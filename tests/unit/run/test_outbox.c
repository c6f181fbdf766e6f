/* test_outbox.c: records come out of the outbox as they were put, in order, and their memory with them. */
#include "engine/run/outbox.h"

#include "tests/unit/unit.h"

#include <stdio.h>

struct seen {
    uint32_t count;
    const struct sx_task_send *expected; /* by number; NULL: only counted */
    size_t resident_max;
};

static void compare(struct sx_slice got, struct sx_slice expected)
{
    CU_ASSERT_EQUAL(got.data == NULL, expected.data == NULL);
    SX_ASSERT_SLICE(got, expected);
}

static void look(const struct sx_task_send *got, void *arg)
{
    struct seen *seen = arg;
    const struct sx_task_send *expected = &seen->expected[seen->count++];

    CU_ASSERT_EQUAL(got->topic, expected->topic);
    CU_ASSERT_EQUAL(got->partition, expected->partition);
    CU_ASSERT_EQUAL(got->source_offset, expected->source_offset);
    CU_ASSERT_EQUAL(got->latest_only, expected->latest_only);
    CU_ASSERT_EQUAL(got->record.timestamp, expected->record.timestamp);
    compare(got->record.key, expected->record.key);
    compare(got->record.value, expected->record.value);
    compare(got->place, expected->place);
    CU_ASSERT_EQUAL(got->window == NULL, expected->window == NULL);
    if (got->window != NULL && expected->window != NULL)
        CU_ASSERT(got->window != expected->window && got->window->start == expected->window->start &&
                  got->window->end == expected->window->end);
    CU_ASSERT_EQUAL_FATAL(got->record.header_count, expected->record.header_count);
    for (uint32_t h = 0; h < got->record.header_count; h++) {
        compare(got->record.headers[h].name, expected->record.headers[h].name);
        compare(got->record.headers[h].value, expected->record.headers[h].value);
    }
}

static void gives_what_was_put(void)
{
    struct sx_header headers[] = {{SX_SLICE("a"), SX_SLICE("one")},
                                  {SX_SLICE("empty"), SX_SLICE("")},
                                  {SX_SLICE("null"), SX_SLICE_NONE}};
    struct sx_window window = {10, 20};
    struct sx_slice key = SX_SLICE("key");
    char *large = calloc(1, 1 << 20);
    struct sx_task_send sends[] = {
        {.topic = 3, .partition = -1, .place = key, .record = {.key = key, .value = SX_SLICE("v")}},
        {.topic = 1, .partition = 7, .source_offset = 42, .record = {.timestamp = -1}},
        {.latest_only = true, .record = {.key = SX_SLICE(""), .value = SX_SLICE_NONE}},
        {.place = SX_SLICE("elsewhere"), .record = {.key = key, .value = SX_SLICE("")}},
        {.window = &window, .record = {.value = sx_slice(large, 1 << 20), .timestamp = 5}},
        {.partition = SX_EVERY_PARTITION,
         .record = {.key = key, .headers = headers, .header_count = 3, .value = SX_SLICE("after")}},
    };
    struct sx_outbox outbox = {0};

    for (int round = 0; round < 3; round++) {
        struct seen seen = {.expected = sends};

        for (size_t i = 0; i < SX_COUNT(sends); i++)
            sx_outbox_put(&outbox, &sends[i]);
        sx_outbox_hand_out(&outbox, look, &seen);
        CU_ASSERT_EQUAL(seen.count, SX_COUNT(sends));
        /* What was cleared does not come. */
        sx_outbox_put(&outbox, &sends[1]);
        sx_outbox_clear(&outbox);
    }
    sx_outbox_free(&outbox);
    free(large);
}

/* Bytes of this process in memory now. */
static size_t resident(void)
{
    FILE *file = fopen("/proc/self/statm", "r");
    unsigned long all = 0, here = 0;

    CU_ASSERT_FATAL(file != NULL && fscanf(file, "%lu %lu", &all, &here) == 2);
    fclose(file);
    return (size_t)here * 4096;
}

static void check_number(const struct sx_task_send *got, void *arg)
{
    struct seen *seen = arg;

    CU_ASSERT_EQUAL(got->source_offset, seen->count);
    if (++seen->count == 900000)
        seen->resident_max = resident();
}

static void gives_memory_back_as_it_goes(void)
{
    struct sx_outbox outbox = {0};
    struct seen seen = {0};
    size_t full;

    for (uint32_t i = 0; i < 1000000; i++)
        sx_outbox_put(&outbox, &(struct sx_task_send){.source_offset = i, .record = {.key = SX_SLICE("k")}});
    full = resident();
    sx_outbox_hand_out(&outbox, check_number, &seen);
    CU_ASSERT_EQUAL(seen.count, 1000000);
    /* Nine tenths of 80 MB were given back before the last tenth was read. */
    CU_ASSERT(seen.resident_max + 50000000 < full);
    sx_outbox_free(&outbox);
}

void suite_outbox(void)
{
    SX_SUITE("outbox");
    SX_TEST(gives_what_was_put);
    SX_TEST(gives_memory_back_as_it_goes);
}
