/* upgrade.c: see upgrade.h. */
#include "engine/graph/upgrade.h"

#include <stdarg.h>

#define REASONS_MAX 24 /* of one row; more are not told */

struct comparing {
    struct sx_upgrade *upgrade;
    const struct sx_plan *was, *is;
    bool (*changed)(const char *definition, void *arg);
    void *arg;
    struct sx_arena *arena;
    struct sx_fate_row *stores, *topics, *sources;
};

const char *sx_fate_name(enum sx_fate fate)
{
    static const char *const names[] = {
        [SX_FATE_KEPT] = "kept",       [SX_FATE_NEW] = "new",         [SX_FATE_DROPPED] = "dropped",
        [SX_FATE_REBUILT] = "rebuilt", [SX_FATE_CHANGED] = "changed", [SX_FATE_LOST] = "lost"};

    return names[fate];
}

/* ---- Small things ---------------------------------------------------------------------------- */

static void say(struct comparing *c, struct sx_fate_row *row, enum sx_fate fate, const char *format, ...)
    SX_PRINTF(4, 5);

/* The row is at least this bad, for this reason. */
static void say(struct comparing *c, struct sx_fate_row *row, enum sx_fate fate, const char *format, ...)
{
    char text[2048];
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    row->fate = SX_MAX(row->fate, fate);
    if (row->reasons == NULL)
        row->reasons = SX_ARENA_ARRAY(c->arena, const char *, REASONS_MAX);
    if (row->reason_count < REASONS_MAX)
        row->reasons[row->reason_count++] = sx_arena_strdup(c->arena, text);
}

static void restart(struct comparing *c, enum sx_restart how, const char *why)
{
    struct sx_upgrade *u = c->upgrade;

    u->restart = SX_MAX(u->restart, how);
    if (u->why_count < REASONS_MAX)
        u->why[u->why_count++] = why;
}

static const struct sx_store_plan *store_named(const struct sx_plan *plan, const char *name)
{
    for (uint32_t s = 0; s < plan->store_count; s++)
        if (strcmp(plan->stores[s]->name, name) == 0)
            return plan->stores[s];
    return NULL;
}

static const struct sx_topic_plan *topic_named(const struct sx_plan *plan, const char *name)
{
    for (uint32_t t = 0; t < plan->topic_count; t++)
        if (strcmp(plan->topics[t]->name, name) == 0)
            return plan->topics[t];
    return NULL;
}

/* A sink of an unnamed pipeline is called after its topic: it is none. */
static bool has_definition(const struct sx_plan *plan, const char *name)
{
    for (uint32_t n = 0; n < plan->node_count; n++)
        if (plan->nodes[n]->output_count > 0 && strcmp(plan->nodes[n]->definition, name) == 0)
            return true;
    return false;
}

/* The repartition node of a topic. */
static const struct sx_node_plan *repartition_of(const struct sx_plan *plan,
                                                 const struct sx_topic_plan *topic)
{
    for (uint32_t n = 0; n < plan->node_count; n++)
        if (plan->nodes[n]->entry != NULL && plan->nodes[n]->input_count > 0 &&
            plan->nodes[n]->entry->topics[0] == topic->index)
            return plan->nodes[n];
    return NULL;
}

static const char *definition_of(const struct sx_plan *plan, const struct sx_store_plan *store)
{
    const struct sx_node_plan *owner = sx_store_owner(plan, store);

    return owner != NULL ? owner->definition : store->name;
}

static struct sx_fate_row *store_row(struct comparing *c, const struct sx_plan *plan,
                                     const struct sx_store_plan *store)
{
    struct sx_fate_row *row = &c->stores[c->upgrade->store_count++];

    row->definition = definition_of(plan, store);
    row->name = store->name;
    row->topic = store->changelog;
    row->from_source = store->from_source;
    return row;
}

/* ---- Stores ---------------------------------------------------------------------------------- */

static struct sx_slice signature_of(struct comparing *c, const struct sx_plan *plan,
                                    const struct sx_store_plan *store)
{
    struct sx_buffer text = {0};
    struct sx_slice copy;

    sx_store_signature(plan, store, &text);
    copy = sx_slice(sx_arena_strndup(c->arena, text.data, text.size), text.size);
    sx_buffer_free(&text);
    return copy;
}

static void say_changes(struct comparing *c, struct sx_fate_row *row, enum sx_fate fate,
                        const struct sx_store_plan *was, const struct sx_store_plan *is)
{
    const struct sx_signature_change *changes;
    uint32_t count =
        sx_signature_compare(signature_of(c, c->was, was), signature_of(c, c->is, is), c->arena, &changes);
    struct sx_buffer text = {0};

    for (uint32_t i = 0; i < count; i++) {
        text.size = 0;
        sx_signature_change_print(&changes[i], &text);
        say(c, row, fate, "%.*s", (int)text.size, text.data);
    }
    sx_buffer_free(&text);
}

/* Repartition topics whose written partition counts differ: where a key's rows lie, changes. */
static void say_counts(struct comparing *c, struct sx_fate_row *row, const struct sx_store_plan *is)
{
    const struct sx_node_plan *owner = sx_store_owner(c->is, is);
    bool *reached = SX_ARENA_ARRAY(c->arena, bool, c->is->node_count + 1);

    for (uint32_t t = 0; t < c->is->topic_count && owner != NULL; t++) {
        const struct sx_topic_plan *topic = c->is->topics[t], *old = topic_named(c->was, topic->name);
        const struct sx_node_plan *entry = repartition_of(c->is, topic);

        if (entry == NULL || old == NULL || old->partitions == topic->partitions)
            continue;
        memset(reached, 0, sizeof(*reached) * c->is->node_count);
        sx_node_reach(entry, reached);
        if (!reached[owner->index])
            continue;
        if (old->partitions == 0)
            say(c, row, SX_FATE_LOST, "it was in as many partitions as its input, and is to be in %d",
                topic->partitions);
        else if (topic->partitions == 0)
            say(c, row, SX_FATE_LOST, "it was in %d partitions, and is to be in as many as its input",
                old->partitions);
        else
            say(c, row, SX_FATE_LOST, "it was in %d partitions, and is to be in %d", old->partitions,
                topic->partitions);
    }
}

/* Definitions from which rows come to the store. */
static void mark_upstream(const struct sx_plan *plan, const struct sx_node_plan *owner, bool *upstream)
{
    upstream[owner->index] = true;
    for (uint32_t n = plan->node_count; n-- > 0;) /* inputs stand before what reads them */
        for (uint32_t o = 0; o < plan->nodes[n]->output_count; o++)
            if (upstream[plan->nodes[n]->outputs[o].to->index])
                upstream[n] = true;
}

/* What is kept, was computed by the old text. */
static void say_written_otherwise(struct comparing *c, struct sx_fate_row *row,
                                  const struct sx_store_plan *is)
{
    const struct sx_node_plan *owner = sx_store_owner(c->is, is);
    bool *upstream = SX_ARENA_ARRAY(c->arena, bool, c->is->node_count + 1);
    const char *last = "";

    if (owner == NULL)
        return;
    mark_upstream(c->is, owner, upstream);
    for (uint32_t n = 0; n < c->is->node_count; n++) {
        const struct sx_node_plan *node = c->is->nodes[n];
        bool source = node->entry != NULL && node->input_count == 0;

        if (!upstream[n] || source || strcmp(node->definition, last) == 0 ||
            !c->changed(node->definition, c->arg))
            continue;
        last = node->definition;
        if (strcmp(last, row->definition) == 0)
            say(c, row, SX_FATE_KEPT, "it is written otherwise now; rows from before stay as they were");
        else
            say(c, row, SX_FATE_KEPT,
                "`%s`, which it reads, is written otherwise now; rows from before stay as they were", last);
    }
}

/* A table that is a copy of a topic. */
static void compare_copy(struct comparing *c, struct sx_fate_row *row, const struct sx_store_plan *was,
                         const struct sx_store_plan *is)
{
    if (!was->from_source)
        say(c, row, SX_FATE_REBUILT, "it was computed, and is now a copy of topic `%s`", is->changelog);
    else if (strcmp(was->changelog, is->changelog) != 0)
        say(c, row, SX_FATE_REBUILT, "it was a copy of topic `%s`, and is one of `%s`", was->changelog,
            is->changelog);
    else if (was->global != is->global)
        say(c, row, SX_FATE_REBUILT, "it is %s", is->global ? "global now" : "not global any more");
    say_changes(c, row, SX_FATE_REBUILT, was, is);
}

static void compare_stores(struct comparing *c)
{
    for (uint32_t s = 0; s < c->was->store_count; s++) {
        const struct sx_store_plan *was = c->was->stores[s], *is = store_named(c->is, was->name);
        struct sx_fate_row *row = store_row(c, is ? c->is : c->was, is ? is : was);

        if (is == NULL && was->from_source)
            say(c, row, SX_FATE_DROPPED, "it is not in the new file; topic `%s` still holds its rows",
                was->changelog);
        else if (is == NULL)
            say(c, row, SX_FATE_LOST, "it is not in the new file");
        else if (is->from_source)
            compare_copy(c, row, was, is);
        else if (was->from_source)
            say(c, row, SX_FATE_LOST, "it was a copy of topic `%s`, and is computed now", was->changelog);
        else if (strcmp(was->changelog, is->changelog) != 0)
            say(c, row, SX_FATE_LOST, "the application was called `%s`", c->was->application);
        else {
            say_changes(c, row, SX_FATE_LOST, was, is);
            say_counts(c, row, is);
            if (row->fate == SX_FATE_KEPT)
                say_written_otherwise(c, row, is);
        }
        if (row->fate == SX_FATE_LOST && is != NULL && strcmp(c->was->application, c->is->application) == 0)
            restart(c, SX_RESTART_STOP,
                    sx_arena_format(c->arena, "what is kept for `%s` cannot be used by the new version",
                                    row->name));
        c->upgrade->lost += row->fate == SX_FATE_LOST;
    }
    for (uint32_t s = 0; s < c->is->store_count; s++)
        if (store_named(c->was, c->is->stores[s]->name) == NULL) {
            const struct sx_store_plan *is = c->is->stores[s];
            struct sx_fate_row *row = store_row(c, c->is, is);

            if (is->from_source)
                say(c, row, SX_FATE_NEW, "filled from topic `%s`", is->changelog);
            else
                say(c, row, SX_FATE_NEW,
                    "begins empty: of topics that were read before, it sees the rows from now on");
        }
}

/* ---- Topics ---------------------------------------------------------------------------------- */

static struct sx_fate_row *topic_row(struct comparing *c, const char *name, const char *definition)
{
    struct sx_fate_row *row = &c->topics[c->upgrade->topic_count++];

    row->name = row->topic = name;
    row->definition = definition;
    return row;
}

static bool same_columns(const struct sx_node_plan *a, const struct sx_node_plan *b)
{
    struct sx_buffer x = {0}, y = {0};
    bool same;

    sx_travelling_print(a, &x);
    sx_travelling_print(b, &y);
    same = sx_slice_equal(sx_buffer_slice(&x), sx_buffer_slice(&y));
    sx_buffer_free(&x);
    sx_buffer_free(&y);
    return same;
}

static bool same_names(const char *a, const char *b)
{
    return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

static void compare_repartition(struct comparing *c, const struct sx_topic_plan *was,
                                const struct sx_topic_plan *is)
{
    const struct sx_node_plan *a = repartition_of(c->was, was), *b = repartition_of(c->is, is);
    struct sx_fate_row *row = topic_row(c, is->name, b != NULL ? b->definition : NULL);

    if (a != NULL && b != NULL && !same_columns(a, b))
        say(c, row, SX_FATE_CHANGED, "other columns travel through it");
    if (was->key_format != is->key_format || !same_names(was->key_names, is->key_names))
        say(c, row, SX_FATE_CHANGED, "its keys are encoded as %s, and were as %s",
            is->key_format ? is->key_format->name : "none", was->key_format ? was->key_format->name : "none");
    if (row->fate == SX_FATE_CHANGED)
        restart(c, SX_RESTART_DRAIN,
                sx_arena_format(c->arena, "the two versions do not understand each other's rows in `%s`",
                                is->name));
    if (was->partitions != is->partitions) {
        say(c, row, SX_FATE_LOST, "its number of partitions changes: delete it, or `streamd reset`");
        restart(
            c, SX_RESTART_STOP,
            sx_arena_format(c->arena, "`%s` must be made anew with another number of partitions", is->name));
    }
}

/* A changelog of a store whose rows cannot be used. */
static bool is_of_lost(const struct comparing *c, const char *topic)
{
    for (uint32_t s = 0; s < c->upgrade->store_count; s++)
        if (c->stores[s].fate == SX_FATE_LOST && strcmp(c->stores[s].topic, topic) == 0)
            return true;
    return false;
}

static void compare_topics(struct comparing *c)
{
    const uint32_t own = SX_TOPIC_REPARTITION | SX_TOPIC_CHANGELOG;

    for (uint32_t t = 0; t < c->was->topic_count; t++) {
        const struct sx_topic_plan *was = c->was->topics[t], *is = topic_named(c->is, was->name);
        const struct sx_node_plan *node = repartition_of(c->was, was);
        struct sx_fate_row *row;

        if ((was->roles & own) == 0)
            continue;
        if (is != NULL && (is->roles & SX_TOPIC_REPARTITION)) {
            compare_repartition(c, was, is);
            continue;
        }
        row = topic_row(c, was->name, node ? node->definition : NULL);
        if (is != NULL && is_of_lost(c, is->name))
            say(c, row, SX_FATE_CHANGED, "its rows are of the old form");
        if (is != NULL)
            continue;
        say(c, row, SX_FATE_DROPPED, "orphaned: delete it when no old version runs any more");
        if (node == NULL || !has_definition(c->is, node->definition) ||
            strcmp(c->was->application, c->is->application) != 0)
            continue;
        say(c, row, SX_FATE_CHANGED, "rows that are under way in it are not read by the new version");
        restart(c, SX_RESTART_DRAIN,
                sx_arena_format(c->arena,
                                "the new version does not read `%s`, and rows may be under way in it",
                                was->name));
    }
    for (uint32_t t = 0; t < c->is->topic_count; t++)
        if ((c->is->topics[t]->roles & own) && topic_named(c->was, c->is->topics[t]->name) == NULL) {
            const struct sx_node_plan *node = repartition_of(c->is, c->is->topics[t]);

            topic_row(c, c->is->topics[t]->name, node ? node->definition : NULL)->fate = SX_FATE_NEW;
        }
}

static void compare_sources(struct comparing *c)
{
    for (int now = 0; now < 2; now++) {
        const struct sx_plan *plan = now ? c->is : c->was, *other = now ? c->was : c->is;

        for (uint32_t t = 0; t < plan->topic_count; t++) {
            const struct sx_topic_plan *topic = plan->topics[t], *theirs = topic_named(other, topic->name);
            struct sx_fate_row *row;

            if ((topic->roles & SX_TOPIC_SOURCE) == 0 || (theirs && (theirs->roles & SX_TOPIC_SOURCE)))
                continue;
            row = &c->sources[c->upgrade->source_count++];
            row->name = row->topic = topic->name;
            say(c, row, now ? SX_FATE_NEW : SX_FATE_DROPPED, "%s",
                now ? "read from its start; it may not have more partitions than what was read before"
                    : "no longer read");
        }
    }
}

struct sx_upgrade *sx_upgrade_compare(const struct sx_plan *was, const struct sx_plan *is,
                                      bool (*changed)(const char *definition, void *arg), void *arg,
                                      struct sx_arena *arena)
{
    struct comparing c = {.was = was, .is = is, .changed = changed, .arg = arg, .arena = arena};
    uint32_t topics = was->topic_count + is->topic_count + 1;

    c.upgrade = SX_ARENA_NEW(arena, struct sx_upgrade);
    c.upgrade->was = was->application;
    c.upgrade->is = is->application;
    c.upgrade->why = SX_ARENA_ARRAY(arena, const char *, REASONS_MAX);
    c.upgrade->stores = c.stores =
        SX_ARENA_ARRAY(arena, struct sx_fate_row, was->store_count + is->store_count + 1);
    c.upgrade->topics = c.topics = SX_ARENA_ARRAY(arena, struct sx_fate_row, topics);
    c.upgrade->sources = c.sources = SX_ARENA_ARRAY(arena, struct sx_fate_row, topics);
    compare_stores(&c);
    compare_topics(&c);
    compare_sources(&c);
    return c.upgrade;
}
