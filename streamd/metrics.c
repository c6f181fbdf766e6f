/* metrics.c: see metrics.h. */
#include "streamd/metrics.h"

#include <sys/resource.h>
#include <unistd.h>

struct sample {
    struct sx_disk_stats disk;
    double store_errors, stores_rebuilt;
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

static void take_sample(const struct sx_metrics *m, struct sample *s)
{
    struct rusage used = {0};

    *s = (struct sample){.ready = m->engine && sx_engine_ready(m->engine), .requests = (double)m->requests};
    if (m->mended != NULL) {
        s->store_errors = (double)atomic_load(&m->mended->failures);
        s->stores_rebuilt = (double)atomic_load(&m->mended->rebuilt);
    }
    if (m->disk != NULL)
        sx_disk_stats(m->disk, &s->disk);
    getrusage(RUSAGE_SELF, &used);
    s->cpu_s = (double)used.ru_utime.tv_sec + (double)used.ru_stime.tv_sec +
               (double)(used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1e6;
    s->resident_bytes = resident_bytes();
    s->uptime_s = (double)(sx_now_ms(&sx_clock_system) - m->started_ms) / 1e3;
}

/* A gauge of 1 with two labels. */
static void add_info(struct writing *w, const char *name, const char *help,
                     const struct sx_stat_label *labels)
{
    struct sx_stat info = {
        .name = name, .help = help, .kind = SX_STAT_GAUGE, .labels = labels, .label_count = 2, .value = 1};

    add_stat(&info, w);
}

static void add_own(struct writing *w, const struct sx_metrics *m, const struct sample *s)
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

void sx_metrics_write(const struct sx_metrics *metrics, struct sx_buffer *to)
{
    struct writing w = {.to = *to};
    struct sample s;

    take_sample(metrics, &s);
    if (metrics->engine != NULL)
        sx_engine_stats(metrics->engine, add_stat, &w);
    add_own(&w, metrics, &s);
    *to = w.to;
}
