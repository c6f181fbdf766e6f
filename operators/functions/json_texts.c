/* json_texts.c: JSON texts made and asked, under the names of Flink and ksqlDB. */
#include "engine/data/format.h"
#include "operators/functions/json.h"

/* ---- Asked ----------------------------------------------------------------------------------- */

static struct sx_value json_query(struct sx_call *call, const struct sx_value *args, uint32_t count)
{
    struct sx_slice json = sx_json_find(call, sx_value_slice(args[0]), sx_value_slice(args[1]));
    struct sx_buffer text = {0};

    if (json.data == NULL || (json.data[0] != '{' && json.data[0] != '['))
        return SX_VALUE_NULL;
    sx_json_compact(json, &text, NULL);
    return sx_json_result(call, &text);
}

static struct sx_value json_exists(struct sx_call *call, const struct sx_value *args, uint32_t count)
{
    return sx_value_bool(sx_json_find(call, sx_value_slice(args[0]), sx_value_slice(args[1])).data != NULL);
}

/* ---- Quotes ---------------------------------------------------------------------------------- */

/* A text that is no JSON string stays as it is. */
static struct sx_value json_unquote(struct sx_call *call, const struct sx_value *args, uint32_t count)
{
    struct sx_buffer text = {0};

    if (args[0].size == 0 || args[0].s[0] != '"' || !sx_json_unescape(sx_value_slice(args[0]), &text, NULL)) {
        sx_buffer_free(&text);
        return args[0];
    }
    return sx_json_result(call, &text);
}

/* ---- Made ------------------------------------------------------------------------------------ */

static void add_value(struct sx_buffer *text, struct sx_value value, const struct sx_type *type)
{
    if (value.kind == SX_NULL)
        sx_buffer_add(text, "null", 4);
    else
        sx_json_write_value(text, value, type);
}

/* json_object(name, value, ...): a null value stands as null. */
static struct sx_value json_object(struct sx_call *call, const struct sx_value *args, uint32_t count)
{
    struct sx_buffer text = {0};

    if (count % 2 != 0)
        return sx_call_fail(call, "json_object takes names and values in turn; the last has no value");
    sx_buffer_add_byte(&text, '{');
    for (uint32_t i = 0; i < count; i += 2) {
        if (args[i].kind != SX_STRING) {
            sx_buffer_free(&text);
            return sx_call_fail(call, "name %u of json_object is not a string", i / 2 + 1);
        }
        if (i)
            sx_buffer_add_byte(&text, ',');
        add_value(&text, args[i], &sx_type_string);
        sx_buffer_add_byte(&text, ':');
        add_value(&text, args[i + 1], call->types[i + 1]);
    }
    sx_buffer_add_byte(&text, '}');
    return sx_json_result(call, &text);
}

/* json_array(value, ...): nulls are left out, as in SQL. */
static struct sx_value json_array(struct sx_call *call, const struct sx_value *args, uint32_t count)
{
    struct sx_buffer text = {0};

    sx_buffer_add_byte(&text, '[');
    for (uint32_t i = 0; i < count; i++) {
        if (args[i].kind == SX_NULL)
            continue;
        if (text.size > 1)
            sx_buffer_add_byte(&text, ',');
        sx_json_write_value(&text, args[i], call->types[i]);
    }
    sx_buffer_add_byte(&text, ']');
    return sx_json_result(call, &text);
}

/* A wrong number of arguments is an error of the text. */
static void *check_object(struct sx_call *call, const struct sx_value *const *constants, uint32_t count)
{
    if (count % 2 != 0)
        sx_call_fail(call, "json_object takes names and values in turn; the last has no value");
    return NULL;
}

#define ROW(sig, text, sample, gives, nulls, function, prepared)                               \
    {                                                                                          \
        .signature = sig, .summary = text, .example = sample, .result = gives, .flags = nulls, \
        .fn = function, .prepare = prepared                                                    \
    }

static const struct sx_function_def rows[] = {
    ROW("json_query(s string, path string) string",
        "The object or array at a path, as JSON; null if neither is there.",
        "json_query('{\"a\": {\"b\": [7, 8]}}', \"$.a\")", "\"{\\\"b\\\":[7,8]}\"", 0, json_query,
        sx_json_prepare_path),
    ROW("json_exists(s string, path string) bool", "Is there something at a path, a null too?",
        "json_exists('{\"a\": null}', \"$.a\")", "true", 0, json_exists, sx_json_prepare_path),
    ROW("extractjsonfield(s string, path string) string", "What `json_value` gives, as ksqlDB calls it.",
        "extractjsonfield('{\"a\": [7]}', \"$.a[0]\")", "\"7\"", 0, sx_json_value, sx_json_prepare_path),
    ROW("is_json_string(s string) bool", "What `is_json` gives, as ksqlDB calls it.",
        "is_json_string(\"[1\")", "false", SX_FUNCTION_NULLS, sx_is_json, NULL),
    ROW("to_json_string(x any) string", "What `to_json` gives, as ksqlDB calls it.",
        "to_json_string([1, null])", "\"[1,null]\"", 0, sx_to_json, NULL),
    ROW("json_string(x any) string", "What `to_json` gives, as Flink calls it.", "json_string({ a: 1 })",
        "\"{\\\"a\\\":1}\"", 0, sx_to_json, NULL),
    ROW("json_quote(s string) string", "The text as a JSON string, with quotes and escapes.",
        "length(json_quote('a\"b'))", "6", 0, sx_to_json, NULL),
    ROW("json_unquote(s string) string", "The text that a JSON string stands for; another text as it is.",
        "json_unquote('\"a\\\\nb\"')", "\"a\\nb\"", 0, json_unquote, NULL),
    ROW("json_object(names_and_values any...) string",
        "A JSON object of names and values in turn; a null value stands as null.",
        "json_object(\"a\", 1, \"b\", null)", "\"{\\\"a\\\":1,\\\"b\\\":null}\"", SX_FUNCTION_NULLS,
        json_object, check_object),
    ROW("json_array(x any...) string", "A JSON array of the values; nulls are left out.",
        "json_array(1, null, \"a\")", "\"[1,\\\"a\\\"]\"", SX_FUNCTION_NULLS, json_array, NULL),
};

const struct sx_function_table sx_functions_json_texts = SX_ROWS_OF("json texts", rows);
