/* fuzz_csv.c: lines of values. The first byte chooses what they are declared to hold; what follows is the
 * lines, with 0xff between them. */
#include "tests/fuzz/format_trip.h"

static const struct sx_type price = {.kind = SX_DECIMAL, .precision = 10, .scale = 2};
static const struct sx_type widest = {.kind = SX_DECIMAL, .precision = 38, .scale = 20};
static const struct sx_type whole = {.kind = SX_DECIMAL, .precision = 38, .scale = 0};

static const struct trip trips[] = {
    {.format = "csv",
     .fields = {{.name = "a", .type = &sx_type_int},
                {.name = "b", .type = &sx_type_double},
                {.name = "s", .type = &sx_type_string},
                {.name = "f", .type = &sx_type_bool},
                {.name = "t", .type = &sx_type_timestamp}}},
    {.format = "csv",
     .delimiter = ';',
     .fields = {{.name = "s", .type = &sx_type_string}, {.name = "n", .type = &sx_type_string}}},
    {.format = "csv", .fields = {{.name = "s", .type = &sx_type_string}}},
    {.format = "csv",
     .delimiter = '\t',
     .one_way = true,
     .fields =
         {{.name = "s", .type = &sx_type_string, .not_null = true},
          {.name = "n", .type = &sx_type_int, .has_default = true, .preset = {.i = 7, .kind = SX_INT}}}},
    {.format = "csv",
     .delimiter = '.',
     .fields = {{.name = "p", .type = &price},
                {.name = "w", .type = &widest},
                {.name = "n", .type = &whole}}},
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input in = {data, size};
    const struct trip *trip = &trips[input_byte(&in) % SX_COUNT(trips)];

    trip_run(trip, in);
    return 0;
}
