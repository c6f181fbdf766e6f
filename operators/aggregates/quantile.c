/* quantile.c: percentiles, by a t-digest (Dunning): values near each other are kept as their mean and how
 * many they are, the finer the nearer they are to the ends. Up to 200 values it is exact. */
#include "operators/aggregates/run.h"

#include <math.h>
#include <stdlib.h>

#define DETAIL 100.0 /* at most as many groups of values after a merge */
#define KEPT_MAX 200u

struct centroid {
    double mean, weight;
};

struct fixed {
    double p;
    double weight; /* of all values; 0: none */
};

static int by_mean(const void *a, const void *b)
{
    double x = ((const struct centroid *)a)->mean, y = ((const struct centroid *)b)->mean;

    return (x > y) - (x < y);
}

/* The run's centroids with room for `more`, sorted, in the call's arena. The run gives no alignment. */
static struct centroid *sorted(struct sx_call *call, struct sx_slice run, const struct centroid *more,
                               uint32_t *count)
{
    const uint32_t kept = run.size / sizeof(struct centroid), added = *count;
    struct centroid *all = sx_arena_alloc(call->arena, sizeof(*all) * ((size_t)kept + added + 1));

    if (kept)
        memcpy(all, run.data, kept * sizeof(*all));
    if (added)
        memcpy(all + kept, more, added * sizeof(*all));
    *count = kept + added;
    qsort(all, *count, sizeof(*all), by_mean);
    return all;
}

/* How far into the weight a group may reach that begins at the share q. */
static double limit_of(double q)
{
    double k = asin(2 * q - 1) + 2 * M_PI / DETAIL;

    return k >= M_PI / 2 ? 1 : (sin(k) + 1) / 2;
}

/* Neighbours become one as long as the group stays small for its place. Returns how many are left. */
static uint32_t compress(struct centroid *all, uint32_t count, double weight)
{
    double before = 0, limit = limit_of(0) * weight;
    uint32_t last = 0;

    for (uint32_t i = 1; i < count; i++) {
        struct centroid *group = &all[last];

        if (before + group->weight + all[i].weight <= limit) {
            group->weight += all[i].weight;
            group->mean += (all[i].mean - group->mean) * all[i].weight / group->weight;
            continue;
        }
        before += group->weight;
        limit = limit_of(before / weight) * weight;
        all[++last] = all[i];
    }
    return last + 1;
}

static void keep(struct sx_call *call, struct sx_aggregate_state *state, const struct centroid *more,
                 uint32_t count)
{
    struct fixed *fixed = state->fixed;
    struct centroid *all;

    for (uint32_t i = 0; i < count; i++)
        fixed->weight += more[i].weight;
    all = sorted(call, state->variable, more, &count);
    if (count > KEPT_MAX)
        count = compress(all, count, fixed->weight);
    state->variable = sx_slice(all, count * sizeof(*all));
}

static void add(struct sx_call *call, struct sx_aggregate_state *state, const struct sx_value *args,
                uint32_t count)
{
    const struct centroid one = {args[0].d, 1};

    if (args[1].kind == SX_NULL || !(args[1].d >= 0 && args[1].d <= 1)) {
        sx_call_fail(call, "a percentile is from 0 to 1");
        return;
    }
    ((struct fixed *)state->fixed)->p = args[1].d;
    keep(call, state, &one, 1);
}

static void merge(struct sx_call *call, struct sx_aggregate_state *state,
                  const struct sx_aggregate_state *from)
{
    uint32_t count = 0;
    const struct centroid *later = sorted(call, from->variable, NULL, &count);

    if (count)
        ((struct fixed *)state->fixed)->p = ((const struct fixed *)from->fixed)->p;
    keep(call, state, later, count);
}

/* A group's values lie around its mean: between the middles of two groups it is a straight line. */
static struct sx_value result_of(struct sx_call *call, const struct sx_aggregate_state *state)
{
    const struct fixed *fixed = state->fixed;
    const double at = fixed->p * fixed->weight;
    double before = 0, middle = 0;
    const struct centroid *all;
    uint32_t count = 0;

    all = sorted(call, state->variable, NULL, &count);
    for (uint32_t i = 0; i < count; i++) {
        double next = before + all[i].weight / 2;

        if (at <= next && i == 0)
            return sx_value_double(all[0].mean);
        if (at <= next)
            return sx_value_double(all[i - 1].mean +
                                   (all[i].mean - all[i - 1].mean) * ((at - middle) / (next - middle)));
        before += all[i].weight;
        middle = next;
    }
    return count ? sx_value_double(all[count - 1].mean) : SX_VALUE_NULL;
}

static const struct sx_aggregate_def rows[] = {
    {.signature = "percentile(x double, p double) double",
     .summary = "The value below which the share p of the values lies, by a t-digest.",
     .example = "percentile(x, 0.5)",
     .example_rows = "[1.0, 2.0, 4.0, 8.0]",
     .result = "3.0",
     .fixed_bytes = sizeof(struct fixed),
     .variable = true,
     .add = add,
     .cannot_retract = "a digest does not hold the single values",
     .merge = merge,
     .result_of = result_of},
};

const struct sx_aggregate_table sx_aggregates_quantile = SX_AGGREGATES_OF("quantiles", rows);
