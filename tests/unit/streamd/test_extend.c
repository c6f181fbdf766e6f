/* test_extend.c: functions and aggregates of a program, in texts. */
#include "tests/unit/streamd/rows.h"

#include <math.h>

#define ROWS                                                                                          \
    "stream rows from topic \"rows\" { key string value json { a double, b double, n int, s string, " \
    "l array<int>, m map<int>, o { x int, y string } } on error skip }\n"

/* Add a function that must be right. */
static streamd_extension *function(streamd_catalog *catalog, const char *signature, streamd_function_fn fn,
                                   void *arg)
{
    streamd_extension *extension = NULL;
    streamd_error *error = NULL;

    if (streamd_catalog_add_function(catalog, signature, fn, arg, &extension, &error) != STREAMD_OK)
        SX_ASSERT_TEXT(mistakes(error, false), "");
    CU_ASSERT_PTR_NOT_NULL_FATAL(extension);
    return extension;
}

/* What `rows | map { MAP }` gives for these lines. The catalogue is freed before the topology is used. */
static const char *mapped(streamd_catalog *catalog, const char *map, const char *lines)
{
    struct sx_buffer text = {0};
    streamd_topology *topology;
    const char *out;

    sx_buffer_printf(&text, ROWS "rows | map { %s } | to topic \"out\"\n", map);
    sx_buffer_add_byte(&text, '\0');
    topology = parsed(catalog, text.data);
    streamd_catalog_free(catalog);
    out = through(topology, lines);
    streamd_topology_free(topology);
    sx_buffer_free(&text);
    return out;
}

/* ---- Functions ------------------------------------------------------------------------------- */

static void distance(streamd_call *call, void *arg)
{
    double x = streamd_value_double(streamd_call_value(call, 0));
    double y = streamd_value_double(streamd_call_value(call, 1));

    if (x < 0)
        streamd_result_error(call, "x is negative");
    else
        streamd_result_double(call, sqrt(x * x + y * y));
}

static void count_calls(streamd_call *call, void *arg) { streamd_result_int(call, ++*(int64_t *)arg); }

static void kinds(streamd_call *call, void *arg)
{
    streamd_result_begin(call);
    for (size_t i = 0; i < streamd_call_count(call); i++)
        streamd_result_int(call, streamd_value_kind(streamd_call_value(call, i)));
    streamd_result_end(call);
}

static void a_function_in_a_text(void)
{
    streamd_catalog *catalog = streamd_catalog_new();

    function(catalog, "distance(double, double) double", distance, NULL);
    SX_ASSERT_TEXT(mapped(catalog, "d: distance(a, b), e: distance(n, 4), z: distance(a, b) ?? -1.0",
                          "rows k {\"a\":3,\"b\":4,\"n\":3}\n"
                          "rows k {\"a\":3,\"n\":0}\n"
                          "rows k {\"a\":-1,\"b\":4,\"n\":0}\n"
                          "rows k {\"a\":1e200,\"b\":1e200,\"n\":0}\n"
                          "rows k {\"a\":0,\"b\":0,\"n\":5}\n"),
                   "out k {\"d\":5.0,\"e\":5.0,\"z\":5.0}\n"
                   "out k {\"d\":null,\"e\":4.0,\"z\":-1.0}\n"
                   "error: x is negative\n"
                   "error: the callback gave a double that is not finite\n"
                   "out k {\"d\":0.0,\"e\":6.4031242374328485,\"z\":0.0}\n");
}

static void nulls_and_overloads(void)
{
    streamd_catalog *catalog = streamd_catalog_new();
    int64_t calls = 0;

    streamd_extension_take_nulls(function(catalog, "kinds(any...) array<int>", kinds, NULL));
    function(catalog, "calls(s string) int", count_calls, &calls);
    function(catalog, "calls(s int [, t int]) int", count_calls, &calls);
    SX_ASSERT_TEXT(mapped(catalog,
                          "k: kinds(a, n, s, l, m, o, @timestamp), c: calls(s), d: calls(n), e: calls(n, n)",
                          "rows k {\"a\":1,\"n\":2,\"s\":\"x\",\"l\":[1],\"m\":{},\"o\":{}}\n"
                          "rows k {\"a\":1}\n"),
                   "out k {\"k\":[3,2,5,11,12,13,7],\"c\":1,\"d\":2,\"e\":3}\n"
                   "out k {\"k\":[3,0,0,0,0,0,7],\"c\":null,\"d\":null,\"e\":null}\n");
    CU_ASSERT_EQUAL(calls, 3);
}

/* Everything nested that a value is, turned round: what it reads it gives. */
static void copy(streamd_call *call, const streamd_value *value)
{
    switch (streamd_value_kind(value)) {
    case STREAMD_ARRAY:
    case STREAMD_STRUCT:
    case STREAMD_MAP:
        streamd_result_begin(call);
        for (size_t i = streamd_value_count(value); i-- > 0;) {
            if (streamd_value_kind(value) == STREAMD_MAP)
                streamd_result_text(call, streamd_value_name(value, i).data,
                                    streamd_value_name(value, i).size);
            copy(call, streamd_value_item(call, value, i));
        }
        streamd_result_end(call);
        break;
    case STREAMD_STRING:
        streamd_result_text(call, streamd_value_bytes(value).data, streamd_value_bytes(value).size);
        break;
    case STREAMD_INT:
        streamd_result_int(call, streamd_value_int(value));
        break;
    default:
        streamd_result_null(call);
    }
}

static void copied(streamd_call *call, void *arg) { copy(call, streamd_call_value(call, 0)); }
static void passed(streamd_call *call, void *arg) { streamd_result_value(call, streamd_call_value(call, 0)); }

/* A decimal's digits and what a double of it is, and digits as a decimal. */
static void digits(streamd_call *call, void *arg)
{
    const streamd_value *value = streamd_call_value(call, 0);
    streamd_bytes text = streamd_value_decimal(call, value);

    CU_ASSERT_EQUAL(streamd_value_kind(value), STREAMD_DECIMAL);
    CU_ASSERT_EQUAL(streamd_value_decimal(call, NULL).size, 0);
    if (arg != NULL)
        streamd_result_decimal(call, arg, strlen(arg));
    else if (streamd_value_double(value) > 0)
        streamd_result_text(call, text.data, text.size);
    else
        streamd_result_value(call, value);
}

static void decimals(void)
{
    streamd_catalog *catalog = streamd_catalog_new();

    function(catalog, "digits(decimal) string", digits, NULL);
    function(catalog, "same(decimal(10,2), int) decimal(8,3)", passed, NULL);
    function(catalog, "tax(x decimal) decimal", digits, (void *)"-0.125");
    SX_ASSERT_TEXT(mapped(catalog,
                          "d: digits(cast(a as decimal(10, 3))), s: same(cast(a as decimal(10, 2)), n), "
                          "t: tax(cast(a as decimal(4, 2)))",
                          "rows k {\"a\":1.0625,\"n\":3}\n"
                          "rows k {\"n\":3}\n"),
                   "out k {\"d\":\"1.063\",\"s\":1.060,\"t\":-0.13}\n"
                   "out k {\"d\":null,\"s\":null,\"t\":null}\n");
    catalog = streamd_catalog_new();
    function(catalog, "odd(x decimal) decimal", digits, (void *)"12,5");
    function(catalog, "wide(x decimal) decimal", digits, (void *)"100");
    function(catalog, "text(x decimal) string", digits, (void *)"1");
    SX_ASSERT_TEXT(mapped(catalog,
                          "d: case when n == 1 then odd(cast(a as decimal(2, 1))) "
                          "when n == 2 then wide(cast(a as decimal(2, 1))) end, "
                          "t: if(n == 3, text(cast(a as decimal(2, 1))), null)",
                          "rows k {\"a\":1,\"n\":1}\n"
                          "rows k {\"a\":1,\"n\":2}\n"
                          "rows k {\"a\":1,\"n\":3}\n"),
                   "error: the callback gave no decimal(2, 1): cannot cast \"12,5\" to decimal(2, 1)\n"
                   "error: the callback gave no decimal(2, 1): cannot cast \"100\" to decimal(2, 1)\n"
                   "error: the callback gave a decimal, and its result is string\n");
}

static void names(streamd_call *call, void *arg)
{
    const streamd_value *value = streamd_call_value(call, 0);

    streamd_result_begin(call);
    for (size_t i = 0; i <= streamd_value_count(value); i++) { /* past the end there is nothing */
        streamd_bytes name = streamd_value_name(value, i);
        streamd_result_text(call, (const char *)name.data, name.size);
    }
    streamd_result_end(call);
}

static void nested_values(void)
{
    streamd_catalog *catalog = streamd_catalog_new();

    function(catalog, "copied(T) T", copied, NULL);
    function(catalog, "passed(T) T", passed, NULL);
    function(catalog, "names(any) array<string>", names, NULL);
    SX_ASSERT_TEXT(
        mapped(catalog,
               "l: copied(l), m: copied(m), p: passed(o), q: passed(m), r: passed(s), "
               "s: names(o), t: names(m), u: copied([[1, 2], [3]])",
               "rows k {\"l\":[1,null,3],\"m\":{\"b\":2,\"a\":1},\"o\":{\"x\":1,\"y\":\"z\"},\"s\":\"w\"}\n"
               "rows k {\"l\":[],\"m\":{}}\n"),
        "out k {\"l\":[3,null,1],\"m\":{\"a\":1,\"b\":2},\"p\":{\"x\":1,\"y\":\"z\"},\"q\":{\"a\":1,\"b\":2},"
        "\"r\":\"w\",\"s\":[\"x\",\"y\",\"\"],\"t\":[\"a\",\"b\",\"\"],\"u\":[[3],[2,1]]}\n"
        "out k {\"l\":[],\"m\":{},\"p\":null,\"q\":{},\"r\":null,\"s\":null,\"t\":[\"\"],"
        "\"u\":[[3],[2,1]]}\n");
}

/* The text of a json between brackets, or what stands in a string. */
static void wrapped(streamd_call *call, void *arg)
{
    const streamd_value *value = streamd_call_value(call, 0);
    streamd_bytes text = streamd_value_bytes(value);
    char more[64];

    if (streamd_value_kind(value) == STREAMD_JSON)
        streamd_result_json(
            call, more,
            (size_t)snprintf(more, sizeof(more), " [%.*s ]", (int)text.size, (const char *)text.data));
    else
        streamd_result_json(call, text.data, text.size);
}

static void values_of_json(void)
{
    streamd_catalog *catalog = streamd_catalog_new();

    function(catalog, "wrapped(json) json", wrapped, NULL);
    function(catalog, "wrapped(string) json", wrapped, NULL);
    function(catalog, "wrapped(int) int", wrapped, NULL);
    SX_ASSERT_TEXT(mapped(catalog, "j: wrapped(cast(l as json)), s: wrapped(s), i: wrapped(n)",
                          "rows k {\"l\":[1],\"s\":\"{ \\\"x\\\" : 1.50 }\"}\n"
                          "rows k {\"s\":\" null \"}\n"
                          "rows k {\"s\":\"[1,]\"}\n"
                          "rows k {\"n\":1}\n"),
                   "out k {\"j\":[[1]],\"s\":{\"x\":1.50},\"i\":null}\n"
                   "out k {\"j\":null,\"s\":null,\"i\":null}\n"
                   "error: the callback gave no valid JSON: expected a value (byte 3)\n"
                   "error: the callback gave no valid JSON: no bytes at all (byte 0)\n");
}

/* A callback that does what its argument says, all of it wrong. */
static void wrong(streamd_call *call, void *arg)
{
    switch (streamd_value_int(streamd_call_value(call, 0))) {
    case 1:
        streamd_result_text(call, "\xff", 1);
        break;
    case 2:
        streamd_result_int(call, 1);
        break;
    case 3:
        streamd_result_begin(call);
        break;
    case 4:
        streamd_result_begin(call);
        streamd_result_double(call, 1);
        streamd_result_end(call);
        break;
    case 5:
        streamd_result_end(call);
        break;
    case 6:
        streamd_result_begin(call);
        streamd_result_null(call);
        streamd_emit(call);
        break;
    case 7:
        streamd_result_error(call, NULL);
        streamd_result_error(call, "not this one");
        break;
    default: /* past the arguments there are nulls */
        streamd_result_begin(call);
        streamd_result_value(call, streamd_call_value(call, 7));
        streamd_result_value(call, streamd_value_item(call, streamd_call_value(call, 0), 3));
        streamd_result_end(call);
    }
}

static void wrong_results(void)
{
    streamd_catalog *catalog = streamd_catalog_new();

    function(catalog, "wrong(int) array<string>", wrong, NULL);
    SX_ASSERT_TEXT(mapped(catalog, "w: wrong(n)",
                          "rows k {\"n\":1}\nrows k {\"n\":2}\nrows k {\"n\":3}\nrows k {\"n\":4}\n"
                          "rows k {\"n\":5}\nrows k {\"n\":6}\nrows k {\"n\":7}\nrows k {\"n\":8}\n"),
                   "error: the callback gave a string that is not UTF-8\n"
                   "error: the callback gave an int, and its result is array<string>\n"
                   "error: the callback began an array, a map or a struct, and did not end it\n"
                   "error: the callback gave a double, and its result is string\n"
                   "error: the callback ended what it had not begun\n"
                   "error: only an operator sends rows\n"
                   "error: the callback failed\n"
                   "out k {\"w\":[null,null]}\n");
}

static void mistakes_in_texts(void)
{
    streamd_catalog *catalog = streamd_catalog_new();

    function(catalog, "distance(double, double) double", distance, NULL);
    SX_ASSERT_TEXT(mistakes_of(catalog, ROWS "rows | map { d: distance(a, s) } | to topic \"out\"\n"),
                   "E_TYPE 2:17 `distance` does not take (double, string)\n");
    SX_ASSERT_TEXT(mistakes_of(catalog, ROWS "rows | map { d: distanc(a, b) } | to topic \"out\"\n"),
                   "E_NAME 2:17 there is no function `distanc`\n");
    SX_ASSERT_TEXT(mistakes_of(NULL, ROWS "rows | map { d: distance(a, b) } | to topic \"out\"\n"),
                   "E_NAME 2:17 there is no function `distance`\n");
    streamd_catalog_free(catalog);
}

static const char *refused(streamd_catalog *catalog, const char *signature, bool aggregate)
{
    streamd_extension *extension = NULL;
    streamd_error *error = NULL;
    streamd_status status =
        aggregate
            ? streamd_catalog_add_aggregate(catalog, signature, 8, (streamd_step_fn)(void *)distance,
                                            (streamd_result_fn)(void *)distance, NULL, &extension, &error)
            : streamd_catalog_add_function(catalog, signature, distance, NULL, &extension, &error);

    CU_ASSERT_EQUAL(status, streamd_error_status(error));
    CU_ASSERT_PTR_NULL(extension);
    return mistakes(error, false);
}

static void wrong_signatures(void)
{
    streamd_catalog *catalog = streamd_catalog_new();

    function(catalog, "mine(int) int", distance, NULL);
    SX_ASSERT_TEXT(refused(catalog, "f(int", false),
                   "E_SYNTAX 0:0 not a signature at its character 9: f(x1 int; write it as "
                   "`name(param type [, param type]) type`\n");
    SX_ASSERT_TEXT(refused(catalog, "f(float) int", false),
                   "E_TYPE 0:0 `float` is no type of a signature, did you mean `double`?: f(x1 float) int\n");
    SX_ASSERT_TEXT(refused(catalog, "f(int) T", false),
                   "E_TYPE 0:0 the result `T` does not follow from the parameters: f(x1 int) T\n");
    SX_ASSERT_TEXT(refused(catalog, "f(int) any", false),
                   "E_TYPE 0:0 the result `any` does not follow from the parameters: f(x1 int) any\n");
    SX_ASSERT_TEXT(refused(catalog, "try(int) int", false), "E_NAME 0:0 nothing can be called `try`\n");
    SX_ASSERT_TEXT(refused(catalog, "mine(x int) string", false),
                   "E_NAME 0:0 there is a `mine` that takes the same types\n");
    SX_ASSERT_TEXT(refused(catalog, "upper(s string) string", false),
                   "E_NAME 0:0 there is a `upper` that takes the same types\n");
    SX_ASSERT_TEXT(refused(catalog, "count() int", true),
                   "E_NAME 0:0 there is a `count` that takes the same types\n");
    SX_ASSERT_TEXT(refused(catalog, "f(int, int, int, int, int) int", true),
                   "E_ARGUMENT 0:0 an aggregate takes at most 4 arguments: f(int, int, int, int, int) int\n");
    SX_ASSERT_TEXT(refused(NULL, "f() int", false),
                   "E_ARGUMENT 0:0 the catalogue or the signature is missing\n");
    CU_ASSERT_EQUAL(streamd_catalog_add_function(catalog, "g() int", NULL, NULL, NULL, NULL),
                    STREAMD_E_ARGUMENT);
    CU_ASSERT_EQUAL(streamd_catalog_add_aggregate(catalog, "g() int", 1 << 20,
                                                  (streamd_step_fn)(void *)distance,
                                                  (streamd_result_fn)(void *)distance, NULL, NULL, NULL),
                    STREAMD_E_ARGUMENT);
    streamd_catalog_free(catalog);
}

/* ---- Life ------------------------------------------------------------------------------------ */

static void freed(void *arg) { ++*(int *)arg; }

static void what_is_used_stays(void)
{
    streamd_catalog *catalog = streamd_catalog_new();
    streamd_topology *one, *two;
    int gone = 0;

    streamd_extension_on_free(function(catalog, "f(int) int", passed, &gone), freed);
    one = parsed(catalog, ROWS "rows | map { x: f(n) } | to topic \"out\"\n");
    two = parsed(catalog, ROWS "rows | map { x: f(n) + 1 } | to topic \"out\"\n");
    streamd_catalog_free(catalog);
    streamd_topology_free(one);
    CU_ASSERT_EQUAL(gone, 0);
    SX_ASSERT_TEXT(through(two, "rows k {\"n\":1}\n"), "out k {\"x\":2}\n");
    streamd_topology_free(two);
    CU_ASSERT_EQUAL(gone, 1);
    streamd_catalog_free(NULL);
}

/* ---- Aggregates ------------------------------------------------------------------------------ */

/* The product, and the texts that came with it, in order. */
struct product {
    double of;
    int64_t rows;
};

static void product_start(void *state, void *arg) { *(struct product *)state = (struct product){.of = 1}; }

static void product_step(streamd_call *call, void *state, void *arg)
{
    struct product *p = state;
    double x = streamd_value_double(streamd_call_value(call, 0));

    if (x == 13)
        streamd_result_error(call, "13 brings bad luck");
    p->of *= x;
    p->rows++;
}

static void product_result(streamd_call *call, const void *state, void *arg)
{
    const struct product *p = state;

    if (p->of > 1000)
        streamd_result_error(call, "the product is too large");
    else
        streamd_result_double(call, p->of);
}

static void joined_step(streamd_call *call, void *state, void *arg)
{
    streamd_bytes had = streamd_call_state(call), text = streamd_value_bytes(streamd_call_value(call, 0));
    char *all = streamd_call_alloc(call, had.size + text.size + 1);

    if (had.size)
        memcpy(all, had.data, had.size);
    if (text.size)
        memcpy(all + had.size, text.data, text.size);
    else
        memcpy(all + had.size, "?", 1);
    streamd_call_set_state(call, all, had.size + (text.size ? text.size : 1));
}

static void joined_result(streamd_call *call, const void *state, void *arg)
{
    streamd_result_text(call, streamd_call_state(call).data, streamd_call_state(call).size);
}

static void product_merge(streamd_call *call, void *state, const void *from, void *arg)
{
    struct product *p = state;
    const struct product *q = from;

    p->of *= q->of;
    p->rows += q->rows;
}

static void product_back(streamd_call *call, void *state, void *arg)
{
    struct product *p = state;

    p->of /= streamd_value_double(streamd_call_value(call, 0));
    p->rows--;
}

/* The older session's texts, a plus, the later one's. */
static void joined_merge(streamd_call *call, void *state, const void *from, void *arg)
{
    streamd_bytes had = streamd_call_state(call), more = streamd_call_other_state(call);
    char *all = streamd_call_alloc(call, had.size + more.size + 1);

    memcpy(all, had.data, had.size);
    all[had.size] = '+';
    memcpy(all + had.size + 1, more.data, more.size);
    streamd_call_set_state(call, all, had.size + more.size + 1);
}

static streamd_catalog *with_aggregates(void)
{
    streamd_catalog *catalog = streamd_catalog_new();
    streamd_extension *e = NULL;

    CU_ASSERT_EQUAL(streamd_catalog_add_aggregate(catalog, "product(x double) double", sizeof(struct product),
                                                  product_step, product_result, NULL, &e, NULL),
                    STREAMD_OK);
    streamd_aggregate_on_start(e, product_start);
    streamd_aggregate_on_merge(e, product_merge);
    streamd_aggregate_on_retract(e, product_back);
    CU_ASSERT_EQUAL(streamd_catalog_add_aggregate(catalog, "joined(string) string", 0, joined_step,
                                                  joined_result, NULL, &e, NULL),
                    STREAMD_OK);
    streamd_aggregate_keep_bytes(e);
    streamd_aggregate_on_merge(e, joined_merge);
    streamd_extension_take_nulls(e);
    return catalog;
}

static void an_aggregate_in_a_text(void)
{
    streamd_catalog *catalog = with_aggregates();
    streamd_topology *topology = parsed(
        catalog, ROWS "table t = rows | group by key\n"
                      "  | aggregate { p: product(a), i: product(n where n > 2), j: joined(s), c: count() }\n"
                      "t | to topic \"out\"\n");

    streamd_catalog_free(catalog);
    SX_ASSERT_TEXT(through(topology, "rows k {\"a\":2,\"n\":1,\"s\":\"x\"}\n"
                                     "rows k {\"n\":3,\"s\":\"y\"}\n"
                                     "rows k {\"a\":13,\"n\":9,\"s\":\"lost\"}\n"
                                     "rows l {\"a\":0.5}\n"
                                     "rows k {\"a\":1e6,\"s\":\"lost\"}\n"
                                     "rows k {\"a\":4,\"s\":\"z\"}\n"),
                   "out k {\"p\":2.0,\"i\":1.0,\"j\":\"x\",\"c\":1}\n"
                   "out k {\"p\":2.0,\"i\":3.0,\"j\":\"xy\",\"c\":2}\n"
                   "error: 13 brings bad luck\n"
                   "out l {\"p\":0.5,\"i\":1.0,\"j\":\"?\",\"c\":1}\n"
                   "error: the product is too large\n"
                   "out k {\"p\":8.0,\"i\":3.0,\"j\":\"xyz\",\"c\":3}\n");
    streamd_topology_free(topology);
}

static void aggregates_in_windows(void)
{
    streamd_catalog *catalog = with_aggregates();
    streamd_topology *topology =
        parsed(catalog, ROWS "table t = rows | group by key | window tumbling 2s grace 0s\n"
                             "  | aggregate { p: product(a), j: joined(s) }\n"
                             "t | emit final | to topic \"out\"\n");

    streamd_catalog_free(catalog);
    SX_ASSERT_TEXT(through(topology, "rows k {\"a\":2,\"s\":\"a\"}\nrows k {\"a\":3,\"s\":\"b\"}\n"
                                     "rows k {\"a\":5,\"s\":\"c\"}\nrows l {\"a\":7}\n"),
                   "out k {\"p\":2.0,\"j\":\"a\",\"window_start\":0,\"window_end\":2000}\n"
                   "out k {\"p\":15.0,\"j\":\"bc\",\"window_start\":2000,\"window_end\":4000}\n");
    streamd_topology_free(topology);
}

/* The rows of 1 s and 5 s are sessions of their own, until the one of 3 s joins them. A session of no rows
 * that count (none) is begun before it is merged. */
static void sessions_merge(void)
{
    streamd_catalog *catalog = with_aggregates();
    streamd_topology *topology =
        parsed(catalog,
               "stream rows from topic \"rows\" { key string value json { a double, s string, t timestamp } "
               "time t }\n"
               "table t = rows | group by key | window session 2s grace 1m\n"
               "  | aggregate { p: product(a), j: joined(s), none: product(a where a > 100) }\n"
               "t | emit all | to topic \"out\"\n");

    streamd_catalog_free(catalog);
    SX_ASSERT_TEXT(
        through(topology, "rows k {\"a\":2,\"s\":\"a\",\"t\":1000}\n"
                          "rows k {\"a\":3,\"s\":\"b\",\"t\":5000}\n"
                          "rows k {\"a\":5,\"s\":\"c\",\"t\":3000}\n"),
        "out k {\"p\":2.0,\"j\":\"a\",\"none\":1.0,\"window_start\":1000,\"window_end\":1000}\n"
        "out k {\"p\":3.0,\"j\":\"b\",\"none\":1.0,\"window_start\":5000,\"window_end\":5000}\n"
        "out k -\nout k -\n"
        "out k {\"p\":30.0,\"j\":\"a+bc\",\"none\":1.0,\"window_start\":1000,\"window_end\":5000}\n");
    streamd_topology_free(topology);
}

/* A row of a table that changes leaves its group. */
static void tables_retract(void)
{
    streamd_catalog *catalog = with_aggregates();
    static const char table[] =
        "table rows from topic \"rows\" { key string value json { a double, s string } }\n"
        "table t = rows | group by s | aggregate { %s }\n"
        "t | to topic \"out\"\n";
    char text[256];
    streamd_topology *topology;

    snprintf(text, sizeof(text), table, "p: product(a)");
    topology = parsed(catalog, text);
    SX_ASSERT_TEXT(through(topology,
                           "rows k {\"a\":2,\"s\":\"x\"}\nrows l {\"a\":3,\"s\":\"x\"}\n"
                           "rows k {\"a\":5,\"s\":\"x\"}\nrows l {\"a\":7,\"s\":\"y\"}\nrows k -\n"),
                   "out x {\"p\":2.0}\nout x {\"p\":6.0}\nout x {\"p\":15.0}\n"
                   "out x {\"p\":5.0}\nout y {\"p\":7.0}\nout x -\n");
    streamd_topology_free(topology);
    snprintf(text, sizeof(text), table, "j: joined(s)");
    SX_ASSERT_TEXT(mistakes_of(catalog, text),
                   "E_TYPE 2:31 `joined` cannot take a row back, and rows of a table change and go\n");
    streamd_catalog_free(catalog);
}

void suite_extend(void)
{
    SX_SUITE("extend");
    SX_TEST(a_function_in_a_text);
    SX_TEST(decimals);
    SX_TEST(nulls_and_overloads);
    SX_TEST(nested_values);
    SX_TEST(values_of_json);
    SX_TEST(wrong_results);
    SX_TEST(mistakes_in_texts);
    SX_TEST(wrong_signatures);
    SX_TEST(what_is_used_stays);
    SX_TEST(an_aggregate_in_a_text);
    SX_TEST(aggregates_in_windows);
    SX_TEST(sessions_merge);
    SX_TEST(tables_retract);
}
