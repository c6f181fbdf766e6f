/* json_write.c: columns to JSON text; a value's text is engine/data/json_write.c. */
#include "engine/base/text.h"
#include "engine/data/json.h"
#include "engine/format/json_plan.h"

#include <math.h>

/* One cell, without boxing what is frequent. False: it is not finite. */
static bool write_cell(struct sx_buffer *to, const struct sx_column *column, uint32_t row,
                       const struct sx_json_field *field, struct sx_arena *arena, const char **message)
{
    const enum sx_kind kind = field->type->kind;
    struct sx_value value;

    if (sx_column_is_null(column, row)) {
        sx_buffer_add(to, "null", 4);
    } else if (kind == SX_STRING) {
        sx_json_write_string(to, column->s[row]);
    } else if (kind == SX_INT) {
        to->size += sx_write_int(sx_buffer_room(to, SX_NUMBER_BYTES), column->i[row]);
    } else if (kind == SX_DOUBLE && !isfinite(column->d[row])) {
        *message = sx_arena_format(arena, "%s: it is not a finite number", field->name);
        return false;
    } else {
        value = sx_column_get(column, row);
        if (field->canonical)
            value = sx_value_canonical(arena, value);
        sx_json_write_value(to, value, field->type);
    }
    return true;
}

/* False: what was written could not be read again. Each level takes two bytes at least. */
static bool depth_fits(const struct sx_json_plan *plan, struct sx_slice written, struct sx_arena *arena,
                       const char **message)
{
    if (SX_LIKELY(!plan->has_json || written.size <= 2 * SX_JSON_DEPTH ||
                  sx_json_depth(written) <= SX_JSON_DEPTH))
        return true;
    *message = sx_arena_format(arena, "the json is nested deeper than %d", SX_JSON_DEPTH);
    return false;
}

bool sx_json_encode(const void *p, const struct sx_column *const *columns, uint32_t row, struct sx_buffer *to,
                    struct sx_arena *arena, const char **message)
{
    const struct sx_json_plan *plan = p;
    const size_t from = to->size;

    if (plan->whole)
        return plan->field_count == 0 ||
               (write_cell(to, columns[0], row, &plan->fields[0], arena, message) &&
                depth_fits(plan, sx_slice(to->data + from, to->size - from), arena, message));
    for (uint32_t i = 0; i < plan->step_count; i++) {
        const struct sx_json_step *step = &plan->steps[i];

        sx_buffer_add_slice(to, step->before);
        if (!write_cell(to, columns[step->field], row, &plan->fields[step->field], arena, message))
            return false;
    }
    sx_buffer_add_slice(to, plan->tail);
    return depth_fits(plan, sx_slice(to->data + from, to->size - from), arena, message);
}
