/* kafka_fixture.h: what the tests of the Kafka log share. Names are new in each run, so that a broker
 * may be used again and again. */
#ifndef SX_KAFKA_FIXTURE_H
#define SX_KAFKA_FIXTURE_H

#include "engine/log/log.h"
#include "tests/unit/unit.h"

extern const struct sx_log_def sx_log_kafka;

/* True if there is no error; prints and frees it else. */
bool fixture_fine(streamd_status status, streamd_error **error);
/* FINE(call(..., FINE_ERROR)): the call succeeds. */
#define FINE_ERROR (&fine_error)
#define FINE(call)                                         \
    do {                                                   \
        streamd_error *fine_error = NULL;                  \
        streamd_status fine_status = (call);               \
        CU_ASSERT(fixture_fine(fine_status, &fine_error)); \
    } while (0)

/* A name that no other call and no other run gives. Lives for ever: tests only. */
const char *fixture_name(const char *what);
int64_t fixture_now_ms(void);
void fixture_sleep_ms(int ms);

struct fixture {
    struct sx_log *log;
    const char *application;
    struct sx_log_options options;
};

/* A log of a new application, or of this one. More options may be set and reopen called. */
bool fixture_reopen(struct fixture *fixture);
bool fixture_open(struct fixture *fixture, const char *bootstrap, const char *application, const char *id,
                  enum sx_guarantee guarantee);
void fixture_close(struct fixture *fixture);
/* A new topic, deleted by nobody. */
const char *fixture_topic(struct fixture *fixture, const char *what, int32_t partitions);
/* A record of texts; NULL is null. */
struct sx_record fixture_record(const char *key, const char *value, int64_t timestamp);
/* Write, draining when the queue is full. */
bool fixture_write(struct sx_writer *writer, struct sx_topic *topic, int32_t partition,
                   const struct sx_record *record);

/* Read from `offset` until the end was heard or `most` records were read. Calls `each`, may be NULL.
 * Returns how many; the offset behind them in *next. */
uint64_t fixture_read(struct fixture *fixture, const char *topic, int32_t partition, int64_t offset,
                      uint64_t most, void (*each)(const struct sx_record *record, void *arg), void *arg,
                      int64_t *next);

#endif
