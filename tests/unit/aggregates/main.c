/* main.c: the suites of operators/aggregates. */
#include "tests/unit/unit.h"

void suite_aggregates(void);

SX_UNIT_MAIN(suite_aggregates())
