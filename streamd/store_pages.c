/* store_pages.c: GET /stores and /stores/TABLE?key=K: the rows that tables have now. */
#include "streamd/api_store.h"
#include "streamd/http_server.h"

#include "engine/base/document.h"
#include "engine/base/text.h"
#include "engine/format/json_text.h"

static streamd_status look(void *engine, const uint32_t *stores, uint32_t count, sx_stores_fn fn, void *arg,
                           bool *all, streamd_error **error)
{
    return sx_engine_look(engine, stores, count, fn, arg, all, error);
}

static bool is_kept_table(const struct sx_flow *flow)
{
    return flow != NULL && (flow->kind == SX_FLOW_TABLE || flow->kind == SX_FLOW_GLOBAL) &&
           flow->view != NULL;
}

enum MHD_Result sx_page_stores(const struct sx_http_request *request)
{
    const struct sx_compiled *compiled = request->http->options.compiled;
    json_t *document = json_object(), *stores = json_array(), *store;
    struct sx_buffer text = {0};

    for (uint32_t d = 0; d < compiled->definition_count; d++) {
        if (!is_kept_table(compiled->definitions[d].flow))
            continue;
        store = json_object();
        sx_document_set(store, "name", sx_document_text(compiled->definitions[d].name));
        sx_document_set(store, "windowed", json_boolean(compiled->definitions[d].flow->schema->windowed));
        sx_document_push(stores, store);
    }
    sx_document_set(document, "stores", stores);
    sx_document_write(&text, document, false);
    return sx_http_answer(request, MHD_HTTP_OK, "application/json", &text);
}

/* A table that is being asked. */
struct asking {
    struct sx_record_form form;
    struct sx_arena arena;
    struct sx_buffer key; /* as bytes */
    struct sx_slice key_json;
    struct sx_buffer answer; /* lines */
};

static bool encode_key(struct asking *a, struct sx_slice json, const char **message)
{
    struct sx_buffer compact = {0};
    bool ok = sx_json_compact(json, &compact, NULL);

    a->key.size = 0;
    if (ok) {
        a->key_json = sx_arena_copy(&a->arena, sx_buffer_slice(&compact));
        ok = a->form.key_format->from_json(a->form.key_plan, a->key_json, &a->key, message, &a->arena);
    }
    sx_buffer_free(&compact);
    return ok;
}

/* The key as JSON, or a bare text for a key that is one: `?key=ada` is `?key="ada"`. */
static bool read_key(struct asking *a, const char *text, const char **message)
{
    struct sx_buffer quoted = {0};
    bool ok;

    *message = "the key must be JSON";
    if (encode_key(a, sx_slice_of(text), message))
        return true;
    if (!sx_utf8_valid(sx_slice_of(text)))
        return false;
    sx_json_write_string(&quoted, sx_slice_of(text));
    ok = encode_key(a, sx_buffer_slice(&quoted), message);
    sx_buffer_free(&quoted);
    return ok;
}

static void add_row(struct asking *a, struct sx_slice value, const struct sx_window *window)
{
    const char *message;
    size_t size;

    sx_buffer_add_text(&a->answer, "{\"key\":");
    sx_buffer_add_slice(&a->answer, a->key_json);
    sx_buffer_add_text(&a->answer, ",\"value\":");
    size = a->answer.size;
    if (!a->form.value_format->to_json(a->form.value_plan, value, &a->answer, &message, &a->arena)) {
        a->answer.size = size;
        sx_buffer_add_text(&a->answer, "null");
    }
    if (window != NULL)
        sx_buffer_printf(&a->answer, ",\"window\":{\"start\":%lld,\"end\":%lld}", (long long)window->start,
                         (long long)window->end);
    sx_buffer_add_text(&a->answer, "}\n");
}

static bool add_window(int64_t start_ms, int64_t end_ms, streamd_bytes value, void *arg)
{
    struct sx_window window = {start_ms, end_ms};

    add_row(arg, sx_slice(value.data, value.size), &window);
    return true;
}

static bool time_argument(const struct sx_http_request *request, const char *name, int64_t *value)
{
    const char *text = sx_http_argument(request, name);

    return text == NULL || (sx_read_int(sx_slice_of(text), value) && *value >= 0);
}

static streamd_status find_rows(const struct sx_http_request *request, streamd_store *store, bool windowed,
                                struct asking *a, streamd_error **error)
{
    streamd_bytes key = {a->key.data ? a->key.data : "", a->key.size};
    streamd_buffer *value = NULL;
    int64_t from = 0, to = INT64_MAX;
    streamd_status status;

    if (!time_argument(request, "from", &from) || !time_argument(request, "to", &to))
        return sx_fail(error, STREAMD_E_ARGUMENT, "from and to are milliseconds, within which windows start");
    if (windowed)
        return streamd_store_each_window(store, key, from, to, add_window, a, error);
    status = streamd_store_get(store, key, &value, error);
    if (status == STREAMD_OK) {
        streamd_bytes bytes = streamd_buffer_bytes(value);

        add_row(a, sx_slice(bytes.data, bytes.size), NULL);
    }
    streamd_buffer_free(value);
    return status;
}

static enum MHD_Result refuse(const struct sx_http_request *request, streamd_error *error)
{
    streamd_status status = streamd_error_status(error);
    enum MHD_Result result;

    if (status != STREAMD_E_ARGUMENT && status != STREAMD_E_DECODE && status != STREAMD_E_MOVED &&
        status != STREAMD_E_STATE)
        return sx_http_fail(request, error);
    result =
        sx_http_refuse(request,
                       status == STREAMD_E_MOVED || status == STREAMD_E_STATE ? MHD_HTTP_SERVICE_UNAVAILABLE
                                                                              : MHD_HTTP_BAD_REQUEST,
                       "%s", streamd_error_message(error));
    streamd_error_free(error);
    return result;
}

enum MHD_Result sx_page_store(const struct sx_http_request *request)
{
    const struct sx_http_options *options = &request->http->options;
    struct streamd_topology topology = {.compiled = (struct sx_compiled *)options->compiled};
    const char *text = sx_http_argument(request, "key"), *message = NULL;
    struct asking a = {0};
    streamd_store *store = NULL;
    streamd_error *error = NULL;
    enum MHD_Result result;
    bool windowed;

    if (text == NULL)
        return sx_http_refuse(request, MHD_HTTP_BAD_REQUEST, "say which row: ?key=...");
    if (sx_api_store_open(&topology, request->rest, look, options->engine, &store, &error) != STREAMD_OK)
        return refuse(request, error);
    sx_arena_init(&a.arena, 4096);
    windowed = sx_api_store_form(store, &a.form);
    if (!read_key(&a, text, &message))
        result = sx_http_refuse(request, MHD_HTTP_BAD_REQUEST, "key: %s", message);
    else if (find_rows(request, store, windowed, &a, &error) != STREAMD_OK)
        result = refuse(request, error);
    else
        result = sx_http_answer(request, MHD_HTTP_OK, "application/x-ndjson", &a.answer);
    streamd_store_close(store);
    sx_buffer_free(&a.key);
    sx_buffer_free(&a.answer);
    sx_arena_free(&a.arena);
    return result;
}
