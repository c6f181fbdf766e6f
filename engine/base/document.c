/* document.c: see document.h. */
#include "engine/base/document.h"

#include "engine/base/text.h"

json_t *sx_document_text(const char *text)
{
    static const char unknown[] = "\xef\xbf\xbd";
    struct sx_buffer valid = {0};
    json_t *value;

    if (text == NULL)
        return json_null();
    if (sx_utf8_valid(sx_slice_of(text)))
        return json_string_nocheck(text);
    for (; *text != '\0'; text++) {
        if ((unsigned char)*text < 0x80)
            sx_buffer_add_byte(&valid, *text);
        else
            sx_buffer_add_text(&valid, unknown);
    }
    value = json_stringn_nocheck(valid.data, valid.size);
    sx_buffer_free(&valid);
    return value;
}

void sx_document_set(json_t *object, const char *name, json_t *value)
{
    json_object_set_new_nocheck(object, name, value);
}

void sx_document_push(json_t *array, json_t *value) { json_array_append_new(array, value); }

static int add(const char *text, size_t size, void *to)
{
    sx_buffer_add(to, text, size);
    return 0;
}

static void write_value(struct sx_buffer *to, const json_t *value)
{
    json_dump_callback(value, add, to, JSON_ENCODE_ANY | JSON_COMPACT);
}

static void write_rows(struct sx_buffer *to, json_t *array)
{
    json_t *value;
    size_t i;

    sx_buffer_add_byte(to, '[');
    json_array_foreach(array, i, value)
    {
        sx_buffer_add_text(to, i ? ",\n  " : "\n  ");
        write_value(to, value);
    }
    sx_buffer_add_text(to, i ? "\n]" : "]");
}

void sx_document_write(struct sx_buffer *to, json_t *document, bool rows)
{
    const char *separator = "{\n", *name;
    json_t *value, *key;

    if (!rows) {
        write_value(to, document);
    } else {
        json_object_foreach(document, name, value)
        {
            sx_buffer_add_text(to, separator);
            separator = ",\n";
            key = json_string_nocheck(name);
            write_value(to, key);
            json_decref(key);
            sx_buffer_add_byte(to, ':');
            if (json_is_array(value))
                write_rows(to, value);
            else
                write_value(to, value);
        }
        sx_buffer_add_text(to, "\n}");
    }
    sx_buffer_add_byte(to, '\n');
    json_decref(document);
}
