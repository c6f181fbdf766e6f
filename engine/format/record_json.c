/* record_json.c: see record_json.h. */
#include "engine/format/record_json.h"

#include "engine/base/text.h"
#include "engine/format/json_text.h"
#include "engine/format/windowed_key.h"

/* ---- Reading --------------------------------------------------------------------------------- */

struct reading {
    struct sx_record_line *line;
    struct sx_arena *arena;
    const char *wrong;
    struct sx_header *headers;
    uint32_t header_room;
};

static bool is_null(struct sx_slice json) { return sx_slice_equal(json, SX_SLICE("null")); }

/* A JSON string's text in the arena; data NULL: it is none. */
static struct sx_slice string_of(struct sx_slice json, struct sx_arena *arena)
{
    struct sx_buffer text = {0};
    struct sx_slice copy = SX_SLICE_NONE;

    if (sx_json_unescape(json, &text, NULL))
        copy = sx_arena_copy(arena, sx_slice(text.data ? text.data : "", text.size));
    sx_buffer_free(&text);
    return copy;
}

static bool read_header(struct sx_slice name, struct sx_slice value, void *arg)
{
    struct reading *r = arg;
    struct sx_header *header;

    if (r->line->header_count == r->header_room) {
        uint32_t room = r->header_room ? r->header_room * 2 : 8;
        struct sx_header *more = SX_ARENA_ARRAY(r->arena, struct sx_header, room);

        if (r->line->header_count)
            memcpy(more, r->headers, sizeof(*more) * r->line->header_count);
        r->headers = more;
        r->header_room = room;
    }
    header = &r->headers[r->line->header_count++];
    header->name = sx_arena_copy(r->arena, name);
    header->value = is_null(value) ? SX_SLICE_NONE : string_of(value, r->arena);
    if (!is_null(value) && header->value.data == NULL)
        r->wrong = "a header's value must be a string or null";
    return r->wrong == NULL;
}

/* One end of a window. */
static bool read_bound(struct sx_slice name, struct sx_slice value, void *arg)
{
    struct sx_window *window = &((struct reading *)arg)->line->window;

    if (sx_slice_equal(name, SX_SLICE("start")))
        return sx_read_int(value, &window->start);
    if (sx_slice_equal(name, SX_SLICE("end")))
        return sx_read_int(value, &window->end);
    return false;
}

static bool read_member(struct sx_slice name, struct sx_slice value, void *arg)
{
    struct reading *r = arg;
    struct sx_record_line *line = r->line;
    int64_t number;

    if (sx_slice_equal(name, SX_SLICE("topic"))) {
        line->topic = string_of(value, r->arena);
        r->wrong = line->topic.data ? NULL : "`topic` must be a string";
    } else if (sx_slice_equal(name, SX_SLICE("key"))) {
        line->key = value;
    } else if (sx_slice_equal(name, SX_SLICE("value"))) {
        line->value = value;
    } else if (sx_slice_equal(name, SX_SLICE("timestamp"))) {
        line->has_timestamp = sx_read_int(value, &line->timestamp);
        r->wrong = line->has_timestamp ? NULL : "`timestamp` must be milliseconds";
    } else if (sx_slice_equal(name, SX_SLICE("partition"))) {
        if (!sx_read_int(value, &number) || number < 0 || number > INT32_MAX)
            r->wrong = "`partition` must be a number from 0";
        else
            line->partition = (int32_t)number;
    } else if (sx_slice_equal(name, SX_SLICE("headers"))) {
        if (!is_null(value) && !sx_json_object(value, read_header, r, NULL))
            r->wrong = "`headers` must be an object";
        line->headers = r->headers;
    } else if (sx_slice_equal(name, SX_SLICE("raw"))) {
        line->base64 = sx_slice_equal(value, SX_SLICE("\"base64\""));
        line->raw = line->base64 || sx_slice_equal(value, SX_SLICE("true"));
        if (!line->raw && !is_null(value) && !sx_slice_equal(value, SX_SLICE("false")))
            r->wrong = "`raw` must be true, false or \"base64\"";
    } else if (sx_slice_equal(name, SX_SLICE("advance"))) {
        line->is_advance = sx_read_int(value, &line->advance_ms);
        r->wrong = line->is_advance ? NULL : "`advance` must be milliseconds";
    } else if (sx_slice_equal(name, SX_SLICE("window"))) {
        line->has_window = true;
        if (!sx_json_object(value, read_bound, r, NULL) || line->window.start < 0 ||
            line->window.end < line->window.start)
            r->wrong = "`window` must be {\"start\": MS, \"end\": MS}";
    } else if (!sx_slice_equal(name, SX_SLICE("offset"))) {
        /* That is what `consume` writes: its output can be produced again. */
        r->wrong = sx_arena_format(r->arena,
                                   "there is no member `%.*s`: they are topic, key, value, timestamp, "
                                   "partition, headers, window, raw, advance",
                                   (int)name.size, name.data);
    }
    return r->wrong == NULL;
}

/* A text in place of which the bytes stand whose base64 it is. */
static bool decode_base64(struct sx_slice *text, struct sx_arena *arena, const char **message)
{
    struct sx_buffer bytes = {0};
    bool right = sx_read_base64(&bytes, *text);

    if (right)
        *text = sx_arena_copy(arena, sx_slice(bytes.data ? bytes.data : "", bytes.size));
    else
        *message = "it is not base64";
    sx_buffer_free(&bytes);
    return right;
}

bool sx_record_line_read(struct sx_slice text, struct sx_record_line *line, struct sx_arena *arena,
                         const char **message)
{
    struct reading r = {.line = line, .arena = arena};
    struct sx_json_error error = {0, NULL};

    *line = (struct sx_record_line){.partition = -1, .window.start = -1, .window.end = INT64_MAX};
    if (!sx_json_object(text, read_member, &r, &error)) {
        *message = sx_arena_format(arena, "not a JSON object: %s (byte %zu)",
                                   error.what ? error.what : "expected an object", error.at + 1);
        return false;
    }
    for (uint32_t h = 0; line->base64 && h < line->header_count && r.wrong == NULL; h++)
        if (r.headers[h].value.data != NULL && !decode_base64(&r.headers[h].value, arena, &r.wrong))
            r.wrong = "a header's value is not base64, as `raw` says";
    *message = r.wrong;
    return r.wrong == NULL;
}

static bool encode(const struct sx_format_def *format, const void *plan, struct sx_slice json,
                   const struct sx_record_line *line, struct sx_slice *bytes, struct sx_arena *arena,
                   const char **message)
{
    struct sx_buffer to = {0};
    bool ok;

    *bytes = SX_SLICE_NONE;
    if (json.data == NULL || is_null(json))
        return true;
    if (line->raw || format == NULL) {
        *bytes = string_of(json, arena);
        if (bytes->data == NULL && format == NULL) {
            /* Bytes of no known form: the JSON text itself. */
            ok = sx_json_compact(json, &to, NULL);
            *bytes = sx_arena_copy(arena, sx_buffer_slice(&to));
            sx_buffer_free(&to);
            return ok;
        }
        *message = bytes->data ? NULL : "undecoded bytes must be a string";
        return bytes->data != NULL && (!line->base64 || decode_base64(bytes, arena, message));
    }
    ok = format->from_json(plan, json, &to, message, arena);
    if (ok)
        *bytes = sx_arena_copy(arena, sx_slice(to.data ? to.data : "", to.size));
    sx_buffer_free(&to);
    return ok;
}

static struct sx_slice add_window(const struct sx_record_form *form, struct sx_window window,
                                  struct sx_slice key, struct sx_arena *arena)
{
    struct sx_buffer bytes = {0};
    struct sx_slice whole;

    sx_buffer_add_slice(&bytes, key);
    sx_windowed_key_add(&bytes, window, form->key_window_ms < 0);
    whole = sx_arena_copy(arena, sx_buffer_slice(&bytes));
    sx_buffer_free(&bytes);
    return whole;
}

bool sx_record_line_encode(const struct sx_record_line *line, const struct sx_record_form *form,
                           struct sx_record *record, struct sx_arena *arena, const char **message)
{
    const char *why = NULL;

    *record = (struct sx_record){
        .timestamp = line->timestamp, .headers = line->headers, .header_count = line->header_count};
    if (!encode(form->key_format, form->key_plan, line->key, line, &record->key, arena, &why)) {
        *message = sx_arena_format(arena, "key: %s", why ? why : "it cannot be encoded");
        return false;
    }
    if (form->key_windowed && record->key.data != NULL && !line->raw) {
        if (!line->has_window || (form->key_window_ms < 0 && line->window.end == INT64_MAX)) {
            *message = "the topic's keys are windowed: say `\"window\": {\"start\": MS, \"end\": MS}` too";
            return false;
        }
        record->key = add_window(form, line->window, record->key, arena);
    }
    if (!encode(form->value_format, form->value_plan, line->value, line, &record->value, arena, &why)) {
        *message = sx_arena_format(arena, "value: %s", why ? why : "it cannot be encoded");
        return false;
    }
    return true;
}

/* ---- Writing --------------------------------------------------------------------------------- */

static void write_bytes(struct sx_buffer *to, struct sx_slice bytes)
{
    if (sx_utf8_valid(bytes)) {
        sx_json_write_string(to, bytes);
        return;
    }
    sx_buffer_add_byte(to, '"');
    sx_add_base64(to, bytes);
    sx_buffer_add_byte(to, '"');
}

static void write_part(struct sx_buffer *to, const struct sx_format_def *format, const void *plan,
                       struct sx_slice bytes, struct sx_arena *arena)
{
    size_t size = to->size;
    const char *message;

    if (bytes.data == NULL) {
        sx_buffer_add_text(to, "null");
        return;
    }
    if (format != NULL && format->to_json(plan, bytes, to, &message, arena))
        return;
    to->size = size;
    write_bytes(to, bytes);
}

bool sx_record_window(const struct sx_record_form *form, struct sx_slice *key, struct sx_window *window)
{
    return form->key_windowed && key->data != NULL &&
           sx_windowed_key_take(key, form->key_window_ms ? form->key_window_ms : INT64_MAX, window) == NULL;
}

static void write_window(struct sx_buffer *to, const struct sx_window *window)
{
    sx_buffer_printf(to, ",\"window\":{\"start\":%lld", (long long)window->start);
    if (window->end != INT64_MAX)
        sx_buffer_printf(to, ",\"end\":%lld", (long long)window->end);
    sx_buffer_add_byte(to, '}');
}

void sx_record_line_write(struct sx_buffer *to, const char *topic, int32_t partition,
                          const struct sx_record *record, const struct sx_record_form *form,
                          const struct sx_window *window, struct sx_arena *arena)
{
    struct sx_slice key = record->key;
    struct sx_window own;

    sx_buffer_add_byte(to, '{');
    if (topic != NULL) {
        sx_buffer_add_text(to, "\"topic\":");
        sx_json_write_string(to, sx_slice_of(topic));
        sx_buffer_add_byte(to, ',');
    }
    if (sx_record_window(form, &key, &own) && window == NULL)
        window = &own;
    sx_buffer_add_text(to, "\"key\":");
    write_part(to, form->key_format, form->key_plan, key, arena);
    sx_buffer_add_text(to, ",\"value\":");
    if (form->value_format != NULL || !form->guess_json || record->value.data == NULL ||
        !sx_json_compact(record->value, to, NULL))
        write_part(to, form->value_format, form->value_plan, record->value, arena);
    sx_buffer_printf(to, ",\"timestamp\":%lld", (long long)record->timestamp);
    if (partition >= 0)
        sx_buffer_printf(to, ",\"partition\":%d,\"offset\":%lld", partition, (long long)record->offset);
    if (window != NULL)
        write_window(to, window);
    for (uint32_t h = 0; h < record->header_count; h++) {
        sx_buffer_add_text(to, h ? "," : ",\"headers\":{");
        sx_json_write_string(to, record->headers[h].name);
        sx_buffer_add_byte(to, ':');
        if (record->headers[h].value.data == NULL)
            sx_buffer_add_text(to, "null");
        else
            write_bytes(to, record->headers[h].value);
    }
    sx_buffer_add_text(to, record->header_count ? "}}\n" : "}\n");
}
