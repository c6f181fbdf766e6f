/* pages.c: /metrics, /health and /topology. */
#include "streamd/http_server.h"

#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

/* ---- /metrics: Prometheus' text format 0.0.4 ------------------------------------------------- */

struct sample {
    struct sx_disk_stats disk;
    double ready, uptime_s, requests, cpu_s, resident_bytes;
};

struct writing {
    struct sx_buffer to;
    const char *family; /* whose head was written last */
};

static void add_label_text(struct sx_buffer *to, const char *text)
{
    for (; *text != '\0'; text++) {
        if (*text == '\\' || *text == '"')
            sx_buffer_add_byte(to, '\\');
        if (*text == '\n')
            sx_buffer_add_text(to, "\\n");
        else
            sx_buffer_add_byte(to, *text);
    }
}

/* `{a="1",b="2"}`; `bound`: an `le` at the end, or NULL. */
static void add_labels(struct sx_buffer *to, const struct sx_stat *stat, const char *bound)
{
    if (stat->label_count == 0 && bound == NULL)
        return;
    sx_buffer_add_byte(to, '{');
    for (uint32_t i = 0; i < stat->label_count; i++) {
        sx_buffer_printf(to, "%s%s=\"", i ? "," : "", stat->labels[i].name);
        add_label_text(to, stat->labels[i].value);
        sx_buffer_add_byte(to, '"');
    }
    if (bound != NULL)
        sx_buffer_printf(to, "%sle=\"%s\"", stat->label_count ? "," : "", bound);
    sx_buffer_add_byte(to, '}');
}

static void add_sample(struct sx_buffer *to, const struct sx_stat *stat, const char *suffix,
                       const char *bound, double value)
{
    sx_buffer_printf(to, "%s%s", stat->name, suffix);
    add_labels(to, stat, bound);
    sx_buffer_printf(to, " %.15g\n", value);
}

static void add_head(struct writing *w, const char *name, const char *help, const char *kind)
{
    if (w->family == NULL || strcmp(w->family, name) != 0)
        sx_buffer_printf(&w->to, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, kind);
    w->family = name;
}

static void add_stat(const struct sx_stat *stat, void *arg)
{
    static const char *const kinds[] = {"counter", "gauge", "histogram"};
    struct writing *w = arg;

    add_head(w, stat->name, stat->help, kinds[stat->kind]);
    if (stat->kind != SX_STAT_HISTOGRAM) {
        add_sample(&w->to, stat, "", NULL, stat->value);
        return;
    }
    for (uint32_t i = 0; i < stat->bound_count; i++) {
        char bound[32];

        snprintf(bound, sizeof(bound), "%.15g", stat->bounds[i]);
        add_sample(&w->to, stat, "_bucket", bound, (double)stat->counts[i]);
    }
    add_sample(&w->to, stat, "_bucket", "+Inf", (double)stat->count);
    add_sample(&w->to, stat, "_sum", NULL, stat->sum);
    add_sample(&w->to, stat, "_count", NULL, (double)stat->count);
}

static double resident_bytes(void)
{
    FILE *file = fopen("/proc/self/statm", "re");
    unsigned long size = 0, resident = 0;

    if (file == NULL)
        return 0;
    if (fscanf(file, "%lu %lu", &size, &resident) != 2)
        resident = 0;
    fclose(file);
    return (double)resident * (double)sysconf(_SC_PAGESIZE);
}

static void take_sample(struct sx_http *http, struct sample *s)
{
    struct rusage used = {0};

    *s = (struct sample){.ready = sx_engine_ready(http->options.engine)};
    sx_disk_stats(http->options.disk, &s->disk);
    getrusage(RUSAGE_SELF, &used);
    s->cpu_s = (double)used.ru_utime.tv_sec + (double)used.ru_stime.tv_sec +
               (double)(used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1e6;
    s->resident_bytes = resident_bytes();
    s->uptime_s = (double)(sx_now_ms(&sx_clock_system) - http->started_ms) / 1e3;
    s->requests = (double)atomic_load(&http->requests);
}

/* A gauge of 1 with two labels. */
static void add_info(struct writing *w, const char *name, const char *help,
                     const struct sx_stat_label *labels)
{
    struct sx_stat info = {
        .name = name, .help = help, .kind = SX_STAT_GAUGE, .labels = labels, .label_count = 2, .value = 1};

    add_stat(&info, w);
}

static void add_own(struct writing *w, const struct sx_http *http, const struct sample *s)
{
#define SX_INFO(name, label1, label2, help, value1, value2) \
    add_info(w, name, help, (struct sx_stat_label[]){{label1, value1}, {label2, value2}});
#define SX_METRIC(name, kind, help, value) \
    add_head(w, name, help, kind);         \
    sx_buffer_printf(&w->to, "%s %.15g\n", name, (double)(value));
#include "streamd/metrics.def"
#undef SX_METRIC
#undef SX_INFO
}

enum MHD_Result sx_page_metrics(const struct sx_http_request *request)
{
    struct writing w = {0};
    struct sample s;

    take_sample(request->http, &s);
    sx_engine_stats(request->http->options.engine, add_stat, &w);
    add_own(&w, request->http, &s);
    return sx_http_answer(request, MHD_HTTP_OK, "text/plain; version=0.0.4; charset=utf-8", &w.to);
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
    char *why;

    if (error != NULL) {
        why = sx_strdup(streamd_error_message(error));
        streamd_error_free(error);
        return why;
    }
    if (state == STREAMD_ENGINE_RUNNING)
        return NULL;
    sx_engine_each_task(engine, add_restoring, &r);
    if (r.tasks)
        return sx_format("%u tasks are being restored, %lld records are ahead", r.tasks, (long long)r.lag);
    return sx_strdup(state == STREAMD_ENGINE_REBALANCING ? "tasks are being given out" : state_word(state));
}

enum MHD_Result sx_page_health(const struct sx_http_request *request)
{
    struct sx_engine *engine = request->http->options.engine;
    enum streamd_engine_state state = sx_engine_state(engine);
    bool live = state != STREAMD_ENGINE_FAILED, ready = state == STREAMD_ENGINE_RUNNING;
    char *why = why_not(engine, state);
    struct sx_buffer text = {0};

    sx_buffer_printf(&text, "{\"live\":%s,\"ready\":%s,\"state\":\"%s\",\"why\":", live ? "true" : "false",
                     ready ? "true" : "false", state_word(state));
    if (why != NULL)
        sx_json_write_string(&text, sx_slice_of(why));
    else
        sx_buffer_add_text(&text, "null");
    sx_buffer_add_text(&text, "}\n");
    free(why);
    return sx_http_answer(request, ready ? MHD_HTTP_OK : MHD_HTTP_SERVICE_UNAVAILABLE, "application/json",
                          &text);
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
