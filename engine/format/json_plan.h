/* json_plan.h: what binding makes of the fields of a JSON format. Private to the JSON format.
 *
 * The names that are looked for make a tree, as `from "a.b"` looks inside an object:
 *
 *   root { id -> slot 0, a -> slot 1 { b -> slot 2, c -> slot 3 } }
 *
 * A slot is a place in a document; a field reads one. Reading a row is two passes: one over the names,
 * which notes where each slot's last value stands, and one over the fields.
 */
#ifndef SX_FORMAT_JSON_PLAN_H
#define SX_FORMAT_JSON_PLAN_H

#include "engine/format/json_value.h"

struct sx_json_slot {
    struct sx_slice name;
    uint32_t number;             /* among all slots of the plan */
    struct sx_json_path path;    /* for messages */
    struct sx_json_node *inside; /* NULL: nobody looks inside */
    int32_t field;               /* the first field that reads it; -1: none */
};

struct sx_json_node {
    struct sx_json_slot **slots;
    uint32_t count;
    struct sx_json_slot **table; /* open addressing by sx_hash(name) */
    uint32_t mask;
    uint32_t number; /* among all nodes of the plan */
};

struct sx_json_field {
    const char *name;
    const struct sx_type *type;
    struct sx_json_path path;
    uint32_t slot;
    bool not_null, has_default;
    bool canonical; /* a key with json in it: equal values are to be equal bytes */
    struct sx_value preset;
};

/* One value to write, and the text before it: `,"a":{"b":`. */
struct sx_json_step {
    struct sx_slice before;
    uint32_t field;
};

struct sx_json_plan {
    bool whole;
    struct sx_json_field *fields;
    uint32_t field_count;
    struct sx_json_node *root;
    uint32_t slot_count, node_count;
    struct sx_json_step *steps;
    uint32_t step_count;
    bool has_json; /* so that its depth is not known from the types */
    struct sx_slice tail;
};

/* The slot of a name, or NULL. */
struct sx_json_slot *sx_json_find_slot(const struct sx_json_node *node, struct sx_slice name);

streamd_status sx_json_bind(const struct sx_format_spec *spec, struct sx_arena *arena, void **plan,
                            streamd_error **error);
void sx_json_decode(const void *plan, const struct sx_slice *bytes, uint32_t count, bool padded,
                    const uint64_t *wanted, struct sx_column *columns, struct sx_arena *arena,
                    struct sx_format_failures *failures);
bool sx_json_encode(const void *plan, const struct sx_column *const *columns, uint32_t row,
                    struct sx_buffer *to, struct sx_arena *arena, const char **message);

#endif
