/* test_builder.c: what is built by calls is what the same text says. */
#include "streamd/builder.h"
#include "tests/unit/streamd/rows.h"

#define ORDERS_BODY                                                                          \
    "key string as id value json { customer string, amount double, status string not null, " \
    "items array<string>, at timestamp }"
#define ORDERS "stream orders from topic \"orders\" { " ORDERS_BODY " }\n"
#define CUSTOMERS "table customers from topic \"customers\" { key string value json { tier string } }\n"

static streamd_stream *orders(streamd_builder *b)
{
    return streamd_builder_stream(b, "orders", "orders", ORDERS_BODY);
}

static streamd_stream *customers(streamd_builder *b)
{
    return streamd_builder_table(b, "customers", "customers", "key string value json { tier string }");
}

/* Finish and free the builder; NULL: it has mistakes, which are in *error. */
static streamd_topology *finished(streamd_builder *b, streamd_error **error)
{
    streamd_topology *topology = NULL;
    streamd_status status = streamd_builder_finish(b, &topology, error);

    CU_ASSERT_EQUAL(status, *error ? streamd_error_status(*error) : STREAMD_OK);
    CU_ASSERT_EQUAL(topology != NULL, status == STREAMD_OK);
    streamd_builder_free(b);
    return topology;
}

/* The builder's topology is that of the text, also in what it does. */
static void same(streamd_builder *b, const char *text, const char *lines)
{
    streamd_topology *expected = parsed(NULL, text), *built;
    streamd_error *error = NULL;
    char *one, *other, *before;

    built = finished(b, &error);
    SX_ASSERT_TEXT(mistakes(error, true), "");
    if (built != NULL) {
        one = described(built);
        other = described(expected);
        CU_ASSERT_STRING_EQUAL(one, other);
        before = strdup(through(expected, lines));
        CU_ASSERT(before[0] != '\0');
        SX_ASSERT_TEXT(through(built, lines), before);
        free(before);
        free(one);
        free(other);
    }
    streamd_topology_free(built);
    streamd_topology_free(expected);
}

static streamd_builder *begun(void) { return streamd_builder_new(NULL, "test"); }

#define TWO_ORDERS                                                                                \
    "customers c1 {\"tier\":\"gold\"}\n"                                                          \
    "orders o1 {\"customer\":\"c1\",\"amount\":10,\"status\":\"paid\",\"items\":[\"x\",\"y\"]}\n" \
    "orders o2 {\"customer\":\"c2\",\"amount\":20,\"status\":\"open\",\"items\":[]}\n"            \
    "orders o3 {\"customer\":\"c1\",\"amount\":30,\"status\":\"paid\",\"at\":70000}\n"

static void stages_of_one_row(void)
{
    streamd_builder *b = begun();
    streamd_stream *paid = streamd_stream_filter(orders(b), "status == \"paid\"");

    paid = streamd_stream_name(streamd_stream_map(paid, "customer, amount, items"), "paid");
    streamd_to(paid, "paid", NULL);
    streamd_to(streamd_stream_key_by(paid, "customer"), "by-customer", "value json headers { h: \"1\" }");
    streamd_to(streamd_stream_map(streamd_stream_flatten(paid, "items as item"), "item"), "items", NULL);
    same(b,
         ORDERS "stream paid = orders | filter status == \"paid\" | map { customer, amount, items }\n"
                "paid | to topic \"paid\"\n"
                "paid | key by customer | to topic \"by-customer\" { value json headers { h: \"1\" } }\n"
                "paid | flatten items as item | map { item } | to topic \"items\"\n",
         "orders o1 {\"customer\":\"c1\",\"amount\":10,\"status\":\"paid\",\"items\":[\"x\",\"y\"]}\n");
}

static void groups_and_tables(void)
{
    streamd_builder *b = begun();
    streamd_stream *o = orders(b), *revenue;
    streamd_group *by = streamd_stream_group_by(o, "customer");

    revenue = streamd_stream_name(streamd_group_aggregate(streamd_group_window(by, "tumbling 1m grace 0s"),
                                                          "orders: count(),\n  total: sum(amount)"),
                                  "revenue");
    streamd_to(streamd_stream_emit(revenue, "final"), "revenue", NULL);
    streamd_to(streamd_stream_changes(revenue), "updates", NULL);
    streamd_to(streamd_stream_name(streamd_group_aggregate(by, "n: count()"), "counts"), "counts",
               "value int");
    streamd_to(streamd_stream_name(streamd_stream_latest(streamd_stream_key_by(o, "customer"), NULL), "last"),
               "last", NULL);
    streamd_to(streamd_stream_name(streamd_stream_latest(o, "status == \"open\""), "open"), "open", NULL);
    same(b,
         ORDERS "table revenue = orders | group by customer | window tumbling 1m grace 0s\n"
                "  | aggregate { orders: count(), total: sum(amount) }\n"
                "revenue | emit final | to topic \"revenue\"\n"
                "revenue | changes | to topic \"updates\"\n"
                "table counts = orders | group by customer | aggregate { n: count() }\n"
                "counts | to topic \"counts\" { value int }\n"
                "table last = orders | key by customer | latest\nlast | to topic \"last\"\n"
                "table open = orders | latest delete when status == \"open\"\nopen | to topic \"open\"\n",
         "orders o1 {\"customer\":\"c1\",\"amount\":10,\"status\":\"paid\"}\n"
         "orders o2 {\"customer\":\"c2\",\"amount\":20,\"status\":\"open\"}\n");
}

static void joins(void)
{
    streamd_builder *b = begun();
    streamd_stream *o = orders(b), *c = customers(b), *g;

    g = streamd_builder_global_table(b, "names", "names", "key string value json { name string }");
    streamd_to(
        streamd_stream_name(
            streamd_stream_map(streamd_stream_join(o, c, "on customer"), "amount, customers.tier"), "tiers"),
        "tiers", NULL);
    streamd_to(
        streamd_stream_name(streamd_stream_map(streamd_stream_left_join(o, c, "as k on customer == k.key"),
                                               "amount, tier: k.tier"),
                            "all"),
        "all", NULL);
    streamd_to(streamd_stream_name(
                   streamd_stream_map(streamd_stream_left_join(o, g, "on customer"), "names.name"), "named"),
               "named", NULL);
    same(
        b,
        ORDERS CUSTOMERS
        "global table names from topic \"names\" { key string value json { name string } }\n"
        "stream tiers = orders | join customers on customer | map { amount, customers.tier }\n"
        "tiers | to topic \"tiers\"\n"
        "stream all = orders | left join customers as k on customer == k.key | map { amount, tier: k.tier }\n"
        "all | to topic \"all\"\n"
        "stream named = orders | left join names on customer | map { names.name }\n"
        "named | to topic \"named\"\n",
        TWO_ORDERS);
}

static void several_streams(void)
{
    static const char *const topics[] = {"orders", "old-orders"};
    streamd_builder *b = begun();
    streamd_stream *o = streamd_builder_stream_of(b, "orders", topics, 2, ORDERS_BODY), *others[2];

    streamd_stream_split(o, "when amount > 25 -> large when amount > 15 -> middle else -> small");
    others[0] = streamd_builder_find(b, "middle");
    others[1] = streamd_builder_find(b, "small");
    streamd_to(streamd_stream_merge(streamd_builder_find(b, "large"), others, 2), "again", NULL);
    streamd_to(streamd_stream_repartition(streamd_builder_find(b, "small"), 3), "three", NULL);
    streamd_to(streamd_stream_repartition(streamd_builder_find(b, "small"), 0), "any", NULL);
    streamd_to(streamd_stream_stage(streamd_builder_find(b, "large"), "filter amount > 1"), "stage", NULL);
    same(b,
         "stream orders from topic \"orders\", \"old-orders\" { " ORDERS_BODY " }\n"
         "orders | split { when amount > 25 -> large when amount > 15 -> middle else -> small }\n"
         "large | merge middle, small | to topic \"again\"\n"
         "small | repartition 3 | to topic \"three\"\n"
         "small | repartition | to topic \"any\"\n"
         "large | filter amount > 1 | to topic \"stage\"\n",
         "orders o1 {\"amount\":10,\"status\":\"a\"}\nold-orders o2 {\"amount\":20,\"status\":\"a\"}\n"
         "orders o3 {\"amount\":30,\"status\":\"a\"}\n");
}

static void joins_of_streams_and_tables(void)
{
    streamd_builder *b = begun();
    streamd_stream *o = orders(b), *c = customers(b), *s, *t;

    s = streamd_builder_stream(b, "shipments", "shipments", "key string value json { order_id string }");
    t = streamd_builder_table(b, "credits", "credits", "key string value json { amount int }");
    s = streamd_stream_outer_join(o, s, "on id == shipments.order_id within 1h grace 0s");
    streamd_to(streamd_stream_name(streamd_stream_map(s, "amount, order_id"), "shipped"), "shipped", NULL);
    streamd_to(streamd_stream_name(streamd_stream_outer_join(c, t, NULL), "both"), "both", NULL);
    same(b,
         ORDERS CUSTOMERS
         "stream shipments from topic \"shipments\" { key string value json { order_id string } }\n"
         "table credits from topic \"credits\" { key string value json { amount int } }\n"
         "stream shipped = orders | outer join shipments on id == shipments.order_id within 1h grace 0s\n"
         "  | map { amount, order_id }\n"
         "shipped | to topic \"shipped\"\n"
         "table both = customers | outer join credits\nboth | to topic \"both\"\n",
         TWO_ORDERS "shipments s1 {\"order_id\":\"o1\"}\ncredits c1 {\"amount\":7}\n");
}

static void stages_with_state(void)
{
    streamd_builder *b = begun();
    streamd_stream *o = orders(b);
    streamd_group *by = streamd_stream_group_by(o, "customer");

    streamd_to(streamd_stream_name(streamd_stream_dedupe(o, "status", "1h"), "firsts"), "firsts", NULL);
    streamd_to(streamd_stream_name(streamd_stream_delay_until(o, "@timestamp + 2s"), "later"), "later", NULL);
    streamd_to(streamd_stream_name(streamd_group_top(by, "2 by amount"), "best"), "best", NULL);
    streamd_to(
        streamd_stream_name(
            streamd_group_aggregate(streamd_group_window(by, "session 1m grace 0s"), "n: count()"), "visits"),
        "visits", NULL);
    same(b,
         ORDERS "stream firsts = orders | dedupe by status within 1h\nfirsts | to topic \"firsts\"\n"
                "stream later = orders | delay until @timestamp + 2s\nlater | to topic \"later\"\n"
                "table best = orders | group by customer | top 2 by amount\nbest | to topic \"best\"\n"
                "table visits = orders | group by customer | window session 1m grace 0s\n"
                "  | aggregate { n: count() }\n"
                "visits | to topic \"visits\"\n",
         "orders o1 {\"customer\":\"c1\",\"amount\":10,\"status\":\"paid\"}\n"
         "orders o1 {\"customer\":\"c1\",\"amount\":20,\"status\":\"paid\"}\n"
         "orders o1 {\"customer\":\"c1\",\"amount\":30,\"status\":\"open\"}\n");
}

/* Params, functions and settings come as text; so may pipelines, and calls go on from them. */
static void with_text(void)
{
    streamd_builder *b = begun();

    streamd_builder_text(b,
                         "param least double = 15.0\nparam parts int = 3\nfunction twice(x double) = x * 2\n"
                         "set on error skip\n" ORDERS);
    streamd_builder_text(b, "stream large = orders | filter amount > least\n");
    streamd_to(streamd_stream_stage(streamd_stream_map(streamd_builder_find(b, "large"), "t: twice(amount)"),
                                    "repartition parts"),
               "large", NULL);
    same(b,
         "param least double = 15.0\nparam parts int = 3\n"
         "function twice(x double) = x * 2\nset on error skip\n" ORDERS
         "stream large = orders | filter amount > least\n"
         "large | map { t: twice(amount) } | repartition parts | to topic \"large\"\n",
         "orders o1 {\"amount\":10,\"status\":\"a\"}\norders o2 {\"amount\":20,\"status\":\"a\"}\n");
}

/* A name is any name: the calls are not pasted together as text. */
static void names_are_names(void)
{
    streamd_builder *b = begun();
    streamd_stream *s = streamd_builder_stream(b, "key", "in", "key string value json { `a b` int }");

    s = streamd_stream_name(streamd_stream_filter(s, "`a b` > 1"), "stream");
    streamd_to(streamd_stream_join(s, streamd_builder_table(b, "on", "on", "key string value json { n int }"),
                                   "on key"),
               "quo\"te", NULL);
    streamd_to(s, "out", NULL);
    {
        streamd_error *error = NULL;

        CU_ASSERT_PTR_NULL(finished(b, &error));
        SX_ASSERT_TEXT(mistakes(error, true),
                       "E_SYNTAX stream | join:1:1 `join` keeps state, which needs the "
                       "name of a definition\n");
    }
    b = begun();
    s = streamd_builder_stream(b, "key", "in", "key string value json { `a b` int }");
    streamd_to(streamd_stream_name(streamd_stream_filter(s, "`a b` > 1"), "filter"), "out", NULL);
    same(b,
         "stream `key` from topic \"in\" { key string value json { `a b` int } }\n"
         "stream `filter` = `key` | filter `a b` > 1\n`filter` | to topic \"out\"\n",
         "in k {\"a b\":2}\n");
}

/* ---- C functions ----------------------------------------------------------------------------- */

static void is_large(streamd_call *call, void *arg)
{
    streamd_result_bool(call, streamd_value_double(streamd_call_value(call, 0)) > *(const double *)arg);
}

static void initial(streamd_call *call, void *arg)
{
    streamd_bytes text = streamd_value_bytes(streamd_call_value(call, 0));

    if (text.size)
        streamd_result_text(call, text.data, 1);
}

static void both(streamd_call *call, void *arg)
{
    streamd_result_begin(call);
    for (size_t i = 0; i < streamd_call_count(call); i++)
        streamd_result_value(call, streamd_call_value(call, i));
    streamd_result_end(call);
}

static void noon(streamd_call *call, void *arg) { streamd_result_int(call, 12 * 3600 * 1000); }

static void callbacks(void)
{
    double limit = 15;
    streamd_builder *b = begun();
    streamd_stream *o = orders(b), *s;
    streamd_topology *built;
    streamd_error *error = NULL;

    streamd_to(streamd_stream_map(streamd_stream_filter_fn(o, "amount + 1", is_large, &limit), "amount"),
               "large", NULL);
    s = streamd_stream_map_fn(o, "amount", "c", "string", "customer", initial, NULL);
    streamd_to(streamd_stream_key_by_fn(s, "k", "string", "c", initial, NULL), "keyed", NULL);
    s = streamd_stream_flatten_fn(o, "word", "string", "status, customer", both, NULL);
    streamd_to(streamd_stream_map(s, "word"), "words", NULL);
    s = streamd_stream_time_fn(streamd_stream_map_fn(o, NULL, "x", "bool", "amount", is_large, &limit), NULL,
                               noon, NULL);
    streamd_to(streamd_stream_map(s, "x, t: @timestamp"), "noon", NULL);
    streamd_to(streamd_stream_name(
                   streamd_group_aggregate(
                       streamd_stream_group_by_fn(o, "c", "string", "customer", initial, NULL), "n: count()"),
                   "counts"),
               "counts", NULL);
    built = finished(b, &error);
    SX_ASSERT_TEXT(mistakes(error, true), "");
    CU_ASSERT_PTR_NOT_NULL_FATAL(built);
    SX_ASSERT_TEXT(through(built, "orders o1 {\"customer\":\"ada\",\"amount\":10,\"status\":\"paid\"}\n"
                                  "orders o2 {\"customer\":\"bob\",\"amount\":14.5,\"status\":\"s\"}\n"),
                   "keyed a {\"amount\":10.0,\"c\":\"a\"}\n"
                   "words o1 {\"word\":\"paid\"}\nwords o1 {\"word\":\"ada\"}\n"
                   "noon o1 {\"x\":false,\"t\":43200000}\n"
                   "counts a {\"n\":1}\n"
                   "large o2 {\"amount\":14.5}\n"
                   "keyed b {\"amount\":14.5,\"c\":\"b\"}\n"
                   "words o2 {\"word\":\"s\"}\nwords o2 {\"word\":\"bob\"}\n"
                   "noon o2 {\"x\":false,\"t\":43200000}\n"
                   "counts b {\"n\":1}\n");
    streamd_topology_free(built);
}

/* ---- Mistakes -------------------------------------------------------------------------------- */

static void mistakes_have_places(void)
{
    streamd_builder *b = begun();
    streamd_stream *o = orders(b), *s;
    streamd_error *error = NULL;

    streamd_to(streamd_stream_filter(o, "amount > 1 and\n  statu == \"a\""), "a", NULL);
    streamd_to(streamd_stream_map(o, "amount, n: amount + status"), "b", NULL);
    streamd_to(streamd_stream_filter(o, "amount >"), "c", NULL);
    streamd_to(streamd_stream_filter(o, "true | map { amount"), "d", NULL);
    streamd_to(streamd_stream_map(o, "amount } | map { amount"), "e", NULL);
    streamd_to(o, "f", "key string values json");
    streamd_stream_name(
        streamd_group_aggregate(streamd_group_window(streamd_stream_group_by(o, "customer"), "tumbling 1m"),
                                "n: count()"),
        "g");
    streamd_stream_name(o, "orders");
    streamd_to(streamd_stream_changes(o), "h", NULL);
    streamd_to(streamd_builder_find(b, "ordrs"), "i", NULL);
    s = streamd_stream_filter(o, "true"); /* ends nowhere */
    CU_ASSERT_PTR_NOT_NULL(s);
    CU_ASSERT_PTR_NULL(finished(b, &error));
    SX_ASSERT_TEXT(
        mistakes(error, true),
        "E_NAME orders | filter:2:3 there is no column `statu`\n"
        "E_TYPE orders | map:1:12 `+` does not work on double and string\n"
        "E_SYNTAX orders | filter:1:9 expected an expression, got the end of the text\n"
        "E_SYNTAX orders | filter:1:6 `|` stands behind the stage\n"
        "E_SYNTAX orders | map:1:10 `|` stands behind the stage\n"
        "E_SYNTAX orders | to topic:1:12 `values` cannot stand in the body of a sink\n"
        "E_TYPE orders | window:1:1 `grace` must be written: how long late rows count is never a hidden "
        "default\n"
        "E_NAME definition orders:1:1 `orders` is defined twice\n"
        "E_TYPE orders | changes:1:1 `changes` takes a table\n"
        "E_NAME from ordrs:1:1 there is no stream or table `ordrs`\n"
        "E_SYNTAX from orders:1:1 the pipeline ends nowhere\n");
}

static void wrong_arguments(void)
{
    streamd_builder *b = begun(), *other = begun();
    streamd_stream *o = orders(b), *none[] = {NULL};
    streamd_error *error = NULL;
    streamd_topology *topology = NULL;

    CU_ASSERT_PTR_NULL(streamd_stream_filter(NULL, "true"));
    streamd_to(streamd_stream_filter(o, NULL), "a", NULL);
    streamd_to(o, NULL, NULL);
    streamd_builder_text(b, NULL);
    streamd_stream_name(o, "");
    streamd_to(streamd_stream_merge(o, none, 1), "b", NULL);
    streamd_to(streamd_stream_join(o, customers(other), "on customer"), "c", NULL);
    streamd_to(streamd_stream_join(o, streamd_stream_filter(o, "true"), "on customer"), "d", NULL);
    streamd_to(streamd_stream_filter_fn(o, "amount", NULL, NULL), "e", NULL);
    streamd_to(streamd_stream_map_fn(o, NULL, "x", "float", "amount", initial, NULL), "f", NULL);
    CU_ASSERT_EQUAL(streamd_builder_finish(b, &topology, &error), STREAMD_E_ARGUMENT);
    SX_ASSERT_TEXT(mistakes(error, true),
                   "E_ARGUMENT orders | filter:0:0 an argument is NULL\n"
                   "E_ARGUMENT orders | to topic:0:0 an argument is NULL\n"
                   "E_ARGUMENT text:0:0 the text is NULL\n"
                   "E_ARGUMENT orders:0:0 the name of a definition is missing\n"
                   "E_ARGUMENT merge:0:0 the other stream is NULL\n"
                   "E_ARGUMENT join:0:0 the other stream is of another builder\n"
                   "E_ARGUMENT join:0:0 the other stream has no name: streamd_stream_name() gives it one\n"
                   "E_ARGUMENT orders:0:0 the function has no callback: callback_1(any...) bool\n"
                   "E_ARGUMENT orders:0:0 `float` is no type of a signature, did you mean `double`?: "
                   "callback_2(x1 any...) float\n");
    CU_ASSERT_EQUAL(streamd_builder_finish(b, &topology, NULL), STREAMD_E_STATE);
    CU_ASSERT_PTR_NOT_NULL(streamd_stream_filter(o, "true")); /* after the end nothing happens any more */
    streamd_builder_free(b);
    streamd_builder_free(other);
    streamd_builder_free(NULL);
    CU_ASSERT_PTR_NULL(topology);
}

void suite_builder(void)
{
    SX_SUITE("builder");
    SX_TEST(stages_of_one_row);
    SX_TEST(groups_and_tables);
    SX_TEST(joins);
    SX_TEST(joins_of_streams_and_tables);
    SX_TEST(stages_with_state);
    SX_TEST(several_streams);
    SX_TEST(with_text);
    SX_TEST(names_are_names);
    SX_TEST(callbacks);
    SX_TEST(mistakes_have_places);
    SX_TEST(wrong_arguments);
}
