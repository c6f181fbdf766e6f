/* lambdas.c: functions that take lambdas. What they do is in engine/expr/lambda.c, so that a lambda runs over
 * the elements of many rows at once; here are their rows. */
#include "operators/functions/common.h"

static const struct sx_function_def rows[] = {
    {.signature = "transform(items array<T>, f (x T) -> U) array<U>",
     .summary = "What the lambda gives for each element, null ones too.",
     .example = "transform([1, 2, 3], x -> x * 2)",
     .result = "[2,4,6]",
     .over = SX_OVER_TRANSFORM},
    {.signature = "transform(m map<T>, key (k string, v T) -> string, f (k string, v T) -> U) map<U>",
     .summary =
         "A map of what the lambdas give for each key and value; of equal keys the last, a null key fails.",
     .example = "transform(map { \"a\": 1, \"b\": 2 }, (k, v) -> upper(k), (k, v) -> v * 2)",
     .result = "{\"A\":2,\"B\":4}",
     .over = SX_OVER_TRANSFORM},
    {.signature = "filter(items array<T>, f (x T) -> bool) array<T>",
     .summary = "The elements for which the lambda is true.",
     .example = "filter([1, 2, null, 3], x -> x >= 2)",
     .result = "[2,3]",
     .over = SX_OVER_FILTER},
    {.signature = "filter(m map<T>, f (k string, v T) -> bool) map<T>",
     .summary = "The keys and values for which the lambda is true.",
     .example = "filter(map { \"a\": 1, \"b\": 2 }, (k, v) -> v > 1 and k != \"a\")",
     .result = "{\"b\":2}",
     .over = SX_OVER_FILTER},
    {.signature = "reduce(items array<T>, init S, f (acc S, x T) -> S) S",
     .summary =
         "The value after the last element: the lambda gives it from the one before, at first `init`, and "
         "an element; it is cast to the type of `init`.",
     .example = "reduce([1, 2, 3], 0, (acc, x) -> acc + x)",
     .result = "6",
     .over = SX_OVER_REDUCE},
    {.signature = "reduce(m map<T>, init S, f (acc S, k string, v T) -> S) S",
     .summary = "The same over the keys and values of a map, in the order of the keys.",
     .example = "reduce(map { \"b\": 2, \"a\": 1 }, \"\", (acc, k, v) -> acc + k + cast(v as string))",
     .result = "\"a1b2\"",
     .over = SX_OVER_REDUCE},
    {.signature = "any(items array<T>, f (x T) -> bool) bool",
     .summary =
         "Is the lambda true for an element? As `or` over them: null if it is for none, and null for one.",
     .example = "any([1, 2, 3], x -> x > 2)",
     .result = "true",
     .over = SX_OVER_ANY},
    {.signature = "any(m map<T>, f (k string, v T) -> bool) bool",
     .summary = "The same over the keys and values of a map.",
     .example = "any(map { \"a\": 1 }, (k, v) -> v > 2)",
     .result = "false",
     .over = SX_OVER_ANY},
    {.signature = "all(items array<T>, f (x T) -> bool) bool",
     .summary = "Is the lambda true for every element? As `and` over them: true if there is none.",
     .example = "all([1, 2, 3], x -> x > 2)",
     .result = "false",
     .over = SX_OVER_ALL},
    {.signature = "all(m map<T>, f (k string, v T) -> bool) bool",
     .summary = "The same over the keys and values of a map.",
     .example = "all(map { \"a\": 1 }, (k, v) -> k == \"a\")",
     .result = "true",
     .over = SX_OVER_ALL},
};

const struct sx_function_table sx_functions_lambdas = SX_ROWS_OF("lambdas", rows);
