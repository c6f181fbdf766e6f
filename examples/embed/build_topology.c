/* build_topology.c: a topology made by calls, with a C function in it, beside the text that says the same.
 *
 *     cc build_topology.c $(pkg-config --cflags --libs streamd) && ./a.out
 */
#include <streamd/builder.h>
#include <streamd/driver.h>

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static const char same_text[] =
    "application revenue\n"
    "stream orders from topic \"orders\" {\n"
    "  key string as id\n"
    "  value json { customer string, amount double, status string }\n"
    "}\n"
    "table customers from topic \"customers\" { key string value json { tier string } }\n"
    "stream paid = orders | filter status == \"paid\" | map { customer, amount }\n"
    "stream known = paid | join customers on customer | map { amount, tier: customers.tier }\n"
    "known | to topic \"known\"\n"
    "table revenue = paid | group by customer | window tumbling 1m grace 0s\n"
    "  | aggregate { orders: count(), total: sum(amount) }\n"
    "revenue | emit final | to topic \"revenue\"\n";

static const char order_body[] =
    "key string as id value json { customer string, amount double, status string }";

static streamd_topology *build(void)
{
    streamd_builder *b = streamd_builder_new(NULL, "revenue");
    streamd_topology *topology = NULL;
    streamd_error *error;

    streamd_stream *orders = streamd_builder_stream(b, "orders", "orders", order_body);
    streamd_stream *customers =
        streamd_builder_table(b, "customers", "customers", "key string value json { tier string }");

    /* A pipeline is a call around a call; with a name it is a definition. */
    streamd_stream *paid = streamd_stream_name(
        streamd_stream_map(streamd_stream_filter(orders, "status == \"paid\""), "customer, amount"), "paid");

    streamd_stream *known =
        streamd_stream_name(streamd_stream_map(streamd_stream_join(paid, customers, "on customer"),
                                               "amount, tier: customers.tier"),
                            "known");
    streamd_to(known, "known", NULL);

    streamd_group *by_customer =
        streamd_group_window(streamd_stream_group_by(paid, "customer"), "tumbling 1m grace 0s");
    streamd_stream *revenue = streamd_stream_name(
        streamd_group_aggregate(by_customer, "orders: count(), total: sum(amount)"), "revenue");
    streamd_to(streamd_stream_emit(revenue, "final"), "revenue", NULL);

    /* Mistakes come all at once, here: the call, the place in its text, what is wrong. */
    if (streamd_builder_finish(b, &topology, &error) != STREAMD_OK) {
        for (const streamd_error *e = error; e != NULL; e = streamd_error_next(e))
            printf("%s: %u:%u: %s\n", streamd_error_file(e), streamd_error_line(e), streamd_error_column(e),
                   streamd_error_message(e));
        streamd_error_free(error);
    }
    streamd_builder_free(b);
    return topology;
}

static bool is_same(const streamd_topology *a, const streamd_topology *b)
{
    streamd_buffer *x, *y;
    bool same;

    if (streamd_topology_describe(a, STREAMD_DESCRIBE_TEXT, &x, NULL) != STREAMD_OK)
        return false;
    if (streamd_topology_describe(b, STREAMD_DESCRIBE_TEXT, &y, NULL) != STREAMD_OK) {
        streamd_buffer_free(x);
        return false;
    }
    same =
        streamd_buffer_bytes(x).size == streamd_buffer_bytes(y).size &&
        memcmp(streamd_buffer_bytes(x).data, streamd_buffer_bytes(y).data, streamd_buffer_bytes(x).size) == 0;
    streamd_buffer_free(x);
    streamd_buffer_free(y);
    return same;
}

/* ---- A function of the program --------------------------------------------------------------- */

/* Is the order above the limit of its customer's kind? `arg` is only read: threads share it. */
static void is_large(streamd_call *call, void *arg)
{
    const double *limit = (const double *)arg;

    streamd_result_bool(call, streamd_value_double(streamd_call_value(call, 0)) > *limit);
}

static double limit = 25;

/* What a text cannot say is a call of a function: the stage takes it as it is. */
static streamd_topology *build_with_function(void)
{
    streamd_builder *b = streamd_builder_new(NULL, "large");
    streamd_stream *orders = streamd_builder_stream(b, "orders", "orders", order_body);
    streamd_topology *topology = NULL;

    streamd_to(streamd_stream_filter_fn(orders, "amount", is_large, &limit), "large", "value json");
    streamd_builder_finish(b, &topology, NULL);
    streamd_builder_free(b);
    return topology;
}

/* ---- Records through ------------------------------------------------------------------------- */

static void send(streamd_driver *driver, const char *topic, const char *key, const char *value, int64_t ms)
{
    streamd_record *record = streamd_record_new();

    streamd_record_set_key(record, streamd_text(key));
    streamd_record_set_value(record, streamd_text(value));
    streamd_record_set_timestamp_ms(record, ms);
    streamd_driver_send(driver, topic, record, NULL); /* a topic that nobody reads is no harm here */
    streamd_record_free(record);
}

static void show(streamd_topology *topology)
{
    const streamd_record *record;
    streamd_driver *driver;

    if (streamd_driver_new(topology, &driver, NULL) != STREAMD_OK)
        return;
    send(driver, "customers", "anna", "{\"tier\":\"gold\"}", 0);
    send(driver, "orders", "o1", "{\"customer\":\"anna\",\"amount\":10,\"status\":\"paid\"}", 1000);
    send(driver, "orders", "o2", "{\"customer\":\"ben\",\"amount\":20,\"status\":\"open\"}", 2000);
    send(driver, "orders", "o3", "{\"customer\":\"anna\",\"amount\":30,\"status\":\"paid\"}", 3000);
    send(driver, "orders", "o4", "{\"customer\":\"ben\",\"amount\":1,\"status\":\"paid\"}", 60000);
    while ((record = streamd_driver_take(driver, NULL)) != NULL) {
        streamd_bytes key = streamd_record_key(record), value = streamd_record_value(record);

        printf("%s %.*s %.*s\n", streamd_record_topic(record), (int)key.size, (const char *)key.data,
               (int)value.size, (const char *)value.data);
    }
    streamd_driver_free(driver);
}

int main(void)
{
    streamd_topology *built = build(), *parsed = NULL, *large = build_with_function();
    bool ok = built != NULL && large != NULL &&
              streamd_topology_parse(NULL, same_text, strlen(same_text), "revenue.stream", &parsed, NULL) ==
                  STREAMD_OK &&
              is_same(built, parsed);

    printf("the calls and the text %s\n", ok ? "are one topology" : "FAIL to be one topology");
    if (ok) {
        show(built);
        show(large);
    }
    streamd_topology_free(built);
    streamd_topology_free(parsed);
    streamd_topology_free(large);
    return ok ? 0 : 1;
}
