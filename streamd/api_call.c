/* api_call.c: include/streamd/call.h: arguments and results of C callbacks. */
#include "streamd/callback.h"

#include "engine/base/text.h"
#include "engine/data/decimal.h"
#include "engine/expr/expr.h"
#include "engine/format/json_text.h"

#include <stdarg.h>

static const struct streamd_value null_value = {.value = {.kind = SX_NULL}, .type = &sx_type_null};
static const struct streamd_bytes no_bytes = {NULL, 0};

/* ---- Values ---------------------------------------------------------------------------------- */

streamd_kind streamd_value_kind(const streamd_value *v)
{
    return v ? (streamd_kind)v->value.kind : STREAMD_NULL;
}

bool streamd_value_bool(const streamd_value *v)
{
    return v != NULL && v->value.kind == SX_BOOL && v->value.b;
}

int64_t streamd_value_int(const streamd_value *v)
{
    return v != NULL && sx_kind_is_int64(v->value.kind) ? v->value.i : 0;
}

double streamd_value_double(const streamd_value *v)
{
    if (v == NULL)
        return 0;
    if (v->value.kind == SX_DECIMAL)
        return sx_decimal_double(*v->value.decimal, v->type->scale);
    return v->value.kind == SX_DOUBLE ? v->value.d : v->value.kind == SX_INT ? (double)v->value.i : 0;
}

streamd_bytes streamd_value_decimal(streamd_call *call, const streamd_value *v)
{
    char *text;

    if (v == NULL || v->value.kind != SX_DECIMAL)
        return no_bytes;
    text = sx_arena_alloc(call->arena, SX_DECIMAL_BYTES);
    return (streamd_bytes){text, sx_decimal_write(text, *v->value.decimal, v->type->scale)};
}

streamd_bytes streamd_value_bytes(const streamd_value *v)
{
    if (v == NULL || (!sx_kind_is_slice(v->value.kind) && v->value.kind != SX_JSON))
        return no_bytes;
    return (streamd_bytes){v->value.s, v->value.size};
}

static bool has_items(const streamd_value *v)
{
    return v != NULL && (v->value.kind == SX_ARRAY || v->value.kind == SX_MAP || v->value.kind == SX_STRUCT);
}

size_t streamd_value_count(const streamd_value *v) { return has_items(v) ? v->value.size : 0; }

const streamd_value *streamd_value_item(streamd_call *call, const streamd_value *v, size_t number)
{
    struct streamd_value *item;

    if (number >= streamd_value_count(v))
        return &null_value;
    item = SX_ARENA_NEW(call->arena, struct streamd_value);
    item->value = v->value.items[v->value.kind == SX_MAP ? number * 2 + 1 : number];
    item->type = v->value.kind == SX_STRUCT ? v->type->fields[number].type : v->type->element;
    return item;
}

streamd_bytes streamd_value_name(const streamd_value *v, size_t number)
{
    if (number >= streamd_value_count(v) || v->value.kind == SX_ARRAY)
        return no_bytes;
    if (v->value.kind == SX_MAP)
        return (streamd_bytes){v->value.items[number * 2].s, v->value.items[number * 2].size};
    return (streamd_bytes){v->type->fields[number].name, strlen(v->type->fields[number].name)};
}

/* ---- A call ---------------------------------------------------------------------------------- */

size_t streamd_call_count(const streamd_call *call) { return call->count; }

const streamd_value *streamd_call_value(const streamd_call *call, size_t number)
{
    return number < call->count ? &call->args[number] : &null_value;
}

void *streamd_call_alloc(streamd_call *call, size_t bytes) { return sx_arena_alloc(call->arena, bytes); }

void sx_call_begin(streamd_call *call, struct sx_arena *arena, const struct sx_type *result,
                   struct streamd_value *boxes, const struct sx_value *args,
                   const struct sx_type *const *types, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        boxes[i] = (struct streamd_value){args[i], types[i]};
    call->arena = arena;
    call->result_type = result;
    call->args = boxes;
    call->count = count;
    call->frame = NULL;
    call->result = SX_VALUE_NULL;
    call->failed = false;
    call->state = call->other_state = SX_SLICE_NONE;
    call->state_changed = false;
    call->op = NULL;
}

void sx_call_failed(streamd_call *call, const char *format, ...)
{
    va_list args;

    if (call->failed) /* the first reason is the cause */
        return;
    call->failed = true;
    va_start(args, format);
    vsnprintf(call->message, sizeof(call->message), format, args);
    va_end(args);
}

struct sx_value sx_call_end(streamd_call *call)
{
    if (call->frame != NULL)
        sx_call_failed(call, "the callback began an array, a map or a struct, and did not end it");
    return call->failed ? SX_VALUE_NULL : call->result;
}

/* ---- Its result ------------------------------------------------------------------------------ */

/* The type that is to be given next; NULL: nothing is. */
static const struct sx_type *wanted(const streamd_call *call)
{
    const struct sx_call_frame *f = call->frame;

    if (f == NULL)
        return call->result_type;
    if (f->type->kind == SX_STRUCT)
        return f->count < f->type->field_count ? f->type->fields[f->count].type : NULL;
    if (f->type->kind == SX_MAP && f->count % 2 == 0)
        return &sx_type_string;
    return f->type->element;
}

/* Take a value that fits. */
static void take(streamd_call *call, struct sx_value value)
{
    struct sx_call_frame *f = call->frame;

    if (f == NULL) {
        call->result = value;
        return;
    }
    if (f->count == f->room) {
        uint32_t room = f->room ? f->room * 2 : 8;
        struct sx_value *items = SX_ARENA_ARRAY(call->arena, struct sx_value, room);

        if (f->count)
            memcpy(items, f->items, sizeof(*items) * f->count);
        f->items = items;
        f->room = room;
    }
    f->items[f->count++] = value;
}

/* `what` the callback gives, against what it should. NULL: it has no place, which is said. */
static const struct sx_type *place(streamd_call *call, const char *what)
{
    const struct sx_type *type = wanted(call);

    if (call->failed)
        return NULL;
    if (type == NULL)
        sx_call_failed(call, "the callback gave %s where nothing was left to give", what);
    return type;
}

static void misfit(streamd_call *call, const char *what, const struct sx_type *type)
{
    sx_call_failed(call, "the callback gave %s, and its result is %s", what, sx_type_text(type, call->arena));
}

/* As digits of the decimal that is wanted. */
static void give_decimal(streamd_call *call, struct sx_value value, const struct sx_type *from,
                         const struct sx_type *to)
{
    const char *message;
    struct sx_value cast;

    if (sx_value_cast(value, from, to, call->arena, &cast, &message))
        take(call, cast);
    else
        sx_call_failed(call, "the callback gave no %s: %s", sx_type_text(to, call->arena), message);
}

static void give(streamd_call *call, struct sx_value value, const char *what)
{
    const struct sx_type *type = place(call, what);

    if (type == NULL)
        return;
    if (value.kind == SX_INT && type->kind == SX_DOUBLE)
        value = sx_value_double((double)value.i);
    if (value.kind == SX_INT && type->kind == SX_DECIMAL) {
        give_decimal(call, value, &sx_type_int, type);
        return;
    }
    if (value.kind == SX_INT && sx_kind_is_int64(type->kind))
        value.kind = (uint8_t)type->kind;
    if (value.kind == SX_DOUBLE && !(value.d - value.d == 0)) /* not a number, or infinite */
        sx_call_failed(call, "the callback gave a double that is not finite");
    else if (value.kind != type->kind)
        misfit(call, what, type);
    else
        take(call, value);
}

void streamd_result_null(streamd_call *call)
{
    const struct sx_type *type = place(call, "null");

    if (type != NULL && call->frame != NULL && call->frame->type->kind == SX_MAP &&
        call->frame->count % 2 == 0)
        sx_call_failed(call, "the callback gave a null key of a map");
    else if (type != NULL)
        take(call, SX_VALUE_NULL);
}

void streamd_result_bool(streamd_call *call, bool value) { give(call, sx_value_bool(value), "a bool"); }
void streamd_result_int(streamd_call *call, int64_t value) { give(call, sx_value_int(value), "an int"); }

void streamd_result_double(streamd_call *call, double value)
{
    give(call, sx_value_double(value), "a double");
}

void streamd_result_decimal(streamd_call *call, const char *digits, size_t bytes)
{
    const struct sx_type *type = place(call, "a decimal");

    if (type != NULL && type->kind != SX_DECIMAL)
        misfit(call, "a decimal", type);
    else if (type != NULL)
        give_decimal(call, sx_value_string(sx_slice(digits, SX_MIN(bytes, INT32_MAX))), &sx_type_string,
                     type);
}

/* The longest string or bytes that a slice can say. */
static bool too_long(streamd_call *call, size_t bytes)
{
    if (bytes > INT32_MAX)
        sx_call_failed(call, "the callback gave more than 2 GiB");
    return bytes > INT32_MAX;
}

void streamd_result_text(streamd_call *call, const char *text, size_t bytes)
{
    struct sx_slice slice;

    if (too_long(call, bytes))
        return;
    slice = sx_slice(text, bytes);
    if (!sx_utf8_valid(slice)) {
        sx_call_failed(call, "the callback gave a string that is not UTF-8");
        return;
    }
    give(call, sx_value_string(sx_arena_copy(call->arena, slice)), "a string");
}

void streamd_result_bytes(streamd_call *call, const void *data, size_t bytes)
{
    if (!too_long(call, bytes))
        give(call, sx_value_bytes(sx_arena_copy(call->arena, sx_slice(data, bytes))), "bytes");
}

void streamd_result_json(streamd_call *call, const char *text, size_t bytes)
{
    struct sx_buffer compact = {0};
    struct sx_json_error error;
    struct sx_value value;

    if (too_long(call, bytes))
        return;
    if (!sx_json_compact(sx_slice(text, bytes), &compact, &error)) {
        sx_buffer_free(&compact);
        sx_call_failed(call, "the callback gave no valid JSON: %s (byte %zu)", error.what, error.at);
        return;
    }
    value = sx_value_json(sx_arena_copy(call->arena, sx_buffer_slice(&compact)));
    sx_buffer_free(&compact);
    if (value.kind == SX_NULL)
        streamd_result_null(call);
    else
        give(call, value, "a json");
}

void streamd_result_value(streamd_call *call, const streamd_value *v)
{
    const struct sx_type *type;

    if (streamd_value_kind(v) == STREAMD_NULL) {
        streamd_result_null(call);
        return;
    }
    if (v->value.kind == SX_DECIMAL) {
        type = place(call, "a decimal");
        if (type != NULL && type->kind != SX_DECIMAL)
            misfit(call, "a decimal", type);
        else if (type != NULL)
            give_decimal(call, v->value, v->type, type);
        return;
    }
    if (!has_items(v)) {
        give(call, v->value, "an argument of another type");
        return;
    }
    type = place(call, "a nested argument");
    if (type != NULL && !sx_type_equal(type, v->type))
        misfit(call, sx_type_text(v->type, call->arena), type);
    else if (type != NULL)
        take(call, v->value);
}

void streamd_result_begin(streamd_call *call)
{
    const struct sx_type *type = place(call, "an array, a map or a struct");
    struct sx_call_frame *frame;

    if (type == NULL)
        return;
    if (type->kind != SX_ARRAY && type->kind != SX_MAP && type->kind != SX_STRUCT) {
        misfit(call, "an array, a map or a struct", type);
        return;
    }
    frame = SX_ARENA_NEW(call->arena, struct sx_call_frame);
    frame->type = type;
    frame->outer = call->frame;
    call->frame = frame;
}

void streamd_result_end(streamd_call *call)
{
    struct sx_call_frame *f = call->frame;
    struct sx_value value;

    if (call->failed)
        return;
    if (f == NULL || (call->op != NULL && f->outer == NULL)) {
        sx_call_failed(call, "the callback ended what it had not begun");
        return;
    }
    value = (struct sx_value){.items = f->items, .size = f->count, .kind = (uint8_t)f->type->kind};
    if (f->type->kind == SX_MAP) {
        if (f->count % 2)
            sx_call_failed(call, "the callback gave a key of a map without its value");
        value.size = sx_value_sort_map(f->items, f->count / 2);
    }
    if (f->type->kind == SX_STRUCT) {
        while (f->count < f->type->field_count)
            take(call, SX_VALUE_NULL);
        value.items = f->items;
        value.size = f->count;
    }
    call->frame = f->outer;
    take(call, value);
}

void streamd_result_error(streamd_call *call, const char *message)
{
    sx_call_failed(call, "%s", message ? message : "the callback failed");
}
