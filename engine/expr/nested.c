/* nested.c: steps over boxed values: fields, elements, constructors, casts, calls, and what comes from
 * the source record. Mostly row by row. */
#include "engine/base/text.h"
#include "engine/data/json.h"
#include "engine/expr/eval.h"

/* ---- Parts of values ------------------------------------------------------------------------- */

static struct sx_value element_at(struct sx_value array, int64_t index)
{
    if (index < 0)
        index += array.size;
    return index < 0 || index >= (int64_t)array.size ? SX_VALUE_NULL : array.items[index];
}

/* Pairs are sorted by key. */
static struct sx_value entry_of(struct sx_value map, struct sx_slice key)
{
    uint32_t low = 0, high = map.size;

    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        int order = sx_slice_compare(sx_value_slice(map.items[2 * middle]), key);

        if (order == 0)
            return map.items[2 * middle + 1];
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return SX_VALUE_NULL;
}

/* A JSON null is null, as everywhere. */
static struct sx_value part_of_json(struct sx_slice json, struct sx_value index)
{
    struct sx_slice part =
        index.kind == SX_STRING ? sx_json_field(json, sx_value_slice(index)) : sx_json_element(json, index.i);

    return sx_value_json(part);
}

static const struct sx_value none = {.kind = SX_NULL};

static const struct sx_value *field_of(const struct sx_register *a, uint32_t number, uint32_t row)
{
    const struct sx_value *whole = &a->column.v[sx_at(a, row)];

    return !sx_register_is_null(a, row) && whole->kind == SX_STRUCT && number < whole->size
               ? &whole->items[number]
               : &none;
}

static void fields(struct sx_evaluator *e, const struct sx_step *step)
{
    const struct sx_register *a = &e->registers[step->a];
    const struct sx_rows *rows = sx_eval_rows(e);

    SX_UNBOX(sx_eval_begin(e, step->to), SX_ROWS_EACH(rows, k, row), field_of(a, step->number, row), row,
             sx_eval_put(e, step->to, row, SX_VALUE_NULL));
}

static struct sx_value part_of(struct sx_evaluator *e, const struct sx_step *step, uint32_t row)
{
    struct sx_value whole = sx_register_get(&e->registers[step->a], row), index;

    if (whole.kind == SX_NULL)
        return whole;
    index = sx_register_get(&e->registers[step->b], row);
    if (index.kind == SX_NULL)
        return index;
    if (whole.kind == SX_JSON)
        return part_of_json(sx_value_slice(whole), index);
    return step->op == SX_OP_INDEX_ARRAY ? element_at(whole, index.i)
                                         : entry_of(whole, sx_value_slice(index));
}

/* ---- Constructors ---------------------------------------------------------------------------- */

static void make_map(struct sx_evaluator *e, const struct sx_step *step, uint32_t row, struct sx_value *pairs)
{
    for (uint32_t i = 0; i < step->count; i += 2) {
        if (pairs[i].kind == SX_NULL) {
            sx_eval_fail(e, step, row, "a key of a map is null");
            return;
        }
    }
    sx_eval_put(
        e, step->to, row,
        (struct sx_value){.items = pairs, .size = sx_value_sort_map(pairs, step->count / 2), .kind = SX_MAP});
}

static void cast(struct sx_evaluator *e, const struct sx_step *step, uint32_t row)
{
    const struct sx_program *program = e->program;
    const char *message;
    struct sx_value out;

    if (sx_value_cast(sx_register_get(&e->registers[step->a], row), program->registers[step->a].type,
                      program->registers[step->to].type, e->arena, &out, &message))
        sx_eval_put(e, step->to, row, out);
    else
        sx_eval_fail(e, step, row, message);
}

/* The parts of all rows are gathered operand by operand, those of a row beside each other. */
static void make(struct sx_evaluator *e, const struct sx_step *step)
{
    const struct sx_rows *rows = sx_eval_rows(e);
    const uint8_t kind = (uint8_t)sx_eval_begin(e, step->to)->type->kind;
    struct sx_value *items =
        sx_arena_alloc(e->arena, sizeof(*items) * ((size_t)step->count * rows->count + 1));

    for (uint32_t i = 0; i < step->count; i++)
        sx_box(&e->registers[step->args[i]], rows, items + i, step->count);
    for (SX_ROWS_EACH(rows, k, row)) {
        if (kind == SX_MAP)
            make_map(e, step, row, items);
        else
            sx_eval_put(e, step->to, row,
                        (struct sx_value){.items = items, .size = step->count, .kind = kind});
        items += step->count;
    }
}

void sx_eval_nested(struct sx_evaluator *e, const struct sx_step *step)
{
    switch (step->op) {
    case SX_OP_FIELD:
        fields(e, step);
        break;
    case SX_OP_ITEMS:
    case SX_OP_MAP:
        make(e, step);
        break;
    case SX_OP_CAST:
        sx_eval_begin(e, step->to);
        for (SX_ROWS_EACH(sx_eval_rows(e), k, row))
            cast(e, step, row);
        break;
    default:
        sx_eval_begin(e, step->to);
        for (SX_ROWS_EACH(sx_eval_rows(e), k, row))
            sx_eval_put(e, step->to, row, part_of(e, step, row));
        break;
    }
}

/* ---- Calls ----------------------------------------------------------------------------------- */

void sx_eval_call(struct sx_evaluator *e, const struct sx_step *step)
{
    const struct sx_function_def *function = step->function;
    const bool takes_nulls = function->flags & SX_FUNCTION_NULLS;
    struct sx_call *call = &e->calls[step->number];

    sx_eval_begin(e, step->to);
    call->arena = e->arena;
    for (SX_ROWS_EACH(sx_eval_rows(e), k, row)) {
        bool any_null = false;
        struct sx_value result;

        for (uint32_t i = 0; i < step->count; i++) {
            e->args[i] = sx_register_get(&e->registers[step->args[i]], row);
            any_null |= e->args[i].kind == SX_NULL;
        }
        if (any_null && !takes_nulls) {
            sx_eval_put(e, step->to, row, SX_VALUE_NULL);
            continue;
        }
        result = function->fn(call, e->args, step->count);
        if (SX_UNLIKELY(call->failed)) {
            call->failed = false;
            sx_eval_fail(e, step, row, sx_arena_strdup(e->arena, call->message));
        } else {
            sx_eval_put(e, step->to, row, result);
        }
    }
}

/* ---- Of the source record -------------------------------------------------------------------- */

static struct sx_value header_of(const struct sx_record *record, struct sx_slice name)
{
    for (uint32_t i = record->header_count; i-- > 0;) {
        const struct sx_header *header = &record->headers[i];

        if (!sx_slice_equal(header->name, name))
            continue;
        return header->value.data != NULL && sx_utf8_valid(header->value) ? sx_value_string(header->value)
                                                                          : SX_VALUE_NULL;
    }
    return SX_VALUE_NULL;
}

void sx_eval_metadata(struct sx_evaluator *e, const struct sx_step *step)
{
    const struct sx_batch *batch = e->batch;
    const struct sx_origin *origin = batch->origin;
    const bool windowed = step->op == SX_OP_WINDOW_START || step->op == SX_OP_WINDOW_END;

    sx_eval_begin(e, step->to);
    for (SX_ROWS_EACH(sx_eval_rows(e), k, row)) {
        struct sx_value v = SX_VALUE_NULL;

        if (windowed && batch->windows != NULL)
            v = sx_value_int64(SX_TIMESTAMP, step->op == SX_OP_WINDOW_START ? batch->windows[row].start
                                                                            : batch->windows[row].end);
        else if (!windowed && origin != NULL && step->op == SX_OP_TOPIC)
            v = sx_value_string(sx_slice_of(origin->topic));
        else if (!windowed && origin != NULL && step->op == SX_OP_PARTITION)
            v = sx_value_int(origin->partition);
        else if (!windowed && origin != NULL && step->op == SX_OP_OFFSET)
            v = sx_value_int(sx_batch_record(batch, row)->offset);
        else if (!windowed && origin != NULL)
            v = header_of(sx_batch_record(batch, row), step->text);
        sx_eval_put(e, step->to, row, v);
    }
}
