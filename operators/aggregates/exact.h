/* exact.h: sums of doubles that do not depend on the order of the rows.
 *
 * A sum is kept as high + low, where low is what rounding took from high (Knuth's two-sum; O. Møller,
 * "Quasi double-precision in floating point addition", 1965). That is twice the digits, so that rows of
 * several partitions give the same sum whatever order they arrive in. (0.1 + 0.2 stays
 * 0.30000000000000004: their exact sum lies halfway between two doubles.)
 */
#ifndef SX_AGGREGATES_EXACT_H
#define SX_AGGREGATES_EXACT_H

struct sx_exact {
    double high, low;
};

static inline void sx_exact_add(struct sx_exact *sum, double x)
{
    double high = sum->high + x;
    double of_x = high - sum->high;
    double error = (sum->high - (high - of_x)) + (x - of_x);

    sum->low += error;
    /* Keep high the nearest double to the whole, so that reading it is a single addition. */
    sum->high = high + sum->low;
    sum->low -= sum->high - high;
}

#endif
