/* http_server.h: private to http.c and the pages. */
#ifndef SX_HTTP_SERVER_H
#define SX_HTTP_SERVER_H

#include "streamd/http.h"

#include <microhttpd.h>
#include <pthread.h>

#define SX_HTTP_CONNECTIONS 64
#define SX_HTTP_HEAD_BYTES 8192
#define SX_HTTP_BODY_BYTES (8u << 20)
#define SX_HTTP_REQUEST_MS 5000
#define SX_HTTP_FOLLOWERS 16 /* threads that may wait for records for ever */

/* A connection whose request is not complete yet must be so by `due_ms`. */
struct sx_http_guest {
    int fd;
    int64_t due_ms; /* 0: it is complete */
    struct sx_http_guest *before, *after;
};

struct sx_http {
    struct sx_http_options options;
    struct MHD_Daemon *port, *socket;
    char *address;
    bool loopback; /* the port's address is for this machine only */
    int folder;    /* the socket's; -1: none */
    int64_t started_ms;
    _Atomic bool stopping;
    _Atomic bool paused;
    _Atomic uint32_t inside; /* requests that have engine and disk in hand */
    char *why;               /* under `lock`: it is paused */
    _Atomic uint64_t requests;
    _Atomic uint32_t followers;
    _Atomic uint32_t round;  /* records without a key go round the partitions */
    pthread_mutex_t writing; /* one POST at a time: they share the number of a writer */
    int64_t pruned_ms;       /* under `writing`: when old Idempotency-Keys were last forgotten */
    pthread_mutex_t lock;    /* of what follows */
    pthread_cond_t changed;  /* on the monotonic clock */
    struct sx_http_guest *guests;
    pthread_t watcher;
    bool watches, ends;
};

/* A request that is complete. */
struct sx_http_request {
    struct sx_http *http;
    struct MHD_Connection *connection;
    bool inside;      /* it may use engine and disk */
    const char *rest; /* of the path, behind the route */
    struct sx_slice body;
};

/* Have engine and disk in hand until leave(). False: there are none now. */
bool sx_http_enter(struct sx_http *http);
void sx_http_leave(struct sx_http *http);
/* Why there are none, for the caller to free; NULL: there are. */
char *sx_http_why(struct sx_http *http);

/* An argument of the query; NULL: not there. One without a value is "". */
const char *sx_http_argument(const struct sx_http_request *request, const char *name);

/* Answer with a text, which is taken. */
enum MHD_Result sx_http_answer(const struct sx_http_request *request, unsigned code, const char *type,
                               struct sx_buffer *text);
/* Answer `{"error": message}`. */
enum MHD_Result sx_http_refuse(const struct sx_http_request *request, unsigned code, const char *format, ...)
    SX_PRINTF(3, 4);
/* The same for an error, which is taken. */
enum MHD_Result sx_http_fail(const struct sx_http_request *request, streamd_error *error);

/* ---- pages.c --------------------------------------------------------------------------------- */
enum MHD_Result sx_page_metrics(const struct sx_http_request *request);
enum MHD_Result sx_page_health(const struct sx_http_request *request);
enum MHD_Result sx_page_topology(const struct sx_http_request *request);

/* ---- store_pages.c --------------------------------------------------------------------------- */
enum MHD_Result sx_page_stores(const struct sx_http_request *request);
enum MHD_Result sx_page_store(const struct sx_http_request *request);

/* ---- state_pages.c --------------------------------------------------------------------------- */
enum MHD_Result sx_page_state(const struct sx_http_request *request);

/* ---- topic_pages.c --------------------------------------------------------------------------- */
enum MHD_Result sx_page_topic_read(const struct sx_http_request *request);
enum MHD_Result sx_page_topic_write(const struct sx_http_request *request);

#endif
