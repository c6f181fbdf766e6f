/* test_operator.c: operators of a program: stages of texts and of builders. */
#include "streamd/builder.h"
#include "tests/unit/streamd/rows.h"

#define ROWS                                                                                       \
    "stream rows from topic \"rows\" { key string as id value json { a double, n int, s string } " \
    "on error skip }\n"

static streamd_extension *add_operator(streamd_catalog *catalog, const char *signature, const char *columns,
                                       streamd_function_fn fn)
{
    streamd_extension *extension = NULL;
    streamd_error *error = NULL;

    if (streamd_catalog_add_operator(catalog, signature, columns, fn, NULL, &extension, &error) != STREAMD_OK)
        SX_ASSERT_TEXT(mistakes(error, false), "");
    CU_ASSERT_PTR_NOT_NULL_FATAL(extension);
    return extension;
}

/* What a text gives for these lines; the catalogue is freed before. */
static const char *run(streamd_catalog *catalog, const char *text, const char *lines)
{
    streamd_topology *topology = parsed(catalog, text);
    const char *out;

    streamd_catalog_free(catalog);
    out = through(topology, lines);
    streamd_topology_free(topology);
    return out;
}

/* As many rows as the second argument says, with a share of the first. */
static void shared(streamd_call *call, void *arg)
{
    int64_t parts = streamd_value_int(streamd_call_value(call, 1));

    if (parts < 0)
        streamd_result_error(call, "there are no negative parts");
    for (int64_t i = 0; i < parts; i++) {
        streamd_result_int(call, i);
        streamd_result_double(call, streamd_value_double(streamd_call_value(call, 0)) / (double)parts);
        streamd_emit(call);
    }
}

static void any_number_of_rows(void)
{
    streamd_catalog *catalog = streamd_catalog_new();

    add_operator(catalog, "share(double, int)", "part int, of double", shared);
    SX_ASSERT_TEXT(run(catalog,
                       ROWS "rows | share n, n - 1 | map { part, of, t: @timestamp } | to topic \"out\"\n",
                       "rows k {\"n\":3}\nrows k {\"n\":1}\nrows k {}\nrows k {\"n\":0}\nrows l {\"n\":2}\n"),
                   "out k {\"part\":0,\"of\":1.5,\"t\":1000}\nout k {\"part\":1,\"of\":1.5,\"t\":1000}\n"
                   "error: there are no negative parts\n"
                   "out l {\"part\":0,\"of\":2.0,\"t\":5000}\n");
}

/* More rows than a batch holds come out whole and in order. */
static void very_many_rows(void)
{
    streamd_catalog *catalog = streamd_catalog_new();
    streamd_topology *topology;
    const char *last;
    size_t lines = 0;

    add_operator(catalog, "share(double, int)", "*, part int, of double", shared);
    topology = parsed(catalog, ROWS "rows | share 1.0, n | map { n, part } | to topic \"out\"\n");
    streamd_catalog_free(catalog);
    last = through(topology, "rows k {\"n\":2500}\n");
    for (const char *at = last; *at != '\0'; at++)
        if (*at == '\n' && at[1] != '\0') {
            lines++;
            last = at + 1;
        }
    CU_ASSERT_EQUAL(lines, 2499);
    SX_ASSERT_TEXT(last, "out k {\"n\":2500,\"part\":2499}\n");
    streamd_topology_free(topology);
}

static void same_row(streamd_call *call, void *arg)
{
    streamd_result_begin(call);
    streamd_result_int(call, (int64_t)streamd_call_count(call));
    streamd_result_end(call);
    streamd_emit(call); /* the rest is null */
    CU_ASSERT_EQUAL(streamd_call_timestamp_ms(call) % 1000, 0);
}

static void beside_the_columns(void)
{
    streamd_catalog *catalog = streamd_catalog_new();

    add_operator(catalog, "same row()", "*, l array<int>, o { x int, y string }", same_row);
    SX_ASSERT_TEXT(run(catalog, ROWS "rows | same row | filter n > 1 | to topic \"out\"\n",
                       "rows k {\"n\":3,\"s\":\"x\"}\nrows k {\"n\":1}\nrows k -\n"),
                   "out k {\"a\":null,\"n\":3,\"s\":\"x\",\"l\":[0],\"o\":null}\n");
}

/* ---- State ----------------------------------------------------------------------------------- */

/* The difference to the key's row before; 0 forgets the key. */
static void delta(streamd_call *call, void *arg)
{
    streamd_bytes had = streamd_call_state(call);
    double now = streamd_value_double(streamd_call_value(call, 0)), before = 0;

    if (streamd_value_kind(streamd_call_value(call, 0)) == STREAMD_NULL)
        return;
    if (had.size == sizeof(before))
        memcpy(&before, had.data, sizeof(before));
    streamd_call_set_state(call, now == 0 ? NULL : &now, sizeof(now));
    if (now == 13)
        streamd_result_error(call, "13 brings bad luck");
    if (had.data == NULL)
        streamd_result_null(call);
    else
        streamd_result_double(call, now - before);
    streamd_emit(call);
}

static streamd_catalog *with_delta(void)
{
    streamd_catalog *catalog = streamd_catalog_new();

    streamd_operator_keep_state(add_operator(catalog, "delta(double)", "*, d double", delta));
    return catalog;
}

static void state_by_key(void)
{
    SX_ASSERT_TEXT(run(with_delta(), ROWS "stream ds = rows | delta a | map { d }\nds | to topic \"out\"\n",
                       "rows k {\"a\":3}\nrows l {\"a\":5}\nrows k {\"a\":13}\nrows k {\"a\":4}\n"
                       "rows k {}\nrows - {\"a\":4}\nrows k {\"a\":0}\nrows k {\"a\":9}\n"),
                   "out k {\"d\":null}\nout l {\"d\":null}\nerror: 13 brings bad luck\n"
                   "out k {\"d\":1.0}\nout k {\"d\":-4.0}\nout k {\"d\":null}\n");
}

/* Rows whose key changed meet in its partition first, and the store has its names. */
static void moved_rows(void)
{
    streamd_catalog *catalog = with_delta();
    streamd_topology *topology =
        parsed(catalog, ROWS "stream ds = rows | key by s | delta n | map { d }\nds | to topic \"out\"\n");
    char *text;

    streamd_catalog_free(catalog);
    text = described(topology);
    CU_ASSERT_PTR_NOT_NULL(strstr(text, "test-ds-repartition"));
    CU_ASSERT_PTR_NOT_NULL(strstr(text, "test-ds-changelog"));
    free(text);
    SX_ASSERT_TEXT(through(topology, "rows k {\"n\":3,\"s\":\"x\"}\nrows l {\"n\":5,\"s\":\"x\"}\n"),
                   "out x {\"d\":null}\nout x {\"d\":2.0}\n");
    streamd_topology_free(topology);
}

/* Each use has a store of its own. */
static void twice_in_a_definition(void)
{
    SX_ASSERT_TEXT(run(with_delta(),
                       ROWS "stream ds = rows | delta a | map { c: d ?? 1.0 } | delta c | map { e: d }\n"
                            "ds | to topic \"out\"\n",
                       "rows k {\"a\":3}\nrows k {\"a\":5}\nrows k {\"a\":9}\n"),
                   "out k {\"e\":null}\nout k {\"e\":1.0}\nout k {\"e\":2.0}\n");
}

static void in_a_builder(void)
{
    streamd_builder *b = streamd_builder_new(NULL, "test");
    streamd_catalog *catalog = with_delta();
    streamd_topology *built = NULL, *expected;
    streamd_stream *rows;
    char *one, *other;

    streamd_operator_keep_state(
        add_operator(streamd_builder_catalog(b), "delta(double)", "*, d double", delta));
    rows = streamd_builder_stream(b, "rows", "rows",
                                  "key string as id value json { a double, n int, s string } on error skip");
    streamd_to(streamd_stream_name(streamd_stream_stage(rows, "delta a"), "ds"), "out", NULL);
    CU_ASSERT_EQUAL_FATAL(streamd_builder_finish(b, &built, NULL), STREAMD_OK);
    streamd_builder_free(b);
    expected = parsed(catalog, ROWS "stream ds = rows | delta a\nds | to topic \"out\"\n");
    streamd_catalog_free(catalog);
    one = described(built);
    other = described(expected);
    CU_ASSERT_STRING_EQUAL(one, other);
    SX_ASSERT_TEXT(through(built, "rows k {\"a\":3}\nrows k {\"a\":4}\n"),
                   "out k {\"a\":3.0,\"n\":null,\"s\":null,\"d\":null}\n"
                   "out k {\"a\":4.0,\"n\":null,\"s\":null,\"d\":1.0}\n");
    free(one);
    free(other);
    streamd_topology_free(built);
    streamd_topology_free(expected);
}

/* ---- Mistakes -------------------------------------------------------------------------------- */

static void wrong_rows(streamd_call *call, void *arg)
{
    switch (streamd_value_int(streamd_call_value(call, 0))) {
    case 1:
        streamd_result_text(call, "x", 1);
        break;
    case 2:
        streamd_result_int(call, 1);
        break;
    case 3:
        streamd_result_int(call, 1);
        streamd_result_int(call, 2);
        break;
    default:
        streamd_result_end(call);
    }
}

static void mistakes_of_callbacks(void)
{
    streamd_catalog *catalog = streamd_catalog_new();

    add_operator(catalog, "wrong(int)", "x int", wrong_rows);
    SX_ASSERT_TEXT(run(catalog, ROWS "rows | wrong n | to topic \"out\"\n",
                       "rows k {\"n\":1}\nrows k {\"n\":2}\nrows k {\"n\":3}\nrows k {\"n\":4}\n"),
                   "error: the callback gave a string, and its result is int\n"
                   "error: the callback gave columns and did not send them: streamd_emit()\n"
                   "error: the callback gave an int where nothing was left to give\n"
                   "error: the callback ended what it had not begun\n");
}

static void mistakes_in_texts(void)
{
    streamd_catalog *catalog = with_delta();

    add_operator(catalog, "twice(int)", "*, n int", wrong_rows);
    SX_ASSERT_TEXT(mistakes_of(catalog, ROWS "rows | delta a | to topic \"out\"\n"),
                   "E_TYPE 2:8 `delta` keeps state, which needs the name of a definition\n");
    SX_ASSERT_TEXT(mistakes_of(catalog, ROWS "stream x = rows | delta s\nx | to topic \"out\"\n"),
                   "E_TYPE 2:25 `delta` does not take (string)\n");
    SX_ASSERT_TEXT(mistakes_of(catalog, ROWS "stream x = rows | delta a, n\nx | to topic \"out\"\n"),
                   "E_TYPE 2:25 `delta` does not take (double, int)\n");
    SX_ASSERT_TEXT(mistakes_of(catalog, ROWS "stream x = rows | delta d: a\nx | to topic \"out\"\n"),
                   "E_SYNTAX 2:25 an argument has no name\n");
    SX_ASSERT_TEXT(
        mistakes_of(catalog, ROWS "table t = rows | latest\nstream x = t | delta a\nx | to topic \"o\"\n"),
        "E_TYPE 3:16 `delta` takes a stream\n");
    SX_ASSERT_TEXT(mistakes_of(catalog, ROWS "rows | twice n | to topic \"o\"\n"),
                   "E_TYPE 2:8 the column `n` is there twice\n");
    streamd_catalog_free(catalog);
}

static const char *refused(const char *signature, const char *columns)
{
    streamd_catalog *catalog = with_delta();
    streamd_extension *extension = NULL;
    streamd_error *error = NULL;

    CU_ASSERT_NOT_EQUAL(
        streamd_catalog_add_operator(catalog, signature, columns, delta, NULL, &extension, &error),
        STREAMD_OK);
    CU_ASSERT_PTR_NULL(extension);
    streamd_catalog_free(catalog);
    return mistakes(error, false);
}

static void wrong_definitions(void)
{
    SX_ASSERT_TEXT(refused("delta(int)", "x int"), "E_NAME 0:0 there is a stage `delta`\n");
    SX_ASSERT_TEXT(refused("group  by(int)", "x int"), "E_NAME 0:0 there is a stage `group by`\n");
    SX_ASSERT_TEXT(refused("a-b(int)", "x int"),
                   "E_SYNTAX 0:0 an operator is written `NAME(type, type)`: a-b(int)\n");
    SX_ASSERT_TEXT(refused("mine", "x int"),
                   "E_SYNTAX 0:0 an operator is written `NAME(type, type)`: mine\n");
    SX_ASSERT_TEXT(refused("mine(text)", "x int"),
                   "E_TYPE 0:0 `text` is no type of a signature: stage(x1 text) bool\n");
    SX_ASSERT_TEXT(refused("mine(int)", "x int, x int"), "E_SYNTAX 1:10 the field `x` is there twice\n");
    SX_ASSERT_TEXT(refused("mine(int)", "* x int"), "E_SYNTAX 0:0 expected `,` behind `*`: * x int\n");
    SX_ASSERT_TEXT(refused("mine(int)", NULL),
                   "E_ARGUMENT 0:0 the catalogue, the signature, the columns or fn is missing\n");
}

void suite_operator(void)
{
    SX_SUITE("operator");
    SX_TEST(any_number_of_rows);
    SX_TEST(very_many_rows);
    SX_TEST(beside_the_columns);
    SX_TEST(state_by_key);
    SX_TEST(moved_rows);
    SX_TEST(twice_in_a_definition);
    SX_TEST(in_a_builder);
    SX_TEST(mistakes_of_callbacks);
    SX_TEST(mistakes_in_texts);
    SX_TEST(wrong_definitions);
}
