/* api_engine.h: what is behind streamd_engine, shared by the files of the library. */
#ifndef SX_API_ENGINE_H
#define SX_API_ENGINE_H

#include "streamd/api.h"
#include "streamd/setup.h"

#include <pthread.h>
#include <stdatomic.h>

struct streamd_engine {
    const streamd_topology *topology;
    struct streamd_config *config;
    struct sx_setup setup;
    struct sx_disk *disk;
    struct sx_logger *logger;
    int64_t made_ms;
    streamd_state_fn on_state;
    void *on_state_arg;
    streamd_log_fn on_log;
    void *on_log_arg;

    _Atomic(struct sx_engine *) engine; /* NULL: not started yet */
    pthread_mutex_t lock;               /* of what follows, and of making the engine */
    _Atomic int state;                  /* while there is no engine */
    streamd_error *error;               /* why there is none */
    uint64_t writers;                   /* a bit for each place that is taken */
};

static inline const struct sx_plan *sx_api_plan(const struct streamd_engine *engine)
{
    return engine->topology->compiled->plan;
}

#endif
