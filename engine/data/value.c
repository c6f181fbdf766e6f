/* value.c: comparing, hashing and copying values. */
#include "engine/data/value.h"

#include "engine/base/hash.h"
#include "engine/data/json.h"

#include <stdlib.h>

static int order(int64_t a, int64_t b) { return (a > b) - (a < b); }

/* Items in one value: of a map both keys and values. */
static uint32_t item_count(struct sx_value v) { return v.kind == SX_MAP ? v.size * 2 : v.size; }

/* The language has no NaN, but a sort must end even so: NaN equals itself and comes last. */
static int compare_doubles(double a, double b)
{
    if (SX_LIKELY(a == a && b == b))
        return (a > b) - (a < b);
    return (a != a) - (b != b);
}

int sx_value_compare(struct sx_value a, struct sx_value b)
{
    uint32_t common;

    if (a.kind != b.kind)
        return order(a.kind, b.kind);
    switch ((enum sx_kind)a.kind) {
    case SX_NULL:
        return 0;
    case SX_BOOL:
        return order(a.b, b.b);
    case SX_DOUBLE:
        return compare_doubles(a.d, b.d);
    case SX_DECIMAL:
        return (*a.decimal > *b.decimal) - (*a.decimal < *b.decimal);
    case SX_STRING:
    case SX_BYTES:
        return sx_slice_compare(sx_value_slice(a), sx_value_slice(b));
    case SX_JSON:
        return sx_json_compare(sx_value_slice(a), sx_value_slice(b));
    case SX_ARRAY:
    case SX_MAP:
    case SX_STRUCT:
        common = SX_MIN(item_count(a), item_count(b));
        for (uint32_t i = 0; i < common; i++) {
            int o = sx_value_compare(a.items[i], b.items[i]);
            if (o != 0)
                return o;
        }
        return order(item_count(a), item_count(b));
    default:
        return order(a.i, b.i);
    }
}

static bool has_size(struct sx_value v)
{
    return sx_kind_is_slice(v.kind) || (v.kind >= SX_ARRAY && v.kind <= SX_STRUCT);
}

bool sx_value_equal(struct sx_value a, struct sx_value b)
{
    if (a.kind != b.kind || (has_size(a) && a.size != b.size))
        return false;
    return sx_value_compare(a, b) == 0;
}

static uint64_t mix(uint64_t h, uint64_t v)
{
    h ^= v + 0x9e3779b97f4a7c15ull + (h << 6) + (h >> 2);
    return h * 0xff51afd7ed558ccdull;
}

uint64_t sx_value_hash(struct sx_value v)
{
    uint64_t h = v.kind;

    switch ((enum sx_kind)v.kind) {
    case SX_NULL:
        return 0x5bd1e995;
    case SX_BOOL:
        return mix(h, v.b);
    case SX_DOUBLE:
        if (v.d != v.d)
            return mix(h, 1);     /* any NaN equals any other */
        v.d = v.d == 0 ? 0 : v.d; /* -0 equals 0 */
        return mix(h, sx_hash(&v.d, sizeof(v.d)));
    case SX_DECIMAL:
        return mix(h, sx_hash(v.decimal, sizeof(*v.decimal)));
    case SX_STRING:
    case SX_BYTES:
        return mix(h, sx_hash(v.s, v.size));
    case SX_JSON:
        return mix(h, sx_json_hash(sx_value_slice(v)));
    case SX_ARRAY:
    case SX_MAP:
    case SX_STRUCT:
        for (uint32_t i = 0; i < item_count(v); i++)
            h = mix(h, sx_value_hash(v.items[i]));
        return h;
    default:
        return mix(h, sx_hash(&v.i, sizeof(v.i)));
    }
}

struct sx_value sx_value_copy(struct sx_arena *arena, struct sx_value v)
{
    struct sx_value *items;

    switch ((enum sx_kind)v.kind) {
    case SX_STRING:
    case SX_BYTES:
    case SX_JSON:
        v.s = sx_arena_copy(arena, sx_value_slice(v)).data;
        return v;
    case SX_DECIMAL:
        v.decimal = memcpy(sx_arena_alloc(arena, sizeof(*v.decimal)), v.decimal, sizeof(*v.decimal));
        return v;
    case SX_ARRAY:
    case SX_MAP:
    case SX_STRUCT:
        items = SX_ARENA_ARRAY(arena, struct sx_value, item_count(v) + 1);
        for (uint32_t i = 0; i < item_count(v); i++)
            items[i] = sx_value_copy(arena, v.items[i]);
        v.items = items;
        return v;
    default:
        return v;
    }
}

struct sx_value sx_value_canonical(struct sx_arena *arena, struct sx_value v)
{
    struct sx_value *items;
    struct sx_slice text;

    if (v.kind == SX_JSON) {
        text = sx_json_canonical(sx_value_slice(v), arena);
        v.s = text.data;
        v.size = text.size;
    } else if (v.kind >= SX_ARRAY && v.kind <= SX_STRUCT) {
        items = SX_ARENA_ARRAY(arena, struct sx_value, item_count(v) + 1);
        for (uint32_t i = 0; i < item_count(v); i++)
            items[i] = sx_value_canonical(arena, v.items[i]);
        v.items = items;
    }
    return v;
}

/* ---- Maps ------------------------------------------------------------------------------------ */

struct pair {
    struct sx_value key, value;
    uint32_t at; /* qsort is not stable, and the last of duplicates wins */
};

static int compare_pairs(const void *a, const void *b)
{
    const struct pair *x = a, *y = b;
    int o = sx_value_compare(x->key, y->key);
    return o ? o : order(x->at, y->at);
}

static bool is_sorted(const struct sx_value *pairs, uint32_t count)
{
    for (uint32_t i = 1; i < count; i++)
        if (sx_value_compare(pairs[i * 2 - 2], pairs[i * 2]) >= 0)
            return false;
    return true;
}

uint32_t sx_value_sort_map(struct sx_value *pairs, uint32_t count)
{
    struct pair *sorted;
    uint32_t left = 0;

    if (is_sorted(pairs, count))
        return count;
    sorted = sx_malloc(sizeof(*sorted) * count);
    for (uint32_t i = 0; i < count; i++)
        sorted[i] = (struct pair){pairs[i * 2], pairs[i * 2 + 1], i};
    qsort(sorted, count, sizeof(*sorted), compare_pairs);
    for (uint32_t i = 0; i < count; i++) {
        if (i + 1 < count && sx_value_equal(sorted[i].key, sorted[i + 1].key))
            continue;
        pairs[left * 2] = sorted[i].key;
        pairs[left * 2 + 1] = sorted[i].value;
        left++;
    }
    free(sorted);
    return left;
}
