/* json_plan.c: binding. */
#include "engine/format/json_plan.h"

#include "engine/base/hash.h"

struct binding {
    struct sx_arena *arena;
    struct sx_json_plan *plan;
    streamd_error **error;
};

struct sx_json_slot *sx_json_find_slot(const struct sx_json_node *node, struct sx_slice name)
{
    if (node->count == 0)
        return NULL;
    for (uint32_t i = (uint32_t)sx_hash(name.data, name.size) & node->mask;; i = (i + 1) & node->mask) {
        struct sx_json_slot *slot = node->table[i];

        if (slot == NULL || sx_slice_equal(slot->name, name))
            return slot;
    }
}

static struct sx_json_node *new_node(struct binding *b)
{
    struct sx_json_node *node = SX_ARENA_NEW(b->arena, struct sx_json_node);

    node->number = b->plan->node_count++;
    return node;
}

static void put_in_table(struct sx_json_node *node, struct sx_json_slot *slot)
{
    uint32_t i = (uint32_t)sx_hash(slot->name.data, slot->name.size) & node->mask;

    while (node->table[i] != NULL)
        i = (i + 1) & node->mask;
    node->table[i] = slot;
}

/* Both arrays have room for a power of two; a full one is replaced by one of twice the size. */
static void add_slot(struct binding *b, struct sx_json_node *node, struct sx_json_slot *slot)
{
    if (node->count == (node->table ? (node->mask + 1) / 2 : 0)) {
        uint32_t room = node->count ? node->count * 2 : 4;
        struct sx_json_slot **slots = SX_ARENA_ARRAY(b->arena, struct sx_json_slot *, room);

        if (node->count)
            memcpy(slots, node->slots, sizeof(*slots) * node->count);
        node->slots = slots;
        node->mask = room * 2 - 1;
        node->table = SX_ARENA_ARRAY(b->arena, struct sx_json_slot *, room * 2);
        for (uint32_t i = 0; i < node->count; i++)
            put_in_table(node, slots[i]);
    }
    node->slots[node->count++] = slot;
    put_in_table(node, slot);
}

static struct sx_json_slot *need_slot(struct binding *b, struct sx_json_node *node, struct sx_slice name,
                                      const struct sx_json_path *above)
{
    struct sx_json_slot *slot = sx_json_find_slot(node, name);

    if (slot != NULL)
        return slot;
    slot = SX_ARENA_NEW(b->arena, struct sx_json_slot);
    slot->name = sx_arena_copy(b->arena, name);
    slot->number = b->plan->slot_count++;
    slot->path.above = above;
    slot->path.name = sx_arena_strndup(b->arena, name.data, name.size);
    slot->field = -1;
    add_slot(b, node, slot);
    return slot;
}

/* The slot of `a.b.c`; NULL: a name is empty. */
static struct sx_json_slot *slot_of_path(struct binding *b, const char *path)
{
    struct sx_json_node *node = b->plan->root;
    struct sx_json_slot *slot = NULL;

    for (const char *part = path;; node = slot->inside) {
        size_t size = strcspn(part, ".");

        if (size == 0)
            return NULL;
        slot = need_slot(b, node, sx_slice(part, size), slot ? &slot->path : NULL);
        part += size;
        if (*part++ == '\0')
            return slot;
        if (slot->inside == NULL)
            slot->inside = new_node(b);
    }
}

static streamd_status bind_field(struct binding *b, const struct sx_format_field *from, uint32_t number,
                                 bool key)
{
    struct sx_json_field *field = &b->plan->fields[number];
    struct sx_json_slot *slot;

    field->name = sx_arena_strdup(b->arena, from->name);
    field->path.name = field->name;
    field->type = from->type;
    field->not_null = from->not_null;
    b->plan->has_json |= sx_type_holds(from->type, SX_JSON);
    field->canonical = key && sx_type_holds(from->type, SX_JSON);
    field->has_default = from->has_default;
    field->preset = sx_value_copy(b->arena, from->preset);
    if (from->type->kind == SX_DOUBLE && field->preset.kind == SX_INT)
        field->preset = sx_value_double((double)field->preset.i);
    if (b->plan->whole)
        return STREAMD_OK;
    slot =
        from->path ? slot_of_path(b, from->path) : need_slot(b, b->plan->root, sx_slice_of(from->name), NULL);
    if (slot == NULL)
        return sx_fail(b->error, STREAMD_E_TYPE, "`%s` is from \"%s\", where a name is empty", from->name,
                       from->path);
    field->slot = slot->number;
    if (slot->field < 0)
        slot->field = (int32_t)number;
    return STREAMD_OK;
}

/* The text before each value and behind the last. What is inside a field that is written itself is
 * part of that. */
static void add_steps(struct binding *b, const struct sx_json_node *node, struct sx_buffer *text)
{
    struct sx_json_plan *plan = b->plan;

    sx_buffer_add_byte(text, '{');
    for (uint32_t i = 0; i < node->count; i++) {
        const struct sx_json_slot *slot = node->slots[i];

        if (i > 0)
            sx_buffer_add_byte(text, ',');
        sx_json_write_string(text, slot->name);
        sx_buffer_add_byte(text, ':');
        if (slot->field < 0) {
            add_steps(b, slot->inside, text);
            continue;
        }
        plan->steps[plan->step_count].before = sx_arena_copy(b->arena, sx_buffer_slice(text));
        plan->steps[plan->step_count++].field = (uint32_t)slot->field;
        text->size = 0;
    }
    sx_buffer_add_byte(text, '}');
}

streamd_status sx_json_bind(const struct sx_format_spec *spec, struct sx_arena *arena, void **plan,
                            streamd_error **error)
{
    struct binding b = {.arena = arena, .plan = SX_ARENA_NEW(arena, struct sx_json_plan), .error = error};
    struct sx_buffer text = {0};

    if (spec->whole && spec->field_count > 1)
        return sx_fail(error, STREAMD_E_TYPE, "`json T` is one column, not %u", spec->field_count);
    b.plan->whole = spec->whole;
    b.plan->field_count = spec->field_count;
    b.plan->fields = SX_ARENA_ARRAY(arena, struct sx_json_field, spec->field_count + 1);
    b.plan->root = new_node(&b);
    for (uint32_t i = 0; i < spec->field_count; i++) {
        streamd_status status = bind_field(&b, &spec->fields[i], i, spec->key);

        if (status != STREAMD_OK)
            return status;
    }
    if (!spec->whole) {
        b.plan->steps = SX_ARENA_ARRAY(arena, struct sx_json_step, b.plan->slot_count + 1);
        add_steps(&b, b.plan->root, &text);
        b.plan->tail = sx_arena_copy(arena, sx_buffer_slice(&text));
        sx_buffer_free(&text);
    }
    *plan = b.plan;
    return STREAMD_OK;
}
