/* pages.c: /metrics, /health and /topology. */
#include "streamd/http_server.h"
#include "streamd/metrics.h"

#include "engine/base/document.h"

#include <stdlib.h>

/* ---- /metrics -------------------------------------------------------------------------------- */

enum MHD_Result sx_page_metrics(const struct sx_http_request *request)
{
    const struct sx_http *http = request->http;
    struct sx_metrics metrics = {.engine = request->inside ? http->options.engine : NULL,
                                 .plan = http->options.plan,
                                 .disk = request->inside ? http->options.disk : NULL,
                                 .mended = http->options.mended,
                                 .started_ms = http->started_ms,
                                 .requests = atomic_load(&http->requests)};
    struct sx_buffer text = {0};

    sx_metrics_write(&metrics, &text);
    return sx_http_answer(request, MHD_HTTP_OK, "text/plain; version=0.0.4; charset=utf-8", &text);
}

/* ---- /health --------------------------------------------------------------------------------- */

static const char *state_word(enum streamd_engine_state state)
{
    static const char *const words[] = {
        [STREAMD_ENGINE_CREATED] = "created", [STREAMD_ENGINE_REBALANCING] = "rebalancing",
        [STREAMD_ENGINE_RUNNING] = "running", [STREAMD_ENGINE_STOPPING] = "stopping",
        [STREAMD_ENGINE_STOPPED] = "stopped", [STREAMD_ENGINE_FAILED] = "failed",
    };

    return words[state];
}

struct restoring {
    uint32_t tasks;
    int64_t lag;
};

static bool add_restoring(const struct sx_task_look *task, void *arg)
{
    struct restoring *r = arg;

    r->tasks += task->restoring;
    r->lag += task->restoring ? SX_MAX(task->restore_lag, 0) : 0;
    return true;
}

static char *why_not(struct sx_engine *engine, enum streamd_engine_state state)
{
    streamd_error *error = sx_engine_error(engine);
    struct restoring r = {0};
    int64_t left_s, limit_ms;
    uint32_t worker;
    char *why;

    if (error != NULL) {
        why = sx_strdup(streamd_error_message(error));
        streamd_error_free(error);
        return why;
    }
    if (sx_engine_stalled(engine, &worker, &limit_ms))
        return sx_format("worker %u has ended no batch for more than %lld ms (max.poll.interval.ms)", worker,
                         (long long)limit_ms);
    if (state == STREAMD_ENGINE_RUNNING)
        return NULL;
    if (sx_engine_prepares(engine))
        return sx_strdup("its topics are being looked up: no broker has answered for all of them yet");
    sx_engine_each_task(engine, add_restoring, &r);
    left_s = sx_engine_seconds_left(engine, r.lag);
    if (r.tasks && left_s > 0)
        return sx_format("%u tasks are being restored, %lld records are ahead, for about %lld s", r.tasks,
                         (long long)r.lag, (long long)left_s);
    if (r.tasks)
        return sx_format("%u tasks are being restored, %lld records are ahead", r.tasks, (long long)r.lag);
    return sx_strdup(state == STREAMD_ENGINE_REBALANCING ? "tasks are being given out" : state_word(state));
}

/* Takes `why`. */
static enum MHD_Result say_health(const struct sx_http_request *request, bool live, bool ready,
                                  const char *state, char *why)
{
    json_t *document = json_object();
    struct sx_buffer text = {0};

    sx_document_set(document, "live", json_boolean(live));
    sx_document_set(document, "ready", json_boolean(ready));
    sx_document_set(document, "state", sx_document_text(state));
    sx_document_set(document, "why", sx_document_text(why));
    sx_document_write(&text, document, false);
    free(why);
    return sx_http_answer(request, ready ? MHD_HTTP_OK : MHD_HTTP_SERVICE_UNAVAILABLE, "application/json",
                          &text);
}

enum MHD_Result sx_page_health(const struct sx_http_request *request)
{
    struct sx_engine *engine;
    enum streamd_engine_state state;
    uint32_t worker;
    int64_t limit_ms;
    bool live;

    /* Ending the process would mend nothing. */
    if (!request->inside)
        return say_health(request, true, false, "waiting", sx_http_why(request->http));
    engine = request->http->options.engine;
    state = sx_engine_state(engine);
    live = state != STREAMD_ENGINE_FAILED && !sx_engine_stalled(engine, &worker, &limit_ms);
    return say_health(request, live, live && state == STREAMD_ENGINE_RUNNING, state_word(state),
                      why_not(engine, state));
}

/* ---- /topology ------------------------------------------------------------------------------- */

enum MHD_Result sx_page_topology(const struct sx_http_request *request)
{
    const struct sx_plan *plan = request->http->options.plan;
    const char *format = sx_http_argument(request, "format");
    struct sx_buffer text = {0};

    if (format == NULL || strcmp(format, "json") == 0) {
        sx_plan_print_json(plan, &text);
        return sx_http_answer(request, MHD_HTTP_OK, "application/json", &text);
    }
    if (strcmp(format, "dot") == 0)
        sx_plan_print_dot(plan, &text);
    else if (strcmp(format, "text") == 0)
        sx_plan_print_text(plan, &text);
    else
        return sx_http_refuse(request, MHD_HTTP_BAD_REQUEST, "format is json, dot or text");
    return sx_http_answer(request, MHD_HTTP_OK, "text/plain; charset=utf-8", &text);
}
