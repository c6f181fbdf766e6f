/* formats.c: sources and sinks: which format encodes which columns. */
#include "dsl/check.h"

#include "engine/base/text.h"

/* ---- Binding a format ------------------------------------------------------------------------ */

static const struct sx_format_def *find_format(struct sx_compiler *c, const char *name, struct sx_position at)
{
    const struct sx_format_def *format = sx_format_find(name);
    const char *names[64], *near;
    size_t count, named = 0;
    const struct sx_format_def *const *all;

    if (format != NULL && !format->internal)
        return format;
    all = sx_format_all(&count);
    for (size_t i = 0; i < count && named < SX_COUNT(names); i++)
        if (!all[i]->internal)
            names[named++] = all[i]->name;
    near = sx_nearest(name, names, named);
    sx_mistake(c, at, STREAMD_E_NAME,
               near ? sx_arena_format(c->arena, "did you mean `%s`?", near)
                    : "formats are json, csv, string, int, int32, double, bytes",
               "there is no format `%s`", name);
    return NULL;
}

/* `csv` is for values, `none` for keys. */
static bool check_side(struct sx_compiler *c, const char *name, bool key, struct sx_position at)
{
    if (strcmp(name, key ? "csv" : "none") != 0)
        return true;
    sx_mistake(c, at, STREAMD_E_TYPE, key ? "write `key string`" : "write `value json { ... }`",
               "`%s` cannot be the format of a %s", name, key ? "key" : "value");
    return false;
}

static const void *bind_format(struct sx_compiler *c, const struct sx_format_def *format, bool key,
                               const struct sx_format_field *fields, uint32_t count, bool whole,
                               const struct sx_ast_format *written, struct sx_position at)
{
    struct sx_format_spec spec = {
        .fields = fields, .field_count = count, .key = key, .whole = whole, .delimiter = ','};
    streamd_error *error = NULL;
    void *plan = NULL;

    if (written != NULL) {
        spec.header = written->header;
        if (written->delimiter != NULL && strlen(written->delimiter) != 1)
            sx_mistake(c, at, STREAMD_E_TYPE, NULL, "the delimiter must be one character");
        else if (written->delimiter != NULL)
            spec.delimiter = written->delimiter[0];
    }
    if (format->bind(&spec, c->arena, &plan, &error) != STREAMD_OK) {
        sx_mistake(c, at, STREAMD_E_TYPE, NULL, "%s", streamd_error_message(error));
        streamd_error_free(error);
        return NULL;
    }
    return plan;
}

/* ---- Sources --------------------------------------------------------------------------------- */

/* Declared fields as a format's. */
static bool declare_fields(struct sx_compiler *c, const struct sx_ast_field *from, uint32_t count,
                           struct sx_format_field **fields)
{
    struct sx_scope none = {.c = c};
    bool ok = true;

    *fields = SX_ARENA_ARRAY(c->arena, struct sx_format_field, count + 1);
    for (uint32_t i = 0; i < count; i++) {
        (*fields)[i] = (struct sx_format_field){
            .name = from[i].name, .path = from[i].path, .type = from[i].type, .not_null = from[i].not_null};
        for (uint32_t j = 0; j < i; j++)
            if (strcmp(from[i].name, from[j].name) == 0) {
                sx_mistake(c, from[i].at, STREAMD_E_NAME, NULL, "the field `%s` is there twice",
                           from[i].name);
                ok = false;
            }
        if (from[i].preset != NULL) {
            (*fields)[i].has_default = true;
            ok &= sx_check_constant(&none, from[i].preset, from[i].type, &(*fields)[i].preset);
        }
    }
    return ok;
}

/* The type of the one column of a format without fields. */
static const struct sx_type *single_type(struct sx_compiler *c, const struct sx_format_def *format,
                                         const struct sx_ast_format *written)
{
    if (written->type != NULL)
        return written->type;
    if (format->type != NULL)
        return format->type;
    sx_mistake(c, written->at, STREAMD_E_SYNTAX,
               sx_arena_format(c->arena, "write `%s { name string, ... }`", format->name),
               "`%s` needs its fields", format->name);
    return NULL;
}

/* A key or value: its format and fields; `name` is what a single column is called. */
static bool declare(struct sx_compiler *c, const struct sx_ast_format *written, const char *name, bool key,
                    const struct sx_format_def **format, const void **plan,
                    const struct sx_format_field **fields, uint32_t *count)
{
    struct sx_format_field *made;
    bool whole;

    *format = find_format(c, written->name, written->at);
    if (*format == NULL || !check_side(c, written->name, key, written->at))
        return false;
    if (strcmp(written->name, "none") == 0) {
        *count = 0;
        *fields = NULL;
        *plan = bind_format(c, *format, key, NULL, 0, false, NULL, written->at);
        return true;
    }
    if (written->has_fields && !(*format)->takes_fields) {
        sx_mistake(c, written->at, STREAMD_E_SYNTAX,
                   sx_arena_format(c->arena, "write `json { ... }`, or `%s` alone", written->name),
                   "`%s` has no fields", written->name);
        return false;
    }
    /* `key json { a int }` without `as` gives the columns a; with `as` one struct. */
    if (written->has_fields && written->as == NULL) {
        whole = false;
        if (!declare_fields(c, written->fields, written->field_count, &made))
            return false;
        *count = written->field_count;
    } else {
        made = SX_ARENA_ARRAY(c->arena, struct sx_format_field, 1);
        if (written->has_fields) {
            struct sx_type_field *parts =
                SX_ARENA_ARRAY(c->arena, struct sx_type_field, written->field_count + 1);
            for (uint32_t i = 0; i < written->field_count; i++)
                parts[i] =
                    (struct sx_type_field){.name = written->fields[i].name, .type = written->fields[i].type};
            made->type = sx_type_struct(c->arena, parts, written->field_count);
        } else {
            made->type = single_type(c, *format, written);
        }
        made->name = written->as ? written->as : name;
        whole = true;
        *count = 1;
        if (made->type == NULL)
            return false;
    }
    *fields = made;
    *plan = bind_format(c, *format, key, made, *count, whole, written, written->at);
    return *plan != NULL || strcmp(written->name, "none") == 0;
}

/* `from topics matching "regex"`: the pattern, compiled. */
static bool check_pattern(struct sx_compiler *c, const struct sx_statement *s, struct sx_source_spec *spec)
{
    const char *message = NULL;

    if (s->flow != SX_FLOW_STREAM) {
        sx_mistake(c, s->topics_at[0], STREAMD_E_TYPE,
                   "read the topics as a stream, and make a table of it with `| latest`",
                   "a table is kept from one topic, not from those that match");
        return false;
    }
    if (c->catalog->topic_pattern != NULL)
        spec->pattern = c->catalog->topic_pattern(c->arena, s->pattern, &message);
    if (spec->pattern == NULL)
        sx_mistake(c, s->topics_at[0], STREAMD_E_SYNTAX,
                   "all topics that begin with `orders-`: `\"orders-.*\"`", "%s",
                   message ? message : "patterns cannot be used here");
    return spec->pattern != NULL;
}

/* `versioned D`: how far back the rows of a table are kept. */
static bool check_versioned(struct sx_compiler *c, const struct sx_statement *s, struct sx_source_spec *spec)
{
    struct sx_scope none = {.c = c};
    struct sx_value value;

    if (s->flow != SX_FLOW_TABLE)
        sx_mistake(c, s->versioned->at, STREAMD_E_TYPE, "leave it out", "%s has no versions",
                   s->flow == SX_FLOW_STREAM ? "a stream" : "a global table");
    else if (!sx_check_constant(&none, s->versioned, &sx_type_duration, &value))
        return false;
    else if (value.kind == SX_NULL || value.i <= 0)
        sx_mistake(c, s->versioned->at, STREAMD_E_CONFIG, NULL, "the history must be longer than nothing");
    else
        spec->history_ms = value.i;
    return spec->history_ms > 0;
}

static bool check_time(struct sx_compiler *c, struct sx_source_spec *spec, const struct sx_ast *time)
{
    struct sx_scope scope = {.c = c, .schema = sx_source_schema(spec, c->arena)};

    spec->time = sx_check_program(&scope, time, &sx_type_timestamp, NULL);
    return spec->time != NULL;
}

/* A source that is no topic: the name that stands for it in the plan, which no topic can have. */
static bool set_medium(struct sx_compiler *c, const struct sx_statement *s, struct sx_source_spec *spec)
{
    static const char *const words[] = {
        [SX_MEDIUM_FILE] = "file", [SX_MEDIUM_STANDARD] = "stdin", [SX_MEDIUM_SCHEDULE] = "schedule"};
    const char **name = SX_ARENA_NEW(c->arena, const char *), *message = NULL;

    spec->medium = s->medium;
    if (s->flow != SX_FLOW_STREAM) {
        sx_mistake(c, s->at, STREAMD_E_SYNTAX,
                   sx_arena_format(c->arena, "write `stream ... from %s`, and `| latest` behind it",
                                   words[s->medium]),
                   "a table is read from a topic");
        return false;
    }
    spec->path = s->topics[0];
    if (s->medium == SX_MEDIUM_FILE && s->topics[0][0] == '\0') {
        sx_mistake(c, s->topics_at[0], STREAMD_E_NAME, NULL, "the file has no name");
        return false;
    }
    if (s->medium == SX_MEDIUM_SCHEDULE) {
        spec->schedule = c->catalog->schedule(s->topics[0], s->zone, c->arena, &message);
        if (spec->schedule == NULL) {
            sx_mistake(c, s->topics_at[0], STREAMD_E_SYNTAX, "every five minutes is \"*/5 * * * *\"", "%s",
                       message);
            return false;
        }
    }
    *name = sx_arena_format(c->arena, "%s:%s", words[s->medium],
                            s->medium == SX_MEDIUM_SCHEDULE ? s->name : s->topics[0]);
    for (uint32_t i = 0; i < c->source_count; i++)
        if (c->sources[i]->pattern == NULL && strcmp(c->sources[i]->topics[0], *name) == 0) {
            sx_mistake(c, s->topics_at[0], STREAMD_E_NAME,
                       sx_arena_format(c->arena, "begin both pipelines from `%s`", c->sources[i]->name),
                       "it is read already");
            return false;
        }
    spec->topics = name;
    spec->topic_count = 1;
    return true;
}

static const struct sx_flow *add_source(struct sx_compiler *c, const struct sx_source_spec *spec)
{
    c->sources = sx_realloc(c->sources, sizeof(*c->sources) * (c->source_count + 1));
    c->sources[c->source_count++] = spec;
    return sx_source_bind(c->plan, c->catalog, spec);
}

const struct sx_flow *sx_compile_source(struct sx_compiler *c, const struct sx_statement *s)
{
    struct sx_source_spec *spec = SX_ARENA_NEW(c->arena, struct sx_source_spec);
    const struct sx_ast_body *body = s->body;
    struct sx_ast_format no_key = {.name = "none", .at = s->at};
    bool ok = true;

    if (body == NULL) {
        *spec = (struct sx_source_spec){.name = s->name, .kind = s->flow, .at = s->at};
        return s->medium == SX_MEDIUM_SCHEDULE && set_medium(c, s, spec) ? add_source(c, spec) : NULL;
    }
    spec->name = s->name;
    spec->kind = s->flow;
    spec->topics = s->topics;
    spec->topic_count = s->topic_count;
    spec->at = s->at;
    spec->start_latest = body->start_latest;
    spec->on_gap = body->on_gap;
    spec->on_error = body->on_error;
    spec->error_topic = body->error_topic;
    spec->idle_ms = body->idle_ms;
    spec->key_window_ms = !body->key.windowed ? 0 : body->key.session ? -1 : body->key.window_ms;
    if (body->value.name == NULL) {
        sx_mistake(c, s->at, STREAMD_E_SYNTAX, "write `value json { ... }`", "the source `%s` has no `value`",
                   s->name);
        return NULL;
    }
    if (s->flow != SX_FLOW_STREAM && (body->key.name == NULL || strcmp(body->key.name, "none") == 0)) {
        sx_mistake(c, body->key.name ? body->key.at : s->at, STREAMD_E_SYNTAX, "write `key string`",
                   "the table `%s` has no `key`", s->name);
        return NULL;
    }
    if (s->flow != SX_FLOW_STREAM && body->on_gap != SX_ON_GAP_FAIL)
        sx_mistake(c, body->gap_at, STREAMD_E_CONFIG,
                   "a table with a gap is wrong for good: begin anew with `streamd reset`",
                   "only a stream goes on behind a gap: the table `%s` would miss rows and deletions",
                   s->name);
    for (uint32_t t = 0; t < s->topic_count && s->medium == SX_MEDIUM_LOG; t++)
        sx_check_topic(c, s->topics[t], s->topics_at[t]);
    if (s->medium != SX_MEDIUM_LOG && !set_medium(c, s, spec))
        return NULL;
    if (body->on_error == SX_ON_ERROR_TOPIC)
        sx_check_topic(c, body->error_topic, body->error_at);
    if (s->pattern != NULL)
        ok = check_pattern(c, s, spec);
    if (s->versioned != NULL)
        ok &= check_versioned(c, s, spec);
    ok &= declare(c, body->key.name ? &body->key : &no_key, "key", true, &spec->key_format, &spec->key_plan,
                  &spec->key_fields, &spec->key_count);
    ok &= declare(c, &body->value, "value", false, &spec->value_format, &spec->value_plan,
                  &spec->value_fields, &spec->value_count);
    if (ok && body->time != NULL)
        ok = check_time(c, spec, body->time);
    return ok ? add_source(c, spec) : NULL;
}

/* ---- Sinks ----------------------------------------------------------------------------------- */

static bool set_key(struct sx_compiler *c, const struct sx_ast_body *body, const struct sx_schema *schema,
                    struct sx_body *out, struct sx_position at)
{
    const char *name = body && body->key.name ? body->key.name : sx_format_of_key(schema);
    struct sx_format_field *fields = SX_ARENA_ARRAY(c->arena, struct sx_format_field, schema->key_count + 1);
    uint16_t *columns = SX_ARENA_ARRAY(c->arena, uint16_t, schema->key_count + 1);

    if (body != NULL && (body->key.name != NULL || body->key.windowed))
        at = body->key.at;
    out->key_windowed = body && body->key.windowed;
    out->key_window_ms = schema->window_ms;
    if (out->key_windowed && !schema->windowed) {
        sx_mistake(c, at, STREAMD_E_TYPE, NULL, "the rows have no window for `key windowed`");
        return false;
    }
    out->key_format = find_format(c, name, at);
    if (out->key_format == NULL || !check_side(c, name, true, at))
        return false;
    out->key_count = strcmp(name, "none") == 0 ? 0 : schema->key_count;
    if (out->key_count == 0 && strcmp(name, "none") != 0) {
        sx_mistake(c, at, STREAMD_E_TYPE, "write `key none`, or `| key by ...` before",
                   "the rows have no key");
        return false;
    }
    if (out->key_count > 1 && !out->key_format->takes_fields) {
        sx_mistake(c, at, STREAMD_E_TYPE, "write `key json`", "`%s` holds one column, and the key has %u",
                   name, out->key_count);
        return false;
    }
    for (uint32_t k = 0; k < out->key_count; k++) {
        columns[k] = (uint16_t)k;
        fields[k] = (struct sx_format_field){.name = schema->fields[k].name, .type = schema->fields[k].type};
    }
    out->key_columns = columns;
    out->key_plan = bind_format(c, out->key_format, true, fields, out->key_count, out->key_count == 1,
                                body ? &body->key : NULL, at);
    return out->key_plan != NULL || out->key_count == 0;
}

static bool has_column(const struct sx_schema *schema, const char *name)
{
    for (uint32_t i = 0; i < schema->count; i++)
        if (schema->fields[i].role == SX_ROLE_VALUE && strcmp(schema->fields[i].name, name) == 0)
            return true;
    return false;
}

static bool check_value_names(struct sx_compiler *c, const struct sx_schema *schema, struct sx_position at)
{
    for (uint32_t i = 0; i < schema->count; i++)
        for (uint32_t j = 0; j < i; j++)
            if (schema->fields[i].role == SX_ROLE_VALUE && schema->fields[j].role == SX_ROLE_VALUE &&
                strcmp(schema->fields[i].name, schema->fields[j].name) == 0) {
                sx_mistake(c, at, STREAMD_E_TYPE, "map the columns before the sink",
                           "both sides of the join have a column `%s`", schema->fields[i].name);
                return false;
            }
    return true;
}

static bool set_value(struct sx_compiler *c, const struct sx_ast_body *body, const struct sx_flow *flow,
                      struct sx_body *out, struct sx_position at)
{
    const struct sx_schema *schema = flow->schema;
    const struct sx_ast_format *written = body && body->value.name ? &body->value : NULL;
    struct sx_format_field *fields = SX_ARENA_ARRAY(c->arena, struct sx_format_field, schema->count + 3);
    uint16_t *columns = SX_ARENA_ARRAY(c->arena, uint16_t, schema->count + 3);
    bool whole;

    if (!check_value_names(c, schema, at))
        return false;
    out->value_format = find_format(c, written ? written->name : "json", written ? written->at : at);
    if (out->value_format == NULL ||
        !check_side(c, out->value_format->name, false, written ? written->at : at))
        return false;
    whole = !out->value_format->takes_fields || (written != NULL && written->type != NULL);
    for (uint32_t i = 0; i < schema->count; i++) {
        if (schema->fields[i].role != SX_ROLE_VALUE)
            continue;
        columns[out->value_count] = (uint16_t)i;
        fields[out->value_count++] =
            (struct sx_format_field){.name = schema->fields[i].name, .type = schema->fields[i].type};
    }
    out->value_whole = whole;
    if (whole && out->value_count != 1) {
        sx_mistake(c, written->at, STREAMD_E_TYPE, "map to one column before the sink",
                   "`%s` holds one column, and the value has %u", written->name, out->value_count);
        return false;
    }
    if (whole && written->type != NULL && !sx_type_equal(written->type, fields[0].type)) {
        sx_mistake(c, written->at, STREAMD_E_TYPE, NULL, "the column is %s",
                   sx_type_text(fields[0].type, c->arena));
        return false;
    }
    /* A windowed table's JSON value says its window, unless it has such columns. */
    if (!whole && schema->windowed && flow->kind == SX_FLOW_TABLE &&
        strcmp(out->value_format->name, "json") == 0) {
        static const char *const names[] = {"window_start", "window_end"};
        for (uint16_t i = 0; i < 2; i++)
            if (!has_column(schema, names[i])) {
                columns[out->value_count] = (uint16_t)(SX_COLUMN_WINDOW_START + i);
                fields[out->value_count++] =
                    (struct sx_format_field){.name = names[i], .type = &sx_type_timestamp};
            }
    }
    out->value_columns = columns;
    out->value_plan = bind_format(c, out->value_format, false, fields, out->value_count, whole, written,
                                  written ? written->at : at);
    return out->value_plan != NULL;
}

static bool set_headers(struct sx_compiler *c, const struct sx_ast_body *body, const struct sx_scope *scope,
                        struct sx_body *out)
{
    struct sx_named *headers = SX_ARENA_ARRAY(c->arena, struct sx_named, body->header_count + 1);

    for (uint32_t i = 0; i < body->header_count; i++) {
        const struct sx_ast_item *item = &body->headers[i];

        headers[i].name = item->name ? item->name : sx_own_name(item->expr);
        if (headers[i].name == NULL) {
            sx_mistake(c, item->at, STREAMD_E_SYNTAX, "write `name: expression`", "the header needs a name");
            return false;
        }
        headers[i].type = &sx_type_string;
        headers[i].program = sx_check_program(scope, item->expr, &sx_type_string, NULL);
        if (headers[i].program == NULL)
            return false;
    }
    out->headers = headers;
    out->header_count = body->header_count;
    return true;
}

const struct sx_body *sx_compile_body(struct sx_compiler *c, const struct sx_ast_body *body,
                                      const struct sx_flow *flow, struct sx_position at)
{
    struct sx_body *out = SX_ARENA_NEW(c->arena, struct sx_body);
    struct sx_scope scope = {.c = c, .schema = flow->schema};

    if (!set_key(c, body, flow->schema, out, at) || !set_value(c, body, flow, out, at))
        return NULL;
    if (body == NULL)
        return out;
    if (body->time != NULL &&
        (out->time = sx_check_program(&scope, body->time, &sx_type_timestamp, NULL)) == NULL)
        return NULL;
    if (body->partition != NULL) {
        const struct sx_type *type;

        out->partition = sx_check_program(&scope, body->partition, NULL, &type);
        if (out->partition == NULL)
            return NULL;
        if (!sx_kind_is_slice(type->kind) && !sx_kind_is_int64(type->kind)) {
            sx_mistake(c, body->partition->at, STREAMD_E_TYPE, "cast it to string",
                       "`partition by` takes a string, bytes or an int");
            return NULL;
        }
    }
    return set_headers(c, body, &scope, out) ? out : NULL;
}
