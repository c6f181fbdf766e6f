/* format.c: the table of formats, and what several of them need. */
#include "engine/format/common.h"

#include "engine/base/text.h"
#include "engine/format/json_text.h"

#define SX_FORMAT(name) extern const struct sx_format_def sx_format_##name;
#include "engine/format/formats.def"
#undef SX_FORMAT

static const struct sx_format_def *const formats[] = {
#define SX_FORMAT(name) &sx_format_##name,
#include "engine/format/formats.def"
#undef SX_FORMAT
};

const struct sx_format_def *sx_format_find(const char *name)
{
    for (size_t i = 0; i < SX_COUNT(formats); i++)
        if (strcmp(formats[i]->name, name) == 0)
            return formats[i];
    return NULL;
}

const struct sx_format_def *const *sx_format_all(size_t *count)
{
    *count = SX_COUNT(formats);
    return formats;
}

struct sx_slice sx_format_cut(struct sx_slice text, uint32_t most)
{
    if (text.size <= most)
        return text;
    while (most > 0 && ((unsigned char)text.data[most] & 0xc0) == 0x80)
        most--;
    return sx_slice(text.data, most);
}

const char *sx_format_label(struct sx_arena *arena, const char *name)
{
    struct sx_slice cut = sx_format_cut(sx_slice_of(name), 80);

    return sx_arena_format(arena, "%.*s%s", (int)cut.size, cut.data, name[cut.size] ? "..." : "");
}

const char *sx_format_quote(struct sx_arena *arena, struct sx_slice text)
{
    struct sx_slice cut = sx_format_cut(text, SX_QUOTED_BYTES);
    struct sx_buffer quoted = {0};
    const char *result;

    if (!sx_utf8_valid(cut)) {
        char *plain = sx_arena_strndup(arena, cut.data, cut.size);

        for (uint32_t i = 0; i < cut.size; i++)
            if ((unsigned char)plain[i] >= 0x80)
                plain[i] = '?';
        cut.data = plain;
    }
    sx_json_write_string(&quoted, cut);
    result =
        sx_arena_format(arena, "%.*s%s", (int)quoted.size, quoted.data, cut.size < text.size ? "..." : "");
    sx_buffer_free(&quoted);
    return result;
}

streamd_status sx_format_bind_one(const char *format, uint32_t kinds, const struct sx_format_spec *spec,
                                  struct sx_arena *arena, void **plan, streamd_error **error)
{
    struct sx_format_one *one = SX_ARENA_NEW(arena, struct sx_format_one);

    if (spec->field_count > 1)
        return sx_fail(error, STREAMD_E_TYPE, "`%s` is one column, not %u; several need `json` or `csv`",
                       format, spec->field_count);
    if (spec->field_count == 1) {
        const struct sx_format_field *field = &spec->fields[0];

        if (!(kinds >> field->type->kind & 1))
            return sx_fail(error, STREAMD_E_TYPE, "`%s` cannot hold `%s`, which is of type %s", format,
                           field->name, sx_type_text(field->type, arena));
        one->name = sx_format_label(arena, field->name);
        one->type = field->type;
        one->not_null = field->not_null;
    }
    *plan = one;
    return STREAMD_OK;
}

const char *sx_format_name(const struct sx_format_one *one) { return one->name ? one->name : "value"; }

bool sx_format_not_null(const struct sx_format_one *one, const struct sx_column *const *columns, uint32_t row,
                        const char *format, struct sx_arena *arena, const char **message)
{
    if (SX_LIKELY(one->type != NULL && !sx_column_is_null(columns[0], row)))
        return true;
    *message = sx_arena_format(arena, "%s: it is null, which `%s` cannot write", sx_format_name(one), format);
    return false;
}

struct sx_column *sx_format_column(const struct sx_format_one *one, const uint64_t *wanted,
                                   struct sx_column *columns, uint32_t rows, struct sx_arena *arena)
{
    if (one->type == NULL || !sx_format_wants(wanted, 0))
        return NULL;
    columns[0] = sx_column_new(arena, one->type, rows);
    return &columns[0];
}

void sx_format_set_null(struct sx_column *column, uint32_t row, uint32_t rows, struct sx_arena *arena)
{
    size_t width = sx_column_width(column->type->kind);

    sx_bit_set(sx_column_nulls(column, arena, rows), row);
    memset((char *)column->data + width * row, 0, width);
}

bool sx_format_to_string(struct sx_slice bytes, struct sx_buffer *json, const char **message,
                         struct sx_arena *arena)
{
    if (sx_utf8_valid(bytes)) {
        sx_json_write_string(json, bytes);
        return true;
    }
    *message = sx_arena_format(arena, "not valid UTF-8: %s", sx_format_quote(arena, bytes));
    return false;
}

bool sx_format_from_string(struct sx_slice json, struct sx_buffer *to, const char **message,
                           struct sx_arena *arena)
{
    struct sx_json_error wrong;

    if (sx_json_unescape(json, to, &wrong))
        return true;
    *message = sx_arena_format(arena, "expected a JSON string: %s (byte %zu)", wrong.what, wrong.at);
    return false;
}
