/* main.c: the suites of unit_run. */
#include "tests/unit/unit.h"

void suite_engine(void);

SX_UNIT_MAIN(suite_engine())
