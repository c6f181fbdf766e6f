/* http.h: a running engine over HTTP: /metrics, /health, /topology, /topics/NAME, /stores/TABLE,
 * /state/STORE.
 *
 * The same routes on a TCP port and on a Unix socket (mode 0600). There is a fixed table of routes and no
 * file behind any of them. Each connection has a thread of its own, so processing is never delayed by a
 * slow client; a request must be complete within five seconds, its head must fit in 8 KiB, its body in
 * 8 MiB, and there are at most 64 connections on each.
 *
 * Records are shown and taken on a loopback address; on another only with a token, `Authorization: Bearer`.
 * If there is one, whoever writes shows it on loopback too. The socket asks for none: its mode is the right.
 *
 * While there is no engine, as its disk is being opened anew, /health says why, /metrics has the rest, what
 * needs the engine is refused with 503.
 *
 * Threads  start, stop, pause, resume: one at a time. The engine, plan and disk outlive it; the engine need
 *          not have been started yet: what needs its log answers 503 until then.
 */
#ifndef SX_HTTP_H
#define SX_HTTP_H

#include "engine/format/record_json.h"
#include "dsl/compile.h"
#include "engine/run/engine.h"
#include "streamd/metrics.h"

struct sx_http;

struct sx_http_options {
    const char *address; /* `127.0.0.1:9464`, `[::1]:0`; NULL: no port */
    bool or_free;        /* if that port is in use, take a free one */
    const char *token;   /* who writes shows it, or reads records from elsewhere; NULL: none */
    const char *folder;  /* where the socket `streamd.sock` is made; NULL: none */
    struct sx_engine *engine;
    const struct sx_plan *plan;
    const struct sx_compiled *compiled; /* whose plan it is: for the tables */
    struct sx_disk *disk;
    const struct sx_mended *mended; /* NULL: a disk that fails is not opened anew */
    uint32_t writer;                /* the number of the writer for POST, that no worker has */
    /* How a topic's records look. */
    struct sx_record_form (*form)(const char *topic, void *arg);
    void *arg;
};

#define SX_HTTP_SOCKET "streamd.sock"

/* Errors: E_CONFIG: the address is none. E_STATE: the port is in use. */
streamd_status sx_http_start(const struct sx_http_options *options, struct sx_http **http,
                             streamd_error **error);
/* Ends requests that follow a topic, and closes. */
void sx_http_stop(struct sx_http *http);

/* Wait until no request has engine or disk in hand, and let none have them from now on. May be called again,
 * with another reason. NULL: nothing to do. */
void sx_http_pause(struct sx_http *http, const char *why);
void sx_http_resume(struct sx_http *http, struct sx_engine *engine, struct sx_disk *disk);

/* `127.0.0.1:9464` as it was taken; NULL: no port. */
const char *sx_http_address(const struct sx_http *http);

#endif
