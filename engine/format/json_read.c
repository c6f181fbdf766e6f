/* json_read.c: rows of JSON bytes to columns. The hottest code of the engine: a record of 200 bytes
 * takes about a tenth of a microsecond, half of it simdjson's. */
#include "engine/format/common.h"
#include "engine/format/json_plan.h"
#include "engine/format/json_text.h"

/* The names of an object as they stood in the record before: records of a topic mostly have the same
 * names in the same order, so a name is compared with one name, and its slot is known. */
enum { SEEN_NAMES = 64 };

struct seen {
    const char *name;
    uint32_t size;
    struct sx_json_slot *slot; /* NULL: nobody reads it */
};

struct decoding {
    struct sx_json_reader reader;
    const struct sx_json_plan *plan;
    struct seen *seen; /* SEEN_NAMES for each node */
    uint32_t *where;   /* by slot: its value; 0: missing */
};

/* Most names are short, and a call of memcmp is dearer than two loads. */
static inline bool same_bytes(const char *a, const char *b, uint32_t size)
{
    uint64_t x, y, u, v;
    uint32_t p, q, r, s;

    if (size > 16)
        return memcmp(a, b, size) == 0;
    if (size >= 8) {
        memcpy(&x, a, 8);
        memcpy(&y, b, 8);
        memcpy(&u, a + size - 8, 8);
        memcpy(&v, b + size - 8, 8);
        return ((x ^ y) | (u ^ v)) == 0;
    }
    if (size >= 4) {
        memcpy(&p, a, 4);
        memcpy(&q, b, 4);
        memcpy(&r, a + size - 4, 4);
        memcpy(&s, b + size - 4, 4);
        return ((p ^ q) | (r ^ s)) == 0;
    }
    for (uint32_t i = 0; i < size; i++)
        if (a[i] != b[i])
            return false;
    return true;
}

/* A name that is not the one of the record before. False: an escape in it is wrong. */
static bool look_up(struct decoding *d, const struct sx_json_node *node, struct sx_slice name,
                    struct sx_json_slot **slot)
{
    if (d->reader.escapes && memchr(name.data, '\\', name.size) != NULL) {
        char *to = sx_arena_alloc(d->reader.arena, name.size);

        if (!sx_json_unescape_inside(name, to, &name.size, NULL))
            return false;
        name.data = to;
    }
    *slot = sx_json_find_slot(node, name);
    return true;
}

/* Walk the object at `v`, and note where the slots' values are. Gives the index behind it; 0: it is
 * not JSON. */
static uint32_t walk(struct decoding *d, const struct sx_json_node *node, uint32_t v, uint32_t depth)
{
    const struct sx_json_doc doc = d->reader.doc;
    struct seen *seen = &d->seen[node->number * SEEN_NAMES];
    uint32_t i = v + 1;

    if (sx_json_at(&doc, i) == '}')
        return i + 1;
    for (uint32_t n = 0;; n++) {
        struct sx_json_slot *slot;
        struct sx_slice name;

        if (SX_UNLIKELY(sx_json_at(&doc, i) != '"' || sx_json_at(&doc, i + 1) != ':'))
            return 0;
        name = sx_json_inside(&doc, i);
        if (SX_LIKELY(n < SEEN_NAMES && seen[n].size == name.size && seen[n].name != NULL &&
                      same_bytes(seen[n].name, name.data, name.size))) {
            slot = seen[n].slot;
        } else {
            if (!look_up(d, node, name, &slot))
                return 0;
            if (n < SEEN_NAMES)
                seen[n] = (struct seen){name.data, name.size, slot};
        }
        i += 2;
        if (slot != NULL)
            d->where[slot->number] = i;
        i = sx_json_skip(&doc, i, depth + 1);
        if (SX_UNLIKELY(i == 0))
            return 0;
        if (sx_json_at(&doc, i) == '}')
            return i + 1;
        if (SX_UNLIKELY(sx_json_at(&doc, i) != ','))
            return 0;
        i++;
    }
}

/* Look into the objects that `from` names; those around them were walked. */
static bool walk_inside(struct decoding *d, const struct sx_json_node *node, uint32_t depth)
{
    struct sx_json_reader *r = &d->reader;

    for (uint32_t i = 0; i < node->count; i++) {
        const struct sx_json_slot *slot = node->slots[i];
        uint32_t v = d->where[slot->number];
        struct sx_value null;

        if (slot->inside == NULL || v == 0)
            continue;
        if (sx_json_at(&r->doc, v) != '{') {
            /* null has no fields; anything else is wrong. */
            if (sx_json_at(&r->doc, v) != 'n')
                return sx_json_wrong_type(r, v, &slot->path, "an object");
            if (!sx_json_read_value(r, v, &sx_type_null, depth, &slot->path, &null))
                return false;
            continue;
        }
        if (walk(d, slot->inside, v, depth) == 0)
            return sx_json_broken(r);
        if (!walk_inside(d, slot->inside, depth + 1))
            return false;
    }
    return true;
}

static bool take_missing(struct decoding *d, const struct sx_json_field *field, struct sx_column *column,
                         uint32_t rows)
{
    struct sx_json_reader *r = &d->reader;

    if (!field->has_default && field->not_null)
        return sx_json_null_refused(r, &field->path, true);
    if (column->data == NULL)
        return true;
    if (field->has_default && field->preset.kind != SX_NULL)
        sx_column_set(column, r->row, field->preset);
    else
        sx_format_set_null(column, r->row, rows, r->arena);
    return true;
}

static bool take(struct decoding *d, const struct sx_json_field *field, uint32_t v, uint32_t depth,
                 struct sx_column *column, uint32_t rows)
{
    struct sx_json_reader *r = &d->reader;

    if (!sx_json_read_cell(r, v, field->type, depth, &field->path, column, rows))
        return false;
    /* Only `null` gives a null, so its first byte is enough to know. */
    if (field->not_null && sx_json_at(&r->doc, v) == 'n')
        return sx_json_null_refused(r, &field->path, false);
    return true;
}

static bool read_fields(struct decoding *d, struct sx_column *columns, uint32_t rows)
{
    struct sx_json_reader *r = &d->reader;
    const struct sx_json_plan *plan = d->plan;
    uint32_t count = r->doc.count;
    bool ok = true;

    memset(d->where, 0, sizeof(*d->where) * plan->slot_count);
    if (sx_json_at(&r->doc, 0) != '{' || sx_json_at(&r->doc, count - 1) != '}') {
        static const struct sx_json_path whole = {.name = "the record"};

        /* Another value, or an object that is cut off? */
        if (sx_json_check(sx_slice(r->doc.text, r->doc.size), NULL))
            return sx_json_wrong_type(r, 0, &whole, "an object");
        return sx_json_broken(r);
    }
    if (walk(d, plan->root, 0, 0) != count)
        return sx_json_broken(r);
    if (plan->node_count > 1 && !walk_inside(d, plan->root, 1))
        return false;
    for (uint32_t f = 0; f < plan->field_count && ok; f++) {
        const struct sx_json_field *field = &plan->fields[f];
        uint32_t v = d->where[field->slot];

        ok = SX_LIKELY(v != 0) ? take(d, field, v, 1, &columns[f], rows)
                               : take_missing(d, field, &columns[f], rows);
    }
    return ok;
}

static bool read_whole(struct decoding *d, struct sx_column *columns, uint32_t rows)
{
    struct sx_json_reader *r = &d->reader;
    uint8_t begins = sx_json_begins[(unsigned char)sx_json_at(&r->doc, 0)];

    if (begins == 0 || (begins == 1 ? 1 : sx_json_skip_container(&r->doc, 0, 0)) != r->doc.count)
        return sx_json_broken(r);
    return d->plan->field_count == 0 || take(d, &d->plan->fields[0], 0, 0, &columns[0], rows);
}

static void read_row(struct decoding *d, struct sx_slice bytes, struct sx_json_scanner *scanner,
                     struct sx_column *columns, uint32_t rows)
{
    struct sx_json_reader *r = &d->reader;

    if (SX_UNLIKELY(!sx_json_scan(scanner, bytes, &r->doc))) {
        r->doc = (struct sx_json_doc){.text = bytes.data, .size = bytes.size};
        sx_json_broken(r);
        return;
    }
    r->escapes = memchr(bytes.data, '\\', bytes.size) != NULL;
    if (d->plan->whole)
        read_whole(d, columns, rows);
    else
        read_fields(d, columns, rows);
}

void sx_json_decode(const void *p, const struct sx_slice *bytes, uint32_t count, bool padded,
                    const uint64_t *wanted, struct sx_column *columns, struct sx_arena *arena,
                    struct sx_format_failures *failures)
{
    const struct sx_json_plan *plan = p;
    struct decoding d = {.reader = {.arena = arena, .failures = failures}, .plan = plan};
    struct sx_json_scanner *scanner;
    struct sx_column *into = SX_ARENA_ARRAY(arena, struct sx_column, plan->field_count + 1);
    uint32_t most = 0;

    for (uint32_t i = 0; i < count; i++)
        most = SX_MAX(most, bytes[i].data ? bytes[i].size : 0);
    for (uint32_t f = 0; f < plan->field_count; f++) {
        into[f].type = plan->fields[f].type;
        if (sx_format_wants(wanted, f))
            into[f] = sx_column_new(arena, into[f].type, count);
    }
    d.seen = SX_ARENA_ARRAY(arena, struct seen, plan->node_count * SEEN_NAMES);
    d.where = SX_ARENA_ARRAY(arena, uint32_t, plan->slot_count + 1);
    scanner = sx_json_scanner_new(most);
    for (uint32_t i = 0; i < count; i++) {
        d.reader.row = i;
        if (SX_LIKELY(bytes[i].data != NULL)) {
            read_row(&d, bytes[i], scanner, into, count);
            continue;
        }
        for (uint32_t f = 0; f < plan->field_count; f++)
            if (into[f].data != NULL)
                sx_format_set_null(&into[f], i, count, arena);
    }
    sx_json_scanner_free(scanner);
    for (uint32_t f = 0; f < plan->field_count; f++)
        if (into[f].data != NULL)
            columns[f] = into[f];
}
