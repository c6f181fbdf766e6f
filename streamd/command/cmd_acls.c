/* cmd_acls.c: the rights on a Kafka cluster that an application needs, and no more. */
#include "streamd/command/command.h"

#include "engine/base/document.h"
#include "engine/run/engine.h"

#include <stdlib.h>

/* The operations of Kafka's ACLs, in the order in which they are shown. */
enum {
    READ = 1,
    WRITE = 2,
    CREATE = 4,
    DELETE = 8,
    DESCRIBE = 16,
    DESCRIBE_CONFIGS = 32,
    IDEMPOTENT_WRITE = 64,
    ALTER = 128
};
static const char *const operations[] = {"Read",     "Write",           "Create",          "Delete",
                                         "Describe", "DescribeConfigs", "IdempotentWrite", "Alter"};

struct right {
    const char *resource; /* as kafka-acls has it: topic, group, transactional-id, cluster */
    bool prefixed;        /* the name is what names begin with */
    char *name;
    uint32_t allowed; /* operations, or-ed */
    const char *why;
};

struct rights {
    struct right *all;
    uint32_t count;
};

/* Takes `name`. */
static void need(struct rights *r, const char *resource, bool prefixed, char *name, uint32_t allowed,
                 const char *why)
{
    r->all = sx_realloc(r->all, sizeof(*r->all) * (r->count + 1));
    r->all[r->count++] = (struct right){resource, prefixed, name, allowed, why};
}

/* ---- Which ----------------------------------------------------------------------------------- */

/* What all names that the expression takes begin with, as far as that can be read off; "": nothing. */
static char *beginning_of(const char *regex)
{
    size_t size;

    if (strchr(regex, '|') != NULL)
        return sx_strdup("");
    regex += *regex == '^';
    size = strspn(regex, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-");
    if (size > 0 && regex[size] != '\0' && strchr("*?{", regex[size]) != NULL)
        size--; /* the last one may be missing */
    return sx_format("%.*s", (int)size, regex);
}

static void need_pattern(struct rights *r, const struct sx_topic_plan *topic)
{
    char *start = beginning_of(topic->pattern->text);
    bool prefixed = *start != '\0';

    if (!prefixed) {
        free(start);
        start = sx_strdup("*");
    }
    need(r, "topic", prefixed, start, READ | DESCRIBE, "read by its pattern");
}

static void need_topic(struct rights *r, const struct sx_plan *plan, const struct sx_topic_plan *topic)
{
    bool read = (topic->roles & SX_TOPIC_SOURCE) != 0, written = (topic->roles & SX_TOPIC_SINK) != 0;
    uint32_t allowed = DESCRIBE | (read ? READ : 0) | (written ? WRITE | CREATE | DESCRIBE_CONFIGS : 0);

    if (topic->medium != SX_MEDIUM_LOG || (!read && !written))
        return;
    if (topic->pattern != NULL) {
        need_pattern(r, topic);
        return;
    }
    for (uint32_t s = 0; s < plan->store_count; s++)
        if (plan->stores[s]->from_source && strcmp(plan->stores[s]->changelog, topic->name) == 0)
            allowed |= DESCRIBE_CONFIGS;
    need(r, "topic", false, sx_strdup(topic->name), allowed,
         read && written ? "read and written"
         : read          ? "read"
                         : "written; Create if it may be missing");
}

static struct rights rights_of(const struct sx_plan *plan, bool exactly_once)
{
    struct rights r = {0};
    bool transactions = exactly_once;

    for (uint32_t t = 0; t < plan->topic_count; t++) {
        need_topic(&r, plan, plan->topics[t]);
        transactions |= sx_topic_is_own(plan->topics[t]);
    }
    need(&r, "topic", true, sx_format("%s-", plan->application),
         READ | WRITE | CREATE | DELETE | DESCRIBE | DESCRIBE_CONFIGS, "changelogs, repartitions, slots");
    if (sx_plan_is_stateless(plan)) /* then inputs may get more partitions, and the slots with them */
        need(&r, "topic", false, sx_format("%s-slots", plan->application), ALTER,
             "as many slots as partitions, when an input gets more");
    need(&r, "group", false, sx_strdup(plan->application), READ | DESCRIBE | DELETE,
         "members and offsets; Delete for `streamd reset`");
    if (transactions)
        need(&r, "transactional-id", true, sx_format("%s-", plan->application), WRITE | DESCRIBE,
             "a transaction a thread");
    if (!exactly_once)
        need(&r, "cluster", false, sx_strdup("kafka-cluster"), IDEMPOTENT_WRITE,
             "brokers before 2.8; since then Write on a topic is enough");
    return r;
}

/* ---- Showing --------------------------------------------------------------------------------- */

static void add_operations(struct sx_buffer *to, uint32_t allowed, const char *before, const char *between)
{
    const char *separator = before;

    for (size_t i = 0; i < SX_COUNT(operations); i++)
        if ((allowed & 1u << i) != 0) {
            sx_buffer_printf(to, "%s%s", separator, operations[i]);
            separator = between;
        }
}

static void show_table(const struct rights *r)
{
    int width = (int)strlen("name");

    for (uint32_t i = 0; i < r->count; i++)
        width = SX_MAX(width, (int)strlen(r->all[i].name));
    printf("%-16s  %-8s  %-*s  %s\n", "resource", "pattern", width, "name", "operations");
    for (uint32_t i = 0; i < r->count; i++) {
        struct sx_buffer words = {0};

        add_operations(&words, r->all[i].allowed, "", ", ");
        printf("%-16s  %-8s  %-*s  %.*s (%s)\n", r->all[i].resource,
               r->all[i].prefixed ? "prefixed" : "literal", width, r->all[i].name, (int)words.size,
               words.data, r->all[i].why);
        sx_buffer_free(&words);
    }
}

static void show_json(const struct rights *r, const char *application)
{
    json_t *document = json_object(), *list = json_array();
    struct sx_buffer text = {0};

    for (uint32_t i = 0; i < r->count; i++) {
        json_t *one = json_object(), *allowed = json_array();

        for (size_t o = 0; o < SX_COUNT(operations); o++)
            if ((r->all[i].allowed & 1u << o) != 0)
                sx_document_push(allowed, sx_document_text(operations[o]));
        sx_document_set(one, "resource", sx_document_text(r->all[i].resource));
        sx_document_set(one, "pattern", sx_document_text(r->all[i].prefixed ? "prefixed" : "literal"));
        sx_document_set(one, "name", sx_document_text(r->all[i].name));
        sx_document_set(one, "operations", allowed);
        sx_document_set(one, "why", sx_document_text(r->all[i].why));
        sx_document_push(list, one);
    }
    sx_document_set(document, "application", sx_document_text(application));
    sx_document_set(document, "acls", list);
    sx_document_write(&text, document, true);
    fwrite(text.data, 1, text.size, stdout);
    sx_buffer_free(&text);
}

/* A word for a shell. */
static void add_word(struct sx_buffer *to, const char *text)
{
    sx_buffer_add_byte(to, '\'');
    for (; *text; text++)
        if (*text == '\'')
            sx_buffer_add_text(to, "'\\''");
        else
            sx_buffer_add_byte(to, *text);
    sx_buffer_add_byte(to, '\'');
}

static void show_commands(const struct rights *r, const char *bootstrap, const char *principal)
{
    for (uint32_t i = 0; i < r->count; i++) {
        const struct right *one = &r->all[i];
        struct sx_buffer line = {0};

        sx_buffer_add_text(&line, "kafka-acls --bootstrap-server ");
        add_word(&line, bootstrap);
        sx_buffer_add_text(&line, " --add --allow-principal ");
        add_word(&line, principal);
        add_operations(&line, one->allowed, " --operation ", " --operation ");
        sx_buffer_printf(&line, " --%s", one->resource);
        if (strcmp(one->resource, "cluster") != 0) {
            sx_buffer_add_byte(&line, ' ');
            add_word(&line, one->name);
            sx_buffer_printf(&line, " --resource-pattern-type %s", one->prefixed ? "prefixed" : "literal");
        }
        printf("%.*s\n", (int)line.size, line.data);
        sx_buffer_free(&line);
    }
}

static bool good_words(const struct sx_options *options)
{
    const char *format = sx_option(options, SX_OPTION_FORMAT);
    const char *principal = options->values[SX_OPTION_PRINCIPAL], *colon;

    if (strcmp(format, "text") != 0 && strcmp(format, "json") != 0)
        return fprintf(stderr, "error: --format is text or json, not `%s`\n", format), false;
    if (principal == NULL)
        return true;
    if (options->values[SX_OPTION_COMMANDS] == NULL)
        return fputs("error: --principal is for --commands\n", stderr), false;
    colon = strchr(principal, ':');
    if (colon == NULL || colon == principal || colon[1] == '\0')
        return fprintf(stderr, "error: --principal is a type and a name as User:alice, not `%s`\n",
                       principal),
               false;
    return true;
}

static int run(const struct sx_options *options)
{
    const char *guarantee = options->values[SX_OPTION_GUARANTEE];
    const char *bootstrap = sx_option(options, SX_OPTION_BOOTSTRAP);
    const char *principal = sx_option(options, SX_OPTION_PRINCIPAL);
    struct sx_compiled *compiled;
    struct rights r;
    int code;

    if (options->argument_count != 1) {
        fputs("usage: streamd acls FILE [--format text|json] [--commands --principal User:NAME]\n", stderr);
        return SX_EXIT_USAGE;
    }
    if (!good_words(options))
        return SX_EXIT_USAGE;
    compiled = sx_load(options->arguments[0], options, false, &code);
    if (compiled == NULL)
        return code;
    r = rights_of(compiled->plan, guarantee != NULL ? strcmp(guarantee, "exactly_once") == 0
                                                    : compiled->plan->guarantee != SX_AT_LEAST_ONCE);
    if (options->values[SX_OPTION_COMMANDS] != NULL)
        show_commands(&r, bootstrap ? bootstrap : "HOST:PORT", principal);
    else if (strcmp(sx_option(options, SX_OPTION_FORMAT), "json") == 0)
        show_json(&r, compiled->plan->application);
    else
        show_table(&r);
    for (uint32_t i = 0; i < r.count; i++)
        free(r.all[i].name);
    free(r.all);
    sx_compiled_free(compiled);
    return SX_EXIT_OK;
}

const struct sx_command sx_command_acls = {
    .name = "acls",
    .usage = "FILE",
    .summary = "The rights on a Kafka cluster that an application needs.",
    .more =
        "By resource, for Kafka's ACLs; with --commands as calls of kafka-acls that grant them. Of sources\n"
        "by pattern, the part that all names begin with, if that can be told.\n",
    .options = " bootstrap guarantee format commands principal ",
    .run = run,
};
