/* arrays.c: arrays. Equal is deep; in sets a null equals a null. */
#include "engine/expr/expr.h"
#include "operators/functions/common.h"

#include <stdlib.h>

/* ---- Sets of values, for what looks up every element ----------------------------------------- */

struct set {
    const struct sx_value **slots;
    uint32_t mask;
};

static struct set new_set(struct sx_call *call, uint32_t most)
{
    struct set set = {.mask = 15};

    while (set.mask < 2 * most)
        set.mask = 2 * set.mask + 1;
    set.slots = SX_ARENA_ARRAY(call->arena, const struct sx_value *, (size_t)set.mask + 1);
    return set;
}

/* Where the value is or would be. */
static const struct sx_value **slot_of(const struct set *set, const struct sx_value *value)
{
    uint32_t at = (uint32_t)sx_value_hash(*value) & set->mask;

    while (set->slots[at] != NULL && !sx_value_equal(*set->slots[at], *value))
        at = (at + 1) & set->mask;
    return &set->slots[at];
}

static struct set set_of(struct sx_call *call, struct sx_value array)
{
    struct set set = new_set(call, array.size);

    for (uint32_t i = 0; i < array.size; i++)
        *slot_of(&set, &array.items[i]) = &array.items[i];
    return set;
}

/* Adds those elements that are not in `seen` yet, and in `among` or not in it (NULL: all). */
static void add_new(struct sx_items *items, struct set *seen, struct sx_value array, const struct set *among,
                    bool in)
{
    for (uint32_t i = 0; i < array.size && !items->call->failed; i++) {
        const struct sx_value *value = &array.items[i], **slot;

        if (among != NULL && (*slot_of(among, value) != NULL) != in)
            continue;
        slot = slot_of(seen, value);
        if (*slot == NULL) {
            *slot = value;
            sx_items_add(items, *value);
        }
    }
}

static struct sx_value distinct(struct sx_call *call, const struct sx_value *args, uint32_t count)
{
    struct set seen = new_set(call, args[0].size);
    struct sx_items items = {.call = call};

    add_new(&items, &seen, args[0], NULL, false);
    return sx_items_array(&items);
}

static struct sx_value unite(struct sx_call *call, const struct sx_value *args, uint32_t count)
{
    struct set seen = new_set(call, args[0].size + args[1].size);
    struct sx_items items = {.call = call};

    add_new(&items, &seen, args[0], NULL, false);
    add_new(&items, &seen, args[1], NULL, false);
    return sx_items_array(&items);
}

/* `arg` of the row is set for intersect. */
static struct sx_value restrict_to(struct sx_call *call, const struct sx_value *args, uint32_t count)
{
    struct set seen = new_set(call, args[0].size), other = set_of(call, args[1]);
    struct sx_items items = {.call = call};

    add_new(&items, &seen, args[0], &other, call->arg != NULL);
    return sx_items_array(&items);
}

/* ---- Elements -------------------------------------------------------------------------------- */

static struct sx_value size(struct sx_call *call, const struct sx_value *args, uint32_t count)
{
    return sx_value_int(args[0].size);
}

static struct sx_value contains(struct sx_call *call, const struct sx_value *args, uint32_t count)
{
    for (uint32_t i = 0; i < args[0].size; i++)
        if (sx_value_equal(args[0].items[i], args[1]))
            return sx_value_bool(true);
    return sx_value_bool(false);
}

static struct sx_value position(struct sx_call *call, const struct sx_value *args, uint32_t count)
{
    for (uint32_t i = 0; i < args[0].size; i++)
        if (sx_value_equal(args[0].items[i], args[1]))
            return sx_value_int((int64_t)i + 1);
    return sx_value_int(0);
}

static struct sx_value removed(struct sx_call *call, const struct sx_value *args, uint32_t count)
{
    struct sx_items items = {.call = call};

    for (uint32_t i = 0; i < args[0].size && !call->failed; i++)
        if (!sx_value_equal(args[0].items[i], args[1]))
            sx_items_add(&items, args[0].items[i]);
    return sx_items_array(&items);
}

static struct sx_value appended(struct sx_call *call, const struct sx_value *args, uint32_t count)
{
    struct sx_items items = {.call = call};

    if (args[0].kind == SX_NULL || args[1].kind == SX_NULL)
        return args[0].kind == SX_NULL ? args[1] : args[0];
    for (uint32_t a = 0; a < 2; a++)
        for (uint32_t i = 0; i < args[a].size && !call->failed; i++)
            sx_items_add(&items, args[a].items[i]);
    return sx_items_array(&items);
}

/* `arg` of the row is set for max. */
static struct sx_value extreme(struct sx_call *call, const struct sx_value *args, uint32_t count)
{
    struct sx_value best = SX_VALUE_NULL;

    for (uint32_t i = 0; i < args[0].size; i++) {
        struct sx_value v = args[0].items[i];
        int order = v.kind == SX_NULL || best.kind == SX_NULL ? 0 : sx_value_compare(v, best);

        if (v.kind != SX_NULL && (best.kind == SX_NULL || (call->arg ? order > 0 : order < 0)))
            best = v;
    }
    return best;
}

static struct sx_value slice(struct sx_call *call, const struct sx_value *args, uint32_t count)
{
    int64_t from = SX_MAX(args[1].i, 1), to = SX_MIN(args[2].i, (int64_t)args[0].size);

    if (from > to)
        return (struct sx_value){.items = args[0].items, .size = 0, .kind = SX_ARRAY};
    return (struct sx_value){
        .items = args[0].items + (from - 1), .size = (uint32_t)(to - from + 1), .kind = SX_ARRAY};
}

static struct sx_value reversed(struct sx_call *call, const struct sx_value *args, uint32_t count)
{
    struct sx_items items = {.call = call};

    for (uint32_t i = args[0].size; i-- > 0 && !call->failed;)
        sx_items_add(&items, args[0].items[i]);
    return sx_items_array(&items);
}

/* ---- Sorting --------------------------------------------------------------------------------- */

static int upwards(const void *a, const void *b)
{
    const struct sx_value *x = a, *y = b;

    if (x->kind == SX_NULL || y->kind == SX_NULL)
        return (x->kind == SX_NULL) - (y->kind == SX_NULL);
    return sx_value_compare(*x, *y);
}

static int downwards(const void *a, const void *b)
{
    const struct sx_value *x = a, *y = b;

    return x->kind == SX_NULL || y->kind == SX_NULL ? upwards(a, b) : upwards(b, a);
}

static struct sx_value sorted(struct sx_call *call, const struct sx_value *args, uint32_t count)
{
    bool down = count > 1 && sx_slice_is(sx_value_slice(args[1]), "desc");
    struct sx_value *items = sx_arena_alloc(call->arena, sizeof(*items) * ((size_t)args[0].size + 1));

    if (count > 1 && !down && !sx_slice_is(sx_value_slice(args[1]), "asc"))
        return sx_call_fail(call, "the order is \"asc\" or \"desc\"");
    if (args[0].size) {
        memcpy(items, args[0].items, sizeof(*items) * args[0].size);
        qsort(items, args[0].size, sizeof(*items), down ? downwards : upwards);
    }
    return (struct sx_value){.items = items, .size = args[0].size, .kind = SX_ARRAY};
}

/* ---- Made from others ------------------------------------------------------------------------ */

static struct sx_value joined(struct sx_call *call, const struct sx_value *args, uint32_t count)
{
    struct sx_slice sep = count > 1 ? sx_value_slice(args[1]) : SX_SLICE(",");
    struct sx_text text = {.call = call};

    for (uint32_t i = 0; i < args[0].size && !text.full; i++) {
        const char *message;
        struct sx_value s;

        if (!sx_value_cast(args[0].items[i], call->types[0]->element, &sx_type_string, call->arena, &s,
                           &message))
            return sx_call_fail(call, "%s", message);
        if (i)
            sx_text_add_slice(&text, sep);
        sx_text_add_slice(&text, s.kind == SX_NULL ? SX_SLICE("null") : sx_value_slice(s));
    }
    return sx_text_value(&text);
}

static struct sx_value series(struct sx_call *call, const struct sx_value *args, uint32_t count)
{
    int64_t from = args[0].i, to = args[1].i, step = count > 2 ? args[2].i : from <= to ? 1 : -1;
    struct sx_items items = {.call = call};

    if (step == 0 || (from < to && step < 0) || (from > to && step > 0))
        return sx_call_fail(call, "the step must lead from the first number to the second");
    while (step > 0 ? from <= to : from >= to) {
        sx_items_add(&items, sx_value_int(from));
        if (items.size > SX_ELEMENTS_MAX || __builtin_add_overflow(from, step, &from))
            break;
    }
    return sx_items_array(&items);
}

static struct sx_value filled(struct sx_call *call, const struct sx_value *args, uint32_t count)
{
    struct sx_items items = {.call = call};

    for (int64_t i = 0; i < args[1].i && items.size <= SX_ELEMENTS_MAX; i++)
        sx_items_add(&items, args[0]);
    return sx_items_array(&items);
}

/* `arg` of the row is set for prepend. A null element is one; a null array gives null. */
static struct sx_value with_one(struct sx_call *call, const struct sx_value *args, uint32_t count)
{
    struct sx_items items = {.call = call};

    if (args[0].kind == SX_NULL)
        return SX_VALUE_NULL;
    if (call->arg)
        sx_items_add(&items, args[1]);
    for (uint32_t i = 0; i < args[0].size && !call->failed; i++)
        sx_items_add(&items, args[0].items[i]);
    if (!call->arg)
        sx_items_add(&items, args[1]);
    return sx_items_array(&items);
}

static struct sx_value made(struct sx_call *call, const struct sx_value *args, uint32_t count)
{
    struct sx_items items = {.call = call};

    for (uint32_t i = 0; i < count; i++)
        sx_items_add(&items, args[i]);
    return sx_items_array(&items);
}

/* Negative positions count from the end, 0 is as 1. */
static struct sx_value part(struct sx_call *call, const struct sx_value *args, uint32_t count)
{
    const int64_t size = args[0].size, last = count > 2 ? args[2].i : size;
    struct sx_value ends[3] = {args[0], args[1], sx_value_int(last)};

    if (args[1].i < 0)
        ends[1].i = args[1].i < -size ? 1 : size + args[1].i + 1;
    if (last < 0)
        ends[2].i = last < -size ? 0 : size + last + 1;
    else if (last == 0)
        ends[2].i = 1;
    return slice(call, ends, 3);
}

static struct sx_value only(struct sx_call *call, const struct sx_value *args, uint32_t count)
{
    if (args[0].size > 1)
        return sx_call_fail(call, "the array has %u elements, not one", args[0].size);
    return args[0].size ? args[0].items[0] : SX_VALUE_NULL;
}

static struct sx_value element_at(struct sx_call *call, const struct sx_value *args, uint32_t count)
{
    const int64_t size = args[0].size, n = args[1].i;

    if (n == 0)
        return sx_call_fail(call, "positions count from 1, or from -1 at the end");
    if (n > size || n < -size)
        return SX_VALUE_NULL;
    return args[0].items[n > 0 ? n - 1 : size + n];
}

static struct sx_value value_at(struct sx_call *call, const struct sx_value *args, uint32_t count)
{
    for (uint32_t i = 0; i < args[0].size; i++)
        if (sx_slice_equal(sx_value_slice(args[0].items[2 * i]), sx_value_slice(args[1])))
            return args[0].items[2 * i + 1];
    return SX_VALUE_NULL;
}

#define ROW(sig, text, sample, gives, nulls, function, argument)                               \
    {                                                                                          \
        .signature = sig, .summary = text, .example = sample, .result = gives, .flags = nulls, \
        .fn = function, .arg = (void *)(uintptr_t)(argument)                                   \
    }

static const struct sx_function_def rows[] = {
    ROW("array_contains(a array<T>, x T) bool", "Is the value an element?", "array_contains([1, 2], 2)",
        "true", 0, contains, 0),
    ROW("array_position(a array<T>, x T) int", "The position of the first equal element, from 1; 0 if none.",
        "array_position([7, 8], 8)", "2", 0, position, 0),
    ROW("array_remove(a array<T>, x T) array<T>", "The array without the elements equal to x.",
        "array_remove([1, 2, 1], 1)", "[2]", 0, removed, 0),
    ROW("array_concat(a array<T>, b array<T>) array<T>", "Both arrays; a null one is left out.",
        "array_concat([1], [2, 1])", "[1,2,1]", SX_FUNCTION_NULLS, appended, 0),
    ROW("array_distinct(a array<T>) array<T>", "Without duplicates, in order of first appearance.",
        "array_distinct([2, 1, 2])", "[2,1]", 0, distinct, 0),
    ROW("array_union(a array<T>, b array<T>) array<T>", "What is in either, without duplicates.",
        "array_union([1, 2, 1], [3, 2])", "[1,2,3]", 0, unite, 0),
    ROW("array_except(a array<T>, b array<T>) array<T>", "What is in the first but not the second, once.",
        "array_except([1, 2, 1, 3], [3])", "[1,2]", 0, restrict_to, 0),
    ROW("array_intersect(a array<T>, b array<T>) array<T>", "What is in both, once.",
        "array_intersect([1, 2, 1, 3], [3, 1])", "[1,3]", 0, restrict_to, 1),
    ROW("array_max(a array<T>) T", "The largest element; nulls are left out.", "array_max([3, null, 7])", "7",
        0, extreme, 1),
    ROW("array_min(a array<T>) T", "The smallest element; nulls are left out.", "array_min([3, null, 7])",
        "3", 0, extreme, 0),
    ROW("array_sort(a array<T> [, order string]) array<T>",
        "Sorted, \"asc\" or \"desc\"; null elements are last in both orders.",
        "array_sort([3, null, 7], \"desc\")", "[7,3,null]", 0, sorted, 0),
    ROW("array_join(a array<T> [, sep string]) string",
        "The elements' texts with a separator between, a comma unless given.",
        "array_join([1, null, 3], \"-\")", "\"1-null-3\"", 0, joined, 0),
    ROW("array_length(a array<T>) int", "The number of elements, as ksqlDB calls it.", "array_length([1, 2])",
        "2", 0, size, 0),
    ROW("cardinality(a array<T>) int", "The number of elements, as Flink calls it.", "cardinality([1, 2])",
        "2", 0, size, 0),
    ROW("cardinality(m map<T>) int", "The number of entries.", "cardinality(map { \"a\": 1 })", "1", 0, size,
        0),
    ROW("array(x T...) array<T>", "An array of the values, null ones too, as ksqlDB and Flink write it.",
        "array(1, null, 3)", "[1,null,3]", SX_FUNCTION_NULLS, made, 0),
    ROW("array_append(a array<T>, x T) array<T>", "The array and behind it the value, a null one too.",
        "array_append([1, 2], null)", "[1,2,null]", SX_FUNCTION_NULLS, with_one, 0),
    ROW("array_prepend(a array<T>, x T) array<T>", "The value, a null one too, and behind it the array.",
        "array_prepend([1, 2], 0)", "[0,1,2]", SX_FUNCTION_NULLS, with_one, 1),
    ROW("array_slice(a array<T>, from int [, to int]) array<T>",
        "The elements of these positions, both included; negative ones count from the end, 0 is as 1.",
        "array_slice([5, 6, 7, 8], -3, -2)", "[6,7]", 0, part, 0),
    ROW("element(a array<T>) T", "The only element; null of an empty array, of a longer one a row error.",
        "element([7])", "7", 0, only, 0),
    ROW("element_at(a array<T>, n int) T",
        "The element at a position, from 1, or from -1 at the end; null if there is none.",
        "element_at([5, 6, 7], -1)", "7", 0, element_at, 0),
    ROW("element_at(m map<T>, key string) T", "The value of a key; null if there is none.",
        "element_at(map { \"a\": 1 }, \"a\")", "1", 0, value_at, 0),
    ROW("array_reverse(a array<T>) array<T>", "The elements in reverse order.", "array_reverse([1, 2])",
        "[2,1]", 0, reversed, 0),
    ROW("array_repeat(x T, n int) array<T>", "The value n times.", "array_repeat(\"a\", 2)", "[\"a\",\"a\"]",
        0, filled, 0),
    ROW("slice(a array<T>, from int, to int) array<T>",
        "The elements of these positions, from 1, both included.", "slice([5, 6, 7, 8], 2, 3)", "[6,7]", 0,
        slice, 0),
    ROW("generate_series(from int, to int [, step int]) array<int>",
        "The numbers from one to another, both included.", "generate_series(5, 1, -2)", "[5,3,1]", 0, series,
        0),
};

const struct sx_function_table sx_functions_arrays = SX_ROWS_OF("arrays", rows);
