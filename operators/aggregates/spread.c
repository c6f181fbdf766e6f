/* spread.c: variance, standard deviation and correlation of a sample.
 *
 * Means and sums of squares about the mean are kept and updated row by row (Welford), which loses no
 * digits where the difference of two large sums would; a row can be taken back, and two states merged
 * (Chan). One state serves all three. */
#include "operators/aggregates/run.h"

#include <math.h>

struct spread {
    int64_t count;
    double mean_x, mean_y;
    double xx, yy, xy; /* sums of products about the means */
};

static void change(struct sx_call *call, struct spread *s, double x, double y, int64_t rows)
{
    const double sign = (double)rows, dx = x - s->mean_x, dy = y - s->mean_y;
    const int64_t count = s->count + rows;

    if (count <= 0) {
        memset(s, 0, sizeof(*s));
        return;
    }
    s->mean_x += sign * dx / (double)count;
    s->mean_y += sign * dy / (double)count;
    s->xx += sign * dx * (x - s->mean_x);
    s->yy += sign * dy * (y - s->mean_y);
    s->xy += sign * dx * (y - s->mean_y);
    s->count = count;
    if (!isfinite(s->xx) || !isfinite(s->yy) || !isfinite(s->xy))
        sx_call_fail(call, "the sum of squares is not finite");
}

static void add(struct sx_call *call, struct sx_aggregate_state *state, const struct sx_value *args,
                uint32_t count)
{
    if (count < 2)
        change(call, state->fixed, args[0].d, args[0].d, 1);
    else if (args[1].kind != SX_NULL)
        change(call, state->fixed, args[0].d, args[1].d, 1);
}

static void retract(struct sx_call *call, struct sx_aggregate_state *state, const struct sx_value *args,
                    uint32_t count)
{
    change(call, state->fixed, args[0].d, args[0].d, -1);
}

static void merge(struct sx_call *call, struct sx_aggregate_state *state,
                  const struct sx_aggregate_state *from)
{
    struct spread *to = state->fixed;
    const struct spread *later = from->fixed;
    const double n = (double)to->count, m = (double)later->count;
    const double dx = later->mean_x - to->mean_x, dy = later->mean_y - to->mean_y;

    if (later->count == 0)
        return;
    to->xx += later->xx + dx * dx * n * m / (n + m);
    to->yy += later->yy + dy * dy * n * m / (n + m);
    to->xy += later->xy + dx * dy * n * m / (n + m);
    to->mean_x += dx * m / (n + m);
    to->mean_y += dy * m / (n + m);
    to->count += later->count;
    if (!isfinite(to->xx) || !isfinite(to->yy) || !isfinite(to->xy))
        sx_call_fail(call, "the sum of squares is not finite");
}

/* Of one row there is no variance. Taking rows back can leave less than nothing, by rounding. */
static struct sx_value variance(struct sx_call *call, const struct sx_aggregate_state *state)
{
    const struct spread *s = state->fixed;

    return s->count > 1 ? sx_value_double(fmax(s->xx, 0) / (double)(s->count - 1)) : SX_VALUE_NULL;
}

static struct sx_value deviation(struct sx_call *call, const struct sx_aggregate_state *state)
{
    struct sx_value v = variance(call, state);

    return v.kind == SX_NULL ? v : sx_value_double(sqrt(v.d));
}

static struct sx_value correlation(struct sx_call *call, const struct sx_aggregate_state *state)
{
    const struct spread *s = state->fixed;
    double both = sqrt(s->xx * s->yy);

    if (!isnormal(both)) /* the product is too large, or too small, though the roots are not */
        both = sqrt(s->xx) * sqrt(s->yy);
    if (s->count < 2 || !(both > 0))
        return SX_VALUE_NULL;
    return sx_value_double(fmin(fmax(s->xy / both, -1), 1));
}

static const struct sx_aggregate_def rows[] = {
    {.signature = "var(x double) double",
     .summary = "The variance of the sample; null of fewer than two rows.",
     .example = "var(x)",
     .example_rows = "[1.0, 2.0, 3.0, null]",
     .result = "1.0",
     .fixed_bytes = sizeof(struct spread),
     .add = add,
     .retract = retract,
     .merge = merge,
     .result_of = variance},
    {.signature = "stddev(x double) double",
     .summary = "The standard deviation of the sample; null of fewer than two rows.",
     .example = "stddev(x)",
     .example_rows = "[2.0, 4.0, 6.0]",
     .result = "2.0",
     .fixed_bytes = sizeof(struct spread),
     .add = add,
     .retract = retract,
     .merge = merge,
     .result_of = deviation},
    {.signature = "correlation(x double, y double) double",
     .summary = "Pearson's correlation of two columns; null where it is not defined.",
     .example = "correlation(x.a, x.b)",
     .example_rows = "[{\"a\": 1.0, \"b\": 2.0}, {\"a\": 2.0, \"b\": 4.0}, {\"a\": 3.0, \"b\": 6.0}]",
     .result = "1.0",
     .fixed_bytes = sizeof(struct spread),
     .add = add,
     .cannot_retract = "pairs cannot be taken out of a correlation",
     .merge = merge,
     .result_of = correlation},
};

const struct sx_aggregate_table sx_aggregates_spread = SX_AGGREGATES_OF("spread", rows);
