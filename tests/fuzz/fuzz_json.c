/* fuzz_json.c: records in JSON, to fields and to whole values; and JSON as text.
 *
 * The first byte chooses what the records are declared to hold; what follows is the records, with 0xff
 * between them.
 */
#include "tests/fuzz/format_trip.h"

static const struct sx_type ints = {.kind = SX_ARRAY, .element = &sx_type_int};
static const struct sx_type texts = {.kind = SX_MAP, .element = &sx_type_string};
static const struct sx_type_field item_fields[] = {
    {"sku", &sx_type_string, false}, {"qty", &sx_type_int, false}, {"tags", &texts, false}};
static const struct sx_type item = {
    .kind = SX_STRUCT, .fields = item_fields, .field_count = SX_COUNT(item_fields)};
static const struct sx_type items = {.kind = SX_ARRAY, .element = &item};
static const struct sx_type deep = {.kind = SX_MAP, .element = &items};

static const struct sx_type jsons = {.kind = SX_ARRAY, .element = &sx_type_json};

static const struct sx_type price = {.kind = SX_DECIMAL, .precision = 10, .scale = 2};
static const struct sx_type widest = {.kind = SX_DECIMAL, .precision = 38, .scale = 20};
static const struct sx_type wide = {.kind = SX_ARRAY, .element = &widest};
static const struct sx_type tiny = {.kind = SX_DECIMAL, .precision = 38, .scale = 38};

static const struct trip trips[] = {
    {.format = "json",
     .fields = {{.name = "a", .type = &sx_type_int},
                {.name = "b", .type = &sx_type_double},
                {.name = "s", .type = &sx_type_string},
                {.name = "f", .type = &sx_type_bool},
                {.name = "t", .type = &sx_type_timestamp},
                {.name = "x", .type = &sx_type_bytes}}},
    {.format = "json",
     .fields = {{.name = "list", .type = &ints},
                {.name = "map", .type = &texts},
                {.name = "item", .type = &item},
                {.name = "deep", .type = &deep}}},
    {.format = "json",
     .one_way = true,
     .fields =
         {{.name = "price", .path = "offer.price", .type = &sx_type_double, .not_null = true},
          {.name = "tax", .path = "offer.tax", .type = &sx_type_int},
          {.name = "offer", .type = &item},
          {.name = "n", .type = &sx_type_int, .has_default = true, .preset = {.i = 7, .kind = SX_INT}}}},
    {.format = "json", .whole = true, .fields = {{.name = "value", .type = &deep}}},
    {.format = "json", .whole = true, .fields = {{.name = "value", .type = &sx_type_string}}},
    {.format = "json", .whole = true, .fields = {{.name = "value", .type = &sx_type_double}}},
    {.format = "json", .whole = true, .fields = {{.name = "value", .type = &items}}},
    {.format = "json", .whole = true, .fields = {{.name = "value", .type = &sx_type_json}}},
    {.format = "json", .fields = {{.name = "j", .type = &sx_type_json}, {.name = "list", .type = &jsons}}},
    {.format = "json",
     .fields = {{.name = "price", .type = &price},
                {.name = "all", .type = &wide},
                {.name = "d", .type = &tiny}}},
    {.format = "json", .whole = true, .fields = {{.name = "value", .type = &price}}},
};

static bool count_member(struct sx_slice name, struct sx_slice value, void *arg)
{
    ++*(unsigned *)arg;
    return sx_json_check(value, NULL);
}

static bool count_element(struct sx_slice value, void *arg)
{
    ++*(unsigned *)arg;
    return sx_json_check(value, NULL);
}

/* What reads JSON as text agrees about what JSON is. */
static void check_text(struct sx_slice text)
{
    struct sx_buffer compact = {0}, again = {0}, plain = {0}, quoted = {0};
    struct sx_json_error error = {0};
    bool valid = sx_json_check(text, &error);
    unsigned members = 0, elements = 0, members2 = 0;
    bool object = sx_json_object(text, count_member, &members, NULL);
    bool array = sx_json_array(text, count_element, &elements, NULL);

    MUST(valid || (error.what != NULL && error.at <= text.size));
    MUST(valid == sx_json_compact(text, &compact, NULL));
    MUST(!(object && array) && (valid || !(object || array)));
    if (valid) {
        MUST(compact.size <= text.size);
        MUST(sx_json_compact(sx_buffer_slice(&compact), &again, NULL));
        MUST(sx_slice_equal(sx_buffer_slice(&compact), sx_buffer_slice(&again)));
        MUST(object == (compact.data[0] == '{') && array == (compact.data[0] == '['));
        MUST(object == sx_json_object(sx_buffer_slice(&compact), count_member, &members2, NULL));
        MUST(members == members2);
    }
    if (sx_json_unescape(text, &plain, NULL)) {
        /* Without a first byte the buffer is empty, and so is the text. */
        struct sx_buffer back = {0};

        MUST(valid && compact.data[0] == '"');
        sx_json_write_string(&quoted, sx_buffer_slice(&plain));
        MUST(sx_json_unescape(sx_buffer_slice(&quoted), &back, NULL));
        MUST(sx_slice_equal(sx_buffer_slice(&plain), sx_buffer_slice(&back)));
        sx_buffer_free(&back);
    } else {
        MUST(!valid || compact.data[0] != '"');
    }
    sx_buffer_free(&compact);
    sx_buffer_free(&again);
    sx_buffer_free(&plain);
    sx_buffer_free(&quoted);
}

static void check_parts(struct sx_slice json, uint32_t depth)
{
    struct sx_json_parts parts = sx_json_parts(json);
    struct sx_slice name, value;
    const char *behind = json.data;

    while (sx_json_next(&parts, &name, &value)) {
        MUST(value.size > 0 && value.data > behind && value.data + value.size <= json.data + json.size);
        MUST(!parts.object || (name.data > behind && name.data + name.size < value.data));
        behind = value.data;
        if (depth < 8)
            check_parts(value, depth + 1);
    }
}

/* A value of type json is such a text, compact; of other bytes, as in a damaged row, it must stand all. */
static void check_value(struct sx_slice text)
{
    struct sx_buffer compact = {0}, key = {0}, again = {0};
    struct sx_slice json = text, canonical, back = SX_SLICE_NONE;
    bool valid = sx_json_compact(text, &compact, NULL);
    struct sx_arena arena;
    const char *at;

    sx_arena_init(&arena, 0);
    check_parts(text, 0);
    if (valid)
        json = sx_buffer_slice(&compact);
    sx_json_write_key(&key, json);
    at = key.data;
    MUST(sx_json_read_key(&at, key.data + key.size, &back, &arena) && at == key.data + key.size);
    canonical = sx_json_canonical(json, &arena);
    MUST(sx_slice_equal(back, canonical));
    sx_json_write_key(&again, canonical);
    MUST(sx_slice_equal(sx_buffer_slice(&key), sx_buffer_slice(&again)));
    MUST(sx_json_compare(json, canonical) == 0 && sx_json_hash(json) == sx_json_hash(canonical));
    if (valid) {
        check_parts(json, 0);
        /* Of fields of one name the last counts, and the deepest may have been another. */
        MUST(sx_json_check(canonical, NULL) && sx_json_depth(json) >= sx_json_depth(canonical));
        MUST(sx_json_kind(json) == sx_json_kind(canonical));
    }
    /* As a key, the bytes are read or refused. */
    at = text.data;
    if (sx_json_read_key(&at, text.data + text.size, &back, &arena)) {
        again.size = 0;
        sx_json_write_key(&again, back);
        MUST(sx_slice_equal(sx_slice(text.data, (size_t)(at - text.data)), sx_buffer_slice(&again)));
    }
    sx_arena_free(&arena);
    sx_buffer_free(&compact);
    sx_buffer_free(&key);
    sx_buffer_free(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input in = {data, size};
    const struct trip *trip = &trips[input_byte(&in) % SX_COUNT(trips)];
    char *text = exact_copy(sx_slice(in.data, in.size));

    trip_run(trip, in);
    check_text(sx_slice(text, in.size));
    check_value(sx_slice(text, in.size));
    free(text);
    return 0;
}
