/* approximate.c: how many different values, nearly: HyperLogLog (Flajolet and others), 2,048 registers,
 * a standard error of 2.3 %. In place, whatever the number of values. */
#include "operators/aggregates/run.h"

#include <math.h>

#define BITS 11
#define REGISTERS (1u << BITS)

/* Stored states depend on it, so it is this one for ever (FNV-1a, then splitmix64's last steps), and not
 * the hash that memory tables use. */
static uint64_t stable_hash(struct sx_slice bytes)
{
    uint64_t h = 0xcbf29ce484222325;

    for (uint32_t i = 0; i < bytes.size; i++)
        h = (h ^ (uint8_t)bytes.data[i]) * 0x100000001b3;
    h = (h ^ h >> 30) * 0xbf58476d1ce4e5b9;
    h = (h ^ h >> 27) * 0x94d049bb133111eb;
    return h ^ h >> 31;
}

static void add(struct sx_call *call, struct sx_aggregate_state *state, const struct sx_value *args,
                uint32_t count)
{
    uint8_t *registers = state->fixed, rank;
    struct sx_buffer key = {0};
    uint64_t hash;

    sx_key_write_values(&key, args, 1);
    hash = stable_hash(sx_buffer_slice(&key));
    sx_buffer_free(&key);
    /* The first bits choose the register, the zeros before the next one are its rank. */
    rank = (uint8_t)(__builtin_clzll(hash << BITS | 1ull << (BITS - 1)) + 1);
    registers[hash >> (64 - BITS)] = SX_MAX(registers[hash >> (64 - BITS)], rank);
}

static void merge(struct sx_call *call, struct sx_aggregate_state *state,
                  const struct sx_aggregate_state *from)
{
    uint8_t *registers = state->fixed;
    const uint8_t *later = from->fixed;

    for (uint32_t i = 0; i < REGISTERS; i++)
        registers[i] = SX_MAX(registers[i], later[i]);
}

static struct sx_value result_of(struct sx_call *call, const struct sx_aggregate_state *state)
{
    const uint8_t *registers = state->fixed;
    const double m = REGISTERS;
    double sum = 0, estimate;
    uint32_t zeros = 0;

    for (uint32_t i = 0; i < REGISTERS; i++) {
        sum += ldexp(1, -registers[i]);
        zeros += registers[i] == 0;
    }
    estimate = 0.7213 / (1 + 1.079 / m) * m * m / sum;
    /* Few values are counted better by the registers that they left empty. */
    if (estimate <= 2.5 * m && zeros > 0)
        estimate = m * log(m / zeros);
    return zeros == REGISTERS ? SX_VALUE_NULL : sx_value_int((int64_t)(estimate + 0.5));
}

static const struct sx_aggregate_def rows[] = {
    {.signature = "approx_count_distinct(x T) int",
     .summary = "The number of different values, give or take some percent, in 2 KiB; null of nothing.",
     .example = "approx_count_distinct(x)",
     .example_rows = "[\"a\", null, \"b\", \"a\"]",
     .result = "2",
     .fixed_bytes = REGISTERS,
     .add = add,
     .cannot_retract = "another row may have had the same value",
     .merge = merge,
     .result_of = result_of},
};

const struct sx_aggregate_table sx_aggregates_approximate = SX_AGGREGATES_OF("counting", rows);
