/* builtin.c: expands every `.def` into the built-in catalogue; the only file that names all of them. */
#include "streamd/builtin.h"

#include "operators/cron.h"
#include "operators/functions/topic_pattern.h"
#include "operators/repartition.h"
#include "operators/source.h"

#define SX_OPERATOR(name) extern const struct sx_operator_def sx_operator_##name;
#include "operators/operators.def"
#undef SX_OPERATOR
#define SX_FUNCTIONS(name) extern const struct sx_function_table sx_functions_##name;
#include "operators/functions/functions.def"
#undef SX_FUNCTIONS
#define SX_AGGREGATES(name) extern const struct sx_aggregate_table sx_aggregates_##name;
#include "operators/aggregates/aggregates.def"
#undef SX_AGGREGATES

static const struct sx_operator_def *const operators[] = {
#define SX_OPERATOR(name) &sx_operator_##name,
#include "operators/operators.def"
#undef SX_OPERATOR
};

static const struct sx_function_table *const functions[] = {
#define SX_FUNCTIONS(name) &sx_functions_##name,
#include "operators/functions/functions.def"
#undef SX_FUNCTIONS
};

static const struct sx_aggregate_table *const aggregates[] = {
#define SX_AGGREGATES(name) &sx_aggregates_##name,
#include "operators/aggregates/aggregates.def"
#undef SX_AGGREGATES
};

const struct sx_catalog sx_builtin_catalog = {
    .operators = operators,
    .operator_count = SX_COUNT(operators),
    .functions = functions,
    .function_table_count = SX_COUNT(functions),
    .aggregates = aggregates,
    .aggregate_table_count = SX_COUNT(aggregates),
    .bind_source = sx_source_operator_bind,
    .topic_pattern = sx_topic_pattern_new,
    .schedule = sx_cron_read,
    .bind_repartition = sx_repartition_bind,
};
