/* helpers.h: what the tests of logs share: folders, records, reading until something is there. */
#ifndef SX_TEST_LOG_HELPERS_H
#define SX_TEST_LOG_HELPERS_H

#include "engine/data/format.h"
#include "engine/log/log.h"
#include "tests/unit/unit.h"

/* A folder under /tmp, new; and its end. */
bool test_folder_make(char *folder, size_t size);
void test_folder_drop(const char *folder);

#define TEST_OK(call) test_ok((call), &test_error, #call, __FILE__, __LINE__)
/* The error argument of calls inside TEST_OK(). One thread. */
extern streamd_error *test_error;
void test_ok(streamd_status status, streamd_error **error, const char *call, const char *file, int line);

struct sx_record test_record(const char *key, const char *value, int64_t timestamp);
/* Write one record: NULL key or value is null. */
void test_write(struct sx_writer *writer, struct sx_topic *topic, int32_t partition, const char *key,
                const char *value);
void test_commit(struct sx_writer *writer);

/* Fetch until `count` records came or 20 s are over; each value and a space is added to `values`
 * (`-` for null). Checks that offsets rise, and that what must be readable is. Returns how many. */
uint32_t test_read(struct sx_reader *reader, const struct sx_waker *waker, uint32_t count, uint32_t max,
                   struct sx_buffer *values);
/* The same as text, from one reader opened for it at `offset`. Static. */
const char *test_values(struct sx_log *log, const char *topic, int32_t partition, int64_t offset,
                        uint32_t count);

#endif
