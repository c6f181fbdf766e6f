/* bind.c: what the bind functions of several operators do alike. */
#include "engine/base/text.h"
#include "engine/graph/operator.h"

#include <stdarg.h>
#include <stdlib.h>

void sx_bind_fail(struct sx_bind *b, int clause, const char *hint, const char *format, ...)
{
    char message[512];
    va_list args;

    va_start(args, format);
    vsnprintf(message, sizeof(message), format, args);
    va_end(args);
    b->ops->fail(b, clause, hint, message);
}

struct sx_flow *sx_bind_flow_like(struct sx_bind *b, const struct sx_flow *flow)
{
    struct sx_flow *copy = SX_ARENA_NEW(b->arena, struct sx_flow);

    *copy = *flow;
    return copy;
}

uint64_t *sx_bind_columns(struct sx_bind *b, const struct sx_schema *schema)
{
    return SX_ARENA_ARRAY(b->arena, uint64_t, SX_BITMAP_WORDS(schema->count) + 1);
}

struct sx_node_plan *sx_bind_node(struct sx_bind *b, const struct sx_flow *flow, const char *stage,
                                  const void *plan, const struct sx_schema *schema)
{
    struct sx_node_plan *node = sx_plan_node(b->plan, b->op, b->definition, stage, b->ops->position(b, -1));

    node->plan = plan;
    node->schema = schema;
    node->note = flow->window != NULL && b->op->state_bytes ? "windowed" : NULL;
    sx_plan_link(b->plan, flow->node, flow->port, node, 0);
    return node;
}

static bool has_store(const struct sx_plan *plan, const char *name)
{
    for (uint32_t i = 0; i < plan->store_count; i++)
        if (strcmp(plan->stores[i]->name, name) == 0)
            return true;
    return false;
}

/* A definition's first store has its name; one more has the stage's role behind it, numbered only when
 * the definition has that stage several times. */
static const char *store_name(struct sx_bind *b, const char *role)
{
    const char *name = role ? sx_arena_format(b->arena, "%s-%s", b->definition, role) : b->definition;
    int size = (int)strcspn(b->op->name, " ");

    if (role == NULL && has_store(b->plan, name))
        name = sx_arena_format(b->arena, "%s-%.*s", b->definition, size, b->op->name);
    for (uint32_t number = 2; has_store(b->plan, name); number++)
        name = role ? sx_arena_format(b->arena, "%s-%s-%u", b->definition, role, number)
                    : sx_arena_format(b->arena, "%s-%.*s-%u", b->definition, size, b->op->name, number);
    return name;
}

struct sx_store_plan *sx_bind_store(struct sx_bind *b, struct sx_node_plan *node, const char *role,
                                    enum sx_store_kind kind)
{
    const char *name = store_name(b, role);
    const char *topic = sx_arena_format(b->arena, "%s-%s-changelog", b->plan->application, name);
    struct sx_store_plan *store = sx_plan_store(b->plan, name, kind);

    store->changelog = sx_plan_topic(b->plan, topic, SX_TOPIC_CHANGELOG)->name;
    sx_plan_topic(b->plan, topic, SX_TOPIC_CHANGELOG)->cleanup =
        kind == SX_STORE_KV ? SX_PLAN_COMPACT : SX_PLAN_COMPACT_DELETE;
    node->stores[node->store_count++] = store->index;
    return store;
}

void sx_bind_warn_of_delay(struct sx_bind *b, const struct sx_flow *flow, int clause, int64_t grace_ms)
{
    struct sx_buffer hint = {0};

    if (flow->delay_ms <= grace_ms)
        return;
    sx_buffer_add_text(&hint, "`grace ");
    sx_add_duration(&hint, flow->delay_ms);
    sx_buffer_add_text(&hint, "` or more lets all of them in");
    b->ops->warn(b, clause, sx_arena_strndup(b->arena, hint.data, hint.size),
                 "rows without a match leave the join before it later than this grace allows");
    sx_buffer_free(&hint);
}

/* The same bytes for the same key: then rows of both topics with one key are in one partition. */
static bool same_encoding(const struct sx_topic_plan *a, const struct sx_topic_plan *b)
{
    bool one = a->key_names == NULL && b->key_names == NULL;

    return a->key_format != NULL && a->key_format == b->key_format &&
           (one || (a->key_names && b->key_names && strcmp(a->key_names, b->key_names) == 0));
}

const struct sx_flow *sx_bind_place(struct sx_bind *b, const struct sx_flow *flow, const char *role,
                                    int32_t meets)
{
    const struct sx_topic_plan *other = meets >= 0 ? b->plan->topics[meets] : NULL;
    const struct sx_topic_plan *own =
        flow->partitioned_as >= 0 ? b->plan->topics[flow->partitioned_as] : NULL;
    const char *why;

    if (!flow->moved && other == NULL)
        return flow;
    if (!flow->moved && own != NULL && (own == other || same_encoding(own, other))) {
        if (own != other && own->partitions && other->partitions && own->partitions != other->partitions) {
            sx_bind_fail(b, -1, "repartition both to one count",
                         "`%s` has %d partitions and `%s` has %d: what meets must have as many", own->name,
                         own->partitions, other->name, other->partitions);
            return flow;
        }
        if (own != other)
            sx_plan_copartition(b->plan, own->index, other->index);
        return flow;
    }
    why = flow->moved
              ? sx_arena_format(b->arena,
                                "`%s` groups or joins by another key than the rows "
                                "are partitioned by",
                                b->definition)
              : sx_arena_format(b->arena, "its keys are encoded otherwise than those of `%s`", other->name);
    return b->catalog->bind_repartition(b, flow, role, other, 0, why);
}

bool sx_node_reject_all(struct sx_node *node, const struct sx_batch *batch,
                        const struct sx_row_failures *failures)
{
    for (uint32_t i = 0; i < failures->count; i++)
        sx_node_reject(node, batch, failures->items[i].row, "expression", failures->items[i].at,
                       failures->items[i].message);
    return failures->count > 0;
}

const struct sx_schema *sx_source_schema(const struct sx_source_spec *spec, struct sx_arena *arena)
{
    struct sx_schema *schema = SX_ARENA_NEW(arena, struct sx_schema);
    uint32_t count = spec->key_count + spec->value_count;
    struct sx_field *fields = SX_ARENA_ARRAY(arena, struct sx_field, count + 1);

    for (uint32_t i = 0; i < count; i++) {
        bool key = i < spec->key_count;
        const struct sx_format_field *from =
            key ? &spec->key_fields[i] : &spec->value_fields[i - spec->key_count];
        fields[i] = (struct sx_field){.name = sx_arena_strdup(arena, from->name),
                                      .qualifier = sx_arena_strdup(arena, spec->name),
                                      .type = from->type,
                                      .role = key ? SX_ROLE_KEY : SX_ROLE_VALUE,
                                      .not_null = from->not_null};
    }
    schema->fields = fields;
    schema->count = count;
    schema->key_count = spec->key_count;
    schema->value_count = spec->value_count;
    schema->is_table = spec->kind != SX_FLOW_STREAM;
    schema->windowed = spec->key_window_ms != 0;
    schema->window_ms = spec->key_window_ms;
    schema->has_metadata = true;
    return schema;
}

const struct sx_flow *sx_source_bind(struct sx_plan *plan, const struct sx_catalog *catalog,
                                     const struct sx_source_spec *spec)
{
    return catalog->bind_source(plan, spec);
}
