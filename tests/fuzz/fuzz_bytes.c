/* fuzz_bytes.c: the formats of one value, stored rows as a format, and Kafka Streams' windowed keys. The
 * first byte chooses; what follows is the records, with 0xff between them. */
#include "engine/format/windowed_key.h"
#include "tests/fuzz/format_trip.h"

static const struct sx_type ints = {.kind = SX_ARRAY, .element = &sx_type_int};

static const struct trip trips[] = {
    {.format = "string", .whole = true, .fields = {{.name = "value", .type = &sx_type_string}}},
    {.format = "bytes", .whole = true, .fields = {{.name = "value", .type = &sx_type_bytes}}},
    {.format = "int", .whole = true, .fields = {{.name = "value", .type = &sx_type_int}}},
    {.format = "int32", .whole = true, .fields = {{.name = "value", .type = &sx_type_int}}},
    {.format = "double", .whole = true, .fields = {{.name = "value", .type = &sx_type_double}}},
    {.format = "row",
     .fields = {{.name = "a", .type = &sx_type_int},
                {.name = "s", .type = &sx_type_string},
                {.name = "list", .type = &ints}}},
};

static void check_window(struct sx_slice key, int64_t size_ms)
{
    struct sx_slice inner = key;
    struct sx_window window;
    struct sx_buffer back = {0};
    const char *wrong = sx_windowed_key_take(&inner, size_ms, &window);

    if (wrong != NULL) {
        MUST(wrong[0] != '\0' && inner.size == key.size);
        return;
    }
    MUST(window.start >= 0 && window.end >= window.start && inner.size < key.size);
    sx_buffer_add_slice(&back, inner);
    sx_windowed_key_add(&back, window, size_ms <= 0);
    MUST(sx_slice_equal(sx_buffer_slice(&back), key));
    sx_buffer_free(&back);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input in = {data, size};
    const struct trip *trip = &trips[input_byte(&in) % SX_COUNT(trips)];
    char *key = exact_copy(sx_slice(in.data, in.size));

    trip_run(trip, in);
    check_window(sx_slice(key, in.size), 30000);
    check_window(sx_slice(key, in.size), -1);
    free(key);
    return 0;
}
