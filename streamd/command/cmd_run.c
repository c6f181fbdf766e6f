/* cmd_run.c: run a topology until a signal, a fatal error or, with --until-end, the end of its input. */
#include "streamd/command/mend.h"
#include "streamd/command/secret.h"
#include "streamd/command/session.h"

#include "streamd/http.h"
#include "streamd/peers.h"

#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

enum { LOOK_MS = 100, STOP_MS = 30000, FILES_LEAST = 1024 };

struct running {
    const struct sx_options *options;
    struct sx_compiled *compiled;
    struct streamd_config *config;
    struct sx_engine *engine;
    struct sx_disk *disk;
    struct sx_logger *logger;
    struct sx_http *http;
    struct sx_mend mend;
    char *token;            /* for HTTP; NULL: none */
    struct sx_peers *peers; /* NULL: none are asked for state */
    struct sx_state_source state_source;
    bool to_terminal;
};

/* Nothing waits for whoever reads standard error: what is not taken at once is dropped. A pipe that can be
 * written to takes PIPE_BUF bytes without waiting. */
static ssize_t say(void *arg, const char *text, size_t size)
{
    struct pollfd to = {.fd = STDERR_FILENO, .events = POLLOUT};

    (void)arg;
    for (size_t done = 0, part; done < size; done += part) {
        ssize_t taken = -1;

        part = SX_MIN(size - done, (size_t)PIPE_BUF);
        if (poll(&to, 1, 0) == 1)
            taken = write(STDERR_FILENO, text + done, part);
        if (taken <= 0)
            break;
        part = (size_t)taken;
    }
    return (ssize_t)size;
}

static void write_line(enum sx_level level, const char *line, void *arg)
{
    struct running *r = arg;

    fprintf(stderr, "%s%s\n", r->to_terminal ? "\r\033[K" : "", line);
}

/* ---- Progress -------------------------------------------------------------------------------- */

struct look {
    int64_t input_lag, restore_lag;
    uint32_t tasks;
    bool restoring;
};

static bool look_at(const struct sx_task_look *task, void *arg)
{
    struct look *look = arg;

    look->tasks++;
    look->input_lag += SX_MAX(task->input_lag, 0);
    look->restore_lag += SX_MAX(task->restore_lag, 0);
    look->restoring |= task->restoring;
    return true;
}

struct consumed {
    double records;
};

static void add_consumed(const struct sx_stat *stat, void *arg)
{
    if (strcmp(stat->name, "streamd_consumed_total") == 0)
        ((struct consumed *)arg)->records += stat->value;
}

static double records_consumed(struct running *r)
{
    struct consumed c = {0};

    sx_engine_stats(r->engine, add_consumed, &c);
    return c.records;
}

/* One line that is written over each second: rate and lag, or how far the restore is. */
static void show_progress(struct running *r, const struct look *look, double rate, int64_t restore_first,
                          int64_t restore_ms)
{
    if (look->restoring && restore_first > 0) {
        int64_t done = restore_first - look->restore_lag;
        int64_t left_s = done > 0 ? look->restore_lag * restore_ms / done / 1000 : -1;

        fprintf(stderr, "\r\033[Krestoring %lld%%, about %llds left", (long long)(done * 100 / restore_first),
                (long long)left_s);
        return;
    }
    fprintf(stderr, "\r\033[K%.0f records/s, lag %lld, %u tasks", rate, (long long)look->input_lag,
            look->tasks);
}

/* Wait for a signal, a failure or the end. False: a failure. */
static bool has_failed(struct sx_disk *disk)
{
    streamd_error *failure = sx_disk_failure(disk);
    bool failed = failure != NULL;

    streamd_error_free(failure);
    return failed;
}

static bool wait_a_look(struct running *r, const sigset_t *signals, bool until_end)
{
    static const struct timespec pause = {0, LOOK_MS * 1000000};
    double records = 0, shown = 0;
    int64_t restore_first = 0, ms = 0;

    for (;; ms += LOOK_MS) {
        struct look look = {0};

        if (sigtimedwait(signals, NULL, &pause) > 0)
            return true;
        if (sx_engine_state(r->engine) == STREAMD_ENGINE_FAILED || has_failed(r->disk))
            return false;
        sx_engine_each_task(r->engine, look_at, &look);
        records = records_consumed(r);
        restore_first = SX_MAX(restore_first, look.restore_lag);
        if (until_end && sx_engine_at_end(r->engine))
            return true;
        if (r->to_terminal && ms % 1000 == 0) {
            show_progress(r, &look, records - shown, restore_first, ms);
            shown = records;
        }
    }
}

static sigset_t stop_signals(void)
{
    struct sigaction hang_up;
    sigset_t signals;

    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGINT);
    /* The terminal is gone; under nohup that is nothing to stop for. */
    if (sigaction(SIGHUP, NULL, &hang_up) == 0 && hang_up.sa_handler != SIG_IGN)
        sigaddset(&signals, SIGHUP);
    return signals;
}

/* A second signal while stopping, until the very end: at once. The state is as the last commit left it. */
static void *second_signal(void *arg)
{
    sigset_t signals = stop_signals();
    int number;

    (void)arg;
    sigwait(&signals, &number);
    _exit(SX_EXIT_OK);
}

static int stop(struct running *r)
{
    streamd_error *error = NULL;
    pthread_t watcher;
    streamd_status status;

    if (pthread_create(&watcher, NULL, second_signal, NULL) == 0)
        pthread_detach(watcher);
    status = sx_engine_stop(r->engine, STOP_MS, &error);
    if (r->to_terminal)
        fputs("\r\033[K", stderr);
    if (status == STREAMD_OK)
        return SX_EXIT_OK;
    sx_complain(error);
    return SX_EXIT_FAILED;
}

/* ---- HTTP ------------------------------------------------------------------------------------ */

static struct sx_record_form form_of(const char *topic, void *arg) { return sx_form_of_topic(arg, topic); }

/* Before the group is joined, so that a port that is taken costs nobody a rebalance. */
static int start_http(struct running *r, const struct sx_engine_options *engine)
{
    const char *address = sx_option(r->options, SX_OPTION_HTTP);
    struct sx_http_options http = {
        .address = strcmp(address, "off") == 0 ? NULL : address,
        .or_free = !r->options->written[SX_OPTION_HTTP],
        .token = r->token,
        .folder = sx_option(r->options, SX_OPTION_BOOTSTRAP) ? NULL : sx_disk_folder(r->disk),
        .engine = r->engine,
        .plan = engine->plan,
        .compiled = r->compiled,
        .disk = r->disk,
        .mended = &r->mend.counts,
        .writer = engine->threads,
        .form = form_of,
        .arg = r->compiled,
    };
    streamd_error *error = NULL;

    if (sx_http_start(&http, &r->http, &error) != STREAMD_OK) {
        int code = streamd_error_status(error) == STREAMD_E_CONFIG ? SX_EXIT_USAGE : SX_EXIT_FAILED;

        sx_complain(error);
        return code;
    }
    if (sx_http_address(r->http) != NULL)
        sx_log(r->logger, SX_INFO, "serving /metrics, /health, /topology, /topics, /stores", "address",
               sx_http_address(r->http), NULL);
    if (http.or_free && http.address != NULL && strcmp(http.address, sx_http_address(r->http)) != 0)
        sx_log(r->logger, SX_WARN, "the default port is in use, so a free one was taken", "address",
               sx_http_address(r->http), NULL);
    return SX_EXIT_OK;
}

/* False: the run is over, and *code says how. */
static bool run_engine(struct running *r, const struct sx_engine_options *engine, bool until_end, int *code)
{
    streamd_error *error = NULL;

    r->engine = sx_engine_new(engine);
    *code = SX_EXIT_OK;
    if (r->http != NULL)
        sx_http_resume(r->http, r->engine, r->disk);
    else
        *code = start_http(r, engine);
    if (*code != SX_EXIT_OK)
        return false;
    if (sx_engine_start(r->engine, &error) != STREAMD_OK) {
        *code = SX_EXIT_FAILED;
        if (has_failed(r->disk))
            streamd_error_free(error); /* the disk's own says what it is about */
        else
            sx_complain(error);
        return has_failed(r->disk);
    }
    if (!wait_a_look(r, r->mend.signals, until_end) && has_failed(r->disk))
        return true;
    *code = stop(r);
    return false;
}

static struct sx_disk *open_disk(struct running *r)
{
    bool on_kafka = sx_config_text(r->config, SX_SETTING_BOOTSTRAP) != NULL;
    char *folder = sx_setup_folder(r->config, r->compiled->plan->application);
    struct sx_disk *disk;

    r->mend.disk = sx_setup_disk(r->config);
    disk = sx_session_disk(folder, r->options->written[on_kafka ? SX_OPTION_STATE_DIR : SX_OPTION_DATA_DIR],
                           r->mend.disk);

    free(folder);
    return disk;
}

/* What was read from standard input cannot be read again. */
static bool reads_standard_input(const struct sx_plan *plan)
{
    for (uint32_t t = 0; t < plan->topic_count; t++)
        if (plan->topics[t]->medium == SX_MEDIUM_STANDARD && (plan->topics[t]->roles & SX_TOPIC_SOURCE) != 0)
            return true;
    return false;
}

/* The disk failed: all is closed, and it is opened anew. False: the run is over, and *code says how. */
static bool mend(struct running *r, int *code)
{
    streamd_error *failure = sx_disk_failure(r->disk), *error = NULL;

    sx_http_pause(r->http, streamd_error_message(failure));
    sx_engine_free(r->engine);
    r->engine = NULL;
    if (reads_standard_input(r->compiled->plan)) {
        *code = SX_EXIT_FAILED;
        sx_complain(failure);
        return false;
    }
    r->disk = sx_mend_disk(&r->mend, r->disk, failure, r->http, &error);
    if (r->disk != NULL)
        return true;
    *code = error ? SX_EXIT_FAILED : SX_EXIT_OK;
    if (error != NULL)
        sx_complain(error);
    return false;
}

/* Until it is over, or the disk fails (true). */
static bool run_once(struct running *r, struct sx_setup *setup, int *code)
{
    streamd_error *error = NULL;

    *code = SX_EXIT_FAILED;
    if (sx_setup_engine(setup, r->config, r->compiled->plan, r->disk, &error) != STREAMD_OK) {
        if (!has_failed(r->disk))
            sx_complain(error);
        else
            streamd_error_free(error);
        return has_failed(r->disk);
    }
    setup->engine.logger = r->logger;
    setup->engine.state_source = r->peers != NULL ? &r->state_source : NULL;
    setup->engine.standard_input = STDIN_FILENO;
    setup->engine.standard_output = STDOUT_FILENO;
    return run_engine(r, &setup->engine, r->options->values[SX_OPTION_UNTIL_END] != NULL, code);
}

static int run_on_disk(struct running *r)
{
    bool json = strcmp(sx_option(r->options, SX_OPTION_LOG), "json") == 0, again = true;
    sigset_t signals = stop_signals();
    int code = SX_EXIT_FAILED;

    r->mend.signals = &signals;
    r->mend.logger = r->logger = sx_logger_new(write_line, r, SX_INFO, json);
    sx_mend_say_rebuilt(&r->mend, r->disk);
    while (again) {
        struct sx_setup setup = {0};

        again = run_once(r, &setup, &code) && mend(r, &code);
        if (!again) {
            sx_http_stop(r->http);
            sx_engine_free(r->engine);
        }
        sx_setup_free(&setup);
    }
    sx_logger_free(r->logger);
    return code;
}

/* Files of state, connections to brokers and clients: as many as a run may open. */
static bool may_open_files(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= FILES_LEAST)
        return true;
    if (limit.rlim_max >= FILES_LEAST) {
        limit.rlim_cur = FILES_LEAST;
        if (setrlimit(RLIMIT_NOFILE, &limit) == 0)
            return true;
    }
    fprintf(
        stderr,
        "error: %llu files may be open at once, and a run needs up to %d: raise the limit, by `ulimit -n` or "
        "LimitNOFILE\n",
        (unsigned long long)limit.rlim_max, FILES_LEAST);
    return false;
}

static bool find_peers(struct running *r)
{
    const char *list = sx_option(r->options, SX_OPTION_STATE_FROM);
    streamd_error *error = NULL;

    if (list == NULL)
        return true;
    if (sx_peers_new(list, r->token, &r->peers, &error) != STREAMD_OK) {
        sx_complain(error);
        return false;
    }
    r->state_source = sx_peers_source(r->peers);
    return true;
}

static int run(const struct sx_options *options)
{
    struct running r = {.options = options, .to_terminal = isatty(STDERR_FILENO) == 1};
    sigset_t signals = stop_signals();
    FILE *errors = fopencookie(NULL, "w", (cookie_io_functions_t){.write = say});
    int code;

    if (errors != NULL) {
        setvbuf(errors, NULL, _IOLBF, BUFSIZ);
        stderr = errors;
    }
    if (options->argument_count != 1) {
        fputs("usage: streamd run FILE\n", stderr);
        return SX_EXIT_USAGE;
    }
    r.compiled = sx_load(options->arguments[0], options, true, &code);
    if (r.compiled == NULL)
        return code;
    /* Before any thread is started, those of the disk too: one that does not block them would let a signal
     * end the process at once whenever the main thread is not waiting for it. */
    pthread_sigmask(SIG_BLOCK, &signals, NULL);
    code = SX_EXIT_USAGE;
    if (sx_secret_http_token(options->values[SX_OPTION_HTTP_TOKEN_FILE], &r.token) && find_peers(&r))
        r.config = sx_session_config(options);
    if (r.config != NULL) {
        code = SX_EXIT_FAILED;
        r.disk = may_open_files() ? open_disk(&r) : NULL;
    }
    if (r.disk != NULL) {
        code = run_on_disk(&r);
        sx_disk_close(r.disk); /* NULL: a signal came while it could not be opened */
    }
    streamd_config_free(r.config);
    sx_peers_free(r.peers);
    free(r.token);
    sx_compiled_free(r.compiled);
    return code;
}

const struct sx_command sx_command_run = {
    .name = "run",
    .usage = "FILE",
    .summary = "Run a topology: on the embedded log, or with --bootstrap on Kafka.",
    .more = "It runs until SIGTERM, SIGINT or SIGHUP: then the batch in hand is finished and committed. A\n"
            "second signal ends it at once, which loses nothing: what was not committed is done again.\n",
    .options =
        " bootstrap config threads state-dir data-dir http http-token-file log guarantee commit instance "
        "standby state-from memory partitions until-end ",
    .run = run,
};
