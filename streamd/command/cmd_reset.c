/* cmd_reset.c: forget what an application has made: state, committed offsets, internal topics. */
#include "engine/run/kept.h"
#include "streamd/command/session.h"

#include <stdlib.h>
#include <unistd.h>

struct resetting {
    const struct sx_plan *plan;
    struct sx_session session;
    struct sx_disk *disk; /* of the state; with the embedded log the session's */
    char *folder;
    char **topics; /* all that the log has */
    uint32_t topic_count;
};

/* `APPLICATION-...-changelog`, `-repartition`, and `APPLICATION-slots`: also those that an older version of
 * the file had. */
static bool is_ours(const struct sx_plan *plan, const char *topic)
{
    static const char *const ends[] = {"-changelog", "-repartition"};
    size_t size = strlen(topic), own = strlen(plan->application);

    if (strncmp(topic, plan->application, own) != 0 || topic[own] != '-')
        return false;
    /* What the file itself reads or writes by name is never ours to delete. */
    for (uint32_t t = 0; t < plan->topic_count; t++)
        if (strcmp(plan->topics[t]->name, topic) == 0 &&
            (plan->topics[t]->roles & (SX_TOPIC_SOURCE | SX_TOPIC_SINK)) != 0)
            return false;
    for (size_t e = 0; e < SX_COUNT(ends); e++)
        if (size > own + strlen(ends[e]) && strcmp(topic + size - strlen(ends[e]), ends[e]) == 0)
            return true;
    return strcmp(topic + own, "-slots") == 0;
}

/* ---- State ----------------------------------------------------------------------------------- */

struct forgetting {
    struct sx_unit *unit;
    const char *application;
};

static void forget_store(const char *name, uint32_t id, void *arg)
{
    struct forgetting *f = arg;

    sx_kept_forget(f->unit, f->application, name, id);
}

/* Also of definitions that an older version of the file had. */
static streamd_status forget_state(struct resetting *r, streamd_error **error)
{
    struct forgetting f = {sx_unit_new(r->disk), r->plan->application};
    streamd_status status = sx_kept_each(r->disk, f.application, forget_store, &f, error);

    if (status == STREAMD_OK)
        status = sx_unit_write(f.unit, r->session.disk != NULL, error);
    sx_unit_free(f.unit);
    return status;
}

/* ---- Asking ---------------------------------------------------------------------------------- */

static void show_store(const char *name, uint32_t id, void *arg)
{
    const struct resetting *r = arg;

    (void)id;
    printf("  state   %s in %s\n", name, r->folder);
}

static void show(struct resetting *r)
{
    printf("application %s\n  offsets of its group, so that its sources are read anew\n",
           r->plan->application);
    sx_kept_each(r->disk, r->plan->application, show_store, r, NULL);
    for (uint32_t t = 0; t < r->topic_count; t++)
        if (is_ours(r->plan, r->topics[t]))
            printf("  topic   %s\n", r->topics[t]);
    puts("Topics that the file reads or writes stay as they are: what is processed again is written again.");
    fflush(stdout);
}

static bool agreed(const struct sx_options *options)
{
    char line[16];

    if (options->values[SX_OPTION_YES] != NULL)
        return true;
    if (isatty(STDIN_FILENO) != 1) {
        fputs("error: nothing was done; --yes does it\n", stderr);
        return false;
    }
    fputs("Forget all this? [y/N] ", stderr);
    if (fgets(line, sizeof(line), stdin) != NULL && (line[0] == 'y' || line[0] == 'Y'))
        return true;
    fputs("nothing was done\n", stderr);
    return false;
}

/* ---- Doing ----------------------------------------------------------------------------------- */

/* Offsets first: a group with members refuses, and then nothing is lost. */
static streamd_status reset(struct resetting *r, streamd_error **error)
{
    const struct sx_log_def *def = r->session.log->def;
    streamd_status status = def->forget(r->session.log, error);

    if (status == STREAMD_OK)
        status = forget_state(r, error);
    for (uint32_t t = 0; t < r->topic_count && status == STREAMD_OK; t++)
        if (is_ours(r->plan, r->topics[t]))
            status = def->remove(r->session.log, r->topics[t], error);
    return status;
}

static bool open_all(struct resetting *r, const struct sx_options *options)
{
    streamd_error *error = NULL;

    if (!sx_session_open_as(&r->session, options, r->plan->application, SX_AT_LEAST_ONCE))
        return false;
    r->folder = sx_setup_folder(r->session.config, r->plan->application);
    r->disk = r->session.disk;
    if (r->disk == NULL)
        r->disk = sx_session_disk(r->folder, true, (struct sx_disk_options){.memory_bytes = 64 << 20});
    if (r->disk != NULL &&
        r->session.log->def->topics(r->session.log, &r->topics, &r->topic_count, &error) == STREAMD_OK)
        return true;
    if (error != NULL)
        sx_complain(error);
    return false;
}

static void close_all(struct resetting *r)
{
    for (uint32_t t = 0; t < r->topic_count; t++)
        free(r->topics[t]);
    free(r->topics);
    if (r->disk != NULL && r->disk != r->session.disk)
        sx_disk_close(r->disk);
    sx_session_close(&r->session);
    free(r->folder);
}

static int run(const struct sx_options *options)
{
    struct resetting r = {0};
    struct sx_compiled *compiled;
    streamd_error *error = NULL;
    int code;

    if (options->argument_count != 1) {
        fputs("usage: streamd reset FILE\n", stderr);
        return SX_EXIT_USAGE;
    }
    compiled = sx_load(options->arguments[0], options, false, &code);
    if (compiled == NULL)
        return code;
    r.plan = compiled->plan;
    code = SX_EXIT_FAILED;
    if (open_all(&r, options)) {
        show(&r);
        if (agreed(options)) {
            if (reset(&r, &error) == STREAMD_OK)
                code = SX_EXIT_OK;
            else
                sx_complain(error);
        }
    }
    close_all(&r);
    sx_compiled_free(compiled);
    return code;
}

const struct sx_command sx_command_reset = {
    .name = "reset",
    .usage = "FILE",
    .summary = "Forget an application's state, offsets and internal topics, after showing them.",
    .more =
        "The application must be stopped, on all machines. On another machine its state stays where it is,\n"
        "and is restored or thrown away there by what is then in the topics.\n",
    .options = " bootstrap config state-dir data-dir yes ",
    .run = run,
};
