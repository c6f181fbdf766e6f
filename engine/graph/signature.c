/* signature.c: see signature.h. */
#include "engine/graph/signature.h"

#include "engine/base/hash.h"
#include "engine/base/text.h"

#include <stdarg.h>

#define PARTS_MAX 16 /* of a signature */

/* ---- Lines ----------------------------------------------------------------------------------- */

static void add_line(struct sx_store_plan *store, struct sx_arena *arena, const char *part,
                     struct sx_slice text)
{
    store->fingerprint =
        sx_arena_format(arena, "%s%s: %.*s\n", store->fingerprint, part, (int)text.size, text.data);
}

void sx_store_keeps_also(struct sx_store_plan *store, struct sx_arena *arena, const char *part,
                         const char *format, ...)
{
    struct sx_buffer text = {0};
    va_list args;
    int size;

    va_start(args, format);
    size = vsnprintf(NULL, 0, format, args);
    va_end(args);
    va_start(args, format);
    vsnprintf(sx_buffer_room(&text, (size_t)size + 1), (size_t)size + 1, format, args);
    va_end(args);
    add_line(store, arena, part, sx_slice(text.data, (size_t)size));
    sx_buffer_free(&text);
}

void sx_store_keeps_span(struct sx_store_plan *store, struct sx_arena *arena, const char *part, int64_t ms)
{
    struct sx_buffer text = {0};

    sx_add_duration(&text, ms);
    add_line(store, arena, part, sx_buffer_slice(&text));
    sx_buffer_free(&text);
}

static void add_columns(struct sx_store_plan *store, struct sx_arena *arena, const struct sx_schema *schema,
                        const char *part, enum sx_role role)
{
    struct sx_buffer text = {0};

    for (uint32_t i = 0; i < schema->count; i++) {
        if (schema->fields[i].role != role)
            continue;
        sx_buffer_printf(&text, "%s%s ", text.size ? ", " : "", schema->fields[i].name);
        sx_type_print(schema->fields[i].type, &text);
    }
    if (role == SX_ROLE_KEY && schema->windowed)
        sx_buffer_add_text(&text, text.size ? ", window" : "window");
    add_line(store, arena, part, text.size ? sx_buffer_slice(&text) : SX_SLICE("none"));
    sx_buffer_free(&text);
}

void sx_store_keeps_key(struct sx_store_plan *store, struct sx_arena *arena, const struct sx_schema *schema)
{
    add_columns(store, arena, schema, "key", SX_ROLE_KEY);
}

void sx_store_keeps(struct sx_store_plan *store, struct sx_arena *arena, const struct sx_schema *schema)
{
    sx_store_keeps_key(store, arena, schema);
    add_columns(store, arena, schema, "value", SX_ROLE_VALUE);
    if (sx_schema_kept(schema) > schema->value_count)
        add_columns(store, arena, schema, "readable", SX_ROLE_READABLE);
}

/* ---- Where rows lie -------------------------------------------------------------------------- */

const struct sx_node_plan *sx_store_owner(const struct sx_plan *plan, const struct sx_store_plan *store)
{
    for (uint32_t n = 0; n < plan->node_count; n++)
        for (uint32_t s = 0; s < plan->nodes[n]->store_count; s++)
            if (plan->nodes[n]->stores[s] == store->index)
                return plan->nodes[n];
    return NULL;
}

static bool is_far_side(const struct sx_node_plan *node)
{
    return node->entry != NULL && node->input_count > 0;
}

void sx_node_reach(const struct sx_node_plan *from, bool *reached)
{
    for (uint32_t o = 0; o < from->output_count; o++) {
        const struct sx_node_plan *to = from->outputs[o].to;

        if (reached[to->index])
            continue;
        reached[to->index] = true;
        if (!is_far_side(to))
            sx_node_reach(to, reached);
    }
}

/* The key encodings of the repartition topics whose rows reach the store: a row's partition is the hash of
 * its key in that encoding. Where there is none, rows lie where their topics have them. */
static void add_place(const struct sx_plan *plan, const struct sx_store_plan *store, struct sx_buffer *to)
{
    const struct sx_node_plan *owner = sx_store_owner(plan, store);
    struct sx_arena arena;
    const struct sx_topic_plan *seen = NULL;
    bool *reached;

    sx_arena_init(&arena, 0);
    sx_buffer_add_text(to, "partitions: ");
    for (uint32_t n = 0; owner != NULL && n < plan->node_count; n++) {
        const struct sx_node_plan *entry = plan->nodes[n];
        const struct sx_topic_plan *topic = is_far_side(entry) ? plan->topics[entry->topics[0]] : NULL;

        if (topic == NULL || topic->key_format == NULL)
            continue;
        reached = SX_ARENA_ARRAY(&arena, bool, plan->node_count + 1);
        sx_node_reach(entry, reached);
        if (!reached[owner->index] || (seen != NULL && seen->key_format == topic->key_format))
            continue;
        sx_buffer_printf(to, "%s %s%s%s", seen == NULL ? "by the key as" : ",", topic->key_format->name,
                         topic->key_names ? " of " : "", topic->key_names ? topic->key_names : "");
        seen = topic;
    }
    if (seen == NULL)
        sx_buffer_add_text(to, "as in its topic");
    sx_buffer_add_byte(to, '\n');
    sx_arena_free(&arena);
}

void sx_store_signature(const struct sx_plan *plan, const struct sx_store_plan *store, struct sx_buffer *to)
{
    sx_buffer_printf(to, "kind: %s\nformat: %u\n%s", store->kind == SX_STORE_KV ? "key-value" : "windows",
                     store->format, store->fingerprint);
    if (to->data[to->size - 1] != '\n') /* a program's operator may have said it in its own way */
        sx_buffer_add_byte(to, '\n');
    if (!store->from_source)
        add_place(plan, store, to);
}

uint32_t sx_signature_hash(struct sx_slice signature)
{
    return (uint32_t)sx_murmur2(signature.data, signature.size);
}

/* ---- Comparing ------------------------------------------------------------------------------- */

struct part {
    struct sx_slice name, text;
};

static bool next_part(struct sx_slice *rest, struct part *part)
{
    const char *end, *colon;
    uint32_t size;

    if (rest->size == 0)
        return false;
    end = memchr(rest->data, '\n', rest->size);
    size = end != NULL ? (uint32_t)(end - rest->data) : rest->size;
    colon = memchr(rest->data, ':', size);
    if (colon != NULL && colon + 1 < rest->data + size && colon[1] == ' ') {
        part->name = sx_slice(rest->data, (size_t)(colon - rest->data));
        part->text = sx_slice(colon + 2, size - part->name.size - 2);
    } else {
        part->name = SX_SLICE("content");
        part->text = sx_slice(rest->data, size);
    }
    size += end != NULL;
    *rest = sx_slice(rest->data + size, rest->size - size);
    return true;
}

static bool find_part(struct sx_slice signature, struct sx_slice name, struct part *part)
{
    while (next_part(&signature, part))
        if (sx_slice_equal(part->name, name))
            return true;
    return false;
}

uint32_t sx_signature_compare(struct sx_slice was, struct sx_slice is, struct sx_arena *arena,
                              const struct sx_signature_change **changes)
{
    struct sx_signature_change *list = SX_ARENA_ARRAY(arena, struct sx_signature_change, 2 * PARTS_MAX);
    struct sx_slice rest = was;
    struct part part, other;
    uint32_t count = 0;

    while (count < PARTS_MAX && next_part(&rest, &part)) {
        bool found = find_part(is, part.name, &other);

        if (found && sx_slice_equal(part.text, other.text))
            continue;
        list[count++] = (struct sx_signature_change){
            sx_arena_strndup(arena, part.name.data, part.name.size),
            sx_arena_strndup(arena, part.text.data, part.text.size),
            found ? sx_arena_strndup(arena, other.text.data, other.text.size) : NULL};
    }
    rest = is;
    while (count < 2 * PARTS_MAX && next_part(&rest, &part))
        if (!find_part(was, part.name, &other))
            list[count++] =
                (struct sx_signature_change){sx_arena_strndup(arena, part.name.data, part.name.size), NULL,
                                             sx_arena_strndup(arena, part.text.data, part.text.size)};
    *changes = list;
    return count;
}

static void print_side(const char *text, struct sx_buffer *to)
{
    if (text == NULL)
        sx_buffer_add_text(to, "none");
    else
        sx_buffer_printf(to, "`%s`", text);
}

void sx_signature_change_print(const struct sx_signature_change *change, struct sx_buffer *to)
{
    sx_buffer_printf(to, "%s: was ", change->part);
    print_side(change->was, to);
    sx_buffer_add_text(to, ", is ");
    print_side(change->is, to);
}

void sx_signature_explain(struct sx_slice was, struct sx_slice is, struct sx_buffer *to)
{
    const struct sx_signature_change *changes;
    struct sx_arena arena;
    uint32_t count;

    sx_arena_init(&arena, 0);
    count = sx_signature_compare(was, is, &arena, &changes);
    for (uint32_t i = 0; i < count; i++) {
        sx_buffer_add_text(to, i ? "; " : "");
        sx_signature_change_print(&changes[i], to);
    }
    sx_arena_free(&arena);
}

/* ---- Repartition topics ---------------------------------------------------------------------- */

void sx_travelling_print(const struct sx_node_plan *node, struct sx_buffer *to)
{
    const struct sx_schema *schema = node->schema;

    for (uint32_t c = 0; c < schema->count; c++) {
        if (c >= schema->key_count && !sx_bit(node->needed, c))
            continue;
        sx_buffer_printf(to, "%s ", schema->fields[c].name);
        sx_type_print(schema->fields[c].type, to);
        sx_buffer_add_byte(to, '\n');
    }
}
