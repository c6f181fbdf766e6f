/* csv.c: the format `csv`: a record is one line of RFC 4180.
 *
 * A value in quotes may hold the delimiter, line ends and quotes (doubled). An empty value is null, an
 * empty value in quotes is an empty string. One line end behind the last value is not part of it. What
 * is not text may have spaces around it. Types are written as in JSON, but without quotes: timestamps
 * as milliseconds (or ISO-8601, when read), dates and times as ISO-8601, bytes as base64.
 */
#include "engine/base/text.h"
#include "engine/data/decimal.h"
#include "engine/format/common.h"

struct csv_field {
    const char *name; /* as a label */
    const struct sx_type *type;
    bool not_null;
    struct sx_value preset; /* instead of null */
};

struct csv_plan {
    struct csv_field *fields;
    uint32_t field_count;
    char delimiter;
};

static streamd_status bind(const struct sx_format_spec *spec, struct sx_arena *arena, void **plan,
                           streamd_error **error)
{
    struct csv_plan *csv = SX_ARENA_NEW(arena, struct csv_plan);

    csv->delimiter = spec->delimiter ? spec->delimiter : ',';
    if (strchr("\"\r\n", csv->delimiter) != NULL || (unsigned char)csv->delimiter >= 0x80)
        return sx_fail(error, STREAMD_E_TYPE,
                       "a delimiter is one ASCII character, and neither a quote nor a line end");
    csv->field_count = spec->field_count;
    csv->fields = SX_ARENA_ARRAY(arena, struct csv_field, spec->field_count + 1);
    for (uint32_t i = 0; i < spec->field_count; i++) {
        const struct sx_format_field *from = &spec->fields[i];

        if (from->type->kind == SX_NULL || sx_kind_is_nested(from->type->kind))
            return sx_fail(error, STREAMD_E_TYPE, "`csv` cannot hold `%s`, which is of type %s%s", from->name,
                           sx_type_text(from->type, arena),
                           from->type->kind == SX_JSON ? "; make it a `string`, the text of the JSON" : "");
        if (from->path != NULL)
            return sx_fail(error, STREAMD_E_TYPE,
                           "`%s`: the columns of `csv` go by their order; `from` is for `json`", from->name);
        csv->fields[i] =
            (struct csv_field){sx_format_label(arena, from->name), from->type, from->not_null, SX_VALUE_NULL};
        if (from->has_default)
            csv->fields[i].preset = sx_value_copy(arena, from->preset);
        if (from->type->kind == SX_DOUBLE && csv->fields[i].preset.kind == SX_INT)
            csv->fields[i].preset = sx_value_double((double)from->preset.i);
    }
    *plan = csv;
    return STREAMD_OK;
}

/* ---- Decoding -------------------------------------------------------------------------------- */

/* One value of a line. */
struct cell {
    struct sx_slice text;
    bool quoted;
};

struct line {
    const char *begin, *at, *end;
    char delimiter;
    bool done; /* the last value was taken */
    struct sx_arena *arena;
    const char *wrong; /* NULL: nothing */
};

static struct line line_of(const struct csv_plan *plan, struct sx_slice bytes, struct sx_arena *arena)
{
    const char *end = bytes.data + bytes.size;

    if (end > bytes.data && end[-1] == '\n')
        end--;
    if (end > bytes.data && end[-1] == '\r')
        end--;
    return (struct line){bytes.data, bytes.data, end, plan->delimiter, false, arena, NULL};
}

/* At an opening quote. Text without doubled quotes stays where it is. */
static struct sx_slice take_quoted(struct line *l)
{
    const char *from = ++l->at;
    char *copy = NULL, *to = NULL;

    for (;;) {
        const char *quote = memchr(l->at, '"', (size_t)(l->end - l->at));

        if (quote == NULL) {
            l->wrong = "a quote without its end";
            l->at = from - 1;
            return SX_SLICE_NONE;
        }
        if (copy != NULL) {
            memcpy(to, l->at, (size_t)(quote - l->at));
            to += quote - l->at;
        }
        l->at = quote + 1;
        if (l->at == l->end || *l->at != '"')
            break;
        if (copy == NULL) {
            copy = sx_arena_alloc(l->arena, (size_t)(l->end - from));
            memcpy(copy, from, (size_t)(quote - from));
            to = copy + (quote - from);
        }
        *to++ = '"';
        l->at++;
    }
    return copy ? sx_slice(copy, (size_t)(to - copy)) : sx_slice(from, (size_t)(l->at - 1 - from));
}

/* The next value; false: l->wrong says what is wrong. */
static bool take_cell(struct line *l, struct cell *cell)
{
    const char *from = l->at;

    cell->quoted = l->at < l->end && *l->at == '"';
    if (cell->quoted) {
        cell->text = take_quoted(l);
        if (l->wrong == NULL && l->at < l->end && *l->at != l->delimiter)
            l->wrong = "something between a closing quote and the delimiter";
    } else {
        while (l->at < l->end && *l->at != l->delimiter && *l->at != '"' && *l->at != '\n' && *l->at != '\r')
            l->at++;
        cell->text = sx_slice(from, (size_t)(l->at - from));
        if (l->at < l->end && *l->at == '"')
            l->wrong = "a quote inside a value without quotes";
        else if (l->at < l->end && *l->at != l->delimiter)
            l->wrong = "a second line; a line end in a value needs quotes";
    }
    if (l->wrong != NULL)
        return false;
    l->done = l->at == l->end;
    l->at += !l->done;
    return true;
}

static struct sx_slice trim(struct sx_slice text)
{
    while (text.size > 0 && (*text.data == ' ' || *text.data == '\t')) {
        text.data++;
        text.size--;
    }
    while (text.size > 0 && (text.data[text.size - 1] == ' ' || text.data[text.size - 1] == '\t'))
        text.size--;
    return text;
}

/* NULL, or what was expected. */
static const char *parse_decimal(struct sx_slice text, const struct sx_type *type, struct sx_value *value,
                                 struct sx_arena *arena)
{
    __int128 digits;

    if (sx_decimal_read(text, type->precision, type->scale, &digits) != SX_DECIMAL_OK)
        return sx_type_text(type, arena);
    *value = sx_value_decimal(arena, digits);
    return NULL;
}

static bool parse_bytes(struct sx_slice text, struct sx_value *value, struct sx_arena *arena)
{
    struct sx_buffer decoded = {0};
    bool ok = sx_read_base64(&decoded, text);

    if (ok)
        *value = sx_value_bytes(sx_arena_copy(arena, sx_buffer_slice(&decoded)));
    sx_buffer_free(&decoded);
    return ok;
}

/* NULL, or what was expected. */
static const char *parse(struct sx_slice text, const struct sx_type *type, struct sx_value *value,
                         struct sx_arena *arena)
{
    *value = (struct sx_value){.kind = type->kind};
    if (type->kind == SX_STRING) {
        *value = sx_value_string(text);
        return sx_utf8_valid(text) ? NULL : "UTF-8";
    }
    text = trim(text);
    switch (type->kind) {
    case SX_BOOL:
        value->b = sx_slice_equal(text, SX_SLICE("true"));
        return value->b || sx_slice_equal(text, SX_SLICE("false")) ? NULL : "true or false";
    case SX_DOUBLE:
        return sx_read_double(text, &value->d) ? NULL : "a double";
    case SX_DECIMAL:
        return parse_decimal(text, type, value, arena);
    case SX_BYTES:
        return parse_bytes(text, value, arena) ? NULL : "base64";
    case SX_TIMESTAMP:
        return sx_read_int(text, &value->i) || sx_read_timestamp(text, &value->i) ? NULL : "a timestamp";
    case SX_DATE:
        return sx_read_date(text, &value->i) ? NULL : "a date";
    case SX_TIME:
        return sx_read_time(text, &value->i) ? NULL : "a time";
    default:
        return sx_read_int(text, &value->i) ? NULL : "an int";
    }
}

static void put(struct sx_column *column, uint32_t row, uint32_t rows, struct sx_value value,
                struct sx_arena *arena)
{
    if (column->data == NULL)
        return;
    if (value.kind == SX_NULL)
        sx_format_set_null(column, row, rows, arena);
    else
        sx_column_set(column, row, value);
}

static void read_line(const struct csv_plan *plan, struct sx_slice bytes, uint32_t row, uint32_t rows,
                      struct sx_column *columns, struct sx_arena *arena, struct sx_format_failures *failures)
{
    struct line line = line_of(plan, bytes, arena);

    for (uint32_t f = 0; f < plan->field_count; f++) {
        const struct csv_field *field = &plan->fields[f];
        struct sx_value value = field->preset;
        const char *expected = NULL;
        struct cell cell;

        if (line.done) {
            sx_format_failed(failures, row, "decode", "the line has %u values, not %u", f, plan->field_count);
            return;
        }
        if (!take_cell(&line, &cell)) {
            sx_format_failed(failures, row, "decode", "%s: %s (byte %zu)", field->name, line.wrong,
                             (size_t)(line.at - line.begin));
            return;
        }
        if (cell.quoted || cell.text.size > 0)
            expected = parse(cell.text, field->type, &value, arena);
        if (expected != NULL) {
            sx_format_failed(failures, row, "type", "%s: expected %s, got %s", field->name, expected,
                             sx_format_quote(arena, cell.text));
            return;
        }
        if (field->not_null && value.kind == SX_NULL) {
            sx_format_failed(failures, row, "not_null", "%s: it is empty, but the field says `not null`",
                             field->name);
            return;
        }
        put(&columns[f], row, rows, value, arena);
    }
    if (!line.done)
        sx_format_failed(failures, row, "decode", "the line has more than %u values", plan->field_count);
}

static void decode(const void *p, const struct sx_slice *bytes, uint32_t count, bool padded,
                   const uint64_t *wanted, struct sx_column *columns, struct sx_arena *arena,
                   struct sx_format_failures *failures)
{
    const struct csv_plan *plan = p;
    struct sx_column *into = SX_ARENA_ARRAY(arena, struct sx_column, plan->field_count + 1);

    for (uint32_t f = 0; f < plan->field_count; f++) {
        into[f].type = plan->fields[f].type;
        if (sx_format_wants(wanted, f))
            into[f] = sx_column_new(arena, into[f].type, count);
    }
    for (uint32_t i = 0; i < count; i++) {
        if (bytes[i].data != NULL) {
            read_line(plan, bytes[i], i, count, into, arena, failures);
            continue;
        }
        for (uint32_t f = 0; f < plan->field_count; f++)
            put(&into[f], i, count, SX_VALUE_NULL, arena);
    }
    for (uint32_t f = 0; f < plan->field_count; f++)
        if (into[f].data != NULL)
            columns[f] = into[f];
}

/* ---- Encoding -------------------------------------------------------------------------------- */

static void write_string(struct sx_buffer *to, struct sx_slice text, char delimiter)
{
    bool quotes = text.size == 0;

    for (uint32_t i = 0; i < text.size && !quotes; i++)
        quotes =
            text.data[i] == delimiter || text.data[i] == '"' || text.data[i] == '\n' || text.data[i] == '\r';
    if (!quotes) {
        sx_buffer_add_slice(to, text);
        return;
    }
    sx_buffer_add_byte(to, '"');
    for (uint32_t i = 0; i < text.size; i++) {
        if (text.data[i] == '"')
            sx_buffer_add_byte(to, '"');
        sx_buffer_add_byte(to, text.data[i]);
    }
    sx_buffer_add_byte(to, '"');
}

/* A delimiter such as `-` or `.` may stand in any value. */
static void write_value(struct sx_buffer *to, struct sx_value value, const struct sx_type *type,
                        char delimiter)
{
    struct sx_buffer text = {0};

    if (value.kind == SX_STRING) {
        write_string(to, sx_value_slice(value), delimiter);
        return;
    }
    switch ((enum sx_kind)value.kind) {
    case SX_DATE:
        sx_add_date(&text, value.i);
        break;
    case SX_TIME:
        sx_add_time(&text, value.i);
        break;
    case SX_BYTES:
        sx_add_base64(&text, sx_value_slice(value));
        break;
    default:
        sx_json_write_value(&text, value, type);
    }
    write_string(to, sx_buffer_slice(&text), delimiter);
    sx_buffer_free(&text);
}

static bool encode(const void *p, const struct sx_column *const *columns, uint32_t row, struct sx_buffer *to,
                   struct sx_arena *arena, const char **message)
{
    const struct csv_plan *plan = p;

    for (uint32_t f = 0; f < plan->field_count; f++) {
        struct sx_value value = sx_column_get(columns[f], row);

        if (f > 0)
            sx_buffer_add_byte(to, plan->delimiter);
        if (value.kind != SX_NULL)
            write_value(to, value, plan->fields[f].type, plan->delimiter);
    }
    return true;
}

static bool to_json(const void *plan, struct sx_slice bytes, struct sx_buffer *json, const char **message,
                    struct sx_arena *arena)
{
    return sx_format_to_string(bytes, json, message, arena);
}

static bool from_json(const void *plan, struct sx_slice json, struct sx_buffer *bytes, const char **message,
                      struct sx_arena *arena)
{
    return sx_format_from_string(json, bytes, message, arena);
}

const struct sx_format_def sx_format_csv = {
    .name = "csv",
    .summary = "The values of a line, by their order, with a delimiter between (RFC 4180).",
    .example = "value csv { id string, amount double } delimiter \";\"",
    .example_bytes = "\"a;1\";2.5",
    .example_row = "{\"id\":\"a;1\",\"amount\":2.5}",
    .takes_fields = true,
    .bind = bind,
    .decode = decode,
    .encode = encode,
    .to_json = to_json,
    .from_json = from_json,
};
