/* extend.c: a scalar function, an aggregate and an operator of the program's own, in a topology's text.
 *
 *     cc extend.c $(pkg-config --cflags --libs streamd) && ./a.out
 */
#define STREAMD_EXPERIMENTAL /* extend.h may change between minor versions */
#include <streamd/driver.h>
#include <streamd/extend.h>

#include <stdio.h>
#include <string.h>

static const char text[] =
    "stream fixes from topic \"fixes\" {\n"
    "  key string as taxi value json { x double, y double } on error skip\n"
    "}\n"
    "stream legs = fixes | leg x, y\n"
    "legs | map { metres, home: distance(x, y) } | to topic \"legs\"\n"
    "table trips = legs | group by taxi | aggregate { metres: sum(metres), typical: harmonic_mean(metres) }\n"
    "trips | to topic \"trips\"\n";

/* ---- distance(x, y): from the origin, along the streets --------------------------------------- */

static double absolute(double x) { return x < 0 ? -x : x; }

static void distance(streamd_call *call, void *arg)
{
    double x = streamd_value_double(streamd_call_value(call, 0));
    double y = streamd_value_double(streamd_call_value(call, 1));

    (void)arg;
    streamd_result_double(call, absolute(x) + absolute(y));
}

/* ---- harmonic_mean(x) ------------------------------------------------------------------------ */

/* The state of a group: plain memory, stored as it is. It begins zeroed. */
typedef struct mean {
    double inverses;
    int64_t count;
} mean;

static void mean_step(streamd_call *call, void *state, void *arg)
{
    mean *m = (mean *)state;
    double x = streamd_value_double(streamd_call_value(call, 0));

    (void)arg;
    if (x <= 0) { /* `on error` decides what becomes of the record */
        streamd_result_error(call, "a harmonic mean is of positive numbers");
        return;
    }
    m->inverses += 1 / x;
    m->count++;
}

static void mean_result(streamd_call *call, const void *state, void *arg)
{
    const mean *m = (const mean *)state;

    (void)arg;
    if (m->count > 0) /* else null */
        streamd_result_double(call, (double)m->count / m->inverses);
}

/* Sessions merge their states; without this a session window over it would not compile. */
static void mean_merge(streamd_call *call, void *state, const void *from, void *arg)
{
    (void)call;
    (void)arg;
    ((mean *)state)->inverses += ((const mean *)from)->inverses;
    ((mean *)state)->count += ((const mean *)from)->count;
}

/* ---- | leg x, y: how far since the key's fix before ------------------------------------------- */

static void leg(streamd_call *call, void *arg)
{
    double now[2], before[2];
    streamd_bytes kept = streamd_call_state(call); /* of this taxi; in a store, with a changelog */

    (void)arg;
    for (size_t i = 0; i < 2; i++) {
        if (streamd_value_kind(streamd_call_value(call, i)) == STREAMD_NULL)
            return; /* sends nothing */
        now[i] = streamd_value_double(streamd_call_value(call, i));
    }
    streamd_call_set_state(call, now, sizeof(now));
    if (kept.size != sizeof(before))
        return; /* its first fix */
    memcpy(before, kept.data, sizeof(before));
    streamd_result_double(call, absolute(now[0] - before[0]) + absolute(now[1] - before[1]));
    streamd_emit(call);
}

static streamd_catalog *catalog_new(streamd_error **error)
{
    streamd_catalog *catalog = streamd_catalog_new();
    streamd_extension *added;

    if (streamd_catalog_add_function(catalog, "distance(double, double) double", distance, NULL, NULL,
                                     error) == STREAMD_OK &&
        streamd_catalog_add_aggregate(catalog, "harmonic_mean(double) double", sizeof(mean), mean_step,
                                      mean_result, NULL, &added, error) == STREAMD_OK) {
        streamd_aggregate_on_merge(added, mean_merge);
        if (streamd_catalog_add_operator(catalog, "leg(double, double)", "*, metres double", leg, NULL,
                                         &added, error) == STREAMD_OK) {
            streamd_operator_keep_state(added);
            return catalog;
        }
    }
    streamd_catalog_free(catalog);
    return NULL;
}

/* ---- Records through ------------------------------------------------------------------------- */

static void fix(streamd_driver *driver, const char *taxi, const char *value)
{
    streamd_record *record = streamd_record_new();
    const streamd_record *result;

    streamd_record_set_key(record, streamd_text(taxi));
    streamd_record_set_value(record, streamd_text(value));
    streamd_driver_send(driver, "fixes", record, NULL);
    streamd_record_free(record);
    while ((result = streamd_driver_take(driver, NULL)) != NULL)
        printf("%s %s %.*s\n", streamd_record_topic(result), taxi, (int)streamd_record_value(result).size,
               (const char *)streamd_record_value(result).data);
}

int main(void)
{
    streamd_error *error = NULL;
    streamd_catalog *catalog = catalog_new(&error);
    streamd_topology *topology = NULL;
    streamd_driver *driver = NULL;

    if (catalog == NULL ||
        streamd_topology_parse(catalog, text, strlen(text), "taxis.stream", &topology, &error) !=
            STREAMD_OK ||
        streamd_driver_new(topology, &driver, &error) != STREAMD_OK) {
        printf("FAIL %u:%u %s\n", streamd_error_line(error), streamd_error_column(error),
               streamd_error_message(error));
        streamd_error_free(error);
        streamd_catalog_free(catalog);
        streamd_topology_free(topology);
        return 1;
    }
    streamd_catalog_free(catalog); /* the topology keeps what it uses */
    fix(driver, "t1", "{\"x\":0,\"y\":0}");
    fix(driver, "t1", "{\"x\":3,\"y\":4}");
    fix(driver, "t2", "{\"x\":1,\"y\":1}");
    fix(driver, "t1", "{\"x\":3}");
    fix(driver, "t1", "{\"x\":3,\"y\":4}"); /* no metre: the aggregate refuses it, and nothing of it stays */
    fix(driver, "t1", "{\"x\":3,\"y\":25}");
    streamd_driver_free(driver);
    streamd_topology_free(topology);
    return 0;
}
