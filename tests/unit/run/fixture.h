/* fixture.h: an engine on an embedded log, with operators made for the tests.
 *
 *   in ── count ──> out        a count per key in a store
 *   The value `bad` fails as it is decoded.
 */
#ifndef SX_TEST_RUN_FIXTURE_H
#define SX_TEST_RUN_FIXTURE_H

#include "engine/graph/operator.h"
#include "engine/run/engine.h"
#include "tests/unit/unit.h"

#define PARTITIONS 4
#define SLOW_COMMIT_MS 50

struct fixture {
    char folder[64];
    struct sx_disk *disk;
    struct sx_engine *engine;
    struct sx_plan *plan;
    uint32_t threads;
    int64_t commit_ms;
    const struct sx_log_def *def; /* NULL: the embedded log as it is */
};

void fixture_make(struct fixture *f);
void fixture_drop(struct fixture *f);
/* in -> count -> out, with or without a repartition between; `latest`: only the last per key. */
struct sx_plan *plan_counts(bool repartition, bool latest, const char *fingerprint);
/* `table` keeps the values of topic `rows`; each record of `in` is answered with its key's value. */
struct sx_plan *plan_lookup(bool global);
struct sx_plan *plan_two_tables(void); /* rows and other must be alike */

/* Start the engine with the plan (taken). */
streamd_status fixture_start(struct fixture *f, struct sx_plan *plan, streamd_error **error);
streamd_status fixture_stop(struct fixture *f, streamd_error **error); /* stop and free */
void fixture_kill(struct fixture *f);                                  /* free without a last commit */
/* Outside of the engine: a log of its own on the disk while no engine runs. */
void fixture_topic(struct fixture *f, const char *name, int32_t partitions);
void fixture_write(struct fixture *f, const char *topic, uint32_t first, uint32_t count, uint32_t keys,
                   const char *value);
/* How many records a topic holds. */
int64_t fixture_total(struct fixture *f, const char *topic);
/* Wait until the topic holds so many, at most 20 s. */
bool fixture_await(struct fixture *f, const char *topic, int64_t count);
/* The greatest value per key: the sum over keys (counts are written as text). */
int64_t fixture_sum(struct fixture *f, const char *topic, uint32_t keys);
/* All values of a topic's partition, with spaces. Static. */
const char *fixture_values(struct fixture *f, const char *topic, int32_t partition);

/* How many records of a topic's partition have this key. */
uint32_t fixture_keys(struct fixture *f, const char *topic, int32_t partition, const char *key);

/* Embedded logs that misbehave. */
extern const struct sx_log_def *log_with_changelogs(void);   /* state and log are apart */
extern const struct sx_log_def *log_without_lives(void);     /* as before there were any */
extern const struct sx_log_def *log_with_slow_commits(void); /* SLOW_COMMIT_MS each */
extern const struct sx_log_def *log_failing_once(streamd_status status, int at); /* the at-th commit */

#endif
